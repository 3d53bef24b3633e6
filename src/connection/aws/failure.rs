//! What AWS's errors mean: the kind of error, and what to do about it.
//!
//! AWS tells errors apart by their code, not by the HTTP status: throttling arrives as 400 with JSON protocols.
//! Only code and message are passed on, nothing else of an answer.

use std::error::Error;

use aws_smithy_xml::decode::{Document, ScopedDecoder, try_data};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::call::{CallError, CallErrorKind, Effect};
use crate::http::Refused;

/// Code and message of an error, each empty where the answer does not say.
///
/// JSON: "AWS JSON 1.1 protocol", section "Operation error serialization" (smithy.io): a header, or one of two fields; of
/// `namespace#Code:URI` the code counts. XML: `ErrorResponse`, as the query APIs document it.
pub(super) fn told(refused: &Refused<'_>) -> (String, String) {
    // A field that is no text must not hide the others.
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Field {
        Text(String),
        Other(IgnoredAny),
    }
    #[derive(Deserialize, Default)]
    struct Body {
        #[serde(rename = "__type")]
        kind: Option<Field>,
        code: Option<Field>,
        message: Option<Field>,
        #[serde(rename = "Message")]
        capital: Option<Field>,
    }
    let text = |field: Option<Field>| match field {
        Some(Field::Text(text)) => Some(text),
        Some(Field::Other(IgnoredAny)) | None => None,
    };
    if refused.body.trim_start().starts_with('<') {
        let field = |name| text_at(refused.body, &["Error", name]).unwrap_or_default();
        return (field("Code"), field("Message"));
    }
    let body: Body = serde_json::from_str(refused.body).unwrap_or_default();
    let named = refused.headers.get("x-amzn-errortype").cloned();
    let code = named.or(text(body.kind)).or(text(body.code)).unwrap_or_default();
    let code = code.split(':').next().unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default();
    let message = text(body.message).or(text(body.capital)).unwrap_or_default();
    (code.to_owned(), message)
}

/// The text of the first element on this way below the root, whatever the namespace.
pub(super) fn text_at(xml: &str, path: &[&str]) -> Option<String> {
    fn below(scope: &mut ScopedDecoder<'_, '_>, path: &[&str]) -> Option<String> {
        let Some((name, rest)) = path.split_first() else {
            return try_data(scope).ok().map(|text| text.into_owned());
        };
        while let Some(mut tag) = scope.next_tag() {
            if tag.start_el().local() == *name {
                return below(&mut tag, rest);
            }
        }
        None
    }
    let mut document = Document::new(xml);
    below(&mut document.root_element().ok()?, path)
}

/// There is nothing to sign a request with.
pub(super) fn no_credentials(service: &'static str, operation: &str, cause: &str) -> CallError {
    let message = format!("there are no usable AWS credentials ({cause})");
    CallError::new(
        CallErrorKind::Unauthenticated,
        Effect::None,
        service,
        operation,
        None,
        &message,
    )
    .advise(
        "Looked for, in this order: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile (`profile` in the aws \
         block, else AWS_PROFILE; keys, SSO, credential_process), AWS_WEB_IDENTITY_TOKEN_FILE, container and instance \
         roles. With `assume_role`, the caller needs sts:AssumeRole on the role.",
    )
}

/// What the user can do about an error of this code and kind. `action` is the IAM action of the call, `resource` the ARN pattern to grant it on.
pub(super) fn advice(code: &str, kind: Option<&CallErrorKind>, action: &str, resource: &str) -> Option<String> {
    match (code, kind) {
        // No policy of the caller can deny it.
        (_, Some(CallErrorKind::Forbidden)) if action == "sts:GetCallerIdentity" => Some(
            "It needs no permission: check the policy of the VPC endpoint for STS, if calls go through one.".to_owned(),
        ),
        (_, Some(CallErrorKind::Forbidden)) => Some(format!(
            "Grant this run {action} on {resource}; with a customer managed key also kms:Encrypt and kms:Decrypt on the key."
        )),
        (_, Some(CallErrorKind::Unauthenticated)) => Some(
            "Check the credentials of this run: expired session, wrong keys, or a clock that is off by minutes."
                .to_owned(),
        ),
        ("ParameterMaxVersionLimitExceeded", _) => Some(format!(
            "Parameter Store keeps 100 versions and drops the oldest, unless a label is parked on it. Move that label to a \
             newer version or remove it (aws ssm get-parameter-history, aws ssm unlabel-parameter-version) on {resource}, \
             then apply again."
        )),
        ("HierarchyTypeMismatchException", _) => Some(
            "A parameter cannot change its type: delete it first, choose another name, or set `type` to what it is."
                .to_owned(),
        ),
        ("ParameterLimitExceeded", _) => Some(
            "The account has as many parameters as its tier allows; set tier = \"Advanced\" or delete some.".to_owned(),
        ),
        ("InvalidKeyId", _) => Some(
            "Check `key_id`: the key must exist in this region, be enabled, symmetric, and usable by this run."
                .to_owned(),
        ),
        _ => None,
    }
}

