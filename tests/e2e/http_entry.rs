//! Entries of any HTTP service: the example of the docs, lived through at the runbooks' platform.

use serde_json::{Value, json};

use crate::story::{Story, says};

const EXAMPLE: &str = include_str!("../../examples/targets/http/main.tf");
const WORKSPACE: &str = "/workspaces/6f1c1f5e-0000-4000-8000-000000000001";
const KEY: &str = "ANTHROPIC_API_KEY";

/// The example, with what exists here and another version of the value.
fn configure(story: &Story, version: u32, more: &str) {
    changed(story, version, |text| {
        text.replace("  targets = {", &format!("{more}\n  targets = {{"))
    });
}

fn changed(story: &Story, version: u32, change: impl Fn(String) -> String) {
    let (_, configuration) = EXAMPLE.split_once("variable \"admin_token\" {").unwrap();
    let configuration = configuration
        .replace("https://platform.example.com", story.sandbox.export("PLATFORM_URL"))
        .replace("value_wo_version = 1", &format!("value_wo_version = {version}"));
    story.write_all(&change(format!("variable \"admin_token\" {{{configuration}")));
}

fn story() -> Story {
    let mut story = Story::new();
    let token = story.sandbox.export("PLATFORM_TOKEN").to_owned();
    story.workspace.set("TF_VAR_admin_token", &token);
    supply(&mut story, "sk-ant-first-0123456789");
    // The sandbox's own key of that name.
    assert_eq!(
        ask(&story, "DELETE", "/settings/secrets/ANTHROPIC_API_KEY", &Value::Null),
        200
    );
    story
}

fn supply(story: &mut Story, value: &str) {
    story.workspace.set("TF_VAR_anthropic_api_key", value);
}

fn ask(story: &Story, method: &str, path: &str, body: &Value) -> u16 {
    let bearer = format!("Bearer {}", story.sandbox.export("PLATFORM_TOKEN"));
    story
        .sandbox
        .call(method, path, &[("authorization", bearer.as_str())], body)
        .0
}

fn held(story: &Story) -> Value {
    story.sandbox.state()["platform"]["secrets"][KEY]["value"].clone()
}

fn delivery(story: &Story) -> Value {
    story.attributes_of("anthropic_api_key")["deliveries"]["platform"].clone()
}

#[test]
fn a_key_reaches_the_platform_and_leaves_it_with_the_secret() {
    let mut story = story();
    configure(&story, 1, "");
    let host = story
        .sandbox
        .export("PLATFORM_URL")
        .strip_prefix("http://")
        .unwrap()
        .to_owned();
    says(
        &story.plan(),
        &[&format!(
            "wave 1: set ANTHROPIC_API_KEY of generation 1 at {host}/settings/secrets"
        )],
    );
    story.apply();
    assert_eq!(held(&story), "sk-ant-first-0123456789");
    let state = story.workspace.state().to_string();
    assert!(!state.contains("sk-ant") && !state.contains(story.sandbox.export("PLATFORM_TOKEN")));

    story.a_second_later();
    supply(&mut story, "sk-ant-second-0123456789");
    configure(&story, 2, "");
    story.apply();
    assert_eq!(held(&story), "sk-ant-second-0123456789");

    // Somebody else's write shows by its time, and is not overwritten by a value that nobody has any more.
    story.a_second_later();
    let theirs = json!({ "key": KEY, "value": "sk-ant-theirs-0123456789" });
    assert_eq!(ask(&story, "PUT", "/settings/secrets", &theirs), 200);
    says(
        &story.run(&["apply", "-refresh-only", "-auto-approve"]).success(),
        &["not_restorable"],
    );
    assert_eq!(delivery(&story)["status"], "changed");
    supply(&mut story, "sk-ant-third-0123456789");
    configure(&story, 3, "");
    story.apply();
    assert_eq!(held(&story), "sk-ant-third-0123456789");
    story.destroy();
    assert_eq!(held(&story), Value::Null);
}

#[test]
fn what_stands_there_already_is_refused_and_what_hides_it_is_told() {
    let story = story();
    let theirs = json!({ "key": KEY, "value": "sk-ant-theirs-0123456789" });
    assert_eq!(ask(&story, "PUT", "/settings/secrets", &theirs), 200);
    configure(&story, 1, "");
    says(&story.fails(), &["already exists", "on_existing"]);
    assert_eq!(held(&story), "sk-ant-theirs-0123456789");
    configure(&story, 1, "on_existing = \"replace\"");
    story.apply();
    assert_eq!(held(&story), "sk-ant-first-0123456789");

    assert_eq!(ask(&story, "POST", &format!("{WORKSPACE}/secrets"), &theirs), 200);
    says(
        &story.run(&["apply", "-refresh-only", "-auto-approve"]).success(),
        &["shadowed", WORKSPACE],
    );
}

#[test]
fn other_ways_to_read_and_remove_write_nothing_and_are_used_by_the_destroy() {
    let story = story();
    changed(&story, 1, |text| text.replace("        remove ", "        # remove "));
    story.apply();
    let before = delivery(&story);
    story.sandbox.forget_calls();
    configure(&story, 1, "");
    story.apply();
    let after = delivery(&story);
    assert_ne!(before["slot"], after["slot"]);
    assert_eq!(before["revision"], after["revision"]);
    assert!(!story.sandbox.calls().iter().any(|call| call.writes()));
    story.destroy();
    assert_eq!(held(&story), Value::Null);
}

#[test]
fn without_a_request_that_removes_it_the_entry_is_left_with_advice() {
    let story = story();
    changed(&story, 1, |text| text.replace("        remove ", "        # remove "));
    story.apply();
    let said = story.run(&["destroy", "-auto-approve"]).success();
    says(&said, &["has no request that removes an entry", "on_remove = \"keep\""]);
    assert_eq!(held(&story), "sk-ant-first-0123456789");
}
