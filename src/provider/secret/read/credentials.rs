//! What the issuers list, against what the state says.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::executor::{FARTHEST, Site, found, issuer_at};
use crate::label::Label;
use crate::provider::secret::config::Config;
use crate::provider::secret::outlook::{LOOKALIKE, RIVAL, Sightings};
use crate::provider::secret::place;
use crate::provider::secret::state::State;
use crate::rotation::{CredentialStatus, DeliveryStatus, Ledger};
use crate::source::{Credential, Issuer, Liveness};
use crate::terraform::Diagnostics;
use crate::vendors::Vendors;

/// A credential this young may be missing from a list that lags behind its mint: seconds of lag, and clocks (the issuer's, this
/// machine's, that of the machine before) that are minutes apart.
const LIST_LAG: SignedDuration = SignedDuration::from_mins(15);

pub(super) async fn credentials(
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
            // By a person, or by a run that was cut off before the checks that follow.
            if let Some(receipt) = &mut state.last_rotation
                && known.status != CredentialStatus::Orphaned
            {
                receipt.awaits(config.after_revocation().cloned());
                let due = known.revoke_after.is_some_and(|after| after <= now);
                receipt.revoked.extend(known.credential_id.filter(|_| due));
            }
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
