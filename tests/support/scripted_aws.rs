//! A loopback server that speaks AWS JSON 1.1, and as much of the query protocol as STS needs, and answers as a test tells it: refusals, lost answers, silence.
//!
//! It keeps no state of its own and shares no code with the adapters.

use std::collections::BTreeMap;
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
    /// An answer in XML, as STS gives it.
    Xml(u16, String),
    /// An answer that is not JSON.
    Garbage,
    /// A refusal that repeats the session token of the request.
    Repeats,
    /// An answer of so many bytes.
    Long(usize),
    /// An answer with that header `date`.
    Dated(String, u16, Value),
}

/// A request that came in.
struct Call {
    /// `PutParameter` and so on.
    operation: String,
    /// The id of the key that signed it.
    key_id: String,
    /// Headers by lower-case name.
    headers: BTreeMap<String, String>,
    path: String,
    body: Vec<u8>,
    request: Value,
}

type Script = dyn Fn(&Call) -> Reply + Send + Sync;

/// The server; it ends with the test's runtime.
pub(crate) struct ScriptedAws {
    url: String,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl ScriptedAws {
    /// Starts one that answers by `script`.
    pub(crate) async fn start(script: impl Fn(&str, &Value) -> Reply + Send + Sync + 'static) -> Self {
        Self::of(Arc::new(move |call: &Call| script(&call.operation, &call.request))).await
    }

    /// The same by operation and headers.
    pub(crate) async fn start_with_headers(
        script: impl Fn(&str, &BTreeMap<String, String>) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::of(Arc::new(move |call: &Call| script(&call.operation, &call.headers))).await
    }

    async fn of(script: Arc<Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let calls = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&calls);
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
        self.each(|call| Some(call.operation.clone()))
    }

    /// How often an operation was asked for.
    pub(crate) fn count(&self, operation: &str) -> usize {
        self.operations().iter().filter(|asked| *asked == operation).count()
    }

    /// The requests of one operation.
    pub(crate) fn requests(&self, operation: &str) -> Vec<Value> {
        self.each(|call| (call.operation == operation).then(|| call.request.clone()))
    }

    /// The ids of the keys that signed the requests.
    pub(crate) fn key_ids(&self) -> Vec<String> {
        self.each(|call| Some(call.key_id.clone()))
    }

    /// Path, headers and body of each request.
    pub(crate) fn raw(&self) -> Vec<(String, BTreeMap<String, String>, Vec<u8>)> {
        self.each(|call| Some((call.path.clone(), call.headers.clone(), call.body.clone())))
    }

    fn each<T>(&self, take: impl Fn(&Call) -> Option<T>) -> Vec<T> {
        self.calls.lock().expect("no panic").iter().filter_map(take).collect()
    }
}

async fn serve(mut stream: TcpStream, log: Arc<Mutex<Vec<Call>>>, script: Arc<Script>) {
    while let Some(call) = read_request(&mut stream).await {
        let reply = script(&call);
        let token = call.headers.get("x-amz-security-token").cloned().unwrap_or_default();
        log.lock().expect("no panic").push(call);
        let mut date = String::new();
        let (status, body) = match reply {
            Reply::Dated(now, status, body) => {
                date = format!("Date: {now}\r\n");
                (status, body.to_string())
            }
            Reply::Answer(status, body) => (status, body.to_string()),
            Reply::Xml(status, body) => (status, body),
            Reply::Garbage => (200, "<html>not what was asked for</html>".to_owned()),
            Reply::Lost => return,
            Reply::Repeats => {
                let message = format!("x-amz-security-token:{token}.");
                let body = serde_json::json!({ "__type": "InvalidSignatureException", "message": message });
                (400, body.to_string())
            }
            Reply::Long(length) => (200, format!("{{\"Parameters\":[]{}}}", " ".repeat(length))),
        };
        let answer = format!(
            "HTTP/1.1 {status} Scripted\r\n{date}Content-Type: application/x-amz-json-1.1\r\nContent-Length: {}\r\n\r\n{body}",
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
    let (first, lines) = head.split_once("\r\n").expect("a request line");
    let path = first.split(' ').nth(1).expect("a path").to_owned();
    let headers: BTreeMap<String, String> = lines
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let header = |name: &str| headers.get(name);
    let length: usize = header("content-length")?.parse().expect("a number");
    while bytes.len() < head_length + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = &bytes[head_length..head_length + length];
    let (operation, request) = match header("x-amz-target") {
        Some(target) => {
            let operation = target.rsplit('.').next().expect("never empty").to_owned();
            (operation, serde_json::from_slice(body).expect("a JSON body"))
        }
        None => {
            let fields: BTreeMap<String, String> = url::form_urlencoded::parse(body).into_owned().collect();
            (fields["Action"].clone(), serde_json::json!(fields))
        }
    };
    let authorization = header("authorization").expect("signed");
    let credential = authorization.split_once("Credential=").expect("SigV4").1;
    let key_id = credential.split('/').next().expect("never empty").to_owned();
    Some(Call {
        operation,
        key_id,
        path,
        body: body.to_vec(),
        request,
        headers,
    })
}
