//! States of older formats, given the shape of the current one. Shape only: values are judged where something is done with them.
//!
//! Version 0 kept notices as sentences, and addresses without the account, region or host that they are in. Version 1 kept typed
//! arguments, `pending` as sentences and `credentials` as a list. Version 2 had no `incident_revoke` and no `renamed_to`, version 3 no
//! `credentials[].escrow` and no `continues_at`, which are then null, and no set of public keys, which then has the one that there is.

use serde_json::{Map, Value, json};

use crate::address::{ANY, Address};
use crate::source::{self, Maker, key_set};

/// The JSON of a state in the current shape. What is not JSON, or not of an older version, stays as it is.
pub fn reshape(version: i64, state: Vec<u8>) -> Vec<u8> {
    let known = (0..=3).contains(&version);
    let parsed = known.then(|| serde_json::from_slice::<Value>(&state).ok()).flatten();
    let Some(Value::Object(mut object)) = parsed else {
        return state;
    };
    if version == 0 {
        complete_places(&mut object);
    }
    if version <= 1 {
        computed(&mut object);
        arguments(&mut object);
    }
    let is_published = public_keys(&mut object);
    if version > 1 && !is_published {
        return state;
    }
    Value::Object(object).to_string().into_bytes()
}

/// Whether there is a public key, which then is the only one of its set.
fn public_keys(object: &mut Map<String, Value>) -> bool {
    let Some(Value::Object(public)) = object.get_mut("public") else {
        return false;
    };
    let jwk = public.get(key_set::PUBLIC_JWK).and_then(Value::as_str);
    let Some(key) = jwk.and_then(key_set::key) else {
        return false;
    };
    public.insert(key_set::JWKS.to_owned(), json!(key_set::set([key.as_str()])));
    true
}

/// Notices of version 0 are found anew by the next refresh, and places are completed by it.
fn complete_places(object: &mut Map<String, Value>) {
    if let Some(notices) = object.get_mut("notices").filter(|notices| notices.is_array()) {
        *notices = Value::Array(Vec::new());
    }
    for (list, address) in [("credentials", "issuer"), ("deliveries", "slot")] {
        let records: Vec<&mut Value> = match object.get_mut(list) {
            Some(Value::Array(records)) => records.iter_mut().collect(),
            Some(Value::Object(records)) => records.values_mut().collect(),
            _ => Vec::new(),
        };
        for record in records {
            if let Some(Value::String(text)) = record.get_mut(address) {
                *text = with_open_place(text);
            }
        }
    }
}

fn computed(object: &mut Map<String, Value>) {
    // The next refresh finds what is due.
    if object.get("pending").is_some_and(Value::is_array) {
        object.insert("pending".to_owned(), json!([]));
    }
    if object.contains_key("id") {
        object.insert("steps".to_owned(), json!([]));
        object.insert("incidents".to_owned(), json!([]));
    }
    if let Some(Value::Array(credentials)) = object.get("credentials") {
        let keyed: Map<String, Value> = credentials.iter().filter_map(keyed_by_generation).collect();
        object.insert("credentials".to_owned(), Value::Object(keyed));
    }
    let Some(Value::Object(rotation)) = object.get_mut("last_rotation") else {
        return;
    };
    rotation.remove("incident_id");
    let cause = rotation.get("reason").and_then(Value::as_str).map(cause_of);
    rotation.insert("cause".to_owned(), cause.map_or(Value::Null, Value::from));
    for check in rotation
        .get_mut("checks")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if check.get("result") == Some(&json!("not run"))
            && let Some(result) = check.get_mut("result")
        {
            *result = json!("skipped");
        }
    }
}

fn keyed_by_generation(credential: &Value) -> Option<(String, Value)> {
    let mut record = credential.as_object()?.clone();
    let generation = record.remove("generation")?;
    let issuer = record
        .get("issuer")
        .and_then(Value::as_str)
        .and_then(|text| text.parse::<Address>().ok());
    let kind = issuer.and_then(|issuer| source::kind(&issuer.kind));
    if kind.is_some_and(|kind| kind.maker == Maker::Us) {
        record.insert("issuer".to_owned(), Value::Null);
    }
    Some((generation.to_string(), Value::Object(record)))
}

/// What asked for a rotation, told from the sentence that version 1 kept.
fn cause_of(reason: &str) -> &'static str {
    match reason {
        "first create" => "created",
        _ if reason.starts_with("every ") => "schedule",
        _ if reason.starts_with("the credential expires ") => "expiry",
        _ if reason.starts_with("source changed") => "source",
        _ if reason.starts_with("triggers[") => "trigger",
        _ if reason.contains("cannot be recovered") || reason.contains("is gone at its issuer") => "value_lost",
        _ => "requested",
    }
}

fn arguments(object: &mut Map<String, Value>) {
    if let Some(reason) = object.remove("rotate_now") {
        object.insert("rotation_reason".to_owned(), reason);
    }
    if let Some(Value::Object(info)) = object.get_mut("info") {
        info.retain(|_, value| !value.is_null());
    }
    for name in ["source", "targets", "checks"] {
        if let Some(argument) = object.get_mut(name) {
            without_nulls(argument);
        }
    }
    supplied(object);
    parts(object);
    overlap(object);
    for name in ["source", "targets", "checks"] {
        if let Some(argument) = object.get_mut(name).filter(|argument| !argument.is_null()) {
            let kind = type_of(argument);
            *argument = json!({ "value": argument, "type": kind });
        }
    }
}

/// The version of a supplied value stands beside the source now.
fn supplied(object: &mut Map<String, Value>) {
    let provided = object.get_mut("source").and_then(|source| source.get_mut("provided"));
    if let Some(version) = provided
        .and_then(Value::as_object_mut)
        .and_then(|provided| provided.remove("value_wo_version"))
    {
        object.insert("value_wo_version".to_owned(), version);
    }
}

