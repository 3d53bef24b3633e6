//! One machine's turn in a roll: the update under a lease, and the mark that proves it later.

use serde_json::{Map, Value, json};

use super::health::Watch;
use super::lease::Lease;
use super::roll::{Roll, Turn};
use super::{machine, mark, others};
use crate::call::{CallError, CallErrorKind, Effect};
use crate::connection::fly::{Machine, SERVICE};

impl Roll<'_> {
    /// Brings one machine to run the secrets, healthily.
    pub(super) async fn one(&self, machine: &Machine, is_open: bool) -> Result<Turn, CallError> {
        if !is_open {
            self.wait_for_earlier_update(machine).await?;
            return Ok(Turn::Done);
        }
        self.refuse_unreachable(machine)?;
        if mark::is_promised(machine, self.version) {
            // Not to be updated in its sleep, and passed over, when it is down because of the new value.
            self.refuse_crashed(machine)?;
        }
        let patience = self.patience.lease;
        let lease = Lease::acquire(self.client, self.app, &machine.id, patience, self.stop, self.permit).await?;
        let Some(mut lease) = lease else {
            return Ok(Turn::Stopped);
        };
        let result = self.under_lease(&machine.id, &mut lease).await;
        lease.release(self.permit).await;
        result.map(|()| Turn::Done)
    }

    fn refuse_unreachable(&self, machine: &Machine) -> Result<(), CallError> {
        let Some(status) = machine::unreachable(machine) else {
            return Ok(());
        };
        let what = format!(
            "Fly reports the machine's host as {status}, so its configuration cannot be read. It was not changed and may run the \
             old value"
        );
        Err(self.refusal(&machine.id, &what))
    }

    fn refusal(&self, id: &str, what: &str) -> CallError {
        let kind = CallErrorKind::Conflict;
        CallError::new(kind, Effect::None, SERVICE, self.updating(id), None, what)
    }

    fn updating(&self, id: &str) -> String {
        format!("updating machine {id:?} of app {:?}", self.app)
    }

    async fn under_lease(&self, id: &str, lease: &mut Lease<'_>) -> Result<(), CallError> {
        let before = self.look(id).await?;
        // Whoever held the lease before us may have done the work, or away with the machine.
        if !machine::holds_secrets(&before) || !self.is_open(&before) {
            return Ok(());
        }
        self.refuse_unreachable(&before)?;
        let version = mark::asked(self.client.versions(), self.app, self.version);
        let replaced = before.instance_id.clone().unwrap_or_default();
        let promise = mark::promise(&replaced, version);
        let body = update_of(&before, version, &promise);
        let body = body.ok_or_else(|| self.refusal(id, "Fly gives no configuration of it, so it was not changed"))?;
        let segments = ["apps", self.app, "machines", id];
        // What else the configuration holds is as little to be shown as our own values, and Fly may repeat it.
        let _known = others::values(&before);
        let request = lease
            .sign(self.client.request("POST", &segments, self.updating(id)))
            .secret_answer()
            .json(&body);
        let after = match self.client.write(request, self.permit).await {
            Ok(answer) => match answer.json::<Machine>() {
                Ok(after) => after,
                Err(_) => self.look(id).await?,
            },
            // The answer is lost. The machine tells whether it has the configuration that this update, and no other, carried.
            Err(error) if error.effect == Effect::Possible => {
                let after = self.look(id).await?;
                if mark::found(&after) != Some(promise.as_str()) {
                    return Err(error);
                }
                after
            }
            Err(error) => return Err(error),
        };
        let instance = after.instance_id.unwrap_or_default();
        self.client.versions().note_update(self.app, id, &instance, version);
        // An instance that stayed the same would make the mark count for updates that are not ours.
        let mark = (instance != replaced && !instance.is_empty()).then(|| mark::mark(&instance, version));
        if let Some(mark) = &mark {
            self.write_mark(id, &instance, mark, lease).await;
        }
        let seen = if machine::is_running(&before) {
            let operation = self.updating(id);
            let watch = Watch {
                id,
                operation: &operation,
                ours: true,
                replaced: mark.is_some().then_some(replaced.as_str()),
            };
            self.until_healthy(&watch, Some(lease)).await?
        } else {
            self.look(id).await?
        };
        // Should writing the mark itself change the instance, the new one is ours as well: it carries our mark.
        if let (Some(instance), true) = (
            &seen.instance_id,
            mark.is_some() && mark.as_deref() == mark::found(&seen),
        ) {
            self.client.versions().note_instance(self.app, id, instance);
        }
        Ok(())
    }

    /// Writes the mark, if the machine still has that instance. Without it a later process updates the machine again, which does no
    /// harm.
    async fn write_mark(&self, id: &str, instance: &str, mark: &str, lease: &Lease<'_>) {
        let segments = ["apps", self.app, "machines", id, "metadata"];
        let operation = format!("marking machine {id:?} of app {:?}", self.app);
        let body = json!({ "metadata": { mark::KEY: mark }, "machine_version": instance });
        let request = lease.sign(self.client.request("PUT", &segments, operation)).json(&body);
        if let Err(error) = self.client.write(request, self.permit).await {
            tracing::warn!(%error, "a later apply will not know that this machine was updated, and may update it again");
        }
    }

    pub(super) async fn look(&self, id: &str) -> Result<Machine, CallError> {
        let operation = format!("looking at machine {id:?} of app {:?}", self.app);
        let request = self
            .client
            .request("GET", &["apps", self.app, "machines", id], operation);
        self.client.read(request).await?.json()
    }
}

/// The whole configuration as it was, to be applied again: that is what gives a machine its new secrets.
fn update_of(machine: &Machine, version: u64, promise: &str) -> Option<Value> {
    let config = machine.config.clone().filter(Value::is_object)?;
    let mut body = Map::new();
    body.insert("config".to_owned(), mark::marked(config, promise.to_owned()));
    body.insert("min_secrets_version".to_owned(), version.into());
    let mut set = |name: &str, value: Option<Value>| value.and_then(|value| body.insert(name.to_owned(), value));
    set("name", machine.name.as_deref().map(Value::from));
    set("region", machine.region.as_deref().map(Value::from));
    set("current_version", machine.instance_id.as_deref().map(Value::from));
    set("skip_launch", (!machine::is_running(machine)).then_some(json!(true)));
    Some(Value::Object(body))
}
