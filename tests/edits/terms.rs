//! Guard, window, incident and adoption: the situations that they make, and the edits of them.

use serde_json::{Value as Json, json};

use super::matrix::{Change, DAY, base, created, nothing, remove_if, rotated};
use super::run::{Rest, applied, attempted};

/// Every how manieth of the other edits is made in one of these situations.
const STRIDE: usize = 4;

const CONSEQUENCE: &str = "everything is down";

fn guard(confirm: Option<&str>) -> Json {
    let confirm = confirm.map(|what| format!("{what}: {CONSEQUENCE}"));
    json!({ "consequence": CONSEQUENCE, "confirm": confirm })
}

/// Open in hours in which nothing happens here: the clock begins at 17:46 UTC.
fn window(from: &str, to: &str) -> Json {
    json!({ "from": from, "to": to })
}

/// Edits of these blocks. `incident` is the provider's, and stands beside the arguments here.
pub fn edits() -> Vec<(&'static str, Change)> {
    vec![
        ("guard added", |c| c["guard"] = guard(None)),
        ("guard confirmed", |c| c["guard"] = guard(Some("2"))),
        ("guard confirmed for the first", |c| c["guard"] = guard(Some("1"))),
        ("guard confirmed for another", |c| c["guard"] = guard(Some("9"))),
        ("guard confirmed, and reason", |c| {
            c["guard"] = guard(Some("2"));
            c["rotation_reason"] = json!("asked for by the edit");
        }),
        ("guard removed", |c| remove_if(c, "guard")),
        ("window that is closed", |c| {
            c["rotation"]["window"] = window("02:00", "06:00")
        }),
        ("window that is open", |c| {
            c["rotation"]["window"] = window("06:00", "02:00")
        }),
        ("window removed", |c| remove_if(&mut c["rotation"], "window")),
        ("adopt added", |c| c["adopt"] = json!({})),
        ("adopt removed", |c| remove_if(c, "adopt")),
        ("incident declared", |c| c["incident"] = json!("checked")),
        ("incident declared, before the checks", |c| {
            c["incident"] = json!("delivered")
        }),
        ("incident declared, at once", |c| c["incident"] = json!("now")),
        ("incident removed", |c| remove_if(c, "incident")),
    ]
}

/// Those of the others that are made here; the next situation begins one edit later.
pub fn some(nth: usize, edits: Vec<(&'static str, Change)>) -> Vec<(&'static str, Change)> {
    edits.into_iter().skip(nth % STRIDE).step_by(STRIDE).collect()
}

/// What waits, what is cut off, what was taken over.
pub fn situations(source: &'static str) -> Vec<(&'static str, Rest)> {
    let with = |change: fn(&mut Json)| {
        let mut config = base(source);
        change(&mut config);
        config
    };
    let later = |mut rest: Rest, seconds: i64| {
        rest.world.now += seconds;
        rest
    };
    let guarded = with(|c| {
        c["guard"] = guard(None);
        // A guarded secret has a target in the first wave that gives its value back.
        c["targets"]["run"]["wave"] = json!(1);
    });
    let windowed = with(|c| c["rotation"]["window"] = window("02:00", "06:00"));
    let open = with(|c| c["rotation"]["window"] = window("06:00", "02:00"));
    let overlapping = applied(&created(&open), &rotated(&open, source));
    let struck = with(|c| c["incident"] = json!("checked"));
    vec![
        ("guarded and due", later(created(&guarded), 91 * DAY)),
        ("waiting for window", later(created(&windowed), 91 * DAY)),
        ("in the window, overlapping", later(overlapping, 2 * DAY)),
        ("incident under way", cut_off(created(&base(source)), &struck)),
        ("taken over, not rotated yet", taken_over(source)),
    ]
}

/// One target was down, so that the run for the incident is not complete; a supplied value is waited for.
fn cut_off(mut rest: Rest, config: &Json) -> Rest {
    let slot = rest.world.slot("github");
    rest.world.refuses.insert(slot);
    let (mut rest, errors) = attempted(&rest, config);
    assert!(!errors.is_empty(), "an incident that is not over is no error");
    rest.world.refuses.clear();
    rest.world.now += 60;
    rest
}

/// Everything is there, made by another hand.
fn taken_over(source: &'static str) -> Rest {
    let mut config = base(source);
    let mut rest = nothing(config.clone());
    rest.world = created(&config).world;
    let token = rest.world.is_of_another_hand();
    config["adopt"] = json!({ "credential_id": token });
    // What is taken over is not supplied.
    config["value_wo"] = Json::Null;
    let mut rest = applied(&rest, &config);
    assert!(rest.world.writes.is_empty(), "{:?}", rest.world.writes);
    rest.world.now += 3_600;
    rest
}
