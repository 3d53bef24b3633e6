//! JSON Web Keys (RFC 7517, RFC 7518 section 6, RFC 8037) and their thumbprints (RFC 7638).
//!
//! The texts are put together by hand: every value is base64url or a fixed word, so nothing needs escaping, and a JSON
//! library would leave copies of the private numbers in memory.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::der::RsaNumbers;

/// An elliptic curve for ECDSA (RFC 7518 section 6.2.1.1).
#[derive(Debug, Clone, Copy)]
pub(super) enum Curve {
    P256,
    P384,
}

/// Both halves of a key pair.
pub(super) struct Jwk {
    /// The members that make the public key, in the alphabetical order that the thumbprint prescribes.
    public: Vec<(&'static str, String)>,
    /// `alg` and `use`, where the kind of key leaves no choice. An RSA key serves several algorithms; whoever signs with
    /// it says which.
    purpose: &'static [(&'static str, &'static str)],
    private: Vec<(&'static str, Zeroizing<String>)>,
}

impl Jwk {
    /// RFC 8037 section 2. `seed` is the private key of RFC 8032, 32 bytes.
    pub(super) fn ed25519(public: &[u8], seed: &[u8]) -> Self {
        Self {
            public: vec![
                ("crv", "Ed25519".to_owned()),
                ("kty", "OKP".to_owned()),
                ("x", encode(public)),
            ],
            purpose: &[("alg", "EdDSA"), ("use", "sig")],
            private: vec![("d", Zeroizing::new(encode(seed)))],
        }
    }

    /// RFC 7518 section 6.2. `point` is uncompressed (SEC 1 section 2.3.3); `None` when it is not.
    pub(super) fn ec(curve: Curve, point: &[u8], number: &[u8]) -> Option<Self> {
        let (name, size): (_, usize) = match curve {
            Curve::P256 => ("P-256", 32),
            Curve::P384 => ("P-384", 48),
        };
        let coordinates = point.strip_prefix(&[4]).filter(|rest| rest.len() == 2 * size)?;
        let (x, y) = coordinates.split_at_checked(size)?;
        Some(Self {
            public: vec![
                ("crv", name.to_owned()),
                ("kty", "EC".to_owned()),
                ("x", encode(x)),
                ("y", encode(y)),
            ],
            purpose: match curve {
                Curve::P256 => &[("alg", "ES256"), ("use", "sig")],
                Curve::P384 => &[("alg", "ES384"), ("use", "sig")],
            },
            private: vec![("d", Zeroizing::new(encode(number)))],
        })
    }

    /// RFC 7518 section 6.3.
    pub(super) fn rsa(numbers: &RsaNumbers<'_>) -> Self {
        let private = [
            ("d", numbers.d),
            ("p", numbers.p),
            ("q", numbers.q),
            ("dp", numbers.dp),
            ("dq", numbers.dq),
            ("qi", numbers.qi),
        ];
        Self {
            public: vec![
                ("e", encode(numbers.e)),
                ("kty", "RSA".to_owned()),
                ("n", encode(numbers.n)),
            ],
            purpose: &[],
            private: private
                .map(|(name, number)| (name, Zeroizing::new(encode(number))))
                .into(),
        }
    }

    /// The thumbprint with SHA-256, base64url (RFC 7638 section 3).
    pub(super) fn thumbprint(&self) -> String {
        let members: Vec<(&str, &str)> = self.public_members().collect();
        encode(digest(&SHA256, object(&members).as_bytes()).as_ref())
    }

    /// The public key with its `kid`.
    pub(super) fn public(&self) -> Zeroizing<String> {
        self.text(&[])
    }

    /// The private key with its `kid`.
    pub(super) fn private(&self) -> Zeroizing<String> {
        let members: Vec<(&str, &str)> = self
            .private
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        self.text(&members)
    }

    fn public_members(&self) -> impl Iterator<Item = (&str, &str)> {
        self.public.iter().map(|(name, value)| (*name, value.as_str()))
    }

    fn text(&self, further: &[(&str, &str)]) -> Zeroizing<String> {
        let kid = self.thumbprint();
        let members: Vec<(&str, &str)> = self
            .public_members()
            .chain([("kid", kid.as_str())])
            .chain(self.purpose.iter().copied())
            .chain(further.iter().copied())
            .collect();
        object(&members)
    }
}

/// A JSON object of texts that need no escaping, without white space.
fn object(members: &[(&str, &str)]) -> Zeroizing<String> {
    // Room for all of it: a string that grows leaves copies behind. Six characters surround a name and its value.
    let length: usize = members.iter().map(|(name, value)| name.len() + value.len() + 6).sum();
    let mut text = Zeroizing::new(String::with_capacity(length + 2));
    text.push('{');
    for (at, (name, value)) in members.iter().enumerate() {
        text.push_str(if at == 0 { "\"" } else { ",\"" });
        text.push_str(name);
        text.push_str("\":\"");
        text.push_str(value);
        text.push('"');
    }
    text.push('}');
    text
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    #[test]
    fn the_thumbprint_is_that_of_the_example_in_rfc_7638() {
        // Section 3.1.
        let n = decode(concat!(
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3",
            "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA",
            "ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-",
            "kEgU8awapJzKnqDKgw",
        ));
        let jwk = Jwk::rsa(&RsaNumbers {
            n: &n,
            e: &decode("AQAB"),
            d: &[1],
            p: &[1],
            q: &[1],
            dp: &[1],
            dq: &[1],
            qi: &[1],
        });
        assert_eq!(jwk.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn an_ed25519_key_is_that_of_the_example_in_rfc_8037() {
        use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
        // Appendices A.1 to A.3.
        let d = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let pair = Ed25519KeyPair::from_seed_unchecked(&decode(d)).unwrap();
        let jwk = Jwk::ed25519(pair.public_key().as_ref(), &decode(d));
        assert_eq!(jwk.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        let private: serde_json::Value = serde_json::from_str(&jwk.private()).unwrap();
        assert_eq!(
            private,
            serde_json::json!({
                "kty": "OKP", "crv": "Ed25519", "x": x, "d": d, "alg": "EdDSA", "use": "sig", "kid": jwk.thumbprint(),
            })
        );
    }

    #[test]
    fn a_public_key_has_no_private_member() {
        let jwk = Jwk::ec(Curve::P384, &[&[4][..], &[7; 96]].concat(), &[9; 48]).unwrap();
        let public: serde_json::Value = serde_json::from_str(&jwk.public()).unwrap();
        let mut names: Vec<&String> = public.as_object().unwrap().keys().collect();
        names.sort_unstable();
        assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    }

    #[test]
    fn a_point_that_is_compressed_or_of_another_curve_is_not_taken() {
        assert!(Jwk::ec(Curve::P256, &[&[2][..], &[7; 32]].concat(), &[9; 32]).is_none());
        assert!(Jwk::ec(Curve::P256, &[&[4][..], &[7; 96]].concat(), &[9; 32]).is_none());
    }
}
