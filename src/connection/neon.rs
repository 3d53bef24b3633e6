//! The connection to Neon: its management API for API keys, roles and their passwords.
//!
//! Neon answers 423 while another operation runs on a project and declares 423 and 503 safe to repeat for every method;
//! everything else that changes something is not idempotent, DELETE included. API keys have no expiry, and roles have one
//! password, which Neon makes itself. <https://neon.com/docs/reference/api-reference>

mod branches;
mod identifier;
mod keys;
mod operations;
mod places;
mod roles;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::account::no_blocks;
use super::keyed::{Keyed, KeyedAccount, KeyedClient};
use super::rest::{self, Rest};
use super::{Endpoint, KeyApi, Vendor};
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::clock::Clock;
use crate::http::{Request, Response, Shared, of_secret_answer};

pub use identifier::{identifier, is_identifier};
pub use keys::{Identity, KeyHolder, NewKey};
pub use operations::Operation;
pub use places::{ComputeEndpoint, Database, Place, Selection};
pub use roles::{Branch, Reset, Role};

/// The service's name in errors.
pub const SERVICE: &str = "Neon";

const BASE_URL: &str = "https://console.neon.tech/api/v2";
const KEY_VARIABLE: &str = "NEON_API_KEY";
const URL_VARIABLE: &str = "NEON_BASE_URL";

/// How long one call waits for a project that is locked, or an API that is away.
const PATIENCE: Duration = Duration::from_secs(120);

/// Pauses between the attempts, doubling from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The statuses that Neon declares safe to repeat, whatever the method.
const REPEATABLE: [u16; 2] = [423, 503];

/// The vendor.
pub static VENDOR: Vendor = Vendor {
    block: "neon",
    title: SERVICE,
    description: "[Neon](https://neon.com/docs/reference/api-reference): API keys and role passwords. Arguments that you omit come from the \
                  environment; the block may be empty.",
    attributes: || KEYED.attributes(),
    blocks: no_blocks,
    named: "",
    has_default: true,
    open: |opening| KEYED.open::<NeonClient>(opening),
};

/// Its key and address.
pub(super) const KEYED: Keyed = Keyed {
    argument: "api_key",
    variable: KEY_VARIABLE,
    credential: "API key",
    api: Endpoint::whole(URL_VARIABLE, BASE_URL),
    other: None,
    tenant: None,
};

/// An account at Neon; it may lack a key.
pub type Neon = KeyedAccount<NeonClient>;

impl KeyedClient for NeonClient {
    const VENDOR: &'static Vendor = &VENDOR;

    fn over(api: Rest) -> Self {
        let clock = api.clock;
        Self(Arc::new(Inner {
            keys: KeyApi::over(api),
            roles: Shared::for_a_while(clock),
            branches: branches::Listings::default(),
        }))
    }
}

/// Neon, authenticated; cheap to clone, all clones share what was listed.
#[derive(Clone)]
pub struct NeonClient(Arc<Inner>);

struct Inner {
    keys: KeyApi,
    roles: roles::Listings,
    branches: branches::Listings,
}

/// A call as it can be made again: Neon asks for repetition more often than others.
struct Call<'a> {
    method: &'static str,
    segments: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
    body: Option<&'a Value>,
    operation: String,
    secret_answer: bool,
}

impl<'a> Call<'a> {
    /// A call to the path of `segments`, which are percent-encoded; `operation` is a gerund phrase.
    fn new(method: &'static str, segments: &'a [&'a str], operation: impl Into<String>) -> Self {
        Self {
            method,
            segments,
            query: &[],
            body: None,
            operation: operation.into(),
            secret_answer: false,
        }
    }

    /// The answer holds a value: [`Request::secret_answer`].
    fn secret_answer(mut self) -> Self {
        self.secret_answer = true;
        self
    }
}

impl NeonClient {
    /// Its API, with the listings of keys.
    pub fn key_api(&self) -> &KeyApi {
        &self.0.keys
    }

    /// The clock.
    pub fn clock(&self) -> Clock {
        self.0.keys.rest.clock
    }

