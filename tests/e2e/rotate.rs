//! When a secret is renewed, what the plan says about it, and when the old credential ends.

use serde_json::Value;

use crate::key_life::{Key, presented};
use crate::story::{A_DAY, FLY_TARGET, FLY_TOKEN, Story, THREE_TARGETS};
use crate::truth::{alive, ours, the_token, three_targets_hold};

#[test]
fn rotation_reason_rotates_once_and_clearing_it_does_nothing() {
    let story = Story::begun(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    let old = the_token(&story);
    story.configure(&[
        FLY_TOKEN,
        THREE_TARGETS,
        A_DAY,
        "rotation_reason = \"left with a contractor\"",
    ]);
    let plan = story.plan();
    for line in [
        "~ generation     = 1 -> 2",
        "\"created\" -> \"left with a contractor\"",
        "Plan: 0 to add, 1 to change, 0 to destroy.",
    ] {
        assert!(plan.contains(line), "{line} is not in\n{plan}");
    }
    assert!(!plan.contains("\n      ~ id "), "{plan}");
    story.apply();
    let tokens = alive(&story);
    assert_eq!(tokens.len(), 2, "the old one overlaps: {tokens:?}");
    assert!(tokens[1].name.ends_with("-g2"));
    three_targets_hold(&story, &tokens[1].value);
    let attributes = story.attributes();
    assert_eq!(attributes["last_rotation"]["reason"], "left with a contractor");
    assert_eq!(attributes["phase"], "overlapping");
    assert_eq!(attributes["credentials"]["1"]["credential_id"], old.id.as_str());
    assert_eq!(attributes["credentials"]["1"]["status"], "overlapping");
    story.sandbox.forget_calls();
    story.configure(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    story.apply();
    story.wrote_nothing();
    assert_eq!(story.attributes()["generation"], 2);
}

#[test]
fn the_old_token_is_revoked_by_its_own_step_after_the_overlap() {
    let mut story = Story::begun(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    let old = the_token(&story);
    let lines = [FLY_TOKEN, THREE_TARGETS, A_DAY, "rotation_reason = \"once\""];
    story.configure(&lines);
    story.apply();
    story.clock("23h");
    story.settled();
    assert_eq!(alive(&story).len(), 2);
    story.clock("25h");
    let plan = story.plan();
    let step = format!("+ \"revoke generation 1 ({}) at Fly app molecule-cp", old.id);
    for words in [
        step.as_str(),
        "its overlap ended ",
        "once every target holds generation 2",
    ] {
        assert!(plan.contains(words), "{words} is not in\n{plan}");
    }
    assert!(!plan.contains("\n      ~ generation "), "{plan}");
    assert!(!plan.contains("\n      ~ deliveries"), "{plan}");
    story.sandbox.forget_calls();
    story.apply();
    let writes = story.writes();
    assert_eq!(writes.len(), 1, "only the revocation: {writes:#?}");
    let newest = the_token(&story);
    assert!(newest.name.ends_with("-g2"));
    three_targets_hold(&story, &newest.value);
    let attributes = story.attributes();
    assert_eq!(attributes["phase"], "settled");
    assert!(attributes["last_rotation"]["revoked"].to_string().contains(&old.id));
    // The entry whose status the plan left open stays until the next change.
    assert_eq!(attributes["credentials"]["1"]["status"], "disabled");
    story.settled();
    story.configure(&[FLY_TOKEN, THREE_TARGETS, A_DAY, "rotation_reason = \"again\""]);
    let plan = story.plan();
    assert!(plan.contains("- \"1\" = {"), "{plan}");
    story.apply();
    let attributes = story.attributes();
    let generations: Vec<&String> = attributes["credentials"].as_object().unwrap().keys().collect();
    assert_eq!(generations, ["2", "3"]);
}

#[test]
fn without_a_deferred_target_the_old_token_ends_with_the_rotation() {
    let story = Story::begun(&[FLY_TOKEN, FLY_TARGET]);
    story.configure(&[FLY_TOKEN, FLY_TARGET, "rotation_reason = \"once\""]);
    story.sandbox.forget_calls();
    story.apply();
    let newest = the_token(&story);
    assert!(newest.name.ends_with("-g2"));
    let writes = story.writes();
    let last = writes.last().unwrap();
    assert!(
        last.contains("deleteLimitedAccessToken"),
        "revocation is last: {writes:#?}"
    );
    assert_eq!(story.attributes()["phase"], "settled");
}

#[test]
fn a_schedule_rotates_when_it_is_due_and_keeps_its_grid() {
    let lines = [
        FLY_TOKEN,
        THREE_TARGETS,
        "overlap = \"1d\"",
        "rotation {\n    every = \"30d\"\n    early = \"2d\"\n  }",
    ];
    let mut story = Story::begun(&lines);
    let anchor = story.attributes()["rotate_after"].as_str().unwrap().to_owned();
    story.clock("27d");
    story.settled();
    story.clock("28d1h");
    let plan = story.plan();
    assert!(plan.contains(&format!("every 30d, due {anchor}, 2d early")), "{plan}");
    assert!(plan.contains("~ generation     = 1 -> 2"), "{plan}");
    story.apply();
    assert_eq!(story.attributes()["generation"], 2);
    let next = story.attributes()["rotate_after"].as_str().unwrap().to_owned();
    let instant = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    let step = instant(&next).duration_since(instant(&anchor));
    assert_eq!(step, jiff::SignedDuration::from_hours(30 * 24), "{anchor} -> {next}");
}

#[test]
fn a_token_that_expires_is_renewed_without_a_schedule() {
    let source = r#"source = { fly_token = { app = "molecule-cp", expires_in = "240h" } }"#;
    let mut story = Story::begun(&[source, FLY_TARGET]);
    story.clock("6d");
    story.settled();
    story.clock("7d");
    let plan = story.plan();
    assert!(plan.contains("the credential expires at "), "{plan}");
    story.run(&["apply", "-auto-approve"]).success();
    // The sandbox's clock stands: its new token ends ten days from now, not from the moved instant.
    story.clock("0s");
    story.settled();
    assert_eq!(story.attributes()["generation"], 2);
}

#[test]
fn a_changed_trigger_rotates_and_an_added_or_removed_one_does_not() {
    let with = |triggers: &str| format!("rotation {{\n    triggers = {{ {triggers} }}\n  }}");
    let story = Story::begun(&[FLY_TOKEN, FLY_TARGET, &with("laptop = \"ann\"")]);
    story.sandbox.forget_calls();
    story.configure(&[FLY_TOKEN, FLY_TARGET, &with("laptop = \"ann\", office = \"x\"")]);
    story.apply();
    story.configure(&[FLY_TOKEN, FLY_TARGET, &with("laptop = \"ann\"")]);
    story.apply();
    story.wrote_nothing();
    story.configure(&[FLY_TOKEN, FLY_TARGET, &with("laptop = \"ben\"")]);
    let plan = story.plan();
    assert!(plan.contains("triggers[\\\"laptop\\\"] changed"), "{plan}");
    story.apply();
    assert_eq!(story.attributes()["generation"], 2);
    the_token(&story);
}

#[test]
fn manual_revocation_is_left_to_a_person_and_remembered() {
    let lines = [
        FLY_TOKEN,
        FLY_TARGET,
        "overlap = \"1h\"",
        "revoke {\n    mode = \"manual\"\n  }",
    ];
    let mut story = Story::begun(&lines);
    let old = the_token(&story);
    story.configure(&[&lines[..], &["rotation_reason = \"once\""]].concat());
    story.apply();
    story.clock("2h");
    story.sandbox.forget_calls();
    story.run(&["apply", "-auto-approve"]).success();
    story.settled();
    story.wrote_nothing();
    let notices = story.attributes()["notices"].to_string();
    assert!(
        notices.contains(&old.id) && notices.contains("revoke_by_hand"),
        "{notices}"
    );
    assert_eq!(alive(&story).len(), 2);
}

#[test]
fn a_source_with_other_arguments_overlaps_and_the_old_token_ends_at_its_old_issuer() {
    let lines = [FLY_TARGET, "overlap = \"1h\""];
    let mut story = Story::begun(&[&lines[..], &[FLY_TOKEN]].concat());
    let old = the_token(&story);
    let elsewhere = r#"source = { fly_token = { organization = "molecule", expires_in = "2400h" } }"#;
    story.configure(&[&lines[..], &[elsewhere]].concat());
    let plan = story.plan();
    assert!(plan.contains("source fly_token changed: app, organization"), "{plan}");
    story.apply();
    let tokens = alive(&story);
    assert_eq!(tokens.len(), 2);
    assert_eq!(
        (tokens[0].owner.as_str(), tokens[1].owner.as_str()),
        ("app:molecule-cp", "organization:molecule")
    );
    story.clock("2h");
    let plan = story.plan();
    assert!(plan.contains(&format!("revoke generation 1 ({})", old.id)), "{plan}");
    story.apply();
    assert_eq!(the_token(&story).owner, "organization:molecule");
    assert_eq!(ours(&story).len(), 2);
}

#[test]
fn a_source_of_another_kind_takes_over_and_the_old_token_ends() {
    let lines = [FLY_TARGET, "overlap = \"1h\""];
    let mut story = Story::begun(&[&lines[..], &[FLY_TOKEN]].concat());
    story.configure(
        &[
            &lines[..],
            &["source = { random = { bytes = 32, encoding = \"hex\" } }"],
        ]
        .concat(),
    );
    let plan = story.plan();
    assert!(plan.contains("source changed from fly_token to random"), "{plan}");
    story.apply();
    assert_eq!(alive(&story).len(), 1);
    story.clock("2h");
    story.apply();
    assert_eq!(alive(&story), []);
}

#[test]
fn a_token_works_until_its_overlap_ends() {
    let answers = |story: &Story, token: &str| presented(story, token, "GET", "/v1/apps/molecule-cp", &Value::Null);
    let token = Key {
        vendor: "fly",
        own: ("token", "FLY_API_TOKEN"),
        urls: &[("api_url", "FLY_FLAPS_BASE_URL"), ("graphql_url", "FLY_API_BASE_URL")],
        source: r#"fly_token = { app = "molecule-cp", expires_in = "2400h" }"#,
        answers,
    };
    token.live();
}
