//! `targets`: the common keys, the kind, and the text that an entry holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::kinds::{connection_of, not_empty, one_kind};
use crate::part::{PartName, PartNames};
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
        problems.error(
            crate::terraform::Path::attribute(attribute),
            format!("{attribute} has a key that cannot be used"),
            format!(
                "It begins with {shown:?}. A key is a name of at most {LONGEST_KEY} bytes: letters, digits, spaces and any of _ - / : @ # +."
            ),
        );
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
        problems.error(node.path().clone(), "targets is empty", "Set at least one target.");
        return None;
    }
    if node.elements().len() > MOST_TARGETS {
        problems.error(
            node.path().clone(),
            format!("targets has {} elements", node.elements().len()),
            format!("A secret has at most {MOST_TARGETS} targets. Split it into several secrets."),
        );
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
    let names: Vec<&str> = target::ALL.iter().map(|kind| kind.name).collect();
    let kind = one_kind(node, &names, problems).and_then(target::kind);
    let config: Option<Arc<dyn TargetConfig>> = kind.and_then(|kind| {
        let object = node.attr(kind.name);
        not_empty(&object, true, problems)?;
        (kind.parse)(&object, name, problems).map(Arc::from)
    });
    let connection = kind.and_then(|kind| connection_of(node, kind.name, kind.reach, problems));
    let impact = node.attr("impact").string(problems).optional();
    if let (Some(Some(part)), Some(allowed)) = (&part, parts)
        && allowed.resolve(part).is_none()
    {
        let which = if is_word(part) {
            format!(" {part:?}")
        } else {
            " of that name".to_owned()
        };
        problems.error(
            node.attr("part").path().clone(),
            format!("The credential has no part{which}"),
            format!("Its parts are {allowed}."),
        );
        return None;
    }
    if let (Some(Some(_)), Some(Some(_))) = (&part, &template_text) {
        problems.error(
            node.attr("template").path().clone(),
            "part and template are both set",
            "A template names the parts that it uses: remove part.",
        );
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
        fingerprint: fingerprint.to_string(),
    })
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
        if let Some(part) = template.sole_part() {
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
        problems.error(
            node.path().clone(),
            format!("{} does not say which part it holds", node.path()),
            format!("The credential has several parts: {parts}. Set `part`, or `template`."),
        );
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
            problems.error(
                node.path().clone(),
                format!("{} is not a template", node.path()),
                format!("{error}."),
            );
            return None;
        }
    };
    if crate::template::literal_credential(&template) {
        problems.error(
            node.path().clone(),
            "The template holds a literal password",
            "A template is stored in state. Write the password as a part, such as {{ password | urlencode }}.",
        );
        return None;
    }
    let allowed = allowed?;
    for part in template.parts() {
        if allowed.resolve(&part).is_none() {
            let which = if is_word(&part) {
                format!("the unknown part {part:?}")
            } else {
                "an unknown part".to_owned()
            };
            problems.error(
                node.path().clone(),
                format!("The template uses {which}"),
                format!("The credential's parts are {allowed}."),
            );
            return None;
        }
    }
    if template.parts().is_empty() {
        problems.error(
            node.path().clone(),
            "The template uses no part",
            format!("Without one, every generation would have the same text. Parts: {allowed}."),
        );
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
