//! A decision as `pending` and `notices` tell it: what an apply would do now, and what waits or needs a person.

use std::collections::{BTreeMap, BTreeSet};

use super::decide::{Decision, HeldBy, Rotate, decide, lasting_wait};
use super::due;
use super::exposure::{self, is_exposed, subject_of};
use super::policies::Policies;
use super::revocable::{is_replaced, is_revoked_by_hand};
use super::state::{State, Verdict, left_subject, unreachable_targets};
use super::texts;
use jiff::Timestamp;

use crate::address::Address;
use crate::rotation::gate::InUse;
use crate::rotation::{
    Action, Cause, CredentialRecord, CredentialStatus, DeliveryStatus, Ledger, Notice, NoticeCode, Pending, Request,
    Wait,
};
use crate::source;
use crate::spec::Config;
use crate::target::Activation;

/// What a run or a refresh saw that the ledger cannot hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Sightings {
    /// Targets whose markers two writes may share.
    pub coarse: BTreeSet<String>,
    /// Targets that hold the value, but whose tags or labels could not be set, and why.
    pub untagged: BTreeMap<String, String>,
    /// What only a look at the vendors tells.
    pub notices: Vec<Notice>,
    /// Older generations that have to be unused for some time before they are revoked, and until when nobody may use them.
    pub in_use: BTreeMap<u64, Timestamp>,
}

impl Sightings {
    /// What an earlier look found, for an apply, which does not look again.
    pub(super) fn on_record(state: &State) -> Self {
        let passed_on = state.notices.iter().filter(|notice| is_of_a_look(notice));
        let left = state.pending.iter().filter(|known| known.action == Action::Activate);
        let untagged = left.filter_map(|known| Some((known.target.clone()?, known.reason.clone())));
        Self {
            coarse: BTreeSet::new(),
            notices: passed_on.cloned().collect(),
            untagged: untagged.collect(),
            in_use: BTreeMap::new(),
        }
    }
}

/// That older states hold the value, which stays true of what was taken over until it is rotated.
pub(super) fn was_in_state(state: &State) -> Vec<Notice> {
    let told = state
        .notices
        .iter()
        .filter(|notice| notice.code == NoticeCode::WasInState);
    let told = told.filter(|_| state.ledger.is_taken_over());
    told.cloned().collect()
}

/// Whether only a look at the vendors tells it: what became of a target's place is on its record, of an issuer there is none.
pub(super) fn is_of_a_look(notice: &Notice) -> bool {
    if notice.code == NoticeCode::WasInState {
        return true;
    }
    let of_an_issuer = notice.code == NoticeCode::Gone && notice.subject.parse::<Address>().is_ok();
    notice.code.is_of_a_look() || of_an_issuer
}

/// The checks after a revocation that have not passed, as a fact for a decision.
pub(super) fn checks_again(state: &State, config: &Config) -> Option<Pending> {
    let results = state.last_rotation.iter().flat_map(|receipt| &receipt.checks);
    let failed: BTreeSet<&str> = results
        .filter(|result| result.verdict != Verdict::Passed)
        .map(|result| result.name.as_str())
        .collect();
    let waiting: Vec<&str> = config
        .after_revocation()
        .map(String::as_str)
        .filter(|key| failed.contains(key))
        .collect();
    (state.ledger.is_finished() && !waiting.is_empty()).then(|| {
        let reason = format!("not passed since the last revocation: {}", waiting.join(", "));
        Pending::new(Action::Check, state.ledger.generation(), reason)
    })
}

/// Work that a write left at targets whose tags or labels could not be set, as facts for a decision.
pub(super) fn work_left(seen: &Sightings, config: &Config, generation: u64) -> Vec<Pending> {
    let left = seen.untagged.iter().filter(|(target, _)| {
        let known = config.targets.get(*target);
        known.is_some_and(|known| known.config.traits().follow_up)
    });
    left.map(|(target, reason)| Pending::at(Action::Activate, target, Some(generation), reason))
        .collect()
}

