//! The bookkeeping of rolls against every order of events: two secrets of one app, two machines, processes that are killed anywhere
//! and know nothing of each other, deployments of others that keep our metadata and start machines with older secrets.
//!
//! The model repeats the calls of a roll in their order; what it decides by is the shipped code.

use std::collections::BTreeSet;

use serde_json::json;

use super::mark;
use crate::connection::fly::{Machine, Versions};

const APP: &str = "web";

/// How often each kind of event may happen.
const WRITES: usize = 3;
const KILLS: usize = 1;
const DEPLOYMENTS: usize = 1;

#[derive(Debug, Clone, Default)]
struct Held {
    instance: u64,
    metadata: Option<String>,
    /// The version of the app's secrets that it started with: the oldest that its update allowed.
    runs: u64,
}

impl Held {
    fn machine(&self, index: usize) -> Machine {
        let instance = name(index, self.instance);
        let metadata = json!({ mark::KEY: self.metadata });
        let description =
            json!({ "id": format!("m{index}"), "instance_id": instance, "config": { "metadata": metadata } });
        serde_json::from_value(description).unwrap()
    }
}

/// The id of a machine's `number`th instance.
fn name(machine: usize, number: u64) -> String {
    format!("m{machine}i{number}")
}

/// Where a roll stands: between two of its calls.
#[derive(Debug, Clone)]
enum Next {
    Look(usize),
    /// The update has happened; this process has not heard of it, and of the instance that it made.
    Answer(usize, u64, u64),
    Mark(usize, u64, u64),
}

#[derive(Debug, Clone, Default)]
struct World {
    version: u64,
    machines: [Held; 2],
    /// The version in each secret's stored revision; 0 before its first write.
    recorded: [u64; 2],
    known: Versions,
    roll: Option<(usize, Next)>,
    /// The secrets whose roll has said that every machine runs them.
    live: [bool; 2],
    writes: usize,
    kills: usize,
    deployments: usize,
}

impl World {
    fn write(&self, secret: usize) -> Option<Self> {
        let mut after = self.clone();
        after.writes += 1;
        after.version += 1;
        after.recorded[secret] = after.version;
        after.live[secret] = false;
        after.known.note_written(APP, after.version);
        (after.writes <= WRITES).then_some(after)
    }

    fn kill(&self) -> Option<Self> {
        let mut after = self.clone();
        after.kills += 1;
        after.known = Versions::default();
        after.roll = None;
        (after.kills <= KILLS).then_some(after)
    }

    /// Somebody's deployment of one machine, which starts with what was there before everything.
    fn deploy(&self, index: usize) -> Option<Self> {
        let mut after = self.clone();
        after.deployments += 1;
        after.machines[index].instance += 1;
        after.machines[index].runs = 0;
        after.live = [false; 2];
        (after.deployments <= DEPLOYMENTS).then_some(after)
    }

    fn begin(&self, secret: usize) -> Option<Self> {
        let mut after = self.clone();
        if self.roll.is_some() || self.recorded[secret] == 0 {
            return None;
        }
        after.known.note_recorded(APP, self.recorded[secret]);
        for (index, held) in self.machines.iter().enumerate() {
            if let Some(version) = mark::marked_version(&held.machine(index)) {
                after.known.note_recorded(APP, version);
            }
        }
        after.roll = Some((secret, Next::Look(0)));
        Some(after)
    }

    /// The next call of the roll that is under way.
    fn step(&self) -> Option<Self> {
        let (secret, next) = self.roll.clone()?;
        let mut after = self.clone();
        let wanted = self.recorded[secret];
        let next = match next {
            Next::Look(index) => match self.machines.get(index) {
                None => {
                    let proved =
                        |(index, held): (usize, &Held)| mark::is_proved(&self.known, APP, &held.machine(index), wanted);
                    after.live[secret] = self.machines.iter().enumerate().all(proved);
                    None
                }
                Some(held) if mark::is_open(&self.known, APP, &held.machine(index), wanted) => {
                    let asked = mark::asked(&self.known, APP, wanted);
                    let instance = held.instance + 1;
                    after.machines[index] = Held {
                        metadata: Some(mark::promise(&name(index, held.instance), asked)),
                        instance,
                        runs: asked,
                    };
                    Some(Next::Answer(index, asked, instance))
                }
                Some(_) => Some(Next::Look(index + 1)),
            },
            Next::Answer(index, asked, instance) => {
                let made = name(index, instance);
                after.known.note_update(APP, &format!("m{index}"), &made, asked);
                Some(Next::Mark(index, asked, instance))
            }
            Next::Mark(index, asked, instance) => {
                let held = &mut after.machines[index];
                // `machine_version`: Fly refuses to mark another instance.
                if held.instance == instance {
                    held.metadata = Some(mark::mark(&name(index, instance), asked));
                }
                Some(Next::Look(index + 1))
            }
        };
        after.roll = next.map(|next| (secret, next));
        Some(after)
    }

    #[track_caller]
    fn judge(&self) {
        for (index, held) in self.machines.iter().enumerate() {
            let proved = mark::proved(&self.known, APP, &held.machine(index)).unwrap_or(0);
            assert!(held.runs >= proved, "m{index} is counted done for {proved}: {self:?}");
            for secret in [0, 1] {
                let runs = held.runs >= self.recorded[secret];
                assert!(runs || !self.live[secret], "secret {secret} counts as live: {self:?}");
            }
        }
    }

    /// A roll of each secret, with nobody in between.
    fn finished(mut self) -> Self {
        for secret in [0, 1] {
            while let Some(after) = self.step() {
                self = after;
            }
            self = self.begin(secret).unwrap_or(self);
        }
        while let Some(after) = self.step() {
            self = after;
        }
        self
    }
}

#[test]
fn a_machine_that_counts_as_done_for_a_version_runs_it_or_a_later_one() {
    let (mut seen, mut found) = (BTreeSet::new(), BTreeSet::new());
    let mut open = vec![World::default()];
    while let Some(world) = open.pop() {
        if !seen.insert(format!("{world:?}")) {
            continue;
        }
        world.judge();
        // Another process gets everything right, whatever happened before.
        let mut later = world.clone();
        (later.known, later.roll) = (Versions::default(), None);
        (later.writes, later.kills, later.deployments, later.live) = (0, 0, 0, [false; 2]);
        if found.insert(format!("{later:?}")) {
            let ended = later.finished();
            ended.judge();
            for secret in [0, 1].into_iter().filter(|secret| ended.recorded[*secret] > 0) {
                assert!(ended.live[secret], "secret {secret} of {world:?} ends as {ended:?}");
            }
        }
        let events = [
            world.write(0),
            world.write(1),
            world.kill(),
            world.deploy(0),
            world.deploy(1),
            world.begin(0),
            world.begin(1),
            world.step(),
        ];
        open.extend(events.into_iter().flatten());
    }
    assert!(seen.len() > 10_000, "only {} states", seen.len());
}
