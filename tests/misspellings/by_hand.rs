//! Mistakes that people make: each gives one clear error, at its argument.

use rotation_provider::provider::secret::schema;
use rotation_provider::terraform::{Mode, Type};
use serde_json::{Value as Json, json};

use crate::configurations::*;

/// Mistakes by hand: the argument that is changed, what it is then, and what the error says.
fn by_hand() -> Vec<(&'static str, Json, &'static str)> {
    let target = |element: Json| json!({ "web": element });
    let fly = |key: &str, value: Json| json!({ "web": { "fly_secret": { "app": "molecule-cp" }, key: value } });
    let check = |key: &str, value: Json| json!({ "up": { "http": { "url": "https://app.example/" }, key: value } });
    let http = |key: &str, value: Json| json!({ "up": { "http": { "url": "https://app.example/", key: value } } });
    let random = json!({ "bytes": 32, "encoding": "hex" });
    vec![
        // Misspelt keys.
        (
            "targets",
            fly("parts", json!("value")),
            "targets[\"web\"].parts is not an argument: Did you mean `part`?",
        ),
        (
            "targets",
            fly("waves", json!(2)),
            "targets[\"web\"].waves is not an argument: Did you mean `wave`?",
        ),
        (
            "targets",
            fly("Wave", json!(2)),
            "targets[\"web\"].Wave is not an argument: Did you mean `wave`?",
        ),
        (
            "targets",
            fly("wave ", json!(2)),
            "targets[\"web\"].wave  is not an argument: Did you mean `wave`?",
        ),
        (
            "targets",
            fly("onremove", json!("keep")),
            "targets[\"web\"].onremove is not an argument: Did you mean `on_remove`?",
        ),
        (
            "targets",
            fly("on-remove", json!("keep")),
            "targets[\"web\"].on-remove is not an argument: Did you mean `on_remove`?",
        ),
        (
            "targets",
            fly("on_remvoe", json!("keep")),
            "targets[\"web\"].on_remvoe is not an argument: Did you mean `on_remove`?",
        ),
        (
            "targets",
            fly("templates", json!("{{ value }}")),
            "targets[\"web\"].templates is not an argument: Did you mean `template`?",
        ),
        (
            "targets",
            fly("impacts", json!("401")),
            "targets[\"web\"].impacts is not an argument: Did you mean `impact`?",
        ),
        (
            "targets",
            fly("enabled", json!(true)),
            "targets[\"web\"].enabled is not an argument: targets[\"web\"] takes: wave, part,",
        ),
        (
            "targets",
            fly("stage", json!(true)),
            "targets[\"web\"].stage is not an argument: `stage` is an argument of `fly_secret`: set it inside.",
        ),
        (
            "targets",
            fly("value_wo", json!("hunter2-hunter2")),
            "targets[\"web\"].value_wo is not an argument: `value_wo` is an argument of the block itself: set it there.",
        ),
        (
            "targets",
            target(json!({ "github_actions_secret": { "repository": "a/b", "environmnet": "production" } })),
            "targets[\"web\"].github_actions_secret.environmnet is not an argument: Did you mean `environment`?",
        ),
        (
            "targets",
            target(json!({ "github_actions_secret": { "repo": "a/b" } })),
            "targets[\"web\"].github_actions_secret.repo is not an argument: Did you mean `repository`?",
        ),
        (
            "targets",
            target(json!({ "ssm_parameter": { "name": "/a", "tag": { "a": "b" } } })),
            "targets[\"web\"].ssm_parameter.tag is not an argument: Did you mean `tags`?",
        ),
        (
            "targets",
            target(json!({ "fly_secrets": { "app": "a" } })),
            "targets[\"web\"].fly_secrets is not an argument: Did you mean `fly_secret`?",
        ),
        (
            "targets",
            target(json!({ "fly": { "app": "a" } })),
            "targets[\"web\"].fly is not an argument: Did you mean `fly_secret`?",
        ),
        (
            "targets",
            target(json!({ "kubernetes_secret": { "name": "a" } })),
            "targets[\"web\"].kubernetes_secret is not an argument: targets[\"web\"] takes:",
        ),
        (
            "checks",
            check("retryfor", json!("60s")),
            "checks[\"up\"].retryfor is not an argument: Did you mean `retry_for`?",
        ),
        (
            "checks",
            check("timeouts", json!("60s")),
            "checks[\"up\"].timeouts is not an argument: Did you mean `timeout`?",
        ),
        (
            "checks",
            check("phases", json!("revoked")),
            "checks[\"up\"].phases is not an argument: Did you mean `phase`?",
        ),
        (
            "checks",
            check("effect", json!(true)),
            "checks[\"up\"].effect is not an argument: Did you mean `effects`?",
        ),
        (
            "checks",
            check("confirm", json!(true)),
            "checks[\"up\"].confirm is not an argument",
        ),
        (
            "checks",
            http("expect_statuss", json!([200])),
            "checks[\"up\"].http.expect_statuss is not an argument: Did you mean `expect_status`?",
        ),
        (
            "checks",
            http("header", json!({})),
            "checks[\"up\"].http.header is not an argument: Did you mean `headers`?",
        ),
        (
            "checks",
            http("headers_wo", json!({})),
            "checks[\"up\"].http.headers_wo is not an argument: Did you mean `headers`?",
        ),
        (
            "source",
            json!({ "randon": random }),
            "source.randon is not an argument: Did you mean `random`?",
        ),
        (
            "source",
            json!({ "random": { "byte": 32, "encoding": "hex" } }),
            "source.random.byte is not an argument: Did you mean `bytes`?",
        ),
        (
            "source",
            json!({ "fernet_key": { "bytes": 32 } }),
            "source.fernet_key.bytes is not an argument: source.fernet_key takes no arguments: write `{}`.",
        ),
        (
            "source",
            json!({ "fernet_key": { "value_wo": "hunter2-hunter2" } }),
            "source.fernet_key.value_wo is not an argument: `value_wo` is an argument of the block itself: set it there.",
        ),
        (
            "info",
            json!({ "ower": "platform" }),
            "info[\"ower\"] is not a key of info: Did you mean `owner`?",
        ),
        (
            "info",
            json!({ "slack": "#platform" }),
            "info[\"slack\"] is not a key of info: Use one of",
        ),
        // None, or two, of what there is exactly one of.
        ("source", json!({}), "source has no kind: Set exactly one of random,"),
        ("source", json!({ "random": null }), "source has no kind"),
        (
            "source",
            json!({ "random": random, "fernet_key": {} }),
            "source has 2 kinds: random, fernet_key: Set exactly one of",
        ),
        ("targets", json!({}), "targets is empty: Set at least one target."),
        (
            "targets",
            target(json!({})),
            "targets[\"web\"] has no kind: Set exactly one of age_file, exec, file, fly_secret,",
        ),
        ("targets", target(json!({ "wave": 2 })), "targets[\"web\"] has no kind"),
        (
            "targets",
            target(json!({ "exec": { "command": ["/bin/put"], "remove": { "command": ["/bin/delete"] } } })),
            "targets[\"web\"].exec.remove requires",
        ),
        (
            "targets",
            target(json!({ "exec": { "command": ["/bin/put", "{{ value }}"] } })),
            "targets[\"web\"].exec.command[1] cannot be used: It contains a template",
        ),
        (
            "targets",
            target(json!({ "exec": { "command": ["/bin/put"], "read": { "command": ["cat"] } } })),
            "targets[\"web\"].exec.read.command[0] is not the path of a program",
        ),
        (
            "targets",
            target(json!({ "file": { "path": "app/.env" } })),
            "targets[\"web\"].file.path is not the path of a file: Write the absolute path, such as abspath(",
        ),
        (
            "targets",
            target(json!({ "file": { "path": "/etc/cron.d/backup" } })),
            "targets[\"web\"].file.path is not the path of a file: Its name must be .env",
        ),
        (
            "targets",
            target(json!({ "file": { "path": "/srv/.env", "mode": "0644" } })),
            "targets[\"web\"].file.mode must be one of",
        ),
        (
            "targets",
            target(json!({ "age_file": { "path": "/srv/key.age", "recipients": ["ssh-ed25519 AAAA"] } })),
            "targets[\"web\"].age_file.recipients[0] is not a recipient: It is an SSH key.",
        ),
        (
            "targets",
            target(json!({ "fly_secret": {} })),
            "targets[\"web\"].fly_secret is empty",
        ),
        (
            "targets",
            target(json!({ "fly_secret": { "app": "" } })),
            "targets[\"web\"].fly_secret.app is required",
        ),
        (
            "targets",
            target(json!({ "fly_secret": { "app": "a" }, "ssm_parameter": { "name": "/a" } })),
            "targets[\"web\"] has 2 kinds: fly_secret, ssm_parameter",
        ),
        (
            "checks",
            json!({ "up": {} }),
            "checks[\"up\"] has no kind: Set exactly one of http, http_canary, github_workflow, postgres_login, exec, ssh, vercel_deployment.",
        ),
        // Wrong types.
        (
            "source",
            json!("random"),
            "source must be an object: `{ … }`: It is a string.",
        ),
        (
            "source",
            json!([random]),
            "source must be an object: `{ … }`: It is a list.",
        ),
        (
            "source",
            json!(7),
            "source must be an object: `{ … }`: It is the number 7.",
        ),
        (
            "source",
            json!({ "random": [random] }),
            "source.random must be an object: `{ … }`: It is a list.",
        ),
        (
            "source",
            json!({ "random": true }),
            "source.random must be an object: `{ … }`: It is the boolean true.",
        ),
        (
            "source",
            json!({ "random": { "bytes": "many", "encoding": "hex" } }),
            "source.random.bytes must be a number: It is a string.",
        ),
        (
            "source",
            json!({ "random": { "bytes": [32], "encoding": "hex" } }),
            "source.random.bytes must be a number: It is a list.",
        ),
        (
            "targets",
            json!([{ "fly_secret": { "app": "a" } }]),
            "targets must be a map of objects: `{ name = { … } }`: It is a list.",
        ),
        (
            "targets",
            json!([]),
            "targets must be a map of objects: `{ name = { … } }`: It is a list.",
        ),
        (
            "targets",
            json!(3),
            "targets must be a map of objects: `{ name = { … } }`: It is the number 3.",
        ),
        (
            "targets",
            json!("web"),
            "targets must be a map of objects: `{ name = { … } }`: It is a string.",
        ),
        (
            "targets",
            json!(true),
            "targets must be a map of objects: `{ name = { … } }`: It is the boolean true.",
        ),
        (
            "targets",
            json!({ "web": "molecule-cp" }),
            "targets[\"web\"] must be an object: `{ … }`: It is a string.",
        ),
        (
            "targets",
            json!({ "web": [{ "fly_secret": { "app": "a" } }] }),
            "targets[\"web\"] must be an object: `{ … }`: It is a list.",
        ),
        (
            "targets",
            json!({ "fly_secret": { "app": "a" } }),
            "targets[\"fly_secret\"].app is not an argument",
        ),
        (
            "targets",
            fly("wave", json!("two")),
            "targets[\"web\"].wave must be a number: It is a string.",
        ),
        (
            "targets",
            fly("wave", json!(1.5)),
            "targets[\"web\"].wave must be a whole number from 1 to 1000: It is 1.5.",
        ),
        (
            "targets",
            fly("wave", json!(0)),
            "targets[\"web\"].wave must be a whole number from 1 to 1000: It is 0.",
        ),
        (
            "targets",
            fly("wave", json!(true)),
            "targets[\"web\"].wave must be a number: It is the boolean true.",
        ),
        (
            "targets",
            fly("template", json!({ "a": "b" })),
            "targets[\"web\"].template must be a string: It is an object.",
        ),
        (
            "targets",
            fly("template", json!(["a"])),
            "targets[\"web\"].template must be a string: It is a list.",
        ),
        (
            "targets",
            fly("part", json!(["a"])),
            "targets[\"web\"].part must be a string: It is a list.",
        ),
        (
            "targets",
            fly("on_remove", json!(["keep"])),
            "targets[\"web\"].on_remove must be a string: It is a list.",
        ),
        (
            "targets",
            target(json!({ "fly_secret": { "app": "a", "stage": "yes" } })),
            "targets[\"web\"].fly_secret.stage must be true or false: It is a string.",
        ),
        (
            "targets",
            target(json!({ "fly_secret": "molecule-cp" })),
            "targets[\"web\"].fly_secret must be an object: `{ … }`: It is a string.",
        ),
        (
            "targets",
            target(json!({ "ssm_parameter": { "name": "/a", "tags": ["a"] } })),
            "targets[\"web\"].ssm_parameter.tags must be a map of strings: It is a list.",
        ),
        (
            "targets",
            target(json!({ "ssm_parameter": { "name": "/a", "tags": { "a": ["b"] } } })),
            "targets[\"web\"].ssm_parameter.tags[\"a\"] must be a string: It is a list.",
        ),
        (
            "checks",
            json!([]),
            "checks must be a map of objects: `{ name = { … } }`: It is a list.",
        ),
        (
            "checks",
            http("expect_status", json!(200)),
            "checks[\"up\"].http.expect_status must be a list of numbers: It is the number 200.",
        ),
        (
            "checks",
            http("expect_status", json!(["ok"])),
            "checks[\"up\"].http.expect_status[0] must be a number: It is a string.",
        ),
        (
            "checks",
            check("effects", json!(7)),
            "checks[\"up\"].effects must be true or false: It is the number 7.",
        ),
        ("checks", check("wave", json!(9)), "No target is in wave 9"),
        // Texts that are none of the permitted ones.
        ("name", json!(null), "name is required"),
        ("name", json!(""), "name is required"),
        ("source", json!(null), "source is required"),
        ("targets", json!(null), "targets is empty"),
        ("overlap", json!("a day"), "overlap is not a duration"),
        ("overlap", json!("24"), "overlap is not a duration"),
        (
            "on_drift",
            json!("fix"),
            "on_drift must be one of \"heal\", \"report\", \"rotate\"",
        ),
        (
            "on_existing",
            json!("overwrite"),
            "on_existing must be one of \"refuse\", \"replace\"",
        ),
        (
            "on_destroy",
            json!("keep"),
            "on_destroy must be one of \"revoke\", \"abandon\"",
        ),
        (
            "revoke",
            json!({ "mode": "by hand" }),
            "revoke.mode must be one of \"automatic\", \"manual\"",
        ),
        (
            "revoke",
            json!({ "confirmed": -1 }),
            "revoke.confirmed must be a whole number from 0",
        ),
        (
            "rotation",
            json!({ "every": "monthly" }),
            "rotation.every is not a duration",
        ),
        (
            "rotation",
            json!({ "every": "0s" }),
            "rotation.every must be longer than zero",
        ),
        (
            "rotation",
            json!({ "every": "7d", "early": "7d" }),
            "rotation.early must be shorter than rotation.every",
        ),
        (
            "rotation",
            json!({ "early": "7d" }),
            "rotation.early requires rotation.every",
        ),
        (
            "targets",
            fly("on_remove", json!("forget")),
            "targets[\"web\"].on_remove must be one of \"delete\", \"keep\"",
        ),
        (
            "targets",
            fly("part", json!("uri")),
            "refers to the unknown part \"uri\": The credential has these parts: value.",
        ),
        (
            "targets",
            fly("template", json!("{{ valeu }}")),
            "template refers to the unknown part \"valeu\"",
        ),
        ("targets", fly("template", json!("a text")), "template uses no part"),
        (
            "value_wo",
            json!("hunter2-hunter2"),
            "value_wo cannot be used with source random",
        ),
        (
            "value_wo_version",
            json!(2),
            "value_wo_version cannot be used with source random",
        ),
        // A reason that is none.
        ("rotation_reason", json!("true"), "rotation_reason is not a reason"),
        ("rotation_reason", json!("False"), "rotation_reason is not a reason"),
        ("rotation_reason", json!("null"), "rotation_reason is not a reason"),
        ("rotation_reason", json!("42"), "rotation_reason is not a reason"),
        ("rotation_reason", json!(" 4.2 "), "rotation_reason is not a reason"),
        ("rotation_reason", json!("  "), "rotation_reason is not a reason"),
        (
            "rotation_reason",
            json!("two\nlines"),
            "rotation_reason is not a reason",
        ),
        // Brought by a later version.
        ("escrow", json!("sure"), "escrow must be true or false"),
        ("restore", json!(0), "restore must be a whole number"),
        ("restore", json!("the last one"), "restore must be a whole number"),
        // No kind.
        (
            "activations",
            json!({ "redeploy": { "wave": 1 } }),
            "activations[\"redeploy\"] has no kind",
        ),
        (
            "guard",
            json!({ "confirm": "2: everything is down" }),
            "guard.consequence is required",
        ),
        (
            "adopt",
            json!({ "rotated_at": "2026-13-01" }),
            "adopt.rotated_at is not a time",
        ),
        (
            "format",
            json!({ "bytes": 32 }),
            "format.bytes requires format.encoding",
        ),
        (
            "revoke",
            json!({ "quiet_for": "a week" }),
            "revoke.quiet_for is not a duration",
        ),
        ("rotation", json!({ "overdue": "fail" }), "rotation.overdue must be"),
        (
            "rotation",
            json!({ "window": { "from": "02:00", "to": "2am" } }),
            "rotation.window.to is not a time of day",
        ),
        (
            "rotation",
            json!({ "every": "apply", "early": "1d" }),
            "rotation.early requires an interval",
        ),
        (
            "targets",
            fly("connection", json!("default")),
            "targets[\"web\"].connection cannot be \"default\"",
        ),
        (
            "targets",
            fly("settle", json!("soon")),
            "targets[\"web\"].settle is not a duration",
        ),
        (
            "targets",
            fly("lead", json!("soon")),
            "targets[\"web\"].lead is not a duration",
        ),
        (
            "checks",
            check("http", json!({ "url": "/health" })),
            "checks[\"up\"].http.url cannot be used",
        ),
        (
            "source",
            json!({ "random": random, "connection": "staging" }),
            "source.connection has no effect",
        ),
    ]
}

