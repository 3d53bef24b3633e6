//! What a change of state or configuration means: the decision that plan shows, apply carries out, and a refresh describes.
//!
//! Pure. Time and drift come in as facts that a refresh left in state, so plan and apply decide alike; the configuration is that of
//! this plan, so that a changed policy counts at once.

mod escrow;
mod incident;
mod keys;
mod lead;
mod lost;
mod request;
mod restore;
mod revocation;
mod room;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(super) use self::escrow::moves as moves_escrow;
pub(super) use self::keys::leaving;
use self::keys::{before_of, matched, rekey, renamed, under_new_keys};
use self::lost::{Need, lost};
pub(super) use self::lost::{is_public, may_replace_lost};
use self::request::{asked_for, dead, drifted, finishing_answers, has_new_value, is_drift, left_alone};
pub(super) use self::restore::CannotRestore;
pub(super) use self::revocation::lasting_wait;
pub(super) use self::room::taken_by as room_taken_by;
use super::due;
use super::exposure;
use super::policies::Policies;
use super::state::{State, unreachable_targets};
use super::texts::ROTATED;
use crate::address::Address;
use crate::rotation::{
    Action, Cause, CredentialRecord, DeliveryStatus, Event, Ledger, Notice, NoticeCode, Request, TAKEN_OVER,
};
use crate::spec::{Config, Incident, IncidentRevoke, OnDrift, TargetSpec, When};

/// Whether a new generation is minted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rotate {
    /// It is not.
    No,
    /// It is, for this reason.
    Yes(Request),
    /// Apply looks at its clock: a schedule argument changed.
    AtApply,
}

/// A rotation that is due and waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    /// The rotation.
    pub request: Request,
    /// What it waits for.
    pub by: HeldBy,
}

/// What a rotation waits for that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeldBy {
    /// `rotation.window`.
    Window,
    /// `guard.confirm`.
    Guard,
    /// The end of the overlap of that generation, which takes the room of the next one at the issuer.
    Room(u64),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decision {
    /// The ledger with its deliveries under the configuration's keys, overlaps as long as the configuration says, and without what a
    /// person confirmed; targets that left the configuration are `removing`.
    pub ledger: Ledger,
    /// Whether a new generation is minted.
    pub rotate: Rotate,
    /// The generation that is to be in place, unless apply decides.
    pub generation: u64,
    /// It waits for the window, unless that is open: nobody asked for it.
    pub needs_window: bool,
    /// A rotation that is due and waits.
    pub held: Option<Held>,
    /// Drifted targets that wait for `guard.confirm`.
    pub guarded: BTreeSet<String>,
    /// The rotation, or the one that is finished, is for an incident; when exposed credentials end.
    pub incident: Option<IncidentRevoke>,
    /// This change of the configuration asks for a rotation that `guard.confirm` does not name.
    pub unconfirmed: bool,
    /// This change of the configuration asks for a rotation, and that generation takes the room of the next one at the issuer.
    pub crowded_by: Option<u64>,
    /// Generations whose revocation is due, and waits for the window.
    pub held_revocations: BTreeSet<u64>,
    /// Older generations that an incident exposed.
    pub exposed: BTreeSet<u64>,
    /// A rotation that waits for a value that a person supplies.
    pub awaits: Option<Request>,
    /// Targets that are written.
    pub write: BTreeSet<String>,
    /// Targets whose entry is made live without being written.
    pub activate: BTreeSet<String>,
    /// Targets that hold the value, but whose tags or labels an earlier apply could not set.
    pub retag: BTreeSet<String>,
    /// Why the value is lost, where a rotation happens for that alone.
    pub lost: Option<String>,
    /// It is the value of an unfinished generation.
    pub value_lost: bool,
    /// Those of the written ones whose configuration asks for another text than the one that they hold.
    pub reworded: BTreeSet<String>,
    /// An interrupted rotation is finished.
    pub finish: bool,
    /// It was left between two waves, and what the next one waited for has passed.
    pub led: bool,
    /// Targets whose entry is deleted.
    pub remove: BTreeSet<String>,
    /// Generations that are revoked.
    pub revoke: BTreeSet<u64>,
    /// Something is parked that should not be any more, or not there.
    pub unparks: bool,
    /// Why the generation that this change of the configuration wants back cannot be delivered.
    pub cannot_restore: Option<(u64, CannotRestore)>,
    /// Apply looks at its clock: a changed `overlap` may have ended.
    pub revokes_at_apply: bool,
    /// Generations that a person says were revoked.
    pub confirmed: BTreeSet<u64>,
    /// The checks after a revocation run once more.
    pub recheck: bool,
    /// Targets that left the configuration and keep their entry.
    pub forget: BTreeSet<String>,
    /// Targets that lack the value, which cannot be recovered and is not replaced without a word; and why.
    pub not_restorable: BTreeMap<String, String>,
    /// Why the value that this change of the configuration needs cannot be delivered.
    pub refused: Option<String>,
    /// Targets whose drift is only reported.
    pub left_alone: BTreeSet<String>,
    /// The notices on record, under the keys that the configuration gives their targets now.
    pub notices: Vec<Notice>,
    /// A connection of another name leads to something on record. Nothing is written for that, but apply looks whether it is the same
    /// account.
    pub reconnected: bool,
}

