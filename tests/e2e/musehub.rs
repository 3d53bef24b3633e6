//! MuseHub's runbook, from `examples/musehub` as it is: Parameter Store is moto, the database PostgreSQL, the server a real OpenSSH server with
//! a small service behind it, and curl asks that service.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::moto::World;
use crate::postgres::{Postgres, SUPERUSER, Template};
use crate::sshd::Sshd;
use crate::story::says;
use crate::terraform_cores::python;

const REGION: &str = "us-east-1";
/// Of a new webhook key.
const CONSEQUENCE: &str = "webhook deliveries fail until users register their endpoints again";
const NAMES: [&str; 5] = [
    "DB_PASSWORD",
    "RUNNER_TOKEN",
    "WEBHOOK_SECRET_KEY",
    "R2_ACCESS_KEY_ID",
    "R2_SECRET_ACCESS_KEY",
];

/// The service: it uses what it has loaded from `.env`, and loads it when it is deployed. It ends with its standard input.
struct Service {
    process: Child,
    folder: TempDir,
}

impl Service {
    /// Starts it in a folder with the scripts of a deployment, which read the parameters from that endpoint.
    fn start(aws: &str, database: &Postgres) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let deploy = folder.path().join("deploy");
        std::fs::create_dir(&deploy).unwrap();
        let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/musehub");
        for script in ["secrets.sh", "deploy.sh"] {
            std::fs::copy(files.join(script), deploy.join(script)).unwrap();
        }
        let settings = format!(
            "PYTHON={:?}\nAWS_ENDPOINT_URL={aws}\nAWS_DEFAULT_REGION={REGION}\nAWS_ACCESS_KEY_ID=AKIDEXAMPLE\nAWS_SECRET_ACCESS_KEY=example\n",
            python().display().to_string()
        );
        std::fs::write(deploy.join("settings"), settings).unwrap();
        let process = Command::new(python())
            .arg(files.join("app.py"))
            .arg(database.psql_executable())
            .arg(database.port().to_string())
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let service = Self { process, folder };
        for _ in 0..600 {
            if service.folder.path().join("app.port").exists() {
                return service;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the service does not start");
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.file("app.port"))
    }

    /// How often it was deployed.
    fn deployments(&self) -> usize {
        self.file("loads").parse().unwrap()
    }

    /// What `.env` says of that name.
    fn loaded(&self, name: &str) -> String {
        let env = self.file(".env");
        let mut lines = env.lines().filter_map(|line| line.split_once('='));
        lines.find(|(found, _)| *found == name).unwrap().1.to_owned()
    }

    /// The status that a runner with this token gets.
    fn answers(&self, token: &str) -> u16 {
        let mut curl = Command::new("curl")
            .args(["--silent", "--header", "@-", "--write-out", "%{http_code}"])
            .arg(self.url() + "/runner")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut headers = curl.stdin.take().unwrap();
        write!(headers, "Authorization: Bearer {token}").unwrap();
        drop(headers);
        let output = curl.wait_with_output().unwrap();
        String::from_utf8(output.stdout).unwrap().parse().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        drop(self.process.wait());
    }
}

/// The example with the variables of a user.
struct MuseHub {
    world: World,
    server: Sshd,
    database: Postgres,
    service: Service,
}

impl MuseHub {
    fn new() -> Self {
        let (world, server) = (World::new(), Sshd::start());
        let database = Template::make(true).start(None);
        database.sql("CREATE ROLE musehub LOGIN PASSWORD 'changeme'");
        database.sql("CREATE DATABASE musehub OWNER musehub");
        let service = Service::start(&world.url(), &database);
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/musehub");
        for file in ["main.tf", "variables.tf"] {
            std::fs::copy(example.join(file), world.story.workspace.path().join(file)).unwrap();
        }
        let mut musehub = Self {
            world,
            server,
            database,
            service,
        };
        let place = json!({ "host": "127.0.0.1", "port": musehub.database.port() });
        musehub.set("database", &place.to_string());
        musehub.set("database_password", SUPERUSER);
        let url = musehub.service.url();
        musehub.set("url", &url);
        musehub.set("local_url", &url);
        let folder = musehub.service.folder.path().display().to_string();
        musehub.set("folder", &folder);
        musehub.pin("host");
        musehub.r2(1);
        musehub
    }

