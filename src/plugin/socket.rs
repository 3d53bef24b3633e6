//! The unix socket, in a directory that only this user can enter and that disappears with the process.

use std::fs::Permissions;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

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
    /// When no directory can be made there.
    pub(super) fn create(environment: &Environment) -> io::Result<Self> {
        let base = environment
            .first(&["PLUGIN_UNIX_SOCKET_DIR", "TMPDIR"])
            .unwrap_or(FALLBACK);
        let created = Self::under(Path::new(base))?;
        if created.socket().as_os_str().as_bytes().len() < LONGEST_PATH {
            return Ok(created);
        }
        drop(created);
        Self::under(Path::new(FALLBACK))
    }

    fn under(base: &Path) -> io::Result<Self> {
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
