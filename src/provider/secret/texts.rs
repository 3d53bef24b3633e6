//! How places, credentials and ways out are called in texts.

use super::revocable::is_replaced;
use super::state::State;
use crate::address::Address;
use crate::diagnostics::{Next, Situation, TargetSituation, capitalized};
use crate::rotation::{CredentialRecord, DeliveryRecord, DeliveryStatus, Ledger, TAKEN_OVER};
pub(super) use crate::source::issuer;
use crate::spec::Config;
pub(super) use crate::target::entry;

/// How the reason of a rotation ends that replaces a lost value.
pub(super) const ROTATED: &str = ", so the secret will be rotated";

/// A credential: its generation, and its handle where it has one.
pub(super) fn credential(known: &CredentialRecord) -> String {
    match &known.credential_id {
        Some(id) => format!("Generation {} ({id})", known.generation),
        None => format!("Generation {}", known.generation),
    }
}

/// The same within a sentence.
pub(super) fn generation(known: Option<&CredentialRecord>, generation: u64) -> String {
    match known.and_then(|known| known.credential_id.as_ref()) {
        Some(id) => format!("generation {generation} ({id})"),
        None => format!("generation {generation}"),
    }
}

/// Why an issuer makes no further credential: that generation takes the room.
pub(super) fn no_room(config: &Config, ledger: &Ledger, taken_by: u64) -> String {
    let known = ledger.credential(taken_by);
    let which = generation(known, taken_by);
    let limit = config.source.config.traits().max_live().unwrap_or_default();
    let lets = format!("its issuer lets only {limit} credentials live");
    match known.and_then(|known| known.revoke_after) {
        _ if config.revoke_by_hand || !known.is_some_and(super::revocable::can_be_revoked) => format!(
            "{lets}, and {which} is one of them. Revoke it there, then set `revoke {{ confirmed = {taken_by} }}`"
        ),
        Some(until) => format!("{lets}, and {which} is valid until {until}"),
        None => format!(
            "{lets}, and {which} stays valid until generation {} is in place everywhere",
            ledger.generation()
        ),
    }
}

/// A reason as the beginning of a sentence. A target's key keeps its letters.
pub(super) fn sentence(reason: &str, config: &Config) -> String {
    let begins = |key: &String| {
        reason
            .strip_prefix(key.as_str())
            .is_some_and(|rest| rest.starts_with(' '))
    };
    if config.targets.keys().any(begins) {
        format!("Target {reason}")
    } else {
        capitalized(reason)
    }
}

/// What a person does to get a new value.
pub(super) fn ways_to_a_new_value(config: &Config, ledger: &Ledger) -> Next {
    if config.source.is_supplied() && ledger.is_taken_over() {
        Next::NewSuppliedOnly
    } else if config.source.is_supplied() {
        Next::NewSupplied
    } else {
        Next::NewGenerated
    }
}

/// A target's key. An entry whose target has moved is kept under its address, and has the name of that entry.
pub(super) fn target(key: &str) -> String {
    match key.parse::<Address>() {
        Ok(_) => entry(key).noun,
        Err(_) => key.to_owned(),
    }
}

/// How a person confirms that a guarded secret may change.
pub(super) fn to_confirm(config: &Config, coming: u64) -> String {
    let Some(guard) = &config.guard else {
        return String::new();
    };
    format!(
        "Consequence: {}. To confirm it, set guard {{ confirm = {:?} }}.",
        guard.consequence.trim_end_matches('.'),
        guard.line(coming)
    )
}

/// What a rotation waits for that a person supplies.
pub(super) fn awaiting(reason: &str, config: &Config) -> String {
    let argument = config.source.parts.sole().map_or("parts_wo", |_| "value_wo");
    let mut text = format!(
        "A new value is needed ({}). Supply it in `{argument}` and raise `value_wo_version`.",
        reason.trim_end_matches('.')
    );
    if let Some(contact) = &config.contact {
        text.push_str(&format!(" Contact: {contact}."));
    }
    if let Some(url) = &config.docs_url {
        text.push_str(&format!(" Procedure: {url}"));
    }
    text
}

/// What is true now.
pub(super) fn situation(state: &State, config: Option<&Config>) -> Situation {
    let ledger = &state.ledger;
    let newest = ledger.generation();
    if newest == 0 && ledger.credentials().is_empty() {
        return Situation {
            is_nothing: true,
            ..Situation::default()
        };
    }
    let configured: Vec<_> = ledger
        .deliveries()
        .iter()
        .filter(|(_, known)| known.status != DeliveryStatus::Removing)
        .collect();
    let left = ledger.deliveries().values();
    let left = left.filter(|known| known.status == DeliveryStatus::Removing);
    let left = left.filter_map(|known| Some((entry(&known.slot).noun, known.generation?)));
    let holding = configured.iter().filter(|(_, delivery)| delivery.holds(newest));
    let others = configured.iter().filter_map(|(key, delivery)| {
        let holds = match (delivery.status, delivery.generation) {
            (DeliveryStatus::Unknown, _) => TargetSituation::Unknown,
            (DeliveryStatus::Staged, Some(generation)) => TargetSituation::Staged(generation),
            (_, Some(generation)) if generation != newest => TargetSituation::Older(generation),
            _ => return None,
        };
        let impact = config.and_then(|config| config.targets.get(*key)?.impact.clone());
        Some(((*key).clone(), holds, impact))
    });
    let cut_off = configured.iter().filter(|(_, known)| uses_a_dead_one(known, ledger));
    let superseded = ledger.superseded().into_iter();
    let still_valid = superseded
        .filter_map(|older| ledger.credential(older))
        .filter(|known| known.is_issued() && !is_replaced(known, ledger))
        .map(|known| generation(Some(known), known.generation));
    Situation {
        newest: (newest > 0).then(|| generation(ledger.credential(newest), newest)),
        holding: holding.map(|(key, _)| (*key).clone()).collect(),
        targets: config.map_or(configured.len(), |config| config.targets.len()),
        left: left.collect(),
        others: others.collect(),
        cut_off: cut_off.map(|(key, _)| (*key).clone()).collect(),
        still_valid: still_valid.collect(),
        ..Situation::default()
    }
}

/// Whether the newest credential has an issuer and is not the first, and no older one is valid.
pub(super) fn are_older_dead(ledger: &Ledger) -> bool {
    let newest = ledger.generation();
    let is_issued = |generation: u64| ledger.credential(generation).is_some_and(CredentialRecord::is_issued);
    newest > 1 && is_issued(newest) && !ledger.superseded().into_iter().any(is_issued)
}

/// Whether the consumers of that target use a credential which is not valid any more.
fn uses_a_dead_one(known: &DeliveryRecord, ledger: &Ledger) -> bool {
    let newest = ledger.generation();
    match (known.status, known.generation) {
        (DeliveryStatus::Staged, Some(generation)) if generation == newest => are_older_dead(ledger),
        (DeliveryStatus::Stale | DeliveryStatus::Staged, Some(generation)) => {
            generation > TAKEN_OVER && generation < newest && are_older_dead(ledger)
        }
        _ => false,
    }
}
