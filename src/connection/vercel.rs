//! The connection to Vercel: environment variables of projects, deployments and access tokens.
//!
//! A token reaches a person's account and the teams that it is made for; calls about a team name it. Instants are milliseconds since
//! 1970, lists have pages that end at an instant. <https://vercel.com/docs/rest-api>

mod deployments;
mod tokens;
mod variables;

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::account::no_blocks;
use super::keyed::{Keyed, KeyedAccount, KeyedClient, Tenant};
use super::rest::{Rest, text};
use super::{Endpoint, KeyApi, Vendor};
use crate::call::{CallError, CallErrorKind};
use crate::clock::Clock;
use crate::http::{Request, Shared};

pub use deployments::Deployment;
pub use tokens::NewToken;
pub use variables::{ENVIRONMENTS, NewVariable, Scope, Variable, is_environment_id};

/// The vendor.
pub static VENDOR: Vendor = Vendor {
    block: "vercel",
    title: "Vercel",
    description: "[Vercel](https://vercel.com/docs/rest-api): environment variables, deployments and tokens. Arguments that you omit come from \
                  the environment; the block may be empty.",
    attributes: || KEYED.attributes(),
    blocks: no_blocks,
    named: "",
    has_default: true,
    open: |opening| KEYED.open::<VercelClient>(opening),
};

/// Its token and address. The token's variable is that of Vercel's own Terraform provider; the others are this provider's own.
pub(super) const KEYED: Keyed = Keyed {
    argument: "token",
    variable: "VERCEL_API_TOKEN",
    credential: "token",
    api: Endpoint::whole("VERCEL_BASE_URL", "https://api.vercel.com"),
    other: None,
    tenant: Some(Tenant {
        argument: "team_id",
        variable: "VERCEL_TEAM_ID",
        description: "The id of the team that the projects belong to, such as `team_…`. Leave it out for a personal account.",
    }),
};

/// Items per page, the most that Vercel gives.
const PAGE: &str = "100";

/// An account at Vercel; it may lack a token.
pub type Vercel = KeyedAccount<VercelClient>;

/// Vercel, authenticated; cheap to clone, all clones share what was listed.
#[derive(Clone)]
pub struct VercelClient(Arc<Inner>);

struct Inner {
    tokens: KeyApi,
    variables: Shared<Vec<Variable>>,
}

impl KeyedClient for VercelClient {
    const VENDOR: &'static Vendor = &VENDOR;

    fn over(rest: Rest) -> Self {
        let clock = rest.clock;
        Self(Arc::new(Inner {
            tokens: KeyApi::over(rest),
            variables: Shared::for_a_while(clock),
        }))
    }
}

/// Where the next page of a list begins (schema `Pagination`).
#[derive(Deserialize)]
struct Pagination {
    next: Option<serde_json::Number>,
}

impl Pagination {
    fn cursor(pagination: Option<&Self>) -> Option<String> {
        pagination?.next.as_ref().map(ToString::to_string)
    }
}

impl VercelClient {
    /// The clock.
    pub fn clock(&self) -> Clock {
        self.rest().clock
    }

    fn rest(&self) -> &Rest {
        &self.0.tokens.rest
    }

    /// A call about the person's account.
    fn of_account(&self, method: &'static str, segments: &[&str], operation: impl Into<String>) -> Request {
        let request = self.rest().request(method, segments, operation);
        request.error_message(message).refusal_kind(refusal)
    }

    /// A call about the projects of the connection's team.
    fn of_team(&self, method: &'static str, segments: &[&str], operation: impl Into<String>) -> Request {
        let request = self.of_account(method, segments, operation);
        match &self.rest().tenant {
            Some(team) => request.query("teamId", team),
            None => request,
        }
    }

    /// What a refusal about a project means: Vercel does not tell a foreign one from a missing one.
    fn advise_project(&self, error: CallError, project: &str) -> CallError {
        match error.kind {
            CallErrorKind::Forbidden | CallErrorKind::NotFound => {
                let team = match &self.rest().tenant {
                    Some(team) => format!("in team {team}"),
                    None => "in the personal account (set vercel.team_id for a project of a team)".to_owned(),
                };
                error.advise(&format!(
                    "Project {project} does not exist {team}, or the token in {} has no access to it.",
                    self.rest().origin
                ))
            }
            _ => error,
        }
    }
}

/// A project, as texts call it.
pub fn project(project: &str) -> String {
    format!("Vercel project {project}")
}

/// The production deployment of a project, as one name.
pub fn production(project: &str) -> String {
    format!("production of Vercel project {project}")
}

/// Whether the text is the id of a project: `prj_…`, or `Qm…` for old ones. A name means another project after a rename.
pub fn is_project_id(text: &str) -> bool {
    let is_word = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_word && (text.starts_with("prj_") || (text.starts_with("Qm") && text.len() == 46))
}

/// `error.message`, and nothing else of the error: its `value` may be a variable's.
fn message(body: &Value) -> Option<String> {
    text(body.get("error")?, "message").map(str::to_owned)
}

/// A token that is no more is "forbidden" as a missing right is, with a mark beside it (unverified: Vercel's own CLI looks for it).
fn refusal(_status: u16, body: &Value) -> Option<CallErrorKind> {
    let is_invalid = body.get("error")?.get("invalidToken")?.as_bool()?;
    is_invalid.then_some(CallErrorKind::Unauthenticated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_told_from_a_name() {
        for id in [
            "prj_XLKmu1DyR1eY7zq8UgeRKbA7yVLA",
            "QmXGTs7mvAMMC7WW5ebrM33qKG32QK3h4vmQMjmYbcdefg",
        ] {
            assert!(is_project_id(id), "{id}");
        }
        for text in ["", "canvas", "my-project", "prj_a/b", "QmX"] {
            assert!(!is_project_id(text), "{text}");
        }
    }

    #[test]
    fn of_an_error_its_message_alone_is_passed_on() {
        let body = serde_json::json!({ "error": { "code": "ENV_CONFLICT", "message": "exists", "value": "s3cr3t" } });
        assert_eq!(message(&body).as_deref(), Some("exists"));
        assert_eq!(message(&serde_json::json!({ "message": "x" })), None);
    }
}
