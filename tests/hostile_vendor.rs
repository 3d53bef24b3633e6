//! Vendors that answer with anything: JSON of every shape under the names that the adapters look for, pages without end, dates
//! that are none; and the sandbox's own answers with one thing in them changed, which leads further in. Whatever comes, a create
//! ends in time with a diagnostic or a state, and nothing crashes.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::Response;
use rotation_provider::environment::Environment;
use rotation_provider::plugin::{ApplyRequest, Provider as _, ReadRequest, Resource};
use rotation_provider::provider::{RotationProvider, SECRET};
use rotation_provider::terraform::{Diagnostics, Value};
use serde_json::{Map, Value as Json};

#[path = "support/sandbox.rs"]
#[expect(dead_code, reason = "other tests ask it more")]
mod sandbox;

#[path = "support/written.rs"]
#[expect(dead_code, reason = "shared with other suites, which make values")]
mod written;

/// Worlds for each configuration.
const WORLDS: u64 = 60;

/// Longest time for one create.
const PATIENCE: Duration = Duration::from_secs(60);

/// Most requests that one create may make, however the vendor pages.
const MOST_REQUESTS: usize = 2_000;

/// Names that the adapters look for, and some that they do not.
const NAMES: [&str; 34] = [
    "id",
    "name",
    "token",
    "tokens",
    "data",
    "app",
    "organization",
    "limitedAccessToken",
    "limitedAccessTokens",
    "nodes",
    "secrets",
    "total_count",
    "created_at",
    "updated_at",
    "createdAt",
    "expiresAt",
    "key",
    "key_id",
    "api_key",
    "password",
    "roles",
    "role",
    "operations",
    "status",
    "pagination",
    "cursor",
    "errors",
    "message",
    "pageInfo",
    "hasNextPage",
    "endCursor",
    "createLimitedAccessToken",
    "digest",
    "tokenHeader",
];

const TEXTS: [&str; 12] = [
    "",
    "N",
    "hunter2hunter2",
    "2026-11-02T00:00:00Z",
    "2026-13-45T99:99:99Z",
    "-999999-01-01T00:00:00Z",
    "N-rot-0123456789ab-g18446744073709551615",
    "deployed",
    "2Sg8I85iDWpPhuyhTl2AkmZGwMIxPhtXX1gBv1dLXoU=",
    "finished",
    "\u{0}\u{10ffff}",
    "FlyV1 fm2_a,fm2_b",
];

/// Numbers that look random and are the same in every run (SplitMix64, Steele et al. 2014).
fn random(state: &AtomicU64) -> usize {
    let state = state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    usize::try_from((mixed ^ (mixed >> 31)) & 0xffff_ffff).unwrap()
}

fn any_json(chance: &AtomicU64, deepest: usize) -> Json {
    let pick = |limit: usize| random(chance) % limit;
    match pick(if deepest == 0 { 6 } else { 14 }) {
        0 => Json::Null,
        1 => (pick(2) == 0).into(),
        2 => serde_json::from_str(["0", "-1", "1e400", "18446744073709551616", "0.5"][pick(5)]).unwrap(),
        3..=5 => TEXTS[pick(TEXTS.len())].into(),
        6..=8 => (0..pick(4)).map(|_| any_json(chance, deepest - 1)).collect(),
        _ => {
            let entry = |_| (NAMES[pick(NAMES.len())].to_owned(), any_json(chance, deepest - 1));
            Json::Object((0..pick(12)).map(entry).collect::<Map<_, _>>())
        }
    }
}

fn answer(chance: &AtomicU64, port: u16) -> Response<Body> {
    let pick = |limit: usize| random(chance) % limit;
    let body = match pick(12) {
        0 => Vec::new(),
        1 => b"\xff\xfe<html>".to_vec(),
        2 => vec![b'['; 100_000],
        3 => b"{\"data\": {".to_vec(),
        _ => any_json(chance, 5).to_string().into_bytes(),
    };
    // No status that is tried again: waiting is another test's matter.
    let status = [200, 200, 200, 200, 201, 204, 206, 302, 400, 401, 403, 404, 409, 422][pick(14)];
    let next = format!("<http://127.0.0.1:{port}/again?page=2>; rel=\"next\"");
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("link", ["", next.as_str(), "<", "<http://[>; rel=next"][pick(4)])
        .header("location", ["", "/", "http://169.254.169.254/"][pick(3)])
        .header(
            "retry-after",
            ["", "-1", "99999999999999999999", "Wed, 99 Foo 9999"][pick(4)],
        )
        .header("date", ["", "yesterday"][pick(2)])
        .body(Body::from(body))
        .unwrap()
}

