//! Fly's GraphQL endpoint. Its errors arrive with HTTP 200 and a code of their own.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};

use super::{FlyClient, SERVICE};
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::connection::serde_helpers::null_is_empty;
use crate::http::{Request, Response, WITHHELD, readable};

/// The answer's envelope (GraphQL specification, section 7.1).
#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Envelope<T> {
    data: Option<T>,
    #[serde(default, deserialize_with = "null_is_empty")]
    errors: Vec<GraphqlError>,
}

#[derive(Deserialize)]
struct GraphqlError {
    #[serde(default, deserialize_with = "null_is_empty")]
    message: String,
    #[serde(default)]
    extensions: Option<Extensions>,
}

#[derive(Deserialize)]
struct Extensions {
    #[serde(default)]
    code: Option<String>,
}

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
        unwrap(&response, &operation, Effect::None).map_err(|error| self.advise_token(error))
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
        unwrap(&response, &operation, Effect::Possible).map_err(|error| self.advise_token(error))
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
    let first = body
        .get("errors")
        .and_then(|errors| errors.get(0)?.get("message")?.as_str());
    first.map(str::to_owned).or_else(|| super::message(body))
}

fn unwrap<T: DeserializeOwned>(response: &Response, operation: &str, unknown: Effect) -> Result<T, CallError> {
    let envelope: Envelope<T> = response.json()?;
    let new =
        |kind, effect, message: &str| CallError::new(kind, effect, SERVICE, operation, Some(response.status), message);
    if let Some(error) = envelope.errors.first() {
        let mutation = unknown == Effect::Possible;
        let code = error
            .extensions
            .as_ref()
            .and_then(|extensions| extensions.code.as_deref());
        let (kind, effect) = match classify(code, unknown) {
            // Whatever the code says: something was done.
            (kind, _) if mutation && has_result(response) => (kind, unknown),
            classified => classified,
        };
        let message = match effect {
            Effect::Possible => WITHHELD.to_owned(),
            Effect::None if mutation => readable(&error.message, &[operation]),
            Effect::None => error.message.clone(),
        };
        return Err(new(kind, effect, &message));
    }
    envelope.data.ok_or_else(|| {
        new(
            CallErrorKind::Malformed,
            unknown,
            "the answer has neither data nor errors",
        )
    })
}

/// Whether a field of the answer has a result beside the errors.
fn has_result(response: &Response) -> bool {
    type Results = BTreeMap<String, Option<IgnoredAny>>;
    let envelope = response.json::<Envelope<Results>>().ok();
    let data = envelope.and_then(|envelope| envelope.data);
    data.is_some_and(|fields| fields.values().any(Option::is_some))
}

/// Unverified: Fly publishes no list of codes. These are the ones its own client looks for, and their usual synonyms. `UNAUTHORIZED` comes
/// with "You must be authenticated to view this." (github.com/superfly/flyctl, a test of its advice on a bad token), so it is what the
/// Machines API says by 401.
fn classify(code: Option<&str>, unknown: Effect) -> (CallErrorKind, Effect) {
    let kind = match code.unwrap_or_default() {
        "UNAUTHENTICATED" | "UNAUTHORIZED" => CallErrorKind::Unauthenticated,
        "FORBIDDEN" => CallErrorKind::Forbidden,
        "NOT_FOUND" => CallErrorKind::NotFound,
        "CONFLICT" => CallErrorKind::Conflict,
        "UNPROCESSABLE" | "BAD_REQUEST" | "BAD_USER_INPUT" | "GRAPHQL_VALIDATION_FAILED" | "undefinedField" => {
            CallErrorKind::Invalid
        }
        "RATE_LIMITED" | "TOO_MANY_REQUESTS" => CallErrorKind::RateLimited { retry_after: None },
        _ => return (CallErrorKind::Unavailable, unknown),
    };
    (kind, Effect::None)
}
