//! A request under construction, and what its sender said about repeating it.
//!
//! Nothing is sent or checked here. Headers that hold a credential are kept apart from the others, because they alone
//! are marked sensitive and dropped at a redirect to another origin.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use zeroize::Zeroizing;

use super::protocol::Protocol;
use super::retry;
use crate::call::CallErrorKind;
use crate::secret::Secret;

/// Time for one attempt when the request does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// How the field of an error body that carries the message is found. Nothing else of an unexpected body is passed on.
pub type ErrorMessage = fn(&serde_json::Value) -> Option<String>;

/// How a limit is told by an error's message alone, and how long it lasts when nothing else says so.
pub type WordedLimit = fn(&str) -> Option<Duration>;

/// What a refusal (4xx) means whose status says something else than its body: a service's own code for it. `None`: what the status says.
pub type RefusalKind = fn(u16, &serde_json::Value) -> Option<CallErrorKind>;

/// What is sent after the headers.
pub(super) enum Content {
    /// JSON. Not a [`Secret`]: the redaction would take the harmless words around the values for secrets too.
    Json(&'static str, Bytes),
    /// Anything else, secret as a whole.
    Other(String, Secret),
}

impl Content {
    pub(super) fn media_type(&self) -> &str {
        match self {
            Self::Json(media_type, _) => media_type,
            Self::Other(media_type, _) => media_type,
        }
    }

    fn share(&self) -> Self {
        match self {
            Self::Json(media_type, text) => Self::Json(media_type, text.clone()),
            Self::Other(media_type, text) => Self::Other(media_type.clone(), text.share()),
        }
    }

    /// The bytes; all attempts share one copy, which is wiped when the last has ended.
    pub(super) fn bytes(&self) -> Bytes {
        match self {
            Self::Json(_, text) => text.clone(),
            Self::Other(_, text) => text.bytes(),
        }
    }
}

/// The text of `body`, allocated once: a buffer that grows leaves copies behind.
fn json<T: Serialize + ?Sized>(body: &T) -> Zeroizing<Vec<u8>> {
    let mut length = Counter(0);
    let mut text = Zeroizing::new(Vec::new());
    // Only maps whose keys are no strings fail, and a test of each request would show it.
    if serde_json::to_writer(&mut length, body).is_ok() {
        text.reserve_exact(length.0);
        drop(serde_json::to_writer(&mut *text, body));
    }
    text
}

/// Counts what is written.
struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A request under construction.
pub struct Request {
    pub(super) method: &'static str,
    pub(super) url: String,
    pub(super) service: &'static str,
    pub(super) operation: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) secret_headers: Vec<(String, Secret)>,
    pub(super) content: Option<Content>,
    pub(super) timeout: Duration,
    pub(super) idempotent: bool,
    pub(super) attempts: u32,
    pub(super) accept: Vec<u16>,
    pub(super) error_message: Option<ErrorMessage>,
    pub(super) secret_answer: bool,
    pub(super) worded_limit: Option<WordedLimit>,
    pub(super) protocol: Option<Arc<dyn Protocol>>,
    pub(super) refusal_kind: Option<RefusalKind>,
}

impl Request {
    /// A request to `url` of `service`, described by a gerund phrase: `listing secrets of app "x"`. GET, HEAD, PUT and
    /// DELETE count as idempotent (RFC 9110 section 9.2.2).
    pub fn new(
        method: &'static str,
        url: impl Into<String>,
        service: &'static str,
        operation: impl Into<String>,
    ) -> Self {
        Self {
            method,
            url: url.into(),
            service,
            operation: operation.into(),
            query: Vec::new(),
            headers: Vec::new(),
            secret_headers: Vec::new(),
            content: None,
            timeout: DEFAULT_TIMEOUT,
            idempotent: matches!(method, "GET" | "HEAD" | "PUT" | "DELETE"),
            attempts: retry::ATTEMPTS,
            accept: Vec::new(),
            error_message: None,
            secret_answer: false,
            worded_limit: None,
            protocol: None,
            refusal_kind: None,
        }
    }

    /// The same request once more, its secrets and content shared.
    #[must_use]
    pub fn share(&self) -> Self {
        let secret_headers = self.secret_headers.iter();
        Self {
            url: self.url.clone(),
            operation: self.operation.clone(),
            query: self.query.clone(),
            headers: self.headers.clone(),
            secret_headers: secret_headers
                .map(|(name, value)| (name.clone(), value.share()))
                .collect(),
            content: self.content.as_ref().map(Content::share),
            accept: self.accept.clone(),
            protocol: self.protocol.clone(),
            ..*self
        }
    }

    /// The URL with its query parameters, by which an answer is known.
    pub(super) fn whole_url(&self) -> String {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.query)
            .finish();
        format!("{}?{query}", self.url)
    }

    /// The URL as it was given, without query parameters.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it does, as errors say it.
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// Adds a query parameter, percent-encoded.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a header that is no secret.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a header whose value is a secret; it is marked sensitive and dropped at a redirect to another origin.
    #[must_use]
    pub fn secret_header(mut self, name: &str, value: Secret) -> Self {
        self.secret_headers.push((name.to_owned(), value));
        self
    }

    /// A JSON body that may hold secrets; its text is wiped after use. `body` should borrow them: a [`serde_json::Value`] is not wiped.
    #[must_use]
    pub fn json<T: Serialize + ?Sized>(self, body: &T) -> Self {
        self.json_of_type("application/json", body)
    }

    /// The same under a media type of the vendor's own.
    #[must_use]
    pub fn json_of_type<T: Serialize + ?Sized>(mut self, media_type: &'static str, body: &T) -> Self {
        self.content = Some(Content::Json(media_type, Bytes::from_owner(json(body))));
        self
    }

    /// A body of any other type; it is treated as a secret.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: Secret) -> Self {
        self.content = Some(Content::Other(content_type.to_owned(), body));
        self
    }

    /// Time for one attempt, its answer included; 30 seconds by default.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Overrides whether repeating the request does no harm, which permits a retry after an unknown outcome.
    #[must_use]
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = idempotent;
        self
    }

    /// One attempt, whatever happens.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.attempts = 1;
        self
    }

    /// How many attempts there are at most, while [`retry::PATIENCE`] lasts; 5 by default.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Headers for each attempt, and the meaning of refusals, which goes before [`Self::error_message`] and [`Self::worded_limit`].
    #[must_use]
    pub fn protocol(mut self, protocol: Arc<dyn Protocol>) -> Self {
        self.protocol = Some(protocol);
        self
    }

    /// Statuses outside 2xx that are an answer and no error.
    #[must_use]
    pub fn accept(mut self, statuses: &[u16]) -> Self {
        self.accept.extend_from_slice(statuses);
        self
    }

    /// The answer holds a value that nobody on this side knows yet, so that redaction could not find it: of the message of an
    /// error only what reads as language is passed on, and nothing where it may have come after the effect.
    #[must_use]
    pub fn secret_answer(mut self) -> Self {
        self.secret_answer = true;
        self
    }

    /// How the message of a 403 or 429 without any time tells of a limit.
    #[must_use]
    pub fn worded_limit(mut self, limit: WordedLimit) -> Self {
        self.worded_limit = Some(limit);
        self
    }

    /// How an error body tells what a refusal means.
    #[must_use]
    pub fn refusal_kind(mut self, tell: RefusalKind) -> Self {
        self.refusal_kind = Some(tell);
        self
    }

    /// Where an error body keeps its message.
    #[must_use]
    pub fn error_message(mut self, find: ErrorMessage) -> Self {
        self.error_message = Some(find);
        self
    }
}
