//! From a value to msgpack, led by its type: all attributes of an object, in sorted order.

use std::collections::BTreeMap;

use rmp::encode as write;

use super::{REFINED, refinement};
use crate::terraform::codec::{CodecError, Place};
use crate::terraform::json;
use crate::terraform::number::Number;
use crate::terraform::schema::Type;
use crate::terraform::value::{Dynamic, Refinement, Value};

/// A plain unknown, byte for byte as go-cty writes it: ext type 0 with a body of one zero.
const UNKNOWN: [u8; 3] = [0xd4, 0x00, 0x00];

/// Writes `value` as type `kind`. Attributes that an object lacks are written as null. Where the type is dynamic, the value is
/// [`Value::Dynamic`], null or unknown: no type is guessed.
///
/// # Errors
/// [`CodecError`] when the value does not fit the type, which is a mistake in the provider.
pub fn encode(value: &Value, kind: &Type) -> Result<Vec<u8>, CodecError> {
    let mut out = Vec::new();
    put(&mut out, value, kind, &Place::ROOT)?;
    Ok(out)
}

fn put(out: &mut Vec<u8>, value: &Value, kind: &Type, place: &Place<'_>) -> Result<(), CodecError> {
    match (value, kind) {
        (Value::Null, _) => write::write_nil(out).map_err(|_| overflow(place)),
        // Nothing is promised of a value without a type: go-cty drops it as well.
        (Value::Unknown(_), Type::Dynamic) => {
            out.extend_from_slice(&UNKNOWN);
            Ok(())
        }
        (Value::Dynamic(value), Type::Dynamic) if value.kind != Type::Dynamic => dynamic(out, value, place),
        (Value::Unknown(promises), kind) => unknown(out, promises, kind, place),
        (Value::Bool(value), Type::Bool) => write::write_bool(out, *value).map_err(|_| overflow(place)),
        (Value::Number(value), Type::Number) => number(out, value, place),
        (Value::String(text), Type::String) => string(out, text, place),
        (Value::List(items), Type::List(item) | Type::Set(item)) => list(out, items, item, place),
        (Value::List(items), Type::Tuple(kinds)) if items.len() == kinds.len() => tuple(out, items, kinds, place),
        (Value::Map(items), Type::Map(item)) => map(out, items, item, place),
        (Value::Map(items), Type::Object(attributes)) => object(out, items, attributes, place),
        _ => Err(place.error("the value does not have the type that the schema declares")),
    }
}

fn unknown(out: &mut Vec<u8>, promises: &Refinement, kind: &Type, place: &Place<'_>) -> Result<(), CodecError> {
    let body = refinement::encode(promises, *kind == Type::String).map_err(|_| overflow(place))?;
    if let Some(body) = body {
        let length = length(body.len(), place)?;
        write::write_ext_meta(out, length, REFINED).map_err(|_| overflow(place))?;
        out.extend_from_slice(&body);
    } else {
        out.extend_from_slice(&UNKNOWN);
    }
    Ok(())
}

/// Decimal text, which loses nothing. Terraform reads a stored state's numbers from text too, and up to 1.14 its
/// refresh-only plan compares the parsed forms: an integer here would look like drift to it.
fn number(out: &mut Vec<u8>, value: &Number, place: &Place<'_>) -> Result<(), CodecError> {
    string(out, value.as_str(), place)
}

fn string(out: &mut Vec<u8>, text: &str, place: &Place<'_>) -> Result<(), CodecError> {
    length(text.len(), place)?;
    write::write_str(out, text).map_err(|_| overflow(place))
}

/// The type, then the value by that type (go-cty `cty/msgpack/dynamic.go`).
fn dynamic(out: &mut Vec<u8>, value: &Dynamic, place: &Place<'_>) -> Result<(), CodecError> {
    let kind = json::type_json(&value.kind).to_string();
    length(kind.len(), place)?;
    write::write_array_len(out, 2).map_err(|_| overflow(place))?;
    write::write_bin(out, kind.as_bytes()).map_err(|_| overflow(place))?;
    put(out, &value.value, &value.kind, place)
}

fn tuple(out: &mut Vec<u8>, items: &[Value], kinds: &[Type], place: &Place<'_>) -> Result<(), CodecError> {
    write::write_array_len(out, length(items.len(), place)?).map_err(|_| overflow(place))?;
    for (at, (value, kind)) in (0..).zip(items.iter().zip(kinds)) {
        put(out, value, kind, &place.index(at))?;
    }
    Ok(())
}

fn list(out: &mut Vec<u8>, items: &[Value], item: &Type, place: &Place<'_>) -> Result<(), CodecError> {
    write::write_array_len(out, length(items.len(), place)?).map_err(|_| overflow(place))?;
    for (at, value) in (0..).zip(items) {
        put(out, value, item, &place.index(at))?;
    }
    Ok(())
}

fn map(out: &mut Vec<u8>, items: &BTreeMap<String, Value>, item: &Type, place: &Place<'_>) -> Result<(), CodecError> {
    write::write_map_len(out, length(items.len(), place)?).map_err(|_| overflow(place))?;
    for (name, value) in items {
        string(out, name, place)?;
        put(out, value, item, &place.key(name))?;
    }
    Ok(())
}

fn object(
    out: &mut Vec<u8>,
    items: &BTreeMap<String, Value>,
    attributes: &BTreeMap<String, Type>,
    place: &Place<'_>,
) -> Result<(), CodecError> {
    if let Some(name) = items.keys().find(|name| !attributes.contains_key(*name)) {
        return Err(place.attribute(name).error("the schema has no such attribute"));
    }
    write::write_map_len(out, length(attributes.len(), place)?).map_err(|_| overflow(place))?;
    for (name, kind) in attributes {
        string(out, name, place)?;
        put(
            out,
            items.get(name).unwrap_or(&Value::Null),
            kind,
            &place.attribute(name),
        )?;
    }
    Ok(())
}

fn length(length: usize, place: &Place<'_>) -> Result<u32, CodecError> {
    u32::try_from(length).map_err(|_| overflow(place))
}

fn overflow(place: &Place<'_>) -> CodecError {
    place.error("the value is too large for msgpack")
}
