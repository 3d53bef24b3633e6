//! The provider, searched: every mix of failures, kills, outsiders and changed minds, up to a bound.
//!
//! Two searches. The small one (`pure.rs`) walks the engine's decision alone, with a modelled executor. The large one runs the
//! real refresh, plan, apply and destroy of the resource, with their executor and engine, against a world of vendors (`world.rs`)
//! that holds the truth and shares no code with them. A node is a state at rest: the world, and what Terraform has on file. From
//! each node it makes every run, fault by fault at every call of apply, every change of mind of the user, every deed of an
//! outsider, and every step of the clock, within the budget of the case (`cases.rs`).
//!
//! **Covered.** Issuers that list and label, that replace, that alternate two roles with at most two alive, that do both and list by
//! label, that list nothing;
//! values that a person gives; targets that give their value back, that do not, that roll machines, that wait for a deployment;
//! waves; checks in all phases; activations; overlaps; lists that lag; revocation by hand; drift that is healed or only reported; targets that
//! come, go and are kept; occupied slots; the run's own credential; guards, schedules, windows, incidents with each ending,
//! adoption; escrow, and generations that are restored from it. A call is refused, loses its answer before or after its effect, is
//! the last thing before the provider or Terraform is killed, or is interrupted. Outsiders write, roll back, delete and revoke, and
//! make look-alikes.
//!
//! **Held against it.** At every call: no target is left with a credential that we ended, no wave begins before the one before it
//! is delivered, live and proved, nothing is revoked before its successor is in place and the overlap has passed, nothing foreign
//! is overwritten, emptied or revoked, the run's own credential stays. Nothing is made, written or destroyed that a guard does
//! not confirm; what nobody asked for is neither made nor revoked while the window is closed; what an incident exposes ends when
//! it says, or a notice and an error tell that it has not; an incident is handled once; what was taken over is not written before
//! it is due (`consent.rs`). No target has a value that was not parked first, none is made beside one that is parked and waits, and
//! none leaves escrow while it works (`vault.rs`). After every run: it did no more than its plan said, its result is what was planned as known, and one
//! without errors left nothing behind. From every node: two applies reach an empty plan; after the overlaps one value is alive
//! and everywhere, nothing is orphaned, and a destroy leaves nothing.
//!
//! **How deep.** `make test` searches what the budgets reach, `make nightly` one more change of mind in every case, which is more
//! than three times as many states, a few circumstances that combine others, and faults beside outsiders where something waits.
//!
//! **Not covered.** Adapters and the wire (contract and end-to-end tests do); two runs at once, renames, two secrets on one slot;
//! expiry; a refresh that fails (it changes nothing); saved plans; templates and parts. More than two faults on a path. Terraform
//! itself dies at most once, as the only fault: after two kills without a saved state, what is alive may look like another
//! state's, and is named instead of touched. Two known exceptions to convergence are accepted where the errors name them: a slot
//! that is filled, unmarked and unknown to the state; an entry that left the configuration after a write whose answer was lost,
//! which is left with a warning.

#![expect(unreachable_pub, reason = "the parts of the search are one crate")]

#[path = "engine/adapters.rs"]
mod adapters;
#[path = "engine/adoption.rs"]
mod adoption;
#[path = "engine/case.rs"]
mod case;
#[path = "engine/cases.rs"]
mod cases;
#[path = "engine/consent.rs"]
mod consent;
#[path = "engine/lead.rs"]
mod lead;
#[path = "engine/mutant.rs"]
mod mutant;
#[path = "engine/parking.rs"]
mod parking;
#[path = "engine/play.rs"]
mod play;
#[path = "engine/promise.rs"]
mod promise;
#[path = "engine/public_keys.rs"]
mod public_keys;
#[path = "engine/pure.rs"]
mod pure;
#[path = "engine/search.rs"]
mod search;
#[path = "engine/settle.rs"]
mod settle;
#[path = "engine/stories.rs"]
mod stories;
#[path = "engine/terms.rs"]
mod terms;
#[path = "engine/terraform.rs"]
mod terraform;
#[path = "engine/vault.rs"]
mod vault;
#[path = "engine/world.rs"]
mod world;

use rotation_provider::environment::Environment;
use rotation_provider::spec::IncidentRevoke;

use case::{Budget, Case};
use mutant::Mutant;
use search::{Covered, Found, explore};
use terms::Adopts;

