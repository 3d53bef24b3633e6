//! The connection to Fly.io: the Machines REST API for secrets and machines, GraphQL for tokens.
//!
//! Fly cannot tell a secret's value from outside its machines, and answers 404 for apps that a token may not see. Rate
//! limits are one request a second and object (burst three), so listings are read once a run and shared.
//! <https://fly.io/docs/machines/api/working-with-machines-api/>

mod app;
mod graphql;
mod rights;
mod tokens;
mod versions;

use std::any::Any;
use std::sync::Arc;

use super::account::no_blocks;
use super::rest::{self, Rest};
use super::{Account, Endpoint, Opening, Vendor};
use crate::call::{CallError, CallErrorKind, WritePermit};
use crate::clock::Clock;
use crate::environment::{Form, Unusable};
use crate::http::{Request, Response, remote_host};
use crate::secret::Secret;
use crate::terraform::{Attribute, Diagnostic, Type};

pub(crate) use app::at_least;
pub use app::{AppSecret, Machine, MachineCheck, MachineEvent};
pub use tokens::{Token, TokenListings, TokenOwner};
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

/// The vendor.
pub static VENDOR: Vendor = Vendor {
    block: "fly",
    title: SERVICE,
    description: "[Fly.io](https://fly.io/docs/): app secrets and tokens. Arguments that you omit come from the environment; the block may \
                  be empty.",
    attributes,
    blocks: no_blocks,
    named: "",
    has_default: true,
    open,
};

fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::optional(
            "token",
            Type::String,
            "The token that this run authenticates with. Default: `FLY_ACCESS_TOKEN`, else `FLY_API_TOKEN`. Separate several tokens by \
             commas, as with flyctl.",
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
    ]
}

fn open(opening: &mut Opening<'_>) -> Option<Box<dyn Account>> {
    // Several tokens may be spread over lines.
    let credential = opening.credential("token", &TOKEN_VARIABLES, Form::Text);
    let tokens = credential.and_then_checked(|credential| {
        #[expect(clippy::disallowed_methods, reason = "what comes out are Secrets again")]
        match Tokens::read(credential.secret.expose()) {
            Ok(tokens) => Some((tokens, credential.origin)),
            Err(why) => {
                opening.refuse_credential("token", &credential, &format!("holds a token that {why}"));
                None
            }
        }
    });
    let api_url = opening.url("api_url", &API);
    let graphql_url = opening.url("graphql_url", &GRAPHQL);
    let (tokens, api_url, graphql_url) = (tokens.optional()?, api_url?, graphql_url?);
    let client = match tokens {
        None => Err(opening.missing(&VENDOR, "token", &opening.way("token", &TOKEN_VARIABLES))),
        Some((tokens, origin)) => Ok(FlyClient(Arc::new(Inner {
            machines: Rest {
                header: "authorization",
                http: opening.http.clone(),
                clock: opening.surroundings.clock,
                vendor: &VENDOR,
                authorization: tokens.machines.share(),
                credential: "token",
                origin,
                base_url: format!("{api_url}/v1"),
                tenant: None,
            },
            tokens,
            graphql_url: graphql_url.clone(),
            listings: app::Listings::new(opening.surroundings.clock),
            token_listings: TokenListings::new(opening.surroundings.clock),
            versions: Versions::default(),
        }))),
    };
    Some(Box::new(Fly {
        remote_host: remote_host(&api_url).or_else(|| remote_host(&graphql_url)),
        api_place: API.place(&api_url),
        graphql_place: GRAPHQL.place(&graphql_url),
        client,
    }))
}

/// An account at Fly; it may lack a token.
pub struct Fly {
    remote_host: Option<String>,
    api_place: String,
    graphql_place: String,
    client: Result<FlyClient, Diagnostic>,
}

impl Account for Fly {
    fn vendor() -> &'static Vendor {
        &VENDOR
    }

    fn place(&self) -> String {
        self.api_place.clone()
    }

    fn remote_host(&self) -> Option<String> {
        self.remote_host.clone()
    }
}

impl Fly {
    /// The client.
    ///
    /// # Errors
    /// A diagnostic that names argument and environment variables when there is no token.
    pub fn client(&self) -> Result<FlyClient, Diagnostic> {
        self.client.clone()
    }
}

/// What the host of GraphQL adds to the address of a token's issuer; nothing for Fly's own.
pub fn graphql_place(account: &dyn Account) -> String {
    let account: &dyn Any = account;
    let fly = account.downcast_ref::<Fly>();
    fly.map(|fly| fly.graphql_place.clone()).unwrap_or_default()
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
    machines: Rest,
    tokens: Tokens,
    graphql_url: String,
    listings: app::Listings,
    token_listings: TokenListings,
    versions: Versions,
}

impl FlyClient {
    /// The clock.
    pub fn clock(&self) -> Clock {
        self.0.machines.clock
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
        self.0
            .machines
            .request(method, segments, operation)
            .error_message(message)
    }

