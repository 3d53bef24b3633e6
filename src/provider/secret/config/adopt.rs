//! `adopt { rotated_at, credential_id }`: how what exists is taken over.

use jiff::Timestamp;

use crate::diagnostics::Argument;
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
            node.report(problems, |argument| Argument::IsNot {
                argument,
                what: "a time".into(),
                why: format!("{text:?} does not have the form \"2026-08-01T00:00:00Z\" (RFC 3339, with a time zone).")
                    .into(),
            });
        }
        instant
    })
}

/// It is shown in lines of text, and compared with what the issuer lists.
fn parse_id(node: &Node<'_>, problems: &mut Diagnostics) -> Field<String> {
    node.string(problems).and_then_checked(|id| {
        let fits = id.trim().len() == id.len() && !id.contains(char::is_control);
        if !fits {
            node.report(problems, |argument| Argument::IsNot {
                argument,
                what: "the id of a credential".into(),
                why: "It contains a line break or another control character, or begins or ends with a blank. Use trimspace().".into(),
            });
        }
        fits.then_some(id)
    })
}

/// Refuses an id beside a source whose values have none.
pub(super) fn id_fits(adopt: Option<&Adopt>, source: &SourceSpec, node: &Node<'_>, problems: &mut Diagnostics) {
    let id = adopt.and_then(|adopt| adopt.credential_id.as_ref());
    if id.is_some() && source.kind.maker == Maker::Us {
        node.attr("credential_id")
            .report(problems, |argument| Argument::NoEffect {
                argument,
                why: format!(
                    "Nobody issues the values of source {}, so they have no id. Remove it.",
                    source.kind.name
                )
                .into(),
            });
    }
}
