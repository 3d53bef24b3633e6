//! Taking over what exists, as the plan said: everything is looked at, and nothing is written.

use std::collections::BTreeMap;

use super::report::tell;
use crate::address::Address;
use crate::diagnostics::{Adoption, Ending};
use crate::executor::{self, TakeOver};
use crate::plugin::ApplyRequest;
use crate::provider::Configured;
use crate::provider::secret::findings::{self, Sightings};
use crate::provider::secret::plan::{take_over as plan, warnings};
use crate::provider::secret::policies::Policies;
use crate::provider::secret::state::{Receipt, State, was_moved};
use crate::provider::secret::{adapters, texts};
use crate::rotation::{Ledger, TAKEN_OVER, schedule};
use crate::spec::Config;
use crate::terraform::{Diagnostics, Path, Value};

/// Takes over. `None` when something bars it, which is reported; then the state stays as it was.
pub(super) async fn take_over(
    configured: &Configured,
    request: &ApplyRequest,
    config: &Config,
    id: String,
    slots: &BTreeMap<String, Address>,
    problems: &mut Diagnostics,
) -> Option<Value> {
    let vendors = configured.vendors.as_ref()?;
    let policies = Policies::of_state(&request.planned)
        .map_err(|unreadable| problems.extend(unreadable))
        .ok()?;
    let now = configured.clock.now();
    let told = config.adopt.as_ref().and_then(|adopt| adopt.rotated_at);
    if let Some(at) = told.filter(|at| *at > now) {
        let future = Adoption::InTheFuture {
            secret: config.name.clone(),
            rotated_at: at.to_string(),
            now: now.to_string(),
        };
        problems.report(Path::attribute("adopt").then_attribute("rotated_at"), future);
        return None;
    }
    let adapters = adapters::connect(config, slots, vendors.as_ref(), problems)?;
    let job = adapters.into_job(&id, config, vendors, configured.clock, true);
    let order = TakeOver {
        credential_id: plan::credential_id(config),
        may_be_missing: was_moved(&request.prior),
    };
    let ledger = match executor::take_over(&job, order).await {
        Ok(ledger) => ledger,
        Err(failures) => {
            tell(
                &failures,
                config,
                &Ending::Untouched,
                &configured.run_registry,
                problems,
            );
            return None;
        }
    };
    let rotated_at = told.or_else(|| minted_at(&ledger)).unwrap_or(now);
    let why = plan::request(&request.prior);
    let every = config.schedule.every;
    let mut state = State {
        id,
        ledger,
        steps: plan::steps(config, slots),
        rotated_at: Some(rotated_at),
        rotate_after: every.map(|every| schedule::next_anchor(every, None, rotated_at)),
        last_rotation: Some(Receipt {
            finished_at: Some(now),
            actor: configured.actor.clone(),
            commit: configured.commit.clone(),
            ..Receipt::begun(&why, None, now)
        }),
        notices: State::read(&request.prior).notices,
        ..State::default()
    };
    let planned = request.planned.get("steps").as_list().unwrap_or_default();
    if !planned.is_empty() {
        let lines = planned.iter().filter_map(|line| line.as_str().map(str::to_owned));
        state.steps = lines.collect();
    }
    let seen = Sightings::on_record(&state);
    findings::describe(&mut state, config, &policies, slots, seen, now);
    state.pending.clear();
    warnings::notices(&config.name, &state.notices, problems);
    configured.run_registry.leave(&state.id, state.ledger.clone());
    Some(state.write_over(request.planned.clone()))
}

fn minted_at(ledger: &Ledger) -> Option<jiff::Timestamp> {
    ledger.credential(TAKEN_OVER)?.minted_at
}

/// A create that was to adopt, and that follows the destroy half of a replacement: what it replaces is more than what the plan knew.
pub(super) fn refuse_replacement(config: &Config, prior: &Value, problems: &mut Diagnostics) {
    let replaced = Adoption::Replaced {
        secret: config.name.clone(),
        situation: Some(texts::situation(&State::read(prior), Some(config))),
    };
    problems.report(Path::attribute("adopt"), replaced);
}
