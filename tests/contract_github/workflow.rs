//! The check `github_workflow`.

use std::time::Duration;

use rotation_provider::call::WritePermit;
use rotation_provider::check::github_workflow::KIND;
use rotation_provider::check::{CheckConfig, CheckFailure, Patience, Presents};
use rotation_provider::stop::Stop;
use rotation_provider::terraform::{Diagnostics, Node, Origin, Value};
use serde_json::json;

use super::fake::{Fault, GitHub, page, run};

fn parse(arguments: &[(&str, Value)]) -> (Option<Box<dyn CheckConfig>>, Diagnostics) {
    let arguments = arguments
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    let value = Value::Map(arguments);
    let mut problems = Diagnostics::new();
    let config = (KIND.parse)(&Node::root(&value, Origin::Configuration), None, &mut problems);
    (config, problems)
}

fn config(more: &[(&str, Value)]) -> Box<dyn CheckConfig> {
    let mut arguments = vec![
        ("repository", Value::string("mono")),
        ("workflow", Value::string("publish.yml")),
    ];
    arguments.extend_from_slice(more);
    parse(&arguments).0.unwrap()
}

fn seconds(timeout: u64) -> Patience {
    Patience {
        timeout: Duration::from_secs(timeout),
        retry_for: Duration::ZERO,
    }
}

async fn check(github: &GitHub, config: &dyn CheckConfig, patience: Patience) -> Result<(), CheckFailure> {
    let permit = WritePermit::granted_by_apply();
    let check = config.connect(&github.connections.own()).unwrap();
    check.run(None, patience, &Stop::default(), &permit).await
}

const DISPATCH: &str = "POST /repos/molecule-ai/mono/actions/workflows/publish.yml/dispatches";

fn inputs(id: &str) -> (&'static str, Value) {
    ("inputs", Value::object([("id", Value::string(id))]))
}

#[tokio::test]
async fn a_run_that_succeeds_passes() {
    let github = GitHub::start().await;
    github.world().workflow().looks = 3;
    check(&github, &*config(&[inputs("x1")]), seconds(20)).await.unwrap();
    let mut world = github.world();
    let sent = world.workflow().dispatches.clone();
    assert_eq!(
        sent,
        [json!({ "ref": "main", "inputs": { "id": "x1" }, "return_run_details": true })]
    );
}

#[tokio::test]
async fn a_run_that_fails_is_named_with_its_page_and_conclusion() {
    let github = GitHub::start().await;
    github.world().workflow().conclusion = "failure";
    let failure = check(&github, &*config(&[]), seconds(20)).await.unwrap_err();
    assert!(!failure.interrupted);
    let id = github.world().workflow().runs[0]["id"].as_u64().unwrap();
    assert!(
        failure.message.contains("\"failure\"") && failure.message.contains(&page(id)),
        "{}",
        failure.message
    );
    assert_eq!(github.world().count(DISPATCH), 1);
}

#[tokio::test]
async fn retry_for_starts_another_run_after_a_failed_one() {
    let github = GitHub::start().await;
    github.world().workflow().conclusion = "failure";
    github.world().workflow().looks = 2;
    let patience = Patience {
        timeout: Duration::from_secs(20),
        retry_for: Duration::from_millis(300),
    };
    check(&github, &*config(&[]), patience).await.unwrap_err();
    assert_eq!(
        github.world().count(DISPATCH),
        1,
        "the first run took longer than retry_for"
    );
    let patience = Patience {
        timeout: Duration::from_secs(20),
        retry_for: Duration::from_millis(700),
    };
    check(&github, &*config(&[]), patience).await.unwrap_err();
    assert_eq!(github.world().count(DISPATCH), 3);
}

#[tokio::test]
async fn a_run_that_does_not_end_in_time_says_what_it_waits_for() {
    let github = GitHub::start().await;
    github.world().workflow().looks = u64::MAX;
    let failure = check(&github, &*config(&[]), seconds(1)).await.unwrap_err();
    assert!(
        failure
            .message
            .contains("not ended within 1 seconds; its state is in_progress"),
        "{}",
        failure.message
    );
    assert_eq!(github.world().count(DISPATCH), 1);
}

