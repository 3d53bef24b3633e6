//! `revoke.confirmed`: a person's word, which an issuer that can be asked may contradict.

use crate::diagnostics::Apply;
use crate::executor::issuer_at;
use crate::provider::secret::decide::Decision;
use crate::provider::secret::state::State;
use crate::provider::secret::texts;
use crate::source::Liveness;
use crate::spec::Config;
use crate::terraform::{Diagnostics, Path};
use crate::vendors::Vendors;

/// Whether an issuer shows a credential alive that was confirmed as revoked, or cannot be asked about it now; reports it.
pub(super) async fn refused(
    state: &State,
    decision: &Decision,
    config: &Config,
    vendors: &dyn Vendors,
    problems: &mut Diagnostics,
) -> bool {
    let mut refused = false;
    for generation in &decision.confirmed {
        let Some(known) = state.ledger.credential(*generation) else {
            continue;
        };
        let (Some(id), Ok(Some(issuer))) = (&known.credential_id, issuer_at(&known.issuer, vendors)) else {
            continue;
        };
        let path = Path::attribute("revoke").then_attribute("confirmed");
        let which = texts::generation(Some(known), *generation);
        let place = texts::issuer(&known.issuer);
        match issuer.liveness(id).await {
            Ok(Liveness::Dead | Liveness::CannotTell) => {}
            Ok(Liveness::Alive) => {
                refused = true;
                let valid = Apply::ConfirmedButValid {
                    secret: config.name.clone(),
                    credential: which,
                    issuer: place,
                };
                problems.report(path, valid);
            }
            Err(error) => {
                refused = true;
                let unknown = Apply::ConfirmedUnknown {
                    secret: config.name.clone(),
                    credential: which,
                    why: error.sentence(),
                };
                problems.report(path, unknown);
            }
        }
    }
    refused
}
