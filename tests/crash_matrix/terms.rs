//! What a secret waits for, and what makes it hurry, as a user writes it: a guard, a window, an incident, an adoption.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::sandbox::Sandbox;
use crate::story::{Act, NAME, Setting, Shape, Source, as_fly, deploys};
use crate::world::{HANDED_OVER, PARAMETER};

/// What a rotation breaks.
const CONSEQUENCE: &str = "everything is down";

/// When the window is open, as an offset of the clock.
pub(crate) const OPEN: &str = "72h";
/// When the rotation is due, and waits.
pub(crate) const CLOSED: &str = "48h";
/// Later than the overlap of what was rotated when it opened.
pub(crate) const STILL_OPEN: &str = "74h";

/// What a secret holds that nobody issues, before it is managed. No words: eight characters of them might stand in a message.
const BY_HAND: &str = "q7Zx2LmYp3Ds8vB4wKx9cW4vBn6T1rJ5hG0sNe2u";

impl Act {
    /// Whether an incident asks for it.
    pub(crate) fn is_incident(self) -> bool {
        matches!(
            self,
            Self::IncidentChecked | Self::IncidentDelivered | Self::IncidentNow
        )
    }

    /// Whether it begins with what somebody made by hand.
    pub(crate) fn adopts(self) -> bool {
        matches!(self, Self::Adopt | Self::TakenOver)
    }

    /// Whether it is about one of these at all.
    pub(crate) fn has_terms(self) -> bool {
        self.is_incident() || self.adopts() || matches!(self, Self::Guarded | Self::Window)
    }

    /// Sources with which it makes sense. The value of a guarded secret can be had again.
    pub(crate) fn makes_sense(self, source: Source, shape: Shape) -> bool {
        let readable = shape == Shape::Readable;
        match self {
            Self::Guarded => {
                shape != Shape::Blind && matches!(source, Source::FlyToken | Source::NeonTwoRoles | Source::Random)
            }
            Self::Adopt | Self::TakenOver => source == Source::FlyToken || (source == Source::Random && readable),
            _ => source.is_labelled(),
        }
    }

    /// The block of the provider.
    pub(crate) fn of_the_provider(self, setting: Setting) -> String {
        let revoke = match self {
            _ if !setting.incident => return String::new(),
            Self::IncidentDelivered => "delivered",
            Self::IncidentNow => "now",
            _ => "checked",
        };
        format!(
            "  incident {{\n    id     = \"INC-1\"\n    reason = \"a laptop was stolen\"\n    all    = true\n    revoke = {revoke:?}\n  }}\n"
        )
    }

    /// The blocks of the resource. `id` is that of the credential that is handed over.
    pub(crate) fn of_the_resource(self, setting: Setting, id: Option<&str>) -> String {
        match self {
            Self::Guarded => {
                let confirm = match setting.confirmed {
                    0 => String::new(),
                    generation => format!("    confirm     = \"{generation}: {CONSEQUENCE}\"\n"),
                };
                format!("  guard {{\n    consequence = {CONSEQUENCE:?}\n{confirm}  }}\n")
            }
            Self::Window => {
                let opens = Timestamp::now() + SignedDuration::from_hours(72);
                let days = [opens, opens + SignedDuration::from_hours(24)];
                let [one, other] =
                    days.map(|day| day.to_zoned(TimeZone::UTC).strftime("%a").to_string().to_lowercase());
                format!(
                    "  rotation {{\n    every = \"1d\"\n    window {{\n      days = [{one:?}, {other:?}]\n      from = \"00:00\"\n      to   = \
                     \"24:00\"\n    }}\n  }}\n"
                )
            }
            Self::Adopt | Self::TakenOver => {
                let id = id.map_or_else(String::new, |id| format!("    credential_id = {id:?}\n"));
                format!("  adopt {{\n{id}  }}\n")
            }
            _ => String::new(),
        }
    }
}

/// The generation that an output asks a person to confirm; terraform breaks its lines.
pub(crate) fn to_confirm(output: &str) -> Option<u32> {
    let words: Vec<&str> = output.split_whitespace().collect();
    let words = words.join(" ");
    let (_, line) = words.split_once("confirm = \"")?;
    let (generation, _) = line.split_once(&format!(": {CONSEQUENCE}\""))?;
    generation.parse().ok()
}

/// Somebody makes a credential by hand, and puts it everywhere.
pub(crate) fn make_by_hand(sandbox: &Sandbox, source: Source) {
    if source == Source::FlyToken {
        sandbox.seed(json!({ "fly": { "tokens": [{ "app": "molecule-cp", "name": HANDED_OVER }] } }));
    }
    let value = handed_over(sandbox).map_or_else(|| json!(BY_HAND), |token| token["value"].clone());
    let answer = as_fly(sandbox, &format!("secrets/{NAME}"), &json!({ "value": value }));
    deploys(sandbox, Some(&answer["version"]));
    sandbox.seed(json!({
        "github": { "repositories": { "molecule-ai/molecule-monorepo": { "secrets": { NAME: value } } } },
        "aws": { "parameters": { PARAMETER: value } },
    }));
}

/// The credential that somebody made by hand, where somebody issued it.
pub(crate) fn handed_over(sandbox: &Sandbox) -> Option<Value> {
    let truth = sandbox.state();
    let tokens = truth["fly"]["tokens"].as_array().cloned().unwrap_or_default();
    tokens.into_iter().find(|token| token["name"] == HANDED_OVER)
}
