//! Carrying a plan out: the plan becomes a goal, the executor runs, and what is known goes back, errors or not.

use std::collections::BTreeMap;

use super::config::{CheckEntry, Config, Phase};
use super::decide::{Decision, Rotate, decide, leaving};
use super::intent::Intent;
use super::outlook::{Sightings, due, outlook, still_holds};
use super::plan::{FIRST_CREATE, texts};
use super::policies::Policies;
use super::read::begin_overlap;
use super::state::{CheckResult, Receipt, State, Verdict};
use super::{config_in_state, destroy, legible, place, replacement, room, text};
use crate::address::Address;
use crate::call::WritePermit;
use crate::executor::{self, Failure, Outcome, Site};
use crate::plugin::{ApplyRequest, ApplyResponse};
use crate::provider::Configured;
use crate::rotation::{DeliveryStatus, Event, Goal, Notice, NoticeCode, Pending, TargetGoal, schedule};
use crate::target::Activation;
use crate::terraform::{Diagnostic, Diagnostics, Node, Origin, Path, Value};
use crate::vendors::Vendors;

/// Applies a create, an update or a destroy.
pub async fn apply(configured: &Configured, request: ApplyRequest) -> ApplyResponse {
    let illegible = legible::check(&request.prior);
    if illegible.has_errors() {
        return ApplyResponse {
            state: request.prior,
            private: request.private,
            diagnostics: illegible,
        };
    }
    let permit = WritePermit::granted_by_apply();
    if request.planned.is_null() {
        return match Intent::of_private(&request.private) {
            Intent::Destroy => destroy::destroy(configured, request, &permit).await,
            Intent::Create { becomes, .. } => replacement::hand_over(configured, request, becomes),
            Intent::Update { .. } | Intent::Unknown => replacement::refuse(request),
        };
    }
    let mut problems = Diagnostics::new();
    let handed_over = replacement::handed_over(configured, &request);
    let prior = handed_over.as_ref().unwrap_or(&request.prior);
    let state = change(configured, &request, prior, &permit, &mut problems).await;
    // Without a state of its own, a failed change leaves everything as it was.
    let state = state.unwrap_or_else(|| prior.clone());
    ApplyResponse {
        state,
        private: request.private,
        diagnostics: problems,
    }
}

