//! What a call does: decodes, asks the handler of that name, encodes. One short function per rpc, and no rules of its own except
//! those that protect state.

use std::sync::Arc;

use super::catalog::{Catalog, Served, What};
use super::diagnostics::{path, to_wire};
use super::identity::identity_of;
use super::wire::tfplugin6 as wire;
use super::{ApplyRequest, ClientCapabilities, PlanRequest, Provider, ReadRequest, UpgradeRequest, functions};
use crate::terraform::Diagnostics;

/// What calls are done with.
pub(super) struct Handlers<P> {
    pub(super) provider: Arc<P>,
    pub(super) catalog: Catalog,
}

impl<P: Provider> Handlers<P> {
    pub(super) async fn validate_provider(
        &self,
        request: wire::validate_provider_config::Request,
    ) -> Result<(), Diagnostics> {
        let config = self.catalog.provider.decode(request.config, What::ProviderBlock)?;
        let diagnostics = self.provider.validate(config).await;
        refused(self.catalog.provider.located(diagnostics))
    }

    pub(super) async fn configure(&self, request: wire::configure_provider::Request) -> Result<(), Diagnostics> {
        let config = self.catalog.provider.decode(request.config, What::ProviderBlock)?;
        let diagnostics = self.provider.configure(config).await;
        refused(self.catalog.provider.located(diagnostics))
    }

    pub(super) async fn validate(&self, request: wire::validate_resource_config::Request) -> Result<(), Diagnostics> {
        let Served { shape, handler } = self.catalog.resource(&request.type_name)?;
        let mut config = shape.decode(request.config, What::Configuration)?;
        let client = ClientCapabilities {
            write_only_attributes: request
                .client_capabilities
                .is_some_and(|client| client.write_only_attributes_allowed),
        };
        let mut diagnostics = Diagnostics::new();
        if !client.write_only_attributes {
            diagnostics.extend(shape.refuse_write_only(&mut config));
        }
        diagnostics.extend(handler.validate(config, client).await);
        refused(shape.located(diagnostics))
    }

    pub(super) async fn upgrade(
        &self,
        request: wire::upgrade_resource_state::Request,
    ) -> Result<wire::upgrade_resource_state::Response, Diagnostics> {
        let Served { shape, handler } = self.catalog.resource(&request.type_name)?;
        let raw_state = request.raw_state.map(|raw| wire::RawState {
            json: handler.reshape(request.version, raw.json),
            ..raw
        });
        let (state, without_room) = shape.decode_state(raw_state)?;
        let request = UpgradeRequest {
            version: request.version,
            state,
            without_room,
        };
        let upgraded = handler.upgrade(request).await;
        let upgraded = upgraded.map_err(|diagnostics| shape.located(diagnostics))?;
        let mut diagnostics = Diagnostics::new();
        let upgraded_state = shape.encode_state_or(upgraded, None, &mut diagnostics);
        Ok(wire::upgrade_resource_state::Response {
            upgraded_state,
            diagnostics: to_wire(shape.located(diagnostics)),
        })
    }

    pub(super) async fn read(
        &self,
        request: wire::read_resource::Request,
    ) -> Result<wire::read_resource::Response, Diagnostics> {
        let served = self.catalog.resource(&request.type_name)?;
        let Served { shape, handler } = served;
        let stored = request.current_state.clone();
        let request = ReadRequest {
            state: shape.decode(request.current_state, What::State)?,
            private: request.private,
        };
        let mut answer = handler.read(request).await;
        let new_identity = identity_of(served, &answer.state, &mut answer.diagnostics);
        Ok(wire::read_resource::Response {
            new_state: shape.encode_state_or(answer.state, stored, &mut answer.diagnostics),
            private: answer.private,
            diagnostics: to_wire(shape.located(answer.diagnostics)),
            new_identity,
            ..Default::default()
        })
    }

    pub(super) async fn plan(
        &self,
        request: wire::plan_resource_change::Request,
    ) -> Result<wire::plan_resource_change::Response, Diagnostics> {
        let served = self.catalog.resource(&request.type_name)?;
        let Served { shape, handler } = served;
        let stored = request.prior_state.clone();
        let mut proposed = shape.decode(request.proposed_new_state, What::ProposedState)?;
        // Some cores copy write-only values from the configuration, which would make every plan differ from the state.
        shape.strip_write_only(&mut proposed);
        let request = PlanRequest {
            prior: shape.decode(request.prior_state, What::State)?,
            proposed,
            config: shape.decode(request.config, What::Configuration)?,
            private: request.prior_private,
        };
        let mut answer = handler.plan(request).await;
        let planned_identity = identity_of(served, &answer.planned, &mut answer.diagnostics);
        Ok(wire::plan_resource_change::Response {
            planned_state: shape.encode_or(answer.planned, stored, &mut answer.diagnostics),
            requires_replace: answer.requires_replace.iter().map(path).collect(),
            planned_private: answer.private,
            diagnostics: to_wire(shape.located(answer.diagnostics)),
            planned_identity,
            ..Default::default()
        })
    }

