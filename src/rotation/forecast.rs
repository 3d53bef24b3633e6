//! The course of a run that meets no obstacle: the engine's own steps, taken on what is known before it.
//!
//! A plan shows this. What only the run can tell (a handle, a revision, an instant) is marked as unknown.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::event::Event;
use super::gate::{IssuerSays, Look, Reading};
use super::goal::Goal;
use super::lead::LONGEST_WAIT;
use super::ledger::{CredentialRecord, DeliveryStatus, Escrow, Ledger};
use super::ownership::Verdict;
use super::step::{Session, Step, StuckReason, next_step};

/// Stands for an instant that only the run will know. No vendor and no clock gives it.
pub const UNKNOWN_INSTANT: Timestamp = Timestamp::MIN;

/// Stands for a handle that only the issuer will know. No vendor gives a text with this character.
pub const UNKNOWN_HANDLE: &str = "\0";

/// More steps than any run has: every step makes progress, so this only guards against a mistake.
const MOST_STEPS: usize = 100_000;

/// What the forecast is told of the world.
pub struct Prospect<'a> {
    /// The record of a credential that is minted.
    pub mint: &'a dyn Fn(u64) -> CredentialRecord,
    /// The address of a target's slot.
    pub slot: &'a dyn Fn(&str) -> String,
    /// The address of the entry where values are parked.
    pub escrow: String,
    /// Whether consumers of a target use what was written as soon as they load it, without an activation of ours.
    pub is_live_when_written: &'a dyn Fn(&str) -> bool,
    /// Keys of all configured targets.
    pub configured: BTreeSet<String>,
    /// Those whose consumers may go on using the old value for some time.
    pub settling: BTreeSet<String>,
    /// Those that hold the public keys of all generations that are valid.
    pub key_sets: BTreeSet<String>,
}

/// What holds when a step begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The newest generation that exists: the one that targets hold or are given, which is activated and checked.
    pub generation: u64,
    /// Consumers of a target that the step makes live do not use its value yet: the activations of its wave run.
    pub is_staged: bool,
}

impl Moment {
    fn of(step: &Step, ledger: &Ledger) -> Self {
        let is_staged = |key: &String| ledger.status(key) == Some(DeliveryStatus::Staged);
        Self {
            generation: ledger.generation(),
            is_staged: matches!(step, Step::Activate { targets } if targets.iter().any(is_staged)),
        }
    }
}

/// Where such a run leads.
#[derive(Debug, Clone)]
pub struct Forecast {
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// What holds when each of them begins.
    pub moments: Vec<Moment>,
    /// What is known afterwards.
    pub ledger: Ledger,
    /// Targets that were looked at, written or made live.
    pub written: BTreeSet<String>,
    /// Targets made live, or whose follow-up work was done, without being written.
    pub activated: BTreeSet<String>,
    /// The value of a generation was recovered or minted.
    pub has_value: bool,
    /// The newest generation was declared to be in place.
    pub promoted: bool,
    /// Generations that were revoked.
    pub revoked: BTreeSet<u64>,
    /// What leaves escrow because it has ended, for each time that the entry is written.
    pub unparked: Vec<BTreeSet<u64>>,
    /// Why it cannot reach its goal.
    pub stuck: Option<StuckReason>,
    /// It leaves the next wave to a later run.
    pub paused: bool,
    /// Targets that were live before the run and whose lead may be longer than a run waits: only its clock tells whether it pauses.
    pub leading: BTreeSet<String>,
}

