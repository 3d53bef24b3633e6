//! Texts that others keep: the name, the prefix of labels, the reason of a rotation.

use std::collections::BTreeMap;

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
    problems.error(node.path().clone(), "name cannot be used", mistake);
    None
}

/// Why a text cannot be the name of a secret.
pub(in crate::provider::secret) fn name_mistake(name: &str) -> Option<String> {
    let length = name.chars().count();
    if length > LONGEST_NAME {
        Some(format!(
            "It has {length} characters; at most {LONGEST_NAME} are permitted."
        ))
    } else if name.chars().any(char::is_control) || name.trim().is_empty() {
        let why = "It is blank, or holds a line break or another control character. Write the name as it appears in your inventory.";
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
            let nearest = nearest(key, &known).map_or_else(String::new, |name| format!("Did you mean `{name}`? "));
            problems.error(
                value.path().clone(),
                format!("{} is not a key of info", value.path()),
                format!("{nearest}Its keys are {}.", known.join(", ")),
            );
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
            "It is blank. Say why the secret is rotated, such as \"2026-11-22: left with a contractor\", or omit it."
        } else if NO_REASON.contains(&text.trim().to_lowercase().as_str()) || Number::parse(text.trim()).is_some() {
            "It is a bare boolean, number or null. Say why the secret is rotated, such as \"2026-11-22: left with a contractor\"."
        } else if text.chars().any(char::is_control) {
            "It holds a line break or another control character, and it is recorded as the reason: write one line of text, with \
             chomp() around what was read from elsewhere."
        } else {
            return Some(text);
        };
        problems.error(node.path().clone(), "rotation_reason is not a reason", mistake);
        None
    })
}

/// `label_prefix`, or the name in an alphabet that every issuer takes.
pub(super) fn parse_label_prefix(node: &Node<'_>, name: Option<&str>, problems: &mut Diagnostics) -> Option<String> {
    let set = node.attr("label_prefix").string(problems).optional()?;
    let (attribute, prefix) = match set {
        Some(prefix) if prefix.chars().all(permitted) => ("label_prefix", prefix),
        Some(_) => {
            problems.error(
                Path::attribute("label_prefix"),
                "label_prefix has characters that vendors do not take in names",
                "Use letters, digits, hyphens, underscores and dots.",
            );
            return None;
        }
        None => ("name", label_prefix_of(name?)),
    };
    let length = prefix.chars().count();
    if length > LONGEST_PREFIX {
        problems.error(
            Path::attribute(attribute),
            format!("{attribute} is too long for the names that vendors keep"),
            format!(
                "It has {length} characters and stands before our own mark in every such name. Set label_prefix to at most \
                 {LONGEST_PREFIX} characters."
            ),
        );
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
