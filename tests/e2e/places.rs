//! Accounts and regions: a run that leads to another place than the state names touches nothing, there or here.

use serde_json::{Value, json};

use crate::moto::World;
use crate::moto_server::Moto;
use crate::story::{A_DAY, FLY_TOKEN, NAME, PARAMETER, Story, resource, unframed};
use crate::truth::{alive, fly_secret};

const HEX: &str = r#"source = { random = { bytes = 32, encoding = "hex" } }"#;
const TARGETS: &str = r#"targets = {
    parameter = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
    app       = { wave = 2, fly_secret = { app = "molecule-cp" } }
  }"#;
const HERE: &str = "us-east-1";
const THERE: &str = "eu-west-1";

/// A reason to rotate.
fn because(reason: &str) -> String {
    format!("rotation_reason = {reason:?}")
}

fn status(story: &Story, target: &str) -> Value {
    story.attributes()["deliveries"][target]["status"].clone()
}

/// The value is where it was, and nowhere else.
#[track_caller]
fn holds(world: &World, value: &str) {
    assert_eq!(world.value_in(HERE, PARAMETER), value);
    assert_eq!(world.value_in(THERE, PARAMETER), "ParameterNotFound");
    assert_eq!(fly_secret(&world.story, "molecule-cp", NAME).as_deref(), Some(value));
}

