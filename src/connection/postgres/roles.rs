//! Roles: listed once a run, and their passwords set together with their comments, in one transaction.
//!
//! A role has one password, which the server stores as a hash that only superusers read
//! (<https://www.postgresql.org/docs/current/catalog-pg-authid.html>); everybody reads its comment.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use postgres_protocol::escape::{escape_identifier, escape_literal};
use tokio_postgres::SimpleQueryRow;

use super::{PostgresClient, SERVICE, Verifier};
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};

/// Stores verifiers that clients make.
const OLDEST: u32 = 100_000;

/// How long a listing waits for a server that is away, or has no session to spare.
const PATIENCE: Duration = Duration::from_secs(5);

const PAUSES: RangeInclusive<Duration> = Duration::from_millis(200)..=Duration::from_secs(2);

/// `CREATEROLE` alone no longer suffices to change a role.
const NEEDS_ADMIN_OPTION: u32 = 160_000;

/// A role as the server's catalogue has it.
pub(crate) struct Role {
    pub(crate) name: String,
    /// When it was looked at, by the server's clock.
    pub(crate) listed_at: Timestamp,
    /// It has `LOGIN`.
    pub(crate) logs_in: bool,
    /// Its `VALID UNTIL` has passed, after which no password of it works.
    pub(crate) has_expired: bool,
    /// This run's role may set its password and its comment.
    pub(crate) is_ours_to_change: bool,
    /// Its comment.
    pub(crate) comment: Option<String>,
    /// Its password.
    pub(crate) stored: Stored,
}

/// What this run reads of a password.
pub(crate) enum Stored {
    /// It may not read `pg_authid`.
    Unreadable,
    /// There is none, so no password works.
    Nothing,
    /// A hash of another kind.
    Other,
    /// What it compares logins with.
    Scram(Verifier),
}

impl PostgresClient {
    /// All roles, from the listing that all readers of this run share.
    ///
    /// # Errors
    /// [`CallError`] without effect.
    pub(crate) async fn roles(&self) -> Result<Arc<Vec<Role>>, CallError> {
        self.0.roles.get("", || self.roles_now()).await
    }

    /// All roles as they are now, but for those of the system, `pg_…`.
    ///
    /// # Errors
    /// As [`Self::roles`].
    pub(crate) async fn roles_now(&self) -> Result<Vec<Role>, CallError> {
        let mut polling = self.clock().polling(PATIENCE, PAUSES);
        loop {
            match self.read_roles().await {
                Err(error) if may_pass(&error) && polling.again().await => {}
                answer => return answer,
            }
        }
    }

    async fn read_roles(&self) -> Result<Vec<Role>, CallError> {
        let operation = format!("listing roles of {}", self.place());
        let session = self.session(&operation).await?;
        let malformed = || CallError::malformed(SERVICE, &*operation, Effect::None, "the catalogue looks different");
        let of_server = "SELECT current_setting('server_version_num'), \
                         has_column_privilege('pg_catalog.pg_authid', 'rolpassword', 'SELECT')";
        let rows = session.read(of_server, &operation).await?;
        let (version, reads_hashes) = rows.first().and_then(of_this_server).ok_or_else(malformed)?;
        if version < OLDEST {
            let what = "This server is older than PostgreSQL 10, and knows no SCRAM.";
            return Err(CallError::new(
                CallErrorKind::Invalid,
                Effect::None,
                SERVICE,
                operation,
                None,
                what,
            ));
        }
        let rows = session.read(&catalogue(reads_hashes), &operation).await?;
        rows.iter()
            .map(|row| role(row, reads_hashes).ok_or_else(malformed))
            .collect()
    }

