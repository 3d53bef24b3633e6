//! `allow_exec` of the provider block: the programs and hosts that kinds such as `exec` and `ssh` may use.

use crate::process::{AllowList, entry};
use crate::terraform::{Attribute, Diagnostics, Field, Node, Type};

/// The argument.
pub(super) const ALLOW_EXEC: &str = "allow_exec";

pub(super) fn attribute() -> Attribute {
    Attribute::optional(
        ALLOW_EXEC,
        Type::strings(),
        "The programs and hosts that `exec` and `ssh` may use: absolute paths such as `/usr/local/bin/verify`, and hosts such as \
         `app.example.com` (port 22), `app.example.com:2222` or `[2001:db8::7]:2222`. They are compared as text. Default: none.",
    )
}

/// Reads the list. What is wrong with an entry is reported, and the entry left out.
pub(super) fn allow_list(node: &Node<'_>, problems: &mut Diagnostics) -> AllowList {
    let entries = match node.strings(problems) {
        Field::Known(entries) => entries,
        Field::Absent => Vec::new(),
        Field::Unknown => return AllowList::unknown(),
    };
    let mut known = Vec::new();
    for (at, text) in (0..).zip(entries) {
        match entry(&text) {
            Ok(entry) => known.push(entry),
            Err(mistake) => node.index(at).report_not(problems, "a program or a host", mistake),
        }
    }
    AllowList::of(known)
}
