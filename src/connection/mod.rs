//! One authenticated client per vendor account, shared by the adapters that talk to it.
//!
//! A connection is read from the provider block and, argument by argument, from the environment variables of its
//! ecosystem. It may be wholly unset: only a secret that needs it finds that wrong.

pub mod aws;
mod endpoint;
pub mod fly;
pub mod github;
pub(crate) mod instant;
pub(crate) mod lenient;
pub mod neon;
pub(crate) mod segment;

use std::sync::Arc;

use crate::clock::Clock;
use crate::environment::Environment;
use crate::http::HttpClient;
use crate::terraform::{Diagnostics, NestedBlock, Node};

/// What every connection is built with.
#[derive(Clone)]
pub struct Surroundings {
    /// The process environment.
    pub environment: Environment,
    /// The clock.
    pub clock: Clock,
    /// Plain http off loopback is permitted (`allow_insecure`).
    pub allow_insecure: bool,
}

/// All connections of one provider configuration.
#[derive(Clone)]
pub struct Connections {
    /// The HTTP client for calls that belong to no vendor connection (checks).
    pub http: HttpClient,
    /// The clock.
    pub clock: Clock,
    /// AWS.
    pub aws: aws::Aws,
    /// Fly.io.
    pub fly: fly::Fly,
    /// GitHub.
    pub github: github::GitHub,
    /// Neon.
    pub neon: neon::Neon,
}

impl Connections {
    /// The nested blocks of the provider schema, one per vendor.
    pub fn blocks() -> Vec<NestedBlock> {
        vec![
            aws::Aws::block(),
            fly::Fly::block(),
            github::GitHub::block(),
            neon::Neon::block(),
        ]
    }

    /// Reads all connections from the provider block. `None` when something is unknown or wrong; what is wrong is reported.
    pub fn parse(provider: &Node<'_>, surroundings: &Surroundings, problems: &mut Diagnostics) -> Option<Arc<Self>> {
        let http = HttpClient::new(surroundings.clock, surroundings.allow_insecure);
        let aws = aws::Aws::parse(&provider.attr("aws"), surroundings, problems);
        let fly = fly::Fly::parse(&provider.attr("fly"), surroundings, &http, problems);
        let github = github::GitHub::parse(&provider.attr("github"), surroundings, &http, problems);
        let neon = neon::Neon::parse(&provider.attr("neon"), surroundings, &http, problems);
        Some(Arc::new(Self {
            http,
            clock: surroundings.clock,
            aws: aws?,
            fly: fly?,
            github: github?,
            neon: neon?,
        }))
    }
}
