//! Several secrets of one app: each a token of its own under its own name, all of them rotated by the same apply, all of them rolled
//! out by the same machines.

use std::collections::{BTreeMap, BTreeSet};

use crate::judge::Moment;
use crate::world::{APP, World};

/// The names of so many secrets. A longer name does not begin with a shorter one.
pub(crate) fn names(count: usize) -> Vec<String> {
    (1..=count).map(|n| format!("TOKEN_{n:02}")).collect()
}

/// Their resources; `more` is what a user adds to each.
pub(crate) fn resources(count: usize, more: &str) -> String {
    let resource = |name: &String| {
        let label = name.to_lowercase();
        format!(
            "resource \"rotation_secret\" \"{label}\" {{\n  name = {name:?}\n  source = {{ fly_token = {{ app = \"molecule-cp\" }} }}\n\
             \x20 targets = {{\n    app = {{ fly_secret = {{ app = {APP:?} }} }}\n  }}\n  overlap = \"0s\"\n{more}}}\n"
        )
    };
    names(count).iter().map(resource).collect()
}

/// Everything that was wrong at some moment.
pub(crate) fn violations(moments: &[Moment]) -> Vec<String> {
    let mut found = Vec::new();
    let mut issued = BTreeSet::new();
    // Whose entry or machines had a value at some time.
    let mut owners = BTreeMap::new();
    for (n, now) in moments.iter().enumerate() {
        let mut blame = |what: String| found.push(format!("moment {n} ({}): {what}", now.call));
        let world = &now.world;
        issued.extend(world.live.iter().cloned());
        for (name, member) in &world.members {
            let dead = |value: &String| issued.contains(value) && !world.live.contains(value);
            if member.machines.iter().flatten().any(dead) {
                blame(format!("a machine runs a revoked {name}"));
            }
            if member.entry.iter().any(dead) {
                blame(format!("the entry {name} holds a revoked token"));
            }
            for value in member.entry.iter().chain(member.machines.iter().flatten()) {
                let owner = owners.entry(value.clone()).or_insert_with(|| name.clone());
                if owner != name {
                    blame(format!("{name} has a value of {owner}"));
                }
                if !issued.contains(value) {
                    blame(format!("{name} was given something that Fly does not accept"));
                }
            }
        }
        let Some(before) = n.checked_sub(1).and_then(|n| moments.get(n)) else {
            continue;
        };
        if world.foreign != before.world.foreign {
            blame("what belongs to others changed".to_owned());
        }
        let ended = before.world.live.difference(&world.live);
        for name in ended.filter_map(|value| owners.get(value)) {
            if !has_another(world, name) {
                blame(format!(
                    "a token was revoked before {name} and every machine had another one"
                ));
            }
        }
    }
    found
}

/// Whether the entry and every machine have the same token, which works.
fn has_another(world: &World, name: &str) -> bool {
    let Some(member) = world.members.get(name) else {
        return false;
    };
    let entry = member.entry.as_ref();
    entry.is_some_and(|entry| world.live.contains(entry))
        && member.machines.iter().all(|running| running.as_ref() == entry)
}

/// Everything that is wrong after all of them were rotated.
pub(crate) fn ending(count: usize, moments: &[Moment]) -> Vec<String> {
    let (Some(first), Some(last)) = (moments.first(), moments.last()) else {
        return vec!["there is no timeline".to_owned()];
    };
    let mut found = Vec::new();
    for name in names(count) {
        if !has_another(&last.world, &name) {
            found.push(format!(
                "{name} is not the same working token in its entry and on every machine"
            ));
        }
        let entry = |world: &World| world.members.get(&name).and_then(|member| member.entry.clone());
        if entry(&first.world) == entry(&last.world) {
            found.push(format!("{name} was not renewed"));
        }
    }
    let alive = last.world.live.len();
    if alive != count {
        found.push(format!("{alive} tokens are alive instead of {count}"));
    }
    let known = last.world.members.len();
    if known != count {
        found.push(format!("the app has {known} secrets instead of {count}"));
    }
    found
}
