//! Activations: what makes consumers load a new value, and that publishing alone does not count.

use serde_json::{Value, json};

use crate::interrupt::{apply_until, ended, send};
use crate::story::{FLY_TARGET, FLY_TOKEN, NAME, PARAMETER, REPOSITORY, SSM_TARGET, Story, resource, says};
use crate::terraform_cores::Outcome;
use crate::truth::{alive, parameter, the_token};

const FILE: &str = "publish-platform-image.yml";

/// A workflow that deploys the consumers, after that wave.
fn redeploy(file: &str, more: &str) -> String {
    format!(
        "activations = {{\n    redeploy = {{ {more} github_workflow = {{ repository = \"molecule-monorepo\", workflow = \"{file}\" }} }}\n  }}"
    )
}

/// The runs of workflows so far.
fn runs(story: &Story) -> usize {
    let state = story.sandbox.state();
    state["github"]["repositories"][REPOSITORY]["runs"]
        .as_array()
        .unwrap()
        .len()
}

/// A workflow of that name ends like this.
fn workflow(story: &Story, file: &str, conclusion: &str) {
    story
        .sandbox
        .seed(json!({ "github": { "repositories": { REPOSITORY: { "workflows": { file: conclusion } } } } }));
}

fn status(story: &Story, target: &str) -> Value {
    story.attributes()["deliveries"][target]["status"].clone()
}

#[test]
fn consumers_are_deployed_after_the_delivery_and_before_the_checks() {
    let story = Story::new();
    // Nobody has to say how long consumers take: the workflow ends when they have loaded the value.
    let lines = [FLY_TOKEN, SSM_TARGET, &redeploy(FILE, "")];
    story.configure(&lines);
    says(
        &story.plan(),
        &["wave 1: activate generation 1 by redeploy: workflow publish-platform-image.yml of molecule-monorepo"],
    );
    story.apply();
    assert_eq!((runs(&story), status(&story, "runtime")), (1, json!("current")));

    story.configure(&[&lines[..], &["rotation_reason = \"once\""]].concat());
    story.sandbox.forget_calls();
    story.apply();
    assert_eq!(runs(&story), 2);
    let writes = story.writes();
    let at = |what: &str| {
        writes
            .iter()
            .position(|line| line.contains(what))
            .unwrap_or_else(|| panic!("{what}: {writes:?}"))
    };
    assert!(at("PutParameter") < at("dispatches") && at("dispatches") < at("deleteLimitedAccessToken"));
    assert_eq!(the_token(&story).value, parameter(&story, PARAMETER).unwrap());
    // A new activation runs with the next delivery.
    story.configure(&[
        FLY_TOKEN,
        SSM_TARGET,
        &redeploy(FILE, "timeout = \"20m\","),
        "rotation_reason = \"once\"",
    ]);
    story.apply();
    assert_eq!(runs(&story), 2);
}

