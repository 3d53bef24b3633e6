//! Railway: variables that only a deployment loads, and tokens.

use serde_json::{Value, json};

use crate::key_life::Key;
use crate::story::{A_DAY, NAME, SSM_TARGET, Story, says};
use crate::truth::alive;

const EXAMPLE: &str = include_str!("../../examples/targets/railway_variable/main.tf");
const SHARED_EXAMPLE: &str = include_str!("../../examples/activations/railway_redeploy/main.tf");

const ENVIRONMENT: &str = "8f0a3c1e-7d52-4e0b-9a64-000000000002";
const SERVICE: &str = "8f0a3c1e-7d52-4e0b-9a64-000000000003";

const KEY: Key = Key {
    vendor: "railway",
    own: ("token", "RAILWAY_API_TOKEN"),
    urls: &[("base_url", "RAILWAY_BASE_URL")],
    source: r#"railway_token = { project_id = "8f0a3c1e-7d52-4e0b-9a64-000000000001", environment_id = "8f0a3c1e-7d52-4e0b-9a64-000000000002" }"#,
    answers,
};

/// How Railway answers a query of the environment that carries that token: a refusal comes with 200.
fn answers(story: &Story, token: &str) -> u16 {
    let query = "query($id: String!) { environment(id: $id) { id } }";
    let body = json!({ "query": query, "variables": { "id": ENVIRONMENT } });
    let (status, body) = story
        .sandbox
        .call("POST", "/railway/graphql", &[("project-access-token", token)], &body);
    match body["errors"].is_array() {
        true => 401,
        false => status,
    }
}

#[test]
fn a_token_works_until_its_overlap_ends() {
    KEY.live();
}

#[test]
fn a_token_of_this_run_that_is_refused_is_told_before_the_mint() {
    let mut story = Story::new();
    story.configure(&[&format!("source = {{ {} }}", KEY.source), SSM_TARGET, A_DAY]);
    story
        .workspace
        .set("RAILWAY_API_TOKEN", "00000000-0000-4000-8000-000000000000");
    says(
        &story.fails(),
        &[
            "Not Authorized",
            "is expired or revoked, or it has no access",
            "Nothing was minted or changed.",
        ],
    );
}

fn configuration(example: &str) -> String {
    let (_, configuration) = example.split_once("provider \"rotation\" {").unwrap();
    format!(
        "provider \"rotation\" {{{}",
        configuration.replace("example-app", "molecule-cp")
    )
}

fn railway(story: &Story) -> Value {
    story.sandbox.state()["railway"].clone()
}

fn change(story: &Story, change: &Value) {
    story.sandbox.seed(json!({ "railway": change }));
}

#[test]
fn a_token_is_revoked_after_the_service_runs_with_the_next() {
    let story = Story::new();
    let configuration = configuration(EXAMPLE);
    change(&story, &json!({ "variables": { "shared": { NAME: "typed by hand" } } }));
    story.write_all(&configuration);
    says(
        &story.plan(),
        &[
            "wave 1: set FLY_API_TOKEN of generation 1 in Railway service 8f0a3c1e-7d52-4e0b-9a64-000000000003",
            "wave 1: activate generation 1 by redeploy: redeployment of Railway service",
        ],
    );
    story.apply();
    let first = railway(&story)["running"][NAME].clone();
    assert!(first.is_string());
    assert_eq!(
        railway(&story)["deployments"].as_array().unwrap().len(),
        1,
        "the write itself deployed nothing"
    );

    story.write_all(&configuration.replace("rotation {", "rotation_reason = \"leaked\"\n  rotation {"));
    change(&story, &json!({ "deployments_end": "CRASHED" }));
    says(&story.fails(), &["ended as \"CRASHED\""]);
    assert_eq!(
        (railway(&story)["running"][NAME].clone(), alive(&story).len()),
        (first.clone(), 2)
    );
    change(&story, &json!({ "deployments_end": "SUCCESS" }));
    story.apply();
    let second = railway(&story)["running"][NAME].clone();
    assert!(second != first && alive(&story).len() == 1);

    story.destroy();
    assert_eq!(
        railway(&story)["variables"],
        json!({ "shared": { NAME: "typed by hand" } })
    );
}

#[test]
fn what_a_person_changes_is_seen_by_its_time() {
    let story = Story::new();
    story.write_all(
        &configuration(SHARED_EXAMPLE).replace("  activations =", "  on_drift = \"rotate\"\n\n  activations ="),
    );
    story.apply();
    let deployments = |story: &Story| railway(story)["deployments"].as_array().unwrap().len();
    assert_eq!(deployments(&story), 1, "both share it");
    let first = railway(&story)["running"].clone();
    change(
        &story,
        &json!({ "variables": { SERVICE: { "SESSION_KEY": "typed by hand" } } }),
    );
    says(&story.plan(), &["mint generation 2", "1 to change"]);
    story.apply();
    let second = railway(&story)["running"].clone();
    assert_eq!(first["WEBHOOK_KEY"], second["WEBHOOK_KEY"]);
    assert!(second["SESSION_KEY"] != first["SESSION_KEY"] && second["SESSION_KEY"] != "typed by hand");
}

#[test]
fn a_value_that_railway_would_replace_is_refused() {
    let story = Story::new();
    let configuration = configuration(EXAMPLE).replace(
        "source = { fly_token = { app = \"molecule-cp\", expires_in = \"2400h\" } }",
        "source = { provided = {} }\n  value_wo = \"a$${{ shared.KEY }}\"\n  value_wo_version = 1",
    );
    story.write_all(&configuration);
    says(&story.fails(), &["takes for a reference to another variable"]);
    assert_eq!(railway(&story)["variables"], json!({}));
}
