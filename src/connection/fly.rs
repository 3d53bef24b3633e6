//! The connection to Fly.io: the Machines REST API for secrets and machines, GraphQL for tokens.
//!
//! Fly cannot tell a secret's value from outside its machines, and answers 404 for apps that a token may not see. Rate
//! limits are one request a second and object (burst three), so listings are read once a run and shared.
//! <https://fly.io/docs/machines/api/working-with-machines-api/>

mod app;
mod graphql;

use std::sync::Arc;

use super::endpoint::Endpoint;
use super::{Surroundings, segment};
use crate::call::{CallError, CallErrorKind, WritePermit};
use crate::clock::Clock;
use crate::http::{HttpClient, Request, Response};
use crate::secret::Secret;
use crate::terraform::{Attribute, Block, Diagnostic, Diagnostics, Field, NestedBlock, Node, Path, Type};

pub(crate) use app::at_least;
pub use app::{AppSecret, Machine, MachineCheck, MachineEvent};

/// The service's name in errors.
pub const SERVICE: &str = "Fly";

const API: Endpoint = Endpoint {
    variable: "FLY_FLAPS_BASE_URL",
    default: "https://api.machines.dev",
    appended: "/v1",
};
const GRAPHQL: Endpoint = Endpoint {
    variable: "FLY_API_BASE_URL",
    default: "https://api.fly.io",
    appended: "/graphql",
};
const TOKEN_VARIABLES: [&str; 2] = ["FLY_ACCESS_TOKEN", "FLY_API_TOKEN"];

/// The `fly` block as it is configured; it may lack a token.
#[derive(Clone)]
pub struct Fly(Option<FlyClient>);

impl Fly {
    /// The block's schema.
    pub fn block() -> NestedBlock {
        let attributes = vec![
            Attribute::optional(
                "token",
                Type::String,
                "The token that this run authenticates with. Default: `FLY_ACCESS_TOKEN`, else `FLY_API_TOKEN`. \
                 Several tokens are separated by commas, as for flyctl.",
            )
            .sensitive(),
            Attribute::optional(
                "api_url",
                Type::String,
                format!(
                    "The Machines API without `{}`. Default: `{}`, else `{}`.",
                    API.appended, API.variable, API.default
                ),
            ),
            Attribute::optional(
                "graphql_url",
                Type::String,
                format!(
                    "The GraphQL API without `{}`. Default: `{}`, else `{}`.",
                    GRAPHQL.appended, GRAPHQL.variable, GRAPHQL.default
                ),
            ),
        ];
        NestedBlock {
            name: "fly",
            block: Block {
                attributes,
                blocks: Vec::new(),
                description: "[Fly.io](https://fly.io/docs/): app secrets and tokens. What is left out comes from the environment; the block may be empty.".to_owned(),
            },
        }
    }

    /// Reads the block, and the environment for what it leaves out. `None` when something is unknown or wrong; what is
    /// wrong is reported.
    pub fn parse(
        node: &Node<'_>,
        surroundings: &Surroundings,
        http: &HttpClient,
        problems: &mut Diagnostics,
    ) -> Option<Self> {
        let token = match crate::connection::token(&node.attr("token"), problems) {
            Field::Absent => Some(surroundings.environment.first(&TOKEN_VARIABLES).map(header)),
            #[expect(clippy::disallowed_methods, reason = "what comes out is a Secret again")]
            Field::Known(token) => Some(Some(header(token.expose()))),
            Field::Unknown => None,
        };
        let api = API.read(&node.attr("api_url"), surroundings, problems);
        let graphql = GRAPHQL.read(&node.attr("graphql_url"), surroundings, problems);
        let (token, api_url, graphql_url) = (token?, api?, graphql?);
        Some(Self(token.map(|authorization| {
            FlyClient(Arc::new(Inner {
                http: http.clone(),
                clock: surroundings.clock,
                authorization,
                api_url,
                graphql_url,
                listings: app::Listings::default(),
            }))
        })))
    }

