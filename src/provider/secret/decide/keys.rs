//! Records under the keys that the configuration gives their targets now: renaming a key writes nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::address::Address;
use crate::provider::secret::config::{Config, TargetEntry};
use crate::provider::secret::policies::Policies;
use crate::provider::secret::state::State;
use crate::rotation::{DeliveryRecord, DeliveryStatus, Event, Ledger, Notice};

/// The ledger under the configuration's keys.
pub(super) struct Rekeyed {
    /// The ledger; targets that left the configuration are `removing`.
    pub ledger: Ledger,
    /// The new key of each target.
    pub moved: BTreeMap<String, String>,
    /// Keys of targets that left the configuration and keep their entry.
    pub forget: BTreeSet<String>,
}

/// Whether a record is of that slot. Where the place differs, apply stops: it is the same entry all the same.
pub(super) fn is_in(record: &DeliveryRecord, slot: &Address) -> bool {
    let known = record.slot.parse::<Address>();
    known.is_ok_and(|known| known.is_elsewhere(slot))
}

/// Puts every delivery under the key that the configuration gives its slot now.
pub(super) fn rekey(ledger: &Ledger, policies: &Policies, slots: &BTreeMap<String, Address>) -> Rekeyed {
    let (mut stays, mut leaves, mut forget) = (Vec::new(), Vec::new(), BTreeSet::new());
    let mut taken: BTreeSet<String> = slots.keys().cloned().collect();
    for (key, delivery) in ledger.deliveries() {
        if let Some((now, _)) = slots.iter().find(|(_, slot)| is_in(delivery, slot)) {
            stays.push((key.clone(), now.clone()));
        } else if policies.kept.contains(key) {
            forget.insert(key.clone());
        } else {
            // A key that names another slot now is free for it; what leaves is known by its address.
            let name = if taken.contains(key) { &delivery.slot } else { key };
            taken.insert(name.clone());
            leaves.push((key.clone(), name.clone()));
        }
    }
    let moved = stays.iter().chain(&leaves).cloned().collect();
    let mut rekeyed = ledger.clone();
    rekeyed.record(Event::Rekeyed { stays, leaves });
    Rekeyed {
        ledger: rekeyed,
        moved,
        forget,
    }
}

/// The notices on record under the new keys of their targets, without those of forgotten ones.
pub(super) fn under_new_keys(
    state: &State,
    moved: &BTreeMap<String, String>,
    forget: &BTreeSet<String>,
) -> Vec<Notice> {
    let forgotten = |notice: &Notice| {
        let mut keys = forget.iter();
        keys.any(|key| {
            let slot = state.ledger.delivery(key).map(|known| known.slot.as_str());
            *key == notice.subject || slot == Some(notice.subject.as_str())
        })
    };
    let notices = state.notices.iter();
    let kept = notices.filter(|notice| !(notice.code.is_of_a_target() && forgotten(notice)));
    kept.map(|notice| match moved.get(&notice.subject) {
        Some(key) if notice.code.is_of_a_target() => Notice {
            subject: key.clone(),
            ..notice.clone()
        },
        _ => notice.clone(),
    })
    .collect()
}

/// The configuration in state of the target whose entry is in `slot`.
pub(super) fn before_of<'c>(
    before: Option<&'c Config>,
    state: &State,
    slot: Option<&Address>,
) -> Option<&'c TargetEntry> {
    let is_its = |key: &String| {
        let record = state.ledger.delivery(key);
        record.is_some_and(|record| slot.is_some_and(|slot| is_in(record, slot)))
    };
    let mut known = before?.targets.iter();
    known.find(|(key, _)| is_its(key)).map(|(_, entry)| entry)
}

/// Targets that leave the configuration and can still be read until they do.
pub(in crate::provider::secret) fn leaving<'c>(
    state: &'c State,
    before: Option<&'c Config>,
    slots: &BTreeMap<String, Address>,
) -> Vec<(&'c DeliveryRecord, &'c TargetEntry)> {
    let mut leaving = Vec::new();
    for (key, delivery) in state.ledger.deliveries() {
        let stays = slots.values().any(|slot| is_in(delivery, slot));
        let intact = matches!(
            delivery.status,
            DeliveryStatus::Current | DeliveryStatus::Staged | DeliveryStatus::Removing
        );
        let target = before.and_then(|before| before.targets.get(key));
        if let Some(target) = target.filter(|target| target.config.traits().readable)
            && !stays
            && intact
            && delivery.generation == Some(state.ledger.generation())
        {
            leaving.push((delivery, target));
        }
    }
    leaving
}
