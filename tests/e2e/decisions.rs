//! Plans decide by the configuration that they are made for, and say in words what they are about to do.

use serde_json::json;

use crate::story::{FLY_TARGET, FLY_TOKEN, NAME, PARAMETER, REPOSITORY, Story, says};
use crate::truth::{alive, fly_secret, github_secret, ours, parameter, the_token, write_fly_secret};

const READABLE: &str = r#"targets = {
    runtime       = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
    control_plane = { wave = 2, fly_secret = { app = "molecule-cp" } }
  }"#;
const DAY: &str = "overlap = \"24h\"";
const LEAK: &str = "rotation_reason = \"the value of generation 1 leaked\"";

#[test]
fn a_new_on_drift_counts_in_the_plan_that_introduces_it() {
    let random = "source = { random = { bytes = 32, encoding = \"hex\" } }";
    let story = Story::begun(&[random, FLY_TARGET]);
    write_fly_secret(&story, "typed by hand");
    story.configure(&[random, FLY_TARGET, "on_drift = \"rotate\""]);
    let plan = story.plan();
    says(
        &plan,
        &[
            "mint generation 2: 32 random bytes in hex",
            "cause = \"created\" -> \"drift\"",
        ],
    );
    story.configure(&[random, FLY_TARGET, "on_drift = \"report\""]);
    let said = story.apply();
    says(&said, &[&format!("{NAME}: drifted")]);
    assert_eq!(
        fly_secret(&story, "molecule-cp", NAME).as_deref(),
        Some("typed by hand")
    );
    assert_eq!(story.attributes()["generation"], 1);
}

#[test]
fn a_generated_value_is_never_replaced_by_itself() {
    let random = "source = { random = { bytes = 32, encoding = \"hex\" } }";
    let story = Story::begun(&[random, FLY_TARGET]);
    write_fly_secret(&story, "typed by hand");
    let said = story.settled();
    says(
        &said,
        &[&format!("{NAME}: not_restorable"), "set a new `rotation_reason`"],
    );
    assert_eq!(story.attributes()["generation"], 1);
    story.configure(&[random, FLY_TARGET, "rotation_reason = \"overwritten by hand\""]);
    story.apply();
    assert_eq!(story.attributes()["last_rotation"]["cause"], "requested");
    assert_ne!(
        fly_secret(&story, "molecule-cp", NAME).as_deref(),
        Some("typed by hand")
    );
}

#[test]
fn a_new_target_of_a_generated_secret_is_refused_where_the_value_cannot_be_read() {
    let random = "source = { random = { bytes = 32, encoding = \"hex\" } }";
    let story = Story::begun(&[random, FLY_TARGET]);
    let both = r#"targets = {
    control_plane = { fly_secret = { app = "molecule-cp" } }
    publish       = { github_actions_secret = { repository = "molecule-monorepo" } }
  }"#;
    story.configure(&[random, both]);
    let said = story.refused("plan");
    assert!(said.contains("the value cannot be delivered"), "{said}");
    story.configure(&[random, both, "rotation_reason = \"one more consumer\""]);
    story.apply();
    assert_eq!(story.attributes()["generation"], 2);
}

#[test]
fn a_generated_value_is_not_deleted_where_its_target_moves_and_nothing_gives_it_back() {
    let random = "source = { random = { bytes = 32, encoding = \"hex\" } }";
    let story = Story::begun(&[random, FLY_TARGET]);
    let value = fly_secret(&story, "molecule-cp", NAME);
    let moved = r#"targets = { control_plane = { fly_secret = { app = "molecule-worker" } } }"#;
    story.configure(&[random, moved]);
    let said = story.refused("plan");
    says(
        &said,
        &[
            "the value cannot be delivered",
            "arget control_plane is at another place now",
        ],
    );
    assert!(value.is_some());
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), value);
    story.configure(&[random, moved, "rotation_reason = \"moved\""]);
    story.apply();
    assert!(fly_secret(&story, "molecule-worker", NAME).is_some());
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), None);
}

