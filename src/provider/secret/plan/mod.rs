//! What a plan shows. Decided from facts and arguments alone: no clock, no network, so that planning twice gives the same.

pub(super) mod forecast;
pub(super) mod repeated;
pub(super) mod steps;
pub(super) mod take_over;
pub(super) mod warnings;

use std::collections::BTreeMap;

use self::steps::{Told, steps};
use super::decide::{CannotRestore, Decision, Rotate, decide};
use super::declared::DYNAMIC;
use super::intent::Intent;
use super::policies::Policies;
use super::state::{COMPUTED, Phase, Receipt, State, instant, is_imported, steps_value};
use super::{adapters, config, config_in_state, due, findings, identity, paths, slots, state_check};
use crate::address::Address;
use crate::diagnostics::{Adoption, Plan};
use crate::executor::Subject;
use crate::plugin::{PlanRequest, PlanResponse};
use crate::provider::Configured;
use crate::provider::kinds::is_unchanged;
use crate::rotation::lead::LONGEST_WAIT;
use crate::rotation::{Cause, Notice, NoticeCode, Request};
use crate::spec::Config;
use crate::terraform::{Diagnostics, Origin, Path, Value};

/// Plans a create, an update or a destroy.
pub fn plan(configured: &Configured, request: PlanRequest) -> PlanResponse {
    let mut problems = state_check::check(&request.prior);
    let intent = intent(configured, &request);
    let planned = if problems.has_errors() {
        request.prior.clone()
    } else if request.proposed.is_null() {
        destroyed(&request.prior, &mut problems);
        Value::Null
    } else {
        planned(configured, &request, &intent, &mut problems)
    };
    PlanResponse {
        planned,
        requires_replace: Vec::new(),
        private: intent.to_private(),
        diagnostics: problems,
    }
}

/// What apply is told beside the plan. `-replace` plans twice: the second time without the prior state, but with what the first plan
/// said.
fn intent(configured: &Configured, request: &PlanRequest) -> Intent {
    if request.proposed.is_null() {
        return Intent::Destroy;
    }
    match request.prior.get("id").as_str() {
        Some(id) => Intent::Update { id: id.to_owned() },
        None => Intent::Create {
            replaces: match Intent::of_private(&request.private) {
                Intent::Update { id } => Some(id),
                Intent::Create { replaces, .. } => replaces,
                Intent::Destroy | Intent::Unknown => None,
            },
            becomes: identity::configured_id(configured, &request.config),
        },
    }
}

fn destroyed(prior: &Value, problems: &mut Diagnostics) {
    // What is not understood is reported by apply, which then destroys nothing.
    let Ok(policies) = Policies::of_state(prior) else {
        return;
    };
    let name = prior.get("name").as_str().unwrap_or("This secret");
    if super::destroy::refuse_unconfirmed(name, &policies, &State::read(prior), problems) {
        return;
    }
    warnings::of_a_destroy(name, &State::read(prior), &policies, problems);
}

/// The reason of a first generation.
pub(super) fn first_create() -> Request {
    Request::new(Cause::Created, "created")
}

/// Addresses as they stand in state.
pub(super) fn texts(slots: &BTreeMap<String, Address>) -> BTreeMap<String, String> {
    slots
        .iter()
        .map(|(key, slot)| (key.clone(), slot.to_string()))
        .collect()
}

/// Everything but the id may change.
fn undecided(request: &PlanRequest, proposed: Value) -> Value {
    let open = COMPUTED.iter().filter(|name| **name != "incidents");
    let object = open.fold(proposed, |object, name| object.with(name, Value::unknown()));
    let object = object
        .with("pending", Value::List(Vec::new()))
        .with("incidents", Value::List(Vec::new()));
    if request.prior.is_null() || is_imported(&request.prior) {
        object
    } else {
        object
            .with("id", request.prior.get("id").clone())
            .with("incidents", request.prior.get("incidents").clone())
    }
}

