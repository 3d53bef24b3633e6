//! Days and hours in which secrets are rotated and revoked, schedules that have passed, and a rotation with every apply.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::drift::as_fly;
use crate::story::{A_DAY, FLY_TARGET, FLY_TOKEN, Story, THREE_TARGETS, unframed};
use crate::truth::{alive, the_token};

const EVERY: &str = "every = \"30d\"";

/// A `rotation` block with a window from 02:00 to 06:00 on the third day after the one on which the first rotation is due.
struct Windowed {
    block: String,
    /// The first opening after that.
    opens: Timestamp,
}

impl Windowed {
    fn new(more: &str) -> Self {
        let due = Timestamp::now() + SignedDuration::from_hours(30 * 24);
        let day = (due + SignedDuration::from_hours(3 * 24))
            .to_zoned(jiff::tz::TimeZone::UTC)
            .date();
        let opens = day
            .at(2, 0, 0, 0)
            .to_zoned(jiff::tz::TimeZone::UTC)
            .unwrap()
            .timestamp();
        let name = day.strftime("%a").to_string().to_lowercase();
        let window =
            format!("window {{\n      days = [\"{name}\"]\n      from = \"02:00\"\n      to   = \"06:00\"\n    }}");
        let block = format!("rotation {{\n    {EVERY}\n    {more}\n    {window}\n  }}");
        Self { block, opens }
    }
}

/// Moves the clock to that instant.
fn clock_to(story: &mut Story, at: Timestamp) {
    let seconds = at.duration_since(Timestamp::now()).as_secs();
    story.clock(&format!("{seconds}s"));
}

/// The codes of the notices on record.
fn codes(attributes: &Value) -> Vec<&str> {
    let notices = attributes["notices"].as_array().unwrap();
    notices.iter().map(|notice| notice["code"].as_str().unwrap()).collect()
}

fn hours(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count)
}

#[test]
fn a_rotation_and_its_revocation_wait_for_the_window() {
    let window = Windowed::new("");
    let lines = [FLY_TOKEN, THREE_TARGETS, A_DAY, &window.block];
    let mut story = Story::begun(&lines);
    let due = story.attributes()["rotate_after"].as_str().unwrap().to_owned();
    let opens = window.opens.to_string();
    assert_eq!(
        story.attributes()["next_action_at"],
        opens.as_str(),
        "nothing can happen before"
    );

    clock_to(&mut story, window.opens - hours(24));
    let plan = unframed(&story.settled());
    for words in [
        "waiting_for_window",
        &format!("A new generation (every 30d, due since {due}) waits for"),
        &format!("02:00 UTC ({opens})"),
    ] {
        assert!(plan.contains(words), "{words} is not in\n{plan}");
    }
    story.run(&["apply", "-refresh-only", "-auto-approve"]).success();
    assert_eq!(codes(&story.attributes()), ["overdue", "waiting_for_window"]);
    assert_eq!(story.attributes()["next_action_at"], opens.as_str());
    assert_eq!(story.attributes()["pending"].as_array().unwrap().len(), 0);

    clock_to(&mut story, window.opens + hours(1));
    let plan = story.plan();
    for words in [
        "~ generation     = 1 -> 2",
        &format!("every 30d, due since {due}"),
        "; a later apply revokes it, in the window (",
    ] {
        assert!(plan.contains(words), "{words} is not in\n{plan}");
    }
    story.apply();
    assert_eq!(alive(&story).len(), 2);

    // The overlap ends outside the window.
    clock_to(&mut story, window.opens + hours(30));
    let waits = unframed(&story.settled());
    assert!(waits.contains("The revocation of generation 1"), "{waits}");
    let next = (window.opens + hours(7 * 24)).to_string();
    assert!(waits.contains(&next), "{next} is not in\n{waits}");
    story.run(&["apply", "-refresh-only", "-auto-approve"]).success();
    assert_eq!(story.attributes()["next_action_at"], next.as_str());
    assert_eq!(story.attributes()["phase"], "overlapping");

    clock_to(&mut story, window.opens + hours(7 * 24 + 3));
    let plan = story.plan();
    assert!(plan.contains("+ \"revoke generation 1"), "{plan}");
    story.apply();
    assert!(the_token(&story).name.ends_with("-g2"));
}

