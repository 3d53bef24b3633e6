//! What time and drift ask for, seen from the ledger: the sentences of `pending` and `notices`, and the next instant.
//!
//! Pure: `now` comes in, and every sentence names recorded instants, so that the same facts give the same text.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::config::Config;
use super::decide::unfinishable;
use super::state::{State, Verdict, unreachable_targets};
use crate::address::Address;
use crate::rotation::gate::{Holding, Wait, waits_on_record};
use crate::rotation::{DeliveryStatus, Ledger, Notice, NoticeCode, Pending, schedule};
use crate::source;
use crate::target::Activation;

/// What Read saw that the ledger cannot hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Sightings {
    /// The current credential is gone at its issuer.
    pub current_gone: bool,
    /// Generations whose credential this run authenticates with.
    pub own: BTreeSet<u64>,
    /// Keys of targets whose markers two writes may share.
    pub(super) coarse: BTreeSet<String>,
    /// Targets that hold the value, but whose tags or labels could not be set, and why.
    pub(super) untagged: BTreeMap<String, String>,
    /// What only a look at the vendors tells.
    pub notices: Vec<Notice>,
}

impl Sightings {
    /// What an earlier look found, for an apply, which does not look again.
    pub(super) fn on_record(state: &State) -> Self {
        let passed_on = state.notices.iter().filter(|notice| notice.code.is_of_a_look());
        let pending = state.pending.iter().filter_map(|pending| match pending {
            Pending::Activate { target, reason } => Some((target.clone(), reason.clone())),
            _ => None,
        });
        Self {
            notices: passed_on.cloned().collect(),
            untagged: pending.collect(),
            ..Self::default()
        }
    }
}

/// Whether a notice of an earlier look still holds after a run that led from one ledger to another: a target that was written or left
/// the configuration is no longer unreachable, nor is an issuer that answered.
pub(super) fn still_holds(notice: &Notice, before: &Ledger, after: &Ledger, answered: Option<&str>) -> bool {
    if notice.code != NoticeCode::Unreachable {
        return true;
    }
    let it = |ledger: &Ledger, statuses: &dyn Fn(DeliveryStatus) -> bool| {
        let mut deliveries = ledger.deliveries().iter();
        deliveries
            .any(|(key, known)| (key == &notice.subject || known.slot == notice.subject) && statuses(known.status))
    };
    if it(before, &|_| true) {
        return it(after, &|status| status == DeliveryStatus::Unknown);
    }
    answered != Some(notice.subject.as_str())
}

/// Fills in `pending`, `notices` and `next_action_at`.
pub(super) fn outlook(state: &mut State, config: &Config, seen: &Sightings, now: Timestamp) {
    let mut pending = Vec::new();
    let mut notices = seen.notices.clone();
    if let Some(reason) = due(state, config, seen, now) {
        pending.push(Pending::Rotate { reason });
    }
    if !state.ledger.is_finished() && state.ledger.generation() > 0 {
        let rotates = pending.iter().any(|known| matches!(known, Pending::Rotate { .. }));
        match unfinishable(&state.ledger, &state.unreachable(), config) {
            Some(_) if rotates => {}
            Some(reason) => pending.push(Pending::Rotate { reason }),
            None => pending.push(Pending::Finish {
                generation: state.ledger.generation(),
                reason: progress(state),
            }),
        }
    }
    pending.extend(checks_again(state, config));
    let unreachable = unreachable_targets(&state.ledger, &notices);
    targets(state, config, &unreachable, &mut pending, &mut notices);
    retag(config, seen, &mut pending);
    superseded(state, config, seen, now, &mut pending, &mut notices);
    notices.sort();
    notices.dedup();
    state.next_action_at = next_action_at(state, config);
    state.pending = pending;
    state.notices = notices;
}

/// Tags or labels that an earlier apply could not set.
fn retag(config: &Config, seen: &Sightings, pending: &mut Vec<Pending>) {
    for (target, reason) in &seen.untagged {
        let known = config.targets.get(target);
        if known.is_some_and(|known| known.config.traits().follow_up) {
            pending.push(Pending::Activate {
                target: target.clone(),
                reason: reason.clone(),
            });
        }
    }
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
        .filter(|_| state.ledger.is_finished())
        .map(|key| Pending::Check { check: key.clone() })
        .collect()
}

