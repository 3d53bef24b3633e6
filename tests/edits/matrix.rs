//! The edits, and the situations that they meet.

use rotation_provider::terraform::Value;
use serde_json::{Value as Json, json};

use super::run::{Rest, applied, attempted, must_be_idle};
use super::world::World;

/// One issues, one generates, one is fed by a person.
pub const SOURCES: [&str; 3] = ["fly_token", "random", "provided"];

pub const DAY: i64 = 86_400;

/// The configuration that every situation begins with.
pub fn base(source: &str) -> Json {
    let kind = match source {
        "fly_token" => json!({ "fly_token": { "app": "molecule-cp" } }),
        "random" => json!({ "random": { "bytes": 32, "encoding": "hex" } }),
        _ => json!({ "provided": { "credential_id": "rk_1" } }),
    };
    let provided = source == "provided";
    json!({
        "name": "TOKEN",
        "info": { "owner": "platform" },
        "readers": ["ci"],
        "source": kind,
        "value_wo": if provided { json!("value-of-a-person-1") } else { Json::Null },
        "value_wo_version": if provided { json!(1) } else { Json::Null },
        "targets": {
            "web": { "wave": 1, "impact": "401", "fly_secret": { "app": "molecule-cp" } },
            "ci": { "wave": 2, "github_actions_secret": { "repository": "molecule-ai/monorepo" } },
            "run": { "wave": 2, "ssm_parameter": { "name": "/molecule/TOKEN", "tags": { "team": "platform" } } },
        },
        "checks": { "up": { "wave": 1, "http": { "url": "https://app.example/health" } } },
        "overlap": "24h",
        "rotation": { "every": "90d", "early": "7d", "triggers": { "owner": "a" } },
    })
}

pub type Change = fn(&mut Json);

fn remove(object: &mut Json, key: &str) {
    object.as_object_mut().unwrap().remove(key);
}

