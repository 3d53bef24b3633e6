//! A small Fly on loopback that keeps state: apps with secrets and machines, tokens, a log of calls, faults on demand.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use jiff::Timestamp;
use rotation_provider::connection::Connections;
use rotation_provider::stop::Stop;
use serde_json::{Value, json};

use crate::vendor::{self, lost};
pub(crate) use crate::world::{App, Fault, Kill, Machine, World};

/// The token that the run under test authenticates with, and its id.
pub(crate) const TOKEN: &str = "fm2_run-token-0123456789";
pub(crate) const TOKEN_ID: &str = "token-of-this-run";

#[derive(Clone)]
pub(crate) struct Fly {
    world: Arc<Mutex<World>>,
    pub(crate) connections: Arc<Connections>,
    environment: Vec<(String, String)>,
}

impl Fly {
    /// Starts a Fly with an empty app `web` in the organization `org`.
    pub(crate) async fn start() -> Self {
        Self::start_with(TOKEN, [&format!("FlyV1 {TOKEN}"), &format!("FlyV1 {TOKEN}")]).await
    }

    /// The same for a run that holds these tokens, and services that want these headers.
    pub(crate) async fn start_with(tokens: &str, accepted: [&str; 2]) -> Self {
        let world = Arc::new(Mutex::new(World {
            time: 1_700_000_000_000,
            accepted: accepted.map(str::to_owned),
            ..World::default()
        }));
        world.lock().unwrap().apps.insert("web".to_owned(), App::default());
        let router = Router::new()
            .route("/graphql", any(graphql))
            .route("/v1/{*path}", any(rest))
            .layer(middleware::from_fn_with_state(Arc::clone(&world), gate))
            .with_state(Arc::clone(&world));
        let url = vendor::serve(router).await;
        let environment = [
            ("FLY_API_TOKEN", tokens),
            ("FLY_FLAPS_BASE_URL", url.as_str()),
            ("FLY_API_BASE_URL", url.as_str()),
        ];
        let connections = vendor::connections(&environment);
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            world,
            connections,
            environment: environment.to_vec(),
        }
    }

    /// The same Fly as another process sees it, which knows nothing of what this one did.
    pub(crate) fn another_process(&self) -> Self {
        self.world().kill = None;
        for app in self.world().apps.values_mut() {
            app.machines.values_mut().for_each(|machine| machine.lease = None);
        }
        let environment = self
            .environment
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        Self {
            connections: vendor::connections(&environment.collect::<Vec<_>>()),
            ..self.clone()
        }
    }

    /// The process under test dies at the `nth` call like that (from 0): Fly acts on it or not, and hears no later one.
    pub(crate) fn kill(&self, call: &str, nth: usize, acted: bool) {
        let call = call.to_owned();
        self.world().kill = Some(Kill {
            call,
            before: nth,
            acted,
            over: false,
        });
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// How often an update of that machine was sent.
    pub(crate) fn updates(&self, machine: &str) -> usize {
        self.world().count(&[&update_of(machine)])
    }

    pub(crate) fn fault(&self, call: &str, fault: Fault) {
        self.world().faults.push((call.to_owned(), fault));
    }
}

/// The log line of an update of a machine of `web`.
pub(crate) fn update_of(machine: &str) -> String {
    format!("POST /v1/apps/web/machines/{machine} update")
}

fn error(status: u16, text: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (status, json!({ "error": text }).to_string()).into_response()
}

/// The same with `null` for everything empty.
fn with_nulls(value: &Value) -> Value {
    match value {
        Value::Array(items) if !items.is_empty() => items.iter().map(with_nulls).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), with_nulls(value)));
            Value::Object(fields.collect())
        }
        Value::Array(_) => Value::Null,
        Value::String(text) if text.is_empty() => Value::Null,
        other => other.clone(),
    }
}

fn done(body: &Value) -> Response {
    ([("content-type", "application/json")], body.to_string()).into_response()
}

/// What becomes of a call of a process that is killed at it, or was before.
fn killed(world: &mut World, call: &str) -> Option<Fault> {
    let kill = world.kill.as_mut()?;
    if kill.over {
        return Some(Fault::LostBefore);
    }
    if !call.starts_with(&kill.call) {
        return None;
    }
    if kill.before > 0 {
        kill.before -= 1;
        return None;
    }
    kill.over = true;
    Some(if kill.acted {
        Fault::LostAfter
    } else {
        Fault::LostBefore
    })
}

