//! Apps and their machines. Only an update makes a machine run new secrets; a restart does not. Secrets are replicated late: an
//! update is served the oldest version that satisfies it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::refuse;
use super::secrets::Secrets;
use crate::call::{Call, Reply};
use crate::clock;
use crate::fields::Fields;

/// An app.
#[derive(Clone)]
pub(crate) struct App {
    pub id: String,
    pub organization: String,
    secrets: Secrets,
    pub machines: BTreeMap<String, Machine>,
}

#[derive(Clone)]
struct Lease {
    nonce: String,
    /// Seconds since 1970.
    until: i64,
}

/// A machine.
#[derive(Clone)]
pub(crate) struct Machine {
    id: String,
    state: String,
    /// It is on its way to `state` until then, in milliseconds since 1970.
    arrives: i64,
    /// How long an update takes, in milliseconds.
    start_ms: i64,
    instance: String,
    config: Value,
    created_at: String,
    updated_at: String,
    events: Vec<Value>,
    lease: Option<Lease>,
    has_checks: bool,
    /// `passing`, `warning` or `critical`.
    health: String,
    health_after_update: String,
    /// What its process ends with as soon as it is started; 0: it goes on running.
    exit_code: i64,
    /// The app secrets that it booted with.
    environment: BTreeMap<String, String>,
    host_status: String,
}

/// What a seed changes about a machine, or about all machines of an app.
pub(super) struct Change {
    fails_after_update: Option<bool>,
    exit_code: Option<i64>,
    start_ms: Option<i64>,
    host_status: Option<String>,
    /// Seconds that somebody else holds a lease.
    leased_for: Option<i64>,
}

/// The states that a seed may put a machine into.
const STATES: [&str; 5] = ["created", "started", "stopped", "suspended", "destroyed"];

impl Change {
    /// Reads the changes among the fields of a seed, which may also have `others`.
    pub(super) fn read(wanted: &Value, path: &str, others: &[&str]) -> Result<Self, String> {
        let own = [
            "fails_after_update",
            "exit_code",
            "start_ms",
            "host_status",
            "leased_for",
        ];
        let fields = Fields::of(wanted, path, &[others, &own].concat())?;
        let status = fields.word("host_status", &["ok", "unknown", "unreachable"])?;
        Ok(Self {
            fails_after_update: fields.flag("fails_after_update")?,
            exit_code: fields.span("exit_code")?,
            start_ms: fields.span("start_ms")?,
            host_status: status.map(str::to_owned),
            leased_for: fields.span("leased_for")?,
        })
    }
}

impl Machine {
    pub(crate) fn new(id: &str, wanted: &Value, path: &str) -> Result<Self, String> {
        let change = Change::read(wanted, path, &["state", "checks"])?;
        let fields = Fields::any(wanted, path)?;
        let has_checks = fields.flag("checks")?.unwrap_or(false);
        let state = fields.word("state", &STATES)?.unwrap_or("started").to_owned();
        let mut config = json!({
            "image": "registry.fly.io/molecule-cp:deployment-01",
            "env": { "PORT": "8080" },
            "guest": { "cpu_kind": "shared", "cpus": 1, "memory_mb": 512 },
            "metadata": { "fly_platform_version": "v2", "fly_process_group": "app", "fly_release_version": "7" },
        });
        if has_checks {
            config["checks"] = json!({ "health": { "type": "http", "port": 8080, "path": "/health" } });
        }
        let mut machine = Self {
            id: id.to_owned(),
            state,
            arrives: 0,
            start_ms: 0,
            instance: clock::ulid(clock::epoch_millis(), 1),
            config,
            created_at: clock::millis(),
            updated_at: clock::millis(),
            events: Vec::new(),
            lease: None,
            has_checks,
            health: "passing".to_owned(),
            health_after_update: "passing".to_owned(),
            exit_code: 0,
            environment: BTreeMap::new(),
            host_status: "ok".to_owned(),
        };
        machine.change(&change);
        machine.event("launch", "created");
        Ok(machine)
    }

