//! The first apply: what it makes, in which order, what it leaves behind when it fails, and what it never stores.

use serde_json::json;

use crate::story::{A_DAY, FLY_TARGET, FLY_TOKEN, NAME, Story, THREE_TARGETS, unframed};
use crate::truth::{alive, fly_tokens, ours, the_token, three_targets_hold};

#[test]
fn a_create_delivers_everywhere_and_the_second_plan_is_empty() {
    let story = Story::new();
    story.configure(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    let plan = story.plan();
    for line in [
        "+ resource \"rotation_secret\" \"it\" {",
        "reason          = \"created\"",
        "+ generation     = (known after apply)",
        "Plan: 1 to add, 0 to change, 0 to destroy.",
    ] {
        assert!(plan.contains(line), "{line} is not in\n{plan}");
    }
    story.wrote_nothing();
    story.apply();
    let token = the_token(&story);
    assert!(token.name.starts_with("FLY_API_TOKEN-rot-"), "{}", token.name);
    assert!(token.name.ends_with("-g1"), "{}", token.name);
    assert_eq!(token.owner, "app:molecule-cp");
    three_targets_hold(&story, &token.value);
    let attributes = story.attributes();
    assert_eq!(attributes["generation"], 1);
    assert_eq!(attributes["phase"], "settled");
    assert_eq!(attributes["credentials"]["1"]["credential_id"], token.id.as_str());
    let id: String = attributes["id"].as_str().unwrap().chars().take(12).collect();
    assert!(token.name.contains(&id));
    for target in ["control_plane", "image_publish", "runtime"] {
        assert_eq!(attributes["deliveries"][target]["status"], "current");
        assert_eq!(attributes["deliveries"][target]["generation"], 1);
    }
}

#[test]
fn waves_are_delivered_in_order_and_activated_before_the_next() {
    let story = Story::begun(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    let writes = story.writes();
    let place = |part: &str| {
        let found = writes.iter().position(|line| line.contains(part));
        found.unwrap_or_else(|| panic!("{part} is not in {writes:#?}"))
    };
    let last = |part: &str| writes.iter().rposition(|line| line.contains(part)).unwrap();
    let minted = place("createLimitedAccessToken");
    let staged = place("/v1/apps/molecule-cp/secrets");
    let rolled = last("/machines/");
    assert!(minted < staged && staged < rolled, "{writes:#?}");
    for second in [
        "PUT /repos/molecule-ai/molecule-monorepo/actions/secrets/FLY_API_TOKEN",
        "AmazonSSM.PutParameter",
    ] {
        assert!(rolled < place(second), "{writes:#?}");
    }
}

#[test]
fn a_create_that_reaches_no_target_leaves_nothing_behind() {
    let story = Story::new();
    story.configure(&[FLY_TOKEN, FLY_TARGET]);
    story
        .sandbox
        .lasting_fault("POST /v1/apps/molecule-cp/secrets", "forbidden");
    let said = story.fails();
    assert!(said.contains("control_plane"), "{said}");
    assert_eq!(ours(&story).len(), 1);
    assert_eq!(alive(&story), []);
    assert!(story.has_no_state());
    story.sandbox.heal();
    story.apply();
    the_token(&story);
}

#[test]
fn a_create_reports_every_obstacle_at_once_and_mints_nothing() {
    let story = Story::new();
    story.configure(&[
        FLY_TOKEN,
        r#"targets = {
    app        = { fly_secret = { app = "no-such-app" } }
    repository = { github_actions_secret = { repository = "no-such-repository" } }
    runtime    = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
  }"#,
        A_DAY,
    ]);
    story.sandbox.lasting_fault("AmazonSSM.DescribeParameters", "forbidden");
    let said = unframed(&story.fails());
    for object in [
        "no-such-app",
        "molecule-ai/no-such-repository",
        "ssm:DescribeParameters",
    ] {
        assert!(said.contains(object), "{object} is not in\n{said}");
    }
    assert_eq!(said.matches("Error: ").count(), 3, "{said}");
    story.wrote_nothing();
    assert!(story.has_no_state());
}

#[test]
fn an_entry_of_somebody_else_is_refused_and_replaced_on_request() {
    let story = Story::new();
    let foreign = json!({ "molecule-ai/molecule-monorepo": { "secrets": { NAME: "typed by hand" } } });
    story.sandbox.seed(json!({ "github": { "repositories": foreign } }));
    story.configure(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    let said = story.fails();
    assert!(said.contains("image_publish") && said.contains("on_existing"), "{said}");
    story.wrote_nothing();
    story.configure(&[FLY_TOKEN, THREE_TARGETS, A_DAY, "on_existing = \"replace\""]);
    story.apply();
    three_targets_hold(&story, &the_token(&story).value);
    assert_eq!(fly_tokens(&story).len(), 2);
}
