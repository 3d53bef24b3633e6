//! How Terraform talks to a provider: go-plugin handshake, mutual TLS, the tfplugin 6 service.
//!
//! No behaviour of its own, and no knowledge of rotation: everything goes to a [`Provider`].

mod arguments;
mod auxiliary;
mod calls;
mod catalog;
mod crash;
mod data_source;
mod diagnostics;
mod ending;
mod ephemeral;
mod existing;
mod function;
mod functions;
mod handlers;
mod handshake;
mod identity;
mod lifetime;
mod log;
mod registry;
mod resource;
mod schema;
mod serve;
mod service;
mod socket;
mod tls;
mod transport;
mod wire;
mod write_only;

use async_trait::async_trait;

pub use data_source::{DataResponse, DataSource};
pub use ephemeral::{Ephemeral, Opened};
pub use function::{Function, FunctionError, Parameter, Signature};
pub use registry::Registry;
pub use resource::{
    ApplyRequest, ApplyResponse, ClientCapabilities, ImportRequest, MoveRequest, PlanRequest, PlanResponse,
    ReadRequest, ReadResponse, Resource, UpgradeRequest, cannot_move,
};
pub use serve::{Identity, serve};

use crate::terraform::{Diagnostics, Value};

/// A Terraform provider, free of the wire.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// What it offers; the same on every call.
    fn registry(&self) -> &Registry;

    /// Checks the provider block's shape. Values may be unknown.
    async fn validate(&self, config: Value) -> Diagnostics;

    /// Takes over the provider block. May come more than once, and with unknown values during plan.
    async fn configure(&self, config: Value) -> Diagnostics;

    /// Asks for an end after the call in flight; the server goes on serving.
    fn stop(&self);
}