    /// Sends a request that changes nothing.
    ///
    /// # Errors
    /// [`CallError`], with advice about the token where that is the cause.
    pub async fn read(&self, request: Request) -> Result<Response, CallError> {
        self.0.machines.read(request).await
    }

    /// Sends a request that changes something.
    ///
    /// # Errors
    /// As [`Self::read`]; `effect` says whether something may have changed.
    pub async fn write(&self, request: Request, permit: &WritePermit) -> Result<Response, CallError> {
        self.0.machines.write(request, permit).await
    }

    /// Where the token was taken from, as errors say it.
    pub(crate) fn token_origin(&self) -> &str {
        &self.0.machines.origin
    }

    fn advise_token(&self, error: CallError) -> CallError {
        self.0.machines.advise(error)
    }

    /// What a refusal about an app means: Fly does not tell a foreign app from a missing one.
    #[must_use]
    pub fn advise_app(&self, error: CallError, app: &str) -> CallError {
        match error.kind {
            CallErrorKind::Forbidden | CallErrorKind::NotFound => error.advise(&format!(
                "App {app} does not exist, or the token in {} has no access to it. Use a deploy token for the app or an organization token.",
                self.token_origin()
            )),
            _ => error,
        }
    }
}

/// `error`, and `message` where there is one (Machines API, `ErrorResponse`).
fn message(body: &serde_json::Value) -> Option<String> {
    match (rest::text(body, "error"), rest::text(body, "message")) {
        (Some(error), Some(message)) if error != message => Some(format!("{error}: {message}")),
        (Some(text), _) | (None, Some(text)) => Some(text.to_owned()),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Effect;
    use crate::connection::{Connections, Unready};
    use crate::terraform::{Diagnostics, Value};

    fn parse(block: &Value, environment: &[(&str, &str)]) -> (Arc<Connections>, Diagnostics) {
        super::super::opened(&Value::object([("fly", block.clone())]), environment)
    }

    fn client(block: &Value, environment: &[(&str, &str)]) -> FlyClient {
        let (connections, problems) = parse(block, environment);
        assert!(problems.is_empty());
        connections.own().account::<Fly>().unwrap().client().unwrap()
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
        let of_environment = client(&Value::Null, &urls);
        assert_eq!(of_environment.0.tokens.machines.expose(), "FlyV1 fm2_access");
        assert_eq!(of_environment.0.machines.base_url, "http://127.0.0.1:4280/v1");
        assert_eq!(of_environment.0.graphql_url, "https://api.fly.io");
        let block = Value::object([("token", Value::string("fo1_mine"))]);
        assert_eq!(client(&block, &urls).0.tokens.machines.expose(), "Bearer fo1_mine");
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
            let client = client(block, environment);
            let error = |kind| CallError::new(kind, Effect::None, SERVICE, "testing", None, "");
            let unknown = client.advise_token(error(CallErrorKind::Unauthenticated));
            let refused = client.advise_app(error(CallErrorKind::Forbidden), "web");
            assert!(
                unknown.message.contains(&format!("The token in {origin} is expired")),
                "{unknown}"
            );
            assert!(
                refused
                    .message
                    .contains(&format!("the token in {origin} has no access to it")),
                "{refused}"
            );
        }
    }

    #[test]
    fn a_missing_token_is_wrong_only_for_who_needs_it() {
        let (connections, problems) = parse(&Value::Null, &[]);
        assert!(problems.is_empty());
        let diagnostic = connections.own().account::<Fly>().unwrap().client().err().unwrap();
        for name in ["fly.token", "FLY_ACCESS_TOKEN", "FLY_API_TOKEN"] {
            assert!(diagnostic.detail.contains(name), "{}", diagnostic.detail);
        }
    }

    #[test]
    fn an_unknown_token_is_no_mistake() {
        for block in [Value::object([("token", Value::unknown())]), Value::unknown()] {
            let (connections, problems) = parse(&block, &[]);
            assert!(problems.is_empty());
            assert_eq!(connections.find(&VENDOR, "default").err(), Some(Unready::Unknown));
        }
    }

    #[test]
    fn a_wrong_url_is_reported_with_its_origin() {
        let (connections, problems) = parse(&Value::Null, &[("FLY_API_BASE_URL", "http://api.example.com")]);
        assert!(problems.is_empty(), "nobody needs Fly");
        let diagnostic = connections.own().account::<Fly>().err().unwrap();
        assert_eq!(diagnostic.summary, "fly.graphql_url cannot be used");
        assert!(diagnostic.detail.contains("FLY_API_BASE_URL"), "{}", diagnostic.detail);
        let block = Value::object([("api_url", Value::string("https://api.machines.dev/v1/"))]);
        let (_, problems) = parse(&block, &[]);
        assert!(problems.iter().next().unwrap().detail.contains("remove /v1"));
    }

    #[test]
    fn odd_names_stay_inside_their_path_segment() {
        let client = client(&Value::Null, &[("FLY_API_TOKEN", "x")]);
        let request = client.request("GET", &["apps", "a/../b?c#d", "é"], "testing");
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
