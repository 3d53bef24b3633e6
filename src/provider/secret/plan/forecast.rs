//! The attributes that a run leaves behind which meets no obstacle, as far as that is certain before it.
//!
//! They follow from the engine's own course ([`crate::rotation::forecast`]). Every value here must be what such a run returns, or
//! unknown: Terraform compares the two.

use std::collections::{BTreeMap, BTreeSet};

use crate::address::Address;
use crate::label::Label;
use crate::provider::secret::decide::{Decision, Rotate};
use crate::provider::secret::goal::goal;
use crate::provider::secret::state::{
    Phase, Receipt, State, credential_value, delivery_value, earliest_revocation, escrow_value, instant,
    unrecorded_value,
};
use crate::provider::secret::{capacity, due};
use crate::rotation::forecast::{UNKNOWN_HANDLE, UNKNOWN_INSTANT};
use crate::rotation::{
    CredentialRecord, CredentialStatus, DeliveryRecord, DeliveryStatus, Forecast, Goal, Ledger, Prospect, Step,
    StuckReason, forecast,
};
use crate::spec::{Config, IncidentRevoke};
use crate::target::{self, Activation};
use crate::terraform::Value;

/// The course of a run that carries that decision out.
pub(in crate::provider::secret) fn course(
    id: &str,
    config: &Config,
    slots: &BTreeMap<String, Address>,
    decision: &Decision,
    is_create: bool,
) -> Forecast {
    // What no run does, changes nothing.
    if !is_create && !decision.acts() {
        return Forecast::idle(&decision.ledger);
    }
    let issued = config.source.config.traits().is_issued() && !config.source.is_supplied();
    let supplied = config.source.config.supplied();
    let supplied = supplied.and_then(|supplied| supplied.credential_id);
    // A handle that is made again is known, and so is what ends with that.
    let known_id = supplied.or(config.source.config.next_id());
    let mint = |generation: u64| CredentialRecord {
        generation,
        credential_id: known_id.or(issued.then_some(UNKNOWN_HANDLE)).map(str::to_owned),
        issuer: config.source.on_record(),
        label: Label::new(&config.label_prefix, id, generation).to_string(),
        status: CredentialStatus::Current,
        minted_at: Some(UNKNOWN_INSTANT),
        expires_at: issued.then_some(UNKNOWN_INSTANT),
        revoke_after: None,
        public_key: config.source.config.published_part().map(|_| UNKNOWN_HANDLE.to_owned()),
    };
    let slot = |key: &str| slots.get(key).map(ToString::to_string).unwrap_or_default();
    let is_live_when_written = |key: &str| {
        let target = config.targets.get(key);
        target.is_some_and(|target| {
            target.config.traits().activation == Activation::Later && !config.is_activated(target.wave)
        })
    };
    let escrow = config.escrow.as_ref().map(|escrow| escrow.slot.to_string());
    let prospect = Prospect {
        mint: &mint,
        slot: &slot,
        escrow: escrow.unwrap_or_default(),
        is_live_when_written: &is_live_when_written,
        configured: config.targets.keys().cloned().collect(),
        settling: config.settling_targets().map(|(key, _)| key.clone()).collect(),
        key_sets: config.key_sets().map(|(key, _)| key.clone()).collect(),
    };
    let wanted = goal(decision, config, is_create);
    let course = forecast(&wanted, &decision.ledger, &prospect);
    if course.stuck != Some(StuckReason::LimitReached) {
        return course;
    }
    // Room is made first, where it can be; then it goes on like this.
    let with_room = Goal {
        max_live: None,
        ..wanted
    };
    Forecast {
        stuck: course.stuck,
        ..forecast(&with_room, &decision.ledger, &prospect)
    }
}

