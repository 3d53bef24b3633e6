//! What a control call may say: a typo must not pass for a fault, a setting or a seed.

use serde_json::{Map, Value};

/// A JSON object whose keys are all known; what it holds is asked for by type.
pub(crate) struct Fields<'a> {
    /// Where it stands, such as `fly.apps.web`; empty for the whole body.
    path: String,
    map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// # Errors
    /// When it is no object, or has a key that is not among `known`.
    pub(crate) fn of(value: &'a Value, path: &str, known: &[&str]) -> Result<Self, String> {
        let fields = Self::any(value, path)?;
        match fields.map.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(fields),
            Some(key) => Err(format!(
                "{} is not known here: there are {}",
                fields.path_of(key),
                known.join(", ")
            )),
        }
    }

    /// An object whose keys are names of the caller's choice.
    ///
    /// # Errors
    /// When it is no object.
    pub(crate) fn any(value: &'a Value, path: &str) -> Result<Self, String> {
        let map = value.as_object().ok_or_else(|| match path {
            "" => "a JSON object is needed".to_owned(),
            _ => must_be(path, "an object", value),
        })?;
        let path = path.to_owned();
        Ok(Self { path, map })
    }

    pub(crate) fn path_of(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }

    fn get<T>(
        &self,
        key: &str,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, String> {
        let Some(value) = self.map.get(key) else {
            return Ok(None);
        };
        match read(value) {
            None => Err(must_be(&self.path_of(key), expected, value)),
            known => Ok(known),
        }
    }

    /// Every key with its path and its value.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'a str, String, &'a Value)> {
        self.map
            .iter()
            .map(|(key, value)| (key.as_str(), self.path_of(key), value))
    }

    pub(crate) fn flag(&self, key: &str) -> Result<Option<bool>, String> {
        self.get(key, "true or false", Value::as_bool)
    }

    pub(crate) fn text(&self, key: &str) -> Result<Option<&'a str>, String> {
        self.get(key, "a string", Value::as_str)
    }

    /// One of these words.
    pub(crate) fn word(&self, key: &str, words: &[&str]) -> Result<Option<&'a str>, String> {
        let known = |value: &'a Value| value.as_str().filter(|text| words.contains(text));
        self.get(key, &format!("one of {}", words.join(", ")), known)
    }

    /// A whole number that is not below `least`.
    pub(crate) fn number(&self, key: &str, least: u64) -> Result<Option<u64>, String> {
        let known = |value: &Value| value.as_u64().filter(|number| *number >= least);
        self.get(key, &format!("a whole number from {least}"), known)
    }

    /// A whole number that is not negative, for arithmetic with instants.
    pub(crate) fn span(&self, key: &str) -> Result<Option<i64>, String> {
        // Less than a hundred years of milliseconds, so that no sum overflows.
        let known = |value: &Value| value.as_i64().filter(|span| (0..=3_000_000_000_000).contains(span));
        self.get(key, "a whole number from 0", known)
    }

    pub(crate) fn texts(&self, key: &str) -> Result<Option<Vec<&'a str>>, String> {
        let known = |value: &'a Value| value.as_array()?.iter().map(Value::as_str).collect();
        self.get(key, "a list of strings", known)
    }

    /// The elements of a list, each with its path; none when there is no list.
    pub(crate) fn list(&self, key: &str) -> Result<Vec<(String, &'a Value)>, String> {
        let list = self.get(key, "a list", Value::as_array)?;
        let path = self.path_of(key);
        let items = list.into_iter().flatten().enumerate();
        Ok(items.map(|(at, item)| (format!("{path}[{at}]"), item)).collect())
    }

    /// The fields of an object whose keys are names, each with its path; none when there is no such object.
    pub(crate) fn names(&self, key: &str) -> Result<Vec<(&'a str, String, &'a Value)>, String> {
        match self.map.get(key) {
            None => Ok(Vec::new()),
            Some(value) => Ok(Self::any(value, &self.path_of(key))?.all().collect()),
        }
    }
}

/// The text at `path`.
pub(crate) fn text<'a>(path: &str, value: &'a Value) -> Result<&'a str, String> {
    value.as_str().ok_or_else(|| must_be(path, "a string", value))
}

fn must_be(path: &str, expected: &str, value: &Value) -> String {
    let kind = match value {
        // Short, and no secret.
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    };
    match value {
        Value::String(text) if expected.starts_with("one of") => format!("{path} must be {expected}, not {text:?}"),
        _ => format!("{path} must be {expected}, not {kind}"),
    }
}
