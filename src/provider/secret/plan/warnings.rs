//! What a plan says aloud: notices that hold, and whatever it is about to delete, revoke or cut short.

use std::collections::BTreeSet;

use super::forecast::revoked_for_room;
use crate::address::Address;
use crate::executor::Subject;
use crate::provider::secret::decide::{Decision, Rotate, can_be_revoked};
use crate::provider::secret::policies::Policies;
use crate::provider::secret::state::State;
use crate::provider::secret::{paths, texts};
use crate::rotation::{Cause, CredentialRecord, DeliveryStatus, Forecast, Notice, NoticeCode, Step};
use crate::spec::{Config, IncidentRevoke};
use crate::terraform::{Diagnostics, Path};

/// Notices as one warning for the secret, whose summary names their codes. Of what could not be read the refresh has warned.
pub(in crate::provider::secret) fn notices(name: &str, notices: &[Notice], problems: &mut Diagnostics) {
    let told = notices.iter().filter(|notice| notice.code != NoticeCode::Unreachable);
    let codes: BTreeSet<&str> = told.clone().map(|notice| notice.code.as_str()).collect();
    let texts: Vec<String> = told.map(sentence).collect();
    if !texts.is_empty() {
        let codes: Vec<&str> = codes.into_iter().collect();
        problems.warning(Path::root(), format!("{name}: {}", codes.join(", ")), texts.join("\n"));
    }
}

/// A notice with its subject; the text of one about an issuer names it in words.
fn sentence(notice: &Notice) -> String {
    match notice.subject.parse::<Address>() {
        Ok(_) => notice.text.clone(),
        Err(_) => format!("{}: {}", notice.subject, notice.text),
    }
}

/// What creating the secret invalidates.
pub(super) fn of_a_create(config: &Config, problems: &mut Diagnostics) {
    if let Some(displaced) = config.source.config.displaces() {
        problems.warning(
            paths::path_of(&Subject::Source, Some(config)),
            format!("{}: creating this secret invalidates {displaced}", config.name),
            "It is reset when the secret is created. Open connections drop, and every consumer that is not a target here fails from \
             then on.",
        );
    }
    not_resumable(config, problems);
}

/// A rotation that is interrupted between minting and delivery could not go on with the same value.
fn not_resumable(config: &Config, problems: &mut Diagnostics) {
    if config.is_resumable() {
        return;
    }
    problems.warning(
        Path::attribute("targets"),
        format!("{}: not_resumable", config.name),
        "If this apply is interrupted after minting, the value cannot be recovered: no target of the first wave can be read back. Put a \
         readable target (such as ssm_parameter) into wave 1.",
    );
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
        problems.error(
            Path::attribute("targets"),
            format!("{}: a guarded secret needs a target that can be read back", config.name),
            "If this apply were interrupted after minting, the value could not be recovered. Put a readable target (such as ssm_parameter) \
             into wave 1.",
        );
    } else if mints {
        not_resumable(config, problems);
    }
    // Whatever asked for a rotation that cannot be finished, its value is lost.
    let lost = match &decision.rotate {
        Rotate::Yes(request) if request.cause == Cause::ValueLost => Some(&request.reason),
        _ => decision.lost.as_ref(),
    };
    if let Some(why) = lost {
        problems.warning(
            paths::path_of(&Subject::Source, Some(config)),
            format!("{} will be rotated: its value cannot be recovered", config.name),
            format!(
                "{}. Generation {} is minted in its place.",
                texts::sentence(why, config),
                decision.generation
            ),
        );
    }
    if mints && config.source.config.traits().replaces() {
        problems.warning(
            paths::path_of(&Subject::Source, Some(config)),
            format!("{}: this rotation causes downtime", config.name),
            "The issuer lets one credential live. The old one stops working when the new one is made, open connections drop, and consumers \
             fail until every target is live.",
        );
    }
    of_an_incident(config, decision, problems);
    deletions(decision, config, problems);
    revocations(state, decision, course, config, problems);
}

/// What an incident breaks whose exposed credentials end before their consumers have the new one.
fn of_an_incident(config: &Config, decision: &Decision, problems: &mut Diagnostics) {
    if decision.incident != Some(IncidentRevoke::Now) {
        return;
    }
    let broken = config.targets.iter().map(|(key, target)| match &target.impact {
        Some(impact) => format!("{key}: {}", impact.trim_end_matches('.')),
        None => key.clone(),
    });
    problems.warning(
        Path::attribute("targets"),
        format!("{}: consumers fail until they have the new value", config.name),
        format!(
            "incident.revoke is \"now\": older credentials are revoked as soon as generation {} exists, before it is delivered. What breaks \
             meanwhile:\n{}",
            decision.generation,
            broken.collect::<Vec<_>>().join("\n")
        ),
    );
}

