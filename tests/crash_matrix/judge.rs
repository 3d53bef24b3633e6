//! The judge: what must be true at every moment of a timeline, and at its end. It knows vendors and stories, not the provider.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::story::{Act, Setting, Source, Story, supplied};
use crate::world::{Place, World};

/// A moment: the call that led to it, and the world after it.
#[derive(Debug, Clone)]
pub(crate) struct Moment {
    pub(crate) call: String,
    pub(crate) status: u64,
    pub(crate) world: World,
}

/// Reads a timeline.
pub(crate) fn moments(timeline: &[Value], source: Source) -> Vec<Moment> {
    let mut world = World::default();
    let read = |entry: &Value| {
        if let Some(truth) = entry.get("state") {
            world = World::read(truth, source);
        }
        Moment {
            call: entry["call"].as_str().unwrap().to_owned(),
            status: entry["status"].as_u64().unwrap(),
            world: world.clone(),
        }
    };
    timeline.iter().map(read).collect()
}

/// What a story's timeline is judged by.
pub(crate) struct Trial<'a> {
    pub(crate) story: Story,
    /// What was applied when something went wrong.
    pub(crate) setting: Setting,
    pub(crate) moments: &'a [Moment],
    /// Something went wrong on purpose.
    pub(crate) disturbed: bool,
    /// The provider said that it could not park a value.
    pub(crate) could_not_park: bool,
    /// From this moment on nothing tells that what is parked already answers the incident; `None` where the state does.
    pub(crate) incident_asks_again: Option<usize>,
    /// From this moment on the overlap is over; `None` if there was none.
    pub(crate) overlap_ends: Option<usize>,
}

