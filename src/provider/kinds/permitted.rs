//! What the provider block must name before an element can use it.

use crate::check::CheckConfig;
use crate::connection::{Connections, Reach, Unready};
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

/// A program or host that it uses, and `allow_exec` does not name.
pub(in crate::provider) fn not_on_the_list(run: &dyn CheckConfig, connections: &Connections) -> Option<Diagnostic> {
    let runs = run.runs();
    let refused = runs.filter(|runs| !connections.allows(runs) && !connections.may_yet_allow(runs));
    refused.map(|runs| connections.own().not_allowed(&runs))
}
