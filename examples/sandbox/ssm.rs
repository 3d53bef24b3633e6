//! AWS Systems Manager Parameter Store (JSON 1.1), as much as a secret's life needs. Judge adapters by moto as well.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::call::{Call, Reply};
use crate::clock;

pub(crate) const ACCESS_KEY_ID: &str = "AKIASANDBOX000000001";
pub(crate) const SECRET_ACCESS_KEY: &str = "sandbox/secret/access/key/0000000000000001";

/// Versions that are kept.
const HISTORY: usize = 100;

#[derive(Clone)]
struct Version {
    version: u64,
    value: String,
    kind: String,
    tier: String,
    key_id: Option<String>,
    description: Option<String>,
    modified: f64,
}

#[derive(Default)]
struct Parameter {
    versions: Vec<Version>,
    tags: BTreeMap<String, String>,
}

/// The store.
#[derive(Default)]
pub(crate) struct Ssm {
    parameters: BTreeMap<String, Parameter>,
}

fn refuse(code: &str, message: &str) -> Reply {
    Reply::json(400, json!({ "__type": code, "message": message }))
        .with("x-amzn-errortype", code)
        .with("content-type", "application/x-amz-json-1.1")
}

fn accept(body: Value) -> Reply {
    Reply::ok(body).with("content-type", "application/x-amz-json-1.1")
}

impl Ssm {
    pub(crate) fn answer(&mut self, call: &Call) -> Reply {
        if !call
            .header("authorization")
            .contains(&format!("Credential={ACCESS_KEY_ID}/"))
        {
            return refuse(
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            );
        }
        match call.header("x-amz-target") {
            "AmazonSSM.PutParameter" => self.put(call),
            "AmazonSSM.GetParameter" => self.get(call),
            "AmazonSSM.GetParameters" => self.get_many(call),
            "AmazonSSM.DescribeParameters" => self.describe(call),
            "AmazonSSM.GetParameterHistory" => self.history(call),
            "AmazonSSM.DeleteParameter" => self.delete(call),
            "AmazonSSM.AddTagsToResource" => self.tag(call),
            "AmazonSSM.RemoveTagsFromResource" => self.untag(call),
            "AmazonSSM.ListTagsForResource" => self.tags(call),
            other => refuse(
                "UnknownOperationException",
                &format!("the sandbox does not have {other}"),
            ),
        }
    }

    pub(crate) fn state(&self) -> Value {
        let parameters = self.parameters.iter().filter_map(|(name, parameter)| {
            let newest = parameter.versions.last()?;
            let state = json!({
                "value": newest.value,
                "version": newest.version,
                "type": newest.kind,
                "tier": newest.tier,
                "key_id": newest.key_id,
                "description": newest.description,
                "tags": parameter.tags,
            });
            Some((name.clone(), state))
        });
        json!({ "ssm": parameters.collect::<BTreeMap<_, _>>() })
    }

