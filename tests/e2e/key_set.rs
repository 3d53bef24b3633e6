//! `jwks`: the public keys of every generation that is valid, published together.

use serde_json::{Value, json};

use crate::interrupt::{apply_until_held, ended, send};
use crate::story::{NAME, Story, resource, says, unframed};
use crate::truth::{fly_secret, moments, parameter};

const KEY_PAIR: &str = r#"source = { key_pair = { algorithm = "ed25519" } }"#;
const ONCE: &str = "rotation_reason = \"once\"";
const HOUR: &str = "overlap = \"1h\"";

/// Verifiers before the signer. Nothing gives the private key back.
const TARGETS: &str = r#"targets = {
    verifiers = { lead = "2s", part = "jwks", ssm_parameter = { name = "/jwt/keys" } }
    signer    = { wave = 2, part = "private_jwk", fly_secret = { app = "molecule-cp" } }
  }"#;

fn kids(set: &str) -> Vec<String> {
    let set: Value = serde_json::from_str(set).unwrap();
    let keys = set["keys"].as_array().unwrap().iter();
    keys.map(|key| {
        assert!(key["d"].is_null(), "a private key is published");
        key["kid"].as_str().unwrap().to_owned()
    })
    .collect()
}

/// The keys that verifiers have, the newest first; the state says the same.
#[track_caller]
fn published(story: &Story) -> Vec<String> {
    let held = parameter(story, "/jwt/keys").unwrap();
    assert_eq!(story.attributes()["public"]["jwks"], json!(held));
    kids(&held)
}

fn signing(story: &Story) -> String {
    let jwk: Value = serde_json::from_str(&fly_secret(story, "molecule-cp", NAME).unwrap()).unwrap();
    jwk["kid"].as_str().unwrap().to_owned()
}

/// Every token that a running machine signed, at any moment, is verified then and for as long as it lives, in milliseconds. Returns how
/// often one signed.
#[track_caller]
fn no_token_is_ever_refused(story: &Story, life: i64) -> usize {
    let mut sets: Vec<(i64, Vec<String>)> = Vec::new();
    let mut signed: Vec<(i64, String)> = Vec::new();
    for (at, state) in moments(story) {
        if let Some(set) = state["aws"]["ssm"]["/jwt/keys"]["value"].as_str() {
            sets.push((at, kids(set)));
        }
        let machines = state["fly"]["apps"]["molecule-cp"]["machines"].as_object().unwrap();
        for key in machines.values().filter_map(|machine| machine["env"][NAME].as_str()) {
            let jwk: Value = serde_json::from_str(key).unwrap();
            signed.push((at, jwk["kid"].as_str().unwrap().to_owned()));
        }
    }
    for (at, key) in &signed {
        let standing = sets.iter().rev().find(|(since, _)| since <= at);
        let later = sets.iter().filter(|(since, _)| *since > *at && *since <= at + life);
        for (since, set) in standing.into_iter().chain(later) {
            assert!(set.contains(key), "{} ms after it signed, {key} is refused", since - at);
        }
    }
    signed.len()
}

#[test]
fn an_old_key_verifies_until_its_overlap_has_ended() {
    let mut story = Story::begun(&[KEY_PAIR, TARGETS, HOUR]);
    let first = signing(&story);
    assert_eq!(published(&story), std::slice::from_ref(&first));
    story.configure(&[KEY_PAIR, TARGETS, HOUR, ONCE]);
    says(
        &story.plan(),
        &["keep the public key of generation 1 in the set (part jwks) for 1h; a later apply takes it out"],
    );
    story.apply();
    let second = signing(&story);
    assert_ne!(second, first);
    assert_eq!(published(&story), [second.clone(), first]);
    let kept = story.attributes();
    assert_eq!(
        (&kept["phase"], &kept["next_action_at"]),
        (&json!("overlapping"), &kept["revoke_after"])
    );
    let old = &kept["credentials"]["1"];
    assert_eq!((&old["status"], &old["issuer"]), (&json!("overlapping"), &Value::Null));
    assert!(no_token_is_ever_refused(&story, 60_000) > 3);

    story.clock("59m");
    story.settled();
    story.clock("61m");
    story.run(&["apply", "-refresh-only", "-auto-approve"]).success();
    let pending = &story.attributes()["pending"][0];
    assert_eq!(
        (&pending["action"], &pending["generation"]),
        (&json!("revoke"), &json!(1))
    );
    says(
        &story.plan(),
        &[
            "take the public key of generation 1 out of the set (part jwks)",
            "wave 1: set /jwt/keys of generation 2",
        ],
    );
    story.apply();
    assert_eq!(published(&story), std::slice::from_ref(&second));
    assert_eq!(signing(&story), second);
    let settled = story.attributes();
    assert_eq!(
        (&settled["phase"], &settled["generation"]),
        (&json!("settled"), &json!(2))
    );
    assert_eq!(settled["last_rotation"]["revoked"], json!([]));
}

