//! What a hostile or broken service cannot make the HTTP client do: read without end, recurse without end, carry a body elsewhere,
//! or resolve `localhost` to somebody else.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{any, get};
use rotation_provider::call::{CallError, CallErrorKind, Effect, WritePermit};
use rotation_provider::clock::Clock;
use rotation_provider::http::{HttpClient, Request};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A server that answers every request with `head`, and then with `more` again and again until nobody reads it.
async fn endless(head: &'static str, more: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                drop(stream.read(&mut buffer).await);
                let mut written = stream.write_all(head.as_bytes()).await;
                while written.is_ok() {
                    written = stream.write_all(more.as_bytes()).await;
                }
            });
        }
    });
    format!("http://{address}/")
}

async fn serve(router: Router) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn request(method: &'static str, url: &str) -> Request {
    Request::new(method, url, "Test", "testing")
        .timeout(Duration::from_secs(20))
        .once()
}

/// The error of a write to `url`; it must come long before the time is over.
async fn refused(url: &str) -> CallError {
    let client = HttpClient::new(Clock::default(), false);
    let permit = WritePermit::granted_by_apply();
    let call = client.write(request("POST", url), &permit);
    let answer = tokio::time::timeout(Duration::from_secs(10), call).await;
    answer.expect("it is not read for ever").err().unwrap()
}

#[tokio::test]
async fn a_body_that_never_ends_is_cut_off_whatever_the_status() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk: &'static str = Box::leak(format!("2000\r\n{}\r\n", " ".repeat(0x2000)).into_boxed_str());
    let error = refused(&endless(head, chunk).await).await;
    assert_eq!((error.kind, error.effect), (CallErrorKind::Malformed, Effect::Possible));
    assert!(error.message.contains("8 MiB"), "{}", error.message);
    let head = "HTTP/1.1 422 No\r\ntransfer-encoding: chunked\r\n\r\n";
    let error = refused(&endless(head, chunk).await).await;
    assert_eq!((error.kind, error.status), (CallErrorKind::Invalid, Some(422)));
}

#[tokio::test]
async fn a_head_that_never_ends_is_cut_off() {
    let long: &'static str = Box::leak(format!("x-long: {}\r\n", "y".repeat(4096)).into_boxed_str());
    for more in [long, "a: b\r\n", "y"] {
        let error = refused(&endless("HTTP/1.1 200 OK\r\nx-first: ", more).await).await;
        assert_eq!(
            (error.kind, error.effect),
            (CallErrorKind::Unavailable, Effect::Possible)
        );
    }
}

#[tokio::test]
async fn json_that_is_nested_too_deep_is_malformed() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for (depth, readable) in [(100, true), (200, false), (1_000_000, false)] {
            let body = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let address = serve(Router::new().fallback(any(move || async move { body.clone() }))).await;
            let client = HttpClient::new(Clock::default(), false);
            let answer = client.read(request("GET", &format!("http://{address}"))).await.unwrap();
            assert_eq!(answer.json::<serde_json::Value>().is_ok(), readable, "{open} {depth}");
        }
    }
}

#[tokio::test]
async fn a_body_does_not_follow_a_redirect_to_another_origin() {
    let echo = |body: String| async move { format!("got {body:?}") };
    let other = serve(Router::new().fallback(get(echo))).await;
    let elsewhere = move || async move {
        (
            StatusCode::TEMPORARY_REDIRECT,
            [("location", format!("http://{other}/"))],
        )
    };
    let within = || async { (StatusCode::TEMPORARY_REDIRECT, [("location", "/echo")]) };
    let router = Router::new()
        .route("/away", get(elsewhere))
        .route("/within", get(within));
    let address = serve(router.route("/echo", get(echo))).await;
    let client = HttpClient::new(Clock::default(), false);
    for (path, expected) in [("away", "got \"\""), ("within", "got \"{\\\"value\\\":1}\"")] {
        let asked = request("GET", &format!("http://{address}/{path}")).json(&serde_json::json!({ "value": 1 }));
        assert_eq!(client.read(asked).await.unwrap().text().expose(), expected, "{path}");
    }
}

#[tokio::test]
async fn a_name_below_localhost_is_this_machine_by_our_own_resolution() {
    let address = serve(Router::new().fallback(get(|| async { "here" }))).await;
    let client = HttpClient::new(Clock::default(), false);
    // No resolver of a test machine knows this name.
    let url = format!("http://vendor.localhost:{}/", address.port());
    assert_eq!(client.read(request("GET", &url)).await.unwrap().text().expose(), "here");
}

#[tokio::test]
async fn what_a_service_says_is_passed_on_as_one_line_of_three_hundred_characters() {
    let long = format!("{{\"error\": \"first line\\n\\tsecond {}\"}}", "word ".repeat(10_000));
    let said = any(move || async move { (StatusCode::UNPROCESSABLE_ENTITY, long.clone()) });
    let address = serve(Router::new().fallback(said)).await;
    let asked = request("GET", &format!("http://{address}"))
        .error_message(|body| body.get("error")?.as_str().map(str::to_owned));
    let error = HttpClient::new(Clock::default(), false)
        .read(asked)
        .await
        .err()
        .unwrap();
    assert!(
        error.message.starts_with("first line second word word "),
        "{}",
        error.message
    );
    assert_eq!(error.message.chars().count(), 301, "an ellipsis stands for the rest");
}
