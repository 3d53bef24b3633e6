//! The fixture's executable, its values, and short ways to call it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use rotation_provider::environment::Environment;
use rotation_provider::terraform::{Type, Value, msgpack};
use rustls::version::TLS13;

use crate::grpc::clients::tfplugin6 as wire;
use crate::grpc::{self, ClientIdentity, Clients, Plugin, Start};

/// The fixture's path. It is built once for each process, except under nextest, where every test is a process of its own and
/// `tests/run` has built it.
pub(crate) fn executable() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        if Environment::of_process().get("NEXTEST").is_none() {
            let built = Command::new(env!("CARGO"))
                .args(["build", "--quiet", "--example", "protocol_fixture"])
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .status()
                .unwrap();
            assert!(built.success(), "the fixture does not build");
        }
        let test = std::env::current_exe().unwrap();
        let profile = test.parent().and_then(Path::parent).unwrap();
        profile.join("examples/protocol_fixture")
    })
}

pub(crate) fn start() -> Start {
    Start::of(executable())
}

/// A running fixture over mutual TLS, as Terraform has it.
pub(crate) async fn running(start: Start) -> (Plugin, Clients) {
    let identity = ClientIdentity::like_terraform();
    let plugin = start.env("PLUGIN_CLIENT_CERT", &identity.pem).begin().await;
    let tls = grpc::tls(plugin.certificate(), Some(&identity), &[&TLS13]);
    let clients = plugin.encrypted(tls).await.unwrap();
    (plugin, clients)
}

/// The type of `fixture_note`, written down a second time.
fn note_type() -> Type {
    let strings = |names: &[&str]| Type::Object(names.iter().map(|name| ((*name).to_owned(), Type::String)).collect());
    let attributes = [
        ("text", Type::String),
        ("size", Type::Number),
        ("urgent", Type::Bool),
        ("tags", Type::string_map()),
        ("marks", Type::Set(Box::new(Type::String))),
        ("words", Type::Map(Box::new(strings(&["spelling", "whisper_wo"])))),
        ("value_wo", Type::String),
        ("anything", Type::Dynamic),
        ("misbehave", Type::String),
        ("id", Type::String),
        ("length", Type::Number),
        ("frame", strings(&["colour"])),
        ("pin", Type::Map(Box::new(strings(&["colour", "whisper_wo"])))),
    ];
    Type::Object(
        attributes
            .into_iter()
            .map(|(name, kind)| (name.to_owned(), kind))
            .collect(),
    )
}

/// A note of these attributes, all others null.
pub(crate) fn note<const N: usize>(attributes: [(&str, Value); N]) -> Option<wire::DynamicValue> {
    encoded(&Value::object(attributes))
}

pub(crate) fn null() -> Option<wire::DynamicValue> {
    encoded(&Value::Null)
}

fn encoded(value: &Value) -> Option<wire::DynamicValue> {
    Some(wire::DynamicValue {
        msgpack: msgpack::encode(value, &note_type()).unwrap(),
        json: Vec::new(),
    })
}

pub(crate) fn decoded(value: Option<wire::DynamicValue>) -> Value {
    msgpack::decode(&value.unwrap().msgpack, &note_type()).unwrap()
}

/// What Terraform says that it can do.
pub(crate) fn capable() -> Option<wire::ClientCapabilities> {
    Some(wire::ClientCapabilities {
        write_only_attributes_allowed: true,
        ..Default::default()
    })
}

pub(crate) fn type_name() -> String {
    "fixture_note".to_owned()
}

/// Summaries of errors, as the user reads them.
pub(crate) fn errors(diagnostics: &[wire::Diagnostic]) -> Vec<&str> {
    diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity() == wire::diagnostic::Severity::Error)
        .map(|diagnostic| diagnostic.summary.as_str())
        .collect()
}
