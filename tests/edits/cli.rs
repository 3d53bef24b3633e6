//! The same edits with a real terraform and the sandbox. The secrets of one situation are resources of one configuration: they are
//! created together, edited each in its own way, and applied together.

use std::path::Path;

use serde_json::{Map, Value as Json, json};

use super::matrix::{SOURCES, edits, situations};
use super::run::{self, Verdict};
use crate::sandbox::Sandbox;
use crate::terraform_cores::{Core, Workspace};

/// What the sandbox has no counterpart of: an environment, a key, another source's container.
const ELSEWHERE: [&str; 3] = ["environment added", "key_id added", "source to fly_token"];

/// A situation by its name, and how a CLI gets there from the secrets as they were created.
type Way = (&'static str, &'static str, bool, Option<&'static str>);

const WAYS: [Way; 6] = [
    ("fly_token", "settled", false, None),
    ("fly_token", "overlapping", true, None),
    ("fly_token", "overlap over", true, Some("48h")),
    ("random", "settled", false, None),
    ("random", "overlapping", true, None),
    ("random", "early", false, Some("2040h")),
];

struct Story {
    sandbox: Sandbox,
    workspace: Workspace,
}

impl Story {
    fn new() -> Self {
        let sandbox = Sandbox::start();
        let executable = Path::new(env!("CARGO_BIN_EXE_terraform-provider-rotation"));
        let mut workspace = Workspace::new(Core::Installed, "secret-rotation/rotation", executable);
        for (name, value) in sandbox.exports() {
            workspace.set(name, value);
        }
        Self { sandbox, workspace }
    }

    /// Writes the secrets, each under names of its own.
    fn write(&self, secrets: &[Json]) {
        let secrets = secrets.iter().enumerate().map(|(at, secret)| {
            let text = secret
                .to_string()
                .replace("\"TOKEN\"", &format!("\"TOKEN_{at}\""))
                .replace("\"OTHER\"", &format!("\"OTHER_{at}\""))
                .replace("/molecule/", &format!("/molecule/{at}/"))
                .replace("molecule-ai/monorepo", "molecule-ai/molecule-monorepo")
                .replace("molecule-tenants", "molecule-worker")
                .replace("https://app.example", self.sandbox.export("PLATFORM_URL"));
            let mut secret: Map<String, Json> = serde_json::from_str(&text).unwrap();
            secret.retain(|_, value| !value.is_null());
            (format!("s{at}"), Json::Object(secret))
        });
        let whole = json!({
            "terraform": { "required_providers": { "rotation": { "source": "secret-rotation/rotation" } } },
            "provider": { "rotation": { "namespace": "production" } },
            "resource": { "rotation_secret": secrets.collect::<Map<_, _>>() },
        });
        let file = self.workspace.path().join("main.tf.json");
        std::fs::write(file, whole.to_string()).unwrap();
    }

    #[track_caller]
    fn apply(&self) -> String {
        let said = self.workspace.run(&["apply", "-auto-approve"]).success();
        assert!(!said.contains("inconsistent result"), "{said}");
        said
    }

    fn is_settled(&self) -> (bool, String) {
        let outcome = self.workspace.run(&["plan", "-detailed-exitcode"]);
        assert!(outcome.status != 1, "{}", outcome.output);
        (outcome.status == 0, outcome.output)
    }
}

/// Every how manieth edit is made in a situation; the next situation begins one edit later.
const STRIDE: usize = 3;

/// The pairs of one situation that a plan and the vendors allow.
fn walk(nth: usize, (source, situation, rotates, offset): Way) -> usize {
    let all = situations(source);
    let (_, rest) = all.iter().find(|(name, _)| *name == situation).unwrap();
    let mut before = Vec::new();
    let mut after = Vec::new();
    for (edit, change) in edits(source).into_iter().skip(nth % STRIDE).step_by(STRIDE) {
        let mut config = rest.config.clone();
        change(&mut config);
        let allowed = matches!(run::pair(rest, &config, edit), Ok(Verdict::Settled | Verdict::Idle));
        if allowed && !ELSEWHERE.contains(&edit) {
            let mut first = rest.config.clone();
            first.as_object_mut().unwrap().remove("rotation_reason");
            before.push(first);
            after.push(config);
        }
    }
    let mut story = Story::new();
    story.write(&before);
    story.apply();
    if rotates {
        let asked = before.iter().map(|secret| {
            let mut secret = secret.clone();
            secret["rotation_reason"] = json!("the first reason");
            secret
        });
        story.write(&asked.collect::<Vec<_>>());
        story.apply();
    }
    if let Some(offset) = offset {
        story.workspace.set("ROTATION_CLOCK_OFFSET", offset);
    }
    story.write(&after);
    story.apply();
    if !story.is_settled().0 {
        story.apply();
        let (settled, said) = story.is_settled();
        assert!(
            settled,
            "{source}, {situation}: two applies do not lead to an empty plan:\n{said}"
        );
    }
    println!("{source}, {situation}: {} edits", after.len());
    after.len()
}

/// The situations of one source.
fn walk_all(source: &str) {
    let ways = WAYS.into_iter().enumerate().filter(|(_, way)| way.0 == source);
    let pairs: usize = ways.map(|(nth, way)| walk(nth, way)).sum();
    println!("{source}: {pairs} pairs with the real CLI");
    assert!(pairs > 60, "{pairs} pairs");
}

#[test]
fn a_real_terraform_takes_those_of_a_source_that_issues() {
    walk_all(SOURCES[0]);
}

#[test]
fn a_real_terraform_takes_those_of_a_source_that_generates() {
    walk_all(SOURCES[1]);
}
