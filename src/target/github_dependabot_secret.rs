//! A Dependabot secret of a GitHub repository.
//!
//! Dependabot signs in to private registries with these secrets, and a workflow that Dependabot starts gets them in place of Actions
//! secrets: a credential that such workflows need belongs in both. What already runs keeps the old value. There are none of
//! environments; those of an organization are not written. Sizes and names are those of Actions secrets: GitHub documents no limits
//! of their own (unverified). <https://docs.github.com/en/rest/dependabot/secrets>

use crate::connection::github::{self, Permission, SecretStore};
use crate::target::TargetKind;
use crate::target::github_secret::{GitHubSecrets, JOB};

static SECRETS: GitHubSecrets = GitHubSecrets {
    kind: "github_dependabot_secret",
    store: SecretStore {
        product: "Dependabot",
        segment: "dependabot",
        permission: Permission {
            key: "dependabot_secrets",
            name: "Dependabot secrets",
        },
        read_access: "read",
        of_environments: None,
    },
    place: "for Dependabot in GitHub",
    reloads_within: Some(JOB),
};

/// The kind.
pub static KIND: TargetKind = TargetKind {
    name: SECRETS.kind,
    summary: "A Dependabot secret of a GitHub repository, for private registries and for workflows that Dependabot starts, which get no \
              Actions secrets.",
    api_docs: Some("https://docs.github.com/en/rest/dependabot/secrets"),
    attributes: || SECRETS.attributes(),
    parse: |node, default_name, problems| SECRETS.parse(node, default_name, problems),
    reach: Some(github::VENDOR.reach()),
    slot: |address, link| SECRETS.slot(address, link),
    words: |address| SECRETS.words(address),
    offers: SECRETS.offers(),
};