impl Decision {
    /// Whether a vendor is written to, or may be.
    pub(super) fn acts(&self) -> bool {
        self.rotate != Rotate::No
            || self.finish
            || !self.write.is_empty()
            || !self.activate.is_empty()
            || !self.retag.is_empty()
            || !self.remove.is_empty()
            || !self.revoke.is_empty()
            || self.unparks
            || self.revokes_at_apply
            || self.recheck
    }

    /// The incident that this decision handles for the first time, by a rotation or by asking for a value.
    pub(super) fn handles<'c>(&self, state: &State, config: &'c Config) -> Option<&'c Incident> {
        let incident = config.incident.as_deref()?;
        let rotation = match &self.rotate {
            Rotate::Yes(request) => Some(request),
            Rotate::No | Rotate::AtApply => self.awaits.as_ref(),
        };
        let is_for_it = rotation.is_some_and(|request| request.cause == Cause::Incident);
        (is_for_it && !state.incidents.contains(&incident.id)).then_some(incident)
    }

    /// Whether a rotation is certain.
    pub(super) fn rotates(&self) -> bool {
        matches!(self.rotate, Rotate::Yes(_))
    }

    /// Whether only apply's clock decides something.
    pub(super) fn is_open(&self) -> bool {
        self.rotate == Rotate::AtApply || self.revokes_at_apply
    }

    /// The same with a rotation.
    #[must_use]
    pub(super) fn rotated(self, config: &Config, request: Request) -> Self {
        let exists = |key: &&String| self.ledger.status(key) != Some(DeliveryStatus::Gone);
        Self {
            generation: self.ledger.highest() + 1,
            write: config.targets.keys().filter(exists).cloned().collect(),
            rotate: Rotate::Yes(request),
            finish: false,
            activate: BTreeSet::new(),
            recheck: false,
            not_restorable: BTreeMap::new(),
            refused: None,
            ..self
        }
    }

    /// The same without the removal of entries that hold a value which nothing else can give to a target that lacks it.
    fn with_the_only_copy(mut self) -> Self {
        let (lacking, generation, ledger) = (!self.not_restorable.is_empty(), self.generation, &self.ledger);
        let of_it = |key: &String| {
            ledger
                .delivery(key)
                .is_some_and(|known| known.generation == Some(generation))
        };
        self.remove.retain(|key| !lacking || !of_it(key));
        self
    }

    /// Whether checks after a revocation may run without a rotation, so that their results on record change.
    pub(super) fn proves_revocation(&self, config: &Config) -> bool {
        let mut checks = config.checks.values();
        (self.recheck || !self.revoke.is_empty() || self.revokes_at_apply)
            && checks.any(|check| check.when == When::Revoked)
    }
}

