//! Looking before anything is at stake: what the issuer has, what the targets hold.

use std::collections::BTreeSet;

use futures::future::{join_all, join3, join4};
use jiff::SignedDuration;

use super::{Failure, Performed, Run, Subject};
use crate::call::{CallError, CallErrorKind};
use crate::diagnostics;
use crate::label::Label;
use crate::rotation::{
    CredentialRecord, CredentialStatus, DeliveryStatus, Entry, Event, FARTHEST, Left, Seen, Verdict, judge,
};
use crate::source::{Credential, Issuance};
use crate::target;

/// How old the credentials of an interrupted create may be to count as its own.
const INTERRUPTED_CREATE: SignedDuration = SignedDuration::from_hours(24);

/// The record of a credential that a survey found.
pub fn found(label: &Label, credential: &Credential, issuer: &str, status: CredentialStatus) -> CredentialRecord {
    CredentialRecord {
        generation: label.generation,
        credential_id: Some(credential.id.clone()),
        issuer: issuer.to_owned(),
        label: label.to_string(),
        status,
        minted_at: credential.minted_at,
        expires_at: credential.expires_at,
        revoke_after: None,
        public_key: None,
    }
}

/// What a look around told.
struct Looked {
    /// What the issuer and the checks lack.
    failures: Vec<Failure>,
    /// What each target holds.
    targets: Vec<(String, Result<Option<Entry>, CallError>)>,
    /// The vendors' own identities of the containers that targets are in, as far as the ledger lacks them.
    containers: Vec<(String, String)>,
}

