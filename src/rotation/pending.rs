//! What an apply would do now because of time or drift: facts that a refresh leaves in the state, and that a plan decides by.

use super::cause::{Cause, Request};

/// The closed list of what an apply does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Action {
    /// Mint a new generation.
    Rotate,
    /// Go on with an interrupted rotation.
    Finish,
    /// Write the same generation to a target again.
    Deliver,
    /// Make a target's entry live, or do the work that its write left.
    Activate,
    /// Revoke an older generation at its issuer.
    Revoke,
    /// Delete the entry of a target that is no longer configured.
    Remove,
    /// Run the checks again that did not pass after a revocation.
    Check,
    /// Deliver an older generation again.
    Restore,
    /// Send a message that was not sent.
    Notify,
}

impl Action {
    /// The word in state.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Reads the word in state.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// One thing that an apply would do now.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pending {
    /// What.
    pub action: Action,
    /// Why a rotation is due; `None` for everything else.
    pub cause: Option<Cause>,
    /// The target's key.
    pub target: Option<String>,
    /// The generation that is acted on: for a revocation the old one.
    pub generation: Option<u64>,
    /// The issuer's handle of that generation.
    pub credential_id: Option<String>,
    /// Why, in words.
    pub reason: String,
}

impl Pending {
    /// Something that concerns no target and no credential.
    pub fn new(action: Action, generation: u64, reason: impl Into<String>) -> Self {
        Self {
            action,
            cause: None,
            target: None,
            generation: Some(generation),
            credential_id: None,
            reason: reason.into(),
        }
    }

    /// Whether it deletes a value from escrow. Where that value is of a generation that has ended, it names that generation.
    pub fn is_of_escrow(&self) -> bool {
        self.action == Action::Remove && self.target.is_none()
    }

    /// A rotation that leads to `generation`.
    pub fn rotation(generation: u64, request: &Request) -> Self {
        Self {
            cause: Some(request.cause),
            ..Self::new(Action::Rotate, generation, request.reason.clone())
        }
    }

    /// Work on one target.
    pub fn at(action: Action, target: &str, generation: Option<u64>, reason: impl Into<String>) -> Self {
        Self {
            action,
            cause: None,
            target: Some(target.to_owned()),
            generation,
            credential_id: None,
            reason: reason.into(),
        }
    }

    /// The request, for a rotation.
    pub fn request(&self) -> Option<Request> {
        let cause = self.cause.filter(|_| self.action == Action::Rotate)?;
        Some(Request::new(cause, self.reason.clone()))
    }
}
