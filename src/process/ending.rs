//! How a program ended.

use std::time::Duration;

/// How a program ended that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// With an exit code other than 0.
    Exited(i32),
    /// By a signal that was not ours.
    Signalled(i32),
    /// It could not be started, for this reason.
    NotStarted(String),
    /// It ran longer than it may, and was killed.
    TimedOut(Duration),
    /// The run was interrupted, and it was killed.
    Interrupted,
    /// The system does not say, for this reason.
    Lost(String),
}

/// A program that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// How it ended.
    pub ending: Ending,
    /// The end of what it printed, for people: redacted. Empty when it printed nothing.
    pub output: String,
}

impl Failure {
    /// What happened, as sentences about `program`, which begin with its name.
    pub fn explain(&self, program: &str) -> String {
        let how = match &self.ending {
            Ending::Exited(code) => format!("{program} failed with exit code {code}."),
            Ending::Signalled(signal) => format!("{program} was killed by signal {signal}."),
            Ending::NotStarted(why) => format!("{program} was not started: {why}."),
            Ending::TimedOut(timeout) => format!(
                "{program} did not finish within {} seconds and was killed, with everything that it had started. It may have had its effect.",
                timeout.as_secs()
            ),
            Ending::Interrupted => {
                format!("{program} was killed because of the interrupt. It may have had its effect.")
            }
            Ending::Lost(why) => format!("Cannot tell how {program} ended: {why}. It may have had its effect."),
        };
        format!("{how}{}", self.output)
    }
}
