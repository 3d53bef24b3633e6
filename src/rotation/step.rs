//! The one decision: which step comes next.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::gate::{self, Reading, Wait};
use super::goal::{Ending, Goal, TargetGoal};
use super::lead::{Hold, Lead, holds_back};
use super::ledger::{DeliveryStatus, Ledger};

/// What only this run knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Session {
    /// The issuer was asked what exists, and nothing has been in doubt since.
    pub surveyed: bool,
    /// Every target was looked at, and may be written.
    pub inspected: bool,
    /// The preflight checks passed.
    pub preflight_passed: bool,
    /// The generation whose value is in memory.
    pub in_hand: Option<u64>,
    /// Recovering a value was tried.
    pub recovery_tried: bool,
    /// Parking the value in hand failed, or a part of it alone is in hand.
    pub parking_failed: bool,
    /// What is parked was brought to what should be, or that failed.
    pub escrow_tidied: bool,
    /// Targets written in this run.
    pub written: BTreeSet<String>,
    /// Targets made live in this run.
    pub activated: BTreeSet<String>,
    /// Targets that went live in this run, and when.
    pub live_at: BTreeMap<String, Timestamp>,
    /// When the clock was read for a lead; nothing was written since.
    pub now: Option<Timestamp>,
    /// The next wave is left to a later run.
    pub paused: bool,
    /// Waves whose checks passed since their last write.
    pub checked: BTreeSet<u64>,
    /// Generations that this run must leave alone: it authenticates with them, or a person revokes them.
    pub spared: BTreeSet<u64>,
    /// Generations whose handle was given a newer value since: they take no room at the issuer.
    pub outlived: BTreeSet<u64>,
    /// Targets whose write or activation failed in this run although it had to go on: the old value is dead.
    pub failed: BTreeSet<String>,
    /// Targets that left the configuration and whose entry could not be deleted in this run.
    pub undeleted: BTreeSet<String>,
    /// What was read for the next revocation; nothing has changed since.
    pub reading: Option<Reading>,
    /// Generations whose revocation waits, and for what.
    pub waiting: BTreeMap<u64, Vec<Wait>>,
    /// Something was revoked in this run.
    pub revoked: bool,
    /// The checks after revocation passed.
    pub revoked_checked: bool,
}

/// Why a run cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StuckReason {
    /// A target needs the value, it cannot be had, and the plan did not promise a new one.
    ValueLost,
    /// The issuer's limit on live credentials is reached and every one may be in use.
    LimitReached,
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Ask the issuer what exists.
    Survey,
    /// Look at every target and at the issuer's readiness.
    Inspect,
    /// Run the preflight checks.
    Preflight,
    /// Get the value of that generation back.
    Recover(u64),
    /// Make that generation.
    Mint(u64),
    /// Park the value of that generation.
    Park(u64),
    /// Delete from escrow what should not be there any more.
    Unpark,
    /// Write that generation to these targets, all of one wave.
    Deliver {
        /// The generation.
        generation: u64,
        /// Keys of the targets.
        targets: Vec<String>,
    },
    /// Make these targets live, all of one wave.
    Activate {
        /// Keys of the targets.
        targets: Vec<String>,
    },
    /// Read whether a lead has ended.
    ReadClock,
    /// Wait until that lead has ended.
    AwaitLead(Lead),
    /// Leave that wave to a later run: a lead ends later than a run waits.
    Pause(Lead),
    /// Run the checks of that wave.
    Check(u64),
    /// Declare the newest generation to be in place.
    Promote,
    /// Delete a target's entry that is no longer configured.
    Remove(String),
    /// Read whether that generation may be revoked.
    ReadGate(u64),
    /// Leave that generation alone in this run, for these reasons.
    Wait(u64, Vec<Wait>),
    /// End that generation at its issuer.
    Revoke(u64),
    /// Run the checks after revocation.
    CheckRevoked,
    /// Nothing is left to do.
    Done,
    /// Nothing can be done.
    Stuck(StuckReason),
}

