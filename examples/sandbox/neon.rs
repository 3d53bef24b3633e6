//! Neon's API v2: keys of people, organizations and projects, and who may do what with them.

mod project;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::call::{Call, Reply};
use crate::clock;
use crate::fields::Fields;
use crate::keys::{self, Keys};
use crate::vendors::Vendor;
use project::Project;

/// The personal key that the sandbox is used with.
pub(crate) const KEY: &str = "napi_sandbox_k3v9q2x7w5b8n1m4d0s2h8j6";

/// Neon.
#[derive(Clone)]
pub(crate) struct Neon {
    keys: Keys,
    projects: BTreeMap<String, Project>,
    /// Projects that were deleted and can still be recovered, and when.
    deleted: BTreeMap<String, (Project, String)>,
    serial: i64,
}

const ORGANIZATION: &str = "org-quiet-sea-12345678";

/// The person whose key the sandbox is used with.
const PERSON: &str = "7f3a1c52-0000-4000-8000-000000000001";

fn refuse(status: u16, message: &str) -> Reply {
    Vendor::Neon.error(status, message)
}

impl Neon {
    pub(crate) fn seeded() -> Self {
        let mut neon = Self {
            keys: Keys::default(),
            projects: BTreeMap::new(),
            deleted: BTreeMap::new(),
            serial: 1_000,
        };
        neon.issue("sandbox", "personal", None, Some(KEY), 0);
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

    /// Issues a key; `owner` is `personal` or `organization:<id>`.
    fn issue(&mut self, name: &str, owner: &str, project: Option<&str>, value: Option<&str>, lag: i64) -> Value {
        let id = self.serial();
        let value = value.map_or_else(|| format!("napi_{}{id}", random_text()), str::to_owned);
        let key = json!({
            "id": id, "name": name, "value": value, "owner": owner, "project_id": project, "created_at": clock::seconds(),
        });
        self.keys.issue(key, lag)
    }

    pub(crate) fn state(&self) -> Value {
        let projects: BTreeMap<_, _> = self
            .projects
            .iter()
            .map(|(id, project)| (id, project.state()))
            .collect();
        json!({ "organization": ORGANIZATION, "api_keys": self.keys.state(), "projects": projects })
    }

    /// `{"projects": {"id": {"store_passwords", "roles": […], "password": {"role": "…"}, "branches": {"id": {}}}}, "api_keys": [{"name",
    /// "organization_id", "project_id", "value"}], "operation_polls": n}`
    pub(crate) fn seed(&mut self, content: &Value, path: &str) -> Result<(), String> {
        let fields = Fields::of(content, path, &["projects", "api_keys", "operation_polls"])?;
        if let Some(polls) = fields.number("operation_polls", 0)? {
            for project in self.projects.values_mut() {
                project.polls = polls;
            }
        }
        for (id, path, wanted) in fields.names("projects")? {
            if wanted.is_null() {
                let project = self.projects.remove(id);
                let deleted = project.map(|project| (id.to_owned(), (project, clock::seconds())));
                self.deleted.extend(deleted);
                continue;
            }
            let number = self.serial();
            self.projects
                .entry(id.to_owned())
                .or_insert_with(|| Project::new(&format!("br-seeded-{number}"), &format!("ep-seeded-{number}"), true))
                .seed(wanted, &path)?;
        }
        let known = ["name", "organization_id", "project_id", "value"];
        for fields in keys::wanted(fields.list("api_keys")?, &known)? {
            let (name, organization) = (
                fields.text("name")?.unwrap_or_default(),
                fields.text("organization_id")?,
            );
            let owner = organization.map_or_else(|| "personal".to_owned(), |id| format!("organization:{id}"));
            let there = |key: &Value| key["name"] == name && key["owner"] == *owner;
            if !self.keys.listed().any(there) {
                self.issue(name, &owner, fields.text("project_id")?, fields.text("value")?, 0);
            }
        }
        Ok(())
    }

    pub(crate) fn answer(&mut self, call: &Call, lag: i64) -> Reply {
        let Some(key) = self.keys.presented(call, clock::seconds()) else {
            return refuse(401, "authorization failed: this API key is not valid");
        };
        let personal = key["owner"] == "personal";
        let only = key["project_id"].as_str().map(str::to_owned);
        let (method, segments) = call.route();
        let owner = |organization: &str| format!("organization:{organization}");
        match (method, segments.get(2..).unwrap_or_default()) {
            ("GET", ["users", "me"]) if personal => Reply::ok(json!({
                "id": PERSON, "email": "sandbox@example.com", "login": "sandbox", "name": "Sandbox", "last_name": "", "image": "",
                "active_seconds_limit": 0, "projects_limit": 10, "branches_limit": 10, "max_autoscaling_limit": 8,
                "auth_accounts": [], "plan": "launch",
            })),
            ("GET", ["users", "me", "organizations"]) if personal => {
                Reply::ok(json!({ "organizations": [organization()] }))
            }
            (_, ["users", "me", ..] | ["api_keys", ..]) if !personal => refuse(403, "this needs a personal API key"),
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
            ("GET", ["projects"]) if personal && !call.query.contains_key("org_id") => refuse(
                400,
                "org_id is required, you can find it on your organization settings page",
            ),
            ("GET", ["projects"]) => self.projects(call, only.as_deref()),
            (_, ["projects", id, ..]) if only.as_deref().is_some_and(|only| only != *id) => {
                refuse(404, "project not found")
            }
            (_, ["projects", id, rest @ ..]) => {
                let serial = self.serial();
                match self.projects.get_mut(*id) {
                    Some(project) => project.answer(id, call, rest, serial),
                    None => refuse(404, "project not found"),
                }
            }
            _ => refuse(404, "not found"),
        }
    }

    /// A page of projects; a personal key has to name the organization.
    fn projects(&self, call: &Call, only: Option<&str>) -> Reply {
        let organization = call.query.get("org_id").map(String::as_str);
        if only.is_none() && organization.is_some_and(|id| id != ORGANIZATION) {
            return refuse(404, "organization not found");
        }
        let size = call.number("limit").unwrap_or(10).clamp(1, 400);
        let after = call.query.get("cursor").map_or("", String::as_str);
        let recoverable = call.query.get("recoverable").is_some_and(|text| text == "true");
        let living = self.projects.iter().map(|(id, project)| (id, project, None));
        let deleted = self.deleted.iter().map(|(id, (project, at))| (id, project, Some(at)));
        let listed: Vec<_> = if recoverable {
            deleted.collect()
        } else {
            living.collect()
        };
        let shown: Vec<_> = listed
            .into_iter()
            .filter(|(id, ..)| id.as_str() > after && only.is_none_or(|only| only == id.as_str()))
            .take(size)
            .collect();
        let cursor = shown.last().map_or("", |(id, ..)| id.as_str()).to_owned();
        let summary = |(id, project, deleted_at): &(&String, &Project, Option<&String>)| {
            let mut body = project.summary(id);
            if let Some(at) = deleted_at {
                body["deleted_at"] = json!(at);
            }
            body
        };
        let list: Vec<Value> = shown.iter().map(summary).collect();
        Reply::ok(
            json!({ "projects": list, "pagination": { "cursor": cursor }, "applications": {}, "integrations": {} }),
        )
    }

    fn list(&self, owner: &str) -> Reply {
        let told = |key: &Value| {
            let mut body = json!({
                "id": key["id"], "name": key["name"], "created_at": key["created_at"], "last_used_at": key["last_used_at"],
                "created_by": { "id": PERSON, "name": "Sandbox", "image": "" },
                "last_used_from_addr": if key["last_used_at"].is_null() { "" } else { "127.0.0.1" },
            });
            if !key["project_id"].is_null() {
                body["project_id"] = key["project_id"].clone();
            }
            body
        };
        let keys = self.keys.listed().filter(|key| key["owner"] == *owner);
        Reply::ok(keys.map(told).collect())
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
        let key = self.issue(&name, owner, project.as_deref(), None, lag);
        let mut body = json!({
            "id": key["id"], "key": key["value"], "name": key["name"], "created_at": key["created_at"], "created_by": PERSON,
        });
        if let Some(project) = project {
            body["project_id"] = json!(project);
        }
        Reply::ok(body)
    }

    fn revoke(&mut self, owner: &str, id: &str) -> Reply {
        let id = json!(id.parse::<i64>().ok());
        let Some(key) = self.keys.revoke(&id, |key| key["owner"] == *owner) else {
            return refuse(404, "API key not found");
        };
        Reply::ok(json!({
            "id": key["id"], "name": key["name"], "created_at": key["created_at"], "created_by": PERSON,
            "last_used_at": key["last_used_at"], "last_used_from_addr": "", "revoked": true,
        }))
    }
}

fn organization() -> Value {
    json!({
        "id": ORGANIZATION, "name": "molecule", "handle": "molecule", "plan": "launch", "created_at": "2025-01-01T00:00:00Z",
        "managed_by": "console", "updated_at": "2025-01-01T00:00:00Z", "allow_hipaa_projects": false, "require_mfa": false,
    })
}

fn random_text() -> String {
    format!("npg_{}", keys::random_text())
}
