//! A deploy of a Render service, or of every service that an environment group is linked to.
//!
//! A restart keeps the variables that a service was deployed with, so that only a deploy loads what was written. Without `deploy_mode`
//! it takes what was built last and builds nothing. <https://api-docs.render.com/reference/create-deploy>

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::deployment::{self, Deployed, Order, Progress};
use crate::call::{CallError, WritePermit};
use crate::check::{Check, CheckConfig, CheckFailure, CheckKind, Patience, Presents};
use crate::clock::Clock;
use crate::connection::Link;
use crate::connection::render::{self, DeployMode, Holder, HolderKind, Ordered, Render, RenderClient};
use crate::diagnostics::{Argument, names};
use crate::secret::Parts;
use crate::stop::Stop;
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Field, Node, Type};

/// The kind.
pub static KIND: CheckKind = CheckKind {
    name: "render_deploy",
    summary: "Deploys a Render service, or every service that an environment group is linked to, and waits until the deploy is live.",
    api_docs: Some("https://api-docs.render.com/reference/create-deploy"),
    attributes,
    patience: deployment::PATIENCE,
    reach: Some(render::VENDOR.reach()),
    parse,
};

fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::optional(
            "service_id",
            Type::String,
            "The id of the service, such as `srv-…`. Set this or `env_group_id`.",
        ),
        Attribute::optional(
            "env_group_id",
            Type::String,
            "The id of an environment group, such as `evg-…`: every service that is linked to it is deployed, all at once. Set this or \
             `service_id`.",
        ),
        Attribute::optional(
            "deploy_mode",
            Type::String,
            "`deploy_only` (default) deploys what was built last. `build_and_deploy` builds first, which static sites, and services that \
             read the variable in their build, need.",
        ),
    ]
}

#[derive(Clone)]
struct Config {
    holder: Holder,
    mode: DeployMode,
}

fn parse(node: &Node<'_>, _connection: Option<&str>, problems: &mut Diagnostics) -> Option<Box<dyn CheckConfig>> {
    let mut id_of = |name: &str, kind: HolderKind| {
        let node = node.attr(name);
        node.string(problems).and_then_checked(|id| {
            let mistake = kind.id_mistake(&id);
            if let Some(why) = mistake {
                node.report_not(problems, format!("the id of a {}", kind.noun()), why);
            }
            mistake.is_none().then_some(Holder { kind, id })
        })
    };
    let service = id_of("service_id", HolderKind::Service);
    let group = id_of("env_group_id", HolderKind::Group);
    let mode = node.attr("deploy_mode");
    let mode = mode
        .one_of(DeployMode::WORDS, problems)
        .or(DeployMode::DeployOnly.word());
    let holder = match (service, group) {
        (Field::Known(holder), Field::Absent) | (Field::Absent, Field::Known(holder)) => holder,
        (Field::Unknown, _) | (_, Field::Unknown) => return None,
        (either, _) => {
            let advice = match either {
                Field::Absent => "Neither is set. Name the service, or the group whose services are deployed.",
                _ => "Both are set. Remove one.",
            };
            node.report(problems, |argument| Argument::OneOf {
                argument,
                choices: names(["service_id", "env_group_id"]),
                advice: advice.into(),
            });
            return None;
        }
    };
    let mode = match mode? {
        "build_and_deploy" => DeployMode::BuildAndDeploy,
        _ => DeployMode::DeployOnly,
    };
    Some(Box::new(Config { holder, mode }))
}

impl CheckConfig for Config {
    fn presents(&self) -> Presents {
        Presents::Nothing
    }

    fn parts_used(&self) -> Vec<String> {
        Vec::new()
    }

    fn in_words(&self) -> String {
        let (noun, id) = (self.holder.kind.noun(), &self.holder.id);
        let what = match self.holder.kind {
            HolderKind::Service => format!("deploy of {noun} {id}"),
            HolderKind::Group => format!("deploy of every service linked to {noun} {id}"),
        };
        match self.mode {
            DeployMode::DeployOnly => what,
            DeployMode::BuildAndDeploy => format!("build and {what}"),
        }
    }

    fn restarts(&self) -> Option<String> {
        Some(self.holder.consumers())
    }

    fn has_effects(&self) -> bool {
        true
    }

    fn default_patience(&self) -> Patience {
        KIND.patience
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Check>, Diagnostic> {
        Ok(Box::new(Deploys {
            client: link.account::<Render>()?.client()?,
            config: self.clone(),
        }))
    }
}

struct Deploys {
    client: RenderClient,
    config: Config,
}

impl Deploys {
    /// What is deployed: for a group, the services that it is linked to now.
    async fn services(&self) -> Result<Vec<Box<dyn Deployed>>, CallError> {
        let holder = &self.config.holder;
        let services = match holder.kind {
            HolderKind::Service => vec![holder.clone()],
            HolderKind::Group => {
                let linked = self.client.linked_services(holder).await?;
                let service = |id: &String| Holder {
                    kind: HolderKind::Service,
                    id: id.clone(),
                };
                linked.iter().map(|linked| service(&linked.id)).collect()
            }
        };
        let deployed = services.into_iter().map(|service| -> Box<dyn Deployed> {
            Box::new(Service {
                client: self.client.clone(),
                service,
                mode: self.config.mode,
            })
        });
        Ok(deployed.collect())
    }
}

#[async_trait]
impl Check for Deploys {
    /// Whether every service can be seen; whether it can be deployed only an order tells.
    async fn inspect(&self) -> Result<(), CallError> {
        for service in self.services().await? {
            service.newest().await?;
        }
        Ok(())
    }

    async fn run(
        &self,
        _parts: Option<&Parts>,
        patience: Patience,
        stop: &Stop,
        permit: &WritePermit,
    ) -> Result<(), CheckFailure> {
        let services = self.services().await.map_err(|error| CheckFailure::of_call(&error))?;
        deployment::deploy_all(&services, patience, stop, permit).await
    }
}

struct Service {
    client: RenderClient,
    service: Holder,
    mode: DeployMode,
}

#[async_trait]
impl Deployed for Service {
    fn noun(&self) -> String {
        format!("{} {}", self.service.kind.noun(), self.service.id)
    }

    fn clock(&self) -> Clock {
        self.client.clock()
    }

    async fn newest(&self) -> Result<BTreeSet<String>, CallError> {
        self.client.deploys(&self.service).await
    }

    async fn order(&self, permit: &WritePermit) -> Result<Order, CallError> {
        let ordered = self.client.order_deploy(&self.service, self.mode, permit).await?;
        Ok(match ordered {
            Ordered::Deploy(id) => Order::Began(id),
            Ordered::Queued => Order::Queued,
            Ordered::Busy => Order::Busy,
        })
    }

    async fn status(&self, id: &str) -> Result<(String, Progress), CallError> {
        let status = self.client.deploy_status(&self.service, id).await?;
        let progress = progress(&status);
        Ok((status, progress))
    }
}

/// Render's schema `DeployStatus`; what is not in it goes on.
fn progress(status: &str) -> Progress {
    match status {
        "live" => Progress::Live,
        // `deactivated`: another deploy took its place before it was seen live.
        "build_failed" | "update_failed" | "pre_deploy_failed" | "canceled" | "deactivated" => Progress::Failed,
        _ => Progress::UnderWay,
    }
}
