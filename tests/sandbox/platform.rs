//! The platform: what a workspace runs with, and who may know.

use serde_json::{Value, json};

use crate::caller::Caller;

#[test]
fn a_workspace_runs_with_its_own_secrets_before_the_global_ones() {
    let platform = Caller::new("", "Bearer ", "PLATFORM_TOKEN");
    let state = platform.sandbox.state();
    let id = state["platform"]["workspaces"]
        .as_object()
        .unwrap()
        .keys()
        .next()
        .unwrap()
        .clone();
    let workspace = format!("/workspaces/{id}");
    assert_eq!(platform.get(&workspace)["status"], "online");
    platform.call("PUT", "/settings/secrets", 400, json!({ "key": "A", "value": "" }));
    platform.call(
        "PUT",
        "/settings/secrets",
        200,
        json!({ "key": "A", "value": "global" }),
    );
    assert_eq!(platform.get(&workspace)["status"], "provisioning");
    platform.call(
        "POST",
        &format!("{workspace}/secrets"),
        200,
        json!({ "key": "A", "value": "own" }),
    );
    platform.call("DELETE", "/settings/secrets/ANTHROPIC_API_KEY", 200, Value::Null);
    platform.call("DELETE", "/settings/secrets/ANTHROPIC_API_KEY", 404, Value::Null);
    let state = platform.sandbox.state();
    assert_eq!(state["platform"]["workspaces"][&id], json!({ "A": "own" }));
    let listed = platform.get(&format!("{workspace}/secrets"));
    assert_eq!(
        (listed.as_array().unwrap().len(), &listed[0]["scope"]),
        (1, &json!("workspace"))
    );
    // Values are for the workspace's own agent, and nobody changes anything without a credential.
    platform.call("GET", &format!("{workspace}/secrets/values"), 401, Value::Null);
    assert_eq!(
        platform
            .call_as("", "POST", &format!("{workspace}/restart"), &Value::Null)
            .0,
        401
    );
    platform.sandbox.seed(json!({ "platform": { "healthy": false } }));
    platform.call("GET", "/health", 503, Value::Null);
}