/// Decides the next step. Pure: the same arguments give the same step.
///
/// Order: survey and inspect while nothing is at stake; get the value; wave by wave deliver, activate, check; only then
/// promote, remove what is no longer configured, and revoke. Once minting has ended the old value, waves set the order but
/// hold nothing back.
pub fn next_step(goal: &Goal, ledger: &Ledger, session: &Session) -> Step {
    if !session.surveyed {
        return Step::Survey;
    }
    if !session.inspected {
        return Step::Inspect;
    }
    if goal.moves_escrow && !session.escrow_tidied {
        return Step::Unpark;
    }
    let generation = goal.generation.or(session.in_hand);
    let is_everywhere = |g| goal.targets.keys().all(|key| is_written(goal, ledger, session, key, g));
    // Until the value of a restored generation is in hand, another one is on record as the one in place.
    let is_in_place = |g| !goal.restores || g == ledger.generation();
    let complete = generation.is_some_and(|g| is_everywhere(g) && is_in_place(g));
    // A target's mark may name a generation that is on no record: whose it is must be known before any other ends.
    let recorded = generation.is_none_or(|generation| ledger.credential(generation).is_some());
    // A check presents the value, which no target needs any more: an earlier run was cut off before the check passed.
    let unproved = goal.presented_waves.iter().any(|wave| {
        let touched = !ledger.is_finished() || goes_live(goal, ledger, session, *wave);
        touched && !session.checked.contains(wave)
    });
    if !(complete && recorded && !unproved)
        && let Some(step) = obtain_value(goal, ledger, session)
    {
        return step;
    }
    if let Some(held) = session
        .in_hand
        .filter(|held| is_to_be_parked(goal, ledger, session, *held))
    {
        return Step::Park(held);
    }
    // An exposed credential ends as soon as there is another, whatever breaks.
    if goal.ending == Ending::AtOnce
        && ledger.credential(ledger.generation()).is_some()
        && let Some(exposed) = revocable(goal, ledger, session)
    {
        return Step::Revoke(exposed);
    }
    if let Some(step) = generation.and_then(|generation| deliver(goal, ledger, session, generation)) {
        return step;
    }
    if !session.failed.is_empty() || session.paused {
        return Step::Done;
    }
    if !ledger.is_finished() && !goal.leaves_unfinished {
        return Step::Promote;
    }
    let removable = |key: &&String| ledger.delivery(key).is_some() && !session.undeleted.contains(*key);
    if let Some(key) = goal.remove.iter().find(removable) {
        return Step::Remove(key.clone());
    }
    let revocable = revocable(goal, ledger, session);
    let rechecks = goal.recheck_revoked || session.revoked;
    if !session.revoked_checked && goal.has_revoked_checks && (rechecks || revocable.is_some()) {
        // What the checks present is fetched while nothing has ended.
        let lacks_value = goal.presents_after_revocation && session.in_hand != Some(ledger.generation());
        if lacks_value && !session.recovery_tried && !session.revoked {
            return Step::Recover(ledger.generation());
        }
    }
    if let Some(generation) = revocable {
        // So is what the gate's own checks present.
        let unproved = goal.presented_waves.iter().any(|wave| !session.checked.contains(wave));
        let lacks_value = unproved && session.in_hand != Some(ledger.generation());
        if lacks_value && !session.recovery_tried && !ledger.never_held(generation) {
            return Step::Recover(ledger.generation());
        }
        return through_the_gate(goal, ledger, session, generation);
    }
    if leaves_escrow(goal, ledger) && !session.escrow_tidied {
        return Step::Unpark;
    }
    if rechecks && goal.has_revoked_checks && !session.revoked_checked {
        return Step::CheckRevoked;
    }
    Step::Done
}

/// Whether the value in hand is not parked yet.
fn is_to_be_parked(goal: &Goal, ledger: &Ledger, session: &Session, held: u64) -> bool {
    goal.parks && !session.parking_failed && ledger.credential(held).is_some() && !ledger.is_parked(held)
}

/// Whether something is parked that should not be any more: its generation has ended, or nothing is parked from now on.
pub fn leaves_escrow(goal: &Goal, ledger: &Ledger) -> bool {
    ledger.escrow().is_some() && (!goal.parks || !ledger.left_in_escrow().is_empty())
}

/// Whether waves set the order but hold nothing back: the old value is dead already, or an incident asks for speed.
pub fn goes_on(goal: &Goal, ledger: &Ledger) -> bool {
    old_value_is_dead(goal, ledger) || (goal.goes_on && !ledger.is_finished())
}

/// Whether the old value is dead already: minting ended it, and the new one is not in place everywhere.
pub fn old_value_is_dead(goal: &Goal, ledger: &Ledger) -> bool {
    goal.replaces && !ledger.is_finished() && ledger.credential(ledger.generation()).is_some()
}