impl Trial<'_> {
    /// Everything that was wrong at some moment.
    pub(crate) fn violations(&self) -> Vec<String> {
        let mut found = Vec::new();
        // What worked at some time, and what was ever in a place that somebody reads.
        let mut issued = BTreeSet::new();
        let mut held = BTreeSet::new();
        let mut last_write = 0;
        for (n, now) in self.moments.iter().enumerate() {
            issued.extend(now.world.live.iter().cloned());
            held.extend(now.world.held().into_iter().cloned());
            let Some(before) = n.checked_sub(1).and_then(|n| self.moments.get(n)) else {
                continue;
            };
            let mut blame = |what: String| found.push(format!("moment {n} ({}): {what}", now.call));
            if now.world.foreign != before.world.foreign {
                blame(differences(before, now));
            }
            if now.call.contains("/_sandbox/") {
                continue;
            }
            let changed = changed_places(&before.world, &now.world);
            if !changed.is_empty() {
                last_write = n;
            }
            for (place, value) in &changed {
                self.out_of_order(*place, value, &now.world)
                    .into_iter()
                    .for_each(&mut blame);
                self.unknown_value(value, &now.world, &issued)
                    .into_iter()
                    .for_each(&mut blame);
            }
            if self.story.overlaps() {
                for value in self.relied_on(&now.world) {
                    if issued.contains(value) && !now.world.live.contains(value) {
                        blame(format!("{} points at a dead credential", holders(&now.world, value)));
                    }
                }
                for value in before.world.live.difference(&now.world.live) {
                    let proof = self.proved_since(last_write, n);
                    if held.contains(value) {
                        self.revoked_too_early(n, value, proof, &now.world)
                            .into_iter()
                            .for_each(&mut blame);
                    }
                }
            }
        }
        found
    }

    /// What must work. A destroy, and the replacement of a create that failed, take the entries away and then the credential:
    /// machines that run it were to lose it.
    fn relied_on<'a>(&self, world: &'a World) -> BTreeSet<&'a String> {
        match self.story.act {
            // Whatever breaks.
            Act::IncidentNow => BTreeSet::new(),
            Act::Create | Act::Destroy => world.entries.values().collect(),
            _ => world.held(),
        }
    }

    /// A place of a later wave got a value that an earlier one has not.
    fn out_of_order(&self, place: Place, value: &str, world: &World) -> Vec<String> {
        // A role that was reset has no other password: every target gets the new one, whatever failed at an earlier one.
        // An incident leaves a target behind that is down.
        if (self.story.source == Source::NeonOneRole || self.story.act.is_incident()) && self.disturbed {
            return Vec::new();
        }
        let targets = self.story.targets(self.setting);
        let Some(wave) = targets.iter().find(|(known, _)| *known == place).map(|(_, wave)| *wave) else {
            return vec![format!("{place:?} was written and is no target")];
        };
        let earlier = targets.iter().filter(|(_, other)| *other < wave);
        earlier
            .filter(|(other, _)| !world.holds(*other, value))
            .map(|(other, _)| format!("{place:?} of wave {wave} was written before {other:?}"))
            .collect()
    }

    /// A place got something that is no credential, or none that works.
    fn unknown_value(&self, value: &str, world: &World, issued: &BTreeSet<String>) -> Option<String> {
        let known = match self.story.source {
            Source::Random => value.len() == 40,
            Source::Provided => [1, 2].map(supplied).iter().any(|known| known == value),
            Source::NeonOneRole => issued.contains(value),
            _ => world.live.contains(value),
        };
        (!known).then(|| "a place was given something that the issuer does not accept".to_owned())
    }

    /// Whether the platform was found healthy between two moments.
    fn proved_since(&self, begin: usize, end: usize) -> bool {
        let between = self.moments.get(begin..end).unwrap_or_default();
        begin == 0
            || between
                .iter()
                .any(|moment| moment.call == "GET /health" && moment.status == 200)
    }

    /// A credential that somebody may use was ended while that was not allowed.
    fn revoked_too_early(&self, n: usize, value: &String, proved: bool, world: &World) -> Vec<String> {
        // Of a create that was tainted, and of a destroy, the entries go first; that no place holds it is judged elsewhere.
        if matches!(self.story.act, Act::Create | Act::Destroy | Act::IncidentNow) {
            return Vec::new();
        }
        let mut found = Vec::new();
        let targets = self.story.targets(self.setting);
        let everywhere = |value: &&String| targets.iter().all(|(place, _)| world.holds(*place, value));
        if !world.live.iter().any(|value| everywhere(&value)) {
            found.push("a credential was revoked before every target had taken another one".to_owned());
        }
        if !proved && self.story.act != Act::IncidentDelivered {
            found.push("a credential was revoked before the check had passed".to_owned());
        }
        // Where a target is lost, the overlap of what it had before was over already.
        let first = self
            .moments
            .first()
            .and_then(|first| first.world.entries.get(&self.story.witness()));
        let overlaps = self.story.act != Act::Unreadable || first == Some(value);
        if overlaps && self.overlap_ends.is_some_and(|end| n < end) {
            found.push("a credential was revoked within its overlap".to_owned());
        }
        found
    }

    /// Everything that is wrong in the end.
    pub(crate) fn ending(&self) -> Vec<String> {
        let mut found = Vec::new();
        let (Some(first), Some(last)) = (self.moments.first(), self.moments.last()) else {
            return vec!["there is no timeline".to_owned()];
        };
        let (story, world) = (self.story, &last.world);
        let made = world.made - first.world.made;
        if self.setting.destroys {
            found.extend(
                world
                    .entries
                    .keys()
                    .map(|place| format!("{place:?} still has an entry")),
            );
            if story.source.is_labelled() && !world.live.is_empty() {
                found.push(format!("{} credentials are left alive", world.live.len()));
            }
            let before = first.world.held();
            if story.source.is_issued() && before.into_iter().any(|value| world.live.contains(value)) {
                found.push("what the targets held still works".to_owned());
            }
            return found;
        }
        let targets = story.targets(self.setting);
        let configured: BTreeSet<Place> = targets.iter().map(|(place, _)| *place).collect();
        for place in world.entries.keys().filter(|place| !configured.contains(place)) {
            found.push(format!("{place:?} is no target any more and has an entry"));
        }
        let Some(value) = world.entries.get(&Place::Parameter) else {
            return vec!["the parameter is missing".to_owned()];
        };
        for place in configured.into_iter().filter(|place| !world.holds(*place, value)) {
            found.push(format!("{place:?} does not have what the parameter has"));
        }
        if story.source.is_issued() && !world.live.contains(value) {
            found.push("the targets hold something that the issuer does not accept".to_owned());
        }
        if story.source.is_labelled() && world.live.len() != 1 {
            found.push(format!("{} credentials are alive instead of one", world.live.len()));
        }
        if story.source == Source::Provided && *value != supplied(if story.act == Act::Rotate { 2 } else { 1 }) {
            found.push("the targets do not have what was supplied".to_owned());
        }
        let same = first.world.entries.get(&story.witness()) == Some(value);
        if story.renews() && same {
            found.push("the secret was not renewed".to_owned());
        }
        // A readable target has the value, so nothing calls for a new one.
        if !story.renews() && story.act != Act::Restore && (!same || made > 0) {
            found.push(format!("the secret was renewed ({made} made), which nobody asked for"));
        }
        found
    }
}

/// Places whose entry, or whose machines, changed to a value. Removals are judged at the end.
pub(crate) fn changed_places(before: &World, now: &World) -> Vec<(Place, String)> {
    let entries = now
        .entries
        .iter()
        .filter(|(place, value)| before.entries.get(place) != Some(value));
    let mut changed: Vec<_> = entries.map(|(place, value)| (*place, value.clone())).collect();
    let known: BTreeSet<_> = before.machines.iter().flatten().collect();
    let running = now.machines.iter().flatten().filter(|value| !known.contains(value));
    changed.extend(running.map(|value| (Place::App, value.clone())));
    changed
}

fn differences(before: &Moment, now: &Moment) -> String {
    let changed = now.world.foreign.iter();
    let changed: Vec<_> = changed
        .filter(|(key, value)| before.world.foreign.get(*key) != Some(value))
        .map(|(key, _)| key.as_str())
        .collect();
    format!("somebody else's {} changed", changed.join(", "))
}

fn holders(world: &World, value: &str) -> String {
    let entries = world.entries.iter().filter(|(_, known)| *known == value);
    let mut holders: Vec<String> = entries.map(|(place, _)| format!("{place:?}")).collect();
    if world.machines.iter().flatten().any(|known| known == value) {
        holders.push("a machine".to_owned());
    }
    holders.join(", ")
}
