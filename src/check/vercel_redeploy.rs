//! A new deployment of what a Vercel project runs in production: the source of its newest promoted deployment, built once more.
//!
//! Deployments get variables when they are made, and keep them. `forceNew` makes one although nothing but variables changed; the
//! project's own build cache is used. <https://vercel.com/docs/rest-api/reference/endpoints/deployments>

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;

use super::deployment::{self, Deployed, Order, Progress};
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::check::{Check, CheckConfig, CheckFailure, CheckKind, Patience, Presents};
use crate::clock::Clock;
use crate::connection::Link;
use crate::connection::vercel::{self, Deployment, Vercel, VercelClient, is_project_id};
use crate::secret::Parts;
use crate::stop::Stop;
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Node, Type};

/// The kind.
pub static KIND: CheckKind = CheckKind {
    name: "vercel_redeploy",
    summary: "Deploys the newest promoted production deployment of a Vercel project once more, and waits until production runs it. Deploys \
              nothing if that deployment is newer than the last change of the project's variables for production.",
    api_docs: Some("https://vercel.com/docs/rest-api/reference/endpoints/deployments"),
    attributes: || vec![project_attribute()],
    patience: deployment::PATIENCE,
    reach: Some(vercel::VENDOR.reach()),
    parse,
};

/// The argument of both kinds.
pub(super) fn project_attribute() -> Attribute {
    Attribute::required(
        "project_id",
        Type::String,
        "The id of the project, such as `prj_…`, which stands in its settings.",
    )
}

/// Reads it.
pub(super) fn project(node: &Node<'_>, problems: &mut Diagnostics) -> Option<String> {
    let node = node.attr("project_id");
    let id = node.required_string(problems).and_then_checked(|id| {
        let good = is_project_id(&id);
        if !good {
            let why =
                "An id begins with \"prj_\" and stands in the settings of the project; it is not the project's name.";
            node.report_not(problems, "the id of a Vercel project", why);
        }
        good.then_some(id)
    });
    id.known()
}

fn parse(node: &Node<'_>, _connection: Option<&str>, problems: &mut Diagnostics) -> Option<Box<dyn CheckConfig>> {
    Some(Box::new(Config {
        project: project(node, problems)?,
    }))
}

struct Config {
    project: String,
}

impl CheckConfig for Config {
    fn presents(&self) -> Presents {
        Presents::Nothing
    }

    fn parts_used(&self) -> Vec<String> {
        Vec::new()
    }

    fn in_words(&self) -> String {
        format!("redeployment of production of Vercel project {}", self.project)
    }

    fn restarts(&self) -> Option<String> {
        Some(vercel::production(&self.project))
    }

    fn has_effects(&self) -> bool {
        true
    }

    fn default_patience(&self) -> Patience {
        KIND.patience
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Check>, Diagnostic> {
        Ok(Box::new(Production {
            client: link.account::<Vercel>()?.client()?,
            project: self.project.clone(),
        }))
    }
}

#[derive(Clone)]
struct Production {
    client: VercelClient,
    project: String,
}

impl Production {
    /// The newest one that domains lead to: what failed, was canceled or waits to be promoted is not deployed again.
    async fn newest_live(&self) -> Result<Deployment, CallError> {
        let all = self.client.production_deployments(&self.project).await?;
        let live = all.into_iter().find(Deployment::is_live);
        live.ok_or_else(|| {
            let operation = format!("finding a deployment of project {} to redeploy", self.project);
            let why =
                "it has no production deployment that is ready and promoted. Deploy or promote one, then apply again";
            CallError::new(
                CallErrorKind::Invalid,
                Effect::None,
                vercel::VENDOR.title,
                operation,
                None,
                why,
            )
        })
    }
}

impl Production {
    /// Whether production runs a deployment that was made after its variables changed: a person has promoted one that an earlier apply
    /// ordered, or has deployed in another way. Both instants are Vercel's own.
    async fn is_up_to_date(&self) -> Result<bool, CallError> {
        let all = self.client.variables_now(&self.project).await?;
        let of_production = all.iter().filter(|known| known.scope.targets.contains("production"));
        let changes: Option<Vec<Timestamp>> = of_production.map(|known| known.updated_at).collect();
        let made_at = self.newest_live().await?.created_at;
        // Without the time of every change nothing is certain.
        let newest = changes.and_then(|changes| changes.into_iter().max());
        Ok(newest.zip(made_at).is_some_and(|(changed, made)| made > changed))
    }
}

#[async_trait]
impl Check for Production {
    async fn inspect(&self) -> Result<(), CallError> {
        self.newest_live().await.map(drop)
    }

    async fn run(
        &self,
        _parts: Option<&Parts>,
        patience: Patience,
        stop: &Stop,
        permit: &WritePermit,
    ) -> Result<(), CheckFailure> {
        let is_up_to_date = self.is_up_to_date().await;
        if is_up_to_date.map_err(|error| CheckFailure::of_call(&error))? {
            return Ok(());
        }
        deployment::deploy_all(&[Box::new(self.clone())], patience, stop, permit).await
    }
}

#[async_trait]
impl Deployed for Production {
    fn noun(&self) -> String {
        format!("Vercel project {}", self.project)
    }

    fn clock(&self) -> Clock {
        self.client.clock()
    }

    async fn newest(&self) -> Result<BTreeSet<String>, CallError> {
        let all = self.client.production_deployments(&self.project).await?;
        Ok(all.into_iter().map(|deployment| deployment.id).collect())
    }

    async fn order(&self, permit: &WritePermit) -> Result<Order, CallError> {
        let live = self.newest_live().await?;
        let id = self.client.redeploy(&self.project, &live, permit).await?;
        Ok(Order::Began(id))
    }

    async fn status(&self, id: &str) -> Result<(String, Progress), CallError> {
        let deployment = self.client.deployment(&self.project, id).await?;
        let progress = progress(&deployment);
        let status = match deployment.is_withheld() {
            true => "READY, but STAGED: promote it to production, then apply again".to_owned(),
            false => deployment.ready_state,
        };
        Ok((status, progress))
    }
}

/// What `readyState` and `readySubstate` mean; what is not known goes on.
fn progress(deployment: &Deployment) -> Progress {
    match deployment.ready_state.as_str() {
        "READY" if deployment.is_withheld() => Progress::Failed,
        "READY" => Progress::Live,
        "ERROR" | "CANCELED" | "DELETED" => Progress::Failed,
        _ => Progress::UnderWay,
    }
}
