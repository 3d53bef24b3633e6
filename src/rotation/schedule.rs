//! When a secret is due. Instants come in as arguments; nothing here knows what time it is.

use jiff::{SignedDuration, Timestamp};

use super::window::Window;

/// The schedule that a user set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schedule {
    /// How often.
    pub every: Option<SignedDuration>,
    /// How long before the due instant an apply may rotate already.
    pub early: SignedDuration,
    /// Every apply rotates: `every = "apply"`.
    pub with_every_apply: bool,
    /// When what is due may be done; `None` is always.
    pub window: Option<Window>,
    /// A plan that leaves an overdue secret overdue fails.
    pub overdue_is_error: bool,
}

impl Schedule {
    /// Whether both make a rotation due at the same instants.
    pub fn is_due_as(&self, other: &Self) -> bool {
        let of = |schedule: &Self| (schedule.every, schedule.early, schedule.with_every_apply);
        of(self) == of(other)
    }

    /// When what waits for the window may be done, where it is closed; `None` where it is open, or where it opens only after `deadline`.
    pub fn opening(&self, now: Timestamp, deadline: Option<Timestamp>) -> Option<Timestamp> {
        let opening = self.window.as_ref()?.next_opening(now);
        let in_time = deadline.is_none_or(|deadline| opening <= deadline);
        (opening > now && in_time).then_some(opening)
    }

    /// The first instant from `at` on at which it may be done.
    pub fn first_chance(&self, at: Timestamp, deadline: Option<Timestamp>) -> Timestamp {
        self.opening(at, deadline).unwrap_or(at)
    }
}

fn add(at: Timestamp, duration: SignedDuration) -> Timestamp {
    at.checked_add(duration).unwrap_or(Timestamp::MAX)
}

fn sub(at: Timestamp, duration: SignedDuration) -> Timestamp {
    at.checked_sub(duration).unwrap_or(Timestamp::MIN)
}

/// The next due instant after a rotation at `rotated_at`.
///
/// After a scheduled rotation the anchor stays on its grid: the smallest old anchor + k·every that lies ahead. After any
/// other rotation it is `rotated_at` + every.
pub fn next_anchor(every: SignedDuration, scheduled: Option<Timestamp>, rotated_at: Timestamp) -> Timestamp {
    let Some(old) = scheduled.filter(|_| every.as_secs() > 0) else {
        return add(rotated_at, every);
    };
    let behind = rotated_at.as_second().saturating_sub(old.as_second());
    let steps = if behind < 0 { 1 } else { behind / every.as_secs() + 1 };
    let ahead = every.as_secs().saturating_mul(steps);
    add(old, SignedDuration::from_secs(ahead))
}

/// When a credential that ends by itself is due at the latest: a tenth of its life, or the overlap, before its end;
/// without a schedule at two thirds of its life. One whose whole life is shorter than the overlap is due at two thirds of it, too:
/// never before it was made.
pub fn expiry_due(minted_at: Timestamp, expires_at: Timestamp, overlap: SignedDuration, scheduled: bool) -> Timestamp {
    let life = SignedDuration::from_secs(expires_at.as_second().saturating_sub(minted_at.as_second()).max(0));
    let latest = deadline(minted_at, expires_at, overlap);
    let two_thirds = add(minted_at, life / 3 * 2);
    if latest <= minted_at {
        two_thirds
    } else if scheduled {
        latest
    } else {
        latest.min(two_thirds)
    }
}

/// The last instant at which a credential that ends by itself is to be renewed: its successor has the overlap, or a tenth of its life.
pub fn deadline(minted_at: Timestamp, expires_at: Timestamp, overlap: SignedDuration) -> Timestamp {
    let life = SignedDuration::from_secs(expires_at.as_second().saturating_sub(minted_at.as_second()).max(0));
    sub(expires_at, overlap.max(life / 10))
}

/// The instant from which an apply may rotate.
pub fn earliest_rotation(anchor: Timestamp, early: SignedDuration) -> Timestamp {
    sub(anchor, early)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    #[test]
    fn a_scheduled_rotation_keeps_the_grid() {
        let old = at("2026-01-01T00:00:00Z");
        assert_eq!(
            next_anchor(DAY * 90, Some(old), at("2026-01-03T10:00:00Z")),
            at("2026-04-01T00:00:00Z")
        );
        assert_eq!(
            next_anchor(DAY, Some(old), at("2026-01-03T10:00:00Z")),
            at("2026-01-04T00:00:00Z")
        );
        assert_eq!(
            next_anchor(DAY, Some(old), at("2026-01-03T00:00:00Z")),
            at("2026-01-04T00:00:00Z")
        );
        assert_eq!(
            next_anchor(DAY, Some(old), at("2025-12-31T12:00:00Z")),
            at("2026-01-02T00:00:00Z")
        );
    }

    #[test]
    fn any_other_rotation_starts_the_interval_anew() {
        assert_eq!(
            next_anchor(DAY, None, at("2026-01-03T10:00:00Z")),
            at("2026-01-04T10:00:00Z")
        );
    }

    #[test]
    fn a_credential_with_an_end_is_due_before_it() {
        let (minted, expires) = (at("2026-01-01T00:00:00Z"), at("2026-01-31T00:00:00Z"));
        assert_eq!(expiry_due(minted, expires, DAY, true), at("2026-01-28T00:00:00Z"));
        assert_eq!(expiry_due(minted, expires, DAY * 5, true), at("2026-01-26T00:00:00Z"));
        assert_eq!(expiry_due(minted, expires, DAY, false), at("2026-01-21T00:00:00Z"));
        assert_eq!(
            expiry_due(minted, expires, DAY * 30, true),
            at("2026-01-21T00:00:00Z"),
            "not before it was made"
        );
    }
}
