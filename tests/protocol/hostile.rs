//! The shipped executable against a client that means harm: every rpc, malformed requests of every kind.
//!
//! Each answer is a diagnostic or a gRPC status, comes in time, and the same process answers well afterwards, in little memory.

use std::path::Path;
use std::time::Duration;

use rotation_provider::environment::Environment;
use rotation_provider::plugin::Provider as _;
use rotation_provider::provider::{RotationProvider, SECRET};
use rotation_provider::terraform::{Type, Value, msgpack};

use rotation_provider::provider::secret::schema::VERSION;

use crate::grpc::clients::tfplugin6 as wire;
use crate::grpc::{Clients, Plugin, Start};
use crate::written::literal;

/// Longest wait for any answer; a hang shows here.
const PATIENCE: Duration = Duration::from_secs(30);

/// Address space of the provider, in KiB; a length that is trusted with memory ends the process.
const MEMORY: u64 = 3 * 1024 * 1024;

/// The provider's executable with bounded memory, and a client of it.
async fn running() -> (Plugin, Clients) {
    let plugin = Start::of(Path::new("/bin/sh"))
        .arg("-c")
        .arg(format!(
            "ulimit -v {MEMORY}; exec {}",
            env!("CARGO_BIN_EXE_terraform-provider-rotation")
        ))
        .begin()
        .await;
    let clients = plugin.plain().await.unwrap();
    (plugin, clients)
}

fn kind() -> Type {
    let provider = RotationProvider::new(Environment::of(&[]));
    provider
        .registry()
        .resource(SECRET)
        .unwrap()
        .schema()
        .block
        .value_type()
}

fn encoded(value: &Value) -> wire::DynamicValue {
    wire::DynamicValue {
        msgpack: msgpack::encode(value, &kind()).unwrap(),
        json: Vec::new(),
    }
}

/// A valid configuration.
fn config() -> Value {
    Value::object([
        ("name", Value::string("N")),
        ("source", literal(Value::object([("fernet_key", Value::object([]))]))),
        ("targets", literal(Value::object([("a", target())]))),
    ])
}

fn target() -> Value {
    Value::object([("fly_secret", Value::object([("app", Value::string("x"))]))])
}

/// A null whose type is a list of lists, and so on.
fn deep_type() -> Vec<u8> {
    let kind = [
        b"[\"list\",".repeat(20_000),
        b"\"string\"".to_vec(),
        b"]".repeat(20_000),
    ]
    .concat();
    let length = u32::try_from(kind.len()).unwrap().to_be_bytes();
    [b"\x92\xc6".as_slice(), &length, &kind, b"\xc0"].concat()
}

