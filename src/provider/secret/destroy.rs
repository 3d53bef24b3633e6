//! The end of a secret: entries first, then credentials; what is not certainly ours is left and named.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::policies::Policies;
use super::revocable::is_replaced;
use super::state::{State, is_imported};
use super::{adapters, config_in_state, slots, texts};
use crate::address::Address;
use crate::call::WritePermit;
use crate::diagnostics::{Adoption, Destroy, Message, StateProblem, names};
use crate::escrow::{Parked, ParkedGeneration};
use crate::executor::{self, Removed, Retired};
use crate::plugin::{ApplyRequest, ApplyResponse};
use crate::provider::Configured;
use crate::rotation::{CredentialRecord, DeliveryRecord, DeliveryStatus, Event, Ledger, TAKEN_OVER, Verdict, judge};
use crate::spec::{Config, EscrowSpec};
use crate::target::{self, Slot};
use crate::terraform::{Diagnostics, Path, Value};
use crate::vendors::Vendors;

/// Destroys; what could not be deleted or revoked stays in the state that is returned with the errors.
pub(super) async fn destroy(configured: &Configured, request: ApplyRequest, permit: &WritePermit) -> ApplyResponse {
    let mut problems = Diagnostics::new();
    let state = delete_and_revoke(configured, &request.prior, permit, &mut problems).await;
    ApplyResponse {
        state,
        private: request.private,
        diagnostics: problems,
    }
}

async fn delete_and_revoke(
    configured: &Configured,
    prior: &Value,
    permit: &WritePermit,
    problems: &mut Diagnostics,
) -> Value {
    let policies = match Policies::of_state(prior) {
        Ok(policies) => policies,
        Err(unreadable) => {
            problems.extend(unreadable);
            return prior.clone();
        }
    };
    // Nothing was looked at before its first apply, so nothing is its own.
    if policies.abandon || is_imported(prior) {
        return Value::Null;
    }
    let mut state = State::read(prior);
    let secret = policies.secret.as_str();
    if refuse_unconfirmed(secret, &policies, &state, problems) {
        return prior.clone();
    }
    let Some(vendors) = vendors(configured, problems) else {
        return prior.clone();
    };
    let connections = configured.connections.as_ref();
    let config = config_in_state(prior)
        .zip(connections)
        .map(|(config, known)| config.located(known));
    let held = state.ledger.deliveries().values();
    let held = held.map(|delivery| slots::claim_on_record(&delivery.slot));
    let _turn = configured.run_registry.turn(&state.id, held.collect::<Vec<_>>()).await;
    if let Some(newer) = configured.run_registry.newer(&state.id)
        && !left_by_this_object(&state.ledger, &newer)
    {
        pass_on(&mut state, secret, &newer, problems);
    }
    if let Some(slot) = written_again(&state, config.as_ref(), configured).await {
        managed_elsewhere(&state, secret, &slot, problems);
        return Value::Null;
    }
    let never_in_place = state.rotated_at.is_none();
    let own = state.ledger.credentials().to_vec();
    let mut kept = BTreeMap::new();
    // A run that leads to another place than one of them deletes none.
    let mut deletions = Vec::new();
    let parked = match state.ledger.deliveries().values().any(executor::needs_value) {
        true => parked(&state, vendors).await,
        false => None,
    };
    for (key, record) in state.ledger.deliveries().clone() {
        let is_older = record.generation == Some(TAKEN_OVER) || (never_in_place && record.existed_before);
        let keep = policies.kept.contains(&key) || is_older;
        let slot = adapters::slot_of(&key, &record, config.as_ref(), configured).await;
        let deletion = Deletion {
            key: key.clone(),
            record: record.clone(),
            slot,
            keep,
            never_in_place,
        };
        deletion.report_unreachable(problems);
        deletions.push((key, record, deletion));
    }
    if !policies.revoke_by_hand && !state.ledger.is_taken_over() {
        report_unreachable_issuers(&state.ledger, vendors, problems).await;
    }
    if problems.has_errors() {
        return state.write_over(prior.clone());
    }
    for (key, delivery, deletion) in deletions {
        if configured.stop.requested() {
            interrupted(problems);
            return state.write_over(prior.clone());
        }
        let generation = delivery
            .generation
            .and_then(|generation| parked.as_ref()?.get(generation));
        match deletion
            .perform((secret, &state.id), generation, permit, problems)
            .await
        {
            Deleted::Gone => state.ledger.record(Event::Dropped { target: key }),
            Deleted::Kept => {
                state.ledger.record(Event::Dropped { target: key.clone() });
                kept.insert(key, delivery);
            }
            Deleted::Failed => {}
        }
    }
    if !problems.has_errors() {
        revoke_all(&mut state, &policies, &kept, configured, vendors, permit, problems).await;
    }
    if !problems.has_errors() {
        let parks = config.as_ref().is_some_and(|config| config.parks != Some(false));
        let here = configured.escrow.known().zip(connections).filter(|_| parks);
        let here = here.map(|(escrow, connections)| Arc::new(EscrowSpec::of(escrow, &state.id, connections)));
        empty_escrow(&mut state, secret, here, vendors, permit, problems).await;
    }
    if problems.has_errors() {
        return state.write_over(prior.clone());
    }
    name_the_rest(
        (secret, &state.id),
        &own,
        config.as_ref(),
        configured,
        vendors,
        problems,
    )
    .await;
    Value::Null
}

