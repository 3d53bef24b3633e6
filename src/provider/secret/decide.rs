//! What a change of state or configuration means: the decision that plan shows and apply carries out.
//!
//! Pure. Time and drift come in as `pending` sentences that Read left in state; so plan and apply decide alike.

use std::collections::{BTreeMap, BTreeSet};

use super::config::{Config, Phase, TargetEntry};
use super::outlook::{can_be_revoked, lasting_wait};
use super::policies::Policies;
use super::state::{State, unreachable_targets};
use crate::address::Address;
use crate::rotation::{CredentialRecord, DeliveryRecord, DeliveryStatus, Event, Ledger, Notice, NoticeCode, Pending};
use crate::target::Activation;

/// Whether a new generation is minted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rotate {
    /// It is not.
    No,
    /// It is.
    Yes {
        /// Why, as `last_rotation.reason` shows it.
        reason: String,
        /// The schedule asked for it, so the next one stays on the schedule's grid.
        scheduled: bool,
    },
    /// Apply looks at its clock: a schedule argument changed.
    AtApply,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decision {
    /// The ledger with its deliveries under the configuration's keys; targets that left it are `removing`.
    pub ledger: Ledger,
    /// Whether a new generation is minted.
    pub rotate: Rotate,
    /// The generation that is to be in place, unless apply decides.
    pub generation: u64,
    /// Targets that are written.
    pub write: BTreeSet<String>,
    /// Targets whose entry is made live without being written.
    pub activate: BTreeSet<String>,
    /// Targets that hold the value, but whose tags or labels an earlier apply could not set.
    pub retag: BTreeSet<String>,
    /// The rotation is due only because the value of the unfinished generation is lost.
    pub value_lost: bool,
    /// Those of the written ones whose configuration asks for another text than the one that they hold.
    pub reworded: BTreeSet<String>,
    /// An interrupted rotation is finished.
    pub finish: bool,
    /// Targets whose entry is deleted.
    pub remove: BTreeSet<String>,
    /// Generations that are revoked.
    pub revoke: BTreeSet<u64>,
    /// The checks after a revocation run once more.
    pub recheck: bool,
    /// Targets that left the configuration and keep their entry.
    pub forget: BTreeSet<String>,
    /// The notices on record, under the keys that the configuration gives their targets now, without those of forgotten ones.
    pub notices: Vec<Notice>,
    /// A changed policy, or targets that moved, may change the notices although no vendor is written to.
    pub notices_change: bool,
}

impl Decision {
    /// Whether a vendor is written to.
    pub(super) fn acts(&self) -> bool {
        self.rotate != Rotate::No
            || self.finish
            || !self.write.is_empty()
            || !self.activate.is_empty()
            || !self.retag.is_empty()
            || !self.remove.is_empty()
            || !self.revoke.is_empty()
            || self.recheck
    }

    /// The same with a rotation, for a reason that only apply knows.
    #[must_use]
    pub(super) fn rotated(self, config: &Config, reason: &str) -> Self {
        let exists = |key: &&String| self.ledger.status(key) != Some(DeliveryStatus::Gone);
        Self {
            generation: self.ledger.highest() + 1,
            write: config.targets.keys().filter(exists).cloned().collect(),
            rotate: Rotate::Yes {
                reason: reason.to_owned(),
                scheduled: true,
            },
            finish: false,
            ..self
        }
    }

    /// Whether a run makes what stands at a target live.
    pub(super) fn goes_live(&self, key: &str) -> bool {
        self.finish || self.activate.contains(key)
    }

    /// Whether checks after a revocation may run without a rotation, so that their results on the receipt change.
    pub(super) fn proves_revocation(&self, config: &Config) -> bool {
        let mut checks = config.checks.values();
        (self.recheck || !self.revoke.is_empty()) && checks.any(|check| check.phase == Phase::Revoked)
    }
}

