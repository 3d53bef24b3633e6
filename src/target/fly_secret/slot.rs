//! One secret of one app: what it holds, and writing it.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;

use super::parts_of;
use super::roll::{Patience, Roll};
use super::{machine, mark};
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::connection::fly::{AppSecret, FlyClient, Machine, SERVICE, at_least};
use crate::connection::serde_helpers::null_is_empty;
use crate::rotation::{Entry, RevisionKind};
use crate::stop::Stop;
use crate::target::{Activated, Delivery, Escrowed, Receipt, Slot, Target};

/// How long a write may take to show in listings.
const REPLICATION: Duration = Duration::from_secs(20);

/// Between two looks for it.
const LOOK: Duration = Duration::from_millis(500);

/// A secret of an app.
pub struct FlySecret {
    client: FlyClient,
    app: String,
    name: String,
    stage: bool,
    patience: Patience,
}

/// The answer to a write (Machines API, `AppSecretsUpdateResp`). `Version` is the deprecated twin of `version`; both come.
#[derive(Deserialize)]
struct Written {
    #[serde(default, deserialize_with = "null_is_empty")]
    secrets: Vec<AppSecret>,
    version: Option<u64>,
    #[serde(rename = "Version")]
    old_version: Option<u64>,
}

impl Written {
    fn version(&self) -> Option<u64> {
        self.version.or(self.old_version)
    }
}

impl FlySecret {
    /// The secret `name` of `app`. With `stage` the machines are never touched.
    pub fn new(client: FlyClient, app: &str, name: &str, stage: bool, patience: Patience) -> Self {
        Self {
            client,
            app: app.to_owned(),
            name: name.to_owned(),
            stage,
            patience,
        }
    }

    /// The secret, and how many machines are proved to run it since the write that made `version` of the app's secrets.
    fn entry(&self, secret: &AppSecret, machines: &[Machine], version: Option<u64>) -> Entry {
        let proved = |machine: &Machine| {
            let proved = mark::proved(self.client.versions(), &self.app, machine);
            version.is_some() && proved >= version
        };
        let deployed = |machine: &Machine| {
            let written = secret.updated_at.filter(|_| self.stage);
            written.is_some_and(|written| machine::deployed_after(machine, written))
        };
        let holders: Vec<&Machine> = machines
            .iter()
            .filter(|machine| machine::holds_secrets(machine))
            .collect();
        let running = holders.iter().filter(|machine| proved(machine) || deployed(machine));
        let running: Vec<&Machine> = running.copied().collect();
        // A deployment looks after its own machines; of a roll of ours that failed, only health tells that it has come right.
        let well = |machine: &&&Machine| self.stage || machine::is_well(machine);
        let (total, running, well) = (holders.len(), running.len(), running.iter().filter(well).count());
        let detail = match (total, running, well) {
            (0, _, _) => Some("the app has no machines: its next deployment takes it".to_owned()),
            _ if well < running => Some(format!("{running} of {total} machines run it, {well} of them healthy")),
            _ if running < total && self.stage => Some(format!(
                "{running} of {total} machines were deployed at least {} after the write",
                machine::seconds(machine::DEPLOYMENT_MARGIN)
            )),
            _ if running < total => Some(format!("{running} of {total} machines run it")),
            _ => None,
        };
        Entry {
            revision: secret.digest.clone().filter(|digest| !digest.is_empty()),
            kind: RevisionKind::Digest,
            label: None,
            modified_at: secret.updated_at,
            live: Some(well == total),
            detail,
            is_unreadable: false,
            exposed: None,
        }
    }

    /// From the listings that all readers of this run share; `live` and `detail` are about that version of the app's secrets.
    async fn listed(&self, version: Option<u64>) -> Result<Option<Entry>, CallError> {
        let secrets = self.client.secrets(&self.app).await?;
        let Some(secret) = secrets.iter().find(|secret| secret.name == self.name) else {
            return Ok(None);
        };
        let machines = self.client.machines(&self.app).await?;
        Ok(Some(self.entry(secret, &machines, version)))
    }

    /// The version in a stored revision, from now on known to every roll of the app.
    fn recorded(&self, revision: &str) -> Option<u64> {
        let version = version_of(revision)?;
        self.client.versions().note_recorded(&self.app, version);
        Some(version)
    }

    /// The secret by a direct read, at least as new as that version of the app's secrets.
    async fn look(&self, version: Option<u64>) -> Result<Option<Entry>, CallError> {
        let operation = format!("looking at secret {:?} of app {:?}", self.name, self.app);
        let segments = ["apps", &self.app, "secrets", &self.name];
        let request = self.client.request("GET", &segments, operation).accept(&[404]);
        let request = at_least(request, version);
        let response = self
            .client
            .read(request)
            .await
            .map_err(|error| self.client.advise_app(error, &self.app))?;
        let machines = self.client.machines_now(&self.app).await?;
        if response.status == 404 {
            // The app is there, else listing its machines would have failed: so it is the secret that is missing.
            return Ok(None);
        }
        let secret: AppSecret = response.json()?;
        let version = version.or_else(|| self.client.versions().highest(&self.app));
        Ok(Some(self.entry(&secret, &machines, version)))
    }

