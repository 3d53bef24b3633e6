//! The engine, searched exhaustively: every mix of success, refusal, lost answers, kills and outsiders, up to a bound.
//!
//! The model keeps a world (what the issuer and the targets really have) beside the ledger (what is known) and plays
//! the parts of Terraform, Read and the executor around [`next_step`]. A run ends at its first failure. A kill loses
//! everything that the run learned.

#[path = "pure/model.rs"]
mod model;
#[path = "pure/search.rs"]
mod search;

use std::collections::BTreeSet;

use jiff::SignedDuration;

use rotation_provider::rotation::{CredentialStatus, Ending, Event, Goal, Session, Step, StuckReason, next_step};

use self::model::*;
use self::search::*;

const PLAIN: Case = Case {
    targets: 2,
    mints: 4,
    readable_first: false,
    parks: false,
    max_live: None,
    replaces: false,
    waves: false,
    outsider: false,
    blind: false,
    added: false,
    staged: false,
    overlaps: false,
    incident: None,
    deeds: 0,
    lead: SignedDuration::ZERO,
};

#[test]
fn no_sequence_of_failures_breaks_a_guarantee() {
    let cases = [
        PLAIN,
        Case {
            targets: 1,
            mints: 5,
            ..PLAIN
        },
        Case { waves: true, ..PLAIN },
        Case {
            targets: 3,
            mints: 3,
            waves: true,
            ..PLAIN
        },
        Case {
            readable_first: true,
            waves: true,
            ..PLAIN
        },
        Case {
            targets: 3,
            mints: 3,
            readable_first: true,
            waves: true,
            ..PLAIN
        },
        Case {
            outsider: true,
            mints: 3,
            ..PLAIN
        },
        Case {
            outsider: true,
            readable_first: true,
            waves: true,
            mints: 3,
            ..PLAIN
        },
        Case {
            replaces: true,
            mints: 4,
            ..PLAIN
        },
    ];
    for case in cases {
        let (states, transitions) = explore(case, Bug::None).unwrap_or_else(|what| panic!("{case:?}: {what}"));
        println!("{states:>6} states, {transitions:>7} transitions: {case:?}");
        assert!(states > 100, "the search did not get anywhere: {case:?}");
    }
}

#[test]
fn the_search_finds_planted_bugs() {
    for bug in [
        Bug::OrphansAreOverlooked,
        Bug::LostAnswersCountAsDone,
        Bug::RevokesBeforeEveryTargetHolds,
        Bug::ForgetsWhatATargetMayHold,
    ] {
        // The gate would see a lost answer that counts as done, where the vendor marks writes.
        let blind = bug == Bug::LostAnswersCountAsDone;
        let found = explore(
            Case {
                waves: true,
                blind,
                ..PLAIN
            },
            bug,
        );
        println!("{bug:?}: {found:?}");
        assert!(found.is_err(), "{bug:?} was not found");
    }
}

#[test]
fn nothing_is_delivered_before_it_is_parked_and_nothing_that_works_leaves_escrow() {
    let parked = Case {
        parks: true,
        mints: 3,
        ..PLAIN
    };
    for case in [parked, Case { waves: true, ..parked }] {
        let (states, transitions) = explore(case, Bug::None).unwrap_or_else(|what| panic!("{case:?}: {what}"));
        println!("{states:>6} states, {transitions:>7} transitions: {case:?}");
        for bug in [Bug::DeliversBeforeParking, Bug::EndedStaysParked] {
            let found = explore(case, bug);
            println!("{bug:?}: {found:?}");
            assert!(found.is_err(), "{bug:?} was not found");
        }
    }
}

const GATED: Case = Case {
    targets: 2,
    mints: 2,
    overlaps: true,
    deeds: 1,
    staged: true,
    ..PLAIN
};

#[test]
fn nothing_is_revoked_while_the_gate_is_closed_whatever_outsiders_do() {
    for case in [
        GATED,
        Case {
            overlaps: false,
            ..GATED
        },
        Case { waves: true, ..GATED },
    ] {
        let (states, transitions) = search(case, Bug::None, false).unwrap_or_else(|what| panic!("{case:?}: {what}"));
        println!("{states:>6} states, {transitions:>7} transitions: {case:?}");
    }
}