/// Decides by the facts at hand, as a plan of the same configuration will, and stores what follows: `pending`, `notices`,
/// `next_action_at`.
pub(super) fn describe(
    state: &mut State,
    config: &Config,
    policies: &Policies,
    slots: &BTreeMap<String, Address>,
    seen: Sightings,
    now: Timestamp,
) {
    // An earlier apply found out that the value cannot be recovered.
    let lost = state
        .pending
        .iter()
        .filter(|known| known.cause == Some(Cause::ValueLost));
    let mut facts: Vec<Pending> = lost.cloned().collect();
    // By a clock that may be wrong, nothing is due.
    let is_clock_right = !seen.notices.iter().any(|notice| notice.code == NoticeCode::Clock);
    if is_clock_right {
        facts.extend(due::facts(state, config, now, &seen.in_use));
    }
    let is_over = |subject: &String| is_clock_right && due::is_over(state, config, subject, now);
    facts.extend(checks_again(state, config));
    facts.extend(work_left(&seen, config, state.ledger.generation()));
    let waiting = |notice: &&Notice| match notice.code {
        NoticeCode::RevokeWaits => is_over(&notice.subject),
        code => matches!(code, NoticeCode::RevokeByHand | NoticeCode::Exposed),
    };
    let waiting: Vec<Notice> = state.notices.iter().filter(waiting).cloned().collect();
    state.pending = facts;
    let of_the_clock = due::notices(state, config, now);
    state.notices = seen
        .notices
        .iter()
        .cloned()
        .chain(waiting)
        .chain(of_the_clock)
        .collect();
    // Whether a value is awaited follows from the facts; what it was awaited for may be over.
    state.awaits_value = false;
    let decision = decide(state, Some(config), config, policies, slots);
    state.awaits_value = decision.awaits.is_some();
    state.notices = notices(state, &decision, config);
    let alive = exposure::still_alive(state, &decision.ledger, &decision.revoke, &decision.notices, config);
    state.notices.extend(alive);
    state.notices.sort();
    state.pending = pending(state, &decision, config);
    let room = decision.held.and_then(|held| match held.by {
        HeldBy::Room(generation) => Some(generation),
        HeldBy::Window | HeldBy::Guard => None,
    });
    state.next_action_at = due::next_action_at(state, config, now, &seen.in_use, room);
}

/// What an apply of that decision would do. `state` holds the facts that it was made by.
pub(super) fn pending(state: &State, decision: &Decision, config: &Config) -> Vec<Pending> {
    let ledger = &decision.ledger;
    let generation = decision.generation;
    let mut all = Vec::new();
    if let Some(why) = &decision.lost {
        // Whatever asked for the rotation that is under way: that its value is lost must be known by the next plan.
        all.push(Pending::rotation(
            generation,
            &Request::new(Cause::ValueLost, why.clone()),
        ));
    } else if let Rotate::Yes(request) = &decision.rotate {
        // A rotation with every apply is due neither because of time nor of drift.
        match request.cause {
            Cause::Deploy => {}
            Cause::Restored => all.push(Pending::new(Action::Restore, generation, request.reason.clone())),
            _ => all.push(Pending::rotation(generation, request)),
        }
    } else if decision.finish {
        let led = state.ledger.paused_until().filter(|_| decision.led);
        let led = led.map_or_else(String::new, |at| format!("its lead ended at {at}; "));
        all.push(Pending::new(
            Action::Finish,
            generation,
            led + &progress(decision, config),
        ));
    } else {
        for key in &decision.write {
            let reason = why_written(decision, key);
            all.push(Pending::at(Action::Deliver, key, Some(generation), reason));
        }
        for key in &decision.activate {
            let reason = format!("generation {generation} is published, but not live");
            all.push(Pending::at(Action::Activate, key, Some(generation), reason));
        }
    }
    let left = state.pending.iter().filter(|known| known.action == Action::Activate);
    let left = left.filter(|known| known.target.as_ref().is_some_and(|key| decision.retag.contains(key)));
    all.extend(left.cloned());
    for key in &decision.remove {
        let held = ledger.delivery(key).and_then(|known| known.generation);
        all.push(Pending::at(Action::Remove, key, held, "no longer in targets"));
    }
    let is_accepted = |generation: &&u64| {
        ledger
            .credential(**generation)
            .is_some_and(CredentialRecord::is_accepted)
    };
    let (accepted, kept): (Vec<&u64>, Vec<&u64>) = decision.revoke.iter().partition(is_accepted);
    for ended in kept {
        all.push(Pending::new(Action::Remove, *ended, why_revoked(decision, *ended)));
    }
    all.extend(of_escrow(decision, config));
    for revoked in accepted {
        all.push(Pending {
            credential_id: ledger
                .credential(*revoked)
                .and_then(|known| known.credential_id.clone()),
            ..Pending::new(Action::Revoke, *revoked, why_revoked(decision, *revoked))
        });
    }
    if decision.recheck {
        all.extend(checks_again(state, config));
    }
    all.dedup();
    all
}

