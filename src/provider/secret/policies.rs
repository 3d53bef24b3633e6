//! What the state says about deleting and revoking, read by itself: whatever else in it today's rules do not understand, these
//! arguments are never replaced by their defaults.

use std::collections::BTreeSet;

use crate::diagnostics::StateProblem;
use crate::spec::Guard;
use crate::terraform::{Diagnostics, Path, Value};

/// The arguments in state by which something is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Policies {
    /// The secret's name, for texts.
    pub secret: String,
    /// `on_destroy = "abandon"`: forget, touch nothing.
    pub abandon: bool,
    /// `revoke { mode = "manual" }`: a person revokes.
    pub revoke_by_hand: bool,
    /// `guard`: a destroy needs a confirmation.
    pub guard: Option<Guard>,
    /// Keys of targets with `on_remove = "keep"`.
    pub kept: BTreeSet<String>,
}

impl Policies {
    /// Reads them.
    ///
    /// # Errors
    /// A diagnostic for each that is not understood: then nothing may be deleted or revoked.
    pub(super) fn of_state(state: &Value) -> Result<Self, Diagnostics> {
        let mut problems = Diagnostics::new();
        let root = Path::root();
        let mut word = |value: &Value, path: Path, allowed: [&'static str; 2]| -> bool {
            if value.is_null() || value.as_str() == Some(allowed[0]) {
                return false;
            }
            if value.as_str() == Some(allowed[1]) {
                return true;
            }
            let mistake = StateProblem::Policy {
                argument: path.to_string(),
                allowed: allowed.map(Into::into),
            };
            problems.report(path, mistake);
            true
        };
        let on_destroy = root.then_attribute("on_destroy");
        let abandon = word(state.get("on_destroy"), on_destroy, ["revoke", "abandon"]);
        let mode = root.then_attribute("revoke").then_attribute("mode");
        let revoke_by_hand = word(state.get("revoke").get("mode"), mode, ["automatic", "manual"]);
        let mut kept = BTreeSet::new();
        for (key, target) in state.get("targets").as_map().into_iter().flatten() {
            let path = root.then_attribute("targets").then_key(key).then_attribute("on_remove");
            if word(target.get("on_remove"), path, ["delete", "keep"]) {
                kept.insert(key.clone());
            }
        }
        let guard = guard(state.get("guard"), &mut problems);
        if problems.has_errors() {
            return Err(problems);
        }
        Ok(Self {
            secret: state.get("name").as_str().unwrap_or("This secret").to_owned(),
            guard,
            abandon,
            revoke_by_hand,
            kept,
        })
    }
}

/// The guard in state. One without a consequence that can be read is not understood.
fn guard(block: &Value, problems: &mut Diagnostics) -> Option<Guard> {
    if block.is_null() {
        return None;
    }
    let Some(consequence) = block.get("consequence").as_str() else {
        let path = Path::root().then_attribute("guard");
        let argument = path.to_string();
        problems.report(path, StateProblem::GuardWithoutConsequence { argument });
        return None;
    };
    Some(Guard {
        consequence: consequence.to_owned(),
        confirm: block.get("confirm").as_str().map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(on_destroy: &str, mode: &str, on_remove: &str) -> Value {
        let target = Value::object([
            ("on_remove", Value::string(on_remove)),
            ("wave", Value::string("not a number")),
        ]);
        Value::object([
            ("on_destroy", Value::string(on_destroy)),
            ("revoke", Value::object([("mode", Value::string(mode))])),
            ("targets", Value::object([("web", target)])),
            ("overlap", Value::string("a fortnight")),
        ])
    }

    #[test]
    fn they_are_read_whatever_else_is_wrong() {
        let read = Policies::of_state(&state("abandon", "manual", "keep")).unwrap();
        assert_eq!((read.abandon, read.revoke_by_hand), (true, true));
        assert_eq!(read.kept, BTreeSet::from(["web".to_owned()]));
        let nothing = Policies {
            secret: "This secret".to_owned(),
            ..Policies::default()
        };
        assert_eq!(
            Policies::of_state(&state("revoke", "automatic", "delete")).unwrap(),
            nothing
        );
        assert_eq!(Policies::of_state(&Value::object([])).unwrap(), nothing);
    }

    #[test]
    fn a_word_that_is_not_understood_stops_instead_of_deleting() {
        for wrong in [
            state("forget", "automatic", "delete"),
            state("revoke", "by_hand", "delete"),
            state("revoke", "automatic", "leave"),
        ] {
            assert!(Policies::of_state(&wrong).is_err());
        }
    }
}
