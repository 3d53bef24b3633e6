//! What only shows when all arguments are seen together.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::names::label_prefix_of;
use crate::diagnostics::{Configuration, names};
use crate::spec::Config;
use crate::terraform::{Diagnostics, Node, Path};

/// Digits kept free for the generation when a label's length is checked.
const GENERATION_DIGITS: usize = crate::label::LARGEST_GENERATION.ilog10() as usize + 1;

impl Config {
    /// What only shows when all arguments are seen together.
    pub(super) fn relations(&self, node: &Node<'_>, problems: &mut Diagnostics) {
        self.fits_the_credentials_life(node, problems);
        self.rotates_by_itself(node, problems);
        self.label_fits(node, problems);
        self.overlap_is_decided(node, problems);
        self.overlap_has_an_effect(node, problems);
        self.quiet_can_be_seen(node, problems);
        self.leads_have_an_effect(problems);
        self.checks_look_at_targets(problems);
    }

    /// A check that looks at an entry by name, in a place where this secret has targets, looks at one of them.
    fn checks_look_at_targets(&self, problems: &mut Diagnostics) {
        for (key, check) in &self.checks {
            let Some((place, name)) = check.config.looks_at() else {
                continue;
            };
            let known = self.targets.values().filter_map(|target| target.config.names());
            let there: BTreeSet<String> = known.filter(|known| known.0 == place).map(|known| known.1).collect();
            if !there.is_empty() && !there.contains(&name) {
                let path = Path::attribute("checks").then_key(key);
                let path = path.then_attribute(check.kind.name);
                let mistaken = Configuration::CheckOfNoTarget {
                    argument: path.to_string(),
                    name: name.into(),
                    place: place.into(),
                    targets: names(there),
                };
                problems.report(path, mistaken);
            }
        }
    }

    /// What a person supplies cannot be renewed by every apply.
    fn rotates_by_itself(&self, node: &Node<'_>, problems: &mut Diagnostics) {
        if self.schedule.with_every_apply && self.source.is_supplied() {
            let every = node.attr("rotation").attr("every").path().clone();
            problems.report(every, Configuration::EveryApplySupplied);
        }
    }

    /// A credential must outlive the interval and the overlap that follows it.
    fn fits_the_credentials_life(&self, node: &Node<'_>, problems: &mut Diagnostics) {
        let Some(life) = self.source.config.lifetime() else {
            return;
        };
        let is_default = node.attr("overlap").is_null();
        let text_of = |duration| std::borrow::Cow::from(crate::duration::format(duration));
        match self.schedule.every {
            Some(every) if every.checked_add(self.overlap).unwrap_or(SignedDuration::MAX) > life => problems.report(
                node.attr("rotation").attr("every").path().clone(),
                Configuration::ExpiresTooSoon {
                    every: text_of(every),
                    overlap: text_of(self.overlap),
                    is_default,
                    life: text_of(life),
                },
            ),
            None if self.overlap >= life => problems.report(
                Path::attribute("overlap"),
                Configuration::OverlapOutlivesCredential {
                    overlap: text_of(self.overlap),
                    is_default,
                    life: text_of(life),
                },
            ),
            _ => {}
        }
    }

    fn label_fits(&self, node: &Node<'_>, problems: &mut Diagnostics) {
        let Some(limit) = self.source.config.label_limit() else {
            return;
        };
        let suffix = "-rot-".len() + crate::label::ID_LENGTH + "-g".len() + GENERATION_DIGITS;
        let longest = limit.saturating_sub(suffix);
        if self.label_prefix.chars().count() <= longest {
            return;
        }
        let set = if node.attr("label_prefix").is_null() {
            "name"
        } else {
            "label_prefix"
        };
        let mistake = Configuration::LabelTooLongForIssuer {
            argument: set.into(),
            source: self.source.kind.name.into(),
            limit,
            mark: suffix,
            longest,
        };
        problems.report(Path::attribute(set), mistake);
    }

    /// Whether the credentials of another secret never carry the prefix of this one: it is the name, not one that a user gives to
    /// several.
    pub fn label_names_the_secret(&self) -> bool {
        self.label_prefix == label_prefix_of(&self.name)
    }
}
