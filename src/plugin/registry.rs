//! What a provider offers, by the names that configurations use.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{DataSource, Ephemeral, Function, Resource};
use crate::terraform::Schema;

/// Everything of one kind, by name.
pub(super) type Named<T> = BTreeMap<&'static str, Arc<T>>;

/// What a provider offers (tfplugin6 `GetProviderSchema`). Calls are dispatched by it.
#[derive(Clone)]
pub struct Registry {
    pub(super) provider: Schema,
    pub(super) resources: Named<dyn Resource>,
    pub(super) data_sources: Named<dyn DataSource>,
    pub(super) ephemerals: Named<dyn Ephemeral>,
    pub(super) functions: Named<dyn Function>,
}

impl Registry {
    /// Nothing but the provider block.
    pub fn new(provider: Schema) -> Self {
        Self {
            provider,
            resources: BTreeMap::new(),
            data_sources: BTreeMap::new(),
            ephemerals: BTreeMap::new(),
            functions: BTreeMap::new(),
        }
    }

    /// The same, with a managed resource.
    #[must_use]
    pub fn with_resource(mut self, name: &'static str, resource: Arc<dyn Resource>) -> Self {
        self.resources.insert(name, resource);
        self
    }

    /// The same, with a data source.
    #[must_use]
    pub fn with_data_source(mut self, name: &'static str, source: Arc<dyn DataSource>) -> Self {
        self.data_sources.insert(name, source);
        self
    }

    /// The same, with an ephemeral resource.
    #[must_use]
    pub fn with_ephemeral(mut self, name: &'static str, ephemeral: Arc<dyn Ephemeral>) -> Self {
        self.ephemerals.insert(name, ephemeral);
        self
    }

    /// The same, with a function.
    #[must_use]
    pub fn with_function(mut self, name: &'static str, function: Arc<dyn Function>) -> Self {
        self.functions.insert(name, function);
        self
    }

    /// The schema of the provider block.
    pub fn provider_schema(&self) -> &Schema {
        &self.provider
    }

    /// The managed resource of that name.
    pub fn resource(&self, name: &str) -> Option<&Arc<dyn Resource>> {
        self.resources.get(name)
    }

    /// All functions, by name.
    pub fn functions(&self) -> impl Iterator<Item = (&'static str, &Arc<dyn Function>)> {
        self.functions.iter().map(|(name, function)| (*name, function))
    }
}
