//! A redeployment of a Railway service: what it runs, once more, with the variables as they are now.
//!
//! A restart keeps the variables that a deployment was made with. The call that deploys and tells an id takes the newest commit, which
//! is no part of a rotation; the one that redeploys tells none, so that the new deployment is looked for.
//! <https://docs.railway.com/integrations/api/manage-deployments>

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::deployment::{self, Deployed, Order, Progress};
use crate::call::{CallError, WritePermit};
use crate::check::{Check, CheckConfig, CheckFailure, CheckKind, Patience, Presents};
use crate::clock::Clock;
use crate::connection::Link;
use crate::connection::railway::{self, Railway, RailwayClient, checked_id};
use crate::secret::Parts;
use crate::stop::Stop;
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Node, Type};

/// The kind.
pub static KIND: CheckKind = CheckKind {
    name: "railway_redeploy",
    summary: "Redeploys a Railway service, and waits until the deployment has succeeded.",
    api_docs: Some("https://docs.railway.com/integrations/api/manage-deployments"),
    attributes,
    patience: deployment::PATIENCE,
    reach: Some(railway::VENDOR.reach()),
    parse,
};

fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::required("environment_id", Type::String, "The id of the environment, a UUID."),
        Attribute::required("service_id", Type::String, "The id of the service, a UUID."),
    ]
}

#[derive(Clone)]
struct Config {
    environment: String,
    service: String,
}

fn parse(node: &Node<'_>, _connection: Option<&str>, problems: &mut Diagnostics) -> Option<Box<dyn CheckConfig>> {
    let mut id = |name: &str| {
        let node = node.attr(name);
        let id = node.required_string(problems);
        checked_id(&node, id, problems).known()
    };
    let (environment, service) = (id("environment_id"), id("service_id"));
    Some(Box::new(Config {
        environment: environment?,
        service: service?,
    }))
}

impl CheckConfig for Config {
    fn presents(&self) -> Presents {
        Presents::Nothing
    }

    fn parts_used(&self) -> Vec<String> {
        Vec::new()
    }

    fn in_words(&self) -> String {
        let Self { environment, service } = self;
        format!("redeployment of Railway service {service} in environment {environment}")
    }

    fn restarts(&self) -> Option<String> {
        Some(railway::consumers(&self.environment, &self.service))
    }

    fn has_effects(&self) -> bool {
        true
    }

    fn default_patience(&self) -> Patience {
        KIND.patience
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Check>, Diagnostic> {
        Ok(Box::new(Service {
            client: link.account::<Railway>()?.client()?,
            config: self.clone(),
        }))
    }
}

#[derive(Clone)]
struct Service {
    client: RailwayClient,
    config: Config,
}

#[async_trait]
impl Check for Service {
    /// Whether its deployments can be seen; whether it can be deployed only an order tells.
    async fn inspect(&self) -> Result<(), CallError> {
        self.newest().await.map(drop)
    }

    async fn run(
        &self,
        _parts: Option<&Parts>,
        patience: Patience,
        stop: &Stop,
        permit: &WritePermit,
    ) -> Result<(), CheckFailure> {
        deployment::deploy_all(&[Box::new(self.clone())], patience, stop, permit).await
    }
}

#[async_trait]
impl Deployed for Service {
    fn noun(&self) -> String {
        format!("Railway service {}", self.config.service)
    }

    fn clock(&self) -> Clock {
        self.client.clock()
    }

    async fn newest(&self) -> Result<BTreeSet<String>, CallError> {
        let Config { environment, service } = &self.config;
        self.client.deployments(environment, service).await
    }

    async fn order(&self, permit: &WritePermit) -> Result<Order, CallError> {
        let Config { environment, service } = &self.config;
        self.client.redeploy(environment, service, permit).await?;
        Ok(Order::Queued)
    }

    async fn status(&self, id: &str) -> Result<(String, Progress), CallError> {
        let status = self.client.deployment_status(id).await?;
        let progress = progress(&status);
        Ok((status, progress))
    }
}

/// Railway's enum `DeploymentStatus`; what is not in it goes on.
fn progress(status: &str) -> Progress {
    match status {
        // A service that sleeps wakes with what it was deployed with.
        "SUCCESS" | "SLEEPING" => Progress::Live,
        "FAILED" | "CRASHED" | "REMOVED" | "REMOVING" | "SKIPPED" => Progress::Failed,
        _ => Progress::UnderWay,
    }
}
