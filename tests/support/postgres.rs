//! A PostgreSQL cluster of a test's own: on loopback, on a free port, in a temporary directory, ended with the test.

use std::fs::{File, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rotation_provider::environment::Environment;
use tempfile::TempDir;

/// What to tell who has no PostgreSQL.
const MISSING: &str =
    "PostgreSQL is missing: install the Debian package postgresql (apt-get install postgresql), or run `make tools`";

/// The superuser's password in a cluster that asks for passwords.
pub(crate) const SUPERUSER: &str = "zq7-Qz9wKx2_LmYp3Ds8vB4";

/// The files of a cluster that was never started: copied in a moment, where making them takes a second.
pub(crate) struct Template {
    binaries: PathBuf,
    account: Account,
    directory: TempDir,
}

/// A running cluster.
pub(crate) struct Postgres {
    process: Child,
    port: u16,
    binaries: PathBuf,
    directory: TempDir,
}

/// A client with an open session.
pub(crate) struct OpenClient(Child);

impl Drop for OpenClient {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        drop(self.0.wait());
    }
}

/// A user and group that may run a server: it refuses to run as root.
type Account = Option<(u32, u32)>;

impl Template {
    /// Of clusters that trust whoever comes, or ask for passwords by SCRAM.
    pub(crate) fn make(asks_for_passwords: bool) -> Self {
        let (binaries, account) = (binaries(), account());
        let directory = folder(account);
        let file = directory.path().join("password");
        std::fs::write(&file, SUPERUSER).unwrap();
        let method = if asks_for_passwords { "scram-sha-256" } else { "trust" };
        let made = as_account(&binaries.join("initdb"), account, directory.path())
            .arg("-D")
            .arg(directory.path().join("data"))
            .arg("--pwfile")
            .arg(file)
            .args(["-U", "postgres", "-A", method, "-E", "UTF8", "--locale=C", "--no-sync"])
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        Self {
            binaries,
            account,
            directory,
        }
    }

    /// Starts a cluster of its own and waits until it answers; with `tls`, a certificate chain and its key in PEM form.
    pub(crate) fn start(&self, tls: Option<(&str, &str)>) -> Postgres {
        let Self { binaries, account, .. } = self;
        let directory = folder(*account);
        let data = directory.path().join("data");
        let copied = as_account(Path::new("cp"), *account, directory.path())
            .arg("-a")
            .arg(self.directory.path().join("data"))
            .arg(&data)
            .status();
        assert!(copied.unwrap().success());
        let mut settings = vec!["listen_addresses=127.0.0.1", "fsync=off", "unix_socket_directories="];
        if let Some((certificate, key)) = tls {
            for (name, text) in [("server.crt", certificate), ("server.key", key)] {
                let file = data.join(name);
                std::fs::write(&file, text).unwrap();
                std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
                if let Some((user, group)) = account {
                    std::os::unix::fs::chown(&file, Some(*user), Some(*group)).unwrap();
                }
            }
            settings.push("ssl=on");
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = File::create(directory.path().join("log")).unwrap();
        // It ends with its standard input, so that a test that is killed leaves no server behind.
        let until_end = "\"$0\" \"$@\" </dev/null & server=$!; read -r _; kill -INT $server; wait $server";
        let process = as_account(Path::new("/bin/sh"), *account, directory.path())
            .args(["-c", until_end])
            .arg(binaries.join("postgres"))
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string()])
            .args(settings.iter().flat_map(|setting| ["-c", setting]))
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let cluster = Postgres {
            process,
            port,
            binaries: binaries.clone(),
            directory,
        };
        cluster.wait();
        cluster
    }
}

impl Postgres {
    /// A cluster that trusts whoever comes.
    pub(crate) fn start() -> Self {
        Template::make(false).start(None)
    }

    /// Where Terraform's `pg` backend finds it.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres?sslmode=disable", self.port)
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The client of this server's version.
    pub(crate) fn psql_executable(&self) -> PathBuf {
        self.binaries.join("psql")
    }

    /// What the server has written to its log.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap()
    }

    /// Statements of the superuser, as an outsider runs them; the rows of the answer, with fields parted by `|`.
    #[track_caller]
    pub(crate) fn sql(&self, statements: &str) -> String {
        let ran = self.psql("postgres", SUPERUSER, statements);
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap().trim_end().to_owned()
    }

    /// Whether somebody logs in with this password. Whatever else bars the login fails the test.
    #[track_caller]
    pub(crate) fn accepts(&self, user: &str, password: &str) -> bool {
        let ran = self.psql(user, password, "SELECT 1");
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(
            ran.status.success() || said.contains("password authentication failed"),
            "{said}"
        );
        ran.status.success()
    }

    /// A session of that role, which stays open until its client is dropped.
    pub(crate) fn holds_a_session(&self, user: &str, password: &str) -> OpenClient {
        let before = self.sessions(user).len();
        let session = Command::new(self.psql_executable())
            .args(["-XqAt", "-h", "127.0.0.1", "-d", "postgres", "-U", user])
            .args(["-p", &self.port.to_string()])
            .env("PGPASSWORD", password)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let begun = (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            self.sessions(user).len() > before
        });
        assert!(begun, "{user} has no session");
        OpenClient(session)
    }

    /// The processes that serve sessions of that role, in the order of their beginning.
    pub(crate) fn sessions(&self, user: &str) -> Vec<String> {
        let open = format!("SELECT pid FROM pg_stat_activity WHERE usename = '{user}' ORDER BY backend_start");
        self.sql(&open).lines().map(str::to_owned).collect()
    }

    fn psql(&self, user: &str, password: &str, statements: &str) -> Output {
        Command::new(self.psql_executable())
            .args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-d", "postgres"])
            .args(["-p", &self.port.to_string(), "-U", user, "-c", statements])
            .env("PGPASSWORD", password)
            .output()
            .unwrap()
    }

    fn wait(&self) {
        for _ in 0..300 {
            let port = self.port.to_string();
            let asked = Command::new(self.binaries.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &port])
                .status();
            if asked.unwrap().success() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("PostgreSQL does not answer on port {}: {}", self.port, self.log());
    }
}

/// A temporary folder of that account's.
fn folder(account: Account) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    if let Some((user, group)) = account {
        std::os::unix::fs::chown(directory.path(), Some(user), Some(group)).unwrap();
    }
    directory
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
        ["initdb", "postgres", "pg_isready", "psql"]
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
