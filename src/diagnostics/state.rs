//! States that this version does not understand, or that name something that this run cannot reach.

use super::Words;

const WAY_OUT: &str = "The state was left untouched, and nothing was changed. A newer version of the provider wrote it, or somebody edited it. \
    Use the version that wrote it or a newer one, or restore a backup of the state.";

catalogue! {
    /// A mistake in a stored state.
    StateProblem {
        /// A format of the future.
        error Version { found: i64, known: i64 } => {
            summary: format!("The state has format version {found}, but this provider knows {known}"),
            detail: WAY_OUT,
            samples: [{ found: 7, known: 2 }],
        }
        /// Something that the schema has no room for.
        error NotInSchema { argument: String } => {
            summary: format!("The state has {argument}, which this version of the provider does not know"),
            detail: WAY_OUT,
            samples: [{ argument: "escrow_id".into() }],
        }
        /// A record that is not understood.
        error NotUnderstood { argument: String } => {
            summary: format!("This version does not understand {argument} in the state"),
            detail: WAY_OUT,
            samples: [{ argument: "credentials[\"2\"].status".into() }],
        }
        /// An argument by which something is kept.
        error Policy { argument: String, allowed: [Words; 2] } => {
            summary: format!("This version does not understand {argument} in the state"),
            detail: format!(
                "Expected {:?} or {:?}. Nothing was deleted or revoked. Apply a configuration that sets it, or use the version of the \
                 provider that wrote the state.",
                allowed[0], allowed[1]
            ),
            samples: [{ argument: "on_destroy".into(), allowed: ["revoke".into(), "abandon".into()] }],
        }
        /// A guard that says nothing.
        error GuardWithoutConsequence { argument: String } => {
            summary: format!("This version does not understand {argument} in the state"),
            detail: "It has no consequence. Nothing was deleted or revoked. Apply a configuration that sets it, or use the version of the \
                     provider that wrote the state.",
            samples: [{ argument: "guard".into() }],
        }
        /// An address whose place has another form.
        error Address { address: String, what: Words, expected: Words } => {
            summary: format!("{address} is not {what}"),
            detail: format!(
                "Expected {expected}. Another version of the provider wrote the state, or somebody edited it. Nothing was changed. Restore \
                 a backup of the state."
            ),
            samples: [{
                address: "fly_token:default:machine/a".into(),
                what: "a place where Fly tokens are issued".into(),
                expected: "app/<name> or organization/<slug>".into(),
            }],
        }
        /// An address of a kind that this version does not have.
        error UnknownAddress { address: String, is_deletion: bool } => {
            summary: format!("This version does not know the address {address}"),
            detail: if *is_deletion {
                "Its entry was not deleted. Use a newer version of the provider."
            } else {
                "Use a newer version of the provider."
            },
            samples: [
                { address: "vault_secret:default:kv/KEY".into(), is_deletion: false },
                { address: "vault_secret:default:kv/KEY".into(), is_deletion: true },
            ],
        }
        /// The run's connection leads to another account, region or host.
        error Misplaced { entry: String, what: Words, recorded: String, here: String, is_target: bool } => {
            summary: format!("{entry} is {} another {what} than this run", if *what == "host" { "on" } else { "in" }),
            detail: format!(
                "The state says {recorded}, but this run is configured for {here}. Nothing was read or changed in either. Use the {what} \
                 that the state names.{}",
                if *is_target {
                    " To move the secret instead, remove the target from `targets` with on_remove = \"keep\", apply, and add it again."
                } else {
                    " To move there instead, declare the new one as a `connection` of its own and set `connection` on the source: the next \
                     apply rotates there."
                }
            ),
            samples: [
                {
                    entry: "SSM parameter /prod/KEY in account 123456789012, us-east-1".into(),
                    what: "AWS region".into(),
                    recorded: "AWS account 123456789012, region us-east-1".into(),
                    here: "AWS region eu-west-1".into(),
                    is_target: true,
                },
                {
                    entry: "Fly app molecule-cp".into(),
                    what: "host".into(),
                    recorded: "the vendor's own host".into(),
                    here: "host 127.0.0.1:4280".into(),
                    is_target: false,
                },
            ],
        }
        /// The state names a connection that is gone.
        error ConnectionGone { name: String, what: String } => {
            summary: format!("The connection {name:?} is not declared"),
            detail: format!(
                "The state says that {what} is reached through it. Nothing was read or changed there, because the provider never uses \
                 another connection instead. Put `connection {name:?}` back into the provider block until no state names it."
            ),
            samples: [{ name: "staging".into(), what: "Fly secret FLY_API_TOKEN on app molecule-cp".into() }],
        }
        /// An issuer that this version cannot ask.
        error IssuerUnknown { address: String, why: String } => {
            summary: format!("Cannot reach the issuer {address}"),
            detail: why.as_str(),
            samples: [{ address: "vault_token:default:x".into(), why: "This version does not know the source \"vault_token\".".into() }],
        }
        /// A call before the provider block.
        error NotConfigured { is_change: bool } => {
            summary: "The provider is not configured",
            detail: if *is_change {
                "Terraform asked for a change before it configured the provider. Nothing was changed."
            } else {
                "Nothing was read."
            },
            samples: [{ is_change: true }, { is_change: false }],
        }
    }
}
