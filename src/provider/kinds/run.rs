//! What runs and has to succeed: the kind and the keys that activations and checks have in common.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::SignedDuration;

use super::choice::{connection_of, not_empty, one_kind};
use crate::address::DEFAULT_CONNECTION;
use crate::check::{CheckConfig, CheckKind};
use crate::diagnostics::{Argument, Configuration, names};
use crate::part::{PartName, PartNames};
use crate::terraform::{Diagnostics, Mode, Node, is_word};

/// What runs after a delivery: its kind, with what both activations and checks have.
pub(in crate::provider) struct Runs {
    pub(in crate::provider) kind: &'static CheckKind,
    pub(in crate::provider) config: Box<dyn CheckConfig>,
    pub(in crate::provider) connection: String,
    /// The parts that it presents.
    pub(in crate::provider) parts: BTreeSet<PartName>,
    /// `None`: that of its kind.
    pub(in crate::provider) timeout: Option<Duration>,
    /// `None`: the last.
    pub(in crate::provider) wave: Option<u64>,
}

/// Reads the kind and its object, `wave`, `timeout` and `connection`.
pub(in crate::provider) fn parse_run(
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
        // Arguments that all have a default (a login with the new credential) may be left out.
        let required = (kind.attributes)().iter().any(|a| a.mode == Mode::Required);
        not_empty(&object, required, problems)?;
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

pub(in crate::provider) fn positive(duration: SignedDuration) -> Duration {
    Duration::from_secs(duration.as_secs().unsigned_abs())
}
