//! What the next apply will do because of time or drift, as sentences that a person reads and plan understands.
//!
//! Read writes them into state, plan reads them back: the sentence is the format, so each form survives its text.

use std::fmt;

/// One thing that the next apply will do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pending {
    /// Mint a new generation.
    Rotate {
        /// Why.
        reason: String,
    },
    /// Go on with an interrupted rotation.
    Finish {
        /// The generation that is under way.
        generation: u64,
        /// What is left.
        reason: String,
    },
    /// Write the same generation to a target again.
    Deliver {
        /// The target's key.
        target: String,
        /// Why.
        reason: String,
    },
    /// Make a target's entry live for its consumers.
    Activate {
        /// The target's key.
        target: String,
        /// What is known of it.
        reason: String,
    },
    /// End an older generation at its issuer.
    Revoke {
        /// The generation.
        generation: u64,
        /// The issuer's handle.
        credential_id: String,
        /// Why now.
        reason: String,
    },
    /// Delete the entry of a target that is no longer configured.
    Remove {
        /// The target's key.
        target: String,
        /// Its slot.
        slot: String,
    },
    /// Run a check once more that did not pass after a revocation.
    Check {
        /// The check's key.
        check: String,
    },
}

/// What waits, or needs a person. Its code decides, its text is for people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notice {
    /// What it is.
    pub code: NoticeCode,
    /// What it is about: a target's key, a credential's id, an issuer's address. One code and subject has one notice.
    pub subject: String,
    /// The sentence.
    pub text: String,
}

/// The closed list of notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeCode {
    /// An entry was changed or deleted outside Terraform, and `on_drift = "report"` leaves it.
    Drifted,
    /// A credential that only a person can revoke.
    RevokeByHand,
    /// A revocation is due and waits.
    RevokeWaits,
    /// A target holds a value that its consumers do not use.
    Staged,
    /// A vendor could not be asked.
    Unreachable,
    /// The container of a target, or of the issuer, no longer exists.
    Gone,
    /// A credential that another configuration of this secret seems to have made.
    Lookalike,
    /// A credential of this very secret that its state does not explain.
    Rival,
    /// The credential that this run authenticates with is due to be revoked.
    OwnCredential,
}

impl NoticeCode {
    const ALL: [Self; 9] = [
        Self::Drifted,
        Self::RevokeByHand,
        Self::RevokeWaits,
        Self::Staged,
        Self::Unreachable,
        Self::Gone,
        Self::Lookalike,
        Self::Rival,
        Self::OwnCredential,
    ];

    /// The word in state.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drifted => "drifted",
            Self::RevokeByHand => "revoke_by_hand",
            Self::RevokeWaits => "revoke_waits",
            Self::Staged => "staged",
            Self::Unreachable => "unreachable",
            Self::Gone => "gone",
            Self::Lookalike => "lookalike",
            Self::Rival => "rival",
            Self::OwnCredential => "own_credential",
        }
    }

    /// Reads the word in state.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }

    /// Whether only a look at the vendors tells it, so that an apply, which does not look again, passes it on.
    pub fn is_of_a_look(self) -> bool {
        matches!(
            self,
            Self::Unreachable | Self::Lookalike | Self::Rival | Self::OwnCredential
        )
    }
}

/// Follows the name of a check that runs once more.
const CHECK_AGAIN: &str = " again: it has not passed since the last revocation";

impl fmt::Display for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rotate { reason } => write!(f, "rotate: {reason}"),
            Self::Finish { generation, reason } => write!(f, "finish generation {generation}: {reason}"),
            Self::Deliver { target, reason } => write!(f, "deliver again to {}: {reason}", Named(target, ": ")),
            Self::Activate { target, reason } => write!(f, "activate {}: {reason}", Named(target, ": ")),
            Self::Revoke {
                generation,
                credential_id,
                reason,
            } => {
                let handle = Named(credential_id, "): ");
                write!(f, "revoke generation {generation} ({handle}): {reason}")
            }
            Self::Remove { target, slot } => {
                write!(f, "remove {}: {slot} is no longer configured", Named(target, ": "))
            }
            Self::Check { check } => write!(f, "check {}{CHECK_AGAIN}", Named(check, CHECK_AGAIN)),
        }
    }
}

