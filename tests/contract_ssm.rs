//! The target `ssm_parameter`: against moto, which keeps real state, and against a server that refuses, loses and repeats.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on says where"
)]

#[path = "support/moto.rs"]
mod moto;
#[path = "support/scripted_aws.rs"]
mod scripted_aws;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use futures::future::join_all;
use moto::Moto;
use rotation_provider::call::{CallError, CallErrorKind, Effect, WritePermit};
use rotation_provider::clock::Clock;
use rotation_provider::connection::{Connections, Surroundings};
use rotation_provider::environment::Environment;
use rotation_provider::label::Label;
use rotation_provider::secret::Secret;
use rotation_provider::target::{self, Comparison, Delivery, Slot, Target, TargetConfig};
use rotation_provider::terraform::{Diagnostics, Node, Origin, Value};
use scripted_aws::{Reply, ScriptedAws};
use serde_json::json;

const NAME: &str = "/molecule/production/FLY_API_TOKEN";
const CANARY: &str = "canary-6f1d0c2b9a7e4835";
const KEYS: &[(&str, &str)] = &[
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "example"),
];

fn connections_with(aws: Value, environment: &[(&str, &str)]) -> Arc<Connections> {
    let provider = Value::object([("aws", aws)]);
    let surroundings = Surroundings {
        environment: Environment::of(environment),
        clock: Clock::default(),
        allow_insecure: false,
    };
    let mut problems = Diagnostics::new();
    let node = Node::root(&provider, Origin::Configuration);
    let connections = Connections::parse(&node, &surroundings, &mut problems);
    connections.unwrap_or_else(|| panic!("{problems:?}"))
}

fn connections(endpoint: &str) -> Arc<Connections> {
    let aws = Value::object([
        ("region", Value::string("eu-west-1")),
        ("endpoint_url", Value::string(endpoint)),
    ]);
    connections_with(aws, KEYS)
}

fn parsed(configuration: Value) -> Result<Box<dyn TargetConfig>, Diagnostics> {
    let kind = target::kind("ssm_parameter").expect("registered");
    let mut problems = Diagnostics::new();
    let node = Node::root(&configuration, Origin::Configuration);
    (kind.parse)(&node, Some("FLY_API_TOKEN"), &mut problems).ok_or(problems)
}

fn named(name: &str) -> Value {
    Value::object([("name", Value::string(name))])
}

fn target_of(configuration: Value, connections: &Connections) -> Box<dyn Target> {
    let config = parsed(configuration).unwrap_or_else(|problems| panic!("{problems:?}"));
    config.connect(connections).expect("it connects at the first call")
}

fn label(generation: u64) -> Label {
    Label::new("fly-api-token", "0123456789abcdef0123456789abcdef", generation)
}

fn permit() -> WritePermit {
    WritePermit::granted_by_apply()
}

/// Delivers a value to the target of that name and returns the revision.
async fn deliver(target: &dyn Target, name: &str, value: &str, generation: u64) -> Result<String, CallError> {
    let (value, label) = (Secret::new(value.to_owned()), label(generation));
    let delivery = Delivery {
        slot: format!("ssm_parameter:default:{name}").parse().expect("an address"),
        value: &value,
        label: &label,
    };
    let receipts = target.deliver(&[delivery], &permit()).await?;
    assert_eq!(receipts.len(), 1);
    Ok(receipts[0].revision.clone().expect("SSM has versions"))
}

fn slot_of(name: &str, connections: &Connections) -> Box<dyn Slot> {
    let address = format!("ssm_parameter:default:{name}").parse().expect("an address");
    (target::kind("ssm_parameter").expect("registered").slot)(&address, connections).expect("a valid name")
}

fn refusal(code: &str) -> Reply {
    Reply::Answer(400, json!({ "__type": code, "message": format!("about {CANARY}") }))
}

fn listed(name: &str, version: i64, description: &str) -> serde_json::Value {
    json!({ "Name": name, "Type": "SecureString", "Version": version, "LastModifiedDate": 1_800_000_000.5, "Description": description })
}