#[test]
fn a_plan_that_is_applied_after_the_window_closed_changes_nothing() {
    let window = Windowed::new("");
    let mut story = Story::begun(&[FLY_TOKEN, THREE_TARGETS, A_DAY, &window.block]);
    clock_to(&mut story, window.opens + hours(1));
    story.run(&["plan", "-out=saved"]).success();
    clock_to(&mut story, window.opens + hours(5));
    story.sandbox.forget_calls();
    let refused = story.run(&["apply", "saved"]);
    assert_eq!(refused.status, 1, "{}", refused.output);
    let next = (window.opens + hours(7 * 24)).to_string();
    for words in [
        "the window has closed since the plan",
        "Nothing was minted or changed",
        &next,
    ] {
        assert!(refused.output.contains(words), "{words} is not in\n{}", refused.output);
    }
    story.wrote_nothing();
    assert_eq!(story.attributes()["generation"], 1);
    story.settled();
    clock_to(&mut story, window.opens + hours(7 * 24 + 1));
    story.apply();
    assert_eq!(story.attributes()["generation"], 2);
}

#[test]
fn what_somebody_asks_for_does_not_wait_but_its_revocation_does() {
    let window = Windowed::new("");
    let lines = [FLY_TOKEN, FLY_TARGET, &window.block];
    let mut story = Story::begun(&lines);
    clock_to(&mut story, window.opens - hours(24));
    story.configure(&[
        FLY_TOKEN,
        FLY_TARGET,
        &window.block,
        "rotation_reason = \"a laptop was stolen\"",
    ]);
    let said = story.apply();
    assert_eq!(story.attributes()["generation"], 2);
    assert!(said.contains("waiting_for_window"), "{said}");
    assert_eq!(alive(&story).len(), 2, "the old one waits for the window");
    clock_to(&mut story, window.opens + hours(1));
    story.apply();
    assert!(the_token(&story).name.ends_with("-g2"));
    assert_eq!(story.attributes()["phase"], "settled");
}

#[test]
fn without_the_window_what_waited_happens_at_once() {
    let window = Windowed::new("");
    let mut story = Story::begun(&[FLY_TOKEN, FLY_TARGET, &window.block]);
    clock_to(&mut story, window.opens - hours(24));
    story.run(&["apply", "-refresh-only", "-auto-approve"]).success();
    story.configure(&[FLY_TOKEN, FLY_TARGET, &format!("rotation {{\n    {EVERY}\n  }}")]);
    let plan = story.plan();
    assert!(plan.contains("~ generation     = 1 -> 2"), "{plan}");
    assert!(plan.contains("every 30d, due since"), "{plan}");
    story.apply();
    assert_eq!(story.attributes()["generation"], 2);
}

#[test]
fn a_window_that_is_new_is_looked_at_by_the_apply() {
    let window = Windowed::new("");
    let without = format!("rotation {{\n    {EVERY}\n  }}");
    let mut story = Story::begun(&[FLY_TOKEN, FLY_TARGET, &without]);
    clock_to(&mut story, window.opens - hours(24));
    story.configure(&[FLY_TOKEN, FLY_TARGET, &window.block]);
    let plan = story.plan();
    assert!(plan.contains("~ generation     = 1 -> (known after apply)"), "{plan}");
    story.apply();
    assert_eq!(story.attributes()["generation"], 1);
    assert_eq!(codes(&story.attributes()), ["overdue", "waiting_for_window"]);
}

#[test]
fn a_window_that_opens_after_the_credential_must_be_renewed_is_ignored() {
    let window = Windowed::new("");
    // Its last tenth begins a day before the window opens.
    let life = window.opens.duration_since(Timestamp::now()).as_hours();
    let expires = (life - 24) * 10 / 9;
    let source = format!("source = {{\n    fly_token = {{ app = \"molecule-cp\", expires_in = \"{expires}h\" }}\n  }}");
    let block = window.block.replace(EVERY, "");
    let mut story = Story::begun(&[&source, FLY_TARGET, &block]);
    clock_to(&mut story, window.opens - hours(26));
    let plan = story.plan();
    assert!(plan.contains("the credential expires at"), "{plan}");
    assert!(plan.contains("~ generation     = 1 -> 2"), "{plan}");
}

#[test]
fn drift_that_rotates_waits_too() {
    let window = Windowed::new("");
    let mut story = Story::begun(&[FLY_TOKEN, FLY_TARGET, &window.block, "on_drift = \"rotate\""]);
    assert_eq!(as_fly(&story, "POST", &json!({ "value": "typed by hand" })), 201);
    clock_to(&mut story, window.opens - hours(5 * 24));
    let plan = unframed(&story.settled());
    assert!(
        plan.contains("A new generation (changed outside Terraform: control_plane) waits for"),
        "{plan}"
    );
    clock_to(&mut story, window.opens + hours(1));
    let plan = story.plan();
    assert!(plan.contains("~ generation     = 1 -> 2"), "{plan}");
    story.apply();
}