/// The new state; `None` when nothing was begun.
async fn change(
    configured: &Configured,
    request: &ApplyRequest,
    prior: &Value,
    permit: &WritePermit,
    problems: &mut Diagnostics,
) -> Option<Value> {
    let config = Config::parse(&Node::root(&request.config, Origin::Configuration), problems);
    let (Some(config), Some(connections), Some(vendors)) =
        (config, configured.connections.as_ref(), configured.vendors.as_ref())
    else {
        if !problems.has_errors() {
            problems.error(
                Path::root(),
                "The configuration is not wholly known",
                "Terraform asked to apply it all the same. This is a bug in the provider or in Terraform; nothing was changed.",
            );
        }
        return None;
    };
    let config = config.located(connections);
    let mut slots = place::slots(&config, connections, problems)?;
    let is_create = prior.is_null();
    // The id of a new secret follows from its whole places; for another, they are asked for when there is something to do.
    if is_create {
        slots = located(configured, &config, &slots, permit, problems).await?;
    }
    let is_replacement = request.prior.is_null() && !is_create;
    let id = match prior.get("id").as_str() {
        Some(id) => id.to_owned(),
        None => place::derive_id(configured.namespace.as_deref().unwrap_or_default(), &config, &slots),
    };
    let mut state = State::read(prior);
    let held = state.ledger.deliveries().values().map(|delivery| delivery.slot.clone());
    let _turn = configured
        .neighbours
        .turn(&id, texts(&slots).into_values().chain(held))
        .await;
    if is_create && !configured.neighbours.first_create(&id) {
        let held: Vec<String> = texts(&slots).into_values().collect();
        problems.error(
            Path::root(),
            format!("Two resources are the same secret {}", config.name),
            format!(
                "Another rotation_secret of this run has the same namespace, name, source and targets (id {id}; {}), and was \
                 created first. Nothing was minted or changed for this one: remove one of the two.",
                held.join(", ")
            ),
        );
        return None;
    }
    let before = config_in_state(prior).map(|before| before.located(connections));
    state.id.clone_from(&id);
    let policies = Policies::of_state(prior)
        .map_err(|unreadable| problems.extend(unreadable))
        .ok()?;
    let mut decision = decide(&state, before.as_ref(), &config, &policies, &slots);
    // What an earlier create left undone is done first: its error tainted what is in place.
    let resumes = decision.finish || !decision.retag.is_empty();
    if is_replacement && decision.rotate == Rotate::No && !resumes {
        decision = decision.rotated(&config, "replaced");
    }
    if is_create {
        decision.rotate = Rotate::Yes {
            reason: FIRST_CREATE.to_owned(),
            scheduled: false,
        };
    }
    let now = configured.clock.now();
    reschedule(&mut state, before.as_ref(), &config);
    if decision.rotate == Rotate::AtApply {
        decision = decide_now(decision, &state, &config, now);
    }
    if let Some(planned) = request.planned.get("generation").as_u64()
        && !request.prior.is_null()
        && planned != decision.generation
    {
        problems.error(
            Path::root(),
            "The plan and this apply disagree",
            format!(
                "The plan leads to generation {planned}, the state and the configuration now lead to {}. Nothing was \
                 changed; plan again.",
                decision.generation
            ),
        );
        return None;
    }
    state.ledger = decision.ledger.clone();
    state.notices.clone_from(&decision.notices);
    let unreachable = state.unreachable();
    for target in &decision.forget {
        state.ledger.record(Event::Dropped { target: target.clone() });
    }
    if !decision.acts() {
        finish_quietly(&mut state, !decision.notices_change, &config, now);
        return Some(state.write_over(request.planned.clone()));
    }
    let rotates = matches!(decision.rotate, Rotate::Yes { .. });
    if let Rotate::Yes { reason, .. } = &decision.rotate {
        state.last_rotation = Some(receipt(configured, reason.clone(), now));
    }
    // A create is planned without knowing whether it replaces or resumes something.
    if let (true, Some(receipt), Some(planned)) = (
        request.prior.is_null(),
        &mut state.last_rotation,
        request.planned.get("last_rotation").get("reason").as_str(),
    ) {
        planned.clone_into(&mut receipt.reason);
    }
    if !is_create {
        slots = located(configured, &config, &slots, permit, problems).await?;
    }
    if place::misplaced(&slots, &state.ledger, &config, problems) {
        return None;
    }
    let adapters = place::connect(&config, &slots, vendors.as_ref(), problems)?;
    let goal = goal(&decision, &config, is_create);
    let goal_is_empty = goal.targets.is_empty();
    let mut job = adapters.into_job(&id, &config, vendors, configured.clock, is_create);
    job.unreachable = unreachable;
    let stored = State::read(prior);
    let leaving = leaving(&stored, before.as_ref(), &slots);
    job.leaving = place::connect_leaving(&leaving, &state.ledger, vendors.as_ref());
    let stop = &configured.stop;
    let healed = room::made(&decision, &config, &job, stop, permit).await;
    let outcome = match healed {
        Some(healed) if !healed.failures.is_empty() || healed.interrupted => healed,
        healed => {
            let ledger = healed.map_or_else(|| state.ledger.clone(), |healed| healed.ledger);
            executor::run(&job, goal, ledger, stop, permit).await
        }
    };
    if is_create && !outcome.delivered && (!outcome.failures.is_empty() || outcome.interrupted) {
        return undo_create(&job, outcome, state, &config, request, permit, problems).await;
    }
    let previous_receipt = stored.last_rotation.clone();
    let rotation_began = outcome.ledger.generation() != decision.ledger.generation();
    if rotates && !rotation_began && !is_create {
        // Nothing was minted: the receipt on record is still that of the generation in place.
        state.last_rotation = previous_receipt;
    }
    let failed = !outcome.failures.is_empty() || outcome.interrupted;
    absorb(&mut state, &outcome, &decision, &config);
    begin_overlap(&mut state, &config, configured.clock.now());
    if failed && !is_create && !rotation_began {
        half_reworded(&mut state, &decision);
    }
    let mut seen = Sightings {
        own: outcome.own.clone(),
        ..Sightings::on_record(&stored)
    };
    let issuer = config.source.issuer.to_string();
    let answered = Some(issuer.as_str()).filter(|_| !failed);
    let told = decision.notices.iter().filter(|notice| notice.code.is_of_a_look());
    let held = told.filter(|notice| still_holds(notice, &decision.ledger, &state.ledger, answered));
    seen.notices = held.cloned().collect();
    let retagged = |target: &String| decision.retag.contains(target) || !goal_is_empty;
    seen.untagged.retain(|target, _| !retagged(target));
    let untagged = outcome.untagged.iter();
    seen.untagged
        .extend(untagged.map(|target| (target.clone(), UNTAGGED.to_owned())));
    outlook(&mut state, &config, &seen, configured.clock.now());
    wait_aloud(&mut state, &outcome, &config, problems);
    if failed {
        remember_what_failed(&mut state, &outcome, &decision);
        report(&outcome, &state, &config, request.prior.is_null(), problems);
    } else {
        state.pending.clear();
    }
    configured.neighbours.leave(&id, state.ledger.clone());
    warn(&outcome, &config, problems);
    // What a begun rotation has answered (rotate_now, a trigger, another source) must not ask for a second one: the ledger
    // says what is left of it. Anything else that failed is asked for again by the arguments that stay as they were.
    let base = if failed && !request.prior.is_null() && !rotation_began {
        request.prior.clone()
    } else {
        request.planned.clone()
    };
    Some(state.write_over(base))
}

