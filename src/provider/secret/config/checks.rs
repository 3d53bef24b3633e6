//! `checks`: the common keys and the kind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use super::kinds::{connection_of, not_empty, one_kind};
use super::targets::is_key;
use crate::address::DEFAULT_CONNECTION;
use crate::check::{self, CheckConfig, CheckKind, Patience, Presents};
use crate::diagnostics::{Argument, Configuration, names};
use crate::part::{PartName, PartNames};
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

/// What runs after a delivery: its kind, with what both activations and checks have.
pub(super) struct Runs {
    pub(super) kind: &'static CheckKind,
    pub(super) config: Box<dyn CheckConfig>,
    pub(super) connection: String,
    /// The parts that it presents.
    pub(super) parts: BTreeSet<PartName>,
    /// `None`: that of its kind.
    pub(super) timeout: Option<Duration>,
    /// `None`: the last.
    pub(super) wave: Option<u64>,
}

/// Reads the kind and its object, `wave`, `timeout` and `connection`.
pub(super) fn parse_run(
    node: &Node<'_>,
    all: &[&'static CheckKind],
    parts: Option<&PartNames>,
    waves: Option<&BTreeSet<u64>>,
    problems: &mut Diagnostics,
) -> Option<Runs> {
    let wave = node.attr("wave").integer(1, 1_000, problems).optional();
    if let (Some(Some(wave)), Some(waves)) = (wave, waves)
        && !waves.contains(&wave)
    {
        let waves = names(waves.iter().map(u64::to_string));
        let mistake = Configuration::WaveWithoutTargets { wave, waves };
        problems.report(node.attr("wave").path().clone(), mistake);
    }
    let timeout = node.attr("timeout").duration(problems).optional();
    if timeout.flatten().is_some_and(|timeout| timeout.is_zero()) {
        node.attr("timeout").report(problems, |argument| Argument::Zero {
            argument,
            why: "No attempt could finish in time. Remove it to use the default of the kind.".into(),
        });
    }
    let kinds: Vec<&str> = all.iter().map(|kind| kind.name).collect();
    let kind = one_kind(node, &kinds, problems);
    let kind = kind.and_then(|name| all.iter().find(|kind| kind.name == name).copied());
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
    let (kind, config) = (kind?, config?);
    let mut presented = BTreeSet::new();
    for part in config.parts_used().into_iter().filter(|_| parts.is_some()) {
        let known = parts.and_then(|parts| parts.resolve(&part));
        let Some(known) = known else {
            // A text between braces may be the credential itself.
            let path = node.path().then_attribute(kind.name);
            let mistake = Argument::UnknownPart {
                argument: path.to_string(),
                part: Some(part).filter(|part| is_word(part)),
                parts: parts.map(ToString::to_string).unwrap_or_default(),
            };
            problems.report(path, mistake);
            return None;
        };
        presented.insert(known.clone());
    }
    Some(Runs {
        kind,
        config,
        connection: connection?,
        parts: presented,
        timeout: timeout?.map(positive),
        wave: wave?,
    })
}

pub(super) fn positive(duration: SignedDuration) -> Duration {
    Duration::from_secs(duration.as_secs().unsigned_abs())
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
