//! The sandbox as a process of a test: started on a free port, asked for its truth, told to go wrong, ended with the test.
//!
//! The executable is `examples/sandbox`, which `cargo test` builds; nothing of the provider's HTTP client is used to talk to it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// A running sandbox.
pub(crate) struct Sandbox {
    /// `None` for a copy, which lives in the process of its original.
    process: Option<Child>,
    exports: Vec<(String, String)>,
    address: String,
}

impl Sandbox {
    /// Starts one and waits until it is ready.
    pub(crate) fn start() -> Self {
        let mut process = Command::new(executable())
            .arg("--exit-with-stdin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("the sandbox cannot be run ({error}): build it with `cargo build --example sandbox`")
            });
        let mut exports = Vec::new();
        for line in BufReader::new(process.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if line == "ready" {
                break;
            }
            let (name, value) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
            // They go before variables that tests set, and a test starts without any of them.
            if ["FLY_ACCESS_TOKEN", "AWS_ENDPOINT_URL_SSM"].contains(&name) {
                continue;
            }
            exports.push((name.to_owned(), value.trim_matches('\'').to_owned()));
        }
        let mut sandbox = Self {
            process: Some(process),
            exports,
            address: String::new(),
        };
        sandbox.address = sandbox
            .export("SANDBOX_URL")
            .strip_prefix("http://")
            .unwrap()
            .to_owned();
        sandbox
    }

    /// A world in which everything is as it is here, at an address of its own; it ends with the returned value.
    pub(crate) fn fork(&self) -> Self {
        let answer = self.control("POST", "fork", &Value::Null);
        let origin = answer["SANDBOX_URL"].as_str().unwrap();
        let moved =
            |(name, value): &(String, String)| (name.clone(), value.replace(self.export("SANDBOX_URL"), origin));
        Self {
            process: None,
            exports: self.exports.iter().map(moved).collect(),
            address: origin.strip_prefix("http://").unwrap().to_owned(),
        }
    }

    /// Every call that a vendor acted on, and the truth whenever it changed.
    pub(crate) fn timeline(&self) -> Vec<Value> {
        let answer = self.control("GET", "timeline", &Value::Null);
        answer.as_array().unwrap().clone()
    }

    /// The calls that are held.
    pub(crate) fn held(&self) -> Vec<String> {
        let answer = self.control("GET", "held", &Value::Null);
        let lines = answer.as_array().unwrap().iter();
        lines.map(|line| line.as_str().unwrap().to_owned()).collect()
    }

    /// Lets held calls go on.
    pub(crate) fn release(&self) {
        self.control("POST", "release", &Value::Null);
    }

    /// The variables that point a provider at it.
    pub(crate) fn exports(&self) -> &[(String, String)] {
        &self.exports
    }

    /// One of the variables.
    pub(crate) fn export(&self, name: &str) -> &str {
        let found = self.exports.iter().find(|(known, _)| known == name);
        found.map_or_else(|| panic!("the sandbox does not export {name}"), |(_, value)| value)
    }

    /// The vendors' whole truth, values and call log included.
    pub(crate) fn state(&self) -> Value {
        self.control("GET", "state", &Value::Null)
    }

    /// What is left of GitHub's calls of this hour, and how many writes came too early.
    pub(crate) fn github_limits(&self) -> Value {
        self.control("GET", "github_limits", &Value::Null)
    }

    /// The calls since the log was last cleared, in their order.
    pub(crate) fn calls(&self) -> Vec<Call> {
        let state = self.state();
        state["calls"].as_array().unwrap().iter().map(Call::from_log).collect()
    }

    /// Clears the call log.
    pub(crate) fn forget_calls(&self) {
        self.control("DELETE", "calls", &Value::Null);
    }

    /// The `nth` call from now on that contains `pattern` goes wrong as `kind` says.
    pub(crate) fn fault(&self, pattern: &str, nth: usize, kind: &str) {
        self.control("POST", "fault", &json!({ "match": pattern, "nth": nth, "kind": kind }));
    }

    /// As [`Self::fault`], as often as it is called.
    pub(crate) fn lasting_fault(&self, pattern: &str, kind: &str) {
        self.control(
            "POST",
            "fault",
            &json!({ "match": pattern, "kind": kind, "times": 1_000_000 }),
        );
    }

    /// Removes the planted faults.
    pub(crate) fn heal(&self) {
        self.control("DELETE", "fault", &Value::Null);
    }

    /// Adds to the vendors' world, as a person would.
    pub(crate) fn seed(&self, content: Value) {
        self.control("POST", "seed", &content);
    }

    /// Switches `echo` and `list_lag_ms`.
    pub(crate) fn settings(&self, content: Value) {
        self.control("POST", "settings", &content);
    }

    fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.call(method, &format!("/_sandbox/{path}"), &[], body);
        assert!(status < 300, "{method} {path}: {status} {answer}");
        answer
    }

    /// A call as an outsider makes it; the status and the body.
    pub(crate) fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> (u16, Value) {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let mut text = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n",
            self.address
        );
        text += &format!("user-agent: outsider\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(format!("{text}\r\n{body}").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            drop(process.kill());
            drop(process.wait());
        } else {
            // A world without its process has ended already.
            drop(TcpStream::connect(&self.address).and_then(|mut stream| {
                stream.write_all(b"DELETE /_sandbox HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\n\r\n")?;
                stream.read_to_end(&mut Vec::new())
            }));
        }
    }
}

/// An entry of the call log.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// `METHOD /path operation`.
    pub(crate) line: String,
}

impl Call {
    fn from_log(entry: &Value) -> Self {
        let text = |name: &str| entry[name].as_str().unwrap();
        Self {
            line: format!("{} {} {}", text("method"), text("path"), text("operation"))
                .trim_end()
                .to_owned(),
        }
    }

    /// Whether it asks the vendor to change something.
    pub(crate) fn writes(&self) -> bool {
        let reading = [
            "AmazonSSM.Get",
            "AmazonSSM.Describe",
            "AmazonSSM.List",
            "GetCallerIdentity",
            "/v1/tokens/authenticate",
            "/v1/tokens/authorize",
        ];
        let queries = [
            "/graphql app",
            "/graphql organization",
            "/graphql node",
            "/graphql viewer",
            "/graphql environment",
            "/graphql deployment",
            "/graphql projectTokens",
            "/graphql apiTokens",
        ];
        !self.line.starts_with("GET ")
            && ![&reading[..], &queries[..]]
                .concat()
                .iter()
                .any(|known| self.line.contains(known))
    }
}

/// Where `cargo test` has put the executable.
pub(crate) fn executable() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent()
        .and_then(|deps| deps.parent())
        .unwrap()
        .join("examples/sandbox")
}