/// What is parked of this secret, if that can be read.
async fn parked(state: &State, vendors: &dyn Vendors) -> Option<Parked> {
    let escrow = adapters::connect_former_escrow(&state.ledger.escrow()?.slot, vendors).await;
    let read = executor::read_escrow(&escrow.ok()?, &state.id).await;
    read.ok().flatten()
}

/// Deletes the entry where values are parked: last, since it could bring back what cannot be deleted. Where nothing is parked, an intent
/// may have been written `here`.
async fn empty_escrow(
    state: &mut State,
    secret: &str,
    here: Option<Arc<EscrowSpec>>,
    vendors: &dyn Vendors,
    permit: &WritePermit,
    problems: &mut Diagnostics,
) {
    let known = state.ledger.escrow().map(|escrow| escrow.slot.clone());
    let connected = match (&known, here) {
        (Some(known), _) => adapters::connect_former_escrow(known, vendors).await,
        (None, Some(here)) => adapters::connect_escrow(&here, vendors).await,
        (None, None) => return,
    };
    let removed = match connected {
        Err(why) => Err(format!("{}. {}", why.summary, why.detail)),
        Ok(escrow) => {
            let removed = executor::remove_escrow(&escrow, &state.id, permit).await;
            removed
                .map(|removed| (escrow.noun(), removed))
                .map_err(|error| error.sentence())
        }
    };
    let path = Path::attribute("escrow");
    match (removed, known) {
        (Ok((entry, Removed::Left(why))), Some(_)) => {
            let secret = secret.to_owned();
            problems.report(path, Destroy::EntryLeft { secret, entry, why });
        }
        (Ok(_), _) => {}
        (Err(why), Some(known)) => {
            let entry = texts::entry(&known).noun;
            problems.report(path, Destroy::EscrowNotDeleted { entry, why });
            return;
        }
        // Most likely there is nothing.
        (Err(why), None) => {
            tracing::warn!(secret = %state.id, %why, "cannot look whether escrow has an entry");
        }
    }
    state.ledger.record(Event::Unparked);
}

/// The destroy of a guarded secret whose guard does not permit it. True where it is refused. One that touches nothing needs no
/// confirmation.
pub(super) fn refuse_unconfirmed(name: &str, policies: &Policies, state: &State, problems: &mut Diagnostics) -> bool {
    // What was taken over and never rotated stays as it is.
    let untouched = policies.abandon || state.ledger.is_taken_over();
    let touches = !untouched && (!state.ledger.deliveries().is_empty() || !state.ledger.credentials().is_empty());
    let guard = policies
        .guard
        .as_ref()
        .filter(|guard| touches && !guard.permits_destroy());
    let Some(guard) = guard else { return false };
    let guarded = Destroy::Guarded {
        secret: name.to_owned(),
        consequence: guard.consequence.clone(),
        line: guard.destroy_line(),
    };
    problems.report(Path::attribute("guard"), guarded);
    true
}