/// Decides. `before` is the configuration in state, where it can still be read; `slots` are the configured targets' addresses.
pub(super) fn decide(
    state: &State,
    before: Option<&Config>,
    config: &Config,
    policies: &Policies,
    slots: &BTreeMap<String, Address>,
) -> Decision {
    let (ledger, moved, forget) = rekey(&state.ledger, policies, slots);
    let notices = under_new_keys(state, &moved, &forget);
    let unreachable = unreachable_targets(&ledger, &notices);
    let gone = |key: &String| ledger.status(key) == Some(DeliveryStatus::Gone);
    let mut write: BTreeSet<String> = BTreeSet::new();
    let mut reworded: BTreeMap<String, &TargetEntry> = BTreeMap::new();
    for (key, target) in config.targets.iter().filter(|(key, _)| !gone(key)) {
        let slot = slots.get(key);
        let old = before.and_then(|before| before.targets.values().find(|old| same_slot(old, before, state, slot)));
        let delivered = ledger
            .delivery(key)
            .is_some_and(|delivery| delivery.generation.is_some());
        // One that was to be removed and is configured again: what stands there was not looked at meanwhile.
        let stale = ledger
            .deliveries()
            .get(key)
            .is_some_and(|delivery| delivery.status == DeliveryStatus::Stale);
        if let Some(old) = old.filter(|old| old.fingerprint != target.fingerprint) {
            reworded.insert(key.clone(), old);
            write.insert(key.clone());
        } else if !delivered || (stale && ledger.is_finished()) {
            write.insert(key.clone());
        }
    }
    let mut finish = !ledger.is_finished() && ledger.generation() > 0;
    let mut revoke = BTreeSet::new();
    let mut recheck = false;
    let published = |(key, target): &(&String, &TargetEntry)| {
        let delivery = ledger.deliveries().get(*key);
        let staged = delivery.is_some_and(|delivery| delivery.status == DeliveryStatus::Staged);
        staged && target.config.traits().activation == Activation::Itself
    };
    let activate: BTreeSet<String> = config
        .targets
        .iter()
        .filter(published)
        .map(|(key, _)| key.clone())
        .collect();
    let mut rotate = Rotate::No;
    let mut retag = BTreeSet::new();
    for pending in &state.pending {
        match pending {
            Pending::Rotate { reason } => {
                rotate = Rotate::Yes {
                    reason: reason.clone(),
                    scheduled: reason.starts_with("every "),
                };
            }
            Pending::Finish { .. } => finish = true,
            // Drift that was found before `on_drift` became "report" is left alone as well.
            Pending::Deliver { target, .. } if !config.heal && is_drift(&state.ledger, target) => {}
            Pending::Deliver { target, .. } => {
                let record = state.ledger.delivery(target);
                let now_at = slots
                    .iter()
                    .filter(|(_, slot)| record.is_some_and(|record| is_in(record, slot)));
                write.extend(now_at.map(|(key, _)| key.clone()));
            }
            Pending::Revoke { .. } if config.revoke_by_hand => {}
            Pending::Revoke { generation, .. } => {
                revoke.insert(*generation);
            }
            Pending::Check { .. } => recheck = true,
            // Of a target that goes live by its activation the ledger says enough.
            Pending::Activate { target, .. } => {
                let known = config.targets.get(target);
                retag.extend(
                    known
                        .filter(|known| known.config.traits().follow_up)
                        .map(|_| target.clone()),
                );
            }
            Pending::Remove { .. } => {}
        }
    }
    if config.heal && before.is_some_and(|before| !before.heal) {
        let drifted = config.targets.keys().filter(|key| is_drift(&ledger, key));
        write.extend(drifted.cloned());
    }
    revoke.extend(no_longer_waiting(&notices, &unreachable, config, &ledger));
    let answered = finish && rotate == Rotate::No && finishing_answers(state, before, config);
    let mut requested = false;
    if !answered && let Some(reason) = asked_for(before, config) {
        requested = true;
        rotate = Rotate::Yes {
            reason,
            scheduled: false,
        };
    }
    if finish {
        let unwritten = config.targets.keys().filter(|key| {
            !gone(key)
                && ledger
                    .delivery(key)
                    .is_none_or(|delivery| !delivery.holds(ledger.generation()))
        });
        write.extend(unwritten.cloned());
    }
    let leaving = leaving(state, before, slots);
    let leaving: Vec<&TargetEntry> = leaving.into_iter().map(|(_, target)| target).collect();
    if rotate == Rotate::No
        && let Some(reason) = value_lost(config, &ledger, &unreachable, &write, &activate, &reworded, &leaving)
    {
        rotate = Rotate::Yes {
            reason,
            scheduled: false,
        };
    }
    let schedule_changed = before.is_some_and(|before| before.schedule != config.schedule);
    if rotate == Rotate::No && schedule_changed && !finish {
        rotate = Rotate::AtApply;
    }
    let newest = ledger
        .credentials()
        .iter()
        .map(|c| c.generation)
        .max()
        .unwrap_or(0)
        .max(ledger.generation());
    let rotates = matches!(rotate, Rotate::Yes { .. });
    if rotates {
        write = config.targets.keys().filter(|key| !gone(key)).cloned().collect();
    }
    let lost_half_way = rotates && finish && !requested && unfinishable(&ledger, &unreachable, config).is_some();
    let remove = ledger
        .deliveries()
        .iter()
        .filter(|(key, delivery)| !slots.contains_key(*key) && delivery.status == DeliveryStatus::Removing)
        .map(|(key, _)| key.clone())
        .collect();
    Decision {
        generation: if rotates { newest + 1 } else { ledger.generation() },
        finish: finish && !rotates,
        ledger,
        rotate,
        write,
        activate: if rotates || finish { BTreeSet::new() } else { activate },
        retag,
        value_lost: lost_half_way,
        reworded: reworded.into_keys().collect(),
        remove,
        revoke,
        recheck: recheck && !rotates,
        forget,
        notices_change: notices != state.notices
            || before
                .is_some_and(|before| before.revoke_by_hand != config.revoke_by_hand || before.heal != config.heal),
        notices,
    }
}

