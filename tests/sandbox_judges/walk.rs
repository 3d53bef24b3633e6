//! Every call that the provider makes, answered by the sandbox and judged by what the vendors have published.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::app;
use super::client::Outsider;

/// Those of the extracts, and three that are judged otherwise.
fn vendors() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sandbox_judges/extracts");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let described = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let stems = described.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned());
    stems.chain(["aws", "graphql", "railway"].map(str::to_owned)).collect()
}

const MINT: &str = "mutation($input: CreateLimitedAccessTokenInput!) { createLimitedAccessToken(input: $input) {
    limitedAccessToken { id name tokenHeader createdAt expiresAt profile profileParams } } }";
const APP: &str = "query($name: String!, $after: String) { app(name: $name) { id name organization { id slug }
    limitedAccessTokens(first: 2, after: $after) {
        nodes { id name createdAt expiresAt revokedAt profile profileParams user { email } }
        pageInfo { hasNextPage endCursor } totalCount } } }";
const ORGANIZATION: &str = "query($slug: String!) { organization(slug: $slug) { id slug
    limitedAccessTokens(first: 100) { nodes { id name revokedAt } pageInfo { hasNextPage endCursor } } } }";
const REVOKE: &str =
    "mutation($id: ID!) { deleteLimitedAccessToken(input: { id: $id }) { clientMutationId revokedBy token } }";

/// What `crypto_box_seal` makes of a value; the key as GitHub gives it.
pub(crate) fn seal(key: &Value, value: &str) -> String {
    let bytes: [u8; 32] = STANDARD.decode(key.as_str().unwrap()).unwrap().try_into().unwrap();
    let key = crypto_box::PublicKey::from(bytes);
    STANDARD.encode(key.seal(&mut crypto_box::aead::OsRng, value.as_bytes()).unwrap())
}

fn fly(outsider: &Outsider) {
    let none = Value::Null;
    let app = "/v1/apps/molecule-cp";
    outsider.fly("GET", app, &none).ok();
    let values = json!({ "values": { "A": "one", "B": "two", "NEVER_SET": null } });
    let set = outsider.fly("POST", &format!("{app}/secrets"), &values).ok();
    let version = &set["version"];
    outsider
        .fly(
            "GET",
            &format!("{app}/secrets?min_version={version}&version={version}"),
            &none,
        )
        .ok();
    outsider
        .fly("POST", &format!("{app}/secrets/C"), &json!({ "value": "three" }))
        .ok();
    outsider.fly("GET", &format!("{app}/secrets/C"), &none).ok();
    outsider.fly("DELETE", &format!("{app}/secrets/C"), &none).ok();

    let machines = outsider.fly("GET", &format!("{app}/machines"), &none).ok();
    let id = machines[0]["id"].as_str().unwrap();
    let machine = format!("{app}/machines/{id}");
    let lease = outsider.fly("POST", &format!("{machine}/lease?ttl=30"), &none).ok();
    outsider.fly("GET", &format!("{machine}/lease"), &none).ok();
    let nonce = lease["data"]["nonce"].as_str().unwrap();
    let update = json!({ "config": machines[0]["config"], "region": "fra", "min_secrets_version": version });
    let updated = outsider.leased(nonce, "POST", &machine, &update).ok();
    let instance = updated["instance_id"].as_str().unwrap();
    let metadata = json!({ "metadata": { "a": "b" }, "machine_version": instance });
    outsider
        .leased(nonce, "PUT", &format!("{machine}/metadata"), &metadata)
        .ok();
    outsider
        .fly(
            "GET",
            &format!("{machine}/wait?state=started&timeout=5&instance_id={instance}"),
            &none,
        )
        .ok();
    outsider
        .leased(nonce, "DELETE", &format!("{machine}/lease"), &none)
        .ok();
    outsider.fly("GET", &machine, &none).ok();
    outsider.fly("GET", &format!("{machine}/events?limit=20"), &none).ok();
    outsider.fly("POST", &format!("{machine}/restart"), &none).ok();
    outsider.fly("GET", "/v1/tokens/current", &none).ok();
}

fn tokens(outsider: &Outsider) {
    let app = outsider
        .graphql(APP, &json!({ "name": "molecule-cp", "after": null }))
        .ok();
    let app = &app["data"]["app"];
    let input = json!({
        "name": "walk", "organizationId": app["organization"]["id"], "profile": "deploy",
        "profileParams": { "app_id": app["id"] }, "expiry": "720h0m0s",
    });
    let made: Vec<Value> = (0..3)
        .map(|_| outsider.graphql(MINT, &json!({ "input": input })).ok())
        .collect();
    let page = outsider.graphql(APP, &json!({ "name": "molecule-cp" })).ok();
    let after = &page["data"]["app"]["limitedAccessTokens"]["pageInfo"]["endCursor"];
    outsider
        .graphql(APP, &json!({ "name": "molecule-cp", "after": after }))
        .ok();
    outsider.graphql(ORGANIZATION, &json!({ "slug": "molecule" })).ok();
    let token = &made[0]["data"]["createLimitedAccessToken"]["limitedAccessToken"];
    let header = json!({ "header": token["tokenHeader"] });
    outsider.fly("POST", "/v1/tokens/authenticate", &header).ok();
    let asked = json!({ "header": token["tokenHeader"], "access": { "app_name": "molecule-cp" } });
    outsider.fly("POST", "/v1/tokens/authorize", &asked).ok();
    outsider.graphql(REVOKE, &json!({ "id": token["id"] })).ok();
}

