//! Consumers that load a value when an activation of their wave succeeds, and keep it until the next one does.

use std::collections::{BTreeMap, BTreeSet};

use crate::judge::{Moment, Trial};
use crate::story::Act;
use crate::world::{Place, World};

/// What activates the first wave: one request.
pub(crate) const HOOK: &str = "PUT /settings/secrets";

/// What starts the run that activates the second wave.
const DISPATCH: &str = "/dispatches";

/// The arguments of the resource: an activation for each wave. The connection carries the token of the platform.
pub(crate) const ACTIVATIONS: &str = r#"  activations = {
    hook   = { wave = 1, connection = "platform", http = { url = "/settings/secrets", method = "PUT", body = jsonencode({ key = "DEPLOYED", value = "yes" }) } }
    deploy = { wave = 2, github_workflow = { repository = "molecule-monorepo", workflow = "publish-platform-image.yml" } }
  }
"#;

/// The connection, in the provider block.
pub(crate) fn connection(origin: &str) -> String {
    format!(
        "  connection \"platform\" {{\n    http {{\n      base_url = {origin:?}\n      headers  = {{ Authorization = \"Bearer \
         platform-sandbox-token-0001\" }}\n    }}\n  }}\n"
    )
}

/// Whether a call is made for an activation.
pub(crate) fn is_for_an_activation(line: &str) -> bool {
    line.starts_with(HOOK) || line.contains(DISPATCH) || line.contains("/actions/runs/")
}

/// What the consumers of each wave run.
struct Consumers<'a> {
    targets: &'a [(Place, u32)],
    running: BTreeMap<u32, BTreeSet<String>>,
    /// What a run has read that has not ended yet.
    reading: BTreeMap<u64, BTreeSet<String>>,
}

impl<'a> Consumers<'a> {
    fn of(targets: &'a [(Place, u32)], world: &World) -> Self {
        let mut consumers = Self {
            targets,
            running: BTreeMap::new(),
            reading: BTreeMap::new(),
        };
        for wave in [1, 2] {
            consumers.running.insert(wave, consumers.held(wave, world));
        }
        consumers
    }

    /// What the places of a wave hold.
    fn held(&self, wave: u32, world: &World) -> BTreeSet<String> {
        let places = self.targets.iter().filter(|(_, of)| *of == wave);
        places
            .filter_map(|(place, _)| world.entries.get(place).cloned())
            .collect()
    }

    fn see(&mut self, before: &World, now: &Moment) {
        if now.call.starts_with(HOOK) && now.status == 200 {
            self.running.insert(1, self.held(1, &now.world));
        }
        for (run, completed) in &now.world.runs {
            if !before.runs.contains_key(run) {
                self.reading.insert(*run, self.held(2, &now.world));
            }
            if *completed && let Some(read) = self.reading.remove(run) {
                self.running.insert(2, read);
            }
        }
    }
}

impl Trial<'_> {
    /// What is wrong with what consumers run, at some moment or in the end.
    pub(crate) fn consumers(&self) -> Vec<String> {
        let Some(first) = self.moments.first().filter(|_| self.story.act == Act::Activated) else {
            return Vec::new();
        };
        let targets = self.story.targets(self.setting);
        let mut consumers = Consumers::of(&targets, &first.world);
        let (mut found, mut issued) = (Vec::new(), BTreeSet::new());
        let mut before = first;
        for (n, now) in self.moments.iter().enumerate() {
            issued.extend(now.world.live.iter().cloned());
            consumers.see(&before.world, now);
            for (wave, running) in &consumers.running {
                let dead = running
                    .iter()
                    .any(|value| issued.contains(value) && !now.world.live.contains(value));
                if dead && self.story.overlaps() {
                    found.push(format!(
                        "moment {n} ({}): consumers of wave {wave} run a dead credential",
                        now.call
                    ));
                }
            }
            before = now;
        }
        for (wave, running) in &consumers.running {
            if *running != consumers.held(*wave, &before.world) {
                found.push(format!("consumers of wave {wave} do not run what its targets hold"));
            }
        }
        found
    }
}
