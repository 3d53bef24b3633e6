//! Reads the private numbers out of a PKCS#8 document (DER, ITU-T X.690), without copying them.
//!
//! It reads what the crypto backend has just written, and nothing from outside. It must not be used to judge a key.

/// Tags of ITU-T X.690 section 8, with the bit for constructed values.
const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// The numbers of an RSA private key, big-endian, without leading zeros.
pub(super) struct RsaNumbers<'a> {
    pub(super) n: &'a [u8],
    pub(super) e: &'a [u8],
    pub(super) d: &'a [u8],
    pub(super) p: &'a [u8],
    pub(super) q: &'a [u8],
    pub(super) dp: &'a [u8],
    pub(super) dq: &'a [u8],
    pub(super) qi: &'a [u8],
}

/// The `privateKey` of a `PrivateKeyInfo` (RFC 5208 section 5).
pub(super) fn private_key(pkcs8: &[u8]) -> Option<&[u8]> {
    let mut info = Reader::open(pkcs8)?;
    info.next(INTEGER)?;
    info.next(SEQUENCE)?;
    info.next(OCTET_STRING)
}

/// The content of an octet string: a `CurvePrivateKey` (RFC 8410 section 7).
pub(super) fn octets(der: &[u8]) -> Option<&[u8]> {
    Reader(der).next(OCTET_STRING)
}

/// The `privateKey` of an `ECPrivateKey`, which has the length of the curve's order (RFC 5915 section 3).
pub(super) fn ec_private_number(der: &[u8]) -> Option<&[u8]> {
    let mut key = Reader::open(der)?;
    key.next(INTEGER)?;
    key.next(OCTET_STRING)
}

/// The numbers of an `RSAPrivateKey` (RFC 8017 appendix A.1.2).
pub(super) fn rsa_numbers(der: &[u8]) -> Option<RsaNumbers<'_>> {
    let mut key = Reader::open(der)?;
    key.next(INTEGER)?;
    Some(RsaNumbers {
        n: key.number()?,
        e: key.number()?,
        d: key.number()?,
        p: key.number()?,
        q: key.number()?,
        dp: key.number()?,
        dq: key.number()?,
        qi: key.number()?,
    })
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The inside of the sequence that stands first.
    fn open(der: &'a [u8]) -> Option<Self> {
        Self(der).next(SEQUENCE).map(Self)
    }

    /// The content of the next element, if it has that tag.
    fn next(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (found, rest) = self.0.split_first()?;
        let (length, rest) = length(rest)?;
        let (content, rest) = rest.split_at_checked(length)?;
        if *found != tag {
            return None;
        }
        self.0 = rest;
        Some(content)
    }

    /// The next element as a positive number; the zero byte that keeps it positive is left out.
    fn number(&mut self) -> Option<&'a [u8]> {
        let content = self.next(INTEGER)?;
        Some(content.strip_prefix(&[0]).unwrap_or(content))
    }
}

/// A definite length (X.690 section 8.1.3) and what follows it.
fn length(der: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = der.split_first()?;
    let long_form = first & 0x80 != 0;
    let low = usize::from(first & 0x7f);
    if !long_form {
        return Some((low, rest));
    }
    // No bytes at all would be the indefinite form, which DER forbids; four are more than any key needs.
    if !(1..=4).contains(&low) {
        return None;
    }
    let (bytes, rest) = rest.split_at_checked(low)?;
    let length = bytes.iter().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte));
    Some((length, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_a_short_and_a_long_form() {
        assert_eq!(length(&[0x7f, 9]), Some((127, &[9][..])));
        assert_eq!(length(&[0x81, 0x80]), Some((128, &[][..])));
        assert_eq!(length(&[0x82, 1, 0, 9]), Some((256, &[9][..])));
        for wrong in [&[][..], &[0x80], &[0x85, 1, 1, 1, 1, 1], &[0x82, 1]] {
            assert_eq!(length(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_truncated_or_different_element_is_not_read() {
        assert_eq!(octets(&[OCTET_STRING, 2, 7, 8]), Some(&[7, 8][..]));
        assert_eq!(octets(&[OCTET_STRING, 3, 7, 8]), None);
        assert_eq!(octets(&[INTEGER, 2, 7, 8]), None);
        assert_eq!(private_key(&[]), None);
    }

    #[test]
    fn the_zero_byte_of_a_positive_number_is_not_part_of_it() {
        let mut reader = Reader(&[INTEGER, 2, 0, 0x80, INTEGER, 1, 3]);
        assert_eq!(reader.number(), Some(&[0x80][..]));
        assert_eq!(reader.number(), Some(&[3][..]));
        assert_eq!(reader.number(), None);
    }
}
