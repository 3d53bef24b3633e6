//! The connection to Railway: variables of services and environments, deployments and tokens, over GraphQL.
//!
//! An account's or workspace's token is a bearer; a project's token, which reaches one environment, has a header of its own. Errors
//! arrive with HTTP 200. Variables are written one by one with `skipDeploys`: every other write deploys, and the call that takes a
//! collection can delete the rest. <https://docs.railway.com/integrations/api>

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::account::no_blocks;
use super::graphql::{self, GraphqlError};
use super::instant::instant;
use super::keyed::{Keyed, KeyedAccount, KeyedClient, OtherKey};
use super::rest::{self, Rest};
use super::uuid::is_uuid;
use super::{Endpoint, Vendor, pages};
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::clock::Clock;
use crate::http::{Request, Shared};
use crate::secret::Secret;
use crate::terraform::{Diagnostics, Field, Node};

/// The vendor.
pub static VENDOR: Vendor = Vendor {
    block: "railway",
    title: "Railway",
    description: "[Railway](https://docs.railway.com/integrations/api): variables, deployments and tokens. Arguments that you omit come from the \
                  environment; the block may be empty.",
    attributes: || KEYED.attributes(),
    blocks: no_blocks,
    named: "",
    has_default: true,
    open: |opening| KEYED.open::<RailwayClient>(opening),
};

/// Its tokens and address. The tokens' variables are those of Railway's own CLI; that of the address is this provider's own.
pub(super) const KEYED: Keyed = Keyed {
    argument: "token",
    variable: "RAILWAY_API_TOKEN",
    credential: "account or workspace token",
    api: Endpoint::whole("RAILWAY_BASE_URL", "https://backboard.railway.com/graphql/v2"),
    other: Some(OtherKey {
        argument: "project_token",
        variable: "RAILWAY_TOKEN",
        credential: "project token",
        header: "project-access-token",
    }),
    tenant: None,
};

/// Items per page.
const PAGE: u32 = 100;
/// The newest deployments that are looked at.
const NEWEST: u32 = 20;

const VARIABLES: &str = "query($id: String!, $first: Int!, $after: String) { environment(id: $id) { id projectId
    variables(first: $first, after: $after) { edges { node { id name serviceId updatedAt } } pageInfo { hasNextPage endCursor } } } }";
const UPSERT: &str = "mutation($input: VariableUpsertInput!) { variableUpsert(input: $input) }";
const DELETE: &str = "mutation($input: VariableDeleteInput!) { variableDelete(input: $input) }";
const DEPLOYMENTS: &str =
    "query($input: DeploymentListInput!, $first: Int!) { deployments(input: $input, first: $first) {
    edges { node { id } } } }";
const DEPLOYMENT: &str = "query($id: String!) { deployment(id: $id) { id status } }";
const REDEPLOY: &str = "mutation($environmentId: String!, $serviceId: String!) {
    serviceInstanceRedeploy(environmentId: $environmentId, serviceId: $serviceId) }";
const PROJECT_TOKENS: &str = "query($projectId: String!, $first: Int!, $after: String) {
    projectTokens(projectId: $projectId, first: $first, after: $after) {
        edges { node { id name createdAt displayToken environmentId } } pageInfo { hasNextPage endCursor } } }";
const API_TOKENS: &str = "query($first: Int!, $after: String) { apiTokens(first: $first, after: $after) {
    edges { node { id name displayToken } } pageInfo { hasNextPage endCursor } } }";
const CREATE_PROJECT_TOKEN: &str = "mutation($input: ProjectTokenCreateInput!) { projectTokenCreate(input: $input) }";
const CREATE_API_TOKEN: &str = "mutation($input: ApiTokenCreateInput!) { apiTokenCreate(input: $input) }";
const DELETE_PROJECT_TOKEN: &str = "mutation($id: String!) { projectTokenDelete(id: $id) }";
const DELETE_API_TOKEN: &str = "mutation($id: String!) { apiTokenDelete(id: $id) }";

/// An account at Railway; it may lack a token.
pub type Railway = KeyedAccount<RailwayClient>;

/// Railway, authenticated; cheap to clone, all clones share what was listed.
#[derive(Clone)]
pub struct RailwayClient(Arc<Inner>);

struct Inner {
    rest: Rest,
    variables: Shared<Environment>,
    tokens: Shared<Vec<Token>>,
}

impl KeyedClient for RailwayClient {
    const VENDOR: &'static Vendor = &VENDOR;

