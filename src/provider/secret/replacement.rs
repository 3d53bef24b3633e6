//! The two halves of a replacement: `-replace` and taint destroy first. The destroy half deletes and revokes nothing; it hands the
//! state over in the process, and the create half resumes under the same id.

use std::collections::BTreeSet;

use super::intent::Intent;
use super::state::is_imported;
use super::{config, identity, slots};
use crate::address::Address;
use crate::diagnostics::Apply;
use crate::plugin::{ApplyRequest, ApplyResponse};
use crate::provider::{Configured, HandedOver};
use crate::terraform::{Diagnostics, Origin, Path, Value};

/// The destroy half. `becomes` is the id that the new configuration leads to, where the plan knew it.
pub(super) fn hand_over(configured: &Configured, request: ApplyRequest, becomes: Option<String>) -> ApplyResponse {
    let mut problems = Diagnostics::new();
    // After an interrupt the create half will not come.
    let state = if configured.stop.requested() {
        problems.report(Path::root(), Apply::ReplacementInterrupted);
        request.prior
    } else if is_imported(&request.prior) {
        // It holds nothing yet.
        Value::Null
    } else {
        let state = request.prior;
        configured.run_registry.hand_over(HandedOver { state, becomes });
        Value::Null
    };
    ApplyResponse {
        state,
        private: request.private,
        diagnostics: problems,
    }
}

/// A destroy that no plan of this provider announced: whether the object is replaced or destroyed cannot be told.
pub(super) fn refuse(request: ApplyRequest) -> ApplyResponse {
    let mut problems = Diagnostics::new();
    problems.report(Path::root(), Apply::DestroyOrReplacement);
    ApplyResponse {
        state: request.prior,
        private: request.private,
        diagnostics: problems,
    }
}

/// The state that a destroy half of this process handed over for what is created now.
///
/// The CLI plans the create half anew, without a word of the object that it replaces, so the two are matched by the id that the
/// configuration leads to. Where the plan did not know it, a slot in common has to do. The name alone says nothing: another secret of
/// that name may be created in the same run, and would delete and revoke what is not its own.
pub(super) fn handed_over(configured: &Configured, request: &ApplyRequest) -> Option<Value> {
    if !request.prior.is_null() {
        return None;
    }
    if let Intent::Create { replaces: Some(id), .. } = Intent::of_private(&request.private) {
        let is_it = |object: &HandedOver| object.state.get("id").as_str() == Some(&id);
        if let Some(state) = configured.run_registry.take_over(is_it) {
            return Some(state);
        }
    }
    let id = identity::configured_id(configured, &request.config);
    let is_it = |object: &HandedOver| object.becomes.is_some() && object.becomes == id;
    if let Some(state) = configured.run_registry.take_over(is_it) {
        return Some(state);
    }
    let slots = slots(configured, request);
    let shares_a_slot = |object: &HandedOver| {
        let deliveries = object.state.get("deliveries").as_map();
        let mut held = deliveries.into_iter().flat_map(|all| all.values());
        held.any(|delivery| {
            let slot = delivery.get("slot").as_str();
            let address = slot.and_then(|slot| slot.parse::<Address>().ok());
            address.is_some_and(|address| slots.iter().any(|slot| slot.is_elsewhere(&address)))
        })
    };
    let is_it = |object: &HandedOver| object.becomes.is_none() && shares_a_slot(object);
    configured.run_registry.take_over(is_it)
}

fn slots(configured: &Configured, request: &ApplyRequest) -> BTreeSet<Address> {
    let mut quiet = Diagnostics::new();
    let config = config::read(&request.config, Origin::Configuration, &mut quiet);
    let slots = config
        .zip(configured.connections.as_ref())
        .and_then(|(config, connections)| slots::slots(&config, connections, &mut quiet));
    slots.unwrap_or_default().into_values().collect()
}
