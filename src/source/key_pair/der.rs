//! Reads the private numbers out of a PKCS#8 document, without copying them.
//!
//! It reads what the crypto backend has just written, or a target gave back. It must not be used to judge a key.

use pkcs1::der::asn1::{AnyRef, OctetStringRef, UintRef};
use pkcs1::der::{Decode, Error, Reader, SliceReader};

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
    let mut reader = SliceReader::new(pkcs8).ok()?;
    let key: Result<&OctetStringRef, Error> = reader.sequence(|info| {
        info.decode::<UintRef<'_>>()?;
        info.decode::<AnyRef<'_>>()?;
        let key = info.decode::<&OctetStringRef>()?;
        // Attributes, and the public key of RFC 5958.
        while !info.is_finished() {
            info.decode::<AnyRef<'_>>()?;
        }
        Ok(key)
    });
    key.ok().map(|key| key.as_bytes())
}

/// The content of an octet string: a `CurvePrivateKey` (RFC 8410 section 7).
pub(super) fn octets(der: &[u8]) -> Option<&[u8]> {
    <&OctetStringRef>::from_der(der).ok().map(|octets| octets.as_bytes())
}

/// The `privateKey` of an `ECPrivateKey`, which has the length of the curve's order (RFC 5915 section 3).
pub(super) fn ec_private_number(der: &[u8]) -> Option<&[u8]> {
    let mut reader = SliceReader::new(der).ok()?;
    let number: Result<&OctetStringRef, Error> = reader.sequence(|key| {
        key.decode::<UintRef<'_>>()?;
        let number = key.decode::<&OctetStringRef>()?;
        while !key.is_finished() {
            key.decode::<AnyRef<'_>>()?;
        }
        Ok(number)
    });
    number.ok().map(|number| number.as_bytes())
}

/// The numbers of an `RSAPrivateKey` (RFC 8017 appendix A.1.2).
pub(super) fn rsa_numbers(der: &[u8]) -> Option<RsaNumbers<'_>> {
    let key: pkcs1::RsaPrivateKey<UintRef<'_>> = Decode::from_der(der).ok()?;
    Some(RsaNumbers {
        n: key.modulus.as_bytes(),
        e: key.public_exponent.as_bytes(),
        d: key.private_exponent.as_bytes(),
        p: key.prime1.as_bytes(),
        q: key.prime2.as_bytes(),
        dp: key.exponent1.as_bytes(),
        dq: key.exponent2.as_bytes(),
        qi: key.coefficient.as_bytes(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_truncated_or_different_element_is_not_read() {
        assert_eq!(octets(&[4, 2, 7, 8]), Some(&[7, 8][..]));
        assert_eq!(octets(&[4, 3, 7, 8]), None);
        assert_eq!(octets(&[2, 2, 7, 8]), None);
        assert_eq!(private_key(&[]), None);
        assert_eq!(ec_private_number(&[0x30, 0]), None);
        assert!(rsa_numbers(&[0x30, 3, 2, 1, 0]).is_none());
    }

    #[test]
    fn what_follows_the_key_is_skipped() {
        let (version, algorithm, key, attributes) = ([2, 1, 1], [0x30, 0], [4, 1, 9], [0xa1, 2, 5, 0]);
        let content = [&version[..], &algorithm, &key, &attributes].concat();
        let document = [&[0x30, 12][..], &content].concat();
        assert_eq!(private_key(&document), Some(&[9][..]));
    }
}
