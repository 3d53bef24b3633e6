//! A rotation that is left between two waves, until the `lead` of a target has passed.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::Work;
use crate::provider::secret::state::State;
use crate::rotation::{Action, Event, Ledger};
use crate::spec::Config;

/// Takes in whether the next wave may start, as the last refresh found and this configuration says. True where it may, and a run goes on
/// from there.
pub(super) fn has_passed(state: &State, before: Option<&Config>, config: &Config, ledger: &mut Ledger) -> bool {
    let Some(until) = ledger.paused_until() else {
        return false;
    };
    let now = longest(config, ledger);
    let then = before.map_or(now, |before| longest(before, ledger));
    let is_due = state.pending.iter().any(|known| known.action == Action::Finish);
    if now.is_zero() || (is_due && now <= then) {
        ledger.record(Event::Continued);
        return true;
    }
    // A changed lead counts at once; whether it has passed, the next refresh tells.
    if now != then {
        let until = until.checked_add(now - then).unwrap_or(Timestamp::MAX);
        ledger.record(Event::Paused { until });
    }
    false
}

/// The longest lead of the waves that hold the newest generation.
fn longest(config: &Config, ledger: &Ledger) -> SignedDuration {
    let leads = config.leading_targets(reached(config, ledger));
    let leads = leads.map(|(_, target)| target.lead);
    leads.max().unwrap_or(SignedDuration::ZERO)
}

/// The last wave that holds the newest generation, or has held it.
fn reached(config: &Config, ledger: &Ledger) -> u64 {
    let newest = ledger.generation();
    let delivered = config.targets.iter().filter(|(key, _)| {
        let known = ledger.delivery(key);
        known.is_some_and(|known| known.generation == Some(newest))
    });
    delivered.map(|(_, target)| target.wave).max().unwrap_or(0)
}

/// While it waits, nothing is written beyond the waves that it has reached.
pub(super) fn hold_back(work: &mut Work<'_>, config: &Config, ledger: &Ledger) {
    if ledger.paused_until().is_none() {
        return;
    }
    let reached = reached(config, ledger);
    let may = |key: &String| config.targets.get(key).is_some_and(|target| target.wave <= reached);
    let keys: [&mut BTreeSet<String>; 3] = [&mut work.asked, &mut work.healed, &mut work.activate];
    for known in keys {
        known.retain(may);
    }
}
