//! One parameter: its versions, its labels, its tags, and the rules that a new version has to keep.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{ACCOUNT, USER, refuse};
use crate::call::{Call, Reply};
use crate::clock;

/// Versions that are kept.
const HISTORY: usize = 100;

#[derive(Clone)]
pub(super) struct Version {
    pub number: u64,
    pub value: String,
    pub kind: String,
    pub tier: String,
    pub key_id: Option<String>,
    pub description: Option<String>,
    pub labels: Vec<String>,
    /// Seconds since 1970, with a fraction.
    modified: f64,
    pub at: i64,
}

#[derive(Default, Clone)]
pub(super) struct Parameter {
    pub versions: Vec<Version>,
    pub tags: BTreeMap<String, String>,
}

/// The parameter's name rules (PutParameter, `Name`).
pub(super) fn check_name(name: &str) -> Result<(), Reply> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
    let bare = name.trim_start_matches('/').to_ascii_lowercase();
    let invalid = |message: &str| Err(refuse("ValidationException", message));
    if name.is_empty() || name.len() > 2048 || !name.chars().all(allowed) {
        return invalid("Parameter name: only letters, digits and the symbols _.-/ are allowed");
    }
    if bare.starts_with("aws") || bare.starts_with("ssm") {
        return invalid("Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive)");
    }
    if name.contains('/') && !name.starts_with('/') {
        return invalid("Parameter name must be a fully qualified name");
    }
    if name.split('/').filter(|level| !level.is_empty()).count() > 15 {
        return Err(refuse(
            "HierarchyLevelLimitExceededException",
            "A hierarchy can have a maximum of 15 levels",
        ));
    }
    Ok(())
}

impl Parameter {
    /// The version that a PutParameter call makes of what is there; changes nothing.
    pub(super) fn next(&self, call: &Call) -> Result<Version, Reply> {
        let text = |name: &str| call.text(name).map(str::to_owned);
        let invalid = |message: &str| refuse("ValidationException", message);
        let newest = self.versions.last();
        let overwrite = call.body.get("Overwrite").and_then(Value::as_bool).unwrap_or(false);
        if newest.is_some() && !overwrite {
            return Err(refuse(
                "ParameterAlreadyExists",
                "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
            ));
        }
        let value = text("Value")
            .filter(|value| !value.is_empty())
            .ok_or_else(|| invalid("Value is required"))?;
        if value.contains("{{") {
            return Err(invalid("Parameter value can't nest another parameter"));
        }
        let known_kind = newest.map(|newest| newest.kind.clone());
        let kind = text("Type").or(known_kind.clone());
        let kind = kind.ok_or_else(|| invalid("A parameter type is required when you create a parameter"))?;
        if !["String", "StringList", "SecureString"].contains(&kind.as_str()) {
            return Err(refuse("UnsupportedParameterType", "The parameter type isn't supported"));
        }
        if known_kind.is_some_and(|known| known != kind) {
            return Err(refuse(
                "HierarchyTypeMismatchException",
                "Parameter Store doesn't support changing a parameter type in a hierarchy",
            ));
        }
        let tier = tier(text("Tier").as_deref(), newest, value.len())?;
        let description = text("Description").or_else(|| newest.and_then(|newest| newest.description.clone()));
        if description
            .as_ref()
            .is_some_and(|description| description.chars().count() > 1024)
        {
            return Err(invalid("Description must have at most 1024 characters"));
        }
        if self.versions.len() >= HISTORY && self.versions.first().is_some_and(|oldest| !oldest.labels.is_empty()) {
            return Err(refuse(
                "ParameterMaxVersionLimitExceeded",
                "The oldest version has a label and cannot be deleted. Move the label to another version",
            ));
        }
        let key_id = (kind == "SecureString").then(|| text("KeyId").unwrap_or_else(|| "alias/aws/ssm".to_owned()));
        Ok(Version {
            number: newest.map_or(1, |newest| newest.number + 1),
            value,
            kind,
            tier,
            key_id,
            description,
            labels: Vec::new(),
            modified: clock::epoch(),
            at: clock::epoch_millis(),
        })
    }

