//! What the vendors' own account says at one instant: which credentials work, and what every place holds.
//!
//! Read from the sandbox's truth alone; nothing of the provider takes part.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::escrow::{self, Parked};
use crate::story::{NAME, Source};

/// Somebody else's things, which must stay as they are: text for each.
pub(crate) type Foreign = BTreeMap<String, String>;

/// One instant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct World {
    /// Values that the issuer accepts and that are ours; for a role, whatever its password is.
    pub(crate) live: BTreeSet<String>,
    /// How many credentials of ours were ever made; zero where the issuer carries no marks.
    pub(crate) made: usize,
    /// What each place's entry is.
    pub(crate) entries: BTreeMap<Place, String>,
    /// What each running machine of the app has in its environment; `None` before it has the entry at all.
    pub(crate) machines: Vec<Option<String>>,
    /// The app's other secrets by name: those of stories with several secrets.
    pub(crate) members: BTreeMap<String, Member>,
    /// What is parked.
    pub(crate) parked: Parked,
    /// What others own.
    pub(crate) foreign: Foreign,
    /// The runs of workflows, and whether they have ended; all end with success.
    pub(crate) runs: BTreeMap<u64, bool>,
}

/// One of several secrets of the app.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Member {
    /// What Fly stores.
    pub(crate) entry: Option<String>,
    /// What each running machine has in its environment.
    pub(crate) machines: Vec<Option<String>>,
}

/// A place that may hold the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Place {
    /// A parameter, which can be read.
    Parameter,
    /// An app's secret, which its machines run.
    App,
    /// A repository's secret.
    Repository,
    /// Another repository's secret, which comes later or leaves.
    Docs,
}

/// The app that holds it.
pub(crate) const APP: &str = "molecule-api";
/// The parameter that holds it.
pub(crate) const PARAMETER: &str = "/molecule/production/API_TOKEN";
/// The owner of both repositories.
const OWNER: &str = "molecule-ai";

impl Place {
    pub(crate) const ALL: [Self; 4] = [Self::Parameter, Self::App, Self::Repository, Self::Docs];

    fn entry(self, truth: &Value) -> Option<String> {
        let found = match self {
            Self::Parameter => &truth["aws"]["ssm"][PARAMETER]["value"],
            Self::App => &truth["fly"]["apps"][APP]["secrets"][NAME]["value"],
            Self::Repository => repository(truth, "molecule-monorepo"),
            Self::Docs => repository(truth, "molecule-docs"),
        };
        found.as_str().map(str::to_owned)
    }
}

fn repository<'a>(truth: &'a Value, name: &str) -> &'a Value {
    &truth["github"]["repositories"][format!("{OWNER}/{name}")]["secrets"][NAME]["value"]
}

