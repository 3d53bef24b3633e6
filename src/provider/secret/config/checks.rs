//! `checks`: the common keys and the kind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::targets::is_key;
use crate::check::{self, Patience, Presents};
use crate::diagnostics::{Argument, Configuration};
use crate::part::PartNames;
use crate::provider::kinds::{Runs, parse_run, positive};
use crate::spec::{CheckSpec, When};
use crate::terraform::{Diagnostics, Node};

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
    let phase = node
        .attr("phase")
        .one_of(&["delivered", "preflight", "revoked"], problems)
        .or("delivered");
    let effects = node.attr("effects").bool(problems);
    let retry_for = node.attr("retry_for").duration(problems).optional();
    if !node.attr("wave").is_null() && matches!(phase, Some("preflight" | "revoked")) {
        problems.report(node.attr("wave").path().clone(), Configuration::WaveWithoutDelivery);
    }
    let runs = parse_run(node, check::ALL, parts, waves, problems);
    let (runs, phase) = (runs?, phase?);
    let Runs { kind, config, .. } = &runs;
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
        problems.report(
            node.path().then_attribute(kind.name),
            Configuration::PreflightPresentsNew,
        );
        return None;
    }
    let defaults = config.default_patience();
    Some(CheckSpec {
        when: match phase {
            "preflight" => When::Preflight,
            "revoked" => When::Revoked,
            _ => When::Wave(runs.wave.or_else(|| waves?.last().copied()).unwrap_or(1)),
        },
        patience: Patience {
            timeout: runs.timeout.unwrap_or(defaults.timeout),
            retry_for: retry_for?.map_or(defaults.retry_for, positive),
        },
        effects,
        kind: runs.kind,
        parts: runs.parts,
        config: runs.config,
        connection: runs.connection,
    })
}
