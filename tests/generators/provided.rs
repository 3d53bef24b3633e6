//! The source `provided`.

use rotation_provider::call::{Effect, WritePermit};
use rotation_provider::source::Credential;
use rotation_provider::terraform::{Origin, Value};

use super::{configured, connect, mint, order, parse, part, problem};

const VALUE: &str = "sk_live_51Hxyz-canary";

fn arguments(value: Value, version: u64) -> Value {
    Value::object([("value_wo", value), ("value_wo_version", Value::number(version))])
}

fn given() -> Value {
    arguments(Value::string(VALUE), 1)
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
async fn the_vendors_handle_becomes_the_credentials_id() {
    let minted = mint("provided", &given().with("credential_id", Value::string("key_42"))).await;
    assert_eq!(minted.credential.unwrap().id, "key_42");
}

#[tokio::test]
async fn state_lacks_the_value_which_is_no_mistake_but_nothing_to_mint_from() {
    let (config, problems) = parse("provided", &arguments(Value::Null, 1), Origin::State);
    assert!(problems.is_empty(), "{problems:?}");
    let config = config.unwrap();
    assert!(!config.traits().reveals);
    assert_eq!(config.fingerprint(), configured("provided", &given()).fingerprint());
    let error = connect(&*config)
        .mint(&order(1), &WritePermit::granted_by_apply())
        .await
        .unwrap_err();
    assert_eq!(error.effect, Effect::None);
    assert!(error.to_string().contains("value_wo"), "{error}");
}

#[test]
fn the_version_and_not_the_value_is_what_rotates() {
    let first = configured("provided", &given()).fingerprint();
    assert_eq!(
        configured("provided", &arguments(Value::string("another"), 1)).fingerprint(),
        first
    );
    assert_ne!(
        configured("provided", &arguments(Value::string(VALUE), 2)).fingerprint(),
        first
    );
    assert!(!first.contains(VALUE));
}

#[test]
fn a_value_that_switches_something_off_unnoticed_is_refused() {
    for (value, words) in [
        (Value::Null, "required"),
        (Value::string(""), "is empty"),
        (Value::string(format!("{VALUE}\n")), "white space"),
        (Value::string(format!("\t{VALUE}")), "white space"),
        (Value::string(" "), "white space"),
    ] {
        let (path, text) = problem("provided", &arguments(value, 1));
        assert_eq!(path, "value_wo", "{text}");
        assert!(text.contains(words) && !text.contains("canary"), "{text}");
    }
    let (path, _) = problem("provided", &Value::object([("value_wo", Value::string(VALUE))]));
    assert_eq!(path, "value_wo_version");
}

#[test]
fn a_value_that_is_known_only_later_is_no_mistake() {
    let (config, problems) = parse("provided", &arguments(Value::unknown(), 1), Origin::Configuration);
    assert!(config.is_none() && problems.is_empty());
}
