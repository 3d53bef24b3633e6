//! What every value must look like: what does not is never delivered.

use crate::story::{FLY_TARGET, FLY_TOKEN, NAME, PARAMETER, SSM_TARGET, Story, resource, says};
use crate::truth::{alive, fly_secret, ours, parameter, the_token};

const RANDOM: &str = "source = { random = { bytes = 32, encoding = \"hex\" } }";

fn format(rules: &str) -> String {
    format!("format {{\n    {rules}\n  }}")
}

#[test]
fn a_token_of_another_form_is_revoked_and_never_delivered() {
    let story = Story::new();
    story.configure(&[FLY_TOKEN, FLY_TARGET, &format("prefix = \"napi_\"")]);
    let said = story.fails();
    says(
        &said,
        &[
            "The new value does not have the format of this secret",
            "It does not begin with \"napi_\"",
            "was revoked",
        ],
    );
    assert_eq!(ours(&story).len(), 1);
    assert_eq!(alive(&story), []);
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), None);
    assert!(story.has_no_state());
    story.configure(&[FLY_TOKEN, FLY_TARGET, &format("prefix = \"FlyV1 fm2_\"")]);
    story.apply();
    let first = the_token(&story);
    assert!(!said.contains(&first.value));
    // A format that comes later is one of new values, and changes nothing by itself.
    story.configure(&[FLY_TOKEN, FLY_TARGET, &format("prefix = \"napi_\"")]);
    story.apply();
    story.configure(&[
        FLY_TOKEN,
        FLY_TARGET,
        &format("prefix = \"napi_\""),
        "rotation_reason = \"once\"",
    ]);
    says(
        &story.fails(),
        &[
            "It does not begin with \"napi_\"",
            "control_plane still holds generation 1",
        ],
    );
    assert_eq!(
        fly_secret(&story, "molecule-cp", NAME).as_deref(),
        Some(first.value.as_str())
    );
    story.configure(&[
        FLY_TOKEN,
        FLY_TARGET,
        &format("pattern = \"FlyV1 .+\""),
        "rotation_reason = \"once\"",
    ]);
    story.apply();
    assert_eq!(alive(&story).len(), 1);
    assert_ne!(the_token(&story), first);
}

#[test]
fn a_generated_value_that_its_consumers_cannot_read_is_not_delivered() {
    let story = Story::new();
    story.configure(&[RANDOM, SSM_TARGET, &format("encoding = \"base64\"\n    bytes    = 32")]);
    says(&story.fails(), &["It does not decode to 32 bytes (format.bytes)"]);
    assert_eq!(parameter(&story, PARAMETER), None);
    assert!(story.has_no_state());
    story.configure(&[RANDOM, SSM_TARGET, &format("encoding = \"hex\"\n    bytes    = 32")]);
    story.apply();
    assert_eq!(parameter(&story, PARAMETER).unwrap().len(), 64);
}

#[test]
fn a_supplied_value_of_another_form_is_refused_by_the_plan() {
    let story = Story::new();
    let rules = format("prefix  = \"sk_live_\"\n    pattern = \"sk_live_[A-Za-z0-9]{8,}\"");
    let supplied = "source = { provided = {} }\n  value_wo = var.value\n  value_wo_version = 1";
    let configure = |value: &str| {
        let variable = format!("variable \"value\" {{\n  default = {value:?}\n}}\n");
        story.write(&format!(
            "{variable}{}",
            resource("it", NAME, &[supplied, SSM_TARGET, &rules])
        ));
    };
    configure("sk_test_51HxYzAbC");
    let said = story.refused("plan");
    says(&said, &["value_wo cannot be used", "does not begin with \"sk_live_\""]);
    assert!(!said.contains("51HxYzAbC"), "{said}");
    configure("sk_live_51Hx");
    says(&story.refused("plan"), &["It does not match format.pattern as a whole"]);
    configure("sk_live_51HxYzAbC");
    story.apply();
    assert_eq!(parameter(&story, PARAMETER).as_deref(), Some("sk_live_51HxYzAbC"));
}

#[test]
fn rules_that_make_no_sense_are_refused() {
    let story = Story::new();
    for (rules, words) in [
        ("pattern = \"[a-\"", "format.pattern is not a regular expression"),
        ("pattern = \"a)(b\"", "format.pattern is not a regular expression"),
        ("bytes = 32", "format.bytes requires format.encoding"),
        (
            "encoding = \"base32\"",
            "format.encoding must be one of \"hex\", \"base64\", \"base64url\"",
        ),
    ] {
        story.configure(&[RANDOM, SSM_TARGET, &format(rules)]);
        says(&story.refused("validate"), &[words]);
    }
    let pair = "source = { key_pair = { algorithm = \"ed25519\" } }";
    let target = r#"targets = { runtime = { part = "private_key_pem", ssm_parameter = { name = "/key" } } }"#;
    story.configure(&[pair, target, &format("prefix = \"-----BEGIN\"")]);
    says(
        &story.refused("validate"),
        &["format cannot be used", "private_key_pem, public_key_pem"],
    );
}
