//! `format { prefix, pattern, encoding, bytes }`: what every value must look like.

use regex_lite::Regex;

use crate::diagnostics::Argument;
use crate::spec::{Encoding, Format, SourceSpec};
use crate::terraform::{Diagnostics, Node};

/// Most bytes that a rule may ask for.
const MOST_BYTES: u64 = 65_536;

/// Reads the block. `None` when something is unknown or wrong; `Some(None)` without rules.
pub(super) fn parse_format(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Option<Format>> {
    let prefix = node.attr("prefix").string(problems).optional();
    let pattern = node.attr("pattern").string(problems).and_then_checked(|text| {
        // As a whole; by itself, too, so that no parenthesis of it ends ours.
        let whole = Regex::new(&text).and_then(|_| Regex::new(&format!("^(?:{text})$")));
        let refused = |why: regex_lite::Error| {
            node.attr("pattern").report(problems, |argument| Argument::IsNot {
                argument,
                what: "a regular expression".into(),
                why: format!(
                    "{why}. It has to match the whole value; look-around and back-references are not available."
                )
                .into(),
            });
        };
        whole.map_err(refused).ok()
    });
    let encoding = node
        .attr("encoding")
        .one_of(&["hex", "base64", "base64url"], problems)
        .optional();
    let bytes = node.attr("bytes").integer(1, MOST_BYTES, problems).optional();
    if let (Some(None), Some(Some(_))) = (encoding, bytes) {
        node.attr("bytes").report(problems, |argument| Argument::Needs {
            argument,
            other: "format.encoding".into(),
            why: "It counts the bytes that the value decodes to. Set `encoding` to hex, base64 or base64url.".into(),
        });
        return None;
    }
    let format = Format {
        prefix: prefix?,
        pattern: pattern.optional()?,
        encoding: encoding?.and_then(|name| name.parse::<Encoding>().ok()),
        bytes: bytes?,
    };
    let has_rules = format.prefix.is_some() || format.pattern.is_some() || format.encoding.is_some();
    Some(has_rules.then_some(format))
}

/// Refuses rules for a credential of several parts, and a supplied value that breaks them.
pub(super) fn format_holds(format: Option<&Format>, source: &SourceSpec, root: &Node<'_>, problems: &mut Diagnostics) {
    let Some(format) = format else { return };
    if source.parts.sole().is_none() {
        let parts: Vec<&str> = source.parts.iter().map(|part| part.as_str()).collect();
        root.attr("format").report(problems, |argument| Argument::CannotBeUsed {
            argument,
            why: format!(
                "It describes one value, but a credential of source {} has several parts: {}. Remove it.",
                source.kind.name,
                parts.join(", ")
            )
            .into(),
        });
        return;
    }
    let value = root.attr("value_wo");
    if !source.is_supplied() || !value.is_set() || value.is_unknown() {
        return;
    }
    let supplied = value.secret(&mut Diagnostics::new()).known();
    if let Some(why) = supplied.and_then(|value| format.broken_by(&value)) {
        value.report(problems, |argument| Argument::CannotBeUsed {
            argument,
            why: format!("It {why}. Supply the right credential, or correct `format`.").into(),
        });
    }
}
