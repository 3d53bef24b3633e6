//! The engine, searched exhaustively: every mix of success, refusal, lost answers, kills and outsiders, up to a bound.
//!
//! The model keeps a world (what the issuer and the targets really have) beside the ledger (what is known) and plays
//! the parts of Terraform, Read and the executor around [`next_step`]. A run ends at its first failure. A kill loses
//! everything that the run learned.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use rotation_provider::rotation::{
    CredentialRecord, CredentialStatus, DeliveryRecord, DeliveryStatus, Goal, Ledger, Session, Step, TargetGoal, Why,
    next_step,
};

/// What is really there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    live: BTreeSet<u64>,
    held: BTreeMap<String, u64>,
    minted: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Node {
    world: World,
    /// What Terraform has on file.
    saved: Ledger,
    /// What the run knows; `None` between runs.
    run: Option<(Goal, Ledger, Session)>,
}

/// One secret's circumstances.
#[derive(Clone, Copy, Debug)]
struct Case {
    targets: usize,
    mints: u64,
    readable_first: bool,
    max_live: Option<u8>,
    replaces: bool,
    waves: bool,
    outsider: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Done,
    Refused,
    LostAfterEffect,
    LostBeforeEffect,
}

/// Mistakes planted to prove that the search would find them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    None,
    OrphansAreOverlooked,
    LostAnswersCountAsDone,
    RevokesBeforeEveryTargetHolds,
    ForgetsWhatATargetMayHold,
}

fn key(target: usize) -> String {
    format!("t{target}")
}

fn record(generation: u64, status: CredentialStatus) -> CredentialRecord {
    CredentialRecord {
        generation,
        credential_id: Some(generation.to_string()),
        issuer: "issuer:default:x".to_owned(),
        label: String::new(),
        status,
        minted_at: None,
        expires_at: None,
        revoke_after: None,
    }
}

fn start(case: Case) -> Node {
    let deliveries = (0..case.targets).map(|target| {
        let mut delivery = DeliveryRecord::new(key(target));
        delivery.generation = Some(1);
        delivery.status = DeliveryStatus::Current;
        (key(target), delivery)
    });
    let saved = Ledger {
        generation: 1,
        finished: true,
        credentials: vec![record(1, CredentialStatus::Current)],
        deliveries: deliveries.collect(),
    };
    let held = (0..case.targets).map(|target| (key(target), 1)).collect();
    Node {
        world: World {
            live: BTreeSet::from([1]),
            held,
            minted: 1,
        },
        saved,
        run: None,
    }
}

/// Read: the vendors' markers and the survey, written into the ledger.
fn refresh(case: Case, world: &World, saved: &Ledger, bug: Bug) -> Ledger {
    let mut ledger = saved.clone();
    let before = ledger.generation;
    for (name, delivery) in &mut ledger.deliveries {
        let holds = world.held.get(name).copied().unwrap_or(0);
        let marked = case.readable_first && *name == key(0);
        if delivery.generation == Some(holds) && delivery.status != DeliveryStatus::Unknown {
            if delivery.status == DeliveryStatus::Changed {
                delivery.status = DeliveryStatus::Current;
            }
        } else if marked && holds > before && holds < 900 {
            delivery.generation = Some(holds);
            delivery.status = DeliveryStatus::Current;
        } else if delivery.status != DeliveryStatus::Unknown {
            delivery.status = DeliveryStatus::Changed;
        }
    }
    let marked = ledger
        .deliveries
        .values()
        .filter_map(|delivery| delivery.generation)
        .max()
        .unwrap_or(0);
    if marked > ledger.generation {
        ledger.generation = marked;
        ledger.finished = false;
    }
    ledger
        .credentials
        .retain(|known| world.live.contains(&known.generation));
    let doubtful = ledger
        .deliveries
        .values()
        .any(|d| matches!(d.status, DeliveryStatus::Changed | DeliveryStatus::Unknown));
    for generation in &world.live {
        if ledger.credential(*generation).is_none() && bug != Bug::OrphansAreOverlooked {
            let status = match () {
                () if *generation == ledger.generation => CredentialStatus::Current,
                () if doubtful => CredentialStatus::Overlapping,
                () => CredentialStatus::Orphaned,
            };
            ledger.note(record(*generation, status));
        }
    }
    ledger
}

