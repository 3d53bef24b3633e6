//! The calls behind `fly_token`. A listing never selects a token's value, although the schema would give it.

use std::fmt;
use std::sync::Arc;

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::connection::fly::{FlyClient, SERVICE, Token, TokenOwner};
use crate::connection::pages;
use crate::connection::serde_helpers::null_is_empty;
use crate::label::Label;
use crate::secret::Secret;

/// Tokens per page.
const PAGE: u32 = 100;

/// What a token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Container {
    /// One app, by name.
    App(String),
    /// All apps of an organization, by its slug.
    Organization(String),
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::App(name) => write!(f, "app/{name}"),
            Self::Organization(slug) => write!(f, "organization/{slug}"),
        }
    }
}

impl Container {
    fn in_words(&self) -> String {
        match self {
            Self::App(name) => format!("app {name}"),
            Self::Organization(slug) => format!("organization {slug}"),
        }
    }

    pub(super) fn from_locator(locator: &str) -> Option<Self> {
        let (kind, name) = locator.split_once('/')?;
        match kind {
            _ if !super::is_slug(name) => None,
            "app" => Some(Self::App(name.to_owned())),
            "organization" => Some(Self::Organization(name.to_owned())),
            _ => None,
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::App(name) | Self::Organization(name) => name,
        }
    }

    /// The field of `Queries` that holds it, as [`Found`] reads it.
    fn field(&self) -> &'static str {
        match self {
            Self::App(_) => "app(name: $name)",
            Self::Organization(_) => "organization(slug: $name)",
        }
    }

    fn missing(&self, client: &FlyClient, operation: &str) -> CallError {
        let error = CallError::new(CallErrorKind::NotFound, Effect::None, SERVICE, operation, None, "");
        self.advise(client, error)
    }

    fn advise(&self, client: &FlyClient, error: CallError) -> CallError {
        match self {
            Self::App(name) => client.advise_app(error, name),
            Self::Organization(slug) if matches!(error.kind, CallErrorKind::NotFound | CallErrorKind::Forbidden) => {
                error.advise(&format!(
                    "Organization {slug} does not exist, or the token in {} has no access to it. Use a token of one of its members.",
                    client.token_origin()
                ))
            }
            Self::Organization(slug) if error.kind == CallErrorKind::Unauthenticated => error.advise(&format!(
                "Fly says the same of an organization that a valid token may not see: compare {slug:?} with `fly orgs list`."
            )),
            Self::Organization(_) => error,
        }
    }
}

