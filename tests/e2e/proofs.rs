//! Checks: what they prevent when they fail, and what they send.

use serde_json::json;

use crate::story::{FLY_TARGET, FLY_TOKEN, NAME, Story, unframed};
use crate::truth::{alive, fly_secret, machine_values, ours, the_token};

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
    story.configure(&[FLY_TOKEN, FLY_TARGET, &checks, "rotation_reason = \"once\""]);
    let said = story.fails();
    assert!(said.contains("up") && said.contains("503"), "{said}");
    assert!(said.contains(&old.id), "says that the old one is alive: {said}");
    assert_eq!(alive(&story).len(), 2);
    assert_eq!(story.attributes()["phase"], "partial");
    let plan = story.plan();
    for words in ["= \"finish\"", "+ \"wave 1: check up of generation 2"] {
        assert!(plan.contains(words), "{words} is not in\n{plan}");
    }
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
            "checks = {{\n    closed = {{ effects = true, retry_for = \"1s\", http = {{ url = \"{url}{path}\", method = \"POST\", credential = \"none\", \
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
    // Where the route is not mounted there is no refusal either, and the check says so.
    story.configure(&[FLY_TOKEN, FLY_TARGET, &check("/health"), "rotation_reason = \"once\""]);
    let said = story.fails();
    assert!(
        said.contains("closed") && said.contains("404") && said.contains("expected 401"),
        "{said}"
    );
    assert_eq!(alive(&story).len(), 2);
}

#[test]
fn a_check_presents_the_new_credential_and_fails_where_it_is_not_accepted() {
    let story = Story::new();
    let url = story.sandbox.export("SANDBOX_URL").to_owned();
    let check = |path: &str| {
        format!(
            "checks = {{\n    accepted = {{ retry_for = \"1s\", http = {{ url = \"{url}{path}\", headers = {{ Authorization = \"Bearer {{{{ value }}}}\" }} }} }}\n  }}"
        )
    };
    let asks_fly = check("/v1/apps/molecule-cp/secrets");
    story.configure(&[FLY_TOKEN, FLY_TARGET, &asks_fly]);
    story.apply();
    story.configure(&[FLY_TOKEN, FLY_TARGET, &asks_fly, "rotation_reason = \"once\""]);
    story.apply();
    assert!(the_token(&story).name.ends_with("-g2"));
    // The platform does not know Fly's tokens, and no answer of its own shows the value.
    story.configure(&[
        FLY_TOKEN,
        FLY_TARGET,
        &check("/settings/secrets"),
        "rotation_reason = \"twice\"",
    ]);
    let said = story.fails();
    assert!(said.contains("accepted") && said.contains("401"), "{said}");
    let value = fly_secret(&story, "molecule-cp", NAME).unwrap();
    assert!(!said.contains(&value));
    assert_eq!(alive(&story).len(), 2, "nothing is revoked");
}

#[test]
fn a_machine_that_dies_of_the_new_value_stops_the_roll_and_keeps_the_old_token() {
    let story = Story::begun(&[FLY_TOKEN, FLY_TARGET]);
    let old = the_token(&story);
    let dying = |code: u8| json!({ "fly": { "apps": { "molecule-cp": { "exit_code": code } } } });
    story.sandbox.seed(dying(1));
    story.configure(&[FLY_TOKEN, FLY_TARGET, "rotation_reason = \"once\""]);
    let said = unframed(&story.fails());
    assert!(
        said.contains("control_plane") && said.contains("fly machine status"),
        "{said}"
    );
    assert!(
        said.contains("exit code 1") && !said.contains("unknown whether"),
        "{said}"
    );
    assert_eq!(alive(&story).len(), 2);
    let running = machine_values(&story, "molecule-cp", NAME);
    assert_eq!(
        running,
        [Some(old.value)],
        "the roll ends at the first machine that fails"
    );
    // It stays down, and a machine that gave up is no machine that rests.
    let said = unframed(&story.fails());
    assert!(said.contains("exit code 1"), "{said}");
    assert_eq!(alive(&story).len(), 2);
    // Mended and started by hand, then the roll is taken up again with the same token.
    story.sandbox.seed(dying(0));
    let machines = story.sandbox.state()["fly"]["apps"]["molecule-cp"]["machines"].clone();
    let down = machines
        .as_object()
        .unwrap()
        .iter()
        .find(|(_, machine)| machine["state"] == "stopped" && !machine["env"][NAME].is_null());
    start_machine(&story, down.unwrap().0);
    story.apply();
    let newest = the_token(&story);
    assert!(newest.name.ends_with("-g2"));
    let running = machine_values(&story, "molecule-cp", NAME);
    assert_eq!(running, [Some(newest.value.clone()), Some(newest.value)]);
}

/// As `fly machine start` does.
fn start_machine(story: &Story, id: &str) {
    let token = story.sandbox.export("FLY_API_TOKEN").to_owned();
    let path = format!("/v1/apps/molecule-cp/machines/{id}/start");
    let (status, _) = story
        .sandbox
        .call("POST", &path, &[("authorization", &token)], &json!({}));
    assert_eq!(status, 200);
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
    story.configure(&[
        FLY_TOKEN,
        FLY_TARGET,
        &check("broken.yml"),
        "rotation_reason = \"once\"",
    ]);
    let said = story.fails();
    assert!(said.contains("image") && said.contains("failure"), "{said}");
    assert_eq!(alive(&story).len(), 2);
    story.configure(&[
        FLY_TOKEN,
        FLY_TARGET,
        &check("publish-platform-image.yml"),
        "rotation_reason = \"once\"",
    ]);
    story.apply();
    assert!(the_token(&story).name.ends_with("-g2"));
}