/// A source with several parts had a default: the first.
fn parts(object: &mut Map<String, Value>) {
    let source = object.get("source").and_then(Value::as_object);
    let kind = source.and_then(|source| source.keys().find_map(|name| source::kind(name)));
    let Some(first) = kind
        .filter(|kind| kind.parts.len() > 1)
        .and_then(|kind| kind.parts.first())
    else {
        return;
    };
    let targets = object.get_mut("targets").and_then(Value::as_object_mut);
    for target in targets.into_iter().flat_map(|targets| targets.values_mut()) {
        if let Some(target) = target.as_object_mut()
            && !target.contains_key("template")
            && target.get("part").is_none_or(|part| part == "value")
        {
            target.insert("part".to_owned(), json!(first));
        }
    }
}

/// The default was a day wherever consumers load the value in their own time.
fn overlap(object: &mut Map<String, Value>) {
    let targets = object.get("targets").and_then(Value::as_object);
    let in_their_own_time = |target: &Value| {
        let fly = target.get("fly_secret");
        fly.is_none_or(|fly| fly.get("stage") == Some(&Value::Bool(true)))
    };
    let deferred = targets.is_some_and(|targets| targets.values().any(in_their_own_time));
    if deferred && object.get("overlap").is_some_and(Value::is_null) {
        object.insert("overlap".to_owned(), json!("24h"));
    }
}

fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(items) => {
            items.retain(|_, item| !item.is_null());
            items.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

/// The type of a value as its author would have written it (go-cty's type JSON).
fn type_of(value: &Value) -> Value {
    match value {
        Value::Null => json!("dynamic"),
        Value::Bool(_) => json!("bool"),
        Value::Number(_) => json!("number"),
        Value::String(_) => json!("string"),
        Value::Array(items) => json!(["tuple", items.iter().map(type_of).collect::<Vec<_>>()]),
        Value::Object(items) => {
            let types: Map<String, Value> = items.iter().map(|(name, item)| (name.clone(), type_of(item))).collect();
            json!(["object", types])
        }
    }
}

/// An address whose place the next refresh completes. What we generate, or a person supplies, is issued nowhere.
fn with_open_place(text: &str) -> String {
    let Ok(address) = text.parse::<Address>() else {
        return text.to_owned();
    };
    let is_nowhere = source::kind(&address.kind).is_some_and(|kind| !kind.revocable);
    if is_nowhere || !address.place.is_empty() {
        return text.to_owned();
    }
    Address {
        place: ANY.to_owned(),
        ..address
    }
    .to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reshaped(version: i64, old: &Value) -> Value {
        serde_json::from_slice(&reshape(version, old.to_string().into_bytes())).unwrap()
    }

    #[test]
    fn addresses_of_version_0_are_completed_later() {
        let old = json!({
            "notices": ["something"],
            "credentials": [
                { "generation": 2, "issuer": "fly_token:default:app/a" },
                { "generation": 1, "issuer": "random:default:" },
            ],
            "deliveries": { "ps": { "slot": "ssm_parameter:default:/a/B" } },
            "name": "KEY",
        });
        let expected = json!({
            "notices": [],
            "credentials": {
                "2": { "issuer": "fly_token:default://*/app/a" },
                "1": { "issuer": null },
            },
            "deliveries": { "ps": { "slot": "ssm_parameter:default://*//a/B" } },
            "name": "KEY",
        });
        assert_eq!(reshaped(0, &old), expected);
        for (version, text) in [(0, "no JSON"), (2, "{\"notices\":[\"x\"]}")] {
            assert_eq!(reshape(version, text.as_bytes().to_vec()), text.as_bytes());
        }
    }

    #[test]
    fn typed_arguments_of_version_1_become_dynamic() {
        let old = json!({
            "id": "ab",
            "rotate_now": "leaked",
            "info": { "owner": "me", "contact": null },
            "overlap": null,
            "source": { "provided": { "value_wo": null, "value_wo_version": 3, "credential_id": null }, "random": null },
            "targets": { "web": { "wave": 2, "part": null, "ssm_parameter": { "name": "/a", "tags": { "k": "v" } }, "fly_secret": null } },
            "checks": null,
            "pending": ["rotate: every 90d"],
            "last_rotation": { "reason": "first create", "incident_id": null, "checks": [{ "result": "not run" }] },
        });
        let expected = json!({
            "id": "ab",
            "rotation_reason": "leaked",
            "info": { "owner": "me" },
            "overlap": "24h",
            "value_wo_version": 3,
            "source": { "value": { "provided": {} }, "type": ["object", { "provided": ["object", {}] }] },
            "targets": {
                "value": { "web": { "wave": 2, "ssm_parameter": { "name": "/a", "tags": { "k": "v" } } } },
                "type": ["object", { "web": ["object", {
                    "wave": "number",
                    "ssm_parameter": ["object", { "name": "string", "tags": ["object", { "k": "string" }] }],
                }] }],
            },
            "checks": null,
            "pending": [],
            "steps": [],
            "incidents": [],
            "last_rotation": { "reason": "first create", "cause": "created", "checks": [{ "result": "skipped" }] },
        });
        assert_eq!(reshaped(1, &old), expected);
    }

    #[test]
    fn a_source_with_several_parts_keeps_what_it_delivered() {
        let old = json!({
            "source": { "neon_role_password": { "role": "app" } },
            "targets": { "a": { "fly_secret": {} }, "b": { "template": "{{ uri }}", "fly_secret": {} } },
        });
        let targets = reshaped(1, &old)["targets"]["value"].clone();
        assert_eq!(targets["a"]["part"], "password");
        assert_eq!(targets["b"].get("part"), None);
    }
}
