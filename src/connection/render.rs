//! The connection to Render: environment variables of services and of environment groups, and deploys.
//!
//! A key sees every workspace of its account, or one since November 2026, and Render has no smaller right. Variables are written one by
//! one: the call that takes a list replaces the whole set. Every answer about variables holds values, so that no words of it are
//! passed on. <https://api-docs.render.com/reference>

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::account::no_blocks;
use super::keyed::{Keyed, KeyedAccount, KeyedClient};
use super::rest::Rest;
use super::{Endpoint, Vendor, pages};
use crate::call::{CallError, CallErrorKind, WritePermit};
use crate::clock::Clock;
use crate::http::{Request, Shared};
use crate::secret::Secret;

/// The vendor.
pub static VENDOR: Vendor = Vendor {
    block: "render",
    title: "Render",
    description: "[Render](https://api-docs.render.com/reference): environment variables of services and groups, and deploys. Arguments that \
                  you omit come from the environment; the block may be empty.",
    attributes: || KEYED.attributes(),
    blocks: no_blocks,
    named: "",
    has_default: true,
    open: |opening| KEYED.open::<RenderClient>(opening),
};

/// Its key and address. The variable of the address is this provider's own.
pub(super) const KEYED: Keyed = Keyed {
    argument: "api_key",
    variable: "RENDER_API_KEY",
    credential: "API key",
    api: Endpoint::whole("RENDER_BASE_URL", "https://api.render.com/v1"),
    other: None,
    tenant: None,
};

/// Items per page, the most that Render gives (its page "Pagination").
const PAGE: &str = "100";

/// An account at Render; it may lack a key.
pub type Render = KeyedAccount<RenderClient>;

/// Render, authenticated; cheap to clone, all clones share what was listed.
#[derive(Clone)]
pub struct RenderClient(Arc<Inner>);

struct Inner {
    rest: Rest,
    /// The names of the variables of a holder.
    names: Shared<BTreeSet<String>>,
    /// The services that a group is linked to.
    links: Shared<Vec<LinkedService>>,
}

impl KeyedClient for RenderClient {
    const VENDOR: &'static Vendor = &VENDOR;

    fn over(rest: Rest) -> Self {
        let clock = rest.clock;
        Self(Arc::new(Inner {
            rest,
            names: Shared::for_a_while(clock),
            links: Shared::for_a_while(clock),
        }))
    }
}

/// What has variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HolderKind {
    /// A service or a cron job.
    Service,
    /// An environment group.
    Group,
}

/// A holder of variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// What it is.
    pub kind: HolderKind,
    /// Its id: `srv-…`, `crn-…`, `evg-…`.
    pub id: String,
}

impl Holder {
    /// Whose processes have its variables, as one name. A group's are those of every linked service, which only its own id names.
    pub fn consumers(&self) -> String {
        match self.kind {
            HolderKind::Service => format!("Render service {}", self.id),
            HolderKind::Group => format!("services of Render environment group {}", self.id),
        }
    }
}

impl HolderKind {
    /// Its segment in paths.
    const fn segment(self) -> &'static str {
        match self {
            Self::Service => "services",
            Self::Group => "env-groups",
        }
    }

    /// What it is called in texts.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Service => "Render service",
            Self::Group => "Render environment group",
        }
    }

    /// Why that is no id of it. Render's ids have a prefix for each kind; those of groups alone are told apart here, because other
    /// prefixes of services may come (unverified).
    pub fn id_mistake(self, text: &str) -> Option<&'static str> {
        let is_id = text.contains('-') && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        match (self, is_id, text.starts_with("evg-")) {
            (Self::Service, true, false) | (Self::Group, true, true) => None,
            (Self::Service, ..) => Some(
                "The id of a service stands in the URL of its page and begins with \"srv-\" or \"crn-\"; it is not its name.",
            ),
            (Self::Group, ..) => Some(
                "The id of an environment group stands in the URL of its page and begins with \"evg-\"; it is not its name.",
            ),
        }
    }
}

/// A service that an environment group is linked to (schema `EnvGroupLink`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LinkedService {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
}

/// How a deploy is made (schema `DeployMode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeployMode {
    /// What was built last, with the variables as they are now.
    DeployOnly,
    /// Built anew.
    BuildAndDeploy,
}

impl DeployMode {
    /// Its words in arguments and calls.
    pub const WORDS: &'static [&'static str] = &["deploy_only", "build_and_deploy"];

    /// The word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::DeployOnly => "deploy_only",
            Self::BuildAndDeploy => "build_and_deploy",
        }
    }
}

