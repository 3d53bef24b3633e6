//! Deleting the entries of targets that left the configuration.

use super::{Failure, Performed, Run, Subject};
use crate::address::Address;
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::diagnostics::{self, Message, StateProblem};
use crate::escrow::ParkedGeneration;
use crate::rotation::{Container, DeliveryRecord, Event, RevisionKind, Verdict, judge};
use crate::target::{self, Slot};

/// How a removal ended that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    /// The slot is empty, or its container is gone.
    Gone,
    /// The entry stays; says why.
    Left(String),
}

impl Run<'_> {
    /// Deletes the entry if it is ours. What the vendor refuses is left with a warning, and holds nothing up; what fails otherwise is
    /// tried again by the next apply.
    pub(super) async fn remove(&mut self, key: &str) -> Performed {
        let Some(record) = self.outcome.ledger.delivery(key).cloned() else {
            return Ok(());
        };
        self.session.reading = None;
        if let Some(now) = self.renamed(&record) {
            let renamed = diagnostics::Run::RenamedEntry {
                target: now.clone(),
                entry: target_noun(&record.slot),
            };
            self.outcome.warnings.push(Failure::new(Subject::Target(now), renamed));
            self.outcome.ledger.record(Event::Dropped { target: key.to_owned() });
            return Ok(());
        }
        let removed = match self.slot_of(&record).await {
            Ok(slot) => {
                let parked = match record.generation {
                    // Escrow that cannot be read shows nothing.
                    Some(generation) if needs_value(&record) => self.take_parked(generation).await.ok().flatten(),
                    _ => None,
                };
                empty(
                    slot.as_ref(),
                    &record,
                    parked.as_ref(),
                    &self.job.id,
                    false,
                    self.permit,
                )
                .await
            }
            Err(why) => {
                self.outcome.failures.push(Failure::new(Subject::Whole, why));
                self.session.undeleted.insert(key.to_owned());
                return Ok(());
            }
        };
        match removed {
            Ok(Removed::Gone) => {}
            Ok(Removed::Left(why)) => {
                let left = diagnostics::Run::EntryLeft {
                    entry: target::entry(&record.slot).noun,
                    // One whose target has moved is kept under its address.
                    target: Some(key.to_owned()).filter(|key| key.parse::<Address>().is_err()),
                    why,
                };
                self.outcome.warnings.push(Failure::new(Subject::Whole, left));
            }
            Err(error) => {
                self.outcome.failures.push(Failure::of_call(Subject::Whole, &error));
                self.session.undeleted.insert(key.to_owned());
                return Ok(());
            }
        }
        self.outcome.ledger.record(Event::Dropped { target: key.to_owned() });
        Ok(())
    }

    /// The target that is the same entry as that of a record, in a container that was renamed.
    fn renamed(&self, leaving: &DeliveryRecord) -> Option<String> {
        let entry = |slot: &str| {
            let address: Address = slot.parse().ok()?;
            let kind = target::kind(&address.kind)?;
            Some((kind.name, (kind.words)(&address).entry))
        };
        let same = |known: &DeliveryRecord| {
            known.slot != leaving.slot
                && known.container_id == leaving.container_id
                && entry(&known.slot) == entry(&leaving.slot)
        };
        leaving.container_id.as_ref()?;
        let mut configured = self.outcome.ledger.deliveries().iter();
        let found = configured.find(|(key, known)| self.job.targets.contains_key(*key) && same(known));
        found.map(|(key, _)| key.clone())
    }

    /// The slot that a record names, at the place that it names.
    async fn slot_of(&self, record: &DeliveryRecord) -> Result<Box<dyn Slot>, Message> {
        let unknown = || {
            Message::from(StateProblem::UnknownAddress {
                address: record.slot.clone(),
                is_deletion: true,
            })
        };
        let address: Address = record.slot.parse().map_err(|_| unknown())?;
        let kind = target::kind(&address.kind).ok_or_else(unknown)?;
        let vendors = &self.job.vendors;
        vendors.verify(&address).await.map_err(Message::from)?;
        vendors.slot(kind, &address).map_err(Message::from)
    }
}

