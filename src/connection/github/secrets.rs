//! The REST API for the secrets that a repository keeps for one of GitHub's products, such as Actions.
//!
//! It is the same for all of them: it can't read a value back, and its times are whole seconds, so that two writes within one second
//! look like one. Each product and each environment has its own public key. <https://docs.github.com/en/rest/actions/secrets>

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::rights::Permission;
use super::{GitHubClient, Repository, SERVICE, SealError, advise_repository, is_archived, seal};
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::connection::segment;
use crate::connection::serde_helpers::null_is_empty;
use crate::http::{Request, Response};
use crate::secret::Secret;

/// The most that one page holds.
const PER_PAGE: usize = 100;

/// More pages than any level can fill (it takes 100 secrets): what ends a listing that never ends.
const PAGES: usize = 100;

/// How long a secret's new time is waited for after the write was confirmed.
const READ_BACK: Duration = Duration::from_secs(4);
const READ_BACK_PAUSE: Duration = Duration::from_millis(100);

/// By how much the time of the answer may be later than the time of the write that it confirms.
const ANSWER_DELAY: SignedDuration = SignedDuration::from_secs(5);

/// What helps when the repository of a target is archived.
const WAY_OUT_OF_ARCHIVED: &str = "Unarchive it, or remove the target from `targets` with on_remove = \"keep\".";

/// A product of GitHub for which repositories keep secrets of their own.
#[derive(Debug, PartialEq, Eq)]
pub struct SecretStore {
    /// The product's name: `Actions`.
    pub product: &'static str,
    /// Its part of the path: `actions` in `/repos/{owner}/{repo}/actions/secrets`.
    pub segment: &'static str,
    /// The permission for the secrets of a repository.
    pub permission: Permission,
    /// How much of the permission a call needs that changes nothing: `read`, or `write` where GitHub demands that for every call.
    pub read_access: &'static str,
    /// The permission for those of its environments; `None` where the product has no such secrets.
    pub of_environments: Option<Permission>,
}

/// Where a secret is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretLevel {
    /// Which of the repository's secrets it is among.
    pub store: &'static SecretStore,
    /// The repository.
    pub repository: Repository,
    /// The environment in it; `None` is the repository itself.
    pub environment: Option<String>,
}

/// A secret as GitHub shows it: never with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSecret {
    /// Upper-case.
    pub name: String,
    /// When it was last written, in whole seconds.
    pub updated_at: Timestamp,
}

/// What is known of a write that GitHub has confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The secret's new time. `None` when it could not be read back.
    pub updated_at: Option<Timestamp>,
    /// The time of the answer by GitHub's clock, where it was told.
    pub answered_at: Option<Timestamp>,
}

/// The key that values for one level are sealed with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct PublicKey {
    key_id: String,
    key: String,
}

#[derive(Deserialize)]
struct Page {
    total_count: usize,
    #[serde(deserialize_with = "null_is_empty")]
    secrets: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    name: String,
    updated_at: String,
}

impl SecretLevel {
    /// The path of the level's secrets, encoded, followed by one more segment unless it is empty.
    fn segments<'a>(&'a self, last: &'a str) -> Vec<&'a str> {
        let Repository { owner, name } = &self.repository;
        let mut segments = vec!["repos", owner, name];
        match &self.environment {
            Some(environment) => segments.extend(["environments", environment, "secrets"]),
            None => segments.extend([self.store.segment, "secrets"]),
        }
        if !last.is_empty() {
            segments.push(last);
        }
        segments
    }

    /// GitHub ignores letter case in names, so one listing serves all spellings.
    fn key(&self) -> String {
        let environment = self.environment.as_deref().map(segment::encode).unwrap_or_default();
        let Repository { owner, name } = &self.repository;
        format!("{}/{owner}/{name}/{environment}", self.store.segment).to_lowercase()
    }

    /// For error texts.
    fn describe(&self) -> String {
        let Repository { owner, name } = &self.repository;
        match &self.environment {
            Some(environment) => format!("environment {environment:?} of {owner}/{name}"),
            None => format!("{owner}/{name}"),
        }
    }

    /// What the level's secrets are called in error texts: `Actions secret`.
    fn noun(&self) -> String {
        format!("{} secret", self.store.product)
    }

    fn permission(&self) -> Permission {
        let of_environment = self.environment.as_ref().and(self.store.of_environments);
        of_environment.unwrap_or(self.store.permission)
    }

    fn advise(&self, error: CallError, access: &str) -> CallError {
        let permission = format!("{}: {access}", self.permission().name);
        advise_repository(error, &self.repository, self.environment.as_deref(), &permission)
    }
}

