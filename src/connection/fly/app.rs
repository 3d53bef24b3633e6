//! What an app holds: its secrets' metadata and its machines, each listed once a run.
//!
//! The answers are reduced to what is used; a machine's configuration stays as it came, because an update has to send all
//! of it back.

use std::convert::Infallible;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::FlyClient;
use crate::call::{CallError, CallErrorKind};
use crate::clock::Clock;
use crate::connection::instant::instant;
use crate::connection::serde_helpers::null_is_empty;
use crate::http::{Request, Shared};

/// Listings by app.
pub(super) struct Listings {
    secrets: Shared<Vec<AppSecret>>,
    machines: Shared<Vec<Machine>>,
    ids: Shared<Option<String>>,
    pub(super) read_only: Shared<bool>,
    rolls: Shared<Mutex<()>>,
    writes: Shared<Mutex<()>>,
}

impl Listings {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            secrets: Shared::for_a_while(clock),
            machines: Shared::for_a_while(clock),
            ids: Shared::new(),
            read_only: Shared::new(),
            rolls: Shared::new(),
            writes: Shared::new(),
        }
    }
}

/// An app secret's metadata (Machines API, `AppSecret`). The value is never asked for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AppSecret {
    /// Its name, as given.
    pub name: String,
    /// Opaque; the same for the same value.
    #[serde(default)]
    pub digest: Option<String>,
    /// When it was last written.
    #[serde(default, deserialize_with = "instant")]
    pub updated_at: Option<Timestamp>,
}

/// A machine (Machines API, `Machine`).
///
/// Not `Debug`: its configuration holds environment variables and files.
#[derive(Clone, PartialEq, Deserialize)]
pub struct Machine {
    /// Its id.
    pub id: String,
    /// Its name, which an update must repeat.
    #[serde(default)]
    pub name: Option<String>,
    /// `started`, `stopped`, `suspended`, `created`, `destroyed` and states between them.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub state: String,
    /// Changes with every update; a ULID.
    #[serde(default)]
    pub instance_id: Option<String>,
    /// The region, which an update must repeat.
    #[serde(default)]
    pub region: Option<String>,
    /// `ok`, `unknown` or `unreachable`: whether Fly can reach the host.
    #[serde(default)]
    pub host_status: Option<String>,
    /// The whole configuration; absent while the host is not `ok`.
    #[serde(default)]
    pub config: Option<Value>,
    /// What is known of the configuration meanwhile.
    #[serde(default)]
    pub incomplete_config: Option<Value>,
    /// The newest events.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub events: Vec<MachineEvent>,
    /// The newest results of its health checks.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub checks: Vec<MachineCheck>,
}

/// Something that happened to a machine.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct MachineEvent {
    /// `launch`, `update`, `start`, `exit`, `restart` …
    #[serde(default, rename = "type", deserialize_with = "null_is_empty")]
    pub kind: String,
    /// Milliseconds since 1970.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub timestamp: i64,
    /// Details; for `exit` the exit code.
    #[serde(default)]
    pub request: Option<Value>,
}

/// The result of a machine's health check.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct MachineCheck {
    /// Its name in the app's configuration.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub name: String,
    /// `passing`, `warning` or `critical`.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub status: String,
}

/// An app (Machines API, `App`).
#[derive(Deserialize)]
struct Described {
    #[serde(default)]
    id: Option<String>,
}

#[derive(Deserialize)]
struct SecretList {
    #[serde(default, deserialize_with = "null_is_empty")]
    secrets: Vec<AppSecret>,
}

/// Asks for secrets at least as new as that version of the app's: Fly replicates writes with a delay.
pub(crate) fn at_least(request: Request, version: Option<u64>) -> Request {
    let Some(version) = version.map(|version| version.to_string()) else {
        return request;
    };
    // The specification calls the parameter `min_version`, Fly's own client sends `version`.
    request
        .query("min_version", version.as_str())
        .query("version", version.as_str())
}

impl FlyClient {
    /// The secrets of an app, from the listing that all readers of this run share.
    ///
    /// # Errors
    /// [`CallError`] without effect, with advice about the app.
    pub async fn secrets(&self, app: &str) -> Result<Arc<Vec<AppSecret>>, CallError> {
        self.0.listings.secrets.get(app, || self.secrets_now(app, None)).await
    }

    /// The secrets of an app as they are now, at least as new as `version` (Fly replicates writes with a delay).
    ///
    /// # Errors
    /// As [`Self::secrets`].
    pub async fn secrets_now(&self, app: &str, version: Option<u64>) -> Result<Vec<AppSecret>, CallError> {
        let request = self.request(
            "GET",
            &["apps", app, "secrets"],
            format!("listing secrets of app {app:?}"),
        );
        let response = self
            .read(at_least(request, version))
            .await
            .map_err(|error| self.advise_app(error, app))?;
        Ok(response.json::<SecretList>()?.secrets)
    }

    /// The machines of an app, from the listing that all readers of this run share.
    ///
    /// # Errors
    /// As [`Self::secrets`].
    pub async fn machines(&self, app: &str) -> Result<Arc<Vec<Machine>>, CallError> {
        self.0.listings.machines.get(app, || self.machines_now(app)).await
    }

    /// The machines of an app as they are now.
    ///
    /// # Errors
    /// As [`Self::secrets`].
    pub async fn machines_now(&self, app: &str) -> Result<Vec<Machine>, CallError> {
        let request = self.request(
            "GET",
            &["apps", app, "machines"],
            format!("listing machines of app {app:?}"),
        );
        let response = self.read(request).await.map_err(|error| self.advise_app(error, app))?;
        Ok(response.json::<Option<_>>()?.unwrap_or_default())
    }

    /// Fly's own id of an app, which outlives its name; read once a run. `None` where Fly does not show the app to this token.
    ///
    /// # Errors
    /// [`CallError`] without effect.
    pub async fn app_id(&self, app: &str) -> Result<Option<String>, CallError> {
        let fetch = || async {
            let request = self.request("GET", &["apps", app], format!("reading app {app:?}"));
            match self.read(request).await {
                Ok(response) => Ok(response.json::<Described>()?.id.filter(|id| is_id(id))),
                Err(error) if matches!(error.kind, CallErrorKind::Forbidden | CallErrorKind::NotFound) => Ok(None),
                Err(error) => Err(error),
            }
        };
        Ok((*self.0.listings.ids.get(app, fetch).await?).clone())
    }

    /// Waits until nobody else in this process changes the app's machines; the turn ends when the guard is dropped.
    pub async fn roll_turn(&self, app: &str) -> OwnedMutexGuard<()> {
        turn(&self.0.listings.rolls, app).await
    }

    /// Waits until nobody else in this process writes the app's secrets; the turn ends when the guard is dropped.
    pub async fn write_turn(&self, app: &str) -> OwnedMutexGuard<()> {
        turn(&self.0.listings.writes, app).await
    }

    /// Makes the next readers list the app again; called after every write to it.
    pub fn forget(&self, app: &str) {
        self.0.listings.secrets.forget(app);
        self.0.listings.machines.forget(app);
    }
}

/// It is stored in state, so it must be an id and nothing else.
fn is_id(text: &str) -> bool {
    let permitted = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=64).contains(&text.len()) && text.bytes().all(permitted)
}

async fn turn(turns: &Shared<Mutex<()>>, app: &str) -> OwnedMutexGuard<()> {
    let fresh = || async { Ok::<_, Infallible>(Mutex::new(())) };
    let Ok(turn) = turns.get(app, fresh).await;
    turn.lock_owned().await
}
