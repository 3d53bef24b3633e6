//! What an apply says: every failure at its place, with what is true now and what comes next.

use crate::executor::{Failure, Outcome, Subject};
use crate::provider::secret::config::Config;
use crate::provider::secret::state::State;
use crate::provider::secret::{place, texts};
use crate::rotation::{Notice, NoticeCode};
use crate::terraform::{Diagnostic, Diagnostics, Path};

/// Notes every revocation that was due and waits.
pub(super) fn waiting(state: &mut State, outcome: &Outcome) {
    for (generation, reasons) in &outcome.waiting {
        let known = state.ledger.credential(*generation);
        let Some(id) = known.and_then(|known| known.credential_id.clone()) else {
            continue;
        };
        let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
        let text = format!(
            "Generation {generation} ({id}) is not revoked yet: {}.",
            reasons.join("; ")
        );
        let is_known = |notice: &Notice| notice.code == NoticeCode::RevokeWaits && notice.subject == id;
        state.notices.retain(|notice| !is_known(notice));
        state.notices.push(Notice {
            code: NoticeCode::RevokeWaits,
            subject: id,
            text,
        });
    }
    state.notices.sort();
}

/// Every failure at its path, with what exists now and what comes next.
pub(super) fn report(outcome: &Outcome, state: &State, config: &Config, is_create: bool, problems: &mut Diagnostics) {
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
            format!("The call in flight was finished, and no new step was begun.\n\n{situation}\n{next}"),
        );
    }
}

/// What failed before anything was done.
pub(super) fn without_effect(failure: &Failure) -> String {
    format!("{}\n\nNothing was minted or changed.", failure.detail)
}

pub(super) fn diagnostic(failure: &Failure, config: &Config, detail: &str) -> Diagnostic {
    let path = place::path_of(&failure.site, Some(config));
    Diagnostic::error(path, &failure.summary, detail)
}

pub(super) fn warn(outcome: &Outcome, config: &Config, problems: &mut Diagnostics) {
    for warning in &outcome.warnings {
        problems.warning(
            place::path_of(&warning.site, Some(config)),
            &warning.summary,
            &warning.detail,
        );
    }
}
