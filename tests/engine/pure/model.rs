//! The world of one secret, as small as the rules of the engine allow, and an executor that works in it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use rotation_provider::label::Label;
use rotation_provider::rotation::gate::{Holding, InUse, IssuerSays, Look, Wait};
use rotation_provider::rotation::{
    CredentialRecord, CredentialStatus, DeliveryRecord, DeliveryStatus, Ending, Entry, Escrow, Event, Goal, Ledger,
    Reading, RevisionKind, Seen, Session, Step, TargetGoal, Verdict,
};

/// What is really there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) live: BTreeSet<u64>,
    pub(super) held: BTreeMap<String, u64>,
    /// What consumers use where that is not what stands in the entry.
    pub(super) used: BTreeMap<String, u64>,
    /// The last target cannot be looked at.
    pub(super) dark: bool,
    /// The check does not pass.
    pub(super) broken: bool,
    pub(super) minted: u64,
    /// Generations whose value is parked.
    pub(super) parked: BTreeSet<u64>,
    /// The overlap has ended.
    pub(super) late: bool,
    /// The window is closed.
    pub(super) shut: bool,
    /// Consumers of the first target may still use the old value.
    pub(super) unsettled: bool,
    /// Somebody used the old credential a moment ago.
    pub(super) busy: bool,
    /// The lead of what the first wave holds has passed.
    pub(super) led: bool,
    /// Deeds of outsiders that are left.
    pub(super) deeds: u8,
    /// A revocation or a delivery that broke a rule.
    pub(super) crime: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Node {
    pub(super) world: World,
    /// What Terraform has on file.
    pub(super) saved: Ledger,
    /// What the run knows; `None` between runs.
    pub(super) run: Option<(Goal, Ledger, Session)>,
}

/// One secret's circumstances.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) targets: usize,
    pub(super) mints: u64,
    pub(super) readable_first: bool,
    /// Values are parked.
    pub(super) parks: bool,
    pub(super) max_live: Option<u8>,
    pub(super) replaces: bool,
    pub(super) waves: bool,
    pub(super) outsider: bool,
    /// The vendor has no marker of writes.
    pub(super) blind: bool,
    /// One more target is configured, and was never written.
    pub(super) added: bool,
    /// What was written goes live by an activation of ours.
    pub(super) staged: bool,
    /// The old credential outlives the rotation.
    pub(super) overlaps: bool,
    /// Rotations answer an incident: exposed credentials end then, and a target that fails holds nothing up.
    pub(super) incident: Option<Ending>,
    /// How many deeds of outsiders happen at any moment: they write, delete, end the new credential, break what is checked.
    pub(super) deeds: u8,
    /// How long the first wave leads.
    pub(super) lead: SignedDuration,
}

impl Case {
    pub(super) fn ending(self) -> Ending {
        let usual = if self.overlaps { Ending::Later } else { Ending::Checked };
        self.incident.unwrap_or(usual)
    }

    pub(super) fn configured(self) -> impl Iterator<Item = String> {
        (0..self.targets + usize::from(self.added)).map(key)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Done,
    Refused,
    LostAfterEffect,
    LostBeforeEffect,
}

/// Mistakes planted to prove that the search would find them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bug {
    None,
    OrphansAreOverlooked,
    LostAnswersCountAsDone,
    RevokesBeforeEveryTargetHolds,
    ForgetsWhatATargetMayHold,
    /// A wave starts although the one before has not led for long enough.
    LeadsAreIgnored,
    DeliversBeforeParking,
    EndedStaysParked,
    /// The gate without one of its conditions.
    GateIgnores(Condition),
}

/// A condition of the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Unfinished,
    Behind,
    Staged,
    Changed,
    Missing,
    Unknown,
    NewestDead,
    Check,
    Overlap,
    Window,
    Settle,
    InUse,
}

impl Condition {
    pub(super) const ALL: [Self; 12] = [
        Self::Unfinished,
        Self::Behind,
        Self::Staged,
        Self::Changed,
        Self::Missing,
        Self::Unknown,
        Self::NewestDead,
        Self::Check,
        Self::Overlap,
        Self::Window,
        Self::Settle,
        Self::InUse,
    ];

    pub(super) fn of(wait: &Wait) -> Self {
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
            Wait::Overlap { .. } => Self::Overlap,
            Wait::Window { .. } => Self::Window,
            Wait::Settle { .. } => Self::Settle,
            Wait::InUse(_) => Self::InUse,
        }
    }
}

pub(super) fn key(target: usize) -> String {
    format!("t{target}")
}

pub(super) fn record(generation: u64, status: CredentialStatus) -> CredentialRecord {
    CredentialRecord {
        generation,
        credential_id: Some(generation.to_string()),
        issuer: "issuer:default:x".to_owned(),
        label: String::new(),
        status,
        minted_at: None,
        expires_at: None,
        revoke_after: None,
        public_key: None,
    }
}

