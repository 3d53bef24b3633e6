//! The connection to GitHub: a personal access token, or a GitHub App's installation.
//!
//! GitHub can't show a secret's value, keeps times in whole seconds, and answers 404 both for what is missing and for what a
//! token may not see. It must not decide what a refusal means for a rotation: adapters add that to the error.
//! <https://docs.github.com/en/rest/overview/resources-in-the-rest-api>

mod app;
mod arguments;
mod dispatchable;
mod limits;
mod repositories;
mod rights;
mod sealed_box;
mod secrets;
mod workflows;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::account::no_blocks;
use super::{Account, Opening, Vendor, rest, segment};
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::clock::Clock;
use crate::diagnostics::{Argument, ConnectionProblem};
use crate::http::{HttpClient, KnownAnswers, Request, Response, Shared, remote_host};
use crate::secret::Secret;
use crate::terraform::{Diagnostic, Diagnostics, Field, Node, Path};

pub use repositories::RepositoryDetails;
pub use rights::Permission;
pub use sealed_box::{SealError, seal};
pub use secrets::{SecretLevel, SecretStore, StoredSecret, Written};
pub use workflows::{Dispatched, Run, Workflow};

/// The service's name in errors.
pub const SERVICE: &str = "GitHub";

/// The version whose workflow dispatch still knows `return_run_details`, and the newest that every supported Enterprise
/// Server has (<https://docs.github.com/en/rest/about-the-rest-api/api-versions>).
const API_VERSION: &str = "2022-11-28";

/// The vendor.
pub static VENDOR: Vendor = Vendor {
    block: "github",
    title: SERVICE,
    description: "[GitHub](https://docs.github.com/en/rest): secrets of repositories, and workflows. Arguments that you omit come from the \
                  environment; the block may be empty.",
    attributes: arguments::attributes,
    blocks: no_blocks,
    named: "",
    has_default: true,
    open,
};

fn open(opening: &mut Opening<'_>) -> Option<Box<dyn Account>> {
    let arguments = arguments::read(opening)?;
    opening
        .http
        .limit_writes(&arguments.base_url, limits::allowances(&arguments.base_url));
    let client = match arguments.login {
        None => Err(opening.missing(&VENDOR, "credential", &arguments::ways(opening))),
        Some((login, origin)) => Ok(GitHubClient(Arc::new(Inner {
            http: opening.http.clone(),
            clock: opening.surroundings.clock,
            base_url: arguments.base_url.clone(),
            login,
            origin,
            answers: KnownAnswers::in_folder(opening.surroundings.cache_path.clone()),
            secrets: Shared::for_a_while(opening.surroundings.clock),
            public_keys: Shared::new(),
            repositories: Shared::new(),
            environments: Shared::for_a_while(opening.surroundings.clock),
            redirected: Mutex::default(),
        }))),
    };
    Some(Box::new(GitHub {
        owner: arguments.owner,
        owner_way: opening.way("owner", arguments::OWNER),
        place: arguments::API.place(&arguments.base_url),
        remote_host: remote_host(&arguments.base_url),
        client,
    }))
}

/// An account at GitHub; it may lack credentials.
pub struct GitHub {
    owner: Option<String>,
    /// How a missing owner is set.
    owner_way: String,
    place: String,
    remote_host: Option<String>,
    client: Result<GitHubClient, Diagnostic>,
}

impl Account for GitHub {
    fn vendor() -> &'static Vendor {
        &VENDOR
    }

    fn place(&self) -> String {
        self.place.clone()
    }

    fn remote_host(&self) -> Option<String> {
        self.remote_host.clone()
    }
}

/// A repository by its owner and name. GitHub ignores letter case in both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// A user or an organization.
    pub owner: String,
    /// The name without the owner.
    pub name: String,
}

impl GitHub {
    /// The client.
    ///
    /// # Errors
    /// A diagnostic that names arguments and environment variables when there are no credentials.
    pub fn client(&self) -> Result<GitHubClient, Diagnostic> {
        self.client.clone()
    }

    /// The repository that `text` names: `owner/name`, or `name` with this connection's owner.
    ///
    /// # Errors
    /// A diagnostic when the owner is nowhere to be found.
    pub fn repository(&self, text: &str) -> Result<Repository, Diagnostic> {
        let (owner, name) = match text.split_once('/') {
            Some((owner, name)) => (Some(owner), name),
            None => (self.owner.as_deref(), text),
        };
        let owner = owner.ok_or_else(|| {
            let missing = ConnectionProblem::NoOwner {
                repository: name.to_owned(),
                way: self.owner_way.clone(),
            };
            Diagnostic::new(Path::root(), missing)
        })?;
        Ok(Repository {
            owner: owner.to_owned(),
            name: name.to_owned(),
        })
    }
}

