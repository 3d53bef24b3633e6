//! Activations: the situations that a failed one leaves, and the edits of them.

use serde_json::{Value as Json, json};

use super::matrix::{Change, DAY, base, created, remove_if, rotated};
use super::run::{Rest, applied, attempted};

/// Every how manieth of the other edits is made in one of these situations.
const STRIDE: usize = 8;

/// Keys of activations begin with this: by their keys the world tells them from checks.
pub const PREFIX: &str = "deploy";

fn hook(wave: Option<u64>, url: &str) -> Json {
    let url = format!("https://app.example/{url}");
    json!({ "wave": wave, "http": { "url": url, "method": "POST" } })
}

/// Edits of activations.
pub fn edits() -> Vec<(&'static str, Change)> {
    vec![
        ("activation added", |c| {
            c["activations"]["deploy_more"] = hook(Some(2), "more")
        }),
        ("activation added to the first wave", |c| {
            c["activations"]["deploy_first"] = hook(Some(1), "first");
        }),
        ("activation changed", |c| {
            c["activations"]["deploy"] = hook(Some(2), "other")
        }),
        ("activation of another kind", |c| {
            c["activations"]["deploy"] = json!({
                "wave": 2,
                "github_workflow": { "repository": "molecule-ai/monorepo", "workflow": "deploy.yml" },
            });
        }),
        ("activation waited for longer", |c| {
            c["activations"]["deploy"] = hook(Some(2), "all");
            c["activations"]["deploy"]["timeout"] = json!("1h");
        }),
        ("activation that presents the credential", |c| {
            c["activations"]["deploy"] = hook(Some(2), "all");
            c["activations"]["deploy"]["http"]["headers"] = json!({ "Authorization": "Bearer {{ value }}" });
        }),
        ("activation of the last wave by default", |c| {
            c["activations"]["deploy"] = hook(None, "all")
        }),
        ("activation moved to the first wave", |c| {
            c["activations"]["deploy"] = hook(Some(1), "all")
        }),
        ("activation in a wave without targets", |c| {
            c["activations"]["deploy"] = hook(Some(7), "all")
        }),
        ("activation renamed", |c| {
            c["activations"] = json!({ "deploy_all": hook(Some(2), "all") })
        }),
        ("activations removed", |c| remove_if(c, "activations")),
        ("activations removed, and a rotation", |c| {
            remove_if(c, "activations");
            c["rotation_reason"] = json!("asked for by the edit");
        }),
        ("activation changed, and a rotation", |c| {
            c["activations"]["deploy"] = hook(Some(2), "other");
            c["rotation_reason"] = json!("asked for by the edit");
        }),
        ("check behind the activation added", |c| {
            c["checks"]["behind"] = json!({ "wave": 2, "http": { "url": "https://app.example/health?behind" } });
        }),
        ("what is activated removed", |c| {
            remove_if(&mut c["targets"], "ci");
            remove_if(&mut c["targets"], "run");
            c["activations"] = json!({ "deploy": hook(None, "all") });
        }),
    ]
}

/// Those of the others that are made here; the next situation begins one edit later.
pub fn some(nth: usize, edits: Vec<(&'static str, Change)>) -> Vec<(&'static str, Change)> {
    edits.into_iter().skip(nth % STRIDE).step_by(STRIDE).collect()
}

/// What a failed activation leaves, and what there is without one.
pub fn situations(source: &'static str) -> Vec<(&'static str, Rest)> {
    let mut config = base(source);
    config["activations"] = json!({ "deploy": hook(Some(2), "all") });
    let settled = created(&config);
    let next = rotated(&config, source);
    let mut two = next.clone();
    two["activations"]["deploy_first"] = hook(Some(1), "first");
    let later = |mut rest: Rest, seconds: i64| {
        rest.world.now += seconds;
        rest
    };
    let edited = |mut rest: Rest| {
        rest.world.edit("github");
        rest
    };
    let overlapping = later(applied(&settled, &next), 3_600);
    vec![
        ("activated", settled.clone()),
        ("activated and due", later(settled.clone(), 91 * DAY)),
        ("activated, overlapping", overlapping.clone()),
        (
            "staged by a failed activation",
            failed(settled.clone(), &next, "deploy"),
        ),
        (
            "staged by a failed activation, overlap over",
            later(failed(settled.clone(), &next, "deploy"), 2 * DAY),
        ),
        (
            "staged in the first wave",
            failed(settled.clone(), &two, "deploy_first"),
        ),
        ("a repair is staged", failed(edited(settled), &config, "deploy")),
        (
            "a repair is staged, overlap over",
            later(failed(edited(overlapping), &next, "deploy"), 2 * DAY),
        ),
    ]
}

/// An apply in which that activation fails.
fn failed(mut rest: Rest, config: &Json, activation: &str) -> Rest {
    rest.world.fails.insert(activation.to_owned());
    let (mut rest, errors) = attempted(&rest, config);
    let told = |error: &String| error.contains("Activation") && error.contains("failed");
    assert!(errors.iter().any(told), "{errors:?}");
    rest.world.fails.clear();
    rest.world.now += 60;
    rest
}