/// Decides. `before` is the configuration in state, where it can still be read; `slots` are the configured targets' addresses.
pub(super) fn decide(
    state: &State,
    before: Option<&Config>,
    config: &Config,
    policies: &Policies,
    slots: &BTreeMap<String, Address>,
) -> Decision {
    let decision = weigh(state, before, config, policies, slots);
    // What is left between two waves is neither finished yet nor given up.
    let waits = decision.ledger.paused_until().is_some() && !decision.rotates();
    Decision {
        finish: decision.finish && !waits,
        ..decision
    }
}

fn weigh(
    state: &State,
    before: Option<&Config>,
    config: &Config,
    policies: &Policies,
    slots: &BTreeMap<String, Address>,
) -> Decision {
    let matched = matched(&state.ledger, slots);
    let rekeyed = rekey(&state.ledger, policies, slots, &matched);
    let mut renamed = renamed(&state.ledger, config, slots, &matched);
    renamed.extend(escrow::renamed(&state.ledger, config));
    let mut ledger = rekeyed.ledger;
    ledger.record(Event::Located {
        addresses: renamed.clone(),
    });
    let notices = under_new_keys(state, &rekeyed.moved, &rekeyed.forget);
    let notices: Vec<Notice> = notices
        .into_iter()
        .map(|notice| at_new_address(notice, &renamed))
        .collect();
    let unreachable = unreachable_targets(&ledger, &notices);
    let led = lead::has_passed(state, before, config, &mut ledger);
    let moved = keys::at_another_place(&state.ledger, config, &matched);
    let mut work = Work::of(before, config, &ledger, &matched, &moved, &unreachable);
    lead::hold_back(&mut work, config, &ledger);
    let finish = !ledger.is_finished() && ledger.generation() > 0;
    let leaving = leaving(state, before, slots);
    let leaving: Vec<&Arc<TargetSpec>> = leaving.into_iter().map(|(_, target)| target).collect();
    let schedule_changed = before.is_some_and(|before| !before.schedule.is_due_as(&config.schedule));
    let windows = Windows::of(state, before, config);
    let coming = ledger.highest() + 1;
    let is_guarded = config.guard.as_ref().is_some_and(|guard| !guard.permits(coming));
    let drifted = work
        .healed
        .iter()
        .filter(|key| is_guarded && !ledger.is_taken_over() && is_drift(&ledger, key));
    let guarded: BTreeSet<String> = drifted.cloned().collect();
    work.healed.retain(|key| !guarded.contains(key));
    let (revoke, overlaps, revokes_at_apply) =
        revocation::decide(state, before, config, &ledger, &notices, &unreachable);
    let exposed = ledger.superseded().into_iter();
    let exposed = exposed.filter(|generation| exposure::is_exposed(state, &ledger, *generation, &notices));
    let exposed: BTreeSet<u64> = exposed.collect();
    let (held_revocations, revoke) = revoke.into_iter().partition(|generation| {
        windows.revocation == Now::Closed && !ledger.never_held(*generation) && !exposed.contains(generation)
    });
    let confirmed = ledger.superseded().into_iter();
    let confirmed = confirmed.filter(|generation| config.confirmed.is_some_and(|through| *generation <= through));
    // A public key leaves its set when its overlap ends.
    let is_published = |generation: &u64| {
        ledger
            .credential(*generation)
            .is_some_and(CredentialRecord::is_published)
    };
    let confirmed = confirmed.filter(|generation| !is_published(generation));
    let confirmed: BTreeSet<u64> = confirmed.collect();
    let remove = ledger
        .deliveries()
        .iter()
        .filter(|(key, delivery)| !slots.contains_key(*key) && delivery.status == DeliveryStatus::Removing);
    let remove: BTreeSet<String> = remove.map(|(key, _)| key.clone()).collect();
    for (generation, revoke_after) in &overlaps {
        ledger.record(Event::OverlapMoved {
            generation: *generation,
            revoke_after: *revoke_after,
        });
    }
    if let Some(through) = confirmed.last() {
        ledger.record(Event::Confirmed { through: *through });
    }
    let decision = Decision {
        generation: ledger.generation(),
        rotate: Rotate::No,
        needs_window: false,
        held: None,
        guarded,
        incident: None,
        unconfirmed: false,
        crowded_by: None,
        held_revocations,
        exposed,
        awaits: None,
        write: work.asked.union(&work.healed).cloned().collect::<BTreeSet<_>>(),
        activate: work.activate.clone(),
        retag: retag(state, config),
        lost: None,
        value_lost: false,
        reworded: work.reworded.keys().cloned().collect(),
        finish,
        led,
        remove,
        revoke: revoke.difference(&confirmed).copied().collect(),
        unparks: escrow::is_untidy(&ledger, config),
        cannot_restore: None,
        revokes_at_apply,
        confirmed,
        recheck: state.pending.iter().any(|known| known.action == Action::Check),
        forget: rekeyed.forget,
        not_restorable: BTreeMap::new(),
        refused: None,
        left_alone: left_alone(config, &ledger),
        notices,
        reconnected: !renamed.is_empty(),
        ledger,
    };
    let mut decision = decision;
    if let Some(generation) = restore::asked(before, config) {
        let other = asked_for(before, config, &decision.ledger);
        let also = || other.map(|request| CannotRestore::Rotates(request.reason));
        let exposes = incident::struck(state, config).is_some();
        match restore::refused(&decision, generation, exposes).or_else(also) {
            // It is on its way, and the run that finishes it delivers it.
            None if generation == decision.ledger.generation() => {}
            None => return restore::restored(decision, config, generation),
            Some(why) => decision.cannot_restore = Some((generation, why)),
        }
    }
    let wanted = wanted(state, before, config, &decision, schedule_changed);
    let ends_exposed = wanted.is_none() && !finish && incident::ends_exposed(state, config, &decision);
    let is_for_one = ends_exposed || incident::is_for_one(state, config, wanted.as_ref(), finish);
    let incident = is_for_one.then(|| incident::revocation(state, config));
    let exposed = match incident {
        // An incident ends everything that is older than what it makes.
        Some(_) => decision
            .ledger
            .credentials()
            .iter()
            .map(|known| known.generation)
            .collect(),
        None => decision.exposed.clone(),
    };
    let decision = Decision {
        incident,
        exposed,
        ..decision
    };
    let waits = |request: &Request| !finish && !config.source.is_supplied() && request.cause.waits_for_window();
    let needs_window = wanted.as_ref().is_some_and(waits);
    let is_asked = asked_for(before, config, &decision.ledger).is_some();
    let room = room_taken_by(&decision, config);
    let (wanted, decision) = match (wanted, windows.rotation) {
        (Some(request), _) if is_guarded && !is_asked && !config.source.is_supplied() => {
            let by = HeldBy::Guard;
            let held = Some(Held { request, by });
            let incident = None;
            (
                None,
                Decision {
                    held,
                    incident,
                    ..decision
                },
            )
        }
        (Some(request), Now::Closed) if needs_window => {
            let by = HeldBy::Window;
            let held = Some(Held { request, by });
            (None, Decision { held, ..decision })
        }
        (Some(request), _) if !is_asked && request.cause != Cause::Incident && room.is_some() => {
            let held = room.map(|generation| Held {
                request,
                by: HeldBy::Room(generation),
            });
            (None, Decision { held, ..decision })
        }
        (Some(request), Now::OnlyApplyKnows) if needs_window && request.cause.is_of_the_clock() => {
            let rotate = Rotate::AtApply;
            return Decision { rotate, ..decision };
        }
        (wanted, _) => (
            wanted,
            Decision {
                needs_window,
                ..decision
            },
        ),
    };
    let (wanted, awaits) = match wanted {
        Some(wanted) if config.source.is_supplied() => supplied(wanted, state, before, config),
        wanted => (wanted, None),
    };
    let decision = Decision {
        awaits: awaits.or_else(|| still_waits(state, config, wanted.is_some(), schedule_changed)),
        ..decision
    };
    if let Some(request) = wanted {
        let unconfirmed = is_guarded;
        let crowded_by = room.filter(|_| request.cause != Cause::Incident);
        return Decision {
            unconfirmed,
            crowded_by,
            ..decision
        }
        .rotated(config, request);
    }
    let (write, activate) = (decision.write.clone(), decision.activate.clone());
    let need = Need {
        write: &write,
        activate: &activate,
        asked: &work.asked,
        reworded: &work.reworded,
        leaving: &leaving,
        moved: &moved,
        unreachable: &unreachable,
        public: &state.public,
    };
    // What a lost answer left unknown may have been found since.
    let is_presented = finish && config.runs().any(|(_, run)| run.presents_new());
    // What a mark names and no record, is known when its value is.
    let is_unrecorded = finish && decision.ledger.credential(decision.generation).is_none();
    let needs_value = is_presented || is_unrecorded || !decision.write.is_empty() || !decision.activate.is_empty();
    let told = told_lost(state).filter(|_| needs_value && may_replace_lost(config, &decision.ledger));
    let why = told.or_else(|| lost(config, &decision.ledger, &need));
    let decision = match why {
        Some(why) => {
            let found = without_value(decision.clone(), &why, &work, &need, state, config);
            let needs_window = found.rotates() && !finish && work.asked.is_empty();
            let by = match windows.rotation {
                _ if is_guarded => Some(HeldBy::Guard),
                Now::Closed if needs_window => Some(HeldBy::Window),
                _ => room.filter(|_| !finish && work.asked.is_empty()).map(HeldBy::Room),
            };
            match (&found.rotate, by) {
                (Rotate::Yes(request), Some(by)) => Decision {
                    held: Some(Held {
                        request: request.clone(),
                        by,
                    }),
                    finish: false,
                    write: BTreeSet::new(),
                    activate: BTreeSet::new(),
                    ..decision
                },
                _ => Decision {
                    needs_window,
                    crowded_by: room.filter(|_| found.rotates()),
                    ..found
                },
            }
        }
        None => decision,
    };
    let decision = decision.with_the_only_copy();
    if schedule_changed && !finish && !decision.rotates() {
        return Decision {
            rotate: Rotate::AtApply,
            ..decision
        };
    }
    decision
}