#[test]
fn without_an_overlap_the_old_key_leaves_once_the_signer_has_the_new_one() {
    let story = Story::begun(&[KEY_PAIR, TARGETS]);
    let first = signing(&story);
    story.configure(&[KEY_PAIR, TARGETS, ONCE]);
    says(
        &story.plan(),
        &["take the public key of generation 1 out of the set (part jwks)"],
    );
    story.apply();
    assert_eq!(published(&story), [signing(&story)]);
    assert_ne!(signing(&story), first);
    assert_eq!(story.attributes()["phase"], "settled");
    no_token_is_ever_refused(&story, 0);
}

#[test]
fn the_life_of_a_token_is_the_signers_settle() {
    let targets = TARGETS.replace("wave = 2,", "wave = 2, settle = \"30m\",");
    let mut story = Story::begun(&[KEY_PAIR, &targets]);
    story.configure(&[KEY_PAIR, &targets, ONCE]);
    story.apply();
    assert_eq!(published(&story).len(), 2);
    story.clock("31m");
    story.apply();
    assert_eq!(published(&story), [signing(&story)]);
}

#[test]
fn a_set_that_cannot_be_written_is_written_by_the_next_apply() {
    let mut story = Story::begun(&[KEY_PAIR, TARGETS, HOUR]);
    story.configure(&[KEY_PAIR, TARGETS, HOUR, ONCE]);
    story.apply();
    story.clock("61m");
    story.sandbox.fault("PutParameter", 1, "forbidden");
    let said = story.fails();
    says(&said, &["/jwt/keys"]);
    assert_eq!(kids(&parameter(&story, "/jwt/keys").unwrap()).len(), 2);
    assert_eq!(story.attributes()["deliveries"]["verifiers"]["status"], "stale");
    says(&story.plan(), &["wave 1: set /jwt/keys of generation 2"]);
    story.apply();
    assert_eq!(published(&story), [signing(&story)]);
}

#[test]
fn what_is_public_is_delivered_to_a_new_target_without_the_private_key() {
    let story = Story::begun(&[KEY_PAIR, TARGETS, HOUR]);
    story.configure(&[KEY_PAIR, TARGETS, HOUR, ONCE]);
    story.apply();
    let signer = signing(&story);
    let more = TARGETS.replace(
        "signer ",
        "mirror = { part = \"jwks\", ssm_parameter = { name = \"/jwt/mirror\" } }\n    pem = { part = \"public_key_pem\", \
         ssm_parameter = { name = \"/jwt/pem\" } }\n    signer ",
    );
    story.configure(&[KEY_PAIR, &more, HOUR, ONCE]);
    story.apply();
    assert_eq!(parameter(&story, "/jwt/mirror"), parameter(&story, "/jwt/keys"));
    assert_eq!(
        story.attributes()["public"]["public_key_pem"],
        json!(parameter(&story, "/jwt/pem"))
    );
    assert_eq!(
        (signing(&story), &story.attributes()["generation"]),
        (signer, &json!(2))
    );
}

#[test]
fn a_drifted_set_is_healed_with_every_key_that_is_valid() {
    let story = Story::begun(&[KEY_PAIR, TARGETS, HOUR]);
    story.configure(&[KEY_PAIR, TARGETS, HOUR, ONCE]);
    story.apply();
    let keys = published(&story);
    story
        .sandbox
        .seed(json!({ "aws": { "parameters": { "/jwt/keys": "typed by hand" } } }));
    story.apply();
    assert_eq!(published(&story), keys);
    assert_eq!(story.attributes()["generation"], 2);
}

