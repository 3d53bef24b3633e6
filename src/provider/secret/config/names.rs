//! Texts that others keep: the name, the prefix of labels, the reason of a rotation.

use std::collections::BTreeMap;

use crate::diagnostics::{Argument, Configuration, names};
use crate::label::LONGEST_PREFIX;
use crate::provider::secret::schema::INFO;
use crate::terraform::conform::nearest;
use crate::terraform::{Diagnostics, Field, Node, Number, Origin, Path};

/// Longest `name`, in characters; no vendor takes more in the name of an entry, unless it is a path.
const LONGEST_NAME: usize = 255;

pub(super) fn parse_name(node: &Node<'_>, problems: &mut Diagnostics) -> Option<String> {
    let name = node.required_string(problems).known()?;
    let Some(mistake) = name_mistake(&name) else {
        return Some(name);
    };
    node.report(problems, |argument| Argument::CannotBeUsed {
        argument,
        why: mistake.into(),
    });
    None
}

/// Why a text cannot be the name of a secret.
pub(in crate::provider::secret) fn name_mistake(name: &str) -> Option<String> {
    let length = name.chars().count();
    if length > LONGEST_NAME {
        Some(format!(
            "It has {length} characters; at most {LONGEST_NAME} are allowed."
        ))
    } else if name.chars().any(char::is_control) || name.trim().is_empty() {
        let why =
            "It is blank, or contains a line break or another control character. Use the name from your inventory.";
        Some(why.to_owned())
    } else {
        None
    }
}

/// `info`: a map of texts with known keys.
pub(super) fn parse_info(node: &Node<'_>, problems: &mut Diagnostics) -> Option<BTreeMap<String, String>> {
    let known: Vec<&str> = INFO.iter().map(|(name, _)| *name).collect();
    for (key, value) in node.elements() {
        if !known.contains(&key) && node.origin() == Origin::Configuration {
            value.report(problems, |argument| Configuration::InfoKey {
                argument,
                nearest: nearest(key, &known).map(|name| name.to_owned().into()),
                keys: names(INFO.iter().map(|(name, _)| *name)),
            });
        }
    }
    node.string_map(problems).or(BTreeMap::new())
}

/// Words that a missing or mistaken value turns into, and that are no reason.
const NO_REASON: [&str; 3] = ["null", "true", "false"];

/// `rotation_reason`: it is shown as the reason, in one line.
pub(super) fn parse_reason(node: &Node<'_>, problems: &mut Diagnostics) -> Field<String> {
    node.string(problems).and_then_checked(|text| {
        let mistake = if text.trim().is_empty() {
            "It is blank. Say why the secret is rotated, such as \"2026-11-22: a contractor left\", or remove it."
        } else if NO_REASON.contains(&text.trim().to_lowercase().as_str()) || Number::parse(text.trim()).is_some() {
            "It is a bare boolean, number or null. Say why the secret is rotated, such as \"2026-11-22: a contractor left\"."
        } else if text.chars().any(char::is_control) {
            "It contains a line break or another control character. It is recorded as the reason, so write one line of text. Use \
             chomp() if you read it from a file."
        } else {
            return Some(text);
        };
        node.report(problems, |argument| Argument::IsNot {
            argument,
            what: "a reason".into(),
            why: mistake.into(),
        });
        None
    })
}

/// `label_prefix`, or the name in an alphabet that every issuer takes.
pub(super) fn parse_label_prefix(node: &Node<'_>, name: Option<&str>, problems: &mut Diagnostics) -> Option<String> {
    let set = node.attr("label_prefix").string(problems).optional()?;
    let (attribute, prefix) = match set {
        Some(prefix) if prefix.chars().all(permitted) => ("label_prefix", prefix),
        Some(_) => {
            problems.report(Path::attribute("label_prefix"), Configuration::LabelCharacters);
            return None;
        }
        None => ("name", label_prefix_of(name?)),
    };
    let length = prefix.chars().count();
    if length > LONGEST_PREFIX {
        let mistake = Configuration::LabelTooLong {
            argument: attribute.into(),
            length,
            longest: LONGEST_PREFIX,
        };
        problems.report(Path::attribute(attribute), mistake);
        return None;
    }
    Some(prefix)
}

/// What vendors take in names.
fn permitted(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

pub(super) fn label_prefix_of(name: &str) -> String {
    name.chars().map(|c| if permitted(c) { c } else { '-' }).collect()
}
