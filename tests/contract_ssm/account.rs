//! Which account and region this run belongs to, and what follows for addresses in state.

use futures::future::join_all;
use rotation_provider::address::Address;
use rotation_provider::call::{CallErrorKind, Effect};
use rotation_provider::connection::Connections;
use rotation_provider::terraform::Value;
use rotation_provider::vendors::Vendors as _;
use serde_json::json;

use super::moto::Moto;
use super::scripted_aws::{Reply, ScriptedAws};
use super::{KEYS, NAME, connections, connections_with};

fn identity(account: &str) -> Reply {
    let text = format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Account>{account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
    );
    Reply::Xml(200, text)
}

fn refused(code: &str) -> Reply {
    Reply::Xml(
        403,
        format!("<ErrorResponse><Error><Code>{code}</Code><Message>refused</Message></Error></ErrorResponse>"),
    )
}

fn region() -> Value {
    Value::object([("region", Value::string("eu-west-1"))])
}

fn open() -> Address {
    Address::at("*:eu-west-1", "ssm_parameter", NAME)
}

fn at(place: &str) -> Address {
    Address::at(place, "ssm_parameter", NAME)
}

/// The place of a parameter's address, once it is complete.
async fn place(connections: &Connections) -> Result<String, rotation_provider::call::CallError> {
    connections.complete(&open()).await.map(|address| address.place)
}

#[tokio::test]
async fn an_address_is_completed_by_the_account_of_the_credentials() {
    let moto = Moto::start();
    assert_eq!(
        place(&connections(&moto.url())).await,
        Ok("123456789012:eu-west-1".to_owned())
    );
    let role = Value::object([("role_arn", Value::string("arn:aws:iam::111122223333:role/rotation"))]);
    let aws = region()
        .with("endpoint_url", Value::string(moto.url()))
        .with("assume_role", role);
    assert_eq!(
        place(&connections_with(aws, KEYS)).await,
        Ok("111122223333:eu-west-1".to_owned())
    );
}

#[tokio::test]
async fn one_run_asks_once_whatever_the_answer() {
    for known in [true, false] {
        let aws = ScriptedAws::start(move |_, _| {
            if known {
                identity("123456789012")
            } else {
                refused("InvalidClientTokenId")
            }
        })
        .await;
        let connections = connections(aws.url());
        let places = join_all((0..25).map(|_| place(&connections))).await;
        assert!(places.iter().all(|place| place.is_ok() == known), "{places:?}");
        assert_eq!(place(&connections).await.is_ok(), known);
        assert_eq!(aws.operations(), ["GetCallerIdentity"]);
    }
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again() {
    let tries = std::sync::atomic::AtomicUsize::new(0);
    let aws = ScriptedAws::start(
        move |_, _| match tries.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => Reply::Lost,
            _ => identity("123456789012"),
        },
    )
    .await;
    assert_eq!(
        place(&connections(aws.url())).await,
        Ok("123456789012:eu-west-1".to_owned())
    );
}

#[tokio::test]
async fn sts_has_an_endpoint_of_its_own() {
    let sts = ScriptedAws::start(|_, _| identity("111111111111")).await;
    let general = ScriptedAws::start(|_, _| identity("222222222222")).await;
    let own = ("AWS_ENDPOINT_URL_STS", sts.url());
    let both = ("AWS_ENDPOINT_URL", general.url());
    let block = region().with("endpoint_url", Value::string(general.url()));
    for (aws, environment, account) in [
        (region(), vec![own], "111111111111"),
        (region(), vec![both], "222222222222"),
        (
            region(),
            vec![own, both, ("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:9")],
            "111111111111",
        ),
        (block, vec![own], "222222222222"),
    ] {
        let environment: Vec<_> = KEYS.iter().copied().chain(environment).collect();
        let found = place(&connections_with(aws, &environment)).await;
        assert_eq!(found, Ok(format!("{account}:eu-west-1")), "{environment:?}");
    }
}