/// Takes the engine's steps from `ledger` towards `goal`, each of them with success.
pub fn forecast(goal: &Goal, ledger: &Ledger, prospect: &Prospect<'_>) -> Forecast {
    let mut goal = goal.clone();
    let mut session = Session::default();
    let mut found = Forecast::started(ledger);
    let leading = suppose_leads_end(&mut goal, ledger, &mut session);
    while found.steps.len() < MOST_STEPS {
        let step = next_step(&goal, &found.ledger, &session);
        let moment = Moment::of(&step, &found.ledger);
        match &step {
            Step::Done => break,
            Step::Stuck(why) => {
                found.stuck = Some(*why);
                break;
            }
            _ => found.take(&step, &mut goal, &mut session, prospect),
        }
        found.steps.push(step);
        found.moments.push(moment);
    }
    let awaits = |step: &Step| matches!(step, Step::AwaitLead(lead) if leading.contains(&lead.target));
    if found.steps.iter().any(awaits) {
        found.leading = leading;
    }
    found.ledger.record(Event::OverlapBegan { until: UNKNOWN_INSTANT });
    found
}

/// What was live before the run has led for a time that only the run's clock tells. It is supposed to end within the time that a run
/// waits. Returns the targets of which that may be wrong.
fn suppose_leads_end(goal: &mut Goal, ledger: &Ledger, session: &mut Session) -> BTreeSet<String> {
    let generation = goal.generation.unwrap_or(ledger.generation());
    let mut doubtful = BTreeSet::new();
    for (key, target) in &mut goal.targets {
        if target.write || !ledger.delivery(key).is_some_and(|known| known.holds(generation)) {
            continue;
        }
        session.live_at.insert(key.clone(), UNKNOWN_INSTANT);
        if target.lead > LONGEST_WAIT {
            target.lead = LONGEST_WAIT;
            doubtful.insert(key.clone());
        }
    }
    doubtful
}

impl Forecast {
    /// Nothing is done.
    pub fn idle(ledger: &Ledger) -> Self {
        let mut idle = Self::started(ledger);
        idle.ledger.record(Event::OverlapBegan { until: UNKNOWN_INSTANT });
        idle
    }

    fn started(ledger: &Ledger) -> Self {
        Self {
            steps: Vec::new(),
            moments: Vec::new(),
            ledger: ledger.clone(),
            written: BTreeSet::new(),
            activated: BTreeSet::new(),
            has_value: false,
            promoted: false,
            revoked: BTreeSet::new(),
            unparked: Vec::new(),
            stuck: None,
            paused: false,
            leading: BTreeSet::new(),
        }
    }

