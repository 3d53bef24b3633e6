//! Apps, their secrets and their machines. Only an update of a machine makes it run a new secret.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::{Value, json};

use crate::call::{Call, Reply, Vendor};
use crate::clock;

struct Secret {
    value: String,
    digest: String,
    created_at: String,
    updated_at: String,
    /// The app's version when it was written.
    version: u64,
}

/// An app.
pub(crate) struct App {
    pub id: String,
    pub organization: String,
    secrets: BTreeMap<String, Secret>,
    /// What every secret was at each version, for machines that boot with an older one.
    history: BTreeMap<u64, BTreeMap<String, String>>,
    version: u64,
    pub machines: BTreeMap<String, Machine>,
}

/// A machine.
pub(crate) struct Machine {
    id: String,
    state: String,
    instance: u64,
    config: Value,
    updated_at: String,
    events: Vec<Value>,
    lease: Option<(String, i64)>,
    has_checks: bool,
    healthy: bool,
    fails_after_update: bool,
    /// The environment it booted with.
    environment: BTreeMap<String, String>,
    host_status: String,
}

fn refuse(status: u16, message: &str) -> Reply {
    Vendor::Fly.error(status, message)
}

impl Machine {
    pub(crate) fn new(id: &str, wanted: &Value) -> Self {
        let flag = |name: &str| wanted.get(name).and_then(Value::as_bool).unwrap_or(false);
        let text = |name: &str, default: &str| wanted.get(name).and_then(Value::as_str).unwrap_or(default).to_owned();
        let mut config = json!({
            "image": "registry.fly.io/molecule-cp:deployment-01",
            "env": { "PORT": "8080" },
            "guest": { "cpu_kind": "shared", "cpus": 1, "memory_mb": 512 },
            "metadata": { "fly_platform_version": "v2", "fly_process_group": "app", "fly_release_version": "7" },
        });
        if flag("checks") {
            config["checks"] = json!({ "health": { "type": "http", "port": 8080, "path": "/health" } });
        }
        let mut machine = Self {
            id: id.to_owned(),
            state: text("state", "started"),
            instance: 1,
            config,
            updated_at: clock::millis(),
            events: Vec::new(),
            lease: None,
            has_checks: flag("checks"),
            healthy: true,
            fails_after_update: flag("fails_after_update"),
            environment: BTreeMap::new(),
            host_status: text("host_status", "ok"),
        };
        machine.event("launch", "created");
        machine
    }

    fn event(&mut self, kind: &str, status: &str) {
        let id = format!("01J{:023}", self.events.len() + 1);
        self.events.insert(
            0,
            json!({ "id": id, "type": kind, "status": status, "source": "user", "timestamp": clock::epoch_millis() }),
        );
    }

    fn body(&self) -> Value {
        let mut body = json!({
            "id": self.id, "name": format!("machine-{}", self.id), "state": self.state, "region": "fra",
            "instance_id": format!("01H{:023}", self.instance), "private_ip": "fdaa::1", "created_at": self.updated_at,
            "updated_at": self.updated_at, "host_status": self.host_status, "events": self.events,
        });
        body[if self.host_status == "ok" {
            "config"
        } else {
            "incomplete_config"
        }] = self.config.clone();
        if self.has_checks {
            let status = if self.healthy { "passing" } else { "critical" };
            body["checks"] =
                json!([{ "name": "health", "status": status, "output": status, "updated_at": self.updated_at }]);
        }
        body
    }
}

impl App {
    pub(crate) fn new(id: String, organization: String) -> Self {
        Self {
            id,
            organization,
            secrets: BTreeMap::new(),
            history: BTreeMap::from([(1, BTreeMap::new())]),
            version: 1,
            machines: BTreeMap::new(),
        }
    }

    pub(crate) fn state(&self) -> Value {
        let secrets: BTreeMap<_, _> = self.secrets.iter().map(|(name, secret)| {
            (name, json!({ "value": secret.value, "digest": secret.digest, "updated_at": secret.updated_at, "version": secret.version }))
        }).collect();
        let machines: BTreeMap<_, _> = self.machines.iter().map(|(id, machine)| {
            (id, json!({ "state": machine.state, "env": machine.environment, "healthy": machine.healthy, "instance_id": machine.instance, "leased": machine.lease.is_some() }))
        }).collect();
        json!({ "secrets": secrets, "version": self.version, "machines": machines })
    }

