//! Checks: what they prevent when they fail, and what they send.

use serde_json::json;

use crate::story::{FLY_TARGET, FLY_TOKEN, NAME, Story};
use crate::truth::{alive, fly_secret, ours, the_token};

fn health(story: &Story, more: &str) -> String {
    let url = story.sandbox.export("PLATFORM_URL");
    format!(
        "checks = {{\n    up = {{ retry_for = \"1s\", {more}http = {{ url = \"{url}/health\", expect_json = jsonencode({{ status = \"ok\" }}) }} }}\n  }}"
    )
}

#[test]
fn a_failed_check_keeps_the_old_token_alive_and_the_next_apply_finishes() {
    let story = Story::new();
    let checks = health(&story, "");
    story.configure(&[FLY_TOKEN, FLY_TARGET, &checks]);
    story.apply();
    let old = the_token(&story);
    story.sandbox.seed(json!({ "platform": { "healthy": false } }));
    story.configure(&[FLY_TOKEN, FLY_TARGET, &checks, "rotate_now = \"once\""]);
    let said = story.fails();
    assert!(said.contains("up") && said.contains("503"), "{said}");
    assert!(said.contains(&old.id), "says that the old one is alive: {said}");
    assert_eq!(alive(&story).len(), 2);
    assert_eq!(story.attributes()["phase"], "partial");
    let plan = story.plan();
    assert!(plan.contains("finish generation 2"), "{plan}");
    story.sandbox.seed(json!({ "platform": { "healthy": true } }));
    story.apply();
    let newest = the_token(&story);
    assert_eq!(ours(&story).len(), 2, "nothing was minted again");
    assert!(newest.name.ends_with("-g2"));
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), Some(newest.value));
    assert_eq!(story.attributes()["phase"], "settled");
    assert_eq!(story.attributes()["last_rotation"]["checks"][0]["name"], "up");
}

#[test]
fn a_failed_preflight_stops_before_anything_is_minted() {
    let story = Story::new();
    story.sandbox.seed(json!({ "platform": { "healthy": false } }));
    story.configure(&[FLY_TOKEN, FLY_TARGET, &health(&story, "phase = \"preflight\", ")]);
    let said = story.fails();
    assert!(said.contains("up"), "{said}");
    story.wrote_nothing();
    assert_eq!(ours(&story), []);
    assert!(story.has_no_state());
}

#[test]
fn a_post_without_bearer_must_be_refused_with_401() {
    let story = Story::new();
    let url = story.sandbox.export("PLATFORM_URL").to_owned();
    let check = |path: &str| {
        format!(
            "checks = {{\n    closed = {{ retry_for = \"1s\", http = {{ url = \"{url}{path}\", method = \"POST\", credential = \"none\", \
             headers = {{ Authorization = \"Bearer {{{{ value }}}}\" }}, expect_status = [401] }} }}\n  }}"
        )
    };
    story.configure(&[FLY_TOKEN, FLY_TARGET, &check("/settings/secrets")]);
    story.apply();
    let calls = story.sandbox.calls();
    assert!(
        calls.iter().any(|call| call.line == "POST /settings/secrets"),
        "{calls:#?}"
    );
    // The same check where the path does not ask for a credential: it answers, so the check fails.
    story.configure(&[FLY_TOKEN, FLY_TARGET, &check("/health"), "rotate_now = \"once\""]);
    let said = story.fails();
    assert!(
        said.contains("closed") && said.contains("200") && said.contains("401"),
        "{said}"
    );
    assert_eq!(alive(&story).len(), 2);
}

#[test]
fn a_check_presents_the_new_credential() {
    let story = Story::new();
    let url = story.sandbox.export("PLATFORM_URL").to_owned();
    let random = "source = { random = { bytes = 32, encoding = \"hex\" } }";
    let check = format!(
        "checks = {{\n    accepted = {{ retry_for = \"1s\", http = {{ url = \"{url}/settings/secrets\", headers = {{ Authorization = \"Bearer {{{{ value }}}}\" }} }} }}\n  }}"
    );
    story.configure(&[random, FLY_TARGET, &check]);
    // The platform does not know the value yet.
    let said = story.fails();
    assert!(said.contains("accepted") && said.contains("401"), "{said}");
    let value = fly_secret(&story, "molecule-cp", NAME).unwrap();
    assert!(!said.contains(&value));
    story.sandbox.seed(json!({ "platform": { "bearer": value } }));
}

#[test]
fn a_workflow_that_succeeds_proves_a_rotation_and_one_that_fails_stops_it() {
    let story = Story::new();
    story.sandbox.seed(json!({ "github": { "repositories": { "molecule-ai/molecule-monorepo": { "workflows": { "broken.yml": "failure" } } } } }));
    let check = |file: &str| {
        format!(
            "checks = {{\n    image = {{ github_workflow = {{ repository = \"molecule-monorepo\", workflow = \"{file}\" }} }}\n  }}"
        )
    };
    story.configure(&[FLY_TOKEN, FLY_TARGET, &check("publish-platform-image.yml")]);
    story.apply();
    let runs = story.sandbox.state()["github"]["repositories"]["molecule-ai/molecule-monorepo"]["runs"].clone();
    assert_eq!(runs.as_array().unwrap().len(), 1);
    story.configure(&[FLY_TOKEN, FLY_TARGET, &check("broken.yml"), "rotate_now = \"once\""]);
    let said = story.fails();
    assert!(said.contains("image") && said.contains("failure"), "{said}");
    assert_eq!(alive(&story).len(), 2);
    story.configure(&[
        FLY_TOKEN,
        FLY_TARGET,
        &check("publish-platform-image.yml"),
        "rotate_now = \"once\"",
    ]);
    story.apply();
    assert!(the_token(&story).name.ends_with("-g2"));
}
