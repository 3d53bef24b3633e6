//! What a secret is known by: its id, and the origin of its values.

use std::collections::BTreeMap;

use aws_lc_rs::digest;

use super::config::Config;
use super::slots::slots;
use crate::address::Address;
use crate::provider::Configured;
use crate::terraform::{Diagnostics, Origin, Value};

/// The secret's id: 32 hexadecimal characters of SHA-256 over what names it.
pub(super) fn derive_id(namespace: &str, config: &Config, slots: &BTreeMap<String, Address>) -> String {
    let mut places: Vec<String> = slots.values().map(Address::slot).collect();
    places.sort();
    // JSON keeps the parts apart, whatever characters they hold.
    let text = serde_json::json!([namespace, config.name, config.source.issuer.slot(), places]).to_string();
    hexadecimal_digest(&text, 16)
}

/// The id that a configuration leads to by itself, without a call; `None` where it is not wholly known.
pub(super) fn configured_id(configured: &Configured, config: &Value) -> Option<String> {
    let mut quiet = Diagnostics::new();
    let config = Config::read(config, Origin::Configuration, &mut quiet)?;
    let connections = configured.connections.as_ref()?;
    let config = config.located(connections);
    let slots = slots(&config, connections, &mut quiet)?;
    Some(derive_id(configured.namespace.as_deref()?, &config, &slots))
}

/// What tells the values of one source, issuer and set of arguments from those of another: 8 hexadecimal characters.
pub(super) fn origin(config: &Config) -> String {
    let source = &config.source;
    let issuer = source.issuer.slot();
    let text = serde_json::json!([source.kind.name, issuer, source.config.fingerprint()]).to_string();
    hexadecimal_digest(&text, 4)
}

/// The first bytes of SHA-256, in hexadecimal.
fn hexadecimal_digest(text: &str, bytes: usize) -> String {
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    let first = hash.as_ref().iter().take(bytes);
    first.map(|byte| format!("{byte:02x}")).collect()
}