impl Item {
    fn read(self, operation: &str) -> Result<StoredSecret, CallError> {
        let updated_at = self.updated_at.parse().map_err(|_| {
            let message = "updated_at is not a time";
            CallError::malformed(SERVICE, operation, Effect::None, message)
        })?;
        Ok(StoredSecret {
            name: self.name.to_ascii_uppercase(),
            updated_at,
        })
    }
}

impl GitHubClient {
    /// All secrets of a level, from the listing that all readers of this run share.
    ///
    /// # Errors
    /// [`CallError`]; [`CallErrorKind::NotFound`] when the level is missing or invisible.
    pub async fn secrets(&self, level: &SecretLevel) -> Result<Arc<Vec<StoredSecret>>, CallError> {
        self.0.secrets.get(&level.key(), || self.list_secrets(level)).await
    }

    async fn list_secrets(&self, level: &SecretLevel) -> Result<Vec<StoredSecret>, CallError> {
        let operation = format!("listing the {}s of {}", level.noun(), level.describe());
        let mut found = Vec::new();
        for page in 1..=PAGES {
            let request = self
                .request("GET", &level.segments(""), &*operation)
                .query("per_page", PER_PAGE.to_string())
                .query("page", page.to_string());
            let answer = self
                .read_listing(request)
                .await
                .map_err(|error| level.advise(error, level.store.read_access))?;
            self.note_redirect(&level.repository, &answer);
            let Page { total_count, secrets } = answer.json()?;
            let last = secrets.is_empty();
            for item in secrets {
                found.push(item.read(&operation)?);
            }
            if last || found.len() >= total_count {
                break;
            }
        }
        Ok(found)
    }

    /// One secret, read directly; `None` when there is none of that name.
    ///
    /// # Errors
    /// [`CallError`]; [`CallErrorKind::NotFound`] when the level is missing or invisible.
    pub async fn secret(&self, level: &SecretLevel, name: &str) -> Result<Option<StoredSecret>, CallError> {
        let found = self.secret_as_shown(level, name).await?;
        if found.is_some() {
            return Ok(found);
        }
        // "Not found" is also what a credential without access is told; a listing that can be read decides.
        let listed = self.list_secrets(level).await?;
        Ok(listed.into_iter().find(|secret| secret.name.eq_ignore_ascii_case(name)))
    }

    async fn secret_as_shown(&self, level: &SecretLevel, name: &str) -> Result<Option<StoredSecret>, CallError> {
        let operation = format!(
            "reading when {} {name} of {} was written",
            level.noun(),
            level.describe()
        );
        let request = self.request("GET", &level.segments(name), &*operation).accept(&[404]);
        let answer = self
            .read(request)
            .await
            .map_err(|error| level.advise(error, level.store.read_access))?;
        self.note_redirect(&level.repository, &answer);
        if answer.status == 404 {
            return Ok(None);
        }
        answer.json::<Item>()?.read(&operation).map(Some)
    }

    /// Writes a secret, then reads its time until it is that of this write. GitHub's answer is the proof of the write: what becomes of
    /// the reading does not take it back.
    ///
    /// # Errors
    /// [`CallError`] of what comes before the answer. Repeating it harms nothing: the name holds one value.
    pub async fn put_secret(
        &self,
        level: &SecretLevel,
        name: &str,
        value: &Secret,
        permit: &WritePermit,
    ) -> Result<Written, CallError> {
        let before = self.secrets(level).await?;
        let before = before.iter().find(|secret| secret.name.eq_ignore_ascii_case(name));
        let before = before.map(|secret| secret.updated_at);
        let key = self.public_key(level).await?;
        let answer = match self.put_sealed(level, name, value, &key, permit).await {
            // The key may have been replaced since it was read. With the same key again, the refusal has another cause.
            Err(error) if error.status == Some(422) => {
                self.0.public_keys.forget(&level.key());
                let renewed = self.public_key(level).await?;
                if *renewed == *key {
                    return Err(error);
                }
                self.put_sealed(level, name, value, &renewed, permit).await
            }
            other => other,
        };
        if answer.is_err() {
            self.0.secrets.forget(&level.key());
        }
        let answered_at = answered_at(&answer?);
        let updated_at = self.read_back(level, name, before, answered_at).await;
        self.note_written(level, name, updated_at);
        Ok(Written {
            updated_at,
            answered_at,
        })
    }