#[test]
fn a_failed_activation_keeps_the_old_credential_and_is_repeated_alone() {
    let story = Story::new();
    let lines = |file: &str, reason: &str| {
        let reason = format!("rotation_reason = {reason:?}");
        [FLY_TOKEN, SSM_TARGET, &redeploy(file, ""), &reason].map(str::to_owned)
    };
    let configure = |file: &str, reason: &str| {
        let lines = lines(file, reason);
        story.configure(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    };
    configure(FILE, "created");
    story.apply();
    let old = the_token(&story);
    workflow(&story, FILE, "failure");
    configure(FILE, "once");
    let said = story.fails();
    says(
        &said,
        &[
            "Activation \"redeploy\" failed",
            "ended with the conclusion \"failure\", expected \"success\"",
        ],
    );
    assert!(alive(&story).contains(&old), "consumers still use it");
    assert_eq!(status(&story, "runtime"), "staged");
    assert_eq!(story.attributes()["phase"], "partial");
    let delivered = parameter(&story, PARAMETER).unwrap();
    assert_ne!(delivered, old.value);

    workflow(&story, FILE, "success");
    let plan = story.plan();
    says(&plan, &["wave 1: activate generation 2 by redeploy"]);
    for words in ["mint generation 3", "wave 1: complete"] {
        assert!(!plan.contains(words), "{words} is in\n{plan}");
    }
    story.sandbox.forget_calls();
    story.apply();
    assert_eq!(parameter(&story, PARAMETER).unwrap(), delivered);
    assert!(
        !story.writes().iter().any(|line| line.contains("PutParameter")),
        "{:?}",
        story.writes()
    );
    assert_eq!(alive(&story).len(), 1);
    assert_eq!(status(&story, "runtime"), "current");
}

#[test]
fn machines_are_updated_before_the_activation_of_their_wave() {
    let story = Story::new();
    story.configure(&[FLY_TOKEN, FLY_TARGET, &redeploy(FILE, "wave = 1,")]);
    story.apply();
    assert_eq!(runs(&story), 1);
    workflow(&story, FILE, "failure");
    story.configure(&[
        FLY_TOKEN,
        FLY_TARGET,
        &redeploy(FILE, "wave = 1,"),
        "rotation_reason = \"once\"",
    ]);
    story.fails();
    assert_eq!(status(&story, "control_plane"), "staged");
    assert_eq!(alive(&story).len(), 2);
    // Without the activation nothing is left to wait for.
    story.configure(&[FLY_TOKEN, FLY_TARGET, "rotation_reason = \"once\""]);
    story.apply();
    assert_eq!(status(&story, "control_plane"), "current");
    assert_eq!(alive(&story).len(), 1);
}

#[test]
fn an_activation_that_is_removed_leaves_consumers_to_load_the_value_themselves() {
    let story = Story::new();
    workflow(&story, FILE, "failure");
    story.configure(&[FLY_TOKEN, SSM_TARGET, &redeploy(FILE, "")]);
    story.fails();
    assert_eq!(status(&story, "runtime"), "staged");
    story.configure(&[FLY_TOKEN, SSM_TARGET, "overlap = \"24h\""]);
    story.run(&["untaint", "rotation_secret.it"]).success();
    story.apply();
    assert_eq!(status(&story, "runtime"), "current");
}

#[test]
fn a_repair_activates_again() {
    let two = r#"targets = {
    runtime = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
    worker  = { wave = 2, ssm_parameter = { name = "/molecule/workers/FLY_API_TOKEN" } }
  }"#;
    let story = Story::begun(&[FLY_TOKEN, two, &redeploy(FILE, "wave = 2,"), "overlap = \"1h\""]);
    assert_eq!(runs(&story), 1);
    let by_hand = json!({ "aws": { "parameters": { "/molecule/workers/FLY_API_TOKEN": "typed by hand" } } });
    story.a_second_later().sandbox.seed(by_hand);
    says(&story.plan(), &["wave 2: activate generation 1 by redeploy"]);
    // One that fails is not forgotten although the generation is complete.
    workflow(&story, FILE, "failure");
    story.fails();
    assert_eq!(status(&story, "worker"), "staged");
    workflow(&story, FILE, "success");
    let plan = story.plan();
    says(&plan, &["wave 2: activate generation 1 by redeploy"]);
    assert!(!plan.contains("+ \"wave 2: set"), "{plan}");
    story.apply();
    assert_eq!((runs(&story), status(&story, "worker")), (3, json!("current")));
}

#[test]
fn several_activations_of_one_wave_all_run() {
    let story = Story::new();
    let (other, repository) = ("deploy-docs.yml", "repository = \"molecule-monorepo\"");
    workflow(&story, other, "success");
    let both = format!(
        "activations = {{\n    one = {{ github_workflow = {{ {repository}, workflow = \"{FILE}\" }} }}\n    two = {{ github_workflow = {{ \
         {repository}, workflow = \"{other}\" }} }}\n  }}"
    );
    story.configure(&[FLY_TOKEN, SSM_TARGET, &both]);
    story.apply();
    assert_eq!((runs(&story), status(&story, "runtime")), (2, json!("current")));
}

#[test]
fn secrets_that_are_under_way_together_share_one_run() {
    let story = Story::new();
    let secrets: String = (0..5)
        .map(|number| {
            let target = format!("targets = {{ runtime = {{ ssm_parameter = {{ name = \"/molecule/{number}\" }} }} }}");
            let source = r#"source = { random = { bytes = 32, encoding = "hex" } }"#;
            let label = format!("s{number}");
            resource(&label, &label.to_uppercase(), &[source, &target, &redeploy(FILE, "")])
        })
        .collect();
    story.write(&secrets);
    // All have begun before the first delivery ends.
    apply_side_by_side(&story, 5).success();
    assert_eq!(runs(&story), 1);
    story.settled();
    // One after the other, each has a run of its own, and nobody waits for who has not begun.
    let again = secrets.replace("  name =", "  rotation_reason = \"again\"\n  name =");
    story.write(&again);
    story.run(&["apply", "-auto-approve", "-parallelism=1"]).success();
    assert_eq!(runs(&story), 6);
}

