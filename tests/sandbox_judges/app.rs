//! A GitHub App of these tests: a fresh key pair, and the assertion that it signs (RFC 7519, RS256 of RFC 7518 section 3.3).
//!
//! Claims as in GitHub's "Generating a JSON Web Token (JWT) for a GitHub App".

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

/// A JSON Web Token for the next minutes, and the public key in PEM that proves it.
pub(crate) fn assertion(app: u64) -> (String, String) {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let now = jiff::Timestamp::now().as_second();
    let claims = json!({ "iss": app, "iat": now - 60, "exp": now + 300 });
    let encode = |text: String| URL_SAFE_NO_PAD.encode(text);
    let signed = format!(
        "{}.{}",
        encode(json!({ "alg": "RS256", "typ": "JWT" }).to_string()),
        encode(claims.to_string())
    );
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        signed.as_bytes(),
        &mut signature,
    )
    .unwrap();
    let der = key.public_key().as_der().unwrap();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        STANDARD.encode(der.as_ref())
    );
    (format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)), pem)
}
