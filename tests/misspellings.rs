//! Mistakes in a configuration: names that are not quite right, wrong types, arguments that only the provider sets or that a later
//! version brings. Each gives one clear error of `validate`; none of the right spellings is refused.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;

use rotation_provider::provider::secret::declared::DYNAMIC;
use rotation_provider::provider::secret::{schema, validate};
use rotation_provider::terraform::{
    Attribute, AttributeType, Diagnostic, Dynamic, Mode, Nesting, Number, Severity, Type, Value,
};
use serde_json::{Value as Json, json};

/// What stands for a value that is known only after apply.
const UNKNOWN: &str = "(unknown)";

/// The configuration as Terraform would send it.
fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => Value::Number(Number::parse(&number.to_string()).unwrap()),
        Json::String(text) if text == UNKNOWN => Value::unknown(),
        Json::String(text) => Value::string(text),
        Json::Array(items) => Value::List(items.iter().map(value).collect()),
        Json::Object(items) => Value::Map(items.iter().map(|(key, item)| (key.clone(), value(item))).collect()),
    }
}

/// A resource with these arguments; its dynamic attributes bring their types along.
fn resource(arguments: &Json) -> Value {
    let dynamic = |name: &str| DYNAMIC.iter().any(|declared| declared.name == name);
    let arguments = arguments.as_object().unwrap().iter().map(|(name, json)| {
        let value = match value(json) {
            plain @ (Value::Null | Value::Unknown(_)) => plain,
            plain if dynamic(name) => Value::Dynamic(Box::new(Dynamic {
                kind: Type::Dynamic,
                value: plain,
            })),
            plain => plain,
        };
        (name.clone(), value)
    });
    Value::Map(arguments.collect())
}

fn told(arguments: &Json) -> Vec<Diagnostic> {
    validate(&resource(arguments)).iter().cloned().collect()
}

fn errors(arguments: &Json) -> Vec<Diagnostic> {
    let mut told = told(arguments);
    told.retain(|problem| problem.severity == Severity::Error);
    told
}

fn text(problem: &Diagnostic) -> String {
    format!("{}: {}", problem.summary, problem.detail)
}

/// The only error, or what is wrong with what was said.
fn the_error(arguments: &Json) -> Result<Diagnostic, String> {
    let found = errors(arguments);
    let [only] = found.as_slice() else {
        let texts: Vec<String> = found.iter().map(text).collect();
        return Err(format!("{} errors: {texts:#?}", found.len()));
    };
    for sentence in [&only.summary, &only.detail] {
        if sentence.trim().is_empty() {
            return Err(format!("an error without text: {}", text(only)));
        }
        if sentence.contains(char::is_control) || sentence.chars().count() > 1_500 {
            return Err(format!(
                "{} bytes: {:?}",
                sentence.len(),
                sentence.chars().take(200).collect::<String>()
            ));
        }
    }
    Ok(only.clone())
}

/// The only error.
fn one_error(arguments: &Json) -> Diagnostic {
    the_error(arguments).unwrap_or_else(|wrong| panic!("{arguments}: {wrong}"))
}

