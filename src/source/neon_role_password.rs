//! Passwords of Postgres roles of a Neon branch: made and reset by Neon, one per role.
//!
//! With one role a new password ends the old one at once; with two, generations alternate between them and overlap. What a
//! role has no name for, its `updated_at` tells: it moves with every reset, so a reset whose answer was lost is seen, and
//! its password revealed. Every reset drops the connections of the branch's computes. A branch that was made before a
//! rotation keeps the old password. The project's list of branches tells a deleted branch from one that the key does not cover. <https://neon.com/docs/manage/roles>

mod arguments;

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;

use self::arguments::{Config, branch_at};
use super::alternating::{Holds, turn};
use super::{Credential, Issuer, Liveness, Maker, MintOrder, Minted, Offers, Source, SourceKind};
use crate::address::Address;
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::connection::Link;
use crate::connection::neon::{self, Branch, Neon, NeonClient, Place, Role, SERVICE, Selection};
use crate::diagnostics::StateProblem;
use crate::rotation::Container;
use crate::secret::{Parts, Secret};
use crate::terraform::{Diagnostic, Path};

const NAME: &str = "neon_role_password";

/// The kind.
pub static KIND: SourceKind = SourceKind {
    name: NAME,
    summary: "The password of a Postgres role on a Neon branch, or of two alternating roles.",
    api_docs: Some("https://neon.com/docs/manage/roles"),
    attributes: arguments::attributes,
    maker: Maker::Issuer,
    parts: &["password", "username", "host", "uri"],
    parts_of: |_| Some(KIND.declared_parts()),
    parse: arguments::parse,
    revocable: true,
    offers: Offers {
        last_use: false,
        pages: false,
        proof_of_absence: true,
        liveness: false,
        names: false,
        sessions: false,
    },
    reach: Some(neon::VENDOR.reach()),
    issuer,
    handle_of: |id| id,
    issuer_in_words,
};

fn issuer(address: &Address, link: &Link<'_>) -> Result<Option<Box<dyn Issuer>>, Diagnostic> {
    let branch = branch_at(&address.locator).ok_or_else(|| {
        let mistake = StateProblem::Address {
            address: address.to_string(),
            what: "a place where passwords of Neon roles are issued".into(),
            expected: "<project id>/<branch id>".into(),
        };
        Diagnostic::new(Path::root(), mistake)
    })?;
    let client = link.account::<Neon>()?.client()?;
    Ok(Some(Box::new(Roles {
        client,
        branch,
        only: Vec::new(),
    })))
}

/// The branch alone: which of its roles a credential belongs to, its id says.
fn issuer_in_words(address: &Address) -> String {
    match branch_at(&address.locator) {
        Some(branch) => format!(
            "Neon branch {} of project {}{}",
            branch.branch_id,
            branch.project_id,
            address.at_host()
        ),
        None => address.to_string(),
    }
}

/// The roles of a branch, or those of a configuration alone.
struct Roles {
    client: NeonClient,
    branch: Branch,
    /// Empty: all.
    only: Vec<String>,
}

fn credential(role: &Role) -> Credential {
    Credential {
        id: role.name.clone(),
        name: None,
        minted_at: role.updated_at,
        expires_at: None,
    }
}

impl Roles {
    fn refuse(&self, operation: &str, kind: CallErrorKind, what: &str) -> CallError {
        let operation = format!("{operation} of {}", self.branch);
        CallError::new(kind, Effect::None, SERVICE, operation, None, what)
    }

    /// Resets a password and waits until it works. From the reset on, every failure leaves an effect.
    async fn reset(&self, name: &str, permit: &WritePermit) -> Result<(Role, Secret), CallError> {
        let reset = self.client.reset_password(&self.branch, name, permit).await;
        let reset = reset.map_err(|error| match error.effect {
            Effect::None => error,
            Effect::Possible => error.advise(&format!(
                "Role {name:?} may have a new password now, and the old one may be dead. Apply again soon."
            )),
        })?;
        self.client
            .finish(&self.branch.project_id, reset.operations)
            .await
            .map_err(|error| {
                let error = CallError {
                    effect: Effect::Possible,
                    ..error
                };
                error.advise(&format!(
                    "The password of role {name:?} was reset, but may not work yet. Apply again when Neon has finished."
                ))
            })?;
        Ok((reset.role, reset.password))
    }
}