/// Whether the window is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Now {
    Open,
    Closed,
    /// It is another one than the last refresh looked at.
    OnlyApplyKnows,
}

/// Whether the window is open for what is due, as the last refresh found.
struct Windows {
    rotation: Now,
    revocation: Now,
}

impl Windows {
    fn of(state: &State, before: Option<&Config>, config: &Config) -> Self {
        let Some(window) = config.schedule.window.as_ref() else {
            let rotation = Now::Open;
            return Self {
                rotation,
                revocation: rotation,
            };
        };
        let is_another = before.is_some_and(|before| before.schedule.window.as_ref() != Some(window));
        let told = state
            .notices
            .iter()
            .filter(|known| known.code == NoticeCode::WaitingForWindow);
        let of_rotation = |known: &&Notice| known.subject == due::ROTATION || due::cause_in(&known.subject).is_some();
        let (rotations, revocations): (Vec<_>, Vec<_>) = told.partition(of_rotation);
        let now = |told: &[&Notice]| match (is_another, told.is_empty()) {
            (true, _) => Now::OnlyApplyKnows,
            (false, true) => Now::Open,
            (false, false) => Now::Closed,
        };
        Self {
            rotation: now(&rotations),
            revocation: now(&revocations),
        }
    }
}

/// What the targets need while the generation stays.
struct Work<'c> {
    /// Targets that this change of the configuration has written.
    asked: BTreeSet<String>,
    /// Targets that are written because of what happened to them.
    healed: BTreeSet<String>,
    /// Targets whose configuration asks for another text, with what they were written under.
    reworded: BTreeMap<String, &'c Arc<TargetSpec>>,
    /// Targets that are made live.
    activate: BTreeSet<String>,
}