#[tokio::test]
async fn without_an_id_the_new_run_is_found_among_old_ones_and_those_of_others() {
    let github = GitHub::start().await;
    {
        let mut world = github.world();
        let mut foreign = run(900, "Publish");
        foreign["actor"]["login"] = "somebody".into();
        let mut other_branch = run(901, "Publish");
        other_branch["head_branch"] = "release".into();
        let workflow = world.workflow();
        workflow.runs = vec![run(902, "Publish"), foreign, other_branch];
        workflow.silent = true;
        workflow.hidden_for = 2;
    }
    check(&github, &*config(&[]), seconds(20)).await.unwrap();
    let mut world = github.world();
    let looked: Vec<u64> = world
        .workflow()
        .runs
        .iter()
        .filter(|run| run["looks"] != 0)
        .map(|run| run["id"].as_u64().unwrap())
        .collect();
    assert!(looked.len() == 1 && looked[0] < 900, "{looked:?}");
}

#[tokio::test]
async fn runs_without_title_and_page_are_followed_all_the_same() {
    let github = GitHub::start().await;
    github.world().workflow().terse = true;
    github.world().workflow().silent = true;
    check(&github, &*config(&[]), seconds(5)).await.unwrap();
    github.world().workflow().conclusion = "failure";
    let failure = check(&github, &*config(&[]), seconds(5)).await.unwrap_err();
    let id = github.world().workflow().runs[0]["id"].as_u64().unwrap();
    assert!(failure.message.contains(&format!("run {id}")), "{}", failure.message);
}

#[tokio::test]
async fn an_old_enterprise_server_that_refuses_the_question_for_the_run_gets_one_event_without_it() {
    let github = GitHub::start().await;
    github.world().workflow().old_server = true;
    check(&github, &*config(&[inputs("x1")]), seconds(20)).await.unwrap();
    assert_eq!(
        github.world().workflow().dispatches,
        [json!({ "ref": "main", "inputs": { "id": "x1" } })]
    );
    assert_eq!(github.world().count(DISPATCH), 2);
    let missing_ref = config(&[("ref", Value::string("missing"))]);
    let failure = check(&github, &*missing_ref, seconds(20)).await.unwrap_err();
    assert!(failure.message.contains("No ref found"), "{}", failure.message);
    assert_eq!(github.world().count(DISPATCH), 3, "any other refusal stands");
}

#[tokio::test]
async fn an_old_enterprise_server_whose_second_answer_is_lost_gets_no_third_event() {
    let github = GitHub::start().await;
    github.world().workflow().old_server = true;
    github.fault(
        DISPATCH,
        Fault::Status(422, "\"return_run_details\" is not a permitted key.", None),
    );
    github.fault(DISPATCH, Fault::LostAfter);
    check(&github, &*config(&[]), seconds(20)).await.unwrap();
    assert_eq!(github.world().count(DISPATCH), 2);
    assert_eq!(github.world().workflow().dispatches.len(), 1);
}

#[tokio::test]
async fn a_run_that_somebody_else_starts_meanwhile_is_not_ours() {
    let github = GitHub::start().await;
    github.world().workflow().silent = true;
    github.world().workflow().rival = Some("somebody");
    check(&github, &*config(&[]), seconds(20)).await.unwrap();
}

#[tokio::test]
async fn an_app_has_no_user_and_finds_its_run_all_the_same() {
    let github = GitHub::start().await;
    github.world().workflow().silent = true;
    github.world().user = None;
    check(&github, &*config(&[]), seconds(20)).await.unwrap();
}

#[tokio::test]
async fn a_lost_dispatch_is_looked_for_and_not_sent_again() {
    let github = GitHub::start().await;
    github.fault(DISPATCH, Fault::LostAfter);
    check(&github, &*config(&[]), seconds(20)).await.unwrap();
    assert_eq!(github.world().count(DISPATCH), 1);
    assert_eq!(github.world().workflow().dispatches.len(), 1);
}

#[tokio::test]
async fn a_dispatch_that_never_arrived_is_not_sent_again_either() {
    let github = GitHub::start().await;
    github.fault(DISPATCH, Fault::LostBefore);
    let failure = check(&github, &*config(&[]), seconds(1)).await.unwrap_err();
    assert!(failure.message.contains("probably not started"), "{}", failure.message);
    assert_eq!(github.world().count(DISPATCH), 1);
}

