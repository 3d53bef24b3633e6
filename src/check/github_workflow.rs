//! A GitHub Actions workflow that must succeed: the way to prove a secret that only workflows can use.
//!
//! It takes no parts of the credential: the workflow reads the secret itself. Starting a workflow can't be undone, so it is
//! sent once an attempt; when the answer is lost, the run is looked for. It must not take another's run for its own.
//! <https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event>

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::check::{Check, CheckConfig, CheckFailure, CheckKind, Patience, Presents};
use crate::clock::{Deadline, Next};
use crate::connection::Link;
use crate::connection::github::{
    self, Dispatched, GitHub, GitHubClient, Repository, Run, Workflow, permitted, repository_mistake,
};
use crate::diagnostics::Argument;
use crate::secret::{Parts, redact};
use crate::stop::Stop;
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Node, Type};

/// The kind.
pub static KIND: CheckKind = CheckKind {
    name: "github_workflow",
    summary: "Starts a GitHub Actions workflow, which must succeed.",
    api_docs: Some("https://docs.github.com/en/rest/actions/workflows"),
    attributes,
    patience: Patience {
        timeout: Duration::from_secs(30 * 60),
        // A failed run is shown to people, who know whether another makes sense.
        retry_for: Duration::ZERO,
    },
    reach: Some(github::VENDOR.reach()),
    parse,
};

/// The most inputs that a dispatch takes (schema of the request).
const INPUTS: usize = 25;

/// How far back runs are listed before a dispatch, for those that are not ours: more than two clocks should differ.
const LOOK_BACK: SignedDuration = SignedDuration::from_mins(10);

/// How long a run is looked for whose id is not known. GitHub lists it some seconds after the dispatch.
const APPEARS_WITHIN: Duration = Duration::from_secs(120);

/// Pauses between looks at a run: short at first, then this, then that.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_secs(5);
const LATE_PAUSE: Duration = Duration::from_secs(15);
/// From when the longer pause is enough.
const LATE: Duration = Duration::from_secs(300);

fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::required(
            "repository",
            Type::String,
            "The repository: `owner/name`, or `name` with the connection's `owner`.",
        ),
        Attribute::required(
            "workflow",
            Type::String,
            "The name of the workflow's file, such as `publish.yml`, or its number. It needs the trigger `workflow_dispatch`.",
        ),
        Attribute::optional(
            "ref",
            Type::String,
            "The branch or tag to run on. Default: the repository's default branch.",
        ),
        Attribute::optional(
            "inputs",
            Type::string_map(),
            "The inputs of the workflow, at most 25. GitHub shows them and the state stores them, so they must not contain secrets.",
        ),
    ]
}

#[derive(Clone)]
struct Config {
    repository: String,
    workflow: String,
    /// `None`: the default branch.
    git_ref: Option<String>,
    inputs: BTreeMap<String, String>,
}

fn parse(node: &Node<'_>, _connection: Option<&str>, problems: &mut Diagnostics) -> Option<Box<dyn CheckConfig>> {
    let mut checked = |name: &str, mistake| {
        let node = node.attr(name);
        permitted(&node, node.required_string(problems), mistake, problems).known()
    };
    let repository = checked("repository", repository_mistake);
    let workflow = checked("workflow", workflow_mistake);
    let ref_node = node.attr("ref");
    let git_ref = permitted(&ref_node, ref_node.string(problems), ref_mistake, problems).optional();
    let inputs = node.attr("inputs").string_map(problems).or(BTreeMap::new())?;
    if inputs.len() > INPUTS {
        node.attr("inputs").report(problems, |argument| Argument::TooMany {
            argument,
            count: inputs.len(),
            most: INPUTS,
            advice: "That is GitHub's limit for a workflow.".into(),
        });
        return None;
    }
    Some(Box::new(Config {
        repository: repository?,
        workflow: workflow?,
        git_ref: git_ref?,
        inputs,
    }))
}

