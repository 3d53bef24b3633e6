//! Escrow: what is parked at one instant, and what must be true of it at every moment of a timeline and at its end.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::judge::{Trial, changed_places};
use crate::story::{Act, Source};
use crate::world::{Place, World};

/// Where the provider block says that values are parked.
const PATH: &str = "/rotation/escrow/";
/// Somebody else's parameter in the same place, as another secret's id would name it.
const THEIRS: &str = "/rotation/escrow/0123456789abcdef0123456789abcdef";

/// The block of the provider.
pub(crate) const BLOCK: &str = "  escrow {\n    ssm_parameter {\n      path = \"/rotation/escrow/\"\n    }\n  }\n";

/// What is parked: for each parameter its generations, and of each the value that targets get.
pub(crate) type Parked = BTreeMap<String, BTreeMap<u64, BTreeSet<String>>>;

/// Reads the truth. What cannot be read as parked values counts as an entry without any.
pub(crate) fn parked(truth: &Value, source: Source) -> Parked {
    let names = truth["aws"]["ssm"].as_object().unwrap();
    let below = names.iter().filter(|(name, _)| is_an_entry(name));
    below
        .map(|(name, entry)| (name.clone(), generations(entry["value"].as_str().unwrap(), source)))
        .collect()
}

/// Whether that parameter is a secret's entry, or a stranger's in its place.
pub(crate) fn is_an_entry(name: &str) -> bool {
    name.starts_with(PATH) && name != THEIRS
}

fn generations(text: &str, source: Source) -> BTreeMap<u64, BTreeSet<String>> {
    let text: Value = serde_json::from_str(text).unwrap_or_default();
    let generations = text["generations"].as_object().cloned().unwrap_or_default();
    let value = |held: &Value| {
        // A role's password is parked beside an address that contains it.
        let part = source.part().or(held["primary"].as_str()).unwrap_or_default();
        held["secret"][part].as_str().map(str::to_owned)
    };
    generations
        .iter()
        .map(|(generation, held)| (generation.parse().unwrap(), value(held).into_iter().collect()))
        .collect()
}

/// Adds somebody else's parameter to what the sandbox is told.
pub(crate) fn with_theirs(mut seeds: Value) -> Value {
    seeds["aws"]["parameters"][THEIRS] = json!("theirs");
    seeds
}

impl World {
    /// Every value that is parked.
    pub(crate) fn parked_values(&self) -> BTreeSet<&String> {
        self.parked.values().flat_map(BTreeMap::values).flatten().collect()
    }
}

impl Trial<'_> {
    /// Everything that was wrong with what is parked, at some moment or in the end.
    pub(crate) fn escrow(&self) -> Vec<String> {
        if self.story.parks() {
            return [self.moments_of_escrow(), self.end_of_escrow()].concat();
        }
        let parks = self.moments.iter().any(|moment| !moment.world.parked.is_empty());
        parks
            .then(|| "something was parked without an escrow".to_owned())
            .into_iter()
            .collect()
    }

    fn moments_of_escrow(&self) -> Vec<String> {
        let mut found = Vec::new();
        let Some(first) = self.moments.first() else {
            return found;
        };
        let before_all = first.world.parked_values();
        let mut known_before = before_all.clone();
        // What was parked first in this story, and what there was by then.
        let mut resumed: Option<(BTreeSet<&String>, &World)> = None;
        for (n, now) in self.moments.iter().enumerate() {
            let Some(before) = n.checked_sub(1).and_then(|n| self.moments.get(n)) else {
                continue;
            };
            let (world, parked) = (&now.world, now.world.parked_values());
            if self.incident_asks_again == Some(n) {
                known_before = before.world.parked_values();
                resumed = None;
            }
            let mut blame = |what: String| found.push(format!("moment {n} ({}): {what}", now.call));
            if world.parked.len() > 1 {
                blame(format!("{} entries hold values", world.parked.len()));
            }
            if now.call.contains("/_sandbox/") {
                continue;
            }
            let unparked = |(_, value): &(Place, String)| !parked.contains(value) && !self.could_not_park;
            for (place, _) in changed_places(&before.world, world).into_iter().filter(unparked) {
                blame(format!("{place:?} was given a value that is not parked"));
            }
            for value in before.world.parked_values().difference(&parked) {
                if world.live.contains(*value) && self.story.source.is_labelled() {
                    blame("a value left escrow while the issuer accepts it".to_owned());
                }
                let is_kept = matches!(self.story.act, Act::Overlap | Act::Window | Act::Restore);
                if is_kept && before_all.contains(*value) && self.overlap_ends.is_some_and(|end| n < end) {
                    blame("a value left escrow within its overlap".to_owned());
                }
            }
            let new: BTreeSet<&String> = parked.difference(&known_before).copied().collect();
            let (resumed, then) = match &resumed {
                Some(known) => known,
                None if new.is_empty() => continue,
                None => resumed.insert((new.clone(), world)),
            };
            if !new.is_subset(resumed) {
                blame("another value was parked although one was already".to_owned());
            }
            let is_another = match self.story.source.is_labelled() {
                true => !world.live.is_subset(&then.live),
                // A role is reset when its credential is revoked as well as when one is made.
                false => self.story.source.is_issued() && !resumed.iter().all(|value| world.live.contains(*value)),
            };
            if world.made > then.made || is_another {
                blame("another credential was made although one was parked".to_owned());
            }
        }
        found
    }

    fn end_of_escrow(&self) -> Vec<String> {
        let (Some(first), Some(last)) = (self.moments.first(), self.moments.last()) else {
            return Vec::new();
        };
        let world = &last.world;
        let mut found = Vec::new();
        if self.setting.destroys || self.story.act == Act::Adopt {
            if !world.parked.is_empty() {
                found.push("an entry is left in escrow".to_owned());
            }
            return found;
        }
        let Some(current) = world.entries.get(&Place::Parameter) else {
            return found;
        };
        let parked = world.parked_values();
        if parked.iter().any(|value| *value != current) {
            found.push("escrow holds values that have ended".to_owned());
        }
        if !self.could_not_park && !parked.contains(current) {
            found.push("the value in place is not parked".to_owned());
        }
        if world.parked.values().any(BTreeMap::is_empty) {
            found.push("an entry without values is left in escrow".to_owned());
        }
        // What a killed run left may be older than the incident, and exposed like the rest.
        let begin = self.incident_asks_again.unwrap_or(1) - 1;
        let judged = self.moments.get(begin..).unwrap_or_default();
        let before = judged
            .first()
            .map(|moment| moment.world.parked_values())
            .unwrap_or_default();
        let parked_first = |value: &String| {
            let mut new = judged.iter().flat_map(|moment| moment.world.parked_values());
            new.find(|known| !before.contains(known))
                .is_none_or(|known| known == value)
        };
        if !parked_first(current) {
            found.push("the targets do not have the value that was parked first".to_owned());
        }
        if self.story.act == Act::Restore {
            let mut entries = first.world.parked.values();
            let wanted = entries.next().and_then(|generations| generations.get(&1));
            if !wanted.is_some_and(|values| values.contains(current)) {
                found.push("the targets do not have the restored generation".to_owned());
            }
            if world.made > first.world.made {
                found.push("a credential was made although one was restored".to_owned());
            }
        }
        found
    }
}
