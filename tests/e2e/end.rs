//! Destroy, and what belongs to others: never touched, named where it matters.

use serde_json::json;

use crate::story::{
    A_DAY, FLY_TARGET, FLY_TOKEN, NAME, PARAMETER, REPOSITORY, SSM_TARGET, Story, THREE_TARGETS, unframed,
};
use crate::truth::{alive, fly_secret, fly_tokens, github_secret, ours, parameter, the_token};

#[test]
fn destroy_deletes_entries_first_and_then_revokes() {
    let story = Story::begun(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    story.sandbox.forget_calls();
    story.destroy();
    assert_eq!(alive(&story), []);
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), None);
    assert_eq!(github_secret(&story, REPOSITORY, NAME), None);
    assert_eq!(parameter(&story, PARAMETER), None);
    let writes = story.writes();
    assert_eq!(writes.len(), 4, "{writes:#?}");
    assert!(
        writes.last().unwrap().contains("deleteLimitedAccessToken"),
        "{writes:#?}"
    );
    assert!(story.has_no_state());
}

#[test]
fn destroy_leaves_an_entry_that_somebody_else_wrote_since() {
    let story = Story::begun(&[FLY_TOKEN, THREE_TARGETS, A_DAY, "on_drift = \"report\""]);
    let token = story.sandbox.export("FLY_API_TOKEN").to_owned();
    let path = format!("/v1/apps/molecule-cp/secrets/{NAME}");
    let body = json!({ "value": "typed by hand" });
    assert_eq!(
        story.sandbox.call("POST", &path, &[("authorization", &token)], &body).0,
        201
    );
    let said = story.destroy();
    let named = format!("{NAME}: Fly secret {NAME} on app molecule-cp");
    assert!(
        unframed(&said).contains(&named) && said.contains("was left in place"),
        "{said}"
    );
    assert_eq!(
        fly_secret(&story, "molecule-cp", NAME).as_deref(),
        Some("typed by hand")
    );
    assert_eq!(github_secret(&story, REPOSITORY, NAME), None);
    assert_eq!(alive(&story), []);
}

#[test]
fn a_destroy_after_a_rotation_whose_write_was_never_answered_leaves_no_token_alive() {
    let story = Story::begun(&[FLY_TOKEN, SSM_TARGET, A_DAY]);
    story.configure(&[FLY_TOKEN, SSM_TARGET, A_DAY, "rotation_reason = \"once\""]);
    story.sandbox.lasting_fault("PutParameter", "drop_after");
    story.fails();
    story.sandbox.heal();
    assert_eq!(alive(&story).len(), 2);
    story.destroy();
    assert_eq!(alive(&story), []);
}

#[test]
fn on_destroy_abandon_forgets_and_touches_nothing() {
    let story = Story::begun(&[FLY_TOKEN, THREE_TARGETS, A_DAY, "on_destroy = \"abandon\""]);
    story.sandbox.forget_calls();
    story.destroy();
    story.wrote_nothing();
    assert_eq!(parameter(&story, PARAMETER), Some(the_token(&story).value));
}

#[test]
fn destroy_reports_what_a_kept_entry_holds_and_does_not_revoke_it() {
    let keeping = THREE_TARGETS.replace("runtime       = {", "runtime = { on_remove = \"keep\", ");
    let story = Story::begun(&[FLY_TOKEN, &keeping, A_DAY]);
    let token = the_token(&story);
    let said = story.destroy();
    let named = format!("{NAME}: generation 1 ({}) is still valid", token.id);
    assert!(unframed(&said).contains(&named), "{said}");
    assert_eq!(parameter(&story, PARAMETER), Some(the_token(&story).value));
    assert_eq!(github_secret(&story, REPOSITORY, NAME), None);
}

#[test]
fn tokens_of_others_are_never_revoked() {
    let mut story = Story::new();
    story.sandbox.seed(json!({ "fly": { "tokens": [
        { "app": "molecule-cp", "name": "ci" },
        { "app": "molecule-cp", "name": "FLY_API_TOKEN" },
        { "app": "molecule-cp", "name": "FLY_API_TOKEN-rot-0123456789ab-g1" },
    ] } }));
    let foreign: Vec<_> = fly_tokens(&story);
    let lines = [FLY_TOKEN, FLY_TARGET, "overlap = \"1h\""];
    story.configure(&lines);
    story.apply();
    story.configure(&[&lines[..], &["rotation_reason = \"once\""]].concat());
    story.apply();
    story.clock("2h");
    story.apply();
    story.run(&["refresh"]).success();
    let notices = story.attributes()["notices"].to_string();
    assert!(notices.contains("FLY_API_TOKEN-rot-0123456789ab-g1"), "{notices}");
    story.destroy();
    let left: Vec<_> = fly_tokens(&story).into_iter().filter(|token| token.alive).collect();
    assert_eq!(left, foreign);
}

#[test]
fn the_credential_that_the_run_itself_uses_is_not_revoked_until_another_is_used() {
    let organization = r#"source = { fly_token = { organization = "molecule", expires_in = "2400h" } }"#;
    let lines = [organization, FLY_TARGET, "overlap = \"1h\""];
    let mut story = Story::begun(&lines);
    let personal = story.sandbox.export("FLY_API_TOKEN").to_owned();
    let first = the_token(&story);
    story.workspace.set("FLY_API_TOKEN", &first.value);
    story.configure(&[&lines[..], &["rotation_reason = \"once\""]].concat());
    story.apply();
    story.clock("2h");
    story.run(&["apply", "-auto-approve"]).success();
    story.settled();
    assert!(alive(&story).contains(&first));
    let attributes = story.attributes();
    assert_eq!(attributes["phase"], "overlapping");
    assert!(
        attributes["notices"].to_string().contains(&first.id),
        "{}",
        attributes["notices"]
    );
    story.workspace.set("FLY_API_TOKEN", &personal);
    let plan = story.plan();
    assert!(plan.contains(&format!("revoke generation 1 ({})", first.id)), "{plan}");
    story.apply();
    assert_eq!(alive(&story), ours(&story)[1..]);
}

#[test]
fn a_resource_that_was_removed_from_state_is_recognised_by_its_labels() {
    let story = Story::begun(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    let forgotten = story.workspace.command(&["state", "rm", "rotation_secret.it"]).output();
    assert!(forgotten.unwrap().status.success());
    story.apply();
    let token = the_token(&story);
    assert_eq!(parameter(&story, PARAMETER), Some(token.value.clone()));
    assert_eq!(github_secret(&story, REPOSITORY, NAME), Some(token.value.clone()));
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), Some(token.value));
}
