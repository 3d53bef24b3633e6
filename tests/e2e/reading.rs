//! The plan as its reader sees it: what is due, what ends, and nothing that stays as it is.

use crate::story::{A_DAY, FLY_TOKEN, PARAMETER, SSM_TARGET, Story, THREE_TARGETS, unframed};
use crate::truth::{ours, parameter, the_token};
const RANDOM: &str = "source = { random = { bytes = 32, encoding = \"hex\" } }";

/// The lines of a plan that begin with that sign, without it.
fn signed(plan: &str, sign: char) -> Vec<String> {
    let lines = plan.lines().filter_map(|line| line.trim_start().strip_prefix(sign));
    lines.map(|line| line.trim().to_owned()).collect()
}

#[test]
fn the_plan_of_a_revocation_shows_the_old_credential_leaving_and_the_new_one_untouched() {
    let mut story = Story::begun(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    story.configure(&[FLY_TOKEN, THREE_TARGETS, A_DAY, "rotation_reason = \"asked\""]);
    story.apply();
    let [old, new] = &ours(&story)[..] else {
        panic!("two tokens")
    };
    story.clock("25h");
    let plan = story.plan();
    assert!(
        plan.contains(&format!("+ \"revoke generation 1 ({}) at Fly app", old.id)),
        "{plan}"
    );
    // Whether the gate is open is read in apply, so the list is open until then.
    assert!(
        signed(&plan, '~').contains(&"phase           = \"overlapping\" -> (known after apply)".to_owned()),
        "{plan}"
    );
    story.apply();
    assert_eq!(story.attributes()["phase"], "settled");
    assert_eq!(the_token(&story).id, new.id);
}

#[test]
fn the_plan_of_a_rotation_leaves_only_that_unknown_which_will_be_new() {
    let story = Story::begun(&[RANDOM, SSM_TARGET]);
    story.configure(&[RANDOM, SSM_TARGET, "rotation_reason = \"asked\""]);
    let plan = story.plan();
    let mut unknown: Vec<&str> = plan
        .lines()
        .filter(|line| line.contains("(known after apply)"))
        .filter_map(|line| line.trim_start_matches(['+', '~', ' ']).split_whitespace().next())
        .collect();
    unknown.sort_unstable();
    assert_eq!(
        unknown,
        [
            "actor",
            "commit",
            "delivered_at",
            "finished_at",
            "minted_at",
            "notices",
            "revision",
            "rotated_at",
            "started_at"
        ],
        "{plan}"
    );
    story.apply();
}

#[test]
fn a_target_whose_key_holds_a_colon_is_healed() {
    let targets = r#"targets = {
    "eu: runtime" = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
    "us: runtime" = { ssm_parameter = { name = "/us" } }
  }"#;
    let story = Story::begun(&[RANDOM, targets]);
    story
        .sandbox
        .seed(serde_json::json!({"aws": {"parameters": {PARAMETER: "typed by hand"}}}));
    assert!(story.plan().contains("eu: runtime"));
    story.apply();
    assert_eq!(parameter(&story, PARAMETER), parameter(&story, "/us"));
}

#[test]
fn creating_a_role_s_secret_says_that_its_present_password_ends() {
    let story = Story::new();
    for roles in ["role = \"app\"", "role = \"app\", alternate_role = \"app_b\""] {
        let source = format!(
            "source = {{ neon_role_password = {{ project_id = \"quiet-river-12345678\", branch_id = \"br-main-123456\", {roles} }} }}"
        );
        story.configure(&[&source, &pair_in("part = \"uri\","), A_DAY]);
        let plan = unframed(&story.plan());
        assert!(
            plan.contains("creating this secret invalidates the present password of the role \"app\""),
            "{plan}"
        );
    }
}

fn pair_in(part: &str) -> String {
    format!("targets = {{ runtime = {{ {part} ssm_parameter = {{ name = {PARAMETER:?} }} }} }}")
}

