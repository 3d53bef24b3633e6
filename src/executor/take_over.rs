//! Taking over what exists: the issuer and every target are looked at, and nothing is written.

use futures::future::{join, join_all};

use super::{Failure, Job, JobTarget, Subject};
use crate::call::{CallError, CallErrorKind};
use crate::diagnostics::{Adoption, names};
use crate::label::Label;
use crate::rotation::{CredentialRecord, CredentialStatus, Entry, Event, Ledger, TAKEN_OVER};
use crate::source::{Credential, Issuance};

/// What is taken over.
#[derive(Debug, Clone, Copy)]
pub struct TakeOver<'a> {
    /// The issuer's handle of the credential in use, where it is known.
    pub credential_id: Option<&'a str>,
    /// Targets may lack the value: it was nowhere but in a state.
    pub may_be_missing: bool,
}

/// Looks at everything that is taken over, and gives the ledger in which it is generation 0.
///
/// # Errors
/// Everything that bars it, at once: an entry that does not exist or that another secret manages, a credential that its issuer does not
/// list, credentials of this very secret that another state has made.
pub async fn take_over(job: &Job, order: TakeOver<'_>) -> Result<Ledger, Vec<Failure>> {
    let looks = job.targets.iter().map(|(key, target)| async move {
        let slot = target.adapter.slot();
        let (entry, container) = join(slot.inspect_directly(), slot.container_id()).await;
        // Whose container it is decides nothing here: what fails is asked for again by a later run.
        (key, target, entry, container.ok().flatten())
    });
    let (listed, looks) = join(
        job.source.adapter.issuer().survey(),
        join_all(looks.collect::<Vec<_>>()),
    )
    .await;
    let mut failures = Vec::new();
    let credential = listed
        .map_err(|error| Failure::of_call(Subject::Source, &error))
        .and_then(|listed| credential(job, order.credential_id, &listed));
    let mut ledger = Ledger::default();
    match credential {
        Ok(credential) => ledger.record(Event::TookOver(credential)),
        Err(failure) => failures.push(failure),
    }
    for (key, target, entry, container_id) in looks {
        match admitted(job, key, target, entry, order.may_be_missing) {
            Ok(entry) => ledger.record(Event::EntryTakenOver {
                target: key.clone(),
                slot: target.slot.to_string(),
                container_id,
                entry,
            }),
            Err(failure) => failures.push(failure),
        }
    }
    if failures.is_empty() { Ok(ledger) } else { Err(failures) }
}

/// The record of the credential in use.
fn credential(job: &Job, id: Option<&str>, listed: &[Credential]) -> Result<CredentialRecord, Failure> {
    let found = id.and_then(|id| listed.iter().find(|credential| credential.id == id));
    if let (Some(id), None, true) = (id, found, job.source.traits().lists) {
        return Err(unlisted(job, id, listed));
    }
    let mark = found.and_then(Credential::label);
    if let (Some(id), Some(label)) = (id, mark.as_ref().filter(|label| !label.belongs_to(&job.id))) {
        let other = Adoption::CredentialOfAnother {
            id: id.to_owned(),
            label: label.to_string(),
        };
        return Err(Failure::new(Subject::Source, other));
    }
    let rivals = listed.iter().filter(|credential| Some(credential.id.as_str()) != id);
    let rivals: Vec<(Label, &Credential)> = rivals
        .filter_map(|credential| Some((credential.label()?, credential)))
        .filter(|(label, _)| label.belongs_to(&job.id))
        .collect();
    if !rivals.is_empty() {
        let credentials = super::survey::listed(&rivals);
        return Err(Failure::new(Subject::Whole, Adoption::Rival { credentials }));
    }
    Ok(CredentialRecord {
        generation: TAKEN_OVER,
        credential_id: id.map(str::to_owned),
        issuer: job.source.issuer(),
        label: mark.map(|label| label.to_string()).unwrap_or_default(),
        status: CredentialStatus::Current,
        minted_at: found.and_then(|credential| credential.minted_at),
        expires_at: found.and_then(|credential| credential.expires_at),
        revoke_after: None,
        public_key: None,
    })
}

/// How many ids an error lists.
const LISTED: usize = 5;

fn unlisted(job: &Job, id: &str, listed: &[Credential]) -> Failure {
    let first = listed.iter().take(LISTED).map(|credential| credential.id.clone());
    let unlisted = Adoption::UnlistedCredential {
        place: (job.source.spec.kind.issuer_in_words)(&job.source.spec.issuer),
        id: id.to_owned(),
        known: names(first),
        are_more: listed.len() > LISTED,
    };
    Failure::new(Subject::Source, unlisted)
}

/// The entry of a target, if it may be taken over.
fn admitted(
    job: &Job,
    key: &str,
    target: &JobTarget,
    entry: Result<Option<Entry>, CallError>,
    may_be_missing: bool,
) -> Result<Option<Entry>, Failure> {
    let site = || Subject::Target(key.to_owned());
    let noun = target.noun();
    let entry = entry.map_err(|error| {
        let error = match error.kind {
            CallErrorKind::NotFound => error.advise("Correct the target, or take it out of `targets`."),
            _ => error,
        };
        Failure::of_call(site(), &error)
    })?;
    let Some(entry) = entry else {
        return match may_be_missing {
            true => Ok(None),
            false => Err(Failure::new(site(), Adoption::EntryMissing { entry: noun })),
        };
    };
    let other = entry.label.as_ref().filter(|label| !label.belongs_to(&job.id));
    if let Some(label) = other.filter(|_| !job.replace_existing) {
        let label = label.to_string();
        return Err(Failure::new(site(), Adoption::EntryOfAnother { entry: noun, label }));
    }
    Ok(Some(entry))
}

/// Whether the credential in use must be named: generations take turns with several handles, and the one in use must not be made anew.
pub fn needs_its_id(issuance: Issuance) -> bool {
    matches!(issuance, Issuance::Reset { handles } if handles > 1)
}
