//! Tokens of Railway: of one environment of a project, of a workspace, or of the account.
//!
//! Railway tells a token's value once, and its id in lists alone, where it is found by its name; names need not be unique. Any number of
//! tokens is allowed; they do not expire, and nothing tells when one was used. Whether a project token may make others is unverified.
//! <https://docs.railway.com/integrations/api#creating-a-token>

use std::time::Duration;

use async_trait::async_trait;

use super::listed::{self, Listed, Listing};
use super::{Credential, Issuer, Maker, MintOrder, Minted, Source, SourceConfig, SourceKind, SourceTraits};
use crate::address::Address;
use crate::call::{CallError, Effect, WritePermit};
use crate::connection::railway::{self, Railway, RailwayClient, Token, TokenPlace, checked_id, shows};
use crate::connection::uuid::is_uuid;
use crate::connection::{Link, Vendor};
use crate::diagnostics::{Argument, names};
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Field, Node, Type};

const NAME: &str = "railway_token";

/// How long a new token is looked for in the list that alone tells its id.
const APPEARS_WITHIN: Duration = Duration::from_secs(20);

/// The kind.
pub static KIND: SourceKind = SourceKind {
    name: NAME,
    summary: "A Railway token: of one environment of a project, of a workspace, or of the whole account.",
    api_docs: Some("https://docs.railway.com/integrations/api"),
    attributes,
    maker: Maker::Issuer,
    parts: &["token"],
    parts_of: |_| Some(KIND.declared_parts()),
    parse,
    revocable: true,
    offers: listed::OFFERS,
    reach: Some(railway::VENDOR.reach()),
    issuer,
    handle_of: |id| id,
    issuer_in_words,
};

fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::optional(
            "project_id",
            Type::String,
            "The id of the project whose environment the token reaches. Set `environment_id` too.",
        ),
        Attribute::optional(
            "environment_id",
            Type::String,
            "The id of the only environment that the token reaches. Set `project_id` too.",
        ),
        Attribute::optional(
            "workspace_id",
            Type::String,
            "The id of the only workspace that the token reaches. Default, without `project_id`: everything that the account reaches.",
        ),
    ]
}

#[derive(Clone)]
struct Config {
    place: TokenPlace,
    workspace: Option<String>,
}

fn parse(node: &Node<'_>, _root: &Node<'_>, problems: &mut Diagnostics) -> Option<Box<dyn SourceConfig>> {
    let mut id = |name: &str| {
        let node = node.attr(name);
        let id = node.string(problems);
        checked_id(&node, id, problems)
    };
    let (project, environment, workspace) = (id("project_id"), id("environment_id"), id("workspace_id"));
    let (place, workspace) = match (project, environment, workspace) {
        (Field::Unknown, ..) | (_, Field::Unknown, _) | (.., Field::Unknown) => return None,
        (Field::Known(project), Field::Known(environment), Field::Absent) => {
            (TokenPlace::Environment { project, environment }, None)
        }
        (Field::Absent, Field::Absent, workspace) => (TokenPlace::Account, workspace.known()),
        (project, environment, _) => {
            let advice = match (project, environment) {
                (Field::Known(_), Field::Known(_)) => {
                    "A token of an environment has no workspace. Remove workspace_id."
                }
                _ => "A token of a project reaches one environment. Set project_id and environment_id, or neither.",
            };
            node.report(problems, |argument| Argument::OneOf {
                argument,
                choices: names(["project_id with environment_id", "workspace_id", "none of them"]),
                advice: advice.into(),
            });
            return None;
        }
    };
    Some(Box::new(Config { place, workspace }))
}

/// Reads back what [`TokenPlace`] prints.
fn place_of(locator: &str) -> Option<TokenPlace> {
    match locator.split('/').collect::<Vec<_>>().as_slice() {
        ["account"] => Some(TokenPlace::Account),
        ["project", project, environment] if is_uuid(project) && is_uuid(environment) => {
            Some(TokenPlace::Environment {
                project: (*project).to_owned(),
                environment: (*environment).to_owned(),
            })
        }
        _ => None,
    }
}

fn issuer(address: &Address, link: &Link<'_>) -> Result<Option<Box<dyn Issuer>>, Diagnostic> {
    let place = place_of(&address.locator)
        .ok_or_else(|| listed::misplaced(address, "Railway tokens", "account or project/<id>/<id of environment>"))?;
    let client = link.account::<Railway>()?.client()?;
    Ok(Some(Box::new(Listing(Tokens { client, place }))))
}

fn issuer_in_words(address: &Address) -> String {
    let host = address.at_host();
    match place_of(&address.locator) {
        Some(TokenPlace::Account) => format!("Railway account{host}"),
        Some(place) => format!("{}{host}", place.in_words()),
        None => address.to_string(),
    }
}

