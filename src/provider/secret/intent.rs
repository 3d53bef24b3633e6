//! What a plan means to do with an object, in the planned private state: the one thing that tells the destroy half of a replacement
//! from a destroy.
//!
//! The CLI sends it to apply as the plan returned it. The destroy half of a replacement carries that of the create plan (Terraform
//! and OpenTofu alike); a real destroy, and the destroy of a deposed object, that of the destroy plan.

use serde_json::{Value, json};

/// What a plan means to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Intent {
    /// Delete the entries and revoke the credentials.
    Destroy,
    /// Create an object, perhaps in the place of the one with this id.
    Create {
        /// The id of the object that it replaces, where the plan knows it.
        replaces: Option<String>,
        /// The id that the configuration leads to, where it is wholly known: it tells the create half of this replacement from
        /// other creates of the run.
        becomes: Option<String>,
    },
    /// Change the object with this id.
    Update {
        /// Its id.
        id: String,
    },
    /// The CLI sent nothing that a plan of this provider returned.
    Unknown,
}

impl Intent {
    /// Writes it.
    pub(super) fn to_private(&self) -> Vec<u8> {
        let value = match self {
            Self::Destroy => json!({ "intent": "destroy" }),
            Self::Create { replaces, becomes } => {
                json!({ "intent": "create", "replaces": replaces, "becomes": becomes })
            }
            Self::Update { id } => json!({ "intent": "update", "id": id }),
            Self::Unknown => return Vec::new(),
        };
        value.to_string().into_bytes()
    }

    /// Reads it.
    pub(super) fn of_private(private: &[u8]) -> Self {
        let Ok(value) = serde_json::from_slice::<Value>(private) else {
            return Self::Unknown;
        };
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        match (value.get("intent").and_then(Value::as_str), text("id")) {
            (Some("destroy"), _) => Self::Destroy,
            (Some("create"), _) => Self::Create {
                replaces: text("replaces"),
                becomes: text("becomes"),
            },
            (Some("update"), Some(id)) => Self::Update { id },
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intent_survives_its_bytes_and_anything_else_means_nothing() {
        for intent in [
            Intent::Destroy,
            Intent::Create {
                replaces: None,
                becomes: None,
            },
            Intent::Create {
                replaces: Some("ab".to_owned()),
                becomes: Some("cd".to_owned()),
            },
            Intent::Update { id: "ab".to_owned() },
            Intent::Unknown,
        ] {
            assert_eq!(Intent::of_private(&intent.to_private()), intent);
        }
        for other in [&b"{}"[..], b"destroy", b"{\"intent\":\"update\"}", b"\xff"] {
            assert_eq!(Intent::of_private(other), Intent::Unknown);
        }
    }
}
