//! What happened while the steps of an apply ran.

use super::{Message, Words, capitalized, list};

/// What became of a credential whose mint was not answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LostMint {
    /// The issuer could not be asked: why, and the label to look for.
    NotLooked(String, String),
    /// The issuer does not list it.
    NotListed,
    /// It exists: its label and id.
    Exists(String, String),
}

impl LostMint {
    fn words(&self) -> String {
        match self {
            Self::NotLooked(why, label) => format!(
                "Looking for it failed too ({why}). The next apply looks for a credential named {label} and finishes with it."
            ),
            Self::NotListed => "The issuer lists no such credential now; the next apply looks again.".to_owned(),
            Self::Exists(label, id) => {
                format!("It did: {label} ({id}) exists, but its value is lost. No target holds it; it will be revoked.")
            }
        }
    }
}

#[cfg(test)]
fn lost() -> Message {
    let (operation, answer) = (
        "minting a deploy token of Fly app molecule-cp".into(),
        "Fly gave no answer in time.".into(),
    );
    Run::Call {
        operation,
        answer,
        is_doubtful: true,
    }
    .into()
}

catalogue! {
    /// A failure, or something to know, from one step of an apply.
    Run {
        /// A call to a vendor was refused, or its answer was lost.
        error Call { operation: String, answer: String, is_doubtful: bool } => {
            summary: format!("{} failed", capitalized(operation)),
            detail: if *is_doubtful {
                format!("{answer} It is unknown whether the call took effect.")
            } else {
                answer.clone()
            },
            samples: [
                { operation: "setting secrets of Fly app molecule-cp".into(), answer: "Fly answered 403: unauthorized.".into(), is_doubtful: false },
                { operation: "minting a deploy token of Fly app molecule-cp".into(), answer: "Fly gave no answer in time.".into(), is_doubtful: true },
            ],
        }
        /// The call that mints was not answered, and the issuer was asked once more.
        error MintInDoubt { call: Message, found: LostMint } => {
            summary: call.summary.as_str(),
            detail: format!("{} {}", call.detail, found.words()),
            samples: [
                { call: lost(), found: LostMint::NotLooked("Fly answered 503".into(), "FLY_API_TOKEN-rot-0123456789ab-g2".into()) },
                { call: lost(), found: LostMint::NotListed },
                { call: lost(), found: LostMint::Exists("FLY_API_TOKEN-rot-0123456789ab-g2".into(), "abc".into()) },
            ],
        }
        /// A template or part of a value that is incomplete.
        error CannotAssemble { entry: String, why: String } => {
            summary: format!("Cannot assemble the value for {entry}"),
            detail: why.as_str(),
            samples: [{ entry: "Fly secret DATABASE_URL on app molecule-cp".into(), why: "The part host is missing.".into() }],
        }
        /// The entry where values are to be parked is somebody else's.
        error EscrowTaken { entry: String } => {
            summary: format!("{entry} is not this secret's"),
            detail: "Values of this secret would be parked there, but nothing shows that this provider wrote it. Nothing was changed. Set \
                     another `path` in the provider's `escrow` block, or delete the entry.",
            samples: [{ entry: "SSM parameter /rotation/escrow/0123456789abcdef0123456789abcdef".into() }],
        }
        /// A template that has the value of the generation in place in it.
        error PreviousNotParked { entry: String, generation: u64 } => {
            summary: format!("{entry} needs the value of generation {generation}, which is not in escrow"),
            detail: "Its template contains {{ previous }}. Nothing was changed. Rotate once without {{ previous }}: from then on, values are \
                     parked.",
            samples: [{ entry: "Fly secret SESSION_KEYS on app molecule-cp".into(), generation: 1 }],
        }
        /// A value exists and could not be parked.
        error NotParked { generation: u64, call: Message } => {
            summary: format!("Generation {generation} is not in escrow"),
            detail: format!(
                "{}. {} The rotation went on without it: it cannot be restored later, and if this run was cut off, its value may be lost. \
                 Later generations are parked again.",
                call.summary, call.detail
            ),
            samples: [{ generation: 2, call: lost() }],
        }
        /// Escrow is out of reach for a run that can do without.
        warning EscrowNotUsed { why: String } => {
            summary: "This run does without escrow",
            detail: format!(
                "{why}. Nothing is minted in this run, so it went on, and parked nothing. The next rotation is refused until escrow can be \
                 used again."
            ),
            samples: [{ why: "SSM parameter /rotation/escrow/0123456789abcdef0123456789abcdef is not this secret's".into() }],
        }
        /// What should not be parked any more could not be deleted.
        warning EscrowLeft { call: Message } => {
            summary: "Old values are still in escrow",
            detail: format!("{}. {} The next apply tries again.", call.summary, call.detail),
            samples: [{ call: lost() }],
        }
        /// A move of what is parked failed half-way, and its copy is still there.
        warning EscrowCopied { copy: String, former: String } => {
            summary: format!("{copy} has a copy of the parked values"),
            detail: format!(
                "They are still in {former} as well. The next apply completes the move. If you set `path` back instead, delete {copy} \
                 yourself."
            ),
            samples: [{
                copy: "SSM parameter /rotation/moved/0123456789abcdef0123456789abcdef".into(),
                former: "SSM parameter /rotation/escrow/0123456789abcdef0123456789abcdef".into(),
            }],
        }
        /// A value that breaks a vendor's limits.
        error CannotHold { entry: String, why: String } => {
            summary: format!("{entry} cannot hold the value"),
            detail: why.as_str(),
            samples: [{ entry: "SSM parameter /molecule/KEY".into(), why: "The value has 5000 bytes; a Standard parameter holds 4096.".into() }],
        }
        /// An activation that nothing proves.
        warning CannotProveLive { entry: String, why: String } => {
            summary: format!("Cannot prove that {entry} is live everywhere"),
            detail: why.as_str(),
            samples: [{ entry: "Fly secret FLY_API_TOKEN on app molecule-cp".into(), why: "Machine 148e did not report its version.".into() }],
        }
        /// A value that nobody has any more.
        error ValueLost { generation: u64 } => {
            summary: format!("Cannot recover the value of generation {generation}"),
            detail: "Neither the issuer nor a readable target returned it.",
            samples: [{ generation: 2 }],
        }
        /// An older generation that turns out to be of no use.
        error CannotRestore { generation: u64 } => {
            summary: format!("Cannot restore generation {generation}"),
            detail: "Its value is no longer in escrow, or its credential is no longer valid. Nothing was delivered. Remove `restore`, or name a \
                     generation that is still valid and in escrow (attribute `credentials`).",
            samples: [{ generation: 2 }],
        }
        /// No further credential.
        error LimitReached { live: Vec<Words>, waits: Vec<(u64, String)> } => {
            summary: "The issuer's limit on live credentials is reached",
            detail: {
                let waits = waits.iter().map(|(generation, why)| format!(" Generation {generation} is not revoked yet: {why}."));
                format!(
                    "These are live: {}. Each may be in use by a target, so none was revoked.{} Find out which one no consumer uses, revoke \
                     it yourself, and apply again.",
                    list(live),
                    waits.collect::<String>()
                )
            },
            samples: [
                { live: super::names(["AKIA1", "AKIA2"]), waits: vec![(1, "check up has not passed".into())] },
                { live: super::names(["AKIA1", "AKIA2"]), waits: Vec::new() },
            ],
        }
        /// The same value again, by what that target or escrow holds.
        error SuppliedAgain { target: Option<String>, unfinished: Option<u64> } => {
            summary: "The supplied value is the one that is already in place",
            detail: {
                let holder = target.as_ref().map_or("Escrow".to_owned(), |target| format!("Target {target}"));
                match unfinished {
                    None => format!("{holder} holds the same value, so nothing would be rotated. Set value_wo to the new credential."),
                    Some(generation) => format!(
                        "{holder} holds the same value, and generation {generation} is not in place everywhere yet. To finish it, set \
                         value_wo to its value. To take it back, set value_wo, value_wo_version and credential_id as they were before it; \
                         without a credential_id, only another new value can replace it."
                    ),
                }
            },
            samples: [
                { target: Some("runtime".into()), unfinished: None },
                { target: None, unfinished: None },
                { target: Some("runtime".into()), unfinished: Some(2) },
            ],
        }
        /// Nothing tells whether it is the same value.
        warning SuppliedUnverified => {
            summary: "Cannot verify that the supplied value is a new one",
            detail: "Neither escrow nor a target that can be read back holds the old value. If you supplied the same value again, the old \
                     credential is still in place. Verify this manually.",
            samples: [{}],
        }
        /// An activation that failed.
        error ActivationFailed { activation: String, why: String } => {
            summary: format!("Activation {activation:?} failed"),
            detail: why.as_str(),
            samples: [{
                activation: "redeploy".into(),
                why: "workflow deploy.yml of molecule-ai/x on main ended with the conclusion \"failure\", expected \"success\".".into(),
            }],
        }
        /// A check that failed.
        error CheckFailed { check: String, why: String } => {
            summary: format!("Check {check:?} did not pass"),
            detail: why.as_str(),
            samples: [{ check: "control_plane_up".into(), why: "https://cp.example.com/health answered 503 for 60s; 200 was expected.".into() }],
        }
        /// A check whose credential could not be fetched.
        error CheckWithoutPrevious { check: String, why: String } => {
            summary: format!("Check {check:?} could not run"),
            detail: format!("It presents the previous credential, whose value could not be fetched. {why}"),
            samples: [{ check: "old_is_refused".into(), why: "Reading SSM parameter /molecule/KEY failed at AWS SSM (503).".into() }],
        }
        /// A check whose credential nobody has any more.
        warning CheckSkipped { check: String, whose: Words } => {
            summary: format!("Check {check:?} did not run"),
            detail: format!(
                "It presents the {whose} credential, and neither the issuer nor a readable target has its value any more. Everything else was \
                 done. Verify manually that the check would pass."
            ),
            samples: [{ check: "old_is_refused".into(), whose: "previous".into() }],
        }
        /// One entry under two names.
        warning RenamedEntry { target: String, entry: String } => {
            summary: format!("The entry of {target} was not deleted under its old name"),
            detail: format!("{entry} is the same entry: the vendor shows the same container under a new name."),
            samples: [{ target: "web".into(), entry: "GitHub Actions secret KEY of molecule-ai/old".into() }],
        }
        /// An entry of a target that left the configuration, and that is not certainly ours.
        warning EntryLeft { entry: String, target: Option<String>, why: String } => {
            summary: format!("{entry} was left in place"),
            detail: {
                let left = match target {
                    Some(target) => format!("Target {target} is no longer configured."),
                    None => "Its target has moved.".to_owned(),
                };
                format!("{left} {why} If it is not needed, delete it yourself.")
            },
            samples: [
                {
                    entry: "Fly secret FLY_API_TOKEN on app molecule-cp".into(),
                    target: Some("web".into()),
                    why: "It was changed outside Terraform.".into(),
                },
                {
                    entry: "Fly secret FLY_API_TOKEN on app molecule-cp".into(),
                    target: None,
                    why: "It was changed outside Terraform.".into(),
                },
            ],
        }
        /// The credential that this run uses.
        warning OwnCredential { generation: u64, id: String } => {
            summary: format!("Generation {generation} ({id}) was not revoked"),
            detail: "This run authenticates with it. Give the provider the new credential; the next apply revokes the old one.",
            samples: [{ generation: 1, id: "abc".into() }],
        }
        /// A record whose issuer cannot be reached.
        error CannotRevoke { generation: u64, why: Message } => {
            summary: format!("Generation {generation} cannot be revoked"),
            detail: why.detail.as_str(),
            samples: [{
                generation: 1,
                why: super::StateProblem::IssuerUnknown {
                    address: "vault_token:default:x".into(),
                    why: "This version does not know the source \"vault_token\".".into(),
                }.into(),
            }],
        }
        /// A revocation without effect.
        error StillAlive { generation: u64, id: String, issuer: String } => {
            summary: format!("Generation {generation} ({id}) is still valid"),
            detail: format!("{issuer} accepted the revocation, but still accepts the credential. The next apply tries again."),
            samples: [{ generation: 1, id: "abc".into(), issuer: "Fly app molecule-cp".into() }],
        }
        /// A create that found its own mark.
        warning ExistedAlready { entry: String, label: String } => {
            summary: "This secret already existed",
            detail: format!(
                "{entry} has its mark, {label}, so this create continued with the value there, where it can be read. If another workspace \
                 manages this secret, both now share it: give each state its own namespace."
            ),
            samples: [{ entry: "SSM parameter /molecule/KEY".into(), label: "KEY-rot-0123456789ab-g1".into() }],
        }
        /// A create that found credentials of its id.
        warning TakenOver { credentials: String } => {
            summary: "This secret's credentials already existed",
            detail: format!(
                "The issuer had {credentials}. They look like those of an interrupted create, so this create continued from there. If another \
                 workspace manages this secret, both now share it: give each state its own namespace."
            ),
            samples: [{ credentials: "KEY-rot-0123456789ab-g1 (abc, made 2026-11-01T00:00:00Z)".into() }],
        }
        /// Somebody else's entry in a slot.
        error Occupied { entry: String, modified_at: Option<String> } => {
            summary: format!("{entry} already exists"),
            detail: {
                let when = modified_at.as_ref().map_or_else(String::new, |at| format!("was last written {at} and "));
                format!(
                    "It {when}is not managed by this resource. Nothing was changed. Set on_existing = \"replace\" to overwrite it (also if an \
                     interrupted apply wrote it), delete it, or choose another name."
                )
            },
            samples: [
                { entry: "Fly secret FLY_API_TOKEN on app molecule-cp".into(), modified_at: Some("2026-11-01T00:00:00Z".into()) },
                { entry: "Fly secret FLY_API_TOKEN on app molecule-cp".into(), modified_at: None },
            ],
        }
        /// A slot of which nobody can tell whether it is empty.
        error Unreadable { entry: String } => {
            summary: format!("Cannot tell whether {entry} exists"),
            detail: "This target has no `read` that would show it. Nothing was changed. Add `read` to the target, or set \
                     on_existing = \"replace\" to overwrite whatever is there (also what an interrupted apply wrote).",
            samples: [{ entry: "entry API_KEY on host deploy@app.example.com".into() }],
        }
        /// Credentials of another state: older than a create, or newer than what the plan knew.
        error Rival { credentials: String, is_old: bool } => {
            summary: "Another state manages this secret",
            detail: format!(
                "The issuer has credentials with this secret's id: {credentials}. {}",
                if *is_old {
                    "They are too old for an interrupted create, so another workspace, another address of this configuration or a lost state \
                     made them. Give each state its own namespace. A renamed resource needs a `moved` block, or another apply once its old \
                     address is destroyed. If the state was lost, set on_existing = \"replace\" for one apply to take over."
                } else {
                    "The state that this run was planned from does not know them. If an apply of this state was interrupted, plan again with a \
                     refresh, which finds what it left. If another workspace manages this secret, give each state its own namespace."
                }
            ),
            samples: [
                { credentials: "KEY-rot-0123456789ab-g1 (abc, made 2026-01-01T00:00:00Z)".into(), is_old: true },
                { credentials: "KEY-rot-0123456789ab-g3 (abc)".into(), is_old: false },
            ],
        }
        /// A new value of another form.
        error BreaksTheFormat { why: String } => {
            summary: "The new value does not have the format of this secret",
            detail: format!("It {why}. It was not delivered. Correct the source, or `format`."),
            samples: [{ why: "does not begin with \"napi_\" (format.prefix)".into() }],
        }
    }
}
