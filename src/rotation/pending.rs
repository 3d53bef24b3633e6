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
}

impl fmt::Display for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rotate { reason } => write!(f, "rotate: {reason}"),
            Self::Finish { generation, reason } => write!(f, "finish generation {generation}: {reason}"),
            Self::Deliver { target, reason } => write!(f, "deliver again to {target}: {reason}"),
            Self::Revoke {
                generation,
                credential_id,
                reason,
            } => {
                write!(f, "revoke generation {generation} ({credential_id}): {reason}")
            }
            Self::Remove { target, slot } => write!(f, "remove {target}: {slot} is no longer configured"),
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
            let (target, reason) = rest.split_once(": ")?;
            return Some(Self::Deliver {
                target: target.to_owned(),
                reason: reason.to_owned(),
            });
        }
        if let Some(rest) = text.strip_prefix("revoke generation ") {
            let (generation, rest) = rest.split_once(" (")?;
            let (credential_id, reason) = rest.split_once("): ")?;
            return Some(Self::Revoke {
                generation: generation.parse().ok()?,
                credential_id: credential_id.to_owned(),
                reason: reason.to_owned(),
            });
        }
        let (target, rest) = text.strip_prefix("remove ")?.split_once(": ")?;
        let slot = rest.strip_suffix(" is no longer configured")?;
        Some(Self::Remove {
            target: target.to_owned(),
            slot: slot.to_owned(),
        })
    }
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
        ] {
            assert_eq!(Pending::parse(&pending.to_string()), Some(pending));
        }
        assert_eq!(Pending::parse("dance"), None);
    }
}