/// The proposed object, with the prior value of every dynamic attribute that says the same in other words.
fn in_prior_words(request: &PlanRequest) -> Value {
    let proposed = request.proposed.clone();
    if request.prior.is_null() {
        return proposed;
    }
    DYNAMIC.iter().fold(proposed, |object, declared| {
        match is_unchanged(declared.name, &declared.content, &request.prior, &request.config) {
            true => object.with(declared.name, request.prior.get(declared.name).clone()),
            false => object,
        }
    })
}

fn planned(configured: &Configured, request: &PlanRequest, intent: &Intent, problems: &mut Diagnostics) -> Value {
    let proposed = in_prior_words(request);
    let config = config::read(&request.config, Origin::Configuration, problems);
    let (Some(config), Some(connections), Some(vendors)) =
        (config, configured.connections.as_ref(), configured.vendors.as_deref())
    else {
        return undecided(request, proposed);
    };
    config.warn(problems);
    if config.awaits_a_connection(connections) || configured.escrow.is_unknown() {
        return undecided(request, proposed);
    }
    let config = config.located(connections);
    let Some(slots) = slots::slots(&config, connections, problems) else {
        return undecided(request, proposed);
    };
    if configured.incident.is_unknown() {
        return undecided(request, proposed).with("incidents", Value::unknown());
    }
    let config = config.exposed_by(configured.incident.known(), &slots);
    let id = request.prior.get("id").as_str().map_or_else(
        || identity::derive_id(configured.namespace.as_deref().unwrap_or_default(), &config, &slots),
        str::to_owned,
    );
    let config = config.parked_in(configured.escrow.known(), &id, connections);
    refuse_escrow(&config, &slots, problems);
    config.suits_escrow(
        configured.escrow.known().is_some(),
        !request.config.get("overlap").is_null(),
        problems,
    );
    adapters::connect(&config, &slots, vendors, problems);
    claim(configured, &config, &slots, problems);
    if take_over::is_asked(&config, &request.prior) {
        if matches!(intent, Intent::Create { replaces: Some(_), .. }) {
            let replaced = Adoption::Replaced {
                secret: config.name.clone(),
                situation: None,
            };
            problems.report(Path::attribute("adopt"), replaced);
        }
        return take_over::planned(request, &config, &slots, proposed, problems);
    }
    if request.prior.is_null() {
        let stood = configured.incident.known().map(|incident| Value::string(&incident.id));
        let proposed = undecided(request, proposed).with("incidents", Value::List(stood.into_iter().collect()));
        return created(&config, &slots, proposed, problems);
    }
    let state = State::read(&request.prior);
    let before = config_in_state(&request.prior);
    let before = before.map(|before| {
        before
            .located(connections)
            .parked_in(configured.escrow.known(), &id, connections)
    });
    let policies = match Policies::of_state(&request.prior) {
        Ok(policies) => policies,
        Err(unreadable) => {
            problems.extend(unreadable);
            return undecided(request, proposed);
        }
    };
    let decision = decide(&state, before.as_ref(), &config, &policies, &slots);
    refuse(&state, &config, &decision, problems);
    refuse_unconfirmed(&config, &decision, problems);
    refuse_restore(&config, &decision, problems);
    refuse_previous(&config, &slots, &decision, problems);
    refuse_crowded(&config, &decision, problems);
    refuse_supplied(before.as_ref(), &config, &decision, problems);
    warnings::of_a_shorter_overlap(&state, before.as_ref(), &decision, &config, problems);
    updated(
        proposed,
        &request.prior,
        &state,
        before.as_ref(),
        &config,
        &slots,
        &decision,
        problems,
    )
}

/// One slot belongs to one secret.
fn claim(configured: &Configured, config: &Config, slots: &BTreeMap<String, Address>, problems: &mut Diagnostics) {
    let id = identity::derive_id(configured.namespace.as_deref().unwrap_or_default(), config, slots);
    let claims = slots.iter().map(|(key, slot)| (key.clone(), slots::claim_of(slot)));
    for (key, owner) in configured.run_registry.claim(&id, &config.name, &claims.collect()) {
        let slot = slots.get(&key).map(ToString::to_string).unwrap_or_default();
        let noun = super::texts::entry(&slot).noun;
        problems.report(
            paths::path_of(&Subject::Target(key.clone()), Some(config)),
            Plan::EntryTaken { entry: noun, owner },
        );
    }
}

