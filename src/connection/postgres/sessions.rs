//! Open sessions, which no change of a password ends.
//!
//! Everybody sees whose they are. When they began is seen by superusers and by members of the role or of `pg_read_all_stats`
//! (<https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-STATS-VIEWS>); superusers and members of the role or of
//! `pg_signal_backend` may end them, those of a superuser only another one
//! (<https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL>).

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::Timestamp;
use postgres_protocol::escape::{escape_identifier, escape_literal};

use super::{PostgresClient, SERVICE};
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};

/// How long sessions may take to end: each rolls its transaction back first.
const ENDING: Duration = Duration::from_secs(15);

const PAUSES: RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_secs(1);

/// The sessions of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    /// All of them.
    pub(crate) all: u64,
    /// Those that began before an instant.
    pub(crate) earlier: u64,
    /// Those of which this run may not see when they began.
    pub(crate) hidden: u64,
}

/// Whether a session began before that instant, in SQL; NULL where this run may not see when.
fn is_earlier(before: Option<Timestamp>) -> String {
    let instant = before.map(|at| escape_literal(&at.to_string()));
    instant.map_or_else(
        || "true".to_owned(),
        |at| format!("(s.backend_start < {at}::timestamptz)"),
    )
}

/// The sessions that clients of a role opened, but for the one that asks. A run without the right to see more sees `usename` and `pid`.
fn of_role(role: &str) -> String {
    format!(
        "FROM pg_catalog.pg_stat_activity s WHERE s.usename = {} AND s.pid <> pg_catalog.pg_backend_pid() \
         AND coalesce(s.backend_type IN ('client backend', 'walsender'), true)",
        escape_literal(role)
    )
}

impl PostgresClient {
    /// Counts the sessions of a role, and those of them that began before that instant; without one, all did.
    ///
    /// # Errors
    /// [`CallError`] without effect.
    pub(crate) async fn count_sessions(&self, role: &str, before: Option<Timestamp>) -> Result<Counted, CallError> {
        let operation = format!("counting the sessions of role {role:?} at {}", self.place());
        let session = self.session(&operation).await?;
        let earlier = is_earlier(before);
        let statement = format!(
            "SELECT count(*), count(*) FILTER (WHERE {earlier}), count(*) FILTER (WHERE {earlier} IS NULL) {}",
            of_role(role)
        );
        let rows = session.read(&statement, &operation).await?;
        let counted = rows.first().and_then(|row| {
            let count = |at| row.get(at)?.parse().ok();
            Some(Counted {
                all: count(0)?,
                earlier: count(1)?,
                hidden: count(2)?,
            })
        });
        counted.ok_or_else(|| CallError::malformed(SERVICE, operation, Effect::None, "there is no count"))
    }

    /// Ends the sessions of a role that began before that instant, or all of them, and waits until they are gone. Gives how many it has
    /// ended.
    ///
    /// # Errors
    /// [`CallError`]; whatever its effect, some may have ended.
    pub(crate) async fn end_sessions(
        &self,
        role: &str,
        before: Option<Timestamp>,
        permit: &WritePermit,
    ) -> Result<u64, CallError> {
        let operation = format!("ending the sessions of role {role:?} at {}", self.place());
        let session = self.session(&operation).await?;
        let earlier = is_earlier(before);
        let statement = format!(
            "SELECT s.pid, CASE WHEN {earlier} THEN pg_catalog.pg_terminate_backend(s.pid) END {} AND {earlier} IS NOT FALSE",
            of_role(role)
        );
        let refused = |kind, what: &str| CallError::new(kind, Effect::None, SERVICE, &*operation, None, what);
        let mut ended = BTreeSet::new();
        let mut polling = self.clock().polling(ENDING, PAUSES);
        loop {
            let rows = session.write(&statement, &operation, permit).await;
            let rows = rows.map_err(|error| self.advise_on_sessions(error, role))?;
            let (hidden, ending): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.get(1).is_none());
            ended.extend(ending.iter().filter_map(|row| row.get(0)?.parse::<u64>().ok()));
            if ending.is_empty() && hidden.is_empty() {
                return Ok(u64::try_from(ended.len()).unwrap_or(u64::MAX));
            }
            if ending.is_empty() {
                let what = format!(
                    "Role {:?}, as which this run connects, may not see when {} of its sessions began.",
                    self.user(),
                    hidden.len()
                );
                let error = refused(CallErrorKind::Forbidden, &what);
                return Err(self.advise_on_sessions(error, role));
            }
            if !polling.again().await {
                let what = format!("Not all of them ended within {} seconds.", ENDING.as_secs());
                return Err(refused(CallErrorKind::TimedOut, &what).advise("Apply again."));
            }
        }
    }

    /// What to do about sessions that this run may not see or end.
    fn advise_on_sessions(&self, error: CallError, role: &str) -> CallError {
        if error.kind != CallErrorKind::Forbidden {
            return error;
        }
        let (user, role) = (escape_identifier(self.user()), escape_identifier(role));
        error.advise(&format!(
            "Run GRANT pg_signal_backend, pg_read_all_stats TO {user} as a superuser, or connect as a superuser or as a member of {role}, \
             and apply again. Or end the sessions yourself with pg_terminate_backend."
        ))
    }
}
