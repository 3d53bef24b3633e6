//! Generation 0: what was taken over, until the first rotation, and after it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rotation_provider::label::Label;
use rotation_provider::rotation::{
    CredentialRecord, CredentialStatus, DeliveryRecord, DeliveryStatus, Entry, Event, Goal, Ledger, RevisionKind, Seen,
    Session, Step, TAKEN_OVER, TargetGoal, Verdict, judge, next_step,
};

const ID: &str = "0123456789abcdef0123456789abcdef";
const OTHER: &str = "fedcba9876543210fedcba9876543210";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_900_000_000 + second).unwrap()
}

fn entry(kind: RevisionKind, revision: &str, second: i64) -> Entry {
    Entry {
        revision: Some(revision.to_owned()),
        kind,
        label: None,
        modified_at: Some(at(second)),
        live: None,
        detail: None,
        is_unreadable: false,
        exposed: None,
    }
}

fn credential(generation: u64, id: Option<&str>) -> CredentialRecord {
    CredentialRecord {
        generation,
        credential_id: id.map(str::to_owned),
        issuer: "fly_token:default:app/a".to_owned(),
        label: String::new(),
        status: CredentialStatus::Current,
        minted_at: None,
        expires_at: None,
        revoke_after: None,
        public_key: None,
    }
}

fn taken_over(id: Option<&str>, entry: Option<Entry>) -> Ledger {
    let mut ledger = Ledger::default();
    ledger.record(Event::TookOver(credential(TAKEN_OVER, id)));
    ledger.record(Event::EntryTakenOver {
        target: "web".to_owned(),
        slot: "fly_secret:default:a/KEY".to_owned(),
        container_id: None,
        entry,
    });
    ledger
}

fn seen(entry: Option<Entry>) -> Event {
    Event::Seen(Seen {
        target: "web".to_owned(),
        id: ID.to_owned(),
        entry,
        deferred: false,
        is_activated: false,
        must_be_live: false,
        was_unreachable: false,
        at: at(50),
    })
}

#[test]
fn a_taken_over_ledger_is_in_place_and_rotates_to_generation_1() {
    let mut ledger = taken_over(Some("tok"), Some(entry(RevisionKind::Digest, "ab@3", 10)));
    assert!(ledger.is_taken_over() && ledger.is_begun() && ledger.is_finished());
    assert!(!Ledger::default().is_begun());
    assert!(ledger.superseded().is_empty());
    assert!(ledger.delivery("web").unwrap().existed_before);
    assert!(!ledger.never_held(TAKEN_OVER), "its consumers use it");
    // Nothing takes over what is in place.
    let before = ledger.clone();
    ledger.record(Event::TookOver(credential(TAKEN_OVER, Some("other"))));
    assert_eq!(ledger, before);

    let target = TargetGoal {
        wave: 1,
        write: false,
        activates: false,
        follow_up: false,
        activate: false,
        lead: jiff::SignedDuration::ZERO,
    };
    let goal = Goal {
        generation: Some(1),
        may_mint: true,
        revocable: true,
        targets: BTreeMap::from([("web".to_owned(), target)]),
        ..Goal::default()
    };
    let session = Session {
        surveyed: true,
        inspected: true,
        ..Session::default()
    };
    assert_eq!(next_step(&goal, &ledger, &session), Step::Mint(1));
    ledger.record(Event::Minted {
        credential: credential(1, Some("new")),
        replaces: false,
    });
    assert!(!ledger.is_taken_over());
    assert_eq!(ledger.credential(0).unwrap().status, CredentialStatus::Overlapping);
    ledger.record(Event::Delivered {
        target: "web".to_owned(),
        generation: 1,
        revision: Some("cd@4".to_owned()),
        at: at(20),
        staged: false,
    });
    ledger.record(Event::Promoted { revoke_after: at(30) });
    assert_eq!(ledger.superseded(), BTreeSet::from([0]));
    assert_eq!(ledger.credential(0).unwrap().revoke_after, Some(at(30)));
}

