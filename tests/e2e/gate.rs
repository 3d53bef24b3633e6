//! Revocations that have to wait, and what a rotation does whose first wave fails for good.

use serde_json::json;

use crate::story::{A_DAY, FLY_TARGET, FLY_TOKEN, NAME, REPOSITORY, Story, THREE_TARGETS, unframed};
use crate::truth::{alive, fly_secret, github_secret, ours, password};

const PREFIX: &str = "label_prefix = \"FLY_API_TOKEN\"";
const OVERLAP: &str = "overlap = \"1h\"";
const TWO_TARGETS: &str = r#"targets = {
    control_plane = { fly_secret = { app = "molecule-cp" } }
    image_publish = { wave = 2, github_actions_secret = { repository = "molecule-monorepo" } }
  }"#;

/// Generation 2 is in place everywhere, generation 1 overlaps, and its end is two hours ahead of the clock.
fn overlapping(lines: &[&str]) -> Story {
    let story = Story::begun(&[&[FLY_TOKEN, OVERLAP], lines].concat());
    story.configure(&[&[FLY_TOKEN, OVERLAP, "rotation_reason = \"once\""], lines].concat());
    story.apply();
    assert_eq!(alive(&story).len(), 2);
    story
}

/// The platform's health as a check of the first wave.
fn health(story: &Story) -> String {
    let url = story.sandbox.export("PLATFORM_URL");
    format!("checks = {{\n    up = {{ wave = 1, retry_for = \"1s\", http = {{ url = \"{url}/health\" }} }}\n  }}")
}

/// Applies at the end of the overlap, where the gate is closed: the apply says why and revokes nothing.
#[track_caller]
fn waits(story: &Story, reason: &str) {
    let said = unframed(&story.run(&["apply", "-auto-approve"]).success());
    assert!(said.contains("revoke_waits") && said.contains(reason), "{said}");
    assert_eq!(alive(story).len(), 2);
    let notices = story.attributes()["notices"].to_string();
    assert!(
        notices.contains("revoke_waits") && notices.contains(reason),
        "{notices}"
    );
}

/// Mended, the next apply revokes.
#[track_caller]
fn goes_through(story: &Story) {
    story.apply();
    assert_eq!(alive(story).len(), 1);
    assert_eq!(story.attributes()["phase"], "settled");
}

/// Revokes a token as a person would with flyctl.
pub(crate) fn revoke_as_fly(story: &Story, id: &str) {
    let headers = [("authorization", story.sandbox.export("FLY_API_TOKEN"))];
    let body = json!({
        "query": "mutation($input: DeleteLimitedAccessTokenInput!) { deleteLimitedAccessToken(input: $input) { clientMutationId } }",
        "variables": { "input": { "id": id } },
    });
    let (status, answer) = story.sandbox.call("POST", "/graphql", &headers, &body);
    assert!(status == 200 && answer["errors"].is_null(), "{answer}");
}

#[test]
fn a_check_that_fails_when_the_overlap_ends_holds_the_revocation_back() {
    let story = Story::new();
    let up = health(&story);
    story.configure(&[FLY_TOKEN, OVERLAP, FLY_TARGET, &up]);
    story.apply();
    story.configure(&[FLY_TOKEN, OVERLAP, FLY_TARGET, &up, "rotation_reason = \"once\""]);
    story.apply();
    let mut story = story;
    story.clock("2h");
    story.sandbox.seed(json!({ "platform": { "healthy": false } }));
    waits(&story, "check up does not pass");
    story.sandbox.seed(json!({ "platform": { "healthy": true } }));
    goes_through(&story);
}

#[test]
fn a_new_credential_that_somebody_revoked_after_the_plan_keeps_the_old_one_alive() {
    let mut story = overlapping(&[FLY_TARGET]);
    story.clock("2h");
    story.run(&["plan", "-out=saved"]).success();
    let newest = alive(&story).pop().unwrap();
    revoke_as_fly(&story, &newest.id);
    let said = unframed(&story.run(&["apply", "saved"]).success());
    assert!(
        said.contains("revoke_waits") && said.contains("the issuer says that the new credential is dead"),
        "{said}"
    );
    assert_eq!(alive(&story).len(), 1, "the old one");
    // The next apply makes another one, and both older ones end.
    story.run(&["apply", "-auto-approve"]).success();
    assert!(alive(&story).last().unwrap().name.ends_with("-g3"));
}

#[test]
fn an_entry_that_changed_after_the_plan_keeps_the_old_credential_alive() {
    let mut story = overlapping(&[TWO_TARGETS]);
    story.clock("2h");
    story.run(&["plan", "-out=saved"]).success();
    let old = alive(&story).remove(0);
    story.a_second_later();
    story
        .sandbox
        .seed(json!({ "github": { "repositories": { REPOSITORY: { "secrets": { NAME: old.value } } } } }));
    let said = unframed(&story.run(&["apply", "saved"]).success());
    assert!(
        said.contains("target image_publish was changed outside Terraform"),
        "{said}"
    );
    assert!(alive(&story).contains(&old));
    story.apply();
    let newest = alive(&story).last().unwrap().value.clone();
    assert_eq!(github_secret(&story, REPOSITORY, NAME), Some(newest));
}

