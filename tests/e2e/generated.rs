//! Values that nobody issues: parts that belong together, and what a person supplies.

use serde_json::Value;

use crate::story::{Story, unframed};
use crate::truth::parameter;

const KEY_PAIR: &str = r#"source = { key_pair = { algorithm = "ed25519" } }"#;
const TWO_HALVES: &str = r#"
  targets = {
    signer   = { wave = 1, part = "private_jwk", ssm_parameter = { name = "/key/private" } }
    verifier = { wave = 2, part = "public_jwk", ssm_parameter = { name = "/key/public" } }
  }"#;

/// A member of the JWK in a parameter.
fn member(story: &Story, name: &str, member: &str) -> Value {
    let jwk: Value = serde_json::from_str(&parameter(story, name).unwrap()).unwrap();
    jwk[member].clone()
}

/// Both parameters and the attribute `public` are of one key pair.
#[track_caller]
fn is_one_pair(story: &Story) {
    let kid = member(story, "/key/private", "kid");
    assert_eq!(kid, member(story, "/key/public", "kid"));
    assert_eq!(member(story, "/key/private", "x"), member(story, "/key/public", "x"));
    assert!(member(story, "/key/public", "d").is_null());
    assert_eq!(kid, story.attributes()["public"]["kid"]);
}

#[test]
fn an_interrupted_key_pair_is_never_finished_with_half_of_another_one() {
    let story = Story::begun(&[KEY_PAIR, TWO_HALVES]);
    is_one_pair(&story);
    let before = member(&story, "/key/public", "kid");
    story.configure(&[KEY_PAIR, TWO_HALVES, "rotation_reason = \"once\""]);
    story.sandbox.fault("PutParameter", 2, "forbidden");
    story.fails();
    assert_eq!(member(&story, "/key/public", "kid"), before);
    let half = member(&story, "/key/private", "kid");
    assert_ne!(half, before);
    // The public half stands in the state.
    story.apply();
    is_one_pair(&story);
    assert_eq!(member(&story, "/key/private", "kid"), half);
    assert_eq!(story.attributes()["phase"], "settled");
}

#[test]
fn a_private_half_that_nobody_has_is_not_replaced_by_that_of_another_pair() {
    let turned = TWO_HALVES.replace("wave = 1", "wave = 3");
    let story = Story::begun(&[KEY_PAIR, &turned]);
    let before = member(&story, "/key/private", "kid");
    story.configure(&[KEY_PAIR, &turned, "rotation_reason = \"once\""]);
    story.sandbox.fault("PutParameter", 2, "forbidden");
    let said = unframed(&story.fails());
    assert!(said.contains("set a new `rotation_reason`"), "{said}");
    assert_eq!(member(&story, "/key/private", "kid"), before);
    let half = member(&story, "/key/public", "kid");
    assert_ne!(half, before);
    // A generated value is not replaced unless a person asks for it.
    story.sandbox.forget_calls();
    let said = unframed(&story.apply());
    assert!(said.contains("FLY_API_TOKEN: not_restorable"), "{said}");
    story.wrote_nothing();
    assert_eq!(story.attributes()["phase"], "partial");
    story.configure(&[KEY_PAIR, &turned, "rotation_reason = \"the last one stopped half-way\""]);
    story.apply();
    is_one_pair(&story);
    assert_eq!(story.attributes()["phase"], "settled");
    assert_ne!(member(&story, "/key/public", "kid"), half);
    assert_ne!(member(&story, "/key/private", "kid"), before);
}

#[test]
fn the_private_half_is_nowhere_but_in_its_target() {
    let story = Story::begun(&[KEY_PAIR, TWO_HALVES]);
    let d = member(&story, "/key/private", "d");
    let state = story.workspace.state().to_string();
    assert!(!state.contains(d.as_str().unwrap()));
    assert!(state.contains(member(&story, "/key/public", "x").as_str().unwrap()));
}

#[test]
fn a_provided_value_is_delivered_when_its_version_rises_and_is_stored_nowhere() {
    const TARGET: &str = r#"targets = { runtime = { ssm_parameter = { name = "/key/provided" } } }"#;
    let source = |value: &str, version: u64| {
        format!("source = {{ provided = {{}} }}\n  value_wo = {value:?}\n  value_wo_version = {version}")
    };
    let story = Story::begun(&[&source("sk_live_first", 1), TARGET]);
    assert_eq!(parameter(&story, "/key/provided").unwrap(), "sk_live_first");
    story.configure(&[&source("sk_live_second", 1), TARGET]);
    story.settled();
    story.configure(&[&source("sk_live_second", 2), TARGET]);
    story.apply();
    assert_eq!(parameter(&story, "/key/provided").unwrap(), "sk_live_second");
    assert_eq!(story.attributes()["generation"], 2);
    assert!(!story.workspace.state().to_string().contains("sk_live"));
}
