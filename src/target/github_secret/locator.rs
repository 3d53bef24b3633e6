//! Where a secret is, as its address says it, and in words.

use super::GitHubSecrets;
use crate::address::Address;
use crate::connection::github::{Repository, SecretLevel};
use crate::connection::segment;
use crate::target::EntryWords;

/// `owner/repository/NAME` or `owner/repository/environments/<encoded environment>/NAME`. GitHub ignores letter case
/// everywhere in it, so that one place has one text: lower-case, the name upper-case.
pub(super) fn of(level: &SecretLevel, name: &str) -> String {
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

impl GitHubSecrets {
    /// What the entry at an address of this kind is called in texts.
    pub(in crate::target) fn words(&'static self, address: &Address) -> EntryWords {
        let Some((level, name)) = self.level_and_name(&address.locator) else {
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
            noun: format!("GitHub {} secret {name} in {container}", self.store.product),
            entry: name,
            place: format!("{} {container}", self.place),
        }
    }

    /// Reads back what [`of`] wrote; `None` when it is nothing of this kind.
    pub(super) fn level_and_name(&'static self, locator: &str) -> Option<(SecretLevel, String)> {
        let segments: Vec<&str> = locator.split('/').collect();
        let (owner, repository, environment, name) = match segments.as_slice() {
            [owner, repository, name] => (owner, repository, None, name),
            [owner, repository, "environments", environment, name] if self.store.of_environments.is_some() => {
                (owner, repository, Some(environment), name)
            }
            _ => return None,
        };
        if [owner, repository, name].iter().any(|segment| segment.is_empty()) {
            return None;
        }
        let level = SecretLevel {
            store: &self.store,
            repository: Repository {
                owner: (*owner).to_owned(),
                name: (*repository).to_owned(),
            },
            environment: environment.map(|environment| segment::decode(environment)),
        };
        Some((level, (*name).to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::github_secret::tests::{SECRETS, WITHOUT_ENVIRONMENTS};

    fn level(environment: Option<&str>) -> SecretLevel {
        SecretLevel {
            store: &SECRETS.store,
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
            assert_eq!(of(&level, "FLY_API_TOKEN"), text);
            assert_eq!(SECRETS.level_and_name(text), Some((level, "FLY_API_TOKEN".to_owned())));
        }
        for text in ["", "a/b", "a//C", "a/b/c/d", "a/b/environment/c/D"] {
            assert_eq!(SECRETS.level_and_name(text), None, "{text}");
        }
        let of_environment = "a/b/environments/c/D";
        assert!(SECRETS.level_and_name(of_environment).is_some());
        assert_eq!(WITHOUT_ENVIRONMENTS.level_and_name(of_environment), None);
    }

    #[test]
    fn an_address_is_told_in_words() {
        let told = SECRETS.words(&Address::new(SECRETS.kind, of(&level(None), "KEY")));
        let repository = "repository molecule-ai/molecule-monorepo";
        assert_eq!(told.noun, format!("GitHub Agents secret KEY in {repository}"));
        assert_eq!(
            (told.entry.as_str(), told.place),
            ("KEY", format!("for agents in GitHub {repository}"))
        );
        let elsewhere = Address::at("ghe.example.com", SECRETS.kind, of(&level(Some("staging/eu")), "KEY"));
        assert_eq!(
            SECRETS.words(&elsewhere).place,
            format!("for agents in GitHub {repository} at ghe.example.com, environment staging/eu")
        );
        assert_eq!(
            SECRETS.words(&Address::new(SECRETS.kind, "a/b")).entry,
            "github_agents_secret:default:a/b"
        );
    }

    #[test]
    fn one_place_has_one_locator_whatever_its_letter_case() {
        let mut shouted = level(Some("PRODUCTION"));
        shouted.repository.owner = "Molecule-AI".to_owned();
        assert_eq!(of(&shouted, "X"), of(&level(Some("production")), "X"));
    }
}