#[test]
fn notices_of_what_is_no_change_outlive_an_apply_that_heals() {
    let story = Story::begun(&[FLY_TOKEN, THREE_TARGETS, A_DAY, PREFIX]);
    let stranger = "FLY_API_TOKEN-rot-0123456789ab-g1";
    story
        .sandbox
        .seed(json!({ "fly": { "tokens": [{ "name": stranger, "app": "molecule-cp" }] } }));
    let output = "output \"notices\" {\n  value = rotation_secret.it.notices\n}\n";
    let secret = crate::story::resource("it", NAME, &[FLY_TOKEN, THREE_TARGETS, A_DAY, PREFIX]);
    story.write(&format!("{secret}{output}"));
    story.run(&["apply", "-auto-approve"]).success();
    let before = story.attributes()["notices"].to_string();
    assert!(before.contains("lookalike") && before.contains(stranger), "{before}");
    // An apply that heals does not look at the issuer again, and passes the notice on.
    story.a_second_later();
    story
        .sandbox
        .seed(json!({ "aws": { "parameters": { crate::story::PARAMETER: null } } }));
    story.run(&["apply", "-auto-approve"]).success();
    assert_eq!(story.attributes()["notices"].to_string(), before);
    story.settled();
}

#[test]
fn a_check_that_fails_for_good_is_repeated_and_mints_nothing_until_it_passes() {
    let story = Story::new();
    let up = health(&story);
    story.configure(&[FLY_TOKEN, OVERLAP, TWO_TARGETS, &up]);
    story.apply();
    story.sandbox.seed(json!({ "platform": { "healthy": false } }));
    story.configure(&[FLY_TOKEN, OVERLAP, TWO_TARGETS, &up, "rotation_reason = \"once\""]);
    for _ in 0..3 {
        let said = unframed(&story.fails());
        assert!(said.contains("Check \"up\" did not pass"), "{said}");
        assert_eq!(
            ours(&story).len(),
            2,
            "one token more than before, not one for each apply"
        );
    }
    story.sandbox.seed(json!({ "platform": { "healthy": true } }));
    let plan = unframed(&story.plan());
    assert!(
        plan.contains("FLY_API_TOKEN will be rotated: its value cannot be recovered"),
        "{plan}"
    );
    story.apply();
    let newest = alive(&story).last().unwrap().clone();
    assert!(
        newest.name.ends_with("-g3"),
        "the value of generation 2 is lost: {newest:?}"
    );
    assert_eq!(github_secret(&story, REPOSITORY, NAME), Some(newest.value));
}

#[test]
fn a_new_reason_does_not_wait_for_the_check_that_failed() {
    let story = Story::new();
    let up = health(&story);
    story.configure(&[FLY_TOKEN, OVERLAP, TWO_TARGETS, &up]);
    story.apply();
    story.sandbox.seed(json!({ "platform": { "healthy": false } }));
    story.configure(&[FLY_TOKEN, OVERLAP, TWO_TARGETS, &up, "rotation_reason = \"once\""]);
    story.fails();
    story.configure(&[
        FLY_TOKEN,
        OVERLAP,
        TWO_TARGETS,
        &up,
        "rotation_reason = \"again: it leaked\"",
    ]);
    story.fails();
    assert_eq!(ours(&story).len(), 3);
}

const ONE_ROLE: &str = r#"source = { neon_role_password = { project_id = "quiet-river-12345678", branch_id = "br-main-123456", role = "app" } }"#;

#[test]
fn once_the_old_password_is_dead_a_failed_check_holds_no_wave_back() {
    let story = Story::new();
    let up = health(&story);
    let two = r#"targets = {
    control_plane = { part = "password", fly_secret = { app = "molecule-cp" } }
    image_publish = { wave = 2, part = "password", github_actions_secret = { repository = "molecule-monorepo" } }
  }"#;
    story.configure(&[ONE_ROLE, two, &up]);
    story.apply();
    story.sandbox.seed(json!({ "platform": { "healthy": false } }));
    story.configure(&[ONE_ROLE, two, &up, "rotation_reason = \"once\""]);
    let said = unframed(&story.fails());
    assert!(said.contains("Check \"up\" did not pass"), "{said}");
    let now = Some(password(&story, "app"));
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), now);
    assert_eq!(github_secret(&story, REPOSITORY, NAME), now);
    story.sandbox.seed(json!({ "platform": { "healthy": true } }));
    story.apply();
    assert_eq!(Some(password(&story, "app")), now, "it was not reset again");
}

#[test]
fn once_the_old_password_is_dead_a_target_that_refuses_holds_no_other_back() {
    let two = r#"targets = {
    image_publish = { wave = 1, part = "password", github_actions_secret = { repository = "molecule-monorepo" } }
    control_plane = { wave = 2, part = "password", fly_secret = { app = "molecule-cp" } }
  }"#;
    let story = Story::begun(&[ONE_ROLE, two]);
    story
        .sandbox
        .lasting_fault(&format!("PUT /repos/{REPOSITORY}/actions/secrets/"), "forbidden");
    story.configure(&[ONE_ROLE, two, "rotation_reason = \"once\""]);
    story.fails();
    let now = Some(password(&story, "app"));
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), now);
    assert_ne!(github_secret(&story, REPOSITORY, NAME), now);
    story.sandbox.heal();
    story.apply();
    assert_eq!(Some(password(&story, "app")), now, "it was not reset again");
    assert_eq!(github_secret(&story, REPOSITORY, NAME), now);
}

#[test]
fn what_every_target_refuses_does_not_pile_up() {
    let story = Story::begun(&[FLY_TOKEN, OVERLAP, FLY_TARGET]);
    story
        .sandbox
        .lasting_fault("POST /v1/apps/molecule-cp/secrets", "forbidden");
    story.configure(&[FLY_TOKEN, OVERLAP, FLY_TARGET, "rotation_reason = \"once\""]);
    for _ in 0..3 {
        story.fails();
        assert!(alive(&story).len() <= 2, "{:?}", alive(&story));
    }
    story.sandbox.heal();
    story.apply();
    assert_eq!(
        fly_secret(&story, "molecule-cp", NAME),
        Some(alive(&story).last().unwrap().value.clone())
    );
    assert_eq!(alive(&story).len(), 2);
}
