//! What a refresh says.

use super::{Words, capitalized, list};

catalogue! {
    /// A warning of a refresh. It never fails because a vendor cannot be asked.
    Refresh {
        /// Arguments in state that are not valid any more.
        warning ArgumentsNotUnderstood => {
            summary: "This version cannot read the arguments in the state",
            detail: "The secret was not refreshed. Apply a valid configuration.",
            samples: [{}],
        }
        /// Entries that could not be read.
        warning EntriesUnreachable { secret: String, targets: Vec<Words>, why: String } => {
            summary: format!("{secret}: cannot read {} (unreachable)", list(targets)),
            detail: format!(
                "{}\n\nUntil it can be read again, what it holds is unknown, and no old credential is revoked. If the place no longer \
                 exists, remove the target from `targets`.",
                capitalized(why)
            ),
            samples: [{
                secret: "FLY_API_TOKEN".into(),
                targets: super::names(["web"]),
                why: "Fly answered 503: upstream unavailable. Apply again when it is available.".into(),
            }],
        }
        /// The entry where values are parked could not be read.
        warning EscrowUnreachable { secret: String, entry: String, why: String } => {
            summary: format!("{secret}: cannot read escrow, {entry} (unreachable)"),
            detail: format!(
                "{}\n\nWhat was recorded of it is kept. A rotation is refused before it mints anything, unless the entry can be read then.",
                capitalized(why)
            ),
            samples: [{
                secret: "FLY_API_TOKEN".into(),
                entry: "SSM parameter /rotation/escrow/0123456789abcdef0123456789abcdef".into(),
                why: "AWS SSM answered 503: Service Unavailable. Apply again when it is available.".into(),
            }],
        }
        /// An issuer that could not be read.
        warning IssuerUnreachable { secret: String, former: Option<String>, why: String } => {
            summary: match former {
                None => format!("{secret}: cannot read its source (unreachable)"),
                Some(issuer) => format!("{secret}: cannot read its former source, {issuer} (unreachable)"),
            },
            detail: format!(
                "{}\n\nThe Terraform state was not changed. No old credential is revoked until it can be read again.",
                capitalized(why)
            ),
            samples: [
                { secret: "FLY_API_TOKEN".into(), former: None, why: "Fly answered 503.".into() },
                { secret: "FLY_API_TOKEN".into(), former: Some("Fly app molecule-cp".into()), why: "Fly answered 503.".into() },
            ],
        }
    }
}
