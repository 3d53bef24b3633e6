//! Vercel's API: access tokens, and projects of a team with variables and the deployments that take them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::call::{Call, Reply};
use crate::clock;
use crate::fields::{Fields, text};
use crate::keys::{self, Keys, random_text};

/// The token that the sandbox is used with, and the team of its projects.
pub(crate) const TOKEN: &str = "vcp_sandbox1Qk3v9q2x7w5b8n1m4d0s2h8j6";
pub(crate) const TEAM: &str = "team_d1moleculeai0001";

const PROJECT: &str = "prj_d1canvas000000000001";
const ENVIRONMENTS: [&str; 3] = ["production", "preview", "development"];

/// What a deployment goes through, each time that it is looked at.
const STAGES: [&str; 3] = ["QUEUED", "BUILDING", "READY"];
const ENDS: [&str; 3] = ["READY", "ERROR", "CANCELED"];

/// Vercel.
#[derive(Clone, Default)]
pub(crate) struct Vercel {
    tokens: Keys,
    projects: BTreeMap<String, Project>,
    /// The last instant that was given away: each is given once.
    latest: i64,
}

#[derive(Clone, Default)]
struct Project {
    name: String,
    variables: Vec<Variable>,
    deployments: Vec<Deployment>,
    /// How deployments end, and whether domains lead to them then.
    ends: String,
    staged: bool,
}

#[derive(Clone)]
struct Variable {
    id: String,
    key: String,
    value: String,
    kind: String,
    targets: Vec<String>,
    custom: Vec<String>,
    branch: Option<String>,
    comment: Option<String>,
    created_at: i64,
    updated_at: i64,
}

#[derive(Clone)]
struct Deployment {
    id: String,
    created_at: i64,
    looks: usize,
    end: String,
    staged: bool,
    meta: Value,
    /// Whose source it was built from.
    of: String,
    /// What production gets.
    variables: BTreeMap<String, String>,
}

impl Variable {
    fn scope(&self) -> String {
        let targets = ENVIRONMENTS
            .into_iter()
            .filter(|name| self.targets.iter().any(|target| target == name));
        let names: Vec<&str> = targets.chain(self.custom.iter().map(String::as_str)).collect();
        match &self.branch {
            Some(branch) => format!("{}@{branch}", names.join(",")),
            None => names.join(","),
        }
    }

    fn overlaps(&self, other: &Self) -> bool {
        let meet = |one: &[String], two: &[String]| one.iter().any(|name| two.contains(name));
        self.key == other.key
            && self.branch == other.branch
            && (meet(&self.targets, &other.targets) || meet(&self.custom, &other.custom))
    }

    fn body(&self) -> Value {
        // Ciphertext, which nobody reads; of a sensitive one nothing.
        let value = match self.kind.as_str() {
            "sensitive" => String::new(),
            _ => format!("eyJ2IjoidjIifQ{}", self.id),
        };
        let mut body = json!({
            "id": self.id, "key": self.key, "value": value, "type": self.kind, "target": self.targets,
            "createdAt": self.created_at, "updatedAt": self.updated_at, "createdBy": "sandbox", "updatedBy": "sandbox",
            "configurationId": null, "customEnvironmentIds": self.custom,
        });
        if let Some(branch) = &self.branch {
            body["gitBranch"] = json!(branch);
        }
        if let Some(comment) = &self.comment {
            body["comment"] = json!(comment);
        }
        body
    }
}

impl Deployment {
    fn is_under_way(&self) -> bool {
        self.looks < STAGES.len() - 1
    }

    fn state(&self) -> &str {
        match STAGES.get(self.looks) {
            Some(stage) if self.is_under_way() => stage,
            _ => &self.end,
        }
    }

