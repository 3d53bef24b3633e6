//! The configuration of a `rotation_secret`, read once into typed structs.
//!
//! Every mistake is reported at its path, with what is allowed. Unknown values are legal: then the whole is `None`.

mod checks;
mod kinds;
mod names;
mod overlap;
mod relations;
mod schedule;
mod shape;
mod source;
mod supplied;
mod targets;
mod warnings;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::SignedDuration;

use self::checks::parse_checks;
use self::names::{parse_label_prefix, parse_name, parse_reason};
use self::schedule::parse_schedule;
use self::shape::conformed;
pub(super) use self::shape::{is_unchanged, refuse};
use self::source::{ParsedSource, parse_source};
use self::targets::{known_waves, parse_targets};
use crate::address::{ANY, Address};
use crate::check::{CheckConfig, CheckKind, Patience, Presents};
use crate::connection::{Connections, Unready};
use crate::rotation::schedule::Schedule;
use crate::source::{Maker, SourceConfig, SourceKind};
use crate::target::{TargetConfig, TargetKind};
use crate::template::Template;
use crate::terraform::{Diagnostics, Node, Origin, Value};

/// The complete configuration.
pub struct Config {
    /// Default name of the entry at each target, and part of the id.
    pub name: String,
    /// Whom to ask when a person has to act.
    pub contact: Option<String>,
    /// Where the procedure is documented.
    pub docs_url: Option<String>,
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
    /// A person revoked every older generation up to this one.
    pub confirmed: Option<u64>,
    /// How long an old credential stays valid once the new one is in place.
    pub overlap: SignedDuration,
    /// The same as the user wrote it.
    pub overlap_text: String,
    /// A new text rotates, and is the reason.
    pub rotation_reason: Option<String>,
    /// What happens when an entry was changed or deleted outside Terraform.
    pub on_drift: OnDrift,
    /// An entry that this resource does not manage may be overwritten.
    pub replace_existing: bool,
    /// Stands before our own mark in every vendor-side name.
    pub label_prefix: String,
}

/// What happens when an entry was changed or deleted outside Terraform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDrift {
    /// The same generation is delivered again.
    Heal,
    /// It is only reported.
    Report,
    /// A new generation is made.
    Rotate,
}

/// The configured source.
pub struct SourceEntry {
    /// Its kind.
    pub kind: &'static SourceKind,
    /// Its arguments.
    pub config: Box<dyn SourceConfig>,
    /// The complete address of its issuer, by the connection that the configuration names.
    pub issuer: Address,
    /// The parts of its credentials.
    pub parts: Vec<String>,
}

impl SourceEntry {
    fn new(kind: &'static SourceKind, config: Box<dyn SourceConfig>, connection: String) -> Self {
        let issuer = Address {
            connection,
            ..config.issuer()
        };
        let parts = config.parts();
        Self {
            kind,
            config,
            issuer,
            parts,
        }
    }

    /// The name of a part, where `value` means the only one.
    pub fn part(&self, name: &str) -> String {
        let only = crate::source::primary(&self.parts).filter(|_| name == "value");
        only.unwrap_or(name).to_owned()
    }

    /// The issuer as records name it: nobody issues what we generate.
    pub fn on_record(&self) -> String {
        match self.kind.maker {
            Maker::Us => String::new(),
            Maker::Person | Maker::Issuer => self.issuer.to_string(),
        }
    }

    /// Whether an address on record is that of its issuer, as far as the connection tells without a call.
    pub fn is_issued_at(&self, address: &str) -> bool {
        let known = address.parse::<Address>();
        known.is_ok_and(|known| known.connection == self.issuer.connection && known.is_same_place(&self.issuer))
    }

    /// Whether a lost value is replaced by a new one of its own accord: only a credential that its issuer mints is.
    pub fn may_replace_lost(&self) -> bool {
        self.kind.maker == Maker::Issuer
    }

    /// Whether new values come from a person.
    pub fn is_supplied(&self) -> bool {
        self.kind.maker == Maker::Person
    }
}

/// A configured target.
pub struct TargetEntry {
    /// Its kind.
    pub kind: &'static TargetKind,
    /// Its arguments.
    pub config: Arc<dyn TargetConfig>,
    /// The name of its connection.
    pub connection: String,
    /// Its wave.
    pub wave: u64,
    /// The part it holds.
    pub part: String,
    /// The text it holds instead of a bare part.
    pub template: Option<Template>,
    /// Its entry outlives its configuration.
    pub keep: bool,
    /// What breaks while it alone lacks the new value.
    pub impact: Option<String>,
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
    /// The name of its connection.
    pub connection: String,
    /// The wave that it follows.
    pub wave: u64,
    /// When it runs.
    pub phase: Phase,
    /// How long it may take.
    pub patience: Patience,
    /// Running it changes something outside.
    pub effects: bool,
}

