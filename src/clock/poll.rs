//! Asking again until something is done or the time is over: the one way to wait for what a vendor does after it has answered.
//!
//! ```text
//! let mut polling = clock.polling(patience, first_pause..=longest_pause);
//! loop {
//!     if is_done(look().await?) { return … }
//!     if !polling.again().await { return Err(time_is_over) }
//! }
//! ```

use std::future::{Future, pending};
use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Clock, Deadline};

/// How often, and how long. Every pause is twice as long as the one before.
#[derive(Debug)]
pub struct Polling {
    clock: Clock,
    deadline: Deadline,
    pause: Duration,
    longest: Duration,
}

/// What comes after a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Another look.
    Look,
    /// Nothing: the time is over.
    TimeIsOver,
    /// Nothing: somebody asked for the end.
    Interrupted,
}

impl Clock {
    /// Polling for that long, with pauses from the first to the longest.
    pub fn polling(&self, within: Duration, pauses: RangeInclusive<Duration>) -> Polling {
        self.polling_until(self.deadline(within), pauses)
    }

    /// Polling until then, with pauses from the first to the longest.
    pub fn polling_until(&self, deadline: Deadline, pauses: RangeInclusive<Duration>) -> Polling {
        Polling {
            clock: *self,
            deadline,
            pause: *pauses.start(),
            longest: *pauses.end(),
        }
    }
}

impl Polling {
    /// Whether no other look follows.
    pub fn is_over(&self) -> bool {
        self.deadline.passed()
    }

    /// Whether the longest pause has been reached: it has been going on for a while.
    pub fn is_settled(&self) -> bool {
        self.pause >= self.longest
    }

    /// Pauses are as long as this from now on, at the longest.
    pub fn slow_down(&mut self, longest: Duration) {
        self.longest = longest;
    }

    /// Waits for the next look; false when the time is over, without waiting.
    pub async fn again(&mut self) -> bool {
        self.next(None, pending()).await == Next::Look
    }

    /// The same where whoever was asked may want to be left alone for `wait`. If that is longer than the time that is left, the time is
    /// over: asked earlier, it would answer the same.
    pub async fn again_after(&mut self, wait: Option<Duration>) -> bool {
        self.next(wait, pending()).await == Next::Look
    }

    /// The same as [`Self::again`], ended as soon as `stop` completes.
    pub async fn again_unless(&mut self, stop: impl Future<Output = ()>) -> Next {
        self.next(None, stop).await
    }

    async fn next(&mut self, wait: Option<Duration>, stop: impl Future<Output = ()>) -> Next {
        let left = self.deadline.remaining();
        if left.is_zero() || wait.is_some_and(|wait| wait >= left) {
            return Next::TimeIsOver;
        }
        let pause = wait.unwrap_or_else(|| self.pause.min(left));
        self.pause = self.pause.saturating_mul(2).min(self.longest);
        tokio::select! {
            () = stop => Next::Interrupted,
            () = self.clock.sleep(pause) => Next::Look,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use tokio::time::Instant;

    use super::*;

    fn milliseconds(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    fn polling(within: u64) -> Polling {
        Clock::default().polling(milliseconds(within), milliseconds(10)..=milliseconds(40))
    }

    #[tokio::test]
    async fn pauses_double_up_to_the_longest_and_end_with_the_time() {
        let (begun, mut polling) = (Instant::now(), polling(100));
        let mut looks = Vec::new();
        while polling.again().await {
            looks.push(begun.elapsed());
        }
        // A busy machine is late, never early.
        let least = [10, 30, 70, 100].map(milliseconds);
        assert!((1..=least.len()).contains(&looks.len()), "{looks:?}");
        assert!(looks.iter().zip(least).all(|(look, least)| *look >= least), "{looks:?}");
        assert!(looks.last().is_some_and(|look| *look >= milliseconds(100)), "{looks:?}");
        assert!(polling.is_over() && polling.is_settled());
    }

    #[tokio::test]
    async fn a_wish_to_be_left_alone_is_kept_or_ends_it() {
        let (begun, mut polling) = (Instant::now(), polling(60_000));
        assert!(polling.again_after(Some(milliseconds(70))).await);
        assert!(begun.elapsed() >= milliseconds(70));
        assert!(!polling.again_after(Some(milliseconds(120_000))).await);
        assert!(polling.again_after(None).await);
    }

    #[tokio::test]
    async fn an_interrupt_ends_a_pause() {
        let minute = milliseconds(60_000);
        let mut polling_for_hours = Clock::default().polling(minute * 600, minute..=minute);
        assert_eq!(polling_for_hours.again_unless(ready(())).await, Next::Interrupted);
        assert_eq!(polling(0).again_unless(ready(())).await, Next::TimeIsOver);
    }

    #[tokio::test]
    async fn where_time_stands_still_there_is_one_look() {
        let clock = Clock::standing_at(jiff::Timestamp::UNIX_EPOCH);
        assert!(
            !clock
                .polling(milliseconds(100), milliseconds(1)..=milliseconds(2))
                .again()
                .await
        );
    }
}
