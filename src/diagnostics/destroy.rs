//! What a destroy says.

use super::{Message, Words, list};

catalogue! {
    /// An error or a warning of a destroy.
    Destroy {
        /// An interrupt.
        error Interrupted => {
            summary: "Interrupted",
            detail: "Destroy was interrupted. Run it again to continue.",
            samples: [{}],
        }
        /// A guarded secret.
        error Guarded { secret: String, consequence: String, line: String } => {
            summary: format!("{secret} is guarded"),
            detail: format!(
                "Consequence of destroying it: {}. Nothing was deleted or revoked. To confirm it, apply this first, since a destroy reads the \
                 state:\n\n  guard {{\n    confirm = {line:?}\n  }}\n\nOr apply on_destroy = \"abandon\" to forget the secret and touch \
                 nothing.",
                consequence.trim_end_matches('.')
            ),
            samples: [{
                secret: "SECRETS_KEY".into(),
                consequence: "every tenant is unreachable until re-provisioned".into(),
                line: "destroy: every tenant is unreachable until re-provisioned".into(),
            }],
        }
        /// An entry that this run cannot reach.
        error EntryOutOfReach { why: Message } => {
            summary: why.summary.as_str(),
            detail: format!("{} Or delete the entry yourself, then apply `on_destroy = \"abandon\"` and destroy again.", why.detail),
            samples: [{ why: super::StateProblem::UnknownAddress { address: "vault_secret:default:kv/KEY".into(), is_deletion: false }.into() }],
        }
        /// An issuer that this run cannot reach.
        error IssuerOutOfReach { why: Message } => {
            summary: why.summary.as_str(),
            detail: format!("{} Or revoke the credential yourself, then apply `on_destroy = \"abandon\"` and destroy again.", why.detail),
            samples: [{ why: super::StateProblem::UnknownAddress { address: "vault_token:default:x".into(), is_deletion: false }.into() }],
        }
        /// An entry that was there before.
        warning ExistedBefore { secret: String, entry: String } => {
            summary: format!("{secret}: {entry} was left in place"),
            detail: "It existed before this secret was created, so it was not deleted. If it is not needed, delete it yourself.",
            samples: [{ secret: "FLY_API_TOKEN".into(), entry: "Fly secret FLY_API_TOKEN on app molecule-cp".into() }],
        }
        /// An entry that is not certainly ours.
        warning EntryLeft { secret: String, entry: String, why: String } => {
            summary: format!("{secret}: {entry} was left in place"),
            detail: format!("{why} If it is not needed, delete it yourself."),
            samples: [{ secret: "FLY_API_TOKEN".into(), entry: "Fly secret FLY_API_TOKEN on app molecule-cp".into(), why: "It was changed outside Terraform.".into() }],
        }
        /// Values that could not be deleted from escrow.
        error EscrowNotDeleted { entry: String, why: String } => {
            summary: format!("Cannot delete {entry} (escrow)"),
            detail: format!("{why} Everything else is deleted and revoked. Destroy again to delete the values that are parked there."),
            samples: [{
                entry: "SSM parameter /rotation/escrow/0123456789abcdef0123456789abcdef".into(),
                why: "Deleting parameter \"/rotation/escrow/0123456789abcdef0123456789abcdef\" failed at AWS SSM (403): access denied.".into(),
            }],
        }
        /// A deletion that failed.
        error CannotDelete { entry: String, why: String } => {
            summary: format!("Cannot delete {entry}"),
            detail: format!("{why} No credential was revoked. Destroy again to continue."),
            samples: [{
                entry: "Fly secret FLY_API_TOKEN on app molecule-cp".into(),
                why: "Deleting Fly secret FLY_API_TOKEN failed at Fly (403): unauthorized.".into(),
            }],
        }
        /// A revocation that failed.
        error CannotRevoke { why: Message } => {
            summary: why.summary.as_str(),
            detail: format!("{} Destroy again to continue.", why.detail),
            samples: [{ why: super::Run::StillAlive { generation: 1, id: "abc".into(), issuer: "Fly app molecule-cp".into() }.into() }],
        }
        /// A kept entry holds it.
        warning HeldByKeptEntry { secret: String, generation: u64, id: String, target: String, entry: String, issuer: String } => {
            summary: format!("{secret}: generation {generation} ({id}) is still valid"),
            detail: format!("Target {target} keeps {entry}, which holds it. When nothing uses it any more, revoke it at {issuer} yourself."),
            samples: [{
                secret: "FLY_API_TOKEN".into(),
                generation: 2,
                id: "abc".into(),
                target: "web".into(),
                entry: "Fly secret FLY_API_TOKEN on app molecule-cp".into(),
                issuer: "Fly app molecule-cp".into(),
            }],
        }
        /// Revoking is a person's work.
        warning RevokedByHand { secret: String, generation: u64, id: String, issuer: String } => {
            summary: format!("{secret}: generation {generation} ({id}) is still valid"),
            detail: format!("revoke.mode is \"manual\". Revoke it at {issuer} yourself."),
            samples: [{ secret: "FLY_API_TOKEN".into(), generation: 2, id: "abc".into(), issuer: "Fly app molecule-cp".into() }],
        }
        /// A supplied credential.
        warning Supplied { secret: String, generation: u64, id: String } => {
            summary: format!("{secret}: generation {generation} ({id}) is still valid"),
            detail: "The provider cannot revoke a supplied credential. Revoke it in the vendor's console.",
            samples: [{ secret: "FLY_API_TOKEN".into(), generation: 2, id: "rk_2026_11".into() }],
        }
        /// The credential that this run uses.
        warning OwnCredential { secret: String, generation: u64, id: String, issuer: String } => {
            summary: format!("{secret}: generation {generation} ({id}) is still valid"),
            detail: format!("This run authenticates with it. Once the provider uses another one, revoke it at {issuer} yourself."),
            samples: [{ secret: "FLY_API_TOKEN".into(), generation: 2, id: "abc".into(), issuer: "Fly app molecule-cp".into() }],
        }
        /// An issuer that does not list what is left.
        warning CannotList { secret: String, issuer: String, why: String } => {
            summary: format!("{secret}: cannot list what is left at {issuer}"),
            detail: format!(
                "{why} Everything in the state was deleted and revoked. Whether another credential has this secret's id is unknown."
            ),
            samples: [{ secret: "FLY_API_TOKEN".into(), issuer: "Fly app molecule-cp".into(), why: "Listing tokens failed at Fly (503): unavailable.".into() }],
        }
        /// A credential of this id that the state does not know.
        warning Unrecorded { secret: String, id: String, label: String, issuer: String } => {
            summary: format!("{secret}: {id} ({label}) is still valid"),
            detail: format!(
                "It has this secret's id at {issuer}, but is not in its state: an interrupted apply or another state made it. If nothing \
                 uses it, revoke it yourself."
            ),
            samples: [{ secret: "FLY_API_TOKEN".into(), id: "abc".into(), label: "FLY_API_TOKEN-rot-0123456789ab-g3".into(), issuer: "Fly app molecule-cp".into() }],
        }
        /// Another resource of this run has taken over.
        warning PassedOn { secret: String, id: String, entries: Vec<Words> } => {
            summary: format!("{secret} is now managed by another resource"),
            detail: format!(
                "Another resource in this run is the same secret (id {id}) and was created or changed before this one was destroyed. Its \
                 entries ({}) and its credentials were not touched. To rename a resource without any change, use a `moved` block.",
                list(entries)
            ),
            samples: [{
                secret: "FLY_API_TOKEN".into(),
                id: "0123456789abcdef0123456789abcdef".into(),
                entries: super::names(["Fly secret FLY_API_TOKEN on app molecule-cp"]),
            }],
        }
        /// Another workspace, or a later process, has taken over.
        warning ManagedElsewhere { secret: String, entry: String, id: String, left: Vec<Words> } => {
            summary: format!("{secret} was skipped: now managed by another resource or workspace"),
            detail: format!(
                "{entry} was written since by something with this secret's own mark (id {id}), so another resource or workspace manages it. \
                 Nothing was deleted or revoked: {}. If nothing else manages this secret, delete and revoke these yourself.",
                list(left)
            ),
            samples: [{
                secret: "FLY_API_TOKEN".into(),
                entry: "SSM parameter /molecule/KEY".into(),
                id: "0123456789abcdef0123456789abcdef".into(),
                left: super::names(["SSM parameter /molecule/KEY", "generation 2 (abc) at Fly app molecule-cp"]),
            }],
        }
    }
}
