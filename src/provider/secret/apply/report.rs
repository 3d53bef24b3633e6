//! What an apply says: every failure at its place, with what is true now and what comes next.

use std::collections::BTreeSet;

use super::next::next;
use crate::diagnostics::{Apply, Ending, Next, names};
use crate::executor::{Failure, Outcome, Subject};
use crate::provider::RunRegistry;
use crate::provider::secret::revocable::is_replaced;
use crate::provider::secret::state::State;
use crate::provider::secret::{exposure, paths, texts};
use crate::rotation::{Notice, NoticeCode, Wait};
use crate::spec::Config;
use crate::terraform::{Diagnostics, Path};

/// Notes every revocation that was due and waits. Whether one of them is of a credential that an incident exposed.
pub(super) fn waiting(state: &mut State, outcome: &Outcome) -> bool {
    let mut is_exposed = false;
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
        let is_replaced = known.is_some_and(|known| is_replaced(known, &state.ledger));
        let what = match is_replaced {
            true => "has ended, and stays on record",
            false => "is not revoked yet",
        };
        let text = format!("Generation {generation} ({id}) {what}: {}.", reasons.join("; "));
        let waits = |code| matches!(code, NoticeCode::RevokeWaits | NoticeCode::WaitingForWindow);
        state
            .notices
            .retain(|notice| !(waits(notice.code) && notice.subject == id));
        state.notices.push(Notice {
            code,
            subject: id,
            text,
        });
        is_exposed |= exposure::is_exposed(state, &state.ledger, *generation, &state.notices);
    }
    state.notices.sort();
    is_exposed
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
    let mut situation = texts::situation(state, Some(config));
    let open_sessions = outcome.open_sessions.iter();
    situation.open_sessions = open_sessions
        .map(|generation| texts::generation(state.ledger.credential(*generation), *generation))
        .collect();
    let ended = &situation.open_sessions;
    situation.still_valid.retain(|older| !ended.contains(older));
    situation.is_untouched = outcome.minted.is_none() && !outcome.delivered && outcome.revoked.is_empty();
    let coming = if is_create {
        Next::Tainted
    } else if outcome.value_lost && !config.source.may_replace_lost() {
        // Another apply of the same would find the same.
        texts::ways_to_a_new_value(config, &state.ledger)
    } else if config.source.is_supplied() && outcome.failures.iter().any(|failure| failure.site == Subject::Source) {
        // So would another apply of the same value.
        texts::ways_to_a_new_value(config, &state.ledger)
    } else {
        next(state)
    };
    situation.way_back = way_back(outcome, state, config);
    let ending = Ending::Left(situation, coming);
    tell(&outcome.failures, config, &ending, registry, problems);
    if outcome.interrupted && outcome.failures.is_empty() {
        problems.report(Path::root(), Apply::Interrupted { ending });
    }
}

/// The generation that a person can supply again after this run could not put the new value everywhere: its credential has an id, so
/// that it is known as the same.
fn way_back(outcome: &Outcome, state: &State, config: &Config) -> Option<u64> {
    let ledger = &state.ledger;
    let unfinished = config.source.is_supplied() && outcome.minted.is_some() && !ledger.is_finished();
    let before = ledger.superseded().into_iter().max().filter(|_| unfinished)?;
    let is_known = ledger.credential(before)?.credential_id.is_some();
    let is_in_use = ledger
        .deliveries()
        .values()
        .any(|known| known.generation == Some(before));
    (is_known && is_in_use).then_some(before)
}

/// The end of an apply that handled an incident, or was to revoke what one exposed: an error for what is still exposed.
pub(super) fn still_exposed(name: &str, notices: &[Notice], problems: &mut Diagnostics) {
    let exposed = notices.iter().filter(|notice| notice.code == NoticeCode::Exposed);
    let lines: Vec<String> = exposed.map(|notice| notice.text.clone()).collect();
    if !lines.is_empty() {
        let secret = name.to_owned();
        problems.report(Path::root(), Apply::StillExposed { secret, lines });
    }
}

/// One error for each cause, with everything that it concerns, and `ending`. Another secret of this run that met the same cause
/// repeats it in short.
pub(super) fn tell(
    failures: &[Failure],
    config: &Config,
    ending: &Ending,
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
        let also_stopped = names(others);
        let (what, ending) = (failure.message.clone(), ending.clone());
        let told_by = failure
            .cause
            .as_ref()
            .and_then(|cause| Some((cause.service, registry.told(cause, &config.name)?)));
        let error = match told_by {
            Some((service, other)) => Apply::FailedLike {
                what,
                service: service.into(),
                other,
                also_stopped,
                ending,
            },
            None => Apply::Failed {
                what,
                also_stopped,
                ending,
            },
        };
        problems.report(path, error);
    }
}

pub(super) fn warn(outcome: &Outcome, config: &Config, problems: &mut Diagnostics) {
    for warning in &outcome.warnings {
        let path = paths::path_of(&warning.site, Some(config));
        problems.report(path, warning.message.clone());
    }
}