fn github(outsider: &Outsider) {
    let none = Value::Null;
    let repository = "/repos/molecule-ai/molecule-monorepo";
    let levels = [
        format!("{repository}/actions/secrets"),
        format!("{repository}/codespaces/secrets"),
        format!("{repository}/dependabot/secrets"),
        format!("{repository}/environments/production/secrets"),
    ];
    for level in levels {
        let key = outsider.github("GET", &format!("{level}/public-key"), &none).ok();
        for value in ["one", "two"] {
            let body = json!({ "encrypted_value": seal(&key["key"], value), "key_id": key["key_id"] });
            outsider.github("PUT", &format!("{level}/WALK"), &body).ok();
        }
        outsider
            .github("GET", &format!("{level}?per_page=10&page=1"), &none)
            .ok();
        outsider.github("GET", &format!("{level}/WALK"), &none).ok();
        outsider.github("DELETE", &format!("{level}/WALK"), &none).ok();
    }
    let workflow = format!("{repository}/actions/workflows/publish-platform-image.yml");
    outsider.github("GET", &workflow, &none).ok();
    let body = json!({ "ref": "main", "inputs": { "reason": "walk" } });
    outsider.github("POST", &format!("{workflow}/dispatches"), &body).ok();
    let body = json!({ "ref": "main", "return_run_details": true });
    let dispatched = outsider.github("POST", &format!("{workflow}/dispatches"), &body).ok();
    let runs = format!("{workflow}/runs?event=workflow_dispatch&branch=main&per_page=100");
    outsider.github("GET", &runs, &none).ok();
    let run = format!("{repository}/actions/runs/{}", dispatched["workflow_run_id"]);
    // Queued, in progress, completed: each has a shape of its own.
    for _ in 0..3 {
        outsider.github("GET", &run, &none).ok();
    }
    outsider.github("GET", "/rate_limit", &none).ok();
}

fn github_app(outsider: &Outsider) {
    let (assertion, public_key) = app::assertion(4711);
    let app = json!({ "id": 4711, "installation_id": 815, "public_key": public_key, "repositories": ["molecule-ai/molecule-docs"] });
    outsider.sandbox.seed(json!({ "github": { "app": app } }));
    let path = "/app/installations/815/access_tokens";
    outsider.github_as(&assertion, "POST", path, &Value::Null).ok();
}

fn neon(outsider: &Outsider) {
    let none = Value::Null;
    outsider.neon("GET", "/users/me", &none).ok();
    for keys in ["/api_keys", "/organizations/org-quiet-sea-12345678/api_keys"] {
        let key = outsider.neon("POST", keys, &json!({ "key_name": "walk" })).ok();
        outsider.neon("GET", keys, &none).ok();
        outsider.neon("DELETE", &format!("{keys}/{}", key["id"]), &none).ok();
    }
    let project = "/projects/quiet-river-12345678";
    let branch = format!("{project}/branches/br-main-123456");
    let paths = [
        "/projects?org_id=org-quiet-sea-12345678".to_owned(),
        project.to_owned(),
        format!("{project}/branches"),
        branch.clone(),
        format!("{project}/endpoints"),
        format!("{branch}/endpoints"),
        format!("{branch}/databases"),
        format!("{branch}/roles"),
        format!("{branch}/roles/app"),
        format!("{branch}/roles/app/reveal_password"),
        format!("{project}/connection_uri?database_name=neondb&role_name=app&pooled=true"),
    ];
    for path in paths {
        outsider.neon("GET", &path, &none).ok();
    }
    let changes = [
        ("POST", "roles/app/reset_password", Value::Null),
        ("POST", "roles", json!({ "role": { "name": "walk" } })),
        ("DELETE", "roles/walk", Value::Null),
    ];
    for (method, path, body) in changes {
        let changed = outsider.neon(method, &format!("{branch}/{path}"), &body).ok();
        let operation = changed["operations"][0]["id"].as_str().unwrap();
        for _ in 0..3 {
            outsider
                .neon("GET", &format!("{project}/operations/{operation}"), &none)
                .ok();
        }
    }
    outsider.neon("GET", &format!("{project}/operations"), &none).ok();
}

