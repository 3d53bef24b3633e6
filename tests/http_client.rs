//! The HTTP client against small servers on loopback: what is repeated, what is passed on, where credentials go.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request as Incoming;
use axum::http::{HeaderMap, Response as Answer, StatusCode};
use axum::routing::{any, get};
use rotation_provider::call::{CallErrorKind, Effect, WritePermit};
use rotation_provider::clock::Clock;
use rotation_provider::http::{Attempt, BODY_LIMIT, HttpClient, Protocol, Refusal, Refused, Request};
use rotation_provider::secret::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// A server that gives `answers` one after the other, and the last one from then on; counts the requests.
async fn script(
    answers: Vec<(u16, &'static [(&'static str, &'static str)], &'static str)>,
) -> (String, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let handler = move || {
        let at = seen.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
        let (status, headers, body) = answers[at];
        let mut answer = Answer::builder().status(status);
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        async move { answer.body(Body::from(body)).unwrap() }
    };
    (serve(Router::new().fallback(any(handler))).await, count)
}

/// A server that reads a request and hangs up, the first `times`; then it answers 200.
async fn hang_up(times: usize) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 4096];
            assert!(stream.read(&mut buffer).await.unwrap() > 0);
            if seen.fetch_add(1, Ordering::SeqCst) >= times {
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
                    .await
                    .unwrap();
            }
        }
    });
    (format!("http://{address}"), count)
}

fn client() -> HttpClient {
    HttpClient::new(Clock::default(), false)
}

fn request(method: &'static str, url: &str) -> Request {
    Request::new(method, url, "Test", "testing").error_message(|body| body.get("error")?.as_str().map(str::to_owned))
}

fn permit() -> WritePermit {
    WritePermit::granted_by_apply()
}