    /// Gives a role a password. Its comment says so in the same transaction, with the instant at which the role was looked at, and a moment
    /// later with one at which no older password opens a session any more: nobody has been given the new one by then. Gives the
    /// instant that the comment says.
    ///
    /// # Errors
    /// [`CallError`]; with [`Effect::Possible`] the password and the comment may be other ones now.
    pub(crate) async fn set_password(
        &self,
        role: &Role,
        verifier: &Verifier,
        comment: impl Fn(Timestamp) -> String,
        permit: &WritePermit,
    ) -> Result<Timestamp, CallError> {
        let operation = format!("setting the password of role {:?} at {}", role.name, self.place());
        let session = self.session(&operation).await?;
        let statements = change(&role.name, Some(verifier), Some(&comment(role.listed_at)));
        let answer = session.write(&statements, &operation, permit).await;
        self.0.roles.forget("");
        answer?;
        // The password is set whatever becomes of the rest, and must reach its consumers.
        let noted = async {
            let rows = session.read(NOW, &operation).await?;
            let now = rows.first().and_then(|row| instant(row.get(0)?));
            let now =
                now.ok_or_else(|| CallError::malformed(SERVICE, &*operation, Effect::None, "there is no instant"))?;
            session
                .write(&comment_on(&role.name, Some(&comment(now))), &operation, permit)
                .await?;
            Ok::<Timestamp, CallError>(now)
        };
        Ok(noted.await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the comment of the role has an instant shortly before its password was set");
            role.listed_at
        }))
    }

    /// Takes the password of a role away, and sets its comment.
    ///
    /// # Errors
    /// [`CallError`]; with [`Effect::Possible`] both may be other ones now.
    pub(crate) async fn take_password_away(
        &self,
        role: &str,
        comment: Option<&str>,
        permit: &WritePermit,
    ) -> Result<(), CallError> {
        let operation = format!("taking the password of role {role:?} away at {}", self.place());
        let session = self.session(&operation).await?;
        let answer = session.write(&change(role, None, comment), &operation, permit).await;
        self.0.roles.forget("");
        answer.map(drop)
    }
}

/// Microseconds since 1970, by the server's clock.
const NOW: &str = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

fn instant(microseconds: &str) -> Option<Timestamp> {
    Timestamp::from_microsecond(microseconds.parse().ok()?).ok()
}

/// Another password, or none, and another comment, or none.
fn change(role: &str, verifier: Option<&Verifier>, comment: Option<&str>) -> String {
    let password = literal(verifier.map(Verifier::text));
    let name = escape_identifier(role);
    format!("ALTER ROLE {name} PASSWORD {password}; {}", comment_on(role, comment))
}

fn comment_on(role: &str, comment: Option<&str>) -> String {
    format!("COMMENT ON ROLE {} IS {}", escape_identifier(role), literal(comment))
}

fn literal(text: Option<&str>) -> String {
    text.map_or_else(|| "NULL".to_owned(), escape_literal)
}

/// Whether the same question may be answered a moment later.
fn may_pass(error: &CallError) -> bool {
    matches!(
        error.kind,
        CallErrorKind::Unavailable | CallErrorKind::RateLimited { .. }
    )
}

/// What one row tells of the server: its version, and whether this run reads hashes.
fn of_this_server(row: &SimpleQueryRow) -> Option<(u32, bool)> {
    Some((row.get(0)?.parse().ok()?, row.get(1)? == "t"))
}

/// The roles, each with what this run may do to it: a superuser everything; `CREATEROLE` nothing to superusers, before PostgreSQL 16 nothing
/// to roles for replication, from then on nothing to roles without the `ADMIN` option.
/// <https://www.postgresql.org/docs/current/role-attributes.html#ROLE-ATTRIBUTES>
fn catalogue(reads_hashes: bool) -> String {
    let (hash, hashes) = match reads_hashes {
        true => ("a.rolpassword", "JOIN pg_catalog.pg_authid a ON a.oid = r.oid"),
        false => ("NULL", ""),
    };
    format!(
        "SELECT r.rolname, r.rolcanlogin, coalesce(r.rolvaliduntil < now(), false), \
         me.rolsuper OR (me.rolcreaterole AND NOT r.rolsuper AND \
         CASE WHEN current_setting('server_version_num')::int < {NEEDS_ADMIN_OPTION} THEN NOT r.rolreplication \
         ELSE pg_has_role(me.oid, r.oid, 'MEMBER WITH ADMIN OPTION') END), \
         pg_catalog.shobj_description(r.oid, 'pg_authid'), {hash}, floor(extract(epoch FROM now()))::bigint \
         FROM pg_catalog.pg_roles r JOIN pg_catalog.pg_roles me ON me.rolname = current_user {hashes} \
         WHERE left(r.rolname, 3) <> 'pg_' ORDER BY r.rolname"
    )
}

fn role(row: &SimpleQueryRow, reads_hashes: bool) -> Option<Role> {
    let is_so = |at| row.try_get(at).ok()?.map(|text| text == "t");
    let hash = row.try_get(5).ok()?;
    Some(Role {
        name: row.try_get(0).ok()??.to_owned(),
        listed_at: Timestamp::from_second(row.try_get(6).ok()??.parse().ok()?).ok()?,
        logs_in: is_so(1)?,
        has_expired: is_so(2)?,
        is_ours_to_change: is_so(3)?,
        comment: row.try_get(4).ok()?.map(str::to_owned),
        stored: match hash {
            _ if !reads_hashes => Stored::Unreadable,
            None => Stored::Nothing,
            Some(hash) => Verifier::stored(hash.to_owned()).map_or(Stored::Other, Stored::Scram),
        },
    })
}