#[test]
fn a_rotation_that_starts_anew_keeps_every_key_that_may_have_signed() {
    let mut story = Story::begun(&[KEY_PAIR, TARGETS, HOUR]);
    let first = signing(&story);
    story.configure(&[KEY_PAIR, TARGETS, HOUR, ONCE]);
    story.sandbox.fault("POST /v1/apps/molecule-cp/secrets", 1, "forbidden");
    story.fails();
    let half = kids(&parameter(&story, "/jwt/keys").unwrap());
    assert_eq!((half.len(), &half[1]), (2, &first));
    assert_eq!(signing(&story), first);
    // Nobody has the private key of generation 2 any more.
    story.configure(&[KEY_PAIR, TARGETS, HOUR, "rotation_reason = \"again\""]);
    story.apply();
    let keys = published(&story);
    assert!(keys.contains(&first) && keys[0] == signing(&story), "{keys:?}");
    no_token_is_ever_refused(&story, 60_000);
    story.clock("61m");
    story.apply();
    assert_eq!(published(&story), [signing(&story)]);
}

#[test]
fn a_provider_that_is_killed_before_or_after_the_set_is_written_converges() {
    for fault in ["hold_before", "hold_after"] {
        let mut story = Story::begun(&[KEY_PAIR, TARGETS, HOUR]);
        story.configure(&[KEY_PAIR, TARGETS, HOUR, ONCE]);
        story.apply();
        story.clock("61m");
        story.sandbox.fault("PutParameter", 1, fault);
        let child = apply_until_held(&story);
        send("pkill", &["-KILL", "-P"], &child);
        ended(child);
        story.apply();
        assert_eq!(published(&story), [signing(&story)], "{fault}");
        assert_eq!(story.attributes()["generation"], 2);
    }
}

#[test]
fn a_restored_key_and_the_newer_one_are_both_published() {
    let block = "escrow {\n    ssm_parameter {\n      path = \"/rotation/escrow/\"\n    }\n  }";
    let configure = |story: &Story, lines: &[&str]| {
        let secret = resource("it", NAME, lines);
        story.write_all(&format!(
            "provider \"rotation\" {{\n  namespace = \"production\"\n  {block}\n}}\n{secret}"
        ));
    };
    let mut story = Story::new();
    configure(&story, &[KEY_PAIR, TARGETS, HOUR]);
    story.apply();
    let first = signing(&story);
    configure(&story, &[KEY_PAIR, TARGETS, HOUR, ONCE]);
    says(
        &story.plan(),
        &["keep generation 1 in escrow, and its public key in the set (part jwks), for 1h; a later apply deletes both"],
    );
    story.apply();
    let second = signing(&story);
    configure(&story, &[KEY_PAIR, TARGETS, HOUR, ONCE, "restore = 1"]);
    story.apply();
    assert_eq!(signing(&story), first);
    assert_eq!(published(&story), [second, first.clone()]);
    assert_eq!(story.attributes()["public"]["kid"], json!(first));
    no_token_is_ever_refused(&story, 60_000);
    story.clock("61m");
    story.apply();
    assert_eq!(published(&story), [first]);
}

#[test]
fn public_keys_alone_are_not_parked() {
    let block = "escrow {\n    ssm_parameter {\n      path = \"/rotation/escrow/\"\n    }\n  }";
    let mut story = Story::begun(&[KEY_PAIR, TARGETS, HOUR]);
    story.configure(&[KEY_PAIR, TARGETS, HOUR, ONCE]);
    story.apply();
    story.clock("61m");
    let secret = resource("it", NAME, &[KEY_PAIR, TARGETS, HOUR, ONCE]);
    story.write_all(&format!(
        "provider \"rotation\" {{\n  namespace = \"production\"\n  {block}\n}}\n{secret}"
    ));
    let plan = story.plan();
    says(&plan, &["take the public key of generation 1 out of the set"]);
    assert!(!plan.contains("park generation"), "{plan}");
    story.apply();
    assert_eq!(published(&story), [signing(&story)]);
    assert_eq!(story.attributes()["credentials"]["2"]["escrow"], Value::Null);
    let state = story.sandbox.state();
    let parameters = state["aws"]["ssm"].as_object().unwrap();
    assert!(parameters.keys().all(|name| !name.starts_with("/rotation/escrow/")));
}

