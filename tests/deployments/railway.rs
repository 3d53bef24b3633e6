use rotation_provider::call::CallErrorKind;
use rotation_provider::check::railway_redeploy::KIND;
use serde_json::{Value, json};

use crate::bench::Bench;

const ENVIRONMENT: &str = "8f0a3c1e-7d52-4e0b-9a64-000000000002";
const SERVICE: &str = "8f0a3c1e-7d52-4e0b-9a64-000000000003";
const NOWHERE: &str = "8f0a3c1e-7d52-4e0b-9a64-00000000000a";
const ORDER: &str = "POST /railway/graphql serviceInstanceRedeploy";

const THE_SERVICE: &[(&str, &str)] = &[("environment_id", ENVIRONMENT), ("service_id", SERVICE)];

fn change(bench: &Bench, change: &Value) {
    bench.sandbox.seed(json!({ "railway": change }));
}

/// A service with a variable that it does not run with yet.
fn bench() -> Bench {
    let bench = Bench::of(&KIND);
    change(&bench, &json!({ "variables": { SERVICE: { "KEY": "new" } } }));
    bench
}

fn running(bench: &Bench) -> Value {
    bench.sandbox.state()["railway"]["running"].clone()
}

#[tokio::test]
async fn a_service_runs_with_the_new_value_when_its_deployment_has_succeeded() {
    let bench = bench();
    bench.inspect(THE_SERVICE).await.unwrap();
    assert_eq!((bench.calls(ORDER), running(&bench)), (0, Value::Null));
    bench.run(THE_SERVICE).await.unwrap();
    assert_eq!((bench.calls(ORDER), running(&bench)), (1, json!({ "KEY": "new" })));
    // One that went to sleep runs with it too, once it wakes.
    change(
        &bench,
        &json!({ "variables": { SERVICE: { "KEY": "newer" } }, "deployments_end": "SLEEPING" }),
    );
    bench.run(THE_SERVICE).await.unwrap();
    assert_eq!(running(&bench), json!({ "KEY": "newer" }));
}

#[tokio::test]
async fn a_deployment_that_ends_otherwise_has_not_gone_live() {
    for end in ["FAILED", "CRASHED", "REMOVED", "SKIPPED"] {
        let bench = bench();
        change(&bench, &json!({ "deployments_end": end }));
        let said = bench.fails(THE_SERVICE).await;
        assert!(said.contains(&format!("ended as {end:?}")), "{said}");
        assert_eq!((bench.calls(ORDER), running(&bench)), (1, Value::Null));
    }
}

#[tokio::test]
async fn an_order_whose_answer_is_lost_is_followed_and_not_repeated() {
    let bench = bench();
    bench.sandbox.fault(ORDER, 1, "drop_after");
    bench.run(THE_SERVICE).await.unwrap();
    assert_eq!((bench.calls(ORDER), running(&bench)), (1, json!({ "KEY": "new" })));
}

#[tokio::test]
async fn a_failure_inside_an_answer_of_200_is_one() {
    let bench = bench();
    let error = bench
        .inspect(&[("environment_id", ENVIRONMENT), ("service_id", NOWHERE)])
        .await
        .unwrap_err();
    assert_eq!((error.kind, error.status), (CallErrorKind::NotFound, Some(200)));
    assert!(error.message.contains("does not exist"), "{}", error.message);
}
