//! What a log says of a run: at `INFO` each wave as it begins, at `DEBUG` every step.

use super::Job;
use crate::rotation::{Goal, Step};

/// Notes a step before it is performed.
pub(super) fn note(job: &Job, goal: &Goal, step: &Step) {
    let secret = &job.id;
    if let Step::Deliver { generation, targets } = step {
        let wave = targets
            .iter()
            .filter_map(|key| goal.targets.get(key))
            .map(|target| target.wave)
            .min();
        let last = goal.targets.values().map(|target| target.wave).max();
        let (wave, last) = (wave.unwrap_or_default(), last.unwrap_or_default());
        tracing::info!(%secret, generation, targets = targets.join(", "), "wave {wave} begins; the last is {last}");
    }
    tracing::debug!(%secret, ?step, "step");
}
