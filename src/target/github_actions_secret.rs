//! A GitHub Actions secret of a repository or of an environment in it.
//!
//! Workflows that are queued or running keep the old value: GitHub gives them repository secrets when they are queued and
//! environment secrets when the job starts. <https://docs.github.com/en/rest/actions/secrets>

use crate::connection::github::{self, Permission, SecretStore};
use crate::target::TargetKind;
use crate::target::github_secret::{GitHubSecrets, JOB};

static SECRETS: GitHubSecrets = GitHubSecrets {
    kind: "github_actions_secret",
    store: SecretStore {
        product: "Actions",
        segment: "actions",
        permission: Permission {
            key: "secrets",
            name: "Secrets",
        },
        read_access: "read",
        of_environments: Some(Permission {
            key: "environments",
            name: "Environments",
        }),
    },
    place: "in GitHub",
    reloads_within: Some(JOB),
};

/// The kind.
pub static KIND: TargetKind = TargetKind {
    name: SECRETS.kind,
    summary: "A GitHub Actions secret of a repository or an environment.",
    api_docs: Some("https://docs.github.com/en/rest/actions/secrets"),
    attributes: || SECRETS.attributes(),
    parse: |node, default_name, problems| SECRETS.parse(node, default_name, problems),
    reach: Some(github::VENDOR.reach()),
    slot: |address, link| SECRETS.slot(address, link),
    words: |address| SECRETS.words(address),
    offers: SECRETS.offers(),
};
