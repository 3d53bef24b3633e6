//! `ROTATION_CLOCK_OFFSET` is for vendors on this machine: with any other, nothing is read or decided by a moved clock.

use crate::moto::World;
use crate::story::{FLY_TARGET, FLY_TOKEN, NAME, Story, resource, unframed};

/// RFC 6761 section 6.4: no such host exists.
const ELSEWHERE: &str = "https://vendor.invalid";
const EVERY: &str = "rotation {\n    every = \"30d\"\n  }";

/// Plans, refreshes and applies are refused by this host, and the state stays as it is.
#[track_caller]
fn refused(story: &Story, host: &str) -> String {
    let before = story.workspace.state();
    let mut said = String::new();
    for command in [
        &["plan"][..],
        &["plan", "-refresh=false"],
        &["apply", "-refresh-only", "-auto-approve"],
        &["apply", "-auto-approve"],
    ] {
        let outcome = story.run(command);
        said = unframed(&outcome.output);
        assert_eq!(outcome.status, 1, "{command:?}: {said}");
        let summary = format!("ROTATION_CLOCK_OFFSET cannot be used with {host}");
        assert!(said.contains(&summary), "{command:?}: {said}");
        assert!(!said.contains("Cannot read"), "nothing was asked: {said}");
    }
    assert_eq!(story.workspace.state(), before);
    said
}

#[test]
fn the_providers_own_account_elsewhere_is_refused() {
    let mut story = Story::begun(&[FLY_TOKEN, FLY_TARGET, EVERY]);
    story.workspace.set("FLY_FLAPS_BASE_URL", ELSEWHERE);
    story.clock("31d");
    let said = refused(&story, "vendor.invalid");
    assert!(said.contains("own account for Fly is at vendor.invalid"), "{said}");
    let here = story.sandbox.export("FLY_FLAPS_BASE_URL").to_owned();
    story.workspace.set("FLY_FLAPS_BASE_URL", &here);
    assert!(story.plan().contains("generation 2"));
    // An account that nothing uses may be anywhere.
    story.workspace.set("NEON_BASE_URL", ELSEWHERE);
    story.apply();
}

#[test]
fn a_named_connection_elsewhere_is_refused_before_anything_exists() {
    let mut story = Story::new();
    let target = r#"targets = { there = { connection = "there", fly_secret = { app = "molecule-cp" } } }"#;
    story.write_all(&format!(
        "provider \"rotation\" {{\n  namespace = \"production\"\n  connection \"there\" {{\n    fly {{\n      token = \"fo1_x\"\n      \
         api_url = {ELSEWHERE:?}\n    }}\n  }}\n}}\n{}",
        resource("it", NAME, &[FLY_TOKEN, target])
    ));
    story.clock("1h");
    let said = story.refused("plan");
    assert!(
        said.contains(r#"The connection "there" leads to vendor.invalid"#),
        "{said}"
    );
}

#[test]
fn an_endpoint_of_the_shared_files_counts() {
    let mut world = World::new();
    let target = r#"targets = { runtime = { ssm_parameter = { name = "/molecule/clock" } } }"#;
    let lines = [
        r#"source = { random = { bytes = 32, encoding = "hex" } }"#,
        target,
        EVERY,
    ];
    world.story.configure(&lines);
    world.story.apply();
    let files = world.story.workspace.path().join("aws-config");
    let profile = |url: &str| std::fs::write(&files, format!("[default]\nendpoint_url = {url}\n")).unwrap();
    world.story.workspace.set("AWS_ENDPOINT_URL", "");
    world.story.workspace.set("AWS_CONFIG_FILE", files.to_str().unwrap());
    world.story.clock("100d");
    profile(ELSEWHERE);
    refused(&world.story, "vendor.invalid");
    let here = world.url();
    profile(&here);
    assert!(world.story.plan().contains("generation 2"));
}
