//! A provider whose resource keeps everything in its state, for the tests of the protocol, with a data source, an ephemeral resource
//! and a function beside it. Nothing of rotation is in it.
//!
//! `fixture_note` has every shape that the protocol knows: primitives, collections, a dynamic value, nested attributes, nested
//! blocks with and without a label, a write-only value. Its `misbehave` makes it panic, wait or compute until StopProvider, or break the rules, so that tests see
//! what the plugin layer makes of that.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rotation_provider::diagnostics::{Severity, Text};
use rotation_provider::environment::Environment;
use rotation_provider::plugin::{
    self, ApplyRequest, ApplyResponse, ClientCapabilities, DataResponse, DataSource, Ephemeral, Function,
    FunctionError, Identity, Opened, Parameter, PlanRequest, PlanResponse, Provider, ReadRequest, ReadResponse,
    Registry, Resource, Signature, UpgradeRequest,
};
use rotation_provider::secret::Secret;
use rotation_provider::terraform::{
    Attribute, Block, BlockNesting, Diagnostic, Diagnostics, Mode, NestedBlock, Nesting, Path, Schema, Type, Value,
};
use rustix::process::{Signal, getpid, kill_process};
use tokio::sync::watch;

fn main() -> ExitCode {
    let identity = Identity {
        name: "terraform-provider-fixture",
        version: env!("CARGO_PKG_VERSION"),
        address: "registry.terraform.io/example/fixture",
    };
    let environment = Environment::of_process();
    plugin::serve(identity, &environment, || {
        // At this moment the socket's directory is there and the handshake line is not.
        match environment.get("FIXTURE_SIGNAL_AT_START") {
            Some("SIGTERM") => signal_itself(Signal::TERM),
            Some("SIGINT") => signal_itself(Signal::INT),
            Some("SIGHUP") => signal_itself(Signal::HUP),
            _ => {}
        }
        match environment.get("FIXTURE_CANNOT_START") {
            Some(reason) => Err(reason.to_owned()),
            None => Ok(Fixture::new()),
        }
    })
}

fn signal_itself(signal: Signal) {
    kill_process(getpid(), signal).unwrap_or_else(|error| eprintln!("no signal was sent: {error}"));
}

struct Fixture {
    registry: Registry,
    stopped: watch::Sender<bool>,
}

impl Fixture {
    fn new() -> Self {
        let stopped = watch::Sender::new(false);
        let schema = Schema {
            version: 1,
            block: note(),
        };
        let note = Note {
            schema,
            stopped: stopped.clone(),
        };
        let greeting = Attribute::optional("greeting", Type::String, "Any text.");
        let registry = Registry::new(block(vec![greeting]))
            .with_resource("fixture_note", Arc::new(note))
            .with_data_source("fixture_echo", Arc::new(Echo::new()))
            .with_ephemeral("fixture_whisper", Arc::new(Whisper::new()))
            .with_function("longest", Arc::new(Longest::new()));
        Self { registry, stopped }
    }
}

#[async_trait]
impl Provider for Fixture {
    fn registry(&self) -> &Registry {
        &self.registry
    }

    async fn validate(&self, _config: Value) -> Diagnostics {
        Diagnostics::new()
    }

    async fn configure(&self, _config: Value) -> Diagnostics {
        Diagnostics::new()
    }

    fn stop(&self) {
        self.stopped.send_replace(true);
    }
}

struct Note {
    schema: Schema,
    stopped: watch::Sender<bool>,
}

fn note() -> Block {
    let words = Nesting::Map;
    let colour = || Attribute::optional("colour", Type::String, "Any colour.");
    Block {
        attributes: vec![
            Attribute::required("text", Type::String, "What it says."),
            Attribute::optional("size", Type::Number, "Any number."),
            Attribute::optional("urgent", Type::Bool, "Any boolean."),
            Attribute::optional("tags", Type::string_map(), "Any map."),
            Attribute::optional("marks", Type::Set(Box::new(Type::String)), "Any set."),
            Attribute::nested(
                "words",
                words,
                Mode::Optional,
                vec![
                    Attribute::required("spelling", Type::String, "One word."),
                    Attribute::optional("whisper_wo", Type::String, "Never stored.").write_only(),
                ],
                "Words by name.",
            ),
            Attribute::optional("anything", Type::Dynamic, "Any value of any type."),
            Attribute::optional("value_wo", Type::String, "Never stored.").write_only(),
            Attribute::optional("misbehave", Type::String, "What goes wrong, and when."),
            Attribute::computed("id", Type::String, "Derived from the text."),
            Attribute::computed(
                "length",
                Type::Number,
                "Bytes of the write-only value, as seen by the last apply.",
            ),
        ],
        blocks: vec![
            NestedBlock {
                name: "frame",
                nesting: BlockNesting::Single,
                block: Block {
                    attributes: vec![colour()],
                    ..Block::default()
                },
            },
            NestedBlock {
                name: "pin",
                nesting: BlockNesting::Map,
                block: Block {
                    attributes: vec![
                        colour(),
                        Attribute::optional("whisper_wo", Type::String, "Never stored.").write_only(),
                    ],
                    ..Block::default()
                },
            },
        ],
        description: "A note that exists in the state alone.".to_owned(),
    }
}