fn deletions(decision: &Decision, config: &Config, problems: &mut Diagnostics) {
    let entries = decision.remove.iter().filter_map(|key| decision.ledger.delivery(key));
    let nouns: Vec<String> = entries.map(|known| texts::entry(&known.slot).noun).collect();
    if !nouns.is_empty() {
        problems.warning(
            Path::attribute("targets"),
            format!("{}: this apply deletes {}", config.name, nouns.join(" and ")),
            "It is no longer in `targets`. To keep the entry, put the target back with on_remove = \"keep\", apply, and remove it then.",
        );
    }
}

fn revocations(state: &State, decision: &Decision, course: &Forecast, config: &Config, problems: &mut Diagnostics) {
    let for_room = revoked_for_room(course);
    let early = for_room.iter().filter_map(|generation| {
        let until = state.ledger.credential(*generation)?.revoke_after?;
        Some((*generation, until))
    });
    for (generation, until) in early {
        let which = texts::generation(state.ledger.credential(generation), generation);
        problems.warning(
            paths::path_of(&Subject::Source, Some(config)),
            format!("{}: {which} is revoked before its overlap ends", config.name),
            format!(
                "The issuer has no room for another credential, so it is revoked before the new one is minted. It was to stay valid until \
                 {until}. No target holds it, but consumers that still use it fail. Apply after that time to keep it until then."
            ),
        );
    }
    let at_once = course.revoked.iter().filter(|generation| {
        !for_room.contains(generation)
            && !decision.revoke.contains(generation)
            && !decision.ledger.never_held(**generation)
    });
    let at_once: Vec<String> = at_once
        .map(|generation| texts::generation(state.ledger.credential(*generation), *generation))
        .collect();
    if !at_once.is_empty() {
        problems.warning(
            Path::attribute("overlap"),
            format!("{}: this apply revokes {}", config.name, at_once.join(" and ")),
            format!(
                "overlap is 0s, so older credentials are revoked as soon as every target holds generation {} and every check has passed. Set \
                 an overlap to keep them for slower consumers.",
                decision.generation
            ),
        );
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
    let moved = state.ledger.credentials().iter().filter(|known| {
        let now = decision
            .ledger
            .credential(known.generation)
            .and_then(|now| now.revoke_after);
        now < known.revoke_after
    });
    let moved: Vec<String> = moved
        .map(|known| texts::generation(Some(known), known.generation))
        .collect();
    if !moved.is_empty() {
        problems.warning(
            Path::attribute("overlap"),
            format!(
                "{}: a shorter overlap revokes {} earlier",
                config.name,
                moved.join(" and ")
            ),
            format!(
                "overlap was {}, and is {} now.",
                crate::duration::format(before.overlap),
                crate::duration::format(config.overlap)
            ),
        );
    }
}

/// What a destroy deletes and revokes, by the state alone.
pub(super) fn of_a_destroy(name: &str, state: &State, policies: &Policies, problems: &mut Diagnostics) {
    let held = state.ledger.deliveries().iter();
    let held: Vec<(&String, String)> = held
        .filter(|(_, known)| known.generation.is_some() && known.status != DeliveryStatus::Gone)
        .map(|(key, known)| (key, texts::entry(&known.slot).noun))
        .collect();
    let issued = state.ledger.credentials().iter().filter(|known| known.is_issued());
    let (revocable, by_hand): (Vec<_>, Vec<_>) = issued.partition(|known| can_be_revoked(&known.issuer));
    if held.is_empty() && revocable.is_empty() && by_hand.is_empty() {
        return;
    }
    if policies.abandon {
        problems.warning(
            Path::root(),
            format!("{name}: destroying it changes nothing outside Terraform"),
            "on_destroy is \"abandon\": its entries stay, and its credentials stay valid.",
        );
        return;
    }
    let (kept, deleted): (Vec<_>, Vec<_>) = held.into_iter().partition(|(key, _)| policies.kept.contains(*key));
    let nouns = |entries: Vec<(&String, String)>| {
        let nouns: Vec<String> = entries.into_iter().map(|(_, noun)| noun).collect();
        nouns.join(", ")
    };
    let mut sentences = Vec::new();
    if !deleted.is_empty() {
        sentences.push(format!("Deletes: {}.", nouns(deleted)));
    }
    if !kept.is_empty() {
        sentences.push(format!("Keeps (on_remove): {}.", nouns(kept)));
    }
    let which = |known: &CredentialRecord| {
        let which = texts::generation(Some(known), known.generation);
        format!("{which} at {}", texts::issuer(&known.issuer))
    };
    let mut credentials = |verb: &str, known: Vec<&CredentialRecord>| {
        if !known.is_empty() {
            let all: Vec<String> = known.into_iter().map(which).collect();
            sentences.push(format!("{verb}: {}.", all.join(", ")));
        }
    };
    if policies.revoke_by_hand {
        credentials("Leaves valid (revoke.mode is manual)", revocable);
    } else {
        credentials("Revokes", revocable);
    }
    credentials("Leaves valid (revoke it there yourself)", by_hand);
    problems.warning(
        Path::root(),
        format!("{name}: destroying it breaks every consumer"),
        sentences.join("\n"),
    );
}
