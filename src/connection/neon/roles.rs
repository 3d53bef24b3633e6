//! Roles of a branch: listed once a run, their passwords reset and revealed.
//!
//! A role has one password, which Neon makes; a reset drops the connections of the branch's computes. Neon reveals a
//! password again unless the project's `store_passwords` is off. <https://neon.com/docs/manage/roles>

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;

use super::operations::Operation;
use super::{Call, NeonClient, SERVICE};
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::connection::instant::instant;
use crate::connection::serde_helpers::null_is_empty;
use crate::http::Shared;
use crate::secret::Secret;

/// Listings by branch.
pub(super) type Listings = Shared<Vec<Role>>;

/// A branch by its ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// The project's id.
    pub project_id: String,
    /// The branch's id, `br-…`.
    pub branch_id: String,
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "branch {} of project {}", self.branch_id, self.project_id)
    }
}

impl Branch {
    /// The segments of the branch's own path.
    pub(super) fn path(&self) -> [&str; 4] {
        ["projects", &self.project_id, "branches", &self.branch_id]
    }

    pub(super) fn advise(&self, error: CallError) -> CallError {
        match error.kind {
            CallErrorKind::Forbidden | CallErrorKind::NotFound => error.advise(&format!(
                "It does not exist, or the API key of this run has no access to {self}. Use the key of a member of the project's \
                 organization, or a key for this project."
            )),
            _ => error,
        }
    }
}

/// A role's metadata (schema `Role`); its password is never read from a listing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// `password`, `oauth` or `no_login`; absent for older roles.
    #[serde(default)]
    pub authentication_method: Option<String>,
    /// Moves with every reset. Unverified: that nothing else moves it.
    #[serde(default, deserialize_with = "instant")]
    pub updated_at: Option<Timestamp>,
}

/// A password that was made just now, and what has to finish before it works.
pub struct Reset {
    /// The role as it was when the reset was accepted.
    pub role: Role,
    /// The new password.
    pub password: Secret,
    /// The operations that bring it to the computes; the old password works until the last one finishes.
    pub operations: Vec<Operation>,
}

#[derive(Deserialize)]
struct RoleList {
    #[serde(deserialize_with = "null_is_empty")]
    roles: Vec<Role>,
}

#[derive(Deserialize)]
struct ResetAnswer {
    role: RoleWithPassword,
    #[serde(default, deserialize_with = "null_is_empty")]
    operations: Vec<Operation>,
}

#[derive(Deserialize)]
struct RoleWithPassword {
    #[serde(default, deserialize_with = "null_is_empty")]
    password: String,
    #[serde(flatten)]
    role: Role,
}

#[derive(Deserialize)]
struct Revealed {
    password: String,
}

impl NeonClient {
    /// The roles of a branch, from the listing that all readers of this run share.
    ///
    /// # Errors
    /// [`CallError`] without effect, with advice about the branch.
    pub async fn roles(&self, branch: &Branch) -> Result<Arc<Vec<Role>>, CallError> {
        self.0.roles.get(&branch.to_string(), || self.roles_now(branch)).await
    }

    /// The roles of a branch as they are now. Neon gives all of them at once.
    ///
    /// # Errors
    /// As [`Self::roles`].
    pub async fn roles_now(&self, branch: &Branch) -> Result<Vec<Role>, CallError> {
        let [a, b, c, d] = branch.path();
        let path = [a, b, c, d, "roles"];
        let call = Call::new("GET", &path, format!("listing roles of {branch}"));
        let response = self.read(&call).await.map_err(|error| branch.advise(error))?;
        Ok(response.json::<RoleList>()?.roles)
    }

    /// Has Neon make a new password for a role. It works when [`Reset::operations`] have finished.
    ///
    /// # Errors
    /// [`CallError`]; with [`Effect::Possible`] the password may be another one now.
    pub async fn reset_password(&self, branch: &Branch, role: &str, permit: &WritePermit) -> Result<Reset, CallError> {
        let [a, b, c, d] = branch.path();
        let path = [a, b, c, d, "roles", role, "reset_password"];
        let call = Call::new(
            "POST",
            &path,
            format!("resetting the password of role {role:?} of {branch}"),
        )
        .secret_answer();
        let answer = self.write(&call, permit).await;
        self.0.roles.forget(&branch.to_string());
        let answer: ResetAnswer = answer.map_err(|error| branch.advise(error))?.json()?;
        let RoleWithPassword {
            password,
            role: answered,
        } = answer.role;
        let malformed = |what| CallError::malformed(SERVICE, call.operation, Effect::Possible, what);
        let password = Secret::new(password);
        if password.is_empty() {
            return Err(malformed("the answer has no password"));
        }
        if answered.name != role {
            return Err(malformed("the answer is about another role"));
        }
        Ok(Reset {
            role: answered,
            password,
            operations: answer.operations,
        })
    }

    /// A role's password; `None` where the project does not store passwords (412).
    ///
    /// # Errors
    /// [`CallError`] without effect.
    pub async fn reveal_password(&self, branch: &Branch, role: &str) -> Result<Option<Secret>, CallError> {
        let [a, b, c, d] = branch.path();
        let path = [a, b, c, d, "roles", role, "reveal_password"];
        let call = Call::new(
            "GET",
            &path,
            format!("revealing the password of role {role:?} of {branch}"),
        )
        .secret_answer();
        match self.read(&call).await {
            Ok(response) => {
                let revealed: Revealed = response.json()?;
                Ok(Some(Secret::new(revealed.password)).filter(|password| !password.is_empty()))
            }
            Err(error) if is_unstored(&error) => Ok(None),
            Err(error) => Err(branch.advise(error)),
        }
    }
}

/// Whether Neon refused because the project does not store passwords.
pub(super) fn is_unstored(error: &CallError) -> bool {
    error.status == Some(412)
}
