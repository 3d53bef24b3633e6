//! What was staged goes live by a deployment, which somebody else makes: the next refresh sees it.

use serde_json::{Value, json};

use crate::story::{FLY_TOKEN, NAME, Story};
use crate::truth::{alive, machine_values, the_token};

/// Updates every machine of the app to its newest secrets, as flyctl does in a deployment, two minutes after they were written.
fn deploy(story: &Story, app: &str) {
    story
        .sandbox
        .seed(json!({ "fly": { "apps": { app: { "secrets_age_ms": 120_000 } } } }));
    deploy_at_once(story, app);
}

fn deploy_at_once(story: &Story, app: &str) {
    let headers = [("authorization", story.sandbox.export("FLY_API_TOKEN"))];
    let state = story.sandbox.state();
    let app_state = &state["fly"]["apps"][app];
    for (id, machine) in app_state["machines"].as_object().unwrap() {
        let mut config = machine["config"].clone();
        config["image"] = json!("registry.fly.io/molecule-cp:deployment-02");
        config["metadata"]["fly_release_version"] = json!("8");
        let update = json!({
            "config": config,
            "min_secrets_version": app_state["version"],
            "skip_launch": machine["state"] != "started",
        });
        let path = format!("/v1/apps/{app}/machines/{id}");
        let answer = story.sandbox.call("POST", &path, &headers, &update);
        assert_eq!(answer.0, 200, "{answer:?}");
    }
}

fn status(story: &Story) -> Value {
    story.attributes()["deliveries"]["cp"]["status"].clone()
}

#[test]
fn a_staged_secret_is_current_after_the_deployment_and_its_predecessor_then_ends() {
    const STAGED: &str = "targets = { cp = { fly_secret = { app = \"molecule-cp\", stage = true } } }";
    const OVERLAP: &str = "overlap = \"1h\"";
    let mut story = Story::begun(&[FLY_TOKEN, STAGED, OVERLAP]);
    assert_eq!(status(&story), "staged");
    deploy_at_once(&story, "molecule-cp");
    story.settled();
    assert_eq!(
        status(&story),
        "staged",
        "it may have started machines before the write had reached them"
    );
    deploy(&story, "molecule-cp");
    story.apply();
    assert_eq!(status(&story), "current");
    let old = the_token(&story);

    story.configure(&[FLY_TOKEN, STAGED, OVERLAP, "rotation_reason = \"once\""]);
    story.apply();
    assert_eq!(status(&story), "staged");
    assert_eq!(
        machine_values(&story, "molecule-cp", NAME),
        vec![Some(old.value.clone()); 2]
    );
    deploy(&story, "molecule-cp");
    story.run(&["apply", "-refresh-only", "-auto-approve"]).success();
    assert_eq!(status(&story), "current");
    assert_eq!(alive(&story).len(), 2, "the overlap has begun");

    story.clock("2h");
    story.apply();
    let new = the_token(&story);
    assert_ne!(new, old);
    assert_eq!(machine_values(&story, "molecule-cp", NAME), vec![Some(new.value); 2]);
    assert_eq!(story.attributes()["phase"], "settled");
}

#[test]
fn the_overlap_begins_with_the_apply_that_makes_a_staged_target_live() {
    let target =
        |stage: bool| format!("targets = {{ cp = {{ fly_secret = {{ app = \"molecule-cp\", stage = {stage} }} }} }}");
    let overlap = "overlap = \"1h\"";
    let mut story = Story::begun(&[FLY_TOKEN, &target(false), overlap]);
    story.configure(&[FLY_TOKEN, &target(true), overlap, "rotation_reason = \"once\""]);
    story.apply();
    assert_eq!(story.attributes()["revoke_after"], Value::Null);
    story.configure(&[FLY_TOKEN, &target(false), overlap, "rotation_reason = \"once\""]);
    story.apply();
    let attributes = story.attributes();
    assert!(attributes["revoke_after"].is_string(), "{attributes}");
    assert_eq!(attributes["next_action_at"], attributes["revoke_after"]);
    story.clock("2h");
    story.apply();
    assert_eq!(alive(&story).len(), 1);
}
