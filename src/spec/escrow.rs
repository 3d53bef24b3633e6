//! Where values are parked.

use std::sync::Arc;

use crate::address::{ANY, Address};
use crate::connection::Connections;
use crate::target::{TargetConfig, ssm_parameter};

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
    /// The entry of that secret. Its place stays open where the connection cannot be used.
    pub fn of(escrow: &Escrow, id: &str, connections: &Connections) -> Self {
        let name = format!("{}{id}", escrow.path);
        let link = connections.link(&escrow.connection);
        let account = ssm_parameter::KIND
            .reach
            .map(|reach| (reach, link.dynamic(reach.vendor)));
        let place = match account {
            Some((reach, Ok(account))) => (reach.place)(account.as_ref()),
            Some((_, Err(_))) => ANY.to_owned(),
            None => String::new(),
        };
        Self {
            path: escrow.path.clone(),
            slot: Address {
                connection: escrow.connection.clone(),
                place,
                ..Address::new(ssm_parameter::KIND.name, &name)
            },
            config: ssm_parameter::for_escrow(name, escrow.key_id.clone()),
        }
    }

    /// Whether another entry stands where values are parked.
    pub fn covers(&self, slot: &Address) -> bool {
        let here = slot.kind == self.slot.kind && slot.connection == self.slot.connection;
        here && slot.locator.starts_with(&self.path)
    }
}
