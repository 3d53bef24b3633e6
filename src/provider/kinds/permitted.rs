//! What the provider block must name before an element can use it.

use crate::connection::{Connections, Reach, Unready};
use crate::process::Runs;
use crate::terraform::Diagnostic;

/// Why the connection of that name cannot be used: the provider block does not declare it, or declares it for another vendor.
pub(in crate::provider) fn undeclared_connection(
    reach: Option<Reach>,
    name: &str,
    connections: &Connections,
) -> Option<Diagnostic> {
    let link = connections.link(name);
    let reach = reach.filter(|_| link.is_named())?;
    match connections.find(reach.vendor, name) {
        Err(Unready::Undeclared | Unready::OfOtherVendor(_)) => link.dynamic(reach.vendor).err(),
        _ => None,
    }
}

/// The first of these programs and hosts that `allow_exec` does not name.
pub(in crate::provider) fn not_on_the_list(
    runs: impl IntoIterator<Item = Runs>,
    connections: &Connections,
) -> Option<Diagnostic> {
    let mut runs = runs.into_iter();
    let refused = runs.find(|runs| !connections.allows(runs) && !connections.may_yet_allow(runs));
    refused.map(|runs| connections.own().not_allowed(&runs))
}
