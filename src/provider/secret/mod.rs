//! The resource `rotation_secret`: what its arguments mean, what its plan shows, what its apply does.

mod apply;
mod config;
mod decide;
mod destroy;
mod forecast;
mod intent;
pub(super) mod legible;
mod outlook;
mod place;
mod plan;
mod policies;
mod read;
mod replacement;
mod room;
pub mod schema;
mod state;
mod text;
pub mod upgrade;

pub use apply::apply;
pub use config::Config;
pub use plan::plan;
pub use read::read;
pub use state::State;

use crate::terraform::{Diagnostics, Node, Origin, Value};

/// Checks a configuration's shape, without any call to the outside.
pub fn validate(value: &Value) -> Diagnostics {
    let mut problems = Diagnostics::new();
    if let Some(config) = Config::parse(&Node::root(value, Origin::Configuration), &mut problems) {
        problems.extend(place::shared_slots(&config));
    }
    problems
}

/// The configuration that a state was made with, if this version can still read it.
fn config_in_state(value: &Value) -> Option<Config> {
    Config::parse(&Node::root(value, Origin::State), &mut Diagnostics::new())
}
