//! `lead`: those who verify have a key before others sign with it.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;

use crate::day_two::{PROVIDER, block, printed};
use crate::interrupt::{apply_until, ended, send};
use crate::story::{FLY_TOKEN, NAME, Story, resource, says};
use crate::truth::{fly_secret, moments, parameter, write_fly_secret};

const KEY_PAIR: &str = r#"source = { key_pair = { algorithm = "ed25519" } }"#;

/// A published key set leads. A vault gives the private key back to later runs; the signer gets it in the second wave.
fn targets(lead: &str) -> String {
    format!(
        r#"targets = {{
    jwks   = {{ lead = {lead:?}, part = "public_jwk", ssm_parameter = {{ name = "/jwt/public" }} }}
    mirror = {{ part = "public_jwk", ssm_parameter = {{ name = "/jwt/mirror" }} }}
    vault  = {{ part = "private_jwk", ssm_parameter = {{ name = "/jwt/vault" }} }}
    signer = {{ wave = 2, part = "private_jwk", fly_secret = {{ app = "molecule-cp" }} }}
  }}"#
    )
}

const ONCE: &str = "rotation_reason = \"once\"";

fn kid(jwk: &str) -> String {
    let jwk: Value = serde_json::from_str(jwk).unwrap();
    jwk["kid"].as_str().unwrap().to_owned()
}

fn published(story: &Story) -> String {
    kid(&parameter(story, "/jwt/public").unwrap())
}

fn signing(story: &Story) -> String {
    kid(&fly_secret(story, "molecule-cp", NAME).unwrap())
}

/// How long a verifier uses a key set that it has read, in milliseconds.
const CACHED: i64 = 2_500;

/// Plays every verifier that reads the published key each `CACHED` milliseconds and keeps those that it has read, against a signer that
/// signs all the time with the key of a running machine. The sandbox says what was where, and when. Returns how often a key signed.
#[track_caller]
fn no_token_is_ever_refused(story: &Story) -> usize {
    let mut published: Vec<(i64, String)> = Vec::new();
    let mut signing: Vec<(i64, String)> = Vec::new();
    for (at, state) in moments(story) {
        if let Some(jwk) = state["aws"]["ssm"]["/jwt/public"]["value"].as_str() {
            published.push((at, kid(jwk)));
        }
        let machines = state["fly"]["apps"]["molecule-cp"]["machines"].as_object().unwrap();
        for key in machines.values().filter_map(|machine| machine["env"][NAME].as_str()) {
            signing.push((at, kid(key)));
        }
    }
    let first = |key: &String| published.iter().find(|(_, known)| known == key).map(|(at, _)| *at);
    for (signed_at, key) in &signing {
        let Some(published_at) = first(key) else {
            panic!("{key} signed, and was never published")
        };
        // The first reading after the publication comes at the latest this much later.
        for phase in (0..=CACHED).step_by(100) {
            let read_at = published_at + phase;
            assert!(
                read_at <= *signed_at,
                "a verifier that reads {phase} ms after the publication refuses {key}"
            );
        }
    }
    signing.len()
}

#[test]
fn a_short_lead_is_waited_for_and_no_signature_is_ever_refused() {
    let story = Story::new();
    story.configure(&[KEY_PAIR, &targets("3s")]);
    says(
        &story.plan(),
        &["wait 3s: consumers of jwks load generation 1 before wave 2 gets it"],
    );
    story.apply();
    let first = signing(&story);
    story.configure(&[KEY_PAIR, &targets("3s"), ONCE]);
    says(
        &story.plan(),
        &["wait 3s: consumers of jwks load generation 2 before wave 2 gets it"],
    );
    let begun = Instant::now();
    story.apply();
    assert!(begun.elapsed() > Duration::from_secs(3));
    assert_eq!(story.attributes()["phase"], "settled");
    assert_eq!(signing(&story), published(&story));
    assert_ne!(signing(&story), first);
    assert!(no_token_is_ever_refused(&story) > 10);
}

