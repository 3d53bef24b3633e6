//! A provider block that permits plans only.

use crate::story::{A_DAY, FLY_TOKEN, NAME, Story, THREE_TARGETS, resource, unframed};

fn read_only(story: &Story, lines: &[&str]) {
    story.write_all(&format!(
        "provider \"rotation\" {{\n  namespace = \"production\"\n  read_only = true\n}}\n{}",
        resource("it", NAME, lines)
    ));
}

#[test]
fn it_plans_as_usual_and_applies_nothing() {
    let lines = [FLY_TOKEN, THREE_TARGETS, A_DAY];
    let mut story = Story::new();
    read_only(&story, &lines);
    let plan = story.plan();
    assert!(plan.contains("Plan: 1 to add, 0 to change, 0 to destroy."), "{plan}");
    let said = unframed(&story.fails());
    assert!(said.contains("The provider is read-only"), "{said}");
    story.wrote_nothing();
    story.configure(&lines);
    story.apply();
    story.sandbox.forget_calls();
    let asked = [FLY_TOKEN, THREE_TARGETS, A_DAY, "rotation_reason = \"now\""];
    read_only(&story, &asked);
    let plan = story.plan();
    assert!(plan.contains("~ generation     = 1 -> 2"), "{plan}");
    for command in [
        &["apply", "-auto-approve"][..],
        &["apply", "-destroy", "-auto-approve"],
        &["apply", "-auto-approve", "-replace=rotation_secret.it"],
    ] {
        let refused = story.run(command);
        assert_eq!(refused.status, 1, "{command:?}\n{}", refused.output);
        assert!(
            refused.output.contains("The provider is read-only"),
            "{}",
            refused.output
        );
    }
    // Time and drift show, and stay.
    read_only(&story, &lines);
    story.settled();
    story.clock("2d");
    story.settled();
    story.wrote_nothing();
    assert_eq!(story.attributes()["generation"], 1);
}