    fn substate(&self) -> Option<&'static str> {
        (self.state() == "READY").then_some(if self.staged { "STAGED" } else { "PROMOTED" })
    }

    fn body(&self, project: &str, name: &str) -> Value {
        let mut body = json!({
            "id": self.id, "name": name, "projectId": project, "url": format!("{name}-{:.9}.vercel.app", self.id),
            "createdAt": self.created_at, "status": self.state(), "readyState": self.state(), "target": "production",
            "meta": self.meta, "aliasAssigned": self.substate() == Some("PROMOTED"),
        });
        if let Some(substate) = self.substate() {
            body["readySubstate"] = json!(substate);
        }
        body
    }

    fn listed(&self, project: &str, name: &str) -> Value {
        let mut listed = self.body(project, name);
        if let Some(fields) = listed.as_object_mut() {
            fields.remove("status");
            fields.remove("id");
        }
        listed["uid"] = json!(self.id);
        listed["created"] = json!(self.created_at);
        listed["state"] = json!(self.state());
        listed
    }
}

/// An error with its code.
fn refuse(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, json!({ "error": { "code": code, "message": message } }))
}

fn not_found() -> Reply {
    refuse(404, "not_found", "Project not found.")
}

fn token_body(key: &Value) -> Value {
    let mut body = json!({
        "id": key["id"], "name": key["name"], "type": "token", "origin": "manual", "createdAt": key["created_at"],
        "activeAt": key["last_used_at"].as_i64().or(key["created_at"].as_i64()),
    });
    if key["expires_at"].is_number() {
        body["expiresAt"] = key["expires_at"].clone();
    }
    body
}

/// A page of items that are the newest first, each with its instant.
fn page(call: &Call, items: impl Iterator<Item = (i64, Value)>) -> (Vec<Value>, Value) {
    let limit = call.number("limit").unwrap_or(20).clamp(1, 100);
    let until = call.query.get("until").and_then(|text| text.parse::<i64>().ok());
    let mut left: Vec<(i64, Value)> = items.filter(|(at, _)| until.is_none_or(|until| *at < until)).collect();
    left.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let more = left.len() > limit;
    left.truncate(limit);
    let next = left.last().filter(|_| more).map(|(at, _)| *at);
    let prev = left.first().map(|(at, _)| *at);
    let pagination = json!({ "count": left.len(), "next": next, "prev": prev });
    (left.into_iter().map(|(_, item)| item).collect(), pagination)
}

fn texts(value: &Value) -> Vec<String> {
    let list = value.as_array().into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(fits) && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// Why a variable cannot be like this.
fn mistake(variable: &Variable) -> Option<&'static str> {
    if !is_name(&variable.key) {
        return Some("The name contains invalid characters. Only letters, digits, and underscores are allowed.");
    }
    if variable.targets.is_empty() && variable.custom.is_empty() {
        return Some("At least one environment is required.");
    }
    if variable.kind == "sensitive" && variable.targets.iter().any(|target| target == "development") {
        return Some("You cannot set a Sensitive Environment Variable's target to development.");
    }
    if variable.branch.is_some() && variable.targets != ["preview"] {
        return Some("A branch needs the target preview.");
    }
    None
}

impl Vercel {
    pub(crate) fn seeded() -> Self {
        let mut vercel = Self::default();
        vercel.issue("sandbox", TOKEN.to_owned(), None, 0);
        let mut project = Project {
            name: "canvas".to_owned(),
            ends: "READY".to_owned(),
            ..Project::default()
        };
        let created_at = vercel.now();
        project.deployments.push(Deployment {
            id: format!("dpl_{:.20}", random_text()),
            created_at,
            looks: STAGES.len(),
            end: "READY".to_owned(),
            staged: false,
            meta: json!({}),
            of: String::new(),
            variables: BTreeMap::new(),
        });
        vercel.projects.insert(PROJECT.to_owned(), project);
        vercel
    }

    /// An instant of its own.
    fn now(&mut self) -> i64 {
        self.latest = clock::epoch_millis().max(self.latest + 1);
        self.latest
    }

    fn issue(&mut self, name: &str, value: String, expires_at: Option<i64>, lag: i64) -> Value {
        let now = self.now();
        let key = json!({
            "id": format!("{}{}", random_text(), random_text()), "name": name, "value": value, "created_at": now, "expires_at": expires_at,
        });
        self.tokens.issue(key, lag)
    }

