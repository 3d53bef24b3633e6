//! Which credentials a call can revoke.

use crate::address::Address;
use crate::rotation::CredentialRecord;
use crate::source;

/// Whether a call can revoke that credential: its issuer has one, and its handle is known.
pub(super) fn can_be_revoked(known: &CredentialRecord) -> bool {
    let address = known.issuer.parse::<Address>();
    // What this version does not know is tried, and fails aloud.
    let revocable = address.map_or(known.is_issued(), |address| {
        source::kind(&address.kind).is_none_or(|kind| kind.revocable)
    });
    revocable && known.credential_id.is_some()
}
