//! Terraform's part: refresh, plan, apply, and its rules for what a provider answers.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};

use jiff::Timestamp;
use rotation_provider::clock::Clock;
use rotation_provider::environment::Environment;
use rotation_provider::plugin::{ApplyRequest, PlanRequest, ReadRequest};
use rotation_provider::provider::{Configured, Setting, secret};
use rotation_provider::spec::{Incident, IncidentRevoke};
use rotation_provider::terraform::{Diagnostics, Mode, Severity, Type, Value, msgpack};
use rotation_provider::vendors::Vendors;
use serde_json::Value as Json;

use super::escrow;
use super::world::{CONNECTIONS, Stage, World, Write};
use super::written;

/// Between two runs.
#[derive(Clone)]
pub struct Rest {
    pub world: World,
    pub state: Value,
    pub private: Vec<u8>,
    pub config: Json,
}

/// What only the vendors can contradict, and apply does, until the configuration is corrected.
const REFUSALS: [&str; 4] = [
    "Its template contains {{ previous }}. Nothing was changed",
    "Values of this secret would be parked there, but nothing shows that this provider wrote it",
    "revoke.confirmed says that it was revoked",
    "The supplied value is the one that is already in place",
];

/// How a pair ended.
pub enum Verdict {
    /// The plan refused the edit.
    Refused,
    /// The apply refused it, before it wrote anything.
    RefusedByApply,
    /// The plan was empty.
    Idle,
    /// It was applied, and the plan is empty.
    Settled,
}

/// Everything happens at once here: nothing waits.
fn now<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("something waits that nobody will wake"),
    }
}

fn errors(problems: &Diagnostics) -> Result<Vec<String>, String> {
    for problem in problems.iter() {
        if problem.summary.trim().is_empty() || problem.detail.trim().is_empty() {
            return Err(format!("a diagnostic without text: {problem:?}"));
        }
    }
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
    Ok(errors
        .map(|problem| format!("{}: {}", problem.summary, problem.detail))
        .collect())
}

/// Names of the resource's own attributes, and whether Terraform lets the user set them.
fn attributes() -> Vec<(&'static str, Mode)> {
    let block = secret::schema::schema().block;
    let plain = block
        .attributes
        .iter()
        .map(|attribute| (attribute.name, attribute.mode));
    plain
        .chain(block.blocks.iter().map(|nested| (nested.name, Mode::Optional)))
        .collect()
}

/// The configuration as Terraform sends it: with every attribute.
fn whole(json: &Json) -> Value {
    let mut json = json.clone();
    for of_the_provider in ["incident", escrow::BLOCK] {
        json.as_object_mut().unwrap().remove(of_the_provider);
    }
    written::resource(json.to_string().as_bytes(), &secret::schema::schema().block).unwrap()
}

/// The same value after it has travelled between Terraform and the provider.
fn sent(value: &Value) -> Result<Value, String> {
    static OBJECT: LazyLock<Type> = LazyLock::new(|| secret::schema::schema().block.value_type());
    let wire = msgpack::encode(value, &OBJECT).map_err(|error| format!("it cannot be sent: {error}"))?;
    msgpack::decode(&wire, &OBJECT).map_err(|error| format!("it cannot be read: {error}"))
}

/// Write-only values are in no plan and no state.
fn stored(object: Value) -> Value {
    object.with("value_wo", Value::Null).with("parts_wo", Value::Null)
}

/// The incident of the provider block, which the configuration of a secret names here by when its credential ends.
fn incident(json: &Json) -> Setting<Incident> {
    let revoke = match json.as_str() {
        None => return Setting::None,
        Some("now") => IncidentRevoke::Now,
        Some("delivered") => IncidentRevoke::Delivered,
        Some(_) => IncidentRevoke::Checked,
    };
    Setting::Known(Arc::new(Incident {
        id: "INC-1".to_owned(),
        reason: "a laptop was stolen".to_owned(),
        exposed: BTreeSet::new(),
        systems: Vec::new(),
        all: true,
        revoke,
    }))
}

/// One process of the provider.
struct Provider {
    stage: Stage,
    configured: Configured,
}

struct Planned {
    state: Value,
    private: Vec<u8>,
}

impl Provider {
    fn start(world: &World) -> Self {
        let clock = Clock::standing_at(world.instant());
        let connections = Some(Arc::clone(&CONNECTIONS));
        let mut configured = Configured::new(Some("model".to_owned()), connections, clock, &Environment::default());
        let stage = Stage::of(world);
        configured.vendors = Some(Arc::new(stage.clone()) as Arc<dyn Vendors>);
        Self { stage, configured }
    }

