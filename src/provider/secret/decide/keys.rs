//! Records under the keys that the configuration gives their targets now: renaming a key writes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::address::Address;
use crate::provider::secret::policies::Policies;
use crate::provider::secret::slots::by_arguments;
use crate::provider::secret::state::State;
use crate::rotation::{DeliveryRecord, DeliveryStatus, Event, Ledger, Notice, TAKEN_OVER};
use crate::spec::{Config, TargetSpec};

/// The ledger under the configuration's keys.
pub(super) struct Rekeyed {
    /// The ledger; targets that left the configuration are `removing`.
    pub ledger: Ledger,
    /// The new key of each target.
    pub moved: BTreeMap<String, String>,
    /// Keys of targets that left the configuration and keep their entry.
    pub forget: BTreeSet<String>,
}

/// An address of what a record is of.
type AddressOf<'f> = &'f dyn Fn(&DeliveryRecord) -> Option<Address>;

/// Whether a configured slot may be the one at an address.
type Fits<'f> = &'f dyn Fn(&Address, &Address) -> bool;

/// The configured target that each record is of, by the keys of both.
///
/// First those that one connection leads to: where the place differs all the same, apply stops. Then those that another connection
/// leads to at what may be the same place: the connection was renamed, or apply finds that the account differs, and stops. At last
/// those in a container that has another name now.
pub(in crate::provider::secret) fn matched<'k>(
    ledger: &'k Ledger,
    slots: &'k BTreeMap<String, Address>,
) -> BTreeMap<&'k str, &'k str> {
    let mut matched: BTreeMap<&str, &str> = BTreeMap::new();
    let by_connection =
        |known: &Address, slot: &Address| known.connection == slot.connection && known.is_elsewhere(slot);
    let recorded = |delivery: &DeliveryRecord| delivery.slot.parse().ok();
    let present = |delivery: &DeliveryRecord| delivery.renamed_to.as_ref()?.parse().ok();
    let passes: [(AddressOf<'_>, Fits<'_>); 3] = [
        (&recorded, &by_connection),
        (&recorded, &Address::is_same_place),
        (&present, &Address::is_same_place),
    ];
    for (address, fits) in passes {
        for (key, delivery) in ledger.deliveries() {
            let Some(known) = address(delivery) else {
                continue;
            };
            if matched.contains_key(key.as_str()) {
                continue;
            }
            let free = |now: &&str| !matched.values().any(|taken| taken == now);
            let mut fitting = slots.iter().filter(|(_, slot)| fits(&known, slot));
            if let Some((now, _)) = fitting.find(|(now, _)| free(&now.as_str())) {
                matched.insert(key, now);
            }
        }
    }
    matched
}

/// Addresses on record that a connection of another name or other requests lead to now, or whose container has another name: each with
/// its text from now on.
pub(super) fn renamed(
    ledger: &Ledger,
    config: &Config,
    slots: &BTreeMap<String, Address>,
    matched: &BTreeMap<&str, &str>,
) -> BTreeMap<String, String> {
    let slots = matched.iter().filter_map(|(key, now)| {
        let known: Address = ledger.delivery(key)?.slot.parse().ok()?;
        let slot = slots.get(*now)?;
        let now = Address {
            place: known.place.clone(),
            ..slot.clone()
        };
        Some((known, now))
    });
    let issuer = &config.source.issuer;
    let issuers = ledger.credentials().iter().filter_map(|known| {
        let known: Address = known.issuer.parse().ok()?;
        let now = known.is_same_place(issuer).then(|| Address {
            place: known.place.clone(),
            ..issuer.clone()
        })?;
        Some((known, now))
    });
    let differ = slots.chain(issuers).filter(|(known, now)| known != now);
    differ
        .map(|(known, now)| (known.to_string(), now.to_string()))
        .collect()
}

/// Puts every delivery under the key that the configuration gives its slot now.
pub(super) fn rekey(
    ledger: &Ledger,
    policies: &Policies,
    slots: &BTreeMap<String, Address>,
    matched: &BTreeMap<&str, &str>,
) -> Rekeyed {
    let (mut stays, mut leaves, mut forget) = (Vec::new(), Vec::new(), BTreeSet::new());
    let mut taken: BTreeSet<String> = slots.keys().cloned().collect();
    for (key, delivery) in ledger.deliveries() {
        if let Some(now) = matched.get(key.as_str()) {
            stays.push((key.clone(), (*now).to_owned()));
        } else if policies.kept.contains(key) || delivery.generation == Some(TAKEN_OVER) {
            // What existed before this secret is not its own to delete.
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

/// The configuration in state of the target that has this key now.
pub(super) fn before_of<'c>(
    before: Option<&'c Config>,
    matched: &BTreeMap<&str, &str>,
    key: &str,
) -> Option<&'c Arc<TargetSpec>> {
    let (known, _) = matched.iter().find(|(_, now)| **now == key)?;
    before?.targets.get(*known)
}

/// Keys that name another place now than in the record.
pub(super) fn at_another_place(ledger: &Ledger, config: &Config, matched: &BTreeMap<&str, &str>) -> BTreeSet<String> {
    let configured = config.targets.keys();
    let is_at_another =
        |key: &&String| ledger.delivery(key).is_some() && matched.get(key.as_str()) != Some(&key.as_str());
    configured.filter(is_at_another).cloned().collect()
}

/// Targets that leave the configuration and can still be read until they do.
pub(in crate::provider::secret) fn leaving<'c>(
    state: &'c State,
    before: Option<&'c Config>,
    slots: &BTreeMap<String, Address>,
) -> Vec<(&'c DeliveryRecord, &'c Arc<TargetSpec>)> {
    let mut leaving = Vec::new();
    let matched = matched(&state.ledger, slots);
    let addresses = before.map(by_arguments).unwrap_or_default();
    // Where its key is another's already, the address tells whose record it is.
    let by_address = |delivery: &DeliveryRecord| {
        let recorded: Address = delivery.slot.parse().ok()?;
        let (key, _) = addresses.iter().find(|(_, slot)| slot.is_elsewhere(&recorded))?;
        before?.targets.get(*key)
    };
    for (key, delivery) in state.ledger.deliveries() {
        let stays = matched.contains_key(key.as_str());
        let intact = matches!(
            delivery.status,
            DeliveryStatus::Current | DeliveryStatus::Staged | DeliveryStatus::Removing
        );
        let target = before.and_then(|before| before.targets.get(key));
        let target = target.or_else(|| by_address(delivery));
        if let Some(target) = target.filter(|target| target.config.traits().readable)
            && !stays
            && intact
            && !state.ledger.is_taken_over()
            && delivery.generation == Some(state.ledger.generation())
        {
            leaving.push((delivery, target));
        }
    }
    leaving
}
