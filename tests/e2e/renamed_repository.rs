//! A repository that is renamed at GitHub: its secrets stay, whether or not the configuration follows.

use serde_json::json;

use crate::story::{FLY_TOKEN, NAME, REPOSITORY, Story, says};
use crate::truth::{github_secret, the_token};

const RENAMED: &str = "molecule-ai/molecule-core";
const HEX: &str = "source = { random = { bytes = 32, encoding = \"hex\" } }";

fn target(repository: &str) -> String {
    format!("targets = {{ image_publish = {{ github_actions_secret = {{ repository = {repository:?} }} }} }}")
}

/// Somebody renames it.
fn rename(story: &Story) {
    story
        .sandbox
        .seed(json!({ "github": { "repositories": { REPOSITORY: { "renamed_to": RENAMED } } } }));
    story.sandbox.forget_calls();
}

#[test]
fn a_configuration_that_follows_writes_nothing_and_deletes_nothing() {
    let story = Story::begun(&[HEX, &target(REPOSITORY)]);
    let value = github_secret(&story, REPOSITORY, NAME);
    let container = story.attributes()["deliveries"]["image_publish"]["container_id"].clone();
    rename(&story);
    // Under the old name it is still found.
    story.settled();
    story.configure(&[HEX, &target(RENAMED)]);
    let plan = story.plan();
    assert!(!plan.contains("+ \"wave 1"), "{plan}");
    says(&plan, &["0 to add, 1 to change, 0 to destroy"]);
    story.apply();
    story.wrote_nothing();
    assert_eq!(github_secret(&story, RENAMED, NAME), value);
    let delivery = &story.attributes()["deliveries"]["image_publish"];
    assert!(delivery["slot"].as_str().unwrap().contains(RENAMED), "{delivery}");
    assert_eq!(
        (&delivery["container_id"], &delivery["renamed_to"], &delivery["status"]),
        (&container, &json!(null), &json!("current"))
    );
}

#[test]
fn a_rotation_goes_to_the_repository_by_either_name() {
    for follows in [false, true] {
        let overlap = "overlap = \"0s\"";
        let story = Story::begun(&[FLY_TOKEN, &target(REPOSITORY), overlap]);
        rename(&story);
        let repository = if follows { RENAMED } else { REPOSITORY };
        let reason = "rotation_reason = \"renamed\"";
        story.configure(&[FLY_TOKEN, &target(repository), overlap, reason]);
        story.apply();
        assert_eq!(story.attributes()["generation"], 2);
        assert_eq!(
            github_secret(&story, RENAMED, NAME),
            Some(the_token(&story).value),
            "{follows}"
        );
    }
}

#[test]
fn another_repository_of_the_old_name_is_not_taken_for_it() {
    let story = Story::begun(&[HEX, &target(REPOSITORY)]);
    rename(&story);
    story.run(&["apply", "-refresh-only", "-auto-approve"]).success();
    let renamed = &story.attributes()["deliveries"]["image_publish"]["renamed_to"];
    assert!(renamed.as_str().unwrap().contains(RENAMED), "{renamed}");
    // Whoever makes a repository of the old name ends the redirect.
    story
        .sandbox
        .seed(json!({ "github": { "repositories": { REPOSITORY: {} } } }));
    story.run(&["apply", "-refresh-only", "-auto-approve"]).success();
    let delivery = story.attributes()["deliveries"]["image_publish"].clone();
    assert_eq!(
        (&delivery["renamed_to"], &delivery["status"]),
        (&json!(null), &json!("missing"))
    );
}