#[test]
fn every_mistake_gives_one_clear_error() {
    let mut mistakes = 0;
    let mut wrong = Vec::new();
    for (argument, value, said) in by_hand() {
        let secret = with(&plain(), argument, value);
        mistakes += 1;
        match the_error(&secret) {
            Err(why) => wrong.push(format!("{secret}\n  {why}")),
            Ok(found) => {
                let (path, text) = (found.path.to_string(), text(&found));
                if !text.contains(said) || text.contains("hunter2") || !path.starts_with(argument) {
                    wrong.push(format!("{secret}\n  at {path}: {text}\n  expected: {said}"));
                }
            }
        }
    }
    none_of(&wrong);
    println!("{mistakes} mistakes by hand");
    assert!(mistakes >= 60);
}

#[test]
fn a_required_argument_is_asked_for_by_its_path() {
    for name in ["name", "source", "targets"] {
        let found = one_error(&without(&plain(), name));
        assert!(found.summary.starts_with(name), "{}", text(&found));
    }
    let mut secret = plain();
    secret["targets"]["web"] = json!({ "fly_secret": { "stage": true } });
    assert_eq!(
        one_error(&secret).summary,
        "targets[\"web\"].fly_secret.app is required"
    );
}

#[test]
fn every_attribute_that_only_the_provider_sets_is_refused() {
    let mut attributes = 0;
    for attribute in schema::schema().block.attributes {
        if attribute.mode != Mode::Computed {
            continue;
        }
        let name = attribute.name;
        let typed = match attribute.value_type() {
            Type::Number => json!(7),
            Type::String => json!("24h"),
            Type::List(_) => json!([]),
            _ => json!({}),
        };
        for value in [typed, json!(UNKNOWN)] {
            attributes += 1;
            let found = one_error(&with(&plain(), name, value));
            assert_eq!(found.summary, format!("{name} is a read-only attribute"));
            assert_eq!(found.path.to_string(), name);
        }
    }
    println!("{attributes} read-only attributes, known and unknown");
    assert!(attributes >= 2 * 15, "{attributes}");
    // Of a list where a map belongs, and of several at once.
    assert_eq!(
        one_error(&with(&plain(), "credentials", json!([]))).summary,
        "credentials is a read-only attribute"
    );
    let several = with(&with(&plain(), "id", json!("x")), "revoke_after", json!("24h"));
    assert_eq!(errors(&several).len(), 2);
}
