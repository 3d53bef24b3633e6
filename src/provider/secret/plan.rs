//! What a plan shows. Decided from arguments alone: no clock, no network, so that planning twice gives the same.

use std::collections::{BTreeMap, BTreeSet};

use super::config::Config;
use super::decide::{Decision, Rotate, decide};
use super::state::{COMPUTED, Receipt, State, credential_value, delivery_value};
use super::{config_in_state, legible, place};
use crate::address::Address;
use crate::executor::Site;
use crate::label::Label;
use crate::plugin::{PlanRequest, PlanResponse};
use crate::provider::Configured;
use crate::rotation::{CredentialRecord, CredentialStatus, DeliveryRecord, Ledger};
use crate::terraform::{Diagnostics, Node, Origin, Value};

/// Plans a create, an update or a destroy.
pub fn plan(configured: &Configured, request: PlanRequest) -> PlanResponse {
    let mut problems = legible::check(&request.prior);
    let planned = if problems.has_errors() {
        request.prior.clone()
    } else if request.proposed.is_null() {
        Value::Null
    } else {
        planned(configured, &request, &mut problems)
    };
    PlanResponse {
        planned,
        requires_replace: Vec::new(),
        private: request.private,
        diagnostics: problems,
    }
}

fn planned(configured: &Configured, request: &PlanRequest, problems: &mut Diagnostics) -> Value {
    let everything = |object: Value| {
        COMPUTED
            .iter()
            .fold(object, |object, name| object.with(name, Value::unknown()))
    };
    let is_create = request.prior.is_null();
    let undecided = |object: Value| {
        let object = everything(object).with("pending", Value::List(Vec::new()));
        if is_create {
            object
        } else {
            object.with("id", request.prior.get("id").clone())
        }
    };
    let config = Config::parse(&Node::root(&request.config, Origin::Configuration), problems);
    let (Some(config), Some(connections), Some(vendors)) =
        (config, configured.connections.as_ref(), configured.vendors.as_deref())
    else {
        return undecided(request.proposed.clone());
    };
    let Some(slots) = place::slots(&config, connections, problems) else {
        return undecided(request.proposed.clone());
    };
    place::connect(&config, &slots, vendors, problems);
    let id = place::derive_id(configured.namespace.as_deref().unwrap_or_default(), &config, &slots);
    let slots = texts(&slots);
    for (key, owner) in configured.neighbours.claim(&id, &config.name, &slots) {
        let slot = slots.get(&key).map(String::as_str).unwrap_or_default();
        problems.error(
            place::path_of(&Site::Target(key.clone()), Some(&config)),
            format!("Another secret writes {slot} too"),
            format!(
                "It was planned first by {owner:?}. One slot belongs to one secret: remove one of the two targets."
            ),
        );
    }
    if is_create {
        return undecided(request.proposed.clone()).with("last_rotation", Receipt::planned(FIRST_CREATE));
    }
    let state = State::read(&request.prior);
    let before = config_in_state(&request.prior);
    let decision = decide(&state, before.as_ref(), &config, &slots);
    if matches!(decision.rotate, Rotate::Yes { .. }) && config.source.config.traits().replaces {
        problems.warning(
            place::path_of(&Site::Source, Some(&config)),
            "This rotation has a gap",
            "The issuer allows one live credential: the old one dies when the new one is made, and open connections drop. \
             Until every target is live, consumers with the old one fail.",
        );
    }
    early_ends(&decision, &config, problems);
    update(
        request.proposed.clone(),
        &request.prior,
        &state,
        &config,
        &slots,
        &decision,
    )
}

