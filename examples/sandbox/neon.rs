//! Neon's API v2: keys, projects, branches, roles whose passwords are reset by operations that take a while.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::call::{Call, Reply, Vendor};
use crate::clock;

/// The personal key that the sandbox is used with.
pub(crate) const KEY: &str = "napi_sandbox_personal_0000000000000001";

/// How often an operation must be looked at until it has finished.
const POLLS: u32 = 2;

struct Key {
    id: i64,
    name: String,
    value: String,
    /// `personal`, `organization:<id>`, or `organization:<id>` with a project.
    owner: String,
    project: Option<String>,
    created_at: String,
    last_used_at: Option<String>,
    revoked: bool,
    listed_from: i64,
}

struct Role {
    password: String,
    /// Becomes the password when the operation has finished.
    coming: Option<String>,
    updated_at: String,
}

struct Operation {
    id: String,
    polls: u32,
    role: String,
}

struct Project {
    store_passwords: bool,
    branch: String,
    endpoint: String,
    databases: BTreeMap<String, String>,
    roles: BTreeMap<String, Role>,
    operations: Vec<Operation>,
}

/// Neon.
pub(crate) struct Neon {
    keys: Vec<Key>,
    projects: BTreeMap<String, Project>,
    serial: i64,
}

const ORGANIZATION: &str = "org-quiet-sea-12345678";

fn refuse(status: u16, message: &str) -> Reply {
    Vendor::Neon.error(status, message)
}

impl Neon {
    pub(crate) fn seeded() -> Self {
        let mut neon = Self {
            keys: Vec::new(),
            projects: BTreeMap::new(),
            serial: 1_000,
        };
        let id = neon.serial();
        neon.keys.push(Key {
            id,
            name: "sandbox".to_owned(),
            value: KEY.to_owned(),
            owner: "personal".to_owned(),
            project: None,
            created_at: clock::seconds(),
            last_used_at: None,
            revoked: false,
            listed_from: 0,
        });
        neon.projects.insert(
            "quiet-river-12345678".to_owned(),
            Project::new("br-main-123456", "ep-cool-dawn-123456", true),
        );
        neon.projects.insert(
            "silent-lake-87654321".to_owned(),
            Project::new("br-main-654321", "ep-dark-dusk-654321", false),
        );
        neon
    }

    fn serial(&mut self) -> i64 {
        self.serial += 1;
        self.serial
    }

    pub(crate) fn state(&self) -> Value {
        let keys: Vec<Value> = self
            .keys
            .iter()
            .map(|key| json!({ "id": key.id, "name": key.name, "value": key.value, "owner": key.owner, "project_id": key.project, "revoked": key.revoked }))
            .collect();
        let projects: BTreeMap<_, _> = self
            .projects
            .iter()
            .map(|(id, project)| {
                let roles: BTreeMap<_, _> = project
                    .roles
                    .iter()
                    .map(|(name, role)| {
                        (
                            name,
                            json!({ "password": role.password, "updated_at": role.updated_at }),
                        )
                    })
                    .collect();
                (
                    id,
                    json!({ "branch": project.branch, "roles": roles, "operations": project.operations.len() }),
                )
            })
            .collect();
        json!({ "api_keys": keys, "projects": projects })
    }

    pub(crate) fn answer(&mut self, call: &Call, lag: i64) -> Reply {
        let presented = call.bearer();
        let Some(key) = self.keys.iter_mut().find(|key| !key.revoked && key.value == presented) else {
            return refuse(401, "authorization failed: this API key is not valid");
        };
        key.last_used_at = Some(clock::seconds());
        let personal = key.owner == "personal";
        let (method, segments) = call.route();
        let owner = |organization: &str| format!("organization:{organization}");
        match (method, segments.get(2..).unwrap_or_default()) {
            ("GET", ["users", "me"]) => Reply::ok(
                json!({ "id": "user-1", "email": "sandbox@example.com", "login": "sandbox", "name": "Sandbox" }),
            ),
            ("GET", ["api_keys"]) => self.list("personal"),
            ("POST", ["api_keys"]) => self.create("personal", call, lag),
            ("DELETE", ["api_keys", id]) => self.revoke("personal", id),
            (_, ["organizations", id, ..]) if *id != ORGANIZATION => refuse(404, "organization not found"),
            (_, ["organizations", _, "api_keys", ..]) if !personal => {
                refuse(403, "organization API keys are managed with a personal key")
            }
            ("GET", ["organizations", id, "api_keys"]) => self.list(&owner(id)),
            ("POST", ["organizations", id, "api_keys"]) => self.create(&owner(id), call, lag),
            ("DELETE", ["organizations", id, "api_keys", key]) => self.revoke(&owner(id), key),
            (_, ["projects", id, rest @ ..]) => match self.projects.get_mut(*id) {
                Some(project) => {
                    let serial = self.serial;
                    self.serial += 1;
                    in_project(project, id, call, rest, serial)
                }
                None => refuse(404, "project not found"),
            },
            _ => refuse(404, "not found"),
        }
    }

