//! Room for one more credential, where the issuer limits how many live and targets in doubt might hold any of those there are.

use std::collections::BTreeSet;

use super::apply::goal;
use super::config::Config;
use super::decide::{Decision, Rotate};
use super::forecast::making_room;
use crate::call::WritePermit;
use crate::executor::{self, Job, Outcome, Stop};
use crate::rotation::DeliveryStatus;
use crate::target::Activation;

/// Gives the targets in doubt once more what is in place, and finishes a rotation that was cut off, so that the next one finds an
/// older credential that nobody uses.
/// `None` when there is room, or when the value cannot be had: then the rotation itself says why it cannot go on.
pub(super) async fn made(
    decision: &Decision,
    config: &Config,
    job: &Job,
    stop: &Stop,
    permit: &WritePermit,
) -> Option<Outcome> {
    let rotates = matches!(decision.rotate, Rotate::Yes { .. });
    let traits = config.source.config.traits();
    let ledger = &decision.ledger;
    // Room is made by what is older than a generation that is in place and proved.
    let unproved = !ledger.is_finished()
        && ledger
            .credential(ledger.generation())
            .is_some_and(|known| known.issuer == job.issuer.to_string());
    let crowded = traits.max_live.is_some() && !traits.replaces;
    // Consumers that were left with another value, perhaps of the handle that is made anew next.
    let published: BTreeSet<String> = ledger
        .deliveries()
        .iter()
        .filter(|(key, delivery)| {
            let target = config.targets.get(*key);
            let rolled = target.is_some_and(|target| target.config.traits().activation == Activation::Itself);
            delivery.status == DeliveryStatus::Staged && rolled
        })
        .map(|(key, _)| key.clone())
        .collect();
    let in_force = published.is_empty();
    if !rotates || !crowded || (!unproved && in_force && making_room(decision, config).is_some()) {
        return None;
    }
    let doubtful = ledger.deliveries().iter().filter(|(key, delivery)| {
        let lost_sight = matches!(delivery.status, DeliveryStatus::Changed | DeliveryStatus::Unknown);
        let behind = !ledger.is_finished() && !delivery.holds(ledger.generation());
        (lost_sight || behind) && config.targets.contains_key(*key)
    });
    let healing = Decision {
        rotate: Rotate::No,
        generation: decision.ledger.generation(),
        write: doubtful.map(|(key, _)| key.clone()).collect(),
        finish: !ledger.is_finished(),
        activate: published,
        remove: [].into(),
        revoke: [].into(),
        ..decision.clone()
    };
    let outcome = executor::run(
        job,
        goal(&healing, config, false),
        decision.ledger.clone(),
        stop,
        permit,
    )
    .await;
    (!outcome.value_lost).then_some(outcome)
}
