//! The source `provided`.

use rotation_provider::call::{Effect, WritePermit};
use rotation_provider::source::{self, Credential, Maker};
use rotation_provider::terraform::{Origin, Value};

use super::{configured, connect, mint, order, parse, part, problem};

const VALUE: &str = "sk_live_51Hxyz-canary";

fn arguments(value: Value, version: u64) -> Value {
    Value::object([("value_wo", value), ("value_wo_version", Value::number(version))])
}

fn given() -> Value {
    arguments(Value::string(VALUE), 1)
}

fn list(names: &[&str]) -> Value {
    Value::List(names.iter().map(|name| Value::string(*name)).collect())
}

/// Two parts, and what `parts_wo` says of them.
fn pair(parts: Value) -> Value {
    Value::object([
        ("part_names", list(&["key_id", "secret"])),
        ("parts_wo", parts),
        ("value_wo_version", Value::number(1)),
    ])
}

fn both(key_id: Value, secret: Value) -> Value {
    Value::object([("key_id", key_id), ("secret", secret)])
}

#[tokio::test]
async fn the_value_is_taken_as_it_was_given_and_can_be_had_again() {
    let minted = mint("provided", &given()).await;
    assert_eq!(part(&minted, "value"), VALUE);
    assert_eq!(minted.credential, None);
    let config = configured("provided", &given());
    assert!(config.traits().reveals && !config.traits().generated && !config.traits().revocable);
    let credential = Credential {
        id: String::new(),
        name: None,
        minted_at: None,
        expires_at: None,
    };
    let revealed = connect(&*config).reveal(&credential, &order(1)).await.unwrap().unwrap();
    assert_eq!(part(&revealed, "value"), VALUE);
}

#[tokio::test]
async fn several_parts_are_supplied_under_their_names() {
    let arguments = pair(both(Value::string("AKIA1"), Value::string(VALUE)));
    let minted = mint("provided", &arguments).await;
    assert_eq!(
        (part(&minted, "key_id"), part(&minted, "secret")),
        ("AKIA1".to_owned(), VALUE.to_owned())
    );
    let config = configured("provided", &arguments);
    assert_eq!(config.parts().to_string(), "key_id, secret");
    assert_eq!(config.parts().sole(), None);
    assert_eq!(config.in_words(), "supplied value of key_id, secret, version 1");
}

#[tokio::test]
async fn the_vendors_handle_becomes_the_credentials_id() {
    let arguments = given().with("credential_id", Value::string("key_42"));
    assert_eq!(mint("provided", &arguments).await.credential.unwrap().id, "key_42");
    let config = configured("provided", &arguments);
    let supplied = config.supplied().unwrap();
    assert_eq!((supplied.version, supplied.credential_id), (1, Some("key_42")));
    assert!(supplied.at_hand && supplied.parts.is_some());
    assert_eq!(config.in_words(), "supplied value, version 1 (key_42)");
    let fernet = configured("fernet_key", &Value::object([]));
    assert!(fernet.supplied().is_none());
}

