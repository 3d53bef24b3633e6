//! `guard { consequence, confirm }`.

use crate::diagnostics::{Argument, Configuration};
use crate::spec::Guard;
use crate::terraform::{Diagnostics, Node};

/// Reads the block; the inner `None` where there is none.
pub(super) fn parse_guard(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Option<Guard>> {
    if node.is_null() {
        return Some(None);
    }
    if node.is_unknown() {
        return None;
    }
    let consequence = node.attr("consequence").required_string(problems);
    let confirm = node.attr("confirm").string(problems).optional();
    let consequence = consequence.and_then_checked(|text| {
        let good = !text.trim().is_empty() && !text.contains(char::is_control);
        if !good {
            node.attr("consequence").report(problems, |argument| Argument::CannotBeUsed {
                argument,
                why: "Say in one line what a rotation breaks for those who use the secret. guard.confirm repeats this line.".into(),
            });
        }
        good.then_some(text)
    });
    let guard = Guard {
        consequence: consequence.known()?,
        confirm: confirm?,
    };
    if !guard.is_well_formed() {
        node.attr("confirm")
            .report(problems, |argument| Configuration::GuardLine {
                argument,
                rotate: guard.line(2),
                destroy: guard.destroy_line(),
            });
    }
    Some(Some(guard))
}
