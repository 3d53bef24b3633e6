//! Which credentials a call can revoke, and which of them a person does.

use crate::address::Address;
use crate::rotation::{CredentialRecord, Ledger};
use crate::source;
use crate::spec::Config;

/// Whether a call can revoke that credential: its issuer has one, and its handle is known.
pub(super) fn can_be_revoked(known: &CredentialRecord) -> bool {
    let address = known.issuer.parse::<Address>();
    // What this version does not know is tried, and fails aloud.
    let revocable = address.map_or(known.is_issued(), |address| {
        source::kind(&address.kind).is_none_or(|kind| kind.revocable)
    });
    revocable && known.credential_id.is_some()
}

/// The handle that a credential has, or had.
fn handle(known: &CredentialRecord) -> Option<&str> {
    let id = known.credential_id.as_deref()?;
    Some(source::handle_of(&known.issuer, id))
}

/// Whether that credential ended when a newer one was made for its handle: a role has one password.
pub(super) fn is_replaced(known: &CredentialRecord, ledger: &Ledger) -> bool {
    let is_newer = |other: &CredentialRecord| other.generation > known.generation && other.issuer == known.issuer;
    let mut newer = ledger.credentials().iter().filter(|other| is_newer(other));
    handle(known).is_some_and(|own| newer.any(|newer| handle(newer) == Some(own)))
}

/// Whether that credential ends when the next one is made.
pub(super) fn ends_with_the_next(known: &CredentialRecord, config: &Config) -> bool {
    let sole = config.source.config.sole_handle();
    sole.is_some() && sole == handle(known) && config.source.is_issued_at(&known.issuer)
}

/// Whether a person has to end that credential: its issuer offers no call, or the configuration leaves it to them. What nobody issues ends
/// with its entry in escrow, which is ours.
pub(super) fn is_revoked_by_hand(known: &CredentialRecord, config: &Config) -> bool {
    known.is_issued() && (config.revoke_by_hand || !can_be_revoked(known))
}