/// An apply of so many secrets, of which none writes its parameter before all of them have begun.
fn apply_side_by_side(story: &Story, secrets: usize) -> Outcome {
    for nth in 1..=secrets {
        story.sandbox.fault("AmazonSSM.PutParameter", nth, "hold_before");
    }
    let parallelism = format!("-parallelism={secrets}");
    std::thread::scope(|scope| {
        let apply = scope.spawn(|| story.run(&["apply", "-auto-approve", &parallelism]));
        while story.sandbox.held().len() < secrets && !apply.is_finished() {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        story.sandbox.release();
        apply.join().unwrap()
    })
}

#[test]
fn runs_of_different_workflows_are_never_shared() {
    let story = Story::new();
    workflow(&story, "deploy-worker.yml", "success");
    let secret = |label: &str, file: &str| {
        let source = r#"source = { random = { bytes = 32, encoding = "hex" } }"#;
        let target = format!("targets = {{ runtime = {{ ssm_parameter = {{ name = \"/molecule/{label}\" }} }} }}");
        resource(label, &label.to_uppercase(), &[source, &target, &redeploy(file, "")])
    };
    story.write(&(secret("one", FILE) + &secret("two", "deploy-worker.yml")));
    apply_side_by_side(&story, 2).success();
    assert_eq!(runs(&story), 2);
    let calls = story.sandbox.calls();
    for file in [FILE, "deploy-worker.yml"] {
        let dispatch = format!("/workflows/{file}/dispatches");
        assert!(
            calls.iter().any(|call| call.line.contains(&dispatch)),
            "{file}: {calls:#?}"
        );
    }
}

#[test]
fn a_shared_run_that_fails_leaves_all_of_its_secrets_unfinished() {
    let story = Story::new();
    workflow(&story, FILE, "failure");
    let secret = |label: &str| {
        let source = r#"source = { random = { bytes = 32, encoding = "hex" } }"#;
        let target = format!("targets = {{ runtime = {{ ssm_parameter = {{ name = \"/molecule/{label}\" }} }} }}");
        resource(label, &label.to_uppercase(), &[source, &target, &redeploy(FILE, "")])
    };
    story.write(&(secret("one") + &secret("two")));
    assert_eq!(apply_side_by_side(&story, 2).status, 1);
    assert_eq!(runs(&story), 1);
    for label in ["one", "two"] {
        assert_eq!(story.attributes_of(label)["phase"], "partial");
    }
}

#[test]
fn a_deploy_hook_gets_the_header_of_its_connection_and_mistakes_are_told_by_validate() {
    let story = Story::new();
    let url = story.sandbox.export("PLATFORM_URL").to_owned();
    let hook = "activations = {\n    hook = { connection = \"platform\", http = { url = \"/settings/secrets\", method = \"PUT\", body = \
                jsonencode({ key = \"DEPLOYED\", value = \"yes\" }) } }\n  }";
    let secret = resource("it", NAME, &[FLY_TOKEN, SSM_TARGET, hook]);
    story.write_all(&format!(
        "provider \"rotation\" {{\n  namespace = \"production\"\n  connection \"platform\" {{\n    http {{\n      base_url = {url:?}\n      headers \
         = {{ Authorization = \"Bearer platform-sandbox-token-0001\" }}\n    }}\n  }}\n}}\n{secret}"
    ));
    story.apply();
    assert_eq!(story.sandbox.state()["platform"]["secrets"]["DEPLOYED"]["value"], "yes");

    for (activations, words) in [
        (redeploy(FILE, "wave = 3,"), "wave 3"),
        (redeploy(FILE, "phase = \"revoked\","), "is not an argument"),
        (redeploy(FILE, "effects = true,"), "is not an argument"),
        (
            "activations = { redeploy = { wave = 1 } }".to_owned(),
            "github_workflow",
        ),
        (
            "activations = { hook = { http = { url = \"https://a.example\", credential = \"previous\", headers = { Authorization = \"Bearer {{ value }}\" } } } }".to_owned(),
            "cannot present the previous credential",
        ),
    ] {
        story.configure(&[FLY_TOKEN, SSM_TARGET, &activations, "overlap = \"1h\""]);
        let said = story.refused("validate");
        assert!(said.contains(words), "{words} is not in {said}");
    }
}

/// A program that deploys for that many seconds.
fn deploying(story: &Story, seconds: u32, reason: &str) {
    let deploy =
        format!("activations = {{\n    deploy = {{ exec = {{ command = [\"/bin/sleep\", \"{seconds}\"] }} }}\n  }}");
    let reason = format!("rotation_reason = {reason:?}");
    let secret = resource("it", NAME, &[FLY_TOKEN, SSM_TARGET, &deploy, &reason]);
    story.write_all(&format!(
        "provider \"rotation\" {{\n  namespace = \"production\"\n  allow_exec = [\"/bin/sleep\"]\n}}\n{secret}"
    ));
}

#[test]
fn an_interrupt_during_an_activation_ends_it_and_the_next_apply_repeats_it() {
    let story = Story::new();
    deploying(&story, 0, "created");
    story.apply();
    let old = the_token(&story);
    deploying(&story, 120, "once");
    let child = apply_until(&story, "PutParameter");
    std::thread::sleep(std::time::Duration::from_secs(2));
    send("kill", &["-INT"], &child);
    let said = ended(child);
    assert!(said.contains("Interrupt"), "{said}");
    assert_eq!(status(&story, "runtime"), "staged");
    assert!(alive(&story).contains(&old));
    let delivered = parameter(&story, PARAMETER).unwrap();
    deploying(&story, 0, "once");
    says(
        &story.plan(),
        &["wave 1: activate generation 2 by deploy: program /bin/sleep 0"],
    );
    story.apply();
    assert_eq!(parameter(&story, PARAMETER).unwrap(), delivered);
    assert_eq!(alive(&story).len(), 1);
}

/// The lines of `steps` that a plan adds.
fn planned(plan: &str) -> Vec<String> {
    let added = plan.lines().filter_map(|line| line.trim().strip_prefix("+ \""));
    added
        .map(|line| line.trim_end_matches(',').trim_end_matches('"').to_owned())
        .collect()
}

/// Asserts that a line begins and ends with these words at each of these places.
#[track_caller]
fn in_this_order(lines: &[String], expected: &[(&str, &str)]) {
    let is_like = |line: &String, (begin, end): &(&str, &str)| line.starts_with(begin) && line.ends_with(end);
    let alike = lines.len() == expected.len() && lines.iter().zip(expected).all(|(line, like)| is_like(line, like));
    assert!(alike, "{lines:#?} are not like {expected:#?}");
}

#[test]
fn what_failed_is_repeated_for_its_own_generation_before_the_next_one_is_minted() {
    let two = r#"targets = {
    image_publish = { github_actions_secret = { repository = "molecule-monorepo" } }
    other         = { wave = 2, github_actions_secret = { repository = "molecule-monorepo", name = "OTHER" } }
  }"#;
    let lines = [FLY_TOKEN, two, &redeploy(FILE, "wave = 1,"), "overlap = \"24h\""];
    let story = Story::begun(&lines);
    workflow(&story, FILE, "failure");
    story.configure(&[&lines[..], &["rotation_reason = \"once\""]].concat());
    story.fails();
    // GitHub tells no value again, so that wave 2 needs another one.
    let recorded = |story: &Story| -> Vec<String> {
        let attributes = story.attributes();
        let steps = attributes["steps"].as_array().unwrap();
        steps.iter().map(|line| line.as_str().unwrap().to_owned()).collect()
    };
    let begun = [
        ("mint generation 2", "valid for 2400h"),
        ("wave 1: set FLY_API_TOKEN of generation 2", "(image_publish)"),
        ("wave 1: activate generation 2 by redeploy", "its default branch"),
    ];
    in_this_order(&recorded(&story), &begun);

    let coming = |times: &'static str| {
        [
            ("wave 1: activate generation 2 by redeploy", times),
            ("mint generation 3", "valid for 2400h"),
            ("wave 1: set FLY_API_TOKEN of generation 3", "(image_publish)"),
            ("wave 1: activate generation 3 by redeploy", "its default branch"),
            ("wave 2: set OTHER of generation 3", "(other)"),
        ]
    };
    let work = |plan: &str| -> Vec<String> {
        let lines = planned(plan).into_iter();
        lines
            .filter(|line| line.starts_with("wave") || line.starts_with("mint"))
            .collect()
    };
    in_this_order(&work(&story.plan()), &coming("again, 2nd time"));
    // It fails again: nothing of generation 3 has begun.
    story.fails();
    in_this_order(&recorded(&story), &coming("again, 2nd time")[..1]);
    in_this_order(&work(&story.plan()), &coming("again, 3rd time"));
    workflow(&story, FILE, "success");
    let before = runs(&story);
    story.apply();
    assert_eq!(runs(&story), before + 2);
    assert_eq!(story.attributes()["generation"], 3);
    assert_eq!(recorded(&story)[0].split(", again").nth(1), Some(", 3rd time"));
}
