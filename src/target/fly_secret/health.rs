//! Waits until a machine is healthy after an update.

use std::time::Duration;

use super::lease::Lease;
use super::machine::{self, Health};
use super::roll::Roll;
use crate::call::{CallError, CallErrorKind, Effect};
use crate::connection::fly::{Machine, SERVICE};

/// Between two looks at a machine; Fly allows five a second.
const LOOK: Duration = Duration::from_millis(500);

/// What to wait for at one machine.
pub(super) struct Watch<'a> {
    pub(super) id: &'a str,
    pub(super) operation: &'a str,
    /// The update is this roll's own; otherwise an earlier one has made it.
    pub(super) ours: bool,
    /// The instance that our update replaces, where it is told apart from the one before.
    pub(super) replaced: Option<&'a str>,
}

impl Roll<'_> {
    /// Waits for a machine that an earlier update, of this process or another, has brought to run the secrets.
    pub(super) async fn wait_for_earlier_update(&self, machine: &Machine) -> Result<(), CallError> {
        self.refuse_crashed(machine)?;
        if machine::is_running(machine) {
            let operation = self.waiting_for(machine);
            let watch = Watch {
                id: &machine.id,
                operation: &operation,
                ours: false,
                replaced: None,
            };
            self.until_healthy(&watch, None).await?;
        }
        Ok(())
    }

    /// A machine that took the new value, gave up and stopped is no machine that rests.
    pub(super) fn refuse_crashed(&self, machine: &Machine) -> Result<(), CallError> {
        let began = machine::began_at(machine).filter(|_| !machine::is_running(machine));
        match began.and_then(|since| machine::crash(machine, since)) {
            Some(why) => {
                let what = format!("{why}, and it is {}", machine.state);
                Err(unhealthy(&self.waiting_for(machine), &what))
            }
            None => Ok(()),
        }
    }

    fn waiting_for(&self, machine: &Machine) -> String {
        format!("waiting for machine {:?} of app {:?}", machine.id, self.app)
    }

    /// Waits until the machine is healthy; gives it as it was seen last.
    pub(super) async fn until_healthy(
        &self,
        watch: &Watch<'_>,
        mut lease: Option<&mut Lease<'_>>,
    ) -> Result<Machine, CallError> {
        let clock = self.client.clock();
        let mut polling = clock.polling(self.patience.healthy, LOOK..=LOOK);
        let mut lasting = None;
        loop {
            let missing = match self.look(watch.id).await {
                Ok(machine) => match self.health(watch, &machine) {
                    Health::Passing => return Ok(machine),
                    Health::Running => {
                        let lasting = lasting.get_or_insert_with(|| clock.polling(self.patience.lasting, LOOK..=LOOK));
                        if !lasting.again().await {
                            return Ok(machine);
                        }
                        None
                    }
                    Health::Waiting(missing) => Some(missing),
                    Health::Failing(why) => return Err(unhealthy(watch.operation, &why)),
                },
                // Right after an update a machine can be missing for a moment.
                Err(error) if error.kind == CallErrorKind::NotFound => Some("it is missing".to_owned()),
                Err(error) => return Err(error),
            };
            if let Some(missing) = missing {
                lasting = None;
                if !polling.again().await {
                    let waited = machine::seconds(self.patience.healthy);
                    return Err(unhealthy(watch.operation, &format!("{missing}; waited {waited}")));
                }
            }
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
        // An earlier update: what went wrong before it last began is over, and if it has lasted since, it is well.
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
}

fn unhealthy(operation: &str, what: &str) -> CallError {
    let message = format!("it has taken the new value, but {what}");
    CallError::new(
        CallErrorKind::Unhealthy,
        Effect::Possible,
        SERVICE,
        operation,
        None,
        &message,
    )
}