/// A revocation, once the gate was read and is open.
fn through_the_gate(goal: &Goal, ledger: &Ledger, session: &Session, generation: u64) -> Step {
    if ledger.never_held(generation) {
        return Step::Revoke(generation);
    }
    let Some(reading) = &session.reading else {
        return Step::ReadGate(generation);
    };
    let exposed = goal.exposed.contains(&generation);
    let waits = gate::waits(ledger, generation, reading, goal.ending, exposed);
    if waits.is_empty() {
        Step::Revoke(generation)
    } else {
        Step::Wait(generation, waits)
    }
}

/// Whether the target certainly holds the generation, and was written in this run if that was asked for.
pub(super) fn is_written(goal: &Goal, ledger: &Ledger, session: &Session, key: &str, generation: u64) -> bool {
    let asked = goal.targets.get(key).is_some_and(|target| target.write);
    ledger.delivery(key).is_some_and(|delivery| delivery.holds(generation)) && (!asked || session.written.contains(key))
}

/// Whether a target of that wave is made live in this run, or was.
fn goes_live(goal: &Goal, ledger: &Ledger, session: &Session, wave: u64) -> bool {
    goal.targets.iter().any(|(key, target)| {
        let staged = ledger.status(key) == Some(DeliveryStatus::Staged);
        target.wave == wave && (session.activated.contains(key) || (target.activates && staged))
    })
}

/// Whether a target waits for its activation: its consumers do not use the value, or its write left work to do.
pub(super) fn waits_for_activation(ledger: &Ledger, session: &Session, key: &str, target: TargetGoal) -> bool {
    let staged = target.activates && ledger.status(key) == Some(DeliveryStatus::Staged);
    let left = target.follow_up && (session.written.contains(key) || !ledger.is_finished() || target.activate);
    (staged || left) && !session.activated.contains(key) && !session.failed.contains(key)
}

/// The step that brings the value into memory; `None` when it is there.
fn obtain_value(goal: &Goal, ledger: &Ledger, session: &Session) -> Option<Step> {
    if session.in_hand.is_some() && (goal.generation.is_none() || session.in_hand == goal.generation) {
        return None;
    }
    if goal.has_preflight && !session.preflight_passed {
        return Some(Step::Preflight);
    }
    let newest = ledger.highest();
    let exists = newest > 0 && goal.generation.is_none_or(|wanted| wanted <= newest);
    if exists && goal.may_recover && !session.recovery_tried {
        return Some(Step::Recover(goal.generation.unwrap_or(newest)));
    }
    if !goal.may_mint || goal.generation.is_some_and(|wanted| wanted <= newest) {
        return Some(Step::Stuck(StuckReason::ValueLost));
    }
    if goal.repeat_first
        && let Some(step) = repeat(goal, ledger, session)
    {
        return Some(step);
    }
    // What was refused everywhere has no consumers, and would pile up.
    let refused = ledger.generation();
    if goal.revocable
        && !session.spared.contains(&refused)
        && !goal.by_hand.contains(&refused)
        && ledger.credential(refused).is_some()
        && ledger.never_held(refused)
        && !goal.replaces
    {
        return Some(Step::Revoke(refused));
    }
    let live = ledger
        .credentials()
        .iter()
        .filter(|known| !session.outlived.contains(&known.generation) && !goal.elsewhere.contains(&known.generation))
        .count();
    if goal.max_live.is_some_and(|limit| live >= usize::from(limit)) && !goal.replaces {
        // With revocation by hand, making room is a person's work too.
        let dispensable = ledger.dispensable(&session.spared).filter(|_| goal.revocable);
        let dispensable = dispensable.filter(|generation| !session.waiting.contains_key(generation));
        return Some(
            dispensable.map_or(Step::Stuck(StuckReason::LimitReached), |generation| {
                through_the_gate(goal, ledger, session, generation)
            }),
        );
    }
    Some(Step::Mint(goal.generation.unwrap_or(newest + 1)))
}

