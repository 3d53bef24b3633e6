//! What an error of the SDK means: the kind of error, and whether something may have changed.
//!
//! AWS tells errors apart by their code, not by the HTTP status: throttling arrives as 400 with JSON protocols.
//! Only the message that AWS wrote is passed on; never a request, and never a `Debug` text of the SDK.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ssm::config::http::HttpResponse;
use aws_sdk_ssm::error::{ProvideErrorMetadata, SdkError};
use http_body_util::LengthLimitError;

use super::guard::RefusedEndpoint;
use crate::call::{CallError, CallErrorKind, Effect};
use crate::http::{BODY_LIMIT, WITHHELD, readable};

/// A call as its error texts describe it.
pub(super) struct Call<'a> {
    /// The service as its users call it.
    pub(super) service: &'static str,
    /// A gerund phrase.
    pub(super) operation: &'a str,
    /// The IAM action that permits it.
    pub(super) action: &'static str,
    /// The ARN pattern to grant it on.
    pub(super) resource: &'a str,
    /// Whether it may change something.
    pub(super) writes: bool,
}

impl Call<'_> {
    /// Logs how an attempt ended, and classifies a failure.
    pub(super) fn settle<T, E>(&self, outcome: Result<T, SdkError<E, HttpResponse>>) -> Result<T, CallError>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let outcome = outcome.map_err(|error| self.failed(&error));
        match &outcome {
            Ok(_) => tracing::debug!(service = self.service, operation = self.operation, "call done"),
            Err(error) => tracing::debug!(
                service = self.service,
                operation = self.operation,
                status = error.status,
                kind = ?error.kind,
                effect = ?error.effect,
                "call failed"
            ),
        }
        outcome
    }

    fn failed<E>(&self, error: &SdkError<E, HttpResponse>) -> CallError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let unknown = if self.writes { Effect::Possible } else { Effect::None };
        let status = error.raw_response().map(|response| response.status().as_u16());
        let new =
            |kind, effect, message: &str| CallError::new(kind, effect, self.service, self.operation, status, message);
        match error {
            SdkError::ServiceError(answer) => {
                let code = answer.err().code().unwrap_or_default();
                let kind = kind(code, status.unwrap_or_default());
                let effect = match kind {
                    CallErrorKind::Unavailable | CallErrorKind::Malformed => unknown,
                    _ => Effect::None,
                };
                let said = match (code, answer.err().message().unwrap_or_default()) {
                    ("", message) => message.to_owned(),
                    (code, "") => code.to_owned(),
                    (code, message) => format!("{code}: {message}"),
                };
                // GetParameter answers with a value that redaction does not know yet.
                let message = match self.action {
                    "ssm:GetParameter" if kind == CallErrorKind::Unavailable => WITHHELD.to_owned(),
                    "ssm:GetParameter" => readable(&said, &[self.operation, self.resource]),
                    _ => said,
                };
                let error = new(kind, effect, &message);
                match self.advice(code, &error.kind) {
                    Some(advice) => error.advise(&advice),
                    None => error,
                }
            }
            error if in_chain::<LengthLimitError>(error).is_some() => {
                let what = format!("the body is longer than {} MiB", BODY_LIMIT / (1024 * 1024));
                new(CallErrorKind::Malformed, unknown, &what)
            }
            SdkError::ResponseError(_) => new(
                CallErrorKind::Malformed,
                unknown,
                "the answer is not what AWS documents",
            ),
            SdkError::TimeoutError(_) => new(CallErrorKind::TimedOut, unknown, ""),
            error => self.not_answered(error, unknown),
        }
    }

    /// No answer came: the request was not built, not sent, or lost.
    fn not_answered<E>(&self, error: &SdkError<E, HttpResponse>, unknown: Effect) -> CallError
    where
        E: Error + 'static,
    {
        let new =
            |kind, effect, message: &str| CallError::new(kind, effect, self.service, self.operation, None, message);
        if let Some(refusal) = in_chain::<RefusedEndpoint>(error) {
            return new(CallErrorKind::Invalid, Effect::None, &refusal.to_string());
        }
        let cause = chain(error).last().map(ToString::to_string).unwrap_or_default();
        // What a credential process says may be anything, a credential included.
        let cause = cause.split("Stderr:").next().unwrap_or_default().trim_end();
        // The SDK has no public type for its own limit of 30 seconds on finding credentials.
        let late = cause.starts_with("identity resolver timed out");
        if late || in_chain::<CredentialsError>(error).is_some() {
            let message = format!("there are no usable AWS credentials ({cause})");
            return new(CallErrorKind::Unauthenticated, Effect::None, &message).advise(
                "Looked for, in this order: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile (`profile` in the aws \
                 block, else AWS_PROFILE; keys, SSO, credential_process), AWS_WEB_IDENTITY_TOKEN_FILE, container and instance \
                 roles. With `assume_role`, the caller needs sts:AssumeRole on the role.",
            );
        }
        // A connection that was never made: DNS, refused, TLS, or no answer while connecting.
        let connecting = in_chain::<hyper_util::client::legacy::Error>(error)
            .is_some_and(hyper_util::client::legacy::Error::is_connect);
        if let Some(tls) = in_chain::<rustls::Error>(error).filter(|_| connecting) {
            let message = format!("TLS: {tls}; SSL_CERT_FILE can name a file of further certificate authorities");
            return new(CallErrorKind::Unavailable, Effect::None, &message);
        }
        match error {
            SdkError::ConstructionFailure(_) => new(CallErrorKind::Invalid, Effect::None, cause),
            SdkError::DispatchFailure(_) if connecting => new(CallErrorKind::Unavailable, Effect::None, cause),
            SdkError::DispatchFailure(failure) if failure.is_user() => new(CallErrorKind::Invalid, Effect::None, cause),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => new(CallErrorKind::TimedOut, unknown, ""),
            _ => new(
                CallErrorKind::Unavailable,
                unknown,
                &format!("the connection was lost: {cause}"),
            ),
        }
    }

    fn advice(&self, code: &str, kind: &CallErrorKind) -> Option<String> {
        let (action, resource) = (self.action, self.resource);
        match (code, kind) {
            // No policy of the caller can deny it.
            (_, CallErrorKind::Forbidden) if action == "sts:GetCallerIdentity" => {
                Some("It needs no permission: check the policy of the VPC endpoint for STS, if calls go through one.".to_owned())
            }
            (_, CallErrorKind::Forbidden) => Some(format!(
                "Grant this run {action} on {resource}; with a customer managed key also kms:Encrypt and kms:Decrypt on the key."
            )),
            (_, CallErrorKind::Unauthenticated) => Some(
                "Check the credentials of this run: expired session, wrong keys, or a clock that is off by minutes.".to_owned(),
            ),
            ("ParameterMaxVersionLimitExceeded", _) => Some(format!(
                "Parameter Store keeps 100 versions and drops the oldest, unless a label is parked on it. Move that label to a \
                 newer version or remove it (aws ssm get-parameter-history, aws ssm unlabel-parameter-version) on {resource}, \
                 then apply again."
            )),
            ("HierarchyTypeMismatchException", _) => Some(
                "A parameter cannot change its type: delete it first, choose another name, or set `type` to what it is.".to_owned(),
            ),
            ("ParameterLimitExceeded", _) => Some(
                "The account has as many parameters as its tier allows; set tier = \"Advanced\" or delete some.".to_owned(),
            ),
            ("InvalidKeyId", _) => Some(
                "Check `key_id`: the key must exist in this region, be enabled, symmetric, and usable by this run.".to_owned(),
            ),
            _ => None,
        }
    }
}