#[tokio::test]
async fn a_run_without_the_value_is_no_mistake_but_has_nothing_to_mint_from() {
    let incomplete = pair(both(Value::Null, Value::string(VALUE)));
    for (arguments, argument) in [
        (arguments(Value::Null, 1), "value_wo"),
        (pair(Value::Null), "parts_wo"),
        (incomplete, "parts_wo"),
    ] {
        for origin in [Origin::State, Origin::Configuration] {
            let (config, problems) = parse("provided", &arguments, origin);
            assert!(problems.is_empty(), "{problems:?}");
            let config = config.unwrap();
            assert!(!config.supplied().unwrap().at_hand && !config.traits().reveals);
            assert_eq!(config.fingerprint(), configured("provided", &given()).fingerprint());
            let error = connect(&*config)
                .mint(&order(1), &WritePermit::granted_by_apply())
                .await
                .unwrap_err();
            assert_eq!(error.effect, Effect::None);
            assert!(error.to_string().contains(&format!("{argument} is not set")), "{error}");
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }
}

#[test]
fn a_value_that_only_the_apply_knows_counts_as_supplied() {
    let some = both(Value::unknown(), Value::string(VALUE));
    for arguments in [arguments(Value::unknown(), 1), pair(Value::unknown()), pair(some)] {
        let config = configured("provided", &arguments);
        assert!(config.supplied().unwrap().at_hand);
    }
    // Without the names or the version nothing is known.
    for unknown in ["part_names", "value_wo_version", "credential_id"] {
        let arguments = pair(Value::Null).with(unknown, Value::unknown());
        let (config, problems) = parse("provided", &arguments, Origin::Configuration);
        assert!(config.is_none() && problems.is_empty(), "{problems:?}");
    }
}

#[test]
fn the_version_and_neither_value_nor_id_is_what_rotates() {
    let first = configured("provided", &given()).fingerprint();
    assert_eq!(
        configured("provided", &arguments(Value::string("another"), 1)).fingerprint(),
        first
    );
    let renamed = given().with("credential_id", Value::string("key_42"));
    assert_eq!(configured("provided", &renamed).fingerprint(), first);
    let second = configured("provided", &arguments(Value::string(VALUE), 2));
    assert_ne!(second.fingerprint(), first);
    assert_eq!(second.what_changed(&first), "value_wo_version changed from 1 to 2");
    assert!(!first.contains(VALUE));
}

#[test]
fn a_value_that_switches_something_off_unnoticed_is_refused() {
    for (value, words) in [
        (Value::string(format!("{VALUE}\n")), "template = \"{{ value }}\\n\""),
        (Value::string(format!("\t{VALUE}")), "white space"),
        (Value::string(" "), "white space"),
    ] {
        let (path, text) = problem("provided", &arguments(value.clone(), 1));
        assert_eq!(path, "value_wo", "{text}");
        assert!(text.contains(words) && !text.contains("canary"), "{text}");
        let (path, text) = problem("provided", &pair(both(Value::string("AKIA1"), value)));
        assert_eq!(path, "parts_wo[\"secret\"]", "{text}");
        assert!(text.contains(words) && !text.contains("canary"), "{text}");
    }
    let (path, _) = problem("provided", &given().with("credential_id", Value::string("key_42\n")));
    assert_eq!(path, "credential_id");
    let (path, text) = problem("provided", &Value::object([("value_wo", Value::string(VALUE))]));
    assert_eq!(path, "value_wo_version");
    assert!(text.contains("required") && text.contains("Set it to 1"), "{text}");
}

#[test]
fn one_value_or_several_under_the_names_that_are_declared() {
    let whole = both(Value::string("AKIA1"), Value::string(VALUE));
    for (arguments, at, words) in [
        (
            pair(whole.clone()).with("value_wo", Value::string(VALUE)),
            "parts_wo",
            "parts_wo and value_wo cannot both be set",
        ),
        (
            pair(Value::Null).with("value_wo", Value::string(VALUE)),
            "value_wo",
            "value_wo and part_names cannot both be set",
        ),
        (
            pair(whole.clone()).with("part_names", Value::Null),
            "parts_wo",
            "parts_wo requires part_names",
        ),
        (
            pair(Value::object([("key_id", Value::string("AKIA1"))])),
            "parts_wo",
            "secret is missing",
        ),
        (
            pair(whole.with("extra", Value::string(VALUE))),
            "parts_wo",
            "extra is not in part_names",
        ),
        (pair(Value::string(VALUE)), "parts_wo", "must be a map"),
    ] {
        let (path, text) = problem("provided", &arguments);
        assert_eq!(path, at, "{text}");
        assert!(text.contains(words) && !text.contains("canary"), "{text}");
    }
}

#[test]
fn names_of_parts_fit_templates() {
    let kind = source::kind("provided").unwrap();
    assert_eq!(kind.maker, Maker::Person);
    let names = |value: Value| Value::object([("part_names", value), ("value_wo_version", Value::number(1))]);
    for (wrong, words) in [
        (list(&[]), "It is empty"),
        (list(&["a", "b", "a"]), "lists \"a\" twice"),
        (list(&["key-id"]), "\"key-id\" does not fit"),
        (list(&["1a"]), "\"1a\" does not fit"),
        (list(&["key", "value"]), "\"value\" has a special meaning"),
        (list(&["previous"]), "\"previous\" has a special meaning"),
    ] {
        let (path, text) = problem("provided", &names(wrong.clone()));
        assert_eq!(path, "part_names", "{text}");
        assert!(text.contains(words), "{text}");
        let node = names(wrong);
        let node = rotation_provider::terraform::Node::root(&node, Origin::Configuration);
        assert_eq!((kind.parts_of)(&node), None);
    }
    for (right, parts) in [
        (Value::Null, Some(vec!["value".to_owned()])),
        (list(&["key_id"]), Some(vec!["key_id".to_owned()])),
        (Value::unknown(), None),
    ] {
        let node = names(right);
        let node = rotation_provider::terraform::Node::root(&node, Origin::Configuration);
        assert_eq!(
            (kind.parts_of)(&node).map(|parts| parts.to_string()),
            parts.map(|parts| parts.join(", "))
        );
    }
}
