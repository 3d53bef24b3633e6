//! Values from the JSON of a state file (tfplugin6 `RawState.json`), read leniently, and types as JSON.
//!
//! Lenient because the state may be older than the schema: missing is null, what the schema does not know is ignored.

mod types;

use std::collections::BTreeMap;

use serde_json::Value as Json;

pub use types::{parse_type, type_json};

use super::codec::{CodecError, DYNAMIC_ITSELF, Place};
use super::number::Number;
use super::path::Path;
use super::schema::Type;
use super::value::{Dynamic, Value};

/// Longest JSON of one value, in bytes. Real states have some kilobytes; read into memory, JSON takes many times its length.
const LONGEST: usize = 16 * 1024 * 1024;

/// Most attributes that [`decode_noting`] names.
const MOST_NOTED: usize = 8;

/// Reads a value of type `kind`. Primitives may stand in for each other as in go-cty (`cty/json`): `"5"` is a number,
/// `"true"` a boolean, `5` a string.
///
/// # Errors
/// [`CodecError`] for bytes that are no JSON or do not fit the type.
pub fn decode(bytes: &[u8], kind: &Type) -> Result<Value, CodecError> {
    decode_noting(bytes, kind).map(|(value, _)| value)
}

/// As [`decode`]; also gives the places of what holds something and has no room in the type, the first few of them.
///
/// # Errors
/// As [`decode`].
pub fn decode_noting(bytes: &[u8], kind: &Type) -> Result<(Value, Vec<Path>), CodecError> {
    if bytes.len() > LONGEST {
        return Err(Place::ROOT.error("the JSON is longer than 16 MiB"));
    }
    let json: Json = serde_json::from_slice(bytes).map_err(|error| {
        let place = format!(
            "not well-formed JSON (line {}, column {})",
            error.line(),
            error.column()
        );
        Place::ROOT.error(place)
    })?;
    let mut without_room = Vec::new();
    let value = read(json, kind, &Place::ROOT, &mut without_room)?;
    Ok((value, without_room))
}

fn read(json: Json, kind: &Type, place: &Place<'_>, without_room: &mut Vec<Path>) -> Result<Value, CodecError> {
    match (json, kind) {
        (Json::Null, _) => Ok(Value::Null),
        (json, Type::Dynamic) => dynamic(json, place, without_room),
        (json, Type::Bool | Type::Number | Type::String) => {
            primitive(&json, kind).ok_or_else(|| place.error("the JSON does not fit the schema"))
        }
        (Json::Array(items), Type::List(item) | Type::Set(item)) => (0..)
            .zip(items)
            .map(|(at, json)| read(json, item, &place.index(at), without_room))
            .collect::<Result<_, _>>()
            .map(Value::List),
        (Json::Array(items), Type::Tuple(kinds)) if items.len() == kinds.len() => (0..)
            .zip(items.into_iter().zip(kinds))
            .map(|(at, (json, kind))| read(json, kind, &place.index(at), without_room))
            .collect::<Result<_, _>>()
            .map(Value::List),
        (Json::Object(items), Type::Map(item)) => items
            .into_iter()
            .map(|(name, json)| Ok((name.clone(), read(json, item, &place.key(&name), without_room)?)))
            .collect::<Result<_, _>>()
            .map(Value::Map),
        (Json::Object(items), Type::Object(attributes)) => object(items, attributes, place, without_room),
        _ => Err(place.error("the JSON does not fit the schema")),
    }
}

