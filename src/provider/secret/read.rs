//! Refreshing: the clock and the vendors are looked at here, and nowhere else before apply. Reads only.
//!
//! What is found is stored as recorded instants and sentences; the same facts give the same state.

mod credentials;
mod deliveries;

use std::collections::BTreeMap;

use jiff::Timestamp;

use self::credentials::credentials;
use self::deliveries::{targets, unfinished_first_writes};
use super::apply::VALUE_LOST;
use super::config::Config;
use super::outlook::{Sightings, outlook};
use super::state::State;
use super::{config_in_state, legible, place};
use crate::address::Address;
use crate::executor::Site;
use crate::plugin::{ReadRequest, ReadResponse};
use crate::provider::Configured;
use crate::rotation::{DeliveryStatus, Event, Pending};
use crate::terraform::{Diagnostics, Path, Value};
use crate::vendors::Vendors;

/// Refreshes a state. With an error, Terraform keeps the one that it has.
pub async fn read(configured: &Configured, request: ReadRequest) -> ReadResponse {
    let mut problems = legible::check(&request.state);
    if problems.has_errors() {
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
        problems.warning(
            Path::root(),
            "The stored arguments cannot be read by this version",
            "The secret was not refreshed. Apply a valid configuration.",
        );
        return None;
    };
    let config = config.located(connections);
    let mut state = State::read(stored);
    locate(&mut state, vendors).await;
    let mut seen = Sightings {
        untagged: Sightings::on_record(&state).untagged,
        ..Sightings::default()
    };
    let now = configured.clock.now();
    let before = state.ledger.generation();
    let filled = targets(&mut state, &config, configured, now, &mut seen, problems).await;
    credentials(&mut state, &config, vendors, now, &mut seen, problems).await;
    unfinished_first_writes(&mut state, filled, before);
    begin_overlap(&mut state, &config, now);
    let lost = state.pending.iter().find(|known| is_value_lost(known)).cloned();
    outlook(&mut state, &config, &seen, now);
    warn_of_drift(&state, &config, problems);
    if let Some(lost) = lost.filter(|_| {
        !state
            .pending
            .iter()
            .any(|known| matches!(known, Pending::Rotate { .. }))
    }) {
        state.pending.insert(0, lost);
    }
    Some(state.write_over(stored.clone()))
}

/// With `on_drift = "report"` a warning is all that drift causes.
fn warn_of_drift(state: &State, config: &Config, problems: &mut Diagnostics) {
    if config.heal {
        return;
    }
    for (key, delivery) in state.ledger.deliveries() {
        let what = match delivery.status {
            DeliveryStatus::Changed => delivery.detail.as_deref().unwrap_or("changed outside Terraform"),
            DeliveryStatus::Missing => "deleted outside Terraform",
            _ => continue,
        };
        problems.warning(
            place::path_of(&Site::Target(key.clone()), Some(config)),
            format!("{} was {what}", delivery.slot),
            "on_drift = \"report\" leaves it alone. Set on_drift = \"heal\" to have it delivered again.",
        );
    }
}

/// An earlier apply found out that a value cannot be had; only a rotation ends that.
fn is_value_lost(pending: &Pending) -> bool {
    matches!(pending, Pending::Rotate { reason } if reason.starts_with(VALUE_LOST))
}

/// What was staged is live everywhere: the overlap begins with this instant.
pub(super) fn begin_overlap(state: &mut State, config: &Config, now: Timestamp) {
    let until = now.checked_add(config.overlap).unwrap_or(Timestamp::MAX);
    state.ledger.record(Event::OverlapBegan { until });
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
