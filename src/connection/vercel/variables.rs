//! Environment variables of a project. A project may have several of one name, each for environments of its own.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use super::{PAGE, Pagination, VENDOR, VercelClient};
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::connection::instant::milliseconds;
use crate::connection::serde_helpers::null_is_empty;
use crate::connection::{pages, segment};
use crate::http::{Request, of_secret_answer};
use crate::secret::Secret;

/// The environments of every project, in the order of texts.
pub const ENVIRONMENTS: [&str; 3] = ["production", "preview", "development"];

/// The environments that a variable is for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    /// Those of every project.
    pub targets: BTreeSet<String>,
    /// Ids of custom ones.
    pub custom: BTreeSet<String>,
    /// The only branch whose previews have it.
    pub branch: Option<String>,
}

impl Scope {
    /// Whether a deployment could have both: then Vercel takes only one of them.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.branch == other.branch
            && (!self.targets.is_disjoint(&other.targets) || !self.custom.is_disjoint(&other.custom))
    }

    /// Reads back what its text says: `production,preview@branch`.
    pub fn parse(text: &str) -> Option<Self> {
        let (environments, branch) = match text.split_once('@') {
            Some((environments, branch)) => (environments, Some(segment::decode(branch))),
            None => (text, None),
        };
        let all: BTreeSet<String> = environments.split(',').map(str::to_owned).collect();
        let (targets, custom) = all.into_iter().partition(|name| ENVIRONMENTS.contains(&name.as_str()));
        let scope = Self {
            targets,
            custom,
            branch,
        };
        (scope.custom.iter().all(|id| is_environment_id(id)) && scope.to_string() == text).then_some(scope)
    }

    /// For people: `production and preview`.
    pub fn in_words(&self) -> String {
        let names: Vec<&str> = self.names().collect();
        let names = names.join(", ");
        match &self.branch {
            Some(branch) => format!("{names} of branch {branch}"),
            None => names,
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let targets = ENVIRONMENTS.into_iter().filter(|name| self.targets.contains(*name));
        targets.chain(self.custom.iter().map(String::as_str))
    }
}

/// Whether the text is the id of a custom environment.
pub fn is_environment_id(text: &str) -> bool {
    let rest = text.strip_prefix("env_");
    rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.names().collect();
        f.write_str(&names.join(","))?;
        match &self.branch {
            Some(branch) => write!(f, "@{}", segment::encode(branch)),
            None => Ok(()),
        }
    }
}

/// A variable as lists tell it, without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// By which it is changed and deleted.
    pub id: String,
    /// Its name.
    pub key: String,
    /// How it is kept: `sensitive`, `encrypted`, `plain`, …
    pub kind: String,
    /// The environments that it is for.
    pub scope: Scope,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    #[serde(default)]
    id: String,
    key: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "one_or_many")]
    target: BTreeSet<String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    custom_environment_ids: BTreeSet<String>,
    git_branch: Option<String>,
    #[serde(default, deserialize_with = "milliseconds")]
    updated_at: Option<Timestamp>,
}

/// Vercel writes one environment as a word, several as a list.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Names {
        One(String),
        Many(BTreeSet<String>),
    }
    Ok(match Option::<Names>::deserialize(deserializer)? {
        None => BTreeSet::new(),
        Some(Names::One(name)) => BTreeSet::from([name]),
        Some(Names::Many(names)) => names,
    })
}

impl From<Listed> for Variable {
    fn from(listed: Listed) -> Self {
        Self {
            id: listed.id,
            key: listed.key,
            kind: listed.kind,
            scope: Scope {
                targets: listed.target,
                custom: listed.custom_environment_ids,
                branch: listed.git_branch.filter(|branch| !branch.is_empty()),
            },
            updated_at: listed.updated_at,
        }
    }
}

#[derive(Deserialize)]
struct Page {
    envs: Vec<Listed>,
    pagination: Option<Pagination>,
}

/// What is written.
pub struct NewVariable<'a> {
    /// Its name.
    pub key: &'a str,
    /// The environments.
    pub scope: &'a Scope,
    /// How it is kept.
    pub kind: &'a str,
    /// A note for people.
    pub comment: &'a str,
    /// The value.
    pub value: &'a Secret,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    value: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    comment: &'a str,
    #[serde(flatten)]
    place: Option<PlaceOf<'a>>,
}

/// What an entry keeps for its life.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlaceOf<'a> {
    key: &'a str,
    target: &'a BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    custom_environment_ids: &'a BTreeSet<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    git_branch: Option<&'a str>,
}

#[derive(Deserialize)]
struct Created {
    created: OneOrMany,
    #[serde(default)]
    failed: Vec<Failed>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<Listed>),
    One(Listed),
}

#[derive(Deserialize)]
struct Failed {
    error: FailedError,
}

#[derive(Deserialize)]
struct FailedError {
    code: String,
    message: String,
}

impl VercelClient {
    /// The variables of a project, from the listing that all readers of this run share.
    ///
    /// # Errors
    /// [`CallError`] without effect.
    pub async fn variables(&self, project: &str) -> Result<Arc<Vec<Variable>>, CallError> {
        self.0.variables.get(project, || self.variables_now(project)).await
    }

    /// The same as they are now.
    ///
    /// # Errors
    /// As [`Self::variables`].
    pub async fn variables_now(&self, project: &str) -> Result<Vec<Variable>, CallError> {
        let operation = format!("listing variables of project {project}");
        let page = |until: Option<String>| {
            let request = self.of_variables("GET", "v10", project, None, &*operation);
            let request = match until {
                Some(until) => request.query("until", until),
                None => request,
            };
            async move {
                let answer = self.rest().read(request.query("limit", PAGE)).await;
                let page: Page = answer.map_err(|error| self.advise_project(error, project))?.json()?;
                Ok((page.envs, Pagination::cursor(page.pagination.as_ref())))
            }
        };
        let all = pages::all(VENDOR.title, &operation, page).await?;
        Ok(all.into_iter().map(Variable::from).collect())
    }

