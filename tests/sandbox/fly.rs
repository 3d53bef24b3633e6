//! Fly: tokens, queries, and when a machine runs which secrets.

use serde_json::{Value, json};

use crate::caller::Caller;

const SECRETS: &str = "/v1/apps/molecule-cp/secrets";
const MINT: &str = "mutation($input: CreateLimitedAccessTokenInput!) { createLimitedAccessToken(input: $input) \
                    { limitedAccessToken { id tokenHeader expiresAt } } }";

fn fly() -> Caller {
    Caller::new("", "", "FLY_API_TOKEN")
}

fn ask(fly: &Caller, query: &str, variables: Value) -> Value {
    let body = json!({ "query": query, "variables": variables });
    // Fly answers errors with 200 too.
    fly.call("POST", "/graphql", 200, body)
}

fn mint(fly: &Caller, name: &str) -> Value {
    let ids = ask(
        fly,
        "{ app(name: \"molecule-cp\") { id organization { id } } }",
        json!({}),
    );
    let app = &ids["data"]["app"];
    let input = json!({
        "name": name, "organizationId": app["organization"]["id"], "profile": "deploy",
        "profileParams": { "app_id": app["id"] }, "expiry": "720h0m0s",
    });
    let answer = ask(fly, MINT, json!({ "input": input }));
    answer["data"]["createLimitedAccessToken"]["limitedAccessToken"].clone()
}

#[test]
fn a_token_works_until_it_is_revoked_and_for_its_app_alone() {
    let fly = fly();
    let token = mint(&fly, "a");
    let value = token["tokenHeader"].as_str().unwrap();
    assert_eq!(value.matches("fm2_").count(), 2, "{value}");
    let status = |authorization: &str, path: &str| fly.call_as(authorization, "GET", path, &Value::Null).0;
    let parts = value.strip_prefix("FlyV1 ").unwrap();
    for accepted in [
        value.to_owned(),
        format!("Bearer {parts}"),
        format!("FlyV1 fm2_dW5rbm93bg==,{parts}"),
    ] {
        assert_eq!(status(&accepted, SECRETS), 200, "{accepted}");
    }
    assert_eq!(status(value, "/v1/apps/molecule-worker/secrets"), 403);
    assert_eq!(status(value.split(',').next().unwrap(), SECRETS), 401, "half a token");

    let revoke =
        "mutation($input: DeleteLimitedAccessTokenInput!) { deleteLimitedAccessToken(input: $input) { token } }";
    ask(&fly, revoke, json!({ "input": { "id": token["id"] } }));
    assert_eq!(status(value, SECRETS), 401);
    fly.call("POST", "/v1/tokens/authenticate", 400, json!({ "header": value }));
    let state = fly.sandbox.state();
    let mut tokens = state["fly"]["tokens"].as_array().unwrap().iter();
    assert!(tokens.find(|known| known["id"] == token["id"]).unwrap()["revoked_at"].is_string());
}

#[test]
fn a_query_that_does_not_fit_the_schema_has_no_effect() {
    let fly = fly();
    let organization = ask(&fly, "{ organization(slug: \"molecule\") { id } }", json!({}));
    let id = &organization["data"]["organization"]["id"];
    let before = fly.sandbox.state()["fly"]["tokens"].clone();
    let input = json!({ "name": "x", "organizationId": id, "profile": "deploy_organization", "profileParams": {} });
    let mut extra = input.clone();
    extra["ttl"] = json!(1);
    for (query, input) in [
        (MINT.replace("expiresAt", "invented"), input.clone()),
        (MINT.replace("{ id tokenHeader expiresAt }", ""), input.clone()),
        (MINT.replace("(input: $input)", ""), input.clone()),
        (MINT.replace("(input: $input)", "(input: $other)"), input.clone()),
        (MINT.replace("Input!)", "Input)"), Value::Null),
        (MINT.to_owned(), json!({ "name": "x", "profile": "deploy" })),
        (MINT.to_owned(), extra),
        (MINT.to_owned(), Value::Null),
    ] {
        let answer = ask(&fly, &query, json!({ "input": input }));
        assert!(answer["errors"][0]["message"].is_string(), "{query}: {answer}");
        assert!(!answer["data"]["createLimitedAccessToken"].is_object(), "{answer}");
    }
    assert_eq!(fly.sandbox.state()["fly"]["tokens"], before);
    assert!(ask(&fly, MINT, json!({ "input": input })).get("errors").is_none());
}