/// The rules of git-check-ref-format for what a person may get wrong. A dispatch takes no commit.
fn ref_mistake(text: &str) -> Option<&'static str> {
    let odd = |c: char| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c);
    let is_name = !text.split('/').any(|part| part.is_empty() || part.starts_with('.')) && !text.contains("..");
    let is_commit = text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match (is_name && !text.contains(odd), is_commit) {
        (false, _) => Some("Write the name of a branch or tag, such as \"main\" or \"v2\"."),
        (true, true) => Some("A workflow runs on a branch or tag, not on a commit."),
        (true, false) => None,
    }
}

fn workflow_mistake(text: &str) -> Option<&'static str> {
    let is_number = text.chars().all(|c| c.is_ascii_digit());
    let is_file = !text.contains('/') && [".yml", ".yaml"].iter().any(|end| text.ends_with(end));
    (!is_number && !is_file)
        .then_some("Write the name of its file without the folder, such as \"publish.yml\", or its number.")
}

impl CheckConfig for Config {
    fn presents(&self) -> Presents {
        Presents::Nothing
    }

    fn parts_used(&self) -> Vec<String> {
        Vec::new()
    }

    fn in_words(&self) -> String {
        let input = |(name, value): (&String, &String)| match value.contains(char::is_control) {
            true => format!("{name}={value:?}"),
            false => format!("{name}={value}"),
        };
        let inputs: Vec<String> = self.inputs.iter().map(input).collect();
        let inputs = match inputs.is_empty() {
            true => String::new(),
            false => format!(" with {}", inputs.join(", ")),
        };
        let git_ref = self.git_ref.as_deref().unwrap_or("its default branch");
        format!("workflow {} of {} on {git_ref}{inputs}", self.workflow, self.repository)
    }

    /// To run is what a workflow is for.
    fn has_effects(&self) -> bool {
        true
    }

    fn default_patience(&self) -> Patience {
        KIND.patience
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Check>, Diagnostic> {
        Ok(Box::new(WorkflowCheck {
            client: link.account::<GitHub>()?.client()?,
            repository: link.account::<GitHub>()?.repository(&self.repository)?,
            file: self.workflow.clone(),
            git_ref: self.git_ref.clone(),
            inputs: self.inputs.clone(),
        }))
    }
}

struct WorkflowCheck {
    client: GitHubClient,
    repository: Repository,
    file: String,
    /// `None`: the default branch.
    git_ref: Option<String>,
    inputs: BTreeMap<String, String>,
}

/// Why an attempt did not pass.
enum Shortfall {
    /// The run ended, and not with success: another may be started.
    Failed(String),
    /// Anything else: another run could meet one that still runs, or fail likewise.
    Lasting(String),
    /// The end was asked for.
    Interrupted(String),
}

impl Shortfall {
    fn lasting(error: &CallError) -> Self {
        Self::Lasting(CheckFailure::of_call(error).message)
    }
}

#[async_trait]
impl Check for WorkflowCheck {
    /// Whether it can be started, as far as reads tell; whether it takes the inputs only a dispatch does.
    async fn inspect(&self) -> Result<(), CallError> {
        self.client.check_dispatchable(&self.workflow().await?).await
    }

    async fn run(
        &self,
        _parts: Option<&Parts>,
        patience: Patience,
        stop: &Stop,
        permit: &WritePermit,
    ) -> Result<(), CheckFailure> {
        let retry_until = self.client.clock().deadline(patience.retry_for);
        loop {
            if stop.requested() {
                return Err(CheckFailure {
                    message: format!("{} was not started: interrupted.", self.name()),
                    interrupted: true,
                });
            }
            let (message, interrupted) = match self.attempt(patience.timeout, stop, permit).await {
                Ok(()) => return Ok(()),
                Err(Shortfall::Failed(_)) if !retry_until.passed() => continue,
                Err(Shortfall::Failed(message) | Shortfall::Lasting(message)) => (message, false),
                Err(Shortfall::Interrupted(message)) => (message, true),
            };
            return Err(CheckFailure {
                message: redact(&message),
                interrupted,
            });
        }
    }
}

impl WorkflowCheck {
    /// For messages.
    fn name(&self) -> String {
        let Repository { owner, name } = &self.repository;
        format!("Workflow {:?} of {owner}/{name}", self.file)
    }

