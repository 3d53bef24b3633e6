//! `targets`: the common keys, the kind, and the text that an entry holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::SignedDuration;

use crate::diagnostics::{Argument, Configuration, capitalized};
use crate::part::{PREVIOUS, PartName, PartNames};
use crate::provider::kinds::{connection_of, not_empty, one_kind};
use crate::spec::{Content, TargetSpec};
use crate::target::{self, TargetConfig};
use crate::template::Template;
use crate::terraform::{Diagnostics, Node, is_word};

/// Most targets of one secret.
const MOST_TARGETS: usize = 1_000;

/// Longest key of a target or check, in bytes.
const LONGEST_KEY: usize = 128;

/// Whether a name can stand for a target or check in plans, errors and commands; reports one that cannot.
pub(super) fn is_key(key: &str, element: &Node<'_>, problems: &mut Diagnostics) -> bool {
    let permitted = |c: char| c.is_alphanumeric() || " _-/:@#+".contains(c);
    let good = !key.trim().is_empty() && key.len() <= LONGEST_KEY && key.chars().all(permitted);
    if !good && element.origin() == crate::terraform::Origin::Configuration {
        let attribute = element.path().steps().first().map(|step| match step {
            crate::terraform::path::Step::Attribute(name) => name.as_str(),
            _ => "",
        });
        let attribute = attribute.unwrap_or_default();
        let shown: String = key
            .chars()
            .take(40)
            .map(|c| if c.is_control() { '\u{fffd}' } else { c })
            .collect();
        let mistake = Configuration::Key {
            argument: attribute.to_owned(),
            begins: shown,
            longest: LONGEST_KEY,
        };
        problems.report(crate::terraform::Path::attribute(attribute), mistake);
        return false;
    }
    true
}

pub(super) fn parse_targets(
    node: &Node<'_>,
    name: Option<&str>,
    parts: Option<&PartNames>,
    problems: &mut Diagnostics,
) -> Option<BTreeMap<String, Arc<TargetSpec>>> {
    if node.is_unknown() {
        return None;
    }
    if node.elements().is_empty() {
        node.report(problems, |argument| Argument::Empty {
            argument,
            advice: "Set at least one target.".into(),
        });
        return None;
    }
    if node.elements().len() > MOST_TARGETS {
        node.report(problems, |argument| Argument::TooMany {
            argument,
            count: node.elements().len(),
            most: MOST_TARGETS,
            advice: "Split the secret into several.".into(),
        });
        return None;
    }
    let mut targets = BTreeMap::new();
    let mut complete = true;
    for (key, element) in node.elements() {
        if !is_key(key, &element, problems) {
            complete = false;
            continue;
        }
        match parse_target(&element, name, parts, problems) {
            Some(target) => drop(targets.insert(key.to_owned(), Arc::new(target))),
            None => complete = false,
        }
    }
    complete.then_some(targets)
}

fn parse_target(
    node: &Node<'_>,
    name: Option<&str>,
    parts: Option<&PartNames>,
    problems: &mut Diagnostics,
) -> Option<TargetSpec> {
    if node.is_unknown() {
        return None;
    }
    let wave = node.attr("wave").integer(1, 1_000, problems).or(1);
    let keep = node
        .attr("on_remove")
        .one_of(&["delete", "keep"], problems)
        .or("delete");
    let part = node.attr("part").string(problems).optional();
    let template_text = node.attr("template").string(problems).optional();
    let kinds: Vec<&str> = target::ALL.iter().map(|kind| kind.name).collect();
    let kind = one_kind(node, &kinds, problems).and_then(target::kind);
    let config: Option<Arc<dyn TargetConfig>> = kind.and_then(|kind| {
        let object = node.attr(kind.name);
        not_empty(&object, true, problems)?;
        (kind.parse)(&object, name, problems).map(Arc::from)
    });
    let connection = kind.and_then(|kind| connection_of(node, kind.name, kind.reach, problems));
    let impact = node.attr("impact").string(problems).optional();
    let settle = node.attr("settle").duration(problems).optional();
    let lead = node.attr("lead").duration(problems).optional();
    if let (Some(Some(part)), Some(allowed)) = (&part, parts)
        && allowed.resolve(part).is_none()
    {
        node.attr("part")
            .report(problems, |argument| unknown_part(argument, part, allowed));
        return None;
    }
    if let (Some(Some(_)), Some(Some(_))) = (&part, &template_text) {
        node.attr("template").report(problems, |argument| Argument::Conflict {
            argument,
            other: "part".into(),
            advice: "A template names the parts that it uses. Remove `part`.".into(),
        });
        return None;
    }
    let template = match template_text? {
        None => None,
        Some(text) => Some(parse_template(&node.attr("template"), &text, parts, problems)?),
    };
    let config = config?;
    let parts = parts?;
    let content = content_of(node, part?.as_deref(), template, parts, problems)?;
    let sole = parts.sole().map_or("", PartName::as_str);
    let fingerprint = match &content {
        Content::Part(part) => serde_json::json!([part.as_str(), "", config.fingerprint()]),
        Content::Template { template, .. } => {
            serde_json::json!([sole, template.canonical(sole), config.fingerprint()])
        }
    };
    Some(TargetSpec {
        kind: kind?,
        config,
        connection: connection?,
        wave: wave?,
        content,
        keep: keep? == "keep",
        impact: impact?,
        settle: settle?.unwrap_or(SignedDuration::ZERO),
        lead: lead?.unwrap_or(SignedDuration::ZERO),
        fingerprint: fingerprint.to_string(),
    })
}