/// What went wrong, all at once.
fn none_of(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

/// The same with one argument more, or another value of it.
fn with(arguments: &Json, name: &str, value: Json) -> Json {
    let mut changed = arguments.clone();
    changed.as_object_mut().unwrap().insert(name.to_owned(), value);
    changed
}

fn without(arguments: &Json, name: &str) -> Json {
    let mut changed = arguments.clone();
    changed.as_object_mut().unwrap().remove(name);
    changed
}

/// A secret that every part of the tests below changes.
fn plain() -> Json {
    json!({
        "name": "TOKEN",
        "source": { "random": { "bytes": 32, "encoding": "hex" } },
        "targets": { "web": { "fly_secret": { "app": "molecule-cp" } } },
    })
}

/// Complete configurations of every kind of source; together they have every argument.
fn sources() -> Vec<(&'static str, Json)> {
    vec![
        (
            "random",
            json!({ "bytes": 32, "encoding": "base64url", "prefix": "sk_", "checksum": true }),
        ),
        ("random", json!({ "length": 40, "charset": "alphanumeric" })),
        ("random", json!({ "length": 40, "characters": "abcdefghijklmnop" })),
        ("fernet_key", json!({})),
        ("key_pair", json!({ "algorithm": "ed25519" })),
        ("provided", json!({ "credential_id": "rk_2026_11" })),
        ("provided", json!({ "part_names": ["key_id", "secret"] })),
        (
            "fly_token",
            json!({ "app": "molecule-cp", "type": "deploy", "expires_in": "2400h" }),
        ),
        ("fly_token", json!({ "organization": "molecule" })),
        (
            "neon_api_key",
            json!({ "organization_id": "org-quiet-1", "project_id": "quiet-river-1" }),
        ),
        (
            "neon_role_password",
            json!({
                "project_id": "quiet-river-1", "branch_id": "br-x", "role": "app", "alternate_role": "app_b",
                "database": "main", "endpoint_id": "ep-x", "pooled": true,
            }),
        ),
    ]
}

/// Complete configurations of every kind of target.
fn targets() -> Vec<(&'static str, Json)> {
    vec![
        (
            "fly_secret",
            json!({ "app": "molecule-cp", "name": "TOKEN", "stage": true }),
        ),
        (
            "github_actions_secret",
            json!({ "repository": "molecule-ai/monorepo", "environment": "production", "name": "TOKEN" }),
        ),
        (
            "ssm_parameter",
            json!({
                "name": "/molecule/TOKEN", "type": "SecureString", "key_id": "alias/molecule", "tier": "Standard",
                "tags": { "team": "platform" }, "description": "Deploys molecule.",
            }),
        ),
    ]
}

/// Complete configurations of every kind of check.
fn checks() -> Vec<(&'static str, Json)> {
    vec![
        (
            "http",
            json!({
                "url": "https://app.example/health", "method": "POST", "headers": { "Authorization": "Bearer {{ value }}" },
                "body": "{}", "credential": "new", "expect_status": [200, 204], "expect_json": "{\"status\":\"ok\"}",
                "expect_body": "ok", "reject_body": "error",
            }),
        ),
        (
            "github_workflow",
            json!({ "repository": "molecule-ai/monorepo", "workflow": "publish.yml", "ref": "main", "inputs": { "a": "b" } }),
        ),
    ]
}

/// A part of the credentials of that source.
fn part(kind: &str, arguments: &Json) -> Json {
    match kind {
        "key_pair" => json!("private_key_pem"),
        "neon_role_password" => json!("uri"),
        "provided" if arguments.get("part_names").is_some() => json!("secret"),
        _ => Json::Null,
    }
}

/// A secret with that source.
fn with_source(kind: &str, arguments: &Json) -> Json {
    let source = json!({ kind: arguments });
    let mut secret = with(&plain(), "source", source);
    secret["targets"]["web"]["part"] = part(kind, arguments);
    if kind == "provided" {
        secret["value_wo_version"] = json!(1);
        if arguments.get("part_names").is_some() {
            secret["parts_wo"] = json!({ "key_id": "AKIA", "secret": "s3cr3t-in-parts" });
        } else {
            secret["value_wo"] = json!("s3cr3t-in-value");
        }
    }
    secret
}

/// A secret with that target or check, and its common keys.
fn with_element(attribute: &str, kind: &str, arguments: &Json) -> Json {
    let element = match attribute {
        "targets" => json!({ "wave": 1, "part": "value", "on_remove": "keep", "impact": "nobody can log in" }),
        _ => json!({ "wave": 1, "phase": "delivered", "timeout": "10s", "retry_for": "60s", "effects": true }),
    };
    let element = with(&element, kind, arguments.clone());
    with(&plain(), attribute, json!({ "web": element }))
}

/// Every dynamic attribute, each kind in it, complete: what is misspelt next to it is the only mistake.
fn complete(attribute: &str) -> Vec<(&'static str, Json)> {
    match attribute {
        "source" => {
            let all = sources().into_iter();
            all.map(|(kind, arguments)| (kind, with_source(kind, &arguments)))
                .collect()
        }
        "targets" => {
            let all = targets().into_iter();
            all.map(|(kind, arguments)| (kind, with_element("targets", kind, &arguments)))
                .collect()
        }
        "checks" => {
            let all = checks().into_iter();
            all.map(|(kind, arguments)| (kind, with_element("checks", kind, &arguments)))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Keys of objects, declared for that attribute: the common ones, then those of each kind.
fn declared(attribute: &str) -> &'static [Attribute] {
    let found = DYNAMIC.iter().find(|declared| declared.name == attribute);
    match &found.unwrap().content {
        AttributeType::Nested(_, attributes) => attributes,
        AttributeType::Plain(_) => panic!("{attribute} holds no objects"),
    }
}

fn names(attributes: &[Attribute]) -> Vec<&'static str> {
    attributes.iter().map(|attribute| attribute.name).collect()
}

fn kind_of(attribute: &Attribute) -> Option<&[Attribute]> {
    match &attribute.kind {
        AttributeType::Nested(Nesting::Single, inner) => Some(inner),
        _ => None,
    }
}

/// The name with one letter left out, and with two letters swapped: the first of each that is no name of its own.
fn misspelt(name: &str, known: &[&str]) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let strange = |text: &String| !known.contains(&text.as_str()) && !text.is_empty();
    let deletions = (1..letters.len()).rev().map(|at| {
        let kept = letters.iter().enumerate().filter(|(other, _)| *other != at);
        kept.map(|(_, letter)| *letter).collect::<String>()
    });
    let transpositions = (1..letters.len()).map(|at| {
        let mut swapped = letters.clone();
        swapped.swap(at - 1, at);
        swapped.into_iter().collect::<String>()
    });
    let deletion = deletions.into_iter().find(strange);
    let transposition = transpositions.into_iter().find(strange);
    deletion.into_iter().chain(transposition).collect()
}

/// The place of the object in which a key is misspelt, within a whole resource.
fn at<'j>(secret: &'j mut Json, attribute: &str, kind: Option<&str>) -> &'j mut Json {
    let object = match attribute {
        "source" => &mut secret[attribute],
        _ => &mut secret[attribute]["web"],
    };
    match kind {
        Some(kind) => &mut object[kind],
        None => object,
    }
}

