//! A plan is saved, and something happens before it is applied: apply does what the plan said and no more, or says why not.

use serde_json::json;

use crate::story::{FLY_TOKEN, NAME, PARAMETER, REPOSITORY, SSM_TARGET, Story, unframed};
use crate::truth::{alive, fly_tokens, github_secret, ours, parameter, the_token};

const SSM_AND_GITHUB: &str = r#"targets = {
    runtime       = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
    image_publish = { wave = 2, github_actions_secret = { repository = "molecule-monorepo" } }
  }"#;
const EVERY: &str = "rotation { every = \"60d\" }";
const OVERLAP: &str = "overlap = \"1h\"";

#[track_caller]
fn save(story: &Story, lines: &[&str]) {
    story.configure(lines);
    story.run(&["plan", "-out=saved"]).success();
    story.sandbox.forget_calls();
}

#[track_caller]
fn apply_saved(story: &Story) -> String {
    story.run(&["apply", "saved"]).success()
}

#[track_caller]
fn saved_is_refused(story: &Story) -> String {
    let outcome = story.run(&["apply", "saved"]);
    assert_eq!(outcome.status, 1, "{}", outcome.output);
    unframed(&outcome.output)
}

/// Both places hold the newest token.
#[track_caller]
fn both_hold_the_newest(story: &Story) {
    let value = Some(alive(story).last().unwrap().value.clone());
    assert_eq!(parameter(story, PARAMETER), value);
    assert_eq!(github_secret(story, REPOSITORY, NAME), value);
}

#[test]
fn a_plan_that_adds_a_target_does_not_rotate_although_that_has_become_due() {
    let mut story = Story::begun(&[FLY_TOKEN, SSM_TARGET, EVERY, OVERLAP]);
    let token = the_token(&story);
    save(&story, &[FLY_TOKEN, SSM_AND_GITHUB, EVERY, OVERLAP]);
    story.clock("61d");
    apply_saved(&story);
    assert_eq!(alive(&story), std::slice::from_ref(&token));
    assert_eq!(
        story.writes(),
        [format!("PUT /repos/{REPOSITORY}/actions/secrets/{NAME}")]
    );
    both_hold_the_newest(&story);
    let plan = story.plan();
    assert!(plan.contains("every 60d, due since"), "{plan}");
    story.apply();
    assert_eq!(alive(&story).len(), 2);
    both_hold_the_newest(&story);
}

#[test]
fn a_plan_that_revokes_does_not_rotate_although_that_has_become_due() {
    let lines = [FLY_TOKEN, SSM_TARGET, EVERY, OVERLAP, "rotation_reason = \"once\""];
    let mut story = Story::begun(&lines[..4]);
    story.configure(&lines);
    story.apply();
    story.clock("2h");
    save(&story, &lines);
    story.clock("70d");
    apply_saved(&story);
    assert_eq!(story.writes().len(), 1, "{:#?}", story.writes());
    assert!(the_token(&story).name.ends_with("-g2"));
    story.apply();
    assert!(alive(&story).last().unwrap().name.ends_with("-g3"));
}

#[test]
fn a_rotation_that_is_applied_late_counts_its_overlap_from_then() {
    let lines = [FLY_TOKEN, SSM_TARGET, OVERLAP, "rotation_reason = \"once\""];
    let mut story = Story::begun(&lines[..3]);
    save(&story, &lines);
    story.clock("2d");
    apply_saved(&story);
    story.settled();
    assert_eq!(alive(&story).len(), 2);
    story.clock("2d50m");
    story.settled();
    story.clock("2d2h");
    story.apply();
    the_token(&story);
}

#[test]
fn a_heal_whose_value_was_lost_meanwhile_says_so_and_the_next_plan_rotates() {
    let story = Story::begun(&[FLY_TOKEN, SSM_AND_GITHUB, OVERLAP]);
    story.a_second_later();
    let github = json!({ "repositories": { REPOSITORY: { "secrets": { NAME: "typed by hand" } } } });
    story.sandbox.seed(json!({ "github": github }));
    save(&story, &[FLY_TOKEN, SSM_AND_GITHUB, OVERLAP]);
    story
        .sandbox
        .seed(json!({ "aws": { "parameters": { PARAMETER: "typed by hand" } } }));
    let said = saved_is_refused(&story);
    assert!(said.contains("Cannot recover the value of generation 1"), "{said}");
    story.wrote_nothing();
    let plan = story.plan();
    assert!(plan.contains("= 1 -> 2"), "{plan}");
    story.apply();
    both_hold_the_newest(&story);
}

