//! The sandbox's own routes under `/_sandbox`, which no log counts and no fault meets.

use serde_json::{Value, json};

use crate::call::{Call, Reply};
use crate::fault::Fault;
use crate::world::World;

/// Answers a control call.
pub(crate) fn answer(world: &mut World, call: &Call) -> Reply {
    let (method, segments) = call.route();
    match (method, segments.get(1..).unwrap_or_default()) {
        ("GET", ["state"]) => Reply::ok(world.state()),
        ("GET", ["timeline"]) => Reply::ok(world.timeline.entries()),
        ("GET", ["held"]) => Reply::ok(world.holds.lines()),
        ("POST", ["release"]) => {
            world.holds.release();
            Reply::empty(204)
        }
        ("DELETE", []) => {
            world.end.notify_one();
            Reply::empty(204)
        }
        ("DELETE", ["calls"]) => {
            world.forget_calls();
            Reply::empty(204)
        }
        ("POST", ["fault"]) => match Fault::from_json(&call.body) {
            Ok(fault) => {
                world.faults.push(fault);
                Reply::empty(204)
            }
            Err(problem) => Reply::json(400, json!({ "error": problem })),
        },
        ("DELETE", ["fault"]) => {
            world.faults.clear();
            Reply::empty(204)
        }
        ("POST", ["settings"]) => {
            if let Some(echo) = call.body.get("echo").and_then(Value::as_bool) {
                world.settings.echo = echo;
            }
            if let Some(lag) = call.body.get("list_lag_ms").and_then(Value::as_i64) {
                world.settings.list_lag_ms = lag;
            }
            if let Some(health) = call.text("check_health") {
                world.fly.set_check_health(health);
            }
            Reply::empty(204)
        }
        ("POST", ["seed"]) => match seed(world, &call.body) {
            Ok(()) => {
                let truth = world.truth();
                world.timeline.add("POST /_sandbox/seed", 204, truth);
                Reply::empty(204)
            }
            Err(problem) => Reply::json(400, json!({ "error": problem })),
        },
        _ => Reply::json(
            404,
            json!({ "error": "the sandbox has state, timeline, calls, fault, held, release, settings, seed and fork" }),
        ),
    }
}

/// Adds to the world; what is there already stays.
fn seed(world: &mut World, body: &Value) -> Result<(), String> {
    let sections = body.as_object().ok_or("a JSON object is needed")?;
    for (section, content) in sections {
        match section.as_str() {
            "fly" => world.fly.seed(content)?,
            "aws" => world.aws.seed(content)?,
            "github" => world.github.seed(content)?,
            "neon" => world.neon.seed(content)?,
            "platform" => world.platform.seed(content)?,
            other => {
                return Err(format!(
                    "{other:?} cannot be seeded: there are fly, github, neon, aws and platform"
                ));
            }
        }
    }
    Ok(())
}
