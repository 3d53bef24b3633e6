//! Convergence: from every state, without further faults, two applies reach one in which the plan is empty; when the
//! overlaps have ended as well, the world is as the configuration says. A destroy from there leaves nothing of ours.

use std::collections::BTreeSet;
use std::sync::Arc;

use rotation_provider::terraform::Value;

use super::case::{Case, Place};
use super::mutant::Mutant;
use super::terms;
use super::terraform::{Rest, apply, destroy};
use super::world::World;

/// An hour passes: lists have caught up.
pub fn hour(world: &mut World) {
    world.hour += 1;
    caught_up(world);
}

/// Lists show what there is.
fn caught_up(world: &mut World) {
    for known in world.credentials.values_mut() {
        known.hidden = 0;
        known.ghost = 0;
    }
}

/// Consumers of staged entries are deployed.
pub fn deploy(case: &Case, rest: &mut Rest) {
    let wish = rest.wish;
    for spec in wish.configured(case).filter(|spec| spec.place == Place::Staged) {
        rest.world.go_live(case, &wish, &spec.slot());
    }
}

/// Says what goes wrong, or how many calls the way took.
pub fn settles(case: &Arc<Case>, from: &Rest, mutant: Mutant) -> Result<usize, String> {
    let mut rest = from.clone();
    let mut calls = 0;
    caught_up(&mut rest.world);
    if occupied(case, &rest)
        && let Some(calls) = refused(case, &rest, mutant)?
    {
        return Ok(calls);
    }
    if let Some(calls) = taken(case, &rest, mutant)? {
        return Ok(calls);
    }
    rest = converge(case, rest, mutant, &mut calls)?;
    // Where somebody deploys, the overlap begins when that is seen.
    let rounds = if case.targets.iter().any(|spec| spec.place == Place::Staged) {
        2
    } else {
        1
    };
    for _ in 0..rounds {
        deploy(case, &mut rest);
        for _ in 0..=case.overlap {
            hour(&mut rest.world);
        }
        // Somebody gives the runs another credential than the one that is to end.
        if rest.world.own.is_some() {
            rest.world.own = rest
                .world
                .credentials
                .iter()
                .next_back()
                .map(|(handle, _)| handle.clone());
        }
        if !case.terms.is_open(rest.world.hour) {
            rest.world.hour = case.terms.next_opening(rest.world.hour);
        }
        rest = converge(case, rest, mutant, &mut calls)?;
    }
    at_rest(case, &rest)?;
    destroyed(case, &rest, mutant, &mut calls)?;
    Ok(calls)
}

/// Something without our mark stands in a slot that the state does not know as written: nothing can show whose it is.
fn occupied(case: &Case, rest: &Rest) -> bool {
    let nothing = Value::Null;
    let kept = rest.state.as_ref().filter(|_| !rest.tainted);
    let deliveries = kept.map_or(&nothing, |state| state.get("deliveries"));
    let known = |slot: &str| {
        let mut records = deliveries.as_map().into_iter().flat_map(|records| records.values());
        records.any(|record| {
            let written = !record.get("generation").is_null() || record.get("status").as_str() == Some("unknown");
            record.get("slot").as_str() == Some(slot) && written
        })
    };
    rest.wish.configured(case).any(|spec| {
        let entry = rest.world.slots.get(&spec.slot()).and_then(|slot| slot.entry.as_ref());
        entry.is_some_and(|entry| entry.mark.is_none()) && !known(&spec.slot())
    })
}

/// Somebody else filled the entry of escrow: nothing is made until that is gone, and whoever applies is told.
fn taken(case: &Arc<Case>, rest: &Rest, mutant: Mutant) -> Result<Option<usize>, String> {
    if rest.world.vault.entries.values().all(|entry| entry.ours) {
        return Ok(None);
    }
    let ended = apply(case, rest, &[], mutant);
    if let Some(broken) = ended.broken.first() {
        return Err(broken.clone());
    }
    let mut told = ended.errors.iter().chain(&ended.warnings);
    let named = told.any(|text| text.contains("is not this secret's"));
    match named || ended.idle {
        true => Ok(Some(ended.calls.len())),
        false => Err(format!("a stranger's entry of escrow is not named: {:?}", ended.errors)),
    }
}

