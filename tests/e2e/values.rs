//! Values of other shapes: supplied by a person, in parts, generated.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::story::{FLY_TARGET, NAME, PARAMETER, SSM_TARGET, Story, resource};
use crate::truth::{fly_secret, parameter};

#[test]
fn a_supplied_value_is_taken_when_its_version_rises_and_is_stored_nowhere() {
    let first = "canary-first-5f1d7a90c3";
    let second = "canary-second-8e2b6d41f7";
    let variable = "variable \"value\" {\n  type      = string\n  ephemeral = true\n}\n";
    let supplied = |version: u32| {
        let source = format!("source = {{ provided = {{}} }}\n  value_wo = var.value\n  value_wo_version = {version}");
        format!("{variable}{}", resource("it", NAME, &[&source, SSM_TARGET]))
    };
    let mut story = Story::new();
    story.workspace.set("TF_VAR_value", first);
    story.write(&supplied(1));
    story.apply();
    assert_eq!(parameter(&story, PARAMETER).as_deref(), Some(first));
    // Another value without another version is not looked at.
    story.sandbox.forget_calls();
    story.workspace.set("TF_VAR_value", second);
    story.apply();
    story.wrote_nothing();
    story.write(&supplied(2));
    let plan = story.plan();
    assert!(plan.contains("\n      ~ generation       = 1 -> 2"), "{plan}");
    story.run(&["plan", "-out=saved"]).success();
    story.run(&["apply", "saved"]).success();
    story.settled();
    assert_eq!(parameter(&story, PARAMETER).as_deref(), Some(second));
    let state = story.workspace.state().to_string();
    assert!(!state.contains("canary-"), "{state}");
}

#[test]
fn the_halves_of_a_key_pair_go_to_different_targets() {
    let story = Story::begun(&[
        "source = { key_pair = { algorithm = \"ed25519\" } }",
        r#"targets = {
    private = { part = "private_key_pem", ssm_parameter = { name = "/keys/private" } }
    public  = { part = "public_key_pem", ssm_parameter = { name = "/keys/public" } }
    set     = { template = "{\"keys\":[{{ public_jwk }}]}", ssm_parameter = { name = "/keys/set" } }
  }"#,
    ]);
    let private = parameter(&story, "/keys/private").unwrap();
    assert!(private.starts_with("-----BEGIN PRIVATE KEY-----"), "{private}");
    let public = parameter(&story, "/keys/public").unwrap();
    assert!(public.starts_with("-----BEGIN PUBLIC KEY-----"), "{public}");
    let set: serde_json::Value = serde_json::from_str(&parameter(&story, "/keys/set").unwrap()).unwrap();
    assert_eq!(set["keys"][0]["kty"], "OKP");
    let attributes = story.attributes();
    assert_eq!(attributes["public"]["public_key_pem"], public.as_str());
    let stored = attributes.to_string();
    let body: String = private.lines().filter(|line| !line.starts_with('-')).collect();
    // The first sixteen bytes of a PKCS#8 Ed25519 key are the same in every key (RFC 8410).
    let secret: String = body.chars().skip(24).collect();
    assert!(!stored.contains(&secret), "{stored}");
}

#[test]
fn a_random_value_has_the_length_and_the_encoding_that_were_asked_for() {
    let story = Story::begun(&[
        "source = { random = { bytes = 32, encoding = \"base64\" } }",
        FLY_TARGET,
    ]);
    let value = fly_secret(&story, "molecule-cp", NAME).unwrap();
    assert_eq!(STANDARD.decode(&value).unwrap().len(), 32);
}