/// Whether a target's entry was changed or deleted outside Terraform.
fn is_drift(ledger: &Ledger, key: &str) -> bool {
    let status = ledger.status(key);
    matches!(status, Some(DeliveryStatus::Changed | DeliveryStatus::Missing))
}

/// Generations whose revocation was due and waited for something that this configuration takes away, such as a target whose place is
/// gone, or `revoke.mode = "manual"`.
fn no_longer_waiting(notices: &[Notice], unreachable: &BTreeSet<String>, config: &Config, ledger: &Ledger) -> Vec<u64> {
    let waiting = notices
        .iter()
        .filter(|notice| matches!(notice.code, NoticeCode::RevokeWaits | NoticeCode::RevokeByHand));
    let ids: BTreeSet<&str> = waiting.map(|notice| notice.subject.as_str()).collect();
    if ids.is_empty() || config.revoke_by_hand || lasting_wait(ledger, config, unreachable).is_some() {
        return Vec::new();
    }
    let due = ledger.credentials().iter().filter(|known| {
        known.credential_id.as_deref().is_some_and(|id| ids.contains(id))
            && known.generation != ledger.generation()
            && can_be_revoked(&known.issuer)
    });
    due.map(|known| known.generation).collect()
}

/// Whether `old` is the target whose entry stands in `slot`.
fn same_slot(old: &TargetEntry, before: &Config, state: &State, slot: Option<&Address>) -> bool {
    before
        .targets
        .iter()
        .find(|(_, entry)| std::ptr::eq(*entry, old))
        .and_then(|(key, _)| state.ledger.delivery(key))
        .is_some_and(|record| slot.is_some_and(|slot| is_in(record, slot)))
}

/// Whether a record is of that slot. Where the place differs, apply stops: it is the same entry all the same.
fn is_in(record: &DeliveryRecord, slot: &Address) -> bool {
    record
        .slot
        .parse::<Address>()
        .is_ok_and(|known| known.is_elsewhere(slot))
}

/// Puts every delivery under the key that the configuration gives its slot now: renaming a key writes nothing. Also gives the new key
/// of each, and the keys of targets that left the configuration and keep their entry.
fn rekey(
    ledger: &Ledger,
    policies: &Policies,
    slots: &BTreeMap<String, Address>,
) -> (Ledger, BTreeMap<String, String>, BTreeSet<String>) {
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
    (rekeyed, moved, forget)
}

