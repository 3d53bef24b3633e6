//! Our mark beside a value that can be read back: `[<label>] <write> #<origin>`, or `[<label> <content>]` where the value is not the bare
//! primary part.
//!
//! Whoever changes the value alone leaves the mark as it is. So it names the write that it belongs to, in a form of the kind's own, and
//! counts for that write alone: a label that outlives a foreign write would pass a foreign value for ours, and it would be delivered
//! everywhere (docs/decisions/ssm-mark-names-its-version.md).

use super::Delivery;
use crate::label::Label;

/// Stands before the origin.
const ORIGIN: char = '#';

/// What a mark says of the value beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    /// The generation.
    pub(super) label: Label,
    /// What the value is, where it is not the bare primary part.
    pub(super) content: Option<String>,
    /// What made it; a mark without it counts for any source.
    pub(super) origin: Option<String>,
}

impl Mark {
    /// That of a delivery.
    pub(super) fn of(delivery: &Delivery<'_>) -> Self {
        Self {
            label: delivery.label.clone(),
            content: delivery.content.map(str::to_owned),
            origin: Some(delivery.origin.to_owned()),
        }
    }

    /// The mark of that write, which is a word without blanks.
    pub(super) fn text(&self, write: &str) -> String {
        // Blanks and brackets in the prefix would hide where the mark begins.
        let readable = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '[' | ']');
        let prefix = self.label.prefix.chars();
        let label = Label {
            prefix: prefix.map(|c| if readable(c) { c } else { '-' }).collect(),
            ..self.label.clone()
        };
        let content: String = self.content.iter().map(|content| format!(" {content}")).collect();
        let origin: String = self.origin.iter().map(|origin| format!(" {ORIGIN}{origin}")).collect();
        format!("[{label}{content}] {write}{origin}")
    }

    /// The mark at the end of a text, and the write that it names.
    pub(super) fn find(text: &str) -> Option<(Self, &str)> {
        let (text, marked) = text.rsplit_once("] ")?;
        let (write, origin) = match marked.split_once(' ') {
            Some((write, origin)) => (write, Some(origin.strip_prefix(ORIGIN)?)),
            None => (marked, None),
        };
        let mark = text.rsplit_once('[')?.1;
        let (label, content) = match mark.split_once(' ') {
            Some((label, content)) => (label, Some(content)),
            None => (mark, None),
        };
        let mark = Self {
            label: Label::parse(label)?,
            content: content.map(str::to_owned),
            origin: origin.map(str::to_owned),
        };
        Some((mark, write))
    }
}
