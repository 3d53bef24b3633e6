//! How an error of apply ends: what is true now, and what comes next.

use std::fmt::{self, Display, Formatter};

use super::{Words, all_of, capitalized};

/// What one target holds, where that is not the newest generation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TargetSituation {
    /// It cannot be told.
    Unknown,
    /// That generation is published, but consumers do not use it.
    Staged(u64),
    /// An older generation.
    Older(u64),
}

/// What is true of a secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Situation {
    /// The newest generation in words, such as `generation 2 (abc)`; `None` before the first.
    pub newest: Option<String>,
    /// Targets that hold it.
    pub holding: Vec<String>,
    /// How many targets there are.
    pub targets: usize,
    /// Targets that do not hold it, with what breaks meanwhile.
    pub others: Vec<(String, TargetSituation, Option<String>)>,
    /// Targets whose consumers fail, because they use a credential that is revoked.
    pub cut_off: Vec<String>,
    /// Entries of targets that left the configuration, in words, and the generation that each may still hold.
    pub left: Vec<(String, u64)>,
    /// Older credentials that were not revoked, in words.
    pub still_valid: Vec<String>,
    /// Older credentials that have ended, but whose sessions may go on, in words.
    pub open_sessions: Vec<String>,
    /// There is no credential and no entry.
    pub is_nothing: bool,
    /// This run minted, wrote and revoked nothing.
    pub is_untouched: bool,
    /// The generation to which a person can go back by supplying it again: the newest did not reach every target.
    pub way_back: Option<u64>,
}

/// Work that the next apply will do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Work {
    /// A new generation.
    Rotate(u64),
    /// The rest of a rotation.
    Finish(u64),
    /// One target gets a generation.
    Deliver(u64, String),
    /// What a target holds goes live.
    Activate(String),
    /// The entry of a target is deleted, in words.
    Remove(String),
    /// A generation leaves escrow; `None`: all do, from there.
    Unpark(Option<u64>),
    /// Checks run again.
    Check,
    /// An older generation is delivered.
    Restore(u64),
    /// A message is sent.
    Notify,
    /// A credential is revoked.
    Revoke(u64, Option<String>),
    /// The sessions of a credential are ended that has ended itself.
    EndSessions(u64, Option<String>),
    /// A credential has ended, which is recorded.
    RecordEnd(u64, Option<String>),
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Next {
    /// The same apply again.
    Retry,
    /// The create is tainted.
    Tainted,
    /// A generated value must be put back, or a new one asked for.
    NewGenerated,
    /// A supplied value must be put back, or supplied again.
    NewSupplied,
    /// A supplied value that was taken over must be put back, or a new one supplied.
    NewSuppliedOnly,
    /// Work with its reasons.
    Works(Vec<(Work, String)>),
}

/// How an error ends.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Ending {
    /// It came before any effect.
    Untouched,
    /// A create took back what it minted: the labels of these credentials, and why one could not be revoked. `is_complete` when nothing
    /// is left.
    Undone {
        /// What it minted.
        credentials: Vec<(String, Option<String>)>,
        /// Nothing is left behind.
        is_complete: bool,
    },
    /// What is true, and what comes next.
    Left(Situation, Next),
}

fn credential(generation: u64, id: Option<&str>) -> String {
    match id {
        Some(id) => format!("generation {generation} ({id})"),
        None => format!("generation {generation}"),
    }
}

fn broken(impact: Option<&String>) -> String {
    impact.map_or_else(String::new, |impact| format!(" ({})", impact.trim_end_matches('.')))
}