    fn refresh(&self, rest: &Rest) -> Result<Value, String> {
        if rest.state.is_null() {
            return Ok(Value::Null);
        }
        let request = ReadRequest {
            state: sent(&rest.state)?,
            private: rest.private.clone(),
        };
        let response = now(secret::read(&self.configured, request));
        match errors(&response.diagnostics)?.as_slice() {
            [] => sent(&response.state),
            errors => Err(format!("a refresh failed: {errors:?}")),
        }
    }

    /// The plan, or the errors that refuse it.
    fn plan(&self, prior: &Value, private: &[u8], config: &Value) -> Result<Result<Planned, Vec<String>>, String> {
        let attributes = attributes();
        let proposed = attributes.iter().fold(config.clone(), |object, (name, mode)| {
            let keeps = *mode == Mode::Computed && !prior.is_null();
            if keeps {
                object.with(name, prior.get(name).clone())
            } else {
                object
            }
        });
        let (sent_prior, sent_proposed, sent_config) = (sent(prior)?, sent(&stored(proposed))?, sent(config)?);
        let request = || PlanRequest {
            prior: sent_prior.clone(),
            proposed: sent_proposed.clone(),
            config: sent_config.clone(),
            private: private.to_vec(),
        };
        let (first, second) = (
            secret::plan(&self.configured, request()),
            secret::plan(&self.configured, request()),
        );
        let refusals = errors(&first.diagnostics)?;
        if !refusals.is_empty() {
            return Ok(Err(refusals));
        }
        if first.planned != second.planned {
            return Err("two plans of the same differ".to_owned());
        }
        let planned = sent(&stored(first.planned))?;
        for (name, mode) in attributes {
            let (written, before, now) = (config.get(name), prior.get(name), planned.get(name));
            if mode != Mode::Computed && !["value_wo", "parts_wo"].contains(&name) && now != written && now != before {
                return Err(format!(
                    "{name} is planned as neither the configuration nor the state has it"
                ));
            }
        }
        Ok(Ok(Planned {
            state: planned,
            private: first.private,
        }))
    }
}

/// Refresh, plan and apply with that configuration.
enum Ran {
    Refused(Vec<String>),
    Idle(Rest),
    Applied { rest: Rest, errors: Vec<String> },
}

/// What stays open in a plan only after these edits: the clock of apply tells whether a rotation is due, an overlap over, or a window
/// open.
fn by_the_clock(edit: &str) -> bool {
    ["every", "early", "overlap", "window"]
        .iter()
        .any(|word| edit.contains(word))
}

