//! A provider with the schema of `rotation_secret` that does nothing: it keeps what is in the state and plans no change. `make bench`
//! measures with it what the schema alone costs, and what each part of it: `IDLE_WITHOUT` names attributes and blocks to leave out. What it
//! creates has the computed attributes that are in `IDLE_STATE`: those of a secret, as a state file has them.

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use rotation_provider::environment::Environment;
use rotation_provider::plugin::{
    self, ApplyRequest, ApplyResponse, ClientCapabilities, Identity, PlanRequest, PlanResponse, Provider, ReadRequest,
    ReadResponse, Registry, Resource, UpgradeRequest,
};
use rotation_provider::provider::secret;
use rotation_provider::terraform::{Attribute, Block, Diagnostics, Mode, Schema, Type, Value, json};

fn main() -> ExitCode {
    let identity = Identity {
        name: "terraform-provider-rotation",
        version: env!("CARGO_PKG_VERSION"),
        address: "registry.terraform.io/secret-rotation/rotation",
    };
    let environment = Environment::of_process();
    plugin::serve(identity, &environment, || {
        let without = environment.get("IDLE_WITHOUT").unwrap_or_default();
        let state = environment.get("IDLE_STATE").unwrap_or("null");
        Ok(Idle::new(&without.split(',').collect::<Vec<_>>(), state))
    })
}

struct Idle {
    registry: Registry,
}

impl Idle {
    fn new(without: &[&str], state: &str) -> Self {
        let mut schema = secret::schema::schema();
        schema
            .block
            .attributes
            .retain(|attribute| !without.contains(&attribute.name));
        schema.block.blocks.retain(|block| !without.contains(&block.name));
        // What is no such state gives no attribute.
        let made = json::decode(state.as_bytes(), &schema.block.value_type()).unwrap_or(Value::Null);
        let provider = Schema {
            version: 0,
            block: Block {
                attributes: vec![Attribute::optional("namespace", Type::String, "Any text.")],
                ..Block::default()
            },
        };
        Self {
            registry: Registry::new(provider).with_resource("rotation_secret", Arc::new(Kept { schema, made })),
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
struct Kept {
    schema: Schema,
    /// What a new one has.
    made: Value,
}

impl Kept {
    /// The object with another value for each computed attribute that it has no value for.
    fn computed(&self, object: Value, value: impl Fn(&str) -> Value) -> Value {
        let attributes = self.schema.block.attributes.iter();
        let computed = attributes.filter(|attribute| matches!(attribute.mode, Mode::Computed | Mode::OptionalComputed));
        computed.fold(object, |object, attribute| {
            let known = object.get(attribute.name);
            if known.is_null() || known.has_unknown() {
                object.with(attribute.name, value(attribute.name))
            } else {
                object
            }
        })
    }
}

#[async_trait]
impl Resource for Kept {
    fn schema(&self) -> &Schema {
        &self.schema
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
        let planned = if request.prior.is_null() {
            self.computed(request.proposed, |_| Value::unknown())
        } else {
            request.prior
        };
        PlanResponse {
            planned,
            requires_replace: Vec::new(),
            private: request.private,
            diagnostics: Diagnostics::new(),
        }
    }

    async fn apply(&self, request: ApplyRequest) -> ApplyResponse {
        let state = if request.prior.is_null() {
            self.computed(request.planned, |name| self.made.get(name).clone())
        } else {
            request.planned
        };
        ApplyResponse {
            state,
            private: request.private,
            diagnostics: Diagnostics::new(),
        }
    }
}