    fn put(&mut self, call: &Call) -> Reply {
        let text = |name: &str| call.text(name).map(str::to_owned);
        let (Some(name), Some(value)) = (text("Name"), text("Value")) else {
            return refuse("ValidationException", "Name and Value are required");
        };
        let flag = call.body.get("Overwrite").and_then(Value::as_bool).unwrap_or(false);
        let tags = call
            .body
            .get("Tags")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        if flag && !tags.is_empty() {
            return refuse(
                "ValidationException",
                "Invalid request: tags and overwrite can't be used together.",
            );
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
        if !name.chars().all(allowed) || name.trim_start_matches('/').to_ascii_lowercase().starts_with("aws") {
            return refuse(
                "ValidationException",
                "Parameter name: can't be prefixed with \"aws\" or \"ssm\", and only includes a-zA-Z0-9_.-/",
            );
        }
        let tier = text("Tier").unwrap_or_else(|| "Standard".to_owned());
        if value.len() > if tier == "Standard" { 4096 } else { 8192 } {
            return refuse(
                "ValidationException",
                "Standard tier parameters support a maximum parameter value of 4096 characters.",
            );
        }
        let parameter = self.parameters.entry(name).or_default();
        let newest = parameter.versions.last();
        if newest.is_some() && !flag {
            return refuse(
                "ParameterAlreadyExists",
                "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
            );
        }
        let kind = text("Type")
            .or_else(|| newest.map(|v| v.kind.clone()))
            .unwrap_or_else(|| "String".to_owned());
        if newest.is_some_and(|newest| newest.kind != kind) {
            return refuse(
                "HierarchyTypeMismatchException",
                "Parameter Store does not support changing a parameter type in a hierarchy.",
            );
        }
        let version = newest.map_or(1, |newest| newest.version + 1);
        let description = text("Description").or_else(|| newest.and_then(|v| v.description.clone()));
        let key_id = text("KeyId").or_else(|| (kind == "SecureString").then(|| "alias/aws/ssm".to_owned()));
        let entry = Version {
            version,
            value,
            kind,
            tier: tier.clone(),
            key_id,
            description,
            modified: clock::epoch(),
        };
        parameter.versions.push(entry);
        if parameter.versions.len() > HISTORY {
            parameter.versions.remove(0);
        }
        note_tags(&mut parameter.tags, &tags);
        accept(json!({ "Version": version, "Tier": tier }))
    }

    fn found(&self, name: &str) -> Option<(&str, &Version)> {
        let (name, selector) = name.split_once(':').unwrap_or((name, ""));
        let (key, parameter) = self.parameters.get_key_value(name)?;
        let version = match selector {
            "" => parameter.versions.last(),
            number => parameter
                .versions
                .iter()
                .find(|version| version.version.to_string() == number),
        };
        Some((key.as_str(), version?))
    }

    fn get(&self, call: &Call) -> Reply {
        let decrypt = call
            .body
            .get("WithDecryption")
            .and_then(Value::as_bool)
            .unwrap_or(false);
        match self.found(call.text("Name").unwrap_or_default()) {
            Some((name, version)) => accept(json!({ "Parameter": shown(name, version, decrypt) })),
            None => refuse("ParameterNotFound", "Parameter not found."),
        }
    }

    fn get_many(&self, call: &Call) -> Reply {
        let decrypt = call
            .body
            .get("WithDecryption")
            .and_then(Value::as_bool)
            .unwrap_or(false);
        let names: Vec<&str> = call
            .body
            .get("Names")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if names.len() > 10 {
            return refuse(
                "ValidationException",
                "Member must have length less than or equal to 10",
            );
        }
        let (found, missing): (Vec<&str>, Vec<&str>) = names.into_iter().partition(|name| self.found(name).is_some());
        let found: Vec<Value> = found
            .iter()
            .filter_map(|name| self.found(name))
            .map(|(name, v)| shown(name, v, decrypt))
            .collect();
        accept(json!({ "Parameters": found, "InvalidParameters": missing }))
    }

    fn describe(&self, call: &Call) -> Reply {
        let filters = call
            .body
            .get("ParameterFilters")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let mut wanted: Option<Vec<&str>> = None;
        for filter in &filters {
            let option = filter.get("Option").and_then(Value::as_str).unwrap_or("Equals");
            if filter.get("Key").and_then(Value::as_str) != Some("Name") || option != "Equals" {
                return refuse("InvalidFilterKey", "the sandbox filters by Name Equals alone");
            }
            wanted = Some(
                filter
                    .get("Values")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .collect(),
            );
        }
        let all: Vec<(&String, &Version)> = self
            .parameters
            .iter()
            .filter(|(name, _)| wanted.as_ref().is_none_or(|wanted| wanted.contains(&name.as_str())))
            .filter_map(|(name, parameter)| Some((name, parameter.versions.last()?)))
            .collect();
        let size = call
            .body
            .get("MaxResults")
            .and_then(Value::as_u64)
            .unwrap_or(50)
            .clamp(1, 50) as usize;
        let start = call
            .text("NextToken")
            .and_then(|text| text.parse().ok())
            .unwrap_or(0_usize);
        let page: Vec<Value> = all
            .iter()
            .skip(start)
            .take(size)
            .map(|(name, version)| {
                let mut shown = json!({
                    "Name": name, "ARN": arn(name), "Type": version.kind, "Version": version.version,
                    "LastModifiedDate": version.modified, "LastModifiedUser": "arn:aws:iam::000000000000:user/sandbox",
                    "Tier": version.tier, "Policies": [], "DataType": "text",
                });
                if let Some(fields) = shown.as_object_mut() {
                    fields.extend(
                        version
                            .description
                            .clone()
                            .map(|text| ("Description".to_owned(), json!(text))),
                    );
                    fields.extend(version.key_id.clone().map(|text| ("KeyId".to_owned(), json!(text))));
                }
                shown
            })
            .collect();
        let mut body = json!({ "Parameters": page });
        if start + size < all.len() {
            body["NextToken"] = json!((start + size).to_string());
        }
        accept(body)
    }

    fn history(&self, call: &Call) -> Reply {
        let name = call.text("Name").unwrap_or_default();
        let decrypt = call
            .body
            .get("WithDecryption")
            .and_then(Value::as_bool)
            .unwrap_or(false);
        match self.parameters.get(name) {
            Some(parameter) => {
                let versions: Vec<Value> = parameter
                    .versions
                    .iter()
                    .map(|version| shown(name, version, decrypt))
                    .collect();
                accept(json!({ "Parameters": versions }))
            }
            None => refuse("ParameterNotFound", "Parameter not found."),
        }
    }

    fn delete(&mut self, call: &Call) -> Reply {
        match self.parameters.remove(call.text("Name").unwrap_or_default()) {
            Some(_) => accept(json!({})),
            None => refuse("ParameterNotFound", "Parameter not found."),
        }
    }

    fn tagged(&mut self, call: &Call) -> Option<&mut Parameter> {
        self.parameters.get_mut(call.text("ResourceId").unwrap_or_default())
    }

    fn tag(&mut self, call: &Call) -> Reply {
        let tags = call
            .body
            .get("Tags")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let Some(parameter) = self.tagged(call) else {
            return refuse("InvalidResourceId", "The resource ID isn't valid.");
        };
        note_tags(&mut parameter.tags, &tags);
        accept(json!({}))
    }

    fn untag(&mut self, call: &Call) -> Reply {
        let keys = call
            .body
            .get("TagKeys")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let Some(parameter) = self.tagged(call) else {
            return refuse("InvalidResourceId", "The resource ID isn't valid.");
        };
        parameter
            .tags
            .retain(|name, _| !keys.iter().any(|key| key.as_str() == Some(name)));
        accept(json!({}))
    }

    fn tags(&mut self, call: &Call) -> Reply {
        let Some(parameter) = self.tagged(call) else {
            return refuse("InvalidResourceId", "The resource ID isn't valid.");
        };
        let tags: Vec<Value> = parameter
            .tags
            .iter()
            .map(|(key, value)| json!({ "Key": key, "Value": value }))
            .collect();
        accept(json!({ "TagList": tags }))
    }
}

fn note_tags(known: &mut BTreeMap<String, String>, tags: &[Value]) {
    for tag in tags {
        let text = |name: &str| tag.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        known.insert(text("Key"), text("Value"));
    }
}

fn arn(name: &str) -> String {
    format!(
        "arn:aws:ssm:us-east-1:000000000000:parameter/{}",
        name.trim_start_matches('/')
    )
}

/// What a read shows; without decryption a text that does not hold the value.
fn shown(name: &str, version: &Version, decrypt: bool) -> Value {
    let value = if version.kind == "SecureString" && !decrypt {
        STANDARD.encode(format!("ciphertext of {name} version {}", version.version))
    } else {
        version.value.clone()
    };
    json!({
        "Name": name, "Type": version.kind, "Value": value, "Version": version.version,
        "LastModifiedDate": version.modified, "ARN": arn(name), "DataType": "text",
    })
}
