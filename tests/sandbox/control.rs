//! What the sandbox is told: a typo is refused, by name, and has no effect.

use serde_json::{Value, json};

use crate::harness::Sandbox;

/// What is said about a body that must be refused.
#[track_caller]
fn refused(sandbox: &Sandbox, path: &str, body: &Value) -> String {
    let (status, answer) = sandbox.call("POST", &format!("/_sandbox/{path}"), &[], body);
    assert_eq!(status, 400, "{body}");
    answer["error"].as_str().unwrap().to_owned()
}

#[test]
fn a_fault_that_is_misspelt_or_of_the_wrong_type_is_refused_by_name() {
    let sandbox = Sandbox::start();
    let fault = json!({ "match": "GET /health", "kind": "error_before" });
    let with = |name: &str, value: Value| {
        let mut fault = fault.clone();
        fault[name] = value;
        fault
    };
    for (body, said) in [
        (
            with("mach", json!("x")),
            "mach is not known here: there are match, nth, kind, times",
        ),
        (
            with("nht", json!(2)),
            "nht is not known here: there are match, nth, kind, times",
        ),
        (with("nth", json!(-3)), "nth must be a whole number from 1, not -3"),
        (with("nth", json!(0)), "nth must be a whole number from 1, not 0"),
        (
            with("nth", json!("x")),
            "nth must be a whole number from 1, not a string",
        ),
        (
            with("times", json!(1.5)),
            "times must be a whole number from 1, not 1.5",
        ),
        (with("match", json!(5)), "match must be a string, not 5"),
        (
            with("kind", json!("eror_before")),
            "kind must be one of refuse, drop_after, ",
        ),
        (json!({ "match": "x" }), "kind is missing: one of refuse, "),
        (
            json!({ "kind": "refuse" }),
            "match is missing: a part of METHOD /path operation",
        ),
        (json!([]), "a JSON object is needed"),
        (Value::Null, "a JSON object is needed"),
    ] {
        let answer = refused(&sandbox, "fault", &body);
        assert!(answer.starts_with(said), "{body}: {answer}");
    }
    assert_eq!(sandbox.call("GET", "/health", &[], &Value::Null).0, 200);
    sandbox.call("POST", "/_sandbox/fault", &[], &fault);
    assert_eq!(sandbox.call("GET", "/health", &[], &Value::Null).0, 500);
}

#[test]
fn settings_that_are_misspelt_or_of_the_wrong_type_are_refused_as_a_whole() {
    let sandbox = Sandbox::start();
    for (body, said) in [
        (
            json!({ "ecoh": true }),
            "ecoh is not known here: there are echo, list_lag_ms, check_health, clock_ahead_ms, latency_ms, timeline",
        ),
        (json!({ "echo": 1 }), "echo must be true or false, not 1"),
        (
            json!({ "list_lag_ms": -1 }),
            "list_lag_ms must be a whole number from 0, not -1",
        ),
        (
            json!({ "echo": true, "check_health": "banana" }),
            "check_health must be one of passing, warning, critical, not \"banana\"",
        ),
    ] {
        assert_eq!(refused(&sandbox, "settings", &body), said);
    }
    let headers = [("authorization", "Bearer canary-41c7")];
    let (status, answer) = sandbox.call("GET", "/v1/apps", &headers, &Value::Null);
    assert_eq!(status, 401);
    assert!(!answer.to_string().contains("canary"), "echo is still off: {answer}");
}

#[test]
fn a_seed_that_is_misspelt_or_of_the_wrong_type_is_refused_and_nothing_of_it_happens() {
    let sandbox = Sandbox::start();
    let repository = |content: Value| json!({ "github": { "repositories": { "o/r": content } } });
    let app = |content: Value| json!({ "fly": { "apps": { "new": content } } });
    let project = |content: Value| json!({ "neon": { "projects": { "nope": content } } });
    let before = sandbox.state();
    for (body, said) in [
        (json!({ "fyl": {} }), "fyl is not known here: there are "),
        (json!({ "fly": 5 }), "fly must be an object, not 5"),
        (
            json!({ "fly": { "app": {} } }),
            "fly.app is not known here: there are apps, tokens",
        ),
        (app(json!({ "exit_cod": 1 })), "fly.apps.new.exit_cod is not known here"),
        (
            app(json!({ "exit_code": "1" })),
            "fly.apps.new.exit_code must be a whole number",
        ),
        (
            app(json!({ "host_status": "down" })),
            "fly.apps.new.host_status must be one of ok, ",
        ),
        (
            app(json!({ "machines": {} })),
            "fly.apps.new.machines must be a list, not an object",
        ),
        (
            app(json!({ "machines": [{ "state": "up" }] })),
            "fly.apps.new.machines[0].state must be one of",
        ),
        (
            app(json!({ "machines": [{ "check": true }] })),
            "fly.apps.new.machines[0].check is not known",
        ),
        (
            json!({ "fly": { "tokens": [{ "app": "x" }] } }),
            "fly.tokens[0] needs a name",
        ),
        (
            json!({ "github": { "repositories": "x" } }),
            "github.repositories must be an object, not a string",
        ),
        (
            json!({ "github": { "silent": true } }),
            "github.silent is not known here",
        ),
        (
            json!({ "github": { "tokens": [{ "value": "x", "may_write": 0 }] } }),
            "github.tokens[0].may_write must",
        ),
        (
            json!({ "github": { "app": { "id": 1 } } }),
            "github.app needs a numeric installation_id",
        ),
        (
            repository(json!({ "secret": {} })),
            "github.repositories.o/r.secret is not known here",
        ),
        (
            repository(json!({ "secrets": { "A": 1 } })),
            "github.repositories.o/r.secrets.A must be a string",
        ),
        (
            repository(json!({ "environment_secrets": { "gone": {} } })),
            "github.repositories.o/r.environment_secrets.gone: the repository has no such environment",
        ),
        (
            project(json!({ "role": [] })),
            "neon.projects.nope.role is not known here",
        ),
        (
            project(json!({ "password": { "ghost": "x" } })),
            "neon.projects.nope.password.ghost: this role does not exist",
        ),
        (json!({ "neon": { "api_keys": [{}] } }), "neon.api_keys[0] needs a name"),
        (
            json!({ "aws": { "parameters": { "/a": 1 } } }),
            "aws.parameters./a must be a string, not 1",
        ),
        (
            // What comes before the mistake does not happen either.
            json!({ "aws": { "parameters": { "/a": "b" } }, "platform": { "health": false } }),
            "platform.health is not known here: there are healthy, bearer",
        ),
    ] {
        let answer = refused(&sandbox, "seed", &body);
        assert!(answer.starts_with(said), "{body}: {answer}");
        assert_eq!(sandbox.state(), before, "{body}");
    }
    assert_eq!(sandbox.timeline().len(), 1, "only its start");
}
