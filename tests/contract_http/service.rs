//! A service with as many instances as are asked for, each of which can fail.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use rotation_provider::clock::Clock;
use rotation_provider::connection::Connections;
use rotation_provider::terraform::Value;
use serde_json::{Value as Json, json};

use crate::vendor;

#[derive(Default)]
pub(crate) struct Held {
    /// Value and time by name, by instance.
    pub(crate) entries: BTreeMap<String, BTreeMap<String, (String, u64)>>,
    /// Instances that refuse writes.
    pub(crate) broken: BTreeSet<String>,
    /// Answers instead of lists.
    pub(crate) list: Option<(Json, Option<&'static str>)>,
    /// Methods and paths.
    pub(crate) asked: Vec<String>,
    clock: u64,
}

/// A running service.
pub(crate) struct Service {
    held: Arc<Mutex<Held>>,
    url: String,
}

impl Service {
    pub(crate) async fn start() -> Self {
        let held = Arc::<Mutex<Held>>::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&held));
        let url = vendor::serve(router).await;
        Self { held, url }
    }

    pub(crate) fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap()
    }

    /// The connection `service` of a new run.
    pub(crate) fn connections(&self) -> Arc<Connections> {
        let headers = Value::object([("authorization", Value::string("Bearer of-this-run-0123456789"))]);
        let http = Value::object([("base_url", Value::string(&*self.url)), ("headers", headers)]);
        let named = Value::object([("service", Value::object([("http", http)]))]);
        let block = Value::object([("connection", named)]);
        vendor::connections_of(&block, &[], Clock::default())
    }
}

async fn answer(State(held): State<Arc<Mutex<Held>>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let path = head.uri.path().to_owned();
    let [_, instance, _, name] = *path.splitn(4, '/').chain([""]).take(4).collect::<Vec<_>>() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut held = held.lock().unwrap();
    held.asked.push(format!("{} {path}", head.method));
    if head.method != "GET" && held.broken.contains(instance) {
        return (StatusCode::CONFLICT, json!({ "error": "locked" }).to_string()).into_response();
    }
    if let (true, Some((list, link))) = (head.method == "GET", &held.list) {
        let mut answer = list.to_string().into_response();
        if let Some(link) = link {
            answer.headers_mut().insert("link", link.parse().unwrap());
        }
        return answer;
    }
    held.clock += 1;
    let now = 1_796_032_800 + held.clock;
    let entries = held.entries.entry(instance.to_owned()).or_default();
    match head.method.as_str() {
        "GET" if !name.is_empty() => match entries.get(name) {
            Some((slug, _)) => json!({ "slug": slug }).to_string().into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        },
        "GET" => {
            let listed: Vec<Json> = entries
                .iter()
                .map(|(key, (_, at))| json!({ "key": key, "at": at }))
                .collect();
            json!({ "data": listed }).to_string().into_response()
        }
        "POST" => {
            let slug = serde_json::from_slice::<Json>(&body).unwrap()["slug"]
                .as_str()
                .unwrap()
                .to_owned();
            entries.insert(format!("org_{now}"), (slug, now));
            (
                StatusCode::CREATED,
                json!({ "org": { "id": format!("org_{now}") } }).to_string(),
            )
                .into_response()
        }
        "PUT" => {
            let body: Json = serde_json::from_slice(&body).unwrap();
            let text = |name: &str| body[name].as_str().unwrap().to_owned();
            entries.insert(text("key"), (text("value"), now));
            "{}".into_response()
        }
        "DELETE" => match entries.remove(name) {
            Some(_) => StatusCode::NO_CONTENT.into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        },
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}
