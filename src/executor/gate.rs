//! Reading the gate: what a revocation depends on, looked at immediately before it.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::retire::{PAUSES, issuer_of};
use super::{JobCheck, Performed, Run};
use crate::call::CallError;
use crate::check::Presents;
use crate::rotation::gate::{InUse, IssuerSays, Look};
use crate::rotation::{CredentialRecord, Ending, Reading, judge};
use crate::source::{LastUse, Liveness};
use crate::spec::When;
use crate::target;

/// A credential this young may be missing from a list that lags behind its mint.
const YOUNG: SignedDuration = SignedDuration::from_mins(15);

/// How long the issuer is asked again about a young credential that it does not list.
const LIST_LAG: Duration = Duration::from_secs(30);

/// Whether a credential that was last used then has to stay unused for longer; `None` where it was unused long enough.
pub(crate) fn in_use(last: LastUse, quiet_for: SignedDuration, now: Timestamp) -> Option<InUse> {
    match last {
        LastUse::NotTold => Some(InUse::CannotTell),
        LastUse::Never => None,
        LastUse::At(last) => {
            let until = last.checked_add(quiet_for).unwrap_or(Timestamp::MAX);
            (until > now).then_some(InUse::Since { last, until })
        }
    }
}

impl Run<'_> {
    /// Looks at every configured target, asks the issuer about the newest credential, and runs the checks without effects that
    /// have not passed in this run.
    pub(super) async fn read_gate(&mut self) -> Performed {
        let (ledger, id) = (&self.outcome.ledger, self.job.id.as_str());
        let looks = self.job.targets.iter().map(|(key, target)| async move {
            let Some(record) = ledger.delivery(key) else {
                return (key.clone(), Look::Unreachable);
            };
            let seen = target::confirmed(target.adapter.slot(), record.revision.as_deref()).await;
            let look = match seen {
                Ok(entry) => {
                    let live = entry.as_ref().and_then(|entry| entry.live);
                    Look::Entry(judge(record, entry.as_ref(), id), live)
                }
                Err(error) => {
                    tracing::warn!(secret = %id, target = %key, %error, "cannot look at a target before a revocation");
                    Look::Unreachable
                }
            };
            (key.clone(), look)
        });
        let targets = join_all(looks.collect::<Vec<_>>()).await.into_iter().collect();
        let issuer = self.newest_at_its_issuer().await;
        let failed_checks = self.checks_without_effects().await;
        let in_use = self.in_use().await;
        let now = self.job.clock.now();
        self.session.reading = Some(Reading {
            at: now,
            targets,
            issuer,
            failed_checks,
            opens: self.job.opening(),
            settling: self.settling(now),
            in_use,
        });
        Ok(())
    }

    /// Targets whose consumers may still use what they held before. A place without `settle` holds nothing up: its clock may be ahead of ours,
    /// by a part of a second or more.
    fn settling(&self, now: Timestamp) -> BTreeMap<String, Timestamp> {
        let targets = self.job.targets.iter();
        let targets = targets.filter(|(_, target)| !target.spec.settle.is_zero());
        let ends = targets.filter_map(|(key, target)| {
            let delivered = self.outcome.ledger.delivery(key)?.delivered_at?;
            let until = delivered.checked_add(target.spec.settle).unwrap_or(Timestamp::MAX);
            (until > now).then(|| (key.clone(), until))
        });
        ends.collect()
    }

    /// Older credentials that somebody has used lately, or may have.
    async fn in_use(&self) -> BTreeMap<u64, InUse> {
        let Some(quiet_for) = self.job.quiet_for else {
            return BTreeMap::new();
        };
        let newest = self.outcome.ledger.generation();
        let older = self.outcome.ledger.credentials().iter();
        let older = older.filter(|known| known.generation != newest && known.is_issued());
        let looks = older.map(|known| async move {
            let in_use = match self.last_use(known).await {
                Ok(last) => in_use(last, quiet_for, self.job.clock.now())?,
                Err(error) => {
                    tracing::warn!(secret = %self.job.id, %error, "the issuer does not say when the old credential was last used");
                    InUse::CannotTell
                }
            };
            Some((known.generation, in_use))
        });
        let found = join_all(looks.collect::<Vec<_>>()).await;
        found.into_iter().flatten().collect()
    }

    async fn last_use(&self, known: &CredentialRecord) -> Result<LastUse, String> {
        let Some(id) = known.credential_id.as_deref() else {
            return Ok(LastUse::NotTold);
        };
        let asked = if known.issuer == self.job.source.issuer() {
            self.job.source.adapter.issuer().last_use(id).await
        } else {
            let issuer = issuer_of(known, self.job.vendors.as_ref()).map_err(|failure| failure.message.summary)?;
            match issuer {
                Some(issuer) => issuer.last_use(id).await,
                None => return Ok(LastUse::NotTold),
            }
        };
        asked.map_err(|error| error.to_string())
    }

    async fn newest_at_its_issuer(&self) -> IssuerSays {
        let ledger = &self.outcome.ledger;
        let issuer = self.job.source.issuer();
        let newest = ledger.credential(ledger.generation());
        let Some((known, id)) = newest.and_then(|known| Some((known, known.credential_id.clone()?))) else {
            return IssuerSays::NothingAgainst;
        };
        if known.issuer != issuer || !self.job.source.traits().revocable {
            return IssuerSays::NothingAgainst;
        }
        let young = known
            .minted_at
            .is_some_and(|at| self.job.clock.now().duration_since(at) < YOUNG);
        let mut polling = self.job.clock.polling(LIST_LAG, PAUSES);
        loop {
            match self.is_dead(known, &id).await {
                Ok(false) => return IssuerSays::NothingAgainst,
                Ok(true) if young && polling.again().await => {}
                Ok(true) => return IssuerSays::Dead,
                Err(error) => {
                    tracing::warn!(secret = %self.job.id, %error, "the issuer does not say whether the new credential is live");
                    return IssuerSays::NoAnswer;
                }
            }
        }
    }

    /// Whether the issuer says that a credential is dead, or that its handle was made anew since (a role whose password was reset).
    async fn is_dead(&self, known: &CredentialRecord, id: &str) -> Result<bool, CallError> {
        match self.job.source.adapter.issuer().liveness(id).await? {
            Liveness::Alive => return Ok(false),
            Liveness::Dead => return Ok(true),
            Liveness::CannotTell => {}
        }
        let issuer = self.job.source.adapter.issuer();
        if !issuer.reuses_ids() {
            return Ok(false);
        }
        let listed = issuer.survey().await?;
        let found = listed.iter().find(|credential| credential.id == id);
        Ok(found.is_some_and(|credential| credential.minted_at > known.minted_at))
    }

    /// The checks of waves that change nothing, have not passed since the last write of this run, and can run with what is in memory.
    async fn checks_without_effects(&self) -> BTreeMap<String, String> {
        let (stop, permit) = (self.stop, self.permit);
        let chosen = self.job.checks.iter().filter(|_| self.goal.ending <= Ending::Checked);
        let chosen = chosen.filter(|(_, check)| self.proves_the_gate(check));
        let runs = chosen.map(|(key, check)| async move {
            let parts = self.parts.as_ref().filter(|_| check.presents() == Presents::New);
            let ran = check.adapter.run(parts, check.spec.patience, stop, permit).await;
            Some((key.clone(), ran.err()?.message))
        });
        let failed = join_all(runs.collect::<Vec<_>>()).await;
        failed.into_iter().flatten().collect()
    }

    fn proves_the_gate(&self, check: &JobCheck) -> bool {
        let When::Wave(wave) = check.spec.when else {
            return false;
        };
        let presentable = match check.presents() {
            Presents::Nothing => true,
            Presents::New => !check.lacks(self.parts.as_ref()),
            Presents::Previous => false,
        };
        !check.spec.effects && presentable && !self.session.checked.contains(&wave)
    }
}
