//! Makes an app's secrets live: updates its machines one after the other, each only when the one before is healthy.
//!
//! A machine that is proved to run the secrets is not touched, so an interrupted roll is taken up where it ended. What nothing
//! proves is updated, at most twice by one process. No release is made, since Fly publishes no API for that: `fly secrets list`
//! says "Staged" until the next deployment.

use std::time::Duration;

use super::machine;
use super::mark;
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::connection::fly::{FlyClient, Machine, SERVICE};
use crate::stop::Stop;
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

/// How often the machines are listed, to find those that were created or replaced during the roll.
const PASSES: usize = 4;

/// A roll of one app.
pub(super) struct Roll<'a> {
    pub(super) client: &'a FlyClient,
    pub(super) app: &'a str,
    pub(super) patience: Patience,
    /// The version of the app's secrets that every machine must be proved to run.
    pub(super) version: u64,
    pub(super) stop: &'a Stop,
    pub(super) permit: &'a WritePermit,
}

/// What became of one machine.
pub(super) enum Turn {
    Done,
    Stopped,
}

impl Roll<'_> {
    /// Updates all machines that are not proved to run the secrets, and waits until each is healthy.
    pub(super) async fn run(&self) -> Result<Activated, CallError> {
        for pass in 0..PASSES {
            let machines = self.holders().await?;
            let open = machines.iter().filter(|machine| self.is_open(machine)).count();
            if pass > 0 && open == 0 {
                return Ok(self.ended(&machines));
            }
            if let Some(stopped) = self.pass(&machines, pass == 0).await? {
                return Ok(stopped);
            }
            if open == 0 {
                return Ok(self.ended(&machines));
            }
        }
        let what = "machines were created or replaced as fast as they were updated, perhaps by a deployment. Apply again when it has ended";
        let operation = format!("updating the machines of app {:?}", self.app);
        let kind = CallErrorKind::Conflict;
        Err(CallError::new(kind, Effect::Possible, SERVICE, operation, None, what))
    }

    /// The machines that hold the app's secrets, in the order of the roll: first those that already fail with the new value, then
    /// the running ones (if the value is no good, the first shows it), and those whose host cannot be reached last.
    async fn holders(&self) -> Result<Vec<Machine>, CallError> {
        let mut machines = self.client.machines_now(self.app).await?;
        machines.retain(machine::holds_secrets);
        // Another process may have known a later version than this one does.
        for version in machines.iter().filter_map(mark::marked_version) {
            self.client.versions().note_recorded(self.app, version);
        }
        machines.sort_by_key(|machine| {
            let taken = self.is_proved(machine) || mark::is_promised(machine, self.version);
            let failed = taken && !machine::is_well(machine);
            let unreachable = machine::unreachable(machine).is_some();
            (unreachable, !failed, !machine::is_running(machine), machine.id.clone())
        });
        Ok(machines)
    }

    /// Brings these machines to run the secrets; the first pass looks after the health of the others, too. Says how far it came when
    /// it was stopped.
    async fn pass(&self, machines: &[Machine], first: bool) -> Result<Option<Activated>, CallError> {
        let total = machines.len();
        let mut running = total - machines.iter().filter(|machine| self.is_open(machine)).count();
        for machine in machines {
            let is_open = self.is_open(machine);
            if !first && !is_open {
                continue;
            }
            let stopped = || Activated::Stopped(format!("{running} of {total} machines run it"));
            if self.stop.requested() {
                return Ok(Some(stopped()));
            }
            match self.one(machine, is_open).await {
                Ok(Turn::Done) => running += usize::from(is_open),
                Ok(Turn::Stopped) => return Ok(Some(stopped())),
                Err(error) => {
                    return Err(self.client.advise_app(error, self.app).advise(&format!(
                        "{running} of {total} machines run the new value. Fix machine {id} (fly machine status {id} --app {app}), or \
                         destroy it, then apply again: the roll resumes there.",
                        id = machine.id,
                        app = self.app,
                    )));
                }
            }
        }
        Ok(None)
    }

    /// How it ends when no machine is left to update.
    fn ended(&self, machines: &[Machine]) -> Activated {
        let unproved = machines.iter().filter(|machine| !self.is_proved(machine));
        let unproved: Vec<&str> = unproved.map(|machine| machine.id.as_str()).collect();
        if unproved.is_empty() {
            return Activated::Live;
        }
        Activated::Unproved(format!(
            "This apply updated every machine of Fly app {app}, but cannot prove that these still run the new value: {list}. They were \
             updated twice, and something else updated them after that, perhaps a deployment. If one may have started with older \
             secrets, run `fly secrets deploy --app {app}`.",
            app = self.app,
            list = unproved.join(", "),
        ))
    }

    pub(super) fn is_proved(&self, machine: &Machine) -> bool {
        mark::is_proved(self.client.versions(), self.app, machine, self.version)
    }

    /// Whether the machine has to be updated: nothing proves what it runs, and this process has not tried often enough.
    pub(super) fn is_open(&self, machine: &Machine) -> bool {
        mark::is_open(self.client.versions(), self.app, machine, self.version)
    }
}
