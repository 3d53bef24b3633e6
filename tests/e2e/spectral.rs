//! Spectral's runbook, from `examples/spectral` as it is: each environment has a real PostgreSQL server, keys that people make are accepted by
//! a small service, and everything else is the sandbox.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::postgres::{Postgres, SUPERUSER, Template};
use crate::story::{REPOSITORY, Story, says};

const ENVIRONMENTS: [&str; 2] = ["staging", "production"];
const KEYS: [&str; 8] = [
    "ANTHROPIC_API_KEY",
    "OPENAI_API_KEY",
    "GOOGLE_API_KEY",
    "RENDER_API_KEY",
    "SUPABASE_ACCESS_TOKEN",
    "CLOUDFLARE_API_TOKEN",
    "SUPABASE_ANON_KEY",
    "SUPABASE_SERVICE_ROLE_KEY",
];
const CI_TOKENS: [&str; 3] = ["RENDER_API_KEY", "SUPABASE_ACCESS_TOKEN", "CLOUDFLARE_API_TOKEN"];
const SHARED: &str = "OBSERVABILITY_API_KEY";
const CONSEQUENCE: &str = "every client of Supabase fails until it has the new keys";

fn group(environment: &str) -> String {
    format!("evg-d1{environment}0000000000")
}

fn services(environment: &str) -> [String; 2] {
    ["api", "worker"].map(|name| format!("srv-d1{environment}{name}"))
}

/// A key as its vendor would make it.
fn key(environment: &str, name: &str, version: usize) -> String {
    let prefix = match name {
        "ANTHROPIC_API_KEY" => "sk-ant-",
        "OPENAI_API_KEY" => "sk-proj-",
        "RENDER_API_KEY" => "rnd_",
        "SUPABASE_ACCESS_TOKEN" => "sbp_",
        _ => "",
    };
    let random = (0..3).map(|part| {
        let mut hasher = DefaultHasher::new();
        (environment, name, version, part).hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    });
    format!("{prefix}{}", random.collect::<String>())
}

/// The vendors of keys that people make: a request that presents a key which is valid is answered 200, any other one 401.
struct Vendors {
    url: String,
    valid: Arc<Mutex<BTreeSet<String>>>,
}

impl Vendors {
    /// They end with the process of the test.
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let valid = Arc::new(Mutex::new(BTreeSet::new()));
        let known = Arc::clone(&valid);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), &known.lock().unwrap());
            }
        });
        Self { url, valid }
    }

    fn accept(&self, key: &str) {
        self.valid.lock().unwrap().insert(key.to_owned());
    }

    fn revoke(&self, key: &str) {
        assert!(self.valid.lock().unwrap().remove(key), "{key} was not valid");
    }
}

fn answer(mut stream: TcpStream, valid: &BTreeSet<String>) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer).unwrap() {
            0 => return,
            read => request.extend_from_slice(&buffer[..read]),
        }
    }
    let request = String::from_utf8(request).unwrap();
    let mut headers = request.lines().filter_map(|line| line.split_once(": "));
    let accepted = headers.any(|(_, value)| valid.contains(value.trim_start_matches("Bearer ")));
    let status = if accepted { "200 OK" } else { "401 Unauthorized" };
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}");
    stream.write_all(answer.as_bytes()).unwrap();
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A story in a copy of that folder, where each environment has a group with two services, and variables and secrets of other people.
fn story_of(folder: &str) -> Story {
    let story = Story::new();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    copy(&examples.join(folder), story.workspace.path());
    for environment in ENVIRONMENTS {
        let services = services(environment);
        let named = services.each_ref().map(|id| (id.clone(), json!({ "name": id })));
        let group = json!({ group(environment): {
            "services": services,
            "variables": { "LOG_LEVEL": "info", "SPECTRAL_GENERATION": "41" },
        } });
        let theirs = json!({ REPOSITORY: { "environment_secrets": { environment: { "TEST_DSN": "theirs" } } } });
        story.sandbox.seed(json!({
            "render": { "services": serde_json::Map::from_iter(named), "groups": group },
            "github": { "repositories": theirs },
        }));
    }
    story
}

