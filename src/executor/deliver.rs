//! Writing a wave: the targets of one batch in one call, all batches of the wave at once, then making them live.

use std::collections::BTreeMap;

use futures::future::join_all;

use super::{Failure, JobTarget, Performed, Run, Subject, response_guard};
use crate::call::{CallError, CallErrorKind, Effect};
use crate::diagnostics;
use crate::label::Label;
use crate::rotation::Event;
use crate::secret::Secret;
use crate::stop::Stop;
use crate::target::{Activated, Activation, Delivery, Receipt};

/// The keys and targets of one batch.
type Batch<'a> = Vec<(&'a String, &'a JobTarget)>;

impl Run<'_> {
    /// The value as that target holds it.
    pub(super) fn value_for(&self, target: &JobTarget) -> Result<Secret, String> {
        let parts = self.parts.as_ref().ok_or("the value is not in memory")?;
        target.spec.content.of(parts)
    }

    fn batches<'k>(&'k self, keys: &'k [String]) -> Vec<Batch<'k>> {
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
                        staged: activation != Some(Activation::Later),
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

    /// Makes these targets live, one batch beside the other.
    pub(super) async fn activate(&mut self, keys: &[String]) -> Performed {
        // Once the old value is dead, an interrupt leaves no machine with it.
        let deaf = Stop::default();
        let stop = if self.old_value_is_dead() { &deaf } else { self.stop };
        let permit = self.permit;
        let ledger = &self.outcome.ledger;
        let calls = self.batches(keys).into_iter().filter_map(|batch| {
            let mut delivered: Vec<_> = batch.iter().filter_map(|(key, _)| ledger.delivery(key)).collect();
            delivered.sort_by_key(|delivery| delivery.delivered_at);
            let revisions: Vec<&str> = delivered
                .iter()
                .filter_map(|delivery| delivery.revision.as_deref())
                .collect();
            let first = batch.first().map(|(_, target)| *target)?;
            let newest = first.adapter.newest(&revisions).map(str::to_owned);
            let keys: Vec<String> = batch.iter().map(|(key, _)| (*key).clone()).collect();
            Some(async move { (keys, first.adapter.activate(newest.as_deref(), stop, permit).await) })
        });
        let ended = join_all(calls.collect::<Vec<_>>()).await;
        self.session.reading = None;
        let mut failures = Vec::new();
        for (keys, result) in ended {
            for target in keys {
                self.record_activation(target, &result, &mut failures);
            }
        }
        self.failed(failures)
    }

    fn unproved(&self, target: &str, why: &str) -> Failure {
        let noun = self.job.targets.get(target).map(|known| known.noun());
        let unproved = diagnostics::Run::CannotProveLive {
            entry: noun.unwrap_or_default(),
            why: why.to_owned(),
        };
        Failure::new(Subject::Target(target.to_owned()), unproved)
    }

    fn record_activation(
        &mut self,
        target: String,
        result: &Result<Activated, CallError>,
        failures: &mut Vec<Failure>,
    ) {
        let later = self
            .job
            .targets
            .get(&target)
            .map(|known| known.spec.config.traits().activation)
            == Some(Activation::Later);
        match result {
            Ok(live @ (Activated::Live | Activated::Unproved(_))) => {
                if let Activated::Unproved(why) = live {
                    self.outcome.warnings.push(self.unproved(&target, why));
                }
                self.session.activated.insert(target.clone());
                self.outcome.ledger.record(Event::WentLive { target });
            }
            Ok(Activated::Stopped(detail)) => {
                let detail = detail.clone();
                self.outcome.ledger.record(Event::Remark { target, detail });
                self.outcome.interrupted = true;
            }
            Err(error) if error.kind == CallErrorKind::Interrupted => self.outcome.interrupted = true,
            // The value is in place: what could not be done beside it holds nothing back, and is repeated by the next apply.
            Err(error) if later => {
                self.outcome
                    .failures
                    .push(Failure::of_call(Subject::Target(target.clone()), error));
                self.session.activated.insert(target.clone());
                self.outcome.untagged.insert(target);
            }
            Err(error) => {
                let detail = "published, but not live".to_owned();
                failures.push(Failure::of_call(Subject::Target(target.clone()), error));
                self.outcome.ledger.record(Event::Remark { target, detail });
            }
        }
    }
}
