//! The resource `rotation_activation`: one run for many secrets, which Terraform orders after them.
//!
//! It never shares its run with an activation of a secret: Terraform starts it when what its triggers come from has been applied, and a run
//! that began before may have missed a delivery.

mod apply;
mod config;
mod decide;
pub mod declared;
mod plan;
mod resource;
pub mod schema;
#[cfg(test)]
mod tests;

pub use resource::ActivationResource;

use crate::connection::Connections;
use crate::diagnostics::Argument;
use crate::provider::kinds::{not_on_the_list, undeclared_connection};
use crate::terraform::{Diagnostics, Path, Value};

/// Checks a configuration's shape, without any call to the outside. `connections` are those of the provider block, where that is known.
fn validate(value: &Value, connections: Option<&Connections>) -> Diagnostics {
    let mut problems = Diagnostics::new();
    for name in schema::COMPUTED {
        if !value.get(name).is_null() {
            let argument = name.to_owned();
            problems.report(Path::attribute(name), Argument::ReadOnly { argument });
        }
    }
    let activation = config::read(value, &mut problems);
    if let (Some(activation), Some(connections)) = (activation, connections) {
        let run = &activation.run;
        let undeclared = undeclared_connection(run.kind.reach, &run.connection, connections);
        let not_allowed = not_on_the_list(run.config.runs(), connections);
        for why in undeclared.into_iter().chain(not_allowed) {
            problems.push(activation.at(why));
        }
    }
    problems
}