#[tokio::test]
async fn a_read_is_repeated_while_the_service_is_down() {
    let (url, count) = script(vec![(503, &[], ""), (502, &[], ""), (200, &[], "{\"ok\":true}")]).await;
    let answer = client().read(request("GET", &url)).await.unwrap();
    let body: serde_json::Value = answer.json().unwrap();
    assert_eq!(body["ok"], true);
    assert_eq!(count.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_write_that_fails_inside_the_service_is_sent_once_and_its_effect_is_unknown() {
    for status in [500, 503, 504, 408] {
        let (url, count) = script(vec![(status, &[], "")]).await;
        let error = client().write(request("POST", &url), &permit()).await.err().unwrap();
        assert_eq!((error.effect, error.status), (Effect::Possible, Some(status)));
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn an_idempotent_write_is_repeated_after_a_failure_inside_the_service() {
    let (url, count) = script(vec![(503, &[], ""), (408, &[], ""), (200, &[], "{}")]).await;
    client().write(request("PUT", &url), &permit()).await.unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_refusal_after_a_lost_attempt_leaves_the_effect_unknown() {
    let (url, _) = script(vec![(503, &[], ""), (403, &[], "")]).await;
    let error = client().write(request("PUT", &url), &permit()).await.err().unwrap();
    assert_eq!((error.kind, error.effect), (CallErrorKind::Forbidden, Effect::Possible));
}

#[tokio::test]
async fn too_many_requests_are_repeated_after_the_wait_that_the_service_asks_for() {
    let (url, count) = script(vec![(429, &[("retry-after", "1")], ""), (201, &[], "{}")]).await;
    let clock = Clock::default();
    let second = clock.deadline(Duration::from_secs(1));
    client().write(request("POST", &url), &permit()).await.unwrap();
    assert!(second.passed());
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_wait_of_an_hour_is_reported_instead_of_kept() {
    let (url, count) = script(vec![(429, &[("retry-after", "3600")], "")]).await;
    let error = client().read(request("GET", &url)).await.err().unwrap();
    let retry_after = Some(Duration::from_secs(3600));
    assert_eq!(error.kind, CallErrorKind::RateLimited { retry_after });
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_used_up_allowance_is_a_limit_although_its_status_is_403() {
    let reset = &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "99999999999")];
    let (url, _) = script(vec![(403, reset, "")]).await;
    let error = client().read(request("GET", &url)).await.err().unwrap();
    assert!(
        matches!(error.kind, CallErrorKind::RateLimited { retry_after: Some(_) }),
        "{error:?}"
    );
    let (url, _) = script(vec![(403, &[("retry-after", "0")], ""), (200, &[], "")]).await;
    client().write(request("POST", &url), &permit()).await.unwrap();
}

#[tokio::test]
async fn refusals_have_their_kind_no_effect_and_the_vendors_words() {
    for (status, kind) in [
        (400, CallErrorKind::Invalid),
        (401, CallErrorKind::Unauthenticated),
        (403, CallErrorKind::Forbidden),
        (404, CallErrorKind::NotFound),
        (409, CallErrorKind::Conflict),
        (412, CallErrorKind::Conflict),
        (422, CallErrorKind::Invalid),
        (423, CallErrorKind::Conflict),
    ] {
        let (url, count) = script(vec![(status, &[], "{\"error\":\"no such app\"}")]).await;
        let error = client().write(request("PUT", &url), &permit()).await.err().unwrap();
        assert_eq!((error.kind, error.effect), (kind, Effect::None));
        assert_eq!(error.message, "no such app");
        assert_eq!(count.load(Ordering::SeqCst), 1, "{status} was repeated");
    }
}

#[tokio::test]
async fn a_body_may_tell_what_a_refusal_means_but_neither_a_limit_nor_an_outage() {
    let tell = |status: u16, body: &serde_json::Value| {
        (status < 500 && body["error"] == "bad_key").then_some(CallErrorKind::Unauthenticated)
    };
    for (status, body, kind, effect) in [
        (
            400,
            "{\"error\":\"bad_key\"}",
            CallErrorKind::Unauthenticated,
            Effect::None,
        ),
        (400, "{\"error\":\"other\"}", CallErrorKind::Invalid, Effect::None),
        (403, "bad_key", CallErrorKind::Forbidden, Effect::None),
        (
            429,
            "{\"error\":\"bad_key\"}",
            CallErrorKind::RateLimited { retry_after: None },
            Effect::None,
        ),
        (
            500,
            "{\"error\":\"bad_key\"}",
            CallErrorKind::Unavailable,
            Effect::Possible,
        ),
    ] {
        let (url, _) = script(vec![(status, &[], body)]).await;
        let request = request("POST", &url).once().refusal_kind(tell);
        let error = client().write(request, &permit()).await.err().unwrap();
        assert_eq!((error.kind, error.effect), (kind, effect), "{status} {body}");
    }
}

#[tokio::test]
async fn an_error_page_and_a_value_that_the_service_echoes_are_not_passed_on() {
    let (url, _) = script(vec![(502, &[], "<html>gateway tok_1234567890</html>")]).await;
    let error = client().read(request("GET", &url).once()).await.err().unwrap();
    assert_eq!(error.to_string(), "testing failed at Test (502)");

    let value = Secret::new("tok_1234567890".to_owned());
    let (url, _) = script(vec![(
        422,
        &[],
        "{\"error\":\"the value tok_1234567890 is too short\"}",
    )])
    .await;
    let body = serde_json::json!({ "the value": value.expose() });
    let error = client()
        .write(request("POST", &url).json(&body), &permit())
        .await
        .err()
        .unwrap();
    assert_eq!(error.message, "the value [redacted] is too short");
}

#[tokio::test]
async fn a_lost_answer_is_unknown_for_a_write_and_repeated_for_a_read() {
    let (url, count) = hang_up(1).await;
    let error = client().write(request("POST", &url), &permit()).await.err().unwrap();
    assert_eq!(
        (error.kind, error.effect),
        (CallErrorKind::Unavailable, Effect::Possible)
    );
    assert_eq!(count.load(Ordering::SeqCst), 1);

    let (url, count) = hang_up(2).await;
    client().read(request("GET", &url)).await.unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn an_answer_that_does_not_come_in_time_is_unknown_for_a_write() {
    let slow = get(|| async { "never" }).post(|| async { tokio::time::sleep(Duration::from_secs(60)).await });
    let url = serve(Router::new().fallback(slow)).await;
    let late = request("POST", &url).timeout(Duration::from_millis(50));
    let error = client().write(late, &permit()).await.err().unwrap();
    assert_eq!((error.kind, error.effect), (CallErrorKind::TimedOut, Effect::Possible));
}

#[tokio::test]
async fn a_refused_connection_had_no_effect_even_for_a_write() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let error = client().write(request("POST", &url), &permit()).await.err().unwrap();
    assert_eq!((error.kind, error.effect), (CallErrorKind::Unavailable, Effect::None));
    assert!(error.message.contains("refused"), "{}", error.message);
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_not_read() {
    let long = get(|| async { vec![b' '; BODY_LIMIT + 1] }).post(|| async { vec![b' '; BODY_LIMIT + 1] });
    let url = serve(Router::new().fallback(long)).await;
    let read = client().read(request("GET", &url)).await.err().unwrap();
    assert_eq!((read.kind, read.effect), (CallErrorKind::Malformed, Effect::None));
    let write = client().write(request("POST", &url), &permit()).await.err().unwrap();
    assert_eq!((write.kind, write.effect), (CallErrorKind::Malformed, Effect::Possible));
}

#[tokio::test]
async fn what_is_no_json_is_malformed_and_not_quoted() {
    let (url, _) = script(vec![(200, &[], "{\"token\": tok_1234567890}")]).await;
    let answer = client().write(request("POST", &url), &permit()).await.unwrap();
    let error = answer.json::<serde_json::Value>().unwrap_err();
    assert_eq!(
        (error.kind.clone(), error.effect),
        (CallErrorKind::Malformed, Effect::Possible)
    );
    assert!(!error.to_string().contains("tok_"), "{error}");
    let deep: &'static str = Box::leak("[".repeat(200).into_boxed_str());
    let (url, _) = script(vec![(200, &[], deep)]).await;
    let answer = client().read(request("GET", &url)).await.unwrap();
    assert!(answer.json::<serde_json::Value>().is_err());
}

/// Answers with the credential headers that arrived.
async fn echo(headers: HeaderMap) -> String {
    let shown = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    format!("{:?} {:?}", shown("authorization"), shown("x-plain"))
}

async fn redirect_to(location: String) -> String {
    let handler = move || {
        let location = location.clone();
        async move { (StatusCode::TEMPORARY_REDIRECT, [("location", location)]) }
    };
    serve(Router::new().fallback(any(handler))).await
}

fn with_headers(url: &str) -> Request {
    request("GET", url)
        .header("x-plain", "open")
        .secret_header("authorization", Secret::new("Bearer tok_1234567890".to_owned()))
}

#[tokio::test]
async fn a_redirect_to_another_origin_is_followed_without_the_credential() {
    let other = serve(Router::new().fallback(get(echo))).await;
    let url = redirect_to(format!("{other}/elsewhere")).await;
    let answer = client().read(with_headers(&url)).await.unwrap();
    assert_eq!(answer.text().expose(), "None Some(\"open\")");
}

#[tokio::test]
async fn a_redirect_within_the_origin_keeps_the_credential() {
    let moved = || async { (StatusCode::FOUND, [("location", "/new")]) };
    let url = serve(Router::new().route("/old", get(moved)).route("/new", get(echo))).await;
    let answer = client().read(with_headers(&format!("{url}/old"))).await.unwrap();
    assert_eq!(answer.text().expose(), "Some(\"Bearer tok_1234567890\") Some(\"open\")");
}

/// Signs with a number that grows, and takes every code `BUSY` for a limit.
#[derive(Default)]
struct Numbered(AtomicUsize);

impl Protocol for Numbered {
    fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Vec<(&'static str, Secret)>, String> {
        let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        if number > 3 {
            return Err("there are no numbers left".to_owned());
        }
        assert!(
            attempt.headers.contains(&("x-plain".to_owned(), "yes".to_owned())),
            "{attempt:?}"
        );
        assert_eq!(attempt.body_hash[..4], [0xe3, 0xb0, 0xc4, 0x42], "SHA-256 of nothing");
        Ok(vec![("authorization", Secret::plain(format!("number {number}")))])
    }

    fn refusal(&self, refused: &Refused<'_>) -> Refusal {
        let busy = refused.body == "BUSY";
        Refusal {
            message: refused.body.to_owned(),
            kind: busy.then_some(CallErrorKind::RateLimited { retry_after: None }),
            advice: Some(format!("Status {} says nothing.", refused.status)),
            corrected: refused.headers.contains_key("x-again"),
        }
    }
}

fn numbered(url: &str) -> Request {
    Request::new("GET", url, "Test", "testing")
        .header("x-plain", "yes")
        .protocol(Arc::new(Numbered::default()))
}

#[tokio::test]
async fn a_protocol_authenticates_each_attempt_and_tells_errors_apart() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let handler = move |headers: HeaderMap| {
        let mut seen = log.lock().unwrap();
        seen.push(headers["authorization"].to_str().unwrap().to_owned());
        let answer = Answer::builder();
        let answer = match seen.len() {
            1 => answer.status(400).body(Body::from("BUSY")),
            2 => answer.status(403).header("x-again", "yes").body(Body::empty()),
            _ => answer.status(418).body(Body::from("TEAPOT")),
        };
        async move { answer.unwrap() }
    };
    let url = serve(Router::new().fallback(any(handler))).await;
    let error = client().read(numbered(&url)).await.err().unwrap();
    assert_eq!(*seen.lock().unwrap(), ["number 1", "number 2", "number 3"]);
    assert_eq!((error.kind, error.status), (CallErrorKind::Invalid, Some(418)));
    assert_eq!(error.message, "TEAPOT. Status 418 says nothing.");
}

#[tokio::test]
async fn what_cannot_be_authenticated_is_not_sent_and_another_origin_gets_no_authentication() {
    let (url, count) = script(vec![(503, &[], "")]).await;
    let error = client().read(numbered(&url)).await.err().unwrap();
    assert_eq!(
        (error.message.as_str(), count.load(Ordering::SeqCst)),
        ("there are no numbers left", 3)
    );
    let headers = |headers: HeaderMap| async move { format!("{:?}", headers.get("authorization")) };
    let other = serve(Router::new().route("/elsewhere", get(headers))).await;
    let url = redirect_to(format!("{other}/elsewhere")).await;
    let answer = client().read(numbered(&url)).await.unwrap();
    assert_eq!(answer.text().expose(), "None");
}

#[tokio::test]
async fn redirects_end_and_do_not_lead_to_metadata_services() {
    let again = || async { (StatusCode::FOUND, [("location", "/again")]) };
    let url = serve(Router::new().fallback(any(again))).await;
    let error = client().read(request("GET", &url)).await.err().unwrap();
    assert!(error.message.contains("more than 5 redirects"), "{error}");
    let url = redirect_to("http://169.254.169.254/latest".to_owned()).await;
    let error = client().read(request("GET", &url)).await.err().unwrap();
    assert!(error.message.contains("link-local"), "{error}");
}

#[tokio::test]
async fn a_write_that_is_redirected_within_the_origin_arrives_whole_and_by_its_method() {
    let whole = |incoming: Incoming| async move {
        let (head, body) = incoming.into_parts();
        let body = axum::body::to_bytes(body, BODY_LIMIT).await.unwrap();
        let credential = head.headers["authorization"].to_str().unwrap().to_owned();
        format!(
            "{} {credential} {}",
            head.method,
            String::from_utf8(body.to_vec()).unwrap()
        )
    };
    for status in [StatusCode::TEMPORARY_REDIRECT, StatusCode::PERMANENT_REDIRECT] {
        let moved = move || async move { (status, [("location", "/new")]) };
        let url = serve(Router::new().route("/old", any(moved)).route("/new", any(whole))).await;
        for method in ["PUT", "POST"] {
            let write = request(method, &format!("{url}/old"))
                .secret_header("authorization", Secret::new("Bearer tok_1234567890".to_owned()))
                .json(&serde_json::json!({ "a": 1 }));
            let answer = client().write(write, &permit()).await.unwrap();
            assert_eq!(
                answer.text().expose(),
                format!("{method} Bearer tok_1234567890 {{\"a\":1}}")
            );
        }
    }
}

#[tokio::test]
async fn a_write_is_not_redirected_to_another_origin_nor_to_another_request() {
    let asked = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&asked);
    let counting = move || async move { seen.fetch_add(1, Ordering::SeqCst).to_string() };
    let other = serve(Router::new().fallback(any(counting.clone()))).await;
    let away = redirect_to(other).await;
    let error = client().write(request("POST", &away), &permit()).await.err().unwrap();
    assert_eq!((error.kind, error.effect), (CallErrorKind::Malformed, Effect::None));
    for status in [StatusCode::MOVED_PERMANENTLY, StatusCode::FOUND, StatusCode::SEE_OTHER] {
        let moved = move || async move { (status, [("location", "/new")]) };
        let router = Router::new()
            .route("/old", any(moved))
            .route("/new", any(counting.clone()));
        let old = format!("{}/old", serve(router).await);
        let error = client().write(request("PUT", &old), &permit()).await.err().unwrap();
        assert_eq!((error.kind, error.effect), (CallErrorKind::Malformed, Effect::Possible));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    let endless = redirect_to("/again".to_owned()).await;
    let error = client()
        .write(request("POST", &endless), &permit())
        .await
        .err()
        .unwrap();
    assert_eq!(error.effect, Effect::None);
    assert!(error.message.contains("more than 5 redirects"), "{error}");
}

#[tokio::test]
async fn a_write_without_content_says_so() {
    let length = |headers: HeaderMap| async move {
        let length = headers
            .get("content-length")
            .map(|value| value.to_str().unwrap().to_owned());
        format!("{length:?}")
    };
    let url = serve(Router::new().fallback(any(length))).await;
    for method in ["POST", "PUT", "PATCH"] {
        let answer = client().write(request(method, &url), &permit()).await.unwrap();
        assert_eq!(answer.text().expose(), "Some(\"0\")", "{method}");
    }
    for method in ["GET", "DELETE"] {
        let answer = client().write(request(method, &url), &permit()).await.unwrap();
        assert_eq!(answer.text().expose(), "None", "{method}");
    }
}

#[tokio::test]
async fn a_limit_that_only_words_tell_of_is_waited_for_as_long_as_the_sender_says() {
    let limit = |message: &str| (message == "slow down").then_some(Duration::from_secs(1));
    for status in [403, 429] {
        let (url, count) = script(vec![(status, &[], "{\"error\":\"slow down\"}"), (200, &[], "{}")]).await;
        let clock = Clock::default();
        let second = clock.deadline(Duration::from_secs(1));
        let limited = request("POST", &url).worded_limit(limit);
        client().write(limited, &permit()).await.unwrap();
        assert!(second.passed(), "{status}");
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }
    for (status, words) in [
        (403, "{\"error\":\"no permission\"}"),
        (422, "{\"error\":\"slow down\"}"),
    ] {
        let (url, count) = script(vec![(status, &[], words)]).await;
        let refused = request("POST", &url).worded_limit(limit);
        client().write(refused, &permit()).await.err().unwrap();
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }
    let long = |_: &str| Some(Duration::from_secs(600));
    let (url, count) = script(vec![(403, &[], "{}")]).await;
    let error = client()
        .read(request("GET", &url).worded_limit(long))
        .await
        .err()
        .unwrap();
    assert_eq!(error.kind, CallErrorKind::RateLimited { retry_after: None });
    assert_eq!(count.load(Ordering::SeqCst), 1, "a wait that is too long is not kept");
}

#[tokio::test]
async fn user_agent_query_and_accepted_statuses_arrive_as_asked() {
    let echo = |incoming: Incoming| async move {
        let agent = incoming.headers()["user-agent"].to_str().unwrap().to_owned();
        (StatusCode::NOT_FOUND, format!("{agent} {}", incoming.uri()))
    };
    let url = serve(Router::new().fallback(any(echo))).await;
    let asked = request("GET", &format!("{url}/a"))
        .query("name", "x y&z")
        .accept(&[404]);
    let answer = client().read(asked).await.unwrap();
    let expected = format!(
        "terraform-provider-rotation/{} /a?name=x+y%26z",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!((answer.status, answer.text().expose()), (404, expected.as_str()));
}

#[tokio::test]
async fn a_header_value_that_http_forbids_is_refused_without_being_shown() {
    let bad =
        request("GET", "http://127.0.0.1:1").secret_header("authorization", Secret::new("tok\n1234567".to_owned()));
    let error = client().read(bad).await.err().unwrap();
    assert_eq!(error.kind, CallErrorKind::Invalid);
    assert!(!error.to_string().contains("1234567"), "{error}");
}

#[tokio::test]
async fn plain_http_off_this_machine_is_refused_before_anything_is_sent() {
    let error = client().read(request("GET", "http://192.0.2.1/")).await.err().unwrap();
    assert_eq!(error.kind, CallErrorKind::Invalid);
    assert!(error.message.contains("allow_insecure"), "{error}");
}
