//! Rolls of Fly machines that end early outside a rotation: what is published goes live with the next apply.

use serde_json::{Value, json};

use crate::story::{A_DAY, FLY_TOKEN, NAME, Story, resource, unframed};
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
    story.configure(&[FLY_TOKEN, WITH_ESCROW, "overlap = \"1h\"", "rotation_reason = \"once\""]);
    story.apply();
    write_fly_secret(&story, "typed by hand");
    story.sandbox.fault(A_LEASE, 1, "forbidden");
    let said = unframed(&story.fails());
    let next = "generation 2 is published, but not live";
    assert!(
        said.contains(&format!("The next apply will activate control_plane ({next})")),
        "{said}"
    );
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
    let story = Story::begun(&[FLY_TOKEN, WITH_ESCROW, A_DAY]);
    let more = WITH_ESCROW.replace(
        "targets = {",
        "targets = {\n    worker = { fly_secret = { app = \"molecule-worker\" } }",
    );
    story.sandbox.fault(A_LEASE, 1, "forbidden");
    story.configure(&[FLY_TOKEN, &more, A_DAY]);
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

/// Secrets of one app, each a token of its own that is revoked with the apply that replaces it.
fn on_one_app(names: &[&str], reason: &str) -> String {
    let rotate = format!("rotation_reason = {reason:?}");
    let lines = [
        r#"source = { fly_token = { app = "molecule-cp" } }"#,
        r#"targets = { cp = { fly_secret = { app = "molecule-cp" } } }"#,
        r#"overlap = "0s""#,
        &rotate,
    ];
    let resources = names.iter().map(|name| resource(&name.to_lowercase(), name, &lines));
    resources.collect()
}

/// At no time did a machine of the app run a token that was revoked.
#[track_caller]
fn no_machine_ever_ran_a_revoked_token(story: &Story) {
    let states = story.sandbox.timeline();
    for entry in states.iter().filter(|entry| !entry["state"].is_null()) {
        let fly = &entry["state"]["fly"];
        let revoked = fly["tokens"].as_array().unwrap().iter();
        let revoked: Vec<&Value> = revoked
            .filter(|token| !token["revoked_at"].is_null())
            .map(|token| &token["value"])
            .collect();
        for (id, machine) in fly["apps"]["molecule-cp"]["machines"].as_object().unwrap() {
            for (name, value) in machine["env"].as_object().unwrap() {
                assert!(!revoked.contains(&value), "{name} on {id} after {}", entry["call"]);
            }
        }
    }
}

#[track_caller]
fn rotated_on_one_app(names: &[&str]) {
    let story = Story::new();
    for reason in ["first", "second", "third"] {
        story.write(&on_one_app(names, reason));
        story.apply();
        for name in names {
            let stored = fly_secret(&story, "molecule-cp", name);
            let running = machine_values(&story, "molecule-cp", name);
            assert!(running.iter().all(|value| *value == stored), "{name}: {running:?}");
        }
        assert_eq!(alive(&story).len(), names.len());
    }
    no_machine_ever_ran_a_revoked_token(&story);
}

#[test]
fn two_tokens_on_one_app_are_rotated_at_once_and_no_machine_is_left_behind() {
    rotated_on_one_app(&["T0", "T1"]);
}

#[test]
fn six_tokens_on_one_app_are_rotated_at_once_and_no_machine_is_left_behind() {
    rotated_on_one_app(&["T0", "T1", "T2", "T3", "T4", "T5"]);
}

#[test]
fn machines_on_an_unreachable_host_come_last() {
    let story = Story::begun(&[FLY_TOKEN, WITH_ESCROW, A_DAY]);
    let machines = story.sandbox.state()["fly"]["apps"]["molecule-cp"]["machines"].clone();
    let first = machines.as_object().unwrap().keys().next().unwrap().clone();
    let host = |status: &str| {
        let machines = json!([{ "host_status": status }, {}]);
        story
            .sandbox
            .seed(json!({ "fly": { "apps": { "dark": { "machines": machines } } } }));
    };
    host("unreachable");
    let dark = WITH_ESCROW.replace("molecule-cp", "dark");
    story.configure(&[FLY_TOKEN, &dark, A_DAY]);
    let said = unframed(&story.fails());
    assert!(
        said.contains("host as unreachable") && !said.contains("Check the network"),
        "{said}"
    );
    assert!(said.contains("1 of 2 machines run the new value"), "{said}");
    assert!(!said.contains(&first), "{said}");
}