fn step(rest: &Rest, json: &Json, edit: &str) -> Result<Ran, String> {
    let config = whole(json);
    let mut world = rest.world.clone();
    world.writes.clear();
    world.hurries = json["incident"] == "now";
    world.parks_under = escrow::parks_under(json);
    let mut provider = Provider::start(&world);
    provider.configured.incident = incident(&json["incident"]);
    provider.configured.escrow = escrow::setting(json);
    let invalid = errors(&secret::validate(&config, None))?;
    if !invalid.is_empty() {
        return Ok(Ran::Refused(invalid));
    }
    let prior = provider.refresh(rest)?;
    let restore = Restore::asked(json, &prior, &world);
    let is_exposed = json["incident"].is_string() && prior.get("incidents").as_list().is_none_or(<[Value]>::is_empty);
    let planned = match provider.plan(&prior, &rest.private, &config)? {
        Err(refusals) => {
            restore.map_or(Ok(()), |restore| restore.may_be_refused(&refusals))?;
            return Ok(Ran::Refused(refusals));
        }
        Ok(planned) => planned,
    };
    match &restore {
        Some(restore) => restore.may_be_planned()?,
        None => restores_unasked(&prior, &planned.state)?,
    }
    if !provider.stage.world().writes.is_empty() {
        return Err(format!("a plan wrote: {:?}", provider.stage.world().writes));
    }
    let settled = |world: World, state: Value, private: Vec<u8>| Rest {
        world,
        state,
        private,
        config: json.clone(),
    };
    if same(&planned.state, &prior) {
        escrow::rests(json, &prior, &world)?;
        return Ok(Ran::Idle(settled(world, prior, rest.private.clone())));
    }
    let steps = planned.state.get("steps");
    if steps.has_unknown() && !by_the_clock(edit) {
        return Err("the plan does not tell its steps".to_owned());
    }
    provider.stage.world().configured = slots(&planned.state);
    provider.stage.world().is_activated_by(activated(json, &planned.state));
    let request = ApplyRequest {
        prior: sent(&prior)?,
        planned: sent(&planned.state)?,
        config: sent(&config)?,
        private: planned.private.clone(),
    };
    let response = now(secret::apply(&provider.configured, request));
    let failures = errors(&response.diagnostics)?;
    let state = sent(&stored(response.state))?;
    let before = world;
    let mut world = provider.stage.world().clone();
    if let Some(broken) = world.broken.first() {
        return Err(broken.clone());
    }
    if failures.is_empty()
        && let Some(at) = differs(&planned.state, &state, "")
    {
        return Err(format!(
            "the result is not what was planned: {at}; steps {}",
            told(steps)
        ));
    }
    if !steps.has_unknown() {
        let lines: Vec<&str> = steps
            .as_list()
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        // What ends waits for its window, where the clock of apply finds that closed.
        let waits_for_window = !json["rotation"]["window"].is_null();
        let promised = lines.iter().filter(|_| failures.is_empty() && !waits_for_window);
        if let Some(line) = promised
            .clone()
            .find(|line| escrow::is_broken_promise(line, &lines, &before, &world))
        {
            return Err(format!("the plan says {line:?}, and the apply did not"));
        }
        let keys = Keys([&prior, &planned.state, &state]);
        let hurried =
            !before.exposed.is_empty() || json["overlap"] != rest.config["overlap"] || json["incident"].is_string();
        for write in &world.writes {
            if !hurried && let Some(id) = revoked_early(write, &prior, before.instant().as_second()) {
                return Err(format!("{id} was revoked within its overlap"));
            }
            // Ending what nobody issued is no step of its own, and goes through the gate, which repeats checks without effects.
            let of_the_gate = matches!(write, Write::Check(_)) && has_ended_unissued(&prior, &state);
            if !of_the_gate && !lines.iter().any(|line| keys.names(line, write)) {
                return Err(format!("{write:?} is in no step of {lines:#?} {:?}", world.writes));
            }
        }
    }
    if is_exposed {
        let known = prior.get("credentials").as_map().into_iter().flatten();
        world
            .exposed
            .extend(known.filter_map(|(generation, _)| generation.parse::<u64>().ok()));
    }
    if failures.is_empty() {
        escrow::agrees(&state, &world)?;
        if let Some(Restore {
            generation,
            value: Some(value),
            ..
        }) = &restore
        {
            escrow::is_restored(&state, &world, *generation, value)?;
        }
    }
    let rest = settled(world, state, response.private);
    Ok(Ran::Applied { rest, errors: failures })
}

/// Whether a generation that nobody issued is on record before, and not after.
fn has_ended_unissued(prior: &Value, state: &Value) -> bool {
    let known = prior.get("credentials").as_map().into_iter().flatten();
    let mut unissued = known.filter(|(_, known)| known.get("credential_id").is_null());
    unissued.any(|(generation, _)| {
        let after = state.get("credentials").get(generation);
        after.is_null() || after.get("status").as_str() == Some("disabled")
    })
}

/// The credential whose overlap was to last.
fn revoked_early<'w>(write: &'w Write, prior: &Value, now: i64) -> Option<&'w String> {
    let Write::Revoke(id) = write else { return None };
    let known = prior.get("credentials").as_map().into_iter().flatten();
    let mut known = known.filter(|(_, known)| known.get("credential_id").as_str() == Some(id));
    let until = known.find_map(|(_, known)| known.get("revoke_after").as_str()?.parse::<Timestamp>().ok());
    until.filter(|until| until.as_second() > now).map(|_| id)
}

/// A generation that an edit wants back.
struct Restore {
    generation: u64,
    /// Whether escrow and the record allow it.
    is_possible: Option<bool>,
    /// As it is parked.
    value: Option<String>,
}

impl Restore {
    fn asked(json: &Json, prior: &Value, world: &World) -> Option<Self> {
        let generation = escrow::asked(json, prior)?;
        let mut parked = world.parked().into_values();
        Some(Self {
            generation,
            is_possible: escrow::is_restorable(json, prior, world, generation),
            value: parked.find_map(|mut parked| parked.remove(&generation)),
        })
    }

