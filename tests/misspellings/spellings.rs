//! Right spellings, in every form that the language allows: none is refused.

use std::collections::BTreeSet;

use rotation_provider::provider::secret::schema;
use rotation_provider::terraform::{Mode, Type};
use serde_json::{Value as Json, json};

use crate::configurations::*;

#[test]
fn no_right_spelling_is_refused() {
    let mut complete_ones = 0;
    for attribute in ["source", "targets", "checks", "activations"] {
        let mut used: BTreeSet<(String, String)> = BTreeSet::new();
        for (kind, secret) in complete(attribute) {
            complete_ones += 1;
            let found = errors(&secret);
            assert!(found.is_empty(), "{kind}: {found:#?}");
            let mut secret = secret;
            let object = at(&mut secret, attribute, Some(kind)).as_object().unwrap();
            used.extend(object.keys().map(|key| (kind.to_owned(), key.clone())));
        }
        // No argument of any kind is left out above.
        for kind in kinds_of(attribute) {
            for inner in kind_of(kind).into_iter().flatten() {
                let argument = (kind.name.to_owned(), inner.name.to_owned());
                assert!(used.contains(&argument), "{argument:?} is in no complete configuration");
            }
        }
    }
    let everything = json!({
        "name": "FLY_API_TOKEN",
        "info": {
            "purpose": "deploys", "owner": "platform", "impact": "401", "contact": "#platform", "class": "ci",
            "docs_url": "https://docs.example",
        },
        "readers": ["ci", "deploy-engineer"],
        "source": { "fly_token": { "app": "molecule-cp", "expires_in": "2400h" } },
        "targets": {
            "control plane": { "wave": 1, "fly_secret": { "app": "molecule-cp", "stage": false }, "impact": "401" },
            "image_publish": { "wave": 2, "github_actions_secret": { "repository": "molecule-ai/monorepo" } },
            "runtime/eu-1": { "wave": 2, "ssm_parameter": { "name": "/molecule/FLY_API_TOKEN" }, "on_remove": "keep" },
        },
        "checks": {
            "up": { "wave": 1, "http": { "url": "https://app.example/health" } },
            "before": { "phase": "preflight", "http": { "url": "https://app.example/health", "credential": "none" } },
            "published": { "github_workflow": { "repository": "molecule-ai/monorepo", "workflow": "publish.yml" } },
        },
        "rotation": { "every": "90d", "early": "7d", "overdue": null, "triggers": { "owner": "x" }, "window": null },
        "rotation_reason": "2026-11-22: left with a contractor",
        "overlap": "24h",
        "revoke": { "mode": "automatic", "quiet_for": null, "confirmed": 3 },
        "on_drift": "rotate",
        "on_existing": "replace",
        "on_destroy": "abandon",
        "label_prefix": "molecule-cp.rotation_1",
    });
    let found = told(&everything);
    assert!(found.is_empty(), "{found:#?}");
    println!("{complete_ones} complete configurations");
}

#[test]
fn the_languages_conversions_hold_and_null_is_absent() {
    let mut same = 0;
    let mut wrong = Vec::new();
    let mut holds = |secret: &Json| {
        same += 1;
        let found = told(secret);
        wrong.extend(found.iter().map(|problem| format!("{secret}: {}", text(problem))));
    };
    // Every optional argument null, then every optional text empty.
    let top = schema::schema().block;
    for nothing in [json!(null), json!("")] {
        for attribute in &top.attributes {
            let is_text = attribute.value_type() == Type::String;
            let writes_a_value = ["value_wo", "parts_wo"].contains(&attribute.name);
            if attribute.mode == Mode::Optional && (nothing.is_null() || (is_text && !writes_a_value)) {
                holds(&with(&plain(), attribute.name, nothing.clone()));
            }
            if attribute.mode == Mode::Computed && nothing.is_null() {
                holds(&with(&plain(), attribute.name, Json::Null));
            }
        }
        for attribute in ["source", "targets", "checks"] {
            let base = match attribute {
                "checks" => with(
                    &plain(),
                    "checks",
                    json!({ "web": { "http": { "url": "https://app.example/" } } }),
                ),
                _ => plain(),
            };
            for common in declared(attribute) {
                let is_text = common.value_type() == Type::String;
                let mut secret = base.clone();
                let object = at(&mut secret, attribute, None);
                if object.get(common.name).is_none() && (nothing.is_null() || is_text) {
                    object[common.name] = nothing.clone();
                    holds(&secret);
                }
                let mut secret = base.clone();
                let Some(inner) =
                    kind_of(common).filter(|_| at(&mut secret, attribute, None).get(common.name).is_some())
                else {
                    continue;
                };
                for argument in inner.iter().filter(|argument| argument.mode == Mode::Optional) {
                    let is_text = argument.value_type() == Type::String;
                    let mut secret = base.clone();
                    let object = at(&mut secret, attribute, Some(common.name));
                    if object.get(argument.name).is_none() && (nothing.is_null() || is_text) {
                        object[argument.name] = nothing.clone();
                        holds(&secret);
                    }
                }
            }
        }
    }
    for block in &top.blocks {
        holds(&with(&plain(), block.name, Json::Null));
        // A guard whose consequence turns out null must not vanish.
        if block.name == "guard" {
            continue;
        }
        let attributes = block
            .block
            .attributes
            .iter()
            .map(|attribute| (attribute.name.to_owned(), Json::Null));
        holds(&with(&plain(), block.name, Json::Object(attributes.collect())));
        holds(&with(&plain(), block.name, json!({})));
    }
    for (attribute, path, value) in [
        ("source", "random.bytes", json!("32")),
        ("source", "random.checksum", json!("true")),
        ("source", "random.prefix", json!(7)),
        ("targets", "web.wave", json!("2")),
        ("targets", "web.fly_secret.app", json!(7)),
        ("targets", "web.fly_secret.stage", json!("false")),
        ("targets", "web.impact", json!(true)),
        ("checks", "web.http.expect_status", json!(["200", 204])),
        ("checks", "web.http.headers", json!({ "X-Attempt": 1 })),
        ("checks", "web.effects", json!("true")),
        ("checks", "web.timeout", json!("15s")),
    ] {
        let mut secret = with(
            &plain(),
            "checks",
            json!({ "web": { "http": { "url": "https://app.example/" } } }),
        );
        let mut object = &mut secret[attribute];
        for step in path.split('.') {
            object = &mut object[step];
        }
        *object = value;
        holds(&secret);
    }
    // A resource that is not wholly known is not wrong.
    for (attribute, value) in [
        ("source", json!(UNKNOWN)),
        ("targets", json!(UNKNOWN)),
        ("targets", json!({ "web": UNKNOWN })),
        ("targets", json!({ "web": { "fly_secret": UNKNOWN } })),
        (
            "targets",
            json!({ "web": { "wave": UNKNOWN, "fly_secret": { "app": UNKNOWN } } }),
        ),
        (
            "targets",
            json!({ "web": { "fly_secret": { "app": "a" } }, "old": null }),
        ),
        ("checks", json!({ "web": UNKNOWN })),
        ("checks", json!({})),
        ("overlap", json!(UNKNOWN)),
        ("rotation", json!(UNKNOWN)),
        ("rotation_reason", json!(UNKNOWN)),
        ("rotation_reason", json!("true colours")),
        ("info", json!({ "owner": null, "purpose": UNKNOWN })),
    ] {
        holds(&with(&plain(), attribute, value));
    }
    none_of(&wrong);
    println!("{same} configurations that are as right as a plain one");
}
