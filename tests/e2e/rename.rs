//! One secret under another address: without `moved` Terraform destroys and creates one and the same id, in any order.

use crate::story::{FLY_TOKEN, NAME, PARAMETER, SSM_TARGET, Story, THREE_TARGETS, resource, unframed};
use crate::truth::{alive, nothing_is_left, ours, parameter, the_token, three_targets_hold};

/// The old address is destroyed some seconds after everything else has begun.
const DESTROYED_LATE: &str = r#"
removed {
  from = rotation_secret.it
  lifecycle { destroy = true }
  provisioner "local-exec" {
    when    = destroy
    command = "sleep 4"
  }
}
"#;

/// The new address is created some seconds after everything else has begun.
const CREATED_LATE: &str = r#"
resource "terraform_data" "pause" {
  provisioner "local-exec" { command = "sleep 4" }
}
"#;

const LINES: [&str; 3] = [FLY_TOKEN, THREE_TARGETS, "overlap = \"1h\""];

/// One token lives, in every target; after destroy nothing is left.
#[track_caller]
fn one_life(mut story: Story) {
    story.clock("2h");
    story.apply();
    three_targets_hold(&story, &the_token(&story).value);
    story.destroy();
    nothing_is_left(&story);
}

#[test]
fn a_renamed_resource_whose_create_comes_first_keeps_what_it_took_over() {
    let story = Story::begun(&LINES);
    story.write(&(resource("renamed", NAME, &LINES) + DESTROYED_LATE));
    let said = story.apply();
    assert!(said.contains("1 added, 0 changed, 1 destroyed"), "{said}");
    three_targets_hold(&story, &alive(&story).last().unwrap().value);
    one_life(story);
}

#[test]
fn a_renamed_resource_whose_destroy_comes_first_is_made_anew() {
    let story = Story::begun(&LINES);
    let late = [&LINES[..], &["depends_on = [terraform_data.pause]"]].concat();
    story.write(&(resource("renamed", NAME, &late) + CREATED_LATE));
    story.apply();
    one_life(story);
}

#[test]
fn a_renamed_resource_converges_in_whichever_order_terraform_takes_it() {
    let story = Story::begun(&LINES);
    story.write(&resource("renamed", NAME, &LINES));
    story.apply();
    one_life(story);
}

#[test]
fn a_secret_of_another_day_is_not_taken_over_by_a_renamed_resource_and_the_error_names_it() {
    let mut story = Story::begun(&LINES);
    let old = the_token(&story);
    story.clock("25h");
    story.write(&(resource("renamed", NAME, &LINES) + DESTROYED_LATE));
    story.sandbox.forget_calls();
    let said = unframed(&story.fails());
    assert!(said.contains("Another state manages this secret"), "{said}");
    assert!(said.contains(&old.id) && said.contains("`moved` block"), "{said}");
    // The old address was destroyed nevertheless: Terraform had been told so.
    nothing_is_left(&story);
    assert_eq!(ours(&story), [crate::truth::FlyToken { alive: false, ..old }]);
    story.apply();
    three_targets_hold(&story, &the_token(&story).value);
}

#[test]
fn a_moved_resource_writes_nothing() {
    let story = Story::begun(&LINES);
    let moved = "moved {\n  from = rotation_secret.it\n  to   = rotation_secret.renamed\n}\n";
    story.write(&(resource("renamed", NAME, &LINES) + moved));
    story.sandbox.forget_calls();
    let said = story.apply();
    assert!(said.contains("0 added, 0 changed, 0 destroyed"), "{said}");
    story.wrote_nothing();
    one_life(story);
}

#[test]
fn a_resource_that_state_mv_renamed_writes_nothing() {
    let story = Story::begun(&LINES);
    story.state(&["mv", "rotation_secret.it", "rotation_secret.renamed"]);
    story.write(&resource("renamed", NAME, &LINES));
    story.sandbox.forget_calls();
    story.apply();
    story.wrote_nothing();
    one_life(story);
}

#[test]
fn a_renamed_for_each_key_converges_and_its_neighbour_is_left_alone() {
    let each = |key: &str| {
        let name = "name = each.value";
        let source = "source = { fly_token = { app = \"molecule-worker\" } }";
        let target = "targets = { runtime = { ssm_parameter = { name = \"/each/${each.value}\" } } }";
        let keys = format!("for_each = {{ {key} = \"ONE\", other = \"TWO\" }}");
        format!("resource \"rotation_secret\" \"it\" {{\n{keys}\n{name}\n{source}\n{target}\noverlap = \"1h\"\n}}\n")
    };
    let mut story = Story::new();
    story.write(&each("first"));
    story.apply();
    let two = ours(&story)
        .into_iter()
        .find(|token| token.name.starts_with("TWO"))
        .unwrap();
    story.write(&each("renamed"));
    story.apply();
    story.clock("2h");
    story.apply();
    let live = alive(&story);
    assert!(live.contains(&two));
    let one: Vec<_> = live.iter().filter(|token| token.name.starts_with("ONE")).collect();
    assert_eq!(one.len(), 1, "{live:#?}");
    assert_eq!(parameter(&story, "/each/ONE"), Some(one[0].value.clone()));
    assert_eq!(parameter(&story, "/each/TWO"), Some(two.value));
    story.destroy();
    assert_eq!(alive(&story), []);
}

#[test]
fn a_generated_value_stays_what_it_is_when_its_resource_is_renamed() {
    let lines = ["source = { random = { bytes = 32, encoding = \"hex\" } }", SSM_TARGET];
    let story = Story::begun(&lines);
    let value = parameter(&story, PARAMETER);
    story.write(&(resource("renamed", NAME, &lines) + DESTROYED_LATE));
    story.apply();
    assert_eq!(parameter(&story, PARAMETER), value);
    story.destroy();
    assert_eq!(parameter(&story, PARAMETER), None);
}

#[test]
fn a_role_whose_resource_is_renamed_logs_in_with_what_its_target_holds() {
    let role = "source = { neon_role_password = { project_id = \"quiet-river-12345678\", branch_id = \"br-main-123456\", role = \"app\" } }";
    let target = r#"targets = { runtime = { part = "password", ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } } }"#;
    let lines = [role, target];
    let story = Story::begun(&lines);
    story.write(&(resource("renamed", NAME, &lines) + DESTROYED_LATE));
    story.apply();
    let state = story.sandbox.state();
    let password = &state["neon"]["projects"]["quiet-river-12345678"]["roles"]["app"]["password"];
    assert_eq!(parameter(&story, PARAMETER).as_deref(), password.as_str());
}
