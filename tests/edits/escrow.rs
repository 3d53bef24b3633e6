//! Escrow and `restore`: the situations that parked values make, the edits of both, and what must be true of what is parked.

use std::collections::BTreeMap;
use std::sync::Arc;

use rotation_provider::address::DEFAULT_CONNECTION;
use rotation_provider::provider::Setting;
use rotation_provider::spec::Escrow;
use rotation_provider::terraform::Value;
use serde_json::{Value as Json, json};

use super::matrix::{Change, DAY, base, created, remove_if, rotated};
use super::run::{Rest, Verdict, applied, attempted, pair};
use super::world::World;

/// Every how manieth of the edits here, and of the others, is made in one of these situations.
const STRIDE: usize = 2;
const STRIDE_OF_OTHERS: usize = 20;

/// Every entry of escrow is below it.
const PARKING: &str = "/rotation/";

const PATH: &str = "/rotation/escrow/";
const OTHER_PATH: &str = "/rotation/moved/";

/// The provider block's `escrow`, which stands beside the arguments of the secret here.
pub const BLOCK: &str = "escrow_block";

/// Whether something is parked at that address.
pub fn is_parking(slot: &str) -> bool {
    slot.contains(PARKING)
}

/// The values in an entry, by generation; `None` where it cannot be read.
pub fn parked_in(text: &str) -> Option<BTreeMap<u64, String>> {
    let text: Json = serde_json::from_str(text).ok()?;
    let value = |held: &Json| {
        let primary = held["primary"].as_str()?;
        let parts = [&held["secret"][primary], &held["plain"][primary]];
        parts.into_iter().find_map(Json::as_str).map(str::to_owned)
    };
    let generations = text["generations"].as_object()?.iter();
    generations
        .map(|(generation, held)| Some((generation.parse().ok()?, value(held)?)))
        .collect()
}

fn block(path: &str) -> Json {
    json!({ "path": path, "kms_key_id": null })
}

/// The block as the provider has read it.
pub fn setting(config: &Json) -> Setting<Escrow> {
    let Some(path) = config[BLOCK]["path"].as_str() else {
        return Setting::None;
    };
    Setting::Known(Arc::new(Escrow {
        path: path.to_owned(),
        key_id: config[BLOCK]["kms_key_id"].as_str().map(str::to_owned),
        connection: DEFAULT_CONNECTION.to_owned(),
    }))
}

/// Where a run with that configuration parks values.
pub fn parks_under(config: &Json) -> Option<String> {
    let path = config[BLOCK]["path"]
        .as_str()
        .filter(|_| config["escrow"] != json!(false));
    path.map(str::to_owned)
}

/// The generation that a configuration asks for and the state before did not.
pub fn asked(config: &Json, prior: &Value) -> Option<u64> {
    let wanted = config["restore"].as_u64().filter(|_| !prior.is_null());
    wanted.filter(|generation| prior.get("restore").as_u64() != Some(*generation))
}

/// Whether the generation can be delivered again, as far as escrow and the record before tell. `None` while it is on its way.
pub fn is_restorable(config: &Json, prior: &Value, world: &World, generation: u64) -> Option<bool> {
    let known = prior.get("credentials").get(&generation.to_string());
    let is_finished = !prior.get("last_rotation").get("finished_at").is_null();
    if prior.get("generation").as_u64() == Some(generation) {
        return is_finished.then_some(false);
    }
    let is_revoked = config["revoke"]["confirmed"]
        .as_u64()
        .is_some_and(|through| generation <= through);
    let is_alive = !known.is_null() && known.get("status").as_str() != Some("disabled") && !is_revoked;
    let is_new_incident =
        config["incident"].is_string() && prior.get("incidents").as_list().is_none_or(<[Value]>::is_empty);
    let is_exposed = is_new_incident || world.exposed.contains(&generation);
    let mut parked = world.parked().into_values();
    Some(
        is_alive
            && !is_exposed
            && !known.get("escrow").is_null()
            && parked.any(|parked| parked.contains_key(&generation)),
    )
}

