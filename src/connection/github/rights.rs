//! What reads tell of the right to write, before anything is at stake.
//!
//! An archived repository takes no writes. A classic token names its scopes with every answer, and its account's role with the
//! repository; an App's permissions come with its installation token. A fine-grained token tells nothing of its own: the role that
//! GitHub shows is that of its owner. <https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api>

use super::{GitHubClient, Login, Repository, RepositoryDetails, SERVICE};
use crate::call::{CallError, CallErrorKind, Effect};

/// A permission of fine-grained tokens and Apps
/// (<https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// Its key in what an installation token is granted: `secrets`.
    pub key: &'static str,
    /// Its name in GitHub's settings: `Secrets`.
    pub name: &'static str,
}

/// The scopes of a classic token one of which a write needs. What `public_repo` is enough for depends on the repository.
const SCOPES: [&str; 2] = ["repo", "public_repo"];

impl GitHubClient {
    /// Refuses a write that GitHub would refuse. A repository that may not be read tells nothing.
    ///
    /// # Errors
    /// [`CallErrorKind::Forbidden`], with `way_out` where the repository is archived; others when GitHub is away.
    pub(super) async fn check_permission(
        &self,
        repository: &Repository,
        needed: Permission,
        operation: &str,
        way_out: &str,
    ) -> Result<(), CallError> {
        let details = match self.repository(repository).await {
            Ok(details) => details,
            Err(error) if matches!(error.kind, CallErrorKind::Forbidden | CallErrorKind::NotFound) => return Ok(()),
            Err(error) => return Err(error),
        };
        let Repository { owner, name } = repository;
        let (what, advice) = if details.archived {
            let what = format!("Repository {owner}/{name} is archived and read-only.");
            (what, way_out.to_owned())
        } else if let Some(missing) = self.missing_permission(repository, &details, needed).await {
            missing
        } else {
            return Ok(());
        };
        let error = CallError::new(CallErrorKind::Forbidden, Effect::None, SERVICE, operation, None, &what);
        Err(error.advise(&advice))
    }

    /// What the credential lacks, and what to do about it.
    async fn missing_permission(
        &self,
        repository: &Repository,
        details: &RepositoryDetails,
        needed: Permission,
    ) -> Option<(String, String)> {
        let Repository { owner, name } = repository;
        let Permission { key, name: permission } = needed;
        if let Login::App(app) = &self.0.login {
            let granted = app.permissions().await?;
            let may = granted
                .get(key)
                .is_some_and(|level| matches!(level.as_str(), "write" | "admin"));
            return (!may).then(|| {
                (
                    format!("The GitHub App's installation lacks the permission \"{permission}: write\"."),
                    "Grant it in the App's settings, and accept it for the installation.".to_owned(),
                )
            });
        }
        let scopes = details.scopes.as_ref()?;
        if !scopes.iter().any(|scope| SCOPES.contains(&scope.as_str())) {
            let has = match scopes.join(", ") {
                none if none.is_empty() => "no scopes".to_owned(),
                some => format!("only the scopes {some}"),
            };
            return Some((
                format!("The classic token that this run authenticates with has {has}."),
                format!(
                    "Give it the scope \"repo\", or use a fine-grained token with \"{permission}: write\" for {owner}/{name}."
                ),
            ));
        }
        let reads_only = details.permissions.is_some_and(|account| account.pull && !account.push);
        reads_only.then(|| {
            (
                format!("The account that this run authenticates as may read {owner}/{name} but not write to it."),
                "Give it the role Write, or use a token of another account.".to_owned(),
            )
        })
    }
}
