//! What every fake vendor needs: a place on loopback, connections that lead to it, an answer that gets lost.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use rotation_provider::clock::Clock;
use rotation_provider::connection::{Connections, Surroundings};
use rotation_provider::environment::Environment;
use rotation_provider::terraform::{Diagnostics, Node, Origin, Value};

/// Serves the vendor on a free port until the test ends; gives its base URL.
pub(crate) async fn serve(vendor: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, vendor).await });
    url
}

/// The connections of an empty provider block with these environment variables.
#[track_caller]
pub(crate) fn connections(environment: &[(&str, &str)]) -> Arc<Connections> {
    connections_at(environment, Clock::default())
}

/// The same by that clock.
#[track_caller]
pub(crate) fn connections_at(environment: &[(&str, &str)], clock: Clock) -> Arc<Connections> {
    connections_of(&Value::object([]), environment, clock)
}

/// Those of that provider block.
#[track_caller]
pub(crate) fn connections_of(block: &Value, environment: &[(&str, &str)], clock: Clock) -> Arc<Connections> {
    let surroundings = Surroundings::new(Environment::of(environment), clock);
    let provider = Node::root(block, Origin::Configuration);
    Connections::parse(&provider, &surroundings, &mut Diagnostics::new())
}

/// An answer that ends in the middle: the one who asked can't know what was done.
pub(crate) fn lost() -> Response {
    let chunks = [Ok("{"), Err(std::io::Error::other("lost"))];
    Body::from_stream(futures::stream::iter(chunks)).into_response()
}
