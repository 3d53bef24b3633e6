//! What a run that reaches its goal leaves behind, as far as that is certain before it: a plan shows what changes, and nothing else.
//!
//! Every value here must be what such a run returns, or unknown: Terraform compares the two.

use std::collections::{BTreeMap, BTreeSet};

use super::config::{Config, TargetEntry};
use super::decide::{Decision, Rotate};
use super::state::{Receipt, State, credential_value, delivery_value};
use crate::address::Address;
use crate::label::Label;
use crate::rotation::{CredentialRecord, CredentialStatus, DeliveryRecord, DeliveryStatus, Ledger};
use crate::target::Activation;
use crate::terraform::Value;

/// The generations that are revoked before a new one is made, where the issuer limits how many live at once; `None` when all
/// of them are in use, which apply reports.
pub(super) fn making_room(decision: &Decision, config: &Config) -> Option<BTreeSet<u64>> {
    let traits = config.source.config.traits();
    let mut ended = BTreeSet::new();
    let rotates = matches!(decision.rotate, Rotate::Yes { .. });
    let Some(limit) = traits.max_live.filter(|_| rotates && !traits.replaces) else {
        return Some(ended);
    };
    while decision.ledger.credentials().len() >= usize::from(limit) + ended.len() {
        ended.insert(decision.ledger.dispensable(&ended)?);
    }
    Some(ended)
}

/// Which credentials there will be, newest first, where that is certain: a plan that lists them all as leaving would frighten
/// its reader.
pub(super) fn credentials(
    state: &State,
    config: &Config,
    same_source: bool,
    decision: &Decision,
) -> Option<Vec<Value>> {
    let known = &decision.ledger.credentials();
    let settled = !known
        .iter()
        .any(|credential| credential.status == CredentialStatus::Orphaned);
    match decision.rotate {
        Rotate::Yes { .. } if settled && decision.revoke.is_empty() && state.ledger.is_finished() => {
            let issuer = config.source.issuer.to_string();
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
                issued.into_iter().rev().map(superseded_value).collect()
            } else {
                // They end in this very run, unless one turns out to be the run's own.
                return None;
            };
            let coming = coming(&issuer, state, config, decision);
            Some(std::iter::once(coming).chain(older).collect())
        }
        _ => None,
    }
}

