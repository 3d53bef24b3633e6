//! Types, and values of a type, out of bytes.

use std::collections::BTreeMap;

use rotation_provider::terraform::value::Refinement;
use rotation_provider::terraform::{Dynamic, Number, Type, Value};

use super::feed::Feed;

/// A type that nests at most `deepest` times.
pub fn any_type(feed: &mut Feed<'_>, deepest: u8) -> Type {
    let choices = if deepest == 0 { 3 } else { 9 };
    let inner = |feed: &mut Feed<'_>| Box::new(any_type(feed, deepest.saturating_sub(1)));
    match feed.below(choices) {
        0 => Type::String,
        1 => Type::Number,
        2 => Type::Bool,
        3 => Type::List(inner(feed)),
        4 => Type::Set(inner(feed)),
        5 => Type::Map(inner(feed)),
        6 => {
            let size = feed.below(5);
            Type::Object((0..size).map(|_| (feed.text(), *inner(feed))).collect())
        }
        7 => {
            let size = feed.below(5);
            Type::Tuple((0..size).map(|_| *inner(feed)).collect())
        }
        _ => Type::Dynamic,
    }
}

/// A value of that type, with nulls and unknowns anywhere, in which dynamic values nest at most `deepest` times. The codecs keep
/// it as it is.
pub fn value_of(feed: &mut Feed<'_>, kind: &Type, deepest: u8) -> Value {
    match feed.below(8) {
        0 => return Value::Null,
        1 => return unknown(feed, kind),
        _ => {}
    }
    match kind {
        Type::Bool => Value::Bool(feed.byte() % 2 == 1),
        Type::Number => number(feed),
        Type::String => Value::string(feed.text()),
        Type::List(item) | Type::Set(item) => {
            Value::List((0..feed.below(6)).map(|_| value_of(feed, item, deepest)).collect())
        }
        Type::Tuple(kinds) => Value::List(kinds.iter().map(|kind| value_of(feed, kind, deepest)).collect()),
        Type::Dynamic => dynamic(feed, deepest),
        Type::Map(item) => Value::Map(
            (0..feed.below(6))
                .map(|_| (feed.text(), value_of(feed, item, deepest)))
                .collect(),
        ),
        Type::Object(attributes) => Value::Map(object(feed, attributes, deepest)),
    }
}

fn dynamic(feed: &mut Feed<'_>, deepest: u8) -> Value {
    let Some(deepest) = deepest.checked_sub(1) else {
        return Value::Null;
    };
    match any_type(feed, 3) {
        Type::Dynamic => Value::Null,
        kind => {
            let value = value_of(feed, &kind, deepest);
            Value::Dynamic(Box::new(Dynamic { kind, value }))
        }
    }
}

fn object(feed: &mut Feed<'_>, attributes: &BTreeMap<String, Type>, deepest: u8) -> BTreeMap<String, Value> {
    attributes
        .iter()
        .map(|(name, kind)| (name.clone(), value_of(feed, kind, deepest)))
        .collect()
}

/// Only strings can promise a prefix, and only a short one is written. What has no type promises nothing.
fn unknown(feed: &mut Feed<'_>, kind: &Type) -> Value {
    let promises = feed.byte();
    Value::Unknown(Refinement {
        not_null: promises % 2 == 1 && *kind != Type::Dynamic,
        prefix: (promises % 3 == 1 && *kind == Type::String).then(|| feed.text()),
    })
}

fn number(feed: &mut Feed<'_>) -> Value {
    let parsed = match feed.below(3) {
        0 => Some(Number::from(feed.number())),
        1 => Some(Number::from(feed.number().cast_signed())),
        _ => Number::parse(&feed.text()),
    };
    parsed.map_or(Value::Null, Value::Number)
}

/// How many values there are, the outermost included.
pub fn count(value: &Value) -> usize {
    1 + match value {
        Value::List(items) => items.iter().map(count).sum(),
        Value::Map(items) => items.values().map(count).sum(),
        Value::Dynamic(dynamic) => count(&dynamic.value),
        _ => 0,
    }
}
