//! Escrow in the world: what is really parked, and what must hold of it.

use std::collections::{BTreeMap, BTreeSet};

use rotation_provider::terraform::Value as State;

use super::case::{Case, Wish};
use super::terraform::Rest;
use super::world::{Broken, World};

/// Where the provider block says that values are parked.
pub const PATH: &str = "/rotation/escrow/";

/// What stands at an address below it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    pub text: String,
    pub mark: Option<String>,
    pub content: Option<String>,
    pub revision: u32,
    pub written: (u8, u32),
    pub ours: bool,
}

/// What is parked, and what was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Vault {
    pub entries: BTreeMap<String, Entry>,
    /// What each generation was when it was parked first, and how many rotations had been asked for by then.
    pub numbered: BTreeMap<u64, (u32, u8)>,
    /// Values that a run delivered because they could not be parked.
    pub unparked: BTreeSet<u32>,
    /// The restore that was answered last.
    pub restored: u8,
    /// An outsider did something.
    pub disturbed: bool,
}

/// The values in a text, by generation; `None` where it is no such text.
pub fn values(text: &str) -> Option<BTreeMap<u64, u32>> {
    let text: serde_json::Value = serde_json::from_str(text).ok()?;
    let value = |held: &serde_json::Value| {
        let primary = held["primary"].as_str()?;
        let parts = [&held["secret"][primary], &held["plain"][primary]];
        let text = parts.into_iter().find_map(serde_json::Value::as_str)?;
        super::adapters::value_of(text)
    };
    let generations = text["generations"].as_object()?.iter();
    generations
        .map(|(generation, held)| Some((generation.parse().ok()?, value(held)?)))
        .collect()
}

impl World {
    /// What is parked by our hand, by generation.
    pub fn parked(&self) -> BTreeMap<u64, u32> {
        let ours = self.vault.entries.values().filter(|entry| entry.ours);
        ours.filter_map(|entry| values(&entry.text)).flatten().collect()
    }

    /// Writes what is parked by our hand.
    pub fn park(&mut self, case: &Case, wish: &Wish, address: &str, entry: Entry) -> Result<u32, Broken> {
        let new = values(&entry.text).ok_or("what was parked cannot be read")?;
        let old = self.vault.entries.get(address);
        if old.is_some_and(|old| !old.ours) {
            return Err("an entry of escrow was overwritten, which somebody else had filled".to_owned());
        }
        let old = old.and_then(|old| values(&old.text)).unwrap_or_default();
        for (generation, value) in &new {
            if old.get(generation).is_some_and(|known| known != value) {
                return Err(format!(
                    "generation {generation} was parked with another value than before"
                ));
            }
        }
        for (generation, value) in old.iter().filter(|(generation, _)| !new.contains_key(generation)) {
            self.may_leave(case, *value)
                .map_err(|why| format!("generation {generation} left escrow {why}"))?;
        }
        let revision = self.event();
        for (generation, value) in new {
            self.vault.numbered.entry(generation).or_insert((value, wish.rotations));
            self.vault.unparked.remove(&value);
        }
        let written = (self.hour, revision);
        let entry = Entry {
            revision,
            written,
            ..entry
        };
        self.vault.entries.insert(address.to_owned(), entry);
        Ok(revision)
    }

    /// Deletes an entry by our hand.
    pub fn unpark(&mut self, case: &Case, address: &str, destroys: bool) -> Result<(), Broken> {
        let Some(entry) = self.vault.entries.get(address).cloned() else {
            return Ok(());
        };
        if !entry.ours {
            return Err("an entry of escrow was deleted, which somebody else had filled".to_owned());
        }
        for (generation, value) in values(&entry.text).unwrap_or_default() {
            if destroys && !case.revocable() {
                continue;
            }
            self.may_leave(case, value)
                .map_err(|why| format!("generation {generation} left escrow {why}"))?;
        }
        self.vault.entries.remove(address);
        Ok(())
    }