/// What a restore has not reached.
pub fn is_restored(state: &Value, world: &World, generation: u64, value: &str) -> Result<(), String> {
    if state.get("generation").as_u64() != Some(generation) {
        return Err(format!("generation {generation} was restored, and is not in place"));
    }
    for slot in world.configured.difference(&world.gone) {
        if world.text(slot).is_none_or(|text| !text.contains(value)) {
            return Err(format!(
                "generation {generation} was restored, and {slot} does not hold it"
            ));
        }
    }
    Ok(())
}

/// Whether the record and escrow say the same; a notice tells what is left there.
pub fn agrees(state: &Value, world: &World) -> Result<(), String> {
    let known = state.get("credentials").as_map().cloned().unwrap_or_default();
    let parked = world.parked();
    for (generation, known) in &known {
        let Some(slot) = known.get("escrow").as_str() else {
            continue;
        };
        let is_there = parked
            .get(slot)
            .zip(generation.parse().ok())
            .is_some_and(|(parked, generation)| parked.contains_key(&generation));
        if !is_there {
            return Err(format!(
                "the state has generation {generation} in escrow, where it is not"
            ));
        }
    }
    let left = |generation: &u64| {
        let notices = state.get("notices").as_list().unwrap_or_default().iter();
        let mut left = notices.filter(|notice| notice.get("code").as_str() == Some("escrow_left"));
        left.any(|notice| {
            let subject = notice.get("subject").as_str().unwrap_or_default();
            subject.starts_with(&format!("generation {generation}"))
        })
    };
    for (slot, generations) in &parked {
        let mut unknown = generations.keys().filter(|generation| {
            let known = known.get(&generation.to_string());
            known.is_none_or(|known| known.get("escrow").as_str() != Some(slot))
        });
        if let Some(unknown) = unknown.find(|generation| !left(generation)) {
            return Err(format!(
                "generation {unknown} is in escrow, and the state does not say so"
            ));
        }
    }
    Ok(())
}

/// What must be true of escrow when a plan is empty.
pub fn rests(config: &Json, state: &Value, world: &World) -> Result<(), String> {
    agrees(state, world)?;
    let here = parks_under(config);
    let parked = world.parked();
    let is_here = |slot: &&String| here.as_ref().is_some_and(|path| slot.contains(path));
    match parked.keys().find(|slot| !is_here(slot)) {
        Some(slot) => Err(format!("at rest {slot} still has values")),
        None => Ok(()),
    }
}

/// Whether a line of the plan names that generation.
fn names_generation(line: &str, generation: u64) -> bool {
    let name = format!("generation {generation}");
    let mut found = line.match_indices(&name);
    found.any(|(at, _)| !line[at + name.len()..].starts_with(|next: char| next.is_ascii_digit()))
}

/// Whether that line says that a generation is parked.
pub fn parks(line: &str, generation: u64) -> bool {
    let says = line.starts_with("park ") || line.starts_with("move ");
    says && names_generation(line, generation)
}

/// Whether that line says that a generation leaves an entry.
pub fn unparks(line: &str, slot: &str, generation: u64) -> bool {
    let of_escrow = line.contains("escrow") || line.contains("is parked");
    let says = line.starts_with("delete ") || line.starts_with("move ");
    let name = slot
        .split_once("//")
        .and_then(|(_, rest)| rest.find(PARKING).map(|at| &rest[at..]));
    says && of_escrow && names_generation(line, generation) && name.is_some_and(|name| line.contains(name))
}

