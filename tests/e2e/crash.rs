//! A sample of the crash matrix: one vendor call goes wrong, then at most two clean applies, and the vendors' truth is right.
//!
//! The cases of one story run one after another in worlds of their own; stories run beside each other.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::sandbox::Call;
use crate::story::{FLY_TOKEN, NAME, PARAMETER, REPOSITORY, Story};
use crate::truth::{FlyToken, alive, fly_secret, fly_tokens, github_secret, machine_values, parameter};

/// A readable target first, so that an interrupted rotation can be resumed with its value.
const TARGETS: &str = r#"targets = {
    runtime       = { wave = 1, ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
    control_plane = { wave = 2, fly_secret = { app = "molecule-worker" } }
    image_publish = { wave = 2, github_actions_secret = { repository = "molecule-monorepo" } }
  }"#;

/// How a call goes wrong; each is met at some calls of every story.
const KINDS: [&str; 6] = [
    "refuse",
    "drop_after",
    "error_before",
    "error_after",
    "rate_limit",
    "garbage",
];

/// What leads to the call that goes wrong.
struct Plot {
    lines: Vec<&'static str>,
    /// What is applied before, cleanly; nothing for a create.
    before: Option<Vec<&'static str>>,
    /// The clock at the apply that goes wrong and ever after.
    clock: &'static str,
}

impl Plot {
    fn begin(&self) -> Story {
        let mut story = Story::new();
        // A token of somebody else, which must live on.
        story
            .sandbox
            .seed(serde_json::json!({ "fly": { "tokens": [{ "app": "molecule-cp", "name": "ci" }] } }));
        if let Some(before) = &self.before {
            story.configure(&[FLY_TOKEN, TARGETS, "overlap = \"1h\""]);
            story.run(&["apply", "-auto-approve"]).success();
            if !before.is_empty() {
                story.configure(before);
                story.run(&["apply", "-auto-approve"]).success();
            }
        }
        story.clock(self.clock);
        story.configure(&self.lines);
        story.sandbox.forget_calls();
        story
    }

    /// How many calls the vendors see when nothing goes wrong.
    fn length(&self, ends_with: usize) -> usize {
        let story = self.begin();
        story.run(&["apply", "-auto-approve"]).success();
        let calls = story.sandbox.calls().len();
        assert!(calls > 4, "{calls}");
        converged(&story, ends_with, "without a fault");
        calls
    }
}

/// One token in every target, as many alive as there should be, others untouched, and nothing left to do.
#[track_caller]
fn converged(story: &Story, expected: usize, case: &str) {
    let tokens = alive(story);
    assert_eq!(tokens.len(), expected, "{case}: {tokens:#?}");
    let newest: &FlyToken = tokens.last().unwrap();
    let value = Some(newest.value.clone());
    assert_eq!(parameter(story, PARAMETER), value, "{case}");
    assert_eq!(github_secret(story, REPOSITORY, NAME), value, "{case}");
    assert_eq!(fly_secret(story, "molecule-worker", NAME), value, "{case}");
    assert_eq!(machine_values(story, "molecule-worker", NAME), [value], "{case}");
    let mut others = fly_tokens(story)
        .into_iter()
        .filter(|token| !token.name.contains("-rot-"));
    assert!(others.all(|token| token.alive), "{case}");
}

/// Nothing that a target holds was ever a dead token.
#[track_caller]
fn no_target_holds_a_dead_token(story: &Story, case: &str) {
    let dead: Vec<String> = fly_tokens(story)
        .into_iter()
        .filter(|t| !t.alive)
        .map(|t| t.value)
        .collect();
    let held = [
        parameter(story, PARAMETER),
        github_secret(story, REPOSITORY, NAME),
        fly_secret(story, "molecule-worker", NAME),
    ];
    for value in held.into_iter().flatten() {
        assert!(!dead.contains(&value), "{case}: a target holds a revoked token");
    }
}

/// One fault, then at most two clean applies.
fn replay_one(plot: &Plot, expected: usize, nth: usize, kind: &str) {
    let story = plot.begin();
    story.sandbox.fault("", nth, kind);
    let first = story.run(&["apply", "-auto-approve"]);
    let calls = story.sandbox.calls();
    let struck = calls.get(nth - 1).map_or("no call", |call: &Call| call.line.as_str());
    let case = format!("{kind} at call {nth} ({struck})");
    story.sandbox.heal();
    no_target_holds_a_dead_token(&story, &case);
    let mut said = first.output;
    let mut settled = false;
    for _ in 0..2 {
        let again = story.run(&["apply", "-auto-approve"]);
        no_target_holds_a_dead_token(&story, &case);
        let plan = story.run(&["plan", "-detailed-exitcode"]);
        said = format!("{said}\n--- again ---\n{}\n--- plan ---\n{}", again.output, plan.output);
        settled = again.status == 0 && plan.status == 0;
        if settled {
            break;
        }
    }
    assert!(settled, "{case}: two applies are not enough\n{said}");
    converged(&story, expected, &format!("{case}\n{said}"));
}

/// Replays the plot with a fault at every `stride`-th call, the kinds in turn; several at a time, since most of it is waiting.
fn replay_some(plot: &Plot, expected: usize, stride: usize) {
    let length = plot.length(expected);
    let turn = |(case, nth): (usize, usize)| (nth, KINDS[(case + nth) % KINDS.len()]);
    let cases: Vec<_> = (1..=length).step_by(stride).enumerate().map(turn).collect();
    at_once(plot, expected, &cases);
}

/// Replays the plot with every fault at every call.
fn replay_all(plot: &Plot, expected: usize) {
    let length = plot.length(expected);
    let cases: Vec<_> = (1..=length).flat_map(|nth| KINDS.map(|kind| (nth, kind))).collect();
    at_once(plot, expected, &cases);
}

fn at_once(plot: &Plot, expected: usize, cases: &[(usize, &'static str)]) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some((nth, kind)) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                    replay_one(plot, expected, *nth, kind);
                }
            });
        }
    });
}

fn create() -> Plot {
    Plot {
        lines: vec![FLY_TOKEN, TARGETS, "overlap = \"1h\""],
        before: None,
        clock: "0s",
    }
}

fn rotation() -> Plot {
    Plot {
        lines: vec![FLY_TOKEN, TARGETS, "overlap = \"1h\"", "rotate_now = \"once\""],
        before: Some(vec![]),
        clock: "0s",
    }
}

fn revocation() -> Plot {
    let lines = vec![FLY_TOKEN, TARGETS, "overlap = \"1h\"", "rotate_now = \"once\""];
    Plot {
        lines: lines.clone(),
        before: Some(lines),
        clock: "2h",
    }
}

#[test]
fn a_create_converges_whichever_call_goes_wrong() {
    replay_some(&create(), 1, 3);
}

#[test]
fn a_rotation_converges_whichever_call_goes_wrong() {
    replay_some(&rotation(), 2, 4);
}

#[test]
fn a_revocation_converges_whichever_call_goes_wrong() {
    replay_some(&revocation(), 1, 3);
}

#[test]
#[ignore = "every fault at every call takes a while: `cargo test --test e2e crash -- --ignored`"]
fn every_story_converges_with_every_fault_at_every_call() {
    replay_all(&create(), 1);
    replay_all(&rotation(), 2);
    replay_all(&revocation(), 1);
}