/// How Render took the order for a deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ordered {
    /// It began, under that id.
    Deploy(String),
    /// It is queued behind another, and has no id yet.
    Queued,
    /// Another one is under way, and this was refused.
    Busy,
}

#[derive(Deserialize)]
struct Name {
    key: String,
}

#[derive(Deserialize)]
struct Listed {
    cursor: String,
    #[serde(rename = "envVar")]
    variable: Name,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    #[serde(default)]
    env_vars: Vec<Name>,
    #[serde(default)]
    service_links: Vec<LinkedService>,
}

#[derive(Deserialize)]
struct Valued {
    value: String,
}

#[derive(Serialize)]
struct NewValue<'a> {
    value: &'a str,
}

#[derive(Deserialize)]
struct Deploy {
    id: String,
    status: Option<String>,
}

#[derive(Deserialize)]
struct ListedDeploy {
    deploy: Deploy,
}

impl RenderClient {
    /// The clock.
    pub fn clock(&self) -> Clock {
        self.0.rest.clock
    }

    fn of_holder(&self, method: &'static str, holder: &Holder, rest: &[&str], operation: impl Into<String>) -> Request {
        let segments = [&[holder.kind.segment(), &holder.id], rest].concat();
        self.0.rest.request(method, &segments, operation).secret_answer()
    }

    fn advise(&self, error: CallError, holder: &Holder) -> CallError {
        match error.kind {
            CallErrorKind::Forbidden | CallErrorKind::NotFound => error.advise(&format!(
                "{} {} does not exist, or the API key in {} has no access to its workspace.",
                holder.kind.noun(),
                holder.id,
                self.0.rest.origin
            )),
            _ => error,
        }
    }

    /// The names of its variables, from the listing that all readers of this run share. Those of a service lack what its groups add.
    ///
    /// # Errors
    /// [`CallError`] without effect.
    pub async fn names(&self, holder: &Holder) -> Result<Arc<BTreeSet<String>>, CallError> {
        self.0.names.get(&holder.id, || self.names_now(holder)).await
    }

    /// The same as they are now.
    ///
    /// # Errors
    /// As [`Self::names`].
    pub async fn names_now(&self, holder: &Holder) -> Result<BTreeSet<String>, CallError> {
        match holder.kind {
            HolderKind::Service => self.names_of_service(holder).await,
            HolderKind::Group => {
                let group = self.group(holder).await?;
                Ok(group.env_vars.into_iter().map(|variable| variable.key).collect())
            }
        }
    }

    async fn names_of_service(&self, holder: &Holder) -> Result<BTreeSet<String>, CallError> {
        let operation = format!("listing variables of service {}", holder.id);
        let page = |after: Option<String>| {
            let request = self
                .of_holder("GET", holder, &["env-vars"], &*operation)
                .query("limit", PAGE);
            let request = match after {
                Some(cursor) => request.query("cursor", cursor),
                None => request,
            };
            async move {
                let answer = self.0.rest.read(request).await;
                let listed: Vec<Listed> = answer.map_err(|error| self.advise(error, holder))?.json()?;
                let next = listed.last().map(|last| last.cursor.clone());
                let next = next.filter(|_| listed.len() == PAGE.parse().unwrap_or(listed.len()));
                Ok((listed, next))
            }
        };
        let listed = pages::all(VENDOR.title, &operation, page).await?;
        Ok(listed.into_iter().map(|listed| listed.variable.key).collect())
    }

    async fn group(&self, holder: &Holder) -> Result<Group, CallError> {
        let request = self.of_holder("GET", holder, &[], format!("reading environment group {}", holder.id));
        let answer = self.0.rest.read(request).await;
        answer.map_err(|error| self.advise(error, holder))?.json()
    }

    /// The services that a group is linked to, asked once a run.
    ///
    /// # Errors
    /// [`CallError`] without effect.
    pub async fn linked_services(&self, group: &Holder) -> Result<Arc<Vec<LinkedService>>, CallError> {
        let links = || async { Ok(self.group(group).await?.service_links) };
        self.0.links.get(&group.id, links).await
    }

    /// The value of a variable; `None` where the holder has none of that name, as its list shows.
    ///
    /// # Errors
    /// [`CallError`] without effect.
    pub async fn value(&self, holder: &Holder, name: &str) -> Result<Option<Secret>, CallError> {
        let operation = format!("reading variable {name} of {}", holder.id);
        let request = self.of_holder("GET", holder, &["env-vars", name], operation);
        match self.0.rest.read(request).await {
            Ok(answer) => {
                let Valued { value } = answer.json()?;
                Ok(Some(Secret::new(value)))
            }
            Err(error) if error.kind == CallErrorKind::NotFound && !self.names_now(holder).await?.contains(name) => {
                Ok(None)
            }
            Err(error) => Err(self.advise(error, holder)),
        }
    }

