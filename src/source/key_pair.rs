//! Key pairs: the private half goes to targets, the public half is published.
//!
//! Keys are made by the crypto backend, which takes its entropy from the system. The public half is never secret: it
//! stands in `public` for consumers that verify. A key pair has no issuer, so nothing can be listed or revoked: the old
//! public key ends by leaving the set of those that are valid ([`key_set`]), or is taken out of circulation by whoever publishes it.

mod algorithm;
mod der;
mod jwk;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use zeroize::Zeroizing;

use self::algorithm::{Algorithm, KeyPair};
use super::generated::{Failed, Generated, Generator, TRAITS};
use super::key_set::{self, JWKS, PUBLIC_JWK};
use super::{Maker, Minted, Source, SourceConfig, SourceKind, SourceTraits};
use crate::address::Address;
use crate::connection::Link;
use crate::diagnostics::Argument;
use crate::part::PartNames;
use crate::secret::{Parts, Secret};
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Field, Node, Type};

const NAME: &str = "key_pair";

/// The kind.
pub static KIND: SourceKind = SourceKind {
    name: NAME,
    summary: "A key pair for signatures: PEM and JWK of both halves, and the JWK thumbprint as `kid`.",
    api_docs: None,
    attributes,
    maker: Maker::Us,
    parts: &[PRIVATE_PEM, PUBLIC_PEM, PRIVATE_JWK, PUBLIC_JWK, JWKS, KID],
    parts_of: |_| Some(KIND.declared_parts()),
    parse,
    revocable: false,
    offers: super::Offers::NOTHING,
    reach: None,
    issuer: |_, _| Ok(None),
    handle_of: |id| id,
    issuer_in_words: super::this_provider,
};

/// PKCS#8 (RFC 5958), unencrypted.
const PRIVATE_PEM: &str = "private_key_pem";
/// `SubjectPublicKeyInfo` (RFC 5280 section 4.1).
const PUBLIC_PEM: &str = "public_key_pem";
/// RFC 7517, with the private members.
const PRIVATE_JWK: &str = "private_jwk";
/// The thumbprint (RFC 7638, SHA-256).
const KID: &str = "kid";

fn attributes() -> Vec<Attribute> {
    let names: Vec<String> = Algorithm::names().map(|name| format!("`{name}`")).collect();
    let description = format!("The kind of key: {}.", names.join(", "));
    vec![Attribute::required("algorithm", Type::String, description)]
}

fn parse(node: &Node<'_>, _root: &Node<'_>, problems: &mut Diagnostics) -> Option<Box<dyn SourceConfig>> {
    Some(Box::new(configure(node, problems)?))
}

fn configure(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Config> {
    let names: Vec<&str> = Algorithm::names().collect();
    let argument = node.attr("algorithm");
    let name = match argument.one_of(&names, problems) {
        Field::Known(name) => name,
        Field::Unknown => return None,
        Field::Absent => {
            argument.report(problems, |argument| Argument::RequiredBecause {
                argument,
                why: format!("Choose the algorithm that consumers verify with: {}.", names.join(", ")).into(),
            });
            return None;
        }
    };
    Some(Config(Algorithm::named(name)?))
}

#[derive(Debug, Clone, Copy)]
struct Config(Algorithm);

impl SourceConfig for Config {
    fn issuer(&self) -> Address {
        Address::new(NAME, "")
    }

    fn traits(&self) -> SourceTraits {
        TRAITS
    }

    fn parts(&self) -> PartNames {
        KIND.declared_parts()
    }

    /// The private PEM has the whole pair in it.
    fn essential_parts(&self) -> Option<&'static [&'static str]> {
        Some(&[PRIVATE_PEM])
    }

    fn published_part(&self) -> Option<&'static str> {
        Some(PUBLIC_JWK)
    }

    fn verifying_parts(&self) -> &'static [&'static str] {
        &[JWKS, PUBLIC_JWK, PUBLIC_PEM]
    }

    fn in_words(&self) -> String {
        format!("{} key pair", self.0.name())
    }

    fn fingerprint(&self) -> String {
        serde_json::json!({ "algorithm": self.0.name() }).to_string()
    }

    fn connect(&self, _link: &Link<'_>) -> Result<Box<dyn Source>, Diagnostic> {
        Ok(Box::new(Generated(*self)))
    }
}

impl Generator for Config {
    fn generate(&self) -> Result<Minted, Failed> {
        Ok(minted(&self.0.generate()?))
    }

    /// The private PEM has the public half in it. What only the JWK would tell is not gone on with.
    #[expect(clippy::disallowed_methods, reason = "derives the public half")]
    fn restore(&self, found: Parts) -> Option<Minted> {
        let pem = found.get(PRIVATE_PEM)?.expose();
        let document = Zeroizing::new(PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).ok()?);
        self.0.read(document.secret_pkcs8_der()).map(|pair| minted(&pair))
    }
}

