//! Configurations of the right type with anything in them: mistakes are diagnostics, plans keep Terraform's rules.
//!
//! An input is text: a line of JSON for each value (what is missing is null), then a line whose bytes say which of
//! the values inside are unknown.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

use rotation_provider::clock::Clock;
use rotation_provider::connection::{Connections, Surroundings};
use rotation_provider::environment::Environment;
use rotation_provider::plugin::{PlanRequest, PlanResponse, Provider as _};
use rotation_provider::provider::secret::schema;
use rotation_provider::provider::{Configured, RotationProvider, secret};
use rotation_provider::terraform::{
    AttributeType, Block, Diagnostics, Mode, Node, Origin, Schema, Type, Value, msgpack,
};

use super::written;

/// Longest text that diagnostics may add to what the input holds, in bytes for each diagnostic.
const LONGEST: usize = 4_000;

/// A resource's configuration, validated.
pub fn resource(bytes: &[u8]) {
    let block = &resource_schema().block;
    let mut lines = Lines::of(bytes);
    let Some(config) = lines.value(block) else { return };
    let config = lines.with_unknowns(config);
    let problems = secret::validate(&config, None);
    sound(&problems, block, bytes);
    assert!(
        problems.iter().eq(secret::validate(&config, None).iter()),
        "the same mistakes every time"
    );
    assert_no_secret(&config, &problems);
    if config.is_null() {
        assert!(problems.has_errors(), "no configuration is no configuration");
    }
}

/// The provider block, validated and taken over.
pub fn provider(bytes: &[u8]) {
    let provider = RotationProvider::new(environment());
    let block = &provider.registry().provider_schema().block;
    let mut lines = Lines::of(bytes);
    let Some(config) = lines.value(block) else { return };
    let config = lines.with_unknowns(config);
    let problems = at_once(provider.validate(config.clone()));
    sound(&problems, block, bytes);
    let configured = at_once(provider.configure(config.clone()));
    assert_eq!(problems.has_errors(), configured.has_errors());
    for secret in ["token", "api_key", "app_private_key"] {
        for vendor in ["fly", "github", "neon"] {
            assert_absent(&config, config.get(vendor).get(secret), &problems);
        }
    }
}

/// A configuration against a prior state: the plan is the same every time, leaves arguments as they are, and fits its schema.
pub fn plan(bytes: &[u8]) {
    let block = &resource_schema().block;
    let mut lines = Lines::of(bytes);
    let (Some(config), Some(prior)) = (lines.value(block), lines.value(block)) else {
        return;
    };
    let config = lines.with_unknowns(config);
    // Terraform asks for no plan of nothing, and none of a configuration that was refused.
    if config.is_null() || secret::validate(&config, None).has_errors() {
        return;
    }
    let request = || PlanRequest {
        prior: prior.clone(),
        proposed: proposed(&config, &prior, block),
        config: config.clone(),
        private: b"private".to_vec(),
    };
    let answer = planned(request());
    let again = planned(request());
    assert_eq!(answer.planned, again.planned);
    assert!(answer.diagnostics.iter().eq(again.diagnostics.iter()));
    assert_eq!(answer.private, again.private);
    sound(&answer.diagnostics, block, bytes);
    if answer.diagnostics.has_errors() {
        return;
    }
    let proposed = request().proposed;
    for attribute in block
        .attributes
        .iter()
        .filter(|attribute| attribute.mode != Mode::Computed)
    {
        let name = attribute.name;
        let planned = answer.planned.get(name);
        // What conforms to the same is planned as it was, whole.
        let is_dynamic = matches!(attribute.kind, AttributeType::Plain(Type::Dynamic));
        let is_as_before = is_dynamic && !prior.is_null() && planned == prior.get(name);
        assert!(is_as_before || planned == proposed.get(name), "{name} is the user's");
    }
    msgpack::encode(&answer.planned, &block.value_type()).expect("a plan fits its schema");
    if !prior.is_null() {
        assert_eq!(answer.planned.get("id"), prior.get("id"));
        if let (Some(before), Some(after)) = (
            prior.get("generation").as_u64(),
            answer.planned.get("generation").as_u64(),
        ) {
            assert!(before <= after, "generations only grow: {before} -> {after}");
        }
    }
}

/// What Terraform proposes: the configuration without write-only values, with computed attributes as they were.
fn proposed(config: &Value, prior: &Value, block: &Block) -> Value {
    let set = block
        .attributes
        .iter()
        .filter(|attribute| attribute.mode == Mode::Computed || attribute.write_only);
    set.fold(config.clone(), |object, attribute| {
        let value = if attribute.write_only {
            Value::Null
        } else if prior.is_null() {
            Value::unknown()
        } else {
            prior.get(attribute.name).clone()
        };
        object.with(attribute.name, value)
    })
}

