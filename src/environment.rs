//! The only reader of environment variables.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

/// Why the text of a variable cannot be used. Never holds the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Nothing is left without the blanks around it.
    #[error("is blank")]
    Blank,
    /// A word has a blank or a line break in it.
    #[error("contains a space or a line break")]
    SeveralWords,
    /// A character that no credential, name or URL has.
    #[error("contains a character that is not printable ASCII")]
    NotPrintable,
    /// A line has a line break or another control character in it.
    #[error("contains a line break or another control character")]
    SeveralLines,
    /// The bytes are no text.
    #[error("is not UTF-8 text")]
    NotText,
}

/// How much a variable may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A credential, a name or a URL: printable ASCII without blanks.
    Word,
    /// One line, such as the name of a profile.
    Line,
    /// Any text, such as a key in PEM form.
    Text,
}

impl Form {
    /// The text without the blanks and line breaks around it, which come along when it is copied or echoed.
    ///
    /// # Errors
    /// [`Unusable`] when nothing is left, or what is left does not have this form.
    pub fn read(self, text: &str) -> Result<&str, Unusable> {
        let text = text.trim();
        let has = |test: fn(char) -> bool| text.chars().any(test);
        let mistake = match self {
            _ if text.is_empty() => Some(Unusable::Blank),
            Self::Word if has(char::is_whitespace) => Some(Unusable::SeveralWords),
            Self::Word if has(|c| !c.is_ascii_graphic()) => Some(Unusable::NotPrintable),
            Self::Line if has(char::is_control) => Some(Unusable::SeveralLines),
            _ => None,
        };
        mistake.map_or(Ok(text), Err)
    }
}

/// The environment that this process was started in, or one made up by a test.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    /// Names of those whose values are not UTF-8.
    unreadable: BTreeSet<String>,
}

impl Environment {
    /// A copy of the process environment; variables that are not UTF-8 count as unset.
    pub fn of_process() -> Self {
        Self::of_pairs(std::env::vars_os())
    }

    fn of_pairs(pairs: impl Iterator<Item = (OsString, OsString)>) -> Self {
        let mut all = Self::default();
        for (name, value) in pairs {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => drop(all.variables.insert(name, value)),
                Err(_) => drop(all.unreadable.insert(name)),
            }
        }
        all
    }

    /// An environment of just these variables.
    pub fn of(pairs: &[(&str, &str)]) -> Self {
        Self::of_pairs(pairs.iter().map(|(name, value)| (name.into(), value.into())))
    }

    /// Whether the variable is set to something that is not UTF-8, for those that must not pass for unset.
    pub fn is_unreadable(&self, name: &str) -> bool {
        self.unreadable.contains(name)
    }

    /// Whether the variable is set to nothing, for those that other readers of the environment must not take for set.
    pub fn is_empty(&self, name: &str) -> bool {
        self.variables.get(name).is_some_and(String::is_empty)
    }

    /// The variable's value; an empty one counts as unset, as it does for the vendors' own tools.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// The variable's value in this form; `None` when it is unset or empty. How every credential and name of a vendor is read.
    ///
    /// # Errors
    /// Those of [`Form::read`], and [`Unusable::NotText`].
    pub fn read(&self, name: &str, form: Form) -> Result<Option<&str>, Unusable> {
        if self.is_unreadable(name) {
            return Err(Unusable::NotText);
        }
        self.get(name).map(|text| form.read(text)).transpose()
    }

    /// The first of `names` that is set.
    pub fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.get(name))
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Environment({} variables)", self.variables.len())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    #[test]
    fn what_surrounds_a_value_is_dropped_and_what_is_in_it_must_fit() {
        for (text, form, expected) in [
            ("abc\n", Form::Word, Ok(Some("abc"))),
            (" abc", Form::Word, Ok(Some("abc"))),
            ("\tabc\r\n", Form::Word, Ok(Some("abc"))),
            ("", Form::Word, Ok(None)),
            (" \r\n", Form::Word, Err(Unusable::Blank)),
            ("\n", Form::Text, Err(Unusable::Blank)),
            ("a b", Form::Word, Err(Unusable::SeveralWords)),
            ("a\nb", Form::Word, Err(Unusable::SeveralWords)),
            ("a\u{7f}b", Form::Word, Err(Unusable::NotPrintable)),
            ("a\u{200b}", Form::Word, Err(Unusable::NotPrintable)),
            ("my profile\n", Form::Line, Ok(Some("my profile"))),
            ("a\nb", Form::Line, Err(Unusable::SeveralLines)),
            ("-----BEGIN\nx\n", Form::Text, Ok(Some("-----BEGIN\nx"))),
        ] {
            assert_eq!(Environment::of(&[("X", text)]).read("X", form), expected, "{text:?}");
        }
        let bytes = [("X".into(), OsString::from_vec(vec![0xff]))];
        let environment = Environment::of_pairs(bytes.into_iter());
        assert_eq!(environment.read("X", Form::Text), Err(Unusable::NotText));
        assert_eq!(environment.read("Y", Form::Word), Ok(None));
    }
}
