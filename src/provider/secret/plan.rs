//! What a plan shows. Decided from arguments alone: no clock, no network, so that planning twice gives the same.

use std::collections::{BTreeMap, BTreeSet};

use super::config::Config;
use super::decide::{Decision, Rotate, decide};
use super::intent::Intent;
use super::outlook::next_action_at;
use super::policies::Policies;
use super::state::{COMPUTED, Receipt, State, instant};
use super::{config_in_state, forecast, legible, place};
use crate::address::Address;
use crate::executor::Site;
use crate::plugin::{PlanRequest, PlanResponse};
use crate::provider::Configured;
use crate::rotation::NoticeCode;
use crate::terraform::{Diagnostics, Node, Origin, Path, Value};

/// Plans a create, an update or a destroy.
pub fn plan(configured: &Configured, request: PlanRequest) -> PlanResponse {
    let mut problems = legible::check(&request.prior);
    let intent = intent(configured, &request);
    let planned = if problems.has_errors() {
        request.prior.clone()
    } else if request.proposed.is_null() {
        Value::Null
    } else {
        planned(configured, &request, &mut problems)
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
            becomes: place::configured_id(configured, &request.config),
        },
    }
}

fn planned(configured: &Configured, request: &PlanRequest, problems: &mut Diagnostics) -> Value {
    let everything = |object: Value| {
        COMPUTED
            .iter()
            .fold(object, |object, name| object.with(name, Value::unknown()))
    };
    let is_create = request.prior.is_null();
    let undecided = |object: Value| {
        let object = everything(object).with("pending", Value::List(Vec::new()));
        if is_create {
            object
        } else {
            object.with("id", request.prior.get("id").clone())
        }
    };
    let config = Config::parse(&Node::root(&request.config, Origin::Configuration), problems);
    let (Some(config), Some(connections), Some(vendors)) =
        (config, configured.connections.as_ref(), configured.vendors.as_deref())
    else {
        return undecided(request.proposed.clone());
    };
    config.warn(problems);
    let config = config.located(connections);
    let Some(slots) = place::slots(&config, connections, problems) else {
        return undecided(request.proposed.clone());
    };
    place::connect(&config, &slots, vendors, problems);
    let id = place::derive_id(configured.namespace.as_deref().unwrap_or_default(), &config, &slots);
    let claims = texts(&slots);
    for (key, owner) in configured.neighbours.claim(&id, &config.name, &claims) {
        let slot = claims.get(&key).map(String::as_str).unwrap_or_default();
        problems.error(
            place::path_of(&Site::Target(key.clone()), Some(&config)),
            format!("Another secret writes {slot} too"),
            format!(
                "It was planned first by {owner:?}. One slot belongs to one secret: remove one of the two targets."
            ),
        );
    }
    if is_create {
        if let Some(displaced) = config.source.config.displaces() {
            problems.warning(
                place::path_of(&Site::Source, Some(&config)),
                format!("The first generation ends {displaced}"),
                "It is reset when the secret is created: open connections drop, and whoever uses it without being a target here \
                 fails from then on.",
            );
        }
        return undecided(request.proposed.clone()).with(
            "last_rotation",
            Receipt::planned(FIRST_CREATE).with("checks", forecast::checks(&config)),
        );
    }
    let state = State::read(&request.prior);
    let before = config_in_state(&request.prior).map(|before| before.located(connections));
    let policies = match Policies::of_state(&request.prior) {
        Ok(policies) => policies,
        Err(unreadable) => {
            problems.extend(unreadable);
            return undecided(request.proposed.clone());
        }
    };
    let decision = decide(&state, before.as_ref(), &config, &policies, &slots);
    warn_of_notices(&state, &config, problems);
    if matches!(decision.rotate, Rotate::Yes { .. }) && config.source.config.traits().replaces {
        problems.warning(
            place::path_of(&Site::Source, Some(&config)),
            "This rotation has a gap",
            "The issuer allows one live credential: the old one dies when the new one is made, and open connections drop. \
             Until every target is live, consumers with the old one fail.",
        );
    }
    early_ends(&decision, &config, problems);
    ends_at_once(&decision, &config, problems);
    update(
        request.proposed.clone(),
        &request.prior,
        &state,
        &config,
        &slots,
        &decision,
    )
}

/// Repeats what waits or needs a person: one warning, as long as it holds. Of what could not be read the refresh has warned already.
fn warn_of_notices(state: &State, config: &Config, problems: &mut Diagnostics) {
    let told = state
        .notices
        .iter()
        .filter(|notice| notice.code != NoticeCode::Unreachable);
    let codes: BTreeSet<&str> = told.clone().map(|notice| notice.code.as_str()).collect();
    let texts: Vec<&str> = told.map(|notice| notice.text.as_str()).collect();
    if !texts.is_empty() {
        let codes: Vec<&str> = codes.into_iter().collect();
        problems.warning(
            Path::root(),
            format!("{}: {}", config.name, codes.join(", ")),
            texts.join("\n"),
        );
    }
}