impl Pending {
    /// Reads a sentence back; `None` for one that this version does not know.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(reason) = text.strip_prefix("rotate: ") {
            return Some(Self::Rotate {
                reason: reason.to_owned(),
            });
        }
        if let Some(rest) = text.strip_prefix("finish generation ") {
            let (generation, reason) = rest.split_once(": ")?;
            return Some(Self::Finish {
                generation: generation.parse().ok()?,
                reason: reason.to_owned(),
            });
        }
        if let Some(rest) = text.strip_prefix("deliver again to ") {
            let (target, reason) = named(rest, ": ")?;
            return Some(Self::Deliver {
                target,
                reason: reason.to_owned(),
            });
        }
        if let Some(rest) = text.strip_prefix("activate ") {
            let (target, reason) = named(rest, ": ")?;
            return Some(Self::Activate {
                target,
                reason: reason.to_owned(),
            });
        }
        if let Some(rest) = text.strip_prefix("revoke generation ") {
            let (generation, rest) = rest.split_once(" (")?;
            let (credential_id, reason) = named(rest, "): ")?;
            return Some(Self::Revoke {
                generation: generation.parse().ok()?,
                credential_id,
                reason: reason.to_owned(),
            });
        }
        if let Some(rest) = text.strip_prefix("check ") {
            let (check, _) = named(rest, CHECK_AGAIN)?;
            return Some(Self::Check { check });
        }
        let (target, rest) = named(text.strip_prefix("remove ")?, ": ")?;
        let slot = rest.strip_suffix(" is no longer configured")?;
        Some(Self::Remove {
            target,
            slot: slot.to_owned(),
        })
    }
}

/// A name that others chose, and what follows it in the sentence. One in which that occurs is written as a JSON string, so
/// that its end can be found.
struct Named<'a>(&'a str, &'static str);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name, end) = self;
        // A name that ends with the beginning of `end` would end too early, as in `a:` before `: `.
        let plain = !name.starts_with('"') && format!("{name}{end}").find(end) == Some(name.len());
        if plain {
            f.write_str(name)
        } else {
            write!(f, "{}", serde_json::Value::from(*name))
        }
    }
}

/// Reads a [`Named`] name; gives what follows its end, too.
fn named<'a>(text: &'a str, end: &str) -> Option<(String, &'a str)> {
    if !text.starts_with('"') {
        let (name, rest) = text.split_once(end)?;
        return Some((name.to_owned(), rest));
    }
    let mut quoted = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let name = quoted.next()?.ok()?;
    let rest = text.get(quoted.byte_offset()..)?.strip_prefix(end)?;
    Some((name, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sentence_survives_its_text() {
        for pending in [
            Pending::Rotate {
                reason: "every 90d, due since 2026-11-02T00:00:00Z".to_owned(),
            },
            Pending::Finish {
                generation: 4,
                reason: "1 of 2 targets delivered: image_publish is left".to_owned(),
            },
            Pending::Deliver {
                target: "image_publish".to_owned(),
                reason: "changed outside Terraform: now".to_owned(),
            },
            Pending::Revoke {
                generation: 3,
                credential_id: "tok_1".to_owned(),
                reason: "overlap ended".to_owned(),
            },
            Pending::Remove {
                target: "runtime".to_owned(),
                slot: "ssm_parameter:default:/a/B".to_owned(),
            },
            Pending::Deliver {
                target: "web: \"eu\"".to_owned(),
                reason: "changed".to_owned(),
            },
            Pending::Revoke {
                generation: 1,
                credential_id: "a): b".to_owned(),
                reason: "overlap ended".to_owned(),
            },
            Pending::Remove {
                target: "\"quoted\"".to_owned(),
                slot: "fly_secret:default:a/B".to_owned(),
            },
            Pending::Check {
                check: "old_is_refused".to_owned(),
            },
            Pending::Activate {
                target: "control_plane".to_owned(),
                reason: "0 of 3 machines run it".to_owned(),
            },
        ] {
            assert_eq!(Pending::parse(&pending.to_string()), Some(pending));
        }
        assert_eq!(Pending::parse("dance"), None);
    }
}
