//! Parking values, and getting them back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Failure, Performed, Removed, Run, Subject};
use crate::address::Address;
use crate::call::{CallError, Effect, WritePermit};
use crate::diagnostics;
use crate::escrow::{CONTENT, Intent, Parked, ParkedGeneration};
use crate::label::Label;
use crate::part::{PREVIOUS, VALUE};
use crate::rotation::{Escrow, Event, TAKEN_OVER, Verdict, judge_mark};
use crate::secret::{Parts, Secret};
use crate::spec::EscrowSpec;
use crate::target::{Delivery, Target};

/// The entry where values are parked, connected.
pub struct JobEscrow {
    /// What is configured.
    pub spec: Arc<EscrowSpec>,
    /// The adapter.
    pub adapter: Box<dyn Target>,
    /// The complete address.
    pub slot: Address,
}

impl JobEscrow {
    /// What it is called in texts.
    pub fn noun(&self) -> String {
        crate::target::entry(&self.slot.to_string()).noun
    }
}

impl Run<'_> {
    /// Where values are parked now: where the record says, else where they are to be.
    fn parked_at(&self) -> Option<&JobEscrow> {
        let known = self.outcome.ledger.escrow().map(|escrow| escrow.slot.as_str());
        let is_there = |escrow: &&JobEscrow| known.is_none_or(|known| escrow.slot.to_string() == known);
        let here = self.job.escrow.as_ref().filter(is_there);
        here.or(self.job.former_escrow.as_ref())
    }

    /// What is parked; read once in a run.
    pub(super) async fn parked(&mut self) -> Result<&mut Parked, CallError> {
        if self.parked.is_none() {
            let found = match self.parked_at() {
                Some(escrow) => read(escrow, &self.job.id).await?,
                None => None,
            };
            self.parked = Some(found.unwrap_or_default());
        }
        Ok(self.parked.get_or_insert_default())
    }

    /// That generation as it is parked; `None` where it is not.
    pub(super) async fn take_parked(&mut self, generation: u64) -> Result<Option<ParkedGeneration>, CallError> {
        if self.parked_at().is_none() {
            return Ok(None);
        }
        let parked = self.parked().await?;
        Ok(parked.get(generation).map(|known| ParkedGeneration {
            parts: known.parts.share(),
            public: known.public.clone(),
        }))
    }

    /// Takes a generation from the record whose value turns out not to be parked, so that no plan counts on it.
    pub(super) fn forget_parked(&mut self, generation: u64) {
        let Some(mut escrow) = self.outcome.ledger.escrow().cloned() else {
            return;
        };
        if escrow.generations.remove(&generation) {
            self.outcome.ledger.record(match escrow.generations.is_empty() {
                true => Event::Unparked,
                false => Event::Parked(escrow),
            });
        }
    }

    /// The newest generation below `before` that is parked and has not ended.
    pub(super) async fn parked_before(&mut self, before: u64) -> Result<Option<Parts>, CallError> {
        if self.parked_at().is_none() {
            return Ok(None);
        }
        let known = self.outcome.ledger.credentials().iter();
        let known: BTreeSet<u64> = known.map(|known| known.generation).collect();
        let parked = self.parked().await?;
        let older = parked.generations().into_iter().rev();
        let mut older = older.filter(|generation| *generation < before && known.contains(generation));
        let newest = older.next().and_then(|generation| parked.get(generation));
        Ok(newest.map(|found| found.parts.share()))
    }

    /// The parts with the value of the generation that lives beside the one in hand. Where there is none, it is the same value, so that a
    /// list of both is one of a key twice.
    ///
    /// # Errors
    /// A sentence: another generation lives, and its value is not parked.
    pub(super) fn with_previous(&self, parts: &Parts) -> Result<Parts, String> {
        let ledger = &self.outcome.ledger;
        let beside = ledger.beside(self.session.in_hand.unwrap_or(ledger.generation()));
        let found = match beside.map(|known| known.generation) {
            None => parts.find(VALUE),
            Some(generation) => {
                let parked = self.parked.as_ref().and_then(|parked| parked.get(generation));
                let parked = parked.and_then(|parked| parked.parts.find(VALUE));
                Some(parked.ok_or_else(|| format!("The value of generation {generation} is not in escrow."))?)
            }
        };
        let value = found.ok_or("The credential has several parts, and none of them is the previous value.")?;
        Ok(parts.share().with(PREVIOUS, value.share()))
    }

    /// Targets that are to hold the value of the generation in place beside the one that replaces it, where that value cannot be had.
    fn lack_the_previous(&self) -> Vec<Failure> {
        let ledger = &self.outcome.ledger;
        let coming = match (self.goal.may_mint, self.goal.restores) {
            (true, _) => Some(ledger.highest() + 1),
            (false, true) => self.goal.generation,
            (false, false) => None,
        };
        let beside = coming
            .filter(|_| ledger.is_begun())
            .and_then(|coming| ledger.beside(coming));
        let is_parked = |generation| {
            self.parked
                .as_ref()
                .is_some_and(|parked| parked.get(generation).is_some())
        };
        let lacked = beside
            .map(|known| known.generation)
            .filter(|generation| !is_parked(*generation));
        let Some(generation) = lacked else { return Vec::new() };
        let lacking = self
            .job
            .targets
            .iter()
            .filter(|(_, target)| target.spec.content.has_previous());
        lacking
            .map(|(key, target)| {
                let entry = target.noun();
                let lacking = diagnostics::Run::PreviousNotParked { entry, generation };
                Failure::new(Subject::Target(key.clone()), lacking)
            })
            .collect()
    }

    /// Looks at the entry before anything is at stake: it must be this secret's, and what is in it must be readable. A run that mints
    /// nothing goes on without it, and parks nothing.
    pub(super) async fn inspect_escrow(&mut self) -> Performed {
        if !self.goal.parks {
            return Ok(());
        }
        match self.look_at_escrow().await {
            Ok(()) => {}
            Err(failure) if self.goal.may_mint => return Err(vec![failure]),
            Err(failure) => {
                let why = failure.message.summary;
                let unused = diagnostics::Run::EscrowNotUsed { why };
                self.outcome.warnings.push(Failure::new(Subject::Escrow, unused));
                self.session.parking_failed = true;
                return Ok(());
            }
        }
        match self.lack_the_previous() {
            lacking if lacking.is_empty() => Ok(()),
            lacking => Err(lacking),
        }
    }

    async fn look_at_escrow(&mut self) -> Result<(), Failure> {
        let unreadable = |error: CallError| Failure::of_call(Subject::Escrow, &error);
        let Some(escrow) = &self.job.escrow else { return Ok(()) };
        let entry = escrow.adapter.slot().inspect().await.map_err(unreadable)?;
        escrow.adapter.check_writable().await.map_err(unreadable)?;
        let (noun, slot) = (escrow.noun(), escrow.slot.to_string());
        match judge_mark(entry.as_ref(), &self.job.id) {
            Verdict::Empty => {}
            Verdict::Marked(generation) => {
                if let Some(entry) = entry.filter(|_| self.job.is_create) {
                    self.interrupted_create |= self.is_young_mark(&entry);
                    // An intent alone is of no generation yet.
                    if let Some(label) = entry.label.clone().filter(|_| generation > TAKEN_OVER) {
                        self.note_marked(label, &entry, &noun);
                    }
                }
            }
            Verdict::Recorded | Verdict::Unanswered | Verdict::Foreign | Verdict::CannotTell => {
                let taken = diagnostics::Run::EscrowTaken { entry: noun };
                return Err(Failure::new(Subject::Escrow, taken));
            }
        }
        let generations = self.parked().await.map_err(unreadable)?.generations();
        if self.outcome.ledger.escrow().is_none() && !generations.is_empty() {
            self.outcome.ledger.record(Event::Parked(Escrow { slot, generations }));
        }
        Ok(())
    }

    /// Parks the value in hand beside what is parked and has not ended. A failure is told and holds nothing up: the value exists, and
    /// its consumers need it.
    pub(super) async fn park(&mut self, generation: u64) -> Performed {
        if let Err(failure) = self.write_escrow(Some(generation)).await {
            self.session.parking_failed = true;
            let call = failure.message.clone();
            let unparked = diagnostics::Run::NotParked { generation, call };
            self.outcome.failures.push(Failure {
                message: unparked.into(),
                ..failure
            });
        }
        Ok(())
    }

    /// Notes what is about to be minted, where the issuer cannot name it. Of a mint whose answer an earlier run lost, its own note stays.
    pub(super) async fn intend(&mut self, generation: u64) -> Performed {
        let source = &self.job.source;
        let is_named = !source.traits().needs_intent() || source.spec.is_supplied();
        if is_named || !self.goal.parks || self.session.parking_failed {
            return Ok(());
        }
        let call = |error: &CallError| vec![Failure::of_call(Subject::Source, error)];
        let listed = source.adapter.issuer().survey().await.map_err(|error| call(&error))?;
        let before = listed
            .into_iter()
            .map(|credential| (credential.id, credential.minted_at));
        let before = before.collect();
        let parked = self.parked().await;
        let parked = parked.map_err(|error| vec![Failure::of_call(Subject::Escrow, &error)])?;
        if parked.intent(generation).is_some() {
            return Ok(());
        }
        parked.intend(Intent { generation, before });
        self.write_escrow(None).await.map_err(|failure| vec![failure])
    }

    /// What an earlier run noted before it minted that generation.
    pub(super) fn intent(&self, generation: u64) -> Option<Intent> {
        self.parked.as_ref()?.intent(generation).cloned()
    }

    /// Brings the entry to what it should hold: the same at another place, less what has ended, or nothing at all.
    pub(super) async fn unpark(&mut self) -> Performed {
        self.session.escrow_tidied = true;
        let moves = self.goal.moves_escrow && self.goal.parks;
        let tidied = self.tidy_escrow().await;
        match tidied {
            Ok(()) => {
                // What ends after a move leaves the new place.
                self.session.escrow_tidied = !moves;
                Ok(())
            }
            Err(failure) if moves => Err(vec![failure]),
            Err(failure) => {
                let call = failure.message.clone();
                let left = diagnostics::Run::EscrowLeft { call };
                self.outcome.warnings.push(Failure {
                    message: left.into(),
                    ..failure
                });
                Ok(())
            }
        }
    }

    async fn tidy_escrow(&mut self) -> Result<(), Failure> {
        if !self.goal.parks {
            return self.empty_escrow().await;
        }
        let before = self.outcome.ledger.escrow().cloned();
        self.write_escrow(None).await?;
        let former = self.job.former_escrow.as_ref().filter(|_| self.goal.moves_escrow);
        if let Some(former) = former
            && let Err(failure) = self.delete_entry(former).await
        {
            // It is moved once more by the next run, unless the configuration leads elsewhere by then: no copy may be left that is on no
            // record.
            if let Some(before) = before {
                self.delete_copy(former).await;
                self.outcome.ledger.record(Event::Parked(before));
            }
            return Err(failure);
        }
        self.goal.moves_escrow = false;
        Ok(())
    }

    /// Deletes the entry that the record names: nothing is parked any more.
    async fn empty_escrow(&mut self) -> Result<(), Failure> {
        if let Some(escrow) = self.parked_at() {
            self.delete_entry(escrow).await?;
        }
        self.outcome.ledger.record(Event::Unparked);
        Ok(())
    }

    /// Deletes the entry that a move has written, as long as `former` provably has the values still.
    async fn delete_copy(&mut self, former: &JobEscrow) {
        let Some(copy) = &self.job.escrow else { return };
        let seen = former.adapter.slot().inspect_directly().await;
        let is_there = seen.is_ok_and(|entry| matches!(judge_mark(entry.as_ref(), &self.job.id), Verdict::Marked(_)));
        if is_there && self.delete_entry(copy).await.is_ok() {
            return;
        }
        let (copy, former) = (copy.noun(), former.noun());
        let copied = diagnostics::Run::EscrowCopied { copy, former };
        self.outcome.warnings.push(Failure::new(Subject::Escrow, copied));
    }

    async fn delete_entry(&self, escrow: &JobEscrow) -> Result<(), Failure> {
        let removed = remove(escrow, &self.job.id, self.permit).await;
        let removed = removed.map_err(|error| Failure::of_call(Subject::Escrow, &error))?;
        if let Removed::Left(why) = removed {
            // What somebody else wrote there is none of this secret's values.
            tracing::warn!(secret = %self.job.id, entry = %escrow.slot, %why, "left an entry of escrow in place");
        }
        Ok(())
    }

    /// Writes what is parked and has not ended, and that generation. Where that is nothing, the entry is deleted.
    async fn write_escrow(&mut self, added: Option<u64>) -> Result<(), Failure> {
        let call = |error: &CallError| Failure::of_call(Subject::Escrow, error);
        let live: BTreeSet<u64> = self
            .outcome
            .ledger
            .credentials()
            .iter()
            .map(|known| known.generation)
            .collect();
        let held = added.and_then(|generation| Some((generation, self.essential(self.parts.as_ref()?))));
        let highest = self.outcome.ledger.highest();
        let parked = self.parked().await.map_err(|error| call(&error))?;
        parked.keep(&live);
        parked.settle_intent(highest);
        if let Some((generation, held)) = held {
            parked.add(generation, held);
        }
        let (generations, text) = (parked.generations(), parked.to_text());
        // Before the first generation, only an intent is there.
        let newest = generations.last().copied().or(parked.is_intended().then_some(0));
        let Some(newest) = newest else {
            return self.empty_escrow().await;
        };
        let Some(escrow) = &self.job.escrow else { return Ok(()) };
        if let Err(why) = escrow.spec.config.accepts(&text) {
            let entry = escrow.noun();
            return Err(Failure::new(
                Subject::Escrow,
                diagnostics::Run::CannotHold { entry, why },
            ));
        }
        let label = Label::new(&self.job.label_prefix, &self.job.id, newest);
        let origin = self.job.source.spec.origin();
        let delivery = Delivery {
            slot: escrow.slot.clone(),
            value: &text,
            label: &label,
            content: Some(CONTENT),
            origin: &origin,
            generated: self.job.source.traits().generated,
        };
        let written = escrow.adapter.deliver(&[delivery], self.permit).await;
        if let Err(error) = written {
            let holds = error.effect == Effect::Possible && is_as_written(escrow, &label, &text).await;
            if !holds {
                return Err(call(&error));
            }
        }
        let slot = escrow.slot.to_string();
        if !generations.is_empty() {
            self.outcome.ledger.record(Event::Parked(Escrow { slot, generations }));
        }
        Ok(())
    }

    /// What is parked of a value: an entry has little room, so that what follows from another part is left out.
    fn essential(&self, parts: &Parts) -> ParkedGeneration {
        let Some(essential) = self.job.source.spec.config.essential_parts() else {
            return ParkedGeneration {
                parts: parts.share(),
                public: self.outcome.public.clone().unwrap_or_default(),
            };
        };
        let kept = essential
            .iter()
            .filter_map(|name| Some((*name, parts.get(name)?.share())));
        ParkedGeneration {
            parts: kept.fold(Parts::default(), |kept, (name, value)| kept.with(name, value)),
            public: BTreeMap::new(),
        }
    }
}

