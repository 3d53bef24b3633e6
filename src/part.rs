//! The names of a credential's parts, and what a written name means.

use std::borrow::Borrow;
use std::fmt;

/// What a user may write for the part of a credential that has only one, whatever that is called.
pub const VALUE: &str = "value";

/// What a template calls the value of the generation that lives beside the one that is delivered.
pub const PREVIOUS: &str = "previous";

/// The name of a part, as the source declares it: `username`. Never the alias [`VALUE`], unless the part is called so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartName(Box<str>);

impl PartName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for PartName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl Borrow<str> for PartName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PartName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The parts of a source's credentials, in the order of their declaration; prints itself as a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartNames(Vec<PartName>);

impl PartNames {
    /// The part that is meant by what a user wrote; `None` when there is none of that name.
    pub fn resolve(&self, written: &str) -> Option<&PartName> {
        let named = self.0.iter().find(|part| part.as_str() == written);
        named.or_else(|| self.sole().filter(|_| written == VALUE))
    }

    /// The part that an entry holds which names none: the only one. Of several, none is the default.
    pub fn sole(&self) -> Option<&PartName> {
        match self.0.as_slice() {
            [sole] => Some(sole),
            _ => None,
        }
    }

    /// The part that a mark leaves unsaid: the first.
    pub fn primary(&self) -> Option<&PartName> {
        self.0.first()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &PartName> {
        self.0.iter()
    }
}

impl<'n> FromIterator<&'n str> for PartNames {
    fn from_iter<I: IntoIterator<Item = &'n str>>(names: I) -> Self {
        Self(names.into_iter().map(PartName::from).collect())
    }
}

impl fmt::Display for PartNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(PartName::as_str).collect();
        f.write_str(&names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_means_the_only_part_or_one_of_that_name() {
        let parts = |names: &[&str]| names.iter().copied().collect::<PartNames>();
        let resolved = |names: &[&str], written: &str| parts(names).resolve(written).map(ToString::to_string);
        assert_eq!(resolved(&["token"], "value").as_deref(), Some("token"));
        assert_eq!(resolved(&["token"], "token").as_deref(), Some("token"));
        assert_eq!(resolved(&["token"], "password"), None);
        assert_eq!(resolved(&["username", "password"], "value"), None);
        assert_eq!(resolved(&["username", "value"], "value").as_deref(), Some("value"));
        assert_eq!(resolved(&[], "value"), None);
        assert_eq!(parts(&["username", "password"]).sole(), None);
        assert_eq!(parts(&["username", "password"]).to_string(), "username, password");
    }
}
