//! The tfplugin 6 service: one function per rpc. Whatever fails here, the answer carries the state that Terraform already has.
//! The work is done on the threads of [`Calls`]: reading a large value takes its time too.
//!
//! Rpcs that are not here answer UNIMPLEMENTED, which every client tolerates for what the schema does not announce.

use std::sync::Arc;

use tonic::{Request, Response, Status, async_trait};

use super::calls::Calls;
use super::catalog::Catalog;
use super::diagnostics::to_wire;
use super::handlers::Handlers;
use super::wire::tfplugin6 as wire;
use super::wire::tfplugin6::provider_server;
use super::{Provider, functions, schema};
use crate::terraform::Diagnostics;

/// Serves one provider.
pub(super) struct Service<P> {
    handlers: Arc<Handlers<P>>,
    calls: Calls,
}

impl<P: Provider> Service<P> {
    pub(super) fn new(provider: Arc<P>, calls: Calls) -> Self {
        let catalog = Catalog::of(provider.registry());
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
        Ok(Response::new(schema::metadata(self.handlers.provider.registry())))
    }

    async fn get_provider_schema(
        &self,
        _request: Request<wire::get_provider_schema::Request>,
    ) -> Result<Response<wire::get_provider_schema::Response>, Status> {
        Ok(Response::new(schema::provider_schema(
            self.handlers.provider.registry(),
        )))
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

    async fn validate_data_resource_config(
        &self,
        request: Request<wire::validate_data_resource_config::Request>,
    ) -> Result<Response<wire::validate_data_resource_config::Response>, Status> {
        let request = request.into_inner();
        let call = self.call("ValidateDataResourceConfig", |handlers| async move {
            handlers.validate_data(request).await
        });
        let diagnostics = only_diagnostics(call.await);
        Ok(Response::new(wire::validate_data_resource_config::Response {
            diagnostics,
        }))
    }

    async fn read_data_source(
        &self,
        request: Request<wire::read_data_source::Request>,
    ) -> Result<Response<wire::read_data_source::Response>, Status> {
        let request = request.into_inner();
        let call = self.call(
            "ReadDataSource",
            |handlers| async move { handlers.read_data(request).await },
        );
        let answer = call.await;
        Ok(Response::new(answer.unwrap_or_else(|diagnostics| {
            wire::read_data_source::Response {
                diagnostics: to_wire(diagnostics),
                ..Default::default()
            }
        })))
    }

    async fn validate_ephemeral_resource_config(
        &self,
        request: Request<wire::validate_ephemeral_resource_config::Request>,
    ) -> Result<Response<wire::validate_ephemeral_resource_config::Response>, Status> {
        let request = request.into_inner();
        let call = self.call("ValidateEphemeralResourceConfig", |handlers| async move {
            handlers.validate_ephemeral(request).await
        });
        let diagnostics = only_diagnostics(call.await);
        Ok(Response::new(wire::validate_ephemeral_resource_config::Response {
            diagnostics,
        }))
    }

    async fn open_ephemeral_resource(
        &self,
        request: Request<wire::open_ephemeral_resource::Request>,
    ) -> Result<Response<wire::open_ephemeral_resource::Response>, Status> {
        let request = request.into_inner();
        let call = self.call("OpenEphemeralResource", |handlers| async move {
            handlers.open(request).await
        });
        let answer = call.await;
        Ok(Response::new(answer.unwrap_or_else(|diagnostics| {
            wire::open_ephemeral_resource::Response {
                diagnostics: to_wire(diagnostics),
                ..Default::default()
            }
        })))
    }

    async fn close_ephemeral_resource(
        &self,
        request: Request<wire::close_ephemeral_resource::Request>,
    ) -> Result<Response<wire::close_ephemeral_resource::Response>, Status> {
        let request = request.into_inner();
        let call = self.call("CloseEphemeralResource", |handlers| async move {
            handlers.close(request).await
        });
        let diagnostics = only_diagnostics(call.await);
        Ok(Response::new(wire::close_ephemeral_resource::Response { diagnostics }))
    }

    async fn get_functions(
        &self,
        _request: Request<wire::get_functions::Request>,
    ) -> Result<Response<wire::get_functions::Response>, Status> {
        Ok(Response::new(wire::get_functions::Response {
            functions: schema::functions(self.handlers.provider.registry()),
            diagnostics: Vec::new(),
        }))
    }

    async fn call_function(
        &self,
        request: Request<wire::call_function::Request>,
    ) -> Result<Response<wire::call_function::Response>, Status> {
        let request = request.into_inner();
        let call = self.call("CallFunction", |handlers| async move {
            handlers.call_function(request).await
        });
        let answer = call.await;
        Ok(Response::new(
            answer.unwrap_or_else(|diagnostics| functions::crashed(&diagnostics)),
        ))
    }

    async fn get_resource_identity_schemas(
        &self,
        _request: Request<wire::get_resource_identity_schemas::Request>,
    ) -> Result<Response<wire::get_resource_identity_schemas::Response>, Status> {
        Ok(Response::new(self.handlers.identity_schemas()))
    }

    async fn upgrade_resource_identity(
        &self,
        request: Request<wire::upgrade_resource_identity::Request>,
    ) -> Result<Response<wire::upgrade_resource_identity::Response>, Status> {
        let request = request.into_inner();
        let call = self.call("UpgradeResourceIdentity", |handlers| async move {
            handlers.upgrade_identity(request).await
        });
        let answer = call.await;
        Ok(Response::new(answer.unwrap_or_else(|diagnostics| {
            wire::upgrade_resource_identity::Response {
                diagnostics: to_wire(diagnostics),
                ..Default::default()
            }
        })))
    }

    async fn import_resource_state(
        &self,
        request: Request<wire::import_resource_state::Request>,
    ) -> Result<Response<wire::import_resource_state::Response>, Status> {
        let request = request.into_inner();
        let call = self.call("ImportResourceState", |handlers| async move {
            handlers.import(request).await
        });
        let answer = call.await;
        Ok(Response::new(answer.unwrap_or_else(|diagnostics| {
            wire::import_resource_state::Response {
                diagnostics: to_wire(diagnostics),
                ..Default::default()
            }
        })))
    }

    async fn move_resource_state(
        &self,
        request: Request<wire::move_resource_state::Request>,
    ) -> Result<Response<wire::move_resource_state::Response>, Status> {
        let request = request.into_inner();
        let call = self.call("MoveResourceState", |handlers| async move {
            handlers.take_over_state(request).await
        });
        let answer = call.await;
        Ok(Response::new(answer.unwrap_or_else(|diagnostics| {
            wire::move_resource_state::Response {
                diagnostics: to_wire(diagnostics),
                ..Default::default()
            }
        })))
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
