//! GitHub's REST API: Actions secrets of repositories and environments, workflow dispatch and runs.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_box::SecretKey;
use crypto_box::aead::OsRng;
use serde_json::{Value, json};

use crate::call::{Call, Reply, Vendor};
use crate::clock;

pub(crate) const TOKEN: &str = "ghp_sandbox0000000000000000000000000001";
pub(crate) const OWNER: &str = "molecule-ai";

struct Secret {
    value: String,
    created_at: String,
    updated_at: String,
}

/// A place with secrets and a key pair of its own: a repository or an environment.
struct Level {
    key: SecretKey,
    key_id: String,
    secrets: BTreeMap<String, Secret>,
}

impl Level {
    fn new(number: usize) -> Self {
        Self {
            key: SecretKey::generate(&mut OsRng),
            key_id: format!("{}", 568_250_167_242_549_743 + number),
            secrets: BTreeMap::new(),
        }
    }

    /// Writes a secret; whether it is new.
    fn write(&mut self, name: &str, value: String) -> bool {
        let now = clock::seconds();
        let known = self.secrets.get(name).map(|secret| secret.created_at.clone());
        let is_new = known.is_none();
        let created_at = known.unwrap_or_else(|| now.clone());
        self.secrets.insert(
            name.to_owned(),
            Secret {
                value,
                created_at,
                updated_at: now,
            },
        );
        is_new
    }

    fn state(&self) -> Value {
        let secrets = self.secrets.iter().map(|(name, secret)| {
            (
                name.clone(),
                json!({ "value": secret.value, "created_at": secret.created_at, "updated_at": secret.updated_at }),
            )
        });
        json!({ "secrets": secrets.collect::<BTreeMap<_, _>>() })
    }
}

struct Run {
    id: u64,
    workflow: String,
    branch: String,
    created_at: String,
    polls: u32,
    conclusion: String,
    inputs: Value,
}

struct Repository {
    level: Level,
    environments: BTreeMap<String, Level>,
    /// Workflow file to the conclusion that its runs will have.
    workflows: BTreeMap<String, String>,
    runs: Vec<Run>,
}

impl Repository {
    fn new(number: usize) -> Self {
        Self {
            level: Level::new(number * 100),
            environments: BTreeMap::new(),
            workflows: BTreeMap::new(),
            runs: Vec::new(),
        }
    }
}

/// GitHub.
pub(crate) struct GitHub {
    repositories: BTreeMap<String, Repository>,
    next_run: u64,
    /// Dispatch answers 204 without a run id, as older servers do.
    silent_dispatch: bool,
}

fn refuse(status: u16, message: &str) -> Reply {
    Vendor::GitHub.error(status, message)
}

impl GitHub {
    pub(crate) fn seeded() -> Self {
        let mut github = Self {
            repositories: BTreeMap::new(),
            next_run: 30_433_642,
            silent_dispatch: false,
        };
        for name in ["molecule-monorepo", "molecule-docs"] {
            github.add_repository(&format!("{OWNER}/{name}"), &["staging", "production"]);
        }
        github
    }

    fn add_repository(&mut self, name: &str, environments: &[&str]) -> &mut Repository {
        let number = self.repositories.len() + 1;
        let repository = self
            .repositories
            .entry(name.to_owned())
            .or_insert_with(|| Repository::new(number));
        for environment in environments {
            let count = repository.environments.len() + 1;
            repository
                .environments
                .entry((*environment).to_owned())
                .or_insert_with(|| Level::new(number * 100 + count));
        }
        repository
            .workflows
            .entry("publish-platform-image.yml".to_owned())
            .or_insert_with(|| "success".to_owned());
        repository
    }

