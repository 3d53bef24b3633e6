//! Terraform's part: refresh, plan, apply, taint, destroy, and what stays on file when something dies.
//!
//! The provider's part is the real one: `read`, `plan` and `apply` of the resource, with its executor and its engine.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Poll, Waker};

use jiff::Timestamp;
use rotation_provider::address::DEFAULT_CONNECTION;
use rotation_provider::clock::Clock;
use rotation_provider::connection::{Connections, Surroundings};
use rotation_provider::environment::Environment;
use rotation_provider::plugin::{ApplyRequest, PlanRequest, ReadRequest};
use rotation_provider::provider::{Configured, Setting, secret};
use rotation_provider::spec::Escrow;
use rotation_provider::terraform::{Diagnostics, Node, Origin, Severity, Value};
use rotation_provider::vendors::Vendors;

use super::case::{Case, Wish, arguments};
use super::consent::Consent;
use super::mutant::Mutant;
use super::play::{Call, Deeds, Fault, Play, Stage, clock};
use super::promise;
use super::vault;
use super::world::{Broken, World};

/// What the attributes are that only the provider sets.
const COMPUTED: [&str; 15] = [
    "id",
    "generation",
    "phase",
    "steps",
    "pending",
    "notices",
    "rotated_at",
    "rotate_after",
    "revoke_after",
    "next_action_at",
    "incidents",
    "public",
    "credentials",
    "deliveries",
    "last_rotation",
];

/// Between two runs: the world, and what Terraform has on file.
#[derive(Clone)]
pub struct Rest {
    pub world: World,
    pub state: Option<Value>,
    pub tainted: bool,
    pub wish: Wish,
}

impl Rest {
    /// The generation that would come next.
    pub fn coming(&self) -> u8 {
        let state = self.state.as_ref();
        let known = state.and_then(|state| state.get("credentials").as_map());
        let known = known
            .into_iter()
            .flat_map(|known| known.keys())
            .filter_map(|key| key.parse().ok());
        known.max().unwrap_or(0) + 1
    }
}

/// How a run of `terraform apply` or `terraform destroy` ended.
pub struct Ended {
    pub rest: Rest,
    /// What Terraform had on file before, where a kill of Terraform itself leaves that.
    pub unsaved: Option<Rest>,
    pub calls: Vec<Call>,
    pub errors: Vec<String>,
    pub warnings: Vec<String>,
    pub broken: Vec<Broken>,
    /// The plan showed nothing to do.
    pub idle: bool,
}

/// Connections are never called here, but arguments are read against them; building one is slow.
static CONNECTIONS: LazyLock<Arc<Connections>> = LazyLock::new(|| {
    let surroundings = Surroundings::new(Environment::default(), Clock::default());
    let nothing = Value::Null;
    Connections::parse(
        &Node::root(&nothing, Origin::Configuration),
        &surroundings,
        &mut Diagnostics::new(),
    )
});

/// Runs to the end; `None` when the provider was killed on the way.
fn drive<T>(stage: &Stage, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => {
            assert!(stage.play().killed, "something waits that nobody will wake");
            None
        }
    }
}

/// One process of the provider.
struct Provider {
    stage: Stage,
    configured: Configured,
}

impl Provider {
    fn start(case: &Arc<Case>, rest: &Rest, script: &[(usize, Fault)], mutant: Mutant) -> Self {
        let now = clock(&rest.world);
        let due = rest
            .state
            .as_ref()
            .and_then(|state| instant_of(state.get("rotate_after")));
        let clock = Clock::standing_at(now);
        let connections = Some(Arc::clone(&CONNECTIONS));
        let mut configured = Configured::new(Some("model".to_owned()), connections, clock, &Environment::default());
        let stage = Stage(Arc::new(Mutex::new(Play {
            case: Arc::clone(case),
            wish: rest.wish,
            world: rest.world.clone(),
            mutant,
            script: script.to_vec(),
            calls: Vec::new(),
            refreshing: false,
            destroys: false,
            due: due.is_some_and(|due| due <= now),
            killed: false,
            stop: configured.stop.clone(),
            deeds: Deeds::default(),
            broken: Vec::new(),
            warnings: Vec::new(),
        })));
        {
            let play = &mut *stage.play();
            play.world.note_in_place(case, &rest.wish);
        }
        configured.incident = case.terms.incident(&rest.wish, mutant.told());
        if case.parks {
            configured.escrow = Setting::Known(Arc::new(Escrow {
                path: vault::PATH.to_owned(),
                key_id: None,
                connection: DEFAULT_CONNECTION.to_owned(),
            }));
        }
        configured.vendors = Some(Arc::new(stage.clone()) as Arc<dyn Vendors>);
        Self { stage, configured }
    }

