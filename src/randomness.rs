//! The only source of entropy: the crypto backend's system generator.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

/// Fills `bytes` from the system's cryptographically secure generator.
///
/// # Errors
/// [`NoEntropy`] when the system cannot provide any; nothing usable is in `bytes` then.
pub fn fill(bytes: &mut [u8]) -> Result<(), NoEntropy> {
    SystemRandom::new().fill(bytes).map_err(|_| NoEntropy)
}

/// The system's random generator failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system's random number generator gave no bytes")]
pub struct NoEntropy;

/// The generator itself, for signatures and key pairs that the crypto backend makes.
pub fn generator() -> SystemRandom {
    SystemRandom::new()
}
