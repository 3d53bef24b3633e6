//! A PostgreSQL cluster of a test's own: on loopback, on a free port, in a temporary directory, ended with the test.

use std::fs::File;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rotation_provider::environment::Environment;
use tempfile::TempDir;

/// What to tell who has no PostgreSQL.
const MISSING: &str =
    "PostgreSQL is missing: install the Debian package postgresql (apt-get install postgresql), or run `make tools`";

/// A running cluster.
pub(crate) struct Postgres {
    process: Child,
    port: u16,
    _directory: TempDir,
}

/// A user and group that may run a server: it refuses to run as root.
type Account = Option<(u32, u32)>;

impl Postgres {
    /// Makes a cluster, starts it and waits until it answers.
    pub(crate) fn start() -> Self {
        let binaries = binaries();
        let account = account();
        let directory = tempfile::tempdir().unwrap();
        if let Some((user, group)) = account {
            std::os::unix::fs::chown(directory.path(), Some(user), Some(group)).unwrap();
        }
        let data = directory.path().join("data");
        let made = as_account(&binaries.join("initdb"), account, directory.path())
            .arg("-D")
            .arg(&data)
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"])
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = File::create(directory.path().join("log")).unwrap();
        // It ends with its standard input, so that a test that is killed leaves no server behind.
        let until_end = "\"$0\" \"$@\" </dev/null & server=$!; read -r _; kill -INT $server; wait $server";
        let process = as_account(Path::new("/bin/sh"), account, directory.path())
            .args(["-c", until_end])
            .arg(binaries.join("postgres"))
            .arg("-D")
            .arg(&data)
            .args([
                "-p",
                &port.to_string(),
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "fsync=off",
            ])
            .args(["-c", "unix_socket_directories="])
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let cluster = Self {
            process,
            port,
            _directory: directory,
        };
        cluster.wait(&binaries.join("pg_isready"));
        cluster
    }

    /// Where Terraform's `pg` backend finds it.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres?sslmode=disable", self.port)
    }

    fn wait(&self, is_ready: &Path) {
        for _ in 0..300 {
            let port = self.port.to_string();
            let asked = Command::new(is_ready)
                .args(["-q", "-h", "127.0.0.1", "-p", &port])
                .status();
            if asked.unwrap().success() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("PostgreSQL does not answer on port {}", self.port);
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        drop(self.process.wait());
    }
}

/// Where the server's executables are: on the PATH, or where Debian puts them.
fn binaries() -> PathBuf {
    let environment = Environment::of_process();
    let path = environment.get("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let debian = debian.filter_map(|version| Some(version.ok()?.path().join("bin")));
    let found = path.split(':').map(PathBuf::from).chain(debian);
    let mut complete = found.filter(|folder| {
        ["initdb", "postgres", "pg_isready"]
            .iter()
            .all(|name| folder.join(name).exists())
    });
    complete.next().expect(MISSING)
}

/// Nobody in particular, when this runs as root.
fn account() -> Account {
    let id = |arguments: &[&str]| {
        let output = Command::new("id").args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().parse::<u32>().ok()
    };
    if id(&["-u"]) != Some(0) {
        return None;
    }
    let of = |name: &str| Some((id(&["-u", name])?, id(&["-g", name])?));
    Some(
        of("postgres")
            .or_else(|| of("nobody"))
            .expect("an account other than root"),
    )
}

fn as_account(program: &Path, account: Account, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory);
    if let Some((user, group)) = account {
        command.uid(user).gid(group);
    }
    command
}
