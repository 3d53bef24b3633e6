//! Imports and moves: they write nothing, neither then nor with the first apply.

use serde_json::{Value, json};

use crate::adopt::Brownfield;
use crate::story::{A_DAY, FLY_TOKEN, NAME, PARAMETER, SSM_TARGET, Story, THREE_TARGETS, resource, says};
use crate::terraform_cores::Core;
use crate::truth::{alive, fly_tokens, parameter, three_targets_hold};

#[test]
fn an_imported_secret_is_taken_over_by_its_first_apply() {
    let mut field = Brownfield::new();
    let lines = [FLY_TOKEN, THREE_TARGETS, A_DAY, "rotation_reason = \"there already\""];
    field.story.configure(&lines);
    field.story.run(&["import", "rotation_secret.it", NAME]).success();
    let attributes = field.story.attributes();
    let set: Vec<&String> = attributes
        .as_object()
        .unwrap()
        .iter()
        .filter_map(|(name, value)| (!value.is_null()).then_some(name))
        .collect();
    assert_eq!(set, ["generation", "name"]);
    assert_eq!(
        (&attributes["name"], &attributes["generation"]),
        (&json!(NAME), &json!(0))
    );
    let plan = field.story.plan();
    says(
        &plan,
        &[
            "take over generation 0: the credential in use of Fly app molecule-cp",
            "(runtime), without writing it",
            "0 to add, 1 to change, 0 to destroy",
            "reason = \"imported\"",
        ],
    );
    field.story.apply();
    field.untouched();
    let attributes = field.story.attributes();
    assert_eq!(attributes["generation"], 0);
    assert_eq!(attributes["deliveries"]["runtime"]["status"], "current");
    assert_eq!(attributes["id"].as_str().unwrap().len(), 32);
    // A new reason rotates.
    field
        .story
        .configure(&[FLY_TOKEN, THREE_TARGETS, A_DAY, "rotation_reason = \"a new one\""]);
    field.story.apply();
    let new = alive(&field.story);
    assert_eq!(new.len(), 1);
    three_targets_hold(&field.story, &new[0].value);
    assert!(field.is_alive());
    field.story.clock("25h");
    says(&field.story.settled(), &["revoke_by_hand", "revoke { confirmed = 0 }"]);
}

#[test]
fn an_import_block_takes_over_with_the_id_that_adopt_names() {
    let mut field = Brownfield::new();
    let import = format!("import {{\n  to = rotation_secret.it\n  id = {NAME:?}\n}}\n");
    let write = |field: &Brownfield, lines: &[&str]| {
        let adopt = field.adopt();
        let lines = [&[FLY_TOKEN, THREE_TARGETS, A_DAY, &adopt], lines].concat();
        field.story.write(&format!("{import}{}", resource("it", NAME, &lines)));
    };
    write(&field, &[]);
    says(
        &field.story.plan(),
        &[
            "1 to import, 0 to add, 1 to change",
            &format!("take over generation 0: credential {}", field.token.id),
        ],
    );
    field.story.apply();
    field.untouched();
    write(&field, &["rotation_reason = \"now\""]);
    field.story.apply();
    field.story.clock("25h");
    field.story.apply();
    assert!(!field.is_alive());
}