impl<'c> Work<'c> {
    fn of(
        before: Option<&'c Config>,
        config: &Config,
        ledger: &Ledger,
        matched: &BTreeMap<&str, &str>,
        moved: &BTreeSet<String>,
        unreachable: &BTreeSet<String>,
    ) -> Self {
        let mut work = Self {
            asked: BTreeSet::new(),
            healed: BTreeSet::new(),
            reworded: BTreeMap::new(),
            activate: BTreeSet::new(),
        };
        for (key, target) in &config.targets {
            let status = ledger.status(key);
            if status == Some(DeliveryStatus::Gone) {
                continue;
            }
            let old = before_of(before, matched, key);
            let delivery = ledger.delivery(key);
            let generation = delivery.and_then(|delivery| delivery.generation);
            let reworded = old.filter(|old| old.fingerprint != target.fingerprint);
            // The first rotation writes what was taken over; nothing does before.
            let taken_over = ledger.is_taken_over() && generation == Some(TAKEN_OVER);
            if let Some(old) = reworded.filter(|_| !taken_over) {
                work.reworded.insert(key.clone(), old);
                work.asked.insert(key.clone());
            } else if generation.is_none() {
                // An entry that a destroy deleted before it failed is on no record.
                let was_configured = before
                    .and_then(|before| before.targets.get(key))
                    .is_some_and(|before| before.fingerprint == target.fingerprint);
                let known = if old.is_some() || (was_configured && !moved.contains(key)) {
                    &mut work.healed
                } else {
                    &mut work.asked
                };
                known.insert(key.clone());
            } else if !ledger.is_finished() {
                // What the unfinished generation has not reached is written with it.
                if !delivery.is_some_and(|delivery| delivery.holds(ledger.generation())) {
                    work.healed.insert(key.clone());
                }
            } else if status == Some(DeliveryStatus::Stale)
                || (status == Some(DeliveryStatus::Unknown) && !unreachable.contains(key))
                || (is_drift(ledger, key) && config.on_drift == OnDrift::Heal)
            {
                work.healed.insert(key.clone());
            }
            let published = status == Some(DeliveryStatus::Staged);
            if published && !taken_over && target.goes_live_by_us() {
                work.activate.insert(key.clone());
            }
        }
        work
    }
}

