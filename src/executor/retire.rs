//! Revoking superseded credentials.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Failure, Performed, Run, Subject};
use crate::address::Address;
use crate::call::{CallError, CallErrorKind, WritePermit};
use crate::diagnostics::{self, Message, StateProblem};
use crate::rotation::{Container, CredentialRecord, Event};
use crate::source::{self, Issuer, Liveness};
use crate::vendors::Vendors;

/// How long an issuer may take to act on a revocation before it counts as failed: verification caches lag by seconds.
const REVOCATION_LAG: Duration = Duration::from_secs(30);

/// Pauses between two looks at an issuer whose list lags.
pub(super) const PAUSES: RangeInclusive<Duration> = Duration::from_millis(250)..=Duration::from_secs(4);

impl Run<'_> {
    /// Ends a superseded credential and asks the issuer whether it is dead.
    pub(super) async fn revoke(&mut self, generation: u64) -> Performed {
        let Some(record) = self.outcome.ledger.credential(generation).cloned() else {
            return Ok(());
        };
        // What no target ever held has no consumers: the checks that follow a revocation are about what was in place.
        let was_in_place = !self.outcome.ledger.never_held(generation);
        self.session.reading = None;
        if was_in_place {
            self.fetch_ending(generation).await;
        }
        let newest = self.outcome.ledger.credential(self.outcome.ledger.generation());
        let newest = newest.filter(|newest| newest.issuer == record.issuer && newest.generation != generation);
        let sessions = match self.goal.exposed.contains(&generation) && source::ends_sessions(&record.issuer) {
            true => OpenSessions::End {
                newest: newest.and_then(|newest| newest.credential_id.as_deref()),
            },
            false => OpenSessions::GoOn,
        };
        let ended = retire(&record, self.job, sessions, self.permit).await;
        match ended {
            Ok(Ended::Dead { id, sessions }) => {
                self.outcome.revoked.extend(id);
                if let Some(sessions) = sessions {
                    self.outcome.ended_sessions = true;
                    tracing::info!(secret = %self.job.id, generation, "ended {sessions} open sessions");
                }
                self.session.revoked |= was_in_place;
                self.outcome.ledger.record(Event::Ended {
                    generation,
                    issuer: record.issuer,
                });
                if record.public_key.is_some() {
                    self.withdraw_public_key();
                }
                Ok(())
            }
            Ok(Ended::Own(id)) => {
                self.session.spared.insert(generation);
                self.outcome.own.insert(generation);
                let spared = Message::from(diagnostics::Run::OwnCredential { generation, id });
                if self.goal.revoke.contains(&generation) {
                    // The plan promised it.
                    return Err(vec![Failure::new(Subject::Source, spared.as_error())]);
                }
                self.outcome.warnings.push(Failure::new(Subject::Source, spared));
                Ok(())
            }
            Ok(Ended::ByHand) => {
                self.session.spared.insert(generation);
                self.outcome.by_hand.insert(generation);
                Ok(())
            }
            Ok(Ended::SessionsGoOn(failure)) => {
                // Nothing is recorded: the next run repeats the end of the credential, which has ended, and that of its sessions.
                self.outcome.open_sessions.insert(generation);
                self.not_revoked(generation, failure)
            }
            Err(failure) => self.not_revoked(generation, failure),
        }
    }

    fn not_revoked(&mut self, generation: u64, failure: Failure) -> Performed {
        if !self.goal.goes_on {
            return Err(vec![failure]);
        }
        // In an incident, consumers get the new value all the same.
        self.session.spared.insert(generation);
        self.outcome.failures.push(failure);
        Ok(())
    }
}

impl Run<'_> {
    /// The targets that hold the set of public keys get it once more, without the one that has ended.
    fn withdraw_public_key(&mut self) {
        for key in self.goal.targets.keys() {
            let target = self.job.targets.get(key);
            if target.is_some_and(|target| target.spec.holds_public_keys()) {
                self.outcome.ledger.record(Event::Outdated { target: key.clone() });
                // The set can be had again, whatever became of the rest.
                self.session.recovery_tried &= self.session.in_hand.is_some();
            }
        }
        self.parts = self.parts.take().map(|parts| self.with_public_keys(parts));
    }
}

