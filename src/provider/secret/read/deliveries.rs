//! What the targets hold, against what the state says.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use jiff::Timestamp;

use crate::address::Address;
use crate::call::{CallError, CallErrorKind};
use crate::diagnostics::{Refresh, names};
use crate::executor::Subject;
use crate::provider::Configured;
use crate::provider::secret::findings::Sightings;
use crate::provider::secret::state::State;
use crate::provider::secret::{adapters, paths, texts};
use crate::rotation::{
    Container, CredentialRecord, DeliveryRecord, DeliveryStatus, Entry, Event, Ledger, Notice, NoticeCode, Seen,
    Verdict, judge,
};
use crate::spec::Config;
use crate::target::{self, Activation, Shadow, Slot};
use crate::terraform::{Diagnostics, Path};

/// What a look at a target told.
enum Look {
    /// The slot, with the entry in it if there is one.
    Slot {
        entry: Option<Entry>,
        /// No two writes share a marker.
        exact: bool,
        /// Its address under the present name of its container, where that is another.
        renamed_to: Option<String>,
        /// Who uses another entry of the same name instead.
        shadowed_by: Vec<Shadow>,
    },
    /// Its container is proved to be no more.
    Gone,
    /// It could not be looked at, and why.
    Unreachable(String),
}

/// Brings the deliveries up to date. Returns those whose slot is filled although nothing was ever written there, as far as the state
/// knows.
pub(super) async fn targets(
    state: &mut State,
    config: &Config,
    configured: &Configured,
    now: Timestamp,
    seen: &mut Sightings,
    problems: &mut Diagnostics,
) -> BTreeSet<String> {
    let staying = state.ledger.deliveries().iter();
    let staying = staying.filter(|(_, delivery)| delivery.status != DeliveryStatus::Removing);
    let looks = staying.map(|(key, delivery)| async {
        let look = look(key, delivery, config, configured, &state.id).await;
        (key.clone(), look)
    });
    let looks: BTreeMap<String, Look> = join_all(looks.collect::<Vec<_>>()).await.into_iter().collect();
    let on_record = state.ledger.deliveries().iter();
    let on_record: BTreeMap<String, Option<u64>> =
        on_record.map(|(key, known)| (key.clone(), known.generation)).collect();
    let newest = state.ledger.generation();
    let was_unreachable = state.unreachable();
    // Somebody may have deployed consumers since, with whatever value: only then is it worth restarting them.
    let due = |known: &CredentialRecord| known.revoke_after.is_some_and(|after| after <= now);
    let revocation_is_due = !config.revoke_by_hand && state.ledger.credentials().iter().any(due);
    let mut filled = BTreeSet::new();
    let mut causes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, look) in looks {
        match look {
            Look::Slot {
                entry,
                exact,
                renamed_to,
                shadowed_by,
            } => {
                seen.notices.extend(shadowed(&state.ledger, &key, &shadowed_by));
                state.ledger.record(Event::Renamed {
                    target: key.clone(),
                    slot: renamed_to,
                });
                if !exact {
                    seen.coarse.insert(key.clone());
                }
                let first = state
                    .ledger
                    .delivery(&key)
                    .is_some_and(|known| known.generation.is_none());
                if first && entry.is_some() {
                    filled.insert(key.clone());
                }
                let target = config.targets.get(&key);
                let deferred = target.is_some_and(|target| target.config.traits().activation == Activation::Staged);
                state.ledger.record(Event::Seen(Seen {
                    is_activated: target.is_some_and(|target| config.is_activated(target.wave)),
                    must_be_live: revocation_is_due,
                    was_unreachable: was_unreachable.contains(&key),
                    id: state.id.clone(),
                    at: now,
                    target: key.clone(),
                    entry,
                    deferred,
                }));
                if state
                    .ledger
                    .delivery(&key)
                    .is_some_and(|known| known.generation.is_some())
                {
                    filled.remove(&key);
                }
            }
            Look::Gone => state.ledger.record(Event::ContainerGone { target: key }),
            Look::Unreachable(why) => causes.entry(why).or_default().push(key),
        }
    }
    for (why, keys) in causes {
        unreachable(state, config, seen, &why, &keys, &was_unreachable, problems);
    }
    // An interrupted apply wrote a generation that the state does not know, and left its mark beside it. What was on record before is no
    // news: a restored generation supersedes it.
    let marked = state.ledger.deliveries().iter();
    let marked = marked.filter(|(key, known)| on_record.get(*key) != Some(&known.generation));
    let ahead = marked.filter_map(|(_, known)| known.generation).max();
    if let Some(generation) = ahead.filter(|generation| *generation > newest) {
        state.ledger.record(Event::FoundAhead { generation });
        if let Some(receipt) = &mut state.last_rotation {
            receipt.superseded_without_record();
        }
    }
    filled
}

