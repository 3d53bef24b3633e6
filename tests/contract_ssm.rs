//! The target `ssm_parameter`: against moto, which keeps real state, and against a server that refuses, loses and repeats.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on says where"
)]

#[path = "contract_ssm/account.rs"]
mod account;
#[path = "contract_ssm/connection.rs"]
mod connection;
#[path = "contract_ssm/failures.rs"]
mod failures;
#[path = "contract_ssm/logs.rs"]
mod logs;
#[expect(dead_code, reason = "these tests use a part of it")]
#[path = "support/moto.rs"]
mod moto;
#[path = "contract_ssm/neighbours.rs"]
mod neighbours;
#[path = "contract_ssm/sandbox.rs"]
mod sandbox;
#[path = "support/scripted_aws.rs"]
mod scripted_aws;
#[path = "contract_ssm/signature.rs"]
mod signature;
#[path = "contract_ssm/tags.rs"]
mod tags;
#[path = "contract_ssm/whose.rs"]
mod whose;
#[path = "contract_ssm/writable.rs"]
mod writable;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use futures::future::join_all;
use moto::Moto;
use rotation_provider::call::{CallError, CallErrorKind, Effect, WritePermit};
use rotation_provider::clock::Clock;
use rotation_provider::connection::{Connections, Surroundings};
use rotation_provider::environment::Environment;
use rotation_provider::label::Label;
use rotation_provider::rotation::{DeliveryRecord, Entry, Verdict, judge};
use rotation_provider::secret::Secret;
use rotation_provider::target::{self, Delivery, Receipt, Slot, Target, TargetConfig};
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
    let surroundings = Surroundings::new(Environment::of(environment), Clock::default());
    let mut problems = Diagnostics::new();
    let node = Node::root(&provider, Origin::Configuration);
    let connections = Connections::parse(&node, &surroundings, &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    connections
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
    config
        .connect(&connections.own())
        .expect("it connects at the first call")
}

/// The secret's id.
const ID: &str = "0123456789abcdef0123456789abcdef";

fn label(generation: u64) -> Label {
    Label::new("fly-api-token", ID, generation)
}

/// Whose an entry is, where the ledger says that we wrote that generation under that revision.
fn judged(generation: u64, revision: &str, entry: &Entry) -> Verdict {
    let mut record = DeliveryRecord::new("ssm_parameter:default://123456789012:eu-west-1//x".to_owned());
    record.generation = Some(generation);
    record.revision = Some(revision.to_owned());
    judge(&record, Some(entry), ID)
}

fn permit() -> WritePermit {
    WritePermit::granted_by_apply()
}

/// Delivers a value to the target of that name and returns the revision.
async fn deliver(target: &dyn Target, name: &str, value: &str, generation: u64) -> Result<String, CallError> {
    let receipt = receipt(target, name, value, generation).await?;
    Ok(receipt.revision.expect("SSM has versions"))
}

async fn receipt(target: &dyn Target, name: &str, value: &str, generation: u64) -> Result<Receipt, CallError> {
    let (value, label) = (Secret::new(value.to_owned()), label(generation));
    let delivery = Delivery {
        slot: format!("ssm_parameter:default:{name}").parse().expect("an address"),
        value: &value,
        label: &label,
        content: None,
        origin: "9f3ac01b",
        generated: true,
    };
    let receipts = target.deliver(&[delivery], &permit()).await?;
    assert_eq!(receipts.len(), 1);
    Ok(receipts[0].clone())
}

fn slot_of(name: &str, connections: &Connections) -> Box<dyn Slot> {
    let address = format!("ssm_parameter:default:{name}").parse().expect("an address");
    (target::kind("ssm_parameter").expect("registered").slot)(&address, &connections.own()).expect("a valid name")
}

fn refusal(code: &str) -> Reply {
    Reply::Answer(400, json!({ "__type": code, "message": format!("about {CANARY}") }))
}

fn listed(name: &str, version: i64, description: &str) -> serde_json::Value {
    json!({ "Name": name, "Type": "SecureString", "Version": version, "LastModifiedDate": 1_800_000_000.5, "Description": description })
}

#[tokio::test]
async fn a_foreign_value_beside_our_old_description_is_not_taken_for_ours() {
    let mark = format!("Managed by Terraform [{}] v1 #9f3ac01b", label(1));
    let aws = ScriptedAws::start(move |operation, _| match operation {
        "DescribeParameters" => Reply::Answer(200, json!({ "Parameters": [listed(NAME, 2, &mark)] })),
        _ => Reply::Answer(
            200,
            json!({ "Parameter": { "Name": NAME, "Version": 2, "Value": "foreign" } }),
        ),
    })
    .await;
    let target = target_of(named(NAME), &connections(aws.url()));
    let entry = target.slot().inspect().await.expect("inspect").expect("there");
    assert_eq!((entry.revision.as_deref(), entry.label), (Some("2"), None));
    assert!(target.read().await.expect("read").is_none());
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
    let entry = one.slot().inspect_directly().await.expect("inspect").expect("there");
    let escrowed = one.read().await.expect("read").expect("there");
    let winner = if entry.revision.as_deref() == Some(&*first) {
        1
    } else {
        2
    };
    let (holder, loser) = if winner == 1 { (first, second) } else { (second, first) };
    assert_eq!(judged(winner, &holder, &entry), Verdict::Recorded);
    assert_eq!(judged(3 - winner, &loser, &entry), Verdict::Marked(winner));
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
    let entry = secure.slot().inspect_directly().await.expect("inspect").expect("there");
    assert_eq!(entry.revision.as_deref(), Some("1"));
}