    fn of_variables(
        &self,
        method: &'static str,
        version: &str,
        project: &str,
        id: Option<&str>,
        operation: impl Into<String>,
    ) -> Request {
        let segments: Vec<&str> = [version, "projects", project, "env"].into_iter().chain(id).collect();
        self.of_team(method, &segments, operation).secret_answer()
    }

    /// Makes a variable; returns when, by Vercel's clock.
    ///
    /// # Errors
    /// [`CallError`]; with [`Effect::Possible`] it may exist. An answer that names a failure is one, whatever its status.
    pub async fn create_variable(
        &self,
        project: &str,
        new: &NewVariable<'_>,
        permit: &WritePermit,
    ) -> Result<Option<Timestamp>, CallError> {
        let operation = format!("creating variable {} of project {project}", new.key);
        let request = self.of_variables("POST", "v10", project, None, &*operation);
        let place = PlaceOf {
            key: new.key,
            target: &new.scope.targets,
            custom_environment_ids: &new.scope.custom,
            git_branch: new.scope.branch.as_deref(),
        };
        let answer = self.rest().write(body(request, new, Some(place)), permit).await;
        self.0.variables.forget(project);
        let answer = answer.map_err(|error| self.advise_project(error, project))?;
        let Created { created, failed } = answer.json()?;
        if let Some(Failed { error }) = failed.into_iter().next() {
            return Err(refused(&operation, answer.status, &error));
        }
        Ok(match created {
            OneOrMany::One(created) => created.updated_at,
            OneOrMany::Many(created) => created.into_iter().next().and_then(|created| created.updated_at),
        })
    }

    /// Changes a variable's value; returns when, by Vercel's clock.
    ///
    /// # Errors
    /// [`CallError`]; with [`Effect::Possible`] it may have changed.
    pub async fn change_variable(
        &self,
        project: &str,
        id: &str,
        new: &NewVariable<'_>,
        permit: &WritePermit,
    ) -> Result<Option<Timestamp>, CallError> {
        let operation = format!("changing variable {} of project {project}", new.key);
        let request = self.of_variables("PATCH", "v9", project, Some(id), operation);
        // The same value once more does no harm.
        let answer = self
            .rest()
            .write(body(request, new, None).idempotent(true), permit)
            .await;
        self.0.variables.forget(project);
        let changed: Listed = answer.map_err(|error| self.advise_project(error, project))?.json()?;
        Ok(changed.updated_at)
    }

    /// Deletes a variable; one that the list lacks is success.
    ///
    /// # Errors
    /// As [`Self::change_variable`].
    pub async fn delete_variable(&self, project: &str, id: &str, permit: &WritePermit) -> Result<(), CallError> {
        let request = self.of_variables(
            "DELETE",
            "v9",
            project,
            Some(id),
            format!("deleting a variable of project {project}"),
        );
        let answer = self.rest().write(request, permit).await;
        self.0.variables.forget(project);
        match answer {
            Err(error) if error.kind == CallErrorKind::NotFound => {
                let left = self.variables_now(project).await?;
                match left.iter().any(|variable| variable.id == id) {
                    true => Err(error),
                    false => Ok(()),
                }
            }
            answer => answer.map(drop).map_err(|error| self.advise_project(error, project)),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the value goes to the wire")]
fn body(request: Request, new: &NewVariable<'_>, place: Option<PlaceOf<'_>>) -> Request {
    request.json(&Written {
        value: new.value.expose(),
        kind: new.kind,
        comment: new.comment,
        place,
    })
}

/// A failure inside an answer of 201. The error repeats the value: only its code and words of its message are passed on.
fn refused(operation: &str, status: u16, error: &FailedError) -> CallError {
    let kind = match error.code.as_str() {
        "ENV_CONFLICT" | "ENV_ALREADY_EXISTS" => CallErrorKind::Conflict,
        "forbidden" => CallErrorKind::Forbidden,
        _ => CallErrorKind::Invalid,
    };
    let told = format!("{} ({})", error.message, error.code);
    // Nothing was made, so that the words count as those of a refusal.
    let shown = of_secret_answer(400, &told, &[operation]);
    CallError::new(kind, Effect::None, VENDOR.title, operation, Some(status), &shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_read_back_from_its_text_and_has_one_text() {
        for text in [
            "production",
            "production,preview",
            "preview@feature%2Fx",
            "preview,development,env_1a",
            "env_1a,env_2b",
        ] {
            let scope = Scope::parse(text).unwrap();
            assert_eq!(scope.to_string(), text);
        }
        for text in [
            "",
            "preview,production",
            "staging",
            "production,production",
            "env_",
            "env_a/b",
            "production,",
        ] {
            assert_eq!(Scope::parse(text), None, "{text}");
        }
    }

    #[test]
    fn two_variables_of_one_name_must_not_meet_in_an_environment() {
        let overlap = |one: &str, other: &str| Scope::parse(one).unwrap().overlaps(&Scope::parse(other).unwrap());
        assert!(overlap("production", "production,preview") && overlap("env_1a", "preview,env_1a"));
        assert!(!overlap("production", "preview,development"));
        assert!(
            !overlap("preview", "preview@feature"),
            "a branch has its own beside the general one"
        );
    }
}
