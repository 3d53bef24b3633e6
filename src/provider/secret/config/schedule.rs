//! `rotation { every, early }`.

use jiff::SignedDuration;

use crate::diagnostics::{Argument, Configuration};
use crate::rotation::schedule::Schedule;
use crate::terraform::{Diagnostics, Node};

/// Reads the block. `None` when something is unknown or wrong.
pub(super) fn parse_schedule(rotation: &Node<'_>, problems: &mut Diagnostics) -> Option<Schedule> {
    let every = rotation.attr("every");
    if every.value().as_str() == Some("apply") {
        problems.report(every.path().clone(), Configuration::EveryApply);
        return None;
    }
    let every = every.duration(problems).optional();
    let early = rotation.attr("early").duration(problems).optional();
    if let (Some(Some(every)), Some(Some(early))) = (every, early)
        && early >= every
    {
        let mistake = Configuration::EarlyTooLong {
            early: crate::duration::format(early).into(),
            every: crate::duration::format(every).into(),
        };
        problems.report(rotation.attr("early").path().clone(), mistake);
    }
    if let (Some(None), Some(Some(_))) = (every, early) {
        rotation.attr("early").report(problems, |argument| Argument::Needs {
            argument,
            other: "rotation.every".into(),
            why: "Without a schedule there is nothing to be early for. Set `every`, or remove `early`.".into(),
        });
    }
    if let Some(Some(every)) = every
        && every.is_zero()
    {
        rotation.attr("every").report(problems, |argument| Argument::Zero {
            argument,
            why: "To rotate once, set `rotation_reason`.".into(),
        });
    }
    Some(Schedule {
        every: every?,
        early: early?.unwrap_or(SignedDuration::ZERO),
    })
}