/// What this very change of the configuration asks for and cannot get.
fn refuse(state: &State, config: &Config, decision: &Decision, problems: &mut Diagnostics) {
    if let Some(why) = &decision.refused {
        let refused = Plan::CannotDeliver {
            secret: config.name.clone(),
            why: super::texts::sentence(why, config),
            value: if state.ledger.is_taken_over() {
                "An adopted value"
            } else if config.source.is_supplied() {
                "A supplied value"
            } else {
                "A generated value"
            }
            .into(),
            way_out: super::texts::ways_to_a_new_value(config, &state.ledger)
                .to_string()
                .into(),
        };
        problems.report(Path::attribute("targets"), refused);
    }
    if state.ledger.is_begun() {
        refuse_confirmed(config, state.ledger.generation(), problems);
    }
}

/// Confirms the revocation of a generation that is in place, or does not exist yet.
fn refuse_confirmed(config: &Config, current: u64, problems: &mut Diagnostics) {
    if config.confirmed.is_some_and(|through| through >= current) {
        let secret = config.name.clone();
        problems.report(
            Path::attribute("revoke").then_attribute("confirmed"),
            Plan::ConfirmedTooHigh { secret, current },
        );
    }
}

/// A rotation that this change asks for, of a guarded secret whose guard does not name it. True where there is one.
pub(super) fn refuse_unconfirmed(config: &Config, decision: &Decision, problems: &mut Diagnostics) -> bool {
    let guard = config.guard.as_ref().filter(|_| decision.unconfirmed);
    let Some(guard) = guard else { return false };
    let guarded = Plan::Guarded {
        secret: config.name.clone(),
        generation: decision.generation,
        consequence: guard.consequence.clone(),
        line: guard.line(decision.generation),
    };
    problems.report(Path::attribute("guard"), guarded);
    true
}

/// Where values are to be parked, and cannot be.
fn refuse_escrow(config: &Config, slots: &BTreeMap<String, Address>, problems: &mut Diagnostics) {
    let Some(escrow) = &config.escrow else { return };
    for (key, slot) in slots.iter().filter(|(_, slot)| escrow.covers(slot)) {
        let inside = Plan::TargetInEscrow {
            target: key.clone(),
            entry: super::texts::entry(&slot.to_string()).noun,
        };
        problems.report(paths::path_of(&Subject::Target(key.clone()), Some(config)), inside);
    }
}

/// Targets that this change has written with a previous value that is not parked.
fn refuse_previous(
    config: &Config,
    slots: &BTreeMap<String, Address>,
    decision: &Decision,
    problems: &mut Diagnostics,
) {
    let ledger = &decision.ledger;
    let beside = ledger.beside(decision.generation).map(|known| known.generation);
    let Some(generation) = beside.filter(|generation| !ledger.is_parked(*generation)) else {
        return;
    };
    let is_asked = match &decision.rotate {
        Rotate::Yes(request) => decision.restores() || request.cause.is_request() && request.cause != Cause::Incident,
        Rotate::No | Rotate::AtApply => false,
    };
    let is_new = |key: &String| decision.reworded.contains(key) || ledger.delivery(key).is_none();
    let written = config.targets.iter().filter(|(key, _)| decision.write.contains(*key));
    for (key, _) in written.filter(|(key, target)| target.content.has_previous() && (is_asked || is_new(key))) {
        let slot = slots.get(key).map(ToString::to_string).unwrap_or_default();
        let lacking = Plan::PreviousNotParked {
            entry: super::texts::entry(&slot).noun,
            generation,
        };
        problems.report(paths::path_of(&Subject::Target(key.clone()), Some(config)), lacking);
    }
}

/// A generation that this change wants back, and that cannot be delivered again. True where there is one.
pub(super) fn refuse_restore(config: &Config, decision: &Decision, problems: &mut Diagnostics) -> bool {
    let Some((generation, why)) = &decision.cannot_restore else {
        return false;
    };
    let cannot = Plan::CannotRestore {
        secret: config.name.clone(),
        generation: *generation,
        why: match why {
            CannotRestore::InPlace => "It is in place already.".into(),
            CannotRestore::Dead => "It has ended, or never existed.".into(),
            CannotRestore::NotParked => "Its value is not in escrow.".into(),
            CannotRestore::Exposed => "An incident exposed it.".into(),
            CannotRestore::Rotates(reason) => {
                format!("The same change asks for a new generation ({reason}). Apply one after the other.").into()
            }
        },
    };
    problems.report(Path::attribute("restore"), cannot);
    true
}

