//! Which rotation is wanted, and what asked for it.

use std::collections::BTreeSet;

use crate::address::Address;
use crate::provider::secret::state::{Receipt, State};
use crate::rotation::{Cause, CredentialStatus, DeliveryStatus, Ledger, Request};
use crate::spec::{Config, OnDrift};

/// A rotation that this change of arguments asks for.
pub(super) fn asked_for(before: Option<&Config>, config: &Config, ledger: &Ledger) -> Option<Request> {
    let before = before?;
    if let Some(text) = &config.rotation_reason
        && before.rotation_reason.as_ref() != Some(text)
    {
        return Some(Request::new(Cause::Requested, text.clone()));
    }
    let changed = config
        .triggers
        .iter()
        .find(|(key, value)| before.triggers.get(*key).is_some_and(|old| old != *value));
    if let Some((key, _)) = changed {
        return Some(Request::new(Cause::Trigger, format!("triggers[{key:?}] changed")));
    }
    changed_source(before, config).or_else(|| moved_source(config, ledger))
}

/// Another connection leads to another account or host than the credential in place was made at.
fn moved_source(config: &Config, ledger: &Ledger) -> Option<Request> {
    let issuer = &config.source.issuer;
    let known: Address = ledger.credential(ledger.generation())?.issuer.parse().ok()?;
    let moved = known.connection != issuer.connection && known.is_elsewhere(issuer) && !known.is_same_place(issuer);
    moved.then(|| {
        let kind = config.source.kind.name;
        Request::new(Cause::Source, format!("source {kind} changed: connection"))
    })
}

fn changed_source(before: &Config, config: &Config) -> Option<Request> {
    if before.source.kind.name != config.source.kind.name {
        let (old, new) = (before.source.kind.name, config.source.kind.name);
        return Some(Request::new(
            Cause::Source,
            format!("source changed from {old} to {new}"),
        ));
    }
    let known = before.source.config.fingerprint();
    (known != config.source.config.fingerprint())
        .then(|| Request::new(Cause::Source, config.source.config.what_changed(&known)))
}

/// Whether a person supplied a value that the one in place is not: another source, or a raised version.
pub(super) fn has_new_value(before: Option<&Config>, config: &Config) -> bool {
    before.is_some_and(|before| changed_source(before, config).is_some())
}

/// The credential in place is dead at its issuer.
pub(super) fn dead(ledger: &Ledger) -> Option<Request> {
    let generation = ledger.generation();
    let known = ledger.credential(generation)?;
    (known.status == CredentialStatus::Disabled).then(|| {
        Request::new(
            Cause::ValueLost,
            format!("the credential of generation {generation} no longer exists at its issuer"),
        )
    })
}

/// Drift, where it asks for a new generation.
pub(super) fn drifted(config: &Config, ledger: &Ledger) -> Option<Request> {
    let drifted = config.targets.keys().filter(|key| is_drift(ledger, key));
    let keys: Vec<&str> = drifted.map(String::as_str).collect();
    (config.on_drift == OnDrift::Rotate && !keys.is_empty())
        .then(|| Request::new(Cause::Drift, format!("changed outside Terraform: {}", keys.join(", "))))
}

/// Whether a target's entry was changed or deleted outside Terraform.
pub(super) fn is_drift(ledger: &Ledger, key: &str) -> bool {
    let status = ledger.status(key);
    matches!(status, Some(DeliveryStatus::Changed | DeliveryStatus::Missing))
}

/// Whether an unfinished generation has to be finished before another is made, so that it answers what the user asked for: where
/// the issuer has no room for a third credential, making one would end one that targets may hold, and where its value is parked,
/// nothing is lost. Whoever asked was most likely
/// the run that was cut off, unless that left its record: then the arguments in state are its own, and what differs from them is
/// asked for anew.
pub(super) fn finishing_answers(state: &State, before: Option<&Config>, config: &Config) -> bool {
    let traits = config.source.config.traits();
    let is_kept = traits.max_live().is_some() || state.ledger.is_parked(state.ledger.generation());
    let is_open = state.last_rotation.as_ref().is_some_and(Receipt::is_open);
    // What an issuer lists is on record whoever saved it; anything else only where the run that made it saved the state.
    let recorded = state.ledger.credential(state.ledger.generation()).is_some();
    let left_its_record = state.rotated_at.is_none() || (recorded && (!traits.lists || is_open));
    is_kept
        && !left_its_record
        && before.is_some_and(|before| before.source.config.fingerprint() == config.source.config.fingerprint())
}

/// Keys of targets whose entry was changed or deleted outside Terraform, where that is only reported.
pub(super) fn left_alone(config: &Config, ledger: &Ledger) -> BTreeSet<String> {
    let reported = config.targets.keys().filter(|_| config.on_drift == OnDrift::Report);
    reported.filter(|key| is_drift(ledger, key)).cloned().collect()
}
