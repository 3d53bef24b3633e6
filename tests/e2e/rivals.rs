//! Two states that mean one secret or one slot, and two applies at once.

use std::process::Stdio;

use serde_json::json;

use crate::story::{
    A_DAY, FLY_TARGET, FLY_TOKEN, NAME, PARAMETER, REPOSITORY, SSM_TARGET, Story, THREE_TARGETS, resource, unframed,
};
use crate::truth::{alive, fly_secret, github_secret, nothing_is_left, parameter, the_token, three_targets_hold};
const LINES: [&str; 3] = [FLY_TOKEN, THREE_TARGETS, "overlap = \"1h\""];

/// The same resource in a state of its own, under another namespace.
fn write_in(story: &Story, namespace: &str, lines: &[&str]) {
    let provider = format!("provider \"rotation\" {{\n  namespace = {namespace:?}\n}}\n");
    story.write_all(&(provider + &resource("it", NAME, lines)));
}

#[test]
fn a_second_state_with_the_same_secret_is_told_so_before_anything_is_made() {
    let story = Story::begun(&LINES);
    let token = the_token(&story);
    let mut second = story.beside();
    second.clock("25h");
    second.configure(&LINES);
    second.sandbox.forget_calls();
    let said = unframed(&second.fails());
    assert!(
        said.contains("Another state manages this secret") && said.contains(&token.id),
        "{said}"
    );
    second.wrote_nothing();
    assert!(second.has_no_state());
    story.settled();
}

#[test]
fn a_second_state_of_the_same_day_names_what_it_took_over_and_neither_undoes_the_other() {
    let story = Story::begun(&[FLY_TOKEN, FLY_TARGET, "overlap = \"1h\""]);
    let first = the_token(&story);
    let second = story.beside();
    second.configure(&[FLY_TOKEN, FLY_TARGET, "overlap = \"1h\""]);
    let said = unframed(&second.apply());
    assert!(said.contains("already existed") && said.contains(&first.id), "{said}");
    let newest = alive(&story).last().unwrap().clone();
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), Some(newest.value.clone()));
    // The first state sees what happened, and whatever it does, the place holds a token that works.
    story.run(&["apply", "-auto-approve"]);
    let held = fly_secret(&story, "molecule-cp", NAME).unwrap();
    assert!(alive(&story).iter().any(|token| token.value == held));
}

#[test]
fn the_destroy_of_an_older_object_in_a_later_process_leaves_what_the_newer_one_took_over() {
    let random = "source = { random = { bytes = 32, encoding = \"hex\" } }";
    let no_roll = r#"targets = {
    control_plane = { fly_secret = { app = "molecule-cp", stage = true } }
    runtime       = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
  }"#;
    for (source, targets, overlap) in [
        (FLY_TOKEN, THREE_TARGETS, A_DAY),
        (FLY_TOKEN, no_roll, A_DAY),
        (random, SSM_TARGET, ""),
    ] {
        let story = Story::begun(&[source, targets, overlap]);
        let held = parameter(&story, PARAMETER);
        let newer = story.beside();
        newer.configure(&[source, targets, overlap]);
        newer.apply();
        assert_eq!(parameter(&story, PARAMETER), held, "it went on with the same value");
        let said = unframed(&story.destroy());
        assert!(said.contains("now managed by another"), "{said}");
        assert_eq!(parameter(&story, PARAMETER), held);
        if source == FLY_TOKEN {
            assert_eq!(Some(the_token(&story).value), held);
            assert_eq!(fly_secret(&story, "molecule-cp", NAME), held);
        }
        newer.settled();
        newer.destroy();
        assert_eq!(parameter(&newer, PARAMETER), None);
        assert_eq!(alive(&newer), []);
    }
}

#[test]
fn a_rival_that_is_further_ahead_than_an_interrupted_apply_could_be_is_named_before_anything_is_made() {
    let story = Story::begun(&[FLY_TOKEN, FLY_TARGET, "overlap = \"1h\""]);
    let mut second = story.beside();
    std::fs::copy(
        story.workspace.path().join("terraform.tfstate"),
        second.workspace.path().join("terraform.tfstate"),
    )
    .unwrap();
    for text in ["once", "twice"] {
        second.configure(&[
            FLY_TOKEN,
            FLY_TARGET,
            "overlap = \"1h\"",
            &format!("rotation_reason = {text:?}"),
        ]);
        second.apply();
    }
    second.clock("2h");
    second.apply();
    let newest = the_token(&story);
    assert!(newest.name.ends_with("-g3"));
    story.configure(&[FLY_TOKEN, FLY_TARGET, "overlap = \"1h\"", "rotation_reason = \"mine\""]);
    story.sandbox.forget_calls();
    let said = unframed(&story.fails());
    assert!(
        said.contains("Another state manages this secret") && said.contains(&newest.id),
        "{said}"
    );
    story.wrote_nothing();
    second.settled();
}

