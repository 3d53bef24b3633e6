//! What a machine's description says: whether it holds app secrets, when its configuration was applied last, whether it is
//! healthy. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::connection::fly::{Machine, MachineCheck, MachineEvent};

/// Machines of these process groups live for one command of a deployment (flyctl).
const PASSING_GROUPS: [&str; 2] = ["fly_app_release_command", "fly_app_console"];

/// Checks that Fly's own deployments add; flyctl ignores them too.
const FOREIGN_CHECKS: &str = "bg_deployments_compat";

/// Whether the machine gets the app's secrets and lasts: not one that is gone, that destroys itself after its task, or
/// whose every process goes without secrets.
///
/// Wider than flyctl, which looks only at machines of its own deployments: others hold the old value just as well.
pub(super) fn holds_secrets(machine: &Machine) -> bool {
    let config = machine.config.as_ref().or(machine.incomplete_config.as_ref());
    let get = |name: &str| config.and_then(|config| config.get(name));
    let group = get("metadata").and_then(|metadata| metadata.get("fly_process_group")?.as_str());
    let processes = get("processes")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let ignores = |process: &Value| process.get("ignore_app_secrets").and_then(Value::as_bool) == Some(true);
    let gone = matches!(machine.state.as_str(), "destroyed" | "destroying");
    let passing = group.is_some_and(|group| PASSING_GROUPS.contains(&group))
        || get("auto_destroy").and_then(Value::as_bool) == Some(true);
    let without = !processes.is_empty() && processes.iter().all(ignores);
    !gone && !passing && !without
}

/// Whether it runs now; one that does not is updated without being started.
pub(super) fn is_running(machine: &Machine) -> bool {
    !matches!(
        machine.state.as_str(),
        "stopped" | "stopping" | "suspended" | "suspending" | "created"
    )
}

/// When the machine's configuration, and with it the secrets, was applied last: its newest `launch` or `update` event, else
/// the time inside its instance id. A start or restart applies nothing.
pub(super) fn applied_at(machine: &Machine) -> Option<Timestamp> {
    let applies = |event: &&MachineEvent| matches!(event.kind.as_str(), "launch" | "update");
    let newest = machine.events.iter().filter(applies).map(|event| event.timestamp).max();
    let from_event = newest.and_then(|at| Timestamp::from_millisecond(at).ok());
    from_event.or_else(|| ulid_time(machine.instance_id.as_deref()?))
}

/// When the machine began to run last, as far as its events tell.
pub(super) fn began_at(machine: &Machine) -> Option<Timestamp> {
    let begins = |event: &&MachineEvent| matches!(event.kind.as_str(), "launch" | "update" | "start" | "restart");
    let newest = machine
        .events
        .iter()
        .filter(begins)
        .map(|event| event.timestamp)
        .max()?;
    Timestamp::from_millisecond(newest).ok()
}

/// The time in a ULID (github.com/ulid/spec): ten characters of Crockford's base 32 are milliseconds since 1970.
///
/// Unverified: Fly documents instance ids by examples only, all of which are ULIDs.
fn ulid_time(id: &str) -> Option<Timestamp> {
    const ALPHABET: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    if id.len() != 26 {
        return None;
    }
    let digits = id
        .chars()
        .take(10)
        .map(|digit| ALPHABET.find(digit.to_ascii_uppercase()));
    let milliseconds = digits.into_iter().try_fold(0_i64, |sum, digit| {
        let digit = i64::try_from(digit?).ok()?;
        sum.checked_mul(32)?.checked_add(digit)
    });
    Timestamp::from_millisecond(milliseconds?).ok()
}

/// How much later than a staged write a deployment must be to count for it.
///
/// Fly replicates secrets with a delay that it does not publish, and a deployment does not say which version it waited for; the two
/// times are those of different services, too. One that came sooner may have started machines with the old value.
pub(super) const DEPLOYMENT_MARGIN: Duration = Duration::from_secs(60);

/// Whether a deployment has updated the machine clearly later than `written`. Only for secrets that somebody else's deployment makes
/// live: it leaves no proof, and Fly's own times are all there is.
pub(super) fn deployed_after(machine: &Machine, written: Timestamp) -> bool {
    let margin = SignedDuration::try_from(DEPLOYMENT_MARGIN).unwrap_or(SignedDuration::MAX);
    applied_at(machine).is_some_and(|applied| applied.duration_since(written) >= margin)
}

