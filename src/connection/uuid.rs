//! Ids that are UUIDs, as many vendors give them.

/// Whether the text has the form of a UUID (RFC 9562 section 4): an id that is stored, or put into a path, and no value.
pub(crate) fn is_uuid(text: &str) -> bool {
    let is_dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    let fits = |(at, byte): (usize, u8)| match is_dash(at) {
        true => byte == b'-',
        false => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_no_uuid() {
        assert!(is_uuid("b6d24b8e-af0b-4c3c-be0c-359bbd97381e"));
        for wrong in [
            "",
            "re_c1tpEyD8_NKFusih9vKVQknRAQfmFcWCv",
            "b6d24b8e-af0b-4c3c-be0c_359bbd97381e",
        ] {
            assert!(!is_uuid(wrong), "{wrong}");
        }
    }
}
