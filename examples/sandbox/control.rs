//! The sandbox's own routes under `/_sandbox`, which no log counts and no fault meets.

use serde_json::{Value, json};

use crate::call::{Call, Reply};
use crate::fault::Fault;
use crate::fields::Fields;
use crate::vendors::Vendors;
use crate::world::World;

/// Answers a control call.
pub(crate) fn answer(world: &mut World, call: &Call) -> Reply {
    let (method, segments) = call.route();
    match (method, segments.get(1..).unwrap_or_default()) {
        ("GET", ["state"]) => Reply::ok(world.state()),
        ("GET", ["timeline"]) => Reply::ok(world.timeline.entries()),
        ("GET", ["github_limits"]) => Reply::ok(world.vendors.github.limits()),
        ("GET", ["held"]) => Reply::ok(world.holds.lines()),
        ("POST", ["release"]) => {
            world.holds.release();
            Reply::empty(204)
        }
        ("DELETE", []) => {
            world.end.notify_one();
            Reply::empty(204)
        }
        ("DELETE", ["timeline"]) => {
            world.forget_past();
            Reply::empty(204)
        }
        ("DELETE", ["calls"]) => {
            world.forget_calls();
            Reply::empty(204)
        }
        ("POST", ["fault"]) => done(Fault::from_json(&call.body).map(|fault| world.faults.push(fault))),
        ("DELETE", ["fault"]) => {
            world.faults.clear();
            Reply::empty(204)
        }
        ("POST", ["settings"]) => done(set(world, &call.body)),
        ("POST", ["seed"]) => done(seed(world, &call.body)),
        _ => Reply::json(
            404,
            json!({ "error": "the sandbox has state, timeline, github_limits, calls, fault, held, release, settings, seed and fork" }),
        ),
    }
}

fn done(outcome: Result<(), String>) -> Reply {
    match outcome {
        Ok(()) => Reply::empty(204),
        Err(problem) => Reply::json(400, json!({ "error": problem })),
    }
}

/// What can be set.
const SETTINGS: [&str; 6] = [
    "echo",
    "list_lag_ms",
    "check_health",
    "clock_ahead_ms",
    "latency_ms",
    "timeline",
];

/// Switches settings; all of them, or none when something is wrong.
fn set(world: &mut World, body: &Value) -> Result<(), String> {
    let fields = Fields::of(body, "", &SETTINGS)?;
    let echo = fields.flag("echo")?;
    let lag = fields.span("list_lag_ms")?;
    let ahead = fields.span("clock_ahead_ms")?;
    let latency = fields.number("latency_ms", 0)?;
    let timeline = fields.flag("timeline")?;
    let health = fields.word("check_health", &["passing", "warning", "critical"])?;
    world.settings.echo = echo.unwrap_or(world.settings.echo);
    world.settings.clock_ahead_ms = ahead.unwrap_or(world.settings.clock_ahead_ms);
    world.settings.list_lag_ms = lag.unwrap_or(world.settings.list_lag_ms);
    world.settings.latency_ms = latency.unwrap_or(world.settings.latency_ms);
    world.settings.keeps_no_timeline = !timeline.unwrap_or(!world.settings.keeps_no_timeline);
    if let Some(health) = health {
        world.vendors.fly.set_check_health(health);
    }
    Ok(())
}

/// Adds to the world; what is there already stays. All of it, or nothing when something is wrong.
fn seed(world: &mut World, body: &Value) -> Result<(), String> {
    let sections = Fields::of(body, "", Vendors::NAMES)?;
    let mut seeded = world.vendors.clone();
    for (vendor, path, content) in sections.all() {
        seeded.seed(vendor, content, &path)?;
    }
    world.vendors = seeded;
    let truth = world.truth();
    world.timeline.add("POST /_sandbox/seed", 204, truth);
    Ok(())
}
