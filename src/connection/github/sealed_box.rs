//! Sealed boxes: how GitHub wants a secret's value, readable by itself alone.
//!
//! libsodium's `crypto_box_seal` over X25519, XSalsa20-Poly1305 and BLAKE2b.
//! <https://docs.github.com/en/rest/guides/encrypting-secrets-for-the-rest-api>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_box::aead::rand_core::{CryptoRng, Error, RngCore};
use crypto_box::{KEY_SIZE, PublicKey};
use zeroize::Zeroizing;

use crate::randomness;
use crate::secret::Secret;

/// Why nothing was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The public key is not 32 bytes in Base64.
    #[error("the public key that GitHub gave is not 32 bytes in Base64")]
    NotAPublicKey,
    /// The system gave no random bytes, or the library wanted more than its one key.
    #[error("the system's random number generator gave no bytes")]
    NoEntropy,
    /// The library refused.
    #[error("the value could not be encrypted")]
    Encryption,
}

/// Encrypts `value` for the holder of the private key to `public_key` (Base64); the result is Base64.
///
/// # Errors
/// [`SealError`].
pub fn seal(public_key: &str, value: &Secret) -> Result<String, SealError> {
    let bytes = STANDARD
        .decode(public_key.trim())
        .map_err(|_| SealError::NotAPublicKey)?;
    let key = PublicKey::from_slice(&bytes).map_err(|_| SealError::NotAPublicKey)?;
    let mut entropy = Entropy::gather()?;
    #[expect(clippy::disallowed_methods, reason = "what comes out is encrypted")]
    let sealed = key.seal(&mut entropy, value.expose().as_bytes());
    if entropy.overdrawn {
        return Err(SealError::NoEntropy);
    }
    sealed
        .map(|sealed| STANDARD.encode(sealed))
        .map_err(|_| SealError::Encryption)
}

/// The bytes of the one ephemeral key, gathered beforehand: the library's interface can't report a failing generator.
struct Entropy {
    bytes: Zeroizing<[u8; KEY_SIZE]>,
    spent: bool,
    /// More was asked for than there is; what was sealed with it must not be used.
    overdrawn: bool,
}

impl Entropy {
    fn gather() -> Result<Self, SealError> {
        let mut bytes = Zeroizing::new([0; KEY_SIZE]);
        randomness::fill(&mut *bytes).map_err(|_| SealError::NoEntropy)?;
        Ok(Self {
            bytes,
            spent: false,
            overdrawn: false,
        })
    }
}

impl CryptoRng for Entropy {}

impl RngCore for Entropy {
    fn next_u32(&mut self) -> u32 {
        self.overdrawn = true;
        0
    }

    fn next_u64(&mut self) -> u64 {
        self.overdrawn = true;
        0
    }

    fn fill_bytes(&mut self, wanted: &mut [u8]) {
        if self.spent || wanted.len() != self.bytes.len() {
            self.overdrawn = true;
            return;
        }
        wanted.copy_from_slice(&*self.bytes);
        self.spent = true;
    }

    fn try_fill_bytes(&mut self, wanted: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(wanted);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crypto_box::SecretKey;

    use super::*;

    #[test]
    fn what_is_sealed_is_opened_by_the_private_key_alone() {
        let recipient = SecretKey::from_bytes([7; KEY_SIZE]);
        let public_key = STANDARD.encode(recipient.public_key().as_bytes());
        let value = Secret::new("wörd\n".to_owned());
        let sealed = seal(&public_key, &value).unwrap();
        let again = seal(&public_key, &value).unwrap();
        assert_ne!(sealed, again, "each box has a key of its own");
        let opened = recipient.unseal(&STANDARD.decode(&sealed).unwrap()).unwrap();
        assert_eq!(opened, value.expose().as_bytes());
        let other = SecretKey::from_bytes([8; KEY_SIZE]);
        assert!(other.unseal(&STANDARD.decode(&sealed).unwrap()).is_err());
    }

    #[test]
    fn what_is_no_public_key_is_refused() {
        let value = Secret::new("x".to_owned());
        for key in ["", "AAAA", "not base64"] {
            assert_eq!(seal(key, &value), Err(SealError::NotAPublicKey), "{key}");
        }
    }

    #[test]
    fn entropy_is_never_used_twice() {
        let mut entropy = Entropy::gather().unwrap();
        let mut key = [0; KEY_SIZE];
        entropy.fill_bytes(&mut key);
        assert!(key != [0; KEY_SIZE] && !entropy.overdrawn);
        entropy.fill_bytes(&mut key);
        assert!(entropy.overdrawn);
    }
}
