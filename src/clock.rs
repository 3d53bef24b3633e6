//! The only caller of the system clock and of sleep.
//!
//! Plan never gets a clock: time enters the decision in Read, and is stored there.

mod poll;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

pub use poll::{Next, Polling};

/// The variable that moves the provider's clock; for tests and try-outs with vendors on this machine.
pub const OFFSET: &str = "ROTATION_CLOCK_OFFSET";

/// The wall clock, moved by a fixed offset for tests and try-outs (`ROTATION_CLOCK_OFFSET`).
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    offset: SignedDuration,
    stands_at: Option<Timestamp>,
}

impl Clock {
    /// A clock that shows the system's time plus `offset`.
    pub fn with_offset(offset: SignedDuration) -> Self {
        Self {
            offset,
            stands_at: None,
        }
    }

    /// A clock that stands still, for tests that move time themselves: its waits end at once, its deadlines have passed.
    pub fn standing_at(at: Timestamp) -> Self {
        Self {
            offset: SignedDuration::ZERO,
            stands_at: Some(at),
        }
    }

    /// By how much this clock differs from the system's.
    pub fn offset(&self) -> SignedDuration {
        self.offset
    }

    /// Whether it shows another time than the system's.
    pub fn is_moved(&self) -> bool {
        !self.offset.is_zero()
    }

    /// Now, in whole seconds: what is stored and shown has no finer grain.
    pub fn now(&self) -> Timestamp {
        let now = self.stands_at.unwrap_or_else(Timestamp::now);
        let moved = now.checked_add(self.offset).unwrap_or(now);
        Timestamp::from_second(moved.as_second()).unwrap_or(moved)
    }

    /// The system's time, not moved by the offset: for comparing with instants that come from outside.
    pub fn real_now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// Waits; not moved by the offset.
    pub async fn sleep(&self, duration: Duration) {
        if self.stands_at.is_none() {
            tokio::time::sleep(duration).await;
        }
    }

    /// A point in the future by which something must have happened.
    pub fn deadline(&self, after: Duration) -> Deadline {
        let after = if self.stands_at.is_none() {
            after
        } else {
            Duration::ZERO
        };
        Deadline(Instant::now().checked_add(after))
    }
}

/// A monotonic point in time; `None` means never.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// How much time is left; zero once it has passed.
    pub fn remaining(&self) -> Duration {
        self.0
            .map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()))
    }

    /// Whether it has passed.
    pub fn passed(&self) -> bool {
        self.remaining().is_zero()
    }
}
