//! Places that are no more: a repository, an environment, a branch. And those that only take no writes.

use serde_json::{Value, json};

use crate::story::{FLY_TARGET, NAME, PARAMETER, SSM_TARGET, Story, resource, says};
use crate::truth::{FlyToken, alive, ours, parameter, the_token};

const DOCS: &str = "molecule-ai/molecule-docs";
const TOKEN: &str = r#"source = { fly_token = { app = "molecule-cp" } }"#;
const AT_ONCE: &str = "overlap = \"0s\"";
const LEAK: &str = "rotation_reason = \"leaked\"";

/// A readable target, then one with these arguments.
fn targets(second: &str) -> String {
    format!(
        "targets = {{\n    runtime = {{ ssm_parameter = {{ name = {PARAMETER:?} }} }}\n    docs = {{ wave = 2, {second} }}\n  }}"
    )
}

fn repository() -> String {
    targets("github_actions_secret = { repository = \"molecule-docs\" }")
}

fn environment() -> String {
    targets("github_actions_secret = { repository = \"molecule-docs\", environment = \"staging\" }")
}

fn change_repository(story: &Story, change: &Value) {
    story
        .sandbox
        .seed(json!({ "github": { "repositories": { DOCS: change } } }));
}

/// The status of a delivery in state.
fn status(story: &Story, target: &str) -> Value {
    story.attributes()["deliveries"][target]["status"].clone()
}

/// How often the plan or apply warned with a summary that has these words.
fn warned(said: &str, words: &str) -> usize {
    said.lines()
        .filter(|line| line.contains("Warning: ") && line.contains(words))
        .count()
}

#[track_caller]
fn revoked(story: &Story, token: &FlyToken) {
    let found = ours(story).into_iter().find(|one| one.id == token.id).unwrap();
    assert!(!found.alive, "{found:?}");
}

#[test]
fn a_deleted_repository_warns_once_refuses_before_the_mint_and_lets_go_when_taken_out() {
    let story = Story::begun(&[TOKEN, AT_ONCE, &repository()]);
    let leaked = the_token(&story);
    change_repository(&story, &Value::Null);
    let plan = story.run(&["plan"]).success();
    assert_eq!(warned(&plan, "docs"), 1, "{plan}");
    says(
        &plan,
        &["docs", "molecule-ai/molecule-docs", "remove the target from `targets`"],
    );
    // An emergency.
    story.configure(&[TOKEN, AT_ONCE, &repository(), LEAK]);
    let said = story.fails();
    says(
        &said,
        &["targets[\"docs\"]", "does not exist", "The next apply will rotate"],
    );
    let said = story.run(&["apply", "-auto-approve", "-refresh=false"]).output;
    says(
        &said,
        &[
            "Error: targets[\"docs\"]",
            "If it no longer exists, remove the target from `targets`.",
        ],
    );
    assert_eq!(ours(&story), std::slice::from_ref(&leaked));
    // The way out.
    story.configure(&[TOKEN, AT_ONCE, SSM_TARGET, LEAK]);
    let said = story.apply();
    says(&said, &["was left in place", "or it is gone"]);
    let newest = the_token(&story);
    revoked(&story, &leaked);
    assert_eq!(parameter(&story, PARAMETER), Some(newest.value));
}

#[test]
fn a_secret_with_a_deleted_repository_is_destroyed_with_a_warning() {
    let story = Story::begun(&[TOKEN, AT_ONCE, &repository()]);
    change_repository(&story, &Value::Null);
    let said = story.destroy();
    says(&said, &["molecule-ai/molecule-docs", "was left in place"]);
    assert_eq!(alive(&story), []);
    assert_eq!(parameter(&story, PARAMETER), None);
    assert!(story.has_no_state());
}

