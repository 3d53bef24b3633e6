//! Whether it runs: decided from state and configuration alone.

use std::collections::BTreeSet;

use super::declared::RUN;
use crate::diagnostics::all_of;
use crate::terraform::conform::conform;
use crate::terraform::{Diagnostics, Path, Value};

/// Most triggers that a step names.
const NAMED: usize = 3;

/// What a plan, or an apply, leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// It runs, because of these changes; of none when it is created.
    Run(Changes),
    /// Nothing runs.
    Rest,
    /// Only apply knows what decides.
    Open,
}

/// What has changed since it last ran.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// What runs is another.
    pub(super) run: bool,
    /// The keys of triggers.
    pub(super) triggers: Vec<String>,
}

/// Whether `config` makes what is in `prior` run again. `timeout` says how long a run is waited for, and not what runs.
pub(super) fn decide(prior: &Value, config: &Value) -> Decision {
    if prior.is_null() {
        return Decision::Run(Changes::default());
    }
    let (triggers, open) = changed_triggers(prior.get("triggers"), config.get("triggers"));
    let (before, now) = (what_runs(prior), what_runs(config));
    let run_is_open = now.has_unknown();
    let changes = Changes {
        run: !run_is_open && before != now,
        triggers,
    };
    if changes != Changes::default() {
        Decision::Run(changes)
    } else if open || run_is_open {
        Decision::Open
    } else {
        Decision::Rest
    }
}

/// The keys that certainly differ, and whether others may. A trigger that is null is none.
fn changed_triggers(prior: &Value, config: &Value) -> (Vec<String>, bool) {
    if matches!(config.plain(), Value::Unknown(_)) {
        return (Vec::new(), true);
    }
    let keys = [prior, config].into_iter().filter_map(Value::as_map);
    let keys: BTreeSet<&String> = keys.flat_map(|triggers| triggers.keys()).collect();
    let (open, known): (Vec<&String>, Vec<&String>) = keys.into_iter().partition(|key| config.get(key).has_unknown());
    let changed = known
        .into_iter()
        .filter(|key| prior.get(key).as_str() != config.get(key).as_str());
    (changed.cloned().collect(), !open.is_empty())
}

/// `run` in its declared shape, without what says only how it is waited for.
fn what_runs(resource: &Value) -> Value {
    let (run, path) = (resource.get("run"), Path::attribute("run"));
    match conform(run, &RUN, &path, &[], &mut Diagnostics::new()) {
        Value::Map(mut items) => {
            items.remove("timeout");
            Value::Map(items)
        }
        other => other,
    }
}

/// The step of the run with that number.
pub(super) fn step(number: u64, what: &str, changes: &Changes) -> String {
    let names: Vec<String> = changes.triggers.iter().take(NAMED).map(|key| shown(key)).collect();
    let further = changes.triggers.len() - names.len();
    let triggers = match (names.as_slice(), further) {
        ([], _) => None,
        ([one], _) => Some(format!("trigger {one}")),
        (several, 0) => Some(format!("triggers {}", all_of(several))),
        (several, further) => Some(format!("triggers {} and {further} more", several.join(", "))),
    };
    let causes: Vec<String> = changes
        .run
        .then(|| "run".to_owned())
        .into_iter()
        .chain(triggers)
        .collect();
    match causes.is_empty() {
        true => format!("run {number}: {what}"),
        false => format!("run {number}: {what}, because {} changed", all_of(&causes)),
    }
}

