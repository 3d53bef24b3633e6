//! The runbooks' own platform: health, global secrets, workspaces that restart.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::call::{Call, Reply};
use crate::clock;
use crate::fields::Fields;
use crate::vendors::Vendor;

pub(crate) const TOKEN: &str = "platform-sandbox-token-0001";

/// One workspace, and what its own agent authenticates with.
const WORKSPACE: &str = "6f1c1f5e-0000-4000-8000-000000000001";
const WORKSPACE_TOKEN: &str = "platform-workspace-token-0001";

/// How often a workspace is seen on its way after a restart.
const LOOKS: u32 = 2;

/// Value and instant of the last write, by key.
type Secrets = BTreeMap<String, (String, String)>;

/// The platform.
#[derive(Clone)]
pub(crate) struct Platform {
    secrets: Secrets,
    /// The workspace's own, which hide global ones of the same key.
    own: Secrets,
    /// What the workspace runs with.
    running: BTreeMap<String, String>,
    looks_left: u32,
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
            own: Secrets::new(),
            running: BTreeMap::new(),
            looks_left: 0,
            healthy: true,
            bearer: TOKEN.to_owned(),
        }
    }

    /// `{"healthy": bool, "bearer": "…"}`
    pub(crate) fn seed(&mut self, content: &Value, path: &str) -> Result<(), String> {
        let fields = Fields::of(content, path, &["healthy", "bearer"])?;
        self.healthy = fields.flag("healthy")?.unwrap_or(self.healthy);
        if let Some(bearer) = fields.text("bearer")? {
            bearer.clone_into(&mut self.bearer);
        }
        Ok(())
    }

    pub(crate) fn state(&self) -> Value {
        let shown = |secrets: &Secrets| {
            let shown = secrets
                .iter()
                .map(|(key, (value, at))| (key.clone(), json!({ "value": value, "updated_at": at })));
            json!(shown.collect::<BTreeMap<_, _>>())
        };
        json!({
            "secrets": shown(&self.secrets), "workspace_secrets": { WORKSPACE: shown(&self.own) },
            "workspaces": { WORKSPACE: self.running }, "healthy": self.healthy,
        })
    }

    /// Nothing here lags.
    pub(crate) fn answer(&mut self, call: &Call, _lag: i64) -> Reply {
        let (method, segments) = call.route();
        match (method, segments.as_slice()) {
            ("GET", ["health"]) if self.healthy => Reply::ok(json!({ "service": "molecule-cp", "status": "ok" })),
            ("GET", ["health"]) => Reply::json(503, json!({ "service": "molecule-cp", "status": "degraded" })),
            ("GET", ["workspaces", WORKSPACE]) => {
                let status = if self.looks_left > 0 { "provisioning" } else { "online" };
                self.looks_left = self.looks_left.saturating_sub(1);
                Reply::ok(json!({ "id": WORKSPACE, "status": status }))
            }
            ("GET", ["workspaces", WORKSPACE, "secrets", "values"]) if call.bearer() == WORKSPACE_TOKEN => {
                Reply::ok(json!(self.merged()))
            }
            (_, ["workspaces", WORKSPACE, "secrets", "values"]) => refuse(401, "this is for the workspace's own agent"),
            (_, ["settings" | "workspaces", ..]) if call.bearer() != self.bearer => refuse(401, "unauthorized"),
            (_, ["settings", "secrets", rest @ ..]) => self.global(call, rest),
            (_, ["workspaces", WORKSPACE, rest @ ..]) => self.workspace(call, rest),
            _ => refuse(404, "not found"),
        }
    }

    fn global(&mut self, call: &Call, rest: &[&str]) -> Reply {
        match (call.method.as_str(), rest) {
            ("GET", []) => Reply::ok(
                self.secrets
                    .iter()
                    .map(|(key, (_, at))| meta(key, at, "global"))
                    .collect(),
            ),
            ("PUT" | "POST", []) => match pair(call) {
                Ok((key, value)) => {
                    self.secrets.insert(key.clone(), (value, clock::seconds()));
                    self.restart();
                    Reply::ok(json!({ "status": "saved", "key": key, "scope": "global" }))
                }
                Err(reply) => reply,
            },
            ("DELETE", [key]) => match self.secrets.remove(*key) {
                Some(_) => {
                    self.restart();
                    Reply::ok(json!({ "status": "deleted", "key": key, "scope": "global" }))
                }
                None => refuse(404, "no such secret"),
            },
            _ => refuse(404, "not found"),
        }
    }

    fn workspace(&mut self, call: &Call, rest: &[&str]) -> Reply {
        match (call.method.as_str(), rest) {
            ("GET", ["secrets"]) => {
                let own = self.own.iter().map(|(key, (_, at))| meta(key, at, "workspace"));
                let hidden = |key: &&String| self.own.contains_key(*key);
                let global = self.secrets.iter().filter(|(key, _)| !hidden(key));
                Reply::ok(
                    own.chain(global.map(|(key, (_, at))| meta(key, at, "global")))
                        .collect(),
                )
            }
            ("POST", ["secrets"]) => match pair(call) {
                Ok((key, value)) => {
                    self.own.insert(key.clone(), (value, clock::seconds()));
                    self.restart();
                    Reply::ok(json!({ "status": "saved", "key": key, "scope": "workspace" }))
                }
                Err(reply) => reply,
            },
            ("POST", ["restart"]) => {
                self.restart();
                Reply::ok(json!({ "status": "provisioning", "config_dir": "/workspace", "reset_session": false }))
            }
            _ => refuse(404, "not found"),
        }
    }

    fn merged(&self) -> BTreeMap<String, String> {
        let all = self.secrets.iter().chain(&self.own);
        all.map(|(key, (value, _))| (key.clone(), value.clone())).collect()
    }

    /// The workspace takes what is stored now; for a few looks it is on its way.
    fn restart(&mut self) {
        self.running = self.merged();
        self.looks_left = LOOKS;
    }
}

fn refuse(status: u16, message: &str) -> Reply {
    Vendor::Platform.error(status, message)
}

/// What a list tells of a secret.
fn meta(key: &str, at: &str, scope: &str) -> Value {
    json!({ "key": key, "has_value": true, "scope": scope, "created_at": at, "updated_at": at })
}

/// Key and value of a body; neither may be empty.
fn pair(call: &Call) -> Result<(String, String), Reply> {
    let text = |name: &str| call.text(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let pair = text("key").zip(text("value"));
    pair.ok_or_else(|| refuse(400, "key and value are required"))
}
