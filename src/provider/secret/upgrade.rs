//! States of older formats, given the shape of the current one.
//!
//! Version 0 kept notices as sentences, and addresses without the account, region or host that they are in.

use serde_json::Value;

use crate::address::{ANY, Address};
use crate::source;

/// The JSON of a state in the current shape. What is not JSON, or not of an older version, stays as it is.
pub fn reshape(version: i64, state: Vec<u8>) -> Vec<u8> {
    let parsed = (version == 0)
        .then(|| serde_json::from_slice::<Value>(&state).ok())
        .flatten();
    let Some(mut parsed) = parsed else { return state };
    if let Some(notices) = parsed.get_mut("notices").filter(|notices| notices.is_array()) {
        // The next refresh finds what still holds.
        *notices = Value::Array(Vec::new());
    }
    for (list, address) in [("credentials", "issuer"), ("deliveries", "slot")] {
        let records: Vec<&mut Value> = match parsed.get_mut(list) {
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
    parsed.to_string().into_bytes()
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

    #[test]
    fn addresses_of_version_0_are_completed_later() {
        let old = json!({
            "notices": ["something"],
            "credentials": [{ "issuer": "fly_token:default:app/a" }, { "issuer": "random:default:" }],
            "deliveries": { "ps": { "slot": "ssm_parameter:default:/a/B" } },
            "name": "KEY",
        });
        let new: Value = serde_json::from_slice(&reshape(0, old.to_string().into_bytes())).unwrap();
        let expected = json!({
            "notices": [],
            "credentials": [{ "issuer": "fly_token:default://*/app/a" }, { "issuer": "random:default:" }],
            "deliveries": { "ps": { "slot": "ssm_parameter:default://*//a/B" } },
            "name": "KEY",
        });
        assert_eq!(new, expected);
        for (version, text) in [(0, "no JSON"), (1, "{\"notices\":[\"x\"]}")] {
            assert_eq!(reshape(version, text.as_bytes().to_vec()), text.as_bytes());
        }
    }
}