    /// The client.
    ///
    /// # Errors
    /// A diagnostic that names argument and environment variables when there is no token.
    pub fn client(&self) -> Result<FlyClient, Diagnostic> {
        self.0.clone().ok_or_else(|| {
            Diagnostic::error(
                Path::root(),
                "Fly is not configured",
                "There is no token for Fly. Set fly.token in the provider block, or FLY_ACCESS_TOKEN or FLY_API_TOKEN in the environment.",
            )
        })
    }
}

/// The authorization header for a token (fly-go, `tokens`): macaroons go under their own scheme, anything else as a bearer
/// token. A scheme that the user pasted along is dropped first.
fn header(token: &str) -> Secret {
    let mut bare = token.trim();
    while let Some((scheme, rest)) = bare.split_once(' ') {
        if !scheme.eq_ignore_ascii_case("flyv1") && !scheme.eq_ignore_ascii_case("bearer") {
            break;
        }
        bare = rest.trim_start();
    }
    let is_macaroon = |part: &str| {
        ["fm2_", "fm1r_", "fm1a_"]
            .iter()
            .any(|mark| part.trim().starts_with(mark))
    };
    let scheme = if bare.split(',').any(is_macaroon) {
        "FlyV1"
    } else {
        "Bearer"
    };
    Secret::of_pieces(&[scheme, " ", bare])
}

/// Fly, authenticated; cheap to clone, all clones share what was listed.
#[derive(Clone)]
pub struct FlyClient(Arc<Inner>);

struct Inner {
    http: HttpClient,
    clock: Clock,
    authorization: Secret,
    api_url: String,
    graphql_url: String,
    listings: app::Listings,
}

impl FlyClient {
    /// The clock.
    pub fn clock(&self) -> Clock {
        self.0.clock
    }

    /// A request to the Machines API; `segments` follow `/v1` and are percent-encoded.
    pub fn request(&self, method: &'static str, segments: &[&str], operation: impl Into<String>) -> Request {
        let url = segment::join(&format!("{}/v1", self.0.api_url), segments);
        Request::new(method, url, SERVICE, operation)
            .secret_header("authorization", self.0.authorization.share())
            .error_message(message)
    }

    /// Sends a request that changes nothing.
    ///
    /// # Errors
    /// [`CallError`], with advice about the token where that is the cause.
    pub async fn read(&self, request: Request) -> Result<Response, CallError> {
        self.0.http.read(request).await.map_err(advise_token)
    }

    /// Sends a request that changes something.
    ///
    /// # Errors
    /// As [`Self::read`]; `effect` says whether something may have changed.
    pub async fn write(&self, request: Request, permit: &WritePermit) -> Result<Response, CallError> {
        self.0.http.write(request, permit).await.map_err(advise_token)
    }
}

/// `error`, and `message` where there is one (Machines API, `ErrorResponse`).
fn message(body: &serde_json::Value) -> Option<String> {
    let text = |name: &str| body.get(name)?.as_str().filter(|text| !text.is_empty());
    match (text("error"), text("message")) {
        (Some(error), Some(message)) if error != message => Some(format!("{error}: {message}")),
        (Some(text), _) | (None, Some(text)) => Some(text.to_owned()),
        (None, None) => None,
    }
}

fn advise_token(error: CallError) -> CallError {
    match error.kind {
        CallErrorKind::Unauthenticated => error.advise(
            "The token that this run authenticates with is expired, revoked or unknown to Fly: \
             set FLY_API_TOKEN (or fly.token) to a valid one.",
        ),
        _ => error,
    }
}