    /// Writes values, or with null removes them; idempotent, because it says how the secrets are to be.
    async fn write(
        &self,
        values: &BTreeMap<&str, Option<&str>>,
        operation: String,
        permit: &WritePermit,
    ) -> Result<Written, CallError> {
        let request = self
            .client
            .request("POST", &["apps", &self.app, "secrets"], operation)
            .json(&BTreeMap::from([("values", values)]))
            .idempotent(true);
        let _turn = self.client.write_turn(&self.app).await;
        let result = self.client.write(request, permit).await;
        self.client.forget(&self.app);
        let answer = result.map_err(|error| self.client.advise_app(error, &self.app))?;
        let written: Written = answer.json()?;
        if let Some(version) = written.version() {
            self.client.versions().note_written(&self.app, version);
        }
        Ok(written)
    }

    /// Of what a read shows to be impossible.
    fn refusal(&self, kind: CallErrorKind, what: &str) -> CallError {
        let operation = format!("preparing to write secret {:?} of app {:?}", self.name, self.app);
        CallError::new(kind, Effect::None, SERVICE, operation, None, what)
    }

    /// Waits until the listing shows what was written, and gives each name's digest.
    async fn read_back(
        &self,
        names: &[&str],
        written: &Written,
        version: Option<u64>,
    ) -> Result<BTreeMap<String, String>, CallError> {
        let mut polling = self.client.clock().polling(REPLICATION, LOOK..=LOOK);
        loop {
            let listed = self.client.secrets_now(&self.app, version).await;
            let shown = listed
                .as_ref()
                .ok()
                .and_then(|listed| digests(names, &written.secrets, listed));
            if let Some(digests) = shown {
                return Ok(digests);
            }
            if !polling.again().await {
                let operation = format!("reading back secrets of app {:?}", self.app);
                let said = listed.err().map_or_else(
                    || "the listing does not show them".to_owned(),
                    |error| error.to_string(),
                );
                let error = CallError::new(
                    CallErrorKind::Unavailable,
                    Effect::Possible,
                    SERVICE,
                    operation,
                    None,
                    &said,
                );
                return Err(error.advise("They were written. Apply again to continue."));
            }
        }
    }
}

/// The digests of what was written to `names`, once the listing is at least as new as that. The write's own answer tells them;
/// where it does not, the listing has to.
fn digests(names: &[&str], written: &[AppSecret], listed: &[AppSecret]) -> Option<BTreeMap<String, String>> {
    let find = |secrets: &'_ [AppSecret], name: &str| secrets.iter().find(|secret| secret.name == name).cloned();
    let shown = names.iter().map(|name| {
        let listed = find(listed, name)?;
        let answered = find(written, name);
        let current = answered.as_ref().is_none_or(|written| {
            // Somebody may have written after us; then the listing is newer, and the difference is drift.
            listed.digest == written.digest || listed.updated_at > written.updated_at
        });
        let ours = answered
            .and_then(|written| written.digest)
            .filter(|digest| !digest.is_empty());
        current.then(|| ((*name).to_owned(), ours.or(listed.digest).unwrap_or_default()))
    });
    shown.collect()
}

/// `<digest>@<version>`: the digest tells drift, the version what a machine must have seen.
fn revision(digest: &str, version: Option<u64>) -> String {
    match version {
        Some(version) => format!("{digest}@{version}"),
        None => digest.to_owned(),
    }
}

fn version_of(revision: &str) -> Option<u64> {
    revision.rsplit_once('@')?.1.parse().ok()
}

#[async_trait]
impl Slot for FlySecret {
    async fn inspect(&self) -> Result<Option<Entry>, CallError> {
        self.listed(self.client.versions().highest(&self.app)).await
    }

    async fn inspect_for(&self, recorded: &str) -> Result<Option<Entry>, CallError> {
        self.listed(self.recorded(recorded)).await
    }

    async fn inspect_directly(&self) -> Result<Option<Entry>, CallError> {
        self.look(None).await
    }

    async fn inspect_since(&self, recorded: &str) -> Result<Option<Entry>, CallError> {
        match self.look(self.recorded(recorded)).await {
            // An app that was made anew has not come to that version yet.
            Err(error) if error.kind == CallErrorKind::Invalid => self.look(None).await,
            seen => seen,
        }
    }

    async fn container_id(&self) -> Result<Option<String>, CallError> {
        self.client.app_id(&self.app).await
    }

    async fn remove(&self, permit: &WritePermit) -> Result<(), CallError> {
        let operation = format!("removing secret {:?} of app {:?}", self.name, self.app);
        let values = BTreeMap::from([(self.name.as_str(), None)]);
        self.write(&values, operation, permit).await.map(drop)
    }
}

#[async_trait]
impl Target for FlySecret {
    fn slot(&self) -> &dyn Slot {
        self
    }