/// What Fly says of the machine's host when it cannot be reached. The configuration is missing then, so that no update can be made.
pub(super) fn unreachable(machine: &Machine) -> Option<&str> {
    machine.host_status.as_deref().filter(|status| *status != "ok")
}

/// How a machine does after an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Health {
    /// Not there yet; says what is missing.
    Waiting(String),
    /// It runs, and its checks pass.
    Passing,
    /// It runs and has no checks; believed once it has lasted.
    Running,
    /// It fails.
    Failing(String),
}

/// Judges a machine by its state, its checks and what happened at or after `since`.
pub(super) fn health(machine: &Machine, since: Timestamp) -> Health {
    if let Some(why) = crash(machine, since) {
        return Health::Failing(why);
    }
    match machine.state.as_str() {
        "started" => {}
        "failed" | "destroyed" | "destroying" => return Health::Failing(format!("it is {}", machine.state)),
        other => return Health::Waiting(format!("it is {other}")),
    }
    let checks: Vec<&MachineCheck> = machine
        .checks
        .iter()
        .filter(|check| !check.name.starts_with(FOREIGN_CHECKS))
        .collect();
    if let Some(check) = checks.iter().find(|check| check.status != "passing") {
        return Health::Waiting(format!("its health check {:?} is {}", check.name, check.status));
    }
    match (checks.is_empty(), expects_checks(machine)) {
        (true, true) => Health::Waiting("its health checks have not reported".to_owned()),
        (true, false) => Health::Running,
        (false, _) => Health::Passing,
    }
}

/// Whether nothing speaks against the machine: it rests, or it runs, and has not failed since it began to.
pub(super) fn is_well(machine: &Machine) -> bool {
    let since = began_at(machine).unwrap_or(Timestamp::MAX);
    if is_running(machine) {
        matches!(health(machine, since), Health::Passing | Health::Running)
    } else {
        crash(machine, since).is_none()
    }
}

/// How the machine's process ended at or after `since`, if it did so on its own and not well.
///
/// A machine that gave up and stopped looks like one that rests but for this.
pub(super) fn crash(machine: &Machine, since: Timestamp) -> Option<String> {
    let late = |event: &&MachineEvent| event.timestamp >= since.as_millisecond();
    let code = machine.events.iter().filter(late).find_map(crash_code)?;
    Some(format!("its process ended with exit code {code}"))
}

/// The exit code of an event that tells of a process that ended on its own, and not well.
fn crash_code(event: &MachineEvent) -> Option<i64> {
    let request = event.request.as_ref().filter(|_| event.kind == "exit")?;
    let nested = || request.get("MonitorEvent")?.get("exit_event");
    let exit = request.get("exit_event").or_else(nested)?;
    if exit.get("requested_stop").and_then(Value::as_bool) == Some(true) {
        return None;
    }
    exit.get("exit_code").and_then(Value::as_i64).filter(|code| *code != 0)
}

/// Whether the configuration names health checks, of the machine or of a service.
fn expects_checks(machine: &Machine) -> bool {
    let filled = |value: &Value| match value {
        Value::Object(checks) => !checks.is_empty(),
        Value::Array(checks) => !checks.is_empty(),
        _ => false,
    };
    let Some(config) = &machine.config else {
        return false;
    };
    let services = config.get("services").and_then(Value::as_array);
    config.get("checks").is_some_and(filled)
        || services.is_some_and(|services| services.iter().any(|service| service.get("checks").is_some_and(filled)))
}

