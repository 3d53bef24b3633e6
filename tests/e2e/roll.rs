//! Rolls of Fly machines that end early outside a rotation: what is published goes live with the next apply.

use crate::story::{FLY_TOKEN, NAME, Story, unframed};
use crate::truth::{alive, fly_secret, machine_values, write_fly_secret};

const WITH_ESCROW: &str = r#"targets = {
    control_plane = { fly_secret = { app = "molecule-cp" } }
    runtime       = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
  }"#;
const A_LEASE: &str = "/lease";

/// Every machine that runs has what Fly stores.
#[track_caller]
fn every_machine_runs_it(story: &Story) {
    let stored = fly_secret(story, "molecule-cp", NAME);
    let running = machine_values(story, "molecule-cp", NAME);
    assert!(
        !running.is_empty() && running.iter().all(|value| *value == stored),
        "{running:?}"
    );
}

#[test]
fn a_healed_entry_whose_roll_failed_goes_live_with_the_next_apply() {
    let mut story = Story::begun(&[FLY_TOKEN, WITH_ESCROW, "overlap = \"1h\""]);
    story.configure(&[FLY_TOKEN, WITH_ESCROW, "overlap = \"1h\"", "rotate_now = \"once\""]);
    story.apply();
    write_fly_secret(&story, "typed by hand");
    story.sandbox.fault(A_LEASE, 1, "forbidden");
    let said = unframed(&story.fails());
    let next = "activate control_plane: generation 2 is published, but not live";
    assert!(said.contains(&format!("The next apply will {next}")), "{said}");
    let plan = story.plan();
    assert!(plan.contains(next), "{plan}");
    story.apply();
    every_machine_runs_it(&story);
    // What waited for it comes in its time.
    story.clock("2h");
    story.apply();
    assert_eq!(alive(&story).len(), 1);
    assert_eq!(story.attributes()["phase"], "settled");
}

#[test]
fn an_added_app_whose_roll_failed_goes_live_with_the_next_apply() {
    let story = Story::begun(&[FLY_TOKEN, WITH_ESCROW]);
    let more = WITH_ESCROW.replace(
        "targets = {",
        "targets = {\n    worker = { fly_secret = { app = \"molecule-worker\" } }",
    );
    story.sandbox.fault(A_LEASE, 1, "forbidden");
    story.configure(&[FLY_TOKEN, &more]);
    story.fails();
    story.apply();
    let stored = fly_secret(&story, "molecule-worker", NAME);
    assert!(stored.is_some());
    assert!(
        machine_values(&story, "molecule-worker", NAME)
            .iter()
            .all(|value| *value == stored)
    );
}
