//! What is due by the clock. Pure: `now` comes in, and every sentence names recorded instants, so that the same facts give the same
//! text.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::state::{State, earliest_revocation};
use crate::duration::format as text_of;
use crate::rotation::{Action, Cause, Event, Pending, Request, schedule};
use crate::spec::Config;

/// The rotation that is due, if one is. One that is under way is finished first.
pub(super) fn due(state: &State, config: &Config, now: Timestamp) -> Option<Request> {
    let ledger = &state.ledger;
    if ledger.generation() == 0 || !ledger.is_finished() {
        return None;
    }
    if let (Some(every), Some(after)) = (config.schedule.every, state.rotate_after)
        && schedule::earliest_rotation(after, config.schedule.early) <= now
    {
        let (every, early) = (text_of(every), text_of(config.schedule.early));
        let reason = if after <= now {
            format!("every {every}, due since {after}")
        } else {
            format!("every {every}, due {after}, {early} early")
        };
        return Some(Request::new(Cause::Schedule, reason));
    }
    let expiry = expiry_due(state, config)?;
    let expires_at = ledger.credential(ledger.generation())?.expires_at?;
    let reason = || format!("the credential expires at {expires_at}, due since {expiry}");
    (expiry <= now).then(|| Request::new(Cause::Expiry, reason()))
}

/// When the current credential's expiry makes a rotation due.
fn expiry_due(state: &State, config: &Config) -> Option<Timestamp> {
    let credential = state.ledger.credential(state.ledger.generation())?;
    let (minted, expires) = (credential.minted_at?, credential.expires_at?);
    let scheduled = config.schedule.every.is_some();
    Some(schedule::expiry_due(minted, expires, config.overlap, scheduled))
}

/// Older generations whose overlap has ended, or that no target ever held.
pub(super) fn revocations(state: &State, now: Timestamp) -> BTreeSet<u64> {
    let older = state.ledger.credentials().iter();
    let older = older.filter(|known| known.generation != state.ledger.generation() && known.is_issued());
    let due = older.filter(|known| {
        let over = known.revoke_after.is_some_and(|after| after <= now);
        over || state.ledger.never_held(known.generation)
    });
    due.map(|known| known.generation).collect()
}

/// What the clock says, as facts for a decision.
pub(super) fn facts(state: &State, config: &Config, now: Timestamp) -> Vec<Pending> {
    let coming = state.ledger.highest() + 1;
    let rotation = due(state, config, now).map(|request| Pending::rotation(coming, &request));
    let revocations = revocations(state, now).into_iter();
    let revocations = revocations.map(|generation| Pending::new(Action::Revoke, generation, ""));
    rotation.into_iter().chain(revocations).collect()
}

/// The earliest instant at which an apply has something to do.
pub(super) fn next_action_at(state: &State, config: &Config) -> Option<Timestamp> {
    let rotation = state
        .rotate_after
        .map(|after| schedule::earliest_rotation(after, config.schedule.early));
    let revocation = earliest_revocation(&state.ledger).filter(|_| !config.revoke_by_hand);
    [rotation, expiry_due(state, config), revocation]
        .into_iter()
        .flatten()
        .min()
}

/// What was staged is live everywhere: the overlap begins with this instant.
pub(super) fn begin_overlap(state: &mut State, config: &Config, now: Timestamp) {
    let until = now.checked_add(config.overlap).unwrap_or(Timestamp::MAX);
    state.ledger.record(Event::OverlapBegan { until });
}
