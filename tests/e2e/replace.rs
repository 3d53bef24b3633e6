//! Replacement: `-replace`, `create_before_destroy`, a taint after a create that failed, and `untaint`.

use crate::story::{
    FLY_TARGET, FLY_TOKEN, NAME, PARAMETER, REPOSITORY, SSM_TARGET, Story, THREE_TARGETS, resource, unframed,
};
use crate::truth::{
    alive, fly_secret, github_secret, nothing_is_left, ours, parameter, the_token, three_targets_hold, write_fly_secret,
};

const LINES: [&str; 3] = [FLY_TOKEN, THREE_TARGETS, "overlap = \"1h\""];
const BEFORE_DESTROY: &str = "lifecycle { create_before_destroy = true }";

/// One token lives, in every target; after destroy nothing is left.
#[track_caller]
fn one_life(mut story: Story) {
    story.clock("2h");
    story.apply();
    three_targets_hold(&story, &the_token(&story).value);
    story.destroy();
    nothing_is_left(&story);
}

#[track_caller]
fn replaced(story: &Story, arguments: &[&str]) -> String {
    let all = [&["apply", "-auto-approve"], arguments].concat();
    let said = story.run(&all).success();
    assert!(said.contains("1 added, 0 changed, 1 destroyed"), "{said}");
    story.settled();
    said
}

/// What the destroy half of a replacement must not do; with an overlap, neither does the create half.
#[track_caller]
fn nothing_was_deleted_or_revoked(story: &Story) {
    let writes = story.writes();
    let ends = |line: &&String| line.to_lowercase().contains("delete") && !line.ends_with("/lease");
    assert_eq!(writes.iter().find(ends), None, "{writes:?}");
}

#[test]
fn replace_makes_the_next_generation_under_the_same_id_and_the_old_one_overlaps() {
    let story = Story::begun(&LINES);
    let (old, id) = (the_token(&story), story.attributes()["id"].clone());
    story.sandbox.forget_calls();
    replaced(&story, &["-replace=rotation_secret.it"]);
    nothing_was_deleted_or_revoked(&story);
    assert_eq!(story.attributes()["id"], id);
    assert_eq!(story.attributes()["generation"], 2);
    let both = alive(&story);
    assert_eq!(both.len(), 2, "the old one overlaps: {both:?}");
    assert_eq!(both[0].id, old.id);
    three_targets_hold(&story, &both[1].value);
    one_life(story);
}

#[test]
fn replace_with_create_before_destroy_keeps_what_the_new_object_took_over() {
    let story = Story::begun(&[&LINES[..], &[BEFORE_DESTROY]].concat());
    let said = replaced(&story, &["-replace=rotation_secret.it"]);
    assert!(said.contains("already existed"), "{said}");
    assert!(said.contains("is now managed by another resource"), "{said}");
    one_life(story);
}

#[test]
fn replace_with_create_before_destroy_and_no_readable_target_mints_and_ends_the_old_one() {
    let story = Story::begun(&[FLY_TOKEN, FLY_TARGET, BEFORE_DESTROY]);
    let old = the_token(&story);
    replaced(&story, &["-replace=rotation_secret.it"]);
    let token = the_token(&story);
    assert_ne!(token.id, old.id);
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), Some(token.value));
    story.destroy();
    nothing_is_left(&story);
}

#[test]
fn replace_with_create_before_destroy_is_refused_for_a_secret_of_another_day_until_it_is_allowed() {
    let lines = [&LINES[..], &[BEFORE_DESTROY]].concat();
    let mut story = Story::begun(&lines);
    let old = the_token(&story);
    story.clock("25h");
    story.sandbox.forget_calls();
    let outcome = story.run(&["apply", "-auto-approve", "-replace=rotation_secret.it"]);
    assert_eq!(outcome.status, 1, "{}", outcome.output);
    let said = unframed(&outcome.output);
    assert!(
        said.contains(&old.id) && said.contains("on_existing = \"replace\""),
        "{said}"
    );
    story.wrote_nothing();
    story.settled();
    story.configure(&[&lines[..], &["on_existing = \"replace\""]].concat());
    replaced(&story, &["-replace=rotation_secret.it"]);
    three_targets_hold(&story, &alive(&story).last().unwrap().value);
    story.clock("27h");
    story.apply();
    three_targets_hold(&story, &the_token(&story).value);
}

#[test]
fn a_healthy_secret_that_is_tainted_is_made_anew_and_untainted_it_stays() {
    let story = Story::begun(&LINES);
    let old = the_token(&story);
    story.run(&["taint", "rotation_secret.it"]).success();
    story.run(&["untaint", "rotation_secret.it"]).success();
    story.sandbox.forget_calls();
    story.apply();
    story.wrote_nothing();
    story.run(&["taint", "rotation_secret.it"]).success();
    replaced(&story, &[]);
    let both = alive(&story);
    assert_eq!(both.len(), 2, "the old one overlaps: {both:?}");
    assert_eq!(both[0].id, old.id);
    three_targets_hold(&story, &both[1].value);
    one_life(story);
}

/// The replaced secret is created some seconds after another one of the same name, which is created some seconds after the rest.
const PAUSES: &str = r#"
resource "terraform_data" "short" {
  provisioner "local-exec" { command = "sleep 3" }
}
resource "terraform_data" "long" {
  provisioner "local-exec" { command = "sleep 6" }
}
"#;

