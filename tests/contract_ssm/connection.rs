//! The block `aws`: region, credentials, roles, endpoints.

use rotation_provider::call::{CallErrorKind, Effect};
use rotation_provider::clock::Clock;
use rotation_provider::connection::aws::Aws;
use rotation_provider::connection::{Connections, Surroundings};
use rotation_provider::environment::Environment;
use rotation_provider::terraform::{Diagnostics, Node, Origin, Value};
use serde_json::json;

use super::moto::Moto;
use super::scripted_aws::{Reply, ScriptedAws};
use super::{KEYS, NAME, connections_with, permit, slot_of};

#[tokio::test]
async fn a_missing_region_is_named_by_its_argument_and_variables() {
    // A profile that exists nowhere, so that the files of whoever runs the tests do not help.
    let aws = Value::object([("profile", Value::string("a-profile-that-nobody-has"))]);
    let slot = slot_of(NAME, &connections_with(aws, KEYS));
    let error = slot.inspect().await.expect_err("no region");
    for word in ["aws.region", "AWS_REGION", "AWS_DEFAULT_REGION"] {
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[tokio::test]
async fn missing_credentials_name_the_chain() {
    let aws = Value::object([
        ("region", Value::string("eu-west-1")),
        ("endpoint_url", Value::string("http://127.0.0.1:9")),
        ("profile", Value::string("a-profile-that-nobody-has")),
    ]);
    let slot = slot_of(NAME, &connections_with(aws, KEYS));
    let error = slot.inspect().await.expect_err("no credentials");
    assert_eq!(error.kind, CallErrorKind::Unauthenticated, "{error}");
    for word in [
        "AWS_ACCESS_KEY_ID",
        "AWS_PROFILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "instance",
    ] {
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[tokio::test]
async fn a_call_that_nobody_answers_says_where_it_went_and_who_said_so() {
    let region = Value::object([("region", Value::string("eu-west-1"))]);
    let block = region.clone().with("endpoint_url", Value::string("http://127.0.0.1:9"));
    let mut environment = KEYS.to_vec();
    environment.extend([
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:7"),
        ("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:8"),
    ]);
    let general = &environment[..environment.len() - 1];
    for (aws, environment, place) in [
        (
            &region,
            &environment[..],
            "http://127.0.0.1:8, from AWS_ENDPOINT_URL_SSM.",
        ),
        (&region, general, "http://127.0.0.1:7, from AWS_ENDPOINT_URL."),
        (&block, &environment[..], "http://127.0.0.1:9, from aws.endpoint_url."),
    ] {
        let slot = slot_of(NAME, &connections_with(aws.clone(), environment));
        let error = slot.remove(&permit()).await.expect_err("nobody listens");
        assert!(
            error.to_string().ends_with(&format!("It was sent to {place}")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_endpoint_that_is_not_permitted_is_named_by_its_variable() {
    let region = Value::object([("region", Value::string("eu-west-1"))]);
    for variable in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SSM", "AWS_ENDPOINT_URL_STS"] {
        let mut environment = KEYS.to_vec();
        environment.push((variable, "http://ssm.example.com"));
        let slot = slot_of(NAME, &connections_with(region.clone(), &environment));
        let error = slot.inspect().await.expect_err("plain http");
        assert!(
            error.to_string().contains(&format!("the endpoint in {variable}: ")),
            "{error}"
        );
    }
}

fn with_role() -> Value {
    let role = Value::object([
        ("role_arn", Value::string("arn:aws:iam::123456789012:role/rotation")),
        ("external_id", Value::string("molecule")),
    ]);
    Value::object([("region", Value::string("eu-west-1")), ("assume_role", role)])
}

#[tokio::test]
async fn a_role_is_taken_on_before_the_first_call_and_services_have_endpoints_of_their_own() {
    let moto = Moto::start();
    let aws = ScriptedAws::start(|_, _| Reply::Answer(200, json!({}))).await;
    let sts = moto.url();
    let mut environment = KEYS.to_vec();
    environment.extend([("AWS_ENDPOINT_URL", sts.as_str()), ("AWS_ENDPOINT_URL_SSM", aws.url())]);
    let slot = slot_of(NAME, &connections_with(with_role(), &environment));
    assert_eq!(slot.inspect().await, Ok(None));
    let keys = aws.key_ids();
    assert!(
        keys.len() == 1 && keys[0].starts_with("ASIA"),
        "temporary credentials: {keys:?}"
    );
    let direct = Value::object([("region", Value::string("eu-west-1"))]);
    slot_of(NAME, &connections_with(direct, &environment))
        .inspect()
        .await
        .expect("inspect");
    assert_eq!(aws.key_ids()[1], "AKIDEXAMPLE");
}

#[tokio::test]
async fn the_session_token_of_a_role_is_known_to_the_redaction() {
    let moto = Moto::start();
    let aws = ScriptedAws::start(|_, _| Reply::Repeats).await;
    let sts = moto.url();
    let mut environment = KEYS.to_vec();
    environment.extend([("AWS_ENDPOINT_URL", sts.as_str()), ("AWS_ENDPOINT_URL_SSM", aws.url())]);
    let slot = slot_of(NAME, &connections_with(with_role(), &environment));
    let error = slot.inspect().await.expect_err("refused");
    let expected = "InvalidSignatureException: x-amz-security-token:[redacted].";
    assert!(error.message.starts_with(expected), "{error}");
}

#[tokio::test]
async fn a_role_that_cannot_be_taken_on_is_a_matter_of_credentials() {
    let aws = with_role().with("endpoint_url", Value::string("http://127.0.0.1:9"));
    let slot = slot_of(NAME, &connections_with(aws, KEYS));
    let error = slot.remove(&permit()).await.expect_err("no STS there");
    assert_eq!(
        (&error.kind, error.effect),
        (&CallErrorKind::Unauthenticated, Effect::None),
        "{error}"
    );
    assert!(error.to_string().contains("sts:AssumeRole"), "{error}");
}

#[test]
fn mistakes_in_the_connection_are_reported_at_their_place() {
    let role = |name: &str, value: &str| {
        let role = Value::object([("role_arn", Value::string("arn:aws:iam::123456789012:role/rotation"))]);
        Value::object([("assume_role", role.with(name, Value::string(value)))])
    };
    let of = |name: &str, value: &str| Value::Map([(name.to_owned(), Value::string(value))].into());
    for (aws, path) in [
        (of("region", "evil.example/"), "aws.region"),
        (of("endpoint_url", "http://ssm.example.com"), "aws.endpoint_url"),
        (role("role_arn", "rotation"), "aws.assume_role.role_arn"),
        (role("session_name", "a b"), "aws.assume_role.session_name"),
        (role("external_id", "x"), "aws.assume_role.external_id"),
    ] {
        let provider = Value::object([("aws", aws)]);
        let surroundings = Surroundings::new(Environment::of(&[("FLY_API_TOKEN", "x")]), Clock::default());
        let mut problems = Diagnostics::new();
        let node = Node::root(&provider, Origin::Configuration);
        let connections = Connections::parse(&node, &surroundings, &mut problems);
        assert!(connections.own().account::<Aws>().is_err(), "{path}");
        let paths: Vec<String> = problems.iter().map(|problem| problem.path.to_string()).collect();
        assert_eq!(paths, [path]);
    }
}