    pub(crate) fn state(&self) -> Value {
        let projects = self.projects.iter().map(|(id, project)| {
            let mut variables: BTreeMap<String, BTreeMap<&str, &str>> = BTreeMap::new();
            for variable in &project.variables {
                variables.entry(variable.scope()).or_default().insert(&variable.key, &variable.value);
            }
            let mut comments: BTreeMap<String, BTreeMap<&str, &Option<String>>> = BTreeMap::new();
            for variable in &project.variables {
                let of_scope = comments.entry(variable.scope()).or_default();
                of_scope.insert(&variable.key, &variable.comment);
            }
            let live = project.deployments.iter().rev().find(|known| known.substate() == Some("PROMOTED"));
            let states: Vec<Value> = project
                .deployments
                .iter()
                .map(|known| json!({ "id": known.id, "state": known.state(), "meta": known.meta, "of": known.of }))
                .collect();
            let told = json!({
                "variables": variables, "comments": comments, "running": live.map(|live| &live.variables), "deployments": states,
            });
            (id.clone(), told)
        });
        json!({ "api_keys": self.tokens.state(), "projects": projects.collect::<serde_json::Map<_, _>>() })
    }

    /// `{"api_keys": [{"name", "value"}], "projects": {"prj_…": {"variables": {"production,preview": {"KEY": "value or null"}},
    /// "deployments_end": "ERROR", "staged": true}}}`
    pub(crate) fn seed(&mut self, content: &Value, path: &str) -> Result<(), String> {
        let fields = Fields::of(content, path, &["api_keys", "projects"])?;
        let mut after = self.clone();
        for key in keys::wanted(fields.list("api_keys")?, &["name", "value"])? {
            let value = key.text("value")?.map_or_else(random_text, str::to_owned);
            after.issue(key.text("name")?.unwrap_or_default(), value, None, 0);
        }
        for (id, path, wanted) in fields.names("projects")? {
            let fields = Fields::of(wanted, &path, &["variables", "deployments_end", "staged"])?;
            let mut written = Vec::new();
            for (scope, path, variables) in fields.names("variables")? {
                for (key, path, value) in Fields::any(variables, &path)?.all() {
                    let value = match value {
                        Value::Null => None,
                        value => Some(text(&path, value)?.to_owned()),
                    };
                    written.push((scope.to_owned(), key.to_owned(), value, after.now()));
                }
            }
            let project = after.projects.entry(id.to_owned()).or_insert_with(|| Project {
                name: id.to_owned(),
                ends: "READY".to_owned(),
                ..Project::default()
            });
            if let Some(end) = fields.word("deployments_end", &ENDS)? {
                end.clone_into(&mut project.ends);
            }
            project.staged = fields.flag("staged")?.unwrap_or(project.staged);
            for (scope, key, value, now) in written {
                let at = project
                    .variables
                    .iter()
                    .position(|known| known.key == key && known.scope() == scope);
                match (at.and_then(|at| project.variables.get_mut(at)), value) {
                    // By hand: the comment stays.
                    (Some(known), Some(value)) => {
                        known.value = value;
                        known.updated_at = now;
                    }
                    (None, Some(value)) => project.variables.push(Variable {
                        id: format!("{:.16}", random_text()),
                        key,
                        value,
                        kind: "encrypted".to_owned(),
                        targets: scope.split(',').map(str::to_owned).collect(),
                        custom: Vec::new(),
                        branch: None,
                        comment: None,
                        created_at: now,
                        updated_at: now,
                    }),
                    (_, None) => project
                        .variables
                        .retain(|known| !(known.key == key && known.scope() == scope)),
                }
            }
        }
        *self = after;
        Ok(())
    }

