//! The runbooks' own platform: health, global secrets, workspaces that restart.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::call::{Call, Reply, Vendor};
use crate::clock;

pub(crate) const TOKEN: &str = "platform-sandbox-token-0001";

/// One workspace.
const WORKSPACE: &str = "6f1c1f5e-0000-4000-8000-000000000001";

/// The platform.
pub(crate) struct Platform {
    secrets: BTreeMap<String, (String, String)>,
    running: BTreeMap<String, String>,
    healthy: bool,
    /// The bearer that `/settings` accepts; tests replace it.
    bearer: String,
}

impl Platform {
    pub(crate) fn seeded() -> Self {
        let secrets = BTreeMap::from([(
            "ANTHROPIC_API_KEY".to_owned(),
            ("sk-ant-sandbox".to_owned(), clock::seconds()),
        )]);
        Self {
            secrets,
            running: BTreeMap::new(),
            healthy: true,
            bearer: TOKEN.to_owned(),
        }
    }

    /// `{"healthy": bool, "bearer": "…"}`
    pub(crate) fn seed(&mut self, content: &Value) -> Result<(), String> {
        if let Some(healthy) = content.get("healthy") {
            self.healthy = healthy.as_bool().ok_or("healthy is true or false")?;
        }
        if let Some(bearer) = content.get("bearer") {
            self.bearer = bearer.as_str().ok_or("bearer is a string")?.to_owned();
        }
        Ok(())
    }

    pub(crate) fn state(&self) -> Value {
        let secrets: BTreeMap<_, _> = self
            .secrets
            .iter()
            .map(|(key, (value, at))| (key, json!({ "value": value, "updated_at": at })))
            .collect();
        json!({ "secrets": secrets, "workspaces": { WORKSPACE: self.running }, "healthy": self.healthy })
    }

    pub(crate) fn answer(&mut self, call: &Call) -> Reply {
        let (method, segments) = call.route();
        let refuse = |status, message: &str| Vendor::Platform.error(status, message);
        if segments.as_slice() == ["health"] {
            return if self.healthy {
                Reply::ok(json!({ "service": "molecule-cp", "status": "ok" }))
            } else {
                Reply::json(503, json!({ "service": "molecule-cp", "status": "degraded" }))
            };
        }
        if method == "GET" && segments.as_slice() == ["workspaces", WORKSPACE] {
            return Reply::ok(json!({ "id": WORKSPACE, "status": "online" }));
        }
        if call.bearer() != self.bearer {
            return refuse(401, "unauthorized");
        }
        match (method, segments.as_slice()) {
            ("GET", ["settings", "secrets"]) => {
                let list: Vec<Value> = self
                    .secrets
                    .iter()
                    .map(|(key, (_, at))| json!({ "key": key, "has_value": true, "scope": "global", "created_at": at, "updated_at": at }))
                    .collect();
                Reply::ok(json!(list))
            }
            ("PUT" | "POST", ["settings", "secrets"]) => {
                let (Some(key), Some(value)) = (call.text("key"), call.text("value").filter(|value| !value.is_empty()))
                else {
                    return refuse(400, "key and value are required");
                };
                self.secrets
                    .insert(key.to_owned(), (value.to_owned(), clock::seconds()));
                self.running.insert(key.to_owned(), value.to_owned());
                Reply::ok(json!({ "status": "saved", "key": key, "scope": "global" }))
            }
            ("DELETE", ["settings", "secrets", key]) => match self.secrets.remove(*key) {
                Some(_) => Reply::ok(json!({ "status": "deleted", "key": key, "scope": "global" })),
                None => refuse(404, "no such secret"),
            },
            ("POST", ["workspaces", WORKSPACE, "restart"]) => {
                self.running = self
                    .secrets
                    .iter()
                    .map(|(key, (value, _))| (key.clone(), value.clone()))
                    .collect();
                Reply::ok(json!({ "status": "provisioning", "config_dir": "/workspace", "reset_session": false }))
            }
            _ => refuse(404, "not found"),
        }
    }
}
