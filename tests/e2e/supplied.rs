//! Values that a person supplies: they rotate when a new one comes, and wait for it until then.

use serde_json::{Value, json};

use crate::story::{PARAMETER, Story, says};
use crate::truth::{parameter, write_fly_secret};

const SOURCE: &str =
    "source = { provided = { credential_id = var.id } }\n  value_wo = var.value\n  value_wo_version = var.number";
const TARGET: &str = r#"targets = { runtime = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } } }"#;
const INFO: &str = r#"info = { contact = "security@example.com", docs_url = "https://example.com/rotate" }"#;
const VARIABLES: &str = r#"
variable "value" {
  type      = string
  ephemeral = true
  default   = null
}
variable "id" {
  default = null
}
variable "number" {
  default = 1
}
"#;

/// A person who hands over a value with each command.
struct Person(Story);

impl Person {
    fn new(lines: &[&str]) -> Self {
        let person = Self(Story::new());
        person.configure(lines);
        person
    }

    fn configure(&self, lines: &[&str]) {
        let lines = [&[SOURCE, TARGET, INFO], lines].concat();
        self.0.write(&format!(
            "{VARIABLES}{}",
            crate::story::resource("it", "STRIPE_API_KEY", &lines)
        ));
    }

    fn run(&self, command: &[&str], number: u64, id: &str, value: Option<&str>) -> (i32, String) {
        let number = format!("number={number}");
        let id = format!("id={id}");
        let mut arguments = command.to_vec();
        arguments.extend(["-var", &number, "-var", &id]);
        let value = value.map(|value| format!("value={value}"));
        if let Some(value) = &value {
            arguments.extend(["-var", value]);
        }
        let outcome = self.0.run(&arguments);
        (outcome.status, outcome.output)
    }

    #[track_caller]
    fn applies(&self, number: u64, id: &str, value: Option<&str>) -> String {
        let (status, output) = self.run(&["apply", "-auto-approve"], number, id, value);
        assert_eq!(status, 0, "{output}");
        // Nothing more is to be done, with or without the value.
        for value in [value, None] {
            let (status, output) = self.run(&["plan", "-detailed-exitcode"], number, id, value);
            assert_eq!(status, 0, "{output}");
        }
        output
    }

    #[track_caller]
    fn refuses(&self, number: u64, id: &str, value: Option<&str>, words: &[&str]) {
        let (status, output) = self.run(&["apply", "-auto-approve"], number, id, value);
        assert_eq!(status, 1, "{output}");
        says(&output, words);
    }

    fn attribute(&self, name: &str) -> Value {
        self.0.attributes()[name].clone()
    }
}

fn codes(notices: &Value) -> Vec<&str> {
    let notices = notices.as_array().unwrap().iter();
    notices.map(|notice| notice["code"].as_str().unwrap()).collect()
}

