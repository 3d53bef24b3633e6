//! A provider with the schema of `rotation_secret` that does nothing: it keeps what is in the state and plans no change. `make bench`
//! measures with it what the schema alone costs, and what each part of it: `IDLE_WITHOUT` names attributes and blocks to leave out.

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use rotation_provider::environment::Environment;
use rotation_provider::plugin::{
    self, ApplyRequest, ApplyResponse, ClientCapabilities, Identity, PlanRequest, PlanResponse, Provider, ReadRequest,
    ReadResponse, Registry, Resource, UpgradeRequest,
};
use rotation_provider::provider::secret;
use rotation_provider::terraform::{Attribute, Block, Diagnostics, Schema, Type, Value};

fn main() -> ExitCode {
    let identity = Identity {
        name: "terraform-provider-rotation",
        version: env!("CARGO_PKG_VERSION"),
        address: "registry.terraform.io/secret-rotation/rotation",
    };
    let environment = Environment::of_process();
    plugin::serve(identity, &environment, || {
        let without = environment.get("IDLE_WITHOUT").unwrap_or_default();
        Ok(Idle::new(&without.split(',').collect::<Vec<_>>()))
    })
}

struct Idle {
    registry: Registry,
}

impl Idle {
    fn new(without: &[&str]) -> Self {
        let mut schema = secret::schema::schema();
        schema
            .block
            .attributes
            .retain(|attribute| !without.contains(&attribute.name));
        schema.block.blocks.retain(|block| !without.contains(&block.name));
        let provider = Schema {
            version: 0,
            block: Block {
                attributes: vec![Attribute::optional("namespace", Type::String, "Any text.")],
                ..Block::default()
            },
        };
        Self {
            registry: Registry::new(provider).with_resource("rotation_secret", Arc::new(Kept(schema))),
        }
    }
}

#[async_trait]
impl Provider for Idle {
    fn registry(&self) -> &Registry {
        &self.registry
    }

    async fn validate(&self, _config: Value) -> Diagnostics {
        Diagnostics::new()
    }

    async fn configure(&self, _config: Value) -> Diagnostics {
        Diagnostics::new()
    }

    fn stop(&self) {}
}

/// An object that stays as it is.
struct Kept(Schema);

#[async_trait]
impl Resource for Kept {
    fn schema(&self) -> &Schema {
        &self.0
    }

    async fn validate(&self, _config: Value, _client: ClientCapabilities) -> Diagnostics {
        Diagnostics::new()
    }

    async fn upgrade(&self, request: UpgradeRequest) -> Result<Value, Diagnostics> {
        Ok(request.state)
    }

    async fn read(&self, request: ReadRequest) -> ReadResponse {
        ReadResponse {
            state: request.state,
            private: request.private,
            diagnostics: Diagnostics::new(),
        }
    }

    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        PlanResponse {
            planned: request.prior,
            requires_replace: Vec::new(),
            private: request.private,
            diagnostics: Diagnostics::new(),
        }
    }

    async fn apply(&self, request: ApplyRequest) -> ApplyResponse {
        ApplyResponse {
            state: request.planned,
            private: request.private,
            diagnostics: Diagnostics::new(),
        }
    }
}
