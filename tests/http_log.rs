//! What the HTTP client logs: every attempt, and never a credential, a query or a body.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::any;
use rotation_provider::call::WritePermit;
use rotation_provider::clock::Clock;
use rotation_provider::http::{HttpClient, Request};
use rotation_provider::secret::Secret;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

/// Keeps every event of every crate at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl<S: tracing::Subscriber> Layer<S> for Log {
    fn on_event(&self, event: &tracing::Event<'_>, _context: Context<'_, S>) {
        struct Fields<'a>(&'a mut String);
        impl Visit for Fields<'_> {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                write!(self.0, "{field}={value:?} ").unwrap();
            }
        }
        let mut log = self.0.lock().unwrap();
        event.record(&mut Fields(&mut log));
        log.push('\n');
    }
}

#[tokio::test]
async fn an_attempt_is_logged_without_credential_query_and_body() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/path/canary-in-path", listener.local_addr().unwrap());
    let router = Router::new().fallback(any(|| async { "canary-in-answer" }));
    tokio::spawn(async move { axum::serve(listener, router).await });

    let log = Log::default();
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(log.clone()));
    let in_path = Secret::new("canary-in-path".to_owned());
    let request = Request::new("POST", url, "Test", "testing")
        .query("key", "canary-in-query")
        .secret_header("authorization", Secret::new("Bearer canary-in-header".to_owned()))
        .json(&serde_json::json!({ "value": "canary-in-body" }));
    let client = HttpClient::new(Clock::default(), false);
    client.write(request, &WritePermit::granted_by_apply()).await.unwrap();
    drop((guard, in_path));

    let log = log.0.lock().unwrap();
    assert!(log.contains("method=\"POST\"") && log.contains("status=200"), "{log}");
    assert!(log.contains("path=/path/[redacted]"), "{log}");
    assert!(!log.contains("canary"), "{log}");
}
