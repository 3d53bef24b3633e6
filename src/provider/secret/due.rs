//! What is due by the clock. Pure: `now` comes in, and every sentence names recorded instants, so that the same facts give the same
//! text.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::exposure::{is_exposed, subject_of};
use super::revocable::is_revoked_by_hand;
use super::state::State;
use crate::duration::format as text_of;
use crate::rotation::{Action, Cause, CredentialRecord, Event, Notice, NoticeCode, Pending, Request, schedule};
use crate::spec::Config;

/// The rotation that is due, if one is. One that is under way is finished first.
pub(super) fn due(state: &State, config: &Config, now: Timestamp) -> Option<Request> {
    let ledger = &state.ledger;
    if !ledger.is_begun() || !ledger.is_finished() {
        return None;
    }
    if let (Some(_), Some(after)) = (config.schedule.every, state.rotate_after)
        && schedule::earliest_rotation(after, config.schedule.early) <= now
    {
        return request(state, config, Cause::Schedule, after <= now);
    }
    let expiry = expiry_due(state, config)?;
    request(state, config, Cause::Expiry, true).filter(|_| expiry <= now)
}

/// The request of a rotation that is due by the clock, or waits; `is_overdue` where the instant has passed.
fn request(state: &State, config: &Config, cause: Cause, is_overdue: bool) -> Option<Request> {
    let reason = match cause {
        Cause::Schedule => {
            let (every, early) = (text_of(config.schedule.every?), text_of(config.schedule.early));
            let after = state.rotate_after?;
            match is_overdue {
                true => format!("every {every}, due since {after}"),
                false => format!("every {every}, due {after}, {early} early"),
            }
        }
        _ => {
            let expires_at = state.ledger.credential(state.ledger.generation())?.expires_at?;
            format!(
                "the credential expires at {expires_at}, due since {}",
                expiry_due(state, config)?
            )
        }
    };
    Some(Request::new(cause, reason))
}

/// The rotation by the clock that waits, as the last refresh found.
pub(super) fn held(state: &State, config: &Config) -> Option<Request> {
    let waits = |known: &&Notice| {
        matches!(
            known.code,
            NoticeCode::WaitingForWindow | NoticeCode::Guarded | NoticeCode::RevokeWaits
        )
    };
    let waiting = state.notices.iter().filter(waits);
    let mut causes = waiting.filter_map(|known| cause_in(&known.subject));
    let cause = causes.find(|cause| cause.is_of_the_clock())?;
    let is_overdue = state.notices.iter().any(|known| known.code == NoticeCode::Overdue);
    request(state, config, cause, is_overdue || config.schedule.early.is_zero())
}

/// The last instant at which the current credential is to be renewed, where it ends by itself.
fn deadline(state: &State, config: &Config) -> Option<Timestamp> {
    let credential = state.ledger.credential(state.ledger.generation())?;
    let (minted, expires) = (credential.minted_at?, credential.expires_at?);
    Some(schedule::deadline(minted, expires, config.overlap))
}

/// When a rotation that nobody asked for may begin, in words, where the window is closed for it.
pub(super) fn opening(state: &State, config: &Config, now: Timestamp) -> Option<String> {
    let opening = config.schedule.opening(now, deadline(state, config))?;
    config.schedule.window.as_ref().map(|window| window.in_words(opening))
}

/// What the clock says beside what is due, as facts for a decision: that the window is closed, and that the schedule has passed.
pub(super) fn notices(state: &State, config: &Config, now: Timestamp) -> Vec<Notice> {
    let fact = |code, subject: &str, text: String| Notice {
        code,
        subject: subject.to_owned(),
        text,
    };
    let rotation = opening(state, config, now);
    let rotation = rotation.map(|opens| fact(NoticeCode::WaitingForWindow, ROTATION, opens));
    let window = config.schedule.window.as_ref();
    let revocation = config.schedule.opening(now, None);
    let revocation = window.zip(revocation).map(|(window, opens)| window.in_words(opens));
    let revocation = revocation.map(|opens| fact(NoticeCode::WaitingForWindow, REVOCATION, opens));
    // A rotation that only waits for a lead is under way.
    let is_due = config.schedule.every.is_some() && state.ledger.paused_until().is_none();
    let passed = state.rotate_after.filter(|after| *after <= now && is_due);
    let overdue = passed.map(|after| {
        let text = format!("The rotation has been due since {after}.");
        fact(NoticeCode::Overdue, &config.name, text)
    });
    rotation.into_iter().chain(revocation).chain(overdue).collect()
}

/// Subject of a notice about a rotation that waits. No key of a target has parentheses.
pub(super) fn subject(cause: Cause) -> String {
    format!("rotation ({})", cause.as_str())
}

/// The cause that such a subject names.
pub(super) fn cause_in(subject: &str) -> Option<Cause> {
    Cause::parse(subject.strip_prefix("rotation (")?.strip_suffix(')')?)
}

/// Subject of the fact that the window is closed for rotations.
pub(super) const ROTATION: &str = "rotation";

/// Subject of the fact that it is closed for revocations.
pub(super) const REVOCATION: &str = "revocation";

