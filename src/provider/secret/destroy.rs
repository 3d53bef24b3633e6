//! The end of a secret: entries first, then credentials; what is not certainly ours is left and named.

use std::collections::{BTreeMap, BTreeSet};

use super::apply::vendors;
use super::config::Config;
use super::state::State;
use super::{config_in_state, place};
use crate::call::WritePermit;
use crate::executor::{self, Retired};
use crate::plugin::{ApplyRequest, ApplyResponse};
use crate::provider::Configured;
use crate::rotation::{CredentialRecord, DeliveryRecord, DeliveryStatus, Ledger};
use crate::target::{self, Comparison, Slot};
use crate::terraform::{Diagnostics, Path, Value};
use crate::vendors::Vendors;

/// Destroys; what could not be ended stays in the state that is returned with the errors.
pub(super) async fn destroy(configured: &Configured, request: ApplyRequest, permit: &WritePermit) -> ApplyResponse {
    let mut problems = Diagnostics::new();
    let state = ended(configured, &request.prior, permit, &mut problems).await;
    ApplyResponse {
        state,
        private: request.private,
        diagnostics: problems,
    }
}

async fn ended(configured: &Configured, prior: &Value, permit: &WritePermit, problems: &mut Diagnostics) -> Value {
    let mut state = State::read(prior);
    let config = config_in_state(prior);
    if config.as_ref().is_some_and(|config| !config.revoke_on_destroy) {
        return Value::Null;
    }
    let Some(vendors) = vendors(configured, problems) else {
        return prior.clone();
    };
    let held = state.ledger.deliveries.values().map(|delivery| delivery.slot.clone());
    let _turn = configured.neighbours.turn(&state.id, held.collect::<Vec<_>>()).await;
    if let Some(newer) = configured.neighbours.newer(&state.id)
        && !left_by_this_object(&state.ledger, &newer)
    {
        pass_on(&mut state, &newer, problems);
    }
    if let Some(slot) = written_again(&state, config.as_ref(), configured).await {
        goes_on_elsewhere(&state, &slot, problems);
        return Value::Null;
    }
    let failed_create = state.rotated_at.is_none();
    let own = state.ledger.credentials.clone();
    let mut kept = BTreeMap::new();
    for (key, delivery) in state.ledger.deliveries.clone() {
        if configured.stop.requested() {
            problems.error(
                Path::root(),
                "Interrupted",
                "The rest is still there; destroy again to go on.",
            );
            return state.write_over(prior.clone());
        }
        let target = config.as_ref().and_then(|config| config.targets.get(&key));
        let slot = place::slot_of(&key, &delivery, config.as_ref(), configured);
        let claim = Claim {
            id: &state.id,
            slot: slot.as_deref(),
            keep: target.is_some_and(|target| target.keep),
            marked: target.is_some_and(|target| target.config.traits().readable),
            failed_create,
        };
        match clear(&key, &delivery, claim, permit, problems).await {
            Cleared::Gone => drop(state.ledger.deliveries.remove(&key)),
            Cleared::Kept => {
                state.ledger.deliveries.remove(&key);
                kept.insert(key, delivery);
            }
            Cleared::Failed => {}
        }
    }
    if !problems.has_errors() {
        revoke_all(
            &mut state,
            config.as_ref(),
            &kept,
            configured,
            vendors,
            permit,
            problems,
        )
        .await;
    }
    if problems.has_errors() {
        return state.write_over(prior.clone());
    }
    name_the_rest(&state.id, &own, config.as_ref(), configured, vendors, problems).await;
    Value::Null
}

/// What else carries the id at the issuers is not this object's to end, and the last that Terraform tells of it is here.
async fn name_the_rest(
    id: &str,
    own: &[CredentialRecord],
    config: Option<&Config>,
    configured: &Configured,
    vendors: &dyn Vendors,
    problems: &mut Diagnostics,
) {
    let newer = configured.neighbours.newer(id).unwrap_or_default();
    let configured_issuer = config.map(|config| config.source.config.issuer().to_string());
    let issuers: BTreeSet<String> = own
        .iter()
        .map(|known| known.issuer.clone())
        .chain(configured_issuer)
        .collect();
    for address in issuers {
        let Ok(Some(issuer)) = executor::issuer_at(&address, vendors) else {
            continue;
        };
        let listed = match issuer.survey().await {
            Ok(listed) => listed,
            Err(error) => {
                problems.warning(
                    Path::attribute("source"),
                    format!("{address} could not be asked what is left"),
                    format!("{error} Everything on record was ended; whether another credential carries this secret's id is unknown."),
                );
                continue;
            }
        };
        for credential in listed {
            let known = |records: &[CredentialRecord]| {
                let mut records = records.iter();
                records.any(|known| known.credential_id.as_ref() == Some(&credential.id))
            };
            let Some(label) = credential.label().filter(|label| label.belongs_to(id)) else {
                continue;
            };
            if !known(own) && !known(&newer.credentials) {
                problems.warning(
                    Path::attribute("source"),
                    format!("{} ({label}) was left alive", credential.id),
                    format!(
                        "It carries this secret's id at {address}, but is not on its record: an apply that was cut off or another \
                         state made it. Revoke it by hand if nothing uses it."
                    ),
                );
            }
        }
    }
}

