//! Checks that present a credential, where an earlier run was cut off before they passed or where they follow a revocation.

use crate::story::{A_DAY, FLY_TARGET, FLY_TOKEN, NAME, PARAMETER, SSM_TARGET, Story, unframed};
use crate::truth::{alive, fly_secret, parameter, the_token};

/// Checks by key: the path that is asked with the credential, and what else the check says.
fn checks(story: &Story, checks: &[(&str, &str, &str, &str)]) -> String {
    let url = story.sandbox.export("SANDBOX_URL");
    let written = checks.iter().map(|(key, path, common, more)| {
        format!(
            "    {key} = {{ retry_for = \"1s\", {common} http = {{ url = \"{url}{path}\", {more} headers = {{ Authorization = \"Bearer {{{{ value }}}}\" }} }} }}\n"
        )
    });
    format!("checks = {{\n{}  }}", written.collect::<String>())
}

const FLY_SECRETS: &str = "/v1/apps/molecule-cp/secrets";
/// Knows no tokens of Fly, so a check that asks there fails.
const ELSEWHERE: &str = "/settings/secrets";

#[test]
fn a_rotation_whose_check_failed_is_finished_with_the_value_in_escrow() {
    let story = Story::new();
    let check = |path| checks(&story, &[("accepted", path, "", "")]);
    story.configure(&[FLY_TOKEN, SSM_TARGET, A_DAY, &check(FLY_SECRETS)]);
    story.apply();
    story.configure(&[
        FLY_TOKEN,
        SSM_TARGET,
        A_DAY,
        &check(ELSEWHERE),
        "rotation_reason = \"once\"",
    ]);
    let said = unframed(&story.fails());
    assert!(said.contains("The next apply will finish generation 2"), "{said}");
    let held = parameter(&story, PARAMETER);
    // Still not mended: it is asked with the same credential, and says what it was answered.
    let said = unframed(&story.fails());
    assert!(said.contains("answered 401"), "{said}");
    story.configure(&[
        FLY_TOKEN,
        SSM_TARGET,
        A_DAY,
        &check(FLY_SECRETS),
        "rotation_reason = \"once\"",
    ]);
    assert!(story.plan().contains("wave 1: check accepted of generation 2"));
    story.apply();
    assert_eq!(parameter(&story, PARAMETER), held);
    assert!(alive(&story).last().unwrap().name.ends_with("-g2"));
}

#[test]
fn a_rotation_whose_check_failed_begins_anew_where_the_value_is_lost_and_the_error_says_so() {
    let story = Story::new();
    let check = |path| checks(&story, &[("accepted", path, "", "")]);
    story.configure(&[FLY_TOKEN, FLY_TARGET, &check(FLY_SECRETS)]);
    story.apply();
    story.configure(&[FLY_TOKEN, FLY_TARGET, &check(ELSEWHERE), "rotation_reason = \"once\""]);
    let why = "check accepted has not passed with generation 2, and the value of generation 2 cannot be recovered";
    let said = unframed(&story.fails());
    assert!(
        said.contains(&format!("The next apply will rotate to generation 3 ({why}")),
        "{said}"
    );
    story.configure(&[FLY_TOKEN, FLY_TARGET, &check(FLY_SECRETS), "rotation_reason = \"once\""]);
    let plan = story.plan();
    assert!(plan.contains(why) && plan.contains("2 -> 3"), "{plan}");
    story.apply();
    let newest = the_token(&story);
    assert!(newest.name.ends_with("-g3"));
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), Some(newest.value));
}

#[test]
fn a_create_whose_check_failed_goes_on_after_untaint() {
    for target in [FLY_TARGET, SSM_TARGET] {
        let story = Story::new();
        let check = |path| checks(&story, &[("accepted", path, "", "")]);
        story.configure(&[FLY_TOKEN, target, A_DAY, &check(ELSEWHERE)]);
        story.fails();
        story.run(&["untaint", "rotation_secret.it"]).success();
        story.configure(&[FLY_TOKEN, target, A_DAY, &check(FLY_SECRETS)]);
        story.apply();
        let generation = if target == SSM_TARGET { "-g1" } else { "-g2" };
        assert!(alive(&story).last().unwrap().name.ends_with(generation));
    }
}

