//! Room for one more credential, where the issuer limits how many live.

use std::collections::BTreeSet;

use super::Decision;
use crate::rotation::CredentialStatus;
use crate::spec::Config;

/// The older generation whose overlap has to end before another credential can be made: it takes the room, and consumers may still
/// use it. `None` where there is room, or an apply can make some, as `overlap = "0s"` permits.
pub(in crate::provider::secret) fn taken_by(decision: &Decision, config: &Config) -> Option<u64> {
    let (traits, ledger) = (config.source.config.traits(), &decision.ledger);
    let limit = traits.max_live().filter(|_| !traits.replaces())?;
    if config.overlap.is_zero() && !config.revoke_by_hand {
        return None;
    }
    let live = ledger.credentials().iter();
    let live: Vec<_> = live
        .filter(|known| config.source.is_issued_at(&known.issuer) && known.status != CredentialStatus::Disabled)
        .collect();
    // A handle that was made anew counts once.
    let handles: BTreeSet<_> = live.iter().map(|known| &known.credential_id).collect();
    if handles.len() < usize::from(limit) {
        return None;
    }
    let older = || live.iter().filter(|known| known.generation != ledger.generation());
    let gives_way = |generation: u64| {
        decision.revoke.contains(&generation) || decision.exposed.contains(&generation) || ledger.never_held(generation)
    };
    // So does the newest itself, when its value was lost before any target had it: it ends before the next is made.
    let newest = ledger.generation();
    let is_lost = !traits.reveals && !ledger.is_parked(newest) && ledger.never_held(newest);
    let newest_is_lost = is_lost && !config.revoke_by_hand;
    if newest_is_lost || older().any(|known| gives_way(known.generation)) {
        return None;
    }
    older().map(|known| known.generation).min()
}
