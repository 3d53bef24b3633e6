//! Instants as the vendors write them.

use jiff::Timestamp;

/// Now, with whole seconds: GitHub, Neon and Fly's GraphQL.
pub(crate) fn seconds() -> String {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}

/// Now, with milliseconds.
pub(crate) fn millis() -> String {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond())
        .unwrap_or(now)
        .to_string()
}

/// An instant as [`millis`] writes it, by its milliseconds since 1970.
pub(crate) fn of_millis(milliseconds: i64) -> String {
    let instant = Timestamp::from_millisecond(milliseconds);
    instant.map(|at| at.to_string()).unwrap_or_default()
}

/// Seconds since 1970, with a fraction: the AWS JSON protocol's timestamps.
pub(crate) fn epoch() -> f64 {
    Timestamp::now().as_millisecond() as f64 / 1000.0
}

/// Milliseconds since 1970.
pub(crate) fn epoch_millis() -> i64 {
    Timestamp::now().as_millisecond()
}

/// The instant that lies `seconds` ahead.
pub(crate) fn ahead(seconds: i64) -> String {
    Timestamp::from_second(Timestamp::now().as_second() + seconds)
        .map(|at| at.to_string())
        .unwrap_or_default()
}

/// A ULID (github.com/ulid/spec): 48 bits of milliseconds and a number, in Crockford's base 32.
pub(crate) fn ulid(millis: i64, number: u64) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut rest = (u128::from(millis.unsigned_abs()) << 80) | u128::from(number);
    let mut text = [b'0'; 26];
    for place in text.iter_mut().rev() {
        *place = ALPHABET.get((rest & 31) as usize).copied().unwrap_or(b'0');
        rest >>= 5;
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// An instant as [`millis`] writes it, so many milliseconds earlier.
pub(crate) fn earlier(instant: &str, by: i64) -> String {
    let moved = instant.parse::<Timestamp>().map(|at| at.as_millisecond() - by);
    let moved = moved.ok().and_then(|at| Timestamp::from_millisecond(at).ok());
    moved.map_or_else(|| instant.to_owned(), |at| at.to_string())
}
