//! What a read shows to be impossible is refused while the old credential works and nothing new is made.

use serde_json::{Value, json};

use crate::story::{FLY_TOKEN, NAME, REPOSITORY, Story, says, unframed};
use crate::truth::{fly_secret, machine_values, ours, password};

/// A password that has one holder, so that a new one ends the old one at once.
const PASSWORD: &str = r#"source = { neon_role_password = {
    project_id = "quiet-river-12345678", branch_id = "br-main-123456", role = "app" } }"#;
const SHOP: &str = r#"targets = { shop = { part = "password", fly_secret = { app = "shop" } } }"#;
const SECRET: &str = r#"targets = { ci = { github_actions_secret = { repository = "molecule-monorepo" } } }"#;
const LEAK: &str = "rotation_reason = \"leaked\"";

fn check(arguments: &str) -> String {
    format!(
        "checks = {{ wf = {{ github_workflow = {{ repository = \"molecule-monorepo\", workflow = \"publish-platform-image.yml\"\n{arguments} }} }} }}"
    )
}

fn host_of_one_machine(story: &Story, status: &str) {
    let machines = json!([{ "checks": true }, { "checks": true, "host_status": status }]);
    story
        .sandbox
        .seed(json!({ "fly": { "apps": { "shop": { "machines": machines } } } }));
}

fn change_repository(story: &Story, change: &Value) {
    story
        .sandbox
        .seed(json!({ "github": { "repositories": { REPOSITORY: change } } }));
}

/// An apply that is refused before it writes anything; what it said.
#[track_caller]
fn refused(story: &Story, words: &[&str]) -> String {
    story.sandbox.forget_calls();
    let said = story.fails();
    says(&said, words);
    story.wrote_nothing();
    unframed(&said)
}

#[test]
fn a_machine_on_an_unreachable_host_stops_a_rotation_while_the_old_password_works() {
    let story = Story::new();
    host_of_one_machine(&story, "ok");
    story.configure(&[PASSWORD, SHOP]);
    story.apply();
    let works = password(&story, "app");
    // The host goes dark.
    let change = json!({ "host_status": "unreachable" });
    story.sandbox.seed(json!({ "fly": { "apps": { "shop": change } } }));
    story.configure(&[PASSWORD, SHOP, LEAK]);
    let said = refused(
        &story,
        &[
            "Fly cannot reach the host of machine",
            "so it would keep the old value. Wait until the host is back, or destroy the machine (fly machine destroy",
            "--app shop --force), then apply again.",
        ],
    );
    assert!(!said.contains("Check the network"), "{said}");
    assert_eq!(password(&story, "app"), works);
    assert!(
        machine_values(&story, "shop", NAME)
            .iter()
            .all(|value| value.as_ref() == Some(&works))
    );
    // The way out.
    let change = json!({ "host_status": "ok" });
    story.sandbox.seed(json!({ "fly": { "apps": { "shop": change } } }));
    story.apply();
    assert_ne!(password(&story, "app"), works);
    assert_eq!(fly_secret(&story, "shop", NAME), Some(password(&story, "app")));
}

#[test]
fn a_machine_that_nothing_is_to_be_done_about_holds_no_staged_secret_up() {
    let story = Story::new();
    host_of_one_machine(&story, "unreachable");
    let staged = SHOP.replace("app = \"shop\"", "app = \"shop\", stage = true");
    story.configure(&[PASSWORD, &staged]);
    story.run(&["apply", "-auto-approve"]).success();
    assert_eq!(fly_secret(&story, "shop", NAME), Some(password(&story, "app")));
}

