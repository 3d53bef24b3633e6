//! `lead`: the next wave starts that long after a target is live, so that those who verify with a credential have it before others
//! use it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::goal::Goal;
use super::ledger::Ledger;

/// The longest time that a run waits for. A wave that has to wait longer is left to a later run.
pub const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(10);

/// What a wave waits for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lead {
    /// The wave that may start afterwards.
    pub wave: u64,
    /// The target whose lead ends last.
    pub target: String,
    /// When it ends.
    pub until: Timestamp,
}

/// What a wave has to do before it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hold {
    /// Whether a lead has ended, only the clock tells.
    ReadClock,
    /// A lead ends soon.
    Wait(Lead),
    /// A lead ends later than a run waits.
    Pause(Lead),
}

/// What that wave has to do before it starts; `None` where it may start now.
///
/// A lead counts from `live_at`, the instants at which targets went live in this run, else from their delivery. It concerns the
/// generation that is being rolled out: one that is in place everywhere is in use already. Where minting ends the old value, every
/// target needs the new one at once.
pub(super) fn holds_back(
    goal: &Goal,
    ledger: &Ledger,
    live_at: &BTreeMap<String, Timestamp>,
    now: Option<Timestamp>,
    wave: u64,
) -> Option<Hold> {
    if ledger.is_finished() || goal.replaces {
        return None;
    }
    let generation = ledger.generation();
    let leading = goal
        .targets
        .iter()
        .filter(|(_, target)| target.wave < wave && !target.lead.is_zero());
    let ends = leading.filter_map(|(key, target)| {
        let held = ledger.delivery(key).filter(|known| known.holds(generation))?;
        let since = live_at.get(key).copied().or(held.delivered_at)?;
        Some((since.checked_add(target.lead).unwrap_or(Timestamp::MAX), key))
    });
    let (until, target) = ends.max()?;
    let lead = Lead {
        wave,
        target: target.clone(),
        until,
    };
    match now {
        None => Some(Hold::ReadClock),
        Some(now) if until <= now => None,
        Some(now) if until.duration_since(now) <= LONGEST_WAIT => Some(Hold::Wait(lead)),
        Some(_) => Some(Hold::Pause(lead)),
    }
}
