//! Random types with random values of them, for the tests of the codecs.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::number::Number;
use super::schema::Type;
use super::value::{Dynamic, Refinement, Value};

/// A type, and a value of it that may hold nulls and unknowns anywhere.
pub(super) fn typed_value() -> impl Strategy<Value = (Type, Value)> {
    any_type().prop_flat_map(|kind| {
        let value = value_of(&kind, 2);
        (Just(kind), value)
    })
}

fn any_type() -> impl Strategy<Value = Type> + Clone {
    let leaf = prop_oneof![
        Just(Type::Bool),
        Just(Type::Number),
        Just(Type::String),
        Just(Type::Dynamic)
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|item| Type::List(Box::new(item))),
            inner.clone().prop_map(|item| Type::Set(Box::new(item))),
            inner.clone().prop_map(|item| Type::Map(Box::new(item))),
            vec(inner.clone(), 0..4).prop_map(Type::Tuple),
            btree_map("[a-z_]{1,8}", inner, 0..4).prop_map(Type::Object),
        ]
    })
}

/// A value in which dynamic values nest so many times at most.
fn value_of(kind: &Type, dynamics: usize) -> BoxedStrategy<Value> {
    let most = if dynamics == 2 { 20 } else { 4 };
    let known = match kind {
        Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Type::Number => number().prop_map(Value::Number).boxed(),
        Type::String => ".{0,40}".prop_map(Value::string).boxed(),
        Type::List(item) | Type::Set(item) => vec(value_of(item, dynamics), 0..most).prop_map(Value::List).boxed(),
        Type::Map(item) => btree_map(".{0,10}", value_of(item, dynamics), 0..most)
            .prop_map(Value::Map)
            .boxed(),
        Type::Tuple(kinds) => kinds
            .iter()
            .map(|kind| value_of(kind, dynamics))
            .collect::<Vec<_>>()
            .prop_map(Value::List)
            .boxed(),
        Type::Dynamic if dynamics == 0 => Just(Value::Null).boxed(),
        Type::Dynamic => dynamic(dynamics - 1).boxed(),
        Type::Object(attributes) => attributes
            .iter()
            .map(|(name, kind)| (Just(name.clone()), value_of(kind, dynamics)))
            .collect::<Vec<_>>()
            .prop_map(|items| Value::Map(items.into_iter().collect::<BTreeMap<_, _>>()))
            .boxed(),
    };
    let unknown = unknown(kind);
    prop_oneof![6 => known, 1 => Just(Value::Null), 1 => unknown].boxed()
}

fn dynamic(dynamics: usize) -> impl Strategy<Value = Value> {
    let own_type = any_type().prop_filter("a type of its own", |kind| *kind != Type::Dynamic);
    own_type.prop_flat_map(move |kind| {
        value_of(&kind, dynamics).prop_map(move |value| {
            let kind = kind.clone();
            Value::Dynamic(Box::new(Dynamic { kind, value }))
        })
    })
}

fn unknown(kind: &Type) -> impl Strategy<Value = Value> + use<> {
    let (of_string, typed) = (*kind == Type::String, *kind != Type::Dynamic);
    let prefix = proptest::option::of("[a-z-]{1,20}");
    (any::<bool>(), prefix).prop_map(move |(not_null, prefix)| {
        Value::Unknown(Refinement {
            not_null: not_null && typed,
            prefix: prefix.filter(|_| of_string),
        })
    })
}

fn number() -> impl Strategy<Value = Number> {
    let text = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u64>().prop_map(|number| number.to_string()),
        "-?[0-9]{1,40}(\\.[0-9]{1,40})?",
        "[1-9]e-?[0-9]{1,2}",
    ];
    text.prop_filter_map("a number", |text| Number::parse(&text))
}
