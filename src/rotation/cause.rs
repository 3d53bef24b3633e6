//! Why a secret is rotated.

/// What asked for a rotation (`last_rotation.cause`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Cause {
    /// The resource was created.
    Created,
    /// `rotation.every` has passed.
    Schedule,
    /// The credential is about to expire.
    Expiry,
    /// `rotation_reason` has a new text.
    Requested,
    /// A value in `rotation.triggers` changed.
    Trigger,
    /// `source` changed, or a new value was supplied.
    Source,
    /// An entry was changed or deleted outside Terraform, and `on_drift` is `rotate`.
    Drift,
    /// The value is needed and cannot be recovered, or the credential is dead at its issuer.
    ValueLost,
    /// An incident.
    Incident,
    /// `every = "apply"`.
    Deploy,
    /// What existed was taken over.
    Adopted,
    /// An older generation was delivered again.
    Restored,
}

impl Cause {
    /// The word in state.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Reads the word in state.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    /// Whether somebody asked for it: such a request stays open until its generation is complete, whatever becomes of the argument.
    pub fn is_request(self) -> bool {
        matches!(self, Self::Requested | Self::Trigger | Self::Source | Self::Incident)
    }

    /// Whether it waits for `rotation.window`: nobody asked for it.
    pub fn waits_for_window(self) -> bool {
        matches!(self, Self::Schedule | Self::Expiry | Self::Drift | Self::ValueLost)
    }

    /// Whether the calendar asked for it, so that it is due or not by the clock alone.
    pub fn is_of_the_clock(self) -> bool {
        matches!(self, Self::Schedule | Self::Expiry)
    }
}

/// A rotation that is to happen. Its cause decides, its reason is for people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request {
    /// What asked for it.
    pub cause: Cause,
    /// Why, in words.
    pub reason: String,
}

impl Request {
    /// A request.
    pub fn new(cause: Cause, reason: impl Into<String>) -> Self {
        Self {
            cause,
            reason: reason.into(),
        }
    }
}
