//! The target `http`.

use jiff::Timestamp;
use rotation_provider::address::Address;
use rotation_provider::call::{CallError, CallErrorKind, Effect, WritePermit};
use rotation_provider::label::Label;
use rotation_provider::rotation::{DeliveryRecord, DeliveryStatus, Verdict, judge};
use rotation_provider::secret::Secret;
use rotation_provider::target::http::KIND;
use rotation_provider::target::{Delivery, Receipt, Target};
use rotation_provider::terraform::{Diagnostics, Node, Origin, Value};
use serde_json::json;

use crate::service::Service;

const ID: &str = "0123456789abcdef0123456789abcdef";
const VALUE: &str = "canary-6f1d0c2b9a7e4835-canary";

fn list(urls: &[&str]) -> Value {
    Value::List(urls.iter().map(|url| Value::string(*url)).collect())
}

fn arguments() -> Value {
    let text = Value::string;
    Value::object([
        ("urls", list(&["/a/secrets", "/b/secrets"])),
        ("body", text("{\"key\":\"KEY\",\"value\":\"{{ value }}\"}")),
        (
            "read",
            Value::object([("items", text("/data")), ("name", text("/key")), ("time", text("/at"))]),
        ),
        (
            "remove",
            Value::object([("urls", list(&["/a/secrets/KEY", "/b/secrets/KEY"]))]),
        ),
    ])
}

/// The target of a new run, and its address.
fn target(service: &Service, arguments: &Value) -> (Box<dyn Target>, Address) {
    let mut problems = Diagnostics::new();
    let config = (KIND.parse)(
        &Node::root(arguments, Origin::Configuration),
        Some("KEY"),
        &mut problems,
    );
    let config = config.unwrap_or_else(|| panic!("{problems:?}"));
    let connections = service.connections();
    let link = connections.link("service");
    (config.connect(&link).unwrap(), config.slot(&link).unwrap())
}

async fn deliver(service: &Service, value: &str) -> Result<Receipt, CallError> {
    let (target, slot) = target(service, &arguments());
    let (value, label) = (Secret::new(value.to_owned()), Label::new("suite", ID, 1));
    let delivery = Delivery {
        slot,
        value: &value,
        label: &label,
        content: None,
        origin: "9f3ac01b",
        generated: false,
    };
    let receipts = target.deliver(&[delivery], &WritePermit::granted_by_apply()).await?;
    Ok(receipts[0].clone())
}

async fn whose(service: &Service, receipt: &Receipt) -> Verdict {
    let (target, slot) = target(service, &arguments());
    let record = DeliveryRecord {
        generation: Some(1),
        status: DeliveryStatus::Current,
        revision: receipt.revision.clone(),
        delivered_at: Some(receipt.written_at.unwrap_or_else(Timestamp::now)),
        ..DeliveryRecord::new(slot.to_string())
    };
    let seen = target.slot().inspect_directly().await.unwrap();
    judge(&record, seen.as_ref(), ID)
}

#[tokio::test]
async fn an_instance_that_fails_is_named_and_a_repetition_writes_all() {
    let service = Service::start().await;
    service.held().broken.insert("a".to_owned());
    let error = deliver(&service, VALUE).await.unwrap_err();
    assert_eq!(
        (error.kind.clone(), error.effect),
        (CallErrorKind::Conflict, Effect::Possible)
    );
    let told = error.sentence();
    for words in [
        "locked",
        "Written at: /b/secrets. Not written at: /a/secrets. The next apply repeats",
    ] {
        assert!(told.contains(words), "{words:?} in {told}");
    }
    assert!(!told.contains("6f1d0c2b9a7e4835"), "{told}");
    service.held().broken.insert("b".to_owned());
    service.held().entries.clear();
    let error = deliver(&service, VALUE).await.unwrap_err();
    assert_eq!(error.effect, Effect::None, "nothing was written anywhere");
    assert!(error.sentence().contains("Written at: none."), "{error}");

    service.held().broken.clear();
    let receipt = deliver(&service, VALUE).await.unwrap();
    let held = |instance: &str| service.held().entries[instance]["KEY"].0.clone();
    assert_eq!([held("a"), held("b")], [VALUE, VALUE]);
    assert_eq!(whose(&service, &receipt).await, Verdict::Recorded);
}

#[tokio::test]
async fn an_instance_that_lost_the_entry_or_got_another_is_a_change() {
    let service = Service::start().await;
    let receipt = deliver(&service, "one").await.unwrap();
    service.held().entries.get_mut("b").unwrap().clear();
    assert_eq!(whose(&service, &receipt).await, Verdict::Foreign);
    let receipt = deliver(&service, "one").await.unwrap();
    service.held().entries.get_mut("a").unwrap().get_mut("KEY").unwrap().1 += 60;
    assert_eq!(whose(&service, &receipt).await, Verdict::Foreign);
    for instance in ["a", "b"] {
        service.held().entries.get_mut(instance).unwrap().clear();
    }
    assert_eq!(whose(&service, &receipt).await, Verdict::Empty);
}

#[tokio::test]
async fn every_instance_is_emptied_by_the_address_alone() {
    let service = Service::start().await;
    deliver(&service, "one").await.unwrap();
    let (_, address) = target(&service, &arguments());
    let connections = service.connections();
    let slot = (KIND.slot)(&address.to_string().parse().unwrap(), &connections.link("service")).unwrap();
    service.held().entries.get_mut("a").unwrap().clear();
    slot.remove(&WritePermit::granted_by_apply()).await.unwrap();
    assert!(
        service
            .held()
            .entries
            .values()
            .all(std::collections::BTreeMap::is_empty)
    );
}

