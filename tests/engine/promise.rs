//! "Apply never does more than the plan said", and Terraform's own rule: what was planned as known is what comes out.

use rotation_provider::terraform::Value;

use super::case::{Case, Origin, Wish};
use super::play::Deeds;
use super::world::{Broken, World};

/// The object before a run, as its plan had it, and afterwards.
#[derive(Clone, Copy)]
pub struct Objects<'a> {
    pub prior: &'a Value,
    pub planned: &'a Value,
    pub state: &'a Value,
}

/// What a run did against its plan.
pub fn broken(
    objects: Objects<'_>,
    deeds: &Deeds,
    errors: &[String],
    case: &Case,
    wish: &Wish,
    world: &World,
) -> Vec<Broken> {
    let Objects { prior, planned, state } = objects;
    let mut broken = Vec::new();
    let creates = prior.is_null();
    let restores = wish.restore > 0 && wish.restore != world.vault.restored;
    let renews = creates || planned.get("generation") != prior.get("generation") && !restores;
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
        // A value that nobody issues and nobody can recover waits for a person's word, and a wave for a lead.
        let notices = state.get("notices").as_list().unwrap_or_default();
        let waits = |notice: &Value| notice.get("code").as_str() == Some("not_restorable");
        let record = state.get("last_rotation");
        let leads = case.leads && !record.get("continues_at").is_null();
        if record.get("finished_at").is_null() && !notices.iter().any(waits) && !leads {
            broken.push("an apply without errors left a rotation unfinished".to_owned());
        }
        for spec in wish.configured(case).filter(|_| case.heal) {
            // A value that nobody issues is not replaced unless a person asks for it, and a guarded secret is not written.
            let told = |code| has_notice(state, code, Some(spec.key));
            // Once what was lost half-way is revoked, the confirmation of its generation holds for another.
            let newest = state.get("generation").as_u64().unwrap_or_default();
            let follows = case.terms.guard && u64::from(wish.confirm) == newest + 1;
            let waits = !case.terms.is_open(world.hour) && has_notice(state, "waiting_for_window", None);
            let leads = leads && spec.wave > 1;
            if told("not_restorable") || told("guarded") || follows || waits || leads {
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

/// What an incident left exposed is said: by a notice, and by an error of the apply that left it. `errors` of an apply; a plan that shows
/// nothing to do has none.
pub fn said(case: &Case, wish: &Wish, world: &World, state: &Value, errors: Option<&[String]>) -> Vec<Broken> {
    let mut broken = Vec::new();
    if case.terms.incident.is_none() || wish.incidents == 0 {
        return broken;
    }
    let is_handled = handled(state) == wish.incidents;
    let waits = case.terms.guard && has_notice(state, "guarded", None);
    if errors.is_none_or(<[_]>::is_empty) && !is_handled && !waits {
        broken.push("an incident is not remembered".to_owned());
    }
    for handle in world.exposed().into_iter().filter(|_| is_handled) {
        if !has_notice(state, "exposed", Some(handle)) {
            broken.push(format!("{handle} is exposed and alive, and no notice says so"));
        }
        if errors.is_some_and(<[_]>::is_empty) {
            broken.push(format!(
                "{handle} is exposed and alive, and the apply ended without an error"
            ));
        }
    }
    broken
}

/// How many incidents a state says that it has handled.
pub fn handled(state: &Value) -> u8 {
    let known = state.get("incidents").as_list().unwrap_or_default();
    let numbers = known
        .iter()
        .filter_map(|id| id.as_str()?.strip_prefix("INC-")?.parse().ok());
    numbers.max().unwrap_or(0)
}

/// A rotation that is due waits, and an empty plan does not say for what.
pub fn silent(case: &Case, world: &World, state: &Value, due: bool) -> Option<Broken> {
    if !due || world.consent.under_way {
        return None;
    }
    let code = match (case.terms.guard, case.terms.is_open(world.hour)) {
        (true, _) => "guarded",
        (false, false) => "waiting_for_window",
        (false, true) => return Some("a rotation is due, and the plan is empty".to_owned()),
    };
    (!has_notice(state, code, None)).then(|| format!("a rotation is due and waits, and no notice {code} says so"))
}

fn has_notice(state: &Value, code: &str, subject: Option<&str>) -> bool {
    let notices = state.get("notices").as_list().unwrap_or_default();
    notices.iter().any(|notice| {
        let is_of_it = subject.is_none_or(|subject| notice.get("subject").as_str() == Some(subject));
        notice.get("code").as_str() == Some(code) && is_of_it
    })
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
