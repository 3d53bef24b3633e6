//! A cursor over a configuration: a value together with its path, read once into typed structs.
//!
//! Every mistake is reported at its path. An unknown value is not a mistake: it makes the struct
//! unavailable (`None`) and nothing else.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::diagnostic::Diagnostics;
use super::path::Path;
use super::value::{Refinement, Value};
use crate::diagnostics::{Argument, Message, Words};
use crate::secret::Secret;

/// Where the value was taken from. State and plan never hold write-only values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The user's configuration.
    Configuration,
    /// Stored state or a planned state.
    State,
}

/// What stands at a place: nothing, something known after apply (or wrong, and reported), or a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field<T> {
    /// Null.
    Absent,
    /// Known after apply, or reported as wrong.
    Unknown,
    /// The value.
    Known(T),
}

impl<T> Field<T> {
    /// The value; `None` when it is absent or unknown.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::Unknown => None,
        }
    }

    /// The value or its absence; `None` when it is unknown.
    pub fn optional(self) -> Option<Option<T>> {
        match self {
            Self::Known(value) => Some(Some(value)),
            Self::Absent => Some(None),
            Self::Unknown => None,
        }
    }

    /// The value, or `default` when absent; `None` when it is unknown.
    pub fn or(self, default: T) -> Option<T> {
        self.optional().map(|value| value.unwrap_or(default))
    }

    /// Converts a known value.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Field<U> {
        match self {
            Self::Known(value) => Field::Known(convert(value)),
            Self::Absent => Field::Absent,
            Self::Unknown => Field::Unknown,
        }
    }
}

/// Longest text that counts as a word, in bytes.
const LONGEST_WORD: usize = 24;

/// Whether a mistaken text looks like a word that somebody meant, so that an error may repeat it. Any other may be a secret in the
/// wrong place.
pub fn is_word(text: &str) -> bool {
    let in_a_word = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '-' | ' ');
    text.len() <= LONGEST_WORD && text.chars().all(in_a_word)
}

/// A value and its place.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    value: &'a Value,
    path: Path,
    origin: Origin,
}

impl<'a> Node<'a> {
    /// The root of a block.
    pub fn root(value: &'a Value, origin: Origin) -> Self {
        Self::at(value, Path::root(), origin)
    }

    /// A dynamic value is read by what it holds, whatever its type.
    fn at(value: &'a Value, path: Path, origin: Origin) -> Self {
        Self {
            value: value.plain(),
            path,
            origin,
        }
    }

    /// The value here; never a dynamic one, but what it holds.
    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// The place.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the whole value was taken from.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Adds what `message` says of this place, whose name it gets.
    pub fn report<M: Into<Message>>(&self, problems: &mut Diagnostics, message: impl FnOnce(String) -> M) {
        problems.report(self.path.clone(), message(self.path.to_string()));
    }

    /// Reports that what is here is not `what`, such as `a token`.
    pub fn report_not(&self, problems: &mut Diagnostics, what: impl Into<Words>, why: impl Into<Words>) {
        let (what, why) = (what.into(), why.into());
        self.report(problems, |argument| Argument::IsNot { argument, what, why });
    }

    /// Reports that what is here means nothing without `other`.
    pub fn report_needs(&self, problems: &mut Diagnostics, other: impl Into<Words>, why: impl Into<Words>) {
        let (other, why) = (other.into(), why.into());
        self.report(problems, |argument| Argument::Needs { argument, other, why });
    }

    /// Whether nothing is set here.
    pub fn is_null(&self) -> bool {
        self.value.is_null()
    }

    /// Whether it is unknown as a whole.
    pub fn is_unknown(&self) -> bool {
        matches!(self.value, Value::Unknown(_))
    }

    /// Whether something is certainly set here. What is known only after apply may turn out null, unless Terraform promises that
    /// it does not: what excludes another argument is asked for by this.
    pub fn is_set(&self) -> bool {
        match self.value {
            Value::Null => false,
            Value::Unknown(promised) => promised.not_null,
            _ => true,
        }
    }

    /// The attribute of that name. Below an unknown object everything is unknown, below null everything is null.
    pub fn attr(&self, name: &str) -> Self {
        // What is promised of the object is not promised of what lies in it.
        static UNKNOWN: Value = Value::Unknown(Refinement {
            not_null: false,
            prefix: None,
        });
        let value = if self.is_unknown() {
            &UNKNOWN
        } else {
            self.value.get(name)
        };
        Node::at(value, self.path.then_attribute(name), self.origin)
    }

    /// The element of a list at that place; null where there is none.
    pub fn index(&self, at: i64) -> Self {
        static NULL: Value = Value::Null;
        let element = match self.value {
            Value::List(items) => usize::try_from(at).ok().and_then(|at| items.get(at)),
            _ => None,
        };
        Node::at(element.unwrap_or(&NULL), self.path.then_index(at), self.origin)
    }

    /// The elements of a map with their keys; none when it is null or unknown.
    pub fn elements(&self) -> Vec<(&'a str, Self)> {
        let Some(items) = self.value.as_map() else {
            return Vec::new();
        };
        let node = |key: &str, value| Node::at(value, self.path.then_key(key), self.origin);
        items
            .iter()
            .map(|(key, value)| (key.as_str(), node(key, value)))
            .collect()
    }