#[test]
fn a_parameter_that_is_to_hold_another_part_never_gives_its_old_value_away_as_that_part() {
    const PAIR: &str = "source = { key_pair = { algorithm = \"ed25519\" } }";
    let story = Story::begun(&[PAIR, &pair_in("part = \"private_jwk\",")]);
    assert!(parameter(&story, PARAMETER).unwrap().contains("\"d\""));
    // Nothing tells how the private half looks as PEM. A generated value is not replaced for that: the plan says so, and how to ask for a new pair.
    story.configure(&[PAIR, &pair_in("part = \"private_key_pem\",")]);
    let said = story.refused("plan");
    for words in ["the value of generation 1 cannot be recovered", "rotation_reason"] {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    let because = |reason: &str| format!("rotation_reason = {reason:?}");
    story.configure(&[PAIR, &pair_in("part = \"private_key_pem\","), &because("the PEM")]);
    story.apply();
    let pem = parameter(&story, PARAMETER).unwrap();
    assert!(pem.contains("PRIVATE KEY"), "{pem}");
    // The same with a template, and back to the bare part: both times what stands there is no other text's part.
    story.configure(&[PAIR, &pair_in("template = \"key: {{ private_key_pem }}\",")]);
    story.apply();
    assert_eq!(parameter(&story, PARAMETER).unwrap(), format!("key: {pem}"));
    story.configure(&[PAIR, &pair_in("part = \"private_key_pem\",")]);
    story.refused("plan");
    let lines = [
        PAIR,
        &pair_in("part = \"private_key_pem\","),
        &because("the bare PEM again"),
    ];
    story.configure(&lines);
    story.apply();
    assert!(
        parameter(&story, PARAMETER)
            .unwrap()
            .starts_with("-----BEGIN PRIVATE KEY")
    );
}

#[test]
fn the_parts_of_a_credential_are_gathered_from_all_parameters_that_hold_one() {
    const PAIR: &str = "source = { key_pair = { algorithm = \"ed25519\" } }";
    let two = r#"private = { part = "private_key_pem", ssm_parameter = { name = "/private" } }, public = { part = "public_key_pem", ssm_parameter = { name = "/public" } }"#;
    let story = Story::begun(&[PAIR, &format!("targets = {{ {two} }}")]);
    let both =
        r#"both = { template = "{{ public_key_pem }}{{ private_key_pem }}", ssm_parameter = { name = "/both" } }"#;
    story.configure(&[PAIR, &format!("targets = {{ {two}, {both} }}")]);
    story.apply();
    let held = |name: &str| parameter(&story, name).unwrap();
    assert_eq!(held("/both"), held("/public") + &held("/private"));
    assert_eq!(story.attributes()["generation"], 1);
}

#[test]
fn a_template_that_changes_while_a_rotation_is_half_done_is_written_too() {
    let targets = |template: &str| {
        format!(
            "targets = {{ runtime = {{ ssm_parameter = {{ name = {PARAMETER:?} }} }}\n app = {{ {template} fly_secret = {{ app = \"molecule-cp\", stage = true }} }}\n repository = {{ wave = 2, github_actions_secret = {{ repository = \"molecule-monorepo\" }} }} }}"
        )
    };
    let story = Story::begun(&[RANDOM, &targets("")]);
    story.sandbox.fault("PUT /repos", 1, "forbidden");
    story.configure(&[RANDOM, &targets(""), "rotation_reason = \"asked\""]);
    story.fails();
    story.sandbox.heal();
    story.configure(&[
        RANDOM,
        &targets("template = \"token={{ value }}\","),
        "rotation_reason = \"asked\"",
    ]);
    story.apply();
    let state = story.sandbox.state();
    let app = state["fly"]["apps"]["molecule-cp"]["secrets"]["FLY_API_TOKEN"]["value"]
        .as_str()
        .unwrap();
    assert_eq!(app, format!("token={}", parameter(&story, PARAMETER).unwrap()));
    assert_eq!(story.attributes()["generation"], 2);
}