    /// Sets one variable and leaves all others alone.
    ///
    /// # Errors
    /// [`CallError`]; with [`crate::call::Effect::Possible`] it may be set.
    #[expect(clippy::disallowed_methods, reason = "the value goes to the wire")]
    pub async fn put(
        &self,
        holder: &Holder,
        name: &str,
        value: &Secret,
        permit: &WritePermit,
    ) -> Result<(), CallError> {
        let operation = format!("setting variable {name} of {}", holder.id);
        let request = self.of_holder("PUT", holder, &["env-vars", name], operation);
        let request = request.json(&NewValue { value: value.expose() });
        let answer = self.0.rest.write(request, permit).await;
        self.0.names.forget(&holder.id);
        answer.map(drop).map_err(|error| self.advise(error, holder))
    }

    /// Deletes one variable; one that is not there is success.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn delete(&self, holder: &Holder, name: &str, permit: &WritePermit) -> Result<(), CallError> {
        let operation = format!("deleting variable {name} of {}", holder.id);
        let request = self.of_holder("DELETE", holder, &["env-vars", name], operation);
        let answer = self.0.rest.write(request, permit).await;
        self.0.names.forget(&holder.id);
        match answer {
            Err(error) if error.kind == CallErrorKind::NotFound && !self.names_now(holder).await?.contains(name) => {
                Ok(())
            }
            answer => answer.map(drop).map_err(|error| self.advise(error, holder)),
        }
    }

    /// Orders a deploy of a service.
    ///
    /// # Errors
    /// [`CallError`]; with [`crate::call::Effect::Possible`] it may have begun.
    pub async fn order_deploy(
        &self,
        service: &Holder,
        mode: DeployMode,
        permit: &WritePermit,
    ) -> Result<Ordered, CallError> {
        let operation = format!("deploying service {}", service.id);
        let segments = [service.kind.segment(), &service.id, "deploys"];
        let request = self.0.rest.request("POST", &segments, operation);
        let request = request.json(&serde_json::json!({ "deployMode": mode.word() }));
        match self.0.rest.write(request, permit).await {
            // Accepted and queued: there may be no body.
            Ok(answer) if answer.status == 202 => Ok(answer
                .json::<Deploy>()
                .map_or(Ordered::Queued, |deploy| Ordered::Deploy(deploy.id))),
            Ok(answer) => Ok(Ordered::Deploy(answer.json::<Deploy>()?.id)),
            Err(error) if error.kind == CallErrorKind::Conflict => Ok(Ordered::Busy),
            Err(error) => Err(self.advise(error, service)),
        }
    }

    /// The ids of the newest deploys of a service.
    ///
    /// # Errors
    /// [`CallError`] without effect.
    pub async fn deploys(&self, service: &Holder) -> Result<BTreeSet<String>, CallError> {
        let segments = [service.kind.segment(), &service.id, "deploys"];
        let request = self
            .0
            .rest
            .request("GET", &segments, format!("listing deploys of service {}", service.id));
        let answer = self.0.rest.read(request.query("limit", PAGE)).await;
        let listed: Vec<ListedDeploy> = answer.map_err(|error| self.advise(error, service))?.json()?;
        Ok(listed.into_iter().map(|listed| listed.deploy.id).collect())
    }

    /// The status of a deploy (schema `DeployStatus`).
    ///
    /// # Errors
    /// [`CallError`] without effect.
    pub async fn deploy_status(&self, service: &Holder, id: &str) -> Result<String, CallError> {
        let segments = [service.kind.segment(), &service.id, "deploys", id];
        let request = self.0.rest.request(
            "GET",
            &segments,
            format!("reading deploy {id} of service {}", service.id),
        );
        let answer = self
            .0
            .rest
            .read(request)
            .await
            .map_err(|error| self.advise(error, service))?;
        Ok(answer.json::<Deploy>()?.status.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_told_from_a_name_and_from_that_of_another_kind() {
        use HolderKind::{Group, Service};
        for (kind, id) in [(Service, "srv-d1abc"), (Service, "crn-d1abc"), (Group, "evg-d1abc")] {
            assert_eq!(kind.id_mistake(id), None, "{id}");
        }
        for (kind, text) in [
            (Service, "evg-d1"),
            (Group, "srv-d1"),
            (Service, "api"),
            (Service, "srv-a/b"),
            (Group, ""),
            (Service, ""),
        ] {
            assert!(kind.id_mistake(text).is_some(), "{text}");
        }
    }
}
