//! The tfplugin 6 service: decodes, asks the [`Provider`], encodes. One short function per rpc, and no rules of its own
//! except those that protect state: whatever fails here, the answer carries the state that Terraform already has.
//! All three happen on the threads of [`Calls`]: reading a large value takes its time too.
//!
//! Rpcs that are not here answer UNIMPLEMENTED, which every client tolerates for what the schema does not announce.

use std::sync::Arc;

use tonic::{Request, Response, Status, async_trait};

use super::calls::Calls;
use super::catalog::{Catalog, What};
use super::diagnostics::{path, to_wire};
use super::wire::tfplugin6 as wire;
use super::wire::tfplugin6::provider_server;
use super::{ApplyRequest, ClientCapabilities, PlanRequest, Provider, ReadRequest, UpgradeRequest, schema};
use crate::terraform::{Diagnostic, Diagnostics, Path};

/// Serves one provider.
pub(super) struct Service<P> {
    handlers: Arc<Handlers<P>>,
    calls: Calls,
}

/// What a call is done with.
struct Handlers<P> {
    provider: Arc<P>,
    catalog: Catalog,
}

impl<P: Provider> Service<P> {
    pub(super) fn new(provider: Arc<P>, calls: Calls) -> Self {
        let catalog = Catalog::of(provider.schema());
        Self {
            handlers: Arc::new(Handlers { provider, catalog }),
            calls,
        }
    }

    /// Runs a call that begins at the desk.
    async fn call<T, F>(&self, rpc: &'static str, call: impl FnOnce(Arc<Handlers<P>>) -> F) -> Result<T, Diagnostics>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Diagnostics>> + Send + 'static,
    {
        self.calls.run(rpc, call(Arc::clone(&self.handlers))).await
    }
}

impl<P: Provider> Handlers<P> {
    async fn validate_provider(&self, request: wire::validate_provider_config::Request) -> Result<(), Diagnostics> {
        let config = self.catalog.provider.decode(request.config, What::ProviderBlock)?;
        let diagnostics = self.provider.validate_provider(config).await;
        refused(self.catalog.provider.located(diagnostics))
    }

    async fn configure(&self, request: wire::configure_provider::Request) -> Result<(), Diagnostics> {
        let config = self.catalog.provider.decode(request.config, What::ProviderBlock)?;
        let diagnostics = self.provider.configure(config).await;
        refused(self.catalog.provider.located(diagnostics))
    }

    async fn validate(&self, request: wire::validate_resource_config::Request) -> Result<(), Diagnostics> {
        let shape = self.catalog.resource(&request.type_name)?;
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
        let validated = self.provider.validate_resource(&request.type_name, config, client);
        diagnostics.extend(validated.await);
        refused(shape.located(diagnostics))
    }

    async fn upgrade(
        &self,
        request: wire::upgrade_resource_state::Request,
    ) -> Result<wire::upgrade_resource_state::Response, Diagnostics> {
        let shape = self.catalog.resource(&request.type_name)?;
        let raw_state = request.raw_state.map(|raw| wire::RawState {
            json: self.provider.reshape(&request.type_name, request.version, raw.json),
            ..raw
        });
        let (state, without_room) = shape.decode_state(raw_state)?;
        let request = UpgradeRequest {
            type_name: request.type_name,
            version: request.version,
            state,
            without_room,
        };
        let upgraded = self.provider.upgrade(request).await;
        let upgraded = upgraded.map_err(|diagnostics| shape.located(diagnostics))?;
        let mut diagnostics = Diagnostics::new();
        let upgraded_state = shape.encode_state_or(upgraded, None, &mut diagnostics);
        Ok(wire::upgrade_resource_state::Response {
            upgraded_state,
            diagnostics: to_wire(shape.located(diagnostics)),
        })
    }

    async fn read(&self, request: wire::read_resource::Request) -> Result<wire::read_resource::Response, Diagnostics> {
        let shape = self.catalog.resource(&request.type_name)?;
        let stored = request.current_state.clone();
        let request = ReadRequest {
            state: shape.decode(request.current_state, What::State)?,
            type_name: request.type_name,
            private: request.private,
        };
        let mut answer = self.provider.read(request).await;
        Ok(wire::read_resource::Response {
            new_state: shape.encode_state_or(answer.state, stored, &mut answer.diagnostics),
            private: answer.private,
            diagnostics: to_wire(shape.located(answer.diagnostics)),
            ..Default::default()
        })
    }