    /// The workflow with the branch or tag that it runs on.
    async fn workflow(&self) -> Result<Workflow, CallError> {
        let git_ref = match &self.git_ref {
            Some(git_ref) => git_ref.clone(),
            None => self.client.default_branch(&self.repository).await?,
        };
        Ok(Workflow {
            repository: self.repository.clone(),
            file: self.file.clone(),
            git_ref,
        })
    }

    /// One run from its start to its end.
    async fn attempt(&self, timeout: Duration, stop: &Stop, permit: &WritePermit) -> Result<(), Shortfall> {
        let clock = self.client.clock();
        let deadline = clock.deadline(timeout);
        let workflow = self.workflow().await.map_err(|error| Shortfall::lasting(&error))?;
        let now = clock.real_now();
        let since = now.checked_sub(LOOK_BACK).unwrap_or(now);
        // What runs already is not ours. Asking also finds a missing workflow before anything is started.
        let others = self.client.dispatched_runs(&workflow, since, None).await;
        let others = others.map_err(|error| Shortfall::lasting(&error))?;
        let others: BTreeSet<u64> = others.into_iter().map(|run| run.id).collect();
        let id = match self.client.dispatch(&workflow, &self.inputs, permit).await {
            Ok(Dispatched::Run(id)) => id,
            Ok(Dispatched::Accepted) => self.find(&workflow, since, &others, deadline, stop).await?.ok_or_else(|| {
                Shortfall::Lasting(format!(
                    "{} was started, but its run has not appeared within {} seconds. Look for it in GitHub before you apply again.",
                    self.name(),
                    APPEARS_WITHIN.as_secs()
                ))
            })?,
            Err(error) if error.effect == Effect::Possible => {
                let found = self.find(&workflow, since, &others, deadline, stop).await?;
                found.ok_or_else(|| {
                    Shortfall::Lasting(format!(
                        "{} No run of it has appeared, so it was probably not started; it was not sent again. Apply again.",
                        CheckFailure::of_call(&error).message
                    ))
                })?
            }
            Err(error) => return Err(Shortfall::lasting(&error)),
        };
        self.follow(&workflow, id, timeout, deadline, stop).await
    }

    /// The run that the dispatch made, among those that appeared since: the only one, or the only one whose title shows an
    /// input (`run-name: … ${{ inputs.x }}`). `None` when none appears.
    async fn find(
        &self,
        workflow: &Workflow,
        since: Timestamp,
        others: &BTreeSet<u64>,
        deadline: Deadline,
        stop: &Stop,
    ) -> Result<Option<u64>, Shortfall> {
        let clock = self.client.clock();
        let user = self.client.user().await;
        let until = clock.deadline(APPEARS_WITHIN.min(deadline.remaining()));
        let mut polling = clock.polling_until(until, FIRST_PAUSE..=PAUSE);
        loop {
            let listed = self.client.dispatched_runs(workflow, since, user.as_deref()).await;
            let listed = listed.map_err(|error| Shortfall::lasting(&error))?;
            let new: Vec<Run> = listed.into_iter().filter(|run| !others.contains(&run.id)).collect();
            let shows_input = |run: &&Run| {
                let mut values = self.inputs.values().filter(|value| !value.is_empty());
                values.any(|value| run.display_title.contains(value.as_str()))
            };
            let titled: Vec<&Run> = new.iter().filter(shows_input).collect();
            match (new.as_slice(), titled.as_slice()) {
                ([run], _) => return Ok(Some(run.id)),
                (_, [run]) => return Ok(Some(run.id)),
                ([], _) => {}
                (several, _) => {
                    let pages: Vec<String> = several.iter().map(Run::page).collect();
                    return Err(Shortfall::Lasting(format!(
                        "{} was started, but several runs began at that time and nothing tells which is ours: {}. Give the \
                         workflow an input with a value of its own and show it in run-name.",
                        self.name(),
                        pages.join(", ")
                    )));
                }
            }
            match polling.again_unless(stop.wait()).await {
                Next::Look => {}
                Next::TimeIsOver => return Ok(None),
                Next::Interrupted => {
                    return Err(Shortfall::Interrupted(format!(
                        "{} may have been started; its run was looked for when the interrupt came.",
                        self.name()
                    )));
                }
            }
        }
    }

