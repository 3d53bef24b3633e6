//! The engine, searched exhaustively: every mix of success, refusal, lost answers, kills and outsiders, up to a bound.
//!
//! The model keeps a world (what the issuer and the targets really have) beside the ledger (what is known) and plays
//! the parts of Terraform, Read and the executor around [`next_step`]. A run ends at its first failure. A kill loses
//! everything that the run learned.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use jiff::Timestamp;
use rotation_provider::label::Label;
use rotation_provider::rotation::gate::{Holding, IssuerSays, Look, Wait};
use rotation_provider::rotation::{
    CredentialRecord, CredentialStatus, DeliveryRecord, DeliveryStatus, Ending, Entry, Event, Goal, Ledger, Reading,
    RevisionKind, Seen, Session, Step, StuckReason, TargetGoal, Verdict, next_step,
};

/// What is really there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    live: BTreeSet<u64>,
    held: BTreeMap<String, u64>,
    /// What consumers use where that is not what stands in the entry.
    used: BTreeMap<String, u64>,
    /// The last target cannot be looked at.
    dark: bool,
    /// The check does not pass.
    broken: bool,
    minted: u64,
    /// The overlap has ended.
    late: bool,
    /// Deeds of outsiders that are left.
    deeds: u8,
    /// A revocation that broke a rule.
    crime: Option<String>,
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
    /// The vendor has no marker of writes.
    blind: bool,
    /// One more target is configured, and was never written.
    added: bool,
    /// What was written goes live by an activation of ours.
    staged: bool,
    /// The old credential outlives the rotation.
    overlaps: bool,
    /// How many deeds of outsiders happen at any moment: they write, delete, end the new credential, break what is checked.
    deeds: u8,
}

impl Case {
    fn configured(self) -> impl Iterator<Item = String> {
        (0..self.targets + usize::from(self.added)).map(key)
    }
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
    /// The gate without one of its conditions.
    GateIgnores(Condition),
}

/// A condition of the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Unfinished,
    Behind,
    Staged,
    Changed,
    Missing,
    Unknown,
    NewestDead,
    Check,
    Overlap,
}

impl Condition {
    const ALL: [Self; 9] = [
        Self::Unfinished,
        Self::Behind,
        Self::Staged,
        Self::Changed,
        Self::Missing,
        Self::Unknown,
        Self::NewestDead,
        Self::Check,
        Self::Overlap,
    ];

    fn of(wait: &Wait) -> Self {
        match wait {
            Wait::Unfinished { .. } => Self::Unfinished,
            Wait::Target { holding, .. } => match holding {
                Holding::Behind(_) => Self::Behind,
                Holding::Staged => Self::Staged,
                Holding::Changed => Self::Changed,
                Holding::Missing => Self::Missing,
                Holding::Unknown | Holding::Gone => Self::Unknown,
            },
            Wait::NewestDead | Wait::IssuerSilent => Self::NewestDead,
            Wait::Check { .. } => Self::Check,
            // The model has no window: it is always open.
            Wait::Overlap { .. } | Wait::Window { .. } => Self::Overlap,
        }
    }
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
        delivery.revision = revision(1).filter(|_| !case.blind);
        delivery.delivered_at = Some(BEFORE);
        (key(target), delivery)
    });
    let current = vec![record(1, CredentialStatus::Current)];
    let saved = Ledger::of_state(1, true, current, deliveries.collect());
    let held = (0..case.targets).map(|target| (key(target), 1)).collect();
    Node {
        world: World {
            live: BTreeSet::from([1]),
            held,
            used: BTreeMap::new(),
            dark: false,
            broken: false,
            minted: 1,
            late: true,
            deeds: 0,
            crime: None,
        },
        saved,
        run: None,
    }
}

/// The secret's id, and the instants before and after every write of ours.
const ID: &str = "0123456789abcdef0123456789abcdef";
const BEFORE: Timestamp = Timestamp::UNIX_EPOCH;
const AFTER: Timestamp = Timestamp::MAX;

/// A text of somebody else.
const FOREIGN: u64 = 999;

fn revision(generation: u64) -> Option<String> {
    Some(format!("r{generation}"))
}