    fn list(&self, owner: &str) -> Reply {
        let now = clock::epoch_millis();
        let keys: Vec<Value> = self
            .keys
            .iter()
            .filter(|key| key.owner == owner && !key.revoked && key.listed_from <= now)
            .map(|key| {
                let mut body = json!({
                    "id": key.id, "name": key.name, "created_at": key.created_at, "last_used_at": key.last_used_at,
                    "created_by": { "id": "user-1", "name": "Sandbox", "image": "" }, "last_used_from_addr": "127.0.0.1",
                });
                if let Some(project) = &key.project {
                    body["project_id"] = json!(project);
                }
                body
            })
            .collect();
        Reply::ok(json!(keys))
    }

    fn create(&mut self, owner: &str, call: &Call, lag: i64) -> Reply {
        let name = call.text("key_name").unwrap_or_default().to_owned();
        if name.is_empty() || name.chars().count() > 64 {
            return refuse(400, "key_name must have 1 to 64 characters");
        }
        let project = call.text("project_id").map(str::to_owned);
        if project
            .as_ref()
            .is_some_and(|project| !self.projects.contains_key(project))
        {
            return refuse(404, "project not found");
        }
        let id = self.serial();
        let key = Key {
            id,
            name,
            value: format!("napi_{}{}", random_text(), id),
            owner: owner.to_owned(),
            project,
            created_at: clock::seconds(),
            last_used_at: None,
            revoked: false,
            listed_from: clock::epoch_millis() + lag,
        };
        let mut body = json!({ "id": key.id, "key": key.value, "name": key.name, "created_at": key.created_at, "created_by": "user-1" });
        if let Some(project) = &key.project {
            body["project_id"] = json!(project);
        }
        self.keys.push(key);
        Reply::ok(body)
    }

    fn revoke(&mut self, owner: &str, id: &str) -> Reply {
        let key = self
            .keys
            .iter_mut()
            .find(|key| key.owner == owner && key.id.to_string() == id && !key.revoked);
        let Some(key) = key else {
            return refuse(404, "API key not found");
        };
        key.revoked = true;
        Reply::ok(
            json!({ "id": key.id, "name": key.name, "created_at": key.created_at, "created_by": "user-1", "last_used_at": key.last_used_at, "last_used_from_addr": "", "revoked": true }),
        )
    }
}

impl Project {
    fn new(branch: &str, endpoint: &str, store_passwords: bool) -> Self {
        let role = || Role {
            password: random_text(),
            coming: None,
            updated_at: clock::seconds(),
        };
        Self {
            store_passwords,
            branch: branch.to_owned(),
            endpoint: endpoint.to_owned(),
            databases: BTreeMap::from([("neondb".to_owned(), "app".to_owned())]),
            roles: BTreeMap::from([("app".to_owned(), role()), ("app_b".to_owned(), role())]),
            operations: Vec::new(),
        }
    }

    fn host(&self, pooled: bool) -> String {
        format!(
            "{}{}.eu-central-1.aws.neon.tech",
            self.endpoint,
            if pooled { "-pooler" } else { "" }
        )
    }
}

