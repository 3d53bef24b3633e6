//! Waiting between waves: `lead`.

use std::time::Duration;

use super::{Performed, Run};
use crate::rotation::{DeliveryStatus, Event, Lead};

impl Run<'_> {
    /// Notes when these targets went live, as far as they did: a lead counts from then.
    pub(super) fn note_live(&mut self, keys: &[String]) {
        let now = self.job.clock.now();
        self.session.now = None;
        for key in keys {
            let status = self.outcome.ledger.status(key);
            if status == Some(DeliveryStatus::Current) {
                self.session.live_at.insert(key.clone(), now);
            }
        }
    }

    /// Waits until a lead has ended. An interrupt ends it at once, and a later run waits for the rest.
    pub(super) async fn await_lead(&mut self, lead: &Lead) -> Performed {
        let now = self.job.clock.now();
        let left = lead.until.duration_since(now);
        let left = Duration::try_from(left).unwrap_or(Duration::ZERO);
        let secret = &self.job.id;
        tracing::info!(%secret, "waiting {} s before the next wave", left.as_secs());
        tokio::select! {
            () = self.stop.wait() => {
                self.outcome.interrupted = true;
                tracing::info!(%secret, "interrupted before the next wave");
            }
            () = self.job.clock.sleep(left) => {
                self.session.now = Some(now.max(lead.until));
                tracing::info!(%secret, "going on with the next wave");
            }
        }
        Ok(())
    }

    /// Leaves the next wave to a later run.
    pub(super) fn pause(&mut self, lead: &Lead) {
        self.session.paused = true;
        self.outcome.ledger.record(Event::Paused { until: lead.until });
    }
}
