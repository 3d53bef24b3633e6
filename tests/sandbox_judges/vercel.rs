//! Vercel: every call of the provider, and that a deployment keeps the variables that it was made with.

use serde_json::{Value, json};

use super::client::Outsider;

const PROJECT: &str = "prj_d1canvas000000000001";

pub(crate) fn walk(outsider: &Outsider) {
    let bearer = format!("Bearer {}", outsider.sandbox.export("VERCEL_API_TOKEN"));
    let team = outsider.sandbox.export("VERCEL_TEAM_ID");
    let headers = [("authorization", bearer.as_str())];
    let at = |path: &str| {
        let mark = if path.contains('?') { '&' } else { '?' };
        format!("/vercel{path}{mark}teamId={team}")
    };
    let call = |method: &str, path: &str, body| outsider.hear("vercel", method, &at(path), &headers, &body).ok();
    let refused = |method: &str, path: &str, body| outsider.call(method, &at(path), &headers, &body).unwrap().status;
    let running = || outsider.sandbox.state()["vercel"]["projects"][PROJECT]["running"].clone();
    let variables = format!("/v10/projects/{PROJECT}/env");
    let new = |target: Value, value: &str| json!({ "key": "KEY", "value": value, "type": "sensitive", "target": target, "comment": "walk" });
    let made = call("POST", &variables, new(json!(["production"]), "one"));
    assert_eq!(made["created"]["value"], "", "nobody reads it");
    let conflict = call("POST", &variables, new(json!(["production", "preview"]), "two"));
    assert_eq!(conflict["failed"][0]["error"]["code"], "ENV_CONFLICT");
    call("POST", &variables, new(json!(["preview"]), "three"));
    assert_eq!(refused("POST", &variables, new(json!(["development"]), "four")), 400);
    let first = call("GET", &format!("{variables}?limit=1"), Value::Null);
    let next = first["pagination"]["next"].as_i64().unwrap();
    let rest = call("GET", &format!("{variables}?limit=1&until={next}"), Value::Null);
    assert_eq!(rest["envs"][0]["id"], made["created"]["id"]);
    let id = made["created"]["id"].as_str().unwrap();
    let one = format!("/v9/projects/{PROJECT}/env/{id}");
    let changed = call(
        "PATCH",
        &one,
        json!({ "value": "five", "type": "sensitive", "comment": "walk" }),
    );
    assert!(changed["updatedAt"].as_i64() > made["created"]["updatedAt"].as_i64());
    assert_eq!(running(), json!({}), "a write deploys nothing");

    let listed = format!("/v6/deployments?projectId={PROJECT}&target=production&limit=20");
    let newest = call("GET", &listed, Value::Null)["deployments"][0].clone();
    let again = json!({
        "deploymentId": newest["uid"], "name": newest["name"], "target": "production", "meta": { "action": "redeploy" },
    });
    assert_eq!(
        refused("POST", "/v13/deployments", again.clone()),
        400,
        "nothing but variables changed"
    );
    let begun = call("POST", "/v13/deployments?forceNew=1", again);
    let page = format!("/v13/deployments/{}", begun["id"].as_str().unwrap());
    while call("GET", &page, Value::Null)["readyState"] != "READY" {}
    assert_eq!(running(), json!({ "KEY": "five" }));
    call("DELETE", &one, Value::Null);
    assert_eq!(refused("DELETE", &one, Value::Null), 404);
    assert_eq!(
        running(),
        json!({ "KEY": "five" }),
        "a deployment keeps what it was made with"
    );

    // Not in the description at hand.
    let known = outsider.call("GET", &format!("/vercel/v2/teams/{team}"), &headers, &Value::Null);
    assert_eq!(known.unwrap().ok()["id"], team);
    assert_eq!(refused("GET", "/v2/teams/team_nowhere", Value::Null), 404);
    let token = call(
        "POST",
        "/v3/user/tokens",
        json!({ "name": "walk", "expiresAt": 4_102_444_800_000_i64 }),
    );
    let id = token["token"]["id"].as_str().unwrap();
    let listed = call("GET", "/v5/user/tokens?limit=100", Value::Null);
    assert!(
        listed["tokens"]
            .as_array()
            .unwrap()
            .iter()
            .any(|known| known["id"] == id)
    );
    assert_ne!(call("GET", "/v5/user/tokens/current", Value::Null)["token"]["id"], id);
    call("DELETE", &format!("/v3/user/tokens/{id}"), Value::Null);
    assert_eq!(refused("DELETE", &format!("/v3/user/tokens/{id}"), Value::Null), 404);
}
