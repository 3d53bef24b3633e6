//! Parameters on moto, which knows nothing of this project: read, changed and deleted by boto3.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::moto_server::Moto;
use crate::story::{A_DAY, NAME, PARAMETER, SSM_TARGET, Story, unframed};
use crate::terraform_cores::python;

const HEX: &str = r#"source = { random = { bytes = 32, encoding = "hex" } }"#;
const ONCE: &str = "rotation_reason = \"once\"";
/// The parameter that most stories write, and one of a later wave.
const TWO_WAVES: &str = r#"targets = {
    first  = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
    second = { wave = 2, ssm_parameter = { name = "/molecule/second" } }
  }"#;
const SECOND: &str = "/molecule/second";

/// A story whose parameters are at a moto of its own; everything else is at the sandbox.
pub(crate) struct World {
    pub(crate) story: Story,
    moto: Moto,
}

impl World {
    pub(crate) fn new() -> Self {
        let (mut story, moto) = (Story::new(), Moto::start());
        story.workspace.set("AWS_ENDPOINT_URL", &moto.url());
        Self { story, moto }
    }

    /// The endpoint of every AWS service.
    pub(crate) fn url(&self) -> String {
        self.moto.url()
    }

    /// Goes on in that region.
    pub(crate) fn region(&mut self, region: &str) {
        self.story.workspace.set("AWS_REGION", region);
    }

    /// Goes on with the credentials of that account's moto.
    pub(crate) fn account(&mut self, moto: &Moto) {
        self.story.workspace.set("AWS_ENDPOINT_URL", &moto.url());
    }

    /// Goes back to the account that the story began with.
    pub(crate) fn own_account(&mut self) {
        self.story.workspace.set("AWS_ENDPOINT_URL", &self.moto.url());
    }

    /// What boto3 gets to know by these calls.
    #[track_caller]
    fn boto3(&self, calls: &Value) -> Vec<Value> {
        self.boto3_in(self.story.sandbox.export("AWS_REGION"), calls)
    }

    /// The same in that region.
    #[track_caller]
    pub(crate) fn boto3_in(&self, region: &str, calls: &Value) -> Vec<Value> {
        boto3_at(&self.moto, region, calls)
    }

    /// The value of a parameter in that region; the error's code where there is none.
    #[track_caller]
    pub(crate) fn value_in(&self, region: &str, name: &str) -> String {
        text_of(&boto3_at(&self.moto, region, &json!([read(name)]))[0])
    }

    /// The same in the account of that role.
    #[track_caller]
    pub(crate) fn value_of(&self, role: &str, region: &str, name: &str) -> String {
        text_of(&boto3_as(&self.moto, Some(role), region, &json!([read(name)]))[0])
    }

    /// Somebody changes a parameter in the account of that role.
    #[track_caller]
    pub(crate) fn type_by_hand(&self, role: &str, region: &str, name: &str) {
        boto3_as(&self.moto, Some(role), region, &json!([typed_by_hand(name)]));
    }

    /// The values of parameters; of one that is not there, the error's code.
    #[track_caller]
    fn values<const N: usize>(&self, names: [&str; N]) -> [String; N] {
        let answers = self.boto3(&names.iter().map(|name| read(name)).collect());
        answers.iter().map(text_of).collect::<Vec<_>>().try_into().unwrap()
    }

    /// Destroys, and no parameter is left.
    #[track_caller]
    fn destroy(&self) {
        self.story.destroy();
        assert!(self.story.has_no_state());
        let all = self.boto3(&json!([["describe_parameters", {}]]));
        assert_eq!(all, [json!({ "Parameters": [] })]);
    }
}

/// What boto3 gets to know by these calls at that server and in that region.
#[track_caller]
pub(crate) fn boto3_at(moto: &Moto, region: &str, calls: &Value) -> Vec<Value> {
    boto3_as(moto, None, region, calls)
}

