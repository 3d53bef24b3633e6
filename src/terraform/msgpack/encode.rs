//! From a value to msgpack, led by its type: all attributes of an object, in sorted order.

use std::collections::BTreeMap;

use rmp::encode as write;

use super::{REFINED, refinement};
use crate::terraform::codec::CodecError;
use crate::terraform::number::Number;
use crate::terraform::path::Path;
use crate::terraform::schema::Type;
use crate::terraform::value::{Refinement, Value};

/// A plain unknown, byte for byte as go-cty writes it: ext type 0 with a body of one zero.
const UNKNOWN: [u8; 3] = [0xd4, 0x00, 0x00];

/// Writes `value` as type `kind`. Attributes that an object lacks are written as null.
///
/// # Errors
/// [`CodecError`] when the value does not fit the type, which is a mistake in the provider.
pub fn encode(value: &Value, kind: &Type) -> Result<Vec<u8>, CodecError> {
    let mut out = Vec::new();
    put(&mut out, value, kind, &Path::root())?;
    Ok(out)
}

fn put(out: &mut Vec<u8>, value: &Value, kind: &Type, path: &Path) -> Result<(), CodecError> {
    match (value, kind) {
        (Value::Null, _) => write::write_nil(out).map_err(|_| overflow(path)),
        (Value::Unknown(promises), kind) => unknown(out, promises, kind, path),
        (Value::Bool(value), Type::Bool) => write::write_bool(out, *value).map_err(|_| overflow(path)),
        (Value::Number(value), Type::Number) => number(out, value, path),
        (Value::String(text), Type::String) => string(out, text, path),
        (Value::List(items), Type::List(item) | Type::Set(item)) => list(out, items, item, path),
        (Value::Map(items), Type::Map(item)) => map(out, items, item, path),
        (Value::Map(items), Type::Object(attributes)) => object(out, items, attributes, path),
        _ => Err(CodecError::new(
            path,
            "the value does not have the type that the schema declares",
        )),
    }
}

fn unknown(out: &mut Vec<u8>, promises: &Refinement, kind: &Type, path: &Path) -> Result<(), CodecError> {
    let body = refinement::encode(promises, *kind == Type::String).map_err(|_| overflow(path))?;
    if let Some(body) = body {
        let length = length(body.len(), path)?;
        write::write_ext_meta(out, length, REFINED).map_err(|_| overflow(path))?;
        out.extend_from_slice(&body);
    } else {
        out.extend_from_slice(&UNKNOWN);
    }
    Ok(())
}

/// Decimal text, which loses nothing. Terraform reads a stored state's numbers from text too, and up to 1.14 its
/// refresh-only plan compares the parsed forms: an integer here would look like drift to it.
fn number(out: &mut Vec<u8>, value: &Number, path: &Path) -> Result<(), CodecError> {
    string(out, value.as_str(), path)
}

fn string(out: &mut Vec<u8>, text: &str, path: &Path) -> Result<(), CodecError> {
    length(text.len(), path)?;
    write::write_str(out, text).map_err(|_| overflow(path))
}

fn list(out: &mut Vec<u8>, items: &[Value], item: &Type, path: &Path) -> Result<(), CodecError> {
    write::write_array_len(out, length(items.len(), path)?).map_err(|_| overflow(path))?;
    for (at, value) in (0..).zip(items) {
        put(out, value, item, &path.then_index(at))?;
    }
    Ok(())
}

fn map(out: &mut Vec<u8>, items: &BTreeMap<String, Value>, item: &Type, path: &Path) -> Result<(), CodecError> {
    write::write_map_len(out, length(items.len(), path)?).map_err(|_| overflow(path))?;
    for (name, value) in items {
        string(out, name, path)?;
        put(out, value, item, &path.then_key(name))?;
    }
    Ok(())
}

fn object(
    out: &mut Vec<u8>,
    items: &BTreeMap<String, Value>,
    attributes: &BTreeMap<String, Type>,
    path: &Path,
) -> Result<(), CodecError> {
    if let Some(name) = items.keys().find(|name| !attributes.contains_key(*name)) {
        return Err(CodecError::new(
            &path.then_attribute(name),
            "the schema has no such attribute",
        ));
    }
    write::write_map_len(out, length(attributes.len(), path)?).map_err(|_| overflow(path))?;
    for (name, kind) in attributes {
        string(out, name, path)?;
        put(
            out,
            items.get(name).unwrap_or(&Value::Null),
            kind,
            &path.then_attribute(name),
        )?;
    }
    Ok(())
}

fn length(length: usize, path: &Path) -> Result<u32, CodecError> {
    u32::try_from(length).map_err(|_| overflow(path))
}

fn overflow(path: &Path) -> CodecError {
    CodecError::new(path, "the value is too large for msgpack")
}
