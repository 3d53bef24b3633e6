//! Configurations that are right, and how one is told what is wrong with it.

use rotation_provider::provider::secret::declared::DYNAMIC;
use rotation_provider::provider::secret::schema::schema;
use rotation_provider::provider::secret::validate;
use rotation_provider::terraform::{Attribute, AttributeType, Diagnostic, Dynamic, Nesting, Severity, Type, Value};
use serde_json::{Value as Json, json};

use crate::kinds;
pub(crate) use crate::kinds::{UNKNOWN, value};

/// A resource with these arguments; its dynamic attributes bring their types along. As from Terraform, what is not set is null.
pub(crate) fn resource(arguments: &Json) -> Value {
    let dynamic = |name: &str| DYNAMIC.iter().any(|declared| declared.name == name);
    let block = schema().block;
    let unset = block
        .attributes
        .iter()
        .map(|attribute| (attribute.name.to_owned(), Value::Null));
    let unset = unset.chain(block.blocks.iter().map(|block| (block.name.to_owned(), Value::Null)));
    let written = arguments.as_object().unwrap().iter().map(|(name, json)| {
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
    Value::Map(unset.chain(written).collect())
}

pub(crate) fn told(arguments: &Json) -> Vec<Diagnostic> {
    validate(&resource(arguments), None).iter().cloned().collect()
}

pub(crate) fn errors(arguments: &Json) -> Vec<Diagnostic> {
    let mut told = told(arguments);
    told.retain(|problem| problem.severity == Severity::Error);
    told
}

pub(crate) fn text(problem: &Diagnostic) -> String {
    format!("{}: {}", problem.summary, problem.detail)
}

/// The only error, or what is wrong with what was said.
pub(crate) fn the_error(arguments: &Json) -> Result<Diagnostic, String> {
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
pub(crate) fn one_error(arguments: &Json) -> Diagnostic {
    the_error(arguments).unwrap_or_else(|wrong| panic!("{arguments}: {wrong}"))
}

/// What went wrong, all at once.
pub(crate) fn none_of(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

/// The same with one argument more, or another value of it.
pub(crate) fn with(arguments: &Json, name: &str, value: Json) -> Json {
    let mut changed = arguments.clone();
    changed.as_object_mut().unwrap().insert(name.to_owned(), value);
    changed
}

pub(crate) fn without(arguments: &Json, name: &str) -> Json {
    let mut changed = arguments.clone();
    changed.as_object_mut().unwrap().remove(name);
    changed
}

/// A secret that every part of the tests below changes.
pub(crate) fn plain() -> Json {
    json!({
        "name": "TOKEN",
        "source": { "random": { "bytes": 32, "encoding": "hex" } },
        "targets": { "web": { "fly_secret": { "app": "molecule-cp" } } },
    })
}

/// Complete configurations of every kind of source; together they have every argument.
pub(crate) fn sources() -> Vec<(&'static str, Json)> {
    let of = |(kind, file): (&'static str, Json)| {
        let complete = kinds::list(&file, "complete").to_vec();
        complete.into_iter().map(move |arguments| (kind, arguments))
    };
    kinds::sources().into_iter().flat_map(of).collect()
}

/// Complete configurations of every kind of target.
pub(crate) fn targets() -> Vec<(&'static str, Json)> {
    vec![
        (
            "age_file",
            json!({
                "path": "/srv/recovery/TOKEN.age",
                "recipients": ["age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"],
            }),
        ),
        (
            "exec",
            json!({
                "command": ["/usr/local/bin/put", "TOKEN"], "environment": { "PATH": "/usr/bin:/bin" }, "directory": "/srv/app", "name": "TOKEN",
                "timeout": "30s", "refused_exit_codes": [3], "read": { "command": ["/usr/local/bin/version", "TOKEN"] },
                "remove": { "command": ["/usr/local/bin/delete", "TOKEN"] },
            }),
        ),
        (
            "file",
            json!({ "path": "/srv/app/.env", "name": "TOKEN", "mode": "0640" }),
        ),
        (
            "fly_secret",
            json!({ "app": "molecule-cp", "name": "TOKEN", "stage": true }),
        ),
        (
            "github_actions_secret",
            json!({ "repository": "molecule-ai/monorepo", "environment": "production", "name": "TOKEN" }),
        ),
        (
            "github_codespaces_secret",
            json!({ "repository": "molecule-ai/monorepo", "name": "TOKEN" }),
        ),
        (
            "github_dependabot_secret",
            json!({ "repository": "molecule-ai/monorepo", "name": "TOKEN" }),
        ),
        (
            "http",
            json!({
                "urls": ["/settings/secrets"], "name": "TOKEN", "method": "PUT", "headers": { "X-Secret": "{{ value }}" },
                "body": "{\"key\":\"TOKEN\",\"value\":\"{{ value | json }}\"}", "expect_status": [200],
                "read": { "urls": ["/settings/secrets"], "items": "/data", "name": "/key", "where": { "/scope": "global" }, "time": "/updated_at" },
                "shadowed_by": {
                    "urls": ["/workspaces/1/secrets"], "items": "/data", "name": "/key", "where": { "/scope": "workspace" },
                },
                "remove": { "urls": ["/settings/secrets/TOKEN"], "method": "DELETE", "expect_status": [200] },
            }),
        ),
        (
            "railway_variable",
            json!({
                "project_id": "8f0a3c1e-7d52-4e0b-9a64-000000000001", "environment_id": "8f0a3c1e-7d52-4e0b-9a64-000000000002",
                "service_id": "8f0a3c1e-7d52-4e0b-9a64-000000000003", "name": "TOKEN",
            }),
        ),
        (
            "render_env_group_variable",
            json!({ "env_group_id": "evg-d1production", "name": "TOKEN" }),
        ),
        (
            "render_env_variable",
            json!({ "service_id": "srv-d1control", "name": "TOKEN" }),
        ),
        (
            "ssh",
            json!({
                "host": "app.example", "port": 2222, "user": "deploy",
                "host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
                "identity_file": "/home/ci/.ssh/app", "command": "cat >/srv/app/token", "name": "TOKEN", "timeout": "30s",
                "refused_exit_codes": [3], "read": { "command": "cat /srv/app/token" }, "remove": { "command": "rm -f /srv/app/token" },
            }),
        ),
        (
            "ssm_parameter",
            json!({
                "name": "/molecule/TOKEN", "type": "SecureString", "key_id": "alias/molecule", "tier": "Standard",
                "tags": { "team": "platform" }, "description": "Deploys molecule.",
            }),
        ),
        (
            "vercel_env",
            json!({
                "project_id": "prj_d1canvas", "target": ["preview"], "git_branch": "main", "type": "sensitive", "comment": "Of the canvas.",
                "name": "TOKEN",
            }),
        ),
        (
            "vercel_env",
            json!({ "project_id": "prj_d1canvas", "custom_environment_ids": ["env_d1staging"] }),
        ),
    ]
}

/// Complete configurations of every kind of check.
pub(crate) fn checks() -> Vec<(&'static str, Json)> {
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
            "http_canary",
            json!({
                "create": {
                    "url": "/cp/orgs", "method": "POST", "headers": { "X-Test": "{{ name }}" }, "body": "{\"slug\":\"{{ name }}\"}",
                    "expect_status": [201], "id": "/id",
                },
                "inspect": {
                    "url": "/cp/orgs/{{ id }}", "expect_status": [200], "expect_json": "{\"status\":\"ok\"}", "expect_body": "{{ name }}",
                    "reject_body": "failed",
                },
                "delete": { "url": "/cp/orgs/{{ id }}", "method": "DELETE", "expect_status": [204] },
            }),
        ),
        (
            "github_workflow",
            json!({ "repository": "molecule-ai/monorepo", "workflow": "publish.yml", "ref": "main", "inputs": { "a": "b" } }),
        ),
        (
            "postgres_login",
            json!({
                "user": "app", "password": "{{ value }}", "database": "main", "host": "pooler.internal", "port": 6432, "credential": "new",
                "expect": "accepted",
            }),
        ),
        (
            "postgres_login",
            json!({ "uri": "postgresql://app:{{ value }}@db.example/app", "credential": "new" }),
        ),
        (
            "exec",
            json!({
                "command": ["/usr/local/bin/verify", "--env", "production"], "environment": { "PATH": "/usr/bin:/bin" },
                "directory": "/srv/app", "input": "{{ value }}", "credential": "new",
            }),
        ),
        (
            "ssh",
            json!({
                "host": "app.example", "port": 2222, "user": "deploy",
                "host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
                "identity_file": "/home/ci/.ssh/app", "command": "/srv/app/verify", "input": "{{ value }}", "credential": "new",
            }),
        ),
        (
            "vercel_deployment",
            json!({ "project_id": "prj_d1canvas", "variable": "TOKEN" }),
        ),
    ]
}

/// Complete configurations of every kind that only activates.
pub(crate) fn activations() -> Vec<(&'static str, Json)> {
    vec![
        (
            "render_deploy",
            json!({ "service_id": "srv-d1control", "deploy_mode": "deploy_only" }),
        ),
        ("render_deploy", json!({ "env_group_id": "evg-d1production" })),
        (
            "railway_redeploy",
            json!({
                "environment_id": "8f0a3c1e-7d52-4e0b-9a64-000000000002", "service_id": "8f0a3c1e-7d52-4e0b-9a64-000000000003",
            }),
        ),
        ("vercel_redeploy", json!({ "project_id": "prj_d1canvas" })),
    ]
}

/// A part of the credentials of that source.
pub(crate) fn part(kind: &str, arguments: &Json) -> Json {
    match kind {
        "key_pair" => json!("private_key_pem"),
        "neon_role_password" | "postgres_password" => json!("uri"),
        "provided" if arguments.get("part_names").is_some() => json!("secret"),
        _ => Json::Null,
    }
}

/// A secret with that source.
pub(crate) fn with_source(kind: &str, arguments: &Json) -> Json {
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
pub(crate) fn with_element(attribute: &str, kind: &str, arguments: &Json) -> Json {
    let element = match attribute {
        "activations" => json!({ "wave": 1, "timeout": "10m" }),
        "targets" => json!({ "wave": 1, "part": "value", "on_remove": "keep", "impact": "nobody can log in" }),
        _ => json!({ "wave": 1, "phase": "delivered", "timeout": "10s", "retry_for": "60s", "effects": true }),
    };
    let element = with(&element, kind, arguments.clone());
    with(&plain(), attribute, json!({ "web": element }))
}

/// Every dynamic attribute, each kind in it, complete: what is misspelt next to it is the only mistake.
pub(crate) fn complete(attribute: &str) -> Vec<(&'static str, Json)> {
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
        "activations" => {
            let all = activations().into_iter();
            all.map(|(kind, arguments)| (kind, with_element("activations", kind, &arguments)))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Keys of objects, declared for that attribute: the common ones, then those of each kind.
pub(crate) fn declared(attribute: &str) -> &'static [Attribute] {
    let found = DYNAMIC.iter().find(|declared| declared.name == attribute);
    match &found.unwrap().content {
        AttributeType::Nested(_, attributes) => attributes,
        AttributeType::Plain(_) => panic!("{attribute} holds no objects"),
    }
}

/// The kinds that are declared for that attribute; of activations those that are no checks.
pub(crate) fn kinds_of(attribute: &str) -> impl Iterator<Item = &'static Attribute> {
    let others = match attribute {
        "activations" => names(declared("checks")),
        _ => Vec::new(),
    };
    let kinds = declared(attribute).iter().filter(|key| kind_of(key).is_some());
    kinds.filter(move |kind| !others.contains(&kind.name))
}

pub(crate) fn names(attributes: &[Attribute]) -> Vec<&'static str> {
    attributes.iter().map(|attribute| attribute.name).collect()
}

pub(crate) fn kind_of(attribute: &Attribute) -> Option<&[Attribute]> {
    match &attribute.kind {
        AttributeType::Nested(Nesting::Single, inner) => Some(inner),
        _ => None,
    }
}

/// The name with one letter left out, and with two letters swapped: the first of each that is no name of its own.
pub(crate) fn misspelt(name: &str, known: &[&str]) -> Vec<String> {
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
pub(crate) fn at<'j>(secret: &'j mut Json, attribute: &str, kind: Option<&str>) -> &'j mut Json {
    let object = match attribute {
        "source" => &mut secret[attribute],
        _ => &mut secret[attribute]["web"],
    };
    match kind {
        Some(kind) => &mut object[kind],
        None => object,
    }
}

pub(crate) fn place(attribute: &str, kind: Option<&str>) -> String {
    let element = if attribute == "source" { "" } else { "[\"web\"]" };
    let kind = kind.map_or_else(String::new, |kind| format!(".{kind}"));
    format!("{attribute}{element}{kind}")
}
