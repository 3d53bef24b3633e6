//! AWS Systems Manager Parameter Store (JSON 1.1), as much as a secret's life needs. Judge adapters by moto as well.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::parameter::{Parameter, Version, check_name};
use super::{accept, refuse};
use crate::call::{Call, Reply};
use crate::clock;

/// The store.
#[derive(Default, Clone)]
pub(super) struct Parameters(BTreeMap<String, Parameter>);

fn flag(call: &Call, name: &str) -> bool {
    call.body.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn list<'a>(call: &'a Call, name: &str) -> &'a [Value] {
    let list = call.body.get(name).and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}

fn texts<'a>(call: &'a Call, name: &str) -> Vec<&'a str> {
    list(call, name).iter().filter_map(Value::as_str).collect()
}

fn not_found() -> Reply {
    refuse("ParameterNotFound", "Parameter not found.")
}

/// A page: `MaxResults`, `NextToken`.
fn page(call: &Call, largest: u64, all: Vec<Value>) -> Reply {
    let size = call.body.get("MaxResults").and_then(Value::as_u64).unwrap_or(largest);
    if !(1..=largest).contains(&size) {
        return refuse("ValidationException", &format!("MaxResults must be 1 to {largest}"));
    }
    let start = call
        .text("NextToken")
        .map_or(Some(0), |text| text.parse::<usize>().ok());
    let Some(start) = start.filter(|start| *start <= all.len()) else {
        return refuse("InvalidNextToken", "The specified token isn't valid.");
    };
    let end = start + usize::try_from(size).unwrap_or(50);
    let more = end < all.len();
    let shown: Vec<Value> = all.into_iter().skip(start).take(end - start).collect();
    let mut body = json!({ "Parameters": shown });
    if more {
        body["NextToken"] = json!(end.to_string());
    }
    accept(body)
}

impl Parameters {
    pub(super) fn answer(&mut self, operation: &str, call: &Call, lag: i64) -> Reply {
        match operation {
            "PutParameter" => self.put(call),
            "GetParameter" => self.get(call),
            "GetParameters" => self.get_many(call),
            "GetParametersByPath" => self.by_path(call),
            "DescribeParameters" => self.describe(call, lag),
            "GetParameterHistory" => self.history(call),
            "DeleteParameter" => match self.0.remove(call.text("Name").unwrap_or_default()) {
                Some(_) => accept(json!({})),
                None => not_found(),
            },
            "DeleteParameters" => self.delete_many(call),
            "LabelParameterVersion" => self.label(call),
            "UnlabelParameterVersion" => self.unlabel(call),
            "AddTagsToResource" | "RemoveTagsFromResource" | "ListTagsForResource" => self.tags(operation, call),
            other => refuse(
                "UnknownOperationException",
                &format!("the sandbox does not have {other}"),
            ),
        }
    }

    pub(super) fn state(&self) -> Value {
        let parameters = self
            .0
            .iter()
            .filter_map(|(name, parameter)| Some((name, parameter.state()?)));
        json!(parameters.collect::<BTreeMap<_, _>>())
    }

    /// Writes another version as a person would, or deletes the parameter.
    pub(super) fn set(&mut self, name: &str, value: Option<&str>) {
        match value {
            None => drop(self.0.remove(name)),
            Some(value) => self.0.entry(name.to_owned()).or_default().push_value(value),
        }
    }

    fn put(&mut self, call: &Call) -> Reply {
        let name = call.text("Name").unwrap_or_default();
        let tags = list(call, "Tags");
        if flag(call, "Overwrite") && !tags.is_empty() {
            return refuse(
                "ValidationException",
                "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag.",
            );
        }
        if let Err(reply) = check_name(name) {
            return reply;
        }
        let nothing = Parameter::default();
        match self.0.get(name).unwrap_or(&nothing).next(call) {
            Ok(version) => {
                let reply = accept(json!({ "Version": version.number, "Tier": version.tier }));
                let parameter = self.0.entry(name.to_owned()).or_default();
                parameter.push(version);
                parameter.note_tags(tags);
                reply
            }
            Err(reply) => reply,
        }
    }

