//! API keys of Resend.

use serde_json::json;

use crate::key_life::{Key, presented};
use crate::story::{A_DAY, SSM_TARGET, Story, says};

const KEY: Key = Key {
    vendor: "resend",
    own: ("api_key", "RESEND_API_KEY"),
    urls: &[("base_url", "RESEND_BASE_URL")],
    source: r#"resend_api_key = { permission = "sending_access", domain_id = "d91cd9bd-1176-453e-8fc1-35364d380206" }"#,
    answers: sends,
};

/// How Resend answers an email that is sent with that key.
fn sends(story: &Story, key: &str) -> u16 {
    let email = json!({ "from": "a@example.com", "to": "b@example.net", "subject": "hello" });
    presented(story, key, "POST", "/emails", &email)
}

#[test]
fn a_key_sends_until_its_overlap_ends() {
    KEY.live();
}

#[test]
fn a_key_that_is_refused_is_told_from_one_that_may_only_send() {
    let mut story = Story::new();
    let app = json!({ "name": "app", "permission": "sending_access", "value": "re_app_0123456789abcdef" });
    story.sandbox.seed(json!({ "resend": { "api_keys": [app] } }));
    story.configure(&[&format!("source = {{ {} }}", KEY.source), SSM_TARGET, A_DAY]);
    let cases = [
        ("gone", "unknown to Resend"),
        ("app", "Only an API key with full access can manage keys"),
    ];
    for (key, words) in cases {
        let key = format!("re_{key}_0123456789abcdef");
        story.workspace.set("RESEND_API_KEY", &key);
        says(&story.fails(), &[words, "Nothing was minted or changed."]);
    }
}
