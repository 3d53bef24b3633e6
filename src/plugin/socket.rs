//! The unix socket, in a directory that only this user can enter and that disappears with the process.

use std::fs::Permissions;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use tempfile::TempDir;
use tokio::net::UnixListener;

use crate::environment::Environment;

/// Room for a socket's path, in bytes with the final zero: 108 on Linux, 104 on macOS and the BSDs (`sun_path`, unix(7), unix(4)).
const LONGEST_PATH: usize = if cfg!(target_os = "linux") { 108 } else { 104 };

/// Where sockets go when the configured directory makes their path too long.
const FALLBACK: &str = "/tmp";

/// A private directory with the path of a socket in it; removed when dropped.
pub(super) struct SocketDirectory {
    directory: TempDir,
}

impl SocketDirectory {
    /// A fresh directory under `PLUGIN_UNIX_SOCKET_DIR`, else `TMPDIR`, else `/tmp`.
    ///
    /// # Errors
    /// A sentence for the user that names the variable, when no directory can be made there.
    pub(super) fn create(environment: &Environment) -> Result<Self, String> {
        let mut set = ["PLUGIN_UNIX_SOCKET_DIR", "TMPDIR"]
            .into_iter()
            .filter_map(|variable| Some((variable, environment.get(variable)?)));
        let (variable, base) = set.next().unwrap_or(("TMPDIR", FALLBACK));
        let created = Self::under(base).map_err(|error| {
            format!(
                "no private directory for its socket could be made ({error}). Set {variable} to a directory that can be written to"
            )
        })?;
        if created.socket().as_os_str().as_bytes().len() < LONGEST_PATH {
            return Ok(created);
        }
        drop(created);
        Self::under(FALLBACK).map_err(|error| {
            format!(
                "{base:?} is too long for the path of a socket, and no private directory could be made in its place ({error}). \
                 Set {variable} to a shorter path"
            )
        })
    }

    fn under(base: &str) -> io::Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("tf-provider-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(std::path::absolute(base)?)?;
        Ok(Self { directory })
    }

    /// The socket's path.
    pub(super) fn socket(&self) -> PathBuf {
        self.directory.path().join("socket")
    }

    /// Listens on the socket.
    ///
    /// # Errors
    /// When the system refuses.
    pub(super) fn listen(&self) -> io::Result<UnixListener> {
        UnixListener::bind(self.socket())
    }
}
