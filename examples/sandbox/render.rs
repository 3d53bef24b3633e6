//! Render's API: variables of services and environment groups, and the deploys that alone load them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::call::{Call, Reply};
use crate::clock;
use crate::fields::{Fields, text};
use crate::keys::random_text;

/// The key that the sandbox is used with.
pub(crate) const KEY: &str = "rnd_sandbox1Qk3v9q2x7w5b8n1m4d0s2h8j6";

const OWNER: &str = "tea-d1moleculeai0001";

/// What a deploy goes through, each time that it is looked at.
const STAGES: [&str; 3] = ["created", "update_in_progress", "live"];
/// How one may end.
const ENDS: [&str; 6] = [
    "live",
    "build_failed",
    "update_failed",
    "pre_deploy_failed",
    "canceled",
    "deactivated",
];

type Variables = BTreeMap<String, String>;

/// Render.
#[derive(Clone, Default)]
pub(crate) struct Render {
    services: BTreeMap<String, Service>,
    groups: BTreeMap<String, Group>,
}

#[derive(Clone, Default)]
struct Service {
    name: String,
    kind: String,
    variables: Variables,
    /// What its processes were started with.
    running: Variables,
    deploys: Vec<Deploy>,
    /// How deploys end.
    ends: String,
}

#[derive(Clone)]
struct Group {
    name: String,
    variables: Variables,
    services: Vec<String>,
    created_at: String,
    updated_at: String,
}

#[derive(Clone)]
struct Deploy {
    id: String,
    mode: String,
    trigger: String,
    created_at: String,
    looks: usize,
    end: String,
    /// What its processes get.
    variables: Variables,
}

impl Deploy {
    fn is_under_way(&self) -> bool {
        self.looks < STAGES.len() - 1
    }

    fn status(&self) -> &str {
        match STAGES.get(self.looks) {
            Some(stage) if self.is_under_way() => stage,
            _ => &self.end,
        }
    }

    fn body(&self) -> Value {
        json!({
            "id": self.id, "status": self.status(), "trigger": self.trigger, "createdAt": self.created_at,
            "updatedAt": clock::millis(),
        })
    }
}

fn refuse(status: u16, message: &str) -> Reply {
    Reply::json(status, json!({ "id": random_text(), "message": message }))
}

fn variable(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": value })
}

fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    !name.is_empty() && name.chars().all(fits) && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// The value that a body wants.
fn wanted(call: &Call, key: &str) -> Result<String, Reply> {
    if !is_name(key) {
        return Err(refuse(400, "invalid environment variable key"));
    }
    match (call.body["generateValue"] == true, call.text("value")) {
        (true, _) => Ok(random_text()),
        (false, Some(value)) => Ok(value.to_owned()),
        (false, None) => Err(refuse(400, "value or generateValue is required")),
    }
}

impl Render {
    pub(crate) fn seeded() -> Self {
        let mut render = Self::default();
        for (id, name, kind) in [
            ("srv-d1control0000000001", "control-plane", "web"),
            ("srv-d1worker00000000002", "worker", "worker"),
        ] {
            let service = Service {
                name: name.to_owned(),
                kind: kind.to_owned(),
                ends: "live".to_owned(),
                ..Service::default()
            };
            render.services.insert(id.to_owned(), service);
        }
        let group = Group {
            name: "production-secrets".to_owned(),
            variables: Variables::new(),
            services: render.services.keys().cloned().collect(),
            created_at: clock::millis(),
            updated_at: clock::millis(),
        };
        render.groups.insert("evg-d1production00000003".to_owned(), group);
        render
    }

    pub(crate) fn state(&self) -> Value {
        let services = self.services.iter().map(|(id, service)| {
            let deploys = service
                .deploys
                .iter()
                .map(|deploy| json!({ "id": deploy.id, "status": deploy.status(), "mode": deploy.mode }));
            let told = json!({
                "name": service.name, "variables": service.variables, "running": service.running,
                "deploys": deploys.collect::<Vec<_>>(),
            });
            (id.clone(), told)
        });
        let groups = self.groups.iter().map(|(id, group)| {
            let told = json!({ "name": group.name, "variables": group.variables, "services": group.services });
            (id.clone(), told)
        });
        json!({
            "services": services.collect::<serde_json::Map<_, _>>(), "groups": groups.collect::<serde_json::Map<_, _>>(),
        })
    }