    fn request(&self, call: &Call<'_>) -> Request {
        let api = &self.0.keys.rest;
        let mut request = api
            .request(call.method, call.segments, &*call.operation)
            .idempotent(call.method == "GET")
            .accept(&REPEATABLE)
            .error_message(message);
        for (name, value) in call.query {
            request = request.query(name, *value);
        }
        if call.secret_answer {
            request = request.secret_answer();
        }
        match call.body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    /// Makes a call that changes nothing.
    async fn read(&self, call: &Call<'_>) -> Result<Response, CallError> {
        self.patiently(call, None).await
    }

    /// Makes a call that changes something; sent again only after an answer that Neon declares safe to repeat.
    async fn write(&self, call: &Call<'_>, permit: &WritePermit) -> Result<Response, CallError> {
        self.patiently(call, Some(permit)).await
    }

    async fn patiently(&self, call: &Call<'_>, permit: Option<&WritePermit>) -> Result<Response, CallError> {
        let mut polling = self.clock().polling(PATIENCE, FIRST_PAUSE..=LONGEST_PAUSE);
        loop {
            let request = self.request(call);
            let response = match permit {
                Some(permit) => self.0.keys.rest.write(request, permit).await?,
                None => self.0.keys.rest.read(request).await?,
            };
            if !REPEATABLE.contains(&response.status) {
                return Ok(response);
            }
            if !polling.again_after(wait_asked_for(&response)).await {
                return Err(unavailable(call, &response));
            }
        }
    }
}

/// `Retry-After` in seconds (RFC 9110 section 10.2.3).
fn wait_asked_for(response: &Response) -> Option<Duration> {
    let seconds = response.headers.get("retry-after")?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The error of a call that Neon put off for too long. It had no effect, or repeating it would not be safe.
fn unavailable(call: &Call<'_>, response: &Response) -> CallError {
    let (kind, advice) = if response.status == 423 {
        let advice = "Another operation has locked the project. Nothing was changed. Apply again when it has finished.";
        (CallErrorKind::Conflict, advice)
    } else {
        let advice = "Neon is not available. Nothing was changed. Apply again later.";
        (CallErrorKind::Unavailable, advice)
    };
    let mut text = response.json().ok().as_ref().and_then(message).unwrap_or_default();
    if call.secret_answer {
        text = of_secret_answer(response.status, &text, &[&call.operation]);
    }
    let status = Some(response.status);
    CallError::new(kind, Effect::None, SERVICE, &*call.operation, status, &text).advise(advice)
}

/// The message of an error and its code (Neon's schema `GeneralError`).
fn message(body: &Value) -> Option<String> {
    match (rest::text(body, "message"), rest::text(body, "code")) {
        (Some(message), Some(code)) => Some(format!("{message} ({code})")),
        (Some(text), None) | (None, Some(text)) => Some(text.to_owned()),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::Value as Config;

    fn client(block: &Config, environment: &[(&str, &str)]) -> NeonClient {
        let provider = Config::object([("neon", block.clone())]);
        let (connections, problems) = super::super::opened(&provider, environment);
        assert!(problems.is_empty());
        connections.own().account::<Neon>().unwrap().client().unwrap()
    }

    #[test]
    fn the_block_comes_before_the_environment() {
        let environment = [
            ("NEON_API_KEY", "from-environment\n"),
            ("NEON_BASE_URL", "http://127.0.0.1:1/api/\n"),
        ];
        let of_environment = client(&Config::Null, &environment);
        assert_eq!(
            of_environment.0.keys.rest.authorization.expose(),
            "Bearer from-environment"
        );
        assert_eq!(of_environment.0.keys.rest.base_url, "http://127.0.0.1:1/api");
        let block = Config::object([("api_key", Config::string("from-block"))]);
        let client = client(&block, &environment[..1]);
        assert_eq!(client.0.keys.rest.authorization.expose(), "Bearer from-block");
        assert_eq!(client.0.keys.rest.base_url, BASE_URL);
    }

    #[test]
    fn odd_names_stay_inside_their_path_segment() {
        let client = client(&Config::Null, &[("NEON_API_KEY", "x")]);
        let request = client.request(&Call::new("GET", &["roles", "a/../b?c#d é"], "testing"));
        assert_eq!(request.url(), format!("{BASE_URL}/roles/a%2F..%2Fb%3Fc%23d%20%C3%A9"));
    }

    #[test]
    fn an_error_keeps_message_and_code() {
        let body = serde_json::json!({ "request_id": "r", "code": "ROLE_NOT_FOUND", "message": "role not found" });
        assert_eq!(message(&body).as_deref(), Some("role not found (ROLE_NOT_FOUND)"));
        assert_eq!(
            message(&serde_json::json!({ "code": "", "message": "m" })).as_deref(),
            Some("m")
        );
        assert_eq!(message(&serde_json::json!([])), None);
    }
}
