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
use crate::secret::Secret;
use crate::terraform::{Diagnostics, Field, NestedBlock, Node};

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

    /// Looks, without any call, for what stands neither in the provider block nor in the environment: the region that an AWS profile
    /// names. A plan must know whether there is one.
    pub async fn prepare(&self) {
        self.aws.find_region().await;
    }
}

/// A token of a provider block, which is sent in a header. One that no header can hold would fail only in apply.
fn token(node: &Node<'_>, problems: &mut Diagnostics) -> Field<Secret> {
    node.secret(problems).and_then_checked(|token| {
        #[expect(clippy::disallowed_methods, reason = "only the kinds of its characters are looked at")]
        let text = token.expose().trim();
        let mistake = if text.is_empty() {
            "It is blank."
        } else if text.chars().any(char::is_control) {
            "There is a line break or another control character in it, which HTTP permits in no header. Most likely it is two \
             values, or a whole file."
        } else {
            return Some(token);
        };
        let path = node.path();
        problems.error(path.clone(), format!("{path} is not a token"), mistake);
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::{Origin, Value};

    #[test]
    fn a_token_that_no_header_holds_is_refused_without_being_shown() {
        for (argument, block) in [("token", "github"), ("token", "fly"), ("api_key", "neon")] {
            let parsed = |text: &str| {
                let provider = Value::object([(block, Value::object([(argument, Value::string(text))]))]);
                let surroundings = Surroundings {
                    environment: Environment::of(&[]),
                    clock: Clock::default(),
                    allow_insecure: false,
                };
                let mut problems = Diagnostics::new();
                let node = Node::root(&provider, Origin::Configuration);
                let connections = Connections::parse(&node, &surroundings, &mut problems);
                let texts = problems
                    .iter()
                    .map(|p| format!("{} {}", p.summary, p.detail))
                    .collect::<String>();
                (connections.is_some(), texts)
            };
            for wrong in ["hunter2\nhunter3", "  \n", "hunter2\u{7f}x"] {
                let (connected, said) = parsed(wrong);
                assert!(
                    !connected && said.contains(&format!("{block}.{argument} is not a token")),
                    "{said}"
                );
                assert!(!said.contains("hunter"), "{said}");
            }
            assert_eq!(parsed("hunter2\n"), (true, String::new()));
        }
    }
}
