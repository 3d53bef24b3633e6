//! A small Neon on loopback that keeps state: keys, one branch with roles, operations that take polls, a log of calls,
//! faults on demand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use jiff::Timestamp;
use rotation_provider::connection::Connections;
use rotation_provider::label::Label;
use rotation_provider::source::{Handles, MintOrder, Minted, Source, SourceKind};
use rotation_provider::terraform::{Diagnostics, Node, Origin, Value as Config};
use serde_json::{Value, json};

use crate::vendor;

/// The key that the run under test authenticates with, and its id.
pub(crate) const KEY: &str = "napi_run-key-0123456789";
pub(crate) const KEY_ID: &str = "1";

pub(crate) const BRANCH: &str = "/projects/quiet-frost-1/branches/br-main-1";
pub(crate) const HOST: &str = "ep-cool-1.eu-central-1.aws.neon.tech";

/// What goes wrong with a call.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    /// Answered with this status and code, without being done; `retry-after: 0`.
    Status(u16, &'static str),
    /// The same without `retry-after`, which would make a limit of a 403.
    Refused(u16, &'static str),
    /// Answered with this status and `retry-after: 600`.
    Later(u16),
    /// The same with this message.
    Says(u16, &'static str),
    /// Answered as if a revocation were done, which it is not.
    Ignored,
}

pub(crate) struct Role {
    /// What a compute accepts.
    pub(crate) password: String,
    /// What it will accept when the operation has finished.
    pub(crate) coming: Option<String>,
    pub(crate) updated_at: i64,
    pub(crate) method: &'static str,
}

pub(crate) struct Operation {
    pub(crate) role: String,
    pub(crate) polls: u32,
}

pub(crate) struct World {
    pub(crate) calls: Vec<String>,
    pub(crate) bodies: Vec<Value>,
    /// Part of `METHOD path`, and the fault of the next call that has it.
    pub(crate) faults: Vec<(String, Fault)>,
    pub(crate) keys: Vec<Value>,
    pub(crate) roles: BTreeMap<String, Role>,
    pub(crate) operations: Vec<Operation>,
    /// How operations end.
    pub(crate) end: &'static str,
    pub(crate) stores_passwords: bool,
    pub(crate) databases: Value,
    /// The branches that the project lists, at most so many on a page.
    pub(crate) branches: Vec<String>,
    pub(crate) page: usize,
    /// Whether the key covers the project.
    pub(crate) covered: bool,
    /// Projects as the list of deleted ones of organization `org-1` shows them.
    pub(crate) deleted: Vec<Value>,
    /// Whether the key is an organization's, which needs to name none.
    pub(crate) of_organization: bool,
    /// What `GET /auth` answers; nothing is 404.
    pub(crate) auth: Option<Value>,
    /// Operations finish before the answer, and instants are the real ones, in whole seconds.
    pub(crate) swift: bool,
    /// Empty lists are `null`, and a compute that rests needs no operations.
    pub(crate) nulls: bool,
    time: i64,
}

impl World {
    pub(crate) fn now(&mut self) -> i64 {
        if self.swift {
            return Timestamp::now().as_second();
        }
        self.time += 1;
        self.time
    }

    /// How often a call whose text has `part` was made.
    pub(crate) fn count(&self, part: &str) -> usize {
        self.calls.iter().filter(|call| call.contains(part)).count()
    }

    /// A key as Neon lists it.
    pub(crate) fn key(&mut self, name: &str) -> i64 {
        let id = i64::try_from(self.keys.len()).unwrap() + 1;
        let made = stamp(self.now());
        self.keys.push(json!({
            "id": id, "name": name, "created_at": made, "created_by": { "id": "u", "name": "n", "image": "" },
            "last_used_at": null, "last_used_from_addr": "",
        }));
        id
    }

    pub(crate) fn role(&mut self, name: &str) {
        let role = Role {
            password: format!("npg_first+{name}"),
            coming: None,
            updated_at: self.now(),
            method: "password",
        };
        self.roles.insert(name.to_owned(), role);
    }

    /// What somebody else's reset does, and ours.
    pub(crate) fn reset(&mut self, name: &str) -> String {
        let now = self.now();
        let password = format!("npg/made at@{now}%");
        let role = self.roles.get_mut(name).unwrap();
        role.updated_at = now;
        role.coming = Some(password.clone());
        if self.swift {
            role.password.clone_from(&password);
        }
        self.operations.push(Operation {
            role: name.to_owned(),
            polls: if self.swift { 0 } else { 2 },
        });
        password
    }

    fn body(&self, name: &str) -> Value {
        let role = &self.roles[name];
        let at = stamp(role.updated_at);
        json!({ "branch_id": "br-main-1", "name": name, "created_at": at, "updated_at": at, "authentication_method": role.method })
    }

    fn operation(&self, at: usize) -> Value {
        let status = if self.operations[at].polls == 0 {
            self.end
        } else {
            "running"
        };
        json!({
            "id": at.to_string(), "project_id": "quiet-frost-1", "branch_id": "br-main-1", "action": "apply_config",
            "status": status, "failures_count": 0,
        })
    }
}

/// A second of the fake's clock, with a fraction as Neon's have one.
pub(crate) fn stamp(second: i64) -> String {
    Timestamp::new(second, 123_456_000).unwrap().to_string()
}

#[derive(Clone)]
pub(crate) struct Neon {
    world: Arc<Mutex<World>>,
    url: String,
    pub(crate) connections: Arc<Connections>,
}

impl Neon {
    /// Starts a Neon with the run's own key, and the roles `app` and `app/b` on one branch.
    pub(crate) async fn start() -> Self {
        let mut world = World {
            calls: Vec::new(),
            bodies: Vec::new(),
            faults: Vec::new(),
            keys: Vec::new(),
            roles: BTreeMap::new(),
            operations: Vec::new(),
            end: "finished",
            stores_passwords: true,
            databases: json!([{ "name": "other", "owner_name": "x" }, { "name": "my db", "owner_name": "app" }]),
            branches: vec!["br-main-1".to_owned()],
            page: 1_000,
            covered: true,
            deleted: Vec::new(),
            of_organization: false,
            auth: None,
            swift: false,
            nulls: false,
            time: 1_700_000_000,
        };
        world.key("of this run");
        world.role("app");
        world.role("app/b");
        let world = Arc::new(Mutex::new(world));
        let router = Router::new()
            .route("/api/v2/{*path}", any(serve))
            .with_state(Arc::clone(&world));
        let url = format!("{}/api/v2", vendor::serve(router).await);
        let connections = connect(&url);
        Self {
            world,
            url,
            connections,
        }
    }

    /// The same Neon as a later run sees it, which has listed nothing yet.
    pub(crate) fn later_run(&self) -> Self {
        let connections = connect(&self.url);
        Self {
            connections,
            ..self.clone()
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub(crate) fn fault(&self, call: &str, fault: Fault) {
        self.world().faults.push((call.to_owned(), fault));
    }

    pub(crate) fn source(&self, kind: &SourceKind, arguments: &Config) -> Box<dyn Source> {
        let mut problems = Diagnostics::new();
        let node = Node::root(arguments, Origin::Configuration);
        let config = (kind.parse)(&node, &node, &mut problems);
        config
            .expect("legal arguments")
            .connect(&self.connections.own())
            .unwrap()
    }
}

fn connect(url: &str) -> Arc<Connections> {
    vendor::connections(&[("NEON_API_KEY", KEY), ("NEON_BASE_URL", url)])
}

pub(crate) fn order(generation: u64, predecessor_minted_at: Option<Timestamp>) -> MintOrder {
    MintOrder {
        label: Label::new("web-rotation", "0123456789ab", generation),
        handles: Handles {
            before: None,
            predecessor_minted_at,
            unexplained: true,
            in_use: BTreeSet::new(),
            in_place: None,
        },
    }
}

/// The order that follows a credential which is in use.
pub(crate) fn after(generation: u64, predecessor: &Minted) -> MintOrder {
    let known = predecessor.credential.clone().unwrap();
    let mut order = order(generation, known.minted_at);
    order.handles.in_use = BTreeSet::from([known.id]);
    order
}

fn error(status: u16, code: &str, wait: &str) -> Response {
    let body = json!({ "request_id": "r-1", "code": code, "message": "the fake refuses" });
    let status = StatusCode::from_u16(status).unwrap();
    (status, [("retry-after", wait)], body.to_string()).into_response()
}

fn missing() -> Response {
    error(404, "NOT_FOUND", "0")
}

fn done(body: &Value) -> Response {
    ([("content-type", "application/json")], body.to_string()).into_response()
}

async fn serve(State(world): State<Arc<Mutex<World>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let path = parts.uri.path().trim_start_matches("/api/v2").to_owned();
    let call = format!("{} {path}?{}", parts.method, parts.uri.query().unwrap_or_default());
    let mut world = world.lock().unwrap();
    world.calls.push(call.clone());
    world.bodies.push(body.clone());
    let fault = world.faults.iter().position(|(part, _)| call.contains(part.as_str()));
    let fault = fault.map(|at| world.faults.remove(at).1);
    let authorization = parts.headers.get("authorization").map(|value| value.to_str().unwrap());
    if authorization != Some(&format!("Bearer {KEY}")) {
        return error(401, "UNAUTHORIZED", "0");
    }
    // What a server that is strict about RFC 9110 section 8.6 does.
    if parts.method == "POST" && !parts.headers.contains_key("content-length") {
        return error(411, "LENGTH_REQUIRED", "0");
    }
    let used = stamp(world.now());
    if let Some(own) = world
        .keys
        .iter_mut()
        .find(|key| key["id"].as_i64() == KEY_ID.parse().ok())
    {
        own["last_used_at"] = json!(used);
    }
    match fault {
        Some(Fault::Status(status, code)) => error(status, code, "0"),
        Some(Fault::Refused(status, code)) => {
            let mut answer = error(status, code, "0");
            answer.headers_mut().remove("retry-after");
            answer
        }
        Some(Fault::Later(status)) => error(status, "", "600"),
        Some(Fault::Says(status, text)) => {
            let status = StatusCode::from_u16(status).unwrap();
            (status, [("retry-after", "600")], json!({ "message": text }).to_string()).into_response()
        }
        Some(Fault::Ignored) => done(&json!({ "revoked": true })),
        None => answer(&mut world, &call, &path, &body),
    }
}

fn answer(world: &mut World, call: &str, path: &str, body: &Value) -> Response {
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8()
            .unwrap()
            .into_owned()
    };
    let segments: Vec<String> = path.split('/').skip(1).map(decode).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let method = call.split(' ').next().unwrap();
    match (method, segments.as_slice()) {
        ("GET", ["auth"]) => world.auth.as_ref().map_or_else(missing, done),
        (_, ["api_keys", rest @ ..] | ["organizations", "org-1", "api_keys", rest @ ..]) => {
            keys(world, method, rest, body)
        }
        ("GET", ["users", "me", "organizations"]) => {
            done(&json!({ "organizations": [{ "id": "org-0" }, { "id": "org-1" }] }))
        }
        ("GET", ["projects"]) => projects(world, call),
        (_, ["projects", "quiet-frost-1", ..]) if !world.covered => missing(),
        (_, ["projects", "quiet-frost-1", rest @ ..]) => project(world, method, rest, call),
        _ => missing(),
    }
}

fn keys(world: &mut World, method: &str, rest: &[&str], body: &Value) -> Response {
    match (method, rest) {
        ("GET", []) => done(&json!(world.keys)),
        ("POST", []) => {
            let id = world.key(body["key_name"].as_str().unwrap());
            let key = world.keys.last().unwrap().clone();
            done(&json!({
                "id": id, "key": format!("napi_value-of-{id}"), "name": key["name"], "created_at": key["created_at"],
                "created_by": "00000000-0000-0000-0000-000000000000", "project_id": body["project_id"],
            }))
        }
        ("DELETE", [id]) => match world.keys.iter().position(|key| key["id"].as_i64() == id.parse().ok()) {
            Some(at) => {
                world.keys.remove(at);
                done(&json!({ "revoked": true }))
            }
            None => missing(),
        },
        _ => missing(),
    }
}

/// What the query of a call says.
fn query(call: &str, name: &str) -> Option<String> {
    let (_, query) = call.split_once('?')?;
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The list of deleted projects, in pages; the cursor is the last one shown.
fn projects(world: &World, call: &str) -> Response {
    assert_eq!(query(call, "recoverable").as_deref(), Some("true"));
    let organization = query(call, "org_id");
    if organization.is_none() && !world.of_organization {
        return error(400, "ORG_ID_REQUIRED", "0");
    }
    let of_other = organization.is_some_and(|id| id != "org-1");
    let all: &[Value] = if of_other { &[] } else { &world.deleted };
    let cursor = query(call, "cursor");
    let begin = cursor.map_or(0, |cursor| {
        1 + all.iter().position(|one| one["id"] == cursor.as_str()).unwrap()
    });
    let shown: Vec<&Value> = all.iter().skip(begin).take(world.page).collect();
    let cursor = shown.last().map_or("", |one| one["id"].as_str().unwrap());
    done(&json!({ "projects": shown, "pagination": { "cursor": cursor } }))
}

/// The list of branches, in pages.
fn branches(world: &World, call: &str) -> Response {
    let begin = query(call, "cursor").map_or(0, |cursor| cursor.parse().unwrap());
    let shown: Vec<Value> = world
        .branches
        .iter()
        .skip(begin)
        .take(world.page)
        .map(|id| json!({ "id": id }))
        .collect();
    let end = begin + shown.len();
    let pagination = match end < world.branches.len() {
        true => json!({ "next": end.to_string() }),
        false => json!({}),
    };
    done(&json!({ "branches": shown, "pagination": pagination }))
}

fn project(world: &mut World, method: &str, rest: &[&str], call: &str) -> Response {
    match (method, rest) {
        ("GET", ["operations"]) => {
            let all = (0..world.operations.len()).rev().map(|at| world.operation(at));
            match world.nulls {
                true => done(&json!({ "operations": null })),
                false => done(&json!({ "operations": all.collect::<Vec<_>>() })),
            }
        }
        ("GET", ["operations", id]) => {
            let at: usize = id.parse().unwrap();
            let operation = &mut world.operations[at];
            operation.polls = operation.polls.saturating_sub(1);
            if operation.polls == 0 && world.end == "finished" {
                let role = world.roles.get_mut(&operation.role).unwrap();
                role.password = role.coming.take().unwrap_or_else(|| role.password.clone());
            }
            done(&json!({ "operation": world.operation(at) }))
        }
        ("GET", ["connection_uri"]) if world.stores_passwords => {
            let pooler = if call.contains("pooled=true") { "-pooler" } else { "" };
            let host = HOST.replacen('.', &format!("{pooler}."), 1);
            let uri = format!("postgresql://app:old-password@{host}/my%20db?sslmode=require&channel_binding=require");
            done(&json!({ "uri": uri }))
        }
        ("GET", ["connection_uri"]) => error(412, "PASSWORD_STORAGE_OFF", "0"),
        ("GET", ["branches"]) => branches(world, call),
        (_, ["branches", "br-main-1", rest @ ..]) => branch(world, method, rest),
        _ => missing(),
    }
}

fn branch(world: &mut World, method: &str, rest: &[&str]) -> Response {
    match (method, rest) {
        ("GET", ["databases"]) => done(&json!({ "databases": world.databases })),
        ("GET", ["endpoints"]) => done(&json!({ "endpoints": [
            { "id": "ep-read-1", "host": "ep-read-1.neon.tech", "type": "read_only" },
            { "id": "ep-cool-1", "host": HOST, "type": "read_write" },
        ] })),
        ("GET", ["roles"]) => {
            let roles: Vec<Value> = world.roles.keys().map(|name| world.body(name)).collect();
            done(&json!({ "roles": if roles.is_empty() && world.nulls { Value::Null } else { json!(roles) } }))
        }
        (_, ["roles", name, ..]) if !world.roles.contains_key(*name) => missing(),
        ("GET", ["roles", _, "reveal_password"]) if !world.stores_passwords => error(412, "PASSWORD_STORAGE_OFF", "0"),
        ("GET", ["roles", name, "reveal_password"]) => {
            let role = &world.roles[*name];
            done(&json!({ "password": role.coming.as_ref().unwrap_or(&role.password) }))
        }
        ("POST", ["roles", name, "reset_password"]) => {
            let password = world.reset(name);
            let mut role = world.body(name);
            role["password"] = json!(password);
            let operation = world.operation(world.operations.len() - 1);
            let operations = json!([operation]);
            done(&json!({ "role": role, "operations": if world.nulls { Value::Null } else { operations } }))
        }
        _ => missing(),
    }
}
