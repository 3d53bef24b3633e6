//! The check `http` against a service on loopback that knows which credentials it accepts.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/vendor.rs"]
mod vendor;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use rotation_provider::call::WritePermit;
use rotation_provider::check::http::KIND;
use rotation_provider::check::{CheckConfig, CheckFailure, Patience, Presents};
use rotation_provider::connection::Connections;
use rotation_provider::secret::{Parts, Secret};
use rotation_provider::stop::Stop;
use rotation_provider::terraform::{Diagnostics, Node, Origin, Value};

const NEW: &str = "new-credential-0123456789";
const PREVIOUS: &str = "previous-credential-9876543210";

/// What the service does with the next requests before it behaves.
#[derive(Clone, Copy)]
enum Fault {
    /// Answers with this status.
    Status(u16),
    /// Takes the request and hangs up.
    Lost,
}

#[derive(Default)]
struct World {
    /// Method, path with query, headers, body.
    requests: Vec<(String, String, axum::http::HeaderMap, String)>,
    faults: VecDeque<Fault>,
}

#[derive(Clone)]
struct Service {
    world: Arc<Mutex<World>>,
    url: String,
    connections: Arc<Connections>,
}

impl Service {
    async fn start() -> Self {
        let world = Arc::new(Mutex::new(World::default()));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&world));
        let url = vendor::serve(router).await;
        let connections = vendor::connections(&[]);
        Self {
            world,
            url,
            connections,
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    fn faults(&self, faults: &[Fault]) {
        self.world().faults.extend(faults);
    }

    /// Runs a check with the credential that it asks for.
    async fn run(&self, path: &str, more: &[(&str, Value)], patience: Patience) -> Result<(), CheckFailure> {
        let config = config(&format!("{}{path}", self.url), more);
        let value = |text: &str| Parts::single("token", Secret::new(text.to_owned()));
        let parts = match config.presents() {
            Presents::New => Some(value(NEW)),
            Presents::Previous => Some(value(PREVIOUS)),
            Presents::Nothing => None,
        };
        let check = config.connect(&self.connections.own()).unwrap();
        let permit = WritePermit::granted_by_apply();
        check.run(parts.as_ref(), patience, &Stop::default(), &permit).await
    }

    async fn failure(&self, path: &str, more: &[(&str, Value)]) -> String {
        let failure = self.run(path, more, ONCE).await.unwrap_err();
        assert!(!failure.interrupted);
        failure.message
    }
}