    fn over(rest: Rest) -> Self {
        let clock = rest.clock;
        Self(Arc::new(Inner {
            rest,
            variables: Shared::for_a_while(clock),
            tokens: Shared::for_a_while(clock),
        }))
    }
}

/// Where variables are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The project.
    pub project: String,
    /// The environment.
    pub environment: String,
    /// The service; `None`: shared by the services of the environment.
    pub service: Option<String>,
}

/// The deployment of a service in an environment, as one name.
pub fn consumers(environment: &str, service: &str) -> String {
    format!("Railway service {service} in environment {environment}")
}

/// An environment, and its variables as lists tell them, without values.
#[derive(Debug)]
pub struct Environment {
    /// The project that it belongs to.
    pub project: String,
    /// Its variables, those of services among them.
    pub variables: Vec<Variable>,
}

/// A variable.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// The service that it belongs to; `None` when it is shared.
    pub service_id: Option<String>,
    /// When it was last changed.
    #[serde(default, deserialize_with = "instant")]
    pub updated_at: Option<Timestamp>,
}

/// Whose tokens are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenPlace {
    /// Those of the account that this run authenticates as: of the account itself and of workspaces.
    Account,
    /// Those of one environment of a project.
    Environment {
        /// The project.
        project: String,
        /// The environment.
        environment: String,
    },
}

/// A token as lists tell it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// By which it is revoked.
    pub id: String,
    /// Its name; need not be unique.
    #[serde(default)]
    pub name: String,
    /// Its value, masked.
    #[serde(default)]
    pub display_token: String,
    /// When it was made, where the list tells.
    #[serde(default, deserialize_with = "instant")]
    pub created_at: Option<Timestamp>,
    /// The environment that it reaches, for those of projects.
    pub environment_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Connection<T> {
    edges: Vec<Edge<T>>,
    page_info: Option<PageInfo>,
}

#[derive(Deserialize)]
struct Edge<T> {
    node: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

impl<T> Connection<T> {
    fn into_page(self) -> (Vec<T>, Option<String>) {
        let next = self.page_info.filter(|page| page.has_next_page);
        let next = next.map(|page| page.end_cursor.unwrap_or_default());
        (self.edges.into_iter().map(|edge| edge.node).collect(), next)
    }
}

#[derive(Deserialize)]
struct OfEnvironment {
    environment: ListedEnvironment,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedEnvironment {
    project_id: String,
    variables: Connection<Variable>,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

#[derive(Deserialize)]
struct OfDeployments {
    deployments: Connection<Id>,
}

#[derive(Deserialize)]
struct OfDeployment {
    deployment: Deployment,
}

#[derive(Deserialize)]
struct Deployment {
    status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Tokens {
    ProjectTokens(Connection<Token>),
    ApiTokens(Connection<Token>),
}

impl RailwayClient {
    /// The clock.
    pub fn clock(&self) -> Clock {
        self.0.rest.clock
    }

    fn request(&self, operation: &str, text: &str, variables: &Value) -> Request {
        let request = self.0.rest.request("POST", &[], operation).error_message(message);
        request.json(&json!({ "query": text, "variables": variables }))
    }

    async fn query<T: DeserializeOwned>(&self, operation: &str, text: &str, variables: &Value) -> Result<T, CallError> {
        let response = self.0.rest.read(self.request(operation, text, variables)).await?;
        graphql::unwrap(&response, VENDOR.title, operation, Effect::None, refusal).map_err(|error| self.advise(error))
    }

    /// Sends a mutation; the words of its answer may hold a value.
    async fn mutation(&self, request: Request, operation: &str, permit: &WritePermit) -> Result<Value, CallError> {
        let response = self.0.rest.write(request.secret_answer(), permit).await?;
        graphql::unwrap(&response, VENDOR.title, operation, Effect::Possible, refusal)
            .map_err(|error| self.advise(error))
    }

    /// What a refusal means: Railway says "Not Authorized" to a token that is no more, and to one that may not.
    fn advise(&self, error: CallError) -> CallError {
        let origin = &self.0.rest.origin;
        match error.kind {
            CallErrorKind::Unauthenticated => self.0.rest.advise(error),
            CallErrorKind::Forbidden => error.advise(&format!(
                "The {} in {origin} is expired or revoked, or it has no access to this project. Set a valid one.",
                self.0.rest.credential
            )),
            CallErrorKind::NotFound => error.advise(&format!(
                "It does not exist, or the {} in {origin} has no access to it.",
                self.0.rest.credential
            )),
            _ => error,
        }
    }

    /// An environment with its variables, from the listing that all readers of this run share.
    ///
    /// # Errors
    /// [`CallError`] without effect.
    pub async fn environment(&self, id: &str) -> Result<Arc<Environment>, CallError> {
        self.0.variables.get(id, || self.environment_now(id)).await
    }

    /// The same as it is now.
    ///
    /// # Errors
    /// As [`Self::environment`].
    pub async fn environment_now(&self, id: &str) -> Result<Environment, CallError> {
        let operation = format!("listing variables of environment {id}");
        let operation = operation.as_str();
        let project = std::sync::Mutex::new(String::new());
        let page = |after: Option<String>| {
            let project = &project;
            async move {
                let variables = json!({ "id": id, "first": PAGE, "after": after });
                let OfEnvironment { environment } = self.query(operation, VARIABLES, &variables).await?;
                *project.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = environment.project_id;
                Ok(environment.variables.into_page())
            }
        };
        let variables = pages::all(VENDOR.title, operation, page).await?;
        let project = project.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(Environment { project, variables })
    }

    /// Sets one variable, and deploys nothing.
    ///
    /// # Errors
    /// [`CallError`]; with [`Effect::Possible`] it may be set.
    #[expect(clippy::disallowed_methods, reason = "the value goes to the wire")]
    pub async fn put(&self, place: &Place, name: &str, value: &Secret, permit: &WritePermit) -> Result<(), CallError> {
        let operation = format!("setting variable {name} of environment {}", place.environment);
        #[derive(serde::Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Input<'a> {
            project_id: &'a str,
            environment_id: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            service_id: Option<&'a str>,
            name: &'a str,
            value: &'a str,
            skip_deploys: bool,
        }
        #[derive(serde::Serialize)]
        struct Variables<'a> {
            input: Input<'a>,
        }
        #[derive(serde::Serialize)]
        struct Body<'a> {
            query: &'a str,
            variables: Variables<'a>,
        }
        let input = Input {
            project_id: &place.project,
            environment_id: &place.environment,
            service_id: place.service.as_deref(),
            name,
            value: value.expose(),
            skip_deploys: true,
        };
        let body = Body {
            query: UPSERT,
            variables: Variables { input },
        };
        // The same value once more does no harm.
        let request = self
            .0
            .rest
            .request("POST", &[], &*operation)
            .error_message(message)
            .idempotent(true);
        let answer = self.mutation(request.json(&body), &operation, permit).await;
        self.0.variables.forget(&place.environment);
        done(&answer?, "variableUpsert", &operation)
    }

