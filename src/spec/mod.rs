//! What a secret is to be, read and checked once: what the configuration said, with its defaults, in typed form.
//!
//! The provider writes it (`provider/secret/config`) and decides by it; the executor works by the same values.

mod activation;
mod check;
mod escrow;
mod format;
mod guard;
mod incident;
mod source;
mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

pub use self::activation::ActivationSpec;
pub use self::check::{CheckSpec, When};
pub use self::escrow::{Escrow, EscrowSpec};
pub use self::format::{Encoding, Format};
pub use self::guard::Guard;
pub use self::incident::{Incident, IncidentRevoke, System};
pub use self::source::SourceSpec;
pub use self::target::{Content, TargetSpec};
use crate::address::{ANY, Address};
use crate::connection::{Connections, Reach, Unready};
use crate::rotation::schedule::Schedule;

/// The complete configuration.
pub struct Config {
    /// Default name of the entry at each target, and part of the id.
    pub name: String,
    /// Whom to ask when a person has to act.
    pub contact: Option<String>,
    /// Where the procedure is documented.
    pub docs_url: Option<String>,
    /// Where credentials come from.
    pub source: Arc<SourceSpec>,
    /// Where they go, by key.
    pub targets: BTreeMap<String, Arc<TargetSpec>>,
    /// What makes consumers load them, by key.
    pub activations: BTreeMap<String, Arc<ActivationSpec>>,
    /// How they are proved, by key.
    pub checks: BTreeMap<String, Arc<CheckSpec>>,
    /// When they are renewed.
    pub schedule: Schedule,
    /// Values whose change rotates.
    pub triggers: BTreeMap<String, String>,
    /// Revocation is a person's work.
    pub revoke_by_hand: bool,
    /// After its overlap, an old credential ends only once nobody has used it for this long.
    pub quiet_for: Option<SignedDuration>,
    /// A person revoked every older generation up to this one.
    pub confirmed: Option<u64>,
    /// How long an old credential stays valid once the new one is in place: `overlap`, or the longest `settle` of a target.
    pub overlap: SignedDuration,
    /// The same in the user's words.
    pub overlap_text: String,
    /// A new text rotates, and is the reason.
    pub rotation_reason: Option<String>,
    /// Identities that can read it.
    pub readers: BTreeSet<String>,
    /// The incident of the provider block, where it exposes this secret.
    pub incident: Option<Arc<Incident>>,
    /// Where its values are parked, if they are.
    pub escrow: Option<Arc<EscrowSpec>>,
    /// The argument `escrow`.
    pub parks: Option<bool>,
    /// The generation that is to be delivered again.
    pub restore: Option<u64>,
    /// A person confirms each rotation.
    pub guard: Option<Guard>,
    /// What happens when an entry was changed or deleted outside Terraform.
    pub on_drift: OnDrift,
    /// An entry that this resource does not manage may be overwritten.
    pub replace_existing: bool,
    /// Stands before our own mark in every vendor-side name.
    pub label_prefix: String,
    /// A create takes over what exists, and writes nothing. Without effect later.
    pub adopt: Option<Adopt>,
    /// What every value must look like.
    pub format: Option<Format>,
}

/// How what exists is taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adopt {
    /// When it was last rotated: the schedule counts from there. `None`: since its issuer made it, or else since it was taken over.
    pub rotated_at: Option<Timestamp>,
    /// The issuer's handle of the credential in use: the first rotation revokes it. `None` leaves that to a person.
    pub credential_id: Option<String>,
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

impl Config {
    /// The same with the place of its source, which the connections know. It stays open where the connection cannot be used.
    #[must_use]
    pub fn located(mut self, connections: &Connections) -> Self {
        if let Some(reach) = self.source.kind.reach {
            let account = connections.link(&self.source.issuer.connection).dynamic(reach.vendor);
            Arc::make_mut(&mut self.source).issuer.place =
                account.map_or_else(|_| ANY.to_owned(), |account| (reach.place)(account.as_ref()));
        }
        self
    }