#[test]
fn a_slot_that_another_state_holds_is_refused_and_when_it_is_taken_neither_destroys_the_others_work() {
    let story = Story::new();
    write_in(&story, "one", &LINES);
    story.apply();
    let first = the_token(&story);
    let second = story.beside();
    write_in(&second, "two", &LINES);
    second.sandbox.forget_calls();
    let said = unframed(&second.fails());
    for key in ["control_plane", "image_publish", "runtime"] {
        assert!(said.contains(key), "{said}");
    }
    assert!(said.contains("is not managed by this resource"), "{said}");
    second.wrote_nothing();
    story.a_second_later();
    write_in(&second, "two", &[&LINES[..], &["on_existing = \"replace\""]].concat());
    second.apply();
    let newer = alive(&story).into_iter().find(|token| token.id != first.id).unwrap();
    three_targets_hold(&story, &newer.value);
    assert!(alive(&story).contains(&first), "it belongs to the other state");
    // The first state finds that it was overwritten, and leaves when it is told to.
    let plan = story.plan();
    assert!(plan.contains("changed outside Terraform"), "{plan}");
    let said = unframed(&story.destroy());
    assert!(said.contains("was left in place"), "{said}");
    assert_eq!(the_token(&story), newer);
    three_targets_hold(&story, &newer.value);
    second.settled();
    second.destroy();
    nothing_is_left(&second);
}

#[test]
fn two_secrets_of_one_configuration_on_one_slot_are_refused_in_the_plan() {
    let story = Story::new();
    let other = FLY_TOKEN
        .replace("2400h", "1200h")
        .replace("molecule-cp", "molecule-worker");
    story.write(
        &(resource("it", NAME, &[FLY_TOKEN, SSM_TARGET, A_DAY])
            + &resource("other", NAME, &[&other, SSM_TARGET, A_DAY])),
    );
    let said = story.refused("plan");
    assert!(
        said.contains(
            "SSM parameter /molecule/production/FLY_API_TOKEN in us-east-1 is already a target of another secret"
        ),
        "{said}"
    );
    story.wrote_nothing();
}