    pub(crate) fn answer(&mut self, call: &Call, lag: i64) -> Reply {
        let (method, segments) = call.route();
        let now = clock::epoch_millis();
        let Some(key) = self.tokens.presented_at(call, json!(now)).cloned() else {
            let error = json!({ "code": "forbidden", "message": "Not authorized", "invalidToken": true });
            return Reply::json(403, json!({ "error": error }));
        };
        let of_team = call.query.get("teamId").is_some_and(|team| team == TEAM);
        let rest = segments.get(1..).unwrap_or_default();
        match (method, rest) {
            (_, ["v3" | "v5", "user", "tokens", rest @ ..]) => self.tokens(call, rest, &key, lag),
            ("GET", ["v2", "teams", TEAM]) => {
                Reply::ok(json!({ "id": TEAM, "slug": "molecule-ai", "name": "Molecule AI" }))
            }
            (_, ["v2", "teams", _]) => refuse(404, "not_found", "Team not found."),
            (_, ["v9" | "v10", "projects", id, "env", rest @ ..]) if of_team && self.projects.contains_key(*id) => {
                self.variables(call, id, rest)
            }
            (_, ["v6" | "v13", "deployments", rest @ ..]) if of_team => self.deployments(call, rest),
            ("POST", ["v10", "projects", id, "promote", deployment]) if of_team => self.promote(id, deployment),
            _ => not_found(),
        }
    }

    fn tokens(&mut self, call: &Call, rest: &[&str], own: &Value, lag: i64) -> Reply {
        match (call.method.as_str(), rest) {
            ("GET", []) => {
                let all = self
                    .tokens
                    .listed()
                    .map(|key| (key["created_at"].as_i64().unwrap_or_default(), token_body(key)));
                let (tokens, pagination) = page(call, all);
                Reply::ok(json!({ "tokens": tokens, "pagination": pagination }))
            }
            ("GET", ["current"]) => Reply::ok(json!({ "token": token_body(own) })),
            ("POST", []) => {
                let Some(name) = call.text("name").filter(|name| !name.is_empty()) else {
                    return refuse(400, "bad_request", "Invalid request: missing required property `name`.");
                };
                let key = self.issue(
                    name,
                    format!("vcp_{}", random_text()),
                    call.body["expiresAt"].as_i64(),
                    lag,
                );
                Reply::ok(json!({ "token": token_body(&key), "bearerToken": key["value"] }))
            }
            ("DELETE", [id]) => match self.tokens.revoke(&json!(id), |_| true) {
                Some(_) => Reply::ok(json!({ "tokenId": id })),
                None => refuse(404, "not_found", "Token not found."),
            },
            _ => not_found(),
        }
    }

    fn variables(&mut self, call: &Call, id: &str, rest: &[&str]) -> Reply {
        let now = self.now();
        let Some(project) = self.projects.get_mut(id) else {
            return not_found();
        };
        let at = rest
            .first()
            .and_then(|id| project.variables.iter().position(|known| known.id == *id));
        match (call.method.as_str(), rest, at) {
            ("GET", [], _) => {
                let all = project.variables.iter().map(|known| (known.created_at, known.body()));
                let (envs, pagination) = page(call, all);
                Reply::ok(json!({ "envs": envs, "pagination": pagination }))
            }
            ("POST", [], _) => {
                let (Some(key), Some(value), Some(kind)) = (call.text("key"), call.text("value"), call.text("type"))
                else {
                    return refuse(400, "bad_request", "Invalid request: key, value and type are required.");
                };
                let new = Variable {
                    id: format!("{:.16}", random_text()),
                    key: key.to_owned(),
                    value: value.to_owned(),
                    kind: kind.to_owned(),
                    targets: texts(&call.body["target"]),
                    custom: texts(&call.body["customEnvironmentIds"]),
                    branch: call.text("gitBranch").map(str::to_owned),
                    comment: call.text("comment").map(str::to_owned),
                    created_at: now,
                    updated_at: now,
                };
                if let Some(message) = mistake(&new) {
                    return refuse(400, "bad_request", message);
                }
                if let Some(rival) = project.variables.iter().find(|known| known.overlaps(&new)) {
                    // With the value, as the description has it.
                    let error = json!({
                        "code": "ENV_CONFLICT", "message": format!("Another variable with the name {key} exists."), "key": key,
                        "value": value, "envVarId": rival.id,
                    });
                    return Reply::json(201, json!({ "created": [], "failed": [{ "error": error }] }));
                }
                let body = new.body();
                project.variables.push(new);
                Reply::json(201, json!({ "created": body, "failed": [] }))
            }
            ("PATCH", [_], Some(at)) => {
                let Some(known) = project.variables.get_mut(at) else {
                    return not_found();
                };
                let mut changed = known.clone();
                for (name, field) in [("value", &mut changed.value), ("type", &mut changed.kind)] {
                    if let Some(text) = call.text(name) {
                        text.clone_into(field);
                    }
                }
                if let Some(comment) = call.text("comment") {
                    changed.comment = Some(comment.to_owned());
                }
                if let Some(message) = mistake(&changed) {
                    return refuse(400, "bad_request", message);
                }
                changed.updated_at = now;
                *known = changed;
                Reply::ok(known.body())
            }
            ("DELETE", [_], Some(at)) => Reply::ok(json!([project.variables.remove(at).body()])),
            _ => refuse(404, "not_found", "Environment variable not found."),
        }
    }