/// Every edit that makes sense with that source.
pub fn edits(source: &str) -> Vec<(&'static str, Change)> {
    let mut all: Vec<(&'static str, Change)> = vec![
        ("nothing", |_| {}),
        ("name", |c| c["name"] = json!("OTHER")),
        ("info changed", |c| {
            c["info"] = json!({ "owner": "security", "contact": "#security" })
        }),
        ("info removed", |c| remove(c, "info")),
        ("readers changed", |c| c["readers"] = json!(["ci", "deploy"])),
        ("readers removed", |c| remove(c, "readers")),
        ("overlap longer", |c| c["overlap"] = json!("72h")),
        ("overlap shorter", |c| c["overlap"] = json!("1h")),
        ("overlap 0s", |c| c["overlap"] = json!("0s")),
        ("overlap in other words", |c| c["overlap"] = json!("1d")),
        ("every shorter", |c| c["rotation"]["every"] = json!("30d")),
        ("every longer", |c| c["rotation"]["every"] = json!("180d")),
        ("every removed", |c| {
            remove(&mut c["rotation"], "every");
            remove(&mut c["rotation"], "early");
        }),
        ("early changed", |c| c["rotation"]["early"] = json!("1d")),
        ("early removed", |c| remove(&mut c["rotation"], "early")),
        ("rotation with every removed", |c| remove(c, "rotation")),
        ("trigger changed", |c| c["rotation"]["triggers"]["owner"] = json!("b")),
        ("trigger added", |c| c["rotation"]["triggers"]["laptop"] = json!("x")),
        ("trigger removed", |c| remove(&mut c["rotation"], "triggers")),
        ("rotation_reason", |c| {
            c["rotation_reason"] = json!("asked for by the edit")
        }),
        ("rotation_reason removed", |c| remove_if(c, "rotation_reason")),
        ("on_drift heal", |c| c["on_drift"] = json!("heal")),
        ("on_drift report", |c| c["on_drift"] = json!("report")),
        ("on_drift rotate", |c| c["on_drift"] = json!("rotate")),
        ("on_existing replace", |c| c["on_existing"] = json!("replace")),
        ("on_destroy abandon", |c| c["on_destroy"] = json!("abandon")),
        ("label_prefix", |c| c["label_prefix"] = json!("molecule")),
        ("revoke manual", |c| c["revoke"] = json!({ "mode": "manual" })),
        ("revoke automatic", |c| c["revoke"] = json!({ "mode": "automatic" })),
        ("revoke removed", |c| remove_if(c, "revoke")),
        ("revoke.confirmed", |c| {
            let mode = c["revoke"]["mode"].clone();
            c["revoke"] = json!({ "mode": mode, "confirmed": 1 });
        }),
        ("revoke.confirmed too much", |c| {
            let mode = c["revoke"]["mode"].clone();
            c["revoke"] = json!({ "mode": mode, "confirmed": 9 });
        }),
        ("wave of web later", |c| {
            c["targets"]["web"]["wave"] = json!(3);
            c["checks"]["up"]["wave"] = json!(3);
        }),
        ("wave of ci earlier", |c| c["targets"]["ci"]["wave"] = json!(1)),
        ("part of web named", |c| c["targets"]["web"]["part"] = json!("value")),
        ("template of web", |c| {
            c["targets"]["web"]["template"] = json!("Bearer {{ value }}")
        }),
        ("template of ci", |c| {
            c["targets"]["ci"]["template"] = json!("Bearer {{ value }}")
        }),
        ("template of run", |c| {
            c["targets"]["run"]["template"] = json!("Bearer {{ value }}")
        }),
        ("template that is a bare part", |c| {
            c["targets"]["web"]["template"] = json!("{{ value }}")
        }),
        ("on_remove keep", |c| c["targets"]["web"]["on_remove"] = json!("keep")),
        ("impact changed", |c| {
            c["targets"]["web"]["impact"] = json!("nobody can log in")
        }),
        ("impact removed", |c| remove(&mut c["targets"]["web"], "impact")),
        ("stage on", |c| c["targets"]["web"]["fly_secret"]["stage"] = json!(true)),
        ("stage off", |c| {
            c["targets"]["web"]["fly_secret"]["stage"] = json!(false)
        }),
        ("entry name changed", |c| {
            c["targets"]["web"]["fly_secret"]["name"] = json!("API_TOKEN")
        }),
        ("entry name written out", |c| {
            c["targets"]["web"]["fly_secret"]["name"] = json!("TOKEN")
        }),
        ("app changed", |c| {
            c["targets"]["web"]["fly_secret"]["app"] = json!("molecule-tenants")
        }),
        ("environment added", |c| {
            c["targets"]["ci"]["github_actions_secret"]["environment"] = json!("production");
        }),
        ("parameter renamed", |c| {
            c["targets"]["run"]["ssm_parameter"]["name"] = json!("/molecule/OTHER")
        }),
        ("tags changed", |c| {
            c["targets"]["run"]["ssm_parameter"]["tags"] = json!({ "team": "security" })
        }),
        ("tags removed", |c| {
            remove(&mut c["targets"]["run"]["ssm_parameter"], "tags")
        }),
        ("description added", |c| {
            c["targets"]["run"]["ssm_parameter"]["description"] = json!("For deploys.")
        }),
        ("key_id added", |c| {
            c["targets"]["run"]["ssm_parameter"]["key_id"] = json!("alias/molecule")
        }),
        ("target added", |c| {
            c["targets"]["tenants"] = json!({ "fly_secret": { "app": "molecule-tenants" } })
        }),
        ("target added, readable", |c| {
            c["targets"]["more"] = json!({ "wave": 3, "ssm_parameter": { "name": "/molecule/MORE" } });
        }),
        ("two targets added, one removed", |c| {
            c["targets"]["tenants"] = json!({ "fly_secret": { "app": "molecule-tenants" } });
            c["targets"]["more"] = json!({ "wave": 3, "ssm_parameter": { "name": "/molecule/MORE" } });
            remove(&mut c["targets"], "ci");
        }),
        ("target web removed", |c| {
            remove(&mut c["targets"], "web");
            remove_if(c, "checks");
        }),
        ("target ci removed", |c| remove(&mut c["targets"], "ci")),
        ("target run removed", |c| remove(&mut c["targets"], "run")),
        ("target renamed", |c| {
            let web = c["targets"]["web"].clone();
            c["targets"]["control_plane"] = web;
            remove(&mut c["targets"], "web");
        }),
        ("targets swapped", |c| {
            let (web, ci) = (c["targets"]["web"].clone(), c["targets"]["ci"].clone());
            c["targets"]["web"] = ci;
            c["targets"]["ci"] = web;
        }),
        ("check added", |c| {
            c["checks"]["more"] = json!({ "wave": 2, "http": { "url": "https://app.example/health?more" } });
        }),
        ("check after a revocation added", |c| {
            c["checks"]["dead"] = json!({ "phase": "revoked", "http": { "url": "https://app.example/health?dead" } });
        }),
        ("preflight check added", |c| {
            c["checks"]["before"] =
                json!({ "phase": "preflight", "http": { "url": "https://app.example/health?before" } });
        }),
        ("check that presents the credential", |c| {
            c["checks"]["up"]["http"]["headers"] = json!({ "Authorization": "Bearer {{ value }}" });
        }),
        ("check changed", |c| {
            c["checks"]["up"]["http"]["expect_status"] = json!([200, 204])
        }),
        ("check patience changed", |c| {
            c["checks"]["up"]["retry_for"] = json!("5m")
        }),
        ("check removed", |c| remove(c, "checks")),
        ("target and reason", |c| {
            c["rotation_reason"] = json!("asked for by the edit");
            remove(&mut c["targets"], "ci");
            c["targets"]["tenants"] = json!({ "fly_secret": { "app": "molecule-tenants" } });
        }),
    ];
    all.push(("source to fernet_key", |c| {
        c["source"] = json!({ "fernet_key": {} });
        c["value_wo"] = Json::Null;
        c["value_wo_version"] = Json::Null;
    }));
    match source {
        "fly_token" => all.extend::<[(&'static str, Change); 3]>([
            ("source argument", |c| {
                c["source"]["fly_token"]["expires_in"] = json!("2400h")
            }),
            ("source container", |c| {
                c["source"] = json!({ "fly_token": { "organization": "molecule" } })
            }),
            ("source to provided", |c| {
                c["source"] = json!({ "provided": {} });
                c["value_wo"] = json!("value-of-a-person-1");
                c["value_wo_version"] = json!(1);
            }),
        ]),
        "random" => all.extend::<[(&'static str, Change); 3]>([
            ("source argument", |c| c["source"]["random"]["bytes"] = json!(48)),
            ("source argument of another type", |c| {
                c["source"]["random"]["bytes"] = json!("32")
            }),
            ("source to fly_token", |c| {
                c["source"] = json!({ "fly_token": { "app": "molecule-cp" } })
            }),
        ]),
        _ => all.extend::<[(&'static str, Change); 8]>([
            ("version raised with a value", |c| {
                c["value_wo"] = json!("value-of-a-person-7");
                c["value_wo_version"] = json!(7);
                c["source"]["provided"]["credential_id"] = json!("rk_7");
            }),
            ("version raised with the same value", |c| {
                c["value_wo_version"] = json!(7);
                c["source"]["provided"]["credential_id"] = json!("rk_7");
            }),
            ("version raised without a value", |c| {
                c["value_wo"] = Json::Null;
                c["value_wo_version"] = json!(7);
                c["source"]["provided"]["credential_id"] = json!("rk_7");
            }),
            ("version raised with the same id", |c| {
                c["value_wo"] = json!("value-of-a-person-7");
                c["value_wo_version"] = json!(7);
            }),
            ("value taken away", |c| c["value_wo"] = Json::Null),
            ("another value without a version", |c| {
                c["value_wo"] = json!("value-of-a-person-8")
            }),
            ("credential_id removed", |c| c["source"] = json!({ "provided": {} })),
            ("source to fly_token", |c| {
                c["source"] = json!({ "fly_token": { "app": "molecule-cp" } });
                c["value_wo"] = Json::Null;
                c["value_wo_version"] = Json::Null;
            }),
        ]),
    }
    all
}

