//! One call's signature and the meaning of its refusals.
//!
//! Signature Version 4 is `aws-sigv4`'s (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html). It is given the hash of a body,
//! never the body: at trace level it writes what it signs, if a variable of the environment says so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::identity::Identity;
use jiff::{SignedDuration, Timestamp};

use super::failure;
use crate::call::CallErrorKind;
use crate::http::{Attempt, Protocol, Refusal, Refused};
use crate::secret::Secret;

/// Clocks that differ by less are not the cause of a refusal; AWS takes signatures of the last five minutes. The SDKs have the same.
const SKEW: u64 = 4 * 60;

/// Codes that a wrong clock may be behind, as in the SDK for Rust (`aws-runtime`, `service_clock_skew.rs`).
const CODES_OF_SKEW: [&str; 6] = [
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "AuthFailure",
    "RequestTimeTooSkewed",
    "RequestExpired",
    "AccessDeniedException",
];

/// One call to a service.
pub(super) struct SignedCall {
    identity: Identity,
    /// The service, as signatures name it.
    name: &'static str,
    region: String,
    /// By how many seconds the service is ahead, as far as all calls have found out.
    skew: Arc<AtomicI64>,
    /// The same when the last attempt was signed.
    assumed: AtomicI64,
    /// The IAM action that permits the call.
    action: &'static str,
    /// The ARN pattern to grant it on.
    resource: String,
}

impl SignedCall {
    pub(super) fn new(
        credentials: Credentials,
        name: &'static str,
        region: &str,
        skew: Arc<AtomicI64>,
        action: &'static str,
        resource: String,
    ) -> Self {
        Self {
            identity: credentials.into(),
            name,
            region: region.to_owned(),
            skew,
            assumed: AtomicI64::new(0),
            action,
            resource,
        }
    }

    /// Whether the service's clock is another than the attempt was signed for, which the next attempt will take into account.
    fn corrects_clock(&self, code: &str, headers: &BTreeMap<String, String>, now: Timestamp) -> bool {
        // An answer from a cache has an old date.
        if !CODES_OF_SKEW.contains(&code) || headers.contains_key("age") {
            return false;
        }
        let date = headers.get("date").map(String::as_str).unwrap_or_default();
        let Ok(date) = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date) else {
            return false;
        };
        let measured = date.duration_since(now).as_secs();
        if measured.abs_diff(self.assumed.load(Ordering::SeqCst)) <= SKEW {
            return false;
        }
        self.skew.store(measured, Ordering::SeqCst);
        true
    }
}

impl Protocol for SignedCall {
    fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Vec<(&'static str, Secret)>, String> {
        let skew = self.skew.load(Ordering::SeqCst);
        self.assumed.store(skew, Ordering::SeqCst);
        let time = attempt
            .now
            .checked_add(SignedDuration::from_secs(skew))
            .unwrap_or(attempt.now);
        let unsigned = |_| "the request could not be signed".to_owned();
        let params = SigningParams::builder()
            .identity(&self.identity)
            .region(&self.region)
            .name(self.name)
            .time(SystemTime::from(time))
            .settings(SigningSettings::default())
            .build()
            .map_err(|_| "the request could not be signed".to_owned())?
            .into();
        let headers = attempt
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let hash: String = attempt.body_hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let body = SignableBody::Precomputed(hash);
        let request = SignableRequest::new(attempt.method, attempt.url, headers, body).map_err(unsigned)?;
        let (instructions, _) = sign(request, &params).map_err(unsigned)?.into_parts();
        let (added, _) = instructions.into_parts();
        // The token is known to the redaction (`known.rs`); the rest is harmless words, such as the region.
        let secret = |text: &str| Secret::plain(text.to_owned());
        Ok(added
            .iter()
            .map(|header| (header.name(), secret(header.value())))
            .collect())
    }

    fn refusal(&self, refused: &Refused<'_>) -> Refusal {
        let (code, message) = failure::told(refused);
        let kind = failure::kind(&code);
        let meant = kind.clone().or(match refused.status {
            401 => Some(CallErrorKind::Unauthenticated),
            403 => Some(CallErrorKind::Forbidden),
            _ => None,
        });
        Refusal {
            corrected: self.corrects_clock(&code, refused.headers, refused.now),
            advice: failure::advice(&code, meant.as_ref(), self.action, &self.resource),
            kind,
            message: match (code.as_str(), message.as_str()) {
                ("", _) => message,
                (_, "") => code,
                _ => format!("{code}: {message}"),
            },
        }
    }
}
