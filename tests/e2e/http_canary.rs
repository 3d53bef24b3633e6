//! Canaries at the runbooks' platform: a global secret of no use, which is always deleted.

use serde_json::json;

use crate::interrupt::{apply_until, ended, send};
use crate::story::{FLY_TARGET, FLY_TOKEN, NAME, Story, resource, says};

/// A secret whose check makes a canary and looks for that text.
fn configure(story: &Story, expected: &str, more: &str) {
    let check = format!(
        "checks = {{\n    canary = {{\n      connection = \"platform\"\n      effects = true\n      retry_for = \"{more}\"\n      http_canary = {{\n        \
         create = {{ method = \"PUT\", url = \"/settings/secrets\", body = jsonencode({{ key = \"{{{{ name }}}}\", value = \"x\" }}) }}\n        \
         inspect = {{ url = \"/settings/secrets\", expect_body = \"{expected}\" }}\n        \
         delete = {{ url = \"/settings/secrets/{{{{ name }}}}\" }}\n      }}\n    }}\n  }}"
    );
    let secret = resource("it", NAME, &[FLY_TOKEN, FLY_TARGET, &check]);
    story.write_all(&format!(
        "provider \"rotation\" {{\n  namespace = \"production\"\n  connection \"platform\" {{\n    http {{\n      base_url = {:?}\n      headers = {{ \
         Authorization = \"Bearer {}\" }}\n    }}\n  }}\n}}\n{secret}",
        story.sandbox.export("PLATFORM_URL"),
        story.sandbox.export("PLATFORM_TOKEN"),
    ));
}

fn left(story: &Story) -> Vec<String> {
    let state = story.sandbox.state();
    let names = state["platform"]["secrets"].as_object().unwrap().keys().cloned();
    names.filter(|name| name.starts_with("rotation-canary-")).collect()
}

fn made(story: &Story) -> usize {
    let calls = story.sandbox.calls();
    calls
        .iter()
        .filter(|call| call.line.contains("PUT /settings/secrets"))
        .count()
}

#[test]
fn a_canary_is_deleted_once_it_was_seen() {
    let story = Story::new();
    configure(&story, "{{ name }}", "60s");
    story.apply();
    assert_eq!(story.attributes()["last_rotation"]["checks"][0]["result"], "passed");
    assert_eq!((made(&story), left(&story)), (1, Vec::new()));
}

#[test]
fn a_canary_is_deleted_after_it_failed_too() {
    let story = Story::new();
    configure(&story, "something else", "0s");
    says(&story.fails(), &["does not hold the text of expect_body"]);
    assert_eq!((made(&story), left(&story)), (1, Vec::new()));
    // The request that makes it is sent once; what it may have made is deleted by its name.
    story.sandbox.forget_calls();
    story.sandbox.fault("PUT /settings/secrets", 1, "drop_after");
    says(&story.fails(), &["creating rotation-canary-"]);
    assert_eq!((made(&story), left(&story)), (1, Vec::new()));
    // One that cannot be deleted is named.
    story.sandbox.lasting_fault("DELETE /settings/secrets", "forbidden");
    let said = story.fails();
    let left = left(&story);
    assert_eq!(left.len(), 1);
    says(&said, &[&format!("{} was not deleted", left[0]), "Delete it by hand"]);
}

#[test]
fn a_canary_is_deleted_after_an_interrupt() {
    let story = Story::new();
    configure(&story, "something else", "120s");
    let child = apply_until(&story, "GET /settings/secrets");
    assert_eq!(left(&story).len(), 1);
    send("kill", &["-INT"], &child);
    let said = ended(child);
    says(&said, &["Interrupt"]);
    assert_eq!((made(&story), left(&story)), (1, Vec::new()));
}

#[test]
fn what_changes_something_must_be_confirmed() {
    let story = Story::new();
    configure(&story, "{{ name }}", "60s");
    let path = story.workspace.path().join("main.tf");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("      effects = true\n", "")).unwrap();
    let said = story.run(&["plan"]);
    assert_eq!(said.status, 1, "{}", said.output);
    says(&said.output, &["effects"]);
    assert_eq!(json!(story.sandbox.calls().len()), json!(0));
}
