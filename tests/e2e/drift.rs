//! Somebody else changes or deletes what a target holds.

use serde_json::{Value, json};

use crate::story::{
    A_DAY, FLY_TARGET, FLY_TOKEN, NAME, PARAMETER, REPOSITORY, SSM_TARGET, Story, THREE_TARGETS, resource,
};
use crate::truth::{alive, fly_secret, github_secret, ours, parameter, the_token, three_targets_hold};

fn set_github_secret(story: &Story, value: &str) {
    story.a_second_later();
    story
        .sandbox
        .seed(json!({ "github": { "repositories": { REPOSITORY: { "secrets": { NAME: value } } } } }));
}

fn as_github(story: &Story, method: &str) -> u16 {
    let token = format!("Bearer {}", story.sandbox.export("GITHUB_TOKEN"));
    let path = format!("/repos/{REPOSITORY}/actions/secrets/{NAME}");
    let headers = [("authorization", token.as_str())];
    story.sandbox.call(method, &path, &headers, &Value::Null).0
}

pub(crate) fn as_fly(story: &Story, method: &str, body: &Value) -> u16 {
    let path = format!("/v1/apps/molecule-cp/secrets/{NAME}");
    let headers = [("authorization", story.sandbox.export("FLY_API_TOKEN"))];
    story.sandbox.call(method, &path, &headers, body).0
}

/// Another value of the parameter; none deletes it.
fn set_parameter(story: &Story, value: Option<&str>) {
    story
        .sandbox
        .seed(json!({ "aws": { "parameters": { PARAMETER: value } } }));
}

/// The plan announces a delivery of the same value and why, apply makes it, and the token stays what it was.
#[track_caller]
fn is_healed_with_the_same_token(story: &Story, target: &str, why: &str) {
    let token = the_token(story);
    let plan = story.plan();
    let line = plan
        .lines()
        .find(|line| line.contains("+ \"wave ") && line.contains(target));
    let line = line.unwrap_or_else(|| panic!("no step for {target} in\n{plan}"));
    assert!(line.contains("set FLY_API_TOKEN of generation 1"), "{line}");
    assert!(plan.contains(&format!("- reason     = \"{why}")), "{plan}");
    assert!(!plan.contains("+ \"mint"), "{plan}");
    assert!(plan.contains("Plan: 0 to add, 1 to change, 0 to destroy."), "{plan}");
    assert!(!plan.contains("generation     = 1 -> 2"), "{plan}");
    story.apply();
    assert_eq!(ours(story), std::slice::from_ref(&token));
    three_targets_hold(story, &token.value);
}

