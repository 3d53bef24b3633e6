//! `source`.

use super::kinds::{not_empty, one_kind};
use crate::source::{self, SourceConfig, SourceKind};
use crate::terraform::{Diagnostics, Node};

/// The kind, and its configuration once that is wholly known.
pub(super) type ParsedSource = (&'static SourceKind, Option<Box<dyn SourceConfig>>);

pub(super) fn parse_source(node: &Node<'_>, root: &Node<'_>, problems: &mut Diagnostics) -> Option<ParsedSource> {
    if node.is_unknown() {
        return None;
    }
    let names: Vec<&str> = source::ALL.iter().map(|kind| kind.name).collect();
    let kind = source::kind(one_kind(node, &names, problems)?)?;
    let object = node.attr(kind.name);
    // Arguments that all have a default (a personal Neon key) may be left out.
    let required = (kind.attributes)()
        .iter()
        .any(|a| a.mode == crate::terraform::Mode::Required);
    not_empty(&object, required, problems)?;
    Some((kind, (kind.parse)(&object, root, problems)))
}