#[tokio::test]
async fn of_two_runs_the_one_whose_title_shows_our_input_is_ours() {
    let github = GitHub::start().await;
    github.world().workflow().silent = true;
    github.world().workflow().rival = Some("deployer");
    check(&github, &*config(&[inputs("rotation-4711")]), seconds(20))
        .await
        .unwrap();
    let failure = check(&github, &*config(&[]), seconds(20)).await.unwrap_err();
    assert!(
        failure.message.contains("nothing tells which is ours"),
        "{}",
        failure.message
    );
}

#[tokio::test]
async fn a_missing_workflow_is_found_before_anything_is_started() {
    let github = GitHub::start().await;
    let (config, _) = parse(&[
        ("repository", Value::string("molecule-ai/mono")),
        ("workflow", Value::string("none.yml")),
    ]);
    let failure = check(&github, &*config.unwrap(), seconds(20)).await.unwrap_err();
    assert!(failure.message.contains("no such workflow"), "{}", failure.message);
    assert_eq!(github.world().count("POST"), 0);
}

#[tokio::test]
async fn a_refused_dispatch_names_the_reason() {
    let github = GitHub::start().await;
    let missing_ref = config(&[("ref", Value::string("missing"))]);
    let failure = check(&github, &*missing_ref, seconds(20)).await.unwrap_err();
    assert!(
        failure.message.contains("No ref found") && failure.message.contains("workflow_dispatch"),
        "{}",
        failure.message
    );
    let forbidden = Fault::Status(403, "Resource not accessible by integration", None);
    github.fault(DISPATCH, forbidden);
    let failure = check(&github, &*config(&[]), seconds(20)).await.unwrap_err();
    assert!(failure.message.contains("\"Actions: write\""), "{}", failure.message);
}

#[tokio::test]
async fn an_unanswered_look_is_followed_by_another() {
    let github = GitHub::start().await;
    let look = "GET /repos/molecule-ai/mono/actions/runs/";
    github.lasting_fault(look, &Fault::Status(502, "Bad gateway", None));
    check(&github, &*config(&[]), seconds(20)).await.unwrap();
    assert!(github.world().count(look) > 5);
}

#[tokio::test]
async fn an_interrupt_ends_the_wait_and_names_the_run() {
    let github = GitHub::start().await;
    github.world().workflow().looks = u64::MAX;
    let stop = Stop::default();
    let permit = WritePermit::granted_by_apply();
    let check = config(&[]).connect(&github.connections.own()).unwrap();
    let interrupt = async {
        while github.world().count("GET /repos/molecule-ai/mono/actions/runs/") == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        stop.request();
    };
    let (result, ()) = tokio::join!(check.run(None, seconds(60), &stop, &permit), interrupt);
    let failure = result.unwrap_err();
    assert!(
        failure.interrupted && failure.message.contains("/actions/runs/"),
        "{}",
        failure.message
    );
    assert!(
        check
            .run(None, seconds(60), &stop, &permit)
            .await
            .unwrap_err()
            .interrupted
    );
    assert_eq!(github.world().count(DISPATCH), 1);
}

#[test]
fn arguments_are_checked_at_their_paths() {
    let config = config(&[]);
    assert_eq!(
        (config.presents(), config.parts_used()),
        (Presents::Nothing, Vec::new())
    );
    assert_eq!(config.default_patience(), seconds(1800));
    let many = (0..26)
        .map(|number| (format!("i{number}"), Value::string("x")))
        .collect();
    let (repository, workflow) = (Value::string("a/b"), Value::string("x.yml"));
    for (arguments, path) in [
        (vec![("workflow", workflow.clone())], "repository"),
        (vec![("repository", repository.clone())], "workflow"),
        (
            vec![
                ("repository", repository.clone()),
                ("workflow", Value::string(".github/workflows/x.yml")),
            ],
            "workflow",
        ),
        (
            vec![
                ("repository", repository),
                ("workflow", workflow),
                ("inputs", Value::Map(many)),
            ],
            "inputs",
        ),
    ] {
        let (config, problems) = parse(&arguments);
        let paths: Vec<String> = problems.iter().map(|problem| problem.path.to_string()).collect();
        assert!(config.is_none() && paths == [path], "{paths:?}");
    }
}
