//! A decision in the engine's terms.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::decide::{Decision, moves_escrow};
use super::revocable::can_be_revoked;
use crate::rotation::lead::LONGEST_WAIT;
use crate::rotation::{CredentialRecord, DeliveryStatus, Ending, Goal, TargetGoal};
use crate::spec::{Config, IncidentRevoke, TargetSpec, When};

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
    // What ends may be in the set of the public keys that are valid, which is written once more without it.
    let is_published = |generation: &u64| {
        let known = decision.ledger.credential(*generation);
        known.is_some_and(CredentialRecord::is_published)
    };
    let withdraws = decision.revoke.iter().any(is_published);
    // What is gone cannot be written, and what drifted stays as it is where only a report is wanted. A target that the plan does not
    // name is not touched, whatever is found there.
    let is_wanted = |key: &String| match decision.ledger.status(key) {
        Some(DeliveryStatus::Gone) => false,
        _ if rotates => true,
        _ if decision.left_alone.contains(key) && !decision.write.contains(key) => false,
        _ if withdraws && config.key_sets().any(|(holds, _)| holds == key) => true,
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
                lead: lead(decision, key, target),
            };
            (key.clone(), goal)
        })
        .collect();
    // What a run proved before it left a rotation between two waves is not proved again.
    let proved = |wave: &u64| decision.led && holds_current(decision, config, *wave);
    let waves = |of: &mut dyn Iterator<Item = u64>| -> BTreeSet<u64> { of.filter(|wave| !proved(wave)).collect() };
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
        checked_waves: waves(&mut config.runs().filter_map(|(_, run)| run.wave())),
        presented_waves: waves(&mut presented.filter_map(|(_, run)| run.wave())),
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

/// How long after that target is live the next wave starts. An incident waits as long as one run does, where it waits for checks. What has
/// led already is not waited for again.
fn lead(decision: &Decision, key: &str, target: &TargetSpec) -> SignedDuration {
    let held = decision.ledger.delivery(key);
    let has_led = decision.led && held.is_some_and(|known| known.holds(decision.generation));
    match decision.incident {
        _ if has_led => SignedDuration::ZERO,
        Some(IncidentRevoke::Now | IncidentRevoke::Delivered) => SignedDuration::ZERO,
        Some(IncidentRevoke::Checked) => target.lead.min(LONGEST_WAIT),
        None => target.lead,
    }
}

/// Whether every target of that wave holds the generation, and its consumers use it.
fn holds_current(decision: &Decision, config: &Config, wave: u64) -> bool {
    let mut of_wave = config.targets.iter().filter(|(_, target)| target.wave == wave);
    of_wave.all(|(key, _)| {
        let held = decision.ledger.delivery(key);
        held.is_some_and(|known| known.holds(decision.generation) && known.status == DeliveryStatus::Current)
    })
}
