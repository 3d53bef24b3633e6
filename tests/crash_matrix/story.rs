//! The stories: what is applied before, what is applied when something goes wrong, and what must be true in the end.

use std::fmt;

use serde_json::{Value, json};

use crate::consumers;
use crate::crowd;
use crate::escrow;
use crate::sandbox::Sandbox;
use crate::service;
use crate::terms;
use crate::world::{APP, PARAMETER, Place, World};

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
    /// Keys of an HTTP service that are described in the configuration.
    Http,
}

impl Source {
    pub(crate) const ALL: [Self; 7] = [
        Self::FlyToken,
        Self::NeonApiKey,
        Self::NeonTwoRoles,
        Self::NeonOneRole,
        Self::Random,
        Self::Provided,
        Self::Http,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::FlyToken => "fly_token",
            Self::NeonApiKey => "neon_api_key",
            Self::NeonOneRole => "neon_one_role",
            Self::NeonTwoRoles => "neon_two_roles",
            Self::Random => "random",
            Self::Provided => "provided",
            Self::Http => "http",
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

    /// The part that targets get, where the credential has several.
    pub(crate) fn part(self) -> Option<&'static str> {
        (!self.roles().is_empty()).then_some("password")
    }

    /// Whether somebody issues the values and knows whether they work.
    pub(crate) fn is_issued(self) -> bool {
        !matches!(self, Self::Random | Self::Provided)
    }

    /// Whether the issuer's credentials carry our mark, so that none may be left over.
    pub(crate) fn is_labelled(self) -> bool {
        matches!(self, Self::FlyToken | Self::NeonApiKey | Self::Http)
    }

    /// Whether two credentials may work at the same time.
    pub(crate) fn overlaps(self) -> bool {
        self.is_labelled() || self == Self::NeonTwoRoles
    }

    /// The argument `source`, and what stands beside it.
    fn text(self, generation: u32) -> String {
        const PLACE: &str = r#"project_id = "quiet-river-12345678", branch_id = "br-main-123456", role = "app""#;
        match self {
            Self::FlyToken => r#"{ fly_token = { app = "molecule-cp", expires_in = "2400h" } }"#.to_owned(),
            Self::NeonApiKey => "{ neon_api_key = {} }".to_owned(),
            Self::NeonOneRole => format!("{{ neon_role_password = {{ {PLACE} }} }}"),
            Self::NeonTwoRoles => format!("{{ neon_role_password = {{ {PLACE}, alternate_role = \"app_b\" }} }}"),
            Self::Random => r#"{ random = { length = 40, charset = "alphanumeric" } }"#.to_owned(),
            Self::Provided => {
                let value = supplied(generation);
                format!("{{ provided = {{}} }}\n  value_wo = {value:?}\n  value_wo_version = {generation}")
            }
            Self::Http => service::SOURCE.to_owned(),
        }
    }
}

/// What a person supplies for a generation. No words: eight characters of them might stand in a message.
pub(crate) fn supplied(generation: u32) -> String {
    format!("rk_7Qz9-wKx2_LmYp3Ds8vB4_{generation}")
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
    /// The end of an overlap, within which somebody deleted the entry of a target.
    Deleted,
    /// The end of an overlap, within which somebody put the old credential back into the app.
    PutBack,
    /// The end of an overlap, within which somebody deployed the app, whose machines run the old credential since.
    Deployed,
    /// The end of an overlap, within which somebody deleted the readable target.
    Unreadable,
    /// Two secrets of one app are rotated at once.
    Two,
    Six,
    Forty,
    /// A person confirms the rotation of a guarded secret.
    Guarded,
    /// A rotation that was due waited for its window, which is open now.
    Window,
    /// An incident: what is exposed ends after the checks, within its overlap.
    IncidentChecked,
    /// It ends before the checks.
    IncidentDelivered,
    /// It ends before any target has another.
    IncidentNow,
    /// What exists is taken over, and nothing is written.
    Adopt,
    /// The first rotation of what was taken over.
    TakenOver,
    /// A rotation whose consumers load the new value when an activation of their wave has succeeded.
    Activated,
    /// Within its overlap, the generation before is delivered again; then the newer one is revoked.
    Restore,
}