    fn may_be_refused(&self, refusals: &[String]) -> Result<(), String> {
        let of_escrow = |refusal: &String| {
            [
                "in place already",
                "It has ended",
                "Its value is not in escrow",
                "An incident exposed",
            ]
            .iter()
            .any(|why| refusal.contains(why))
        };
        match self.is_possible == Some(true) && refusals.iter().any(of_escrow) {
            true => Err(format!("generation {} can be restored: {refusals:?}", self.generation)),
            false => Ok(()),
        }
    }

    fn may_be_planned(&self) -> Result<(), String> {
        match self.is_possible {
            Some(false) => Err(format!(
                "the plan restores generation {}, which cannot be",
                self.generation
            )),
            Some(true) | None => Ok(()),
        }
    }
}

/// A restore that no edit asks for was asked for before, and is not complete.
fn restores_unasked(prior: &Value, planned: &Value) -> Result<(), String> {
    let (before, now) = (prior.get("generation").as_u64(), planned.get("generation").as_u64());
    match now < before && now.is_some() {
        true => Err(format!("the plan restores generation {now:?}, which nobody asked for")),
        false => Ok(()),
    }
}

/// The slots that a state knows.
fn slots(state: &Value) -> BTreeSet<String> {
    let known = state.get("deliveries").as_map().into_iter().flatten();
    known
        .filter_map(|(_, delivery)| delivery.get("slot").as_str().map(str::to_owned))
        .collect()
}

/// The slots whose consumers wait for an activation, by its key.
fn activated(json: &Json, planned: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let empty = serde_json::Map::new();
    let items = |name: &str| json[name].as_object().unwrap_or(&empty);
    let wave = |element: &Json| element["wave"].as_u64();
    let of = |target: &Json| wave(target).unwrap_or(1);
    let last = items("targets").values().map(of).max().unwrap_or(1);
    let slots = |wave: u64| {
        let of_wave = items("targets").iter().filter(move |(_, target)| of(target) == wave);
        // Machines are rolled, and run the value then.
        let loaded = of_wave.filter(|(_, target)| target.get("fly_secret").is_none());
        let slots = loaded.filter_map(|(key, _)| planned.get("deliveries").get(key).get("slot").as_str());
        slots.map(str::to_owned).collect()
    };
    let activations = items("activations").iter();
    activations
        .map(|(key, activation)| (key.clone(), slots(wave(activation).unwrap_or(last))))
        .collect()
}

/// The keys of slots: before, as planned, and after.
struct Keys<'a>([&'a Value; 3]);

impl Keys<'_> {
    fn of(&self, slot: &str) -> Vec<String> {
        let all = self.0.into_iter();
        let known = all.flat_map(|state| state.get("deliveries").as_map().into_iter().flatten());
        let of_slot = known.filter(|(_, delivery)| delivery.get("slot").as_str() == Some(slot));
        of_slot.map(|(key, _)| format!("({key})")).collect()
    }

    /// Whether that line says that this is written.
    fn names(&self, line: &str, write: &Write) -> bool {
        let of = |slot: &String| self.of(slot).iter().any(|key| line.contains(key));
        match write {
            Write::Mint => line.starts_with("mint generation"),
            Write::Deliver(slot) => line.starts_with("wave ") && line.contains(": set ") && of(slot),
            Write::Activate(slot) => line.starts_with("wave ") && of(slot),
            Write::Remove(slot) => {
                let name = slot.rsplit('/').next().unwrap_or_default();
                line.starts_with("delete ") && line.contains(name) && (of(slot) || !line.contains('('))
            }
            Write::Revoke(id) => line.starts_with("revoke ") && line.contains(id.as_str()),
            Write::Run(key) => line.contains(&format!(" by {key}: ")),
            Write::Park(_, generation) => escrow::parks(line, *generation),
            Write::Unpark(slot, generation) => escrow::unparks(line, slot, *generation),
            Write::Repark(_) => line.contains("escrow"),
            // The gate repeats checks without effects: the step that ends a generation stands for them.
            Write::Check(key) => {
                line.contains(&format!("check {key}")) || line.starts_with("revoke ") || line.contains(" from escrow, ")
            }
        }
    }
}

/// One application that must succeed; for situations.
pub fn applied(rest: &Rest, config: &Json) -> Rest {
    match attempted(rest, config) {
        (rest, errors) if errors.is_empty() => rest,
        (_, errors) => panic!("{errors:?}"),
    }
}