/// A plan that has nothing to do, and says that it could not look; then an apply that stores this.
#[track_caller]
fn cannot_look(world: &World, words: &[&str]) {
    let said = unframed(&world.story.settled());
    for words in [words, &["cannot read parameter (unreachable)"]].concat() {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    world.story.apply();
    let attributes = world.story.attributes();
    assert_eq!(
        (status(&world.story, "parameter"), status(&world.story, "app")),
        (json!("unknown"), json!("current"))
    );
    assert_eq!(
        (&attributes["generation"], &attributes["pending"]),
        (&json!(1), &json!([]))
    );
    assert_eq!(attributes["notices"][0]["code"], "unreachable");
}

/// A rotation and a destroy that are asked for in the wrong place, and refused before their first write.
#[track_caller]
fn refuses_to_work(world: &World, words: &[&str]) {
    let story = &world.story;
    story.sandbox.forget_calls();
    story.configure(&[HEX, TARGETS, &because("in the wrong place")]);
    let rotation = story.fails();
    let destroy = story.run(&["apply", "-destroy", "-auto-approve"]);
    assert_eq!(destroy.status, 1, "{}", destroy.output);
    for said in [rotation, destroy.output] {
        let said = unframed(&said);
        for words in [words, &["Nothing was read or changed in either"]].concat() {
            assert!(said.contains(words), "{words} is not in\n{said}");
        }
    }
    story.wrote_nothing();
    assert_eq!(story.attributes()["generation"], 1);
    story.configure(&[HEX, TARGETS]);
}

#[test]
fn one_secret_in_two_regions_is_two_secrets() {
    let provider = |alias: &str, region: &str| {
        let alias = if alias.is_empty() {
            String::new()
        } else {
            format!("alias = {alias:?}\n")
        };
        format!(
            "provider \"rotation\" {{\n  {alias}  namespace = \"production\"\n  aws {{\n    region = {region:?}\n  }}\n}}\n"
        )
    };
    const TOKEN: &str = r#"source = { fly_token = { app = "molecule-cp" } }"#;
    const TARGET: &str = r#"targets = { it = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } } }"#;
    let world = World::new();
    let story = &world.story;
    let configure = |reason: &str| {
        let us = resource("us", NAME, &[TOKEN, TARGET, "overlap = \"0s\"", &because(reason)]);
        let eu = resource(
            "eu",
            NAME,
            &["provider = rotation.eu", TOKEN, TARGET, "overlap = \"0s\""],
        );
        story.write_all(&[provider("", HERE), provider("eu", THERE), us, eu].concat());
    };
    // What lives is what the regions hold.
    let both_work = || {
        let mut held = [world.value_in(HERE, PARAMETER), world.value_in(THERE, PARAMETER)];
        let mut living: Vec<String> = alive(story).into_iter().map(|token| token.value).collect();
        held.sort();
        living.sort();
        assert_eq!(living, held);
        assert_ne!(held[0], held[1]);
    };
    configure("once");
    story.apply();
    assert_ne!(story.attributes_of("us")["id"], story.attributes_of("eu")["id"]);
    both_work();
    let theirs = world.value_in(THERE, PARAMETER);

    configure("again");
    story.apply();
    both_work();
    assert_eq!(
        world.value_in(THERE, PARAMETER),
        theirs,
        "the other region's was not touched"
    );
    for (name, generation) in [("us", 2), ("eu", 1)] {
        assert_eq!(story.attributes_of(name)["generation"], generation, "{name}");
    }

    story.destroy();
    assert_eq!(alive(story), []);
    for region in [HERE, THERE] {
        assert_eq!(world.value_in(region, PARAMETER), "ParameterNotFound");
    }
}

#[test]
fn a_run_with_another_region_reads_and_changes_nothing() {
    let mut world = World::new();
    world.story.configure(&[HEX, TARGETS]);
    world.story.apply();
    let value = world.value_in(HERE, PARAMETER);

    world.region(THERE);
    let both = [
        "another AWS region than this run",
        "AWS account 123456789012, region us-east-1",
        "region eu-west-1",
    ];
    cannot_look(&world, &both);
    refuses_to_work(&world, &both);
    holds(&world, &value);

    world.region(HERE);
    world.story.apply();
    assert_eq!(status(&world.story, "parameter"), "current");
    holds(&world, &value);
    world.story.configure(&[HEX, TARGETS, &because("at last")]);
    world.story.apply();
    assert_ne!(world.value_in(HERE, PARAMETER), value);
    world.story.destroy();
    assert_eq!(world.value_in(HERE, PARAMETER), "ParameterNotFound");
}

#[test]
fn a_run_with_another_account_reads_and_changes_nothing() {
    let mut world = World::new();
    world.story.configure(&[HEX, TARGETS]);
    world.story.apply();
    let value = world.value_in(HERE, PARAMETER);

    let other = Moto::of_account("999988887777");
    world.account(&other);
    let both = [
        "another AWS account than this run",
        "AWS account 123456789012, region us-east-1",
        "AWS account 999988887777, region us-east-1",
    ];
    cannot_look(&world, &both);
    refuses_to_work(&world, &both);
    holds(&world, &value);

    world.own_account();
    world.story.apply();
    assert_eq!(status(&world.story, "parameter"), "current");
    holds(&world, &value);
}

#[test]
fn a_target_that_left_is_not_deleted_in_another_region() {
    let mut world = World::new();
    world.story.configure(&[HEX, TARGETS]);
    world.story.apply();
    let value = world.value_in(HERE, PARAMETER);
    world.region(THERE);
    world.story.configure(&[
        HEX,
        r#"targets = { app = { wave = 2, fly_secret = { app = "molecule-cp" } } }"#,
    ]);
    let said = unframed(&world.story.fails());
    assert!(said.contains("another AWS region than this run"), "{said}");
    holds(&world, &value);
    world.region(HERE);
    world.story.apply();
    assert_eq!(world.value_in(HERE, PARAMETER), "ParameterNotFound");
}

/// An entry whose target has moved is called as in plans, and said to hold the value as long as it may.
#[test]
fn an_entry_that_is_left_behind_by_a_move_has_words_for_its_place() {
    let at = |name: &str| {
        format!(
            "targets = {{ web = {{ ssm_parameter = {{ name = \"/molecule/production/{name}\" }} }}, cp = {{ fly_secret = {{ app = \"molecule-cp\" }} }} }}"
        )
    };
    let story = Story::begun(&[FLY_TOKEN, &at("OLD"), A_DAY]);
    story.sandbox.lasting_fault("DeleteParameter", "error_before");
    story.configure(&[FLY_TOKEN, &at("NEW"), A_DAY]);
    let said = unframed(&story.fails());
    for words in [
        "is in 2 of 2 targets",
        "us-east-1 is no longer in targets, but may still hold generation 1.",
        "The next apply will delete SSM parameter /molecule/production/OLD in account 000000000000, us-east-1 (no longer in targets)",
    ] {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    let (_, error) = said.split_once("Error:").unwrap();
    assert!(!error.contains("ssm_parameter:"), "{said}");
}