    fn promote(&mut self, project: &str, deployment: &str) -> Reply {
        let project = self.projects.get_mut(project);
        let found = project.and_then(|held| held.deployments.iter_mut().find(|known| known.id == deployment));
        match found {
            Some(known) => {
                known.staged = false;
                Reply::json(202, json!({}))
            }
            None => not_found(),
        }
    }

    fn deployments(&mut self, call: &Call, rest: &[&str]) -> Reply {
        let now = self.now();
        match (call.method.as_str(), rest) {
            ("GET", []) => {
                let Some((id, project)) = call
                    .query
                    .get("projectId")
                    .and_then(|id| self.projects.get_key_value(id))
                else {
                    return not_found();
                };
                let all = project
                    .deployments
                    .iter()
                    .map(|known| (known.created_at, known.listed(id, &project.name)));
                let (deployments, pagination) = page(call, all);
                Reply::ok(json!({ "deployments": deployments, "pagination": pagination }))
            }
            ("GET", [id]) => {
                let mut all = self.projects.iter_mut();
                let found = all.find_map(|(project, held)| {
                    let name = held.name.clone();
                    let known = held.deployments.iter_mut().find(|known| known.id == *id)?;
                    Some((project, name, known))
                });
                let Some((project, name, known)) = found else {
                    return refuse(404, "not_found", "The deployment was not found.");
                };
                known.looks = if known.is_under_way() {
                    known.looks + 1
                } else {
                    known.looks
                };
                Reply::ok(known.body(project, &name))
            }
            ("POST", []) if call.query.get("forceNew").is_none_or(|force| force != "1") => {
                refuse(400, "bad_request", "A similar deployment exists.")
            }
            ("POST", []) => {
                let source = call.text("deploymentId").unwrap_or_default();
                let mut all = self.projects.iter_mut();
                let found = all.find(|(_, project)| project.deployments.iter().any(|known| known.id == source));
                let Some((id, project)) = found else {
                    return refuse(404, "not_found", "The deployment was not found.");
                };
                if call.text("name").is_none() {
                    return refuse(400, "bad_request", "Invalid request: missing required property `name`.");
                }
                let production = project
                    .variables
                    .iter()
                    .filter(|known| known.targets.iter().any(|target| target == "production"));
                let deployment = Deployment {
                    id: format!("dpl_{:.20}", random_text()),
                    created_at: now,
                    looks: 0,
                    end: project.ends.clone(),
                    staged: project.staged,
                    meta: call.body["meta"].clone(),
                    of: source.to_owned(),
                    variables: production
                        .map(|known| (known.key.clone(), known.value.clone()))
                        .collect(),
                };
                let body = deployment.body(id, &project.name);
                project.deployments.push(deployment);
                Reply::ok(body)
            }
            _ => not_found(),
        }
    }
}