    pub(super) fn change(&mut self, wanted: &Change) {
        if let Some(fails) = wanted.fails_after_update {
            self.health_after_update = if fails { "critical" } else { "passing" }.to_owned();
        }
        self.exit_code = wanted.exit_code.unwrap_or(self.exit_code);
        self.start_ms = wanted.start_ms.unwrap_or(self.start_ms);
        if let Some(status) = &wanted.host_status {
            status.clone_into(&mut self.host_status);
        }
        if let Some(seconds) = wanted.leased_for {
            self.lease = Some(Lease {
                nonce: "somebody-else".to_owned(),
                until: clock::epoch_millis() / 1000 + seconds,
            });
        }
    }

    /// What the checks will say after the next update.
    pub(super) fn set_health_after_update(&mut self, health: &str) {
        health.clone_into(&mut self.health_after_update);
    }

    fn event(&mut self, kind: &str, status: &str) {
        let now = clock::epoch_millis();
        let id = clock::ulid(now, self.events.len() as u64 + 1);
        let event = json!({ "id": id, "type": kind, "status": status, "source": "user", "timestamp": now });
        self.events.insert(0, event);
    }

    /// Starts; a process that cannot live ends at once, and the machine stops.
    fn start(&mut self, verb: &str) {
        self.state = "started".to_owned();
        self.event(verb, "started");
        if self.exit_code != 0 {
            self.state = "stopped".to_owned();
            self.event("exit", "stopped");
            if let Some(event) = self.events.first_mut() {
                event["source"] = json!("flyd");
                event["request"] = json!({ "exit_event": { "exit_code": self.exit_code, "requested_stop": false } });
            }
        }
    }

    fn current_state(&self) -> &str {
        if clock::epoch_millis() < self.arrives {
            "starting"
        } else {
            &self.state
        }
    }

    pub(super) fn state(&self) -> Value {
        json!({
            "state": self.current_state(), "env": self.environment, "healthy": self.health == "passing",
            "instance_id": self.instance, "leased": self.lease.is_some(), "config": self.config,
        })
    }

    fn body(&self) -> Value {
        let mut body = json!({
            "id": self.id, "name": format!("machine-{}", self.id), "state": self.current_state(), "region": "fra",
            "instance_id": self.instance, "private_ip": "fdaa::1", "created_at": self.created_at,
            "updated_at": self.updated_at, "host_status": self.host_status, "events": self.events.iter().take(20).collect::<Vec<_>>(),
        });
        let config = if self.host_status == "ok" {
            "config"
        } else {
            "incomplete_config"
        };
        body[config] = self.config.clone();
        if self.has_checks {
            let check = json!({ "name": "health", "status": self.health, "output": self.health, "updated_at": self.updated_at });
            body["checks"] = json!([check]);
        }
        body
    }

    /// As the organization's list shows it.
    pub(super) fn overview(&self, app: &str) -> Value {
        let mut body = self.body();
        if let Some(fields) = body.as_object_mut() {
            let known = [
                "id",
                "name",
                "state",
                "region",
                "instance_id",
                "private_ip",
                "created_at",
                "updated_at",
            ];
            fields.retain(|name, _| known.contains(&name.as_str()));
            fields.insert("app_name".to_owned(), json!(app));
            fields.insert("version".to_owned(), json!(self.instance));
        }
        body
    }
}

impl App {
    pub(crate) fn new(id: String, organization: String) -> Self {
        Self {
            secrets: Secrets::new(&id),
            id,
            organization,
            machines: BTreeMap::new(),
        }
    }

    /// Makes it so long ago, in milliseconds, that the app's secrets were written.
    pub(super) fn age_secrets(&mut self, by: i64) {
        self.secrets.age(by);
    }

