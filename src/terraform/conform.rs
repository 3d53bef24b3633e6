//! Values of dynamic attributes against their declarations.
//!
//! Terraform passes a dynamic attribute on as it was written, so nothing is dropped and nothing converted on the way. Here it gets
//! the declared shape: the language's own conversions apply (`"2"` for `2`, a tuple for a list, an object for a map), what is null is
//! absent, and an unknown key or a wrong type is an error with its whole path. What is wrong counts as unknown from then on, so
//! that it is reported once.
//!
//! Conversions: <https://developer.hashicorp.com/terraform/language/expressions/types#type-conversion>

use std::collections::BTreeMap;

use super::diagnostic::Diagnostics;
use super::number::Number;
use super::path::Path;
use super::schema::{Attribute, AttributeType, Mode, Nesting, Type};
use super::value::Value;
use crate::diagnostics::{self, Argument, Hint};

/// Longest part of a mistaken key that is repeated, in characters.
const SHOWN: usize = 60;

/// Gives `value` the declared shape; reports what does not fit. `siblings` are the other names of the block that holds the attribute,
/// by which a key that was written too deep is recognised.
pub fn conform(
    value: &Value,
    declared: &AttributeType,
    path: &Path,
    siblings: &[&str],
    problems: &mut Diagnostics,
) -> Value {
    shape(value, declared, &Scope::Block(siblings), path, problems)
}

/// What encloses a value.
#[derive(Clone, Copy)]
enum Scope<'a> {
    /// The block, by the names it takes.
    Block(&'a [&'a str]),
    /// An object, its place and what encloses it.
    Object(&'a [Attribute], &'a Path, &'a Self),
}

impl Scope<'_> {
    /// Where a name is an argument, if an enclosing object or the block takes it.
    fn owner_of(&self, name: &str) -> Option<Hint> {
        match self {
            Self::Block(names) => names.contains(&name).then(|| Hint::OfTheBlock(name.to_owned())),
            Self::Object(attributes, path, above) => {
                if attributes.iter().any(|attribute| attribute.name == name) {
                    return Some(Hint::Outside(name.to_owned(), path.to_string()));
                }
                above.owner_of(name)
            }
        }
    }
}

fn shape(
    value: &Value,
    declared: &AttributeType,
    around: &Scope<'_>,
    path: &Path,
    problems: &mut Diagnostics,
) -> Value {
    let value = value.plain();
    match (value, declared) {
        (Value::Null, _) => Value::Null,
        (Value::Unknown(promises), _) => Value::Unknown(promises.clone()),
        (_, AttributeType::Plain(kind)) => plain(value, kind, path, problems),
        (_, AttributeType::Nested(Nesting::Single, attributes)) => object(value, attributes, around, path, problems),
        (Value::Map(items), AttributeType::Nested(Nesting::Map, attributes)) => {
            let present = items.iter().filter(|(_, item)| !item.is_null());
            let items = present.map(|(key, item)| {
                let object = element_object(item, attributes, around, &path.then_key(key), problems);
                (key.clone(), object)
            });
            Value::Map(items.collect())
        }
        (Value::List(items), AttributeType::Nested(Nesting::List, attributes)) => {
            let items = (0..).zip(items);
            let items =
                items.map(|(at, item)| element_object(item, attributes, around, &path.then_index(at), problems));
            Value::List(items.collect())
        }
        (_, AttributeType::Nested(nesting, _)) => {
            let expected = match nesting {
                Nesting::Map => "a map of objects: `{ name = { … } }`",
                _ => "a list of objects",
            };
            mismatch(value, expected, path, problems)
        }
    }
}

fn element_object(
    item: &Value,
    attributes: &[Attribute],
    around: &Scope<'_>,
    path: &Path,
    problems: &mut Diagnostics,
) -> Value {
    match item.plain() {
        Value::Null => Value::Null,
        Value::Unknown(promises) => Value::Unknown(promises.clone()),
        item => object(item, attributes, around, path, problems),
    }
}

fn object(
    value: &Value,
    attributes: &[Attribute],
    around: &Scope<'_>,
    path: &Path,
    problems: &mut Diagnostics,
) -> Value {
    let Value::Map(items) = value else {
        return mismatch(value, "an object: `{ … }`", path, problems);
    };
    let inside = Scope::Object(attributes, path, around);
    let mut known = BTreeMap::new();
    let mut strange = false;
    for (key, item) in items {
        if let Some(attribute) = attributes.iter().find(|attribute| attribute.name == key) {
            let item = shape(item, &attribute.kind, &inside, &path.then_attribute(key), problems);
            if !item.is_null() && !is_unset(&item, attribute) {
                known.insert(key.clone(), item);
            }
        } else {
            // A null is as absent under a wrong name as under a right one, but the wrong name is a mistake all the same.
            unknown_key(key, attributes, around, path, problems);
            strange = true;
        }
    }
    if strange { Value::unknown() } else { Value::Map(known) }
}

