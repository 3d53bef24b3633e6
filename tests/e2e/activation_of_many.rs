//! `rotation_activation`: one run after many secrets.

use std::path::Path;

use serde_json::{Value, json};

use crate::interrupt::{apply_until, ended, send};
use crate::story::{REPOSITORY, Story, resource, says};

const FILE: &str = "publish-platform-image.yml";

/// How many secrets one run is for.
const MANY: usize = 40;

/// An activation with these triggers and that run.
fn activation(label: &str, triggers: &str, run: &str) -> String {
    format!("resource \"rotation_activation\" {label:?} {{\n  triggers = {triggers}\n  run      = {run}\n}}\n")
}

fn workflow(file: &str) -> String {
    format!("{{ github_workflow = {{ repository = \"molecule-monorepo\", workflow = {file:?} }} }}")
}

/// A program of this machine.
fn program(command: &[&str]) -> String {
    format!("{{ exec = {{ command = {command:?} }} }}")
}

/// A provider block that permits those programs, and these resources.
fn write(story: &Story, resources: &str) {
    story.write_all(&format!(
        "provider \"rotation\" {{\n  namespace = \"production\"\n  allow_exec = [\"/bin/true\", \"/bin/false\", \"/bin/sleep\"]\n}}\n{resources}"
    ));
}

/// How a workflow ends from now on.
fn ends_with(story: &Story, file: &str, conclusion: &str) {
    story
        .sandbox
        .seed(json!({ "github": { "repositories": { REPOSITORY: { "workflows": { file: conclusion } } } } }));
}

/// The runs of workflows so far.
fn runs(story: &Story) -> usize {
    let state = story.sandbox.state();
    state["github"]["repositories"][REPOSITORY]["runs"]
        .as_array()
        .unwrap()
        .len()
}

fn is_in_state(story: &Story, label: &str) -> bool {
    let state = story.workspace.state();
    let resources = state["resources"].as_array().unwrap();
    resources.iter().any(|resource| resource["name"] == label)
}

fn succeeded(story: &Story) -> Value {
    story.attributes_of("deploy")["runs"].clone()
}

#[test]
fn one_run_follows_forty_secrets_and_one_follows_those_that_rotate() {
    let story = Story::new();
    let configure = |rotated: usize| {
        let secrets: String = (0..MANY)
            .map(|number| {
                let source = r#"source = { random = { bytes = 32, encoding = "hex" } }"#;
                let target = "targets = { ci = { github_actions_secret = { repository = \"molecule-monorepo\" } } }";
                let reason = match number < rotated {
                    true => "rotation_reason = \"leaked\"",
                    false => "",
                };
                resource(
                    &format!("s{number}"),
                    &format!("SECRET_{number}"),
                    &[source, target, reason],
                )
            })
            .collect();
        let triggers: String = (0..MANY)
            .map(|number| format!("    s{number} = rotation_secret.s{number}.generation\n"))
            .collect();
        story.write(&(secrets + &activation("deploy", &format!("{{\n{triggers}  }}"), &workflow(FILE))));
    };
    let at = |writes: &[String], what: &str| -> Vec<usize> {
        let places = writes.iter().enumerate().filter(|(_, line)| line.contains(what));
        places.map(|(at, _)| at).collect()
    };
    configure(0);
    says(
        &story.plan(),
        &["run 1: workflow publish-platform-image.yml of molecule-monorepo on its default branch"],
    );
    story.apply();
    assert_eq!((runs(&story), succeeded(&story)), (1, json!(1)));
    let writes = story.writes();
    let (puts, dispatches) = (at(&writes, "/actions/secrets/"), at(&writes, "/dispatches"));
    assert_eq!((puts.len(), dispatches.len()), (MANY, 1));
    assert!(puts.last() < dispatches.first(), "{writes:?}");

    configure(5);
    says(
        &story.plan(),
        &[
            "~ runs = 1 -> 2",
            "run 2: workflow publish-platform-image.yml of molecule-monorepo on its default branch, because triggers s0, s1, s2 and 2 more changed",
        ],
    );
    story.sandbox.forget_calls();
    story.apply();
    assert_eq!((runs(&story), succeeded(&story)), (2, json!(2)));
    let writes = story.writes();
    let (puts, dispatches) = (at(&writes, "/actions/secrets/"), at(&writes, "/dispatches"));
    assert_eq!((puts.len(), dispatches.len()), (5, 1));
    assert!(puts.last() < dispatches.first(), "{writes:?}");

    story.sandbox.forget_calls();
    story
        .run(&["apply", "-auto-approve", "-replace=rotation_activation.deploy"])
        .success();
    assert_eq!((runs(&story), succeeded(&story)), (3, json!(1)));
    assert_eq!(story.writes().len(), 1, "{:?}", story.writes());
    story.settled();

    // A destroy of the activation alone asks nobody for anything, and says nothing of it.
    story.sandbox.forget_calls();
    let said = story
        .run(&[
            "apply",
            "-destroy",
            "-auto-approve",
            "-target=rotation_activation.deploy",
        ])
        .success();
    assert!(!said.contains("Error") && said.contains("1 destroyed"), "{said}");
    story.wrote_nothing();
    assert!(!is_in_state(&story, "deploy"));
}

