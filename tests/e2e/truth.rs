//! What the vendors hold, read from the sandbox's own account and never from the provider's state.

use serde_json::{Value, json};

use crate::story::{NAME, PARAMETER, REPOSITORY, Story};

/// A token at Fly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FlyToken {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) owner: String,
    pub(crate) alive: bool,
}

/// Every token that Fly has issued, the user's own first, in the order of their making.
pub(crate) fn fly_tokens(story: &Story) -> Vec<FlyToken> {
    let state = story.sandbox.state();
    let tokens = state["fly"]["tokens"].as_array().unwrap().iter();
    let text = |token: &Value, name: &str| token[name].as_str().unwrap().to_owned();
    tokens
        .map(|token| FlyToken {
            id: text(token, "id"),
            name: text(token, "name"),
            value: text(token, "value"),
            owner: text(token, "owner"),
            alive: token["revoked_at"].is_null(),
        })
        .collect()
}

/// The tokens that this provider made.
pub(crate) fn ours(story: &Story) -> Vec<FlyToken> {
    fly_tokens(story)
        .into_iter()
        .filter(|token| token.name.contains("-rot-"))
        .collect()
}

/// The tokens that this provider made and that still work.
pub(crate) fn alive(story: &Story) -> Vec<FlyToken> {
    ours(story).into_iter().filter(|token| token.alive).collect()
}

/// The password that a role logs in with.
pub(crate) fn password(story: &Story, role: &str) -> String {
    let state = story.sandbox.state();
    let roles = &state["neon"]["projects"]["quiet-river-12345678"]["roles"];
    roles[role]["password"].as_str().unwrap().to_owned()
}

/// The one token of ours that works.
#[track_caller]
pub(crate) fn the_token(story: &Story) -> FlyToken {
    let alive = alive(story);
    assert_eq!(alive.len(), 1, "{alive:?}");
    alive[0].clone()
}

/// What Fly stores for an app.
pub(crate) fn fly_secret(story: &Story, app: &str, name: &str) -> Option<String> {
    let state = story.sandbox.state();
    text(&state["fly"]["apps"][app]["secrets"][name]["value"])
}

/// Somebody sets the control plane's secret by hand.
#[track_caller]
pub(crate) fn write_fly_secret(story: &Story, value: &str) {
    let path = format!("/v1/apps/molecule-cp/secrets/{NAME}");
    let headers = [("authorization", story.sandbox.export("FLY_API_TOKEN"))];
    let answer = story.sandbox.call("POST", &path, &headers, &json!({ "value": value }));
    assert_eq!(answer.0, 201, "{answer:?}");
}

/// What each machine of an app that runs has in its environment.
pub(crate) fn machine_values(story: &Story, app: &str, name: &str) -> Vec<Option<String>> {
    let state = story.sandbox.state();
    let machines = state["fly"]["apps"][app]["machines"].as_object().unwrap();
    let started = machines.values().filter(|machine| machine["state"] == "started");
    started.map(|machine| text(&machine["env"][name])).collect()
}

/// What a repository's secret is.
pub(crate) fn github_secret(story: &Story, repository: &str, name: &str) -> Option<String> {
    let state = story.sandbox.state();
    text(&state["github"]["repositories"][repository]["secrets"][name]["value"])
}

/// What the vendors held at every moment of the story so far, with the time in milliseconds.
pub(crate) fn moments(story: &Story) -> Vec<(i64, Value)> {
    let timeline = story.sandbox.timeline().into_iter();
    let held = timeline.filter(|entry| !entry["state"].is_null());
    held.map(|entry| {
        let at: jiff::Timestamp = entry["at"].as_str().unwrap().parse().unwrap();
        (at.as_millisecond(), entry["state"].clone())
    })
    .collect()
}

/// What a parameter is.
pub(crate) fn parameter(story: &Story, name: &str) -> Option<String> {
    let state = story.sandbox.state();
    text(&state["aws"]["ssm"][name]["value"])
}

/// The usual three places hold this value, and the machines run it.
#[track_caller]
pub(crate) fn three_targets_hold(story: &Story, value: &str) {
    let value = Some(value.to_owned());
    assert_eq!(fly_secret(story, "molecule-cp", NAME), value, "the app's secret");
    for running in machine_values(story, "molecule-cp", NAME) {
        assert_eq!(running, value, "what a machine of the app runs");
    }
    assert_eq!(github_secret(story, REPOSITORY, NAME), value, "the repository's secret");
    assert_eq!(parameter(story, PARAMETER), value, "the parameter");
}

/// No token of ours works, and the usual three places are empty.
#[track_caller]
pub(crate) fn nothing_is_left(story: &Story) {
    assert_eq!(alive(story), []);
    assert_eq!(fly_secret(story, "molecule-cp", NAME), None);
    assert_eq!(github_secret(story, REPOSITORY, NAME), None);
    assert_eq!(parameter(story, PARAMETER), None);
    assert!(story.has_no_state());
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
