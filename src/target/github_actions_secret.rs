//! A GitHub Actions secret of a repository or of an environment in it.
//!
//! GitHub can't read the value back, so a lost one is minted anew, and has no metadata but the time of the last write in whole
//! seconds: two writes within one second look like one. An archived repository takes no writes. An environment that was deleted
//! is told from one that the credential may not see by the list of the repository's environments (fine-grained: *Actions: read*); a
//! deleted repository is not told from a hidden one. Workflows that are queued or running keep the old value: GitHub
//! gives them repository secrets when they are queued and environment secrets when the job starts.
//! <https://docs.github.com/en/rest/actions/secrets>

use async_trait::async_trait;

use crate::address::Address;
use crate::call::{CallError, CallErrorKind, WritePermit};
use crate::connection::github::{
    self, ActionsSecret, GitHub, GitHubClient, Repository, SecretLevel, permitted, repository_mistake,
};
use crate::connection::{Link, segment};
use crate::diagnostics::StateProblem;
use crate::rotation::{Container, Entry, RevisionKind};
use crate::secret::Secret;
use crate::stop::Stop;
use crate::target::{
    Activated, Activation, Delivery, EntryWords, Escrowed, Offers, Receipt, Slot, Target, TargetConfig, TargetKind,
    TargetTraits,
};
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Node, Path, Type};

/// The kind.
pub static KIND: TargetKind = TargetKind {
    name: NAME,
    summary: "A GitHub Actions secret of a repository or an environment.",
    api_docs: Some("https://docs.github.com/en/rest/actions/secrets"),
    attributes,
    parse,
    reach: Some(github::VENDOR.reach()),
    slot,
    words,
    offers: Offers {
        marks: false,
        revision: RevisionKind::Time,
        pages: true,
        proof_of_absence: true,
        identity: true,
    },
};

const NAME: &str = "github_actions_secret";

/// The largest value, in bytes (docs.github.com, "Secrets reference", limits for secrets).
const LARGEST: usize = 48 * 1024;

/// The longest name of an environment (docs.github.com, "Managing environments for deployment").
const LONGEST_ENVIRONMENT: usize = 255;

/// A job keeps the secrets that it began with, and GitHub ends it after 24 hours at the latest on its own machines
/// (<https://docs.github.com/en/actions/reference/limits>).
const JOB: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::required(
            "repository",
            Type::String,
            "The repository: `owner/name`, or `name` with the connection's `owner`.",
        ),
        Attribute::optional(
            "environment",
            Type::String,
            "The environment that holds the secret. Default: none, the repository holds it.",
        ),
        Attribute::optional(
            "name",
            Type::String,
            "The secret's name, in any letter case: letters, digits and underscores, not beginning with a digit or with \
             `GITHUB_`. Default: the `name` of the `rotation_secret`.",
        ),
    ]
}

struct Config {
    repository: String,
    environment: Option<String>,
    /// Upper-case, as GitHub keeps it.
    name: String,
}

fn parse(node: &Node<'_>, default_name: Option<&str>, problems: &mut Diagnostics) -> Option<Box<dyn TargetConfig>> {
    let repository = node.attr("repository");
    let repository = permitted(
        &repository,
        repository.required_string(problems),
        repository_mistake,
        problems,
    );
    let environment = node.attr("environment");
    let environment = permitted(
        &environment,
        environment.string(problems),
        environment_mistake,
        problems,
    );
    let name = node.attr("name");
    let name = permitted(&name, name.string_or(default_name, problems), name_mistake, problems);
    Some(Box::new(Config {
        repository: repository.known()?,
        environment: environment.optional()?,
        name: name.known()?.to_ascii_uppercase(),
    }))
}

/// docs.github.com, "Secrets reference", naming your secrets.
fn name_mistake(name: &str) -> Option<&'static str> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !name.chars().all(word) || name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() {
        return Some(
            "The name of a secret has letters, digits and underscores, and does not begin with a digit: set name.",
        );
    }
    let reserved = name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("GITHUB_"));
    reserved.then_some("GitHub reserves names that begin with GITHUB_ for itself: set another name.")
}

fn environment_mistake(environment: &str) -> Option<&'static str> {
    let fits = environment.chars().count() <= LONGEST_ENVIRONMENT
        && !environment.chars().any(char::is_control)
        && environment != "."
        && environment != "..";
    (!fits).then_some("The name of an environment has at most 255 characters, and no control characters.")
}

impl Config {
    fn level(&self, link: &Link<'_>) -> Result<SecretLevel, Diagnostic> {
        Ok(SecretLevel {
            repository: link.account::<GitHub>()?.repository(&self.repository)?,
            environment: self.environment.clone(),
        })
    }
}

