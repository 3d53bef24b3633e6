//! `targets`: the common keys, the kind, and the text that an entry holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::TargetEntry;
use super::kinds::{not_empty, one_kind};
use crate::source::SourceKind;
use crate::target::{self, TargetConfig};
use crate::template::Template;
use crate::terraform::{Diagnostics, Node};

pub(super) fn parse_targets(
    node: &Node<'_>,
    name: Option<&str>,
    source: Option<&'static SourceKind>,
    problems: &mut Diagnostics,
) -> Option<BTreeMap<String, TargetEntry>> {
    if node.is_unknown() {
        return None;
    }
    if node.elements().is_empty() {
        problems.error(
            node.path().clone(),
            "targets is empty",
            "A secret needs at least one place that holds it: targets = { … }.",
        );
        return None;
    }
    let mut targets = BTreeMap::new();
    let mut complete = true;
    for (key, element) in node.elements() {
        match parse_target(&element, name, source, problems) {
            Some(target) => drop(targets.insert(key.to_owned(), target)),
            None => complete = false,
        }
    }
    complete.then_some(targets)
}

fn parse_target(
    node: &Node<'_>,
    name: Option<&str>,
    source: Option<&'static SourceKind>,
    problems: &mut Diagnostics,
) -> Option<TargetEntry> {
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
    let allowed: Option<&[&str]> = source.map(|kind| kind.parts);
    if let (Some(Some(part)), Some(allowed)) = (&part, allowed)
        && part != "value"
        && !allowed.contains(&part.as_str())
    {
        problems.error(
            node.attr("part").path().clone(),
            format!("The credential has no part {part:?}"),
            format!("Its parts are {}.", allowed.join(", ")),
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
        Some(text) => Some(parse_template(&node.attr("template"), &text, allowed, problems)?),
    };
    let config = config?;
    let primary = allowed?.first().copied().unwrap_or("value");
    // A template that is one bare part says in other words which part it is.
    let (part, template) = match template {
        Some(template) => match template.sole_part().map(str::to_owned) {
            Some(part) => (Some(part), None),
            None => (None, Some(template)),
        },
        None => (part?, None),
    };
    let part = part
        .filter(|part| part != "value")
        .unwrap_or_else(|| primary.to_owned());
    let print = template
        .as_ref()
        .map(|template| template.canonical(primary))
        .unwrap_or_default();
    let fingerprint = serde_json::json!([part, print, config.fingerprint()]).to_string();
    Some(TargetEntry {
        kind: kind?,
        config,
        wave: wave?,
        part,
        template,
        keep: keep? == "keep",
        fingerprint,
    })
}

/// Reads a template and checks its parts and that it holds no literal credential.
fn parse_template(
    node: &Node<'_>,
    text: &str,
    allowed: Option<&[&str]>,
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
        if part != "value" && !allowed.contains(&part.as_str()) {
            problems.error(
                node.path().clone(),
                format!("The template uses the unknown part {part:?}"),
                format!(
                    "The credential's parts are {}; value means the first.",
                    allowed.join(", ")
                ),
            );
            return None;
        }
    }
    if template.parts().is_empty() {
        problems.error(
            node.path().clone(),
            "The template uses no part",
            format!(
                "Without one, every generation would have the same text. Parts: {}.",
                allowed.join(", ")
            ),
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
