//! Mistakes planted in the world's rules or between the provider and the world, to prove that the search finds them.

use rotation_provider::call::Effect;
use rotation_provider::spec::IncidentRevoke;
use rotation_provider::terraform::Value;

use super::case::{Told, Wish};
use super::play::Call;
use super::terms::{CONSEQUENCE, DESTROY};
use super::terraform::Rest;

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
    /// The leads of the configuration are not seen.
    LeadsUnseen,
    /// An occupied slot looks empty.
    OccupiedLooksEmpty,
    /// A target's unknown status is forgotten between two runs.
    DoubtIsForgotten,
    /// A superseded credential is taken from the record between two runs.
    RecordIsDropped,
    /// The issuer ends a credential beside the one that it was asked to end.
    RevokesTheNewest,
    /// Whatever generation comes is taken to be confirmed.
    GuardUnseen,
    /// The same, where something drifted.
    GuardedDriftHeals,
    /// Whoever destroys a guarded secret is taken to have confirmed it.
    DestroyIsConfirmed,
    /// The window of the configuration is not seen.
    WindowUnseen,
    /// The window is open for revocations, whatever the clock says.
    RevocationsDoNotWait,
    /// What waits for the window does so without a notice.
    WaitsQuietly,
    /// The incident of the provider block is not seen.
    IncidentUnseen,
    /// An incident is forgotten between two runs.
    IncidentForgotten,
    /// What stays exposed is passed over.
    ExposureIsQuiet,
    /// What an incident exposes ends at once, whatever the configuration says.
    EndsAtOnce,
    /// What an incident exposes ends after the checks, whatever the configuration says.
    EndsChecked,
    /// The same, where it should end before them.
    EndsAfterTheChecks,
    /// What exists is created anew instead of taken over.
    AdoptionUnseen,
    /// Another credential is handed over than the configuration names.
    AdoptsAnother,
    /// What was taken over is taken for a generation of our own.
    TakenOverIsOwn,
    /// An activation that failed counts as one that has succeeded.
    FailedActivationsCount,
    /// What waits for an activation is forgotten between two runs.
    StagedIsForgotten,
    /// Every activation runs after the first wave: what is delivered afterwards is not loaded.
    ActivationsTooEarly,
    /// Every activation runs after the last wave, when the checks of others have run.
    ActivationsTooLate,
    /// A value is said to be parked and is not.
    ParkingIsImagined,
    /// What has ended stays parked.
    EndedStaysParked,
    /// Escrow gives back another value than the one that was parked.
    ResumesAnother,
    /// What is parked is not found.
    EscrowUnseen,
    /// A generation is made where one was to be restored.
    RestoreMakes,
    /// A destroy leaves the entry of escrow.
    DestroyLeavesEscrow,
    /// Somebody else's entry of escrow looks free.
    EscrowIsFree,
}

fn without_notices(state: Value, code: &str) -> Value {
    let notices = state.get("notices").as_list().unwrap_or_default();
    let others = notices
        .iter()
        .filter(|notice| notice.get("code").as_str() != Some(code));
    let others = Value::List(others.cloned().collect());
    state.with("notices", others)
}

impl Mutant {
    pub const ALL: [Self; 43] = [
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
        Self::LeadsUnseen,
        Self::OccupiedLooksEmpty,
        Self::DoubtIsForgotten,
        Self::RecordIsDropped,
        Self::RevokesTheNewest,
        Self::GuardUnseen,
        Self::GuardedDriftHeals,
        Self::DestroyIsConfirmed,
        Self::WindowUnseen,
        Self::RevocationsDoNotWait,
        Self::WaitsQuietly,
        Self::IncidentUnseen,
        Self::IncidentForgotten,
        Self::ExposureIsQuiet,
        Self::EndsAtOnce,
        Self::EndsChecked,
        Self::EndsAfterTheChecks,
        Self::AdoptionUnseen,
        Self::AdoptsAnother,
        Self::TakenOverIsOwn,
        Self::FailedActivationsCount,
        Self::StagedIsForgotten,
        Self::ActivationsTooEarly,
        Self::ActivationsTooLate,
        Self::ParkingIsImagined,
        Self::EndedStaysParked,
        Self::ResumesAnother,
        Self::EscrowUnseen,
        Self::RestoreMakes,
        Self::DestroyLeavesEscrow,
        Self::EscrowIsFree,
    ];