/// An optional text that is empty counts as absent, as an unset variable of the environment does.
fn is_unset(item: &Value, attribute: &Attribute) -> bool {
    attribute.mode == Mode::Optional && item.as_str() == Some("")
}

fn plain(value: &Value, kind: &Type, path: &Path, problems: &mut Diagnostics) -> Value {
    match (kind, value) {
        (Type::String, Value::String(_)) | (Type::Number, Value::Number(_)) | (Type::Bool, Value::Bool(_)) => {
            value.clone()
        }
        (Type::String, Value::Number(number)) => Value::string(number.as_str()),
        (Type::String, Value::Bool(value)) => Value::string(value.to_string()),
        (Type::Number, Value::String(text)) => {
            let number = Number::parse(text).map(Value::Number);
            number.unwrap_or_else(|| mismatch(value, "a number", path, problems))
        }
        (Type::Bool, Value::String(text)) => match text.as_str() {
            "true" | "1" => Value::Bool(true),
            "false" | "0" => Value::Bool(false),
            _ => mismatch(value, "true or false", path, problems),
        },
        (Type::List(item) | Type::Set(item), Value::List(items)) => {
            let items = (0..).zip(items);
            let items = items.map(|(at, value)| element(value, item, &path.then_index(at), problems));
            Value::List(items.collect())
        }
        (Type::Map(item), Value::Map(items)) => {
            let items = items
                .iter()
                .map(|(key, value)| (key.clone(), element(value, item, &path.then_key(key), problems)));
            Value::Map(items.collect())
        }
        _ => mismatch(value, &expected(kind), path, problems),
    }
}

fn element(value: &Value, kind: &Type, path: &Path, problems: &mut Diagnostics) -> Value {
    match value.plain() {
        Value::Null => Value::Null,
        Value::Unknown(promises) => Value::Unknown(promises.clone()),
        value => plain(value, kind, path, problems),
    }
}

fn expected(kind: &Type) -> String {
    match kind {
        Type::Bool => "true or false".to_owned(),
        Type::Number => "a number".to_owned(),
        Type::String => "a string".to_owned(),
        Type::List(item) | Type::Set(item) => format!("a list of {}", plural(item)),
        Type::Map(item) => format!("a map of {}", plural(item)),
        _ => "an object".to_owned(),
    }
}

fn plural(kind: &Type) -> &'static str {
    match kind {
        Type::Bool => "booleans",
        Type::Number => "numbers",
        Type::String => "strings",
        _ => "objects",
    }
}

fn mismatch(value: &Value, expected: &str, path: &Path, problems: &mut Diagnostics) -> Value {
    // A text may be a secret in the wrong place: it is never repeated.
    let found = match value {
        Value::Bool(value) => format!("the boolean {value}"),
        Value::Number(number) if number.as_str().len() <= SHOWN => format!("the number {number}"),
        Value::Number(_) => "a number".to_owned(),
        Value::String(_) => "a string".to_owned(),
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "an object".to_owned(),
        Value::Null | Value::Unknown(_) | Value::Dynamic(_) => "something else".to_owned(),
    };
    let mistake = Argument::MustBe {
        argument: path.to_string(),
        expected: expected.to_owned().into(),
        found: Some(found.into()),
    };
    problems.report(path.clone(), mistake);
    Value::unknown()
}

/// Reports a key that is not declared, with the place that takes it or the nearest one that is declared, and all of them.
fn unknown_key(key: &str, attributes: &[Attribute], around: &Scope<'_>, path: &Path, problems: &mut Diagnostics) {
    let shown = shown(key);
    let place = path.then_attribute(&shown);
    let names: Vec<&str> = attributes.iter().map(|attribute| attribute.name).collect();
    let elsewhere = around.owner_of(key).or_else(|| belongs_inside(key, attributes));
    let nearest = || nearest(key, &names).map(|name| Hint::Nearest(name.to_owned().into()));
    let mistake = Argument::UnknownKey {
        argument: place.to_string(),
        hint: elsewhere.or_else(nearest),
        owner: path.to_string(),
        takes: diagnostics::names(attributes.iter().map(|attribute| attribute.name)),
    };
    problems.report(place, mistake);
}

/// Which of the nested objects take a key that was written beside them.
fn belongs_inside(key: &str, attributes: &[Attribute]) -> Option<Hint> {
    let takes = |attribute: &&Attribute| match &attribute.kind {
        AttributeType::Nested(_, inner) => inner.iter().any(|inner| inner.name == key),
        AttributeType::Plain(_) => false,
    };
    let owners = diagnostics::names(attributes.iter().filter(takes).map(|owner| owner.name));
    (!owners.is_empty()).then(|| Hint::Inside(key.to_owned(), owners))
}

