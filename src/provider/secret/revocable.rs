//! Which credentials a call can revoke, and which of them a person does.

use crate::address::Address;
use crate::rotation::CredentialRecord;
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

/// Whether a person has to end that credential: its issuer offers no call, or the configuration leaves it to them. What nobody issues ends
/// with its entry in escrow, which is ours.
pub(super) fn is_revoked_by_hand(known: &CredentialRecord, config: &Config) -> bool {
    known.is_issued() && (config.revoke_by_hand || !can_be_revoked(known))
}
