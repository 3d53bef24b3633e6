//! How a command on another host ended.

use std::time::Duration;

/// Why a command on another host did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoteFault {
    /// The client could not be started, for this reason.
    NotStarted(String),
    /// The host has another key.
    HostKey {
        /// Its kind and fingerprint, where the client has seen it.
        presented: Option<String>,
        /// Those of the key that was expected.
        pinned: String,
    },
    /// The host refuses our key; what the client says.
    Authentication(String),
    /// There was no connection; what the client says.
    Unreachable(String),
    /// The connection ended before the command did; what the client says.
    ConnectionLost(String),
    /// The command ended with an exit code other than 0.
    Command(i32),
    /// The command was killed on the host.
    CommandKilled,
    /// It took longer than it may.
    TimedOut {
        /// How long it may take.
        timeout: Duration,
        /// The host had let us in.
        has_begun: bool,
    },
    /// The run was interrupted.
    Interrupted {
        /// The host had let us in.
        has_begun: bool,
    },
}

/// A command on another host that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFailure {
    /// Why.
    pub fault: RemoteFault,
    /// The end of what the command printed, for people: redacted. Empty when it printed nothing.
    pub output: String,
}

impl RemoteFailure {
    pub(super) fn of(fault: RemoteFault) -> Self {
        Self {
            fault,
            output: String::new(),
        }
    }

    /// Whether another attempt does no harm and may end otherwise: the host was away, or the command has said how it went.
    pub fn may_pass(&self) -> bool {
        matches!(
            self.fault,
            RemoteFault::Unreachable(_) | RemoteFault::Command(_) | RemoteFault::TimedOut { has_begun: false, .. }
        )
    }

    /// What happened, as sentences about the command on `host`, which is `user@host`.
    pub fn explain(&self, host: &str) -> String {
        const NOT_KNOWN: &str = "It may go on there, and may have had its effect.";
        let how = match &self.fault {
            RemoteFault::NotStarted(why) => format!("The command on {host} was not run: {why}."),
            RemoteFault::HostKey { presented, pinned } => {
                let presented = presented
                    .as_ref()
                    .map_or("another key".to_owned(), |key| format!("the key {key}"));
                format!(
                    "The command on {host} was not run, and nothing was sent: the host presents {presented}, and `host_key` is {pinned}. \
                     Either the host has a new key, or another machine answers in its place. Compare the fingerprint on the host itself \
                     (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub) before you change `host_key`."
                )
            }
            RemoteFault::Authentication(said) => format!(
                "The command on {host} was not run: the host refuses the key. {said} Add the public key to authorized_keys of that user, or set \
                 `identity_file` to another key, without a passphrase."
            ),
            RemoteFault::Unreachable(said) => {
                format!(
                    "The command on {host} was not run: the host cannot be reached. {said} Check the address, the port and the network."
                )
            }
            RemoteFault::ConnectionLost(said) => {
                format!("The connection to {host} was lost before the command ended. {said} {NOT_KNOWN}")
            }
            RemoteFault::Command(code) => format!("The command on {host} failed with exit code {code}."),
            RemoteFault::CommandKilled => {
                format!("The command on {host} was killed by a signal there. It may have had its effect.")
            }
            RemoteFault::TimedOut { timeout, has_begun } => {
                let timeout = timeout.as_secs();
                match has_begun {
                    true => format!(
                        "The command on {host} did not finish within {timeout} seconds, and the connection was closed. {NOT_KNOWN}"
                    ),
                    false => {
                        format!("The command on {host} was not run: there was no connection within {timeout} seconds.")
                    }
                }
            }
            RemoteFault::Interrupted { has_begun: true } => {
                format!("The connection to {host} was closed because of the interrupt. {NOT_KNOWN}")
            }
            RemoteFault::Interrupted { has_begun: false } => {
                format!("The command on {host} was not run because of the interrupt.")
            }
        };
        format!("{}{}", how.replace("  ", " "), self.output)
    }
}
