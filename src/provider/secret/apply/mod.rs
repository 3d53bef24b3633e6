//! Carrying a plan out: the plan becomes a goal, the executor runs, and what is known goes back, errors or not.

mod confirmed;
mod next;
mod record;
mod report;
mod take_over;

use std::collections::BTreeMap;

use self::record::{absorb, half_reworded, lead_anew};
use self::report::{report, tell, warn};
use super::decide::{Decision, Held, HeldBy, Rotate, decide, leaving, may_replace_lost, room_taken_by};
use super::due;
use super::findings::{self, Sightings};
use super::goal::goal;
use super::intent::Intent;
use super::plan::repeated;
use super::plan::steps::{Told, steps};
use super::plan::{
    first_create, forecast, newly_awaited, refuse_restore, refuse_unconfirmed, take_over as plan_of_take_over, texts,
    warnings,
};
use super::policies::Policies;
use super::state::{Receipt, State};
use super::{adapters, capacity, config, config_in_state, destroy, identity, paths, replacement, slots, state_check};
use crate::address::Address;
use crate::call::WritePermit;
use crate::diagnostics::{Apply, Ending, names};
use crate::executor::{self, Outcome, Subject};
use crate::plugin::{ApplyRequest, ApplyResponse};
use crate::provider::Configured;
use crate::rotation::gate::InUse;
use crate::rotation::{
    Action, Cause, CredentialRecord, CredentialStatus, Event, Forecast, Notice, NoticeCode, Pending, Request, Wait,
    schedule,
};
use crate::spec::Config;
use crate::terraform::{Diagnostic, Diagnostics, Origin, Path, Value};

