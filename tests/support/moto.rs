//! A moto server (an emulator of AWS, written in Python) on a free port of this machine; stopped when dropped.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running server with an empty state.
pub(crate) struct Moto {
    process: Child,
    port: u16,
}

impl Moto {
    /// Starts one and waits until it answers. It stands for account 123456789012, and for that of a role that is taken on.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// The same for another account, whoever asks.
    pub(crate) fn of_account(account: &str) -> Self {
        Self::with(&[("MOTO_ACCOUNT_ID", account)])
    }

    fn with(environment: &[(&str, &str)]) -> Self {
        // Another process may take the port that was free.
        (0..3)
            .find_map(|_| Self::on(free_port(), environment))
            .expect("moto_server runs")
    }

    /// `None` when it ended by itself.
    fn on(port: u16, environment: &[(&str, &str)]) -> Option<Self> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/moto_server");
        assert!(program.exists(), "{} is missing; run `make test`", program.display());
        let process = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("moto_server starts");
        let mut moto = Self { process, port };
        for _ in 0..600 {
            if moto
                .request("GET", "/moto-api/")
                .is_some_and(|answer| answer.contains(" 200 "))
            {
                return Some(moto);
            }
            if let Some(status) = moto.process.try_wait().expect("its status can be asked") {
                println!("moto_server ended by itself: {status}");
                return None;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("moto_server does not answer on port {port} after 30 seconds");
    }

    /// The endpoint of every service.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Forgets everything.
    pub(crate) fn reset(&self) {
        let answer = self.request("POST", "/moto-api/reset").expect("moto answers");
        assert!(answer.contains(" 200 "), "{answer}");
    }

    fn request(&self, method: &str, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        let head = format!("{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(head.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // A server that has ended already is what we want.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    listener.local_addr().expect("bound").port()
}
