//! What was true when: every call that a vendor acted on, in their order, and the whole truth whenever a call changed it.
//!
//! The state at the end cannot show that something was wrong for a while. The timeline can.

use serde_json::{Value, json};

use crate::clock;

/// The entries so far.
#[derive(Default)]
pub(crate) struct Timeline {
    entries: Vec<Value>,
    newest: Value,
}

impl Timeline {
    /// Begins with the truth as it is.
    pub(crate) fn begun(truth: Value) -> Self {
        let mut timeline = Self::default();
        timeline.add("start", 0, truth);
        timeline
    }

    /// Adds a call, `METHOD /path operation`, that a vendor answered with `status`, and the truth after it. The truth stands
    /// in the entry only when it differs from the one before.
    pub(crate) fn add(&mut self, call: &str, status: u16, truth: Value) {
        let mut entry =
            json!({ "n": self.entries.len(), "call": call.trim_end(), "status": status, "at": clock::millis() });
        if truth != self.newest {
            entry["state"] = truth.clone();
            self.newest = truth;
        }
        self.entries.push(entry);
    }

    /// All entries.
    pub(crate) fn entries(&self) -> Value {
        json!(self.entries)
    }
}
