//! The wish to end the process, and how long calls in flight may still take.

use std::time::Duration;

use tokio::sync::watch;

/// Told once, heard by everybody who waits; cheap to clone.
#[derive(Clone)]
pub(super) struct Ending(watch::Sender<Option<Duration>>);

impl Ending {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// Asks for the end; the first wish counts. `grace` is what calls in flight may still take.
    pub(super) fn begin(&self, grace: Duration) {
        self.0.send_if_modified(|wish| {
            let first = wish.is_none();
            wish.get_or_insert(grace);
            first
        });
    }

    /// Completes once the end has been asked for.
    pub(super) async fn begun(&self) -> Duration {
        let mut wish = self.0.subscribe();
        // The sender lives in self, so waiting cannot fail.
        let wish = wish.wait_for(Option::is_some).await.ok().and_then(|wish| *wish);
        wish.unwrap_or_default()
    }
}
