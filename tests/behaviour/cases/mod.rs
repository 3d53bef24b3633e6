//! The cases: one function each. What a vendor offers decides which a kind plays, and nothing else does.

use rotation_provider::address::DEFAULT_CONNECTION;
use rotation_provider::connection::{Connections, Link, Reach};
use rotation_provider::environment::Environment;

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
pub(crate) fn placed(reach: Option<Reach>, named: &str, connections: &Connections) -> String {
    let account = |reach: Reach| {
        let link = link(Some(reach), named, connections);
        (reach.place)(link.dynamic(reach.vendor).unwrap().as_ref())
    };
    reach.map(account).unwrap_or_default()
}

/// The connection that the suite uses for a kind: of one without an account of the provider's own, the named one.
pub(crate) fn connection_of(reach: Option<Reach>, named: &str) -> &str {
    match reach {
        Some(reach) if !reach.vendor.has_default => named,
        _ => DEFAULT_CONNECTION,
    }
}

/// What leads to it.
pub(crate) fn link<'a>(reach: Option<Reach>, named: &'a str, connections: &'a Connections) -> Link<'a> {
    connections.link(connection_of(reach, named))
}

/// Redaction knows every value of its process: beside other tests it takes their values out of the texts of this one, and
/// `INSTA_UPDATE` would write that down.
pub(crate) fn alone_in_its_process() {
    let by_nextest = Environment::of_process().get("NEXTEST").is_some();
    assert!(
        by_nextest,
        "a snapshot needs a process of its own: tests/run --test behaviour"
    );
}

/// A snapshot of a kind, reviewed as a whole.
#[macro_export]
macro_rules! reviewed {
    ($name:expr, $text:expr) => {{
        $crate::cases::alone_in_its_process();
        insta::with_settings!(
            { omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "../snapshots" },
            { insta::assert_snapshot!($name, $text); }
        )
    }};
}
