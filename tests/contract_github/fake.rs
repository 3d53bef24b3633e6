//! A small GitHub on loopback that keeps state: levels with a key pair each, workflows with runs, a log of calls, faults on
//! demand. Written from the published API description; it shares no code with the adapters.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_box::SecretKey;
use jiff::Timestamp;
use rotation_provider::connection::Connections;
use serde_json::{Value, json};

use crate::vendor::{self, lost};

/// The token that the run under test authenticates with.
pub(crate) const TOKEN: &str = "github_pat_0123456789abcdef";

/// What goes wrong with a call.
#[derive(Clone)]
pub(crate) enum Fault {
    /// Answered with this status, message and header.
    Status(u16, &'static str, Option<(&'static str, &'static str)>),
    /// The connection breaks before anything is done.
    LostBefore,
    /// It is done, and the connection breaks before the answer.
    LostAfter,
}

pub(crate) struct World {
    pub(crate) calls: Vec<String>,
    /// Beginning of `METHOD path`, and the fault of the next call that begins so.
    pub(crate) faults: Vec<(String, Fault)>,
    /// By path: `/repos/o/r/actions` or `/repos/o/r/environments/e`.
    pub(crate) levels: BTreeMap<String, Level>,
    pub(crate) workflows: BTreeMap<String, Workflow>,
    /// Accepted authorization headers.
    pub(crate) accepted: Vec<String>,
    /// The public key (PKCS #1) of GitHub App 12 with the installation 7, and how long its tokens live.
    pub(crate) app: Option<(Vec<u8>, i64)>,
    /// What its tokens may do.
    pub(crate) granted: Value,
    /// What `GET /user` tells.
    pub(crate) user: Option<&'static str>,
    /// Paths that begin with the first lead on to the second, as after a repository was renamed.
    pub(crate) renamed: Option<(&'static str, &'static str)>,
    /// GitHub's clock in seconds; each write moves it.
    pub(crate) time: i64,
    pub(crate) frozen: bool,
    /// So many reads of a secret after a write still show what was before it.
    pub(crate) stale_after_write: usize,
    stale_reads: usize,
    /// Once a secret was written, it may not be read any more.
    pub(crate) blind_after_write: bool,
    /// Repositories by path, such as `/repos/molecule-ai/mono`.
    pub(crate) repositories: BTreeMap<String, Repository>,
    pub(crate) serial: u64,
}

#[derive(Default)]
pub(crate) struct Repository {
    pub(crate) archived: bool,
    pub(crate) environments: Vec<String>,
    /// So many more environments than it lists the repository claims to have.
    pub(crate) withheld: usize,
}

pub(crate) struct Level {
    pub(crate) key: SecretKey,
    pub(crate) key_id: String,
    /// The value and the time of the write.
    pub(crate) secrets: BTreeMap<String, (String, i64)>,
    before: BTreeMap<String, (String, i64)>,
}

#[derive(Default)]
pub(crate) struct Workflow {
    pub(crate) runs: Vec<Value>,
    /// What the coming runs end with, after so many looks.
    pub(crate) conclusion: &'static str,
    pub(crate) looks: u64,
    /// Dispatches are answered with 204.
    pub(crate) silent: bool,
    /// The same, and the question for the run is not permitted: an Enterprise Server up to 3.19.
    pub(crate) old_server: bool,
    /// So many listings do not show the new runs yet.
    pub(crate) hidden_for: usize,
    /// This user starts one at the same time.
    pub(crate) rival: Option<&'static str>,
    pub(crate) dispatches: Vec<Value>,
    /// Runs are shown without title and page, and no runs as `null`.
    pub(crate) terse: bool,
}

impl World {
    pub(crate) fn level(&mut self, path: &str) -> &mut Level {
        self.levels.get_mut(path).unwrap()
    }

    pub(crate) fn workflow(&mut self) -> &mut Workflow {
        self.workflows.get_mut("publish.yml").unwrap()
    }

    /// The value that a secret holds.
    pub(crate) fn value(&self, path: &str, name: &str) -> Option<&str> {
        Some(self.levels.get(path)?.secrets.get(name)?.0.as_str())
    }

    /// How often a call was made that begins so.
    pub(crate) fn count(&self, call: &str) -> usize {
        self.calls.iter().filter(|made| made.starts_with(call)).count()
    }

    fn tick(&mut self) -> i64 {
        self.time += i64::from(!self.frozen);
        self.time
    }

