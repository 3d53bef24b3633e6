//! `rotation_secret` as the plugin layer serves it.

use std::sync::Arc;

use async_trait::async_trait;

use super::{apply, existing, plan, read, schema, upgrade, validate};
use crate::diagnostics::StateProblem;
use crate::plugin::{
    ApplyRequest, ApplyResponse, ClientCapabilities, ImportRequest, MoveRequest, PlanRequest, PlanResponse,
    ReadRequest, ReadResponse, Resource, UpgradeRequest,
};
use crate::provider::CurrentConfiguration;
use crate::terraform::{Attribute, Diagnostics, Path, Schema, Value};

/// The resource, under the provider block that holds at the moment of each call.
pub struct SecretResource {
    schema: Schema,
    identity: Vec<Attribute>,
    configuration: Arc<CurrentConfiguration>,
}

impl SecretResource {
    /// The resource.
    pub fn new(configuration: Arc<CurrentConfiguration>) -> Self {
        Self {
            schema: schema::schema(),
            identity: existing::identity_attributes(),
            configuration,
        }
    }
}

#[async_trait]
impl Resource for SecretResource {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    async fn validate(&self, config: Value, _client: ClientCapabilities) -> Diagnostics {
        validate(&config, self.configuration.declared().as_ref())
    }

    fn reshape(&self, version: i64, state: Vec<u8>) -> Vec<u8> {
        upgrade::reshape(version, state)
    }

    async fn upgrade(&self, request: UpgradeRequest) -> Result<Value, Diagnostics> {
        let mut problems = Diagnostics::new();
        let known = schema::VERSION;
        if !(0..=known).contains(&request.version) {
            let found = request.version;
            problems.report(Path::root(), StateProblem::Version { found, known });
            return Err(problems);
        }
        // Terraform itself drops them, so this protects users of other hosts.
        for path in request.without_room {
            let argument = path.to_string();
            problems.report(Path::root(), StateProblem::NotInSchema { argument });
        }
        if problems.has_errors() {
            Err(problems)
        } else {
            Ok(request.state)
        }
    }

    async fn read(&self, request: ReadRequest) -> ReadResponse {
        read(&self.configuration.now(), request).await
    }

    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        plan(&self.configuration.now(), request)
    }

    async fn apply(&self, request: ApplyRequest) -> ApplyResponse {
        apply(&self.configuration.now(), request).await
    }

    async fn import(&self, request: ImportRequest) -> Result<Value, Diagnostics> {
        existing::import(&request)
    }

    async fn move_from(&self, request: MoveRequest) -> Result<Value, Diagnostics> {
        existing::move_from(&request)
    }

    fn identity_attributes(&self) -> &[Attribute] {
        &self.identity
    }

    fn identity(&self, object: &Value) -> Value {
        existing::identity(object)
    }
}