/// What is parked there; `None` where nothing of this secret is.
///
/// # Errors
/// Those of the slot, and that what is there is not what this provider parks.
pub async fn read(escrow: &JobEscrow, id: &str) -> Result<Option<Parked>, CallError> {
    let found = escrow.adapter.read().await?;
    let ours = found.filter(|found| found.label.belongs_to(id) && found.content.as_deref() == Some(CONTENT));
    let Some(found) = ours else { return Ok(None) };
    let parked = Parked::of_text(&found.value);
    parked
        .map(Some)
        .map_err(|why| CallError::refused("AWS SSM", "reading what is parked", &why))
}

/// Whether a write without an answer happened all the same. The mark alone does not tell: what was there before may carry the same.
async fn is_as_written(escrow: &JobEscrow, label: &Label, text: &Secret) -> bool {
    let seen = escrow.adapter.read().await;
    seen.is_ok_and(|seen| seen.is_some_and(|seen| seen.label == *label && seen.value.is_same_as(text)))
}

/// Deletes the entry, unless it is somebody else's.
///
/// # Errors
/// Those of the slot, and that nothing tells whose it is.
pub async fn remove(escrow: &JobEscrow, id: &str, permit: &WritePermit) -> Result<Removed, CallError> {
    let slot = escrow.adapter.slot();
    let entry = slot.inspect_directly().await?;
    match judge_mark(entry.as_ref(), id) {
        Verdict::Empty => Ok(Removed::Gone),
        Verdict::Marked(_) | Verdict::Recorded => slot.remove(permit).await.map(|()| Removed::Gone),
        Verdict::Foreign | Verdict::Unanswered => Ok(Removed::Left("Somebody else has written it since.".to_owned())),
        Verdict::CannotTell => {
            let operation = format!("deleting {}", escrow.noun());
            let why = "Its metadata is not listed yet, so nothing shows whose it is. Apply again.";
            Err(CallError::refused("AWS SSM", operation, why))
        }
    }
}