    /// Whether a value may be forgotten: nobody accepts it, or nothing brings it back.
    fn may_leave(&self, case: &Case, value: u32) -> Result<(), Broken> {
        if case.revocable() {
            return match self.working().contains(&value) {
                true => Err("while it works".to_owned()),
                false => Ok(()),
            };
        }
        let known = self.values.get(&value).cloned().unwrap_or_default();
        if !known.delivered {
            return Ok(());
        }
        match known.superseded {
            None => Err("before its successor was in place".to_owned()),
            Some(since) if self.hour < since + case.overlap => Err("within its overlap".to_owned()),
            Some(_) => Ok(()),
        }
    }

    /// An entry is about to be given a value: it must be parked, unless that was tried in this run.
    pub fn is_parked_first(&mut self, case: &Case, key: &str, value: u32, failed: bool) -> Result<(), Broken> {
        if !case.parks || self.parked().values().any(|parked| *parked == value) {
            return Ok(());
        }
        if failed || self.vault.unparked.contains(&value) {
            self.vault.unparked.insert(value);
            return Ok(());
        }
        Err(format!("{key} was given a value that is not parked"))
    }

    /// A generation is about to be made: none that is parked waits to be delivered.
    pub fn may_make_beside_parked(&self, wish: &Wish) -> Result<(), Broken> {
        if wish.restore > 0 && wish.restore != self.vault.restored {
            return Err("a generation was made where one was to be restored".to_owned());
        }
        let parked = self.parked();
        let Some((generation, value)) = parked.last_key_value().filter(|_| !self.vault.disturbed) else {
            return Ok(());
        };
        let waits = self
            .values
            .get(value)
            .is_some_and(|known| !known.in_place && known.ended.is_none());
        let asked = self.vault.numbered.get(generation).map(|(_, rotations)| *rotations);
        match waits && asked == Some(wish.rotations) {
            true => Err(format!(
                "a generation was made although generation {generation} is parked"
            )),
            false => Ok(()),
        }
    }

    /// An outsider writes the entry of escrow by hand.
    pub fn fill_escrow(&mut self) {
        let revision = self.event();
        let written = (self.hour, revision);
        for entry in self.vault.entries.values_mut() {
            *entry = Entry {
                text: "by hand".to_owned(),
                mark: None,
                content: None,
                revision,
                written,
                ours: false,
            };
        }
    }

    /// What must be parked when every target holds these values.
    pub fn parked_at_rest(&self, case: &Case, wish: &Wish, held: &BTreeSet<u32>) -> Result<(), Broken> {
        if !case.parks {
            return Ok(());
        }
        let ours: Vec<_> = self.vault.entries.values().filter(|entry| entry.ours).collect();
        if ours.len() > 1 {
            return Err(format!("at rest there are {} entries in escrow", ours.len()));
        }
        if ours
            .iter()
            .any(|entry| values(&entry.text).is_none_or(|values| values.is_empty()))
        {
            return Err("at rest an entry without values is in escrow".to_owned());
        }
        let parked: BTreeSet<u32> = self.parked().into_values().collect();
        let ended = parked.iter().find(|value| {
            let stays = case.manual && self.working().contains(value);
            !held.contains(value) && !stays
        });
        if let Some(ended) = ended {
            return Err(format!("at rest {ended} is in escrow, and the targets hold {held:?}"));
        }
        if let Some(lacks) = held
            .iter()
            .find(|value| !parked.contains(value) && !self.vault.unparked.contains(value))
            && !self.vault.disturbed
        {
            return Err(format!("at rest {lacks} is not in escrow"));
        }
        let wanted = self.vault.numbered.get(&u64::from(wish.restore));
        match wanted {
            Some((value, _))
                if wish.rotations == wish.restored_at && !self.vault.disturbed && !held.contains(value) =>
            {
                Err(format!(
                    "at rest the targets hold {held:?}, and generation {} was restored",
                    wish.restore
                ))
            }
            _ => Ok(()),
        }
    }
}

/// The generations that a user could want back.
pub fn restorable(rest: &Rest) -> Vec<u8> {
    let state = rest.state.as_ref();
    let generation = state.and_then(|state| state.get("generation").as_u64()).unwrap_or(0);
    let known = state
        .and_then(|state| state.get("credentials").as_map())
        .cloned()
        .unwrap_or_default();
    let parked = known.iter().filter(|(_, known)| *known.get("escrow") != State::Null);
    let parked = parked.filter_map(|(number, _)| number.parse().ok());
    parked.filter(|number| u64::from(*number) != generation).collect()
}
