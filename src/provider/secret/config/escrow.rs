//! What a configuration may ask for depends on whether its values are parked.

use std::collections::BTreeSet;

use crate::check::Presents;
use crate::diagnostics::{Argument, Configuration, Plan};
use crate::part::PartName;
use crate::source::Maker;
use crate::spec::{Config, When};
use crate::terraform::{Diagnostics, Path};

impl Config {
    /// What cannot be had, or has no effect, where values are parked or not. `is_declared`: the provider block says where they would be.
    pub fn suits_escrow(&self, is_declared: bool, overlap_is_set: bool, problems: &mut Diagnostics) {
        if self.parks == Some(true) && !is_declared {
            let secret = self.name.clone();
            problems.report(Path::attribute("escrow"), Plan::NoEscrow { secret });
        }
        if is_declared && self.parks != Some(false) {
            return;
        }
        for (key, _) in self.targets.iter().filter(|(_, target)| target.content.has_previous()) {
            let argument = Path::attribute("targets").then_key(key).then_attribute("template");
            let needs = Argument::Needs {
                argument: argument.to_string(),
                other: "escrow".into(),
                why: "{{ previous }} is read from escrow. Add an `escrow` block to the provider block, or leave {{ previous }} out.".into(),
            };
            problems.report(Path::attribute("targets").then_key(key), needs);
        }
        // An old public key stays in the set until its overlap ends.
        if self.source.kind.maker == Maker::Us && self.source.config.published_part().is_none() {
            self.overlap_has_no_effect(overlap_is_set, problems);
        }
        self.leads_are_resumable(problems);
        self.presentable(problems);
    }

    /// A check can present only what can be recovered at its time.
    fn presentable(&self, problems: &mut Diagnostics) {
        let traits = self.source.config.traits();
        let readable = self.targets.values().filter(|target| target.config.traits().readable);
        let given_back: BTreeSet<PartName> = readable.filter_map(|target| target.content.part()).cloned().collect();
        let tells_the_rest = self
            .source
            .config
            .tells_all(&|part| given_back.contains(&PartName::from(part)));
        for (key, check) in &self.checks {
            let (whose, can, is_after_overlap) = match check.config.presents() {
                Presents::Previous => ("previous", traits.reveals_superseded, false),
                // By the time of its own step nobody has the value in memory.
                Presents::New if check.when == When::Revoked && !self.overlap.is_zero() => {
                    ("new", traits.reveals, true)
                }
                Presents::New | Presents::Nothing => continue,
            };
            let lacking: Vec<String> = check.parts.difference(&given_back).map(PartName::to_string).collect();
            if can || tells_the_rest || lacking.is_empty() {
                continue;
            }
            let path = Path::attribute("checks").then_key(key).then_attribute(check.kind.name);
            let mistake = Configuration::CannotPresent {
                whose: whose.into(),
                is_after_overlap,
                source: self.source.kind.name.into(),
                lacking,
            };
            problems.report(path.then_attribute("credential"), mistake);
        }
    }
}
