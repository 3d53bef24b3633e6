//! Name resolution for what the SDK asks for itself, for credentials.
//!
//! Its calls for machine credentials go to link-local addresses that it writes as such, so they are not resolved.

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};

use crate::http::resolve;

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
