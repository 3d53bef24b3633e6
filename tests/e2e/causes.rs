//! One cause is one error for each secret, and other secrets of the run repeat it in short.

use crate::story::{REPOSITORY, Story, resource, says, unframed};

/// Two secrets on one app, three targets each.
fn two_secrets(story: &Story) {
    let secret = |label: &str, name: &str| {
        let targets = format!(
            "targets = {{\n    one = {{ fly_secret = {{ app = \"molecule-cp\", name = \"{name}_1\" }} }}\n    two = {{ wave = 2, fly_secret = \
             {{ app = \"molecule-cp\", name = \"{name}_2\" }} }}\n    three = {{ wave = 2, fly_secret = {{ app = \"molecule-cp\", name = \
             \"{name}_3\" }} }}\n  }}"
        );
        let source = "source = { random = { bytes = 32, encoding = \"hex\" } }";
        resource(label, name, &[source, &targets])
    };
    story.write(&[secret("a", "ALPHA"), secret("b", "BETA")].concat());
}

#[test]
fn a_bad_token_is_one_error_for_each_secret() {
    let mut story = Story::new();
    two_secrets(&story);
    story.workspace.set("FLY_API_TOKEN", "FlyV1 fm2_nobody");
    let output = story.run(&["apply", "-auto-approve", "-parallelism=1"]).output;
    let text = unframed(&output);
    assert_eq!(text.matches("Error: ").count(), 2, "{output}");
    says(
        &text,
        &[
            "Fly answered 401",
            "This also stops targets[\"three\"].fly_secret, targets[\"two\"].fly_secret. Nothing was minted or changed.",
        ],
    );
    assert_eq!(text.matches("Fly answered 401").count(), 1, "{output}");
    let (first, second) = if text.contains("Fly gave the same answer as for ALPHA") {
        ("ALPHA", "b")
    } else {
        ("BETA", "a")
    };
    let short = format!("Fly gave the same answer as for {first} (see there).");
    let repeated = text.split("Error: ").find(|error| error.contains(&short)).unwrap();
    assert!(repeated.contains(&format!("with rotation_secret.{second}")), "{output}");
    assert!(story.has_no_state(), "{output}");
    assert!(story.writes().is_empty(), "{:?}", story.writes());
}

/// The Machines API answers 401, GraphQL answers 200 with an error of its own words.
#[test]
fn a_bad_token_is_one_error_whatever_api_refuses_it() {
    let mut story = Story::new();
    let secret = |label: &str, name: &str| {
        let source = "source = { fly_token = { app = \"molecule-cp\" } }";
        let target =
            format!("targets = {{ one = {{ fly_secret = {{ app = \"molecule-cp\", name = \"{name}_1\" }} }} }}");
        resource(label, name, &[source, &target])
    };
    story.write(&[secret("a", "ALPHA"), secret("b", "BETA")].concat());
    story.workspace.set("FLY_API_TOKEN", "FlyV1 fm2_nobody");
    let output = story.run(&["apply", "-auto-approve", "-parallelism=1"]).output;
    let text = unframed(&output);
    assert_eq!(text.matches("Error: ").count(), 2, "{output}");
    assert_eq!(text.matches("unknown to Fly").count(), 1, "{output}");
    says(
        &text,
        &[
            "This also stops targets[\"one\"].fly_secret.",
            "Fly gave the same answer as for ",
        ],
    );
    assert!(story.writes().is_empty(), "{:?}", story.writes());
}

#[test]
fn unlike_causes_stay_errors_of_their_own() {
    let story = Story::new();
    let targets = format!(
        "targets = {{\n    one = {{ fly_secret = {{ app = \"molecule-cp\" }} }}\n    two = {{ github_actions_secret = {{ repository = \
         \"{REPOSITORY}\" }} }}\n  }}"
    );
    story.configure(&["source = { random = { bytes = 32, encoding = \"hex\" } }", &targets]);
    story
        .sandbox
        .lasting_fault("GET /v1/apps/molecule-cp/secrets", "forbidden");
    story.sandbox.lasting_fault("GET /api/v3/repos", "unauthorized");
    story.sandbox.lasting_fault("GET /repos", "unauthorized");
    let output = story.run(&["apply", "-auto-approve"]).output;
    let text = unframed(&output);
    assert_eq!(text.matches("Error: ").count(), 2, "{output}");
    says(&text, &["Fly answered 403", "GitHub answered 401"]);
    assert!(!text.contains("see there"), "{output}");
}
