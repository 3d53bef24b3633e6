//! Whether a branch exists, and whether Neon says that a project was deleted.
//!
//! "Not found" is also what a key is told that does not cover the project. A project that was transferred to another organization is
//! not found either, and keeps its roles and passwords, so that a list of projects which lacks it proves nothing; the list of
//! deleted projects does (docs/decisions/gone-needs-proof.md). <https://neon.com/docs/manage/branches>

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;

use super::{Branch, Call, NeonClient, SERVICE};
use crate::call::{CallError, CallErrorKind};
use crate::connection::pages;
use crate::connection::serde_helpers::null_is_empty;
use crate::http::Shared;

/// What was listed in this run.
#[derive(Default)]
pub(super) struct Listings {
    /// Ids of branches by project.
    branches: Shared<BTreeSet<String>>,
    /// Ids of the account's deleted projects.
    deleted_projects: Shared<BTreeSet<String>>,
}

/// How many branches are asked for at a time (Neon permits 10,000), and how many projects (the most that it permits).
const BRANCHES_PER_PAGE: &str = "1000";
const PROJECTS_PER_PAGE: &str = "400";

#[derive(Deserialize)]
struct BranchPage {
    // No default: an answer without the list must not look like an empty one.
    branches: Vec<Item>,
    #[serde(default, deserialize_with = "null_is_empty")]
    pagination: NextPage,
}

#[derive(Default, Deserialize)]
struct NextPage {
    #[serde(default, deserialize_with = "null_is_empty")]
    next: String,
}

#[derive(Deserialize)]
struct ProjectPage {
    #[serde(deserialize_with = "null_is_empty")]
    projects: Vec<Item>,
    #[serde(default, deserialize_with = "null_is_empty")]
    pagination: Cursor,
}

#[derive(Default, Deserialize)]
struct Cursor {
    #[serde(default, deserialize_with = "null_is_empty")]
    cursor: String,
}

#[derive(Deserialize)]
struct OrganizationList {
    #[serde(deserialize_with = "null_is_empty")]
    organizations: Vec<Item>,
}

/// A branch, a project or an organization in a list.
#[derive(Deserialize)]
struct Item {
    id: String,
    /// Only of deleted projects.
    #[serde(default)]
    deleted_at: Option<String>,
}

impl NeonClient {
    /// The ids of all branches of a project, read once per run. Deleted branches are not among them, also while they can be
    /// recovered.
    ///
    /// # Errors
    /// [`CallError`] without effect.
    pub async fn branches(&self, project_id: &str) -> Result<Arc<BTreeSet<String>>, CallError> {
        let fetch = || self.list_branches(project_id);
        self.0.branches.branches.get(project_id, fetch).await
    }

    async fn list_branches(&self, project_id: &str) -> Result<BTreeSet<String>, CallError> {
        let path = ["projects", project_id, "branches"];
        let operation = format!("listing branches of project {project_id}");
        let (path, asked) = (&path, &*operation);
        let page = |cursor: Option<String>| async move {
            let mut query = vec![("limit", BRANCHES_PER_PAGE)];
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let call = Call {
                query: &query,
                ..Call::new("GET", path, asked)
            };
            let page: BranchPage = self.read(&call).await?.json()?;
            let next = page.pagination.next;
            let next = (!page.branches.is_empty() && !next.is_empty()).then_some(next);
            Ok((page.branches, next))
        };
        let found = pages::all(SERVICE, &operation, page).await?;
        Ok(found.into_iter().map(|branch| branch.id).collect())
    }

    /// Whether Neon lists the project among those that were deleted and can still be recovered.
    ///
    /// # Errors
    /// [`CallError`] without effect.
    pub async fn is_deleted_project(&self, project_id: &str) -> Result<bool, CallError> {
        let fetch = || self.list_deleted_projects();
        let deleted = self.0.branches.deleted_projects.get("", fetch).await?;
        Ok(deleted.contains(project_id))
    }

    /// An organization's key sees its own projects; a personal key has to name each organization.
    async fn list_deleted_projects(&self) -> Result<BTreeSet<String>, CallError> {
        match self.deleted_projects_of(None).await {
            Err(error) if error.kind == CallErrorKind::Invalid => {}
            told => return told,
        }
        let path = ["users", "me", "organizations"];
        let call = Call::new("GET", &path, "listing the organizations of this account");
        let organizations = self.read(&call).await?.json::<OrganizationList>()?.organizations;
        let mut deleted = BTreeSet::new();
        for organization in organizations {
            deleted.extend(self.deleted_projects_of(Some(&organization.id)).await?);
        }
        Ok(deleted)
    }

    async fn deleted_projects_of(&self, organization: Option<&str>) -> Result<BTreeSet<String>, CallError> {
        let operation = match organization {
            Some(id) => format!("listing deleted projects of organization {id:?}"),
            None => "listing deleted projects".to_owned(),
        };
        let asked = &*operation;
        let page = |cursor: Option<String>| async move {
            let mut query = vec![("recoverable", "true"), ("limit", PROJECTS_PER_PAGE)];
            query.extend(organization.map(|id| ("org_id", id)));
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let call = Call {
                query: &query,
                ..Call::new("GET", &["projects"], asked)
            };
            let page: ProjectPage = self.read(&call).await?.json()?;
            let next = page.pagination.cursor;
            let next = (!page.projects.is_empty() && !next.is_empty()).then_some(next);
            Ok((page.projects, next))
        };
        let found = pages::all(SERVICE, &operation, page).await?;
        // A server that does not know the question lists living projects, which have no such time.
        let deleted = found.into_iter().filter(|project| project.deleted_at.is_some());
        Ok(deleted.map(|project| project.id).collect())
    }

    /// Whether a branch is proved to be no more: the project's list lacks it, or Neon says that the project was deleted.
    ///
    /// # Errors
    /// [`CallError`] without effect, when it cannot be told.
    pub async fn is_gone(&self, branch: &Branch) -> Result<bool, CallError> {
        let refusal = match self.branches(&branch.project_id).await {
            Ok(all) => return Ok(!all.contains(&branch.branch_id)),
            Err(error) if error.kind == CallErrorKind::NotFound => error,
            Err(error) => return Err(error),
        };
        match self.is_deleted_project(&branch.project_id).await? {
            true => Ok(true),
            false => Err(refusal),
        }
    }
}