#[test]
fn a_slot_that_was_taken_meanwhile_is_not_overwritten() {
    let story = Story::begun(&[FLY_TOKEN, SSM_TARGET, OVERLAP]);
    save(&story, &[FLY_TOKEN, SSM_AND_GITHUB, OVERLAP]);
    let github = json!({ "repositories": { REPOSITORY: { "secrets": { NAME: "of somebody" } } } });
    story.sandbox.seed(json!({ "github": github }));
    let said = saved_is_refused(&story);
    assert!(
        said.contains("is not managed by this resource") && said.contains("image_publish"),
        "{said}"
    );
    story.wrote_nothing();
    story.configure(&[FLY_TOKEN, SSM_TARGET, OVERLAP]);
    story.apply();
    assert_eq!(github_secret(&story, REPOSITORY, NAME).as_deref(), Some("of somebody"));
}

#[test]
fn what_a_person_revoked_meanwhile_is_revoked() {
    let lines = [FLY_TOKEN, SSM_TARGET, OVERLAP, "rotation_reason = \"once\""];
    let mut story = Story::begun(&lines[..3]);
    story.configure(&lines);
    story.apply();
    story.clock("2h");
    save(&story, &lines);
    let old = ours(&story)[0].clone();
    let query =
        "mutation($input: DeleteLimitedAccessTokenInput!) { deleteLimitedAccessToken(input: $input) { token } }";
    let body = json!({ "query": query, "variables": { "input": { "id": old.id } } });
    let bearer = format!("Bearer {}", story.sandbox.export("FLY_API_TOKEN"));
    let answer = story
        .sandbox
        .call("POST", "/graphql", &[("authorization", &bearer)], &body);
    assert_eq!(alive(&story).len(), 1, "{answer:?}");
    apply_saved(&story);
    story.settled();
    the_token(&story);
}

#[test]
fn a_create_that_is_applied_after_another_state_made_the_secret_is_refused_and_names_it() {
    let mut late = Story::new();
    save(&late, &[FLY_TOKEN, SSM_AND_GITHUB, OVERLAP]);
    let other = late.beside();
    other.configure(&[FLY_TOKEN, SSM_AND_GITHUB, OVERLAP]);
    other.apply();
    let token = the_token(&other);
    late.clock("25h");
    late.sandbox.forget_calls();
    let said = saved_is_refused(&late);
    assert!(
        said.contains("Another state manages this secret") && said.contains(&token.id),
        "{said}"
    );
    late.wrote_nothing();
    assert!(late.has_no_state());
    other.settled();
}

#[test]
fn a_plan_of_an_older_state_is_stale() {
    let story = Story::begun(&[FLY_TOKEN, SSM_TARGET, OVERLAP]);
    save(&story, &[FLY_TOKEN, SSM_TARGET, OVERLAP, "rotation_reason = \"once\""]);
    story.apply();
    story.sandbox.forget_calls();
    let said = saved_is_refused(&story);
    assert!(said.contains("Saved plan is stale"), "{said}");
    story.wrote_nothing();
    story.settled();
}

#[test]
fn a_destroy_that_is_applied_late_leaves_what_somebody_wrote_meanwhile() {
    let story = Story::begun(&[FLY_TOKEN, SSM_AND_GITHUB, OVERLAP]);
    story.run(&["plan", "-destroy", "-out=saved"]).success();
    story
        .sandbox
        .seed(json!({ "aws": { "parameters": { PARAMETER: "typed by hand" } } }));
    let said = unframed(&apply_saved(&story));
    assert!(said.contains("was left in place"), "{said}");
    assert_eq!(parameter(&story, PARAMETER).as_deref(), Some("typed by hand"));
    assert_eq!(github_secret(&story, REPOSITORY, NAME), None);
    assert_eq!(alive(&story), []);
    assert!(fly_tokens(&story).iter().any(|token| token.alive), "the user's own");
}

#[test]
fn a_value_that_another_run_wrote_under_the_same_mark_is_not_taken_for_ours() {
    let story = Story::new();
    story.sandbox.settings(json!({ "list_lag_ms": 25_000 }));
    story.configure(&[FLY_TOKEN, SSM_AND_GITHUB, OVERLAP]);
    story.run(&["apply", "-auto-approve"]).success();
    story.a_second_later();
    let github = json!({ "repositories": { REPOSITORY: { "secrets": { NAME: "typed by hand" } } } });
    story.sandbox.seed(json!({ "github": github }));
    save(&story, &[FLY_TOKEN, SSM_AND_GITHUB, OVERLAP]);
    // A second state of the same secret, which no list warns: it makes generation 1 as well, and marks it so.
    let rival = story.beside();
    rival.configure(&[FLY_TOKEN, SSM_AND_GITHUB, OVERLAP, "on_existing = \"replace\""]);
    rival.run(&["apply", "-auto-approve"]).success();
    story.sandbox.settings(json!({ "list_lag_ms": 0 }));
    story.sandbox.forget_calls();
    let said = saved_is_refused(&story);
    assert!(said.contains("Cannot recover the value of generation 1"), "{said}");
    story.wrote_nothing();
}
