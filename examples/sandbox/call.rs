//! One request and its answer, free of the wire.

use std::collections::BTreeMap;

use serde_json::Value;

/// A request.
pub(crate) struct Call {
    pub method: String,
    pub path: String,
    /// The query as it came, without the question mark.
    pub search: String,
    /// Path segments, percent-decoded.
    pub segments: Vec<String>,
    pub query: BTreeMap<String, String>,
    /// Headers by lower-case name.
    pub headers: BTreeMap<String, String>,
    pub raw: Vec<u8>,
    /// The body as JSON; null when it is none.
    pub body: Value,
}

impl Call {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Method and segments, to match on.
    pub(crate) fn route(&self) -> (&str, Vec<&str>) {
        (self.method.as_str(), self.segments.iter().map(String::as_str).collect())
    }

    /// The credential of the Authorization header, without its scheme.
    pub(crate) fn bearer(&self) -> &str {
        let header = self.header("authorization");
        header.split_once(' ').map_or(header, |(_, token)| token.trim())
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str)
    }

    pub(crate) fn number(&self, name: &str) -> Option<usize> {
        self.query.get(name).and_then(|text| text.parse().ok())
    }
}

/// An answer.
pub(crate) struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<Value>,
    /// The call waits for something that has not come: ask again for so many milliseconds, then send this.
    pub waits: Option<i64>,
}

impl Reply {
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Some(body),
            waits: None,
        }
    }

    pub(crate) fn ok(body: Value) -> Self {
        Self::json(200, body)
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: None,
            waits: None,
        }
    }

    pub(crate) fn waiting(mut self, milliseconds: i64) -> Self {
        self.waits = Some(milliseconds);
        self
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
