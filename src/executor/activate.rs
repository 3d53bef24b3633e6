//! Making a wave live: what its targets need for that, then its activations.

use futures::future::join_all;

use super::{Failure, JobActivation, Performed, Run, Subject};
use crate::call::{CallError, CallErrorKind};
use crate::check::CheckFailure;
use crate::diagnostics;
use crate::rotation::{DeliveryStatus, Event};
use crate::secret::Parts;
use crate::stop::Stop;
use crate::target::{Activated, Activation};

impl Run<'_> {
    /// Makes these targets of one wave live, one batch beside the other. Then its activations run, if a target waits for them.
    pub(super) async fn activate(&mut self, keys: &[String]) -> Performed {
        let staged: Vec<String> = keys.iter().filter(|key| self.is_staged(key)).cloned().collect();
        let ended = self.activate_targets(keys).await;
        self.session.reading = None;
        let wave = keys
            .iter()
            .find_map(|key| self.goal.targets.get(key))
            .map(|target| target.wave);
        let wave = wave.filter(|wave| !staged.is_empty() && self.job.activates(*wave));
        let Some(wave) = wave else {
            return self.record_activations(ended, None);
        };
        let held_up = ended
            .iter()
            .any(|(key, result)| staged.contains(key) && !self.is_live(key, result));
        if held_up && !self.goes_on() {
            return self.record_activations(ended, Some("delivered, but not activated"));
        }
        match self.run_activations(wave).await {
            Ok(()) => self.record_activations(ended, None),
            Err(mut failures) => {
                let recorded = self.record_activations(ended, Some("delivered, but not activated"));
                if self.goes_on() {
                    // Nobody else is held up by it.
                    self.session.failed.extend(staged);
                    self.outcome.failures.append(&mut failures);
                    return recorded;
                }
                failures.extend(recorded.err().unwrap_or_default());
                Err(failures)
            }
        }
    }

    fn is_staged(&self, key: &str) -> bool {
        self.outcome.ledger.status(key) == Some(DeliveryStatus::Staged)
    }

    fn is_live(&self, key: &str, result: &Result<Activated, CallError>) -> bool {
        match result {
            Ok(Activated::Live | Activated::Unproved(_)) => true,
            Ok(Activated::Stopped(_)) => false,
            // The value is in place; what could not be done beside it is repeated.
            Err(error) => error.kind != CallErrorKind::Interrupted && self.is_loaded_later(key),
        }
    }

    /// Whether consumers load what that target holds in their own time.
    fn is_loaded_later(&self, key: &str) -> bool {
        let known = self.job.targets.get(key);
        known.is_some_and(|known| known.spec.config.traits().activation == Activation::Later)
    }

    /// What each target needs to go live.
    async fn activate_targets(&self, keys: &[String]) -> Vec<(String, Result<Activated, CallError>)> {
        let stop = self.stop_of_activations();
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
            let stop = &stop;
            Some(async move { (keys, first.adapter.activate(newest.as_deref(), stop, permit).await) })
        });
        let ended = join_all(calls.collect::<Vec<_>>()).await;
        let each = ended
            .into_iter()
            .flat_map(|(keys, result)| keys.into_iter().map(move |key| (key, result.clone())));
        each.collect()
    }

    /// Once the old value is dead, an interrupt leaves no consumer with it.
    fn stop_of_activations(&self) -> Stop {
        if self.old_value_is_dead() {
            Stop::default()
        } else {
            self.stop.clone()
        }
    }

    /// The activations of a wave, one beside the other. Equal ones of several applies run once.
    async fn run_activations(&mut self, wave: u64) -> Performed {
        let stop = self.stop_of_activations();
        let parts = self.parts.as_ref().map(Parts::share);
        let of_wave = self
            .job
            .activations
            .iter()
            .filter(|(_, known)| known.spec.wave() == wave);
        let runs = of_wave.map(|(key, known)| {
            let (run, stop, parts) = (&*self, &stop, parts.as_ref());
            async move { (key.clone(), run.run_activation(known, parts, stop).await) }
        });
        let ended = join_all(runs.collect::<Vec<_>>()).await;
        let mut failures = Vec::new();
        let mut interrupted = false;
        for (key, result) in ended {
            match result {
                Ok(()) => {}
                Err(failure) if failure.interrupted => interrupted = true,
                Err(failure) => {
                    let (activation, why) = (key.clone(), failure.message);
                    let failed = diagnostics::Run::ActivationFailed { activation, why };
                    failures.push(Failure::new(Subject::Activation(key), failed));
                }
            }
        }
        self.outcome.interrupted |= interrupted;
        match failures.is_empty() && !interrupted {
            true => Ok(()),
            false => Err(failures),
        }
    }

    async fn run_activation(
        &self,
        known: &JobActivation,
        parts: Option<&Parts>,
        stop: &Stop,
    ) -> Result<(), CheckFailure> {
        let (run, patience) = (&known.run, known.spec.run.patience);
        if run.lacks(parts) && !known.spec.run.parts.is_empty() {
            return Err(CheckFailure {
                message: "It needs the value of the new credential, which could not be recovered.".to_owned(),
                interrupted: false,
            });
        }
        let work = || run.adapter.run(parts, patience, stop, self.permit);
        match (&self.participant, &known.spec.equal_work) {
            (Some(participant), Some(equal)) => participant.share(equal, work, stop).await,
            _ => work().await,
        }
    }

    /// Takes in how the targets' own part went. With `waits`, none of them is live yet, for that reason.
    fn record_activations(
        &mut self,
        ended: Vec<(String, Result<Activated, CallError>)>,
        waits: Option<&str>,
    ) -> Performed {
        let mut failures = Vec::new();
        for (target, result) in ended {
            match waits {
                Some(why) if self.is_live(&target, &result) && self.is_staged(&target) => {
                    let detail = why.to_owned();
                    self.outcome.ledger.record(Event::Remark { target, detail });
                }
                _ => self.record_activation(target, &result, &mut failures),
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
        let later = self.is_loaded_later(&target);
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
                self.outcome.untagged.insert(target.clone());
                self.outcome.ledger.record(Event::WentLive { target });
            }
            Err(error) => {
                let detail = "published, but not live".to_owned();
                failures.push(Failure::of_call(Subject::Target(target.clone()), error));
                self.outcome.ledger.record(Event::Remark { target, detail });
            }
        }
    }
}
