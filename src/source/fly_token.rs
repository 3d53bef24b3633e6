//! Fly access tokens: minted, listed and revoked over GraphQL.
//!
//! Fly keeps a name with every token, so a lost mint is found again. It cannot renew a token, and tells its value only when
//! it is made. A revoked token is refused after some seconds, because Fly's services cache what they have verified.
//! A token that was derived offline from another dies with it.
//! <https://fly.io/docs/security/tokens/>; operations as in Fly's published GraphQL schema.

mod api;

use async_trait::async_trait;
use jiff::SignedDuration;

use self::api::Container;
use super::listed::{self, Listed, Listing};
use super::{Credential, Issuer, Maker, MintOrder, Minted, Source, SourceConfig, SourceKind, SourceTraits};
use crate::address::Address;
use crate::call::{CallError, WritePermit};
use crate::connection::fly::{self, Fly, FlyClient, Token};
use crate::connection::{Link, Reach, Vendor};
use crate::diagnostics::{Argument, names};
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Field, Node, Type};

const NAME: &str = "fly_token";

/// The kind.
pub static KIND: SourceKind = SourceKind {
    name: NAME,
    summary: "A Fly.io deploy token of one app or of an organization.",
    api_docs: Some("https://fly.io/docs/security/tokens/"),
    attributes,
    maker: Maker::Issuer,
    parts: &["token"],
    parts_of: |_| Some(KIND.declared_parts()),
    parse,
    revocable: true,
    offers: listed::OFFERS,
    reach: Some(Reach {
        vendor: &fly::VENDOR,
        place: fly::graphql_place,
    }),
    issuer,
    handle_of: |id| id,
    issuer_in_words,
};

/// What `type` may be. Fly's other kinds (read-only, ssh, machine-exec) are derived from these by the holder, without Fly.
const TYPES: &[&str] = &["deploy"];

fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::optional(
            "app",
            Type::String,
            "The app that the token is for. Exactly one of `app` and `organization`.",
        ),
        Attribute::optional(
            "organization",
            Type::String,
            "The slug of the organization that the token is for. Exactly one of `app` and `organization`.",
        ),
        Attribute::optional(
            "type",
            Type::String,
            "What the token may do. `deploy` (default): deploy the app, or all apps of the organization, and set their secrets.",
        ),
        Attribute::optional(
            "expires_in",
            Type::String,
            "How long a token lives, such as `2400h` or `100d`. Default: Fly decides.",
        ),
    ]
}

struct Config {
    container: Container,
    kind: &'static str,
    expires_in: Option<SignedDuration>,
    /// The same as the user wrote it.
    life: Option<String>,
}

fn parse(node: &Node<'_>, _root: &Node<'_>, problems: &mut Diagnostics) -> Option<Box<dyn SourceConfig>> {
    let container = container(node, problems);
    let kind = node.attr("type").one_of(TYPES, problems).or("deploy");
    let lifetime = node.attr("expires_in");
    let expires_in = lifetime.duration(problems).and_then_checked(|life| {
        let lives = life.is_positive();
        if !lives {
            lifetime.report(problems, |argument| Argument::Zero {
                argument,
                why: "A token that expires at once is useless. Leave it out to use Fly's default.".into(),
            });
        }
        lives.then_some(life)
    });
    Some(Box::new(Config {
        container: container?,
        kind: kind?,
        expires_in: expires_in.optional()?,
        life: lifetime.value().as_str().map(str::to_owned),
    }))
}