#[test]
fn an_incident_that_revokes_now_takes_the_exposed_key_out_at_once() {
    let story = Story::begun(&[KEY_PAIR, TARGETS, HOUR]);
    let first = signing(&story);
    story.write_all(&format!(
        "provider \"rotation\" {{\n  namespace = \"production\"\n  incident {{\n    id = \"a\"\n    reason = \"a leak\"\n    all = true\n    \
         revoke = \"now\"\n  }}\n}}\n{}",
        resource("it", NAME, &[KEY_PAIR, TARGETS, HOUR])
    ));
    story.apply();
    assert_eq!(published(&story), [signing(&story)]);
    assert_ne!(signing(&story), first);
    // No set that verifiers were given after the new key was made has the exposed one.
    let moments = moments(&story);
    let sets = moments
        .iter()
        .filter_map(|(_, state)| state["aws"]["ssm"]["/jwt/keys"]["value"].as_str());
    let later = sets.map(kids).filter(|keys| keys.contains(&signing(&story)));
    for keys in later {
        assert!(!keys.contains(&first), "{keys:?}");
    }
}

#[test]
fn an_overlap_that_is_shortened_ends_when_it_is_applied() {
    let mut story = Story::begun(&[KEY_PAIR, TARGETS, "overlap = \"24h\""]);
    story.configure(&[KEY_PAIR, TARGETS, "overlap = \"24h\"", ONCE]);
    story.apply();
    story.clock("61m");
    story.settled();
    story.configure(&[KEY_PAIR, TARGETS, HOUR, ONCE]);
    story.apply();
    assert_eq!(published(&story), [signing(&story)]);
}

#[test]
fn a_drifted_kid_is_healed_and_the_old_key_leaves_in_the_same_apply() {
    let targets = TARGETS.replace(
        "signer ",
        "kid = { part = \"kid\", ssm_parameter = { name = \"/jwt/kid\" } }\n    signer ",
    );
    let mut story = Story::begun(&[KEY_PAIR, &targets, HOUR]);
    story.configure(&[KEY_PAIR, &targets, HOUR, ONCE]);
    story.apply();
    story.clock("61m");
    story
        .sandbox
        .seed(json!({ "aws": { "parameters": { "/jwt/kid": "typed by hand" } } }));
    story.apply();
    assert_eq!(parameter(&story, "/jwt/kid"), Some(signing(&story)));
    assert_eq!(published(&story), [signing(&story)]);
}

#[test]
fn what_a_person_confirms_does_not_take_a_key_out_of_the_set_early() {
    let mut story = Story::begun(&[KEY_PAIR, TARGETS, HOUR]);
    story.configure(&[KEY_PAIR, TARGETS, HOUR, ONCE]);
    story.apply();
    let keys = published(&story);
    story.configure(&[KEY_PAIR, TARGETS, HOUR, ONCE, "revoke {\n    confirmed = 1\n  }"]);
    story.apply();
    assert_eq!((published(&story), keys.len()), (keys.clone(), 2));
    story.clock("61m");
    story.apply();
    assert_eq!(published(&story), [signing(&story)]);
}

#[test]
fn an_exposed_key_that_is_still_verified_is_said() {
    let story = Story::begun(&[KEY_PAIR, TARGETS, HOUR]);
    story.write_all(&format!(
        "provider \"rotation\" {{\n  namespace = \"production\"\n  incident {{\n    id = \"a\"\n    reason = \"a leak\"\n    all = true\n  \
         }}\n}}\n{}",
        resource("it", NAME, &[KEY_PAIR, TARGETS, HOUR])
    ));
    story.sandbox.fault("POST /v1/apps/molecule-cp/secrets", 1, "forbidden");
    let said = unframed(&story.fails());
    says(
        &said,
        &["Generation 1 was exposed by an incident and is still verified with its public key"],
    );
    assert_eq!(kids(&parameter(&story, "/jwt/keys").unwrap()).len(), 2);
}