    /// The names of an object's attributes that are set (unknown ones included).
    pub fn set_attributes(&self) -> Vec<&'a str> {
        let Some(items) = self.value.as_map() else {
            return Vec::new();
        };
        items
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// The string here. An empty one counts as absent, as an unset variable of the environment does.
    pub fn string(&self, problems: &mut Diagnostics) -> Field<String> {
        match self.text(problems) {
            Field::Known(text) if text.is_empty() => Field::Absent,
            field => field,
        }
    }

    /// The string here, which may be empty.
    pub fn text(&self, problems: &mut Diagnostics) -> Field<String> {
        self.read("a string", problems, |value| value.as_str().map(str::to_owned))
    }

    /// The string here; its absence is a mistake.
    pub fn required_string(&self, problems: &mut Diagnostics) -> Field<String> {
        self.required(self.string(problems), problems)
    }

    /// The string here, or `default`; without either it is unknown, as a default that depends on other resources is.
    pub fn string_or(&self, default: Option<&str>, problems: &mut Diagnostics) -> Field<String> {
        match self.string(problems) {
            Field::Absent => default.map_or(Field::Unknown, |text| Field::Known(text.to_owned())),
            field => field,
        }
    }

    /// The secret here.
    pub fn secret(&self, problems: &mut Diagnostics) -> Field<Secret> {
        self.string(problems).map(Secret::new)
    }

    /// The boolean here.
    pub fn bool(&self, problems: &mut Diagnostics) -> Field<bool> {
        self.read("true or false", problems, |value| match value {
            Value::Bool(value) => Some(*value),
            _ => None,
        })
    }

    /// The whole number here, between `least` and `most`.
    pub fn integer(&self, least: u64, most: u64, problems: &mut Diagnostics) -> Field<u64> {
        let expected = format!("a whole number from {least} to {most}");
        self.read(&expected, problems, |value| {
            value.as_u64().filter(|n| (least..=most).contains(n))
        })
    }

    /// The duration here.
    pub fn duration(&self, problems: &mut Diagnostics) -> Field<SignedDuration> {
        self.string(problems)
            .and_then_checked(|text| match crate::duration::parse(&text) {
                Ok(duration) => Some(duration),
                Err(error) => {
                    self.report(problems, |argument| Argument::IsNot {
                        argument,
                        what: "a duration".into(),
                        why: format!("{error}.").into(),
                    });
                    None
                }
            })
    }