#[async_trait]
impl Issuer for Roles {
    async fn survey(&self) -> Result<Vec<Credential>, CallError> {
        let roles = self.client.roles(&self.branch).await?;
        let wanted = |role: &&Role| self.only.is_empty() || self.only.contains(&role.name);
        Ok(roles.iter().filter(wanted).map(credential).collect())
    }

    /// A role does not tell which of its passwords works, only that it is gone with all of them.
    async fn liveness(&self, id: &str) -> Result<Liveness, CallError> {
        let roles = self.client.roles_now(&self.branch).await?;
        let exists = roles.iter().any(|role| role.name == id);
        Ok(if exists { Liveness::CannotTell } else { Liveness::Dead })
    }

    /// Runs authenticate with API keys, never with a role.
    async fn authenticates_this_run(&self, _id: &str) -> Result<bool, CallError> {
        Ok(false)
    }

    /// Deleting a branch ends its passwords; recovering it within Neon's days of grace brings them back.
    async fn container(&self) -> Result<Container, CallError> {
        match self.client.is_gone(&self.branch).await {
            Ok(true) => Ok(Container::Gone),
            Ok(false) => Ok(Container::Exists),
            Err(error) if matches!(error.kind, CallErrorKind::Forbidden | CallErrorKind::NotFound) => {
                Ok(Container::CannotTell)
            }
            Err(error) => Err(error),
        }
    }

    /// Gives the role a password that nobody learns: that ends the one before. A role that is gone has none.
    async fn revoke(&self, id: &str, permit: &WritePermit) -> Result<(), CallError> {
        if id.is_empty() {
            let operation = "revoking the password of a role";
            return Err(self.refuse(operation, CallErrorKind::Invalid, "the role's name is empty"));
        }
        let Err(error) = self.reset(id, permit).await else {
            return Ok(());
        };
        // A 404 may also hide the branch from this run; then the listing fails too.
        if error.kind == CallErrorKind::NotFound && self.liveness(id).await == Ok(Liveness::Dead) {
            return Ok(());
        }
        Err(error)
    }
}

/// The roles of a configuration, and what their clients connect to.
struct Passwords {
    roles: Roles,
    role: String,
    alternate: Option<String>,
    database: Option<String>,
    endpoint_id: Option<String>,
    pooled: bool,
}

impl Passwords {
    fn new(client: NeonClient, config: &Config) -> Self {
        Self {
            roles: Roles {
                client,
                branch: config.branch.clone(),
                only: std::iter::once(&config.role)
                    .chain(&config.alternate)
                    .cloned()
                    .collect(),
            },
            role: config.role.clone(),
            alternate: config.alternate.clone(),
            database: config.database.clone(),
            endpoint_id: config.endpoint_id.clone(),
            pooled: config.pooled,
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.role.as_str()).chain(self.alternate.as_deref())
    }

    /// The role of that name, if it exists and logs in with a password.
    fn usable(&self, roles: &[Role], name: &str) -> Result<Role, CallError> {
        let operation = format!("looking up role {name:?}");
        let Some(role) = roles.iter().find(|role| role.name == name) else {
            let what = format!("There is no role {name:?}: create it, or correct the name.");
            return Err(self.roles.refuse(&operation, CallErrorKind::NotFound, &what));
        };
        match role.authentication_method.as_deref() {
            None | Some("password") => Ok(role.clone()),
            Some(method) => {
                let what = format!(
                    "The authentication method of role {name:?} is {method}: it does not log in with a password. Name another one."
                );
                Err(self.roles.refuse(&operation, CallErrorKind::Invalid, &what))
            }
        }
    }