impl Display for Situation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut sentences = Vec::new();
        if self.is_untouched {
            sentences.push("Nothing was minted or changed.".to_owned());
        }
        if self.is_nothing {
            sentences.push("Nothing exists yet.".to_owned());
        }
        if let Some(newest) = &self.newest {
            let held = match self.holding.as_slice() {
                [] => String::new(),
                holding => format!(" ({})", holding.join(", ")),
            };
            let (count, all) = (self.holding.len(), self.targets);
            sentences.push(format!("{} is in {count} of {all} targets{held}.", capitalized(newest)));
        }
        for (target, holds, impact) in &self.others {
            let impact = broken(impact.as_ref());
            sentences.push(match holds {
                TargetSituation::Unknown => format!("What {target} holds is unknown{impact}."),
                TargetSituation::Staged(generation) => {
                    format!("Generation {generation} is published at {target}, but not live{impact}.")
                }
                TargetSituation::Older(generation) => format!("{target} still holds generation {generation}{impact}."),
            });
        }
        if let (Some(newest), [_, ..]) = (&self.newest, self.cut_off.as_slice()) {
            let targets: Vec<Words> = super::names(self.cut_off.clone());
            sentences.push(format!(
                "The older credential is revoked, so consumers of {} fail until they use {newest}.",
                all_of(&targets)
            ));
        }
        for (entry, generation) in &self.left {
            let entry = capitalized(entry);
            sentences.push(format!(
                "{entry} is no longer in targets, but may still hold generation {generation}."
            ));
        }
        if !self.still_valid.is_empty() {
            sentences.push(format!("Still valid (not revoked): {}.", self.still_valid.join(", ")));
        }
        if !self.open_sessions.is_empty() {
            sentences.push(format!(
                "Ended, but with sessions that may still be open: {}.",
                self.open_sessions.join(", ")
            ));
        }
        f.write_str(&sentences.join(" "))
    }
}

impl Display for Work {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rotate(generation) => write!(f, "rotate to generation {generation}"),
            Self::Finish(generation) => write!(f, "finish generation {generation}"),
            Self::Deliver(generation, target) => write!(f, "deliver generation {generation} to {target}"),
            Self::Activate(target) => write!(f, "activate {target}"),
            Self::Remove(entry) => write!(f, "delete {entry}"),
            Self::Unpark(Some(generation)) => write!(f, "delete generation {generation} from escrow"),
            Self::Unpark(None) => f.write_str("delete what is left in escrow"),
            Self::Check => f.write_str("repeat the checks"),
            Self::Restore(generation) => write!(f, "restore generation {generation}"),
            Self::Notify => f.write_str("send the message"),
            Self::Revoke(generation, id) => write!(f, "revoke {}", credential(*generation, id.as_deref())),
            Self::EndSessions(generation, id) => {
                write!(f, "end the sessions of {}", credential(*generation, id.as_deref()))
            }
            Self::RecordEnd(generation, id) => {
                write!(f, "record that {} has ended", credential(*generation, id.as_deref()))
            }
        }
    }
}

impl Display for Next {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retry => f.write_str("Apply again to retry."),
            Self::Tainted => f.write_str(
                "Terraform marked the secret as tainted: the next apply replaces it under the same id, and revokes nothing before the new \
                 value is in place. To resume without a replacement, run `terraform untaint` first.",
            ),
            Self::NewGenerated => {
                f.write_str("Restore the value at a target yourself, or set a new `rotation_reason` to make a new one.")
            }
            Self::NewSupplied => f.write_str(
                "Restore the value at a target yourself, or supply it again: set `value_wo`, and raise `value_wo_version` if it is a new \
                 one.",
            ),
            Self::NewSuppliedOnly => f.write_str(
                "Restore the value at a target yourself, or supply a new one: set `value_wo`, and raise `value_wo_version`.",
            ),
            Self::Works(works) => {
                let works = works.iter().map(|(work, reason)| format!("{work} ({reason})"));
                write!(f, "The next apply will {}.", works.collect::<Vec<_>>().join("; "))
            }
        }
    }
}

impl Display for Ending {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untouched => f.write_str("Nothing was minted or changed."),
            Self::Undone {
                credentials,
                is_complete,
            } => {
                for (label, refused) in credentials {
                    match refused {
                        None => write!(f, "The new credential {label} was revoked. ")?,
                        Some(why) => write!(f, "The new credential {label} could not be revoked: {why}. ")?,
                    }
                }
                f.write_str(match is_complete {
                    true => "No target was changed, and nothing is left behind.",
                    false => {
                        "No target was changed. The next apply finds the credential by its label and finishes with it."
                    }
                })
            }
            Self::Left(situation, next) => {
                write!(f, "{situation}\n{next}")?;
                match situation.way_back {
                    Some(generation) => write!(
                        f,
                        " To go back to generation {generation} instead, set `value_wo`, `value_wo_version` and `credential_id` as they were."
                    ),
                    None => Ok(()),
                }
            }
        }
    }
}
