//! A deployment that makes consumers load new values: ordered once, followed to its end.
//!
//! Any deployment that begins after the delivery has the value, so that one that appears after a lost answer counts, whoever ordered
//! it. One that was under way before does not: it is waited for, and then another is ordered.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;

use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::check::{CheckFailure, Patience};
use crate::clock::{Clock, Deadline, Next};
use crate::secret::redact;
use crate::stop::Stop;

/// How long a deployment is looked for whose id is not known.
const APPEARS_WITHIN: Duration = Duration::from_secs(60);

/// Pauses between looks.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Patience when the user sets none: builds take minutes, and a failed deployment is shown to people.
pub(super) const PATIENCE: Patience = Patience {
    timeout: Duration::from_secs(30 * 60),
    retry_for: Duration::ZERO,
};

/// How the platform took the order.
pub(super) enum Order {
    /// It began, under that id.
    Began(String),
    /// It will begin, under an id that is not told.
    Queued,
    /// Another one is under way, and this order was refused.
    Busy,
}

/// What a status means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// It goes on.
    UnderWay,
    /// It is live.
    Live,
    /// It ended otherwise.
    Failed,
}

/// Something that is deployed as a whole.
#[async_trait]
pub(super) trait Deployed: Send + Sync {
    /// What it is called in texts: `Render service srv-1`.
    fn noun(&self) -> String;

    /// The clock.
    fn clock(&self) -> Clock;

    /// The ids of its newest deployments, the one that is under way among them. Read only.
    async fn newest(&self) -> Result<BTreeSet<String>, CallError>;

    /// Orders a deployment.
    async fn order(&self, permit: &WritePermit) -> Result<Order, CallError>;

    /// The status of a deployment, in the platform's words, and what it means. Read only.
    async fn status(&self, id: &str) -> Result<(String, Progress), CallError>;
}

/// Why a deployment did not go live.
enum Shortfall {
    /// It ended: another may be ordered.
    Failed(String),
    /// Another could meet one that goes on, or would fail likewise.
    Lasting(String),
    /// The end was asked for.
    Interrupted(String),
}

impl Shortfall {
    fn of(error: &CallError) -> Self {
        Self::Lasting(CheckFailure::of_call(error).message)
    }
}

/// Deploys all of them at once.
///
/// # Errors
/// What is known of each that did not go live.
pub(super) async fn deploy_all(
    deployed: &[Box<dyn Deployed>],
    patience: Patience,
    stop: &Stop,
    permit: &WritePermit,
) -> Result<(), CheckFailure> {
    let runs = deployed.iter().map(|one| deploy(one.as_ref(), patience, stop, permit));
    let failures: Vec<_> = join_all(runs).await.into_iter().filter_map(Result::err).collect();
    if failures.is_empty() {
        return Ok(());
    }
    let messages: Vec<_> = failures.iter().map(|failure| failure.message.as_str()).collect();
    Err(CheckFailure {
        message: messages.join(" "),
        interrupted: failures.iter().all(|failure| failure.interrupted),
    })
}

/// Deploys it, again while it fails and the patience lasts.
async fn deploy(
    deployed: &dyn Deployed,
    patience: Patience,
    stop: &Stop,
    permit: &WritePermit,
) -> Result<(), CheckFailure> {
    let retry_until = deployed.clock().deadline(patience.retry_for);
    loop {
        let (message, interrupted) = match attempt(deployed, patience.timeout, stop, permit).await {
            Ok(()) => return Ok(()),
            Err(Shortfall::Failed(_)) if !retry_until.passed() => continue,
            Err(Shortfall::Failed(message) | Shortfall::Lasting(message)) => (message, false),
            Err(Shortfall::Interrupted(message)) => (message, true),
        };
        return Err(CheckFailure {
            message: redact(&message),
            interrupted,
        });
    }
}

