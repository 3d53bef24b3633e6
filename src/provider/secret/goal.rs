//! A decision in the engine's terms.

use std::collections::BTreeMap;

use super::decide::{Decision, moves_escrow};
use super::revocable::can_be_revoked;
use crate::rotation::{DeliveryStatus, Ending, Goal, TargetGoal};
use crate::spec::{Config, IncidentRevoke, When};

/// What a run is asked to reach.
pub(super) fn goal(decision: &Decision, config: &Config, is_create: bool) -> Goal {
    let traits = config.source.config.traits();
    let rotates = decision.rotates();
    let renews = rotates || decision.finish;
    // What an interrupted rotation has not reached is written anyway.
    let rewrites = |key: &String| {
        let held = decision.ledger.delivery(key);
        held.is_some_and(|delivery| delivery.holds(decision.generation))
    };
    // What is gone cannot be written, and what drifted stays as it is where only a report is wanted. A target that the plan does not
    // name is not touched, whatever is found there.
    let is_wanted = |key: &String| match decision.ledger.status(key) {
        Some(DeliveryStatus::Gone) => false,
        _ if rotates => true,
        _ if decision.left_alone.contains(key) && !decision.write.contains(key) => false,
        _ => renews || decision.write.contains(key) || decision.activate.contains(key) || decision.retag.contains(key),
    };
    let wanted = config.targets.iter().filter(|(key, _)| is_wanted(key));
    let targets: BTreeMap<String, TargetGoal> = wanted
        .map(|(key, target)| {
            let traits = target.config.traits();
            let goal = TargetGoal {
                wave: target.wave,
                write: !rotates && decision.write.contains(key) && (!decision.finish || rewrites(key)),
                activates: target.goes_live_by_us(),
                follow_up: traits.follow_up,
                activate: decision.retag.contains(key),
            };
            (key.clone(), goal)
        })
        .collect();
    let of = |when| config.checks.values().filter(move |check| check.when == when);
    let presented = config.runs().filter(|(_, run)| run.presents_new());
    Goal {
        generation: (!is_create).then_some(decision.generation),
        may_mint: rotates && !decision.restores(),
        restores: decision.restores(),
        may_recover: is_create || !rotates || decision.restores(),
        parks: config.escrow.is_some(),
        moves_escrow: moves_escrow(&decision.ledger, config),
        repeat_first: decision.value_lost,
        max_live: traits.max_live(),
        replaces: traits.replaces(),
        revocable: !config.revoke_by_hand,
        by_hand: decision
            .ledger
            .credentials()
            .iter()
            .filter(|known| known.is_issued() && !can_be_revoked(known))
            .map(|known| known.generation)
            .collect(),
        targets,
        // A wave counts as checked where nothing is left to be presented to an activation.
        checked_waves: config.runs().filter_map(|(_, run)| run.wave()).collect(),
        presented_waves: presented.filter_map(|(_, run)| run.wave()).collect(),
        has_preflight: of(When::Preflight).next().is_some(),
        has_revoked_checks: of(When::Revoked).next().is_some(),
        presents_after_revocation: of(When::Revoked).any(|check| check.presents_new()),
        recheck_revoked: decision.recheck,
        leaves_unfinished: !renews && !is_create && !decision.ledger.is_finished(),
        remove: decision.remove.clone(),
        revoke: decision.revoke.clone(),
        exposed: decision.exposed.clone(),
        elsewhere: decision
            .ledger
            .credentials()
            .iter()
            .filter(|known| !config.source.is_issued_at(&known.issuer))
            .map(|known| known.generation)
            .collect(),
        ending: match decision.incident {
            Some(IncidentRevoke::Now) => Ending::AtOnce,
            Some(IncidentRevoke::Delivered) => Ending::Delivered,
            Some(IncidentRevoke::Checked) => Ending::Checked,
            None if renews && config.overlap.is_zero() => Ending::Checked,
            None => Ending::Later,
        },
        goes_on: decision.incident.is_some(),
    }
}