/// What an incident exposes ends with everything that still holds: never the last credential that is alive, and never, unless that was
/// asked for, one that a target holds.
#[test]
fn no_sequence_of_failures_in_an_incident_ends_more_than_it_may() {
    for ending in [Ending::Checked, Ending::Delivered, Ending::AtOnce] {
        let incident = Some(ending);
        for case in [
            Case {
                incident,
                waves: true,
                ..PLAIN
            },
            Case {
                incident,
                readable_first: true,
                waves: true,
                mints: 3,
                ..PLAIN
            },
        ] {
            let (states, transitions) = explore(case, Bug::None).unwrap_or_else(|what| panic!("{case:?}: {what}"));
            println!("{states:>6} states, {transitions:>7} transitions: {case:?}");
        }
        let gated = Case {
            incident,
            overlaps: false,
            ..GATED
        };
        let (states, transitions) = search(gated, Bug::None, false).unwrap_or_else(|what| panic!("{gated:?}: {what}"));
        println!("{states:>6} states, {transitions:>7} transitions: {gated:?}");
        let found = search(gated, Bug::RevokesBeforeEveryTargetHolds, false);
        assert_eq!(found.is_err(), ending != Ending::AtOnce, "{ending:?}: {found:?}");
    }
}

#[test]
fn each_condition_of_the_gate_is_missed_when_it_is_removed() {
    let crowded = Case {
        mints: 3,
        max_live: Some(2),
        overlaps: false,
        ..GATED
    };
    let added = Case { added: true, ..GATED };
    let cases = [
        GATED,
        Case {
            overlaps: false,
            ..GATED
        },
        crowded,
        added,
    ];
    for case in cases {
        assert_eq!(search(case, Bug::None, false).err(), None, "{case:?}");
    }
    for condition in Condition::ALL {
        let found = cases
            .into_iter()
            .find_map(|case| search(case, Bug::GateIgnores(condition), false).err());
        println!("without {condition:?}: {found:?}");
        assert!(found.is_some(), "{condition:?} is never missed");
    }
}

/// Whatever fails, no wave starts before the first one has led, and the rotation comes to its end all the same.
#[test]
fn no_sequence_of_failures_starts_a_wave_before_its_lead_has_passed() {
    for lead in [SignedDuration::from_mins(5), SignedDuration::from_hours(1)] {
        let leading = Case {
            waves: true,
            readable_first: true,
            mints: 3,
            lead,
            ..PLAIN
        };
        for case in [
            leading,
            Case {
                targets: 3,
                mints: 2,
                ..leading
            },
            Case {
                staged: true,
                mints: 2,
                ..leading
            },
        ] {
            let found = search(case, Bug::None, !case.staged);
            let (states, transitions) = found.unwrap_or_else(|what| panic!("{case:?}: {what}"));
            println!("{states:>6} states, {transitions:>7} transitions: {case:?}");
            assert!(states > 100, "the search did not get anywhere: {case:?}");
        }
        let found = search(leading, Bug::LeadsAreIgnored, false);
        let error = found.expect_err("a wave that starts too early was not found");
        assert!(error.contains("before t0 had led"), "{error}");
    }
}

#[test]
fn a_limit_on_live_credentials_without_escrow_can_box_a_rotation_in() {
    let boxed = explore(
        Case {
            max_live: Some(2),
            ..PLAIN
        },
        Bug::None,
    );
    assert_eq!(boxed, Err(format!("stuck: {:?}", StuckReason::LimitReached)));
}

#[test]
fn room_is_made_by_a_person_where_revocation_is_by_hand() {
    let mut ledger = refresh(PLAIN, &start(PLAIN).world, &start(PLAIN).saved, Bug::None);
    ledger.record(Event::Found(record(2, CredentialStatus::Orphaned)));
    let goal = |revocable| Goal {
        generation: Some(3),
        may_mint: true,
        max_live: Some(2),
        revocable,
        targets: plan(PLAIN, &ledger, true).targets,
        ..Goal::default()
    };
    let session = Session {
        surveyed: true,
        inspected: true,
        ..Session::default()
    };
    assert_eq!(next_step(&goal(true), &ledger, &session), Step::Revoke(2));
    assert_eq!(
        next_step(&goal(false), &ledger, &session),
        Step::Stuck(StuckReason::LimitReached)
    );
    // A role whose password was reset since takes no room: it is the one to be reset.
    let session = Session {
        outlived: BTreeSet::from([2]),
        ..session
    };
    assert_eq!(next_step(&goal(false), &ledger, &session), Step::Mint(3));
}