/// How a credential's end went.
pub(crate) enum Ended {
    /// It is dead.
    Dead {
        /// Its handle, if it had one.
        id: Option<String>,
        /// How many sessions were ended with it, where that was asked for.
        sessions: Option<u64>,
    },
    /// It is dead, and sessions that it opened may go on; why.
    SessionsGoOn(Failure),
    /// It is this run's own.
    Own(String),
    /// Nobody but a person can end it.
    ByHand,
}

/// What becomes of the sessions that a credential opened.
#[derive(Debug, Clone, Copy)]
pub(crate) enum OpenSessions<'a> {
    /// They go on until their clients close them.
    GoOn,
    /// They end with it: an incident exposed it. So do those of whatever had the handle of the newest credential before that.
    End {
        /// The handle of the newest credential, where the same issuer made it.
        newest: Option<&'a str>,
    },
}

/// Revokes one credential at the issuer that its record names.
async fn retire(
    record: &CredentialRecord,
    job: &super::Job,
    sessions: OpenSessions<'_>,
    permit: &WritePermit,
) -> Result<Ended, Failure> {
    let Some(id) = record.credential_id.clone().filter(|id| !id.is_empty()) else {
        return Ok(if record.is_issued() {
            Ended::ByHand
        } else {
            Ended::Dead {
                id: None,
                sessions: None,
            }
        });
    };
    if record.issuer == job.source.issuer() {
        if !job.source.traits().revocable {
            return Ok(Ended::ByHand);
        }
        return revoke_at(job.source.adapter.issuer(), id, record, sessions, job.clock, permit).await;
    }
    match issuer_of(record, job.vendors.as_ref())? {
        Some(issuer) => revoke_at(issuer.as_ref(), id, record, sessions, job.clock, permit).await,
        None => Ok(Ended::ByHand),
    }
}

/// How the end of a credential outside a run went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retired {
    /// It is dead, or never was anything that an issuer could end.
    Dead,
    /// It is this run's own, and lives on.
    Own,
    /// Nobody but a person can end it.
    ByHand,
}

/// Revokes a credential by its record alone: destroy has no configuration to rely on.
///
/// # Errors
/// What failed.
pub async fn retire_anywhere(
    record: &CredentialRecord,
    vendors: &dyn Vendors,
    clock: crate::clock::Clock,
    permit: &WritePermit,
) -> Result<Retired, Failure> {
    let Some(id) = record.credential_id.clone().filter(|id| !id.is_empty()) else {
        return Ok(if record.is_issued() {
            Retired::ByHand
        } else {
            Retired::Dead
        });
    };
    let Some(issuer) = issuer_of(record, vendors)? else {
        return Ok(Retired::ByHand);
    };
    match revoke_at(issuer.as_ref(), id, record, OpenSessions::GoOn, clock, permit).await? {
        Ended::Dead { .. } => Ok(Retired::Dead),
        Ended::SessionsGoOn(failure) => Err(failure),
        Ended::Own(_) => Ok(Retired::Own),
        Ended::ByHand => Ok(Retired::ByHand),
    }
}

/// Revokes the generation that a create minted before it reached any target, and nothing that an earlier one left: a target
/// may hold that. Gives the labels with why one was not revoked, and whether nothing is left.
pub async fn revoke_minted(
    job: &super::Job,
    ledger: &crate::rotation::Ledger,
    generation: u64,
    permit: &WritePermit,
) -> (Vec<(String, Option<String>)>, bool) {
    let minted = ledger
        .credentials()
        .iter()
        .filter(|known| known.generation == generation && known.credential_id.is_some());
    let minted: Vec<&CredentialRecord> = minted.collect();
    let mut credentials = Vec::new();
    // An issued credential that is on no record is one whose mint was never confirmed.
    let mut complete = !minted.is_empty() || !job.source.traits().revocable;
    for record in minted {
        match retire(record, job, OpenSessions::GoOn, permit).await {
            Ok(Ended::Dead { .. }) => credentials.push((record.label.clone(), None)),
            Ok(Ended::Own(_) | Ended::ByHand) => complete = false,
            Ok(Ended::SessionsGoOn(failure)) | Err(failure) => {
                complete = false;
                credentials.push((record.label.clone(), Some(failure.message.summary)));
            }
        }
    }
    (credentials, complete)
}