    pub(crate) fn add_level(&mut self, path: &str) {
        self.serial += 1;
        let serial = u8::try_from(self.serial).unwrap();
        let level = Level {
            key: SecretKey::from_bytes([serial; 32]),
            key_id: format!("key-{serial}"),
            secrets: BTreeMap::new(),
            before: BTreeMap::new(),
        };
        self.levels.insert(path.to_owned(), level);
    }
}

#[derive(Clone)]
pub(crate) struct GitHub {
    world: Arc<Mutex<World>>,
    pub(crate) connections: Arc<Connections>,
}

pub(crate) const REPOSITORY: &str = "/repos/molecule-ai/mono/actions";
pub(crate) const PRODUCTION: &str = "/repos/molecule-ai/mono/environments/production";

impl GitHub {
    /// Starts a GitHub with the repository `molecule-ai/mono`, its environment `production` and a workflow that succeeds.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[("GITHUB_TOKEN", TOKEN)]).await
    }

    /// The same with other credentials in the environment.
    pub(crate) async fn start_with(credentials: &[(&str, &str)]) -> Self {
        let mut world = World {
            calls: Vec::new(),
            faults: Vec::new(),
            levels: BTreeMap::new(),
            workflows: BTreeMap::new(),
            accepted: vec![format!("Bearer {TOKEN}")],
            app: None,
            granted: json!({}),
            user: Some("deployer"),
            renamed: None,
            time: Timestamp::now().as_second(),
            frozen: false,
            stale_after_write: 0,
            stale_reads: 0,
            blind_after_write: false,
            repositories: BTreeMap::new(),
            serial: 0,
        };
        let repository = Repository {
            environments: vec!["production".to_owned()],
            ..Repository::default()
        };
        world
            .repositories
            .insert("/repos/molecule-ai/mono".to_owned(), repository);
        world.add_level(REPOSITORY);
        world.add_level(PRODUCTION);
        let workflow = Workflow {
            conclusion: "success",
            looks: 1,
            ..Workflow::default()
        };
        world.workflows.insert("publish.yml".to_owned(), workflow);
        let world = Arc::new(Mutex::new(world));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&world));
        let url = vendor::serve(router).await;
        let mut environment = vec![("GITHUB_BASE_URL", url.as_str()), ("GITHUB_OWNER", "molecule-ai")];
        environment.extend_from_slice(credentials);
        let connections = vendor::connections(&environment);
        Self { world, connections }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub(crate) fn fault(&self, call: &str, fault: Fault) {
        self.world().faults.push((call.to_owned(), fault));
    }

    /// The same fault for every attempt that a call may take.
    pub(crate) fn lasting_fault(&self, call: &str, fault: &Fault) {
        for _ in 0..5 {
            self.fault(call, fault.clone());
        }
    }
}

fn error(status: u16, text: &str) -> Response {
    let body = json!({ "message": text, "documentation_url": "https://docs.github.com/rest" });
    (StatusCode::from_u16(status).unwrap(), body.to_string()).into_response()
}

fn done(body: &Value) -> Response {
    ([("content-type", "application/json; charset=utf-8")], body.to_string()).into_response()
}

/// Logs the call, injects faults, asks for the headers that GitHub asks for.
async fn answer(State(world): State<Arc<Mutex<World>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let mut world = world.lock().unwrap();
    let call = format!("{} {}", parts.method, parts.uri);
    let at = world.faults.iter().position(|(start, _)| call.starts_with(start));
    let fault = at.map(|at| world.faults.remove(at).1);
    world.calls.push(call);
    let header = |name: &str| parts.headers.get(name).map_or("", |value| value.to_str().unwrap());
    if header("x-github-api-version") != "2022-11-28" || header("user-agent").is_empty() {
        return error(400, "a required header is missing");
    }
    // What a server that is strict about RFC 9110 section 8.6 does.
    if matches!(parts.method.as_str(), "POST" | "PUT") && header("content-length").is_empty() {
        return error(411, "Length Required");
    }
    let is_exchange = parts.uri.path().ends_with("/access_tokens");
    if !is_exchange
        && !world
            .accepted
            .iter()
            .any(|accepted| accepted == header("authorization"))
    {
        return error(401, "Bad credentials");
    }
    match fault {
        Some(Fault::Status(status, text, extra)) => {
            let mut answer = error(status, text);
            if let Some((name, value)) = extra {
                answer.headers_mut().insert(name, value.parse().unwrap());
            }
            answer
        }
        Some(Fault::LostBefore) => lost(),
        Some(Fault::LostAfter) => {
            route(&mut world, &parts, &body);
            lost()
        }
        None => {
            let mut answer = route(&mut world, &parts, &body);
            let now = Timestamp::from_second(world.time)
                .unwrap()
                .to_zoned(jiff::tz::TimeZone::UTC);
            let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            answer.headers_mut().insert("date", date.parse().unwrap());
            answer
        }
    }
}

