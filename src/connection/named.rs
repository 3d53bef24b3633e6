//! The block `connection "NAME" { … }`: a name, and exactly one vendor's block.

use std::collections::BTreeMap;

use super::state::{Named, State, Unready, open};
use super::{Opening, Surroundings, VENDORS, Vendor};
use crate::address::DEFAULT_CONNECTION;
use crate::diagnostics::{ConnectionProblem, names};
use crate::http::HttpClient;
use crate::terraform::{Diagnostic, Diagnostics, Node, Path};

/// Longest name of a connection, in bytes.
const LONGEST_NAME: usize = 64;

/// A name stands in addresses, between colons.
fn name_mistake(name: &str, path: &Path) -> Option<ConnectionProblem> {
    let permitted = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let is_reserved = name == DEFAULT_CONNECTION;
    let fits = (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(permitted);
    (is_reserved || !fits).then(|| ConnectionProblem::Name {
        argument: path.to_string(),
        longest: LONGEST_NAME,
        reserved: is_reserved.then(|| DEFAULT_CONNECTION.into()),
    })
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
    let mut wrong = |mistake: ConnectionProblem| {
        let why = Diagnostic::new(path.clone(), mistake);
        problems.push(why.clone());
        Named {
            vendor: None,
            state: State::Wrong(why.at(Path::root())),
        }
    };
    if let Some(mistake) = name_mistake(name, path) {
        return wrong(mistake);
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
            return wrong(ConnectionProblem::Accounts {
                argument: path.to_string(),
                found: names(set.iter().map(|vendor| vendor.block)),
                blocks: names(VENDORS.iter().map(|vendor| vendor.block)),
            });
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
