//! What a plan warns of, whatever it is about to do.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::diagnostics::{Configuration, names};
use crate::spec::{Config, TargetSpec};
use crate::terraform::{Diagnostics, Path};

impl Config {
    /// Warns of an overlap that is shorter than consumers are known to need.
    pub fn warn(&self, problems: &mut Diagnostics) {
        let needed = |wanted: SignedDuration| wanted > self.overlap;
        let late = self.targets.iter().filter_map(|(key, target)| {
            let within = target.config.traits().reloads_within?;
            needed(within).then_some((key.as_str(), within))
        });
        let late: Vec<(&str, SignedDuration)> = late.collect();
        let Some(longest) = late.iter().map(|(_, within)| *within).max() else {
            return;
        };
        if !self.source.config.traits().revocable || self.revoke_by_hand {
            return;
        }
        let short = Configuration::OverlapTooShort {
            secret: self.name.clone(),
            targets: names(late.iter().map(|(key, _)| (*key).to_owned())),
            needed: crate::duration::format(longest).into(),
            overlap: crate::duration::format(self.overlap).into(),
        };
        problems.report(Path::attribute("overlap"), short);
    }

    /// Whether a rotation that is interrupted can be resumed with the same value: it is parked, the source gives it back, or a target of
    /// the first wave does.
    pub fn is_resumable(&self) -> bool {
        if self.escrow.is_some() {
            return true;
        }
        let traits = self.source.config.traits();
        let first = self.targets.values().map(|target| target.wave).min();
        let readable = |target: &Arc<TargetSpec>| Some(target.wave) == first && target.config.traits().readable;
        traits.reveals || self.source.is_supplied() || self.targets.values().any(readable)
    }
}
