//! What a plan says of sources, targets and checks: every argument that matters shows in words.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/kinds.rs"]
mod kinds;
#[path = "support/vendor.rs"]
#[expect(dead_code, reason = "there is no vendor to serve")]
mod vendor;

use std::collections::BTreeSet;

use rotation_provider::clock::Clock;
use rotation_provider::source::SourceKind;
use rotation_provider::terraform::{Attribute, Diagnostics, Node, Origin, Value};
use rotation_provider::{activation, check, source, target};

fn text(value: &str) -> Value {
    Value::string(value)
}

/// A kind, the arguments that it needs, and changes that must show, each of one argument or of several that go together.
type Case = (&'static str, Value, Vec<Vec<(&'static str, Value)>>);

/// Changes of one argument each, to a text.
fn texts<const N: usize>(changes: [(&'static str, &str); N]) -> Vec<Vec<(&'static str, Value)>> {
    changes.map(|(name, value)| vec![(name, text(value))]).to_vec()
}

fn source_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (kind, file) in kinds::sources() {
        for plan in kinds::list(&file, "plans") {
            let changes = kinds::list(plan, "changes").iter().map(|change| {
                let arguments = change[0].as_object().unwrap().clone();
                arguments
                    .into_iter()
                    .map(|(name, to)| (&*name.leak(), kinds::value(&to)))
                    .collect()
            });
            cases.push((kind, kinds::value(&plan["arguments"]), changes.collect()));
        }
    }
    cases
}

fn target_cases() -> Vec<Case> {
    let tags = Value::object([("team", text("cp"))]);
    vec![
        (
            "age_file",
            Value::object([("path", text("/srv/KEY.age")), ("recipients", list(&[RECIPIENT]))]),
            vec![
                vec![("path", text("/srv/OTHER.age"))],
                vec![("recipients", list(&[RECIPIENT, OTHER_RECIPIENT]))],
            ],
        ),
        (
            "exec",
            Value::object([("command", list(&["/usr/local/bin/put"]))]),
            vec![
                vec![("command", list(&["/usr/local/bin/put", "KEY"]))],
                vec![("command", list(&["/usr/local/bin/set"]))],
                vec![("environment", Value::object([("STAGE", text("canary"))]))],
                vec![("directory", text("/srv/app"))],
                vec![("name", text("OTHER"))],
                vec![("timeout", text("30s"))],
                vec![("refused_exit_codes", Value::List(vec![Value::number(3)]))],
            ],
        ),
        (
            "file",
            Value::object([("path", text("/srv/app/.env"))]),
            texts([("path", "/srv/app/.env.local"), ("name", "OTHER"), ("mode", "0640")]),
        ),
        (
            "fly_secret",
            Value::object([("app", text("molecule-cp"))]),
            vec![
                vec![("app", text("molecule-web"))],
                vec![("name", text("OTHER"))],
                vec![("stage", Value::Bool(true))],
            ],
        ),
        (
            "github_actions_secret",
            Value::object([("repository", text("molecule-ai/x"))]),
            texts([
                ("repository", "molecule-ai/y"),
                ("environment", "production"),
                ("name", "OTHER"),
            ]),
        ),
        (
            "github_codespaces_secret",
            Value::object([("repository", text("molecule-ai/x"))]),
            texts([("repository", "molecule-ai/y"), ("name", "OTHER")]),
        ),
        (
            "github_dependabot_secret",
            Value::object([("repository", text("molecule-ai/x"))]),
            texts([("repository", "molecule-ai/y"), ("name", "OTHER")]),
        ),
        (
            "http",
            Value::object([("urls", list(&["/settings/secrets"])), ("body", text("{{ value }}"))]),
            vec![
                vec![("urls", list(&["/cp/secrets"]))],
                vec![("urls", list(&["/settings/secrets", "/b/settings/secrets"]))],
                vec![("name", text("OTHER"))],
                vec![("method", text("POST"))],
                vec![("expect_status", Value::List(vec![Value::number(202)]))],
            ],
        ),
        (
            "railway_variable",
            Value::object([
                ("project_id", text("8f0a3c1e-7d52-4e0b-9a64-000000000001")),
                ("environment_id", text("8f0a3c1e-7d52-4e0b-9a64-000000000002")),
            ]),
            texts([
                ("project_id", "8f0a3c1e-7d52-4e0b-9a64-000000000004"),
                ("environment_id", "8f0a3c1e-7d52-4e0b-9a64-000000000005"),
                ("service_id", "8f0a3c1e-7d52-4e0b-9a64-000000000003"),
                ("name", "OTHER"),
            ]),
        ),
        (
            "render_env_group_variable",
            Value::object([("env_group_id", text("evg-d1production"))]),
            texts([("env_group_id", "evg-d1staging"), ("name", "OTHER")]),
        ),
        (
            "render_env_variable",
            Value::object([("service_id", text("srv-d1control"))]),
            texts([("service_id", "crn-d1nightly"), ("name", "OTHER")]),
        ),
        (
            "ssh",
            Value::object([
                ("host", text("app.example.com")),
                ("user", text("deploy")),
                ("host_key", text(HOST_KEY)),
                ("command", text("cat >/srv/key")),
            ]),
            vec![
                vec![("host", text("db.example.com"))],
                vec![("port", Value::number(2222))],
                vec![("user", text("ops"))],
                vec![("identity_file", text("/home/ci/.ssh/app"))],
                vec![("command", text("cat >/srv/other"))],
                vec![("name", text("OTHER"))],
                vec![("timeout", text("30s"))],
                vec![("refused_exit_codes", Value::List(vec![Value::number(3)]))],
            ],
        ),
        (
            "ssm_parameter",
            Value::object([("name", text("/molecule/KEY"))]),
            vec![
                vec![("name", text("/molecule/OTHER"))],
                vec![("type", text("String"))],
                vec![("key_id", text("alias/x"))],
                vec![("tier", text("Advanced"))],
                vec![("tags", tags)],
                vec![("description", text("Of the control plane"))],
            ],
        ),
        (
            "vercel_env",
            Value::object([("project_id", text("prj_d1canvas")), ("target", list(&["preview"]))]),
            vec![
                vec![("project_id", text("prj_d1docs"))],
                vec![("target", list(&["production", "preview"]))],
                vec![("custom_environment_ids", list(&["env_d1staging"]))],
                vec![("git_branch", text("feature/x"))],
                vec![("type", text("encrypted"))],
                vec![("comment", text("Of the canvas"))],
                vec![("name", text("OTHER"))],
            ],
        ),
    ]
}

fn check_cases() -> Vec<Case> {
    let headers = Value::object([("Authorization", text("Bearer {{ value }}"))]);
    let inputs = Value::object([("tenant", text("canary"))]);
    vec![
        (
            "http",
            Value::object([("url", text("https://example.com/health")), ("headers", headers)]),
            vec![
                vec![("url", text("https://example.com/other"))],
                vec![("url", text("https://example.com/health?page=2"))],
                vec![("method", text("HEAD"))],
                vec![("credential", text("previous"))],
                vec![("expect_status", Value::List(vec![Value::number(401)]))],
            ],
        ),
        (
            "http_canary",
            Value::object([
                (
                    "create",
                    Value::object([("url", text("/cp/orgs")), ("body", text("{{ name }}"))]),
                ),
                ("inspect", Value::object([("url", text("/cp/orgs/{{ name }}"))])),
                ("delete", Value::object([("url", text("/cp/orgs/{{ name }}"))])),
            ]),
            vec![
                vec![(
                    "create",
                    Value::object([("url", text("/cp/users")), ("body", text("{{ name }}"))]),
                )],
                vec![("inspect", Value::object([("url", text("/cp/orgs?name={{ name }}"))]))],
                vec![(
                    "delete",
                    Value::object([("url", text("/cp/orgs/{{ name }}")), ("method", text("POST"))]),
                )],
            ],
        ),
        (
            "github_workflow",
            Value::object([("repository", text("molecule-ai/x")), ("workflow", text("deploy.yml"))]),
            vec![
                vec![("repository", text("molecule-ai/y"))],
                vec![("workflow", text("publish.yml"))],
                vec![("ref", text("v2"))],
                vec![("inputs", inputs)],
            ],
        ),
        (
            "postgres_login",
            Value::object([("password", text("{{ value }}"))]),
            vec![
                vec![("user", text("app"))],
                vec![("database", text("main"))],
                vec![("host", text("pooler.internal"))],
                vec![("port", Value::number(6432))],
                vec![("credential", text("previous"))],
                vec![("expect", text("refused"))],
                vec![("password", Value::Null), ("uri", text("{{ value }}"))],
            ],
        ),
        (
            "railway_redeploy",
            Value::object([
                ("environment_id", text("8f0a3c1e-7d52-4e0b-9a64-000000000002")),
                ("service_id", text("8f0a3c1e-7d52-4e0b-9a64-000000000003")),
            ]),
            texts([
                ("environment_id", "8f0a3c1e-7d52-4e0b-9a64-000000000005"),
                ("service_id", "8f0a3c1e-7d52-4e0b-9a64-000000000006"),
            ]),
        ),
        (
            "render_deploy",
            Value::object([("service_id", text("srv-d1control"))]),
            texts([("service_id", "srv-d1worker"), ("deploy_mode", "build_and_deploy")]),
        ),
        (
            "render_deploy",
            Value::object([("env_group_id", text("evg-d1production"))]),
            texts([("env_group_id", "evg-d1staging")]),
        ),
        (
            "vercel_deployment",
            Value::object([("project_id", text("prj_d1canvas")), ("variable", text("KEY"))]),
            texts([("project_id", "prj_d1docs"), ("variable", "OTHER")]),
        ),
        (
            "vercel_redeploy",
            Value::object([("project_id", text("prj_d1canvas"))]),
            texts([("project_id", "prj_d1docs")]),
        ),
        (
            "exec",
            Value::object([
                ("command", list(&["/usr/local/bin/verify"])),
                ("input", text("{{ value }}")),
            ]),
            vec![
                vec![("command", list(&["/usr/local/bin/verify", "--deep"]))],
                vec![("environment", Value::object([("STAGE", text("canary"))]))],
                vec![("directory", text("/srv/app"))],
                vec![("input", text("a word"))],
                vec![("credential", text("previous"))],
            ],
        ),
        (
            "ssh",
            Value::object([
                ("host", text("app.example.com")),
                ("user", text("deploy")),
                ("host_key", text(HOST_KEY)),
                ("command", text("/srv/app/verify")),
                ("input", text("{{ value }}")),
            ]),
            vec![
                vec![("host", text("db.example.com"))],
                vec![("port", Value::number(2222))],
                vec![("user", text("ops"))],
                vec![("identity_file", text("/home/ci/.ssh/app"))],
                vec![("command", text("/srv/app/verify --deep"))],
                vec![("input", text("a word"))],
                vec![("credential", text("previous"))],
            ],
        ),
    ]
}

/// Recipients of age.
const RECIPIENT: &str = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
const OTHER_RECIPIENT: &str = "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg";

/// A host's key, which is GitHub's.
const HOST_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

fn list(words: &[&str]) -> Value {
    Value::List(words.iter().map(|word| text(word)).collect())
}

/// Arguments that do not show: there is one `type`; what a request sends and looks for would not fit a line.
const HIDDEN: [(&str, &str); 16] = [
    ("exec", "read"),
    ("exec", "remove"),
    ("fly_token", "type"),
    ("http", "headers"),
    ("http", "body"),
    ("http", "expect_json"),
    ("http", "expect_body"),
    ("http", "reject_body"),
    ("http", "read"),
    ("http", "shadowed_by"),
    ("http", "remove"),
    ("http", "list"),
    ("http", "revoke"),
    ("ssh", "host_key"),
    ("ssh", "read"),
    ("ssh", "remove"),
];

/// Every change makes other words, and every declared argument is among the changes.
fn every_argument_shows(
    cases: Vec<Case>,
    kinds: &[(&'static str, Vec<Attribute>)],
    words: fn(&str, &Node<'_>) -> String,
) {
    let mut shown: BTreeSet<(&str, &str)> = HIDDEN.into();
    let mut covered = BTreeSet::new();
    for (kind, base, changes) in cases {
        covered.insert(kind);
        let told = |object: &Value| words(kind, &Node::root(object, Origin::Configuration));
        let mut seen = BTreeSet::from([told(&base)]);
        for change in changes {
            let mut object = base.clone();
            for (name, value) in &change {
                object = object.with(name, value.clone());
                shown.insert((kind, name));
            }
            let words = told(&object);
            assert!(
                seen.insert(words.clone()),
                "{kind} {change:?} does not show in {words:?}"
            );
        }
    }
    for (kind, attributes) in kinds {
        assert!(covered.contains(kind), "{kind} has no case here");
        for attribute in attributes {
            assert!(
                shown.contains(&(*kind, attribute.name)),
                "{kind}.{} is not changed here",
                attribute.name
            );
        }
    }
}

#[test]
fn every_argument_of_a_source_shows() {
    let kinds: Vec<_> = source::ALL
        .iter()
        .map(|kind| (kind.name, (kind.attributes)()))
        .collect();
    every_argument_shows(source_cases(), &kinds, |kind, node| {
        let mut problems = Diagnostics::new();
        let config = (source::kind(kind).unwrap().parse)(node, node, &mut problems);
        config.unwrap_or_else(|| panic!("{kind}: {problems:?}")).in_words()
    });
}

#[test]
fn every_argument_of_a_target_shows() {
    let kinds: Vec<_> = target::ALL
        .iter()
        .map(|kind| (kind.name, (kind.attributes)()))
        .collect();
    every_argument_shows(target_cases(), &kinds, |name, node| {
        let kind = target::kind(name).unwrap();
        let mut problems = Diagnostics::new();
        let config = (kind.parse)(node, Some("FLY_API_TOKEN"), &mut problems);
        let config = config.unwrap_or_else(|| panic!("{name}: {problems:?}"));
        let http = Value::object([("base_url", text("https://platform.example.com"))]);
        let named = Value::object([("platform", Value::object([("http", http)]))]);
        let block = Value::object([("connection", named)]);
        let connections = vendor::connections_of(&block, &[], Clock::default());
        let link = match kind.reach {
            Some(reach) if !reach.vendor.has_default => connections.link("platform"),
            _ => connections.own(),
        };
        let slot = config.slot(&link).unwrap();
        let words = (kind.words)(&slot);
        format!(
            "set {} {} ({})",
            words.entry,
            words.place,
            config.settings_in_words().join(", ")
        )
    });
}

#[test]
fn every_argument_of_a_check_or_activation_shows() {
    let all = check::ALL.iter().copied().chain(activation::that_are_no_checks());
    let kinds: Vec<_> = all.map(|kind| (kind.name, (kind.attributes)())).collect();
    every_argument_shows(check_cases(), &kinds, |kind, node| {
        let mut problems = Diagnostics::new();
        let activates = || activation::that_are_no_checks().find(|known| known.name == kind);
        let config = (check::kind(kind).or_else(activates).unwrap().parse)(node, None, &mut problems);
        config.unwrap_or_else(|| panic!("{kind}: {problems:?}")).in_words()
    });
}

#[test]
fn the_words_of_a_source_read_as_a_plan_says_them() {
    let mut cases = source_cases().into_iter();
    for (kind, file) in kinds::sources() {
        let parse = source::kind(kind).unwrap().parse;
        for plan in kinds::list(&file, "plans") {
            let (_, base, changes) = cases.next().unwrap();
            let expected = kinds::list(plan, "changes").iter().map(|change| &change[1]);
            let expected = std::iter::once(&plan["words"]).chain(expected);
            for (change, expected) in std::iter::once(Vec::new()).chain(changes).zip(expected) {
                let object = change
                    .into_iter()
                    .fold(base.clone(), |object, (name, value)| object.with(name, value));
                let node = Node::root(&object, Origin::Configuration);
                let words = parse(&node, &node, &mut Diagnostics::new()).unwrap().in_words();
                assert_eq!(*expected, *words, "{kind}");
            }
        }
    }
}

/// What the vendor would refuse, or ignore, is a mistake of the configuration.
#[test]
fn arguments_that_do_not_fit_are_refused_in_words() {
    for (kind, file) in kinds::sources() {
        for case in file["refused"].as_array().into_iter().flatten() {
            let (arguments, mut problems) = (kinds::value(&case[0]), Diagnostics::new());
            let node = Node::root(&arguments, Origin::Configuration);
            let config = (source::kind(kind).unwrap().parse)(&node, &node, &mut problems);
            assert!(config.is_none(), "{kind} takes {}", case[0]);
            let told: Vec<&str> = problems.iter().map(|problem| problem.summary.as_str()).collect();
            assert_eq!(case[1], *told.join("; "), "{kind}");
        }
    }
}

/// The configuration of a source decides its parts; whoever makes the values, its issuer has a name.
#[test]
fn parts_and_issuer_are_told_for_every_source() {
    for (name, file) in kinds::sources() {
        let kind: &SourceKind = source::kind(name).unwrap();
        let base = kinds::value(&file["plans"][0]["arguments"]);
        let node = Node::root(&base, Origin::Configuration);
        let config = (kind.parse)(&node, &node, &mut Diagnostics::new()).unwrap();
        assert_eq!((kind.parts_of)(&node), Some(config.parts()), "{name}");
        assert_eq!(config.parts(), kind.parts.iter().copied().collect(), "{name}");
        assert_eq!(file["issuer"], (kind.issuer_in_words)(&config.issuer()), "{name}");
    }
}