/// The slots with everything that only a call tells of their places. Where it cannot be told, everything else that bars the run is
/// reported, too.
async fn located(
    configured: &Configured,
    config: &Config,
    slots: &BTreeMap<String, Address>,
    permit: &WritePermit,
    problems: &mut Diagnostics,
) -> Option<BTreeMap<String, Address>> {
    let vendors = configured.vendors.as_ref()?;
    let failure = match place::complete(slots, vendors.as_ref()).await {
        Ok(slots) => return Some(slots),
        Err(failure) => failure,
    };
    let adapters = place::connect(config, slots, vendors.as_ref(), problems)?;
    let job = adapters.into_job("", config, vendors, configured.clock, true);
    for failure in executor::obstacles(&job, failure, &configured.stop, permit).await {
        problems.push(diagnostic(&failure, config, &without_effect(&failure)));
    }
    None
}

/// A changed schedule moves the anchor.
fn reschedule(state: &mut State, before: Option<&Config>, config: &Config) {
    let changed = before.is_some_and(|before| before.schedule.every != config.schedule.every);
    if changed {
        state.rotate_after = match (config.schedule.every, state.rotated_at) {
            (Some(every), Some(at)) => Some(schedule::next_anchor(every, None, at)),
            _ => None,
        };
    }
}

/// Resolves what the plan left to the clock.
fn decide_now(mut decision: Decision, state: &State, config: &Config, now: jiff::Timestamp) -> Decision {
    decision.rotate = Rotate::No;
    if let Some(reason) = due(state, config, &Sightings::default(), now) {
        decision = decision.rotated(config, &reason);
    }
    decision
}

/// An update of arguments that no vendor needs to hear of. `as_told`: the plan promised that the notices stay.
fn finish_quietly(state: &mut State, as_told: bool, config: &Config, now: jiff::Timestamp) {
    let notices = state.notices.clone();
    let seen = Sightings::on_record(state);
    outlook(state, config, &seen, now);
    if as_told {
        state.notices = notices;
    }
    state.pending.clear();
}

fn receipt(configured: &Configured, reason: String, now: jiff::Timestamp) -> Receipt {
    Receipt {
        reason,
        started_at: Some(now),
        actor: configured.actor.clone(),
        commit: configured.commit.clone(),
        ..Receipt::default()
    }
}

/// The decision in the engine's terms.
pub(super) fn goal(decision: &Decision, config: &Config, is_create: bool) -> Goal {
    let traits = config.source.config.traits();
    let rotates = matches!(decision.rotate, Rotate::Yes { .. });
    let touches_targets = rotates
        || decision.finish
        || !decision.write.is_empty()
        || !decision.activate.is_empty()
        || !decision.retag.is_empty();
    // What an interrupted rotation has not reached is written anyway.
    let rewrites = |key: &String| {
        let held = decision.ledger.delivery(key);
        held.is_some_and(|delivery| delivery.holds(decision.generation))
    };
    // What is gone cannot be written, and what drifted stays as it is where only a report is wanted.
    let is_left_alone = |key: &String| match decision.ledger.status(key) {
        Some(DeliveryStatus::Gone) => true,
        Some(DeliveryStatus::Changed | DeliveryStatus::Missing) => !config.heal && !decision.write.contains(key),
        _ => false,
    };
    let wanted = config.targets.iter();
    let wanted = wanted.filter(|(key, _)| touches_targets && !is_left_alone(key));
    let targets = wanted.map(|(key, target)| {
        let goal = TargetGoal {
            wave: target.wave,
            write: !rotates && decision.write.contains(key) && (!decision.finish || rewrites(key)),
            activates: target.config.traits().activation == Activation::Itself,
            follow_up: target.config.traits().follow_up,
            activate: decision.retag.contains(key),
        };
        (key.clone(), goal)
    });
    let of = |phase| config.checks.values().filter(move |check| check.phase == phase);
    let presented = of(Phase::Delivered).filter(|check| check.presents_new());
    Goal {
        generation: (!is_create).then_some(decision.generation),
        may_mint: rotates,
        may_recover: is_create || !rotates,
        repeat_first: decision.value_lost,
        max_live: traits.max_live,
        replaces: traits.replaces,
        revocable: !config.revoke_by_hand,
        targets: targets.collect(),
        checked_waves: of(Phase::Delivered).map(|check| check.wave).collect(),
        presented_waves: presented.map(|check| check.wave).collect(),
        has_preflight: of(Phase::Preflight).next().is_some(),
        has_revoked_checks: of(Phase::Revoked).next().is_some(),
        presents_after_revocation: of(Phase::Revoked).any(CheckEntry::presents_new),
        recheck_revoked: decision.recheck,
        remove: decision.remove.clone(),
        revoke: decision.revoke.clone(),
        revoke_at_once: (rotates || decision.finish) && config.overlap.is_zero(),
    }
}

