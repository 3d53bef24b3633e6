//! `adopt { rotated_at, credential_id }`: how what exists is taken over.

use jiff::Timestamp;

use crate::source::Maker;
use crate::spec::{Adopt, SourceSpec};
use crate::terraform::{Diagnostics, Field, Node};

/// Reads the block. `None` when something is unknown or wrong; `Some(None)` without the block.
pub(super) fn parse_adopt(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Option<Adopt>> {
    if node.is_null() {
        return Some(None);
    }
    let rotated_at = parse_instant(&node.attr("rotated_at"), problems);
    let credential_id = parse_id(&node.attr("credential_id"), problems);
    Some(Some(Adopt {
        rotated_at: rotated_at.optional()?,
        credential_id: credential_id.optional()?,
    }))
}

fn parse_instant(node: &Node<'_>, problems: &mut Diagnostics) -> Field<Timestamp> {
    node.string(problems).and_then_checked(|text| {
        let instant = text.parse().ok();
        if instant.is_none() {
            problems.error(
                node.path().clone(),
                format!("{} is not an instant", node.path()),
                format!("{text:?} is not of the form \"2026-08-01T00:00:00Z\" (RFC 3339, with a time zone)."),
            );
        }
        instant
    })
}

/// It is shown in lines of text, and compared with what the issuer lists.
fn parse_id(node: &Node<'_>, problems: &mut Diagnostics) -> Field<String> {
    node.string(problems).and_then_checked(|id| {
        let fits = id.trim().len() == id.len() && !id.contains(char::is_control);
        if !fits {
            problems.error(
                node.path().clone(),
                format!("{} is not the id of a credential", node.path()),
                "It has a line break or another control character in it, or a blank at its beginning or end. Use trimspace().",
            );
        }
        fits.then_some(id)
    })
}

/// Refuses an id beside a source whose values have none.
pub(super) fn id_fits(adopt: Option<&Adopt>, source: &SourceSpec, node: &Node<'_>, problems: &mut Diagnostics) {
    let id = adopt.and_then(|adopt| adopt.credential_id.as_ref());
    if id.is_some() && source.kind.maker == Maker::Us {
        problems.error(
            node.attr("credential_id").path().clone(),
            format!("adopt.credential_id has no use with source {}", source.kind.name),
            "Nobody issues such a value, so it has no id. Remove it.",
        );
    }
}
