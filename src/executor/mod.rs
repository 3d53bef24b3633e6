//! Performs the engine's steps through the adapters, and records what became known. Decides nothing itself.
//!
//! Calls end as done, refused or unknown; an unknown one is recorded as such. An interrupt is looked at between steps.

mod activate;
mod bulk;
mod deliver;
mod escrow;
mod gate;
mod job;
mod lead;
mod obtain;
mod progress;
mod prove;
mod remove;
mod response_guard;
mod retire;
mod shared_work;
mod survey;
mod take_over;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

pub use escrow::{JobEscrow, read as read_escrow, remove as remove_escrow};
pub(crate) use gate::in_use;
pub use job::{Job, JobActivation, JobCheck, JobSource, JobTarget};
pub use remove::{Removed, empty, needs_value};
pub use retire::{Retired, issuer_at, issuer_of, retire_anywhere, revoke_minted};
pub use shared_work::SharedWork;
use shared_work::{Participant, Terms};
pub use survey::found;
pub use take_over::{TakeOver, needs_its_id, take_over};

use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::diagnostics::{self, Message};
use crate::escrow::Parked;
use crate::rotation::step::{goes_on, old_value_is_dead};
use crate::rotation::{Ending, Event, Goal, Ledger, Session, Step, StuckReason, TargetGoal, Task, Wait, next_step};
use crate::secret::Parts;
use crate::stop::Stop;

/// What a failure concerns; the caller turns it into an attribute path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The source.
    Source,
    /// A target, by key.
    Target(String),
    /// An activation, by key.
    Activation(String),
    /// A check, by key.
    Check(String),
    /// The entry where values are parked.
    Escrow,
    /// The resource as a whole.
    Whole,
}

/// Why a run ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What it concerns.
    pub site: Subject,
    /// What happened, in words.
    pub message: Message,
    /// The refused or lost call, where that is why; failures that share it have one cause.
    pub cause: Option<Box<FailureCause>>,
}

/// Why a call failed, whatever it was for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureCause {
    /// The service that was called.
    pub service: &'static str,
    /// How the call ended.
    pub kind: CallErrorKind,
    /// What the service answered, with the advice that follows from it; or where the credential was taken from that it refused.
    pub reason: String,
}

impl Failure {
    /// One that no call is the cause of.
    pub(crate) fn new(site: Subject, message: impl Into<Message>) -> Self {
        Self {
            site,
            message: message.into(),
            cause: None,
        }
    }

    fn of_call(site: Subject, error: &CallError) -> Self {
        let message = diagnostics::Run::Call {
            operation: error.operation.clone(),
            answer: error.answer(),
            is_doubtful: error.effect == Effect::Possible && error.kind != CallErrorKind::Unhealthy,
        };
        Self {
            site,
            message: message.into(),
            cause: Some(Box::new(FailureCause {
                service: error.service,
                kind: error.kind.clone(),
                reason: match &error.refused_credential {
                    Some(origin) => origin.0.clone(),
                    None => error.answer(),
                },
            })),
        }
    }
}

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The check's key.
    pub check: String,
    /// Whether it passed.
    pub passed: bool,
    /// How long it took, in seconds.
    pub seconds: u64,
}

/// Where a run ended.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// What is known now.
    pub ledger: Ledger,
    /// Public parts of the newest generation, when it was minted or recovered in this run.
    pub public: Option<BTreeMap<String, String>>,
    /// A generation was minted, or an interrupted one finished: it was promoted in this run at this instant.
    pub promoted_at: Option<Timestamp>,
    /// Handles that were revoked.
    pub revoked: Vec<String>,
    /// Sessions of exposed credentials were ended, as far as there were any.
    pub ended_sessions: bool,
    /// Exposed generations that have ended, but whose sessions may go on.
    pub open_sessions: BTreeSet<u64>,
    /// Checks that ran.
    pub proofs: Vec<Proof>,
    /// Things the user should know although nothing failed.
    pub warnings: Vec<Failure>,
    /// Generations that this run authenticates with.
    pub own: BTreeSet<u64>,
    /// Generations that only a person can revoke.
    pub by_hand: BTreeSet<u64>,
    /// Generations whose revocation waits, and for what.
    pub waiting: BTreeMap<u64, Vec<Wait>>,
    /// Targets that hold the value, but whose tags or labels could not be set.
    pub untagged: BTreeSet<String>,
    /// What was begun, successful or not.
    pub begun: BTreeSet<Task>,
    /// Why it ended early; empty when it reached its goal.
    pub failures: Vec<Failure>,
    /// It was interrupted.
    pub interrupted: bool,
    /// The plan relied on having a value again, and it could not be had.
    pub value_lost: bool,
    /// Something was written to a target in this run.
    pub delivered: bool,
    /// The generation that was minted in this run, or may have been.
    pub minted: Option<u64>,
}