    /// One of a fixed set of words.
    pub fn one_of(&self, choices: &[&'static str], problems: &mut Diagnostics) -> Field<&'static str> {
        self.string(problems).and_then_checked(|text| {
            let found = choices.iter().find(|choice| **choice == text).copied();
            if found.is_none() {
                let list = choices
                    .iter()
                    .map(|choice| format!("{choice:?}"))
                    .collect::<Vec<_>>()
                    .join(", ");
                let among = if choices.len() == 1 { "" } else { "one of " };
                self.report(problems, |argument| Argument::MustBe {
                    argument,
                    expected: format!("{among}{list}").into(),
                    found: is_word(&text).then(|| format!("{text:?}").into()),
                });
            }
            found
        })
    }

    /// A map of strings; null elements are left out.
    pub fn string_map(&self, problems: &mut Diagnostics) -> Field<BTreeMap<String, String>> {
        match self.value {
            Value::Null => Field::Absent,
            Value::Map(_) => {
                let mut known = BTreeMap::new();
                let mut complete = true;
                for (key, node) in self.elements() {
                    match node.text(problems) {
                        Field::Known(value) => drop(known.insert(key.to_owned(), value)),
                        Field::Absent => {}
                        Field::Unknown => complete = false,
                    }
                }
                if complete { Field::Known(known) } else { Field::Unknown }
            }
            Value::Unknown(_) => Field::Unknown,
            _ => self.mismatch("a map", problems),
        }
    }

    /// A list of whole numbers between `least` and `most`.
    pub fn integers(&self, least: u64, most: u64, problems: &mut Diagnostics) -> Field<Vec<u64>> {
        self.items(problems, |node, problems| node.integer(least, most, problems))
    }

    /// A list of strings.
    pub fn strings(&self, problems: &mut Diagnostics) -> Field<Vec<String>> {
        self.items(problems, |node, problems| node.string(problems))
    }

    /// Reports the absence of `field`.
    pub fn required<T>(&self, field: Field<T>, problems: &mut Diagnostics) -> Field<T> {
        if matches!(field, Field::Absent) {
            self.report(problems, |argument| Argument::Required { argument });
            return Field::Unknown;
        }
        field
    }

    fn items<T>(
        &self,
        problems: &mut Diagnostics,
        read: impl Fn(&Self, &mut Diagnostics) -> Field<T>,
    ) -> Field<Vec<T>> {
        match self.value {
            Value::Null => Field::Absent,
            Value::List(items) => {
                let nodes = (0..)
                    .zip(items)
                    .map(|(at, value)| Node::at(value, self.path.then_index(at), self.origin));
                let fields: Vec<Field<T>> = nodes
                    .map(|node| node.required(read(&node, problems), problems))
                    .collect();
                fields
                    .into_iter()
                    .map(Field::known)
                    .collect::<Option<Vec<T>>>()
                    .map_or(Field::Unknown, Field::Known)
            }
            Value::Unknown(_) => Field::Unknown,
            _ => self.mismatch("a list", problems),
        }
    }

    fn read<T>(&self, expected: &str, problems: &mut Diagnostics, read: impl Fn(&Value) -> Option<T>) -> Field<T> {
        match self.value {
            Value::Null => Field::Absent,
            Value::Unknown(_) => Field::Unknown,
            value => read(value).map_or_else(|| self.mismatch(expected, problems), Field::Known),
        }
    }

    fn mismatch<T>(&self, expected: &str, problems: &mut Diagnostics) -> Field<T> {
        let found = match self.value {
            Value::Number(number) => Some(number.to_string().into()),
            Value::Bool(value) => Some(value.to_string().into()),
            // A text may be a secret in the wrong place.
            _ => None,
        };
        self.report(problems, |argument| Argument::MustBe {
            argument,
            expected: expected.to_owned().into(),
            found,
        });
        Field::Unknown
    }
}

impl<T> Field<T> {
    /// Converts a known value where that is possible; a failed conversion has been reported.
    pub fn and_then_checked<U>(self, convert: impl FnOnce(T) -> Option<U>) -> Field<U> {
        match self {
            Self::Known(value) => convert(value).map_or(Field::Unknown, Field::Known),
            Self::Absent => Field::Absent,
            Self::Unknown => Field::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::Type;

    fn config() -> Value {
        Value::object([
            ("app", Value::string("molecule-cp")),
            ("wave", Value::Number(crate::terraform::Number::parse("1.5").unwrap())),
            ("later", Value::unknown()),
            ("every", Value::string("soon")),
            ("status", Value::List(vec![Value::number(200), Value::number(99)])),
        ])
    }

    #[test]
    fn a_mistake_names_its_path_and_what_is_allowed() {
        let value = config();
        let node = Node::root(&value, Origin::Configuration);
        let mut problems = Diagnostics::new();
        assert_eq!(node.attr("wave").integer(1, 100, &mut problems), Field::Unknown);
        assert_eq!(node.attr("every").duration(&mut problems), Field::Unknown);
        assert_eq!(node.attr("status").integers(100, 599, &mut problems), Field::Unknown);
        assert_eq!(node.attr("missing").required_string(&mut problems), Field::Unknown);
        let summaries: Vec<&str> = problems.iter().map(|d| d.summary.as_str()).collect();
        assert_eq!(
            summaries,
            [
                "wave must be a whole number from 1 to 100",
                "every is not a duration",
                "status[1] must be a whole number from 100 to 599",
                "missing is required"
            ]
        );
    }

    #[test]
    fn what_may_turn_out_null_is_not_set() {
        let promised = Value::Unknown(Refinement {
            not_null: true,
            prefix: None,
        });
        let value = Value::object([
            ("later", Value::unknown()),
            ("surely", promised),
            ("now", Value::Bool(false)),
        ]);
        let node = Node::root(&value, Origin::Configuration);
        let set = ["later", "surely", "now", "missing"].map(|name| node.attr(name).is_set());
        assert_eq!(set, [false, true, true, false]);
        assert!(!node.attr("surely").attr("deeper").is_set());
    }

    #[test]
    fn unknown_is_no_mistake_and_spreads_downwards() {
        let value = config();
        let node = Node::root(&value, Origin::Configuration);
        let mut problems = Diagnostics::new();
        assert_eq!(
            node.attr("later").attr("deeper").required_string(&mut problems),
            Field::Unknown
        );
        assert_eq!(
            node.attr("app").string(&mut problems),
            Field::Known("molecule-cp".to_owned())
        );
        assert!(problems.is_empty());
    }

    #[test]
    fn what_is_dynamic_is_read_by_its_value() {
        let dynamic = |kind, value| Value::Dynamic(Box::new(crate::terraform::Dynamic { kind, value }));
        let value = Value::object([
            ("source", dynamic(Type::Dynamic, config())),
            ("later", dynamic(Type::String, Value::unknown())),
            ("nothing", dynamic(Type::String, Value::Null)),
        ]);
        let node = Node::root(&value, Origin::Configuration);
        let mut problems = Diagnostics::new();
        let source = node.attr("source");
        assert_eq!(source.elements().len(), 5);
        assert_eq!(
            source.attr("app").string(&mut problems),
            Field::Known("molecule-cp".to_owned())
        );
        assert!(node.attr("later").is_unknown() && node.attr("later").attr("deeper").is_unknown());
        assert!(node.attr("nothing").is_null() && !node.attr("nothing").is_set());
        assert_eq!(node.attr("nothing").string_map(&mut problems), Field::Absent);
        assert!(problems.is_empty());
    }
}
