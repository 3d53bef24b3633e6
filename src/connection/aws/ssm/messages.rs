//! What goes over the wire to Parameter Store and back, in AWS JSON 1.1.
//!
//! Names and types: `service-2.json` of Systems Manager. What a request leaves out is not sent as `null`, as in the SDKs.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// `DescribeParameters`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Describe<'a> {
    pub(super) parameter_filters: [Filter<'a>; 1],
    pub(super) max_results: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_token: Option<String>,
}

/// `ParameterStringFilter`.
#[derive(Serialize, Clone, Copy)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Filter<'a> {
    pub(super) key: &'static str,
    pub(super) option: &'static str,
    pub(super) values: &'a [String],
}

/// `GetParameter`, `GetParameterHistory`, `DeleteParameter`.
#[derive(Serialize, Default)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Named<'a> {
    pub(super) name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) with_decryption: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_results: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_token: Option<String>,
}

/// `PutParameter`. Not `Debug`: it has the value.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutParameter<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a str,
    #[serde(rename = "Type")]
    pub(super) kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tier: Option<&'a str>,
    pub(super) description: &'a str,
    pub(super) overwrite: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tags: Option<Vec<Tag<'a>>>,
}

/// `AddTagsToResource`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AddTags<'a> {
    pub(super) resource_type: &'static str,
    pub(super) resource_id: &'a str,
    pub(super) tags: Vec<Tag<'a>>,
}

/// `Tag`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag<'a> {
    pub(super) key: &'a str,
    pub(super) value: &'a str,
}

/// The tags of a map.
pub(super) fn tags(tags: &BTreeMap<String, String>) -> Vec<Tag<'_>> {
    tags.iter().map(|(key, value)| Tag { key, value }).collect()
}

/// What `DescribeParameters` and `GetParameterHistory` answer.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Page<T> {
    pub(super) parameters: Option<Vec<T>>,
    pub(super) next_token: Option<String>,
}

/// `ParameterMetadata`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) version: i64,
    #[serde(rename = "Type")]
    pub(super) kind: Option<String>,
    pub(super) tier: Option<String>,
    pub(super) description: Option<String>,
    last_modified_date: Option<f64>,
}

impl Listed {
    /// In whole seconds, like every instant that is stored.
    pub(super) fn modified_at(&self) -> Option<Timestamp> {
        let seconds = self.last_modified_date?.floor();
        #[expect(
            clippy::cast_possible_truncation,
            reason = "what no timestamp holds becomes the greatest, which none holds either"
        )]
        Timestamp::from_second(seconds as i64).ok()
    }
}

/// What `GetParameter` answers. Not `Debug`: it has the value.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Got {
    pub(super) parameter: Option<Version>,
}

/// `Parameter`, `ParameterHistory`. Not `Debug`: it has the value.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Version {
    pub(super) version: i64,
    pub(super) value: Option<String>,
    pub(super) description: Option<String>,
}

/// What `PutParameter` answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Written {
    pub(super) version: i64,
}
