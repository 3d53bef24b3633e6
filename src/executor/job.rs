//! What a run works with: connected adapters and the arguments that concern the executor.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::SignedDuration;

use crate::address::Address;
use crate::check::{Check, Patience, Presents};
use crate::clock::Clock;
use crate::secret::Parts;
use crate::source::{Source, SourceTraits};
use crate::target::{Target, TargetConfig, TargetTraits};
use crate::template::Template;
use crate::vendors::Vendors;

/// Everything that stays the same during a run.
pub struct Job {
    /// The secret's id.
    pub id: String,
    /// Stands before our mark in labels.
    pub label_prefix: String,
    /// The connected source.
    pub source: Box<dyn Source>,
    /// Its facts.
    pub source_traits: SourceTraits,
    /// Its address as records name it; empty where nobody issues what it makes.
    pub issuer: String,
    /// A short digest of source, issuer and arguments, for the marks of what it makes.
    pub origin: String,
    /// Name of its first part.
    pub primary: String,
    /// Its credentials have that part alone, so a place that holds it holds everything.
    pub one_part: bool,
    /// A person supplies its values.
    pub supplied: bool,
    /// Connected targets by key.
    pub targets: BTreeMap<String, JobTarget>,
    /// Targets that leave the configuration, by key in the ledger: their entries give the value back until they are deleted.
    pub leaving: BTreeMap<String, JobTarget>,
    /// Connected checks by key.
    pub checks: BTreeMap<String, JobCheck>,
    /// For issuers and slots whose configuration is gone.
    pub vendors: Arc<dyn Vendors>,
    /// The clock.
    pub clock: Clock,
    /// How long superseded credentials stay valid.
    pub overlap: SignedDuration,
    /// Targets that the last refresh could not look at, by key: what they hold is looked at before it counts as lost.
    pub unreachable: BTreeSet<String>,
    /// An entry that somebody else made may be overwritten.
    pub replace_existing: bool,
    /// No state exists yet.
    pub is_create: bool,
}

/// A connected target.
pub struct JobTarget {
    /// The adapter.
    pub target: Box<dyn Target>,
    /// Its facts.
    pub traits: TargetTraits,
    /// Its slot.
    pub slot: Address,
    /// What it is written together with.
    pub batch: String,
    /// Its wave.
    pub wave: u64,
    /// The part it holds.
    pub part: String,
    /// The text it holds instead.
    pub template: Option<Template>,
    /// Its arguments, for the vendor's limits on values.
    pub config: Arc<dyn TargetConfig>,
}

impl JobTarget {
    /// The parts that its value is made of.
    pub fn parts(&self, primary: &str) -> BTreeSet<String> {
        let named = |part: &str| {
            if part == "value" {
                primary.to_owned()
            } else {
                part.to_owned()
            }
        };
        match &self.template {
            Some(template) => template.parts().iter().map(|part| named(part)).collect(),
            None => BTreeSet::from([named(&self.part)]),
        }
    }

    /// What its entry is called in texts.
    pub fn noun(&self) -> String {
        crate::target::entry(&self.slot.to_string()).noun
    }

    /// What its value is, for the mark beside it.
    pub fn content(&self, primary: &str) -> Option<&str> {
        match &self.template {
            Some(_) => Some(crate::target::TEMPLATE),
            None => Some(self.part.as_str()).filter(|part| *part != "value" && *part != primary),
        }
    }

    /// The batch of a target: its own slot when it is alone. What different connections reach is never written together.
    pub fn batch_of(config: &dyn TargetConfig, slot: &Address) -> String {
        match config.batch() {
            Some(batch) => format!("{} {batch}", slot.connection),
            None => slot.to_string(),
        }
    }
}

impl JobCheck {
    /// Whether it presents parts that are not among these.
    pub fn lacks(&self, parts: Option<&Parts>) -> bool {
        let has = |part: &String| parts.is_some_and(|parts| parts.get(part).is_some());
        self.presents != Presents::Nothing && !self.parts.iter().all(has)
    }
}

/// When a check runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Before anything is minted.
    Preflight,
    /// After that wave.
    Wave(u64),
    /// After a revocation.
    Revoked,
}

/// A connected check.
pub struct JobCheck {
    /// The adapter.
    pub check: Box<dyn Check>,
    /// When it runs.
    pub when: When,
    /// Which credential it presents.
    pub presents: Presents,
    /// Running it changes something outside.
    pub effects: bool,
    /// Names of the parts that it presents; none where its request has no template.
    pub parts: BTreeSet<String>,
    /// How long it may take.
    pub patience: Patience,
}
