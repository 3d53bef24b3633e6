//! Instants as vendors write them.

use jiff::Timestamp;
use serde::{Deserialize as _, Deserializer};

/// An RFC 3339 instant, or as PostgreSQL prints one (`2023-10-06 23:47:56.678+00`); one that is malformed is as good as none, and no reason to lose the whole listing.
pub(crate) fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

/// Milliseconds since 1970, as JavaScript counts time; one that is no instant is as good as none.
pub(crate) fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let number = Option::<serde_json::Number>::deserialize(deserializer)?;
    // Some write a fraction.
    let whole = number.and_then(|number| {
        number
            .as_i64()
            .or_else(|| number.to_string().split('.').next()?.parse().ok())
    });
    Ok(whole.and_then(|number| Timestamp::from_millisecond(number).ok()))
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

    #[test]
    fn milliseconds_are_read_with_and_without_a_fraction() {
        let read = |json: &str| {
            let value: serde_json::Value = serde_json::from_str(json).unwrap();
            milliseconds(value).unwrap().map(|at| at.to_string())
        };
        for json in ["1540095775951", "1540095775951.25"] {
            assert_eq!(read(json).as_deref(), Some("2018-10-21T04:22:55.951Z"));
        }
        for json in ["null", "1e300", "99999999999999999999"] {
            assert_eq!(read(json), None);
        }
    }
}