impl Act {
    pub(crate) const ALL: [Self; 24] = [
        Self::Create,
        Self::Rotate,
        Self::Overlap,
        Self::Revoke,
        Self::Heal,
        Self::Add,
        Self::Remove,
        Self::Destroy,
        Self::Deleted,
        Self::PutBack,
        Self::Deployed,
        Self::Unreadable,
        Self::Two,
        Self::Six,
        Self::Forty,
        Self::Guarded,
        Self::Window,
        Self::IncidentChecked,
        Self::IncidentDelivered,
        Self::IncidentNow,
        Self::Adopt,
        Self::TakenOver,
        Self::Activated,
        Self::Restore,
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
            Self::Deleted => "deleted",
            Self::PutBack => "put_back",
            Self::Deployed => "deployed",
            Self::Unreadable => "unreadable",
            Self::Two => "two",
            Self::Six => "six",
            Self::Forty => "forty",
            Self::Guarded => "guarded",
            Self::Window => "window",
            Self::IncidentChecked => "incident_checked",
            Self::IncidentDelivered => "incident_delivered",
            Self::IncidentNow => "incident_now",
            Self::Adopt => "adopt",
            Self::TakenOver => "taken_over",
            Self::Activated => "activated",
            Self::Restore => "restore",
        }
    }

    /// How many secrets are managed.
    fn secrets(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Six => 6,
            Self::Forty => 40,
            _ => 1,
        }
    }

    /// Whether a target is lost while the old credential still works.
    fn loses_a_target(self) -> bool {
        matches!(self, Self::Deleted | Self::PutBack | Self::Deployed | Self::Unreadable)
    }

    /// Whether it is about a credential that works beside its successor for some time.
    fn has_an_overlap(self) -> bool {
        matches!(self, Self::Overlap | Self::Revoke | Self::Window | Self::Restore)
            || self.is_incident()
            || self.loses_a_target()
    }
}

/// Where an interrupted run finds the value that it made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Shape {
    /// In a target of the first wave.
    Readable,
    /// No target of the first wave can be read.
    Blind,
    /// Nor then, but values are parked.
    Parked,
}

impl Shape {
    pub(crate) const ALL: [Self; 3] = [Self::Readable, Self::Blind, Self::Parked];
}

/// A story with its source and its targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Story {
    pub(crate) act: Act,
    pub(crate) source: Source,
    pub(crate) shape: Shape,
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape = match self.shape {
            Shape::Readable => "",
            Shape::Blind => "-blind",
            Shape::Parked => "-parked",
        };
        write!(f, "{}/{}{shape}", self.act.name(), self.source.name())
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
    /// A user asks for another value, because the error says that the one that is being rotated to is lost.
    pub(crate) asks_again: bool,
    /// A person revoked what was supplied before, and says so.
    confirms: bool,
    /// The generation of a guarded secret that a person has confirmed; none is 0.
    pub(crate) confirmed: u32,
    /// An incident is declared.
    pub(crate) incident: bool,
    /// Somebody wants the first generation back.
    restores: bool,
}

const NOW: &str = "0s";
/// Later than any overlap of these stories.
const LATER: &str = "2h";
/// Later than an overlap that begins then.
const STILL_LATER: &str = "4h";