/// What a look at a target shows.
fn entry(case: Case, name: &str, world: &World) -> Option<Entry> {
    let holds = world.held.get(name).copied()?;
    let marked = case.readable_first && name == key(0);
    Some(Entry {
        revision: revision(holds).filter(|_| !case.blind),
        kind: if marked {
            RevisionKind::Version
        } else {
            RevisionKind::Digest
        },
        label: (marked && holds < 900).then(|| Label::new("t", ID, holds)),
        modified_at: Some(AFTER),
        live: Some(world.used.get(name).is_none_or(|used| *used == holds)),
        detail: None,
    })
}

/// Read: the vendors' markers and the survey, written into the ledger.
fn refresh(case: Case, world: &World, saved: &Ledger, bug: Bug) -> Ledger {
    let mut ledger = saved.clone();
    let before = ledger.generation();
    for target in (0..case.targets).map(key) {
        if world.dark && target == key(case.targets - 1) {
            ledger.record(Event::Unreachable { target });
            continue;
        }
        ledger.record(Event::Seen(Seen {
            entry: entry(case, &target, world),
            target,
            id: ID.to_owned(),
            deferred: false,
            must_be_live: false,
            was_unreachable: false,
            at: BEFORE,
        }));
    }
    let marked = ledger.deliveries().values().filter_map(|delivery| delivery.generation);
    if let Some(generation) = marked.max().filter(|marked| *marked > before) {
        ledger.record(Event::FoundAhead { generation });
    }
    for known in ledger.credentials().to_vec() {
        if !world.live.contains(&known.generation) {
            ledger.record(Event::Ended {
                generation: known.generation,
                issuer: known.issuer,
            });
        }
    }
    let doubtful = ledger.deliveries().values().any(|d| {
        matches!(
            d.status,
            DeliveryStatus::Changed | DeliveryStatus::Unknown | DeliveryStatus::Missing
        )
    });
    for generation in &world.live {
        if ledger.credential(*generation).is_none() && bug != Bug::OrphansAreOverlooked {
            let status = match () {
                () if *generation == ledger.generation() => CredentialStatus::Current,
                () if doubtful => CredentialStatus::Overlapping,
                () => CredentialStatus::Orphaned,
            };
            ledger.record(Event::Found(record(*generation, status)));
        }
    }
    ledger
}

/// Plan: what a user wants, in the engine's terms. `rotate` is a wish for a new generation.
fn plan(case: Case, ledger: &Ledger, rotate: bool) -> Goal {
    let newest = ledger.highest();
    let whole = ledger
        .deliveries()
        .values()
        .all(|delivery| delivery.holds(ledger.generation()));
    let escrow = case.readable_first && ledger.delivery(&key(0)).is_some_and(|d| d.holds(ledger.generation()));
    // The issuer says that the current credential is gone: a lost answer of an issuer without overlap.
    let gone = ledger.credential(ledger.generation()).is_none();
    let renew = rotate || gone || (!whole && !escrow);
    let touch = renew || !whole || !ledger.is_finished();
    let targets = (0..case.targets).filter(|_| touch).map(|target| {
        let wave = if case.waves { target as u64 + 1 } else { 1 };
        let goal = TargetGoal {
            wave,
            write: false,
            activates: case.staged,
            follow_up: false,
            activate: false,
        };
        (key(target), goal)
    });
    Goal {
        generation: Some(if renew { newest + 1 } else { ledger.generation() }),
        may_mint: renew,
        may_recover: !renew,
        max_live: case.max_live,
        replaces: case.replaces,
        revocable: !case.replaces,
        targets: targets.collect(),
        checked_waves: BTreeSet::from([1]),
        revoke: ledger.superseded(),
        ending: if case.overlaps { Ending::Later } else { Ending::Checked },
        ..Goal::default()
    }
}

