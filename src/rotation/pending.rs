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
