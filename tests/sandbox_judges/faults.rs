//! What goes wrong on purpose: each kind of fault does what the README says, to the world and to the connection.

use serde_json::{Value, json};

use super::client::{Answer, Outsider};

const SECRETS: &str = "/v1/apps/molecule-cp/secrets";

fn set(outsider: &Outsider, value: &str) -> Option<Answer> {
    let token = outsider.sandbox.export("FLY_API_TOKEN");
    let body = json!({ "values": { "FAULTY": value } });
    outsider.call("POST", SECRETS, &[("authorization", token)], &body)
}

fn held(outsider: &Outsider) -> Value {
    outsider.sandbox.state()["fly"]["apps"]["molecule-cp"]["secrets"]["FAULTY"]["value"].clone()
}

#[test]
fn a_fault_with_effect_changes_the_world_and_one_without_does_not() {
    let outsider = Outsider::new();
    // Kind, the status that the caller sees (none: no answer), whether the vendor acted.
    let kinds = [
        ("refuse", None, false),
        ("drop_after", None, true),
        ("error_before", Some(500), false),
        ("error_after", Some(500), true),
        ("rate_limit", Some(429), false),
        ("garbage", Some(200), true),
        ("truncate", Some(200), true),
        ("forbidden", Some(403), false),
        ("not_found", Some(404), false),
        ("invalid", Some(422), false),
    ];
    for (kind, status, acts) in kinds {
        assert_eq!(set(&outsider, "before").unwrap().status, 200, "{kind}");
        outsider.sandbox.fault("POST /v1/apps", 1, kind);
        let answer = set(&outsider, kind);
        assert_eq!(answer.map(|answer| answer.status), status, "{kind}");
        assert_eq!(held(&outsider), if acts { kind } else { "before" }, "{kind}");
        // It was planted once.
        assert_eq!(set(&outsider, "after").unwrap().status, 200, "{kind}");
    }
}

#[test]
fn a_truncated_answer_is_shorter_than_its_head_says() {
    let outsider = Outsider::new();
    assert!(set(&outsider, "whole").unwrap().is_whole());
    outsider.sandbox.fault(SECRETS, 1, "truncate");
    let answer = set(&outsider, "short").unwrap();
    assert!(!answer.raw.is_empty() && !answer.is_whole(), "{answer:?}");
    assert_eq!(answer.body, Value::Null);
    outsider.sandbox.fault(SECRETS, 1, "garbage");
    assert_eq!(set(&outsider, "no JSON").unwrap().body, Value::Null);
}

#[test]
fn the_nth_matching_call_is_struck_and_no_other() {
    let outsider = Outsider::new();
    outsider
        .sandbox
        .fault("POST /v1/apps/molecule-cp/secrets", 3, "error_before");
    let none = Value::Null;
    let statuses: Vec<u16> = (0..4)
        .map(|_| {
            outsider.fly("GET", SECRETS, &none).ok();
            set(&outsider, "x").unwrap().status
        })
        .collect();
    assert_eq!(statuses, [200, 200, 500, 200]);
}

#[test]
fn faults_meet_graphql_fields_and_amazon_targets_by_name() {
    let outsider = Outsider::new();
    outsider.sandbox.fault("organization", 1, "error_before");
    outsider.sandbox.fault("AmazonSSM.DescribeParameters", 1, "rate_limit");
    let query = "{ organization(slug: \"molecule\") { id } }";
    assert_eq!(outsider.graphql(query, &json!({})).status, 500);
    let throttled = outsider.ssm("DescribeParameters", &json!({}));
    // Amazon throttles with 400.
    assert_eq!(throttled.status, 400);
    assert_eq!(throttled.body["__type"], "ThrottlingException");
    outsider.ssm("DescribeParameters", &json!({})).ok();
}

#[test]
fn a_rate_limit_says_when_to_come_again() {
    let outsider = Outsider::new();
    outsider.sandbox.fault("", 1, "rate_limit");
    let answer = outsider.neon("GET", "/users/me", &Value::Null);
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("1")));
}

#[test]
fn a_credential_that_is_refused_stays_refused_until_the_fault_is_removed() {
    let outsider = Outsider::new();
    outsider.sandbox.fault("/repos/", 1, "unauthorized");
    let path = "/repos/molecule-ai/molecule-docs/actions/secrets";
    for _ in 0..3 {
        assert_eq!(outsider.github("GET", path, &Value::Null).status, 401);
    }
    outsider.sandbox.heal();
    outsider.github("GET", path, &Value::Null).ok();
}

#[test]
fn the_log_counts_vendor_calls_alone_and_says_what_they_did() {
    let outsider = Outsider::new();
    set(&outsider, "logged").unwrap().ok();
    outsider.sandbox.fault(SECRETS, 1, "drop_after");
    assert!(set(&outsider, "lost").is_none());
    outsider
        .graphql("{ organization(slug: \"molecule\") { id } }", &json!({}))
        .ok();
    outsider.sandbox.settings(json!({ "echo": false }));
    let calls = outsider.sandbox.state()["calls"].clone();
    let shown: Vec<_> = calls
        .as_array()
        .unwrap()
        .iter()
        .map(|call| {
            json!([
                call["n"],
                call["vendor"],
                call["method"],
                call["path"],
                call["operation"],
                call["status"],
                call["effect"]
            ])
        })
        .collect();
    let expected = [
        json!([1, "fly", "POST", SECRETS, "", 200, true]),
        json!([2, "fly", "POST", SECRETS, "", 0, true]),
        json!([3, "fly", "POST", "/graphql", "organization", 200, true]),
    ];
    assert_eq!(shown, expected);
    outsider.sandbox.forget_calls();
    assert!(outsider.sandbox.calls().is_empty());
}

#[test]
fn an_echoing_vendor_repeats_what_it_was_sent() {
    let outsider = Outsider::new();
    outsider.sandbox.settings(json!({ "echo": true }));
    let body = json!({ "values": { "A": 7 }, "canary": "canary-41c7" });
    let answer = outsider.fly("POST", SECRETS, &body);
    assert_eq!(answer.status, 400);
    assert!(answer.body["error"].as_str().unwrap().contains("canary-41c7"));
    assert!(answer.header("x-request-echo").unwrap().contains("canary-41c7"));
}
