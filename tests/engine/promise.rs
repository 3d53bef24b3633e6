//! "Apply never does more than the plan said", and Terraform's own rule: what was planned as known is what comes out.

use rotation_provider::terraform::Value;

use super::case::{Case, Origin, Wish};
use super::play::Deeds;
use super::world::Broken;

/// What a run did against its plan.
pub fn broken(
    prior: &Value,
    planned: &Value,
    state: &Value,
    deeds: &Deeds,
    errors: &[String],
    case: &Case,
    wish: &Wish,
) -> Vec<Broken> {
    let mut broken = Vec::new();
    let creates = prior.is_null();
    let renews = creates || planned.get("generation") != prior.get("generation");
    if deeds.minted > u32::from(renews) && case.origin != Origin::Provided {
        broken.push(format!(
            "{} credentials were made, the plan said {}",
            deeds.minted,
            u32::from(renews)
        ));
    }
    for slot in &deeds.written {
        let key = case.spec_at(slot).map_or("?", |spec| spec.key);
        let delivery = planned.get("deliveries").get(key);
        if !(creates || planned.get("deliveries").has_unknown() && delivery.has_unknown()) {
            broken.push(format!("{key} was written, the plan did not say so"));
        }
    }
    for slot in &deeds.removed {
        let key = case.spec_at(slot).map_or("?", |spec| spec.key);
        let stays = |deliveries: &Value| {
            let entries = deliveries.as_map().cloned().unwrap_or_default();
            entries
                .values()
                .any(|delivery| delivery.get("slot").as_str() == Some(slot))
        };
        if !stays(prior.get("deliveries")) || stays(planned.get("deliveries")) {
            broken.push(format!("{key} was emptied, the plan did not say so"));
        }
    }
    if let Some(staying) = planned.get("credentials").as_map().filter(|_| !creates) {
        for handle in &deeds.revoked {
            if staying.values().any(|known| {
                known.get("credential_id").as_str() == Some(handle) && known.get("status").as_str().is_some()
            }) {
                broken.push(format!("{handle} was revoked, the plan said that it stays"));
            }
        }
    }
    if errors.is_empty() {
        let mut path = String::new();
        differs(planned, state, &mut path)
            .into_iter()
            .for_each(|at| broken.push(format!("the result is not what was planned: {at}")));
        // A value that nobody issues and nobody can recover waits for a person's word.
        let notices = state.get("notices").as_list().unwrap_or_default();
        let waits = |notice: &Value| notice.get("code").as_str() == Some("not_restorable");
        if state.get("last_rotation").get("finished_at").is_null() && !notices.iter().any(waits) {
            broken.push("an apply without errors left a rotation unfinished".to_owned());
        }
        for spec in wish.configured(case).filter(|_| case.heal) {
            // A value that nobody issues is not replaced unless a person asks for it.
            let told = |notice: &Value| {
                notice.get("code").as_str() == Some("not_restorable")
                    && notice.get("subject").as_str() == Some(spec.key)
            };
            if state.get("notices").as_list().unwrap_or_default().iter().any(told) {
                continue;
            }
            let delivery = state.get("deliveries").get(spec.key);
            let holds = delivery.get("generation") == state.get("generation");
            if !holds || !matches!(delivery.get("status").as_str(), Some("current" | "staged")) {
                broken.push(format!("an apply without errors left {} behind", spec.key));
            }
        }
    }
    broken
}

/// Where a result is not what a plan promised.
fn differs(planned: &Value, result: &Value, path: &mut String) -> Option<String> {
    match (planned, result) {
        (Value::Unknown(_), _) => None,
        (Value::Map(planned), Value::Map(result)) => {
            if let Some(extra) = result.keys().find(|key| !planned.contains_key(*key)) {
                return Some(format!("{path}.{extra} was not planned"));
            }
            planned.iter().find_map(|(key, value)| {
                let length = path.len();
                path.push('.');
                path.push_str(key);
                let found = differs(value, result.get(key).unwrap_or(&Value::Null), path);
                path.truncate(length);
                found
            })
        }
        (Value::List(planned), Value::List(result)) if planned.len() == result.len() => planned
            .iter()
            .zip(result)
            .find_map(|(planned, result)| differs(planned, result, path)),
        (planned, result) if planned == result => None,
        _ => Some(format!("{path}: {} planned, {} came", told(planned), told(result))),
    }
}

/// A value as text; strings here are no secrets.
fn told(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        Value::List(items) => format!("[{}]", items.iter().map(told).collect::<Vec<_>>().join(", ")),
        Value::Map(items) => {
            let known = items.iter().map(|(key, value)| format!("{key}={}", told(value)));
            format!("{{{}}}", known.collect::<Vec<_>>().join(" "))
        }
        other => format!("{other:?}"),
    }
}
