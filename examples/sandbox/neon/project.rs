//! A project and its branches: roles whose passwords are reset by operations that take a while.
//!
//! While an operation runs every other change is refused with 423. An operation finishes when it has been looked at a
//! few times, or by itself after two seconds; only then does a new password work.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{PERSON, random_text, refuse};
use crate::call::{Call, Reply};
use crate::clock;
use crate::fields::{self, Fields};

/// After so many milliseconds an operation has finished even if nobody looked.
const PATIENCE: i64 = 2_000;

#[derive(Clone)]
struct Role {
    password: String,
    /// Becomes the password when the operation has finished.
    coming: Option<String>,
    created_at: String,
    updated_at: String,
}

impl Role {
    fn new() -> Self {
        Self {
            password: random_text(),
            coming: None,
            created_at: clock::seconds(),
            updated_at: clock::seconds(),
        }
    }

    /// What the console knows: the password that was set last, in force or not.
    fn known(&self) -> &str {
        self.coming.as_ref().unwrap_or(&self.password)
    }
}

#[derive(Clone)]
struct Operation {
    id: String,
    branch: String,
    begun: i64,
    looks: u64,
    finished: bool,
    created_at: String,
    updated_at: String,
}

/// A branch with its only endpoint.
#[derive(Clone)]
struct Branch {
    endpoint: String,
    databases: BTreeMap<String, String>,
    roles: BTreeMap<String, Role>,
    created_at: String,
}

impl Branch {
    fn new(endpoint: &str) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            databases: BTreeMap::from([("neondb".to_owned(), "app".to_owned())]),
            roles: BTreeMap::from([("app".to_owned(), Role::new()), ("app_b".to_owned(), Role::new())]),
            created_at: clock::seconds(),
        }
    }

    fn state(&self) -> Value {
        let roles = self.roles.iter().map(|(name, role)| {
            let state = json!({ "password": role.password, "coming": role.coming, "updated_at": role.updated_at });
            (name, state)
        });
        json!({ "endpoint": self.endpoint, "roles": roles.collect::<BTreeMap<_, _>>() })
    }
}

/// A project.
#[derive(Clone)]
pub(super) struct Project {
    store_passwords: bool,
    /// The id of the branch that cannot be deleted.
    default: String,
    branches: BTreeMap<String, Branch>,
    operations: Vec<Operation>,
    /// How often an operation must be looked at until it has finished.
    pub polls: u64,
    created_at: String,
}

impl Project {
    pub(super) fn new(branch: &str, endpoint: &str, store_passwords: bool) -> Self {
        Self {
            store_passwords,
            default: branch.to_owned(),
            branches: BTreeMap::from([(branch.to_owned(), Branch::new(endpoint))]),
            operations: Vec::new(),
            polls: 2,
            created_at: clock::seconds(),
        }
    }

    pub(super) fn seed(&mut self, wanted: &Value, path: &str) -> Result<(), String> {
        let fields = Fields::of(wanted, path, &["store_passwords", "roles", "password", "branches"])?;
        self.store_passwords = fields.flag("store_passwords")?.unwrap_or(self.store_passwords);
        for (id, path, wanted) in fields.names("branches")? {
            if !wanted.is_null() {
                Fields::of(wanted, &path, &[])?;
                let number = self.branches.len();
                let branch = self.branches.entry(id.to_owned());
                branch.or_insert_with(|| Branch::new(&format!("ep-branch-{number}")));
            } else if id == self.default {
                return Err(format!("{path}: the default branch cannot be deleted"));
            } else {
                self.branches.remove(id);
            }
        }
        let Some(branch) = self.branches.get_mut(&self.default) else {
            return Ok(());
        };
        for name in fields.texts("roles")?.into_iter().flatten() {
            branch.roles.entry(name.to_owned()).or_insert_with(Role::new);
        }
        // As a person would in the console.
        for (name, path, password) in fields.names("password")? {
            let role = branch.roles.get_mut(name);
            let role = role.ok_or_else(|| format!("{path}: this role does not exist"))?;
            fields::text(&path, password)?.clone_into(&mut role.password);
            role.coming = None;
            role.updated_at = later_than(&role.updated_at);
        }
        Ok(())
    }

    pub(super) fn state(&self) -> Value {
        let branches: BTreeMap<_, _> = self.branches.iter().map(|(id, branch)| (id, branch.state())).collect();
        let default = self.branches.get(&self.default).map(Branch::state).unwrap_or_default();
        let running = self.operations.iter().filter(|operation| !operation.finished);
        json!({
            "branch": self.default, "endpoint": default["endpoint"], "roles": default["roles"], "branches": branches,
            "store_passwords": self.store_passwords, "operations": self.operations.len(), "running": running.count(),
        })
    }

