//! A value of Terraform's type system, as it crosses the wire.

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

use super::number::Number;

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

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether it, or anything inside it, is unknown.
    pub fn has_unknown(&self) -> bool {
        match self {
            Self::Unknown(_) => true,
            Self::List(items) => items.iter().any(Self::has_unknown),
            Self::Map(items) => items.values().any(Self::has_unknown),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => false,
        }
    }

    /// The attribute or element of that name; null when there is none.
    pub fn get(&self, name: &str) -> &Self {
        match self {
            Self::Map(items) => items.get(name).unwrap_or(&Self::Null),
            _ => &Self::Null,
        }
    }

    /// The text, when it is a known string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number, when it is known, whole and not negative.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Number(number) => number.as_u64(),
            _ => None,
        }
    }

    /// The elements, when it is a known map or object.
    pub fn as_map(&self) -> Option<&BTreeMap<String, Self>> {
        match self {
            Self::Map(items) => Some(items),
            _ => None,
        }
    }

    /// The elements, when it is a known list.
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The same object with one attribute replaced; anything else is returned as it is.
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
        }
    }
}
