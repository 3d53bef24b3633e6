//! Signatures: botocore, which shares no code with us, computes those of the same requests; a clock that is wrong is found out.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use rotation_provider::address::Address;
use rotation_provider::call::{CallErrorKind, Effect};
use rotation_provider::terraform::Value;
use rotation_provider::vendors::Vendors as _;
use serde_json::json;

use super::scripted_aws::{Reply, ScriptedAws};
use super::{CANARY, NAME, connections, connections_with, deliver, listed, named, permit, slot_of, target_of};

/// With what AWS's documentation signs its examples.
const KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// What botocore would have sent as `authorization`, for each request that came in.
fn judged(aws: &ScriptedAws, service: &str) -> Vec<String> {
    let sent: Vec<_> = aws
        .raw()
        .into_iter()
        .map(|(path, headers, body)| {
            json!({
                "method": "POST", "url": format!("{}{path}", aws.url()), "headers": headers, "body": STANDARD.encode(body),
                "service": service, "region": "eu-west-1", "key": KEY,
            })
        })
        .collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut judge = Command::new(root.join(".venv/bin/python"))
        .arg(root.join("tests/contract_ssm/judge.py"))
        .arg("signatures")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("`make test` installs botocore");
    let mut input = judge.stdin.take().expect("piped");
    input.write_all(json!(sent).to_string().as_bytes()).expect("it reads");
    drop(input);
    let output = judge.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{sent:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().map(str::to_owned).collect()
}

fn authorizations(aws: &ScriptedAws) -> Vec<String> {
    let headers = aws.raw().into_iter().map(|(_, headers, _)| headers);
    headers.map(|headers| headers["authorization"].clone()).collect()
}

#[tokio::test]
async fn botocore_signs_the_same_requests_the_same_way() {
    let token = "IQoJb3JpZ2luX2VjEXAMPLETOKEN+/=0123456789";
    for (path, session) in [("", None), ("/aws/", Some(token))] {
        let ssm = ScriptedAws::start(|operation, _| match operation {
            "DescribeParameters" => Reply::Answer(200, json!({ "Parameters": [listed(NAME, 8, "")] })),
            _ => Reply::Answer(200, json!({ "Version": 9 })),
        })
        .await;
        let sts = ScriptedAws::start(|_, _| {
            let account = "<Account>123456789012</Account>";
            Reply::Xml(
                200,
                format!("<R><GetCallerIdentityResult>{account}</GetCallerIdentityResult></R>"),
            )
        })
        .await;
        let (ssm_url, sts_url) = (format!("{}{path}", ssm.url()), format!("{}{path}", sts.url()));
        let mut environment = vec![
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", KEY),
            ("AWS_ENDPOINT_URL_SSM", &*ssm_url),
            ("AWS_ENDPOINT_URL_STS", &*sts_url),
        ];
        environment.extend(session.map(|token| ("AWS_SESSION_TOKEN", token)));
        let region = Value::object([("region", Value::string("eu-west-1"))]);
        let connections = connections_with(region, &environment);
        let target = target_of(named(NAME), &connections);
        deliver(&*target, NAME, "ä value with \"quotes\" and\nlines €", 1)
            .await
            .expect("put");
        target.slot().remove(&permit()).await.expect("deleted");
        connections
            .complete(&Address::at("*:eu-west-1", "ssm_parameter", NAME))
            .await
            .expect("an account");

        assert!(ssm.count("PutParameter") > 0 && ssm.count("DeleteParameter") == 1);
        assert_eq!(sts.operations(), ["GetCallerIdentity"]);
        for (aws, service) in [(&ssm, "ssm"), (&sts, "sts")] {
            assert_eq!(authorizations(aws), judged(aws, service), "{service} {path}");
        }
    }
}

/// The time at which a request says it was signed.
fn signed_at(headers: &std::collections::BTreeMap<String, String>) -> Timestamp {
    let text = format!("{} +0000", headers["x-amz-date"]);
    Timestamp::strptime("%Y%m%dT%H%M%SZ %z", text).expect("an instant")
}

/// An AWS whose clock is so many seconds ahead, and which says so as AWS does.
async fn ahead(seconds: i64, code: &'static str) -> ScriptedAws {
    ScriptedAws::start_with_headers(move |operation, headers| {
        let now = Timestamp::now() + SignedDuration::from_secs(seconds);
        let off = signed_at(headers).duration_since(now).as_secs().abs();
        let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let (status, body) = match operation {
            _ if off > 300 => (400, json!({ "__type": code, "message": "Signature expired" })),
            "DescribeParameters" => (200, json!({ "Parameters": [listed(NAME, 9, "")] })),
            _ => (200, json!({ "Version": 9 })),
        };
        Reply::Dated(date, status, body)
    })
    .await
}

#[tokio::test]
async fn a_clock_that_is_minutes_off_is_found_out_by_reads_and_writes_and_remembered() {
    for (seconds, code) in [(3600, "InvalidSignatureException"), (-900, "AccessDeniedException")] {
        let aws = ahead(seconds, code).await;
        let slot = slot_of(NAME, &connections(aws.url()));
        slot.remove(&permit())
            .await
            .expect("the second attempt is signed for AWS's clock");
        assert_eq!(aws.operations(), ["DeleteParameter", "DeleteParameter"]);
        slot.inspect()
            .await
            .expect("and so are all calls after it")
            .expect("there");
        assert_eq!(aws.count("DescribeParameters"), 1);
    }
}

#[tokio::test]
async fn a_refusal_that_no_clock_explains_is_not_repeated() {
    for (code, kind) in [
        ("InvalidSignatureException", CallErrorKind::Unauthenticated),
        ("AccessDeniedException", CallErrorKind::Forbidden),
    ] {
        let aws = ScriptedAws::start_with_headers(move |_, _| {
            let date = Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            Reply::Dated(date, 400, json!({ "__type": code, "message": CANARY }))
        })
        .await;
        let error = slot_of(NAME, &connections(aws.url()))
            .remove(&permit())
            .await
            .expect_err(code);
        assert_eq!((&error.kind, error.effect), (&kind, Effect::None), "{error}");
        assert_eq!(aws.count("DeleteParameter"), 1);
    }
    // A clock that is off by an hour in every answer, whatever the signature says.
    let aws = ScriptedAws::start_with_headers(|_, _| {
        let now = Timestamp::now() + SignedDuration::from_secs(3600);
        let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        Reply::Dated(date, 400, json!({ "__type": "SignatureDoesNotMatch" }))
    })
    .await;
    let error = slot_of(NAME, &connections(aws.url()))
        .remove(&permit())
        .await
        .expect_err("refused");
    assert_eq!(
        (error.kind, aws.count("DeleteParameter")),
        (CallErrorKind::Unauthenticated, 2)
    );
}
