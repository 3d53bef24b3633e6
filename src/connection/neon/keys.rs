//! API keys of a person or an organization: listed once a run, made and revoked; and which of them a run holds.
//!
//! Neon tells a key's value once, when it is made. It does not tell which key a request carries.
//! <https://neon.com/docs/manage/api-keys>

use std::fmt;

use serde::Deserialize;
use serde_json::json;

use super::{Call, NeonClient, SERVICE};
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::connection::ListedKey;
use crate::secret::Secret;

/// Whose keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyHolder {
    /// The person that the run's own key belongs to.
    Person,
    /// An organization, by its id.
    Organization(String),
}

impl fmt::Display for KeyHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person => f.write_str("this account"),
            Self::Organization(id) => write!(f, "organization {id:?}"),
        }
    }
}

impl KeyHolder {
    fn path(&self) -> Vec<&str> {
        match self {
            Self::Person => vec!["api_keys"],
            Self::Organization(id) => vec!["organizations", id, "api_keys"],
        }
    }

    fn advise(&self, error: CallError) -> CallError {
        let refused = matches!(error.kind, CallErrorKind::Forbidden | CallErrorKind::NotFound);
        match self {
            Self::Organization(id) if refused => error.advise(&format!(
                "Organization {id} does not exist, or the API key of this run cannot manage its keys. Use a personal API key of one \
                 of its administrators."
            )),
            Self::Person if error.kind == CallErrorKind::Forbidden => error.advise(
                "Personal keys can only be managed with a personal API key of the same person. Give this run such a key.",
            ),
            _ => error,
        }
    }
}

/// A new key.
pub struct NewKey {
    /// Its metadata (schema `ApiKeyCreateResponse`).
    pub key: ListedKey,
    /// Its value, which is not told again.
    pub value: Secret,
}

#[derive(Deserialize)]
struct Created {
    key: String,
    #[serde(flatten)]
    metadata: ListedKey,
}

/// How a request was authenticated (`GET /auth`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Identity {
    /// `api_key_user`, `api_key_org`, `oauth`, `session_cookie` or `keycloak`.
    #[serde(default)]
    pub auth_method: Option<String>,
    /// Undocumented. Unverified: that it is the key's id where `auth_method` is an API key.
    #[serde(default)]
    pub auth_data: Option<String>,
}

impl NeonClient {
    /// The holder's keys as they are now (schemas `ApiKeysListResponseItem`, `OrgApiKeysListResponseItem`). Revoked keys are not
    /// among them.
    ///
    /// # Errors
    /// [`CallError`] without effect, with advice about the key that it takes.
    pub async fn keys_now(&self, holder: &KeyHolder) -> Result<Vec<ListedKey>, CallError> {
        let path = holder.path();
        let call = Call::new("GET", &path, format!("listing API keys of {holder}"));
        let response = self.read(&call).await.map_err(|error| holder.advise(error))?;
        Ok(response.json::<Option<_>>()?.unwrap_or_default())
    }

    /// Makes a key of that name, limited to a project where one is given.
    ///
    /// # Errors
    /// [`CallError`]; with [`Effect::Possible`] the key may exist.
    pub async fn create_key(
        &self,
        holder: &KeyHolder,
        name: &str,
        project_id: Option<&str>,
        permit: &WritePermit,
    ) -> Result<NewKey, CallError> {
        let body = match project_id {
            Some(project_id) => json!({ "key_name": name, "project_id": project_id }),
            None => json!({ "key_name": name }),
        };
        let path = holder.path();
        let call = Call {
            body: Some(&body),
            ..Call::new("POST", &path, format!("minting API key {name} of {holder}")).secret_answer()
        };
        let answer = self.write(&call, permit).await;
        let answer = answer.map_err(|error| holder.advise(error));
        let created: Result<Created, _> = answer.and_then(|answer| answer.json());
        // Whatever is wrong with the answer, the next list tells it.
        self.0.keys.listings.forget(&holder.to_string());
        let created = created?;
        if created.key.is_empty() {
            let why = "the answer has no key";
            return Err(CallError::malformed(SERVICE, call.operation, Effect::Possible, why));
        }
        Ok(NewKey {
            key: created.metadata,
            value: Secret::new(created.key),
        })
    }

    /// Revokes a key; one that does not exist is an error of [`CallErrorKind::NotFound`].
    ///
    /// # Errors
    /// [`CallError`]; with [`Effect::Possible`] it may be revoked.
    pub async fn revoke_key(&self, holder: &KeyHolder, id: i64, permit: &WritePermit) -> Result<(), CallError> {
        let id = id.to_string();
        let mut path = holder.path();
        path.push(&id);
        let call = Call::new("DELETE", &path, format!("revoking API key {id} of {holder}"));
        let answer = self.write(&call, permit).await;
        self.0.keys.note_revoked(&holder.to_string(), &id, &answer);
        match answer {
            Ok(_) => Ok(()),
            Err(error) if error.kind == CallErrorKind::NotFound => Err(error),
            Err(error) => Err(holder.advise(error)),
        }
    }

    /// How this run is authenticated; `None` where Neon does not say.
    ///
    /// # Errors
    /// [`CallError`] without effect.
    pub async fn identity(&self) -> Result<Option<Identity>, CallError> {
        let call = Call::new("GET", &["auth"], "asking how this run is authenticated");
        match self.read(&call).await {
            Ok(response) => Ok(response.json().ok()),
            Err(error) if error.is_no_answer() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