/// A notice about an address that has another text now.
fn at_new_address(notice: Notice, renamed: &BTreeMap<String, String>) -> Notice {
    match renamed.get(&notice.subject) {
        Some(now) => Notice {
            subject: now.clone(),
            ..notice
        },
        None => notice,
    }
}

/// Targets whose tags or labels an earlier apply could not set.
fn retag(state: &State, config: &Config) -> BTreeSet<String> {
    let left = state.pending.iter().filter(|known| known.action == Action::Activate);
    let keys = left.filter_map(|known| known.target.clone());
    keys.filter(|key| {
        let target = config.targets.get(key);
        target.is_some_and(|target| target.config.traits().follow_up)
    })
    .collect()
}

/// The rotation that is wanted, whether or not it can be had now.
fn wanted(
    state: &State,
    before: Option<&Config>,
    config: &Config,
    decision: &Decision,
    schedule_changed: bool,
) -> Option<Request> {
    let ledger = &decision.ledger;
    let answered = decision.finish && finishing_answers(state, before, config);
    let asked = || asked_for(before, config, ledger).filter(|_| !answered);
    let asked = incident::struck(state, config).or_else(|| asked().map(|asked| incident::within(asked, state, config)));
    if asked.is_some() || !ledger.is_begun() {
        return asked;
    }
    if decision.finish {
        // Its credential is gone: there is nothing to finish with, and what was asked for stays asked for.
        return dead(ledger).map(|dead| under_way(state).unwrap_or(dead));
    }
    let due = || {
        let due = state.due().or_else(|| due::held(state, config));
        due.filter(|_| !schedule_changed)
    };
    let deploy = || {
        let request = || Request::new(Cause::Deploy, "every apply rotates");
        config.schedule.with_every_apply.then(request)
    };
    state
        .open_request()
        .or_else(|| dead(ledger))
        .or_else(due)
        .or_else(|| drifted(config, ledger))
        .or_else(deploy)
}

/// What asked for the rotation that is under way, where the run that began it left its record. Another generation is no answer to a
/// restore.
fn under_way(state: &State) -> Option<Request> {
    let receipt = state.last_rotation.as_ref()?;
    (receipt.is_open() && receipt.cause != Cause::Restored).then(|| Request::new(receipt.cause, receipt.reason.clone()))
}