/// What an apply logs at `INFO`: each wave and each pause, and nothing of single steps. The output that a person reads has none of it.
#[test]
fn a_log_at_info_has_a_line_for_each_wave_and_for_the_pause_between_them() {
    let mut story = Story::new();
    let log = story.workspace.path().join("provider.log");
    story.workspace.set("TF_LOG_PROVIDER", "INFO");
    story.workspace.set("TF_LOG_PATH", log.to_str().unwrap());
    story.configure(&[KEY_PAIR, &targets("1s")]);
    let output = story.apply();
    assert!(!output.contains("begins"), "{output}");
    let log = std::fs::read_to_string(log).unwrap();
    let lines = log.lines().filter(|line| line.contains("terraform-provider-rotation"));
    let told: Vec<&str> = [
        "wave 1 begins",
        "waiting ",
        "going on with the next wave",
        "wave 2 begins",
        "step=",
    ]
    .into_iter()
    .flat_map(|words| {
        lines
            .clone()
            .filter(move |line| line.contains(words))
            .map(move |_| words)
    })
    .collect();
    assert_eq!(
        told,
        [
            "wave 1 begins",
            "waiting ",
            "going on with the next wave",
            "wave 2 begins"
        ],
        "{log}"
    );
}

#[test]
fn a_lead_of_an_hour_is_left_to_a_later_apply() {
    let mut story = Story::new();
    let hour = targets("1h");
    story.configure(&[KEY_PAIR, &hour]);
    story.apply();
    // So is that of a first generation.
    let created = story.attributes();
    assert_eq!(
        (&created["phase"], &created["generation"]),
        (&"overlapping".into(), &1.into())
    );
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), None);
    assert_eq!(created["next_action_at"], created["last_rotation"]["continues_at"]);
    assert!(created["last_rotation"]["finished_at"].is_null());
    story.clock("59m");
    story.settled();
    story.clock("61m");
    says(&story.plan(), &["wave 2: set FLY_API_TOKEN of generation 1"]);
    story.apply();
    assert_eq!(story.attributes()["phase"], "settled");
    let first = signing(&story);

    story.configure(&[KEY_PAIR, &hour, ONCE]);
    says(
        &story.plan(),
        &["wait 1h: consumers of jwks load generation 2 before wave 2 gets it; a later apply continues"],
    );
    story.apply();
    assert_eq!(signing(&story), first);
    assert_ne!(published(&story), first);
    assert_eq!(story.attributes()["phase"], "overlapping");
    let until = story.attributes()["next_action_at"].as_str().unwrap().to_owned();
    let until: Timestamp = until.parse().unwrap();
    let left = until.duration_since(Timestamp::now()).as_mins();
    assert!(
        (119..=121).contains(&left),
        "{left} minutes from now, an hour from the moved clock"
    );
    // A change that needs nobody is stored, and nothing else happens.
    story.configure(&[KEY_PAIR, &hour, ONCE, "on_drift = \"report\""]);
    story.apply();
    assert_eq!(signing(&story), first);
    story.clock("123m");
    story.run(&["apply", "-refresh-only", "-auto-approve"]).success();
    let pending = &story.attributes()["pending"][0];
    assert_eq!(
        (&pending["action"], &pending["generation"]),
        (&"finish".into(), &2.into())
    );
    story.apply();
    assert_eq!(signing(&story), published(&story));
    assert_ne!(signing(&story), first);
    let settled = story.attributes();
    assert_eq!(settled["phase"], "settled");
    assert!(settled["last_rotation"]["continues_at"].is_null());
    assert!(!settled["last_rotation"]["finished_at"].is_null());
}

#[test]
fn while_a_wave_waits_nothing_of_it_is_written_and_the_rest_is_repaired() {
    let mut story = Story::begun(&[KEY_PAIR, &targets("0s")]);
    let first = signing(&story);
    let hour = targets("1h");
    story.configure(&[KEY_PAIR, &hour, ONCE]);
    story.apply();
    let continues_at = story.attributes()["next_action_at"].clone();
    // The signer's entry waits for its generation; the key set leads anew when it was written anew.
    write_fly_secret(&story, "typed by hand");
    story.settled();
    story.clock("30m");
    let second = published(&story);
    story
        .sandbox
        .seed(serde_json::json!({ "aws": { "parameters": { "/jwt/public": "typed by hand" } } }));
    says(&story.plan(), &["wave 1: set /jwt/public of generation 2"]);
    story.apply();
    assert_eq!(published(&story), second);
    assert_ne!(story.attributes()["next_action_at"], continues_at);
    story.clock("62m");
    story.settled();
    let held = fly_secret(&story, "molecule-cp", NAME).unwrap();
    assert_eq!(
        held, "typed by hand",
        "the signer does not get {first} again, and {second} only later"
    );
    story.clock("92m");
    story.apply();
    assert_eq!(signing(&story), second);
    assert_eq!(story.attributes()["phase"], "settled");
}