#[test]
fn a_move_that_failed_can_be_undone_and_done_again() {
    let random = "source = { random = { bytes = 32, encoding = \"hex\" } }";
    let readable = r#"targets = { runtime = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } } }"#;
    let story = Story::begun(&[random, readable]);
    let value = parameter(&story, PARAMETER);
    let moved = r#"targets = { runtime = { github_actions_secret = { repository = "molecule-monorepo" } } }"#;
    story.configure(&[random, moved]);
    story
        .sandbox
        .lasting_fault(&format!("PUT /repos/{REPOSITORY}/actions/secrets/"), "forbidden");
    let said = story.fails();
    assert!(!said.contains("cannot be recovered"), "{said}");
    story.sandbox.heal();
    // Back, and there again.
    story.configure(&[random, readable]);
    story.apply();
    assert!(value.is_some());
    assert_eq!(parameter(&story, PARAMETER), value);
    story.settled();
    story.configure(&[random, moved]);
    let said = story.apply();
    assert!(!said.contains("cannot be recovered"), "{said}");
    assert_eq!(github_secret(&story, REPOSITORY, NAME), value);
    assert_eq!(parameter(&story, PARAMETER), None);
    story.settled();
}

#[test]
fn an_overlap_of_zero_set_later_revokes_with_that_apply() {
    let story = Story::begun(&[FLY_TOKEN, READABLE, DAY]);
    let old = the_token(&story);
    story.configure(&[FLY_TOKEN, READABLE, DAY, LEAK]);
    story.apply();
    assert_eq!(alive(&story).len(), 2);
    story.configure(&[FLY_TOKEN, READABLE, "overlap = \"0s\"", LEAK]);
    let plan = story.plan();
    says(
        &plan,
        &[
            &format!("revoke generation 1 ({})", old.id),
            "a shorter overlap revokes",
        ],
    );
    story.apply();
    assert_ne!(the_token(&story).id, old.id);
    let attributes = story.attributes();
    assert_eq!(attributes["phase"], "settled");
    assert_eq!(attributes["credentials"]["1"]["status"], "disabled");
    assert_eq!(attributes["credentials"]["2"]["status"], "current");
}

#[test]
fn a_longer_overlap_moves_the_revocation() {
    let story = Story::begun(&[FLY_TOKEN, READABLE, DAY]);
    story.configure(&[FLY_TOKEN, READABLE, DAY, LEAK]);
    story.apply();
    let before: jiff::Timestamp = story.attributes()["revoke_after"].as_str().unwrap().parse().unwrap();
    story.configure(&[FLY_TOKEN, READABLE, "overlap = \"48h\"", LEAK]);
    story.apply();
    let after: jiff::Timestamp = story.attributes()["revoke_after"].as_str().unwrap().parse().unwrap();
    assert_eq!(after.duration_since(before).as_hours(), 24);
    assert_eq!(alive(&story).len(), 2);
}

#[test]
fn switching_stage_writes_nothing_and_mints_nothing() {
    let target = |stage: bool| {
        format!("targets = {{ control_plane = {{ fly_secret = {{ app = \"molecule-cp\", stage = {stage} }} }} }}")
    };
    let story = Story::begun(&[FLY_TOKEN, &target(false)]);
    let token = the_token(&story);
    story.sandbox.forget_calls();
    story.configure(&[FLY_TOKEN, &target(true)]);
    story.apply();
    story.wrote_nothing();
    assert_eq!(story.attributes()["phase"], "settled");
    story.configure(&[FLY_TOKEN, &target(false)]);
    story.apply();
    assert_eq!(the_token(&story), token);
    // What was staged goes live when staging is switched off.
    let story = Story::begun(&[FLY_TOKEN, &target(true)]);
    assert_eq!(story.attributes()["deliveries"]["control_plane"]["status"], "staged");
    assert_eq!(story.attributes()["phase"], "settled");
    story.configure(&[FLY_TOKEN, &target(false)]);
    let plan = story.plan();
    says(&plan, &["make FLY_API_TOKEN of generation 1 on Fly app molecule-cp"]);
    story.apply();
    assert_eq!(story.attributes()["deliveries"]["control_plane"]["status"], "current");
    assert_eq!(ours(&story).len(), 1);
}

