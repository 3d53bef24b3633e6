//! The cases: one function each. What a vendor offers decides which a kind plays, and nothing else does.

use rotation_provider::connection::{Connections, Reach};

pub(crate) mod credentials;
pub(crate) mod entries;
pub(crate) mod issuer_lost;
pub(crate) mod issuer_refused;
pub(crate) mod lost;
pub(crate) mod ownership;
pub(crate) mod refused;
pub(crate) mod requests;
pub(crate) mod sources;
pub(crate) mod targets;

/// What the account adds to addresses of a kind.
pub(crate) fn placed(reach: Option<Reach>, connections: &Connections) -> String {
    let account = |reach: Reach| (reach.place)(connections.own().dynamic(reach.vendor).unwrap().as_ref());
    reach.map(account).unwrap_or_default()
}

/// A snapshot of a kind, reviewed as a whole.
#[macro_export]
macro_rules! reviewed {
    ($name:expr, $text:expr) => {
        insta::with_settings!(
            { omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "../snapshots" },
            { insta::assert_snapshot!($name, $text); }
        )
    };
}