/// Values that are parked and should not be any more, or not there.
fn of_escrow(decision: &Decision, config: &Config) -> Vec<Pending> {
    let ledger = &decision.ledger;
    let Some(escrow) = ledger.escrow().filter(|_| decision.unparks) else {
        return Vec::new();
    };
    let left = ledger.left_in_escrow();
    // No generation ends because its value leaves a place, so none is named.
    let leave = |why: &str| {
        let generations = escrow.generations.iter().map(|known| format!("generation {known}"));
        let reason = format!("{why}: {}", generations.collect::<Vec<_>>().join(", "));
        vec![Pending {
            generation: None,
            ..Pending::new(Action::Remove, ledger.generation(), reason)
        }]
    };
    if config.escrow.is_none() {
        return leave("the values of this secret are not parked any more");
    }
    if !left.is_empty() {
        let ended = left.iter();
        return ended
            .map(|known| Pending::new(Action::Remove, *known, "it has ended and is still in escrow"))
            .collect();
    }
    leave("values are parked at another place than the provider's escrow block says")
}

/// What waits or needs a person while that decision stands. `state` holds the facts that it was made by.
pub(super) fn notices(state: &State, decision: &Decision, config: &Config) -> Vec<Notice> {
    let looked = decision.notices.iter().filter(|notice| is_of_a_look(notice));
    let mut all: Vec<Notice> = looked.cloned().collect();
    if !decision.rotates() {
        of_targets(decision, config, &mut all);
    }
    of_the_clock(decision, config, &mut all);
    if let Some(awaited) = &decision.awaits {
        all.push(Notice {
            code: NoticeCode::AwaitingValue,
            subject: config.name.clone(),
            text: texts::awaiting(&awaited.reason, config),
        });
    }
    of_credentials(state, decision, config, &mut all);
    all.extend(escrow_left(&decision.ledger));
    exposed(state, decision, config, &mut all);
    all.sort();
    all.dedup_by(|one, other| one.code == other.code && one.subject == other.subject);
    all
}

/// What waits for the window, and what should have happened already.
fn of_the_clock(decision: &Decision, config: &Config, all: &mut Vec<Notice>) {
    if decision.rotates() {
        return;
    }
    let overdue = decision.notices.iter().find(|known| known.code == NoticeCode::Overdue);
    all.extend(overdue.cloned());
    let Some(held) = &decision.held else { return };
    let what = format!("The rotation ({})", held.request.reason.trim_end_matches('.'));
    match held.by {
        HeldBy::Window => {
            let subject = due::subject(held.request.cause);
            all.push(waiting_for_window(decision, &subject, config, || what.clone()));
        }
        HeldBy::Room(generation) => all.push(Notice {
            code: NoticeCode::RevokeWaits,
            subject: due::subject(held.request.cause),
            text: format!(
                "{what} waits: {}.",
                texts::no_room(config, &decision.ledger, generation)
            ),
        }),
        HeldBy::Guard => all.push(Notice {
            code: NoticeCode::Guarded,
            subject: due::subject(held.request.cause),
            text: format!(
                "{what} waits for confirmation. {}",
                texts::to_confirm(config, decision.ledger.highest() + 1)
            ),
        }),
    }
}

/// Something waits for the window. What an earlier look said of it stays.
fn waiting_for_window(decision: &Decision, subject: &str, config: &Config, what: impl Fn() -> String) -> Notice {
    let of = |subject: &str| {
        let mut told = decision
            .notices
            .iter()
            .filter(|known| known.code == NoticeCode::WaitingForWindow);
        told.find(|known| known.subject == subject)
    };
    let fact = if due::cause_in(subject).is_some() {
        due::ROTATION
    } else {
        due::REVOCATION
    };
    let text = match (of(subject), of(fact), &config.schedule.window) {
        (Some(told), _, _) => told.text.clone(),
        (None, Some(opening), _) => format!("{} waits for {}.", what(), opening.text),
        (None, None, Some(window)) => format!("{} waits for the window ({window}).", what()),
        (None, None, None) => format!("{} waits for the window.", what()),
    };
    Notice {
        code: NoticeCode::WaitingForWindow,
        subject: subject.to_owned(),
        text,
    }
}