pub(super) fn start(case: Case) -> Node {
    let deliveries = (0..case.targets).map(|target| {
        let mut delivery = DeliveryRecord::new(key(target));
        delivery.generation = Some(1);
        delivery.status = DeliveryStatus::Current;
        delivery.revision = revision(1).filter(|_| !case.blind);
        delivery.delivered_at = Some(BEFORE);
        (key(target), delivery)
    });
    let current = vec![record(1, CredentialStatus::Current)];
    let parked: BTreeSet<u64> = case.parks.then_some(1).into_iter().collect();
    let saved = Ledger::of_state(1, true, current, deliveries.collect());
    let saved = saved.with_escrow(case.parks.then(|| escrow(parked.clone())));
    let held = (0..case.targets).map(|target| (key(target), 1)).collect();
    Node {
        world: World {
            live: BTreeSet::from([1]),
            held,
            used: BTreeMap::new(),
            dark: false,
            broken: false,
            minted: 1,
            parked,
            late: true,
            shut: false,
            unsettled: false,
            busy: false,
            led: true,
            deeds: 0,
            crime: None,
        },
        saved,
        run: None,
    }
}

/// The secret's id, and the instants before and after every write of ours.
pub(super) const ID: &str = "0123456789abcdef0123456789abcdef";
pub(super) const BEFORE: Timestamp = Timestamp::UNIX_EPOCH;
pub(super) const AFTER: Timestamp = Timestamp::MAX;

/// A text of somebody else.
pub(super) const FOREIGN: u64 = 999;

pub(super) fn revision(generation: u64) -> Option<String> {
    Some(format!("r{generation}"))
}

/// What is parked, on record.
fn escrow(generations: BTreeSet<u64>) -> Escrow {
    let slot = "escrow".to_owned();
    Escrow { slot, generations }
}

fn parked(generations: BTreeSet<u64>) -> Event {
    match generations.is_empty() {
        true => Event::Unparked,
        false => Event::Parked(escrow(generations)),
    }
}

/// The mark beside what is parked names the newest generation; of the others the record tells.
fn see_escrow(world: &World, ledger: &mut Ledger) {
    let known = ledger.escrow().map(|known| known.generations.clone());
    let Some(newest) = world.parked.last().copied() else {
        return ledger.record(Event::Unparked);
    };
    let is_ahead = newest > ledger.highest();
    ledger.record(parked(known.into_iter().flatten().chain([newest]).collect()));
    if is_ahead {
        ledger.record(Event::FoundAhead { generation: newest });
    }
}

/// What a look at a target shows.
pub(super) fn entry(case: Case, name: &str, world: &World) -> Option<Entry> {
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
        is_unreadable: false,
        exposed: None,
    })
}

