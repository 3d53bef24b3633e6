//! Two machines apply one configuration at once, with a state that they share under the lock of a real PostgreSQL.

use serde_json::json;

use crate::interrupt::{apply_until, send, waiting_check};
use crate::postgres::Postgres;
use crate::story::{FLY_TOKEN, Story, THREE_TARGETS};
use crate::truth::{alive, ours, the_token, three_targets_hold};

const LINES: [&str; 3] = [FLY_TOKEN, THREE_TARGETS, "overlap = \"1h\""];

/// Two directories, one configuration, one state.
fn machines(database: &Postgres, lines: &[&str]) -> [Story; 2] {
    let first = Story::new();
    let both = [first.beside(), first];
    for story in &both {
        let backend = format!(
            "terraform {{\n  backend \"pg\" {{\n    conn_str = {:?}\n  }}\n}}\n",
            database.url()
        );
        std::fs::write(story.workspace.path().join("backend.tf"), backend).unwrap();
        story.configure(lines);
        // The provider is no release that could be installed, so only the first half of this succeeds.
        let said = story.run(&["init"]).output;
        assert!(said.contains("Successfully configured the backend \"pg\""), "{said}");
    }
    both
}

/// Ends well, and says so.
#[track_caller]
fn ended_well(child: std::process::Child) -> String {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn an_apply_beside_another_is_refused_or_waits_and_finds_nothing_left_to_do() {
    let database = Postgres::start();
    let [one, other] = machines(&database, &LINES);
    // The first one waits in its check for as long as it takes.
    let check = waiting_check(&one);
    let lines = [&LINES[..], &[check.as_str()]].concat();
    for story in [&one, &other] {
        story.configure(&lines);
    }
    one.sandbox.seed(json!({ "platform": { "healthy": false } }));
    let running = apply_until(&one, "/health");
    let refused = other.run(&["apply", "-auto-approve"]);
    assert!(
        refused.output.contains("Error acquiring the state lock"),
        "{}",
        refused.output
    );
    one.sandbox.seed(json!({ "platform": { "healthy": true } }));
    let said = other.run(&["apply", "-auto-approve", "-lock-timeout=120s"]).success();
    assert!(said.contains("No changes."), "{said}");
    ended_well(running);
    assert_eq!(ours(&one).len(), 1);
    three_targets_hold(&one, &the_token(&one).value);
    one.settled();
    other.settled();
}

#[test]
fn rotations_that_are_asked_for_on_two_machines_at_once_follow_each_other() {
    let database = Postgres::start();
    let [mut one, other] = machines(&database, &LINES);
    one.apply();
    one.configure(&[&LINES[..], &["rotation_reason = \"one\""]].concat());
    other.configure(&[&LINES[..], &["rotation_reason = \"other\""]].concat());
    let running = apply_until(&one, "createLimitedAccessToken");
    other.run(&["apply", "-auto-approve", "-lock-timeout=120s"]).success();
    ended_well(running);
    other.settled();
    let newest = alive(&one).last().unwrap().clone();
    assert!(newest.name.ends_with("-g3"), "{newest:?}");
    three_targets_hold(&one, &newest.value);
    one.configure(&[&LINES[..], &["rotation_reason = \"other\""]].concat());
    one.clock("2h");
    one.apply();
    assert_eq!(the_token(&one), newest);
}

#[test]
fn a_machine_that_dies_frees_the_lock_and_the_other_finishes_its_rotation() {
    let database = Postgres::start();
    let rotated = [&LINES[..], &["rotation_reason = \"once\""]].concat();
    let [mut one, other] = machines(&database, &LINES);
    one.apply();
    one.configure(&rotated);
    other.configure(&rotated);
    one.sandbox.fault("PutParameter", 1, "hang");
    let mut dying = apply_until(&one, "PUT /repos");
    send("kill", &["-KILL"], &dying);
    dying.wait().unwrap();
    one.sandbox.heal();
    // The provider follows its parent, and the next one finds what they had begun.
    other.run(&["apply", "-auto-approve", "-lock-timeout=60s"]);
    other.apply();
    let newest = alive(&other).last().unwrap().clone();
    three_targets_hold(&other, &newest.value);
    one.clock("2h");
    one.apply();
    assert_eq!(the_token(&one), newest);
}