/// Only a word is repeated: a text between braces may be the credential itself.
fn unknown_part(argument: String, part: &str, parts: &PartNames) -> Argument {
    Argument::UnknownPart {
        argument,
        part: is_word(part).then(|| part.to_owned()),
        parts: parts.to_string(),
    }
}

/// What the entry holds; reports a target that does not say which of several parts.
fn content_of(
    node: &Node<'_>,
    part: Option<&str>,
    template: Option<Template>,
    parts: &PartNames,
    problems: &mut Diagnostics,
) -> Option<Content> {
    if let Some(template) = template {
        // A template that is one bare part says in other words which part it is.
        if let Some(part) = template.sole_part().filter(|part| *part != PREVIOUS) {
            return parts.resolve(part).cloned().map(Content::Part);
        }
        let used = template.parts();
        let used = used.iter().filter_map(|part| parts.resolve(part)).cloned();
        return Some(Content::Template {
            parts: used.collect(),
            template,
        });
    }
    let Some(part) = part.map_or_else(|| parts.sole(), |part| parts.resolve(part)) else {
        node.report(problems, |argument| Configuration::PartRequired {
            argument,
            parts: parts.to_string(),
        });
        return None;
    };
    Some(Content::Part(part.clone()))
}

/// Reads a template and checks its parts and that it holds no literal credential.
fn parse_template(
    node: &Node<'_>,
    text: &str,
    allowed: Option<&PartNames>,
    problems: &mut Diagnostics,
) -> Option<Template> {
    let template = match Template::parse(text) {
        Ok(template) => template,
        Err(error) => {
            node.report(problems, |argument| Argument::IsNot {
                argument,
                what: "a template".into(),
                why: format!("{}.", capitalized(&error.to_string())).into(),
            });
            return None;
        }
    };
    if crate::template::literal_credential(&template) {
        node.report(problems, |argument| Argument::PlainCredential {
            argument,
            what: "password".into(),
            advice: "Write it as a part, such as {{ password | urlencode }}.".into(),
        });
        return None;
    }
    let allowed = allowed?;
    for part in template.parts() {
        if part == PREVIOUS && allowed.sole().is_some() {
            continue;
        }
        if allowed.resolve(&part).is_none() {
            node.report(problems, |argument| unknown_part(argument, &part, allowed));
            return None;
        }
    }
    if template.parts().is_empty() {
        node.report(problems, |argument| Configuration::TemplateWithoutParts {
            argument,
            parts: allowed.to_string(),
        });
        return None;
    }
    Some(template)
}

/// The waves that have targets; `None` while one is unknown.
pub(super) fn known_waves(targets: &Node<'_>) -> Option<BTreeSet<u64>> {
    if targets.is_unknown() {
        return None;
    }
    let mut quiet = Diagnostics::new();
    targets
        .elements()
        .iter()
        .map(|(_, node)| node.attr("wave").integer(1, 1_000, &mut quiet).or(1))
        .collect()
}