/// What could not be looked at for one reason: one warning, and a notice for each target whose status is unknown for no other reason.
fn unreachable(
    state: &mut State,
    config: &Config,
    seen: &mut Sightings,
    why: &str,
    keys: &[String],
    before: &BTreeSet<String>,
    problems: &mut Diagnostics,
) {
    for key in keys {
        let Some(record) = state.ledger.delivery(key) else {
            continue;
        };
        // The answer to a write was lost: that stays what it is.
        let in_doubt = record.status == DeliveryStatus::Unknown && !before.contains(key);
        seen.notices.push(Notice {
            code: NoticeCode::Unreachable,
            subject: if in_doubt { record.slot.clone() } else { key.clone() },
            text: format!("{} could not be read: {why}", texts::entry(&record.slot).noun),
        });
        state.ledger.record(Event::Unreachable { target: key.clone() });
    }
    let path = match keys {
        [key] => paths::path_of(&Subject::Target(key.clone()), Some(config)),
        _ => Path::attribute("targets"),
    };
    let unreachable = Refresh::EntriesUnreachable {
        secret: config.name.clone(),
        targets: names(keys.iter().map(|key| texts::target(key))),
        why: why.to_owned(),
    };
    problems.report(path, unreachable);
}

/// Entries in slots that were empty when this secret claimed them, and that it never wrote as far as the state knows. While a
/// rotation is under way, or when a generation above `before` turned up, an interrupted apply may have written them.
pub(super) fn unfinished_first_writes(state: &mut State, filled: BTreeSet<String>, before: u64) {
    let interrupted = !state.ledger.is_finished() || state.ledger.highest() > before;
    if interrupted && !filled.is_empty() {
        state.ledger.record(Event::FirstWritesDoubted { targets: filled });
    }
}

/// Looks at a slot through the shared listing; a change or a loss is confirmed by a direct read.
async fn look(key: &str, delivery: &DeliveryRecord, config: &Config, configured: &Configured, id: &str) -> Look {
    let slot = match adapters::slot_of(key, delivery, Some(config), configured).await {
        Ok(slot) => slot,
        Err(why) => return Look::Unreachable(format!("{}. {}", why.summary, why.detail)),
    };
    let entry = match entry(slot.as_ref(), delivery, id).await {
        Ok(entry) => entry,
        Err(error) if is_proved_gone(slot.as_ref(), &error).await => return Look::Gone,
        Err(error) => return Look::Unreachable(error.sentence()),
    };
    Look::Slot {
        entry,
        exact: tells_every_write(&delivery.slot),
        renamed_to: renamed_to(slot.as_ref(), delivery).await,
        // Nothing is decided by it, so that a failed look is none.
        shadowed_by: slot.shadowed_by().await.unwrap_or_default(),
    }
}

/// That consumers of a target use another value, which every rotation leaves as it is. What is a target of this secret too is no other.
fn shadowed(ledger: &Ledger, key: &str, by: &[Shadow]) -> Option<Notice> {
    let record = ledger.delivery(key)?;
    let address: Address = record.slot.parse().ok()?;
    let staying = ledger.deliveries().values();
    let staying = staying.filter(|known| known.status != DeliveryStatus::Removing);
    let own: Vec<Address> = staying.filter_map(|known| known.slot.parse().ok()).collect();
    let foreign = by.iter().filter(|shadow| {
        let shadowing = shadow.address(&address);
        !shadowing.is_some_and(|shadowing| own.iter().any(|own| own.is_same_place(&shadowing)))
    });
    let consumers: Vec<&str> = foreign.map(|shadow| shadow.consumer.as_str()).collect();
    if consumers.is_empty() {
        return None;
    }
    let words = target::entry(&record.slot);
    Some(Notice {
        code: NoticeCode::Shadowed,
        subject: key.to_owned(),
        text: format!(
            "{} does not reach {}, because a variable of the same name there takes precedence. Remove that variable, or make it a \
             target of this secret.",
            words.noun,
            consumers.join(", ")
        ),
    })
}

/// The address under the present name of a container whose identity is that on record; what could not be asked stays as it was.
async fn renamed_to(slot: &dyn Slot, delivery: &DeliveryRecord) -> Option<String> {
    let locator = match slot.renamed_to().await {
        Ok(locator) => locator?,
        Err(_) => return delivery.renamed_to.clone(),
    };
    let known = delivery.container_id.as_ref()?;
    let is_the_same = slot.container_id().await.ok().flatten().as_ref() == Some(known);
    let address: Address = delivery.slot.parse().ok()?;
    is_the_same.then(|| Address { locator, ..address }.to_string())
}

fn tells_every_write(slot: &str) -> bool {
    let address = slot.parse::<Address>().ok();
    let kind = address.and_then(|address| target::kind(&address.kind));
    kind.is_none_or(|kind| kind.offers.tells_every_write())
}

async fn is_proved_gone(slot: &dyn Slot, error: &CallError) -> bool {
    error.kind == CallErrorKind::NotFound && slot.container().await == Ok(Container::Gone)
}

async fn entry(slot: &dyn Slot, delivery: &DeliveryRecord, id: &str) -> Result<Option<Entry>, CallError> {
    let listed = target::seen_beside(slot, delivery.revision.as_deref()).await?;
    let verdict = judge(delivery, listed.as_ref(), id);
    if delivery.generation.is_some() && !matches!(verdict, Verdict::Recorded | Verdict::CannotTell) {
        return target::confirmed(slot, delivery.revision.as_deref()).await;
    }
    Ok(listed)
}
