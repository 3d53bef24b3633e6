//! Instants as vendors write them.

use jiff::Timestamp;
use serde::{Deserialize as _, Deserializer};

/// An RFC 3339 instant; one that is malformed is as good as none, and no reason to lose the whole listing.
pub(crate) fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}