fn of_targets(decision: &Decision, config: &Config, all: &mut Vec<Notice>) {
    for (key, delivery) in decision.ledger.deliveries() {
        let noun = texts::entry(&delivery.slot).noun;
        let mut notice = |code, text| {
            let subject = key.clone();
            all.push(Notice { code, subject, text });
        };
        if let Some(why) = decision.not_restorable.get(key) {
            let sentence = texts::sentence(why, config);
            notice(
                NoticeCode::NotRestorable,
                format!("{sentence}. {}", texts::ways_to_a_new_value(config, &decision.ledger)),
            );
        }
        if decision.guarded.contains(key) {
            let what = drift(delivery.status, delivery.detail.as_deref());
            let confirm = texts::to_confirm(config, decision.ledger.highest() + 1);
            notice(
                NoticeCode::Guarded,
                format!("{noun} was {what}. The secret is guarded, so the entry was left as it is. {confirm}"),
            );
        }
        let is_only_copy = delivery.status == DeliveryStatus::Removing && !decision.not_restorable.is_empty();
        if is_only_copy && !decision.remove.contains(key) && !decision.forget.contains(key) {
            let generation = delivery.generation.unwrap_or_default();
            notice(
                NoticeCode::NotRestorable,
                format!(
                    "{noun} is no longer in `targets`. It holds the only copy of generation {generation}, so it was not deleted."
                ),
            );
        }
        match delivery.status {
            DeliveryStatus::Changed | DeliveryStatus::Missing if decision.left_alone.contains(key) => {
                let what = drift(delivery.status, delivery.detail.as_deref());
                notice(
                    NoticeCode::Drifted,
                    format!("{noun} was {what}. on_drift is \"report\", so it was left as it is."),
                );
            }
            DeliveryStatus::Current => {
                // A roll that was stopped leaves a remark too, and what consumers load later has no roll.
                let target = config.targets.get(key).map(|target| target.config.traits().activation);
                if let Some(exposed) = delivery.detail.as_ref().filter(|_| target == Some(Activation::Later)) {
                    notice(NoticeCode::Drifted, format!("{noun}: {exposed}"));
                }
            }
            DeliveryStatus::Staged => {
                let target = config.targets.get(key).map(|target| target.config.traits().activation);
                if target == Some(Activation::Staged) {
                    let generation = delivery.generation.unwrap_or_default();
                    notice(
                        NoticeCode::Staged,
                        format!("Generation {generation} is staged: {noun}. Deploy its consumers to make it live."),
                    );
                }
            }
            DeliveryStatus::Gone => notice(
                NoticeCode::Gone,
                format!(
                    "The place of {noun} no longer exists. Remove {key} from `targets`. Until then, old credentials are not revoked."
                ),
            ),
            _ => {}
        }
    }
    // A target that was never written has no record.
    for (key, why) in &decision.not_restorable {
        if decision.ledger.delivery(key).is_none() {
            all.push(Notice {
                code: NoticeCode::NotRestorable,
                subject: key.clone(),
                text: format!(
                    "{}. {}",
                    texts::sentence(why, config),
                    texts::ways_to_a_new_value(config, &decision.ledger)
                ),
            });
        }
    }
}

/// Values of generations that have ended, which an earlier apply could not delete.
fn escrow_left(ledger: &Ledger) -> Vec<Notice> {
    let noun = ledger.escrow().map(|escrow| texts::entry(&escrow.slot).noun);
    let left = ledger.left_in_escrow().into_iter().zip(noun.into_iter().cycle());
    let left = left.map(|(generation, noun)| Notice {
        code: NoticeCode::EscrowLeft,
        subject: left_subject(generation, ledger),
        text: format!(
            "The value of generation {generation}, which has ended, is still in {noun}. The next apply deletes it."
        ),
    });
    left.collect()
}

/// Exposed credentials that may still be valid.
fn exposed(state: &State, decision: &Decision, config: &Config, all: &mut Vec<Notice>) {
    let ledger = &decision.ledger;
    for known in ledger.credentials() {
        let generation = known.generation;
        let ends = decision.revoke.contains(&generation) || decision.confirmed.contains(&generation);
        let is_dead = known.status == CredentialStatus::Disabled;
        let awaited = decision
            .awaits
            .as_ref()
            .filter(|awaited| awaited.cause == Cause::Incident);
        let is_to_follow = awaited.is_some() && generation == ledger.generation();
        let is_exposed = is_to_follow || is_exposed(state, ledger, generation, &decision.notices);
        let is_over = is_replaced(known, ledger) && !source::ends_sessions(&known.issuer);
        if !known.is_accepted() || ends || is_dead || is_over || !is_exposed {
            continue;
        }
        let notice = exposure::notice(known, config, ledger, decision.rotates());
        all.retain(|other| other.subject != notice.subject || other.code != NoticeCode::RevokeByHand);
        all.push(notice);
    }
}

