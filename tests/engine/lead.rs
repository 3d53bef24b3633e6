//! The rule of `lead`: what a wave waits for, and since when.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rotation_provider::rotation::{
    CredentialRecord, CredentialStatus, DeliveryRecord, DeliveryStatus, Event, Goal, Ledger, Session, Step, TargetGoal,
    next_step,
};

use super::cases;
use super::mutant::Mutant;
use super::search::explore;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_900_000_000 + second).unwrap()
}

fn record(generation: Option<u64>, delivered_at: i64) -> DeliveryRecord {
    DeliveryRecord {
        generation,
        status: DeliveryStatus::Current,
        delivered_at: Some(at(delivered_at)),
        ..DeliveryRecord::new("slot".to_owned())
    }
}

/// Two verifiers lead a signer, which lacks generation 2. The first one had it at second 0, the other at second 100.
struct Plan {
    goal: Goal,
    ledger: Ledger,
    session: Session,
}

fn plan(leads: [SignedDuration; 2]) -> Plan {
    let target = |wave, lead| TargetGoal {
        wave,
        write: false,
        activates: true,
        follow_up: false,
        activate: false,
        lead,
    };
    let credential = |generation| CredentialRecord {
        generation,
        credential_id: None,
        issuer: String::new(),
        label: String::new(),
        status: CredentialStatus::Current,
        minted_at: None,
        expires_at: None,
        revoke_after: None,
        public_key: None,
    };
    let deliveries = [
        ("first".to_owned(), record(Some(2), 0)),
        ("second".to_owned(), record(Some(2), 100)),
        ("signer".to_owned(), record(Some(1), -1000)),
    ];
    let targets = [
        ("first".to_owned(), target(1, leads[0])),
        ("second".to_owned(), target(2, leads[1])),
        ("signer".to_owned(), target(3, SignedDuration::ZERO)),
    ];
    Plan {
        goal: Goal {
            generation: Some(2),
            targets: BTreeMap::from(targets),
            ..Goal::default()
        },
        ledger: Ledger::of_state(2, false, vec![credential(1), credential(2)], BTreeMap::from(deliveries)),
        session: Session {
            surveyed: true,
            inspected: true,
            in_hand: Some(2),
            ..Session::default()
        },
    }
}

impl Plan {
    fn step(&self) -> Step {
        next_step(&self.goal, &self.ledger, &self.session)
    }

    /// The step once the clock was read at that second.
    fn step_at(&mut self, second: i64) -> Step {
        self.session.now = Some(at(second));
        self.step()
    }
}

fn minutes(number: i64) -> SignedDuration {
    SignedDuration::from_mins(number)
}

fn starts(step: &Step) -> bool {
    matches!(step, Step::Deliver { targets, .. } if targets == &["signer"])
}

#[test]
fn a_wave_waits_for_the_lead_that_ends_last() {
    let mut plan = plan([minutes(5), minutes(2)]);
    assert_eq!(plan.step(), Step::ReadClock);
    let Step::AwaitLead(lead) = plan.step_at(120) else {
        panic!("{:?}", plan.step())
    };
    assert_eq!((lead.target.as_str(), lead.wave, lead.until), ("first", 3, at(300)));
    assert!(matches!(plan.step_at(299), Step::AwaitLead(_)));
    assert!(starts(&plan.step_at(300)));
    // Nothing leads: nobody asks for the time.
    assert!(starts(&self::plan([SignedDuration::ZERO; 2]).step()));
}

#[test]
fn a_lead_counts_from_the_time_at_which_a_target_went_live() {
    let mut plan = plan([minutes(5), minutes(5)]);
    plan.session.live_at.insert("first".to_owned(), at(150));
    let Step::AwaitLead(lead) = plan.step_at(200) else {
        panic!("{:?}", plan.step())
    };
    assert_eq!((lead.target.as_str(), lead.until), ("first", at(450)));
}

#[test]
fn a_run_waits_for_ten_minutes_and_leaves_the_rest_to_a_later_one() {
    let mut plan = plan([minutes(5), minutes(10)]);
    assert!(matches!(plan.step_at(100), Step::AwaitLead(_)));
    let Step::Pause(lead) = plan.step_at(99) else {
        panic!("{:?}", plan.step())
    };
    plan.session.paused = true;
    plan.ledger.record(Event::Paused { until: lead.until });
    assert_eq!(plan.step(), Step::Done);
    assert_eq!(plan.ledger.paused_until(), Some(at(700)));
    assert!(!plan.ledger.is_finished());
}

#[test]
fn what_is_in_place_everywhere_leads_no_more() {
    let mut plan = plan([minutes(5), minutes(5)]);
    plan.ledger.record(Event::Promoted { revoke_after: at(0) });
    assert!(starts(&plan.step()));
}

#[test]
fn an_incident_waits_too_and_a_dead_value_does_not() {
    let mut incident = plan([minutes(5); 2]);
    incident.goal.goes_on = true;
    assert!(matches!(incident.step_at(120), Step::AwaitLead(_)));
    let mut replaced = plan([minutes(5); 2]);
    replaced.goal.replaces = true;
    assert!(starts(&replaced.step()));
}

#[test]
fn a_pause_ends_with_the_generation_that_it_is_of() {
    let paused = || {
        let mut ledger = plan([minutes(60); 2]).ledger;
        ledger.record(Event::Paused { until: at(900) });
        ledger
    };
    let credential = paused().credential(2).unwrap().clone();
    let ends = [
        Event::Continued,
        Event::Promoted { revoke_after: at(0) },
        Event::FoundAhead { generation: 3 },
        Event::Resumed { generation: 3 },
        Event::Minted {
            credential: CredentialRecord {
                generation: 3,
                ..credential
            },
            replaces: false,
        },
    ];
    for end in ends {
        let mut ledger = paused();
        assert!(ledger.paused_until().is_some());
        ledger.record(end.clone());
        assert_eq!(ledger.paused_until(), None, "{end:?}");
    }
    // Nothing waits for what is in place.
    let mut ledger = paused();
    ledger.record(Event::Promoted { revoke_after: at(0) });
    ledger.record(Event::Paused { until: at(900) });
    assert_eq!(ledger.paused_until(), None);
}

/// Faults, kills and outsiders around a pause.
#[test]
fn a_pause_breaks_no_guarantee() {
    for case in [cases::leads(), cases::leads_outsiders()] {
        let covered = explore(&case, Mutant::None).unwrap_or_else(|found| panic!("{}: {found:?}", case.name));
        println!("{}: {covered:?}", case.name);
    }
}