#[tokio::test]
async fn names_of_twenty_five_paths_take_one_call() {
    let aws = ScriptedAws::start(|_, request| {
        let names = request["ParameterFilters"][0]["Values"].as_array().expect("names");
        let known = names.iter().map(|name| name.as_str().expect("a string"));
        let found: Vec<_> = known
            .filter(|name| *name != "/7/p")
            .map(|name| listed(name, 3, ""))
            .collect();
        Reply::Answer(200, json!({ "Parameters": found }))
    })
    .await;
    let connections = connections(aws.url());
    let slots: Vec<_> = (0..25).map(|n| slot_of(&format!("/{n}/p"), &connections)).collect();
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
    assert_eq!(aws.count("AddTagsToResource"), 0);
    let expected = |overwrite: bool, generation: u64| {
        let mut put = json!({
            "Name": NAME, "Value": CANARY, "Type": "SecureString", "KeyId": "alias/rotation", "Tier": "Advanced",
            "Overwrite": overwrite, "Description": format!("Managed by Terraform [{}] v{generation} #9f3ac01b", label(generation)),
        });
        if !overwrite {
            put["Tags"] = json!([{ "Key": "team", "Value": "cp" }]);
        }
        put
    };
    assert_eq!(aws.requests("PutParameter"), [expected(false, 1), expected(true, 2)]);
}

#[tokio::test]
async fn a_creation_that_somebody_else_was_faster_with_becomes_a_new_version() {
    let looks = AtomicUsize::new(0);
    let versions = AtomicI64::new(1);
    let aws = ScriptedAws::start(move |operation, request| match operation {
        "DescribeParameters" if looks.fetch_add(1, Ordering::SeqCst) == 0 => Reply::Answer(200, json!({})),
        "DescribeParameters" => Reply::Answer(200, json!({ "Parameters": [listed(NAME, 3, "")] })),
        "PutParameter" if request["Overwrite"] == json!(false) => refusal("ParameterAlreadyExists"),
        "PutParameter" => Reply::Answer(200, json!({ "Version": versions.fetch_add(1, Ordering::SeqCst) + 1 })),
        _ => Reply::Answer(200, json!({})),
    })
    .await;
    let configuration = Value::object([
        ("name", Value::string(NAME)),
        ("tags", Value::Map([("team".to_owned(), Value::string("cp"))].into())),
    ]);
    let target = target_of(configuration, &connections(aws.url()));
    assert_eq!(deliver(&*target, NAME, CANARY, 1).await, Ok("3".to_owned()));
    tags::activated(&*target).await.expect("tagged");
    assert_eq!((aws.count("PutParameter"), aws.count("AddTagsToResource")), (3, 1));
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
            let mark = format!("x [{}] v{version}", label(u64::try_from(version).expect("positive")));
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

#[tokio::test]
async fn a_delivery_waits_until_its_version_is_listed() {
    let looks = AtomicI64::new(0);
    let aws = ScriptedAws::start(move |operation, _| match operation {
        "DescribeParameters" => {
            let version = if looks.fetch_add(1, Ordering::SeqCst) < 3 { 4 } else { 5 };
            Reply::Answer(200, json!({ "Parameters": [listed(NAME, version, "")] }))
        }
        _ => Reply::Answer(200, json!({ "Version": 5 })),
    })
    .await;
    let connections = connections(aws.url());
    let target = target_of(named(NAME), &connections);
    let revision = deliver(&*target, NAME, CANARY, 1).await.expect("put");
    let entry = target.slot().inspect().await.expect("inspect").expect("there");
    assert_eq!(entry.revision, Some(revision));
    assert_eq!(aws.count("PutParameter"), 1);
}

#[test]
fn a_changed_argument_changes_the_fingerprint_and_a_spelled_out_default_does_not() {
    let of = |configuration| {
        parsed(configuration)
            .unwrap_or_else(|problems| panic!("{problems:?}"))
            .fingerprint()
    };
    let plain = of(named(NAME));
    assert_eq!(of(named(NAME).with("type", Value::string("SecureString"))), plain);
    for (attribute, value) in [
        ("tier", "Advanced"),
        ("key_id", "alias/x"),
        ("description", "other"),
        ("type", "String"),
    ] {
        assert_ne!(
            of(named(NAME).with(attribute, Value::string(value))),
            plain,
            "{attribute}"
        );
    }
}
