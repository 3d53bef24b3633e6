//! What a secret is known by: its id, and the origin of its values.

use std::collections::BTreeMap;

use aws_lc_rs::digest;

use super::config;
use super::slots::slots;
use crate::address::Address;
use crate::provider::Configured;
use crate::spec::Config;
use crate::terraform::{Diagnostics, Origin, Value};

/// The secret's id: 32 hexadecimal characters of SHA-256 over what names it.
pub(super) fn derive_id(namespace: &str, config: &Config, slots: &BTreeMap<String, Address>) -> String {
    let mut places: Vec<String> = slots.values().map(Address::slot).collect();
    places.sort();
    // JSON keeps the parts apart, whatever characters they hold.
    let text = serde_json::json!([namespace, config.name, config.source.issuer.slot(), places]).to_string();
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    let first = hash.as_ref().iter().take(16);
    first.map(|byte| format!("{byte:02x}")).collect()
}

/// The id that a configuration leads to by itself, without a call; `None` where it is not wholly known.
pub(super) fn configured_id(configured: &Configured, config: &Value) -> Option<String> {
    let mut quiet = Diagnostics::new();
    let config = config::read(config, Origin::Configuration, &mut quiet)?;
    let connections = configured.connections.as_ref()?;
    let config = config.located(connections);
    let slots = slots(&config, connections, &mut quiet)?;
    Some(derive_id(configured.namespace.as_deref()?, &config, &slots))
}
