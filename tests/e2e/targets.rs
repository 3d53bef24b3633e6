//! The map of targets changes: entries come, go, move, change their key or their text.

use base64::Engine as _;

use crate::story::{A_DAY, FLY_TARGET, FLY_TOKEN, NAME, PARAMETER, REPOSITORY, Story, THREE_TARGETS, unframed};
use crate::truth::{alive, fly_secret, github_secret, ours, parameter, the_token, three_targets_hold};
const SSM_ONLY: &str = r#"targets = {
    runtime = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
  }"#;
const SSM_AND_GITHUB: &str = r#"targets = {
    runtime       = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
    image_publish = { github_actions_secret = { repository = "molecule-monorepo" } }
  }"#;

#[test]
fn a_new_target_beside_a_readable_one_gets_the_same_generation() {
    let story = Story::begun(&[FLY_TOKEN, SSM_ONLY, A_DAY]);
    story.configure(&[FLY_TOKEN, SSM_AND_GITHUB, A_DAY]);
    let plan = story.plan();
    assert!(plan.contains("+ \"image_publish\" = {"), "{plan}");
    assert!(!plan.contains("\n      ~ generation "), "{plan}");
    story.apply();
    let token = the_token(&story);
    assert_eq!(ours(&story).len(), 1);
    assert_eq!(github_secret(&story, REPOSITORY, NAME), Some(token.value));
    assert_eq!(story.attributes()["generation"], 1);
}

#[test]
fn a_new_target_without_a_readable_one_means_a_rotation() {
    let story = Story::begun(&[FLY_TOKEN, FLY_TARGET]);
    story.configure(&[
        FLY_TOKEN,
        r#"targets = {
    control_plane = { fly_secret = { app = "molecule-cp" } }
    worker        = { fly_secret = { app = "molecule-worker" } }
  }"#,
    ]);
    let plan = story.plan();
    assert!(plan.contains("~ generation     = 1 -> 2"), "{plan}");
    assert!(
        plan.contains("target worker is new, and the value of generation 1 cannot be recovered"),
        "{plan}"
    );
    story.apply();
    let token = the_token(&story);
    assert_eq!(ours(&story).len(), 2);
    for app in ["molecule-cp", "molecule-worker"] {
        assert_eq!(fly_secret(&story, app, NAME), Some(token.value.clone()));
    }
}

#[test]
fn a_removed_target_loses_its_entry() {
    let story = Story::begun(&[FLY_TOKEN, SSM_AND_GITHUB, A_DAY]);
    story.configure(&[FLY_TOKEN, SSM_ONLY, A_DAY]);
    let plan = story.plan();
    assert!(plan.contains("- \"image_publish\" = {"), "{plan}");
    story.sandbox.forget_calls();
    story.apply();
    assert_eq!(
        story.writes(),
        [format!("DELETE /repos/{REPOSITORY}/actions/secrets/{NAME}")]
    );
    assert_eq!(github_secret(&story, REPOSITORY, NAME), None);
    assert_eq!(parameter(&story, PARAMETER), Some(the_token(&story).value));
    let deliveries = story.attributes()["deliveries"].as_object().unwrap().clone();
    assert_eq!(deliveries.keys().collect::<Vec<_>>(), ["runtime"]);
}

#[test]
fn a_removed_target_with_on_remove_keep_keeps_its_entry() {
    let keeping = SSM_AND_GITHUB.replace("image_publish = {", "image_publish = { on_remove = \"keep\", ");
    let story = Story::begun(&[FLY_TOKEN, &keeping, A_DAY]);
    let token = the_token(&story);
    story.configure(&[FLY_TOKEN, SSM_ONLY, A_DAY]);
    story.sandbox.forget_calls();
    story.apply();
    story.wrote_nothing();
    assert_eq!(github_secret(&story, REPOSITORY, NAME), Some(token.value));
}

