//! A secret for Dependabot beside the one for workflows: the example of the docs, lived through.

use serde_json::{Value, json};

use crate::story::{REPOSITORY, Story, says};

const EXAMPLE: &str = include_str!("../../examples/targets/github_dependabot_secret/main.tf");
const NAME: &str = "REGISTRY_TOKEN";

/// What Dependabot and what workflows would get.
fn held(story: &Story) -> [Value; 2] {
    let repository = &story.sandbox.state()["github"]["repositories"][REPOSITORY];
    [&repository["dependabot"], repository].map(|place| place["secrets"][NAME]["value"].clone())
}

#[test]
fn the_example_is_applied_drifts_and_is_destroyed() {
    let mut story = Story::new();
    let (_, configuration) = EXAMPLE.split_once("provider \"rotation\" {").unwrap();
    let configuration = configuration
        .replace("example-org", "molecule-ai")
        .replace("example-service", "molecule-monorepo");
    story.write_all(&format!("provider \"rotation\" {{{configuration}"));
    story.workspace.set("TF_VAR_registry_token", "rk_4f81c0de5a7b9e23");

    let plan = story.plan();
    let step =
        "wave 1: set REGISTRY_TOKEN of generation 1 for Dependabot in GitHub repository molecule-ai/molecule-monorepo";
    says(&plan, &[step, "in GitHub repository molecule-ai/molecule-monorepo"]);
    story.apply();
    assert_eq!(held(&story), ["rk_4f81c0de5a7b9e23"; 2]);

    let by_hand = json!({ "dependabot_secrets": { NAME: "typed by hand" } });
    story
        .a_second_later()
        .sandbox
        .seed(json!({ "github": { "repositories": { REPOSITORY: by_hand } } }));
    let plan = story.plan();
    says(&plan, &["changed outside Terraform", step, "again, 2nd time"]);
    assert!(!plan.contains("molecule-monorepo (workflows)"), "{plan}");
    assert!(!plan.contains("rk_4f81c0de"), "{plan}");
    story.apply();
    assert_eq!(held(&story), ["rk_4f81c0de5a7b9e23"; 2]);

    story.destroy();
    assert_eq!(held(&story), [Value::Null, Value::Null]);
    assert!(story.has_no_state());
}
