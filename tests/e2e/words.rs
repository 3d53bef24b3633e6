//! What people read, whole: plans and errors as they were approved, kept by insta under `snapshots`.
//!
//! A change of a text shows as a difference to review (`cargo insta review`, or `INSTA_UPDATE=always`).

use serde_json::json;

use crate::story::{A_DAY, FLY_TOKEN, Story, THREE_TARGETS};

/// What is another in every run, or with every core: OpenTofu names itself in the frame of a plan, and shows a changed element of a list as
/// one that goes and one that comes.
const CHANGING: [(&str, &str); 9] = [
    (r"\bOpenTofu will perform", "Terraform will perform"),
    (
        r#"(?m)^( *)~ ("(?:[^"\\]|\\.)*") -> ("(?:[^"\\]|\\.)*"),$"#,
        "$1- $2,\n$1+ $3,",
    ),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "<instant>"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:<port>"),
    (r"\b[0-9a-f]{32}\b", "<id>"),
    (r"-rot-[0-9a-f]{12}-g", "-rot-<id>-g"),
    (r"[0-9a-f]{16}@\d+", "<revision>"),
    (r"\x22duration\x22 = \x22\d+s\x22", "\"duration\" = \"<duration>\""),
    (r"(?s)^.*?(Terraform will perform|Note: Objects|Error: )", "$1"),
];

/// Compares with what was approved under this name.
macro_rules! reads {
    ($name:literal, $said:expr) => {
        insta::with_settings!({ filters => CHANGING, omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!($name, $said);
        });
    };
}

const ASKED: &str = "rotation_reason = \"2026-11-22: left with a contractor\"";

#[test]
fn the_plans_of_a_secret_s_life() {
    let mut story = Story::new();
    story.configure(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    let plan = story.plan();
    reads!("plan_of_a_create", plan);
    // As OpenTofu frames it.
    reads!("plan_of_a_create", plan.replace("Terraform will", "OpenTofu will"));
    story.apply();
    story.a_second_later().sandbox.seed(json!({
        "github": { "repositories": { "molecule-ai/molecule-monorepo": { "secrets": { "FLY_API_TOKEN": "typed by hand" } } } }
    }));
    reads!("plan_of_a_healing", story.plan());
    story.apply();
    story.configure(&[FLY_TOKEN, THREE_TARGETS, A_DAY, ASKED]);
    reads!("plan_of_a_rotation", story.plan());
    story.apply();
    story.clock("25h");
    reads!("plan_of_a_revocation", story.plan());
    story.apply();
    reads!("plan_of_a_destroy", story.run(&["plan", "-destroy"]).success());
}

#[test]
fn the_errors_of_a_rotation_that_fails_half_way() {
    let story = Story::begun(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    // State has whole seconds: of a rotation that begins in the second of the create, the record cannot be told from that of the create.
    story.a_second_later();
    story.configure(&[FLY_TOKEN, THREE_TARGETS, A_DAY, ASKED]);
    story.sandbox.lasting_fault("AmazonSSM.PutParameter", "forbidden");
    let said = story.fails();
    let (_, error) = said.split_once("\nError: ").unwrap();
    reads!("error_of_a_target_that_refuses", format!("Error: {error}"));
    story.sandbox.heal();
    reads!("plan_of_what_is_left", story.plan());
    story.apply();
    story.sandbox.lasting_fault("/graphql", "unauthorized");
    let said = story.run(&["plan"]).success();
    let (_, warning) = said
        .split_once("\nWarning: source.fly_token")
        .unwrap_or_else(|| panic!("{said}"));
    reads!(
        "warning_of_a_token_that_is_no_good",
        format!("Warning: source.fly_token{warning}")
    );
}
