//! Values where they do not belong. Vendors that put one where a name, an id or a marker should be: the sandbox's answers, rewritten.
//! What is told so is in no state and no diagnostic, the run fails, and nothing that was made is forgotten. And a configuration that has
//! one between braces.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::Response;
use rotation_provider::environment::Environment;
use rotation_provider::plugin::{ApplyRequest, ApplyResponse, ClientCapabilities, Provider as _, Resource};
use rotation_provider::provider::{RotationProvider, SECRET};
use rotation_provider::terraform::{Value, msgpack};
use serde_json::Value as Json;

#[path = "support/sandbox.rs"]
#[expect(dead_code, reason = "other tests ask it more")]
mod sandbox;

#[path = "support/written.rs"]
#[expect(dead_code, reason = "shared with other suites, which make values")]
mod written;

/// Changes an answer to that request, knowing the values so far; gives further ones.
type Rewrite = fn(&str, &Json, &mut Json, &[String]) -> Vec<String>;

/// The resource that a provider serves.
fn secret(provider: &RotationProvider) -> &dyn Resource {
    provider.registry().resource(SECRET).unwrap().as_ref()
}

/// A sandbox behind a vendor that rewrites its answers.
struct World {
    sandbox: sandbox::Sandbox,
    provider: RotationProvider,
    values: Arc<Mutex<Vec<String>>>,
}

async fn rewritten(
    request: Request,
    sandbox: String,
    rewrite: Rewrite,
    values: Arc<Mutex<Vec<String>>>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let line = format!("{} {path}", parts.method);
    let mut headers = parts.headers;
    headers.remove("host");
    let asked: Json = serde_json::from_slice(&body).unwrap_or(Json::Null);
    let forwarded = reqwest::Client::new()
        .request(parts.method, format!("{sandbox}{path}"))
        .headers(headers)
        .body(body);
    let answer = forwarded.send().await.unwrap();
    let status = answer.status();
    let mut body = answer.bytes().await.unwrap().to_vec();
    if let Ok(mut json) = serde_json::from_slice::<Json>(&body) {
        let mut values = values.lock().unwrap();
        let more = rewrite(&line, &asked, &mut json, &values);
        values.extend(more);
        body = json.to_string().into_bytes();
    }
    let answer = Response::builder()
        .status(status)
        .header("content-type", "application/json");
    answer.body(Body::from(body)).unwrap()
}

impl World {
    async fn new(rewrite: Rewrite) -> Self {
        let sandbox = sandbox::Sandbox::start();
        let real = sandbox.export("SANDBOX_URL").to_owned();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let values = Arc::new(Mutex::new(Vec::new()));
        let (behind, seen) = (real.clone(), Arc::clone(&values));
        let router = Router::new()
            .fallback(move |request: Request| rewritten(request, behind.clone(), rewrite, Arc::clone(&seen)));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let exports: Vec<(String, String)> = sandbox
            .exports()
            .iter()
            .map(|(name, value)| (name.clone(), value.replace(&real, &address)))
            .collect();
        let exports: Vec<(&str, &str)> = exports
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let provider = RotationProvider::new(Environment::of(&exports));
        let problems = provider
            .configure(Value::object([("namespace", Value::string("n"))]))
            .await;
        assert!(!problems.has_errors(), "{problems:?}");
        Self {
            sandbox,
            provider,
            values,
        }
    }