    pub(super) fn push(&mut self, version: Version) {
        self.versions.push(version);
        if self.versions.len() > HISTORY {
            self.versions.remove(0);
        }
    }

    /// Another version with everything else as it is; the console keeps the description.
    pub(super) fn push_value(&mut self, value: &str) {
        let newest = self.versions.last();
        let tier = newest.map_or_else(|| "Standard".to_owned(), |newest| newest.tier.clone());
        let version = Version {
            number: newest.map_or(1, |newest| newest.number + 1),
            value: value.to_owned(),
            kind: newest.map_or_else(|| "SecureString".to_owned(), |newest| newest.kind.clone()),
            tier,
            key_id: newest.map_or_else(|| Some("alias/aws/ssm".to_owned()), |newest| newest.key_id.clone()),
            description: newest.and_then(|newest| newest.description.clone()),
            labels: Vec::new(),
            modified: clock::epoch(),
            at: clock::epoch_millis(),
        };
        self.push(version);
    }

    pub(super) fn note_tags(&mut self, tags: &[Value]) {
        for tag in tags {
            let text = |name: &str| tag.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            self.tags.insert(text("Key"), text("Value"));
        }
    }

    pub(super) fn state(&self) -> Option<Value> {
        let newest = self.versions.last()?;
        Some(json!({
            "value": newest.value, "version": newest.number, "type": newest.kind, "tier": newest.tier, "key_id": newest.key_id,
            "description": newest.description, "tags": self.tags, "labels": newest.labels,
        }))
    }
}

/// The tier that a version gets: Advanced is a one-way street, and only it holds more than 4 KB.
fn tier(wanted: Option<&str>, newest: Option<&Version>, length: usize) -> Result<String, Reply> {
    let invalid = |message: &str| Err(refuse("ValidationException", message));
    let advanced_already = newest.is_some_and(|newest| newest.tier == "Advanced");
    let tier = match wanted {
        None if advanced_already => "Advanced",
        None => "Standard",
        Some("Standard") if advanced_already => {
            return invalid(
                "This parameter uses the advanced-parameter tier. You can't downgrade it to the standard tier",
            );
        }
        Some("Intelligent-Tiering") if advanced_already || length > 4096 => "Advanced",
        Some("Intelligent-Tiering") => "Standard",
        Some(tier @ ("Standard" | "Advanced")) => tier,
        Some(_) => return invalid("Tier must be Standard, Advanced or Intelligent-Tiering"),
    };
    match (tier, length) {
        ("Standard", 4097..) => {
            invalid("Standard tier parameters support a maximum parameter value of 4096 characters.")
        }
        (_, 8193..) => invalid("Advanced tier parameters support a maximum parameter value of 8192 characters."),
        _ => Ok(tier.to_owned()),
    }
}

impl Version {
    /// What a read shows; without decryption a text that does not hold the value.
    pub(super) fn shown(&self, name: &str, decrypt: bool, selector: &str) -> Value {
        let value = if self.kind == "SecureString" && !decrypt {
            STANDARD.encode(format!("ciphertext of {name} version {}", self.number))
        } else {
            self.value.clone()
        };
        let mut body = json!({
            "Name": name, "Type": self.kind, "Value": value, "Version": self.number, "LastModifiedDate": self.modified,
            "ARN": arn(name), "DataType": "text",
        });
        if !selector.is_empty() {
            body["Selector"] = json!(format!(":{selector}"));
        }
        body
    }

    /// What DescribeParameters and GetParameterHistory say about it.
    pub(super) fn described(&self, name: &str) -> Value {
        let mut body = json!({
            "Name": name, "ARN": arn(name), "Type": self.kind, "Version": self.number, "LastModifiedDate": self.modified,
            "LastModifiedUser": USER, "Tier": self.tier, "Policies": [], "DataType": "text",
        });
        if let Some(description) = &self.description {
            body["Description"] = json!(description);
        }
        if let Some(key_id) = &self.key_id {
            body["KeyId"] = json!(key_id);
        }
        body
    }
}

fn arn(name: &str) -> String {
    format!(
        "arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/{}",
        name.trim_start_matches('/')
    )
}
