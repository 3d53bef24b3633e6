//! Carrying a plan out: at most one run. Only one that has succeeded gets into the state, so that the next apply repeats any other.

use super::config::{self, Activation};
use super::decide::{Decision, decide};
use super::plan::{next_run, steps};
use crate::call::WritePermit;
use crate::check::CheckFailure;
use crate::diagnostics::{Activation as Ending, Apply, capitalized};
use crate::plugin::{ApplyRequest, ApplyResponse};
use crate::provider::Configured;
use crate::terraform::{Diagnostics, Path, Value};

/// Applies a create, an update or a destroy, which does nothing outside.
pub(super) async fn apply(configured: &Configured, request: ApplyRequest) -> ApplyResponse {
    let mut problems = Diagnostics::new();
    let state = if configured.read_only {
        problems.report(Path::attribute("read_only"), Apply::ReadOnly);
        None
    } else if request.planned.is_null() {
        Some(Value::Null)
    } else {
        change(configured, &request, &mut problems).await
    };
    ApplyResponse {
        state: state.unwrap_or(request.prior),
        private: request.private,
        diagnostics: problems,
    }
}

/// The new state; `None` when it failed or could not run.
async fn change(configured: &Configured, request: &ApplyRequest, problems: &mut Diagnostics) -> Option<Value> {
    let (prior, config) = (&request.prior, &request.config);
    let activation = config::read(config, problems);
    let decision = decide(prior, config);
    let Some(activation) = activation.filter(|_| decision != Decision::Open) else {
        if !problems.has_errors() {
            problems.report(Path::root(), Apply::UnknownValues);
        }
        return None;
    };
    let planned = &request.planned;
    let known = |name: &str, otherwise: Value| match planned.get(name).has_unknown() {
        true => otherwise,
        false => planned.get(name).clone(),
    };
    let object = ["triggers", "run"].into_iter().fold(planned.clone(), |object, name| {
        object.with(name, known(name, config.get(name).clone()))
    });
    let Decision::Run(changes) = decision else {
        let kept = known("steps", Value::List(Vec::new()));
        let kept = object.with("steps", kept).with("runs", prior.get("runs").clone());
        return Some(kept.with("ran_at", prior.get("ran_at").clone()));
    };
    run(configured, &activation, prior.is_null(), problems).await?;
    let number = next_run(prior);
    let ran_at = configured.clock.now().to_string();
    Some(
        object
            .with("steps", known("steps", steps(number, &activation, &changes)))
            .with("runs", Value::number(number))
            .with("ran_at", Value::string(ran_at)),
    )
}

/// Runs it once. `None` when it has not succeeded, which is reported.
async fn run(
    configured: &Configured,
    activation: &Activation,
    is_create: bool,
    problems: &mut Diagnostics,
) -> Option<()> {
    let Some(vendors) = &configured.vendors else {
        problems.report(Path::root(), Apply::UnknownValues);
        return None;
    };
    let run = &activation.run;
    let connected = vendors.check(run.config.as_ref(), "run", &run.connection);
    let adapter = connected.map_err(|why| problems.push(activation.at(why))).ok()?;
    if let Err(error) = adapter.inspect().await {
        let why = capitalized(&error.sentence());
        problems.report(activation.path(), Ending::Failed { why, is_create });
        return None;
    }
    tracing::info!(kind = run.kind.name, "activation begins");
    let permit = WritePermit::granted_by_apply();
    let ended = adapter.run(None, activation.patience, &configured.stop, &permit).await;
    let failure = match ended {
        Ok(()) => return Some(()),
        Err(CheckFailure {
            message: why,
            interrupted,
        }) if interrupted => Ending::Interrupted { why, is_create },
        Err(CheckFailure { message: why, .. }) => Ending::Failed { why, is_create },
    };
    problems.report(activation.path(), failure);
    None
}