    fn refresh(&self, state: &Value) -> Value {
        self.stage.play().refreshing = true;
        let request = ReadRequest {
            state: state.clone(),
            private: Vec::new(),
        };
        let response = drive(&self.stage, secret::read(&self.configured, request)).unwrap();
        self.stage.play().refreshing = false;
        assert!(
            !response.diagnostics.has_errors(),
            "a refresh without faults failed: {}",
            told(&response.diagnostics).join("; ")
        );
        response.state
    }

    /// The planned state, and the planned private state.
    fn plan(&self, prior: &Value, config: &Value) -> Result<(Value, Vec<u8>), Vec<String>> {
        let proposed = COMPUTED
            .iter()
            .filter(|_| !prior.is_null())
            .fold(config.clone(), |object, name| {
                object.with(name, prior.get(name).clone())
            });
        let request = PlanRequest {
            prior: prior.clone(),
            proposed,
            config: config.clone(),
            private: Vec::new(),
        };
        let response = secret::plan(&self.configured, request);
        if response.diagnostics.has_errors() {
            return Err(told(&response.diagnostics));
        }
        Ok((without_write_only(response.planned), response.private))
    }

    /// What a destroy plan tells its apply, or why there is none.
    fn plan_of_destroy(&self, prior: &Value) -> Result<Vec<u8>, Vec<String>> {
        let request = PlanRequest {
            prior: prior.clone(),
            proposed: Value::Null,
            config: Value::Null,
            private: Vec::new(),
        };
        let response = secret::plan(&self.configured, request);
        match response.diagnostics.has_errors() {
            true => Err(told(&response.diagnostics)),
            false => Ok(response.private),
        }
    }

    /// The new state and the errors; `None` when it was killed.
    fn apply(&self, prior: &Value, planned: &Value, config: &Value, private: Vec<u8>) -> Option<(Value, Vec<String>)> {
        let request = ApplyRequest {
            prior: prior.clone(),
            planned: planned.clone(),
            config: config.clone(),
            private,
        };
        let response = drive(&self.stage, secret::apply(&self.configured, request))?;
        let warnings = sentences(&response.diagnostics, Severity::Warning);
        self.stage.play().warnings.extend(warnings);
        Some((without_write_only(response.state), told(&response.diagnostics)))
    }
}

/// The errors as a user reads them.
fn told(problems: &Diagnostics) -> Vec<String> {
    sentences(problems, Severity::Error)
}

fn sentences(problems: &Diagnostics, severity: Severity) -> Vec<String> {
    let chosen = problems.iter().filter(|problem| problem.severity == severity);
    chosen
        .map(|problem| format!("{}: {}", problem.summary, problem.detail))
        .collect()
}

