//! What a plan says aloud: notices that hold, and whatever it is about to delete, revoke or cut short.

use std::collections::BTreeSet;

use super::forecast::revoked_for_room;
use super::steps::ends_sessions;
use crate::address::Address;
use crate::diagnostics::{Adoption, Exposed, Plan, capitalized, names};
use crate::executor::{self, Subject};
use crate::provider::secret::decide::{Decision, Rotate};
use crate::provider::secret::policies::Policies;
use crate::provider::secret::revocable::{can_be_revoked, ends_with_the_next, is_replaced};
use crate::provider::secret::state::State;
use crate::provider::secret::{due, paths, texts};
use crate::rotation::{Cause, CredentialRecord, DeliveryStatus, Forecast, Notice, NoticeCode, Step, TAKEN_OVER};
use crate::spec::{Config, IncidentRevoke};
use crate::terraform::{Diagnostics, Path};

/// Notices as one warning for the secret, whose summary names their codes. Of what could not be read the refresh has warned.
pub(in crate::provider::secret) fn notices(name: &str, notices: &[Notice], problems: &mut Diagnostics) {
    let told = notices.iter().filter(|notice| notice.code != NoticeCode::Unreachable);
    let codes: BTreeSet<&'static str> = told.clone().map(|notice| notice.code.as_str()).collect();
    let lines: Vec<String> = told.map(|notice| sentence(name, notice)).collect();
    if !lines.is_empty() {
        let (secret, codes) = (name.to_owned(), names(codes));
        problems.report(Path::root(), Plan::Notices { secret, codes, lines });
    }
}

/// A notice with its subject, unless the text or the summary names that already.
fn sentence(secret: &str, notice: &Notice) -> String {
    let subject = notice.subject.as_str();
    let text = notice.text.as_str();
    let is_named = subject == secret || text.contains(subject) || text.starts_with(&capitalized(subject));
    let (_, place) = subject.split_once(" in ").unwrap_or(("", subject));
    let is_in_words = place.parse::<Address>().is_ok() || due::cause_in(subject).is_some();
    if is_named || is_in_words {
        notice.text.clone()
    } else {
        format!("{subject}: {}", notice.text)
    }
}

/// What creating the secret invalidates.
pub(super) fn of_a_create(config: &Config, problems: &mut Diagnostics) {
    if let Some(displaced) = config.source.config.displaces() {
        let invalidated = Plan::CreateInvalidates {
            secret: config.name.clone(),
            what: displaced,
            sessions_go_on: config.source.kind.offers.sessions,
        };
        problems.report(paths::path_of(&Subject::Source, Some(config)), invalidated);
    }
    not_resumable(config, problems);
}

/// A rotation that is interrupted between minting and delivery could not go on with the same value.
fn not_resumable(config: &Config, problems: &mut Diagnostics) {
    if config.is_resumable() {
        return;
    }
    let secret = config.name.clone();
    problems.report(Path::attribute("targets"), Plan::NotResumable { secret });
}

/// What an update deletes, revokes, resets or cuts short.
pub(super) fn of_an_update(
    state: &State,
    config: &Config,
    decision: &Decision,
    course: &Forecast,
    problems: &mut Diagnostics,
) {
    let mints = course.steps.iter().any(|step| matches!(step, Step::Mint(_)));
    if mints && config.guard.is_some() && !config.is_resumable() {
        let secret = config.name.clone();
        problems.report(Path::attribute("targets"), Plan::GuardedNotResumable { secret });
    } else if mints {
        not_resumable(config, problems);
    }
    // Whatever asked for a rotation that cannot be finished, its value is lost.
    let lost = match &decision.rotate {
        Rotate::Yes(request) if request.cause == Cause::ValueLost => Some(&request.reason),
        _ => decision.lost.as_ref(),
    };
    if let Some(why) = lost {
        let rotated = Plan::ValueLost {
            secret: config.name.clone(),
            why: texts::sentence(why, config),
            generation: decision.generation,
        };
        problems.report(paths::path_of(&Subject::Source, Some(config)), rotated);
    }
    if mints && config.source.config.traits().replaces() {
        let downtime = Plan::Downtime {
            secret: config.name.clone(),
            sessions_go_on: config.source.kind.offers.sessions && decision.incident.is_none(),
        };
        problems.report(paths::path_of(&Subject::Source, Some(config)), downtime);
    }
    of_an_incident(config, decision, course, problems);
    deletions(decision, config, problems);
    revocations(state, decision, course, config, problems);
}

