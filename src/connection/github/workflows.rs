//! The REST API for starting a workflow and following its run.
//!
//! A dispatch can't be given a name of our own. GitHub answers it with the run's id when it is asked to; Enterprise Server 3.19
//! and older refuse that question, and only say that they took the dispatch. <https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event>

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::{GitHubClient, Repository, advise_repository};
use crate::call::{CallError, WritePermit};
use crate::connection::serde_helpers::null_is_empty;
use crate::http::{Request, Response};

/// The key of a dispatch that asks for the id of its run.
const RUN_DETAILS: &str = "return_run_details";

/// A workflow that can be dispatched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    /// Its repository.
    pub repository: Repository,
    /// The name of its file, such as `publish.yml`, or its number.
    pub file: String,
    /// The branch or tag that it runs on.
    pub git_ref: String,
}

/// What an accepted dispatch told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dispatched {
    /// The id of the run.
    Run(u64),
    /// Nothing: the run has to be looked for.
    Accepted,
}

/// A run of a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Run {
    /// Its id, unique in all of GitHub.
    pub id: u64,
    /// `queued`, `in_progress`, `completed`, `waiting`, `pending` or `requested`.
    pub status: Option<String>,
    /// How it ended; null until then.
    pub conclusion: Option<String>,
    /// Its page; empty where GitHub does not tell.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub html_url: String,
    /// What the workflow's `run-name` makes of it, which may show an input.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub display_title: String,
}

#[derive(Deserialize)]
struct Details {
    workflow_run_id: u64,
}

#[derive(Deserialize)]
struct Runs {
    #[serde(deserialize_with = "null_is_empty")]
    workflow_runs: Vec<Run>,
}

impl Run {
    /// Its page, or what it is called without one.
    pub fn page(&self) -> String {
        match self.html_url.as_str() {
            "" => format!("run {}", self.id),
            page => page.to_owned(),
        }
    }
}

impl Workflow {
    fn segments<'a>(&'a self, last: &'a str) -> [&'a str; 7] {
        let Repository { owner, name } = &self.repository;
        ["repos", owner, name, "actions", "workflows", &self.file, last]
    }

    pub(super) fn describe(&self) -> String {
        let Repository { owner, name } = &self.repository;
        format!("workflow {:?} of {owner}/{name}", self.file)
    }

    pub(super) fn advise(&self, error: CallError, permission: &str) -> CallError {
        let error = advise_repository(error, &self.repository, None, permission);
        match error.status {
            Some(404) => error.advise("Or the repository has no such workflow. Use the name of the workflow's file."),
            Some(422) => error.advise(&format!(
                "The workflow needs the trigger workflow_dispatch with these inputs on {:?}, and the branch or tag must exist.",
                self.git_ref
            )),
            _ => error,
        }
    }
}

impl GitHubClient {
    /// Starts a workflow. No second event is sent, since it would be a second run; an Enterprise Server that does not permit the
    /// key that asks for the run's id has made none, so it gets the request once more without the key.
    ///
    /// # Errors
    /// [`CallError`]; with [`Effect::Possible`](crate::call::Effect::Possible) it may have started nevertheless.
    pub async fn dispatch(
        &self,
        workflow: &Workflow,
        inputs: &BTreeMap<String, String>,
        permit: &WritePermit,
    ) -> Result<Dispatched, CallError> {
        let answer = match self.send_dispatch(workflow, inputs, true, permit).await {
            // A refusal that names the parameter is no event yet.
            Err(error) if error.status == Some(422) && error.message.contains(RUN_DETAILS) => {
                self.send_dispatch(workflow, inputs, false, permit).await
            }
            sent => sent,
        };
        let answer = answer.map_err(|error| workflow.advise(error, "Actions: write"))?;
        if answer.status == 204 {
            return Ok(Dispatched::Accepted);
        }
        // An answer that can't be read confirms the dispatch all the same.
        Ok(answer
            .json::<Details>()
            .map_or(Dispatched::Accepted, |details| Dispatched::Run(details.workflow_run_id)))
    }

    async fn send_dispatch(
        &self,
        workflow: &Workflow,
        inputs: &BTreeMap<String, String>,
        with_details: bool,
        permit: &WritePermit,
    ) -> Result<Response, CallError> {
        let operation = format!("starting {}", workflow.describe());
        let mut body = serde_json::json!({ "ref": workflow.git_ref, "inputs": inputs });
        if let Some(fields) = body.as_object_mut().filter(|_| with_details) {
            fields.insert(RUN_DETAILS.to_owned(), true.into());
        }
        let request: Request = self.request("POST", &workflow.segments("dispatches"), operation);
        self.write(request.json(&body), permit).await
    }

    /// The user that this run authenticates as; `None` where GitHub does not say (installations of Apps are no users).
    pub async fn user(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct User {
            login: String,
        }
        let request = self.request("GET", &["user"], "reading who this run authenticates as");
        let answer = self.read(request).await.ok()?;
        answer.json::<User>().ok().map(|user| user.login)
    }

    /// The workflow's dispatched runs on its branch or tag since then, newest first; at most a page of them.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn dispatched_runs(
        &self,
        workflow: &Workflow,
        since: Timestamp,
        actor: Option<&str>,
    ) -> Result<Vec<Run>, CallError> {
        let operation = format!("listing the runs of {}", workflow.describe());
        // Runs know a branch or tag by its short name.
        let git_ref = &workflow.git_ref;
        let short = git_ref
            .strip_prefix("refs/heads/")
            .or_else(|| git_ref.strip_prefix("refs/tags/"));
        // Search dates are whole seconds (docs.github.com, "Understanding the search syntax").
        let since = since.strftime("%Y-%m-%dT%H:%M:%SZ");
        let mut request = self
            .request("GET", &workflow.segments("runs"), operation)
            .query("event", "workflow_dispatch")
            .query("branch", short.unwrap_or(git_ref))
            .query("created", format!(">={since}"))
            .query("per_page", "100");
        if let Some(actor) = actor {
            request = request.query("actor", actor);
        }
        let answer = self
            .read(request)
            .await
            .map_err(|error| workflow.advise(error, "Actions: read"))?;
        Ok(answer.json::<Runs>()?.workflow_runs)
    }

    /// One run.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn run(&self, workflow: &Workflow, id: u64) -> Result<Run, CallError> {
        let Repository { owner, name } = &workflow.repository;
        let id = id.to_string();
        let operation = format!("following run {id} of {}", workflow.describe());
        let request = self.request("GET", &["repos", owner, name, "actions", "runs", &id], operation);
        let answer = self
            .read(request)
            .await
            .map_err(|error| workflow.advise(error, "Actions: read"))?;
        answer.json()
    }
}
