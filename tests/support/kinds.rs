//! What tests must know of a kind of source that its declaration cannot say, in a file of its name in `tests/kinds`: complete
//! configurations, which together have every argument; what a plan says of it, and of every argument that is changed; who issues it;
//! and arguments that are refused, with the summary of the error (`refused`, where there are any).

use rotation_provider::source;
use rotation_provider::terraform::{Number, Value};
use serde_json::Value as Json;

/// Every kind of source, and its file.
pub(crate) fn sources() -> Vec<(&'static str, Json)> {
    let read = |name: &str| {
        let path = format!("{}/tests/kinds/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("a kind needs {path}: {error}"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    source::ALL.iter().map(|kind| (kind.name, read(kind.name))).collect()
}

/// A list in such a file.
pub(crate) fn list<'a>(json: &'a Json, name: &str) -> &'a [Json] {
    json[name].as_array().unwrap_or_else(|| panic!("{name} is no list"))
}

/// What stands for a value that is known only after apply.
pub(crate) const UNKNOWN: &str = "(unknown)";

/// A value as Terraform would send it.
pub(crate) fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => Value::Number(Number::parse(&number.to_string()).unwrap()),
        Json::String(text) if text == UNKNOWN => Value::unknown(),
        Json::String(text) => Value::string(text),
        Json::Array(items) => Value::List(items.iter().map(value).collect()),
        Json::Object(items) => Value::Map(items.iter().map(|(key, item)| (key.clone(), value(item))).collect()),
    }
}
