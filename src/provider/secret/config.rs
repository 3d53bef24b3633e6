//! The configuration of a `rotation_secret`, read once into typed structs.
//!
//! Every mistake is reported at its path, with what is allowed. Unknown values are legal: then the whole is `None`.

mod checks;
mod kinds;
mod names;
mod relations;
mod schedule;
mod source;
mod targets;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::SignedDuration;

use self::checks::parse_checks;
use self::names::{parse_label_prefix, parse_name, parse_reason};
use self::schedule::parse_schedule;
use self::source::parse_source;
use self::targets::{known_waves, parse_targets};
use crate::address::Address;
use crate::check::{CheckConfig, CheckKind, Patience, Presents};
use crate::connection::Connections;
use crate::rotation::schedule::Schedule;
use crate::source::{SourceConfig, SourceKind};
use crate::target::{Activation, TargetConfig, TargetKind};
use crate::template::Template;
use crate::terraform::{Diagnostics, Node};

/// The complete configuration.
pub struct Config {
    /// Default name of the entry at each target, and part of the id.
    pub name: String,
    /// Where credentials come from.
    pub source: SourceEntry,
    /// Where they go, by key.
    pub targets: BTreeMap<String, TargetEntry>,
    /// How they are proved, by key.
    pub checks: BTreeMap<String, CheckEntry>,
    /// When they are renewed.
    pub schedule: Schedule,
    /// Values whose change rotates.
    pub triggers: BTreeMap<String, String>,
    /// Revocation is a person's work.
    pub revoke_by_hand: bool,
    /// How long an old credential stays valid once the new one is in place.
    pub overlap: SignedDuration,
    /// A new text rotates, and is the reason.
    pub rotate_now: Option<String>,
    /// Drift is healed, not just reported.
    pub heal: bool,
    /// An entry that somebody else made may be overwritten.
    pub replace_existing: bool,
    /// Destroy revokes and deletes.
    pub revoke_on_destroy: bool,
    /// Stands before our own mark in every vendor-side name.
    pub label_prefix: String,
}

/// The configured source.
pub struct SourceEntry {
    /// Its kind.
    pub kind: &'static SourceKind,
    /// Its arguments.
    pub config: Box<dyn SourceConfig>,
    /// The complete address of its issuer.
    pub issuer: Address,
}

impl SourceEntry {
    fn new(kind: &'static SourceKind, config: Box<dyn SourceConfig>) -> Self {
        let issuer = config.issuer();
        Self { kind, config, issuer }
    }
}

/// A configured target.
pub struct TargetEntry {
    /// Its kind.
    pub kind: &'static TargetKind,
    /// Its arguments.
    pub config: Arc<dyn TargetConfig>,
    /// Its wave.
    pub wave: u64,
    /// The part it holds.
    pub part: String,
    /// The text it holds instead of a bare part.
    pub template: Option<Template>,
    /// Its entry outlives its configuration.
    pub keep: bool,
    /// A change of this makes the entry be written again.
    pub fingerprint: String,
}

impl TargetEntry {
    /// The parts that its value is made of.
    pub fn parts(&self) -> BTreeSet<String> {
        match &self.template {
            Some(template) => template.parts().into_iter().collect(),
            None => BTreeSet::from([self.part.clone()]),
        }
    }
}

/// When a check runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Before anything is minted.
    Preflight,
    /// After its wave was delivered and activated.
    Delivered,
    /// After an old credential was revoked.
    Revoked,
}

/// A configured check.
pub struct CheckEntry {
    /// Its kind.
    pub kind: &'static CheckKind,
    /// Its arguments.
    pub config: Box<dyn CheckConfig>,
    /// The wave that it follows.
    pub wave: u64,
    /// When it runs.
    pub phase: Phase,
    /// How long it may take.
    pub patience: Patience,
}

impl CheckEntry {
    /// Names of the parts that it presents, `value` under the name of the source's primary part.
    pub fn parts(&self, source: &SourceKind) -> BTreeSet<String> {
        self.config.parts_used().iter().map(|part| source.part(part)).collect()
    }

    /// Whether it presents the credential that is being delivered.
    pub fn presents_new(&self) -> bool {
        self.config.presents() == Presents::New && !self.config.parts_used().is_empty()
    }
}

impl Config {
    /// The same with the place of its source, which the connections know.
    #[must_use]
    pub fn located(mut self, connections: &Connections) -> Self {
        self.source.issuer.place = (self.source.kind.place)(connections);
        self
    }

    /// The checks that follow a revocation.
    pub fn after_revocation(&self) -> impl Iterator<Item = &String> {
        let checks = self.checks.iter().filter(|(_, check)| check.phase == Phase::Revoked);
        checks.map(|(key, _)| key)
    }
}

/// What consumers of a deferred target are given to pick a new value up, when the user does not say.
const DEFERRED_OVERLAP: SignedDuration = SignedDuration::from_hours(24);

impl Config {
    /// Reads a whole resource. `None` when something is unknown or wrong; what is wrong is reported.
    pub fn parse(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Self> {
        let name = parse_name(&node.attr("name"), problems);
        let source = parse_source(&node.attr("source"), node, problems);
        let source_kind = source.as_ref().map(|(kind, _)| *kind);
        let targets = parse_targets(&node.attr("targets"), name.as_deref(), source_kind, problems);
        let waves = known_waves(&node.attr("targets"));
        let checks = parse_checks(&node.attr("checks"), source_kind, waves.as_ref(), problems);
        let schedule = parse_schedule(&node.attr("rotation"), problems);
        let triggers = node.attr("rotation").attr("triggers").string_map(problems);
        let revoke = node.attr("revoke");
        let mode = if revoke.is_null() {
            Some("automatic")
        } else {
            let mode = revoke.attr("mode").one_of(&["automatic", "manual"], problems);
            revoke.attr("mode").required(mode, problems).known()
        };
        let overlap = node.attr("overlap").duration(problems);
        let rotate_now = parse_reason(&node.attr("rotate_now"), problems);
        let on_drift = node.attr("on_drift").one_of(&["heal", "report"], problems);
        let on_existing = node.attr("on_existing").one_of(&["refuse", "replace"], problems);
        let on_destroy = node.attr("on_destroy").one_of(&["revoke", "abandon"], problems);
        let label_prefix = parse_label_prefix(node, name.as_deref(), problems);
        info_is_text(&node.attr("info"), problems);
        node.attr("readers").strings(problems);

        let (kind, config) = source?;
        let targets = targets?;
        let deferred = targets
            .values()
            .any(|target| target.config.traits().activation != Activation::Itself);
        let default_overlap = if deferred {
            DEFERRED_OVERLAP
        } else {
            SignedDuration::ZERO
        };
        let config = Self {
            name: name?,
            source: SourceEntry::new(kind, config?),
            checks: checks?,
            schedule: schedule?,
            triggers: triggers.or(BTreeMap::new())?,
            revoke_by_hand: mode? == "manual",
            overlap: overlap.optional()?.unwrap_or(default_overlap),
            rotate_now: rotate_now.optional()?,
            heal: on_drift.or("heal")? == "heal",
            replace_existing: on_existing.or("refuse")? == "replace",
            revoke_on_destroy: on_destroy.or("revoke")? == "revoke",
            label_prefix: label_prefix?,
            targets,
        };
        config.relations(node, problems);
        (!problems.has_errors()).then_some(config)
    }
}

fn info_is_text(info: &Node<'_>, problems: &mut Diagnostics) {
    for name in super::schema::INFO {
        info.attr(name.0).text(problems);
    }
}
