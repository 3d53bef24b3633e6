//! A loopback server that speaks AWS JSON 1.1 and answers as a test tells it: refusals, lost answers, silence.
//!
//! It keeps no state of its own and shares no code with the adapters.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What happens to one request.
pub(crate) enum Reply {
    /// An answer.
    Answer(u16, Value),
    /// The connection is closed after the request was read.
    Lost,
    /// An answer that is not JSON.
    Garbage,
}

/// An operation (`PutParameter`) and its request.
pub(crate) type Call = (String, Value);

type Script = dyn Fn(&str, &Value) -> Reply + Send + Sync;

/// The server; it ends with the test's runtime.
pub(crate) struct ScriptedAws {
    url: String,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl ScriptedAws {
    /// Starts one that answers by `script`.
    pub(crate) async fn start(script: impl Fn(&str, &Value) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let calls = Arc::new(Mutex::new(Vec::new()));
        let (log, script): (_, Arc<Script>) = (Arc::clone(&calls), Arc::new(script));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&log), Arc::clone(&script)));
            }
        });
        Self { url, calls }
    }

    /// Its endpoint.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The operations asked for so far, in order.
    pub(crate) fn operations(&self) -> Vec<String> {
        let calls = self.calls.lock().expect("no panic");
        calls.iter().map(|(operation, _)| operation.clone()).collect()
    }

    /// How often an operation was asked for.
    pub(crate) fn count(&self, operation: &str) -> usize {
        self.operations().iter().filter(|asked| *asked == operation).count()
    }

    /// The requests of one operation.
    pub(crate) fn requests(&self, operation: &str) -> Vec<Value> {
        let calls = self.calls.lock().expect("no panic");
        let of = |(asked, request): &Call| (asked == operation).then(|| request.clone());
        calls.iter().filter_map(of).collect()
    }
}

async fn serve(mut stream: TcpStream, log: Arc<Mutex<Vec<Call>>>, script: Arc<Script>) {
    while let Some((operation, request)) = read_request(&mut stream).await {
        log.lock().expect("no panic").push((operation.clone(), request.clone()));
        let (status, body) = match script(&operation, &request) {
            Reply::Answer(status, body) => (status, body.to_string()),
            Reply::Garbage => (200, "<html>not what was asked for</html>".to_owned()),
            Reply::Lost => return,
        };
        let answer = format!(
            "HTTP/1.1 {status} Scripted\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Call> {
    let mut bytes = Vec::new();
    let head_length = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_length].to_vec()).expect("ASCII head");
    let header = |name: &str| {
        let line = head
            .lines()
            .find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let length: usize = header("content-length")?.parse().expect("a number");
    while bytes.len() < head_length + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let target = header("x-amz-target").expect("AWS JSON names its operation");
    let operation = target.rsplit('.').next().expect("never empty").to_owned();
    let request = serde_json::from_slice(&bytes[head_length..head_length + length]).expect("a JSON body");
    Some((operation, request))
}