/// The only field of an answer, under the name that the schema gives it.
#[derive(Deserialize)]
struct Found<T> {
    #[serde(alias = "app", alias = "organization")]
    container: Option<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenHolder {
    limited_access_tokens: TokenPage,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenPage {
    #[serde(default)]
    nodes: Option<Vec<Option<Token>>>,
    page_info: PageInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    #[serde(default)]
    end_cursor: Option<String>,
    has_next_page: bool,
}

/// All tokens of the container, from the listing that all readers of this run share.
pub(super) async fn list_shared(client: &FlyClient, container: &Container) -> Result<Arc<Vec<Token>>, CallError> {
    let tokens = &client.token_listings().tokens;
    tokens.get(&container.to_string(), || list(client, container)).await
}

/// All tokens of the container; revoked ones stay in Fly's list.
pub(super) async fn list(client: &FlyClient, container: &Container) -> Result<Vec<Token>, CallError> {
    let operation = format!("listing the tokens of {}", container.in_words());
    let query = format!(
        "query($name: String!, $first: Int!, $after: String) {{ {} {{ \
           limitedAccessTokens(first: $first, after: $after) {{ \
             nodes {{ id name createdAt expiresAt revokedAt }} \
             pageInfo {{ endCursor hasNextPage }} }} }} }}",
        container.field()
    );
    let (operation, query) = (&*operation, &*query);
    let page = |after: Option<String>| async move {
        let variables = json!({ "name": container.name(), "first": PAGE, "after": after });
        let answer: Found<TokenHolder> = client
            .query(operation, query, variables)
            .await
            .map_err(|error| container.advise(client, error))?;
        let page = answer
            .container
            .ok_or_else(|| container.missing(client, operation))?
            .limited_access_tokens;
        let tokens: Vec<Token> = page.nodes.unwrap_or_default().into_iter().flatten().collect();
        if !tokens.iter().all(|token| is_id(&token.id)) {
            let what = "the id of a token in the list is none";
            return Err(CallError::malformed(SERVICE, operation, Effect::None, what));
        }
        Ok((
            tokens,
            page.page_info.end_cursor.filter(|_| page.page_info.has_next_page),
        ))
    };
    pages::all(SERVICE, operation, page).await
}

#[derive(Deserialize)]
struct AppNode {
    id: String,
    organization: OrganizationNode,
}

#[derive(Deserialize)]
struct OrganizationNode {
    id: String,
}

/// Finds app and organization, once a run.
pub(super) async fn owner(client: &FlyClient, container: &Container) -> Result<Arc<TokenOwner>, CallError> {
    let owners = &client.token_listings().owners;
    owners
        .get(&container.to_string(), || find_owner(client, container))
        .await
}

async fn find_owner(client: &FlyClient, container: &Container) -> Result<TokenOwner, CallError> {
    let operation = format!("looking up {}", container.in_words());
    let variables = json!({ "name": container.name() });
    let advise = |error| container.advise(client, error);
    let missing = || container.missing(client, &operation);
    match container {
        Container::App(_) => {
            let query = "query($name: String!) { app(name: $name) { id organization { id } } }";
            let found: Found<AppNode> = client.query(&*operation, query, variables).await.map_err(advise)?;
            let app = found.container.ok_or_else(missing)?;
            Ok(TokenOwner {
                organization: app.organization.id,
                app: Some(app.id),
            })
        }
        Container::Organization(_) => {
            let query = "query($name: String!) { organization(slug: $name) { id } }";
            let found: Found<OrganizationNode> = client.query(&*operation, query, variables).await.map_err(advise)?;
            Ok(TokenOwner {
                organization: found.container.ok_or_else(missing)?.id,
                app: None,
            })
        }
    }
}

/// A new token and its value, as users of flyctl know it: with the scheme `FlyV1` in front.
pub(super) struct Created {
    pub(super) token: Token,
    pub(super) value: Secret,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateAnswer {
    create_limited_access_token: Option<CreatePayload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreatePayload {
    limited_access_token: NewToken,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewToken {
    #[serde(default)]
    token_header: Option<String>,
    #[serde(flatten)]
    token: Token,
}

/// Mints a token named after `label`.
pub(super) async fn create(
    client: &FlyClient,
    container: &Container,
    owner: &TokenOwner,
    label: &Label,
    expires_in: Option<SignedDuration>,
    permit: &WritePermit,
) -> Result<Created, CallError> {
    let operation = format!("minting token {label} for {}", container.in_words());
    let mutation = "mutation($input: CreateLimitedAccessTokenInput!) { createLimitedAccessToken(input: $input) { \
                    limitedAccessToken { id name createdAt expiresAt revokedAt tokenHeader } } }";
    let mut input = json!({ "name": label.to_string(), "organizationId": owner.organization });
    // The profiles that flyctl uses for deploy tokens of an app and of an organization.
    let (profile, parameters) = match &owner.app {
        Some(app) => ("deploy", json!({ "app_id": app })),
        None => ("deploy_organization", json!({})),
    };
    set(&mut input, "profile", json!(profile));
    set(&mut input, "profileParams", parameters);
    if let Some(life) = expires_in {
        set(&mut input, "expiry", json!(go_duration(life)));
    }
    let variables = json!({ "input": input });
    let answer: Result<CreateAnswer, _> = client.mutation(&*operation, mutation, variables, permit).await;
    let created = match answer {
        Ok(answer) => answer.created(&operation),
        Err(error) => Err(container.advise(client, error)),
    };
    let tokens = &client.token_listings().tokens;
    // Whatever is wrong with the answer, the next list tells it.
    tokens.forget(&container.to_string());
    created
}

impl CreateAnswer {
    fn created(self, operation: &str) -> Result<Created, CallError> {
        let malformed = |what| CallError::malformed(SERVICE, operation, Effect::Possible, what);
        let payload = self.create_limited_access_token;
        let new = payload
            .ok_or_else(|| malformed("the answer has no payload"))?
            .limited_access_token;
        let value = new.token_header.filter(|value| !value.is_empty());
        let value = Secret::new(value.ok_or_else(|| malformed("the answer has no token"))?);
        Ok(Created {
            value,
            token: new.token,
        })
    }
}

/// Fly's ids are opaque, and far shorter than a token, which has a space in it. They are stored.
fn is_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

/// Hours, minutes and seconds, as Go's `time.ParseDuration` reads them.
fn go_duration(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    format!("{}h{}m{}s", seconds / 3600, seconds % 3600 / 60, seconds % 60)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeleteAnswer {
    delete_limited_access_token: Option<serde::de::IgnoredAny>,
}

/// Revokes a token of the container by id.
pub(super) async fn delete(
    client: &FlyClient,
    container: &Container,
    id: &str,
    operation: String,
    permit: &WritePermit,
) -> Result<(), CallError> {
    let mutation = "mutation($input: DeleteLimitedAccessTokenInput!) { \
                    deleteLimitedAccessToken(input: $input) { clientMutationId } }";
    let variables = json!({ "input": { "id": id } });
    let answer: Result<DeleteAnswer, _> = client.mutation(&*operation, mutation, variables, permit).await;
    let tokens = &client.token_listings().tokens;
    tokens.settle(&container.to_string(), &answer, |tokens, _| {
        tokens.retain(|token| token.id != id)
    });
    let answer = answer?;
    if answer.delete_limited_access_token.is_none() {
        let what = "the answer has no payload";
        return Err(CallError::malformed(SERVICE, operation, Effect::Possible, what));
    }
    Ok(())
}

#[derive(Deserialize)]
struct CurrentTokens {
    #[serde(default, deserialize_with = "null_is_empty")]
    tokens: Vec<CurrentToken>,
}

#[derive(Deserialize)]
struct CurrentToken {
    #[serde(default)]
    token_id: Option<String>,
}

/// The ids of the tokens that this run authenticates with (`GET /v1/tokens/current`); none where Fly does not say. Only macaroons
/// are tokens that Fly lists, so for others it is not asked.
///
/// Unverified: that `token_id` is the id that GraphQL lists.
pub(super) async fn current_ids(client: &FlyClient) -> Result<Vec<String>, CallError> {
    if !client.has_macaroons() {
        return Ok(Vec::new());
    }
    let request = client.request(
        "GET",
        &["tokens", "current"],
        "asking which token this run authenticates with",
    );
    let answer = client.read(request).await;
    match answer.and_then(|response| response.json::<CurrentTokens>()) {
        Ok(current) => Ok(current.tokens.into_iter().filter_map(|token| token.token_id).collect()),
        Err(error) if error.is_no_answer() => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_survives_its_locator() {
        for container in [
            Container::App("a-1".to_owned()),
            Container::Organization("o".to_owned()),
        ] {
            assert_eq!(Container::from_locator(&container.to_string()), Some(container));
        }
        for wrong in ["app", "app/", "app/a/b", "team/x", "app/A"] {
            assert_eq!(Container::from_locator(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_token_is_no_id() {
        assert!(is_id("LimitedAccessToken-k5Zx0=") && is_id("1"));
        for wrong in ["", "FlyV1 fm2_lJPE", &"a".repeat(129), "a\u{1b}"] {
            assert!(!is_id(wrong), "{wrong}");
        }
    }

    #[test]
    fn durations_are_written_as_go_reads_them() {
        assert_eq!(go_duration(SignedDuration::from_hours(2400)), "2400h0m0s");
        assert_eq!(go_duration(SignedDuration::from_secs(3_723)), "1h2m3s");
    }
}