#[tokio::test]
async fn a_role_is_taken_on_at_the_endpoint_of_sts() {
    let moto = Moto::start();
    let sts = moto.url();
    let environment: Vec<_> = KEYS
        .iter()
        .copied()
        .chain([
            ("AWS_ENDPOINT_URL_STS", sts.as_str()),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ])
        .collect();
    let role = Value::object([("role_arn", Value::string("arn:aws:iam::111122223333:role/rotation"))]);
    let connections = connections_with(region().with("assume_role", role), &environment);
    assert_eq!(place(&connections).await, Ok("111122223333:eu-west-1".to_owned()));
}

#[tokio::test]
async fn an_account_that_cannot_be_told_says_why() {
    let aws = region()
        .with("endpoint_url", Value::string("http://127.0.0.1:9"))
        .with("profile", Value::string("a-profile-that-nobody-has"));
    let error = place(&connections_with(aws, KEYS)).await.expect_err("no credentials");
    assert_eq!(
        (&error.kind, error.effect),
        (&CallErrorKind::Unauthenticated, Effect::None)
    );
    let said = error.answer();
    assert!(
        said.starts_with("AWS STS: there are no usable AWS credentials (") && said.contains("AWS_PROFILE"),
        "{said}"
    );

    for (reply, kind, words) in [
        (
            refused("InvalidClientTokenId"),
            CallErrorKind::Unauthenticated,
            "Check the credentials of this run",
        ),
        (
            refused("AccessDenied"),
            CallErrorKind::Forbidden,
            "It needs no permission: check the policy of the VPC endpoint for STS",
        ),
        (
            identity("emulator"),
            CallErrorKind::Malformed,
            "the answer names no account",
        ),
    ] {
        let reply = std::sync::Mutex::new(Some(reply));
        let aws = ScriptedAws::start(move |_, _| reply.lock().expect("no panic").take().expect("asked once")).await;
        let error = place(&connections(aws.url())).await.expect_err("refused");
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.answer().contains(words), "{error}");
        let sent = format!("It was sent to {}, from aws.endpoint_url.", aws.url());
        assert!(error.answer().ends_with(&sent), "{error}");
    }
}

#[tokio::test]
async fn another_region_is_refused_without_a_call_and_another_account_after_one() {
    let aws = ScriptedAws::start(|_, _| identity("123456789012")).await;
    let connections = connections(aws.url());
    connections.prepare().await;

    let elsewhere = connections
        .verify(&at("123456789012:us-east-1"))
        .await
        .expect_err("another region");
    assert!(
        elsewhere.summary.ends_with("is in another AWS region than this run"),
        "{}",
        elsewhere.summary
    );
    for words in [
        "AWS account 123456789012, region us-east-1",
        "configured for AWS region eu-west-1",
        "Nothing was read or changed",
    ] {
        assert!(elsewhere.detail.contains(words), "{}", elsewhere.detail);
    }
    assert_eq!(aws.operations(), [""; 0]);

    let elsewhere = connections
        .verify(&at("999999999999:eu-west-1"))
        .await
        .expect_err("another account");
    assert!(
        elsewhere.summary.ends_with("is in another AWS account than this run"),
        "{}",
        elsewhere.summary
    );
    for words in [
        "AWS account 999999999999, region eu-west-1",
        "configured for AWS account 123456789012, region eu-west-1",
    ] {
        assert!(elsewhere.detail.contains(words), "{}", elsewhere.detail);
    }
    connections.verify(&at("123456789012:eu-west-1")).await.expect("here");
    connections.verify(&at("*")).await.expect("a state that names no place");
    assert_eq!(aws.operations(), ["GetCallerIdentity"]);
}

#[tokio::test]
async fn without_an_account_nothing_is_taken_for_the_right_place() {
    let aws = ScriptedAws::start(|operation, _| match operation {
        "GetCallerIdentity" => refused("ExpiredToken"),
        _ => Reply::Answer(200, json!({})),
    })
    .await;
    let connections = connections(aws.url());
    connections.prepare().await;
    let told = connections
        .verify(&at("123456789012:eu-west-1"))
        .await
        .expect_err("nobody knows");
    assert_eq!(told.summary, "Cannot tell which AWS account this run uses");
    assert!(
        told.detail.starts_with("AWS STS answered 403: ExpiredToken: refused."),
        "{}",
        told.detail
    );
    assert_eq!(aws.count("DescribeParameters"), 0);
}