/// The executor: performs one step in the world, and records what became known.
fn perform(case: Case, node: &Node, step: &Step, fate: Fate, bug: Bug) -> Node {
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
                ledger.record(Event::Recognised {
                    target: key(0),
                    generation: *generation,
                    revision: format!("r{generation}"),
                    at: BEFORE,
                });
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
                let (credential, replaces) = (record(*generation, CredentialStatus::Current), goal.replaces);
                ledger.record(Event::Minted { credential, replaces });
                session.in_hand = Some(*generation);
            }
        }
        Step::Deliver { generation, targets } => {
            session.reading = None;
            for target in targets.clone() {
                let generation = *generation;
                if happened {
                    if case.staged {
                        let used = world.used.get(&target).or(world.held.get(&target)).copied();
                        world.used.insert(target.clone(), used.unwrap_or(generation));
                    }
                    world.held.insert(target.clone(), generation);
                }
                if fate == Fate::Done || (doubt && bug == Bug::LostAnswersCountAsDone) {
                    session.written.insert(target.clone());
                    ledger.record(Event::Delivered {
                        target,
                        generation,
                        revision: revision(generation).filter(|_| !case.blind),
                        at: BEFORE,
                        staged: case.staged,
                    });
                } else if doubt {
                    ledger.record(Event::Unanswered { target, generation });
                }
            }
        }
        Step::Activate { targets } => {
            session.reading = None;
            for target in targets.clone() {
                if happened {
                    world.used.remove(&target);
                }
                if fate == Fate::Done {
                    session.activated.insert(target.clone());
                    ledger.record(Event::WentLive { target });
                }
            }
        }
        Step::Check(wave) if fate == Fate::Done && !world.broken => {
            session.checked.insert(*wave);
        }
        Step::Promote => ledger.record(Event::Promoted { revoke_after: AFTER }),
        Step::ReadGate(_) if fate == Fate::Done => session.reading = Some(reading(case, world, ledger)),
        Step::Wait(generation, reasons) => {
            session.waiting.insert(*generation, reasons.clone());
        }
        Step::Revoke(generation) => {
            session.reading = None;
            if happened {
                world.crime = crime(case, world, ledger, *generation);
                world.live.remove(generation);
            }
            if fate == Fate::Done {
                let issuer = record(*generation, CredentialStatus::Current).issuer;
                session.revoked |= !ledger.never_held(*generation);
                ledger.record(Event::Ended {
                    generation: *generation,
                    issuer,
                });
            }
        }
        _ => {}
    }
    let failed_check = matches!(step, Step::Check(_)) && world.broken;
    let goes_on = doubt && bug == Bug::LostAnswersCountAsDone && matches!(step, Step::Deliver { .. });
    if (fate != Fate::Done || failed_check) && !goes_on {
        next.saved = ledger.clone();
        next.run = None;
    }
    next
}

/// What the gate reads.
fn reading(case: Case, world: &World, ledger: &Ledger) -> Reading {
    let look = |target: String| {
        if world.dark && target == key(case.targets - 1) {
            return (target, Look::Unreachable);
        }
        let seen = entry(case, &target, world);
        let verdict = ledger.delivery(&target).map_or(Verdict::CannotTell, |record| {
            rotation_provider::rotation::judge(record, seen.as_ref(), ID)
        });
        (target, Look::Entry(verdict, seen.and_then(|seen| seen.live)))
    };
    let dead = !world.live.contains(&ledger.generation());
    Reading {
        at: if world.late { AFTER } else { BEFORE },
        targets: case.configured().map(look).collect(),
        issuer: if dead {
            IssuerSays::Dead
        } else {
            IssuerSays::NothingAgainst
        },
        failed_checks: world
            .broken
            .then(|| ("up".to_owned(), "503".to_owned()))
            .into_iter()
            .collect(),
        opens: None,
    }
}

/// What is wrong with a revocation, seen from the world.
fn crime(case: Case, world: &World, ledger: &Ledger, generation: u64) -> Option<String> {
    if ledger.never_held(generation) || !world.live.contains(&generation) {
        return None;
    }
    let newest = ledger.generation();
    let (held, used) = (&world.held, &world.used);
    let astray = case
        .configured()
        .find(|target| held.get(target) != Some(&newest) || used.get(target).is_some_and(|used| *used != newest));
    match astray {
        Some(target) => Some(format!(
            "generation {generation} was revoked while {target} did not run {newest}"
        )),
        None if !world.live.contains(&newest) => {
            Some(format!("generation {generation} was revoked, the last one alive"))
        }
        None if world.broken => Some(format!("generation {generation} was revoked while the check failed")),
        None if case.overlaps && !world.late => {
            Some(format!("generation {generation} was revoked before its overlap ended"))
        }
        None if !ledger.is_finished() => Some(format!(
            "generation {generation} was revoked in the middle of a rotation"
        )),
        None => None,
    }
}

