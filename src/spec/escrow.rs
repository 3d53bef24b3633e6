//! Where values are parked.

use std::sync::Arc;

use crate::address::Address;
use crate::target::TargetConfig;

/// The block `escrow` of the provider block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escrow {
    /// What stands before the secret's id in the parameter's name; ends with a slash.
    pub path: String,
    /// The KMS key; `None` is the account's default.
    pub key_id: Option<String>,
    /// The name of the connection.
    pub connection: String,
}

/// The entry of one secret.
pub struct EscrowSpec {
    /// What stands before the secret's id in its name.
    pub path: String,
    /// How it is written.
    pub config: Arc<dyn TargetConfig>,
    /// Where it is.
    pub slot: Address,
}

impl EscrowSpec {
    /// Whether another entry stands where values are parked.
    pub fn covers(&self, slot: &Address) -> bool {
        let here = slot.kind == self.slot.kind && slot.connection == self.slot.connection;
        here && slot.locator.starts_with(&self.path)
    }
}
