//! What is unknown or wrong with one vendor's block concerns the secrets that use this vendor, and no other.

use serde_json::Value;

use crate::story::{NAME, PARAMETER, SSM_TARGET, Story, resource, says, unframed};
use crate::truth::{github_secret, parameter};

const HEX: &str = r#"source = { random = { bytes = 32, encoding = "hex" } }"#;
const GITHUB_TARGET: &str =
    r#"targets = { publish = { github_actions_secret = { repository = "molecule-ai/molecule-monorepo" } } }"#;
const REPOSITORY: &str = "molecule-ai/molecule-monorepo";

/// A provider block with these lines.
fn provider(lines: &str) -> String {
    format!("provider \"rotation\" {{\n  namespace = \"production\"\n{lines}\n}}\n")
}

/// The planned steps of a secret; null while they are unknown.
#[track_caller]
fn planned_steps(story: &Story, label: &str) -> Value {
    let planned = story.run(&["plan", "-out=saved.plan"]);
    assert_eq!(planned.status, 0, "{}", planned.output);
    let shown = story
        .workspace
        .command(&["show", "-json", "saved.plan"])
        .output()
        .unwrap();
    let plan: Value = serde_json::from_slice(&shown.stdout).unwrap();
    let changes = plan["resource_changes"].as_array().unwrap();
    let address = format!("rotation_secret.{label}");
    let change = changes.iter().find(|change| change["address"] == address.as_str());
    change.unwrap_or_else(|| panic!("{address} is not planned"))["change"]["after"]["steps"].clone()
}

#[test]
fn a_token_known_after_apply_leaves_only_its_own_secrets_undecided() {
    let mut story = Story::new();
    let token = story.sandbox.export("GITHUB_TOKEN").to_owned();
    story.workspace.set("GITHUB_TOKEN", "");
    let written = |turn: &str, reason: &str| {
        let made = format!(
            "resource \"terraform_data\" \"token\" {{\n  input = {{ token = {token:?}, turn = {turn:?} }}\n}}\n"
        );
        let github = "  github {\n    token = terraform_data.token.output.token\n  }";
        let reason = format!("rotation_reason = {reason:?}");
        let aws = resource("aws", NAME, &[HEX, SSM_TARGET, &reason]);
        let github = [
            provider(github),
            resource("github", "PUBLISH", &[HEX, GITHUB_TARGET, &reason]),
        ]
        .concat();
        story.write_all(&[made, github, aws].concat());
    };
    written("first", "once");
    let steps = planned_steps(&story, "aws");
    assert_eq!(
        steps[0],
        "mint generation 1, unless an interrupted create left one (then the next): 32 random bytes in hex"
    );
    assert_eq!(planned_steps(&story, "github"), Value::Null, "its token is not known");
    story.apply();
    let value = parameter(&story, PARAMETER).unwrap();
    assert!(github_secret(&story, REPOSITORY, "PUBLISH").is_some());

    // The token becomes unknown again: what is there stays as it is, and the rest goes on.
    written("second", "again");
    story.sandbox.forget_calls();
    assert_eq!(planned_steps(&story, "github"), Value::Null, "its token is not known");
    assert!(
        planned_steps(&story, "aws")[0]
            .as_str()
            .unwrap()
            .starts_with("mint generation 2")
    );
    story.wrote_nothing();
    story.apply();
    assert_ne!(parameter(&story, PARAMETER).unwrap(), value);
    for label in ["aws", "github"] {
        assert_eq!(story.attributes_of(label)["generation"], 2, "{label}");
    }
    story.destroy();
    assert!(parameter(&story, PARAMETER).is_none() && github_secret(&story, REPOSITORY, "PUBLISH").is_none());
}

#[test]
fn a_variable_that_cannot_be_used_is_told_to_those_who_need_it() {
    let mut story = Story::new();
    let aws = resource("aws", NAME, &[HEX, SSM_TARGET]);
    let github = resource("github", "PUBLISH", &[HEX, GITHUB_TARGET]);
    story.write_all(&[provider(""), aws.clone(), github.clone()].concat());
    story.apply();
    story.workspace.set("GITHUB_TOKEN", "two words");
    story.workspace.set("NEON_BASE_URL", "http://console.neon.tech/api/v2");
    story.workspace.set("GITHUB_OWNER", "https://github.com/x");

    // Who has no secret there hears nothing.
    story.write_all(&[provider(""), aws.clone()].concat());
    story.state(&["rm", "rotation_secret.github"]);
    let said = unframed(&story.settled());
    assert!(
        !said.contains("GITHUB") && !said.contains("NEON") && !said.contains("unreachable"),
        "{said}"
    );

    // A new secret there is an error at it, the other one is planned all the same.
    story.write_all(&[provider(""), aws, github].concat());
    let said = story.run(&["plan"]);
    assert_eq!(said.status, 1);
    says(
        &said.output,
        &[
            "The environment variable GITHUB_OWNER cannot be used",
            "with rotation_secret.github",
        ],
    );
    assert!(!unframed(&said.output).contains("NEON"), "{}", said.output);
}

#[test]
fn an_existing_secret_whose_variable_went_wrong_is_unknown_with_a_warning() {
    let mut story = Story::new();
    story.write_all(&[provider(""), resource("github", "PUBLISH", &[HEX, GITHUB_TARGET])].concat());
    story.apply();
    story.workspace.set("GITHUB_TOKEN", "two words");
    let outcome = story.run(&["plan", "-refresh-only"]);
    assert_eq!(outcome.status, 0, "{}", outcome.output);
    says(
        &outcome.output,
        &[
            "PUBLISH: cannot read publish (unreachable)",
            "The environment variable GITHUB_TOKEN cannot be used",
        ],
    );
    assert!(!outcome.output.contains("two words"), "{}", outcome.output);
}

#[test]
fn what_is_written_wrongly_is_an_error_at_once() {
    let story = Story::new();
    let aws = resource("aws", NAME, &[HEX, SSM_TARGET]);
    for (lines, words) in [
        (
            "  github {\n    base_url = \"http://github.example\"\n  }",
            &["github.base_url cannot be used", "plain http"][..],
        ),
        (
            "  connection \"x\" {\n  }",
            &[
                r#"connection["x"] has no account"#,
                "exactly one of these blocks: aws, fly, github,",
            ],
        ),
        (
            "  connection \"x\" {\n    fly {}\n    neon {}\n  }",
            &[r#"connection["x"] has 2 accounts: fly, neon"#],
        ),
        (
            "  connection \"x:y\" {\n    fly {}\n  }",
            &[r#"connection["x:y"] has a name that cannot be used"#],
        ),
        (
            "  connection \"default\" {\n    fly {}\n  }",
            &["stands for the provider's own accounts"],
        ),
        (
            "  connection \"x\" {\n    aws {\n      region = \"eu-west-1\"\n    }\n  }",
            &[
                r#"connection["x"].aws requires `profile` or `assume_role`"#,
                "Set `profile` or `assume_role`",
            ],
        ),
        (
            "  connection \"x\" {\n    http {\n      base_url = \"https://status.example.com\"\n      headers = {\n        Host = \"evil.example\"\n      }\n    }\n  }",
            &[r#"connection["x"].http.headers["Host"] cannot be used"#],
        ),
    ] {
        story.write_all(&[provider(lines), aws.clone()].concat());
        for command in ["validate", "plan"] {
            let said = story.run(&[command]);
            assert_eq!(said.status, 1, "{}", said.output);
            says(&said.output, words);
        }
    }
}
