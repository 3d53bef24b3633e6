//! What a plan says of sources, targets and checks: every argument that matters shows in words.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/vendor.rs"]
#[expect(dead_code, reason = "there is no vendor to serve")]
mod vendor;

use std::collections::BTreeSet;

use rotation_provider::source::{Maker, SourceKind};
use rotation_provider::terraform::{Attribute, Diagnostics, Node, Origin, Value};
use rotation_provider::{check, source, target};

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
    let bytes = Value::object([("bytes", Value::number(32)), ("encoding", text("hex"))]);
    let characters = Value::object([("length", Value::number(40)), ("charset", text("ascii"))]);
    let role = Value::object([
        ("project_id", text("quiet-river-1")),
        ("branch_id", text("br-x")),
        ("role", text("app")),
    ]);
    let list = |name: &str| Value::List(vec![text(name)]);
    vec![
        (
            "random",
            bytes,
            vec![
                vec![("bytes", Value::number(33))],
                vec![("encoding", text("base64"))],
                vec![("encoding", text("base64url"))],
                vec![("prefix", text("sk_live_"))],
                vec![("prefix", text("sk_live_ "))],
                vec![("checksum", Value::Bool(true))],
            ],
        ),
        (
            "random",
            characters,
            vec![
                vec![("length", Value::number(41))],
                vec![("charset", text("digits"))],
                vec![("charset", text("alphanumeric"))],
                vec![("charset", Value::Null), ("characters", text("abcdefgh"))],
                vec![("charset", Value::Null), ("characters", text("abcdefgi"))],
            ],
        ),
        ("fernet_key", Value::object([]), vec![]),
        (
            "key_pair",
            Value::object([("algorithm", text("ed25519"))]),
            texts([("algorithm", "rsa_3072")]),
        ),
        (
            "provided",
            Value::object([("value_wo_version", Value::number(1))]),
            vec![
                vec![("value_wo_version", Value::number(2))],
                vec![("credential_id", text("rk_2026_11"))],
                vec![("part_names", list("secret"))],
            ],
        ),
        (
            "fly_token",
            Value::object([("app", text("molecule-cp"))]),
            vec![
                vec![("app", text("molecule-web"))],
                vec![("app", Value::Null), ("organization", text("molecule-cp"))],
                vec![("expires_in", text("2400h"))],
                vec![("expires_in", text("90d"))],
            ],
        ),
        (
            "neon_api_key",
            Value::object([]),
            vec![
                vec![("organization_id", text("org-1"))],
                vec![
                    ("organization_id", text("org-1")),
                    ("project_id", text("quiet-river-1")),
                ],
            ],
        ),
        (
            "neon_role_password",
            role,
            vec![
                vec![("project_id", text("quiet-river-2"))],
                vec![("branch_id", text("br-y"))],
                vec![("role", text("api"))],
                vec![("alternate_role", text("app_b"))],
                vec![("database", text("main"))],
                vec![("endpoint_id", text("ep-1"))],
                vec![("pooled", Value::Bool(true))],
            ],
        ),
    ]
}

fn target_cases() -> Vec<Case> {
    let tags = Value::object([("team", text("cp"))]);
    vec![
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
            "github_workflow",
            Value::object([("repository", text("molecule-ai/x")), ("workflow", text("deploy.yml"))]),
            vec![
                vec![("repository", text("molecule-ai/y"))],
                vec![("workflow", text("publish.yml"))],
                vec![("ref", text("v2"))],
                vec![("inputs", inputs)],
            ],
        ),
    ]
}