impl Run<'_> {
    /// Asks the issuer what exists, and stops before a rival's credentials.
    pub(super) async fn survey(&mut self) -> Performed {
        let listed = match self.job.source.adapter.issuer().survey().await {
            Ok(listed) => listed,
            Err(error) => return Err(self.all_that_fails_beside(&error).await),
        };
        let issuer = self.job.source.issuer();
        let known = self
            .outcome
            .ledger
            .credentials()
            .iter()
            .map(|c| c.generation)
            .max()
            .unwrap_or(0);
        let known = known.max(self.outcome.ledger.generation());
        let strangers: Vec<(Label, &Credential)> = listed
            .iter()
            .filter_map(|credential| Some((credential.label()?, credential)))
            .filter(|(label, _)| label.belongs_to(&self.job.id))
            .filter(|(label, credential)| {
                label.generation <= known + FARTHEST
                    && !self
                        .outcome
                        .ledger
                        .credentials()
                        .iter()
                        .any(|c| c.credential_id.as_ref() == Some(&credential.id))
            })
            .collect();
        if self.job.is_create {
            let now = self.job.clock.now();
            let young = |credential: &Credential| {
                credential
                    .minted_at
                    .is_some_and(|at| now.duration_since(at) < INTERRUPTED_CREATE)
            };
            if !strangers.is_empty() && !self.job.replace_existing && !strangers.iter().all(|(_, c)| young(c)) {
                return Err(vec![rival(&strangers, true)]);
            }
            self.interrupted_create = !strangers.is_empty();
            if self.interrupted_create {
                self.outcome.warnings.push(taken_over(&strangers));
            }
            for (label, credential) in strangers {
                // Whether a target holds it shows only when the targets have been looked at.
                let record = found(&label, credential, &issuer, CredentialStatus::Overlapping);
                self.outcome.ledger.record(Event::Found(record));
            }
        } else {
            let ahead: Vec<_> = strangers
                .iter()
                .filter(|(label, _)| label.generation > known)
                .cloned()
                .collect();
            if !ahead.is_empty() {
                return Err(vec![rival(&ahead, false)]);
            }
        }
        self.session.outlived = self.outlived(&listed, &issuer);
        self.session.surveyed = true;
        Ok(())
    }

    /// Generations whose handle the issuer made anew since. The one that is in place is not among them: it is replaced, not finished.
    fn outlived(&self, listed: &[Credential], issuer: &str) -> BTreeSet<u64> {
        let ledger = &self.outcome.ledger;
        let reuses_ids = self.job.source.adapter.issuer().reuses_ids();
        let made_anew = |known: &&CredentialRecord| {
            let handle = known.credential_id.as_ref();
            let in_place = known.generation == ledger.generation() && ledger.is_finished();
            let same = |credential: &&Credential| known.issuer == issuer && Some(&credential.id) == handle;
            let newer = |credential: &Credential| reuses_ids && credential.minted_at > known.minted_at;
            !in_place && listed.iter().find(same).is_some_and(newer)
        };
        let outlived = ledger.credentials().iter().filter(made_anew);
        outlived.map(|known| known.generation).collect()
    }

    /// The issuer's error, and those of targets and checks: who has several wrong tokens is told of all of them at once.
    async fn all_that_fails_beside(&self, error: &CallError) -> Vec<Failure> {
        let mut failures = self.look_for_failures().await;
        failures.insert(0, Failure::of_call(Subject::Source, error));
        failures
    }

    /// The same, the issuer's listing included.
    pub(super) async fn all_that_fails(&self) -> Vec<Failure> {
        match self.job.source.adapter.issuer().survey().await {
            Ok(_) => self.look_for_failures().await,
            Err(error) => self.all_that_fails_beside(&error).await,
        }
    }

    async fn look_for_failures(&self) -> Vec<Failure> {
        let Looked {
            mut failures, targets, ..
        } = self.look().await;
        failures.extend(
            targets
                .into_iter()
                .filter_map(|(key, entry)| Some(unreadable(key, entry.err()?))),
        );
        failures
    }

    /// Asks the issuer and the checks whether they are ready, where something may be minted, and every target that is to be written
    /// what it holds.
    async fn look(&self) -> Looked {
        let ledger = &self.outcome.ledger;
        let mints = self.goal.may_mint;
        // Once the old value is dead, whatever can be reached is better off with a new one.
        let must_reach_all = mints && !self.goes_on() && !self.goal.goes_on;
        let wanted: Vec<&String> = self
            .goal
            .targets
            .iter()
            .filter(|(key, goal)| {
                let holds = |g| ledger.delivery(key).is_some_and(|delivery| delivery.holds(g));
                goal.write || mints || !self.goal.generation.is_some_and(holds)
            })
            .map(|(key, _)| key)
            .collect();
        let looks = wanted
            .iter()
            .filter_map(|key| Some((*key, self.job.targets.get(*key)?)));
        let looks: Vec<_> = looks
            .map(|(key, target)| async move {
                // At one moment: where the vendor lists, both share a call.
                let identified = ledger.delivery(key).is_some_and(|known| known.container_id.is_some());
                let container = async {
                    // It decides nothing here: what fails is asked for again by a later run.
                    if identified {
                        None
                    } else {
                        target.adapter.slot().container_id().await.ok().flatten()
                    }
                };
                let reachable = async {
                    match must_reach_all {
                        true => target.adapter.check_reachable().await,
                        false => Ok(()),
                    }
                };
                let recorded = ledger.delivery(key).and_then(|known| known.revision.as_deref());
                let looks = join4(
                    target::seen_beside(target.adapter.slot(), recorded),
                    target.adapter.check_writable(),
                    reachable,
                    container,
                );
                let (entry, writable, reachable, container) = looks.await;
                (key.clone(), entry, writable.and(reachable), container)
            })
            .collect();
        let checks = self.job.checks.iter().filter(|_| mints);
        let checks = checks.map(|(key, check)| (Subject::Check(key.clone()), check));
        let activations = self.job.activations.iter().filter(|_| mints);
        let activations = activations.map(|(key, known)| (Subject::Activation(key.clone()), &known.run));
        let checks: Vec<_> = activations
            .chain(checks)
            .map(|(site, check)| async move { (site, check.adapter.inspect().await) })
            .collect();
        let source = async {
            if mints {
                let adapter = &self.job.source.adapter;
                let label = Label::new(&self.job.label_prefix, &self.job.id, ledger.highest() + 1);
                adapter.inspect().await.and(adapter.check_unclaimed(&label).await)
            } else {
                Ok(())
            }
        };
        let (source, targets, checks) = join3(source, join_all(looks), join_all(checks)).await;
        let ready = std::iter::once((Subject::Source, source)).chain(checks);
        let failures = ready.filter_map(|(site, ready)| Some(Failure::of_call(site, &ready.err()?)));
        let mut looked = Looked {
            failures: failures.collect(),
            targets: Vec::with_capacity(targets.len()),
            containers: Vec::new(),
        };
        for (key, entry, writable, container) in targets {
            looked.containers.extend(container.map(|id| (key.clone(), id)));
            // What could not be looked at is one failure.
            if let (Ok(_), Err(error)) = (&entry, &writable) {
                looked
                    .failures
                    .push(Failure::of_call(Subject::Target(key.clone()), error));
            }
            looked.targets.push((key, entry));
        }
        looked
    }

    /// Looks at every target that is to be written, and at the issuer's readiness; reports everything that is wrong at once.
    pub(super) async fn inspect(&mut self) -> Performed {
        let Looked {
            mut failures,
            targets: seen,
            containers,
        } = self.look().await;
        let mut unfit = self.inspect_escrow().await.err().unwrap_or_default();
        self.interrupted_create |= self.job.is_create && seen.iter().any(|(_, entry)| self.is_young_and_ours(entry));
        let mut any_entry = false;
        for (key, entry) in seen {
            match entry {
                Err(error) => failures.push(unreadable(key, error)),
                Ok(entry) => {
                    any_entry |= entry.is_some();
                    if let Err(failure) = self.admit(&key, entry) {
                        failures.push(failure);
                    }
                }
            }
        }
        failures.append(&mut unfit);
        let may_lack = |failure: &Failure| matches!(failure.site, Subject::Target(_) | Subject::Escrow);
        let is_in_the_way = |failure: &Failure| !self.goal.goes_on || !may_lack(failure);
        if failures.iter().any(is_in_the_way) {
            return Err(failures);
        }
        // In an incident, a target that is down is left behind, and nothing waits for escrow.
        for failure in failures {
            match &failure.site {
                Subject::Target(key) => drop(self.session.failed.insert(key.clone())),
                _ => self.session.parking_failed = true,
            }
            self.outcome.failures.push(failure);
        }
        for (target, container_id) in containers {
            self.outcome.ledger.record(Event::Identified { target, container_id });
        }
        if self.job.is_create && !any_entry {
            self.outcome.ledger.record(Event::NeverHeld);
        }
        self.session.inspected = true;
        Ok(())
    }

    /// Decides whether a slot may be written, and starts its record.
    fn admit(&mut self, key: &str, entry: Option<Entry>) -> Result<(), Failure> {
        let Some(target) = self.job.targets.get(key) else {
            return Ok(());
        };
        let slot = target.slot.to_string();
        let known = self.outcome.ledger.delivery(key);
        // A first write without an answer may be what the entry is now: the slot was admitted before it.
        let first_time = known.is_none_or(|known| {
            known.was_absent() || (known.generation.is_none() && known.status != DeliveryStatus::Unknown)
        });
        let mut left = None;
        if let Some(entry) = entry.as_ref().filter(|_| first_time) {
            let ours = entry.label.as_ref().filter(|label| label.belongs_to(&self.job.id));
            if ours.is_none() && !self.interrupted_create && !self.job.replace_existing {
                return Err(occupied(key, &target.noun(), entry));
            }
            // An interrupted create of this secret wrote it: what it holds is known by its label alone.
            if let Some(label) = ours {
                left = Some(Left::Marked {
                    generation: label.generation,
                    revision: entry.revision.clone(),
                });
                if self.job.source.spec.parts.sole().is_some() {
                    self.note_marked(label.clone(), entry, &target.noun());
                }
            } else if self.interrupted_create {
                left = Some(Left::Doubtful);
            }
        }
        // Where anything may be replaced, our mark or an interrupted create do not tell what the slot held before them.
        let existed_before = self.job.replace_existing && entry.is_some() && first_time;
        self.outcome.ledger.record(Event::Claimed {
            target: key.to_owned(),
            slot,
            existed_before,
            left,
        });
        if self.job.unreachable.contains(key) {
            self.outcome.ledger.record(Event::Seen(Seen {
                target: key.to_owned(),
                id: self.job.id.clone(),
                entry: entry.clone(),
                deferred: false,
                is_activated: false,
                must_be_live: false,
                was_unreachable: true,
                at: self.job.clock.now(),
            }));
        }
        self.unexplained |= self.may_hold_another(key, entry.as_ref());
        Ok(())
    }

    /// Whether a target may hold a value that is on no record.
    fn may_hold_another(&self, key: &str, entry: Option<&Entry>) -> bool {
        let Some(record) = self.outcome.ledger.delivery(key) else {
            return entry.is_some();
        };
        let doubtful = matches!(
            record.status,
            DeliveryStatus::Unknown | DeliveryStatus::Changed | DeliveryStatus::Missing
        );
        let moved = match judge(record, entry, &self.job.id) {
            Verdict::Recorded => false,
            Verdict::Empty => record.revision.is_some(),
            Verdict::CannotTell => record.revision.is_none(),
            Verdict::Marked(_) | Verdict::Unanswered | Verdict::Foreign => true,
        };
        let unrecorded = record
            .generation
            .is_some_and(|generation| self.outcome.ledger.credential(generation).is_none());
        doubtful || moved || unrecorded
    }

    /// A value that nobody lists and no issuer tells again is known by the mark beside it alone; it is gone on with, not
    /// overwritten.
    pub(super) fn note_marked(&mut self, label: Label, entry: &Entry, noun: &str) {
        let traits = &self.job.source.traits();
        let known = self.outcome.ledger.credential(label.generation).is_some();
        // It reveals what it issues by a handle, and which one has that value shows when the value is recovered.
        let has_handles = matches!(traits.issuance, Issuance::Reset { .. });
        let is_told = traits.lists || (traits.reveals && !has_handles);
        if !self.job.is_create || known || is_told {
            return;
        }
        let existed = diagnostics::Run::ExistedAlready {
            entry: noun.to_string(),
            label: label.to_string(),
        };
        self.outcome.warnings.push(Failure::new(Subject::Whole, existed));
        if has_handles {
            let generation = label.generation;
            if generation > self.outcome.ledger.highest() {
                self.outcome.ledger.record(Event::FoundAhead { generation });
            }
            return;
        }
        self.outcome.ledger.record(Event::Found(CredentialRecord {
            generation: label.generation,
            credential_id: None,
            issuer: self.job.source.issuer(),
            label: label.to_string(),
            status: CredentialStatus::Overlapping,
            minted_at: entry.modified_at,
            expires_at: None,
            revoke_after: None,
            public_key: None,
        }));
    }
}