impl Outcome {
    /// The same with what an earlier run of the same apply ended: it made room for this one.
    #[must_use]
    pub fn after(mut self, earlier: Self) -> Self {
        self.revoked.splice(0..0, earlier.revoked);
        self.ended_sessions |= earlier.ended_sessions;
        self.begun.extend(earlier.begun);
        self
    }
}

/// One run in progress.
struct Run<'a> {
    job: &'a Job,
    goal: Goal,
    session: Session,
    stop: &'a Stop,
    permit: &'a WritePermit,
    outcome: Outcome,
    /// The value of `session.in_hand`.
    parts: Option<Parts>,
    /// This run among those that share work with it.
    participant: Option<Participant>,
    /// What is parked, once it was read.
    parked: Option<Parked>,
    /// The value of the generation that is superseded, for checks that present it.
    previous: Option<Parts>,
    /// Why that could not be had.
    previous_lost: Option<String>,
    /// Values of answers that were refused, so that they are known where they show again.
    refused: Vec<Parts>,
    /// Credentials of this very id were found that no state knows, all young: an interrupted create.
    interrupted_create: bool,
    /// A target does not hold what the ledger says, so that it may hold what an interrupted run made.
    unexplained: bool,
}

/// Everything that bars a run which cannot begin for the reason `known`: who has several wrong tokens is told of all of them at once.
pub async fn obstacles(job: &Job, known: Failure, stop: &Stop, permit: &WritePermit) -> Vec<Failure> {
    let targets = job.targets.iter().map(|(key, target)| {
        let goal = TargetGoal {
            wave: target.spec.wave,
            write: true,
            activates: false,
            follow_up: false,
            activate: false,
            lead: SignedDuration::ZERO,
        };
        (key.clone(), goal)
    });
    let goal = Goal {
        may_mint: true,
        targets: targets.collect(),
        ..Goal::default()
    };
    let mut failures = Run::new(job, goal, Ledger::default(), stop, permit)
        .all_that_fails()
        .await;
    if !failures.iter().any(|failure| failure.site == known.site) {
        failures.push(known);
    }
    failures
}

/// Runs until the goal is reached, something fails, or `stop` is set.
pub async fn run(job: &Job, goal: Goal, ledger: Ledger, stop: &Stop, permit: &WritePermit) -> Outcome {
    let mut run = Run::new(job, goal, ledger, stop, permit);
    run.participant = Some(job.shared_work.enter(run.needs()));
    loop {
        if let Some(participant) = &run.participant {
            participant.needs(run.needs());
        }
        let step = next_step(&run.goal, &run.outcome.ledger, &run.session);
        if step == Step::Done {
            break;
        }
        let must_go_on = run.old_value_is_dead() && matches!(step, Step::Deliver { .. } | Step::Activate { .. });
        // It only records what is true already.
        let is_record = step == Step::Promote;
        if stop.requested() && !must_go_on && !is_record {
            run.outcome.interrupted = true;
            break;
        }
        progress::note(job, &run.goal, &step);
        let performed = run.perform(step).await;
        if let Err(mut failures) = performed {
            run.outcome.failures.append(&mut failures);
            break;
        }
        if run.outcome.interrupted {
            break;
        }
    }
    run.outcome.waiting = run.session.waiting;
    run.outcome
}

/// The result of a step; several targets may fail in one.
type Performed = Result<(), Vec<Failure>>;

impl<'a> Run<'a> {
    fn new(job: &'a Job, goal: Goal, ledger: Ledger, stop: &'a Stop, permit: &'a WritePermit) -> Self {
        Self {
            job,
            goal,
            session: Session::default(),
            stop,
            permit,
            outcome: Outcome {
                ledger,
                ..Outcome::default()
            },
            parts: None,
            participant: None,
            parked: None,
            previous: None,
            previous_lost: None,
            refused: Vec::new(),
            interrupted_create: false,
            unexplained: false,
        }
    }
}

