//! A create dies, and the configuration is edited before the next one: it is another secret now, with another id.
//!
//! What the first one made looks like ours and cannot be proved to be: it is named, and never ended.

use crate::interrupt::{apply_until, ended, send};
use crate::story::{A_DAY, FLY_TARGET, FLY_TOKEN, PARAMETER, SSM_TARGET, Story, unframed};
use crate::truth::{FlyToken, alive, parameter, the_token};

const TWO_TARGETS: &str = r#"targets = {
    runtime       = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
    control_plane = { wave = 2, fly_secret = { app = "molecule-cp" } }
  }"#;

/// A create of these lines whose provider dies at the first call that contains `pattern`.
fn dies_at(pattern: &str, lines: &[&str]) -> Story {
    let story = Story::new();
    story.configure(lines);
    story.sandbox.fault("POST /v1/apps/molecule-cp/secrets", 1, "hang");
    let child = apply_until(&story, pattern);
    send("pkill", &["-KILL", "-P"], &child);
    ended(child);
    story.sandbox.heal();
    assert!(story.has_no_state());
    story
}

/// The token that nobody knows any more is in a notice, works, and outlives rotation and destroy.
#[track_caller]
fn is_a_notice_for_ever(mut story: Story, lost: &FlyToken, lines: &[&str]) {
    story.run(&["refresh"]).success();
    let notices = story.attributes()["notices"].to_string();
    assert!(
        notices.contains(&lost.id) && notices.contains("looks like a credential of this secret"),
        "{notices}"
    );
    story.configure(&[lines, &["rotation_reason = \"once\""]].concat());
    story.apply();
    story.clock("25h");
    story.apply();
    assert_eq!(alive(&story).len(), 2);
    story.destroy();
    assert_eq!(the_token(&story), *lost);
}

#[test]
fn a_token_of_the_configuration_before_is_a_notice_and_never_revoked() {
    let story = dies_at("createLimitedAccessToken", &[FLY_TOKEN, FLY_TARGET]);
    let lost = the_token(&story);
    let lines = [FLY_TOKEN, SSM_TARGET, A_DAY];
    story.configure(&lines);
    story.apply();
    assert_eq!(alive(&story).len(), 2);
    is_a_notice_for_ever(story, &lost, &lines);
}

#[test]
fn an_entry_of_the_configuration_before_is_not_overwritten_unasked() {
    let story = dies_at("PutParameter", &[FLY_TOKEN, TWO_TARGETS, A_DAY]);
    let lost = the_token(&story);
    let held = parameter(&story, PARAMETER);
    assert_eq!(held.as_ref(), Some(&lost.value));
    story.configure(&[FLY_TOKEN, SSM_TARGET, A_DAY]);
    let said = unframed(&story.fails());
    assert!(
        said.contains("is not managed by this resource") && said.contains("on_existing = \"replace\""),
        "{said}"
    );
    assert_eq!(parameter(&story, PARAMETER), held);
    assert_eq!(the_token(&story), lost);
    let lines = [FLY_TOKEN, SSM_TARGET, A_DAY, "on_existing = \"replace\""];
    story.configure(&lines);
    story.apply();
    assert_ne!(parameter(&story, PARAMETER), held);
    is_a_notice_for_ever(story, &lost, &lines);
}
