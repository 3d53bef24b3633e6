//! Elements with exactly one kind, such as `run = { github_workflow = { … } }`: what every resource declares and reads alike.

mod choice;
mod declaration;
mod permitted;
mod run;
mod unchanged;
mod work;

pub(super) use choice::{connection_of, not_empty, one_kind};
pub(super) use declaration::{activations, connection, kind, timeout};
pub(super) use permitted::{not_on_the_list, undeclared_connection};
pub(super) use run::{Runs, parse_run, positive};
pub(super) use unchanged::is_unchanged;
pub(super) use work::work;
