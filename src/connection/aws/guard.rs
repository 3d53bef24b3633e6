//! The URL policy of `crate::http` for what the SDK sends: its endpoints may also come from shared configuration files, which
//! nobody here reads.
//!
//! The SDK's own calls for machine credentials go to link-local addresses that it writes as such, so they are not resolved.

use aws_sdk_ssm::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_ssm::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};

use crate::http::{permitted, resolve};

/// Name resolution that never ends at a metadata service.
#[derive(Debug, Clone, Copy)]
pub(super) struct GuardedNames;

impl ResolveDns for GuardedNames {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move {
            let found = resolve(name).await.map_err(ResolveDnsError::new)?;
            Ok(found.iter().map(std::net::SocketAddr::ip).collect())
        })
    }
}

/// Looks at every request's URL before it leaves.
#[derive(Debug)]
pub(super) struct PermittedUrls {
    pub(super) allow_insecure: bool,
}

impl Intercept for PermittedUrls {
    fn name(&self) -> &'static str {
        "PermittedUrls"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _settings: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        match permitted(context.request().uri(), self.allow_insecure) {
            Ok(_) => Ok(()),
            Err(refusal) => Err(Box::new(RefusedEndpoint(refusal))),
        }
    }
}

/// The request was not sent, because of where it would have gone.
#[derive(Debug, thiserror::Error)]
#[error("the endpoint cannot be used: {0}")]
pub(super) struct RefusedEndpoint(pub(super) String);
