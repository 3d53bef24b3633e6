//! How long an old credential stays valid: `overlap`, its default, and the `settle` of targets.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;

use crate::diagnostics::{Configuration, names};
use crate::source::Maker;
use crate::spec::{Config, SourceSpec, TargetSpec};
use crate::target::Activation;
use crate::terraform::{Diagnostics, Node, Path};

/// The longest time that consumers of a target are known to go on with the old value: a GitHub job's life.
fn default(targets: &BTreeMap<String, Arc<TargetSpec>>) -> SignedDuration {
    let known = targets
        .values()
        .filter_map(|target| target.config.traits().reloads_within);
    known.max().unwrap_or(SignedDuration::ZERO)
}

/// How long an old credential stays valid, and the same in the user's words. `written` is the argument `overlap`.
pub(super) fn decided(
    written: Option<(SignedDuration, &str)>,
    source: &SourceSpec,
    targets: &BTreeMap<String, Arc<TargetSpec>>,
) -> (SignedDuration, String) {
    let (overlap, text) = match written {
        Some((overlap, text)) => (overlap, text.to_owned()),
        None => match default(targets) {
            known if known.is_zero() => (known, "0s".to_owned()),
            known => (known, crate::duration::format(known)),
        },
    };
    let settled = targets.values().map(|target| target.settle).max();
    let lasts = overlaps(source) || source.config.published_part().is_some();
    match settled.filter(|settled| lasts && *settled > overlap) {
        Some(settled) => (settled, crate::duration::format(settled)),
        None => (overlap, text),
    }
}

/// Whether an old credential can live beside the new one, and can be revoked by a call.
fn overlaps(source: &SourceSpec) -> bool {
    let traits = source.config.traits();
    source.kind.maker == Maker::Issuer && traits.revocable && !traits.replaces()
}

impl Config {
    /// `overlap` must be written where it is unknown when consumers load the new value.
    pub(super) fn overlap_is_decided(&self, node: &Node<'_>, problems: &mut Diagnostics) {
        if !node.attr("overlap").is_null() || self.revoke_by_hand || !overlaps(&self.source) {
            return;
        }
        let reload_unseen = self.targets.iter().filter(|(_, target)| {
            let traits = target.config.traits();
            traits.activation == Activation::Later
                && traits.reloads_within.is_none()
                && target.settle.is_zero()
                && !self.has_activation(target)
        });
        let reload_unseen: Vec<_> = reload_unseen.collect();
        if !reload_unseen.is_empty() {
            let activates_others = reload_unseen.iter().any(|(_, target)| self.is_activated(target.wave));
            let targets = names(reload_unseen.into_iter().map(|(key, _)| key.clone()));
            let required = Configuration::OverlapRequired {
                targets,
                activates_others,
            };
            problems.report(Path::attribute("overlap"), required);
        }
    }

    /// An overlap, or a `settle`, where minting ends the old credential.
    pub(super) fn overlap_has_an_effect(&self, node: &Node<'_>, problems: &mut Diagnostics) {
        if self.source.config.traits().replaces() {
            self.overlap_has_no_effect(node.attr("overlap").is_set(), problems);
        }
    }

    /// An overlap, or a `settle`, that has no effect.
    pub(super) fn overlap_has_no_effect(&self, overlap_is_set: bool, problems: &mut Diagnostics) {
        let traits = self.source.config.traits();
        let useless = |argument: String| Configuration::OverlapWithoutEffect {
            argument,
            source: self.source.kind.name.into(),
            is_replaced: traits.replaces(),
        };
        let overlap = Path::attribute("overlap");
        if overlap_is_set && !self.overlap.is_zero() {
            problems.report(overlap, useless("overlap".to_owned()));
        }
        if let Some((key, _)) = self.settling_targets().next() {
            let target = Path::attribute("targets").then_key(key);
            let argument = target.then_attribute("settle").to_string();
            problems.report(target, useless(argument));
        }
    }
}