/// Whether a run may find credentials that the plan does not know of.
fn credentials_are_open(decision: &Decision, course: &Forecast, config: &Config) -> bool {
    // A mark beside a value names a generation that its issuer does not list: what it is shows when it is read.
    let unrecorded = decision.finish && decision.ledger.credential(decision.generation).is_none();
    // A run that pauses revokes nothing, and promotes nothing.
    let may_pause = !course.leading.is_empty();
    decision.is_open()
        || unrecorded
        || may_pause
        || capacity::is_needed(decision, course, config)
        || decision.value_lost
}

/// Credentials whose revocation goes through the gate, which only apply reads: each stays in the plan with an open status.
fn may_wait<'a>(decision: &'a Decision, course: &'a Forecast) -> impl Iterator<Item = &'a CredentialRecord> {
    let held = course
        .revoked
        .iter()
        .filter(|generation| !decision.ledger.never_held(**generation));
    held.filter_map(|generation| decision.ledger.credential(*generation))
}

/// The planned attributes of an update that acts, and the reasons why one is unknown are in the functions below.
pub(super) fn attributes(
    state: &State,
    config: &Config,
    slots: &BTreeMap<String, Address>,
    decision: &Decision,
    course: &Forecast,
) -> Vec<(&'static str, Value)> {
    let renews = decision.rotates() || decision.finish;
    let unlisted = credentials_are_open(decision, course, config);
    let open = unlisted || may_wait(decision, course).next().is_some();
    let mut planned = vec![
        ("deliveries", deliveries(slots, config, decision, course)),
        (
            "credentials",
            if unlisted {
                Value::unknown()
            } else {
                credentials(state, decision, course)
            },
        ),
    ];
    let phase = Phase::of(&course.ledger, decision.awaits.is_some());
    // An unknown instant stands before every other, as it may.
    let revoke_after = instant(earliest_revocation(&course.ledger));
    if decision.rotate == Rotate::AtApply {
        for name in [
            "generation",
            "last_rotation",
            "phase",
            "rotated_at",
            "rotate_after",
            "public",
        ] {
            planned.push((name, Value::unknown()));
        }
        planned.push(("revoke_after", Value::unknown()));
        planned.push(("next_action_at", Value::unknown()));
        return planned;
    }
    if open {
        planned.push(("phase", Value::unknown()));
        planned.push(("revoke_after", Value::unknown()));
    } else {
        planned.push(("phase", Value::string(phase.as_str())));
        planned.push(("revoke_after", revoke_after));
    }
    let rotate_after = match config.schedule.every {
        Some(_) => Value::unknown(),
        None => Value::Null,
    };
    planned.push(("next_action_at", next_action_at(state, config, course, open, renews)));
    if renews {
        planned.push(("rotated_at", Value::unknown()));
        planned.push(("rotate_after", rotate_after));
    }
    planned.push(("last_rotation", last_rotation(state, config, decision, course, open)));
    if let Rotate::Yes(_) = &decision.rotate {
        planned.push(("generation", Value::number(decision.generation)));
    }
    planned
}

/// Whether public parts may change: a public key that is valid ends, or a value is minted or recovered, and either had some before, or comes from another kind of source,
/// or what is in place was taken over without them.
pub(super) fn public_changes(state: &State, same_kind: bool, decision: &Decision, course: &Forecast) -> bool {
    let is_published = |generation: &u64| {
        state
            .ledger
            .credential(*generation)
            .is_some_and(CredentialRecord::is_published)
    };
    if course.revoked.iter().any(is_published) || may_withdraw(decision) {
        return true;
    }
    let may_appear = !state.public.is_empty() || !same_kind || state.ledger.is_taken_over();
    (decision.rotates() || decision.finish) && may_appear
}