impl Run<'_> {
    /// Whether the entry carries our mark and is young: an interrupted create wrote it, and perhaps entries that carry none.
    fn is_young_and_ours(&self, entry: &Result<Option<Entry>, CallError>) -> bool {
        entry
            .as_ref()
            .is_ok_and(|entry| entry.as_ref().is_some_and(|entry| self.is_young_mark(entry)))
    }

    /// The same of an entry that there is.
    pub(super) fn is_young_mark(&self, entry: &Entry) -> bool {
        let ours = entry.label.as_ref().is_some_and(|label| label.belongs_to(&self.job.id));
        let now = self.job.clock.now();
        ours && entry
            .modified_at
            .is_some_and(|at| now.duration_since(at) < INTERRUPTED_CREATE)
    }
}

/// A target that was not found may be gone for good: then this is the way on.
fn unreadable(key: String, error: CallError) -> Failure {
    let error = match error.kind {
        CallErrorKind::NotFound => error.advise("If it no longer exists, remove the target from `targets`."),
        _ => error,
    };
    Failure::of_call(Subject::Target(key), &error)
}

/// A slot that somebody else has filled, or may have.
fn occupied(key: &str, noun: &str, entry: &Entry) -> Failure {
    let target = Subject::Target(key.to_owned());
    let entry_in_words = noun.to_owned();
    if entry.is_unreadable {
        return Failure::new(target, diagnostics::Run::Unreadable { entry: entry_in_words });
    }
    let occupied = diagnostics::Run::Occupied {
        entry: entry_in_words,
        modified_at: entry.modified_at.map(|at| at.to_string()),
    };
    Failure::new(target, occupied)
}

/// Credentials of another state: too old for an interrupted create, or newer than what the plan knew.
fn rival(credentials: &[(Label, &Credential)], is_old: bool) -> Failure {
    let credentials = listed(credentials);
    Failure::new(Subject::Whole, diagnostics::Run::Rival { credentials, is_old })
}

/// What a create says that went on from credentials that it found.
fn taken_over(credentials: &[(Label, &Credential)]) -> Failure {
    let credentials = listed(credentials);
    Failure::new(Subject::Whole, diagnostics::Run::TakenOver { credentials })
}

pub(super) fn listed(credentials: &[(Label, &Credential)]) -> String {
    let list = credentials
        .iter()
        .map(|(label, credential)| match credential.minted_at {
            Some(at) => format!("{label} ({}, made {at})", credential.id),
            None => format!("{label} ({})", credential.id),
        });
    list.collect::<Vec<_>>().join(", ")
}