/// Why a text can't be a repository: a sentence with the rule, or nothing. Owners have letters, digits and hyphens (managed
/// users an underscore too), names also dots.
pub fn repository_mistake(text: &str) -> Option<&'static str> {
    let (owner, name) = match text.split_once('/') {
        Some((owner, name)) => (Some(owner), name),
        None => (None, text),
    };
    let word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let owner_fits = owner.is_none_or(|owner| !owner.is_empty() && owner.chars().all(word));
    let name_fits = !name.is_empty() && name.chars().all(|c| word(c) || c == '.') && name != "." && name != "..";
    (!owner_fits || !name_fits)
        .then_some("Write \"owner/name\", or \"name\" with the connection's owner; neither a URL nor a \".git\" path.")
}

/// A known value, unless `mistake` says which rule it breaks: that is reported.
pub fn permitted(
    node: &Node<'_>,
    field: Field<String>,
    mistake: fn(&str) -> Option<&'static str>,
    problems: &mut Diagnostics,
) -> Field<String> {
    field.and_then_checked(|text| match mistake(&text) {
        None => Some(text),
        Some(rule) => {
            node.report(problems, |argument| Argument::NotAccepted {
                argument,
                by: SERVICE.into(),
                why: format!("It is {text:?}. {rule}").into(),
            });
            None
        }
    })
}

/// GitHub, authenticated; cheap to clone, all clones share what was listed.
#[derive(Clone)]
pub struct GitHubClient(Arc<Inner>);

struct Inner {
    http: HttpClient,
    clock: Clock,
    base_url: String,
    login: Login,
    /// Where the credentials were taken from, as errors say it.
    origin: String,
    /// Listings that GitHub need not send again.
    answers: KnownAnswers,
    /// Secrets by level, as listed.
    secrets: Shared<Vec<StoredSecret>>,
    /// Public keys by level.
    public_keys: Shared<secrets::PublicKey>,
    /// Repositories by owner and name.
    repositories: Shared<RepositoryDetails>,
    /// Lower-case names of environments by repository.
    environments: Shared<BTreeSet<String>>,
    /// Repositories that GitHub answered for from another address: they were renamed or transferred.
    redirected: Mutex<BTreeSet<String>>,
}

/// How this run authenticates.
enum Login {
    /// The authorization header of a token.
    Token(Secret),
    /// A GitHub App's installation.
    App(app::App),
}

impl GitHubClient {
    /// The clock.
    pub fn clock(&self) -> Clock {
        self.0.clock
    }

    /// What it calls GitHub with.
    #[cfg(test)]
    pub(crate) fn http(&self) -> &HttpClient {
        &self.0.http
    }

    /// A request that lacks only the credential; `segments` follow the base URL and are percent-encoded.
    pub fn request(&self, method: &'static str, segments: &[&str], operation: impl Into<String>) -> Request {
        let url = segment::join(&self.0.base_url, segments);
        Request::new(method, url, SERVICE, operation)
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", API_VERSION)
            .error_message(message)
            .worded_limit(secondary_limit)
    }

    /// Sends a request that changes nothing.
    ///
    /// # Errors
    /// [`CallError`], with advice about the credential where that is the cause.
    pub async fn read(&self, request: Request) -> Result<Response, CallError> {
        let answer = self.authenticated(request, |request| self.0.http.read(request)).await;
        answer.map_err(|error| self.explain(error))
    }

    /// The same for a listing of names and times. GitHub does not count it where it has not changed since it was read last
    /// (docs.github.com, "Best practices for using the REST API", conditional requests).
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn read_listing(&self, request: Request) -> Result<Response, CallError> {
        self.0.answers.ask(request, |request| self.read(request)).await
    }

    /// Sends a request that changes something.
    ///
    /// # Errors
    /// As [`Self::read`]; `effect` says whether something may have changed.
    pub async fn write(&self, request: Request, permit: &WritePermit) -> Result<Response, CallError> {
        let answer = self
            .authenticated(request, |request| self.0.http.write(request, permit))
            .await;
        answer.map_err(|error| self.explain(error))
    }

    /// Sends a request with the run's credential. An installation token that GitHub does not take any more is replaced once: a
    /// 401 had no effect.
    async fn authenticated<F>(&self, request: Request, send: impl Fn(Request) -> F) -> Result<Response, CallError>
    where
        F: Future<Output = Result<Response, CallError>>,
    {
        let once_more = request.share();
        let header = self.authorization().await?;
        let answer = send(request.secret_header("authorization", header.share())).await;
        match (&self.0.login, answer) {
            (Login::App(app), Err(error)) if is_refused_token(&error) => {
                app.forget(&header).await;
                send(once_more.secret_header("authorization", self.authorization().await?)).await
            }
            (_, answer) => answer,
        }
    }

    async fn authorization(&self) -> Result<Secret, CallError> {
        match &self.0.login {
            Login::Token(header) => Ok(header.share()),
            Login::App(app) => app.authorization(self).await,
        }
    }