/// Takes over what the run found out.
fn absorb(state: &mut State, outcome: &Outcome, decision: &Decision, config: &Config) {
    state.ledger = outcome.ledger.clone();
    if let Some(public) = &outcome.public {
        state.public.clone_from(public);
    }
    let renewed = matches!(decision.rotate, Rotate::Yes { .. }) || decision.finish;
    if let Some(at) = outcome.promoted_at.filter(|_| renewed) {
        let scheduled = matches!(decision.rotate, Rotate::Yes { scheduled: true, .. });
        let anchor = state.rotate_after.filter(|_| scheduled);
        state.rotate_after = config
            .schedule
            .every
            .map(|every| schedule::next_anchor(every, anchor, at));
        state.rotated_at = Some(at);
    }
    let Some(receipt) = &mut state.last_rotation else {
        return;
    };
    let results = outcome.proofs.iter().map(|proof| CheckResult {
        name: proof.check.clone(),
        verdict: if proof.passed { Verdict::Passed } else { Verdict::Failed },
        seconds: proof.seconds,
    });
    if renewed {
        if outcome.promoted_at.is_some() {
            receipt.finished_at = outcome.promoted_at;
        }
        receipt.checks = results.collect();
    } else if decision.proves_revocation(config) {
        let after_revocation = |name: &str| {
            config
                .checks
                .get(name)
                .is_some_and(|check| check.phase == Phase::Revoked)
        };
        receipt.checks.retain(|known| !after_revocation(&known.name));
        receipt
            .checks
            .extend(results.filter(|result| after_revocation(&result.name)));
    }
    receipt.revoked.extend(outcome.revoked.iter().cloned());
    let cut_off = outcome.interrupted || !outcome.failures.is_empty();
    if cut_off && (!outcome.revoked.is_empty() || decision.recheck) {
        let ran = |name: &String| outcome.proofs.iter().any(|proof| proof.check == *name);
        receipt.awaits(config.after_revocation().filter(|name| !ran(name)).cloned());
    }
}

/// A failed run leaves the old arguments in state: an entry that got another text already does not hold what they ask for.
fn half_reworded(state: &mut State, decision: &Decision) {
    for key in &decision.reworded {
        let before = decision.ledger.deliveries().get(key).map(|delivery| &delivery.revision);
        let rewritten = state.ledger.delivery(key).is_some_and(|delivery| {
            delivery.status != DeliveryStatus::Unknown && before.is_some_and(|before| *before != delivery.revision)
        });
        if rewritten {
            state.ledger.record(Event::Outdated { target: key.clone() });
        }
    }
}

/// The next plan must know what this run could not do.
fn remember_what_failed(state: &mut State, outcome: &Outcome, decision: &Decision) {
    let mentions =
        |pending: &[Pending], wanted: &Pending| pending.iter().any(|known| known.to_string() == wanted.to_string());
    if outcome.value_lost {
        let reason = format!("{VALUE_LOST} {} cannot be recovered", decision.generation);
        state.pending.insert(0, Pending::Rotate { reason });
        return;
    }
    let nothing_began = outcome.ledger.generation() == decision.ledger.generation();
    if let Rotate::Yes { reason, .. } = &decision.rotate
        && nothing_began
        && decision.ledger.generation() > 0
    {
        let again = Pending::Rotate { reason: reason.clone() };
        if !state
            .pending
            .iter()
            .any(|known| matches!(known, Pending::Rotate { .. }))
        {
            state.pending.insert(0, again);
        }
        return;
    }
    for key in &decision.write {
        let written = outcome
            .ledger
            .delivery(key)
            .is_some_and(|d| d.holds(outcome.ledger.generation()));
        let wanted = Pending::Deliver {
            target: key.clone(),
            reason: "the last apply did not reach it".to_owned(),
        };
        if !written && state.ledger.is_finished() && !mentions(&state.pending, &wanted) {
            state.pending.push(wanted);
        }
    }
}