    /// What the user is taken to ask for.
    pub fn wish(self, rest: &Rest) -> Wish {
        let confirm = match self {
            Self::GuardUnseen | Self::GuardedDriftHeals if rest.wish.confirm != DESTROY => rest.coming(),
            _ => rest.wish.confirm,
        };
        Wish { confirm, ..rest.wish }
    }

    pub fn told(self) -> Told {
        Told {
            waves_reversed: self == Self::WavesReversed,
            no_overlap: self == Self::OverlapIgnored,
            occupied_is_fine: self == Self::AdoptionUnseen,
            no_lead: self == Self::LeadsUnseen,
            no_window: matches!(self, Self::WindowUnseen | Self::RevocationsDoNotWait),
            no_incident: self == Self::IncidentUnseen,
            ending: match self {
                Self::EndsAtOnce => Some(IncidentRevoke::Now),
                Self::EndsChecked | Self::EndsAfterTheChecks => Some(IncidentRevoke::Checked),
                _ => None,
            },
            adopts_nothing: self == Self::AdoptionUnseen,
            adopts_another: self == Self::AdoptsAnother,
            activates_after: match self {
                Self::ActivationsTooEarly => Some(1),
                Self::ActivationsTooLate => Some(2),
                _ => None,
            },
            restore_rotates: self == Self::RestoreMakes,
        }
    }

    pub fn effect_of_a_lost_answer(self, call: Call) -> Effect {
        let denied = self == Self::LostWriteIsRefused && call == Call::Deliver;
        if denied { Effect::None } else { Effect::Possible }
    }

    /// What an apply answers instead of what it came to.
    pub fn answered(self, state: Value, errors: Vec<String>) -> (Value, Vec<String>) {
        if self != Self::ExposureIsQuiet {
            return (state, errors);
        }
        let loud = |error: &String| !error.contains("exposed");
        (
            without_notices(state, "exposed"),
            errors.into_iter().filter(loud).collect(),
        )
    }

    /// What a state says to its user instead of what is in it.
    pub fn said(self, state: Value) -> Value {
        match self {
            Self::WaitsQuietly => without_notices(state, "waiting_for_window"),
            _ => state,
        }
    }

    /// What a destroy finds in state instead of what was stored.
    pub fn remembered_at_the_end(self, state: Value) -> Value {
        if self != Self::DestroyIsConfirmed || state.get("guard").is_null() {
            return self.remembered(state);
        }
        let confirm = format!("destroy: {CONSEQUENCE}");
        let guard = state.get("guard").clone().with("confirm", Value::string(&confirm));
        state.with("guard", guard)
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
            Self::StagedIsForgotten => {
                let deliveries = state.get("deliveries").as_map().cloned().unwrap_or_default();
                let live = deliveries.into_iter().map(|(key, delivery)| {
                    let is_staged = delivery.get("status").as_str() == Some("staged");
                    let known = delivery.clone();
                    (
                        key,
                        if is_staged {
                            known.with("status", Value::string("current"))
                        } else {
                            known
                        },
                    )
                });
                let live = Value::Map(live.collect());
                state.with("deliveries", live)
            }
            Self::IncidentForgotten => state.with("incidents", Value::List(Vec::new())),
            Self::TakenOverIsOwn if state.get("generation").as_u64() == Some(0) => {
                let deliveries = state.get("deliveries").as_map().cloned().unwrap_or_default();
                let own = |delivery: Value| delivery.with("generation", Value::number(1));
                let deliveries = deliveries.into_iter().map(|(key, delivery)| (key, own(delivery)));
                let known = state.get("credentials").as_map().cloned().unwrap_or_default();
                let known = known.into_values().map(|known| ("1".to_owned(), known));
                let (deliveries, known) = (Value::Map(deliveries.collect()), Value::Map(known.collect()));
                state
                    .with("generation", Value::number(1))
                    .with("deliveries", deliveries)
                    .with("credentials", known)
            }
            _ => state,
        }
    }
}