/// Seconds, for sentences.
pub(super) fn seconds(duration: Duration) -> String {
    crate::duration::format(SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn machine(description: Value) -> Machine {
        serde_json::from_value(description).unwrap()
    }

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).unwrap()
    }

    #[test]
    fn machines_without_app_secrets_are_left_alone() {
        for (description, holds) in [
            (json!({ "id": "a", "state": "started", "config": {} }), true),
            (
                json!({ "id": "a", "state": "stopped", "config": { "metadata": { "fly_process_group": "app" } } }),
                true,
            ),
            (
                json!({ "id": "a", "state": "started", "host_status": "unreachable" }),
                true,
            ),
            (json!({ "id": "a", "state": "destroyed", "config": {} }), false),
            (
                json!({ "id": "a", "state": "started", "config": { "auto_destroy": true } }),
                false,
            ),
            (
                json!({ "id": "a", "state": "started", "config": { "metadata": { "fly_process_group": "fly_app_console" } } }),
                false,
            ),
            (
                json!({ "id": "a", "state": "started", "config": { "processes": [{ "ignore_app_secrets": true }] } }),
                false,
            ),
            (
                json!({ "id": "a", "state": "started", "config": { "processes": [{ "ignore_app_secrets": true }, {}] } }),
                true,
            ),
        ] {
            assert_eq!(holds_secrets(&machine(description.clone())), holds, "{description}");
        }
    }

    #[test]
    fn only_launch_and_update_apply_secrets() {
        let events = json!([
            { "type": "restart", "timestamp": 9_000 },
            { "type": "start", "timestamp": 8_000 },
            { "type": "update", "timestamp": 5_000 },
            { "type": "launch", "timestamp": 1_000 },
        ]);
        let machine = machine(json!({ "id": "a", "state": "started", "events": events }));
        assert_eq!(applied_at(&machine), Some(at(5_000)));
    }

    #[test]
    fn when_the_update_has_left_the_events_the_instance_id_tells() {
        let example = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
        assert_eq!(ulid_time(example), Some(at(1_469_922_850_259)));
        for wrong in ["", "01ARZ3NDEK", "01ARZ3NDEUTSV4RRFFQ69G5FAV", "ééééééééééééé"] {
            assert_eq!(ulid_time(wrong), None, "{wrong}");
        }
        let quiet = machine(json!({ "id": "a", "events": [{ "type": "start", "timestamp": 9 }], "instance_id": "x" }));
        assert_eq!(applied_at(&quiet), None);
        assert!(!deployed_after(&quiet, at(0)));
    }

    #[test]
    fn a_deployment_counts_when_it_is_clearly_later_than_the_write() {
        let events = json!([{ "type": "start", "timestamp": 900_000 }, { "type": "update", "timestamp": 100_000 }]);
        let machine = machine(json!({ "id": "a", "state": "started", "events": events }));
        assert!(deployed_after(&machine, at(40_000)));
        for late in [40_001, 100_000, 200_000] {
            assert!(!deployed_after(&machine, at(late)), "{late}");
        }
    }

    #[test]
    fn a_machine_is_healthy_when_its_checks_pass_or_it_lasts_without_any() {
        let checks = json!({ "http": { "type": "http" } });
        for (description, expected) in [
            (
                json!({ "id": "a", "state": "replacing", "config": {} }),
                Health::Waiting("it is replacing".to_owned()),
            ),
            (json!({ "id": "a", "state": "started", "config": {} }), Health::Running),
            (
                json!({ "id": "a", "state": "failed", "config": {} }),
                Health::Failing("it is failed".to_owned()),
            ),
            (
                json!({ "id": "a", "state": "started", "config": { "checks": checks } }),
                Health::Waiting("its health checks have not reported".to_owned()),
            ),
            (
                json!({ "id": "a", "state": "started", "config": { "services": [{ "checks": [{}] }] },
                        "checks": [{ "name": "bg_deployments_compat_1", "status": "critical" }] }),
                Health::Waiting("its health checks have not reported".to_owned()),
            ),
            (
                json!({ "id": "a", "state": "started", "config": { "checks": checks },
                        "checks": [{ "name": "http", "status": "critical" }] }),
                Health::Waiting("its health check \"http\" is critical".to_owned()),
            ),
            (
                json!({ "id": "a", "state": "started", "config": { "checks": checks },
                        "checks": [{ "name": "http", "status": "passing" }] }),
                Health::Passing,
            ),
        ] {
            assert_eq!(health(&machine(description.clone()), at(0)), expected, "{description}");
        }
    }

    #[test]
    fn a_process_that_ends_on_its_own_fails_and_one_that_the_update_stopped_does_not() {
        let exit = |timestamp: i64, code: i64, requested: bool| {
            let event = json!({ "exit_code": code, "requested_stop": requested });
            let event = json!({ "type": "exit", "timestamp": timestamp, "request": { "exit_event": event } });
            machine(json!({ "id": "a", "state": "started", "config": {}, "events": [event] }))
        };
        assert_eq!(
            health(&exit(10, 1, false), at(10)),
            Health::Failing("its process ended with exit code 1".to_owned())
        );
        for fine in [exit(10, 137, true), exit(10, 0, false), exit(9, 1, false)] {
            assert_eq!(health(&fine, at(10)), Health::Running);
        }
    }
}