/// Replaces, drops or renames one thing somewhere in the answer.
fn distort(json: &mut Json, chance: &AtomicU64) {
    let pick = |limit: usize| random(chance) % limit;
    let size = match json {
        Json::Object(items) => items.len(),
        Json::Array(items) => items.len(),
        _ => 0,
    };
    if size == 0 || pick(4) == 0 {
        *json = any_json(chance, 2);
        return;
    }
    let at = pick(size);
    match json {
        Json::Array(items) if pick(6) == 0 => drop(items.remove(at)),
        Json::Array(items) => distort(&mut items[at], chance),
        Json::Object(items) => {
            let name = items.keys().nth(at).unwrap().clone();
            match pick(6) {
                0 => drop(items.remove(&name)),
                1 => {
                    let value = items.remove(&name).unwrap();
                    items.insert(NAMES[pick(NAMES.len())].to_owned(), value);
                }
                _ => distort(items.get_mut(&name).unwrap(), chance),
            }
        }
        _ => {}
    }
}

/// The sandbox's answer, now and then distorted.
async fn distorted(request: Request, sandbox: String, one_in: usize, chance: Arc<AtomicU64>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut headers = parts.headers;
    headers.remove("host");
    let forwarded = reqwest::Client::new()
        .request(parts.method, format!("{sandbox}{path}"))
        .headers(headers)
        .body(body);
    let answer = forwarded.send().await.unwrap();
    let status = answer.status();
    let mut body = answer.bytes().await.unwrap().to_vec();
    if random(&chance).is_multiple_of(one_in)
        && let Ok(mut json) = serde_json::from_slice::<Json>(&body)
    {
        distort(&mut json, &chance);
        body = json.to_string().into_bytes();
    }
    let answer = Response::builder()
        .status(status)
        .header("content-type", "application/json");
    answer.body(Body::from(body)).unwrap()
}

/// A vendor of that world in front of a sandbox, which distorts one in so many answers; gives its address.
async fn distorting(world: u64, sandbox: String, one_in: usize) -> (String, tokio::task::JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let chance = Arc::new(AtomicU64::new(world));
    let router = Router::new()
        .fallback(move |request: Request| distorted(request, sandbox.clone(), one_in, Arc::clone(&chance)));
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, server)
}

/// A vendor of that world; gives its address and counts its requests.
async fn vendor(world: u64) -> (String, Arc<AtomicUsize>, tokio::task::JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (chance, requests) = (Arc::new(AtomicU64::new(world)), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&requests);
    let router = Router::new().fallback(move |_: Request| {
        let chance = Arc::clone(&chance);
        count.fetch_add(1, Ordering::SeqCst);
        async move { answer(&chance, port) }
    });
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (format!("http://127.0.0.1:{port}"), requests, server)
}

fn no_crash(what: &str, problems: &Diagnostics) {
    for problem in problems.iter() {
        assert!(!problem.summary.is_empty() && !problem.detail.is_empty(), "{what}");
        let length = problem.summary.len() + problem.detail.len();
        assert!(length < 20_000, "{what}: a diagnostic of {length} bytes");
    }
}

/// The resource that a provider serves.
fn secret(provider: &RotationProvider) -> &dyn Resource {
    provider.registry().resource(SECRET).unwrap().as_ref()
}

/// Creates in many worlds; where there is a state afterwards, it is refreshed in the same world.
async fn create_everywhere(configuration: &str) {
    for world in 0..WORLDS {
        let what = format!("world {world}");
        let (address, requests, server) = vendor(world).await;
        let provider = RotationProvider::new(Environment::of(&[
            ("FLY_API_TOKEN", "FlyV1 fm2_x"),
            ("FLY_FLAPS_BASE_URL", &address),
            ("FLY_API_BASE_URL", &address),
            ("GITHUB_TOKEN", "ghp_x"),
            ("GITHUB_OWNER", "acme"),
            ("GITHUB_BASE_URL", &address),
            ("NEON_API_KEY", "napi_x"),
            ("NEON_BASE_URL", &address),
        ]));
        let config = written::resource(configuration.as_bytes(), &secret(&provider).schema().block).unwrap();
        let problems = provider
            .configure(Value::object([("namespace", Value::string("n"))]))
            .await;
        assert!(!problems.has_errors(), "{problems:?}");
        let apply = secret(&provider).apply(ApplyRequest {
            prior: Value::Null,
            planned: config.clone(),
            config,
            private: Vec::new(),
        });
        let applied = tokio::time::timeout(PATIENCE, apply).await.expect(&what);
        no_crash(&what, &applied.diagnostics);
        assert!(
            applied.diagnostics.has_errors() || !applied.state.is_null(),
            "{what}: nothing was said"
        );
        if !applied.state.is_null() {
            let read = secret(&provider).read(ReadRequest {
                state: applied.state,
                private: Vec::new(),
            });
            let read = tokio::time::timeout(PATIENCE, read).await.expect(&what);
            no_crash(&what, &read.diagnostics);
            assert!(
                !read.state.is_null(),
                "{what}: a vendor's nonsense is no reason to forget a secret"
            );
        }
        let requests = requests.load(Ordering::SeqCst);
        assert!(requests < MOST_REQUESTS, "{what}: {requests} requests");
        server.abort();
    }
}

