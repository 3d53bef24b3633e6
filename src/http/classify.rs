//! What a refusal or a lost connection means: the kind of error, and whether something may have changed.
//!
//! Of an unexpected body only the field that the caller pointed at is passed on; the transport's own texts are passed on
//! without the URL.

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::HeaderMap;

use super::protocol::{Refusal, Refused};
use super::request::Request;
use super::response;
use super::retry::{self, Failure};
use super::url_policy::ForbiddenAddress;
use super::withhold;
use crate::call::{CallError, CallErrorKind, Effect};
use crate::clock::Clock;

/// Whether a request may change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    Read,
    Write,
}

impl Intent {
    /// The effect of a request whose outcome is unknown.
    pub(super) fn unknown_effect(self) -> Effect {
        match self {
            Self::Read => Effect::None,
            Self::Write => Effect::Possible,
        }
    }
}

/// A request that never left because of what it says.
pub(super) fn refused(request: &Request, why: &str) -> Failure {
    Failure::lasting(CallError::refused(request.service, &*request.operation, why))
}

/// An answer outside the accepted statuses.
pub(super) fn status(
    request: &Request,
    intent: Intent,
    status: u16,
    headers: &HeaderMap,
    body: &str,
    clock: &Clock,
) -> Failure {
    let unknown = intent.unknown_effect();
    let now = clock.real_now();
    let asked = retry::retry_after(headers, now);
    let told = request.protocol.as_deref().map(|protocol| {
        let headers = &response::plain(headers);
        protocol.refusal(&Refused {
            status,
            headers,
            body,
            now,
        })
    });
    let Refusal {
        message: said,
        kind: coded,
        advice,
        corrected,
    } = told.unwrap_or_else(|| Refusal {
        message: vendor_message(request, body),
        ..Refusal::default()
    });
    // A limit that only the message tells of.
    let worded = request
        .worded_limit
        .and_then(|limit| limit(&said))
        .filter(|_| matches!(status, 403 | 429));
    let limited = |wait: Option<Duration>| (CallErrorKind::RateLimited { retry_after: wait }, Effect::None, true);
    let (kind, effect, transient) = match (coded, status) {
        (Some(kind), _) => of_code(kind, asked, unknown),
        (None, status) => match status {
            // A refusal that names a time, or an allowance that is used up, is a limit whatever the status says (GitHub's secondary limits).
            429 => limited(asked.or_else(|| retry::allowance_reset(headers, now).flatten())),
            403 if asked.is_some() => limited(asked),
            403 => match retry::allowance_reset(headers, now) {
                Some(reset) => limited(reset),
                None if worded.is_some() => limited(None),
                None => (CallErrorKind::Forbidden, Effect::None, false),
            },
            401 => (CallErrorKind::Unauthenticated, Effect::None, false),
            404 | 410 => (CallErrorKind::NotFound, Effect::None, false),
            // The server gave up waiting, perhaps after it had begun to act.
            408 => (CallErrorKind::TimedOut, unknown, true),
            409 | 412 | 423 => (CallErrorKind::Conflict, Effect::None, false),
            400..=499 => (CallErrorKind::Invalid, Effect::None, false),
            501 | 505 => (CallErrorKind::Unavailable, Effect::None, false),
            500.. => (CallErrorKind::Unavailable, unknown, true),
            // 307 and 308 ask for the same request elsewhere, so it was not performed here (RFC 9110 section 15.4.8).
            307 | 308 => (CallErrorKind::Malformed, Effect::None, false),
            _ => (CallErrorKind::Malformed, unknown, false),
        },
    };
    // A limit, an outage and what may have had an effect stay what they are, whatever the body says.
    let kind = match (effect, transient, request.refusal_kind) {
        (Effect::None, false, Some(tell)) if (400..500).contains(&status) => {
            let body = serde_json::from_str(body).unwrap_or_default();
            tell(status, &body).unwrap_or(kind)
        }
        _ => kind,
    };
    let message = match status {
        300..=399 => "the answer is a redirect, which is not followed here; correct the base URL".to_owned(),
        _ if request.secret_answer => {
            let ours = [request.operation.as_str(), request.url.as_str()];
            withhold::of_secret_answer(status, &said, &ours)
        }
        _ => said,
    };
    let wait = match &kind {
        CallErrorKind::RateLimited { retry_after } => retry_after.or(worded),
        _ => asked,
    };
    let error = CallError::new(
        kind,
        effect,
        request.service,
        &*request.operation,
        Some(status),
        &message,
    );
    let error = match advice {
        Some(advice) => error.advise(&advice),
        None => error,
    };
    Failure {
        error,
        transient: transient || corrected,
        wait,
    }
}

