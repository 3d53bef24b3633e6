//! Objects with exactly one kind key.

use crate::address::DEFAULT_CONNECTION;
use crate::connection::Reach;
use crate::diagnostics::{Argument, Configuration, Message, names};
use crate::terraform::{Diagnostics, Field, Node};

/// The one kind key that is set, checked against the registry's names. `None` also while several may turn out to be it.
pub(in crate::provider) fn one_kind<'k>(
    node: &Node<'_>,
    kinds: &[&'k str],
    problems: &mut Diagnostics,
) -> Option<&'k str> {
    let kinds_that = |test: fn(&Node<'_>) -> bool| -> Vec<&'k str> {
        let found = kinds.iter().filter(|kind| test(&node.attr(kind)));
        found.copied().collect()
    };
    let set = kinds_that(|kind| kind.is_set());
    let possible = kinds_that(|kind| !kind.is_null());
    match set.as_slice() {
        [_] | [] if possible.len() > 1 => None,
        [one] => Some(one),
        [] if !possible.is_empty() => possible.first().copied(),
        [] => {
            node.report(problems, |argument| Configuration::NoKind {
                argument,
                kinds: names(kinds.iter().map(|kind| (*kind).to_owned())),
            });
            None
        }
        several => {
            node.report(problems, |argument| Configuration::SeveralKinds {
                argument,
                found: names(several.iter().map(|kind| (*kind).to_owned())),
                kinds: names(kinds.iter().map(|kind| (*kind).to_owned())),
            });
            None
        }
    }
}

/// Reports a kind object in which nothing is set although the kind has required arguments.
pub(in crate::provider) fn not_empty(node: &Node<'_>, has_arguments: bool, problems: &mut Diagnostics) -> Option<()> {
    if has_arguments && !node.is_unknown() && node.set_attributes().is_empty() {
        node.report(problems, |argument| Argument::Empty {
            argument,
            advice: "Set its required arguments.".into(),
        });
        return None;
    }
    Some(())
}

/// The name of the connection that an element with that kind uses. `None` when it is unknown or wrong; what is wrong is reported.
/// Whether it is declared only the provider block tells.
pub(in crate::provider) fn connection_of(
    element: &Node<'_>,
    kind: &str,
    reach: Option<Reach>,
    problems: &mut Diagnostics,
) -> Option<String> {
    let node = element.attr("connection");
    let name = match node.string(problems) {
        Field::Absent => return Some(DEFAULT_CONNECTION.to_owned()),
        Field::Unknown => return None,
        Field::Known(name) => name,
    };
    let path = node.path();
    let argument = path.to_string();
    let mistake: Message = match reach {
        None => Argument::NoEffect {
            argument,
            why: format!("{kind} takes no connection. Remove `connection`.").into(),
        }
        .into(),
        Some(_) if name == DEFAULT_CONNECTION => Configuration::DefaultConnection { argument, name }.into(),
        Some(_) => return Some(name),
    };
    // A path that goes on into a dynamic value would lose the line.
    problems.report(element.path().clone(), mistake);
    None
}