    pub(crate) fn state(&self) -> Value {
        let machines: BTreeMap<_, _> = self
            .machines
            .iter()
            .map(|(id, machine)| (id, machine.state()))
            .collect();
        json!({ "secrets": self.secrets.state(), "version": self.secrets.version(), "machines": machines })
    }

    /// Answers a call below `/v1/apps/{name}`.
    pub(super) fn answer(&mut self, name: &str, call: &Call, rest: &[&str], lag: i64) -> Reply {
        match (call.method.as_str(), rest) {
            ("GET", []) => Reply::ok(self.body(name)),
            (_, ["secrets", rest @ ..]) => self.secrets.answer(call, rest, lag),
            ("GET", ["machines"]) => Reply::ok(self.machines.values().map(Machine::body).collect()),
            (_, ["machines", id, rest @ ..]) => match self.machines.get_mut(*id) {
                Some(machine) => in_machine(machine, &self.secrets, call, rest),
                None => refuse(404, "machine not found"),
            },
            _ => refuse(404, "not found"),
        }
    }

    pub(super) fn body(&self, name: &str) -> Value {
        json!({
            "id": self.id, "name": name, "status": "deployed", "machine_count": self.machines.len(), "network": "default",
            "organization": { "name": self.organization, "slug": self.organization },
        })
    }
}

fn in_machine(machine: &mut Machine, secrets: &Secrets, call: &Call, rest: &[&str]) -> Reply {
    let now = clock::epoch_millis() / 1000;
    if machine.lease.as_ref().is_some_and(|lease| lease.until < now) {
        machine.lease = None;
    }
    let nonce = call.header("fly-machine-lease-nonce");
    let held_by_other = machine.lease.as_ref().is_some_and(|lease| lease.nonce != nonce);
    match (call.method.as_str(), rest) {
        ("GET", []) => Reply::ok(machine.body()),
        ("GET", ["events"]) => {
            let limit = call.number("limit").unwrap_or(20).min(50);
            Reply::ok(machine.events.iter().take(limit).cloned().collect())
        }
        ("GET", ["wait"]) => wait(machine, call),
        ("GET", ["metadata"]) => Reply::ok(machine.config.get("metadata").cloned().unwrap_or(json!({}))),
        ("PUT", ["metadata"]) if held_by_other => refuse(409, "machine is leased by somebody else"),
        ("PUT", ["metadata"]) => set_metadata(machine, call),
        ("GET", ["lease"]) => machine
            .lease
            .as_ref()
            .map_or_else(|| refuse(404, "no lease"), |lease| lease_body(200, lease)),
        ("POST", ["lease"]) if held_by_other => refuse(409, "lease currently held by sandbox@example.com"),
        ("POST", ["lease"]) => take_lease(machine, call, now),
        ("DELETE", ["lease"]) if held_by_other => refuse(409, "nonce does not match the lease"),
        ("DELETE", ["lease"]) => {
            machine.lease = None;
            Reply::ok(json!({ "ok": true }))
        }
        ("POST", _) if held_by_other => refuse(409, "machine is leased by somebody else"),
        ("POST", []) => update(machine, call, secrets),
        ("POST", ["stop"]) => {
            machine.state = "stopped".to_owned();
            machine.event("stop", "stopped");
            Reply::ok(json!({ "ok": true }))
        }
        ("POST", [verb @ ("restart" | "start")]) => {
            machine.start(verb);
            Reply::ok(json!({ "ok": true }))
        }
        _ => refuse(404, "not found"),
    }
}

fn take_lease(machine: &mut Machine, call: &Call, now: i64) -> Reply {
    let in_body = call.body.get("ttl").and_then(Value::as_i64);
    let in_query = call.number("ttl").and_then(|ttl| i64::try_from(ttl).ok());
    let until = now + in_query.or(in_body).unwrap_or(30).max(1);
    let known = machine.lease.take().map(|lease| lease.nonce);
    let lease = Lease {
        nonce: known.unwrap_or_else(|| clock::ulid(clock::epoch_millis(), machine.events.len() as u64).to_lowercase()),
        until,
    };
    let reply = lease_body(201, &lease);
    machine.lease = Some(lease);
    reply
}