/// Says which credentials end sooner than was promised, because the issuer's limit asks for room.
fn early_ends(decision: &Decision, config: &Config, problems: &mut Diagnostics) {
    let ended = forecast::making_room(decision, config).unwrap_or_default();
    for credential in decision
        .ledger
        .credentials()
        .iter()
        .filter(|c| ended.contains(&c.generation))
    {
        let Some(until) = credential.revoke_after else { continue };
        let handle = credential.credential_id.as_deref().unwrap_or("without an id");
        problems.warning(
            place::path_of(&Site::Source, Some(config)),
            format!("Generation {} ends before its overlap does", credential.generation),
            format!(
                "The issuer lets no further credential live beside those of this secret, so generation {} ({handle}) is revoked \
                 before the new one is made. No target holds it, but consumers that were promised it until {until} fail. Apply \
                 after that, or go on.",
                credential.generation
            ),
        );
    }
}

/// Leaves open when older credentials end, where that is decided by this apply.
fn with_overlap(object: Value, decision: &Decision) -> Value {
    if !forecast::begins_overlap(decision) {
        return object;
    }
    let open = ["credentials", "revoke_after", "next_action_at"];
    open.into_iter()
        .fold(object, |object, name| object.with(name, Value::unknown()))
}

/// Says which credentials end in this very apply, where no overlap keeps them. The attributes cannot: whether one of them is the run's
/// own, which stays, only apply finds out.
fn ends_at_once(decision: &Decision, config: &Config, problems: &mut Diagnostics) {
    let traits = config.source.config.traits();
    let renews = matches!(decision.rotate, Rotate::Yes { .. }) || decision.finish;
    if !renews || !config.overlap.is_zero() || config.revoke_by_hand || traits.replaces {
        return;
    }
    let older = decision
        .ledger
        .credentials()
        .iter()
        .filter(|known| known.generation != decision.generation);
    let ending: Vec<String> = older
        .filter_map(|known| {
            Some(format!(
                "generation {} ({})",
                known.generation,
                known.credential_id.as_ref()?
            ))
        })
        .collect();
    if !ending.is_empty() {
        problems.warning(
            Path::attribute("overlap"),
            format!("This apply revokes {}", ending.join(" and ")),
            format!(
                "overlap is 0s: what is older ends as soon as every target runs generation {} and every check has passed. An overlap \
                 keeps it for consumers that are slower.",
                decision.generation
            ),
        );
    }
}

/// The reason of a first generation.
pub(super) const FIRST_CREATE: &str = "first create";

/// Addresses as they stand in state.
pub(super) fn texts(slots: &BTreeMap<String, Address>) -> BTreeMap<String, String> {
    slots
        .iter()
        .map(|(key, slot)| (key.clone(), slot.to_string()))
        .collect()
}

fn update(
    proposed: Value,
    prior: &Value,
    state: &State,
    config: &Config,
    slots: &BTreeMap<String, Address>,
    decision: &Decision,
) -> Value {
    let deliveries = forecast::deliveries(slots, config, decision, &state.ledger);
    let mut object = proposed
        .with("pending", Value::List(Vec::new()))
        .with("deliveries", deliveries.clone())
        .with("next_action_at", instant(next_action_at(state, config)));
    if !decision.acts() {
        if decision.notices_change {
            object = object.with("notices", Value::unknown());
        }
        return object;
    }
    object = object.with("notices", Value::unknown());
    let before = config_in_state(prior);
    let renews = decision.rotate != Rotate::No || decision.finish;
    if !renews && decision.revoke.is_empty() {
        object = with_overlap(object, decision);
        if !decision.activate.is_empty() {
            object = object.with("phase", forecast::phase_once_live(&decision.ledger, &deliveries));
        }
        if decision.recheck {
            let receipt = prior.get("last_rotation").clone().with("checks", Value::unknown());
            object = object.with("last_rotation", receipt);
        }
        return object;
    }
    let same_kind = before
        .as_ref()
        .is_some_and(|before| before.source.kind.name == config.source.kind.name);
    let same_source = same_kind
        && before.is_some_and(|before| before.source.config.fingerprint() == config.source.config.fingerprint());
    let credentials = forecast::credentials(state, config, same_source, decision);
    let summary = forecast::summary(config, decision, credentials.as_deref(), &deliveries);
    if renews && (!state.public.is_empty() || !same_kind) {
        object = object.with("public", Value::unknown());
    }
    for (name, value) in summary {
        object = object.with(name, value);
    }
    if !renews {
        object = with_overlap(object, decision);
    }
    match &decision.rotate {
        Rotate::Yes { reason, .. } => object.with("generation", Value::number(decision.generation)).with(
            "last_rotation",
            forecast::receipt(reason, state, config, decision, credentials.as_deref()),
        ),
        Rotate::AtApply => object
            .with("generation", Value::unknown())
            .with("last_rotation", Value::unknown()),
        Rotate::No => {
            let mut receipt = prior.get("last_rotation").clone().with("revoked", Value::unknown());
            if decision.finish {
                receipt = receipt.with("finished_at", Value::unknown());
                receipt = receipt.with("checks", forecast::checks(config));
            } else if decision.proves_revocation(config) {
                receipt = receipt.with("checks", Value::unknown());
            }
            object.with("last_rotation", receipt)
        }
    }
}
