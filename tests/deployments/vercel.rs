use std::time::Duration;

use rotation_provider::call::CallErrorKind;
use rotation_provider::check::vercel_deployment::KIND as DEPLOYMENT;
use rotation_provider::check::vercel_redeploy::KIND as REDEPLOY;
use rotation_provider::stop::Stop;
use serde_json::{Value, json};

use crate::bench::Bench;

const PROJECT: &str = "prj_d1canvas000000000001";
const ORDER: &str = "POST /vercel/v13/deployments";

const THE_PROJECT: &[(&str, &str)] = &[("project_id", PROJECT)];
const THE_VARIABLE: &[(&str, &str)] = &[("project_id", PROJECT), ("variable", "KEY")];

fn change(bench: &Bench, change: &Value) {
    bench
        .sandbox
        .seed(json!({ "vercel": { "projects": { PROJECT: change } } }));
}

fn project(bench: &Bench) -> Value {
    bench.sandbox.state()["vercel"]["projects"][PROJECT].clone()
}

/// A project where a variable was written that production does not have yet.
fn bench() -> Bench {
    let bench = Bench::of(&REDEPLOY);
    change(&bench, &json!({ "variables": { "production": { "KEY": "new" } } }));
    bench
}

#[tokio::test]
async fn production_has_the_new_value_when_the_redeployment_is_ready() {
    let bench = bench();
    bench.inspect(THE_PROJECT).await.unwrap();
    assert_eq!((bench.calls(ORDER), project(&bench)["running"].clone()), (0, json!({})));
    bench.run(THE_PROJECT).await.unwrap();
    let after = project(&bench);
    assert_eq!(after["running"]["KEY"], "new");
    assert_eq!(after["deployments"][1]["meta"], json!({ "action": "redeploy" }));
}

#[tokio::test]
async fn a_deployment_that_fails_or_is_not_promoted_has_not_gone_live() {
    for (changed, words) in [
        (json!({ "deployments_end": "ERROR" }), "ended as \"ERROR\""),
        (json!({ "deployments_end": "CANCELED" }), "ended as \"CANCELED\""),
        (json!({ "staged": true }), "promote it to production"),
    ] {
        let bench = bench();
        change(&bench, &changed);
        let said = bench.fails(THE_PROJECT).await;
        assert!(said.contains(words), "{said}");
        assert_eq!((project(&bench)["running"].clone(), bench.calls(ORDER)), (json!({}), 1));
    }
}

/// Where production domains are not assigned automatically.
#[tokio::test]
async fn a_deployment_that_waits_to_be_promoted_is_not_built_again_and_counts_once_it_is_promoted() {
    let bench = bench();
    change(&bench, &json!({ "staged": true }));
    let ordered = |count: usize| {
        let deployments = project(&bench)["deployments"].clone();
        assert_eq!(deployments.as_array().unwrap().len(), count, "{deployments}");
        deployments[count - 1]["id"].as_str().unwrap().to_owned()
    };
    let first = project(&bench)["deployments"][0]["id"].clone();
    for count in [2, 3] {
        let said = bench.fails(THE_PROJECT).await;
        assert!(said.contains("promote it to production, then apply again"), "{said}");
        ordered(count);
    }
    let deployments = project(&bench)["deployments"].clone();
    assert_eq!([&deployments[1]["of"], &deployments[2]["of"]], [&first, &first]);

    let bearer = format!("Bearer {}", bench.sandbox.export("VERCEL_API_TOKEN"));
    let headers = [("authorization", bearer.as_str())];
    let promote = |id: &str| {
        let path = format!("/vercel/v10/projects/{PROJECT}/promote/{id}?teamId=team_d1moleculeai0001");
        assert_eq!(bench.sandbox.call("POST", &path, &headers, &json!({})).0, 202);
    };
    promote(&ordered(3));
    bench.run(THE_PROJECT).await.unwrap();
    assert_eq!(
        (project(&bench)["running"]["KEY"].clone(), bench.calls(ORDER)),
        (json!("new"), 2)
    );
    // A later change needs another deployment; one of previews alone does not.
    change(&bench, &json!({ "variables": { "preview": { "KEY": "of previews" } } }));
    bench.run(THE_PROJECT).await.unwrap();
    assert_eq!(bench.calls(ORDER), 2);
    change(&bench, &json!({ "variables": { "production": { "KEY": "newer" } } }));
    bench.fails(THE_PROJECT).await;
    assert_eq!(bench.calls(ORDER), 3);
}

#[tokio::test]
async fn an_error_of_an_activation_begins_like_a_sentence() {
    let bench = bench();
    bench.sandbox.fault(ORDER, 1, "invalid");
    let said = bench.fails(THE_PROJECT).await;
    assert!(said.starts_with("Redeploying project"), "{said}");
}

#[tokio::test]
async fn what_failed_is_not_deployed_again() {
    let bench = bench();
    change(&bench, &json!({ "deployments_end": "ERROR" }));
    bench.fails(THE_PROJECT).await;
    change(&bench, &json!({ "deployments_end": "READY" }));
    bench.run(THE_PROJECT).await.unwrap();
    let sent: Vec<Value> = project(&bench)["deployments"].as_array().unwrap().clone();
    assert_eq!(
        sent.iter().map(|known| known["state"].clone()).collect::<Vec<_>>(),
        ["READY", "ERROR", "READY"]
    );
}

#[tokio::test]
async fn an_order_whose_answer_is_lost_is_followed_and_not_repeated() {
    let bench = bench();
    bench.sandbox.fault(ORDER, 1, "drop_after");
    bench.run(THE_PROJECT).await.unwrap();
    assert_eq!(
        (project(&bench)["running"]["KEY"].clone(), bench.calls(ORDER)),
        (json!("new"), 1)
    );
}

#[tokio::test]
async fn a_project_without_a_deployment_is_told_before_anything_is_minted() {
    let bench = bench();
    let empty = json!({ "vercel": { "projects": { "prj_d1empty": {} } } });
    bench.sandbox.seed(empty);
    let error = bench.inspect(&[("project_id", "prj_d1empty")]).await.unwrap_err();
    assert!(error.message.contains("no production deployment"), "{error}");
    assert!(
        error.operation.starts_with("finding"),
        "nothing was redeployed: {error}"
    );
    let error = bench.inspect(&[("project_id", "prj_nowhere")]).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::NotFound);
}

#[tokio::test]
async fn the_check_passes_once_production_was_deployed_after_the_variable_changed() {
    let bench = Bench::of(&DEPLOYMENT);
    let said = bench
        .run_until(THE_VARIABLE, Duration::from_secs(20), &Stop::default())
        .await
        .unwrap_err()
        .message;
    assert!(said.contains("has no variable KEY for production"), "{said}");
    change(
        &bench,
        &json!({ "variables": { "production": { "KEY": "new" }, "preview": { "KEY": "other" } } }),
    );
    let said = bench.fails(THE_VARIABLE).await;
    assert!(
        said.contains("before KEY changed") && said.contains("Redeploy it"),
        "{said}"
    );
    bench.by(&REDEPLOY).run(THE_PROJECT).await.unwrap();
    bench.run(THE_VARIABLE).await.unwrap();
    // A change for previews alone is no change of production.
    change(&bench, &json!({ "variables": { "preview": { "KEY": "another" } } }));
    bench.run(THE_VARIABLE).await.unwrap();
    change(&bench, &json!({ "variables": { "production": { "KEY": "newer" } } }));
    bench.fails(THE_VARIABLE).await;
    assert_eq!(bench.calls(ORDER), 1, "a check deploys nothing");
}
