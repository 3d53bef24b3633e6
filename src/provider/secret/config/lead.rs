//! `lead`: whether it has an effect, whether a rotation outlives it, and where it is missing.

use std::collections::BTreeSet;

use crate::diagnostics::{Configuration, names};
use crate::part::PartName;
use crate::rotation::lead::LONGEST_WAIT;
use crate::spec::{Config, TargetSpec};
use crate::terraform::{Diagnostics, Path};

impl Config {
    /// A lead that nothing waits for.
    pub(super) fn leads_have_an_effect(&self, problems: &mut Diagnostics) {
        let source = &self.source;
        let last = self.last_wave();
        let replaces = source.config.traits().replaces();
        for (key, target) in self.leading_targets(last) {
            let path = Path::attribute("targets").then_key(key);
            let argument = path.then_attribute("lead").to_string();
            let replacing = replaces.then(|| source.kind.name.into());
            if replaces || target.wave == last {
                problems.report(path, Configuration::LeadWithoutEffect { argument, replacing });
            }
        }
    }

    /// A lead that takes longer than the value can be had, where nothing is parked.
    pub(super) fn leads_are_resumable(&self, problems: &mut Diagnostics) {
        if self.source.config.traits().replaces() {
            return;
        }
        for (key, target) in self.leading_targets(self.last_wave().saturating_sub(1)) {
            let path = Path::attribute("targets").then_key(key);
            let argument = path.then_attribute("lead").to_string();
            if target.lead > LONGEST_WAIT && !self.gives_back(&self.needed_after(target.wave), target.wave) {
                let lead = crate::duration::format(target.lead).into();
                let wave = target.wave;
                problems.report(path, Configuration::LeadNotResumable { argument, lead, wave });
            }
        }
    }

    /// Warns where nothing shows that those who verify have a key before others sign with it. Private parts in earlier waves are taken for
    /// copies, which later runs read.
    pub(super) fn warn_without_lead(&self, problems: &mut Diagnostics) {
        let verifying = self.source.config.verifying_parts();
        let verifies = |part: &PartName| verifying.contains(&part.as_str());
        let signs = |target: &&std::sync::Arc<TargetSpec>| !target.content.parts().iter().all(verifies);
        let wave = self.targets.values().filter(signs).map(|target| target.wave).max();
        let Some(wave) = wave.filter(|_| !verifying.is_empty()) else {
            return;
        };
        let mut leading = self.leading_targets(wave - 1);
        if leading.any(|(_, target)| target.content.parts().iter().any(verifies)) {
            return;
        }
        let (secret, parts) = (self.name.clone(), names(verifying.iter().copied()));
        problems.report(
            Path::attribute("targets"),
            Configuration::KeyPairWithoutLead { secret, wave, parts },
        );
    }

    /// Whether a rotation that is interrupted can be resumed with the same value: it is parked, the source gives it back, or targets
    /// of the first wave do.
    pub fn is_resumable(&self) -> bool {
        let first = self.targets.values().map(|target| target.wave).min().unwrap_or(0);
        self.gives_back(&self.needed_after(0), first)
    }

    /// The parts that targets of later waves hold, and those that activations and checks present.
    fn needed_after(&self, wave: u64) -> BTreeSet<PartName> {
        let later = self.targets.values().filter(|target| target.wave > wave);
        let presenting = self
            .runs()
            .filter(|(_, run)| run.wave().is_some() && run.presents_new());
        let presented = presenting.flat_map(|(_, run)| run.parts.iter().cloned());
        later
            .flat_map(|target| target.content.parts())
            .chain(presented)
            .collect()
    }

    /// Whether a later run gets those parts of an unfinished generation that targets up to that wave hold: the one rule of where a value
    /// is had again.
    fn gives_back(&self, parts: &BTreeSet<PartName>, through: u64) -> bool {
        if self.escrow.is_some() || self.source.config.traits().reveals || self.source.is_supplied() {
            return true;
        }
        let readable = self.targets.values();
        let readable = readable.filter(|target| target.wave <= through && target.config.traits().readable);
        let held: BTreeSet<&str> = readable
            .filter_map(|target| Some(target.content.part()?.as_str()))
            .collect();
        let tells_the_rest = self.source.config.tells_all(&|part| held.contains(part));
        tells_the_rest || parts.iter().all(|part| held.contains(part.as_str()))
    }
}