fn chosen(goal: &Goal, ledger: &Ledger, session: &Session, bug: Bug) -> Step {
    let step = next_step(goal, ledger, session);
    if let (Bug::GateIgnores(condition), Step::Wait(generation, reasons)) = (bug, &step) {
        return match reasons.iter().all(|wait| Condition::of(wait) == condition) {
            true => Step::Revoke(*generation),
            false => step,
        };
    }
    match (bug, &step) {
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

fn violation(case: Case, node: &Node) -> Option<String> {
    if node.world.crime.is_some() && !case.replaces {
        return node.world.crime.clone();
    }
    // What an outsider ends is not ours to answer for.
    let ours = |held: &&u64| **held < 900 && !node.world.live.contains(held);
    if !case.replaces
        && case.deeds == 0
        && let Some(held) = node.world.held.values().find(ours)
    {
        return Some(format!("a target holds the revoked generation {held}"));
    }
    None
}

/// Without further faults, at most two applies reach rest: one live credential, every target holds it, nothing left to do.
fn settles(case: Case, node: &Node, bug: Bug) -> Result<(), String> {
    let mut node = node.clone();
    // Outsiders are gone, what they broke is mended, and time passes.
    node.world.broken = false;
    node.world.late = true;
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
    let rest = refresh(case, &node.world, &node.saved, bug);
    if plan(case, &rest, false).targets.is_empty() && rest.superseded().is_empty() {
        Ok(())
    } else {
        Err("the plan after rest is not empty".to_owned())
    }
}

/// Everything that an outsider may do now.
fn deeds(case: Case, node: &Node) -> Vec<Node> {
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
    ]
}

/// Walks everything reachable. Returns how many states and transitions there are.
fn explore(case: Case, bug: Bug) -> Result<(usize, usize), String> {
    search(case, bug, true)
}

/// The same; `settling` also asks of every state between two runs whether it comes to rest.
fn search(case: Case, bug: Bug, settling: bool) -> Result<(usize, usize), String> {
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

const PLAIN: Case = Case {
    targets: 2,
    mints: 4,
    readable_first: false,
    max_live: None,
    replaces: false,
    waves: false,
    outsider: false,
    blind: false,
    added: false,
    staged: false,
    overlaps: false,
    deeds: 0,
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
        // The gate would see a lost answer that counts as done, where the vendor marks writes.
        let blind = bug == Bug::LostAnswersCountAsDone;
        let found = explore(
            Case {
                waves: true,
                blind,
                ..PLAIN
            },
            bug,
        );
        println!("{bug:?}: {found:?}");
        assert!(found.is_err(), "{bug:?} was not found");
    }
}

const GATED: Case = Case {
    targets: 2,
    mints: 2,
    overlaps: true,
    deeds: 1,
    staged: true,
    ..PLAIN
};

#[test]
fn nothing_is_revoked_while_the_gate_is_closed_whatever_outsiders_do() {
    for case in [
        GATED,
        Case {
            overlaps: false,
            ..GATED
        },
        Case { waves: true, ..GATED },
    ] {
        let (states, transitions) = search(case, Bug::None, false).unwrap_or_else(|what| panic!("{case:?}: {what}"));
        println!("{states:>6} states, {transitions:>7} transitions: {case:?}");
    }
}

#[test]
fn each_condition_of_the_gate_is_missed_when_it_is_removed() {
    let crowded = Case {
        mints: 3,
        max_live: Some(2),
        overlaps: false,
        ..GATED
    };
    let added = Case { added: true, ..GATED };
    let cases = [
        GATED,
        Case {
            overlaps: false,
            ..GATED
        },
        crowded,
        added,
    ];
    for case in cases {
        assert_eq!(search(case, Bug::None, false).err(), None, "{case:?}");
    }
    for condition in Condition::ALL {
        let found = cases
            .into_iter()
            .find_map(|case| search(case, Bug::GateIgnores(condition), false).err());
        println!("without {condition:?}: {found:?}");
        assert!(found.is_some(), "{condition:?} is never missed");
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
    assert_eq!(boxed, Err(format!("stuck: {:?}", StuckReason::LimitReached)));
}

#[test]
fn room_is_made_by_a_person_where_revocation_is_by_hand() {
    let mut ledger = refresh(PLAIN, &start(PLAIN).world, &start(PLAIN).saved, Bug::None);
    ledger.record(Event::Found(record(2, CredentialStatus::Orphaned)));
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
        Step::Stuck(StuckReason::LimitReached)
    );
    // A role whose password was reset since takes no room: it is the one to be reset.
    let session = Session {
        outlived: BTreeSet::from([2]),
        ..session
    };
    assert_eq!(next_step(&goal(false), &ledger, &session), Step::Mint(3));
}
