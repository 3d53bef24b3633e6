//! The kinds of key pairs, and how each one is made.
//!
//! The private numbers of a JWK are taken from the PKCS#8 document, because the crypto backend wipes that document's
//! memory and does not offer an RSA key's numbers in any other way.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair as _,
};
use zeroize::Zeroizing;

use super::der;
use super::jwk::{Curve, Jwk};
use crate::source::generated::Failed;

/// A kind of key pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// RFC 8032.
    Ed25519,
    /// NIST P-256.
    EcdsaP256,
    /// NIST P-384.
    EcdsaP384,
    /// A modulus of 2048 bits.
    Rsa2048,
    /// A modulus of 3072 bits.
    Rsa3072,
    /// A modulus of 4096 bits.
    Rsa4096,
}

/// A key pair in all its forms.
pub(super) struct KeyPair {
    /// PKCS#8, version 1 (RFC 5208), which every consumer reads; version 2 is refused by many.
    pub(super) private: Zeroizing<Vec<u8>>,
    /// `SubjectPublicKeyInfo`.
    pub(super) public: Vec<u8>,
    /// Both halves as numbers.
    pub(super) jwk: Jwk,
}

impl Algorithm {
    /// In the order of the docs.
    const ALL: [Self; 6] = [
        Self::Ed25519,
        Self::EcdsaP256,
        Self::EcdsaP384,
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
    ];

    /// The values of the argument `algorithm`.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().map(Self::name)
    }

    /// The algorithm of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Its name as an argument.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::EcdsaP256 => "ecdsa_p256",
            Self::EcdsaP384 => "ecdsa_p384",
            Self::Rsa2048 => "rsa_2048",
            Self::Rsa3072 => "rsa_3072",
            Self::Rsa4096 => "rsa_4096",
        }
    }

    /// A new key pair. RSA searches for primes, which takes up to some seconds.
    ///
    /// # Errors
    /// [`Failed`] when the crypto backend gives none, or one that cannot be read.
    pub(super) fn generate(self) -> Result<KeyPair, Failed> {
        let pair = match self {
            Self::Ed25519 => Ed25519KeyPair::generate().ok().and_then(|pair| ed25519(&pair)),
            Self::EcdsaP256 => new_ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING, Curve::P256),
            Self::EcdsaP384 => new_ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING, Curve::P384),
            Self::Rsa2048 => new_rsa(rsa::KeySize::Rsa2048),
            Self::Rsa3072 => new_rsa(rsa::KeySize::Rsa3072),
            Self::Rsa4096 => new_rsa(rsa::KeySize::Rsa4096),
        };
        pair.ok_or(Failed::NoKey(self.name()))
    }

    /// A key pair that stands in a PKCS#8 document; `None` when it is not of this kind.
    pub(super) fn read(self, pkcs8: &[u8]) -> Option<KeyPair> {
        match self {
            Self::Ed25519 => Ed25519KeyPair::from_pkcs8(pkcs8).ok().and_then(|pair| ed25519(&pair)),
            Self::EcdsaP256 => read_ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING, Curve::P256, pkcs8),
            Self::EcdsaP384 => read_ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING, Curve::P384, pkcs8),
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => {
                rsa::KeyPair::from_pkcs8(pkcs8).ok().and_then(|pair| rsa(&pair))
            }
        }
    }
}

fn read_ecdsa(algorithm: &'static EcdsaSigningAlgorithm, curve: Curve, pkcs8: &[u8]) -> Option<KeyPair> {
    ecdsa(&EcdsaKeyPair::from_pkcs8(algorithm, pkcs8).ok()?, curve)
}

fn ed25519(pair: &Ed25519KeyPair) -> Option<KeyPair> {
    let private: Pkcs8V1Der<'_> = pair.as_der().ok()?;
    let seed = der::private_key(private.as_ref()).and_then(der::octets)?;
    let jwk = Jwk::ed25519(pair.public_key().as_ref(), seed);
    assemble(private.as_ref(), pair.public_key(), jwk)
}

fn new_ecdsa(algorithm: &'static EcdsaSigningAlgorithm, curve: Curve) -> Option<KeyPair> {
    ecdsa(&EcdsaKeyPair::generate(algorithm).ok()?, curve)
}

fn ecdsa(pair: &EcdsaKeyPair, curve: Curve) -> Option<KeyPair> {
    let private = pair.to_pkcs8v1().ok()?;
    let number = der::private_key(private.as_ref()).and_then(der::ec_private_number)?;
    let jwk = Jwk::ec(curve, pair.public_key().as_ref(), number)?;
    assemble(private.as_ref(), pair.public_key(), jwk)
}

fn new_rsa(size: rsa::KeySize) -> Option<KeyPair> {
    rsa(&rsa::KeyPair::generate(size).ok()?)
}

fn rsa(pair: &rsa::KeyPair) -> Option<KeyPair> {
    let private: Pkcs8V1Der<'_> = pair.as_der().ok()?;
    let numbers = der::private_key(private.as_ref()).and_then(der::rsa_numbers)?;
    assemble(private.as_ref(), pair.public_key(), Jwk::rsa(&numbers))
}

fn assemble(private: &[u8], public: &impl AsDer<PublicKeyX509Der<'static>>, jwk: Jwk) -> Option<KeyPair> {
    Some(KeyPair {
        private: Zeroizing::new(private.to_vec()),
        public: public.as_der().ok()?.as_ref().to_vec(),
        jwk,
    })
}
