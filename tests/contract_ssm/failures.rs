//! Refusals, lost answers, throttling: what happened, what to do, and never the value.

use std::sync::atomic::{AtomicUsize, Ordering};

use rotation_provider::call::{CallErrorKind, Effect};
use serde_json::json;

use super::scripted_aws::{Reply, ScriptedAws};
use super::{CANARY, NAME, connections, deliver, listed, named, permit, refusal, slot_of, target_of};

#[tokio::test]
async fn a_refusal_says_what_to_grant_or_change_and_never_repeats_the_value() {
    for (code, kind, word) in [
        ("AccessDeniedException", CallErrorKind::Forbidden, "ssm:PutParameter"),
        ("ExpiredTokenException", CallErrorKind::Unauthenticated, "expired"),
        ("ValidationException", CallErrorKind::Invalid, "ValidationException"),
        (
            "ParameterMaxVersionLimitExceeded",
            CallErrorKind::Conflict,
            "unlabel-parameter-version",
        ),
        ("InvalidKeyId", CallErrorKind::Invalid, "key_id"),
    ] {
        let aws = ScriptedAws::start(move |operation, _| match operation {
            "PutParameter" => refusal(code),
            _ => Reply::Answer(200, json!({})),
        })
        .await;
        let target = target_of(named(NAME), &connections(aws.url()));
        let error = deliver(&*target, NAME, CANARY, 1).await.expect_err(code);
        assert_eq!((&error.kind, error.effect), (&kind, Effect::None), "{error}");
        assert!(error.to_string().contains(word), "{error}");
        for shown in [error.to_string(), format!("{error:?}")] {
            assert!(!shown.contains(CANARY), "{shown}");
        }
        assert_eq!(aws.count("PutParameter"), 1, "{code}");
    }
}

#[tokio::test]
async fn a_throttled_write_is_sent_again() {
    let (tries, looks) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let aws = ScriptedAws::start(move |operation, _| match operation {
        "DescribeParameters" if looks.fetch_add(1, Ordering::SeqCst) == 0 => {
            Reply::Answer(200, json!({ "Parameters": [listed(NAME, 8, "")] }))
        }
        "PutParameter" => match tries.fetch_add(1, Ordering::SeqCst) {
            0 => refusal("ThrottlingException"),
            1 => refusal("TooManyUpdates"),
            _ => Reply::Answer(200, json!({ "Version": 9 })),
        },
        _ => Reply::Answer(200, json!({ "Parameters": [listed(NAME, 9, "")] })),
    })
    .await;
    let target = target_of(named(NAME), &connections(aws.url()));
    assert_eq!(deliver(&*target, NAME, CANARY, 1).await, Ok("9".to_owned()));
    assert_eq!(aws.count("PutParameter"), 3);
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_or_broken_is_unknown_and_not_repeated() {
    let replies: [fn() -> Reply; 3] = [
        || Reply::Lost,
        || Reply::Garbage,
        || Reply::Answer(500, json!({ "__type": "InternalServerError", "message": CANARY })),
    ];
    for reply in replies {
        let aws = ScriptedAws::start(move |operation, _| match operation {
            "PutParameter" => reply(),
            _ => Reply::Answer(200, json!({})),
        })
        .await;
        let target = target_of(named(NAME), &connections(aws.url()));
        let error = deliver(&*target, NAME, CANARY, 1).await.expect_err("no answer");
        assert_eq!(error.effect, Effect::Possible, "{error}");
        assert!(!format!("{error} {error:?}").contains(CANARY), "{error}");
        assert_eq!(aws.count("PutParameter"), 1, "{error}");
    }
}

#[tokio::test]
async fn a_write_that_never_left_has_no_effect() {
    let connections = connections("http://127.0.0.1:9");
    let slot = slot_of(NAME, &connections);
    let error = slot.remove(&permit()).await.expect_err("nobody listens");
    assert_eq!(
        (&error.kind, error.effect),
        (&CallErrorKind::Unavailable, Effect::None),
        "{error}"
    );
}

#[tokio::test]
async fn a_refusal_to_tell_a_value_does_not_show_one_either() {
    let aws = ScriptedAws::start(|operation, _| match operation {
        "GetParameter" => refusal("ValidationException"),
        _ => Reply::Answer(200, json!({})),
    })
    .await;
    let slot = slot_of(NAME, &connections(aws.url()));
    let error = slot.inspect_directly().await.expect_err("refused");
    assert!(
        error.message.starts_with("ValidationException: about [withheld]"),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_not_read() {
    const MIB: usize = 1024 * 1024;
    let aws = ScriptedAws::start(|_, _| Reply::Long(9 * MIB)).await;
    let slot = slot_of(NAME, &connections(aws.url()));
    let error = slot.inspect().await.expect_err("too long");
    assert_eq!(error.kind, CallErrorKind::Malformed, "{error}");
    assert!(error.message.contains("longer than 8 MiB"), "{error}");
    let aws = ScriptedAws::start(|_, _| Reply::Long(7 * MIB)).await;
    assert_eq!(slot_of(NAME, &connections(aws.url())).inspect().await, Ok(None));
}

#[tokio::test]
async fn a_refusal_after_a_write_with_the_wrong_mark_has_had_an_effect() {
    let tries = AtomicUsize::new(0);
    let aws = ScriptedAws::start(move |operation, _| match operation {
        "PutParameter" => match tries.fetch_add(1, Ordering::SeqCst) {
            0 => Reply::Answer(200, json!({ "Version": 7 })),
            _ => refusal("AccessDeniedException"),
        },
        _ => Reply::Answer(200, json!({})),
    })
    .await;
    let target = target_of(named(NAME), &connections(aws.url()));
    let error = deliver(&*target, NAME, CANARY, 1).await.expect_err("refused");
    assert_eq!(
        (&error.kind, error.effect),
        (&CallErrorKind::Forbidden, Effect::Possible),
        "{error}"
    );
}