#[test]
fn an_imported_secret_that_is_destroyed_before_its_first_apply_touches_nothing() {
    let field = Brownfield::new();
    field.story.configure(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    field.story.run(&["import", "rotation_secret.it", NAME]).success();
    field.story.destroy();
    assert!(field.story.has_no_state());
    field.untouched();
    // A refresh asks nobody either.
    field.story.run(&["import", "rotation_secret.it", NAME]).success();
    field.story.run(&["apply", "-refresh-only", "-auto-approve"]).success();
    assert_eq!(field.story.sandbox.calls().len(), 0);
}

#[test]
fn an_import_of_nonsense_is_refused() {
    let story = Story::new();
    story.configure(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    for nonsense in ["   ", "A\nB", &"x".repeat(256)] {
        let outcome = story.run(&["import", "rotation_secret.it", nonsense]);
        assert_eq!(outcome.status, 1, "{}", outcome.output);
        says(
            &outcome.output,
            &["This is not the name of a secret", "Nothing was changed"],
        );
    }
    assert!(story.has_no_state());
}

#[test]
fn an_import_whose_targets_lack_an_entry_stays_an_import() {
    let field = Brownfield::new();
    let missing = r#"targets = { worker = { fly_secret = { app = "molecule-worker" } } }"#;
    field.story.configure(&[FLY_TOKEN, missing]);
    field.story.run(&["import", "rotation_secret.it", NAME]).success();
    says(&field.story.fails(), &["on app molecule-worker", "does not exist"]);
    assert!(field.story.attributes()["id"].is_null());
    field.story.configure(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    field.story.apply();
    field.untouched();
}

#[test]
fn a_later_terraform_imports_by_identity() {
    let field = Brownfield::of(Story::on(Core::Terraform115));
    let import = format!("import {{\n  to = rotation_secret.it\n  identity = {{\n    name = {NAME:?}\n  }}\n}}\n");
    let lines = [FLY_TOKEN, THREE_TARGETS, A_DAY];
    field.story.write(&format!("{import}{}", resource("it", NAME, &lines)));
    field.story.apply();
    field.untouched();
    let state = field.story.workspace.state();
    let instance = &state["resources"][0]["instances"][0];
    assert_eq!(instance["identity"], json!({ "name": NAME }));
    assert_eq!(instance["attributes"]["generation"], 0);
    // The name is an argument like others: a change of it replaces nothing.
    field
        .story
        .write(&resource("it", "OTHER_NAME", &[FLY_TOKEN, SSM_TARGET, A_DAY]));
    says(&field.story.plan(), &["0 to add, 1 to change, 0 to destroy"]);
    assert_eq!(fly_tokens(&field.story).iter().filter(|token| !token.alive).count(), 0);
}

/// Terraform asks the providers of a state for their schemas, whatever is moved out of it. In their place stands the provider of the
/// protocol's tests, which has none of their types and is asked for nothing else.
fn stand_in(story: &Story, provider: &str) {
    let (_, name) = provider.split_once('/').unwrap();
    let folder = story.workspace.path().join("stand-in");
    std::fs::create_dir_all(&folder).unwrap();
    let fixture = crate::sandbox::executable().with_file_name("protocol_fixture");
    std::os::unix::fs::symlink(fixture, folder.join(format!("terraform-provider-{name}"))).unwrap();
    let settings = story.workspace.path().join("cli.tfrc");
    let text = std::fs::read_to_string(&settings).unwrap();
    let overridden = format!(
        "dev_overrides {{\n    {provider:?} = {:?}",
        folder.display().to_string()
    );
    std::fs::write(&settings, text.replace("dev_overrides {", &overridden)).unwrap();
}

/// A state in which another resource holds the value.
fn state_of(type_name: &str, provider: &str, value: &str) -> String {
    json!({
        "version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "0b7a4a5e-4a0e-4a7e-8f0a-0123456789ab",
        "outputs": {}, "check_results": null,
        "resources": [{
            "mode": "managed", "type": type_name, "name": "it",
            "provider": format!("provider[\"registry.terraform.io/{provider}\"]"),
            "instances": [{ "schema_version": 3, "attributes": { "id": "none", "result": value, "length": 32 }, "sensitive_attributes": [] }],
        }],
    })
    .to_string()
}

#[test]
fn a_moved_password_is_taken_over_without_its_value() {
    const VALUE: &str = "zXcVbNm-plain-text-of-old";
    const RANDOM: &str = "source = { random = { bytes = 32, encoding = \"hex\" } }";
    const TARGETS: &str = r#"targets = {
    runtime = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
    worker  = { fly_secret = { app = "molecule-worker" } }
  }"#;
    let mut story = Story::new();
    stand_in(&story, "hashicorp/random");
    story.workspace.set("TF_LOG_PROVIDER", "trace");
    story
        .sandbox
        .seed(json!({ "aws": { "parameters": { "/molecule/production/FLY_API_TOKEN": VALUE } } }));
    story.sandbox.forget_calls();
    let write = |story: &Story, from: &str, lines: &[&str]| {
        let lines = [&[RANDOM, TARGETS], lines].concat();
        story.write(&format!(
            "moved {{\n  from = {from}.it\n  to   = rotation_secret.it\n}}\n{}",
            resource("it", NAME, &lines)
        ));
    };
    let state = story.workspace.path().join("terraform.tfstate");
    std::fs::write(&state, state_of("random_password", "hashicorp/random", VALUE)).unwrap();
    write(&story, "random_password", &[]);
    let said = story.apply();
    says(
        &said,
        &[
            "take over generation 0: the value in use",
            "FLY_API_TOKEN: not_restorable, was_in_state",
            "random_password: Earlier versions",
        ],
    );
    // Terraform itself may log what it reads from its state; the provider does not.
    let provider: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("terraform-provider-rotation"))
        .collect();
    assert!(!provider.is_empty());
    assert!(provider.iter().all(|line| !line.contains(VALUE)));
    story.wrote_nothing();
    let attributes = story.attributes();
    assert!(!attributes.to_string().contains(VALUE));
    assert_eq!(attributes["deliveries"]["runtime"]["status"], "current");
    assert_eq!(attributes["deliveries"]["worker"]["status"], "missing");
    assert_eq!(attributes["name"], NAME);
    let codes = |story: &Story| {
        let notices = story.attributes()["notices"].clone();
        let notices = notices.as_array().unwrap().iter();
        notices
            .map(|notice| notice["code"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(codes(&story), ["not_restorable", "was_in_state"]);
    story.run(&["apply", "-refresh-only", "-auto-approve"]).success();
    assert_eq!(codes(&story), ["not_restorable", "was_in_state"]);
    // An update that writes nothing keeps it, and the first rotation ends it.
    write(&story, "random_password", &["info = { owner = \"platform\" }"]);
    story.apply();
    assert_eq!(codes(&story), ["not_restorable", "was_in_state"]);
    write(&story, "random_password", &["rotation_reason = \"was in state\""]);
    story.apply();
    assert_eq!(codes(&story), [""; 0]);
    assert_eq!(story.attributes()["generation"], 1);
    assert_ne!(
        parameter(&story, "/molecule/production/FLY_API_TOKEN").as_deref(),
        Some(VALUE)
    );
}

/// Every type that a `moved` block may name, with the attributes that hold its value.
#[test]
fn every_resource_that_kept_a_value_in_the_state_can_be_moved() {
    const PEM: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIplain\n-----END PRIVATE KEY-----\n";
    for (type_name, provider, held, value) in [
        (
            "random_password",
            "hashicorp/random",
            "result",
            "zXcVbNm-plain-text-of-old",
        ),
        ("random_bytes", "hashicorp/random", "base64", "cGxhaW4gdGV4dCBvZiBvbGQ="),
        ("random_id", "hashicorp/random", "b64_url", "cGxhaW4tdGV4dA"),
        ("tls_private_key", "hashicorp/tls", "private_key_pem", PEM),
    ] {
        let story = Story::new();
        stand_in(&story, provider);
        story
            .sandbox
            .seed(json!({ "aws": { "parameters": { "/molecule/production/FLY_API_TOKEN": value } } }));
        story.sandbox.forget_calls();
        let state = story.workspace.path().join("terraform.tfstate");
        let mut before: Value = serde_json::from_str(&state_of(type_name, provider, value)).unwrap();
        before["resources"][0]["instances"][0]["attributes"] = json!({ "id": "none", held: value });
        std::fs::write(&state, before.to_string()).unwrap();
        let source = "source = { random = { bytes = 32, encoding = \"hex\" } }";
        story.write(&format!(
            "moved {{\n  from = {type_name}.it\n  to   = rotation_secret.it\n}}\n{}",
            resource("it", NAME, &[source, SSM_TARGET])
        ));
        says(&story.apply(), &["FLY_API_TOKEN: was_in_state", type_name]);
        story.wrote_nothing();
        assert_eq!(parameter(&story, PARAMETER).as_deref(), Some(value), "{type_name}");
        let attributes = story.attributes();
        assert!(
            !attributes.to_string().contains(&json!(value).to_string()),
            "{attributes}"
        );
        assert_eq!(attributes["generation"], 0, "{type_name}");
        assert_eq!(attributes["deliveries"]["runtime"]["status"], "current", "{type_name}");
        // The CLI needs the old provider for the move alone.
        std::fs::remove_dir_all(story.workspace.path().join("stand-in")).unwrap();
        for refresh in [
            &["plan", "-refresh-only", "-detailed-exitcode"][..],
            &["plan", "-detailed-exitcode"],
        ] {
            let outcome = story.run(refresh);
            assert_eq!(outcome.status, 0, "{type_name}: {}", outcome.output);
        }
    }
}

#[test]
fn other_states_are_not_taken_over() {
    for (type_name, provider) in [
        ("aws_ssm_parameter", "hashicorp/aws"),
        ("random_password", "someone/random"),
    ] {
        let story = Story::new();
        stand_in(&story, provider);
        let state = story.workspace.path().join("terraform.tfstate");
        std::fs::write(&state, state_of(type_name, provider, "hunter2")).unwrap();
        let moved = format!("moved {{\n  from = {type_name}.it\n  to   = rotation_secret.it\n}}\n");
        story.write(&format!(
            "{moved}{}",
            resource("it", NAME, &[FLY_TOKEN, THREE_TARGETS, A_DAY])
        ));
        says(
            &story.refused("plan"),
            &[
                &format!("The state of \"{type_name}\" cannot be taken over"),
                "random_password (hashicorp/random)",
                "Nothing was changed",
            ],
        );
    }
}