/// What a line promises of escrow, and did not happen, although nothing is in its way.
pub fn is_broken_promise(line: &str, lines: &[&str], before: &World, after: &World) -> bool {
    let is_refused = before.refuses.iter().any(|slot| is_parking(slot));
    if is_refused || before.is_taken(PARKING) {
        return false;
    }
    let holds = |world: &World, generation: u64| {
        let mut parked = world.parked().into_values();
        parked.any(|parked| parked.contains_key(&generation))
    };
    let named = (0..20).filter(|generation| names_generation(line, *generation));
    let mut named = named.filter(|generation| holds(before, *generation) || !line.starts_with("delete "));
    let leaves = line.starts_with("delete ") && (line.contains(" from escrow, ") || line.contains(" is parked"));
    if leaves {
        // Its revocation may wait.
        let works = |generation: u64| {
            after
                .parked()
                .values()
                .filter_map(|parked| parked.get(&generation))
                .any(|value| after.works(value))
        };
        return named
            .any(|generation| holds(after, generation) && !(line.contains(" from escrow, ") && works(generation)));
    }
    let stays = line.starts_with("park ")
        || line.starts_with("move ")
        || line.starts_with("keep ") && line.contains(" in escrow ");
    let left = |generation: u64| {
        let mut others = lines.iter();
        others.any(|line| {
            line.starts_with("delete ") && line.contains(" from escrow, ") && names_generation(line, generation)
        })
    };
    stays && named.any(|generation| !holds(after, generation) && !left(generation))
}

/// Edits of escrow and of `restore`, alone and with others.
pub fn edits() -> Vec<(&'static str, Change)> {
    [blocks(), restores(), both()].concat()
}

fn blocks() -> Vec<(&'static str, Change)> {
    vec![
        ("escrow on", |c| c[BLOCK] = block(PATH)),
        ("escrow block removed", |c| remove_if(c, BLOCK)),
        ("escrow = false", |c| c["escrow"] = json!(false)),
        ("escrow = true", |c| c["escrow"] = json!(true)),
        ("escrow moved", |c| c[BLOCK] = block(OTHER_PATH)),
        ("escrow with a key", |c| {
            c[BLOCK] = json!({ "path": PATH, "kms_key_id": "alias/escrow" })
        }),
        ("escrow around a target", |c| c[BLOCK] = block("/molecule/")),
        ("escrow on, and reason", |c| {
            c[BLOCK] = block(PATH);
            c["rotation_reason"] = json!("asked for by the edit");
        }),
        ("escrow on, and target added", |c| {
            c[BLOCK] = block(PATH);
            c["targets"]["tenants"] = json!({ "fly_secret": { "app": "molecule-tenants" } });
        }),
        ("escrow on, and overlap 0s", |c| {
            c[BLOCK] = block(PATH);
            c["overlap"] = json!("0s");
        }),
        ("escrow block removed, and reason", |c| {
            remove_if(c, BLOCK);
            c["rotation_reason"] = json!("asked for by the edit");
        }),
        ("escrow block removed, and target added", |c| {
            remove_if(c, BLOCK);
            c["targets"]["tenants"] = json!({ "fly_secret": { "app": "molecule-tenants" } });
        }),
        ("escrow = false, and template", |c| {
            c["escrow"] = json!(false);
            c["targets"]["ci"]["template"] = json!("Bearer {{ value }}");
        }),
        ("escrow = false, and overlap 0s", |c| {
            c["escrow"] = json!(false);
            c["overlap"] = json!("0s");
        }),
        ("escrow = false, and every shorter", |c| {
            c["escrow"] = json!(false);
            c["rotation"]["every"] = json!("30d");
        }),
        ("escrow moved, and reason", |c| {
            c[BLOCK] = block(OTHER_PATH);
            c["rotation_reason"] = json!("asked for by the edit");
        }),
        ("escrow moved, and target moved", |c| {
            c[BLOCK] = block(OTHER_PATH);
            c["targets"]["web"]["fly_secret"]["app"] = json!("molecule-tenants");
        }),
        ("escrow moved, and readable target removed", |c| {
            c[BLOCK] = block(OTHER_PATH);
            c["targets"].as_object_mut().unwrap().remove("run");
        }),
        ("escrow moved, and overlap 0s", |c| {
            c[BLOCK] = block(OTHER_PATH);
            c["overlap"] = json!("0s");
        }),
        ("escrow moved, and incident", |c| {
            c[BLOCK] = block(OTHER_PATH);
            c["incident"] = json!("checked");
        }),
        ("escrow block removed, and source to fernet_key", |c| {
            remove_if(c, BLOCK);
            c["source"] = json!({ "fernet_key": {} });
            c["value_wo"] = Json::Null;
            c["value_wo_version"] = Json::Null;
        }),
        ("previous in a template", |c| {
            c["targets"]["ci"]["template"] = json!("{{ value }},{{ previous }}");
        }),
        ("previous in a template, and reason", |c| {
            c["targets"]["ci"]["template"] = json!("{{ value }},{{ previous }}");
            c["rotation_reason"] = json!("asked for by the edit");
        }),
    ]
}

