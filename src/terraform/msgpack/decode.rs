//! From msgpack to a value, led by its type. Depth is bounded by the type, memory by the bytes that are really there.

use std::collections::BTreeMap;

use super::token::{Token, Tokens};
use super::{REFINED, refinement};
use crate::terraform::codec::CodecError;
use crate::terraform::number::Number;
use crate::terraform::path::Path;
use crate::terraform::schema::Type;
use crate::terraform::value::{Refinement, Value};

/// Reads a value of type `kind` that fills `bytes`.
///
/// Numbers come as integer, float or decimal string; an object has exactly the attributes of its type, in any order.
///
/// # Errors
/// [`CodecError`] for whatever is not well-formed or does not fit the type.
pub fn decode(bytes: &[u8], kind: &Type) -> Result<Value, CodecError> {
    let mut tokens = Tokens::of(bytes);
    let value = read(&mut tokens, kind, &Path::root())?;
    if tokens.at_end() {
        Ok(value)
    } else {
        Err(CodecError::new(&Path::root(), "the value is followed by further bytes"))
    }
}

fn read(tokens: &mut Tokens<'_>, kind: &Type, path: &Path) -> Result<Value, CodecError> {
    let token = next(tokens, path)?;
    match (token, kind) {
        (Token::Nil, _) => Ok(Value::Null),
        (Token::Ext(REFINED, body), _) => refinement::decode(body, *kind == Type::String)
            .map(Value::Unknown)
            .map_err(|problem| CodecError::new(path, problem)),
        (Token::Ext(..), _) => Ok(Value::Unknown(Refinement::default())),
        (Token::Bool(value), Type::Bool) => Ok(Value::Bool(value)),
        (Token::Str(text), Type::String) => Ok(Value::string(text)),
        (token, Type::Number) => number(token, path),
        (Token::Array(length), Type::List(item) | Type::Set(item)) => list(tokens, length, item, path),
        (Token::Map(length), Type::Map(item)) => map(tokens, length, item, path),
        (Token::Map(length), Type::Object(attributes)) => object(tokens, length, attributes, path),
        (token, kind) => Err(mismatch(token, kind, path)),
    }
}

fn number(token: Token<'_>, path: &Path) -> Result<Value, CodecError> {
    let number = match token {
        Token::Unsigned(value) => Some(Number::from(value)),
        Token::Signed(value) => Some(Number::from(value)),
        Token::Float(value) => Number::from_f64(value),
        Token::Str(text) => Number::parse(text),
        token => return Err(mismatch(token, &Type::Number, path)),
    };
    number.map(Value::Number).ok_or_else(|| {
        let most = Number::MOST_DIGITS;
        CodecError::new(path, format!("a finite number of at most {most} digits is required"))
    })
}

fn list(tokens: &mut Tokens<'_>, length: u32, item: &Type, path: &Path) -> Result<Value, CodecError> {
    let mut items = Vec::new();
    for at in 0..length {
        items.push(read(tokens, item, &path.then_index(at.into()))?);
    }
    Ok(Value::List(items))
}

fn map(tokens: &mut Tokens<'_>, length: u32, item: &Type, path: &Path) -> Result<Value, CodecError> {
    let mut items = BTreeMap::new();
    for _ in 0..length {
        let name = key(tokens, path)?;
        let value = read(tokens, item, &path.then_key(name))?;
        insert(&mut items, name, value, path)?;
    }
    Ok(Value::Map(items))
}

fn object(
    tokens: &mut Tokens<'_>,
    length: u32,
    attributes: &BTreeMap<String, Type>,
    path: &Path,
) -> Result<Value, CodecError> {
    if usize::try_from(length) != Ok(attributes.len()) {
        let problem = format!(
            "an object with {} attributes is required, got {length}",
            attributes.len()
        );
        return Err(CodecError::new(path, problem));
    }
    let mut items = BTreeMap::new();
    for _ in 0..length {
        let name = key(tokens, path)?;
        let Some(kind) = attributes.get(name) else {
            return Err(CodecError::new(path, "an attribute that the schema does not have"));
        };
        let value = read(tokens, kind, &path.then_attribute(name))?;
        insert(&mut items, name, value, path)?;
    }
    Ok(Value::Map(items))
}

fn insert(items: &mut BTreeMap<String, Value>, name: &str, value: Value, path: &Path) -> Result<(), CodecError> {
    match items.insert(name.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(CodecError::new(path, "a key occurs twice")),
    }
}

fn key<'a>(tokens: &mut Tokens<'a>, path: &Path) -> Result<&'a str, CodecError> {
    match next(tokens, path)? {
        Token::Str(name) => Ok(name),
        token => Err(CodecError::new(
            path,
            format!("a key is {} instead of a string", token.kind()),
        )),
    }
}

fn next<'a>(tokens: &mut Tokens<'a>, path: &Path) -> Result<Token<'a>, CodecError> {
    tokens.next().map_err(|problem| CodecError::new(path, problem))
}

fn mismatch(token: Token<'_>, kind: &Type, path: &Path) -> CodecError {
    let expected = match kind {
        Type::Bool => "a boolean",
        Type::Number => "a number",
        Type::String => "a string",
        Type::List(_) => "a list",
        Type::Set(_) => "a set",
        Type::Map(_) => "a map",
        Type::Object(_) => "an object",
    };
    CodecError::new(path, format!("{expected} is required, got {}", token.kind()))
}
