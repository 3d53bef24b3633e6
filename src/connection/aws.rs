//! One AWS account and region, through the official SDK.
//!
//! The SDK, not `crate::environment`, finds the credentials the way every AWS tool does (environment, profiles, SSO, web
//! identity, container and instance roles), but only when the first call is made: building this reads no file and opens no
//! connection. What the SDK logs may show requests: the plugin's log passes on records of this crate alone.
//! The SDK's own buffers are not zeroized.

mod batch;
mod capped;
mod failure;
mod guard;
mod known;
mod session;
mod ssm;

use std::sync::Arc;

use aws_config::SdkConfig;
use tokio::sync::OnceCell;

use self::session::Settings;
pub use self::ssm::{Metadata, Put, Ssm, Stored};
use super::Surroundings;
use crate::call::CallError;
use crate::clock::Clock;
use crate::terraform::{Attribute, Block, Diagnostics, NestedBlock, Node, Type};

/// The connection; clones share the session and its clients.
#[derive(Clone)]
pub struct Aws(Arc<Inner>);

struct Inner {
    settings: Settings,
    clock: Clock,
    session: OnceCell<SdkConfig>,
    ssm: OnceCell<Ssm>,
}

impl Aws {
    /// The block `aws` of the provider schema and of a named connection.
    pub fn block() -> NestedBlock {
        let attributes = vec![
            Attribute::optional(
                "region",
                Type::String,
                "The region, such as `eu-west-1`. Default: `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's, the instance's.",
            ),
            Attribute::optional(
                "profile",
                Type::String,
                "A profile of the shared configuration files. It goes before keys in the environment. \
                 Default: the standard chain (environment, `AWS_PROFILE`, SSO, web identity, container and instance roles).",
            ),
            Attribute::optional(
                "endpoint_url",
                Type::String,
                "Sends every call, those to STS included, to this address instead of AWS. \
                 Default: `AWS_ENDPOINT_URL_SSM`, `AWS_ENDPOINT_URL`.",
            ),
        ];
        let assume_role = NestedBlock {
            name: "assume_role",
            block: Block {
                attributes: vec![
                    Attribute::optional("role_arn", Type::String, "The role's ARN. Required in this block."),
                    Attribute::optional(
                        "session_name",
                        Type::String,
                        "The name under which CloudTrail shows the session; default `terraform-provider-rotation`.",
                    ),
                    Attribute::optional(
                        "external_id",
                        Type::String,
                        "The external id that the role's trust policy asks for.",
                    ),
                ],
                blocks: Vec::new(),
                description: "Takes on a role (STS `AssumeRole`) with the credentials found above.".to_owned(),
            },
        };
        NestedBlock {
            name: "aws",
            block: Block {
                attributes,
                blocks: vec![assume_role],
                description: "AWS. Whatever is left out comes from the standard AWS configuration chain.".to_owned(),
            },
        }
    }

    /// Reads the block. `None` when something in it is unknown or wrong; what is wrong is reported.
    pub fn parse(block: &Node<'_>, surroundings: &Surroundings, problems: &mut Diagnostics) -> Option<Self> {
        let settings = Settings::parse(block, surroundings, problems)?;
        Some(Self(Arc::new(Inner {
            settings,
            clock: surroundings.clock,
            session: OnceCell::new(),
            ssm: OnceCell::new(),
        })))
    }

    /// Systems Manager's Parameter Store. The first call loads the session.
    ///
    /// # Errors
    /// When no region is configured anywhere, or the endpoint is not permitted. Missing credentials show at the first call.
    pub async fn ssm(&self) -> Result<&Ssm, CallError> {
        let build = || async { Ok(self.0.settings.ssm(self.session().await?, self.0.clock)) };
        self.0.ssm.get_or_try_init(build).await
    }

    async fn session(&self) -> Result<&SdkConfig, CallError> {
        let load = || self.0.settings.load();
        self.0.session.get_or_try_init(load).await
    }
}
