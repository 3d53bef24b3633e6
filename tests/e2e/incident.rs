//! Incidents: what is exposed is rotated with the next apply, and ends without waiting.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::story::{A_DAY, FLY_TARGET, FLY_TOKEN, NAME, Story, THREE_TARGETS, resource, unframed};
use crate::truth::{alive, fly_secret, the_token, three_targets_hold};

/// A provider block with an incident that has these arguments, and one resource with these lines.
pub(crate) fn with_incident(story: &Story, arguments: &str, lines: &[&str]) {
    with_incident_of(story, "INC-1", arguments, lines);
}

fn with_incident_of(story: &Story, id: &str, arguments: &str, lines: &[&str]) {
    let incident =
        format!("incident {{\n    id     = {id:?}\n    reason = \"a laptop was stolen\"\n    {arguments}\n  }}");
    story.write_all(&format!(
        "provider \"rotation\" {{\n  namespace = \"production\"\n  {incident}\n}}\n{}",
        resource("it", NAME, lines)
    ));
}

pub(crate) fn codes(attributes: &Value) -> Vec<&str> {
    let notices = attributes["notices"].as_array().unwrap();
    notices.iter().map(|notice| notice["code"].as_str().unwrap()).collect()
}

#[test]
fn what_an_identity_can_read_is_rotated_and_the_old_one_ends_with_it() {
    let lines = [FLY_TOKEN, THREE_TARGETS, A_DAY, "readers = [\"laptop-of-x\"]"];
    let story = Story::begun(&lines);
    with_incident(&story, "exposed = [\"laptop-of-y\"]", &lines);
    story.settled();
    with_incident(&story, "exposed = [\"laptop-of-x\"]", &lines);
    let plan = story.plan();
    for words in [
        "~ generation     = 1 -> 2",
        "-> \"incident INC-1: a laptop was stolen\"",
        "+ \"revoke generation 1",
        "An incident does not wait for an overlap or a window",
    ] {
        assert!(unframed(&plan).contains(words), "{words} is not in\n{plan}");
    }
    assert!(!plan.contains("overlap is 0s"), "the overlap is a day\n{plan}");
    story.apply();
    let token = the_token(&story);
    assert!(
        token.name.ends_with("-g2"),
        "the old one is revoked although the overlap is a day"
    );
    three_targets_hold(&story, &token.value);
    let attributes = story.attributes();
    assert_eq!(attributes["last_rotation"]["cause"], "incident");
    assert_eq!(attributes["incidents"], json!(["INC-1"]));
    assert_eq!(attributes["phase"], "settled");
    // Without the block, nothing more happens.
    story.configure(&lines);
    story.settled();
}

#[test]
fn systems_are_vendors_or_addresses() {
    let lines = [FLY_TOKEN, THREE_TARGETS, A_DAY];
    let story = Story::begun(&lines);
    with_incident(&story, "systems = [\"neon\"]", &lines);
    story.settled();
    let slot = story.attributes()["deliveries"]["image_publish"]["slot"]
        .as_str()
        .unwrap()
        .to_owned();
    let container = slot.rsplit_once('/').unwrap().0.to_owned();
    for system in ["github", slot.as_str(), container.as_str()] {
        with_incident(&story, &format!("systems = [\"{system}\"]"), &lines);
        let plan = story.plan();
        assert!(plan.contains("~ generation     = 1 -> 2"), "{system}\n{plan}");
    }
    let elsewhere = format!("{container}x");
    with_incident(&story, &format!("systems = [\"{elsewhere}\"]"), &lines);
    story.settled();
    with_incident(&story, "systems = [\"githup\"]", &lines);
    let refused = story.refused("validate");
    assert!(
        refused.contains("incident.systems names an unknown system"),
        "{refused}"
    );
    assert!(refused.contains("Did you mean \"github\"?"), "{refused}");
    story.write_all(&format!(
        "provider \"rotation\" {{\n  namespace = \"production\"\n  incident {{\n    id = \"INC-1\"\n  }}\n}}\n{}",
        resource("it", NAME, &lines)
    ));
    assert!(story.refused("validate").contains("incident.reason"));
}