    /// Takes a write of ours into the shared listing.
    fn note_written(&self, level: &SecretLevel, name: &str, updated_at: Option<Timestamp>) {
        let listings = &self.0.secrets;
        let Some(updated_at) = updated_at else {
            return listings.forget(&level.key());
        };
        listings.amend(&level.key(), |listed| {
            listed.retain(|secret| !secret.name.eq_ignore_ascii_case(name));
            listed.push(StoredSecret {
                name: name.to_ascii_uppercase(),
                updated_at,
            });
        });
    }

    async fn put_sealed(
        &self,
        level: &SecretLevel,
        name: &str,
        value: &Secret,
        key: &PublicKey,
        permit: &WritePermit,
    ) -> Result<Response, CallError> {
        let operation = format!("writing {} {name} of {}", level.noun(), level.describe());
        let sealed = seal(&key.key, value)
            .map_err(|error: SealError| CallError::refused(SERVICE, &*operation, &error.to_string()))?;
        let body = serde_json::json!({ "encrypted_value": sealed, "key_id": key.key_id });
        let request: Request = self.request("PUT", &level.segments(name), operation).json(&body);
        self.write(request, permit).await.map_err(|error| {
            if is_archived(&error) {
                error.advise(WAY_OUT_OF_ARCHIVED)
            } else {
                level.advise(error, "write")
            }
        })
    }

    async fn public_key(&self, level: &SecretLevel) -> Result<Arc<PublicKey>, CallError> {
        let fetch = || async {
            let operation = format!("reading the public key for {}s of {}", level.noun(), level.describe());
            let request = self.request("GET", &level.segments("public-key"), operation);
            let answer = self.read(request).await.map_err(|error| level.advise(error, "write"))?;
            answer.json::<PublicKey>()
        };
        self.0.public_keys.get(&level.key(), fetch).await
    }

    /// Replicas may lag behind the write, and behind the question before it: a time is ours when it has moved and is about
    /// that of the answer. Once the patience ends one of the two must do: it can't move within one second.
    async fn read_back(
        &self,
        level: &SecretLevel,
        name: &str,
        before: Option<Timestamp>,
        answered_at: Option<Timestamp>,
    ) -> Option<Timestamp> {
        let mut polling = self.0.clock.polling(READ_BACK, READ_BACK_PAUSE..=READ_BACK);
        loop {
            let shown = self.secret_as_shown(level, name).await.ok()?;
            if let Some(updated_at) = shown.map(|secret| secret.updated_at) {
                let moved = before.is_none_or(|before| updated_at > before);
                let recent = answered_at.is_none_or(|answered| answered.duration_since(updated_at) <= ANSWER_DELAY);
                if moved && recent || polling.is_over() && (moved || recent) {
                    return Some(updated_at);
                }
            }
            if !polling.again().await {
                return None;
            }
        }
    }

    /// Refuses what GitHub would refuse, as far as a read tells: see [`Self::check_permission`].
    ///
    /// # Errors
    /// [`CallErrorKind::Forbidden`]; others when GitHub is away.
    pub async fn check_writable(&self, level: &SecretLevel) -> Result<(), CallError> {
        let operation = format!("preparing to write {}s of {}", level.noun(), level.describe());
        self.check_permission(&level.repository, level.permission(), &operation, WAY_OUT_OF_ARCHIVED)
            .await
    }

    /// Deletes a secret. One that is not there is success, if the level can be seen.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn delete_secret(&self, level: &SecretLevel, name: &str, permit: &WritePermit) -> Result<(), CallError> {
        let operation = format!("deleting {} {name} of {}", level.noun(), level.describe());
        let request = self
            .request("DELETE", &level.segments(name), &*operation)
            .accept(&[404]);
        let answer = self.write(request, permit).await;
        match &answer {
            Ok(answer) if answer.status != 404 => self.0.secrets.amend(&level.key(), |listed| {
                listed.retain(|secret| !secret.name.eq_ignore_ascii_case(name));
            }),
            _ => self.0.secrets.forget(&level.key()),
        }
        let answer = answer.map_err(|error| level.advise(error, "write"))?;
        if answer.status == 404 && self.secret(level, name).await?.is_some() {
            let message = "it is there, but the credential may not delete it";
            let error = CallError::new(
                CallErrorKind::NotFound,
                Effect::None,
                SERVICE,
                operation,
                Some(answer.status),
                message,
            );
            return Err(level.advise(error, "write"));
        }
        Ok(())
    }
}

/// The `Date` header (RFC 9110 section 6.6.1): GitHub's clock, so that ours does not matter.
fn answered_at(answer: &Response) -> Option<Timestamp> {
    let text = answer.headers.get("date")?;
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}
