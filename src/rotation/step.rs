//! The one decision: which step comes next.

use std::collections::BTreeSet;

use super::goal::Goal;
use super::ledger::{CredentialStatus, DeliveryStatus, Ledger};

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
    /// Targets written in this run.
    pub written: BTreeSet<String>,
    /// Targets made live in this run.
    pub activated: BTreeSet<String>,
    /// Waves whose checks passed since their last write.
    pub checked: BTreeSet<u64>,
    /// Generations that this run must leave alone: it authenticates with them, or a person revokes them.
    pub spared: BTreeSet<u64>,
    /// Generations whose handle was given a newer value since: they take no room at the issuer.
    pub outlived: BTreeSet<u64>,
    /// Something was revoked in this run.
    pub revoked: bool,
    /// The checks after revocation passed.
    pub revoked_checked: bool,
}

/// Why a run cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
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
    /// Run the checks of that wave.
    Check(u64),
    /// Declare the newest generation to be in place.
    Promote,
    /// Delete a target's entry that is no longer configured.
    Remove(String),
    /// End that generation at its issuer.
    Revoke(u64),
    /// Run the checks after revocation.
    CheckRevoked,
    /// Nothing is left to do.
    Done,
    /// Nothing can be done.
    Stuck(Why),
}

/// Decides the next step. Pure: the same arguments give the same step.
///
/// Order: survey and inspect while nothing is at stake; get the value; wave by wave deliver, activate, check; only then
/// promote, remove what is no longer configured, and revoke.
pub fn next_step(goal: &Goal, ledger: &Ledger, session: &Session) -> Step {
    if !session.surveyed {
        return Step::Survey;
    }
    if !session.inspected {
        return Step::Inspect;
    }
    let generation = goal.generation.or(session.in_hand);
    let complete = generation.is_some_and(|g| goal.targets.keys().all(|key| is_written(goal, ledger, session, key, g)));
    // A target's mark may name a generation that is on no record: whose it is must be known before any other ends.
    let recorded = generation.is_none_or(|generation| ledger.credential(generation).is_some());
    // A check presents the value, which no target needs any more: an earlier run was cut off before the check passed.
    let unproved = goal.presented_waves.iter().any(|wave| {
        let touched = !ledger.finished || goes_live(goal, ledger, session, *wave);
        touched && !session.checked.contains(wave)
    });
    if !(complete && recorded && !unproved)
        && let Some(step) = obtain_value(goal, ledger, session)
    {
        return step;
    }
    if let Some(step) = generation.and_then(|generation| deliver(goal, ledger, session, generation)) {
        return step;
    }
    if !ledger.finished {
        return Step::Promote;
    }
    let removable = |key: &&String| ledger.deliveries.contains_key(key.as_str());
    if let Some(key) = goal.remove.iter().find(removable) {
        return Step::Remove(key.clone());
    }
    let revocable = revocable(goal, ledger, session);
    let rechecks = goal.recheck_revoked || session.revoked;
    if !session.revoked_checked && goal.has_revoked_checks && (rechecks || revocable.is_some()) {
        // What the checks present is fetched while nothing has ended.
        let lacks_value = goal.presents_after_revocation && session.in_hand != Some(ledger.generation);
        if lacks_value && !session.recovery_tried && !session.revoked {
            return Step::Recover(ledger.generation);
        }
    }
    if let Some(generation) = revocable {
        return Step::Revoke(generation);
    }
    if rechecks && goal.has_revoked_checks && !session.revoked_checked {
        return Step::CheckRevoked;
    }
    Step::Done
}

/// Whether the target certainly holds the generation, and was written in this run if that was asked for.
fn is_written(goal: &Goal, ledger: &Ledger, session: &Session, key: &str, generation: u64) -> bool {
    let asked = goal.targets.get(key).is_some_and(|target| target.write);
    ledger
        .deliveries
        .get(key)
        .is_some_and(|delivery| delivery.holds(generation))
        && (!asked || session.written.contains(key))
}

