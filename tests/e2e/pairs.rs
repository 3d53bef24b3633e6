//! Every source with every target: created, rotated and destroyed, each pair alone, and all targets of a secret together.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::story::{A_DAY, Story, resource};

/// Sources: a word for each, and its lines; `PROJECT` and `BRANCH` stand for a project of its own.
const SOURCES: [(&str, &str); 11] = [
    ("random", r#"random = { bytes = 32, encoding = "hex" }"#),
    ("fernet", "fernet_key = {}"),
    ("pair", r#"key_pair = { algorithm = "ed25519" }"#),
    ("provided", "provided = {}"),
    ("app_token", r#"fly_token = { app = "molecule-cp" }"#),
    ("org_token", r#"fly_token = { organization = "molecule" }"#),
    ("personal_key", "neon_api_key = {}"),
    (
        "organization_key",
        r#"neon_api_key = { organization_id = "org-quiet-sea-12345678" }"#,
    ),
    (
        "project_key",
        r#"neon_api_key = { organization_id = "org-quiet-sea-12345678", project_id = "quiet-river-12345678" }"#,
    ),
    (
        "one_role",
        r#"neon_role_password = { project_id = "PROJECT", branch_id = "BRANCH", role = "app" }"#,
    ),
    (
        "two_roles",
        r#"neon_role_password = { project_id = "PROJECT", branch_id = "BRANCH", role = "app", alternate_role = "app_b" }"#,
    ),
];

/// Targets: a word for each, and its lines; `NAME` stands for the secret's name.
const TARGETS: [(&str, &str); 5] = [
    ("fly", r#"fly_secret = { app = "checked" }"#),
    ("staged", r#"fly_secret = { app = "molecule-cp", stage = true }"#),
    (
        "repository",
        r#"github_actions_secret = { repository = "molecule-docs" }"#,
    ),
    (
        "environment",
        r#"github_actions_secret = { repository = "molecule-monorepo", environment = "production" }"#,
    ),
    (
        "parameter",
        r#"ssm_parameter = { name = "/pairs/NAME", tier = "Advanced", key_id = "alias/pairs", tags = { team = "cp" } }"#,
    ),
];

/// A secret with one source and some of the targets.
struct Secret {
    label: String,
    source: usize,
    targets: Vec<usize>,
}

impl Secret {
    fn name(&self) -> String {
        self.label.to_uppercase()
    }

    /// Neon's projects are locked while one of their passwords changes: each secret has its own.
    fn project(&self) -> String {
        format!("project-{}", self.label.replace('_', "-"))
    }

    fn resource(&self, state: &Value, generation: u64) -> String {
        let branch = state["neon"]["projects"][self.project()]["branch"]
            .as_str()
            .unwrap_or_default();
        let source = SOURCES[self.source]
            .1
            .replace("PROJECT", &self.project())
            .replace("BRANCH", branch);
        let part = match SOURCES[self.source].0 {
            "pair" => "part = \"private_key_pem\", ",
            "one_role" | "two_roles" => "part = \"password\", ",
            _ => "",
        };
        let targets = self.targets.iter().map(|target| {
            let (key, lines) = TARGETS[*target];
            format!("{key} = {{ {part}{} }}\n", lines.replace("NAME", &self.name()))
        });
        let targets = format!("targets = {{\n{}}}", targets.collect::<String>());
        let source_line = format!("source = {{ {source} }}");
        let mut lines = vec![source_line.as_str(), &targets];
        let supplied = format!("value_wo = \"supplied-{generation}\"\n  value_wo_version = {generation}");
        match SOURCES[self.source].0 {
            // A supplied value rotates by its version.
            "provided" => lines.push(&supplied),
            // Nobody knows when the consumers of a parameter load a token.
            "app_token" | "org_token" | "personal_key" | "organization_key" | "project_key" | "two_roles" => {
                lines.push(A_DAY);
            }
            _ => {}
        }
        if generation > 1 && SOURCES[self.source].0 != "provided" {
            lines.push("rotation_reason = \"once\"");
        }
        resource(&self.label, &self.name(), &lines)
    }

    /// What the targets hold.
    fn values(&self, state: &Value) -> Vec<String> {
        let name = self.name();
        let entries = self.targets.iter().map(|target| match TARGETS[*target].0 {
            "fly" => &state["fly"]["apps"]["checked"]["secrets"][&name],
            "staged" => &state["fly"]["apps"]["molecule-cp"]["secrets"][&name],
            "repository" => &state["github"]["repositories"]["molecule-ai/molecule-docs"]["secrets"][&name],
            "environment" => {
                let repository = &state["github"]["repositories"]["molecule-ai/molecule-monorepo"];
                &repository["environments"]["production"]["secrets"][&name]
            }
            _ => &state["aws"]["ssm"][format!("/pairs/{name}")],
        });
        let texts = entries.zip(&self.targets).map(|(entry, target)| {
            let value = entry["value"].as_str();
            value
                .unwrap_or_else(|| panic!("{} has nothing of {}", TARGETS[*target].0, self.label))
                .to_owned()
        });
        texts.collect()
    }

    /// The value is what this source makes, and works where somebody can say so.
    #[track_caller]
    fn is_right(&self, story: &Story, state: &Value, value: &str, generation: u64) {
        let (kind, _) = SOURCES[self.source];
        let right = match kind {
            "random" => value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "fernet" => value.len() == 44 && URL_SAFE.decode(value).unwrap().len() == 32,
            "pair" => public_half(value) == published_half(&story.attributes_of(&self.label)),
            "provided" => value == format!("supplied-{generation}"),
            "app_token" => lives(&state["fly"]["tokens"], value, "app:molecule-cp", &Value::Null),
            "org_token" => lives(&state["fly"]["tokens"], value, "organization:molecule", &Value::Null),
            "personal_key" => lives(&state["neon"]["api_keys"], value, "personal", &Value::Null),
            "organization_key" => {
                let owner = "organization:org-quiet-sea-12345678";
                lives(&state["neon"]["api_keys"], value, owner, &Value::Null)
            }
            "project_key" => {
                let (owner, project) = ("organization:org-quiet-sea-12345678", json!("quiet-river-12345678"));
                lives(&state["neon"]["api_keys"], value, owner, &project)
            }
            _ => self.passwords(state)[self.role(generation)] == value,
        };
        assert!(right, "{} in generation {generation}: {value}", self.label);
    }

    /// Where it goes live by itself, the machine runs it.
    #[track_caller]
    fn runs(&self, state: &Value, value: &str) {
        if self.targets.iter().any(|target| TARGETS[*target].0 == "fly") {
            let machines = state["fly"]["apps"]["checked"]["machines"].as_object().unwrap();
            assert!(
                machines.values().all(|machine| machine["env"][self.name()] == value),
                "{}",
                self.label
            );
        }
    }

    /// Which role has the turn.
    fn role(&self, generation: u64) -> usize {
        usize::from(SOURCES[self.source].0 == "two_roles" && generation == 2)
    }

    /// What its two roles log in with.
    fn passwords(&self, state: &Value) -> [String; 2] {
        let roles = &state["neon"]["projects"][self.project()]["roles"];
        ["app", "app_b"].map(|role| roles[role]["password"].as_str().unwrap().to_owned())
    }

    fn has_roles(&self) -> bool {
        SOURCES[self.source].0.ends_with("_role") || SOURCES[self.source].0.ends_with("_roles")
    }
}

/// The public half of a private key in PEM, as a JWK's `x`.
fn public_half(pem: &str) -> String {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
    let lines = pem.lines().filter(|line| !line.starts_with('-'));
    let der = STANDARD.decode(lines.collect::<String>()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).unwrap();
    URL_SAFE_NO_PAD.encode(pair.public_key().as_ref())
}

/// The `x` of the public JWK in state.
fn published_half(attributes: &Value) -> String {
    let jwk: Value = serde_json::from_str(attributes["public"]["public_jwk"].as_str().unwrap()).unwrap();
    jwk["x"].as_str().unwrap().to_owned()
}

/// Whether a credential of this value and owner works.
fn lives(credentials: &Value, value: &str, owner: &str, project: &Value) -> bool {
    let mut all = credentials.as_array().unwrap().iter().filter(works);
    all.any(|one| one["value"] == value && one["owner"] == owner && one["project_id"] == *project)
}

fn works(credential: &&Value) -> bool {
    credential["revoked_at"].is_null() && credential["revoked"] != true
}

/// Creates, rotates and destroys all of them in one configuration.
fn live(secrets: &[Secret]) {
    let story = Story::new();
    let of_roles = secrets.iter().filter(|secret| secret.has_roles());
    let projects: serde_json::Map<String, Value> = of_roles.map(|secret| (secret.project(), json!({}))).collect();
    // A machine without checks is watched for five seconds after each update.
    let app = json!({ "machines": [{ "checks": true }] });
    story
        .sandbox
        .seed(json!({ "neon": { "projects": projects }, "fly": { "apps": { "checked": app } } }));
    let mut seen: Vec<String> = Vec::new();
    for generation in [1, 2] {
        let state = story.sandbox.state();
        let resources = secrets.iter().map(|secret| secret.resource(&state, generation));
        story.write(&resources.collect::<String>());
        story.apply();
        let state = story.sandbox.state();
        for secret in secrets {
            let values = secret.values(&state);
            assert!(
                values.iter().all(|value| *value == values[0]),
                "{}: {values:?}",
                secret.label
            );
            secret.is_right(&story, &state, &values[0], generation);
            secret.runs(&state, &values[0]);
            assert!(!seen.contains(&values[0]) || SOURCES[secret.source].0 == "provided");
            assert_eq!(story.attributes_of(&secret.label)["generation"], generation);
            seen.push(values[0].clone());
        }
        parameters_are_as_configured(&state);
    }
    story.destroy();
    nothing_is_left(&story, secrets, &seen);
}

/// What moto judges with one parameter, the sandbox judges with many.
#[track_caller]
fn parameters_are_as_configured(state: &Value) {
    for (name, parameter) in state["aws"]["ssm"].as_object().unwrap() {
        let settings = ["type", "tier", "key_id", "tags"].map(|key| parameter[key].clone());
        let expected = [
            json!("SecureString"),
            json!("Advanced"),
            json!("alias/pairs"),
            json!({ "team": "cp" }),
        ];
        assert_eq!(settings, expected, "{name}");
    }
}

/// Every target is empty, and no credential of ours works.
#[track_caller]
fn nothing_is_left(story: &Story, secrets: &[Secret], seen: &[String]) {
    assert!(story.has_no_state());
    let state = story.sandbox.state();
    for app in ["checked", "molecule-cp"] {
        assert_eq!(state["fly"]["apps"][app]["secrets"], json!({}), "{app}");
    }
    for repository in state["github"]["repositories"].as_object().unwrap().values() {
        assert_eq!(repository["secrets"], json!({}));
        assert_eq!(repository["environments"]["production"]["secrets"], json!({}));
    }
    assert_eq!(state["aws"]["ssm"], json!({}));
    for (credentials, own) in [
        (&state["fly"]["tokens"], "personal"),
        (&state["neon"]["api_keys"], "sandbox"),
    ] {
        let left: Vec<&Value> = credentials.as_array().unwrap().iter().filter(works).collect();
        assert_eq!(left.len(), 1, "{left:#?}");
        assert_eq!(left[0]["name"], own);
    }
    for secret in secrets.iter().filter(|secret| secret.has_roles()) {
        for password in secret.passwords(&state) {
            assert!(
                !seen.contains(&password),
                "{} logs in with what was delivered",
                secret.label
            );
        }
    }
}

#[test]
fn every_source_reaches_every_target_alone() {
    let mut secrets = Vec::new();
    for (source, (word, _)) in SOURCES.iter().enumerate() {
        for (target, (place, _)) in TARGETS.iter().enumerate() {
            secrets.push(Secret {
                label: format!("{word}_{place}"),
                source,
                targets: vec![target],
            });
        }
    }
    live(&secrets);
}

#[test]
fn every_source_reaches_all_targets_together() {
    let secrets = SOURCES.iter().enumerate().map(|(source, (word, _))| Secret {
        label: (*word).to_owned(),
        source,
        targets: (0..TARGETS.len()).collect(),
    });
    live(&secrets.collect::<Vec<_>>());
}
