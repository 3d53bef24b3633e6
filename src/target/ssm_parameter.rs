//! A parameter in AWS Systems Manager Parameter Store.
//!
//! It can be read back, so it serves as escrow: our mark stands in the description, which is written together with the
//! value. Publishing is not activation: consumers read it in their own time. Old values stay in the parameter's history
//! until a hundred newer versions push them out; only deleting the parameter removes them.

mod mark;
mod name;
mod parameter;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use self::parameter::{ParameterSlot, ParameterTarget};
use super::{Activation, EntryWords, Offers, Slot, Target, TargetConfig, TargetKind, TargetTraits};
use crate::address::{ANY, Address};
use crate::connection::Link;
use crate::connection::aws::{self, Aws};
use crate::diagnostics::{Argument, StateProblem};
use crate::rotation::RevisionKind;
use crate::secret::Secret;
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Node, Path, Type};

/// The kind `ssm_parameter`.
pub static KIND: TargetKind = TargetKind {
    name: "ssm_parameter",
    summary: "A parameter in AWS Systems Manager Parameter Store.",
    api_docs: Some("https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html"),
    attributes,
    parse,
    reach: Some(aws::VENDOR.reach()),
    slot,
    words,
    offers: Offers {
        marks: true,
        revision: RevisionKind::Version,
        pages: true,
        // The container is the account and region, which is always there.
        proof_of_absence: false,
        identity: false,
    },
};

const DEFAULT_TYPE: &str = "SecureString";
const TYPES: &[&str] = &[DEFAULT_TYPE, "String"];
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
            "The parameter's full name, such as `/molecule/production/FLY_API_TOKEN`.",
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
            "`Standard` (values up to 4096 bytes), `Advanced` (8192, billed) or `Intelligent-Tiering` (8192). AWS never turns an \
             `Advanced` parameter into a `Standard` one. Default: the account's default tier. If that is `Standard`, AWS refuses values of \
             more than 4096 bytes.",
        ),
        Attribute::optional(
            "tags",
            Type::string_map(),
            "Tags to set. Other tags are kept, and so are tags that you remove here. If AWS refuses the tags, the apply fails, the value \
             stays delivered, and the next apply only sets the tags.",
        ),
        Attribute::optional(
            "description",
            Type::String,
            "Up to 800 characters. The provider appends its mark. Default: `Managed by Terraform`.",
        ),
    ]
}

fn parse(node: &Node<'_>, _default_name: Option<&str>, problems: &mut Diagnostics) -> Option<Box<dyn TargetConfig>> {
    let name_node = node.attr("name");
    let name = name_node
        .required_string(problems)
        .and_then_checked(|name| passes(&name_node, name::check(&name), problems).then_some(name));
    let kind = node.attr("type").one_of(TYPES, problems).or(DEFAULT_TYPE);
    let key_node = node.attr("key_id");
    let key_id = key_node
        .string(problems)
        .and_then_checked(|key| passes(&key_node, check_key(&key), problems).then_some(key));
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
        for (what, text) in [("key", key), ("value", value)] {
            if let Some(wrong) = text.chars().find(|c| !permitted_in_tag(*c)) {
                return Err(format!(
                    "the tag {key:?}: its {what} holds {wrong:?}, but keys and values of tags have only letters, digits, spaces and \
                     _ . : / = + - @"
                ));
            }
        }
    }
    Ok(())
}

/// Systems Manager API reference, `Tag`: `[\p{L}\p{Z}\p{N}_.:/=+\-@]`.
fn permitted_in_tag(character: char) -> bool {
    character.is_alphanumeric() || character == ' ' || "_.:/=+-@".contains(character)
}

/// The parameter where the values of a secret are parked. AWS chooses the tier, since two generations may need more than 4096 bytes.
pub fn for_escrow(name: String, key_id: Option<String>) -> Arc<dyn TargetConfig> {
    let settings = Settings {
        kind: DEFAULT_TYPE,
        key_id,
        tier: Some("Intelligent-Tiering"),
        tags: BTreeMap::new(),
        description: Some("Values of a secret, parked by Terraform. Do not edit.".to_owned()),
    };
    Arc::new(Config { name, settings })
}

