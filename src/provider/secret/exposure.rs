//! Which credentials an incident exposed.

use super::state::State;
use crate::rotation::{Cause, CredentialRecord, Ledger, Notice, NoticeCode};

/// Whether a credential is one that an incident exposed: what its rotation superseded, what waits for a new value, and what an earlier
/// notice says so of.
pub(super) fn is_exposed(state: &State, ledger: &Ledger, generation: u64, notices: &[Notice]) -> bool {
    let Some(known) = ledger.credential(generation) else {
        return false;
    };
    let subject = subject_of(known);
    let told = notices
        .iter()
        .any(|notice| notice.code == NoticeCode::Exposed && notice.subject == subject);
    let record = state
        .last_rotation
        .as_ref()
        .filter(|record| record.cause == Cause::Incident);
    let newest = match record {
        // What waits for a value has nothing newer yet.
        Some(record) if record.finished_at.is_none() && ledger.is_finished() => ledger.generation() + 1,
        _ => ledger.generation(),
    };
    told || (record.is_some() && generation < newest)
}

/// What a notice calls a credential.
pub(super) fn subject_of(known: &CredentialRecord) -> String {
    let generation = known.generation;
    known
        .credential_id
        .clone()
        .unwrap_or_else(|| format!("generation {generation}"))
}