fn route(world: &mut World, parts: &Parts, body: &Value) -> Response {
    let path = parts.uri.path().to_owned();
    let method = parts.method.as_str();
    if let Some((old, new)) = world.renamed
        && let Some(rest) = parts.uri.to_string().strip_prefix(old)
    {
        let status = if method == "GET" { 301 } else { 307 };
        let mut answer = error(status, "Moved Permanently");
        answer
            .headers_mut()
            .insert("location", format!("{new}{rest}").parse().unwrap());
        return answer;
    }
    if path == "/user" {
        return world.user.map_or_else(
            || error(403, "Resource not accessible by integration"),
            |login| done(&json!({ "login": login })),
        );
    }
    if path == "/app/installations/7/access_tokens" {
        return super::app::exchange(world, parts);
    }
    if let Some(repository) = world.repositories.get(&path) {
        return done(
            &json!({ "id": 1, "full_name": path.trim_start_matches("/repos/"), "archived": repository.archived, "default_branch": "main" }),
        );
    }
    if let Some(repository) = path.strip_suffix("/environments") {
        let Some(repository) = world.repositories.get(repository) else {
            return error(404, "Not Found");
        };
        let number = |name, default| query(parts, name).map_or(default, |text| text.parse::<usize>().unwrap());
        let (page, size) = (number("page", 1), number("per_page", 30).min(100));
        let all = repository.environments.iter().map(|name| json!({ "name": name }));
        let page: Vec<Value> = all.skip((page - 1) * size).take(size).collect();
        let total = repository.environments.len() + repository.withheld;
        return done(&json!({ "total_count": total, "environments": page }));
    }
    if let Some((level, rest)) = path.split_once("/secrets") {
        return secrets(world, method, level, rest.trim_start_matches('/'), parts, body);
    }
    if let Some((_, rest)) = path.split_once("/mono/actions/workflows/") {
        let (file, what) = rest.split_once('/').unwrap();
        return workflow(world, method, file, what, parts, body);
    }
    if let Some((_, id)) = path.split_once("/mono/actions/runs/") {
        return look(world, id);
    }
    error(404, "Not Found")
}