#[test]
fn two_resources_that_are_the_same_secret_are_one_secret_and_an_error() {
    let story = Story::new();
    let lines = [FLY_TOKEN, SSM_TARGET, "overlap = \"1h\""];
    story.write(&(resource("it", NAME, &lines) + &resource("again", NAME, &lines)));
    let said = unframed(&story.fails());
    let token = the_token(&story);
    let id = token.name.split('-').rev().nth(1).unwrap();
    for words in ["Two resources are the same secret", id, "Remove one of the two"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(said.matches("Error: ").count(), 1, "{said}");
    assert_eq!(parameter(&story, PARAMETER), Some(token.value.clone()));
    // Whichever came first is in state; the other one is removed from the configuration.
    let state = story.workspace.state();
    let [kept] = state["resources"].as_array().unwrap().as_slice() else {
        panic!("{state}");
    };
    story.write(&resource(kept["name"].as_str().unwrap(), NAME, &lines));
    story.settled();
    assert_eq!(the_token(&story), token);
}

/// Two applies of the same state at once, without a lock: whoever ends last overwrites the state of the other.
///
/// Each has a file of its own until then: Terraform's files would be garbled by two writers, which no real backend lets happen.
fn two_apply_at_once(story: &Story, lines: &[&str]) {
    let second = story.beside();
    let file = |story: &Story| story.workspace.path().join("terraform.tfstate");
    if let Ok(state) = std::fs::read(file(story)) {
        std::fs::write(file(&second), state).unwrap();
    }
    let mut running = [story, &second].map(|story| {
        story.configure(lines);
        let mut command = story
            .workspace
            .command(&["apply", "-no-color", "-input=false", "-auto-approve"]);
        (
            story,
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap(),
        )
    });
    let mut last = story;
    let mut left = running.len();
    let mut ended = [false; 2];
    while left > 0 {
        for ((story, child), ended) in running.iter_mut().zip(&mut ended) {
            if !*ended && child.try_wait().unwrap().is_some() {
                (last, *ended) = (story, true);
                left -= 1;
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    if let Ok(state) = std::fs::read(file(last)) {
        std::fs::write(file(story), state).unwrap();
    }
}

/// Whatever two unguarded applies left: at most two more, then one token, everywhere, and after destroy nothing.
///
/// Where the state of the one that failed is the one that stayed, it is tainted: its replacement ends the tokens of both, but leaves the
/// entries that the other wrote later. Nothing shows any more whose they are, so they are refused, and the declared way out is taken.
#[track_caller]
fn settles(mut story: Story, lines: &[&str]) {
    story.run(&["apply", "-auto-approve"]);
    let second = story.run(&["apply", "-auto-approve"]);
    if second.status != 0 {
        assert!(
            second.output.contains("is not managed by this resource"),
            "{}",
            second.output
        );
        assert_eq!(alive(&story), [], "{}", second.output);
        story.configure(&[lines, &["on_existing = \"replace\""]].concat());
        story.run(&["apply", "-auto-approve"]).success();
        story.configure(lines);
        story.run(&["apply", "-auto-approve"]).success();
    }
    story.settled();
    story.clock("2h");
    story.run(&["apply", "-auto-approve"]).success();
    story.clock("4h");
    story.apply();
    three_targets_hold(&story, &the_token(&story).value);
    story.destroy();
    nothing_is_left(&story);
}

#[test]
fn two_creates_at_once_without_a_lock_converge_and_orphan_nothing() {
    let story = Story::new();
    two_apply_at_once(&story, &LINES);
    settles(story, &LINES);
}

#[test]
fn two_creates_at_once_of_a_value_that_nothing_tells_again_converge() {
    let targets = r#"targets = {
    control_plane = { fly_secret = { app = "molecule-cp" } }
    image_publish = { wave = 2, github_actions_secret = { repository = "molecule-monorepo" } }
  }"#;
    let mut story = Story::new();
    two_apply_at_once(&story, &[FLY_TOKEN, targets, "overlap = \"1h\""]);
    story.run(&["apply", "-auto-approve"]);
    story.apply();
    for offset in ["2h", "4h"] {
        story.clock(offset);
        story.run(&["apply", "-auto-approve"]).success();
    }
    story.settled();
    let value = Some(the_token(&story).value);
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), value);
    assert_eq!(github_secret(&story, REPOSITORY, NAME), value);
}

#[test]
fn two_rotations_at_once_without_a_lock_converge_and_orphan_nothing() {
    let story = Story::begun(&LINES);
    let lines = [&LINES[..], &["rotation_reason = \"once\""]].concat();
    two_apply_at_once(&story, &lines);
    settles(story, &lines);
}

#[test]
fn a_target_whose_marker_cannot_tell_two_runs_apart_is_written_again_once_the_second_shows() {
    let target = "targets = { image_publish = { github_actions_secret = { repository = \"molecule-monorepo\" } } }";
    let lines = [FLY_TOKEN, target, "overlap = \"1h\"", "rotation_reason = \"once\""];
    let story = Story::begun(&lines[..3]);
    let second = story.beside();
    let state = |story: &Story| story.workspace.path().join("terraform.tfstate");
    std::fs::copy(state(&story), state(&second)).unwrap();
    story.sandbox.settings(json!({ "list_lag_ms": 6000 }));
    for story in [&story, &second] {
        story.configure(&lines);
        story.run(&["apply", "-auto-approve"]).success();
    }
    assert_eq!(alive(&story).len(), 3, "neither could see the other");
    std::thread::sleep(std::time::Duration::from_millis(6200));
    story.sandbox.settings(json!({ "list_lag_ms": 0 }));
    let plan = second.plan();
    assert!(
        plan.contains("image_publish has to be written again, and the value of generation 2 cannot be recovered"),
        "{plan}"
    );
    second.apply();
    let newest = alive(&story).last().unwrap().clone();
    assert_eq!(github_secret(&story, REPOSITORY, NAME), Some(newest.value.clone()));
    let mut second = second;
    second.clock("2h");
    second.apply();
    assert_eq!(the_token(&second), newest);
}
