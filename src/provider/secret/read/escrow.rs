//! What is parked, against what the state says. Metadata only: nothing is decrypted.

use std::collections::BTreeSet;

use crate::address::Address;
use crate::call::CallError;
use crate::diagnostics::Refresh;
use crate::executor::Subject;
use crate::provider::secret::findings::Sightings;
use crate::provider::secret::state::State;
use crate::provider::secret::{adapters, paths, texts};
use crate::rotation::{Entry, Escrow, Event, FARTHEST, Notice, NoticeCode, TAKEN_OVER, Verdict, judge_mark};
use crate::spec::Config;
use crate::target::Slot;
use crate::terraform::Diagnostics;
use crate::vendors::Vendors;

pub(super) async fn escrow(
    state: &mut State,
    config: &Config,
    vendors: &dyn Vendors,
    seen: &mut Sightings,
    problems: &mut Diagnostics,
) {
    let known = state.ledger.escrow().map(|escrow| escrow.slot.clone());
    let configured = config.escrow.as_ref().map(|escrow| escrow.slot.clone());
    let address = match &known {
        Some(text) => text.parse::<Address>().ok(),
        None => configured,
    };
    let Some(address) = address else { return };
    let looked = match adapters::slot_at(&address, vendors).await {
        Ok((address, slot)) => entry(slot.as_ref(), &state.id)
            .await
            .map(|entry| (address, entry))
            .map_err(|error| error.sentence()),
        Err(why) => Err(format!("{}. {}", why.summary, why.detail)),
    };
    match looked {
        Ok((address, entry)) => record(state, &address, entry.as_ref()),
        Err(why) => {
            let noun = texts::entry(&address.to_string()).noun;
            seen.notices.push(Notice {
                code: NoticeCode::Unreachable,
                subject: address.to_string(),
                text: format!("{noun} could not be read: {why}"),
            });
            let unreachable = Refresh::EscrowUnreachable {
                secret: config.name.clone(),
                entry: noun,
                why,
            };
            problems.report(paths::path_of(&Subject::Escrow, Some(config)), unreachable);
        }
    }
}

/// The entry by the shared listing; that it is not there, or not ours, is confirmed by a direct read.
async fn entry(slot: &dyn Slot, id: &str) -> Result<Option<Entry>, CallError> {
    let listed = slot.inspect().await?;
    match judge_mark(listed.as_ref(), id) {
        Verdict::Marked(_) => Ok(listed),
        _ => slot.inspect_directly().await,
    }
}

/// Takes over what the mark says: which generation was parked last. Of the others, the record is the only one that tells.
fn record(state: &mut State, address: &Address, entry: Option<&Entry>) {
    let ledger = &mut state.ledger;
    let known = ledger.escrow().cloned();
    let newest = match judge_mark(entry, &state.id) {
        Verdict::Marked(newest) if newest <= ledger.highest() + FARTHEST => newest,
        Verdict::CannotTell => return,
        _ => {
            if known.is_some() {
                ledger.record(Event::Unparked);
            }
            return;
        }
    };
    let is_ahead = newest > ledger.highest();
    if known.as_ref().is_some_and(|known| known.generations.contains(&newest)) && !is_ahead {
        return;
    }
    // Nothing is parked before the first generation: only an intent is there.
    if newest == TAKEN_OVER && ledger.credential(TAKEN_OVER).is_none() {
        return;
    }
    // What has ended and is parked is on record as well, so that it is deleted.
    let slot = known
        .as_ref()
        .map_or_else(|| address.to_string(), |known| known.slot.clone());
    let generations: BTreeSet<u64> = known.into_iter().flat_map(|known| known.generations).collect();
    let generations = generations.into_iter().chain([newest]).collect();
    ledger.record(Event::Parked(Escrow { slot, generations }));
    // An interrupted apply parked what the state does not know.
    if is_ahead {
        ledger.record(Event::FoundAhead { generation: newest });
        if let Some(receipt) = &mut state.last_rotation {
            receipt.superseded_without_record();
        }
    }
}