    async fn plan(
        &self,
        request: wire::plan_resource_change::Request,
    ) -> Result<wire::plan_resource_change::Response, Diagnostics> {
        let shape = self.catalog.resource(&request.type_name)?;
        let stored = request.prior_state.clone();
        let mut proposed = shape.decode(request.proposed_new_state, What::ProposedState)?;
        // Some cores copy write-only values from the configuration, which would make every plan differ from the state.
        shape.strip_write_only(&mut proposed);
        let request = PlanRequest {
            prior: shape.decode(request.prior_state, What::State)?,
            proposed,
            config: shape.decode(request.config, What::Configuration)?,
            type_name: request.type_name,
            private: request.prior_private,
        };
        let mut answer = self.provider.plan(request).await;
        Ok(wire::plan_resource_change::Response {
            planned_state: shape.encode_or(answer.planned, stored, &mut answer.diagnostics),
            requires_replace: answer.requires_replace.iter().map(path).collect(),
            planned_private: answer.private,
            diagnostics: to_wire(shape.located(answer.diagnostics)),
            ..Default::default()
        })
    }

    async fn apply(
        &self,
        request: wire::apply_resource_change::Request,
    ) -> Result<wire::apply_resource_change::Response, Diagnostics> {
        let shape = self.catalog.resource(&request.type_name)?;
        let stored = request.prior_state.clone();
        let request = ApplyRequest {
            prior: shape.decode(request.prior_state, What::State)?,
            planned: shape.decode(request.planned_state, What::PlannedState)?,
            config: shape.decode(request.config, What::Configuration)?,
            type_name: request.type_name,
            private: request.planned_private,
        };
        let mut answer = self.provider.apply(request).await;
        Ok(wire::apply_resource_change::Response {
            new_state: shape.encode_state_or(answer.state, stored, &mut answer.diagnostics),
            private: answer.private,
            diagnostics: to_wire(shape.located(answer.diagnostics)),
            ..Default::default()
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

/// The diagnostics of a call that answers with nothing else.
fn only_diagnostics(result: Result<(), Diagnostics>) -> Vec<wire::Diagnostic> {
    to_wire(result.err().unwrap_or_default())
}

#[async_trait]
impl<P: Provider> provider_server::Provider for Service<P> {
    async fn get_metadata(
        &self,
        _request: Request<wire::get_metadata::Request>,
    ) -> Result<Response<wire::get_metadata::Response>, Status> {
        Ok(Response::new(schema::metadata(self.handlers.provider.schema())))
    }

    async fn get_provider_schema(
        &self,
        _request: Request<wire::get_provider_schema::Request>,
    ) -> Result<Response<wire::get_provider_schema::Response>, Status> {
        Ok(Response::new(schema::provider_schema(self.handlers.provider.schema())))
    }

    async fn validate_provider_config(
        &self,
        request: Request<wire::validate_provider_config::Request>,
    ) -> Result<Response<wire::validate_provider_config::Response>, Status> {
        let request = request.into_inner();
        let call = self.call("ValidateProviderConfig", |handlers| async move {
            handlers.validate_provider(request).await
        });
        let diagnostics = only_diagnostics(call.await);
        Ok(Response::new(wire::validate_provider_config::Response { diagnostics }))
    }

    async fn configure_provider(
        &self,
        request: Request<wire::configure_provider::Request>,
    ) -> Result<Response<wire::configure_provider::Response>, Status> {
        let request = request.into_inner();
        let call = self.call("ConfigureProvider", |handlers| async move {
            handlers.configure(request).await
        });
        let diagnostics = only_diagnostics(call.await);
        Ok(Response::new(wire::configure_provider::Response { diagnostics }))
    }

    async fn validate_resource_config(
        &self,
        request: Request<wire::validate_resource_config::Request>,
    ) -> Result<Response<wire::validate_resource_config::Response>, Status> {
        let request = request.into_inner();
        let call = self.call("ValidateResourceConfig", |handlers| async move {
            handlers.validate(request).await
        });
        let diagnostics = only_diagnostics(call.await);
        Ok(Response::new(wire::validate_resource_config::Response { diagnostics }))
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<wire::upgrade_resource_state::Request>,
    ) -> Result<Response<wire::upgrade_resource_state::Response>, Status> {
        let request = request.into_inner();
        let call = self.call("UpgradeResourceState", |handlers| async move {
            handlers.upgrade(request).await
        });
        let answer = call.await;
        Ok(Response::new(answer.unwrap_or_else(|diagnostics| {
            wire::upgrade_resource_state::Response {
                upgraded_state: None,
                diagnostics: to_wire(diagnostics),
            }
        })))
    }

    async fn read_resource(
        &self,
        request: Request<wire::read_resource::Request>,
    ) -> Result<Response<wire::read_resource::Response>, Status> {
        let request = request.into_inner();
        let (state, private) = (request.current_state.clone(), request.private.clone());
        let call = self.call("ReadResource", |handlers| async move { handlers.read(request).await });
        let answer = call.await;
        Ok(Response::new(answer.unwrap_or_else(|diagnostics| {
            wire::read_resource::Response {
                new_state: state,
                private,
                diagnostics: to_wire(diagnostics),
                ..Default::default()
            }
        })))
    }

    async fn plan_resource_change(
        &self,
        request: Request<wire::plan_resource_change::Request>,
    ) -> Result<Response<wire::plan_resource_change::Response>, Status> {
        let request = request.into_inner();
        let (state, private) = (request.prior_state.clone(), request.prior_private.clone());
        let call = self.call(
            "PlanResourceChange",
            |handlers| async move { handlers.plan(request).await },
        );
        let answer = call.await;
        Ok(Response::new(answer.unwrap_or_else(|diagnostics| {
            wire::plan_resource_change::Response {
                planned_state: state,
                planned_private: private,
                diagnostics: to_wire(diagnostics),
                ..Default::default()
            }
        })))
    }

    async fn apply_resource_change(
        &self,
        request: Request<wire::apply_resource_change::Request>,
    ) -> Result<Response<wire::apply_resource_change::Response>, Status> {
        let request = request.into_inner();
        let (state, private) = (request.prior_state.clone(), request.planned_private.clone());
        let call = self.call("ApplyResourceChange", |handlers| async move {
            handlers.apply(request).await
        });
        let answer = call.await;
        Ok(Response::new(answer.unwrap_or_else(|diagnostics| {
            wire::apply_resource_change::Response {
                new_state: state,
                private,
                diagnostics: to_wire(diagnostics),
                ..Default::default()
            }
        })))
    }

    async fn import_resource_state(
        &self,
        request: Request<wire::import_resource_state::Request>,
    ) -> Result<Response<wire::import_resource_state::Response>, Status> {
        let name = request.into_inner().type_name;
        let diagnostics = self.handlers.catalog.resource(&name).err().unwrap_or_else(|| {
            Diagnostic::error(
                Path::root(),
                format!("{name} cannot be imported yet"),
                "Nothing was changed. To replace entries that exist by new ones, write the resource with on_existing = \"replace\" and apply \
                 it.",
            )
            .into()
        });
        Ok(Response::new(wire::import_resource_state::Response {
            diagnostics: to_wire(diagnostics),
            ..Default::default()
        }))
    }

    async fn move_resource_state(
        &self,
        request: Request<wire::move_resource_state::Request>,
    ) -> Result<Response<wire::move_resource_state::Response>, Status> {
        let request = request.into_inner();
        let (source, target) = (request.source_type_name, request.target_type_name);
        let diagnostics = self.handlers.catalog.resource(&target).err().unwrap_or_else(|| {
            let text = format!(
                "Types whose state {target} can take over: none yet. Nothing was changed. Remove the `moved` block."
            );
            Diagnostic::error(
                Path::root(),
                format!("{target} cannot take over the state of {source:?}"),
                text,
            )
            .into()
        });
        Ok(Response::new(wire::move_resource_state::Response {
            diagnostics: to_wire(diagnostics),
            ..Default::default()
        }))
    }

    async fn stop_provider(
        &self,
        _request: Request<wire::stop_provider::Request>,
    ) -> Result<Response<wire::stop_provider::Response>, Status> {
        tracing::info!("asked to stop after the work in flight");
        self.handlers.provider.stop();
        Ok(Response::new(wire::stop_provider::Response::default()))
    }
}
