//! What the targets hold, against what the state says.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use jiff::Timestamp;

use crate::executor::{FARTHEST, Site};
use crate::label::Label;
use crate::provider::Configured;
use crate::provider::secret::config::Config;
use crate::provider::secret::place;
use crate::provider::secret::state::State;
use crate::rotation::{CredentialStatus, DeliveryRecord, DeliveryStatus};
use crate::target::{self, Activation, Comparison, Entry, Slot};
use crate::terraform::Diagnostics;

/// Brings the deliveries up to date. `coarse` takes the keys of targets whose markers two writes may share. Returns those whose slot
/// is filled although nothing was ever written there, as far as the state knows.
pub(super) async fn targets(
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
pub(super) fn unfinished_first_writes(state: &mut State, filled: &BTreeSet<String>, before: u64) {
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
    let mut entry = match &delivery.revision {
        Some(recorded) => slot.inspect_for(recorded).await?,
        None => slot.inspect().await?,
    };
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
