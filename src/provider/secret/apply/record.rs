//! What a run found out, taken over into the state.

use jiff::Timestamp;

use crate::executor::Outcome;
use crate::provider::secret::decide::{Decision, Rotate};
use crate::provider::secret::state::{CheckResult, State, Verdict};
use crate::rotation::{Cause, DeliveryStatus, Event, schedule};
use crate::spec::{Config, When};

/// Takes over what the run found out.
pub(super) fn absorb(state: &mut State, outcome: &Outcome, decision: &Decision, config: &Config) {
    state.ledger = outcome.ledger.clone();
    if let Some(public) = &outcome.public {
        state.public.clone_from(public);
    }
    let renewed = decision.rotates() || decision.finish;
    if let Some(at) = outcome.promoted_at.filter(|_| renewed) {
        let scheduled = match &decision.rotate {
            Rotate::Yes(request) => request.cause == Cause::Schedule,
            _ => state
                .last_rotation
                .as_ref()
                .is_some_and(|known| known.cause == Cause::Schedule),
        };
        let anchor = state.rotate_after.filter(|_| scheduled);
        state.rotate_after = config
            .schedule
            .every
            .map(|every| schedule::next_anchor(every, anchor, at));
        state.rotated_at = Some(at);
    }
    let Some(receipt) = &mut state.last_rotation else {
        return;
    };
    let results = outcome.proofs.iter().map(|proof| CheckResult {
        name: proof.check.clone(),
        verdict: if proof.passed { Verdict::Passed } else { Verdict::Failed },
        seconds: proof.seconds,
    });
    if decision.finish && !decision.rotates() {
        receipt.incident_revoke = decision.incident;
    }
    if renewed {
        if outcome.promoted_at.is_some() {
            receipt.finished_at = outcome.promoted_at;
        }
        let results: Vec<CheckResult> = results.collect();
        // Of a rotation that was left between two waves, the checks of the earlier ones passed then.
        let stays = |known: &CheckResult| decision.led && results.iter().all(|new| new.name != known.name);
        receipt.checks.retain(stays);
        receipt.checks.extend(results);
    } else if decision.proves_revocation(config) {
        let after_revocation = |name: &str| config.checks.get(name).is_some_and(|check| check.when == When::Revoked);
        receipt.checks.retain(|known| !after_revocation(&known.name));
        receipt
            .checks
            .extend(results.filter(|result| after_revocation(&result.name)));
    }
    receipt.revoked.extend(outcome.revoked.iter().cloned());
    let cut_off = outcome.interrupted || !outcome.failures.is_empty();
    if cut_off && (!outcome.revoked.is_empty() || decision.recheck) {
        let ran = |name: &String| outcome.proofs.iter().any(|proof| proof.check == *name);
        receipt.awaits(config.after_revocation().filter(|name| !ran(name)).cloned());
    }
}

/// A failed run leaves the old arguments in state: an entry that got another text already does not hold what they ask for.
pub(super) fn half_reworded(state: &mut State, decision: &Decision) {
    for key in &decision.reworded {
        let before = decision.ledger.deliveries().get(key).map(|delivery| &delivery.revision);
        let rewritten = state.ledger.delivery(key).is_some_and(|delivery| {
            delivery.status != DeliveryStatus::Unknown && before.is_some_and(|before| *before != delivery.revision)
        });
        if rewritten {
            state.ledger.record(Event::Outdated { target: key.clone() });
        }
    }
}

/// A target that leads, and that a run wrote anew while the next wave waits, leads anew.
pub(super) fn lead_anew(state: &mut State, decision: &Decision, config: &Config, now: Timestamp) {
    let Some(until) = state
        .ledger
        .paused_until()
        .filter(|_| !decision.rotates() && !decision.finish)
    else {
        return;
    };
    let leading = config.leading_targets(config.last_wave());
    let written = leading.filter(|(key, _)| decision.write.contains(*key) || decision.activate.contains(*key));
    let ends = written.map(|(_, target)| now.checked_add(target.lead).unwrap_or(Timestamp::MAX));
    let until = ends.chain([until]).max().unwrap_or(until);
    state.ledger.record(Event::Paused { until });
}
