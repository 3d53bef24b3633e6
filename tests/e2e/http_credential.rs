//! Credentials of any HTTP service: the example of the docs, lived through with the keys of Resend.

use serde_json::json;

use crate::key_life::{alive, presented};
use crate::story::{Story, says};
use crate::truth::parameter;

const EXAMPLE: &str = include_str!("../../examples/sources/http/main.tf");
const PARAMETER: &str = "/example/production/SERVICE_TOKEN";

/// The example, with what exists here. Every label is short enough for Resend.
fn configure(story: &Story, more: &str) {
    let (_, configuration) = EXAMPLE.split_once("variable \"admin_token\" {").unwrap();
    let configuration = configuration
        .replace(
            "https://service.example.com/api",
            story.sandbox.export("RESEND_BASE_URL"),
        )
        .replace("  targets = {", &format!("{more}\n  targets = {{"));
    story.write_all(&format!("variable \"admin_token\" {{{configuration}"));
}

#[test]
fn a_token_is_minted_found_by_its_name_and_revoked_by_its_id() {
    let mut story = Story::new();
    let key = story.sandbox.export("RESEND_API_KEY").to_owned();
    story.workspace.set("TF_VAR_admin_token", &key);
    configure(&story, "");
    says(&story.plan(), &["mint generation 1", "credential by POST /api-keys"]);
    story.apply();
    let first = parameter(&story, PARAMETER).unwrap();
    let state = story.workspace.state().to_string();
    assert!(!state.contains(&first) && !state.contains(&key));

    configure(&story, "rotation_reason = \"leaked\"");
    story.apply();
    let second = parameter(&story, PARAMETER).unwrap();
    assert_eq!(alive(&story, "resend"), [&*first, &*second]);
    story.clock("25h");
    story.apply();
    assert_eq!(alive(&story, "resend"), [&*second]);
    let email = json!({ "from": "a@example.com", "to": "b@example.net", "subject": "hello" });
    let answers = [&first, &second].map(|key| presented(&story, key, "POST", "/emails", &email));
    assert_eq!(answers, [401, 200]);

    // Whatever an answer that was lost made is found by its name. Before it was asked too often, nothing would be made.
    story.a_second_later().sandbox.fault("POST /api-keys", 1, "drop_after");
    configure(&story, "rotation_reason = \"again\"");
    says(&story.fails(), &["It did:", "exists, but its value is lost"]);
    story.apply();
    story.clock("75h");
    story.apply();
    assert_eq!(alive(&story, "resend").len(), 1);
    story.destroy();
    assert_eq!(alive(&story, "resend"), [""; 0]);
}
