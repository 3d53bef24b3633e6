//! `exec` and `ssh`, as checks and as targets: real programs, and a real OpenSSH server on loopback.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "programs/exec.rs"]
mod exec;
#[path = "programs/ssh.rs"]
mod ssh;
#[path = "support/sshd.rs"]
mod sshd;
#[path = "programs/targets.rs"]
mod targets;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rotation_provider::call::WritePermit;
use rotation_provider::check::{CheckConfig, CheckFailure, CheckKind, Patience, Presents};
use rotation_provider::clock::Clock;
use rotation_provider::connection::{Connections, Surroundings};
use rotation_provider::environment::Environment;
use rotation_provider::secret::{Parts, Secret};
use rotation_provider::stop::Stop;
use rotation_provider::terraform::{Diagnostics, Node, Origin, Value};

const NEW: &str = "new-credential-0123456789";
const PREVIOUS: &str = "previous-credential-9876543210";

type Argument = (&'static str, Value);

fn text(name: &'static str, value: &str) -> Argument {
    (name, Value::string(value))
}

fn list(words: &[&str]) -> Value {
    Value::List(words.iter().map(|word| Value::string(*word)).collect())
}

fn parse(kind: &CheckKind, arguments: &[Argument]) -> (Option<Box<dyn CheckConfig>>, Diagnostics) {
    let arguments: BTreeMap<String, Value> = arguments
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    let value = Value::Map(arguments);
    let mut problems = Diagnostics::new();
    let config = (kind.parse)(&Node::root(&value, Origin::Configuration), None, &mut problems);
    (config, problems)
}

#[track_caller]
fn config(kind: &CheckKind, arguments: &[Argument]) -> Box<dyn CheckConfig> {
    let (config, problems) = parse(kind, arguments);
    assert!(problems.is_empty(), "{problems:?}");
    config.unwrap()
}

/// Connections of a provider block with that `allow_exec`, in an environment of its own.
fn allowing(entries: Value, environment: &[(&str, &str)]) -> (Arc<Connections>, Diagnostics) {
    let surroundings = Surroundings::new(Environment::of(environment), Clock::default());
    let block = Value::object([("allow_exec", entries)]);
    let mut problems = Diagnostics::new();
    let connections = Connections::parse(&Node::root(&block, Origin::Configuration), &surroundings, &mut problems);
    (connections, problems)
}

fn once(seconds: u64) -> Patience {
    Patience {
        timeout: Duration::from_secs(seconds),
        retry_for: Duration::ZERO,
    }
}

/// Runs a check with the credential that it asks for.
async fn run(
    config: &dyn CheckConfig,
    connections: &Connections,
    patience: Patience,
    stop: &Stop,
) -> Result<(), CheckFailure> {
    let value = |text: &str| Parts::single("token", Secret::new(text.to_owned()));
    let parts = match config.presents() {
        Presents::New => Some(value(NEW)),
        Presents::Previous => Some(value(PREVIOUS)),
        Presents::Nothing => None,
    };
    let check = config.connect(&connections.own()).unwrap();
    let permit = WritePermit::granted_by_apply();
    check.run(parts.as_ref(), patience, stop, &permit).await
}

/// The paths of what is wrong, with what is said of each.
fn wrong(kind: &CheckKind, arguments: &[Argument]) -> Vec<(String, String)> {
    let (config, problems) = parse(kind, arguments);
    assert!(config.is_none(), "{arguments:?}");
    let told = problems.iter().map(|problem| {
        (
            problem.path.to_string(),
            format!("{}: {}", problem.summary, problem.detail),
        )
    });
    told.collect()
}

#[tokio::test]
async fn a_list_that_is_known_only_after_apply_neither_allows_nor_refuses() {
    let (connections, problems) = allowing(Value::unknown(), &[]);
    assert!(problems.is_empty());
    let config = config(
        &rotation_provider::check::exec::KIND,
        &[("command", list(&["/bin/true"]))],
    );
    let runs = config.runs().unwrap();
    assert!(connections.may_yet_allow(&runs) && !connections.allows(&runs));
    let why = config.connect(&connections.own()).err().unwrap();
    assert_eq!(why.summary, "allow_exec is not known yet");
}

#[tokio::test]
async fn a_wrong_entry_is_named_by_its_place_and_the_others_hold() {
    let (connections, problems) = allowing(list(&["/bin/true", "bin/verify", "root@app.example.com"]), &[]);
    let paths: Vec<String> = problems.iter().map(|problem| problem.path.to_string()).collect();
    assert_eq!(paths, ["allow_exec[1]", "allow_exec[2]"]);
    let config = config(
        &rotation_provider::check::exec::KIND,
        &[("command", list(&["/bin/true"]))],
    );
    run(&*config, &connections, once(10), &Stop::default()).await.unwrap();
}
