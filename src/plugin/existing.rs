//! What begins to be managed although it exists: imports, moves from other types, and the identities by which they are named.

use super::catalog::{Served, What};
use super::diagnostics::to_wire;
use super::handlers::Handlers;
use super::identity::{encoded, identity_of};
use super::wire::tfplugin6 as wire;
use super::{ImportRequest, MoveRequest, Provider, schema};
use crate::terraform::{Diagnostics, Value};

impl<P: Provider> Handlers<P> {
    pub(super) async fn import(
        &self,
        request: wire::import_resource_state::Request,
    ) -> Result<wire::import_resource_state::Response, Diagnostics> {
        let served = self.catalog.resource(&request.type_name)?;
        let Served { shape, handler } = served;
        let identity = request.identity.and_then(|identity| identity.identity_data);
        let order = ImportRequest {
            id: request.id,
            identity: match identity {
                Some(data) => served.identity_shape().decode(Some(data), What::Identity)?,
                None => Value::Null,
            },
        };
        let state = handler.import(order).await;
        let state = state.map_err(|diagnostics| shape.located(diagnostics))?;
        let mut diagnostics = Diagnostics::new();
        let identity = identity_of(served, &state, &mut diagnostics);
        let imported = wire::import_resource_state::ImportedResource {
            type_name: request.type_name,
            state: shape.encode_state_or(state, None, &mut diagnostics),
            private: Vec::new(),
            identity,
        };
        Ok(wire::import_resource_state::Response {
            imported_resources: vec![imported],
            diagnostics: to_wire(shape.located(diagnostics)),
            ..Default::default()
        })
    }

    /// The state that is moved is not decoded: it may hold values in plain text, and nothing of it is carried over.
    pub(super) async fn take_over_state(
        &self,
        request: wire::move_resource_state::Request,
    ) -> Result<wire::move_resource_state::Response, Diagnostics> {
        let served = self.catalog.resource(&request.target_type_name)?;
        let Served { shape, handler } = served;
        let order = MoveRequest {
            provider: request.source_provider_address,
            type_name: request.source_type_name,
        };
        let state = handler.move_from(order).await;
        let state = state.map_err(|diagnostics| shape.located(diagnostics))?;
        let mut diagnostics = Diagnostics::new();
        let target_identity = identity_of(served, &state, &mut diagnostics);
        Ok(wire::move_resource_state::Response {
            target_state: shape.encode_state_or(state, None, &mut diagnostics),
            target_private: Vec::new(),
            target_identity,
            diagnostics: to_wire(shape.located(diagnostics)),
        })
    }

    /// There is one version of identities, so that a stored one is only put into the wire's form.
    pub(super) async fn upgrade_identity(
        &self,
        request: wire::upgrade_resource_identity::Request,
    ) -> Result<wire::upgrade_resource_identity::Response, Diagnostics> {
        let served = self.catalog.resource(&request.type_name)?;
        let shape = served.identity_shape();
        let (identity, _) = shape.decode_state(request.raw_identity)?;
        let mut diagnostics = Diagnostics::new();
        let upgraded_identity = encoded(&shape, identity, &mut diagnostics);
        Ok(wire::upgrade_resource_identity::Response {
            upgraded_identity,
            diagnostics: to_wire(diagnostics),
        })
    }

    pub(super) fn identity_schemas(&self) -> wire::get_resource_identity_schemas::Response {
        let resources = self.provider.registry().resources.iter();
        let identified = resources.filter(|(_, resource)| !resource.identity_attributes().is_empty());
        wire::get_resource_identity_schemas::Response {
            identity_schemas: identified
                .map(|(name, resource)| ((*name).to_owned(), schema::identity(resource.identity_attributes())))
                .collect(),
            diagnostics: Vec::new(),
        }
    }
}
