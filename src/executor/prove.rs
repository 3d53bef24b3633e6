//! Running checks, and remembering how they ended.

use std::sync::Arc;

use futures::future::join_all;

use super::{Failure, JobCheck, Performed, Proof, Run, Site, When};
use crate::check::Presents;
use crate::secret::Parts;

impl Run<'_> {
    /// The checks before anything is minted.
    pub(super) async fn preflight(&mut self) -> Performed {
        self.fetch_previous().await;
        self.prove(When::Preflight).await?;
        self.session.preflight_passed = true;
        Ok(())
    }

    /// The checks of a wave.
    pub(super) async fn check(&mut self, wave: u64) -> Performed {
        self.prove(When::Wave(wave)).await?;
        self.session.checked.insert(wave);
        Ok(())
    }

    /// The checks after a revocation.
    pub(super) async fn check_revoked(&mut self) -> Performed {
        self.prove(When::Revoked).await?;
        self.session.revoked_checked = true;
        Ok(())
    }

    async fn prove(&mut self, when: When) -> Performed {
        let (stop, permit, clock) = (self.stop, self.permit, self.job.clock);
        let new = Arc::new(self.parts.as_ref().map(Parts::share));
        let previous = Arc::new(self.previous.as_ref().map(Parts::share));
        let chosen: Vec<(&String, &JobCheck)> =
            self.job.checks.iter().filter(|(_, check)| check.when == when).collect();
        let mut failures = Vec::new();
        let mut runs = Vec::new();
        for (key, check) in chosen {
            let parts = match check.presents {
                Presents::New => Arc::clone(&new),
                Presents::Previous => Arc::clone(&previous),
                Presents::Nothing => Arc::new(None),
            };
            // On the first generation there is no previous credential that could be presented.
            if check.presents == Presents::Previous && parts.is_none() {
                if self.outcome.ledger.superseded().is_empty() && !self.session.revoked {
                    continue;
                }
                failures.push(Failure {
                    site: Site::Check(key.clone()),
                    summary: format!("Check {key:?} could not run"),
                    detail:
                        "It presents the previous credential, whose value could not be had again. Nothing was revoked."
                            .to_owned(),
                });
                continue;
            }
            runs.push(async move {
                let began = clock.now();
                let result = check
                    .check
                    .run(parts.as_ref().as_ref(), check.patience, stop, permit)
                    .await;
                let seconds = clock.now().duration_since(began).as_secs().max(0).unsigned_abs();
                (key, seconds, result)
            });
        }
        for (key, seconds, result) in join_all(runs).await {
            self.outcome.proofs.push(Proof {
                check: key.clone(),
                passed: result.is_ok(),
                seconds,
            });
            match result {
                Ok(()) => {}
                Err(failure) if failure.interrupted => self.outcome.interrupted = true,
                Err(failure) => failures.push(Failure {
                    site: Site::Check(key.clone()),
                    summary: format!("Check {key:?} did not pass"),
                    detail: failure.message,
                }),
            }
        }
        if !failures.is_empty() {
            return Err(failures);
        }
        Ok(())
    }
}
