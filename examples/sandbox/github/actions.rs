//! Workflows that are dispatched, and runs that move on by being looked at: queued, in progress, completed.

use serde_json::{Value, json};

use super::workflow::{COMMIT, Workflow, short};
use super::{Repository, bodies, page, refuse};
use crate::call::{Call, Reply};
use crate::clock;

/// A run of one.
#[derive(Clone)]
pub(super) struct Run {
    id: u64,
    number: usize,
    workflow: String,
    workflow_id: u64,
    branch: String,
    created_at: String,
    listed_from: i64,
    polls: u32,
    conclusion: String,
    inputs: Value,
}

impl Run {
    pub(super) fn state(&self) -> Value {
        json!({ "id": self.id, "workflow": self.workflow, "inputs": self.inputs, "polls": self.polls })
    }

    fn status(&self) -> &'static str {
        match self.polls {
            0 | 1 => "queued",
            2 => "in_progress",
            _ => "completed",
        }
    }

    /// The description of the API calls it `workflow-run`.
    fn body(&self, full: &str, repository: u64) -> Value {
        let api = format!("https://api.github.com/repos/{full}/actions/runs/{}", self.id);
        let completed = self.status() == "completed";
        let person = json!({ "name": "Sandbox", "email": "sandbox@example.com" });
        let mut body = json!({
            "id": self.id, "node_id": format!("WFR_{}", self.id), "name": self.workflow, "display_title": self.workflow,
            "path": format!(".github/workflows/{}", self.workflow), "workflow_id": self.workflow_id,
            "run_number": self.number, "run_attempt": 1, "event": "workflow_dispatch", "status": self.status(),
            "conclusion": completed.then_some(&self.conclusion), "head_branch": self.branch, "head_sha": COMMIT,
            "created_at": self.created_at, "updated_at": clock::seconds(), "run_started_at": self.created_at, "pull_requests": [],
            "actor": bodies::user("sandbox"), "triggering_actor": bodies::user("sandbox"), "url": api,
            "html_url": format!("https://github.com/{full}/actions/runs/{}", self.id),
            "workflow_url": format!("https://api.github.com/repos/{full}/actions/workflows/{}", self.workflow_id),
            "check_suite_url": format!("https://api.github.com/repos/{full}/check-suites/{}", self.id),
            "repository": bodies::repository(full, repository), "head_repository": bodies::repository(full, repository),
        });
        body["head_commit"] = json!({
            "id": COMMIT, "tree_id": COMMIT, "message": "sandbox", "timestamp": self.created_at, "author": person, "committer": person,
        });
        for link in ["jobs", "logs", "cancel", "rerun", "artifacts"] {
            body[format!("{link}_url")] = json!(format!("{api}/{link}"));
        }
        body
    }

    /// Whether a list with these filters shows it.
    fn matches(&self, call: &Call) -> bool {
        let asked = |name: &str| call.query.get(name).map(String::as_str);
        let status = asked("status").is_none_or(|wanted| {
            wanted == self.status() || (self.status() == "completed" && wanted == self.conclusion)
        });
        let created = asked("created").is_none_or(|range| in_range(&self.created_at, range));
        status
            && created
            && asked("branch").is_none_or(|branch| branch == self.branch)
            && asked("event").is_none_or(|event| event == "workflow_dispatch")
            && asked("actor").is_none_or(|actor| actor == "sandbox")
            && asked("head_sha").is_none_or(|commit| commit == COMMIT)
            && self.listed_from <= clock::epoch_millis()
    }
}

/// GitHub's date ranges: `>=T`, `>T`, `<=T`, `<T`, `A..B`, `T`.
fn in_range(at: &str, range: &str) -> bool {
    let instant = |text: &str| text.parse::<jiff::Timestamp>().ok();
    let Some(at) = instant(at) else {
        return false;
    };
    let compare =
        |text: &str, holds: fn(std::cmp::Ordering) -> bool| instant(text).is_some_and(|to| holds(at.cmp(&to)));
    if let Some((from, to)) = range.split_once("..") {
        return (from == "*" || compare(from, |o| o.is_ge())) && (to == "*" || compare(to, |o| o.is_le()));
    }
    if let Some(rest) = range.strip_prefix(">=") {
        return compare(rest, |order| order.is_ge());
    }
    if let Some(rest) = range.strip_prefix("<=") {
        return compare(rest, |order| order.is_le());
    }
    if let Some(rest) = range.strip_prefix('>') {
        return compare(rest, |order| order.is_gt());
    }
    if let Some(rest) = range.strip_prefix('<') {
        return compare(rest, |order| order.is_lt());
    }
    compare(range, |order| order.is_eq())
}

/// What a call needs to know besides the repository.
pub(super) struct Circumstances<'a> {
    pub full: &'a str,
    pub next_run: &'a mut u64,
    /// A dispatch never tells the run's id, as older servers do.
    pub silent: bool,
    pub lag: i64,
}