/// A rotation of a value that a person supplies happens when a new one has come, and waits for it otherwise.
fn supplied(
    wanted: Request,
    state: &State,
    before: Option<&Config>,
    config: &Config,
) -> (Option<Request>, Option<Request>) {
    if !has_new_value(before, config) {
        return (None, Some(wanted));
    }
    // What was waited for is what the new value answers.
    let waited = state.open_request().or_else(|| waited_for(state, config));
    match waited {
        Some(waited) if wanted.cause == Cause::Source => (Some(waited), None),
        _ => (Some(wanted), None),
    }
}

/// What a rotation that waits for a value was due for.
fn waited_for(state: &State, config: &Config) -> Option<Request> {
    state.awaits_value.then(|| {
        drifted(config, &state.ledger).unwrap_or_else(|| {
            let since = state.rotate_after.map_or_else(String::new, |at| format!(" since {at}"));
            Request::new(Cause::Schedule, format!("due{since}"))
        })
    })
}

/// A rotation that waited for a value still waits.
fn still_waits(state: &State, config: &Config, rotates: bool, schedule_changed: bool) -> Option<Request> {
    if rotates || schedule_changed || !config.source.is_supplied() {
        return None;
    }
    waited_for(state, config)
}

/// An earlier apply found out that the value cannot be recovered; why.
fn told_lost(state: &State) -> Option<String> {
    let known = state
        .pending
        .iter()
        .find(|known| known.cause == Some(Cause::ValueLost))?;
    Some(known.reason.trim_end_matches(ROTATED).to_owned())
}

/// What becomes of a decision whose value is lost: a credential that an issuer mints is replaced, any other value is not.
fn without_value(
    decision: Decision,
    why: &str,
    work: &Work<'_>,
    need: &Need<'_>,
    state: &State,
    config: &Config,
) -> Decision {
    if may_replace_lost(config, &decision.ledger) {
        let value_lost = decision.finish;
        let request = under_way(state).filter(|_| decision.finish);
        let request = request.unwrap_or_else(|| Request::new(Cause::ValueLost, format!("{why}{ROTATED}")));
        return Decision {
            lost: Some(format!("{why}{ROTATED}")),
            value_lost,
            ..decision.rotated(config, request)
        };
    }
    // What reached no target replaces nothing: it is made anew for whoever asked for it.
    let nowhere = decision.finish && decision.ledger.never_held(decision.generation) && !config.source.is_supplied();
    if let Some(request) = under_way(state).filter(|_| nowhere) {
        return decision.rotated(config, request);
    }
    if decision.finish {
        let lacking = decision.write.iter().map(|key| (key.clone(), why.to_owned()));
        let not_restorable: BTreeMap<String, String> = lacking.collect();
        let not_restorable = if not_restorable.is_empty() {
            config
                .targets
                .keys()
                .map(|key| (key.clone(), why.to_owned()))
                .take(1)
                .collect()
        } else {
            not_restorable
        };
        return Decision {
            finish: false,
            write: BTreeSet::new(),
            activate: BTreeSet::new(),
            not_restorable,
            ..decision
        };
    }
    let nothing = BTreeSet::new();
    let lost_for = |write: &BTreeSet<String>| {
        let need = Need {
            write,
            activate: &nothing,
            ..*need
        };
        (!write.is_empty())
            .then(|| lost(config, &decision.ledger, &need))
            .flatten()
    };
    let mut not_restorable = BTreeMap::new();
    let mut write = BTreeSet::new();
    for key in &work.healed {
        match lost_for(&BTreeSet::from([key.clone()])) {
            Some(why) => drop(not_restorable.insert(key.clone(), why)),
            None => drop(write.insert(key.clone())),
        }
    }
    let refused = lost_for(&work.asked);
    if refused.is_none() {
        write.extend(work.asked.iter().cloned());
    }
    Decision {
        write,
        not_restorable,
        refused,
        ..decision
    }
}