/// What the groups and the environments at GitHub hold, and nothing else: what a destroy has to leave as it was.
fn held(story: &Story) -> Value {
    let state = story.sandbox.state();
    json!({
        "groups": ENVIRONMENTS.map(|environment| state["render"]["groups"][group(environment)]["variables"].clone()),
        "github": ENVIRONMENTS.map(|environment| {
            let environments = &state["github"]["repositories"][REPOSITORY]["environments"];
            let secrets = environments[environment]["secrets"].as_object().unwrap();
            let values = secrets.iter().map(|(name, secret)| (name.clone(), secret["value"].clone()));
            Value::Object(values.collect())
        }),
        "parameters": state["aws"]["ssm"],
    })
}

/// What that variable is in the group, and in the processes of every service of the environment.
#[track_caller]
fn running(story: &Story, environment: &str, name: &str) -> String {
    let render = story.sandbox.state()["render"].clone();
    let value = render["groups"][group(environment)]["variables"][name].clone();
    for service in services(environment) {
        assert_eq!(
            render["services"][&service]["running"][name], value,
            "{name} in {service}"
        );
    }
    value
        .as_str()
        .unwrap_or_else(|| panic!("{name} is missing in {environment}"))
        .to_owned()
}

/// How often the services of an environment were deployed.
fn deploys(story: &Story, environment: &str) -> [usize; 2] {
    let render = story.sandbox.state()["render"].clone();
    services(environment).map(|service| render["services"][&service]["deploys"].as_array().unwrap().len())
}

/// The example with the variables of a user.
struct Spectral {
    story: Story,
    databases: [Postgres; 2],
    vendors: Vendors,
    rotations: Value,
}

impl Spectral {
    fn new() -> Self {
        let template = Template::make(true);
        let databases = ENVIRONMENTS.map(|_| template.start(None));
        for database in &databases {
            database.sql(
                "CREATE ROLE spectral_blue LOGIN PASSWORD 'blue'; CREATE ROLE spectral_green LOGIN PASSWORD 'green'",
            );
        }
        let mut spectral = Self {
            story: story_of("spectral"),
            databases,
            vendors: Vendors::start(),
            rotations: json!({ "shared": {}, "staging": {}, "production": {} }),
        };
        let url = spectral.story.sandbox.export("SANDBOX_URL").to_owned();
        let environment = |name: &str, database: &Postgres| {
            let database = json!({ "host": "127.0.0.1", "port": database.port() });
            json!({ "env_group_id": group(name), "url": url, "database": database })
        };
        let [staging, production] = &spectral.databases;
        let environments =
            json!({ "staging": environment("staging", staging), "production": environment("production", production) });
        let vendors = ["anthropic", "openai", "google", "render", "supabase", "cloudflare"];
        let vendors = vendors.map(|vendor| (vendor.to_owned(), json!(spectral.vendors.url)));
        let vendors = Value::Object(vendors.into_iter().collect());
        spectral.set("environments", &environments);
        spectral.set("vendor_urls", &vendors);
        spectral.set(
            "database_passwords",
            &json!({ "staging": SUPERUSER, "production": SUPERUSER }),
        );
        spectral.story.workspace.set("TF_VAR_repository", REPOSITORY);
        let keys = |scope: &str| {
            let keys = KEYS.map(|name| (name.to_owned(), json!(key(scope, name, 1))));
            Value::Object(keys.into_iter().collect())
        };
        let keys = json!({
            "staging": keys("staging"), "production": keys("production"), "shared": { SHARED: key("shared", SHARED, 1) },
        });
        for environment in ENVIRONMENTS {
            KEYS.iter()
                .for_each(|name| spectral.vendors.accept(&key(environment, name, 1)));
        }
        spectral.set("keys", &keys);
        spectral.story.run(&["get"]).success();
        spectral
    }

    fn set(&mut self, variable: &str, value: &Value) {
        self.story
            .workspace
            .set(&format!("TF_VAR_{variable}"), &value.to_string());
    }

    /// What is asked for, of the secret of that name.
    fn ask(&mut self, scope: &str, name: &str, what: Value) {
        self.rotations[scope][name] = what;
        let rotations = self.rotations.clone();
        self.set("rotations", &rotations);
    }