#[test]
fn a_request_waits_for_a_new_value_and_is_what_that_value_answers() {
    let person = Person::new(&[]);
    person.applies(1, "rk_1", Some("first"));
    person.configure(&[r#"rotation_reason = "key leaked""#]);
    let said = person.applies(1, "rk_1", None);
    says(
        &said,
        &[
            "STRIPE_API_KEY: awaiting_value",
            "wait for the value of generation 2 (key leaked)",
            "Contact: security@example.com",
            "https://example.com/rotate",
        ],
    );
    assert_eq!(person.attribute("phase"), "awaiting_value");
    assert_eq!(person.attribute("generation"), 1);
    assert_eq!(codes(&person.attribute("notices")), ["awaiting_value"]);
    assert_eq!(parameter(&person.0, PARAMETER).as_deref(), Some("first"));
    // The argument is withdrawn: the request stays open.
    person.configure(&[]);
    person.applies(1, "rk_1", None);
    assert_eq!(person.attribute("phase"), "awaiting_value");
    let said = person.applies(2, "rk_2", Some("second"));
    says(
        &said,
        &[
            "use generation 2: supplied value, version 2",
            "leave generation 1 (rk_1) valid",
        ],
    );
    assert_eq!(parameter(&person.0, PARAMETER).as_deref(), Some("second"));
    let last = person.attribute("last_rotation");
    assert_eq!(
        (&last["cause"], &last["reason"]),
        (&json!("requested"), &json!("key leaked"))
    );
}

#[test]
fn a_new_version_without_a_new_value_is_refused() {
    let person = Person::new(&[]);
    person.applies(1, "rk_1", Some("first"));
    person.refuses(2, "rk_2", None, &["STRIPE_API_KEY: value_wo is required"]);
    person.refuses(2, "rk_1", Some("second"), &["has the credential_id of the old one"]);
    person.refuses(
        1,
        "rk_2",
        Some("second"),
        &["credential_id changed, but value_wo_version did not"],
    );
    person.refuses(
        2,
        "rk_2",
        Some("first"),
        &["The supplied value is the one that is already in place"],
    );
    assert_eq!(person.attribute("generation"), 1);
    assert_eq!(parameter(&person.0, PARAMETER).as_deref(), Some("first"));
    person.applies(2, "rk_2", Some("second"));
    assert_eq!(
        person.attribute("last_rotation")["reason"],
        "value_wo_version changed from 1 to 2"
    );
}

#[test]
fn a_superseded_key_stays_on_record_until_a_person_confirms() {
    let person = Person::new(&[]);
    person.applies(1, "rk_1", Some("first"));
    person.applies(2, "rk_2", Some("second"));
    assert_eq!(person.attribute("credentials")["1"]["credential_id"], "rk_1");
    assert_eq!(person.attribute("phase"), "overlapping");
    let (status, said) = person.run(&["plan", "-detailed-exitcode"], 2, "rk_2", None);
    assert_eq!(status, 0, "{said}");
    says(&said, &["STRIPE_API_KEY: revoke_by_hand", "revoke { confirmed = 1 }"]);
    person.configure(&["revoke {\n    confirmed = 2\n  }"]);
    person.refuses(
        2,
        "rk_2",
        None,
        &["revoke.confirmed is not below the current generation"],
    );
    person.configure(&["revoke {\n    confirmed = 1\n  }"]);
    let said = person.applies(2, "rk_2", None);
    says(&said, &["record that generation 1 (rk_1) was revoked"]);
    let credentials = person.attribute("credentials");
    assert_eq!(credentials.as_object().unwrap().keys().collect::<Vec<_>>(), ["2"]);
    assert_eq!(person.attribute("phase"), "settled");
}

#[test]
fn an_id_that_shows_part_of_the_value_is_refused_by_the_plan() {
    let value = "rk_live_51HxYzAbCdEfGh";
    let person = Person::new(&[]);
    for id in [value, "the rk_live_ key of November"] {
        let (status, said) = person.run(&["plan"], 1, id, Some(value));
        assert_eq!(status, 1, "{said}");
        let words = [
            "source.provided.credential_id cannot be used",
            "eight or more characters in a row in common with value_wo",
        ];
        says(&said, &words);
        assert!(!said.contains("vendor's answer"), "{said}");
    }
    person.applies(1, "the key of November", Some(value));
    // Where both are written out, `terraform validate` knows.
    let story = Story::new();
    let source = "source = { provided = { credential_id = \"AKIAEXAMPLE1\", part_names = [\"key_id\", \"secret\"] } }";
    let values = "parts_wo = { key_id = \"AKIAEXAMPLE1\", secret = \"hunter2hunter2\" }\n  value_wo_version = 1";
    let target = r#"targets = { web = { part = "secret", fly_secret = { app = "molecule-cp" } } }"#;
    story.configure(&[source, values, target]);
    let said = story.refused("validate");
    assert!(said.contains(r#"in common with parts_wo["key_id"]"#), "{said}");
}

#[test]
fn a_destroy_says_who_still_accepts_the_value() {
    let person = Person::new(&[]);
    person.applies(1, "rk_1", Some("first"));
    person.applies(2, "rk_2", Some("second"));
    let (status, said) = person.run(&["apply", "-destroy", "-auto-approve"], 2, "rk_2", None);
    assert_eq!(status, 0, "{said}");
    let warnings = said.split_once("Warning: STRIPE_API_KEY").expect("it warns").1;
    says(
        warnings,
        &[
            "Leaves valid (revoke it there yourself): generation 1 (rk_1) at its vendor, generation 2 (rk_2) at its vendor",
        ],
    );
    says(
        &said,
        &[
            "STRIPE_API_KEY: generation 2 (rk_2) is still valid",
            "Revoke it in the vendor's console",
        ],
    );
    assert!(!warnings.contains("provided:default"), "{warnings}");
}

#[test]
fn a_supplied_value_that_failed_can_be_taken_back() {
    let person = Person::new(&[]);
    person.applies(1, "rk_1", Some("first"));
    person.0.sandbox.lasting_fault("PutParameter", "forbidden");
    person.refuses(
        2,
        "rk_2",
        Some("second"),
        &["To go back to generation 1 instead, set `value_wo`, `value_wo_version` and `credential_id` as they were."],
    );
    person.0.sandbox.heal();
    // Nothing tells that it is the credential of the first one.
    person.refuses(
        3,
        "rk_3",
        Some("first"),
        &["To take it back, set value_wo, value_wo_version and credential_id"],
    );
    let said = person.applies(1, "rk_1", Some("first"));
    says(&said, &["leave generation 2 (rk_2) valid"]);
    assert_eq!(parameter(&person.0, PARAMETER).as_deref(), Some("first"));
    let credentials = person.attribute("credentials");
    assert_eq!(credentials["3"]["credential_id"], "rk_1");
    assert!(credentials["1"].is_null(), "{credentials}");
    person.configure(&["revoke {\n    confirmed = 2\n  }"]);
    person.applies(1, "rk_1", None);
    assert_eq!(person.attribute("phase"), "settled");
}

#[test]
fn what_is_waited_for_may_be_over() {
    let fly = r#"targets = { web = { fly_secret = { app = "molecule-cp" } } }"#;
    let story = Story::new();
    let configure = || {
        let lines = [
            "source = { provided = {} }\n  value_wo = \"first\"\n  value_wo_version = 1",
            fly,
            "on_drift = \"rotate\"",
        ];
        story.configure(&lines);
    };
    configure();
    story.apply();
    write_fly_secret(&story, "typed by hand");
    let said = story.run(&["plan"]).success();
    says(&said, &["awaiting_value"]);
    story.run(&["apply", "-auto-approve", "-refresh-only"]).success();
    assert_eq!(story.attributes()["phase"], "awaiting_value");
    write_fly_secret(&story, "first");
    story.run(&["apply", "-auto-approve", "-refresh-only"]).success();
    assert_eq!(story.attributes()["phase"], "settled");
    assert_eq!(codes(&story.attributes()["notices"]), [""; 0]);
}

#[test]
fn a_changed_entry_is_healed_only_while_the_value_is_at_hand() {
    let person = Person::new(&[]);
    person.applies(1, "rk_1", Some("first"));
    person
        .0
        .sandbox
        .seed(json!({ "aws": { "parameters": { PARAMETER: "typed by hand" } } }));
    let (status, said) = person.run(&["plan", "-detailed-exitcode"], 1, "rk_1", None);
    assert_eq!(status, 0, "{said}");
    says(&said, &["STRIPE_API_KEY: not_restorable"]);
    person.applies(1, "rk_1", Some("first"));
    assert_eq!(parameter(&person.0, PARAMETER).as_deref(), Some("first"));
    assert_eq!(person.attribute("generation"), 1);
}
