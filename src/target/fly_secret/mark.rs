//! What proves that a machine runs secrets of a version: this process's own update of it, or our mark in its metadata.
//!
//! The mark is `<instance>@<version>`: that instance was made by an update of ours that carried `min_secrets_version`. Every
//! update makes another instance, and no two machines share one, so a mark that a deployment kept or a clone copied proves
//! nothing (docs/decisions/fly-mark-names-its-instance.md).

use serde_json::{Map, Value};

use crate::connection::fly::{Machine, Versions};

/// The key in `config.metadata`.
pub(super) const KEY: &str = "rotation_secrets";

/// How often one process updates a machine for one version: once, and once again when its proof was lost meanwhile.
const UPDATES: u32 = 2;

/// The mark of an instance.
pub(super) fn mark(instance: &str, version: u64) -> String {
    format!("{instance}@{version}")
}

/// What an update carries in place of the mark, whose instance it cannot know yet. Proves no version; it tells whose update it was
/// when the answer is lost, because no two updates replace the same instance.
pub(super) fn promise(replaced: &str, version: u64) -> String {
    format!("replaces {replaced}@{version}")
}

/// Whether the machine's configuration carries such a promise of at least `version`: an update of ours was cut off before its mark.
pub(super) fn is_promised(machine: &Machine, version: u64) -> bool {
    let promised = || {
        found(machine)?
            .strip_prefix("replaces ")?
            .rsplit_once('@')?
            .1
            .parse()
            .ok()
    };
    promised().is_some_and(|promised: u64| promised >= version)
}

/// Our metadata on the machine, whatever it is worth.
pub(super) fn found(machine: &Machine) -> Option<&str> {
    let config = machine.config.as_ref().or(machine.incomplete_config.as_ref())?;
    config.get("metadata")?.get(KEY)?.as_str()
}

/// The configuration with another value of ours in its metadata.
pub(super) fn marked(mut config: Value, value: String) -> Value {
    if let Some(fields) = config.as_object_mut() {
        let metadata = fields.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
        if metadata.is_null() {
            *metadata = Value::Object(Map::new());
        }
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.insert(KEY.to_owned(), Value::String(value));
        }
    }
    config
}

/// The version of the app's secrets that the machine runs at least, where that is proved.
pub(super) fn proved(versions: &Versions, app: &str, machine: &Machine) -> Option<u64> {
    let instance = machine.instance_id.as_deref().unwrap_or_default();
    let updates = versions.updates_of(app, &machine.id);
    let ours = updates.filter(|update| update.instance == instance);
    ours.map(|update| update.version).max(marked_version(machine))
}

/// The version that the mark proves.
pub(super) fn marked_version(machine: &Machine) -> Option<u64> {
    let instance = machine.instance_id.as_deref().filter(|instance| !instance.is_empty())?;
    found(machine)?.strip_prefix(instance)?.strip_prefix('@')?.parse().ok()
}

/// Whether it is proved to run that version, or a later one.
pub(super) fn is_proved(versions: &Versions, app: &str, machine: &Machine, version: u64) -> bool {
    proved(versions, app, machine).is_some_and(|proved| proved >= version)
}

/// Whether the machine has to be updated for that version: nothing proves what it runs, and this process has not tried often enough.
pub(super) fn is_open(versions: &Versions, app: &str, machine: &Machine, version: u64) -> bool {
    let updates = versions.updates_of(app, &machine.id);
    let exhausted = updates.is_some_and(|update| update.version >= version && update.times >= UPDATES);
    !is_proved(versions, app, machine, version) && !exhausted
}

/// What an update for that version asks for: the highest version known, because a machine that starts with less could lose another
/// secret's newer value.
pub(super) fn asked(versions: &Versions, app: &str, version: u64) -> u64 {
    versions.highest(app).map_or(version, |highest| highest.max(version))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn machine(instance: &str, metadata: &Value) -> Machine {
        let description = json!({ "id": "m1", "instance_id": instance, "config": { "metadata": metadata } });
        serde_json::from_value(description).unwrap()
    }

    #[test]
    fn a_mark_counts_for_its_own_instance_alone() {
        for (instance, mark, version) in [
            ("01A", mark("01A", 7), Some(7)),
            ("01B", mark("01A", 7), None),
            ("01AB", mark("01A", 7), None),
            ("01A", mark("01AB", 7), None),
            ("01A", promise("01A", 7), None),
            ("01B", promise("01A", 7), None),
            ("", "@7".to_owned(), None),
            ("01A", "01A@".to_owned(), None),
            ("01A", "01A@seven".to_owned(), None),
            ("01A", "7".to_owned(), None),
        ] {
            let machine = machine(instance, &json!({ KEY: mark }));
            assert_eq!(marked_version(&machine), version, "{instance:?} {mark:?}");
        }
        assert_eq!(marked_version(&machine("01A", &Value::Null)), None);
        let promised = machine("01B", &json!({ KEY: promise("01A", 7) }));
        assert!(is_promised(&promised, 7) && !is_promised(&promised, 8));
        assert!(!is_promised(&machine("01A", &json!({ KEY: mark("01A", 7) })), 7));
    }

    #[test]
    fn a_configuration_is_marked_whatever_metadata_it_has() {
        for (config, expected) in [
            (
                json!({ "image": "a" }),
                json!({ "image": "a", "metadata": { KEY: "x" } }),
            ),
            (json!({ "metadata": null }), json!({ "metadata": { KEY: "x" } })),
            (
                json!({ "metadata": { "a": "b", KEY: "old" } }),
                json!({ "metadata": { "a": "b", KEY: "x" } }),
            ),
        ] {
            assert_eq!(marked(config, "x".to_owned()), expected);
        }
    }
}