/// Checks the name of a parameter.
///
/// # Errors
/// One sentence that says which rule it breaks.
pub fn check_name(name: &str) -> Result<(), String> {
    name::check(name)
}

/// Checks the name of a key. Systems Manager API reference, PutParameter: `KeyId`.
///
/// # Errors
/// One sentence that says which rule it breaks.
pub fn check_key(key: &str) -> Result<(), String> {
    let permitted = |c: char| c.is_ascii_alphanumeric() || ":/_-".contains(c);
    match key.chars().all(permitted) {
        true => Ok(()),
        false => Err("a key is written as its id, ARN or alias: letters, digits and : / _ -".to_owned()),
    }
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
    node.report(problems, |argument| Argument::NotAccepted {
        argument,
        by: "AWS SSM".into(),
        why: format!("The rule: {why}.").into(),
    });
    false
}

fn slot(address: &Address, link: &Link<'_>) -> Result<Box<dyn Slot>, Diagnostic> {
    if let Err(why) = name::check(&address.locator) {
        let mistake = StateProblem::Address {
            address: address.to_string(),
            what: "the address of an SSM parameter".into(),
            expected: format!("the name of a parameter ({why})").into(),
        };
        return Err(Diagnostic::new(Path::root(), mistake));
    }
    Ok(Box::new(ParameterSlot {
        aws: link.account::<Aws>()?.configured()?,
        name: address.locator.clone(),
    }))
}

fn words(address: &Address) -> EntryWords {
    if name::check(&address.locator).is_err() {
        return EntryWords::of_text(address);
    }
    let name = &address.locator;
    // The account is not known before the first call.
    let known = address.place.split(':').filter(|part| !part.is_empty() && *part != ANY);
    let known: Vec<String> = known
        .map(|part| match part.bytes().all(|byte| byte.is_ascii_digit()) {
            true => format!("account {part}"),
            false => part.to_owned(),
        })
        .collect();
    let known = known.join(", ");
    let (noun, place) = match known.is_empty() {
        true => (String::new(), String::new()),
        false => (format!(" in {known}"), format!(" of {known}")),
    };
    EntryWords {
        noun: format!("SSM parameter {name}{noun}"),
        entry: name.clone(),
        place: format!("in SSM Parameter Store{place}"),
    }
}

impl TargetConfig for Config {
    fn slot(&self, _: &Link<'_>) -> Result<Address, Diagnostic> {
        Ok(Address::new(KIND.name, &self.name))
    }

