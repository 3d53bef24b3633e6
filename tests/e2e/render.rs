//! Variables at Render: the examples of the docs, lived through.

use serde_json::{Value, json};

use crate::story::{NAME, Story, resource, says};
use crate::truth::alive;

const GROUP_EXAMPLE: &str = include_str!("../../examples/targets/render_env_group_variable/main.tf");
const SERVICE_EXAMPLE: &str = include_str!("../../examples/targets/render_env_variable/main.tf");
const SHARED_EXAMPLE: &str = include_str!("../../examples/activations/render_deploy/main.tf");

const SERVICE: &str = "srv-d1control0000000001";
const OTHER: &str = "srv-d1worker00000000002";
const GROUP: &str = "evg-d1production00000003";

/// An example, with what exists here.
fn configuration(example: &str) -> String {
    let (_, configuration) = example.split_once("provider \"rotation\" {").unwrap();
    let configuration = configuration
        .replace("example-app", "molecule-cp")
        .replace("srv-example", SERVICE)
        .replace("evg-example", GROUP);
    format!("provider \"rotation\" {{{configuration}")
}

fn render(story: &Story) -> Value {
    story.sandbox.state()["render"].clone()
}

fn running(story: &Story, service: &str, name: &str) -> Value {
    render(story)["services"][service]["running"][name].clone()
}

fn write(story: &Story, variables: &Value) {
    let service = json!({ SERVICE: { "variables": variables } });
    story.sandbox.seed(json!({ "render": { "services": service } }));
}

#[test]
fn a_token_of_a_group_is_revoked_after_every_linked_service_runs_with_the_next() {
    let story = Story::new();
    let configuration = configuration(GROUP_EXAMPLE);
    story.write_all(&configuration);
    says(
        &story.plan(),
        &[
            "wave 1: set FLY_API_TOKEN of generation 1 on Render environment group evg-d1production00000003",
            "wave 1: activate generation 1 by deploy: deploy of every service linked to Render environment group",
        ],
    );
    story.apply();
    let held = |story: &Story| render(story)["groups"][GROUP]["variables"]["FLY_API_TOKEN"].clone();
    let first = held(&story);
    assert_eq!(
        [SERVICE, OTHER].map(|service| running(&story, service, "FLY_API_TOKEN")),
        [first.clone(), first.clone()]
    );

    let again = configuration.replace("rotation {", "rotation_reason = \"leaked\"\n  rotation {");
    story.write_all(&again);
    // A deploy that fails leaves the old token alive, because a service still runs with it.
    let failing = json!({ OTHER: { "deploys_end": "update_failed" } });
    story.sandbox.seed(json!({ "render": { "services": failing } }));
    says(&story.fails(), &[OTHER, "ended as \"update_failed\""]);
    assert_eq!(
        (running(&story, OTHER, "FLY_API_TOKEN"), alive(&story).len()),
        (first.clone(), 2)
    );
    let repaired = json!({ OTHER: { "deploys_end": "live" } });
    story.sandbox.seed(json!({ "render": { "services": repaired } }));
    story.apply();
    let second = held(&story);
    assert_ne!(first, second);
    assert_eq!(
        [SERVICE, OTHER].map(|service| running(&story, service, "FLY_API_TOKEN")),
        [second.clone(), second]
    );
    assert_eq!(alive(&story).len(), 1);

    // A service's own variable of the same name hides the group's.
    write(&story, &json!({ "FLY_API_TOKEN": "typed by hand" }));
    says(
        &story.run(&["apply", "-refresh-only", "-auto-approve"]).success(),
        &["shadowed"],
    );
    let notices = story.attributes_of("fly_token")["notices"].clone();
    assert_eq!(notices[0]["code"], "shadowed", "{notices}");
    assert!(
        notices[0]["text"]
            .as_str()
            .unwrap()
            .contains("Render service control-plane"),
        "{notices}"
    );
    story.destroy();
    assert_eq!((held(&story), alive(&story).len()), (Value::Null, 0));
}

/// A service's variable hides that of its group: here both have the same value.
#[test]
fn what_is_a_target_of_the_same_secret_casts_no_shadow() {
    let story = Story::new();
    let group = format!("grp = {{ render_env_group_variable = {{ env_group_id = {GROUP:?} }} }}");
    let service = format!("web = {{ render_env_variable = {{ service_id = {OTHER:?} }} }}");
    let source = "source = { random = { bytes = 32, encoding = \"hex\" } }";
    story.configure(&[source, &format!("targets = {{\n {group}\n {service}\n }}")]);
    story.apply();
    assert_eq!(story.attributes()["notices"], json!([]));
    // Another's variable does.
    write(&story, &json!({ NAME: "typed by hand" }));
    let said = story.run(&["apply", "-refresh-only", "-auto-approve"]).success();
    says(&said, &["shadowed", "control-plane"]);
    assert!(!said.contains(OTHER), "{said}");
}

