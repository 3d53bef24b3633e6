//! The vendors' own clients use the sandbox: boto3 for AWS, PyGithub with PyNaCl and PyJWT for GitHub.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::harness::Sandbox;

/// Runs one part of clients.py against a fresh sandbox; what the vendors then hold.
fn run(part: &str) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join(".venv/bin/python");
    assert!(python.exists(), "{} is missing; run `make test`", python.display());
    let sandbox = Sandbox::start();
    let output = Command::new(python)
        .arg(root.join("tests/sandbox/clients.py"))
        .arg(part)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .envs(sandbox.exports().iter().map(|(name, value)| (name, value)))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("done"), "{said}");
    sandbox.state()
}

#[test]
fn boto3_uses_the_parameter_store_and_finds_its_answers_in_the_service_model() {
    let state = run("aws");
    let parameter = &state["aws"]["ssm"]["/molecule/kept"];
    assert_eq!(parameter["value"], "third");
    assert_eq!(parameter["version"], 3);
    assert_eq!(parameter["tags"]["owner"], "team");
}

#[test]
fn pygithub_writes_secrets_and_dispatches_a_workflow() {
    let state = run("github");
    let repository = &state["github"]["repositories"]["molecule-ai/molecule-monorepo"];
    assert_eq!(repository["secrets"]["FROM_PYGITHUB"]["value"], "café");
    assert_eq!(
        repository["environments"]["production"]["secrets"]["FROM_PYGITHUB"]["value"],
        "in production"
    );
    assert_eq!(repository["runs"][0]["inputs"]["reason"], "a test");
}

#[test]
fn an_app_buys_a_token_with_a_signed_assertion_and_gives_it_back() {
    let state = run("github_app");
    let tokens = state["github"]["tokens"].as_array().unwrap();
    let bought: Vec<&Value> = tokens.iter().filter(|token| token["installation"] == true).collect();
    assert_eq!(bought.len(), 1);
    assert_eq!(bought[0]["revoked"], true);
}