/// Logs the call, asks for the token, injects faults.
async fn gate(State(world): State<Arc<Mutex<World>>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let mutation = std::str::from_utf8(&body).unwrap_or_default().to_owned();
    let kind = [
        "createLimitedAccessToken",
        "deleteLimitedAccessToken",
        "limitedAccessTokens",
    ];
    let kind = kind
        .iter()
        .find(|kind| parts.uri.path() == "/graphql" && mutation.contains(**kind));
    let mut call = format!(
        "{} {}{}",
        parts.method,
        parts.uri,
        kind.map(|kind| format!(" {kind}")).unwrap_or_default()
    );
    if call.starts_with("POST /v1/apps/web/machines/") && !call.contains("/lease") {
        call.push_str(" update");
    }
    let fault = {
        let mut world = world.lock().unwrap();
        world.calls.push(call.clone());
        world.bodies.push(serde_json::from_slice(&body).unwrap_or(Value::Null));
        let at = world.faults.iter().position(|(part, _)| call.contains(part.as_str()));
        at.map(|at| world.faults.remove(at).1)
    };
    let fault = killed(&mut world.lock().unwrap(), &call).or(fault);
    let accepted = {
        let [machines, graphql] = &world.lock().unwrap().accepted;
        let service = if parts.uri.path() == "/graphql" {
            graphql
        } else {
            machines
        };
        service.clone()
    };
    let authorization = parts.headers.get("authorization");
    if authorization.is_none_or(|value| value.to_str().unwrap() != accepted) {
        return error(401, "unauthorized");
    }
    match fault {
        Some(Fault::Status(status, text)) => ([("retry-after", "0")], error(status, text)).into_response(),
        Some(Fault::Refused(status, text)) => error(status, text),
        Some(Fault::Says(answer)) => {
            next.run(Request::from_parts(parts, Body::from(body))).await;
            ([("content-type", "application/json")], answer).into_response()
        }
        Some(Fault::LostBefore) => lost(),
        Some(Fault::LostAfter) => {
            next.run(Request::from_parts(parts, Body::from(body))).await;
            lost()
        }
        None => {
            let answer = next.run(Request::from_parts(parts, Body::from(body))).await;
            if !world.lock().unwrap().nulls {
                return answer;
            }
            let (head, body) = answer.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            let body = serde_json::from_slice(&body).map_or(String::new(), |body| with_nulls(&body).to_string());
            let mut answer = body.into_response();
            *answer.status_mut() = head.status;
            answer
        }
    }
}

async fn rest(State(world): State<Arc<Mutex<World>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let nonce = parts
        .headers
        .get("fly-machine-lease-nonce")
        .map(|nonce| nonce.to_str().unwrap().to_owned());
    let path = parts.uri.path().to_owned();
    let segments: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
    let mut world = world.lock().unwrap();
    let now = world.now();
    let serial = world.serial();
    if segments == ["tokens", "current"] {
        return done(&json!({ "tokens": [{ "token_id": TOKEN_ID }] }));
    }
    let stop = world.stop_at_update.clone();
    let updates = parts.method == "POST" && matches!(segments.as_slice(), ["apps", _, "machines", _]);
    if let Some((from, id, version)) = world.clone_at_update.take_if(|_| updates) {
        world.clone_machine("web", &from, &id, version);
    }
    let ["apps", app, rest @ ..] = segments.as_slice() else {
        return error(404, "no such path");
    };
    let Some(app) = world.apps.get_mut(*app) else {
        return error(404, "app not found");
    };
    match (parts.method.as_str(), rest) {
        ("GET", []) => done(&json!({ "id": "app-7f3q", "name": "web", "status": "deployed" })),
        ("GET", ["secrets"]) => done(&json!({ "secrets": app.secrets.values().collect::<Vec<_>>() })),
        ("GET", ["secrets", name]) => app
            .secrets
            .get(*name)
            .map_or_else(|| error(404, "secret not found"), done),
        ("POST", ["secrets"]) => set_secrets(app, &body, now),
        ("GET", ["machines"]) => done(
            &app.machines
                .values()
                .map(|machine| machine.description.clone())
                .collect(),
        ),
        (method, ["machines", id, rest @ ..]) => {
            let version = app.version;
            let served = body["min_secrets_version"]
                .as_u64()
                .unwrap_or(version.saturating_sub(1));
            let values = app.values(served);
            let Some(machine) = app.machines.get_mut(*id) else {
                return error(404, "machine not found");
            };
            match (method, rest) {
                ("GET", []) => done(&machine.description),
                ("POST", []) if served > version => error(400, "min_secrets_version is ahead of the app"),
                ("POST", []) => update(machine, &body, nonce.as_deref(), (served, values), (now, &serial), stop),
                ("PUT", ["metadata"]) if machine.lease != nonce => error(409, "machine lease held"),
                ("PUT", ["metadata"]) if body["machine_version"] != machine.description["instance_id"] => {
                    error(412, "machine version does not match")
                }
                ("PUT", ["metadata"]) => {
                    for (name, value) in body["metadata"].as_object().unwrap() {
                        machine.description["config"]["metadata"][name] = value.clone();
                    }
                    machine.forget();
                    StatusCode::NO_CONTENT.into_response()
                }
                ("POST", ["lease"]) if machine.lease.is_some() && machine.lease != nonce => {
                    error(409, "lease currently held")
                }
                ("POST", ["lease"]) => {
                    let nonce = machine.lease.get_or_insert(format!("nonce-{serial}"));
                    done(&json!({ "status": "success", "data": { "nonce": nonce } }))
                }
                ("DELETE", ["lease"]) if machine.lease == nonce => {
                    machine.lease = None;
                    done(&json!({}))
                }
                _ => error(404, "no such path"),
            }
        }
        _ => error(404, "no such path"),
    }
}

