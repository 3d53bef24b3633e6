//! Named connections: several accounts in one secret, renamed, removed, put back; other people's credentials for a check.

use serde_json::{Value, json};

use crate::moto::World;
use crate::story::{NAME, Story, resource, says, unframed};
use crate::truth::github_secret;

const HEX: &str = r#"source = { random = { bytes = 32, encoding = "hex" } }"#;
const PARAMETER: &str = "/molecule/shared";
const HERE: &str = "us-east-1";
/// A role in another account; moto hands out credentials of the account that the ARN names.
const ROLE: &str = "arn:aws:iam::222222222222:role/rotation";
const OURS: &str = "molecule-ai/molecule-monorepo";
const THEIRS: &str = "other-org/their-app";
const THEIR_TOKEN: &str = "ghp_their0wnT0ken0123456789";

/// Two owners at GitHub, whose tokens do not see each other's repositories; two accounts at AWS.
struct TwoOfEach {
    world: World,
}

impl TwoOfEach {
    fn new() -> Self {
        let world = World::new();
        world.story.sandbox.seed(json!({ "github": {
            "repositories": { THEIRS: {} },
            "tokens": [
                { "value": THEIR_TOKEN, "repositories": [THEIRS] },
                { "value": world.story.sandbox.export("GITHUB_TOKEN"), "repositories": [OURS] },
            ],
        } }));
        Self { world }
    }

    fn story(&self) -> &Story {
        &self.world.story
    }

    /// The provider block with the second account and the second owner under these names.
    fn provider(&self, aws: &str, github: &str) -> String {
        let base_url = self.story().sandbox.export("GITHUB_BASE_URL");
        let endpoint = self.world.url();
        let block = |name: &str, block: &str| match name {
            "" => String::new(),
            name => format!("  connection {name:?} {{\n    {block}\n  }}\n"),
        };
        let aws = block(
            aws,
            &format!(
                "aws {{\n region = {HERE:?}\n endpoint_url = {endpoint:?}\n assume_role {{\n role_arn = {ROLE:?}\n }}\n }}"
            ),
        );
        let github = block(
            github,
            &format!("github {{\n token = {THEIR_TOKEN:?}\n owner = \"other-org\"\n base_url = {base_url:?}\n }}"),
        );
        format!("provider \"rotation\" {{\n  namespace = \"production\"\n{aws}{github}}}\n")
    }