fn of_credentials(state: &State, decision: &Decision, config: &Config, all: &mut Vec<Notice>) {
    let ledger = &decision.ledger;
    let due = state.due_revocations();
    let told: BTreeSet<&str> = decision
        .notices
        .iter()
        .filter(|known| {
            matches!(
                known.code,
                NoticeCode::RevokeWaits | NoticeCode::RevokeByHand | NoticeCode::WaitingForWindow
            )
        })
        .map(|known| known.subject.as_str())
        .collect();
    let unreachable = unreachable_targets(ledger, &decision.notices);
    for known in ledger.credentials() {
        let generation = known.generation;
        let subject = subject_of(known);
        let is_due = due.contains(&generation) || told.contains(subject.as_str());
        let is_own = |notice: &Notice| notice.code == NoticeCode::OwnCredential && notice.subject == subject;
        let settled = decision.revoke.contains(&generation) || decision.confirmed.contains(&generation);
        if generation == ledger.generation()
            || !(known.is_accepted() || ledger.is_parked(generation))
            || !is_due
            || settled
            || decision.revokes_at_apply
            || all.iter().any(is_own)
        {
            continue;
        }
        let credential = texts::credential(known);
        let has_ended = is_replaced(known, ledger);
        let (code, text) = if is_revoked_by_hand(known, config) {
            if has_ended {
                continue;
            }
            let place = texts::issuer(&known.issuer);
            (
                NoticeCode::RevokeByHand,
                format!(
                    "{credential} may still be valid at {place}. Revoke it there, then set `revoke {{ confirmed = {generation} }}`."
                ),
            )
        } else if decision.held_revocations.contains(&generation) {
            // An incident ends it without waiting.
            if decision.incident.is_some() {
                continue;
            }
            all.push(waiting_for_window(decision, &subject, config, || {
                let work = if has_ended {
                    "The record of the end of"
                } else if known.is_accepted() {
                    "The revocation of"
                } else {
                    "The deletion from escrow of"
                };
                format!("{work} {}", texts::generation(Some(known), generation))
            }));
            continue;
        } else if let Some(wait) = lasting_wait(ledger, &state.public, config, &unreachable) {
            (
                NoticeCode::RevokeWaits,
                match known.is_accepted() {
                    true if has_ended => format!("{credential} has ended, and stays on record: {wait}."),
                    true => format!("{credential} is not revoked yet: {wait}."),
                    false => format!("{credential} stays in escrow: {wait}."),
                },
            )
        } else if let Some(told) = decision
            .notices
            .iter()
            .find(|known| is_quiet_waited_for(known, &subject, config))
        {
            (NoticeCode::RevokeWaits, told.text.clone())
        } else {
            continue;
        };
        all.push(Notice { code, subject, text });
    }
}

/// Whether a notice says that a credential has to be unused for longer.
fn is_quiet_waited_for(notice: &Notice, subject: &str, config: &Config) -> bool {
    config.quiet_for.is_some() && notice.code == NoticeCode::RevokeWaits && notice.subject == subject
}

/// What happened to an entry.
pub(super) fn drift(status: DeliveryStatus, detail: Option<&str>) -> String {
    match status {
        DeliveryStatus::Missing => "deleted outside Terraform".to_owned(),
        _ => detail.unwrap_or("changed outside Terraform").to_owned(),
    }
}

fn why_written(decision: &Decision, key: &str) -> String {
    let Some(known) = decision.ledger.delivery(key) else {
        return "new target".to_owned();
    };
    match known.status {
        DeliveryStatus::Changed | DeliveryStatus::Missing => drift(known.status, known.detail.as_deref()),
        DeliveryStatus::Unknown => "the answer to the last write was lost".to_owned(),
        _ if decision.reworded.contains(key) => "its configuration changed".to_owned(),
        _ if known.generation.is_none() => "not written yet".to_owned(),
        _ => format!("it may not hold generation {}", decision.generation),
    }
}