    /// The version that a name means: `name`, `name:3`, `name:label`, or a parameter's ARN in place of the name.
    fn find<'a>(&'a self, wanted: &'a str) -> Result<(&'a str, &'a Version, &'a str), Reply> {
        let in_arn = wanted.strip_prefix("arn:").and_then(|arn| arn.split_once(":parameter"));
        let wanted = in_arn.map_or(wanted, |(_, name)| name);
        let (name, selector) = wanted.split_once(':').unwrap_or((wanted, ""));
        let (name, parameter) = self.0.get_key_value(name).ok_or_else(not_found)?;
        let number = selector.parse::<u64>().ok();
        let version = match selector {
            "" => parameter.versions.last(),
            _ => parameter.versions.iter().find(|version| match number {
                Some(number) => version.number == number,
                None => version.labels.iter().any(|label| label == selector),
            }),
        };
        let missing = || {
            refuse(
                "ParameterVersionNotFound",
                "Systems Manager could not find this version or label of the parameter.",
            )
        };
        Ok((name, version.ok_or_else(missing)?, selector))
    }

    fn get(&self, call: &Call) -> Reply {
        match self.find(call.text("Name").unwrap_or_default()) {
            Ok((name, version, selector)) => {
                accept(json!({ "Parameter": version.shown(name, flag(call, "WithDecryption"), selector) }))
            }
            Err(reply) => reply,
        }
    }

    fn get_many(&self, call: &Call) -> Reply {
        let names = texts(call, "Names");
        if names.is_empty() || names.len() > 10 {
            return refuse("ValidationException", "Names must have 1 to 10 members");
        }
        let mut found = Vec::new();
        let mut invalid = Vec::new();
        for wanted in names {
            match self.find(wanted) {
                Ok((name, version, selector)) => {
                    found.push(version.shown(name, flag(call, "WithDecryption"), selector))
                }
                Err(_) => invalid.push(wanted),
            }
        }
        accept(json!({ "Parameters": found, "InvalidParameters": invalid }))
    }

    fn by_path(&self, call: &Call) -> Reply {
        let path = call.text("Path").unwrap_or_default();
        if !path.starts_with('/') {
            return refuse("ValidationException", "The parameter path must begin with a slash");
        }
        let shown = self
            .0
            .iter()
            .filter(|(name, _)| is_below(name, path, flag(call, "Recursive")));
        let newest = shown.filter_map(|(name, parameter)| Some((name, parameter.versions.last()?)));
        let decrypt = flag(call, "WithDecryption");
        page(
            call,
            10,
            newest.map(|(name, version)| version.shown(name, decrypt, "")).collect(),
        )
    }

    /// Metadata of all parameters that pass every filter; late, as replication is.
    fn describe(&self, call: &Call, lag: i64) -> Reply {
        let filters = list(call, "ParameterFilters");
        for filter in filters {
            let key = filter.get("Key").and_then(Value::as_str).unwrap_or_default();
            let known = ["Name", "Type", "KeyId", "Path", "Tier", "Label", "DataType"].contains(&key);
            if !known && !key.starts_with("tag:") {
                return refuse("InvalidFilterKey", "The specified key isn't valid.");
            }
        }
        let seen_until = clock::epoch_millis() - lag;
        let shown = self.0.iter().filter_map(|(name, parameter)| {
            let version = parameter
                .versions
                .iter()
                .rev()
                .find(|version| version.at <= seen_until)?;
            let passes = filters.iter().all(|filter| passes(filter, name, parameter, version));
            passes.then(|| version.described(name))
        });
        page(call, 50, shown.collect())
    }

    fn history(&self, call: &Call) -> Reply {
        let name = call.text("Name").unwrap_or_default();
        let Some(parameter) = self.0.get(name) else {
            return not_found();
        };
        let decrypt = flag(call, "WithDecryption");
        let shown = parameter.versions.iter().map(|version| {
            let mut body = version.described(name);
            if let Some(fields) = body.as_object_mut() {
                fields.remove("ARN");
                let value = version.shown(name, decrypt, "")["Value"].take();
                fields.insert("Value".to_owned(), value);
                fields.insert("Labels".to_owned(), json!(version.labels));
            }
            body
        });
        page(call, 50, shown.collect())
    }

    fn delete_many(&mut self, call: &Call) -> Reply {
        let names = texts(call, "Names");
        if names.is_empty() || names.len() > 10 {
            return refuse("ValidationException", "Names must have 1 to 10 members");
        }
        let (deleted, invalid): (Vec<&str>, Vec<&str>) =
            names.into_iter().partition(|name| self.0.remove(*name).is_some());
        accept(json!({ "DeletedParameters": deleted, "InvalidParameters": invalid }))
    }

    /// Attaches labels to a version, and takes them from every other.
    fn label(&mut self, call: &Call) -> Reply {
        let Some(parameter) = self.0.get_mut(call.text("Name").unwrap_or_default()) else {
            return not_found();
        };
        let newest = parameter.versions.last().map(|version| version.number);
        let wanted = call.body.get("ParameterVersion").and_then(Value::as_u64).or(newest);
        let (valid, invalid): (Vec<&str>, Vec<&str>) =
            texts(call, "Labels").into_iter().partition(|label| is_label(label));
        let Some(at) = parameter
            .versions
            .iter()
            .position(|version| Some(version.number) == wanted)
        else {
            return refuse("ParameterVersionNotFound", "This version does not exist.");
        };
        for (index, version) in parameter.versions.iter_mut().enumerate() {
            version.labels.retain(|label| !valid.contains(&label.as_str()));
            if index == at {
                version.labels.extend(valid.iter().map(|label| (*label).to_owned()));
            }
        }
        accept(json!({ "InvalidLabels": invalid, "ParameterVersion": wanted }))
    }

    fn unlabel(&mut self, call: &Call) -> Reply {
        let Some(parameter) = self.0.get_mut(call.text("Name").unwrap_or_default()) else {
            return not_found();
        };
        let wanted = call.body.get("ParameterVersion").and_then(Value::as_u64);
        let Some(version) = parameter
            .versions
            .iter_mut()
            .find(|version| Some(version.number) == wanted)
        else {
            return refuse("ParameterVersionNotFound", "This version does not exist.");
        };
        let (removed, invalid): (Vec<&str>, Vec<&str>) = texts(call, "Labels")
            .into_iter()
            .partition(|label| version.labels.iter().any(|known| known == label));
        version.labels.retain(|label| !removed.contains(&label.as_str()));
        accept(json!({ "RemovedLabels": removed, "InvalidLabels": invalid }))
    }

    fn tags(&mut self, operation: &str, call: &Call) -> Reply {
        if call.text("ResourceType") != Some("Parameter") {
            return refuse("InvalidResourceType", "The resource type isn't valid.");
        }
        let Some(parameter) = self.0.get_mut(call.text("ResourceId").unwrap_or_default()) else {
            return refuse("InvalidResourceId", "The resource ID isn't valid.");
        };
        match operation {
            "AddTagsToResource" => parameter.note_tags(list(call, "Tags")),
            "RemoveTagsFromResource" => {
                let keys = texts(call, "TagKeys");
                parameter.tags.retain(|name, _| !keys.contains(&name.as_str()));
            }
            _ => {
                let tags = parameter
                    .tags
                    .iter()
                    .map(|(key, value)| json!({ "Key": key, "Value": value }));
                return accept(json!({ "TagList": tags.collect::<Vec<_>>() }));
            }
        }
        accept(json!({}))
    }
}

