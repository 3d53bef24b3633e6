//! A token in codespaces: the example of the docs, lived through. Running codespaces keep the old one until somebody restarts them.

use serde_json::Value;

use crate::story::{NAME, REPOSITORY, Story, says};

const EXAMPLE: &str = include_str!("../../examples/targets/github_codespaces_secret/main.tf");

/// What a codespace that starts now would get.
fn held(story: &Story) -> Value {
    let repository = &story.sandbox.state()["github"]["repositories"][REPOSITORY];
    assert_eq!(repository["secrets"], serde_json::json!({}), "workflows get nothing");
    repository["codespaces"]["secrets"][NAME]["value"].clone()
}

/// The values of the tokens that work, the oldest first.
fn alive(story: &Story) -> Vec<Value> {
    let state = story.sandbox.state();
    let tokens = state["fly"]["tokens"].as_array().unwrap().iter();
    let tokens = tokens.filter(|token| token["revoked_at"].is_null() && token["name"].as_str().unwrap().contains(NAME));
    tokens.map(|token| token["value"].clone()).collect()
}

#[test]
fn the_example_rotates_and_leaves_running_codespaces_the_old_token_for_a_week() {
    let mut story = Story::new();
    let (_, configuration) = EXAMPLE.split_once("provider \"rotation\" {").unwrap();
    let configuration = configuration
        .replace("example-org", "molecule-ai")
        .replace("example-service", "molecule-monorepo")
        .replace("example-app", "molecule-cp");
    let configuration = format!("provider \"rotation\" {{{configuration}");

    story.write_all(&configuration.replace("overlap = \"168h\"", ""));
    let refused = story.refused("plan");
    assert!(refused.contains("overlap is required"), "{refused}");
    story.write_all(&configuration);
    let step = |generation: u8| {
        let place = "for Codespaces in GitHub repository molecule-ai/molecule-monorepo";
        format!("wave 1: set {NAME} of generation {generation} {place}")
    };
    says(&story.plan(), &[&step(1)]);
    story.apply();
    let first = held(&story);
    assert_eq!(alive(&story), std::slice::from_ref(&first));

    story.clock("721h");
    says(&story.plan(), &[&step(2)]);
    story.apply();
    let second = held(&story);
    assert_eq!(alive(&story), [first, second.clone()]);

    story.clock("890h");
    story.apply();
    assert_eq!(alive(&story), std::slice::from_ref(&second));
    assert_eq!(held(&story), second);

    story.destroy();
    assert_eq!(held(&story), Value::Null);
    assert!(alive(&story).is_empty() && story.has_no_state());
}