/// Says which credentials end sooner than was promised, because the issuer's limit asks for room.
fn early_ends(decision: &Decision, config: &Config, problems: &mut Diagnostics) {
    let ended = making_room(decision, config).unwrap_or_default();
    for credential in decision
        .ledger
        .credentials
        .iter()
        .filter(|c| ended.contains(&c.generation))
    {
        let Some(until) = credential.revoke_after else { continue };
        let handle = credential.credential_id.as_deref().unwrap_or("without an id");
        problems.warning(
            place::path_of(&Site::Source, Some(config)),
            format!("Generation {} ends before its overlap does", credential.generation),
            format!(
                "The issuer lets no further credential live beside those of this secret, so generation {} ({handle}) is revoked \
                 before the new one is made. No target holds it, but consumers that were promised it until {until} fail. Apply \
                 after that, or go on.",
                credential.generation
            ),
        );
    }
}

/// The generations that are revoked before a new one is made, where the issuer limits how many live at once; `None` when all
/// of them are in use, which apply reports.
fn making_room(decision: &Decision, config: &Config) -> Option<BTreeSet<u64>> {
    let traits = config.source.config.traits();
    let mut ended = BTreeSet::new();
    let rotates = matches!(decision.rotate, Rotate::Yes { .. });
    let Some(limit) = traits.max_live.filter(|_| rotates && !traits.replaces) else {
        return Some(ended);
    };
    while decision.ledger.credentials.len() >= usize::from(limit) + ended.len() {
        ended.insert(decision.ledger.dispensable(&ended)?);
    }
    Some(ended)
}

/// The reason of a first generation.
pub(super) const FIRST_CREATE: &str = "first create";

/// Addresses as they stand in state.
pub(super) fn texts(slots: &BTreeMap<String, Address>) -> BTreeMap<String, String> {
    slots
        .iter()
        .map(|(key, slot)| (key.clone(), slot.to_string()))
        .collect()
}

fn update(
    proposed: Value,
    prior: &Value,
    state: &State,
    config: &Config,
    slots: &BTreeMap<String, String>,
    decision: &Decision,
) -> Value {
    let mut object = proposed.with("pending", Value::List(Vec::new()));
    object = object.with("deliveries", deliveries(slots, decision, &state.ledger));
    if !decision.acts() {
        return object;
    }
    let mut unknown = vec!["notices"];
    let before = config_in_state(prior);
    let renews = decision.rotate != Rotate::No;
    if renews || decision.finish || !decision.revoke.is_empty() {
        unknown.extend(["phase", "credentials", "revoke_after", "next_action_at"]);
    }
    if renews || decision.finish {
        unknown.extend(["rotated_at", "rotate_after"]);
        let same_kind = before
            .as_ref()
            .is_some_and(|before| before.source.kind.name == config.source.kind.name);
        if !state.public.is_empty() || !same_kind {
            unknown.push("public");
        }
    }
    for name in unknown {
        object = object.with(name, Value::unknown());
    }
    let same_source = before.is_some_and(|before| {
        before.source.kind.name == config.source.kind.name
            && before.source.config.fingerprint() == config.source.config.fingerprint()
    });
    if let Some(credentials) = credentials(state, config, same_source, decision) {
        object = object.with("credentials", credentials);
    }
    match &decision.rotate {
        Rotate::Yes { reason, .. } => object
            .with("generation", Value::number(decision.generation))
            .with("last_rotation", Receipt::planned(reason)),
        Rotate::AtApply => object
            .with("generation", Value::unknown())
            .with("last_rotation", Value::unknown()),
        Rotate::No if decision.finish || !decision.revoke.is_empty() => {
            let receipt = prior.get("last_rotation").clone();
            let changing: &[&str] = if decision.finish {
                &["finished_at", "checks", "revoked"]
            } else {
                &["revoked"]
            };
            let receipt = changing
                .iter()
                .fold(receipt, |receipt, name| receipt.with(name, Value::unknown()));
            object.with("last_rotation", receipt)
        }
        Rotate::No => object,
    }
}

