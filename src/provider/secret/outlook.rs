//! What time and drift ask for, seen from the ledger: the sentences of `pending` and `notices`, and the next instant.
//!
//! Pure: `now` comes in, and every sentence names recorded instants, so that the same facts give the same text.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::config::Config;
use super::decide::unfinishable;
use super::state::{State, Verdict};
use crate::rotation::{CredentialStatus, DeliveryStatus, Pending, schedule};
use crate::target::Activation;

/// How a notice tells of a credential that was made under another configuration; only a survey finds it.
pub(super) const LOOKALIKE: &str = "looks like a credential of this secret";

/// How a notice tells of a credential of this secret that no interrupted apply explains; only a survey finds it.
pub(super) const RIVAL: &str = "carries this secret's id, but is further ahead than its state";

/// Whether a notice tells of what only a survey finds, so that an apply has to pass it on.
pub(super) fn is_of_a_survey(notice: &str) -> bool {
    notice.contains(LOOKALIKE) || notice.contains(RIVAL)
}

/// What Read saw that the ledger cannot hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Sightings {
    /// The current credential is gone at its issuer.
    pub current_gone: bool,
    /// Generations whose credential this run authenticates with.
    pub own: BTreeSet<u64>,
    /// Generations that only a person can revoke.
    pub(super) by_hand: BTreeSet<u64>,
    /// Keys of targets whose markers two writes may share.
    pub(super) coarse: BTreeSet<String>,
    /// Remarks to pass on.
    pub notices: Vec<String>,
}

/// Fills in `pending`, `notices` and `next_action_at`.
pub(super) fn outlook(state: &mut State, config: &Config, seen: &Sightings, now: Timestamp) {
    let mut pending = Vec::new();
    let mut notices = seen.notices.clone();
    if let Some(reason) = due(state, config, seen, now) {
        pending.push(Pending::Rotate { reason });
    }
    if !state.ledger.finished && state.ledger.generation > 0 {
        let rotates = pending.iter().any(|known| matches!(known, Pending::Rotate { .. }));
        match unfinishable(&state.ledger, config) {
            Some(_) if rotates => {}
            Some(reason) => pending.push(Pending::Rotate { reason }),
            None => pending.push(Pending::Finish {
                generation: state.ledger.generation,
                reason: progress(state),
            }),
        }
    }
    pending.extend(checks_again(state, config));
    targets(state, config, &mut pending, &mut notices);
    superseded(state, config, seen, now, &mut pending, &mut notices);
    notices.sort();
    notices.dedup();
    state.next_action_at = next_action_at(state, config);
    state.pending = pending;
    state.notices = notices;
}

/// The checks that have not passed since a revocation.
fn checks_again(state: &State, config: &Config) -> Vec<Pending> {
    let results = state.last_rotation.iter().flat_map(|receipt| &receipt.checks);
    let failed: BTreeSet<&str> = results
        .filter(|result| result.verdict != Verdict::Passed)
        .map(|result| result.name.as_str())
        .collect();
    let waiting = config.after_revocation().filter(|key| failed.contains(key.as_str()));
    waiting
        .filter(|_| state.ledger.finished)
        .map(|key| Pending::Check { check: key.clone() })
        .collect()
}

/// Why a rotation is due, if it is.
pub(super) fn due(state: &State, config: &Config, seen: &Sightings, now: Timestamp) -> Option<String> {
    let ledger = &state.ledger;
    if ledger.generation == 0 {
        return None;
    }
    if seen.current_gone {
        return Some(format!(
            "the credential of generation {} is gone at its issuer",
            ledger.generation
        ));
    }
    if let (Some(every), Some(after)) = (config.schedule.every, state.rotate_after)
        && schedule::door(after, config.schedule.early) <= now
    {
        let every = crate::duration::format(every);
        let early = crate::duration::format(config.schedule.early);
        return Some(if after <= now {
            format!("every {every}, due since {after}")
        } else {
            format!("every {every}, due {after}, {early} early")
        });
    }
    let expiry = expiry_due(state, config)?;
    let expires_at = ledger.credential(ledger.generation)?.expires_at?;
    (expiry <= now).then(|| format!("the credential expires at {expires_at}, due since {expiry}"))
}

/// When the current credential's own end makes a rotation due.
fn expiry_due(state: &State, config: &Config) -> Option<Timestamp> {
    let credential = state.ledger.credential(state.ledger.generation)?;
    let (minted, expires) = (credential.minted_at?, credential.expires_at?);
    Some(schedule::expiry_due(
        minted,
        expires,
        config.overlap,
        config.schedule.every.is_some(),
    ))
}

