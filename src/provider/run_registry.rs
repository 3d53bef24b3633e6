//! What the secrets of one run know of each other.
//!
//! Terraform works on many objects at once, and on two of one secret in any order: a rename without `moved`, `-replace`,
//! `create_before_destroy` and a deposed object all mean a create and a destroy with one id. They meet in this process alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;

use crate::executor::FailureCause;
use crate::rotation::Ledger;
use crate::terraform::Value;

/// The secrets that this process works on.
#[derive(Default)]
pub struct RunRegistry {
    turns: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    claims: Mutex<HashMap<String, (String, String)>>,
    created: Mutex<BTreeSet<String>>,
    left: Mutex<HashMap<String, Ledger>>,
    handed_over: Mutex<Vec<HandedOver>>,
    told: Mutex<Vec<(FailureCause, String)>>,
}

/// An object that is being replaced, between the two halves of its replacement.
#[derive(Debug)]
pub struct HandedOver {
    /// Its state.
    pub state: Value,
    /// The id that its new configuration leads to, where the plan knew it.
    pub becomes: Option<String>,
}

/// The right to work on a secret and its slots, until it is dropped.
pub struct Turn {
    _guards: Vec<OwnedMutexGuard<()>>,
}

impl RunRegistry {
    /// Waits until no other run of this process works on the secret with that id, or on one of these slots.
    pub async fn turn(&self, id: &str, slots: impl IntoIterator<Item = String>) -> Turn {
        // In one order for all, so that no two wait for each other.
        let places: BTreeSet<String> = slots.into_iter().chain([format!("id {id}")]).collect();
        let mut guards = Vec::with_capacity(places.len());
        for place in places {
            let turn = Arc::clone(locked(&self.turns).entry(place).or_default());
            guards.push(turn.lock_owned().await);
        }
        Turn { _guards: guards }
    }

    /// Notes that the secret with this id plans to write these slots. Returns the keys of slots that another secret has
    /// claimed, with that secret's name. The id is the one that the configuration leads to: a replacement is planned twice,
    /// with its state and without.
    pub fn claim(&self, id: &str, name: &str, slots: &BTreeMap<String, String>) -> Vec<(String, String)> {
        let mut claims = locked(&self.claims);
        let mut taken = Vec::new();
        for (key, slot) in slots {
            let (owner, known_as) = claims
                .entry(slot.clone())
                .or_insert_with(|| (id.to_owned(), name.to_owned()));
            if owner != id {
                taken.push((key.clone(), known_as.clone()));
            }
        }
        taken
    }

    /// Notes that a secret with this id is created by this process; false when one was already.
    pub fn first_create(&self, id: &str) -> bool {
        locked(&self.created).insert(id.to_owned())
    }

    /// The secret that has told this cause already, unless it is this one; from now on it is this one otherwise.
    pub fn told(&self, cause: &FailureCause, name: &str) -> Option<String> {
        let mut told = locked(&self.told);
        if let Some((_, first)) = told.iter().find(|(known, _)| known == cause) {
            return (first != name).then(|| first.clone());
        }
        told.push((cause.clone(), name.to_owned()));
        None
    }

    /// Notes what a create or an update of this process left: a destroy of an older object with this id must not undo it.
    pub fn leave(&self, id: &str, ledger: Ledger) {
        locked(&self.left).insert(id.to_owned(), ledger);
    }

    /// Keeps the state of an object that is being replaced, for the create half of the replacement.
    pub fn hand_over(&self, object: HandedOver) {
        locked(&self.handed_over).push(object);
    }

    /// Takes the state of the first object that was handed over and is the one wanted.
    pub fn take_over(&self, is_it: impl Fn(&HandedOver) -> bool) -> Option<Value> {
        let mut all = locked(&self.handed_over);
        let at = all.iter().position(is_it)?;
        Some(all.remove(at).state)
    }

    /// What the newer object with this id has, if this process made or changed one.
    pub fn newer(&self, id: &str) -> Option<Ledger> {
        locked(&self.left).get(id).cloned()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn slots(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[tokio::test]
    async fn secrets_with_a_slot_in_common_take_turns_and_others_do_not_wait() {
        let all = RunRegistry::default();
        let first = all.turn("one", slots(&["a", "b"])).await;
        let patience = Duration::from_millis(50);
        for waiting in [("two", slots(&["b", "c"])), ("one", slots(&["d"]))] {
            let turn = tokio::time::timeout(patience, all.turn(waiting.0, waiting.1)).await;
            assert!(turn.is_err());
        }
        drop(all.turn("three", slots(&["e"])).await);
        drop(first);
        drop(all.turn("two", slots(&["b", "c"])).await);
    }

    #[test]
    fn one_slot_belongs_to_one_secret_whatever_its_name() {
        let all = RunRegistry::default();
        let place = BTreeMap::from([("here".to_owned(), "ssm_parameter:default:/a".to_owned())]);
        assert_eq!(all.claim("one", "A", &place), []);
        assert_eq!(all.claim("one", "A", &place), []);
        assert_eq!(all.claim("two", "A", &place), [("here".to_owned(), "A".to_owned())]);
    }
}