/// Plan: what a user wants, in the engine's terms. `rotate` is a wish for a new generation.
fn plan(case: Case, ledger: &Ledger, rotate: bool) -> Goal {
    let newest = ledger
        .credentials
        .iter()
        .map(|c| c.generation)
        .max()
        .unwrap_or(0)
        .max(ledger.generation);
    let whole = ledger
        .deliveries
        .values()
        .all(|delivery| delivery.holds(ledger.generation));
    let escrow = case.readable_first
        && ledger
            .deliveries
            .get(&key(0))
            .is_some_and(|d| d.holds(ledger.generation));
    // The issuer says that the current credential is gone: a lost answer of an issuer without overlap.
    let gone = ledger.credential(ledger.generation).is_none();
    let renew = rotate || gone || (!whole && !escrow);
    let touch = renew || !whole || !ledger.finished;
    let targets = (0..case.targets).filter(|_| touch).map(|target| {
        let wave = if case.waves { target as u64 + 1 } else { 1 };
        (
            key(target),
            TargetGoal {
                wave,
                write: false,
                activates: false,
            },
        )
    });
    Goal {
        generation: Some(if renew { newest + 1 } else { ledger.generation }),
        may_mint: renew,
        may_recover: !renew,
        max_live: case.max_live,
        replaces: case.replaces,
        revocable: !case.replaces,
        targets: targets.collect(),
        checked_waves: BTreeSet::from([1]),
        revoke: ledger.superseded(),
        revoke_at_once: true,
        ..Goal::default()
    }
}

/// The executor: performs one step in the world, and records what became known.
fn perform(node: &Node, step: &Step, fate: Fate, bug: Bug) -> Node {
    let mut next = node.clone();
    let Some((goal, ledger, session)) = &mut next.run else {
        return next;
    };
    let world = &mut next.world;
    let happened = matches!(fate, Fate::Done | Fate::LostAfterEffect);
    let doubt = matches!(fate, Fate::LostAfterEffect | Fate::LostBeforeEffect);
    match step {
        Step::Survey => session.surveyed = fate == Fate::Done,
        Step::Inspect => session.inspected = fate == Fate::Done,
        Step::Recover(generation) => {
            session.recovery_tried = true;
            if fate == Fate::Done && world.held.get(&key(0)) == Some(generation) {
                session.in_hand = Some(*generation);
                if let Some(delivery) = ledger.deliveries.get_mut(&key(0)) {
                    delivery.generation = Some(*generation);
                    delivery.status = DeliveryStatus::Current;
                }
            }
        }
        Step::Mint(generation) => {
            if happened {
                world.minted = *generation;
                if goal.replaces {
                    world.live.clear();
                }
                world.live.insert(*generation);
            }
            if fate == Fate::Done {
                if goal.replaces {
                    ledger.credentials.clear();
                }
                for known in &mut ledger.credentials {
                    if known.status == CredentialStatus::Current {
                        known.status = CredentialStatus::Overlapping;
                    }
                }
                ledger.note(record(*generation, CredentialStatus::Current));
                ledger.generation = *generation;
                ledger.finished = false;
                session.in_hand = Some(*generation);
            }
        }
        Step::Deliver { generation, targets } => {
            for name in targets {
                if happened {
                    world.held.insert(name.clone(), *generation);
                }
                let Some(delivery) = ledger.deliveries.get_mut(name) else {
                    continue;
                };
                if fate == Fate::Done || (doubt && bug == Bug::LostAnswersCountAsDone) {
                    delivery.generation = Some(*generation);
                    delivery.status = DeliveryStatus::Current;
                    session.written.insert(name.clone());
                } else if doubt {
                    delivery.status = DeliveryStatus::Unknown;
                }
            }
        }
        Step::Check(wave) if fate == Fate::Done => {
            session.checked.insert(*wave);
        }
        Step::Promote => ledger.promote(None),
        Step::Revoke(generation) => {
            if happened {
                world.live.remove(generation);
            }
            if fate == Fate::Done {
                ledger.credentials.retain(|known| known.generation != *generation);
                session.revoked = true;
            }
        }
        _ => {}
    }
    let goes_on = doubt && bug == Bug::LostAnswersCountAsDone && matches!(step, Step::Deliver { .. });
    if fate != Fate::Done && !goes_on {
        next.saved = ledger.clone();
        next.run = None;
    }
    next
}

fn chosen(goal: &Goal, ledger: &Ledger, session: &Session, bug: Bug) -> Step {
    let step = next_step(goal, ledger, session);
    match (bug, &step) {
        (Bug::RevokesBeforeEveryTargetHolds, Step::Deliver { .. }) if session.in_hand.is_some() => ledger
            .superseded()
            .first()
            .map_or(step.clone(), |generation| Step::Revoke(*generation)),
        (Bug::ForgetsWhatATargetMayHold, Step::Mint(_)) => {
            let mut forgetful = ledger.clone();
            for delivery in forgetful.deliveries.values_mut() {
                delivery.generation = Some(ledger.generation);
                delivery.status = DeliveryStatus::Current;
            }
            let other = forgetful.superseded().into_iter().next();
            other.map_or(step.clone(), Step::Revoke)
        }
        _ => step,
    }
}

fn violation(case: Case, node: &Node) -> Option<String> {
    let dead = |held: &&u64| **held < 900 && !node.world.live.contains(held);
    if !case.replaces
        && let Some(held) = node.world.held.values().find(dead)
    {
        return Some(format!("a target holds the revoked generation {held}"));
    }
    None
}