    /// One that has been applied.
    fn begun() -> Self {
        let musehub = Self::new();
        musehub.world.story.apply();
        musehub
    }

    fn set(&mut self, variable: &str, value: &str) {
        self.world.story.workspace.set(&format!("TF_VAR_{variable}"), value);
    }

    /// The public key of that name is the one that the server has to present.
    fn pin(&mut self, key: &str) {
        let server = json!({
            "host": "127.0.0.1",
            "port": self.server.port(),
            "user": self.server.user(),
            "host_key": self.server.public_key(key).trim(),
            "identity_file": self.server.private_key("user"),
        });
        self.set("server", &server.to_string());
    }

    /// A person has made that R2 token.
    fn r2(&mut self, version: usize) {
        let parts =
            json!({ "access_key_id": format!("id-{version}"), "secret_access_key": format!("secret-of-r2-{version}") });
        self.set("r2_token", &parts.to_string());
        self.set("r2_token_version", &version.to_string());
    }

    fn parameter(&self, name: &str) -> Value {
        let call =
            json!([["get_parameter", { "Name": format!("/musehub/production/{name}"), "WithDecryption": true }]]);
        self.world.boto3_in(REGION, &call)[0]["Parameter"].clone()
    }

    fn value(&self, name: &str) -> String {
        self.parameter(name)["Value"].as_str().unwrap().to_owned()
    }

    /// Of the token for the runner: its phase, its newest generation, and how far its delivery has come.
    fn progress(&self) -> [Value; 3] {
        let attributes = self.world.story.attributes_of("runner_token");
        [
            attributes["phase"].clone(),
            attributes["generation"].clone(),
            attributes["deliveries"]["parameter"]["status"].clone(),
        ]
    }

    /// What the last plan said of the token for the runner, with the names of the runbook.
    fn steps(&self) -> Vec<String> {
        let (sshd, folder) = (&self.server, self.service.folder.path().display().to_string());
        let login = format!(
            "{}@127.0.0.1:{} with the key {}",
            sshd.user(),
            sshd.port(),
            sshd.private_key("user").display()
        );
        let attributes = self.world.story.attributes_of("runner_token");
        let steps = attributes["steps"].as_array().unwrap().iter();
        let in_runbook = |step: &Value| {
            let step = step.as_str().unwrap().replace(&login, "the server");
            step.replace(&folder, "/opt/musehub")
                .replace(&self.service.url(), "https://musehub")
        };
        steps.map(in_runbook).collect()
    }

    /// The checks of that secret that passed, and none failed.
    #[track_caller]
    fn passed(&self, secret: &str) -> Vec<String> {
        let checks = self.world.story.attributes_of(secret)["last_rotation"]["checks"].clone();
        let checks = checks.as_array().unwrap().iter();
        let passed = checks.map(|check| {
            assert_eq!(check["result"], "passed", "{check}");
            check["name"].as_str().unwrap().to_owned()
        });
        passed.collect()
    }

    /// What the server has loaded is what the parameters hold.
    #[track_caller]
    fn serves_its_parameters(&self) {
        for name in NAMES {
            assert!(self.service.loaded(name) == self.value(name), "{name}");
        }
        assert_eq!(self.service.answers(&self.value("RUNNER_TOKEN")), 200);
        assert!(self.database.accepts("musehub", &self.value("DB_PASSWORD")));
    }
}