/// Issuers that this run cannot reach: an entry that is deleted while its credential cannot be revoked would be half a destroy.
async fn report_unreachable_issuers(ledger: &Ledger, vendors: &dyn Vendors, problems: &mut Diagnostics) {
    let issued = ledger
        .credentials()
        .iter()
        .filter(|known| known.credential_id.is_some());
    let issuers: BTreeSet<&str> = issued.map(|known| known.issuer.as_str()).collect();
    for text in issuers {
        let Ok(address) = text.parse::<Address>() else {
            continue;
        };
        if let Err(why) = vendors.verify(&address).await {
            let why = why.into();
            problems.report(Path::attribute("source"), Destroy::IssuerOutOfReach { why });
        }
    }
}

fn interrupted(problems: &mut Diagnostics) {
    problems.report(Path::root(), Destroy::Interrupted);
}

/// What else carries the id at the issuers is not this object's to end, and the last that Terraform tells of it is here.
async fn name_the_rest(
    (secret, id): (&str, &str),
    own: &[CredentialRecord],
    config: Option<&Config>,
    configured: &Configured,
    vendors: &dyn Vendors,
    problems: &mut Diagnostics,
) {
    let newer = configured.run_registry.newer(id).unwrap_or_default();
    let configured_issuer = config.map(|config| config.source.issuer.to_string());
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
                let unknown = Destroy::CannotList {
                    secret: secret.to_owned(),
                    issuer: texts::issuer(&address),
                    why: error.sentence(),
                };
                problems.report(Path::attribute("source"), unknown);
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
            if !known(own) && !known(newer.credentials()) {
                let unrecorded = Destroy::Unrecorded {
                    secret: secret.to_owned(),
                    id: credential.id.clone(),
                    label: label.to_string(),
                    issuer: texts::issuer(&address),
                };
                problems.report(Path::attribute("source"), unrecorded);
            }
        }
    }
}

/// Whether an earlier apply to this very object left that ledger, in the same process: every entry was last written by what is on
/// record here.
fn left_by_this_object(own: &Ledger, left: &Ledger) -> bool {
    let writes = |ledger: &Ledger| -> BTreeSet<_> {
        let deliveries = ledger.deliveries().values();
        deliveries
            .map(|delivery| (delivery.slot.clone(), delivery.revision.clone(), delivery.delivered_at))
            .collect()
    };
    let handles = |ledger: &Ledger| -> BTreeSet<_> {
        let credentials = ledger.credentials().iter();
        credentials
            .map(|known| (known.generation, known.credential_id.clone()))
            .collect()
    };
    writes(own) == writes(left) && handles(own) == handles(left)
}

/// What a newer object of the same secret has taken over in this run is no longer ours to end.
fn pass_on(state: &mut State, secret: &str, newer: &Ledger, problems: &mut Diagnostics) {
    let claim = slots::claim_on_record;
    let taken = |slot: &str| {
        newer
            .deliveries()
            .values()
            .any(|known| claim(&known.slot) == claim(slot))
    };
    let goes_on = |known: &CredentialRecord| {
        newer
            .credentials()
            .iter()
            .any(|c| c.credential_id == known.credential_id)
    };
    let slots: Vec<String> = state
        .ledger
        .deliveries()
        .values()
        .map(|delivery| delivery.slot.clone())
        .collect();
    let slots: Vec<String> = slots.into_iter().filter(|slot| taken(slot)).collect();
    let keys: Vec<String> = state
        .ledger
        .deliveries()
        .iter()
        .filter(|(_, delivery)| taken(&delivery.slot))
        .map(|(key, _)| key.clone())
        .collect();
    for target in keys {
        state.ledger.record(Event::Dropped { target });
    }
    let passed_on: Vec<CredentialRecord> = state
        .ledger
        .credentials()
        .iter()
        .filter(|known| goes_on(known))
        .cloned()
        .collect();
    for known in passed_on {
        state.ledger.record(Event::Ended {
            generation: known.generation,
            issuer: known.issuer,
        });
    }
    if newer.escrow().map(|escrow| claim(&escrow.slot)) == state.ledger.escrow().map(|escrow| claim(&escrow.slot)) {
        state.ledger.record(Event::Unparked);
    }
    let passed_on = Destroy::PassedOn {
        secret: secret.to_owned(),
        id: state.id.clone(),
        entries: names(slots.iter().map(|slot| texts::entry(slot).noun)),
    };
    problems.report(Path::root(), passed_on);
}