    fn traits(&self) -> TargetTraits {
        TargetTraits {
            activation: Activation::Later,
            readable: true,
            reloads_within: None,
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

    fn settings_in_words(&self) -> Vec<String> {
        let Settings {
            kind,
            key_id,
            tier,
            tags,
            description,
        } = &self.settings;
        let description = description.as_deref().filter(|text| *text != mark::DEFAULT_DESCRIPTION);
        let tags: Vec<String> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let told = [
            (*kind != DEFAULT_TYPE).then(|| format!("type {kind}")),
            key_id.as_ref().map(|key| format!("key {key}")),
            tier.map(|tier| format!("tier {tier}")),
            description.map(|text| format!("description {text:?}")),
            (!tags.is_empty()).then(|| format!("tags {}", tags.join(", "))),
        ];
        told.into_iter().flatten().collect()
    }

    fn accepts(&self, value: &Secret) -> Result<(), String> {
        name::accepts(value, self.settings.tier)
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Target>, Diagnostic> {
        Ok(Box::new(ParameterTarget {
            slot: ParameterSlot {
                aws: link.account::<Aws>()?.configured()?,
                name: self.name.clone(),
            },
            settings: self.settings.clone(),
            created_with_tags: AtomicBool::new(false),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::{Origin, Value};

    fn parsed(more: &[(&str, Value)]) -> Result<Box<dyn TargetConfig>, Vec<String>> {
        let mut object = Value::object([("name", Value::string("/molecule/KEY"))]);
        for (name, value) in more {
            object = object.with(name, value.clone());
        }
        let mut problems = Diagnostics::new();
        let config = parse(&Node::root(&object, Origin::Configuration), None, &mut problems);
        config.ok_or_else(|| problems.iter().map(|problem| problem.detail.clone()).collect())
    }

    #[test]
    fn settings_that_are_not_the_defaults_are_told() {
        assert_eq!(parsed(&[]).ok().unwrap().settings_in_words(), Vec::<String>::new());
        let tags = Value::object([("team", Value::string("cp")), ("a", Value::string("b"))]);
        let all = [
            ("key_id", Value::string("alias/x")),
            ("tier", Value::string("Advanced")),
            ("description", Value::string("Of the control plane")),
            ("tags", tags),
        ];
        assert_eq!(
            parsed(&all).ok().unwrap().settings_in_words(),
            [
                "key alias/x",
                "tier Advanced",
                "description \"Of the control plane\"",
                "tags a=b, team=cp"
            ]
        );
        let plain = parsed(&[("type", Value::string("String"))]).ok().unwrap();
        assert_eq!(plain.settings_in_words(), ["type String"]);
        assert_eq!(plain.goes_live_in_words(), None);
    }

    #[test]
    fn an_address_is_told_with_what_is_known_of_its_place() {
        for (place, noun, told) in [
            (
                "123456789012:eu-west-1",
                " in account 123456789012, eu-west-1",
                " of account 123456789012, eu-west-1",
            ),
            ("*:eu-west-1", " in eu-west-1", " of eu-west-1"),
            ("*:*", "", ""),
            ("*", "", ""),
            ("", "", ""),
        ] {
            let words = words(&Address::at(place, KIND.name, "/molecule/KEY"));
            assert_eq!(words.noun, format!("SSM parameter /molecule/KEY{noun}"));
            assert_eq!(words.entry, "/molecule/KEY");
            assert_eq!(words.place, format!("in SSM Parameter Store{told}"));
        }
        let wrong = Address::new(KIND.name, "/a//b");
        assert_eq!(words(&wrong).noun, wrong.to_string());
    }

    #[test]
    fn a_key_is_an_id_an_arn_or_an_alias() {
        let keyed = |key: &str| parsed(&[("key_id", Value::string(key))]);
        for key in [
            "alias/aws/ssm",
            "arn:aws:kms:eu-west-1:123456789012:key/12-ab",
            "mrk-1_2",
        ] {
            assert!(keyed(key).is_ok(), "{key}");
        }
        for key in ["alias/x\n", "my key"] {
            assert!(keyed(key).is_err(), "{key:?}");
        }
    }

    #[test]
    fn tags_have_the_alphabet_of_aws() {
        let tagged = |key: &str, value: &str| parsed(&[("tags", Value::object([(key, Value::string(value))]))]);
        for (key, value) in [
            ("team", ""),
            ("Kosten stelle", "A-1 @ b_c.d:e/f=g+h"),
            ("größe", "x"),
            ("my:aws:", "é"),
        ] {
            assert!(tagged(key, value).is_ok(), "{key}={value}");
        }
        for (key, value, said) in [
            ("a#b", "x", "its key holds '#'"),
            ("a", "x,y", "its value holds ','"),
            ("a", "x\ty", "its value holds '\\t'"),
            ("a", "x\n", "its value holds '\\n'"),
            ("", "x", "a key has 1 to 128 characters"),
            ("AWS:x", "y", "reserved by AWS"),
        ] {
            let details = tagged(key, value).err().unwrap();
            assert!(
                details.len() == 1 && details[0].contains(said),
                "{key}={value}: {details:?}"
            );
        }
    }
}
