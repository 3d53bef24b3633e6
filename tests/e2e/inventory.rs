//! `provider::rotation::inventory`: the secret map as objects.

use serde_json::{Value, json};

use crate::story::{REPOSITORY, Story, says};

const SECRETS: &str = r#"
resource "rotation_secret" "key" {
  name    = "KEY"
  readers = ["ci", "alice"]
  info    = { purpose = "Signs sessions", owner = "platform", contact = "security@example.com" }
  source  = { random = { bytes = 32, encoding = "hex" } }
  targets = { control_plane = { wave = 2, impact = "nobody can log in", fly_secret = { app = "molecule-cp" } }
              ci            = { github_actions_secret = { repository = "REPOSITORY", name = "SIGNING_KEY" } } }
  rotation {
    every = "90d"
  }
}
resource "rotation_secret" "token" {
  for_each = toset(["a"])
  name     = "TOKEN_${each.key}"
  source   = { fly_token = { app = "molecule-cp", expires_in = "2400h" } }
  targets  = { ci = { github_actions_secret = { repository = "REPOSITORY" } } }
}
"#;

fn with_output(story: &Story, value: &str) {
    let secrets = SECRETS.replace("REPOSITORY", REPOSITORY);
    story.write(&format!("{secrets}\noutput \"map\" {{\n  value = {value}\n}}\n"));
}

#[test]
fn the_secret_map_lists_every_place_and_no_value() {
    let story = Story::new();
    with_output(
        &story,
        "provider::rotation::inventory([rotation_secret.key, rotation_secret.token[\"a\"]])",
    );
    let plan = story.plan();
    assert!(plan.contains("+ map = (known after apply)"), "{plan}");
    story.apply();
    story.settled();
    let map: Value = serde_json::from_str(&story.run(&["output", "-json", "map"]).success()).unwrap();
    let (key, token) = (&map[0], &map[1]);
    assert_eq!(map.as_array().unwrap().len(), 2);
    for (name, expected) in [
        ("name", json!("KEY")),
        ("purpose", json!("Signs sessions")),
        ("contact", json!("security@example.com")),
        ("class", Value::Null),
        ("readers", json!(["ci", "alice"])),
        ("source", json!("32 random bytes in hex")),
        ("every", json!("90d")),
        ("phase", json!("settled")),
        ("generation", json!(1)),
        ("last_cause", json!("created")),
        ("notices", json!([])),
    ] {
        assert_eq!(key[name], expected, "{name}");
    }
    let target = &key["targets"][1];
    assert_eq!(target["key"], "control_plane");
    assert_eq!(
        (&target["wave"], &target["impact"]),
        (&json!(2), &json!("nobody can log in"))
    );
    assert_eq!(
        (&target["status"], &target["kind"]),
        (&json!("current"), &json!("fly_secret"))
    );
    let place = key["targets"][0]["place"].as_str().unwrap();
    assert!(
        place.starts_with(&format!("GitHub Actions secret SIGNING_KEY in repository {REPOSITORY}")),
        "{place}"
    );
    let credential = &token["credentials"][0];
    assert_eq!(
        (&credential["generation"], &credential["status"]),
        (&json!(1), &json!("current"))
    );
    assert!(
        credential["credential_id"].is_string() && credential["expires_at"].is_string(),
        "{credential}"
    );
    let value = crate::truth::fly_secret(&story, "molecule-cp", "KEY").unwrap();
    assert!(!map.to_string().contains(&value), "{map}");
}

#[test]
fn what_is_no_collection_of_secrets_is_refused() {
    let story = Story::new();
    with_output(&story, "null");
    story.apply();
    for (value, text) in [
        (
            "rotation_secret.key",
            "secrets is one secret. Put it in brackets: [rotation_secret.x].",
        ),
        ("[rotation_secret.key, \"x\"]", "secrets[1] is not a rotation_secret."),
        (
            "[rotation_secret.key, values(rotation_secret.token)]",
            "secrets[1] is not a rotation_secret. It is a list: use flatten().",
        ),
        (
            "{ all = rotation_secret.token }",
            "secrets[\"all\"] is not a rotation_secret. It is a map of secrets: use merge().",
        ),
    ] {
        with_output(&story, &format!("provider::rotation::inventory({value})"));
        says(&story.refused("plan"), &[text]);
    }
}
