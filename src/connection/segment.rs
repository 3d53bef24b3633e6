//! Names as segments of a URL's path, so that `/`, `?` and `#` in a name stay inside it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// All that RFC 3986 section 2.3 does not call unreserved.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One segment, percent-encoded. `.` and `..` stay as they are, and mean another path: whoever takes names from a user
/// refuses these two.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// Reads back what [`encode`] wrote.
pub(crate) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// `base`, a URL without a slash at its end, followed by `segments`, which are encoded.
pub(crate) fn join(base: &str, segments: &[&str]) -> String {
    let mut url = base.to_owned();
    for segment in segments {
        url.push('/');
        url.extend(utf8_percent_encode(segment, ENCODED));
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_stay_inside_their_segment_and_can_be_read_back() {
        assert_eq!(encode("a/../b?c#d é"), "a%2F..%2Fb%3Fc%23d%20%C3%A9");
        assert_eq!(decode(&encode("a/../b?c#d é%")), "a/../b?c#d é%");
        assert_eq!(
            join("https://acme.example/api", &["vaults", "a/../b?c#d", "é"]),
            "https://acme.example/api/vaults/a%2F..%2Fb%3Fc%23d/%C3%A9"
        );
    }
}
