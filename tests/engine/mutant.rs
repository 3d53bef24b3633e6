//! Mistakes planted in the world's rules or between the provider and the world, to prove that the search finds them.

use rotation_provider::call::Effect;
use rotation_provider::terraform::Value;

use super::case::Told;
use super::play::Call;

/// One mistake; `None` for the real thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mutant {
    #[default]
    None,
    /// The issuer's list is empty: what an interrupted mint left is never found.
    ListsNothing,
    /// Credentials are made without our label.
    MintsWithoutLabel,
    /// The adapter repeats a mint by itself.
    MintsTwice,
    /// A write whose answer was lost is reported as done.
    LostWriteIsDone,
    /// A write whose answer was lost is reported as refused.
    LostWriteIsRefused,
    /// The readable target takes the mark in a call of its own, before the value.
    MarkIsAhead,
    /// Markers do not move with writes of others.
    MarkersStandStill,
    /// A check passes without having looked.
    ChecksDoNotLook,
    /// A roll of machines says that it is done and is not.
    RollsAreImagined,
    /// The issuer denies that the run authenticates with a credential.
    OwnIsDenied,
    /// The waves of the configuration are taken in the wrong order.
    WavesReversed,
    /// The overlap of the configuration is not kept.
    OverlapIgnored,
    /// An occupied slot looks empty.
    OccupiedLooksEmpty,
    /// A target's unknown status is forgotten between two runs.
    DoubtIsForgotten,
    /// A superseded credential is taken from the record between two runs.
    RecordIsDropped,
    /// The issuer ends a credential beside the one that it was asked to end.
    RevokesTheNewest,
}

impl Mutant {
    pub const ALL: [Self; 16] = [
        Self::ListsNothing,
        Self::MintsWithoutLabel,
        Self::MintsTwice,
        Self::LostWriteIsDone,
        Self::LostWriteIsRefused,
        Self::MarkIsAhead,
        Self::MarkersStandStill,
        Self::ChecksDoNotLook,
        Self::RollsAreImagined,
        Self::OwnIsDenied,
        Self::WavesReversed,
        Self::OverlapIgnored,
        Self::OccupiedLooksEmpty,
        Self::DoubtIsForgotten,
        Self::RecordIsDropped,
        Self::RevokesTheNewest,
    ];

    pub fn told(self) -> Told {
        Told {
            waves_reversed: self == Self::WavesReversed,
            no_overlap: self == Self::OverlapIgnored,
            occupied_is_fine: false,
        }
    }

    pub fn effect_of_a_lost_answer(self, call: Call) -> Effect {
        let denied = self == Self::LostWriteIsRefused && call == Call::Deliver;
        if denied { Effect::None } else { Effect::Possible }
    }

    /// What the next run finds in state instead of what was stored.
    pub fn remembered(self, state: Value) -> Value {
        match self {
            Self::DoubtIsForgotten => {
                let deliveries = state.get("deliveries").as_map().cloned().unwrap_or_default();
                let newest = state.get("generation").clone();
                let sure = deliveries.into_iter().map(|(key, delivery)| {
                    let doubtful = delivery.get("status").as_str() == Some("unknown");
                    let certain = || {
                        delivery
                            .clone()
                            .with("status", Value::string("current"))
                            .with("generation", newest.clone())
                    };
                    (key, if doubtful { certain() } else { delivery })
                });
                let sure = Value::Map(sure.collect());
                state.with("deliveries", sure)
            }
            Self::RecordIsDropped => {
                let newest = state.get("generation").clone();
                let newest = newest.as_u64().unwrap_or_default().to_string();
                let known = state.get("credentials").as_map().cloned().unwrap_or_default();
                let kept = known.into_iter().filter(|(generation, _)| *generation == newest);
                state.with("credentials", Value::Map(kept.collect()))
            }
            _ => state,
        }
    }
}
