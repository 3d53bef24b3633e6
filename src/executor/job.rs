//! What a run works with: connected adapters and what is configured for them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::SignedDuration;

use super::{JobEscrow, SharedWork};
use crate::address::Address;
use crate::check::{Check, Presents};
use crate::clock::Clock;
use crate::part::PartName;
use crate::rotation::window::Window;
use crate::rotation::{Goal, Ledger, Session, outstanding};
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
    /// The public parts in state, which are those of the generation in place.
    pub public: BTreeMap<String, String>,
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

    /// The work that this run may still come to, as far as the engine knows now, and that others may need too: writes and rolls of
    /// containers, and activations of waves.
    pub(super) fn needs(&self, goal: &Goal, ledger: &Ledger, session: &Session) -> BTreeSet<String> {
        let coming = outstanding(goal, ledger, session);
        let containers = |keys: &BTreeSet<String>| -> Vec<String> {
            let targets = keys.iter().filter_map(|key| self.targets.get(key));
            targets.filter_map(JobTarget::container).collect()
        };
        let writes = containers(&coming.writes)
            .into_iter()
            .map(|container| write_of(&container));
        let rolls = containers(&coming.activations)
            .into_iter()
            .map(|container| roll_of(&container));
        let wave_of = |key: &String| goal.targets.get(key).map(|target| target.wave);
        let waves: BTreeSet<u64> = coming.activations.iter().filter_map(wave_of).collect();
        let of_waves = self.activations.values();
        let of_waves = of_waves.filter(|known| waves.contains(&known.spec.wave()));
        let of_waves = of_waves.filter_map(|known| known.spec.equal_work.as_deref().map(activation_of));
        writes.chain(rolls).chain(of_waves).collect()
    }

    /// When the window opens, in words, where it is closed.
    pub(super) fn opening(&self) -> Option<String> {
        let window = self.window.as_ref()?;
        let now = self.clock.now();
        let opening = window.next_opening(now);
        (opening > now).then(|| window.in_words(opening))
    }
}

/// The name of writing a container's entries, among shared work.
pub(super) fn write_of(container: &str) -> String {
    format!("write {container}")
}

/// That of making them live.
pub(super) fn roll_of(container: &str) -> String {
    format!("make live {container}")
}

/// That of an activation.
pub(super) fn activation_of(equal_work: &str) -> String {
    format!("activate {equal_work}")
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

    /// What it is written together with, where there is a call for that.
    pub fn container(&self) -> Option<String> {
        self.spec.container(&self.slot)
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
