//! What makes consumers load a new value: the kinds of checks that do something which a deployment waits for.
//!
//! An activation is a run that has to succeed, as a check is. What differs is when it runs and what follows from it.

use crate::check::{self, CheckKind};

/// Every kind of activation, in the order of the docs.
pub static ALL: &[&CheckKind] = &[
    &check::github_workflow::KIND,
    &check::http::KIND,
    &check::exec::KIND,
    &check::ssh::KIND,
    &check::railway_redeploy::KIND,
    &check::render_deploy::KIND,
    &check::vercel_redeploy::KIND,
];

/// The kinds that only activate: no check has their arguments.
pub fn that_are_no_checks() -> impl Iterator<Item = &'static CheckKind> {
    ALL.iter().copied().filter(|kind| check::kind(kind.name).is_none())
}
