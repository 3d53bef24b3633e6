//! How far the clocks of vendors are from this machine's, by the `Date` of their answers (RFC 9110 section 6.6.1).

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// Clocks that differ by less are as good as one: an answer takes its time, and `Date` has whole seconds.
const TOLERATED: SignedDuration = SignedDuration::from_mins(5);

/// A vendor whose clock differs from this machine's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skew {
    /// The vendor's host.
    pub host: String,
    /// Its clock is ahead; otherwise behind.
    pub is_ahead: bool,
}

/// The vendors whose clocks differ, as this run has seen them. Of several the first by name is told, so that the same facts are told alike.
#[derive(Default)]
pub(super) struct Clocks(Mutex<Option<Skew>>);

impl Clocks {
    /// Compares the `Date` of an answer with the time at which it came. One that cannot be read tells nothing.
    pub(super) fn note(&self, host: &str, date: Option<&str>, now: Timestamp) {
        let Some(date) = date.and_then(|date| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok())
        else {
            return;
        };
        let ahead = date.duration_since(now);
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ahead.abs() > TOLERATED && told.as_ref().is_none_or(|known| host < known.host.as_str()) {
            *told = Some(Skew {
                host: host.to_owned(),
                is_ahead: ahead.is_positive(),
            });
        }
    }

    /// One of them.
    pub(super) fn get(&self) -> Option<Skew> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clock_that_is_five_minutes_off_is_noted() {
        let now: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
        let clocks = Clocks::default();
        for date in [
            None,
            Some("soon"),
            Some("Mon, 30 Nov 2026 12:05:00 GMT"),
            Some("Mon, 30 Nov 2026 11:55:00 GMT"),
        ] {
            clocks.note("api.example.com", date, now);
            assert_eq!(clocks.get(), None, "{date:?}");
        }
        clocks.note("other.example.com", Some("Mon, 30 Nov 2026 13:00:00 GMT"), now);
        clocks.note("api.example.com", Some("Mon, 30 Nov 2026 11:54:59 GMT"), now);
        clocks.note("their.example.com", Some("Mon, 30 Nov 2026 12:10:00 GMT"), now);
        let known = clocks.get().unwrap();
        assert_eq!((known.host.as_str(), known.is_ahead), ("api.example.com", false));
    }
}