/// What follows from a kind that the vendor's own code told: the effect, and whether it may pass.
fn of_code(kind: CallErrorKind, asked: Option<Duration>, unknown: Effect) -> (CallErrorKind, Effect, bool) {
    match kind {
        CallErrorKind::RateLimited { retry_after } => {
            let retry_after = asked.or(retry_after);
            (CallErrorKind::RateLimited { retry_after }, Effect::None, true)
        }
        CallErrorKind::Unavailable | CallErrorKind::TimedOut => (kind, unknown, true),
        CallErrorKind::Malformed => (kind, unknown, false),
        _ => (kind, Effect::None, false),
    }
}

fn vendor_message(request: &Request, body: &str) -> String {
    let find = |find: super::ErrorMessage| find(&serde_json::from_str(body).ok()?);
    request.error_message.and_then(find).unwrap_or_default()
}

/// A body that is longer than we read. The service has acted by then.
pub(super) fn too_long(request: &Request, intent: Intent, status: u16) -> Failure {
    Failure::lasting(CallError::new(
        CallErrorKind::Malformed,
        intent.unknown_effect(),
        request.service,
        &*request.operation,
        Some(status),
        &format!("the body is longer than {} MiB", response::BODY_LIMIT / (1024 * 1024)),
    ))
}

/// A connection that could not be made or did not bring an answer.
pub(super) fn transport(request: &Request, intent: Intent, error: reqwest::Error) -> Failure {
    let error = error.without_url();
    if in_chain::<ForbiddenAddress>(&error).is_some() {
        return refused(request, &ForbiddenAddress.to_string());
    }
    let new =
        |kind, effect, message: &str| CallError::new(kind, effect, request.service, &*request.operation, None, message);
    // A certificate that is not trusted will not be trusted in a second either.
    if let Some(tls) = in_chain::<rustls::Error>(&error).filter(|_| error.is_connect()) {
        let message = format!("TLS: {tls}; SSL_CERT_FILE can name a file of further certificate authorities");
        return Failure::lasting(new(CallErrorKind::Unavailable, Effect::None, &message));
    }
    if error.is_connect() {
        return Failure::passing(new(CallErrorKind::Unavailable, Effect::None, &root_cause(&error)), None);
    }
    if error.is_builder() {
        return refused(request, "the request could not be built");
    }
    let effect = intent.unknown_effect();
    if error.is_timeout() {
        let message = format!("no answer within {} seconds", request.timeout.as_secs_f32());
        return Failure::passing(new(CallErrorKind::TimedOut, effect, &message), None);
    }
    let message = format!("the connection was lost: {}", root_cause(&error));
    Failure::passing(new(CallErrorKind::Unavailable, effect, &message), None)
}

/// The innermost text, which is the one that says something: `Connection refused (os error 111)`.
fn root_cause(error: &reqwest::Error) -> String {
    chain(error)
        .last()
        .map_or_else(|| error.to_string(), ToString::to_string)
}

/// Finds an error of this type among the causes.
fn in_chain<E: std::error::Error + 'static>(error: &reqwest::Error) -> Option<&E> {
    chain(error).find_map(|cause| cause.downcast_ref())
}

/// All causes from the outside in. What an `io::Error` wraps is looked into by hand, because its `source` skips it.
fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |cause: &&(dyn std::error::Error + 'static)| {
        let wrapped = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        match wrapped {
            Some(inner) => Some(inner as &(dyn std::error::Error + 'static)),
            None => (*cause).source(),
        }
    })
}