/// Which credentials there will be, where that is certain: a plan that lists them all as leaving would frighten its reader.
fn credentials(state: &State, config: &Config, same_source: bool, decision: &Decision) -> Option<Value> {
    let known = &decision.ledger.credentials;
    let settled = !known
        .iter()
        .any(|credential| credential.status == CredentialStatus::Orphaned);
    match decision.rotate {
        Rotate::No if !decision.finish && !decision.revoke.is_empty() => {
            let staying = known
                .iter()
                .filter(|credential| !decision.revoke.contains(&credential.generation));
            Some(Value::List(staying.map(credential_value).collect()))
        }
        Rotate::Yes { .. } if settled && decision.revoke.is_empty() && state.ledger.finished => {
            let issuer = config.source.config.issuer().to_string();
            let ended = making_room(decision, config)?;
            let issued: Vec<_> = known
                .iter()
                .filter(|credential| credential.credential_id.is_some() && !ended.contains(&credential.generation))
                .collect();
            let same_issuer = |credential: &&CredentialRecord| credential.issuer == issuer;
            let older: Vec<Value> = if config.source.config.traits().replaces && issued.iter().any(same_issuer) {
                // Another handle than the one that is made again would live on.
                if issued.len() > 1 || !same_source {
                    return None;
                }
                Vec::new()
            } else if issued.is_empty() || !config.overlap.is_zero() {
                issued.into_iter().map(superseded_value).collect()
            } else {
                // They end in this very run, unless one turns out to be the run's own.
                return None;
            };
            let label = Label::new(&config.label_prefix, &state.id, decision.generation);
            let coming = Value::object([
                ("generation", Value::number(decision.generation)),
                ("credential_id", Value::unknown()),
                ("issuer", Value::string(issuer)),
                ("label", Value::string(label.to_string())),
                ("status", Value::string(CredentialStatus::Current.as_str())),
                ("minted_at", Value::unknown()),
                ("expires_at", Value::unknown()),
                ("revoke_after", Value::Null),
            ]);
            Some(Value::List(older.into_iter().chain([coming]).collect()))
        }
        _ => None,
    }
}

/// An older credential once a newer one is in place.
fn superseded_value(credential: &CredentialRecord) -> Value {
    let value = credential_value(credential).with("status", Value::string(CredentialStatus::Overlapping.as_str()));
    if credential.revoke_after.is_some() {
        value
    } else {
        value.with("revoke_after", Value::unknown())
    }
}

/// What each target will hold; only what changes is unknown.
fn deliveries(slots: &BTreeMap<String, String>, decision: &Decision, before: &Ledger) -> Value {
    let planned = slots.iter().map(|(key, slot)| {
        let known = decision.ledger.deliveries.get(key);
        let written = decision.write.contains(key) || decision.rotate == Rotate::AtApply;
        let activated = decision.finish && known.is_some_and(|d| d.status == crate::rotation::DeliveryStatus::Staged);
        let value = match known {
            Some(delivery) if !written && !activated => delivery_value(delivery),
            known => changing(known, slot, decision),
        };
        (key.clone(), value)
    });
    let planned: BTreeMap<String, Value> = planned.collect();
    // What leaves is gone afterwards; what is not decided to leave stays as it is.
    let staying = decision
        .ledger
        .deliveries
        .iter()
        .filter(|(key, _)| {
            !planned.contains_key(*key) && !decision.remove.contains(*key) && before.deliveries.contains_key(*key)
        })
        .map(|(key, delivery)| (key.clone(), delivery_value(delivery)))
        .collect::<Vec<_>>();
    Value::Map(planned.into_iter().chain(staying).collect())
}

fn changing(known: Option<&DeliveryRecord>, slot: &str, decision: &Decision) -> Value {
    let unknown = || Value::unknown();
    let held_before = known.filter(|delivery| delivery.generation.is_some());
    let generation = if decision.rotate == Rotate::AtApply {
        unknown()
    } else {
        Value::number(decision.generation)
    };
    Value::object([
        ("slot", Value::string(slot)),
        ("generation", generation),
        ("status", unknown()),
        ("revision", unknown()),
        (
            "existed_before",
            held_before.map_or_else(unknown, |delivery| Value::Bool(delivery.existed_before)),
        ),
        ("delivered_at", unknown()),
        ("detail", unknown()),
    ])
}
