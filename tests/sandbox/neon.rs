//! Neon: when a password works, and what a key may do.

use serde_json::{Value, json};

use crate::caller::Caller;

const PROJECT: &str = "/projects/quiet-river-12345678";
const ROLES: &str = "/projects/quiet-river-12345678/branches/br-main-123456/roles";
const KEYS: &str = "/organizations/org-quiet-sea-12345678/api_keys";

fn neon() -> Caller {
    Caller::new("/api/v2", "Bearer ", "NEON_API_KEY")
}

fn role(neon: &Caller, name: &str) -> Value {
    neon.sandbox.state()["neon"]["projects"]["quiet-river-12345678"]["roles"][name].clone()
}

#[test]
fn a_password_works_when_its_operation_has_finished() {
    let neon = neon();
    let old = role(&neon, "app")["password"].clone();
    let reset = neon.call("POST", &format!("{ROLES}/app/reset_password"), 200, Value::Null);
    assert_eq!(role(&neon, "app")["password"], old);
    assert_eq!(role(&neon, "app")["coming"], reset["role"]["password"]);
    let operation = format!(
        "{PROJECT}/operations/{}",
        reset["operations"][0]["id"].as_str().unwrap()
    );
    assert_eq!(neon.get(&operation)["operation"]["status"], "running");
    assert_eq!(neon.get(&operation)["operation"]["status"], "finished");
    assert_eq!(role(&neon, "app")["password"], reset["role"]["password"]);
    let uri = neon.get(&format!(
        "{PROJECT}/connection_uri?database_name=neondb&role_name=app&pooled=true"
    ));
    let uri = uri["uri"].as_str().unwrap();
    assert!(
        uri.contains(reset["role"]["password"].as_str().unwrap()) && uri.contains("-pooler."),
        "{uri}"
    );
}

#[test]
fn a_locked_project_is_free_again_even_if_nobody_asks_for_the_operation() {
    let neon = neon();
    neon.sandbox.seed(json!({ "neon": { "operation_polls": 1_000_000 } }));
    neon.call("POST", &format!("{ROLES}/app/reset_password"), 200, Value::Null);
    let locked = neon.call("POST", &format!("{ROLES}/app_b/reset_password"), 423, Value::Null);
    assert!(locked["request_id"].is_string() && locked["message"].is_string());
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    neon.call("POST", &format!("{ROLES}/app_b/reset_password"), 200, Value::Null);
}

#[test]
fn roles_come_and_go_unless_they_own_something() {
    let neon = neon();
    neon.sandbox.seed(json!({ "neon": { "operation_polls": 0 } }));
    neon.call("POST", ROLES, 201, json!({ "role": { "name": "extra" } }));
    neon.call("POST", ROLES, 409, json!({ "role": { "name": "extra" } }));
    neon.call("POST", ROLES, 400, json!({ "role": { "name": "n".repeat(64) } }));
    neon.call("DELETE", &format!("{ROLES}/extra"), 200, Value::Null);
    neon.call("DELETE", &format!("{ROLES}/extra"), 204, Value::Null);
    neon.call("DELETE", &format!("{ROLES}/app"), 422, Value::Null);
    let silent = "/projects/silent-lake-87654321/branches/br-main-654321/roles/app/reveal_password";
    neon.call("GET", silent, 412, Value::Null);
}

#[test]
fn a_key_does_what_its_owner_may_and_nothing_once_revoked() {
    let neon = neon();
    let project = json!({ "key_name": "p", "project_id": "quiet-river-12345678" });
    let key = neon.call("POST", KEYS, 200, project);
    neon.call("POST", "/api_keys", 400, json!({ "key_name": "n".repeat(65) }));
    let bearer = format!("Bearer {}", key["key"].as_str().unwrap());
    let status = |path: &str| neon.call_as(&bearer, "GET", path, &Value::Null).0;
    assert_eq!(status(PROJECT), 200);
    assert_eq!(status("/projects/silent-lake-87654321"), 404);
    assert_eq!(status(KEYS), 403);
    assert_eq!(status("/users/me"), 403);
    let one = format!("{KEYS}/{}", key["id"]);
    neon.call("DELETE", &one, 200, Value::Null);
    assert_eq!(status(PROJECT), 401);
    neon.call("DELETE", &one, 404, Value::Null);
    neon.call("GET", "/projects", 400, Value::Null);
}
