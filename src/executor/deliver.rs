//! Writing a wave: the targets of one batch in one call, all batches of the wave at once, then making them live.

use std::collections::BTreeMap;

use futures::future::join_all;

use super::{Failure, JobTarget, Performed, Run, Site, told};
use crate::call::{CallError, CallErrorKind, Effect};
use crate::label::Label;
use crate::rotation::DeliveryStatus;
use crate::secret::Secret;
use crate::target::{Activated, Activation, Delivery, Receipt};

/// The keys and targets of one batch.
type Batch<'a> = Vec<(&'a String, &'a JobTarget)>;

impl Run<'_> {
    /// The value as that target holds it.
    pub(super) fn value_for(&self, target: &JobTarget) -> Result<Secret, String> {
        let parts = self.parts.as_ref().ok_or("the value is not in memory")?;
        if let Some(template) = &target.template {
            return template
                .render(self.job.primary, parts)
                .map_err(|error| format!("{error}."));
        }
        let part = if target.part == "value" {
            self.job.primary
        } else {
            target.part.as_str()
        };
        let value = parts
            .get(part)
            .ok_or_else(|| format!("The credential came without the part {part:?}."))?;
        if value.is_empty() {
            return Err(format!(
                "The part {part:?} is empty, and an empty value is never published."
            ));
        }
        Ok(value.share())
    }

    fn batches<'k>(&'k self, keys: &'k [String]) -> Vec<Batch<'k>> {
        let mut batches: BTreeMap<&str, Batch<'k>> = BTreeMap::new();
        for key in keys {
            if let Some(target) = self.job.targets.get(key) {
                batches.entry(target.batch.as_str()).or_default().push((key, target));
            }
        }
        batches.into_values().collect()
    }

    /// Writes the generation to these targets.
    pub(super) async fn deliver(&mut self, generation: u64, keys: &[String]) -> Performed {
        let label = Label::new(&self.job.label_prefix, &self.job.id, generation);
        let mut calls = Vec::new();
        for batch in self.batches(keys) {
            let mut values = Vec::new();
            for (key, target) in &batch {
                let value = self.value_for(target).map_err(|missing| {
                    vec![Failure {
                        site: Site::Target((*key).clone()),
                        summary: format!("The value for {} cannot be put together", target.slot),
                        detail: missing,
                    }]
                })?;
                values.push(value);
            }
            calls.push((batch, values));
        }
        let (permit, primary, origin) = (self.permit, self.job.primary, self.job.origin.as_str());
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
                        content: target.content(primary),
                        origin,
                    })
                    .collect();
                let keys = batch.iter().map(|(key, _)| (*key).clone()).collect();
                let result = match batch.first() {
                    Some((_, first)) => first.target.deliver(&deliveries, permit).await,
                    None => Ok(Vec::new()),
                };
                (keys, told::receipts(result, values))
            }))
            .await;
        let mut failures = Vec::new();
        for (keys, result) in ended {
            self.record_delivery(generation, &keys, result, &mut failures);
        }
        if failures.is_empty() { Ok(()) } else { Err(failures) }
    }

    fn record_delivery(
        &mut self,
        generation: u64,
        keys: &[String],
        result: Result<Vec<Receipt>, CallError>,
        failures: &mut Vec<Failure>,
    ) {
        let now = self.job.clock.now();
        let newest_before = self.outcome.ledger.generation;
        match result {
            Ok(receipts) => {
                self.outcome.delivered = true;
                for (key, receipt) in keys.iter().zip(receipts) {
                    let later = self.job.targets.get(key).map(|target| target.traits.activation);
                    let wave = self.goal.targets.get(key).map(|target| target.wave);
                    if let Some(delivery) = self.outcome.ledger.deliveries.get_mut(key) {
                        delivery.generation = Some(generation);
                        delivery.status = if later == Some(Activation::Later) {
                            DeliveryStatus::Current
                        } else {
                            DeliveryStatus::Staged
                        };
                        delivery.revision = receipt.revision;
                        delivery.delivered_at = Some(now);
                        delivery.detail = None;
                    }
                    self.session.written.insert(key.clone());
                    if let Some(wave) = wave {
                        self.session.checked.remove(&wave);
                    }
                }
            }
            Err(error) => {
                for key in keys {
                    if error.effect == Effect::Possible {
                        self.outcome.delivered = true;
                        if let Some(delivery) = self.outcome.ledger.deliveries.get_mut(key) {
                            delivery.status = DeliveryStatus::Unknown;
                            delivery.detail =
                                Some(format!("the answer to writing generation {newest_before} was lost"));
                        }
                    }
                    failures.push(Failure::of_call(Site::Target(key.clone()), &error));
                }
            }
        }
    }

    /// Makes these targets live, one batch beside the other.
    pub(super) async fn activate(&mut self, keys: &[String]) -> Performed {
        let (stop, permit) = (self.stop, self.permit);
        let ledger = &self.outcome.ledger;
        let calls = self.batches(keys).into_iter().filter_map(|batch| {
            let mut delivered: Vec<_> = batch
                .iter()
                .filter_map(|(key, _)| ledger.deliveries.get(*key))
                .collect();
            delivered.sort_by_key(|delivery| delivery.delivered_at);
            let revisions: Vec<&str> = delivered
                .iter()
                .filter_map(|delivery| delivery.revision.as_deref())
                .collect();
            let first = batch.first().map(|(_, target)| *target)?;
            let newest = first.target.newest(&revisions).map(str::to_owned);
            let keys: Vec<String> = batch.iter().map(|(key, _)| (*key).clone()).collect();
            Some(async move { (keys, first.target.activate(newest.as_deref(), stop, permit).await) })
        });
        let ended = join_all(calls.collect::<Vec<_>>()).await;
        let mut failures = Vec::new();
        for (keys, result) in ended {
            for key in keys {
                let Some(delivery) = self.outcome.ledger.deliveries.get_mut(&key) else {
                    continue;
                };
                match &result {
                    Ok(live @ (Activated::Live | Activated::Unproved(_))) => {
                        if let Activated::Unproved(why) = live {
                            self.outcome.warnings.push(Failure {
                                summary: format!("Cannot prove that {} is live everywhere", delivery.slot),
                                site: Site::Target(key.clone()),
                                detail: why.clone(),
                            });
                        }
                        delivery.status = DeliveryStatus::Current;
                        delivery.detail = None;
                        self.session.activated.insert(key);
                    }
                    Ok(Activated::Stopped(detail)) => {
                        delivery.detail = Some(detail.clone());
                        self.outcome.interrupted = true;
                    }
                    Err(error) if error.kind == CallErrorKind::Interrupted => self.outcome.interrupted = true,
                    Err(error) => {
                        delivery.detail = Some("published, but not live".to_owned());
                        failures.push(Failure::of_call(Site::Target(key), error));
                    }
                }
            }
        }
        if failures.is_empty() { Ok(()) } else { Err(failures) }
    }
}
