//! One secret's circumstances, and what its user asks for, as the arguments that Terraform would send.

use rotation_provider::spec::IncidentRevoke;
use rotation_provider::terraform::Value;

use super::terms::Terms;

/// The account and region that the runs belong to.
pub const PLACE: &str = "123456789012:eu-west-1";

/// Where credentials come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Listed by label, revocable, any number alive (`fly_token`, and `neon_api_key` alike).
    Listed,
    /// One role's password: minting ends the predecessor at once (`neon_role_password`).
    Replaced,
    /// Two roles in turn: at most two alive (`neon_role_password` with `alternate_role`).
    Alternating,
    /// As `Replaced`, of an issuer whose role tells which generation it holds, and keeps its password to itself (`postgres_password`).
    MarkedRole,
    /// The same of two roles in turn (`postgres_password` with `alternate_role`).
    MarkedRoles,
    /// Nobody lists, nobody revokes (`random`).
    Generated,
    /// A person hands the value to every apply (`provided`).
    Provided,
}

/// What kind of place a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Carries our mark and gives its value back (`ssm_parameter`).
    Readable,
    /// Tells when it was last written, nothing else (`github_actions_secret`).
    Opaque,
    /// Goes live by our own activation (`fly_secret`).
    Rolled,
    /// Goes live when somebody deploys (`fly_secret` with `stage`).
    Staged,
}

/// A target of the catalogue; a wish configures a subset.
#[derive(Clone, Copy, Debug)]
pub struct TargetSpec {
    pub key: &'static str,
    pub place: Place,
    pub wave: u64,
    /// `on_remove = "keep"`.
    pub keep: bool,
}

impl TargetSpec {
    pub const fn new(key: &'static str, place: Place, wave: u64) -> Self {
        Self {
            key,
            place,
            wave,
            keep: false,
        }
    }

    pub const fn kept(self) -> Self {
        Self { keep: true, ..self }
    }

    /// The address under which state remembers it.
    pub fn slot(&self) -> String {
        match self.place {
            Place::Readable => format!("ssm_parameter:default://{PLACE}//app/{}", self.key),
            Place::Opaque => format!("github_actions_secret:default:acme/app/{}", self.key.to_uppercase()),
            Place::Rolled | Place::Staged => format!("fly_secret:default:{}/TOKEN", self.key),
        }
    }
}

/// When a check runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Preflight,
    Wave(u64),
    Revoked,
}

/// How much of what may happen on one path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Calls that fail, kills and interrupts.
    pub faults: u8,
    /// Deeds of outsiders.
    pub meddling: u8,
    /// Changed minds of the user.
    pub wishes: u8,
    /// Steps of the clock, one hour each.
    pub hours: u8,
}

/// One search.
#[derive(Clone, Debug)]
pub struct Case {
    pub name: &'static str,
    pub origin: Origin,
    pub targets: Vec<TargetSpec>,
    pub checks: Vec<When>,
    /// The waves that have an activation, by which alone their consumers load what is published.
    pub activations: Vec<u64>,
    /// The checks of waves present the credential.
    pub presents: bool,
    /// In hours.
    pub overlap: u8,
    /// Targets are live for an hour before the next wave starts.
    pub leads: bool,
    pub manual: bool,
    pub heal: bool,
    /// How many looks at a list miss a new credential, or show one that has ended.
    pub lag: u8,
    /// The run authenticates with the first credential that this secret makes, until somebody gives it another.
    pub own: bool,
    /// Something stands in the last target's slot before the secret is created.
    pub occupied: bool,
    /// The targets that are configured at first, as bits, where the user adds and removes some; `None`: all, for ever.
    pub start: Option<u8>,
    /// The search begins with a secret that was created without faults, not with nothing.
    pub created: bool,
    /// Values are parked.
    pub parks: bool,
    pub terms: Terms,
    pub budget: Budget,
}

impl Case {
    /// A plain secret with these targets.
    pub fn new(name: &'static str, origin: Origin, targets: &[TargetSpec]) -> Self {
        Self {
            name,
            origin,
            targets: targets.to_vec(),
            checks: Vec::new(),
            activations: Vec::new(),
            presents: false,
            overlap: 0,
            leads: false,
            manual: false,
            heal: true,
            lag: 0,
            own: false,
            occupied: false,
            start: None,
            created: false,
            parks: false,
            terms: Terms::default(),
            budget: Budget {
                faults: 2,
                meddling: 0,
                wishes: 1,
                hours: 0,
            },
        }
    }

    /// Whether consumers may rely on two credentials at once.
    pub fn overlaps(&self) -> bool {
        !matches!(self.origin, Origin::Replaced | Origin::MarkedRole)
    }

