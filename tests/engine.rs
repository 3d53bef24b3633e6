//! The provider, searched: every mix of failures, kills, outsiders and changed minds, up to a bound.
//!
//! Two searches. The small one (`pure.rs`) walks the engine's decision alone, with a modelled executor. The large one runs the
//! real refresh, plan, apply and destroy of the resource, with their executor and engine, against a world of vendors
//! (`world.rs`) that holds the truth and shares no code with them. A node is a state at rest: the world, and what Terraform has
//! on file. From each node it makes every run, fault by fault at every call of apply, every change of mind of the user, every
//! deed of an outsider, and every step of the clock, within the budget of the case (`cases.rs`).
//!
//! **Covered.** Issuers that list and label, that replace, that alternate two roles with at most two alive, that list nothing;
//! values that a person gives; targets that give their value back, that do not, that roll machines, that wait for a deployment;
//! waves; checks in all phases; overlaps; lists that lag; revocation by hand; drift that is healed or only reported; targets that
//! come, go and are kept; occupied slots; the run's own credential. A call is refused, loses its answer before or after its
//! effect, is the last thing before the provider or Terraform is killed, or is interrupted. Outsiders write, roll back, delete
//! and revoke, and make look-alikes.
//!
//! **Held against it.** At every call: no target is left with a credential that we ended, no wave begins before the one before it
//! is delivered, live and proved, nothing is revoked before its successor is in place and the overlap has passed, nothing
//! foreign is overwritten, emptied or revoked, the run's own credential stays. After every run: it did no more than its plan
//! said, its result is what was planned as known, and one without errors left nothing behind. From every node: two applies reach
//! an empty plan; after the overlaps one value is alive and everywhere, nothing is orphaned, and a destroy leaves nothing.
//!
//! **Not covered.** Adapters and the wire (contract and end-to-end tests do); two runs at once, renames, two secrets on one slot;
//! schedules and expiry; a refresh that fails (it changes nothing); saved plans; templates and parts. More than two faults on a
//! path. Terraform itself dies at most once, as the only fault: after two kills without a saved state, what is alive may look
//! like another state's, and is named instead of touched. Two known exceptions to convergence are accepted where the errors name
//! them: a slot that is filled, unmarked and unknown to the state; an entry that left the configuration after a write whose
//! answer was lost, which is left with a warning.

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
#[path = "engine/stories.rs"]
mod stories;
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
