//! Passwords of Neon's roles, where one handle has one password, and API keys.

use serde_json::Value;

use crate::key_life::{Key, alive, presented};
use crate::story::{A_DAY, PARAMETER, SSM_TARGET, Story};
use crate::truth::{parameter, password};

const ONE_ROLE: &str = r#"source = { neon_role_password = {
    project_id = "quiet-river-12345678", branch_id = "br-main-123456", role = "app" } }"#;
const TWO_ROLES: &str = r#"source = { neon_role_password = {
    project_id = "quiet-river-12345678", branch_id = "br-main-123456", role = "app", alternate_role = "app_b" } }"#;
const URI: &str =
    r#"targets = { runtime = { part = "uri", ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } } }"#;
const API_KEY: &str = "source = { neon_api_key = {} }";

/// A reason to rotate.
fn because(reason: &str) -> String {
    format!("rotation_reason = {reason:?}")
}

/// The parameter holds the URI of that role, with the password that it logs in with.
#[track_caller]
fn connects_as(story: &Story, role: &str) {
    let uri = parameter(story, PARAMETER).unwrap();
    let begin = format!("postgresql://{role}:{}@", password(story, role));
    assert!(uri.starts_with(&begin), "{uri} does not begin with {begin}");
}

/// Handle and status of every credential in state, the oldest first.
fn credentials(story: &Story) -> Vec<(String, String)> {
    let attributes = story.attributes();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    // By generation: the map's keys sort as numbers while there are fewer than ten.
    let all = attributes["credentials"].as_object().unwrap().values();
    all.map(|one| (text(&one["credential_id"]), text(&one["status"])))
        .collect()
}

fn pair(role: &str, status: &str) -> (String, String) {
    (role.to_owned(), status.to_owned())
}

#[test]
fn two_roles_take_turns_and_the_older_one_works_until_its_overlap_ends() {
    let mut story = Story::begun(&[TWO_ROLES, URI, A_DAY]);
    connects_as(&story, "app");
    let before = password(&story, "app");
    story.configure(&[TWO_ROLES, URI, A_DAY, &because("once")]);
    story.apply();
    connects_as(&story, "app_b");
    assert_eq!(password(&story, "app"), before, "the older one still works");
    assert_eq!(
        credentials(&story),
        [pair("app", "overlapping"), pair("app_b", "current")]
    );
    story.clock("25h");
    let plan = story.plan();
    for words in ["revoke generation 1 (app) at ", "its overlap ended "] {
        assert!(plan.contains(words), "{words} is not in\n{plan}");
    }
    story.apply();
    connects_as(&story, "app_b");
    assert_ne!(password(&story, "app"), before);
    assert_eq!(credentials(&story), [pair("app", "disabled"), pair("app_b", "current")]);
}

#[test]
fn one_role_has_a_gap_that_the_plan_announces() {
    let story = Story::begun(&[ONE_ROLE, URI]);
    story.configure(&[ONE_ROLE, URI, &because("once")]);
    let plan = story.plan();
    assert!(plan.contains("this rotation causes downtime"), "{plan}");
    story.apply();
    connects_as(&story, "app");
    assert_eq!(credentials(&story), [pair("app", "current")]);
}

#[test]
fn a_role_that_leaves_the_source_works_until_its_overlap_ends() {
    let mut story = Story::begun(&[TWO_ROLES, URI, A_DAY]);
    story.configure(&[TWO_ROLES, URI, A_DAY, &because("once")]);
    story.apply();
    let left = password(&story, "app_b");
    story.configure(&[ONE_ROLE, URI, A_DAY, &because("once")]);
    story.apply();
    connects_as(&story, "app");
    assert_eq!(password(&story, "app_b"), left);
    assert_eq!(
        credentials(&story),
        [pair("app_b", "overlapping"), pair("app", "current")]
    );
    story.configure(&[ONE_ROLE, URI, A_DAY, &because("twice")]);
    story.apply();
    assert_eq!(
        credentials(&story),
        [pair("app_b", "overlapping"), pair("app", "current")]
    );
    story.clock("25h");
    story.apply();
    assert_ne!(password(&story, "app_b"), left);
    connects_as(&story, "app");
}

#[test]
fn a_reset_whose_answer_was_lost_is_delivered_and_not_made_again() {
    let story = Story::begun(&[ONE_ROLE, URI]);
    story.configure(&[ONE_ROLE, URI, &because("once")]);
    story.sandbox.forget_calls();
    story.sandbox.fault("reset_password", 1, "drop_after");
    story.fails();
    story.apply();
    connects_as(&story, "app");
    let resets = story
        .writes()
        .iter()
        .filter(|call| call.contains("reset_password"))
        .count();
    assert_eq!(resets, 1);
    assert_eq!(story.attributes()["generation"], 2);
}

