//! Secrets of one app that are applied together: their entries are written in one call, and the app's machines are updated once.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::interrupt::{ended, send};
use crate::story::{Story, resource, says, unframed};
use crate::terraform_cores::Outcome;
use crate::truth::{alive, fly_secret, machine_values, ours};

const APP: &str = "molecule-cp";
const MINT: &str = "createLimitedAccessToken";
const WRITE: &str = "POST /v1/apps/molecule-cp/secrets";

fn name(number: usize) -> String {
    format!("T{number:02}")
}

fn label(number: usize) -> String {
    name(number).to_lowercase()
}

/// So many tokens on one app, each under a name of its own.
fn configure(story: &Story, count: usize, reason: &str) {
    let reason = format!("rotation_reason = {reason:?}");
    let lines = [
        r#"source = { fly_token = { app = "molecule-cp" } }"#,
        r#"targets = { cp = { fly_secret = { app = "molecule-cp" } } }"#,
        r#"overlap = "0s""#,
        &reason,
    ];
    let resources = (0..count).map(|number| resource(&label(number), &name(number), &lines));
    story.write(&resources.collect::<String>());
    story.sandbox.forget_calls();
}

/// Applies so many at a time, all of which have begun before the first of them has a value.
fn apply_at_once(story: &Story, count: usize) -> Outcome {
    // No more calls to one host are made at a time.
    let held = count.min(8);
    for nth in 1..=held {
        story.sandbox.fault(MINT, nth, "hold_before");
    }
    let parallelism = format!("-parallelism={count}");
    std::thread::scope(|scope| {
        let apply = scope.spawn(|| story.run(&["apply", "-auto-approve", &parallelism]));
        while story.sandbox.held().len() < held && !apply.is_finished() {
            std::thread::sleep(Duration::from_millis(50));
        }
        if count > held {
            std::thread::sleep(Duration::from_secs(3));
        }
        story.sandbox.release();
        apply.join().unwrap()
    })
}

/// How often the app's secrets were written, and how often each of its machines was updated.
fn counted(story: &Story) -> (usize, Vec<usize>) {
    let writes = story.writes();
    let bulk = writes.iter().filter(|line| line.starts_with(WRITE)).count();
    let machines = story.sandbox.state()["fly"]["apps"][APP]["machines"].clone();
    let updates = machines.as_object().unwrap().keys().map(|id| {
        let update = format!("POST /v1/apps/{APP}/machines/{id}");
        writes.iter().filter(|line| **line == update).count()
    });
    (bulk, updates.collect())
}

/// Every secret has a working token of its own, and every machine runs it.
#[track_caller]
fn all_hold_their_own(story: &Story, count: usize) {
    let alive: Vec<String> = alive(story).into_iter().map(|token| token.value).collect();
    assert_eq!(alive.len(), count);
    let mut stored: Vec<String> = Vec::new();
    for number in 0..count {
        let name = name(number);
        let value = fly_secret(story, APP, &name).unwrap();
        let running = machine_values(story, APP, &name);
        assert!(
            running.iter().all(|one| one.as_ref() == Some(&value)),
            "{name}: {running:?}"
        );
        assert!(alive.contains(&value), "{name}");
        stored.push(value);
    }
    stored.sort();
    stored.dedup();
    assert_eq!(stored.len(), count, "each has a value of its own");
}

fn of_each(story: &Story, count: usize, attribute: &str) -> Vec<Value> {
    (0..count)
        .map(|number| story.attributes_of(&label(number))[attribute].clone())
        .collect()
}

#[test]
fn forty_secrets_of_one_app_take_a_write_and_a_roll_for_each_ten() {
    let story = Story::new();
    let mut counts = Vec::new();
    // A machine with other things to do may begin an apply too late to share a call: the best of three counts.
    for reason in ["first", "once more", "and again"] {
        configure(&story, 40, reason);
        story.run(&["apply", "-auto-approve"]).success();
        all_hold_their_own(&story, 40);
        let (writes, updates) = counted(&story);
        counts.push(updates.into_iter().chain([writes]).max().unwrap());
        if counts.last() <= Some(&5) {
            break;
        }
    }
    assert!(
        counts.last() <= Some(&5),
        "{counts:?} writes, or updates of one machine"
    );

    configure(&story, 40, "second");
    apply_at_once(&story, 40).success();
    let (writes, updates) = counted(&story);
    assert_eq!(writes, 1, "{updates:?}");
    assert!(updates.iter().all(|updates| *updates == 1), "{updates:?}");
    all_hold_their_own(&story, 40);
    assert_eq!(of_each(&story, 40, "phase"), vec![json!("settled"); 40]);
    // Each has the receipt of its own entry: nothing looks changed.
    story.settled();
}

