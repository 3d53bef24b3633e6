//! Fly's GraphQL endpoint. Its errors arrive with HTTP 200 and a code of their own.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{FlyClient, SERVICE};
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::connection::graphql::{self, GraphqlError};
use crate::http::Request;

impl FlyClient {
    /// Sends a query.
    ///
    /// # Errors
    /// [`CallError`] without effect.
    pub async fn query<T: DeserializeOwned>(
        &self,
        operation: impl Into<String>,
        query: &str,
        variables: Value,
    ) -> Result<T, CallError> {
        let operation = operation.into();
        let response = self.read(self.graphql(&operation, query, variables)).await?;
        graphql::unwrap(&response, SERVICE, &operation, Effect::None, refusal).map_err(|error| self.advise_token(error))
    }

    /// Sends a mutation, once unless it certainly had no effect. Its answer is treated as a secret.
    ///
    /// # Errors
    /// [`CallError`]; an error whose code we do not know may have come after the effect.
    pub async fn mutation<T: DeserializeOwned>(
        &self,
        operation: impl Into<String>,
        mutation: &str,
        variables: Value,
        permit: &WritePermit,
    ) -> Result<T, CallError> {
        let operation = operation.into();
        let request = self.graphql(&operation, mutation, variables).secret_answer();
        let response = self.write(request, permit).await?;
        graphql::unwrap(&response, SERVICE, &operation, Effect::Possible, refusal)
            .map_err(|error| self.advise_token(error))
    }

    fn graphql(&self, operation: &str, query: &str, variables: Value) -> Request {
        Request::new("POST", format!("{}/graphql", self.0.graphql_url), SERVICE, operation)
            .secret_header("authorization", self.0.tokens.graphql.share())
            .error_message(message)
            .json(&json!({ "query": query, "variables": variables }))
    }
}

/// The first error's message, as in the errors that come with HTTP 200; or the plain one of the gateway before it.
fn message(body: &Value) -> Option<String> {
    graphql::message(body).or_else(|| super::message(body))
}

/// Unverified: Fly publishes no list of codes. These are the ones its own client looks for, and their usual synonyms. `UNAUTHORIZED` comes
/// with "You must be authenticated to view this." (github.com/superfly/flyctl, a test of its advice on a bad token), so it is what the
/// Machines API says by 401.
fn refusal(error: &GraphqlError) -> Option<CallErrorKind> {
    Some(match error.code() {
        "UNAUTHENTICATED" | "UNAUTHORIZED" => CallErrorKind::Unauthenticated,
        "FORBIDDEN" => CallErrorKind::Forbidden,
        "NOT_FOUND" => CallErrorKind::NotFound,
        "CONFLICT" => CallErrorKind::Conflict,
        "UNPROCESSABLE" | "BAD_REQUEST" | "BAD_USER_INPUT" | "GRAPHQL_VALIDATION_FAILED" | "undefinedField" => {
            CallErrorKind::Invalid
        }
        "RATE_LIMITED" | "TOO_MANY_REQUESTS" => CallErrorKind::RateLimited { retry_after: None },
        _ => return None,
    })
}
