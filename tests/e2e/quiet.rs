//! `revoke.quiet_for`: an old credential that somebody still uses is not revoked.

use serde_json::Value;

use crate::key_life::{alive, presented};
use crate::story::{FLY_TOKEN, NAME, PARAMETER, SSM_TARGET, Story, resource, says};
use crate::truth::parameter;

const API_KEY: &str = "source = { neon_api_key = {} }";
const OVERLAP: &str = "overlap = \"1h\"";
const QUIET: &str = "revoke {\n    quiet_for = \"7d\"\n  }";
const ONCE: &str = "rotation_reason = \"once\"";
const LINES: [&str; 5] = [API_KEY, SSM_TARGET, OVERLAP, QUIET, ONCE];

/// A rotated key; the old one, and whoever still has it.
fn rotated() -> (Story, String) {
    let story = Story::begun(&[API_KEY, SSM_TARGET, OVERLAP, QUIET]);
    let old = parameter(&story, PARAMETER).unwrap();
    story.configure(&LINES);
    story.apply();
    (story, old)
}

/// A consumer calls Neon with that key.
#[track_caller]
fn used(story: &Story, key: &str) {
    assert_eq!(presented(story, key, "GET", "/api/v2/users/me", &Value::Null), 200);
}

#[test]
fn a_credential_that_is_used_is_revoked_once_it_is_quiet() {
    let (mut story, old) = rotated();
    used(&story, &old);
    story.clock("2h");
    let plan = story.settled();
    says(
        &plan,
        &[
            "revoke_waits",
            "Generation 1 (",
            "it was last used",
            "unless it is used again, it is revoked after",
        ],
    );
    story.run(&["apply", "-refresh-only", "-auto-approve"]).success();
    let attributes = story.attributes();
    assert_eq!(attributes["notices"][0]["code"], "revoke_waits");
    assert_eq!(attributes["phase"], "overlapping");
    let next: jiff::Timestamp = attributes["next_action_at"].as_str().unwrap().parse().unwrap();
    let ahead = next.duration_since(jiff::Timestamp::now()).as_hours();
    assert!((166..=168).contains(&ahead), "{ahead} hours");
    // Without a look, the last one counts.
    let outcome = story.run(&["plan", "-refresh=false", "-detailed-exitcode"]);
    assert_eq!(outcome.status, 0, "{}", outcome.output);
    story.clock("169h");
    says(&story.plan(), &["revoke generation 1"]);
    story.apply();
    assert_eq!(alive(&story, "neon"), [parameter(&story, PARAMETER).unwrap()]);
    assert_eq!(story.attributes()["notices"], serde_json::json!([]));
}

#[test]
fn a_credential_that_nobody_has_used_is_revoked_after_its_overlap() {
    let (mut story, _) = rotated();
    story.clock("2h");
    story.apply();
    assert_eq!(alive(&story, "neon").len(), 1);
}

#[test]
fn a_use_after_the_plan_holds_the_revocation_back() {
    let (mut story, old) = rotated();
    story.clock("2h");
    says(&story.run(&["plan", "-out=saved"]).success(), &["revoke generation 1"]);
    used(&story, &old);
    let said = story.run(&["apply", "saved"]).success();
    says(&said, &["revoke_waits", "it was last used"]);
    assert_eq!(alive(&story, "neon").len(), 2);
    story.settled();
}

#[test]
fn an_issuer_that_does_not_answer_is_no_proof_of_quiet() {
    let (mut story, _) = rotated();
    story.clock("2h");
    story.run(&["plan", "-out=saved"]).success();
    // The survey, a look whether the new one lives, and the one that tells when the old one was used.
    story.sandbox.fault("GET /api/v2/api_keys", 3, "forbidden");
    let said = story.run(&["apply", "saved"]).success();
    says(&said, &["revoke_waits", "its issuer did not say when it was last used"]);
    assert_eq!(alive(&story, "neon").len(), 2);
    story.apply();
    assert_eq!(alive(&story, "neon").len(), 1);
}

#[test]
fn whoever_takes_the_condition_away_has_the_credential_revoked() {
    let (mut story, old) = rotated();
    used(&story, &old);
    story.clock("2h");
    story.run(&["apply", "-refresh-only", "-auto-approve"]).success();
    story.configure(&[API_KEY, SSM_TARGET, OVERLAP, ONCE]);
    says(&story.plan(), &["revoke generation 1"]);
    story.apply();
    assert_eq!(alive(&story, "neon").len(), 1);
}

#[test]
fn an_incident_does_not_wait_for_quiet() {
    let (story, old) = rotated();
    used(&story, &old);
    let secret = resource("it", NAME, &LINES);
    story.write_all(&format!(
        "provider \"rotation\" {{\n  namespace = \"production\"\n  incident {{\n    id = \"i1\"\n    reason = \"leaked\"\n    all = true\n  \
         }}\n}}\n{secret}"
    ));
    story.apply();
    assert_eq!(alive(&story, "neon"), [parameter(&story, PARAMETER).unwrap()]);
}

#[test]
fn it_needs_an_issuer_that_tells_and_a_provider_that_revokes() {
    let story = Story::new();
    story.configure(&[FLY_TOKEN, SSM_TARGET, OVERLAP, QUIET]);
    let said = story.refused("validate");
    for words in [
        "revoke.quiet_for cannot be used with fly_token",
        "neon_api_key, resend_api_key",
    ] {
        assert!(said.contains(words), "{said}");
    }
    let manual = "revoke {\n    mode = \"manual\"\n    quiet_for = \"7d\"\n  }";
    story.configure(&[API_KEY, SSM_TARGET, OVERLAP, manual]);
    let said = story.refused("validate");
    assert!(
        said.contains("quiet_for") && said.contains("The provider revokes nothing then"),
        "{said}"
    );
}
