//! The block `connection "NAME" { … }`: a name, and exactly one vendor's block.

use std::collections::BTreeMap;

use super::state::{Named, State, Unready, open};
use super::{Opening, Surroundings, VENDORS, Vendor};
use crate::address::DEFAULT_CONNECTION;
use crate::http::HttpClient;
use crate::terraform::{Diagnostic, Diagnostics, Node, Path};

/// Longest name of a connection, in bytes.
const LONGEST_NAME: usize = 64;

/// A name stands in addresses, between colons.
fn name_mistake(name: &str) -> Option<String> {
    let permitted = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name == DEFAULT_CONNECTION {
        return Some(format!(
            "{DEFAULT_CONNECTION:?} stands for the provider's own accounts. Choose another name."
        ));
    }
    let fits = (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(permitted);
    (!fits).then(|| format!("A name has 1 to {LONGEST_NAME} letters, digits, hyphens or underscores."))
}

/// Reads one; nothing of it comes from the environment, which is empty in `surroundings`.
pub(super) fn open_named(
    name: &str,
    node: &Node<'_>,
    surroundings: &Surroundings,
    http: &HttpClient,
    own: &BTreeMap<&'static str, State>,
    problems: &mut Diagnostics,
) -> Named {
    let path = node.path();
    let mut wrong = |summary: String, detail: String| {
        let why = Diagnostic::error(path.clone(), summary, detail);
        problems.push(why.clone());
        Named {
            vendor: None,
            state: State::Wrong(Diagnostic {
                path: Path::root(),
                ..why
            }),
        }
    };
    if let Some(mistake) = name_mistake(name) {
        return wrong(format!("{path} has a name that cannot be used"), mistake);
    }
    let those = |test: &dyn Fn(&Node<'_>) -> bool| -> Vec<&'static Vendor> {
        let all = VENDORS.iter().filter(|vendor| test(&node.attr(vendor.block)));
        all.copied().collect()
    };
    let (set, possible) = (those(&|node| node.is_set()), those(&|node| !node.is_null()));
    let vendor = match (set.as_slice(), possible.as_slice()) {
        ([_] | [], [_, _, ..]) => {
            return Named {
                vendor: None,
                state: State::Unknown,
            };
        }
        ([], [vendor]) | ([vendor], _) => *vendor,
        (set, _) => {
            let all: Vec<&str> = VENDORS.iter().map(|vendor| vendor.block).collect();
            let found: Vec<&str> = set.iter().map(|vendor| vendor.block).collect();
            let summary = match found.as_slice() {
                [] => format!("{path} says nothing of an account"),
                several => format!("{path} has {} accounts: {}", several.len(), several.join(", ")),
            };
            return wrong(summary, format!("Write exactly one block of {}.", all.join(", ")));
        }
    };
    let opening = Opening {
        name: Some(name),
        own: own.get(vendor.block).map_or(Err(Unready::Undeclared), State::account),
        ..Opening::new(node.attr(vendor.block), surroundings, http)
    };
    Named {
        vendor: Some(vendor),
        state: open(opening, vendor, problems),
    }
}