#[test]
fn what_waits_for_the_window_ends_with_an_incident() {
    let in_three_days = Timestamp::now() + SignedDuration::from_hours(72);
    let day = in_three_days.strftime("%a").to_string().to_lowercase();
    let window = format!(
        "rotation {{\n    window {{\n      days = [\"{day}\"]\n      from = \"02:00\"\n      to   = \"06:00\"\n    }}\n  }}"
    );
    let story = Story::begun(&[FLY_TOKEN, FLY_TARGET, &window]);
    let lines = [
        FLY_TOKEN,
        FLY_TARGET,
        &window,
        "rotation_reason = \"a first suspicion\"",
    ];
    story.configure(&lines);
    story.apply();
    assert_eq!(codes(&story.attributes()), ["waiting_for_window"]);
    assert_eq!(alive(&story).len(), 2);
    with_incident(&story, "all = true", &lines);
    let plan = story.plan();
    for revoked in ["+ \"revoke generation 1", "+ \"revoke generation 2"] {
        assert!(plan.contains(revoked), "{plan}");
    }
    for wrong in [
        "FLY_API_TOKEN: waiting_for_window",
        "once every target holds generation 3, in the window",
    ] {
        assert!(!plan.contains(wrong), "{wrong} is in\n{plan}");
    }
    story.apply();
    assert!(the_token(&story).name.ends_with("-g3"));
    assert!(codes(&story.attributes()).is_empty());
}

#[test]
fn what_is_created_during_an_incident_has_handled_it() {
    let story = Story::new();
    with_incident(&story, "all = true", &[FLY_TOKEN, FLY_TARGET]);
    story.apply();
    assert_eq!(story.attributes()["incidents"], json!(["INC-1"]));
    assert_eq!(story.attributes()["generation"], 1);
}

#[test]
fn now_ends_the_exposed_credential_before_its_consumers_have_another() {
    let targets = r#"targets = {
    control_plane = { fly_secret = { app = "molecule-cp" }, impact = "tenant provisioning fails with 401" }
  }"#;
    let lines = [FLY_TOKEN, targets];
    let story = Story::begun(&lines);
    with_incident(&story, "all = true\n    revoke = \"now\"", &lines);
    let plan = unframed(&story.plan());
    for words in [
        "consumers fail until they have the new value",
        "- control_plane: tenant provisioning fails with 401",
        "before any target holds generation 2",
    ] {
        assert!(plan.contains(words), "{words} is not in\n{plan}");
    }
    assert!(!plan.contains("once every target holds"), "{plan}");
    story.sandbox.forget_calls();
    story.apply();
    let writes = story.writes();
    let at = |part: &str| {
        writes
            .iter()
            .position(|call| call.contains(part))
            .unwrap_or_else(|| panic!("{part} in {writes:#?}"))
    };
    assert!(
        at("createLimitedAccessToken") < at("deleteLimitedAccessToken"),
        "{writes:#?}"
    );
    assert!(
        at("deleteLimitedAccessToken") < at("/v1/apps/molecule-cp/secrets"),
        "{writes:#?}"
    );
    assert_eq!(
        fly_secret(&story, "molecule-cp", NAME).unwrap(),
        the_token(&story).value
    );
}

/// A check that fails.
pub(crate) fn failing(story: &Story) -> String {
    let url = story.sandbox.export("PLATFORM_URL");
    format!(
        "checks = {{\n    up = {{ retry_for = \"0s\", http = {{ url = \"{url}/health\", expect_status = [299] }} }}\n  }}"
    )
}

#[test]
fn a_failing_check_holds_the_revocation_back_unless_it_was_to_come_before() {
    for (mode, left) in [("checked", 2), ("delivered", 1)] {
        let story = Story::begun(&[FLY_TOKEN, FLY_TARGET]);
        let check = failing(&story);
        with_incident(
            &story,
            &format!("all = true\n    revoke = \"{mode}\""),
            &[FLY_TOKEN, FLY_TARGET, &check],
        );
        let early = story
            .plan()
            .contains("once every target holds generation 2, before the checks");
        assert_eq!(early, mode == "delivered");
        let said = story.fails();
        assert!(said.contains("check"), "{said}");
        assert_eq!(alive(&story).len(), left, "{mode}");
        assert_eq!(story.attributes()["incidents"], json!(["INC-1"]));
        // Without the check, the next apply completes it, and what is exposed ends.
        with_incident(&story, "all = true", &[FLY_TOKEN, FLY_TARGET]);
        story.apply();
        assert!(the_token(&story).name.ends_with("-g2"), "{mode}");
    }
}

#[test]
fn a_target_that_is_down_is_left_behind_and_keeps_the_old_one_alive() {
    let lines = [FLY_TOKEN, THREE_TARGETS, A_DAY];
    let story = Story::begun(&lines);
    story.sandbox.lasting_fault("/repos/", "forbidden");
    with_incident(&story, "all = true", &lines);
    let said = story.fails();
    assert!(said.contains("GitHub"), "{said}");
    let tokens = alive(&story);
    assert_eq!(tokens.len(), 2, "a job at GitHub still has the old one");
    assert_eq!(fly_secret(&story, "molecule-cp", NAME).unwrap(), tokens[1].value);
    let attributes = story.attributes();
    assert_eq!(attributes["phase"], "partial");
    assert_eq!(attributes["deliveries"]["image_publish"]["generation"], 1);
    story.sandbox.heal();
    story.apply();
    let token = the_token(&story);
    assert!(token.name.ends_with("-g2"));
    three_targets_hold(&story, &token.value);
    assert_eq!(story.attributes()["phase"], "settled");
}