#[track_caller]
fn boto3_as(moto: &Moto, role: Option<&str>, region: &str, calls: &Value) -> Vec<Value> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/parameters.py");
    let mut client = Command::new(python())
        .arg(Path::new(script))
        .env_clear()
        .env("AWS_ENDPOINT_URL", moto.url())
        .env("AWS_REGION", region)
        .env("AWS_DEFAULT_REGION", region)
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "example")
        .envs(role.map(|role| ("JUDGE_ROLE", role)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = client.stdin.take().unwrap();
    input.write_all(calls.to_string().as_bytes()).unwrap();
    drop(input);
    let output = client.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let answers: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answers.len(), calls.as_array().unwrap().len());
    answers
}

fn text_of(answer: &Value) -> String {
    let text = answer["Parameter"]["Value"].as_str().or(answer["Error"].as_str());
    text.unwrap().to_owned()
}

fn read(name: &str) -> Value {
    json!(["get_parameter", { "Name": name, "WithDecryption": true }])
}

fn typed_by_hand(name: &str) -> Value {
    json!(["put_parameter", { "Name": name, "Value": "typed by hand", "Overwrite": true }])
}

fn label(name: &str, version: u64) -> Value {
    json!(["label_parameter_version", { "Name": name, "ParameterVersion": version, "Labels": ["stable"] }])
}

/// Writes by hand, of which the first has a label: AWS keeps a hundred versions, and makes no more while the oldest one has one.
fn writes(name: &str, versions: usize) -> Value {
    let write =
        json!(["put_parameter", { "Name": name, "Value": "by hand", "Type": "SecureString", "Overwrite": true }]);
    let mut writes = vec![write; versions];
    writes.push(label(name, 1));
    Value::Array(writes)
}

