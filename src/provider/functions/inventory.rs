//! `inventory`: the secret map as objects.

use super::secrets::{parameter, secrets};
use crate::plugin::{Function, FunctionError, Signature};
use crate::provider::secret::schema::INFO;
use crate::provider::secret::{State, config_in_state};
use crate::spec::Config;
use crate::target;
use crate::terraform::{Type, Value};

/// Texts of a secret that are passed on as they are.
const TEXTS: [&str; 6] = [
    "id",
    "phase",
    "rotated_at",
    "rotate_after",
    "revoke_after",
    "next_action_at",
];

/// Attributes of a target's delivery that are passed on as they are.
const DELIVERY: [&str; 2] = ["status", "delivered_at"];

/// Attributes of a credential that are passed on as they are.
const CREDENTIAL: [&str; 5] = ["credential_id", "status", "minted_at", "expires_at", "revoke_after"];

/// `inventory(secrets)`.
pub(in crate::provider) struct Inventory(Signature);

impl Default for Inventory {
    fn default() -> Self {
        Self(Signature {
            parameters: vec![parameter()],
            returns: Type::List(Box::new(entry_type())),
            summary: "The secret map as a list of objects",
            description: "One object for each secret, in the order of the argument: what it is for and who owns it, where it comes from, \
                          every place that holds it, who can read it, and its dates. It holds names and times, never a value. Write it \
                          to a file with `jsonencode` or `csvencode`, or give it to another tool through an output.",
        })
    }
}

fn texts(names: &[&str]) -> Vec<(String, Type)> {
    names.iter().map(|name| ((*name).to_owned(), Type::String)).collect()
}

fn object(texts: Vec<(String, Type)>, others: Vec<(&str, Type)>) -> Type {
    let others = others.into_iter().map(|(name, kind)| (name.to_owned(), kind));
    Type::Object(texts.into_iter().chain(others).collect())
}

fn entry_type() -> Type {
    let target = object(
        texts(&["key", "kind", "place", "impact"])
            .into_iter()
            .chain(texts(&DELIVERY))
            .collect(),
        vec![("wave", Type::Number), ("generation", Type::Number)],
    );
    let credential = object(texts(&CREDENTIAL), vec![("generation", Type::Number)]);
    object(
        texts(&["name", "source", "every", "last_cause", "last_reason"])
            .into_iter()
            .chain(texts(&TEXTS))
            .chain(texts(&INFO.map(|(name, _)| name)))
            .collect(),
        vec![
            ("generation", Type::Number),
            ("readers", Type::strings()),
            ("targets", Type::List(Box::new(target))),
            ("credentials", Type::List(Box::new(credential))),
            ("notices", Type::strings()),
        ],
    )
}

impl Function for Inventory {
    fn signature(&self) -> &Signature {
        &self.0
    }

    fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
        let argument = arguments.first().unwrap_or(&Value::Null);
        Ok(Value::List(secrets(argument)?.into_iter().map(entry).collect()))
    }
}

/// `names` of `from`, as they are.
fn copied(object: Value, from: &Value, names: &[&str]) -> Value {
    names
        .iter()
        .fold(object, |object, name| object.with(name, from.get(name).plain().clone()))
}

fn entry(secret: &Value) -> Value {
    let config = config_in_state(secret);
    let state = State::read(secret);
    let last = secret.get("last_rotation");
    let source = config.as_ref().map(|config| config.source.config.in_words());
    let readers = secret.get("readers").as_list().unwrap_or_default().to_vec();
    let notices = state.notices.iter().map(|notice| Value::string(notice.code.as_str()));
    let object = Value::object([
        ("name", secret.get("name").clone()),
        ("source", Value::optional(source)),
        ("every", secret.get("rotation").get("every").clone()),
        ("last_cause", last.get("cause").clone()),
        ("last_reason", last.get("reason").clone()),
        ("generation", secret.get("generation").clone()),
        ("readers", Value::List(readers)),
        ("targets", Value::List(targets(secret, config.as_ref()))),
        ("credentials", Value::List(credentials(secret))),
        ("notices", Value::List(notices.collect())),
    ]);
    copied(
        copied(object, secret, &TEXTS),
        secret.get("info"),
        &INFO.map(|(name, _)| name),
    )
}

/// Every place that holds the secret, or is to hold it.
fn targets(secret: &Value, config: Option<&Config>) -> Vec<Value> {
    let deliveries = secret.get("deliveries").as_map().cloned().unwrap_or_default();
    let held = deliveries.iter().map(|(key, delivery)| {
        let configured = config.and_then(|config| config.targets.get(key));
        let slot = delivery.get("slot").as_str().unwrap_or_default();
        let object = Value::object([
            ("key", Value::string(key)),
            ("kind", Value::optional(slot.split(':').next())),
            ("place", Value::string(target::entry(slot).noun)),
            (
                "impact",
                Value::optional(configured.and_then(|known| known.impact.as_ref())),
            ),
            (
                "wave",
                configured.map_or(Value::Null, |known| Value::number(known.wave)),
            ),
            ("generation", delivery.get("generation").clone()),
        ]);
        copied(object, delivery, &DELIVERY)
    });
    held.collect()
}

fn credentials(secret: &Value) -> Vec<Value> {
    let known = secret.get("credentials").as_map().cloned().unwrap_or_default();
    let known = known.iter().filter_map(|(generation, credential)| {
        let generation = Value::number(generation.parse().ok()?);
        Some(copied(
            Value::object([("generation", generation)]),
            credential,
            &CREDENTIAL,
        ))
    });
    known.collect()
}
