//! An incident: credentials that somebody may have seen, and how fast they end.

use std::collections::{BTreeMap, BTreeSet};

use super::Config;
use crate::address::Address;
use crate::connection::Reach;

/// An incident, as the provider block describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// What it is known by: a secret handles each once.
    pub id: String,
    /// What happened.
    pub reason: String,
    /// Identities that the attacker may have: what they can read is exposed.
    pub exposed: BTreeSet<String>,
    /// Vendors and addresses that the attacker may have seen.
    pub systems: Vec<System>,
    /// Every secret is exposed.
    pub all: bool,
    /// How fast exposed credentials end.
    pub revoke: IncidentRevoke,
}

/// What an attacker may have seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum System {
    /// Everything at a vendor, by the name of its block.
    Vendor(String),
    /// What issues or holds a secret at that address, or in that container.
    Address(Address),
}

/// When the credentials end that an incident exposes, the slowest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum IncidentRevoke {
    /// Once the new one is delivered and checked.
    #[default]
    Checked,
    /// Once the new one is delivered, before the checks.
    Delivered,
    /// As soon as there is a new one, whatever breaks.
    Now,
}

impl IncidentRevoke {
    /// The word in configuration and state.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Incident {
    /// Whether it exposes that secret.
    pub fn exposes(&self, config: &Config, slots: &BTreeMap<String, Address>) -> bool {
        self.all || !self.exposed.is_disjoint(&config.readers) || self.meets_a_system(config, slots)
    }

    /// Why a secret is rotated for it.
    pub fn in_words(&self) -> String {
        format!("incident {}: {}", self.id, self.reason)
    }

    fn meets_a_system(&self, config: &Config, slots: &BTreeMap<String, Address>) -> bool {
        let is_meant = |reach: Option<Reach>, address: Option<&Address>| {
            self.systems.iter().any(|system| match system {
                System::Vendor(block) => reach.is_some_and(|reach| reach.vendor.block == block),
                System::Address(place) => address.is_some_and(|address| is_within(address, place)),
            })
        };
        let source = &config.source;
        is_meant(source.kind.reach, Some(&source.issuer))
            || config
                .targets
                .iter()
                .any(|(key, target)| is_meant(target.kind.reach, slots.get(key)))
    }
}

/// Whether an address is that one, or an entry in that container. The connection only says how to reach it.
fn is_within(address: &Address, place: &Address) -> bool {
    let container = Address {
        locator: place.locator.clone(),
        ..address.clone()
    };
    let rest = address.named().strip_prefix(place.named());
    container.is_same_place(place) && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
