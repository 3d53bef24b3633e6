//! Vercel: variables that only new deployments get, and tokens.

use serde_json::{Value, json};

use crate::key_life::Key;
use crate::story::{NAME, Story, says};
use crate::truth::alive;

const EXAMPLE: &str = include_str!("../../examples/targets/vercel_env/main.tf");
const ACTIVATION_EXAMPLE: &str = include_str!("../../examples/activations/vercel_redeploy/main.tf");
const CHECK_EXAMPLE: &str = include_str!("../../examples/checks/vercel_deployment/main.tf");

const PROJECT: &str = "prj_d1canvas000000000001";

const KEY: Key = Key {
    vendor: "vercel",
    own: ("token", "VERCEL_API_TOKEN"),
    urls: &[("base_url", "VERCEL_BASE_URL")],
    source: r#"vercel_token = { team_id = "team_d1moleculeai0001" }"#,
    answers,
};

/// How Vercel answers a request that carries that token: one that is no more is "forbidden", with a mark.
fn answers(story: &Story, token: &str) -> u16 {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let (status, body) = story
        .sandbox
        .call("GET", "/vercel/v5/user/tokens/current", &headers, &Value::Null);
    match body["error"]["invalidToken"] == true {
        true => 401,
        false => status,
    }
}

#[test]
fn a_token_works_until_its_overlap_ends() {
    KEY.live();
}

#[test]
fn a_token_of_this_run_that_is_no_more_is_told_from_a_missing_right() {
    let mut story = Story::new();
    story.configure(&[
        &format!("source = {{ {} }}", KEY.source),
        crate::story::SSM_TARGET,
        crate::story::A_DAY,
    ]);
    story.workspace.set("VERCEL_API_TOKEN", "vcp_gone_0123456789abcdef");
    says(&story.fails(), &["unknown to Vercel", "Nothing was minted or changed."]);
}

/// An example, with what exists here.
fn configuration(example: &str) -> String {
    let (_, configuration) = example.split_once("provider \"rotation\" {").unwrap();
    let configuration = configuration
        .replace("example-app", "molecule-cp")
        .replace("prj_example", PROJECT)
        .replace("team_example", "team_d1moleculeai0001");
    format!("provider \"rotation\" {{{configuration}")
}

fn project(story: &Story) -> Value {
    story.sandbox.state()["vercel"]["projects"][PROJECT].clone()
}

fn change(story: &Story, change: &Value) {
    story
        .sandbox
        .seed(json!({ "vercel": { "projects": { PROJECT: change } } }));
}

#[test]
fn production_is_deployed_with_the_next_token_and_previews_keep_the_old_one_for_a_week() {
    let mut story = Story::new();
    let configuration = configuration(EXAMPLE);
    // The same name for development is another variable.
    change(
        &story,
        &json!({ "variables": { "development": { NAME: "typed by hand" } } }),
    );
    story.write_all(&configuration);
    says(
        &story.plan(),
        &[
            "wave 1: set FLY_API_TOKEN of generation 1 in Vercel project prj_d1canvas000000000001",
            ", production, preview (canvas)",
            "wave 1: activate generation 1 by redeploy: redeployment of production of Vercel project",
            "wave 1: check deployed of generation 1",
        ],
    );
    story.apply();
    let held = |story: &Story| project(story)["variables"]["production,preview"][NAME].clone();
    let first = held(&story);
    assert_eq!(project(&story)["running"][NAME], first);
    let comment = project(&story)["comments"]["production,preview"][NAME].clone();
    let comment = comment.as_str().unwrap();
    assert!(
        comment.starts_with("Managed by Terraform [") && comment.ends_with("-g1]"),
        "{comment}"
    );

    story.write_all(&configuration.replace("overlap =", "rotation_reason = \"leaked\"\n  overlap ="));
    story.apply();
    let second = held(&story);
    assert!(second != first && project(&story)["running"][NAME] == second);
    assert_eq!(alive(&story).len(), 2);
    story.clock("169h");
    story.apply();
    assert_eq!((alive(&story).len(), held(&story)), (1, second));

    story.destroy();
    assert_eq!(
        project(&story)["variables"],
        json!({ "development": { NAME: "typed by hand" } })
    );
}