/// Answers a call below `/repos/{owner}/{repo}/actions`, secrets aside.
pub(super) fn answer(repository: &mut Repository, call: &Call, rest: &[&str], around: &mut Circumstances<'_>) -> Reply {
    let named = |workflow: &&Workflow, name: &str| workflow.file == name || workflow.id.to_string() == name;
    match (call.method.as_str(), rest) {
        ("GET", ["workflows"]) => {
            let all = repository
                .workflows
                .iter()
                .map(|workflow| workflow_body(workflow, around.full));
            page(call, "workflows", all.collect())
        }
        (method, ["workflows", name, rest @ ..]) => {
            let Some(workflow) = repository.workflows.iter().find(|workflow| named(workflow, name)) else {
                return refuse(404, "Not Found");
            };
            match (method, rest) {
                ("GET", []) => Reply::ok(workflow_body(workflow, around.full)),
                ("GET", ["runs"]) => {
                    let id = workflow.id;
                    list(repository, call, around.full, |run| run.workflow_id == id)
                }
                ("POST", ["dispatches"]) => match begin(repository, workflow, call, around) {
                    Ok((run, reply)) => {
                        repository.runs.push(run);
                        reply
                    }
                    Err(reply) => reply,
                },
                _ => refuse(404, "Not Found"),
            }
        }
        ("GET", ["runs"]) => list(repository, call, around.full, |_| true),
        ("GET", ["runs", id]) => {
            let number = repository.id;
            match repository.runs.iter_mut().find(|run| run.id.to_string() == *id) {
                Some(run) => {
                    run.polls += 1;
                    Reply::ok(run.body(around.full, number))
                }
                None => refuse(404, "Not Found"),
            }
        }
        _ => refuse(404, "Not Found"),
    }
}

fn list(repository: &Repository, call: &Call, full: &str, wanted: impl Fn(&Run) -> bool) -> Reply {
    let runs = repository
        .runs
        .iter()
        .rev()
        .filter(|run| wanted(run) && run.matches(call));
    page(
        call,
        "workflow_runs",
        runs.map(|run| run.body(full, repository.id)).collect(),
    )
}

fn begin(
    repository: &Repository,
    workflow: &Workflow,
    call: &Call,
    around: &mut Circumstances<'_>,
) -> Result<(Run, Reply), Reply> {
    let Some(branch) = call.text("ref") else {
        return Err(refuse(422, "Invalid request.\n\n\"ref\" wasn't supplied."));
    };
    let branch = short(branch);
    if !repository
        .branches
        .iter()
        .chain(&repository.tags)
        .any(|name| name == branch)
    {
        return Err(refuse(422, &format!("No ref found for: {branch}")));
    }
    if workflow.state != "active" {
        let message = "Cannot trigger a 'workflow_dispatch' on a disabled workflow";
        return Err(refuse(422, message));
    }
    if !workflow.is_on(branch) || !workflow.triggers.iter().any(|trigger| trigger == "workflow_dispatch") {
        return Err(refuse(422, "Workflow does not have 'workflow_dispatch' trigger"));
    }
    let inputs = call.body.get("inputs").cloned().unwrap_or(json!({}));
    if inputs.as_object().is_none_or(|inputs| inputs.len() > 25) {
        return Err(refuse(
            422,
            "Invalid request.\n\n\"inputs\" is an object with at most 25 entries.",
        ));
    }
    let id = *around.next_run;
    *around.next_run += 1;
    let run = Run {
        id,
        number: repository.runs.len() + 1,
        workflow: workflow.file.clone(),
        workflow_id: workflow.id,
        branch: branch.to_owned(),
        created_at: clock::seconds(),
        listed_from: clock::epoch_millis() + around.lag,
        polls: 0,
        conclusion: workflow.conclusion.clone(),
        inputs,
    };
    let asked = call
        .body
        .get("return_run_details")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    let always = call.header("x-github-api-version") == "2026-03-10";
    if around.silent || !(asked || always) {
        return Ok((run, Reply::empty(204)));
    }
    let full = around.full;
    let reply = Reply::ok(json!({
        "workflow_run_id": id,
        "run_url": format!("https://api.github.com/repos/{full}/actions/runs/{id}"),
        "html_url": format!("https://github.com/{full}/actions/runs/{id}"),
    }));
    Ok((run, reply))
}

fn workflow_body(workflow: &Workflow, full: &str) -> Value {
    let Workflow { file, id, state, .. } = workflow;
    json!({
        "id": id, "node_id": format!("W_{id}"), "name": file, "path": format!(".github/workflows/{file}"), "state": state,
        "created_at": "2025-01-01T00:00:00Z", "updated_at": "2025-01-01T00:00:00Z",
        "url": format!("https://api.github.com/repos/{full}/actions/workflows/{id}"),
        "html_url": format!("https://github.com/{full}/blob/main/.github/workflows/{file}"),
        "badge_url": format!("https://github.com/{full}/workflows/{file}/badge.svg"),
    })
}