#[test]
fn a_fly_token_that_may_only_read_is_refused_before_the_mint() {
    let mut story = Story::new();
    host_of_one_machine(&story, "ok");
    story
        .sandbox
        .seed(json!({ "fly": { "tokens": [{ "organization": "molecule", "name": "reader", "read_only": true }] } }));
    let tokens = story.sandbox.state()["fly"]["tokens"].clone();
    let reader = tokens
        .as_array()
        .unwrap()
        .iter()
        .find(|token| token["name"] == "reader");
    let reader = reader.unwrap()["value"].as_str().unwrap().to_owned();
    let works = password(&story, "app");
    story.workspace.set("FLY_API_TOKEN", &reader);
    story.configure(&[PASSWORD, SHOP]);
    refused(
        &story,
        &[
            "The token in FLY_API_TOKEN (or fly.token) may read app shop but not write to it. Use a deploy token for \
             the app or an organization token.",
        ],
    );
    assert_eq!(password(&story, "app"), works);
}

#[test]
fn a_workflow_that_cannot_be_started_is_refused_before_the_mint() {
    let file = "publish-platform-image.yml";
    let of_workflow = |change: Value| json!({ "workflows": { file: change } });
    for (change, arguments, words) in [
        (
            of_workflow(json!({ "state": "disabled_inactivity" })),
            "",
            "The workflow cannot be started: its state is disabled_inactivity. Enable it (gh workflow enable publish-platform-image.yml \
             --repo molecule-ai/molecule-monorepo).",
        ),
        (
            of_workflow(json!({ "triggers": ["push"] })),
            "",
            ".github/workflows/publish-platform-image.yml on main has no trigger workflow_dispatch, so it cannot be started. Add \
             `workflow_dispatch:` under `on:` there.",
        ),
        (
            json!({}),
            "ref = \"release/2\"",
            "Repository molecule-ai/molecule-monorepo has no branch or tag \"release/2\". Correct `ref`, or leave it out for the default \
             branch.",
        ),
        (
            json!({ "branches": ["release/2"], "workflows": { file: { "only_on": "main" } } }),
            "ref = \"release/2\"",
            "There is no file .github/workflows/publish-platform-image.yml on release/2. Add the workflow there, or correct `ref`.",
        ),
        (
            json!({ "archived": true }),
            "",
            "Repository molecule-ai/molecule-monorepo is archived and read-only. Unarchive it",
        ),
    ] {
        let story = Story::new();
        change_repository(&story, &change);
        story.configure(&[FLY_TOKEN, SECRET, &check(arguments)]);
        refused(&story, &[words]);
        assert_eq!(ours(&story), []);
    }
}

#[test]
fn a_workflow_runs_on_the_default_branch_or_on_the_tag_that_is_named() {
    for (change, arguments, told) in [
        (json!({ "default_branch": "master" }), "", "on its default branch"),
        (json!({ "tags": ["v2"] }), "ref = \"v2\"", "on v2"),
        (
            json!({ "branches": ["rel/2"] }),
            "ref = \"refs/heads/rel/2\"",
            "on refs/heads/rel/2",
        ),
    ] {
        let story = Story::new();
        change_repository(&story, &change);
        story.configure(&[FLY_TOKEN, SECRET, &check(arguments)]);
        let said = unframed(&story.apply());
        assert!(said.contains(told), "{said}");
        let runs = story.sandbox.state()["github"]["repositories"][REPOSITORY]["runs"].clone();
        assert_eq!(runs.as_array().map(Vec::len), Some(1), "{runs}");
    }
}

#[test]
fn a_github_token_that_may_not_write_is_refused_before_the_mint() {
    for (token, words) in [
        (
            json!({ "value": "ghp_reader", "scopes": "read:org, workflow" }),
            "The classic token that this run authenticates with has only the scopes read:org, workflow. Give it the scope \"repo\", or use \
             a fine-grained token with \"Secrets: write\" for molecule-ai/molecule-monorepo.",
        ),
        (
            json!({ "value": "ghp_reader", "account_writes": false }),
            "The account that this run authenticates as may read molecule-ai/molecule-monorepo but not write to it. Give it the role \
             Write, or use a token of another account.",
        ),
    ] {
        let mut story = Story::new();
        story.sandbox.seed(json!({ "github": { "tokens": [token] } }));
        story.workspace.set("GITHUB_TOKEN", "ghp_reader");
        story.configure(&[FLY_TOKEN, SECRET]);
        refused(&story, &[words]);
        assert_eq!(ours(&story), []);
    }
}
