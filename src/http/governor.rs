//! Keeps one host from being asked too much at once: at most [`AT_ONCE`] requests, none while it has asked us to wait.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::pace::{Allowance, Pace};
use crate::clock::{Clock, Deadline};

/// Requests to one host at a time.
const AT_ONCE: usize = 8;

/// The hosts called so far.
#[derive(Default)]
pub(super) struct Governor(Mutex<BTreeMap<String, Host>>);

struct Host {
    slots: Arc<Semaphore>,
    closed_until: Option<Deadline>,
    pace: Arc<Pace>,
    allowances: Arc<[Allowance]>,
}

impl Governor {
    /// Waits for a slot at `host`; the slot is free again when the permit is dropped.
    pub(super) async fn enter(&self, host: &str, clock: &Clock) -> Option<OwnedSemaphorePermit> {
        let slots = self.with(host, |host| Arc::clone(&host.slots));
        let permit = slots.acquire_owned().await.ok();
        let wait = self.with(host, |host| host.closed_until.map(|until| until.remaining()));
        if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
            clock.sleep(wait).await;
        }
        // The first to come through opens the host for all.
        let opened = self.with(host, |host| host.closed_until.take_if(|until| until.passed()));
        if opened.is_some() {
            tracing::info!(host, "going on with requests");
        }
        permit
    }

    /// Holds requests to `host` back for `wait`.
    pub(super) fn close(&self, host: &str, wait: Duration, clock: &Clock) {
        tracing::info!(host, "waiting {:.1} s, as it asked for", wait.as_secs_f64());
        self.with(host, |host| {
            let longer = host.closed_until.is_none_or(|until| until.remaining() < wait);
            if longer {
                host.closed_until = Some(clock.deadline(wait));
            }
        });
    }

    /// Declares how many writes `host` takes.
    pub(super) fn limit(&self, host: &str, allowances: Arc<[Allowance]>) {
        self.with(host, |host| host.allowances = allowances);
    }

    /// The writes to `host` so far, and how many it takes.
    pub(super) fn pace(&self, host: &str) -> (Arc<Pace>, Arc<[Allowance]>) {
        self.with(host, |host| (Arc::clone(&host.pace), Arc::clone(&host.allowances)))
    }

    fn with<T>(&self, host: &str, act: impl FnOnce(&mut Host) -> T) -> T {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        act(hosts.entry(host.to_owned()).or_insert_with(|| Host {
            slots: Arc::new(Semaphore::new(AT_ONCE)),
            closed_until: None,
            pace: Arc::default(),
            allowances: Arc::default(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_ninth_request_to_one_host_waits_and_other_hosts_do_not() {
        let governor = Governor::default();
        let clock = Clock::default();
        let mut permits = Vec::new();
        for _ in 0..AT_ONCE {
            permits.push(governor.enter("a:443", &clock).await);
        }
        let ninth = tokio::time::timeout(Duration::from_millis(20), governor.enter("a:443", &clock)).await;
        assert!(ninth.is_err());
        assert!(governor.enter("b:443", &clock).await.is_some());
        permits.pop();
        assert!(governor.enter("a:443", &clock).await.is_some());
    }

    #[tokio::test]
    async fn a_host_that_asked_us_to_wait_is_left_alone_meanwhile() {
        let governor = Governor::default();
        let clock = Clock::default();
        governor.close("a:443", Duration::from_millis(50), &clock);
        let before = clock.deadline(Duration::from_millis(50));
        drop(governor.enter("a:443", &clock).await);
        assert!(before.passed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_shorter_wait_does_not_end_a_longer_one() {
        let (governor, clock) = (Governor::default(), Clock::default());
        let longer = clock.deadline(Duration::from_secs(60));
        governor.close("a:443", Duration::from_secs(60), &clock);
        governor.close("a:443", Duration::from_secs(1), &clock);
        drop(governor.enter("a:443", &clock).await);
        assert!(longer.passed());
    }
}
