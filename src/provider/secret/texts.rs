//! How places, credentials and ways out are called in texts.

use super::state::State;
use crate::address::{Address, DEFAULT_CONNECTION};
use crate::rotation::{Action, CredentialRecord, DeliveryStatus, Ledger};
use crate::source;
use crate::spec::Config;
pub(super) use crate::target::entry;

/// The issuer at a recorded address.
pub(super) fn issuer(address: &str) -> String {
    let parsed: Option<Address> = address.parse().ok();
    let kind = parsed.as_ref().and_then(|address| source::kind(&address.kind));
    match (parsed, kind) {
        (Some(parsed), Some(kind)) if parsed.connection == DEFAULT_CONNECTION => (kind.issuer_in_words)(&parsed),
        (Some(parsed), Some(kind)) => {
            format!("{}, connection {}", (kind.issuer_in_words)(&parsed), parsed.connection)
        }
        _ => address.to_owned(),
    }
}

/// A credential: its generation, and its handle where it has one.
pub(super) fn credential(known: &CredentialRecord) -> String {
    match &known.credential_id {
        Some(id) => format!("Generation {} ({id})", known.generation),
        None => format!("Generation {}", known.generation),
    }
}

/// The same within a sentence.
pub(super) fn generation(known: Option<&CredentialRecord>, generation: u64) -> String {
    match known.and_then(|known| known.credential_id.as_ref()) {
        Some(id) => format!("generation {generation} ({id})"),
        None => format!("generation {generation}"),
    }
}

/// The text with its first letter in upper case.
pub(super) fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next();
    first
        .map(|first| first.to_uppercase().chain(characters).collect())
        .unwrap_or_default()
}

/// A reason as the beginning of a sentence. A target's key keeps its letters.
pub(super) fn sentence(reason: &str, config: &Config) -> String {
    let begins = |key: &String| {
        reason
            .strip_prefix(key.as_str())
            .is_some_and(|rest| rest.starts_with(' '))
    };
    if config.targets.keys().any(begins) {
        format!("Target {reason}")
    } else {
        capitalized(reason)
    }
}

/// What a person does to get a new value.
pub(super) fn ways_to_a_new_value(config: &Config, ledger: &Ledger) -> &'static str {
    if config.source.is_supplied() && ledger.is_taken_over() {
        "Put the value back by hand, or supply a new one: set `value_wo`, and raise `value_wo_version`."
    } else if config.source.is_supplied() {
        "Put the value back by hand, or supply it again: set `value_wo`, and raise `value_wo_version` if it is a new one."
    } else {
        "Put the value back by hand, or set a new `rotation_reason` to make a new one."
    }
}

/// How a person confirms that a guarded secret may change.
pub(super) fn to_confirm(config: &Config, coming: u64) -> String {
    let Some(guard) = &config.guard else {
        return String::new();
    };
    format!(
        "To confirm that {}, set guard {{ confirm = {:?} }}.",
        guard.consequence.trim_end_matches('.'),
        guard.line(coming)
    )
}

/// What a rotation waits for that a person supplies.
pub(super) fn awaiting(reason: &str, config: &Config) -> String {
    let mut text = format!(
        "A new value is needed ({}). Supply it in `value_wo` and raise `value_wo_version`.",
        reason.trim_end_matches('.')
    );
    if let Some(contact) = &config.contact {
        text.push_str(&format!(" Contact: {contact}."));
    }
    if let Some(url) = &config.docs_url {
        text.push_str(&format!(" Procedure: {url}"));
    }
    text
}

/// What is true now.
pub(super) fn situation(state: &State, config: Option<&Config>) -> String {
    let ledger = &state.ledger;
    let newest = ledger.generation();
    if newest == 0 && ledger.credentials().is_empty() {
        return "Nothing exists yet.".to_owned();
    }
    let mut sentences = Vec::new();
    let configured: Vec<_> = ledger
        .deliveries()
        .iter()
        .filter(|(_, known)| known.status != DeliveryStatus::Removing)
        .collect();
    let holding: Vec<&str> = configured
        .iter()
        .filter(|(_, delivery)| delivery.holds(newest))
        .map(|(key, _)| key.as_str())
        .collect();
    if newest > 0 {
        let list = if holding.is_empty() {
            String::new()
        } else {
            format!(" ({})", holding.join(", "))
        };
        sentences.push(format!(
            "{} is in {} of {} targets{list}.",
            capitalized(&generation(ledger.credential(newest), newest)),
            holding.len(),
            configured.len()
        ));
    }
    for (key, delivery) in &configured {
        let impact = config
            .and_then(|config| config.targets.get(*key)?.impact.as_deref())
            .map_or_else(String::new, |impact| format!(" ({})", impact.trim_end_matches('.')));
        match (delivery.status, delivery.generation) {
            (DeliveryStatus::Unknown, _) => sentences.push(format!("What {key} holds is unknown{impact}.")),
            (DeliveryStatus::Staged, Some(generation)) => {
                sentences.push(format!(
                    "Generation {generation} is published at {key}, but not live{impact}."
                ));
            }
            (_, Some(generation)) if generation != newest => {
                sentences.push(format!("{key} still holds generation {generation}{impact}."));
            }
            _ => {}
        }
    }
    let older: Vec<String> = ledger
        .superseded()
        .into_iter()
        .filter_map(|older| ledger.credential(older))
        .filter(|known| known.is_issued())
        .map(|known| generation(Some(known), known.generation))
        .collect();
    if !older.is_empty() {
        sentences.push(format!("Not revoked, still valid: {}.", older.join(", ")));
    }
    sentences.join(" ")
}

/// What follows a create that failed half-way.
pub(super) const TAINTED: &str = "Terraform marks the secret as tainted: the next apply replaces it under the same id, and revokes \
                                  nothing before the new value is in place. To resume without a replacement, run `terraform untaint` \
                                  first.";

/// What the next apply will do.
pub(super) fn next(state: &State) -> String {
    if state.pending.is_empty() {
        return "Apply again to retry.".to_owned();
    }
    let list = state.pending.iter().map(|known| {
        let generation = known.generation.unwrap_or_default();
        let target = known.target.as_deref().unwrap_or_default();
        let what = match known.action {
            Action::Rotate => format!("rotate to generation {generation}"),
            Action::Finish => format!("finish generation {generation}"),
            Action::Deliver => format!("deliver generation {generation} to {target}"),
            Action::Activate => format!("activate {target}"),
            Action::Remove => format!("remove the entry of {target}"),
            Action::Check => "repeat the checks".to_owned(),
            Action::Restore => format!("restore generation {generation}"),
            Action::Notify => "send the message".to_owned(),
            Action::Revoke => match &known.credential_id {
                Some(id) => format!("revoke generation {generation} ({id})"),
                None => format!("revoke generation {generation}"),
            },
        };
        format!("{what} ({})", known.reason.trim_end_matches(super::decide::ROTATED))
    });
    format!("The next apply will {}.", list.collect::<Vec<_>>().join("; "))
}