/// What a refusal about an app means: Fly does not tell a foreign app from a missing one.
#[must_use]
pub fn advise_app(error: CallError, app: &str) -> CallError {
    match error.kind {
        CallErrorKind::Forbidden | CallErrorKind::NotFound => error.advise(&format!(
            "The app {app:?} does not exist, or the token in FLY_API_TOKEN (or fly.token) does not cover it: \
             it needs a deploy token of that app or a token of its organization."
        )),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Environment;
    use crate::terraform::{Origin, Value};

    fn parse(block: &Value, environment: &[(&str, &str)]) -> (Option<Fly>, Diagnostics) {
        let surroundings = Surroundings {
            environment: Environment::of(environment),
            clock: Clock::default(),
            allow_insecure: false,
        };
        let provider = Value::object([("fly", block.clone())]);
        let node = Node::root(&provider, Origin::Configuration).attr("fly");
        let http = HttpClient::new(surroundings.clock, false);
        let mut problems = Diagnostics::new();
        let fly = Fly::parse(&node, &surroundings, &http, &mut problems);
        (fly, problems)
    }

    #[test]
    fn the_scheme_follows_from_the_token_and_a_pasted_one_is_dropped() {
        for (token, expected) in [
            ("fm2_lJPE,fm2_lJPF", "FlyV1 fm2_lJPE,fm2_lJPF"),
            ("FlyV1 fm2_lJPE", "FlyV1 fm2_lJPE"),
            ("Bearer FlyV1 fm1r_x", "FlyV1 fm1r_x"),
            ("fo1_abc,fm2_x", "FlyV1 fo1_abc,fm2_x"),
            ("flyv1  fo1_abc\n", "Bearer fo1_abc"),
            ("fo1_abc", "Bearer fo1_abc"),
        ] {
            assert_eq!(header(token).expose(), expected);
        }
    }

    #[test]
    fn the_environment_fills_what_the_block_leaves_out() {
        let urls = [
            ("FLY_ACCESS_TOKEN", "fm2_access"),
            ("FLY_API_TOKEN", "fm2_api"),
            ("FLY_FLAPS_BASE_URL", "http://127.0.0.1:4280/"),
        ];
        let (fly, problems) = parse(&Value::Null, &urls);
        let client = fly.unwrap().client().unwrap();
        assert!(problems.is_empty());
        assert_eq!(client.0.authorization.expose(), "FlyV1 fm2_access");
        assert_eq!(client.0.api_url, "http://127.0.0.1:4280");
        assert_eq!(client.0.graphql_url, "https://api.fly.io");
        let block = Value::object([("token", Value::string("fo1_mine"))]);
        let client = parse(&block, &urls).0.unwrap().client().unwrap();
        assert_eq!(client.0.authorization.expose(), "Bearer fo1_mine");
    }

    #[test]
    fn a_missing_token_is_wrong_only_for_who_needs_it() {
        let (fly, problems) = parse(&Value::Null, &[]);
        assert!(problems.is_empty());
        let diagnostic = fly.unwrap().client().err().unwrap();
        for name in ["fly.token", "FLY_ACCESS_TOKEN", "FLY_API_TOKEN"] {
            assert!(diagnostic.detail.contains(name), "{}", diagnostic.detail);
        }
    }

    #[test]
    fn an_unknown_token_is_no_mistake() {
        let (fly, problems) = parse(&Value::object([("token", Value::unknown())]), &[]);
        assert!(fly.is_none() && problems.is_empty());
        let (fly, problems) = parse(&Value::unknown(), &[]);
        assert!(fly.is_none() && problems.is_empty());
    }

    #[test]
    fn a_wrong_url_is_reported_with_its_origin() {
        let (fly, problems) = parse(&Value::Null, &[("FLY_API_BASE_URL", "http://api.example.com")]);
        assert!(fly.is_none());
        let diagnostic = problems.iter().next().unwrap();
        assert_eq!(diagnostic.summary, "fly.graphql_url cannot be used");
        assert!(diagnostic.detail.contains("FLY_API_BASE_URL"), "{}", diagnostic.detail);
        let block = Value::object([("api_url", Value::string("https://api.machines.dev/v1/"))]);
        let (_, problems) = parse(&block, &[]);
        assert!(problems.iter().next().unwrap().detail.contains("leave out /v1"));
    }

    #[test]
    fn odd_names_stay_inside_their_path_segment() {
        let (fly, _) = parse(&Value::Null, &[("FLY_API_TOKEN", "x")]);
        let request = fly
            .unwrap()
            .client()
            .unwrap()
            .request("GET", &["apps", "a/../b?c#d", "é"], "testing");
        let error = format!(
            "{:?}",
            crate::http::permitted(request.url(), false).map(|url| url.to_string())
        );
        assert_eq!(
            error,
            "Ok(\"https://api.machines.dev/v1/apps/a%2F..%2Fb%3Fc%23d/%C3%A9\")"
        );
    }
}