/// How a rotation's reason begins whose predecessor's value could not be had.
pub(super) const VALUE_LOST: &str = "the value of generation";

/// What is left of a write whose tags or labels could not be set.
const UNTAGGED: &str = "its tags could not be set";

/// Notes and warns of every revocation that was due and waits.
fn wait_aloud(state: &mut State, outcome: &Outcome, config: &Config, problems: &mut Diagnostics) {
    for (generation, reasons) in &outcome.waiting {
        let id = state
            .ledger
            .credential(*generation)
            .and_then(|known| known.credential_id.clone());
        let Some(id) = id else { continue };
        let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
        let text = format!("Generation {generation} ({id}) is not revoked: {}.", reasons.join("; "));
        problems.warning(
            place::path_of(&Site::Source, Some(config)),
            format!("{}: revoke_waits", config.name),
            format!("{text} The next apply looks again."),
        );
        let known = |notice: &Notice| notice.code == NoticeCode::RevokeWaits && notice.subject == id;
        state.notices.retain(|notice| !known(notice));
        state.notices.push(Notice {
            code: NoticeCode::RevokeWaits,
            subject: id,
            text,
        });
    }
    state.notices.sort();
}

/// Every failure at its path, with what exists now and what comes next.
fn report(outcome: &Outcome, state: &State, config: &Config, is_create: bool, problems: &mut Diagnostics) {
    let situation = text::situation(state);
    let next = if is_create {
        text::TAINTED.to_owned()
    } else {
        text::next(state)
    };
    for failure in &outcome.failures {
        problems.push(diagnostic(
            failure,
            config,
            &format!("{}\n\n{situation}\n{next}", failure.detail),
        ));
    }
    if outcome.interrupted && outcome.failures.is_empty() {
        problems.error(
            Path::root(),
            "Interrupted",
            format!("The call in flight was finished and no new step was begun.\n\n{situation}\n{next}"),
        );
    }
}

/// What failed before anything was done.
fn without_effect(failure: &Failure) -> String {
    if failure.detail.contains("othing was minted or changed") {
        failure.detail.clone()
    } else {
        format!("{}\n\nNothing was minted or changed.", failure.detail)
    }
}

fn diagnostic(failure: &Failure, config: &Config, detail: &str) -> Diagnostic {
    let path = place::path_of(&failure.site, Some(config));
    Diagnostic::error(path, &failure.summary, detail)
}

fn warn(outcome: &Outcome, config: &Config, problems: &mut Diagnostics) {
    for warning in &outcome.warnings {
        problems.warning(
            place::path_of(&warning.site, Some(config)),
            &warning.summary,
            &warning.detail,
        );
    }
}

/// A create that reached no target: what it minted is revoked, and no state remains. After an interrupt nothing new is begun.
async fn undo_create(
    job: &executor::Job,
    outcome: Outcome,
    mut state: State,
    config: &Config,
    request: &ApplyRequest,
    permit: &WritePermit,
    problems: &mut Diagnostics,
) -> Option<Value> {
    let Some(minted) = outcome.minted else {
        for failure in &outcome.failures {
            problems.push(diagnostic(failure, config, &without_effect(failure)));
        }
        if outcome.interrupted {
            problems.error(Path::root(), "Interrupted", "Nothing was minted or changed.");
        }
        return None;
    };
    if outcome.interrupted {
        state.ledger = outcome.ledger.clone();
        report(&outcome, &state, config, true, problems);
        return Some(state.write_over(request.planned.clone()));
    }
    let (undone, complete) = executor::revoke_minted(job, &outcome.ledger, minted, permit).await;
    let ending = if complete {
        format!("{undone} No target was touched, and nothing is left behind.")
    } else {
        format!("{undone} No target was touched. The next apply finds it by its label and finishes with it.")
    };
    let ending = ending.trim_start();
    for failure in &outcome.failures {
        problems.push(diagnostic(failure, config, &format!("{}\n\n{ending}", failure.detail)));
    }
    None
}

/// What a destroy and an apply share: where adapters come from, or an error that says why there are none.
pub(super) fn vendors<'c>(configured: &'c Configured, problems: &mut Diagnostics) -> Option<&'c dyn Vendors> {
    let vendors = configured.vendors.as_deref();
    if vendors.is_none() {
        problems.error(
            Path::root(),
            "The provider is not configured",
            "Terraform asked for a change before it configured the provider. Nothing was changed.",
        );
    }
    vendors
}