impl TargetConfig for Config {
    fn slot(&self, link: &Link<'_>) -> Result<Address, Diagnostic> {
        Ok(Address::new(NAME, locator(&self.level(link)?, &self.name)))
    }

    fn traits(&self) -> TargetTraits {
        TargetTraits {
            activation: Activation::Later,
            readable: false,
            reloads_within: Some(JOB),
            follow_up: false,
        }
    }

    fn accepts(&self, value: &Secret) -> Result<(), String> {
        if value.is_empty() {
            return Err("A GitHub Actions secret can't be empty.".to_owned());
        }
        if value.len() > LARGEST {
            return Err(format!(
                "A GitHub Actions secret holds at most {LARGEST} bytes (48 KB); this value has {}.",
                value.len()
            ));
        }
        Ok(())
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Target>, Diagnostic> {
        Ok(Box::new(GitHubActionsSecret {
            client: link.account::<GitHub>()?.client()?,
            level: self.level(link)?,
            name: self.name.clone(),
        }))
    }
}

/// `owner/repository/NAME` or `owner/repository/environments/<encoded environment>/NAME`. GitHub ignores letter case
/// everywhere in it, so that one place has one text: lower-case, the name upper-case.
fn locator(level: &SecretLevel, name: &str) -> String {
    let Repository {
        owner,
        name: repository,
    } = &level.repository;
    let container = format!("{owner}/{repository}").to_lowercase();
    match &level.environment {
        Some(environment) => {
            let environment = segment::encode(&environment.to_lowercase());
            format!("{container}/environments/{environment}/{name}")
        }
        None => format!("{container}/{name}"),
    }
}

/// Reads back what [`locator`] wrote.
fn place(locator: &str) -> Option<(SecretLevel, String)> {
    let segments: Vec<&str> = locator.split('/').collect();
    let (owner, repository, environment, name) = match segments.as_slice() {
        [owner, repository, name] => (owner, repository, None, name),
        [owner, repository, "environments", environment, name] => (owner, repository, Some(environment), name),
        _ => return None,
    };
    if [owner, repository, name].iter().any(|segment| segment.is_empty()) {
        return None;
    }
    let level = SecretLevel {
        repository: Repository {
            owner: (*owner).to_owned(),
            name: (*repository).to_owned(),
        },
        environment: environment.map(|environment| segment::decode(environment)),
    };
    Some((level, (*name).to_owned()))
}

fn slot(address: &Address, link: &Link<'_>) -> Result<Box<dyn Slot>, Diagnostic> {
    let (level, name) = place(&address.locator).ok_or_else(|| {
        let mistake = StateProblem::Address {
            address: address.to_string(),
            what: "the address of a GitHub Actions secret".into(),
            expected: "owner/repository/NAME or owner/repository/environments/environment/NAME".into(),
        };
        Diagnostic::new(Path::root(), mistake)
    })?;
    Ok(Box::new(GitHubActionsSecret {
        client: link.account::<GitHub>()?.client()?,
        level,
        name,
    }))
}

fn words(address: &Address) -> EntryWords {
    let Some((level, name)) = place(&address.locator) else {
        return EntryWords::of_text(address);
    };
    let Repository {
        owner,
        name: repository,
    } = &level.repository;
    let environment = level.environment.as_deref();
    let environment = environment
        .map(|name| format!(", environment {name}"))
        .unwrap_or_default();
    let container = format!("repository {owner}/{repository}{}{environment}", address.at_host());
    EntryWords {
        noun: format!("GitHub Actions secret {name} in {container}"),
        entry: name,
        place: format!("in GitHub {container}"),
    }
}

struct GitHubActionsSecret {
    client: GitHubClient,
    level: SecretLevel,
    name: String,
}

fn entry(secret: &ActionsSecret) -> Entry {
    Entry {
        revision: Some(secret.updated_at.to_string()),
        kind: RevisionKind::Time,
        label: None,
        modified_at: Some(secret.updated_at),
        live: None,
        detail: None,
    }
}

#[async_trait]
impl Slot for GitHubActionsSecret {
    async fn inspect(&self) -> Result<Option<Entry>, CallError> {
        let listed = self.client.secrets(&self.level).await?;
        Ok(listed.iter().find(|secret| secret.name == self.name).map(entry))
    }

    async fn inspect_directly(&self) -> Result<Option<Entry>, CallError> {
        let secret = self.client.secret(&self.level, &self.name).await?;
        Ok(secret.as_ref().map(entry))
    }