#[test]
fn the_server_serves_a_new_token_after_its_deployment_and_refuses_the_old_one() {
    let mut musehub = MuseHub::new();
    says(
        &musehub.world.story.plan(),
        &["wave 1: activate generation 1 by deploy: command"],
    );
    assert_eq!(musehub.service.deployments(), 0, "a plan deploys nothing");
    musehub.world.story.apply();
    musehub.serves_its_parameters();
    let old = musehub.value("RUNNER_TOKEN");
    assert_eq!(musehub.parameter("RUNNER_TOKEN")["Type"], "SecureString");
    assert!(old.len() == 64 && old.bytes().all(|byte| byte.is_ascii_hexdigit()));

    let before = musehub.service.deployments();
    musehub.set("runner_token_reason", "a laptop was lost");
    musehub.world.story.apply();
    musehub.serves_its_parameters();
    assert_eq!(musehub.service.deployments(), before + 1);
    assert_eq!(
        musehub.steps(),
        [
            "before generation 2 is minted: check reachable: command \"cd /opt/musehub && test -r deploy/secrets.sh && test -r deploy/deploy.sh\" on the server",
            "mint generation 2: 32 random bytes in hex",
            "wave 1: set /musehub/production/RUNNER_TOKEN of generation 2 in SSM Parameter Store of account 123456789012, us-east-1 (parameter)",
            "wave 1: activate generation 2 by deploy: command \"cd /opt/musehub && bash deploy/secrets.sh && bash deploy/deploy.sh\" on the server",
            "wave 1: check accepted of generation 2: GET https://musehub/runner",
            "wave 1: check old_refused of generation 2: GET https://musehub/runner with the previous credential, expecting 401",
            "wave 1: check up of generation 2: command \"curl -sf https://musehub/explore > /dev/null\" on the server",
        ]
    );
    assert_eq!(
        musehub.passed("runner_token"),
        ["reachable", "accepted", "old_refused", "up"]
    );
    assert_ne!(musehub.value("RUNNER_TOKEN"), old);
    assert_eq!(musehub.service.answers(&old), 401);
    let state = musehub.world.story.workspace.state().to_string();
    for name in NAMES {
        assert!(!state.contains(&musehub.value(name)), "{name} is in the state");
    }
}

#[test]
fn everything_is_created_rotated_when_it_is_due_and_destroyed() {
    let mut musehub = MuseHub::new();
    let theirs =
        json!([["put_parameter", { "Name": "/musehub/production/LOG_LEVEL", "Value": "info", "Type": "String" }]]);
    musehub.world.boto3_in(REGION, &theirs);
    musehub.world.story.apply();
    musehub.serves_its_parameters();
    assert!(!musehub.database.accepts("musehub", "changeme"));

    // A reason: the plan says that new connections fail meanwhile, and afterwards the server logs in with the new password alone.
    let old = musehub.value("DB_PASSWORD");
    musehub.set("db_password_reason", "a dump of the environment was shared");
    says(
        &musehub.world.story.plan(),
        &[
            "this rotation causes downtime",
            "\"a dump of the environment was shared\"",
            "0 to add, 1 to change, 0 to destroy",
        ],
    );
    musehub.world.story.apply();
    musehub.serves_its_parameters();
    assert!(!musehub.database.accepts("musehub", &old));
    assert_eq!(
        musehub.passed("db_password"),
        ["reachable", "accepted", "old_refused", "up"]
    );

    // 91 days later the runner's token is due, R2's waits for a person, and the password is due after 180.
    let [password, token] = ["DB_PASSWORD", "RUNNER_TOKEN"].map(|name| musehub.value(name));
    musehub.world.story.clock("91d");
    musehub.world.story.apply();
    musehub.serves_its_parameters();
    assert_eq!(musehub.value("DB_PASSWORD"), password);
    assert_ne!(musehub.value("RUNNER_TOKEN"), token);
    assert_eq!(musehub.world.story.attributes_of("r2")["phase"], "awaiting_value");

    // The webhook key is guarded.
    says(
        &musehub.world.story.run(&["plan", "-destroy"]).output,
        &[&format!("destroy: {CONSEQUENCE}")],
    );
    musehub.set("webhook_secret_key_confirm", &format!("destroy: {CONSEQUENCE}"));
    musehub.world.story.apply();
    musehub.world.story.destroy();
    assert!(musehub.world.story.has_no_state());
    let left = json!([["get_parameters_by_path", { "Path": "/musehub", "Recursive": true }]]);
    let left = musehub.world.boto3_in(REGION, &left)[0]["Parameters"].clone();
    let names: Vec<&Value> = left
        .as_array()
        .unwrap()
        .iter()
        .map(|parameter| &parameter["Name"])
        .collect();
    assert_eq!(names, ["/musehub/production/LOG_LEVEL"]);
    assert!(
        !musehub.database.accepts("musehub", &password),
        "a destroy ends what the secret made"
    );
    assert_eq!(
        musehub
            .database
            .sql("SELECT rolname FROM pg_roles WHERE rolname = 'musehub'"),
        "musehub"
    );
}

