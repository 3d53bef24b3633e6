//! The same target against the sandbox, which keeps state and whose errors echo the request.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use futures::future::join_all;
use rotation_provider::address::Address;
use rotation_provider::call::{CallErrorKind, Effect};
use rotation_provider::environment::Environment;
use rotation_provider::terraform::Value;
use rotation_provider::vendors::Vendors as _;
use serde_json::{Value as Json, json};

use super::tags::activated;
use super::{CANARY, NAME, connections_with, deliver, label, named, permit, slot_of, target_of};

/// The sandbox as a process of its own; it ends with its standard input.
struct Sandbox {
    process: Child,
    exports: Vec<(String, String)>,
}

impl Sandbox {
    fn start() -> Self {
        // Under nextest `tests/run` has built it.
        if Environment::of_process().get("NEXTEST").is_none() {
            let built = Command::new(env!("CARGO"))
                .args(["build", "--quiet", "--example", "sandbox"])
                .status();
            assert!(built.expect("cargo runs").success(), "the sandbox builds");
        }
        let tests = std::env::current_exe().expect("this program");
        let program = tests.parent().expect("deps").with_file_name("examples").join("sandbox");
        let mut process = Command::new(program)
            .arg("--exit-with-stdin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the sandbox starts");
        let lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let lines = lines.map(|line| line.expect("text")).take_while(|line| line != "ready");
        let export = |line: String| {
            let (name, value) = line.strip_prefix("export ")?.split_once('=')?;
            Some((name.to_owned(), value.trim_matches('\'').to_owned()))
        };
        let exports = lines.filter_map(export).collect();
        Self { process, exports }
    }

    fn environment(&self) -> Vec<(&str, &str)> {
        self.exports
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect()
    }

    fn control(&self, method: &str, path: &str, body: &str) -> String {
        let url = self
            .environment()
            .into_iter()
            .find(|(name, _)| *name == "SANDBOX_URL")
            .expect("exported")
            .1;
        let mut stream = TcpStream::connect(url.trim_start_matches("http://")).expect("it listens");
        let length = body.len();
        let head =
            format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n");
        write!(stream, "{head}Content-Length: {length}\r\n\r\n{body}").expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.1 2"), "{answer}");
        body.to_owned()
    }

    fn fault(&self, operation: &str, kind: &str) {
        let fault = json!({ "match": operation, "nth": 1, "kind": kind });
        self.control("POST", "/_sandbox/fault", &fault.to_string());
    }

    fn state(&self) -> Json {
        serde_json::from_str(&self.control("GET", "/_sandbox/state", "")).expect("JSON")
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // One that has ended already is what we want.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[tokio::test]
async fn the_sandbox_confirms_marks_batches_and_unknown_outcomes() {
    let sandbox = Sandbox::start();
    let connections = connections_with(Value::object([]), &sandbox.environment());
    sandbox.control("POST", "/_sandbox/settings", r#"{"echo": true}"#);

    let target = target_of(named(NAME), &connections);
    for generation in 1..=3 {
        let revision = deliver(&*target, NAME, CANARY, generation).await.expect("put");
        let entry = target.slot().inspect().await.expect("inspect").expect("there");
        assert_eq!((entry.revision, entry.label), (Some(revision), Some(label(generation))));
    }
    let escrowed = target.read().await.expect("read").expect("there");
    assert_eq!((escrowed.value.expose(), escrowed.label), (CANARY, label(3)));

    sandbox.control("DELETE", "/_sandbox/calls", "");
    let slots: Vec<_> = (0..25).map(|n| slot_of(&format!("/many/{n}"), &connections)).collect();
    let entries = join_all(slots.iter().map(|slot| slot.inspect())).await;
    assert!(entries.iter().all(|entry| *entry == Ok(None)));
    let calls = sandbox.state()["calls"].as_array().map_or(0, Vec::len);
    assert!((1..=3).contains(&calls), "{calls} calls");

    for (kind, effect) in [
        ("forbidden", Effect::None),
        ("error_before", Effect::Possible),
        ("drop_after", Effect::Possible),
        ("garbage", Effect::Possible),
    ] {
        sandbox.fault("PutParameter", kind);
        let error = deliver(&*target, NAME, CANARY, 4).await.expect_err(kind);
        assert_eq!(error.effect, effect, "{kind}: {error}");
        assert!(!format!("{error} {error:?}").contains(CANARY), "{kind}: {error}");
    }
    deliver(&*target, NAME, CANARY, 4).await.expect("it converges");
    assert_eq!(target.read().await.expect("read").expect("there").label, label(4));

    target.slot().remove(&permit()).await.expect("remove");
    target.slot().remove(&permit()).await.expect("remove again");
    assert!(target.read().await.expect("read").is_none());
}

#[tokio::test]
async fn the_sandbox_confirms_tags_tiers_and_the_account() {
    let sandbox = Sandbox::start();
    let connections = connections_with(Value::object([]), &sandbox.environment());
    connections.prepare().await;
    let open = Address::at(
        &connections
            .own()
            .dynamic(&rotation_provider::connection::aws::VENDOR)
            .unwrap()
            .place(),
        "ssm_parameter",
        NAME,
    );
    let complete = connections.complete(&open).await.expect("an account");
    assert_eq!(complete.place, "000000000000:us-east-1");

    let team = |team: &str| Value::Map([("team".to_owned(), Value::string(team))].into());
    let with = |tier: &str, tags: Value| named(NAME).with("tier", Value::string(tier)).with("tags", tags);
    let parameter = || sandbox.state()["aws"]["ssm"][NAME].clone();
    let target = target_of(with("Advanced", team("cp")), &connections);
    deliver(&*target, NAME, CANARY, 1).await.expect("created");
    assert_eq!(parameter()["tags"], json!({ "team": "cp" }));

    let target = target_of(with("Advanced", team("platform")), &connections);
    sandbox.fault("AddTagsToResource", "forbidden");
    assert_eq!(deliver(&*target, NAME, CANARY, 2).await, Ok("2".to_owned()));
    let error = activated(&*target).await.expect_err("forbidden");
    assert_eq!(
        (&error.kind, error.effect),
        (&CallErrorKind::Forbidden, Effect::None),
        "{error}"
    );
    assert_eq!(parameter()["tags"], json!({ "team": "cp" }));
    activated(&*target).await.expect("the fault is over");
    assert_eq!(
        (&parameter()["tags"], &parameter()["version"]),
        (&json!({ "team": "platform" }), &json!(2))
    );

    let error = target_of(with("Standard", team("cp")), &connections)
        .check_writable()
        .await
        .expect_err("no downgrade");
    assert!(error.to_string().contains("it is Advanced"), "{error}");
}
