//! What a plan refuses or warns of.

use super::{Words, all_of, list};

/// What else an incident ends, where the issuer has sessions.
const SESSIONS_END: &str =
    "Sessions that older credentials opened are ended: their connections drop, and open transactions are rolled back.";

/// What no change of `incident.revoke` changes.
const BEGUN: &str = "Another `revoke` has no effect on it.";

/// When an incident with `revoke = "now"` revokes older credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exposed {
    /// As soon as the coming generation exists.
    Next,
    /// By minting the coming one, since it takes the place of the old one.
    Replaced,
    /// The generation exists, and they could not be revoked yet.
    Still,
    /// They are revoked.
    Revoked,
}

catalogue! {
    /// An error or a warning of a plan.
    Plan {
        /// Notices that hold, as one warning for each secret.
        warning Notices { secret: String, codes: Vec<Words>, lines: Vec<String> } => {
            summary: format!("{secret}: {}", list(codes)),
            detail: lines.join("\n"),
            samples: [{
                secret: "FLY_API_TOKEN".into(),
                codes: super::names(["awaiting_value", "drifted"]),
                lines: vec![
                    "source: A new value is needed (every 90d). Set it in `value_wo` and raise `value_wo_version`.".into(),
                    "web: the entry was changed outside Terraform.".into(),
                ],
            }],
        }
        /// A create that resets a password which is in use.
        warning CreateInvalidates { secret: String, what: String, sessions_go_on: bool } => {
            summary: format!("{secret}: creating this secret invalidates {what}"),
            detail: match sessions_go_on {
                false => "It is reset when the secret is created. Open connections drop, and every consumer that is not a target here fails \
                          from then on.",
                true => "It is reset when the secret is created. Open sessions go on, and every consumer that is not a target here fails when \
                         it connects again.",
            },
            samples: [
                {
                    secret: "DATABASE_URL".into(),
                    what: "the password of role app on Neon branch br-x of project quiet-river-1".into(),
                    sessions_go_on: false,
                },
                { secret: "DATABASE_URL".into(), what: "the present password of the role \"app\"".into(), sessions_go_on: true },
            ],
        }
        /// A value that an interrupted apply would lose.
        warning NotResumable { secret: String } => {
            summary: format!("{secret}: not_resumable"),
            detail: "If this apply is interrupted after minting, the value cannot be recovered, because it is not in escrow and no target of \
                     the first wave can be read back. Declare escrow in the provider block, or put a readable target (such as \
                     ssm_parameter) into wave 1.",
            samples: [{ secret: "FLY_API_TOKEN".into() }],
        }
        /// A rotation that nobody asked for.
        warning ValueLost { secret: String, why: String, generation: u64 } => {
            summary: format!("{secret} will be rotated: its value cannot be recovered"),
            detail: format!("{why}. Generation {generation} is minted to replace it."),
            samples: [{ secret: "FLY_API_TOKEN".into(), why: "No target holds generation 1 any more".into(), generation: 2 }],
        }
        /// An incident that revokes before it delivers.
        warning IncidentBreaks {
            secret: String,
            generation: u64,
            broken: Vec<(String, Option<String>)>,
            revokes: Exposed,
            ends_sessions: bool,
        } => {
            summary: format!("{secret}: consumers fail until they have the new value"),
            detail: {
                let targets = broken.iter().map(|(target, impact)| match impact.as_deref().map(str::trim) {
                    Some(impact) if !impact.is_empty() => format!("\n  - {target}: {impact}"),
                    _ => format!("\n  - {target}"),
                });
                let targets = targets.collect::<String>();
                let until = "consumers that load the value from these targets fail";
                let sessions = if *ends_sessions { format!("\n{SESSIONS_END}") } else { String::new() };
                match revokes {
                    Exposed::Next => format!(
                        "incident.revoke is \"now\", so older credentials are revoked as soon as generation {generation} exists. Until it is \
                         delivered, {until}:{targets}{sessions}\nTo revoke them after the delivery instead, set revoke = \"delivered\"."
                    ),
                    Exposed::Replaced => format!(
                        "The old credential stops working when generation {generation} is minted. Until it is delivered, {until}:{targets}{sessions}"
                    ),
                    Exposed::Still => format!(
                        "incident.revoke was \"now\" when this rotation began, so older credentials are revoked first. Until consumers use \
                         generation {generation}, those that load the value from these targets fail:{targets}{sessions}\n{BEGUN}"
                    ),
                    Exposed::Revoked => format!(
                        "incident.revoke was \"now\" when this rotation began, and older credentials are revoked. Until they use generation \
                         {generation}, {until}:{targets}\n{BEGUN}"
                    ),
                }
            },
            samples: [
                {
                    secret: "FLY_API_TOKEN".into(),
                    generation: 2,
                    broken: vec![
                        ("control_plane".into(), None),
                        ("image_publish".into(), Some("images stop publishing, without an alert.".into())),
                        ("runtime".into(), None),
                    ],
                    revokes: Exposed::Next,
                    ends_sessions: false,
                },
                {
                    secret: "FLY_API_TOKEN".into(),
                    generation: 2,
                    broken: vec![("control_plane".into(), None)],
                    revokes: Exposed::Still,
                    ends_sessions: false,
                },
                {
                    secret: "FLY_API_TOKEN".into(),
                    generation: 2,
                    broken: vec![("control_plane".into(), Some("tenant provisioning fails".into()))],
                    revokes: Exposed::Revoked,
                    ends_sessions: false,
                },
                {
                    secret: "DATABASE_URL".into(),
                    generation: 2,
                    broken: vec![("web".into(), Some("every page fails".into()))],
                    revokes: Exposed::Next,
                    ends_sessions: true,
                },
                {
                    secret: "DATABASE_URL".into(),
                    generation: 2,
                    broken: vec![("web".into(), Some("every page fails".into()))],
                    revokes: Exposed::Replaced,
                    ends_sessions: true,
                },
            ],
        }
        /// An issuer without overlap.
        warning Downtime { secret: String, sessions_go_on: bool } => {
            summary: format!("{secret}: this rotation causes downtime"),
            detail: match sessions_go_on {
                false => "Only one credential can be live at this issuer. The old one stops working when the new one is minted, open \
                          connections drop, and consumers fail until every target is live.",
                true => "Only one credential can be live at this issuer. The old one stops working when the new one is minted, and consumers \
                         that connect fail until every target is live. Open sessions go on.",
            },
            samples: [
                { secret: "DATABASE_URL".into(), sessions_go_on: false },
                { secret: "DATABASE_URL".into(), sessions_go_on: true },
            ],
        }
        /// Entries of targets that left the configuration.
        warning Deletes { secret: String, entries: Vec<Words> } => {
            summary: format!("{secret}: this apply deletes {}", all_of(entries)),
            detail: "It is no longer in `targets`. To keep the entry, put the target back with on_remove = \"keep\", apply, and then remove \
                     the target.",
            samples: [{ secret: "FLY_API_TOKEN".into(), entries: super::names(["Fly secret FLY_API_TOKEN on app molecule-cp"]) }],
        }
        /// A credential that makes way for the next one.
        warning RevokedEarly { secret: String, credential: String, until: String } => {
            summary: format!("{secret}: {credential} is revoked before its overlap ends"),
            detail: format!(
                "The issuer allows no further credential, so this one is revoked before the new one is minted. Its overlap lasts until \
                 {until}. No target holds it, but consumers that still use it fail."
            ),
            samples: [{ secret: "NEON_API_KEY".into(), credential: "generation 1 (1234)".into(), until: "2026-12-01T00:00:00Z".into() }],
        }
        /// A rotation that was asked for, and for which the issuer has no room.
        error NoRoom { secret: String, generation: u64, why: String, older: String, is_by_hand: bool, is_unfinished: bool } => {
            summary: format!("{secret}: generation {generation} cannot be minted yet"),
            detail: format!(
                "{}.{}",
                super::capitalized(why),
                if *is_by_hand {
                    String::new()
                } else {
                    let after_that = match is_unfinished {
                        true => "Take back what asks for the rotation and apply, so that the unfinished one is finished. Ask again after that.",
                        false => "Apply again after that.",
                    };
                    format!(
                        " {after_that} To rotate now, set overlap = \"0s\": then {older} is revoked before generation \
                         {generation} is minted, although consumers may still use it."
                    )
                }
            ),
            samples: [
                {
                    secret: "DATABASE_URL".into(),
                    generation: 3,
                    why: "its issuer lets only 2 credentials live, and generation 1 (app) is valid until 2026-12-01T00:00:00Z".into(),
                    older: "generation 1 (app)".into(),
                    is_by_hand: false,
                    is_unfinished: false,
                },
                {
                    secret: "DATABASE_URL".into(),
                    generation: 3,
                    why: "its issuer lets only 2 credentials live, and generation 1 (app) stays valid until generation 2 is in place everywhere"
                        .into(),
                    older: "generation 1 (app)".into(),
                    is_by_hand: false,
                    is_unfinished: true,
                },
                {
                    secret: "DATABASE_URL".into(),
                    generation: 3,
                    why: "its issuer lets only 2 credentials live, and generation 1 (app) is one of them. Revoke it there, then set \
                          `revoke { confirmed = 1 }`"
                        .into(),
                    older: "generation 1 (app)".into(),
                    is_unfinished: false,
                    is_by_hand: true,
                },
            ],
        }
        /// Credentials that end with this apply.
        warning RevokedAtOnce { secret: String, credentials: Vec<Words>, generation: u64 } => {
            summary: format!("{secret}: this apply revokes {}", all_of(credentials)),
            detail: format!(
                "overlap is 0s, so older credentials are revoked as soon as every target holds generation {generation} and every check has \
                 passed. Set `overlap` to give slower consumers time."
            ),
            samples: [
                { secret: "FLY_API_TOKEN".into(), credentials: super::names(["generation 1 (abc)"]), generation: 2 },
                {
                    secret: "FLY_API_TOKEN".into(),
                    credentials: super::names(["generation 1 (abc)", "generation 2 (def)", "generation 3 (ghi)"]),
                    generation: 4,
                },
            ],
        }
        /// Sessions of credentials that end with the mint.
        warning EndsSessions { secret: String, credentials: Vec<Words> } => {
            summary: format!("{secret}: this apply ends the sessions of {}", all_of(credentials)),
            detail: SESSIONS_END,
            samples: [{ secret: "DATABASE_URL".into(), credentials: super::names(["generation 1 (app/abc)"]) }],
        }
        /// Credentials that an incident ends.
        warning RevokedByIncident {
            secret: String,
            credentials: Vec<Words>,
            generation: u64,
            before_checks: bool,
            ends_sessions: bool,
        } => {
            summary: format!("{secret}: this apply revokes {}", all_of(credentials)),
            detail: format!(
                "An incident does not wait for an overlap or a window: older credentials are revoked as soon as every target holds \
                 generation {generation}{}.{}",
                if *before_checks { ", before the checks" } else { " and every check has passed" },
                if *ends_sessions { format!(" {SESSIONS_END}") } else { String::new() }
            ),
            samples: [
                {
                    secret: "FLY_API_TOKEN".into(),
                    credentials: super::names(["generation 1 (abc)"]),
                    generation: 2,
                    before_checks: false,
                    ends_sessions: false,
                },
                {
                    secret: "FLY_API_TOKEN".into(),
                    credentials: super::names(["generation 1 (abc)"]),
                    generation: 2,
                    before_checks: true,
                    ends_sessions: false,
                },
                {
                    secret: "DATABASE_URL".into(),
                    credentials: super::names(["generation 1 (app/abc)"]),
                    generation: 2,
                    before_checks: false,
                    ends_sessions: true,
                },
            ],
        }
        /// A changed overlap.
        warning ShorterOverlap { secret: String, credentials: Vec<Words>, before: Words, now: Words } => {
            summary: format!("{secret}: a shorter overlap revokes {} earlier", all_of(credentials)),
            detail: format!("Old credentials stayed valid for {before}; now it is {now}."),
            samples: [{ secret: "FLY_API_TOKEN".into(), credentials: super::names(["generation 1 (abc)"]), before: "24h".into(), now: "1h".into() }],
        }
        /// A destroy that forgets.
        warning DestroyAbandons { secret: String } => {
            summary: format!("{secret}: destroying it changes nothing outside Terraform"),
            detail: "on_destroy is \"abandon\": its entries stay, and its credentials stay valid.",
            samples: [{ secret: "FLY_API_TOKEN".into() }],
        }
        /// A destroy.
        warning DestroyBreaks {
            secret: String,
            deleted: Vec<String>,
            existed: Vec<String>,
            kept: Vec<String>,
            unproved: Vec<String>,
            revoked: Vec<String>,
            left_manual: Vec<String>,
            left_by_hand: Vec<String>,
        } => {
            summary: format!("{secret}: destroying it breaks every consumer"),
            detail: {
                let lines = [
                    ("Deletes", deleted),
                    ("Keeps (it existed before)", existed),
                    ("Keeps (on_remove)", kept),
                    ("Keeps (nothing shows that the value there is still this one: delete it there yourself)", unproved),
                    ("Leaves valid (revoke.mode is manual)", left_manual),
                    ("Revokes", revoked),
                    ("Leaves valid (revoke it there yourself)", left_by_hand),
                ];
                let lines = lines.iter().filter(|(_, what)| !what.is_empty());
                let lines: Vec<String> = lines.map(|(verb, what)| format!("{verb}: {}.", what.join(", "))).collect();
                lines.join("\n")
            },
            samples: [{
                secret: "FLY_API_TOKEN".into(),
                deleted: vec!["Fly secret FLY_API_TOKEN on app molecule-cp".into()],
                existed: vec!["GitHub Actions secret FLY_API_TOKEN of molecule-ai/app".into()],
                kept: vec!["SSM parameter /molecule/KEY".into()],
                unproved: vec!["variable KEY of Render service srv-1".into()],
                revoked: vec!["generation 2 (abc) at Fly app molecule-cp".into()],
                left_manual: Vec::new(),
                left_by_hand: vec!["generation 1 (rk_2026_11) at its vendor".into()],
            }],
        }
        /// A guarded secret whose value an interrupted apply would lose.
        error GuardedNotResumable { secret: String } => {
            summary: format!("{secret}: a guarded secret requires escrow, or a target that can be read back"),
            detail: "If this apply were interrupted after minting, the value could not be recovered. Declare escrow in the provider block, or \
                     put a readable target (such as ssm_parameter) into wave 1.",
            samples: [{ secret: "SECRETS_KEY".into() }],
        }
        /// A rotation of a guarded secret that is not confirmed.
        error Guarded { secret: String, generation: u64, consequence: String, line: String } => {
            summary: format!("{secret} is guarded"),
            detail: format!(
                "This plan would put generation {generation} in place. Its consequence: {}. Nothing was minted or changed. To confirm it, set\n\n  \
                 guard {{\n    confirm = {line:?}\n  }}\n\nTo plan other resources first, remove what asks for the rotation. To \
                 destroy other resources, run `terraform destroy -refresh=false`.",
                consequence.trim_end_matches('.')
            ),
            samples: [{
                secret: "SECRETS_KEY".into(),
                generation: 2,
                consequence: "every tenant is unreachable until re-provisioned".into(),
                line: "2: every tenant is unreachable until re-provisioned".into(),
            }],
        }
        /// `overdue = "error"`.
        error Overdue { secret: String, since: String } => {
            summary: format!("{secret} is overdue"),
            detail: format!(
                "{since} This plan does not rotate it, and rotation.overdue is \"error\". Do what its notices say, or set a new \
                 rotation_reason to rotate it now. To plan other resources meanwhile, set overdue to \"warn\". To destroy \
                 it, run `terraform destroy -refresh=false`."
            ),
            samples: [{ secret: "FLY_API_TOKEN".into(), since: "It was due 2026-11-01T00:00:00Z.".into() }],
        }
        /// One entry of two secrets.
        error EntryTaken { entry: String, owner: String } => {
            summary: format!("{entry} is already a target of another secret"),
            detail: format!("{owner:?} writes the same entry. An entry belongs to one secret: remove one of the two targets."),
            samples: [{ entry: "Fly secret FLY_API_TOKEN on app molecule-cp".into(), owner: "FLY_API_TOKEN".into() }],
        }
        /// A delivery that the change asks for, of a value that nobody has.
        error CannotDeliver { secret: String, why: String, value: Words, way_out: Words } => {
            summary: format!("{secret}: the value cannot be delivered"),
            detail: format!(
                "{why}. {value} is not replaced unless you ask for it. {way_out} To plan other resources first, undo the change that asks for \
                 this delivery. To destroy the secret, run `terraform destroy -refresh=false`."
            ),
            samples: [{
                secret: "SESSION_KEY".into(),
                why: "The value of generation 1 cannot be recovered".into(),
                value: "A generated value".into(),
                way_out: "Restore the value at a target yourself, or set a new `rotation_reason` to make a new one.".into(),
            }],
        }
        /// `restore` of what cannot be delivered again.
        error CannotRestore { secret: String, generation: u64, why: Words } => {
            summary: format!("{secret}: generation {generation} cannot be restored"),
            detail: format!("{why} Remove `restore`, or name a generation that is still valid and in escrow (attribute `credentials`)."),
            samples: [{
                secret: "SIGNING_KEY".into(),
                generation: 4,
                why: "It is not in escrow.".into(),
            }],
        }
        /// A template that needs the value of a generation that is not parked.
        error PreviousNotParked { entry: String, generation: u64 } => {
            summary: format!("{entry} needs the value of generation {generation}, which is not in escrow"),
            detail: "Its template contains {{ previous }}. Leave {{ previous }} out until that generation has ended, or until a rotation \
                     has made another one the previous: from then on, values are parked.",
            samples: [{ entry: "Fly secret SESSION_KEYS on app molecule-cp".into(), generation: 1 }],
        }
        /// A place for values that nobody has named.
        error NoEscrow { secret: String } => {
            summary: format!("{secret}: escrow = true requires an escrow block"),
            detail: "The provider block does not say where values are parked. Add `escrow { ssm_parameter { path = \"/rotation/escrow/\" } }` \
                     there, or remove the argument.",
            samples: [{ secret: "SIGNING_KEY".into() }],
        }
        /// A target in the place of escrow.
        error TargetInEscrow { target: String, entry: String } => {
            summary: format!("target {target} is inside the escrow path"),
            detail: format!("{entry} is among the entries where values are parked. Choose another name, or another `path` in the provider's \
                             `escrow` block."),
            samples: [{ target: "runtime".into(), entry: "SSM parameter /rotation/escrow/KEY".into() }],
        }
        /// `revoke.confirmed` of what is in use.
        error ConfirmedTooHigh { secret: String, current: u64 } => {
            summary: format!("{secret}: revoke.confirmed is not below the current generation"),
            detail: format!("The current generation is {current}, and targets hold it. Only older generations can be confirmed as revoked."),
            samples: [{ secret: "STRIPE_API_KEY".into(), current: 2 }],
        }
        /// A value that is not there.
        error ValueRequired { secret: String, is_create: bool } => {
            summary: format!("{secret}: value_wo is required"),
            detail: if *is_create {
                "The secret is created with the value that you supply. Set `value_wo` (or `parts_wo`), for example from an ephemeral variable."
            } else {
                "value_wo_version asks for a new value. Set `value_wo` (or `parts_wo`), for example from an ephemeral variable."
            },
            samples: [{ secret: "STRIPE_API_KEY".into(), is_create: true }, { secret: "STRIPE_API_KEY".into(), is_create: false }],
        }
        /// A new version of the same credential.
        error SameCredential { secret: String, version: u64, credential_id: String } => {
            summary: format!("{secret}: the new value has the credential_id of the old one"),
            detail: format!(
                "value_wo_version is now {version}, but credential_id is still {credential_id:?}. Set the id of the new credential, or \
                 remove it."
            ),
            samples: [{ secret: "STRIPE_API_KEY".into(), version: 2, credential_id: "rk_2026_11".into() }],
        }
        /// Another credential under the same version.
        error SameVersion { secret: String } => {
            summary: format!("{secret}: credential_id changed, but value_wo_version did not"),
            detail: "Raise value_wo_version with every new value: a new version is what delivers it.",
            samples: [{ secret: "STRIPE_API_KEY".into() }],
        }
    }
}
