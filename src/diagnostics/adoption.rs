//! What goes wrong when a secret that exists is taken over: by `adopt`, an import, or a move.

use super::{Ending, Situation, Words, list};

catalogue! {
    /// An error or a warning about what is taken over.
    Adoption {
        /// An id that the issuer does not list.
        error UnlistedCredential { place: String, id: String, known: Vec<Words>, are_more: bool } => {
            summary: format!("{place} has no credential {id}"),
            detail: {
                let known = match (known.is_empty(), are_more) {
                    (true, _) => "It has none.".to_owned(),
                    (false, true) => format!("It has {}, …", list(known)),
                    (false, false) => format!("It has {}.", list(known)),
                };
                format!(
                    "{known} Correct adopt.credential_id, or remove it. Without it, you revoke the old credential yourself after the first \
                     rotation."
                )
            },
            samples: [
                { place: "Fly app molecule-cp".into(), id: "abd".into(), known: super::names(["abc", "xyz"]), are_more: false },
                { place: "Fly app molecule-cp".into(), id: "abd".into(), known: super::names(["abc", "xyz"]), are_more: true },
                { place: "Fly app molecule-cp".into(), id: "abd".into(), known: Vec::new(), are_more: false },
            ],
        }
        /// A credential that another secret made.
        error CredentialOfAnother { id: String, label: String } => {
            summary: format!("{id} is a credential of another secret"),
            detail: format!(
                "Its name carries the mark {label}, so another resource or workspace made it and revokes it. Set adopt.credential_id to the \
                 credential that these targets hold, or remove it."
            ),
            samples: [{ id: "abc".into(), label: "OTHER-rot-0123456789ab-g3".into() }],
        }
        /// Credentials of this very secret that it does not know.
        error Rival { credentials: String } => {
            summary: "Another state manages this secret",
            detail: format!(
                "The issuer has credentials with this secret's id: {credentials}. Another state, perhaps a lost one, made them. If the targets \
                 hold the newest of them, set adopt.credential_id to its id, and revoke the others yourself. If another workspace manages this \
                 secret, give each state its own namespace."
            ),
            samples: [{ credentials: "KEY-rot-0123456789ab-g3 (abc)".into() }],
        }
        /// A target without an entry.
        error EntryMissing { entry: String } => {
            summary: format!("{entry} does not exist"),
            detail: "Only what exists can be taken over. Correct the target, put the value there first, or remove the target and add it again \
                     after the first rotation.",
            samples: [{ entry: "Fly secret FLY_API_TOKEN on app molecule-cp".into() }],
        }
        /// An entry that another secret writes.
        error EntryOfAnother { entry: String, label: String } => {
            summary: format!("{entry} is managed by another secret"),
            detail: format!(
                "It carries the mark {label}, so another resource or workspace writes it. If nothing manages it any more, set on_existing = \
                 \"replace\" as well. It is then taken over as it is, and nothing is written."
            ),
            samples: [{ entry: "SSM parameter /molecule/KEY".into(), label: "OTHER-rot-0123456789ab-g3".into() }],
        }
        /// A value that would be ignored.
        error ValueSupplied { secret: String } => {
            summary: format!("{secret}: a value is supplied for a secret that is taken over"),
            detail: "Taking over writes nothing, so the value would be ignored. Remove it (`value_wo` or `parts_wo`) until you rotate: then \
                     supply the new value and raise value_wo_version. To write this value now, remove `adopt`.",
            samples: [{ secret: "STRIPE_API_KEY".into() }],
        }
        /// Two ids for one credential.
        error TwoCredentials { secret: String, adopted: String, supplied: String } => {
            summary: format!("{secret}: adopt and source name two credentials"),
            detail: format!(
                "adopt.credential_id is {adopted:?}, and credential_id in the source is {supplied:?}. Set both to the one in use, or remove \
                 one."
            ),
            samples: [{ secret: "STRIPE_API_KEY".into(), adopted: "rk_1".into(), supplied: "rk_2".into() }],
        }
        /// Roles that take turns.
        error IdRequired { secret: String, source: String } => {
            summary: format!("{secret}: adopt.credential_id is required"),
            detail: format!(
                "Generations of {source} alternate, and the role in use must not be reset. Set adopt.credential_id to the role that the \
                 targets use now."
            ),
            samples: [{ secret: "DATABASE_URL".into(), source: "password of roles app and app_b on Neon branch br-x".into() }],
        }
        /// A time to come.
        error InTheFuture { secret: String, rotated_at: String, now: String } => {
            summary: format!("{secret}: adopt.rotated_at is in the future"),
            detail: format!("It is {rotated_at}, and the time is now {now}. Nothing was changed. Set the time of the last rotation, or remove it."),
            samples: [{ secret: "FLY_API_TOKEN".into(), rotated_at: "2062-01-01T00:00:00Z".into(), now: "2026-11-30T00:00:00Z".into() }],
        }
        /// A secret that is tainted or replaced, and has an `adopt` block.
        error Replaced { secret: String, situation: Option<Situation> } => {
            summary: format!("{secret}: a secret that is replaced cannot be adopted"),
            detail: {
                let situation = situation.as_ref().map_or_else(String::new, |situation| format!(" {situation}"));
                format!(
                    "{}{situation} To keep the secret as it is, run `terraform untaint`, or apply without -replace. To replace it, remove \
                     `adopt`.",
                    Ending::Untouched
                )
            },
            samples: [
                { secret: "FLY_API_TOKEN".into(), situation: None },
                {
                    secret: "FLY_API_TOKEN".into(),
                    situation: Some(Situation {
                        newest: Some("generation 1 (abc)".into()),
                        holding: vec!["web".into()],
                        targets: 1,
                        ..Situation::default()
                    }),
                },
            ],
        }
        /// An import of something else than a name.
        error NotAName { why: Words } => {
            summary: "This is not the name of a secret",
            detail: format!("{why} Import a secret by the `name` of its resource block. Nothing was changed."),
            samples: [{ why: "It is blank.".into() }],
        }
        /// A destroy of what was never rotated.
        warning DestroyKeeps { secret: String, entries: Vec<Words> } => {
            summary: format!("{secret}: destroying it changes nothing outside Terraform"),
            detail: format!(
                "It was taken over and has not been rotated since, so what existed before stays: {}. Its credential stays valid.",
                list(entries)
            ),
            samples: [{ secret: "FLY_API_TOKEN".into(), entries: super::names(["Fly secret FLY_API_TOKEN on app molecule-cp"]) }],
        }
        /// The credential after such a destroy.
        warning StillValid { secret: String, generation: u64, id: String, issuer: String } => {
            summary: format!("{secret}: generation {generation} ({id}) is still valid"),
            detail: format!(
                "It existed before this secret, which never rotated it, so it was not revoked. If nothing uses it, revoke it at {issuer} \
                 yourself."
            ),
            samples: [{ secret: "FLY_API_TOKEN".into(), generation: 0, id: "abc".into(), issuer: "Fly app molecule-cp".into() }],
        }
    }
}