    /// Answers a call below `/projects/{id}`.
    pub(super) fn answer(&mut self, id: &str, call: &Call, rest: &[&str], serial: i64) -> Reply {
        self.let_time_pass();
        match (call.method.as_str(), rest) {
            ("GET", []) => Reply::ok(json!({ "project": self.body(id) })),
            ("GET", ["operations"]) => self.list_operations(id, call),
            ("GET", ["operations", operation]) => self.look(id, operation),
            ("GET", ["connection_uri"]) => self.connection_uri(call),
            ("GET", ["endpoints"]) => {
                let all: Vec<Value> = self.branches.iter().map(|branch| endpoint(id, branch)).collect();
                Reply::ok(json!({ "endpoints": all }))
            }
            ("GET", ["branches"]) => self.list_branches(id, call),
            (_, ["branches", known, rest @ ..]) => self.in_branch(id, known, call, rest, serial),
            _ => refuse(404, "not found"),
        }
    }

    /// A page of branches; the cursor is the last one shown.
    fn list_branches(&self, id: &str, call: &Call) -> Reply {
        let size = call.number("limit").unwrap_or(10_000).clamp(1, 10_000);
        let after = call.query.get("cursor").map_or("", String::as_str);
        let mut rest = self.branches.iter().filter(|(id, _)| id.as_str() > after).peekable();
        let shown: Vec<(&String, &Branch)> = rest.by_ref().take(size).collect();
        let next = shown
            .last()
            .filter(|_| rest.peek().is_some())
            .map(|(id, _)| (*id).clone());
        let pagination = next.map_or_else(|| json!({}), |next| json!({ "next": next }));
        let bodies: Vec<Value> = shown.into_iter().map(|branch| self.branch(id, branch)).collect();
        Reply::ok(json!({ "branches": bodies, "annotations": {}, "pagination": pagination }))
    }

    fn in_branch(&mut self, id: &str, known: &str, call: &Call, rest: &[&str], serial: i64) -> Reply {
        let Some((key, branch)) = self.branches.get_key_value(known) else {
            return refuse(404, "branch not found");
        };
        let annotation = json!({ "object": { "type": "console/branch", "id": known }, "value": {} });
        match (call.method.as_str(), rest) {
            ("GET", []) => Reply::ok(json!({ "branch": self.branch(id, (key, branch)), "annotation": annotation })),
            ("GET", ["endpoints"]) => Reply::ok(json!({ "endpoints": [endpoint(id, (key, branch))] })),
            ("GET", ["databases"]) => Reply::ok(json!({ "databases": databases(key, branch) })),
            ("GET", ["roles"]) => {
                let roles: Vec<Value> = branch.roles.iter().map(|named| role_body(known, named)).collect();
                Reply::ok(json!({ "roles": roles }))
            }
            ("POST", ["roles"]) => self.add_role(id, known, call, serial),
            (method, ["roles", name, rest @ ..]) => {
                let Some(named @ (_, role)) = branch.roles.get_key_value(*name) else {
                    // Deleting what is gone is no error here.
                    return if method == "DELETE" && rest.is_empty() {
                        Reply::empty(204)
                    } else {
                        refuse(404, "role not found")
                    };
                };
                match (method, rest) {
                    ("GET", []) => Reply::ok(json!({ "role": role_body(known, named) })),
                    ("GET", ["reveal_password"]) if !self.store_passwords => {
                        refuse(412, "passwords are not stored for this project")
                    }
                    ("GET", ["reveal_password"]) => Reply::ok(json!({ "password": role.known() })),
                    ("POST", ["reset_password"]) => self.reset(id, known, name, serial),
                    ("DELETE", []) => self.remove_role(id, known, name, serial),
                    _ => refuse(404, "not found"),
                }
            }
            _ => refuse(404, "not found"),
        }
    }

    /// 423 while an operation runs; to knock counts as looking.
    fn locked(&mut self) -> Option<Reply> {
        for operation in self.operations.iter_mut().filter(|operation| !operation.finished) {
            operation.looks += 1;
        }
        let running = self.operations.iter().any(|operation| !operation.finished);
        self.let_time_pass();
        let message = "project already has running conflicting operations, scheduling of new ones is prohibited";
        running.then(|| refuse(423, message))
    }

    fn let_time_pass(&mut self) {
        let now = clock::epoch_millis();
        for operation in &mut self.operations {
            if !operation.finished && (operation.looks >= self.polls || now - operation.begun >= PATIENCE) {
                operation.finished = true;
                operation.updated_at = clock::seconds();
            }
        }
        if self.operations.iter().all(|operation| operation.finished) {
            let roles = self.branches.values_mut().flat_map(|branch| branch.roles.values_mut());
            for role in roles {
                if let Some(password) = role.coming.take() {
                    role.password = password;
                }
            }
        }
    }