    /// `{"services": {"srv-…": {"name", "variables": {"KEY": "value or null"}, "deploys_end": "update_failed", "deploying": true}},
    /// "groups": {"evg-…": {"variables", "services": ["srv-…"]}}}`
    pub(crate) fn seed(&mut self, content: &Value, path: &str) -> Result<(), String> {
        let fields = Fields::of(content, path, &["services", "groups"])?;
        let mut after = self.clone();
        for (id, path, wanted) in fields.names("services")? {
            let known = ["name", "variables", "deploys_end", "deploying"];
            let fields = Fields::of(wanted, &path, &known)?;
            let service = after.services.entry(id.to_owned()).or_insert_with(|| Service {
                name: id.to_owned(),
                kind: "web".to_owned(),
                ends: "live".to_owned(),
                ..Service::default()
            });
            if let Some(name) = fields.text("name")? {
                name.clone_into(&mut service.name);
            }
            if let Some(end) = fields.word("deploys_end", &ENDS)? {
                end.clone_into(&mut service.ends);
            }
            write(&mut service.variables, &fields)?;
            if fields.flag("deploying")? == Some(true) {
                let variables = after.effective(id);
                after.begin(id, "deploy_only", "new_commit", variables);
            }
        }
        for (id, path, wanted) in fields.names("groups")? {
            let fields = Fields::of(wanted, &path, &["variables", "services"])?;
            let group = after.groups.entry(id.to_owned()).or_insert_with(|| Group {
                name: id.to_owned(),
                variables: Variables::new(),
                services: Vec::new(),
                created_at: clock::millis(),
                updated_at: clock::millis(),
            });
            if let Some(services) = fields.texts("services")? {
                group.services = services.into_iter().map(str::to_owned).collect();
            }
            write(&mut group.variables, &fields)?;
        }
        *self = after;
        Ok(())
    }

    /// The variables of a service: those of its groups, and its own above them.
    fn effective(&self, id: &str) -> Variables {
        let groups = self
            .groups
            .values()
            .filter(|group| group.services.iter().any(|linked| linked == id));
        let mut all: Variables = groups.flat_map(|group| group.variables.clone()).collect();
        all.extend(
            self.services
                .get(id)
                .map(|service| service.variables.clone())
                .unwrap_or_default(),
        );
        all
    }

    fn begin(&mut self, id: &str, mode: &str, trigger: &str, variables: Variables) -> Value {
        let Some(service) = self.services.get_mut(id) else {
            return Value::Null;
        };
        let deploy = Deploy {
            id: format!("dep-{:.20}", random_text()),
            mode: mode.to_owned(),
            trigger: trigger.to_owned(),
            created_at: clock::millis(),
            looks: 0,
            end: service.ends.clone(),
            variables,
        };
        let body = deploy.body();
        service.deploys.push(deploy);
        body
    }

    /// Lists do not lag.
    pub(crate) fn answer(&mut self, call: &Call, _lag: i64) -> Reply {
        if call.bearer() != KEY {
            return refuse(401, "Unauthorized");
        }
        let (method, segments) = call.route();
        match (method, segments.as_slice()) {
            (_, ["render", "v1", "services", id, rest @ ..]) if self.services.contains_key(*id) => {
                self.service(call, id, rest)
            }
            (_, ["render", "v1", "env-groups", id, rest @ ..]) if self.groups.contains_key(*id) => {
                self.group(call, id, rest)
            }
            _ => refuse(404, "Not Found"),
        }
    }

