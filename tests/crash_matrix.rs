//! The crash matrix: every story, with every fault at every call, converges, nobody was ever left with a dead credential, and no value
//! stands in what was said and stored.
//!
//! `make crash-matrix` plays all of it, `make crash-matrix CASE='rotate/fly_token/kill_provider/7'` a part, `CASE=3/20` every
//! twentieth case from the third; without `CRASH_MATRIX`, which holds that name, a sample is played. Names and numbers of cases are
//! the same in every run.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

#[expect(dead_code, reason = "these stories use a part of it")]
#[path = "support/sandbox.rs"]
mod sandbox;
#[expect(dead_code, reason = "these stories use one core")]
#[path = "support/terraform_cores.rs"]
mod terraform_cores;

#[path = "leaks/canary.rs"]
mod canary;
#[expect(dead_code, reason = "the places are judged by the tests of the search")]
#[path = "leaks/evidence.rs"]
mod evidence;
#[path = "leaks/needles.rs"]
mod needles;

#[path = "crash_matrix/case.rs"]
mod case;
#[path = "crash_matrix/fault.rs"]
mod fault;
#[path = "crash_matrix/judge.rs"]
mod judge;
#[path = "crash_matrix/matrix.rs"]
mod matrix;
#[path = "crash_matrix/planted.rs"]
mod planted;
#[path = "crash_matrix/run.rs"]
mod run;
#[path = "crash_matrix/story.rs"]
mod story;
#[path = "crash_matrix/world.rs"]
mod world;

use std::io::Write as _;

use rotation_provider::environment::Environment;

/// Says something although the test has not failed: the table is for people.
fn say(text: &str) {
    drop(writeln!(std::io::stderr(), "{text}"));
}

#[test]
fn every_chosen_case_converges() {
    let environment = Environment::of_process();
    let choice = matrix::Choice::parse(environment.get("CRASH_MATRIX").unwrap_or("sample"));
    let jobs = environment.get("CRASH_MATRIX_JOBS").and_then(|text| text.parse().ok());
    let report = matrix::play(&choice, jobs.unwrap_or(8));
    say(&format!("\n{}\n", report.table));
    for (case, problem) in &report.failures {
        say(&format!(
            "==== {case}\n{problem}\nReplay it: make crash-matrix CASE='{case}'\n"
        ));
    }
    assert!(report.played > 0, "no case has this name");
    let failed: Vec<&String> = report.failures.iter().map(|(case, _)| case).collect();
    assert!(
        failed.is_empty(),
        "{} of {} cases failed: {failed:#?}",
        failed.len(),
        report.played
    );
}