#[test]
fn a_plan_that_leaves_an_overdue_secret_overdue_fails_on_request() {
    let window = Windowed::new("overdue = \"error\"");
    let mut story = Story::begun(&[FLY_TOKEN, FLY_TARGET, &window.block]);
    clock_to(&mut story, window.opens - hours(24));
    let refused = story.refused("plan");
    for words in [
        "FLY_API_TOKEN is overdue",
        "The rotation has been due since",
        "-refresh=false",
    ] {
        assert!(refused.contains(words), "{words} is not in\n{refused}");
    }
    clock_to(&mut story, window.opens + hours(1));
    story.apply();
    assert_eq!(story.attributes()["generation"], 2);
}

#[test]
fn every_apply_rotates_where_that_is_the_schedule() {
    let story = Story::new();
    story.configure(&[FLY_TOKEN, FLY_TARGET, "rotation {\n    every = \"apply\"\n  }"]);
    for generation in 1..=3 {
        story.run(&["apply", "-auto-approve"]).success();
        let attributes = story.attributes();
        assert_eq!(attributes["generation"], generation);
        assert_eq!(attributes["rotate_after"], Value::Null);
        assert_eq!(attributes["pending"].as_array().unwrap().len(), 0);
        let cause = if generation == 1 { "created" } else { "deploy" };
        assert_eq!(attributes["last_rotation"]["cause"], cause);
        assert!(the_token(&story).name.ends_with(&format!("-g{generation}")));
        let refresh = story.run(&["plan", "-refresh-only", "-detailed-exitcode"]);
        assert_eq!(refresh.status, 0, "nothing changed outside: {}", refresh.output);
    }
    let plan = story.plan();
    assert!(plan.contains("~ generation     = 3 -> 4"), "{plan}");
}

#[test]
fn by_a_clock_that_is_not_the_vendors_nothing_is_due() {
    let lines = [FLY_TOKEN, THREE_TARGETS, A_DAY, "rotation {\n    every = \"30d\"\n  }"];
    let mut story = Story::begun(&lines);
    story.sandbox.settings(json!({ "clock_ahead_ms": 3_600_000 }));
    story.clock("31d");
    let plan = unframed(&story.settled());
    for words in [
        "FLY_API_TOKEN: clock",
        "is more than five minutes ahead of this machine's",
        "Nothing that is due by time happens",
    ] {
        assert!(plan.contains(words), "{words} is not in\n{plan}");
    }
    // What somebody asks for happens all the same.
    story.configure(&[FLY_TOKEN, THREE_TARGETS, A_DAY, "rotation_reason = \"now\""]);
    story.apply();
    assert_eq!(story.attributes()["generation"], 2);
    story.clock("33d");
    story.settled();
    story.sandbox.settings(json!({ "clock_ahead_ms": 0 }));
    let plan = story.plan();
    assert!(plan.contains("+ \"revoke generation 1"), "{plan}");
}

#[test]
fn a_schedule_that_cannot_work_is_refused() {
    let story = Story::new();
    let window = |inside: &str| format!("rotation {{\n    window {{\n      {inside}\n    }}\n  }}");
    let hours = "from = \"02:00\"\n      to = \"06:00\"";
    for (block, words) in [
        (
            window(&format!("{hours}\n      timezone = \"Europe/Berlim\"")),
            "rotation.window.timezone is not a time zone",
        ),
        (
            window(&format!("{hours}\n      timezone = \"Europe/Berlim\"")),
            "Did you mean \"Europe/Berlin\"?",
        ),
        (
            window("from = \"02:00\"\n      to = \"02:00\""),
            "rotation.window never opens",
        ),
        (
            window(&format!("{hours}\n      days = []")),
            "rotation.window never opens",
        ),
        (
            window(&format!("{hours}\n      days = [\"saturday\"]")),
            "\"saturday\" is not one of mon, tue",
        ),
        (
            window("from = \"2am\"\n      to = \"06:00\""),
            "rotation.window.from is not a time of day",
        ),
        (window("from = \"02:00\""), "rotation.window.to"),
        (
            "rotation {\n    every = \"apply\"\n    early = \"1d\"\n  }".to_owned(),
            "rotation.early requires an interval",
        ),
        (
            "rotation {\n    every = \"7d\"\n    overdue = \"fail\"\n  }".to_owned(),
            "rotation.overdue",
        ),
    ] {
        story.configure(&[FLY_TOKEN, FLY_TARGET, &block]);
        let refused = story.refused("validate");
        assert!(refused.contains(words), "{words} is not in\n{refused}");
    }
}
