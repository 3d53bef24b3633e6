//! Workflows: their state and triggers, the branches that have their files, and the files themselves.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Repository, bodies, refuse};
use crate::call::{Call, Reply};
use crate::fields::Fields;

/// The commit at the head of every branch.
pub(super) const COMMIT: &str = "6dcb09b5b57875f334f61aebed695e2e4193db5e";

/// A workflow.
#[derive(Clone)]
pub(super) struct Workflow {
    pub file: String,
    pub id: u64,
    /// How its runs will end.
    pub conclusion: String,
    /// `active`, or why it is not.
    pub state: String,
    pub triggers: Vec<String>,
    /// The only branch that has its file; all have it otherwise.
    pub only_on: Option<String>,
}

impl Default for Workflow {
    fn default() -> Self {
        Self {
            file: "publish-platform-image.yml".to_owned(),
            id: 0,
            conclusion: "success".to_owned(),
            state: "active".to_owned(),
            triggers: vec!["workflow_dispatch".to_owned()],
            only_on: None,
        }
    }
}

impl Workflow {
    /// A conclusion alone, or `{"conclusion", "state", "triggers", "only_on"}`.
    pub(super) fn seed(&mut self, wanted: &Value, path: &str) -> Result<(), String> {
        if let Some(conclusion) = wanted.as_str() {
            conclusion.clone_into(&mut self.conclusion);
            return Ok(());
        }
        let fields = Fields::of(wanted, path, &["conclusion", "state", "triggers", "only_on"])?;
        let text = |name: &str| Ok::<_, String>(fields.text(name)?.map(str::to_owned));
        self.conclusion = text("conclusion")?.unwrap_or_else(|| self.conclusion.clone());
        self.state = text("state")?.unwrap_or_else(|| self.state.clone());
        self.only_on = text("only_on")?.or(self.only_on.take());
        if let Some(triggers) = fields.texts("triggers")? {
            self.triggers = triggers.into_iter().map(str::to_owned).collect();
        }
        Ok(())
    }

    pub(super) fn is_on(&self, branch: &str) -> bool {
        self.only_on.as_deref().is_none_or(|only| only == branch)
    }

    fn text(&self) -> String {
        let triggers: String = self.triggers.iter().map(|trigger| format!("  {trigger}:\n")).collect();
        format!("on:\n{triggers}jobs:\n  publish:\n    runs-on: ubuntu-latest\n")
    }
}

/// `GET …/contents/.github/workflows/{file}`: what a branch or tag has there.
pub(super) fn contents(repository: &Repository, call: &Call, file: &str) -> Reply {
    let asked = call.query.get("ref").unwrap_or(&repository.default_branch);
    let branch = short(asked);
    let known = repository
        .branches
        .iter()
        .chain(&repository.tags)
        .any(|name| name == branch);
    if !known {
        return refuse(404, &format!("No commit found for the ref {asked}"));
    }
    let found = repository
        .workflows
        .iter()
        .find(|workflow| workflow.file == file && workflow.is_on(branch));
    let Some(workflow) = found else {
        return refuse(404, "Not Found");
    };
    let text = STANDARD.encode(workflow.text());
    // GitHub breaks the lines.
    let (head, tail) = text.split_at(text.len() / 2);
    Reply::ok(json!({
        "type": "file", "encoding": "base64", "size": workflow.text().len(), "name": file, "content": format!("{head}\n{tail}\n"),
        "path": format!(".github/workflows/{file}"), "sha": COMMIT,
    }))
}

/// `GET …/git/matching-refs/{heads,tags}/{begin}`: references whose name begins so.
pub(super) fn matching_refs(repository: &Repository, kind: &str, begin: &str) -> Reply {
    let names = if kind == "heads" {
        &repository.branches
    } else {
        &repository.tags
    };
    let found = names.iter().filter(|name| name.starts_with(begin));
    let body = found.map(|name| {
        json!({
            "ref": format!("refs/{kind}/{name}"), "node_id": "R_1", "url": format!("{}/git/refs/{kind}/{name}", bodies::API),
            "object": { "type": "commit", "sha": COMMIT, "url": bodies::API },
        })
    });
    Reply::ok(Value::Array(body.collect()))
}

/// The name of a branch or tag without what says that it is one.
pub(super) fn short(name: &str) -> &str {
    name.strip_prefix("refs/heads/")
        .or_else(|| name.strip_prefix("refs/tags/"))
        .unwrap_or(name)
}