    fn set(&mut self, name: &str, value: Option<&str>) {
        let now = clock::millis();
        match value {
            None => drop(self.secrets.remove(name)),
            Some(value) => {
                let mut hasher = DefaultHasher::new();
                (&self.id, name, value).hash(&mut hasher);
                let digest = format!("{:016x}", hasher.finish());
                let version = self.version;
                match self.secrets.get_mut(name) {
                    Some(known) if known.digest == digest => known.version = version,
                    Some(known) => {
                        *known = Secret {
                            value: value.to_owned(),
                            digest,
                            created_at: known.created_at.clone(),
                            updated_at: now,
                            version,
                        };
                    }
                    None => {
                        let secret = Secret {
                            value: value.to_owned(),
                            digest,
                            created_at: now.clone(),
                            updated_at: now,
                            version,
                        };
                        self.secrets.insert(name.to_owned(), secret);
                    }
                }
            }
        }
    }

    fn commit(&mut self) {
        let all = self
            .secrets
            .iter()
            .map(|(name, secret)| (name.clone(), secret.value.clone()))
            .collect();
        self.history.insert(self.version, all);
    }

    fn shown(&self, name: &str) -> Option<Value> {
        let secret = self.secrets.get(name)?;
        Some(
            json!({ "name": name, "digest": secret.digest, "created_at": secret.created_at, "updated_at": secret.updated_at }),
        )
    }
}

/// Answers a call below `/v1/apps/{name}`.
pub(super) fn answer(app: &mut App, name: &str, call: &Call, rest: &[&str]) -> Reply {
    match (call.method.as_str(), rest) {
        ("GET", []) => Reply::ok(
            json!({ "id": app.id, "name": name, "status": "deployed", "organization": { "name": app.organization, "slug": app.organization } }),
        ),
        ("GET", ["secrets"]) => {
            let all: Vec<Value> = app.secrets.keys().filter_map(|name| app.shown(name)).collect();
            Reply::ok(json!({ "secrets": all }))
        }
        ("GET", ["secrets", secret]) => app
            .shown(secret)
            .map_or_else(|| refuse(404, "secret not found"), Reply::ok),
        ("POST", ["secrets"]) => set_many(app, call),
        ("POST", ["secrets", secret]) => {
            let Some(value) = call.text("value") else {
                return refuse(400, "value is required");
            };
            app.version += 1;
            app.set(secret, Some(value));
            app.commit();
            let mut body = app.shown(secret).unwrap_or_default();
            body["version"] = json!(app.version);
            body["Version"] = json!(app.version);
            Reply::json(201, body)
        }
        ("DELETE", ["secrets", secret]) => {
            app.version += 1;
            app.set(secret, None);
            app.commit();
            Reply::ok(json!({ "version": app.version, "Version": app.version }))
        }
        ("GET", ["machines"]) => Reply::ok(Value::Array(app.machines.values().map(Machine::body).collect())),
        (_, ["machines", id, rest @ ..]) => in_machine(app, call, id, rest),
        _ => refuse(404, "not found"),
    }
}

fn set_many(app: &mut App, call: &Call) -> Reply {
    let Some(values) = call.body.get("values").and_then(Value::as_object) else {
        return refuse(400, "values is required");
    };
    if values.values().any(|value| !value.is_null() && !value.is_string()) {
        return refuse(400, "values must be strings or null");
    }
    app.version += 1;
    for (name, value) in values {
        app.set(name, value.as_str());
    }
    app.commit();
    let shown: Vec<Value> = values.keys().filter_map(|name| app.shown(name)).collect();
    Reply::ok(json!({ "secrets": shown, "version": app.version, "Version": app.version }))
}

