//! What a user sees: the provider block and the resource `rotation_secret`.

mod config;
pub mod secret;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use async_trait::async_trait;

use crate::address::Address;
use crate::clock::Clock;
use crate::connection::Connections;
use crate::environment::Environment;
use crate::executor::{Site, Stop};
use crate::plugin::{
    ApplyRequest, ApplyResponse, ClientCapabilities, PlanRequest, PlanResponse, Provider, ProviderSchema, ReadRequest,
    ReadResponse,
};
use crate::terraform::{Diagnostics, Path, Value};
use crate::vendors::Vendors;

pub use config::CLOCK_OFFSET;

/// Type name of the resource.
pub const SECRET: &str = "rotation_secret";

/// What one provider configuration stands for.
pub struct Configured {
    /// Part of every id; `None` while unknown.
    pub namespace: Option<String>,
    /// The connections; `None` while something in the block is unknown or wrong.
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
    turns: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    claims: Mutex<HashMap<String, String>>,
    created: Mutex<BTreeSet<String>>,
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
            turns: Mutex::default(),
            claims: Mutex::default(),
            created: Mutex::default(),
        }
    }

    /// Waits until no other run of this process works on the secret with that id.
    pub async fn turn(&self, id: &str) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(id.to_owned()).or_default())
        };
        turn.lock_owned().await
    }

    /// Notes that a secret with this id was created by this process; false when one was already.
    pub fn first_create(&self, id: &str) -> bool {
        self.created
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.to_owned())
    }

    /// Notes that a secret plans to write these slots; a secret of another name on one of them is a mistake. A replacement
    /// is planned twice, under its old id and under none, so the name is what tells secrets apart here.
    pub fn claim(&self, config: &secret::Config, slots: &BTreeMap<String, Address>, problems: &mut Diagnostics) {
        let owner = &config.name;
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, slot) in slots {
            let first = claims.entry(slot.to_string()).or_insert_with(|| owner.clone());
            if first != owner {
                problems.error(
                    secret::path_of(&Site::Target(key.clone()), config),
                    format!("Another secret writes {slot} too"),
                    format!("It was planned first by {first:?}. One slot belongs to one secret: remove one of the two targets."),
                );
            }
        }
    }
}

/// The provider.
pub struct RotationProvider {
    schema: ProviderSchema,
    environment: Environment,
    configured: RwLock<Arc<Configured>>,
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
        config::validate(&config, &self.environment)
    }

    async fn configure(&self, config: Value) -> Diagnostics {
        let mut problems = Diagnostics::new();
        let configured = config::configure(&config, &self.environment, &mut problems);
        *self.configured.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(configured);
        problems
    }

    async fn validate_resource(&self, _type_name: &str, config: Value, _client: ClientCapabilities) -> Diagnostics {
        secret::validate(&config)
    }

    async fn upgrade(&self, _type_name: &str, version: i64, state: Value) -> Result<Value, Diagnostics> {
        if version == secret::schema::VERSION {
            return Ok(state);
        }
        let mut problems = Diagnostics::new();
        problems.error(
            Path::root(),
            format!(
                "The state has format version {version}, this provider knows {}",
                secret::schema::VERSION
            ),
            "It was left untouched. Use the version of the provider that wrote it, or a newer one.",
        );
        Err(problems)
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