#[test]
fn a_deleted_environment_is_gone_and_holds_only_the_revocation_up() {
    let mut story = Story::begun(&[TOKEN, AT_ONCE, &environment()]);
    let first = the_token(&story);
    change_repository(&story, &json!({ "deleted_environments": ["staging"] }));
    let plan = story.run(&["plan"]).success();
    says(&plan, &["gone", "docs"]);
    // Rotation goes on with the rest.
    story.configure(&[TOKEN, AT_ONCE, &environment(), LEAK]);
    let said = story.run(&["apply", "-auto-approve"]).success();
    let newest = ours(&story).pop().unwrap();
    assert_ne!(newest, first, "{said}");
    assert_eq!(parameter(&story, PARAMETER), Some(newest.value.clone()));
    assert_eq!(status(&story, "docs"), "gone");
    assert_eq!(alive(&story).len(), 2, "the revocation waits");
    let notices = story.attributes()["notices"].to_string();
    assert!(
        notices.contains("\"gone\"") && notices.contains("\"revoke_waits\""),
        "{notices}"
    );
    story.clock("48h");
    drop(story.run(&["apply", "-auto-approve"]));
    assert_eq!(alive(&story).len(), 2, "it still waits");
    // Until the target is taken out.
    story.configure(&[TOKEN, AT_ONCE, SSM_TARGET, LEAK]);
    story.apply();
    assert_eq!(the_token(&story), newest);
    revoked(&story, &first);
}

#[test]
fn a_list_of_environments_that_may_not_be_read_proves_nothing() {
    let story = Story::begun(&[TOKEN, AT_ONCE, &environment()]);
    change_repository(&story, &json!({ "deleted_environments": ["staging"] }));
    story
        .sandbox
        .lasting_fault(&format!("GET /repos/{DOCS}/environments "), "forbidden");
    drop(story.run(&["apply", "-refresh-only", "-auto-approve"]).success());
    assert_eq!(status(&story, "docs"), "unknown");
    story.sandbox.heal();
    drop(story.run(&["apply", "-refresh-only", "-auto-approve"]).success());
    assert_eq!(status(&story, "docs"), "gone");
}

/// The source on a branch of the sandbox's project.
fn role_on(branch: &str) -> String {
    format!(
        "source = {{ neon_role_password = {{\n project_id = \"quiet-river-12345678\", branch_id = {branch:?}, role = \"app\" }} }}"
    )
}

const URI: &str =
    r#"targets = { runtime = { part = "uri", ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } } }"#;

fn change_branch(story: &Story, change: &Value) {
    let branches = json!({ "br-old-1": change });
    story
        .sandbox
        .seed(json!({ "neon": { "projects": { "quiet-river-12345678": { "branches": branches } } } }));
}

fn on_a_branch_that_is_deleted() -> Story {
    let story = Story::new();
    change_branch(&story, &json!({}));
    story.configure(&[&role_on("br-old-1"), URI]);
    story.apply();
    change_branch(&story, &Value::Null);
    story
}

#[test]
fn a_deleted_branch_as_the_source_is_gone_and_another_one_takes_its_place() {
    let story = on_a_branch_that_is_deleted();
    let plan = story.run(&["plan"]).success();
    says(&plan, &["gone", "br-old-1"]);
    story.configure(&[&role_on("br-main-123456"), URI]);
    story.plan();
    story.apply();
    let uri = parameter(&story, PARAMETER).unwrap();
    let password = crate::truth::password(&story, "app");
    assert!(uri.starts_with(&format!("postgresql://app:{password}@")), "{uri}");
    drop(story.run(&["apply", "-refresh-only", "-auto-approve"]).success());
    let credentials = story.attributes()["credentials"].clone();
    assert_eq!(
        credentials["1"]["status"], "disabled",
        "its password is dead: {credentials}"
    );
    assert_eq!(credentials["2"]["status"], "current", "{credentials}");
    story.settled();
}

#[test]
fn a_secret_of_a_deleted_branch_is_destroyed() {
    let story = on_a_branch_that_is_deleted();
    story.destroy();
    assert_eq!(parameter(&story, PARAMETER), None);
    assert!(story.has_no_state());
}

#[test]
fn an_archived_repository_is_refused_before_the_mint_and_taking_it_out_holds_nothing_up() {
    let story = Story::begun(&[TOKEN, AT_ONCE, &repository()]);
    let leaked = the_token(&story);
    change_repository(&story, &json!({ "archived": true }));
    story.configure(&[TOKEN, AT_ONCE, &repository(), LEAK]);
    story.sandbox.forget_calls();
    let said = story.fails();
    says(
        &said,
        &[
            "Repository molecule-ai/molecule-docs is archived and read-only. Unarchive it, or remove the target from `targets` with \
             on_remove = \"keep\"",
            "The next apply will rotate",
        ],
    );
    assert!(!said.contains("permission"), "{said}");
    story.wrote_nothing();
    assert_eq!(ours(&story), std::slice::from_ref(&leaked));
    // Without the target, with or without `on_remove`: GitHub refuses to delete the entry.
    story.configure(&[TOKEN, AT_ONCE, SSM_TARGET, LEAK]);
    let said = story.apply();
    says(
        &said,
        &[
            "was left in place",
            "It could not be deleted. ",
            "Unarchive molecule-ai/molecule-docs",
        ],
    );
    assert!(!said.contains("permission"), "{said}");
    revoked(&story, &leaked);
    assert_eq!(parameter(&story, PARAMETER), Some(the_token(&story).value));
}