#[test]
fn what_could_not_be_revoked_stays_exposed_until_an_apply_has_revoked_it() {
    let lines = [FLY_TOKEN, FLY_TARGET, A_DAY];
    for mode in ["checked", "delivered", "now"] {
        let story = Story::begun(&lines);
        story.sandbox.lasting_fault("deleteLimitedAccessToken", "forbidden");
        with_incident(&story, &format!("all = true\n    revoke = \"{mode}\""), &lines);
        story.fails();
        assert_eq!(codes(&story.attributes()), ["exposed"], "{mode}");
        let valid = alive(&story);
        assert_eq!(valid.len(), 2);
        // Consumers have the new one all the same.
        assert_eq!(
            fly_secret(&story, "molecule-cp", NAME),
            Some(valid[1].value.clone()),
            "{mode}"
        );
        // So is one whose revocation fails again.
        story.fails();
        assert_eq!(codes(&story.attributes()), ["exposed"], "{mode}");
        story.sandbox.heal();
        let plan = story.plan();
        assert!(plan.contains("revoke generation 1 ("), "{mode}\n{plan}");
        story.apply();
        assert!(the_token(&story).name.ends_with("-g2"), "{mode}");
        assert!(codes(&story.attributes()).is_empty(), "{mode}");
    }
}