/// A value that is stored together with its type (go-cty `cty/json`).
fn dynamic(json: Json, place: &Place<'_>, without_room: &mut Vec<Path>) -> Result<Value, CodecError> {
    let parts = match json {
        Json::Object(mut parts) => parts
            .remove("value")
            .zip(parts.remove("type"))
            .filter(|_| parts.is_empty()),
        _ => None,
    };
    let Some((value, kind)) = parts else {
        let problem = "a dynamic value must be stored as an object of \"value\" and \"type\"";
        return Err(place.error(problem));
    };
    let kind = types::type_of_json(&kind, place)?;
    if kind == Type::Dynamic {
        return Err(place.error(DYNAMIC_ITSELF));
    }
    let value = read(value, &kind, place, without_room)?;
    Ok(Value::Dynamic(Box::new(Dynamic { kind, value })))
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
    place: &Place<'_>,
    without_room: &mut Vec<Path>,
) -> Result<Value, CodecError> {
    let value = attributes
        .iter()
        .map(|(name, kind)| {
            let json = items.remove(name).unwrap_or(Json::Null);
            Ok((name.clone(), read(json, kind, &place.attribute(name), without_room)?))
        })
        .collect::<Result<_, _>>()
        .map(Value::Map)?;
    for (name, json) in items {
        if !json.is_null() && without_room.len() < MOST_NOTED {
            without_room.push(place.attribute(&name).path());
        }
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::terraform::arbitrary::typed_value;

    /// What Terraform would store; `None` when something is unknown, which a state never is.
    fn stored(value: &Value) -> Option<Json> {
        Some(match value {
            Value::Unknown(_) => return None,
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Number(number) => serde_json::from_str(number.as_str()).unwrap(),
            Value::String(text) => Json::from(text.as_str()),
            Value::List(items) => items.iter().map(stored).collect::<Option<Vec<_>>>()?.into(),
            Value::Dynamic(dynamic) => json!({"value": stored(&dynamic.value)?, "type": type_json(&dynamic.kind)}),
            Value::Map(items) => Json::Object(
                items
                    .iter()
                    .map(|(name, value)| Some((name.clone(), stored(value)?)))
                    .collect::<Option<_>>()?,
            ),
        })
    }

    proptest! {
        #[test]
        fn what_is_stored_is_read_back((kind, value) in typed_value()) {
            if let Some(json) = stored(&value) {
                prop_assert_eq!(decode(json.to_string().as_bytes(), &kind).unwrap(), value);
            }
        }

        #[test]
        fn no_bytes_make_it_panic((kind, _) in typed_value(), noise in any::<Vec<u8>>(), text in ".*") {
            let _ = decode(&noise, &kind);
            let _ = decode(text.as_bytes(), &kind);
        }
    }

    fn kind() -> Type {
        Type::Object(BTreeMap::from([
            ("count".to_owned(), Type::Number),
            ("name".to_owned(), Type::String),
            ("on".to_owned(), Type::Bool),
            ("tags".to_owned(), Type::string_map()),
        ]))
    }

    #[test]
    fn an_older_state_lacks_attributes_and_has_others() {
        let value = decode(br#"{"name": "x", "gone": [1, 2]}"#, &kind()).unwrap();
        let expected = Value::object([
            ("count", Value::Null),
            ("name", Value::string("x")),
            ("on", Value::Null),
            ("tags", Value::Null),
        ]);
        assert_eq!(value, expected);
    }

    #[test]
    fn what_has_no_room_is_named_unless_it_is_null() {
        let (_, without_room) = decode_noting(br#"{"name": "x", "gone": null, "more": [1, 2]}"#, &kind()).unwrap();
        assert_eq!(without_room, [Path::attribute("more")]);
        let many = format!(
            "{{{}}}",
            (0..99).map(|n| format!("\"a{n}\":1")).collect::<Vec<_>>().join(",")
        );
        let (_, without_room) = decode_noting(many.as_bytes(), &kind()).unwrap();
        assert_eq!(without_room.len(), MOST_NOTED);
    }

    #[test]
    fn more_than_any_state_is_refused_before_it_is_read() {
        let long = format!("\"{}\"", "x".repeat(LONGEST));
        let error = decode(long.as_bytes(), &Type::String).unwrap_err();
        assert_eq!(error.to_string(), "the JSON is longer than 16 MiB");
    }

    #[test]
    fn primitives_stand_in_for_each_other() {
        let value = decode(br#"{"count": "12.50", "name": 7, "on": "true"}"#, &kind()).unwrap();
        assert_eq!(value.get("count"), &Value::Number(Number::parse("12.5").unwrap()));
        assert_eq!(value.get("name"), &Value::string("7"));
        assert_eq!(value.get("on"), &Value::Bool(true));
    }

    #[test]
    fn numbers_keep_every_digit() {
        let value = decode(b"12345678901234567890.123456789012345678901", &Type::Number).unwrap();
        let expected = Number::parse("12345678901234567890.123456789012345678901").unwrap();
        assert_eq!(value, Value::Number(expected));
    }

    #[test]
    fn what_does_not_fit_is_an_error_that_says_where_and_not_what() {
        let error = decode(br#"{"tags": {"a": ["hunter2"]}}"#, &kind()).unwrap_err();
        assert_eq!(error.to_string(), "tags[\"a\"]: the JSON does not fit the schema");
        let error = decode(br#"{"name": "hunter2"#, &kind()).unwrap_err();
        assert_eq!(error.to_string(), "not well-formed JSON (line 1, column 17)");
        let deep = "[".repeat(100_000);
        assert!(decode(deep.as_bytes(), &kind()).is_err());
    }

    #[test]
    fn a_dynamic_value_is_stored_with_its_type() {
        let stored = br#"{"value": {"app": "x", "waves": [1, "2"]}, "type": ["object", {"app": "string", "waves": ["tuple", ["number", "string"]]}]}"#;
        let value = decode(stored, &Type::Dynamic).unwrap();
        let waves = Value::List(vec![Value::number(1), Value::string("2")]);
        assert_eq!(
            value.plain(),
            &Value::object([("app", Value::string("x")), ("waves", waves)])
        );
        assert!(matches!(&value, Value::Dynamic(dynamic) if matches!(dynamic.kind, Type::Object(_))));
        assert_eq!(decode(b"null", &Type::Dynamic).unwrap(), Value::Null);
        let typed_null = decode(br#"{"value": null, "type": "string"}"#, &Type::Dynamic).unwrap();
        assert!(typed_null.is_null() && typed_null != Value::Null);
    }

    #[test]
    fn what_is_not_stored_with_its_type_is_refused() {
        let shape = "a dynamic value must be stored as an object of \"value\" and \"type\"";
        for (stored, problem) in [
            ("7", shape),
            ("{}", shape),
            (r#"{"app": "x"}"#, shape),
            (r#"{"value": 7}"#, shape),
            (r#"{"type": "number"}"#, shape),
            (r#"{"value": 7, "type": "number", "more": 1}"#, shape),
            (r#"{"value": 7, "type": "dynamic"}"#, DYNAMIC_ITSELF),
            (
                r#"{"value": 7, "type": "hunter2"}"#,
                "the type of a dynamic value is malformed or nests too deeply",
            ),
            (
                r#"{"value": [7], "type": ["tuple", []]}"#,
                "the JSON does not fit the schema",
            ),
        ] {
            let error = decode(stored.as_bytes(), &Type::Dynamic).unwrap_err();
            assert_eq!(error.to_string(), problem, "{stored}");
        }
    }
}