impl CheckEntry {
    /// Names of the parts that it presents, `value` under the name of the source's only part.
    pub fn parts(&self, source: &SourceEntry) -> BTreeSet<String> {
        self.config.parts_used().iter().map(|part| source.part(part)).collect()
    }

    /// Whether it presents the credential that is being delivered.
    pub fn presents_new(&self) -> bool {
        self.config.presents() == Presents::New && !self.config.parts_used().is_empty()
    }
}

impl Config {
    /// Reads a whole resource as it crosses the wire. `None` when something is unknown or wrong; what is wrong is reported.
    pub fn read(value: &Value, origin: Origin, problems: &mut Diagnostics) -> Option<Self> {
        let conformed = conformed(value, origin, problems);
        Self::parse(&Node::root(&conformed, origin), problems)
    }

    /// The same with the place of its source, which the connections know. It stays open where the connection cannot be used.
    #[must_use]
    pub fn located(mut self, connections: &Connections) -> Self {
        if let Some(reach) = self.source.kind.reach {
            let account = connections.link(&self.source.issuer.connection).dynamic(reach.vendor);
            self.source.issuer.place =
                account.map_or_else(|_| ANY.to_owned(), |account| (reach.place)(account.as_ref()));
        }
        self
    }

    /// Whether something of a connection that it uses is known only after apply.
    pub fn awaits_a_connection(&self, connections: &Connections) -> bool {
        let source = (self.source.kind.reach, &self.source.issuer.connection);
        let targets = self
            .targets
            .values()
            .map(|target| (target.kind.reach, &target.connection));
        let checks = self.checks.values().map(|check| (check.kind.reach, &check.connection));
        let mut used = targets.chain(checks).chain([source]);
        used.any(|(reach, name)| {
            reach.is_some_and(|reach| matches!(connections.find(reach.vendor, name), Err(Unready::Unknown)))
        })
    }

    /// The checks that follow a revocation.
    pub fn after_revocation(&self) -> impl Iterator<Item = &String> {
        let checks = self.checks.iter().filter(|(_, check)| check.phase == Phase::Revoked);
        checks.map(|(key, _)| key)
    }

    fn parse(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Self> {
        let before = problems.has_errors();
        let name = parse_name(&node.attr("name"), problems);
        let source = parse_source(node, problems);
        let parts = source.as_ref().map(|source| source.parts.as_deref());
        let targets = parse_targets(&node.attr("targets"), name.as_deref(), parts.flatten(), problems);
        let waves = known_waves(&node.attr("targets"));
        let checks = parse_checks(&node.attr("checks"), parts.flatten(), waves.as_ref(), problems);
        let schedule = parse_schedule(&node.attr("rotation"), problems);
        let triggers = node.attr("rotation").attr("triggers").string_map(problems);
        let mode = node.attr("revoke").attr("mode");
        let mode = mode.one_of(&["automatic", "manual"], problems).or("automatic");
        let confirmed = node.attr("revoke").attr("confirmed");
        let confirmed = confirmed.integer(0, crate::label::LARGEST_GENERATION, problems);
        let overlap = node.attr("overlap").duration(problems);
        let rotation_reason = parse_reason(&node.attr("rotation_reason"), problems);
        let on_drift = node.attr("on_drift").one_of(&["heal", "report", "rotate"], problems);
        let on_existing = node.attr("on_existing").one_of(&["refuse", "replace"], problems);
        let on_destroy = node.attr("on_destroy").one_of(&["revoke", "abandon"], problems);
        let label_prefix = parse_label_prefix(node, name.as_deref(), problems);
        let info = names::parse_info(&node.attr("info"), problems);
        node.attr("readers").strings(problems);

        let ParsedSource {
            kind,
            config,
            connection,
            ..
        } = source?;
        let targets = targets?;
        let mode = mode?;
        let overlap = overlap.optional()?;
        let source = SourceEntry::new(kind, config?, connection?);
        let info = info?;
        on_destroy.optional()?;
        let config = Self {
            name: name?,
            contact: info.get("contact").cloned(),
            docs_url: info.get("docs_url").cloned(),
            checks: checks?,
            schedule: schedule?,
            triggers: triggers.or(BTreeMap::new())?,
            revoke_by_hand: mode == "manual",
            confirmed: confirmed.optional()?,
            overlap_text: match node.attr("overlap").value().as_str() {
                Some(text) => text.to_owned(),
                None => overlap::text_of_default(&targets),
            },
            overlap: overlap.unwrap_or_else(|| overlap::default(&targets)),
            rotation_reason: rotation_reason.optional()?,
            on_drift: match on_drift.or("heal")? {
                "report" => OnDrift::Report,
                "rotate" => OnDrift::Rotate,
                _ => OnDrift::Heal,
            },
            replace_existing: on_existing.or("refuse")? == "replace",
            label_prefix: label_prefix?,
            source,
            targets,
        };
        if node.origin() == Origin::Configuration {
            config.relations(node, problems);
        }
        (before || !problems.has_errors()).then_some(config)
    }
}