#[tokio::test]
async fn what_is_delivered_is_found_read_compared_and_removed() {
    let moto = Moto::start();
    let connections = connections(&moto.url());
    let configuration = Value::object([
        ("name", Value::string(NAME)),
        ("description", Value::string("Token of the control plane")),
        ("tags", Value::Map([("team".to_owned(), Value::string("cp"))].into())),
    ]);
    let target = target_of(configuration, &connections);

    assert_eq!(target.inspect().await, Ok(None));
    assert_eq!(target.inspect_directly().await, Ok(None));
    assert!(target.read().await.expect("reads").is_none());
    target.remove(&permit()).await.expect("removing nothing is success");

    let first = deliver(&*target, NAME, "value of generation one", 1)
        .await
        .expect("put");
    let second = deliver(&*target, NAME, "value of generation two", 2)
        .await
        .expect("put again");
    assert_eq!((first.as_str(), second.as_str()), ("1", "2"));

    let entry = target.inspect().await.expect("inspect").expect("there");
    assert_eq!(entry.label, Some(label(2)));
    assert!(entry.modified_at.is_some());
    assert_eq!(Some(&entry), target.inspect_directly().await.expect("inspect").as_ref());
    assert_eq!(target.compare(&second, &entry), Comparison::Same);
    assert_eq!(target.compare(&first, &entry), Comparison::Changed);

    let escrowed = target.read().await.expect("read").expect("there");
    assert_eq!(escrowed.value.expose(), "value of generation two");
    assert_eq!((escrowed.label, escrowed.revision), (label(2), second));

    let slot = slot_of(NAME, &connections);
    assert_eq!(slot.inspect().await.expect("inspect"), Some(entry));
    slot.remove(&permit()).await.expect("remove");
    slot.remove(&permit()).await.expect("remove again");
    assert_eq!(slot.inspect_directly().await, Ok(None));
    moto.reset();
}

#[tokio::test]
async fn of_two_writers_the_later_one_holds_and_the_other_sees_it() {
    let moto = Moto::start();
    let connections = connections(&moto.url());
    let (one, two) = (
        target_of(named(NAME), &connections),
        target_of(named(NAME), &connections),
    );
    let (first, second) = tokio::join!(
        deliver(&*one, NAME, "written by the first", 1),
        deliver(&*two, NAME, "written by the second", 2)
    );
    let (first, second) = (first.expect("put"), second.expect("put"));
    assert_ne!(first, second);
    let entry = one.inspect_directly().await.expect("inspect").expect("there");
    let escrowed = one.read().await.expect("read").expect("there");
    let winner = if entry.revision.as_deref() == Some(&*first) {
        1
    } else {
        2
    };
    let (holder, loser) = if winner == 1 { (first, second) } else { (second, first) };
    assert_eq!(one.compare(&holder, &entry), Comparison::Same);
    assert_eq!(one.compare(&loser, &entry), Comparison::Changed);
    assert_eq!(escrowed.label, label(winner));
    let expected = if winner == 1 {
        "written by the first"
    } else {
        "written by the second"
    };
    assert_eq!(escrowed.value.expose(), expected);
}

#[tokio::test]
async fn a_type_change_is_refused_before_anything_is_written() {
    let moto = Moto::start();
    let connections = connections(&moto.url());
    let secure = target_of(named(NAME), &connections);
    deliver(&*secure, NAME, "value", 1).await.expect("put");
    let configuration = Value::object([("name", Value::string(NAME)), ("type", Value::string("String"))]);
    let plain = target_of(configuration, &connections);
    let error = deliver(&*plain, NAME, "value", 2).await.expect_err("another type");
    assert_eq!((&error.kind, error.effect), (&CallErrorKind::Conflict, Effect::None));
    assert!(error.to_string().contains("SecureString"), "{error}");
    let entry = secure.inspect_directly().await.expect("inspect").expect("there");
    assert_eq!(entry.revision.as_deref(), Some("1"));
}

#[tokio::test]
async fn twenty_five_inspections_take_one_call() {
    let aws = ScriptedAws::start(|_, request| {
        let names = request["ParameterFilters"][0]["Values"].as_array().expect("names");
        let known = names.iter().map(|name| name.as_str().expect("a string"));
        let found: Vec<_> = known
            .filter(|name| *name != "/p/7")
            .map(|name| listed(name, 3, ""))
            .collect();
        Reply::Answer(200, json!({ "Parameters": found }))
    })
    .await;
    let connections = connections(aws.url());
    let slots: Vec<_> = (0..25).map(|n| slot_of(&format!("/p/{n}"), &connections)).collect();
    let entries = join_all(slots.iter().map(|slot| slot.inspect())).await;
    for (n, entry) in entries.into_iter().enumerate() {
        assert_eq!(entry.expect("an answer").is_some(), n != 7, "{n}");
    }
    assert_eq!(aws.operations(), ["DescribeParameters"]);
}