    pub(super) async fn apply(
        &self,
        request: wire::apply_resource_change::Request,
    ) -> Result<wire::apply_resource_change::Response, Diagnostics> {
        let served = self.catalog.resource(&request.type_name)?;
        let Served { shape, handler } = served;
        let stored = request.prior_state.clone();
        let request = ApplyRequest {
            prior: shape.decode(request.prior_state, What::State)?,
            planned: shape.decode(request.planned_state, What::PlannedState)?,
            config: shape.decode(request.config, What::Configuration)?,
            private: request.planned_private,
        };
        let mut answer = handler.apply(request).await;
        let new_identity = identity_of(served, &answer.state, &mut answer.diagnostics);
        Ok(wire::apply_resource_change::Response {
            new_state: shape.encode_state_or(answer.state, stored, &mut answer.diagnostics),
            private: answer.private,
            diagnostics: to_wire(shape.located(answer.diagnostics)),
            new_identity,
            ..Default::default()
        })
    }

    pub(super) async fn validate_data(
        &self,
        request: wire::validate_data_resource_config::Request,
    ) -> Result<(), Diagnostics> {
        let Served { shape, handler } = self.catalog.data_source(&request.type_name)?;
        let config = shape.decode(request.config, What::Configuration)?;
        refused(shape.located(handler.validate(config).await))
    }

    pub(super) async fn read_data(
        &self,
        request: wire::read_data_source::Request,
    ) -> Result<wire::read_data_source::Response, Diagnostics> {
        let Served { shape, handler } = self.catalog.data_source(&request.type_name)?;
        let config = shape.decode(request.config, What::Configuration)?;
        let mut answer = handler.read(config).await;
        Ok(wire::read_data_source::Response {
            state: shape.encode_state_or(answer.state, None, &mut answer.diagnostics),
            diagnostics: to_wire(shape.located(answer.diagnostics)),
            ..Default::default()
        })
    }

    pub(super) async fn validate_ephemeral(
        &self,
        request: wire::validate_ephemeral_resource_config::Request,
    ) -> Result<(), Diagnostics> {
        let Served { shape, handler } = self.catalog.ephemeral(&request.type_name)?;
        let config = shape.decode(request.config, What::Configuration)?;
        refused(shape.located(handler.validate(config).await))
    }

    pub(super) async fn open(
        &self,
        request: wire::open_ephemeral_resource::Request,
    ) -> Result<wire::open_ephemeral_resource::Response, Diagnostics> {
        let Served { shape, handler } = self.catalog.ephemeral(&request.type_name)?;
        let config = shape.decode(request.config, What::Configuration)?;
        let mut opened = handler.open(config).await;
        Ok(wire::open_ephemeral_resource::Response {
            result: shape.encode_state_or(opened.result, None, &mut opened.diagnostics),
            private: Some(opened.private),
            diagnostics: to_wire(shape.located(opened.diagnostics)),
            ..Default::default()
        })
    }

    pub(super) async fn close(&self, request: wire::close_ephemeral_resource::Request) -> Result<(), Diagnostics> {
        let Served { shape, handler } = self.catalog.ephemeral(&request.type_name)?;
        refused(shape.located(handler.close(request.private.unwrap_or_default()).await))
    }

    pub(super) async fn call_function(
        &self,
        request: wire::call_function::Request,
    ) -> Result<wire::call_function::Response, Diagnostics> {
        let called = match self.catalog.functions.get(request.name.as_str()) {
            Some(function) => functions::call(function.as_ref(), request.arguments),
            None => Err(functions::unknown(&request.name, self.catalog.functions.keys())),
        };
        Ok(match called {
            Ok(result) => wire::call_function::Response {
                result: Some(result),
                error: None,
            },
            Err(error) => functions::failed(error),
        })
    }
}

/// Diagnostics as a result, so that `?` and warnings share one way out.
fn refused(diagnostics: Diagnostics) -> Result<(), Diagnostics> {
    if diagnostics.is_empty() {
        Ok(())
    } else {
        Err(diagnostics)
    }
}
