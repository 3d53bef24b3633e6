//! Sentences about where a secret stands, for errors: what exists now, what the next apply does.

use super::state::State;
use crate::rotation::DeliveryStatus;

/// What exists now.
pub(super) fn situation(state: &State) -> String {
    let ledger = &state.ledger;
    let newest = ledger.generation();
    if newest == 0 && ledger.credentials().is_empty() {
        return "Nothing exists yet.".to_owned();
    }
    let mut sentences = Vec::new();
    let configured: Vec<_> = ledger
        .deliveries()
        .iter()
        .filter(|(_, d)| d.status != DeliveryStatus::Removing)
        .collect();
    let holding: Vec<&str> = configured
        .iter()
        .filter(|(_, delivery)| delivery.holds(newest))
        .map(|(key, _)| key.as_str())
        .collect();
    if newest > 0 {
        let list = if holding.is_empty() {
            String::new()
        } else {
            format!(" ({})", holding.join(", "))
        };
        sentences.push(format!(
            "Generation {newest}{} is in {} of {} targets{list}.",
            handle(state, newest),
            holding.len(),
            configured.len()
        ));
    }
    for (key, delivery) in &configured {
        match (delivery.status, delivery.generation) {
            (DeliveryStatus::Unknown, _) => sentences.push(format!("What {key} holds is unknown.")),
            (DeliveryStatus::Staged, Some(generation)) => {
                sentences.push(format!("Generation {generation} is published at {key}, but not live."));
            }
            (_, Some(generation)) if generation != newest => {
                sentences.push(format!("{key} still holds generation {generation}."));
            }
            _ => {}
        }
    }
    let older: Vec<String> = ledger
        .superseded()
        .into_iter()
        .filter(|generation| {
            ledger
                .credential(*generation)
                .is_some_and(|c| c.credential_id.is_some())
        })
        .map(|generation| format!("{generation}{}", handle(state, generation)))
        .collect();
    if !older.is_empty() {
        sentences.push(format!(
            "Also alive: generation {}; nothing of it was revoked.",
            older.join(", ")
        ));
    }
    sentences.join(" ")
}

fn handle(state: &State, generation: u64) -> String {
    let id = state
        .ledger
        .credential(generation)
        .and_then(|known| known.credential_id.as_deref());
    id.map(|id| format!(" ({id})")).unwrap_or_default()
}

/// What follows a create that failed half-way.
pub(super) const TAINTED: &str = "Terraform marks the secret as tainted: the next apply replaces it under the same id, and revokes \
                                  nothing before the new value is in place. To resume without a replacement, run `terraform untaint` \
                                  first.";

/// What the next apply will do.
pub(super) fn next(state: &State) -> String {
    if state.pending.is_empty() {
        return "The next apply tries again.".to_owned();
    }
    let list: Vec<String> = state.pending.iter().map(ToString::to_string).collect();
    format!("The next apply will {}.", list.join("; "))
}
