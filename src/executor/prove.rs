//! Running checks, and remembering how they ended.

use std::sync::Arc;

use futures::future::join_all;

use super::{Failure, JobCheck, Performed, Proof, Run, Subject};
use crate::check::Presents;
use crate::diagnostics;
use crate::rotation::Task;
use crate::secret::Parts;
use crate::spec::When;

impl Run<'_> {
    /// The checks before anything is minted.
    pub(super) async fn preflight(&mut self) -> Performed {
        // What an interrupted run has delivered already is the new credential, not the previous one.
        let coming = self.goal.generation.unwrap_or(self.outcome.ledger.generation());
        self.fetch_previous(coming, |_| true).await;
        self.prove(When::Preflight).await?;
        self.session.preflight_passed = true;
        Ok(())
    }

    /// The checks of a wave.
    pub(super) async fn check(&mut self, wave: u64) -> Performed {
        let newest = self.outcome.ledger.generation();
        self.fetch_previous(newest, |when| when == When::Wave(wave)).await;
        self.prove(When::Wave(wave)).await?;
        self.session.checked.insert(wave);
        Ok(())
    }

    /// The checks after a revocation.
    pub(super) async fn check_revoked(&mut self) -> Performed {
        // What is still alive is not what was revoked; the oldest end first.
        let ledger = &self.outcome.ledger;
        let oldest_alive = ledger.superseded().first().copied().unwrap_or(ledger.generation());
        self.fetch_previous(oldest_alive, |when| when == When::Revoked).await;
        self.prove(When::Revoked).await?;
        self.session.revoked_checked = true;
        Ok(())
    }

    async fn prove(&mut self, when: When) -> Performed {
        let (stop, permit, clock) = (self.stop, self.permit, self.job.clock);
        let new = Arc::new(self.parts.as_ref().map(Parts::share));
        let previous = Arc::new(self.previous.as_ref().map(Parts::share));
        let chosen: Vec<(&String, &JobCheck)> = self
            .job
            .checks
            .iter()
            .filter(|(_, check)| check.spec.when == when)
            .collect();
        let mut failures = Vec::new();
        let mut runs = Vec::new();
        for (key, check) in chosen {
            let parts = match check.presents() {
                Presents::New => Arc::clone(&new),
                Presents::Previous => Arc::clone(&previous),
                Presents::Nothing => Arc::new(None),
            };
            if check.lacks(parts.as_ref().as_ref()) {
                match self.unpresentable(key, check.presents()) {
                    Ok(warning) => self.outcome.warnings.extend(warning),
                    Err(failure) => failures.push(failure),
                }
                continue;
            }
            runs.push(async move {
                let began = clock.now();
                let result = check
                    .adapter
                    .run(parts.as_ref().as_ref(), check.spec.patience, stop, permit)
                    .await;
                let seconds = clock.now().duration_since(began).as_secs().max(0).unsigned_abs();
                (key, seconds, result)
            });
        }
        let generation = self.outcome.ledger.generation();
        for (key, seconds, result) in join_all(runs).await {
            self.outcome.begun.insert(Task::Check(generation, key.clone()));
            self.outcome.proofs.push(Proof {
                check: key.clone(),
                passed: result.is_ok(),
                seconds,
            });
            match result {
                Ok(()) => {}
                Err(failure) if failure.interrupted => self.outcome.interrupted = true,
                Err(failure) => {
                    let failed = diagnostics::Run::CheckFailed {
                        check: key.clone(),
                        why: failure.message,
                    };
                    failures.push(Failure::new(Subject::Check(key.clone()), failed));
                }
            }
        }
        if !failures.is_empty() {
            return Err(failures);
        }
        Ok(())
    }

    /// What becomes of a check whose credential is not at hand. One that could not be fetched fails it; one that nobody has any
    /// more, after a run that was cut off, must not hold the secret up for ever.
    fn unpresentable(&self, check: &str, presents: Presents) -> Result<Option<Failure>, Failure> {
        let site = Subject::Check(check.to_owned());
        if presents == Presents::Previous {
            if let Some(why) = &self.previous_lost {
                let unfetched = diagnostics::Run::CheckWithoutPrevious {
                    check: check.to_owned(),
                    why: why.to_string(),
                };
                return Err(Failure::new(site, unfetched));
            }
            // The first generation follows none.
            let first = self.outcome.ledger.generation() <= 1 && !self.session.revoked;
            if first {
                return Ok(None);
            }
        }
        let whose = match presents {
            Presents::Previous => "previous",
            Presents::New | Presents::Nothing => "new",
        };
        let skipped = diagnostics::Run::CheckSkipped {
            check: check.to_owned(),
            whose: whose.into(),
        };
        Ok(Some(Failure::new(site, skipped)))
    }
}
