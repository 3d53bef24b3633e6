//! An answer with an accepted status, and the capped reading of its body.
//!
//! A body may hold secrets, so it is wiped when the answer is dropped and only ever leaves as parsed data or a [`Secret`].

use std::collections::BTreeMap;
use std::sync::OnceLock;

use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::request::Request;
use crate::call::{CallError, CallErrorKind, Effect};
use crate::secret::Secret;

/// Largest body that is read, in bytes.
pub const BODY_LIMIT: usize = 8 * 1024 * 1024;

/// An answer with an accepted status; the body is at most [`BODY_LIMIT`] bytes.
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers by lower-case name; of repeated ones the last. Values that are not visible ASCII are left out.
    pub headers: BTreeMap<String, String>,
    /// It came from another address than the request's: what was asked for has moved.
    pub redirected: bool,
    body: Zeroizing<String>,
    /// Made on demand: as long as it lives, every eight characters of the body are taken for a secret by the redaction.
    secret: OnceLock<Secret>,
    service: &'static str,
    operation: String,
    effect_on_malformed: Effect,
}

impl Response {
    pub(super) fn new(
        request: &Request,
        status: u16,
        headers: &HeaderMap,
        body: Zeroizing<Vec<u8>>,
        effect_on_malformed: Effect,
    ) -> Self {
        Self {
            status,
            headers: plain(headers),
            redirected: false,
            body: Zeroizing::new(text(body)),
            secret: OnceLock::new(),
            service: request.service,
            operation: request.operation.clone(),
            effect_on_malformed,
        }
    }

    /// The body as JSON. Nesting is limited to 128 levels by the parser.
    ///
    /// # Errors
    /// [`CallErrorKind::Malformed`]; after a write its effect is possible.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        serde_json::from_str(&self.body).map_err(|error| {
            // The parser's own text may quote the body; its position cannot.
            let place = format!(
                "the body is not the expected JSON (line {}, column {})",
                error.line(),
                error.column()
            );
            self.malformed(&place)
        })
    }

    fn malformed(&self, what: &str) -> CallError {
        CallError::new(
            CallErrorKind::Malformed,
            self.effect_on_malformed,
            self.service,
            &*self.operation,
            Some(self.status),
            what,
        )
    }

    /// What `read` makes of the body, which it must not keep: unlike [`Self::text`], its words do not become secrets.
    ///
    /// # Errors
    /// [`CallErrorKind::Malformed`] where `read` finds nothing, with `what` was expected; after a write its effect is possible.
    pub fn parsed<T>(&self, what: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<T, CallError> {
        read(&self.body).ok_or_else(|| self.malformed(what))
    }

    /// The same answer with the body that its receiver has already.
    pub(super) fn with_body(mut self, body: &str) -> Self {
        self.body = Zeroizing::new(body.to_owned());
        self
    }

    /// The body of an answer that holds no value.
    pub(super) fn body(&self) -> &str {
        &self.body
    }

    /// The body as text; it may hold secrets. Bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> &Secret {
        self.secret.get_or_init(|| Secret::new((*self.body).clone()))
    }
}

/// Why a body was not read to its end.
pub(super) enum BodyError {
    /// It is longer than [`BODY_LIMIT`].
    TooLong,
    /// The connection failed.
    Lost(reqwest::Error),
}

/// Reads a body up to [`BODY_LIMIT`].
pub(super) async fn read_body(mut answer: reqwest::Response) -> Result<Zeroizing<Vec<u8>>, BodyError> {
    let announced = answer.content_length().unwrap_or(0);
    if announced > u64::try_from(BODY_LIMIT).unwrap_or(u64::MAX) {
        return Err(BodyError::TooLong);
    }
    let mut body = Zeroizing::new(Vec::with_capacity(usize::try_from(announced).unwrap_or(0)));
    while let Some(chunk) = answer.chunk().await.map_err(BodyError::Lost)? {
        if body.len().saturating_add(chunk.len()) > BODY_LIMIT {
            return Err(BodyError::TooLong);
        }
        append(&mut body, &chunk);
    }
    Ok(body)
}

/// Appends, and wipes the old memory where more is needed.
fn append(body: &mut Zeroizing<Vec<u8>>, chunk: &[u8]) {
    let needed = body.len().saturating_add(chunk.len());
    if needed > body.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(needed.saturating_mul(2)));
        larger.extend_from_slice(body);
        *body = larger;
    }
    body.extend_from_slice(chunk);
}

/// The body as text, in the same memory where it is UTF-8.
pub(super) fn text(mut body: Zeroizing<Vec<u8>>) -> String {
    match String::from_utf8(std::mem::take(&mut *body)) {
        Ok(text) => text,
        Err(error) => {
            let bytes = Zeroizing::new(error.into_bytes());
            String::from_utf8_lossy(&bytes).into_owned()
        }
    }
}

/// The headers as text.
pub(super) fn plain(headers: &HeaderMap) -> BTreeMap<String, String> {
    let readable = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    headers.iter().filter_map(readable).collect()
}
