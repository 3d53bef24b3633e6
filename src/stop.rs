//! The request to end after the call in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Set by Terraform's `StopProvider` (Ctrl-C); looked at between steps, never in the middle of a call.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    requested: AtomicBool,
    notify: Notify,
}

impl Stop {
    /// Asks for the end.
    pub fn request(&self) {
        self.0.requested.store(true, Ordering::SeqCst);
        self.0.notify.notify_waiters();
    }

    /// Whether the end was asked for.
    pub fn requested(&self) -> bool {
        self.0.requested.load(Ordering::SeqCst)
    }

    /// Completes once the end is asked for; for waits between calls.
    pub async fn wait(&self) {
        let notified = self.0.notify.notified();
        if !self.requested() {
            notified.await;
        }
    }
}
