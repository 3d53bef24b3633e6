//! Refreshing: the clock and the vendors are looked at here, and nowhere else before apply. Reads only.
//!
//! What is found is stored as recorded instants and sentences; the same facts give the same state.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::apply::VALUE_LOST;
use super::config::Config;
use super::outlook::{LOOKALIKE, RIVAL, Sightings, outlook};
use super::state::State;
use super::{config_in_state, legible, place};
use crate::executor::{FARTHEST, Site, found, issuer_at};
use crate::label::Label;
use crate::plugin::{ReadRequest, ReadResponse};
use crate::provider::Configured;
use crate::rotation::{CredentialStatus, DeliveryRecord, DeliveryStatus, Ledger, Pending};
use crate::source::{Credential, Issuer, Liveness};
use crate::target::{self, Activation, Comparison, Entry, Slot};
use crate::terraform::{Diagnostics, Path, Value};
use crate::vendors::Vendors;

/// A credential this young may be missing from a list that lags behind its mint: seconds of lag, and clocks (the issuer's, this
/// machine's, that of the machine before) that are minutes apart.
const LIST_LAG: SignedDuration = SignedDuration::from_mins(15);

/// Refreshes a state. With an error, Terraform keeps the one that it has.
pub async fn read(configured: &Configured, request: ReadRequest) -> ReadResponse {
    let mut problems = legible::check(&request.state);
    if problems.has_errors() {
        return ReadResponse {
            state: request.state,
            private: request.private,
            diagnostics: problems,
        };
    }
    let state = refreshed(configured, &request.state, &mut problems)
        .await
        .unwrap_or_else(|| request.state.clone());
    ReadResponse {
        state,
        private: request.private,
        diagnostics: problems,
    }
}

async fn refreshed(configured: &Configured, stored: &Value, problems: &mut Diagnostics) -> Option<Value> {
    // Without a wholly known provider block there is nobody to ask; the next plan will.
    let vendors = configured.vendors.as_deref()?;
    let Some(config) = config_in_state(stored) else {
        problems.warning(
            Path::root(),
            "The stored arguments cannot be read by this version",
            "The secret was not refreshed; an apply of a valid configuration mends it.",
        );
        return None;
    };
    let mut state = State::read(stored);
    let mut seen = Sightings::default();
    let now = configured.clock.now();
    let before = state.ledger.generation;
    let filled = targets(&mut state, &config, configured, now, &mut seen.coarse, problems).await;
    credentials(&mut state, &config, vendors, now, &mut seen, problems).await;
    unfinished_first_writes(&mut state, &filled, before);
    if problems.has_errors() {
        return None;
    }
    begin_overlap(&mut state, &config, now);
    let lost = state.pending.iter().find(|known| is_value_lost(known)).cloned();
    outlook(&mut state, &config, &seen, now);
    warn_of_drift(&state, &config, problems);
    if let Some(lost) = lost.filter(|_| {
        !state
            .pending
            .iter()
            .any(|known| matches!(known, Pending::Rotate { .. }))
    }) {
        state.pending.insert(0, lost);
    }
    Some(state.write_over(stored.clone()))
}

/// With `on_drift = "report"` a warning is all that drift causes.
fn warn_of_drift(state: &State, config: &Config, problems: &mut Diagnostics) {
    if config.heal {
        return;
    }
    for (key, delivery) in &state.ledger.deliveries {
        let what = match delivery.status {
            DeliveryStatus::Changed => delivery.detail.as_deref().unwrap_or("changed outside Terraform"),
            DeliveryStatus::Missing => "deleted outside Terraform",
            _ => continue,
        };
        problems.warning(
            place::path_of(&Site::Target(key.clone()), Some(config)),
            format!("{} was {what}", delivery.slot),
            "on_drift = \"report\" leaves it alone. Set on_drift = \"heal\" to have it delivered again.",
        );
    }
}

/// An earlier apply found out that a value cannot be had; only a rotation ends that.
fn is_value_lost(pending: &Pending) -> bool {
    matches!(pending, Pending::Rotate { reason } if reason.starts_with(VALUE_LOST))
}

/// What was staged is live everywhere: the overlap begins with this instant.
fn begin_overlap(state: &mut State, config: &Config, now: Timestamp) {
    let newest = state.ledger.generation;
    let mut configured = state
        .ledger
        .deliveries
        .values()
        .filter(|d| d.status != DeliveryStatus::Removing);
    let live = configured.all(|delivery| delivery.status == DeliveryStatus::Current && delivery.holds(newest));
    if !state.ledger.finished || !live {
        return;
    }
    let end = now.checked_add(config.overlap).unwrap_or(Timestamp::MAX);
    for credential in &mut state.ledger.credentials {
        if credential.generation != newest
            && credential.status == CredentialStatus::Overlapping
            && credential.revoke_after.is_none()
        {
            credential.revoke_after = Some(end);
        }
    }
}