/// The notices on record under the new keys of their targets. What is said of a forgotten target is no longer of interest.
fn under_new_keys(state: &State, moved: &BTreeMap<String, String>, forget: &BTreeSet<String>) -> Vec<Notice> {
    let is_of_a_target = |notice: &Notice| {
        matches!(
            notice.code,
            NoticeCode::Unreachable | NoticeCode::Drifted | NoticeCode::Staged | NoticeCode::Gone
        )
    };
    let forgotten = |notice: &Notice| {
        let mut keys = forget.iter();
        keys.any(|key| {
            let slot = state.ledger.delivery(key).map(|known| known.slot.as_str());
            *key == notice.subject || slot == Some(notice.subject.as_str())
        })
    };
    let notices = state.notices.iter();
    let kept = notices.filter(|notice| !(is_of_a_target(notice) && forgotten(notice)));
    kept.map(|notice| match moved.get(&notice.subject) {
        Some(key) if is_of_a_target(notice) => Notice {
            subject: key.clone(),
            ..notice.clone()
        },
        _ => notice.clone(),
    })
    .collect()
}

/// A rotation that the user asked for by a change of arguments.
fn asked_for(before: Option<&Config>, config: &Config) -> Option<String> {
    let before = before?;
    if let Some(text) = &config.rotate_now
        && before.rotate_now.as_ref() != Some(text)
    {
        return Some(text.clone());
    }
    let changed = config
        .triggers
        .iter()
        .find(|(key, value)| before.triggers.get(*key).is_some_and(|old| old != *value));
    if let Some((key, _)) = changed {
        return Some(format!("triggers[{key:?}] changed"));
    }
    if before.source.kind.name != config.source.kind.name {
        return Some(format!(
            "source changed from {} to {}",
            before.source.kind.name, config.source.kind.name
        ));
    }
    let known = before.source.config.fingerprint();
    (known != config.source.config.fingerprint()).then(|| config.source.config.what_changed(&known))
}

/// Whether an unfinished generation has to be finished before another is made, so that it answers what the user asked for: where
/// the issuer has no room for a third credential, making one would end one that targets may hold. Whoever asked was most likely
/// the run that was cut off, unless that left its receipt: then the arguments in state are its own, and what differs from them is
/// asked for anew.
fn finishing_answers(state: &State, before: Option<&Config>, config: &Config) -> bool {
    let traits = config.source.config.traits();
    let crowded = traits.replaces || traits.max_live.is_some();
    let begun = state.last_rotation.as_ref().and_then(|receipt| receipt.started_at);
    // What an issuer lists is on record whoever saved it; anything else only where the run that made it saved the state.
    let recorded = state.ledger.credential(state.ledger.generation()).is_some();
    let left_its_receipt = state
        .rotated_at
        .is_none_or(|in_place| recorded && (!traits.lists || begun > Some(in_place)));
    crowded
        && !left_its_receipt
        && before.is_some_and(|before| before.source.config.fingerprint() == config.source.config.fingerprint())
}

/// Why an unfinished generation cannot be finished, if it cannot: its value is needed and lost.
pub(super) fn unfinishable(ledger: &Ledger, unreachable: &BTreeSet<String>, config: &Config) -> Option<String> {
    let lacks = |key: &&String| {
        let delivery = ledger.delivery(key);
        delivery.is_none_or(|known| known.status != DeliveryStatus::Gone && !known.holds(ledger.generation()))
    };
    let write = config.targets.keys().filter(lacks).cloned().collect();
    let (activate, reworded) = (BTreeSet::new(), BTreeMap::new());
    value_lost(config, ledger, unreachable, &write, &activate, &reworded, &[])
}

/// Targets that leave the configuration and give the current value back until they do.
pub(super) fn leaving<'c>(
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

