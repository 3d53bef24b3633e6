//! What the sandbox remembers, holds, and copies.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::Sandbox;

const SECRETS: &str = "/v1/apps/molecule-cp/secrets";

fn set(sandbox: &Sandbox, value: &str) -> u16 {
    let token = sandbox.export("FLY_API_TOKEN");
    let body = json!({ "values": { "REMEMBERED": value } });
    sandbox.call("POST", SECRETS, &[("authorization", token)], &body).0
}

fn held(truth: &Value) -> &Value {
    &truth["fly"]["apps"]["molecule-cp"]["secrets"]["REMEMBERED"]["value"]
}

fn until_held(sandbox: &Sandbox) {
    let begun = Instant::now();
    while sandbox.held() != ["POST /v1/apps/molecule-cp/secrets "] {
        assert!(begun.elapsed() < Duration::from_secs(10), "no call is held");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_timeline_has_every_call_and_the_truth_whenever_it_changed() {
    let sandbox = Sandbox::start();
    set(&sandbox, "one");
    sandbox.call("GET", "/health", &[], &Value::Null);
    sandbox.fault("POST", 1, "drop_after");
    std::panic::catch_unwind(|| set(&sandbox, "lost")).unwrap_err();
    sandbox.fault("POST", 1, "refuse");
    std::panic::catch_unwind(|| set(&sandbox, "refused")).unwrap_err();
    sandbox.seed(json!({ "aws": { "parameters": { "/typed": "by hand" } } }));
    let timeline = sandbox.timeline();
    let calls: Vec<&str> = timeline.iter().map(|entry| entry["call"].as_str().unwrap()).collect();
    let write = "POST /v1/apps/molecule-cp/secrets";
    assert_eq!(calls, ["start", write, "GET /health", write, "POST /_sandbox/seed"]);
    let values: Vec<&Value> = timeline.iter().map(|entry| held(&entry["state"])).collect();
    // A refused call did nothing, and is not there; one whose answer was lost did, and is.
    let null = &Value::Null;
    assert_eq!(values, [null, &json!("one"), null, &json!("lost"), &json!("lost")]);
    assert!(timeline[2].get("state").is_none(), "nothing changed");
}

#[test]
fn a_cleared_timeline_begins_anew_with_the_truth_as_it_is() {
    let sandbox = Sandbox::start();
    set(&sandbox, "kept");
    sandbox.call("DELETE", "/_sandbox/timeline", &[], &Value::Null);
    sandbox.call("GET", "/health", &[], &Value::Null);
    let timeline = sandbox.timeline();
    let calls: Vec<&str> = timeline.iter().map(|entry| entry["call"].as_str().unwrap()).collect();
    assert_eq!(calls, ["start", "GET /health"]);
    assert_eq!(*held(&timeline[0]["state"]), "kept");
}

#[test]
fn a_held_call_waits_before_or_after_its_effect_until_it_is_released() {
    let sandbox = Sandbox::start();
    for (kind, acted) in [("hold_before", false), ("hold_after", true)] {
        sandbox.fault("POST", 1, kind);
        std::thread::scope(|scope| {
            let call = scope.spawn(|| set(&sandbox, kind));
            until_held(&sandbox);
            assert_eq!(*held(&sandbox.state()) == kind, acted, "{kind}");
            sandbox.release();
            assert_eq!(call.join().unwrap(), 200);
        });
        assert_eq!(*held(&sandbox.state()), kind);
        assert_eq!(sandbox.held(), [""; 0]);
    }
}

#[test]
fn a_call_that_is_held_before_its_effect_goes_with_its_caller() {
    use std::io::Write as _;
    let sandbox = Sandbox::start();
    sandbox.fault("POST", 1, "hold_before");
    let address = sandbox.export("SANDBOX_URL").strip_prefix("http://").unwrap();
    let body = json!({ "values": { "REMEMBERED": "by nobody" } }).to_string();
    let token = sandbox.export("FLY_API_TOKEN");
    let mut caller = std::net::TcpStream::connect(address).unwrap();
    let head = format!(
        "POST {SECRETS} HTTP/1.1\r\nhost: x\r\nauthorization: {token}\r\ncontent-length: {}",
        body.len()
    );
    caller.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
    until_held(&sandbox);
    drop(caller);
    std::thread::sleep(Duration::from_millis(100));
    sandbox.release();
    std::thread::sleep(Duration::from_millis(100));
    assert!(held(&sandbox.state()).is_null());
}

#[test]
fn a_copy_has_everything_and_goes_its_own_way_until_it_ends() {
    let sandbox = Sandbox::start();
    set(&sandbox, "both");
    let copy = sandbox.fork();
    assert_eq!(*held(&copy.state()), "both");
    assert_eq!(
        copy.calls().len() + copy.timeline().len(),
        1,
        "it has no past but its start"
    );
    assert_eq!(set(&copy, "the copy"), 200);
    let grandchild = copy.fork();
    assert_eq!(*held(&sandbox.state()), "both");
    assert_eq!(*held(&grandchild.state()), "the copy");
    let address = copy.export("SANDBOX_URL").strip_prefix("http://").unwrap().to_owned();
    drop(copy);
    let begun = Instant::now();
    while std::net::TcpStream::connect(&address).is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(10), "the copy goes on");
    }
    assert_eq!(*held(&sandbox.state()), "both");
}
