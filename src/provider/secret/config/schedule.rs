//! `rotation { every, early }`.

use jiff::SignedDuration;

use crate::rotation::schedule::Schedule;
use crate::terraform::{Diagnostics, Node};

/// Reads the block. `None` when something is unknown or wrong.
pub(super) fn parse_schedule(rotation: &Node<'_>, problems: &mut Diagnostics) -> Option<Schedule> {
    let every = rotation.attr("every");
    if every.value().as_str() == Some("apply") {
        problems.error(
            every.path().clone(),
            "rotation.every = \"apply\" is not available yet",
            "This version of the provider does not implement it. Set an interval, such as \"90d\".",
        );
        return None;
    }
    let every = every.duration(problems).optional();
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
            "Set rotation_reason to rotate once.",
        );
    }
    Some(Schedule {
        every: every?,
        early: early?.unwrap_or(SignedDuration::ZERO),
    })
}