    /// `{"repositories": {"owner/name": {"environments": […], "workflows": {"file.yml": "conclusion"}, "secrets": {"NAME": "value"}}}, "silent_dispatch": bool}`
    pub(crate) fn seed(&mut self, content: &Value) -> Result<(), String> {
        if let Some(silent) = content.get("silent_dispatch").and_then(Value::as_bool) {
            self.silent_dispatch = silent;
        }
        for (name, wanted) in content
            .get("repositories")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let list = wanted
                .get("environments")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            let environments: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            let repository = self.add_repository(name, &environments);
            for (file, conclusion) in wanted.get("workflows").and_then(Value::as_object).into_iter().flatten() {
                let conclusion = conclusion.as_str().ok_or("a workflow's conclusion is a string")?;
                repository.workflows.insert(file.clone(), conclusion.to_owned());
            }
            // As a person would in the settings page.
            for (secret, value) in wanted.get("secrets").and_then(Value::as_object).into_iter().flatten() {
                let value = value.as_str().ok_or("a secret's value is a string")?;
                repository.level.write(&secret.to_ascii_uppercase(), value.to_owned());
            }
        }
        Ok(())
    }

    pub(crate) fn state(&self) -> Value {
        let repositories = self.repositories.iter().map(|(name, repository)| {
            let environments: BTreeMap<_, _> = repository
                .environments
                .iter()
                .map(|(name, level)| (name.clone(), level.state()))
                .collect();
            let runs: Vec<Value> = repository
                .runs
                .iter()
                .map(|run| json!({ "id": run.id, "workflow": run.workflow, "inputs": run.inputs }))
                .collect();
            let mut state = repository.level.state();
            state["environments"] = json!(environments);
            state["runs"] = json!(runs);
            (name.clone(), state)
        });
        json!({ "repositories": repositories.collect::<BTreeMap<_, _>>() })
    }

    pub(crate) fn answer(&mut self, call: &Call) -> Reply {
        if call.header("user-agent").is_empty() {
            return refuse(
                403,
                "Request forbidden by administrative rules. Please make sure your request has a User-Agent header",
            );
        }
        if call.bearer() != TOKEN {
            return refuse(401, "Bad credentials");
        }
        let reply = self.route(call);
        reply
            .with("x-ratelimit-limit", "5000")
            .with("x-ratelimit-remaining", "4990")
            .with("x-github-request-id", "SANDBOX:1")
            .with("date", httpdate())
    }

    fn route(&mut self, call: &Call) -> Reply {
        let (method, segments) = call.route();
        match (method, segments.as_slice()) {
            ("GET", ["rate_limit"]) => Reply::ok(
                json!({ "resources": { "core": { "limit": 5000, "remaining": 4990, "reset": 0, "used": 10 } } }),
            ),
            ("GET", ["user"]) => Reply::ok(json!({ "login": "sandbox", "id": 1, "type": "User" })),
            (_, ["repos", owner, name, rest @ ..]) => {
                let silent = self.silent_dispatch;
                let run_id = self.next_run;
                let full = format!("{owner}/{name}");
                let known = self
                    .repositories
                    .keys()
                    .find(|key| key.eq_ignore_ascii_case(&full))
                    .cloned();
                let Some(repository) = known.and_then(|key| self.repositories.get_mut(&key)) else {
                    return refuse(404, "Not Found");
                };
                let before = repository.runs.len();
                let reply = in_repository(repository, call, &full, rest, run_id, silent);
                self.next_run += (repository.runs.len() - before) as u64;
                reply
            }
            _ => refuse(404, "Not Found"),
        }
    }
}

fn in_repository(
    repository: &mut Repository,
    call: &Call,
    full: &str,
    rest: &[&str],
    run_id: u64,
    silent: bool,
) -> Reply {
    match (call.method.as_str(), rest) {
        ("GET", []) => Reply::ok(
            json!({ "id": 1, "name": full.split('/').next_back(), "full_name": full, "private": true, "url": format!("/repos/{full}") }),
        ),
        (_, ["actions", "secrets", rest @ ..]) => in_level(&mut repository.level, call, rest),
        (_, ["environments", environment, "secrets", rest @ ..]) => match repository.environments.get_mut(*environment)
        {
            Some(level) => in_level(level, call, rest),
            None => refuse(404, "Not Found"),
        },
        ("GET", ["environments", environment]) if repository.environments.contains_key(*environment) => {
            Reply::ok(json!({ "id": 1, "name": environment }))
        }
        ("GET", ["actions", "workflows", file]) if repository.workflows.contains_key(*file) => Reply::ok(json!({
            "id": 161_335, "node_id": "W", "name": file, "path": format!(".github/workflows/{file}"), "state": "active",
            "created_at": clock::seconds(), "updated_at": clock::seconds(), "url": "", "html_url": "", "badge_url": "",
        })),
        ("POST", ["actions", "workflows", file, "dispatches"]) => {
            dispatch(repository, call, full, file, run_id, silent)
        }
        ("GET", ["actions", "workflows", file, "runs"]) if repository.workflows.contains_key(*file) => {
            let branch = call.query.get("branch");
            let runs: Vec<Value> = repository
                .runs
                .iter()
                .rev()
                .filter(|run| run.workflow == *file && branch.is_none_or(|branch| *branch == run.branch))
                .map(|run| run_body(run, full))
                .collect();
            Reply::ok(json!({ "total_count": runs.len(), "workflow_runs": runs }))
        }
        ("GET", ["actions", "runs", id]) => match repository.runs.iter_mut().find(|run| run.id.to_string() == *id) {
            Some(run) => {
                run.polls += 1;
                Reply::ok(run_body(run, full))
            }
            None => refuse(404, "Not Found"),
        },
        _ => refuse(404, "Not Found"),
    }
}

