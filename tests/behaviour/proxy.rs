//! Stands between the provider and a vendor: writes down what is asked, and lets single calls go wrong.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};

use crate::postgres_proxy::{self, Fate};
use crate::vendor;

/// What happens to a call.
#[derive(Clone)]
pub(crate) enum Act {
    /// The connection is cut; the vendor never hears of the call.
    CutBefore,
    /// The vendor acts on it; the connection is cut before the answer.
    CutAfter,
    /// It is answered so; the vendor never hears of it.
    Answer(Answer),
}

/// An answer in a vendor's stead.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.to_string(),
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// A call that was made.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// By lower-case name.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Asked {
    /// What rules are matched against: method, path, query, and what names the operation where the path does not.
    fn line(&self) -> String {
        let operation = self.headers.get("x-amz-target").cloned().unwrap_or_default();
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        let query = body["query"].as_str().unwrap_or_default();
        let action = if self.body.starts_with("Action=") || self.method == "QUERY" {
            self.body.as_str()
        } else {
            ""
        };
        format!("{} {} {operation}{query}{action}", self.method, self.target)
    }
}

struct Rule {
    on: String,
    times: usize,
    act: Act,
}

struct Inner {
    vendor: String,
    client: reqwest::Client,
    rules: Vec<Rule>,
    asked: Vec<Asked>,
}

impl Inner {
    /// Writes a call down, and says what goes wrong with it.
    fn judge(&mut self, asked: Asked) -> Option<Act> {
        let line = asked.line();
        self.asked.push(asked);
        let mut rules = self.rules.iter_mut();
        let rule = rules.find(|rule| rule.times > 0 && line.contains(&rule.on))?;
        rule.times = rule.times.saturating_sub(1);
        Some(rule.act.clone())
    }
}

/// A running proxy; it ends with the test's runtime.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) url: String,
    inner: Arc<Mutex<Inner>>,
}

impl Proxy {
    /// Before the vendor at that origin.
    pub(crate) async fn before(vendor: &str) -> Self {
        let inner = Arc::new(Mutex::new(Inner {
            vendor: vendor.to_owned(),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            rules: Vec::new(),
            asked: Vec::new(),
        }));
        let router = Router::new().fallback(pass).with_state(Arc::clone(&inner));
        let url = vendor::serve(router).await;
        Self { url, inner }
    }

    /// Before a PostgreSQL server on that port. An [`Answer`] is a SQLSTATE, in the place of a content type, and a message.
    pub(crate) fn before_postgres(server: u16) -> Self {
        let inner = Arc::new(Mutex::new(Inner {
            vendor: String::new(),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            rules: Vec::new(),
            asked: Vec::new(),
        }));
        let shared = Arc::clone(&inner);
        let judge = move |statements: &str| {
            let asked = Asked {
                method: "QUERY".to_owned(),
                target: String::new(),
                headers: BTreeMap::new(),
                body: statements.to_owned(),
            };
            match shared.lock().unwrap().judge(asked) {
                None => Fate::Pass,
                Some(Act::CutBefore) => Fate::CutBefore,
                Some(Act::CutAfter) => Fate::CutAfter,
                Some(Act::Answer(answer)) => Fate::Error(answer.headers[0].1.clone(), answer.body),
            }
        };
        let port = postgres_proxy::before(server, Arc::new(judge));
        let url = port.to_string();
        Self { url, inner }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// The next call whose line contains `on` goes wrong so.
    pub(crate) fn once(&self, on: &str, act: Act) {
        self.times(on, 1, act);
    }

    /// Every one from now on.
    pub(crate) fn always(&self, on: &str, act: Act) {
        self.times(on, usize::MAX, act);
    }

    pub(crate) fn times(&self, on: &str, times: usize, act: Act) {
        let on = on.to_owned();
        self.inner().rules.push(Rule { on, times, act });
    }

    /// From now on nothing goes wrong.
    pub(crate) fn heal(&self) {
        self.inner().rules.clear();
    }

    /// The calls so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.inner().asked.clone()
    }

    pub(crate) fn forget(&self) {
        self.inner().asked.clear();
    }

    /// How many calls so far have that in their line.
    pub(crate) fn count(&self, on: &str) -> usize {
        self.inner()
            .asked
            .iter()
            .filter(|asked| asked.line().contains(on))
            .count()
    }
}

async fn pass(State(inner): State<Arc<Mutex<Inner>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let asked = Asked {
        method: parts.method.to_string(),
        target: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: readable(&parts.headers),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let (act, client, url) = {
        let mut inner = inner.lock().unwrap();
        let url = format!("{}{}", inner.vendor, asked.target);
        (inner.judge(asked), inner.client.clone(), url)
    };
    match act {
        Some(Act::CutBefore) => vendor::lost(),
        Some(Act::Answer(answer)) => {
            let mut response = Response::new(Body::from(answer.body));
            *response.status_mut() = StatusCode::from_u16(answer.status).unwrap();
            for (name, value) in answer.headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
        Some(Act::CutAfter) => {
            forward(&client, &url, &parts, body).await;
            vendor::lost()
        }
        None => forward(&client, &url, &parts, body).await,
    }
}

fn readable(headers: &HeaderMap) -> BTreeMap<String, String> {
    let readable = headers
        .iter()
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
    readable.collect()
}

async fn forward(client: &reqwest::Client, url: &str, parts: &axum::http::request::Parts, body: Bytes) -> Response {
    let request = client
        .request(parts.method.clone(), url)
        .headers(parts.headers.clone())
        .body(body);
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => return (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = answer.status();
    for (name, value) in answer.headers() {
        if !["transfer-encoding", "content-length", "connection"].contains(&name.as_str()) {
            response.headers_mut().append(name, value.clone());
        }
    }
    *response.body_mut() = Body::from(answer.bytes().await.unwrap());
    response
}