impl SourceConfig for Config {
    fn issuer(&self) -> Address {
        Address::new(NAME, self.place.to_string())
    }

    fn traits(&self) -> SourceTraits {
        listed::TRAITS
    }

    fn in_words(&self) -> String {
        match (&self.place, &self.workspace) {
            (TokenPlace::Account, None) => "Railway token for the whole account".to_owned(),
            (TokenPlace::Account, Some(workspace)) => format!("Railway token for workspace {workspace}"),
            (place, _) => format!("token for {}", place.in_words()),
        }
    }

    fn fingerprint(&self) -> String {
        let (project, environment) = match &self.place {
            TokenPlace::Account => (None, None),
            TokenPlace::Environment { project, environment } => (Some(project), Some(environment)),
        };
        serde_json::json!({
            "project_id": project, "environment_id": environment, "workspace_id": self.workspace,
        })
        .to_string()
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Source>, Diagnostic> {
        let client = link.account::<Railway>()?.client()?;
        let Self { place, workspace } = self.clone();
        let tokens = Listing(Tokens { client, place });
        Ok(Box::new(Mint { tokens, workspace }))
    }
}

/// The tokens of one place.
struct Tokens {
    client: RailwayClient,
    place: TokenPlace,
}

fn credential(token: &Token) -> Credential {
    Credential {
        id: token.id.clone(),
        name: Some(token.name.clone()),
        minted_at: token.created_at,
        expires_at: None,
    }
}

#[async_trait]
impl Listed for Tokens {
    fn vendor(&self) -> &'static Vendor {
        &railway::VENDOR
    }

    async fn list_now(&self) -> Result<Vec<Credential>, CallError> {
        let tokens = self.client.tokens_now(&self.place).await?;
        Ok(tokens.iter().map(credential).collect())
    }

    async fn list_shared(&self) -> Result<Vec<Credential>, CallError> {
        let tokens = self.client.tokens(&self.place).await?;
        Ok(tokens.iter().map(credential).collect())
    }

    /// Railway does not say it of account tokens: what it shows of a value decides.
    async fn is_own(&self, id: &str) -> Result<bool, CallError> {
        let tokens = self.client.tokens_now(&self.place).await?;
        let found = tokens.iter().find(|token| token.id == id);
        Ok(found.is_some_and(|token| self.client.may_be_own(&token.display_token)))
    }

    async fn end(&self, id: &str, permit: &WritePermit) -> Result<(), CallError> {
        self.client.delete_token(&self.place, id, permit).await
    }
}

/// Tokens, and the workspace of new ones.
struct Mint {
    tokens: Listing<Tokens>,
    workspace: Option<String>,
}

#[async_trait]
impl Source for Mint {
    fn issuer(&self) -> &dyn Issuer {
        &self.tokens
    }

    /// Whether the token of this run may list tokens there, and whether the project has the environment; whether it may make them only a mint shows.
    async fn inspect(&self) -> Result<(), CallError> {
        let Tokens { client, place } = &self.tokens.0;
        client.tokens(place).await?;
        match place {
            TokenPlace::Account => Ok(()),
            TokenPlace::Environment { environment, .. } => client.environment(environment).await.map(drop),
        }
    }

    async fn mint(&self, order: &MintOrder, permit: &WritePermit) -> Result<Minted, CallError> {
        let Tokens { client, place } = &self.tokens.0;
        let name = order.label.to_string();
        let value = client
            .create_token(place, self.workspace.as_deref(), &name, permit)
            .await?;
        let mut polling = client
            .clock()
            .polling(APPEARS_WITHIN, Duration::from_millis(200)..=Duration::from_secs(5));
        loop {
            let listed = client.tokens_now(place).await;
            let listed = listed.map_err(|error| CallError {
                effect: Effect::Possible,
                ..error
            })?;
            // Of several of one name, an earlier mint without an answer made the others, and the value tells which is which.
            let mut named = listed.iter().filter(|token| token.name == name);
            let found = match (named.next(), named.next()) {
                (Some(only), None) => Some(only),
                (Some(_), Some(_)) => listed
                    .iter()
                    .filter(|token| token.name == name)
                    .max_by_key(|token| (shows(&token.display_token, &value), token.created_at)),
                (None, _) => None,
            };
            if let Some(found) = found {
                return Ok(Minted::issued(credential(found), "token", value));
            }
            if !polling.again().await {
                let why = "the new token is not listed, so that its id is unknown";
                let operation = format!("minting token {name}");
                return Err(CallError::malformed(
                    railway::VENDOR.title,
                    operation,
                    Effect::Possible,
                    why,
                ));
            }
        }
    }
}
