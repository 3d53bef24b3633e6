//! Room for one more credential, where the issuer limits how many live and targets in doubt might hold any of those there are.

use std::collections::BTreeSet;

use super::decide::{Decision, Rotate};
use super::goal::goal;
use crate::call::WritePermit;
use crate::executor::{self, Job, Outcome};
use crate::rotation::{DeliveryStatus, Forecast};
use crate::spec::Config;
use crate::stop::Stop;
use crate::target::Activation;

/// Whether targets have to be brought to what is in place before another credential is minted: the issuer limits how many live, and
/// an older one can be revoked only when a newer one is in place, proved and in force.
pub(super) fn is_needed(decision: &Decision, course: &Forecast, config: &Config) -> bool {
    let traits = config.source.config.traits();
    let ledger = &decision.ledger;
    let crowded = traits.max_live().is_some() && !traits.replaces();
    // Room is made by what is older than a generation that is in place and proved.
    let unproved = !ledger.is_finished()
        && ledger
            .credential(ledger.generation())
            .is_some_and(|known| config.source.is_issued_at(&known.issuer));
    decision.rotates()
        && !decision.restores()
        && crowded
        && (unproved || !published(decision, config).is_empty() || course.stuck.is_some())
}

/// Targets whose consumers were left with another value, perhaps of the handle that is made anew next.
fn published(decision: &Decision, config: &Config) -> BTreeSet<String> {
    let published = decision.ledger.deliveries().iter().filter(|(key, delivery)| {
        let target = config.targets.get(*key);
        let rolled = target.is_some_and(|target| target.config.traits().activation == Activation::Itself);
        delivery.status == DeliveryStatus::Staged && rolled
    });
    published.map(|(key, _)| key.clone()).collect()
}

/// Gives the targets in doubt once more what is in place, and finishes a rotation that was cut off, so that the next one finds an
/// older credential that nobody uses.
/// `None` when there is room, or when the value cannot be recovered: then the rotation itself says why it cannot go on.
pub(super) async fn make_room(
    decision: &Decision,
    course: &Forecast,
    config: &Config,
    job: &Job,
    stop: &Stop,
    permit: &WritePermit,
) -> Option<Outcome> {
    if !is_needed(decision, course, config) {
        return None;
    }
    let ledger = &decision.ledger;
    let published = published(decision, config);
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
