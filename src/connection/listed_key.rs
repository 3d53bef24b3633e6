//! A key as vendors list it: what it is called and when it was used, never its value.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::instant::instant;
use super::serde_helpers::null_is_empty;

/// A key's metadata.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ListedKey {
    /// By which it is revoked.
    #[serde(deserialize_with = "text_or_number")]
    pub id: String,
    /// Its name; need not be unique.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub name: String,
    /// When it was made.
    #[serde(default, deserialize_with = "instant")]
    pub created_at: Option<Timestamp>,
    /// When a request last carried it.
    #[serde(default, deserialize_with = "instant")]
    pub last_used_at: Option<Timestamp>,
}

/// An id, which some vendors write as a number.
fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Text(String),
        Number(i64),
    }
    Ok(match Id::deserialize(deserializer)? {
        Id::Text(text) => text,
        Id::Number(number) => number.to_string(),
    })
}
