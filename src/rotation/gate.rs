//! The gate: whether an older credential may be revoked now. One rule for every revocation, read immediately before it.
//!
//! It does not apply to a destroy, nor to a generation that provably no target ever held.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use super::goal::Ending;
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
    /// Where `rotation.window` is closed: when it opens, in words.
    pub opens: Option<String>,
    /// Targets whose consumers may still use the old value, and until when.
    pub settling: BTreeMap<String, Timestamp>,
    /// Older generations that have to be unused for some time first, and are not, or may not be.
    pub in_use: BTreeMap<u64, InUse>,
}

/// What the issuer says of the last use of a credential that has to be unused for some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InUse {
    /// It was used too lately.
    Since {
        /// When it was used.
        last: Timestamp,
        /// Until when nobody may use it.
        until: Timestamp,
    },
    /// It did not say.
    CannotTell,
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
    /// The consumers of a target may still use the old value.
    Settle {
        /// Its key.
        target: String,
        /// Until when.
        until: Timestamp,
    },
    /// It was used too lately, or may have been.
    InUse(InUse),
    /// `rotation.window` is closed.
    Window {
        /// When it opens, in words.
        opens: String,
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
                    "the place of target {target} no longer exists; remove it from targets to continue"
                ),
                Holding::Unknown => write!(f, "it is unknown what target {target} holds"),
            },
            Self::NewestDead => f.write_str("the issuer reports that the new credential is revoked"),
            Self::IssuerSilent => f.write_str("the issuer did not say whether the new credential is live"),
            Self::Check { check, why } => write!(f, "check {check} does not pass: {}", why.trim_end_matches('.')),
            Self::Overlap { until: Some(until) } => write!(f, "its overlap ends {until}"),
            Self::Overlap { until: None } => f.write_str("its overlap has not begun"),
            Self::Settle { target, until } => {
                write!(f, "consumers of target {target} may use the old value until {until}")
            }
            Self::InUse(InUse::Since { last, until }) => {
                write!(
                    f,
                    "it was last used {last}; unless it is used again, it is revoked after {until}"
                )
            }
            Self::InUse(InUse::CannotTell) => f.write_str("its issuer did not say when it was last used"),
            Self::Window { opens } => write!(f, "the window opens {opens}"),
        }
    }
}

