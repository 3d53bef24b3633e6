//! The stories: what is applied before, what is applied when something goes wrong, and what must be true in the end.

use std::fmt;

use serde_json::{Value, json};

use crate::world::Place;

/// The secret's name, and that of its entries.
pub(crate) const NAME: &str = "API_TOKEN";

/// Where values come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Source {
    FlyToken,
    NeonApiKey,
    /// One role, whose password has a gap when it is reset.
    NeonOneRole,
    /// Two roles in turn.
    NeonTwoRoles,
    Random,
    Provided,
}

impl Source {
    pub(crate) const ALL: [Self; 6] = [
        Self::FlyToken,
        Self::NeonApiKey,
        Self::NeonTwoRoles,
        Self::NeonOneRole,
        Self::Random,
        Self::Provided,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::FlyToken => "fly_token",
            Self::NeonApiKey => "neon_api_key",
            Self::NeonOneRole => "neon_one_role",
            Self::NeonTwoRoles => "neon_two_roles",
            Self::Random => "random",
            Self::Provided => "provided",
        }
    }

    /// The roles whose passwords are ours to change.
    pub(crate) fn roles(self) -> &'static [&'static str] {
        match self {
            Self::NeonOneRole => &["app"],
            Self::NeonTwoRoles => &["app", "app_b"],
            _ => &[],
        }
    }

    /// Whether somebody issues the values and knows whether they work.
    pub(crate) fn is_issued(self) -> bool {
        !matches!(self, Self::Random | Self::Provided)
    }

    /// Whether the issuer's credentials carry our mark, so that none may be left over.
    pub(crate) fn is_labelled(self) -> bool {
        matches!(self, Self::FlyToken | Self::NeonApiKey)
    }

    /// Whether two credentials may work at the same time.
    pub(crate) fn overlaps(self) -> bool {
        self.is_labelled() || self == Self::NeonTwoRoles
    }

    fn text(self, generation: u32) -> String {
        const PLACE: &str = r#"project_id = "quiet-river-12345678", branch_id = "br-main-123456", role = "app""#;
        match self {
            Self::FlyToken => r#"fly_token = { app = "molecule-cp", expires_in = "2400h" }"#.to_owned(),
            Self::NeonApiKey => "neon_api_key = {}".to_owned(),
            Self::NeonOneRole => format!("neon_role_password = {{ {PLACE} }}"),
            Self::NeonTwoRoles => format!("neon_role_password = {{ {PLACE}, alternate_role = \"app_b\" }}"),
            Self::Random => r#"random = { length = 40, charset = "alphanumeric" }"#.to_owned(),
            Self::Provided => {
                let value = supplied(generation);
                format!("provided = {{ value_wo = {value:?}, value_wo_version = {generation} }}")
            }
        }
    }
}

/// What a person supplies for a generation.
pub(crate) fn supplied(generation: u32) -> String {
    format!("sk_live_supplied_by_a_person_{generation}")
}

/// What is done with the secret when something goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Act {
    Create,
    /// The old credential ends with the rotation.
    Rotate,
    /// The old credential works for an hour more; then it is revoked.
    Overlap,
    /// The revocation at the end of an overlap.
    Revoke,
    /// Somebody overwrote an entry.
    Heal,
    Add,
    Remove,
    Destroy,
}

impl Act {
    pub(crate) const ALL: [Self; 8] = [
        Self::Create,
        Self::Rotate,
        Self::Overlap,
        Self::Revoke,
        Self::Heal,
        Self::Add,
        Self::Remove,
        Self::Destroy,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Rotate => "rotate",
            Self::Overlap => "overlap",
            Self::Revoke => "revoke",
            Self::Heal => "heal",
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Destroy => "destroy",
        }
    }

    /// Whether the secret is renewed in it, so that one more credential is made.
    pub(crate) fn renews(self) -> bool {
        matches!(self, Self::Create | Self::Rotate | Self::Overlap)
    }
}

/// A story with its source and its targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Story {
    pub(crate) act: Act,
    pub(crate) source: Source,
    /// No target of the first wave can be read.
    pub(crate) blind: bool,
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blind = if self.blind { "-blind" } else { "" };
        write!(f, "{}/{}{blind}", self.act.name(), self.source.name())
    }
}

/// One configuration and the clock it is applied at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Setting {
    generation: u32,
    docs: bool,
    pub(crate) destroys: bool,
    pub(crate) clock: &'static str,
    /// What a user adds where the error names it as the way out.
    pub(crate) replaces_existing: bool,
}

const NOW: &str = "0s";
/// Later than any overlap of these stories.
const LATER: &str = "2h";