#[test]
fn a_variable_that_shares_an_environment_is_refused_before_the_mint() {
    let story = Story::new();
    change(
        &story,
        &json!({ "variables": { "preview,development": { NAME: "typed by hand" } } }),
    );
    story.write_all(&configuration(EXAMPLE));
    let said = story.fails();
    says(
        &said,
        &[
            "another variable of this name is for preview, development",
            "Nothing was changed",
        ],
    );
    assert!(alive(&story).is_empty());
    // One that appears between the look and the write fails inside an answer of 201, which repeats the value.
    change(
        &story,
        &json!({ "variables": { "preview,development": { NAME: null } } }),
    );
    story.sandbox.fault("POST /vercel/v10", 1, "hold_before");
    let mut child = story
        .workspace
        .command(&["apply", "-auto-approve"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while story.sandbox.held().is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(child.try_wait().unwrap().is_none(), "it waits for the answer");
    }
    let minted = alive(&story)[0].value.clone();
    change(
        &story,
        &json!({ "variables": { "preview,development": { NAME: "typed by hand" } } }),
    );
    story.sandbox.release();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    says(&said, &["Another variable with the name", "(ENV_CONFLICT)"]);
    assert!(!said.contains(&minted), "{said}");
}

const IN_SSM: &str = "ssm = { ssm_parameter = { name = \"/k\" } }";

/// A random value in the variables of these targets, key and arguments, and in a parameter.
fn configure(story: &Story, targets: &[(&str, &str)]) {
    let targets = targets
        .iter()
        .map(|(key, arguments)| format!("  {key} = {{ vercel_env = {{ project_id = {PROJECT:?}, {arguments} }} }}\n"));
    let targets = format!("targets = {{\n  {IN_SSM}\n{}}}", targets.collect::<String>());
    story.configure(&["source = { random = { bytes = 32, encoding = \"hex\" } }", &targets]);
}

/// Vercel takes one variable of a name in each environment.
#[test]
fn the_environments_of_a_target_are_extended_by_another_target() {
    let story = Story::new();
    let production = "target = [\"production\"]";
    let both = "target = [\"production\", \"preview\"]";
    configure(&story, &[("web", production)]);
    story.apply();
    let value = project(&story)["variables"]["production"][NAME].clone();
    configure(&story, &[("web", both)]);
    says(
        &story.fails(),
        &[
            "Checking variable FLY_API_TOKEN of project",
            "another variable of this name is for production",
            "If that variable is this secret's own, restore its environments in `targets`",
            "add another target for",
        ],
    );
    configure(&story, &[("web", production), ("previews", "target = [\"preview\"]")]);
    story.apply();
    let variables = project(&story)["variables"].clone();
    assert_eq!(
        (&variables["production"][NAME], &variables["preview"][NAME]),
        (&value, &value)
    );
    // Or by removing it first.
    configure(&story, &[]);
    story.apply();
    configure(&story, &[("web", both)]);
    story.apply();
    assert_eq!(
        project(&story)["variables"],
        json!({ "production,preview": { NAME: value } })
    );
}

#[test]
fn a_changed_comment_writes_nothing_and_stands_beside_the_next_value() {
    let story = Story::new();
    let noted = |note: &str| format!("target = [\"production\"], comment = {note:?}");
    configure(&story, &[("web", &noted("ours"))]);
    story.apply();
    let before = project(&story);
    configure(&story, &[("web", &noted("theirs"))]);
    story.apply();
    assert_eq!(
        (&project(&story), story.attributes()["generation"].clone()),
        (&before, json!(1))
    );
    // Without a readable target too: nothing is to be delivered.
    story.destroy();
    let alone = |note: &str| {
        format!(
            "targets = {{ web = {{ vercel_env = {{ project_id = {PROJECT:?}, {} }} }} }}",
            noted(note)
        )
    };
    let source = "source = { random = { bytes = 32, encoding = \"hex\" } }";
    story.configure(&[source, &alone("ours")]);
    story.apply();
    story.configure(&[source, &alone("theirs")]);
    story.apply();
    story.configure(&[source, &alone("theirs"), "rotation_reason = \"leaked\""]);
    story.apply();
    let comment = project(&story)["comments"]["production"][NAME].clone();
    assert!(comment.as_str().unwrap().starts_with("theirs ["), "{comment}");
    story.destroy();
}

#[test]
fn a_value_that_a_person_changes_is_seen_although_nobody_can_read_it() {
    let story = Story::new();
    story.write_all(
        &configuration(ACTIVATION_EXAMPLE).replace("activations =", "on_drift = \"rotate\"\n\n  activations ="),
    );
    story.apply();
    let first = project(&story)["running"]["SESSION_KEY"].clone();
    change(
        &story,
        &json!({ "variables": { "production": { "SESSION_KEY": "typed by hand" } } }),
    );
    says(&story.plan(), &["mint generation 2"]);
    story.apply();
    let second = project(&story)["running"]["SESSION_KEY"].clone();
    assert!(
        second != first && second != "typed by hand" && second.is_string(),
        "{second}"
    );
}

#[test]
fn a_check_fails_until_somebody_deploys() {
    let story = Story::new();
    story.write_all(&configuration(CHECK_EXAMPLE).replace("\"1h\"", "\"0s\""));
    says(&story.fails(), &["before SESSION_KEY changed", "Redeploy it"]);
    let bearer = format!("Bearer {}", story.sandbox.export("VERCEL_API_TOKEN"));
    let deployment = project(&story)["deployments"][0]["id"].clone();
    let path = "/vercel/v13/deployments?forceNew=1&teamId=team_d1moleculeai0001";
    let again = json!({ "deploymentId": deployment, "name": "canvas", "target": "production", "meta": {} });
    let headers = [("authorization", bearer.as_str())];
    let (_, begun) = story.sandbox.call("POST", path, &headers, &again);
    let page = format!(
        "/vercel/v13/deployments/{}?teamId=team_d1moleculeai0001",
        begun["id"].as_str().unwrap()
    );
    while story.sandbox.call("GET", &page, &headers, &Value::Null).1["readyState"] != "READY" {}
    story.apply();
    assert_eq!(project(&story)["running"], project(&story)["variables"]["production"]);
}
