//! Making a wave live: what its targets need for that, then its activations.

use futures::future::join_all;

use super::job::{activation_of, roll_of};
use super::shared_work::{ActivationOrder, Order as _, RollOrder};
use super::{Failure, JobActivation, JobTarget, Performed, Run, Subject};
use crate::call::{CallError, CallErrorKind};
use crate::check::CheckFailure;
use crate::diagnostics;
use crate::rotation::{DeliveryStatus, Event, Task};
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
        let calls = self.batches(keys).into_iter().filter_map(|batch| {
            let first = batch.first().map(|(_, target)| *target)?;
            let delivered = batch.iter().filter_map(|(key, _)| self.outcome.ledger.delivery(key));
            let delivered = delivered.filter_map(|known| Some((known.delivered_at, known.revision.clone()?)));
            let order = RollOrder {
                delivered: delivered.collect(),
            };
            let keys: Vec<String> = batch.iter().map(|(key, _)| (*key).clone()).collect();
            Some(async move { (keys, self.make_live(first, order).await) })
        });
        let ended = join_all(calls.collect::<Vec<_>>()).await;
        let each = ended
            .into_iter()
            .flat_map(|(keys, result)| keys.into_iter().map(move |key| (key, result.clone())));
        each.collect()
    }

    /// Makes a batch live: together with what other applies have written to its container.
    async fn make_live(&self, target: &JobTarget, order: RollOrder) -> Result<Activated, CallError> {
        let (adapter, permit) = (target.adapter.as_ref(), self.permit);
        let run = |orders: Vec<RollOrder>, stop: Stop| async move {
            let all = orders.len();
            let mut delivered: Vec<_> = orders.into_iter().flat_map(|order| order.delivered).collect();
            delivered.sort_by_key(|(at, _)| *at);
            let revisions: Vec<&str> = delivered.iter().map(|(_, revision)| revision.as_str()).collect();
            let result = adapter.activate(adapter.newest(&revisions), &stop, permit).await;
            vec![result; all]
        };
        let terms = self.terms();
        match (&self.participant, target.container()) {
            (Some(participant), Some(container)) => participant.share(&roll_of(&container), order, terms, run).await,
            _ => {
                let mut alone = run(vec![order], terms.stop_of_its_own()).await;
                alone.pop().unwrap_or_else(RollOrder::lost)
            }
        }
    }

    /// The activations of a wave, one beside the other. Equal ones of several applies run once.
    async fn run_activations(&mut self, wave: u64) -> Performed {
        let parts = self.parts.as_ref().map(Parts::share);
        let of_wave = self
            .job
            .activations
            .iter()
            .filter(|(_, known)| known.spec.wave() == wave);
        let runs = of_wave.map(|(key, known)| {
            let (run, parts) = (&*self, parts.as_ref());
            async move { (key.clone(), run.run_activation(known, parts).await) }
        });
        let ended = join_all(runs.collect::<Vec<_>>()).await;
        let generation = self.outcome.ledger.generation();
        let begun = ended.iter().map(|(key, _)| Task::Activation(generation, key.clone()));
        self.outcome.begun.extend(begun);
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

    async fn run_activation(&self, known: &JobActivation, parts: Option<&Parts>) -> Result<(), CheckFailure> {
        let (run, patience) = (&known.run, known.spec.run.patience);
        if run.lacks(parts) && !known.spec.run.parts.is_empty() {
            return Err(CheckFailure {
                message: "It needs the value of the new credential, which could not be recovered.".to_owned(),
                interrupted: false,
            });
        }
        let permit = self.permit;
        let terms = self.terms();
        let work = |stop: Stop| async move { run.adapter.run(parts, patience, &stop, permit).await };
        match (&self.participant, &known.spec.equal_work) {
            (Some(participant), Some(equal)) => {
                let for_all = |orders: Vec<ActivationOrder>, stop| async move { vec![work(stop).await; orders.len()] };
                participant
                    .share(&activation_of(equal), ActivationOrder, terms, for_all)
                    .await
            }
            _ => work(terms.stop_of_its_own()).await,
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
