//! Flags and commands that look at half of the world: `-target`, `-refresh=false`, `-refresh-only`, `state rm`.

use crate::interrupt::{apply_until, ended, send};
use crate::story::{
    A_DAY, FLY_TARGET, FLY_TOKEN, NAME, PARAMETER, SSM_TARGET, Story, THREE_TARGETS, resource, unframed,
};
use crate::truth::{alive, fly_secret, ours, parameter, the_token, three_targets_hold, write_fly_secret};

const EVERY: &str = "rotation { every = \"60d\" }";
const LINES: [&str; 4] = [FLY_TOKEN, THREE_TARGETS, EVERY, "overlap = \"1h\""];

#[test]
fn target_leaves_the_other_secret_alone_until_its_own_turn() {
    let elsewhere = SSM_TARGET.replace(PARAMETER, "/molecule/other");
    let both = |extra: &str| {
        resource("it", NAME, &[&LINES[..], &[extra]].concat())
            + &resource("other", "OTHER", &[FLY_TOKEN, &elsewhere, A_DAY, extra])
    };
    let story = Story::new();
    story.write(&both(""));
    story.apply();
    story.write(&both("rotation_reason = \"once\""));
    story
        .run(&["apply", "-auto-approve", "-target=rotation_secret.it"])
        .success();
    let other = |generation: &str| {
        let all = ours(&story);
        let found = all
            .into_iter()
            .find(|token| token.name.starts_with("OTHER") && token.name.ends_with(generation));
        found.map(|token| token.value)
    };
    assert_eq!(parameter(&story, "/molecule/other"), other("-g1"));
    assert_eq!(other("-g2"), None);
    story.apply();
    assert_eq!(parameter(&story, "/molecule/other"), other("-g2"));
    assert_eq!(story.attributes()["generation"], 2);
}

#[test]
fn without_a_refresh_nothing_that_is_due_is_done_and_with_one_it_is() {
    let mut story = Story::begun(&LINES);
    write_fly_secret(&story, "typed by hand");
    story.clock("61d");
    story.sandbox.forget_calls();
    story.run(&["apply", "-auto-approve", "-refresh=false"]).success();
    story.wrote_nothing();
    story.apply();
    three_targets_hold(&story, &alive(&story).last().unwrap().value);
    assert_eq!(story.attributes()["generation"], 2);
}

#[test]
fn without_a_refresh_what_an_interrupted_rotation_made_is_named_and_nothing_is_made_twice() {
    let mut story = Story::begun(&[FLY_TOKEN, FLY_TARGET, "overlap = \"1h\""]);
    story.configure(&[FLY_TOKEN, FLY_TARGET, "overlap = \"1h\"", "rotation_reason = \"once\""]);
    // The token is made, and the provider dies before anybody gets to know of it.
    story.sandbox.fault("POST /v1/apps/molecule-cp/secrets", 1, "hang");
    let child = apply_until(&story, "createLimitedAccessToken");
    send("pkill", &["-KILL", "-P"], &child);
    ended(child);
    story.sandbox.heal();
    let left = alive(&story);
    assert_eq!(left.len(), 2);
    let outcome = story.run(&["apply", "-auto-approve", "-refresh=false"]);
    assert_eq!(outcome.status, 1, "{}", outcome.output);
    let said = unframed(&outcome.output);
    assert!(
        said.contains(&left[1].id) && said.contains("plan again with a refresh"),
        "{said}"
    );
    assert_eq!(alive(&story), left);
    story.apply();
    story.clock("2h");
    story.apply();
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), Some(the_token(&story).value));
}

#[test]
fn refresh_only_stores_what_is_due_and_does_none_of_it() {
    let mut story = Story::begun(&LINES);
    story.clock("61d");
    story.sandbox.forget_calls();
    let said = story.run(&["apply", "-auto-approve", "-refresh-only"]).success();
    for line in [
        "+ action     = \"rotate\"",
        "+ cause      = \"schedule\"",
        "\"every 60d, due since 20",
    ] {
        assert!(said.contains(line), "{line} is not in\n{said}");
    }
    story.wrote_nothing();
    let again = story.run(&["plan", "-refresh-only", "-detailed-exitcode"]);
    assert_eq!(again.status, 0, "a refresh should be stable:\n{}", again.output);
    story.run(&["apply", "-auto-approve", "-refresh=false"]).success();
    assert_eq!(story.attributes()["generation"], 2);
    story.settled();
}

#[test]
fn a_secret_of_another_day_that_was_removed_from_state_is_taken_over_when_that_is_allowed() {
    let mut story = Story::begun(&LINES);
    let token = the_token(&story);
    story.state(&["rm", "rotation_secret.it"]);
    story.clock("25h");
    story.sandbox.forget_calls();
    let said = unframed(&story.fails());
    assert!(
        said.contains(&token.id) && said.contains("set on_existing = \"replace\""),
        "{said}"
    );
    story.wrote_nothing();
    story.configure(&[&LINES[..], &["on_existing = \"replace\""]].concat());
    story.apply();
    three_targets_hold(&story, &token.value);
    assert_eq!(ours(&story), [token]);
    story.configure(&LINES);
    story.apply();
}

#[test]
fn a_generated_value_that_was_removed_from_state_goes_on_by_the_mark_beside_it() {
    let random = "source = { random = { bytes = 32, encoding = \"hex\" } }";
    let mut story = Story::begun(&[random, SSM_TARGET]);
    let value = parameter(&story, PARAMETER);
    story.state(&["rm", "rotation_secret.it"]);
    story.clock("25h");
    story.apply();
    assert_eq!(parameter(&story, PARAMETER), value);
}

#[test]
fn a_generated_value_without_a_mark_that_was_removed_from_state_is_not_overwritten_unasked() {
    let random = "source = { random = { bytes = 32, encoding = \"hex\" } }";
    let story = Story::begun(&[random, FLY_TARGET]);
    let value = fly_secret(&story, "molecule-cp", NAME);
    story.state(&["rm", "rotation_secret.it"]);
    let said = unframed(&story.fails());
    assert!(
        said.contains("is not managed by this resource") && said.contains("on_existing = \"replace\""),
        "{said}"
    );
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), value);
}
