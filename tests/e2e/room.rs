//! Issuers that limit how many credentials live: the next one waits for the end of an overlap.

use serde_json::Value;

use crate::story::{NAME, PARAMETER, Story, resource, says};
use crate::truth::{parameter, password};

const TWO_ROLES: &str = r#"source = { neon_role_password = {
    project_id = "quiet-river-12345678", branch_id = "br-main-123456", role = "app", alternate_role = "app_b" } }"#;
const URI: &str =
    r#"targets = { runtime = { part = "uri", ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } } }"#;
const OVERLAP: &str = "overlap = \"24h\"";
const EVERY: &str = "rotation {\n    every = \"12h\"\n  }";
const ONCE: &str = "rotation_reason = \"once\"";

/// The generations that may be valid. What was revoked with the last apply keeps its entry until the next.
fn generations(story: &Story) -> Vec<String> {
    let attributes = story.attributes();
    let all = attributes["credentials"].as_object().unwrap().iter();
    let valid = all.filter(|(_, known)| known["status"] != "disabled");
    valid.map(|(generation, _)| generation.clone()).collect()
}

#[track_caller]
fn connects_as(story: &Story, role: &str) {
    let uri = parameter(story, PARAMETER).unwrap();
    assert!(
        uri.starts_with(&format!("postgresql://{role}:{}@", password(story, role))),
        "{role}"
    );
}

#[test]
fn a_scheduled_rotation_waits_until_the_overlap_has_ended() {
    let mut story = Story::begun(&[TWO_ROLES, URI, OVERLAP, EVERY]);
    story.clock("13h");
    story.apply();
    assert_eq!(generations(&story), ["1", "2"]);
    let old = password(&story, "app");
    story.clock("25h");
    let plan = story.settled();
    says(
        &plan,
        &[
            "The rotation (every 12h, due since",
            "waits: its issuer lets only 2 credentials live, and generation 1 (app) is valid until",
        ],
    );
    story.run(&["apply", "-refresh-only", "-auto-approve"]).success();
    let attributes = story.attributes();
    assert_eq!(attributes["next_action_at"], attributes["revoke_after"]);
    assert_eq!(attributes["pending"], serde_json::json!([]));
    assert_eq!(password(&story, "app"), old, "its consumers still have it");
    let outcome = story.run(&["plan", "-refresh=false", "-detailed-exitcode"]);
    assert_eq!(outcome.status, 0, "{}", outcome.output);

    story.clock("38h");
    let plan = story.plan();
    says(&plan, &["revoke generation 1 (app)", "mint generation 3"]);
    story.apply();
    connects_as(&story, "app");
    assert_ne!(password(&story, "app"), old);
    assert_eq!(generations(&story), ["2", "3"]);
    assert_eq!(story.attributes()["notices"], serde_json::json!([]));
}

#[test]
fn every_apply_rotates_only_when_there_is_room() {
    let every_apply = "rotation {\n    every = \"apply\"\n  }";
    let mut story = Story::new();
    story.configure(&[TWO_ROLES, URI, OVERLAP, every_apply]);
    for _ in 0..3 {
        story.run(&["apply", "-auto-approve"]).success();
    }
    assert_eq!(story.attributes()["generation"], 2);
    says(&story.settled(), &["The rotation (every apply rotates) waits"]);
    story.clock("25h");
    story.run(&["apply", "-auto-approve"]).success();
    assert_eq!(story.attributes()["generation"], 3);
    connects_as(&story, "app");
}

#[test]
fn a_rotation_that_is_asked_for_says_what_makes_room() {
    let story = Story::begun(&[TWO_ROLES, URI, OVERLAP]);
    story.configure(&[TWO_ROLES, URI, OVERLAP, ONCE]);
    story.apply();
    let twice = "rotation_reason = \"twice\"";
    story.configure(&[TWO_ROLES, URI, OVERLAP, twice]);
    let said = story.refused("plan");
    for words in [
        "generation 3 cannot be minted yet",
        "generation 1 (app) is valid until",
        "set overlap = \"0s\"",
    ] {
        assert!(said.contains(words), "{words} is not in {said}");
    }
    story.configure(&[TWO_ROLES, URI, "overlap = \"0s\"", twice]);
    says(&story.plan(), &["revoke generation 1 (app)", "mint generation 3"]);
    story.apply();
    connects_as(&story, "app");
    assert_eq!(generations(&story), ["3"]);
}

#[test]
fn by_hand_a_person_makes_room() {
    let manual = "revoke {\n    mode = \"manual\"\n  }";
    let story = Story::begun(&[TWO_ROLES, URI, manual]);
    story.configure(&[TWO_ROLES, URI, manual, ONCE]);
    story.apply();
    let twice = "rotation_reason = \"twice\"";
    story.configure(&[TWO_ROLES, URI, manual, twice]);
    let said = story.refused("plan");
    assert!(
        said.contains("set `revoke { confirmed = 1 }`") && !said.contains("0s"),
        "{said}"
    );
}

#[test]
fn an_incident_ends_the_overlap() {
    let lines = [TWO_ROLES, URI, OVERLAP, ONCE];
    let story = Story::begun(&lines[..3]);
    story.configure(&lines);
    story.apply();
    let secret = resource("it", NAME, &lines);
    story.write_all(&format!(
        "provider \"rotation\" {{\n  namespace = \"production\"\n  incident {{\n    id = \"i1\"\n    reason = \"leaked\"\n    all = true\n  \
         }}\n}}\n{secret}"
    ));
    says(&story.plan(), &["revoke generation 1 (app)", "mint generation 3"]);
    story.apply();
    connects_as(&story, "app");
    assert_eq!(generations(&story), ["3"]);
    assert_eq!(story.attributes()["last_rotation"]["cause"], Value::from("incident"));
}

#[test]
fn another_issuers_credential_takes_no_room() {
    let fly = r#"source = { fly_token = { app = "molecule-cp" } }"#;
    let plain = r#"targets = { runtime = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } } }"#;
    let story = Story::begun(&[fly, plain, OVERLAP]);
    let old = parameter(&story, PARAMETER).unwrap();
    story.configure(&[TWO_ROLES, URI, OVERLAP]);
    story.apply();
    story.configure(&[TWO_ROLES, URI, OVERLAP, ONCE]);
    story.apply();
    assert_eq!(generations(&story), ["1", "2", "3"]);
    assert!(crate::truth::alive(&story).iter().any(|token| token.value == old));
}
