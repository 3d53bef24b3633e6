//! `value_wo`, `parts_wo` and `value_wo_version`, which belong to one kind of source.

use crate::diagnostics::Configuration;
use crate::source::{Maker, SourceKind};
use crate::terraform::{Diagnostics, Node, Origin};

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
