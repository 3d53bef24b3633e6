//! The crash matrix: every story, with every fault at every call, converges, nobody was ever left with a dead credential, and no value
//! stands in what was said and stored.
//!
//! `make test` plays a sample, shared out among tests that run side by side. `make crash-matrix` plays all of it,
//! `make crash-matrix CASE='rotate/fly_token/kill_provider/7'` a part, and `CASE=3/20` every twentieth case from the third: the
//! variable `CRASH_MATRIX` holds that name. Names and numbers of cases are the same in every run.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
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
#[path = "crash_matrix/consumers.rs"]
mod consumers;
#[path = "crash_matrix/crowd.rs"]
mod crowd;
#[path = "crash_matrix/escrow.rs"]
mod escrow;
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
#[path = "crash_matrix/service.rs"]
mod service;
#[path = "crash_matrix/story.rs"]
mod story;
#[path = "crash_matrix/terms.rs"]
mod terms;
#[path = "crash_matrix/world.rs"]
mod world;

use std::io::Write as _;

use rotation_provider::environment::Environment;

/// Says something although the test has not failed: the table is for people.
fn say(text: &str) {
    drop(writeln!(std::io::stderr(), "{text}"));
}

/// Among how many tests the sample is shared out.
const PARTS: usize = 4;

/// Plays what is chosen; any case that does not converge fails the test.
fn play(choice: &matrix::Choice, jobs: usize) {
    let jobs = Environment::of_process()
        .get("CRASH_MATRIX_JOBS")
        .map_or(jobs, |text| text.parse().expect("CRASH_MATRIX_JOBS is a number"));
    let report = matrix::play(choice, jobs);
    say(&format!("\n{}\n", report.table));
    for (case, problem) in &report.failures {
        say(&format!(
            "==== {case}\n{problem}\nReplay it: make crash-matrix CASE='{case}'\n"
        ));
    }
    let (played, failed) = (report.played, report.failures.len());
    println!("crash matrix: {played} cases played, {failed} failed");
    assert!(played > 0, "no case has this name");
    let names: Vec<&String> = report.failures.iter().map(|(case, _)| case).collect();
    assert!(names.is_empty(), "{failed} of {played} cases failed: {names:#?}");
}

/// A part of the sample, from 1.
fn sample(nth: usize) {
    play(&matrix::Choice::Sample { nth, of: PARTS }, 4);
}

mod every_case_of_the_sample_converges {
    #[test]
    fn part_1() {
        super::sample(1);
    }

    #[test]
    fn part_2() {
        super::sample(2);
    }

    #[test]
    fn part_3() {
        super::sample(3);
    }

    #[test]
    fn part_4() {
        super::sample(4);
    }
}

#[test]
#[ignore = "takes hours: make crash-matrix"]
fn every_chosen_case_converges() {
    let choice = Environment::of_process()
        .get("CRASH_MATRIX")
        .unwrap_or("all")
        .to_owned();
    play(&matrix::Choice::parse(&choice), 8);
}