    /// The database that the URI names: the configured one, else the first that one of the roles owns.
    async fn database(&self) -> Result<String, CallError> {
        if let Some(name) = &self.database {
            return Ok(name.clone());
        }
        let databases = self.roles.client.databases(&self.roles.branch).await?;
        let mut owned = databases
            .into_iter()
            .filter(|database| self.names().any(|name| name == database.owner_name));
        owned.next().map(|database| database.name).ok_or_else(|| {
            let what = format!(
                "Role {:?} owns no database: set database to the one that it connects to.",
                self.role
            );
            self.roles.refuse("choosing a database", CallErrorKind::NotFound, &what)
        })
    }

    /// Whether the configured database is there, or one that a role owns.
    async fn find_database(&self) -> Result<(), CallError> {
        let Some(wanted) = &self.database else {
            return self.database().await.map(drop);
        };
        let databases = self.roles.client.databases(&self.roles.branch).await?;
        if databases.iter().any(|database| database.name == *wanted) {
            return Ok(());
        }
        let operation = format!("looking up database {wanted:?}");
        let what = format!("There is no database {wanted:?}: create it, or correct the name.");
        Err(self.roles.refuse(&operation, CallErrorKind::NotFound, &what))
    }

    /// Whether the configured endpoint is there.
    async fn find_endpoint(&self) -> Result<(), CallError> {
        let Some(wanted) = &self.endpoint_id else {
            return Ok(());
        };
        let endpoints = self.roles.client.endpoints(&self.roles.branch).await?;
        if endpoints.iter().any(|endpoint| endpoint.id == *wanted) {
            return Ok(());
        }
        let operation = format!("looking up endpoint {wanted:?}");
        let what = format!("There is no endpoint {wanted:?}: create it, or set endpoint_id to one of this branch.");
        Err(self.roles.refuse(&operation, CallErrorKind::NotFound, &what))
    }

    async fn place(&self, role: &str) -> Result<Place, CallError> {
        let selection = Selection {
            database: self.database().await?,
            endpoint_id: self.endpoint_id.clone(),
            pooled: self.pooled,
        };
        self.roles.client.place(&self.roles.branch, role, &selection).await
    }

    /// The password of a role as it is now, where Neon stores it.
    async fn revealed(&self, name: &str) -> Result<Option<Minted>, CallError> {
        let Roles { client, branch, .. } = &self.roles;
        // A reset of an interrupted run may not have arrived yet.
        client.finish_earlier(branch).await?;
        let Some(password) = client.reveal_password(branch, name).await? else {
            return Ok(None);
        };
        let place = self.place(name).await?;
        let role = self.usable(&client.roles_now(branch).await?, name)?;
        Ok(Some(minted(&role, password, &place)))
    }
}

fn minted(role: &Role, password: Secret, place: &Place) -> Minted {
    let uri = place.uri(&role.name, &password);
    Minted {
        credential: Some(credential(role)),
        parts: Parts::single("password", password)
            .with("username", Secret::plain(role.name.clone()))
            .with("host", Secret::plain(place.host().to_owned()))
            .with("uri", uri),
        public: public(role, place),
    }
}

fn public(role: &Role, place: &Place) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("username".to_owned(), role.name.clone()),
        ("host".to_owned(), place.host().to_owned()),
    ])
}

#[async_trait]
impl Source for Passwords {
    fn issuer(&self) -> &dyn Issuer {
        &self.roles
    }

    async fn inspect(&self) -> Result<(), CallError> {
        let roles = self.roles.client.roles(&self.roles.branch).await?;
        let mut mistakes: Vec<CallError> = self
            .names()
            .filter_map(|name| self.usable(&roles, name).err())
            .collect();
        // What a role owns that is not there is no second mistake.
        if mistakes.is_empty() || self.database.is_some() {
            mistakes.extend(self.find_database().await.err());
        }
        mistakes.extend(self.find_endpoint().await.err());
        let mut mistakes = mistakes.into_iter();
        let Some(first) = mistakes.next() else { return Ok(()) };
        let whole = |first: CallError, next: CallError| CallError {
            operation: format!("looking up what {} has", self.roles.branch),
            ..first.advise(&if next.status.is_none() {
                next.message
            } else {
                next.sentence()
            })
        };
        Err(mistakes.fold(first, whole))
    }