/// Read: the vendors' markers and the survey, written into the ledger.
pub(super) fn refresh(case: Case, world: &World, saved: &Ledger, bug: Bug) -> Ledger {
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
            is_activated: false,
            must_be_live: false,
            was_unreachable: false,
            at: BEFORE,
        }));
    }
    if world.led {
        ledger.record(Event::Continued);
    }
    let marked = ledger.deliveries().values().filter_map(|delivery| delivery.generation);
    if let Some(generation) = marked.max().filter(|marked| *marked > before) {
        ledger.record(Event::FoundAhead { generation });
    }
    if case.parks {
        see_escrow(world, &mut ledger);
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
pub(super) fn plan(case: Case, ledger: &Ledger, rotate: bool) -> Goal {
    let newest = ledger.highest();
    let whole = ledger
        .deliveries()
        .values()
        .all(|delivery| delivery.holds(ledger.generation()));
    let escrow = case.readable_first && ledger.delivery(&key(0)).is_some_and(|d| d.holds(ledger.generation()));
    let escrow = escrow || ledger.is_parked(ledger.generation());
    // The issuer says that the current credential is gone: a lost answer of an issuer without overlap.
    let gone = ledger.credential(ledger.generation()).is_none();
    let paused = ledger.paused_until().is_some() && !rotate && !gone;
    let renew = rotate || gone || (!whole && !escrow && !paused);
    let touch = !paused && (renew || !whole || !ledger.is_finished());
    let targets = (0..case.targets).filter(|_| touch).map(|target| {
        let wave = if case.waves { target as u64 + 1 } else { 1 };
        let goal = TargetGoal {
            wave,
            write: false,
            activates: case.staged,
            follow_up: false,
            activate: false,
            lead: if target == 0 { case.lead } else { SignedDuration::ZERO },
        };
        (key(target), goal)
    });
    Goal {
        generation: Some(if renew { newest + 1 } else { ledger.generation() }),
        may_mint: renew,
        may_recover: !renew,
        parks: case.parks,
        // An incident exposes whatever there is.
        exposed: match case.incident {
            Some(_) => ledger.credentials().iter().map(|known| known.generation).collect(),
            None => BTreeSet::new(),
        },
        max_live: case.max_live,
        replaces: case.replaces,
        revocable: !case.replaces,
        targets: targets.collect(),
        checked_waves: BTreeSet::from([1]),
        revoke: ledger.superseded(),
        ending: case.ending(),
        goes_on: case.incident.is_some(),
        leaves_unfinished: paused,
        ..Goal::default()
    }
}

/// The executor: performs one step in the world, and records what became known.
pub(super) fn perform(case: Case, node: &Node, step: &Step, fate: Fate, bug: Bug) -> Node {
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
            if fate == Fate::Done && world.parked.contains(generation) {
                session.in_hand = Some(*generation);
                ledger.record(Event::Resumed {
                    generation: *generation,
                });
            } else if fate == Fate::Done && world.held.get(&key(0)) == Some(generation) {
                session.in_hand = Some(*generation);
                ledger.record(Event::Recognised {
                    target: key(0),
                    generation: *generation,
                    revision: format!("r{generation}"),
                    staged: false,
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
        Step::ReadClock if fate == Fate::Done => session.now = Some(if world.led { AFTER } else { BEFORE }),
        Step::AwaitLead(lead) if fate == Fate::Done => {
            world.led = true;
            session.now = Some(lead.until);
        }
        Step::Pause(lead) if fate == Fate::Done => {
            session.paused = true;
            ledger.record(Event::Paused { until: lead.until });
        }
        Step::Park(_) | Step::Unpark => {
            let added = match step {
                Step::Park(generation) => Some(*generation),
                _ => None,
            };
            let known = world.parked.iter().copied();
            let kept = known.filter(|generation| ledger.credential(*generation).is_some());
            let now: BTreeSet<u64> = kept.chain(added).collect();
            if happened {
                let gone = world
                    .parked
                    .iter()
                    .find(|left| !now.contains(left) && world.live.contains(left));
                if let Some(left) = gone {
                    world.crime = Some(format!("generation {left} left escrow while it works"));
                }
                world.parked.clone_from(&now);
            }
            if fate == Fate::Done {
                ledger.record(parked(now));
            }
            // A failure holds nothing up.
            session.parking_failed |= fate != Fate::Done && added.is_some();
            session.escrow_tidied |= added.is_none();
            return next;
        }
        Step::Deliver { generation, targets } => {
            session.reading = None;
            session.now = None;
            if case.parks && !world.parked.contains(generation) && !session.parking_failed {
                world.crime = Some(format!("generation {generation} was delivered and is not parked"));
            }
            for target in targets.clone() {
                let generation = *generation;
                if happened {
                    if !case.lead.is_zero() && target == key(0) {
                        world.led = false;
                    } else if !world.led && !ledger.is_finished() {
                        world.crime = Some(format!("{target} was written before t0 had led"));
                    }
                    if case.staged {
                        let used = world.used.get(&target).or(world.held.get(&target)).copied();
                        world.used.insert(target.clone(), used.unwrap_or(generation));
                    }
                    world.held.insert(target.clone(), generation);
                }
                if fate == Fate::Done || (doubt && bug == Bug::LostAnswersCountAsDone) {
                    session.written.insert(target.clone());
                    session.live_at.insert(target.clone(), BEFORE);
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
            session.now = None;
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
    // In an incident, a target that fails is left behind.
    if let (Step::Deliver { targets, .. } | Step::Activate { targets }, true) =
        (step, goal.goes_on && fate != Fate::Done)
    {
        session.failed.extend(targets.iter().cloned());
        return next;
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
pub(super) fn reading(case: Case, world: &World, ledger: &Ledger) -> Reading {
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
        opens: world.shut.then(|| "sat 02:00 UTC".to_owned()),
        settling: world.unsettled.then(|| (key(0), AFTER)).into_iter().collect(),
        in_use: ledger
            .superseded()
            .into_iter()
            .filter(|_| world.busy)
            .map(|generation| (generation, InUse::CannotTell))
            .collect(),
    }
}

/// What is wrong with a revocation, seen from the world.
pub(super) fn crime(case: Case, world: &World, ledger: &Ledger, generation: u64) -> Option<String> {
    if ledger.never_held(generation) || !world.live.contains(&generation) {
        return None;
    }
    let newest = ledger.generation();
    if case.incident == Some(Ending::AtOnce) {
        // Where an outsider ended the new one, the exposed one ends all the same.
        let is_last = case.deeds == 0 && !world.live.contains(&newest);
        return is_last.then(|| format!("generation {generation} was revoked, the last one alive"));
    }
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
        None if case.incident == Some(Ending::Delivered) => None,
        None if world.shut && case.incident.is_none() => {
            Some(format!("generation {generation} was revoked outside the window"))
        }
        None if world.unsettled && case.incident.is_none() => Some(format!(
            "generation {generation} was revoked while consumers of t0 may use it"
        )),
        None if world.busy && case.incident.is_none() => {
            Some(format!("generation {generation} was revoked while it was used"))
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
