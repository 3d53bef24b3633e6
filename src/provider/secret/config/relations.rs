//! What only shows when all arguments are seen together.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::names::label_prefix_of;
use super::{Config, DEFERRED_OVERLAP, Phase};
use crate::check::Presents;
use crate::target::Activation;
use crate::terraform::{Diagnostics, Node, Path};

/// Digits kept free for the generation when a label's length is checked.
const GENERATION_DIGITS: usize = crate::label::LARGEST_GENERATION.ilog10() as usize + 1;

impl Config {
    /// What only shows when all arguments are seen together.
    pub(super) fn relations(&self, node: &Node<'_>, problems: &mut Diagnostics) {
        if let (Some(every), Some(life)) = (self.schedule.every, self.source.config.lifetime()) {
            let needed = every.checked_add(self.overlap).unwrap_or(SignedDuration::MAX);
            if needed > life {
                problems.error(
                    node.attr("rotation").attr("every").path().clone(),
                    "rotation.every + overlap is longer than the credential's life",
                    format!(
                        "every is {}, overlap is {}, but the credential ends {} after it was minted. Rotate more often, \
                         shorten the overlap, or let the credential live longer.",
                        crate::duration::format(every),
                        crate::duration::format(self.overlap),
                        crate::duration::format(life)
                    ),
                );
            }
        }
        if let (None, Some(life)) = (self.schedule.every, self.source.config.lifetime())
            && self.overlap >= life
        {
            let which = if node.attr("overlap").is_null() {
                "the default where a target goes live later"
            } else {
                "as configured"
            };
            problems.error(
                Path::attribute("overlap"),
                "overlap is as long as the credential's life, or longer",
                format!(
                    "overlap is {} ({which}), but the credential ends {} after it was minted, so that it would have to be rotated \
                     at once. Shorten the overlap, or let the credential live longer.",
                    crate::duration::format(self.overlap),
                    crate::duration::format(life)
                ),
            );
        }
        if let Some(limit) = self.source.config.label_limit() {
            let suffix = "-rot-".len() + crate::label::ID_LENGTH + "-g".len() + GENERATION_DIGITS;
            let longest = limit.saturating_sub(suffix);
            if self.label_prefix.chars().count() > longest {
                let set = if node.attr("label_prefix").is_null() {
                    "name"
                } else {
                    "label_prefix"
                };
                problems.error(
                    Path::attribute(set),
                    format!("{set} is too long for the names of {}", self.source.kind.name),
                    format!(
                        "The issuer allows {limit} characters, of which our own mark takes {suffix}. Set label_prefix \
                         to at most {longest} characters."
                    ),
                );
            }
        }
        self.presentable(problems);
    }

    /// What a plan warns of.
    pub fn warn(&self, problems: &mut Diagnostics) {
        let traits = self.source.config.traits();
        let deferred = self
            .targets
            .values()
            .any(|target| target.config.traits().activation != Activation::Itself);
        if deferred && self.overlap < DEFERRED_OVERLAP && traits.revocable {
            let later: Vec<&str> = self
                .targets
                .iter()
                .filter(|(_, target)| target.config.traits().activation != Activation::Itself)
                .map(|(key, _)| key.as_str())
                .collect();
            problems.warning(
                Path::attribute("overlap"),
                "The overlap is shorter than deferred targets may need",
                format!(
                    "Consumers of {} pick a new value up in their own time (a workflow run, a deployment). With \
                     overlap = {:?} the old credential may be revoked while they still use it; 24h is the default.",
                    later.join(", "),
                    crate::duration::format(self.overlap)
                ),
            );
        }
        if traits.max_live.is_some() && !traits.replaces && !traits.reveals {
            let first = self.targets.values().map(|target| target.wave).min();
            let escrow = self
                .targets
                .values()
                .any(|target| Some(target.wave) == first && target.config.traits().readable);
            if !escrow {
                problems.warning(
                    Path::attribute("targets"),
                    "An interrupted rotation could not be resumed",
                    format!(
                        "{} allows a limited number of live credentials, and no target of the first wave gives its \
                         value back. Put a readable target (such as ssm_parameter) into the first wave.",
                        self.source.kind.name
                    ),
                );
            }
        }
    }

    /// Whether the credentials of another secret never carry the prefix of this one: it is the name, not one that a user gives to
    /// several.
    pub fn label_names_the_secret(&self) -> bool {
        self.label_prefix == label_prefix_of(&self.name)
    }

    /// A check can present only what can be had at its time.
    fn presentable(&self, problems: &mut Diagnostics) {
        let traits = self.source.config.traits();
        let readable = self.targets.values().filter(|target| target.config.traits().readable);
        let given_back: BTreeSet<String> = readable
            .filter(|target| target.template.is_none())
            .map(|target| self.source.kind.part(&target.part))
            .collect();
        for (key, check) in &self.checks {
            let (whose, can, when) = match check.config.presents() {
                Presents::Previous => ("previous", traits.reveals_superseded, ""),
                // By the time of its own step nobody has the value in memory.
                Presents::New if check.phase == Phase::Revoked && !self.overlap.is_zero() => {
                    ("new", traits.reveals, " after the overlap")
                }
                Presents::New | Presents::Nothing => continue,
            };
            if can || check.parts(self.source.kind).is_subset(&given_back) {
                continue;
            }
            let path = Path::attribute("checks").then_key(key).then_attribute(check.kind.name);
            problems.error(
                path.then_attribute("credential"),
                format!("The {whose} credential's value cannot be had{when}"),
                format!(
                    "credential = {whose:?} needs a target that gives the value back and holds it as it is, without a template \
                     (such as ssm_parameter), or a source that reveals it; {} does not.",
                    self.source.kind.name
                ),
            );
        }
    }
}