fn dispatch(repository: &mut Repository, call: &Call, full: &str, file: &str, run_id: u64, silent: bool) -> Reply {
    let Some(conclusion) = repository.workflows.get(file).cloned() else {
        return refuse(404, "Not Found");
    };
    let Some(branch) = call.text("ref") else {
        return refuse(422, "Invalid request.\n\n\"ref\" wasn't supplied.");
    };
    if branch != "main" {
        return refuse(422, &format!("No ref found for: {branch}"));
    }
    let inputs = call.body.get("inputs").cloned().unwrap_or(json!({}));
    repository.runs.push(Run {
        id: run_id,
        workflow: file.to_owned(),
        branch: branch.to_owned(),
        created_at: clock::seconds(),
        polls: 0,
        conclusion,
        inputs,
    });
    let details = call
        .body
        .get("return_run_details")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    if silent || !details {
        return Reply::empty(204);
    }
    Reply::ok(json!({
        "workflow_run_id": run_id,
        "run_url": format!("https://api.github.com/repos/{full}/actions/runs/{run_id}"),
        "html_url": format!("https://github.com/{full}/actions/runs/{run_id}"),
    }))
}

/// A run moves on by being looked at: queued, in progress, completed.
fn run_body(run: &Run, full: &str) -> Value {
    let (status, conclusion) = match run.polls {
        0 | 1 => ("queued", Value::Null),
        2 => ("in_progress", Value::Null),
        _ => ("completed", json!(run.conclusion)),
    };
    json!({
        "id": run.id, "name": run.workflow, "display_title": run.workflow, "event": "workflow_dispatch", "status": status,
        "conclusion": conclusion, "head_branch": run.branch, "head_sha": "0000000000000000000000000000000000000000",
        "run_number": 1, "workflow_id": 161_335, "created_at": run.created_at, "updated_at": clock::seconds(),
        "actor": { "login": "sandbox" },
        "html_url": format!("https://github.com/{full}/actions/runs/{}", run.id),
        "url": format!("https://api.github.com/repos/{full}/actions/runs/{}", run.id),
    })
}

fn in_level(level: &mut Level, call: &Call, rest: &[&str]) -> Reply {
    match (call.method.as_str(), rest) {
        ("GET", ["public-key"]) => {
            Reply::ok(json!({ "key_id": level.key_id, "key": STANDARD.encode(level.key.public_key().as_bytes()) }))
        }
        ("GET", []) => list(level, call),
        ("GET", [name]) => match level.secrets.get(&name.to_ascii_uppercase()) {
            Some(secret) => Reply::ok(secret_body(&name.to_ascii_uppercase(), secret)),
            None => refuse(404, "Not Found"),
        },
        ("PUT", [name]) => put(level, call, name),
        ("DELETE", [name]) => match level.secrets.remove(&name.to_ascii_uppercase()) {
            Some(_) => Reply::empty(204),
            None => refuse(404, "Not Found"),
        },
        _ => refuse(404, "Not Found"),
    }
}

fn secret_body(name: &str, secret: &Secret) -> Value {
    json!({ "name": name, "created_at": secret.created_at, "updated_at": secret.updated_at })
}

fn list(level: &Level, call: &Call) -> Reply {
    let size = call.number("per_page").unwrap_or(30).clamp(1, 100);
    let page = call.number("page").unwrap_or(1).max(1);
    let all: Vec<Value> = level
        .secrets
        .iter()
        .map(|(name, secret)| secret_body(name, secret))
        .collect();
    let shown: Vec<&Value> = all.iter().skip((page - 1) * size).take(size).collect();
    let reply = Reply::ok(json!({ "total_count": all.len(), "secrets": shown }));
    if page * size < all.len() {
        let next = format!(
            "<http://{}{}?per_page={size}&page={}>; rel=\"next\"",
            call.header("host"),
            call.path,
            page + 1
        );
        return reply.with("link", next);
    }
    reply
}

fn put(level: &mut Level, call: &Call, name: &str) -> Reply {
    let upper = name.to_ascii_uppercase();
    let shape = upper.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !upper.starts_with(|c: char| c.is_ascii_digit());
    if !shape || upper.starts_with("GITHUB_") {
        return refuse(
            422,
            "Secret names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). Spaces are not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_).",
        );
    }
    if call.text("key_id") != Some(level.key_id.as_str()) {
        return refuse(422, "Bad request - Key ID does not match: improperly encrypted secret");
    }
    let sealed = STANDARD
        .decode(call.text("encrypted_value").unwrap_or_default())
        .unwrap_or_default();
    let Some(value) = level
        .key
        .unseal(&sealed)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
    else {
        return refuse(422, "Bad request - improperly encrypted secret");
    };
    if value.len() > 48 * 1024 {
        return refuse(422, "Secret value is too large");
    }
    let status = if level.write(&upper, value) { 201 } else { 204 };
    if status == 201 {
        Reply::json(201, json!({}))
    } else {
        Reply::empty(204)
    }
}

/// The Date header's format (RFC 9110 §5.6.7).
fn httpdate() -> String {
    jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
