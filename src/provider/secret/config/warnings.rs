//! What a plan warns of, whatever it is about to do.

use jiff::SignedDuration;

use crate::diagnostics::{Configuration, names};
use crate::spec::Config;
use crate::terraform::{Diagnostics, Path};

impl Config {
    /// Warns of an overlap that is shorter than consumers are known to need, and of keys whose signatures may be refused.
    pub fn warn(&self, problems: &mut Diagnostics) {
        self.warn_without_lead(problems);
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
}