    /// A create; gives all that anybody gets to see of it.
    async fn create(&self, source: &str) -> (ApplyResponse, String) {
        let kind = secret(&self.provider).schema().block.value_type();
        let part = match source.contains("neon_role_password") {
            true => r#""part": "password", "#,
            false => "",
        };
        let targets = format!(r#"{{"a": {{{part}"fly_secret": {{"app": "molecule-cp", "stage": true}}}}}}"#);
        let configuration = format!(r#"{{"name": "N", "source": {source}, "targets": {targets}}}"#);
        let block = &secret(&self.provider).schema().block;
        let config = written::resource(configuration.as_bytes(), block).unwrap();
        let applied = secret(&self.provider)
            .apply(ApplyRequest {
                prior: Value::Null,
                planned: config.clone(),
                config,
                private: Vec::new(),
            })
            .await;
        let said: Vec<String> = applied
            .diagnostics
            .iter()
            .map(|problem| format!("{}: {}", problem.summary, problem.detail))
            .collect();
        let stored = msgpack::encode(&applied.state, &kind).unwrap();
        let stored = [stored, applied.private.clone()].concat();
        let shown = format!("{}\n{}", String::from_utf8_lossy(&stored), said.join("\n"));
        let values = self.values.lock().unwrap().clone();
        assert!(!values.is_empty(), "{shown}");
        for value in values {
            let tail = value.rsplit('_').next().unwrap();
            assert!(!shown.contains(tail), "{value}\n{shown}");
        }
        (applied, shown)
    }
}

/// The token of the answer to a mint.
fn new_token(answer: &mut Json) -> Option<&mut Json> {
    answer.pointer_mut("/data/createLimitedAccessToken/limitedAccessToken")
}

#[tokio::test]
async fn a_token_whose_id_is_its_value_is_not_stored_and_not_forgotten() {
    let world = World::new(|_, _, answer, _| {
        let Some(token) = new_token(answer) else {
            return Vec::new();
        };
        token["id"] = token["tokenHeader"].clone();
        vec![token["id"].as_str().unwrap().to_owned()]
    })
    .await;
    let (applied, shown) = world.create(r#"{"fly_token": {"app": "molecule-cp"}}"#).await;
    assert!(applied.diagnostics.has_errors());
    assert!(shown.contains("the id in it repeats the value"), "{shown}");
    // The listing tells its right id, by which it was ended again, or will be.
    let truth = world.sandbox.state();
    for token in truth["fly"]["tokens"].as_array().unwrap() {
        let ours = token["name"].as_str().is_some_and(|name| name.contains("-rot-"));
        let named = shown.contains(token["id"].as_str().unwrap());
        assert!(!ours || named || !token["revoked_at"].is_null(), "{token}\n{shown}");
    }
}

#[tokio::test]
async fn a_digest_that_is_the_value_is_not_stored() {
    let world = World::new(|_, asked, answer, known| {
        let written = asked["values"].as_object().into_iter().flatten();
        let written: Vec<String> = written
            .filter_map(|(_, value)| value.as_str().map(str::to_owned))
            .collect();
        let secrets = answer.get_mut("secrets").and_then(Json::as_array_mut);
        if let Some(value) = known.first().or(written.first()) {
            for secret in secrets.into_iter().flatten() {
                secret["digest"] = value.as_str().into();
            }
        }
        written
    })
    .await;
    let (applied, shown) = world.create(r#"{"random": {"bytes": 32, "encoding": "hex"}}"#).await;
    assert!(applied.diagnostics.has_errors());
    assert!(shown.contains("the revision in it repeats the value"), "{shown}");
}

#[tokio::test]
async fn a_role_that_is_called_as_its_password_is_not_stored() {
    let world = World::new(|line, _, answer, _| {
        if !line.ends_with("/reset_password") {
            return Vec::new();
        }
        answer["role"]["name"] = answer["role"]["password"].clone();
        vec![answer["role"]["password"].as_str().unwrap().to_owned()]
    })
    .await;
    let (applied, shown) = world.create(ROLE).await;
    assert!(applied.diagnostics.has_errors());
    assert!(shown.contains("the answer is about another role"), "{shown}");
}

const ROLE: &str = r#"{"neon_role_password": {
    "project_id": "quiet-river-12345678", "branch_id": "br-main-123456", "role": "app"}}"#;

#[tokio::test]
async fn an_operation_that_names_the_password_and_fails_does_not_show_it() {
    let world = World::new(|line, _, answer, _| {
        if !line.ends_with("/reset_password") {
            return Vec::new();
        }
        let password = answer["role"]["password"].as_str().unwrap().to_owned();
        answer["operations"] = serde_json::json!([{
            "id": password, "action": format!("apply_config for {password}"), "status": "failed", "error": format!("{password} refused"),
        }]);
        vec![password]
    })
    .await;
    let (applied, shown) = world.create(ROLE).await;
    assert!(applied.diagnostics.has_errors());
    assert!(shown.contains("may not work yet"), "{shown}");
}

/// What a configuration check says to these headers of an http check.
async fn complaints(headers: &str) -> String {
    let provider = RotationProvider::new(Environment::of(&[]));
    let check =
        format!(r#"{{"http": {{"url": "https://example.org/", "headers": {{"Authorization": "{headers}"}}}}}}"#);
    let targets = r#"{"a": {"fly_secret": {"app": "molecule-cp"}}}"#;
    let configuration = format!(
        r#"{{"name": "N", "source": {{"fernet_key": {{}}}}, "targets": {targets}, "checks": {{"c": {check}}}}}"#
    );
    let config = written::resource(configuration.as_bytes(), &secret(&provider).schema().block).unwrap();
    let client = ClientCapabilities::default();
    let problems = secret(&provider).validate(config, client).await;
    let said: Vec<String> = problems
        .iter()
        .map(|problem| format!("{}: {}", problem.summary, problem.detail))
        .collect();
    said.join("\n")
}

#[tokio::test]
async fn a_credential_that_was_left_between_braces_is_not_repeated() {
    for (headers, expected) in [
        ("Bearer {{sk_live_SECRETliteral1234567}}", "refers to an unknown part"),
        (
            "Bearer {{ value | sk_live_SECRETliteral1234567 }}",
            "expression at character 8",
        ),
    ] {
        let said = complaints(headers).await;
        assert!(said.contains(expected) && !said.contains("SECRET"), "{said}");
    }
    assert_eq!(complaints("Bearer {{ value }}").await, "");
}