/// Brings the deliveries up to date. `coarse` takes the keys of targets whose markers two writes may share. Returns those whose slot
/// is filled although nothing was ever written there, as far as the state knows.
async fn targets(
    state: &mut State,
    config: &Config,
    configured: &Configured,
    now: Timestamp,
    coarse: &mut BTreeSet<String>,
    problems: &mut Diagnostics,
) -> BTreeSet<String> {
    let looks = state.ledger.deliveries.iter().map(|(key, delivery)| async move {
        let slot = place::slot_of(key, delivery, Some(config), configured);
        let seen = match slot {
            Ok(slot) => look(slot.as_ref(), delivery).await.map_err(|error| {
                (
                    format!("The entry at {} could not be looked at", delivery.slot),
                    format!("{error} The stored state was kept."),
                )
            }),
            Err(problem) => Err(problem),
        };
        (key.clone(), seen)
    });
    let seen: BTreeMap<String, _> = join_all(looks.collect::<Vec<_>>()).await.into_iter().collect();
    let id = state.id.clone();
    let live: BTreeSet<u64> = state.ledger.credentials.iter().map(|known| known.generation).collect();
    let newest = state.ledger.generation;
    let mut ahead = None;
    let mut filled = BTreeSet::new();
    for (key, delivery) in &mut state.ledger.deliveries {
        match seen.get(key) {
            Some(Ok(seen)) => {
                if !seen.exact {
                    coarse.insert(key.clone());
                }
                let activation = config.targets.get(key).map(|target| target.config.traits().activation);
                ahead = ahead.max(refresh_delivery(delivery, seen, &id, newest, activation, now));
                if delivery.generation.is_none() && seen.entry.is_some() {
                    filled.insert(key.clone());
                }
            }
            Some(Err((summary, detail))) => {
                problems.error(
                    place::path_of(&Site::Target(key.clone()), Some(config)),
                    summary,
                    detail,
                );
            }
            None => {}
        }
    }
    // An interrupted apply wrote a generation that the state does not know, and left its mark beside it.
    if let Some(generation) = ahead.filter(|generation| !live.contains(generation) || *generation > newest) {
        state.ledger.generation = generation;
        state.ledger.finished = false;
        if let Some(receipt) = &mut state.last_rotation {
            receipt.finished_at = None;
        }
    }
    filled
}

/// Entries in slots that were empty when this secret claimed them, and that it never wrote as far as the state knows. While a
/// rotation is under way, or when a generation above `before` turned up, an interrupted apply may have written them.
fn unfinished_first_writes(state: &mut State, filled: &BTreeSet<String>, before: u64) {
    let newest = state.ledger.generation;
    let interrupted = !state.ledger.finished || state.ledger.highest() > before;
    let mut doubtful = false;
    for (key, delivery) in &mut state.ledger.deliveries {
        let undecided = !matches!(delivery.status, DeliveryStatus::Removing | DeliveryStatus::Unknown);
        if interrupted && undecided && filled.contains(key) && !delivery.existed_before {
            delivery.status = DeliveryStatus::Unknown;
            // Only a guess: it may be overwritten, since the slot was claimed empty, but a destroy leaves it.
            delivery.existed_before = true;
            delivery.detail = Some("an interrupted apply may have written it".to_owned());
            doubtful = true;
        }
    }
    for known in &mut state.ledger.credentials {
        if doubtful && known.generation > newest && known.status == CredentialStatus::Orphaned {
            known.status = CredentialStatus::Overlapping;
        }
    }
}

/// What a look at a slot told.
struct Look {
    entry: Option<Entry>,
    comparison: Comparison,
    /// No two writes share a marker.
    exact: bool,
}

/// Looks at a slot through the shared listing; a change or a loss is confirmed by a direct read.
async fn look(slot: &dyn Slot, delivery: &DeliveryRecord) -> Result<Look, crate::call::CallError> {
    let compare = |entry: &Option<Entry>| match (entry, &delivery.revision) {
        (Some(entry), Some(known)) => slot.compare(known, entry),
        (Some(_), None) => Comparison::CannotTell,
        (None, _) => Comparison::Changed,
    };
    let mut entry = slot.inspect().await?;
    if delivery.generation.is_some() && compare(&entry) == Comparison::Changed {
        entry = target::confirmed(slot, delivery.revision.as_deref()).await?;
    }
    let comparison = compare(&entry);
    Ok(Look {
        entry,
        comparison,
        exact: slot.marks_every_write(),
    })
}