fn in_machine(app: &mut App, call: &Call, id: &str, rest: &[&str]) -> Reply {
    let versions = app.history.clone();
    let current = app.version;
    let Some(machine) = app.machines.get_mut(id) else {
        return refuse(404, "machine not found");
    };
    let now = clock::epoch_millis() / 1000;
    if machine.lease.as_ref().is_some_and(|(_, until)| *until < now) {
        machine.lease = None;
    }
    let nonce = call.header("fly-machine-lease-nonce");
    let held_by_other = machine.lease.as_ref().is_some_and(|(known, _)| known != nonce);
    match (call.method.as_str(), rest) {
        ("GET", []) => Reply::ok(machine.body()),
        ("GET", ["events"]) => Reply::ok(json!(machine.events)),
        ("GET", ["lease"]) => match &machine.lease {
            Some((nonce, until)) => lease(nonce, *until),
            None => refuse(404, "no lease"),
        },
        ("POST", ["lease"]) => {
            if held_by_other {
                return refuse(409, "lease currently held by sandbox@example.com");
            }
            let ttl = call
                .number("ttl")
                .map(|ttl| ttl as u64)
                .or_else(|| call.body.get("ttl").and_then(Value::as_u64))
                .unwrap_or(30);
            let until = now + i64::try_from(ttl).unwrap_or(30);
            let nonce = machine
                .lease
                .as_ref()
                .map_or_else(|| format!("{:012x}", clock::epoch_millis()), |(nonce, _)| nonce.clone());
            machine.lease = Some((nonce.clone(), until));
            lease(&nonce, until)
        }
        ("DELETE", ["lease"]) if held_by_other => refuse(409, "nonce does not match the lease"),
        ("DELETE", ["lease"]) => {
            machine.lease = None;
            Reply::ok(json!({ "ok": true }))
        }
        ("POST", []) if held_by_other => refuse(409, "machine is leased by somebody else"),
        ("POST", []) => update(machine, call, &versions, current),
        ("POST", ["restart"]) => {
            machine.event("restart", "started");
            Reply::ok(json!({ "ok": true }))
        }
        ("GET", ["wait"]) => {
            let wanted = call.query.get("state").map_or("started", String::as_str);
            if machine.state == wanted {
                Reply::ok(json!({ "ok": true }))
            } else {
                refuse(408, "deadline_exceeded: machine did not reach the state")
            }
        }
        _ => refuse(404, "not found"),
    }
}

fn lease(nonce: &str, until: i64) -> Reply {
    Reply::ok(
        json!({ "status": "success", "data": { "nonce": nonce, "expires_at": until, "owner": "sandbox@example.com", "description": "", "version": "" } }),
    )
}

/// A machine takes its secrets at an update: those of `min_secrets_version`, or without one those that it knew before.
fn update(
    machine: &mut Machine,
    call: &Call,
    versions: &BTreeMap<u64, BTreeMap<String, String>>,
    current: u64,
) -> Reply {
    let Some(config) = call.body.get("config").filter(|config| config.is_object()) else {
        return refuse(400, "config is required");
    };
    if let Some(expected) = call.text("current_version")
        && expected != format!("01H{:023}", machine.instance)
    {
        return refuse(412, "machine version does not match");
    }
    machine.config = config.clone();
    machine.instance += 1;
    machine.updated_at = clock::millis();
    let wanted = call.body.get("min_secrets_version").and_then(Value::as_u64);
    if wanted.is_some_and(|wanted| wanted > current) {
        return refuse(400, "min_secrets_version is ahead of the app");
    }
    // Storage replicates late: without a version the machine may boot with what was there before.
    let version = wanted.map_or(current.saturating_sub(1), |_| current);
    if let Some((_, environment)) = versions.range(..=version).next_back() {
        machine.environment.clone_from(environment);
    }
    let skip = call.body.get("skip_launch").and_then(Value::as_bool).unwrap_or(false);
    if !skip {
        machine.state = "started".to_owned();
    }
    machine.event("update", "replaced");
    if !skip {
        machine.event("start", "started");
    }
    machine.healthy = !machine.fails_after_update;
    Reply::ok(machine.body())
}
