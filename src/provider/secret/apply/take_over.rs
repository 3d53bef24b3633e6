//! Taking over what exists, as the plan said: everything is looked at, and nothing is written.

use std::collections::BTreeMap;

use super::report::{UNTOUCHED, tell};
use crate::address::Address;
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
        problems.error(
            Path::attribute("adopt").then_attribute("rotated_at"),
            format!("{}: adopt.rotated_at lies in the future", config.name),
            format!("It is {at}, and the time is {now}. {UNTOUCHED} Set the time of the last rotation, or remove it."),
        );
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
            tell(&failures, config, UNTOUCHED, &configured.run_registry, problems);
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
            ..Receipt::begun(&why, now)
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
    problems.error(
        Path::attribute("adopt"),
        format!("{}: a tainted secret cannot be adopted again", config.name),
        format!(
            "The plan knew nothing of the secret that it replaces. {UNTOUCHED} {} Run `terraform untaint` to keep the secret as it is, or \
             remove `adopt` to replace it.",
            texts::situation(&State::read(prior), Some(config))
        ),
    );
}