/// Applies a create, an update or a destroy.
pub async fn apply(configured: &Configured, request: ApplyRequest) -> ApplyResponse {
    let illegible = state_check::check(&request.prior);
    if illegible.has_errors() {
        return ApplyResponse {
            state: request.prior,
            private: request.private,
            diagnostics: illegible,
        };
    }
    if configured.read_only {
        let mut problems = Diagnostics::new();
        problems.report(Path::attribute("read_only"), Apply::ReadOnly);
        return ApplyResponse {
            state: request.prior,
            private: request.private,
            diagnostics: problems,
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

/// What stays the same during one change.
struct Change<'a> {
    configured: &'a Configured,
    request: &'a ApplyRequest,
    prior: &'a Value,
    permit: &'a WritePermit,
    config: Config,
    before: Option<Config>,
    policies: Policies,
    is_create: bool,
}

/// The new state; `None` when nothing was begun.
async fn change(
    configured: &Configured,
    request: &ApplyRequest,
    prior: &Value,
    permit: &WritePermit,
    problems: &mut Diagnostics,
) -> Option<Value> {
    let config = config::read(&request.config, Origin::Configuration, problems);
    let (Some(config), Some(connections), Some(vendors)) =
        (config, configured.connections.as_ref(), configured.vendors.as_ref())
    else {
        if !problems.has_errors() {
            problems.report(Path::root(), Apply::UnknownValues);
        }
        return None;
    };
    let config = config.located(connections);
    let mut slots = slots::slots(&config, connections, problems)?;
    let is_create = prior.is_null();
    let takes_over = plan_of_take_over::is_asked(&config, prior);
    let adopts = config.adopt.is_some() && !takes_over;
    let cause = request.planned.get("last_rotation").get("cause").as_str();
    if adopts && request.prior.is_null() && cause == Some(Cause::Adopted.as_str()) {
        take_over::refuse_replacement(&config, prior, problems);
        return None;
    }
    // The id of a new secret follows from its whole places; for another, they are asked for when there is something to do.
    if is_create || takes_over {
        slots = located(configured, &config, &slots, permit, problems).await?;
    }
    let incident = configured.incident.known();
    let config = config.exposed_by(incident, &slots);
    let id = match prior.get("id").as_str() {
        Some(id) => id.to_owned(),
        None => identity::derive_id(configured.namespace.as_deref().unwrap_or_default(), &config, &slots),
    };
    let mut state = State::read(prior);
    let held = state.ledger.deliveries().values();
    let held = held.map(|delivery| slots::claim_on_record(&delivery.slot));
    let _turn = configured
        .run_registry
        .turn(&id, slots.values().map(slots::claim_of).chain(held))
        .await;
    if (is_create || takes_over) && !configured.run_registry.first_create(&id) {
        twin(&config, &slots, &id, problems);
        return None;
    }
    if takes_over {
        return take_over::take_over(configured, request, &config, id, &slots, problems).await;
    }
    state.id.clone_from(&id);
    let parked_in = |config: Config| config.parked_in(configured.escrow.known(), &id, connections);
    let config = parked_in(config);
    let change = Change {
        before: config_in_state(prior)
            .map(|before| parked_in(before.located(connections).exposed_by(incident, &slots))),
        policies: Policies::of_state(prior)
            .map_err(|unreadable| problems.extend(unreadable))
            .ok()?,
        configured,
        request,
        prior,
        permit,
        config,
        is_create,
    };
    let decision = change.decide(&mut state, &slots);
    if change.is_stale(&decision, problems) {
        return None;
    }
    if refuse_unconfirmed(&change.config, &decision, problems) || refuse_restore(&change.config, &decision, problems) {
        return None;
    }
    if let Some(opens) = change.closed_since(&state, &decision) {
        return Some(change.wait_for_window(state, &opens, &slots, problems));
    }
    if confirmed::refused(&state, &decision, &change.config, vendors.as_ref(), problems).await {
        return None;
    }
    state.steps = change.steps(&state, &decision, &slots);
    let handled = match is_create {
        true => incident.map(|incident| incident.id.clone()),
        false => decision
            .handles(&state, &change.config)
            .map(|incident| incident.id.clone()),
    };
    state.incidents.extend(handled);
    state.ledger = decision.ledger.clone();
    state.notices.clone_from(&decision.notices);
    for target in &decision.forget {
        state.ledger.record(Event::Dropped { target: target.clone() });
    }
    if !decision.acts() {
        if decision.reconnected {
            slots = located(configured, &change.config, &slots, permit, problems).await?;
            if slots::misplaced(&slots, &state.ledger, &change.config, problems) {
                return None;
            }
        }
        return Some(change.finish_quietly(state, &decision, &slots, problems));
    }
    change.run(state, decision, slots, problems).await
}

fn twin(config: &Config, slots: &BTreeMap<String, Address>, id: &str, problems: &mut Diagnostics) {
    let held: Vec<String> = texts(slots).into_values().collect();
    let same = Apply::SameSecret {
        secret: config.name.clone(),
        id: id.to_owned(),
        entries: names(held.iter().map(|slot| super::texts::entry(slot).noun)),
    };
    problems.report(Path::root(), same);
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
    let failure = match slots::complete(slots, vendors.as_ref()).await {
        Ok(slots) => return Some(slots),
        Err(failure) => failure,
    };
    let adapters = adapters::connect(config, slots, vendors.as_ref(), problems)?;
    let job = adapters.into_job("", config, vendors, configured.clock, true);
    let failures = executor::obstacles(&job, failure, &configured.stop, permit).await;
    tell(
        &failures,
        config,
        &Ending::Untouched,
        &configured.run_registry,
        problems,
    );
    None
}

impl Change<'_> {
    /// The decision, with what only the clock tells. A changed schedule moves the anchor in `state`.
    fn decide(&self, state: &mut State, slots: &BTreeMap<String, Address>) -> Decision {
        let (config, before) = (&self.config, self.before.as_ref());
        let mut decision = decide(state, before, config, &self.policies, slots);
        if self.is_create {
            return decision.rotated(config, first_create());
        }
        // What an earlier create left undone is done first: its error tainted what is in place.
        let is_replacement = self.request.prior.is_null();
        let resumes = decision.finish || !decision.retag.is_empty();
        if is_replacement && decision.rotate == Rotate::No && !resumes {
            let unconfirmed = config
                .guard
                .as_ref()
                .is_some_and(|guard| !guard.permits(decision.ledger.highest() + 1));
            decision = decision.rotated(config, Request::new(Cause::Requested, "replaced"));
            decision.unconfirmed = unconfirmed;
        }
        let every_changed = before.is_some_and(|before| before.schedule.every != config.schedule.every);
        if every_changed {
            state.rotate_after = match (config.schedule.every, state.rotated_at) {
                (Some(every), Some(at)) => Some(schedule::next_anchor(every, None, at)),
                _ => None,
            };
        }
        let now = self.configured.clock.now();
        let is_clock_right = !state.notices.iter().any(|notice| notice.code == NoticeCode::Clock);
        if decision.rotate == Rotate::AtApply {
            decision.rotate = Rotate::No;
            if let Some(request) = due::due(state, config, now).filter(|_| is_clock_right) {
                let coming = decision.ledger.highest() + 1;
                let is_guarded = config.guard.as_ref().is_some_and(|guard| !guard.permits(coming));
                let by = match (is_guarded, due::opening(state, config, now)) {
                    _ if config.source.is_supplied() => None,
                    (true, _) => Some(HeldBy::Guard),
                    (false, Some(_)) => Some(HeldBy::Window),
                    (false, None) => room_taken_by(&decision, config).map(HeldBy::Room),
                };
                if let Some(by) = by {
                    decision.held = Some(Held { request, by });
                } else if config.source.is_supplied() {
                    decision.awaits = Some(request);
                } else {
                    decision = decision.rotated(config, request);
                }
            }
        }
        if decision.revokes_at_apply {
            decision.revokes_at_apply = false;
            let moved = State {
                ledger: decision.ledger.clone(),
                ..State::default()
            };
            let ended = due::revocations(&moved, config, now);
            let may = |generation: &u64| {
                let known = decision.ledger.credential(*generation);
                known.is_some_and(|known| !known.is_issued() || super::revocable::can_be_revoked(known))
            };
            let ended = ended.into_iter().filter(|_| is_clock_right);
            decision.revoke.extend(ended.filter(may));
        }
        decision
    }

    /// Whether the plan leads elsewhere; reports it.
    fn is_stale(&self, decision: &Decision, problems: &mut Diagnostics) -> bool {
        let planned = self.request.planned.get("generation").as_u64();
        let Some(planned) = planned.filter(|_| !self.request.prior.is_null()) else {
            return false;
        };
        let stale = planned != decision.generation;
        if stale {
            let now = decision.generation;
            problems.report(Path::root(), Apply::StalePlan { planned, now });
        }
        stale
    }

    /// When the window opens again for a rotation that the plan began while it was open.
    fn closed_since(&self, state: &State, decision: &Decision) -> Option<String> {
        let now = self.configured.clock.now();
        let waits = decision.needs_window && decision.rotates();
        waits.then(|| due::opening(state, &self.config, now)).flatten()
    }

    /// Leaves everything as it was, and says when the planned rotation can begin.
    fn wait_for_window(
        &self,
        mut state: State,
        opens: &str,
        slots: &BTreeMap<String, Address>,
        problems: &mut Diagnostics,
    ) -> Value {
        let closed = Apply::WindowClosed {
            secret: self.config.name.clone(),
            opens: opens.to_owned(),
        };
        problems.report(Path::attribute("rotation").then_attribute("window"), closed);
        let before = self.before.as_ref().unwrap_or(&self.config);
        let seen = Sightings::on_record(&state);
        self.describe(&mut state, before, seen, slots);
        state.write_over(self.prior.clone())
    }

    /// The steps that the plan showed; where it could not know them, those of the decision.
    fn steps(&self, state: &State, decision: &Decision, slots: &BTreeMap<String, Address>) -> Vec<String> {
        if let Some(planned) = self.request.planned.get("steps").as_list() {
            let lines = planned.iter().filter_map(|line| line.as_str().map(str::to_owned));
            return lines.collect();
        }
        let course = forecast::course(&state.id, &self.config, slots, decision, self.is_create);
        steps(&self.told(state, decision, slots, &course))
    }

    fn told<'a>(
        &'a self,
        state: &'a State,
        decision: &'a Decision,
        slots: &'a BTreeMap<String, Address>,
        course: &'a Forecast,
    ) -> Told<'a> {
        Told {
            state,
            config: &self.config,
            slots,
            decision,
            course,
            is_create: self.is_create,
        }
    }

    /// What `pending` and `notices` say after a run that left `state`, by the configuration that goes into the state with it.
    fn describe(&self, state: &mut State, stored: &Config, seen: Sightings, slots: &BTreeMap<String, Address>) {
        let now = self.configured.clock.now();
        findings::describe(state, stored, &self.policies, slots, seen, now);
    }

    /// An update of arguments that no vendor needs to hear of.
    fn finish_quietly(
        &self,
        mut state: State,
        decision: &Decision,
        slots: &BTreeMap<String, Address>,
        problems: &mut Diagnostics,
    ) -> Value {
        let stored = State::read(self.prior);
        self.note_what_is_awaited(&mut state, &stored, decision);
        let planned = self.request.planned.get("notices");
        let kept = planned.as_list().is_some().then(|| stored.notices.clone());
        let seen = Sightings::on_record(&state);
        self.describe(&mut state, &self.config, seen, slots);
        if let Some(kept) = kept {
            state.notices = kept;
        } else {
            warnings::notices(&self.config.name, &state.notices, problems);
        }
        if decision.incident.is_some() && decision.awaits.is_some() && stored.incidents != state.incidents {
            report::still_exposed(&self.config.name, &state.notices, problems);
        }
        state.pending.clear();
        if !self.request.planned.get("next_action_at").has_unknown() {
            state.next_action_at = State::read(&self.request.planned).next_action_at;
        }
        state.write_over(self.request.planned.clone())
    }

    /// A rotation that somebody asked for, and that waits for a value, stays open on record.
    fn note_what_is_awaited(&self, state: &mut State, stored: &State, decision: &Decision) {
        if let Some(awaited) = newly_awaited(stored, decision) {
            state.last_rotation = Some(self.receipt(awaited, decision));
        }
        state.awaits_value = decision.awaits.is_some();
    }

    fn receipt(&self, request: &Request, decision: &Decision) -> Receipt {
        Receipt {
            actor: self.configured.actor.clone(),
            commit: self.configured.commit.clone(),
            ..Receipt::begun(request, decision.incident, self.configured.clock.now())
        }
    }

    async fn run(
        &self,
        mut state: State,
        decision: Decision,
        mut slots: BTreeMap<String, Address>,
        problems: &mut Diagnostics,
    ) -> Option<Value> {
        let (configured, config, permit, request) = (self.configured, &self.config, self.permit, self.request);
        let vendors = configured.vendors.as_ref()?;
        let stored = State::read(self.prior);
        if let Rotate::Yes(request) = &decision.rotate {
            state.last_rotation = Some(self.receipt(request, &decision));
        }
        // A create is planned without knowing whether it replaces or resumes something.
        if request.prior.is_null() {
            self.keep_the_planned_reason(&mut state);
        }
        if !self.is_create {
            slots = located(configured, config, &slots, permit, problems).await?;
        }
        if slots::misplaced(&slots, &state.ledger, config, problems) {
            return None;
        }
        let adapters = adapters::connect(config, &slots, vendors.as_ref(), problems)?;
        let wanted = goal(&decision, config, self.is_create);
        let goal_is_empty = wanted.targets.is_empty();
        let mut job = adapters.into_job(&state.id, config, vendors, configured.clock, self.is_create);
        job.unreachable = state.unreachable();
        job.public.clone_from(&state.public);
        job.shared_work = configured.shared_work.clone();
        if decision.incident.is_some() {
            job.window = None;
        }
        let leaving = leaving(&stored, self.before.as_ref(), &slots);
        job.leaving = adapters::connect_leaving(&leaving, &state.ledger, vendors.as_ref());
        self.connect_escrow(&mut job, &state, problems).await?;
        let stop = &configured.stop;
        let course = forecast::course(&state.id, config, &slots, &decision, self.is_create);
        let healed = capacity::make_room(&decision, &course, config, &job, stop, permit).await;
        let outcome = match healed {
            Some(healed) if !healed.failures.is_empty() || healed.interrupted => healed,
            Some(healed) => {
                let outcome = executor::run(&job, wanted, healed.ledger.clone(), stop, permit).await;
                outcome.after(healed)
            }
            None => executor::run(&job, wanted, state.ledger.clone(), stop, permit).await,
        };
        let failed = !outcome.failures.is_empty() || outcome.interrupted;
        if failed {
            let lines = self.told(&stored, &decision, &slots, &course).lines();
            let planned = std::mem::take(&mut state.steps);
            state.steps = repeated::begun(planned, &lines, &outcome.begun, &stored.steps);
        }
        if self.is_create && !outcome.delivered && failed {
            return self.undo_create(&job, outcome, state, problems).await;
        }
        let rotation_began = outcome.ledger.generation() != decision.ledger.generation();
        if let Rotate::Yes(request) = &decision.rotate
            && !rotation_began
            && !self.is_create
        {
            // Nothing was minted. What somebody asked for stays open; else the record is still that of the generation in place.
            let keeps = failed && request.cause.is_request() && state.ledger.is_finished();
            if !keeps {
                state.last_rotation.clone_from(&stored.last_rotation);
            }
        }
        absorb(&mut state, &outcome, &decision, config);
        lead_anew(&mut state, &decision, config, configured.clock.now());
        state.revoked = self.planned_and_revoked(&state, &decision);
        due::begin_overlap(&mut state, config, configured.clock.now());
        if failed && !self.is_create && !rotation_began {
            half_reworded(&mut state, &decision);
        }
        if !failed {
            self.note_what_is_awaited(&mut state, &stored, &decision);
        }
        // What a begun rotation has answered (rotation_reason, a trigger, another source) must not ask for a second one: the ledger
        // says what is left of it. Anything else that failed is asked for again by the arguments that stay as they were.
        let keeps_arguments = failed && !request.prior.is_null() && !rotation_began;
        let stored_config = self.before.as_ref().filter(|_| keeps_arguments).unwrap_or(config);
        let seen = self.sightings(&stored, &state, &outcome, &decision, goal_is_empty);
        remember_the_loss(&mut state, &outcome, &decision, config);
        self.describe(&mut state, stored_config, seen, &slots);
        // Only this run read the gate; what is due because of it is described as work.
        let exposed_waits = report::waiting(&mut state, &outcome);
        if failed {
            let is_create = request.prior.is_null();
            report(&outcome, &state, config, is_create, &configured.run_registry, problems);
        } else {
            state.pending.clear();
        }
        warnings::notices(&config.name, &state.notices, problems);
        if (decision.incident.is_some() || exposed_waits) && !failed {
            report::still_exposed(&config.name, &state.notices, problems);
        }
        configured.run_registry.leave(&state.id, state.ledger.clone());
        warn(&outcome, config, problems);
        let base = if keeps_arguments {
            request.prior.clone()
        } else {
            request.planned.clone()
        };
        Some(state.write_over(base))
    }

    /// Credentials that the plan lists and that are revoked now.
    fn planned_and_revoked(&self, state: &State, decision: &Decision) -> Vec<CredentialRecord> {
        let planned = self.request.planned.get("credentials").as_map().into_iter().flatten();
        let generations = planned.filter_map(|(generation, _)| generation.parse::<u64>().ok());
        let gone = generations.filter(|generation| state.ledger.credential(*generation).is_none());
        let records = gone.filter_map(|generation| decision.ledger.credential(generation));
        let revoked = records.map(|known| CredentialRecord {
            status: CredentialStatus::Disabled,
            ..known.clone()
        });
        let outnumbering = State::read(self.prior);
        let outnumbering = outnumbering.outnumbering(&state.ledger).cloned();
        revoked.chain(outnumbering).collect()
    }

    /// Connects the entry where values are parked, and the one where they were until now. `None` where one cannot be reached.
    async fn connect_escrow(&self, job: &mut executor::Job, state: &State, problems: &mut Diagnostics) -> Option<()> {
        let vendors = self.configured.vendors.as_deref()?;
        let mut reach = |why| {
            problems.push(paths::at(
                Subject::Escrow,
                &self.config,
                Diagnostic::new(Path::root(), why),
            ))
        };
        if let Some(spec) = &self.config.escrow {
            job.escrow = Some(adapters::connect_escrow(spec, vendors).await.map_err(&mut reach).ok()?);
        }
        let known = state.ledger.escrow().map(|escrow| escrow.slot.clone());
        let here = job.escrow.as_ref().map(|escrow| escrow.slot.to_string());
        if let Some(known) = known.filter(|known| here.as_ref() != Some(known)) {
            let former = adapters::connect_former_escrow(&known, vendors).await;
            job.former_escrow = Some(former.map_err(&mut reach).ok()?);
        }
        Some(())
    }

    fn keep_the_planned_reason(&self, state: &mut State) {
        let planned = self.request.planned.get("last_rotation");
        let cause = planned.get("cause").as_str().and_then(Cause::parse);
        if let (Some(receipt), Some(cause), Some(reason)) =
            (&mut state.last_rotation, cause, planned.get("reason").as_str())
        {
            receipt.cause = cause;
            reason.clone_into(&mut receipt.reason);
        }
    }

    /// What holds of earlier looks after this run, and what the run saw.
    fn sightings(
        &self,
        stored: &State,
        state: &State,
        outcome: &Outcome,
        decision: &Decision,
        goal_is_empty: bool,
    ) -> Sightings {
        let failed = !outcome.failures.is_empty() || outcome.interrupted;
        let issuer = self.config.source.issuer.to_string();
        let answered = Some(issuer.as_str()).filter(|_| !failed);
        let told = decision.notices.iter().filter(|notice| findings::is_of_a_look(notice));
        let held = told.filter(|notice| still_holds(notice, &decision.ledger, &state.ledger, answered));
        let are_sessions_over = outcome.ended_sessions && outcome.open_sessions.is_empty();
        let held = held.filter(|notice| notice.code != NoticeCode::OpenSessions || !are_sessions_over);
        let mut seen = Sightings {
            notices: held.cloned().collect(),
            ..Sightings::on_record(stored)
        };
        for (generation, reasons) in &outcome.waiting {
            let until = reasons.iter().find_map(|why| match why {
                Wait::InUse(InUse::Since { until, .. }) => Some(*until),
                _ => None,
            });
            seen.in_use.extend(until.map(|until| (*generation, until)));
        }
        for generation in &outcome.own {
            let known = state.ledger.credential(*generation);
            if let Some(id) = known.and_then(|known| known.credential_id.clone()) {
                seen.notices.push(findings::own_credential(*generation, id));
            }
        }
        let retagged = |target: &String| decision.retag.contains(target) || !goal_is_empty;
        seen.untagged.retain(|target, _| !retagged(target));
        let untagged = outcome.untagged.iter();
        seen.untagged
            .extend(untagged.map(|target| (target.clone(), UNTAGGED.to_owned())));
        seen
    }

    /// A create that reached no target: what it minted is revoked, and no state remains. After an interrupt nothing new is begun.
    async fn undo_create(
        &self,
        job: &executor::Job,
        outcome: Outcome,
        mut state: State,
        problems: &mut Diagnostics,
    ) -> Option<Value> {
        let (config, registry) = (&self.config, &self.configured.run_registry);
        let Some(minted) = outcome.minted else {
            tell(&outcome.failures, config, &Ending::Untouched, registry, problems);
            if outcome.interrupted {
                let ending = Ending::Untouched;
                problems.report(Path::root(), Apply::Interrupted { ending });
            }
            return None;
        };
        if outcome.interrupted {
            state.ledger = outcome.ledger.clone();
            report(&outcome, &state, config, true, registry, problems);
            return Some(state.write_over(self.request.planned.clone()));
        }
        let (credentials, is_complete) = executor::revoke_minted(job, &outcome.ledger, minted, self.permit).await;
        self.empty_escrow(job, &outcome, problems).await;
        let ending = Ending::Undone {
            credentials,
            is_complete,
        };
        tell(&outcome.failures, config, &ending, registry, problems);
        None
    }
}

