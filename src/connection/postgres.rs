//! The connection to a PostgreSQL server, by the rules of libpq: its parameters, its environment variables, its `sslmode`.
//!
//! Every call opens a session of its own and closes it, so that none outlives a password that it was opened with. How calls end is
//! told by SQLSTATE alone. <https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS>

mod failure;
mod name;
mod roles;
mod session;
mod sessions;
mod settings;
mod tls;
mod verifier;

use std::sync::Arc;
use std::time::Duration;

use super::account::no_blocks;
use super::{Account, Vendor};
use crate::call::{CallError, CallErrorKind};
use crate::clock::Clock;
use crate::http::Shared;
use crate::secret::Secret;
use crate::terraform::Diagnostic;

pub(crate) use name::{hosted, named};
pub(crate) use roles::{Role, Stored};
pub(crate) use session::{LOGIN, Login};
pub(crate) use settings::PORT;
use settings::Server;
pub(crate) use verifier::{SALT, Verifier};

/// The service's name in errors.
pub(crate) const SERVICE: &str = "PostgreSQL";

/// The vendor.
pub static VENDOR: Vendor = Vendor {
    block: "postgres",
    title: SERVICE,
    description: "A [PostgreSQL](https://www.postgresql.org/docs/current/libpq-connect.html) server, version 10 or newer: passwords of roles, \
                  logins. The role is a superuser, or has `CREATEROLE` and, from PostgreSQL 16 on, the `ADMIN` option on the roles whose \
                  passwords it sets. Arguments that you omit come from libpq's environment variables; the block may be empty.",
    attributes: settings::attributes,
    blocks: no_blocks,
    named: "",
    has_default: true,
    open: settings::open,
};

/// A server and an account on it; it may lack a password.
pub struct Postgres {
    place: String,
    remote_host: Option<String>,
    client: Result<PostgresClient, Diagnostic>,
}

impl Account for Postgres {
    fn vendor() -> &'static Vendor {
        &VENDOR
    }

    fn place(&self) -> String {
        self.place.clone()
    }

    fn remote_host(&self) -> Option<String> {
        self.remote_host.clone()
    }
}

impl Postgres {
    /// The client.
    ///
    /// # Errors
    /// A diagnostic that names argument and environment variable when host, user or password is missing.
    pub fn client(&self) -> Result<PostgresClient, Diagnostic> {
        self.client.clone()
    }
}

/// A server, and the role that this run connects as; cheap to clone, all clones share what was listed.
#[derive(Clone)]
pub struct PostgresClient(Arc<Inner>);

struct Inner {
    server: Server,
    user: String,
    password: Secret,
    /// The argument or variable that the password was taken from.
    origin: String,
    database: String,
    clock: Clock,
    allow_insecure: bool,
    roles: Shared<Vec<Role>>,
}

impl PostgresClient {
    /// The role that this run connects as.
    pub(crate) fn user(&self) -> &str {
        &self.0.user
    }

    /// The server's host.
    pub(crate) fn host(&self) -> &str {
        &self.0.server.host
    }

    /// The server's port.
    pub(crate) fn port(&self) -> u16 {
        self.0.server.port
    }

    /// The database that this run connects to.
    pub(crate) fn database(&self) -> &str {
        &self.0.database
    }

    /// The clock of this run.
    pub(crate) fn clock(&self) -> Clock {
        self.0.clock
    }

    /// The server, as errors and URIs call it: `db.example.com:5432`.
    pub(crate) fn place(&self) -> String {
        self.0.server.place()
    }

    /// What a URI says of encryption: nothing where the connection does not insist on it.
    pub(crate) fn uri_query(&self) -> &'static str {
        if self.0.server.ssl.is_required() {
            "?sslmode=require"
        } else {
            ""
        }
    }

    /// A session of the role that this run connects as.
    async fn session(&self, operation: &str) -> Result<session::Session, CallError> {
        let Inner {
            server,
            user,
            password,
            database,
            clock,
            ..
        } = self.0.as_ref();
        let login = Login {
            user,
            password,
            database,
        };
        let opened = session::Session::open(server, &login, *clock, LOGIN, operation).await;
        opened.map_err(|error| match error.kind {
            CallErrorKind::Unauthenticated => {
                let advice = format!("Set {} to the password of role {user:?}.", self.0.origin);
                error.advise_credential(&self.0.origin, &advice)
            }
            _ => error,
        })
    }

    /// Logs in with a credential and out again; `host` and `port` lead elsewhere than to the server itself, such as to a pooler.
    ///
    /// # Errors
    /// [`CallError`] without effect; [`CallErrorKind::Unauthenticated`] is a refusal of the password, and nothing else is.
    pub(crate) async fn log_in(
        &self,
        login: &Login<'_>,
        host: Option<&str>,
        port: Option<u16>,
        limit: Duration,
    ) -> Result<(), CallError> {
        let server = Server {
            host: host.map_or_else(|| self.0.server.host.clone(), str::to_owned),
            port: port.unwrap_or(self.0.server.port),
            ssl: self.0.server.ssl.clone(),
        };
        let operation = format!(
            "logging in as {:?} to database {:?} at {}",
            login.user,
            login.database,
            server.place()
        );
        if !server.is_protected(self.0.allow_insecure) {
            return Err(CallError::refused(
                SERVICE,
                operation,
                &format!("The sslmode of the connection {}.", settings::UNPROTECTED),
            ));
        }
        session::Session::open(&server, login, self.0.clock, limit, &operation)
            .await
            .map(drop)
    }
}