fn planned(request: PlanRequest) -> PlanResponse {
    static CONNECTIONS: OnceLock<Arc<Connections>> = OnceLock::new();
    let connections = CONNECTIONS.get_or_init(|| {
        let surroundings = Surroundings::new(environment(), Clock::default());
        let block = Value::object([("namespace", Value::string("fuzz"))]);
        let node = Node::root(&block, Origin::Configuration);
        Connections::parse(&node, &surroundings, &mut Diagnostics::new())
    });
    // A configuration of its own each time, because it remembers which slots were planned.
    let configured = Configured::new(
        Some("fuzz".to_owned()),
        Some(Arc::clone(connections)),
        Clock::default(),
        &environment(),
    );
    secret::plan(&configured, request)
}

/// Every diagnostic says something, at a place that exists, at a length that fits a screen.
fn sound(problems: &Diagnostics, block: &Block, input: &[u8]) {
    for problem in problems.iter() {
        assert!(!problem.summary.is_empty() && !problem.detail.is_empty());
        let length = problem.summary.len() + problem.detail.len();
        assert!(length <= LONGEST + 16 * input.len(), "a diagnostic of {length} bytes");
        let place = problem.path.to_string();
        let first = place.split(['.', '[']).next().unwrap_or_default();
        let known = block.attributes.iter().map(|attribute| attribute.name);
        let mut known = known.chain(block.blocks.iter().map(|block| block.name));
        assert!(first.is_empty() || known.any(|name| name == first), "{place}");
    }
}

/// No write-only value shows up in a diagnostic.
fn assert_no_secret(config: &Value, problems: &Diagnostics) {
    assert_absent(config, config.get("value_wo"), problems);
    let parts = config
        .get("parts_wo")
        .as_map()
        .into_iter()
        .flat_map(|parts| parts.values());
    for part in parts {
        assert_absent(config, part, problems);
    }
}

fn assert_absent(config: &Value, secret: &Value, problems: &Diagnostics) {
    let Some(text) = secret
        .as_str()
        .filter(|text| text.len() >= 8 && occurrences(config, text) == 1)
    else {
        return;
    };
    // Words of ours may happen to be somebody's secret; then finding them proves nothing.
    for problem in problems.iter().filter(|_| text.contains("hunter2")) {
        let shown = format!("{} {} {}", problem.path, problem.summary, problem.detail);
        assert!(!shown.contains(text), "a secret is shown");
    }
}

fn occurrences(value: &Value, wanted: &str) -> usize {
    match value.plain() {
        Value::String(text) => usize::from(text.contains(wanted)),
        Value::List(items) => items.iter().map(|item| occurrences(item, wanted)).sum(),
        Value::Map(items) => items
            .iter()
            .map(|(name, item)| usize::from(name.contains(wanted)) + occurrences(item, wanted))
            .sum(),
        _ => 0,
    }
}

/// Runs what never waits.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("what looks at shapes alone has nothing to wait for"),
    }
}

fn environment() -> Environment {
    Environment::of(&[
        ("FLY_API_TOKEN", "FlyV1 fm2_hunter2"),
        ("GITHUB_TOKEN", "ghp_hunter2hunter2"),
        ("GITHUB_OWNER", "acme"),
        ("NEON_API_KEY", "napi_hunter2hunter2"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2hunter2hunter2"),
    ])
}

/// The schema of `rotation_secret`.
pub fn resource_schema() -> &'static Schema {
    static SCHEMA: OnceLock<Schema> = OnceLock::new();
    SCHEMA.get_or_init(schema::schema)
}

/// The lines of an input.
struct Lines<'a>(std::slice::Split<'a, u8, fn(&u8) -> bool>);

impl<'a> Lines<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let ends: fn(&u8) -> bool = |byte| *byte == b'\n';
        Self(bytes.split(ends))
    }

    fn value(&mut self, block: &Block) -> Option<Value> {
        written::resource(self.0.next()?, block).ok()
    }

    /// The value, with what the next line points at unknown.
    fn with_unknowns(&mut self, mut value: Value) -> Value {
        for at in self.0.next().unwrap_or_default() {
            let mut left = usize::from(*at);
            forget(&mut value, &mut left);
        }
        value
    }
}

/// Makes the part that is reached when `left` comes to zero unknown; the outermost value, which is always known, is not counted.
fn forget(value: &mut Value, left: &mut usize) -> bool {
    let items: Vec<&mut Value> = match value {
        Value::Dynamic(dynamic) => return forget(&mut dynamic.value, left),
        Value::List(items) => items.iter_mut().collect(),
        Value::Map(items) => items.values_mut().collect(),
        _ => return false,
    };
    for item in items {
        if *left == 0 {
            *item = Value::unknown();
            return true;
        }
        *left -= 1;
        if forget(item, left) {
            return true;
        }
    }
    false
}