    /// Deletes one variable.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn delete(&self, place: &Place, name: &str, permit: &WritePermit) -> Result<(), CallError> {
        let operation = format!("deleting variable {name} of environment {}", place.environment);
        let input = json!({
            "projectId": place.project, "environmentId": place.environment, "serviceId": place.service, "name": name,
        });
        let request = self
            .request(&operation, DELETE, &json!({ "input": input }))
            .idempotent(true);
        let answer = self.mutation(request, &operation, permit).await;
        self.0.variables.forget(&place.environment);
        done(&answer?, "variableDelete", &operation)
    }

    /// The ids of the newest deployments of a service.
    ///
    /// # Errors
    /// [`CallError`] without effect.
    pub async fn deployments(&self, environment: &str, service: &str) -> Result<BTreeSet<String>, CallError> {
        let operation = format!("listing deployments of service {service}");
        let input = json!({ "environmentId": environment, "serviceId": service });
        let variables = json!({ "input": input, "first": NEWEST });
        let listed: OfDeployments = self.query(&operation, DEPLOYMENTS, &variables).await?;
        let (listed, _) = listed.deployments.into_page();
        Ok(listed.into_iter().map(|deployment| deployment.id).collect())
    }

    /// Deploys what a service runs once more, with the variables as they are now. Railway does not tell the new deployment's id.
    ///
    /// # Errors
    /// [`CallError`]; with [`Effect::Possible`] it may have begun.
    pub async fn redeploy(&self, environment: &str, service: &str, permit: &WritePermit) -> Result<(), CallError> {
        let operation = format!("redeploying service {service}");
        let variables = json!({ "environmentId": environment, "serviceId": service });
        let request = self.request(&operation, REDEPLOY, &variables);
        let answer = self.mutation(request, &operation, permit).await?;
        done(&answer, "serviceInstanceRedeploy", &operation)
    }

    /// The status of a deployment (enum `DeploymentStatus`).
    ///
    /// # Errors
    /// [`CallError`] without effect.
    pub async fn deployment_status(&self, id: &str) -> Result<String, CallError> {
        let operation = format!("reading deployment {id}");
        let found: OfDeployment = self.query(&operation, DEPLOYMENT, &json!({ "id": id })).await?;
        Ok(found.deployment.status)
    }

