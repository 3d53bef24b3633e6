//! Tags are not part of the write: what fails there takes no receipt back, and is repeated without a write.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use rotation_provider::call::{CallError, CallErrorKind, Effect};
use rotation_provider::stop::Stop;
use rotation_provider::target::{Activated, Target};
use rotation_provider::terraform::Value;
use serde_json::json;

use super::moto::Moto;
use super::scripted_aws::{Reply, ScriptedAws};
use super::{CANARY, NAME, connections, deliver, listed, named, parsed, permit, receipt, refusal, target_of};

pub(super) async fn activated(target: &dyn Target) -> Result<Activated, CallError> {
    target.activate(None, &Stop::default(), &permit()).await
}

fn tagged() -> Value {
    named(NAME).with("tags", Value::Map([("team".to_owned(), Value::string("cp"))].into()))
}

/// A store that counts versions from that one on, and refuses tags while it is told to.
async fn store(version: i64, denied: Arc<AtomicBool>) -> ScriptedAws {
    let version = AtomicI64::new(version);
    ScriptedAws::start(move |operation, _| match operation {
        "DescribeParameters" => match version.load(Ordering::SeqCst) {
            0 => Reply::Answer(200, json!({ "Parameters": [] })),
            now => Reply::Answer(200, json!({ "Parameters": [listed(NAME, now, "")] })),
        },
        "PutParameter" => Reply::Answer(200, json!({ "Version": version.fetch_add(1, Ordering::SeqCst) + 1 })),
        "AddTagsToResource" if denied.load(Ordering::SeqCst) => refusal("AccessDeniedException"),
        _ => Reply::Answer(200, json!({})),
    })
    .await
}

#[test]
fn only_tags_leave_work_after_a_write() {
    let follows_up = |configuration| parsed(configuration).map(|config| config.traits().follow_up).ok();
    assert_eq!(
        (follows_up(tagged()), follows_up(named(NAME))),
        (Some(true), Some(false))
    );
}

#[tokio::test]
async fn a_refusal_to_tag_leaves_the_receipt_and_is_made_good_without_a_write() {
    let denied = Arc::new(AtomicBool::new(true));
    let aws = store(3, Arc::clone(&denied)).await;
    let connections = connections(aws.url());
    let target = target_of(tagged(), &connections);
    assert_eq!(deliver(&*target, NAME, CANARY, 2).await, Ok("4".to_owned()));
    let error = activated(&*target).await.expect_err("refused");
    assert_eq!(
        (&error.kind, error.effect),
        (&CallErrorKind::Forbidden, Effect::None),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("ssm:AddTagsToResource on arn:aws:ssm:eu-west-1:*:parameter"),
        "{error}"
    );

    // Another run knows nothing of the write.
    denied.store(false, Ordering::SeqCst);
    let target = target_of(tagged(), &connections);
    for _ in 0..2 {
        assert_eq!(activated(&*target).await, Ok(Activated::Live));
    }
    assert_eq!((aws.count("PutParameter"), aws.count("AddTagsToResource")), (1, 3));
    let expected =
        json!({ "ResourceType": "Parameter", "ResourceId": NAME, "Tags": [{ "Key": "team", "Value": "cp" }] });
    assert_eq!(aws.requests("AddTagsToResource")[2], expected);
}

#[tokio::test]
async fn tags_of_the_creating_call_are_not_set_twice_and_those_of_a_later_write_are() {
    let aws = store(0, Arc::default()).await;
    let target = target_of(tagged(), &connections(aws.url()));
    deliver(&*target, NAME, CANARY, 1).await.expect("created");
    activated(&*target).await.expect("nothing to do");
    assert_eq!(aws.count("AddTagsToResource"), 0);
    deliver(&*target, NAME, CANARY, 2).await.expect("overwritten");
    activated(&*target).await.expect("tagged");
    assert_eq!(aws.count("AddTagsToResource"), 1);
}

#[tokio::test]
async fn without_tags_nothing_follows_a_write() {
    let aws = store(0, Arc::default()).await;
    let target = target_of(named(NAME), &connections(aws.url()));
    deliver(&*target, NAME, CANARY, 1).await.expect("created");
    activated(&*target).await.expect("nothing to do");
    assert_eq!(aws.count("AddTagsToResource"), 0);
}

#[tokio::test]
async fn a_receipt_says_when_aws_wrote_it_if_the_listing_shows_that_write() {
    let moto = Moto::start();
    let target = target_of(named(NAME), &connections(&moto.url()));
    let made = receipt(&*target, NAME, CANARY, 1).await.expect("put");
    let entry = target.slot().inspect().await.expect("inspect").expect("there");
    assert!(made.written_at.is_some());
    assert_eq!(made.written_at, entry.modified_at);

    // Somebody has written since.
    let looks = AtomicI64::new(0);
    let aws = ScriptedAws::start(move |operation, _| match operation {
        "DescribeParameters" => {
            let version = if looks.fetch_add(1, Ordering::SeqCst) == 0 {
                4
            } else {
                6
            };
            Reply::Answer(200, json!({ "Parameters": [listed(NAME, version, "")] }))
        }
        _ => Reply::Answer(200, json!({ "Version": 5 })),
    })
    .await;
    let target = target_of(named(NAME), &connections(aws.url()));
    let made = receipt(&*target, NAME, CANARY, 1).await.expect("put");
    assert_eq!((made.revision.as_deref(), made.written_at), (Some("5"), None));
}
