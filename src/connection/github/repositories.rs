//! The REST API for a repository itself: whether it takes writes, and which environments it has.
//!
//! A repository that is missing and one that the credential may not see are both "not found". A repository that was transferred is
//! not found either, and still holds its secrets, so nothing here can prove that a repository is gone
//! (docs/decisions/gone-needs-proof.md). <https://docs.github.com/en/rest/repos/repos>

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use serde::Deserialize;

use super::{GitHubClient, Repository, SERVICE, advise_repository};
use crate::call::{CallError, Effect};
use crate::http::Response;

/// The most that one page holds.
const PER_PAGE: usize = 100;

/// More pages than a repository's environments fill: what ends a listing that never ends.
const PAGES: usize = 100;

/// A repository as GitHub shows it to those who may read its metadata.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RepositoryDetails {
    /// GitHub's own id, which outlives a change of the name or the owner.
    #[serde(default)]
    pub id: Option<u64>,
    /// `owner/name`, as they are now.
    #[serde(default)]
    pub full_name: Option<String>,
    /// Read-only for everybody, its secrets included.
    #[serde(default)]
    pub archived: bool,
    /// The branch that a workflow runs on when nobody names one.
    #[serde(default)]
    pub default_branch: Option<String>,
    /// What the account that asks may do. Of an App or a fine-grained token it does not tell what *they* may do.
    #[serde(default)]
    pub(super) permissions: Option<Permissions>,
    /// The scopes of a classic token (`X-OAuth-Scopes`). `None` for all other credentials.
    #[serde(skip)]
    pub(super) scopes: Option<Vec<String>>,
}

/// The part of a repository's `permissions` that tells readers from writers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Permissions {
    #[serde(default)]
    pub(super) pull: bool,
    #[serde(default)]
    pub(super) push: bool,
}

#[derive(Deserialize)]
struct Page {
    total_count: Option<usize>,
    // No default: an answer without the list must not look like an empty one.
    environments: Vec<Environment>,
}

#[derive(Deserialize)]
struct Environment {
    name: String,
}

impl Repository {
    /// GitHub ignores letter case in both, so that one answer serves all spellings.
    pub(super) fn key(&self) -> String {
        format!("{}/{}", self.owner, self.name).to_lowercase()
    }
}

impl GitHubClient {
    /// A repository, read once per run.
    ///
    /// # Errors
    /// [`CallError`]; [`CallErrorKind::NotFound`] when it is missing or invisible.
    pub async fn repository(&self, repository: &Repository) -> Result<Arc<RepositoryDetails>, CallError> {
        let fetch = || async {
            let Repository { owner, name } = repository;
            let request = self.request(
                "GET",
                &["repos", owner, name],
                format!("reading repository {owner}/{name}"),
            );
            let answer = self.read(request).await;
            let answer = answer.map_err(|error| advise_repository(error, repository, None, "Metadata: read"))?;
            let scopes = answer.headers.get("x-oauth-scopes");
            Ok(RepositoryDetails {
                scopes: scopes.map(|scopes| scopes.split(',').map(|scope| scope.trim().to_owned()).collect()),
                ..answer.json()?
            })
        };
        self.0.repositories.get(&repository.key(), fetch).await
    }

    /// The repository's present owner and name, where the one that is asked for led to another: it was renamed or transferred.
    /// Asks nothing as long as GitHub has answered under the name that it was asked by.
    ///
    /// # Errors
    /// Those of [`Self::repository`].
    pub async fn present_name(&self, repository: &Repository) -> Result<Option<Repository>, CallError> {
        if !self.has_led_elsewhere(repository) {
            return Ok(None);
        }
        let details = self.repository(repository).await?;
        let present = details.full_name.as_deref().and_then(|full| full.split_once('/'));
        let present = present.map(|(owner, name)| Repository {
            owner: owner.to_owned(),
            name: name.to_owned(),
        });
        Ok(present.filter(|present| present.key() != repository.key()))
    }

    /// Notes that GitHub answered from another address than that of this repository's name.
    pub(super) fn note_redirect(&self, repository: &Repository, answer: &Response) {
        if answer.redirected {
            let mut known = self.0.redirected.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(repository.key());
        }
    }

    fn has_led_elsewhere(&self, repository: &Repository) -> bool {
        let known = self.0.redirected.lock().unwrap_or_else(PoisonError::into_inner);
        known.contains(&repository.key())
    }

    /// The lower-case names of all environments of a repository, read once per run. A list that is shorter than GitHub says is an
    /// error, so that what is not in the list does not exist.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn environments(&self, repository: &Repository) -> Result<Arc<BTreeSet<String>>, CallError> {
        let fetch = || self.list_environments(repository);
        self.0.environments.get(&repository.key(), fetch).await
    }

    async fn list_environments(&self, repository: &Repository) -> Result<BTreeSet<String>, CallError> {
        let Repository { owner, name } = repository;
        let operation = format!("listing the environments of {owner}/{name}");
        let mut found = BTreeSet::new();
        for page in 1..=PAGES {
            let request = self
                .request("GET", &["repos", owner, name, "environments"], &*operation)
                .query("per_page", PER_PAGE.to_string())
                .query("page", page.to_string());
            let answer = self.read(request).await;
            let answer = answer.map_err(|error| advise_repository(error, repository, None, "Actions: read"))?;
            let page: Page = answer.json()?;
            let is_last = page.environments.is_empty();
            found.extend(
                page.environments
                    .into_iter()
                    .map(|environment| environment.name.to_lowercase()),
            );
            match page.total_count {
                Some(total) if found.len() >= total => return Ok(found),
                None if is_last => return Ok(found),
                _ if is_last => break,
                _ => {}
            }
        }
        Err(CallError::malformed(
            SERVICE,
            operation,
            Effect::None,
            "the list has fewer environments than it says",
        ))
    }
}