type Hostile = (&'static str, Option<wire::DynamicValue>);

fn msgpack(bytes: Vec<u8>) -> Option<wire::DynamicValue> {
    Some(wire::DynamicValue {
        msgpack: bytes,
        json: Vec::new(),
    })
}

fn json(bytes: Vec<u8>) -> Option<wire::DynamicValue> {
    Some(wire::DynamicValue {
        msgpack: Vec::new(),
        json: bytes,
    })
}

/// A configuration as far as its list of strings, which is `inside`.
fn readers(inside: &[u8]) -> Vec<u8> {
    up_to("readers", inside)
}

/// A configuration as far as that attribute, which is `inside`.
fn up_to(attribute: &str, inside: &[u8]) -> Vec<u8> {
    let attributes: Vec<String> = match kind() {
        Type::Object(attributes) => attributes.into_keys().collect(),
        _ => panic!("a resource is an object"),
    };
    let mut bytes = vec![0xde];
    bytes.extend_from_slice(&u16::try_from(attributes.len()).unwrap().to_be_bytes());
    for name in attributes.iter().take_while(|name| *name != attribute) {
        bytes.push(0xa0 | u8::try_from(name.len()).unwrap());
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(0xc0);
    }
    bytes.push(0xa0 | u8::try_from(attribute.len()).unwrap());
    bytes.extend_from_slice(attribute.as_bytes());
    bytes.extend_from_slice(inside);
    bytes
}

/// Values as long as a message may be.
fn bulky_values() -> Vec<Hostile> {
    let mut nulls = readers(b"\xdd\x0c\x00\x00\x00");
    nulls.resize(nulls.len() + 0x0c00_0000, 0xc0);
    let lists = [b"[".as_slice(), &b"[],".repeat(5 << 20)].concat();
    vec![
        ("192 MiB of nulls", msgpack(nulls)),
        ("200 MiB of nesting", msgpack(vec![0x91; 200 * 1024 * 1024])),
        ("200 MiB of nesting as JSON", json(vec![b'['; 200 * 1024 * 1024])),
        ("15 MiB of empty lists as JSON", json(lists)),
    ]
}

/// Values that no well-meaning client sends, with their names.
fn hostile_values() -> Vec<Hostile> {
    let mut truncated = encoded(&config()).msgpack;
    truncated.truncate(truncated.len() / 2);
    let mut followed = encoded(&config()).msgpack;
    followed.push(0xc0);
    vec![
        ("no bytes at all", None),
        ("an empty value", Some(wire::DynamicValue::default())),
        ("null", Some(encoded(&Value::Null))),
        ("wholly unknown", Some(encoded(&Value::unknown()))),
        (
            "unknown inside",
            Some(encoded(&config().with("name", Value::unknown()))),
        ),
        ("garbage", msgpack(b"\xc1\x00hunter2\xff".to_vec())),
        ("a number", msgpack(vec![7])),
        ("a wrong attribute", msgpack(b"\x81\xa3foo\x01".to_vec())),
        ("half a value", msgpack(truncated)),
        ("a value and a half", msgpack(followed)),
        (
            "four thousand million elements",
            msgpack(readers(b"\xdd\xff\xff\xff\xff")),
        ),
        (
            "a string longer than the message",
            msgpack(readers(b"\x91\xdb\xff\xff\xff\xff")),
        ),
        ("nesting", msgpack(vec![0x91; 100_000])),
        (
            "a dynamic value without a type",
            msgpack(up_to("source", b"\x92\xc4\x00\xc0")),
        ),
        (
            "a dynamic value of a type that is none",
            msgpack(up_to("source", b"\x92\xc4\x09\"hunter2\"\xc0")),
        ),
        (
            "a dynamic value of another type",
            msgpack(up_to("source", b"\x92\xc4\x08\"number\"\xa7hunter2")),
        ),
        (
            "a dynamic value that is three",
            msgpack(up_to("source", b"\x93\xc4\x08\"string\"\xc0\xc0")),
        ),
        (
            "a type as long as four messages",
            msgpack(up_to("source", b"\x92\xc6\xff\xff\xff\xff")),
        ),
        ("a type that nests", msgpack(up_to("source", &deep_type()))),
        ("garbage as JSON", json(b"{\"name\": ".to_vec())),
        (
            "another shape as JSON",
            json(br#"{"name": {"a": []}, "targets": 5}"#.to_vec()),
        ),
    ]
}

/// What an rpc said: diagnostics, or the refusal of the whole call.
enum Said {
    Diagnostics(Vec<wire::Diagnostic>),
    Status,
}

async fn said<T>(
    what: &str,
    call: impl Future<Output = Result<tonic::Response<T>, tonic::Status>>,
    diagnostics: impl Fn(T) -> Vec<wire::Diagnostic>,
) -> Said {
    match tokio::time::timeout(PATIENCE, call).await {
        Err(_) => panic!("{what}: no answer"),
        Ok(Ok(answer)) => Said::Diagnostics(diagnostics(answer.into_inner())),
        // The connection is as it should be: the next call shows it.
        Ok(Err(_)) => Said::Status,
    }
}

impl Said {
    /// There is an error, and none that says that the provider crashed.
    fn refuses(self, what: &str) {
        if let Self::Diagnostics(diagnostics) = self {
            assert!(is_error(&diagnostics), "{what}: accepted");
            check_texts(what, &diagnostics);
        }
    }

    /// Whether or not it is refused, nothing crashed.
    fn stands(self, what: &str) {
        if let Self::Diagnostics(diagnostics) = self {
            check_texts(what, &diagnostics);
        }
    }
}

fn is_error(diagnostics: &[wire::Diagnostic]) -> bool {
    diagnostics
        .iter()
        .any(|diagnostic| diagnostic.severity() == wire::diagnostic::Severity::Error)
}

fn check_texts(what: &str, diagnostics: &[wire::Diagnostic]) {
    for diagnostic in diagnostics {
        let text = format!("{} {}", diagnostic.summary, diagnostic.detail);
        assert!(!text.contains("crashed"), "{what}: {text}");
        assert!(!text.contains("hunter2"), "{what}: {text}");
        assert!(text.len() < 100_000, "{what}: {} bytes", text.len());
    }
}

/// A well-meant call still works.
async fn answers(what: &str, clients: &mut Clients) {
    let request = wire::validate_resource_config::Request {
        type_name: SECRET.to_owned(),
        config: Some(encoded(&config())),
        ..Default::default()
    };
    let answer = tokio::time::timeout(PATIENCE, clients.provider.validate_resource_config(request)).await;
    let answer = answer.unwrap_or_else(|_| panic!("after {what}: no answer"));
    let diagnostics = answer
        .unwrap_or_else(|status| panic!("after {what}: {status}"))
        .into_inner();
    assert_eq!(diagnostics.diagnostics, [], "after {what}");
}

#[tokio::test]
async fn no_hostile_value_is_accepted_ends_the_process_or_keeps_it_busy() {
    let (mut plugin, mut clients) = running().await;
    for (what, value) in hostile_values() {
        let provider = &mut clients.provider;
        let request = wire::validate_provider_config::Request { config: value.clone() };
        let answer = said(what, provider.validate_provider_config(request), |answer| {
            answer.diagnostics
        });
        let answer = answer.await;
        if what.contains("known") {
            answer.stands(what);
        } else {
            answer.refuses(what);
        }
        let request = wire::configure_provider::Request {
            config: value.clone(),
            ..Default::default()
        };
        let answer = said(what, provider.configure_provider(request), |answer| answer.diagnostics);
        answer.await.stands(what);
        let request = wire::validate_resource_config::Request {
            type_name: SECRET.to_owned(),
            config: value.clone(),
            ..Default::default()
        };
        let answer = said(what, provider.validate_resource_config(request), |answer| {
            answer.diagnostics
        })
        .await;
        if what.contains("known") {
            answer.stands(what);
        } else {
            answer.refuses(what);
        }
        let request = wire::read_resource::Request {
            type_name: SECRET.to_owned(),
            current_state: value.clone(),
            private: b"private".to_vec(),
            ..Default::default()
        };
        let answer = said(what, provider.read_resource(request), |answer| {
            assert_eq!(answer.private, b"private", "{what}");
            answer.diagnostics
        });
        answer.await.stands(what);
        for (prior, config) in [(None, value.clone()), (value.clone(), Some(encoded(&config())))] {
            let request = wire::plan_resource_change::Request {
                type_name: SECRET.to_owned(),
                prior_state: prior.clone(),
                proposed_new_state: config.clone(),
                config: config.clone(),
                prior_private: b"private".to_vec(),
                ..Default::default()
            };
            let answer = said(what, provider.plan_resource_change(request), |answer| {
                assert!(!answer.planned_private.is_empty(), "{what}");
                answer.diagnostics
            });
            answer.await.stands(what);
            let request = wire::apply_resource_change::Request {
                type_name: SECRET.to_owned(),
                prior_state: prior,
                planned_state: config.clone(),
                config,
                planned_private: b"private".to_vec(),
                ..Default::default()
            };
            let answer = said(what, provider.apply_resource_change(request), |answer| {
                answer.diagnostics
            });
            answer.await.stands(what);
        }
        answers(what, &mut clients).await;
        assert!(plugin.is_running(), "{what}: the process ended");
    }
}

/// Configurations with as many mistakes as a message of moderate size has room for.
fn mistaken() -> Vec<(&'static str, Value)> {
    let named = |count: usize, target: &Value| {
        let targets = (0..count).map(|at| (format!("t{at}"), target.clone()));
        literal(Value::Map(targets.collect()))
    };
    let parameter = Value::object([("name", Value::string("/a"))]);
    let parameter = Value::object([("ssm_parameter", parameter)]);
    vec![
        (
            "100 000 readers that are null",
            config().with("readers", Value::List(vec![Value::Null; 100_000])),
        ),
        (
            "1000 targets without a kind",
            config().with("targets", named(1000, &Value::object([]))),
        ),
        ("1000 equal targets", config().with("targets", named(1000, &parameter))),
        (
            "20 000 targets",
            config().with("targets", named(20_000, &Value::object([]))),
        ),
    ]
}

#[tokio::test]
async fn no_number_of_mistakes_keeps_it_busy_or_makes_a_long_answer() {
    let (_plugin, mut clients) = running().await;
    for (what, config) in mistaken() {
        let request = wire::validate_resource_config::Request {
            type_name: SECRET.to_owned(),
            config: Some(encoded(&config)),
            ..Default::default()
        };
        let call = clients.provider.validate_resource_config(request);
        let Said::Diagnostics(diagnostics) = said(what, call, |answer| answer.diagnostics).await else {
            panic!("{what}: no diagnostics");
        };
        assert!(is_error(&diagnostics), "{what}: accepted");
        check_texts(what, &diagnostics);
        let others = diagnostics.iter().filter(|one| one.summary.starts_with("And ")).count();
        if what == "20 000 targets" {
            assert!(
                diagnostics[0].summary.contains("20000 elements"),
                "{}",
                diagnostics[0].summary
            );
            assert_eq!(diagnostics.len(), 1, "nothing else is looked at");
            answers(what, &mut clients).await;
            continue;
        }
        assert_eq!(diagnostics.len() - others, 100, "{what}");
        assert_eq!(others, 1, "{what}");
        answers(what, &mut clients).await;
    }
}

#[tokio::test]
async fn no_length_of_a_message_ends_the_process() {
    let (mut plugin, mut clients) = running().await;
    for (what, config) in bulky_values() {
        let request = wire::validate_resource_config::Request {
            type_name: SECRET.to_owned(),
            config,
            ..Default::default()
        };
        let call = clients.provider.validate_resource_config(request);
        said(what, call, |answer| answer.diagnostics).await.refuses(what);
        answers(what, &mut clients).await;
    }
    assert!(plugin.is_running());
}

#[tokio::test]
async fn no_hostile_stored_state_is_taken_over() {
    let (mut plugin, mut clients) = running().await;
    let states: Vec<(&str, i64, Option<wire::RawState>)> = vec![
        ("no state", 0, None),
        ("an empty state", 0, Some(wire::RawState::default())),
        ("garbage", 0, raw(b"\xff\xfe{".to_vec())),
        ("half a state", 0, raw(br#"{"name": "N", "cred"#.to_vec())),
        ("another shape", 0, raw(br#"{"credentials": {"a": 1}}"#.to_vec())),
        ("200 MiB of nesting", 0, raw(vec![b'['; 200 * 1024 * 1024])),
        ("100 MiB of spaces", 0, raw(vec![b' '; 100 * 1024 * 1024])),
        ("a newer version", VERSION + 1, raw(b"{}".to_vec())),
        ("a version from before all", -1, raw(b"{}".to_vec())),
        ("the last version of all", i64::MAX, raw(b"{}".to_vec())),
        (
            "something unknown",
            0,
            raw(br#"{"generation": 1, "future": "x"}"#.to_vec()),
        ),
        (
            "a flat map",
            0,
            Some(wire::RawState {
                json: Vec::new(),
                flatmap: [("name".to_owned(), "N".to_owned())].into(),
            }),
        ),
    ];
    for (what, version, raw_state) in states {
        let request = wire::upgrade_resource_state::Request {
            type_name: SECRET.to_owned(),
            version,
            raw_state,
        };
        let call = clients.provider.upgrade_resource_state(request);
        let answer = said(what, call, |answer| {
            assert!(answer.upgraded_state.is_none(), "{what}: taken over");
            answer.diagnostics
        });
        answer.await.refuses(what);
        answers(what, &mut clients).await;
    }
    // An upgrade converts shape only; whatever works with the state refuses it.
    let request = wire::upgrade_resource_state::Request {
        type_name: SECRET.to_owned(),
        version: 0,
        raw_state: raw(br#"{"generation": 18446744073709551615}"#.to_vec()),
    };
    let answer = clients.provider.upgrade_resource_state(request).await.unwrap();
    let request = wire::read_resource::Request {
        type_name: SECRET.to_owned(),
        current_state: answer.into_inner().upgraded_state,
        ..Default::default()
    };
    let what = "too many generations";
    let call = clients.provider.read_resource(request);
    said(what, call, |answer| answer.diagnostics).await.refuses(what);
    answers(what, &mut clients).await;
    assert!(plugin.is_running());
}

fn raw(json: Vec<u8>) -> Option<wire::RawState> {
    Some(wire::RawState {
        json,
        flatmap: std::collections::HashMap::default(),
    })
}

#[tokio::test]
async fn types_that_do_not_exist_and_rpcs_that_are_not_served_are_refused() {
    let (_plugin, mut clients) = running().await;
    for name in [
        "",
        "rotation_secre",
        "aws_instance",
        "rotation_secret\u{0}",
        &"x".repeat(10_000_000),
    ] {
        let what = name.get(..20).unwrap_or(name);
        let type_name = || name.to_owned();
        let provider = &mut clients.provider;
        let request = wire::validate_resource_config::Request {
            type_name: type_name(),
            ..Default::default()
        };
        let call = provider.validate_resource_config(request);
        said(what, call, |answer| answer.diagnostics).await.refuses(what);
        let request = wire::upgrade_resource_state::Request {
            type_name: type_name(),
            ..Default::default()
        };
        let call = provider.upgrade_resource_state(request);
        said(what, call, |answer| answer.diagnostics).await.refuses(what);
        let request = wire::read_resource::Request {
            type_name: type_name(),
            ..Default::default()
        };
        let call = provider.read_resource(request);
        said(what, call, |answer| answer.diagnostics).await.refuses(what);
        let request = wire::plan_resource_change::Request {
            type_name: type_name(),
            ..Default::default()
        };
        let call = provider.plan_resource_change(request);
        said(what, call, |answer| answer.diagnostics).await.refuses(what);
        let request = wire::apply_resource_change::Request {
            type_name: type_name(),
            ..Default::default()
        };
        let call = provider.apply_resource_change(request);
        said(what, call, |answer| answer.diagnostics).await.refuses(what);
        let request = wire::import_resource_state::Request {
            type_name: type_name(),
            id: "\u{0}\u{10ffff}".to_owned(),
            ..Default::default()
        };
        let call = provider.import_resource_state(request);
        said(what, call, |answer| answer.diagnostics).await.refuses(what);
        let request = wire::move_resource_state::Request {
            target_type_name: type_name(),
            ..Default::default()
        };
        let call = provider.move_resource_state(request);
        said(what, call, |answer| answer.diagnostics).await.refuses(what);
        let call = provider.read_data_source(wire::read_data_source::Request::default());
        said(what, call, |answer| answer.diagnostics).await.refuses(what);
        let call = provider.open_ephemeral_resource(wire::open_ephemeral_resource::Request::default());
        said(what, call, |answer| answer.diagnostics).await.refuses(what);
        let called = provider.call_function(wire::call_function::Request::default()).await;
        assert!(called.unwrap().into_inner().error.is_some(), "{what}");
        answers(what, &mut clients).await;
    }
}
