//! What a run works with: connected adapters and what is configured for them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::SignedDuration;

use super::{JobEscrow, SharedWork};
use crate::address::Address;
use crate::check::{Check, Presents};
use crate::clock::Clock;
use crate::part::PartName;
use crate::rotation::Goal;
use crate::rotation::window::Window;
use crate::secret::Parts;
use crate::source::{Source, SourceTraits};
use crate::spec::{ActivationSpec, CheckSpec, Format, SourceSpec, TargetSpec};
use crate::target::Target;
use crate::vendors::Vendors;

/// Everything that stays the same during a run.
pub struct Job {
    /// The secret's id.
    pub id: String,
    /// Stands before our mark in labels.
    pub label_prefix: String,
    /// The connected source.
    pub source: JobSource,
    /// Connected targets by key.
    pub targets: BTreeMap<String, JobTarget>,
    /// Targets that leave the configuration, by key in the ledger: their entries give the value back until they are deleted.
    pub leaving: BTreeMap<String, JobTarget>,
    /// Where values are parked, if they are.
    pub escrow: Option<JobEscrow>,
    /// Where the record says that values are parked, if that is another place.
    pub former_escrow: Option<JobEscrow>,
    /// Connected activations by key.
    pub activations: BTreeMap<String, JobActivation>,
    /// Connected checks by key.
    pub checks: BTreeMap<String, JobCheck>,
    /// The other applies of this process.
    pub shared_work: SharedWork,
    /// For issuers and slots whose configuration is gone.
    pub vendors: Arc<dyn Vendors>,
    /// The clock.
    pub clock: Clock,
    /// How long superseded credentials stay valid.
    pub overlap: SignedDuration,
    /// For how long nobody may have used one before it is revoked.
    pub quiet_for: Option<SignedDuration>,
    /// When they may be revoked; `None` is always.
    pub window: Option<Window>,
    /// What every value must look like.
    pub format: Option<Format>,
    /// Targets that the last refresh could not look at, by key: what they hold is looked at before it counts as lost.
    pub unreachable: BTreeSet<String>,
    /// An entry that somebody else made may be overwritten.
    pub replace_existing: bool,
    /// No state exists yet.
    pub is_create: bool,
}

impl Job {
    /// Whether that wave has activations.
    pub(super) fn activates(&self, wave: u64) -> bool {
        self.activations.values().any(|known| known.spec.wave() == wave)
    }

    /// The work that this run shares with others that need the same: the activations of every wave that it may write.
    pub(super) fn needs(&self, goal: &Goal) -> Vec<String> {
        let waves: BTreeSet<u64> = goal.targets.values().map(|target| target.wave).collect();
        let needed = self
            .activations
            .values()
            .filter(|known| waves.contains(&known.spec.wave()));
        needed.filter_map(|known| known.spec.equal_work.clone()).collect()
    }

    /// When the window opens, in words, where it is closed.
    pub(super) fn opening(&self) -> Option<String> {
        let window = self.window.as_ref()?;
        let now = self.clock.now();
        let opening = window.next_opening(now);
        (opening > now).then(|| window.in_words(opening))
    }
}

/// A connected source.
pub struct JobSource {
    /// What is configured.
    pub spec: Arc<SourceSpec>,
    /// The adapter.
    pub adapter: Box<dyn Source>,
}

impl JobSource {
    /// What the engine must know of it.
    pub fn traits(&self) -> SourceTraits {
        self.spec.config.traits()
    }

    /// Its issuer's address as records name it.
    pub fn issuer(&self) -> String {
        self.spec.on_record()
    }

    /// The part that marks leave unsaid: the first.
    pub fn primary(&self) -> Option<&PartName> {
        self.spec.parts.primary()
    }
}

/// A connected target.
pub struct JobTarget {
    /// What is configured.
    pub spec: Arc<TargetSpec>,
    /// The adapter.
    pub adapter: Box<dyn Target>,
    /// Its slot.
    pub slot: Address,
}

impl JobTarget {
    /// What its entry is called in texts.
    pub fn noun(&self) -> String {
        crate::target::entry(&self.slot.to_string()).noun
    }

    /// Whether its value can be read back.
    pub fn is_readable(&self) -> bool {
        self.spec.config.traits().readable
    }
}

/// A connected activation.
pub struct JobActivation {
    /// What is configured.
    pub spec: Arc<ActivationSpec>,
    /// What runs.
    pub run: JobCheck,
}

/// A connected check.
pub struct JobCheck {
    /// What is configured.
    pub spec: Arc<CheckSpec>,
    /// The adapter.
    pub adapter: Box<dyn Check>,
}

impl JobCheck {
    /// Which credential it presents.
    pub fn presents(&self) -> Presents {
        self.spec.config.presents()
    }

    /// Whether it presents parts that are not among these.
    pub fn lacks(&self, parts: Option<&Parts>) -> bool {
        let has = |part: &PartName| parts.is_some_and(|parts| parts.get(part.as_str()).is_some());
        self.presents() != Presents::Nothing && !self.spec.parts.iter().all(has)
    }
}