#[tokio::test]
async fn all_pages_are_followed_empty_ones_included() {
    let page = AtomicUsize::new(0);
    let aws = ScriptedAws::start(move |_, _| {
        Reply::Answer(
            200,
            match page.fetch_add(1, Ordering::SeqCst) {
                0 => json!({ "Parameters": [], "NextToken": "two" }),
                1 => json!({ "Parameters": [listed("/other", 1, "")], "NextToken": "three" }),
                _ => json!({ "Parameters": [listed(NAME, 4, "")] }),
            },
        )
    })
    .await;
    let entry = slot_of(NAME, &connections(aws.url())).inspect().await.expect("inspect");
    assert_eq!(entry.and_then(|entry| entry.revision).as_deref(), Some("4"));
    let tokens: Vec<_> = aws
        .requests("DescribeParameters")
        .iter()
        .map(|r| r["NextToken"].clone())
        .collect();
    assert_eq!(tokens, [json!(null), json!("two"), json!("three")]);
}

#[tokio::test]
async fn missing_is_confirmed_by_a_read_that_does_not_lag_and_never_decrypts() {
    let looks = AtomicUsize::new(0);
    let aws = ScriptedAws::start(move |operation, _| match operation {
        "DescribeParameters" if looks.fetch_add(1, Ordering::SeqCst) < 2 => Reply::Answer(200, json!({})),
        "DescribeParameters" => Reply::Answer(200, json!({ "Parameters": [listed(NAME, 1, "")] })),
        _ => Reply::Answer(
            200,
            json!({ "Parameter": { "Name": NAME, "Version": 1, "Value": "ciphertext" } }),
        ),
    })
    .await;
    let entry = slot_of(NAME, &connections(aws.url()))
        .inspect_directly()
        .await
        .expect("inspect");
    assert_eq!(entry.and_then(|entry| entry.revision).as_deref(), Some("1"));
    assert!(
        aws.requests("GetParameter")
            .iter()
            .all(|request| request["WithDecryption"] == json!(false))
    );
    assert_eq!(aws.count("GetParameter"), 2);
}

#[tokio::test]
async fn value_and_mark_go_in_one_call_and_tags_only_with_a_creation() {
    let version = AtomicI64::new(0);
    let shown = Arc::new(AtomicI64::new(0));
    let written = Arc::clone(&shown);
    let aws = ScriptedAws::start(move |operation, _| match operation {
        "DescribeParameters" => match written.load(Ordering::SeqCst) {
            0 => Reply::Answer(200, json!({ "Parameters": [] })),
            now => Reply::Answer(200, json!({ "Parameters": [listed(NAME, now, "")] })),
        },
        "PutParameter" => {
            let now = version.fetch_add(1, Ordering::SeqCst) + 1;
            written.store(now, Ordering::SeqCst);
            Reply::Answer(200, json!({ "Version": now, "Tier": "Standard" }))
        }
        _ => Reply::Answer(200, json!({})),
    })
    .await;
    let configuration = Value::object([
        ("name", Value::string(NAME)),
        ("tier", Value::string("Advanced")),
        ("key_id", Value::string("alias/rotation")),
        ("tags", Value::Map([("team".to_owned(), Value::string("cp"))].into())),
    ]);
    let target = target_of(configuration, &connections(aws.url()));
    deliver(&*target, NAME, CANARY, 1).await.expect("created");
    deliver(&*target, NAME, CANARY, 2).await.expect("overwritten");
    let expected = |overwrite: bool, generation: u64| {
        let mut put = json!({
            "Name": NAME, "Value": CANARY, "Type": "SecureString", "KeyId": "alias/rotation", "Tier": "Advanced",
            "Overwrite": overwrite, "Description": format!("Managed by Terraform [{}]", label(generation)),
        });
        if !overwrite {
            put["Tags"] = json!([{ "Key": "team", "Value": "cp" }]);
        }
        put
    };
    assert_eq!(aws.requests("PutParameter"), [expected(false, 1), expected(true, 2)]);
    assert_eq!(
        aws.requests("AddTagsToResource"),
        [json!({ "ResourceType": "Parameter", "ResourceId": NAME, "Tags": [{ "Key": "team", "Value": "cp" }] })]
    );
}

