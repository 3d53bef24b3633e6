//! States that today's rules do not understand wholly, or that name another connection: nothing is deleted or revoked for that.

use serde_json::{Value, json};

use crate::story::{A_DAY, FLY_TOKEN, PARAMETER, SSM_TARGET, Story, THREE_TARGETS, unframed};
use crate::truth::{alive, parameter, the_token};

/// Edits the attributes in the state file, as an older version of the provider may have written them.
fn edit(story: &Story, change: impl FnOnce(&mut Value)) {
    let path = story.workspace.path().join("terraform.tfstate");
    let mut state = story.workspace.state();
    change(&mut state["resources"][0]["instances"][0]["attributes"]);
    std::fs::write(path, state.to_string()).unwrap();
}

/// Something in the state that no version understands.
fn an_argument_of_another_time(attributes: &mut Value) {
    attributes["overlap"] = json!("a fortnight");
}

#[test]
fn a_destroy_keeps_what_is_to_be_kept_whatever_else_in_the_state_is_not_understood() {
    let keeping = SSM_TARGET.replace("runtime = {", "runtime = { on_remove = \"keep\", ");
    for (lines, kept) in [
        ([FLY_TOKEN, SSM_TARGET, A_DAY, "on_destroy = \"abandon\""], true),
        ([FLY_TOKEN, &keeping, A_DAY, ""], true),
        (
            [FLY_TOKEN, SSM_TARGET, A_DAY, "revoke {\n mode = \"manual\"\n }"],
            false,
        ),
    ] {
        let story = Story::begun(&lines);
        let token = the_token(&story);
        edit(&story, an_argument_of_another_time);
        story.destroy();
        assert_eq!(alive(&story), [token], "{lines:?}");
        assert_eq!(parameter(&story, PARAMETER).is_some(), kept, "{lines:?}");
    }
}

#[test]
fn a_destroy_stops_at_a_word_that_it_does_not_understand() {
    for (path, word) in [
        ("/on_destroy", "forget"),
        ("/revoke", "by_hand"),
        ("/targets/value/runtime/on_remove", "leave"),
    ] {
        let deleting = SSM_TARGET.replace("runtime = {", "runtime = { on_remove = \"delete\", ");
        let story = Story::begun(&[FLY_TOKEN, &deleting, A_DAY]);
        let token = the_token(&story);
        edit(&story, |attributes| {
            let value = if path == "/revoke" {
                json!({ "mode": word })
            } else {
                json!(word)
            };
            *attributes.pointer_mut(path).unwrap() = value;
        });
        story.sandbox.forget_calls();
        let outcome = story.run(&["apply", "-destroy", "-auto-approve"]);
        assert_eq!(outcome.status, 1, "{}", outcome.output);
        let said = unframed(&outcome.output);
        assert!(
            said.contains("does not understand") && said.contains("Nothing was deleted or revoked"),
            "{said}"
        );
        story.wrote_nothing();
        assert_eq!(alive(&story), [token]);
        assert!(!story.has_no_state());
    }
}

#[test]
fn a_target_that_leaves_a_state_that_is_not_understood_is_kept_if_it_was_to_be_kept() {
    let keeping = THREE_TARGETS.replace("runtime       = {", "runtime = { on_remove = \"keep\", ");
    let story = Story::begun(&[FLY_TOKEN, &keeping, A_DAY]);
    edit(&story, an_argument_of_another_time);
    story.configure(&[FLY_TOKEN, crate::story::FLY_TARGET]);
    story.run(&["apply", "-auto-approve"]).success();
    assert_eq!(parameter(&story, PARAMETER), Some(the_token(&story).value));
}

#[test]
fn a_connection_that_the_state_names_is_never_replaced_by_another_one() {
    let story = Story::begun(&[FLY_TOKEN, SSM_TARGET, A_DAY]);
    let token = the_token(&story);
    edit(&story, |attributes| {
        for address in ["/deliveries/runtime/slot", "/credentials/1/issuer"] {
            let known = attributes.pointer_mut(address).unwrap();
            *known = json!(known.as_str().unwrap().replacen(":default:", ":other_account:", 1));
        }
    });
    story.sandbox.forget_calls();
    let outcome = story.run(&["apply", "-destroy", "-auto-approve"]);
    assert_eq!(outcome.status, 1, "{}", outcome.output);
    let said = unframed(&outcome.output);
    assert!(
        said.contains("The connection \"other_account\" is not declared"),
        "{said}"
    );
    story.wrote_nothing();
    assert_eq!(alive(&story), std::slice::from_ref(&token));
    assert_eq!(parameter(&story, PARAMETER), Some(token.value));
}

#[test]
fn an_entry_that_somebody_wrote_since_is_left_by_a_removal_and_by_a_destroy_alike() {
    let two = r#"targets = {
    control_plane = { fly_secret = { app = "molecule-cp" } }
    runtime       = { wave = 2, ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
  }"#;
    for removes in [true, false] {
        let story = Story::begun(&[FLY_TOKEN, two, "overlap = \"0s\""]);
        story
            .sandbox
            .seed(json!({ "aws": { "parameters": { PARAMETER: "typed by hand" } } }));
        let said = if removes {
            story.configure(&[FLY_TOKEN, crate::story::FLY_TARGET, "overlap = \"0s\""]);
            story.run(&["apply", "-auto-approve"]).success()
        } else {
            story.destroy()
        };
        assert!(unframed(&said).contains("was left in place"), "{said}");
        assert_eq!(parameter(&story, PARAMETER).as_deref(), Some("typed by hand"));
    }
}