    fn begin(&mut self, id: &str, branch: &str, serial: i64) -> Value {
        let operation = Operation {
            branch: branch.to_owned(),
            id: format!("00000000-0000-4000-8000-{serial:012}"),
            begun: clock::epoch_millis(),
            looks: 0,
            finished: false,
            created_at: clock::seconds(),
            updated_at: clock::seconds(),
        };
        let body = operation.body(id);
        self.operations.push(operation);
        body
    }

    /// A page of operations, newest first; the cursor is the last one shown.
    fn list_operations(&self, id: &str, call: &Call) -> Reply {
        let size = call.number("limit").unwrap_or(100).clamp(1, 1_000);
        let after = call.query.get("cursor").filter(|cursor| !cursor.is_empty());
        let newest = self.operations.iter().rev();
        let rest = newest.skip_while(|operation| after.is_some_and(|after| operation.id >= *after));
        let shown: Vec<&Operation> = rest.take(size).collect();
        let bodies: Vec<Value> = shown.iter().map(|operation| operation.body(id)).collect();
        let cursor = shown.last().map_or("", |operation| operation.id.as_str());
        Reply::ok(json!({ "operations": bodies, "pagination": { "cursor": cursor } }))
    }

    fn look(&mut self, id: &str, wanted: &str) -> Reply {
        let Some(operation) = self.operations.iter_mut().find(|operation| operation.id == wanted) else {
            return refuse(404, "operation not found");
        };
        operation.looks += 1;
        self.let_time_pass();
        let found = self.operations.iter().find(|operation| operation.id == wanted);
        found.map_or_else(
            || refuse(404, "operation not found"),
            |operation| Reply::ok(json!({ "operation": operation.body(id) })),
        )
    }

    fn reset(&mut self, id: &str, branch: &str, name: &str, serial: i64) -> Reply {
        if let Some(locked) = self.locked() {
            return locked;
        }
        let roles = self.branches.get_mut(branch).map(|branch| &mut branch.roles);
        let Some(role) = roles.and_then(|roles| roles.get_mut(name)) else {
            return refuse(404, "role not found");
        };
        let password = random_text();
        role.coming = Some(password.clone());
        // Whole seconds, and never the same twice.
        role.updated_at = later_than(&role.updated_at);
        let mut body = role_body(branch, (&name.to_owned(), role));
        body["password"] = json!(password);
        let operation = self.begin(id, branch, serial);
        Reply::ok(json!({ "role": body, "operations": [operation] }))
    }

    fn add_role(&mut self, id: &str, branch: &str, call: &Call, serial: i64) -> Reply {
        let name = call
            .body
            .pointer("/role/name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if name.is_empty() || name.len() > 63 {
            return refuse(400, "role.name must have 1 to 63 bytes");
        }
        let taken = self
            .branches
            .get(branch)
            .is_some_and(|known| known.roles.contains_key(name));
        if taken {
            return refuse(409, "role already exists");
        }
        if let Some(locked) = self.locked() {
            return locked;
        }
        let Some(known) = self.branches.get_mut(branch) else {
            return refuse(404, "branch not found");
        };
        let mut role = Role::new();
        let password = std::mem::take(&mut role.password);
        role.coming = Some(password.clone());
        let mut body = role_body(branch, (&name.to_owned(), &role));
        body["password"] = json!(password);
        known.roles.insert(name.to_owned(), role);
        let operation = self.begin(id, branch, serial);
        Reply::json(201, json!({ "role": body, "operations": [operation] }))
    }

    fn remove_role(&mut self, id: &str, branch: &str, name: &str, serial: i64) -> Reply {
        let owns = |known: &Branch| known.databases.values().any(|owner| owner == name);
        if self.branches.get(branch).is_some_and(owns) {
            return refuse(422, "role owns databases and cannot be deleted");
        }
        if let Some(locked) = self.locked() {
            return locked;
        }
        let known = self.branches.get_mut(branch);
        let removed = known.and_then(|known| known.roles.remove_entry(name));
        let Some((name, role)) = removed else {
            return refuse(404, "role not found");
        };
        let body = role_body(branch, (&name, &role));
        let operation = self.begin(id, branch, serial);
        Reply::ok(json!({ "role": body, "operations": [operation] }))
    }

