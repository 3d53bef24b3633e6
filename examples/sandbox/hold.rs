//! Calls that are held: the vendor waits before or after it acts, until it is told to go on.
//!
//! So a test, or a user, can do something exactly there: end a process, send a signal. A caller that goes away while its
//! call is held before the effect takes the call with it.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Notify;

/// The calls that wait.
#[derive(Default)]
pub(crate) struct Holds(Vec<(String, Arc<Notify>)>);

impl Holds {
    /// Holds a call; it may go on when the returned signal comes.
    pub(crate) fn add(&mut self, line: &str) -> Arc<Notify> {
        let signal = Arc::new(Notify::new());
        self.0.push((line.to_owned(), Arc::clone(&signal)));
        signal
    }

    /// The held calls, `METHOD /path operation`; callers that went away are still among them.
    pub(crate) fn lines(&self) -> Value {
        json!(self.0.iter().map(|(line, _)| line).collect::<Vec<_>>())
    }

    /// Lets all of them go on.
    pub(crate) fn release(&mut self) {
        for (_, signal) in self.0.drain(..) {
            signal.notify_one();
        }
    }
}