fn lease_body(status: u16, lease: &Lease) -> Reply {
    let data = json!({
        "nonce": lease.nonce, "expires_at": lease.until, "owner": "sandbox@example.com", "description": "", "version": "",
    });
    Reply::json(status, json!({ "status": "success", "data": data }))
}

/// Holds the call until the machine is in the wanted state, for a minute at most.
fn wait(machine: &Machine, call: &Call) -> Reply {
    let wanted = call.query.get("state").map_or("started", String::as_str);
    let version = call.query.get("version").or_else(|| call.query.get("instance_id"));
    let there = version.is_none_or(|version| *version == machine.instance);
    if there && machine.current_state() == wanted {
        return Reply::ok(json!({ "ok": true, "state": wanted, "version": machine.instance }));
    }
    let seconds = call.number("timeout").unwrap_or(60).min(60);
    let limit = i64::try_from(seconds).unwrap_or(60) * 1000;
    refuse(408, "deadline_exceeded: machine did not reach the state in time").waiting(limit)
}

/// Changes metadata without an update: the machine keeps its instance and its secrets. Null and empty values remove keys.
fn set_metadata(machine: &mut Machine, call: &Call) -> Reply {
    if call
        .text("machine_version")
        .is_some_and(|known| known != machine.instance)
    {
        return refuse(412, "machine version does not match");
    }
    let Some(wanted) = call.body.get("metadata").and_then(Value::as_object) else {
        return refuse(400, "metadata is required");
    };
    let mut metadata = machine.config.get("metadata").and_then(Value::as_object).cloned();
    let known = metadata.get_or_insert_default();
    for (name, value) in wanted {
        match value.as_str().filter(|text| !text.is_empty()) {
            Some(text) => known.insert(name.clone(), json!(text)),
            None => known.remove(name),
        };
    }
    machine.config["metadata"] = json!(metadata);
    Reply::empty(204)
}

/// A machine takes its secrets at an update: those of `min_secrets_version` and no newer ones, or without it older ones.
fn update(machine: &mut Machine, call: &Call, secrets: &Secrets) -> Reply {
    let Some(config) = call.body.get("config").filter(|config| config.is_object()) else {
        return refuse(400, "config is required");
    };
    if config.get("image").and_then(Value::as_str).is_none() {
        return refuse(
            400,
            "config.image is required: an update replaces the whole configuration",
        );
    }
    if call
        .text("current_version")
        .is_some_and(|known| known != machine.instance)
    {
        return refuse(412, "machine version does not match");
    }
    if call.text("region").is_some_and(|region| region != "fra") {
        return refuse(400, "the region of a machine cannot be changed");
    }
    let wanted = call.body.get("min_secrets_version").and_then(Value::as_u64);
    if wanted.is_some_and(|wanted| wanted > secrets.version()) {
        return refuse(400, "min_secrets_version is ahead of the app");
    }
    if machine.host_status != "ok" {
        return refuse(503, "the host of this machine cannot be reached");
    }
    let flag = |name: &str| call.body.get(name).and_then(Value::as_bool).unwrap_or(false);
    machine.config = config.clone();
    machine.instance = clock::ulid(clock::epoch_millis(), machine.events.len() as u64 + 2);
    machine.updated_at = clock::millis();
    // Storage replicates late: the machine may boot with the oldest that it was promised, and here it does.
    let version = wanted.unwrap_or_else(|| secrets.version().saturating_sub(1));
    if flag("skip_secrets") {
        machine.environment.clear();
    } else {
        machine.environment = secrets.environment(version);
    }
    machine.event("update", "replaced");
    if !flag("skip_launch") {
        machine.start("start");
        machine.arrives = clock::epoch_millis() + machine.start_ms;
    }
    machine.health.clone_from(&machine.health_after_update);
    Reply::ok(machine.body())
}