/// Why a generation that a target's mark names cannot be finished: its issuer lists what it has, and has no such credential. Another
/// source made it, or it has ended. If the list only lags, one credential too many is made, and ends as an orphan.
fn unlisted(config: &Config, ledger: &Ledger) -> Option<String> {
    let issuer = &config.source.issuer;
    let lists = config.source.config.traits().lists;
    let is_its = |known: &CredentialRecord| {
        known
            .issuer
            .parse::<Address>()
            .is_ok_and(|known| known.is_elsewhere(issuer))
    };
    let known = ledger.credential(ledger.generation()).is_some_and(is_its);
    (lists && !ledger.is_finished() && ledger.generation() > 0 && !known).then(|| {
        format!(
            "generation {}, which an interrupted apply left behind, is no credential that {issuer} has",
            ledger.generation()
        )
    })
}

/// Why the current generation's value, which the targets in `write` and the checks of their waves need, cannot be had, if it cannot.
fn value_lost(
    config: &Config,
    ledger: &Ledger,
    unreachable: &BTreeSet<String>,
    write: &BTreeSet<String>,
    activate: &BTreeSet<String>,
    reworded: &BTreeMap<String, &TargetEntry>,
    leaving: &[&TargetEntry],
) -> Option<String> {
    let generation = ledger.generation();
    if let Some(why) = unlisted(config, ledger) {
        return Some(why);
    }
    // What could not be looked at is not lost: a run looks again first.
    let held = |key: &String| {
        let known = ledger.delivery(key);
        known.is_some_and(|known| {
            known.holds(generation) || (unreachable.contains(key) && known.generation == Some(generation))
        })
    };
    let readable = |key: &String| {
        let target = config.targets.get(key);
        target.is_some_and(|target| target.config.traits().readable)
    };
    // A target that the interrupted run wrote is an escrow, not a place to write.
    let lacking =
        |key: &&String| reworded.contains_key(*key) || !(held(key) && (readable(key) || unreachable.contains(*key)));
    let first = write.iter().find(lacking);
    let touched_waves: BTreeSet<u64> = write
        .union(activate)
        .filter_map(|key| Some(config.targets.get(key)?.wave))
        .collect();
    let presenting = config.checks.iter().find(|(_, check)| {
        let runs = !ledger.is_finished() || touched_waves.contains(&check.wave);
        check.phase == Phase::Delivered && check.presents_new() && runs
    });
    if (first.is_none() && presenting.is_none()) || config.source.config.traits().reveals {
        return None;
    }
    let escrowed: BTreeSet<&str> = config
        .targets
        .iter()
        .filter(|(key, _)| readable(key) && held(key))
        // What an entry holds was said by the configuration that it was written under.
        .map(|(key, target)| reworded.get(key).copied().unwrap_or(target))
        .chain(leaving.iter().copied())
        .filter(|target| target.template.is_none())
        .map(|target| target.part.as_str())
        .collect();
    let primary = config.source.kind.parts.first().copied().unwrap_or("value");
    let has = |part: &String| escrowed.contains(if part == "value" { primary } else { part.as_str() });
    let mut written = write.iter().filter_map(|key| config.targets.get(key));
    let deliverable = first.is_none() || written.all(|target| target.parts().iter().all(has));
    let presentable = presenting.is_none_or(|(_, check)| check.config.parts_used().iter().all(has));
    if deliverable && presentable {
        return None;
    }
    let why = match (first, presenting) {
        (Some(first), _) => match ledger.status(first) {
            Some(DeliveryStatus::Changed) => format!("{first} was changed outside Terraform"),
            Some(DeliveryStatus::Missing) => format!("{first} was deleted outside Terraform"),
            Some(DeliveryStatus::Unknown) => format!("it is unknown what {first} holds"),
            Some(_) if ledger.is_finished() => format!("{first} needs to be written"),
            Some(_) => format!("the rotation to generation {generation} did not reach {first}"),
            None => format!("{first} is a new target"),
        },
        (None, Some((check, _))) => format!("check {check} has not passed with generation {generation}"),
        (None, None) => return None,
    };
    Some(format!(
        "{why}, and the value of generation {generation} cannot be recovered"
    ))
}