    /// Whether an issuer can end a credential.
    pub fn revocable(&self) -> bool {
        !matches!(self.origin, Origin::Generated | Origin::Provided)
    }

    /// The part that targets hold, where there are several.
    pub fn part(&self) -> Option<&'static str> {
        let is_role = matches!(self.origin, Origin::Replaced | Origin::Alternating) || self.is_marked();
        is_role.then_some("password")
    }

    /// How many credentials may be alive at once.
    pub fn limit(&self) -> Option<usize> {
        matches!(self.origin, Origin::Alternating | Origin::MarkedRoles).then_some(2)
    }

    /// Whether a role tells which generation it holds.
    pub fn is_marked(&self) -> bool {
        matches!(self.origin, Origin::MarkedRole | Origin::MarkedRoles)
    }

    /// Whether generations share one role.
    pub fn has_one_role(&self) -> bool {
        matches!(self.origin, Origin::Replaced | Origin::MarkedRole)
    }

    /// Whether consumers of that target load what is published only when an activation says so.
    pub fn is_activated(&self, spec: &TargetSpec) -> bool {
        matches!(spec.place, Place::Readable | Place::Opaque) && self.activations.contains(&spec.wave)
    }

    pub fn spec_at(&self, slot: &str) -> Option<&TargetSpec> {
        self.targets.iter().find(|spec| spec.slot() == slot)
    }
}

/// What the user asks for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wish {
    /// Changes of `rotation_reason`.
    pub rotations: u8,
    /// Which targets of the catalogue are configured, as bits.
    pub targets: u8,
    /// The generation that `guard.confirm` names, or the destroy.
    pub confirm: u8,
    /// Incidents that were declared.
    pub incidents: u8,
    /// The generation in `restore`; none is 0.
    pub restore: u8,
    /// How many rotations had been asked for by then.
    pub restored_at: u8,
}

impl Wish {
    /// What is asked for at first.
    pub fn first(case: &Case) -> Self {
        let all = (1_u8 << case.targets.len()) - 1;
        Self {
            rotations: 0,
            targets: case.start.unwrap_or(all),
            confirm: 0,
            incidents: 0,
            restore: 0,
            restored_at: 0,
        }
    }

    pub fn configured<'c>(&self, case: &'c Case) -> impl Iterator<Item = &'c TargetSpec> {
        let bits = self.targets;
        case.targets
            .iter()
            .enumerate()
            .filter(move |(at, _)| bits & (1 << at) != 0)
            .map(|(_, spec)| spec)
    }
}

fn text(value: &str) -> Value {
    Value::string(value)
}

fn source(case: &Case, wish: &Wish) -> Value {
    let role = |alternate: Value| {
        let arguments = [
            ("project_id", text("project")),
            ("branch_id", text("branch")),
            ("role", text("first")),
            ("alternate_role", alternate),
            ("database", text("app")),
        ];
        Value::object([("neon_role_password", Value::object(arguments))])
    };
    let marked = |alternate: Value| {
        let arguments = [("role", text("first")), ("alternate_role", alternate)];
        Value::object([("postgres_password", Value::object(arguments))])
    };
    match case.origin {
        Origin::MarkedRole => marked(Value::Null),
        Origin::MarkedRoles => marked(text("second")),
        Origin::Listed => Value::object([("fly_token", Value::object([("app", text("app"))]))]),
        Origin::Replaced => role(Value::Null),
        Origin::Alternating => role(text("second")),
        Origin::Generated => {
            let shape = [("bytes", Value::number(32)), ("encoding", text("hex"))];
            Value::object([("random", Value::object(shape))])
        }
        Origin::Provided => {
            let _ = wish;
            Value::object([("provided", Value::object([]))])
        }
    }
}

/// The value that a person supplies as that version.
pub fn supplied(version: u8) -> String {
    format!("provided-by-a-person-{version}")
}

fn target(spec: &TargetSpec, wave: u64, lead: Value, part: Option<&str>) -> (String, Value) {
    let (kind, arguments) = match spec.place {
        Place::Readable => (
            "ssm_parameter",
            Value::object([("name", text(&format!("/app/{}", spec.key)))]),
        ),
        Place::Opaque => {
            let arguments = [
                ("repository", text("acme/app")),
                ("name", text(&spec.key.to_uppercase())),
            ];
            ("github_actions_secret", Value::object(arguments))
        }
        Place::Rolled | Place::Staged => {
            let stage = Value::Bool(spec.place == Place::Staged);
            ("fly_secret", Value::object([("app", text(spec.key)), ("stage", stage)]))
        }
    };
    let remove = text(if spec.keep { "keep" } else { "delete" });
    let object = Value::object([
        ("wave", Value::number(wave)),
        ("lead", lead),
        ("part", part.map_or(Value::Null, text)),
        ("on_remove", remove),
        (kind, arguments),
    ]);
    (spec.key.to_owned(), object)
}