#[test]
fn after_a_revocation_the_old_credential_is_presented_and_must_be_refused() {
    let mut story = Story::new();
    let check = |expected: &str| {
        let refused = format!("credential = \"previous\", expect_status = [{expected}],");
        let after = "phase = \"revoked\",";
        checks(
            &story,
            &[
                ("refused", FLY_SECRETS, after, &refused),
                ("accepted", FLY_SECRETS, after, ""),
            ],
        )
    };
    let overlap = "overlap = \"1h\"";
    let right = check("401");
    let wrong = check("200");
    story.configure(&[FLY_TOKEN, SSM_TARGET, &right, overlap]);
    story.apply();
    story.configure(&[FLY_TOKEN, SSM_TARGET, &right, overlap, "rotation_reason = \"once\""]);
    story.apply();
    assert_eq!(alive(&story).len(), 2);
    story.clock("2h");
    story.apply();
    assert!(the_token(&story).name.ends_with("-g2"));
    let results = story.attributes()["last_rotation"]["checks"].clone();
    let result = |name: &str| {
        let mut found = results.as_array().unwrap().iter().filter(|check| check["name"] == name);
        found.next().unwrap()["result"].clone()
    };
    assert_eq!([result("accepted"), result("refused")], ["passed", "passed"]);
    // One that does not pass is not forgotten: it runs again until it does.
    story.configure(&[FLY_TOKEN, SSM_TARGET, &wrong, overlap, "rotation_reason = \"twice\""]);
    story.apply();
    story.clock("4h");
    let said = unframed(&story.fails());
    assert!(said.contains("answered 401, expected 200"), "{said}");
    assert!(
        said.contains("The next apply will repeat the checks (not passed since the last revocation: refused)"),
        "{said}"
    );
    assert!(the_token(&story).name.ends_with("-g3"), "it is revoked all the same");
    let plan = story.plan();
    assert!(plan.contains("not passed since the last revocation: refused"), "{plan}");
    story.fails();
    story.configure(&[FLY_TOKEN, SSM_TARGET, &right, overlap, "rotation_reason = \"twice\""]);
    story.apply();
}

#[test]
fn the_previous_credential_is_presented_although_an_interrupted_run_has_overwritten_it() {
    let story = Story::new();
    let targets = r#"targets = {
    runtime       = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
    image_publish = { wave = 2, github_actions_secret = { repository = "molecule-monorepo" } }
  }"#;
    let check = checks(&story, &[("both", FLY_SECRETS, "", "credential = \"previous\",")]);
    story.configure(&[FLY_TOKEN, targets, A_DAY, &check]);
    story.apply();
    story.sandbox.fault("PUT /repos", 1, "forbidden");
    story.configure(&[FLY_TOKEN, targets, A_DAY, &check, "rotation_reason = \"once\""]);
    story.fails();
    story.apply();
    assert_eq!(alive(&story).len(), 2);
    let results = &story.attributes()["last_rotation"]["checks"];
    assert_eq!(results[0]["result"], "passed", "{results}");
}

#[test]
fn a_check_of_the_previous_credential_needs_a_target_that_gives_its_parts_back() {
    let story = Story::new();
    let check = checks(&story, &[("both", FLY_SECRETS, "", "credential = \"previous\",")]);
    let template = r#"targets = { runtime = { ssm_parameter = { name = "/a" }, template = "token={{ value }}" } }"#;
    let provided = "source = { provided = {} }\n  value_wo = \"something-long-enough-1\"\n  value_wo_version = 1";
    for (source, targets, more) in [
        (FLY_TOKEN, FLY_TARGET, A_DAY),
        (FLY_TOKEN, template, A_DAY),
        (provided, FLY_TARGET, ""),
    ] {
        story.configure(&[source, targets, more, &check]);
        let said = story.refused("plan");
        assert!(
            said.contains("The value of the previous credential cannot be recovered"),
            "{said}"
        );
    }
}

