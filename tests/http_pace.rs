//! The published limits of GitHub, in small: the sandbox refuses whoever writes too fast, and the client is never refused.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "other tests ask it more")]
#[path = "support/sandbox.rs"]
mod sandbox;

use std::time::Duration;

use futures::future::join_all;
use rotation_provider::call::WritePermit;
use rotation_provider::clock::Clock;
use rotation_provider::http::{Allowance, HttpClient, Request};
use sandbox::Sandbox;
use serde_json::json;

/// A minute and an hour, each six hundred times shorter.
const SPANS: [(usize, u64); 2] = [(80, 100), (500, 6000)];

const WRITES: usize = 520;

/// Deletes so many secrets that are not there, all at once; says how often the sandbox refused.
async fn refusals(allowances: &[Allowance]) -> u64 {
    let sandbox = Sandbox::start();
    let limits = SPANS.map(|(writes, within)| json!({ "writes": writes, "within_ms": within }));
    sandbox.seed(json!({ "github": { "write_limits": limits } }));
    let url = sandbox.export("GITHUB_BASE_URL").to_owned();
    let token = format!("Bearer {}", sandbox.export("GITHUB_TOKEN"));
    let client = HttpClient::new(Clock::default(), false);
    client.limit_writes(&url, allowances);
    let permit = WritePermit::granted_by_apply();
    let writes = (0..WRITES).map(|number| {
        let url = format!("{url}/repos/molecule-ai/molecule-monorepo/actions/secrets/NO_{number}");
        let request = Request::new("DELETE", url, "GitHub", "deleting")
            .header("authorization", &*token)
            .attempts(1)
            .accept(&[404]);
        client.write(request, &permit)
    });
    let answers = join_all(writes).await;
    let refused = sandbox.github_limits()["refused_writes"].as_u64().unwrap();
    let failed = answers.iter().filter(|answer| answer.is_err()).count();
    assert_eq!(u64::try_from(failed).unwrap(), refused);
    refused
}

#[tokio::test]
async fn whoever_keeps_to_the_published_limits_is_never_refused() {
    let allowances = SPANS.map(|(writes, within)| Allowance {
        writes,
        within: Duration::from_millis(within),
    });
    assert_eq!(refusals(&allowances).await, 0);
}

#[tokio::test]
async fn whoever_does_not_is_refused() {
    assert!(refusals(&[]).await > 0);
}