    /// Looks at a run until it has ended.
    async fn follow(
        &self,
        workflow: &Workflow,
        id: u64,
        timeout: Duration,
        deadline: Deadline,
        stop: &Stop,
    ) -> Result<(), Shortfall> {
        let clock = self.client.clock();
        let name = self.name();
        let mut page = format!("run {id}");
        let mut state = "not seen yet".to_owned();
        let mut polling = clock.polling_until(deadline, FIRST_PAUSE..=PAUSE);
        loop {
            match self.client.run(workflow, id).await {
                Ok(run) => {
                    page = run.page();
                    let status = run.status.unwrap_or_default();
                    if status == "completed" {
                        let conclusion = run.conclusion.unwrap_or_default();
                        if conclusion == "success" {
                            return Ok(());
                        }
                        return Err(Shortfall::Failed(format!(
                            "{name} ended with the conclusion {conclusion:?}, expected \"success\": {page}."
                        )));
                    }
                    state = match status.as_str() {
                        "waiting" => "waiting for an approval or a wait timer".to_owned(),
                        other => other.to_owned(),
                    };
                }
                Err(error) if error.is_passing() => state = format!("not known: {error}"),
                // Its own page may lag behind the answer that named it.
                Err(error) if error.kind == CallErrorKind::NotFound && !polling.is_settled() => {}
                Err(error) => return Err(Shortfall::lasting(&error)),
            }
            if timeout.saturating_sub(deadline.remaining()) > LATE {
                polling.slow_down(LATE_PAUSE);
            }
            match polling.again_unless(stop.wait()).await {
                Next::Look => {}
                Next::TimeIsOver => {
                    return Err(Shortfall::Lasting(format!(
                        "{name} has not ended within {} seconds; its state is {state}: {page}. It goes on; raise timeout, or see \
                         what it waits for.",
                        timeout.as_secs()
                    )));
                }
                Next::Interrupted => {
                    return Err(Shortfall::Interrupted(format!(
                        "{name} was started and not waited for because of the interrupt: {page}."
                    )));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::{Origin, Value};

    #[test]
    fn a_workflow_is_told_in_words_and_has_effects_by_default() {
        let config = |more: &[(&str, Value)]| {
            let mut object = Value::object([
                ("repository", Value::string("molecule-ai/x")),
                ("workflow", Value::string("deploy.yml")),
            ]);
            for (name, value) in more {
                object = object.with(name, value.clone());
            }
            parse(
                &Node::root(&object, Origin::Configuration),
                None,
                &mut Diagnostics::new(),
            )
            .unwrap()
        };
        assert_eq!(
            config(&[]).in_words(),
            "workflow deploy.yml of molecule-ai/x on its default branch"
        );
        assert_eq!(config(&[]).effects_default(), Some(true));
        let inputs = Value::object([("tenant", Value::string("canary"))]);
        let told = config(&[("ref", Value::string("v2")), ("inputs", inputs)]).in_words();
        assert_eq!(told, "workflow deploy.yml of molecule-ai/x on v2 with tenant=canary");
    }

    #[test]
    fn a_ref_is_a_branch_or_a_tag() {
        for name in ["main", "feature/x-1", "refs/tags/v2", "rel@2", "deadbeef"] {
            assert_eq!(ref_mistake(name), None, "{name}");
        }
        for name in [
            "",
            "a b",
            "a..b",
            "../x",
            "/x",
            "x/",
            "a//b",
            "a:b",
            "v^1",
            "\u{7}",
            &"0".repeat(40),
        ] {
            assert!(ref_mistake(name).is_some(), "{name:?}");
        }
    }
}