/// A block without any argument but these.
fn block(attributes: Vec<Attribute>) -> Schema {
    Schema {
        version: 0,
        block: Block {
            attributes,
            ..Block::default()
        },
    }
}

impl Note {
    /// What the configuration or state asks to go wrong at `moment`.
    fn misbehaves(value: &Value, moment: &str) -> bool {
        value.get("misbehave").as_str() == Some(moment)
    }

    async fn until_stopped(&self) {
        let mut stopped = self.stopped.subscribe();
        let wait = stopped.wait_for(|stopped| *stopped);
        drop(tokio::time::timeout(Duration::from_secs(60), wait).await);
    }

    /// Keeps a thread busy and yields it to nobody.
    fn compute_until_stopped(&self) {
        let begun = tokio::time::Instant::now();
        while !*self.stopped.borrow() && begun.elapsed() < Duration::from_secs(60) {
            std::hint::spin_loop();
        }
    }
}

#[async_trait]
impl Resource for Note {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    async fn validate(&self, config: Value, _client: ClientCapabilities) -> Diagnostics {
        if Self::misbehaves(&config, "invalid") {
            let path = Path::attribute("misbehave");
            return Diagnostic::new(
                path,
                Said(
                    Severity::Error,
                    "misbehave must not be \"invalid\"",
                    "Choose something else.",
                ),
            )
            .into();
        }
        if Self::misbehaves(&config, "be invalid inside") {
            let anything = Path::attribute("anything");
            let mut diagnostics = Diagnostics::new();
            for path in [
                anything.then_key("web").then_attribute("size").then_attribute("unit"),
                anything.then_attribute("web").then_attribute("size"),
                Path::attribute("pin").then_key("wall").then_attribute("colour"),
            ] {
                diagnostics.report(
                    path,
                    Said(Severity::Error, "It must be another one", "Choose something else."),
                );
            }
            return diagnostics;
        }
        Diagnostics::new()
    }

    async fn upgrade(&self, request: UpgradeRequest) -> Result<Value, Diagnostics> {
        if request.version > 1 {
            return Err(Diagnostic::new(
                Path::root(),
                Said(Severity::Error, "The state is from the future", "Use a newer fixture."),
            )
            .into());
        }
        Ok(request.state)
    }

    #[expect(clippy::panic, reason = "tests ask for it")]
    async fn read(&self, request: ReadRequest) -> ReadResponse {
        if Self::misbehaves(&request.state, "panic in read") {
            panic!("read went wrong");
        }
        ReadResponse {
            state: request.state,
            private: request.private,
            diagnostics: Diagnostics::new(),
        }
    }

    #[expect(clippy::panic, reason = "tests ask for it")]
    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        if Self::misbehaves(&request.proposed, "panic in plan") {
            panic!("plan went wrong");
        }
        let changes = request.prior.get("text") != request.proposed.get("text");
        // The write-only values stay in on purpose: taking them out is the plugin layer's duty.
        let planned = if changes && !request.proposed.is_null() {
            let planned = request.proposed.with("length", Value::unknown());
            if request.prior.is_null() {
                planned.with("id", Value::unknown())
            } else {
                planned
            }
        } else {
            request.proposed
        };
        PlanResponse {
            planned,
            requires_replace: Vec::new(),
            private: request.private,
            diagnostics: Diagnostics::new(),
        }
    }

    #[expect(clippy::panic, reason = "tests ask for it")]
    async fn apply(&self, request: ApplyRequest) -> ApplyResponse {
        let mut diagnostics = Diagnostics::new();
        let moment = if request.planned.is_null() {
            &request.prior
        } else {
            &request.planned
        };
        if Self::misbehaves(moment, "panic in apply") {
            panic!("apply went wrong");
        }
        if Self::misbehaves(moment, "panic with a secret in apply") {
            let secret = Secret::new(request.config.get("value_wo").as_str().unwrap_or_default().to_owned());
            panic!("the value {} went wrong", secret.expose());
        }
        if Self::misbehaves(moment, "panic with a configured text in apply") {
            let text = request.config.get("value_wo").as_str().unwrap_or_default();
            panic!("the text {text} went wrong");
        }
        if Self::misbehaves(moment, "wait in apply") {
            self.until_stopped().await;
            diagnostics.report(Path::root(), Said(Severity::Warning, "Stopped", "The wait ended."));
        }
        if Self::misbehaves(moment, "compute in apply") {
            self.compute_until_stopped();
            diagnostics.report(
                Path::root(),
                Said(Severity::Warning, "Stopped", "The computation ended."),
            );
        }
        let mut state = request.planned;
        if Self::misbehaves(&state, "break the schema in apply") {
            state = state.with("text", Value::Bool(true));
        }
        if !state.is_null() {
            let bytes = request.config.get("value_wo").as_str().map_or(0, str::len);
            if matches!(state.get("length"), Value::Unknown(_)) {
                state = state.with("length", Value::number(u64::try_from(bytes).unwrap_or(u64::MAX)));
            }
            if matches!(state.get("id"), Value::Unknown(_)) {
                let id = format!("note-{}", request.config.get("text").as_str().unwrap_or_default());
                state = state
                    .with("id", Value::string(id))
                    .with("value_wo", Value::string("leak"));
            }
        }
        if Self::misbehaves(&state, "leave unknowns in apply") {
            state = state.with("tags", Value::object([("a", Value::unknown())]));
        }
        ApplyResponse {
            state,
            private: b"applied".to_vec(),
            diagnostics,
        }
    }
}