/// Everything that a revocation of that generation waits for; empty when the gate is open. Pure.
///
/// [`Ending::Later`] waits for everything. [`Ending::Checked`] does without the overlap: a run with `overlap = "0s"`, or an incident.
/// [`Ending::Delivered`] does without the checks, too. What is `exposed` by an incident does not wait for time to pass.
pub fn waits(ledger: &Ledger, generation: u64, reading: &Reading, ending: Ending, exposed: bool) -> Vec<Wait> {
    let mut waits = Vec::new();
    let newest = ledger.generation();
    let checked = ending <= Ending::Checked;
    if !ledger.is_finished() && checked {
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
    let failed = reading.failed_checks.iter().filter(|_| checked);
    waits.extend(failed.map(|(check, why)| Wait::Check {
        check: check.clone(),
        why: why.clone(),
    }));
    if !exposed {
        waits.extend(waits_for_time(ledger, generation, reading, ending));
    }
    waits
}

/// What only time brings.
fn waits_for_time(ledger: &Ledger, generation: u64, reading: &Reading, ending: Ending) -> Vec<Wait> {
    let mut waits = Vec::new();
    let until = ledger.credential(generation).and_then(|known| known.revoke_after);
    if ending == Ending::Later && until.is_none_or(|until| until > reading.at) {
        waits.push(Wait::Overlap { until });
    }
    waits.extend(reading.settling.iter().map(|(target, until)| Wait::Settle {
        target: target.clone(),
        until: *until,
    }));
    waits.extend(reading.in_use.get(&generation).copied().map(Wait::InUse));
    waits.extend(reading.opens.clone().map(|opens| Wait::Window { opens }));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rotation::ledger::{CredentialRecord, CredentialStatus, DeliveryRecord};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_900_000_000 + second).unwrap()
    }

    fn credential(generation: u64, revoke_after: Option<Timestamp>) -> CredentialRecord {
        CredentialRecord {
            generation,
            credential_id: Some(format!("tok_{generation}")),
            issuer: "fly_token:default:app/a".to_owned(),
            label: String::new(),
            status: CredentialStatus::Current,
            minted_at: None,
            expires_at: None,
            revoke_after,
            public_key: None,
        }
    }

    /// Generation 2 is in place at `web`, and generation 1 was valid until second 10.
    fn ledger(finished: bool, delivery: &DeliveryRecord, revoke_after: Option<Timestamp>) -> Ledger {
        let credentials = vec![credential(1, revoke_after), credential(2, None)];
        let deliveries = BTreeMap::from([("web".to_owned(), delivery.clone())]);
        Ledger::of_state(2, finished, credentials, deliveries)
    }

    fn delivered(generation: u64, status: DeliveryStatus) -> DeliveryRecord {
        DeliveryRecord {
            generation: Some(generation),
            status,
            revision: Some("7".to_owned()),
            ..DeliveryRecord::new("fly_secret:default:a/KEY".to_owned())
        }
    }

    fn reading(look: Look) -> Reading {
        Reading {
            at: at(11),
            targets: BTreeMap::from([("web".to_owned(), look)]),
            issuer: IssuerSays::NothingAgainst,
            failed_checks: BTreeMap::new(),
            opens: None,
            settling: BTreeMap::new(),
            in_use: BTreeMap::new(),
        }
    }

    fn texts(ledger: &Ledger, reading: &Reading) -> Vec<String> {
        waits(ledger, 1, reading, Ending::Later, false)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    const RECORDED: Look = Look::Entry(Verdict::Recorded, Some(true));

    #[test]
    fn the_gate_is_open_when_everything_is_in_place() {
        let current = delivered(2, DeliveryStatus::Current);
        let open = ledger(true, &current, Some(at(10)));
        assert_eq!(texts(&open, &reading(RECORDED)), [""; 0]);
        let without_revision = DeliveryRecord {
            revision: None,
            ..current
        };
        let by_receipt = ledger(true, &without_revision, Some(at(10)));
        assert_eq!(
            texts(&by_receipt, &reading(Look::Entry(Verdict::CannotTell, None))),
            [""; 0]
        );
    }

    /// Each reason, and what `revoke_waits` says of it.
    #[test]
    fn each_reason_to_wait_says_what_it_waits_for() {
        use DeliveryStatus as Status;
        let current = || delivered(2, Status::Current);
        let at_target = |record: &DeliveryRecord, look| (ledger(true, record, Some(at(10))), reading(look));
        let dead = Reading {
            issuer: IssuerSays::Dead,
            ..reading(RECORDED)
        };
        let silent = Reading {
            issuer: IssuerSays::NoAnswer,
            ..reading(RECORDED)
        };
        let failing = Reading {
            failed_checks: BTreeMap::from([("up".to_owned(), "GET https://a.example answered 503".to_owned())]),
            ..reading(RECORDED)
        };
        let changed = "target web was changed outside Terraform and may hold it";
        let missing = "target web was deleted outside Terraform";
        let staged = "consumers of target web do not use the new value yet";
        let unknown = "it is unknown what target web holds";
        for ((ledger, reading), text) in [
            (
                (ledger(false, &current(), Some(at(10))), reading(RECORDED)),
                "generation 2 is not in place everywhere",
            ),
            (
                at_target(&delivered(1, Status::Current), RECORDED),
                "target web still holds generation 1",
            ),
            (
                at_target(&DeliveryRecord::new("x".to_owned()), RECORDED),
                "target web has not been written",
            ),
            (at_target(&delivered(2, Status::Staged), RECORDED), staged),
            (at_target(&delivered(2, Status::Changed), RECORDED), changed),
            (at_target(&delivered(2, Status::Missing), RECORDED), missing),
            (at_target(&delivered(2, Status::Unknown), RECORDED), unknown),
            (at_target(&delivered(2, Status::Stale), RECORDED), unknown),
            (
                at_target(&delivered(2, Status::Gone), RECORDED),
                "the place of target web no longer exists; remove it from targets to continue",
            ),
            (
                at_target(&current(), Look::Entry(Verdict::Recorded, Some(false))),
                staged,
            ),
            (at_target(&current(), Look::Entry(Verdict::Foreign, None)), changed),
            (at_target(&current(), Look::Entry(Verdict::Marked(1), None)), changed),
            (at_target(&current(), Look::Entry(Verdict::Empty, None)), missing),
            (at_target(&current(), Look::Entry(Verdict::CannotTell, None)), unknown),
            (at_target(&current(), Look::Unreachable), unknown),
            (
                (ledger(true, &current(), Some(at(10))), dead),
                "the issuer reports that the new credential is revoked",
            ),
            (
                (ledger(true, &current(), Some(at(10))), silent),
                "the issuer did not say whether the new credential is live",
            ),
            (
                (ledger(true, &current(), Some(at(10))), failing),
                "check up does not pass: GET https://a.example answered 503",
            ),
            (
                (ledger(true, &current(), Some(at(12))), reading(RECORDED)),
                "its overlap ends 2030-03-17T17:46:52Z",
            ),
            (
                (ledger(true, &current(), None), reading(RECORDED)),
                "its overlap has not begun",
            ),
        ] {
            assert_eq!(texts(&ledger, &reading), [text]);
        }
        // A target that was added and never written has no record.
        let mut added = reading(RECORDED);
        added.targets.insert("new".to_owned(), Look::Unreachable);
        let ledger = ledger(true, &current(), Some(at(10)));
        assert_eq!(texts(&ledger, &added), ["target new has not been written"]);
    }
}