/// What the provider is told of the configuration, where a planted mistake tells it another.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told {
    pub waves_reversed: bool,
    pub no_overlap: bool,
    pub no_lead: bool,
    pub occupied_is_fine: bool,
    pub no_window: bool,
    pub no_incident: bool,
    pub ending: Option<IncidentRevoke>,
    pub adopts_nothing: bool,
    pub adopts_another: bool,
    /// Every activation follows that wave.
    pub activates_after: Option<u64>,
    pub restore_rotates: bool,
}

/// The arguments of the resource.
pub fn arguments(case: &Case, wish: &Wish, told: Told) -> Value {
    let last = case.targets.iter().map(|spec| spec.wave).max().unwrap_or(1);
    let targets = wish.configured(case).map(|spec| {
        let wave = if told.waves_reversed {
            last + 1 - spec.wave
        } else {
            spec.wave
        };
        let leads = case.leads && !told.no_lead && spec.wave < last;
        let lead = if leads { text("1h") } else { Value::Null };
        target(spec, wave, lead, case.part())
    });
    let checks = case.checks.iter().map(|when| {
        let presents = case.presents && matches!(when, When::Wave(_));
        let bearer = Value::Map(
            [(
                "Authorization".to_owned(),
                text(&format!("Bearer {{{{ {} }}}}", case.part().unwrap_or("value"))),
            )]
            .into(),
        );
        let http = Value::object([
            ("url", text("https://app.example/health")),
            ("credential", text(if presents { "new" } else { "none" })),
            ("headers", if presents { bearer } else { Value::Null }),
        ]);
        let (wave, phase) = match when {
            When::Preflight => (Value::Null, "preflight"),
            When::Wave(wave) => (Value::number(*wave), "delivered"),
            When::Revoked => (Value::Null, "revoked"),
        };
        (
            check_key(*when),
            Value::object([("wave", wave), ("phase", text(phase)), ("http", http)]),
        )
    });
    let activations = case.activations.iter().map(|wave| {
        let http = Value::object([("url", text("https://app.example/deploy")), ("method", text("POST"))]);
        let after = Value::number(told.activates_after.unwrap_or(*wave));
        (activation_key(*wave), Value::object([("wave", after), ("http", http)]))
    });
    let overlap = if told.no_overlap { 0 } else { case.overlap };
    let provided = case.origin == Origin::Provided;
    let restores = wish.restore > 0 && !told.restore_rotates;
    let asks = !provided && wish.rotations > 0;
    let reason = match (wish.restore > 0 && told.restore_rotates, asks) {
        (true, _) => text(&format!("instead of restoring {}", wish.restore)),
        (false, true) => text(&format!("wish {}", wish.rotations)),
        (false, false) => Value::Null,
    };
    let only_provided = |value: Value| if provided { value } else { Value::Null };
    let arguments = Value::object([
        ("value_wo", only_provided(text(&supplied(wish.rotations)))),
        ("value_wo_version", only_provided(Value::number(wish.rotations.into()))),
        ("name", text("TOKEN")),
        ("source", source(case, wish)),
        ("targets", Value::Map(targets.collect())),
        ("activations", Value::Map(activations.collect())),
        ("checks", Value::Map(checks.collect())),
        ("overlap", text(&format!("{overlap}h"))),
        (
            "revoke",
            if case.manual {
                Value::object([("mode", text("manual"))])
            } else {
                Value::Null
            },
        ),
        ("on_drift", text(if case.heal { "heal" } else { "report" })),
        (
            "on_existing",
            if told.occupied_is_fine {
                text("replace")
            } else {
                Value::Null
            },
        ),
        (
            "restore",
            if restores {
                Value::number(wish.restore.into())
            } else {
                Value::Null
            },
        ),
        ("rotation_reason", reason),
    ]);
    let terms = case.terms.arguments(wish, told).into_iter();
    terms.fold(arguments, |object, (name, value)| object.with(name, value))
}

/// The key of a check.
pub fn check_key(when: When) -> String {
    match when {
        When::Preflight => "before".to_owned(),
        When::Wave(wave) => format!("wave{wave}"),
        When::Revoked => "after".to_owned(),
    }
}

/// The key of the activation that makes consumers of a wave load what it has published.
pub fn activation_key(wave: u64) -> String {
    format!("deploy{wave}")
}