/// Without further faults, at most two applies reach rest: one live credential, every target holds it, nothing left to do.
fn settles(case: Case, node: &Node, bug: Bug) -> Result<(), String> {
    let mut node = node.clone();
    if let Some((_, ledger, _)) = node.run.take() {
        node.saved = ledger;
    }
    for _ in 0..2 {
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
                step => node = perform(&node, &step, Fate::Done, bug),
            }
        }
        if let Some((_, ledger, _)) = node.run.take() {
            node.saved = ledger;
        }
    }
    let newest = node.saved.generation;
    if node.world.live != BTreeSet::from([newest]) {
        return Err(format!("live at rest: {:?}, newest is {newest}", node.world.live));
    }
    if node.world.held.values().any(|held| *held != newest) {
        return Err(format!("targets at rest: {:?}, newest is {newest}", node.world.held));
    }
    let rest = refresh(case, &node.world, &node.saved, bug);
    if plan(case, &rest, false).targets.is_empty() && rest.superseded().is_empty() {
        Ok(())
    } else {
        Err("the plan after rest is not empty".to_owned())
    }
}

/// Walks everything reachable. Returns how many states and transitions there are.
fn explore(case: Case, bug: Bug) -> Result<(usize, usize), String> {
    let first = start(case);
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
                    meddled.world.held.insert(key(case.targets - 1), 999);
                    nexts.push(meddled);
                }
            }
            Some((goal, ledger, session)) => {
                let step = chosen(goal, ledger, session, bug);
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
                        nexts.push(perform(&node, &step, fate, bug));
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
                if next.run.is_none() {
                    settles(case, &next, bug)?;
                }
                seen.insert(next.clone());
                queue.push_back(next);
            }
        }
    }
    Ok((seen.len(), transitions))
}

const PLAIN: Case = Case {
    targets: 2,
    mints: 4,
    readable_first: false,
    max_live: None,
    replaces: false,
    waves: false,
    outsider: false,
};

#[test]
fn no_sequence_of_failures_breaks_a_guarantee() {
    let cases = [
        PLAIN,
        Case {
            targets: 1,
            mints: 5,
            ..PLAIN
        },
        Case { waves: true, ..PLAIN },
        Case {
            targets: 3,
            mints: 3,
            waves: true,
            ..PLAIN
        },
        Case {
            readable_first: true,
            waves: true,
            ..PLAIN
        },
        Case {
            targets: 3,
            mints: 3,
            readable_first: true,
            waves: true,
            ..PLAIN
        },
        Case {
            outsider: true,
            mints: 3,
            ..PLAIN
        },
        Case {
            outsider: true,
            readable_first: true,
            waves: true,
            mints: 3,
            ..PLAIN
        },
        Case {
            replaces: true,
            mints: 4,
            ..PLAIN
        },
    ];
    for case in cases {
        let (states, transitions) = explore(case, Bug::None).unwrap_or_else(|what| panic!("{case:?}: {what}"));
        println!("{states:>6} states, {transitions:>7} transitions: {case:?}");
        assert!(states > 100, "the search did not get anywhere: {case:?}");
    }
}

#[test]
fn the_search_finds_planted_bugs() {
    for bug in [
        Bug::OrphansAreOverlooked,
        Bug::LostAnswersCountAsDone,
        Bug::RevokesBeforeEveryTargetHolds,
        Bug::ForgetsWhatATargetMayHold,
    ] {
        let found = explore(Case { waves: true, ..PLAIN }, bug);
        println!("{bug:?}: {found:?}");
        assert!(found.is_err(), "{bug:?} was not found");
    }
}

#[test]
fn a_limit_on_live_credentials_without_escrow_can_box_a_rotation_in() {
    let boxed = explore(
        Case {
            max_live: Some(2),
            ..PLAIN
        },
        Bug::None,
    );
    assert_eq!(boxed, Err(format!("stuck: {:?}", Why::LimitReached)));
}

#[test]
fn room_is_made_by_a_person_where_revocation_is_by_hand() {
    let mut ledger = refresh(PLAIN, &start(PLAIN).world, &start(PLAIN).saved, Bug::None);
    ledger.note(record(2, CredentialStatus::Orphaned));
    let goal = |revocable| Goal {
        generation: Some(3),
        may_mint: true,
        max_live: Some(2),
        revocable,
        targets: plan(PLAIN, &ledger, true).targets,
        ..Goal::default()
    };
    let session = Session {
        surveyed: true,
        inspected: true,
        ..Session::default()
    };
    assert_eq!(next_step(&goal(true), &ledger, &session), Step::Revoke(2));
    assert_eq!(
        next_step(&goal(false), &ledger, &session),
        Step::Stuck(Why::LimitReached)
    );
    // A role whose password was reset since takes no room: it is the one to be reset.
    let session = Session {
        outlived: BTreeSet::from([2]),
        ..session
    };
    assert_eq!(next_step(&goal(false), &ledger, &session), Step::Mint(3));
}