#[test]
fn a_check_that_a_killed_run_did_not_come_to_after_its_revocation_still_runs() {
    let mut story = Story::new();
    let refused = "credential = \"previous\", expect_status = [401],";
    let check = checks(&story, &[("refused", FLY_SECRETS, "phase = \"revoked\",", refused)]);
    let overlap = "overlap = \"1h\"";
    story.configure(&[FLY_TOKEN, SSM_TARGET, &check, overlap]);
    story.apply();
    story.configure(&[FLY_TOKEN, SSM_TARGET, &check, overlap, "rotation_reason = \"once\""]);
    story.apply();
    let state = |story: &Story| story.workspace.path().join("terraform.tfstate");
    let before = std::fs::read(state(&story)).unwrap();
    story.clock("2h");
    story.apply();
    // The run that revoked was killed: the state is that of before.
    std::fs::write(state(&story), before).unwrap();
    let plan = story.plan();
    assert!(plan.contains("not passed since the last revocation: refused"), "{plan}");
    story.apply();
    let results = story.attributes()["last_rotation"]["checks"].clone();
    assert_eq!(results[0]["result"], "passed", "{results}");
}

#[test]
fn the_checks_after_a_revocation_are_about_what_was_revoked_and_had_been_in_place() {
    let mut story = Story::new();
    let refused = "credential = \"previous\", expect_status = [401],";
    let check = checks(&story, &[("refused", FLY_SECRETS, "phase = \"revoked\",", refused)]);
    let configure = |story: &Story, reason: &str| {
        let reason = format!("rotation_reason = {reason:?}");
        story.configure(&[FLY_TOKEN, SSM_TARGET, &check, "overlap = \"2h\"", &reason]);
    };
    configure(&story, "zero");
    story.apply();
    // A run that is killed after its mint leaves a token that no target holds. The next rotation ends it, while the one before lives.
    let state = |story: &Story| story.workspace.path().join("terraform.tfstate");
    let before = std::fs::read(state(&story)).unwrap();
    configure(&story, "one");
    story.sandbox.fault("PutParameter", 1, "forbidden");
    story.fails();
    std::fs::write(state(&story), before).unwrap();
    story.apply();
    assert_eq!(alive(&story).len(), 2, "the one in place, and the one before");
    // Two overlaps, of which the first has ended: the token of the second still works.
    story.clock("1h");
    configure(&story, "two");
    story.apply();
    story.clock("2h30m");
    story.apply();
    assert_eq!(alive(&story).len(), 2);
    let results = story.attributes()["last_rotation"]["checks"].clone();
    assert_eq!(results[0]["result"], "passed", "{results}");
}

#[test]
fn a_later_revocation_presents_the_new_credential_again_where_it_can_be_read_back() {
    let mut story = Story::new();
    let check = |story: &Story, path| checks(story, &[("accepted", path, "", "")]);
    let lines = |check: &str, more: &str| {
        let lines = [FLY_TOKEN, SSM_TARGET, "overlap = \"1h\"", check, more];
        lines.map(str::to_owned)
    };
    let configure = |story: &Story, path, more: &str| {
        let lines = lines(&check(story, path), more);
        story.configure(&lines.each_ref().map(String::as_str));
    };
    configure(&story, FLY_SECRETS, "");
    story.apply();
    configure(&story, FLY_SECRETS, "rotation_reason = \"once\"");
    story.apply();
    story.clock("2h");
    configure(&story, ELSEWHERE, "rotation_reason = \"once\"");
    let said = unframed(&story.run(&["apply", "-auto-approve"]).success());
    assert!(
        said.contains("is not revoked yet: check accepted does not pass"),
        "{said}"
    );
    assert_eq!(alive(&story).len(), 2);
    configure(&story, FLY_SECRETS, "rotation_reason = \"once\"");
    story.apply();
    assert!(the_token(&story).name.ends_with("-g2"));
}