/// Whether an earlier apply to this very object left that ledger, in the same process: every entry was last written by what is on
/// record here.
fn left_by_this_object(own: &Ledger, left: &Ledger) -> bool {
    let writes = |ledger: &Ledger| -> BTreeSet<_> {
        let deliveries = ledger.deliveries.values();
        deliveries
            .map(|delivery| (delivery.slot.clone(), delivery.revision.clone(), delivery.delivered_at))
            .collect()
    };
    let handles = |ledger: &Ledger| -> BTreeSet<_> {
        let credentials = ledger.credentials.iter();
        credentials
            .map(|known| (known.generation, known.credential_id.clone()))
            .collect()
    };
    writes(own) == writes(left) && handles(own) == handles(left)
}

/// What a newer object of the same secret has taken over in this run is no longer ours to end.
fn pass_on(state: &mut State, newer: &Ledger, problems: &mut Diagnostics) {
    let taken = |slot: &str| newer.deliveries.values().any(|delivery| delivery.slot == slot);
    let goes_on = |known: &CredentialRecord| newer.credentials.iter().any(|c| c.credential_id == known.credential_id);
    let slots: Vec<String> = state
        .ledger
        .deliveries
        .values()
        .map(|delivery| delivery.slot.clone())
        .collect();
    let slots: Vec<String> = slots.into_iter().filter(|slot| taken(slot)).collect();
    state.ledger.deliveries.retain(|_, delivery| !taken(&delivery.slot));
    state.ledger.credentials.retain(|known| !goes_on(known));
    problems.warning(
        Path::root(),
        "This secret goes on under another address",
        format!(
            "Another resource of this run is the same secret (id {}) and was created or changed before this one was destroyed. \
             What it holds was left to it: {}, and the credentials on its record. A `moved` block renames without any change.",
            state.id,
            slots.join(", ")
        ),
    );
}

/// A slot that keeps marks and carries that of this very secret, by a write that the state does not know: another object with this id,
/// in a later process or another state, has taken the secret over. Of an unfinished rotation it may be our own write whose answer was
/// lost; then it is none of these.
async fn written_again(state: &State, config: Option<&Config>, configured: &Configured) -> Option<String> {
    if !state.ledger.finished {
        return None;
    }
    for (key, delivery) in &state.ledger.deliveries {
        let target = config.and_then(|config| config.targets.get(key));
        let readable = target.is_some_and(|target| target.config.traits().readable);
        let (true, Some(known), Some(generation)) = (readable, &delivery.revision, delivery.generation) else {
            continue;
        };
        // What fails here fails again, and is reported, when the entry is to be deleted.
        let Ok(slot) = place::slot_of(key, delivery, config, configured) else {
            continue;
        };
        let Ok(Some(entry)) = target::confirmed(slot.as_ref(), Some(known)).await else {
            continue;
        };
        let label = entry.label.as_ref();
        let ours = label.is_some_and(|label| label.belongs_to(&state.id) && label.generation == generation);
        if ours && slot.compare(known, &entry) == Comparison::Changed {
            return Some(delivery.slot.clone());
        }
    }
    None
}

fn goes_on_elsewhere(state: &State, written: &str, problems: &mut Diagnostics) {
    let slots = state.ledger.deliveries.values().map(|delivery| delivery.slot.as_str());
    let handles = state
        .ledger
        .credentials
        .iter()
        .filter_map(|known| known.credential_id.as_deref());
    let left: Vec<&str> = slots.chain(handles).collect();
    problems.warning(
        Path::root(),
        "This secret goes on elsewhere",
        format!(
            "{written} was written again since, under this secret's own mark (id {}): another resource or workspace has taken it \
             over. So nothing was deleted or revoked: {}. If nothing else manages this secret, delete and revoke these by hand.",
            state.id,
            left.join(", ")
        ),
    );
}

enum Cleared {
    /// The slot no longer holds our entry.
    Gone,
    /// The entry stays, by the user's wish or because it is older than this secret, and holds what it held.
    Kept,
    /// It is still there.
    Failed,
}

/// What a destroy knows of its right to an entry.
struct Claim<'a> {
    /// The secret's id.
    id: &'a str,
    /// The place, or why it cannot be looked at.
    slot: Result<&'a (dyn Slot + 'static), &'a (String, String)>,
    /// The entry is to stay.
    keep: bool,
    /// Every entry of ours there carries our mark.
    marked: bool,
    /// The secret was never in place.
    failed_create: bool,
}

