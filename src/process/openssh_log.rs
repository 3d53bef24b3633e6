//! What the OpenSSH client logs: only the client writes to its log, so nothing that a command prints is taken for it.

use std::path::Path;

use tokio::io::AsyncReadExt as _;

use crate::secret::shown;

/// How much of a log is read, in bytes. An ordinary one has a hundredth of it.
const LONGEST: u64 = 512 * 1024;

/// How much people are shown of it, in characters.
const SHOWN: usize = 300;

/// A log at the level `DEBUG1`.
pub(super) struct Log(String);

impl Log {
    /// Reads one; empty when there is none.
    pub(super) async fn read(path: &Path) -> Self {
        let mut bytes = Vec::new();
        if let Ok(file) = tokio::fs::File::open(path).await {
            drop(file.take(LONGEST).read_to_end(&mut bytes).await);
        }
        Self(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.lines().map(str::trim_end)
    }

    fn debug(&self) -> impl Iterator<Item = &str> {
        self.lines().filter_map(|line| line.strip_prefix("debug1: "))
    }

    /// What the client tells its user.
    fn told(&self) -> impl DoubleEndedIterator<Item = &str> {
        let lines: Vec<&str> = self
            .lines()
            .filter(|line| !line.starts_with("debug") && !line.is_empty())
            .collect();
        lines.into_iter()
    }

    /// Whether the host has let us in: from then on the command may have run.
    pub(super) fn is_authenticated(&self) -> bool {
        self.debug()
            .any(|line| line.starts_with("Authenticated to ") || line.starts_with("Sending command: "))
    }

    /// Whether the host has presented another key than the pinned one.
    pub(super) fn has_other_host_key(&self) -> bool {
        !self.is_authenticated() && self.told().any(|line| line == "Host key verification failed.")
    }

    /// The key that the host has presented: `ssh-ed25519 SHA256:…`.
    pub(super) fn presented_key(&self) -> Option<String> {
        let key = self.debug().find_map(|line| line.strip_prefix("Server host key: "))?;
        Some(shown(key))
    }

    /// Whether the host refuses every key of ours.
    pub(super) fn is_denied(&self) -> bool {
        let refusals = [
            "Permission denied (",
            "Too many authentication failures",
            "no such identity: ",
        ];
        !self.is_authenticated()
            && self
                .told()
                .any(|line| refusals.iter().any(|refusal| line.contains(refusal)))
    }

    /// Whether the command was killed on the host.
    pub(super) fn has_remote_signal(&self) -> bool {
        self.debug().any(|line| line.contains(" rtype exit-signal "))
    }

    /// The exit code that the host has reported.
    pub(super) fn exit_status(&self) -> Option<i32> {
        let status = self
            .debug()
            .filter_map(|line| line.strip_prefix("Exit status "))
            .last()?;
        status.parse().ok().filter(|status| *status >= 0)
    }

    /// The last thing that the client told its user, behind what is wrong with a key of ours, as a sentence; empty when there is none.
    pub(super) fn said(&self) -> String {
        let Some(last) = self.told().next_back() else {
            return String::new();
        };
        let keys = self
            .told()
            .filter(|line| line.starts_with("Load key ") && *line != last);
        let lines: Vec<&str> = keys.chain([last]).collect();
        let line: String = shown(&lines.join("; ")).chars().take(SHOWN).collect();
        let end = if line.ends_with('.') { "" } else { "." };
        format!("OpenSSH says: {line}{end}")
    }
}
