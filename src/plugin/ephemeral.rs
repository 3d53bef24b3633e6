//! An ephemeral resource, free of the wire.
//!
//! Terraform opens it in a plan, and again in an apply, and stores nothing of it.

use async_trait::async_trait;

use crate::terraform::{Diagnostics, Schema, Value};

/// tfplugin6 `OpenEphemeralResource`.
#[derive(Debug)]
pub struct Opened {
    /// The configuration with the computed attributes filled in.
    pub result: Value,
    /// Bytes that [`Ephemeral::close`] will be given. They are never stored.
    pub private: Vec<u8>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

/// An ephemeral resource that needs no renewal (tfplugin6 `ValidateEphemeralResourceConfig`, `OpenEphemeralResource`,
/// `CloseEphemeralResource`; since 6.7).
#[async_trait]
pub trait Ephemeral: Send + Sync {
    /// Its schema; the same on every call.
    fn schema(&self) -> &Schema;

    /// Checks the shape of a configuration, without any call to the outside. Values may be unknown.
    async fn validate(&self, config: Value) -> Diagnostics;

    /// Opens it.
    async fn open(&self, config: Value) -> Opened;

    /// Ends it, with the private bytes of [`Opened`].
    async fn close(&self, private: Vec<u8>) -> Diagnostics;
}