pub fn remove_if(config: &mut Json, key: &str) {
    config.as_object_mut().unwrap().remove(key);
}

/// A rotation as that source rotates: on request, or with a new value.
pub fn rotated(config: &Json, source: &str) -> Json {
    let mut next = config.clone();
    if source == "provided" {
        next["value_wo"] = json!("value-of-a-person-2");
        next["value_wo_version"] = json!(2);
        next["source"]["provided"]["credential_id"] = json!("rk_2");
    } else {
        next["rotation_reason"] = json!("the first reason");
    }
    next
}

/// Nothing exists.
pub fn nothing(config: Json) -> Rest {
    Rest {
        world: World::default(),
        state: Value::Null,
        private: Vec::new(),
        config,
    }
}

/// The secret exists.
pub fn created(config: &Json) -> Rest {
    let mut rest = applied(&nothing(config.clone()), config);
    rest.world.now += 3_600;
    must_be_idle(&rest);
    rest
}

/// Every situation that the source can be in.
pub fn situations(source: &'static str) -> Vec<(&'static str, Rest)> {
    let config = base(source);
    let settled = created(&config);
    let next = rotated(&config, source);
    let mut overlapping = applied(&settled, &next);
    overlapping.world.now += 3_600;
    let later = |rest: &Rest, seconds: i64| {
        let mut rest = rest.clone();
        rest.world.now += seconds;
        rest
    };
    let changed = |rest: &Rest, change: fn(&mut World)| {
        let mut rest = rest.clone();
        change(&mut rest.world);
        rest
    };
    let failed = |slot: &str, is_lost: bool| {
        let mut rest = settled.clone();
        let slot = rest.world.slot(slot);
        let faults = if is_lost {
            &mut rest.world.loses
        } else {
            &mut rest.world.refuses
        };
        faults.insert(slot);
        let (mut rest, errors) = attempted(&rest, &next);
        assert!(!errors.is_empty(), "a failed delivery is no error");
        rest.world.refuses.clear();
        rest.world.loses.clear();
        later(&rest, 60)
    };
    let mut all = vec![
        ("settled", settled.clone()),
        ("overlapping", overlapping.clone()),
        ("overlap over", later(&overlapping, 2 * DAY)),
        ("due", later(&settled, 91 * DAY)),
        ("early", later(&settled, 85 * DAY)),
        ("partial", failed("github", false)),
        ("partial at once", failed("fly", false)),
        ("partial, readable lost", failed("ssm", false)),
        ("answer lost", failed("github", true)),
        ("drifted ssm", changed(&settled, |world| world.edit("ssm"))),
        ("drifted github", changed(&settled, |world| world.edit("github"))),
        (
            "drifted twice",
            changed(&settled, |world| {
                world.edit("ssm");
                world.edit("github");
            }),
        ),
        ("missing ssm", changed(&settled, |world| world.delete("ssm"))),
        ("missing fly", changed(&settled, |world| world.delete("fly"))),
        (
            "drifted while overlapping",
            changed(&overlapping, |world| world.edit("github")),
        ),
        (
            "gone",
            changed(&settled, |world| {
                let slot = world.slot("fly");
                world.gone.insert(slot);
            }),
        ),
        (
            "gone while overlapping",
            changed(&overlapping, |world| {
                let slot = world.slot("fly");
                world.gone.insert(slot);
            }),
        ),
    ];
    let with = |change: fn(&mut Json)| {
        let mut config = config.clone();
        change(&mut config);
        config
    };
    let manual = with(|c| c["revoke"] = json!({ "mode": "manual" }));
    let by_hand = applied(&created(&manual), &rotated(&manual, source));
    all.push(("manual", later(&by_hand, 2 * DAY)));
    let report = with(|c| c["on_drift"] = json!("report"));
    let reported = changed(&created(&report), |world| {
        world.edit("ssm");
        world.delete("github");
    });
    all.push(("drifted, only reported", reported));
    let staging = with(|c| c["targets"]["web"]["fly_secret"]["stage"] = json!(true));
    let staged = applied(&nothing(staging.clone()), &staging);
    all.push(("staged at first", later(&staged, 3_600)));
    let mut live = staged;
    live.world.deploy();
    let again = applied(&live, &rotated(&staging, source));
    all.push(("staged", later(&again, 3_600)));
    if source == "provided" {
        let asked = with(|c| c["rotation_reason"] = json!("asked for"));
        all.push(("awaiting value", later(&applied(&settled, &asked), 60)));
    }
    all
}
