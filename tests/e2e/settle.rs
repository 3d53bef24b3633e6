//! Targets whose consumers go on using the old value for a while.

use serde_json::{Value, json};

use crate::drift::as_fly;
use crate::story::{FLY_TOKEN, Story, says};
use crate::truth::alive;

const TWO: &str = r#"targets = {
    plain   = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
    workers = { wave = 2, settle = "2h", fly_secret = { app = "molecule-cp" } }
  }"#;
const ONE: &str =
    r#"targets = { workers = { settle = "2h", ssm_parameter = { name = "/molecule/workers/FLY_API_TOKEN" } } }"#;
const RESTART: &str = r#"targets = { control_plane = { settle = "90m", fly_secret = { app = "molecule-cp" } } }"#;

fn instant(value: &Value) -> jiff::Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

#[test]
fn the_old_credential_is_kept_until_consumers_have_settled() {
    let mut story = Story::begun(&[FLY_TOKEN, RESTART]);
    story.configure(&[FLY_TOKEN, RESTART, "rotation_reason = \"once\""]);
    says(&story.plan(), &["valid for 1h30m; a later apply revokes it"]);
    story.apply();
    assert_eq!(alive(&story).len(), 2);
    let attributes = story.attributes();
    assert_eq!(attributes["phase"], "overlapping");
    assert_eq!(attributes["next_action_at"], attributes["revoke_after"]);
    story.clock("89m");
    story.settled();
    story.clock("92m");
    story.apply();
    assert_eq!(alive(&story).len(), 1);
}

#[test]
fn settling_stands_for_an_overlap_where_one_has_to_be_written() {
    let story = Story::new();
    story.configure(&[
        FLY_TOKEN,
        r#"targets = { runtime = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } } }"#,
    ]);
    assert!(story.refused("validate").contains("`settle` of the target"));
    story.configure(&[FLY_TOKEN, ONE]);
    story.apply();
}

#[test]
fn what_is_written_again_settles_again() {
    let mut story = Story::begun(&[FLY_TOKEN, TWO, "overlap = \"1h\""]);
    let lines = [FLY_TOKEN, TWO, "overlap = \"1h\"", "rotation_reason = \"once\""];
    story.configure(&lines);
    story.apply();
    let first = instant(&story.attributes()["revoke_after"]);
    story.clock("90m");
    assert_eq!(as_fly(&story, "POST", &json!({ "value": "typed by hand" })), 201);
    story.apply();
    let next = instant(&story.attributes()["next_action_at"]);
    let later = next.duration_since(first).as_mins();
    assert!((89..=91).contains(&later), "{later} minutes");
    // The overlap of the rotation has ended, and the workers have not settled.
    story.clock("150m");
    story.settled();
    assert_eq!(alive(&story).len(), 2);
    story.clock("4h");
    story.apply();
    assert_eq!(alive(&story).len(), 1);
}

#[test]
fn what_changed_after_the_plan_is_looked_at_before_the_revocation() {
    let mut story = Story::begun(&[FLY_TOKEN, TWO, "overlap = \"1h\""]);
    story.configure(&[FLY_TOKEN, TWO, "overlap = \"1h\"", "rotation_reason = \"once\""]);
    story.apply();
    story.clock("3h");
    assert_eq!(as_fly(&story, "POST", &json!({ "value": "typed by hand" })), 201);
    // One plan heals and revokes: the write starts the time of the workers anew, so the old credential stays.
    let said = story.run(&["apply", "-auto-approve"]).success();
    says(&said, &["consumers of target workers may use the old value until"]);
    assert_eq!(alive(&story).len(), 2);
    story.settled();
    story.clock("6h");
    story.apply();
    assert_eq!(alive(&story).len(), 1);
}

#[test]
fn a_shorter_time_counts_at_once_and_an_incident_does_not_wait() {
    let story = Story::begun(&[FLY_TOKEN, RESTART]);
    story.configure(&[FLY_TOKEN, RESTART, "rotation_reason = \"once\""]);
    story.apply();
    story.configure(&[FLY_TOKEN, &RESTART.replace("90m", "0s"), "rotation_reason = \"once\""]);
    says(
        &story.plan(),
        &["a shorter overlap revokes generation 1", "stayed valid for 1h30m"],
    );
    story.apply();
    assert_eq!(alive(&story).len(), 1);

    let secret = crate::story::resource(
        "it",
        crate::story::NAME,
        &[FLY_TOKEN, RESTART, "rotation_reason = \"once\""],
    );
    story.write(&secret);
    story.apply();
    story.write_all(&format!(
        "provider \"rotation\" {{\n  namespace = \"production\"\n  incident {{\n    id = \"i1\"\n    reason = \"leaked\"\n    all = true\n  \
         }}\n}}\n{secret}"
    ));
    story.apply();
    assert_eq!(alive(&story).len(), 1);
    assert_eq!(story.attributes()["generation"], 3);
}

#[test]
fn settling_without_an_old_credential_has_no_effect() {
    let story = Story::new();
    story.configure(&[r#"source = { random = { bytes = 32, encoding = "hex" } }"#, ONE]);
    says(&story.plan(), &["settle has no effect", "there is nothing to revoke"]);
    story.configure(&[FLY_TOKEN, &ONE.replace("2h", "soon")]);
    assert!(story.refused("validate").contains("is not a duration"));
}
