//! The engine: what happens next. No clock, no network, no randomness; searched exhaustively in `tests/engine.rs`.

pub mod cause;
pub mod entry;
pub mod event;
pub mod forecast;
pub mod gate;
pub mod goal;
pub mod lead;
pub mod ledger;
pub mod notice;
pub mod outstanding;
pub mod ownership;
pub mod pending;
pub mod schedule;
pub mod step;
pub mod task;
pub mod window;

pub use cause::{Cause, Request};
pub use entry::{Container, Entry, RevisionKind};
pub use event::{Event, FARTHEST, Left, Seen};
pub use forecast::{Forecast, Moment, Prospect, forecast};
pub use gate::{Reading, Wait};
pub use goal::{Ending, Goal, TargetGoal};
pub use lead::Lead;
pub use ledger::{CredentialRecord, CredentialStatus, DeliveryRecord, DeliveryStatus, Escrow, Ledger, TAKEN_OVER};
pub use notice::{Notice, NoticeCode};
pub use outstanding::{Outstanding, outstanding};
pub use ownership::{Verdict, judge, judge_mark};
pub use pending::{Action, Pending};
pub use step::{Session, Step, StuckReason, next_step};
pub use task::Task;