/// What an incident breaks whose exposed credentials end before their consumers have the new one.
fn of_an_incident(config: &Config, decision: &Decision, course: &Forecast, problems: &mut Diagnostics) {
    let renews = decision.rotates() || decision.finish;
    if decision.incident != Some(IncidentRevoke::Now) || !renews {
        return;
    }
    let ledger = &decision.ledger;
    let lacks = |key: &String| {
        let known = ledger.delivery(key).filter(|_| !decision.rotates());
        !known.is_some_and(|known| known.status == DeliveryStatus::Current && known.holds(decision.generation))
    };
    let broken = config.targets.iter().filter(|(key, _)| lacks(key));
    let broken: Vec<_> = broken
        .map(|(key, target)| (key.clone(), target.impact.clone()))
        .collect();
    let is_issued = |generation: &u64| ledger.credential(*generation).is_some_and(CredentialRecord::is_issued);
    let replaces = decision.rotates() && config.source.config.traits().replaces();
    let revokes = replaces || course.revoked.iter().any(is_issued);
    if broken.is_empty() || !(revokes || texts::are_older_dead(ledger)) {
        return;
    }
    let broken = Plan::IncidentBreaks {
        secret: config.name.clone(),
        generation: decision.generation,
        broken,
        revokes: match (revokes, decision.rotates()) {
            (_, true) if config.source.config.sole_handle().is_some() => Exposed::Replaced,
            (true, true) => Exposed::Next,
            (true, false) => Exposed::Still,
            (false, _) => Exposed::Revoked,
        },
        ends_sessions: drops_connections(decision, course),
    };
    problems.report(Path::attribute("targets"), broken);
}

/// Whether sessions end with what is revoked.
fn drops_connections(decision: &Decision, course: &Forecast) -> bool {
    let mut revoked = course.revoked.iter();
    revoked.any(|generation| {
        let known = decision.ledger.credential(*generation);
        known.is_some_and(|known| ends_sessions(decision, known))
    })
}

fn deletions(decision: &Decision, config: &Config, problems: &mut Diagnostics) {
    let entries = decision.remove.iter().filter_map(|key| decision.ledger.delivery(key));
    let entries = names(entries.map(|known| texts::entry(&known.slot).noun));
    if !entries.is_empty() {
        let secret = config.name.clone();
        problems.report(Path::attribute("targets"), Plan::Deletes { secret, entries });
    }
}

fn revocations(state: &State, decision: &Decision, course: &Forecast, config: &Config, problems: &mut Diagnostics) {
    // A plan without room is refused.
    let for_room = match decision.crowded_by {
        Some(_) => BTreeSet::new(),
        None => revoked_for_room(course),
    };
    let due = state.due_revocations();
    let early = for_room.iter().filter(|generation| !due.contains(generation));
    let early = early.filter_map(|generation| {
        let until = state.ledger.credential(*generation)?.revoke_after?;
        Some((*generation, until))
    });
    for (generation, until) in early {
        let which = texts::generation(state.ledger.credential(generation), generation);
        let early = Plan::RevokedEarly {
            secret: config.name.clone(),
            credential: which,
            until: until.to_string(),
        };
        problems.report(paths::path_of(&Subject::Source, Some(config)), early);
    }
    let mints = course.steps.iter().any(|step| matches!(step, Step::Mint(_)));
    let has_ended = |generation: &u64| {
        let known = decision.ledger.credential(*generation);
        known.is_some_and(|known| is_replaced(known, &decision.ledger) || (mints && ends_with_the_next(known, config)))
    };
    let at_once = course.revoked.iter().filter(|generation| {
        // What nobody accepts by itself is not revoked: its parked value is deleted, as the steps say.
        let known = decision.ledger.credential(**generation);
        known.is_none_or(CredentialRecord::is_accepted)
            && !for_room.contains(generation)
            && !decision.revoke.contains(generation)
            && !decision.ledger.never_held(**generation)
    });
    let (ended, at_once): (Vec<&u64>, Vec<&u64>) = at_once.partition(|generation| has_ended(generation));
    let opened = ended
        .into_iter()
        .filter_map(|generation| decision.ledger.credential(*generation));
    let opened =
        opened.filter(|known| ends_sessions(decision, known) && decision.incident != Some(IncidentRevoke::Now));
    let opened = names(opened.map(|known| texts::generation(Some(known), known.generation)));
    if !opened.is_empty() {
        let ends = Plan::EndsSessions {
            secret: config.name.clone(),
            credentials: opened,
        };
        problems.report(Path::root(), ends);
    }
    let credentials = names(
        at_once
            .into_iter()
            .map(|generation| texts::generation(state.ledger.credential(*generation), *generation)),
    );
    if credentials.is_empty() {
        return;
    }
    let (secret, generation) = (config.name.clone(), decision.generation);
    match decision.incident {
        None => {
            let revoked = Plan::RevokedAtOnce {
                secret,
                credentials,
                generation,
            };
            problems.report(Path::attribute("overlap"), revoked);
        }
        // What it breaks has been said.
        Some(IncidentRevoke::Now) => {}
        Some(mode) => {
            let revoked = Plan::RevokedByIncident {
                secret,
                credentials,
                generation,
                before_checks: mode == IncidentRevoke::Delivered,
                ends_sessions: drops_connections(decision, course),
            };
            problems.report(Path::root(), revoked);
        }
    }
}

