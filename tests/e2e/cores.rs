//! Others than the installed Terraform drive the provider: a later Terraform, and a client that is no Terraform at all.

use std::process::Command;

use serde_json::json;

use crate::story::{FLY_TOKEN, NAME, REPOSITORY, Story, THREE_TARGETS};
use crate::terraform_cores::{Core, python};
use crate::truth::{alive, nothing_is_left, ours, the_token, three_targets_hold};

#[test]
fn terraform_1_15_takes_a_secret_through_its_whole_life() {
    const LINES: [&str; 3] = [FLY_TOKEN, THREE_TARGETS, "overlap = \"1h\""];
    let mut story = Story::on(Core::Terraform115);
    let version = story.run(&["version"]).success();
    assert!(version.contains("Terraform v1.15"), "{version}");
    story.configure(&LINES);
    story.run(&["validate"]).success();
    let plan = story.plan();
    assert!(plan.contains("reason          = \"created\""), "{plan}");
    story.wrote_nothing();
    story.apply();
    let first = the_token(&story);
    three_targets_hold(&story, &first.value);

    story.configure(&[&LINES[..], &["rotation_reason = \"once\""]].concat());
    story.run(&["plan", "-out=saved"]).success();
    story.run(&["apply", "saved"]).success();
    story.settled();
    assert_eq!(alive(&story).len(), 2);
    three_targets_hold(&story, &alive(&story)[1].value);

    story.clock("2h");
    let plan = story.plan();
    assert!(plan.contains("revoke generation 1"), "{plan}");
    story.apply();
    let second = the_token(&story);
    assert_ne!(second, first);

    story.a_second_later();
    story
        .sandbox
        .seed(json!({ "github": { "repositories": { REPOSITORY: { "secrets": { NAME: "typed by hand" } } } } }));
    let plan = story.plan();
    assert!(
        plan.contains("- reason     = \"changed outside Terraform") && plan.contains("(image_publish)"),
        "{plan}"
    );
    story.apply();
    three_targets_hold(&story, &second.value);

    story.destroy();
    nothing_is_left(&story);
    assert_eq!(ours(&story).len(), 2);
}

#[test]
fn an_independent_driver_creates_reads_and_destroys_a_secret() {
    let story = Story::new();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/driver.py");
    let output = Command::new(python())
        .arg(script)
        .arg(env!("CARGO_BIN_EXE_terraform-provider-rotation"))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .envs(story.sandbox.exports().iter().map(|(name, value)| (name, value)))
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .concat();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("all is well"), "{said}");
    assert_eq!(ours(&story).len(), 1);
    nothing_is_left(&story);
}
