//! One session: a login, and statements in the simple protocol, which needs no more than one round trip for each.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio_postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

use super::SERVICE;
use super::failure::failed;
use super::settings::Server;
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::clock::Clock;
use crate::http::resolve;
use crate::secret::Secret;

/// How long a login may take.
pub(crate) const LOGIN: Duration = Duration::from_secs(15);

/// How long a statement may take: they touch a row or two, or wait for who holds those.
const STATEMENT: Duration = Duration::from_secs(30);

/// Shown in `pg_stat_activity`.
const APPLICATION: &str = "terraform-provider-rotation";

/// Who logs in where.
pub(crate) struct Login<'a> {
    pub(crate) user: &'a str,
    pub(crate) password: &'a Secret,
    pub(crate) database: &'a str,
}

/// An open session; it ends when it is dropped.
pub(super) struct Session {
    client: Client,
    clock: Clock,
}

impl Session {
    /// Logs in. No login has an effect.
    pub(super) async fn open(
        server: &Server,
        login: &Login<'_>,
        clock: Clock,
        limit: Duration,
        operation: &str,
    ) -> Result<Self, CallError> {
        let opened = async {
            let unreachable = |message: &str| {
                CallError::new(
                    CallErrorKind::Unavailable,
                    Effect::None,
                    SERVICE,
                    operation,
                    None,
                    message,
                )
            };
            let found = resolve(&server.host).await;
            let mut found = found.map_err(|error| unreachable(&error.to_string()))?;
            found.iter_mut().for_each(|address| address.set_port(server.port));
            let stream = TcpStream::connect(&*found).await;
            let stream = stream.map_err(|error| unreachable(&error.to_string()))?;
            let encryption = server.ssl.to(&server.host);
            let encryption = encryption.map_err(|error| unreachable(&format!("TLS: {error}")))?;
            let connected = parameters(server, login).connect_raw(stream, encryption).await;
            let (client, connection) = connected.map_err(|error| failed(&error, operation, Effect::None))?;
            tokio::spawn(connection);
            Ok(Self { client, clock })
        };
        within(clock, limit, Effect::None, operation, opened).await
    }

    /// Asks for rows.
    pub(super) async fn read(&self, statement: &str, operation: &str) -> Result<Vec<SimpleQueryRow>, CallError> {
        self.run(statement, operation, Effect::None).await
    }

    /// Runs statements as one transaction: all of them, or none. Sent at most once. Gives the rows of their answers.
    pub(super) async fn write(
        &self,
        statements: &str,
        operation: &str,
        _permit: &WritePermit,
    ) -> Result<Vec<SimpleQueryRow>, CallError> {
        self.run(statements, operation, Effect::Possible).await
    }

    async fn run(&self, statements: &str, operation: &str, unknown: Effect) -> Result<Vec<SimpleQueryRow>, CallError> {
        let answered = async {
            let answered = self.client.simple_query(statements).await;
            answered.map_err(|error| failed(&error, operation, unknown))
        };
        let answers = within(self.clock, STATEMENT, unknown, operation, answered).await?;
        let rows = answers.into_iter().filter_map(|answer| match answer {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        Ok(rows.collect())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the client proves by SCRAM that it knows the password"
)]
fn parameters(server: &Server, login: &Login<'_>) -> tokio_postgres::Config {
    let mut parameters = tokio_postgres::Config::new();
    parameters
        .user(login.user)
        .password(login.password.expose())
        .dbname(login.database)
        .application_name(APPLICATION)
        .ssl_mode(server.ssl.mode_of_client());
    parameters
}

async fn within<T>(
    clock: Clock,
    limit: Duration,
    unknown: Effect,
    operation: &str,
    call: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    tokio::select! {
        biased;
        ended = call => ended,
        () = clock.sleep(limit) => {
            let message = format!("no answer within {} seconds", limit.as_secs());
            Err(CallError::new(CallErrorKind::TimedOut, unknown, SERVICE, operation, None, &message))
        }
    }
}