/// Brings one record up to date. Returns a generation above `newest` that the entry's own mark names.
fn refresh_delivery(
    delivery: &mut DeliveryRecord,
    seen: &Look,
    id: &str,
    newest: u64,
    activation: Option<Activation>,
    now: Timestamp,
) -> Option<u64> {
    if delivery.status == DeliveryStatus::Removing {
        return None;
    }
    if delivery.generation.is_none() {
        let entry = seen.entry.as_ref()?;
        let label = entry.label.as_ref().filter(|label| label.belongs_to(id))?;
        return taken_up(delivery, entry, label, newest, now);
    }
    let Some(entry) = &seen.entry else {
        delivery.status = DeliveryStatus::Missing;
        delivery.detail = None;
        return None;
    };
    match seen.comparison {
        Comparison::Same => {
            let live = entry.live.unwrap_or(true);
            let deferred = activation == Some(Activation::Staged);
            delivery.status = match delivery.status {
                // Our own activation decides for targets that go live by it.
                DeliveryStatus::Staged if live => DeliveryStatus::Current,
                DeliveryStatus::Staged => DeliveryStatus::Staged,
                DeliveryStatus::Current if deferred && !live => DeliveryStatus::Staged,
                // It was written again, by us or by somebody who put it back; its consumers may run the other value.
                DeliveryStatus::Changed | DeliveryStatus::Missing if !live => DeliveryStatus::Staged,
                DeliveryStatus::Changed | DeliveryStatus::Missing => DeliveryStatus::Current,
                // The write whose answer was lost did not happen.
                DeliveryStatus::Unknown => DeliveryStatus::Stale,
                status => status,
            };
            delivery.detail = if delivery.status == DeliveryStatus::Staged {
                entry.detail.clone()
            } else {
                None
            };
            None
        }
        Comparison::CannotTell => None,
        Comparison::Changed => {
            let ours = entry.label.as_ref().filter(|label| label.belongs_to(id));
            if let Some(label) = ours.filter(|label| label.generation > newest && label.generation <= newest + FARTHEST)
            {
                return taken_up(delivery, entry, label, newest, now);
            }
            delivery.status = DeliveryStatus::Changed;
            let when = entry.modified_at.map(|at| format!(" at {at}")).unwrap_or_default();
            delivery.detail = Some(format!("changed outside Terraform{when}"));
            None
        }
    }
}

/// An entry that an interrupted apply of this secret wrote, as its mark says. Returns its generation when that is above `newest`.
fn taken_up(delivery: &mut DeliveryRecord, entry: &Entry, label: &Label, newest: u64, now: Timestamp) -> Option<u64> {
    if label.generation > newest + FARTHEST {
        return None;
    }
    delivery.generation = Some(label.generation);
    delivery.status = if label.generation < newest {
        DeliveryStatus::Stale
    } else {
        DeliveryStatus::Current
    };
    delivery.revision.clone_from(&entry.revision);
    delivery.delivered_at = entry.modified_at.or(Some(now));
    delivery.detail = None;
    (label.generation > newest).then_some(label.generation)
}

async fn credentials(
    state: &mut State,
    config: &Config,
    vendors: &dyn Vendors,
    now: Timestamp,
    seen: &mut Sightings,
    problems: &mut Diagnostics,
) {
    let path = place::path_of(&Site::Source, Some(config));
    let current = config.source.config.issuer().to_string();
    let issuers: BTreeSet<String> = state
        .ledger
        .credentials
        .iter()
        .map(|known| known.issuer.clone())
        .chain([current.clone()])
        .collect();
    for address in issuers {
        let issuer = match issuer_at(&address, vendors) {
            Ok(Some(issuer)) => issuer,
            Ok(None) => {
                let here = state.ledger.credentials.iter().filter(|known| known.issuer == address);
                seen.by_hand.extend(here.map(|known| known.generation));
                continue;
            }
            Err(failure) => {
                problems.error(path.clone(), failure.summary, failure.detail);
                continue;
            }
        };
        if let Err(error) = survey(issuer.as_ref(), &address, state, config, now, seen).await {
            problems.error(
                path.clone(),
                format!("Credentials at {address} could not be looked at"),
                format!("{error} The stored state was kept."),
            );
        }
    }
}