#[test]
fn drift_is_told_by_what_was_seen_when_it_was_taken_over() {
    use RevisionKind as Kind;
    let record = |kind, revision: &str| {
        let ledger = taken_over(None, Some(entry(kind, revision, 10)));
        ledger.delivery("web").unwrap().clone()
    };
    let marked = |entry: Entry, id: &str, generation| Entry {
        label: Some(Label::new("t", id, generation)),
        ..entry
    };
    let version = |revision, second| entry(Kind::Version, revision, second);
    for (record, seen, verdict) in [
        (record(Kind::Version, "3"), version("3", 10), Verdict::Recorded),
        (record(Kind::Version, "3"), version("4", 11), Verdict::Foreign),
        // A recreated entry starts its version anew.
        (record(Kind::Version, "1"), version("1", 11), Verdict::Foreign),
        // A replica that lags.
        (record(Kind::Version, "3"), version("2", 9), Verdict::CannotTell),
        (
            record(Kind::Digest, "ab@3"),
            entry(Kind::Digest, "ab@9", 99),
            Verdict::Recorded,
        ),
        (
            record(Kind::Digest, "ab@3"),
            entry(Kind::Digest, "cd@9", 11),
            Verdict::Foreign,
        ),
        (
            record(Kind::Time, "t10"),
            entry(Kind::Time, "t10", 10),
            Verdict::Recorded,
        ),
        (
            record(Kind::Time, "t10"),
            entry(Kind::Time, "t11", 11),
            Verdict::Foreign,
        ),
        // It may have carried a mark when it was taken over, of a lost state; another mark is another write.
        (
            record(Kind::Version, "3"),
            marked(version("3", 10), ID, 7),
            Verdict::Recorded,
        ),
        (
            record(Kind::Version, "3"),
            marked(version("4", 11), ID, 1),
            Verdict::Marked(1),
        ),
        (
            record(Kind::Version, "3"),
            marked(version("4", 11), OTHER, 1),
            Verdict::Foreign,
        ),
    ] {
        assert_eq!(judge(&record, Some(&seen), ID), verdict, "{seen:?}");
    }
}

#[test]
fn an_entry_that_was_absent_is_taken_over_when_it_appears() {
    let mut ledger = taken_over(None, None);
    assert_eq!(ledger.status("web"), Some(DeliveryStatus::Missing));
    assert!(ledger.delivery("web").is_some_and(DeliveryRecord::was_absent));
    // Of another secret it is not.
    let mark = Label::new("t", OTHER, 4);
    let marked = Entry {
        label: Some(mark),
        ..entry(RevisionKind::Version, "1", 40)
    };
    let mut other = ledger.clone();
    other.record(seen(Some(marked)));
    assert_eq!(other.status("web"), Some(DeliveryStatus::Changed));
    ledger.record(seen(Some(entry(RevisionKind::Version, "1", 40))));
    let record = ledger.delivery("web").unwrap();
    assert_eq!((record.status, record.generation), (DeliveryStatus::Current, Some(0)));
    assert!(record.existed_before);
    // Once it was there, what comes next is drift.
    ledger.record(seen(Some(entry(RevisionKind::Version, "2", 41))));
    assert_eq!(ledger.status("web"), Some(DeliveryStatus::Changed));
    ledger.record(seen(None));
    ledger.record(seen(Some(entry(RevisionKind::Version, "1", 45))));
    assert_eq!(ledger.status("web"), Some(DeliveryStatus::Changed));
}

#[test]
fn an_interrupted_first_rotation_is_found_again() {
    let mut ledger = taken_over(Some("tok"), Some(entry(RevisionKind::Version, "3", 10)));
    let mark = Label::new("t", ID, 1);
    ledger.record(seen(Some(Entry {
        label: Some(mark),
        ..entry(RevisionKind::Version, "4", 20)
    })));
    assert_eq!(ledger.delivery("web").unwrap().generation, Some(1));
    ledger.record(Event::FoundAhead { generation: 1 });
    assert!(!ledger.is_taken_over() && !ledger.is_finished());
    assert_eq!(ledger.superseded(), BTreeSet::from([0]));
}
