//! How a call to an outside service ends: done, refused, or unknown.
//!
//! Every adapter speaks in these types, so that the executor never has to look at a status code.

use std::fmt;
use std::time::Duration;

use crate::secret::shown;

/// Permission to change something at a vendor.
///
/// Only the apply path creates one (`tests/architecture.rs` checks it); validate, plan and read have
/// none to pass on, so they cannot write.
#[derive(Debug)]
pub struct WritePermit(());

impl WritePermit {
    /// Grants writing. Called by apply and destroy alone.
    pub fn granted_by_apply() -> Self {
        Self(())
    }
}

/// What went wrong, in terms that decide what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallErrorKind {
    /// The service does not know the credential that this run authenticates with (401).
    Unauthenticated,
    /// The credential lacks a permission (403).
    Forbidden,
    /// The object, or for some vendors the permission to see it, is missing (404).
    NotFound,
    /// The object changed, exists already, or is locked by somebody else (409, 412, 423).
    Conflict,
    /// The service refused the request's content (400, 422).
    Invalid,
    /// Too many requests (429, or a vendor's own way of saying so).
    RateLimited {
        /// How long the service asks us to wait, where it says so.
        retry_after: Option<Duration>,
    },
    /// The service failed or could not be reached (5xx, connection refused, DNS).
    Unavailable,
    /// No answer within the time allowed.
    TimedOut,
    /// The answer could not be understood.
    Malformed,
    /// The change was made, but what it was made to does not do well: a machine that fails its checks.
    Unhealthy,
    /// The run was interrupted before the call was made.
    Interrupted,
}

/// Whether a failed call can have changed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Certainly not: the call was refused, or never left.
    None,
    /// Perhaps: the answer was lost, or the service failed after accepting the request.
    Possible,
}

/// A failed call to an outside service. Holds no secret: [`CallError::new`] redacts and caps operation and message, and
/// [`CallError::advise`] what is added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    /// What went wrong.
    pub kind: CallErrorKind,
    /// Whether something may have changed nevertheless.
    pub effect: Effect,
    /// The service as its users call it: `Fly`, `GitHub`, `Neon`, `AWS SSM`.
    pub service: &'static str,
    /// What was attempted, as a gerund phrase: `setting secrets of app "x"`.
    pub operation: String,
    /// HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// What the service said, or what we know; redacted and capped.
    pub message: String,
    /// Somebody who knows more of the call has said what to do.
    pub(crate) advised: bool,
    /// The service answered by an error of a protocol without HTTP statuses: it was reached.
    pub(crate) answered: bool,
    /// Where the credential was taken from that the service refused: one cause, whatever was asked with it and however the service words
    /// it. `None` for other errors.
    pub(crate) refused_credential: Option<Box<Origin>>,
}

/// Where a credential was taken from, as errors say it. Boxed where it is kept, because few errors have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin(pub(crate) String);

/// Longest vendor message that is passed on, in characters.
const MESSAGE_LIMIT: usize = 300;

/// Longest text that is looked through for values, in characters; what is beyond would not be passed on.
const LOOKED_THROUGH: usize = 16_000;

impl CallError {
    /// An error whose operation and message are redacted and capped.
    pub fn new(
        kind: CallErrorKind,
        effect: Effect,
        service: &'static str,
        operation: impl Into<String>,
        status: Option<u16>,
        message: &str,
    ) -> Self {
        // Now: while the values of this call are in memory and known to the redaction.
        Self {
            kind,
            effect,
            service,
            operation: line(&operation.into()),
            status,
            message: line(message),
            advised: false,
            answered: false,
            refused_credential: None,
        }
    }

    /// A refusal that this side decided on before any request left.
    pub fn refused(service: &'static str, operation: impl Into<String>, message: &str) -> Self {
        Self::new(CallErrorKind::Invalid, Effect::None, service, operation, None, message)
    }

    /// An answer that is none, though its status said that all is well; `effect` is what the request may have had.
    pub fn malformed(service: &'static str, operation: impl Into<String>, effect: Effect, what: &str) -> Self {
        Self::new(CallErrorKind::Malformed, effect, service, operation, None, what)
    }

    /// Adds what the user can do about it, such as the permission to grant.
    #[must_use]
    pub fn advise(mut self, advice: &str) -> Self {
        self.advised = true;
        if !self.message.is_empty() && !self.message.ends_with(['.', '!', '?', '…']) {
            self.message.push('.');
        }
        if !self.message.is_empty() {
            self.message.push(' ');
        }
        self.message.push_str(&shown(advice));
        self
    }

    /// Adds what to do about a credential that the service refused, and where that was taken from.
    #[must_use]
    pub(crate) fn advise_credential(self, origin: &str, advice: &str) -> Self {
        Self {
            refused_credential: Some(Box::new(Origin(origin.to_owned()))),
            ..self.advise(advice)
        }
    }

    /// Whether the service has no answer to what was asked, at any time: it refuses the question or does not know it, or answers what
    /// can't be understood. Not when it is merely away, busy or limiting us.
    pub fn is_no_answer(&self) -> bool {
        match (self.status, &self.kind) {
            (_, CallErrorKind::RateLimited { .. }) | (Some(408 | 423 | 425 | 429), _) => false,
            (Some(400..=499 | 501 | 505), _) | (Some(_), CallErrorKind::Malformed) => true,
            _ => false,
        }
    }

