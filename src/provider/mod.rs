//! What a user sees: the provider block and the resource `rotation_secret`.

mod config;
mod run_registry;
pub mod secret;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;

use crate::clock::Clock;
use crate::connection::Connections;
use crate::environment::Environment;
use crate::executor::Stop;
use crate::plugin::{
    ApplyRequest, ApplyResponse, ClientCapabilities, PlanRequest, PlanResponse, Provider, ProviderSchema, ReadRequest,
    ReadResponse, UpgradeRequest,
};
use crate::terraform::{Diagnostics, Path, Value};
use crate::vendors::Vendors;

pub use config::CLOCK_OFFSET;
pub use run_registry::{HandedOver, RunRegistry, Turn};

/// Type name of the resource.
pub const SECRET: &str = "rotation_secret";

/// What one provider configuration stands for.
pub struct Configured {
    /// Part of every id; `None` while unknown.
    pub namespace: Option<String>,
    /// The connections; `None` while something that concerns all of them is unknown or wrong.
    pub connections: Option<Arc<Connections>>,
    /// Where adapters come from: the same connections, except in tests that put a world of their own here.
    pub vendors: Option<Arc<dyn Vendors>>,
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
            clock,
            stop: Stop::default(),
            actor: environment.first(&ACTOR).map(str::to_owned),
            commit: environment.first(&COMMIT).map(str::to_owned),
            run_registry: RunRegistry::default(),
        }
    }
}

/// The provider.
pub struct RotationProvider {
    schema: ProviderSchema,
    environment: Environment,
    configured: RwLock<Arc<Configured>>,
    /// The connections of the block that was validated last: Terraform validates resources before it configures anything.
    validated: RwLock<Option<Arc<Connections>>>,
}

impl RotationProvider {
    /// A provider that falls back on these environment variables.
    pub fn new(environment: Environment) -> Self {
        let schema = ProviderSchema {
            provider: config::schema(),
            resources: BTreeMap::from([(SECRET.to_owned(), secret::schema::schema())]),
        };
        let configured = RwLock::new(Arc::new(Configured::new(None, None, Clock::default(), &environment)));
        Self {
            schema,
            environment,
            configured,
            validated: RwLock::new(None),
        }
    }

    fn configured(&self) -> Arc<Configured> {
        Arc::clone(&self.configured.read().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Provider for RotationProvider {
    fn schema(&self) -> &ProviderSchema {
        &self.schema
    }

    async fn validate_provider(&self, config: Value) -> Diagnostics {
        let (connections, problems) = config::validate(&config, &self.environment);
        *self.validated.write().unwrap_or_else(PoisonError::into_inner) = connections;
        problems
    }

    async fn configure(&self, config: Value) -> Diagnostics {
        let mut problems = Diagnostics::new();
        let configured = config::configure(&config, &self.environment, &mut problems);
        if let Some(connections) = &configured.connections {
            connections.prepare().await;
        }
        *self.configured.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(configured);
        problems
    }

    async fn validate_resource(&self, _type_name: &str, config: Value, _client: ClientCapabilities) -> Diagnostics {
        let validated = self.validated.read().unwrap_or_else(PoisonError::into_inner).clone();
        let connections = self.configured().connections.clone().or(validated);
        secret::validate(&config, connections.as_deref())
    }

    fn reshape(&self, _type_name: &str, version: i64, state: Vec<u8>) -> Vec<u8> {
        secret::upgrade::reshape(version, state)
    }

    async fn upgrade(&self, request: UpgradeRequest) -> Result<Value, Diagnostics> {
        let mut problems = Diagnostics::new();
        if !(0..=secret::schema::VERSION).contains(&request.version) {
            let known = secret::schema::VERSION;
            let summary = format!(
                "The state has format version {}, this provider knows {known}",
                request.version
            );
            problems.error(Path::root(), summary, secret::state_check::WAY_OUT);
            return Err(problems);
        }
        // Terraform itself drops them, so this protects users of other hosts.
        for path in request.without_room {
            let summary = format!("The state holds {path}, which this version of the provider does not know");
            problems.error(Path::root(), summary, secret::state_check::WAY_OUT);
        }
        if problems.has_errors() {
            Err(problems)
        } else {
            Ok(request.state)
        }
    }

    async fn read(&self, request: ReadRequest) -> ReadResponse {
        secret::read(&self.configured(), request).await
    }

    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        secret::plan(&self.configured(), request)
    }

    async fn apply(&self, request: ApplyRequest) -> ApplyResponse {
        secret::apply(&self.configured(), request).await
    }

    fn stop(&self) {
        self.configured().stop.request();
    }
}