#[test]
fn a_renamed_key_writes_nothing() {
    let story = Story::begun(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    let token = the_token(&story);
    let renamed = THREE_TARGETS
        .replace("image_publish", "publishing")
        .replace("runtime ", "parameter_store ");
    story.configure(&[FLY_TOKEN, &renamed, A_DAY]);
    story.sandbox.forget_calls();
    story.apply();
    story.wrote_nothing();
    let deliveries = story.attributes()["deliveries"].clone();
    let keys: Vec<&String> = deliveries.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["control_plane", "parameter_store", "publishing"]);
    assert_eq!(deliveries["publishing"]["generation"], 1);
    three_targets_hold(&story, &token.value);
}

#[test]
fn a_target_that_moves_is_written_at_its_new_place_and_deleted_at_the_old_one() {
    let story = Story::begun(&[FLY_TOKEN, SSM_AND_GITHUB, A_DAY]);
    story.configure(&[
        FLY_TOKEN,
        &SSM_AND_GITHUB.replace("molecule-monorepo", "molecule-docs"),
        A_DAY,
    ]);
    story.apply();
    let token = the_token(&story);
    assert_eq!(github_secret(&story, REPOSITORY, NAME), None);
    assert_eq!(
        github_secret(&story, "molecule-ai/molecule-docs", NAME),
        Some(token.value)
    );
    assert_eq!(ours(&story).len(), 1);
}

#[test]
fn a_changed_template_writes_the_same_generation_anew() {
    let templated = |text: &str| {
        format!(
            "targets = {{\n    runtime = {{ ssm_parameter = {{ name = {PARAMETER:?} }} }}\n    image_publish = {{ template = {text:?}, \
             github_actions_secret = {{ repository = \"molecule-monorepo\" }} }}\n  }}"
        )
    };
    let story = Story::begun(&[FLY_TOKEN, &templated("token={{ value }}"), A_DAY]);
    let token = the_token(&story);
    assert_eq!(
        github_secret(&story, REPOSITORY, NAME),
        Some(format!("token={}", token.value))
    );
    story.configure(&[FLY_TOKEN, &templated("TOKEN: {{ token | base64 }}"), A_DAY]);
    story.sandbox.forget_calls();
    story.apply();
    let encoded = base64::engine::general_purpose::STANDARD.encode(&token.value);
    assert_eq!(
        github_secret(&story, REPOSITORY, NAME),
        Some(format!("TOKEN: {encoded}"))
    );
    assert_eq!(alive(&story), [token]);
    assert_eq!(story.writes().len(), 1, "{:?}", story.writes());
}

#[test]
fn the_same_text_written_in_another_way_writes_nothing() {
    let written = |wide: &str, bare: &str| {
        format!(
            "targets = {{\n a = {{ template = {wide:?}, ssm_parameter = {{ name = \"/a\" }} }}\n b = {{ {bare} ssm_parameter = {{ \
             name = \"/b\", description = \"Managed by Terraform\" }} }}\n }}"
        )
    };
    let random = "source = { random = { bytes = 32, encoding = \"hex\" } }";
    let story = Story::begun(&[
        random,
        &written("x={{ value | urlencode }}", "template = \"{{ value }}\","),
    ]);
    let (a, b) = (parameter(&story, "/a"), parameter(&story, "/b"));
    assert_eq!(a, b.as_ref().map(|value| format!("x={value}")));
    for (wide, bare) in [
        ("x={{value|urlencode}}", ""),
        ("x={{ value | urlencode }}", "part = \"value\","),
        ("x={{ value | urlencode }}", "template = \"{{value}}\","),
    ] {
        story.configure(&[random, &written(wide, bare)]);
        story.sandbox.forget_calls();
        story.apply();
        story.wrote_nothing();
    }
    story.configure(&[
        random,
        &written("x={{value}}", "").replace(", description = \"Managed by Terraform\"", ""),
    ]);
    story.sandbox.forget_calls();
    story.apply();
    // The first one's text is another, and it is made of the second one's, which is as it was.
    assert_eq!(story.writes().len(), 1, "{:?}", story.writes());
    assert_eq!(story.attributes()["generation"], 1);
    assert_eq!((parameter(&story, "/a"), parameter(&story, "/b")), (a, b));
}

