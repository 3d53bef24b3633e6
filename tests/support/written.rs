//! Resources as their authors write them, from plain JSON: an attribute of dynamic type gets the type that Terraform gives a literal.

use rotation_provider::terraform::{AttributeType, Block, CodecError, Dynamic, Type, Value, json};
use serde_json::{Map, Value as Json, json as object};

/// The resource that this JSON describes. A dynamic attribute that is an object of `value` and `type`, as in a state file, is taken
/// as it is.
///
/// # Errors
/// JSON that does not fit the schema.
pub fn resource(text: &[u8], block: &Block) -> Result<Value, CodecError> {
    let mut written: Json = match serde_json::from_slice(text) {
        Ok(written) => written,
        // The codec says why.
        Err(_) => return json::decode(text, &block.value_type()),
    };
    if let Json::Object(attributes) = &mut written {
        for (name, value) in attributes {
            let known = block
                .attributes
                .iter()
                .find(|attribute| attribute.name == name.as_str());
            let is_dynamic = known.is_some_and(|known| matches!(known.kind, AttributeType::Plain(Type::Dynamic)));
            if is_dynamic && !value.is_null() && !is_stored(value) {
                *value = object!({ "value": value, "type": type_of(value) });
            }
        }
    }
    json::decode(written.to_string().as_bytes(), &block.value_type())
}

fn is_stored(value: &Json) -> bool {
    let stored =
        |value: &Map<String, Json>| value.len() == 2 && value.contains_key("value") && value.contains_key("type");
    value.as_object().is_some_and(stored)
}

/// The value as an author writes it into a dynamic attribute: with the type of a literal.
pub fn literal(value: Value) -> Value {
    Value::Dynamic(Box::new(Dynamic {
        kind: kind_of(&value),
        value,
    }))
}

fn kind_of(value: &Value) -> Type {
    match value {
        Value::Bool(_) => Type::Bool,
        Value::Number(_) => Type::Number,
        Value::String(_) => Type::String,
        Value::List(items) => Type::Tuple(items.iter().map(kind_of).collect()),
        Value::Map(items) => Type::Object(items.iter().map(|(name, item)| (name.clone(), kind_of(item))).collect()),
        Value::Null | Value::Unknown(_) | Value::Dynamic(_) => Type::Dynamic,
    }
}

/// The type of a literal, as JSON writes types.
fn type_of(value: &Json) -> Json {
    match value {
        Json::Null => "dynamic".into(),
        Json::Bool(_) => "bool".into(),
        Json::Number(_) => "number".into(),
        Json::String(_) => "string".into(),
        Json::Array(items) => object!(["tuple", items.iter().map(type_of).collect::<Vec<_>>()]),
        Json::Object(items) => {
            let types: Map<String, Json> = items.iter().map(|(name, item)| (name.clone(), type_of(item))).collect();
            object!(["object", types])
        }
    }
}
