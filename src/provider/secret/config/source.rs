//! `source`, and the value that a person supplies beside it.

use super::supplied;
use crate::diagnostics::Argument;
use crate::part::PartNames;
use crate::provider::kinds::{connection_of, not_empty, one_kind};
use crate::source::{self, SourceConfig, SourceKind};
use crate::terraform::{Diagnostics, Mode, Node};

/// A source as far as it is known.
pub(super) struct ParsedSource {
    /// Its kind.
    pub kind: &'static SourceKind,
    /// The parts of its credentials; `None` while they are unknown.
    pub parts: Option<PartNames>,
    /// Its configuration, once that is wholly known.
    pub config: Option<Box<dyn SourceConfig>>,
    /// The name of its connection, once that is known.
    pub connection: Option<String>,
}

/// Reads the source of a resource.
pub(super) fn parse_source(resource: &Node<'_>, problems: &mut Diagnostics) -> Option<ParsedSource> {
    let node = resource.attr("source");
    if node.is_unknown() {
        return None;
    }
    if node.is_null() {
        node.report(problems, |argument| Argument::RequiredBecause {
            argument,
            why: "Set exactly one kind.".into(),
        });
        return None;
    }
    let names: Vec<&str> = source::ALL.iter().map(|kind| kind.name).collect();
    let kind = source::kind(one_kind(&node, &names, problems)?)?;
    supplied::refuse_beside(kind, resource, problems);
    let object = node.attr(kind.name);
    // Arguments that all have a default (a personal Neon key) may be left out.
    let required = (kind.attributes)().iter().any(|a| a.mode == Mode::Required);
    not_empty(&object, required, problems)?;
    Some(ParsedSource {
        kind,
        parts: (kind.parts_of)(&object),
        config: (kind.parse)(&object, resource, problems),
        connection: connection_of(&node, kind.name, kind.reach, problems),
    })
}
