use std::time::Duration;

use rotation_provider::call::CallErrorKind;
use rotation_provider::check::render_deploy::KIND;
use rotation_provider::stop::Stop;
use serde_json::{Value, json};

use crate::bench::Bench;

const SERVICE: &str = "srv-d1control0000000001";
const OTHER: &str = "srv-d1worker00000000002";
const GROUP: &str = "evg-d1production00000003";
const ORDER: &str = "POST /render/v1/services";

const THE_SERVICE: &[(&str, &str)] = &[("service_id", SERVICE)];

/// A sandbox where a variable was written that nobody runs with yet.
fn bench() -> Bench {
    let bench = Bench::of(&KIND);
    let group = json!({ GROUP: { "variables": { "KEY": "new" } } });
    bench.sandbox.seed(json!({ "render": { "groups": group } }));
    bench
}

fn running(bench: &Bench, service: &str) -> Value {
    bench.sandbox.state()["render"]["services"][service]["running"]["KEY"].clone()
}

fn change(bench: &Bench, change: &Value) {
    bench
        .sandbox
        .seed(json!({ "render": { "services": { SERVICE: change } } }));
}

#[tokio::test]
async fn a_service_runs_with_the_new_value_when_its_deploy_is_live() {
    let bench = bench();
    bench.inspect(THE_SERVICE).await.unwrap();
    assert_eq!(bench.calls(ORDER), 0, "an inspection orders nothing");
    bench.run(THE_SERVICE).await.unwrap();
    assert_eq!(
        (running(&bench, SERVICE), running(&bench, OTHER)),
        (json!("new"), Value::Null)
    );
    let deploys = bench.sandbox.state()["render"]["services"][SERVICE]["deploys"].clone();
    assert_eq!(deploys[0]["mode"], "deploy_only");
    let built = [THE_SERVICE, &[("deploy_mode", "build_and_deploy")]].concat();
    bench.run(&built).await.unwrap();
    let deploys = bench.sandbox.state()["render"]["services"][SERVICE]["deploys"].clone();
    assert_eq!(deploys[1]["mode"], "build_and_deploy");
}

#[tokio::test]
async fn every_service_that_is_linked_to_a_group_is_deployed() {
    let bench = bench();
    bench.run(&[("env_group_id", GROUP)]).await.unwrap();
    assert_eq!(
        (running(&bench, SERVICE), running(&bench, OTHER)),
        (json!("new"), json!("new"))
    );
    // One that fails is named, and the others are live.
    change(&bench, &json!({ "deploys_end": "update_failed" }));
    let said = bench.fails(&[("env_group_id", GROUP)]).await;
    assert!(said.contains(SERVICE) && !said.contains(OTHER), "{said}");
}

#[tokio::test]
async fn a_deploy_that_ends_otherwise_has_not_gone_live() {
    for end in [
        "build_failed",
        "update_failed",
        "pre_deploy_failed",
        "canceled",
        "deactivated",
    ] {
        let bench = bench();
        change(&bench, &json!({ "deploys_end": end }));
        let said = bench.fails(THE_SERVICE).await;
        assert!(said.contains(&format!("ended as {end:?}")), "{said}");
        assert_eq!((running(&bench, SERVICE), bench.calls(ORDER)), (Value::Null, 1));
    }
}

#[tokio::test]
async fn a_deploy_that_began_before_is_waited_for_and_followed_by_another() {
    let bench = bench();
    change(&bench, &json!({ "deploying": true, "variables": { "KEY": "own" } }));
    bench.run(THE_SERVICE).await.unwrap();
    let deploys = bench.sandbox.state()["render"]["services"][SERVICE]["deploys"].clone();
    assert_eq!(deploys.as_array().unwrap().len(), 2);
    assert_eq!(running(&bench, SERVICE), "own");
}

#[tokio::test]
async fn an_order_whose_answer_is_lost_is_followed_and_not_repeated() {
    let bench = bench();
    bench.sandbox.fault(ORDER, 1, "drop_after");
    bench.run(THE_SERVICE).await.unwrap();
    assert_eq!((running(&bench, SERVICE), bench.calls(ORDER)), (json!("new"), 1));
}

#[tokio::test]
async fn an_order_that_is_refused_is_told_and_not_repeated() {
    let bench = bench();
    bench.sandbox.fault(ORDER, 1, "forbidden");
    let said = bench.fails(THE_SERVICE).await;
    assert!(said.contains("has no access to its workspace"), "{said}");
    assert_eq!(bench.calls(ORDER), 1);
    let missing = bench.inspect(&[("service_id", "srv-nowhere")]).await.unwrap_err();
    assert_eq!(missing.kind, CallErrorKind::NotFound);
}

#[tokio::test]
async fn a_deploy_that_takes_too_long_and_an_interrupt_are_told_with_its_id() {
    let bench = bench();
    let failure = bench
        .run_until(THE_SERVICE, Duration::ZERO, &Stop::default())
        .await
        .unwrap_err();
    assert!(
        failure
            .message
            .contains("has not ended within 0 seconds; its status is"),
        "{}",
        failure.message
    );
    let stop = Stop::default();
    stop.request();
    let failure = bench
        .run_until(THE_SERVICE, Duration::from_secs(20), &stop)
        .await
        .unwrap_err();
    assert!(
        failure.interrupted && failure.message.contains("was not deployed"),
        "{}",
        failure.message
    );
    assert_eq!(bench.calls(ORDER), 1, "an interrupted run orders nothing");
}