#[tokio::test]
async fn a_creation_that_somebody_else_was_faster_with_becomes_a_new_version() {
    let looks = AtomicUsize::new(0);
    let aws = ScriptedAws::start(move |operation, request| match operation {
        "DescribeParameters" if looks.fetch_add(1, Ordering::SeqCst) == 0 => Reply::Answer(200, json!({})),
        "DescribeParameters" => Reply::Answer(200, json!({ "Parameters": [listed(NAME, 2, "")] })),
        "PutParameter" if request["Overwrite"] == json!(false) => refusal("ParameterAlreadyExists"),
        "PutParameter" => Reply::Answer(200, json!({ "Version": 2 })),
        _ => Reply::Answer(200, json!({})),
    })
    .await;
    let configuration = Value::object([
        ("name", Value::string(NAME)),
        ("tags", Value::Map([("team".to_owned(), Value::string("cp"))].into())),
    ]);
    let target = target_of(configuration, &connections(aws.url()));
    assert_eq!(deliver(&*target, NAME, CANARY, 1).await, Ok("2".to_owned()));
    assert_eq!((aws.count("PutParameter"), aws.count("AddTagsToResource")), (2, 1));
}

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
async fn a_forbidden_call_names_the_parameter_to_grant_it_on() {
    let aws = ScriptedAws::start(|_, _| refusal("AccessDeniedException")).await;
    let slot = slot_of(NAME, &connections(aws.url()));
    let error = slot.remove(&permit()).await.expect_err("refused");
    let expected =
        "Grant this run ssm:DeleteParameter on arn:aws:ssm:eu-west-1:*:parameter/molecule/production/FLY_API_TOKEN";
    assert!(error.to_string().contains(expected), "{error}");
}

#[tokio::test]
async fn a_throttled_write_is_sent_again() {
    let tries = AtomicUsize::new(0);
    let aws = ScriptedAws::start(move |operation, _| match operation {
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
async fn a_lost_read_is_repeated() {
    let tries = AtomicUsize::new(0);
    let aws = ScriptedAws::start(move |_, _| match tries.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::Lost,
        _ => Reply::Answer(200, json!({ "Parameters": [listed(NAME, 1, "")] })),
    })
    .await;
    let entry = slot_of(NAME, &connections(aws.url())).inspect().await.expect("inspect");
    assert!(entry.is_some());
}

#[tokio::test]
async fn a_value_without_our_mark_is_not_even_decrypted() {
    let aws =
        ScriptedAws::start(|_, _| Reply::Answer(200, json!({ "Parameters": [listed(NAME, 1, "by hand")] }))).await;
    let target = target_of(named(NAME), &connections(aws.url()));
    assert!(target.read().await.expect("read").is_none());
    assert_eq!(aws.count("GetParameter"), 0);
}

#[tokio::test]
async fn a_value_is_not_taken_under_the_mark_of_another_version() {
    let versions = AtomicI64::new(1);
    let aws = ScriptedAws::start(move |operation, _| match operation {
        "DescribeParameters" => {
            let version = versions.fetch_add(1, Ordering::SeqCst);
            let mark = format!("x [{}]", label(u64::try_from(version).expect("positive")));
            Reply::Answer(200, json!({ "Parameters": [listed(NAME, version, &mark)] }))
        }
        _ => Reply::Answer(
            200,
            json!({ "Parameter": { "Name": NAME, "Version": 3, "Value": CANARY } }),
        ),
    })
    .await;
    let target = target_of(named(NAME), &connections(aws.url()));
    let escrowed = target.read().await.expect("read").expect("there");
    assert_eq!((escrowed.label, escrowed.revision.as_str()), (label(3), "3"));
}

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
        (of("profile", ""), "aws.profile"),
        (of("endpoint_url", "http://ssm.example.com"), "aws.endpoint_url"),
        (role("role_arn", "rotation"), "aws.assume_role.role_arn"),
        (role("session_name", "a b"), "aws.assume_role.session_name"),
        (role("external_id", "x"), "aws.assume_role.external_id"),
    ] {
        let provider = Value::object([("aws", aws)]);
        let surroundings = Surroundings {
            environment: Environment::of(&[("FLY_API_TOKEN", "x")]),
            clock: Clock::default(),
            allow_insecure: false,
        };
        let mut problems = Diagnostics::new();
        let node = Node::root(&provider, Origin::Configuration);
        assert!(
            Connections::parse(&node, &surroundings, &mut problems).is_none(),
            "{path}"
        );
        let paths: Vec<String> = problems.iter().map(|problem| problem.path.to_string()).collect();
        assert_eq!(paths, [path]);
    }
}

