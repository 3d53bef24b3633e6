//! A Codespaces secret of a GitHub repository: a "development environment secret" in GitHub's words.
//!
//! A codespace gets the secrets when it is created or started. One that runs keeps the old value until it is stopped and started
//! again, and only idleness stops it (after 240 minutes at most), so that nobody can tell when its consumers have the new one. Names and
//! sizes are those of Actions secrets
//! (docs.github.com, "Managing development environment secrets for your repository or organization"). GitHub Enterprise Server has no
//! Codespaces. Secrets of users and of organizations are not written.
//!
//! Every call needs *Codespaces secrets: write*, a listing too. For a classic token, GitHub's page says both that the role Write is
//! enough and that a write needs an administrator (unverified which). <https://docs.github.com/en/rest/codespaces/repository-secrets>

use crate::connection::github::{self, Permission, SecretStore};
use crate::target::TargetKind;
use crate::target::github_secret::GitHubSecrets;

static SECRETS: GitHubSecrets = GitHubSecrets {
    kind: "github_codespaces_secret",
    store: SecretStore {
        product: "Codespaces",
        segment: "codespaces",
        permission: Permission {
            key: "codespaces_secrets",
            name: "Codespaces secrets",
        },
        read_access: "write",
        of_environments: None,
    },
    place: "for Codespaces in GitHub",
    reloads_within: None,
};

/// The kind.
pub static KIND: TargetKind = TargetKind {
    name: SECRETS.kind,
    summary: "A Codespaces secret of a GitHub repository (GitHub Enterprise Server has none). A running codespace keeps the old value until it is stopped and started again, so a credential that is revoked needs an `overlap`.",
    api_docs: Some("https://docs.github.com/en/rest/codespaces/repository-secrets"),
    attributes: || SECRETS.attributes(),
    parse: |node, default_name, problems| SECRETS.parse(node, default_name, problems),
    reach: Some(github::VENDOR.reach()),
    slot: |address, link| SECRETS.slot(address, link),
    words: |address| SECRETS.words(address),
    offers: SECRETS.offers(),
};