/// A changed `overlap` that ends what would have lived longer.
pub(super) fn of_a_shorter_overlap(
    state: &State,
    before: Option<&Config>,
    decision: &Decision,
    config: &Config,
    problems: &mut Diagnostics,
) {
    let Some(before) = before.filter(|before| config.overlap < before.overlap) else {
        return;
    };
    let accepted = state.ledger.credentials().iter().filter(|known| known.is_accepted());
    let moved = accepted.filter(|known| {
        let now = decision
            .ledger
            .credential(known.generation)
            .and_then(|now| now.revoke_after);
        now < known.revoke_after && !is_replaced(known, &state.ledger)
    });
    let credentials = names(moved.map(|known| texts::generation(Some(known), known.generation)));
    if !credentials.is_empty() {
        let shorter = Plan::ShorterOverlap {
            secret: config.name.clone(),
            credentials,
            before: crate::duration::format(before.overlap).into(),
            now: crate::duration::format(config.overlap).into(),
        };
        problems.report(Path::attribute("overlap"), shorter);
    }
}

/// What a destroy deletes and revokes, by the state alone.
pub(super) fn of_a_destroy(name: &str, state: &State, policies: &Policies, problems: &mut Diagnostics) {
    let held = state.ledger.deliveries().iter();
    let held: Vec<(&String, String)> = held
        .filter(|(_, known)| known.generation.is_some() && known.status != DeliveryStatus::Gone)
        .map(|(key, known)| (key, texts::entry(&known.slot).noun))
        .collect();
    let issued = state.ledger.credentials().iter();
    let issued = issued.filter(|known| known.is_issued() && !is_replaced(known, &state.ledger));
    let untouched = state.ledger.is_taken_over();
    let (revocable, by_hand): (Vec<_>, Vec<_>) = issued.partition(|known| can_be_revoked(known) && !untouched);
    if held.is_empty() && revocable.is_empty() && by_hand.is_empty() {
        return;
    }
    if policies.abandon {
        let secret = name.to_owned();
        problems.report(Path::root(), Plan::DestroyAbandons { secret });
        return;
    }
    if untouched {
        let entries = names(held.into_iter().map(|(_, noun)| noun));
        let secret = name.to_owned();
        problems.report(Path::root(), Adoption::DestroyKeeps { secret, entries });
        return;
    }
    let is_older = |key: &String| {
        let known = state.ledger.delivery(key);
        known.is_some_and(|known| known.generation == Some(TAKEN_OVER))
    };
    let (older, held): (Vec<_>, Vec<_>) = held.into_iter().partition(|(key, _)| is_older(key));
    let (kept, deleted): (Vec<_>, Vec<_>) = held.into_iter().partition(|(key, _)| policies.kept.contains(*key));
    // What only its value shows to be ours stays where no value is parked.
    let is_unproved = |key: &String| {
        let known = state.ledger.delivery(key);
        state.ledger.escrow().is_none() && known.is_some_and(executor::needs_value)
    };
    let (unproved, deleted): (Vec<_>, Vec<_>) = deleted.into_iter().partition(|(key, _)| is_unproved(key));
    let entries = |held: Vec<(&String, String)>| held.into_iter().map(|(_, noun)| noun).collect();
    let parked = state.ledger.escrow();
    let parked = parked.map(|escrow| format!("{} (escrow)", texts::entry(&escrow.slot).noun));
    let deleted: Vec<String> = deleted.into_iter().map(|(_, noun)| noun).chain(parked).collect();
    let credentials = |known: Vec<&CredentialRecord>| -> Vec<String> {
        let known = known.into_iter();
        known
            .map(|known| {
                let which = texts::generation(Some(known), known.generation);
                format!("{which} at {}", texts::issuer(&known.issuer))
            })
            .collect()
    };
    let (revoked, left_manual) = match policies.revoke_by_hand {
        true => (Vec::new(), credentials(revocable)),
        false => (credentials(revocable), Vec::new()),
    };
    let broken = Plan::DestroyBreaks {
        secret: name.to_owned(),
        deleted,
        existed: entries(older),
        kept: entries(kept),
        unproved: entries(unproved),
        revoked,
        left_manual,
        left_by_hand: credentials(by_hand),
    };
    problems.report(Path::root(), broken);
}
