//! Whether a workflow can be started, as far as reads tell: its state, its branch or tag, its trigger.
//!
//! A dispatch is refused for all of these, but by then the credential is minted. What needs the permission *Contents: read* is left
//! out where the run's credential lacks it.
//! <https://docs.github.com/en/rest/actions/workflows#get-a-workflow>, <https://docs.github.com/en/rest/git/refs>,
//! <https://docs.github.com/en/rest/repos/contents>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::rights::Permission;
use super::{GitHubClient, Repository, SERVICE, Workflow};
use crate::call::{CallError, CallErrorKind, Effect};

/// Without this word in its file a workflow has no such trigger. With it, it may still have none.
const TRIGGER: &str = "workflow_dispatch";

/// What a dispatch needs.
const START_WORKFLOWS: Permission = Permission {
    key: "actions",
    name: "Actions",
};

/// A workflow as GitHub lists it.
#[derive(Deserialize)]
struct Listed {
    /// `.github/workflows/publish.yml`; for those that GitHub itself makes, no file of the repository.
    #[serde(default)]
    path: String,
    /// `active`, `deleted`, `disabled_fork`, `disabled_inactivity` or `disabled_manually`.
    #[serde(default)]
    state: String,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(rename = "ref")]
    name: String,
}

/// A file; the content of a large one is left out, and its encoding is `none`.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    encoding: String,
    #[serde(default)]
    content: String,
}

/// What a branch or tag has at a path.
enum Content {
    Nothing,
    /// A file whose text GitHub does not tell.
    Untold,
    Text(String),
}

impl GitHubClient {
    /// The branch that a repository's workflows run on when nobody names one.
    ///
    /// # Errors
    /// [`CallError`]; [`CallErrorKind::NotFound`] when the repository is missing or invisible.
    pub async fn default_branch(&self, repository: &Repository) -> Result<String, CallError> {
        let details = self.repository(repository).await?;
        details.default_branch.clone().ok_or_else(|| {
            let Repository { owner, name } = repository;
            let operation = format!("reading the default branch of {owner}/{name}");
            let what = "GitHub does not tell it: set `ref`";
            CallError::malformed(SERVICE, operation, Effect::None, what)
        })
    }

    /// Refuses what a dispatch would be refused for, as far as reads tell.
    ///
    /// # Errors
    /// [`CallError`] without effect.
    pub async fn check_dispatchable(&self, workflow: &Workflow) -> Result<(), CallError> {
        let operation = format!("preparing to start {}", workflow.describe());
        let way_out = "Unarchive it, or remove the check from `checks`.";
        self.check_permission(&workflow.repository, START_WORKFLOWS, &operation, way_out)
            .await?;
        let Repository { owner, name } = &workflow.repository;
        let refused = |what: &str, advice: &str| {
            let error = CallError::new(CallErrorKind::Invalid, Effect::None, SERVICE, &*operation, None, what);
            Err(error.advise(advice))
        };
        let listed = self.listed(workflow, &operation).await?;
        if listed.state == "deleted" || listed.state.starts_with("disabled") {
            return refused(
                &format!("The workflow cannot be started: its state is {}.", listed.state),
                &format!(
                    "Enable it (gh workflow enable {} --repo {owner}/{name}).",
                    workflow.file
                ),
            );
        }
        let git_ref = &workflow.git_ref;
        match self.has_ref(workflow, &operation).await? {
            None => return Ok(()),
            Some(false) => {
                return refused(
                    &format!("Repository {owner}/{name} has no branch or tag {git_ref:?}."),
                    "Correct `ref`, or leave it out for the default branch.",
                );
            }
            Some(true) => {}
        }
        if !listed.path.starts_with(".github/") {
            return Ok(());
        }
        match self.file(workflow, &listed.path, &operation).await? {
            Content::Nothing => refused(
                &format!("There is no file {} on {git_ref}.", listed.path),
                "Add the workflow there, or correct `ref`.",
            ),
            Content::Text(text) if !text.contains(TRIGGER) => refused(
                &format!(
                    "{} on {git_ref} has no trigger {TRIGGER}, so it cannot be started.",
                    listed.path
                ),
                &format!("Add `{TRIGGER}:` under `on:` there."),
            ),
            Content::Text(_) | Content::Untold => Ok(()),
        }
    }

    async fn listed(&self, workflow: &Workflow, operation: &str) -> Result<Listed, CallError> {
        let Repository { owner, name } = &workflow.repository;
        let segments = ["repos", owner, name, "actions", "workflows", &workflow.file];
        let answer = self.read(self.request("GET", &segments, operation)).await;
        answer.map_err(|error| workflow.advise(error, "Actions: read"))?.json()
    }

    /// Whether the branch or tag exists: a list of references that has it, or lacks it. `None` where this run may not read the list.
    async fn has_ref(&self, workflow: &Workflow, operation: &str) -> Result<Option<bool>, CallError> {
        let Repository { owner, name } = &workflow.repository;
        let git_ref = workflow.git_ref.as_str();
        let whole = match git_ref.starts_with("refs/") {
            true => vec![git_ref.to_owned()],
            false => vec![format!("refs/heads/{git_ref}"), format!("refs/tags/{git_ref}")],
        };
        for wanted in whole {
            let mut segments = vec!["repos", owner, name, "git", "matching-refs"];
            segments.extend(wanted.split('/').skip(1));
            let request = self.request("GET", &segments, operation).accept(&[403, 404, 409]);
            let answer = self.read(request).await?;
            if answer.status != 200 {
                return Ok(None);
            }
            if answer
                .json::<Vec<Reference>>()?
                .iter()
                .any(|found| found.name == wanted)
            {
                return Ok(Some(true));
            }
        }
        Ok(Some(false))
    }

    /// A file on the workflow's branch or tag. To be asked only where [`Self::has_ref`] could be: a missing permission looks like a
    /// missing file.
    async fn file(&self, workflow: &Workflow, path: &str, operation: &str) -> Result<Content, CallError> {
        let Repository { owner, name } = &workflow.repository;
        let mut segments = vec!["repos", owner, name, "contents"];
        segments.extend(path.split('/'));
        let request = self
            .request("GET", &segments, operation)
            .query("ref", &*workflow.git_ref)
            .accept(&[404]);
        let answer = self.read(request).await?;
        if answer.status == 404 {
            return Ok(Content::Nothing);
        }
        let file: File = answer.json()?;
        let bytes = STANDARD.decode(file.content.split_whitespace().collect::<String>());
        let bytes = bytes.ok().filter(|_| file.encoding == "base64");
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        Ok(text.map_or(Content::Untold, Content::Text))
    }
}