#[test]
fn an_api_key_whose_answer_was_lost_is_revoked() {
    let story = Story::begun(&[API_KEY, SSM_TARGET, "overlap = \"0s\""]);
    story.configure(&[API_KEY, SSM_TARGET, "overlap = \"0s\"", &because("once")]);
    story.sandbox.fault("POST /api/v2/api_keys", 1, "drop_after");
    story.fails();
    story.apply();
    assert_eq!(alive(&story, "neon"), [parameter(&story, PARAMETER).unwrap()]);
}

#[test]
fn an_api_key_works_until_its_overlap_ends() {
    let answers = |story: &Story, key: &str| presented(story, key, "GET", "/api/v2/users/me", &Value::Null);
    let key = Key {
        vendor: "neon",
        own: ("api_key", "NEON_API_KEY"),
        urls: &[("base_url", "NEON_BASE_URL")],
        source: "neon_api_key = {}",
        answers,
    };
    key.live();
}

#[test]
fn a_password_that_a_revocation_made_is_never_published() {
    let mut story = Story::begun(&[TWO_ROLES, URI, "overlap = \"1h\""]);
    story.configure(&[TWO_ROLES, URI, "overlap = \"1h\"", &because("once")]);
    story.apply();
    story.clock("2h");
    // The sandbox's instants have whole seconds: the revocation comes later than the mint before it.
    story.a_second_later();
    story.apply();
    let revoked = password(&story, "app");
    story.configure(&[TWO_ROLES, URI, "overlap = \"1h\"", &because("twice")]);
    story.apply();
    connects_as(&story, "app");
    assert_ne!(password(&story, "app"), revoked, "it was made at the revocation");
}

#[test]
fn a_new_reason_after_a_failed_rotation_is_a_rotation_of_its_own() {
    for source in [ONE_ROLE, TWO_ROLES] {
        let story = Story::new();
        let targets = r#"targets = {
    runtime       = { part = "uri", ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
    image_publish = { wave = 2, part = "uri", github_actions_secret = { repository = "molecule-monorepo" } }
  }"#;
        story.configure(&[source, targets, A_DAY]);
        story.apply();
        story.sandbox.fault("PUT /repos", 1, "forbidden");
        story.configure(&[source, targets, A_DAY, &because("one")]);
        story.fails();
        let begun = parameter(&story, PARAMETER);
        // The two roles are taken: the older one makes way for the new request.
        let at_once = "overlap = \"0s\"";
        story.configure(&[source, targets, at_once, &because("two: the value of one was leaked")]);
        let plan = story.plan();
        assert!(
            plan.contains("two: the value of one was leaked") && plan.contains("2 -> 3"),
            "{plan}"
        );
        story.apply();
        assert_ne!(parameter(&story, PARAMETER), begun);
        let attributes = story.attributes();
        assert_eq!(attributes["generation"], 3);
        assert_eq!(
            attributes["last_rotation"]["reason"],
            "two: the value of one was leaked"
        );
    }
}

#[test]
fn two_secrets_with_one_label_prefix_are_not_taken_for_each_other() {
    let story = Story::new();
    let resource = |label: &str, name: &str| {
        let target = format!("targets = {{ here = {{ ssm_parameter = {{ name = \"/{label}\" }} }} }}");
        crate::story::resource(
            label,
            name,
            &[
                API_KEY,
                &target,
                "overlap = \"0s\"",
                "label_prefix = \"molecule-cp-rotation\"",
            ],
        )
    };
    story.write(&(resource("one", "ONE") + &resource("two", "TWO")));
    story.apply();
    story.run(&["apply", "-refresh-only", "-auto-approve"]).success();
    for name in ["one", "two"] {
        assert_eq!(story.attributes_of(name)["notices"], serde_json::json!([]));
    }
}

#[test]
fn a_destroy_names_what_else_carries_the_id_and_leaves_it() {
    let story = Story::begun(&[API_KEY, SSM_TARGET, "overlap = \"0s\""]);
    let id = story.attributes()["id"].as_str().unwrap()[..12].to_owned();
    let stranger = format!("FLY_API_TOKEN-rot-{id}-g7");
    story
        .sandbox
        .seed(serde_json::json!({ "neon": { "api_keys": [{ "name": stranger }] } }));
    let plan = story.run(&["plan", "-refresh-only"]).success();
    assert!(
        plan.contains("carries this secret's id, but is further ahead"),
        "{plan}"
    );
    let said = crate::story::unframed(&story.destroy());
    assert!(said.contains(&stranger) && said.contains("is still valid"), "{said}");
    let keys = story.sandbox.state()["neon"]["api_keys"].clone();
    let of_ours = |key: &&Value| key["name"].as_str().is_some_and(|name| name.contains("-rot-"));
    let left: Vec<&Value> = keys
        .as_array()
        .unwrap()
        .iter()
        .filter(of_ours)
        .filter(|key| key["revoked"] != true)
        .collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0]["name"], stranger);
}
