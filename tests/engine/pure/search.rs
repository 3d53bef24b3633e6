//! Walks every state that successes, refusals, lost answers, kills and outsiders can lead to.

use std::collections::{BTreeSet, HashSet, VecDeque};

use rotation_provider::rotation::lead::LONGEST_WAIT;
use rotation_provider::rotation::{Ending, Goal, Ledger, Outstanding, Session, Step, next_step, outstanding};

use super::model::*;

pub(super) fn chosen(goal: &Goal, ledger: &Ledger, session: &Session, bug: Bug) -> Step {
    let step = next_step(goal, ledger, session);
    // Other applies wait for what a run may still come to: it never comes to anything else.
    let coming = outstanding(goal, ledger, session);
    match &step {
        Step::Deliver { targets, .. } => assert!(
            targets.iter().all(|key| coming.writes.contains(key)),
            "{step:?} {coming:?}"
        ),
        Step::Activate { targets } => assert!(
            targets.iter().all(|key| coming.activations.contains(key)),
            "{step:?} {coming:?}"
        ),
        Step::Done => assert!(
            coming == Outstanding::default() || !session.failed.is_empty(),
            "{coming:?}"
        ),
        _ => {}
    }
    if let (Bug::GateIgnores(condition), Step::Wait(generation, reasons)) = (bug, &step) {
        return match reasons.iter().all(|wait| Condition::of(wait) == condition) {
            true => Step::Revoke(*generation),
            false => step,
        };
    }
    let told = |session: Session| next_step(goal, ledger, &session);
    match (bug, &step) {
        (Bug::LeadsAreIgnored, Step::AwaitLead(_) | Step::Pause(_)) => {
            let mut led = session.clone();
            led.now = Some(AFTER);
            next_step(goal, ledger, &led)
        }
        (Bug::DeliversBeforeParking, Step::Park(_)) => told(Session {
            parking_failed: true,
            ..session.clone()
        }),
        (Bug::EndedStaysParked, Step::Unpark) => told(Session {
            escrow_tidied: true,
            ..session.clone()
        }),
        (Bug::RevokesBeforeEveryTargetHolds, Step::Deliver { .. }) if session.in_hand.is_some() => ledger
            .superseded()
            .first()
            .map_or(step.clone(), |generation| Step::Revoke(*generation)),
        (Bug::ForgetsWhatATargetMayHold, Step::Mint(_)) => {
            let other = ledger.superseded().into_iter().next();
            other.map_or(step.clone(), Step::Revoke)
        }
        _ => step,
    }
}

pub(super) fn violation(case: Case, node: &Node) -> Option<String> {
    if node.world.crime.is_some() && !case.replaces {
        return node.world.crime.clone();
    }
    // What an outsider ends is not ours to answer for.
    let ours = |held: &&u64| **held < 900 && !node.world.live.contains(held);
    if !case.replaces
        && case.incident != Some(Ending::AtOnce)
        && case.deeds == 0
        && let Some(held) = node.world.held.values().find(ours)
    {
        return Some(format!("a target holds the revoked generation {held}"));
    }
    None
}

/// Without further faults, at most two applies reach rest: one live credential, every target holds it, nothing left to do.
pub(super) fn settles(case: Case, node: &Node, bug: Bug) -> Result<(), String> {
    let mut node = node.clone();
    // Outsiders are gone, what they broke is mended, and time passes.
    node.world.broken = false;
    node.world.late = true;
    node.world.shut = false;
    node.world.unsettled = false;
    node.world.busy = false;
    node.world.led = true;
    if let Some((_, ledger, _)) = node.run.take() {
        node.saved = ledger;
    }
    for _ in 0..2 + u8::from(case.lead > LONGEST_WAIT) {
        node.world.led = true;
        let ledger = refresh(case, &node.world, &node.saved, bug);
        let goal = plan(case, &ledger, false);
        node.run = Some((goal, ledger, Session::default()));
        for _ in 0..60 {
            let Some((goal, ledger, session)) = &node.run else {
                break;
            };
            match chosen(goal, ledger, session, bug) {
                Step::Done => break,
                Step::Stuck(why) => return Err(format!("stuck: {why:?}")),
                step => node = perform(case, &node, &step, Fate::Done, bug),
            }
        }
        if let Some((_, ledger, _)) = node.run.take() {
            node.saved = ledger;
        }
    }
    let newest = node.saved.generation();
    if node.world.live != BTreeSet::from([newest]) {
        return Err(format!("live at rest: {:?}, newest is {newest}", node.world.live));
    }
    if node.world.held.values().any(|held| *held != newest) {
        return Err(format!("targets at rest: {:?}, newest is {newest}", node.world.held));
    }
    if node.world.parked.iter().any(|parked| *parked != newest) {
        return Err(format!("parked at rest: {:?}, newest is {newest}", node.world.parked));
    }
    let rest = refresh(case, &node.world, &node.saved, bug);
    if plan(case, &rest, false).targets.is_empty() && rest.superseded().is_empty() {
        Ok(())
    } else {
        Err("the plan after rest is not empty".to_owned())
    }
}

