//! What a run is asked to reach: the plan's promise, in the engine's terms.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

/// What is wanted of one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetGoal {
    /// Its wave.
    pub wave: u64,
    /// It is to be written although its record looks right.
    pub write: bool,
    /// It goes live by an activation of ours.
    pub activates: bool,
    /// Its writes leave work to do, such as tags, which the activation does.
    pub follow_up: bool,
    /// An earlier run could not do that work.
    pub activate: bool,
    /// How long after it is live the next wave starts, while a generation is rolled out.
    pub lead: SignedDuration,
}

/// The promise of a plan. A run never does more than this.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Goal {
    /// The generation that is to be in place; `None` on create: whatever a survey finds recoverable, else the next.
    pub generation: Option<u64>,
    /// A new credential may be minted.
    pub may_mint: bool,
    /// An older generation is to be in place again.
    pub restores: bool,
    /// Values can be had from escrow, from the issuer or from a readable target.
    pub may_recover: bool,
    /// Values are parked before a target gets them.
    pub parks: bool,
    /// What is parked stands elsewhere than where it should.
    pub moves_escrow: bool,
    /// A new credential is minted only because the unfinished generation's value is lost: what that generation failed at is tried
    /// again first.
    pub repeat_first: bool,
    /// How many credentials the issuer lets live at once.
    pub max_live: Option<u8>,
    /// Generations that another issuer made, or nobody: they take no room.
    pub elsewhere: BTreeSet<u64>,
    /// Minting ends the predecessor.
    pub replaces: bool,
    /// The provider revokes; otherwise a person does.
    pub revocable: bool,
    /// Generations that only a person can revoke, whoever revokes the others.
    pub by_hand: BTreeSet<u64>,
    /// Targets by key.
    pub targets: BTreeMap<String, TargetGoal>,
    /// Waves that have checks.
    pub checked_waves: BTreeSet<u64>,
    /// Those of them whose checks present the new credential, so that its value is needed although every target holds it.
    pub presented_waves: BTreeSet<u64>,
    /// There are checks to pass before anything is minted.
    pub has_preflight: bool,
    /// There are checks to pass after a revocation.
    pub has_revoked_checks: bool,
    /// One of them presents the new credential.
    pub presents_after_revocation: bool,
    /// The checks after an earlier run's revocation have not passed.
    pub recheck_revoked: bool,
    /// The unfinished generation stays so: its value is lost, and a person decides what comes next.
    pub leaves_unfinished: bool,
    /// Targets to delete, by key in the ledger.
    pub remove: BTreeSet<String>,
    /// Generations whose revocation the plan announced.
    pub revoke: BTreeSet<u64>,
    /// Older generations that an incident exposed: their end waits for nothing that only time brings.
    pub exposed: BTreeSet<u64>,
    /// When older generations end, as far as this run supersedes them.
    pub ending: Ending,
    /// A target that fails does not hold the others up: an incident.
    pub goes_on: bool,
}

/// When older generations end in the run that supersedes them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ending {
    /// In a later run, after their overlap.
    #[default]
    Later,
    /// Once the gate is open, without an overlap.
    Checked,
    /// Once every target holds the new one, before the checks.
    Delivered,
    /// As soon as there is a new one.
    AtOnce,
}
