//! Values from the JSON of a state file (tfplugin6 `RawState.json`), read leniently, and types as JSON.
//!
//! Lenient because the state may be older than the schema: missing is null, what the schema does not know is ignored.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::codec::CodecError;
use super::number::Number;
use super::path::Path;
use super::schema::Type;
use super::value::Value;

/// Reads a value of type `kind`. Primitives may stand in for each other as in go-cty (`cty/json`): `"5"` is a number,
/// `"true"` a boolean, `5` a string.
///
/// # Errors
/// [`CodecError`] for bytes that are no JSON or do not fit the type.
pub fn decode(bytes: &[u8], kind: &Type) -> Result<Value, CodecError> {
    let json: Json = serde_json::from_slice(bytes).map_err(|error| {
        let place = format!(
            "not well-formed JSON (line {}, column {})",
            error.line(),
            error.column()
        );
        CodecError::new(&Path::root(), place)
    })?;
    read(json, kind, &Path::root())
}

fn read(json: Json, kind: &Type, path: &Path) -> Result<Value, CodecError> {
    match (json, kind) {
        (Json::Null, _) => Ok(Value::Null),
        (json, Type::Bool | Type::Number | Type::String) => {
            primitive(&json, kind).ok_or_else(|| CodecError::new(path, "the JSON does not fit the schema"))
        }
        (Json::Array(items), Type::List(item) | Type::Set(item)) => (0..)
            .zip(items)
            .map(|(at, json)| read(json, item, &path.then_index(at)))
            .collect::<Result<_, _>>()
            .map(Value::List),
        (Json::Object(items), Type::Map(item)) => items
            .into_iter()
            .map(|(name, json)| Ok((name.clone(), read(json, item, &path.then_key(&name))?)))
            .collect::<Result<_, _>>()
            .map(Value::Map),
        (Json::Object(items), Type::Object(attributes)) => object(items, attributes, path),
        _ => Err(CodecError::new(path, "the JSON does not fit the schema")),
    }
}

fn primitive(json: &Json, kind: &Type) -> Option<Value> {
    match (kind, json) {
        (Type::Bool, Json::Bool(value)) => Some(Value::Bool(*value)),
        (Type::Bool, Json::String(text)) => text.parse().ok().map(Value::Bool),
        (Type::Number, Json::Number(number)) => Number::parse(number.as_str()).map(Value::Number),
        (Type::Number, Json::String(text)) => Number::parse(text).map(Value::Number),
        (Type::String, Json::String(text)) => Some(Value::string(text)),
        (Type::String, Json::Number(number)) => Some(Value::string(number.as_str())),
        (Type::String, Json::Bool(value)) => Some(Value::string(value.to_string())),
        _ => None,
    }
}

fn object(
    mut items: serde_json::Map<String, Json>,
    attributes: &BTreeMap<String, Type>,
    path: &Path,
) -> Result<Value, CodecError> {
    attributes
        .iter()
        .map(|(name, kind)| {
            let json = items.remove(name).unwrap_or(Json::Null);
            Ok((name.clone(), read(json, kind, &path.then_attribute(name))?))
        })
        .collect::<Result<_, _>>()
        .map(Value::Map)
}

/// A type as tfplugin6 `Schema.Attribute.type` carries it (go-cty `cty/json`, "type JSON"). A malformed one makes Terraform panic.
pub fn type_json(kind: &Type) -> Json {
    match kind {
        Type::Bool => "bool".into(),
        Type::Number => "number".into(),
        Type::String => "string".into(),
        Type::List(item) => vec![Json::from("list"), type_json(item)].into(),
        Type::Set(item) => vec![Json::from("set"), type_json(item)].into(),
        Type::Map(item) => vec![Json::from("map"), type_json(item)].into(),
        Type::Object(attributes) => {
            let attributes: serde_json::Map<_, _> = attributes
                .iter()
                .map(|(name, kind)| (name.clone(), type_json(kind)))
                .collect();
            vec![Json::from("object"), attributes.into()].into()
        }
    }
}