/// A rotation that this change asks for, while an older credential takes the room of the next one at the issuer.
fn refuse_crowded(config: &Config, decision: &Decision, problems: &mut Diagnostics) {
    let Some(taken_by) = decision.crowded_by else { return };
    let crowded = Plan::NoRoom {
        secret: config.name.clone(),
        generation: decision.generation,
        why: super::texts::no_room(config, &decision.ledger, taken_by),
        older: super::texts::generation(decision.ledger.credential(taken_by), taken_by),
        is_by_hand: config.revoke_by_hand,
        is_unfinished: !decision.ledger.is_finished(),
    };
    problems.report(Path::attribute("overlap"), crowded);
}

/// `overdue = "error"`: a plan that leaves it overdue fails.
fn refuse_overdue(config: &Config, notices: &[Notice], problems: &mut Diagnostics) {
    let overdue = notices.iter().find(|notice| notice.code == NoticeCode::Overdue);
    let Some(overdue) = overdue.filter(|_| config.schedule.overdue_is_error) else {
        return;
    };
    let failed = Plan::Overdue {
        secret: config.name.clone(),
        since: overdue.text.clone(),
    };
    problems.report(Path::attribute("rotation").then_attribute("overdue"), failed);
}

/// A supplied value that cannot be the new one.
fn refuse_supplied(before: Option<&Config>, config: &Config, decision: &Decision, problems: &mut Diagnostics) {
    let Some(supplied) = config.source.config.supplied() else {
        return;
    };
    if decision.rotates() && !supplied.at_hand {
        let secret = config.name.clone();
        problems.report(
            Path::attribute("value_wo"),
            Plan::ValueRequired {
                secret,
                is_create: false,
            },
        );
    }
    let Some(known) = before.and_then(|before| before.source.config.supplied()) else {
        return;
    };
    let path = Path::attribute("source")
        .then_attribute("provided")
        .then_attribute("credential_id");
    let same_id = supplied.credential_id.is_some() && supplied.credential_id == known.credential_id;
    let new_version = supplied.version != known.version;
    if new_version && same_id {
        let same = Plan::SameCredential {
            secret: config.name.clone(),
            version: supplied.version,
            credential_id: supplied.credential_id.unwrap_or_default().to_owned(),
        };
        problems.report(path, same);
    } else if !new_version && !same_id && known.credential_id.is_some() {
        let secret = config.name.clone();
        problems.report(path, Plan::SameVersion { secret });
    }
}

fn created(config: &Config, slots: &BTreeMap<String, Address>, object: Value, problems: &mut Diagnostics) -> Value {
    warnings::of_a_create(config, problems);
    if config
        .source
        .config
        .supplied()
        .is_some_and(|supplied| !supplied.at_hand)
    {
        let secret = config.name.clone();
        problems.report(
            Path::attribute("value_wo"),
            Plan::ValueRequired {
                secret,
                is_create: true,
            },
        );
    }
    let state = State::default();
    let request = first_create();
    let decision = decide(&state, None, config, &Policies::default(), slots).rotated(config, request.clone());
    let course = forecast::course("", config, slots, &decision, true);
    let told = Told {
        state: &state,
        config,
        slots,
        decision: &decision,
        course: &course,
        is_create: true,
    };
    // A create may turn out to resume what an incident began.
    let record = Receipt::planned(&request, None).with("incident_revoke", Value::unknown());
    // One that resumes may find a lead that has not passed.
    let may_pause = config
        .leading_targets(config.last_wave())
        .any(|(_, target)| target.lead > LONGEST_WAIT);
    let record = match may_pause {
        true => record.with("continues_at", Value::unknown()),
        false => record,
    };
    let record = match config.checks.is_empty() {
        true => record.with("checks", Value::List(Vec::new())),
        false => record,
    };
    object
        .with("steps", steps_value(&steps(&told)))
        .with("last_rotation", record)
}

