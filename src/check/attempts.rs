//! Attempts at what a check proves: until one passes, or the user's patience ends.

use std::time::Duration;

use super::{CheckFailure, Patience};
use crate::clock::{Clock, Next, Polling};
use crate::secret::redact;
use crate::stop::Stop;

/// Pauses between attempts.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Why an attempt did not pass.
pub(super) enum Shortfall {
    /// Another attempt may end otherwise.
    Passing(String),
    /// Another attempt would not end otherwise, or must not be made.
    Lasting(String),
    /// It was cut short by an interrupt.
    Interrupted(String),
}

/// The attempts of one check.
pub(super) struct Attempts<'a> {
    what: &'a str,
    retry_for: Duration,
    stop: &'a Stop,
    polling: Polling,
    made: u32,
}

impl<'a> Attempts<'a> {
    /// At what `what` names.
    pub(super) fn new(what: &'a str, patience: Patience, clock: Clock, stop: &'a Stop) -> Self {
        Self {
            what,
            retry_for: patience.retry_for,
            stop,
            polling: clock.polling(patience.retry_for, FIRST_PAUSE..=LONGEST_PAUSE),
            made: 0,
        }
    }

    /// Makes one after the other until one passes.
    ///
    /// # Errors
    /// How the last one ended.
    pub(super) async fn until_one_passes<F>(mut self, attempt: impl Fn() -> F) -> Result<(), CheckFailure>
    where
        F: Future<Output = Result<(), Shortfall>>,
    {
        loop {
            self.begin()?;
            let Err(shortfall) = attempt().await else {
                return Ok(());
            };
            self.again_after(shortfall).await?;
        }
    }

    /// Counts the next one.
    ///
    /// # Errors
    /// The end was asked for.
    fn begin(&mut self) -> Result<(), CheckFailure> {
        if self.stop.requested() {
            return Err(self.interrupted());
        }
        self.made = self.made.saturating_add(1);
        Ok(())
    }

    /// Waits for the next one.
    ///
    /// # Errors
    /// There is none; how the last one ended.
    async fn again_after(&mut self, shortfall: Shortfall) -> Result<(), CheckFailure> {
        let (message, next) = match shortfall {
            Shortfall::Interrupted(message) => {
                return Err(CheckFailure {
                    message: redact(&message),
                    interrupted: true,
                });
            }
            Shortfall::Lasting(message) => (message, Next::TimeIsOver),
            Shortfall::Passing(message) => (message, self.polling.again_unless(self.stop.wait()).await),
        };
        match next {
            Next::Look => Ok(()),
            Next::Interrupted => Err(self.interrupted()),
            Next::TimeIsOver => {
                let times = match self.made {
                    1 => String::new(),
                    many => format!(" This was attempt {many} within {}s.", self.retry_for.as_secs()),
                };
                // A text that goes on behind the first paragraph shows output.
                let (first, rest) = message
                    .split_once("\n\n")
                    .map_or((&*message, None), |(first, rest)| (first, Some(rest)));
                let rest = rest.map_or_else(String::new, |rest| format!("\n\n{rest}"));
                Err(CheckFailure {
                    message: redact(&format!("{first}{times}{rest}")),
                    interrupted: false,
                })
            }
        }
    }

    fn interrupted(&self) -> CheckFailure {
        CheckFailure {
            message: format!("{} was interrupted before it passed.", self.what),
            interrupted: true,
        }
    }
}
