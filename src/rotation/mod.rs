//! The engine: what happens next. No clock, no network, no randomness; searched exhaustively in `tests/engine.rs`.

pub mod goal;
pub mod ledger;
pub mod pending;
pub mod schedule;
pub mod step;

pub use goal::{Goal, TargetGoal};
pub use ledger::{CredentialRecord, CredentialStatus, DeliveryRecord, DeliveryStatus, Ledger};
pub use pending::Pending;
pub use step::{Session, Step, Why, next_step};
