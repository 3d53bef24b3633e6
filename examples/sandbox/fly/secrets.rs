//! An app's secrets: written in bulk, listed without values, replicated late. A version counts every write.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::{Value, json};

use super::refuse;
use crate::call::{Call, Reply};
use crate::clock;

/// Versions that are remembered.
const HISTORY: usize = 64;

#[derive(Clone)]
struct Secret {
    value: String,
    digest: String,
    created_at: String,
    updated_at: String,
}

/// Everything at one version.
#[derive(Clone)]
struct Snapshot {
    at: i64,
    secrets: BTreeMap<String, Secret>,
}

/// The secrets of one app.
#[derive(Clone)]
pub(super) struct Secrets {
    app: String,
    version: u64,
    history: BTreeMap<u64, Snapshot>,
}

impl Secrets {
    pub(super) fn new(app: &str) -> Self {
        let nothing = Snapshot {
            at: 0,
            secrets: BTreeMap::new(),
        };
        Self {
            app: app.to_owned(),
            version: 1,
            history: BTreeMap::from([(1, nothing)]),
        }
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// What a machine gets that boots with this version, or with the newest one before it.
    pub(super) fn environment(&self, version: u64) -> BTreeMap<String, String> {
        let found = self.history.range(..=version).next_back();
        found
            .into_iter()
            .flat_map(|(_, snapshot)| &snapshot.secrets)
            .map(|(name, secret)| (name.clone(), secret.value.clone()))
            .collect()
    }

    /// Makes everything as if it had been written that much earlier, in milliseconds.
    pub(super) fn age(&mut self, by: i64) {
        for snapshot in self.history.values_mut() {
            snapshot.at -= by;
            for secret in snapshot.secrets.values_mut() {
                secret.updated_at = clock::earlier(&secret.updated_at, by);
            }
        }
    }

    pub(super) fn state(&self) -> Value {
        let secrets = self.newest().into_iter().map(|(name, secret)| {
            let state = json!({ "value": secret.value, "digest": secret.digest, "updated_at": secret.updated_at });
            (name, state)
        });
        json!(secrets.collect::<BTreeMap<_, _>>())
    }

    fn newest(&self) -> BTreeMap<String, Secret> {
        let newest = self.history.values().next_back();
        newest.map(|snapshot| snapshot.secrets.clone()).unwrap_or_default()
    }

    /// Answers a call below `/v1/apps/{name}/secrets`.
    pub(super) fn answer(&mut self, call: &Call, rest: &[&str], lag: i64) -> Reply {
        match (call.method.as_str(), rest) {
            ("GET", []) => match self.seen(call, lag) {
                Ok(secrets) => {
                    let all: Vec<Value> = secrets.iter().map(|(name, secret)| shown(name, secret)).collect();
                    Reply::ok(json!({ "secrets": all }))
                }
                Err(reply) => reply,
            },
            ("GET", [name]) => match self.seen(call, lag) {
                Ok(secrets) => match secrets.get(*name) {
                    Some(secret) => Reply::ok(shown(name, secret)),
                    None => refuse(404, "secret not found"),
                },
                Err(reply) => reply,
            },
            ("POST", []) => self.set_many(call),
            ("POST", [name]) => {
                let Some(value) = call.text("value") else {
                    return refuse(400, "value is required");
                };
                let secrets = self.write([(*name, Some(value))].into_iter());
                let mut body = secrets.get(*name).map(|secret| shown(name, secret)).unwrap_or_default();
                body["version"] = json!(self.version);
                body["Version"] = json!(self.version);
                Reply::json(201, body)
            }
            ("DELETE", [name]) => {
                self.write([(*name, None)].into_iter());
                Reply::ok(json!({ "version": self.version, "Version": self.version }))
            }
            _ => refuse(404, "not found"),
        }
    }

    /// What a reader sees: the wanted version at least, or without one what has been replicated.
    fn seen(&self, call: &Call, lag: i64) -> Result<BTreeMap<String, Secret>, Reply> {
        let asked = |name: &str| call.query.get(name).filter(|text| !text.is_empty());
        if let Some(text) = asked("version").or_else(|| asked("min_version")) {
            let Ok(version) = text.parse::<u64>() else {
                return Err(refuse(400, "version must be a number"));
            };
            if version > self.version {
                return Err(refuse(400, "the app has no such secrets version yet"));
            }
            return Ok(self.newest());
        }
        let now = clock::epoch_millis();
        let replicated = self.history.values().rev().find(|snapshot| snapshot.at + lag <= now);
        Ok(replicated.map(|snapshot| snapshot.secrets.clone()).unwrap_or_default())
    }

    fn set_many(&mut self, call: &Call) -> Reply {
        let Some(values) = call.body.get("values").and_then(Value::as_object) else {
            return refuse(400, "values is required");
        };
        if values.values().any(|value| !value.is_null() && !value.is_string()) {
            return refuse(400, "values must be strings or null");
        }
        let secrets = self.write(values.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let shown: Vec<Value> = values
            .keys()
            .filter_map(|name| Some(shown(name, secrets.get(name)?)))
            .collect();
        Reply::ok(json!({ "secrets": shown, "version": self.version, "Version": self.version }))
    }

    /// Writes and unsets at once, as one version. An equal value leaves digest and times alone.
    fn write<'a>(&mut self, values: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> BTreeMap<String, Secret> {
        let now = clock::millis();
        let mut secrets = self.newest();
        for (name, value) in values {
            let Some(value) = value else {
                secrets.remove(name);
                continue;
            };
            let digest = self.digest(name, value);
            let known = secrets.get(name);
            if known.is_some_and(|known| known.digest == digest) {
                continue;
            }
            let secret = Secret {
                value: value.to_owned(),
                digest,
                created_at: known.map_or_else(|| now.clone(), |known| known.created_at.clone()),
                updated_at: now.clone(),
            };
            secrets.insert(name.to_owned(), secret);
        }
        self.version += 1;
        let snapshot = Snapshot {
            at: clock::epoch_millis(),
            secrets: secrets.clone(),
        };
        self.history.insert(self.version, snapshot);
        if self.history.len() > HISTORY {
            self.history.pop_first();
        }
        secrets
    }

    /// Opaque, and the same for the same value.
    fn digest(&self, name: &str, value: &str) -> String {
        let mut hasher = DefaultHasher::new();
        (&self.app, name, value).hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }
}

fn shown(name: &str, secret: &Secret) -> Value {
    json!({ "name": name, "digest": secret.digest, "created_at": secret.created_at, "updated_at": secret.updated_at })
}