#[test]
fn a_refused_read_of_one_secret_stops_no_other() {
    let story = Story::new();
    let both = |reason: &str| {
        let random = "source = { random = { bytes = 32, encoding = \"hex\" } }";
        let parameter = "targets = { it = { ssm_parameter = { name = \"/other\" } } }";
        story.write(&format!(
            "{}{}",
            resource("it", NAME, &[TOKEN, AT_ONCE, &repository(), reason]),
            resource("other", "OTHER", &[random, parameter, reason])
        ));
    };
    both("");
    story.apply();
    let (token, other) = (the_token(&story), parameter(&story, "/other"));
    story.sandbox.lasting_fault(&format!("GET /repos/{DOCS}"), "forbidden");
    both(LEAK);
    story.fails();
    assert_ne!(parameter(&story, "/other"), other, "the other secret has rotated");
    assert_eq!(story.attributes_of("other")["generation"], 2);
    assert_eq!(ours(&story), [token], "and this one made nothing");
    story.sandbox.heal();
    story.apply();
    assert_eq!(story.attributes()["generation"], 2);
}

#[test]
fn the_host_of_the_vendor_is_part_of_the_state() {
    let story = Story::begun(&[TOKEN, AT_ONCE, &repository()]);
    let host = story.sandbox.export("SANDBOX_URL").strip_prefix("http://").unwrap();
    let slot = story.attributes()["deliveries"]["docs"]["slot"].clone();
    assert_eq!(slot, format!("github_actions_secret:default://{host}/{DOCS}/{NAME}"));
}

const NOTICES: &str = "output \"notices\" {\n  value = rotation_secret.it.notices\n}\n";
const UNREADABLE: [&str; 2] = [TOKEN, "overlap = \"1h\""];

/// The control plane, and a repository under this key.
fn repository_as(key: &str, more: &str) -> String {
    format!(
        "targets = {{\n control_plane = {{ fly_secret = {{ app = \"molecule-cp\" }} }}\n \
         {key} = {{ wave = 2, {more}github_actions_secret = {{ repository = \"molecule-monorepo\" }} }}\n}}"
    )
}

fn with_notices(story: &Story, targets: &str) {
    story.write(&(resource("it", NAME, &[&UNREADABLE[..], &[targets]].concat()) + NOTICES));
}

#[test]
fn a_target_that_is_renamed_while_it_cannot_be_read_is_not_rotated_once_it_can() {
    let story = Story::new();
    with_notices(&story, &repository_as("docs", ""));
    story.apply();
    let token = the_token(&story);
    story.sandbox.lasting_fault("/repos/", "forbidden");
    story.apply();
    with_notices(&story, &repository_as("renamed", ""));
    story.apply();
    let notice = &story.attributes()["notices"][0];
    assert_eq!(
        (&notice["code"], &notice["subject"]),
        (&json!("unreachable"), &json!("renamed"))
    );
    story.sandbox.heal();
    story.apply();
    assert_eq!(the_token(&story), token);
    assert_eq!(story.attributes()["deliveries"]["renamed"]["status"], "current");
}

#[test]
fn nothing_more_is_said_of_a_target_that_left_the_configuration() {
    for keep in ["", "on_remove = \"keep\", "] {
        let story = Story::new();
        with_notices(&story, &repository_as("docs", keep));
        story.apply();
        story.sandbox.lasting_fault("/repos/", "forbidden");
        story.apply();
        assert_eq!(story.attributes()["notices"][0]["subject"], "docs");
        with_notices(&story, FLY_TARGET);
        story.apply();
        assert_eq!(story.attributes()["notices"], json!([]));
    }
}
