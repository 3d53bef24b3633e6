//! What a plan shows: from state and configuration alone.

use super::config::{self, Activation};
use super::decide::{Changes, Decision, decide, step};
use super::declared::RUN;
use super::schema::COMPUTED;
use crate::plugin::{PlanRequest, PlanResponse};
use crate::provider::Configured;
use crate::provider::kinds::is_unchanged;
use crate::terraform::{Diagnostics, Value};

/// Plans a create, an update or a destroy, which does nothing outside.
pub(super) fn plan(configured: &Configured, request: PlanRequest) -> PlanResponse {
    let mut problems = Diagnostics::new();
    let planned = match request.proposed.is_null() {
        true => Value::Null,
        false => planned(configured, &request, &mut problems),
    };
    PlanResponse {
        planned,
        requires_replace: Vec::new(),
        private: request.private,
        diagnostics: problems,
    }
}

fn planned(configured: &Configured, request: &PlanRequest, problems: &mut Diagnostics) -> Value {
    let (prior, config) = (&request.prior, &request.config);
    let activation = config::read(config, problems);
    let mut object = request.proposed.clone();
    if !prior.is_null() && is_unchanged("run", &RUN, prior, config) {
        object = object.with("run", prior.get("run").clone());
    }
    match decide(prior, config) {
        Decision::Run(changes) => {
            if let Some(activation) = &activation {
                connect(configured, activation, problems);
            }
            let number = next_run(prior);
            let steps = activation.map(|activation| steps(number, &activation, &changes));
            object
                .with("runs", Value::number(number))
                .with("ran_at", Value::unknown())
                .with("steps", steps.unwrap_or_else(Value::unknown))
        }
        Decision::Open => COMPUTED
            .iter()
            .fold(object, |object, name| object.with(name, Value::unknown())),
        Decision::Rest => {
            let object = COMPUTED
                .iter()
                .fold(object, |object, name| object.with(name, prior.get(name).clone()));
            match object == *prior {
                true => object,
                false => object.with("steps", Value::List(Vec::new())),
            }
        }
    }
}

/// What is not configured is reported by the plan that would need it.
fn connect(configured: &Configured, activation: &Activation, problems: &mut Diagnostics) {
    let (Some(connections), Some(vendors)) = (&configured.connections, &configured.vendors) else {
        return;
    };
    if activation.awaits_a_connection(connections) {
        return;
    }
    let run = &activation.run;
    if let Err(why) = vendors.check(run.config.as_ref(), "run", &run.connection) {
        problems.push(activation.at(why));
    }
}

/// The number of the run that comes after what is in `prior`.
pub(super) fn next_run(prior: &Value) -> u64 {
    prior.get("runs").as_u64().unwrap_or_default().saturating_add(1)
}

/// `steps` of the run with that number.
pub(super) fn steps(number: u64, activation: &Activation, changes: &Changes) -> Value {
    Value::List(vec![Value::string(step(number, &activation.in_words(), changes))])
}
