//! `restore`: an older generation is delivered again.

use super::{Decision, Rotate};
use crate::provider::secret::revocable::is_replaced;
use crate::rotation::{Cause, CredentialStatus, Request};
use crate::spec::Config;

/// Why a generation cannot be restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::provider::secret) enum CannotRestore {
    /// It is in place.
    InPlace,
    /// It has ended, or never was.
    Dead,
    /// Its value is not parked.
    NotParked,
    /// An incident exposed it.
    Exposed,
    /// The same change asks for a rotation, for this reason.
    Rotates(String),
}

/// The generation that this change of the configuration wants back.
pub(super) fn asked(before: Option<&Config>, config: &Config) -> Option<u64> {
    let before = before?;
    config.restore.filter(|_| before.restore != config.restore)
}

/// Why that generation cannot be restored, where it cannot. `exposes`: an incident is declared that exposes whatever exists.
pub(super) fn refused(decision: &Decision, generation: u64, exposes: bool) -> Option<CannotRestore> {
    let ledger = &decision.ledger;
    let known = ledger.credential(generation);
    if generation == ledger.generation() && ledger.is_finished() {
        Some(CannotRestore::InPlace)
    } else if known.is_none_or(|known| known.status == CredentialStatus::Disabled || is_replaced(known, ledger)) {
        Some(CannotRestore::Dead)
    } else if !ledger.is_parked(generation) {
        Some(CannotRestore::NotParked)
    } else if exposes || decision.exposed.contains(&generation) {
        Some(CannotRestore::Exposed)
    } else {
        None
    }
}

/// The decision that brings it back.
pub(super) fn restored(decision: Decision, config: &Config, generation: u64) -> Decision {
    let request = Request::new(Cause::Restored, format!("restore = {generation}"));
    let guard = config.guard.as_ref();
    let unconfirmed = guard.is_some_and(|guard| !guard.permits(generation));
    let without = |generations: &std::collections::BTreeSet<u64>| {
        let others = generations.iter().filter(|known| **known != generation);
        others.copied().collect()
    };
    let (revoke, held_revocations) = (without(&decision.revoke), without(&decision.held_revocations));
    let rotated = decision.rotated(config, request);
    Decision {
        generation,
        unconfirmed,
        revoke,
        held_revocations,
        ..rotated
    }
}

impl Decision {
    /// Whether the generation that is delivered was in place before.
    pub(in crate::provider::secret) fn restores(&self) -> bool {
        matches!(&self.rotate, Rotate::Yes(request) if request.cause == Cause::Restored)
    }
}