fn place(attribute: &str, kind: Option<&str>) -> String {
    let element = if attribute == "source" { "" } else { "[\"web\"]" };
    let kind = kind.map_or_else(String::new, |kind| format!(".{kind}"));
    format!("{attribute}{element}{kind}")
}

/// Holds every misspelling of one key against what is said of it.
fn misspelt_in(secret: &Json, attribute: &str, kind: Option<&str>, key: &str, known: &[&str]) -> usize {
    let spellings = misspelt(key, known);
    for spelling in &spellings {
        let mut wrong = secret.clone();
        let object = at(&mut wrong, attribute, kind).as_object_mut().unwrap();
        let value = object.remove(key).unwrap_or_else(|| json!("text"));
        object.insert(spelling.clone(), value);
        let found = one_error(&wrong);
        let place = place(attribute, kind);
        assert_eq!(found.summary, format!("{place}.{spelling} is not an argument"));
        let (question, list) = found
            .detail
            .split_once("? ")
            .unwrap_or_else(|| panic!("{}", text(&found)));
        let meant = question.trim_start_matches("Did you mean `").trim_end_matches('`');
        // Another name may be as near.
        assert!(
            meant == key || strsim::damerau_levenshtein(meant, spelling) <= 1,
            "{}",
            text(&found)
        );
        assert_eq!(list, format!("{place} takes: {}.", known.join(", ")));
        assert!(found.path.to_string().starts_with(attribute), "{}", found.path);
    }
    spellings.len()
}