/// A key as a message repeats it: without what would break a line, and cut.
fn shown(key: &str) -> String {
    let one_line: String = key
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    match one_line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", one_line.get(..end).unwrap_or_default()),
        None => one_line,
    }
}

/// The name that a mistaken one most likely means.
pub fn nearest<'n>(mistaken: &str, names: &[&'n str]) -> Option<&'n str> {
    if mistaken.len() > SHOWN {
        return None;
    }
    let lower = mistaken.to_lowercase();
    let by_distance = names
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&lower, name), *name))
        .filter(|(distance, name)| *distance <= (name.len().max(lower.len()) / 3).max(1))
        .min();
    let begins = |name: &&&str| lower.len() >= 3 && (name.starts_with(&lower) || lower.starts_with(**name));
    let by_beginning = names.iter().find(begins).copied();
    by_distance.map(|(_, name)| name).or(by_beginning)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared() -> AttributeType {
        let kind = vec![
            Attribute::required("app", Type::String, ""),
            Attribute::optional("stage", Type::Bool, ""),
            Attribute::optional("tags", Type::string_map(), ""),
        ];
        let element = vec![
            Attribute::optional("wave", Type::Number, ""),
            Attribute::optional("part", Type::String, ""),
            Attribute::nested("fly_secret", Nesting::Single, Mode::Optional, kind, ""),
        ];
        AttributeType::Nested(Nesting::Map, element)
    }

    fn conformed(value: &Value) -> (Value, Vec<String>) {
        let mut problems = Diagnostics::new();
        let conformed = conform(
            value,
            &declared(),
            &Path::attribute("targets"),
            &["value_wo"],
            &mut problems,
        );
        let told = problems
            .iter()
            .map(|problem| format!("{}: {}", problem.summary, problem.detail));
        (conformed, told.collect())
    }

    fn one(element: Value) -> Value {
        Value::object([("web", element)])
    }

    #[test]
    fn the_languages_conversions_hold_and_null_is_absent() {
        let fly = Value::object([
            ("app", Value::number(7)),
            ("stage", Value::string("true")),
            ("tags", Value::object([("a", Value::Bool(true))])),
        ]);
        let written = Value::object([("wave", Value::string("2")), ("part", Value::Null), ("fly_secret", fly)]);
        let expected = Value::object([
            ("wave", Value::number(2)),
            (
                "fly_secret",
                Value::object([
                    ("app", Value::string("7")),
                    ("stage", Value::Bool(true)),
                    ("tags", Value::object([("a", Value::string("true"))])),
                ]),
            ),
        ]);
        assert_eq!(conformed(&one(written)), (one(expected), Vec::new()));
    }

    #[test]
    fn an_unknown_key_is_told_with_its_path_its_neighbour_and_the_list() {
        let (value, told) = conformed(&one(Value::object([("parts", Value::string("uri"))])));
        assert_eq!(value, one(Value::unknown()));
        let expected = "targets[\"web\"].parts is not an argument: Did you mean `part`? targets[\"web\"] takes: wave, part, fly_secret.";
        assert_eq!(told, [expected]);
        let fly = Value::object([("appp", Value::string("x")), ("stag", Value::Null)]);
        let (_, told) = conformed(&one(Value::object([("fly_secret", fly)])));
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("targets[\"web\"].fly_secret.appp is not an argument: Did you mean `app`?"));
    }

    #[test]
    fn a_key_at_the_wrong_depth_is_told_where_it_belongs() {
        let fly = |key: &str| Value::object([("fly_secret", Value::object([(key, Value::string("x"))]))]);
        for (element, place) in [
            (fly("wave"), "`wave` is an argument of targets[\"web\"]: set it there."),
            (
                fly("value_wo"),
                "`value_wo` is an argument of the block itself: set it there.",
            ),
            (
                Value::object([("app", Value::string("x"))]),
                "`app` is an argument of `fly_secret`: set it inside.",
            ),
        ] {
            let (_, told) = conformed(&one(element));
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(told[0].contains(place), "{told:?}");
        }
    }

    #[test]
    fn a_wrong_type_is_told_once_and_never_repeated() {
        for (value, problem) in [
            (
                Value::List(Vec::new()),
                "targets must be a map of objects: `{ name = { … } }`: It is a list.",
            ),
            (
                one(Value::string("hunter2")),
                "targets[\"web\"] must be an object: `{ … }`: It is a string.",
            ),
            (
                one(Value::object([("wave", Value::string("two"))])),
                "targets[\"web\"].wave must be a number: It is a string.",
            ),
        ] {
            assert_eq!(conformed(&value).1, [problem]);
        }
    }
}