/// The kind of an error that AWS answered with: its code, or the status where the code says nothing.
///
/// Codes: the "Errors" sections of the Systems Manager API reference, and its page "Common Errors".
fn kind(code: &str, status: u16) -> CallErrorKind {
    match code {
        "ThrottlingException"
        | "Throttling"
        | "TooManyUpdates"
        | "RequestLimitExceeded"
        | "TooManyRequestsException" => CallErrorKind::RateLimited { retry_after: None },
        "AccessDeniedException" | "AccessDenied" | "UnauthorizedOperation" | "OptInRequired" => {
            CallErrorKind::Forbidden
        }
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "ExpiredTokenException"
        | "ExpiredToken"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "RequestExpired"
        | "NotAuthorized" => CallErrorKind::Unauthenticated,
        "ParameterNotFound" | "ParameterVersionNotFound" | "InvalidResourceId" => CallErrorKind::NotFound,
        "ParameterAlreadyExists" | "HierarchyTypeMismatchException" | "ParameterMaxVersionLimitExceeded" => {
            CallErrorKind::Conflict
        }
        _ => match status {
            401 => CallErrorKind::Unauthenticated,
            403 => CallErrorKind::Forbidden,
            404 => CallErrorKind::NotFound,
            409 | 412 => CallErrorKind::Conflict,
            429 => CallErrorKind::RateLimited { retry_after: None },
            400..=499 => CallErrorKind::Invalid,
            500.. => CallErrorKind::Unavailable,
            _ => CallErrorKind::Malformed,
        },
    }
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    // `io::Error::source` skips what it wraps.
    std::iter::successors(Some(error), |&error| {
        match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

fn in_chain<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    chain(error).find_map(|cause| cause.downcast_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_says_more_than_the_status() {
        let limited = CallErrorKind::RateLimited { retry_after: None };
        for (code, status, expected) in [
            ("ThrottlingException", 400, limited.clone()),
            ("TooManyUpdates", 400, limited),
            ("AccessDeniedException", 400, CallErrorKind::Forbidden),
            ("ExpiredTokenException", 400, CallErrorKind::Unauthenticated),
            ("ParameterNotFound", 400, CallErrorKind::NotFound),
            ("HierarchyTypeMismatchException", 400, CallErrorKind::Conflict),
            ("ValidationException", 400, CallErrorKind::Invalid),
            ("InternalServerError", 500, CallErrorKind::Unavailable),
            ("", 503, CallErrorKind::Unavailable),
            ("", 403, CallErrorKind::Forbidden),
        ] {
            assert_eq!(kind(code, status), expected, "{code} {status}");
        }
    }

    fn failed(cause: impl Into<Box<dyn Error + Send + Sync>>) -> CallError {
        use aws_sdk_ssm::operation::put_parameter::PutParameterError;
        use aws_smithy_runtime_api::client::result::ConnectorError;
        let call = Call {
            service: "AWS SSM",
            operation: "writing",
            action: "ssm:PutParameter",
            resource: "*",
            writes: true,
        };
        let error = SdkError::<PutParameterError, _>::dispatch_failure(ConnectorError::other(cause.into(), None));
        call.failed(&error)
    }

    #[test]
    fn an_endpoint_that_is_refused_is_a_refusal_and_nothing_was_sent() {
        let error = failed(RefusedEndpoint("plain http".to_owned()));
        assert_eq!((&error.kind, error.effect), (&CallErrorKind::Invalid, Effect::None));
        assert_eq!(error.answer(), "AWS SSM: the endpoint cannot be used: plain http.");
    }

    #[test]
    fn what_a_credential_process_says_is_not_passed_on() {
        let said = "external process exited with code 1. Stderr: boom token=procSECRET0123456789abcdef";
        let error = failed(CredentialsError::provider_error(said));
        assert_eq!(error.kind, CallErrorKind::Unauthenticated);
        assert!(
            error.message.contains("exited with code 1.") && !error.message.contains("boom"),
            "{error}"
        );
    }
}
