//! How often the vendors are asked: fifty secrets, five containers, and every call counted.

use std::collections::BTreeMap;

use serde_json::json;

use crate::story::{Story, says};
use crate::truth::github_secret;

const SECRETS: usize = 50;
const CONTAINERS: usize = 5;

/// Calls by method and path, in which every name of a secret, a container or an id is an asterisk.
type Counts = BTreeMap<String, usize>;

fn fifty(source: &str, target: &str, more: &str) -> Story {
    let story = seeded();
    story.write(&secrets(source, target, more));
    story
}

fn seeded() -> Story {
    let story = Story::new();
    let repositories: serde_json::Map<_, _> = (0..CONTAINERS)
        .map(|number| (format!("molecule-ai/repository-{number}"), json!({})))
        .collect();
    story
        .sandbox
        .seed(json!({ "github": { "repositories": repositories } }));
    story.sandbox.forget_calls();
    story
}

fn secrets(source: &str, target: &str, more: &str) -> String {
    format!(
        "resource \"rotation_secret\" \"it\" {{\n  count = {SECRETS}\n  name = \"SECRET_${{count.index}}\"\n  source = {source}\n  \
         targets = {{ it = {target} }}\n  {more}\n}}\n"
    )
}

fn counted(story: &Story) -> Counts {
    let mut counts = Counts::new();
    for call in story.sandbox.calls() {
        let words = call.line;
        let words = words.split(['/', '?']).map(|word| match word {
            _ if word.contains("SECRET_") || word.starts_with("repository-") || word == "molecule-cp" => "*",
            _ => word,
        });
        *counts.entry(words.collect::<Vec<_>>().join("/")).or_default() += 1;
    }
    story.sandbox.forget_calls();
    counts
}

const RANDOM: &str = "{ random = { bytes = 32, encoding = \"hex\" } }";
const REPOSITORY: &str = "{ github_actions_secret = { repository = \"repository-${count.index % 5}\" } }";

/// What the repositories take for a create: each is read, listed and asked for its key once, each secret is written and read back.
fn of_repositories() -> Counts {
    counts(&[
        ("GET /repos/molecule-ai/*", CONTAINERS),
        ("GET /repos/molecule-ai/*/actions/secrets", CONTAINERS),
        ("GET /repos/molecule-ai/*/actions/secrets/public-key", CONTAINERS),
        ("PUT /repos/molecule-ai/*/actions/secrets/*", SECRETS),
        ("GET /repos/molecule-ai/*/actions/secrets/*", SECRETS),
    ])
}

const LISTS: (&str, usize) = ("GET /repos/molecule-ai/*/actions/secrets", CONTAINERS);

fn counts(known: &[(&str, usize)]) -> Counts {
    known.iter().map(|(line, count)| ((*line).to_owned(), *count)).collect()
}

/// Creates fifty and plans once more. A create makes the calls of the repositories, `mint` for each secret, and `list` as often as somebody
/// looks after a mint; the plan makes those.
#[track_caller]
fn asks(source: &str, issuer: Option<(&str, &str)>, plan: &[(&str, usize)]) {
    let story = fifty(source, REPOSITORY, "");
    story.run(&["apply", "-auto-approve"]).success();
    let mut made = counted(&story);
    if let Some((list, mint)) = issuer {
        assert_eq!(made.remove(mint), Some(SECRETS), "{mint}");
        let lists = made.remove(list).unwrap();
        assert!((1..=SECRETS + 1).contains(&lists), "{lists} of {list}");
    }
    assert_eq!(made, of_repositories(), "create");
    story.settled();
    assert_eq!(counted(&story), counts(plan), "plan");
}

#[test]
fn a_repository_is_listed_once_however_many_secrets_it_holds() {
    asks(RANDOM, None, &[LISTS]);
}

#[test]
fn a_plan_lists_the_tokens_of_an_app_once() {
    let (list, mint) = ("POST /graphql app", "POST /graphql createLimitedAccessToken");
    asks(
        r#"{ fly_token = { app = "molecule-cp" } }"#,
        Some((list, mint)),
        &[LISTS, (list, 1)],
    );
}

