//! A parameter in AWS Systems Manager Parameter Store.
//!
//! It can be read back, so it serves as escrow: our mark stands in the description, which is written together with the
//! value. Publishing is not activation: consumers read it in their own time. Old values stay in the parameter's history
//! until a hundred newer versions push them out; only deleting the parameter removes them.

mod mark;
mod name;
mod parameter;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use self::parameter::{ParameterSlot, ParameterTarget};
use super::{Activation, Slot, Target, TargetConfig, TargetKind, TargetTraits};
use crate::address::Address;
use crate::connection::Connections;
use crate::secret::Secret;
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Node, Path, Type};

/// The kind `ssm_parameter`.
pub static KIND: TargetKind = TargetKind {
    name: "ssm_parameter",
    summary: "A parameter in AWS Systems Manager Parameter Store.",
    api_docs: Some("https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html"),
    attributes,
    parse,
    place: |connections| connections.aws.place(),
    slot,
};

const TYPES: &[&str] = &["SecureString", "String"];
const TIERS: &[&str] = &["Standard", "Advanced", "Intelligent-Tiering"];

/// Room that is left in the description for the mark.
const MARK_ROOM: usize = 224;

/// Most tags of one resource, and longest key and value (Systems Manager API reference, `Tag`; user guide, "Tagging").
const TAGS: usize = 50;
const TAG_KEY_LIMIT: usize = 128;
const TAG_VALUE_LIMIT: usize = 256;

/// How the parameter is written.
#[derive(Debug, Clone)]
struct Settings {
    kind: &'static str,
    key_id: Option<String>,
    tier: Option<&'static str>,
    tags: BTreeMap<String, String>,
    description: Option<String>,
}

struct Config {
    name: String,
    settings: Settings,
}

fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::required(
            "name",
            Type::String,
            "The parameter's whole name, such as `/molecule/production/FLY_API_TOKEN`.",
        ),
        Attribute::optional(
            "type",
            Type::String,
            "`SecureString` (default) or `String`. AWS cannot change it later.",
        ),
        Attribute::optional(
            "key_id",
            Type::String,
            "The KMS key that encrypts a `SecureString`: id, ARN or alias. Default: the account's `alias/aws/ssm`.",
        ),
        Attribute::optional(
            "tier",
            Type::String,
            "`Standard` (values up to 4096 bytes), `Advanced` (8192, billed) or `Intelligent-Tiering`. AWS never turns an `Advanced` \
             parameter into a `Standard` one. Default: the account's.",
        ),
        Attribute::optional(
            "tags",
            Type::string_map(),
            "Tags to set. Other tags stay, and so does a tag that is taken out here. If AWS refuses them, the apply fails, the value \
             stays delivered, and the next apply only sets the tags.",
        ),
        Attribute::optional(
            "description",
            Type::String,
            "Up to 800 characters; the provider's mark is put behind it. Default: `Managed by Terraform`.",
        ),
    ]
}

fn parse(node: &Node<'_>, _default_name: Option<&str>, problems: &mut Diagnostics) -> Option<Box<dyn TargetConfig>> {
    let name_node = node.attr("name");
    let name = name_node
        .required_string(problems)
        .and_then_checked(|name| passes(&name_node, name::check(&name), problems).then_some(name));
    let kind = node.attr("type").one_of(TYPES, problems).or("SecureString");
    let key_node = node.attr("key_id");
    let key_id = key_node.string(problems);
    let tier = node.attr("tier").one_of(TIERS, problems);
    let tags = parse_tags(&node.attr("tags"), problems);
    let description_node = node.attr("description");
    let description = description_node
        .string(problems)
        .and_then_checked(|text| passes(&description_node, check_description(&text), problems).then_some(text));
    if kind == Some("String") && key_node.is_set() {
        let why = "only a SecureString is encrypted; leave `key_id` out, or set type = \"SecureString\"".to_owned();
        passes(&key_node, Err(why), problems);
        return None;
    }
    let settings = Settings {
        kind: kind?,
        key_id: key_id.optional()?,
        tier: tier.optional()?,
        tags: tags?,
        description: description.optional()?,
    };
    let name = name.known()?;
    Some(Box::new(Config { name, settings }))
}

fn parse_tags(node: &Node<'_>, problems: &mut Diagnostics) -> Option<BTreeMap<String, String>> {
    let tags = node.string_map(problems).or(BTreeMap::new())?;
    passes(node, check_tags(&tags), problems).then_some(tags)
}

fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), String> {
    if tags.len() > TAGS {
        return Err(format!("a parameter has at most {TAGS} tags"));
    }
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > TAG_KEY_LIMIT || value.chars().count() > TAG_VALUE_LIMIT {
            return Err(format!(
                "the tag {key:?}: a key has 1 to {TAG_KEY_LIMIT} characters, a value at most {TAG_VALUE_LIMIT}"
            ));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(format!(
                "the tag {key:?}: keys that begin with \"aws:\" are reserved by AWS"
            ));
        }
    }
    Ok(())
}

fn check_description(text: &str) -> Result<(), String> {
    let limit = mark::DESCRIPTION_LIMIT.saturating_sub(MARK_ROOM);
    if text.chars().count() > limit {
        return Err(format!(
            "a description has at most {limit} characters here; the provider's mark needs the rest"
        ));
    }
    Ok(())
}

/// Reports a broken rule at its attribute.
fn passes(node: &Node<'_>, outcome: Result<(), String>, problems: &mut Diagnostics) -> bool {
    let Err(why) = outcome else {
        return true;
    };
    problems.error(
        node.path().clone(),
        format!("{} is not accepted by AWS SSM", node.path()),
        format!("The rule: {why}."),
    );
    false
}

fn slot(address: &Address, connections: &Connections) -> Result<Box<dyn Slot>, Diagnostic> {
    if let Err(why) = name::check(&address.locator) {
        return Err(Diagnostic::error(
            Path::root(),
            format!("The address {address} in the state names no SSM parameter"),
            format!(
                "The rule: {why}. Nothing was changed. Restore the state from a backup, or remove the entry by hand."
            ),
        ));
    }
    Ok(Box::new(ParameterSlot {
        aws: connections.aws.configured()?,
        name: address.locator.clone(),
    }))
}

impl TargetConfig for Config {
    fn slot(&self, _: &Connections) -> Result<Address, Diagnostic> {
        Ok(Address::new(KIND.name, &self.name))
    }

    fn traits(&self) -> TargetTraits {
        TargetTraits {
            activation: Activation::Later,
            readable: true,
            follow_up: !self.settings.tags.is_empty(),
        }
    }

    fn fingerprint(&self) -> String {
        let settings = &self.settings;
        serde_json::json!({
            "type": settings.kind,
            "key_id": settings.key_id,
            "tier": settings.tier,
            "tags": settings.tags,
            // Written out or not, the default is one text.
            "description": settings.description.as_deref().filter(|text| *text != mark::DEFAULT_DESCRIPTION),
        })
        .to_string()
    }

    fn accepts(&self, value: &Secret) -> Result<(), String> {
        name::accepts(value, self.settings.tier)
    }

    fn connect(&self, connections: &Connections) -> Result<Box<dyn Target>, Diagnostic> {
        Ok(Box::new(ParameterTarget {
            slot: ParameterSlot {
                aws: connections.aws.configured()?,
                name: self.name.clone(),
            },
            settings: self.settings.clone(),
            created_with_tags: AtomicBool::new(false),
        }))
    }
}