#[test]
fn another_secret_of_the_same_name_that_is_created_between_the_halves_of_a_replacement_takes_nothing_over() {
    let story = Story::new();
    let late = |pause: &str| format!("depends_on = [terraform_data.{pause}]");
    let it = resource("it", NAME, &[FLY_TOKEN, SSM_TARGET, "overlap = \"1h\""]);
    story.write(&it);
    story.apply();
    let old = the_token(&story);
    let it = resource("it", NAME, &[FLY_TOKEN, SSM_TARGET, "overlap = \"1h\"", &late("long")]);
    let other = [
        r#"source = { fly_token = { app = "molecule-worker" } }"#,
        r#"targets = { runtime = { ssm_parameter = { name = "/molecule/other/FLY_API_TOKEN" } } }"#,
        "overlap = \"1h\"",
        &late("short"),
    ];
    story.write(&(it + &resource("other", NAME, &other) + PAUSES));
    let said = story
        .run(&["apply", "-auto-approve", "-replace=rotation_secret.it"])
        .success();
    assert!(said.contains("4 added, 0 changed, 1 destroyed"), "{said}");
    story.settled();
    assert_ne!(story.attributes_of("it")["id"], story.attributes_of("other")["id"]);
    assert_eq!(story.attributes_of("other")["generation"], 1);
    let tokens = alive(&story);
    assert_eq!(tokens.len(), 3, "the old one overlaps: {tokens:?}");
    assert!(tokens.contains(&old));
    let deleted = story.sandbox.calls().into_iter();
    let deleted = deleted.filter(|call| call.line.contains("DeleteParameter"));
    assert_eq!(deleted.count(), 0, "no entry is deleted");
}

#[test]
fn a_replacement_under_another_name_with_another_source_and_other_targets_resumes_all_the_same() {
    let mut story = Story::begun(&[FLY_TOKEN, SSM_TARGET, "overlap = \"1h\""]);
    let id = story.attributes()["id"].clone();
    let lines = [
        r#"source = { fly_token = { app = "molecule-worker" } }"#,
        r#"targets = { runtime = { ssm_parameter = { name = "/molecule/production/WORKER_TOKEN" } } }"#,
        "overlap = \"1h\"",
    ];
    story.write(&resource("it", "WORKER_TOKEN", &lines));
    replaced(&story, &["-replace=rotation_secret.it"]);
    assert_eq!(story.attributes()["id"], id);
    assert_eq!(
        parameter(&story, PARAMETER),
        None,
        "the entry that left the configuration is deleted"
    );
    assert_eq!(alive(&story).len(), 2, "the old token overlaps");
    story.clock("2h");
    story.apply();
    assert_eq!(
        parameter(&story, "/molecule/production/WORKER_TOKEN"),
        Some(the_token(&story).value)
    );
    story.destroy();
    nothing_is_left(&story);
}

/// A create that overwrote what was there, delivered to the first wave, and failed in the second.
fn failed_create(lines: &[&str]) -> Story {
    let story = Story::new();
    write_fly_secret(&story, "of somebody");
    story.sandbox.lasting_fault("PutParameter", "forbidden");
    story.configure(&[&LINES[..], &["on_existing = \"replace\""], lines].concat());
    story.fails();
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), Some(the_token(&story).value));
    story.sandbox.forget_calls();
    story
}

#[test]
fn the_destroy_of_a_failed_create_leaves_the_entry_that_existed_before_and_what_it_holds() {
    let story = failed_create(&[]);
    let first = the_token(&story);
    let said = unframed(&story.destroy());
    assert!(said.contains("It existed before this secret was created"), "{said}");
    assert!(said.contains(&first.id) && said.contains("is still valid"), "{said}");
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), Some(first.value.clone()));
    assert_eq!(alive(&story), [first]);
    assert_eq!(github_secret(&story, REPOSITORY, NAME), None);
    assert!(story.has_no_state());
}

/// What the control plane's secret is: the value of a token that works.
#[track_caller]
fn the_entry_and_its_token(story: &Story) -> String {
    let held = fly_secret(story, "molecule-cp", NAME).unwrap();
    assert!(alive(story).iter().any(|token| token.value == held));
    held
}

#[test]
fn a_failed_create_is_replaced_without_a_moment_in_which_the_older_entry_is_gone_or_dead() {
    let story = failed_create(&[]);
    // It fails again: what the first attempt knew of the entry must not get lost on the way.
    for _ in 0..2 {
        let before = the_entry_and_its_token(&story);
        story.fails();
        assert_ne!(the_entry_and_its_token(&story), before);
        assert_eq!(
            story.attributes()["deliveries"]["control_plane"]["existed_before"],
            true
        );
        let emptied = story
            .sandbox
            .calls()
            .into_iter()
            .filter(|call| call.line == "POST /v1/apps/molecule-cp/secrets");
        assert_eq!(emptied.count(), 1, "it is overwritten, and not removed before");
        story.sandbox.forget_calls();
    }
    story.sandbox.heal();
    replaced(&story, &[]);
    one_life(story);
}

#[test]
fn an_untainted_create_goes_on_with_what_it_had() {
    let story = failed_create(&[]);
    let first = the_token(&story);
    story.sandbox.heal();
    story.run(&["untaint", "rotation_secret.it"]).success();
    let plan = story.plan();
    assert!(plan.contains("0 to add, 1 to change, 0 to destroy"), "{plan}");
    story.apply();
    assert!(alive(&story).contains(&first), "nothing ends before its overlap");
    three_targets_hold(&story, &alive(&story).last().unwrap().value);
    assert_eq!(
        parameter(&story, PARAMETER),
        ours(&story).last().map(|token| token.value.clone())
    );
    one_life(story);
}
