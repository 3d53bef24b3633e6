//! The gate: whether an older credential may be revoked now. One rule for every revocation, read immediately before it.
//!
//! It does not apply to a destroy, nor to a generation that provably no target ever held.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use super::ledger::{DeliveryStatus, Ledger};
use super::ownership::Verdict;

/// What was read for one revocation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reading {
    /// When.
    pub at: Timestamp,
    /// What each configured target holds.
    pub targets: BTreeMap<String, Look>,
    /// What the issuer says of the newest credential.
    pub issuer: IssuerSays,
    /// The checks that did not pass, and why.
    pub failed_checks: BTreeMap<String, String>,
}

/// What a look at a target showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Look {
    /// Its entry, judged, and whether consumers use it where the vendor can tell.
    Entry(Verdict, Option<bool>),
    /// It could not be looked at.
    Unreachable,
}

/// What the issuer says of the newest credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IssuerSays {
    /// It is live, or this issuer cannot be asked, or nobody issues such values.
    NothingAgainst,
    /// It is dead.
    Dead,
    /// It gave no answer.
    NoAnswer,
}

/// One reason to wait.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wait {
    /// The newest generation is not in place everywhere.
    Unfinished {
        /// The newest generation.
        generation: u64,
    },
    /// A configured target does not hold the newest generation in force.
    Target {
        /// Its key.
        target: String,
        /// What is wrong with it.
        holding: Holding,
    },
    /// The issuer says that the newest credential is dead.
    NewestDead,
    /// The issuer does not answer.
    IssuerSilent,
    /// A check does not pass.
    Check {
        /// Its key.
        check: String,
        /// What it saw.
        why: String,
    },
    /// The overlap has not ended.
    Overlap {
        /// When it ends; `None` while that is not decided.
        until: Option<Timestamp>,
    },
}

/// How a target fails to hold the newest generation in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holding {
    /// It holds an older generation, or none.
    Behind(Option<u64>),
    /// It holds it, and its consumers do not use it yet.
    Staged,
    /// Its entry was written outside this resource.
    Changed,
    /// Its entry was deleted.
    Missing,
    /// Its container is gone.
    Gone,
    /// What it holds is unknown.
    Unknown,
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unfinished { generation } => write!(f, "generation {generation} is not in place everywhere"),
            Self::Target { target, holding } => match holding {
                Holding::Behind(Some(generation)) => write!(f, "target {target} still holds generation {generation}"),
                Holding::Behind(None) => write!(f, "target {target} has not been written"),
                Holding::Staged => write!(f, "consumers of target {target} do not use the new value yet"),
                Holding::Changed => write!(f, "target {target} was changed outside Terraform and may hold it"),
                Holding::Missing => write!(f, "target {target} was deleted outside Terraform"),
                Holding::Gone => write!(
                    f,
                    "the place of target {target} no longer exists; take it out of targets to go on without it"
                ),
                Holding::Unknown => write!(f, "it is unknown what target {target} holds"),
            },
            Self::NewestDead => f.write_str("the issuer says that the new credential is dead"),
            Self::IssuerSilent => f.write_str("the issuer did not say whether the new credential is live"),
            Self::Check { check, why } => write!(f, "check {check} does not pass: {}", why.trim_end_matches('.')),
            Self::Overlap { until: Some(until) } => write!(f, "its overlap ends {until}"),
            Self::Overlap { until: None } => f.write_str("its overlap has not begun"),
        }
    }
}

/// Everything that a revocation of that generation waits for; empty when the gate is open. Pure.
///
/// `overlap_counts` is false where the overlap ends with this run: a run with `overlap = "0s"`, or room for another credential.
pub fn waits(ledger: &Ledger, generation: u64, reading: &Reading, overlap_counts: bool) -> Vec<Wait> {
    let mut waits = Vec::new();
    let newest = ledger.generation();
    if !ledger.is_finished() {
        waits.push(Wait::Unfinished { generation: newest });
    }
    for (target, look) in &reading.targets {
        if let Some(holding) = lacks(ledger, target, *look) {
            let target = target.clone();
            waits.push(Wait::Target { target, holding });
        }
    }
    match reading.issuer {
        IssuerSays::NothingAgainst => {}
        IssuerSays::Dead => waits.push(Wait::NewestDead),
        IssuerSays::NoAnswer => waits.push(Wait::IssuerSilent),
    }
    waits.extend(reading.failed_checks.iter().map(|(check, why)| Wait::Check {
        check: check.clone(),
        why: why.clone(),
    }));
    let until = ledger.credential(generation).and_then(|known| known.revoke_after);
    if overlap_counts && until.is_none_or(|until| until > reading.at) {
        waits.push(Wait::Overlap { until });
    }
    waits
}

/// What is known without a look: the same rule for those conditions that a refresh has recorded already.
pub fn waits_on_record(ledger: &Ledger, configured: impl IntoIterator<Item = String>) -> Vec<Wait> {
    let mut waits = Vec::new();
    for target in configured {
        if let Some(holding) = recorded_lack(ledger, &target) {
            waits.push(Wait::Target { target, holding });
        }
    }
    waits
}

fn recorded_lack(ledger: &Ledger, target: &str) -> Option<Holding> {
    let Some(delivery) = ledger.delivery(target) else {
        return Some(Holding::Behind(None));
    };
    match delivery.status {
        DeliveryStatus::Gone => Some(Holding::Gone),
        DeliveryStatus::Changed => Some(Holding::Changed),
        DeliveryStatus::Missing => Some(Holding::Missing),
        DeliveryStatus::Unknown => Some(Holding::Unknown),
        _ if delivery.generation != Some(ledger.generation()) => Some(Holding::Behind(delivery.generation)),
        DeliveryStatus::Staged => Some(Holding::Staged),
        DeliveryStatus::Stale | DeliveryStatus::Removing => Some(Holding::Unknown),
        DeliveryStatus::Current => None,
    }
}

/// How a target fails to hold the newest generation in force; `None` when it does not fail.
fn lacks(ledger: &Ledger, target: &str, look: Look) -> Option<Holding> {
    let on_record = recorded_lack(ledger, target);
    if on_record.is_some() {
        return on_record;
    }
    match look {
        Look::Entry(Verdict::Recorded, Some(false)) => Some(Holding::Staged),
        Look::Entry(Verdict::Recorded, _) => None,
        Look::Entry(Verdict::Empty, _) => Some(Holding::Missing),
        Look::Entry(Verdict::Foreign | Verdict::Marked(_) | Verdict::Unanswered, _) => Some(Holding::Changed),
        // A kind that has no revision: the receipt of our write has to do.
        Look::Entry(Verdict::CannotTell, _) => {
            let has_revision = ledger.delivery(target).is_some_and(|known| known.revision.is_some());
            has_revision.then_some(Holding::Unknown)
        }
        Look::Unreachable => Some(Holding::Unknown),
    }
}