    /// Resets the password of the role whose turn it is. A password of that role that is newer than the predecessor is the
    /// answer that was lost, and is taken as this generation where a target may hold it. All that can be refused is asked for before
    /// the reset.
    async fn mint(&self, order: &MintOrder, permit: &WritePermit) -> Result<Minted, CallError> {
        let Roles { client, branch, .. } = &self.roles;
        let roles = client.roles_now(branch).await?;
        let first = self.usable(&roles, &self.role)?;
        let second = self
            .alternate
            .as_deref()
            .map(|name| self.usable(&roles, name))
            .transpose()?;
        let holds = |role: &Role| match &order.handles {
            handles if handles.in_place.as_ref() == Some(&role.name) => Holds::InPlace,
            handles if handles.in_use.contains(&role.name) => Holds::Older,
            _ => Holds::Nothing,
        };
        let role = turn(first, second, order, holds);
        // The role of a pair that is not in use was reset as well when its password was revoked. Where every target is known to hold
        // another one, nobody has what stands there, and it may be old.
        let may_be_held = self.alternate.is_none() || order.handles.unexplained;
        let since = |at: Option<Timestamp>| at.is_some_and(|at| role.updated_at > Some(at));
        // What an earlier run was about to reset, it has reset.
        let intended = order.handles.before.as_ref().and_then(|before| before.get(&role.name));
        let lost = match intended {
            Some(before) => since(*before),
            None => may_be_held && since(order.handles.predecessor_minted_at),
        };
        if lost && let Some(found) = self.revealed(&role.name).await? {
            return Ok(found);
        }
        let place = self.place(&role.name).await?;
        let (at_reset, password) = self.roles.reset(&role.name, permit).await?;
        // The instant may move again while the operations run. Without a newer look, the password is worth more than it.
        let now = client.roles_now(branch).await.unwrap_or_default();
        let role = now
            .into_iter()
            .find(|now| now.name == at_reset.name)
            .unwrap_or(at_reset);
        Ok(minted(&role, password, &place))
    }

    /// The password, unless the role has been reset since the credential was made.
    async fn reveal(&self, known: &Credential, _order: &MintOrder) -> Result<Option<Minted>, CallError> {
        let roles = self.roles.client.roles_now(&self.roles.branch).await?;
        let unmoved =
            |role: &&Role| role.name == known.id && known.minted_at.is_some() && role.updated_at <= known.minted_at;
        match roles.iter().find(unmoved) {
            Some(role) => self.revealed(&role.name).await,
            None => Ok(None),
        }
    }

    /// Whose password it is, Neon tells by revealing them all. Where it stores none, the role that was reset since is taken for it.
    async fn restore(&self, found: Parts, order: &MintOrder) -> Result<Option<Minted>, CallError> {
        let Roles { client, branch, .. } = &self.roles;
        let mut told = false;
        let told_by = |part| found.get(part).is_some();
        for name in self.names().filter(|_| told_by("password") || told_by("uri")) {
            if let Some(minted) = self.revealed(name).await? {
                told = true;
                if found.agree_with(&minted.parts) {
                    return Ok(Some(minted));
                }
            }
        }
        if told {
            return Ok(None);
        }
        let roles = client.roles_now(branch).await?;
        let mut reset = self
            .names()
            .filter_map(|name| roles.iter().find(|role| role.name == name));
        let since = |role: &&Role| self.alternate.is_none() || role.updated_at > order.handles.predecessor_minted_at;
        let (Some(role), None) = (reset.by_ref().find(since), reset.find(since)) else {
            return Ok(None);
        };
        let place = self.place(&role.name).await?;
        Ok(Some(Minted {
            credential: Some(credential(role)),
            parts: found,
            public: public(role, &place),
        }))
    }
}
