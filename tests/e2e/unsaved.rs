//! A rotation whose state was never saved: what it made is known by the mark beside a readable target's value alone.

use serde_json::Value;

use crate::story::{FLY_TOKEN, NAME, PARAMETER, REPOSITORY, Story, unframed};
use crate::truth::{github_secret, parameter, password, the_token};

const KEY_PAIR: &str = r#"source = { key_pair = { algorithm = "ecdsa_p256" } }"#;
const BOTH_HALVES: &str = r#"
  targets = {
    signer   = { wave = 1, part = "private_key_pem", ssm_parameter = { name = "/key/private" } }
    verifier = { wave = 2, part = "public_jwk", ssm_parameter = { name = "/key/public" } }
  }"#;
const URI: &str = r#"targets = { runtime = { part = "uri", ssm_parameter = { name = "/app/uri" } } }"#;

const SSM_AND_GITHUB: &str = r#"targets = {
    runtime       = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
    image_publish = { wave = 2, github_actions_secret = { repository = "molecule-monorepo" } }
  }"#;

/// A secret that was rotated once, by a run that was killed after its last call: the state is that of before.
fn rotated_and_not_saved(lines: &[&str]) -> Story {
    let story = Story::begun(lines);
    let lines = [lines, &["rotation_reason = \"once\""]].concat();
    let file = |story: &Story| story.workspace.path().join("terraform.tfstate");
    let killed = story.beside();
    std::fs::copy(file(&story), file(&killed)).unwrap();
    killed.configure(&lines);
    killed.apply();
    story.configure(&lines);
    story
}

/// The targets hold a password that works, and state says whose it is.
#[track_caller]
fn connects_as(story: &Story, role: &str) {
    let begin = format!("postgresql://{role}:{}@", password(story, role));
    let uri = parameter(story, "/app/uri").unwrap();
    assert!(uri.starts_with(&begin), "{uri} does not begin with {begin}");
    let attributes = story.attributes();
    assert_eq!(attributes["public"]["username"], role);
    let newest = &attributes["credentials"][attributes["generation"].to_string()];
    assert_eq!(newest["credential_id"], role);
    assert_eq!(newest["status"], "current");
}

fn roles(alternate: &str) -> String {
    format!(
        "source = {{ neon_role_password = {{ project_id = \"quiet-river-12345678\", branch_id = \"br-main-123456\", \
         role = \"app\"{alternate} }} }}"
    )
}

#[test]
fn the_only_role_is_not_reset_for_the_sake_of_its_old_password() {
    for overlap in ["overlap = \"0s\"", "overlap = \"1h\""] {
        let mut story = rotated_and_not_saved(&[&roles(""), URI, overlap]);
        let made = password(&story, "app");
        story.apply();
        story.clock("2h");
        story.settled();
        assert_eq!(password(&story, "app"), made);
        connects_as(&story, "app");
    }
}

#[test]
fn of_two_roles_the_newer_one_is_recognised_and_the_older_one_keeps_its_overlap() {
    let mut story = rotated_and_not_saved(&[&roles(", alternate_role = \"app_b\""), URI, "overlap = \"1h\""]);
    let passwords = ["app", "app_b"].map(|role| password(&story, role));
    story.apply();
    connects_as(&story, "app_b");
    assert_eq!(story.attributes()["credentials"]["1"]["credential_id"], "app");
    assert_eq!(["app", "app_b"].map(|role| password(&story, role)), passwords);
    story.clock("2h");
    story.apply();
    connects_as(&story, "app_b");
    assert_ne!(password(&story, "app"), passwords[0]);
}

#[test]
fn the_public_half_of_a_key_pair_is_that_of_the_private_one() {
    let story = rotated_and_not_saved(&[KEY_PAIR, BOTH_HALVES]);
    let held: Value = serde_json::from_str(&parameter(&story, "/key/public").unwrap()).unwrap();
    let before = story.attributes()["public"]["kid"].clone();
    assert_ne!(held["kid"], before);
    // Nobody asks for another one; there would be room for it.
    story.configure(&[KEY_PAIR, BOTH_HALVES]);
    story.apply();
    let attributes = story.attributes();
    assert_eq!(attributes["public"]["kid"], held["kid"]);
    assert_eq!(attributes["generation"], 2);
    assert_eq!(attributes["credentials"]["2"]["status"], "current");
}

/// A secret whose source was changed by a run that was killed when the parameter held the new value, and changed back by its user.
fn taken_back(before: &str, meanwhile: &str) -> Story {
    let story = Story::begun(&[before, SSM_AND_GITHUB, "overlap = \"1h\""]);
    let file = |story: &Story| story.workspace.path().join("terraform.tfstate");
    let killed = story.beside();
    std::fs::copy(file(&story), file(&killed)).unwrap();
    killed.configure(&[meanwhile, SSM_AND_GITHUB, "overlap = \"1h\""]);
    killed.sandbox.fault("PUT /repos", 1, "forbidden");
    killed.fails();
    story
}

#[test]
fn a_value_that_another_source_made_is_never_delivered_as_a_token() {
    let random = "source = { random = { length = 40, charset = \"alphanumeric\" } }";
    let mut story = taken_back(FLY_TOKEN, random);
    let plan = unframed(&story.plan());
    assert!(
        plan.contains("generation 2, which an interrupted apply left, does not exist at Fly app molecule-cp"),
        "{plan}"
    );
    story.apply();
    story.clock("2h");
    story.apply();
    let token = the_token(&story);
    assert_eq!(parameter(&story, PARAMETER), Some(token.value.clone()));
    assert_eq!(github_secret(&story, REPOSITORY, NAME), Some(token.value));
}

#[test]
fn a_value_that_was_made_with_other_arguments_is_not_gone_on_with() {
    let random = |length: u8| format!("source = {{ random = {{ length = {length}, charset = \"alphanumeric\" }} }}");
    let story = taken_back(&random(40), &random(50));
    let said = unframed(&story.fails());
    // A generated value is replaced only when somebody asks for it, and the error says how.
    for words in [
        "Cannot recover the value of generation 2",
        "set a new `rotation_reason`",
    ] {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    assert_eq!(story.attributes()["phase"], "partial");
    story.configure(&[&random(40), SSM_AND_GITHUB, "rotation_reason = \"once more\""]);
    story.apply();
    let held = parameter(&story, PARAMETER).unwrap();
    assert_eq!(held.len(), 40);
    assert_eq!(github_secret(&story, REPOSITORY, NAME), Some(held));
}

#[test]
fn nobody_knows_whether_an_activation_ran_so_it_runs_again() {
    let redeploy = "activations = {
    redeploy = { github_workflow = { repository = \"molecule-monorepo\", workflow = \"publish-platform-image.yml\" } }
  }";
    let ssm = r#"targets = { runtime = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } } }"#;
    let lines = [FLY_TOKEN, ssm, redeploy, "overlap = \"1h\""];
    let story = rotated_and_not_saved(&lines);
    // Nobody asks again.
    story.configure(&lines);
    let made = parameter(&story, PARAMETER).unwrap();
    let runs = |story: &Story| {
        let state = story.sandbox.state();
        let runs = &state["github"]["repositories"][REPOSITORY]["runs"];
        runs.as_array().unwrap().len()
    };
    let before = runs(&story);
    let plan = unframed(&story.plan());
    assert!(plan.contains("activate generation 2 by redeploy"), "{plan}");
    story.apply();
    assert_eq!(parameter(&story, PARAMETER).unwrap(), made);
    assert_eq!(runs(&story), before + 1);
    assert_eq!(story.attributes()["deliveries"]["runtime"]["status"], "current");
}
