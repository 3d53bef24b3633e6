//! A data source, free of the wire.

use async_trait::async_trait;

use crate::terraform::{Diagnostics, Schema, Value};

/// tfplugin6 `ReadDataSource`; with an error Terraform has no state of it.
#[derive(Debug)]
pub struct DataResponse {
    /// The configuration with the computed attributes filled in.
    pub state: Value,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

/// A data source (tfplugin6 `ValidateDataResourceConfig`, `ReadDataSource`).
#[async_trait]
pub trait DataSource: Send + Sync {
    /// Its schema; the same on every call.
    fn schema(&self) -> &Schema;

    /// Checks the shape of a configuration, without any call to the outside. Values may be unknown.
    async fn validate(&self, config: Value) -> Diagnostics;

    /// Reads what the wholly known configuration asks for.
    async fn read(&self, config: Value) -> DataResponse;
}