    fn connection_uri(&self, call: &Call) -> Reply {
        let text = |name: &str| call.query.get(name).map(String::as_str);
        let (Some(database), Some(name)) = (text("database_name"), text("role_name")) else {
            return refuse(400, "database_name and role_name are required");
        };
        let Some(branch) = self.branches.get(text("branch_id").unwrap_or(&self.default)) else {
            return refuse(404, "branch not found");
        };
        if text("endpoint_id").is_some_and(|endpoint| endpoint != branch.endpoint) {
            return refuse(404, "endpoint not found");
        }
        if !branch.databases.contains_key(database) {
            return refuse(404, "database not found");
        }
        let Some(role) = branch.roles.get(name) else {
            return refuse(404, "role not found");
        };
        if !self.store_passwords {
            return refuse(412, "passwords are not stored for this project");
        }
        let host = host(branch, text("pooled") == Some("true"));
        let uri = format!("postgresql://{name}:{}@{host}/{database}?sslmode=require", role.known());
        Reply::ok(json!({ "uri": uri }))
    }

    fn branch(&self, id: &str, (branch_id, branch): (&String, &Branch)) -> Value {
        let (default, at) = (*branch_id == self.default, &branch.created_at);
        json!({
            "id": branch_id, "project_id": id, "name": if default { "main" } else { branch_id }, "current_state": "ready",
            "state_changed_at": at, "creation_source": "console", "created_at": at, "updated_at": at, "default": default,
            "protected": false, "cpu_used_sec": 0, "active_time_seconds": 0, "compute_time_seconds": 0,
            "written_data_bytes": 0, "data_transfer_bytes": 0,
        })
    }

    /// As a list of projects shows it.
    pub(super) fn summary(&self, id: &str) -> Value {
        json!({
            "id": id, "name": id, "platform_id": "aws", "region_id": REGION, "pg_version": 17, "proxy_host": PROXY,
            "branch_logical_size_limit": 0, "branch_logical_size_limit_bytes": 0, "provisioner": "k8s-neonvm",
            "store_passwords": self.store_passwords, "active_time": 0, "cpu_used_sec": 0, "creation_source": "console",
            "created_at": self.created_at, "updated_at": self.created_at, "owner_id": PERSON,
        })
    }

    fn body(&self, id: &str) -> Value {
        let mut body = self.summary(id);
        if let Some(fields) = body.as_object_mut() {
            fields.remove("active_time");
            for counter in [
                "active_time_seconds",
                "compute_time_seconds",
                "written_data_bytes",
                "data_transfer_bytes",
                "data_storage_bytes_hour",
            ] {
                fields.insert(counter.to_owned(), json!(0));
            }
            fields.insert("history_retention_seconds".to_owned(), json!(86_400));
            fields.insert("consumption_period_start".to_owned(), json!(self.created_at));
            fields.insert("consumption_period_end".to_owned(), json!(self.created_at));
        }
        body
    }
}

fn host(branch: &Branch, pooled: bool) -> String {
    let pooler = if pooled { "-pooler" } else { "" };
    format!("{}{pooler}.{PROXY}", branch.endpoint)
}

fn role_body(branch: &str, (name, role): (&String, &Role)) -> Value {
    json!({
        "branch_id": branch, "name": name, "protected": false, "authentication_method": "password",
        "created_at": role.created_at, "updated_at": role.updated_at,
    })
}

fn databases(id: &str, branch: &Branch) -> Vec<Value> {
    let all = branch.databases.iter().enumerate().map(|(at, (name, owner))| {
        json!({
            "id": at + 1, "branch_id": id, "name": name, "owner_name": owner,
            "created_at": branch.created_at, "updated_at": branch.created_at,
        })
    });
    all.collect()
}

fn endpoint(id: &str, (branch_id, branch): (&String, &Branch)) -> Value {
    let at = &branch.created_at;
    json!({
        "id": branch.endpoint, "host": host(branch, false), "project_id": id, "branch_id": branch_id, "region_id": REGION,
        "type": "read_write", "current_state": "active", "autoscaling_limit_min_cu": 0.25, "autoscaling_limit_max_cu": 1,
        "pooler_enabled": false, "pooler_mode": "transaction", "disabled": false, "passwordless_access": true,
        "creation_source": "console", "created_at": at, "updated_at": at, "settings": {},
        "proxy_host": PROXY, "suspend_timeout_seconds": 0, "provisioner": "k8s-neonvm",
    })
}

const REGION: &str = "aws-eu-central-1";
const PROXY: &str = "eu-central-1.aws.neon.tech";

impl Operation {
    fn body(&self, project: &str) -> Value {
        json!({
            "id": self.id, "project_id": project, "branch_id": self.branch, "action": "apply_config", "failures_count": 0,
            "status": if self.finished { "finished" } else { "running" },
            "created_at": self.created_at, "updated_at": self.updated_at, "total_duration_ms": 100,
        })
    }
}

fn later_than(instant: &str) -> String {
    let now = clock::seconds();
    if now.as_str() > instant {
        return now;
    }
    let at: Option<jiff::Timestamp> = instant.parse().ok();
    at.and_then(|at| jiff::Timestamp::from_second(at.as_second() + 1).ok())
        .map_or(now, |at| at.to_string())
}
