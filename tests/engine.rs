//! The provider, searched: every mix of failures, kills, outsiders and changed minds, up to a bound.

#[path = "engine/adapters.rs"]
mod adapters;
#[path = "engine/case.rs"]
mod case;
#[path = "engine/cases.rs"]
mod cases;
#[path = "engine/mutant.rs"]
mod mutant;
#[path = "engine/play.rs"]
mod play;
#[path = "engine/promise.rs"]
mod promise;
#[path = "engine/pure.rs"]
mod pure;
#[path = "engine/search.rs"]
mod search;
#[path = "engine/settle.rs"]
mod settle;
#[path = "engine/terraform.rs"]
mod terraform;
#[path = "engine/world.rs"]
mod world;

use std::sync::Mutex;
use std::time::{Duration, Instant};

use case::Case;
use mutant::Mutant;
use search::{Covered, Found, explore};

/// A search that covers less has not got anywhere.
const LEAST_STATES: usize = 4_000;
const LEAST_TRANSITIONS: usize = 8_000;

/// Searches them all, as many at once as the machine has cores.
fn searched<T: Send>(
    work: Vec<T>,
    search: impl Fn(&T) -> Result<Covered, Found> + Sync,
) -> Vec<(T, Result<Covered, Found>)> {
    let waiting = Mutex::new(work.into_iter().rev().collect::<Vec<_>>());
    let done = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(item) = { waiting.lock().unwrap().pop() } {
                    let found = search(&item);
                    done.lock().unwrap().push((item, found));
                }
            });
        }
    });
    done.into_inner().unwrap()
}

#[test]
fn no_sequence_of_failures_breaks_a_guarantee_of_the_provider() {
    let began = Instant::now();
    let mut all = Covered::default();
    let mut broken = Vec::new();
    println!(
        "{:<28} {:>8} {:>12} {:>9} {:>8}",
        "", "states", "transitions", "calls", "seconds"
    );
    let line = |name: &str, covered: Covered, took: Duration| {
        let Covered {
            states,
            transitions,
            calls,
            ..
        } = covered;
        println!(
            "{name:<28} {states:>8} {transitions:>12} {calls:>9} {:>8.1}",
            took.as_secs_f64()
        );
    };
    for (case, found) in searched(cases::all(), |case: &Case| explore(case, Mutant::None)) {
        match found {
            Ok(covered) => {
                line(case.name, covered, covered.took);
                all.states += covered.states;
                all.transitions += covered.transitions;
                all.calls += covered.calls;
            }
            Err(Found { what, trail }) => broken.push(format!("{}: {what}\n    {}", case.name, trail.join("\n    "))),
        }
    }
    line("all", all, began.elapsed());
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
    assert!(
        all.states > LEAST_STATES && all.transitions > LEAST_TRANSITIONS,
        "{all:?}"
    );
}

/// Where each planted mistake must show.
fn planted() -> Vec<(Mutant, Case)> {
    let case_for = |mutant| match mutant {
        Mutant::OwnIsDenied => cases::own(),
        Mutant::OverlapIgnored | Mutant::RevokesTheNewest | Mutant::MarkersStandStill => cases::overlap(),
        Mutant::OccupiedLooksEmpty => cases::occupied(),
        Mutant::MarkIsAhead => cases::outsiders(),
        Mutant::LostWriteIsRefused => cases::create(),
        Mutant::None
        | Mutant::ListsNothing
        | Mutant::MintsWithoutLabel
        | Mutant::MintsTwice
        | Mutant::LostWriteIsDone
        | Mutant::ChecksDoNotLook
        | Mutant::RollsAreImagined
        | Mutant::WavesReversed
        | Mutant::DoubtIsForgotten
        | Mutant::RecordIsDropped => cases::checks(),
    };
    Mutant::ALL
        .into_iter()
        .map(|mutant| (mutant, case_for(mutant)))
        .collect()
}

#[test]
fn every_planted_mistake_is_found() {
    let mut missed = Vec::new();
    for ((mutant, case), found) in searched(planted(), |(mutant, case)| explore(case, *mutant)) {
        match found {
            Err(Found { what, trail }) => println!("{mutant:?} in {:?}: {} ({} moves)", case.name, what, trail.len()),
            Ok(_) => missed.push(mutant),
        }
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
}