#[expect(clippy::too_many_arguments, reason = "what a plan is made from")]
fn updated(
    proposed: Value,
    prior: &Value,
    state: &State,
    before: Option<&Config>,
    config: &Config,
    slots: &BTreeMap<String, Address>,
    decision: &Decision,
    problems: &mut Diagnostics,
) -> Value {
    let course = forecast::course(&state.id, config, slots, decision, false);
    let notices = findings::notices(state, decision, config);
    warnings::notices(&config.name, &notices, problems);
    refuse_overdue(config, &notices, problems);
    let mut object = COMPUTED
        .iter()
        .fold(proposed, |object, name| object.with(name, prior.get(name).clone()));
    if decision.acts() {
        warnings::of_an_update(state, config, decision, &course, problems);
        object = object.with("notices", Value::unknown());
        for (name, value) in forecast::attributes(state, config, slots, decision, &course) {
            object = object.with(name, value);
        }
        let same_kind = before.is_some_and(|before| before.source.kind.name == config.source.kind.name);
        if forecast::public_changes(state, same_kind, decision, &course) {
            object = object.with("public", Value::unknown());
        }
        if let Some(awaited) = newly_awaited(state, decision) {
            object = object.with("last_rotation", Receipt::planned(awaited, decision.incident));
        }
    } else {
        object = quiet(object, state, config, decision, &notices, slots, &course);
        if before.is_some_and(|before| before.schedule != config.schedule) {
            object = object
                .with("rotate_after", Value::unknown())
                .with("next_action_at", Value::unknown());
        }
    }
    if let Some(incident) = decision.handles(state, config) {
        let known = state.incidents.iter().chain([&incident.id]);
        object = object.with("incidents", Value::List(known.map(Value::string).collect()));
    }
    if object == *prior {
        return object;
    }
    let told = Told {
        state,
        config,
        slots,
        decision,
        course: &course,
        is_create: false,
    };
    let lines = if decision.is_open() {
        Value::unknown()
    } else {
        steps_value(&steps(&told))
    };
    object.with("steps", lines).with("pending", Value::List(Vec::new()))
}

/// A rotation that waits for a value, as far as the record does not say so yet.
pub(super) fn newly_awaited<'d>(state: &State, decision: &'d Decision) -> Option<&'d Request> {
    let awaited = decision.awaits.as_ref()?;
    let known = state.open_request();
    (awaited.cause.is_request() && known.as_ref() != Some(awaited)).then_some(awaited)
}

/// An update of arguments that no vendor needs to hear of.
fn quiet(
    object: Value,
    state: &State,
    config: &Config,
    decision: &Decision,
    notices: &[Notice],
    slots: &BTreeMap<String, Address>,
    course: &crate::rotation::Forecast,
) -> Value {
    let after = State {
        ledger: course.ledger.clone(),
        awaits_value: decision.awaits.is_some(),
        ..state.clone()
    };
    let next_action_at = match due::planned_next_action_at(&after, config) {
        Some(at) => instant(at),
        None => object.get("next_action_at").clone(),
    };
    let mut object = object
        .with("deliveries", forecast::deliveries(slots, config, decision, course))
        .with(
            "credentials",
            after.write_over(Value::object([])).get("credentials").clone(),
        )
        .with(
            "phase",
            Value::string(Phase::of(&after.ledger, after.awaits_value).as_str()),
        )
        .with(
            "revoke_after",
            instant(super::state::earliest_revocation(&after.ledger)),
        )
        .with("next_action_at", next_action_at);
    if after.ledger.paused_until() != state.ledger.paused_until() {
        object = object.with("last_rotation", after.record());
    }
    let told = |notices: &[Notice]| -> Vec<_> {
        let told = notices.iter().map(|notice| (notice.code, notice.subject.clone()));
        told.collect()
    };
    if told(notices) != told(&state.notices) {
        object = object.with("notices", Value::unknown());
    }
    if let Some(awaited) = newly_awaited(state, decision) {
        object = object.with("last_rotation", Receipt::planned(awaited, decision.incident));
    }
    object
}