#[test]
fn every_misspelt_key_is_named_with_its_path_and_neighbour() {
    let (mut keys, mut wrong) = (0, 0);
    for attribute in ["source", "targets", "checks"] {
        let all = declared(attribute);
        let known = names(all);
        let full = complete(attribute);
        let (_, first) = full.first().unwrap();
        for declared in all {
            keys += 1;
            // A misspelt kind beside nothing else, a misspelt common key beside a complete kind.
            let of_kind = full.iter().find(|(kind, _)| *kind == declared.name);
            let secret = of_kind.map_or(first, |(_, secret)| secret);
            wrong += misspelt_in(secret, attribute, None, declared.name, &known);
        }
        for kind in all {
            for inner in kind_of(kind).into_iter().flatten() {
                keys += 1;
                let mut with_kind = full.iter().filter(|(name, _)| *name == kind.name);
                let (_, any) = with_kind.clone().next().unwrap();
                let uses = |(_, secret): &&(&str, Json)| {
                    let mut secret = secret.clone();
                    at(&mut secret, attribute, Some(kind.name)).get(inner.name).is_some()
                };
                let secret = with_kind.find(uses).map_or(any, |(_, secret)| secret);
                let known = names(kind_of(kind).unwrap());
                wrong += misspelt_in(secret, attribute, Some(kind.name), inner.name, &known);
            }
        }
    }
    // No kind of activation exists yet; a misspelt common key is told all the same.
    let known = names(declared("activations"));
    for key in &known {
        keys += 1;
        for spelling in misspelt(key, &known) {
            wrong += 1;
            let secret = with(&plain(), "activations", json!({ "web": { spelling.clone(): "text" } }));
            let summary = format!("activations[\"web\"].{spelling} is not an argument");
            assert!(errors(&secret).iter().any(|found| found.summary == summary), "{secret}");
        }
    }
    println!("{keys} keys, {wrong} misspellings");
    assert!(keys >= 60 && wrong >= 2 * keys - 5, "{keys} keys, {wrong} misspellings");
}

#[test]
fn a_misspelt_key_that_is_null_or_unknown_is_told_too() {
    for value in [json!(null), json!(UNKNOWN), json!({}), json!([])] {
        let mut secret = plain();
        secret["targets"]["web"]["fly_secret"]["stge"] = value;
        let found = one_error(&secret);
        assert_eq!(found.summary, "targets[\"web\"].fly_secret.stge is not an argument");
    }
}

#[test]
fn no_right_spelling_is_refused() {
    let mut complete_ones = 0;
    for attribute in ["source", "targets", "checks"] {
        let mut used: BTreeSet<(String, String)> = BTreeSet::new();
        for (kind, secret) in complete(attribute) {
            complete_ones += 1;
            let found = errors(&secret);
            assert!(found.is_empty(), "{kind}: {found:#?}");
            let mut secret = secret;
            let object = at(&mut secret, attribute, Some(kind)).as_object().unwrap();
            used.extend(object.keys().map(|key| (kind.to_owned(), key.clone())));
        }
        // No argument of any kind is left out above.
        for kind in declared(attribute) {
            for inner in kind_of(kind).into_iter().flatten() {
                let argument = (kind.name.to_owned(), inner.name.to_owned());
                assert!(used.contains(&argument), "{argument:?} is in no complete configuration");
            }
        }
    }
    let everything = json!({
        "name": "FLY_API_TOKEN",
        "info": {
            "purpose": "deploys", "owner": "platform", "impact": "401", "contact": "#platform", "class": "ci",
            "docs_url": "https://docs.example",
        },
        "readers": ["ci", "deploy-engineer"],
        "source": { "fly_token": { "app": "molecule-cp", "expires_in": "2400h" } },
        "targets": {
            "control plane": { "wave": 1, "fly_secret": { "app": "molecule-cp", "stage": false }, "impact": "401" },
            "image_publish": { "wave": 2, "github_actions_secret": { "repository": "molecule-ai/monorepo" } },
            "runtime/eu-1": { "wave": 2, "ssm_parameter": { "name": "/molecule/FLY_API_TOKEN" }, "on_remove": "keep" },
        },
        "checks": {
            "up": { "wave": 1, "http": { "url": "https://app.example/health" } },
            "before": { "phase": "preflight", "http": { "url": "https://app.example/health", "credential": "none" } },
            "published": { "github_workflow": { "repository": "molecule-ai/monorepo", "workflow": "publish.yml" } },
        },
        "rotation": { "every": "90d", "early": "7d", "overdue": null, "triggers": { "owner": "x" }, "window": null },
        "rotation_reason": "2026-11-22: left with a contractor",
        "overlap": "24h",
        "revoke": { "mode": "automatic", "quiet_for": null, "confirmed": 3 },
        "on_drift": "rotate",
        "on_existing": "replace",
        "on_destroy": "abandon",
        "label_prefix": "molecule-cp.rotation_1",
    });
    let found = told(&everything);
    assert!(found.is_empty(), "{found:#?}");
    println!("{complete_ones} complete configurations");
}

