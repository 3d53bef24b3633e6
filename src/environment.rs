//! The only reader of environment variables.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

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

    /// The variable's value; an empty one counts as unset, as it does for the vendors' own tools.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
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