fn ssm(outsider: &Outsider) {
    let name = "/molecule/production/WALK";
    let put = json!({
        "Name": name, "Value": "one", "Type": "SecureString", "Description": "walk",
        "Tags": [{ "Key": "owner", "Value": "walk" }],
    });
    outsider.ssm("PutParameter", &put).ok();
    let again = json!({ "Name": name, "Value": "two", "Type": "SecureString", "Overwrite": true });
    outsider.ssm("PutParameter", &again).ok();
    outsider
        .ssm(
            "GetParameter",
            &json!({ "Name": format!("{name}:1"), "WithDecryption": true }),
        )
        .ok();
    outsider
        .ssm(
            "GetParameters",
            &json!({ "Names": [name, "/absent"], "WithDecryption": false }),
        )
        .ok();
    let filters = json!([{ "Key": "Name", "Option": "Equals", "Values": [name] }]);
    outsider
        .ssm(
            "DescribeParameters",
            &json!({ "ParameterFilters": filters, "MaxResults": 50 }),
        )
        .ok();
    let tagged = json!({ "ResourceType": "Parameter", "ResourceId": name });
    outsider.ssm("ListTagsForResource", &tagged).ok();
    let tags =
        json!({ "ResourceType": "Parameter", "ResourceId": name, "Tags": [{ "Key": "team", "Value": "platform" }] });
    outsider.ssm("AddTagsToResource", &tags).ok();
    outsider.ssm("DeleteParameter", &json!({ "Name": name })).ok();
}

fn platform(outsider: &Outsider) {
    let none = Value::Null;
    outsider.platform("GET", "/health", &none).ok();
    outsider
        .platform("PUT", "/settings/secrets", &json!({ "key": "WALK", "value": "one" }))
        .ok();
    outsider.platform("GET", "/settings/secrets", &none).ok();
    outsider.platform("DELETE", "/settings/secrets/WALK", &none).ok();
    let workspace = "/workspaces/6f1c1f5e-0000-4000-8000-000000000001";
    outsider.platform("GET", workspace, &none).ok();
    outsider
        .platform("POST", &format!("{workspace}/restart"), &json!({}))
        .ok();
}

const PARTS: &[fn(&Outsider)] = &[
    // A line for each.
    fly,
    tokens,
    github,
    github_app,
    neon,
    super::railway::walk,
    super::render::walk,
    super::resend::walk,
    super::vercel::walk,
    ssm,
    platform,
];

fn walk() -> Vec<Value> {
    let outsider = Outsider::new();
    for part in PARTS {
        part(&outsider);
    }
    outsider.heard()
}

/// The interpreter that `make test` provides.
pub(crate) fn python(script: &str) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = root.join(".venv/bin/python");
    assert!(program.exists(), "{} is missing; run `make test`", program.display());
    let mut command = Command::new(program);
    command.arg(root.join("tests/sandbox_judges").join(script));
    command
}

fn judge(exchanges: &[Value]) -> Output {
    let extracts: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sandbox_judges/extracts");
    let mut judge = python("schemas.py")
        .arg(extracts)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = judge.stdin.take().unwrap();
    input.write_all(json!(exchanges).to_string().as_bytes()).unwrap();
    drop(input);
    judge.wait_with_output().unwrap()
}

#[test]
fn every_answer_fits_what_the_vendor_has_published() {
    let exchanges = walk();
    let verdict = judge(&exchanges);
    let said = String::from_utf8_lossy(&verdict.stdout);
    let failed = String::from_utf8_lossy(&verdict.stderr);
    assert!(verdict.status.success(), "{said}{failed}");
    let counts: Value = serde_json::from_str(&said).unwrap();
    let all: usize = vendors()
        .iter()
        .map(|vendor| counts[vendor].as_u64().unwrap() as usize)
        .sum();
    assert_eq!(all, exchanges.len(), "{said}");
}

#[test]
fn an_answer_that_does_not_fit_is_found() {
    let mut exchanges = walk();
    let mut misfits = Vec::new();
    for vendor in &vendors() {
        let spoilt = exchanges.iter_mut().find(|exchange| {
            let answer = &exchange["response"];
            let is_graphql = ["graphql", "railway"].contains(&vendor.as_str()) && answer["errors"].is_null();
            exchange["vendor"] == **vendor && (is_graphql || answer.as_object().is_some_and(|body| body.len() > 1))
        });
        let spoilt = spoilt.unwrap_or_else(|| panic!("nothing of {vendor} to spoil"));
        // Every member of the wrong kind: a number inside a list is nowhere expected.
        for (_, member) in spoilt["response"].as_object_mut().unwrap() {
            *member = json!([[7]]);
        }
        misfits.push(format!("{vendor} {}", spoilt["method"].as_str().unwrap()));
    }
    let verdict = judge(&exchanges);
    let said = String::from_utf8_lossy(&verdict.stdout);
    assert!(!verdict.status.success(), "{said}");
    for misfit in misfits {
        assert!(said.contains(&misfit), "{misfit} is missing in {said}");
    }
}