fn set_secrets(app: &mut App, body: &Value, now: i64) -> Response {
    let mut values = app.values(app.version);
    app.version += 1;
    for (name, value) in body["values"].as_object().unwrap() {
        match value.as_str() {
            Some(value) => values.insert(name.clone(), value.to_owned()),
            None => values.remove(name),
        };
    }
    app.history.insert(app.version, values);
    let at = Timestamp::from_millisecond(now).unwrap().to_string();
    let mut written = Vec::new();
    for (name, value) in body["values"].as_object().unwrap() {
        let Some(value) = value.as_str() else {
            app.secrets.remove(name);
            continue;
        };
        let digest = format!(
            "digest-of-{}-characters-{}",
            value.len(),
            value.bytes().map(u64::from).sum::<u64>()
        );
        let before = app
            .secrets
            .get(name)
            .filter(|secret| secret["digest"] == digest.as_str());
        let at = before.map_or(json!(at), |secret| secret["updated_at"].clone());
        let secret = json!({ "name": name, "digest": digest, "created_at": at, "updated_at": at });
        app.secrets.insert(name.clone(), secret.clone());
        written.push(secret);
    }
    done(&json!({ "secrets": written, "version": app.version, "Version": app.version }))
}

fn update(
    machine: &mut Machine,
    body: &Value,
    nonce: Option<&str>,
    (version, values): (u64, BTreeMap<String, String>),
    (now, serial): (i64, &str),
    stop: Option<Stop>,
) -> Response {
    let description = &mut machine.description;
    if machine.lease.as_deref() != nonce {
        return error(409, "machine lease held");
    }
    if body["current_version"] != description["instance_id"] {
        return error(409, "version does not match");
    }
    if body["name"] != description["name"] || body["region"] != description["region"] {
        return error(422, "name and region are fixed");
    }
    machine.secrets_version = version;
    machine.environment = values;
    description["config"] = body["config"].clone();
    if !machine.steady {
        description["instance_id"] = json!(format!("instance-{serial}"));
    }
    if body["skip_launch"] != true {
        description["state"] = json!("started");
    }
    let event = json!({ "type": "update", "timestamp": now });
    description["events"].as_array_mut().unwrap().insert(0, event);
    if machine.sick {
        description["checks"] = json!([{ "name": "http", "status": "critical" }]);
    }
    if let Some(stop) = stop {
        stop.request();
    }
    machine.forget();
    done(&machine.description)
}

/// Two tokens a page.
const PAGE: usize = 2;

async fn graphql(State(world): State<Arc<Mutex<World>>>, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap();
    let (query, variables) = (body["query"].as_str().unwrap(), &body["variables"]);
    let mut world = world.lock().unwrap();
    let input = &variables["input"];
    // A field that is asked for by a plain name is answered under it; this Fly knows no aliases.
    let field = query.split_once('{').unwrap().1.split('(').next().unwrap().trim();
    let data = if query.contains("createLimitedAccessToken") {
        let id = world.token(input["name"].as_str().unwrap(), "2999-01-01T00:00:00Z", None);
        let mut token = world.tokens.last().unwrap().clone();
        token["tokenHeader"] = json!(format!("FlyV1 fm2_value-of-{id}"));
        json!({ "createLimitedAccessToken": { "limitedAccessToken": token } })
    } else if query.contains("deleteLimitedAccessToken") {
        let token = world
            .tokens
            .iter_mut()
            .find(|token| token["id"] == input["id"] && token["revokedAt"].is_null());
        let Some(token) = token else {
            let gone = json!({ "message": "Could not find token", "extensions": { "code": "NOT_FOUND" } });
            return done(&json!({ "data": null, "errors": [gone] }));
        };
        token["revokedAt"] = json!("2026-02-02T00:00:00Z");
        json!({ "deleteLimitedAccessToken": { "clientMutationId": null } })
    } else if !matches!(field, "app" | "organization") {
        let unknown = json!({ "message": format!("no field {field:?}"), "extensions": { "code": "undefinedField" } });
        return done(&json!({ "data": null, "errors": [unknown] }));
    } else if variables["name"] != "web" && variables["name"] != "org" {
        json!({ field: null })
    } else if query.contains("limitedAccessTokens") {
        let from: usize = variables["after"].as_str().map_or(0, |cursor| cursor.parse().unwrap());
        let to = (from + PAGE).min(world.tokens.len());
        let page = json!({ "endCursor": to.to_string(), "hasNextPage": to < world.tokens.len() });
        let nodes = &world.tokens[from.min(to)..to];
        json!({ field: { "limitedAccessTokens": { "nodes": nodes, "pageInfo": page } } })
    } else {
        let mut holder = json!({ "id": "node-of-it" });
        if field == "app" {
            holder["organization"] = json!({ "id": "node-of-org" });
        }
        json!({ field: holder })
    };
    done(&json!({ "data": data, "errors": [] }))
}
