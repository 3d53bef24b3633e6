//! `guard { consequence, confirm }`.

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
            problems.error(
                node.attr("consequence").path().clone(),
                format!("{} does not say what breaks", node.attr("consequence").path()),
                "Write in one line what a rotation does to those who use the secret. It is repeated in guard.confirm.",
            );
        }
        good.then_some(text)
    });
    let guard = Guard {
        consequence: consequence.known()?,
        confirm: confirm?,
    };
    if !guard.is_well_formed() {
        problems.error(
            node.attr("confirm").path().clone(),
            format!("{} does not repeat the consequence", node.attr("confirm").path()),
            format!(
                "It must be the coming generation and the consequence, such as {:?}, or {:?}. Plans print the line to copy.",
                guard.line(2),
                guard.destroy_line()
            ),
        );
    }
    Some(Some(guard))
}