    /// What success of that step makes known.
    fn take(&mut self, step: &Step, goal: &mut Goal, session: &mut Session, prospect: &Prospect<'_>) {
        match step {
            Step::Survey => session.surveyed = true,
            Step::Inspect => {
                session.inspected = true;
                for key in goal.targets.keys() {
                    self.ledger.record(Event::Claimed {
                        target: key.clone(),
                        slot: (prospect.slot)(key),
                        existed_before: false,
                        left: None,
                    });
                }
            }
            Step::Preflight => session.preflight_passed = true,
            Step::Recover(generation) => {
                session.recovery_tried = true;
                self.hold(*generation, goal, session);
                self.ledger.record(Event::Resumed {
                    generation: *generation,
                });
            }
            Step::Mint(generation) => {
                let credential = (prospect.mint)(*generation);
                let replaces = goal.replaces;
                self.ledger.record(Event::Minted { credential, replaces });
                self.hold(*generation, goal, session);
            }
            Step::Park(generation) => self.park(prospect, Some(*generation)),
            Step::Unpark => {
                session.escrow_tidied = !goal.moves_escrow;
                goal.moves_escrow = false;
                if goal.parks {
                    self.park(prospect, None);
                } else {
                    self.ledger.record(Event::Unparked);
                }
            }
            Step::Deliver { generation, targets } => {
                for target in targets {
                    self.ledger.record(Event::Delivered {
                        target: target.clone(),
                        generation: *generation,
                        revision: None,
                        at: UNKNOWN_INSTANT,
                        staged: !(prospect.is_live_when_written)(target),
                    });
                    self.written.insert(target.clone());
                    session.written.insert(target.clone());
                    session.activated.remove(target);
                    if let Some(wave) = goal.targets.get(target).map(|target| target.wave) {
                        session.checked.remove(&wave);
                    }
                    session.live_at.insert(target.clone(), UNKNOWN_INSTANT);
                }
                session.reading = None;
                session.now = None;
            }
            Step::Activate { targets } => {
                for target in targets {
                    let target = target.clone();
                    if !session.written.contains(&target) {
                        self.activated.insert(target.clone());
                    }
                    session.activated.insert(target.clone());
                    session.live_at.insert(target.clone(), UNKNOWN_INSTANT);
                    self.ledger.record(Event::WentLive { target });
                }
                session.reading = None;
                session.now = None;
            }
            Step::Check(wave) => drop(session.checked.insert(*wave)),
            // Everything that a lead counts from has happened just now.
            Step::ReadClock => session.now = Some(UNKNOWN_INSTANT),
            Step::AwaitLead(lead) => session.now = Some(lead.until),
            Step::Pause(_) => {
                session.paused = true;
                self.paused = true;
                self.ledger.record(Event::Paused { until: UNKNOWN_INSTANT });
            }
            Step::Promote => {
                self.promoted = true;
                self.ledger.record(Event::Promoted {
                    revoke_after: UNKNOWN_INSTANT,
                });
            }
            Step::Remove(key) => {
                session.reading = None;
                self.ledger.record(Event::Dropped { target: key.clone() });
            }
            Step::ReadGate(_) => session.reading = Some(open(prospect, &session.written)),
            Step::Wait(generation, waits) => drop(session.waiting.insert(*generation, waits.clone())),
            Step::Revoke(generation) => {
                session.reading = None;
                session.revoked |= !self.ledger.never_held(*generation);
                self.revoked.insert(*generation);
                let known = self.ledger.credential(*generation).cloned();
                let is_published = known.as_ref().is_some_and(|known| known.public_key.is_some());
                self.ledger.record(Event::Ended {
                    generation: *generation,
                    issuer: known.map(|known| known.issuer).unwrap_or_default(),
                });
                for target in prospect
                    .key_sets
                    .iter()
                    .filter(|key| is_published && goal.targets.contains_key(*key))
                {
                    self.ledger.record(Event::Outdated { target: target.clone() });
                    session.recovery_tried &= session.in_hand.is_some();
                }
            }
            Step::CheckRevoked => session.revoked_checked = true,
            Step::Done | Step::Stuck(_) => {}
        }
    }

    /// What is parked from now on: what was and has not ended, and that generation.
    fn park(&mut self, prospect: &Prospect<'_>, added: Option<u64>) {
        let ended = self.ledger.left_in_escrow();
        let before = self.ledger.escrow().map(|escrow| escrow.generations.clone());
        let kept = before.into_iter().flatten().filter(|known| !ended.contains(known));
        let generations: BTreeSet<u64> = kept.chain(added).collect();
        self.ledger.record(match generations.is_empty() {
            true => Event::Unparked,
            false => Event::Parked(Escrow {
                slot: prospect.escrow.clone(),
                generations,
            }),
        });
        self.unparked.push(ended);
    }

    fn hold(&mut self, generation: u64, goal: &mut Goal, session: &mut Session) {
        self.has_value = true;
        session.in_hand = Some(generation);
        goal.generation = Some(generation);
    }
}

/// A gate that nothing but the record itself keeps shut, and consumers of what was written in this run.
fn open(prospect: &Prospect<'_>, written: &BTreeSet<String>) -> Reading {
    let settling = prospect.settling.intersection(written);
    let look = |key: &String| (key.clone(), Look::Entry(Verdict::Recorded, Some(true)));
    Reading {
        at: Timestamp::MAX,
        targets: prospect.configured.iter().map(look).collect(),
        issuer: IssuerSays::NothingAgainst,
        failed_checks: [].into(),
        opens: None,
        settling: settling.map(|key| (key.clone(), UNKNOWN_INSTANT)).collect(),
        in_use: [].into(),
    }
}