/// A key, in quotes where it is no plain word.
fn shown(key: &str) -> String {
    let is_plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || "_-./".contains(c));
    if is_plain { key.to_owned() } else { format!("{key:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(triggers: &[(&str, Value)], run: &[(&str, Value)]) -> Value {
        let map = |items: &[(&str, Value)]| {
            Value::Map(
                items
                    .iter()
                    .map(|(key, value)| ((*key).to_owned(), value.clone()))
                    .collect(),
            )
        };
        Value::object([("triggers", map(triggers)), ("run", map(run))])
    }

    fn workflow(file: Value) -> Value {
        Value::object([("repository", Value::string("service")), ("workflow", file)])
    }

    fn deploy() -> [(&'static str, Value); 1] {
        [("github_workflow", workflow(Value::string("deploy.yml")))]
    }

    fn triggered(keys: &[&str]) -> Decision {
        Decision::Run(Changes {
            run: false,
            triggers: keys.iter().map(|key| (*key).to_owned()).collect(),
        })
    }

    #[test]
    fn a_changed_trigger_runs_it_and_what_is_unknown_leaves_it_open() {
        let one = || Value::string("1");
        let prior = resource(&[("a", one()), ("b", one())], &deploy());
        let decided = |triggers: &[(&str, Value)]| decide(&prior, &resource(triggers, &deploy()));
        assert_eq!(decided(&[("a", one()), ("b", one())]), Decision::Rest);
        assert_eq!(
            decided(&[("a", one()), ("b", one()), ("c", Value::Null)]),
            Decision::Rest
        );
        assert_eq!(decided(&[("a", Value::string("2")), ("b", one())]), triggered(&["a"]));
        assert_eq!(decided(&[("a", one())]), triggered(&["b"]));
        assert_eq!(decided(&[("a", one()), ("b", one()), ("c", one())]), triggered(&["c"]));
        assert_eq!(decided(&[("a", one()), ("b", Value::unknown())]), Decision::Open);
        assert_eq!(
            decided(&[("a", Value::string("2")), ("b", Value::unknown())]),
            triggered(&["a"])
        );
        let unknown = resource(&[], &deploy()).with("triggers", Value::unknown());
        assert_eq!(decide(&prior, &unknown), Decision::Open);
        assert_eq!(decide(&Value::Null, &unknown), triggered(&[]));
    }

    #[test]
    fn what_runs_counts_and_not_how_it_is_written_or_waited_for() {
        let prior = resource(&[], &deploy());
        let decided = |run: &[(&str, Value)]| decide(&prior, &resource(&[], run));
        let with = |more: (&'static str, Value)| [deploy().to_vec(), vec![more]].concat();
        assert_eq!(decided(&with(("timeout", Value::string("20m")))), Decision::Rest);
        assert_eq!(decided(&with(("connection", Value::Null))), Decision::Rest);
        assert_eq!(decided(&with(("connection", Value::unknown()))), Decision::Open);
        let another = Decision::Run(Changes {
            run: true,
            triggers: Vec::new(),
        });
        assert_eq!(decided(&with(("connection", Value::string("staging")))), another);
        assert_eq!(
            decided(&[("github_workflow", workflow(Value::string("x.yml")))]),
            another
        );
        assert_eq!(
            decided(&[("github_workflow", workflow(Value::unknown()))]),
            Decision::Open
        );
        let sleep = Value::List(vec![Value::string("/bin/sleep")]);
        assert_eq!(decided(&[("exec", Value::object([("command", sleep)]))]), another);
    }

    #[test]
    fn a_step_says_what_runs_for_which_time_and_why() {
        let changes = |run, keys: &[&str]| Changes {
            run,
            triggers: keys.iter().map(|key| (*key).to_owned()).collect(),
        };
        for (changes, words) in [
            (changes(false, &[]), "run 2: x"),
            (changes(true, &[]), "run 2: x, because run changed"),
            (changes(false, &["jwt"]), "run 2: x, because trigger jwt changed"),
            (
                changes(false, &["jwt", "a b"]),
                "run 2: x, because triggers jwt and \"a b\" changed",
            ),
            (
                changes(true, &["a", "b", "c"]),
                "run 2: x, because run and triggers a, b and c changed",
            ),
            (
                changes(false, &["a", "b", "c", "d", "e"]),
                "run 2: x, because triggers a, b, c and 2 more changed",
            ),
        ] {
            assert_eq!(step(2, "x", &changes), words);
        }
    }
}