    /// Whether a failed look says nothing about what was looked at, so that it is worth another look.
    pub fn is_passing(&self) -> bool {
        matches!(
            self.kind,
            CallErrorKind::Unavailable
                | CallErrorKind::TimedOut
                | CallErrorKind::RateLimited { .. }
                | CallErrorKind::Malformed
        )
    }

    /// The whole as a sentence, for texts that go on after it.
    pub fn sentence(&self) -> String {
        full_stop(self.to_string())
    }

    /// How the service answered, as a sentence, for texts that have named the operation already.
    pub fn answer(&self) -> String {
        let service = self.service;
        let how = match (self.status, &self.kind) {
            // GraphQL reports errors under a status of success.
            (Some(200..=299), kind) if *kind != CallErrorKind::Malformed => format!("{service} returned an error"),
            (Some(status), _) => format!("{service} answered {status}"),
            (None, CallErrorKind::TimedOut | CallErrorKind::Unavailable) if self.answered => {
                format!("{service} returned an error")
            }
            (None, CallErrorKind::TimedOut) => format!("{service} gave no answer in time"),
            (None, CallErrorKind::Unavailable) => format!("{service} could not be reached"),
            (None, CallErrorKind::Malformed) => format!("The answer from {service} was not understood"),
            (None, _) => service.to_owned(),
        };
        let mut text = if self.message.is_empty() {
            full_stop(how)
        } else {
            full_stop(format!("{how}: {}", self.message))
        };
        if self.status.is_none()
            && !self.answered
            && matches!(self.kind, CallErrorKind::TimedOut | CallErrorKind::Unavailable)
        {
            text.push_str(" Check the network and the address that is configured, then apply again.");
        }
        if let Some(advice) = self.general_advice() {
            text.push(' ');
            text.push_str(advice);
        }
        text
    }

    /// What to do about an answer that nobody who knows more has advised on.
    fn general_advice(&self) -> Option<&'static str> {
        self.status.filter(|_| !self.advised)?;
        match self.kind {
            CallErrorKind::Conflict => {
                Some("Something else is changing or locking it. Wait until that has finished, then apply again.")
            }
            CallErrorKind::Invalid => Some("Fix what the message names, then apply again."),
            CallErrorKind::RateLimited { .. } => Some("The rate limit is reached. Apply again in a few minutes."),
            CallErrorKind::Unavailable | CallErrorKind::TimedOut => Some("Apply again when it is available."),
            CallErrorKind::Unauthenticated => Some("Give the provider a valid credential."),
            CallErrorKind::Forbidden | CallErrorKind::NotFound => {
                Some("Either it does not exist, or this run's credential has no access to it.")
            }
            CallErrorKind::Malformed | CallErrorKind::Unhealthy | CallErrorKind::Interrupted => None,
        }
    }
}

/// One line of [`MESSAGE_LIMIT`] characters without values and control characters.
fn line(text: &str) -> String {
    let end = text
        .char_indices()
        .nth(LOOKED_THROUGH)
        .map_or(text.len(), |(end, _)| end);
    let clean = shown(text.get(..end).unwrap_or_default());
    let line: String = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > MESSAGE_LIMIT {
        line.chars().take(MESSAGE_LIMIT).chain("…".chars()).collect()
    } else {
        line
    }
}

fn full_stop(mut text: String) -> String {
    if !text.ends_with(['.', '!', '?', '…']) {
        text.push('.');
    }
    text
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed at {}", self.operation, self.service)?;
        match self.status {
            Some(200..=299) if self.kind != CallErrorKind::Malformed => {}
            Some(status) => write!(f, " ({status})")?,
            None if self.answered => {}
            None => match self.kind {
                CallErrorKind::TimedOut => f.write_str(" (no answer in time)")?,
                CallErrorKind::Unavailable => f.write_str(" (unreachable)")?,
                CallErrorKind::Malformed => f.write_str(" (answer not understood)")?,
                _ => {}
            },
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for CallError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn failed(operation: &str, message: &str) -> CallError {
        CallError::new(CallErrorKind::Invalid, Effect::None, "Test", operation, None, message)
    }

    #[test]
    fn no_part_of_an_error_shows_a_value_or_moves_a_cursor() {
        let secret = Secret::new("npg_4daed97cc34d5caf7054".to_owned());
        let error = failed(
            "waiting for operation op-1 (apply npg_4daed97cc34d5caf7054\u{1b}[2J)",
            "x\u{1b}]0;title\u{7}\r\nnpg_4daed97cc34d5caf7054 \u{202e}refused",
        );
        let error = error.advise("Try npg_4daed97cc34d5caf7054\u{1b} again.");
        drop(secret);
        assert_eq!(error.operation, "waiting for operation op-1 (apply [redacted]�[2J)");
        assert_eq!(error.message, "x�]0;title� [redacted] refused. Try [redacted]� again.");
    }

    #[test]
    fn operation_and_message_are_capped_however_long_a_vendor_makes_them() {
        let error = failed(&"o".repeat(1_000), &"é".repeat(9_000_000));
        assert_eq!(
            (error.operation.chars().count(), error.message.chars().count()),
            (301, 301)
        );
    }
}
