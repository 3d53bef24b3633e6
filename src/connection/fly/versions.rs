//! What this process knows of an app's secrets versions: the highest one, and which of them its own updates gave to machines.
//!
//! Nothing here comes from a clock. A version counts writes to the app's secrets, so the version of a later write covers
//! every earlier one.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Knowledge by app.
#[derive(Debug, Default)]
pub struct Versions(Mutex<BTreeMap<String, Known>>);

#[derive(Debug, Default, Clone)]
struct Known {
    /// The answer to this process's last write.
    written: Option<u64>,
    /// The highest one that was read from stored revisions.
    recorded: Option<u64>,
    /// By machine id.
    updates: BTreeMap<String, MachineUpdate>,
}

/// What this process's updates of a machine carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineUpdate {
    /// The instance that the newest of them made. A machine with another one was updated by somebody else since.
    pub instance: String,
    /// The version of the app's secrets that it asked for at least.
    pub version: u64,
    /// How many updates asked for that version.
    pub times: u32,
}

impl Versions {
    fn of<T>(&self, app: &str, change: impl FnOnce(&mut Known) -> T) -> T {
        let mut apps: MutexGuard<'_, _> = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(apps.entry(app.to_owned()).or_default())
    }

    /// Notes the version that Fly answered a write with. Writes to one app take turns ([`super::FlyClient::write_turn`]), so answers arrive
    /// in order: a lower version means that the app was made anew, and that nothing known of it counts any more.
    pub fn note_written(&self, app: &str, version: u64) {
        self.of(app, |known| {
            if known.written.or(known.recorded).is_some_and(|before| version < before) {
                *known = Known::default();
            }
            known.written = Some(version);
        });
    }

    /// Notes the version in a stored revision.
    pub fn note_recorded(&self, app: &str, version: u64) {
        self.of(app, |known| known.recorded = known.recorded.max(Some(version)));
    }

    /// The highest version known. What this process wrote comes after everything that was stored before, and outranks a stored
    /// revision of an app of the same name that is gone.
    pub fn highest(&self, app: &str) -> Option<u64> {
        self.of(app, |known| known.written.or(known.recorded))
    }

    /// Notes that this process updated a machine with `min_secrets_version`, which made that instance.
    pub fn note_update(&self, app: &str, machine: &str, instance: &str, version: u64) {
        self.of(app, |known| {
            let before = known.updates.get(machine).filter(|before| before.version == version);
            let times = before.map_or(0, |before| before.times) + 1;
            let instance = instance.to_owned();
            let update = MachineUpdate {
                instance,
                version,
                times,
            };
            known.updates.insert(machine.to_owned(), update);
        });
    }

    /// Notes that the machine's instance has got another id since this process's newest update, by the mark that followed it.
    pub fn note_instance(&self, app: &str, machine: &str, instance: &str) {
        self.of(app, |known| {
            if let Some(update) = known.updates.get_mut(machine) {
                instance.clone_into(&mut update.instance);
            }
        });
    }

    /// This process's updates of a machine.
    pub fn updates_of(&self, app: &str, machine: &str) -> Option<MachineUpdate> {
        self.of(app, |known| known.updates.get(machine).cloned())
    }
}

impl Clone for Versions {
    fn clone(&self) -> Self {
        let apps = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Self(Mutex::new(apps))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn the_highest_version_comes_from_writes_and_from_stored_revisions() {
        let versions = Versions::default();
        assert_eq!(versions.highest("web"), None);
        versions.note_recorded("web", 7);
        versions.note_recorded("web", 5);
        assert_eq!(versions.highest("web"), Some(7));
        versions.note_written("web", 9);
        versions.note_recorded("web", 8);
        assert_eq!(versions.highest("web"), Some(9));
        assert_eq!(versions.highest("other"), None);
    }

    #[test]
    fn an_app_that_was_made_anew_starts_over() {
        let versions = Versions::default();
        versions.note_recorded("web", 103);
        versions.note_update("web", "m1", "i1", 103);
        versions.note_written("web", 2);
        versions.note_recorded("web", 103);
        assert_eq!(versions.highest("web"), Some(2));
        assert_eq!(versions.updates_of("web", "m1"), None);
    }

    #[test]
    fn updates_count_for_each_version() {
        let versions = Versions::default();
        versions.note_update("web", "m1", "i1", 3);
        versions.note_update("web", "m1", "i2", 3);
        versions.note_instance("web", "m1", "i3");
        let update = versions.updates_of("web", "m1").unwrap();
        assert_eq!((update.instance.as_str(), update.version, update.times), ("i3", 3, 2));
        versions.note_update("web", "m1", "i4", 4);
        assert_eq!(versions.updates_of("web", "m1").unwrap().times, 1);
    }
}