async fn clear(
    key: &str,
    delivery: &DeliveryRecord,
    claim: Claim<'_>,
    permit: &WritePermit,
    problems: &mut Diagnostics,
) -> Cleared {
    if delivery.generation.is_none() && delivery.status != DeliveryStatus::Unknown {
        return Cleared::Gone;
    }
    if claim.keep {
        return Cleared::Kept;
    }
    let path = Path::attribute("targets").then_key(key);
    let slot = match claim.slot {
        Ok(slot) => slot,
        Err((summary, detail)) => {
            let way_out = "Or delete the entry by hand, and set on_destroy = \"abandon\".";
            problems.error(path, summary.clone(), format!("{detail} {way_out}"));
            return Cleared::Failed;
        }
    };
    let entry = match target::confirmed(slot, delivery.revision.as_deref()).await {
        Ok(Some(entry)) => entry,
        Ok(None) => return Cleared::Gone,
        Err(error) => {
            problems.error(
                path,
                format!("The entry at {} could not be looked at", delivery.slot),
                format!("{error} It was not deleted, and no credential was revoked."),
            );
            return Cleared::Failed;
        }
    };
    let same = delivery
        .revision
        .as_ref()
        .is_some_and(|known| slot.compare(known, &entry) == Comparison::Same);
    let settled = matches!(
        delivery.status,
        DeliveryStatus::Current | DeliveryStatus::Staged | DeliveryStatus::Stale | DeliveryStatus::Removing
    );
    // The slot was seen empty, then our write went unanswered: what stands there now is that write.
    let unmarked = claim.marked && !entry.label.as_ref().is_some_and(|label| label.belongs_to(claim.id));
    let unanswered =
        delivery.status == DeliveryStatus::Unknown && claim.failed_create && !delivery.existed_before && !unmarked;
    let ours = (same && settled) || unanswered;
    let existed = claim.failed_create && delivery.existed_before;
    if !ours || existed {
        let why = if ours {
            "it was there before this secret was created"
        } else {
            "it was written since, by somebody else or by an apply of this secret that was cut off"
        };
        problems.warning(
            path,
            format!("The entry at {} was left in place", delivery.slot),
            format!("Destroy deletes only what this secret wrote, and {why}. Delete it by hand if it is not needed."),
        );
        // Whoever used the entry before it was ours uses what we put there now.
        return if ours { Cleared::Kept } else { Cleared::Gone };
    }
    match slot.remove(permit).await {
        Ok(()) => Cleared::Gone,
        Err(error) => {
            problems.error(
                path,
                format!("The entry at {} could not be deleted", delivery.slot),
                format!("{error} No credential was revoked; destroy again to go on."),
            );
            Cleared::Failed
        }
    }
}

async fn revoke_all(
    state: &mut State,
    config: Option<&Config>,
    kept: &BTreeMap<String, DeliveryRecord>,
    configured: &Configured,
    vendors: &dyn Vendors,
    permit: &WritePermit,
    problems: &mut Diagnostics,
) {
    let path = Path::attribute("source");
    let by_hand = config.is_some_and(|config| config.revoke_by_hand);
    for record in state.ledger.credentials.clone() {
        let Some(id) = record.credential_id.clone() else {
            continue;
        };
        if configured.stop.requested() {
            problems.error(
                Path::root(),
                "Interrupted",
                "The rest is still there; destroy again to go on.",
            );
            return;
        }
        let holder = kept
            .iter()
            .find(|(_, delivery)| delivery.generation == Some(record.generation));
        if let Some((key, delivery)) = holder {
            problems.warning(
                path.clone(),
                format!("Generation {} ({id}) was not revoked", record.generation),
                format!(
                    "Target {key} keeps its entry at {}, which holds it. Revoke it at {} by hand when nothing uses it.",
                    delivery.slot, record.issuer
                ),
            );
            continue;
        }
        if by_hand {
            problems.warning(
                path.clone(),
                format!("Generation {} ({id}) was not revoked", record.generation),
                format!("revoke.mode is \"manual\": revoke it at {} by hand.", record.issuer),
            );
            continue;
        }
        match retire(&record, vendors, configured, permit).await {
            Ok(Retired::Dead) => state.ledger.credentials.retain(|known| *known != record),
            Ok(Retired::ByHand) => problems.warning(
                path.clone(),
                format!("Generation {} ({id}) was not revoked", record.generation),
                format!("{} has no call for it: revoke it by hand.", record.issuer),
            ),
            Ok(Retired::Own) => problems.warning(
                path.clone(),
                format!("Generation {} ({id}) was not revoked", record.generation),
                format!("This run authenticates with it. Revoke it at {} by hand once the provider uses another credential.", record.issuer),
            ),
            Err((summary, detail)) => problems.error(path.clone(), summary, format!("{detail} Destroy again to go on.")),
        }
    }
}

async fn retire(
    record: &CredentialRecord,
    vendors: &dyn Vendors,
    configured: &Configured,
    permit: &WritePermit,
) -> Result<Retired, (String, String)> {
    executor::retire_anywhere(record, vendors, configured.clock, permit)
        .await
        .map_err(|failure| (failure.summary, failure.detail))
}
