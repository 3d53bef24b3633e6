//! `value_wo`, `parts_wo` and `value_wo_version`, which belong to one kind of source.

use crate::diagnostics::{Argument, Configuration};
use crate::source::{Maker, SourceKind};
use crate::spec::Config;
use crate::terraform::{Diagnostics, Node, Origin, Path};

/// Refuses a supplied value beside a source that makes its own.
pub(super) fn refuse_beside(kind: &SourceKind, resource: &Node<'_>, problems: &mut Diagnostics) {
    if kind.maker == Maker::Person || resource.origin() == Origin::State {
        return;
    }
    for name in ["value_wo", "parts_wo", "value_wo_version"] {
        let node = resource.attr(name);
        if node.is_set() {
            node.report(problems, |argument| Configuration::SuppliedValue {
                argument,
                source: kind.name.into(),
            });
        }
    }
}

/// Refuses a supplied value that a target cannot hold. Values that the plan does not know yet are judged before the first write.
pub(super) fn targets_hold(config: &Config, problems: &mut Diagnostics) {
    let supplied = config.source.config.supplied();
    let Some(parts) = supplied.and_then(|supplied| supplied.parts) else {
        return;
    };
    for (key, target) in &config.targets {
        // What an earlier value is a part of is assembled in the apply.
        if target.content.has_previous() {
            continue;
        }
        let Ok(value) = target.content.of(parts) else { continue };
        if let Err(limit) = target.config.accepts(&value) {
            let path = Path::attribute("targets").then_key(key);
            let argument = path.to_string();
            let why = format!("It cannot hold the supplied value. {limit}").into();
            problems.report(path, Argument::CannotBeUsed { argument, why });
        }
    }
}
