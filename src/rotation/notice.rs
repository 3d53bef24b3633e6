//! What waits, or needs a person.

/// A notice. Its code decides, its text is for people.
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
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum NoticeCode {
    /// An entry was changed or deleted outside Terraform, and `on_drift = "report"` leaves it.
    Drifted,
    /// `rotate_after` has passed.
    Overdue,
    /// A rotation or a revocation waits for `rotation.window`.
    WaitingForWindow,
    /// A rotation waits for a value that a person supplies.
    AwaitingValue,
    /// A credential that only a person can revoke.
    RevokeByHand,
    /// A revocation is due and waits.
    RevokeWaits,
    /// A target holds a value that its consumers do not use.
    Staged,
    /// An entry of another place hides one of this secret's.
    Shadowed,
    /// A vendor could not be asked.
    Unreachable,
    /// The container of a target, or of the issuer, no longer exists.
    Gone,
    /// A target lacks the value, which cannot be recovered, and is not replaced without a word.
    NotRestorable,
    /// A rotation that is interrupted could not be resumed.
    NotResumable,
    /// A credential that another configuration of this secret seems to have made.
    Lookalike,
    /// A credential of this very secret that its state does not explain.
    Rival,
    /// The credential that this run authenticates with is due to be revoked.
    OwnCredential,
    /// A rotation waits for `guard.confirm`.
    Guarded,
    /// An exposed credential still works.
    Exposed,
    /// Sessions of a credential that has ended are open.
    OpenSessions,
    /// The clocks of a vendor and of this machine differ.
    Clock,
    /// An escrowed value could not be deleted.
    EscrowLeft,
    /// Older states of this secret hold its value in plain text.
    WasInState,
    /// A mint without an answer that no list shows.
    UnlistedMint,
    /// A message could not be sent.
    NotifyFailed,
}

impl NoticeCode {
    /// All of them.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The word in state.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Reads the word in state.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    /// Whether only a look at the vendors tells it, so that an apply, which does not look again, passes it on.
    pub fn is_of_a_look(self) -> bool {
        matches!(
            self,
            Self::Unreachable
                | Self::Shadowed
                | Self::Lookalike
                | Self::Rival
                | Self::OwnCredential
                | Self::OpenSessions
                | Self::Clock
        )
    }

    /// Whether its subject is a target.
    pub fn is_of_a_target(self) -> bool {
        matches!(
            self,
            Self::Unreachable | Self::Drifted | Self::Staged | Self::Shadowed | Self::Gone | Self::NotRestorable
        )
    }
}
