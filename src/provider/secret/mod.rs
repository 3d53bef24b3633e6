//! The resource `rotation_secret`: what its arguments mean, what its plan shows, what its apply does.

mod adapters;
mod apply;
mod capacity;
mod config;
mod decide;
pub mod declared;
mod destroy;
mod due;
mod existing;
mod exposure;
mod findings;
mod goal;
mod identity;
mod intent;
mod paths;
mod plan;
mod policies;
mod read;
mod replacement;
mod resource;
mod revocable;
pub mod schema;
mod slots;
mod state;
mod state_check;
mod texts;
pub mod upgrade;

pub use apply::apply;
pub use plan::plan;
pub use read::read;
pub use resource::SecretResource;
pub use state::State;

use crate::provider::Declared;
use crate::spec::Config;
use crate::terraform::{Diagnostics, Origin, Value};

/// Checks a configuration's shape, without any call to the outside. `declared` is what the provider block says, where that is known.
pub fn validate(value: &Value, declared: Option<&Declared>) -> Diagnostics {
    let mut problems = Diagnostics::new();
    config::refuse(value, &mut problems);
    if let Some(config) = config::read(value, Origin::Configuration, &mut problems) {
        problems.extend(slots::shared_slots(&config));
        if let Some(Declared { connections, escrow }) = declared {
            problems.extend(slots::undeclared(&config, connections));
            problems.extend(slots::not_allowed(&config, connections));
            if let Some(escrow) = escrow {
                config.suits_escrow(*escrow, !value.get("overlap").is_null(), &mut problems);
            }
        }
    }
    problems
}

/// The configuration that a state was made with, if this version can still read it.
pub(super) fn config_in_state(value: &Value) -> Option<Config> {
    config::read(value, Origin::State, &mut Diagnostics::new())
}
