//! How far one connection can be used.

use std::sync::Arc;

use super::{Account, Opening, Vendor};
use crate::terraform::{Diagnostic, Diagnostics, Path};

#[derive(Clone)]
pub(super) struct Named {
    /// `None` while it is unknown, or wrong.
    pub(super) vendor: Option<&'static Vendor>,
    pub(super) state: State,
}

/// How far one connection can be used.
#[derive(Clone)]
pub(super) enum State {
    Ready(Arc<dyn Account>),
    /// Something in its block is known only after apply.
    Unknown,
    Wrong(Diagnostic),
}

impl State {
    pub(super) fn account(&self) -> Result<&Arc<dyn Account>, Unready> {
        match self {
            Self::Ready(account) => Ok(account),
            Self::Unknown => Err(Unready::Unknown),
            Self::Wrong(why) => Err(Unready::Wrong(why.clone())),
        }
    }
}

/// Why a connection cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unready {
    /// Something of it is known only after apply.
    Unknown,
    /// What is wrong with it.
    Wrong(Diagnostic),
    /// No connection has that name.
    Undeclared,
    /// It is one of another vendor.
    OfOtherVendor(&'static str),
}

/// Reads one block, and keeps apart what is wrong for everybody.
pub(super) fn open(mut opening: Opening<'_>, vendor: &'static Vendor, problems: &mut Diagnostics) -> State {
    let account = (vendor.open)(&mut opening);
    let wrong = opening.written.iter().chain(opening.found.iter()).next().cloned();
    let state = match (wrong, account) {
        (Some(why), _) => State::Wrong(why.at(Path::root())),
        (None, Some(account)) => State::Ready(Arc::from(account)),
        (None, None) => State::Unknown,
    };
    problems.extend(opening.written);
    state
}