fn restores() -> Vec<(&'static str, Change)> {
    vec![
        ("restore 1", |c| c["restore"] = json!(1)),
        ("restore 2", |c| c["restore"] = json!(2)),
        ("restore 3", |c| c["restore"] = json!(3)),
        ("restore 9", |c| c["restore"] = json!(9)),
        ("restore 0", |c| c["restore"] = json!(0)),
        ("restore removed", |c| remove_if(c, "restore")),
        ("restore removed, and reason", |c| {
            remove_if(c, "restore");
            c["rotation_reason"] = json!("asked for by the edit");
        }),
        ("restore 1, and reason", |c| {
            c["restore"] = json!(1);
            c["rotation_reason"] = json!("asked for by the edit");
        }),
        ("restore 1, and trigger", |c| {
            c["restore"] = json!(1);
            c["rotation"]["triggers"]["owner"] = json!("b");
        }),
        ("restore 1, and source to fernet_key", |c| {
            c["restore"] = json!(1);
            c["source"] = json!({ "fernet_key": {} });
            c["value_wo"] = Json::Null;
            c["value_wo_version"] = Json::Null;
        }),
        ("restore 1, and target added", |c| {
            c["restore"] = json!(1);
            c["targets"]["tenants"] = json!({ "fly_secret": { "app": "molecule-tenants" } });
        }),
        ("restore 1, and target removed", |c| {
            c["restore"] = json!(1);
            c["targets"].as_object_mut().unwrap().remove("ci");
        }),
        ("restore 1, and target moved", |c| {
            c["restore"] = json!(1);
            c["targets"]["run"]["ssm_parameter"]["name"] = json!("/molecule/OTHER");
        }),
        ("restore 1, and target renamed", |c| {
            c["restore"] = json!(1);
            let web = c["targets"]["web"].clone();
            c["targets"]["control_plane"] = web;
            c["targets"].as_object_mut().unwrap().remove("web");
        }),
        ("restore 1, and template", |c| {
            c["restore"] = json!(1);
            c["targets"]["ci"]["template"] = json!("Bearer {{ value }}");
        }),
        ("restore 1, and previous in a template", |c| {
            c["restore"] = json!(1);
            c["targets"]["ci"]["template"] = json!("{{ value }},{{ previous }}");
        }),
        ("restore 1, and overlap 0s", |c| {
            c["restore"] = json!(1);
            c["overlap"] = json!("0s");
        }),
        ("restore 1, and overlap shorter", |c| {
            c["restore"] = json!(1);
            c["overlap"] = json!("1h");
        }),
        ("restore 1, and overlap longer", |c| {
            c["restore"] = json!(1);
            c["overlap"] = json!("720h");
        }),
        ("restore 1, and every shorter", |c| {
            c["restore"] = json!(1);
            c["rotation"]["every"] = json!("30d");
        }),
        ("restore 1, and every longer", |c| {
            c["restore"] = json!(1);
            c["rotation"]["every"] = json!("180d");
        }),
        ("restore 1, and on_drift report", |c| {
            c["restore"] = json!(1);
            c["on_drift"] = json!("report");
        }),
        ("restore 1, and revoke manual", |c| {
            c["restore"] = json!(1);
            c["revoke"] = json!({ "mode": "manual" });
        }),
        ("restore 1, and revoke.confirmed", |c| {
            c["restore"] = json!(1);
            c["revoke"]["confirmed"] = json!(1);
        }),
        ("restore 1, and an open window", |c| {
            c["restore"] = json!(1);
            c["rotation"]["window"] = json!({ "from": "06:00", "to": "02:00" });
        }),
        ("restore 1, and a closed window", |c| {
            c["restore"] = json!(1);
            c["rotation"]["window"] = json!({ "from": "02:00", "to": "06:00" });
        }),
        ("restore 1, and incident", |c| {
            c["restore"] = json!(1);
            c["incident"] = json!("checked");
        }),
        ("restore 1, and incident at once", |c| {
            c["restore"] = json!(1);
            c["incident"] = json!("now");
        }),
        ("restore 1, and version raised", |c| {
            c["restore"] = json!(1);
            c["value_wo"] = json!("value-of-a-person-7");
            c["value_wo_version"] = json!(7);
            c["source"]["provided"]["credential_id"] = json!("rk_7");
        }),
        ("restore 1, and activation", |c| {
            c["restore"] = json!(1);
            c["activations"]["deploy"] = json!({
                "wave": 2,
                "http": { "url": "https://app.example/all", "method": "POST" },
            });
        }),
        ("restore 1, and check", |c| {
            c["restore"] = json!(1);
            c["checks"]["more"] = json!({ "wave": 2, "http": { "url": "https://app.example/health?more" } });
        }),
        ("restore 1, and check that presents the credential", |c| {
            c["restore"] = json!(1);
            c["checks"]["up"]["http"]["headers"] = json!({ "Authorization": "Bearer {{ value }}" });
        }),
        ("restore 1, and guard", |c| {
            c["restore"] = json!(1);
            c["guard"] = json!({ "consequence": "everything is down" });
            c["targets"]["run"]["wave"] = json!(1);
        }),
        ("restore 1, and guard confirmed", |c| {
            c["restore"] = json!(1);
            c["guard"] = json!({ "consequence": "everything is down", "confirm": "1: everything is down" });
            c["targets"]["run"]["wave"] = json!(1);
        }),
    ]
}

