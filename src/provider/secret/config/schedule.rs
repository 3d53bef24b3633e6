//! `rotation { every, early }`.

use jiff::SignedDuration;

use crate::rotation::schedule::Schedule;
use crate::terraform::{Diagnostics, Node};

/// Reads the block. `None` when something is unknown or wrong.
pub(super) fn parse_schedule(rotation: &Node<'_>, problems: &mut Diagnostics) -> Option<Schedule> {
    if rotation.value().as_map().is_some() && rotation.set_attributes().is_empty() {
        problems.error(
            rotation.path().clone(),
            "rotation is present but empty",
            "Set at least one of every, early, triggers, or leave the block out.",
        );
    }
    let every = rotation.attr("every").duration(problems).optional();
    let early = rotation.attr("early").duration(problems).optional();
    if let (Some(Some(every)), Some(Some(early))) = (every, early)
        && early >= every
    {
        problems.error(
            rotation.attr("early").path().clone(),
            "rotation.early must be shorter than rotation.every",
            format!(
                "early is {}, every is {}.",
                crate::duration::format(early),
                crate::duration::format(every)
            ),
        );
    }
    if let (Some(None), Some(Some(_))) = (every, early) {
        problems.error(
            rotation.attr("early").path().clone(),
            "rotation.early needs rotation.every",
            "Without a schedule there is nothing to be early for: set every, or remove early.",
        );
    }
    if let Some(Some(every)) = every
        && every.is_zero()
    {
        problems.error(
            rotation.attr("every").path().clone(),
            "rotation.every must be longer than zero",
            "Use rotate_now to rotate once.",
        );
    }
    Some(Schedule {
        every: every?,
        early: early?.unwrap_or(SignedDuration::ZERO),
    })
}