/// When the current credential's expiry makes a rotation due.
fn expiry_due(state: &State, config: &Config) -> Option<Timestamp> {
    let credential = state.ledger.credential(state.ledger.generation())?;
    let (minted, expires) = (credential.minted_at?, credential.expires_at?);
    let scheduled = config.schedule.every.is_some();
    Some(schedule::expiry_due(minted, expires, config.overlap, scheduled))
}

/// Older generations whose overlap has ended, or that no target ever held.
pub(super) fn revocations(state: &State, config: &Config, now: Timestamp) -> BTreeSet<u64> {
    let older = state.ledger.credentials().iter();
    let is_kept = |known: &CredentialRecord| known.is_accepted() || state.ledger.is_parked(known.generation);
    let older = older.filter(|known| known.generation != state.ledger.generation() && is_kept(known));
    let due = older.filter(|known| {
        let over = overlap_ends(state, config, known).is_some_and(|after| after <= now);
        over || state.ledger.never_held(known.generation)
    });
    due.map(|known| known.generation).collect()
}

/// Whether the overlap of the credential that notices call so has ended.
pub(super) fn is_over(state: &State, config: &Config, subject: &str, now: Timestamp) -> bool {
    let mut older = state
        .ledger
        .credentials()
        .iter()
        .filter(|known| subject_of(known) == subject);
    older.any(|known| overlap_ends(state, config, known).is_some_and(|after| after <= now))
}

/// When an older credential's overlap ends: the consumers of every target have let go of it by then, also where it was written again
/// since. What an incident exposed does not wait for them.
fn overlap_ends(state: &State, config: &Config, known: &CredentialRecord) -> Option<Timestamp> {
    let after = known.revoke_after?;
    if is_exposed(state, &state.ledger, known.generation, &state.notices) {
        return Some(after);
    }
    let settled = config.settling_targets().filter_map(|(key, target)| {
        let delivered = state.ledger.delivery(key)?.delivered_at?;
        Some(delivered.checked_add(target.settle).unwrap_or(Timestamp::MAX))
    });
    settled.chain([after]).max()
}

/// What the clock says, as facts for a decision.
/// `in_use` are generations that somebody still uses, and until when nobody may.
pub(super) fn facts(state: &State, config: &Config, now: Timestamp, in_use: &BTreeMap<u64, Timestamp>) -> Vec<Pending> {
    let coming = state.ledger.highest() + 1;
    let rotation = due(state, config, now).map(|request| Pending::rotation(coming, &request));
    let revocations = revocations(state, config, now).into_iter();
    let revocations = revocations.filter(|generation| !in_use.contains_key(generation));
    let revocations = revocations.map(|generation| Pending::new(Action::Revoke, generation, ""));
    let continues = state.ledger.paused_until().filter(|until| *until <= now);
    let continues = continues.map(|_| Pending::new(Action::Finish, state.ledger.generation(), ""));
    rotation.into_iter().chain(revocations).chain(continues).collect()
}

/// The earliest instant at which an apply has something to do. What waits for a window is done at its next opening after `now`, what is
/// `in_use` once it has been unused for long enough, and a rotation that waits for `room` when that generation's overlap has ended.
pub(super) fn next_action_at(
    state: &State,
    config: &Config,
    now: Timestamp,
    in_use: &BTreeMap<u64, Timestamp>,
    room: Option<u64>,
) -> Option<Timestamp> {
    // Everything else is due when the rotation under way is complete.
    if let Some(until) = state.ledger.paused_until() {
        return Some(until);
    }
    let chance = |at: Timestamp, deadline| {
        let schedule = &config.schedule;
        let waits = at <= now && schedule.opening(now, deadline).is_some();
        schedule.first_chance(if waits { now } else { at }, deadline)
    };
    let rotation = state
        .rotate_after
        .map(|after| schedule::earliest_rotation(after, config.schedule.early));
    let rotation = rotation.into_iter().chain(expiry_due(state, config)).min();
    let rotation = rotation.filter(|_| room.is_none());
    let rotation = rotation.map(|at| chance(at, deadline(state, config)));
    let older = state.ledger.credentials().iter();
    let older = older.filter(|known| !is_revoked_by_hand(known, config));
    let ends = older.filter_map(|known| {
        let quiet = in_use.get(&known.generation).copied();
        quiet.into_iter().chain(overlap_ends(state, config, known)).max()
    });
    let revocation = ends.min().map(|at| chance(at, None));
    rotation.into_iter().chain(revocation).min()
}

/// The same where only a plan looks: `None` where the clock or a vendor has a say, because what is due waits, whatever for, and a window
/// opens again.
pub(super) fn planned_next_action_at(state: &State, config: &Config) -> Option<Option<Timestamp>> {
    let is_windowed = config.schedule.window.is_some();
    let waits = state
        .notices
        .iter()
        .any(|known| is_windowed || matches!(known.code, NoticeCode::WaitingForWindow | NoticeCode::RevokeWaits));
    (!waits).then(|| next_action_at(state, config, Timestamp::MIN, &BTreeMap::new(), None))
}

/// What was staged is live everywhere: the overlap begins with this instant.
pub(super) fn begin_overlap(state: &mut State, config: &Config, now: Timestamp) {
    let until = now.checked_add(config.overlap).unwrap_or(Timestamp::MAX);
    state.ledger.record(Event::OverlapBegan { until });
}