fn both() -> Vec<(&'static str, Change)> {
    vec![
        ("restore 1, and escrow block removed", |c| {
            c["restore"] = json!(1);
            remove_if(c, BLOCK);
        }),
        ("restore 1, and escrow = false", |c| {
            c["restore"] = json!(1);
            c["escrow"] = json!(false);
        }),
        ("restore 1, and escrow moved", |c| {
            c["restore"] = json!(1);
            c[BLOCK] = block(OTHER_PATH);
        }),
        ("restore 1, and escrow moved, overlap 0s", |c| {
            c["restore"] = json!(1);
            c["overlap"] = json!("0s");
            c[BLOCK] = block(OTHER_PATH);
        }),
        ("restore 1, and escrow on", |c| {
            c["restore"] = json!(1);
            c[BLOCK] = block(PATH);
        }),
    ]
}

/// Those of the edits here and of the others that are made in that situation; the next one begins one edit later.
pub fn some(nth: usize, others: Vec<(&'static str, Change)>) -> Vec<(&'static str, Change)> {
    let every =
        |stride: usize, edits: Vec<(&'static str, Change)>| edits.into_iter().skip(nth % stride).step_by(stride);
    every(STRIDE, edits()).chain(every(STRIDE_OF_OTHERS, others)).collect()
}

/// The next generation, as that source is asked for one.
fn again(config: &Json, source: &str) -> Json {
    let mut next = config.clone();
    if source == "provided" {
        next["value_wo"] = json!("value-of-a-person-3");
        next["value_wo_version"] = json!(3);
        next["source"]["provided"]["credential_id"] = json!("rk_3");
    } else {
        next["rotation_reason"] = json!("the second reason");
    }
    next
}

fn later(rest: &Rest, seconds: i64) -> Rest {
    let mut rest = rest.clone();
    rest.world.now += seconds;
    rest
}

/// What a configuration leaves that is applied while slots misbehave.
fn hindered(rest: &Rest, config: &Json, hinder: fn(&mut World)) -> Rest {
    let mut rest = rest.clone();
    hinder(&mut rest.world);
    let (mut rest, errors) = attempted(&rest, config);
    assert!(!errors.is_empty(), "nothing failed");
    rest.world.refuses.clear();
    rest.world.loses.clear();
    rest.world.hides.clear();
    later(&rest, 60)
}

/// The only entry of escrow.
fn entry(world: &World) -> String {
    world.slot(PARKING)
}

fn refuse(world: &mut World, part: &str) {
    let slot = world.slot(part);
    world.refuses.insert(slot);
}

/// Every situation in which something is parked, was, or should be.
pub fn situations(source: &'static str) -> Vec<(&'static str, Rest)> {
    let mut config = base(source);
    config[BLOCK] = block(PATH);
    let with = |config: &Json, change: fn(&mut Json)| {
        let mut config = config.clone();
        change(&mut config);
        config
    };
    let changed = |rest: &Rest, change: fn(&mut World)| {
        let mut rest = rest.clone();
        change(&mut rest.world);
        rest
    };
    let restoring = |config: &Json| with(config, |c| c["restore"] = json!(1));
    let settled = created(&config);
    let next = rotated(&config, source);
    let overlapping = later(&applied(&settled, &next), 3_600);
    let thrice = later(&applied(&overlapping, &again(&next, source)), 3_600);
    let back = restoring(&next);
    let restored = later(&applied(&overlapping, &back), 3_600);
    let without = created(&base(source));
    let switched_on = applied(&without, &config);
    let not_parked = hindered(&settled, &next, |world| refuse(world, PARKING));
    let moved = with(&next, |c| c[BLOCK] = block(OTHER_PATH));
    let mut all = vec![
        ("parked", settled.clone()),
        ("parked, overlapping", overlapping.clone()),
        ("parked, overlap over", later(&overlapping, 2 * DAY)),
        ("parked, due", later(&settled, 91 * DAY)),
        ("parked, overlapping thrice", thrice.clone()),
        ("parked, first overlap over", later(&thrice, DAY - 7_000)),
        (
            "parked, partial",
            hindered(&settled, &next, |world| refuse(world, "github")),
        ),
        (
            "parked, partial at once",
            hindered(&settled, &next, |world| refuse(world, "fly")),
        ),
        (
            "parked, answer lost",
            hindered(&settled, &next, |world| {
                let slot = world.slot("github");
                world.loses.insert(slot);
            }),
        ),
        ("parked, drifted", changed(&overlapping, |world| world.edit("github"))),
        ("parked, missing", changed(&settled, |world| world.delete("ssm"))),
        ("restored", restored.clone()),
        ("restored, overlap over", later(&restored, 2 * DAY)),
        (
            "restored, and rotated",
            later(&applied(&restored, &again(&back, source)), 3_600),
        ),
        (
            "restore partial",
            hindered(&overlapping, &back, |world| refuse(world, "github")),
        ),
        (
            "restore partial, entry lost",
            changed(
                &hindered(&overlapping, &back, |world| {
                    refuse(world, "github");
                    refuse(world, "ssm");
                }),
                |world| world.delete(PARKING),
            ),
        ),
        (
            "restore partial at once, entry lost",
            changed(&hindered(&overlapping, &back, |world| refuse(world, "fly")), |world| {
                world.delete(PARKING)
            }),
        ),
        (
            "restore not begun",
            hindered(&overlapping, &back, |world| {
                let slot = entry(world);
                world.hides.insert(slot);
            }),
        ),
        ("parked from the second on", later(&applied(&switched_on, &next), 3_600)),
        ("not parked", not_parked.clone()),
        ("entry lost", changed(&overlapping, |world| world.delete(PARKING))),
        (
            "entry of another hand",
            changed(&overlapping, |world| world.edit(PARKING)),
        ),
        (
            "move failed",
            hindered(&overlapping, &moved, |world| refuse(world, PARKING)),
        ),
        ("left in escrow", left(&later(&overlapping, 2 * DAY))),
    ];
    let manual = with(&config, |c| c["revoke"] = json!({ "mode": "manual" }));
    let by_hand = applied(&created(&manual), &rotated(&manual, source));
    all.push(("parked, manual", later(&by_hand, 2 * DAY)));
    let guarded = with(&config, |c| {
        c["guard"] = json!({ "consequence": "everything is down", "confirm": "2: everything is down" });
        c["targets"]["run"]["wave"] = json!(1);
    });
    all.push((
        "parked, guarded",
        later(&applied(&created(&guarded), &rotated(&guarded, source)), 3_600),
    ));
    let keyring = with(&config, |c| {
        c["targets"]["ci"]["template"] = json!("{{ value }},{{ previous }}");
    });
    all.push((
        "keyring",
        later(&applied(&created(&keyring), &rotated(&keyring, source)), 3_600),
    ));
    let struck = with(&next, |c| c["incident"] = json!("checked"));
    let (mut struck, _) = attempted(&overlapping, &struck);
    struck.world.now += 60;
    all.push(("parked, incident over", struck));
    let struck = with(&next, |c| c["incident"] = json!("checked"));
    all.push((
        "parked, incident under way",
        hindered(&overlapping, &struck, |world| refuse(world, "github")),
    ));
    all
}

/// An overlap is over, and what ended could not be deleted from escrow: that is a warning.
fn left(rest: &Rest) -> Rest {
    let mut rest = rest.clone();
    refuse(&mut rest.world, PARKING);
    let config = rest.config.clone();
    let mut rest = applied(&rest, &config);
    rest.world.refuses.clear();
    later(&rest, 60)
}

/// A generated secret whose values are parked, after a rotation, within its overlap.
fn within_its_overlap(change: fn(&mut Json)) -> (Rest, Json) {
    let mut config = base("random");
    config[BLOCK] = block(PATH);
    change(&mut config);
    let next = rotated(&config, "random");
    (later(&applied(&created(&config), &next), 3_600), next)
}

#[test]
fn a_move_ends_no_generation() {
    let (rest, mut config) = within_its_overlap(|_| {});
    config[BLOCK] = block(OTHER_PATH);
    let moved = applied(&rest, &config);
    let first = moved.state.get("credentials").get("1");
    assert_eq!(first.get("status").as_str(), Some("overlapping"));
    assert!(
        first
            .get("escrow")
            .as_str()
            .is_some_and(|slot| slot.contains(OTHER_PATH))
    );
    assert_eq!(moved.world.parked().into_values().next().unwrap().len(), 2);
}

#[test]
fn a_move_that_failed_leaves_no_copy() {
    let (rest, mut config) = within_its_overlap(|_| {});
    config[BLOCK] = block(OTHER_PATH);
    let failed = hindered(&rest, &config, |world| refuse(world, PARKING));
    let entries: Vec<String> = failed.world.parked().into_keys().collect();
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert!(entries[0].contains(PATH), "{entries:?}");
}

#[test]
fn the_previous_value_after_a_restore_is_the_restored_one() {
    let (rest, mut config) = within_its_overlap(|c| {
        c["targets"]["ci"]["template"] = json!("{{ value }},{{ previous }}");
    });
    config["restore"] = json!(1);
    let restored = later(&applied(&rest, &config), 3_600);
    let rotated = applied(&restored, &again(&config, "random"));
    let parked = rotated.world.parked().into_values().next().unwrap();
    let text = rotated.world.text(&rotated.world.slot("github")).unwrap();
    assert_eq!(text, format!("{},{}", parked[&3], parked[&1]));
}

#[test]
fn what_an_incident_exposes_is_not_restored() {
    let (rest, mut config) = within_its_overlap(|_| {});
    config["restore"] = json!(1);
    assert!(matches!(pair(&rest, &config, "restore"), Ok(Verdict::Settled)));
    config["incident"] = json!("checked");
    assert!(matches!(pair(&rest, &config, "restore"), Ok(Verdict::Refused)));
}
