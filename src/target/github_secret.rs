//! What the kinds of GitHub secrets have in common: a repository keeps those of each product apart, behind the same calls.
//!
//! GitHub can't read a value back, so a lost one is minted anew, and has no metadata but the time of the last write in whole
//! seconds: two writes within one second look like one. An archived repository takes no writes. An environment that was deleted
//! is told from one that the credential may not see by the list of the repository's environments (fine-grained: *Actions: read*); a
//! deleted repository is not told from a hidden one. A kind is a [`GitHubSecrets`] and the words of its docs.

mod locator;
mod secret;

use crate::address::Address;
use crate::connection::Link;
use crate::connection::github::{GitHub, SecretLevel, SecretStore, permitted, repository_mistake};
use crate::diagnostics::StateProblem;
use crate::rotation::RevisionKind;
use crate::secret::Secret;
use crate::target::{Activation, Offers, Slot, Target, TargetConfig, TargetTraits};
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Node, Path, Type};
use secret::GitHubSecret;

/// What tells one kind from the others.
pub(super) struct GitHubSecrets {
    /// The kind's name, in addresses.
    pub(super) kind: &'static str,
    /// Whose secrets they are.
    pub(super) store: SecretStore,
    /// What stands before `repository owner/name` where texts say where the secret is.
    pub(super) place: &'static str,
    /// How long a consumer keeps the old value at most: [`JOB`] where workflows read it. `None`, where it has no limit, makes users
    /// choose an `overlap`.
    pub(super) reloads_within: Option<jiff::SignedDuration>,
}

/// The largest value, in bytes (docs.github.com, "Secrets reference", limits for secrets). Codespaces documents the same, the others
/// nothing of their own.
const LARGEST: usize = 48 * 1024;

/// The longest name of an environment (docs.github.com, "Managing environments for deployment").
const LONGEST_ENVIRONMENT: usize = 255;

/// A job keeps the secrets that it began with, and GitHub ends it after 24 hours at the latest on its own machines
/// (<https://docs.github.com/en/actions/reference/limits>).
pub(super) const JOB: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

struct Config {
    secrets: &'static GitHubSecrets,
    repository: String,
    environment: Option<String>,
    /// Upper-case, as GitHub keeps it.
    name: String,
}

impl GitHubSecrets {
    /// What GitHub offers for them. Its list of environments proves that one is gone; of a repository nothing does.
    pub(super) const fn offers(&self) -> Offers {
        Offers {
            marks: false,
            revision: RevisionKind::Time,
            pages: true,
            proof_of_absence: self.store.of_environments.is_some(),
            identity: true,
        }
    }

    /// The arguments.
    pub(super) fn attributes(&self) -> Vec<Attribute> {
        let mut attributes = vec![Attribute::required(
            "repository",
            Type::String,
            "The repository: `owner/name`, or `name` with the connection's `owner`.",
        )];
        if self.store.of_environments.is_some() {
            attributes.push(Attribute::optional(
                "environment",
                Type::String,
                "The environment of the repository that holds the secret. Default: the repository itself.",
            ));
        }
        attributes.push(Attribute::optional(
            "name",
            Type::String,
            "The secret's name, in any letter case: letters, digits and underscores, not beginning with a digit or with \
             `GITHUB_`. Default: the `name` of the `rotation_secret`.",
        ));
        attributes
    }

    /// Reads the kind's object, as [`TargetKind::parse`](super::TargetKind::parse) does.
    pub(super) fn parse(
        &'static self,
        node: &Node<'_>,
        default_name: Option<&str>,
        problems: &mut Diagnostics,
    ) -> Option<Box<dyn TargetConfig>> {
        let repository = node.attr("repository");
        let repository = permitted(
            &repository,
            repository.required_string(problems),
            repository_mistake,
            problems,
        );
        // A kind without environments does not declare the argument, so that it is never there.
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
            secrets: self,
            repository: repository.known()?,
            environment: environment.optional()?,
            name: name.known()?.to_ascii_uppercase(),
        }))
    }

    /// The slot at an address of this kind.
    ///
    /// # Errors
    /// A diagnostic when the address is not one of this kind, or the connection has no credentials.
    pub(super) fn slot(&'static self, address: &Address, link: &Link<'_>) -> Result<Box<dyn Slot>, Diagnostic> {
        let (level, name) = self.level_and_name(&address.locator).ok_or_else(|| {
            let or_environment = match self.store.of_environments {
                Some(_) => " or owner/repository/environments/environment/NAME",
                None => "",
            };
            let mistake = StateProblem::Address {
                address: address.to_string(),
                what: format!("the address of a GitHub {} secret", self.store.product).into(),
                expected: format!("owner/repository/NAME{or_environment}").into(),
            };
            Diagnostic::new(Path::root(), mistake)
        })?;
        Ok(Box::new(GitHubSecret {
            client: link.account::<GitHub>()?.client()?,
            level,
            name,
        }))
    }
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
            store: &self.secrets.store,
            repository: link.account::<GitHub>()?.repository(&self.repository)?,
            environment: self.environment.clone(),
        })
    }
}

impl TargetConfig for Config {
    fn slot(&self, link: &Link<'_>) -> Result<Address, Diagnostic> {
        Ok(Address::new(
            self.secrets.kind,
            locator::of(&self.level(link)?, &self.name),
        ))
    }

    fn traits(&self) -> TargetTraits {
        TargetTraits {
            activation: Activation::Later,
            readable: false,
            reloads_within: self.secrets.reloads_within,
            follow_up: false,
        }
    }

    fn accepts(&self, value: &Secret) -> Result<(), String> {
        let product = self.secrets.store.product;
        if value.is_empty() {
            return Err(format!("A GitHub {product} secret can't be empty."));
        }
        if value.len() > LARGEST {
            return Err(format!(
                "A GitHub {product} secret holds at most {LARGEST} bytes (48 KB); this value has {}.",
                value.len()
            ));
        }
        Ok(())
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Target>, Diagnostic> {
        Ok(Box::new(GitHubSecret {
            client: link.account::<GitHub>()?.client()?,
            level: self.level(link)?,
            name: self.name.clone(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::github::Permission;

    pub(super) static SECRETS: GitHubSecrets = secrets(Some(PERMISSION));
    pub(super) static WITHOUT_ENVIRONMENTS: GitHubSecrets = secrets(None);

    const PERMISSION: Permission = Permission {
        key: "secrets",
        name: "Secrets",
    };

    const fn secrets(of_environments: Option<Permission>) -> GitHubSecrets {
        GitHubSecrets {
            kind: "github_agents_secret",
            store: SecretStore {
                product: "Agents",
                segment: "agents",
                permission: PERMISSION,
                read_access: "read",
                of_environments,
            },
            place: "for agents in GitHub",
            reloads_within: Some(JOB),
        }
    }

    #[test]
    fn only_a_product_with_secrets_of_environments_has_the_argument() {
        for (secrets, names) in [
            (&SECRETS, &["repository", "environment", "name"][..]),
            (&WITHOUT_ENVIRONMENTS, &["repository", "name"]),
        ] {
            let declared = secrets.attributes();
            let declared: Vec<_> = declared.iter().map(|argument| argument.name).collect();
            assert_eq!(declared, names);
        }
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
