//! How Terraform talks to a provider: go-plugin handshake, mutual TLS, the tfplugin 6 service.
//!
//! No behaviour of its own, and no knowledge of rotation: everything goes to a [`Provider`].

mod arguments;
mod auxiliary;
mod calls;
mod catalog;
mod crash;
mod diagnostics;
mod ending;
mod handshake;
mod lifetime;
mod log;
mod schema;
mod serve;
mod service;
mod socket;
mod tls;
mod transport;
mod wire;
mod write_only;

use std::collections::BTreeMap;

use async_trait::async_trait;

pub use serve::{Identity, serve};

use crate::terraform::{Diagnostics, Path, Schema, Value};

/// What a provider offers (tfplugin6 `GetProviderSchema`).
#[derive(Debug, Clone)]
pub struct ProviderSchema {
    /// The provider block.
    pub provider: Schema,
    /// Managed resources by type name.
    pub resources: BTreeMap<String, Schema>,
}

/// What Terraform said it can do (tfplugin6 `ClientCapabilities`).
#[derive(Debug, Clone, Copy, Default)]
pub struct ClientCapabilities {
    /// Write-only attributes may be set (6.8).
    pub write_only_attributes: bool,
}

/// tfplugin6 `UpgradeResourceState`.
#[derive(Debug)]
pub struct UpgradeRequest {
    /// Type of the resource.
    pub type_name: String,
    /// Version of the schema that the state was written with.
    pub version: i64,
    /// The state, decoded leniently: attributes that it lacks are null.
    pub state: Value,
    /// What it holds and the current schema has no room for, the first few places.
    pub without_room: Vec<Path>,
}

/// tfplugin6 `ReadResource`.
#[derive(Debug)]
pub struct ReadRequest {
    /// Type of the resource.
    pub type_name: String,
    /// State as stored.
    pub state: Value,
    /// Private bytes as stored.
    pub private: Vec<u8>,
}

/// tfplugin6 `ReadResource`; with an error Terraform keeps the stored state.
#[derive(Debug)]
pub struct ReadResponse {
    /// The refreshed state; [`Value::Null`] means that the object is gone.
    pub state: Value,
    /// Private bytes to store.
    pub private: Vec<u8>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

/// tfplugin6 `PlanResourceChange`.
#[derive(Debug)]
pub struct PlanRequest {
    /// Type of the resource.
    pub type_name: String,
    /// State; null for a create.
    pub prior: Value,
    /// Terraform's proposal; null for a destroy. Carries write-only values.
    pub proposed: Value,
    /// The configuration; carries write-only values.
    pub config: Value,
    /// Private bytes as stored.
    pub private: Vec<u8>,
}

/// tfplugin6 `PlanResourceChange`.
#[derive(Debug)]
pub struct PlanResponse {
    /// The planned state, write-only attributes null.
    pub planned: Value,
    /// Attributes whose change needs a new object.
    pub requires_replace: Vec<Path>,
    /// Private bytes that apply will be given.
    pub private: Vec<u8>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

/// tfplugin6 `ApplyResourceChange`.
#[derive(Debug)]
pub struct ApplyRequest {
    /// Type of the resource.
    pub type_name: String,
    /// State; null for a create.
    pub prior: Value,
    /// The planned state; null for a destroy.
    pub planned: Value,
    /// The configuration with write-only values; null for a destroy.
    pub config: Value,
    /// Private bytes of the plan.
    pub private: Vec<u8>,
}

/// tfplugin6 `ApplyResourceChange`; state and errors together mean partial success.
#[derive(Debug)]
pub struct ApplyResponse {
    /// What exists now; null when nothing does.
    pub state: Value,
    /// Private bytes to store.
    pub private: Vec<u8>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

/// A Terraform provider, free of the wire.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// The schema; the same on every call.
    fn schema(&self) -> &ProviderSchema;

    /// Checks the provider block's shape. Values may be unknown.
    async fn validate_provider(&self, config: Value) -> Diagnostics;

    /// Takes over the provider block. May come more than once, and with unknown values during plan.
    async fn configure(&self, config: Value) -> Diagnostics;

    /// Checks a resource's shape, without any call to the outside. Values may be unknown.
    async fn validate_resource(&self, type_name: &str, config: Value, client: ClientCapabilities) -> Diagnostics;

    /// Gives the JSON of a state of an older version the shape of the current schema, so that it can be decoded. Values stay as they
    /// are; one that is not understood is refused by [`Self::upgrade`].
    fn reshape(&self, type_name: &str, version: i64, state: Vec<u8>) -> Vec<u8> {
        let _ = (type_name, version);
        state
    }

    /// Brings an older state to the current schema version.
    ///
    /// # Errors
    /// Diagnostics, when the state cannot be brought over; Terraform keeps it as it is.
    async fn upgrade(&self, request: UpgradeRequest) -> Result<Value, Diagnostics>;

    /// Refreshes a state.
    async fn read(&self, request: ReadRequest) -> ReadResponse;

    /// Plans a change, from its arguments alone.
    async fn plan(&self, request: PlanRequest) -> PlanResponse;

    /// Carries a change out.
    async fn apply(&self, request: ApplyRequest) -> ApplyResponse;

    /// Asks for an end after the call in flight; the server goes on serving.
    fn stop(&self);
}
