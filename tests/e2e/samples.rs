//! The samples of stored states (`tests/state_samples`) are what real applies write: the same attributes, wherever they nest.
//!
//! `UPDATE=1` writes samples that do not exist yet, and never changes one: states in that form are out there.

use std::path::{Path, PathBuf};

use rotation_provider::provider::secret::schema::VERSION;
use serde_json::{Value, json};

use crate::story::{A_DAY, FLY_TARGET, FLY_TOKEN, SSM_TARGET, Story, THREE_TARGETS};

#[test]
fn a_settled_secret_is_stored_as_in_its_sample() {
    let story = Story::begun(&[
        FLY_TOKEN,
        THREE_TARGETS,
        A_DAY,
        "rotation {\n    every = \"60d\"\n  }",
        "readers = [\"ci\"]",
    ]);
    compare("settled", &story);
}

#[test]
fn an_overlapping_secret_is_stored_as_in_its_sample() {
    let mut story = Story::begun(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    story.configure(&[FLY_TOKEN, THREE_TARGETS, A_DAY, "rotation_reason = \"once\""]);
    story.apply();
    compare("overlapping", &story);
    story.clock("25h");
    story.run(&["apply", "-refresh-only", "-auto-approve"]).success();
    compare("revocation_due", &story);
}

#[test]
fn a_half_done_rotation_is_stored_as_in_its_sample() {
    let story = Story::new();
    let url = story.sandbox.export("PLATFORM_URL");
    let checks = format!("checks = {{\n    up = {{ retry_for = \"1s\", http = {{ url = \"{url}/health\" }} }}\n  }}");
    story.configure(&[FLY_TOKEN, FLY_TARGET, &checks]);
    story.apply();
    story.sandbox.seed(json!({ "platform": { "healthy": false } }));
    story.configure(&[FLY_TOKEN, FLY_TARGET, &checks, "rotation_reason = \"once\""]);
    story.fails();
    compare("partial", &story);
}

#[test]
fn a_generated_key_pair_is_stored_as_in_its_sample() {
    let story = Story::begun(&[
        "source = { key_pair = { algorithm = \"ed25519\" } }",
        &SSM_TARGET.replace("ssm_parameter", "part = \"private_key_pem\", ssm_parameter"),
    ]);
    compare("generated", &story);
}

#[test]
fn a_rotation_that_waits_for_a_lead_is_stored_as_in_its_sample() {
    let story = Story::begun(&[
        FLY_TOKEN,
        A_DAY,
        r#"targets = {
    verifier = { lead = "1h", ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
    caller   = { wave = 2, fly_secret = { app = "molecule-cp" } }
  }"#,
    ]);
    compare("leading", &story);
}

/// Compares what is stored with the sample of that name.
#[track_caller]
fn compare(name: &str, story: &Story) {
    let state = story.workspace.state();
    let instance = &state["resources"][0]["instances"][0];
    let written = json!({
        "schema_version": instance["schema_version"],
        "private": instance["private"],
        "attributes": instance["attributes"],
    });
    let path = sample(name);
    if !path.exists() && std::env::var_os("UPDATE").is_some() {
        let text = serde_json::to_string_pretty(&written).unwrap();
        std::fs::write(&path, format!("{text}\n")).unwrap();
    }
    let sample = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let sample: Value = serde_json::from_str(&sample).unwrap();
    assert_eq!(
        shape(&written),
        shape(&sample),
        "{name}: what is stored has changed; keep this sample, bump the schema's version or add samples beside it"
    );
}

fn sample(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/state_samples");
    folder.join(format!("v{VERSION}/{name}.json"))
}

/// The names in it, without the values, and without how many texts or numbers a list has.
fn shape(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut shapes: Vec<Value> = items.iter().map(shape).collect();
            shapes.dedup_by(|next, before| next.is_null() && before.is_null());
            Value::Array(shapes)
        }
        Value::Object(items) => Value::Object(items.iter().map(|(name, item)| (name.clone(), shape(item))).collect()),
        _ => Value::Null,
    }
}