/// The credential that is minted.
fn coming(issuer: &str, state: &State, config: &Config, decision: &Decision) -> Value {
    let label = Label::new(&config.label_prefix, &state.id, decision.generation);
    // What nobody issues has no handle, and no end.
    let issued = || {
        if config.source.config.traits().is_issued() {
            Value::unknown()
        } else {
            Value::Null
        }
    };
    Value::object([
        ("generation", Value::number(decision.generation)),
        ("credential_id", issued()),
        ("issuer", Value::string(issuer)),
        ("label", Value::string(label.to_string())),
        ("status", Value::string(CredentialStatus::Current.as_str())),
        ("minted_at", Value::unknown()),
        ("expires_at", issued()),
        ("revoke_after", Value::Null),
    ])
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

/// The attributes that follow from the credentials and the deliveries.
pub(super) fn summary(
    config: &Config,
    decision: &Decision,
    credentials: Option<&[Value]>,
    deliveries: &Value,
) -> Vec<(&'static str, Value)> {
    let renews = decision.rotate != Rotate::No || decision.finish;
    let phase = match credentials {
        Some(credentials) if credentials.len() > 1 || has_staged(deliveries) => Value::string("overlapping"),
        Some(_) => Value::string("settled"),
        None => Value::unknown(),
    };
    let revoke_after = credentials.map_or_else(Value::unknown, earliest_end);
    let rotate_after = match config.schedule.every {
        Some(_) => Value::unknown(),
        None => Value::Null,
    };
    let next_action_at = match credentials {
        Some([newest, ..])
            if rotate_after.is_null() && revoke_after.is_null() && newest.get("expires_at").is_null() =>
        {
            Value::Null
        }
        _ => Value::unknown(),
    };
    let mut summary = vec![
        ("phase", phase),
        ("revoke_after", revoke_after),
        ("next_action_at", next_action_at),
        (
            "credentials",
            credentials.map_or_else(Value::unknown, |credentials| Value::List(credentials.to_vec())),
        ),
    ];
    if renews {
        summary.extend([("rotated_at", Value::unknown()), ("rotate_after", rotate_after)]);
    }
    summary
}

/// Whether a run may make the last staged target live, or remove it, with which an overlap begins that waited for it.
pub(super) fn begins_overlap(decision: &Decision) -> bool {
    let waits =
        |known: &CredentialRecord| known.status == CredentialStatus::Overlapping && known.revoke_after.is_none();
    decision.acts() && decision.ledger.is_finished() && decision.ledger.credentials().iter().any(waits)
}

/// The phase of a secret whose generation stays, once what is published is live.
pub(super) fn phase_once_live(ledger: &Ledger, deliveries: &Value) -> Value {
    let overlaps = has_staged(deliveries) || !ledger.superseded().is_empty();
    Value::string(if overlaps { "overlapping" } else { "settled" })
}

fn has_staged(deliveries: &Value) -> bool {
    let staged = |delivery: &Value| delivery.get("status").as_str() == Some(DeliveryStatus::Staged.as_str());
    deliveries.as_map().is_some_and(|all| all.values().any(staged))
}

/// The earliest end of an overlap; unknown when one of them is.
fn earliest_end(credentials: &[Value]) -> Value {
    let ends: Vec<&Value> = credentials
        .iter()
        .map(|credential| credential.get("revoke_after"))
        .filter(|end| !end.is_null())
        .collect();
    let instants: Option<Vec<jiff::Timestamp>> = ends.iter().map(|end| end.as_str()?.parse().ok()).collect();
    match instants {
        Some(instants) => instants
            .into_iter()
            .min()
            .map_or(Value::Null, |instant| Value::string(instant.to_string())),
        None => Value::unknown(),
    }
}

/// The receipt of a rotation.
pub(super) fn receipt(
    reason: &str,
    state: &State,
    config: &Config,
    decision: &Decision,
    credentials: Option<&[Value]>,
) -> Value {
    let receipt = Receipt::planned(reason).with("checks", checks(config));
    // Where it is certain who lives on, it is certain whether anybody ends.
    let live_on = credentials.map_or(0, <[Value]>::len).saturating_sub(1);
    let issued = decision
        .ledger
        .credentials()
        .iter()
        .filter(|known| known.credential_id.is_some());
    if credentials.is_some() && issued.count() == live_on && state.ledger.is_finished() {
        receipt.with("revoked", Value::List(Vec::new()))
    } else {
        receipt
    }
}

/// Results of checks: none where there are no checks.
pub(super) fn checks(config: &Config) -> Value {
    if config.checks.is_empty() {
        Value::List(Vec::new())
    } else {
        Value::unknown()
    }
}

/// What each target will hold; only what changes is unknown.
pub(super) fn deliveries(
    slots: &BTreeMap<String, Address>,
    config: &Config,
    decision: &Decision,
    before: &Ledger,
) -> Value {
    let planned = slots.iter().filter_map(|(key, slot)| {
        let target = config.targets.get(key)?;
        let known = decision.ledger.delivery(key);
        let value = match known {
            _ if decision.rotate == Rotate::AtApply => undecided(known, slot),
            Some(delivery) if decision.write.contains(key) => written(Some(delivery), slot, target, decision),
            Some(delivery) if decision.goes_live(key) && delivery.status == DeliveryStatus::Staged => {
                activated(delivery, target)
            }
            Some(delivery) => delivery_value(delivery),
            None => written(None, slot, target, decision),
        };
        Some((key.clone(), value))
    });
    let planned: BTreeMap<String, Value> = planned.collect();
    // What leaves is gone afterwards; what is not decided to leave stays as it is.
    let staying = decision
        .ledger
        .deliveries()
        .iter()
        .filter(|(key, _)| {
            !planned.contains_key(*key) && !decision.remove.contains(*key) && before.delivery(key).is_some()
        })
        .map(|(key, delivery)| (key.clone(), delivery_value(delivery)))
        .collect::<Vec<_>>();
    Value::Map(planned.into_iter().chain(staying).collect())
}

/// A target that is written.
fn written(known: Option<&DeliveryRecord>, slot: &Address, target: &TargetEntry, decision: &Decision) -> Value {
    let status = match target.config.traits().activation {
        Activation::Itself | Activation::Later => DeliveryStatus::Current,
        Activation::Staged => DeliveryStatus::Staged,
    };
    undecided(known, slot)
        .with("generation", Value::number(decision.generation))
        .with("status", Value::string(status.as_str()))
        .with("detail", Value::Null)
}

/// A target that holds the generation already, and goes live where that is our work.
fn activated(delivery: &DeliveryRecord, target: &TargetEntry) -> Value {
    let value = delivery_value(delivery);
    match target.config.traits().activation {
        Activation::Itself => value
            .with("status", Value::string(DeliveryStatus::Current.as_str()))
            .with("detail", Value::Null),
        Activation::Later | Activation::Staged => value,
    }
}

/// A target of which apply decides whether it is written.
fn undecided(known: Option<&DeliveryRecord>, slot: &Address) -> Value {
    let unknown = Value::unknown;
    // Of a new target, apply asks which AWS account it is in.
    let address = match known {
        Some(delivery) => Value::string(&delivery.slot),
        None if slot.is_complete() => Value::string(slot.to_string()),
        None => Value::unknown(),
    };
    let held_before = known.filter(|delivery| delivery.generation.is_some());
    Value::object([
        ("slot", address),
        ("generation", unknown()),
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