#[test]
fn what_only_a_person_revokes_stays_exposed_until_that_is_confirmed() {
    let manual = "revoke {\n    mode = \"manual\"\n  }";
    let story = Story::begun(&[FLY_TOKEN, FLY_TARGET, manual]);
    with_incident(&story, "all = true", &[FLY_TOKEN, FLY_TARGET, manual]);
    let said = unframed(&story.fails());
    for words in ["an exposed credential still works", "set `revoke { confirmed = 1 }`"] {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    assert_eq!(codes(&story.attributes()), ["exposed"]);
    story.settled();
    let other = unframed(&story.settled());
    assert!(other.contains("was exposed by an incident"), "{other}");
    let old = alive(&story)[0].clone();
    crate::gate::revoke_as_fly(&story, &old.id);
    story.configure(&[
        FLY_TOKEN,
        FLY_TARGET,
        "revoke {\n    mode      = \"manual\"\n    confirmed = 1\n  }",
    ]);
    story.apply();
    assert!(codes(&story.attributes()).is_empty());
}

#[test]
fn the_plan_that_supplies_a_new_value_asks_for_no_other() {
    const RUNTIME: &str = "targets = { runtime = { ssm_parameter = { name = \"/molecule/production/STRIPE\" } } }";
    let supplied = |version: u32| {
        format!(
            "source = {{ provided = {{ credential_id = \"rk_{version}\" }} }}\n  value_wo = \"rk_7Qz9-wKx2_LmYp3Ds8vB4_{version}\"\n  \
             value_wo_version = {version}"
        )
    };
    let (first, second) = (supplied(1), supplied(2));
    let story = Story::begun(&[&first, RUNTIME]);
    with_incident(&story, "all = true", &[&first, RUNTIME]);
    let awaiting = unframed(&story.fails());
    assert!(
        awaiting.contains("Supply a new value, then revoke it there."),
        "{awaiting}"
    );
    with_incident(&story, "all = true", &[&second, RUNTIME]);
    let plan = unframed(&story.plan());
    let (_, warning) = plan.split_once("Warning: FLY_API_TOKEN: exposed").unwrap();
    assert!(!warning.contains("Supply a new value"), "{plan}");
    let what_next = "Revoke it there once the new value is in place, then set `revoke { confirmed = 1 }`.";
    assert!(warning.contains(what_next), "{plan}");
    story.fails();
    let attributes = story.attributes();
    assert_eq!(
        (codes(&attributes), &attributes["generation"]),
        (vec!["exposed"], &json!(2))
    );
    // Only a person can do what is left, so there is nothing to come back for.
    assert_eq!(attributes["next_action_at"], Value::Null);
    story.settled();
    let confirmed = "revoke {\n    confirmed = 1\n  }";
    story.configure(&[&second, RUNTIME, confirmed]);
    story.apply();
    assert!(codes(&story.attributes()).is_empty());
}

#[test]
fn a_guarded_secret_is_a_notice_until_somebody_confirms() {
    let guard = "guard {\n    consequence = \"everything is down\"\n  }";
    let runtime = "targets = { runtime = { ssm_parameter = { name = \"/molecule/production/FLY_API_TOKEN\" } } }";
    let lines = [FLY_TOKEN, runtime, A_DAY, guard];
    let story = Story::begun(&lines);
    with_incident(&story, "all = true", &lines);
    let said = unframed(&story.settled());
    assert!(
        said.contains("The rotation (incident INC-1: a laptop was stolen) waits for confirmation"),
        "{said}"
    );
    assert_eq!(alive(&story).len(), 1);
    let confirmed =
        "guard {\n    consequence = \"everything is down\"\n    confirm     = \"2: everything is down\"\n  }";
    with_incident(&story, "all = true", &[FLY_TOKEN, runtime, A_DAY, confirmed]);
    story.apply();
    assert!(the_token(&story).name.ends_with("-g2"));
}

/// The configuration of the apply that follows the one that was cut off.
type Next = fn(&Story, &[&str]);

#[test]
fn what_an_incident_has_begun_is_revoked_as_it_said_whatever_becomes_of_the_block() {
    let next: [(&str, Next); 5] = [
        ("the block is gone", |story, lines| story.configure(lines)),
        ("it is less strict", |story, lines| {
            with_incident(story, "all = true", lines)
        }),
        ("it exposes something else", |story, lines| {
            with_incident(story, "systems = [\"neon\"]", lines);
        }),
        ("another one follows", |story, lines| {
            with_incident_of(story, "INC-2", "all = true", lines);
        }),
        ("something else is asked for", |story, lines| {
            story.configure(&[lines, &["rotation_reason = \"spring cleaning\""]].concat());
        }),
    ];
    const DELIVERY: &str = "POST /v1/apps/molecule-cp/secrets";
    for (what, configure) in next {
        let lines = [FLY_TOKEN, FLY_TARGET, A_DAY];
        let story = Story::begun(&lines);
        let is_first = |story: &Story| alive(story).iter().any(|token| token.name.ends_with("-g1"));
        for fault in [DELIVERY, "deleteLimitedAccessToken"] {
            story.sandbox.lasting_fault(fault, "forbidden");
        }
        with_incident(&story, "all = true\n    revoke = \"now\"", &lines);
        story.fails();
        assert!(is_first(&story), "{what}: it could not be revoked");
        assert_eq!(story.attributes()["last_rotation"]["incident_revoke"], "now");
        story.sandbox.heal();
        story.sandbox.lasting_fault(DELIVERY, "forbidden");
        configure(&story, &lines);
        story.fails();
        assert!(!is_first(&story), "{what}: it is revoked before anything is delivered");
        let record = &story.attributes()["last_rotation"];
        assert_eq!(
            (&record["cause"], &record["incident_revoke"]),
            (&json!("incident"), &json!("now")),
            "{what}"
        );
        story.sandbox.heal();
        story.apply();
        assert_eq!(
            fly_secret(&story, "molecule-cp", NAME),
            Some(the_token(&story).value),
            "{what}"
        );
    }
}

/// What holds after an activation failed whose consumers had a credential that is revoked, and what the next apply can still change.
#[test]
fn consumers_whose_activation_failed_are_said_to_fail_while_nothing_valid_is_left_to_them() {
    let targets = r#"targets = {
    web     = { wave = 1, render_env_variable = { service_id = "srv-d1control0000000001" }, impact = "every page fails" }
    runtime = { wave = 2, ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
  }
  activations = { web = { wave = 1, render_deploy = { service_id = "srv-d1control0000000001" } } }"#;
    let lines = [FLY_TOKEN, targets, A_DAY];
    let story = Story::begun(&lines);
    let ending = |status: &str| {
        let service = json!({ "srv-d1control0000000001": { "deploys_end": status } });
        story.sandbox.seed(json!({ "render": { "services": service } }));
    };
    ending("update_failed");
    with_incident(&story, "all = true\n    revoke = \"now\"", &lines);
    let said = unframed(&story.fails());
    let lacks = "The older credential is revoked, so consumers of web fail until they use generation 2";
    for words in ["its consumers do not use the new value yet", lacks] {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    let plan = unframed(&story.plan());
    let words = "older credentials are revoked. Until they use generation 2, consumers that load the value from these targets fail: - web: \
                 every page fails";
    assert!(plan.contains(words), "{plan}");
    for wrong in [
        "as soon as generation",
        "To revoke them after the delivery",
        "- runtime",
    ] {
        assert!(!plan.contains(wrong), "{wrong} is in\n{plan}");
    }
    ending("live");
    story.apply();
    story.settled();
}

/// A person revokes it, so nothing fails until then.
#[test]
fn an_incident_does_not_warn_of_a_revocation_that_a_person_does() {
    let manual = "revoke {\n    mode = \"manual\"\n  }";
    let lines = [FLY_TOKEN, FLY_TARGET, manual];
    let story = Story::begun(&lines);
    with_incident(&story, "all = true\n    revoke = \"now\"", &lines);
    let plan = unframed(&story.plan());
    assert!(!plan.contains("consumers fail until they have the new value"), "{plan}");
}