/// Arguments that do not show: there is one `type`; what a check sends and looks for would not fit a line.
const HIDDEN: [(&str, &str); 6] = [
    ("fly_token", "type"),
    ("http", "headers"),
    ("http", "body"),
    ("http", "expect_json"),
    ("http", "expect_body"),
    ("http", "reject_body"),
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
        let slot = config.slot(&vendor::connections(&[]).own()).unwrap();
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
fn every_argument_of_a_check_shows() {
    let kinds: Vec<_> = check::ALL.iter().map(|kind| (kind.name, (kind.attributes)())).collect();
    every_argument_shows(check_cases(), &kinds, |kind, node| {
        let mut problems = Diagnostics::new();
        let config = (check::kind(kind).unwrap().parse)(node, None, &mut problems);
        config.unwrap_or_else(|| panic!("{kind}: {problems:?}")).in_words()
    });
}

#[test]
fn the_words_of_a_source_read_as_a_plan_says_them() {
    let mut told: Vec<String> = Vec::new();
    for (kind, base, changes) in source_cases() {
        let parse = source::kind(kind).unwrap().parse;
        for change in std::iter::once(Vec::new()).chain(changes) {
            let object = change
                .into_iter()
                .fold(base.clone(), |object, (name, value)| object.with(name, value));
            let node = Node::root(&object, Origin::Configuration);
            told.push(parse(&node, &node, &mut Diagnostics::new()).unwrap().in_words());
        }
    }
    let expected = [
        "32 random bytes in hex",
        "33 random bytes in hex",
        "32 random bytes in base64",
        "32 random bytes in base64url",
        "32 random bytes in hex with prefix sk_live_",
        "32 random bytes in hex with prefix \"sk_live_ \"",
        "32 random bytes in hex with a checksum",
        "40 random ascii characters",
        "41 random ascii characters",
        "40 random digits",
        "40 random alphanumeric characters",
        "40 random characters out of \"abcdefgh\"",
        "40 random characters out of \"abcdefgi\"",
        "Fernet key",
        "ed25519 key pair",
        "rsa_3072 key pair",
        "supplied value, version 1",
        "supplied value, version 2",
        "supplied value, version 1 (rk_2026_11)",
        "supplied value of secret, version 1",
        "Fly deploy token for app molecule-cp",
        "Fly deploy token for app molecule-web",
        "Fly organization token for molecule-cp",
        "Fly deploy token for app molecule-cp, valid for 2400h",
        "Fly deploy token for app molecule-cp, valid for 90d",
        "personal Neon API key",
        "Neon API key for organization org-1",
        "Neon API key for project quiet-river-1 of organization org-1",
        "password of role app on Neon branch br-x of project quiet-river-1",
        "password of role app on Neon branch br-x of project quiet-river-2",
        "password of role app on Neon branch br-y of project quiet-river-1",
        "password of role api on Neon branch br-x of project quiet-river-1",
        "password of roles app and app_b in turn on Neon branch br-x of project quiet-river-1",
        "password of role app on Neon branch br-x of project quiet-river-1, database main",
        "password of role app on Neon branch br-x of project quiet-river-1, endpoint ep-1",
        "password of role app on Neon branch br-x of project quiet-river-1, pooled",
    ];
    assert_eq!(told, expected);
}

/// The configuration of a source decides its parts; whoever makes the values, its issuer has a name.
#[test]
fn parts_and_issuer_are_told_for_every_source() {
    for (name, base, _) in source_cases() {
        let kind: &SourceKind = source::kind(name).unwrap();
        let node = Node::root(&base, Origin::Configuration);
        let config = (kind.parse)(&node, &node, &mut Diagnostics::new()).unwrap();
        assert_eq!((kind.parts_of)(&node), Some(config.parts()), "{name}");
        assert_eq!(config.parts(), kind.parts.iter().copied().collect(), "{name}");
        let issuer = (kind.issuer_in_words)(&config.issuer());
        let expected = match (kind.maker, name) {
            (Maker::Us, _) => "this provider",
            (Maker::Person, _) => "its vendor",
            (Maker::Issuer, "fly_token") => "Fly app molecule-cp",
            (Maker::Issuer, "neon_api_key") => "Neon account",
            (Maker::Issuer, _) => "Neon branch br-x of project quiet-river-1",
        };
        assert_eq!(issuer, expected, "{name}");
    }
}
