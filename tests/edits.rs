//! The edit matrix: every argument edited in every situation, then refresh, plan, apply, refresh, plan.
//!
//! Held against each pair: the result is what was planned as known (Terraform's own rule), no vendor is written to without a step of
//! the plan that says so, no credential is revoked that a configured target holds or that consumers use until an activation has
//! succeeded, the plan tells its steps unless only apply's clock
//! knows them, at most two applies lead to an empty plan, and every error has a text. A plan that refuses an edit changes nothing.
//!
//! The vendors are a world in memory (`edits/world.rs`); read, plan and apply are the resource's own.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, and tells its counts"
)]
#![expect(clippy::disallowed_methods, reason = "the world keeps the values that targets hold")]
#![expect(unreachable_pub, reason = "the parts of the matrix are one crate")]

#[path = "edits/activations.rs"]
mod activations;
#[path = "edits/cli.rs"]
mod cli;
#[path = "edits/escrow.rs"]
mod escrow;
#[path = "edits/matrix.rs"]
mod matrix;
#[path = "edits/run.rs"]
mod run;
#[expect(dead_code, reason = "other tests ask it more")]
#[path = "support/sandbox.rs"]
mod sandbox;
#[path = "edits/terms.rs"]
mod terms;
#[expect(dead_code, reason = "other tests ask it more")]
#[path = "support/terraform_cores.rs"]
mod terraform_cores;
#[path = "edits/world.rs"]
mod world;
#[expect(dead_code, reason = "other tests write literals with it")]
#[path = "support/written.rs"]
mod written;

use matrix::{Change, SOURCES, edits, situations};
use run::{Rest, Verdict};

/// The situations in which guard, window, incident, adoption and activations are edited, beside their own.
const PLAIN: [&str; 5] = ["settled", "overlapping", "overlap over", "due", "partial"];

/// Every pair of one kind of source.
fn walk(source: &'static str) {
    let plain = situations(source).into_iter().map(|(situation, rest)| {
        let more = terms::edits().into_iter().chain(activations::edits());
        let more = more.filter(|_| PLAIN.contains(&situation));
        (situation, rest, edits(source).into_iter().chain(more).collect())
    });
    play(source, plain.collect());
}

/// Every pair of one kind of source where guard, window, incident or adoption has a say.
fn walk_terms(source: &'static str) {
    let all = terms::situations(source)
        .into_iter()
        .enumerate()
        .map(|(nth, (situation, rest))| {
            let some = terms::some(nth, edits(source));
            (situation, rest, terms::edits().into_iter().chain(some).collect())
        });
    play(source, all.collect());
}

/// Every pair of one kind of source where an activation has a say.
fn walk_activations(source: &'static str) {
    let all = activations::situations(source).into_iter().enumerate();
    let all = all.map(|(nth, (situation, rest))| {
        let others = edits(source).into_iter().chain(terms::edits());
        let some = activations::some(nth, others.collect());
        (situation, rest, activations::edits().into_iter().chain(some).collect())
    });
    play(source, all.collect());
}

/// Every pair of one kind of source where values are parked.
fn walk_escrow(source: &'static str) {
    // Two sources make different halves of the edits in one situation.
    let first = SOURCES.iter().position(|known| *known == source).unwrap();
    let all = escrow::situations(source).into_iter().zip(first..);
    let all = all.map(|((situation, rest), nth)| {
        let others = edits(source)
            .into_iter()
            .chain(terms::edits())
            .chain(activations::edits());
        (situation, rest, escrow::some(nth, others.collect()))
    });
    play(source, all.collect());
}

/// Situations, each with the edits that it meets.
type Pairs = Vec<(&'static str, Rest, Vec<(&'static str, Change)>)>;

fn play(source: &'static str, all: Pairs) {
    let (mut pairs, mut refused, mut late, mut idle) = (0, 0, 0, 0);
    let mut wrong = Vec::new();
    for (situation, rest, edits) in all {
        for (edit, change) in edits {
            let mut config = rest.config.clone();
            change(&mut config);
            pairs += 1;
            match run::pair(&rest, &config, edit) {
                Ok(Verdict::Refused) => refused += 1,
                Ok(Verdict::RefusedByApply) => late += 1,
                Ok(Verdict::Idle) => idle += 1,
                Ok(Verdict::Settled) => {}
                Err(what) => wrong.push(format!("{source}, {situation}, {edit}: {what}")),
            }
        }
    }
    println!("{source}: {pairs} pairs, {idle} without work, {refused} refused by the plan, {late} by the apply");
    assert!(
        wrong.is_empty(),
        "{} of {pairs} pairs:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(pairs > 150, "{pairs} pairs");
}

#[test]
fn of_a_source_that_issues() {
    walk(SOURCES[0]);
}

#[test]
fn of_a_source_that_generates() {
    walk(SOURCES[1]);
}

#[test]
fn of_a_source_that_a_person_feeds() {
    walk(SOURCES[2]);
}

#[test]
fn of_a_source_that_issues_where_something_waits() {
    walk_terms(SOURCES[0]);
}

#[test]
fn of_a_source_that_generates_where_something_waits() {
    walk_terms(SOURCES[1]);
}

#[test]
fn of_a_source_that_a_person_feeds_where_something_waits() {
    walk_terms(SOURCES[2]);
}

#[test]
fn of_a_source_that_issues_where_something_is_activated() {
    walk_activations(SOURCES[0]);
}

#[test]
fn of_a_source_that_generates_where_something_is_activated() {
    walk_activations(SOURCES[1]);
}

#[test]
fn of_a_source_that_a_person_feeds_where_something_is_activated() {
    walk_activations(SOURCES[2]);
}

#[test]
fn of_a_source_that_issues_where_values_are_parked() {
    walk_escrow(SOURCES[0]);
}

#[test]
fn of_a_source_that_generates_where_values_are_parked() {
    walk_escrow(SOURCES[1]);
}

#[test]
fn of_a_source_that_a_person_feeds_where_values_are_parked() {
    walk_escrow(SOURCES[2]);
}