/// A slot that keeps marks and carries that of this very secret, by a write that the state does not know: another object with this id,
/// in a later process or another state, has taken the secret over. Of an unfinished rotation it may be our own write whose answer was
/// lost; then it is none of these.
async fn written_again(state: &State, config: Option<&Config>, configured: &Configured) -> Option<String> {
    if !state.ledger.is_finished() {
        return None;
    }
    for (key, delivery) in state.ledger.deliveries() {
        let (Some(known), Some(generation)) = (&delivery.revision, delivery.generation) else {
            continue;
        };
        // What fails here fails again, and is reported, when the entry is to be deleted.
        let Ok(slot) = adapters::slot_of(key, delivery, config, configured).await else {
            continue;
        };
        let Ok(Some(entry)) = target::confirmed(slot.as_ref(), Some(known)).await else {
            continue;
        };
        let elsewhere = entry.revision.as_ref() != Some(known);
        if elsewhere && judge(delivery, Some(&entry), &state.id) == Verdict::Marked(generation) {
            return Some(delivery.slot.clone());
        }
    }
    None
}

fn managed_elsewhere(state: &State, secret: &str, written: &str, problems: &mut Diagnostics) {
    let deliveries = state.ledger.deliveries().values();
    let entries = deliveries.map(|delivery| texts::entry(&delivery.slot).noun);
    let issued = state
        .ledger
        .credentials()
        .iter()
        .filter(|known| known.credential_id.is_some());
    let credentials = issued.map(|known| {
        let which = texts::generation(Some(known), known.generation);
        format!("{which} at {}", texts::issuer(&known.issuer))
    });
    let elsewhere = Destroy::ManagedElsewhere {
        secret: secret.to_owned(),
        entry: texts::entry(written).noun,
        id: state.id.clone(),
        left: names(entries.chain(credentials)),
    };
    problems.report(Path::root(), elsewhere);
}

enum Deleted {
    /// The slot no longer holds our entry.
    Gone,
    /// The entry stays, by the user's wish or because it is older than this secret, and holds what it held.
    Kept,
    /// It is still there.
    Failed,
}

/// One entry that a destroy is about to delete.
struct Deletion {
    key: String,
    record: DeliveryRecord,
    /// The slot, or why it cannot be reached.
    slot: Result<Box<dyn Slot>, Message>,
    /// The entry is to stay.
    keep: bool,
    /// The secret was never in place: what a first write without an answer left is its own.
    never_in_place: bool,
}

impl Deletion {
    /// Nothing of ours was ever written there.
    fn is_nothing(&self) -> bool {
        self.record.generation.is_none() && self.record.status != DeliveryStatus::Unknown
    }

    /// Why an entry that is to be deleted cannot be reached by this run.
    fn report_unreachable(&self, problems: &mut Diagnostics) {
        if self.keep || self.is_nothing() || self.record.status == DeliveryStatus::Gone {
            return;
        }
        if let Err(why) = &self.slot {
            let why = why.clone();
            let path = Path::attribute("targets").then_key(&self.key);
            problems.report(path, Destroy::EntryOutOfReach { why });
        }
    }

