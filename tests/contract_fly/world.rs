//! What the small Fly holds: apps with secrets and machines, tokens, a log of calls; and what others do to it.

use std::collections::BTreeMap;

use rotation_provider::stop::Stop;
use serde_json::{Value, json};

/// What goes wrong with a call.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    /// Answered with this status, message and `retry-after: 0`.
    Status(u16, &'static str),
    /// The same without `retry-after`, which would make a limit of a 403.
    Refused(u16, &'static str),
    /// It is done, and answered with 200 and this body.
    Says(&'static str),
    /// The connection breaks before anything is done.
    LostBefore,
    /// It is done, and the connection breaks before the answer.
    LostAfter,
}

#[derive(Default)]
pub(crate) struct World {
    pub(crate) calls: Vec<String>,
    pub(crate) bodies: Vec<Value>,
    /// Part of `METHOD path`, and the fault of the next call that has it.
    pub(crate) faults: Vec<(String, Fault)>,
    pub(crate) apps: BTreeMap<String, App>,
    pub(crate) tokens: Vec<Value>,
    /// Empty lists and texts are `null`, as a service in Go writes slices and pointers that were never set.
    pub(crate) nulls: bool,
    /// The authorization headers that the Machines API and GraphQL accept.
    pub(crate) accepted: [String; 2],
    /// Set when a machine is updated.
    pub(crate) stop_at_update: Option<Stop>,
    /// At the next update somebody clones the first machine as the second, which starts with the values of that version.
    pub(crate) clone_at_update: Option<(String, String, u64)>,
    /// Every call after that one is lost: the process was killed. What it held is let go.
    pub(crate) kill: Option<Kill>,
    /// The clock of secrets and events, in milliseconds.
    pub(crate) time: i64,
    pub(crate) serial: u64,
}

/// When a process is killed.
pub(crate) struct Kill {
    pub(crate) call: String,
    /// How many such calls are let through.
    pub(crate) before: usize,
    /// Whether Fly still acts on the last one.
    pub(crate) acted: bool,
    pub(crate) over: bool,
}

#[derive(Default)]
pub(crate) struct App {
    pub(crate) secrets: BTreeMap<String, Value>,
    pub(crate) version: u64,
    pub(crate) machines: BTreeMap<String, Machine>,
    /// The values at each version. Storage replicates late: an update is served the oldest that satisfies it.
    pub(crate) history: BTreeMap<u64, BTreeMap<String, String>>,
}

impl App {
    pub(crate) fn values(&self, version: u64) -> BTreeMap<String, String> {
        self.history.get(&version).cloned().unwrap_or_default()
    }
}

pub(crate) struct Machine {
    pub(crate) description: Value,
    pub(crate) lease: Option<String>,
    /// Its health check fails after the next update.
    pub(crate) sick: bool,
    pub(crate) secrets_version: u64,
    /// The values that it booted with.
    pub(crate) environment: BTreeMap<String, String>,
    /// Updates leave its instance id alone.
    pub(crate) steady: bool,
    /// Its metadata is dropped whenever it is written.
    pub(crate) forgetful: bool,
}

impl Machine {
    pub(crate) fn forget(&mut self) {
        if self.forgetful {
            self.description["config"]["metadata"] = Value::Null;
        }
    }
}

impl World {
    pub(crate) fn now(&mut self) -> i64 {
        self.time += 1_000;
        self.time
    }

    pub(crate) fn serial(&mut self) -> String {
        self.serial += 1;
        self.serial.to_string()
    }

    /// Adds a machine that was launched now.
    pub(crate) fn machine(&mut self, app: &str, id: &str, state: &str, config: Value) {
        let launch = json!({ "type": "launch", "timestamp": self.now() });
        let description = json!({
            "id": id, "name": format!("name-{id}"), "state": state, "region": "fra", "host_status": "ok",
            "instance_id": format!("instance-{}", self.serial()), "config": config, "events": [launch],
            "checks": passing(&config),
        });
        let machine = Machine {
            description,
            lease: None,
            sick: false,
            secrets_version: 0,
            environment: BTreeMap::new(),
            steady: false,
            forgetful: false,
        };
        self.apps.get_mut(app).unwrap().machines.insert(id.to_owned(), machine);
    }

    /// What a deployment does some minutes later: every machine gets another instance, keeps its metadata, and runs the newest values.
    pub(crate) fn deploy(&mut self, app: &str) {
        self.time += 120_000;
        let newest = self.apps[app].version;
        for id in self.apps[app].machines.keys().cloned().collect::<Vec<_>>() {
            self.redeploy(app, &id, newest);
        }
    }

    /// Somebody's deployment updates one machine at once, which starts with the values of that version.
    pub(crate) fn redeploy(&mut self, app: &str, id: &str, version: u64) {
        let (now, serial) = (self.now(), self.serial());
        let app = self.apps.get_mut(app).unwrap();
        let values = app.values(version);
        let machine = app.machines.get_mut(id).unwrap();
        let event = json!({ "type": "update", "timestamp": now });
        machine.description["events"].as_array_mut().unwrap().insert(0, event);
        machine.description["instance_id"] = json!(format!("instance-{serial}"));
        machine.environment = values;
        machine.secrets_version = version;
    }

    /// `fly machine clone`: another machine with the same configuration, metadata included, and the values of that version.
    pub(crate) fn clone_machine(&mut self, app: &str, from: &str, id: &str, version: u64) {
        let config = self.apps[app].machines[from].description["config"].clone();
        self.machine(app, id, "started", config);
        let values = self.apps[app].values(version);
        let machine = self.apps.get_mut(app).unwrap().machines.get_mut(id).unwrap();
        machine.environment = values;
        machine.secrets_version = version;
    }

    /// A machine of `web`.
    pub(crate) fn of_web(&mut self, id: &str) -> &mut Machine {
        self.apps.get_mut("web").unwrap().machines.get_mut(id).unwrap()
    }

    /// How often a call whose text has all of `parts` was made.
    pub(crate) fn count(&self, parts: &[&str]) -> usize {
        self.calls
            .iter()
            .filter(|call| parts.iter().all(|part| call.contains(part)))
            .count()
    }

    /// A token as Fly lists it.
    pub(crate) fn token(&mut self, name: &str, expires_at: &str, revoked_at: Option<&str>) -> String {
        let id = format!("token-{}", self.serial());
        self.tokens.push(json!({
            "id": id, "name": name, "createdAt": "2026-01-01T00:00:00Z", "expiresAt": expires_at, "revokedAt": revoked_at,
        }));
        id
    }
}

fn passing(config: &Value) -> Value {
    match config["checks"].as_object() {
        Some(checks) => checks
            .keys()
            .map(|name| json!({ "name": name, "status": "passing" }))
            .collect(),
        None => json!([]),
    }
}
