//! A source as configured.

use std::sync::Arc;

use aws_lc_rs::digest;

use crate::address::Address;
use crate::part::PartNames;
use crate::source::{Maker, SourceConfig, SourceKind};

/// Where credentials come from.
#[derive(Clone)]
pub struct SourceSpec {
    /// Its kind.
    pub kind: &'static SourceKind,
    /// Its arguments.
    pub config: Arc<dyn SourceConfig>,
    /// The complete address of its issuer, by the connection that the configuration names.
    pub issuer: Address,
    /// The parts of its credentials.
    pub parts: PartNames,
}

impl SourceSpec {
    /// A source by the connection of that name.
    pub fn new(kind: &'static SourceKind, config: Arc<dyn SourceConfig>, connection: String) -> Self {
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

    /// The issuer as records name it; empty for what we generate, which nobody issues.
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

    /// What tells the values of one source, issuer and set of arguments from those of another: 8 hexadecimal characters of SHA-256.
    pub fn origin(&self) -> String {
        let text = serde_json::json!([self.kind.name, self.issuer.slot(), self.config.fingerprint()]).to_string();
        let hash = digest::digest(&digest::SHA256, text.as_bytes());
        let first = hash.as_ref().iter().take(4);
        first.map(|byte| format!("{byte:02x}")).collect()
    }
}