async fn attempt(
    deployed: &dyn Deployed,
    timeout: Duration,
    stop: &Stop,
    permit: &WritePermit,
) -> Result<(), Shortfall> {
    let deadline = deployed.clock().deadline(timeout);
    let mut polling = deployed.clock().polling_until(deadline, FIRST_PAUSE..=LONGEST_PAUSE);
    let noun = deployed.noun();
    let id = loop {
        if stop.requested() {
            return Err(Shortfall::Interrupted(format!("{noun} was not deployed: interrupted.")));
        }
        let before = deployed.newest().await.map_err(|error| Shortfall::of(&error))?;
        match deployed.order(permit).await {
            Ok(Order::Began(id)) => break id,
            Ok(Order::Queued) => match find(deployed, &before, deadline, stop).await? {
                Some(id) => break id,
                None => {
                    return Err(Shortfall::Lasting(format!(
                        "{noun} took the order for a deployment, but none appeared within {} seconds. Look for it there before you \
                         apply again.",
                        APPEARS_WITHIN.as_secs()
                    )));
                }
            },
            Ok(Order::Busy) => match polling.again_unless(stop.wait()).await {
                Next::Look => {}
                Next::TimeIsOver => {
                    return Err(Shortfall::Lasting(format!(
                        "{noun} was not deployed: another deployment has been under way for {} seconds. Wait until it has ended, \
                         then apply again.",
                        timeout.as_secs()
                    )));
                }
                Next::Interrupted => {
                    return Err(Shortfall::Interrupted(format!(
                        "{noun} was not deployed: interrupted while another deployment was under way."
                    )));
                }
            },
            Err(error) if error.effect == Effect::Possible => match find(deployed, &before, deadline, stop).await? {
                Some(id) => break id,
                None => {
                    return Err(Shortfall::Lasting(format!(
                        "{} No deployment has appeared, so it was probably not ordered; the order was not repeated. Apply again.",
                        CheckFailure::of_call(&error).message
                    )));
                }
            },
            Err(error) => return Err(Shortfall::of(&error)),
        }
    };
    follow(deployed, &id, timeout, deadline, stop).await
}

/// A deployment that was not there before.
async fn find(
    deployed: &dyn Deployed,
    before: &BTreeSet<String>,
    deadline: Deadline,
    stop: &Stop,
) -> Result<Option<String>, Shortfall> {
    let until = deployed.clock().deadline(APPEARS_WITHIN.min(deadline.remaining()));
    let mut polling = deployed.clock().polling_until(until, FIRST_PAUSE..=LONGEST_PAUSE);
    loop {
        match deployed.newest().await {
            Ok(now) => {
                if let Some(id) = now.difference(before).next() {
                    return Ok(Some(id.clone()));
                }
            }
            Err(error) if error.is_passing() => {}
            Err(error) => return Err(Shortfall::of(&error)),
        }
        match polling.again_unless(stop.wait()).await {
            Next::Look => {}
            Next::TimeIsOver => return Ok(None),
            Next::Interrupted => {
                return Err(Shortfall::Interrupted(format!(
                    "A deployment of {} may have begun; it was looked for when the interrupt came.",
                    deployed.noun()
                )));
            }
        }
    }
}

/// Looks at a deployment until it has ended.
async fn follow(
    deployed: &dyn Deployed,
    id: &str,
    timeout: Duration,
    deadline: Deadline,
    stop: &Stop,
) -> Result<(), Shortfall> {
    let noun = deployed.noun();
    let mut seen = "not seen yet".to_owned();
    let mut polling = deployed.clock().polling_until(deadline, FIRST_PAUSE..=LONGEST_PAUSE);
    loop {
        match deployed.status(id).await {
            Ok((_, Progress::Live)) => return Ok(()),
            Ok((status, Progress::Failed)) => {
                return Err(Shortfall::Failed(format!(
                    "Deployment {id} of {noun} ended as {status:?}, so its consumers do not use the new value yet. See its log there."
                )));
            }
            Ok((status, Progress::UnderWay)) => seen = status,
            Err(error) if error.is_passing() => seen = format!("not known: {error}"),
            // Its own page may lag behind the answer that named it.
            Err(error) if error.kind == CallErrorKind::NotFound && !polling.is_settled() => {}
            Err(error) => return Err(Shortfall::of(&error)),
        }
        match polling.again_unless(stop.wait()).await {
            Next::Look => {}
            Next::TimeIsOver => {
                return Err(Shortfall::Lasting(format!(
                    "Deployment {id} of {noun} has not ended within {} seconds; its status is {seen}. It continues; raise timeout, or \
                     see what it waits for.",
                    timeout.as_secs()
                )));
            }
            Next::Interrupted => {
                return Err(Shortfall::Interrupted(format!(
                    "Deployment {id} of {noun} began and was not waited for because of the interrupt."
                )));
            }
        }
    }
}