#[test]
fn a_changed_github_secret_is_delivered_again_from_the_readable_target() {
    let story = Story::begun(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    set_github_secret(&story, "typed by hand");
    is_healed_with_the_same_token(&story, "image_publish", "changed outside Terraform");
}

#[test]
fn a_deleted_github_secret_is_delivered_again_from_the_readable_target() {
    let story = Story::begun(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    assert_eq!(as_github(&story, "DELETE"), 204);
    is_healed_with_the_same_token(&story, "image_publish", "deleted outside Terraform");
}

#[test]
fn a_changed_fly_secret_is_delivered_again_and_rolled_out() {
    let story = Story::begun(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    assert_eq!(as_fly(&story, "POST", &json!({ "value": "typed by hand" })), 201);
    is_healed_with_the_same_token(&story, "control_plane", "changed outside Terraform");
}

#[test]
fn a_deleted_fly_secret_is_delivered_again_and_rolled_out() {
    let story = Story::begun(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    assert_eq!(as_fly(&story, "DELETE", &Value::Null), 200);
    is_healed_with_the_same_token(&story, "control_plane", "deleted outside Terraform");
}

/// Where nothing holds the value any more, only a new generation heals; the plan says so.
#[track_caller]
fn is_healed_by_a_rotation(story: &Story, why: &str) {
    let old = the_token(story);
    let plan = story.plan();
    assert!(plan.contains("= 1 -> 2"), "{plan}");
    assert!(plan.contains(why), "{plan}");
    assert!(plan.contains("the value of generation 1 cannot be recovered"), "{plan}");
    story.apply();
    assert_eq!(story.attributes()["generation"], 2);
    let newest = ours(story).last().unwrap().clone();
    assert_ne!(newest.value, old.value);
    assert!(newest.alive);
}

#[test]
fn a_changed_parameter_that_was_the_only_copy_is_rotated() {
    let story = Story::begun(&[FLY_TOKEN, SSM_TARGET, A_DAY]);
    set_parameter(&story, Some("typed by hand"));
    is_healed_by_a_rotation(&story, "runtime was changed outside Terraform");
    assert_eq!(
        parameter(&story, PARAMETER),
        ours(&story).last().map(|token| token.value.clone())
    );
}

#[test]
fn a_deleted_parameter_that_was_the_only_copy_is_rotated() {
    let story = Story::begun(&[FLY_TOKEN, SSM_TARGET, A_DAY]);
    set_parameter(&story, None);
    is_healed_by_a_rotation(&story, "runtime was deleted outside Terraform");
    assert_eq!(
        parameter(&story, PARAMETER),
        ours(&story).last().map(|token| token.value.clone())
    );
}

#[test]
fn a_changed_fly_secret_without_another_copy_is_rotated_and_the_old_token_ends() {
    let story = Story::begun(&[FLY_TOKEN, FLY_TARGET]);
    assert_eq!(as_fly(&story, "POST", &json!({ "value": "typed by hand" })), 201);
    is_healed_by_a_rotation(&story, "control_plane was changed outside Terraform");
    assert_eq!(alive(&story).len(), 1);
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), Some(the_token(&story).value));
}

#[test]
fn on_drift_report_tells_once_and_touches_nothing() {
    let story = Story::begun(&[FLY_TOKEN, THREE_TARGETS, A_DAY, "on_drift = \"report\""]);
    set_github_secret(&story, "typed by hand");
    story.sandbox.forget_calls();
    story.run(&["apply", "-auto-approve"]).success();
    story.settled();
    let notices = story.attributes()["notices"].to_string();
    assert!(
        notices.contains("image_publish") && notices.contains("on_drift"),
        "{notices}"
    );
    story.wrote_nothing();
    assert_eq!(
        github_secret(&story, REPOSITORY, NAME).as_deref(),
        Some("typed by hand")
    );
}

#[test]
fn another_mode_of_revocation_counts_at_once() {
    let mut story = Story::begun(&[FLY_TOKEN, SSM_TARGET, "overlap = \"1h\""]);
    let lines = |mode: &str| {
        let mode = format!("revoke {{\n  mode = {mode:?}\n}}");
        let lines = [
            FLY_TOKEN,
            SSM_TARGET,
            "overlap = \"1h\"",
            "rotation_reason = \"once\"",
            &mode,
        ];
        resource("it", NAME, &lines) + "output \"notices\" {\n  value = rotation_secret.it.notices\n}\n"
    };
    let code = |story: &Story| story.attributes()["notices"][0]["code"].clone();
    story.write(&lines("automatic"));
    story.apply();
    for mode in ["manual", "automatic"] {
        story.write(&lines(mode));
        story.apply();
    }
    story.clock("2h");
    story.write(&lines("manual"));
    story.apply();
    assert_eq!((code(&story), alive(&story).len()), ("revoke_by_hand".into(), 2));
    story.write(&lines("automatic"));
    story.apply();
    assert_eq!(alive(&story).len(), 1);
}

#[test]
fn another_answer_to_drift_counts_at_once() {
    let targets = |more: &str| {
        format!(
            "targets = {{\n runtime = {{ ssm_parameter = {{ name = {PARAMETER:?} }} }}\n \
             docs = {{ wave = 2, github_actions_secret = {{ repository = \"molecule-monorepo\" }} }}\n{more}}}"
        )
    };
    let lines = |on_drift: &str, more: &str| {
        let on_drift = format!("on_drift = {on_drift:?}");
        let lines = [FLY_TOKEN, &targets(more), "overlap = \"1h\"", &on_drift];
        resource("it", NAME, &lines) + "output \"notices\" {\n  value = rotation_secret.it.notices\n}\n"
    };
    let story = Story::new();
    story.write(&lines("heal", ""));
    story.apply();
    let by_hand = Some("typed by hand".to_owned());
    set_github_secret(&story, "typed by hand");
    story.write(&lines("report", ""));
    story.apply();
    assert_eq!(github_secret(&story, REPOSITORY, NAME), by_hand);
    let more = " worker = { wave = 3, fly_secret = { app = \"molecule-worker\" } }\n";
    story.write(&lines("report", more));
    story.apply();
    assert_eq!(
        github_secret(&story, REPOSITORY, NAME),
        by_hand,
        "only the new target is written"
    );
    let token = the_token(&story).value;
    assert_eq!(
        fly_secret(&story, "molecule-worker", NAME).as_deref(),
        Some(token.as_str())
    );
    story.write(&lines("heal", more));
    story.apply();
    assert_eq!(github_secret(&story, REPOSITORY, NAME).as_deref(), Some(token.as_str()));
}
