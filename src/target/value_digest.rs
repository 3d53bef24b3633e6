//! The revision of an entry whose vendor gives its value back and keeps no marker of a write.
//!
//! It is `<salt>.<digest>`: a salt of 16 random bytes, made for each write, and the first half of HMAC-SHA-256 of the value under it
//! (RFC 2104; truncation as in RFC 4868), both in lower-case hexadecimal. A value that no person chose and that has 96 bits of entropy
//! cannot be found by trying; of any other value none is kept ([`Delivery::generated`]). See
//! docs/decisions/salted-digests.md.

use aws_lc_rs::hmac;

use super::Delivery;
use crate::randomness::{self, NoEntropy};
use crate::secret::Secret;

/// Bytes of the salt, and of the digest.
const LENGTH: usize = 16;

/// The revision of a delivery; `None` where a digest of its value may not be kept.
///
/// # Errors
/// There is no entropy.
pub(super) fn of_delivery(delivery: &Delivery<'_>) -> Result<Option<String>, NoEntropy> {
    of(delivery.value, delivery)
}

/// The same of a text that may be the value of the delivery, or made of it.
///
/// # Errors
/// There is no entropy.
pub(super) fn of(text: &Secret, delivery: &Delivery<'_>) -> Result<Option<String>, NoEntropy> {
    delivery.generated.then(|| new(text)).transpose()
}

/// The digest of that value under a new salt. Of a value that a person chose, it may stand only where the value stands itself.
///
/// # Errors
/// There is no entropy.
pub(super) fn new(value: &Secret) -> Result<String, NoEntropy> {
    let mut salt = [0; LENGTH];
    randomness::fill(&mut salt)?;
    Ok(salted(&hex(&salt), value))
}

/// The revision that this value has under the salt of `recorded`; `None` where that is no revision of this form.
pub(super) fn under_the_salt_of(recorded: &str, value: &Secret) -> Option<String> {
    let (salt, digest) = recorded.split_once('.')?;
    (is_salt(salt) && is_salt(digest)).then(|| salted(salt, value))
}

/// Whether that is the salt of a digest.
pub(super) fn is_salt(text: &str) -> bool {
    text.len() == 2 * LENGTH && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[expect(clippy::disallowed_methods, reason = "a keyed digest of it comes out")]
fn salted(salt: &str, value: &Secret) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, salt.as_bytes());
    let digest = hmac::sign(&key, value.expose().as_bytes());
    let digest: &[u8] = digest.as_ref();
    format!("{salt}.{}", hex(digest.get(..LENGTH).unwrap_or(digest)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_tells_its_value_from_others_and_two_writes_of_one_value() {
        let value = |text: &str| Secret::new(text.to_owned());
        let revision = new(&value("one")).unwrap();
        assert_eq!(under_the_salt_of(&revision, &value("one")), Some(revision.clone()));
        assert_ne!(under_the_salt_of(&revision, &value("two")), Some(revision.clone()));
        assert_ne!(new(&value("one")).unwrap(), revision);
        let digest = "0123456789abcdef0123456789abcdef";
        for foreign in ["", ".", "7", "2026-11-30T10:00:00Z", digest, &format!("{digest}.xyz")] {
            assert_eq!(under_the_salt_of(foreign, &value("one")), None, "{foreign}");
        }
    }

    /// By another implementation: `printf one | openssl dgst -sha256 -hmac 000102030405060708090a0b0c0d0e0f`.
    #[test]
    fn the_digest_is_half_of_hmac_sha_256() {
        let salt = "000102030405060708090a0b0c0d0e0f";
        let told = salted(salt, &Secret::new("one".to_owned()));
        assert_eq!(told, format!("{salt}.42058368be905224c444d3132e8de315"));
    }
}