/// Creates, refreshes and destroys behind a sandbox whose answers are distorted, once in every world.
#[tokio::test]
async fn an_answer_that_is_almost_right_ends_in_a_diagnostic_or_a_state() {
    // Staged: a roll of machines waits for minutes for what a distorted answer never says.
    let targets = r#""targets": {"a": {"fly_secret": {"app": "molecule-cp", "stage": true}},
        "b": {"wave": 2, "github_actions_secret": {"repository": "molecule-monorepo"}}}"#;
    let (mut failed, mut created) = (0, 0);
    for world in 0..WORLDS / 4 {
        let source = [
            r#"{"fly_token": {"app": "molecule-cp"}}"#,
            r#"{"neon_api_key": {}}"#,
            r#"{"fernet_key": {}}"#,
        ][random(&AtomicU64::new(world)) % 3];
        let what = format!("world {world}, {source}");
        let sandbox = sandbox::Sandbox::start();
        let real = sandbox.export("SANDBOX_URL").to_owned();
        // Calls come in any order, so which answer is distorted is not the same each time: in every other world it is a rare one, so
        // that some creates go through.
        let one_in = if world.is_multiple_of(2) { 4 } else { 40 };
        let (address, server) = distorting(world, real.clone(), one_in).await;
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
        let configuration = format!(r#"{{"name": "N", "source": {source}, {targets}}}"#);
        let config = written::resource(configuration.as_bytes(), &secret(&provider).schema().block).unwrap();
        let problems = provider
            .configure(Value::object([("namespace", Value::string("n"))]))
            .await;
        assert!(!problems.has_errors(), "{problems:?}");
        let mut state = Value::Null;
        for planned in [config.clone(), Value::Null] {
            let apply = secret(&provider).apply(ApplyRequest {
                prior: state.clone(),
                planned: planned.clone(),
                config: planned.clone(),
                private: Vec::new(),
            });
            let applied = tokio::time::timeout(PATIENCE, apply).await.expect(&what);
            no_crash(&what, &applied.diagnostics);
            if planned.is_null() {
                assert!(
                    applied.diagnostics.has_errors() || applied.state.is_null(),
                    "{what}: what is left is named"
                );
                break;
            }
            failed += usize::from(applied.diagnostics.has_errors());
            created += usize::from(!applied.diagnostics.has_errors());
            assert!(
                applied.diagnostics.has_errors() || !applied.state.is_null(),
                "{what}: nothing was said"
            );
            if applied.state.is_null() {
                break;
            }
            let read = secret(&provider).read(ReadRequest {
                state: applied.state,
                private: Vec::new(),
            });
            let read = tokio::time::timeout(PATIENCE, read).await.expect(&what);
            no_crash(&what, &read.diagnostics);
            assert!(
                !read.state.is_null(),
                "{what}: a vendor's nonsense is no reason to forget a secret"
            );
            state = read.state;
        }
        server.abort();
    }
    assert!(
        failed > 0 && created > 0,
        "{failed} failed, {created} went through: both are to be seen"
    );
}

#[tokio::test]
async fn fly_may_answer_with_anything() {
    let configuration =
        r#"{"name": "N", "source": {"fly_token": {"app": "cp"}}, "targets": {"a": {"fly_secret": {"app": "cp"}}}}"#;
    create_everywhere(configuration).await;
}

#[tokio::test]
async fn github_may_answer_with_anything() {
    let configuration = r#"{"name": "N", "source": {"fernet_key": {}}, "targets": {
        "a": {"github_actions_secret": {"repository": "site"}},
        "b": {"github_actions_secret": {"repository": "site", "environment": "prod"}}}}"#;
    create_everywhere(configuration).await;
}

#[tokio::test]
async fn neon_may_answer_with_anything() {
    let targets = r#""targets": {"a": {"fly_secret": {"app": "cp"}}}"#;
    create_everywhere(&format!(
        r#"{{"name": "N", "source": {{"neon_api_key": {{"organization_id": "o"}}}}, {targets}}}"#
    ))
    .await;
    let targets = r#""targets": {"a": {"part": "password", "fly_secret": {"app": "cp"}}}"#;
    let role = r#"{"neon_role_password": {"project_id": "p", "branch_id": "br", "role": "app"}}"#;
    create_everywhere(&format!(r#"{{"name": "N", "source": {role}, {targets}}}"#)).await;
}