/// Everything that an outsider may do now.
pub(super) fn deeds(case: Case, node: &Node) -> Vec<Node> {
    if node.world.deeds == 0 {
        return Vec::new();
    }
    let target = key(case.targets - 1);
    let newest = node.world.minted;
    let done = |deed: &dyn Fn(&mut World)| {
        let mut next = node.clone();
        next.world.deeds -= 1;
        deed(&mut next.world);
        next
    };
    let oldest = node.world.live.first().copied().unwrap_or(newest);
    vec![
        done(&|world| {
            world.held.insert(target.clone(), FOREIGN);
        }),
        done(&|world| {
            world.held.insert(target.clone(), oldest);
        }),
        done(&|world| {
            world.held.remove(&target);
        }),
        done(&|world| {
            world.dark = true;
            world.held.insert(target.clone(), oldest);
        }),
        done(&|world| {
            world.used.insert(target.clone(), oldest);
        }),
        done(&|world| {
            world.live.remove(&newest);
        }),
        done(&|world| world.broken = true),
        done(&|world| world.shut = true),
        done(&|world| world.unsettled = true),
        done(&|world| world.busy = true),
    ]
}

/// Walks everything reachable. Returns how many states and transitions there are.
pub(super) fn explore(case: Case, bug: Bug) -> Result<(usize, usize), String> {
    search(case, bug, true)
}

/// The same; `settling` also asks of every state between two runs whether it comes to rest.
pub(super) fn search(case: Case, bug: Bug, settling: bool) -> Result<(usize, usize), String> {
    let mut first = start(case);
    first.world.deeds = case.deeds;
    first.world.late = !case.overlaps;
    let mut seen = HashSet::from([first.clone()]);
    let mut queue = VecDeque::from([first]);
    let mut transitions = 0;
    while let Some(node) = queue.pop_front() {
        let mut nexts = Vec::new();
        match &node.run {
            None => {
                for rotate in [false, true] {
                    let ledger = refresh(case, &node.world, &node.saved, bug);
                    let goal = plan(case, &ledger, rotate);
                    nexts.push(Node {
                        saved: ledger.clone(),
                        run: Some((goal, ledger, Session::default())),
                        ..node.clone()
                    });
                }
                if case.outsider {
                    let mut meddled = node.clone();
                    meddled.world.held.insert(key(case.targets - 1), FOREIGN);
                    nexts.push(meddled);
                }
                nexts.extend(deeds(case, &node));
                let mut later = node.clone();
                later.world.late = true;
                later.world.shut = false;
                later.world.unsettled = false;
                later.world.busy = false;
                later.world.led = true;
                nexts.push(later);
            }
            Some((goal, ledger, session)) => {
                let step = chosen(goal, ledger, session, bug);
                // Between the reading and the revocation is one call; what happens there nobody sees.
                if session.reading.is_none() {
                    nexts.extend(deeds(case, &node));
                }
                // A kill loses what the run learned; an interrupt keeps it.
                nexts.push(Node {
                    run: None,
                    ..node.clone()
                });
                nexts.push(Node {
                    saved: ledger.clone(),
                    run: None,
                    ..node.clone()
                });
                let bounded = matches!(step, Step::Mint(generation) if generation > case.mints);
                if !bounded && !matches!(step, Step::Done | Step::Stuck(_)) {
                    for fate in [Fate::Done, Fate::Refused, Fate::LostAfterEffect, Fate::LostBeforeEffect] {
                        nexts.push(perform(case, &node, &step, fate, bug));
                    }
                }
            }
        }
        for next in nexts {
            transitions += 1;
            if let Some(what) = violation(case, &next) {
                return Err(what);
            }
            if !seen.contains(&next) {
                if settling && next.run.is_none() {
                    settles(case, &next, bug)?;
                }
                seen.insert(next.clone());
                queue.push_back(next);
            }
        }
    }
    Ok((seen.len(), transitions))
}
