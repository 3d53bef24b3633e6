//! `rotation_activation` as the plugin layer serves it.

use std::sync::Arc;

use async_trait::async_trait;

use super::declared::RUN;
use super::{apply, plan, schema, validate};
use crate::diagnostics::StateProblem;
use crate::plugin::{
    ApplyRequest, ApplyResponse, ClientCapabilities, PlanRequest, PlanResponse, ReadRequest, ReadResponse, Resource,
    UpgradeRequest,
};
use crate::provider::CurrentConfiguration;
use crate::terraform::conform::conform;
use crate::terraform::{Diagnostics, Path, Schema, Value};

/// The resource, under the provider block that holds at the moment of each call.
pub struct ActivationResource {
    schema: Schema,
    configuration: Arc<CurrentConfiguration>,
}

impl ActivationResource {
    /// The resource.
    pub fn new(configuration: Arc<CurrentConfiguration>) -> Self {
        Self {
            schema: schema::schema(),
            configuration,
        }
    }
}

#[async_trait]
impl Resource for ActivationResource {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    async fn validate(&self, config: Value, _client: ClientCapabilities) -> Diagnostics {
        let declared = self.configuration.declared();
        validate(&config, declared.as_ref().map(|declared| declared.connections.as_ref()))
    }

    async fn upgrade(&self, request: UpgradeRequest) -> Result<Value, Diagnostics> {
        let mut problems = Diagnostics::new();
        let (found, known) = (request.version, schema::VERSION);
        if found != known {
            problems.report(Path::root(), StateProblem::Version { found, known });
            return Err(problems);
        }
        for path in request.without_room {
            let argument = path.to_string();
            problems.report(Path::root(), StateProblem::NotInSchema { argument });
        }
        let (path, mut mistakes) = (Path::attribute("run"), Diagnostics::new());
        conform(request.state.get("run"), &RUN, &path, &[], &mut mistakes);
        for mistake in mistakes {
            let argument = mistake.path.to_string();
            problems.report(Path::root(), StateProblem::NotUnderstood { argument });
        }
        if problems.has_errors() {
            Err(problems)
        } else {
            Ok(request.state)
        }
    }

    /// There is nothing to look at: a run leaves no object behind.
    async fn read(&self, request: ReadRequest) -> ReadResponse {
        ReadResponse {
            state: request.state,
            private: request.private,
            diagnostics: Diagnostics::new(),
        }
    }

    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        plan::plan(&self.configuration.now(), request)
    }

    async fn apply(&self, request: ApplyRequest) -> ApplyResponse {
        apply::apply(&self.configuration.now(), request).await
    }
}
