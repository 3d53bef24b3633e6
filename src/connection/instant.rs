//! Instants as vendors write them.

use jiff::Timestamp;
use serde::{Deserialize as _, Deserializer};

/// An RFC 3339 instant, or as PostgreSQL prints one (`2023-10-06 23:47:56.678+00`); one that is malformed is as good as none, and no reason to lose the whole listing.
pub(crate) fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_as_vendors_write_them() {
        let read = |text: &str| instant(serde_json::Value::from(text)).unwrap().map(|at| at.to_string());
        for (text, expected) in [
            ("2023-10-06T23:47:56Z", "2023-10-06T23:47:56Z"),
            ("2023-10-06 23:47:56.678+00", "2023-10-06T23:47:56.678Z"),
            ("2023-10-07 01:47:56.678912+02", "2023-10-06T23:47:56.678912Z"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected));
        }
        assert_eq!(read("yesterday"), None);
    }
}
