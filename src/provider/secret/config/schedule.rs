//! `rotation { every, early, overdue, window { … } }`.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

use crate::diagnostics::{Argument, Configuration};
use crate::duration::format as text_of;
use crate::rotation::schedule::Schedule;
use crate::rotation::window::{self, NoWindow, Window};
use crate::terraform::conform::nearest;
use crate::terraform::{Diagnostics, Field, Node};

/// Reads the block. `None` when something is unknown or wrong.
pub(super) fn parse_schedule(rotation: &Node<'_>, problems: &mut Diagnostics) -> Option<Schedule> {
    let every = rotation.attr("every");
    let with_every_apply = every.value().as_str() == Some("apply");
    let every = match with_every_apply {
        true => Some(None),
        false => every.duration(problems).optional(),
    };
    let early = rotation.attr("early").duration(problems).optional();
    early_fits(rotation, every, early, with_every_apply, problems);
    let overdue = rotation.attr("overdue").one_of(&["warn", "error"], problems).or("warn");
    let window = rotation.attr("window");
    let parts = ["days", "from", "to", "timezone"];
    let window = match parts.iter().any(|part| !window.attr(part).is_null()) {
        true => parse_window(&window, problems).map(Some),
        false => Some(None),
    };
    Some(Schedule {
        every: every?,
        early: early?.unwrap_or(SignedDuration::ZERO),
        with_every_apply,
        window: window?,
        overdue_is_error: overdue? == "error",
    })
}

/// Reports an interval of nothing, and an `early` that does not fit it.
fn early_fits(
    rotation: &Node<'_>,
    every: Option<Option<SignedDuration>>,
    early: Option<Option<SignedDuration>>,
    with_every_apply: bool,
    problems: &mut Diagnostics,
) {
    let path = |name: &str| rotation.attr(name).path().clone();
    if let (Some(Some(every)), Some(Some(early))) = (every, early)
        && early >= every
    {
        let mistake = Configuration::EarlyTooLong {
            early: text_of(early).into(),
            every: text_of(every).into(),
        };
        problems.report(path("early"), mistake);
    }
    if let (Some(None), Some(Some(_))) = (every, early) {
        let (other, why) = match with_every_apply {
            true => (
                "an interval",
                "Every apply rotates, so nothing is ever due early. Remove `early`.",
            ),
            false => (
                "rotation.every",
                "Without a schedule there is nothing to be early for. Set `every`, or remove `early`.",
            ),
        };
        rotation.attr("early").report(problems, |argument| Argument::Needs {
            argument,
            other: other.into(),
            why: why.into(),
        });
    }
    if let Some(Some(every)) = every
        && every.is_zero()
    {
        rotation.attr("every").report(problems, |argument| Argument::Zero {
            argument,
            why: "To rotate once, set `rotation_reason`. To rotate with every apply, set every = \"apply\".".into(),
        });
    }
}

/// Reads the window. `None` when something is unknown or wrong.
fn parse_window(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Window> {
    let days = parse_days(&node.attr("days"), problems);
    let from = parse_time(&node.attr("from"), problems);
    let to = parse_time(&node.attr("to"), problems);
    let zone = parse_zone(&node.attr("timezone"), problems);
    let same = node.attr("from").value().as_str() == node.attr("to").value().as_str();
    let (days, from, to, zone) = (days?, from?, to?, zone?);
    let window = match same {
        true => Err(NoWindow::NoHours),
        false => Window::new(days, from, to, zone),
    };
    let (at, mistake) = match window {
        Ok(window) => return Some(window),
        Err(NoWindow::NoDays) => ("days", Configuration::WindowWithoutDays),
        Err(NoWindow::NoHours) => ("to", Configuration::WindowWithoutHours),
    };
    problems.report(node.attr(at).path().clone(), mistake);
    None
}

fn parse_days(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Vec<Weekday>> {
    let Some(names) = node.strings(problems).optional()? else {
        return Some(window::DAYS.iter().filter_map(|name| window::day(name)).collect());
    };
    let mut days = Vec::new();
    for name in &names {
        let Some(day) = window::day(name) else {
            node.report(problems, |argument| Argument::CannotBeUsed {
                argument,
                why: format!("{name:?} is not one of {}.", window::DAYS.join(", ")).into(),
            });
            return None;
        };
        days.push(day);
    }
    Some(days)
}

fn parse_time(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Time> {
    let text = node.required_string(problems).known()?;
    let time = window::time(&text);
    if time.is_none() {
        node.report(problems, |argument| Argument::IsNot {
            argument,
            what: "a time of day".into(),
            why: format!("It is {text:?}. Use the form \"02:00\", from \"00:00\" to \"24:00\".").into(),
        });
    }
    time
}

fn parse_zone(node: &Node<'_>, problems: &mut Diagnostics) -> Option<TimeZone> {
    let name = match node.string(problems) {
        Field::Absent => return Some(TimeZone::UTC),
        Field::Unknown => return None,
        Field::Known(name) => name,
    };
    if let Ok(zone) = TimeZone::get(&name) {
        return Some(zone);
    }
    let known: BTreeSet<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let meant = nearest(&name, &known).map(|meant| format!(" Did you mean {meant:?}?"));
    node.report(problems, |argument| Argument::IsNot {
        argument,
        what: "a time zone".into(),
        why: format!(
            "{name:?} is not in the IANA time zone database. Use a name such as \"Europe/Berlin\".{}",
            meant.unwrap_or_default()
        )
        .into(),
    });
    None
}
