//! `rotation { every, early, overdue, window { … } }`.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

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
        problems.error(
            path("early"),
            "rotation.early must be shorter than rotation.every",
            format!("early is {}, every is {}.", text_of(early), text_of(every)),
        );
    }
    if let (Some(None), Some(Some(_))) = (every, early) {
        let (summary, why) = match with_every_apply {
            true => (
                "rotation.early needs an interval",
                "Every apply rotates, so nothing is ever due early. Remove early.",
            ),
            false => (
                "rotation.early needs rotation.every",
                "Without a schedule there is nothing to be early for: set every, or remove early.",
            ),
        };
        problems.error(path("early"), summary, why);
    }
    if let Some(Some(every)) = every
        && every.is_zero()
    {
        problems.error(
            path("every"),
            "rotation.every must be longer than zero",
            "Set rotation_reason to rotate once, or every = \"apply\" to rotate with every apply.",
        );
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
    let (at, why) = match window {
        Ok(window) => return Some(window),
        Err(NoWindow::NoDays) => (
            "days",
            "It has no days. List some, such as [\"sat\", \"sun\"], or leave days out for every day.",
        ),
        Err(NoWindow::NoHours) => (
            "to",
            "It closes when it opens. Set another time; \"00:00\" to \"24:00\" is the whole day.",
        ),
    };
    let summary = "rotation.window never opens";
    problems.error(node.attr(at).path().clone(), summary, why);
    None
}

fn parse_days(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Vec<Weekday>> {
    let Some(names) = node.strings(problems).optional()? else {
        return Some(window::DAYS.iter().filter_map(|name| window::day(name)).collect());
    };
    let mut days = Vec::new();
    for name in &names {
        let Some(day) = window::day(name) else {
            let detail = format!("{name:?} is none of {}.", window::DAYS.join(", "));
            problems.error(
                node.path().clone(),
                format!("{} has an unknown day", node.path()),
                detail,
            );
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
        problems.error(
            node.path().clone(),
            format!("{} is not a time of day", node.path()),
            format!("{text:?} is not of the form \"02:00\", from \"00:00\" to \"24:00\"."),
        );
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
    problems.error(
        node.path().clone(),
        format!("{} is not a time zone", node.path()),
        format!(
            "{name:?} is not in the IANA time zone database, whose names are of the form \"Europe/Berlin\".{}",
            meant.unwrap_or_default()
        ),
    );
    None
}
