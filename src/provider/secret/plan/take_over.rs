//! What a plan shows that takes over what exists: an adoption, or the first apply after an import or a move.

use std::collections::BTreeMap;

use super::{refuse_confirmed, undecided};
use crate::address::Address;
use crate::diagnostics::Adoption;
use crate::executor::needs_its_id;
use crate::plugin::PlanRequest;
use crate::provider::secret::state::{Receipt, instant, is_imported, steps_value, was_moved};
use crate::provider::secret::texts;
use crate::rotation::{Cause, Request, TAKEN_OVER, schedule};
use crate::source::Maker;
use crate::spec::Config;
use crate::terraform::{Diagnostics, Path, Value};

/// Whether this change takes over what exists.
pub(in crate::provider::secret) fn is_asked(config: &Config, prior: &Value) -> bool {
    is_imported(prior) || (prior.is_null() && config.adopt.is_some())
}

/// Why it is taken over.
pub(in crate::provider::secret) fn request(prior: &Value) -> Request {
    let reason = if !is_imported(prior) {
        "adopted"
    } else if was_moved(prior) {
        "moved from another resource"
    } else {
        "imported"
    };
    Request::new(Cause::Adopted, reason)
}

/// The id of the credential in use, as far as the configuration tells it.
pub(in crate::provider::secret) fn credential_id(config: &Config) -> Option<&str> {
    let adopted = config.adopt.as_ref().and_then(|adopt| adopt.credential_id.as_deref());
    let source = config.source.config.as_ref();
    let supplied = source.supplied().and_then(|supplied| supplied.credential_id);
    adopted.or(supplied).or(source.next_id())
}

/// The planned object.
pub(super) fn planned(
    request: &PlanRequest,
    config: &Config,
    slots: &BTreeMap<String, Address>,
    proposed: Value,
    problems: &mut Diagnostics,
) -> Value {
    refuse(config, problems);
    let record = Receipt::planned(&self::request(&request.prior), None)
        .with("checks", Value::List(Vec::new()))
        .with("revoked", Value::List(Vec::new()));
    let rotated_at = config.adopt.as_ref().and_then(|adopt| adopt.rotated_at);
    let rotate_after = match (config.schedule.every, rotated_at) {
        (None, _) => Value::Null,
        (Some(every), Some(at)) => instant(Some(schedule::next_anchor(every, None, at))),
        (Some(_), None) => Value::unknown(),
    };
    undecided(request, proposed)
        .with("id", Value::unknown())
        // What exists may be what a standing incident exposed: the next plan answers that.
        .with("incidents", Value::List(Vec::new()))
        .with("generation", Value::number(TAKEN_OVER))
        .with("public", Value::Map(BTreeMap::new()))
        .with("revoke_after", Value::Null)
        .with(
            "rotated_at",
            rotated_at.map_or_else(Value::unknown, |at| instant(Some(at))),
        )
        .with("rotate_after", rotate_after)
        .with("last_rotation", record)
        .with("steps", steps_value(&steps(config, slots)))
}

/// What cannot be taken over like that.
fn refuse(config: &Config, problems: &mut Diagnostics) {
    let secret = || config.name.clone();
    let path = Path::attribute("adopt").then_attribute("credential_id");
    let adopted = config.adopt.as_ref().and_then(|adopt| adopt.credential_id.as_deref());
    let source = config.source.config.as_ref();
    if let Some(supplied) = source.supplied() {
        if supplied.at_hand {
            problems.report(
                Path::attribute("value_wo"),
                Adoption::ValueSupplied { secret: secret() },
            );
        }
        if let (Some(adopted), Some(id)) = (adopted, supplied.credential_id)
            && adopted != id
        {
            let two = Adoption::TwoCredentials {
                secret: secret(),
                adopted: adopted.to_owned(),
                supplied: id.to_owned(),
            };
            problems.report(path.clone(), two);
        }
    }
    if needs_its_id(source.traits().issuance) && credential_id(config).is_none() {
        let required = Adoption::IdRequired {
            secret: secret(),
            source: source.in_words(),
        };
        problems.report(path, required);
    }
    refuse_confirmed(config, TAKEN_OVER, problems);
}

/// The lines of `steps`.
pub(in crate::provider::secret) fn steps(config: &Config, slots: &BTreeMap<String, Address>) -> Vec<String> {
    let source = &config.source;
    let place = (source.kind.issuer_in_words)(&source.issuer);
    let value = match (source.kind.maker, credential_id(config)) {
        (Maker::Us, _) => "the value in use".to_owned(),
        (Maker::Person, None) => "the value in use, which a person supplied".to_owned(),
        (Maker::Person, Some(id)) => format!("the value in use, which a person supplied ({id})"),
        (Maker::Issuer, Some(id)) => format!("credential {id} of {place}"),
        (Maker::Issuer, None) => format!("the credential in use of {place}, whose id is unknown"),
    };
    let mut targets: Vec<_> = config.targets.iter().collect();
    targets.sort_by_key(|(key, target)| (target.wave, key.as_str()));
    let targets = targets.into_iter().filter_map(|(key, target)| {
        let words = texts::entry(&slots.get(key)?.to_string());
        Some(format!(
            "wave {}: take over {} of generation {TAKEN_OVER} {} ({key}), without writing it",
            target.wave, words.entry, words.place
        ))
    });
    let first = format!("take over generation {TAKEN_OVER}: {value}");
    std::iter::once(first).chain(targets).collect()
}
