//! Access tokens of the person whose token this run has.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{PAGE, Pagination, VENDOR, VercelClient};
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::connection::instant::milliseconds;
use crate::connection::{KeyApi, KeyRing, ListedKey, pages};
use crate::secret::Secret;

/// What a new token may reach and how long.
pub struct NewToken<'a> {
    /// Its name.
    pub name: &'a str,
    /// The only team that it reaches.
    pub team: Option<&'a str>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Asked<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
}

/// Schema `AuthToken`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default, deserialize_with = "milliseconds")]
    created_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "milliseconds")]
    active_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "milliseconds")]
    expires_at: Option<Timestamp>,
}

impl From<Told> for ListedKey {
    fn from(told: Told) -> Self {
        Self {
            id: told.id,
            name: told.name,
            created_at: told.created_at,
            // A token that was never used is active since it was made (unverified).
            last_used_at: told
                .active_at
                .filter(|at| told.created_at.is_none_or(|made| *at > made)),
            expires_at: told.expires_at,
        }
    }
}

#[derive(Deserialize)]
struct Page {
    tokens: Vec<Told>,
    pagination: Option<Pagination>,
}

#[derive(Deserialize)]
struct One {
    token: Told,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    token: Told,
    bearer_token: String,
}

/// Whether the text is an id of a token: one that is stored, or put into a path, and no value.
fn is_id(text: &str) -> bool {
    text.len() >= 16 && text != "current" && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

impl VercelClient {
    fn advise_tokens(&self, error: CallError) -> CallError {
        match error.kind {
            CallErrorKind::Forbidden => error.advise(&format!(
                "The token in {} may not manage tokens. Set it to one with access to the whole account.",
                self.rest().origin
            )),
            _ => error,
        }
    }

    /// Looks a team up; one that this run does not reach is an error of [`CallErrorKind::NotFound`] or [`CallErrorKind::Forbidden`].
    ///
    /// # Errors
    /// [`CallError`] without effect.
    pub(crate) async fn team(&self, id: &str) -> Result<(), CallError> {
        let request = self.of_account("GET", &["v2", "teams", id], format!("looking up team {id}"));
        let answer = self.rest().read(request).await.map(drop);
        answer.map_err(|error| match error.kind {
            CallErrorKind::Forbidden | CallErrorKind::NotFound => error.advise(&format!(
                "Team {id} does not exist, or the token in {} does not reach it. Compare `team_id` with the id in the team's settings.",
                self.rest().origin
            )),
            _ => error,
        })
    }

    /// Makes a token; returns what is listed of it, and its value, which is not told again.
    ///
    /// # Errors
    /// [`CallError`]; with [`Effect::Possible`] it may exist.
    pub(crate) async fn create_token(
        &self,
        new: &NewToken<'_>,
        permit: &WritePermit,
    ) -> Result<(ListedKey, Secret), CallError> {
        let operation = format!("minting token {}", new.name);
        let request = self
            .of_account("POST", &["v3", "user", "tokens"], &*operation)
            .secret_answer();
        let request = match new.team {
            Some(team) => request.query("teamId", team),
            None => request,
        };
        let asked = Asked {
            name: new.name,
            expires_at: new.expires_at.map(Timestamp::as_millisecond),
        };
        let answer = self.rest().write(request.json(&asked), permit).await;
        self.0.tokens.listings.forget("");
        let Created { token, bearer_token } = answer.map_err(|error| self.advise_tokens(error))?.json()?;
        let value = Secret::new(bearer_token);
        if !is_id(&token.id) || value.is_empty() {
            let why = "the answer has no id or no token";
            return Err(CallError::malformed(VENDOR.title, operation, Effect::Possible, why));
        }
        Ok((token.into(), value))
    }
}

#[async_trait]
impl KeyRing for VercelClient {
    fn api(&self) -> &KeyApi {
        &self.0.tokens
    }

    /// Without those that have expired.
    async fn keys_now(&self) -> Result<Vec<ListedKey>, CallError> {
        let operation = "listing tokens";
        let page = |until: Option<String>| async move {
            let request = self
                .of_account("GET", &["v5", "user", "tokens"], operation)
                .query("limit", PAGE);
            let request = match until {
                Some(until) => request.query("until", until),
                None => request,
            };
            let answer = self
                .rest()
                .read(request)
                .await
                .map_err(|error| self.advise_tokens(error))?;
            let page: Page = answer.json()?;
            if !page.tokens.iter().all(|token| is_id(&token.id)) {
                let why = "an id in the list is none";
                return Err(CallError::malformed(VENDOR.title, operation, Effect::None, why));
            }
            Ok((page.tokens, Pagination::cursor(page.pagination.as_ref())))
        };
        let all = pages::all(VENDOR.title, operation, page).await?;
        let now = self.clock().real_now();
        let alive = all.into_iter().map(ListedKey::from);
        Ok(alive
            .filter(|token| token.expires_at.is_none_or(|at| at > now))
            .collect())
    }

    async fn told_own(&self, id: &str) -> Result<Option<bool>, CallError> {
        let request = self.of_account(
            "GET",
            &["v5", "user", "tokens", "current"],
            "reading the token of this run",
        );
        let answer = self
            .rest()
            .read(request)
            .await
            .map_err(|error| self.advise_tokens(error))?;
        let One { token } = answer.json()?;
        Ok(Some(token.id == id))
    }

    async fn revoke_key(&self, id: &str, permit: &WritePermit) -> Result<(), CallError> {
        let operation = format!("revoking token {id:?}");
        if !is_id(id) {
            // The word `current` would revoke the token of this run.
            return Err(CallError::refused(VENDOR.title, operation, "that is no id of a token"));
        }
        let request = self.of_account("DELETE", &["v3", "user", "tokens", id], operation);
        let answer = self.rest().write(request, permit).await;
        self.0.tokens.listings.forget("");
        answer.map(drop).map_err(|error| self.advise_tokens(error))
    }
}