/// An instant on record.
fn instant_of(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

/// The slots that a state knows.
fn slots(state: &Value) -> BTreeSet<String> {
    let deliveries = state
        .get("deliveries")
        .as_map()
        .into_iter()
        .flat_map(|known| known.values());
    deliveries
        .filter_map(|delivery| delivery.get("slot").as_str().map(str::to_owned))
        .collect()
}

/// Terraform stores no write-only value.
fn without_write_only(object: Value) -> Value {
    // What was planned last counts how often the same was planned: without it, the same state is found again.
    object
        .with("value_wo", Value::Null)
        .with("steps", Value::List(Vec::new()))
}

/// `terraform apply`.
pub fn apply(case: &Arc<Case>, rest: &Rest, script: &[(usize, Fault)], mutant: Mutant) -> Ended {
    let provider = Provider::start(case, rest, script, mutant);
    let config = arguments(case, &mutant.wish(rest), mutant.told());
    let remembered = rest.state.clone().map(|state| mutant.remembered(state));
    let refreshed = remembered.map(|state| provider.refresh(&state));
    let mut now = Rest {
        state: refreshed.clone(),
        ..rest.clone()
    };
    let mut filed = rest.clone();
    if rest.tainted
        && let Some(prior) = &refreshed
    {
        // A tainted object is destroyed, then created anew; both halves get what the plan of the create said.
        let private = match provider.plan(&Value::Null, &config) {
            Ok((_, private)) => private,
            Err(errors) => return provider.ended(now, &filed, errors, false),
        };
        match provider.apply(prior, &Value::Null, &Value::Null, private) {
            None => return provider.ended(now, &filed, Vec::new(), false),
            Some((left, errors)) => {
                now.tainted = !left.is_null();
                now.state = Some(left).filter(|left| !left.is_null());
                // Terraform writes the state between the two.
                filed = now.clone();
                if !errors.is_empty() || provider.configured.stop.requested() {
                    return provider.ended(now, &filed, errors, false);
                }
            }
        }
    }
    let prior = now.state.clone().unwrap_or(Value::Null);
    let (planned, private) = match provider.plan(&prior, &config) {
        Ok(planned) => planned,
        Err(errors) => return provider.ended(now, &filed, errors, false),
    };
    if planned == prior {
        provider.waits(&mutant.said(prior));
        return provider.ended(now, &filed, Vec::new(), true);
    }
    provider.stage.play().deeds = Deeds::default();
    let Some((state, errors)) = provider.apply(&prior, &planned, &config, private) else {
        return provider.ended(now, &filed, Vec::new(), false);
    };
    let broken = {
        let play = &*provider.stage.play();
        let (deeds, world) = (&play.deeds, &play.world);
        let objects = promise::Objects {
            prior: &prior,
            planned: &planned,
            state: &state,
        };
        promise::broken(objects, deeds, &errors, case, &rest.wish, world)
    };
    provider.stage.play().broken.extend(broken);
    let (state, errors) = mutant.answered(state, errors);
    provider.acted(&prior, &state, &errors);

    now.tainted = prior.is_null() && !errors.is_empty() && !state.is_null();
    now.state = Some(state).filter(|state| !state.is_null());
    provider.ended(now, &filed, errors, false)
}

/// `terraform destroy`.
pub fn destroy(case: &Arc<Case>, rest: &Rest, script: &[(usize, Fault)], mutant: Mutant) -> Ended {
    let provider = Provider::start(case, rest, script, mutant);
    let mut now = rest.clone();
    let Some(state) = rest.state.clone() else {
        return provider.ended(now, rest, Vec::new(), true);
    };
    let refreshed = provider.refresh(&mutant.remembered_at_the_end(state));
    now.state = Some(refreshed.clone());
    let (left, errors) = match ending(&provider, &refreshed) {
        Ok(Some(ended)) => ended,
        Ok(None) => return provider.ended(now, rest, Vec::new(), false),
        Err(errors) => return provider.ended(now, rest, errors, false),
    };
    now.state = Some(left).filter(|left| !left.is_null());
    now.tainted &= now.state.is_some();
    provider.ended(now, rest, errors, false)
}

/// The destroy of one object: what is left of it, and the errors; none of both when it was killed. The error: why it was not planned.
fn ending(provider: &Provider, prior: &Value) -> Result<Option<(Value, Vec<String>)>, Vec<String>> {
    let private = provider.plan_of_destroy(prior)?;
    provider.stage.play().destroys = true;
    let ended = provider.apply(prior, &Value::Null, &Value::Null, private);
    provider.stage.play().destroys = false;
    Ok(ended)
}

impl Provider {
    /// An apply came to its end: what it has answered, and what it must have said.
    fn acted(&self, prior: &Value, state: &Value, errors: &[String]) {
        let play = &mut *self.stage.play();
        let case = Arc::clone(&play.case);
        let is_new = state.get("generation") != prior.get("generation");
        let consent = &mut play.world.consent;
        let is_complete = !state.get("last_rotation").get("finished_at").is_null();
        if is_complete {
            consent.under_way = false;
        }
        if is_complete && (errors.is_empty() || is_new) {
            consent.answered = play.wish.rotations;
            consent.handled = promise::handled(state);
        }
        if errors.is_empty() && case.terms.adopts.is_some() && !consent.begun {
            play.world.take_over(&case);
        }
        if errors.is_empty() {
            play.world.vault.restored = play.wish.restore;
            play.world.consent.begun = true;
            play.world.give_up(&slots(state));
        }
        if !case.terms.bind() {
            play.world.consent = Consent::default();
        }
        let said = promise::said(&case, &play.wish, &play.world, state, Some(errors));
        play.broken.extend(said);
    }

    /// A plan shows nothing to do: what waits is said.
    fn waits(&self, state: &Value) {
        let play = &mut *self.stage.play();
        let case = Arc::clone(&play.case);
        let said = promise::said(&case, &play.wish, &play.world, state, None);
        let silent = promise::silent(&case, &play.world, state, play.due);
        play.broken.extend(said.into_iter().chain(silent));
    }

    fn ended(&self, mut rest: Rest, before: &Rest, errors: Vec<String>, idle: bool) -> Ended {
        let play = &mut *self.stage.play();
        if play.killed {
            // No file says what these hold now.
            for slot in play.deeds.written.union(&play.deeds.removed) {
                play.world.slot(slot).doubt();
            }
        }
        rest.world = play.world.clone();
        let unsaved = play.killed.then(|| Rest {
            world: play.world.clone(),
            ..before.clone()
        });
        Ended {
            rest,
            unsaved,
            calls: play.calls.clone(),
            errors,
            warnings: play.warnings.clone(),
            broken: play.broken.clone(),
            idle,
        }
    }
}