    /// The attributes of a secret of an environment.
    fn attributes(&self, environment: &str, resource: &str, key: Option<&str>) -> Value {
        let state = self.story.workspace.state();
        let module = format!("module.environment[{environment:?}]");
        let mut resources = state["resources"].as_array().unwrap().iter();
        let found = resources.find(|one| one["module"] == module.as_str() && one["name"] == resource);
        let mut instances = found.unwrap()["instances"].as_array().unwrap().iter();
        let found = instances.find(|one| key.is_none_or(|key| one["index_key"] == key));
        found.unwrap()["attributes"].clone()
    }

    fn notices(&self, environment: &str, resource: &str, key: Option<&str>) -> Vec<String> {
        let notices = self.attributes(environment, resource, key)["notices"].clone();
        let codes = notices.as_array().unwrap().iter();
        codes
            .map(|notice| notice["code"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The services of that environment log in to its own database with what they run with. The role and its password.
    #[track_caller]
    fn login(&self, environment: &str) -> (String, String) {
        let uri = running(&self.story, environment, "DATABASE_URL");
        let [staging, production] = &self.databases;
        let (own, other) = if environment == "staging" {
            (staging, production)
        } else {
            (production, staging)
        };
        let (user, place) = uri.strip_prefix("postgresql://").unwrap().split_once('@').unwrap();
        let (role, password) = user.split_once(':').unwrap();
        assert_eq!(place, format!("127.0.0.1:{}/postgres", own.port()));
        assert!(own.accepts(role, password), "{environment} does not log in");
        assert!(!other.accepts(role, password), "{environment} logs in elsewhere");
        (role.to_owned(), password.to_owned())
    }

    /// Every place of every environment holds its own keys, of these versions.
    #[track_caller]
    fn holds(&self, version: impl Fn(&str, &str) -> usize) {
        let github = held(&self.story)["github"].clone();
        for (at, environment) in ENVIRONMENTS.into_iter().enumerate() {
            for name in KEYS {
                let expected = key(environment, name, version(environment, name));
                assert_eq!(running(&self.story, environment, name), expected);
                let expected = if CI_TOKENS.contains(&name) {
                    json!(expected)
                } else {
                    Value::Null
                };
                assert_eq!(github[at][name], expected, "{name} at GitHub");
            }
            let expected = key("shared", SHARED, version("shared", SHARED));
            assert_eq!(running(&self.story, environment, SHARED), expected);
            assert_eq!(running(&self.story, environment, "LOG_LEVEL"), "info");
        }
    }
}

#[test]
fn the_secrets_of_two_environments_from_create_to_destroy() {
    let mut spectral = Spectral::new();
    let before = held(&spectral.story);
    says(
        &spectral.story.plan(),
        &[
            "17 to add",
            "wave 2: activate generation 1 by production: deploy of every service linked to Render environment group evg-d1production0000000000",
        ],
    );
    spectral.story.wrote_nothing();
    spectral.story.apply();
    spectral.holds(|_, _| 1);
    for environment in ENVIRONMENTS {
        assert_eq!(spectral.login(environment).0, "spectral_blue");
    }
    let state = spectral.story.workspace.state().to_string();
    for environment in ENVIRONMENTS {
        assert!(!state.contains(&spectral.login(environment).1));
        for name in KEYS {
            assert!(!state.contains(&key(environment, name, 1)), "{name}");
        }
    }

    // A reason rotates one secret, and a new value another one.
    spectral.story.clock("2d");
    let first = spectral.login("production");
    let deployed = deploys(&spectral.story, "staging");
    spectral.ask(
        "production",
        "DATABASE_URL",
        json!({ "reason": "it was pasted into a chat" }),
    );
    spectral.ask("production", "ANTHROPIC_API_KEY", json!({ "version": 2 }));
    let new = key("production", "ANTHROPIC_API_KEY", 2);
    spectral.set("keys", &json!({ "production": { "ANTHROPIC_API_KEY": new } }));
    says(
        &spectral.story.plan(),
        &[
            "\"it was pasted into a chat\"",
            "value_wo_version changed from 1 to 2",
            "0 to add, 2 to change, 0 to destroy",
        ],
    );
    // The vendor does not know the key that was typed: the apply fails, and the next one repeats the check alone.
    says(&spectral.story.fails(), &["ANTHROPIC_API_KEY", "answered 401"]);
    spectral.vendors.accept(&new);
    spectral.story.apply();
    let anthropic = |environment: &str, name: &str| match (environment, name) {
        ("production", "ANTHROPIC_API_KEY") => 2,
        _ => 1,
    };
    spectral.holds(anthropic);
    assert_eq!(spectral.login("production").0, "spectral_green");
    assert_eq!(spectral.login("staging").0, "spectral_blue");
    assert_eq!(deploys(&spectral.story, "staging"), deployed, "staging is left alone");
    let [_, production] = &spectral.databases;
    assert!(
        production.accepts(&first.0, &first.1),
        "the old one works until its overlap ends"
    );

    // A person revokes what no API revokes.
    let provider_key = Some("ANTHROPIC_API_KEY");
    assert_eq!(
        spectral.notices("production", "provider_key", provider_key),
        ["revoke_by_hand"]
    );
    spectral.vendors.revoke(&key("production", "ANTHROPIC_API_KEY", 1));
    spectral.ask("production", "ANTHROPIC_API_KEY", json!({ "version": 2, "revoked": 1 }));
    spectral.story.apply();
    assert_eq!(spectral.notices("production", "provider_key", provider_key), [""; 0]);

    spectral.story.clock("3d2h");
    says(
        &spectral.story.plan(),
        &["revoke generation 1 (spectral_blue/", "its overlap ended"],
    );
    spectral.story.apply();
    spectral.login("production");
    let [_, production] = &spectral.databases;
    assert!(!production.accepts(&first.0, &first.1));
    let checks = spectral.attributes("production", "database_url", None)["last_rotation"]["checks"].clone();
    let mut checks = checks.as_array().unwrap().iter();
    assert!(checks.any(|check| check["name"] == "refused" && check["result"] == "passed"));

    // After 90 days, staging's password is due, production's is not, and six tokens wait for a person.
    spectral.story.clock("91d");
    let other = spectral.login("production");
    says(
        &spectral.story.plan(),
        &["every 90d", "0 to add, 1 to change, 0 to destroy"],
    );
    spectral.story.apply();
    assert_eq!(spectral.login("staging").0, "spectral_green");
    assert_eq!(spectral.login("production"), other);
    spectral.holds(anthropic);
    for environment in ENVIRONMENTS {
        for name in CI_TOKENS {
            let attributes = spectral.attributes(environment, "ci_token", Some(name));
            assert_eq!(attributes["phase"], "awaiting_value", "{name}");
        }
    }

    // The keys of Supabase are guarded.
    says(
        &spectral.story.run(&["plan", "-destroy"]).output,
        &[&format!("destroy: {CONSEQUENCE}")],
    );
    for environment in ENVIRONMENTS {
        spectral.ask(
            environment,
            "SUPABASE_KEYS",
            json!({ "confirm": format!("destroy: {CONSEQUENCE}") }),
        );
    }
    spectral.story.apply();
    let last = ENVIRONMENTS.map(|environment| spectral.login(environment));
    spectral.story.destroy();
    assert!(spectral.story.has_no_state());
    assert_eq!(held(&spectral.story), before);
    for (database, (role, password)) in spectral.databases.iter().zip(last) {
        assert!(!database.accepts(&role, &password));
        assert_eq!(
            database.sql("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'spectral%'"),
            "2"
        );
    }
}

#[test]
fn an_incident_rotates_whatever_the_engineer_could_read() {
    let mut spectral = Spectral::new();
    spectral.story.apply();
    let exposed = ENVIRONMENTS.map(|environment| spectral.login(environment));
    let incident = json!({ "id": "INC-1", "reason": "a laptop was stolen", "exposed": ["deploy-engineer"] });
    spectral.set("incident", &incident);
    // What no API makes waits for a person, and the apply fails until nothing exposed is valid.
    let said = spectral.story.fails();
    says(
        &said,
        &["ANTHROPIC_API_KEY", "SUPABASE_KEYS", "Supply it in `parts_wo`"],
    );
    for (database, (role, password)) in spectral.databases.iter().zip(&exposed) {
        assert!(!database.accepts(role, password), "{role} is revoked at once");
    }
    for environment in ENVIRONMENTS {
        assert_eq!(spectral.login(environment).0, "spectral_green");
    }
    spectral.holds(|_, _| 1);

    // New values come first, and the exposed ones are revoked once nothing needs them.
    let mut keys = json!({ "shared": { SHARED: key("shared", SHARED, 2) } });
    spectral.ask("shared", SHARED, json!({ "version": 2 }));
    for environment in ENVIRONMENTS {
        for name in KEYS {
            let new = key(environment, name, 2);
            spectral.vendors.accept(&new);
            keys[environment][name] = json!(new);
            spectral.ask(environment, name, json!({ "version": 2 }));
        }
        let confirmed = json!({ "version": 2, "confirm": format!("2: {CONSEQUENCE}") });
        spectral.ask(environment, "SUPABASE_KEYS", confirmed);
    }
    spectral.set("keys", &keys);
    says(
        &spectral.story.fails(),
        &["was exposed by an incident and may still be valid"],
    );
    spectral.holds(|_, _| 2);

    spectral.ask("shared", SHARED, json!({ "version": 2, "revoked": 1 }));
    for environment in ENVIRONMENTS {
        for name in KEYS.into_iter().chain(["SUPABASE_KEYS"]) {
            spectral.ask(environment, name, json!({ "version": 2, "revoked": 1 }));
        }
        KEYS.iter()
            .for_each(|name| spectral.vendors.revoke(&key(environment, name, 1)));
    }
    spectral.story.apply();
    spectral.holds(|_, _| 2);
    for environment in ENVIRONMENTS {
        let attributes = spectral.attributes(environment, "supabase_keys", None);
        assert_eq!(attributes["last_rotation"]["cause"], "incident");
        assert_eq!(attributes["notices"], json!([]));
    }
}

/// `{"kid", …}` of every public key in the set that the services run with, and of the key that they sign with.
fn key_ids(story: &Story) -> (Vec<String>, String) {
    let kid = |key: &Value| key["kid"].as_str().unwrap().to_owned();
    let read = |name: &str| -> Value { serde_json::from_str(&running(story, "production", name)).unwrap() };
    let set = read("INTERNAL_JWKS");
    (
        set["keys"].as_array().unwrap().iter().map(kid).collect(),
        kid(&read("INTERNAL_JWT_SIGNING_KEY")),
    )
}

#[test]
fn every_deployment_rotates_the_keys_of_the_pipeline() {
    let mut story = story_of("spectral/deploy");
    let before = held(&story);
    for (variable, value) in [
        ("environment", "production"),
        ("env_group_id", &group("production")),
        ("drain", "1s"),
    ] {
        story.workspace.set(&format!("TF_VAR_{variable}"), value);
    }
    let url = story.sandbox.export("SANDBOX_URL").to_owned();
    story.workspace.set("TF_VAR_url", &url);
    story.run(&["apply", "-auto-approve"]).success();
    let bot = running(&story, "production", "DEPLOY_BOT_API_KEY");
    let random = bot.strip_prefix("sk_deploy_").unwrap();
    assert!(
        random.len() == 32 && random.chars().all(|c| c.is_ascii_alphanumeric()),
        "{bot}"
    );
    let (set, first) = key_ids(&story);
    assert_eq!(set, std::slice::from_ref(&first));
    // One deploy for both keys, and one more for the signers.
    assert_eq!(deploys(&story, "production"), [2, 2]);

    says(
        &story.plan(),
        &["every apply rotates", "0 to add, 2 to change, 0 to destroy"],
    );
    story.run(&["apply", "-auto-approve"]).success();
    assert_ne!(running(&story, "production", "DEPLOY_BOT_API_KEY"), bot);
    let (set, second) = key_ids(&story);
    assert_ne!(first, second);
    assert_eq!(set.len(), 2, "tokens that the old key signed are still verified");
    assert!(set.contains(&first) && set.contains(&second));
    assert_eq!(deploys(&story, "production"), [4, 4]);
    assert_eq!(deploys(&story, "staging"), [0, 0]);

    story.clock("2h");
    story.run(&["apply", "-auto-approve"]).success();
    let (set, third) = key_ids(&story);
    assert!(
        !set.contains(&first) && set.contains(&second) && set.contains(&third),
        "{set:?}"
    );
    story.destroy();
    assert!(story.has_no_state());
    assert_eq!(held(&story), before);
}
