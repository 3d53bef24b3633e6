//! When a failed attempt is repeated, and after which pause. Pure: no clock, no entropy, no network.
//!
//! The rule: an attempt that certainly had no effect may be repeated; one that perhaps had only when the request is
//! idempotent.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::call::{CallError, CallErrorKind, Effect};

/// Attempts altogether, unless a request says otherwise.
pub(super) const ATTEMPTS: u32 = 5;

/// Time for all attempts and pauses of one call: no attempt starts later.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// The longest wait that a service may ask for. One that asks for more gets no further attempt: the caller learns how long.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Pause after the first failure; it doubles. Vendors that give no `Retry-After` with 429 (Fly: one request a second and
/// object, burst of three) count in seconds.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const FIRST_PAUSE_WHEN_LIMITED: Duration = Duration::from_secs(1);

/// A failed attempt.
#[derive(Debug)]
pub(super) struct Failure {
    /// What the caller sees when nothing better follows.
    pub(super) error: CallError,
    /// Another attempt could end differently.
    pub(super) transient: bool,
    /// How long the service asks us to wait.
    pub(super) wait: Option<Duration>,
}

impl Failure {
    /// A failure that another attempt would repeat.
    pub(super) fn lasting(error: CallError) -> Self {
        Self {
            error,
            transient: false,
            wait: None,
        }
    }

    /// A failure that may pass.
    pub(super) fn passing(error: CallError, wait: Option<Duration>) -> Self {
        Self {
            error,
            transient: true,
            wait,
        }
    }
}

/// How long to pause before the next attempt; `None` when there is none. `failed` counts the failed attempts from one, of at most
/// `attempts`; `jitter` is anything from 0 to 255.
pub(super) fn pause(
    failure: &Failure,
    idempotent: bool,
    (failed, attempts): (u32, u32),
    left: Duration,
    jitter: u8,
) -> Option<Duration> {
    let harmless = idempotent || failure.error.effect == Effect::None;
    if !failure.transient || !harmless || failed >= attempts {
        return None;
    }
    let first = match failure.error.kind {
        CallErrorKind::RateLimited { .. } => FIRST_PAUSE_WHEN_LIMITED,
        _ => FIRST_PAUSE,
    };
    let doubled = first.saturating_mul(1 << failed.saturating_sub(1).min(16));
    // Between one half and the whole, so that targets of one wave do not come back together.
    let spread = doubled / 2 + doubled.saturating_mul(u32::from(jitter)) / 510;
    let pause = match failure.wait {
        Some(wait) if wait > LONGEST_WAIT => return None,
        Some(wait) => wait.saturating_add(spread / 4),
        None => spread,
    };
    (pause < left).then_some(pause)
}

/// `Retry-After` (RFC 9110 section 10.2.3): seconds, or a date that is compared with `now`.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(until(date, now))
}

/// When a used-up allowance is renewed: `x-ratelimit-remaining: 0` with `x-ratelimit-reset` in Unix seconds, as GitHub
/// sends them with 403 or 429 (docs.github.com, "Rate limits for the REST API").
pub(super) fn allowance_reset(headers: &HeaderMap, now: Timestamp) -> Option<Option<Duration>> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    if number("x-ratelimit-remaining")? != 0 {
        return None;
    }
    let reset = number("x-ratelimit-reset").and_then(|seconds| Timestamp::from_second(seconds).ok());
    Some(reset.map(|at| until(at, now)))
}

fn until(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(1000);

    fn failure(kind: CallErrorKind, effect: Effect, wait: Option<u64>) -> Failure {
        let error = CallError::new(kind, effect, "Test", "testing", None, "");
        Failure::passing(error, wait.map(Duration::from_secs))
    }

    #[test]
    fn an_unknown_outcome_is_repeated_only_where_it_does_no_harm() {
        let lost = failure(CallErrorKind::TimedOut, Effect::Possible, None);
        assert_eq!(pause(&lost, false, (1, ATTEMPTS), LONG, 0), None);
        assert!(pause(&lost, true, (1, ATTEMPTS), LONG, 0).is_some());
        let refused = failure(CallErrorKind::Unavailable, Effect::None, None);
        assert!(pause(&refused, false, (1, ATTEMPTS), LONG, 0).is_some());
    }

    #[test]
    fn pauses_grow_and_end() {
        let down = failure(CallErrorKind::Unavailable, Effect::None, None);
        let pauses: Vec<u128> = (1..)
            .map_while(|failed| pause(&down, true, (failed, ATTEMPTS), LONG, 255))
            .map(|pause| pause.as_millis())
            .collect();
        assert_eq!(pauses, [200, 400, 800, 1600]);
        assert_eq!(
            pause(&down, true, (1, ATTEMPTS), LONG, 0),
            Some(Duration::from_millis(100))
        );
        assert_eq!(pause(&down, true, (4, ATTEMPTS), Duration::from_millis(10), 255), None);
    }

    #[test]
    fn a_wait_that_the_service_asks_for_is_kept_unless_it_is_too_long() {
        let limited = |wait| failure(CallErrorKind::RateLimited { retry_after: None }, Effect::None, wait);
        assert_eq!(
            pause(&limited(Some(30)), false, (1, ATTEMPTS), LONG, 0),
            Some(Duration::from_millis(30_125))
        );
        assert_eq!(pause(&limited(Some(61)), false, (1, ATTEMPTS), LONG, 0), None);
        assert_eq!(
            pause(&limited(None), false, (1, ATTEMPTS), LONG, 255),
            Some(Duration::from_secs(1))
        );
    }

    #[test]
    fn both_forms_of_retry_after_are_read() {
        let now: Timestamp = "2026-11-22T07:28:00Z".parse().expect("timestamp");
        for (text, expected) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 22 Nov 2026 07:28:30 GMT", Some(30)),
            ("Sun, 22 Nov 2026 07:00:00 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
            // Absurd, and read as it stands: nobody waits that long.
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().expect("header"));
            assert_eq!(retry_after(&headers, now), expected.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn an_allowance_counts_as_used_up_only_at_zero() {
        let now = Timestamp::from_second(1_000).expect("timestamp");
        let headers = |remaining: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-ratelimit-remaining", remaining.parse().expect("header"));
            headers.insert("x-ratelimit-reset", "1007".parse().expect("header"));
            headers
        };
        assert_eq!(allowance_reset(&headers("0"), now), Some(Some(Duration::from_secs(7))));
        assert_eq!(allowance_reset(&headers("12"), now), None);
        assert_eq!(allowance_reset(&HeaderMap::new(), now), None);
        // Resets in the past, before 1970, and beyond what a timestamp holds.
        for (reset, expected) in [
            ("7", Some(0)),
            ("-7", Some(0)),
            ("99999999999999999", None),
            ("soon", None),
        ] {
            let mut headers = headers("0");
            headers.insert("x-ratelimit-reset", reset.parse().expect("header"));
            let expected = expected.map(Duration::from_secs);
            assert_eq!(allowance_reset(&headers, now), Some(expected), "{reset}");
        }
    }
}