#[test]
fn mistakes_in_the_configuration_are_reported_at_their_place() {
    let map = |key: &str, value: &str| Value::Map([(key.to_owned(), Value::string(value))].into());
    for (attribute, value, also) in [
        ("name", Value::string("/aws/reserved"), None),
        ("type", Value::string("StringList"), None),
        ("tier", Value::string("standard"), None),
        (
            "key_id",
            Value::string("alias/x"),
            Some(("type", Value::string("String"))),
        ),
        ("tags", map("aws:team", "cp"), None),
        ("description", Value::string("x".repeat(801)), None),
        ("description", Value::string(label(1).to_string()), None),
    ] {
        let mut configuration = named(NAME).with(attribute, value);
        if let Some((name, value)) = also {
            configuration = configuration.with(name, value);
        }
        let problems = parsed(configuration).err().expect(attribute);
        let paths: Vec<String> = problems.iter().map(|problem| problem.path.to_string()).collect();
        assert_eq!(paths, [attribute]);
    }
    let problems = parsed(Value::object([])).err().expect("no name");
    assert!(problems.has_errors());
    assert!(parsed(named(NAME).with("description", Value::unknown())).is_err_and(|problems| problems.is_empty()));
}

/// Keeps every event and span of every crate, fields included.
#[derive(Clone, Default)]
struct Everything(Arc<std::sync::Mutex<Vec<(String, String)>>>);

impl Everything {
    fn keep(&self, target: &str, record: impl FnOnce(&mut dyn tracing::field::Visit)) {
        struct Text(String);
        impl tracing::field::Visit for Text {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                self.0.push_str(&format!("{field}={value:?} "));
            }
        }
        let mut text = Text(String::new());
        record(&mut text);
        self.0.lock().expect("no panic").push((target.to_owned(), text.0));
    }
}

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Everything {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        self.keep(event.metadata().target(), |text| event.record(text));
    }

    fn on_new_span(
        &self,
        span: &tracing::span::Attributes<'_>,
        _: &tracing::Id,
        _: tracing_subscriber::layer::Context<'_, S>,
    ) {
        self.keep(span.metadata().target(), |text| span.record(text));
    }
}

#[tokio::test]
async fn logs_at_every_level_are_free_of_the_value_those_of_the_sdk_included() {
    use tracing_subscriber::layer::SubscriberExt as _;
    let kept = Everything::default();
    let subscriber = tracing_subscriber::registry().with(kept.clone());
    let _guard = tracing::subscriber::set_default(subscriber);
    let aws = ScriptedAws::start(|operation, _| match operation {
        "PutParameter" => Reply::Answer(200, json!({ "Version": 1 })),
        "DescribeParameters" => {
            let mark = format!("x [{}]", label(1));
            Reply::Answer(200, json!({ "Parameters": [listed(NAME, 1, &mark)] }))
        }
        _ => Reply::Answer(
            200,
            json!({ "Parameter": { "Name": NAME, "Version": 1, "Value": CANARY } }),
        ),
    })
    .await;
    let target = target_of(named(NAME), &connections(aws.url()));
    deliver(&*target, NAME, CANARY, 1).await.expect("put");
    target.read().await.expect("read").expect("there");
    let kept = kept.0.lock().expect("no panic");
    assert!(
        kept.iter().any(|(target, _)| target.starts_with("aws_")),
        "the layer sees the SDK"
    );
    let leaks: Vec<_> = kept
        .iter()
        .filter(|(_, text)| text.contains(CANARY))
        .map(|(target, text)| (target, &text[..300.min(text.len())]))
        .collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
}