    /// An environment that the list of a readable repository lacks is gone. A repository never is: one that was transferred to where
    /// this credential does not reach is "not found" too, and still has its secrets.
    async fn container(&self) -> Result<Container, CallError> {
        let repository = &self.level.repository;
        let exists = async {
            self.client.repository(repository).await?;
            let Some(environment) = &self.level.environment else {
                return Ok::<_, CallError>(true);
            };
            let all = self.client.environments(repository).await?;
            Ok(all.contains(&environment.to_lowercase()))
        };
        match exists.await {
            Ok(true) => Ok(Container::Exists),
            Ok(false) => Ok(Container::Gone),
            Err(error) if matches!(error.kind, CallErrorKind::Forbidden | CallErrorKind::NotFound) => {
                Ok(Container::CannotTell)
            }
            Err(error) => Err(error),
        }
    }

    async fn container_id(&self) -> Result<Option<String>, CallError> {
        match self.client.repository(&self.level.repository).await {
            Ok(details) => Ok(details.id.map(|id| id.to_string())),
            Err(error) if matches!(error.kind, CallErrorKind::Forbidden | CallErrorKind::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn remove(&self, permit: &WritePermit) -> Result<(), CallError> {
        self.client.delete_secret(&self.level, &self.name, permit).await
    }
}

#[async_trait]
impl Target for GitHubActionsSecret {
    fn slot(&self) -> &dyn Slot {
        self
    }

    fn into_slot(self: Box<Self>) -> Box<dyn Slot> {
        self
    }

    async fn deliver(&self, deliveries: &[Delivery<'_>], permit: &WritePermit) -> Result<Vec<Receipt>, CallError> {
        let mut receipts = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            let written = self
                .client
                .put_secret(&self.level, &self.name, delivery.value, permit)
                .await?;
            receipts.push(Receipt {
                revision: written.updated_at.map(|at| at.to_string()),
                written_at: written.updated_at.or(written.answered_at),
            });
        }
        Ok(receipts)
    }

    async fn check_writable(&self) -> Result<(), CallError> {
        self.client.check_writable(&self.level).await
    }

    /// Nothing to do: workflows that start from now on get the new value.
    async fn activate(&self, _: Option<&str>, _: &Stop, _: &WritePermit) -> Result<Activated, CallError> {
        Ok(Activated::Live)
    }

    async fn read(&self) -> Result<Option<Escrowed>, CallError> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(environment: Option<&str>) -> SecretLevel {
        SecretLevel {
            repository: Repository {
                owner: "molecule-ai".to_owned(),
                name: "molecule-monorepo".to_owned(),
            },
            environment: environment.map(str::to_owned),
        }
    }

    #[test]
    fn a_locator_leads_back_to_its_place() {
        for (environment, text) in [
            (None, "molecule-ai/molecule-monorepo/FLY_API_TOKEN"),
            (
                Some("staging/eu ü"),
                "molecule-ai/molecule-monorepo/environments/staging%2Feu%20%C3%BC/FLY_API_TOKEN",
            ),
        ] {
            let level = level(environment);
            assert_eq!(locator(&level, "FLY_API_TOKEN"), text);
            assert_eq!(place(text), Some((level, "FLY_API_TOKEN".to_owned())));
        }
        for text in ["", "a/b", "a//C", "a/b/c/d", "a/b/environment/c/D"] {
            assert_eq!(place(text), None, "{text}");
        }
    }

    #[test]
    fn an_address_is_told_in_words() {
        let told = words(&Address::new(NAME, locator(&level(None), "KEY")));
        let repository = "repository molecule-ai/molecule-monorepo";
        assert_eq!(told.noun, format!("GitHub Actions secret KEY in {repository}"));
        assert_eq!(
            (told.entry.as_str(), told.place),
            ("KEY", format!("in GitHub {repository}"))
        );
        let elsewhere = Address::at("ghe.example.com", NAME, locator(&level(Some("staging/eu")), "KEY"));
        assert_eq!(
            words(&elsewhere).place,
            format!("in GitHub {repository} at ghe.example.com, environment staging/eu")
        );
        assert_eq!(
            words(&Address::new(NAME, "a/b")).entry,
            "github_actions_secret:default:a/b"
        );
    }

    #[test]
    fn one_place_has_one_locator_whatever_its_letter_case() {
        let mut shouted = level(Some("PRODUCTION"));
        shouted.repository.owner = "Molecule-AI".to_owned();
        assert_eq!(locator(&shouted, "X"), locator(&level(Some("production")), "X"));
    }

    #[test]
    fn names_that_github_refuses_are_refused_before_it_is_asked() {
        for name in ["FLY_API_TOKEN", "_x", "github", "a1"] {
            assert_eq!(name_mistake(name), None, "{name}");
        }
        for name in ["", "1A", "A-B", "É", "GITHUB_TOKEN", "github_x"] {
            assert!(name_mistake(name).is_some(), "{name}");
        }
    }
}
