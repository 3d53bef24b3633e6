//! `checks`: the common keys and the kind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use super::kinds::{connection_of, not_empty, one_kind};
use super::targets::is_key;
use crate::address::DEFAULT_CONNECTION;
use crate::check::{self, Patience, Presents};
use crate::part::PartNames;
use crate::spec::{CheckSpec, When};
use crate::terraform::{Diagnostics, Node, is_word};

pub(super) fn parse_checks(
    node: &Node<'_>,
    parts: Option<&PartNames>,
    waves: Option<&BTreeSet<u64>>,
    problems: &mut Diagnostics,
) -> Option<BTreeMap<String, Arc<CheckSpec>>> {
    if node.is_unknown() {
        return None;
    }
    let mut checks = BTreeMap::new();
    let mut complete = true;
    for (key, element) in node.elements() {
        if !is_key(key, &element, problems) {
            complete = false;
            continue;
        }
        match parse_check(&element, parts, waves, problems) {
            Some(check) => drop(checks.insert(key.to_owned(), Arc::new(check))),
            None => complete = false,
        }
    }
    complete.then_some(checks)
}

fn parse_check(
    node: &Node<'_>,
    parts: Option<&PartNames>,
    waves: Option<&BTreeSet<u64>>,
    problems: &mut Diagnostics,
) -> Option<CheckSpec> {
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
    let effects = node.attr("effects").bool(problems);
    let retry_for = node.attr("retry_for").duration(problems).optional();
    let names: Vec<&str> = check::ALL.iter().map(|kind| kind.name).collect();
    let kind = one_kind(node, &names, problems).and_then(check::kind);
    let connection = kind.and_then(|kind| connection_of(node, kind.name, kind.reach, problems));
    let config = kind.and_then(|kind| {
        let object = node.attr(kind.name);
        not_empty(&object, true, problems)?;
        let named = connection.as_deref().filter(|name| *name != DEFAULT_CONNECTION);
        // Arguments may mean something else by a connection, so an unknown one leaves them open.
        let named = match (named, node.attr("connection").is_unknown()) {
            (None, true) => Some("not known yet"),
            (named, _) => named,
        };
        (kind.parse)(&object, named, problems)
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
    let mut presented = BTreeSet::new();
    if let Some(parts) = parts {
        for part in config.parts_used() {
            if let Some(part) = parts.resolve(&part) {
                presented.insert(part.clone());
            } else {
                // A text between braces may be the credential itself.
                let which = if is_word(&part) {
                    format!("the unknown part {part:?}")
                } else {
                    "an unknown part".to_owned()
                };
                problems.error(
                    path,
                    format!("The check uses {which}"),
                    format!("The credential's parts are {parts}."),
                );
                return None;
            }
        }
    }
    let effects = effects.optional()?;
    let effects = match (effects, config.effects_default()) {
        (Some(false), _) if config.has_effects() => {
            problems.error(
                node.attr("effects").path().clone(),
                format!("{} cannot be false", node.attr("effects").path()),
                "This check changes something outside. Remove `effects`, or set it to true.",
            );
            return None;
        }
        (Some(effects), _) => effects,
        (None, Some(default)) => default,
        (None, None) => {
            problems.error(
                node.attr("effects").path().clone(),
                format!("{} is required", node.attr("effects").path()),
                "A request with this method may change something. Set `effects = true` to confirm that it is wanted.",
            );
            return None;
        }
    };
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
    Some(CheckSpec {
        kind,
        when: match phase {
            "preflight" => When::Preflight,
            "revoked" => When::Revoked,
            _ => When::Wave(wave?.or_else(|| waves?.last().copied()).unwrap_or(1)),
        },
        parts: presented,
        patience: Patience {
            timeout: timeout?.map_or(defaults.timeout, positive),
            retry_for: retry_for?.map_or(defaults.retry_for, positive),
        },
        effects,
        config,
        connection: connection?,
    })
}
