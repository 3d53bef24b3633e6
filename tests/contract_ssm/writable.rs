//! What AWS would refuse once the value is on its way is refused before anything is minted.

use futures::future::join;
use rotation_provider::call::{CallErrorKind, Effect};
use rotation_provider::terraform::Value;
use serde_json::json;

use super::moto::Moto;
use super::scripted_aws::{Reply, ScriptedAws};
use super::{CANARY, NAME, connections, deliver, named, target_of};

fn configured(kind: &str, tier: Option<&str>) -> Value {
    let configuration = named(NAME).with("type", Value::string(kind));
    match tier {
        Some(tier) => configuration.with("tier", Value::string(tier)),
        None => configuration,
    }
}

#[tokio::test]
async fn another_type_and_a_lower_tier_are_refused_by_the_call_that_inspects() {
    for (kind, tier, wanted, words) in [
        ("SecureString", "Standard", ("SecureString", None), None),
        ("SecureString", "Standard", ("SecureString", Some("Advanced")), None),
        ("SecureString", "Advanced", ("SecureString", None), None),
        (
            "SecureString",
            "Advanced",
            ("SecureString", Some("Intelligent-Tiering")),
            None,
        ),
        (
            "SecureString",
            "Advanced",
            ("SecureString", Some("Standard")),
            Some("it is Advanced; AWS does not downgrade: set tier = \"Advanced\" or delete the parameter"),
        ),
        (
            "String",
            "Standard",
            ("SecureString", None),
            Some(
                "it is a String, `type` is \"SecureString\", and a parameter cannot change its type: set type = \"String\", choose \
                  another name, or delete the parameter",
            ),
        ),
        (
            "StringList",
            "Standard",
            ("String", None),
            Some(
                "it is a StringList, `type` is \"String\", and a parameter cannot change its type: choose another name, or delete \
                  the parameter",
            ),
        ),
    ] {
        let listed =
            json!({ "Name": NAME, "Type": kind, "Tier": tier, "Version": 7, "LastModifiedDate": 1_800_000_000 });
        let aws = ScriptedAws::start(move |_, _| Reply::Answer(200, json!({ "Parameters": [listed] }))).await;
        let target = target_of(configured(wanted.0, wanted.1), &connections(aws.url()));
        let (entry, writable) = join(target.slot().inspect(), target.check_writable()).await;
        assert!(entry.expect("a refresh can still look at it").is_some());
        assert_eq!(aws.operations(), ["DescribeParameters"]);
        let Some(words) = words else {
            writable.expect("it can be written");
            continue;
        };
        let error = writable.expect_err(words);
        assert_eq!(
            (&error.kind, error.effect),
            (&CallErrorKind::Conflict, Effect::None),
            "{error}"
        );
        assert_eq!(error.answer(), format!("AWS SSM: {words}."));
        let error = deliver(&*target, NAME, CANARY, 1).await.expect_err(words);
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(aws.count("PutParameter"), 0);
    }
}

#[tokio::test]
async fn what_moto_lists_of_type_and_tier_is_understood() {
    let moto = Moto::start();
    let connections = connections(&moto.url());
    let target = |kind, tier| target_of(configured(kind, tier), &connections);
    let advanced = target("SecureString", Some("Advanced"));
    advanced.check_writable().await.expect("nothing is there");
    deliver(&*advanced, NAME, CANARY, 1).await.expect("put");
    advanced.check_writable().await.expect("as it is");
    for other in [
        target("SecureString", Some("Standard")),
        target("String", Some("Advanced")),
    ] {
        let error = other.check_writable().await.expect_err("refused");
        assert_eq!(error.kind, CallErrorKind::Conflict, "{error}");
    }
}