fn next_action_at(state: &State, config: &Config, course: &Forecast, open: bool, renews: bool) -> Value {
    let newest = course.ledger.credential(course.ledger.generation());
    let expires = newest.is_some_and(|known| known.expires_at.is_some());
    let rotation = renews && (config.schedule.every.is_some() || expires);
    let revocation = earliest_revocation(&course.ledger);
    // What is written anew starts its time to settle anew.
    let settles = config.settling_targets().any(|(key, _)| course.written.contains(key));
    let leads = leads_again(config, course);
    if open || rotation || settles || leads || revocation == Some(UNKNOWN_INSTANT) {
        return Value::unknown();
    }
    let after = State {
        ledger: course.ledger.clone(),
        rotate_after: state.rotate_after.filter(|_| !renews),
        ..State::default()
    };
    let after = State {
        notices: state.notices.clone(),
        ..after
    };
    due::planned_next_action_at(&after, config).map_or_else(Value::unknown, instant)
}

/// The credentials there will be. Terraform wants every entry of a plan to stay, so that one whose revocation may wait has an open
/// status; once it is revoked, its entry leaves with the next change.
fn credentials(state: &State, decision: &Decision, course: &Forecast) -> Value {
    // Whatever is in the entry shows when it is read.
    let touched = course
        .steps
        .iter()
        .any(|step| matches!(step, Step::Park(_) | Step::Unpark));
    let value = |known: &CredentialRecord, ledger: &Ledger| {
        let escrow = match touched {
            true => Value::unknown(),
            false => escrow_value(ledger, known.generation),
        };
        credential_value(known, escrow)
    };
    let known = course.ledger.credentials().iter();
    let known = known.map(|known| (known.generation.to_string(), value(known, &course.ledger)));
    let outnumbering = state.outnumbering(&course.ledger);
    let outnumbering = outnumbering.map(|known| (known.generation.to_string(), credential_value(known, Value::Null)));
    let unrecorded = unrecorded_value(&course.ledger).map(|(generation, value)| match touched {
        true => (generation, value.with("escrow", Value::unknown())),
        false => (generation, value),
    });
    let known = unrecorded.into_iter().chain(outnumbering).chain(known);
    let waiting = may_wait(decision, course).map(|known| {
        let value = value(known, &decision.ledger).with("status", Value::unknown());
        let value = match known.revoke_after {
            Some(_) => value,
            None => value.with("revoke_after", Value::unknown()),
        };
        (known.generation.to_string(), value)
    });
    Value::Map(known.chain(waiting).collect())
}

/// Whether only the run's clock tells if a public key leaves the set of those that are valid.
fn may_withdraw(decision: &Decision) -> bool {
    let ledger = &decision.ledger;
    let superseded = ledger.superseded().into_iter();
    let mut superseded = superseded.filter_map(|generation| ledger.credential(generation));
    decision.revokes_at_apply && superseded.any(CredentialRecord::is_published)
}

/// What each target will hold; only what changes is unknown.
pub(super) fn deliveries(
    slots: &BTreeMap<String, Address>,
    config: &Config,
    decision: &Decision,
    course: &Forecast,
) -> Value {
    let sets: BTreeSet<&String> = config
        .key_sets()
        .map(|(key, _)| key)
        .filter(|_| may_withdraw(decision))
        .collect();
    let kept = course.ledger.deliveries().iter();
    let kept = kept.filter(|(key, _)| !decision.forget.contains(*key));
    let values = kept.map(|(key, delivery)| {
        let before = decision.ledger.delivery(key);
        let is_written = course.written.contains(key);
        let is_configured = slots.contains_key(key);
        let is_open = (decision.rotate == Rotate::AtApply && is_configured) || sets.contains(key);
        // Whether it is written, only the clock of the run tells.
        let may_wait = is_written && !course.leading.is_empty();
        let waits = course.paused && is_configured && !is_written;
        let value = if is_open || may_wait || (waits && is_looked_at(before)) {
            touched(before, delivery, slots.get(key))
        } else if is_written {
            touched(before, delivery, slots.get(key))
                .with(
                    "generation",
                    delivery.generation.map_or_else(Value::unknown, Value::number),
                )
                .with("status", Value::string(delivery.status.as_str()))
                .with("detail", Value::Null)
        } else {
            delivery_value(delivery)
        };
        (key.clone(), value)
    });
    Value::Map(values.collect())
}

