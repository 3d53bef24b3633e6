//! The connection to Resend: its API for API keys and domains.
//!
//! Statuses do not tell a key that Resend does not take (400, 401 or 403) from one that may only send (401); the `name` of the
//! error does, mostly. Keys have no expiry, a name of up to 50 characters, and a value that is told once.
//! <https://resend.com/docs/api-reference/errors>, <https://resend.com/docs/api-reference/api-keys/create-api-key>

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::account::no_blocks;
use super::keyed::{Keyed, KeyedAccount, KeyedClient};
use super::rest::Rest;
use super::uuid::is_uuid;
use super::{Endpoint, KeyApi, KeyRing, ListedKey, Vendor, pages};
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::http::Request;
use crate::secret::Secret;

/// The vendor.
pub static VENDOR: Vendor = Vendor {
    block: "resend",
    title: "Resend",
    description: "[Resend](https://resend.com/docs/api-reference/introduction): API keys. Arguments that you omit come from the \
                  environment; the block may be empty.",
    attributes: || KEYED.attributes(),
    blocks: no_blocks,
    named: "",
    has_default: true,
    open: |opening| KEYED.open::<ResendClient>(opening),
};

/// Its key and address.
pub(super) const KEYED: Keyed = Keyed {
    argument: "api_key",
    variable: "RESEND_API_KEY",
    credential: "API key",
    api: Endpoint::whole("RESEND_BASE_URL", "https://api.resend.com"),
    other: None,
    tenant: None,
};

/// Keys per page, the most that Resend gives.
const PAGE: &str = "100";

/// An account at Resend; it may lack a key.
pub type Resend = KeyedAccount<ResendClient>;

/// Resend, authenticated; cheap to clone, all clones share what was listed.
#[derive(Clone)]
pub struct ResendClient(Arc<KeyApi>);

impl KeyedClient for ResendClient {
    const VENDOR: &'static Vendor = &VENDOR;

    fn over(api: Rest) -> Self {
        Self(Arc::new(KeyApi::over(api)))
    }
}

#[derive(Deserialize)]
struct Page {
    has_more: bool,
    data: Vec<ListedKey>,
}

/// What a key may do (schema `CreateApiKeyRequest`).
#[derive(Clone, Serialize)]
pub(crate) struct Scope {
    pub(crate) permission: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) domain_id: Option<String>,
}

#[derive(Serialize)]
struct NewKey<'a> {
    name: &'a str,
    #[serde(flatten)]
    scope: &'a Scope,
}

#[derive(Deserialize)]
struct Created {
    id: String,
    token: String,
}

impl ResendClient {
    fn request(&self, method: &'static str, segments: &[&str], operation: impl Into<String>) -> Request {
        self.0.rest.request(method, segments, operation).refusal_kind(refusal)
    }

    fn advise(&self, error: CallError) -> CallError {
        match error.kind {
            CallErrorKind::Forbidden => error.advise(&format!(
                "Only an API key with full access can manage keys. Set {} to one.",
                self.0.rest.origin
            )),
            _ => error,
        }
    }

    /// Makes a key; returns its id and its value, which is not told again. With [`Effect::Possible`] in the error it may exist.
    pub(crate) async fn create_key(
        &self,
        name: &str,
        scope: &Scope,
        permit: &WritePermit,
    ) -> Result<(String, Secret), CallError> {
        let operation = format!("minting API key {name}");
        let request = self.request("POST", &["api-keys"], &*operation).secret_answer();
        let answer = self.0.rest.write(request.json(&NewKey { name, scope }), permit).await;
        self.0.listings.forget("");
        let Created { id, token } = answer.map_err(|error| self.advise(error))?.json()?;
        let token = Secret::new(token);
        if !is_uuid(&id) || token.is_empty() {
            let why = "the answer has no id or no token";
            return Err(CallError::malformed(VENDOR.title, operation, Effect::Possible, why));
        }
        Ok((id, token))
    }

    /// Asks for a domain; one that is missing is an error of [`CallErrorKind::NotFound`].
    pub(crate) async fn domain(&self, id: &str) -> Result<(), CallError> {
        let request = self.request("GET", &["domains", id], format!("looking up domain {id}"));
        let answer = self.0.rest.read(request).await.map(drop);
        answer.map_err(|error| match error.kind {
            CallErrorKind::NotFound => error.advise(&format!(
                "This account has no domain {id}. Compare `domain_id` with the id on the domain's page at Resend."
            )),
            _ => self.advise(error),
        })
    }
}

#[async_trait]
impl KeyRing for ResendClient {
    fn api(&self) -> &KeyApi {
        &self.0
    }

    async fn keys_now(&self) -> Result<Vec<ListedKey>, CallError> {
        let operation = "listing API keys";
        let page = |after: Option<String>| async move {
            let request = self.request("GET", &["api-keys"], operation).query("limit", PAGE);
            let request = match after {
                Some(id) => request.query("after", id),
                None => request.refusal_kind(refusal_of_first_page),
            };
            let answer = self.0.rest.read(request).await.map_err(|error| self.advise(error))?;
            let page: Page = answer.json()?;
            if !page.data.iter().all(|key| is_uuid(&key.id)) {
                let why = "an id in the list is none";
                return Err(CallError::malformed(VENDOR.title, operation, Effect::None, why));
            }
            // An empty page before the last one would come again and again.
            let last = || page.data.last().map(|key| key.id.clone()).unwrap_or_default();
            let next = page.has_more.then(last);
            Ok((page.data, next))
        };
        pages::all(VENDOR.title, operation, page).await
    }

    async fn revoke_key(&self, id: &str, permit: &WritePermit) -> Result<(), CallError> {
        let request = self.request("DELETE", &["api-keys", id], format!("revoking API key {id:?}"));
        let answer = self.0.rest.write(request, permit).await;
        self.0.note_revoked("", id, &answer);
        answer.map(drop).map_err(|error| self.advise(error))
    }
}

/// What the name of an error says.
fn refusal(_status: u16, body: &Value) -> Option<CallErrorKind> {
    match body.get("name")?.as_str()? {
        "restricted_api_key" => Some(CallErrorKind::Forbidden),
        "invalid_api_key" | "missing_api_key" => Some(CallErrorKind::Unauthenticated),
        _ => None,
    }
}

/// A wrong key is a `validation_error` (400), as wrong arguments are. Nothing in the question for the first page can be wrong, so it is
/// the key.
fn refusal_of_first_page(status: u16, body: &Value) -> Option<CallErrorKind> {
    refusal(status, body).or((status == 400).then_some(CallErrorKind::Unauthenticated))
}