#[test]
fn a_changed_lead_counts_for_what_waits() {
    let story = Story::begun(&[KEY_PAIR, &targets("0s")]);
    let first = signing(&story);
    story.configure(&[KEY_PAIR, &targets("1h"), ONCE]);
    story.apply();
    let instant =
        |story: &Story| -> Timestamp { story.attributes()["next_action_at"].as_str().unwrap().parse().unwrap() };
    let before = instant(&story);
    story.configure(&[KEY_PAIR, &targets("3h"), ONCE]);
    story.apply();
    assert_eq!(instant(&story).duration_since(before).as_hours(), 2);
    assert_eq!(signing(&story), first);
    // Without one, the next wave starts at once.
    story.configure(&[KEY_PAIR, &targets("0s"), ONCE]);
    story.apply();
    assert_eq!(signing(&story), published(&story));
    assert_eq!(story.attributes()["phase"], "settled");
}

#[test]
fn another_request_starts_the_next_generation_and_the_one_that_waits_is_passed_over() {
    let mut story = Story::begun(&[KEY_PAIR, &targets("0s")]);
    let hour = targets("1h");
    story.configure(&[KEY_PAIR, &hour, ONCE]);
    story.apply();
    let second = published(&story);
    story.configure(&[KEY_PAIR, &hour, "rotation_reason = \"twice\""]);
    story.apply();
    assert_eq!(story.attributes()["generation"], 3);
    assert_ne!(published(&story), second);
    story.clock("62m");
    story.apply();
    assert_eq!(signing(&story), published(&story));
    assert_eq!(story.attributes()["phase"], "settled");
}

#[test]
fn an_interrupt_ends_the_wait_and_the_next_apply_goes_on_with_the_same_key() {
    let story = Story::begun(&[KEY_PAIR, &targets("0s")]);
    let first = signing(&story);
    story.configure(&[KEY_PAIR, &targets("5m"), ONCE]);
    let begun = Instant::now();
    let child = apply_until(&story, "PutParameter");
    std::thread::sleep(Duration::from_secs(2));
    send("kill", &["-INT"], &child);
    let said = ended(child);
    assert!(begun.elapsed() < Duration::from_secs(60), "{said}");
    says(&said, &["Interrupted"]);
    assert_eq!(story.attributes()["phase"], "partial");
    let second = published(&story);
    assert_ne!(second, first);
    assert_eq!(signing(&story), first);
    story.configure(&[KEY_PAIR, &targets("4s"), ONCE]);
    story.apply();
    assert_eq!((signing(&story), published(&story)), (second.clone(), second));
}

#[test]
fn a_provider_that_is_killed_while_it_waits_converges() {
    let story = Story::begun(&[KEY_PAIR, &targets("3s")]);
    let first = signing(&story);
    story.configure(&[KEY_PAIR, &targets("10s"), ONCE]);
    let child = apply_until(&story, "PutParameter");
    std::thread::sleep(Duration::from_secs(2));
    send("pkill", &["-KILL", "-P"], &child);
    ended(child);
    assert_eq!(signing(&story), first);
    // Terraform has nothing on record, so that the reason asks once more.
    story.run(&["apply", "-auto-approve"]);
    story.apply();
    assert_eq!(signing(&story), published(&story));
    assert_ne!(signing(&story), first);
    no_token_is_ever_refused(&story);
}

#[test]
fn a_lead_that_nothing_waits_for_or_that_outlives_the_value_is_said() {
    let story = Story::new();
    let without_vault = r#"targets = {
    jwks   = { lead = "1h", part = "public_jwk", ssm_parameter = { name = "/jwt/public" } }
    signer = { wave = 2, part = "private_jwk", fly_secret = { app = "molecule-cp" } }
  }"#;
    story.configure(&[KEY_PAIR, without_vault]);
    let said = story.refused("validate");
    says(
        &said,
        &["The value would be lost before targets[\"jwks\"].lead has passed"],
    );
    story.configure(&[KEY_PAIR, &without_vault.replace("1h", "10m")]);
    story.plan();
    story.configure(&[KEY_PAIR, &without_vault.replace("wave = 2, ", "lead = \"5m\", ")]);
    let said = story.plan();
    says(
        &said,
        &[
            "targets[\"signer\"].lead has no effect",
            "No target is in a later wave",
            "what the new key signs may be refused",
        ],
    );
    let role = r#"source = { neon_role_password = { project_id = "quiet-river-12345678", branch_id = "br-quiet-river-12345678", role = "app" } }"#;
    story.configure(&[
        role,
        r#"targets = {
    first  = { lead = "5m", part = "password", ssm_parameter = { name = "/role/first" } }
    second = { wave = 2, part = "password", ssm_parameter = { name = "/role/second" } }
  }"#,
    ]);
    says(
        &story.run(&["validate"]).output,
        &["lead has no effect", "only one credential can be live"],
    );
}

