//! What an apply brings to each kind of shared work, and what it gets back.

use jiff::Timestamp;

use super::{Table, Tables};
use crate::address::Address;
use crate::call::{CallError, CallErrorKind, Effect};
use crate::check::CheckFailure;
use crate::label::Label;
use crate::secret::Secret;
use crate::target::{Activated, Delivery, Receipt};

/// What an apply brings to a kind of shared work.
pub(in crate::executor) trait Order: Sized {
    /// What it gets back.
    type Ending;

    /// Where it lies until a run takes it.
    fn table(tables: &mut Tables) -> &mut Table<Self>;

    /// Of one that was interrupted before a run covered it.
    fn interrupted() -> Self::Ending;

    /// Of one that a run covered which ended without a word.
    fn lost() -> Self::Ending;
}

/// An activation needs nothing that others lack.
pub(in crate::executor) struct ActivationOrder;

impl Order for ActivationOrder {
    type Ending = Result<(), CheckFailure>;

    fn table(tables: &mut Tables) -> &mut Table<Self> {
        &mut tables.activations
    }

    fn interrupted() -> Self::Ending {
        Err(CheckFailure {
            message: "It was interrupted before it began.".to_owned(),
            interrupted: true,
        })
    }

    fn lost() -> Self::Ending {
        Err(CheckFailure {
            message: "It was cut off, so it is unknown whether it succeeded.".to_owned(),
            interrupted: true,
        })
    }
}

/// The entries of one container that an apply writes.
pub(in crate::executor) struct WriteOrder {
    pub(in crate::executor) entries: Vec<WrittenEntry>,
}

/// An entry and its value, which another apply may write.
pub(in crate::executor) struct WrittenEntry {
    pub(in crate::executor) slot: Address,
    /// A handle of this apply's own, which goes with the call.
    pub(in crate::executor) value: Secret,
    pub(in crate::executor) label: Label,
    pub(in crate::executor) content: Option<String>,
    pub(in crate::executor) origin: String,
    pub(in crate::executor) generated: bool,
}

impl WrittenEntry {
    pub(in crate::executor) fn delivery(&self) -> Delivery<'_> {
        Delivery {
            slot: self.slot.clone(),
            value: &self.value,
            label: &self.label,
            content: self.content.as_deref(),
            origin: &self.origin,
            generated: self.generated,
        }
    }
}

impl Order for WriteOrder {
    type Ending = Result<Vec<Receipt>, CallError>;

    fn table(tables: &mut Tables) -> &mut Table<Self> {
        &mut tables.writes
    }

    fn interrupted() -> Self::Ending {
        Err(interrupted("writing the value"))
    }

    fn lost() -> Self::Ending {
        Err(lost("writing the value together with those of other secrets"))
    }
}

/// Entries of one container that an apply makes live: when each was delivered, and the revision of that write.
pub(in crate::executor) struct RollOrder {
    pub(in crate::executor) delivered: Vec<(Option<Timestamp>, String)>,
}

impl Order for RollOrder {
    type Ending = Result<Activated, CallError>;

    fn table(tables: &mut Tables) -> &mut Table<Self> {
        &mut tables.rolls
    }

    fn interrupted() -> Self::Ending {
        Err(interrupted("making the value live"))
    }

    fn lost() -> Self::Ending {
        Err(lost("making the value live together with those of other secrets"))
    }
}

fn interrupted(operation: &str) -> CallError {
    let what = "the run was interrupted before it began";
    CallError::new(
        CallErrorKind::Interrupted,
        Effect::None,
        "the provider",
        operation,
        None,
        what,
    )
}

/// The apply that made the call for all of them is gone, and whatever the vendor answered with it.
fn lost(operation: &str) -> CallError {
    let what = "the apply that did it for several secrets ended before the answer came";
    CallError::new(
        CallErrorKind::Malformed,
        Effect::Possible,
        "the provider",
        operation,
        None,
        what,
    )
}