/// One application, with its errors.
pub fn attempted(rest: &Rest, config: &Json) -> (Rest, Vec<String>) {
    match step(rest, config, "") {
        Ok(Ran::Applied { rest, errors }) => (rest, errors),
        Ok(Ran::Idle(rest)) => (rest, Vec::new()),
        Ok(Ran::Refused(errors)) => panic!("{errors:?}"),
        Err(what) => panic!("{what}"),
    }
}

/// A refresh and a plan that must be empty; for situations.
pub fn must_be_idle(rest: &Rest) {
    match step(rest, &rest.config, "") {
        Ok(Ran::Idle(_)) => {}
        Ok(Ran::Applied { rest: after, errors }) => panic!(
            "not idle: {errors:?} {} {} {:?}",
            told(after.state.get("steps")),
            differs(&rest.state, &after.state, "").unwrap_or_default(),
            after.world.writes
        ),
        Ok(Ran::Refused(errors)) => panic!("{errors:?}"),
        Err(what) => panic!("{what}"),
    }
}

/// The edit in the situation, to its end.
pub fn pair(from: &Rest, config: &Json, edit: &str) -> Result<Verdict, String> {
    let mut rest = from.clone();
    let mut told = Vec::new();
    for round in 0..3 {
        match step(&rest, config, edit).map_err(|what| format!("apply {}: {what} {told:?}", round + 1))? {
            Ran::Refused(_) if round == 0 => return Ok(Verdict::Refused),
            Ran::Refused(errors) => return Err(format!("plan {} is refused: {errors:?} {told:?}", round + 1)),
            Ran::Idle(_) if round == 0 => return Ok(Verdict::Idle),
            Ran::Idle(_) => return Ok(Verdict::Settled),
            Ran::Applied { rest: after, errors } => {
                let untouched = !errors.is_empty() && after.world.writes.is_empty();
                if untouched
                    && errors
                        .iter()
                        .all(|error| REFUSALS.iter().any(|refusal| error.contains(refusal)))
                {
                    return Ok(Verdict::RefusedByApply);
                }
                let pending = self::told(after.state.get("pending"));
                let steps = self::told(after.state.get("steps"));
                told.push(format!("{errors:?} pending {pending} steps {steps}"));
                rest = after;
            }
        }
    }
    Err(format!("two applies do not lead to an empty plan: {told:#?}"))
}

/// Whether a plan is empty: what is null is absent.
fn same(one: &Value, other: &Value) -> bool {
    let clean = |object: &Value| {
        let items = object.as_map().cloned().unwrap_or_default();
        items
            .into_iter()
            .filter(|(_, item)| !item.is_null())
            .collect::<Vec<_>>()
    };
    one.is_null() == other.is_null() && clean(one) == clean(other)
}

/// Where a result is not what a plan promised.
fn differs(planned: &Value, result: &Value, path: &str) -> Option<String> {
    match (planned.plain(), result.plain()) {
        (Value::Unknown(_), _) => None,
        (Value::Map(planned), Value::Map(result)) => {
            let extra = result
                .iter()
                .find(|(key, value)| !planned.contains_key(*key) && !value.is_null());
            if let Some((extra, _)) = extra {
                return Some(format!("{path}.{extra} was not planned"));
            }
            planned.iter().find_map(|(key, value)| {
                differs(value, result.get(key).unwrap_or(&Value::Null), &format!("{path}.{key}"))
            })
        }
        (Value::List(planned), Value::List(result)) if planned.len() == result.len() => {
            let pairs = planned.iter().zip(result);
            pairs
                .into_iter()
                .find_map(|(planned, result)| differs(planned, result, path))
        }
        (planned, result) if planned == result => None,
        (planned, result) => Some(format!("{path}: {} planned, {} came", told(planned), told(result))),
    }
}

/// A value as text; strings here are no secrets.
fn told(value: &Value) -> String {
    match value.plain() {
        Value::String(text) => text.to_string(),
        Value::List(items) => format!("[{}]", items.iter().map(told).collect::<Vec<_>>().join(", ")),
        Value::Map(items) => {
            let set = items.iter().filter(|(_, value)| !value.is_null());
            let known = set.map(|(key, value)| format!("{key}={}", told(value)));
            format!("{{{}}}", known.collect::<Vec<_>>().join(" "))
        }
        other => format!("{other:?}"),
    }
}