/// Whether a target of that wave is made live in this run, or was.
fn goes_live(goal: &Goal, ledger: &Ledger, session: &Session, wave: u64) -> bool {
    goal.targets.iter().any(|(key, target)| {
        let staged = ledger.deliveries.get(key).map(|delivery| delivery.status) == Some(DeliveryStatus::Staged);
        target.wave == wave && (session.activated.contains(key) || (target.activates && staged))
    })
}

/// The step that brings the value into memory; `None` when it is there.
fn obtain_value(goal: &Goal, ledger: &Ledger, session: &Session) -> Option<Step> {
    if session.in_hand.is_some() && (goal.generation.is_none() || session.in_hand == goal.generation) {
        return None;
    }
    if goal.has_preflight && !session.preflight_passed {
        return Some(Step::Preflight);
    }
    let newest = ledger
        .credentials
        .last()
        .map_or(0, |credential| credential.generation)
        .max(ledger.generation);
    let exists = newest > 0 && goal.generation.is_none_or(|wanted| wanted <= newest);
    if exists && goal.may_recover && !session.recovery_tried {
        return Some(Step::Recover(goal.generation.unwrap_or(newest)));
    }
    if !goal.may_mint || goal.generation.is_some_and(|wanted| wanted <= newest) {
        return Some(Step::Stuck(Why::ValueLost));
    }
    let live = ledger
        .credentials
        .iter()
        .filter(|known| !session.outlived.contains(&known.generation))
        .count();
    if goal.max_live.is_some_and(|limit| live >= usize::from(limit)) && !goal.replaces {
        // With revocation by hand, making room is a person's work too.
        let dispensable = ledger.dispensable(&session.spared).filter(|_| goal.revocable);
        return Some(dispensable.map_or(Step::Stuck(Why::LimitReached), Step::Revoke));
    }
    Some(Step::Mint(goal.generation.unwrap_or(newest + 1)))
}

/// The step that the lowest unfinished wave needs; `None` when every wave is delivered, activated and checked.
fn deliver(goal: &Goal, ledger: &Ledger, session: &Session, generation: u64) -> Option<Step> {
    let waves: BTreeSet<u64> = goal.targets.values().map(|target| target.wave).collect();
    for wave in waves {
        let of_wave = || goal.targets.iter().filter(move |(_, target)| target.wave == wave);
        let unwritten: Vec<String> = of_wave()
            .filter(|(key, _)| !is_written(goal, ledger, session, key, generation))
            .map(|(key, _)| key.clone())
            .collect();
        if !unwritten.is_empty() {
            return Some(Step::Deliver {
                generation,
                targets: unwritten,
            });
        }
        let staged: Vec<String> = of_wave()
            .filter(|(key, target)| {
                let status = ledger.deliveries.get(*key).map(|delivery| delivery.status);
                target.activates && status == Some(DeliveryStatus::Staged)
            })
            .map(|(key, _)| key.clone())
            .collect();
        if !staged.is_empty() {
            return Some(Step::Activate { targets: staged });
        }
        let touched = of_wave().any(|(key, _)| session.written.contains(key) || session.activated.contains(key));
        if goal.checked_waves.contains(&wave) && (touched || !ledger.finished) && !session.checked.contains(&wave) {
            return Some(Step::Check(wave));
        }
    }
    None
}

/// A generation that may end now.
fn revocable(goal: &Goal, ledger: &Ledger, session: &Session) -> Option<u64> {
    if !goal.revocable {
        return None;
    }
    let staged = ledger.has_staged();
    ledger.superseded().into_iter().find(|generation| {
        let orphan = ledger
            .credential(*generation)
            .is_some_and(|c| c.status == CredentialStatus::Orphaned);
        (goal.revoke.contains(generation) || goal.revoke_at_once || (orphan && !session.written.is_empty()))
            // While something is staged its consumers use an older one; never one that no target ever held.
            && (orphan || !staged)
            && !session.spared.contains(generation)
            && !ledger.is_held(*generation)
    })
}
