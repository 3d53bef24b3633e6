//! How often the vendors are asked: fifty secrets, five containers, and every call counted.

use std::collections::BTreeMap;

use serde_json::json;

use crate::story::Story;

const SECRETS: usize = 50;
const CONTAINERS: usize = 5;

/// Calls by method and path, in which every name of a secret, a container or an id is an asterisk.
type Counts = BTreeMap<String, usize>;

fn fifty(source: &str, target: &str, more: &str) -> Story {
    let story = Story::new();
    let repositories: serde_json::Map<_, _> = (0..CONTAINERS)
        .map(|number| (format!("molecule-ai/repository-{number}"), json!({})))
        .collect();
    story
        .sandbox
        .seed(json!({ "github": { "repositories": repositories } }));
    story.write(&format!(
        "resource \"rotation_secret\" \"it\" {{\n  count = {SECRETS}\n  name = \"SECRET_${{count.index}}\"\n  source = {source}\n  \
         targets = {{ it = {target} }}\n  {more}\n}}\n"
    ));
    story.sandbox.forget_calls();
    story
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

/// Creates fifty and plans once more, and compares both with these counts.
#[track_caller]
fn asks(source: &str, create: &[(&str, usize)], plan: &[(&str, usize)]) {
    let story = fifty(source, REPOSITORY, "");
    story.run(&["apply", "-auto-approve"]).success();
    let mut expected = of_repositories();
    expected.extend(counts(create));
    assert_eq!(counted(&story), expected, "create");
    story.settled();
    assert_eq!(counted(&story), counts(plan), "plan");
}

#[test]
fn a_repository_is_listed_once_however_many_secrets_it_holds() {
    asks(RANDOM, &[], &[LISTS]);
}

#[test]
fn the_tokens_of_an_app_are_listed_once_and_a_new_one_is_known_without_a_list() {
    let source = r#"{ fly_token = { app = "molecule-cp" } }"#;
    let create = [
        // The list of tokens, and whose they will be.
        ("POST /graphql app", 2),
        ("POST /graphql createLimitedAccessToken", SECRETS),
    ];
    asks(source, &create, &[LISTS, ("POST /graphql app", 1)]);
}

#[test]
fn the_keys_of_an_organization_are_listed_once_and_a_new_one_is_known_without_a_list() {
    let source = r#"{ neon_api_key = { organization_id = "org-quiet-sea-12345678" } }"#;
    let keys = "/api/v2/organizations/org-quiet-sea-12345678/api_keys";
    let (list, mint) = (format!("GET {keys}"), format!("POST {keys}"));
    asks(source, &[(&list, 1), (&mint, SECRETS)], &[LISTS, (&list, 1)]);
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

/// How many names share a call depends on how many are asked for at the same moment; of ten, the CLI's default, one in a call is the
/// worst case.
#[test]
fn parameters_that_are_asked_for_together_share_a_call() {
    let target = r#"{ ssm_parameter = { name = "/molecule/SECRET_${count.index}" } }"#;
    let story = fifty(RANDOM, target, "overlap = \"0s\"");
    story.run(&["apply", "-auto-approve"]).success();
    assert_eq!(counted(&story)["POST / AmazonSSM.PutParameter"], SECRETS);
    story.settled();
    let mut asked = counted(&story);
    assert_eq!(asked.remove("POST / GetCallerIdentity"), Some(1));
    let looks = asked.remove("POST / AmazonSSM.DescribeParameters").unwrap();
    assert!(
        (SECRETS / 10..SECRETS).contains(&looks),
        "{looks} calls for {SECRETS} names"
    );
    assert_eq!(asked, Counts::new());
}
