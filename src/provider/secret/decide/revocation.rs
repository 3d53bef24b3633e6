//! Which older generations are revoked now.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::lost::{is_public, may_replace_lost};
use crate::provider::secret::revocable::is_revoked_by_hand;
use crate::provider::secret::state::State;
use crate::rotation::gate::{Holding, Wait, waits_on_record};
use crate::rotation::{Ledger, Notice, NoticeCode};
use crate::spec::{Config, OnDrift, TargetSpec};
use crate::target::Activation;

/// Generations that are revoked, overlaps that end at another instant, and whether only apply's clock tells if they have.
pub(super) fn decide(
    state: &State,
    before: Option<&Config>,
    config: &Config,
    ledger: &Ledger,
    notices: &[Notice],
    unreachable: &BTreeSet<String>,
) -> (BTreeSet<u64>, BTreeMap<u64, Timestamp>, bool) {
    // What has to be unused for some time is due when a look at its issuer says so.
    let only_a_look_tells =
        config.quiet_for.is_some() && before.is_none_or(|before| before.quiet_for == config.quiet_for);
    let waiting = |known: &Notice| match known.code {
        NoticeCode::RevokeWaits => !only_a_look_tells,
        code => matches!(code, NoticeCode::RevokeByHand | NoticeCode::WaitingForWindow),
    };
    let ids: BTreeSet<&str> = notices
        .iter()
        .filter(|known| waiting(known))
        .map(|known| known.subject.as_str())
        .collect();
    let is_due = |generation: &u64| {
        let id = ledger
            .credential(*generation)
            .and_then(|known| known.credential_id.as_deref());
        state.due_revocations().contains(generation) || id.is_some_and(|id| ids.contains(id))
    };
    let own: BTreeSet<&str> = notices
        .iter()
        .filter(|known| known.code == NoticeCode::OwnCredential)
        .map(|known| known.subject.as_str())
        .collect();
    let waits = lasting_wait(ledger, &state.public, config, unreachable).is_some();
    let may = |generation: &u64| {
        let Some(known) = ledger.credential(*generation) else {
            return false;
        };
        let is_own = known.credential_id.as_deref().is_some_and(|id| own.contains(id));
        !is_revoked_by_hand(known, config) && !is_own && (!waits || ledger.never_held(*generation))
    };
    let due: BTreeSet<u64> = ledger.superseded().into_iter().filter(is_due).collect();
    let moved = moved(before, config, ledger);
    if moved.is_empty() {
        return (due.into_iter().filter(may).collect(), moved, false);
    }
    let unmoved = due.iter().filter(|generation| !moved.contains_key(generation)).copied();
    if config.overlap.is_zero() {
        let all = unmoved.chain(moved.keys().copied());
        return (all.filter(may).collect(), moved, false);
    }
    // Whether one that ends earlier or later has ended, only the clock tells.
    let open = moved.keys().any(may);
    (unmoved.filter(may).collect(), moved, open)
}

/// Overlaps that end at another instant, since `overlap` changed.
fn moved(before: Option<&Config>, config: &Config, ledger: &Ledger) -> BTreeMap<u64, Timestamp> {
    let Some(before) = before.filter(|before| before.overlap != config.overlap) else {
        return BTreeMap::new();
    };
    let older = ledger.credentials().iter();
    let older = older.filter(|known| known.generation != ledger.generation());
    older
        .filter_map(|known| {
            let began = known.revoke_after?.checked_sub(before.overlap).ok()?;
            Some((known.generation, began.checked_add(config.overlap).ok()?))
        })
        .collect()
}

/// What on record holds every revocation back, and is not mended by an apply: the gate would only find it again.
pub(in crate::provider::secret) fn lasting_wait(
    ledger: &Ledger,
    public: &BTreeMap<String, String>,
    config: &Config,
    unreachable: &BTreeSet<String>,
) -> Option<Wait> {
    let newest = ledger.generation();
    // What stands in state is always had again.
    let is_public = |target: &TargetSpec| {
        let parts = target.content.parts();
        !parts.is_empty() && parts.iter().all(|part| is_public(part, newest, ledger, public))
    };
    let lasts = |wait: &Wait| match wait {
        Wait::Target { target, holding } => match holding {
            Holding::Gone => true,
            Holding::Changed | Holding::Missing => {
                // A value that nobody can recover is not delivered again either.
                let is_public = config.targets.get(target).is_some_and(|target| is_public(target));
                config.on_drift == OnDrift::Report || !(is_public || may_replace_lost(config, ledger))
            }
            Holding::Staged => {
                let known = config.targets.get(target);
                known.is_some_and(|known| known.config.traits().activation == Activation::Staged)
            }
            Holding::Unknown => unreachable.contains(target),
            // What is left between two waves is finished first.
            Holding::Behind(_) => ledger.paused_until().is_some(),
        },
        _ => false,
    };
    waits_on_record(ledger, config.targets.keys().cloned())
        .into_iter()
        .find(lasts)
}
