//! What an apply says: every failure at its place, with what is true now and what comes next.

use std::collections::BTreeSet;

use crate::executor::{Failure, Outcome, Subject};
use crate::provider::RunRegistry;
use crate::provider::secret::state::State;
use crate::provider::secret::{paths, texts};
use crate::rotation::{Notice, NoticeCode, Wait};
use crate::spec::Config;
use crate::terraform::{Diagnostics, Path};

/// Notes every revocation that was due and waits.
pub(super) fn waiting(state: &mut State, outcome: &Outcome) {
    for (generation, reasons) in &outcome.waiting {
        let known = state.ledger.credential(*generation);
        let Some(id) = known.and_then(|known| known.credential_id.clone()) else {
            continue;
        };
        let code = match reasons.iter().all(|why| matches!(why, Wait::Window { .. })) {
            true => NoticeCode::WaitingForWindow,
            false => NoticeCode::RevokeWaits,
        };
        let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
        let text = format!(
            "Generation {generation} ({id}) is not revoked yet: {}.",
            reasons.join("; ")
        );
        let waits = |code| matches!(code, NoticeCode::RevokeWaits | NoticeCode::WaitingForWindow);
        state
            .notices
            .retain(|notice| !(waits(notice.code) && notice.subject == id));
        state.notices.push(Notice {
            code,
            subject: id,
            text,
        });
    }
    state.notices.sort();
}

/// Every failure at its path, with what exists now and what comes next.
pub(super) fn report(
    outcome: &Outcome,
    state: &State,
    config: &Config,
    is_create: bool,
    registry: &RunRegistry,
    problems: &mut Diagnostics,
) {
    let untouched = outcome.minted.is_none() && !outcome.delivered && outcome.revoked.is_empty();
    let nothing = if untouched {
        "Nothing was minted or changed. "
    } else {
        ""
    };
    let situation = format!("{nothing}{}", texts::situation(state, Some(config)));
    let next = if is_create {
        texts::TAINTED.to_owned()
    } else if outcome.value_lost && !config.source.may_replace_lost() {
        // Another apply of the same would find the same.
        texts::ways_to_a_new_value(config).to_owned()
    } else if config.source.is_supplied() && outcome.failures.iter().any(|failure| failure.site == Subject::Source) {
        // So would another apply of the same value.
        texts::ways_to_a_new_value(config).to_owned()
    } else {
        texts::next(state)
    };
    tell(
        &outcome.failures,
        config,
        &format!("{situation}\n{next}"),
        registry,
        problems,
    );
    if outcome.interrupted && outcome.failures.is_empty() {
        problems.error(
            Path::root(),
            "Interrupted",
            format!("The call in flight was finished, and no new step was begun.\n\n{situation}\n{next}"),
        );
    }
}

/// The end of an apply that handled an incident: an error for what is still exposed.
pub(super) fn still_exposed(name: &str, notices: &[Notice], problems: &mut Diagnostics) {
    let exposed = notices.iter().filter(|notice| notice.code == NoticeCode::Exposed);
    let texts: Vec<&str> = exposed.map(|notice| notice.text.as_str()).collect();
    if !texts.is_empty() {
        let summary = format!("{name}: an exposed credential still works");
        problems.error(Path::root(), summary, texts.join("\n"));
    }
}

/// What is true after a failure that came before any effect.
pub(super) const UNTOUCHED: &str = "Nothing was minted or changed.";

/// One error for each cause, with everything that it concerns, and `ending`. Another secret of this run that met the same cause
/// repeats it in short.
pub(super) fn tell(
    failures: &[Failure],
    config: &Config,
    ending: &str,
    registry: &RunRegistry,
    problems: &mut Diagnostics,
) {
    let same = |one: &Failure, other: &Failure| one.cause.is_some() && one.cause == other.cause;
    for (at, failure) in failures.iter().enumerate() {
        if failures.iter().take(at).any(|earlier| same(earlier, failure)) {
            continue;
        }
        let path = paths::path_of(&failure.site, Some(config));
        let others = failures.iter().skip(at + 1).filter(|other| same(failure, other));
        let others: BTreeSet<String> = others
            .filter(|other| other.site != failure.site)
            .map(|other| paths::path_of(&other.site, Some(config)).to_string())
            .collect();
        let also = match others.len() {
            0 => String::new(),
            _ => format!(
                " This also stops {}.",
                others.into_iter().collect::<Vec<_>>().join(", ")
            ),
        };
        let told_by = failure
            .cause
            .as_ref()
            .and_then(|cause| registry.told(cause, &config.name));
        let detail = match (told_by, &failure.cause) {
            (Some(name), Some(cause)) => {
                let service = cause.service;
                format!("{service} answered as it did for {name}, see there.{also} {ending}")
            }
            _ => format!("{}{also}\n\n{ending}", failure.detail),
        };
        problems.error(path, &failure.summary, detail);
    }
}

pub(super) fn warn(outcome: &Outcome, config: &Config, problems: &mut Diagnostics) {
    for warning in &outcome.warnings {
        problems.warning(
            paths::path_of(&warning.site, Some(config)),
            &warning.summary,
            &warning.detail,
        );
    }
}