/// That may be refused by name; then nothing is made or written. It is the one exception to convergence.
fn refused(case: &Arc<Case>, rest: &Rest, mutant: Mutant) -> Result<Option<usize>, String> {
    let ended = apply(case, rest, &[], mutant);
    let named = ended
        .errors
        .iter()
        .any(|error| error.contains("is not managed by this resource"));
    let before = rest.world.working();
    if let Some(broken) = ended.broken.first() {
        return Err(broken.clone());
    }
    if named && !ended.rest.world.working().is_subset(&before) {
        return Err(format!(
            "a credential was made although a slot is occupied: {:?}",
            ended.errors
        ));
    }
    Ok(named.then_some(ended.calls.len()))
}

/// At most two applies, of which the first may fail, until the plan is empty. A value that nobody issues and nobody can recover takes a
/// person's word first.
fn converge(case: &Arc<Case>, mut rest: Rest, mutant: Mutant, calls: &mut usize) -> Result<Rest, String> {
    let mut errors = Vec::new();
    let mut asked = false;
    let mut confirmed = 0;
    let mut left = 3;
    while left > 0 {
        left -= 1;
        let ended = apply(case, &rest, &[], mutant);
        *calls += ended.calls.len();
        if let Some(broken) = ended.broken.into_iter().next() {
            return Err(format!("while converging: {broken}"));
        }
        rest = ended.rest;
        let refused = ended
            .errors
            .iter()
            .any(|error| error.contains("is not replaced unless you ask for it"));
        if (refused || (ended.idle && needs_a_word(&rest))) && !asked {
            asked = true;
            rest.wish.rotations += 1;
            left = 3;
            continue;
        }
        // Without room at the issuer, a person takes the request back, and asks again after the overlap.
        let is_crowded = ended.errors.iter().any(|error| error.contains("cannot be minted yet"));
        if is_crowded && rest.wish.rotations > 0 {
            rest.wish.rotations -= 1;
            left = 3;
            continue;
        }
        // So does one who wants back what has ended.
        let is_refused = |error: &String| error.contains("cannot be restored") || error.contains("Cannot restore");
        if ended.errors.iter().any(is_refused) && rest.wish.restore > 0 {
            rest.wish.restore = 0;
            left = 3;
            continue;
        }
        if confirmed < CONFIRMED
            && let Some(generation) = to_confirm(case, &rest, &ended.errors)
        {
            confirmed += 1;
            rest.wish.confirm = generation;
            left = 3;
            continue;
        }
        if ended.idle {
            return Ok(rest);
        }
        errors.push(ended.errors.join("; "));
    }
    Err(format!(
        "two applies do not reach an empty plan: {}",
        errors.join(" | ")
    ))
}

/// How often a person confirms something on the way to rest: a rotation, and the one that replaces a value that it lost.
const CONFIRMED: u8 = 2;

/// The generation that a person is asked to confirm.
fn to_confirm(case: &Case, rest: &Rest, errors: &[String]) -> Option<u8> {
    let notices = rest.state.as_ref()?.get("notices").as_list().unwrap_or_default();
    let notices = notices
        .iter()
        .filter(|_| case.terms.guard)
        .filter_map(|notice| notice.get("text").as_str());
    let said = errors.iter().map(String::as_str).chain(notices);
    said.filter_map(terms::to_confirm)
        .find(|generation| *generation != rest.wish.confirm)
}

/// Whether a target lacks a value that only a person can replace.
fn needs_a_word(rest: &Rest) -> bool {
    let notices = rest
        .state
        .as_ref()
        .map(|state| state.get("notices").as_list().unwrap_or_default());
    let mut notices = notices.unwrap_or_default().iter();
    notices.any(|notice| notice.get("code").as_str() == Some("not_restorable"))
}