async fn survey(
    issuer: &dyn Issuer,
    address: &str,
    state: &mut State,
    config: &Config,
    now: Timestamp,
    seen: &mut Sightings,
) -> Result<(), crate::call::CallError> {
    let mut listed = issuer.survey().await?;
    listed.sort_by_key(|credential| credential.label().map(|label| label.generation));
    // What is gone by now counts too: an interrupted apply may have ended it after it had made the next one.
    let mut explained = state.ledger.highest() + 1;
    // Gone: the issuer says so when it is asked by id.
    let mut gone = Vec::new();
    for known in state.ledger.credentials.iter().filter(|known| known.issuer == address) {
        let Some(id) = &known.credential_id else { continue };
        let fresh = known.minted_at.is_some_and(|at| now.duration_since(at) < LIST_LAG);
        if !listed.iter().any(|credential| credential.id == *id)
            && !fresh
            && issuer.liveness(id).await? == Liveness::Dead
        {
            gone.push(known.clone());
        }
    }
    // The same handle, made anew: somebody reset it (a role's password).
    let newest = state.ledger.generation;
    for known in state
        .ledger
        .credentials
        .iter()
        .filter(|known| known.issuer == address && known.generation == newest)
    {
        let replaced = listed.iter().any(|credential| {
            Some(&credential.id) == known.credential_id.as_ref() && credential.minted_at > known.minted_at
        });
        seen.current_gone |= replaced;
    }
    for known in gone {
        if known.generation == state.ledger.generation {
            seen.current_gone = true;
        } else {
            state.ledger.credentials.retain(|other| *other != known);
        }
    }
    let held_elsewhere = state.ledger.deliveries.values().any(|delivery| {
        // What was deleted may have been the interrupted apply's: its consumers read it before.
        matches!(
            delivery.status,
            DeliveryStatus::Changed | DeliveryStatus::Unknown | DeliveryStatus::Missing
        )
    });
    for credential in &listed {
        let Some(label) = credential.label() else { continue };
        if label.belongs_to(&state.id) {
            if label.generation <= explained {
                adopt_orphan(&label, credential, address, held_elsewhere, &seen.coarse, state);
                explained = explained.max(state.ledger.highest() + 1);
            } else if label.generation <= explained + FARTHEST {
                seen.notices.push(format!(
                    "{} ({label}) at {address} {RIVAL}: another state manages it; give each state its own namespace",
                    credential.id
                ));
            }
        } else if config.label_names_the_secret() && label.prefix == config.label_prefix {
            seen.notices.push(format!(
                "{} ({label}) at {address} {LOOKALIKE} made under another configuration; revoke it by hand if nothing uses it",
                credential.id
            ));
        }
    }
    // Only a revocation that is due makes the question worth a call.
    let newest = state.ledger.generation;
    let due = state.ledger.credentials.iter().filter(|known| {
        let over = known.revoke_after.is_some_and(|after| after <= now) || known.status == CredentialStatus::Orphaned;
        known.generation != newest && known.issuer == address && over
    });
    for known in due {
        if let Some(id) = &known.credential_id
            && issuer.authenticates_this_run(id).await?
        {
            seen.own.insert(known.generation);
        }
    }
    Ok(())
}

/// A credential of our id that the state does not know: an interrupted apply made it.
fn adopt_orphan(
    label: &Label,
    credential: &Credential,
    address: &str,
    may_be_held: bool,
    coarse: &BTreeSet<String>,
    state: &mut State,
) {
    let ledger = &mut state.ledger;
    if ledger
        .credentials
        .iter()
        .any(|known| known.credential_id.as_ref() == Some(&credential.id))
    {
        return;
    }
    let twin = ledger.credential(label.generation).is_some();
    let doubtful = twin && doubt_twins(ledger, label.generation, coarse);
    let status = if ledger.generation == label.generation && !twin {
        CredentialStatus::Current
    } else if may_be_held || doubtful {
        CredentialStatus::Overlapping
    } else {
        CredentialStatus::Orphaned
    };
    ledger.note_found(found(label, credential, address, status));
}

/// Two runs made this generation: without a lock, or the second before the list showed what an interrupted first had made.
/// Targets that may hold the value of either are to be written again. Returns whether there are any.
fn doubt_twins(ledger: &mut Ledger, generation: u64, coarse: &BTreeSet<String>) -> bool {
    let mut any = false;
    let finished = ledger.finished;
    for (key, delivery) in &mut ledger.deliveries {
        if !delivery.holds(generation) || finished && !coarse.contains(key) {
            continue;
        }
        // Of a finished generation, markers tell whose write came last, unless both came within one second.
        delivery.status = if finished {
            DeliveryStatus::Stale
        } else {
            DeliveryStatus::Unknown
        };
        any = true;
    }
    any
}