fn query(parts: &Parts, name: &str) -> Option<String> {
    let pairs = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    pairs
        .filter(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
        .next()
}

fn shown(name: &str, time: i64) -> Value {
    let time = Timestamp::from_second(time).unwrap().to_string();
    json!({ "name": name, "created_at": time, "updated_at": time })
}

fn secrets(world: &mut World, method: &str, level: &str, rest: &str, parts: &Parts, body: &Value) -> Response {
    let stale = method == "GET" && !rest.is_empty() && rest != "public-key" && world.stale_reads > 0;
    if stale {
        world.stale_reads -= 1;
    }
    if world.blind_after_write && method == "GET" && world.calls.iter().any(|call| call.starts_with("PUT ")) {
        return error(403, "Resource not accessible by personal access token");
    }
    let mut now = world.time;
    if method == "PUT" {
        now = world.tick();
        world.stale_reads = world.stale_after_write;
    }
    let Some(level) = world.levels.get_mut(level) else {
        return error(404, "Not Found");
    };
    match (method, rest) {
        ("GET", "") => {
            let number = |name, default| query(parts, name).map_or(default, |text| text.parse::<usize>().unwrap());
            let (page, size) = (number("page", 1), number("per_page", 30).min(100));
            let all = level.secrets.iter().map(|(name, (_, time))| shown(name, *time));
            let page: Vec<Value> = all.skip((page - 1) * size).take(size).collect();
            done(&json!({ "total_count": level.secrets.len(), "secrets": page }))
        }
        ("GET", "public-key") => {
            let key = STANDARD.encode(level.key.public_key().as_bytes());
            done(&json!({ "key_id": level.key_id, "key": key }))
        }
        ("GET", name) => {
            let secrets = if stale { &level.before } else { &level.secrets };
            match secrets.get(&name.to_ascii_uppercase()) {
                Some((_, time)) => done(&shown(&name.to_ascii_uppercase(), *time)),
                None => error(404, "Not Found"),
            }
        }
        ("PUT", name) => {
            let sealed = STANDARD.decode(body["encrypted_value"].as_str().unwrap()).unwrap();
            let opened = level.key.unseal(&sealed);
            if body["key_id"] != level.key_id.as_str() || opened.is_err() {
                return error(422, "Bad request - Invalid value: improperly encrypted secret");
            }
            level.before = level.secrets.clone();
            let value = String::from_utf8(opened.unwrap()).unwrap();
            let replaced = level.secrets.insert(name.to_ascii_uppercase(), (value, now));
            match replaced {
                Some(_) => StatusCode::NO_CONTENT.into_response(),
                None => (StatusCode::CREATED, "{}").into_response(),
            }
        }
        ("DELETE", name) => match level.secrets.remove(&name.to_ascii_uppercase()) {
            Some(_) => StatusCode::NO_CONTENT.into_response(),
            None => error(404, "Not Found"),
        },
        _ => error(405, "Method Not Allowed"),
    }
}

fn workflow(world: &mut World, method: &str, file: &str, what: &str, parts: &Parts, body: &Value) -> Response {
    let first = world.serial + 1;
    world.serial += 2;
    let Some(workflow) = world.workflows.get_mut(file) else {
        return error(404, "Not Found");
    };
    match (method, what) {
        ("POST", "dispatches") => {
            if body["ref"] == "missing" {
                return error(422, "No ref found for: missing");
            }
            if workflow.old_server && body.get("return_run_details").is_some() {
                let text = "Invalid request.\n\n\"return_run_details\" is not a permitted key.";
                return error(422, text);
            }
            workflow.dispatches.push(body.clone());
            let title = body["inputs"]["id"].as_str().unwrap_or("Publish");
            workflow.runs.insert(0, run(first, title));
            if let Some(rival) = workflow.rival {
                let mut theirs = run(first + 1, "Publish");
                theirs["actor"]["login"] = rival.into();
                workflow.runs.insert(0, theirs);
            }
            match workflow.silent || workflow.old_server {
                true => StatusCode::NO_CONTENT.into_response(),
                false => done(&json!({
                    "workflow_run_id": first, "run_url": "https://api.github.com/x", "html_url": page(first),
                })),
            }
        }
        ("GET", "runs") => {
            assert_eq!(query(parts, "event").as_deref(), Some("workflow_dispatch"));
            let created = query(parts, "created").unwrap();
            let since = created.strip_prefix(">=").unwrap();
            assert!(
                since.len() == "2026-11-22T10:00:00Z".len() && since.ends_with('Z'),
                "{since}"
            );
            let listed: Vec<&Value> = workflow
                .runs
                .iter()
                .filter(|run| query(parts, "branch").is_none_or(|branch| run["head_branch"] == branch.as_str()))
                .filter(|run| query(parts, "actor").is_none_or(|actor| run["actor"]["login"] == actor.as_str()))
                .collect();
            let hide = workflow.dispatches.len() == 1 && workflow.hidden_for > 0;
            if hide {
                workflow.hidden_for -= 1;
                return done(&json!({ "total_count": 0, "workflow_runs": [] }));
            }
            let shown: Vec<Value> = listed.into_iter().map(|run| as_shown(run, workflow.terse)).collect();
            if shown.is_empty() && workflow.terse {
                return done(&json!({ "total_count": 0, "workflow_runs": null }));
            }
            done(&json!({ "total_count": shown.len(), "workflow_runs": shown }))
        }
        _ => error(405, "Method Not Allowed"),
    }
}

/// A run as GitHub lists it, queued.
pub(crate) fn run(id: u64, title: &str) -> Value {
    json!({
        "id": id, "status": "queued", "conclusion": null, "html_url": page(id), "display_title": title,
        "head_branch": "main", "event": "workflow_dispatch", "actor": { "login": "deployer" }, "looks": 0,
    })
}

pub(crate) fn page(id: u64) -> String {
    format!("https://github.com/molecule-ai/mono/actions/runs/{id}")
}

fn as_shown(run: &Value, terse: bool) -> Value {
    let mut shown = run.clone();
    if terse {
        shown["display_title"] = Value::Null;
        shown.as_object_mut().unwrap().remove("html_url");
    }
    shown
}

fn look(world: &mut World, id: &str) -> Response {
    for workflow in world.workflows.values_mut() {
        let (looks, conclusion) = (workflow.looks, workflow.conclusion);
        let mut runs = workflow.runs.iter_mut();
        let Some(run) = runs.find(|run| run["id"].as_u64() == id.parse().ok()) else {
            continue;
        };
        let looked = run["looks"].as_u64().unwrap() + 1;
        run["looks"] = looked.into();
        run["status"] = "in_progress".into();
        if looked >= looks {
            run["status"] = "completed".into();
            run["conclusion"] = conclusion.into();
        }
        return done(&as_shown(run, workflow.terse));
    }
    error(404, "Not Found")
}
