//! The connection to Fly.io: the Machines REST API for secrets and machines, GraphQL for tokens.
//!
//! Fly cannot tell a secret's value from outside its machines, and answers 404 for apps that a token may not see. Rate
//! limits are one request a second and object (burst three), so listings are read once a run and shared.
//! <https://fly.io/docs/machines/api/working-with-machines-api/>

mod app;
mod graphql;
mod rights;
mod versions;

use std::sync::Arc;

use super::endpoint::Endpoint;
use super::{Surroundings, segment};
use crate::call::{CallError, CallErrorKind, WritePermit};
use crate::clock::Clock;
use crate::environment::{Form, Unusable};
use crate::http::{HttpClient, Request, Response};
use crate::secret::Secret;
use crate::terraform::{Attribute, Block, BlockNesting, Diagnostic, Diagnostics, Field, NestedBlock, Node, Path, Type};

pub(crate) use app::at_least;
pub use app::{AppSecret, Machine, MachineCheck, MachineEvent};
pub use versions::{MachineUpdate, Versions};

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
            nesting: BlockNesting::Single,
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
        let argument = node.attr("token");
        let tokens = match crate::connection::token(&argument, problems) {
            // Several tokens may be spread over lines.
            Field::Absent => surroundings
                .variable(&TOKEN_VARIABLES, Form::Text, argument.path(), problems)
                .and_then_checked(|found| match Tokens::read(found.text) {
                    Ok(tokens) => Some((tokens, in_environment(found.name, argument.path()))),
                    Err(why) => {
                        let why = format!("holds a token that {why}");
                        crate::connection::refuse_variable(found.name, &why, argument.path(), problems);
                        None
                    }
                }),
            field => field.and_then_checked(|text| {
                #[expect(clippy::disallowed_methods, reason = "what comes out are Secrets again")]
                match Tokens::read(text.expose()) {
                    Ok(tokens) => Some((tokens, argument.path().to_string())),
                    Err(why) => {
                        let path = argument.path();
                        problems.error(
                            path.clone(),
                            format!("{path} cannot be used"),
                            format!("It holds a token that {why}."),
                        );
                        None
                    }
                }
            }),
        };
        let tokens = tokens.optional();
        let api = API.read(&node.attr("api_url"), surroundings, problems);
        let graphql = GRAPHQL.read(&node.attr("graphql_url"), surroundings, problems);
        let (tokens, api_url, graphql_url) = (tokens?, api?, graphql?);
        Some(Self(tokens.map(|(tokens, token_origin)| {
            FlyClient(Arc::new(Inner {
                http: http.clone(),
                clock: surroundings.clock,
                tokens,
                token_origin,
                api_url,
                graphql_url,
                listings: app::Listings::default(),
                versions: Versions::default(),
            }))
        })))
    }

    /// What the host of the Machines API adds to the address of a secret; nothing for Fly's own.
    pub fn place(&self) -> String {
        self.0
            .as_ref()
            .map(|client| API.place(&client.0.api_url))
            .unwrap_or_default()
    }

    /// What the host of GraphQL adds to the address of a token's issuer; nothing for Fly's own.
    pub fn graphql_place(&self) -> String {
        let client = self.0.as_ref();
        client
            .map(|client| GRAPHQL.place(&client.0.graphql_url))
            .unwrap_or_default()
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

/// Names the variable that the token was taken from, for errors.
fn in_environment(variable: &str, argument: &Path) -> String {
    let [first, second] = TOKEN_VARIABLES;
    if variable == first {
        format!("{first} (which takes precedence over {second})")
    } else {
        format!("{variable} (or {argument})")
    }
}

/// The authorization headers of this run (github.com/superfly/fly-go, `tokens`). A signed-in flyctl hands out macaroons and a user's
/// token in one list: GraphQL takes both at once, all other APIs one kind alone.
struct Tokens {
    /// For the Machines API: the macaroons, or the other tokens where there are none.
    machines: Secret,
    /// For GraphQL: the macaroons, then the others.
    graphql: Secret,
    macaroons: bool,
}

/// What Fly's macaroons begin with.
const MACAROONS: [&str; 3] = ["fm2_", "fm1r_", "fm1a_"];

impl Tokens {
    /// Reads tokens that commas separate, without a scheme that the user pasted along.
    fn read(text: &str) -> Result<Self, Unusable> {
        let mut bare = text.trim();
        while let Some((scheme, rest)) = bare.split_once(' ') {
            if !scheme.eq_ignore_ascii_case("flyv1") && !scheme.eq_ignore_ascii_case("bearer") {
                break;
            }
            bare = rest.trim_start();
        }
        let tokens = bare.split(',').filter(|token| !token.trim().is_empty());
        let tokens = tokens
            .map(|token| Form::Word.read(token))
            .collect::<Result<Vec<_>, _>>()?;
        let is_macaroon = |token: &&str| MACAROONS.iter().any(|mark| token.starts_with(mark));
        let (macaroons, others): (Vec<&str>, Vec<&str>) = tokens.into_iter().partition(is_macaroon);
        let all = [macaroons.as_slice(), others.as_slice()].concat();
        let (scheme, preferred) = match macaroons.is_empty() {
            true => ("Bearer ", &others),
            false => ("FlyV1 ", &macaroons),
        };
        if all.is_empty() {
            return Err(Unusable::Blank);
        }
        Ok(Self {
            machines: header(scheme, preferred),
            graphql: header(scheme, &all),
            macaroons: !macaroons.is_empty(),
        })
    }
}

fn header(scheme: &str, tokens: &[&str]) -> Secret {
    let mut pieces = vec![scheme];
    for token in tokens {
        if pieces.len() > 1 {
            pieces.push(",");
        }
        pieces.push(token);
    }
    Secret::of_pieces(&pieces)
}

/// Fly, authenticated; cheap to clone, all clones share what was listed.
#[derive(Clone)]
pub struct FlyClient(Arc<Inner>);

struct Inner {
    http: HttpClient,
    clock: Clock,
    tokens: Tokens,
    /// Where they were taken from, as errors say it.
    token_origin: String,
    api_url: String,
    graphql_url: String,
    listings: app::Listings,
    versions: Versions,
}

impl FlyClient {
    /// The clock.
    pub fn clock(&self) -> Clock {
        self.0.clock
    }

    /// What this process knows of secrets versions.
    pub fn versions(&self) -> &Versions {
        &self.0.versions
    }

    /// Whether this run authenticates with macaroons: tokens that Fly lists by their ids.
    pub fn has_macaroons(&self) -> bool {
        self.0.tokens.macaroons
    }

    /// A request to the Machines API; `segments` follow `/v1` and are percent-encoded.
    pub fn request(&self, method: &'static str, segments: &[&str], operation: impl Into<String>) -> Request {
        let url = segment::join(&format!("{}/v1", self.0.api_url), segments);
        Request::new(method, url, SERVICE, operation)
            .secret_header("authorization", self.0.tokens.machines.share())
            .error_message(message)
    }

    /// Sends a request that changes nothing.
    ///
    /// # Errors
    /// [`CallError`], with advice about the token where that is the cause.
    pub async fn read(&self, request: Request) -> Result<Response, CallError> {
        self.0
            .http
            .read(request)
            .await
            .map_err(|error| self.advise_token(error))
    }

    /// Sends a request that changes something.
    ///
    /// # Errors
    /// As [`Self::read`]; `effect` says whether something may have changed.
    pub async fn write(&self, request: Request, permit: &WritePermit) -> Result<Response, CallError> {
        self.0
            .http
            .write(request, permit)
            .await
            .map_err(|error| self.advise_token(error))
    }

    /// Where the token was taken from, as errors say it.
    pub(crate) fn token_origin(&self) -> &str {
        &self.0.token_origin
    }

    fn advise_token(&self, error: CallError) -> CallError {
        match error.kind {
            CallErrorKind::Unauthenticated => error.advise(&format!(
                "The token that this run authenticates with is expired, revoked or unknown to Fly: \
                 set {} to a valid one.",
                self.token_origin()
            )),
            _ => error,
        }
    }

    /// What a refusal about an app means: Fly does not tell a foreign app from a missing one.
    #[must_use]
    pub fn advise_app(&self, error: CallError, app: &str) -> CallError {
        match error.kind {
            CallErrorKind::Forbidden | CallErrorKind::NotFound => error.advise(&format!(
                "The app {app:?} does not exist, or the token in {} is not valid or does not cover it: \
                 it needs a deploy token of that app or a token of its organization.",
                self.token_origin()
            )),
            _ => error,
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Effect;
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
    fn each_api_gets_the_tokens_that_it_takes_and_a_pasted_scheme_is_dropped() {
        for (text, machines, graphql) in [
            (
                "fm2_lJPE,fm2_lJPF",
                "FlyV1 fm2_lJPE,fm2_lJPF",
                "FlyV1 fm2_lJPE,fm2_lJPF",
            ),
            ("FlyV1 fm2_lJPE", "FlyV1 fm2_lJPE", "FlyV1 fm2_lJPE"),
            ("Bearer FlyV1 fm1r_x", "FlyV1 fm1r_x", "FlyV1 fm1r_x"),
            (
                "fo1_abc, fm2_x,\nfm1a_y ,",
                "FlyV1 fm2_x,fm1a_y",
                "FlyV1 fm2_x,fm1a_y,fo1_abc",
            ),
            ("flyv1  fo1_abc\n", "Bearer fo1_abc", "Bearer fo1_abc"),
            (
                "fo1_abc , personal",
                "Bearer fo1_abc,personal",
                "Bearer fo1_abc,personal",
            ),
        ] {
            let tokens = Tokens::read(text).unwrap();
            assert_eq!((tokens.machines.expose(), tokens.graphql.expose()), (machines, graphql));
            assert_eq!(tokens.macaroons, machines.starts_with("FlyV1"));
        }
        for nothing in ["", " ", "FlyV1 , ,"] {
            assert_eq!(Tokens::read(nothing).err(), Some(Unusable::Blank), "{nothing:?}");
        }
        for several in ["fo1_abc fo1_def", "fm2_x,fo1_abc\nfo1_def"] {
            assert_eq!(Tokens::read(several).err(), Some(Unusable::SeveralWords), "{several:?}");
        }
    }

    #[test]
    fn the_environment_fills_what_the_block_leaves_out() {
        let urls = [
            ("FLY_ACCESS_TOKEN", " fm2_access\r\n"),
            ("FLY_API_TOKEN", "fm2_api"),
            ("FLY_FLAPS_BASE_URL", "http://127.0.0.1:4280/\n"),
        ];
        let (fly, problems) = parse(&Value::Null, &urls);
        let client = fly.unwrap().client().unwrap();
        assert!(problems.is_empty());
        assert_eq!(client.0.tokens.machines.expose(), "FlyV1 fm2_access");
        assert_eq!(client.0.api_url, "http://127.0.0.1:4280");
        assert_eq!(client.0.graphql_url, "https://api.fly.io");
        let block = Value::object([("token", Value::string("fo1_mine"))]);
        let client = parse(&block, &urls).0.unwrap().client().unwrap();
        assert_eq!(client.0.tokens.machines.expose(), "Bearer fo1_mine");
    }

    #[test]
    fn advice_names_the_place_that_the_token_was_taken_from() {
        let both = [("FLY_ACCESS_TOKEN", "fm2_access"), ("FLY_API_TOKEN", "fm2_api")];
        let block = Value::object([("token", Value::string("fo1_mine"))]);
        for (block, environment, origin) in [
            (
                &Value::Null,
                &both[..],
                "FLY_ACCESS_TOKEN (which takes precedence over FLY_API_TOKEN)",
            ),
            (&Value::Null, &both[1..], "FLY_API_TOKEN (or fly.token)"),
            (&block, &both[..], "fly.token"),
        ] {
            let client = parse(block, environment).0.unwrap().client().unwrap();
            let error = |kind| CallError::new(kind, Effect::None, SERVICE, "testing", None, "");
            let unknown = client.advise_token(error(CallErrorKind::Unauthenticated));
            let refused = client.advise_app(error(CallErrorKind::Forbidden), "web");
            assert!(unknown.message.contains(&format!(": set {origin} to")), "{unknown}");
            assert!(
                refused.message.contains(&format!("the token in {origin} is")),
                "{refused}"
            );
        }
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