async fn answer(State(world): State<Arc<Mutex<World>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let fault = {
        let mut world = world.lock().unwrap();
        let uri = parts.uri.to_string();
        world
            .requests
            .push((parts.method.to_string(), uri, parts.headers.clone(), body.clone()));
        world.faults.pop_front()
    };
    match fault {
        Some(Fault::Status(status)) => return StatusCode::from_u16(status).unwrap().into_response(),
        Some(Fault::Lost) => return vendor::lost(),
        None => {}
    }
    let authorized = parts
        .headers
        .get("authorization")
        .is_some_and(|value| value == &format!("Bearer {NEW}"));
    match parts.uri.path() {
        "/health" => r#"{"service":"molecule-cp","status":"ok","version":3}"#.into_response(),
        "/text" => format!("all is well with {NEW}").into_response(),
        "/protected" if authorized => "welcome".into_response(),
        "/protected" => (StatusCode::UNAUTHORIZED, format!("who are you with {PREVIOUS}?")).into_response(),
        "/moved" => (StatusCode::FOUND, [("location", "/health")]).into_response(),
        "/login" if body.contains(NEW) => StatusCode::NO_CONTENT.into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

const ONCE: Patience = Patience {
    timeout: Duration::from_secs(5),
    retry_for: Duration::ZERO,
};

fn patient(milliseconds: u64) -> Patience {
    Patience {
        retry_for: Duration::from_millis(milliseconds),
        ..ONCE
    }
}

fn parse(url: &str, more: &[(&str, Value)]) -> (Option<Box<dyn CheckConfig>>, Diagnostics) {
    let mut arguments = std::collections::BTreeMap::from([("url".to_owned(), Value::string(url))]);
    arguments.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    let value = Value::Map(arguments);
    let mut problems = Diagnostics::new();
    let config = (KIND.parse)(&Node::root(&value, Origin::Configuration), None, &mut problems);
    (config, problems)
}

fn config(url: &str, more: &[(&str, Value)]) -> Box<dyn CheckConfig> {
    let (config, problems) = parse(url, more);
    assert!(problems.is_empty(), "{problems:?}");
    config.unwrap()
}

fn text(name: &'static str, value: &str) -> (&'static str, Value) {
    (name, Value::string(value))
}

fn headers(name: &'static str, key: &str, value: &str) -> (&'static str, Value) {
    (name, Value::object([(key, Value::string(value))]))
}

fn bearer() -> (&'static str, Value) {
    headers("headers", "Authorization", "Bearer {{ value }}")
}

fn status(expected: u64) -> (&'static str, Value) {
    ("expect_status", Value::List(vec![Value::number(expected)]))
}

#[tokio::test]
async fn a_healthy_service_passes_and_a_wrong_body_names_the_place() {
    let service = Service::start().await;
    let ok = text("expect_json", r#"{"service":"molecule-cp","status":"ok"}"#);
    service.run("/health", &[ok], ONCE).await.unwrap();
    let down = text("expect_json", r#"{"status":"down"}"#);
    let message = service.failure("/health", &[down]).await;
    assert!(
        message.ends_with("/health answered with JSON that differs from expect_json at $.status."),
        "{message}"
    );
    let message = service.failure("/text", &[text("expect_json", "{}")]).await;
    assert!(message.contains("no JSON"), "{message}");
}

#[tokio::test]
async fn texts_are_wanted_or_unwanted() {
    let service = Service::start().await;
    service
        .run(
            "/text",
            &[text("expect_body", "all is well"), text("reject_body", "error")],
            ONCE,
        )
        .await
        .unwrap();
    let message = service
        .failure("/text", &[text("expect_body", "nothing is well")])
        .await;
    assert!(message.contains("expect_body") && !message.contains(NEW), "{message}");
    let message = service.failure("/text", &[text("reject_body", "well")]).await;
    assert!(message.contains("reject_body"), "{message}");
}

#[tokio::test]
async fn each_credential_is_presented_as_it_is_asked_for() {
    let service = Service::start().await;
    service.run("/protected", &[bearer()], ONCE).await.unwrap();
    service
        .run(
            "/protected",
            &[bearer(), text("credential", "previous"), status(401)],
            ONCE,
        )
        .await
        .unwrap();
    service
        .run("/protected", &[bearer(), text("credential", "none"), status(401)], ONCE)
        .await
        .unwrap();
    let world = service.world();
    let sent: Vec<Option<&str>> = world
        .requests
        .iter()
        .map(|(_, _, headers, _)| headers.get("authorization").map(|value| value.to_str().unwrap()))
        .collect();
    let (new, previous) = (format!("Bearer {NEW}"), format!("Bearer {PREVIOUS}"));
    assert_eq!(sent, [Some(new.as_str()), Some(previous.as_str()), None]);
}

#[tokio::test]
async fn a_missing_route_reads_otherwise_than_a_missing_refusal() {
    let service = Service::start().await;
    let none = text("credential", "none");
    let message = service
        .failure("/settings", &[bearer(), none.clone(), status(401)])
        .await;
    assert!(
        message.contains("answered 404, expected 401.") && message.contains("not mounted"),
        "{message}"
    );
    let message = service.failure("/health", &[bearer(), none, status(401)]).await;
    assert!(
        message.contains("answered 200, expected 401.") && message.contains("not protected"),
        "{message}"
    );
    let previous = text("credential", "previous");
    let message = service.failure("/protected", &[bearer(), previous]).await;
    assert!(message.contains("not accepted there any more"), "{message}");
}

#[tokio::test]
async fn a_body_carries_the_credential_with_its_type() {
    let service = Service::start().await;
    let post = [
        text("method", "POST"),
        text("body", r#"{"token":"{{ token | json }}"}"#),
        status(204),
    ];
    service.run("/login", &post, ONCE).await.unwrap();
    let typed = headers("headers", "Content-Type", "application/x-www-form-urlencoded");
    let form = [
        text("method", "POST"),
        text("body", "token={{ value | urlencode }}"),
        typed,
        status(204),
    ];
    service.run("/login", &form, ONCE).await.unwrap();
    let world = service.world();
    assert_eq!(world.requests[0].3, format!(r#"{{"token":"{NEW}"}}"#));
    assert_eq!(world.requests[0].2["content-type"], "application/json");
    assert_eq!(world.requests[1].2.get_all("content-type").iter().count(), 1);
    assert_eq!(world.requests[1].2["content-type"], "application/x-www-form-urlencoded");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_its_credential_stays() {
    let service = Service::start().await;
    let message = service.failure("/moved", &[bearer()]).await;
    assert!(
        message.contains("answered 302, expected 200.") && message.contains("redirects"),
        "{message}"
    );
    service.run("/moved", &[bearer(), status(302)], ONCE).await.unwrap();
    assert!(service.world().requests.iter().all(|request| request.1 == "/moved"));
}

#[tokio::test]
async fn attempts_are_repeated_until_one_passes() {
    let service = Service::start().await;
    service.faults(&[Fault::Status(503), Fault::Lost]);
    service.run("/health", &[], patient(10_000)).await.unwrap();
    assert_eq!(service.world().requests.len(), 3);
}

#[tokio::test]
async fn attempts_end_with_the_patience() {
    let service = Service::start().await;
    let failure = service.run("/nowhere", &[], patient(800)).await.unwrap_err();
    assert_eq!(service.world().requests.len(), 3);
    assert!(failure.message.contains("This was attempt 3"), "{}", failure.message);
    service.run("/nowhere", &[], ONCE).await.unwrap_err();
    assert_eq!(
        service.world().requests.len(),
        4,
        "without retry_for there is one attempt"
    );
}

#[tokio::test]
async fn a_post_is_repeated_after_an_answer_but_not_after_silence() {
    let service = Service::start().await;
    let post = [text("method", "POST"), text("body", "{{ value }}"), status(204)];
    service.faults(&[Fault::Status(503)]);
    service.run("/login", &post, patient(5_000)).await.unwrap();
    assert_eq!(service.world().requests.len(), 2);
    service.faults(&[Fault::Lost]);
    let failure = service.run("/login", &post, patient(5_000)).await.unwrap_err();
    assert_eq!(service.world().requests.len(), 3);
    assert!(failure.message.contains("not sent again"), "{}", failure.message);
}

#[tokio::test]
async fn an_interrupt_ends_the_wait_between_attempts() {
    let service = Service::start().await;
    let check = config(&format!("{}/nowhere", service.url), &[])
        .connect(&service.connections.own())
        .unwrap();
    let stop = Stop::default();
    let permit = WritePermit::granted_by_apply();
    let interrupt = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        stop.request();
    };
    let (result, ()) = tokio::join!(check.run(None, patient(60_000), &stop, &permit), interrupt);
    assert!(result.unwrap_err().interrupted);
    assert_eq!(service.world().requests.len(), 1);
}

#[tokio::test]
async fn no_message_shows_a_value_or_a_query() {
    let service = Service::start().await;
    service.faults(&[Fault::Lost]);
    let lost = service.failure("/health?key=abcdefgh", &[bearer()]).await;
    let refused = service
        .failure("/protected?key=abcdefgh", &[bearer(), text("credential", "previous")])
        .await;
    for message in [lost, refused] {
        assert!(message.contains("GET http://127.0.0.1:"), "{message}");
        assert!(
            !message.contains("abcdefgh") && !message.contains("credential-"),
            "{message}"
        );
    }
    assert_eq!(service.world().requests[0].1, "/health?key=abcdefgh");
}

#[tokio::test]
async fn plain_http_to_other_machines_is_refused_before_anything_is_made() {
    let service = Service::start().await;
    let check = config("http://example.com/health", &[]).connect(&service.connections.own());
    let diagnostic = check.err().unwrap();
    assert!(diagnostic.detail.contains("allow_insecure"), "{}", diagnostic.detail);
}

#[test]
fn what_a_check_needs_follows_from_its_templates() {
    let url = "https://example.com/health";
    let plain = config(url, &[]);
    assert_eq!(plain.presents(), Presents::Nothing);
    assert_eq!(plain.default_patience().retry_for, Duration::from_secs(60));
    let more = Value::object([
        ("Authorization", Value::string("Bearer {{ value }}")),
        ("X-User", Value::string("{{ username }}")),
    ]);
    let both = config(url, &[("headers", more)]);
    assert_eq!(both.presents(), Presents::New);
    assert_eq!(both.parts_used(), ["username", "value"]);
    let none = config(url, &[bearer(), text("credential", "none")]);
    assert_eq!((none.presents(), none.parts_used()), (Presents::Nothing, Vec::new()));
}

/// Whether a text says how to present the credential that is rotated, and what of others.
fn way_out(text: &str) -> bool {
    text.contains("\"Bearer {{ value }}\"") && text.contains("set `connection = \"NAME\"` on the check")
}

#[test]
fn credentials_of_others_are_refused_where_terraform_would_store_them() {
    let url = "https://example.com/";
    for (name, value) in [
        ("Authorization", "Bearer abc"),
        ("cookie", "session=abc"),
        ("X-API-KEY", "abc"),
        ("X-Vault-Token", "abc"),
        ("Proxy-Authorization", "Basic abc"),
        ("X-ApiKey", "abc"),
        ("Authorization", "Bearer abc{{ value }}"),
    ] {
        let (config, problems) = parse(url, &[headers("headers", name, value)]);
        let problem = problems.iter().next().unwrap();
        assert!(
            config.is_none() && way_out(&problem.detail),
            "{name}: {}",
            problem.detail
        );
        assert_eq!(problem.path.to_string(), format!("headers[{name:?}]"));
    }
    assert!(parse(url, &[headers("headers", "Accept", "text/html")]).0.is_some());
    assert!(parse(url, &[bearer()]).0.is_some());
    let (config, problems) = parse("https://example.com/?access_token=abcdef", &[]);
    let problem = problems.iter().next().unwrap();
    assert!(config.is_none() && problem.detail.contains("access_token") && way_out(&problem.detail));
    assert!(!problem.detail.contains("abcdef"), "{}", problem.detail);
    assert!(parse("https://example.com/?page=2", &[]).0.is_some());
}

#[test]
fn what_the_http_client_writes_itself_cannot_be_set() {
    for name in [
        "Content-Length",
        "host",
        "Transfer-Encoding",
        "CONNECTION",
        "Expect",
        "TE",
    ] {
        let (config, problems) = parse("https://example.com/", &[headers("headers", name, "3")]);
        let problem = problems.iter().next().unwrap();
        assert!(config.is_none() && problem.summary.contains("cannot be set"), "{name}");
        assert_eq!(problem.path.to_string(), format!("headers[{name:?}]"));
    }
}

#[tokio::test]
async fn what_stands_in_state_is_left_in_messages_and_what_does_not_is_taken_out() {
    let service = Service::start().await;
    let stored = Value::object([
        ("X-Version", Value::string("404")),
        ("X-Kind", Value::string("settings/secrets")),
        ("Content-Type", Value::string("settings/other")),
        ("X-Presented", Value::string("nope:{{ value }}")),
    ]);
    let arguments = [
        ("headers", stored),
        text("method", "POST"),
        text("body", "settings/body"),
    ];
    let message = service
        .failure("/settings/secrets/settings/other/settings/body", &arguments)
        .await;
    assert!(
        message.contains("/settings/secrets/settings/other/settings/body answered 404, expected 200."),
        "{message}"
    );
    let message = service.failure(&format!("/nope:{NEW}"), &arguments).await;
    assert!(!message.contains("nope:"), "{message}");
}

#[test]
fn mistakes_are_reported_at_their_paths() {
    let url = "https://example.com/";
    let cases: [(&str, Vec<(&str, Value)>, &str); 13] = [
        ("https://user:hunter2@example.com/", vec![], "url"),
        ("https://example.com/{{ value }}", vec![], "url"),
        ("ftp://example.com/", vec![], "url"),
        (url, vec![text("method", "get")], "method"),
        (url, vec![text("method", "HEAD"), text("expect_body", "x")], "method"),
        (url, vec![headers("headers", "X-A", "{{ value")], "headers[\"X-A\"]"),
        (
            url,
            vec![headers("headers", "X-A", "https://me:pw@host")],
            "headers[\"X-A\"]",
        ),
        (url, vec![headers("headers", "X A", "x")], "headers[\"X A\"]"),
        (url, vec![text("body", "postgres://me:pw@host")], "body"),
        (
            url,
            vec![text("body", "{{ value }}"), text("credential", "none")],
            "body",
        ),
        (url, vec![text("credential", "previous")], "credential"),
        (url, vec![("expect_status", Value::List(vec![]))], "expect_status"),
        (url, vec![text("expect_json", "{")], "expect_json"),
    ];
    for (url, arguments, path) in cases {
        let (config, problems) = parse(url, &arguments);
        let paths: Vec<String> = problems.iter().map(|problem| problem.path.to_string()).collect();
        assert!(config.is_none() && paths == [path], "{url} {arguments:?}: {problems:?}");
        let shown = format!("{problems:?}");
        assert!(!shown.contains("hunter2") && !shown.contains(":pw@"), "{shown}");
    }
    let twice = Value::object([("X-Id", Value::string("1")), ("x-id", Value::string("2"))]);
    let (config, problems) = parse(url, &[("headers", twice)]);
    assert!(config.is_none() && problems.iter().next().unwrap().summary.contains("is set twice"));
}

#[test]
fn unknown_values_are_no_mistakes() {
    for (name, value) in [
        ("url", Value::unknown()),
        ("headers", Value::unknown()),
        ("headers", Value::object([("X-A", Value::unknown())])),
        ("expect_json", Value::unknown()),
        ("credential", Value::unknown()),
    ] {
        let (config, problems) = parse("https://example.com/", &[(name, value)]);
        assert!(config.is_none() && problems.is_empty(), "{name} {problems:?}");
    }
    for name in ["expect_json", "expect_body", "reject_body"] {
        let (config, problems) = parse(
            "https://example.com/",
            &[text("method", "HEAD"), (name, Value::unknown())],
        );
        assert!(config.is_none() && problems.is_empty(), "{name} {problems:?}");
    }
}

#[test]
fn a_check_is_told_in_words_without_what_its_templates_hold() {
    let url = "https://example.com/health?page=2";
    assert_eq!(
        config(url, &[bearer()]).in_words(),
        "GET https://example.com/health?page=2"
    );
    let old = [bearer(), text("credential", "previous"), status(401)];
    assert_eq!(
        config("https://example.com/health", &old).in_words(),
        "GET https://example.com/health with the previous credential, expecting 401"
    );
    for query in ["q={{x}}", "q=%7B%7Bx%7D%7D"] {
        let (parsed, _) = parse(&format!("https://example.com/a?{query}"), &[]);
        let told = parsed.map(|config| config.in_words());
        assert!(
            told.as_deref().is_none_or(|told| told == "GET https://example.com/a"),
            "{told:?}"
        );
    }
}

#[test]
fn only_reading_is_taken_for_harmless_without_a_word() {
    for (method, effects, default) in [
        ("GET", false, Some(false)),
        ("HEAD", false, Some(false)),
        ("OPTIONS", true, None),
        ("POST", true, None),
        ("PUT", true, None),
        ("DELETE", true, None),
    ] {
        let config = config("https://example.com/", &[text("method", method)]);
        assert_eq!(
            (config.has_effects(), config.effects_default()),
            (effects, default),
            "{method}"
        );
    }
}