#[test]
fn a_plan_lists_the_keys_of_an_organization_once() {
    let source = r#"{ neon_api_key = { organization_id = "org-quiet-sea-12345678" } }"#;
    let keys = "/api/v2/organizations/org-quiet-sea-12345678/api_keys";
    let (list, mint) = (format!("GET {keys}"), format!("POST {keys}"));
    asks(source, Some((&list, &mint)), &[LISTS, (&list, 1)]);
}

#[test]
fn an_app_is_listed_once_however_many_secrets_it_holds() {
    let story = fifty(RANDOM, r#"{ fly_secret = { app = "molecule-cp" } }"#, "");
    story.run(&["apply", "-auto-approve"]).success();
    story.sandbox.forget_calls();
    story.settled();
    let lists = [("GET /v1/apps/*/machines", 1), ("GET /v1/apps/*/secrets", 1)];
    assert_eq!(counted(&story), counts(&lists));
}

/// The first name is asked for by itself; the second brings the path, which has all of them on one page.
#[test]
fn parameters_of_a_path_are_listed_together() {
    let target = r#"{ ssm_parameter = { name = "/molecule/SECRET_${count.index}" } }"#;
    let story = fifty(RANDOM, target, "overlap = \"0s\"");
    story.run(&["apply", "-auto-approve"]).success();
    assert_eq!(counted(&story)["POST / AmazonSSM.PutParameter"], SECRETS);
    story.settled();
    let lists = [
        ("POST / GetCallerIdentity", 1),
        ("POST / AmazonSSM.DescribeParameters", 2),
    ];
    assert_eq!(counted(&story), counts(&lists));
}

/// How many calls GitHub still permits in this hour.
fn remaining(story: &Story) -> u64 {
    story.sandbox.github_limits()["remaining"].as_u64().unwrap()
}

#[test]
fn a_plan_of_an_unchanged_estate_uses_up_none_of_githubs_limit_where_listings_are_kept() {
    let story = seeded();
    let folder = story.workspace.path().join("listings");
    let provider = format!("provider \"rotation\" {{\n  namespace = \"production\"\n  cache_path = {folder:?}\n}}\n");
    story.write_all(&(provider + &secrets(RANDOM, REPOSITORY, "on_drift = \"rotate\"")));
    story.run(&["apply", "-auto-approve"]).success();
    story.settled();
    let before = remaining(&story);
    story.sandbox.forget_calls();
    story.settled();
    assert_eq!(counted(&story), counts(&[LISTS]), "GitHub is asked all the same");
    assert_eq!(remaining(&story), before);

    // What changes is seen, and counted: the list, and the look at the entry that seems to have changed.
    let by_hand = json!({ "github": { "repositories": { "molecule-ai/repository-3": { "secrets": { "SECRET_3": "typed by hand" } } } } });
    story.a_second_later().sandbox.seed(by_hand);
    let plan = story.plan();
    says(
        &plan,
        &["# rotation_secret.it[3] will be updated", "Plan: 0 to add, 1 to change"],
    );
    assert_eq!(remaining(&story), before - 2);

    let kept: String = std::fs::read_dir(&folder)
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    assert!(kept.contains("SECRET_3"), "{kept}");
    for number in 0..SECRETS {
        let repository = format!("molecule-ai/repository-{}", number % CONTAINERS);
        let value = github_secret(&story, &repository, &format!("SECRET_{number}")).unwrap();
        assert!(!kept.contains(&value), "SECRET_{number}");
    }
}

#[test]
fn a_folder_for_listings_that_cannot_be_made_is_an_error_that_names_it() {
    let story = seeded();
    let file = story.workspace.path().join("listings");
    std::fs::write(&file, "").unwrap();
    let provider = format!("provider \"rotation\" {{\n  namespace = \"production\"\n  cache_path = {file:?}\n}}\n");
    story.write_all(&(provider + &secrets(RANDOM, REPOSITORY, "")));
    let said = story.refused("plan");
    says(&said, &["cache_path cannot be used", "listings", "Name a folder"]);
}