/// The world is as the configuration says: every target has one value, which works, and nothing else of ours does.
fn at_rest(case: &Case, rest: &Rest) -> Result<(), String> {
    let world = &rest.world;
    let mut held = BTreeSet::new();
    for spec in rest.wish.configured(case) {
        let entry = world.slots.get(&spec.slot()).and_then(|slot| slot.entry.as_ref());
        if !case.heal && entry.is_none_or(|entry| !entry.ours) {
            continue;
        }
        let value = entry.and_then(|entry| entry.value);
        let Some(value) = value.filter(|value| world.alive(*value)) else {
            return Err(format!("at rest {} holds {entry:?}", spec.key));
        };
        let used = world.slots.get(&spec.slot()).and_then(|slot| slot.used);
        if case.is_activated(spec) && used != Some(value) {
            return Err(format!(
                "at rest consumers of {} use {used:?}, and it holds {value}",
                spec.key
            ));
        }
        held.insert(value);
    }
    if held.len() > 1 {
        return Err(format!("at rest the targets hold the values {held:?}"));
    }
    world.parked_at_rest(case, &rest.wish, &held)?;
    let working = world.working();
    let left: Vec<&u32> = working.difference(&held).collect();
    if case.revocable() && !case.manual && case.heal && !left.is_empty() {
        return Err(format!("at rest these are alive beside {held:?}: {left:?}"));
    }
    for spec in case.targets.iter().filter(|spec| !spec.keep) {
        let configured = rest.wish.configured(case).any(|other| other.key == spec.key);
        let stands = world.slots.get(&spec.slot()).and_then(|slot| slot.entry.as_ref());
        let doubtful = world.slots.get(&spec.slot()).is_some_and(|slot| slot.doubtful);
        if !configured && !doubtful && stands.is_some_and(|entry| entry.ours) {
            return Err(format!(
                "at rest {} is still filled, although it left the configuration",
                spec.key
            ));
        }
    }
    Ok(())
}

/// A destroy from rest leaves no entry and no credential of ours, except those that a person asked to be left.
fn destroyed(case: &Arc<Case>, rest: &Rest, mutant: Mutant, calls: &mut usize) -> Result<(), String> {
    let mut rest = rest.clone();
    if case.terms.guard {
        let refused = destroy(case, &rest, &[], mutant);
        if let Some(broken) = refused.broken.first() {
            return Err(format!("a destroy that nobody confirmed: {broken}"));
        }
        if refused.errors.is_empty() {
            return Err("a guarded secret was destroyed, and nobody confirmed it".to_owned());
        }
        rest.wish.confirm = terms::DESTROY;
        rest = converge(case, rest, mutant, calls)?;
    }
    let ended = destroy(case, &rest, &[], mutant);
    *calls += ended.calls.len();
    if let Some(broken) = ended.broken.first().or(ended.errors.first()) {
        return Err(format!("the destroy: {broken}"));
    }
    let world = &ended.rest.world;
    if world.vault.entries.values().any(|entry| entry.ours) {
        return Err("after the destroy an entry is in escrow".to_owned());
    }
    if world.consent.taken_over {
        return Ok(());
    }
    let stays = case.manual || world.own.is_some() || case.targets.iter().any(|spec| spec.keep);
    if case.revocable() && !stays && !world.working().is_empty() {
        return Err(format!("after the destroy these are alive: {:?}", world.working()));
    }
    let stands = |slot: &String| {
        let spec = case.spec_at(slot);
        let left = spec.is_none_or(|spec| spec.keep) || world.slots[slot].doubtful;
        !left && world.slots[slot].entry.as_ref().is_some_and(|entry| entry.ours)
    };
    match world.slots.keys().find(|slot| stands(slot)) {
        Some(slot) => Err(format!("after the destroy {slot} is still filled")),
        None => Ok(()),
    }
}