/// How far an interrupted rotation came.
fn progress(state: &State) -> String {
    let generation = state.ledger.generation;
    let configured = state
        .ledger
        .deliveries
        .iter()
        .filter(|(_, d)| d.status != DeliveryStatus::Removing);
    let (done, left): (Vec<_>, Vec<_>) = configured.partition(|(_, delivery)| delivery.holds(generation));
    let left: Vec<&str> = left.iter().map(|(key, _)| key.as_str()).collect();
    let total = done.len() + left.len();
    if left.is_empty() {
        "delivered to every target; activation or checks are left".to_owned()
    } else {
        format!("{} of {total} targets hold it; {} left", done.len(), left.join(", "))
    }
}

fn targets(state: &State, config: &Config, pending: &mut Vec<Pending>, notices: &mut Vec<String>) {
    for (key, delivery) in &state.ledger.deliveries {
        let reason = match delivery.status {
            DeliveryStatus::Changed => delivery
                .detail
                .clone()
                .unwrap_or_else(|| "changed outside Terraform".to_owned()),
            DeliveryStatus::Missing => "deleted outside Terraform".to_owned(),
            DeliveryStatus::Removing => {
                pending.push(Pending::Remove {
                    target: key.clone(),
                    slot: delivery.slot.clone(),
                });
                continue;
            }
            DeliveryStatus::Staged => {
                let generation = delivery.generation.unwrap_or_default();
                match config.targets.get(key).map(|target| target.config.traits().activation) {
                    Some(Activation::Staged) => notices.push(format!(
                        "generation {generation} is staged at {key} ({}): deploy its consumers to make it live",
                        delivery.slot
                    )),
                    // A rotation that is under way has its own sentence.
                    Some(Activation::Itself) if state.ledger.finished => pending.push(Pending::Activate {
                        target: key.clone(),
                        reason: format!("generation {generation} is published, but not live"),
                    }),
                    Some(Activation::Itself | Activation::Later) | None => {}
                }
                continue;
            }
            // A rotation that is under way has its own sentence.
            DeliveryStatus::Unknown if state.ledger.finished => "the answer to the last write was lost".to_owned(),
            DeliveryStatus::Stale if state.ledger.finished => {
                format!("it may not hold generation {}", state.ledger.generation)
            }
            _ => continue,
        };
        let ours = matches!(delivery.status, DeliveryStatus::Unknown | DeliveryStatus::Stale);
        if config.heal || ours {
            pending.push(Pending::Deliver {
                target: key.clone(),
                reason,
            });
        } else {
            notices.push(format!(
                "{key} ({}) was {reason}; on_drift = \"report\" leaves it alone",
                delivery.slot
            ));
        }
    }
}

fn superseded(
    state: &State,
    config: &Config,
    seen: &Sightings,
    now: Timestamp,
    pending: &mut Vec<Pending>,
    notices: &mut Vec<String>,
) {
    for credential in &state.ledger.credentials {
        if credential.generation == state.ledger.generation {
            continue;
        }
        let Some(id) = &credential.credential_id else { continue };
        let generation = credential.generation;
        let reason = if credential.status == CredentialStatus::Orphaned {
            "minted by an interrupted apply, held by no target".to_owned()
        } else {
            match credential.revoke_after {
                // While something is staged its consumers use an older one; the notice on it says what to do.
                Some(_) if state.ledger.has_staged() => continue,
                Some(after) if after <= now => format!("overlap ended {after}"),
                _ => continue,
            }
        };
        if config.revoke_by_hand || seen.by_hand.contains(&generation) {
            notices.push(format!(
                "revoke generation {generation} ({id}) at {} by hand: {reason}",
                credential.issuer
            ));
        } else if let Some(holder) = left_alone(state, config, generation) {
            notices.push(format!(
                "generation {generation} ({id}) is not revoked: {holder} was changed outside Terraform, and may hold it"
            ));
        } else if seen.own.contains(&generation) {
            notices.push(format!(
                "generation {generation} ({id}) is not revoked: this run authenticates with it; use the new credential"
            ));
        } else {
            pending.push(Pending::Revoke {
                generation,
                credential_id: id.clone(),
                reason,
            });
        }
    }
}

/// A target that may hold that generation and is not written again: drift that is only reported.
fn left_alone<'s>(state: &'s State, config: &Config, generation: u64) -> Option<&'s str> {
    let mut drifted = state
        .ledger
        .deliveries
        .iter()
        .filter(|(_, delivery)| !config.heal && delivery.status == DeliveryStatus::Changed);
    let holder = drifted.find(|(key, _)| state.ledger.may_hold(key).contains(&generation));
    holder.map(|(key, _)| key.as_str())
}

/// The earliest instant at which an apply has something to do.
pub(super) fn next_action_at(state: &State, config: &Config) -> Option<Timestamp> {
    let door = state
        .rotate_after
        .map(|after| schedule::door(after, config.schedule.early));
    let revocation = (!config.revoke_by_hand).then(|| state.revoke_after()).flatten();
    [door, expiry_due(state, config), revocation]
        .into_iter()
        .flatten()
        .min()
}
