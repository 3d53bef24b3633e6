//! An OpenSSH server of a test's own: on loopback, on a free port, for the user that runs the test, ended with the test.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// What to tell who has no server.
const MISSING: &str =
    "OpenSSH is missing: install the Debian packages openssh-server and openssh-client, or run `make tools`";

/// A running server.
pub(crate) struct Sshd {
    process: Child,
    port: u16,
    user: String,
    folder: TempDir,
}

impl Sshd {
    /// Makes keys, starts a server that lets their owner in, and waits until it answers.
    pub(crate) fn start() -> Self {
        let server = Path::new("/usr/sbin/sshd");
        assert!(server.exists(), "{MISSING}");
        let folder = tempfile::tempdir().unwrap();
        let key = |name: &str, kind: &str| make_key(&folder.path().join(name), kind);
        key("host", "ed25519");
        key("user", "ed25519");
        key("stranger", "ed25519");
        key("other_kind", "ecdsa");
        let user = output("id", &["-un"]);
        if output("id", &["-u"]) == "0" {
            // The server insists on it, even without privilege separation.
            std::fs::create_dir_all("/run/sshd").unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let config = [
            format!("Port {port}"),
            "ListenAddress 127.0.0.1".to_owned(),
            format!("HostKey {}", path("host")),
            format!("AuthorizedKeysFile {}", path("user.pub")),
            "PidFile none".to_owned(),
            "StrictModes no".to_owned(),
            "UsePAM no".to_owned(),
            "PasswordAuthentication no".to_owned(),
            "KbdInteractiveAuthentication no".to_owned(),
            "PermitRootLogin prohibit-password".to_owned(),
            "MaxStartups 100".to_owned(),
        ];
        std::fs::write(folder.path().join("config"), config.join("\n") + "\n").unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        // It ends with its standard input, so that a test that is killed leaves no server behind.
        let until_end = "\"$0\" \"$@\" </dev/null & server=$!; read -r _; kill $server; wait $server";
        let process = Command::new("/bin/sh")
            .args(["-c", until_end])
            .arg(server)
            .args(["-D", "-e", "-f", &path("config")])
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let server = Self {
            process,
            port,
            user,
            folder,
        };
        server.wait();
        server
    }

    fn wait(&self) {
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{}", std::fs::read_to_string(self.folder.path().join("log")).unwrap());
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Who may log in.
    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    /// Its public key.
    pub(crate) fn host_key(&self) -> String {
        self.public_key("host")
    }

    /// The public key of `host`, `stranger` or `other_kind`.
    pub(crate) fn public_key(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(format!("{name}.pub"))).unwrap()
    }

    /// The private key that it accepts, or with `stranger` one that it does not.
    pub(crate) fn private_key(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        drop(self.process.wait());
    }
}

fn make_key(path: &Path, kind: &str) {
    let mut command = Command::new("ssh-keygen");
    command
        .args(["-q", "-t", kind, "-N", "", "-C", "of a test", "-f"])
        .arg(path);
    assert!(command.status().expect(MISSING).success());
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
