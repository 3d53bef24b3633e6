//! UUIDs, as several vendors have them for ids.

/// Whether the text is a UUID (RFC 9562 section 4): an id that is stored, or put into a path, and no value.
pub(crate) fn is_uuid(text: &str) -> bool {
    let fits = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(fits)
}
