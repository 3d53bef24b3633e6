//! What the next apply will do, for the error of one that failed.

use crate::diagnostics::{Next, Work};
use crate::provider::secret::exposure::is_exposed;
use crate::provider::secret::revocable::is_replaced;
use crate::provider::secret::state::State;
use crate::provider::secret::texts::{ROTATED, entry};
use crate::rotation::Action;
use crate::source;

/// What is left to do about a credential that is due to be revoked.
fn revocation(state: &State, generation: u64, id: Option<String>) -> Work {
    let (ledger, notices) = (&state.ledger, &state.notices);
    let replaced = ledger.credential(generation).filter(|known| is_replaced(known, ledger));
    match replaced {
        None => Work::Revoke(generation, id),
        Some(known) if is_exposed(state, ledger, generation, notices) && source::ends_sessions(&known.issuer) => {
            Work::EndSessions(generation, id)
        }
        Some(_) => Work::RecordEnd(generation, id),
    }
}

/// What the next apply will do.
pub(super) fn next(state: &State) -> Next {
    if state.pending.is_empty() {
        return Next::Retry;
    }
    let works = state.pending.iter().map(|known| {
        let generation = known.generation.unwrap_or_default();
        let target = known.target.clone().unwrap_or_default();
        let work = match known.action {
            Action::Rotate => Work::Rotate(generation),
            Action::Finish => Work::Finish(generation),
            Action::Deliver => Work::Deliver(generation, target),
            Action::Activate => Work::Activate(target),
            Action::Remove if known.target.is_none() => Work::Unpark(known.generation),
            Action::Remove => {
                let slot = state.ledger.delivery(&target).map(|known| known.slot.as_str());
                Work::Remove(entry(slot.unwrap_or(&target)).noun)
            }
            Action::Check => Work::Check,
            Action::Restore => Work::Restore(generation),
            Action::Notify => Work::Notify,
            Action::Revoke => revocation(state, generation, known.credential_id.clone()),
        };
        let reason = known.reason.trim_end_matches(ROTATED);
        (work, reason.to_owned())
    });
    Next::Works(works.collect())
}
