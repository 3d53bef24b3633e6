//! Which public keys are valid, as the ledger knows it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rotation_provider::rotation::{CredentialRecord, CredentialStatus, DeliveryRecord, Event, Ledger};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_900_000_000 + second).unwrap()
}

/// Generation N of a key pair, whose public key is called so.
fn key(generation: u64) -> CredentialRecord {
    CredentialRecord {
        generation,
        credential_id: None,
        issuer: String::new(),
        label: String::new(),
        status: CredentialStatus::Current,
        minted_at: None,
        expires_at: None,
        revoke_after: None,
        public_key: Some(format!("key {generation}")),
    }
}

fn minted(ledger: &mut Ledger, credential: CredentialRecord) {
    ledger.record(Event::Minted {
        credential,
        replaces: false,
    });
}

fn delivered(ledger: &mut Ledger, generation: u64) {
    ledger.record(Event::Delivered {
        target: "signer".to_owned(),
        generation,
        revision: None,
        at: at(0),
        staged: false,
    });
}

/// Generation 2 is in place at the signer, and generation 1 was before.
fn rotated() -> Ledger {
    let deliveries = BTreeMap::from([("signer".to_owned(), DeliveryRecord::new("slot".to_owned()))]);
    let mut ledger = Ledger::of_state(0, false, Vec::new(), deliveries);
    for generation in [1, 2] {
        minted(&mut ledger, key(generation));
        delivered(&mut ledger, generation);
        ledger.record(Event::Promoted { revoke_after: at(60) });
    }
    ledger
}

fn keys(ledger: &Ledger) -> Vec<&str> {
    ledger.public_keys().collect()
}

#[test]
fn an_old_key_is_valid_until_its_generation_ends() {
    let mut ledger = rotated();
    assert_eq!(keys(&ledger), ["key 2", "key 1"]);
    let old = ledger.credential(1).unwrap();
    assert_eq!(
        (old.status, old.revoke_after),
        (CredentialStatus::Overlapping, Some(at(60)))
    );
    assert!(old.is_accepted() && !old.is_issued());
    ledger.record(Event::Ended {
        generation: 1,
        issuer: String::new(),
    });
    assert_eq!(keys(&ledger), ["key 2"]);
}

#[test]
fn a_key_that_no_signer_had_is_not_valid() {
    let mut ledger = rotated();
    minted(&mut ledger, key(3));
    assert_eq!(
        keys(&ledger),
        ["key 3", "key 2", "key 1"],
        "verifiers have it before a signer does"
    );
    minted(&mut ledger, key(4));
    assert_eq!(keys(&ledger), ["key 4", "key 2", "key 1"]);
    delivered(&mut ledger, 4);
    ledger.record(Event::Promoted { revoke_after: at(90) });
    assert!(ledger.credential(3).is_none());
}

#[test]
fn where_another_source_makes_the_value_no_set_is_left() {
    let mut ledger = rotated();
    let random = CredentialRecord {
        public_key: None,
        ..key(3)
    };
    minted(&mut ledger, random);
    assert!(keys(&ledger).is_empty());
    ledger.record(Event::Promoted { revoke_after: at(90) });
    assert_eq!(
        ledger.superseded(),
        [].into(),
        "nobody accepts what nobody issued or verifies"
    );
}

#[test]
fn a_key_that_becomes_known_later_is_in_the_set() {
    let mut ledger = rotated();
    let unknown = CredentialRecord {
        public_key: None,
        ..key(1)
    };
    let mut other = Ledger::of_state(1, true, vec![unknown], ledger.deliveries().clone());
    assert!(keys(&other).is_empty());
    other.record(Event::Published {
        generation: 1,
        public_key: "key 1".to_owned(),
    });
    assert_eq!(keys(&other), ["key 1"]);
    ledger.record(Event::Resumed { generation: 1 });
    assert_eq!(keys(&ledger), ["key 2", "key 1"], "a restored key and the newer one");
}

#[test]
fn a_public_key_is_valid_although_its_private_one_is_not_parked_any_more() {
    let mut ledger = rotated();
    let unpublished = CredentialRecord {
        public_key: None,
        ..key(0)
    };
    let all = [unpublished].into_iter().chain(ledger.credentials().iter().cloned());
    ledger = Ledger::of_state(2, true, all.collect(), ledger.deliveries().clone());
    ledger.record(Event::Unparked);
    assert_eq!(ledger.superseded(), [1].into());
    // A number that was given is taken, although an older generation was restored.
    let mut restored = Ledger::of_state(1, true, vec![key(1), key(2)], ledger.deliveries().clone());
    restored.record(Event::Unparked);
    assert_eq!(restored.highest(), 2);
}
