//! What only shows when all arguments are seen together.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::names::label_prefix_of;
use crate::check::Presents;
use crate::duration::format as text_of;
use crate::part::PartName;
use crate::spec::{Config, When};
use crate::terraform::{Diagnostics, Node, Path};

/// Digits kept free for the generation when a label's length is checked.
const GENERATION_DIGITS: usize = crate::label::LARGEST_GENERATION.ilog10() as usize + 1;

impl Config {
    /// What only shows when all arguments are seen together.
    pub(super) fn relations(&self, node: &Node<'_>, problems: &mut Diagnostics) {
        self.fits_the_credentials_life(node, problems);
        self.rotates_by_itself(node, problems);
        self.label_fits(node, problems);
        self.presentable(problems);
        self.overlap_is_decided(node, problems);
        self.overlap_has_an_effect(node, problems);
    }

    /// What a person supplies cannot be renewed by every apply.
    fn rotates_by_itself(&self, node: &Node<'_>, problems: &mut Diagnostics) {
        if self.schedule.with_every_apply && self.source.is_supplied() {
            problems.error(
                node.attr("rotation").attr("every").path().clone(),
                "rotation.every cannot be \"apply\" for a supplied value",
                "An apply has no new value unless you supply one. Raise value_wo_version with every new value, or set an interval.",
            );
        }
    }

    /// A credential must outlive the interval and the overlap that follows it.
    fn fits_the_credentials_life(&self, node: &Node<'_>, problems: &mut Diagnostics) {
        let Some(life) = self.source.config.lifetime() else {
            return;
        };
        let which = if node.attr("overlap").is_null() {
            "the default with a GitHub target"
        } else {
            "as configured"
        };
        match self.schedule.every {
            Some(every) if every.checked_add(self.overlap).unwrap_or(SignedDuration::MAX) > life => problems.error(
                node.attr("rotation").attr("every").path().clone(),
                "rotation.every + overlap is longer than the credential's life",
                format!(
                    "every is {}, overlap is {} ({which}), but the credential expires {} after it was minted. Rotate more often, shorten \
                     the overlap, or let the credential live longer.",
                    text_of(every),
                    text_of(self.overlap),
                    text_of(life)
                ),
            ),
            None if self.overlap >= life => problems.error(
                Path::attribute("overlap"),
                "overlap is as long as the credential's life, or longer",
                format!(
                    "overlap is {} ({which}), but the credential expires {} after it was minted, so it would have to be rotated at once. \
                     Shorten the overlap, or let the credential live longer.",
                    text_of(self.overlap),
                    text_of(life)
                ),
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
        problems.error(
            Path::attribute(set),
            format!("{set} is too long for the names of {}", self.source.kind.name),
            format!(
                "The issuer allows {limit} characters, of which the provider's mark takes {suffix}. Set label_prefix to at most {longest} \
                 characters."
            ),
        );
    }

    /// Whether the credentials of another secret never carry the prefix of this one: it is the name, not one that a user gives to
    /// several.
    pub fn label_names_the_secret(&self) -> bool {
        self.label_prefix == label_prefix_of(&self.name)
    }

    /// A check can present only what can be recovered at its time.
    fn presentable(&self, problems: &mut Diagnostics) {
        let traits = self.source.config.traits();
        let readable = self.targets.values().filter(|target| target.config.traits().readable);
        let given_back: BTreeSet<PartName> = readable.filter_map(|target| target.content.part()).cloned().collect();
        for (key, check) in &self.checks {
            let (whose, can, when) = match check.config.presents() {
                Presents::Previous => ("previous", traits.reveals_superseded, ""),
                // By the time of its own step nobody has the value in memory.
                Presents::New if check.when == When::Revoked && !self.overlap.is_zero() => {
                    ("new", traits.reveals, " after the overlap")
                }
                Presents::New | Presents::Nothing => continue,
            };
            if can || check.parts.is_subset(&given_back) {
                continue;
            }
            let path = Path::attribute("checks").then_key(key).then_attribute(check.kind.name);
            problems.error(
                path.then_attribute("credential"),
                format!("The value of the {whose} credential cannot be recovered{when}"),
                format!(
                    "credential = {whose:?} needs a target that can be read back and holds the value without a template (such as \
                     ssm_parameter), or a source that reveals it; {} does not.",
                    self.source.kind.name
                ),
            );
        }
    }
}