impl Story {
    /// Every story that makes sense.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for source in Source::ALL {
            for blind in [false, true] {
                for act in Act::ALL {
                    // Where nothing is revoked, there is no overlap to end.
                    if source.overlaps() || !matches!(act, Act::Overlap | Act::Revoke) {
                        all.push(Self { act, source, blind });
                    }
                }
            }
        }
        all
    }

    /// Whether a credential in use stays alive beside a new one. A create takes roles over, whatever password they had, and
    /// nothing shows that a create which was killed gave them theirs.
    pub(crate) fn overlaps(self) -> bool {
        self.source.overlaps() && (self.source.is_labelled() || self.act != Act::Create)
    }

    fn setting(self, generation: u32) -> Setting {
        Setting {
            generation,
            docs: false,
            destroys: false,
            clock: NOW,
            replaces_existing: false,
        }
    }

    /// What is applied before, cleanly, in this order.
    pub(crate) fn prelude(self) -> Vec<Setting> {
        let first = self.setting(1);
        match self.act {
            Act::Create => Vec::new(),
            Act::Remove => vec![Setting { docs: true, ..first }],
            Act::Revoke => vec![first, self.setting(2)],
            _ => vec![first],
        }
    }

    /// What somebody does behind Terraform's back before the apply that goes wrong.
    pub(crate) fn mischief(self) -> Option<Value> {
        // No words: eight characters of them might stand in a message.
        let entry = json!({ NAME: "9cW4-vBn6_LmYp3Ds8" });
        (self.act == Act::Heal)
            .then(|| json!({ "github": { "repositories": { "molecule-ai/molecule-monorepo": { "secrets": entry } } } }))
    }

    /// What is applied when something goes wrong, and again until it has converged.
    pub(crate) fn climax(self) -> Setting {
        let first = self.setting(1);
        match self.act {
            Act::Create | Act::Heal | Act::Remove => first,
            Act::Rotate | Act::Overlap => self.setting(2),
            Act::Revoke => Setting {
                clock: LATER,
                ..self.setting(2)
            },
            Act::Add => Setting { docs: true, ..first },
            Act::Destroy => Setting {
                destroys: true,
                ..first
            },
        }
    }

    /// What is applied after it has converged, if the story goes on.
    pub(crate) fn epilogue(self, climax: Setting) -> Option<Setting> {
        (self.act == Act::Overlap).then_some(Setting { clock: LATER, ..climax })
    }

    /// The targets of a setting with their waves.
    pub(crate) fn targets(self, setting: Setting) -> Vec<(Place, u32)> {
        let (parameter, app, repository) = if self.blind { (2, 1, 1) } else { (1, 2, 2) };
        let mut targets = vec![
            (Place::Parameter, parameter),
            (Place::App, app),
            (Place::Repository, repository),
        ];
        if setting.docs {
            targets.push((Place::Docs, 2));
        }
        targets
    }

    /// The configuration as a user writes it; `origin` is the address of the platform that is checked.
    pub(crate) fn configuration(self, setting: Setting, origin: &str) -> String {
        let targets: String = self
            .targets(setting)
            .into_iter()
            .map(|(place, wave)| {
                let kind = match place {
                    Place::Parameter => format!("ssm_parameter = {{ name = {:?} }}", crate::world::PARAMETER),
                    Place::App => format!("fly_secret = {{ app = {:?} }}", crate::world::APP),
                    Place::Repository => r#"github_actions_secret = { repository = "molecule-monorepo" }"#.to_owned(),
                    Place::Docs => r#"github_actions_secret = { repository = "molecule-docs" }"#.to_owned(),
                };
                let key = format!("{place:?}").to_lowercase();
                format!("    {key} = {{ wave = {wave}, {kind} }}\n")
            })
            .collect();
        let source = self.source.text(setting.generation);
        let overlap = match self.act {
            Act::Overlap | Act::Revoke => "1h",
            _ => "0s",
        };
        // The new token is presented as well, after another wave, so that the order of the calls stays the same.
        let accepted = if self.source == Source::FlyToken {
            format!(
                "    accepted = {{ wave = 1, retry_for = \"1s\", http = {{ url = \"{origin}/v1/apps/molecule-cp/secrets\", \
                 headers = {{ Authorization = \"Bearer {{{{ value }}}}\" }} }} }}\n"
            )
        } else {
            String::new()
        };
        let mut more = String::new();
        if setting.generation > 1 && self.source != Source::Provided {
            more += "  rotate_now = \"once\"\n";
        }
        if setting.replaces_existing {
            more += "  on_existing = \"replace\"\n";
        }
        format!(
            "terraform {{\n  required_providers {{\n    rotation = {{\n      source = \"secret-rotation/rotation\"\n    }}\n  }}\n}}\n\
             provider \"rotation\" {{\n  namespace = \"production\"\n}}\n\
             resource \"rotation_secret\" \"it\" {{\n  name = {NAME:?}\n  source = {{ {source} }}\n  targets = {{\n{targets}  }}\n\
             \x20 checks = {{\n    up = {{ http = {{ url = \"{origin}/health\" }} }}\n{accepted}  }}\n  overlap = {overlap:?}\n{more}}}\n"
        )
    }
}