#[tokio::test]
async fn an_address_that_was_tampered_with_leads_nowhere() {
    let service = Service::start().await;
    let (_, address) = target(&service, &arguments());
    let connections = service.connections();
    let link = connections.link("service");
    for (from, to) in [
        ("\"/a/secrets\"", "\"@evil.example/\""),
        ("\"DELETE\"", "\"TRACE\""),
        (",\"/b/secrets/KEY\"", ""),
        ("secrets/KEY#", "secrets/OTHER#"),
        ("#{", "#"),
    ] {
        let text = address.to_string().replacen(from, to, 1);
        assert_ne!(text, address.to_string());
        let address: Address = text.parse().unwrap();
        if let Ok(slot) = (KIND.slot)(&address, &link) {
            assert_eq!(to, "secrets/OTHER#", "{text}");
            assert_eq!(slot.inspect_directly().await, Ok(None));
        }
    }
}

#[tokio::test]
async fn a_list_that_is_not_as_described_is_no_empty_one() {
    let service = Service::start().await;
    deliver(&service, "one").await.unwrap();
    let next = Some("<https://service.example/a/secrets?page=2>; rel=\"next\"");
    for (list, link, words) in [
        (json!({ "data": [] }), next, "more pages"),
        (
            json!({ "data": [], "has_more": true }),
            None,
            "more pages (its field has_more says so)",
        ),
        (json!([]), None, "no JSON array at /data"),
        (json!({ "data": [{ "name": "KEY" }] }), None, "no text at \"/key\""),
        (
            json!({ "data": [{ "key": "KEY", "at": "soon" }] }),
            None,
            "no time at \"/at\"",
        ),
    ] {
        service.held().list = Some((list, link));
        let (target, _) = target(&service, &arguments());
        let error = target.slot().inspect().await.unwrap_err();
        assert_eq!(
            (error.kind.clone(), error.effect),
            (CallErrorKind::Malformed, Effect::None)
        );
        assert!(error.message.contains(words), "{error}");
    }
    // Once the write is confirmed, such a list takes nothing back.
    let receipt = deliver(&service, "two").await.unwrap();
    assert_eq!((receipt.revision, receipt.written_at), (None, None));
    assert_eq!(service.held().entries["b"]["KEY"].0, "two");
}

#[tokio::test]
async fn without_a_list_an_entry_may_always_exist() {
    let service = Service::start().await;
    let bare = Value::object([
        ("urls", list(&["/a/secrets"])),
        ("headers", Value::object([("X-Value", Value::string("{{ value }}"))])),
    ]);
    let (target, _) = target(&service, &bare);
    let seen = target.slot().inspect().await.unwrap().unwrap();
    assert_eq!((seen.revision, seen.modified_at), (None, None));
    let why = target
        .slot()
        .remove(&WritePermit::granted_by_apply())
        .await
        .unwrap_err();
    assert_eq!((why.kind.clone(), why.effect), (CallErrorKind::Invalid, Effect::None));
    assert!(service.held().asked.is_empty());
}

#[test]
fn mistakes_are_told_in_words() {
    let text = Value::string;
    let with = |name: &'static str, value: Value| arguments().with(name, value);
    let read = |name: &'static str, value: Value| with("read", arguments().get("read").clone().with(name, value));
    for (arguments, words) in [
        (with("urls", list(&[])), "urls is empty"),
        (with("urls", list(&["/a", "/a"])), "urls[1] is set twice"),
        (with("urls", list(&["/{{ value }}"])), "urls[0] cannot be used"),
        (with("urls", list(&["/a?token=abc"])), "urls[0] cannot be used"),
        (with("body", text("{}")), "body is required"),
        (
            with("body", text("{{ password }}")),
            "body refers to the unknown part \"password\"",
        ),
        (
            with("headers", Value::object([("X-Api-Key", text("abc"))])),
            "contains a credential in plain text",
        ),
        (read("name", text("key")), "read.name is not a JSON Pointer"),
        (read("urls", list(&["/a"])), "read.urls cannot be used"),
        (read("time", Value::Null), "remove requires read.time"),
        (
            with("remove", Value::object([("urls", list(&["/a"]))])),
            "remove.urls cannot be used",
        ),
        (
            with("expect_status", Value::List(vec![Value::number(404)])),
            "expect_status[0] must be",
        ),
    ] {
        let mut problems = Diagnostics::new();
        let config = (KIND.parse)(
            &Node::root(&arguments, Origin::Configuration),
            Some("KEY"),
            &mut problems,
        );
        let told: Vec<&str> = problems.iter().map(|problem| problem.summary.as_str()).collect();
        assert!(
            config.is_none() && told.len() == 1 && told[0].contains(words),
            "{words:?} in {told:?}"
        );
    }
}

#[test]
fn a_value_that_would_break_the_body_is_refused_before_anything_is_sent() {
    let mut problems = Diagnostics::new();
    let arguments = arguments();
    let node = Node::root(&arguments, Origin::Configuration);
    let config = (KIND.parse)(&node, Some("KEY"), &mut problems).unwrap();
    let said = config.accepts(&Secret::new("a\",\"x\":\"b".to_owned())).unwrap_err();
    assert!(said.contains("{{ value | json }}"), "{said}");
}
