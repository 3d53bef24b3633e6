//! Guarded secrets: nothing happens to them that nobody confirmed.

use serde_json::json;

use crate::drift::as_fly;
use crate::gate::revoke_as_fly;
use crate::story::{A_DAY, FLY_TOKEN, Story, unframed};
use crate::truth::{alive, the_token};

/// A readable target in the first wave, so that a rotation can be resumed.
const TARGETS: &str = r#"targets = {
    control_plane = { wave = 2, fly_secret = { app = "molecule-cp" } }
    runtime       = { wave = 1, ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
  }"#;

const CONSEQUENCE: &str = "every tenant is unreachable";

fn guard(confirm: Option<&str>) -> String {
    let confirm = confirm.map_or_else(String::new, |what| {
        format!("\n    confirm     = \"{what}: {CONSEQUENCE}\"")
    });
    format!("guard {{\n    consequence = \"{CONSEQUENCE}\"{confirm}\n  }}")
}

#[test]
fn a_rotation_that_is_asked_for_needs_the_line_that_the_plan_prints() {
    let story = Story::begun(&[FLY_TOKEN, TARGETS, A_DAY, &guard(None)]);
    let asks = "rotation_reason = \"left with a contractor\"";
    story.configure(&[FLY_TOKEN, TARGETS, A_DAY, &guard(None), asks]);
    story.sandbox.forget_calls();
    let refused = story.refused("plan");
    for words in [
        "FLY_API_TOKEN is guarded",
        "This plan would put generation 2",
        &format!("confirm = \"2: {CONSEQUENCE}\""),
    ] {
        assert!(refused.contains(words), "{words} is not in\n{refused}");
    }
    story.configure(&[FLY_TOKEN, TARGETS, A_DAY, &guard(Some("3")), asks]);
    assert!(story.refused("plan").contains("FLY_API_TOKEN is guarded"));
    story.wrote_nothing();
    story.configure(&[FLY_TOKEN, TARGETS, A_DAY, &guard(Some("2")), asks]);
    story.apply();
    assert_eq!(story.attributes()["generation"], 2);
    // The confirmation named one generation.
    story.configure(&[
        FLY_TOKEN,
        TARGETS,
        A_DAY,
        &guard(Some("2")),
        "rotation_reason = \"again\"",
    ]);
    assert!(
        story
            .refused("plan")
            .contains(&format!("confirm = \"3: {CONSEQUENCE}\""))
    );
}

#[test]
fn what_nobody_asked_for_is_a_notice() {
    let every = "rotation {\n    every = \"30d\"\n  }";
    let mut story = Story::begun(&[FLY_TOKEN, TARGETS, A_DAY, &guard(None), every]);
    story.sandbox.forget_calls();
    story.clock("31d");
    let due = unframed(&story.settled());
    for words in [
        "FLY_API_TOKEN: guarded, overdue",
        "The rotation (every 30d, due since",
        "waits for confirmation. Consequence: every tenant is unreachable",
        &format!("confirm = \"2: {CONSEQUENCE}\""),
    ] {
        assert!(due.contains(words), "{words} is not in\n{due}");
    }
    story.clock("0s");
    assert_eq!(as_fly(&story, "POST", &json!({ "value": "typed by hand" })), 201);
    story.sandbox.forget_calls();
    let drifted = unframed(&story.settled());
    for words in [
        "changed outside Terraform",
        "The secret is guarded, so the entry was left as it is.",
    ] {
        assert!(drifted.contains(words), "{words} is not in\n{drifted}");
    }
    story.wrote_nothing();
    // Confirmed, what is due happens.
    story.clock("31d");
    story.configure(&[FLY_TOKEN, TARGETS, A_DAY, &guard(Some("2")), every]);
    story.apply();
    assert_eq!(story.attributes()["generation"], 2);
    assert_eq!(story.attributes()["last_rotation"]["cause"], "schedule");
}

#[test]
fn a_lost_value_of_a_guarded_secret_replaces_nothing() {
    let mut story = Story::begun(&[FLY_TOKEN, TARGETS, A_DAY, &guard(None)]);
    let token = the_token(&story);
    revoke_as_fly(&story, &token.id);
    // A list that lags leaves out what was just made.
    story.clock("1h");
    story.sandbox.forget_calls();
    let lost = unframed(&story.settled());
    assert!(lost.contains("no longer exists at its issuer"), "{lost}");
    assert!(lost.contains("waits for confirmation"), "{lost}");
    story.wrote_nothing();
    story.configure(&[FLY_TOKEN, TARGETS, A_DAY, &guard(Some("2"))]);
    story.apply();
    assert!(the_token(&story).name.ends_with("-g2"));
}

#[test]
fn a_destroy_needs_a_confirmation_that_was_applied_before() {
    let story = Story::begun(&[FLY_TOKEN, TARGETS, A_DAY, &guard(None)]);
    story.sandbox.forget_calls();
    let refused = story.run(&["apply", "-destroy", "-auto-approve"]);
    assert_eq!(refused.status, 1, "{}", refused.output);
    let said = unframed(&refused.output);
    for words in [
        "FLY_API_TOKEN is guarded",
        "Nothing was deleted or revoked",
        &format!("confirm = \"destroy: {CONSEQUENCE}\""),
    ] {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    // Nor does it go with its block.
    story.write("");
    assert!(story.refused("plan").contains("FLY_API_TOKEN is guarded"));
    story.wrote_nothing();
    story.configure(&[FLY_TOKEN, TARGETS, A_DAY, &guard(Some("destroy"))]);
    story.apply();
    story.destroy();
    assert!(alive(&story).is_empty());
}

#[test]
fn a_replacement_of_a_guarded_secret_changes_nothing() {
    let story = Story::begun(&[FLY_TOKEN, TARGETS, A_DAY, &guard(None)]);
    let token = the_token(&story);
    story.sandbox.forget_calls();
    let refused = story.run(&["apply", "-auto-approve", "-replace=rotation_secret.it"]);
    assert_eq!(refused.status, 1, "{}", refused.output);
    assert!(
        refused.output.contains("FLY_API_TOKEN is guarded"),
        "{}",
        refused.output
    );
    story.wrote_nothing();
    assert_eq!(the_token(&story).id, token.id);
}

#[test]
fn a_guard_says_what_breaks() {
    let story = Story::new();
    for (block, words) in [
        ("guard {\n  }".to_owned(), "guard.consequence"),
        (
            "guard {\n    consequence = \" \"\n  }".to_owned(),
            "guard.consequence cannot be used",
        ),
        (
            format!("guard {{\n    consequence = \"{CONSEQUENCE}\"\n    confirm = \"2\"\n  }}"),
            "guard.confirm does not repeat the consequence",
        ),
    ] {
        story.configure(&[FLY_TOKEN, TARGETS, A_DAY, &block]);
        let refused = story.refused("validate");
        assert!(refused.contains(words), "{words} is not in\n{refused}");
    }
    // Nothing that can be read back: an interrupted rotation would end for good.
    let fly = crate::story::FLY_TARGET;
    let story = Story::begun(&[FLY_TOKEN, fly, &guard(None)]);
    story.configure(&[FLY_TOKEN, fly, &guard(Some("2")), "rotation_reason = \"now\""]);
    assert!(
        story
            .refused("plan")
            .contains("a guarded secret requires escrow, or a target that can be read back")
    );
}