impl Change<'_> {
    /// Deletes what a create parked that came to nothing.
    async fn empty_escrow(&self, job: &executor::Job, outcome: &Outcome, problems: &mut Diagnostics) {
        let escrow = job.escrow.as_ref().filter(|_| outcome.ledger.escrow().is_some());
        let Some(escrow) = escrow else { return };
        if let Err(error) = executor::remove_escrow(escrow, &job.id, self.permit).await {
            let left = Apply::EscrowLeft {
                entry: escrow.noun(),
                why: error.sentence(),
            };
            problems.report(Path::attribute("escrow"), left);
        }
    }
}

/// What is left of a write whose tags or labels could not be set.
const UNTAGGED: &str = "its tags could not be set";

/// Whether a notice of an earlier look still holds after a run that led from one ledger to another: a target that was written or
/// left the configuration is no longer unreachable, nor is an issuer that answered.
fn still_holds(
    notice: &Notice,
    before: &crate::rotation::Ledger,
    after: &crate::rotation::Ledger,
    answered: Option<&str>,
) -> bool {
    use crate::rotation::{DeliveryStatus, Ledger};
    match notice.code {
        NoticeCode::Unreachable => {}
        NoticeCode::OwnCredential => return false,
        NoticeCode::WasInState => return after.is_taken_over(),
        NoticeCode::Gone => {
            let newest = after.credential(after.generation());
            return newest.is_some_and(|known| known.issuer == notice.subject);
        }
        _ => return true,
    }
    let it = |ledger: &Ledger, statuses: &dyn Fn(DeliveryStatus) -> bool| {
        let mut deliveries = ledger.deliveries().iter();
        deliveries
            .any(|(key, known)| (key == &notice.subject || known.slot == notice.subject) && statuses(known.status))
    };
    if it(before, &|_| true) {
        return it(after, &|status| status == DeliveryStatus::Unknown);
    }
    answered != Some(notice.subject.as_str())
}

/// The next plan must know that the value cannot be recovered.
fn remember_the_loss(state: &mut State, outcome: &Outcome, decision: &Decision, config: &Config) {
    state.pending.retain(|known| known.action != Action::Rotate);
    if outcome.value_lost && may_replace_lost(config, &state.ledger) {
        let generation = decision.generation;
        let reason = format!("the value of generation {generation} cannot be recovered, so the secret will be rotated");
        let request = Request::new(Cause::ValueLost, reason);
        state
            .pending
            .push(Pending::rotation(state.ledger.highest() + 1, &request));
    }
}