/// The kind of an error by its code; `None` where the HTTP status has to tell.
///
/// Codes: the "Errors" sections of the Systems Manager API reference, its page "Common Errors", and what the SDK for Rust takes for
/// throttling (`aws-runtime`, `retries/classifiers.rs`), but `LimitExceededException`, which is a quota elsewhere.
pub(super) fn kind(code: &str) -> Option<CallErrorKind> {
    Some(match code {
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "TooManyRequestsException"
        | "TooManyUpdates"
        | "RequestLimitExceeded"
        | "BandwidthLimitExceeded"
        | "SlowDown"
        | "PriorRequestNotComplete" => CallErrorKind::RateLimited { retry_after: None },
        "RequestTimeout" | "RequestTimeoutException" => CallErrorKind::TimedOut,
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
        _ => return None,
    })
}

/// An error and its causes, from the outside in.
pub(super) fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    // `io::Error::source` skips what it wraps.
    std::iter::successors(Some(error), |&error| {
        match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn codes_are_known_whatever_the_status() {
        let limited = CallErrorKind::RateLimited { retry_after: None };
        for (code, expected) in [
            ("ThrottlingException", Some(limited.clone())),
            ("TooManyUpdates", Some(limited)),
            ("AccessDeniedException", Some(CallErrorKind::Forbidden)),
            ("ExpiredTokenException", Some(CallErrorKind::Unauthenticated)),
            ("ParameterNotFound", Some(CallErrorKind::NotFound)),
            ("HierarchyTypeMismatchException", Some(CallErrorKind::Conflict)),
            ("RequestTimeout", Some(CallErrorKind::TimedOut)),
            ("ValidationException", None),
            ("InternalServerError", None),
            ("", None),
        ] {
            assert_eq!(kind(code), expected, "{code}");
        }
    }

    #[test]
    fn code_and_message_are_found_in_every_form_of_both_protocols() {
        const URI: &str = "http://internal.amazon.com/coral/com.amazon.coral.validate/";
        let coral = format!("com.amazonaws.ssm#ParameterNotFound:{URI}");
        for (header, body, expected) in [
            (None, r#"{"__type":"ParameterNotFound","message":"m"}"#.to_owned(), ("ParameterNotFound", "m")),
            (None, r#"{"code":"ParameterNotFound","Message":"m"}"#.to_owned(), ("ParameterNotFound", "m")),
            (None, format!(r#"{{"__type":"{coral}"}}"#), ("ParameterNotFound", "")),
            (Some("ThrottlingException:http://x/"), r#"{"__type":"Other"}"#.to_owned(), ("ThrottlingException", "")),
            (Some("ThrottlingException"), "no JSON".to_owned(), ("ThrottlingException", "")),
            (None, r#"{"__type":null,"message":null}"#.to_owned(), ("", "")),
            (
                None,
                r#"{"__type":"Throttling","code":400,"message":"m","Message":"M"}"#.to_owned(),
                ("Throttling", "m"),
            ),
            (
                None,
                "<?xml version=\"1.0\"?>\n<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
                 <Code>ExpiredToken</Code><Message>a &lt; b</Message></Error></ErrorResponse>"
                    .to_owned(),
                ("ExpiredToken", "a < b"),
            ),
            (None, "<html><body>502</body></html>".to_owned(), ("", "")),
            (None, "<ErrorResponse><Error><Code>".to_owned(), ("", "")),
        ] {
            let headers = header.map(|code: &str| ("x-amzn-errortype".to_owned(), code.to_owned()));
            let refused = Refused {
                status: 400,
                headers: &BTreeMap::from_iter(headers),
                body: &body,
                now: jiff::Timestamp::UNIX_EPOCH,
            };
            let (code, message) = told(&refused);
            assert_eq!((code.as_str(), message.as_str()), expected, "{body}");
        }
    }
}
