//! What the issuers list, against what the state says.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::call::{CallError, CallErrorKind};
use crate::diagnostics::{Refresh, capitalized};
use crate::executor::{Subject, found, in_use, issuer_at};
use crate::label::Label;
use crate::provider::secret::exposure::is_exposed;
use crate::provider::secret::findings::Sightings;
use crate::provider::secret::state::State;
use crate::provider::secret::{findings, paths, texts};
use crate::rotation::gate::InUse;
use crate::rotation::{
    Container, CredentialRecord, CredentialStatus, DeliveryStatus, Event, FARTHEST, Ledger, Notice, NoticeCode,
};
use crate::source::{self, Credential, Issuer, Liveness};
use crate::spec::Config;
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
    let known = state.ledger.credentials().iter().map(|known| known.issuer.clone());
    let mut issuers: BTreeSet<String> = known.filter(|address| !address.is_empty()).collect();
    let current = config.source.on_record();
    if !current.is_empty() && !issuers.iter().any(|address| config.source.is_issued_at(address)) {
        issuers.insert(current);
    }
    for address in issuers {
        let issuer = match issuer_at(&address, vendors) {
            Ok(Some(issuer)) => issuer,
            Ok(None) => continue,
            Err(failure) => {
                let why = format!("{}. {}", failure.message.summary, failure.message.detail);
                unreachable(&address, &why, config, seen, problems);
                continue;
            }
        };
        match survey(issuer.as_ref(), &address, state, config, now, seen).await {
            Ok(()) => {}
            Err(error) if is_gone(issuer.as_ref(), &error).await => gone(&address, state, seen),
            Err(error) => unreachable(&address, &error.sentence(), config, seen, problems),
        }
    }
}

async fn is_gone(issuer: &dyn Issuer, error: &CallError) -> bool {
    error.kind == CallErrorKind::NotFound && issuer.container().await == Ok(Container::Gone)
}

/// The issuer's container is proved to be no more: everything that it made is dead. The newest stays on record: it says what the
/// targets hold.
fn gone(address: &str, state: &mut State, seen: &mut Sightings) {
    let newest = state.ledger.generation();
    let dead: Vec<CredentialRecord> = state
        .ledger
        .credentials()
        .iter()
        .filter(|known| known.issuer == address && known.generation != newest)
        .cloned()
        .collect();
    for known in dead {
        state.ledger.record(Event::Ended {
            generation: known.generation,
            issuer: known.issuer,
        });
    }
    seen.notices.push(Notice {
        code: NoticeCode::Gone,
        subject: address.to_owned(),
        text: format!(
            "{} no longer exists, and every credential that it issued is dead. Set another `source`.",
            capitalized(&texts::issuer(address))
        ),
    });
}

fn unreachable(address: &str, why: &str, config: &Config, seen: &mut Sightings, problems: &mut Diagnostics) {
    seen.notices.push(Notice {
        code: NoticeCode::Unreachable,
        subject: address.to_owned(),
        text: format!("{} could not be read: {why}", texts::issuer(address)),
    });
    let is_former = !config.source.is_issued_at(address);
    let unreachable = Refresh::IssuerUnreachable {
        secret: config.name.clone(),
        former: is_former.then(|| texts::issuer(address)),
        why: why.to_owned(),
    };
    problems.report(paths::path_of(&Subject::Source, Some(config)), unreachable);
}

