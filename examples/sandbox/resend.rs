//! Resend's API: keys that manage the account, keys that send, and what each may do.

use serde_json::{Value, json};

use crate::call::{Call, Reply};
use crate::clock;
use crate::fields::Fields;
use crate::keys::{self, Keys};

/// The key that the sandbox is used with.
pub(crate) const KEY: &str = "re_sandbox1_Qk3v9q2x7w5b8n1m4d0s2h8j6";

/// The domains that are verified, and their ids.
const DOMAINS: [(&str, &str); 2] = [
    ("example.com", "d91cd9bd-1176-453e-8fc1-35364d380206"),
    ("example.org", "5f0a3c1e-7d52-4e0b-9a64-2f7c9e1b8d30"),
];
const PERMISSIONS: [&str; 2] = ["full_access", "sending_access"];

/// Requests that an account may make in a second.
const LIMIT: usize = 10;

/// Resend.
#[derive(Clone, Default)]
pub(crate) struct Resend {
    keys: Keys,
    /// When the last requests came, in milliseconds.
    recent: Vec<i64>,
}

/// An error; its `name` tells more than its status.
pub(crate) fn refuse(status: u16, name: &str, message: &str) -> Reply {
    Reply::json(
        status,
        json!({ "statusCode": status, "name": name, "message": message }),
    )
}

/// Now, as PostgreSQL prints it.
fn now() -> String {
    clock::millis().replace('T', " ").replace('Z', "+00")
}

fn value() -> String {
    format!("re_{}", keys::random_text())
}

impl Resend {
    pub(crate) fn seeded() -> Self {
        let mut resend = Self::default();
        resend.issue("sandbox", "full_access", None, KEY.to_owned(), 0);
        resend
    }

    fn issue(&mut self, name: &str, permission: &str, domain: Option<&str>, value: String, lag: i64) -> Value {
        let random = keys::random_text();
        let key = json!({
            "id": format!("{random:.8}-0000-4000-8000-{random:.12}"), "name": name, "value": value, "permission": permission, "domain_id": domain, "created_at": now(),
        });
        let key = self.keys.issue(key, lag);
        json!({ "id": key["id"], "token": key["value"] })
    }

    pub(crate) fn state(&self) -> Value {
        json!({ "api_keys": self.keys.state() })
    }

    /// `{"api_keys": [{"name", "permission", "value"}]}`
    pub(crate) fn seed(&mut self, content: &Value, path: &str) -> Result<(), String> {
        let list = Fields::of(content, path, &["api_keys"])?.list("api_keys")?;
        for key in keys::wanted(list, &["name", "permission", "value"])? {
            let permission = key.word("permission", &PERMISSIONS)?.unwrap_or("full_access");
            let value = key.text("value")?.map_or_else(value, str::to_owned);
            self.issue(key.text("name")?.unwrap_or_default(), permission, None, value, 0);
        }
        Ok(())
    }

    pub(crate) fn answer(&mut self, call: &Call, lag: i64) -> Reply {
        let (method, segments) = call.route();
        if call.header("authorization").is_empty() {
            return refuse(401, "missing_api_key", "Missing API Key");
        }
        let Some(key) = self.keys.presented(call, now()) else {
            let status = if call.path == "/emails" { 401 } else { 400 };
            return refuse(status, "validation_error", "API key is invalid");
        };
        let (permission, domain) = (key["permission"].clone(), key["domain_id"].clone());
        let at = clock::epoch_millis();
        self.recent.retain(|earlier| at - earlier < 1_000);
        if self.recent.len() >= LIMIT {
            return refuse(429, "rate_limit_exceeded", "Too many requests.").with("retry-after", "1");
        }
        self.recent.push(at);
        match (method, segments.as_slice()) {
            ("POST", ["emails"]) => send(call, &domain),
            _ if permission != "full_access" => {
                let message = "This API key is restricted to only send emails";
                refuse(401, "restricted_api_key", message)
            }
            ("GET", ["api-keys"]) => self.list(call),
            ("POST", ["api-keys"]) => self.create(call, lag),
            ("DELETE", ["api-keys", id]) => match self.keys.revoke(&json!(id), |_| true) {
                Some(_) => Reply::ok(json!({ "object": "api_key", "id": id, "deleted": true })),
                None => refuse(404, "not_found", "API key not found"),
            },
            ("GET", ["domains", id]) => match DOMAINS.iter().find(|(_, known)| known == id) {
                Some((name, id)) => {
                    Reply::ok(json!({ "object": "domain", "id": id, "name": name, "status": "verified" }))
                }
                None => refuse(404, "not_found", "Domain not found"),
            },
            _ => refuse(404, "not_found", "The requested endpoint does not exist"),
        }
    }

    /// The newest first; without `limit` all of them.
    fn list(&self, call: &Call) -> Reply {
        let mut all: Vec<&Value> = self.keys.listed().rev().collect();
        if let Some(after) = call.query.get("after") {
            let at = all.iter().position(|key| key["id"] == **after);
            all.drain(..at.map_or(all.len(), |at| at + 1));
        }
        let limit = call.number("limit").unwrap_or(all.len()).min(all.len());
        let page = all.iter().take(limit).map(|key| {
            json!({ "id": key["id"], "name": key["name"], "created_at": key["created_at"], "last_used_at": key["last_used_at"] })
        });
        let page: Vec<Value> = page.collect();
        Reply::ok(json!({ "object": "list", "has_more": limit < all.len(), "data": page }))
    }

    fn create(&mut self, call: &Call, lag: i64) -> Reply {
        let (name, domain) = (call.text("name").unwrap_or_default(), call.text("domain_id"));
        let permission = call.text("permission").unwrap_or("full_access");
        if name.is_empty() || name.chars().count() > 50 {
            return refuse(422, "validation_error", "A name has 1 to 50 characters");
        }
        if !PERMISSIONS.contains(&permission) {
            return refuse(422, "invalid_access", "There is no such access");
        }
        if domain.is_some_and(|id| DOMAINS.iter().all(|(_, known)| *known != id)) {
            return refuse(404, "not_found", "Domain not found");
        }
        let only = domain.filter(|_| permission == "sending_access");
        Reply::json(201, self.issue(name, permission, only, value(), lag))
    }
}

/// Sends an email, which goes nowhere.
fn send(call: &Call, only: &Value) -> Reply {
    let from = call.text("from").and_then(|from| from.rsplit_once('@'));
    let domain = from.map_or("", |(_, domain)| domain.trim_end_matches('>'));
    match DOMAINS.iter().find(|(name, _)| *name == domain) {
        Some((_, id)) if only.is_null() || only == id => Reply::ok(json!({ "id": id })),
        Some(_) => refuse(403, "validation_error", "This API key is not for this domain"),
        None => refuse(403, "validation_error", "The domain is not verified"),
    }
}
