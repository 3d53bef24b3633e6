//! `checks`: the common keys and the kind.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::SignedDuration;

use super::kinds::{not_empty, one_kind};
use super::{CheckEntry, Phase};
use crate::check::{self, Patience, Presents};
use crate::source::SourceKind;
use crate::terraform::{Diagnostics, Node};

pub(super) fn parse_checks(
    node: &Node<'_>,
    source: Option<&'static SourceKind>,
    waves: Option<&BTreeSet<u64>>,
    problems: &mut Diagnostics,
) -> Option<BTreeMap<String, CheckEntry>> {
    if node.is_unknown() {
        return None;
    }
    let mut checks = BTreeMap::new();
    let mut complete = true;
    for (key, element) in node.elements() {
        match parse_check(&element, source, waves, problems) {
            Some(check) => drop(checks.insert(key.to_owned(), check)),
            None => complete = false,
        }
    }
    complete.then_some(checks)
}

fn parse_check(
    node: &Node<'_>,
    source: Option<&'static SourceKind>,
    waves: Option<&BTreeSet<u64>>,
    problems: &mut Diagnostics,
) -> Option<CheckEntry> {
    if node.is_unknown() {
        return None;
    }
    let wave = node.attr("wave").integer(1, 1_000, problems).optional();
    let phase = node
        .attr("phase")
        .one_of(&["delivered", "preflight", "revoked"], problems)
        .or("delivered");
    let timeout = node.attr("timeout").duration(problems).optional();
    if timeout.flatten().is_some_and(|timeout| timeout.is_zero()) {
        problems.error(
            node.attr("timeout").path().clone(),
            format!("{} must be longer than zero", node.attr("timeout").path()),
            "No attempt could end in time. Leave it out for the default of the kind.",
        );
    }
    let retry_for = node.attr("retry_for").duration(problems).optional();
    let names: Vec<&str> = check::ALL.iter().map(|kind| kind.name).collect();
    let kind = one_kind(node, &names, problems).and_then(check::kind);
    let config = kind.and_then(|kind| {
        let object = node.attr(kind.name);
        not_empty(&object, true, problems)?;
        (kind.parse)(&object, problems)
    });
    if let (Some(Some(wave)), Some(waves)) = (wave, waves)
        && !waves.contains(&wave)
    {
        let list = waves.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
        problems.error(
            node.attr("wave").path().clone(),
            format!("No target is in wave {wave}"),
            format!("A check runs after a wave that has targets: {list}."),
        );
    }
    if let (Some(Some(_)), Some("preflight" | "revoked")) = (wave, phase) {
        problems.error(
            node.attr("wave").path().clone(),
            "wave is only for checks of the phase \"delivered\"",
            "A check before minting or after revocation belongs to no wave: remove wave or phase.",
        );
    }
    let (kind, config, phase) = (kind?, config?, phase?);
    let path = node.path().then_attribute(kind.name);
    if let Some(parts) = source.map(|source| source.parts) {
        for part in config.parts_used() {
            if part != "value" && !parts.contains(&part.as_str()) {
                // A text between braces may be the credential itself, unless it looks like the name of a part.
                let hidden = !part.chars().all(|c| c.is_ascii_lowercase() || c == '_');
                let summary = match hidden {
                    true => "The check uses an unknown part".to_owned(),
                    false => format!("The check uses the unknown part {part:?}"),
                };
                let known = parts.join(", ");
                let detail = match hidden {
                    true => format!(
                        "A text between double braces, in headers or another argument, is no part of the credential; it is \
                         not repeated here, because it may be secret. The parts are {known}; value means the first. A value \
                         of your own stands without braces."
                    ),
                    false => format!("The credential's parts are {known}; value means the first."),
                };
                problems.error(path.clone(), summary, detail);
                return None;
            }
        }
    }
    if phase == "preflight" && config.presents() == Presents::New && !config.parts_used().is_empty() {
        problems.error(
            path,
            "A preflight check cannot present the new credential",
            "It runs before anything is minted: use credential = \"previous\" or \"none\", or the phase \"delivered\".",
        );
        return None;
    }
    let defaults = config.default_patience();
    let positive = |duration: SignedDuration| Duration::from_secs(duration.as_secs().unsigned_abs());
    Some(CheckEntry {
        kind,
        wave: wave?.or_else(|| waves?.last().copied()).unwrap_or(1),
        phase: match phase {
            "preflight" => Phase::Preflight,
            "revoked" => Phase::Revoked,
            _ => Phase::Delivered,
        },
        patience: Patience {
            timeout: timeout?.map_or(defaults.timeout, positive),
            retry_for: retry_for?.map_or(defaults.retry_for, positive),
        },
        config,
    })
}