fn why_revoked(decision: &Decision, generation: u64) -> String {
    let known = decision.ledger.credential(generation);
    match known.and_then(|known| known.revoke_after) {
        _ if decision.ledger.never_held(generation) => "minted by an interrupted apply, held by no target".to_owned(),
        _ if known.is_some_and(|known| is_replaced(known, &decision.ledger)) => "a newer one replaced it".to_owned(),
        Some(after) => format!("its overlap ended at {after}"),
        None => "superseded".to_owned(),
    }
}

/// How far an interrupted rotation came.
fn progress(decision: &Decision, config: &Config) -> String {
    let generation = decision.ledger.generation();
    let configured = decision.ledger.deliveries().iter();
    let configured = configured.filter(|(_, known)| known.status != DeliveryStatus::Removing);
    let (done, left): (Vec<_>, Vec<_>) = configured.partition(|(_, known)| known.holds(generation));
    let left: Vec<&str> = left.iter().map(|(key, _)| key.as_str()).collect();
    let total = done.len() + left.len();
    if left.is_empty() {
        format!(
            "delivered everywhere; remaining: {}",
            left_after_delivery(decision, config)
        )
    } else {
        format!(
            "{} of {total} targets delivered; remaining: {}",
            done.len(),
            left.join(", ")
        )
    }
}

/// What a rotation may lack whose value every target holds.
fn left_after_delivery(decision: &Decision, config: &Config) -> &'static str {
    let activates = !config.activations.is_empty() || decision.ledger.has_staged();
    let checks = config.checks.values().any(|check| check.wave().is_some());
    match (activates, checks) {
        (true, true) => "activation or checks",
        (true, false) => "activation",
        (false, true) => "checks",
        (false, false) => "to record that it is complete",
    }
}

/// A vendor's clock differs from this machine's, by which everything is due.
pub(super) fn clock(host: &str, is_ahead: bool) -> Notice {
    let direction = if is_ahead { "ahead of" } else { "behind" };
    let text = format!(
        "The clock of {host} is more than five minutes {direction} this machine's. Nothing that is due by time happens until they agree. \
         Set this machine's clock."
    );
    Notice {
        code: NoticeCode::Clock,
        subject: host.to_owned(),
        text,
    }
}

/// A credential that is due to be revoked is still in use.
pub(super) fn used(known: &CredentialRecord, last: Timestamp, until: Timestamp) -> Notice {
    let wait = Wait::InUse(InUse::Since { last, until });
    Notice {
        code: NoticeCode::RevokeWaits,
        subject: subject_of(known),
        text: format!("{} is not revoked yet: {wait}.", texts::credential(known)),
    }
}

/// Sessions go on that a credential opened which has ended: that one, or one before it of the same handle.
pub(super) fn open_sessions(known: &CredentialRecord, open: u64) -> Notice {
    let since = match known.status {
        CredentialStatus::Disabled => "was revoked",
        CredentialStatus::Current | CredentialStatus::Overlapping | CredentialStatus::Orphaned => "was made",
    };
    let (sessions, they) = match open {
        1 => ("1 session is".to_owned(), "it works until it is"),
        many => (format!("{many} sessions are"), "they work until they are"),
    };
    Notice {
        code: NoticeCode::OpenSessions,
        subject: subject_of(known),
        text: format!(
            "{sessions} still open at {} from before {} {since}: {they} closed, whatever became of the credential. Restart their clients, or \
             end the sessions yourself.",
            texts::issuer(&known.issuer),
            texts::credential(known)
        ),
    }
}

/// Sessions go on that a credential opened which an incident exposed, and which has ended.
pub(super) fn exposed_sessions(known: &CredentialRecord, open: u64, by_hand: bool) -> Notice {
    let are = match open {
        1 => "1 session is".to_owned(),
        many => format!("{many} sessions are"),
    };
    let what_next = match by_hand {
        true => "End them yourself.",
        false => "The next apply ends them.",
    };
    Notice {
        code: NoticeCode::OpenSessions,
        subject: subject_of(known),
        text: format!(
            "{are} still open at {} that {}, which an incident exposed, may have opened. {what_next}",
            texts::issuer(&known.issuer),
            texts::generation(Some(known), known.generation)
        ),
    }
}

/// The credential that this run authenticates with is due to be revoked.
pub(super) fn own_credential(generation: u64, id: String) -> Notice {
    let text = format!(
        "Generation {generation} ({id}) is not revoked: this run authenticates with it. Give the provider the new credential."
    );
    Notice {
        code: NoticeCode::OwnCredential,
        subject: id,
        text,
    }
}