#[test]
fn a_target_that_could_be_read_again_before_the_apply_is_no_surprise() {
    let targets = r#"targets = {
    runtime = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
    publish = { github_actions_secret = { repository = "molecule-monorepo" } }
  }"#;
    let story = Story::begun(&[FLY_TOKEN, DAY, targets]);
    let kept = targets.replace("runtime = {", "runtime = { on_remove = \"keep\",");
    for lines in [[FLY_TOKEN, DAY, &kept, ""], [FLY_TOKEN, DAY, &kept, LEAK]] {
        story
            .sandbox
            .lasting_fault(&format!("GET /repos/{REPOSITORY}/actions/secrets"), "forbidden");
        story.configure(&lines);
        let said = story.run(&["plan", "-out", "saved"]).success();
        says(&said, &["unreachable"]);
        story.sandbox.heal();
        story.run(&["apply", "saved"]).success();
        story.settled();
    }
    assert_eq!(story.attributes()["deliveries"]["publish"]["status"], "current");
}

#[test]
fn an_entry_whose_drift_is_only_reported_stays_when_another_target_is_added() {
    let report = "on_drift = \"report\"";
    let targets = |more: &str| {
        format!(
            "targets = {{\n    runtime = {{ ssm_parameter = {{ name = {PARAMETER:?} }} }}\n    \
             edited = {{ ssm_parameter = {{ name = \"/molecule/edited\" }} }}\n    {more}\n  }}"
        )
    };
    let story = Story::begun(&[FLY_TOKEN, &targets(""), DAY, report]);
    story
        .sandbox
        .seed(json!({ "aws": { "parameters": { "/molecule/edited": "typed by hand" } } }));
    story.configure(&[
        FLY_TOKEN,
        &targets("web = { fly_secret = { app = \"molecule-cp\" } }"),
        DAY,
        report,
    ]);
    let said = story.apply();
    says(&said, &["set FLY_API_TOKEN of generation 1 on Fly app molecule-cp"]);
    assert_eq!(parameter(&story, "/molecule/edited").as_deref(), Some("typed by hand"));
    assert_eq!(story.attributes()["generation"], 1);
    assert_eq!(story.attributes()["deliveries"]["edited"]["status"], "changed");
}

#[test]
fn the_only_copy_of_a_generated_value_is_not_deleted() {
    let random = "source = { random = { bytes = 32, encoding = \"hex\" } }";
    let both = r#"targets = {
    control_plane = { fly_secret = { app = "molecule-cp" } }
    publish       = { github_actions_secret = { repository = "molecule-monorepo" } }
  }"#;
    let story = Story::begun(&[random, both]);
    let value = github_secret(&story, REPOSITORY, NAME);
    write_fly_secret(&story, "typed by hand");
    story.configure(&[random, FLY_TARGET]);
    let said = story.apply();
    says(
        &said,
        &[
            "holds the only copy of generation 1, so it was not deleted",
            "set a new `rotation_reason`",
        ],
    );
    assert!(!said.contains("this apply deletes"), "{said}");
    assert!(value.is_some());
    assert_eq!(github_secret(&story, REPOSITORY, NAME), value);
    story.settled();
    story.configure(&[random, FLY_TARGET, "rotation_reason = \"typed by hand\""]);
    story.apply();
    assert_ne!(
        fly_secret(&story, "molecule-cp", NAME).as_deref(),
        Some("typed by hand")
    );
    assert_eq!(github_secret(&story, REPOSITORY, NAME), None);
    story.settled();
}