    fn into_slot(self: Box<Self>) -> Box<dyn Slot> {
        self
    }

    async fn check_writable(&self) -> Result<(), CallError> {
        if !self.client.may_only_read(&self.app).await {
            return Ok(());
        }
        let origin = self.client.token_origin();
        let what = format!("The token in {origin} may read app {} but not write to it", self.app);
        let error = self.refusal(CallErrorKind::Forbidden, &what);
        Err(error.advise("Use a deploy token for the app or an organization token."))
    }

    /// A machine whose host is down keeps the old value until the host is back.
    async fn check_reachable(&self) -> Result<(), CallError> {
        if self.stage {
            return Ok(());
        }
        let machines = self.client.machines(&self.app).await?;
        let down = |machine: &&Machine| machine::holds_secrets(machine) && machine::unreachable(machine).is_some();
        let ids: Vec<&str> = machines
            .iter()
            .filter(down)
            .map(|machine| machine.id.as_str())
            .collect();
        let Some(first) = ids.first() else {
            return Ok(());
        };
        let what = format!(
            "Fly cannot reach the host of machine {}, so it would keep the old value",
            ids.join(", ")
        );
        let error = self.refusal(CallErrorKind::Conflict, &what);
        Err(error.advise(&format!(
            "Wait until the host is back, or destroy the machine (fly machine destroy {first} --app {} --force), then apply again. With \
             stage = true, your next deployment updates the machines instead.",
            self.app
        )))
    }

    async fn deliver(&self, deliveries: &[Delivery<'_>], permit: &WritePermit) -> Result<Vec<Receipt>, CallError> {
        let operation = format!("setting secrets of app {:?}", self.app);
        let mut names = Vec::new();
        let mut values = BTreeMap::new();
        for delivery in deliveries {
            let Some((_, name)) = parts_of(&delivery.slot.locator).filter(|(app, _)| *app == self.app) else {
                let what = format!("{} is not a secret of this app", delivery.slot);
                return Err(CallError::refused(SERVICE, operation, &what));
            };
            names.push(name);
            #[expect(
                clippy::disallowed_methods,
                reason = "borrowed until the text of the request is made, which is wiped"
            )]
            values.insert(name, Some(delivery.value.expose()));
        }
        let written = self.write(&values, operation, permit).await?;
        let version = written.version();
        let digests = self.read_back(&names, &written, version).await?;
        let receipt = |name: &&str| Receipt {
            revision: digests.get(*name).map(|digest| revision(digest, version)),
            written_at: None,
        };
        Ok(names.iter().map(receipt).collect())
    }

    async fn activate(
        &self,
        revision: Option<&str>,
        stop: &Stop,
        permit: &WritePermit,
    ) -> Result<Activated, CallError> {
        if self.stage {
            return Ok(Activated::Stopped("it waits for the app's next deployment".to_owned()));
        }
        let version = revision.and_then(|revision| self.recorded(revision));
        let version = version.or_else(|| self.client.versions().highest(&self.app)).ok_or_else(|| {
            let operation = format!("updating the machines of app {:?}", self.app);
            let what = "Fly gave no version of the app's secrets when this one was written, so no machine can be proved to run it";
            CallError::refused(SERVICE, operation, what)
        })?;
        // Secrets that are rotated together would update the same machines: the second finds them done.
        let _turn = self.client.roll_turn(&self.app).await;
        let roll = Roll {
            client: &self.client,
            app: &self.app,
            patience: self.patience,
            version,
            stop,
            permit,
        };
        let result = roll.run().await;
        self.client.forget(&self.app);
        result
    }

    fn newest<'r>(&self, revisions: &[&'r str]) -> Option<&'r str> {
        revisions.iter().copied().max_by_key(|revision| version_of(revision))
    }

    /// Fly tells no value outside the app's own machines.
    async fn read(&self) -> Result<Option<Escrowed>, CallError> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_gives_digest_and_version_back() {
        let text = revision("sha256:ab@c", Some(17));
        assert_eq!(text, "sha256:ab@c@17");
        assert_eq!((version_of(&text), version_of("abc")), (Some(17), None));
    }

    #[test]
    fn a_listing_that_lags_behind_the_write_is_not_believed() {
        let secret = |digest: &str, second: i64| AppSecret {
            name: "A".to_owned(),
            digest: Some(digest.to_owned()),
            updated_at: jiff::Timestamp::from_second(second).ok(),
        };
        let written = [secret("new", 10)];
        assert_eq!(digests(&["A"], &written, &[secret("old", 5)]), None);
        assert_eq!(digests(&["A"], &written, &[]), None);
        let shown =
            |written: &[AppSecret], listed: AppSecret| digests(&["A"], written, &[listed]).unwrap()["A"].clone();
        assert_eq!(shown(&written, secret("new", 10)), "new");
        assert_eq!(
            shown(&written, secret("theirs", 11)),
            "new",
            "what somebody wrote since is not ours"
        );
        assert_eq!(shown(&[], secret("new", 10)), "new", "an answer without digests");
    }
}