    /// The tokens of a place, from the listing that all readers of this run share.
    ///
    /// # Errors
    /// [`CallError`] without effect.
    pub async fn tokens(&self, place: &TokenPlace) -> Result<Arc<Vec<Token>>, CallError> {
        self.0.tokens.get(&place.to_string(), || self.tokens_now(place)).await
    }

    /// The same as they are now.
    ///
    /// # Errors
    /// As [`Self::tokens`].
    pub async fn tokens_now(&self, place: &TokenPlace) -> Result<Vec<Token>, CallError> {
        let operation = format!("listing tokens of {}", place.in_words());
        let operation = operation.as_str();
        let page = |after: Option<String>| async move {
            let (text, variables) = match place {
                TokenPlace::Account => (API_TOKENS, json!({ "first": PAGE, "after": after })),
                TokenPlace::Environment { project, .. } => (
                    PROJECT_TOKENS,
                    json!({ "projectId": project, "first": PAGE, "after": after }),
                ),
            };
            let (Tokens::ProjectTokens(listed) | Tokens::ApiTokens(listed)) =
                self.query(operation, text, &variables).await?;
            Ok(listed.into_page())
        };
        let mut all = pages::all(VENDOR.title, operation, page).await?;
        if let TokenPlace::Environment { environment, .. } = place {
            all.retain(|token| token.environment_id.as_ref() == Some(environment));
        }
        Ok(all)
    }

    /// Makes a token; returns its value, which is not told again. Its id only the list tells.
    ///
    /// # Errors
    /// [`CallError`]; with [`Effect::Possible`] it may exist.
    pub(crate) async fn create_token(
        &self,
        place: &TokenPlace,
        workspace: Option<&str>,
        name: &str,
        permit: &WritePermit,
    ) -> Result<Secret, CallError> {
        let operation = format!("minting token {name} of {}", place.in_words());
        let (text, field, input) = match place {
            TokenPlace::Account => (
                CREATE_API_TOKEN,
                "apiTokenCreate",
                json!({ "name": name, "workspaceId": workspace }),
            ),
            TokenPlace::Environment { project, environment } => (
                CREATE_PROJECT_TOKEN,
                "projectTokenCreate",
                json!({ "name": name, "projectId": project, "environmentId": environment }),
            ),
        };
        let request = self.request(&operation, text, &json!({ "input": input }));
        let answer = self.mutation(request, &operation, permit).await;
        self.0.tokens.forget(&place.to_string());
        let value = answer?.get_mut(field).map(Value::take);
        match value {
            Some(Value::String(value)) if !value.is_empty() => Ok(Secret::new(value)),
            _ => {
                let why = "the answer has no token";
                Err(CallError::malformed(VENDOR.title, operation, Effect::Possible, why))
            }
        }
    }

    /// Revokes a token.
    ///
    /// # Errors
    /// [`CallError`]; with [`Effect::Possible`] it may be revoked.
    pub(crate) async fn delete_token(
        &self,
        place: &TokenPlace,
        id: &str,
        permit: &WritePermit,
    ) -> Result<(), CallError> {
        let operation = format!("revoking token {id:?} of {}", place.in_words());
        let (text, field) = match place {
            TokenPlace::Account => (DELETE_API_TOKEN, "apiTokenDelete"),
            TokenPlace::Environment { .. } => (DELETE_PROJECT_TOKEN, "projectTokenDelete"),
        };
        let request = self.request(&operation, text, &json!({ "id": id }));
        let answer = self.mutation(request, &operation, permit).await;
        self.0.tokens.forget(&place.to_string());
        done(&answer?, field, &operation)
    }

    /// Whether a masked value could be that of the token of this run. One that could is left alone.
    #[expect(clippy::disallowed_methods, reason = "what comes out is a Secret again")]
    pub(crate) fn may_be_own(&self, masked: &str) -> bool {
        let own = self.0.rest.authorization.expose();
        let own = Secret::new(own.strip_prefix("Bearer ").unwrap_or(own).to_owned());
        shows(masked, &own)
    }
}

/// Whether a masked value, such as `4f1a****-****-…-9c0e`, could be that one.
#[expect(clippy::disallowed_methods, reason = "it is compared with what Railway shows of it")]
pub(crate) fn shows(masked: &str, value: &Secret) -> bool {
    let value = value.expose();
    let is_shown = |c: char| c.is_ascii_alphanumeric();
    let start = masked.split(|c| !is_shown(c)).next().unwrap_or_default();
    let end = masked.rsplit(|c| !is_shown(c)).next().unwrap_or_default();
    start.len() + end.len() >= 4 && value.starts_with(start) && value.ends_with(end)
}