/// How the entry at a recorded address is called in texts.
fn target_noun(slot: &str) -> String {
    let address: Option<Address> = slot.parse().ok();
    let words = address.and_then(|address| Some((target::kind(&address.kind)?.words)(&address).noun));
    words.unwrap_or_else(|| slot.to_owned())
}

/// Whether the value alone can show that the entry of that record is ours: its kind has no other revision, and none could be stored.
pub fn needs_value(record: &DeliveryRecord) -> bool {
    let address: Option<Address> = record.slot.parse().ok();
    let kind = address.and_then(|address| target::kind(&address.kind));
    record.revision.is_none() && kind.is_some_and(|kind| kind.offers.revision == RevisionKind::SaltedDigest)
}

/// The record with the revision of the entry, if that holds a part of what is parked of the record's generation. An entry that cannot be
/// read, or holds a text made of parts, is not known by this.
async fn known_by_value(slot: &dyn Slot, record: &DeliveryRecord, parked: Option<&ParkedGeneration>) -> DeliveryRecord {
    let parked = parked.filter(|_| needs_value(record));
    for value in parked.into_iter().flat_map(|parked| parked.parts.values()) {
        let Some(revision) = slot.revision_of(value) else { break };
        let entry = slot.inspect_since(&revision).await.ok().flatten();
        if entry.is_some_and(|entry| entry.revision.as_ref() == Some(&revision)) {
            return DeliveryRecord {
                revision: Some(revision),
                ..record.clone()
            };
        }
    }
    record.clone()
}

/// Deletes what is in a slot if it is ours: what the record says that we wrote, which what is `parked` of its generation may show, or with
/// `unanswered` also what our first write, which had no answer, may have left in a slot that was empty. What the vendor refuses is left.
///
/// # Errors
/// Those of calls that may succeed later.
pub async fn empty(
    slot: &dyn Slot,
    record: &DeliveryRecord,
    parked: Option<&ParkedGeneration>,
    id: &str,
    unanswered: bool,
    permit: &WritePermit,
) -> Result<Removed, CallError> {
    let record = &known_by_value(slot, record, parked).await;
    let entry = match target::confirmed(slot, record.revision.as_deref()).await {
        Ok(entry) => entry,
        Err(error) => return refused(slot, error, "read").await,
    };
    let ours = match judge(record, entry.as_ref(), id) {
        Verdict::Empty => return Ok(Removed::Gone),
        Verdict::Recorded => true,
        Verdict::Unanswered => unanswered,
        Verdict::Marked(_) | Verdict::Foreign | Verdict::CannotTell => false,
    };
    if !ours {
        let why = "Nothing shows that this resource wrote it last: someone else or an interrupted apply may have.";
        return Ok(Removed::Left(why.to_owned()));
    }
    match slot.remove(permit).await {
        Ok(()) => Ok(Removed::Gone),
        Err(error) => refused(slot, error, "deleted").await,
    }
}

/// What a refusal means: a container that is proved to be gone holds nothing; anything else that the vendor refuses is left.
async fn refused(slot: &dyn Slot, error: CallError, verb: &str) -> Result<Removed, CallError> {
    let refusal = matches!(
        error.kind,
        CallErrorKind::Forbidden | CallErrorKind::NotFound | CallErrorKind::Conflict | CallErrorKind::Invalid
    );
    if !refusal || error.effect == Effect::Possible {
        return Err(error);
    }
    if error.kind == CallErrorKind::NotFound && slot.container().await == Ok(Container::Gone) {
        return Ok(Removed::Gone);
    }
    let perhaps = match error.kind {
        CallErrorKind::NotFound => ", or it is gone",
        _ => "",
    };
    Ok(Removed::Left(format!(
        "It could not be {verb}{perhaps}. {}",
        error.answer()
    )))
}