    fn service(&mut self, call: &Call, id: &str, rest: &[&str]) -> Reply {
        let effective = self.effective(id);
        let Some(service) = self.services.get_mut(id) else {
            return refuse(404, "Not Found");
        };
        match (call.method.as_str(), rest) {
            ("GET", ["env-vars"]) => {
                let all = service
                    .variables
                    .iter()
                    .map(|(key, value)| (key.clone(), variable(key, value)));
                Reply::ok(page(call, all, "envVar"))
            }
            ("GET", ["env-vars", key]) => match service.variables.get(*key) {
                Some(value) => Reply::ok(variable(key, value)),
                None => refuse(404, "Not Found"),
            },
            ("PUT", ["env-vars", key]) => match wanted(call, key) {
                Ok(value) => {
                    service.variables.insert((*key).to_owned(), value.clone());
                    Reply::ok(variable(key, &value))
                }
                Err(reply) => reply,
            },
            ("DELETE", ["env-vars", key]) => match service.variables.remove(*key) {
                Some(_) => Reply::empty(204),
                None => refuse(404, "Not Found"),
            },
            ("GET", ["deploys"]) => {
                look(service, None);
                let all = service
                    .deploys
                    .iter()
                    .rev()
                    .map(|deploy| (deploy.id.clone(), deploy.body()));
                Reply::ok(page(call, all, "deploy"))
            }
            ("POST", ["deploys"]) if service.deploys.iter().any(Deploy::is_under_way) => {
                refuse(409, "a deploy is in progress")
            }
            ("POST", ["deploys"]) => match call.text("deployMode").unwrap_or("build_and_deploy") {
                mode @ ("deploy_only" | "build_and_deploy") => {
                    let mode = mode.to_owned();
                    Reply::json(201, self.begin(id, &mode, "api", effective))
                }
                _ => refuse(400, "invalid deployMode"),
            },
            ("GET", ["deploys", deploy]) => {
                look(service, Some(deploy));
                match service.deploys.iter().find(|known| known.id == *deploy) {
                    Some(deploy) => Reply::ok(deploy.body()),
                    None => refuse(404, "Not Found"),
                }
            }
            // The processes are started again with what they had.
            ("POST", ["restart"]) => Reply::empty(202),
            _ => refuse(404, "Not Found"),
        }
    }

    fn group(&mut self, call: &Call, id: &str, rest: &[&str]) -> Reply {
        let links: Vec<Value> = self
            .groups
            .get(id)
            .into_iter()
            .flat_map(|group| &group.services)
            .map(|linked| {
                let known = self.services.get(linked);
                let (name, kind) = known.map_or((linked.as_str(), "web"), |known| (&known.name, &known.kind));
                json!({ "id": linked, "name": name, "type": kind })
            })
            .collect();
        let Some(group) = self.groups.get_mut(id) else {
            return refuse(404, "Not Found");
        };
        match (call.method.as_str(), rest) {
            ("GET", []) => Reply::ok(group.body(id, links)),
            ("GET", ["env-vars", key]) => match group.variables.get(*key) {
                Some(value) => Reply::ok(variable(key, value)),
                None => refuse(404, "Not Found"),
            },
            ("PUT", ["env-vars", key]) => match wanted(call, key) {
                Ok(value) => {
                    group.variables.insert((*key).to_owned(), value);
                    group.updated_at = clock::millis();
                    Reply::ok(group.body(id, links))
                }
                Err(reply) => reply,
            },
            ("DELETE", ["env-vars", key]) => match group.variables.remove(*key) {
                Some(_) => {
                    group.updated_at = clock::millis();
                    Reply::empty(204)
                }
                None => refuse(404, "Not Found"),
            },
            _ => refuse(404, "Not Found"),
        }
    }
}

impl Group {
    fn body(&self, id: &str, links: Vec<Value>) -> Value {
        let variables: Vec<Value> = self.variables.iter().map(|(key, value)| variable(key, value)).collect();
        json!({
            "id": id, "name": self.name, "ownerId": OWNER, "createdAt": self.created_at, "updatedAt": self.updated_at,
            "envVars": variables, "secretFiles": [], "serviceLinks": links,
        })
    }
}

/// Deploys advance by being looked at: one of them, or those that are under way.
fn look(service: &mut Service, id: Option<&str>) {
    for deploy in &mut service.deploys {
        if deploy.is_under_way() && id.is_none_or(|id| deploy.id == id) {
            deploy.looks += 1;
            if deploy.status() == "live" {
                service.running = deploy.variables.clone();
            }
        }
    }
}

/// A page of a list; every item carries the cursor after which the next one begins.
fn page(call: &Call, all: impl Iterator<Item = (String, Value)>, field: &str) -> Value {
    let limit = call.number("limit").unwrap_or(20).clamp(1, 100);
    let all: Vec<(String, Value)> = all.collect();
    let after = call.query.get("cursor");
    let from = after.and_then(|cursor| all.iter().position(|(id, _)| id == cursor));
    let from = from.map_or(0, |at| at + 1);
    let shown = all.into_iter().skip(from).take(limit);
    shown.map(|(id, item)| json!({ field: item, "cursor": id })).collect()
}

/// What a person writes; null deletes.
fn write(variables: &mut Variables, fields: &Fields<'_>) -> Result<(), String> {
    for (key, path, value) in fields.names("variables")? {
        match value {
            Value::Null => drop(variables.remove(key)),
            value => drop(variables.insert(key.to_owned(), text(&path, value)?.to_owned())),
        }
    }
    Ok(())
}
