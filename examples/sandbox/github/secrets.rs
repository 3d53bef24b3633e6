//! Secrets of a repository, an environment or an organization: sealed for this place's own key, and really opened.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_box::SecretKey;
use crypto_box::aead::OsRng;
use serde_json::{Value, json};

use super::{page, refuse};
use crate::call::{Call, Reply};
use crate::clock;

/// Largest value, in bytes.
const LARGEST: usize = 48 * 1024;

#[derive(Clone)]
struct Secret {
    value: String,
    created_at: String,
    updated_at: String,
    /// Until `listed_from` lists show this instant, or leave a new secret out.
    before: Option<String>,
    listed_from: i64,
    /// Of an organization's secret: `all`, `private` or `selected`, and the selected repositories.
    visibility: String,
    selected: Vec<u64>,
}

/// A place with secrets and a key pair of its own.
#[derive(Clone)]
pub(super) struct Level {
    number: u64,
    key: SecretKey,
    secrets: BTreeMap<String, Secret>,
    organization: bool,
}

impl Level {
    pub(super) fn new(number: u64, organization: bool) -> Self {
        Self {
            number: 568_250_167_242_549_743 + number * 1_000,
            key: SecretKey::generate(&mut OsRng),
            secrets: BTreeMap::new(),
            organization,
        }
    }

    /// A new key pair, as GitHub makes now and then.
    pub(super) fn rotate_key(&mut self) {
        self.number += 1;
        self.key = SecretKey::generate(&mut OsRng);
    }

    /// Writes a secret; whether it is new.
    pub(super) fn write(&mut self, name: &str, value: String, lag: i64) -> bool {
        let now = clock::seconds();
        let known = self.secrets.remove(name);
        let is_new = known.is_none();
        let (created_at, before, visibility, selected) = match known {
            Some(known) => (
                known.created_at,
                Some(known.updated_at),
                known.visibility,
                known.selected,
            ),
            None => (now.clone(), None, "all".to_owned(), Vec::new()),
        };
        let secret = Secret {
            value,
            created_at,
            updated_at: now,
            before,
            listed_from: clock::epoch_millis() + lag,
            visibility,
            selected,
        };
        self.secrets.insert(name.to_owned(), secret);
        is_new
    }

    pub(super) fn state(&self) -> Value {
        let secrets = self.secrets.iter().map(|(name, secret)| {
            let mut state =
                json!({ "value": secret.value, "created_at": secret.created_at, "updated_at": secret.updated_at });
            if self.organization {
                state["visibility"] = json!(secret.visibility);
                state["selected"] = json!(secret.selected);
            }
            (name, state)
        });
        json!({ "secrets": secrets.collect::<BTreeMap<_, _>>() })
    }

    /// Answers a call below `…/secrets`.
    pub(super) fn answer(&mut self, call: &Call, rest: &[&str], lag: i64) -> Reply {
        let upper = rest.first().map(|name| name.to_ascii_uppercase()).unwrap_or_default();
        match (call.method.as_str(), rest) {
            ("GET", []) => {
                let now = clock::epoch_millis();
                let listed = self.secrets.iter().filter_map(|(name, secret)| {
                    let fresh = secret.listed_from <= now;
                    let at = if fresh {
                        Some(&secret.updated_at)
                    } else {
                        secret.before.as_ref()
                    };
                    Some(self.body(name, secret, at?))
                });
                page(call, "secrets", listed.collect())
            }
            ("GET", ["public-key"]) => {
                let key = STANDARD.encode(self.key.public_key().as_bytes());
                Reply::ok(json!({ "key_id": self.number.to_string(), "key": key }))
            }
            ("GET", [_]) => match self.secrets.get(&upper) {
                Some(secret) => Reply::ok(self.body(&upper, secret, &secret.updated_at)),
                None => refuse(404, "Not Found"),
            },
            ("PUT", [_]) => self.put(call, &upper, lag),
            ("DELETE", [_]) => match self.secrets.remove(&upper) {
                Some(_) => Reply::empty(204),
                None => refuse(404, "Not Found"),
            },
            (_, [_, "repositories", rest @ ..]) if self.organization => self.repositories(call, &upper, rest),
            _ => refuse(404, "Not Found"),
        }
    }

    fn body(&self, name: &str, secret: &Secret, updated_at: &str) -> Value {
        let mut body = json!({ "name": name, "created_at": secret.created_at, "updated_at": updated_at });
        if self.organization {
            body["visibility"] = json!(secret.visibility);
            if secret.visibility == "selected" {
                let url = format!("https://api.github.com/orgs/molecule-ai/actions/secrets/{name}/repositories");
                body["selected_repositories_url"] = json!(url);
            }
        }
        body
    }

    fn put(&mut self, call: &Call, name: &str, lag: i64) -> Reply {
        let letters = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !letters || name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || name.starts_with("GITHUB_")
        {
            return refuse(
                422,
                "Secret names may hold letters, digits and underscores, and begin with neither a digit nor GITHUB_",
            );
        }
        let visibility = call.text("visibility");
        if self.organization && !visibility.is_some_and(|text| ["all", "private", "selected"].contains(&text)) {
            return refuse(422, "Invalid request.\n\n\"visibility\" wasn't supplied.");
        }
        if call.text("key_id").is_none_or(|id| id != self.number.to_string()) {
            return refuse(422, "Bad request - Key ID does not match: improperly encrypted secret");
        }
        let sealed = STANDARD.decode(call.text("encrypted_value").unwrap_or_default());
        let opened = self.key.unseal(&sealed.unwrap_or_default()).ok();
        let Some(value) = opened.and_then(|bytes| String::from_utf8(bytes).ok()) else {
            return refuse(422, "Bad request - improperly encrypted secret");
        };
        if value.len() > LARGEST {
            return refuse(422, "Secret value is too large");
        }
        let is_new = self.write(name, value, lag);
        if let (Some(visibility), Some(secret)) = (visibility, self.secrets.get_mut(name)) {
            visibility.clone_into(&mut secret.visibility);
            secret.selected = selected(call);
        }
        if is_new {
            Reply::json(201, json!({}))
        } else {
            Reply::empty(204)
        }
    }

    fn repositories(&mut self, call: &Call, name: &str, rest: &[&str]) -> Reply {
        let Some(secret) = self.secrets.get_mut(name) else {
            return refuse(404, "Not Found");
        };
        if secret.visibility != "selected" {
            return refuse(409, "The visibility of this secret is not selected");
        }
        match (call.method.as_str(), rest) {
            ("GET", []) => {
                let all = secret
                    .selected
                    .iter()
                    .map(|id| super::bodies::repository("", *id))
                    .collect();
                page(call, "repositories", all)
            }
            ("PUT", []) => {
                secret.selected = selected(call);
                Reply::empty(204)
            }
            (method @ ("PUT" | "DELETE"), [id]) => {
                let Ok(id) = id.parse::<u64>() else {
                    return refuse(404, "Not Found");
                };
                secret.selected.retain(|known| *known != id);
                if method == "PUT" {
                    secret.selected.push(id);
                }
                Reply::empty(204)
            }
            _ => refuse(404, "Not Found"),
        }
    }
}

fn selected(call: &Call) -> Vec<u64> {
    let list = call.body.get("selected_repository_ids").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_u64).collect()
}
