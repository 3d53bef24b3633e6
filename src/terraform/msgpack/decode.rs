//! From msgpack to a value, led by its type. Depth is bounded, and memory by the bytes that are really there.

use std::collections::BTreeMap;

use super::token::{Token, Tokens};
use super::{REFINED, refinement};
use crate::terraform::codec::{CodecError, DEEPEST, DYNAMIC_ITSELF, Place};
use crate::terraform::json;
use crate::terraform::number::Number;
use crate::terraform::schema::Type;
use crate::terraform::value::{Dynamic, Refinement, Value};

/// Reads a value of type `kind` that fills `bytes`.
///
/// Numbers come as integer, float or decimal string; an object has exactly the attributes of its type, in any order.
///
/// # Errors
/// [`CodecError`] for whatever is not well-formed or does not fit the type.
pub fn decode(bytes: &[u8], kind: &Type) -> Result<Value, CodecError> {
    let mut tokens = Tokens::of(bytes);
    let value = read(&mut tokens, kind, &Place::ROOT)?;
    if tokens.at_end() {
        Ok(value)
    } else {
        Err(Place::ROOT.error("the value is followed by further bytes"))
    }
}

fn read(tokens: &mut Tokens<'_>, kind: &Type, place: &Place<'_>) -> Result<Value, CodecError> {
    // Every level has a step in the path: a dynamic value's own type is never dynamic.
    if place.depth() > DEEPEST {
        return Err(place.error(format!("the value nests more than {DEEPEST} levels")));
    }
    let token = next(tokens, place)?;
    match (token, kind) {
        (Token::Nil, _) => Ok(Value::Null),
        // go-cty promises nothing of a value without a type (`Value.Refine`).
        (Token::Ext(..), Type::Dynamic) => Ok(Value::unknown()),
        (Token::Array(2), Type::Dynamic) => dynamic(tokens, place),
        (Token::Ext(REFINED, body), _) => refinement::decode(body, *kind == Type::String)
            .map(Value::Unknown)
            .map_err(|problem| place.error(problem)),
        (Token::Ext(..), _) => Ok(Value::Unknown(Refinement::default())),
        (Token::Bool(value), Type::Bool) => Ok(Value::Bool(value)),
        (Token::Str(text), Type::String) => Ok(Value::string(text)),
        (token, Type::Number) => number(token, place),
        (Token::Array(length), Type::Tuple(items)) => tuple(tokens, length, items, place),
        (Token::Array(length), Type::List(item) | Type::Set(item)) => list(tokens, length, item, place),
        (Token::Map(length), Type::Map(item)) => map(tokens, length, item, place),
        (Token::Map(length), Type::Object(attributes)) => object(tokens, length, attributes, place),
        (token, kind) => Err(mismatch(token, kind, place)),
    }
}

fn number(token: Token<'_>, place: &Place<'_>) -> Result<Value, CodecError> {
    let number = match token {
        Token::Unsigned(value) => Some(Number::from(value)),
        Token::Signed(value) => Some(Number::from(value)),
        Token::Float(value) => Number::from_f64(value),
        Token::Str(text) => Number::parse(text),
        token => return Err(mismatch(token, &Type::Number, place)),
    };
    number.map(Value::Number).ok_or_else(|| {
        let most = Number::MOST_DIGITS;
        place.error(format!("a finite number of at most {most} digits is required"))
    })
}

/// Shortest type JSON of one value, in bytes: a type costs as much as the values that it could describe.
const SHORTEST_TYPE: usize = 6;

fn dynamic(tokens: &mut Tokens<'_>, place: &Place<'_>) -> Result<Value, CodecError> {
    let json = match next(tokens, place)? {
        Token::Bin(json) => json,
        token => {
            let problem = format!("a dynamic value begins with {} instead of its type", token.kind());
            return Err(place.error(problem));
        }
    };
    tokens
        .spend(json.len() / SHORTEST_TYPE)
        .map_err(|problem| place.error(problem))?;
    let kind = json::parse_type(json).map_err(|error| place.error(error.problem))?;
    if kind == Type::Dynamic {
        return Err(place.error(DYNAMIC_ITSELF));
    }
    let value = read(tokens, &kind, place)?;
    Ok(Value::Dynamic(Box::new(Dynamic { kind, value })))
}

fn tuple(tokens: &mut Tokens<'_>, length: u32, kinds: &[Type], place: &Place<'_>) -> Result<Value, CodecError> {
    if usize::try_from(length) != Ok(kinds.len()) {
        let problem = format!("a tuple of {} elements is required, got {length}", kinds.len());
        return Err(place.error(problem));
    }
    (0..)
        .zip(kinds)
        .map(|(at, kind)| read(tokens, kind, &place.index(at)))
        .collect::<Result<_, _>>()
        .map(Value::List)
}

fn list(tokens: &mut Tokens<'_>, length: u32, item: &Type, place: &Place<'_>) -> Result<Value, CodecError> {
    let mut items = Vec::new();
    for at in 0..length {
        items.push(read(tokens, item, &place.index(at.into()))?);
    }
    Ok(Value::List(items))
}

fn map(tokens: &mut Tokens<'_>, length: u32, item: &Type, place: &Place<'_>) -> Result<Value, CodecError> {
    let mut items = BTreeMap::new();
    for _ in 0..length {
        let name = key(tokens, place)?;
        let value = read(tokens, item, &place.key(name))?;
        insert(&mut items, name, value, place)?;
    }
    Ok(Value::Map(items))
}

fn object(
    tokens: &mut Tokens<'_>,
    length: u32,
    attributes: &BTreeMap<String, Type>,
    place: &Place<'_>,
) -> Result<Value, CodecError> {
    if usize::try_from(length) != Ok(attributes.len()) {
        let problem = format!(
            "an object with {} attributes is required, got {length}",
            attributes.len()
        );
        return Err(place.error(problem));
    }
    let mut items = BTreeMap::new();
    for _ in 0..length {
        let name = key(tokens, place)?;
        let Some(kind) = attributes.get(name) else {
            return Err(place.error("an attribute that the schema does not have"));
        };
        let value = read(tokens, kind, &place.attribute(name))?;
        insert(&mut items, name, value, place)?;
    }
    Ok(Value::Map(items))
}

fn insert(items: &mut BTreeMap<String, Value>, name: &str, value: Value, place: &Place<'_>) -> Result<(), CodecError> {
    match items.insert(name.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(place.error("a key occurs twice")),
    }
}

fn key<'a>(tokens: &mut Tokens<'a>, place: &Place<'_>) -> Result<&'a str, CodecError> {
    match next(tokens, place)? {
        Token::Str(name) => Ok(name),
        token => Err(place.error(format!("a key is {} instead of a string", token.kind()))),
    }
}

fn next<'a>(tokens: &mut Tokens<'a>, place: &Place<'_>) -> Result<Token<'a>, CodecError> {
    tokens.next().map_err(|problem| place.error(problem))
}

fn mismatch(token: Token<'_>, kind: &Type, place: &Place<'_>) -> CodecError {
    let expected = match kind {
        Type::Bool => "a boolean",
        Type::Number => "a number",
        Type::String => "a string",
        Type::List(_) => "a list",
        Type::Set(_) => "a set",
        Type::Map(_) => "a map",
        Type::Object(_) => "an object",
        Type::Tuple(_) => "a tuple",
        Type::Dynamic => "a type with a value",
    };
    place.error(format!("{expected} is required, got {}", token.kind()))
}