/// A data source that repeats what it is told.
struct Echo(Schema);

impl Echo {
    fn new() -> Self {
        Self(block(vec![
            Attribute::required("text", Type::String, "What it repeats."),
            Attribute::computed("echo", Type::String, "The same, twice."),
        ]))
    }
}

#[async_trait]
impl DataSource for Echo {
    fn schema(&self) -> &Schema {
        &self.0
    }

    async fn validate(&self, config: Value) -> Diagnostics {
        match config.get("text").as_str() {
            Some("") => Diagnostic::new(
                Path::attribute("text"),
                Said(Severity::Error, "There is nothing to repeat", "Say something."),
            )
            .into(),
            _ => Diagnostics::new(),
        }
    }

    #[expect(clippy::panic, reason = "tests ask for it")]
    async fn read(&self, config: Value) -> DataResponse {
        let text = config.get("text").as_str().unwrap_or_default().to_owned();
        assert!(text != "panic", "read went wrong");
        let mut diagnostics = Diagnostics::new();
        if text == "nobody" {
            diagnostics.report(
                Path::attribute("text"),
                Said(Severity::Error, "Nobody answers", "Ask somebody else."),
            );
        }
        DataResponse {
            state: config.with("echo", Value::string(format!("{text} {text}"))),
            diagnostics,
        }
    }
}

/// An error or a warning of this provider.
struct Said(Severity, &'static str, &'static str);

impl Text for Said {
    fn severity(&self) -> Severity {
        self.0
    }

    fn summary(&self) -> String {
        self.1.to_owned()
    }

    fn detail(&self) -> String {
        self.2.to_owned()
    }
}

/// An ephemeral resource: what it says is never stored.
struct Whisper(Schema);

impl Whisper {
    fn new() -> Self {
        Self(block(vec![
            Attribute::required("to", Type::String, "Who hears it."),
            Attribute::computed("said", Type::String, "What they hear.").sensitive(),
        ]))
    }
}

#[async_trait]
impl Ephemeral for Whisper {
    fn schema(&self) -> &Schema {
        &self.0
    }

    async fn validate(&self, _config: Value) -> Diagnostics {
        Diagnostics::new()
    }

    async fn open(&self, config: Value) -> Opened {
        let to = config.get("to").as_str().unwrap_or_default().to_owned();
        let mut diagnostics = Diagnostics::new();
        if to == "nobody" {
            diagnostics.report(
                Path::attribute("to"),
                Said(Severity::Error, "Nobody listens", "Whisper to somebody else."),
            );
        }
        Opened {
            private: to.clone().into_bytes(),
            result: config.with("said", Value::string(format!("psst, {to}"))),
            diagnostics,
        }
    }

    async fn close(&self, private: Vec<u8>) -> Diagnostics {
        if private == b"gossip" {
            return Diagnostic::new(
                Path::root(),
                Said(Severity::Error, "It was not kept", "Whisper to somebody else."),
            )
            .into();
        }
        Diagnostics::new()
    }
}

/// A function: the longest of some texts, and by how many bytes.
struct Longest(Signature);

impl Longest {
    fn new() -> Self {
        Self(Signature {
            parameters: vec![
                Parameter {
                    name: "texts",
                    kind: Type::strings(),
                    description: "Any texts.",
                },
                Parameter {
                    name: "at_least",
                    kind: Type::Number,
                    description: "Bytes.",
                },
            ],
            returns: Type::String,
            summary: "The longest text",
            description: "The longest text of a list.",
        })
    }
}

impl Function for Longest {
    fn signature(&self) -> &Signature {
        &self.0
    }

    #[expect(clippy::panic, reason = "tests ask for it")]
    fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
        let [texts, least] = arguments else {
            panic!("the plugin layer passes one value for each parameter");
        };
        let texts = texts.as_list().unwrap_or_default();
        let longest = texts.iter().max_by_key(|text| text.as_str().map_or(0, str::len));
        let longest = longest.ok_or_else(|| FunctionError {
            text: "There is no text.".to_owned(),
            argument: Some(0),
        })?;
        if longest.as_str() == Some("panic") {
            panic!("call went wrong");
        }
        let length = longest.as_str().map_or(0, str::len);
        if least
            .as_u64()
            .is_some_and(|least| u64::try_from(length).is_ok_and(|length| length < least))
        {
            return Err(FunctionError {
                text: "Every text is shorter.".to_owned(),
                argument: Some(1),
            });
        }
        Ok(longest.clone())
    }
}
