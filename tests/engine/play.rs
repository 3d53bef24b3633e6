//! One run on the stage: the world, the script of faults, and what the run did.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::Timestamp;
use rotation_provider::call::{CallError, CallErrorKind, Effect};
use rotation_provider::stop::Stop;

use super::case::{Case, Wish};
use super::mutant::Mutant;
use super::world::{Broken, World};

/// What kind of call an adapter makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Look,
    Mint,
    /// Making a value on this side, or taking one that a person gave: nothing that can get lost.
    Make,
    /// Writing what is parked.
    Park,
    Deliver,
    Activate,
    Check,
    Revoke,
    Remove,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Certainly no effect.
    Refused,
    /// No answer, no effect.
    LostBefore,
    /// No answer, but the effect.
    LostAfter,
    /// The effect, then the provider is killed.
    Kill,
    /// Terraform asks for the end while the call is under way; it succeeds.
    Interrupt,
}

impl Call {
    pub fn faults(self) -> &'static [Fault] {
        match self {
            Self::Look => &[Fault::Refused],
            Self::Make => &[Fault::Kill, Fault::Interrupt],
            Self::Mint | Self::Park | Self::Deliver | Self::Revoke | Self::Remove => &[
                Fault::Refused,
                Fault::LostBefore,
                Fault::LostAfter,
                Fault::Kill,
                Fault::Interrupt,
            ],
            Self::Activate => &[Fault::Refused, Fault::LostAfter, Fault::Kill, Fault::Interrupt],
            Self::Check => &[Fault::Refused, Fault::Interrupt],
        }
    }
}

/// What a run did, to be held against its plan.
#[derive(Clone, Debug, Default)]
pub struct Deeds {
    pub minted: u32,
    pub written: BTreeSet<String>,
    pub revoked: BTreeSet<String>,
    pub removed: BTreeSet<String>,
    /// Credentials whose revocation was asked for, whatever came of it.
    pub tried: BTreeSet<String>,
    /// A call to escrow failed.
    pub escrow_failed: bool,
}

pub struct Play {
    pub case: Arc<Case>,
    pub wish: Wish,
    pub world: World,
    pub mutant: Mutant,
    /// Faults by the number of the call.
    pub script: Vec<(usize, Fault)>,
    /// Calls of apply so far.
    pub calls: Vec<Call>,
    /// Reads during refresh are not part of the script: a failed one changes nothing.
    pub refreshing: bool,
    /// This run ends the secret.
    pub destroys: bool,
    /// The date on which a rotation is due has passed.
    pub due: bool,
    pub killed: bool,
    pub stop: Stop,
    pub deeds: Deeds,
    pub broken: Vec<Broken>,
    /// Warnings of the apply.
    pub warnings: Vec<String>,
}

/// The play as its adapters share it.
#[derive(Clone)]
pub struct Stage(pub Arc<Mutex<Play>>);

/// How an adapter goes on after the script was asked.
enum Turn {
    Goes,
    Lost { happened: bool },
    Refused,
    Killed { happened: bool },
}

impl Stage {
    pub fn play(&self) -> MutexGuard<'_, Play> {
        self.0.lock().unwrap()
    }

    /// Performs a call as the script wants it. `deed` does it in the world, or says why the vendor refuses.
    pub async fn call<T>(
        &self,
        call: Call,
        deed: impl FnOnce(&mut Play) -> Result<T, &'static str>,
    ) -> Result<T, CallError> {
        let (turn, answer) = {
            let play = &mut *self.play();
            let turn = play.turn(call);
            let happens = matches!(
                turn,
                Turn::Goes | Turn::Lost { happened: true } | Turn::Killed { happened: true }
            );
            let answer = happens.then(|| deed(play));
            if happens {
                let broken = play.world.broken(&play.case, &play.wish);
                play.broken.extend(broken);
            }
            (turn, answer)
        };
        let error = |effect, what| {
            CallError::new(
                CallErrorKind::Unavailable,
                effect,
                "vendor",
                format!("{call:?}"),
                None,
                what,
            )
        };
        match (turn, answer) {
            (Turn::Killed { .. }, _) => std::future::pending().await,
            (Turn::Goes, Some(Ok(answer))) => Ok(answer),
            (_, Some(Err(why))) => Err(error(Effect::None, why)),
            (Turn::Lost { .. }, _) => Err(error(self.play().mutant.effect_of_a_lost_answer(call), "no answer")),
            (Turn::Refused | Turn::Goes, _) => Err(error(Effect::None, "refused")),
        }
    }
}

impl Play {
    fn turn(&mut self, call: Call) -> Turn {
        if self.refreshing {
            return Turn::Goes;
        }
        if self.killed {
            self.calls.push(call);
            return Turn::Killed { happened: false };
        }
        let number = self.calls.len();
        self.calls.push(call);
        let scripted = self
            .script
            .iter()
            .find(|(at, _)| *at == number)
            .map(|(_, fault)| *fault);
        match scripted {
            None => Turn::Goes,
            Some(Fault::Refused) => Turn::Refused,
            Some(Fault::LostBefore) => Turn::Lost { happened: false },
            Some(Fault::LostAfter) => Turn::Lost { happened: true },
            Some(Fault::Kill) => {
                self.killed = true;
                Turn::Killed { happened: true }
            }
            Some(Fault::Interrupt) => {
                self.stop.request();
                Turn::Goes
            }
        }
    }

    /// Notes a broken rule; the call itself goes on as the vendor would let it.
    pub fn judge<T>(&mut self, verdict: Result<T, Broken>) -> Option<T> {
        match verdict {
            Ok(value) => Some(value),
            Err(broken) => {
                self.broken.push(broken);
                None
            }
        }
    }
}

/// The instant of an event: hours apart are the clock's steps, seconds apart the order within one.
pub fn instant((hour, event): (u8, u32)) -> Timestamp {
    let seconds = i64::from(hour) * 3600 + i64::from(event);
    Timestamp::from_second(1_900_000_000 + seconds).unwrap()
}

/// What the clock shows: it is ahead of every event of its hour, and goes on with the events, so that no run begins when another did.
pub fn clock(world: &World) -> Timestamp {
    instant((world.hour, 1800 + world.events))
}