fn minted(pair: &KeyPair) -> Minted {
    let private_pem = pem("PRIVATE KEY", &pair.private);
    let mut public_pem = pem("PUBLIC KEY", &pair.public);
    let mut public_jwk = pair.jwk.public();
    let public = BTreeMap::from([
        (PUBLIC_PEM.to_owned(), std::mem::take(&mut *public_pem)),
        (PUBLIC_JWK.to_owned(), std::mem::take(&mut *public_jwk)),
        (KID.to_owned(), pair.jwk.thumbprint()),
    ]);
    let parts = public.iter().fold(
        Parts::single(PRIVATE_PEM, secret(private_pem)).with(PRIVATE_JWK, secret(pair.jwk.private())),
        |parts, (name, value)| parts.with(name, Secret::plain(value.clone())),
    );
    // Alone in its set until a run puts the keys of other generations beside it.
    let set = key_set::set(public.get(PUBLIC_JWK).and_then(|jwk| key_set::key(jwk)).as_deref());
    let parts = parts.with(JWKS, Secret::plain(set));
    Minted {
        credential: None,
        parts,
        public,
    }
}

/// Moves a text into a secret; nothing is copied.
fn secret(mut text: Zeroizing<String>) -> Secret {
    Secret::new(std::mem::take(&mut *text))
}

/// PEM with a line break after every 64 characters, as RFC 7468 section 2 prescribes for writers.
fn pem(label: &str, der: &[u8]) -> Zeroizing<String> {
    let base64 = Zeroizing::new(STANDARD.encode(der));
    let marks = format!("-----BEGIN {label}-----\n").len() * 2;
    // Room for all of it: a string that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(marks + base64.len() + base64.len() / 64 + 1));
    text.push_str("-----BEGIN ");
    text.push_str(label);
    text.push_str("-----");
    for (at, character) in base64.chars().enumerate() {
        if at % 64 == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push_str("\n-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::{Origin, Value};

    fn configured(value: &Value) -> (Option<Config>, Vec<String>) {
        let mut problems = Diagnostics::new();
        let config = configure(&Node::root(value, Origin::Configuration), &mut problems);
        let text = |problem: &Diagnostic| format!("{}: {}", problem.summary, problem.detail);
        (config, problems.iter().map(text).collect())
    }

    #[test]
    fn a_missing_or_misspelt_algorithm_is_answered_with_the_permitted_ones() {
        for value in [
            Value::object([]),
            Value::object([("algorithm", Value::string("ES256"))]),
        ] {
            let (config, problems) = configured(&value);
            assert!(config.is_none());
            for name in Algorithm::names() {
                assert!(problems[0].contains(name), "{problems:?}");
            }
        }
        let (config, problems) = configured(&Value::object([("algorithm", Value::unknown())]));
        assert!(config.is_none() && problems.is_empty());
    }

    #[test]
    fn every_algorithm_is_a_different_credential() {
        let mut fingerprints: Vec<String> = Algorithm::names()
            .map(|name| {
                configured(&Value::object([("algorithm", Value::string(name))]))
                    .0
                    .unwrap()
                    .fingerprint()
            })
            .collect();
        fingerprints.sort_unstable();
        fingerprints.dedup();
        assert_eq!(fingerprints.len(), 6);
    }

    #[test]
    fn every_declared_part_is_made_and_the_private_ones_are_not_public() {
        let minted = Config(Algorithm::EcdsaP256).generate().unwrap();
        let mut names: Vec<&str> = minted.parts.names().collect();
        let mut declared = KIND.parts.to_vec();
        names.sort_unstable();
        declared.sort_unstable();
        assert_eq!(names, declared);
        let public: Vec<&str> = minted.public.keys().map(String::as_str).collect();
        assert_eq!(public, [KID, PUBLIC_JWK, PUBLIC_PEM]);
        let private: serde_json::Value = serde_json::from_str(minted.parts.get(PRIVATE_JWK).unwrap().expose()).unwrap();
        let d = private["d"].as_str().unwrap();
        assert!(minted.public.values().all(|value| !value.contains(d)));
    }

    #[test]
    fn the_private_pem_tells_all_the_rest_and_nothing_else_does() {
        for name in Algorithm::names().filter(|name| !name.starts_with("rsa_3") && !name.starts_with("rsa_4")) {
            let config = Config(Algorithm::named(name).unwrap());
            let made = config.generate().unwrap();
            let of = |part: &str| Parts::single(part, made.parts.get(part).unwrap().share());
            let restored = config.restore(of(PRIVATE_PEM)).unwrap();
            assert_eq!(restored.public, made.public, "{name}");
            assert!(made.parts.agree_with(&restored.parts), "{name}");
            assert!(config.restore(of(PRIVATE_JWK)).is_none());
        }
        let other = Config(Algorithm::EcdsaP256).generate().unwrap();
        assert!(Config(Algorithm::Ed25519).restore(other.parts).is_none());
    }

    #[test]
    fn pem_lines_have_64_characters() {
        let text = pem("X", &[0; 96]);
        let zeros = "A".repeat(64);
        assert_eq!(*text, format!("-----BEGIN X-----\n{zeros}\n{zeros}\n-----END X-----\n"));
        assert_eq!(pem("X", &[0; 3]).lines().nth(1), Some("AAAA"));
    }
}
