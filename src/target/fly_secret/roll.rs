//! Makes an app's secrets live: updates its machines one after the other, each only when the one before is healthy.
//!
//! A machine that already runs the newest secrets is not touched, so an interrupted roll is taken up where it ended. No
//! release is made, since Fly publishes no API for that: `fly secrets list` says "Staged" until the next deployment.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::lease::Lease;
use super::machine::{self, Health};
use super::others;
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::connection::fly::{FlyClient, Machine, SERVICE};
use crate::executor::Stop;
use crate::target::Activated;

/// How long a roll waits for what.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a machine to start and pass its checks; flyctl's `--wait-timeout` is the same.
    pub healthy: Duration,
    /// How long a machine without checks must run before it counts as healthy.
    pub lasting: Duration,
    /// For somebody else's lease to end.
    pub lease: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            healthy: Duration::from_secs(300),
            lasting: Duration::from_secs(5),
            lease: Duration::from_secs(90),
        }
    }
}

/// Between two looks at a machine; Fly allows five a second.
const LOOK: Duration = Duration::from_millis(500);

/// A roll of one app.
pub(super) struct Roll<'a> {
    pub(super) client: &'a FlyClient,
    pub(super) app: &'a str,
    pub(super) patience: Patience,
    /// The version of the app's secrets that every machine must have seen; Fly replicates them with a delay.
    pub(super) version: Option<u64>,
    pub(super) stop: &'a Stop,
    pub(super) permit: &'a WritePermit,
}

/// What became of one machine.
enum Turn {
    Done,
    Stopped,
}

/// What to wait for at one machine.
struct Watch<'a> {
    id: &'a str,
    operation: &'a str,
    /// The update is this roll's own; otherwise an earlier one has made it.
    ours: bool,
    /// The instance that our update replaces, where it is told apart from the one before.
    replaced: Option<&'a str>,
}