#[test]
fn a_failed_run_is_repeated_by_the_next_apply_and_a_secret_that_fails_holds_it_back() {
    let story = Story::new();
    let configure = |reason: &str| {
        let source = r#"source = { random = { bytes = 32, encoding = "hex" } }"#;
        let target = "targets = { runtime = { ssm_parameter = { name = \"/molecule/jwt\" } } }";
        let reason = format!("rotation_reason = {reason:?}");
        let secret = resource("jwt", "JWT_KEY", &[source, target, &reason]);
        let triggers = "{ jwt = rotation_secret.jwt.generation }";
        story.write(&(secret + &activation("deploy", triggers, &workflow(FILE))));
    };
    ends_with(&story, FILE, "failure");
    configure("created");
    let said = story.fails();
    says(
        &said,
        &[
            "run.github_workflow: The activation failed",
            "ended with the conclusion \"failure\", expected \"success\"",
            "It was not saved in the state, so the next apply runs it again.",
            "with rotation_activation.deploy",
        ],
    );
    assert!(is_in_state(&story, "jwt") && !is_in_state(&story, "deploy"));
    let plan = story.plan();
    assert!(plan.contains("1 to add, 0 to change, 0 to destroy"), "{plan}");
    ends_with(&story, FILE, "success");
    story.apply();
    assert_eq!((runs(&story), succeeded(&story)), (2, json!(1)));

    // What the secret has rotated stays rotated; the run is still to be done, however often it fails.
    ends_with(&story, FILE, "failure");
    configure("once");
    for _ in 0..2 {
        says(
            &story.fails(),
            &["what it last succeeded for, so the next apply runs it again"],
        );
        let attributes = story.attributes_of("deploy");
        assert_eq!(
            (&attributes["runs"], &attributes["triggers"]["jwt"]),
            (&json!(1), &json!("1"))
        );
        assert_eq!(story.attributes_of("jwt")["generation"], 2);
        let plan = story.plan();
        says(&plan, &["run 2: workflow", "because trigger jwt changed"]);
        assert!(plan.contains("0 to add, 1 to change, 0 to destroy"), "{plan}");
    }
    ends_with(&story, FILE, "success");
    story.apply();
    assert_eq!((runs(&story), succeeded(&story)), (5, json!(2)));

    // A secret that fails has not been delivered everywhere, so nothing is deployed.
    story.sandbox.lasting_fault("AmazonSSM.PutParameter", "forbidden");
    configure("twice");
    story.fails();
    assert_eq!(runs(&story), 5);
    story.sandbox.heal();
    story.run(&["apply", "-auto-approve"]);
    story.apply();
    assert_eq!((runs(&story), succeeded(&story)), (6, json!(3)));
}

#[test]
fn a_lost_answer_is_not_a_success() {
    let story = Story::new();
    let url = story.sandbox.export("PLATFORM_URL").to_owned();
    let configure = |version: &str| {
        let run = "{ connection = \"platform\", http = { url = \"/settings/secrets\", method = \"PUT\", body = jsonencode({ key = \
                   \"DEPLOYED\", value = \"yes\" }) } }";
        let resource = activation("deploy", &format!("{{ version = {version:?} }}"), run);
        story.write_all(&format!(
            "provider \"rotation\" {{\n  namespace = \"production\"\n  connection \"platform\" {{\n    http {{\n      base_url = \
             {url:?}\n      headers = {{ Authorization = \"Bearer platform-sandbox-token-0001\" }}\n    }}\n  }}\n}}\n{resource}"
        ));
    };
    configure("1");
    story.apply();
    story.sandbox.fault("/settings/secrets", 1, "drop_after");
    configure("2");
    says(
        &story.fails(),
        &["The activation failed", "the next apply runs it again"],
    );
    assert_eq!(story.attributes_of("deploy")["triggers"]["version"], "1");
    story.apply();
    assert_eq!(succeeded(&story), 2);
}