#[test]
fn a_machine_runs_a_new_secret_only_after_an_update_with_its_version() {
    let fly = fly();
    let before = fly.get("/v1/apps/molecule-cp/machines")[0].clone();
    let id = before["id"].as_str().unwrap();
    let machine = format!("/v1/apps/molecule-cp/machines/{id}");
    let runs = || fly.sandbox.state()["fly"]["apps"]["molecule-cp"]["machines"][id]["env"].clone();
    let update = |version: &Value| json!({ "config": before["config"], "min_secrets_version": version });

    let first = fly.call("POST", SECRETS, 200, json!({ "values": { "A": "old" } }));
    fly.call("POST", &machine, 200, update(&first["version"]));
    assert_eq!(runs(), json!({ "A": "old" }));

    let second = fly.call("POST", SECRETS, 200, json!({ "values": { "A": "new" } }));
    assert!(second["version"].as_u64() > first["version"].as_u64());
    assert_ne!(second["secrets"][0]["digest"], first["secrets"][0]["digest"]);
    fly.call("POST", &format!("{machine}/restart"), 200, Value::Null);
    assert_eq!(runs(), json!({ "A": "old" }), "a restart applies nothing");
    fly.call("POST", &machine, 200, json!({ "config": before["config"] }));
    assert_eq!(
        runs(),
        json!({ "A": "old" }),
        "without a version it may boot with older secrets"
    );
    fly.call("POST", &machine, 200, update(&first["version"]));
    assert_eq!(runs(), json!({ "A": "old" }), "nor with that of an earlier write");
    fly.call("POST", &machine, 200, update(&second["version"]));
    assert_eq!(runs(), json!({ "A": "new" }));
    let instance = fly.get(&machine)["instance_id"].clone();
    let metadata = |version: &Value| json!({ "metadata": { "mine": "1" }, "machine_version": version });
    fly.call(
        "PUT",
        &format!("{machine}/metadata"),
        412,
        metadata(&before["instance_id"]),
    );
    fly.call("PUT", &format!("{machine}/metadata"), 204, metadata(&instance));
    let after = fly.get(&machine);
    assert_eq!(
        (&after["config"]["metadata"]["mine"], &after["instance_id"]),
        (&json!("1"), &instance)
    );

    let again = fly.call("POST", SECRETS, 200, json!({ "values": { "A": "new" } }));
    assert_eq!(
        again["secrets"][0], second["secrets"][0],
        "an equal value changes neither digest nor times"
    );
}

#[test]
fn an_update_is_refused_when_it_is_not_what_the_machine_needs() {
    let fly = fly();
    let before = fly.get("/v1/apps/molecule-cp/machines")[0].clone();
    let machine = format!("/v1/apps/molecule-cp/machines/{}", before["id"].as_str().unwrap());
    let config = &before["config"];
    for (status, body) in [
        (400, json!({})),
        (400, json!({ "config": { "env": {} } })),
        (400, json!({ "config": config, "min_secrets_version": 99 })),
        (400, json!({ "config": config, "region": "syd" })),
        (412, json!({ "config": config, "current_version": "01H" })),
    ] {
        fly.call("POST", &machine, status, body);
    }
    assert_eq!(fly.get(&machine), before);
    let apps = json!({ "molecule-cp": { "leased_for": 30 } });
    fly.sandbox.seed(json!({ "fly": { "apps": apps } }));
    fly.call("POST", &machine, 409, json!({ "config": config }));
    fly.call("POST", &format!("{machine}/lease"), 409, Value::Null);
    let apps = json!({ "molecule-worker": { "host_status": "unreachable" } });
    fly.sandbox.seed(json!({ "fly": { "apps": apps } }));
    let lost = fly.get("/v1/apps/molecule-worker/machines")[0].clone();
    assert!(lost.get("config").is_none() && lost["incomplete_config"].is_object());
}

#[test]
fn lists_lag_and_waits_wait_when_they_are_told_to() {
    let fly = fly();
    fly.sandbox.settings(json!({ "list_lag_ms": 60_000 }));
    let version = fly.call("POST", SECRETS, 200, json!({ "values": { "A": "1" } }))["version"].clone();
    assert_eq!(fly.get(SECRETS)["secrets"], json!([]));
    let fresh = fly.get(&format!("{SECRETS}?min_version={version}"));
    assert_eq!(fresh["secrets"][0]["name"], "A");

    let machine = json!({ "state": "started", "checks": true, "start_ms": 300, "fails_after_update": true });
    let apps = json!({ "slow": { "machines": [machine] } });
    fly.sandbox.seed(json!({ "fly": { "apps": apps } }));
    let machine = fly.get("/v1/apps/slow/machines")[0].clone();
    let path = format!("/v1/apps/slow/machines/{}", machine["id"].as_str().unwrap());
    let updated = fly.call("POST", &path, 200, json!({ "config": machine["config"] }));
    assert_eq!(updated["state"], "starting");
    fly.call("GET", &format!("{path}/wait?state=started&timeout=0"), 408, Value::Null);
    fly.get(&format!("{path}/wait?state=started&timeout=10"));
    assert_eq!(fly.get(&path)["checks"][0]["status"], "critical");
    fly.sandbox.settings(json!({ "check_health": "passing" }));
    fly.call("POST", &path, 200, json!({ "config": machine["config"] }));
    assert_eq!(fly.get(&path)["checks"][0]["status"], "passing");
}