impl Roll<'_> {
    /// Rolls all machines that do not run the newest of the app's secrets, and looks whether the others are healthy.
    pub(super) async fn run(&self) -> Result<Activated, CallError> {
        let secrets = self.client.secrets_now(self.app, self.version).await?;
        // The newest of all, because one roll serves every secret of the app. Without any time, every machine is updated.
        let written = secrets.iter().filter_map(|secret| secret.updated_at).max();
        let mut machines = self.client.machines_now(self.app).await?;
        machines.retain(machine::holds_secrets);
        // First those that fail with the new value already, then the running ones: if the value is no good, the first shows it.
        let failed = |machine: &Machine| is_done(machine, written) && !machine::is_well(machine);
        machines.sort_by_key(|machine| (!failed(machine), !machine::is_running(machine), machine.id.clone()));
        let total = machines.len();
        let mut running = machines.iter().filter(|machine| is_done(machine, written)).count();
        for machine in &machines {
            let stopped = || Activated::Stopped(format!("{running} of {total} machines run it"));
            if self.stop.requested() {
                return Ok(stopped());
            }
            match self.one(machine, written).await {
                Ok(Turn::Done) => running += usize::from(!is_done(machine, written)),
                Ok(Turn::Stopped) => return Ok(stopped()),
                Err(error) => {
                    return Err(self.client.advise_app(error, self.app).advise(&format!(
                        "Apart from this machine, {running} of {total} run the new value; no other was touched. \
                         Fix it (fly machine status {} --app {}) and apply again: the roll goes on where it ended.",
                        machine.id, self.app
                    )));
                }
            }
        }
        Ok(Activated::Live)
    }

    /// Brings one machine to run the newest secrets, healthily.
    async fn one(&self, machine: &Machine, written: Option<Timestamp>) -> Result<Turn, CallError> {
        if is_done(machine, written) {
            let operation = format!("waiting for machine {:?} of app {:?}", machine.id, self.app);
            let watch = Watch {
                id: &machine.id,
                operation: &operation,
                ours: false,
                replaced: None,
            };
            if machine::is_running(machine) {
                self.until_healthy(&watch, None).await?;
            } else if let Some(why) = machine::began_at(machine).and_then(|since| machine::crash(machine, since)) {
                return Err(unhealthy(&watch, &format!("{why}, and it is {}", machine.state)));
            }
            return Ok(Turn::Done);
        }
        let patience = self.patience.lease;
        let lease = Lease::acquire(self.client, self.app, &machine.id, patience, self.stop, self.permit).await?;
        let Some(mut lease) = lease else {
            return Ok(Turn::Stopped);
        };
        let result = self.under_lease(&machine.id, written, &mut lease).await;
        lease.release(self.permit).await;
        result.map(|()| Turn::Done)
    }

    async fn under_lease(&self, id: &str, written: Option<Timestamp>, lease: &mut Lease<'_>) -> Result<(), CallError> {
        let operation = format!("updating machine {id:?} of app {:?}", self.app);
        let machine = self.look(id).await?;
        // Whoever held the lease before us may have done the work, or away with the machine.
        if !machine::holds_secrets(&machine) || is_done(&machine, written) {
            return Ok(());
        }
        let refuse = |what: &str| {
            CallError::new(
                CallErrorKind::Unavailable,
                Effect::None,
                SERVICE,
                &*operation,
                None,
                what,
            )
        };
        if let Some(status) = machine.host_status.as_deref().filter(|status| *status != "ok") {
            let what = format!("its host is {status}, so that its configuration cannot be read; it was not changed");
            return Err(refuse(&what));
        }
        let body = self.update_of(&machine);
        let body = body.ok_or_else(|| refuse("Fly gives no configuration of it; it was not changed"))?;
        let segments = ["apps", self.app, "machines", id];
        // What else the configuration holds is as little to be shown as our own values, and Fly may repeat it.
        let _known = others::values(&machine);
        let request = lease
            .sign(self.client.request("POST", &segments, &*operation))
            .secret_answer()
            .json(&body);
        let mut replaced = machine.instance_id.as_deref();
        match self.client.write(request, self.permit).await {
            // Who answers with the instance that was there shows no other one later either.
            Ok(answer) => {
                let answered = answer.json::<Machine>().ok().and_then(|updated| updated.instance_id);
                replaced = replaced.filter(|replaced| answered.as_deref() != Some(*replaced));
            }
            // The answer is lost; the machine tells whether the update is.
            Err(error) if error.effect == Effect::Possible => {
                if self.look(id).await?.instance_id == machine.instance_id {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
        if !machine::is_running(&machine) {
            return Ok(());
        }
        let watch = Watch {
            id,
            operation: &operation,
            ours: true,
            replaced,
        };
        self.until_healthy(&watch, Some(lease)).await
    }

    /// The whole configuration as it was, to be applied again: that is what gives a machine its new secrets.
    fn update_of(&self, machine: &Machine) -> Option<Value> {
        let mut body = Map::new();
        body.insert("config".to_owned(), machine.config.clone()?);
        let mut set = |name: &str, value: Option<Value>| value.and_then(|value| body.insert(name.to_owned(), value));
        set("name", machine.name.as_deref().map(Value::from));
        set("region", machine.region.as_deref().map(Value::from));
        set("current_version", machine.instance_id.as_deref().map(Value::from));
        set("min_secrets_version", self.version.map(Value::from));
        set("skip_launch", (!machine::is_running(machine)).then_some(json!(true)));
        Some(Value::Object(body))
    }

    async fn until_healthy(&self, watch: &Watch<'_>, mut lease: Option<&mut Lease<'_>>) -> Result<(), CallError> {
        let clock = self.client.clock();
        let deadline = clock.deadline(self.patience.healthy);
        let mut lasting = None;
        loop {
            let looked = self.look(watch.id).await;
            let missing = match looked.map(|machine| self.health(watch, &machine)) {
                Ok(Health::Passing) => return Ok(()),
                Ok(Health::Running) => {
                    let until = lasting.get_or_insert_with(|| clock.deadline(self.patience.lasting));
                    if until.passed() {
                        return Ok(());
                    }
                    None
                }
                Ok(Health::Waiting(missing)) => Some(missing),
                Ok(Health::Failing(why)) => return Err(unhealthy(watch, &why)),
                // Right after an update a machine can be missing for a moment.
                Err(error) if error.kind == CallErrorKind::NotFound => Some("it is missing".to_owned()),
                Err(error) => return Err(error),
            };
            if let Some(missing) = missing {
                lasting = None;
                if deadline.passed() {
                    let waited = machine::seconds(self.patience.healthy);
                    return Err(unhealthy(watch, &format!("{missing}; waited {waited}")));
                }
            }
            clock.sleep(LOOK).await;
            if let Some(lease) = &mut lease {
                lease.keep(self.permit).await?;
            }
        }
    }

    fn health(&self, watch: &Watch<'_>, machine: &Machine) -> Health {
        let now = self.client.clock().real_now();
        if watch.ours {
            if watch.replaced.is_some() && machine.instance_id.as_deref() == watch.replaced {
                return Health::Waiting("its new version has not appeared".to_owned());
            }
            return machine::health(machine, machine::applied_at(machine).unwrap_or(now));
        }
        // An earlier roll's update: what went wrong before it last began is over, and if it has lasted since, it is well.
        let since = machine::began_at(machine).unwrap_or(now);
        match machine::health(machine, since) {
            Health::Running
                if Duration::try_from(now.duration_since(since)).is_ok_and(|age| age >= self.patience.lasting) =>
            {
                Health::Passing
            }
            health => health,
        }
    }

    async fn look(&self, id: &str) -> Result<Machine, CallError> {
        let operation = format!("looking at machine {id:?} of app {:?}", self.app);
        let request = self
            .client
            .request("GET", &["apps", self.app, "machines", id], operation);
        self.client.read(request).await?.json()
    }
}

fn is_done(machine: &Machine, written: Option<Timestamp>) -> bool {
    written.is_some_and(|written| machine::runs(machine, written) == Some(true))
}

fn unhealthy(watch: &Watch<'_>, what: &str) -> CallError {
    let message = format!("it has taken the new value, but {what}");
    CallError::new(
        CallErrorKind::Unhealthy,
        Effect::Possible,
        SERVICE,
        watch.operation,
        None,
        &message,
    )
}