fn in_project(project: &mut Project, id: &str, call: &Call, rest: &[&str], serial: i64) -> Reply {
    let branch = project.branch.clone();
    match (call.method.as_str(), rest) {
        ("GET", []) => Reply::ok(
            json!({ "project": { "id": id, "name": id, "store_passwords": project.store_passwords, "region_id": "aws-eu-central-1", "pg_version": 17 } }),
        ),
        ("GET", ["operations"]) => {
            let operations = project.operations.iter().rev().take(100);
            let operations: Vec<Value> = operations.map(|operation| operation_body(id, operation)).collect();
            Reply::ok(json!({ "operations": operations, "pagination": { "cursor": "" } }))
        }
        ("GET", ["operations", operation]) => look(project, operation),
        ("GET", ["connection_uri"]) => connection_uri(project, call),
        ("GET", ["endpoints"]) => Reply::ok(json!({ "endpoints": [endpoint(project)] })),
        (_, ["branches", known, ..]) if *known != branch => refuse(404, "branch not found"),
        ("GET", ["branches", _]) => Reply::ok(json!({ "branch": { "id": branch, "name": "main", "project_id": id } })),
        ("GET", ["branches", _, "endpoints"]) => Reply::ok(json!({ "endpoints": [endpoint(project)] })),
        ("GET", ["branches", _, "databases"]) => {
            let databases: Vec<Value> = project.databases.iter().enumerate().map(|(at, (name, owner))| {
                json!({ "id": at + 1, "branch_id": branch, "name": name, "owner_name": owner, "created_at": clock::seconds(), "updated_at": clock::seconds() })
            }).collect();
            Reply::ok(json!({ "databases": databases }))
        }
        ("GET", ["branches", _, "roles"]) => {
            let roles: Vec<Value> = project
                .roles
                .iter()
                .map(|(name, role)| role_body(&branch, name, role))
                .collect();
            Reply::ok(json!({ "roles": roles }))
        }
        ("GET", ["branches", _, "roles", name]) => match project.roles.get(*name) {
            Some(role) => Reply::ok(json!({ "role": role_body(&branch, name, role) })),
            None => refuse(404, "role not found"),
        },
        ("GET", ["branches", _, "roles", name, "reveal_password"]) => match project.roles.get(*name) {
            Some(_) if !project.store_passwords => refuse(412, "passwords are not stored for this project"),
            Some(role) => Reply::ok(json!({ "password": role.coming.as_ref().unwrap_or(&role.password) })),
            None => refuse(404, "role not found"),
        },
        ("POST", ["branches", _, "roles", name, "reset_password"]) => reset(project, id, &branch, name, serial),
        _ => refuse(404, "not found"),
    }
}

fn endpoint(project: &Project) -> Value {
    json!({ "id": project.endpoint, "host": project.host(false), "branch_id": project.branch, "type": "read_write", "current_state": "active" })
}

fn role_body(branch: &str, name: &str, role: &Role) -> Value {
    json!({ "branch_id": branch, "name": name, "protected": false, "created_at": role.updated_at, "updated_at": role.updated_at, "authentication_method": "password" })
}

fn operation_body(project: &str, operation: &Operation) -> Value {
    json!({
        "id": operation.id, "project_id": project, "action": "apply_config", "failures_count": 0,
        "status": if operation.polls >= POLLS { "finished" } else { "running" },
        "created_at": clock::seconds(), "updated_at": clock::seconds(), "total_duration_ms": 100,
    })
}

/// The new password works only when the operation has finished; until then the old one does.
fn reset(project: &mut Project, id: &str, branch: &str, name: &str, serial: i64) -> Reply {
    if project.operations.iter().any(|operation| operation.polls < POLLS) {
        return refuse(
            423,
            "project already has running operations, scheduling of new ones is prohibited",
        );
    }
    let Some(role) = project.roles.get_mut(name) else {
        return refuse(404, "role not found");
    };
    let password = random_text();
    role.coming = Some(password.clone());
    // Whole seconds, and never the same twice.
    role.updated_at = later_than(&role.updated_at);
    let operation = Operation {
        id: format!("00000000-0000-4000-8000-{serial:012}"),
        polls: 0,
        role: name.to_owned(),
    };
    let mut body = role_body(branch, name, role);
    body["password"] = json!(password);
    let reply = Reply::ok(json!({ "role": body, "operations": [operation_body(id, &operation)] }));
    project.operations.push(operation);
    reply
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

fn look(project: &mut Project, id: &str) -> Reply {
    let Some(operation) = project.operations.iter_mut().find(|operation| operation.id == id) else {
        return refuse(404, "operation not found");
    };
    operation.polls += 1;
    let finished = operation.polls >= POLLS;
    let (role, body) = (operation.role.clone(), operation_body("", operation));
    if finished
        && let Some(role) = project.roles.get_mut(&role)
        && let Some(password) = role.coming.take()
    {
        role.password = password;
    }
    Reply::ok(json!({ "operation": body }))
}

fn connection_uri(project: &Project, call: &Call) -> Reply {
    let text = |name: &str| call.query.get(name).map(String::as_str);
    let (Some(database), Some(name)) = (text("database_name"), text("role_name")) else {
        return refuse(400, "database_name and role_name are required");
    };
    if !project.databases.contains_key(database) {
        return refuse(404, "database not found");
    }
    let Some(role) = project.roles.get(name) else {
        return refuse(404, "role not found");
    };
    if !project.store_passwords {
        return refuse(412, "passwords are not stored for this project");
    }
    let host = project.host(text("pooled") == Some("true"));
    let password = role.coming.as_ref().unwrap_or(&role.password);
    Reply::ok(json!({ "uri": format!("postgresql://{name}:{password}@{host}/{database}?sslmode=require") }))
}

fn random_text() -> String {
    use crypto_box::aead::rand_core::RngCore as _;
    let mut rng = crypto_box::aead::OsRng;
    format!("npg_{:016x}{:016x}", rng.next_u64(), rng.next_u64())
}
