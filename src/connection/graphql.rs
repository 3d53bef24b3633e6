//! Answers of GraphQL endpoints, whose errors arrive with HTTP 200.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use super::serde_helpers::null_is_empty;
use crate::call::{CallError, CallErrorKind, Effect};
use crate::http::{Response, WITHHELD, readable};

/// The answer's envelope (GraphQL specification, section 7.1).
#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Envelope<T> {
    data: Option<T>,
}

/// The errors of an answer: beside them, what is null in the data may be what its type has not.
#[derive(Deserialize)]
struct Errors {
    #[serde(default, deserialize_with = "null_is_empty")]
    errors: Vec<GraphqlError>,
}

/// An error inside an answer.
#[derive(Deserialize)]
pub(super) struct GraphqlError {
    #[serde(default, deserialize_with = "null_is_empty")]
    pub(super) message: String,
    #[serde(default)]
    extensions: Option<Extensions>,
}

#[derive(Deserialize)]
struct Extensions {
    #[serde(default)]
    code: Option<String>,
}

impl GraphqlError {
    /// The code of the error, or nothing.
    pub(super) fn code(&self) -> &str {
        let code = self
            .extensions
            .as_ref()
            .and_then(|extensions| extensions.code.as_deref());
        code.unwrap_or_default()
    }
}

/// The first error's message, as in the errors that come with HTTP 200.
pub(super) fn message(body: &Value) -> Option<String> {
    let first = body.get("errors")?.get(0)?;
    first.get("message")?.as_str().map(str::to_owned)
}

/// The data of an answer. `refusal` says what an error means that certainly had no effect; `None`: whether it had one is not known.
///
/// # Errors
/// The first error of the answer; `unknown` is the effect of a call whose outcome is not known.
pub(super) fn unwrap<T: DeserializeOwned>(
    response: &Response,
    service: &'static str,
    operation: &str,
    unknown: Effect,
    refusal: fn(&GraphqlError) -> Option<CallErrorKind>,
) -> Result<T, CallError> {
    let Errors { errors } = response.json()?;
    let new =
        |kind, effect, message: &str| CallError::new(kind, effect, service, operation, Some(response.status), message);
    if let Some(error) = errors.first() {
        let mutation = unknown == Effect::Possible;
        let (kind, effect) = match refusal(error) {
            None => (CallErrorKind::Unavailable, unknown),
            // Whatever the error says: something was done.
            Some(kind) if mutation && has_result(response) => (kind, unknown),
            Some(kind) => (kind, Effect::None),
        };
        let message = match effect {
            Effect::Possible => WITHHELD.to_owned(),
            Effect::None if mutation => readable(&error.message, &[operation]),
            Effect::None => error.message.clone(),
        };
        return Err(new(kind, effect, &message));
    }
    let envelope: Envelope<T> = response.json()?;
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
