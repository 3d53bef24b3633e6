//! GitHub: keys of places, what tokens see, limits, and runs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::caller::Caller;

const REPOSITORY: &str = "/repos/molecule-ai/molecule-monorepo";

fn github() -> Caller {
    Caller::new("", "Bearer ", "GITHUB_TOKEN")
}

/// A body for PUT: a value sealed for a place's public key, as clients seal it.
fn sealed(key: &Value, value: &str) -> Value {
    let bytes: [u8; 32] = STANDARD
        .decode(key["key"].as_str().unwrap())
        .unwrap()
        .try_into()
        .unwrap();
    let key_of_place = crypto_box::PublicKey::from(bytes);
    let sealed = key_of_place
        .seal(&mut crypto_box::aead::OsRng, value.as_bytes())
        .unwrap();
    json!({ "encrypted_value": STANDARD.encode(sealed), "key_id": key["key_id"] })
}

#[test]
fn a_box_is_opened_with_the_key_of_its_own_place_alone() {
    let github = github();
    let places = [
        format!("{REPOSITORY}/actions/secrets"),
        format!("{REPOSITORY}/dependabot/secrets"),
        format!("{REPOSITORY}/environments/staging/secrets"),
        "/orgs/molecule-ai/actions/secrets".to_owned(),
    ];
    let boxes: Vec<Value> = places
        .iter()
        .map(|place| sealed(&github.get(&format!("{place}/public-key")), "opened"))
        .collect();
    for (at, place) in places.iter().enumerate() {
        for (from, body) in boxes.iter().enumerate() {
            let mut body = body.clone();
            // Even under the name of the right key.
            body["key_id"] = boxes[at]["key_id"].clone();
            body["visibility"] = json!("private");
            let status = if at == from { 201 } else { 422 };
            github.call("PUT", &format!("{place}/a"), status, body);
        }
    }
    let state = github.sandbox.state();
    let repository = &state["github"]["repositories"]["molecule-ai/molecule-monorepo"];
    for place in [
        repository,
        &repository["dependabot"],
        &repository["environments"]["staging"],
        &state["github"]["organizations"]["molecule-ai"]["actions"],
    ] {
        assert_eq!(place["secrets"]["A"]["value"], "opened");
    }
    github.sandbox.seed(json!({ "github": { "rotate_keys": true } }));
    github.call("PUT", &format!("{}/a", places[0]), 422, boxes[0].clone());
    let fresh = sealed(&github.get(&format!("{}/public-key", places[0])), "again");
    github.call("PUT", &format!("{}/a", places[0]), 204, fresh);
}

#[test]
fn names_and_sizes_have_limits() {
    let github = github();
    let secrets = format!("{REPOSITORY}/actions/secrets");
    let key = github.get(&format!("{secrets}/public-key"));
    for name in ["GITHUB_X", "1X", "A-B", "A%20B"] {
        github.call("PUT", &format!("{secrets}/{name}"), 422, sealed(&key, "x"));
    }
    github.call(
        "PUT",
        &format!("{secrets}/LARGE"),
        201,
        sealed(&key, &"x".repeat(48 * 1024)),
    );
    github.call(
        "PUT",
        &format!("{secrets}/LARGER"),
        422,
        sealed(&key, &"x".repeat(48 * 1024 + 1)),
    );
    let organization = github.get("/orgs/molecule-ai/actions/secrets/public-key");
    let body = sealed(&organization, "x");
    github.call("PUT", "/orgs/molecule-ai/actions/secrets/A", 422, body);
}

#[test]
fn an_organizations_secret_keeps_who_may_see_it() {
    let github = github();
    let secret = "/orgs/molecule-ai/actions/secrets/A";
    let key = github.get("/orgs/molecule-ai/actions/secrets/public-key");
    let mut body = sealed(&key, "x");
    body["visibility"] = json!("selected");
    body["selected_repository_ids"] = json!([7]);
    github.call("PUT", secret, 201, body.clone());
    assert_eq!(github.get(secret)["visibility"], "selected");
    github.call("PUT", &format!("{secret}/repositories/8"), 204, Value::Null);
    let repositories = github.get(&format!("{secret}/repositories"));
    assert_eq!(repositories["total_count"], 2);
    body["visibility"] = json!("all");
    github.call("PUT", secret, 204, body);
    github.call("PUT", &format!("{secret}/repositories/8"), 409, Value::Null);
}

#[test]
fn a_token_sees_and_writes_what_it_may_and_has_so_many_calls() {
    let github = github();
    github.sandbox.seed(json!({ "github": { "tokens": [
        { "value": "elsewhere", "repositories": ["molecule-ai/molecule-docs"] },
        { "value": "reader", "may_write": false },
    ] } }));
    let path = format!("{REPOSITORY}/actions/secrets/A");
    let status = |method: &str, token: &str| github.call_as(&format!("Bearer {token}"), method, &path, &json!({})).0;
    assert_eq!(status("PUT", "nobody"), 401);
    assert_eq!(status("PUT", "elsewhere"), 404);
    assert_eq!(status("PUT", "reader"), 403);
    github.call("PUT", &path, 422, json!({}));
    github.sandbox.seed(json!({ "github": { "rate_limit_remaining": 1 } }));
    assert_eq!(status("GET", "reader"), 404);
    assert_eq!(status("GET", "reader"), 403);
    github.sandbox.seed(json!({ "github": { "rate_limit": 2 } }));
    assert_eq!([(); 3].map(|()| status("GET", "reader")), [404, 404, 403]);
    let version = [
        ("authorization", "Bearer reader"),
        ("x-github-api-version", "1999-01-01"),
    ];
    assert_eq!(github.sandbox.call("GET", "/user", &version, &Value::Null).0, 400);
}

#[test]
fn runs_are_found_by_what_is_known_of_them() {
    let github = github();
    let workflow = format!("{REPOSITORY}/actions/workflows/publish-platform-image.yml");
    github.call(
        "POST",
        &format!("{workflow}/dispatches"),
        422,
        json!({ "ref": "nowhere" }),
    );
    github.call("POST", &format!("{workflow}/dispatches"), 204, json!({ "ref": "main" }));
    github.sandbox.seed(json!({ "github": { "silent_dispatch": true } }));
    let asked = json!({ "ref": "main", "return_run_details": true });
    github.call("POST", &format!("{workflow}/dispatches"), 204, asked.clone());
    github.sandbox.seed(json!({ "github": { "silent_dispatch": false } }));
    let run = github.call("POST", &format!("{workflow}/dispatches"), 200, asked);
    let count = |query: &str| github.get(&format!("{workflow}/runs?{query}"))["total_count"].clone();
    assert_eq!(count("event=workflow_dispatch&branch=main&status=queued"), 3);
    assert_eq!(count("created=%3E%3D2026-01-01T00:00:00Z"), 3);
    for nothing in [
        "event=push",
        "branch=other",
        "actor=somebody",
        "status=completed",
        "created=%3C2020-01-01T00:00:00Z",
        "created=2020-01-01T00:00:00Z..2020-01-02T00:00:00Z",
    ] {
        assert_eq!(count(nothing), 0, "{nothing}");
    }
    let one = format!("{REPOSITORY}/actions/runs/{}", run["workflow_run_id"]);
    let stations: Vec<Value> = (0..3).map(|_| github.get(&one)["status"].clone()).collect();
    assert_eq!(stations, ["queued", "in_progress", "completed"]);
    assert_eq!(count("status=success"), 1);
}
