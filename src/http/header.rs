//! The headers of a request: those that it says itself, those that a protocol adds, and which ones somebody else than this client may write.

use aws_lc_rs::digest;
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use url::Url;

use super::classify;
use super::protocol::{Attempt, Protocol};
use super::request::{Content, Request};
use super::retry::Failure;
use crate::clock::Clock;
use crate::secret::Secret;

/// A header name and its value, and whether it carries a credential.
pub(super) type Header = (HeaderName, HeaderValue, bool);

/// Headers that the HTTP client writes itself, from the URL, the body and the connection (RFC 9110, sections 6.6.2, 7.2, 7.6.1, 7.8, 8.6, 10.1.1
/// and 10.1.4; RFC 9112, section 6.1). Another `content-length` than the body's would make the service wait for the rest.
const OF_THE_CLIENT: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Why a header cannot be sent. Never holds its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderMistake {
    /// The name is none (RFC 9110 section 5.6.2).
    #[error("its name holds a character that HTTP forbids")]
    Name,
    /// The client writes it.
    #[error("the HTTP client writes it itself, from the URL, the body and the connection")]
    OfTheClient,
    /// The value would end the line.
    #[error("its value holds a control character or a line break")]
    Value,
}

/// What is wrong with a header of this name and value.
pub fn header_mistake(name: &str, value: &str) -> Option<HeaderMistake> {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(token) {
        Some(HeaderMistake::Name)
    } else if OF_THE_CLIENT.iter().any(|own| name.eq_ignore_ascii_case(own)) {
        Some(HeaderMistake::OfTheClient)
    } else if value.chars().any(char::is_control) {
        Some(HeaderMistake::Value)
    } else {
        None
    }
}

/// What a request says of its own.
pub(super) fn of_request(request: &Request) -> Result<Vec<Header>, Failure> {
    let mut headers = Vec::new();
    for (name, value) in &request.headers {
        let parsed = value.parse().map_err(|_| malformed(request, name))?;
        headers.push((header_name(request, name)?, parsed, false));
    }
    for (name, value) in &request.secret_headers {
        headers.push(secret_header(request, name, value)?);
    }
    if let Some(content) = &request.content {
        let media_type = content.media_type().parse();
        let media_type = media_type.map_err(|_| classify::refused(request, "the content type is malformed"))?;
        headers.push((CONTENT_TYPE, media_type, false));
    }
    Ok(headers)
}

/// What the protocol adds to one attempt.
pub(super) fn of_protocol(
    protocol: &dyn Protocol,
    request: &Request,
    url: &Url,
    headers: &[Header],
    content: Option<&Content>,
    clock: &Clock,
) -> Result<Vec<Header>, Failure> {
    let refuse = |why: String| classify::refused(request, &why);
    let plain = headers.iter().filter(|(_, _, secret)| !secret);
    let plain = plain.filter_map(|(name, value, _)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
    let body = content.map(Content::bytes).unwrap_or_default();
    let hash = digest::digest(&digest::SHA256, &body);
    let attempt = Attempt {
        method: request.method,
        url: url.as_str(),
        headers: &plain.collect::<Vec<_>>(),
        body_hash: hash.as_ref().try_into().unwrap_or_default(),
        now: clock.real_now(),
    };
    let added = protocol.authenticate(&attempt).map_err(refuse)?;
    let secret = |(name, value): (&'static str, Secret)| secret_header(request, name, &value);
    added.into_iter().map(secret).collect()
}

/// A header that shares the memory of the secret, so that nothing is left behind.
fn secret_header(request: &Request, name: &str, value: &Secret) -> Result<Header, Failure> {
    let bytes = Some(value.bytes()).filter(|bytes| bytes.is_ascii());
    let shared = bytes.and_then(|bytes| HeaderValue::from_maybe_shared(bytes).ok());
    let mut value = shared.ok_or_else(|| malformed(request, name))?;
    value.set_sensitive(true);
    Ok((header_name(request, name)?, value, true))
}

fn header_name(request: &Request, name: &str) -> Result<HeaderName, Failure> {
    name.parse().map_err(|_| malformed(request, name))
}

fn malformed(request: &Request, name: &str) -> Failure {
    classify::refused(
        request,
        &format!("the header {name} holds a character that HTTP forbids"),
    )
}