async fn survey(
    issuer: &dyn Issuer,
    address: &str,
    state: &mut State,
    config: &Config,
    now: Timestamp,
    seen: &mut Sightings,
) -> Result<(), CallError> {
    let mut listed = issuer.survey().await?;
    listed.sort_by_key(|credential| credential.label().map(|label| label.generation));
    // What is gone by now counts too: an interrupted apply may have ended it after it had made the next one.
    let mut explained = state.ledger.highest() + 1;
    // Dead: the issuer says so when it is asked by id.
    let mut dead = Vec::new();
    // What an incident exposed has not ended while sessions go on that it opened: an apply is to end them.
    let mut lingering: Vec<(CredentialRecord, u64)> = Vec::new();
    for known in state
        .ledger
        .credentials()
        .iter()
        .filter(|known| known.issuer == address)
    {
        let Some(id) = &known.credential_id else { continue };
        let fresh = known.minted_at.is_some_and(|at| now.duration_since(at) < LIST_LAG);
        if listed.iter().any(|credential| credential.id == *id) {
            continue;
        }
        let open = exposed_sessions(issuer, known, id, state).await?;
        if open > 0 {
            lingering.push((known.clone(), open));
        } else if !fresh && issuer.liveness(id).await? == Liveness::Dead {
            dead.push(known.clone());
        }
    }
    // The same handle, made anew: somebody reset it (a role's password).
    let newest = state.ledger.generation();
    let current = state
        .ledger
        .credentials()
        .iter()
        .find(|known| known.issuer == address && known.generation == newest);
    if let Some(known) = current {
        let replaced = issuer.reuses_ids()
            && listed.iter().any(|credential| {
                Some(&credential.id) == known.credential_id.as_ref() && credential.minted_at > known.minted_at
            });
        let is_dead = replaced || dead.iter().any(|dead| dead.generation == newest);
        state.ledger.record(match is_dead {
            true => Event::Died { generation: newest },
            false => Event::Lives { generation: newest },
        });
    }
    for known in dead {
        if known.generation != newest {
            state.ledger.record(Event::Ended {
                generation: known.generation,
                issuer: known.issuer.clone(),
            });
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
    let held_elsewhere = state.ledger.deliveries().values().any(|delivery| {
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
                seen.notices.push(Notice {
                    code: NoticeCode::Rival,
                    subject: credential.id.clone(),
                    text: format!(
                        "{} ({label}) at {} carries this secret's id, but is further ahead than its state: another state \
                         manages it. Give each state its own namespace.",
                        credential.id,
                        texts::issuer(address)
                    ),
                });
            }
        } else if config.label_names_the_secret()
            && label.prefix == config.label_prefix
            && config.source.config.may_have(&credential.id)
        {
            seen.notices.push(Notice {
                code: NoticeCode::Lookalike,
                subject: credential.id.clone(),
                text: format!(
                    "{} ({label}) at {} looks like a credential of this secret that another configuration made. Revoke it \
                     yourself if nothing uses it.",
                    credential.id,
                    texts::issuer(address)
                ),
            });
        }
    }
    // What followed on the same handle, and what has ended; each handle once. Sessions of what lingers are told with it.
    let newest = state.ledger.credential(state.ledger.generation());
    let newest = newest.filter(|_| lingering.is_empty());
    let mut told = BTreeSet::new();
    for known in newest
        .into_iter()
        .chain(&state.revoked)
        .filter(|known| known.issuer == address)
    {
        let Some(id) = &known.credential_id else { continue };
        if !told.insert(source::handle_of(address, id)) {
            continue;
        }
        let open = issuer.open_sessions(id).await?.outdated;
        if open > 0 {
            seen.notices.push(findings::open_sessions(known, open));
        }
    }
    let lingering = lingering.iter();
    let lingering = lingering.map(|(known, open)| findings::exposed_sessions(known, *open, config.revoke_by_hand));
    seen.notices.extend(lingering);
    // Only a revocation that is due makes the question worth a call.
    let newest = state.ledger.generation();
    let due = state.ledger.credentials().iter().filter(|known| {
        let over = known.revoke_after.is_some_and(|after| after <= now) || known.status == CredentialStatus::Orphaned;
        known.generation != newest && known.issuer == address && over
    });
    for known in due {
        let Some(id) = &known.credential_id else { continue };
        if issuer.authenticates_this_run(id).await? {
            seen.notices
                .push(findings::own_credential(known.generation, id.clone()));
        }
        if let Some(quiet_for) = config.quiet_for
            && known.status != CredentialStatus::Orphaned
            && let Some(InUse::Since { last, until }) = in_use(issuer.last_use(id).await?, quiet_for, now)
        {
            seen.in_use.insert(known.generation, until);
            seen.notices.push(findings::used(known, last, until));
        }
    }
    Ok(())
}

/// How many sessions may go on that a superseded credential opened which an incident exposed, or an earlier one of the handle that the
/// newest has: those that an apply ends.
async fn exposed_sessions(
    issuer: &dyn Issuer,
    known: &CredentialRecord,
    id: &str,
    state: &State,
) -> Result<u64, CallError> {
    let newest = state.ledger.generation();
    let is_exposed = known.generation != newest && is_exposed(state, &state.ledger, known.generation, &state.notices);
    if !is_exposed || !source::ends_sessions(&known.issuer) {
        return Ok(0);
    }
    let newest = state.ledger.credential(newest);
    let newest = newest.filter(|newest| newest.issuer == known.issuer);
    let newest = newest.and_then(|newest| newest.credential_id.as_deref());
    // With one handle, both are the same sessions.
    let mut most = 0;
    for handle in newest.into_iter().chain([id]) {
        let found = issuer.open_sessions(handle).await?;
        most = most.max(found.outdated.saturating_add(found.doubtful));
    }
    Ok(most)
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
    let id = Some(&credential.id);
    if ledger
        .credentials()
        .iter()
        .any(|known| known.credential_id.as_ref() == id)
    {
        return;
    }
    let twin = ledger.credential(label.generation).is_some();
    let doubtful = if twin {
        doubtful_twins(ledger, label.generation, coarse)
    } else {
        BTreeSet::new()
    };
    let status = if ledger.generation() == label.generation && !twin {
        CredentialStatus::Current
    } else if may_be_held || !doubtful.is_empty() {
        CredentialStatus::Overlapping
    } else {
        CredentialStatus::Orphaned
    };
    if !doubtful.is_empty() {
        ledger.record(Event::Doubted { targets: doubtful });
    }
    ledger.record(Event::Found(found(label, credential, address, status)));
}

/// Two runs made this generation: without a lock, or the second before the list showed what an interrupted first had made. These
/// targets may hold the value of either, and are to be written again. Of a finished generation, markers tell whose write came last,
/// unless both came within one second.
fn doubtful_twins(ledger: &Ledger, generation: u64, coarse: &BTreeSet<String>) -> BTreeSet<String> {
    let holders = ledger.deliveries().iter().filter(|(_, known)| known.holds(generation));
    let doubtful = holders.filter(|(key, _)| !ledger.is_finished() || coarse.contains(*key));
    doubtful.map(|(key, _)| key.clone()).collect()
}
