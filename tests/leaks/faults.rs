//! Every kind of fault at every kind of call. Whether the run recovers is for other tests; here only what it says and leaves counts.

use rotation_provider::environment::Environment;

use crate::story::{FLY_TOKEN, SSM_TARGET, THREE_TARGETS};
use crate::watch::Watched;

/// The kinds of fault (`examples/sandbox/README.md`), in an order in which neighbours differ.
const KINDS: [&str; 12] = [
    "refuse",
    "error_before",
    "truncate",
    "forbidden",
    "drop_after",
    "unauthorized",
    "error_after",
    "not_found",
    "garbage",
    "rate_limit",
    "secondary_limit",
    "hang",
];

/// One rotation of a secret with these lines for each kind of fault at the call that contains `pattern`.
fn rotations_with_faults_at(pattern: &str, lines: &[&str], sample: &[&'static str]) {
    let all = Environment::of_process().get("ROTATION_LEAKS") == Some("all");
    let kinds: &[&str] = if all { &KINDS } else { sample };
    let mut watched = Watched::new();
    let url = watched.story.sandbox.export("PLATFORM_URL").to_owned();
    let part = match lines.iter().any(|line| line.contains("neon_role_password")) {
        true => "password",
        false => "value",
    };
    // The check presents the credential, and the platform repeats it in its refusal, which is what is expected of it.
    let check = format!(
        "checks = {{\n    presented = {{ timeout = \"1s\", retry_for = \"0s\", http = {{ url = \"{url}/settings/secrets\", \
         headers = {{ Authorization = \"Bearer {{{{ {part} }}}}\" }}, expect_status = [401] }} }}\n  }}"
    );
    let lines = [lines, &[&check, "overlap = \"0s\""]].concat();
    watched.story.configure(&lines);
    watched.succeeds(&["apply", "-auto-approve"]);
    for kind in kinds {
        watched.story.sandbox.forget_calls();
        watched.story.sandbox.fault(pattern, 1, kind);
        let reason = format!("rotation_reason = {kind:?}");
        watched.story.configure(&[&lines[..], &[&reason]].concat());
        let (status, said) = watched.run(&["apply", "-auto-approve"]);
        let calls = watched.story.sandbox.calls();
        let struck = calls.iter().any(|call| call.line.contains(pattern));
        assert!(struck, "{kind}: no call contains {pattern}\n{said}");
        watched.story.sandbox.heal();
        if status != Some(0) {
            // What was left half done is finished, or the next rotation would be another story.
            watched.run(&["apply", "-auto-approve"]);
        }
    }
    watched.nothing_leaked(kinds.len() / 2);
}

const FLY: [&str; 2] = [FLY_TOKEN, THREE_TARGETS];
const NEON_KEY: [&str; 2] = ["source = { neon_api_key = {} }", SSM_TARGET];
const NEON_ROLE: [&str; 2] = [
    r#"source = { neon_role_password = { project_id = "quiet-river-12345678", branch_id = "br-main-123456", role = "app" } }"#,
    r#"targets = { runtime = { part = "uri", ssm_parameter = { name = "/leaks/uri" } } }"#,
];

#[test]
fn whatever_goes_wrong_at_a_mint_shows_no_value() {
    rotations_with_faults_at(
        "createLimitedAccessToken",
        &FLY,
        &["truncate", "error_after", "garbage", "unauthorized"],
    );
}

#[test]
fn whatever_goes_wrong_at_a_delivery_to_fly_shows_no_value() {
    rotations_with_faults_at(
        "POST /v1/apps/molecule-cp/secrets",
        &FLY,
        &["forbidden", "error_before", "truncate"],
    );
}

#[test]
fn whatever_goes_wrong_at_a_delivery_to_github_shows_no_value() {
    rotations_with_faults_at("PUT /repos", &FLY, &["secondary_limit", "drop_after", "not_found"]);
}

#[test]
fn whatever_goes_wrong_at_a_delivery_to_parameter_store_shows_no_value() {
    rotations_with_faults_at("PutParameter", &FLY, &["forbidden", "error_after", "garbage"]);
}

#[test]
fn whatever_goes_wrong_at_a_check_shows_no_value() {
    rotations_with_faults_at(
        "GET /settings/secrets",
        &FLY,
        &["error_before", "hang", "truncate", "refuse"],
    );
}

#[test]
fn whatever_goes_wrong_at_a_revocation_shows_no_value() {
    rotations_with_faults_at(
        "deleteLimitedAccessToken",
        &FLY,
        &["forbidden", "drop_after", "rate_limit"],
    );
}

#[test]
fn whatever_goes_wrong_where_neon_makes_a_key_shows_no_value() {
    rotations_with_faults_at("POST /api/v2/api_keys", &NEON_KEY, &["error_after", "truncate"]);
}

#[test]
fn whatever_goes_wrong_where_neon_resets_a_password_shows_no_value() {
    rotations_with_faults_at("reset_password", &NEON_ROLE, &["error_after", "garbage", "drop_after"]);
}

#[test]
fn whatever_goes_wrong_where_neon_tells_a_connection_uri_shows_no_value() {
    rotations_with_faults_at("connection_uri", &NEON_ROLE, &["error_after", "truncate"]);
}
