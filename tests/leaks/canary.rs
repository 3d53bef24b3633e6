//! The values that must not show, and which part of each is secret: eight characters of a scheme, of PEM armour or of a public
//! number stand in many harmless places.

use serde_json::Value as Json;

/// What the sandbox gives to a run to authenticate with.
pub(crate) const OWN: [&str; 5] = [
    "FLY_API_TOKEN",
    "GITHUB_TOKEN",
    "NEON_API_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "RESEND_API_KEY",
];

/// A value that must not show.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Canary {
    /// As the vendors hold it.
    pub(crate) value: String,
    /// Any eight characters of these give it away.
    pub(crate) secret: Vec<String>,
}

impl Canary {
    /// A value that was minted or delivered, or that a run authenticates with.
    pub(crate) fn of(value: &str) -> Self {
        Self {
            value: value.to_owned(),
            secret: secret_parts(value),
        }
    }
}

/// What values begin with; those that the sandbox gives to a run say so.
const MARKS: [&str; 8] = [
    "napi_sandbox_",
    "napi_",
    "npg_",
    "sk_live_",
    "ghp_sandbox",
    "re_sandbox1_",
    "re_",
    "sandbox/secret/access/key/",
];

/// What of a value nobody can guess.
fn secret_parts(value: &str) -> Vec<String> {
    if value.starts_with("-----BEGIN ") {
        return vec![pem_body(value)];
    }
    if let Ok(Json::Object(jwk)) = serde_json::from_str(value) {
        return jwk_members(&Json::Object(jwk));
    }
    if let Some((_, rest)) = value.split_once("://")
        && let Some((user_info, _)) = rest.rsplit_once('@')
    {
        let password = user_info.split_once(':').map_or(user_info, |(_, password)| password);
        let plain = percent_encoding::percent_decode_str(password).decode_utf8_lossy();
        let mut parts = vec![password.to_owned(), plain.into_owned()];
        parts.dedup();
        return parts;
    }
    if let Some(token) = value.strip_prefix("FlyV1 ") {
        let parts = token.split(',').map(|part| part.strip_prefix("fm2_").unwrap_or(part));
        // The sandbox's parts begin with "permission-N-", "discharge-N-" or "sandbox-permit-" in base64, which is no secret.
        return parts.map(|part| part.chars().skip(20).collect()).collect();
    }
    let mark = MARKS.into_iter().find(|mark| value.starts_with(mark));
    vec![value.strip_prefix(mark.unwrap_or_default()).unwrap_or(value).to_owned()]
}

/// The lines between the armour, without what every key of the kind begins with and without its public half.
fn pem_body(pem: &str) -> String {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let (from, length) = match body.len() {
        // Ed25519 (RFC 8410): 16 bytes of header, 32 of the key, then perhaps the public key.
        ..=120 => (22, 42),
        // P-256 (RFC 5915): 36 bytes of header, 32 of the key, then the public point.
        121..=300 => (48, 42),
        // RSA (RFC 8017): header, public modulus and exponent are less than a third.
        all => (all / 3, all),
    };
    body.chars().skip(from).take(length).collect()
}

/// The private members (RFC 7518 section 6).
fn jwk_members(jwk: &Json) -> Vec<String> {
    let members = ["d", "p", "q", "dp", "dq", "qi", "k"].iter();
    members
        .filter_map(|name| jwk[*name].as_str().map(str::to_owned))
        .collect()
}

/// Every value that the vendors hold or have issued.
pub(crate) fn held(state: &Json) -> Vec<String> {
    let mut found = Vec::new();
    for key in ["fly", "github", "neon", "aws", "resend"] {
        gather(&state[key], "", &mut found);
    }
    found.sort();
    found.dedup();
    found
}

/// Strings under the names by which the sandbox shows values; of machines, what they run with.
fn gather(node: &Json, name: &str, found: &mut Vec<String>) {
    match node {
        Json::String(text) => {
            let shown = ["value", "password", "coming"].contains(&name);
            let public = text.contains("BEGIN PUBLIC KEY") || text.contains("\"kty\"") && !text.contains("\"d\"");
            if shown && text.len() >= 8 && !public {
                found.push(text.clone());
            }
        }
        Json::Array(items) => items.iter().for_each(|item| gather(item, name, found)),
        Json::Object(items) => {
            for (key, item) in items {
                let key = if name == "env" { "value" } else { key };
                gather(item, key, found);
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}