/// Whether a run that looks at a target without writing it may make more known of it.
fn is_looked_at(before: Option<&DeliveryRecord>) -> bool {
    before.is_none_or(|known| {
        let is_known = known.generation.is_some() && known.container_id.is_some();
        !is_known || known.status == DeliveryStatus::Unknown
    })
}

/// Whether a lead of a rotation that is left between two waves ends at a time that only the run knows.
fn leads_again(config: &Config, course: &Forecast) -> bool {
    let is_paused = course.ledger.paused_until().is_some();
    let mut leading = config.leading_targets(config.last_wave());
    is_paused && leading.any(|(key, _)| course.written.contains(key))
}

/// A target of which apply decides what is known.
fn touched(before: Option<&DeliveryRecord>, after: &DeliveryRecord, slot: Option<&Address>) -> Value {
    let unknown = Value::unknown;
    let held_before = before.filter(|known| known.generation.is_some());
    // Of a new target, apply asks which AWS account it is in.
    let address = match before {
        Some(known) => Value::string(&known.slot),
        None if slot.is_some_and(Address::is_complete) => Value::string(&after.slot),
        None => Value::unknown(),
    };
    let container = before.and_then(|known| known.container_id.as_ref());
    let identified = slot
        .and_then(|slot| target::kind(&slot.kind))
        .is_none_or(|kind| kind.offers.identity);
    Value::object([
        ("slot", address),
        (
            "container_id",
            match container {
                Some(known) => Value::string(known),
                None if identified => unknown(),
                None => Value::Null,
            },
        ),
        (
            "renamed_to",
            Value::optional(before.and_then(|known| known.renamed_to.as_ref())),
        ),
        ("generation", unknown()),
        ("status", unknown()),
        ("revision", unknown()),
        (
            "existed_before",
            held_before.map_or_else(unknown, |known| Value::Bool(known.existed_before)),
        ),
        ("delivered_at", unknown()),
        ("detail", unknown()),
    ])
}

/// The record of the rotation, or what a run without one changes of the last record.
fn last_rotation(state: &State, config: &Config, decision: &Decision, course: &Forecast, open: bool) -> Value {
    let checks = || match config.checks.is_empty() {
        true => Value::List(Vec::new()),
        false => Value::unknown(),
    };
    let continues_at = match course.leading.is_empty() && !leads_again(config, course) {
        true => instant(course.ledger.paused_until()),
        false => Value::unknown(),
    };
    if let Rotate::Yes(request) = &decision.rotate {
        let record = Receipt::planned(request, decision.incident);
        let record = record.with("continues_at", continues_at).with("checks", checks());
        let certain = !open && course.revoked.is_empty();
        return match certain {
            true => record.with("revoked", Value::List(Vec::new())),
            false => record,
        };
    }
    let mut record = state.record();
    if record.is_null() {
        return record;
    }
    record = record.with("continues_at", continues_at);
    if decision.finish {
        let revoke = decision.incident.map(IncidentRevoke::as_str);
        record = record
            .with("incident_revoke", Value::optional(revoke))
            .with("finished_at", Value::unknown())
            .with("checks", checks());
    } else if decision.proves_revocation(config) {
        record = record.with("checks", Value::unknown());
    }
    if open || !course.revoked.is_empty() {
        record = record.with("revoked", Value::unknown());
    }
    record
}

/// Generations that are revoked before a new one is minted, because the issuer has no room.
pub(in crate::provider::secret) fn revoked_for_room(course: &Forecast) -> BTreeSet<u64> {
    let before_mint = course.steps.iter().take_while(|step| !matches!(step, Step::Mint(_)));
    let revoked = before_mint.filter_map(|step| match step {
        Step::Revoke(generation) => Some(*generation),
        _ => None,
    });
    match course.steps.iter().any(|step| matches!(step, Step::Mint(_))) {
        true => revoked.collect(),
        false => BTreeSet::new(),
    }
}