    async fn perform(
        self,
        (secret, id): (&str, &str),
        parked: Option<&ParkedGeneration>,
        permit: &WritePermit,
        problems: &mut Diagnostics,
    ) -> Deleted {
        if self.is_nothing() {
            return Deleted::Gone;
        }
        let (key, record) = (&self.key, &self.record);
        let path = Path::attribute("targets").then_key(key);
        let secret = secret.to_owned();
        if self.keep {
            if record.existed_before {
                let entry = texts::entry(&record.slot).noun;
                problems.report(path, Destroy::ExistedBefore { secret, entry });
            }
            return Deleted::Kept;
        }
        if record.status == DeliveryStatus::Gone {
            return Deleted::Gone;
        }
        // Reported before anything was deleted.
        let Ok(slot) = &self.slot else {
            return Deleted::Failed;
        };
        match executor::empty(slot.as_ref(), record, parked, id, self.never_in_place, permit).await {
            Ok(Removed::Gone) => Deleted::Gone,
            Ok(Removed::Left(why)) => {
                let entry = texts::entry(&record.slot).noun;
                problems.report(path, Destroy::EntryLeft { secret, entry, why });
                Deleted::Gone
            }
            Err(error) => {
                let failed = Destroy::CannotDelete {
                    entry: texts::entry(&record.slot).noun,
                    why: error.sentence(),
                };
                problems.report(path, failed);
                Deleted::Failed
            }
        }
    }
}

async fn revoke_all(
    state: &mut State,
    policies: &Policies,
    kept: &BTreeMap<String, DeliveryRecord>,
    configured: &Configured,
    vendors: &dyn Vendors,
    permit: &WritePermit,
    problems: &mut Diagnostics,
) {
    let path = Path::attribute("source");
    for record in state.ledger.credentials().to_vec() {
        let Some(id) = record.credential_id.clone() else {
            continue;
        };
        if configured.stop.requested() {
            interrupted(problems);
            return;
        }
        let secret = policies.secret.clone();
        if record.generation == TAKEN_OVER && state.ledger.is_taken_over() {
            let left = Adoption::StillValid {
                secret,
                generation: record.generation,
                id,
                issuer: texts::issuer(&record.issuer),
            };
            problems.report(path.clone(), left);
            continue;
        }
        // Nobody accepts it any more, whatever an entry holds.
        let has_ended = is_replaced(&record, &state.ledger);
        if has_ended && policies.revoke_by_hand {
            continue;
        }
        let holder = kept
            .iter()
            .filter(|_| !has_ended)
            .find(|(_, delivery)| delivery.generation == Some(record.generation));
        let (generation, issuer) = (record.generation, texts::issuer(&record.issuer));
        if let Some((key, delivery)) = holder {
            let held = Destroy::HeldByKeptEntry {
                secret,
                generation,
                id,
                target: key.clone(),
                entry: texts::entry(&delivery.slot).noun,
                issuer,
            };
            problems.report(path.clone(), held);
            continue;
        }
        if policies.revoke_by_hand {
            let by_hand = Destroy::RevokedByHand {
                secret,
                generation,
                id,
                issuer,
            };
            problems.report(path.clone(), by_hand);
            continue;
        }
        match retire(&record, vendors, configured, permit).await {
            Ok(Retired::Dead) => state.ledger.record(Event::Ended {
                generation: record.generation,
                issuer: record.issuer,
            }),
            Ok(Retired::ByHand) => {
                let supplied = Destroy::Supplied { secret, generation, id };
                problems.report(path.clone(), supplied);
            }
            Ok(Retired::Own) => {
                let own = Destroy::OwnCredential {
                    secret,
                    generation,
                    id,
                    issuer,
                };
                problems.report(path.clone(), own);
            }
            Err(why) => problems.report(path.clone(), Destroy::CannotRevoke { why }),
        }
    }
}

async fn retire(
    record: &CredentialRecord,
    vendors: &dyn Vendors,
    configured: &Configured,
    permit: &WritePermit,
) -> Result<Retired, Message> {
    executor::retire_anywhere(record, vendors, configured.clock, permit)
        .await
        .map_err(|failure| failure.message)
}

/// Where adapters come from, or an error that says why there are none.
fn vendors<'c>(configured: &'c Configured, problems: &mut Diagnostics) -> Option<&'c dyn Vendors> {
    let vendors = configured.vendors.as_deref();
    if vendors.is_none() {
        problems.report(Path::root(), StateProblem::NotConfigured { is_change: true });
    }
    vendors
}
