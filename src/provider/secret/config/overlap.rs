//! How long an old credential stays valid, when the user does not say.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;

use crate::diagnostics::{Configuration, names};
use crate::source::Maker;
use crate::spec::{Config, TargetSpec};
use crate::target::Activation;
use crate::terraform::{Diagnostics, Node, Path};

/// The longest time that consumers of a target are known to go on with the old value: a GitHub job's life.
pub(super) fn default(targets: &BTreeMap<String, Arc<TargetSpec>>) -> SignedDuration {
    let known = targets
        .values()
        .filter_map(|target| target.config.traits().reloads_within);
    known.max().unwrap_or(SignedDuration::ZERO)
}

/// The same in words.
pub(super) fn text_of_default(targets: &BTreeMap<String, Arc<TargetSpec>>) -> String {
    let hours = default(targets).as_hours();
    if hours == 0 {
        "0s".to_owned()
    } else {
        format!("{hours}h")
    }
}

impl Config {
    /// Whether an old credential can live beside the new one and is revoked by the provider.
    fn overlaps(&self) -> bool {
        let traits = self.source.config.traits();
        self.source.kind.maker == Maker::Issuer && traits.revocable && !traits.replaces()
    }

    /// `overlap` must be written where it is unknown when consumers load the new value.
    pub(super) fn overlap_is_decided(&self, node: &Node<'_>, problems: &mut Diagnostics) {
        if !node.attr("overlap").is_null() || self.revoke_by_hand || !self.overlaps() {
            return;
        }
        let reload_unseen = self.targets.iter().filter(|(_, target)| {
            let traits = target.config.traits();
            traits.activation == Activation::Later && traits.reloads_within.is_none()
        });
        let keys: Vec<String> = reload_unseen.map(|(key, _)| key.clone()).collect();
        if !keys.is_empty() {
            let targets = names(keys);
            problems.report(Path::attribute("overlap"), Configuration::OverlapRequired { targets });
        }
    }

    /// An overlap that has no effect.
    pub(super) fn overlap_has_an_effect(&self, node: &Node<'_>, problems: &mut Diagnostics) {
        let written = node.attr("overlap").is_set() && !self.overlap.is_zero();
        let traits = self.source.config.traits();
        if written && (self.source.kind.maker == Maker::Us || traits.replaces()) {
            let useless = Configuration::OverlapWithoutEffect {
                source: self.source.kind.name.into(),
                is_replaced: traits.replaces(),
            };
            problems.report(Path::attribute("overlap"), useless);
        }
    }
}
