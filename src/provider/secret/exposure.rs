//! Which credentials an incident exposed.

use std::collections::BTreeSet;

use super::revocable::{self, can_be_revoked};
use super::state::State;
use super::texts;
use crate::rotation::{Cause, CredentialRecord, Ledger, Notice, NoticeCode};
use crate::source;
use crate::spec::Config;

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

/// What is said of an exposed credential that may still be valid. `is_replaced`: the apply that is planned delivers another value.
pub(super) fn notice(known: &CredentialRecord, config: &Config, ledger: &Ledger, is_replaced: bool) -> Notice {
    let generation = known.generation;
    let (credential, place) = (texts::credential(known), texts::issuer(&known.issuer));
    let has_sessions = source::ends_sessions(&known.issuer);
    let has_ended = revocable::is_replaced(known, ledger);
    let valid = match known.is_issued() {
        true if has_ended => format!("has ended, but sessions that it opened may be open at {place}"),
        true if has_sessions => format!("may still be valid at {place}, or sessions that it opened may be open there"),
        true => format!("may still be valid at {place}"),
        false => "is still verified with its public key".to_owned(),
    };
    let what_next = match generation == ledger.generation() {
        true if !known.is_issued() => "The next apply replaces it.".to_owned(),
        true if is_replaced => {
            format!("Revoke it there once the new value is in place, then set `revoke {{ confirmed = {generation} }}`.")
        }
        true => "Supply a new value, then revoke it there.".to_owned(),
        false if !known.is_issued() => "The next apply takes its public key out of the set.".to_owned(),
        false if has_ended && config.revoke_by_hand => {
            format!("End its sessions there, then set `revoke {{ confirmed = {generation} }}`.")
        }
        false if has_ended => "The next apply ends its sessions.".to_owned(),
        false if config.revoke_by_hand || !can_be_revoked(known) => {
            let sessions = if has_sessions { ", end its sessions" } else { "" };
            format!("Revoke it there{sessions}, then set `revoke {{ confirmed = {generation} }}`.")
        }
        false if has_sessions => "The next apply revokes it once nothing uses it, and ends its sessions.".to_owned(),
        false => "The next apply revokes it once nothing uses it.".to_owned(),
    };
    Notice {
        code: NoticeCode::Exposed,
        subject: subject_of(known),
        text: format!("{credential} was exposed by an incident and {valid}. {what_next}"),
    }
}

/// Exposed credentials that the next apply revokes: they are exposed until it has.
pub(super) fn still_alive(
    state: &State,
    ledger: &Ledger,
    revoke: &BTreeSet<u64>,
    notices: &[Notice],
    config: &Config,
) -> Vec<Notice> {
    let revoked = revoke.iter().filter_map(|generation| ledger.credential(*generation));
    let exposed = revoked.filter(|known| is_exposed(state, ledger, known.generation, notices));
    exposed.map(|known| notice(known, config, ledger, false)).collect()
}