    fn explain(&self, error: CallError) -> CallError {
        match (&error.kind, error.status) {
            (CallErrorKind::RateLimited { .. }, _) => {
                error.advise("The account has reached GitHub's rate limit. Apply again in a few minutes.")
            }
            (CallErrorKind::Unauthenticated, _) => {
                let at = &self.0.origin;
                let advice = match self.0.login {
                    Login::Token(_) => rest::refused("token", SERVICE, at),
                    Login::App(_) => format!(
                        "GitHub does not accept the GitHub App's credentials. Compare {at}.app_id, {at}.app_installation_id and \
                         {at}.app_private_key with the App's settings page."
                    ),
                };
                error.advise_credential(at, &advice)
            }
            (_, Some(301 | 302 | 307 | 308)) => {
                error.advise("The repository may have been renamed or moved. Use its current name.")
            }
            _ => error,
        }
    }
}

fn is_refused_token(error: &CallError) -> bool {
    error.kind == CallErrorKind::Unauthenticated && error.effect == Effect::None
}

/// A secondary limit may come without any header, told apart from a missing permission by its text alone; then it takes at least a
/// minute (docs.github.com, "Best practices for using the REST API", handle rate limit errors appropriately).
fn secondary_limit(message: &str) -> Option<Duration> {
    let is_limit = message.to_lowercase().contains("rate limit");
    is_limit.then_some(Duration::from_secs(60))
}

/// `message`, and what `errors` adds to it; values that GitHub repeats there are left out (REST API, "Troubleshooting").
fn message(body: &serde_json::Value) -> Option<String> {
    let mut text = body.get("message")?.as_str()?.to_owned();
    for error in body
        .get("errors")
        .and_then(serde_json::Value::as_array)
        .into_iter()
        .flatten()
    {
        let field = |name: &str| error.get(name).and_then(serde_json::Value::as_str);
        let detail = match (error.as_str(), field("message")) {
            (Some(detail), _) | (None, Some(detail)) => detail.to_owned(),
            (None, None) => [field("resource"), field("field"), field("code")]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(" "),
        };
        if !detail.is_empty() {
            text.push_str("; ");
            text.push_str(&detail);
        }
    }
    Some(text)
}

/// What a refusal about a repository (and perhaps an environment in it) means. `permission` is the fine-grained permission
/// that the call needs, such as `Secrets: write`.
#[must_use]
pub fn advise_repository(
    error: CallError,
    repository: &Repository,
    environment: Option<&str>,
    permission: &str,
) -> CallError {
    let Repository { owner, name } = repository;
    let place = match environment {
        Some(environment) => format!("Environment {environment:?} or repository {owner}/{name}"),
        None => format!("Repository {owner}/{name}"),
    };
    match error.kind {
        CallErrorKind::Forbidden if is_archived(&error) => {
            error.advise(&format!("Unarchive {owner}/{name} to change it."))
        }
        CallErrorKind::Forbidden => error.advise(&format!(
            "The credential lacks a permission. A fine-grained token or GitHub App needs \"{permission}\" for {owner}/{name}; \
             a classic token needs the scope \"repo\"."
        )),
        CallErrorKind::NotFound => error.advise(&format!(
            "{place} does not exist, or the credential has no access to it. It needs \"{permission}\" for {owner}/{name}."
        )),
        _ => error,
    }
}

/// Whether GitHub refuses because the repository is archived; it says so in words alone.
pub(crate) fn is_archived(error: &CallError) -> bool {
    error.status == Some(403) && error.message.to_lowercase().contains("archived")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_at_github_keeps_to_its_published_limits() {
        use crate::terraform::Value;
        for (base_url, limits) in [("https://api.github.com", 2), ("https://github.example.com/api/v3", 0)] {
            let environment = [("GITHUB_TOKEN", "ghp_env"), ("GITHUB_BASE_URL", base_url)];
            let (connections, _) = super::super::opened(&Value::object([]), &environment);
            let client = connections.own().account::<GitHub>().unwrap().client().unwrap();
            assert_eq!(client.http().write_limits(base_url).len(), limits, "{base_url}");
        }
    }

    #[test]
    fn repositories_are_written_as_github_writes_them() {
        for text in [
            "molecule-ai/molecule-monorepo",
            "molecule.docs",
            "me_corp/x",
            "a/.github",
        ] {
            assert_eq!(repository_mistake(text), None, "{text}");
        }
        for text in ["", "/x", "a/", "a/b/c", "https://github.com/a/b", "a b", "a/..", "a/."] {
            assert!(repository_mistake(text).is_some(), "{text}");
        }
    }

    #[test]
    fn the_message_carries_details_but_no_repeated_values() {
        let body = serde_json::json!({
            "message": "Validation Failed",
            "errors": [
                { "resource": "Secret", "field": "name", "code": "invalid", "value": "hunter2" },
                { "message": "is too long" },
                "plain words",
                { "index": 1 }
            ]
        });
        assert_eq!(
            message(&body).as_deref(),
            Some("Validation Failed; Secret name invalid; is too long; plain words")
        );
        assert_eq!(message(&serde_json::json!({ "other": 1 })), None);
    }
}
