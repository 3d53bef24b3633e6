//! The configuration of a `rotation_activation`, read once.

use std::time::Duration;

use super::declared::RUN;
use crate::activation;
use crate::check::Patience;
use crate::connection::{Connections, Unready};
use crate::diagnostics::Activation as Mistake;
use crate::provider::kinds::{Runs, parse_run};
use crate::terraform::conform::conform;
use crate::terraform::{Diagnostic, Diagnostics, Node, Origin, Path, Value};

/// What runs.
pub(super) struct Activation {
    /// Its kind, arguments and connection.
    pub(super) run: Runs,
    /// How long it may take.
    pub(super) patience: Patience,
}

/// Reads `run`. `None` when something in it is unknown or wrong; what is wrong is reported.
pub(super) fn read(value: &Value, problems: &mut Diagnostics) -> Option<Activation> {
    let path = Path::attribute("run");
    let written = without_wave(value.get("run"), &path, problems);
    let conformed = conform(&written, &RUN, &path, &["triggers", "run"], problems);
    let whole = Value::object([("run", conformed)]);
    let node = Node::root(&whole, Origin::Configuration).attr("run");
    if node.is_unknown() {
        return None;
    }
    let run = parse_run(&node, activation::ALL, None, None, problems)?;
    if !run.config.parts_used().is_empty() {
        let path = node.path().then_attribute(run.kind.name);
        let argument = path.to_string();
        problems.report(path, Mistake::PresentsCredential { argument });
        return None;
    }
    let patience = Patience {
        timeout: run.timeout.unwrap_or(run.config.default_patience().timeout),
        // To deploy twice is not the same as to look twice.
        retry_for: Duration::ZERO,
    };
    Some(Activation { run, patience })
}

/// `wave` belongs to activations of a secret, so it is more than a misspelling.
fn without_wave(run: &Value, path: &Path, problems: &mut Diagnostics) -> Value {
    let Value::Map(items) = run.plain() else {
        return run.clone();
    };
    let mut items = items.clone();
    if items.remove("wave").is_some() {
        let argument = path.then_attribute("wave").to_string();
        problems.report(path.then_attribute("wave"), Mistake::Wave { argument });
    }
    Value::Map(items)
}

impl Activation {
    /// What it does, in words.
    pub(super) fn in_words(&self) -> String {
        self.run.config.in_words()
    }

    /// A diagnostic that concerns the run, at its place.
    pub(super) fn at(&self, why: Diagnostic) -> Diagnostic {
        why.at(self.path())
    }

    /// Where the run stands.
    pub(super) fn path(&self) -> Path {
        Path::attribute("run").then_attribute(self.run.kind.name)
    }

    /// Whether something of the provider block that it uses is known only after apply.
    pub(super) fn awaits_a_connection(&self, connections: &Connections) -> bool {
        let runs = self.run.config.runs();
        let account = self
            .run
            .kind
            .reach
            .map(|reach| connections.find(reach.vendor, &self.run.connection));
        runs.is_some_and(|runs| connections.may_yet_allow(&runs)) || matches!(account, Some(Err(Unready::Unknown)))
    }
}