/// Exactly one of `app` and `organization`.
fn container(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Container> {
    let app = node.attr("app").string(problems);
    let organization = node.attr("organization").string(problems);
    let wrong = match (app, organization) {
        (Field::Known(app), Field::Absent) => return slug(node, "app", app, problems).map(Container::App),
        (Field::Absent, Field::Known(name)) => {
            return slug(node, "organization", name, problems).map(Container::Organization);
        }
        (Field::Absent, Field::Absent) => "Neither is set. Name the app or the organization that the token is for.",
        (Field::Known(_), Field::Known(_)) => "Both are set. Remove one.",
        // One of them may turn out null.
        (Field::Unknown, _) | (_, Field::Unknown) => return None,
    };
    node.report(problems, |argument| Argument::OneOf {
        argument,
        choices: names(["app", "organization"]),
        advice: wrong.into(),
    });
    None
}

fn slug(node: &Node<'_>, attribute: &str, text: String, problems: &mut Diagnostics) -> Option<String> {
    if is_slug(&text) {
        return Some(text);
    }
    node.attr(attribute).report_not(
        problems,
        "the name of a Fly app or organization",
        format!("It is {text:?}. These names have lower-case letters, digits and hyphens."),
    );
    None
}

/// Fly's names for apps and organizations.
fn is_slug(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn issuer(address: &Address, link: &Link<'_>) -> Result<Option<Box<dyn Issuer>>, Diagnostic> {
    let container = Container::from_locator(&address.locator)
        .ok_or_else(|| listed::misplaced(address, "Fly tokens", "app/<name> or organization/<slug>"))?;
    let client = link.account::<Fly>()?.client()?;
    Ok(Some(Box::new(Listing(Tokens { client, container }))))
}

fn issuer_in_words(address: &Address) -> String {
    let host = address.at_host();
    match Container::from_locator(&address.locator) {
        Some(Container::App(app)) => format!("Fly app {app}{host}"),
        Some(Container::Organization(slug)) => format!("Fly organization {slug}{host}"),
        None => address.to_string(),
    }
}

impl SourceConfig for Config {
    fn issuer(&self) -> Address {
        Address::new(NAME, self.container.to_string())
    }

    fn traits(&self) -> SourceTraits {
        listed::TRAITS
    }

    fn lifetime(&self) -> Option<SignedDuration> {
        self.expires_in
    }

    fn in_words(&self) -> String {
        let token = match &self.container {
            Container::App(app) => format!("Fly {} token for app {app}", self.kind),
            Container::Organization(slug) => format!("Fly organization token for {slug}"),
        };
        match &self.life {
            Some(life) => format!("{token}, valid for {life}"),
            None => token,
        }
    }

    fn fingerprint(&self) -> String {
        let (app, organization) = match &self.container {
            Container::App(app) => (Some(app), None),
            Container::Organization(slug) => (None, Some(slug)),
        };
        serde_json::json!({
            "app": app,
            "organization": organization,
            "type": self.kind,
            "expires_in": self.expires_in.map(crate::duration::format),
        })
        .to_string()
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Source>, Diagnostic> {
        let client = link.account::<Fly>()?.client()?;
        let container = self.container.clone();
        Ok(Box::new(Mint {
            tokens: Listing(Tokens { client, container }),
            expires_in: self.expires_in,
        }))
    }
}

/// The tokens of one app or organization.
struct Tokens {
    client: FlyClient,
    container: Container,
}

impl Tokens {
    fn alive(&self, listed: &[Token]) -> Vec<Credential> {
        let now = self.client.clock().real_now();
        let alive = listed.iter().filter(|token| token.is_alive(now));
        alive.map(credential).collect()
    }
}

fn credential(token: &Token) -> Credential {
    Credential {
        id: token.id.clone(),
        name: token.name.clone(),
        minted_at: token.created_at,
        expires_at: token.expires_at,
    }
}

#[async_trait]
impl Listed for Tokens {
    fn vendor(&self) -> &'static Vendor {
        &fly::VENDOR
    }

    async fn list_now(&self) -> Result<Vec<Credential>, CallError> {
        Ok(self.alive(&api::list(&self.client, &self.container).await?))
    }

    async fn list_shared(&self) -> Result<Vec<Credential>, CallError> {
        Ok(self.alive(&api::list_shared(&self.client, &self.container).await?))
    }

    async fn is_own(&self, id: &str) -> Result<bool, CallError> {
        let current = api::current_ids(&self.client).await?;
        Ok(current.iter().any(|current| current == id))
    }

    async fn end(&self, id: &str, permit: &WritePermit) -> Result<(), CallError> {
        let operation = format!("revoking token {id:?} of {}", self.container);
        api::delete(&self.client, &self.container, id, operation, permit).await
    }
}

/// Tokens, and how long new ones live.
struct Mint {
    tokens: Listing<Tokens>,
    expires_in: Option<SignedDuration>,
}

#[async_trait]
impl Source for Mint {
    fn issuer(&self) -> &dyn Issuer {
        &self.tokens
    }

    async fn inspect(&self) -> Result<(), CallError> {
        api::owner(&self.tokens.0.client, &self.tokens.0.container)
            .await
            .map(drop)
    }

    async fn mint(&self, order: &MintOrder, permit: &WritePermit) -> Result<Minted, CallError> {
        let Tokens { client, container } = &self.tokens.0;
        let owner = api::owner(client, container).await?;
        let created = api::create(client, container, &owner, &order.label, self.expires_in, permit).await?;
        Ok(Minted::issued(credential(&created.token), "token", created.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::{Origin, Value};

    fn parsed(value: &Value) -> (Option<Box<dyn SourceConfig>>, Vec<String>) {
        let mut problems = Diagnostics::new();
        let node = Node::root(value, Origin::Configuration);
        let config = parse(&node, &node, &mut problems);
        (config, problems.iter().map(|problem| problem.summary.clone()).collect())
    }

    #[test]
    fn exactly_one_of_app_and_organization_is_needed() {
        let app = ("app", Value::string("molecule-cp"));
        let organization = ("organization", Value::string("molecule"));
        let (config, problems) = parsed(&Value::object([app.clone(), ("expires_in", Value::string("100d"))]));
        let config = config.unwrap();
        assert!(problems.is_empty());
        assert_eq!(config.issuer().to_string(), "fly_token:default:app/molecule-cp");
        assert_eq!(config.lifetime(), Some(SignedDuration::from_hours(2400)));
        let (config, _) = parsed(&Value::object([organization.clone()]));
        assert_eq!(config.unwrap().issuer().locator, "organization/molecule");
        for value in [Value::object([app.clone(), organization]), Value::object([])] {
            let (config, problems) = parsed(&value);
            assert!(config.is_none());
            assert_eq!(problems, [" requires app or organization"]);
        }
        let (config, problems) = parsed(&Value::object([app, ("organization", Value::unknown())]));
        assert!(config.is_none() && problems.is_empty());
    }

    #[test]
    fn what_fly_would_refuse_is_refused_with_its_path() {
        let (_, problems) = parsed(&Value::object([
            ("app", Value::string("Molecule/CP")),
            ("type", Value::string("readonly")),
            ("expires_in", Value::string("0s")),
        ]));
        assert_eq!(
            problems,
            [
                "app is not the name of a Fly app or organization",
                "type must be \"deploy\"",
                "expires_in must be longer than zero"
            ]
        );
    }

    #[test]
    fn a_longer_life_is_a_different_credential() {
        let config = |life: &str| {
            let value = Value::object([("app", Value::string("a")), ("expires_in", Value::string(life))]);
            parsed(&value).0.unwrap()
        };
        let before = config("1d").fingerprint();
        assert_ne!(before, config("2d").fingerprint());
        assert_eq!(before, config("24h").fingerprint());
        assert_eq!(
            config("2d").what_changed(&before),
            "source fly_token changed: expires_in"
        );
        assert_eq!(
            config("2d").what_changed("a a"),
            "source fly_token changed: app, expires_in, type"
        );
    }

    #[test]
    fn words_name_the_place_and_the_life_as_it_was_written() {
        let app = [
            ("app", Value::string("molecule-cp")),
            ("expires_in", Value::string("2400h")),
        ];
        let app = parsed(&Value::object(app)).0.unwrap();
        assert_eq!(app.in_words(), "Fly deploy token for app molecule-cp, valid for 2400h");
        assert_eq!(issuer_in_words(&app.issuer()), "Fly app molecule-cp");
        let organization = parsed(&Value::object([("organization", Value::string("molecule"))]))
            .0
            .unwrap();
        assert_eq!(organization.in_words(), "Fly organization token for molecule");
        let elsewhere = Address::at("127.0.0.1:4280", NAME, "organization/molecule");
        assert_eq!(
            issuer_in_words(&elsewhere),
            "Fly organization molecule at 127.0.0.1:4280"
        );
        assert_eq!(issuer_in_words(&Address::new(NAME, "x")), "fly_token:default:x");
    }
}
