//! `checks`: the common keys and the kind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use super::kinds::{connection_of, not_empty, one_kind};
use super::targets::is_key;
use crate::address::DEFAULT_CONNECTION;
use crate::check::{self, Patience, Presents};
use crate::diagnostics::{Argument, Configuration, names};
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
        node.attr("timeout").report(problems, |argument| Argument::Zero {
            argument,
            why: "No attempt could finish in time. Remove it to use the default of the kind.".into(),
        });
    }
    let effects = node.attr("effects").bool(problems);
    let retry_for = node.attr("retry_for").duration(problems).optional();
    let kinds: Vec<&str> = check::ALL.iter().map(|kind| kind.name).collect();
    let kind = one_kind(node, &kinds, problems).and_then(check::kind);
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
        let waves = names(waves.iter().map(u64::to_string));
        let mistake = Configuration::WaveWithoutTargets { wave, waves };
        problems.report(node.attr("wave").path().clone(), mistake);
    }
    if let (Some(Some(_)), Some("preflight" | "revoked")) = (wave, phase) {
        problems.report(node.attr("wave").path().clone(), Configuration::WaveWithoutDelivery);
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
                let mistake = Argument::UnknownPart {
                    argument: path.to_string(),
                    part: Some(part).filter(|part| is_word(part)),
                    parts: parts.to_string(),
                };
                problems.report(path, mistake);
                return None;
            }
        }
    }
    let effects = effects.optional()?;
    let effects = match (effects, config.effects_default()) {
        (Some(false), _) if config.has_effects() => {
            node.attr("effects")
                .report(problems, |argument| Configuration::EffectsDenied { argument });
            return None;
        }
        (Some(effects), _) => effects,
        (None, Some(default)) => default,
        (None, None) => {
            node.attr("effects").report(problems, |argument| Argument::RequiredBecause {
                argument,
                why: "This check may change something outside Terraform. Set `effects = true` to confirm that you want it.".into(),
            });
            return None;
        }
    };
    if phase == "preflight" && config.presents() == Presents::New && !config.parts_used().is_empty() {
        problems.report(path, Configuration::PreflightPresentsNew);
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