/// What an earlier run failed at, once more, before another credential is made: activations and checks of the waves that hold the
/// unfinished generation. Checks that present its value cannot run without it, and an incident may want its revocations before them.
fn repeat(goal: &Goal, ledger: &Ledger, session: &Session) -> Option<Step> {
    let unfinished = ledger.generation();
    if ledger.is_finished() {
        return None;
    }
    for wave in waves(goal) {
        let of_wave = || goal.targets.iter().filter(move |(_, target)| target.wave == wave);
        if !of_wave().all(|(key, _)| ledger.delivery(key).is_some_and(|known| known.holds(unfinished))) {
            return None;
        }
        let staged: Vec<String> = of_wave()
            .filter(|(key, target)| waits_for_activation(ledger, session, key, **target))
            .map(|(key, _)| key.clone())
            .collect();
        if !staged.is_empty() {
            return Some(Step::Activate { targets: staged });
        }
        let checked = goal.checked_waves.contains(&wave) && !goal.presented_waves.contains(&wave);
        let checked = checked && goal.ending <= Ending::Checked;
        if checked && !session.checked.contains(&wave) {
            return Some(Step::Check(wave));
        }
    }
    None
}

fn waves(goal: &Goal) -> BTreeSet<u64> {
    goal.targets.values().map(|target| target.wave).collect()
}

/// The step that the lowest unfinished wave needs; `None` when every wave is delivered, activated and checked, or when only
/// what failed already is left. Once the old value is dead, checks come after all waves.
fn deliver(goal: &Goal, ledger: &Ledger, session: &Session, generation: u64) -> Option<Step> {
    let dead = goes_on(goal, ledger);
    if session.paused {
        return None;
    }
    for wave in waves(goal) {
        if let Some(step) = deliver_wave(goal, ledger, session, generation, wave) {
            return Some(match holds_back(goal, ledger, &session.live_at, session.now, wave) {
                None => step,
                Some(Hold::ReadClock) => Step::ReadClock,
                Some(Hold::Wait(lead)) => Step::AwaitLead(lead),
                Some(Hold::Pause(lead)) => Step::Pause(lead),
            });
        }
        if !dead && let Some(step) = check_wave(goal, ledger, session, wave) {
            return Some(step);
        }
    }
    if goal.ending == Ending::Delivered
        && session.failed.is_empty()
        && let Some(exposed) = revocable(goal, ledger, session)
    {
        return Some(through_the_gate(goal, ledger, session, exposed));
    }
    let mut last = waves(goal).into_iter().filter(|_| dead && session.failed.is_empty());
    last.find_map(|wave| check_wave(goal, ledger, session, wave))
}

fn deliver_wave(goal: &Goal, ledger: &Ledger, session: &Session, generation: u64, wave: u64) -> Option<Step> {
    let of_wave = || goal.targets.iter().filter(move |(_, target)| target.wave == wave);
    let unwritten: Vec<String> = of_wave()
        .filter(|(key, _)| !is_written(goal, ledger, session, key, generation) && !session.failed.contains(*key))
        .map(|(key, _)| key.clone())
        .collect();
    if !unwritten.is_empty() {
        return Some(Step::Deliver {
            generation,
            targets: unwritten,
        });
    }
    let staged: Vec<String> = of_wave()
        .filter(|(key, target)| waits_for_activation(ledger, session, key, **target))
        .map(|(key, _)| key.clone())
        .collect();
    (!staged.is_empty()).then_some(Step::Activate { targets: staged })
}

fn check_wave(goal: &Goal, ledger: &Ledger, session: &Session, wave: u64) -> Option<Step> {
    let mut of_wave = goal.targets.iter().filter(|(_, target)| target.wave == wave);
    let touched =
        of_wave.any(|(key, t)| session.written.contains(key) || (t.activates && session.activated.contains(key)));
    let wanted = goal.checked_waves.contains(&wave) && (touched || !ledger.is_finished());
    (wanted && !session.checked.contains(&wave)).then_some(Step::Check(wave))
}

/// A generation whose revocation is wanted in this run, whether or not the gate is open.
fn revocable(goal: &Goal, ledger: &Ledger, session: &Session) -> Option<u64> {
    ledger.superseded().into_iter().find(|generation| {
        let orphan = ledger.never_held(*generation);
        // A person can revoke only what somebody accepts.
        let by_us = goal.revocable || ledger.credential(*generation).is_some_and(|known| !known.is_issued());
        by_us &&
        (goal.revoke.contains(generation) || goal.ending != Ending::Later || (orphan && !session.written.is_empty()))
            && !session.spared.contains(generation)
            && !goal.by_hand.contains(generation)
            && !session.waiting.contains_key(generation)
            && !(orphan && ledger.is_held(*generation))
            // An entry that could not be deleted in this run still gives its consumers what it holds.
            && !session.undeleted.iter().any(|key| ledger.may_hold(key).contains(generation))
    })
}