#[test]
fn the_languages_conversions_hold_and_null_is_absent() {
    let mut same = 0;
    let mut wrong = Vec::new();
    let mut holds = |secret: &Json| {
        same += 1;
        let found = told(secret);
        wrong.extend(found.iter().map(|problem| format!("{secret}: {}", text(problem))));
    };
    // Every optional argument null, then every optional text empty.
    let top = schema::schema().block;
    for nothing in [json!(null), json!("")] {
        for attribute in &top.attributes {
            let is_text = attribute.value_type() == Type::String;
            let writes_a_value = ["value_wo", "parts_wo"].contains(&attribute.name);
            if attribute.mode == Mode::Optional && (nothing.is_null() || (is_text && !writes_a_value)) {
                holds(&with(&plain(), attribute.name, nothing.clone()));
            }
            if attribute.mode == Mode::Computed && nothing.is_null() {
                holds(&with(&plain(), attribute.name, Json::Null));
            }
        }
        for attribute in ["source", "targets", "checks"] {
            let base = match attribute {
                "checks" => with(
                    &plain(),
                    "checks",
                    json!({ "web": { "http": { "url": "https://app.example/" } } }),
                ),
                _ => plain(),
            };
            for common in declared(attribute) {
                let is_text = common.value_type() == Type::String;
                let mut secret = base.clone();
                let object = at(&mut secret, attribute, None);
                if object.get(common.name).is_none() && (nothing.is_null() || is_text) {
                    object[common.name] = nothing.clone();
                    holds(&secret);
                }
                let mut secret = base.clone();
                let Some(inner) =
                    kind_of(common).filter(|_| at(&mut secret, attribute, None).get(common.name).is_some())
                else {
                    continue;
                };
                for argument in inner.iter().filter(|argument| argument.mode == Mode::Optional) {
                    let is_text = argument.value_type() == Type::String;
                    let mut secret = base.clone();
                    let object = at(&mut secret, attribute, Some(common.name));
                    if object.get(argument.name).is_none() && (nothing.is_null() || is_text) {
                        object[argument.name] = nothing.clone();
                        holds(&secret);
                    }
                }
            }
        }
    }
    for block in &top.blocks {
        holds(&with(&plain(), block.name, Json::Null));
        let attributes = block
            .block
            .attributes
            .iter()
            .map(|attribute| (attribute.name.to_owned(), Json::Null));
        holds(&with(&plain(), block.name, Json::Object(attributes.collect())));
        holds(&with(&plain(), block.name, json!({})));
    }
    for (attribute, path, value) in [
        ("source", "random.bytes", json!("32")),
        ("source", "random.checksum", json!("true")),
        ("source", "random.prefix", json!(7)),
        ("targets", "web.wave", json!("2")),
        ("targets", "web.fly_secret.app", json!(7)),
        ("targets", "web.fly_secret.stage", json!("false")),
        ("targets", "web.impact", json!(true)),
        ("checks", "web.http.expect_status", json!(["200", 204])),
        ("checks", "web.http.headers", json!({ "X-Attempt": 1 })),
        ("checks", "web.effects", json!("true")),
        ("checks", "web.timeout", json!("15s")),
    ] {
        let mut secret = with(
            &plain(),
            "checks",
            json!({ "web": { "http": { "url": "https://app.example/" } } }),
        );
        let mut object = &mut secret[attribute];
        for step in path.split('.') {
            object = &mut object[step];
        }
        *object = value;
        holds(&secret);
    }
    // A resource that is not wholly known is not wrong.
    for (attribute, value) in [
        ("source", json!(UNKNOWN)),
        ("targets", json!(UNKNOWN)),
        ("targets", json!({ "web": UNKNOWN })),
        ("targets", json!({ "web": { "fly_secret": UNKNOWN } })),
        (
            "targets",
            json!({ "web": { "wave": UNKNOWN, "fly_secret": { "app": UNKNOWN } } }),
        ),
        (
            "targets",
            json!({ "web": { "fly_secret": { "app": "a" } }, "old": null }),
        ),
        ("checks", json!({ "web": UNKNOWN })),
        ("checks", json!({})),
        ("overlap", json!(UNKNOWN)),
        ("rotation", json!(UNKNOWN)),
        ("rotation_reason", json!(UNKNOWN)),
        ("rotation_reason", json!("true colours")),
        ("info", json!({ "owner": null, "purpose": UNKNOWN })),
    ] {
        holds(&with(&plain(), attribute, value));
    }
    none_of(&wrong);
    println!("{same} configurations that are as right as a plain one");
}

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
            "targets[\"web\"].stage is not an argument",
        ),
        (
            "targets",
            fly("value_wo", json!("hunter2-hunter2")),
            "targets[\"web\"].value_wo is not an argument",
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
            "source.fernet_key.value_wo is not an argument",
        ),
        (
            "info",
            json!({ "ower": "platform" }),
            "info[\"ower\"] is not a key of info: Did you mean `owner`?",
        ),
        (
            "info",
            json!({ "slack": "#platform" }),
            "info[\"slack\"] is not a key of info: Its keys are",
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
            "targets[\"web\"] has no kind: Set exactly one of fly_secret,",
        ),
        ("targets", target(json!({ "wave": 2 })), "targets[\"web\"] has no kind"),
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
            "checks[\"up\"] has no kind: Set exactly one of http, github_workflow.",
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
            "rotation.early needs rotation.every",
        ),
        (
            "targets",
            fly("on_remove", json!("forget")),
            "targets[\"web\"].on_remove must be one of \"delete\", \"keep\"",
        ),
        (
            "targets",
            fly("part", json!("uri")),
            "The credential has no part \"uri\": Its parts are value.",
        ),
        (
            "targets",
            fly("template", json!("{{ valeu }}")),
            "The template uses the unknown part \"valeu\"",
        ),
        ("targets", fly("template", json!("a text")), "The template uses no part"),
        (
            "value_wo",
            json!("hunter2-hunter2"),
            "value_wo has no use with source random",
        ),
        (
            "value_wo_version",
            json!(2),
            "value_wo_version has no use with source random",
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
        ("escrow", json!(true), "escrow is not available yet"),
        ("escrow", json!(false), "escrow is not available yet"),
        ("restore", json!(3), "restore is not available yet"),
        ("restore", json!(UNKNOWN), "restore is not available yet"),
        (
            "activations",
            json!({ "redeploy": { "wave": 1 } }),
            "activations is not available yet",
        ),
        ("activations", json!(UNKNOWN), "activations is not available yet"),
        (
            "guard",
            json!({ "consequence": "everything is down" }),
            "guard is not available yet",
        ),
        ("adopt", json!({ "credential_id": "x" }), "adopt is not available yet"),
        ("format", json!({ "prefix": "sk_" }), "format is not available yet"),
        (
            "revoke",
            json!({ "quiet_for": "7d" }),
            "revoke.quiet_for is not available yet",
        ),
        (
            "rotation",
            json!({ "overdue": "error" }),
            "rotation.overdue is not available yet",
        ),
        (
            "rotation",
            json!({ "window": { "days": ["sat"] } }),
            "rotation.window is not available yet",
        ),
        (
            "rotation",
            json!({ "every": "apply" }),
            "rotation.every = \"apply\" is not available yet",
        ),
        (
            "targets",
            fly("connection", json!("staging")),
            "targets[\"web\"].connection is not available yet",
        ),
        (
            "targets",
            fly("settle", json!("5m")),
            "targets[\"web\"].settle is not available yet",
        ),
        (
            "targets",
            fly("lead", json!("5m")),
            "targets[\"web\"].lead is not available yet",
        ),
        (
            "checks",
            check("connection", json!("status")),
            "checks[\"up\"].connection is not available yet",
        ),
        (
            "source",
            json!({ "random": random, "connection": "staging" }),
            "source.connection is not available yet",
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

#[test]
fn no_value_is_repeated() {
    let secret = "sk_live_51HunterTwoXyZ0123456789";
    let fly = |key: &str, value: Json| json!({ "web": { "fly_secret": { "app": "molecule-cp" }, key: value } });
    let check = |key: &str, value: Json| json!({ "up": { "http": { "url": "https://app.example/" }, key: value } });
    let http = |key: &str, value: Json| json!({ "up": { "http": { "url": "https://app.example/", key: value } } });
    let mut misplaced = 0;
    let mut wrong = Vec::new();
    for (argument, value) in [
        ("on_drift", json!(secret)),
        ("on_existing", json!(secret)),
        ("on_destroy", json!(secret)),
        ("overlap", json!(secret)),
        ("label_prefix", json!(format!("{secret}/"))),
        ("revoke", json!({ "mode": secret })),
        ("revoke", json!({ "confirmed": secret })),
        ("rotation", json!({ "every": secret })),
        ("rotation", json!({ "every": "90d", "early": secret })),
        ("rotation_reason", json!(format!("{secret}\n"))),
        ("source", json!(secret)),
        ("source", json!({ "random": secret })),
        ("source", json!({ "random": { "bytes": secret, "encoding": "hex" } })),
        ("source", json!({ "random": { "bytes": 32, "encoding": secret } })),
        ("source", json!({ "random": { "length": 32, "charset": secret } })),
        ("source", json!({ "key_pair": { "algorithm": secret } })),
        ("source", json!({ "fly_token": { "app": "a", "expires_in": secret } })),
        ("source", json!({ "fly_token": { "app": "a", "type": secret } })),
        ("targets", json!(secret)),
        ("targets", json!([secret])),
        ("targets", json!({ "web": secret })),
        ("targets", json!({ "web": { "fly_secret": secret } })),
        (
            "targets",
            json!({ "web": { "fly_secret": { "app": "a", "stage": secret } } }),
        ),
        (
            "targets",
            json!({ "web": { "ssm_parameter": { "name": "/a", "type": secret } } }),
        ),
        (
            "targets",
            json!({ "web": { "ssm_parameter": { "name": "/a", "tier": secret } } }),
        ),
        ("targets", fly("wave", json!(secret))),
        ("targets", fly("part", json!(secret))),
        ("targets", fly("on_remove", json!(secret))),
        ("targets", fly("template", json!(format!("{{{{ {secret} }}}}")))),
        ("targets", fly("template", json!(format!("{{{{ value | {secret} }}}}")))),
        ("targets", fly("valeu", json!(secret))),
        ("checks", json!(secret)),
        ("checks", check("phase", json!(secret))),
        ("checks", check("timeout", json!(secret))),
        ("checks", check("effects", json!(secret))),
        ("checks", http("method", json!(secret))),
        ("checks", http("credential", json!(secret))),
        ("checks", http("expect_status", json!([secret]))),
        ("checks", http("expect_json", json!(secret))),
        ("checks", http("headers", json!(secret))),
        (
            "checks",
            http("headers", json!({ "Authorization": format!("Bearer {secret}") })),
        ),
        ("checks", http("body", json!(format!("{{{{ {secret} }}}}")))),
        (
            "checks",
            http("url", json!(format!("https://user:{secret}@app.example/"))),
        ),
        ("value_wo", json!(secret)),
        ("value_wo", json!([secret])),
        ("parts_wo", json!({ "a": secret })),
        ("parts_wo", json!(secret)),
        ("value_wo_version", json!(secret)),
        ("readers", json!(secret)),
        ("info", json!(secret)),
        ("info", json!({ "owner": [secret] })),
        ("name", json!(format!("{secret}\n"))),
    ] {
        misplaced += 1;
        let secret_in = with(&plain(), argument, value);
        let found = errors(&secret_in);
        if found.is_empty() {
            wrong.push(format!("{secret_in} is taken"));
        }
        let repeated = found.iter().map(text).filter(|text| text.contains("HunterTwo"));
        wrong.extend(repeated.map(|text| format!("{secret_in}\n  {text}")));
    }
    none_of(&wrong);
    println!("{misplaced} values where they do not belong");
}

/// What is told of each is short, in one line, and one error.
fn in_short(secret: &Json, summary: &str, wrong: &mut Vec<String>) {
    match the_error(secret) {
        Ok(found) if found.summary.contains(summary) && found.summary.len() < 600 => {}
        Ok(found) => wrong.push(text(&found).chars().take(200).collect()),
        Err(why) => wrong.push(why),
    }
}

#[test]
fn keys_and_sizes_that_nobody_means_are_refused_in_short() {
    let mut wrong = Vec::new();
    let huge = "k".repeat(10_000);
    for (attribute, element) in [
        ("targets", json!({ "fly_secret": { "app": "molecule-cp" } })),
        ("checks", json!({ "http": { "url": "https://app.example/" } })),
    ] {
        for key in [
            "",
            " ",
            "a\"b",
            "a.b",
            "a\nb",
            "a\u{1b}[31mb",
            "${x}",
            "a\u{0}b",
            "[0]",
            &huge,
        ] {
            let refused = format!("{attribute} has a key that cannot be used");
            in_short(
                &with(&plain(), attribute, json!({ key: element })),
                &refused,
                &mut wrong,
            );
            // The same key with a mistake inside it: both are told, as short.
            let both = errors(&with(&plain(), attribute, json!({ key: { "wvae": 1 } })));
            let long = both
                .iter()
                .filter(|problem| problem.summary.len() > 600 || text(problem).contains(char::is_control));
            wrong.extend(long.map(|problem| text(problem).chars().take(200).collect()));
            if both.len() != 2 {
                wrong.push(format!("{key:?}: {} errors", both.len()));
            }
        }
    }
    for key in ["a\"b", "a.b", "a\nb", "a\u{1b}[31mb", &huge] {
        let mut secret = plain();
        secret["targets"]["web"]["fly_secret"][key] = json!(1);
        in_short(&secret, "is not an argument", &mut wrong);
        in_short(
            &with(&plain(), "source", json!({ key: {} })),
            "is not an argument",
            &mut wrong,
        );
        in_short(
            &with(&plain(), "info", json!({ key: "x" })),
            "is not a key of info",
            &mut wrong,
        );
        let tags = json!({ "web": { "ssm_parameter": { "name": "/a", "tags": { key: ["x"] } } } });
        in_short(&with(&plain(), "targets", tags), "must be a string", &mut wrong);
    }
    none_of(&wrong);
    for many in [1_001, 20_000] {
        let targets = (0..many).map(|at| {
            (
                format!("t{at}"),
                json!({ "fly_secret": { "app": format!("app-{at}") } }),
            )
        });
        let secret = with(&plain(), "targets", Json::Object(targets.collect()));
        assert_eq!(one_error(&secret).summary, format!("targets has {many} elements"));
    }
    let targets = (0..1_000).map(|at| {
        (
            format!("t{at}"),
            json!({ "fly_secret": { "app": format!("app-{at}") } }),
        )
    });
    assert!(errors(&with(&plain(), "targets", Json::Object(targets.collect()))).is_empty());
    // As many mistakes as there are targets are not all told.
    let targets = (0..1_000).map(|at| (format!("t{at}"), json!({ "fly_scret": {} })));
    let found = errors(&with(&plain(), "targets", Json::Object(targets.collect())));
    assert!(found.len() <= 101, "{} errors", found.len());
}

#[test]
fn what_is_nested_deeply_is_one_mistake() {
    for wrap in [|inner: Json| json!([inner]), |inner: Json| json!({ "a": inner })] {
        let deep = (0..200).fold(json!("leaf"), |inner, _| wrap(inner));
        one_error(&with(
            &plain(),
            "targets",
            json!({ "web": { "fly_secret": { "app": deep } } }),
        ));
        one_error(&with(
            &plain(),
            "targets",
            json!({ "web": { "wave": deep, "fly_secret": { "app": "a" } } }),
        ));
        one_error(&with(&plain(), "source", deep.clone()));
        one_error(&with(&plain(), "source", json!({ "random": deep })));
        let found = errors(&with(&plain(), "targets", deep));
        assert!(!found.is_empty());
    }
}