#[test]
fn one_after_the_other_each_has_a_write_and_a_roll_of_its_own() {
    let story = Story::new();
    configure(&story, 40, "first");
    story.run(&["apply", "-auto-approve", "-parallelism=1"]).success();
    let (writes, updates) = counted(&story);
    assert_eq!(writes, 40);
    assert!(updates.iter().all(|updates| *updates == 40), "{updates:?}");
    all_hold_their_own(&story, 40);
}

#[test]
fn a_roll_that_fails_leaves_all_of_them_unfinished_and_the_next_apply_finishes() {
    let story = Story::new();
    configure(&story, 6, "first");
    apply_at_once(&story, 6).success();
    let before = alive(&story);
    configure(&story, 6, "second");
    story.sandbox.fault("/lease", 1, "forbidden");
    let said = apply_at_once(&story, 6);
    assert_eq!(said.status, 1, "{}", said.output);
    assert_eq!(of_each(&story, 6, "phase"), vec![json!("partial"); 6]);
    let (writes, updates) = counted(&story);
    assert_eq!((writes, updates.iter().sum::<usize>()), (1, 0));
    let still = alive(&story);
    assert!(
        before.iter().all(|token| still.contains(token)),
        "machines still run the old ones"
    );
    let minted = ours(&story).len();

    story.sandbox.forget_calls();
    story.run(&["apply", "-auto-approve"]).success();
    let (writes, updates) = counted(&story);
    assert_eq!(
        (writes, ours(&story).len()),
        (0, minted),
        "it is resumed: nothing is made anew"
    );
    assert!(updates.iter().all(|updates| *updates == 1), "{updates:?}");
    all_hold_their_own(&story, 6);
    story.settled();
}

#[test]
fn an_entry_that_is_refused_fails_its_own_secret_and_no_other() {
    let story = Story::new();
    configure(&story, 4, "first");
    // The call for all, and one of those for each.
    story.sandbox.fault(WRITE, 1, "invalid");
    story.sandbox.fault(WRITE, 3, "invalid");
    let said = apply_at_once(&story, 4);
    assert_eq!(said.status, 1, "{}", said.output);
    assert_eq!(
        unframed(&said.output).matches("this value cannot be taken").count(),
        1,
        "{}",
        said.output
    );
    assert_eq!(counted(&story).0, 5);
    let delivered = (0..4).filter(|number| fly_secret(&story, APP, &name(*number)).is_some());
    assert_eq!(delivered.count(), 3);
    assert_eq!(alive(&story).len(), 3, "what was refused is revoked");
    story.run(&["apply", "-auto-approve"]).success();
    all_hold_their_own(&story, 4);
    story.settled();
}

#[test]
fn a_lost_answer_is_unknown_for_all_and_the_next_apply_converges() {
    let story = Story::new();
    configure(&story, 3, "first");
    apply_at_once(&story, 3).success();
    configure(&story, 3, "second");
    // As often as it is repeated.
    for nth in 1..=5 {
        story.sandbox.fault(WRITE, nth, "drop_after");
    }
    let said = apply_at_once(&story, 3);
    assert_eq!(said.status, 1, "{}", said.output);
    says(&said.output, &["It is unknown whether the call took effect."]);
    assert_eq!(of_each(&story, 3, "phase"), vec![json!("partial"); 3]);
    story.sandbox.heal();
    story.run(&["apply", "-auto-approve"]).success();
    story.run(&["apply", "-auto-approve"]).success();
    all_hold_their_own(&story, 3);
    story.settled();
}

#[test]
fn an_interrupt_while_others_are_awaited_writes_nothing() {
    let story = Story::new();
    configure(&story, 3, "first");
    // The first two have their values, and wait for the third.
    story.sandbox.fault(MINT, 3, "hold_before");
    let mut command = story
        .workspace
        .command(&["apply", "-no-color", "-input=false", "-auto-approve"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let minted = || ours(&story).len();
    for _ in 0..600 {
        if minted() == 2 && !story.sandbox.held().is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(counted(&story).0, 0, "they wait");
    send("kill", &["-INT"], &child);
    std::thread::sleep(Duration::from_millis(500));
    story.sandbox.release();
    let said = ended(child);
    assert!(said.contains("Interrupt"), "{said}");
    assert_eq!(counted(&story).0, 0);
    assert_eq!(alive(&story).len(), 3, "the state keeps them for the next apply");
    story.run(&["apply", "-auto-approve"]).success();
    all_hold_their_own(&story, 3);
}