impl TokenPlace {
    /// For people.
    pub fn in_words(&self) -> String {
        match self {
            Self::Account => "the Railway account".to_owned(),
            Self::Environment { project, environment } => {
                format!("Railway project {project}, environment {environment}")
            }
        }
    }
}

impl std::fmt::Display for TokenPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Account => f.write_str("account"),
            Self::Environment { project, environment } => write!(f, "project/{project}/{environment}"),
        }
    }
}

/// An id, in lower case: one place has one text. The dashboard copies ids by its command palette.
pub(crate) fn checked_id(node: &Node<'_>, id: Field<String>, problems: &mut Diagnostics) -> Field<String> {
    id.and_then_checked(|id| {
        let good = is_uuid(&id);
        if !good {
            let why = "An id is a UUID. Copy it in the dashboard: press Ctrl+K and search for \"Copy Project ID\", for example.";
            node.report_not(problems, "an id of Railway", why);
        }
        good.then(|| id.to_ascii_lowercase())
    })
}

/// A mutation that answers whether it did what it was asked for.
fn done(data: &Value, field: &str, operation: &str) -> Result<(), CallError> {
    if data.get(field) == Some(&Value::Bool(true)) {
        return Ok(());
    }
    let why = "Railway did not confirm it";
    Err(CallError::malformed(VENDOR.title, operation, Effect::Possible, why))
}

/// The first error's message, or the plain one of the gateway before it.
fn message(body: &Value) -> Option<String> {
    graphql::message(body).or_else(|| rest::text(body, "message").map(str::to_owned))
}

/// Railway has one code for nearly everything, so that words decide (unverified: from reports of its users).
fn refusal(error: &GraphqlError) -> Option<CallErrorKind> {
    let said = error.message.to_ascii_lowercase();
    let says = |words: &str| said.contains(words);
    if says("not authorized") || says("unauthorized") {
        Some(CallErrorKind::Forbidden)
    } else if says("not found") {
        Some(CallErrorKind::NotFound)
    } else if says("rate limit") || says("too many requests") {
        Some(CallErrorKind::RateLimited { retry_after: None })
    } else if matches!(
        error.code(),
        "BAD_USER_INPUT" | "GRAPHQL_VALIDATION_FAILED" | "BAD_REQUEST"
    ) {
        Some(CallErrorKind::Invalid)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_value_is_told_from_others() {
        let value = Secret::new("4f1a2b3c-0000-4000-8000-aabbccdd9c0e".to_owned());
        for masked in ["4f1a********-9c0e", "4f1a2b3c-****-****-****-********9c0e", "4f1a…"] {
            assert!(shows(masked, &value), "{masked}");
        }
        for masked in ["", "****", "4f*e", "5f1a****9c0e", "4f1a****9c0f"] {
            assert!(!shows(masked, &value), "{masked}");
        }
    }

    #[test]
    fn a_written_token_counts_before_what_the_environment_says() {
        let environment = [
            ("RAILWAY_TOKEN", "of-project"),
            ("RAILWAY_API_TOKEN", "of-account"),
            ("RAILWAY_BASE_URL", "http://127.0.0.1:1"),
        ];
        let headers = |block: &[(&str, &str)], environment: &[(&str, &str)]| {
            use crate::terraform::Value as Config;
            let block = block.iter().fold(Config::object([]), |block, (name, text)| {
                block.with(name, Config::string(*text))
            });
            let provider = Config::object([("railway", block)]);
            let (connections, problems) = crate::connection::opened(&provider, environment);
            assert!(problems.is_empty());
            let client = connections.own().account::<Railway>().unwrap().client().unwrap();
            (client.0.rest.header, client.0.rest.authorization.expose().to_owned())
        };
        let (project, account) = ("project-access-token", "authorization");
        assert_eq!(
            headers(&[], &environment),
            (project, "of-project".to_owned()),
            "as Railway's own CLI"
        );
        assert_eq!(
            headers(&[], &environment[1..]),
            (account, "Bearer of-account".to_owned())
        );
        assert_eq!(
            headers(&[("token", "mine")], &environment),
            (account, "Bearer mine".to_owned())
        );
        assert_eq!(
            headers(&[("project_token", "mine")], &environment[1..]),
            (project, "mine".to_owned())
        );
    }
}