impl Story {
    /// Every story that makes sense.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for source in Source::ALL {
            for shape in Shape::ALL {
                for act in Act::ALL {
                    let story = Self { act, source, shape };
                    if story.makes_sense() {
                        all.push(story);
                    }
                }
            }
        }
        all
    }

    fn makes_sense(self) -> bool {
        let Self { act, source, shape } = self;
        // Where nothing is revoked, there is no overlap to end; what is parked can be restored until then.
        let overlaps = source.overlaps()
            || self.parks() && source == Source::Random && matches!(act, Act::Overlap | Act::Revoke | Act::Restore);
        match self.secrets() {
            1 if act == Act::Restore => self.parks() && overlaps,
            1 if act.has_terms() => act.makes_sense(source, shape),
            1 if act == Act::Activated => match source {
                Source::FlyToken => true,
                Source::NeonOneRole | Source::Random => shape == Shape::Readable,
                _ => false,
            },
            1 => overlaps || !act.has_an_overlap(),
            _ => source == Source::FlyToken && shape == Shape::Readable,
        }
    }

    /// Whether no target of the first wave can be read.
    pub(crate) fn is_blind(self) -> bool {
        self.shape != Shape::Readable
    }

    /// Whether values are parked.
    pub(crate) fn parks(self) -> bool {
        self.shape == Shape::Parked
    }

    /// Whether a credential in use stays alive beside a new one. A create takes roles over, whatever password they had, and
    /// nothing shows that a create which was killed gave them theirs.
    pub(crate) fn overlaps(self) -> bool {
        self.source.overlaps() && (self.source.is_labelled() || self.act != Act::Create)
    }

    /// How many secrets are managed.
    pub(crate) fn secrets(self) -> usize {
        self.act.secrets()
    }

    /// At how many calls each kind of fault strikes; cases of many secrets take long.
    pub(crate) fn faults_of_a_kind(self, column: usize) -> usize {
        match self.act {
            Act::Six => 8,
            // Twenty in all.
            Act::Forty => 1 + usize::from(column.is_multiple_of(3)),
            _ => usize::MAX,
        }
    }

    /// Of how many kinds of faults the sample plays one.
    pub(crate) fn every(self) -> usize {
        if self.act.has_terms() || self.parks() { 7 } else { 5 }
    }

    /// Whether each secret is renewed in it, so that one more credential is made. Nobody but an issuer that tells passwords has the
    /// value that the readable target held.
    pub(crate) fn renews(self) -> bool {
        match self.act {
            Act::Unreadable => self.source.is_labelled() && !self.parks(),
            Act::Adopt | Act::Restore => false,
            act => {
                let rotates = matches!(act, Act::Create | Act::Rotate | Act::Overlap | Act::Activated);
                rotates || act.has_terms() || act.secrets() > 1
            }
        }
    }

    /// A place whose entry nobody takes away or overwrites.
    pub(crate) fn witness(self) -> Place {
        if self.act == Act::Unreadable {
            Place::App
        } else {
            Place::Parameter
        }
    }

    fn setting(self, generation: u32) -> Setting {
        Setting {
            generation,
            docs: false,
            destroys: false,
            clock: NOW,
            replaces_existing: false,
            asks_again: false,
            confirms: false,
            confirmed: 0,
            incident: false,
            restores: false,
        }
    }

    /// What is applied before, cleanly, in this order.
    pub(crate) fn prelude(self) -> Vec<Setting> {
        let first = self.setting(1);
        match self.act {
            Act::Create | Act::Adopt => Vec::new(),
            Act::Window => vec![
                first,
                Setting {
                    clock: terms::CLOSED,
                    ..first
                },
            ],
            Act::Remove => vec![Setting { docs: true, ..first }],
            Act::Revoke | Act::Restore => vec![first, self.setting(2)],
            act if act.loses_a_target() => vec![first, self.setting(2)],
            _ => vec![first],
        }
    }

    /// What exists before Terraform begins.
    pub(crate) fn exists(self, sandbox: &Sandbox) {
        if self.act.adopts() {
            terms::make_by_hand(sandbox, self.source);
        }
    }

    /// What somebody does behind Terraform's back before the apply that goes wrong.
    pub(crate) fn mischief(self, sandbox: &Sandbox) {
        match self.act {
            // No words: eight characters of them might stand in a message.
            Act::Heal => sandbox.seed(json!({ "github": { "repositories": {
                "molecule-ai/molecule-monorepo": { "secrets": { NAME: "9cW4-vBn6_LmYp3Ds8" } }
            } } })),
            Act::Deleted => {
                let path = format!("/repos/molecule-ai/molecule-monorepo/actions/secrets/{NAME}");
                let token = format!("Bearer {}", sandbox.export("GITHUB_TOKEN"));
                outsider(sandbox, "DELETE", &path, &token, &Value::Null);
            }
            Act::PutBack => {
                let world = World::read(&sandbox.state(), self.source);
                let current = world.entries.get(&Place::Parameter);
                let old = world.live.iter().find(|value| Some(*value) != current).unwrap();
                let answer = as_fly(sandbox, &format!("secrets/{NAME}"), &json!({ "value": old }));
                deploys(sandbox, Some(&answer["version"]));
            }
            // Not every tool asks for the newest secrets, and Fly replicates them late.
            Act::Deployed => deploys(sandbox, None),
            Act::Unreadable => {
                sandbox.seed(json!({ "aws": { "parameters": { PARAMETER: null } } }));
            }
            _ => {}
        }
    }

    /// What is applied when something goes wrong, and again until it has converged.
    pub(crate) fn climax(self) -> Setting {
        let first = self.setting(1);
        match self.act {
            Act::Create | Act::Heal | Act::Remove | Act::Adopt => first,
            Act::Guarded => Setting {
                confirmed: 2,
                ..self.setting(2)
            },
            Act::Window => Setting {
                clock: terms::OPEN,
                ..first
            },
            Act::IncidentChecked | Act::IncidentDelivered | Act::IncidentNow => Setting {
                incident: true,
                ..first
            },
            Act::TakenOver | Act::Rotate | Act::Overlap | Act::Two | Act::Six | Act::Forty | Act::Activated => {
                self.setting(2)
            }
            Act::Revoke | Act::Deleted | Act::PutBack | Act::Deployed | Act::Unreadable => Setting {
                clock: LATER,
                ..self.setting(2)
            },
            Act::Restore => Setting {
                restores: true,
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
        if self.source == Source::Provided && self.act == Act::Rotate {
            return Some(Setting {
                confirms: true,
                ..climax
            });
        }
        let clock = match self.act {
            Act::Overlap | Act::Restore => LATER,
            Act::Window => terms::STILL_OPEN,
            Act::Unreadable if self.renews() => STILL_LATER,
            _ => return None,
        };
        Some(Setting { clock, ..climax })
    }

    /// The targets of a setting with their waves.
    pub(crate) fn targets(self, setting: Setting) -> Vec<(Place, u32)> {
        let (parameter, app, repository) = if self.is_blind() { (2, 1, 1) } else { (1, 2, 2) };
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
    pub(crate) fn configuration(self, setting: Setting, origin: &str, handed_over: Option<&str>) -> String {
        let targets: String = self
            .targets(setting)
            .into_iter()
            .map(|(place, wave)| {
                let kind = match place {
                    Place::Parameter => format!("ssm_parameter = {{ name = {PARAMETER:?} }}"),
                    Place::App => format!("fly_secret = {{ app = {APP:?} }}"),
                    Place::Repository => r#"github_actions_secret = { repository = "molecule-monorepo" }"#.to_owned(),
                    Place::Docs => r#"github_actions_secret = { repository = "molecule-docs" }"#.to_owned(),
                };
                let key = format!("{place:?}").to_lowercase();
                let part = self.source.part();
                let part = part.map_or_else(String::new, |part| format!("part = {part:?}, "));
                format!("    {key} = {{ wave = {wave}, {part}{kind} }}\n")
            })
            .collect();
        let source = self.source.text(setting.generation);
        let overlap = if self.act.has_an_overlap() { "1h" } else { "0s" };
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
        if (setting.generation > 1 || setting.asks_again) && self.source != Source::Provided {
            let reason = if setting.asks_again {
                "the value was lost"
            } else {
                "once"
            };
            more += &format!("  rotation_reason = {reason:?}\n");
        }
        if setting.confirms {
            let before = setting.generation - 1;
            more += &format!("  revoke {{\n    confirmed = {before}\n  }}\n");
        }
        if setting.replaces_existing {
            more += "  on_existing = \"replace\"\n";
        }
        if setting.restores {
            more += "  restore = 1\n";
        }
        more += &self.act.of_the_resource(setting, handed_over);
        let mut of_the_provider = self.act.of_the_provider(setting);
        if self.act == Act::Activated {
            more += consumers::ACTIVATIONS;
            of_the_provider += &consumers::connection(origin);
        }
        if self.source == Source::Http {
            of_the_provider += &service::connection(origin);
        }
        if self.parks() {
            of_the_provider += escrow::BLOCK;
        }
        let begin = "terraform {\n  required_providers {\n    rotation = {\n      source = \"secret-rotation/rotation\"\n    }\n  }\n}\n\
                     provider \"rotation\" {\n  namespace = \"production\"\n";
        let begin = format!("{begin}{of_the_provider}}}\n");
        if self.secrets() > 1 {
            return format!("{begin}{}", crowd::resources(self.secrets(), &more));
        }
        format!(
            "{begin}\
             resource \"rotation_secret\" \"it\" {{\n  name = {NAME:?}\n  source = {source}\n  targets = {{\n{targets}  }}\n\
             \x20 checks = {{\n    up = {{ http = {{ url = \"{origin}/health\" }} }}\n{accepted}  }}\n  overlap = {overlap:?}\n{more}}}\n"
        )
    }
}

fn outsider(sandbox: &Sandbox, method: &str, path: &str, token: &str, body: &Value) -> Value {
    let (status, answer) = sandbox.call(method, path, &[("authorization", token)], body);
    assert!(status < 300, "{method} {path}: {status} {answer}");
    answer
}

pub(crate) fn as_fly(sandbox: &Sandbox, path: &str, body: &Value) -> Value {
    let token = sandbox.export("FLY_API_TOKEN").to_owned();
    outsider(sandbox, "POST", &format!("/v1/apps/{APP}/{path}"), &token, body)
}

/// Updates every machine of the app as it is configured.
pub(crate) fn deploys(sandbox: &Sandbox, version: Option<&Value>) {
    let machines = sandbox.state()["fly"]["apps"][APP]["machines"].clone();
    for (id, machine) in machines.as_object().unwrap() {
        let body = json!({ "config": machine["config"], "min_secrets_version": version });
        as_fly(sandbox, &format!("machines/{id}"), &body);
    }
}