#[test]
fn an_incident_waits_where_it_waits_for_checks() {
    let token = r#"targets = {
    verifier = { lead = "1h", ssm_parameter = { name = "/api/verifier" } }
    caller   = { wave = 2, ssm_parameter = { name = "/api/caller" } }
  }"#;
    let lines = [FLY_TOKEN, token, "overlap = \"1h\""];
    let mut story = Story::begun(&lines);
    story.clock("61m");
    story.apply();
    for (mode, waits) in [("checked", true), ("delivered", false), ("now", false)] {
        story.write_all(&format!(
            "provider \"rotation\" {{\n  namespace = \"production\"\n  incident {{\n    id = {mode:?}\n    reason = \"a leak\"\n    all = true\n    \
             revoke = {mode:?}\n  }}\n}}\n{}",
            resource("it", NAME, &lines)
        ));
        let plan = story.plan();
        assert_eq!(
            plan.contains("wait 10m: consumers of verifier"),
            waits,
            "{mode}: {plan}"
        );
    }
}

#[test]
fn verifiers_before_signers_as_the_guide_shows_it() {
    let mut story = Story::new();
    let secret = block("lead");
    story.write_all(&format!("{PROVIDER}{secret}"));
    story.apply();
    story.clock("61m");
    story.apply();
    let rotated = secret.replace("\n  targets", "\n  rotation_reason = \"yearly\"\n\n  targets");
    story.write_all(&format!("{PROVIDER}{rotated}"));
    printed("lead: plan", &story.plan());
    story.apply();
    story.clock("123m");
    printed("lead: continues", &story.plan());
    story.apply();
    story.clock("27h");
    printed("lead: out", &story.plan());
    story.apply();
    let without = rotated.lines().filter(|line| !line.contains("vault "));
    let without: Vec<&str> = without.collect();
    story.write_all(&format!("{PROVIDER}{}", without.join("\n")));
    let refused = story.run(&["plan"]);
    assert_eq!(refused.status, 1);
    printed("lead: lost", &refused.output);
}

/// What was cut off in the first wave is finished later: whether its lead has passed by then, only the apply's clock tells.
#[test]
fn a_first_wave_that_failed_its_check_leads_from_its_delivery() {
    for (resumed, pauses) in [("1m", true), ("61m", false)] {
        let mut story = Story::new();
        let url = story.sandbox.export("PLATFORM_URL");
        let check = format!(
            "checks = {{\n    up = {{ wave = 1, retry_for = \"1s\", http = {{ url = \"{url}/health\" }} }}\n  }}"
        );
        story.configure(&[KEY_PAIR, &targets("0s"), &check]);
        story.apply();
        let first = signing(&story);
        story
            .sandbox
            .seed(serde_json::json!({ "platform": { "healthy": false } }));
        story.configure(&[KEY_PAIR, &targets("1h"), &check, ONCE]);
        story.fails();
        assert_eq!(story.attributes()["phase"], "partial");
        story
            .sandbox
            .seed(serde_json::json!({ "platform": { "healthy": true } }));
        story.clock(resumed);
        says(
            &story.plan(),
            &[
                "wait until 1h after jwks went live: consumers of jwks load generation 2 before wave 2 gets it; if more than 10m are left",
            ],
        );
        story.apply();
        assert_eq!(signing(&story) == first, pauses, "{resumed}");
        assert_eq!(story.attributes()["phase"] == "overlapping", pauses, "{resumed}");
        story.clock("62m");
        if pauses {
            // The check passed before the pause, and is not run again.
            let plan = story.plan();
            let mut planned = plan.lines().filter(|line| line.trim().starts_with('+'));
            assert!(!planned.any(|line| line.contains("check up")), "{plan}");
            story.apply();
        }
        let settled = story.attributes();
        assert_eq!(settled["phase"], "settled");
        assert_eq!(settled["last_rotation"]["checks"][0]["result"], "passed");
        assert_eq!(signing(&story), published(&story));
    }
}
