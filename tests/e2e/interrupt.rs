//! A run that is cut short: by a person, or by the end of the provider's process; and what is published without going live.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::story::{FLY_TOKEN, NAME, Story, unframed};
use crate::truth::{alive, fly_secret, machine_values, ours, the_token};

/// An apply in the background, once a call that contains `pattern` has been made.
pub(crate) fn apply_until(story: &Story, pattern: &str) -> Child {
    story.sandbox.forget_calls();
    apply_once_seen(story, || {
        story.sandbox.calls().iter().any(|call| call.line.contains(pattern))
    })
}

/// An apply in the background, once a planted fault holds one of its calls.
pub(crate) fn apply_until_held(story: &Story) -> Child {
    apply_once_seen(story, || !story.sandbox.held().is_empty())
}

/// An apply in the background, once that has been seen.
fn apply_once_seen(story: &Story, seen: impl Fn() -> bool) -> Child {
    let mut command = story
        .workspace
        .command(&["apply", "-no-color", "-input=false", "-auto-approve"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut patience = 600;
    while !seen() && patience > 0 {
        std::thread::sleep(Duration::from_millis(20));
        patience -= 1;
    }
    if patience == 0 {
        drop(child.kill());
        drop(child.wait());
        panic!("what was waited for did not happen: {:#?}", story.sandbox.calls());
    }
    child
}

pub(crate) fn send(program: &str, arguments: &[&str], process: &Child) {
    let id = process.id().to_string();
    assert!(
        Command::new(program)
            .args(arguments)
            .arg(id)
            .status()
            .unwrap()
            .success()
    );
}

pub(crate) fn ended(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .concat()
}

pub(crate) fn waiting_check(story: &Story) -> String {
    let url = story.sandbox.export("PLATFORM_URL");
    format!("checks = {{\n    up = {{ retry_for = \"120s\", http = {{ url = \"{url}/health\" }} }}\n  }}")
}

#[test]
fn an_interrupt_during_a_check_saves_what_is_known_and_the_next_apply_finishes() {
    let target = "targets = { worker = { fly_secret = { app = \"molecule-worker\" } } }";
    let story = Story::new();
    let check = waiting_check(&story);
    story.configure(&[FLY_TOKEN, target, &check]);
    story.apply();
    let old = the_token(&story);
    story.sandbox.seed(json!({ "platform": { "healthy": false } }));
    story.configure(&[FLY_TOKEN, target, &check, "rotation_reason = \"once\""]);
    let child = apply_until(&story, "/health");
    send("kill", &["-INT"], &child);
    let said = ended(child);
    assert!(said.contains("Interrupt"), "{said}");
    assert!(
        unframed(&said).contains("(delivered everywhere; remaining: checks)"),
        "{said}"
    );
    assert_eq!(alive(&story).len(), 2);
    assert!(alive(&story).contains(&old));
    assert_eq!(story.attributes()["phase"], "partial");
    story.sandbox.seed(json!({ "platform": { "healthy": true } }));
    story.apply();
    assert!(the_token(&story).name.ends_with("-g2"));
    assert_eq!(ours(&story).len(), 2);
}

#[test]
fn an_interrupt_during_a_roll_stops_after_the_machine_in_hand() {
    let machines: Vec<_> = (0..4).map(|_| json!({ "state": "started" })).collect();
    let target = "targets = { many = { fly_secret = { app = \"many\" } } }";
    let story = Story::new();
    story
        .sandbox
        .seed(json!({ "fly": { "apps": { "many": { "machines": machines } } } }));
    story.configure(&[FLY_TOKEN, target]);
    story.apply();
    story.configure(&[FLY_TOKEN, target, "rotation_reason = \"once\""]);
    let child = apply_until(&story, "/lease");
    send("kill", &["-INT"], &child);
    ended(child);
    let newest = fly_secret(&story, "many", NAME);
    let rolled = machine_values(&story, "many", NAME)
        .into_iter()
        .filter(|value| *value == newest)
        .count();
    assert!(rolled < 4, "{rolled}");
    assert_eq!(alive(&story).len(), 2, "nothing was revoked");
    story.apply();
    let token = the_token(&story);
    assert_eq!(machine_values(&story, "many", NAME), vec![Some(token.value); 4]);
}

#[test]
fn a_provider_that_is_killed_during_an_update_converges() {
    let targets = r#"targets = {
    runtime = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
    worker  = { wave = 2, fly_secret = { app = "molecule-worker" } }
  }"#;
    let story = Story::new();
    let check = waiting_check(&story);
    story.configure(&[FLY_TOKEN, targets, &check, "overlap = \"1h\""]);
    story.apply();
    story.sandbox.seed(json!({ "platform": { "healthy": false } }));
    story.configure(&[
        FLY_TOKEN,
        targets,
        &check,
        "overlap = \"1h\"",
        "rotation_reason = \"once\"",
    ]);
    let child = apply_until(&story, "/health");
    // The plugin is terraform's child.
    send("pkill", &["-KILL", "-P"], &child);
    ended(child);
    story.sandbox.seed(json!({ "platform": { "healthy": true } }));
    story.run(&["apply", "-auto-approve"]);
    story.apply();
    let live = alive(&story);
    let value = Some(live.last().unwrap().value.clone());
    assert_eq!(fly_secret(&story, "molecule-worker", NAME), value);
    assert_eq!(machine_values(&story, "molecule-worker", NAME), [value]);
    let mut story = story;
    story.clock("2h");
    story.apply();
    the_token(&story);
}

#[test]
fn a_staged_secret_is_not_rolled_out_and_its_predecessor_lives_until_it_is() {
    let target = "targets = { cp = { fly_secret = { app = \"molecule-cp\", stage = true } } }";
    let mut story = Story::begun(&[FLY_TOKEN, target, "overlap = \"1h\""]);
    story.sandbox.forget_calls();
    story.configure(&[FLY_TOKEN, target, "overlap = \"1h\"", "rotation_reason = \"once\""]);
    story.apply();
    assert!(
        !story.writes().iter().any(|line| line.contains("/machines/")),
        "{:?}",
        story.writes()
    );
    let attributes = story.attributes();
    assert_eq!(attributes["deliveries"]["cp"]["status"], "staged");
    assert_eq!(attributes["phase"], "overlapping");
    let notice = &attributes["notices"][0];
    assert_eq!((&notice["code"], &notice["subject"]), (&json!("staged"), &json!("cp")));
    let text = notice["text"].as_str().unwrap();
    assert!(text.contains("Generation 2 is staged"), "{text}");
    story.clock("10h");
    story.settled();
    assert_eq!(alive(&story).len(), 2);
}
