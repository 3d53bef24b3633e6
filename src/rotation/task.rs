//! What a run has begun to do, piece by piece: tells which lines of a plan became work.

use super::step::Step;

/// A piece of work for one generation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// Getting the value of that generation back.
    Recover(u64),
    /// Making that generation.
    Mint(u64),
    /// Parking it.
    Park(u64),
    /// Deleting from escrow what should not be there any more.
    Unpark,
    /// Writing that generation to a target.
    Deliver(u64, String),
    /// Making a target live that holds it.
    MakeLive(u64, String),
    /// An activation, by key.
    Activation(u64, String),
    /// A check, by key.
    Check(u64, String),
    /// Waiting before that wave.
    Lead(u64),
    /// Declaring that generation to be in place: what is older stays valid for its overlap.
    Promote(u64),
    /// Deleting the entry of a target.
    Remove(String),
    /// Ending that generation.
    Revoke(u64),
}

impl Task {
    /// The pieces that a step begins with, when `generation` is the newest. Its activations and checks have keys that it does not know.
    pub fn of(step: &Step, generation: u64) -> Vec<Self> {
        match step {
            Step::Recover(generation) => vec![Self::Recover(*generation)],
            Step::Mint(generation) => vec![Self::Mint(*generation)],
            Step::Park(generation) => vec![Self::Park(*generation)],
            Step::Unpark => vec![Self::Unpark],
            Step::Deliver { generation, targets } => {
                let deliver = |key: &String| Self::Deliver(*generation, key.clone());
                targets.iter().map(deliver).collect()
            }
            Step::Activate { targets } => {
                let make_live = |key: &String| Self::MakeLive(generation, key.clone());
                targets.iter().map(make_live).collect()
            }
            Step::AwaitLead(lead) | Step::Pause(lead) => vec![Self::Lead(lead.wave)],
            Step::Promote => vec![Self::Promote(generation)],
            Step::Remove(key) => vec![Self::Remove(key.clone())],
            Step::Revoke(generation) => vec![Self::Revoke(*generation)],
            Step::Survey
            | Step::Inspect
            | Step::Preflight
            | Step::ReadClock
            | Step::Check(_)
            | Step::ReadGate(_)
            | Step::Wait(..)
            | Step::CheckRevoked
            | Step::Done
            | Step::Stuck(_) => Vec::new(),
        }
    }
}
