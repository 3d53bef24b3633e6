//! Vendors whose lists lag behind their writes by seconds, and clocks that are minutes apart.

use std::time::Duration;

use serde_json::json;

use crate::interrupt::{apply_until, ended, send};
use crate::story::{FLY_TARGET, FLY_TOKEN, NAME, SSM_TARGET, Story, THREE_TARGETS};
use crate::truth::{alive, fly_secret, nothing_is_left, ours, the_token, three_targets_hold, write_fly_secret};

const LINES: [&str; 3] = [FLY_TOKEN, THREE_TARGETS, "overlap = \"1h\""];

fn lag(story: &Story, seconds: u64) {
    story.sandbox.settings(json!({ "list_lag_ms": seconds * 1000 }));
}

fn caught_up(seconds: u64) {
    std::thread::sleep(Duration::from_millis(seconds * 1000 + 200));
}

/// The provider dies as soon as the token is made, before any target is written.
fn dies_after_the_mint(story: &Story) {
    story.sandbox.fault("POST /v1/apps/molecule-cp/secrets", 1, "hang");
    let child = apply_until(story, "createLimitedAccessToken");
    send("pkill", &["-KILL", "-P"], &child);
    ended(child);
    story.sandbox.heal();
}

#[test]
fn a_whole_life_under_lists_that_lag_is_as_quiet_as_without() {
    let mut story = Story::new();
    lag(&story, 3);
    story.configure(&LINES);
    story.apply();
    let first = the_token(&story);
    three_targets_hold(&story, &first.value);
    write_fly_secret(&story, "typed by hand");
    caught_up(3);
    story.apply();
    three_targets_hold(&story, &the_token(&story).value);
    story.configure(&[&LINES[..], &["rotation_reason = \"once\""]].concat());
    story.apply();
    assert_eq!(alive(&story).len(), 2);
    story.clock("2h");
    story.apply();
    assert_ne!(the_token(&story), first);
    three_targets_hold(&story, &the_token(&story).value);
    assert_eq!(ours(&story).len(), 2);
    story.destroy();
    nothing_is_left(&story);
}

#[test]
fn a_parameter_that_is_listed_late_is_no_drift() {
    let story = Story::new();
    lag(&story, 9);
    story.configure(&[FLY_TOKEN, SSM_TARGET, "overlap = \"1h\""]);
    story.apply();
    story.configure(&[FLY_TOKEN, SSM_TARGET, "overlap = \"1h\"", "rotation_reason = \"once\""]);
    story.apply();
    assert_eq!(ours(&story).len(), 2);
}

#[test]
fn a_create_that_cannot_see_what_an_interrupted_one_made_ends_it_once_it_shows() {
    let mut story = Story::new();
    lag(&story, 5);
    story.configure(&[FLY_TOKEN, FLY_TARGET, "overlap = \"1h\""]);
    dies_after_the_mint(&story);
    story.apply();
    assert_eq!(alive(&story).len(), 2, "the list did not show the first one yet");
    let held = fly_secret(&story, "molecule-cp", NAME);
    caught_up(5);
    let plan = story.plan();
    assert!(
        plan.contains("minted by an interrupted apply, held by no target"),
        "{plan}"
    );
    story.apply();
    assert_eq!(Some(the_token(&story).value), held);
    story.clock("2h");
    story.settled();
    story.destroy();
    nothing_is_left(&story);
}

#[test]
fn a_rotation_that_cannot_see_what_an_interrupted_one_made_ends_it_once_it_shows() {
    let lines = [FLY_TOKEN, FLY_TARGET, "overlap = \"1h\"", "rotation_reason = \"once\""];
    let mut story = Story::begun(&lines[..3]);
    lag(&story, 5);
    story.configure(&lines);
    dies_after_the_mint(&story);
    story.apply();
    assert_eq!(alive(&story).len(), 3, "the list did not show the lost one yet");
    let held = fly_secret(&story, "molecule-cp", NAME);
    caught_up(5);
    story.apply();
    assert_eq!(alive(&story).len(), 2);
    story.clock("2h");
    story.apply();
    assert_eq!(Some(the_token(&story).value), held);
    // Two hours of the provider's clock have not passed at the vendors, where a new token would look two hours old.
    lag(&story, 0);
    story.configure(&[&lines[..3], &["rotation_reason = \"twice\""]].concat());
    story.apply();
    assert_eq!(story.attributes()["generation"], 3);
}

#[test]
fn clocks_that_are_five_minutes_apart_change_nothing_in_schedule_and_overlap() {
    for skew in [-5_i64, 5] {
        let at = |minutes: i64| {
            format!(
                "{}{}m",
                if minutes + skew < 0 { "-" } else { "" },
                (minutes + skew).abs()
            )
        };
        let lines = [
            FLY_TOKEN,
            THREE_TARGETS,
            "overlap = \"1h\"",
            "rotation { every = \"1d\" }",
        ];
        let mut story = Story::new();
        lag(&story, 2);
        story.clock(&at(0));
        story.configure(&lines);
        story.apply();
        let first = the_token(&story);
        story.clock(&at(24 * 60 - 1));
        story.settled();
        story.clock(&at(24 * 60 + 1));
        story.apply();
        assert_eq!(alive(&story).len(), 2);
        story.clock(&at(25 * 60));
        story.settled();
        assert!(alive(&story).contains(&first));
        story.clock(&at(25 * 60 + 3));
        story.apply();
        assert!(!alive(&story).contains(&first));
        three_targets_hold(&story, &the_token(&story).value);
    }
}

#[test]
fn machines_whose_clocks_are_ten_minutes_apart_apply_in_turn_without_redoing_anything() {
    const LINES: [&str; 3] = [FLY_TOKEN, SSM_TARGET, "overlap = \"1h\""];
    let mut story = Story::new();
    lag(&story, 12);
    story.clock("-5m");
    story.configure(&LINES);
    story.apply();
    let first = the_token(&story);
    for offset in ["5m", "-5m"] {
        story.clock(offset);
        story.sandbox.forget_calls();
        story.apply();
        story.wrote_nothing();
    }
    story.clock("5m");
    story.configure(&[&LINES[..], &["rotation_reason = \"once\""]].concat());
    story.apply();
    story.clock("-5m");
    story.apply();
    assert_eq!(alive(&story).len(), 2);
    assert!(alive(&story).contains(&first));
    assert_eq!(ours(&story).len(), 2);
}

#[test]
fn keys_that_are_listed_late_are_neither_missed_nor_made_twice() {
    let lines = ["source = { neon_api_key = {} }", SSM_TARGET, "overlap = \"1h\""];
    let keys = |story: &Story| {
        let state = story.sandbox.state();
        let all = state["neon"]["api_keys"].as_array().unwrap().clone();
        let ours = all
            .into_iter()
            .filter(|key| key["name"].as_str().unwrap().contains("-rot-"));
        ours.map(|key| key["revoked"] == false).collect::<Vec<_>>()
    };
    let mut story = Story::new();
    lag(&story, 9);
    story.configure(&lines);
    story.apply();
    story.configure(&[&lines[..], &["rotation_reason = \"once\""]].concat());
    story.apply();
    assert_eq!(keys(&story), [true, true]);
    story.clock("2h");
    caught_up(9);
    story.apply();
    assert_eq!(keys(&story), [false, true]);
    story.destroy();
    assert_eq!(keys(&story), [false, false]);
}