/// Label rules: at most 100 characters; not a number first; not `aws` or `ssm` first.
fn is_label(label: &str) -> bool {
    let lower = label.to_ascii_lowercase();
    let allowed = label.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    let first = label.chars().next().is_some_and(|c| !c.is_ascii_digit());
    allowed && first && label.len() <= 100 && !lower.starts_with("aws") && !lower.starts_with("ssm")
}

fn is_below(name: &str, path: &str, recursive: bool) -> bool {
    let path = path.trim_end_matches('/');
    let rest = name.strip_prefix(path).and_then(|rest| rest.strip_prefix('/'));
    rest.is_some_and(|rest| recursive || !rest.contains('/'))
}

/// Whether a parameter passes a filter of DescribeParameters.
fn passes(filter: &Value, name: &str, parameter: &Parameter, version: &Version) -> bool {
    let text = |field: &str| filter.get(field).and_then(Value::as_str).unwrap_or_default();
    let values = filter.get("Values").and_then(Value::as_array).into_iter().flatten();
    let values: Vec<&str> = values.filter_map(Value::as_str).collect();
    let subject = match text("Key") {
        "Name" => name,
        "Type" => &version.kind,
        "Tier" => &version.tier,
        "KeyId" => version.key_id.as_deref().unwrap_or_default(),
        "DataType" => "text",
        "Label" => return version.labels.iter().any(|label| values.contains(&label.as_str())),
        "Path" => {
            return values
                .iter()
                .any(|path| is_below(name, path, text("Option") == "Recursive"));
        }
        key => {
            let tag = parameter.tags.get(key.trim_start_matches("tag:"));
            return tag.is_some_and(|tag| values.is_empty() || values.contains(&tag.as_str()));
        }
    };
    values.iter().any(|value| match text("Option") {
        "BeginsWith" => subject.starts_with(value),
        "Contains" => subject.contains(value),
        _ => subject == *value,
    })
}
