//! What a run may still do to its targets, as far as it knows now.

use std::collections::BTreeSet;

use super::goal::Goal;
use super::ledger::Ledger;
use super::step::{Session, is_written, waits_for_activation};

/// Targets that a run may still come to, by key. It may come to fewer: what fails holds later waves back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outstanding {
    /// Those that may be written.
    pub writes: BTreeSet<String>,
    /// Those that may be made live.
    pub activations: BTreeSet<String>,
}

/// What may still come. Pure, like [`next_step`](super::next_step), and never less than that does.
pub fn outstanding(goal: &Goal, ledger: &Ledger, session: &Session) -> Outstanding {
    let generation = goal.generation.or(session.in_hand);
    let mut coming = Outstanding::default();
    // What waits for a lead is left to a later run.
    if session.paused {
        return coming;
    }
    for (key, target) in &goal.targets {
        if session.failed.contains(key) {
            continue;
        }
        let written = generation.is_some_and(|generation| is_written(goal, ledger, session, key, generation));
        if !written {
            coming.writes.insert(key.clone());
        }
        let goes_live = target.activates || target.follow_up;
        if (!written && goes_live) || waits_for_activation(ledger, session, key, *target) {
            coming.activations.insert(key.clone());
        }
    }
    coming
}
