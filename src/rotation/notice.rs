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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// Sessions of a revoked credential are open.
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
    /// Every code.
    pub const ALL: [Self; 23] = [
        Self::Drifted,
        Self::Overdue,
        Self::WaitingForWindow,
        Self::AwaitingValue,
        Self::RevokeByHand,
        Self::RevokeWaits,
        Self::Staged,
        Self::Shadowed,
        Self::Unreachable,
        Self::Gone,
        Self::NotRestorable,
        Self::NotResumable,
        Self::Lookalike,
        Self::Rival,
        Self::OwnCredential,
        Self::Guarded,
        Self::Exposed,
        Self::OpenSessions,
        Self::Clock,
        Self::EscrowLeft,
        Self::WasInState,
        Self::UnlistedMint,
        Self::NotifyFailed,
    ];

    /// The word in state.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drifted => "drifted",
            Self::Overdue => "overdue",
            Self::WaitingForWindow => "waiting_for_window",
            Self::AwaitingValue => "awaiting_value",
            Self::RevokeByHand => "revoke_by_hand",
            Self::RevokeWaits => "revoke_waits",
            Self::Staged => "staged",
            Self::Shadowed => "shadowed",
            Self::Unreachable => "unreachable",
            Self::Gone => "gone",
            Self::NotRestorable => "not_restorable",
            Self::NotResumable => "not_resumable",
            Self::Lookalike => "lookalike",
            Self::Rival => "rival",
            Self::OwnCredential => "own_credential",
            Self::Guarded => "guarded",
            Self::Exposed => "exposed",
            Self::OpenSessions => "open_sessions",
            Self::Clock => "clock",
            Self::EscrowLeft => "escrow_left",
            Self::WasInState => "was_in_state",
            Self::UnlistedMint => "unlisted_mint",
            Self::NotifyFailed => "notify_failed",
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

    /// Whether its subject is a target.
    pub fn is_of_a_target(self) -> bool {
        matches!(
            self,
            Self::Unreachable | Self::Drifted | Self::Staged | Self::Gone | Self::NotRestorable
        )
    }
}
