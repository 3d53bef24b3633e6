//! The codecs: whatever is read is bounded by its bytes and read the same again; whatever is written is read back.

use rotation_provider::terraform::{Type, Value, json, msgpack};
use serde_json::Value as Json;

use super::feed::Feed;
use super::typed::{any_type, count, value_of};

/// Longest description of a type at the front of an input, in bytes; the message follows.
const TYPE_BYTES: usize = 16;

/// A type, then msgpack of it as a hostile client would send it.
pub fn msgpack(bytes: &[u8]) {
    let (kind, message) = typed_message(bytes);
    let Ok(value) = msgpack::decode(message, &kind) else {
        return;
    };
    assert!(count(&value) <= message.len(), "more values than bytes");
    let written = msgpack::encode(&value, &kind).expect("what was read can be written");
    assert_eq!(msgpack::decode(&written, &kind).as_ref(), Ok(&value));
}

/// A type, then JSON of it as a state file could hold it.
pub fn json(bytes: &[u8]) {
    let (kind, message) = typed_message(bytes);
    let Ok(value) = json::decode(message, &kind) else {
        return;
    };
    assert!(!value.has_unknown(), "a state knows everything");
    assert_eq!(
        json::decode(stored(&value).to_string().as_bytes(), &kind).as_ref(),
        Ok(&value)
    );
}

/// A type and a value of it: written and read back as it was, in both encodings; the type itself too.
pub fn typed(bytes: &[u8]) {
    let mut feed = Feed::of(bytes);
    let kind = any_type(&mut feed, 3);
    let value = value_of(&mut feed, &kind, 3);
    let type_json = json::type_json(&kind);
    assert_eq!(read_type(&type_json).as_ref(), Some(&kind));
    assert_eq!(json::parse_type(type_json.to_string().as_bytes()).as_ref(), Ok(&kind));
    let written = msgpack::encode(&value, &kind).expect("a value of its type can be written");
    assert_eq!(msgpack::decode(&written, &kind).as_ref(), Ok(&value));
    for cut in 0..written.len() {
        assert!(msgpack::decode(&written[..cut], &kind).is_err(), "half a value is none");
    }
    if !value.has_unknown() && !mentions_number_token(&value) {
        assert_eq!(
            json::decode(stored(&value).to_string().as_bytes(), &kind).as_ref(),
            Ok(&value)
        );
    }
}

fn typed_message(bytes: &[u8]) -> (Type, &[u8]) {
    let (head, message) = bytes.split_at(TYPE_BYTES.min(bytes.len()));
    (any_type(&mut Feed::of(head), 3), message)
}

/// What Terraform stores.
fn stored(value: &Value) -> Json {
    match value {
        Value::Null | Value::Unknown(_) => Json::Null,
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => serde_json::from_str(number.as_str()).expect("a canonical number is JSON"),
        Value::String(text) => text.as_str().into(),
        Value::List(items) => items.iter().map(stored).collect::<Vec<_>>().into(),
        Value::Map(items) => Json::Object(
            items
                .iter()
                .map(|(name, value)| (name.clone(), stored(value)))
                .collect(),
        ),
        Value::Dynamic(dynamic) => {
            serde_json::json!({"value": stored(&dynamic.value), "type": json::type_json(&dynamic.kind)})
        }
    }
}

/// `serde_json` takes an object with this one key for a number, when numbers keep their digits.
fn mentions_number_token(value: &Value) -> bool {
    match value {
        Value::List(items) => items.iter().any(mentions_number_token),
        Value::Map(items) => items.contains_key(NUMBER_TOKEN) || items.values().any(mentions_number_token),
        Value::Dynamic(dynamic) => {
            json::type_json(&dynamic.kind).to_string().contains(NUMBER_TOKEN) || mentions_number_token(&dynamic.value)
        }
        _ => false,
    }
}

const NUMBER_TOKEN: &str = "$serde_json::private::Number";

/// The grammar of go-cty's type JSON, written down a second time.
fn read_type(json: &Json) -> Option<Type> {
    Some(match json {
        Json::String(name) => match name.as_str() {
            "bool" => Type::Bool,
            "number" => Type::Number,
            "string" => Type::String,
            "dynamic" => Type::Dynamic,
            _ => return None,
        },
        Json::Array(pair) => match (pair.first()?.as_str()?, pair.get(1)?) {
            ("list", item) => Type::List(Box::new(read_type(item)?)),
            ("set", item) => Type::Set(Box::new(read_type(item)?)),
            ("map", item) => Type::Map(Box::new(read_type(item)?)),
            ("tuple", Json::Array(items)) => Type::Tuple(items.iter().map(read_type).collect::<Option<_>>()?),
            ("object", Json::Object(attributes)) => {
                let attributes = attributes
                    .iter()
                    .map(|(name, kind)| Some((name.clone(), read_type(kind)?)));
                Type::Object(attributes.collect::<Option<_>>()?)
            }
            _ => return None,
        },
        _ => return None,
    })
}
