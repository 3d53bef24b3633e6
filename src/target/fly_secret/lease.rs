//! The lease on a machine: nobody else changes it meanwhile. It ends by itself soon after we die.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::clock::{Deadline, Next};
use crate::connection::fly::{FlyClient, SERVICE};
use crate::http::Request;
use crate::stop::Stop;

/// How long a lease lasts unless it is renewed, in seconds. Longer than one call may take.
const LIFE: u64 = 45;

/// After which time it is renewed.
const RENEWAL: Duration = Duration::from_secs(15);

/// Between two attempts on a machine that somebody else has leased.
const PAUSE: Duration = Duration::from_secs(2);

/// The header that proves the lease.
const NONCE: &str = "fly-machine-lease-nonce";

/// A held lease. [`Lease::release`] must be called; if it cannot be, the lease ends after [`LIFE`].
pub(super) struct Lease<'a> {
    client: &'a FlyClient,
    app: &'a str,
    machine: &'a str,
    nonce: String,
    renewal: Deadline,
}

/// On the wire the lease is inside `data`; Fly's specification declares it flat. Both are read.
#[derive(Deserialize)]
struct Answer {
    data: Option<Nonce>,
    nonce: Option<String>,
}

#[derive(Deserialize)]
struct Nonce {
    nonce: String,
}

impl<'a> Lease<'a> {
    /// Takes the lease, waiting up to `patience` while somebody else holds it. `None` when `stop` was set meanwhile.
    pub(super) async fn acquire(
        client: &'a FlyClient,
        app: &'a str,
        machine: &'a str,
        patience: Duration,
        stop: &Stop,
        permit: &WritePermit,
    ) -> Result<Option<Self>, CallError> {
        let mut polling = client.clock().polling(patience, PAUSE..=PAUSE);
        loop {
            match Self::request(client, app, machine, None, permit).await {
                Ok(nonce) => {
                    return Ok(Some(Self {
                        client,
                        app,
                        machine,
                        nonce,
                        renewal: client.clock().deadline(RENEWAL),
                    }));
                }
                // After a lost answer the lease may be ours, but without its nonce: it has to end first.
                Err(error) if is_held(&error) => match polling.again_unless(stop.wait()).await {
                    Next::Look => {}
                    Next::Interrupted => return Ok(None),
                    Next::TimeIsOver => {
                        return Err(error.advise(
                            "Something else holds the machine's lease, perhaps a deployment. Apply again when it has finished.",
                        ));
                    }
                },
                Err(error) => return Err(error),
            }
        }
    }

    /// Renews the lease when it is time to.
    pub(super) async fn keep(&mut self, permit: &WritePermit) -> Result<(), CallError> {
        if self.renewal.passed() {
            self.nonce = Self::request(self.client, self.app, self.machine, Some(&self.nonce), permit).await?;
            self.renewal = self.client.clock().deadline(RENEWAL);
        }
        Ok(())
    }

    /// Adds the proof to a request.
    pub(super) fn sign(&self, request: Request) -> Request {
        request.header(NONCE, self.nonce.as_str())
    }

    /// Gives the lease back. A failure does no harm: it ends by itself.
    pub(super) async fn release(self, permit: &WritePermit) {
        let operation = format!(
            "releasing the lease on machine {:?} of app {:?}",
            self.machine, self.app
        );
        let segments = ["apps", self.app, "machines", self.machine, "lease"];
        let request = self.sign(self.client.request("DELETE", &segments, operation));
        if let Err(error) = self.client.write(request.accept(&[404]), permit).await {
            tracing::warn!(%error, "a machine's lease ends by itself in {LIFE} seconds");
        }
    }

    async fn request(
        client: &FlyClient,
        app: &str,
        machine: &str,
        nonce: Option<&str>,
        permit: &WritePermit,
    ) -> Result<String, CallError> {
        let operation = format!("leasing machine {machine:?} of app {app:?}");
        // Fly's documentation sends the time to live in the body, its own client in the query.
        let mut request = client
            .request("POST", &["apps", app, "machines", machine, "lease"], &*operation)
            .query("ttl", LIFE.to_string())
            .json(&json!({ "ttl": LIFE, "description": "rotation_secret" }));
        if let Some(nonce) = nonce {
            request = request.header(NONCE, nonce);
        }
        let answer: Answer = client.write(request, permit).await?.json()?;
        answer.data.map(|data| data.nonce).or(answer.nonce).ok_or_else(|| {
            let what = "the answer has no nonce";
            CallError::malformed(SERVICE, operation, Effect::Possible, what)
        })
    }
}

fn is_held(error: &CallError) -> bool {
    error.kind == CallErrorKind::Conflict || error.effect == Effect::Possible
}
