//! Writing a wave: the targets of one batch in one call, with those of other applies where several come to it, and all batches of the
//! wave at once.

use std::collections::BTreeMap;

use futures::future::join_all;

use super::job::write_of;
use super::shared_work::{Order as _, WriteOrder, WrittenEntry};
use super::{Failure, JobTarget, Performed, Run, Subject, bulk};
use crate::call::{CallError, CallErrorKind, Effect};
use crate::diagnostics;
use crate::label::Label;
use crate::rotation::Event;
use crate::secret::Secret;
use crate::target::{Activation, Receipt};

/// The keys and targets of one batch.
type Batch<'a> = Vec<(&'a String, &'a JobTarget)>;

impl Run<'_> {
    /// The value as that target holds it.
    pub(super) fn value_for(&self, target: &JobTarget) -> Result<Secret, String> {
        let parts = self.parts.as_ref().ok_or("the value is not in memory")?;
        if !target.spec.content.has_previous() {
            return target.spec.content.of(parts);
        }
        target.spec.content.of(&self.with_previous(parts)?)
    }

    pub(super) fn batches<'k>(&'k self, keys: &'k [String]) -> Vec<Batch<'k>> {
        let mut batches: BTreeMap<String, Batch<'k>> = BTreeMap::new();
        for key in keys {
            if let Some(target) = self.job.targets.get(key) {
                batches
                    .entry(target.spec.batch(&target.slot))
                    .or_default()
                    .push((key, target));
            }
        }
        batches.into_values().collect()
    }

    /// Writes the generation to these targets.
    pub(super) async fn deliver(&mut self, generation: u64, keys: &[String]) -> Performed {
        let label = Label::new(&self.job.label_prefix, &self.job.id, generation);
        let (mut calls, mut incomplete) = (Vec::new(), Vec::new());
        for batch in self.batches(keys) {
            let mut values = Vec::new();
            for (key, target) in &batch {
                match self.value_for(target) {
                    Ok(value) => values.push(value),
                    Err(why) => {
                        let entry = target.noun();
                        let incomplete_value = diagnostics::Run::CannotAssemble { entry, why };
                        incomplete.push(Failure::new(Subject::Target((*key).clone()), incomplete_value));
                    }
                }
            }
            if values.len() == batch.len() {
                calls.push((batch, values));
            }
        }
        if !incomplete.is_empty() && !self.goes_on() {
            return Err(incomplete);
        }
        let run = &*self;
        let writes = calls.into_iter().map(|(batch, values)| {
            let keys: Vec<String> = batch.iter().map(|(key, _)| (*key).clone()).collect();
            let order = run.write_order(&batch, values, &label);
            let first = batch.first().map(|(_, first)| *first);
            async move {
                match first {
                    Some(first) => (keys, run.write(first, order).await),
                    None => (keys, Ok(Vec::new())),
                }
            }
        });
        let ended = join_all(writes.collect::<Vec<_>>()).await;
        self.session.reading = None;
        let mut failures = incomplete;
        for (keys, result) in ended {
            self.record_delivery(generation, &keys, result, &mut failures);
        }
        self.failed(failures)
    }

    /// What a batch is written from, whoever makes the call.
    fn write_order(&self, batch: &Batch<'_>, values: Vec<Secret>, label: &Label) -> WriteOrder {
        let (primary, origin) = (self.job.source.primary(), self.job.source.spec.origin());
        let generated = self.job.source.traits().generated;
        let entries = batch.iter().zip(values).map(|((_, target), value)| WrittenEntry {
            slot: target.slot.clone(),
            value,
            label: label.clone(),
            content: target.spec.content.in_mark(primary).map(str::to_owned),
            origin: origin.clone(),
            generated,
        });
        WriteOrder {
            entries: entries.collect(),
        }
    }

    /// Writes a batch: together with what other applies write to its container now, where there is a call for that.
    async fn write(&self, target: &JobTarget, order: WriteOrder) -> Result<Vec<Receipt>, CallError> {
        let (adapter, permit) = (target.adapter.as_ref(), self.permit);
        let write = |orders, stop| async move { bulk::write(adapter, orders, &stop, permit).await };
        match (&self.participant, target.container()) {
            (Some(participant), Some(container)) => {
                participant.gather(self.job.clock).await;
                participant
                    .share(&write_of(&container), order, self.terms(), write)
                    .await
            }
            _ => {
                let mut alone = write(vec![order], self.stop.clone()).await;
                alone.pop().unwrap_or_else(WriteOrder::lost)
            }
        }
    }

    fn record_delivery(
        &mut self,
        generation: u64,
        keys: &[String],
        result: Result<Vec<Receipt>, CallError>,
        failures: &mut Vec<Failure>,
    ) {
        let now = self.job.clock.now();
        match result {
            Ok(receipts) => {
                self.outcome.delivered = true;
                for (key, receipt) in keys.iter().zip(receipts) {
                    let activation = self
                        .job
                        .targets
                        .get(key)
                        .map(|target| target.spec.config.traits().activation);
                    let wave = self.goal.targets.get(key).map(|target| target.wave);
                    self.outcome.ledger.record(Event::Delivered {
                        target: key.clone(),
                        generation,
                        revision: receipt.revision,
                        at: receipt.written_at.unwrap_or(now),
                        staged: activation != Some(Activation::Later)
                            || wave.is_some_and(|wave| self.job.activates(wave)),
                    });
                    self.session.written.insert(key.clone());
                    self.session.activated.remove(key);
                    if let Some(wave) = wave {
                        self.session.checked.remove(&wave);
                    }
                }
            }
            Err(error) if error.kind == CallErrorKind::Interrupted => self.outcome.interrupted = true,
            Err(error) => {
                for key in keys {
                    if error.effect == Effect::Possible {
                        self.outcome.delivered = true;
                        let target = key.clone();
                        self.outcome.ledger.record(Event::Unanswered { target, generation });
                    }
                    failures.push(Failure::of_call(Subject::Target(key.clone()), &error));
                }
            }
        }
    }
}