    /// One secret at all four places. The same parameter stands in both accounts.
    fn configure(&self, (aws, github): (&str, &str), declared: (&str, &str), reason: &str) {
        let targets = format!(
            "targets = {{
    our_parameter   = {{ ssm_parameter = {{ name = {PARAMETER:?} }} }}
    their_parameter = {{ connection = {aws:?}, ssm_parameter = {{ name = {PARAMETER:?} }} }}
    our_repo        = {{ wave = 2, github_actions_secret = {{ repository = {OURS:?} }} }}
    their_repo      = {{ wave = 2, connection = {github:?}, github_actions_secret = {{ repository = \"their-app\" }} }}
  }}"
        );
        let reason = format!("rotation_reason = {reason:?}");
        let secret = resource("it", NAME, &[HEX, &targets, &reason]);
        self.story()
            .write_all(&(self.provider(declared.0, declared.1) + &secret));
    }

    /// What the four places hold, the other account's and owner's last.
    fn held(&self) -> [Option<String>; 4] {
        let parameter = |text: String| Some(text).filter(|text| text != "ParameterNotFound");
        [
            parameter(self.world.value_in(HERE, PARAMETER)),
            github_secret(self.story(), OURS, NAME),
            parameter(self.world.value_of(ROLE, HERE, PARAMETER)),
            github_secret(self.story(), THEIRS, NAME),
        ]
    }

    /// All four places hold one value.
    #[track_caller]
    fn value(&self) -> String {
        let held = self.held();
        let value = held[0].clone().expect("our parameter is there");
        assert!(held.iter().all(|held| held.as_ref() == Some(&value)), "{held:?}");
        value
    }

    fn slots(&self) -> Value {
        let attributes = self.story().attributes();
        let deliveries = attributes["deliveries"].as_object().unwrap().iter();
        let slots = deliveries.map(|(key, delivery)| (key.clone(), delivery["slot"].clone()));
        Value::Object(slots.collect())
    }
}

const NAMES: (&str, &str) = ("partner", "partner_code");

#[test]
fn two_accounts_and_two_owners_share_a_secret_for_its_whole_life() {
    let all = TwoOfEach::new();
    let story = all.story();
    all.configure(NAMES, NAMES, "once");
    let said = story.plan();
    says(
        &said,
        &[
            "set /molecule/shared of generation 1 in SSM Parameter Store of us-east-1 (our_parameter)",
            "set /molecule/shared of generation 1 in SSM Parameter Store of us-east-1, connection partner (their_parameter)",
            "connection partner_code (their_repo)",
        ],
    );
    story.apply();
    let first = all.value();
    let host = story
        .sandbox
        .export("GITHUB_BASE_URL")
        .trim_start_matches("http://")
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(
        all.slots(),
        json!({
            "our_parameter": "ssm_parameter:default://123456789012:us-east-1//molecule/shared",
            "their_parameter": "ssm_parameter:partner://222222222222:us-east-1//molecule/shared",
            "our_repo": format!("github_actions_secret:default://{host}/{OURS}/{NAME}"),
            "their_repo": format!("github_actions_secret:partner_code://{host}/{THEIRS}/{NAME}"),
        })
    );

    all.configure(NAMES, NAMES, "again");
    story.apply();
    let second = all.value();
    assert_ne!(first, second);

    // Drift at one of them is healed there.
    all.world.type_by_hand(ROLE, HERE, PARAMETER);
    let said = story.plan();
    says(&said, &["their_parameter"]);
    story.sandbox.forget_calls();
    story.apply();
    assert_eq!(all.value(), second);
    story.wrote_nothing();

    story.destroy();
    assert_eq!(all.held(), [const { None }; 4]);
    assert!(story.has_no_state());
}

#[test]
fn a_renamed_connection_writes_nothing_and_a_removed_one_is_never_replaced() {
    let all = TwoOfEach::new();
    let story = all.story();
    all.configure(NAMES, NAMES, "once");
    story.apply();
    let value = all.value();

    let renamed = ("partner2", "partner_code2");
    all.configure(renamed, renamed, "once");
    story.sandbox.forget_calls();
    story.a_second_later();
    let said = story.plan();
    says(&said, &[r#"The connection "partner" is not declared"#]);
    story.apply();
    story.wrote_nothing();
    assert_eq!(all.value(), value);
    let attributes = story.attributes();
    assert_eq!(attributes["generation"], 1);
    let slot = attributes["deliveries"]["their_parameter"]["slot"].as_str().unwrap();
    assert!(slot.starts_with("ssm_parameter:partner2://222222222222:"), "{slot}");
    // What could not be looked at by the old name is looked at by the new one from the next refresh on.
    story.run(&["apply", "-refresh-only", "-auto-approve"]).success();
    for (key, delivery) in story.attributes()["deliveries"].as_object().unwrap() {
        assert_eq!(delivery["status"], "current", "{key}");
    }

    // The block is gone, the state still names it: nothing is looked at or ended by another account.
    all.configure(renamed, ("", renamed.1), "once");
    for command in ["validate", "plan"] {
        let said = story.run(&[command]);
        assert_eq!(said.status, 1, "{}", said.output);
        says(
            &said.output,
            &[
                r#"The connection "partner2" is not declared"#,
                r#"declares no connection for AWS"#,
            ],
        );
    }
    story.write_all(&all.provider("", renamed.1));
    let destroy = story.fails();
    says(
        &destroy,
        &[
            r#"The connection "partner2" is not declared"#,
            "SSM parameter /molecule/shared in account 222222222222, us-east-1",
            r#"Put `connection "partner2"` back into the provider block"#,
        ],
    );
    assert_eq!(all.value(), value, "nothing was deleted anywhere");
    story.wrote_nothing();

    // A target that leaves together with its connection stays, and says so.
    let targets = format!("targets = {{ our_parameter = {{ ssm_parameter = {{ name = {PARAMETER:?} }} }} }}");
    let secret = resource("it", NAME, &[HEX, &targets, "rotation_reason = \"once\""]);
    story.write_all(&(all.provider("", renamed.1) + &secret));
    let said = story.fails();
    says(&said, &[r#"The connection "partner2" is not declared"#]);
    assert_eq!(all.held()[2].as_ref(), Some(&value));

    all.configure(renamed, renamed, "once");
    story.run(&["apply", "-auto-approve"]).success();
    story.destroy();
    assert_eq!(all.held(), [const { None }; 4]);
}

#[test]
fn a_connection_must_be_declared_and_of_the_kinds_vendor() {
    let all = TwoOfEach::new();
    let story = all.story();
    for (names, words) in [
        (
            ("partner_code", "partner_code"),
            &[
                r#"The connection "partner_code" is for GitHub, not for AWS"#,
                r#"Connections for AWS: "partner"."#,
            ][..],
        ),
        (
            ("partner", "elsewhere"),
            &[
                r#"The connection "elsewhere" is not declared"#,
                r#"Connections for GitHub: "partner_code"."#,
            ],
        ),
    ] {
        all.configure(names, NAMES, "once");
        let said = story.refused("validate");
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in words {
            assert!(said.contains(words), "{words}: {said}");
        }
    }
}

#[test]
fn nothing_of_a_named_connection_comes_from_the_environment() {
    let all = TwoOfEach::new();
    let story = all.story();
    let targets = r#"targets = { it = { connection = "empty", fly_secret = { app = "molecule-cp" } } }"#;
    let provider =
        "provider \"rotation\" {\n  namespace = \"production\"\n  connection \"empty\" {\n    fly {}\n  }\n}\n";
    story.write_all(&(provider.to_owned() + &resource("it", NAME, &[HEX, targets])));
    let said = story.refused("plan");
    assert!(said.contains(r#"The connection "empty" has no token"#), "{said}");
    assert!(said.contains(r#"Set connection["empty"].fly.token"#), "{said}");
    assert!(!said.contains("FLY_API_TOKEN in"), "{said}");
    story.wrote_nothing();
}

#[test]
fn a_check_presents_other_peoples_credentials_and_no_file_holds_them() {
    let mut story = Story::new();
    let token = story.sandbox.export("FLY_API_TOKEN").to_owned();
    story.workspace.set("TF_VAR_status_token", &token);
    let url = story.sandbox.export("SANDBOX_URL").to_owned();
    let write = |check: &str| {
        let provider = format!(
            "variable \"status_token\" {{
  type      = string
  ephemeral = true
}}
provider \"rotation\" {{
  namespace = \"production\"
  connection \"status\" {{
    http {{
      base_url = \"{url}/v1\"
      headers  = {{ Authorization = \"Bearer ${{var.status_token}}\" }}
    }}
  }}
}}\n"
        );
        let targets = r#"targets = { it = { fly_secret = { app = "molecule-cp" } } }"#;
        let checks = format!("checks = {{ up = {{ retry_for = \"0s\", {check} }} }}");
        let secret = resource("it", NAME, &[HEX, targets, &checks]);
        story.write_all(&(provider + &secret));
    };
    // Without the connection the service refuses, at another origin the headers are not sent.
    write(r#"http = { url = "/apps/molecule-cp/secrets" }"#);
    let said = unframed(&story.refused("validate"));
    assert!(said.contains("It is not a whole URL"), "{said}");
    write(r#"connection = "status", http = { url = "https://elsewhere.example/apps" }"#);
    let said = unframed(&story.refused("plan"));
    assert!(
        said.contains("the headers of this connection are for http://127.0.0.1"),
        "{said}"
    );
    write(
        r#"connection = "status", http = { url = "/apps/molecule-cp/secrets", headers = { authorization = "Basic {{ value }}" } }"#,
    );
    let said = unframed(&story.refused("plan"));
    assert!(said.contains("The header Authorization is set twice"), "{said}");

    write(r#"connection = "status", http = { url = "/apps/molecule-cp/secrets" }"#);
    let said = story.plan();
    says(
        &said,
        &["check up of generation 1: GET /apps/molecule-cp/secrets by connection status"],
    );
    story.apply();
    assert_eq!(story.attributes()["last_rotation"]["checks"][0]["result"], "passed");
    let calls = story.sandbox.calls();
    assert!(
        calls
            .iter()
            .any(|call| call.line.contains("/v1/apps/molecule-cp/secrets"))
    );
    let state = std::fs::read_to_string(story.workspace.path().join("terraform.tfstate")).unwrap();
    assert!(!state.contains(&token), "the state holds the check's credential");
}