#[test]
fn a_generated_value_that_a_person_overwrites_is_noticed_without_being_stored() {
    let story = Story::new();
    let configuration = configuration(SERVICE_EXAMPLE).replace("rotation {", "on_drift = \"rotate\"\n  rotation {");
    story.write_all(&configuration);
    story.apply();
    let value = running(&story, SERVICE, "SESSION_KEY");
    let revision = story.attributes_of("session_key")["deliveries"]["api"]["revision"].clone();
    assert!(
        revision.as_str().is_some_and(|revision| revision.len() == 65),
        "{revision}"
    );
    let state = story.workspace.state().to_string();
    assert!(!state.contains(value.as_str().unwrap()));

    write(&story, &json!({ "SESSION_KEY": "typed by hand" }));
    says(&story.plan(), &["mint generation 2"]);
    story.apply();
    let second = running(&story, SERVICE, "SESSION_KEY");
    assert!(second != value && second != "typed by hand", "{second}");
    // Deleted, it is missing; the neighbours of the entry are left alone.
    write(&story, &json!({ "SESSION_KEY": null, "OTHER": "theirs" }));
    story.apply();
    assert_eq!(render(&story)["services"][SERVICE]["variables"]["OTHER"], "theirs");
    story.destroy();
    assert_eq!(
        render(&story)["services"][SERVICE]["variables"],
        json!({ "OTHER": "theirs" })
    );
}

#[test]
fn of_a_supplied_value_not_even_a_digest_is_kept() {
    let story = Story::new();
    let configuration = configuration(SERVICE_EXAMPLE).replace(
        "source = { random = { bytes = 32, encoding = \"base64url\" } }",
        "source = { provided = {} }\n  value_wo = \"correct horse\"\n  value_wo_version = 1",
    );
    story.write_all(&configuration);
    story.apply();
    assert_eq!(running(&story, SERVICE, "SESSION_KEY"), "correct horse");
    let delivery = story.attributes_of("session_key")["deliveries"]["api"].clone();
    assert_eq!(
        (&delivery["revision"], &delivery["status"]),
        (&Value::Null, &json!("current"))
    );
    // Another value cannot be told; a missing one can.
    write(&story, &json!({ "SESSION_KEY": "typed by hand" }));
    story.settled();
    write(&story, &json!({ "SESSION_KEY": null }));
    let said = story.run(&["plan"]).success();
    says(&said, &["SESSION_KEY"]);
    let refreshed = story.run(&["apply", "-refresh-only", "-auto-approve"]).success();
    says(&refreshed, &["missing"]);
}

#[test]
fn the_plan_of_a_destroy_says_that_a_supplied_value_stays_where_nothing_proves_it() {
    let story = Story::new();
    let target = format!("targets = {{ api = {{ render_env_variable = {{ service_id = {SERVICE:?} }} }} }}");
    let supplied = [
        "source = { provided = {} }",
        "value_wo = \"correct horse\"",
        "value_wo_version = 1",
    ];
    let secret = resource("it", "KEY", &[&supplied[..], &[&target]].concat());
    story.write_all(&format!(
        "provider \"rotation\" {{\n  namespace = \"production\"\n}}\n{secret}"
    ));
    story.apply();
    let plan = story.run(&["plan", "-destroy"]).success();
    says(&plan, &["Keeps (nothing shows that the value there is still this one"]);
    assert!(!plan.contains("Deletes:"), "{plan}");
    story.destroy();
    assert_eq!(render(&story)["services"][SERVICE]["variables"]["KEY"], "correct horse");
}

/// Nothing is stored of a supplied value. What is parked of it shows whether a variable holds it still.
#[test]
fn a_supplied_value_is_deleted_where_escrow_proves_it_and_nobody_elses_is() {
    let story = Story::new();
    let escrow = "escrow {\n    ssm_parameter {\n      path = \"/rotation/escrow/\"\n    }\n  }";
    let configure = |names: &[&str]| {
        let targets = names.iter().map(|name| {
            format!("{name} = {{ render_env_variable = {{ service_id = {SERVICE:?}, name = {name:?} }} }}\n    ")
        });
        let targets = format!("targets = {{\n    {}}}", targets.collect::<String>());
        let lines = [
            "source = { provided = {} }",
            "value_wo = \"correct horse\"",
            "value_wo_version = 1",
            &targets,
        ];
        let secret = resource("it", "KEY", &lines);
        story.write_all(&format!(
            "provider \"rotation\" {{\n  namespace = \"production\"\n  {escrow}\n}}\n{secret}"
        ));
    };
    let variables = || render(&story)["services"][SERVICE]["variables"].clone();
    configure(&["A", "B", "C", "D"]);
    story.apply();
    let value = "correct horse";
    assert_eq!(variables(), json!({ "A": value, "B": value, "C": value, "D": value }));
    write(&story, &json!({ "B": "typed by hand" }));
    configure(&["C", "D"]);
    says(&story.apply(), &["variable B of Render service"]);
    assert_eq!(variables(), json!({ "B": "typed by hand", "C": value, "D": value }));
    write(&story, &json!({ "D": "typed by hand" }));
    says(&story.destroy(), &["variable D of Render service"]);
    assert_eq!(variables(), json!({ "B": "typed by hand", "D": "typed by hand" }));
}

#[test]
fn secrets_that_are_applied_together_share_one_deploy() {
    let story = Story::new();
    story.write_all(&configuration(SHARED_EXAMPLE));
    story.apply();
    let deploys = render(&story)["services"][SERVICE]["deploys"].clone();
    assert_eq!(deploys.as_array().unwrap().len(), 1, "{deploys}");
    assert_eq!(deploys[0]["mode"], "build_and_deploy");
    for name in ["SESSION_KEY", "WEBHOOK_KEY"] {
        assert!(running(&story, SERVICE, name).is_string(), "{name}");
    }
}
