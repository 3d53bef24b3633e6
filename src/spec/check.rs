//! A check as configured.

use std::collections::BTreeSet;

use crate::check::{CheckConfig, CheckKind, Patience, Presents};
use crate::part::PartName;

/// When a check runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Before anything is minted.
    Preflight,
    /// After that wave was delivered and activated.
    Wave(u64),
    /// After an old credential was revoked.
    Revoked,
}

/// How a credential is proved.
pub struct CheckSpec {
    /// Its kind.
    pub kind: &'static CheckKind,
    /// Its arguments.
    pub config: Box<dyn CheckConfig>,
    /// The name of its connection.
    pub connection: String,
    /// When it runs.
    pub when: When,
    /// The parts that it presents; none where its request has no template.
    pub parts: BTreeSet<PartName>,
    /// How long it may take.
    pub patience: Patience,
    /// Running it changes something outside.
    pub effects: bool,
}

impl CheckSpec {
    /// Whether it presents the credential that is being delivered.
    pub fn presents_new(&self) -> bool {
        self.config.presents() == Presents::New && !self.parts.is_empty()
    }

    /// The wave that it follows.
    pub fn wave(&self) -> Option<u64> {
        match self.when {
            When::Wave(wave) => Some(wave),
            When::Preflight | When::Revoked => None,
        }
    }
}
