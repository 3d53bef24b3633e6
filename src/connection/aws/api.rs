//! The API of one AWS service in one account and region: signed requests over the common HTTP client.
//!
//! Reads are repeated. Writes are repeated only after a refusal (throttling) or when no connection was made: a write whose answer was
//! lost may have been made, and the services that we write to know no compare-and-set.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use serde::Serialize;

use super::failure;
use super::identity::Identity;
use super::signed::SignedCall;
use crate::call::{CallError, CallErrorKind, WritePermit};
use crate::http::{HttpClient, Request, Response};
use crate::secret::Secret;

/// Attempts of a write that is refused for being too fast, or never leaves. PutParameter is allowed a few times a second
/// and account.
const WRITE_ATTEMPTS: u32 = 6;

/// A service, as AWS's model of it says (`metadata` of its `service-2.json`).
#[derive(Debug)]
pub(super) struct Service {
    /// As its users call it.
    pub(super) title: &'static str,
    /// `serviceId`, by which shared configuration files name it.
    pub(super) id: &'static str,
    /// `endpointPrefix`, which is the name in signatures as well.
    pub(super) prefix: &'static str,
    /// Its protocol, with its `targetPrefix` or `apiVersion`.
    pub(super) wire: Wire,
}

/// How requests are written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wire {
    /// AWS JSON 1.1, where `x-amz-target` is this with the operation behind it.
    Json(&'static str),
    /// AWS query, answered in XML, of this version.
    Query(&'static str),
}

/// A service at its endpoint.
pub(super) struct Api {
    pub(super) service: &'static Service,
    pub(super) http: HttpClient,
    pub(super) url: String,
    pub(super) region: String,
    pub(super) identity: Arc<Identity>,
    /// By how many seconds the service's clock is ahead of ours, where that has been the cause of a refusal.
    pub(super) skew: Arc<AtomicI64>,
    /// Attempts of a read.
    pub(super) read_attempts: u32,
    /// Where calls go and who says so, as a sentence; `None` for AWS itself.
    pub(super) address: Option<String>,
}

/// A call as its error texts describe it.
pub(super) struct Call<'a> {
    /// The IAM action that permits it, such as `ssm:PutParameter`; the operation is behind the colon.
    pub(super) action: &'static str,
    /// A gerund phrase.
    pub(super) operation: &'a str,
    /// The ARN pattern to grant it on.
    pub(super) resource: &'a str,
    /// The answer holds a value that redaction does not know yet.
    pub(super) secret_answer: bool,
}

impl Api {
    /// Asks for something.
    ///
    /// # Errors
    /// Those of the operation.
    pub(super) async fn ask(&self, call: &Call<'_>, body: &(impl Serialize + Sync)) -> Result<Response, CallError> {
        let request = self.request(call, body).attempts(self.read_attempts);
        let request = self.sign(call, request).await?;
        self.settle(call, Box::pin(self.http.read(request)).await)
    }

    /// Changes something.
    ///
    /// # Errors
    /// Those of the operation; `effect` says whether something may have changed.
    pub(super) async fn change(
        &self,
        call: &Call<'_>,
        body: &(impl Serialize + Sync),
        permit: &WritePermit,
    ) -> Result<Response, CallError> {
        let request = self.request(call, body).attempts(WRITE_ATTEMPTS);
        let request = self.sign(call, request).await?;
        self.settle(call, Box::pin(self.http.write(request, permit)).await)
    }

    fn request(&self, call: &Call<'_>, body: &impl Serialize) -> Request {
        let (_, name) = call.action.split_once(':').unwrap_or_default();
        let request = Request::new("POST", &*self.url, self.service.title, call.operation);
        let request = match self.service.wire {
            Wire::Json(prefix) => request
                .header("x-amz-target", format!("{prefix}.{name}"))
                .json_of_type("application/x-amz-json-1.1", body),
            // Of those that we call, none takes arguments. Our words are no secret that the redaction should take out of errors.
            Wire::Query(version) => request.body(
                "application/x-www-form-urlencoded",
                Secret::plain(format!("Action={name}&Version={version}")),
            ),
        };
        match call.secret_answer {
            true => request.secret_answer(),
            false => request,
        }
    }

    async fn sign(&self, call: &Call<'_>, request: Request) -> Result<Request, CallError> {
        let credentials = self.identity.credentials().await;
        let credentials =
            credentials.map_err(|cause| failure::no_credentials(self.service.title, call.operation, &cause))?;
        Ok(request.protocol(Arc::new(SignedCall::new(
            credentials,
            self.service.prefix,
            &self.region,
            Arc::clone(&self.skew),
            call.action,
            call.resource.to_owned(),
        ))))
    }

    /// Logs how a call ended. An error of a call that nobody answered says where it went, unless that was AWS itself.
    fn settle<T>(&self, call: &Call<'_>, outcome: Result<T, CallError>) -> Result<T, CallError> {
        let (service, operation) = (self.service.title, call.operation);
        match outcome {
            Ok(answer) => {
                tracing::debug!(service, operation, "call done");
                Ok(answer)
            }
            Err(error) => {
                tracing::debug!(service, operation, status = error.status, kind = ?error.kind, effect = ?error.effect, "call failed");
                let unanswered = matches!(error.kind, CallErrorKind::Unavailable | CallErrorKind::TimedOut);
                Err(match &self.address {
                    Some(address) if unanswered && error.status.is_none() => error.advise(address),
                    _ => error,
                })
            }
        }
    }
}
