//! Production of a Vercel project runs a deployment that was made after a variable was last changed, so that it has the new value.
//!
//! Both instants are Vercel's own. The newest production deployment that domains lead to counts; an instant rollback to an older one is
//! not seen. <https://vercel.com/docs/rest-api/reference/endpoints/deployments>

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::attempts::{Attempts, Shortfall};
use super::vercel_redeploy::{project, project_attribute};
use crate::call::{CallError, CallErrorKind, WritePermit};
use crate::check::{Check, CheckConfig, CheckFailure, CheckKind, Patience, Presents};
use crate::connection::Link;
use crate::connection::vercel::{self, Vercel, VercelClient};
use crate::secret::Parts;
use crate::stop::Stop;
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Node, Type};

/// The kind.
pub static KIND: CheckKind = CheckKind {
    name: "vercel_deployment",
    summary: "Production of a Vercel project runs a deployment that was made after the variable was last changed. An instant rollback to an \
              older deployment is not seen.",
    api_docs: Some("https://vercel.com/docs/rest-api/reference/endpoints/deployments"),
    attributes,
    patience: Patience {
        timeout: Duration::from_secs(30),
        retry_for: Duration::from_secs(60),
    },
    reach: Some(vercel::VENDOR.reach()),
    parse,
};

fn attributes() -> Vec<Attribute> {
    vec![
        project_attribute(),
        Attribute::required(
            "variable",
            Type::String,
            "The name of the environment variable, whose values for production count.",
        ),
    ]
}

fn parse(node: &Node<'_>, _connection: Option<&str>, problems: &mut Diagnostics) -> Option<Box<dyn CheckConfig>> {
    let project = project(node, problems);
    let variable = node.attr("variable").required_string(problems).known();
    Some(Box::new(Config {
        project: project?,
        variable: variable?,
    }))
}

#[derive(Clone)]
struct Config {
    project: String,
    variable: String,
}

impl CheckConfig for Config {
    fn presents(&self) -> Presents {
        Presents::Nothing
    }

    fn parts_used(&self) -> Vec<String> {
        Vec::new()
    }

    fn in_words(&self) -> String {
        let Self { project, variable } = self;
        format!("production of Vercel project {project} was deployed after {variable} changed")
    }

    fn looks_at(&self) -> Option<(String, String)> {
        Some((vercel::project(&self.project), self.variable.clone()))
    }

    fn default_patience(&self) -> Patience {
        KIND.patience
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Check>, Diagnostic> {
        Ok(Box::new(Comparison {
            client: link.account::<Vercel>()?.client()?,
            config: self.clone(),
        }))
    }
}

struct Comparison {
    client: VercelClient,
    config: Config,
}

impl Comparison {
    /// When the variable last changed; `None` when production has none of that name.
    async fn changed_at(&self) -> Result<Option<Timestamp>, CallError> {
        let all = self.client.variables_now(&self.config.project).await?;
        let of_production = all
            .iter()
            .filter(|known| known.key == self.config.variable && known.scope.targets.contains("production"));
        Ok(of_production.filter_map(|known| known.updated_at).max())
    }

    async fn attempt(&self) -> Result<(), Shortfall> {
        let Config { project, variable } = &self.config;
        let changed_at = self.changed_at().await.map_err(|error| shortfall(&error))?;
        let Some(changed_at) = changed_at else {
            return Err(Shortfall::Lasting(format!(
                "Vercel project {project} has no variable {variable} for production."
            )));
        };
        let all = self.client.production_deployments(project).await;
        let all = all.map_err(|error| shortfall(&error))?;
        let live = all.iter().find(|deployment| deployment.is_live());
        match live.map(|live| (live, live.created_at)) {
            Some((_, Some(made_at))) if made_at > changed_at => Ok(()),
            Some((live, Some(made_at))) => Err(Shortfall::Passing(format!(
                "Production of Vercel project {project} runs deployment {}, which was made {made_at}, before {variable} changed \
                 ({changed_at}). Redeploy it.",
                live.id
            ))),
            Some((_, None)) | None => Err(Shortfall::Passing(format!(
                "No deployment of Vercel project {project} is live in production."
            ))),
        }
    }
}

fn shortfall(error: &CallError) -> Shortfall {
    let message = CheckFailure::of_call(error).message;
    match error.kind {
        CallErrorKind::Unavailable | CallErrorKind::TimedOut | CallErrorKind::RateLimited { .. } => {
            Shortfall::Passing(message)
        }
        _ => Shortfall::Lasting(message),
    }
}

#[async_trait]
impl Check for Comparison {
    async fn inspect(&self) -> Result<(), CallError> {
        let project = &self.config.project;
        self.client.production_deployments(project).await?;
        self.client.variables(project).await.map(drop)
    }

    async fn run(
        &self,
        _parts: Option<&Parts>,
        patience: Patience,
        stop: &Stop,
        _permit: &WritePermit,
    ) -> Result<(), CheckFailure> {
        let what = self.config.in_words();
        let attempts = Attempts::new(&what, patience, self.client.clock(), stop);
        attempts.until_one_passes(|| self.attempt()).await
    }
}
