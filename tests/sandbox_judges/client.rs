//! An outsider's HTTP: one call per connection, nothing retried, nothing interpreted. It shares no code with the provider's
//! client, and keeps what it heard for the judges.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};

use super::harness::Sandbox;
use super::signature;

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) raw: Vec<u8>,
    /// Null when the body is no JSON.
    pub(crate) body: Value,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let raw = bytes[end + 4..].to_vec();
        Some(Self {
            status: head.split(' ').nth(1)?.parse().ok()?,
            body: serde_json::from_slice(&raw).unwrap_or(Value::Null),
            head,
            raw,
        })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Whether the body is as long as the head says.
    pub(crate) fn is_whole(&self) -> bool {
        self.header("content-length")
            .is_none_or(|length| length.parse() == Ok(self.raw.len()))
    }

    /// The body of a success.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        self.body
    }
}

/// Somebody who talks to a sandbox of his own.
pub(crate) struct Outsider {
    pub(crate) sandbox: Sandbox,
    heard: Mutex<Vec<Value>>,
}

impl Outsider {
    pub(crate) fn new() -> Self {
        Self {
            sandbox: Sandbox::start(),
            heard: Mutex::new(Vec::new()),
        }
    }

    /// Everything that was asked and answered, for `schemas.py`.
    pub(crate) fn heard(&self) -> Vec<Value> {
        self.heard.lock().unwrap().clone()
    }

    /// One call; `None` when the connection ended before an answer's head.
    pub(crate) fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Option<Answer> {
        let address = self.sandbox.export("SANDBOX_URL").trim_start_matches("http://");
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
        text += &format!("content-length: {}\r\n", body.len());
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(format!("{text}\r\n{body}").as_bytes()).unwrap();
        let mut bytes = Vec::new();
        // A connection that is reset is one of the things that are looked for.
        drop(stream.read_to_end(&mut bytes));
        Answer::parse(&bytes)
    }

    #[track_caller]
    pub(crate) fn hear(
        &self,
        vendor: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let answer = self.call(method, path, headers, body);
        let answer = answer.unwrap_or_else(|| panic!("{method} {path}: no answer"));
        let target = headers.iter().find(|(name, _)| *name == "x-amz-target");
        self.heard.lock().unwrap().push(json!({
            "vendor": vendor, "method": method, "path": path, "operation": target.map(|(_, target)| target),
            "request": body, "status": answer.status, "response": answer.body, "empty": answer.raw.is_empty(),
        }));
        answer
    }

    pub(crate) fn fly(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.fly_as(self.sandbox.export("FLY_API_TOKEN"), method, path, body)
    }

    pub(crate) fn fly_as(&self, token: &str, method: &str, path: &str, body: &Value) -> Answer {
        self.hear("fly", method, path, &[("authorization", token)], body)
    }

    pub(crate) fn leased(&self, nonce: &str, method: &str, path: &str, body: &Value) -> Answer {
        let token = self.sandbox.export("FLY_API_TOKEN");
        let headers = [("authorization", token), ("fly-machine-lease-nonce", nonce)];
        self.hear("fly", method, path, &headers, body)
    }

    pub(crate) fn graphql(&self, query: &str, variables: &Value) -> Answer {
        let body = json!({ "query": query, "variables": variables });
        let token = self.sandbox.export("FLY_API_TOKEN");
        self.hear("graphql", "POST", "/graphql", &[("authorization", token)], &body)
    }

    pub(crate) fn github(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.github_as(self.sandbox.export("GITHUB_TOKEN"), method, path, body)
    }

    pub(crate) fn github_as(&self, token: &str, method: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [
            ("authorization", bearer.as_str()),
            ("user-agent", "outsider"),
            ("accept", "application/vnd.github+json"),
            ("x-github-api-version", "2022-11-28"),
        ];
        self.hear("github", method, path, &headers, body)
    }

    pub(crate) fn neon(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.neon_as(self.sandbox.export("NEON_API_KEY"), method, path, body)
    }

    pub(crate) fn neon_as(&self, key: &str, method: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {key}");
        let path = format!("/api/v2{path}");
        self.hear("neon", method, &path, &[("authorization", &bearer)], body)
    }

    pub(crate) fn ssm(&self, operation: &str, body: &Value) -> Answer {
        self.ssm_with(self.sandbox.export("AWS_SECRET_ACCESS_KEY"), operation, body)
    }

    /// The call signed with another key than the one that belongs to the access key id.
    pub(crate) fn ssm_with(&self, key: &str, operation: &str, body: &Value) -> Answer {
        let key_id = self.sandbox.export("AWS_ACCESS_KEY_ID");
        let host = self.sandbox.export("SANDBOX_URL").trim_start_matches("http://");
        let target = format!("AmazonSSM.{operation}");
        let headers = signature::headers(key_id, key, host, &target, &body.to_string());
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.hear("aws", "POST", "/", &headers, body)
    }

    pub(crate) fn platform(&self, method: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {}", self.sandbox.export("PLATFORM_TOKEN"));
        self.hear("platform", method, path, &[("authorization", &bearer)], body)
    }
}
