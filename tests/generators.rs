//! The sources without an issuer: what they make is read by independent libraries, what could not work is refused.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "generators/key_pair.rs"]
mod key_pair;
#[path = "generators/provided.rs"]
mod provided;
#[path = "generators/random.rs"]
mod random;
#[expect(dead_code, reason = "of the cores, only their Python is needed here")]
#[path = "support/terraform_cores.rs"]
mod terraform_cores;
#[expect(dead_code, reason = "there is no vendor to serve")]
#[path = "support/vendor.rs"]
mod vendor;

use std::io::Write as _;
use std::process::{Command, Stdio};

use rotation_provider::call::WritePermit;
use rotation_provider::label::Label;
use rotation_provider::source::{self, Credential, Handles, Liveness, MintOrder, Minted, Source, SourceConfig};
use rotation_provider::terraform::{Diagnostics, Node, Origin, Value};
use serde_json::{Map, json};

/// Reads the arguments of a kind; for `provided` those at the top of the resource may stand among them.
fn parse(kind: &str, arguments: &Value, origin: Origin) -> (Option<Box<dyn SourceConfig>>, Diagnostics) {
    let mut problems = Diagnostics::new();
    let node = Node::root(arguments, origin);
    let config = (source::kind(kind).unwrap().parse)(&node, &node, &mut problems);
    (config, problems)
}

/// The configuration, which must be right.
#[track_caller]
fn configured(kind: &str, arguments: &Value) -> Box<dyn SourceConfig> {
    let (config, problems) = parse(kind, arguments, Origin::Configuration);
    assert!(problems.is_empty(), "{problems:?}");
    config.unwrap()
}

/// Path and text of the only problem.
#[track_caller]
fn problem(kind: &str, arguments: &Value) -> (String, String) {
    let (config, problems) = parse(kind, arguments, Origin::Configuration);
    assert!(config.is_none());
    let all: Vec<_> = problems.iter().collect();
    let [problem] = all.as_slice() else { panic!("{all:?}") };
    (
        problem.path.to_string(),
        format!("{}. {}", problem.summary, problem.detail),
    )
}

/// A source without any vendor.
fn connect(config: &dyn SourceConfig) -> Box<dyn Source> {
    config.connect(&vendor::connections(&[]).own()).unwrap()
}

fn order(generation: u64) -> MintOrder {
    MintOrder {
        label: Label::new("key", "0123456789ab", generation),
        handles: Handles::default(),
    }
}

async fn mint(kind: &str, arguments: &Value) -> Minted {
    let source = connect(&*configured(kind, arguments));
    source.mint(&order(1), &WritePermit::granted_by_apply()).await.unwrap()
}

fn part(minted: &Minted, name: &str) -> String {
    minted.parts.get(name).unwrap().expose().to_owned()
}

/// Asks `generators/judge.py` whether the parts are what `claim` says.
#[track_caller]
fn judge(claim: &str, argument: &str, minted: &Minted) {
    let parts: Map<String, serde_json::Value> = minted
        .parts
        .names()
        .map(|name| (name.to_owned(), part(minted, name).into()))
        .collect();
    let question = json!({ "claim": claim, "argument": argument, "parts": parts });
    let mut child = Command::new(terraform_cores::python())
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/generators/judge.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(question.to_string().as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.trim() == claim,
        "{claim} {argument}: {complaint}"
    );
}

/// One configuration of every generator.
fn generators() -> [(&'static str, Value); 4] {
    [
        (
            "random",
            Value::object([("bytes", Value::number(32)), ("encoding", Value::string("hex"))]),
        ),
        (
            "random",
            Value::object([("length", Value::number(32)), ("charset", Value::string("ascii"))]),
        ),
        ("fernet_key", Value::object([])),
        ("key_pair", Value::object([("algorithm", Value::string("ed25519"))])),
    ]
}

#[tokio::test]
async fn a_generator_makes_the_parts_that_its_kind_declares_and_no_value_twice() {
    for (name, arguments) in generators() {
        let kind = source::kind(name).unwrap();
        let (first, second) = (mint(name, &arguments).await, mint(name, &arguments).await);
        assert_eq!(
            configured(name, &arguments).parts(),
            kind.parts.iter().copied().collect()
        );
        for declared in kind.parts {
            assert_ne!(part(&first, declared), part(&second, declared), "{name}.{declared}");
        }
        assert_eq!(first.parts.names().count(), kind.parts.len());
        assert_eq!(first.credential, None);
    }
}

#[tokio::test]
async fn a_generator_has_nothing_to_list_ask_reveal_or_revoke() {
    let credential = Credential {
        id: "x".to_owned(),
        name: None,
        minted_at: None,
        expires_at: None,
    };
    for (name, arguments) in generators() {
        let config = configured(name, &arguments);
        let traits = config.traits();
        assert!(traits.generated && !traits.revocable && !traits.lists && !traits.reveals && !traits.replaces());
        let source = connect(&*config);
        source.inspect().await.unwrap();
        assert_eq!(source.issuer().survey().await.unwrap(), []);
        assert_eq!(source.issuer().liveness("x").await.unwrap(), Liveness::CannotTell);
        assert!(source.reveal(&credential, &order(1)).await.unwrap().is_none());
        source
            .issuer()
            .revoke("x", &WritePermit::granted_by_apply())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_fernet_key_encrypts_and_decrypts() {
    judge("fernet_key", "", &mint("fernet_key", &Value::object([])).await);
}