fn is_hex(value: &str) -> bool {
    value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[test]
fn a_parameter_has_its_value_mark_key_tier_and_tags_and_keeps_its_value_when_they_change() {
    let target = |tier: &str, tags: &str| {
        format!(
            "targets = {{ runtime = {{ ssm_parameter = {{ name = {PARAMETER:?}, description = \"Signs [sessions]\", key_id = \
             \"alias/molecule\", tier = {tier:?}, tags = {{ {tags} }} }} }} }}"
        )
    };
    let looks = json!([
        read(PARAMETER),
        ["get_parameter", { "Name": PARAMETER, "WithDecryption": false }],
        ["describe_parameters", {}],
        ["list_tags_for_resource", { "ResourceType": "Parameter", "ResourceId": PARAMETER }],
    ]);
    let world = World::new();
    let story = &world.story;
    story.configure(&[HEX, &target("Standard", "team = \"cp\", stage = \"production\"")]);
    story.apply();
    let id = story.attributes()["id"].as_str().unwrap()[..12].to_owned();
    let tag = |key: &str, value: &str| json!({ "Key": key, "Value": value });

    let found = world.boto3(&looks);
    let value = found[0]["Parameter"]["Value"].as_str().unwrap();
    assert!(is_hex(value), "{value}");
    assert!(!story.workspace.state().to_string().contains(value));
    assert_eq!(found[0]["Parameter"]["Type"], "SecureString");
    assert_ne!(found[1]["Parameter"]["Value"], value, "it is encrypted");
    let listed = &found[2]["Parameters"][0];
    // Behind it stands what made the value.
    let is_marked = |listed: &Value, version: u64| {
        let mark = format!("Signs [sessions] [{NAME}-rot-{id}-g1] v{version} #");
        listed["Description"].as_str().unwrap().starts_with(&mark)
    };
    assert!(is_marked(listed, 1), "{listed}");
    assert_eq!(
        (&listed["KeyId"], &listed["Tier"]),
        (&json!("alias/molecule"), &json!("Standard"))
    );
    assert_eq!(
        found[3]["TagList"],
        json!([tag("stage", "production"), tag("team", "cp")])
    );

    story.configure(&[HEX, &target("Advanced", "team = \"platform\"")]);
    story.apply();
    let found = world.boto3(&looks);
    assert_eq!(found[0]["Parameter"]["Value"], value);
    let listed = &found[2]["Parameters"][0];
    assert!(is_marked(listed, 2), "{listed}");
    assert_eq!(listed["Tier"], "Advanced");
    // A tag that is taken out stays.
    assert_eq!(
        found[3]["TagList"],
        json!([tag("stage", "production"), tag("team", "platform")])
    );
    assert_eq!(story.attributes()["generation"], 1);
    world.destroy();
}

#[test]
fn drift_is_healed_from_the_other_parameter_and_only_reported_where_there_is_none() {
    let world = World::new();
    let story = &world.story;
    story.configure(&[HEX, TWO_WAVES]);
    story.apply();
    let [value, second] = world.values([PARAMETER, SECOND]);
    assert_eq!(value, second);
    for (drift, name, why) in [
        (typed_by_hand(PARAMETER), "first", "changed outside Terraform"),
        (
            json!(["delete_parameter", { "Name": SECOND }]),
            "second",
            "deleted outside Terraform",
        ),
    ] {
        world.boto3(&json!([drift]));
        let plan = story.plan();
        assert!(plan.contains(why), "{plan}");
        assert!(
            plan.contains(&format!(
                "of generation 1 in SSM Parameter Store of account 123456789012, us-east-1 ({name})"
            )),
            "{plan}"
        );
        story.apply();
        assert_eq!(world.values([PARAMETER, SECOND]), [value.clone(), value.clone()]);
        assert_eq!(story.attributes()["generation"], 1);
    }
    world.boto3(&json!([typed_by_hand(PARAMETER), typed_by_hand(SECOND)]));
    // A generated value is not replaced unless somebody asks for it.
    let said = unframed(&story.settled());
    for words in [
        "not_restorable",
        "Target first was changed outside Terraform, and the value of generation 1 cannot be recovered",
        "rotation_reason",
    ] {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    assert_eq!(world.values([PARAMETER, SECOND]), ["typed by hand", "typed by hand"]);
    story.configure(&[HEX, TWO_WAVES, ONCE]);
    story.apply();
    let [first, second] = world.values([PARAMETER, SECOND]);
    assert!(is_hex(&first) && first == second && first != value, "{first} {second}");
    world.destroy();
}

#[test]
fn a_rotation_that_aws_refuses_half_way_is_finished_with_the_same_value() {
    let world = World::new();
    let story = &world.story;
    world.boto3(&writes(SECOND, 99));
    story.configure(&[HEX, TWO_WAVES, "on_existing = \"replace\""]);
    story.apply();
    let [old, second] = world.values([PARAMETER, SECOND]);
    assert_eq!(old, second);

    story.configure(&[HEX, TWO_WAVES, ONCE]);
    let said = unframed(&story.fails());
    for words in ["ParameterMaxVersionLimitExceeded", "Move the label", SECOND] {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    let [new, second] = world.values([PARAMETER, SECOND]);
    assert!(is_hex(&new) && new != old, "the first wave has the new value");
    assert_eq!(second, old, "the second one has the old value");
    let attributes = story.attributes();
    assert_eq!(attributes["phase"], "partial");
    let held = |target: &str| attributes["deliveries"][target]["generation"].clone();
    assert_eq!((held("first"), held("second")), (json!(2), json!(1)));

    world.boto3(&json!([label(SECOND, 100)]));
    story.apply();
    assert_eq!(world.values([PARAMETER, SECOND]), [new.clone(), new]);
    assert_eq!(story.attributes()["generation"], 2);
    world.destroy();
}

#[test]
fn a_creation_that_another_type_would_stop_half_way_is_not_begun() {
    let world = World::new();
    let story = &world.story;
    world.boto3(&json!([["put_parameter", { "Name": SECOND, "Value": "by hand", "Type": "String" }]]));
    story.configure(&[HEX, TWO_WAVES, "on_existing = \"replace\""]);
    let said = unframed(&story.fails());
    for words in ["a parameter cannot change its type", "Nothing was minted or changed"] {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    assert!(story.has_no_state());
    assert_eq!(world.values([PARAMETER, SECOND]), ["ParameterNotFound", "by hand"]);
    world.boto3(&json!([["delete_parameter", { "Name": SECOND }]]));
    story.apply();
    let [value, second] = world.values([PARAMETER, SECOND]);
    assert!(is_hex(&value) && value == second, "{value} {second}");
    world.destroy();
}

#[test]
fn a_creation_that_stopped_half_way_goes_on_with_its_value_once_untainted() {
    let world = World::new();
    let story = &world.story;
    world.boto3(&writes(SECOND, 100));
    story.configure(&[HEX, TWO_WAVES, "on_existing = \"replace\""]);
    let said = unframed(&story.fails());
    for words in [
        "ParameterMaxVersionLimitExceeded",
        "Generation 1 is in 1 of 2 targets (first)",
        "`terraform untaint`",
    ] {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    let [value, second] = world.values([PARAMETER, SECOND]);
    assert!(is_hex(&value) && second == "by hand", "{value} {second}");
    world.boto3(&json!([["delete_parameter", { "Name": SECOND }]]));
    story.run(&["untaint", "rotation_secret.it"]).success();
    story.apply();
    assert_eq!(world.values([PARAMETER, SECOND]), [value.clone(), value]);
    world.destroy();
}

#[test]
fn through_an_overlap_the_parameter_has_the_new_key_and_the_old_one_works_until_its_end() {
    const KEY: &str = "source = { neon_api_key = {} }";
    let mut world = World::new();
    let alive = |world: &World| -> Vec<Value> {
        let keys = world.story.sandbox.state()["neon"]["api_keys"]
            .as_array()
            .unwrap()
            .clone();
        let of_ours = |key: &Value| key["name"].as_str().unwrap().contains("-rot-") && key["revoked"] == false;
        keys.into_iter()
            .filter(of_ours)
            .map(|key| key["value"].clone())
            .collect()
    };
    world.story.configure(&[KEY, SSM_TARGET, A_DAY]);
    world.story.apply();
    let first = world.values([PARAMETER]);
    assert_eq!(alive(&world), first);
    world.story.configure(&[KEY, SSM_TARGET, A_DAY, ONCE]);
    world.story.apply();
    let [second] = world.values([PARAMETER]);
    assert_eq!(alive(&world), [first[0].clone(), second.clone()]);
    assert_eq!(world.story.attributes()["phase"], "overlapping");
    world.story.clock("25h");
    world.story.apply();
    assert_eq!(alive(&world), [second]);
    world.destroy();
    assert_eq!(alive(&world), [Value::Null; 0]);
}

#[test]
fn values_are_parked_encrypted_under_their_own_key_restored_and_deleted() {
    let world = World::new();
    let story = &world.story;
    let configure = |more: &str| {
        let block = "escrow {\n    ssm_parameter {\n      path       = \"/rotation/escrow/\"\n      kms_key_id = \"alias/escrow\"\n    }\n  }";
        let secret = crate::story::resource("it", NAME, &[HEX, SSM_TARGET, "overlap = \"1h\"", more]);
        story.write_all(&format!(
            "provider \"rotation\" {{\n  namespace = \"production\"\n  {block}\n}}\n{secret}"
        ));
        story.apply();
    };
    configure("");
    let name = format!("/rotation/escrow/{}", story.attributes()["id"].as_str().unwrap());
    let looks = json!([
        read(&name),
        ["get_parameter", { "Name": name, "WithDecryption": false }],
        ["describe_parameters", { "ParameterFilters": [{ "Key": "Name", "Values": [name] }] }],
    ]);
    let parked = || {
        let found = world.boto3(&looks);
        let text: Value = serde_json::from_str(&text_of(&found[0])).unwrap();
        assert_ne!(
            found[1]["Parameter"]["Value"], found[0]["Parameter"]["Value"],
            "it is encrypted"
        );
        assert_eq!(found[2]["Parameters"][0]["KeyId"], "alias/escrow");
        assert_eq!(found[0]["Parameter"]["Type"], "SecureString");
        text["generations"].clone()
    };
    let [first] = world.values([PARAMETER]);
    assert_eq!(parked()["1"]["secret"]["value"], first);
    assert!(!story.workspace.state().to_string().contains(&first));
    configure(ONCE);
    let [second] = world.values([PARAMETER]);
    let held = parked();
    assert_eq!(
        [&held["1"], &held["2"]].map(|known| &known["secret"]["value"]),
        [&json!(first), &json!(second)]
    );
    configure(&format!("{ONCE}\n  restore = 1"));
    assert_eq!(world.values([PARAMETER]), [first]);
    world.destroy();
}
