//! Refreshing: the clock and the vendors are looked at here, and nowhere else before apply. Reads only.
//!
//! What is found is stored as recorded instants and sentences; the same facts give the same state.

mod credentials;
mod deliveries;
mod escrow;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use self::credentials::credentials;
use self::deliveries::{targets, unfinished_first_writes};
use super::findings::{self, Sightings};
use super::policies::Policies;
use super::state::{State, is_imported};
use super::{config_in_state, due, slots, state_check};
use crate::address::Address;
use crate::connection::Connections;
use crate::diagnostics::Refresh;
use crate::plugin::{ReadRequest, ReadResponse};
use crate::provider::Configured;
use crate::rotation::{DeliveryStatus, Event};
use crate::spec::{Config, Incident};
use crate::terraform::{Diagnostics, Path, Value};
use crate::vendors::Vendors;

/// Refreshes a state. With an error, Terraform keeps the one that it has.
pub async fn read(configured: &Configured, request: ReadRequest) -> ReadResponse {
    let mut problems = state_check::check(&request.state);
    if problems.has_errors() || is_imported(&request.state) {
        return ReadResponse {
            state: request.state,
            private: request.private,
            diagnostics: problems,
        };
    }
    let state = refreshed(configured, &request.state, &mut problems)
        .await
        .unwrap_or_else(|| request.state.clone());
    ReadResponse {
        state,
        private: request.private,
        diagnostics: problems,
    }
}

async fn refreshed(configured: &Configured, stored: &Value, problems: &mut Diagnostics) -> Option<Value> {
    // Without a wholly known provider block there is nobody to ask; the next plan will.
    let vendors = configured.vendors.as_deref()?;
    let connections = configured.connections.as_ref()?;
    let Some(config) = config_in_state(stored) else {
        problems.report(Path::root(), Refresh::ArgumentsNotUnderstood);
        return None;
    };
    let is_unknown = configured.incident.is_unknown() || configured.escrow.is_unknown();
    if config.awaits_a_connection(connections) || is_unknown {
        return None;
    }
    if let Some(refused) = connections.refused_by_clock(config.connections()) {
        problems.push(refused);
        return None;
    }
    let config = config.located(connections);
    let policies = match Policies::of_state(stored) {
        Ok(policies) => policies,
        Err(unreadable) => {
            // Apply refuses to delete or revoke anything by it; a refresh only looks.
            tracing::warn!(
                problems = unreadable.iter().count(),
                "the state's policies are not understood"
            );
            Policies::default()
        }
    };
    let mut state = State::read(stored);
    let config = config.parked_in(configured.escrow.known(), &state.id, connections);
    locate(&mut state, vendors).await;
    let mut seen = Sightings {
        untagged: Sightings::on_record(&state).untagged,
        notices: findings::was_in_state(&state),
        ..Sightings::default()
    };
    let now = configured.clock.now();
    let before = state.ledger.generation();
    let filled = targets(&mut state, &config, configured, now, &mut seen, problems).await;
    escrow::escrow(&mut state, &config, vendors, &mut seen, problems).await;
    credentials(&mut state, &config, vendors, now, &mut seen, problems).await;
    if let Some(skew) = connections.skew() {
        seen.notices.push(findings::clock(&skew.host, skew.is_ahead));
    }
    unfinished_first_writes(&mut state, filled, before);
    due::begin_overlap(&mut state, &config, now);
    let incident = configured.incident.known();
    describe(&mut state, config, incident, &policies, connections, seen, now);
    Some(state.write_over(stored.clone()))
}

/// Stores what follows from what was found.
fn describe(
    state: &mut State,
    config: Config,
    incident: Option<&Arc<Incident>>,
    policies: &Policies,
    connections: &Connections,
    seen: Sightings,
    now: Timestamp,
) {
    let slots = slots(state, &config, connections);
    let config = config.exposed_by(incident, &slots);
    findings::describe(state, &config, policies, &slots, seen, now);
}

/// The slots of the configuration; where the provider block does not tell them, those on record.
fn slots(state: &State, config: &Config, connections: &Connections) -> BTreeMap<String, Address> {
    if let Some(slots) = slots::slots(config, connections, &mut Diagnostics::new()) {
        return slots;
    }
    let known = state.ledger.deliveries().iter();
    let configured =
        known.filter(|(key, known)| config.targets.contains_key(*key) && known.status != DeliveryStatus::Removing);
    configured
        .filter_map(|(key, known)| Some((key.clone(), known.slot.parse().ok()?)))
        .collect()
}

/// Completes addresses that a state of an older format left open.
async fn locate(state: &mut State, vendors: &dyn Vendors) {
    let slots = state.ledger.deliveries().values().map(|known| known.slot.clone());
    let issuers = state.ledger.credentials().iter().map(|known| known.issuer.clone());
    let mut addresses = BTreeMap::new();
    for text in slots.chain(issuers) {
        let Ok(address) = text.parse::<Address>() else { continue };
        if !address.is_complete()
            && let Ok(complete) = vendors.complete(&address).await
        {
            addresses.insert(text, complete.to_string());
        }
    }
    if !addresses.is_empty() {
        state.ledger.record(Event::Located { addresses });
    }
}