impl Run<'_> {
    async fn perform(&mut self, step: Step) -> Performed {
        let newest = self.outcome.ledger.generation();
        self.outcome.begun.extend(Task::of(&step, newest));
        match step {
            Step::Survey => self.survey().await,
            Step::Inspect => self.inspect().await,
            Step::Preflight => self.preflight().await,
            Step::Recover(generation) => self.recover(generation).await,
            Step::Mint(generation) => self.mint(generation).await,
            Step::Park(generation) => self.park(generation).await,
            Step::Unpark => self.unpark().await,
            Step::Deliver { generation, targets } => {
                let delivered = self.deliver(generation, &targets).await;
                self.note_live(&targets);
                delivered
            }
            Step::Activate { targets } => {
                let activated = self.activate(&targets).await;
                self.note_live(&targets);
                activated
            }
            Step::ReadClock => {
                self.session.now = Some(self.job.clock.now());
                Ok(())
            }
            Step::AwaitLead(lead) => self.await_lead(&lead).await,
            Step::Pause(lead) => {
                self.pause(&lead);
                Ok(())
            }
            Step::Check(wave) => self.check(wave).await,
            Step::Promote => {
                self.promote();
                Ok(())
            }
            Step::Remove(key) => self.remove(&key).await,
            Step::ReadGate(_) => self.read_gate().await,
            Step::Wait(generation, reasons) => {
                self.session.waiting.insert(generation, reasons);
                Ok(())
            }
            Step::Revoke(generation) => self.revoke(generation).await,
            Step::CheckRevoked => self.check_revoked().await,
            Step::Done => Ok(()),
            Step::Stuck(why) => {
                self.outcome.value_lost = why == StuckReason::ValueLost && !self.goal.restores;
                Err(vec![self.stuck(why)])
            }
        }
    }

    /// The shared work that may still come.
    fn needs(&self) -> BTreeSet<String> {
        self.job.needs(&self.goal, &self.outcome.ledger, &self.session)
    }

    /// What may put this run off at shared work: once the old value is dead, an interrupt leaves no consumer with it, and the work of
    /// others does not keep it there.
    fn terms(&self) -> Terms<'_> {
        let goes_on = self.old_value_is_dead();
        Terms {
            stop: self.stop,
            goes_on,
            urgent: goes_on || self.goal.ending == Ending::AtOnce,
        }
    }

    /// Declares the newest generation to be in place everywhere.
    fn promote(&mut self) {
        let now = self.job.clock.now();
        let overlap = match self.goal.ending {
            Ending::Later => self.job.overlap,
            Ending::Checked | Ending::Delivered | Ending::AtOnce => SignedDuration::ZERO,
        };
        let revoke_after = now.checked_add(overlap).unwrap_or(Timestamp::MAX);
        self.outcome.ledger.record(Event::Promoted { revoke_after });
        self.outcome.promoted_at = Some(now);
    }

    /// Whether minting has ended the old value, so that every target must get the new one whatever fails.
    fn old_value_is_dead(&self) -> bool {
        old_value_is_dead(&self.goal, &self.outcome.ledger)
    }

    /// Whether a target that fails does not hold the others up.
    fn goes_on(&self) -> bool {
        goes_on(&self.goal, &self.outcome.ledger)
    }

    /// Failures of single targets: they end the run, unless the others go on.
    fn failed(&mut self, mut failures: Vec<Failure>) -> Performed {
        if failures.is_empty() || !self.goes_on() {
            return if failures.is_empty() { Ok(()) } else { Err(failures) };
        }
        for failure in &failures {
            if let Subject::Target(key) = &failure.site {
                self.session.failed.insert(key.clone());
            }
        }
        self.outcome.failures.append(&mut failures);
        Ok(())
    }

    fn stuck(&self, why: StuckReason) -> Failure {
        let generation = self.goal.generation.unwrap_or(self.outcome.ledger.generation());
        match why {
            StuckReason::ValueLost if self.goal.restores => {
                Failure::new(Subject::Escrow, diagnostics::Run::CannotRestore { generation })
            }
            StuckReason::ValueLost => Failure::new(Subject::Source, diagnostics::Run::ValueLost { generation }),
            StuckReason::LimitReached => {
                let ledger = &self.outcome.ledger;
                let live = ledger
                    .credentials()
                    .iter()
                    .filter_map(|known| known.credential_id.clone());
                let waits = self.session.waiting.iter();
                let waits = waits
                    .flat_map(|(generation, reasons)| reasons.iter().map(|why| (*generation, why.to_string())))
                    .collect();
                let reached = diagnostics::Run::LimitReached {
                    live: diagnostics::names(live),
                    waits,
                };
                Failure::new(Subject::Source, reached)
            }
        }
    }
}