impl World {
    /// Reads the truth.
    pub(crate) fn read(truth: &Value, source: Source) -> Self {
        let mut world = Self::default();
        for place in Place::ALL {
            if let Some(value) = place.entry(truth) {
                world.entries.insert(place, value);
            }
        }
        world.parked = escrow::parked(truth, source);
        let app = &truth["fly"]["apps"][APP];
        let machines = app["machines"].as_object().unwrap().values();
        let started: Vec<&Value> = machines.filter(|machine| machine["state"] == "started").collect();
        let running = |name: &str| started.iter().map(|machine| text(&machine["env"][name])).collect();
        world.machines = running(NAME);
        let stores = std::iter::once(&app["secrets"]).chain(started.iter().map(|machine| &machine["env"]));
        let names = stores.flat_map(|store| store.as_object().unwrap().keys());
        for name in names.filter(|name| *name != NAME) {
            let entry = text(&app["secrets"][name]["value"]);
            let machines = running(name);
            world.members.insert(name.clone(), Member { entry, machines });
        }
        for (issuer, list, name, ended) in [
            (Source::FlyToken, &truth["fly"]["tokens"], "name", "revoked_at"),
            (Source::NeonApiKey, &truth["neon"]["api_keys"], "name", "revoked"),
            (Source::Http, &truth["resend"]["api_keys"], "name", "revoked"),
        ] {
            for credential in list.as_array().unwrap() {
                let label = credential[name].as_str().unwrap();
                let dead = !credential[ended].is_null() && credential[ended] != false;
                let ours = label == HANDED_OVER || (label.contains("-rot-") && label != LOOKALIKE);
                if ours && issuer == source {
                    world.made += 1;
                    if !dead {
                        world.live.insert(text(&credential["value"]).unwrap());
                    }
                } else {
                    let key = format!("{issuer:?} {}", credential["id"]);
                    world.foreign.insert(key, format!("{label} revoked: {dead}"));
                }
            }
        }
        let roles = &truth["neon"]["projects"]["quiet-river-12345678"]["roles"];
        for (role, state) in roles.as_object().unwrap() {
            let password = text(&state["password"]).unwrap();
            if source.roles().contains(&role.as_str()) {
                world.live.insert(password);
            } else {
                world.foreign.insert(format!("role {role}"), password);
            }
        }
        let runs = &truth["github"]["repositories"]["molecule-ai/molecule-monorepo"]["runs"];
        for run in runs.as_array().unwrap() {
            let completed = run["polls"].as_u64().unwrap() >= POLLS;
            world.runs.insert(run["id"].as_u64().unwrap(), completed);
        }
        let parameters = truth["aws"]["ssm"].as_object().unwrap().iter();
        for (name, parameter) in parameters.filter(|(name, _)| *name != PARAMETER && !escrow::is_an_entry(name)) {
            world
                .foreign
                .insert(format!("parameter {name}"), parameter["value"].to_string());
        }
        for (key, pointer) in FOREIGN_ENTRIES {
            let value = truth.pointer(pointer).map(ToString::to_string).unwrap_or_default();
            world.foreign.insert(key.to_owned(), value);
        }
        world
    }

    /// Every value that somebody would use: entries, and what machines run.
    pub(crate) fn held(&self) -> BTreeSet<&String> {
        self.entries.values().chain(self.machines.iter().flatten()).collect()
    }

    /// Whether the place has the value everywhere: entry, and machines where it has some.
    pub(crate) fn holds(&self, place: Place, value: &str) -> bool {
        let entry = self.entries.get(&place).is_some_and(|entry| entry == value);
        let run = place != Place::App || self.machines.iter().all(|machine| machine.as_deref() == Some(value));
        entry && run
    }
}

/// After so many looks, a run of the sandbox has ended.
const POLLS: u64 = 3;

/// A credential's name that looks like ours, but carries another id.
pub(crate) const LOOKALIKE: &str = "API_TOKEN-rot-0123456789ab-g4";

/// A credential that somebody made by hand, and hands over.
pub(crate) const HANDED_OVER: &str = "API_TOKEN by hand";

/// Entries of others, beside ours.
const FOREIGN_ENTRIES: [(&str, &str); 2] = [
    (
        "secret OTHER",
        "/github/repositories/molecule-ai~1molecule-monorepo/secrets/OTHER/value",
    ),
    ("secrets of molecule-cp", "/fly/apps/molecule-cp/secrets"),
];

/// What others own from the beginning, as the sandbox is told.
pub(crate) fn seeds() -> Value {
    escrow::with_theirs(serde_json::json!({
        // Checks say at once whether a machine is well; without them it is watched for seconds.
        "fly": { "apps": { APP: { "machines": [{ "state": "started", "checks": true }, { "state": "started", "checks": true }] } }, "tokens": [{ "app": "molecule-cp", "name": "ci" }, { "app": "molecule-cp", "name": LOOKALIKE }] },
        "neon": { "api_keys": [{ "name": "ci" }, { "name": LOOKALIKE }] },
        "resend": { "api_keys": [{ "name": "ci" }, { "name": LOOKALIKE }] },
        "github": { "repositories": { "molecule-ai/molecule-monorepo": { "secrets": { "OTHER": "theirs" } } } },
        "aws": { "parameters": { "/other": "theirs" } },
    }))
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