#[test]
fn what_the_plan_does_not_know_is_decided_by_apply() {
    let story = Story::new();
    let configure = |input: &str, triggers: &str| {
        let data = format!("resource \"terraform_data\" \"it\" {{\n  input = {input:?}\n}}\n");
        write(
            &story,
            &(data + &activation("deploy", triggers, &program(&["/bin/true"]))),
        );
    };
    // Unknown in a create, and as a whole.
    configure(
        "one",
        "{ id = terraform_data.it.id, output = terraform_data.it.output }",
    );
    says(&story.plan(), &["run 1: program /bin/true"]);
    story.apply();
    configure(
        "two",
        "{ id = terraform_data.it.id, output = terraform_data.it.output }",
    );
    let plan = story.plan();
    says(&plan, &["~ runs = 1 -> (known after apply)"]);
    story.apply();
    assert_eq!(succeeded(&story), 2);
    says(
        &story.attributes_of("deploy")["steps"].to_string(),
        &["because trigger output changed"],
    );
    // It turns out to be what it was.
    let length =
        "{ id = terraform_data.it.id, output = terraform_data.it.output, length = length(terraform_data.it.output) }";
    configure("two", length);
    story.apply();
    configure(
        "six",
        length.replace("output = terraform_data.it.output, ", "").as_str(),
    );
    story.apply();
    assert_eq!(succeeded(&story), 4);
    configure(
        "ten",
        length.replace("output = terraform_data.it.output, ", "").as_str(),
    );
    says(&story.plan(), &["~ runs = 4 -> (known after apply)"]);
    story.apply();
    assert_eq!(succeeded(&story), 4, "the length is the same");
}

#[test]
fn another_run_is_run_and_another_way_of_writing_or_waiting_is_not() {
    let story = Story::new();
    let configure = |run: &str| write(&story, &activation("deploy", "null", run));
    configure(&program(&["/bin/sleep", "0"]));
    story.apply();
    let first = story.attributes_of("deploy");
    assert_eq!(first["runs"], 1);
    configure("{ exec = { command = [\"/bin/sleep\", 0] }, ssh = null, timeout = null }");
    story.settled();
    configure("{ exec = { command = [\"/bin/sleep\", \"0\"] }, timeout = \"1m\" }");
    let plan = story.plan();
    assert!(!plan.contains("~ runs") && !plan.contains("~ ran_at"), "{plan}");
    story.apply();
    assert_eq!(story.attributes_of("deploy")["ran_at"], first["ran_at"]);
    configure(&program(&["/bin/sleep", "0.1"]));
    says(&story.plan(), &["run 2: program /bin/sleep 0.1, because run changed"]);
    story.apply();
    assert_eq!(succeeded(&story), 2);
    // One that takes longer than it may is killed, and has not succeeded.
    configure("{ exec = { command = [\"/bin/sleep\", \"60\"] }, timeout = \"1s\" }");
    says(
        &story.fails(),
        &["The activation failed", "did not finish within 1 seconds"],
    );
    assert_eq!(succeeded(&story), 2);
    configure("{ exec = { command = [\"/bin/false\"] } }");
    says(&story.fails(), &["exit code 1"]);
    assert_eq!(succeeded(&story), 2);
}

#[test]
fn another_activation_can_follow_one() {
    let story = Story::new();
    let configure = |version: &str| {
        let first = activation(
            "deploy",
            &format!("{{ version = {version:?} }}"),
            &program(&["/bin/true"]),
        );
        let second = activation(
            "smoke_test",
            "{ deploy = rotation_activation.deploy.runs }",
            &program(&["/bin/true"]),
        );
        write(&story, &(first + &second));
    };
    configure("1");
    story.apply();
    configure("2");
    says(&story.plan(), &["because trigger deploy changed"]);
    story.apply();
    assert_eq!(story.attributes_of("smoke_test")["runs"], 2);
}

