//! Signature Version 4 of a request ("Create a signed AWS API request", IAM user guide), computed anew and compared.

use std::collections::BTreeMap;

use aws_lc_rs::{digest, hmac};

use super::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
use crate::call::Call;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Whether a request is signed with the sandbox's access key; otherwise AWS's code and text.
pub(super) fn verify(call: &Call) -> Result<(), (&'static str, &'static str)> {
    let missing = (
        "MissingAuthenticationTokenException",
        "Request is missing Authentication Token",
    );
    let header = call.header("authorization").strip_prefix(ALGORITHM).ok_or(missing)?;
    let parts: BTreeMap<&str, &str> = header
        .split(',')
        .filter_map(|part| part.trim().split_once('='))
        .collect();
    let part = |name: &str| parts.get(name).copied().unwrap_or_default();
    let (key_id, scope) = part("Credential").split_once('/').ok_or(missing)?;
    if key_id != ACCESS_KEY_ID {
        return Err((
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ));
    }
    let expected = sign(call, part("SignedHeaders"), scope);
    if expected.as_deref() == Some(part("Signature")) {
        return Ok(());
    }
    Err((
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided.",
    ))
}

fn sign(call: &Call, signed_headers: &str, scope: &str) -> Option<String> {
    let mut scope_parts = scope.split('/');
    let (date, region, service) = (scope_parts.next()?, scope_parts.next()?, scope_parts.next()?);
    let headers: String = signed_headers
        .split(';')
        .map(|name| {
            let words: Vec<&str> = call.header(name).split_whitespace().collect();
            format!("{name}:{}\n", words.join(" "))
        })
        .collect();
    let mut query: Vec<&str> = call.search.split('&').filter(|pair| !pair.is_empty()).collect();
    query.sort_unstable();
    let body = hex(digest::digest(&digest::SHA256, &call.raw).as_ref());
    let (method, path) = (&call.method, &call.path);
    let canonical = format!(
        "{method}\n{path}\n{}\n{headers}\n{signed_headers}\n{body}",
        query.join("&")
    );
    let hashed = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let text = format!("{ALGORITHM}\n{}\n{scope}\n{hashed}", call.header("x-amz-date"));
    let mut key = format!("AWS4{SECRET_ACCESS_KEY}").into_bytes();
    for step in [date, region, service, "aws4_request"] {
        key = mac(&key, step);
    }
    Some(hex(&mac(&key, &text)))
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