/// The issuer that a record names; `None` for kinds that issue nothing revocable.
///
/// # Errors
/// Why there is none to be had.
pub fn issuer_of(record: &CredentialRecord, vendors: &dyn Vendors) -> Result<Option<Box<dyn Issuer>>, Failure> {
    issuer_at(&record.issuer, vendors).map_err(|failure| {
        let (generation, why) = (record.generation, failure.message);
        Failure::new(failure.site, diagnostics::Run::CannotRevoke { generation, why })
    })
}

/// The issuer at a stored address; `None` for kinds that issue nothing revocable.
///
/// # Errors
/// Why there is none to be had.
pub fn issuer_at(address: &str, vendors: &dyn Vendors) -> Result<Option<Box<dyn Issuer>>, Failure> {
    let unknown = |why: String| {
        let address = address.to_owned();
        Failure::new(Subject::Source, StateProblem::IssuerUnknown { address, why })
    };
    let parsed: Address = address.parse().map_err(|error| unknown(format!("{error}.")))?;
    let kind = source::kind(&parsed.kind)
        .ok_or_else(|| unknown(format!("This version does not know the source {:?}.", parsed.kind)))?;
    let issuer = vendors.issuer(kind, &parsed);
    issuer.map_err(|why| Failure::new(Subject::Source, why))
}

/// Whether a call failed because the container is proved to be no more, and every credential with it.
async fn is_gone_with_its_container(issuer: &dyn Issuer, error: &CallError) -> bool {
    error.kind == CallErrorKind::NotFound && issuer.container().await == Ok(Container::Gone)
}

/// Revokes, asks by id until the issuer says that it is dead, and then ends its sessions, if they are to end: no new one begins.
pub(crate) async fn revoke_at(
    issuer: &dyn Issuer,
    id: String,
    record: &CredentialRecord,
    sessions: OpenSessions<'_>,
    clock: crate::clock::Clock,
    permit: &WritePermit,
) -> Result<Ended, Failure> {
    let dead = |id, sessions| Ended::Dead { id: Some(id), sessions };
    let call = |error| Failure::of_call(Subject::Source, &error);
    match issuer.authenticates_this_run(&id).await {
        Ok(true) => return Ok(Ended::Own(id)),
        Ok(false) => {}
        Err(error) if is_gone_with_its_container(issuer, &error).await => return Ok(dead(id, None)),
        Err(error) => return Err(call(error)),
    }
    if let Err(error) = issuer.revoke(&id, permit).await {
        return if is_gone_with_its_container(issuer, &error).await {
            Ok(dead(id, None))
        } else {
            Err(call(error))
        };
    }
    let mut polling = clock.polling(REVOCATION_LAG, PAUSES);
    while issuer.liveness(&id).await.map_err(call)? == Liveness::Alive {
        if !polling.again().await {
            let alive = diagnostics::Run::StillAlive {
                generation: record.generation,
                id,
                issuer: source::issuer(&record.issuer),
            };
            return Err(Failure::new(Subject::Source, alive));
        }
    }
    let OpenSessions::End { newest } = sessions else {
        return Ok(dead(id, None));
    };
    let mut ended = 0;
    for handle in newest.into_iter().chain([id.as_str()]) {
        match issuer.end_sessions(handle, permit).await {
            Ok(count) => ended += count,
            Err(error) => return Ok(Ended::SessionsGoOn(call(error))),
        }
    }
    Ok(dead(id, Some(ended)))
}
