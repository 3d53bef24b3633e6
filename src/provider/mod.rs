//! What a user sees: the provider block, the resources `rotation_secret` and `rotation_activation`, the functions.

pub mod activation;
mod config;
mod functions;
mod kinds;
mod run_registry;
pub mod secret;

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;

use crate::clock::Clock;
use crate::connection::Connections;
use crate::environment::Environment;
use crate::executor::SharedWork;
use crate::plugin::{Provider, Registry};
use crate::spec::Incident;
use crate::stop::Stop;
use crate::terraform::{Diagnostics, Value};
use crate::vendors::Vendors;

use self::activation::ActivationResource;
use self::functions::Inventory;
use self::secret::SecretResource;

pub use run_registry::{HandedOver, RunRegistry, Turn};

/// Type name of the resource for one secret.
pub const SECRET: &str = "rotation_secret";

/// Type name of the resource for one run after many secrets.
pub const ACTIVATION: &str = "rotation_activation";

/// The incident of the provider block.
#[derive(Debug, Clone, Default)]
pub enum Incidents {
    /// There is none.
    #[default]
    None,
    /// Something in it is not known yet.
    Unknown,
    /// This one.
    One(Arc<Incident>),
}

impl Incidents {
    /// The incident, where it is known.
    pub fn known(&self) -> Option<&Arc<Incident>> {
        match self {
            Self::One(incident) => Some(incident),
            Self::None | Self::Unknown => None,
        }
    }
}

/// What one provider configuration stands for.
pub struct Configured {
    /// Part of every id; `None` while unknown.
    pub namespace: Option<String>,
    /// The connections; `None` while something that concerns all of them is unknown or wrong.
    pub connections: Option<Arc<Connections>>,
    /// Where adapters come from: the same connections, except in tests that put a world of their own here.
    pub vendors: Option<Arc<dyn Vendors>>,
    /// Nothing may be applied.
    pub read_only: bool,
    /// The incident, if there is one.
    pub incidents: Incidents,
    /// The clock.
    pub clock: Clock,
    /// Set when Terraform asks for the end.
    pub stop: Stop,
    /// Who runs this, from the CI's environment.
    pub actor: Option<String>,
    /// The commit it runs from, from the CI's environment.
    pub commit: Option<String>,
    /// The other secrets of this run.
    pub run_registry: RunRegistry,
    /// Work that they share.
    pub shared_work: SharedWork,
}

/// Where CI systems say who started a run.
const ACTOR: [&str; 6] = [
    "GITHUB_ACTOR",
    "GITLAB_USER_LOGIN",
    "BUILDKITE_BUILD_CREATOR",
    "CIRCLE_USERNAME",
    "BUILD_REQUESTEDFOR",
    "TFC_RUN_ID",
];

/// Where CI systems say which commit a run is of.
const COMMIT: [&str; 6] = [
    "GITHUB_SHA",
    "CI_COMMIT_SHA",
    "BUILDKITE_COMMIT",
    "CIRCLE_SHA1",
    "BUILD_SOURCEVERSION",
    "TFC_CONFIGURATION_VERSION_GIT_COMMIT_SHA",
];

impl Configured {
    /// A configuration.
    pub fn new(
        namespace: Option<String>,
        connections: Option<Arc<Connections>>,
        clock: Clock,
        environment: &Environment,
    ) -> Self {
        Self {
            namespace,
            vendors: connections.clone().map(|connections| connections as Arc<dyn Vendors>),
            connections,
            incidents: Incidents::None,
            read_only: false,
            clock,
            stop: Stop::default(),
            actor: environment.first(&ACTOR).map(str::to_owned),
            commit: environment.first(&COMMIT).map(str::to_owned),
            run_registry: RunRegistry::default(),
            shared_work: SharedWork::default(),
        }
    }
}

/// The provider block that holds now: Terraform may configure a process more than once.
pub struct CurrentConfiguration {
    configured: RwLock<Arc<Configured>>,
    /// The connections of the block that was validated last: Terraform validates resources before it configures anything.
    validated: RwLock<Option<Arc<Connections>>>,
}

impl CurrentConfiguration {
    /// A configuration, until another replaces it.
    pub fn new(configured: Configured) -> Self {
        Self {
            configured: RwLock::new(Arc::new(configured)),
            validated: RwLock::new(None),
        }
    }

    /// The one that holds now. A call keeps the one that it began with.
    pub fn now(&self) -> Arc<Configured> {
        Arc::clone(&self.configured.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The connections as far as they are declared; `None` where the provider block is not known.
    pub fn declared(&self) -> Option<Arc<Connections>> {
        let validated = || self.validated.read().unwrap_or_else(PoisonError::into_inner).clone();
        self.now().connections.clone().or_else(validated)
    }

    fn note_validated(&self, connections: Option<Arc<Connections>>) {
        *self.validated.write().unwrap_or_else(PoisonError::into_inner) = connections;
    }

    fn replace(&self, configured: Configured) {
        *self.configured.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(configured);
    }
}

/// The provider.
pub struct RotationProvider {
    registry: Registry,
    environment: Environment,
    configuration: Arc<CurrentConfiguration>,
}

impl RotationProvider {
    /// A provider that falls back on these environment variables.
    pub fn new(environment: Environment) -> Self {
        let unconfigured = Configured::new(None, None, Clock::default(), &environment);
        let configuration = Arc::new(CurrentConfiguration::new(unconfigured));
        let registry = Registry::new(config::schema())
            .with_resource(SECRET, Arc::new(SecretResource::new(Arc::clone(&configuration))))
            .with_resource(
                ACTIVATION,
                Arc::new(ActivationResource::new(Arc::clone(&configuration))),
            )
            .with_function("inventory", Arc::new(Inventory::default()));
        Self {
            registry,
            environment,
            configuration,
        }
    }
}

#[async_trait]
impl Provider for RotationProvider {
    fn registry(&self) -> &Registry {
        &self.registry
    }

    async fn validate(&self, config: Value) -> Diagnostics {
        let (connections, problems) = config::validate(&config, &self.environment);
        self.configuration.note_validated(connections);
        problems
    }

    async fn configure(&self, config: Value) -> Diagnostics {
        let mut problems = Diagnostics::new();
        let configured = config::configure(&config, &self.environment, &mut problems);
        if let Some(connections) = &configured.connections {
            connections.prepare().await;
        }
        self.configuration.replace(configured);
        problems
    }

    fn stop(&self) {
        self.configuration.now().stop.request();
    }
}