/// Why a rotation is due, if it is.
pub(super) fn due(state: &State, config: &Config, seen: &Sightings, now: Timestamp) -> Option<String> {
    let ledger = &state.ledger;
    if ledger.generation() == 0 {
        return None;
    }
    if seen.current_gone {
        return Some(format!(
            "the credential of generation {} is gone at its issuer",
            ledger.generation()
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
    let expires_at = ledger.credential(ledger.generation())?.expires_at?;
    (expiry <= now).then(|| format!("the credential expires at {expires_at}, due since {expiry}"))
}

/// When the current credential's own end makes a rotation due.
fn expiry_due(state: &State, config: &Config) -> Option<Timestamp> {
    let credential = state.ledger.credential(state.ledger.generation())?;
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
    let generation = state.ledger.generation();
    let configured = state
        .ledger
        .deliveries()
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

fn targets(
    state: &State,
    config: &Config,
    unreachable: &BTreeSet<String>,
    pending: &mut Vec<Pending>,
    notices: &mut Vec<Notice>,
) {
    for (key, delivery) in state.ledger.deliveries() {
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
                    Some(Activation::Staged) => notices.push(Notice {
                        code: NoticeCode::Staged,
                        subject: key.clone(),
                        text: format!(
                            "Generation {generation} is staged at {}: deploy its consumers to make it live.",
                            delivery.slot
                        ),
                    }),
                    // A rotation that is under way has its own sentence.
                    Some(Activation::Itself) if state.ledger.is_finished() => pending.push(Pending::Activate {
                        target: key.clone(),
                        reason: format!("generation {generation} is published, but not live"),
                    }),
                    Some(Activation::Itself | Activation::Later) | None => {}
                }
                continue;
            }
            DeliveryStatus::Gone => {
                notices.push(Notice {
                    code: NoticeCode::Gone,
                    subject: key.clone(),
                    text: format!(
                        "The place of {} no longer exists. Take {key} out of `targets`: until then old credentials are not revoked.",
                        delivery.slot
                    ),
                });
                continue;
            }
            DeliveryStatus::Unknown if unreachable.contains(key) => continue,
            // A rotation that is under way has its own sentence.
            DeliveryStatus::Unknown if state.ledger.is_finished() => "the answer to the last write was lost".to_owned(),
            DeliveryStatus::Stale if state.ledger.is_finished() => {
                format!("it may not hold generation {}", state.ledger.generation())
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
            notices.push(Notice {
                code: NoticeCode::Drifted,
                subject: key.clone(),
                text: format!("{} was {reason}; on_drift = \"report\" leaves it.", delivery.slot),
            });
        }
    }
}

fn superseded(
    state: &State,
    config: &Config,
    seen: &Sightings,
    now: Timestamp,
    pending: &mut Vec<Pending>,
    notices: &mut Vec<Notice>,
) {
    for credential in state.ledger.credentials() {
        let generation = credential.generation;
        let Some(id) = credential
            .credential_id
            .as_ref()
            .filter(|_| generation != state.ledger.generation())
        else {
            continue;
        };
        let orphan = state.ledger.never_held(generation);
        let reason = if orphan {
            "minted by an interrupted apply, held by no target".to_owned()
        } else {
            match credential.revoke_after {
                Some(after) if after <= now => format!("overlap ended {after}"),
                _ => continue,
            }
        };
        let mut notice = |code, text| {
            notices.push(Notice {
                code,
                subject: id.clone(),
                text,
            });
        };
        if config.revoke_by_hand || !can_be_revoked(&credential.issuer) {
            notice(
                NoticeCode::RevokeByHand,
                format!(
                    "Generation {generation} ({id}) is still valid at {}: revoke it there ({reason}).",
                    credential.issuer
                ),
            );
        } else if seen.own.contains(&generation) {
            notice(
                NoticeCode::OwnCredential,
                format!(
                    "Generation {generation} ({id}) is not revoked: this run authenticates with it. Use the new credential."
                ),
            );
        } else if let Some(wait) =
            lasting_wait(&state.ledger, config, &unreachable_targets(&state.ledger, notices)).filter(|_| !orphan)
        {
            let text = format!("Generation {generation} ({id}) is not revoked: {wait}.");
            notices.push(Notice {
                code: NoticeCode::RevokeWaits,
                subject: id.clone(),
                text,
            });
        } else {
            pending.push(Pending::Revoke {
                generation,
                credential_id: id.clone(),
                reason,
            });
        }
    }
}

/// Whether a call can revoke what that issuer makes.
pub(super) fn can_be_revoked(issuer: &str) -> bool {
    let address = issuer.parse::<Address>();
    // What this version does not know is tried, and fails aloud.
    address.map_or(true, |address| {
        source::kind(&address.kind).is_none_or(|kind| kind.revocable)
    })
}

/// What on record holds every revocation back, and is not mended by an apply: the gate would only find it again.
pub(super) fn lasting_wait(ledger: &Ledger, config: &Config, unreachable: &BTreeSet<String>) -> Option<Wait> {
    let lasts = |wait: &Wait| match wait {
        Wait::Target { target, holding } => match holding {
            Holding::Gone => true,
            Holding::Changed | Holding::Missing => !config.heal,
            Holding::Staged => {
                let known = config.targets.get(target);
                known.is_some_and(|known| known.config.traits().activation == Activation::Staged)
            }
            Holding::Unknown => unreachable.contains(target),
            Holding::Behind(_) => false,
        },
        _ => false,
    };
    waits_on_record(ledger, config.targets.keys().cloned())
        .into_iter()
        .find(lasts)
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