    /// The same with the incident, if that exposes the secret in those slots.
    #[must_use]
    pub fn exposed_by(mut self, incident: Option<&Arc<Incident>>, slots: &BTreeMap<String, Address>) -> Self {
        self.incident = incident.filter(|incident| incident.exposes(&self, slots)).cloned();
        self
    }

    /// The same with the entry where its values are parked: the provider block says where, unless the secret has `escrow = false`.
    #[must_use]
    pub fn parked_in(mut self, escrow: Option<&Arc<Escrow>>, id: &str, connections: &Connections) -> Self {
        let parked = escrow.filter(|_| self.parks != Some(false));
        self.escrow = parked.map(|escrow| Arc::new(EscrowSpec::of(escrow, id, connections)));
        self
    }

    /// Whether something of a connection that it uses is known only after apply.
    pub fn awaits_a_connection(&self, connections: &Connections) -> bool {
        let targets = self.targets.values().flat_map(|target| target.config.runs());
        let mut runs = targets.chain(self.runs().filter_map(|(_, run)| run.config.runs()));
        if runs.any(|runs| connections.may_yet_allow(&runs)) {
            return true;
        }
        self.connections()
            .any(|(reach, name)| matches!(connections.find(reach.vendor, name), Err(Unready::Unknown)))
    }

    /// The connections of its source, targets, activations and checks, by name.
    pub fn connections(&self) -> impl Iterator<Item = (Reach, &str)> {
        let source = (self.source.kind.reach, &self.source.issuer.connection);
        let targets = self.targets.values();
        let targets = targets.map(|target| (target.kind.reach, &target.connection));
        let runs = self.runs().map(|(_, run)| (run.kind.reach, &run.connection));
        let used = [source].into_iter().chain(targets).chain(runs);
        used.filter_map(|(reach, name)| Some((reach?, name.as_str())))
    }

    /// Activations and checks, by key.
    pub fn runs(&self) -> impl Iterator<Item = (&String, &Arc<CheckSpec>)> {
        let activations = self.activations.iter().map(|(key, activation)| (key, &activation.run));
        activations.chain(&self.checks)
    }

    /// Whether an activation makes the consumers of that target load a new value.
    pub fn has_activation(&self, target: &TargetSpec) -> bool {
        self.activations.values().any(|activation| activation.covers(target))
    }

    /// Whether the consumers of that wave load a new value when an activation says so.
    pub fn is_activated(&self, wave: u64) -> bool {
        self.activations.values().any(|activation| activation.wave() == wave)
    }

    /// Targets whose consumers may go on using the old value after delivery and activation.
    pub fn settling_targets(&self) -> impl Iterator<Item = (&String, &Arc<TargetSpec>)> {
        self.targets.iter().filter(|(_, target)| !target.settle.is_zero())
    }

    /// Targets that hold the public keys of all generations that are valid.
    pub fn key_sets(&self) -> impl Iterator<Item = (&String, &Arc<TargetSpec>)> {
        let has_set = self.source.config.published_part().is_some();
        self.targets
            .iter()
            .filter(move |(_, target)| has_set && target.holds_public_keys())
    }

    /// Targets of waves up to that one that are live for some time before the next wave starts.
    pub fn leading_targets(&self, through: u64) -> impl Iterator<Item = (&String, &Arc<TargetSpec>)> {
        let leads = move |target: &TargetSpec| target.wave <= through && !target.lead.is_zero();
        self.targets.iter().filter(move |(_, target)| leads(target))
    }

    /// The last wave.
    pub fn last_wave(&self) -> u64 {
        self.targets.values().map(|target| target.wave).max().unwrap_or(0)
    }

    /// The checks that follow a revocation.
    pub fn after_revocation(&self) -> impl Iterator<Item = &String> {
        let checks = self.checks.iter().filter(|(_, check)| check.when == When::Revoked);
        checks.map(|(key, _)| key)
    }
}
