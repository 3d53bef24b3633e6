//! What an incident asks for, and keeps asking for until its rotation is complete.

use super::Decision;
use crate::provider::secret::state::State;
use crate::rotation::{Cause, Request};
use crate::spec::{Config, IncidentRevoke};

/// The incident that exposes the secret, as long as it was not handled.
pub(super) fn struck(state: &State, config: &Config) -> Option<Request> {
    let incident = config.incident.as_ref()?;
    let handled = state.incidents.contains(&incident.id);
    (!handled).then(|| Request::new(Cause::Incident, incident.in_words()))
}

/// Another request while an incident's rotation is not complete: what was exposed is revoked as the incident says, not after an
/// overlap. A new value of a supplied secret is what that rotation waits for.
pub(super) fn within(asked: Request, state: &State, config: &Config) -> Request {
    let answers = asked.cause == Cause::Source && config.source.is_supplied();
    match state.open_incident().filter(|_| !answers) {
        Some((open, _)) => Request::new(Cause::Incident, format!("{}; {}", open.reason, asked.reason)),
        None => asked,
    }
}

/// Whether the rotation that is wanted, or the one that is finished, is an incident's. A new value of a supplied secret may be what an
/// incident waits for.
pub(super) fn is_for_one(state: &State, config: &Config, wanted: Option<&Request>, finish: bool) -> bool {
    let is_open = state.open_incident().is_some();
    match wanted {
        Some(request) => {
            let answers = request.cause == Cause::Source && config.source.is_supplied() && is_open;
            request.cause == Cause::Incident || answers
        }
        None => finish && is_open,
    }
}

/// When an incident's rotation revokes: as the provider block says, but never later than when the rotation began.
pub(super) fn revocation(state: &State, config: &Config) -> IncidentRevoke {
    let begun = state.open_incident().map(|(_, revoke)| revoke);
    let declared = config.incident.as_ref().map(|incident| incident.revoke);
    begun.max(declared).unwrap_or_default()
}

/// Whether only what the incident exposed is left to end: an earlier run could not revoke it, and its gate is as loose as it was.
pub(super) fn ends_exposed(state: &State, config: &Config, decision: &Decision) -> bool {
    let stands = config
        .incident
        .as_ref()
        .is_some_and(|incident| state.incidents.contains(&incident.id));
    let is_exposed = |generation: &u64| decision.exposed.contains(generation);
    stands && decision.revoke.iter().any(is_exposed) && decision.ledger.superseded() == decision.revoke
}