#[test]
fn a_deployment_that_fails_leaves_the_old_token_in_use_and_is_repeated_alone() {
    let mut musehub = MuseHub::begun();
    let old = musehub.value("RUNNER_TOKEN");
    let before = musehub.service.deployments();
    let pid = musehub.service.folder.path().join("app.pid");
    let aside = pid.with_extension("aside");
    std::fs::rename(&pid, &aside).unwrap();
    musehub.set("runner_token_reason", "once");
    let said = musehub.world.story.fails();
    says(
        &said,
        &["Activation \"deploy\" failed", "app.pid: No such file or directory"],
    );
    let delivered = musehub.parameter("RUNNER_TOKEN");
    let new = musehub.value("RUNNER_TOKEN");
    assert_ne!(new, old);
    assert!(!said.contains(&new) && !said.contains(&old));
    assert_eq!(
        [musehub.service.answers(&old), musehub.service.answers(&new)],
        [200, 401]
    );
    assert_eq!(musehub.progress(), [json!("partial"), json!(2), json!("staged")]);

    std::fs::rename(&aside, &pid).unwrap();
    musehub.world.story.apply();
    assert_eq!(
        musehub.steps(),
        [
            "before anything is changed: check reachable: command \"cd /opt/musehub && test -r deploy/secrets.sh && test -r deploy/deploy.sh\" on the server",
            "read the value of generation 2 from parameter",
            "wave 1: activate generation 2 by deploy: command \"cd /opt/musehub && bash deploy/secrets.sh && bash deploy/deploy.sh\" on the server, again, 2nd time",
            "wave 1: check accepted of generation 2: GET https://musehub/runner",
            "wave 1: check old_refused of generation 2: GET https://musehub/runner with the previous credential, expecting 401",
            "wave 1: check up of generation 2: command \"curl -sf https://musehub/explore > /dev/null\" on the server",
        ]
    );
    assert_eq!(
        musehub.passed("runner_token"),
        ["reachable", "accepted", "old_refused", "up"]
    );
    assert!(
        musehub.parameter("RUNNER_TOKEN") == delivered,
        "nothing is written again"
    );
    assert_eq!(
        [musehub.service.answers(&old), musehub.service.answers(&new)],
        [401, 200]
    );
    assert_eq!(musehub.service.deployments(), before + 1);
    assert_eq!(musehub.progress(), [json!("settled"), json!(2), json!("current")]);
}

#[test]
fn a_server_with_another_key_is_refused_before_a_token_is_minted() {
    let mut musehub = MuseHub::begun();
    let (before, deployments) = (musehub.parameter("RUNNER_TOKEN"), musehub.service.deployments());
    musehub.pin("stranger");
    musehub.set("runner_token_reason", "once");
    let said = musehub.world.story.fails();
    says(
        &said,
        &[
            "Check \"reachable\" did not pass",
            "nothing was sent: the host presents the key ssh-ed25519 SHA256:",
        ],
    );
    assert!(musehub.parameter("RUNNER_TOKEN") == before);
    assert_eq!(musehub.service.deployments(), deployments);
    assert_eq!(musehub.progress(), [json!("settled"), json!(1), json!("current")]);
    musehub.pin("host");
    musehub.world.story.apply();
    musehub.serves_its_parameters();
    assert_eq!(musehub.progress(), [json!("settled"), json!(2), json!("current")]);
}

#[test]
fn a_webhook_key_waits_for_its_confirmation_and_both_parts_of_an_r2_token_change() {
    let mut musehub = MuseHub::begun();
    let old = musehub.value("WEBHOOK_SECRET_KEY");
    musehub.r2(2);
    musehub.set("webhook_secret_key_reason", "a backup was exposed");
    let confirm = format!("2: {CONSEQUENCE}");
    says(&musehub.world.story.refused("plan"), &[&confirm]);
    musehub.set("webhook_secret_key_confirm", &confirm);
    let before = musehub.service.deployments();
    musehub.world.story.apply();
    let made = musehub.service.deployments() - before;
    assert!((1..=2).contains(&made), "{made} deployments for two secrets");
    musehub.serves_its_parameters();
    assert_ne!(musehub.value("WEBHOOK_SECRET_KEY"), old);
    assert_eq!(musehub.value("R2_ACCESS_KEY_ID"), "id-2");
    assert_eq!(musehub.value("R2_SECRET_ACCESS_KEY"), "secret-of-r2-2");
}