#[test]
fn a_repair_runs_it_only_where_a_trigger_says_so() {
    let story = Story::new();
    let source = r#"source = { random = { bytes = 32, encoding = "hex" } }"#;
    let targets = r#"targets = {
    runtime = { ssm_parameter = { name = "/molecule/jwt" } }
    worker  = { ssm_parameter = { name = "/molecule/worker/jwt" } }
  }"#;
    let secret = resource("jwt", "JWT_KEY", &[source, targets]);
    let rotated = activation(
        "rotated",
        "{ jwt = rotation_secret.jwt.generation }",
        &program(&["/bin/true"]),
    );
    let delivered = "{ jwt = rotation_secret.jwt.deliveries[\"runtime\"].delivered_at }";
    let delivered = activation("delivered", delivered, &program(&["/bin/true"]));
    write(&story, &(secret + &rotated + &delivered));
    story.apply();
    let by_hand = json!({ "aws": { "parameters": { "/molecule/jwt": "typed by hand" } } });
    story.a_second_later().sandbox.seed(by_hand);
    story.run(&["apply", "-auto-approve"]).success();
    assert_eq!(story.attributes_of("rotated")["runs"], 1);
    assert_eq!(story.attributes_of("delivered")["runs"], 2);
    story.settled();
}

#[test]
fn an_interrupted_run_is_repeated() {
    let story = Story::new();
    let configure = |seconds: &str| {
        // A secret first, so that a call shows when the run is near.
        let source = r#"source = { random = { bytes = 32, encoding = "hex" } }"#;
        let target = "targets = { runtime = { ssm_parameter = { name = \"/molecule/jwt\" } } }";
        let reason = format!("rotation_reason = \"for {seconds}\"");
        let secret = resource("jwt", "JWT_KEY", &[source, target, &reason]);
        let triggers = "{ jwt = rotation_secret.jwt.generation }";
        write(
            &story,
            &(secret + &activation("deploy", triggers, &program(&["/bin/sleep", seconds]))),
        );
    };
    configure("120");
    let child = apply_until(&story, "PutParameter");
    std::thread::sleep(std::time::Duration::from_secs(3));
    send("kill", &["-INT"], &child);
    says(
        &ended(child),
        &["run.exec: Interrupted", "the next apply runs it again"],
    );
    assert!(is_in_state(&story, "jwt") && !is_in_state(&story, "deploy"));
    configure("0");
    story.apply();
    assert_eq!(succeeded(&story), 1);

    // A provider that is killed leaves the state as it was.
    configure("121");
    let child = apply_until(&story, "PutParameter");
    std::thread::sleep(std::time::Duration::from_secs(3));
    send("pkill", &["-KILL", "-P"], &child);
    ended(child);
    assert_eq!(succeeded(&story), 1);
    configure("0");
    says(&story.plan(), &["run 2: program /bin/sleep 0"]);
    story.apply();
    assert_eq!(succeeded(&story), 2);
}

#[test]
fn mistakes_are_told_by_the_cli_with_their_line() {
    let story = Story::new();
    for (run, words) in [
        (
            "{ wave = 1, exec = { command = [\"/bin/true\"] } }",
            "run.wave is not an argument",
        ),
        ("{ exec = { comand = [\"/bin/true\"] } }", "Did you mean `command`?"),
        (
            "{ http = { url = \"https://a.example\", headers = { Authorization = \"Bearer {{ value }}\" } } }",
            "run.http cannot present a credential",
        ),
        ("{ exec = { command = [\"/bin/rm\"] } }", "allow_exec"),
        ("{ exec = { command = [\"/bin/true\"] } }\n  ran_at = \"now\"", "ran_at"),
    ] {
        write(&story, &activation("deploy", "{}", run));
        let said = story.refused("validate");
        assert!(said.contains(words), "{words} is not in {said}");
        assert!(said.contains("run      =") || said.contains("ran_at ="), "{said}");
    }
    write(&story, &activation("deploy", "{}", &program(&["/bin/true"])));
    let import = story.run(&["import", "rotation_activation.deploy", "x"]);
    assert_eq!(import.status, 1, "{}", import.output);
    says(&import.output, &["This resource cannot be imported"]);
    assert!(story.has_no_state());
}

#[test]
fn the_example_can_be_applied() {
    let story = Story::new();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/resources/rotation_activation/resource.tf");
    story.workspace.write(&std::fs::read_to_string(example).unwrap());
    says(
        &story.plan(),
        &["3 to add", "run 1: workflow publish-platform-image.yml"],
    );
    story.apply();
    assert_eq!(runs(&story), 1);
}
