//! What a secret waits for, and what makes it hurry: a guard, a schedule with a window, an incident, an adoption.

use std::collections::BTreeSet;
use std::sync::Arc;

use rotation_provider::provider::Setting;
use rotation_provider::spec::{Incident, IncidentRevoke};
use rotation_provider::terraform::Value;

use super::case::{Told, Wish};

/// What a rotation breaks.
pub const CONSEQUENCE: &str = "everything is down";

/// A confirmation that names the destroy, where others name a generation.
pub const DESTROY: u8 = u8::MAX;

/// The credential that is handed over in `adopt`.
pub const HANDED_OVER: &str = "handed-over";

/// A credential that stands beside it, of nobody whom we know.
pub const SOMEBODYS: &str = "somebodys";

/// What is told of a secret that is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adopts {
    /// The id of its credential.
    Named,
    /// Nothing.
    Unnamed,
}

/// The terms of a case.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms {
    pub guard: bool,
    /// `rotation.every`, in hours; none is no schedule.
    pub every: u8,
    /// `rotation.window`: two hours of each day.
    pub window: bool,
    /// When what an incident exposes ends, where one may be declared.
    pub incident: Option<IncidentRevoke>,
    /// It exists before it is managed.
    pub adopts: Option<Adopts>,
}

impl Terms {
    /// Whether there are any: then everything that is made needs somebody who asked for it.
    pub fn bind(&self) -> bool {
        self.guard || self.every > 0 || self.window || self.incident.is_some() || self.adopts.is_some()
    }

    /// Whether the window is open. The clock begins at 18:16 UTC.
    pub fn is_open(&self, hour: u8) -> bool {
        !self.window || matches!(hour % 24, 2 | 3)
    }

    /// The first hour from this one on in which it is open.
    pub fn next_opening(&self, hour: u8) -> u8 {
        (hour..).find(|hour| self.is_open(*hour)).unwrap()
    }

    /// The blocks of the resource.
    pub fn arguments(&self, wish: &Wish, told: Told) -> [(&'static str, Value); 3] {
        let confirm = match wish.confirm {
            0 => Value::Null,
            DESTROY => text(&format!("destroy: {CONSEQUENCE}")),
            generation => text(&format!("{generation}: {CONSEQUENCE}")),
        };
        let guard = Value::object([("consequence", text(CONSEQUENCE)), ("confirm", confirm)]);
        let window = Value::object([("from", text("20:00")), ("to", text("22:00"))]);
        let every = format!("{}h", self.every);
        let rotation = Value::object([
            ("every", some(self.every > 0, text(&every))),
            ("window", some(self.window && !told.no_window, window)),
        ]);
        let id = if told.adopts_another { SOMEBODYS } else { HANDED_OVER };
        let named = self.adopts == Some(Adopts::Named);
        let adopt = Value::object([("credential_id", some(named, text(id)))]);
        [
            ("guard", some(self.guard, guard)),
            ("rotation", some(self.every > 0 || self.window, rotation)),
            ("adopt", some(self.adopts.is_some() && !told.adopts_nothing, adopt)),
        ]
    }

    /// The incident that the provider block names.
    pub fn incident(&self, wish: &Wish, told: Told) -> Setting<Incident> {
        let Some(revoke) = self.incident.filter(|_| wish.incidents > 0) else {
            return Setting::None;
        };
        Setting::Known(Arc::new(Incident {
            id: format!("INC-{}", wish.incidents),
            reason: "a laptop was stolen".to_owned(),
            exposed: BTreeSet::new(),
            systems: Vec::new(),
            all: !told.no_incident,
            revoke: told.ending.unwrap_or(revoke),
        }))
    }
}

fn text(value: &str) -> Value {
    Value::string(value)
}

fn some(there: bool, value: Value) -> Value {
    if there { value } else { Value::Null }
}

/// The generation that a person has to confirm, as the provider says it.
pub fn to_confirm(said: &str) -> Option<u8> {
    let (_, line) = said.split_once("confirm = \"")?;
    let (generation, _) = line.split_once(&format!(": {CONSEQUENCE}\""))?;
    generation.parse().ok()
}