/// Among how many tests the cases and the planted mistakes are shared out: they run side by side, and nextest gives each a process.
const PARTS: usize = 4;

/// A search that covers less has not got anywhere. Every part answers for its share, so that all together cover this much.
const LEAST_STATES: usize = 8_000;
const LEAST_TRANSITIONS: usize = 16_000;

/// How far the search goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// `make test`: what the budgets of the cases reach.
    Everyday,
    /// `make nightly` (`SEARCH=nightly`): one more change of mind in every case.
    Nightly,
}

impl Depth {
    fn chosen() -> Self {
        match Environment::of_process().get("SEARCH") {
            None => Self::Everyday,
            Some("nightly") => Self::Nightly,
            Some(other) => panic!("SEARCH is {other:?}: leave it out, or say nightly"),
        }
    }

    fn cases(self) -> Vec<Case> {
        let everyday = cases::all().into_iter();
        if self == Self::Everyday {
            return everyday.collect();
        }
        let deeper = everyday.chain(cases::combined()).map(|case| self.of(case));
        deeper.chain(cases::thorough()).collect()
    }

    fn of(self, case: Case) -> Case {
        let more = u8::from(self == Self::Nightly);
        let wishes = case.budget.wishes + more;
        let budget = Budget { wishes, ..case.budget };
        Case { budget, ..case }
    }

    /// How many times as much as every day it covers at least.
    fn scale(self) -> usize {
        if self == Self::Nightly { 3 } else { 1 }
    }
}

/// What the `nth` of all parts takes, from 1.
fn part<T>(nth: usize, all: Vec<T>) -> Vec<T> {
    let numbered = all.into_iter().enumerate();
    let ours = numbered.filter(|(at, _)| at % PARTS == nth - 1);
    ours.map(|(_, item)| item).collect()
}

/// A test for each part.
macro_rules! parts {
    ($play:path) => {
        parts!($play: part_1 1, part_2 2, part_3 3, part_4 4);
    };
    ($play:path: $($name:ident $nth:literal),+) => {
        $(
            #[test]
            fn $name() {
                $play($nth);
            }
        )+
    };
}

mod no_sequence_of_failures_breaks_a_guarantee_of_the_provider {
    parts!(super::search_part);
}

mod every_planted_mistake_is_found {
    parts!(super::find_part);
}

/// A matter of its own: a role is listed by its label, and its next password ends the one that it has.
mod no_sequence_of_failures_breaks_a_guarantee_of_roles_that_are_marked {
    #[test]
    fn one() {
        super::search(&super::marked(true), 300, 600);
    }

    #[test]
    fn two() {
        super::search(&super::marked(false), 150, 250);
    }
}

fn marked(one: bool) -> Vec<Case> {
    let depth = Depth::chosen();
    let all = cases::marked().into_iter().filter(|case| case.has_one_role() == one);
    all.map(|case| depth.of(case)).collect()
}

fn search_part(nth: usize) {
    let depth = Depth::chosen();
    let share = |least: usize| least * depth.scale() / PARTS;
    search(&part(nth, depth.cases()), share(LEAST_STATES), share(LEAST_TRANSITIONS));
}

/// Searches these cases, which have more than so many states and transitions.
fn search(cases: &[Case], states: usize, transitions: usize) {
    let mut all = Covered::default();
    let mut broken = Vec::new();
    println!(
        "{:<28} {:>8} {:>12} {:>9} {:>8}",
        "", "states", "transitions", "calls", "seconds"
    );
    for case in cases {
        match explore(case, Mutant::None) {
            Ok(covered) => {
                let Covered {
                    states,
                    transitions,
                    calls,
                    took,
                } = covered;
                let (name, seconds) = (case.name, took.as_secs_f64());
                println!("{name:<28} {states:>8} {transitions:>12} {calls:>9} {seconds:>8.1}");
                all.states += states;
                all.transitions += transitions;
                all.calls += calls;
            }
            Err(Found { what, trail }) => broken.push(format!("{}: {what}\n    {}", case.name, trail.join("\n    "))),
        }
    }
    // `tests/run` adds these lines up.
    println!(
        "search: {} cases, {} states, {} transitions, {} calls",
        cases.len(),
        all.states,
        all.transitions,
        all.calls
    );
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
    assert!(all.states > states && all.transitions > transitions, "{all:?}");
}

