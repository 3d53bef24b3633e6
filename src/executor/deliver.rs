//! Writing a wave: the targets of one batch in one call, all batches of the wave at once.

use std::collections::BTreeMap;

use futures::future::join_all;

use super::{Failure, JobTarget, Performed, Run, Subject, response_guard};
use crate::call::{CallError, Effect};
use crate::diagnostics;
use crate::label::Label;
use crate::rotation::Event;
use crate::secret::Secret;
use crate::target::{Activation, Delivery, Receipt};

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
        let (permit, primary, origin) = (self.permit, self.job.source.primary(), self.job.source.spec.origin());
        let origin = origin.as_str();
        let label = &label;
        let ended: Vec<(Vec<String>, Result<Vec<Receipt>, CallError>)> =
            join_all(calls.iter().map(|(batch, values)| async move {
                let deliveries: Vec<Delivery<'_>> = batch
                    .iter()
                    .zip(values)
                    .map(|((_, target), value)| Delivery {
                        slot: target.slot.clone(),
                        value,
                        label,
                        content: target.spec.content.in_mark(primary),
                        origin,
                    })
                    .collect();
                let keys = batch.iter().map(|(key, _)| (*key).clone()).collect();
                let result = match batch.first() {
                    Some((_, first)) => first.adapter.deliver(&deliveries, permit).await,
                    None => Ok(Vec::new()),
                };
                (keys, response_guard::receipts(result, values))
            }))
            .await;
        self.session.reading = None;
        let mut failures = incomplete;
        for (keys, result) in ended {
            self.record_delivery(generation, &keys, result, &mut failures);
        }
        self.failed(failures)
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
