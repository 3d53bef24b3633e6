//! What AWS refuses of a parameter: tags after the write, type and tier before the mint.

use serde_json::{Value, json};

use crate::story::{A_DAY, FLY_TOKEN, NAME, PARAMETER, Story, unframed};
use crate::truth::{alive, fly_secret, ours, parameter, password};
const TAGGED: &str = r#"targets = {
    parameter = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN", tags = { owner = "me" } } }
    app       = { wave = 2, fly_secret = { app = "molecule-cp" } }
  }"#;

/// A reason to rotate.
fn because(reason: &str) -> String {
    format!("rotation_reason = {reason:?}")
}

fn in_parameter(story: &Story, attribute: &str) -> Value {
    story.sandbox.state()["aws"]["ssm"][PARAMETER][attribute].clone()
}

#[test]
fn tags_that_are_denied_cost_one_credential_and_hold_nothing_back() {
    let story = Story::begun(&[FLY_TOKEN, TAGGED, A_DAY]);
    assert_eq!(in_parameter(&story, "tags"), json!({ "owner": "me" }));
    let retagged = TAGGED.replace("\"me\"", "\"platform\"");
    let lines = [
        FLY_TOKEN,
        &retagged,
        &because("left with a contractor"),
        "overlap = \"0s\"",
    ];
    story.configure(&lines);
    story.sandbox.lasting_fault("AddTagsToResource", "forbidden");

    // A role without ssm:AddTagsToResource: every apply says so, and mints nothing after the first.
    for apply in 0..3 {
        let said = unframed(&story.fails());
        assert!(
            said.contains("ssm:AddTagsToResource on arn:aws:ssm:us-east-1"),
            "{said}"
        );
        assert_eq!(said.matches("Error: ").count(), 1, "{said}");
        assert_eq!(ours(&story).len(), 2, "apply {apply}");
        let [token] = &alive(&story)[..] else {
            panic!("{:?}", alive(&story))
        };
        for held in [parameter(&story, PARAMETER), fly_secret(&story, "molecule-cp", NAME)] {
            assert_eq!(held.as_ref(), Some(&token.value), "apply {apply}");
        }
        assert_eq!(in_parameter(&story, "version"), 2, "apply {apply}");
        let attributes = story.attributes();
        assert_eq!(attributes["generation"], 2);
        for target in ["parameter", "app"] {
            assert_eq!(attributes["deliveries"][target]["status"], "current", "{target}");
        }
    }
    assert_eq!(in_parameter(&story, "tags"), json!({ "owner": "me" }));

    story.sandbox.heal();
    story.sandbox.forget_calls();
    story.apply();
    let [only] = &story.writes()[..] else {
        panic!("{:?}", story.writes())
    };
    assert!(only.contains("AddTagsToResource"), "{only}");
    assert_eq!(in_parameter(&story, "tags"), json!({ "owner": "platform" }));
}

#[test]
fn what_cannot_be_written_is_refused_while_the_old_password_works() {
    let lines = |tail: &str, reason: &str| {
        let targets = format!(
            r#"targets = {{
    app       = {{ part = "uri", fly_secret = {{ app = "molecule-cp" }} }}
    parameter = {{ wave = 2, part = "uri", ssm_parameter = {{ name = {PARAMETER:?}, {tail} }} }}
  }}"#
        );
        const SOURCE: &str = r#"source = { neon_role_password = {
    project_id = "quiet-river-12345678", branch_id = "br-main-123456", role = "app" } }"#;
        [SOURCE.to_owned(), targets, because(reason)]
    };
    let configure = |story: &Story, tail: &str, reason: &str| {
        story.configure(&lines(tail, reason).each_ref().map(String::as_str));
    };
    for (before, after, why) in [
        (
            "tier = \"Advanced\"",
            "tier = \"Standard\"",
            "it is Advanced; AWS does not downgrade: set tier = \"Advanced\" or delete the parameter",
        ),
        (
            "type = \"String\"",
            "type = \"SecureString\"",
            "it is a String, `type` is \"SecureString\"",
        ),
    ] {
        let story = Story::new();
        configure(&story, before, "first");
        story.apply();
        let works = password(&story, "app");
        let held = fly_secret(&story, "molecule-cp", NAME).unwrap();

        configure(&story, after, "second");
        for _ in 0..2 {
            story.sandbox.forget_calls();
            let said = unframed(&story.fails());
            assert!(said.contains(why), "{said}");
            story.wrote_nothing();
        }
        assert_eq!(password(&story, "app"), works);
        for holder in [fly_secret(&story, "molecule-cp", NAME), parameter(&story, PARAMETER)] {
            assert_eq!(holder.as_ref(), Some(&held));
        }

        // The way out that the error names.
        configure(&story, before, "second");
        story.apply();
        assert_ne!(password(&story, "app"), works);
        assert_ne!(parameter(&story, PARAMETER).unwrap(), held);
    }
}

#[test]
fn a_create_whose_tags_are_denied_is_made_good_without_another_credential() {
    let story = Story::new();
    story
        .sandbox
        .seed(json!({ "aws": { "parameters": { PARAMETER: "by hand" } } }));
    story.configure(&[FLY_TOKEN, TAGGED, A_DAY, "on_existing = \"replace\""]);
    story.sandbox.lasting_fault("AddTagsToResource", "forbidden");
    // Terraform taints it; the replacement resumes, and does what is left.
    for _ in 0..2 {
        let said = unframed(&story.fails());
        assert!(said.contains("ssm:AddTagsToResource"), "{said}");
        assert_eq!(ours(&story).len(), 1);
    }
    story.sandbox.heal();
    story.apply();
    assert_eq!(ours(&story).len(), 1);
    assert_eq!(in_parameter(&story, "tags"), json!({ "owner": "me" }));
}
