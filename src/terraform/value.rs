//! A value of Terraform's type system, as it crosses the wire.

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

use super::number::Number;
use super::schema::Type;

/// What is promised of a value that is not known yet.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Refinement {
    /// It will not be null.
    pub not_null: bool,
    /// It is a string that begins with this.
    pub prefix: Option<String>,
}

/// A Terraform value. Objects, blocks and maps are all [`Value::Map`]; the schema tells them apart. Sets are lists.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Absent.
    Null,
    /// Known after apply.
    Unknown(Refinement),
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string; wiped when dropped, since it may be a write-only value.
    String(Zeroizing<String>),
    /// A list, set or tuple.
    List(Vec<Self>),
    /// A map, object or block.
    Map(BTreeMap<String, Self>),
    /// A value of a dynamic attribute. One that is null or unknown, and has no type yet, is [`Value::Null`] or [`Value::Unknown`].
    Dynamic(Box<Dynamic>),
}

/// The value of a dynamic attribute, with the type that its author gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dynamic {
    /// Its type; never [`Type::Dynamic`] itself.
    pub kind: Type,
    /// The value.
    pub value: Value,
}

impl Value {
    /// Known after apply, nothing promised.
    pub fn unknown() -> Self {
        Self::Unknown(Refinement::default())
    }

    /// A string.
    pub fn string(text: impl Into<String>) -> Self {
        Self::String(Zeroizing::new(text.into()))
    }

    /// A string, or null.
    pub fn optional(text: Option<impl Into<String>>) -> Self {
        text.map_or(Self::Null, Self::string)
    }

    /// A whole number.
    pub fn number(number: u64) -> Self {
        Self::Number(Number::from(number))
    }

    /// An object of these attributes.
    pub fn object<const N: usize>(attributes: [(&str, Self); N]) -> Self {
        Self::Map(
            attributes
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    }

    /// The value itself, without the type that a dynamic one brings along.
    pub fn plain(&self) -> &Self {
        match self {
            Self::Dynamic(dynamic) => dynamic.value.plain(),
            value => value,
        }
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self.plain(), Self::Null)
    }

    /// Whether it, or anything inside it, is unknown.
    pub fn has_unknown(&self) -> bool {
        match self.plain() {
            Self::Unknown(_) => true,
            Self::List(items) => items.iter().any(Self::has_unknown),
            Self::Map(items) => items.values().any(Self::has_unknown),
            _ => false,
        }
    }

    /// The attribute or element of that name; null when there is none.
    pub fn get(&self, name: &str) -> &Self {
        match self.plain() {
            Self::Map(items) => items.get(name).unwrap_or(&Self::Null),
            _ => &Self::Null,
        }
    }

    /// The text, when it is a known string.
    pub fn as_str(&self) -> Option<&str> {
        match self.plain() {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number, when it is known, whole and not negative.
    pub fn as_u64(&self) -> Option<u64> {
        match self.plain() {
            Self::Number(number) => number.as_u64(),
            _ => None,
        }
    }

    /// The elements, when it is a known map or object.
    pub fn as_map(&self) -> Option<&BTreeMap<String, Self>> {
        match self.plain() {
            Self::Map(items) => Some(items),
            _ => None,
        }
    }

    /// The elements, when it is a known list.
    pub fn as_list(&self) -> Option<&[Self]> {
        match self.plain() {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The same object with one attribute replaced; anything else, a dynamic object with its own type too, is returned as it is.
    #[must_use]
    pub fn with(mut self, name: &str, value: Self) -> Self {
        if let Self::Map(items) = &mut self {
            items.insert(name.to_owned(), value);
        }
        self
    }
}

/// Shows the shape and never a string: configurations carry write-only values.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Unknown(_) => f.write_str("(known after apply)"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::String(_) => f.write_str("(string)"),
            Self::List(items) => f.debug_list().entries(items).finish(),
            Self::Map(items) => f.debug_map().entries(items).finish(),
            Self::Dynamic(dynamic) => dynamic.value.fmt(f),
        }
    }
}
