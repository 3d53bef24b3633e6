//! The stories that users live through, with saved plans, from the first create to the destroy.

use serde_json::json;

use crate::story::{A_DAY, FLY_TARGET, FLY_TOKEN, NAME, PARAMETER, REPOSITORY, SSM_TARGET, THREE_TARGETS};
use crate::watch::Watched;

impl Watched {
    /// Plans into a file, shows it both ways, and applies it.
    #[track_caller]
    fn step(&mut self, lines: &[&str]) {
        self.story.configure(lines);
        self.succeeds(&["plan", "-out=saved"]);
        self.succeeds(&["show", "-json", "saved"]);
        self.succeeds(&["apply", "saved"]);
    }
}

#[test]
fn a_life_from_create_over_rotation_overlap_and_revocation_to_destroy_shows_no_value() {
    let mut watched = Watched::new();
    let quiet = &[FLY_TOKEN, THREE_TARGETS, "overlap = \"1h\""];
    let asked = &[
        FLY_TOKEN,
        THREE_TARGETS,
        "overlap = \"1h\"",
        "rotation_reason = \"once\"",
    ];
    watched.step(quiet);
    watched.step(asked);
    watched.story.clock("2h");
    watched.step(asked);
    watched.succeeds(&["show", "-json"]);
    watched.succeeds(&["apply", "-json", "-destroy", "-auto-approve"]);
    // Two generations in three places; all hold the token itself.
    watched.nothing_leaked(2);
    watched.saw(&[
        "file terraform.tfstate",
        "file terraform.tfstate.backup",
        "file saved, opened",
    ]);
}

#[test]
fn healing_and_a_map_of_targets_that_changes_show_no_value() {
    let template = "targets = {\n    runtime = { ssm_parameter = { name = \"/molecule/production/FLY_API_TOKEN\" } }\n    \
                    worker = { template = \"token={{ value | base64 }}\", fly_secret = { app = \"molecule-worker\" } }\n  }";
    let mut watched = Watched::new();
    watched.step(&[FLY_TOKEN, SSM_TARGET, A_DAY]);
    watched.step(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    // GitHub's clock counts whole seconds.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    watched
        .story
        .sandbox
        .seed(json!({ "github": { "repositories": { REPOSITORY: { "secrets": { NAME: "typed by hand" } } } } }));
    watched.step(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    watched
        .story
        .sandbox
        .seed(json!({ "aws": { "parameters": { PARAMETER: "overwritten by hand" } } }));
    watched.step(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    watched.step(&[FLY_TOKEN, template, A_DAY]);
    watched.nothing_leaked(4);
    watched.saw(&["file terraform.tfstate.backup", "file saved, opened"]);
}

#[test]
fn a_create_that_reaches_no_target_shows_no_value() {
    let mut watched = Watched::new();
    watched.story.configure(&[FLY_TOKEN, FLY_TARGET]);
    watched
        .story
        .sandbox
        .lasting_fault("POST /v1/apps/molecule-cp/secrets", "forbidden");
    let (status, said) = watched.run(&["apply", "-auto-approve"]);
    assert_eq!(status, Some(1), "{said}");
    assert!(
        said.contains("[redacted]"),
        "the vendor did not repeat the value: {said}"
    );
    watched.nothing_leaked(1);
}

#[test]
fn a_readable_target_that_fails_while_it_is_read_shows_no_value() {
    let mut watched = Watched::new();
    watched.story.workspace.set("AWS_MAX_ATTEMPTS", "1");
    watched.step(&[FLY_TOKEN, SSM_TARGET, A_DAY]);
    watched.story.configure(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    watched
        .story
        .sandbox
        .lasting_fault("AmazonSSM.GetParameter", "error_after");
    let (status, said) = watched.run(&["apply", "-auto-approve"]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("its own words are not shown"), "{said}");
    watched.nothing_leaked(1);
}