#[test]
fn two_targets_in_one_slot_are_refused_with_both_names() {
    let story = Story::new();
    story.configure(&[
        FLY_TOKEN,
        r#"targets = {
    one = { ssm_parameter = { name = "/molecule/one" } }
    two = { ssm_parameter = { name = "/molecule/one" } }
  }"#,
        A_DAY,
    ]);
    let said = story.refused("plan");
    assert!(
        said.contains("one") && said.contains("two") && said.contains("/molecule/one"),
        "{said}"
    );
    story.wrote_nothing();
}

#[test]
fn a_readable_target_that_moves_takes_its_value_along() {
    let random = "source = { random = { bytes = 32, encoding = \"base64\" } }";
    let at = |key: &str, name: &str| format!("targets = {{ {key} = {{ ssm_parameter = {{ name = {name:?} }} }} }}");
    let story = Story::begun(&[random, &at("a", "/moved/a")]);
    let value = parameter(&story, "/moved/a");
    assert!(value.is_some());
    for (key, from, to) in [("a", "/moved/a", "/moved/b"), ("other", "/moved/b", "/moved/c")] {
        story.configure(&[random, &at(key, to)]);
        story.apply();
        assert_eq!(parameter(&story, to), value);
        assert_eq!(parameter(&story, from), None);
        assert_eq!(story.attributes()["generation"], 1);
    }
}

#[test]
fn a_value_that_a_target_cannot_hold_is_refused_before_any_target_is_written_and_nothing_minted_remains() {
    let long = format!(
        "targets = {{\n    control_plane = {{ fly_secret = {{ app = \"molecule-cp\" }} }}\n    runtime = {{ wave = 2, template = \"{}{{{{ value }}}}\", \
         ssm_parameter = {{ name = {PARAMETER:?}, tier = \"Standard\" }} }}\n  }}",
        "x".repeat(4_096)
    );
    let refused = |story: &Story| {
        story.sandbox.forget_calls();
        let said = unframed(&story.fails());
        for words in [
            "cannot hold the value",
            "targets[\"runtime\"]",
            "at most 4096 bytes",
            "tier = \"Advanced\" allows 8192",
        ] {
            assert!(said.contains(words), "{words}: {said}");
        }
        let delivered = |call: &String| call.contains("PutParameter") || call.contains("/secrets");
        assert!(!story.writes().iter().any(delivered), "{:#?}", story.writes());
    };
    // A create.
    let story = Story::new();
    story.configure(&[FLY_TOKEN, &long, A_DAY]);
    refused(&story);
    assert_eq!(alive(&story), []);
    assert!(story.has_no_state());
    // A rotation.
    story.configure(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    story.apply();
    let old = the_token(&story);
    story.configure(&[FLY_TOKEN, &long, A_DAY, "rotation_reason = \"once\""]);
    refused(&story);
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), Some(old.value.clone()));
    story.configure(&[
        FLY_TOKEN,
        THREE_TARGETS,
        "rotation_reason = \"once\"",
        "overlap = \"0s\"",
    ]);
    story.apply();
    let newest = the_token(&story);
    assert_ne!(newest, old);
    assert_eq!(parameter(&story, PARAMETER), Some(newest.value));
}

#[test]
fn a_supplied_value_that_a_target_cannot_hold_is_refused_by_the_plan() {
    let story = Story::new();
    let lines = |value: &str, version: u32| {
        let targets = format!(
            "targets = {{\n    runtime = {{ template = \"{}{{{{ value }}}}\", ssm_parameter = {{ name = {PARAMETER:?}, tier = \"Standard\" }} }}\n  }}",
            "x".repeat(4_090)
        );
        let source = format!("source = {{ provided = {{}} }}\n  value_wo = {value:?}\n  value_wo_version = {version}");
        (source, targets)
    };
    let (long, targets) = lines("seven-7", 1);
    story.configure(&[&long, &targets]);
    let said = unframed(&story.refused("plan"));
    for words in [
        "targets[\"runtime\"] cannot be used",
        "It cannot hold the supplied value.",
        "at most 4096 bytes",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!said.contains("seven-7"), "{said}");
    let (short, _) = lines("six-66", 1);
    story.configure(&[&short, &targets]);
    story.apply();
    let (long, _) = lines("seven-7", 2);
    story.configure(&[&long, &targets]);
    story.refused("plan");
    assert_eq!(story.attributes()["generation"], 1);
}
