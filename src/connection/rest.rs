//! A REST API with one credential in a header: what the clients of most vendors are made of.

use serde_json::Value;

use super::{Vendor, segment};
use crate::call::{CallError, CallErrorKind, WritePermit};
use crate::clock::Clock;
use crate::http::{HttpClient, Request, Response};
use crate::secret::Secret;

/// An API, authenticated.
pub struct Rest {
    pub(super) http: HttpClient,
    pub(super) clock: Clock,
    pub(super) vendor: &'static Vendor,
    /// The header that says who calls.
    pub(super) header: &'static str,
    /// What it says.
    pub(super) authorization: Secret,
    /// What the credential is called, such as `API key`.
    pub(super) credential: &'static str,
    /// Where the credential was taken from, as errors say it.
    pub(super) origin: String,
    /// The address that paths are put behind, without a slash at its end.
    pub(super) base_url: String,
    /// The part of the account that calls are about, where the block names one.
    pub(super) tenant: Option<String>,
}

impl Rest {
    /// A request to the path of `segments`, which are percent-encoded; `operation` is a gerund phrase.
    pub(super) fn request(&self, method: &'static str, segments: &[&str], operation: impl Into<String>) -> Request {
        let url = segment::join(&self.base_url, segments);
        Request::new(method, url, self.vendor.title, operation)
            .secret_header(self.header, self.authorization.share())
            .header("accept", "application/json")
            .error_message(message)
    }

    /// Sends a request that changes nothing.
    ///
    /// # Errors
    /// [`CallError`], with advice about the credential where that is the cause.
    pub(super) async fn read(&self, request: Request) -> Result<Response, CallError> {
        self.http.read(request).await.map_err(|error| self.advise(error))
    }

    /// Sends a request that changes something.
    ///
    /// # Errors
    /// As [`Self::read`]; `effect` says whether something may have changed.
    pub(super) async fn write(&self, request: Request, permit: &WritePermit) -> Result<Response, CallError> {
        self.http
            .write(request, permit)
            .await
            .map_err(|error| self.advise(error))
    }

    /// What a refused credential means.
    pub(super) fn advise(&self, error: CallError) -> CallError {
        match error.kind {
            CallErrorKind::Unauthenticated => {
                let advice = refused(self.credential, self.vendor.title, &self.origin);
                error.advise_credential(&self.origin, &advice)
            }
            _ => error,
        }
    }
}

/// The text of that field of an error body, unless it is empty.
pub(super) fn text<'a>(body: &'a Value, name: &str) -> Option<&'a str> {
    body.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// Where most vendors have the message of an error.
fn message(body: &Value) -> Option<String> {
    text(body, "message").map(str::to_owned)
}

/// What to do about a credential that its vendor does not take any more.
pub(super) fn refused(credential: &str, vendor: &str, origin: &str) -> String {
    format!("The {credential} in {origin} is expired, revoked or unknown to {vendor}. Set a valid one.")
}
