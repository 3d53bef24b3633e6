//! The guide for secrets that exist, played word for word: its configuration is applied, and its plan is what Terraform shows.

use std::path::Path;

use serde_json::{Value, json};

use crate::story::{REPOSITORY, Story, says};

/// Secrets of the control plane, and what they are before Terraform knows of them.
const VALUES: [(&str, &str); 2] = [
    ("TENANT_REDIS_URL", "rediss://default:by-hand@tenant.example.com:6379"),
    (
        "SECRETS_ENCRYPTION_KEY",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    ),
];

fn guide() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guides/brownfield.md");
    std::fs::read_to_string(path).unwrap()
}

/// The blocks of the guide in that language.
fn blocks(language: &str) -> Vec<String> {
    let guide = guide();
    let mut parts = guide.split("```");
    let mut found = Vec::new();
    while let (Some(_), Some(block)) = (parts.next(), parts.next()) {
        let (of, text) = block.split_once('\n').unwrap();
        if of == language {
            found.push(text.to_owned());
        }
    }
    found
}

fn put(story: &Story, name: &str, value: &str) {
    let path = format!("/v1/apps/molecule-cp/secrets/{name}");
    let headers = [("authorization", story.sandbox.export("FLY_API_TOKEN"))];
    let answer = story.sandbox.call("POST", &path, &headers, &json!({ "value": value }));
    assert_eq!(answer.0, 201, "{answer:?}");
}

/// What a listing holds of that name.
fn named<'v>(list: &'v Value, name: &str) -> &'v Value {
    let mut all = list.as_array().unwrap().iter();
    all.find(|one| one["name"] == name).unwrap()
}

/// What vendors hold, without the log of calls.
fn truth(story: &Story) -> Value {
    let mut state = story.sandbox.state();
    state.as_object_mut().unwrap().remove("calls");
    // Keys note their last use.
    for key in state["neon"]["api_keys"].as_array_mut().unwrap() {
        key.as_object_mut().unwrap().remove("last_used_at");
    }
    state
}

#[test]
fn the_guide_takes_a_runbook_over_without_rotating_anything() {
    let mut story = Story::new();
    story.sandbox.seed(json!({
        "fly": { "tokens": [{ "app": "molecule-cp", "name": "molecule-cp-rotation-20261101" }] },
        "neon": { "api_keys": [{ "name": "control plane" }] },
    }));
    let state = story.sandbox.state();
    let token = named(&state["fly"]["tokens"], "molecule-cp-rotation-20261101").clone();
    let key = named(&state["neon"]["api_keys"], "control plane").clone();
    put(&story, "FLY_API_TOKEN", token["value"].as_str().unwrap());
    put(&story, "NEON_API_KEY", key["value"].as_str().unwrap());
    for (name, value) in VALUES {
        put(&story, name, value);
    }
    story.sandbox.seed(
        json!({ "github": { "repositories": { REPOSITORY: { "secrets": { "FLY_API_TOKEN": token["value"] } } } } }),
    );
    story.sandbox.forget_calls();
    let before = truth(&story);

    let [configuration] = blocks("terraform").try_into().unwrap();
    let a_month_ago = jiff::Timestamp::now()
        .checked_sub(jiff::SignedDuration::from_hours(720))
        .unwrap();
    let key_id = key["id"]
        .as_u64()
        .map_or_else(|| key["id"].to_string(), |id| id.to_string());
    let configuration = configuration
        .replace("tok_in_use", token["id"].as_str().unwrap())
        .replace("key_in_use", &key_id)
        .replace("2026-11-01T09:00:00Z", &a_month_ago.to_string());
    story.write_all(&configuration);
    let host = story
        .sandbox
        .export("SANDBOX_URL")
        .trim_start_matches("http://")
        .to_owned();
    let plan = story
        .plan()
        .replace(&format!(" at {host}"), "")
        .replace(token["id"].as_str().unwrap(), "tok_in_use");
    let texts = blocks("text");
    for line in texts[0].lines().filter(|line| !line.trim().is_empty()) {
        assert!(plan.contains(line.trim()), "{line} of the guide is not in\n{plan}");
    }
    story.apply();
    assert_eq!(truth(&story), before, "the vendors' truth");
    let empty = story.settled();
    for line in texts[1].lines().filter(|line| !line.trim().is_empty()) {
        says(&empty, &[line.trim()]);
    }
    for label in [
        "fly_api_token",
        "neon_api_key",
        "tenant_redis_url",
        "secrets_encryption_key",
    ] {
        let attributes = story.attributes_of(label);
        assert_eq!(
            (&attributes["generation"], &attributes["phase"]),
            (&json!(0), &json!("settled")),
            "{label}"
        );
        assert_eq!(attributes["notices"], json!([]), "{label}");
    }
    assert_eq!(
        story.attributes_of("neon_api_key")["rotated_at"],
        story.attributes_of("neon_api_key")["credentials"]["0"]["minted_at"]
    );

    // When they are due, the calendar rotates what it may.
    story.clock("91d");
    let plan = story.plan();
    says(
        &plan,
        &[
            "mint generation 1: Fly deploy token for app molecule-cp",
            "mint generation 1: personal Neon API key",
        ],
    );
    assert!(!plan.contains("secrets_encryption_key will be"), "{plan}");
    assert!(!plan.contains("tenant_redis_url will be"), "{plan}");
    story.run(&["apply", "-auto-approve"]).success();
    story.clock("93d");
    story.run(&["apply", "-auto-approve"]).success();
    let state = story.sandbox.state();
    assert!(!named(&state["fly"]["tokens"], "molecule-cp-rotation-20261101")["revoked_at"].is_null());
    for (name, value) in VALUES {
        assert_eq!(state["fly"]["apps"]["molecule-cp"]["secrets"][name]["value"], value);
    }
    story.settled();
}
