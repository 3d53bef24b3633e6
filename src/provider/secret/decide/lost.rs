//! Whether the value of the generation in place can be recovered where it is needed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::address::Address;
use crate::part::PartName;
use crate::rotation::{CredentialRecord, DeliveryStatus, Ledger};
use crate::source::key_set;
use crate::spec::{Config, TargetSpec};

/// What needs the value.
#[derive(Clone, Copy)]
pub(super) struct Need<'a> {
    /// Targets that are written.
    pub write: &'a BTreeSet<String>,
    /// Targets that are made live.
    pub activate: &'a BTreeSet<String>,
    /// Those of the written ones that this change of the configuration has written.
    pub asked: &'a BTreeSet<String>,
    /// Those of the configured ones whose key had its entry at another place.
    pub moved: &'a BTreeSet<String>,
    /// Those of the written ones that hold another text than the configuration asks for, with what they were written under.
    pub reworded: &'a BTreeMap<String, &'a Arc<TargetSpec>>,
    /// Targets that leave the configuration and can be read until they do.
    pub leaving: &'a [&'a Arc<TargetSpec>],
    /// Targets that the last refresh could not read.
    pub unreachable: &'a BTreeSet<String>,
    /// The public parts in state.
    pub public: &'a BTreeMap<String, String>,
}

/// Whether a lost value is replaced of its own accord: what was taken over stays until it is due, or until somebody asks.
pub(in crate::provider::secret) fn may_replace_lost(config: &Config, ledger: &Ledger) -> bool {
    config.source.may_replace_lost() && !ledger.is_taken_over()
}

/// Why an unfinished generation cannot be finished: its issuer lists what it has, and has no such credential. Another source made it,
/// or it has been revoked. If the list only lags, one credential too many is made, and is revoked as an orphan.
fn unlisted(config: &Config, ledger: &Ledger) -> Option<String> {
    let issuer = &config.source.issuer;
    let lists = config.source.config.traits().lists;
    let is_its = |known: &CredentialRecord| {
        let known = known.issuer.parse::<Address>();
        known.is_ok_and(|known| known.is_elsewhere(issuer))
    };
    let known = ledger.credential(ledger.generation()).is_some_and(is_its);
    (lists && !ledger.is_finished() && ledger.generation() > 0 && !known).then(|| {
        let generation = ledger.generation();
        let place = (config.source.kind.issuer_in_words)(issuer);
        format!("generation {generation}, which an interrupted apply left, does not exist at {place}")
    })
}

/// Whether that part of a generation is no secret, and the state has it, or the set of the public keys that are valid.
pub(in crate::provider::secret) fn is_public(
    part: &PartName,
    generation: u64,
    ledger: &Ledger,
    public: &BTreeMap<String, String>,
) -> bool {
    let known = ledger.credential(generation).filter(|known| known.public_key.is_some());
    known.is_some() && (part.as_str() == key_set::JWKS || public.contains_key(part.as_str()))
}

/// Why the value of the generation in place, which is needed, cannot be recovered; `None` where it can, or is not needed.
pub(super) fn lost(config: &Config, ledger: &Ledger, need: &Need<'_>) -> Option<String> {
    let generation = ledger.generation();
    if let Some(why) = unlisted(config, ledger) {
        return Some(why);
    }
    if ledger.is_parked(generation) {
        return None;
    }
    // What could not be read is not lost: a run reads again first.
    // Nor is what a write without an answer may have left, where the issuer has no room for another credential.
    let traits = config.source.config.traits();
    let is_crowded = traits.max_live().is_some() && !traits.replaces();
    let held = |key: &String| {
        let known = ledger.delivery(key);
        known.is_some_and(|known| {
            // What left the configuration and came back still holds it; a run tells by the mark.
            let came_back = known.status == DeliveryStatus::Stale && known.generation == Some(generation);
            known.holds(generation)
                || came_back
                || (need.unreachable.contains(key) && known.generation == Some(generation))
                || (is_crowded && known.status == DeliveryStatus::Unknown && ledger.may_hold(key).contains(&generation))
        })
    };
    // Nothing shows which part of which value an entry holds that this provider did not write.
    let taken_over = ledger.is_taken_over();
    let readable = |key: &String| {
        let target = config.targets.get(key);
        target.is_some_and(|target| target.config.traits().readable && !taken_over)
    };
    // A target that the interrupted run wrote gives the value back; it is not one that lacks it.
    let lacking = |key: &&String| {
        need.reworded.contains_key(*key) || !(held(key) && (readable(key) || need.unreachable.contains(*key)))
    };
    let first = need.write.iter().find(lacking);
    let touched_waves: BTreeSet<u64> = need
        .write
        .union(need.activate)
        .filter_map(|key| Some(config.targets.get(key)?.wave))
        .collect();
    let presenting = config.runs().find(|(_, check)| {
        let Some(wave) = check.wave() else { return false };
        let runs = !ledger.is_finished() || touched_waves.contains(&wave);
        check.presents_new() && runs
    });
    if (first.is_none() && presenting.is_none()) || (config.source.config.traits().reveals && !taken_over) {
        return None;
    }
    let given_back: BTreeSet<&PartName> = config
        .targets
        .iter()
        .filter(|(key, _)| readable(key) && held(key))
        // What an entry holds was said by the configuration that it was written under.
        .map(|(key, target)| need.reworded.get(key).copied().unwrap_or(target))
        .chain(need.leaving.iter().copied())
        .filter_map(|target| target.content.part())
        .collect();
    let is_given_back = |part: &str| given_back.contains(&PartName::from(part));
    let follow = config.source.config.tells_all(&is_given_back);
    let has = |part: &PartName| follow || given_back.contains(part) || is_public(part, generation, ledger, need.public);
    let mut written = need.write.iter().filter_map(|key| config.targets.get(key));
    let deliverable = first.is_none() || written.all(|target| target.content.parts().iter().all(has));
    let presentable = presenting.is_none_or(|(_, check)| check.parts.iter().all(has));
    if deliverable && presentable {
        return None;
    }
    let why = match (first, presenting) {
        (Some(first), _) => match ledger.status(first) {
            Some(DeliveryStatus::Changed) => format!("target {first} was changed outside Terraform"),
            Some(DeliveryStatus::Missing) => format!("target {first} was deleted outside Terraform"),
            Some(DeliveryStatus::Unknown) => format!("it is unknown what target {first} holds"),
            Some(_) if ledger.is_finished() => format!("target {first} has to be written again"),
            Some(_) => format!("generation {generation} did not reach target {first}"),
            None if need.moved.contains(first) => format!("target {first} is at another place now"),
            None if need.asked.contains(first) => format!("target {first} is new"),
            None => format!("target {first} does not hold generation {generation}"),
        },
        (None, Some((check, _))) => format!("check {check} has not passed with generation {generation}"),
        (None, None) => return None,
    };
    Some(format!(
        "{why}, and the value of generation {generation} cannot be recovered"
    ))
}