/// Where each planted mistake must show, and as what: `""` where any guarantee may break first.
fn planted() -> Vec<(Mutant, Case, &'static str)> {
    let case_for = |mutant| match mutant {
        Mutant::OwnIsDenied => (cases::own(), ""),
        Mutant::OverlapIgnored | Mutant::RevokesTheNewest | Mutant::MarkersStandStill => (cases::overlap(), ""),
        Mutant::LeadsUnseen => (cases::leads(), "was written before a had led"),
        Mutant::OccupiedLooksEmpty => (cases::occupied(), ""),
        Mutant::MarkIsAhead => (cases::outsiders(), ""),
        Mutant::LostWriteIsRefused => (cases::create(), ""),
        Mutant::GuardUnseen => (cases::guarded_outsiders(), "was made, which nobody confirmed"),
        Mutant::GuardedDriftHeals => (cases::guarded_drift(), "was written, which nobody confirmed"),
        Mutant::DestroyIsConfirmed => (cases::guarded(), "a destroy touched something, which nobody confirmed"),
        Mutant::WindowUnseen => (cases::window(), "was made while the window was closed"),
        Mutant::RevocationsDoNotWait => (cases::window_of_revocations(), "while the window was closed"),
        Mutant::WaitsQuietly => (cases::window(), "no notice waiting_for_window says so"),
        Mutant::IncidentUnseen => (checked(), "an incident is not remembered"),
        Mutant::IncidentForgotten => (checked(), "was made, which nobody asked for"),
        Mutant::ExposureIsQuiet => (cases::incident_by_hand(), "is exposed and alive"),
        Mutant::EndsAtOnce => (checked(), "was revoked while"),
        Mutant::EndsChecked => (cases::incident("", IncidentRevoke::Now), "was written before"),
        Mutant::EndsAfterTheChecks => (cases::incident("", IncidentRevoke::Delivered), "a check ran before"),
        Mutant::AdoptionUnseen => (named(), "was made where something was to be taken over"),
        Mutant::AdoptsAnother => (named(), "somebodys was revoked, which is not ours"),
        Mutant::TakenOverIsOwn => (cases::adopted_outsiders(), "which nobody asked for"),
        Mutant::FailedActivationsCount | Mutant::StagedIsForgotten | Mutant::ActivationsTooEarly => {
            (cases::activated(), "")
        }
        Mutant::ActivationsTooLate => (cases::activated(), "before consumers of a had loaded its value"),
        Mutant::ParkingIsImagined => (cases::parked_create(), "was given a value that is not parked"),
        Mutant::EndedStaysParked => (cases::parked_overlap(), "is in escrow, and the targets hold"),
        Mutant::ResumesAnother => (cases::parked_generated(), ""),
        Mutant::EscrowUnseen => (
            cases::parked_generated(),
            "left escrow before its successor was in place",
        ),
        Mutant::RestoreMakes => (cases::parked_overlap(), "was made where one was to be restored"),
        Mutant::DestroyLeavesEscrow => (cases::parked_create(), "after the destroy an entry is in escrow"),
        Mutant::EscrowIsFree => (cases::parked_outsiders(), "which somebody else had filled"),
        Mutant::None
        | Mutant::ListsNothing
        | Mutant::MintsWithoutLabel
        | Mutant::MintsTwice
        | Mutant::LostWriteIsDone
        | Mutant::ChecksDoNotLook
        | Mutant::RollsAreImagined
        | Mutant::WavesReversed
        | Mutant::DoubtIsForgotten
        | Mutant::RecordIsDropped => (cases::checks(), ""),
    };
    let all = Mutant::ALL.into_iter();
    all.map(|mutant| {
        let (case, shown) = case_for(mutant);
        (mutant, case, shown)
    })
    .collect()
}

fn checked() -> Case {
    cases::incident("", IncidentRevoke::Checked)
}

fn named() -> Case {
    cases::adopted("", Adopts::Named)
}

fn find_part(nth: usize) {
    let mut missed = Vec::new();
    for (mutant, case, shown) in part(nth, planted()) {
        match explore(&case, mutant) {
            Err(Found { what, trail }) => {
                println!("{mutant:?} in {:?}: {} ({} moves)", case.name, what, trail.len());
                if !what.contains(shown) {
                    missed.push(format!("{mutant:?} as {shown:?}, but as {what:?}"));
                }
            }
            Ok(_) => missed.push(format!("{mutant:?}")),
        }
    }
    assert!(missed.is_empty(), "not found: {}", missed.join("\n"));
}
