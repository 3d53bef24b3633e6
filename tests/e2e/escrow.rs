//! Values that are parked: what was interrupted goes on with them, and an older generation can be delivered again.

use serde_json::{Value, json};

use crate::gate::revoke_as_fly;
use crate::story::{FLY_TARGET, FLY_TOKEN, NAME, Story, resource, says, unframed};
use crate::truth::{alive, fly_secret, ours, parameter, password};

const ESCROW: &str = "escrow {\n    ssm_parameter {\n      path = \"/rotation/escrow/\"\n    }\n  }";
const HEX: &str = r#"source = { random = { bytes = 32, encoding = "hex" } }"#;
/// The pair of which neither can be read back.
const FLY_AND_GITHUB: &str = r#"targets = {
    control_plane = { wave = 1, fly_secret = { app = "molecule-cp" } }
    image_publish = { wave = 2, github_actions_secret = { repository = "molecule-monorepo" } }
  }"#;
const ROLE: &str = r#"source = { neon_role_password = {
    project_id = "quiet-river-12345678", branch_id = "br-main-123456", role = "app" } }"#;
const ITS_PASSWORD: &str = r#"targets = {
    control_plane = { wave = 1, part = "password", fly_secret            = { app = "molecule-cp" } }
    image_publish = { wave = 2, part = "password", github_actions_secret = { repository = "molecule-monorepo" } }
  }"#;
const ONCE: &str = "rotation_reason = \"once\"";

/// Writes one secret with these lines, under a provider block with these.
fn configure_in(story: &Story, block: &str, lines: &[&str]) {
    let secret = resource("it", NAME, lines);
    story.write_all(&format!(
        "provider \"rotation\" {{\n  namespace = \"production\"\n  {block}\n}}\n{secret}"
    ));
}

fn configure(story: &Story, lines: &[&str]) {
    configure_in(story, ESCROW, lines);
}

fn begun(lines: &[&str]) -> Story {
    let story = Story::new();
    configure(&story, lines);
    story.apply();
    story
}

/// The parameters below a path, by name.
fn below(story: &Story, path: &str) -> Vec<(String, Value)> {
    let state = story.sandbox.state();
    let parameters = state["aws"]["ssm"].as_object().unwrap().clone();
    parameters
        .into_iter()
        .filter(|(name, _)| name.starts_with(path))
        .collect()
}

/// The values of the generations that are parked, by generation.
#[track_caller]
fn parked(story: &Story) -> Vec<(u64, Value)> {
    let found = below(story, "/rotation/escrow/");
    let [(name, entry)] = &found[..] else {
        panic!("{found:?}");
    };
    if !story.has_no_state() {
        let id = &story.attributes()["id"];
        assert_eq!(*name, format!("/rotation/escrow/{}", id.as_str().unwrap()));
    }
    assert_eq!(entry["type"], "SecureString");
    let text: Value = serde_json::from_str(entry["value"].as_str().unwrap()).unwrap();
    let generations = text["generations"].as_object().unwrap().clone();
    let generations = generations.into_iter();
    generations
        .map(|(generation, held)| (generation.parse().unwrap(), held["secret"].clone()))
        .collect()
}

/// No target gives the old value back, but escrow does.
#[test]
fn a_supplied_value_that_is_in_place_already_is_refused() {
    let story = Story::new();
    let supply = |value: &str, version: u64| {
        let source = "source = { provided = {} }";
        let value = format!("value_wo = {value:?}\n  value_wo_version = {version}");
        configure(&story, &[source, &value, FLY_TARGET]);
    };
    supply("correct horse", 1);
    story.apply();
    supply("correct horse", 2);
    says(
        &story.fails(),
        &["is the one that is already in place", "Escrow holds the same value"],
    );
    supply("battery staple", 2);
    let said = story.apply();
    assert!(!said.contains("Cannot verify"), "{said}");
    assert_eq!(fly_secret(&story, "molecule-cp", NAME).unwrap(), "battery staple");
}

#[test]
fn a_value_is_parked_before_any_target_has_it_and_leaves_with_the_secret() {
    let story = Story::new();
    configure(&story, &[FLY_TOKEN, FLY_AND_GITHUB]);
    let plan = story.plan();
    says(
        &plan,
        &["park generation 1 in escrow, an SSM parameter under /rotation/escrow/"],
    );
    assert!(
        !plan.contains("not_resumable") && !unframed(&plan).contains("cannot be resumed"),
        "{plan}"
    );
    story.sandbox.forget_calls();
    story.apply();
    let writes = story.writes();
    let at = |what: &str| {
        writes
            .iter()
            .position(|call| call.contains(what))
            .unwrap_or_else(|| panic!("{writes:?}"))
    };
    assert!(at("PutParameter") < at("/secrets"), "{writes:?}");
    let [token] = &alive(&story)[..] else { panic!() };
    assert_eq!(parked(&story), [(1, json!({ "token": token.value }))]);
    let credentials = &story.attributes()["credentials"];
    assert!(
        credentials["1"]["escrow"]
            .as_str()
            .unwrap()
            .contains("/rotation/escrow/"),
        "{credentials}"
    );
    says(&story.run(&["plan", "-destroy"]).output, &["(escrow)"]);
    story.destroy();
    assert_eq!(below(&story, "/rotation/escrow/"), []);
}

/// Nobody lists whose password it is: only what is parked tells.
#[test]
fn an_interrupted_create_goes_on_with_the_password_that_it_parked() {
    let story = begun(&[ROLE, ITS_PASSWORD]);
    let made = password(&story, "app");
    // As a kill at the end of the create leaves it.
    story.state(&["rm", "rotation_secret.it"]);
    story.apply();
    assert_eq!(password(&story, "app"), made, "it was reset again");
    assert_eq!(fly_secret(&story, "molecule-cp", NAME).as_ref(), Some(&made));
    let [(1, held)] = &parked(&story)[..] else { panic!() };
    assert_eq!(held["password"], json!(made));
    let credentials = &story.attributes()["credentials"];
    assert_eq!(credentials["1"]["credential_id"], "app", "{credentials}");
    assert!(credentials["1"]["escrow"].is_string(), "{credentials}");
    story.settled();
}

/// Its number is free at the issuer, and stands in escrow beside the value of a token that is no more.
#[test]
fn a_create_parks_its_own_value_in_place_of_a_dead_one_of_the_same_number() {
    let story = begun(&[FLY_TOKEN, FLY_AND_GITHUB]);
    let [dead] = &alive(&story)[..] else { panic!() };
    revoke_as_fly(&story, &dead.id);
    story.state(&["rm", "rotation_secret.it"]);
    story.apply();
    let [token] = &alive(&story)[..] else { panic!() };
    assert_eq!(fly_secret(&story, "molecule-cp", NAME).as_ref(), Some(&token.value));
    let parked = parked(&story);
    let values: Vec<&Value> = parked.iter().map(|(_, held)| &held["token"]).collect();
    assert_eq!(values, [&json!(token.value)]);
    story.settled();
}

#[test]
fn a_create_that_only_noted_what_it_was_about_to_reset_is_repeated() {
    let story = Story::new();
    configure(&story, &[ROLE, ITS_PASSWORD]);
    let before = password(&story, "app");
    story.sandbox.fault("POST /api/v2/projects", 1, "forbidden");
    story.fails();
    assert_eq!(password(&story, "app"), before);
    assert_eq!(parked(&story), []);
    story.apply();
    let made = password(&story, "app");
    assert_ne!(made, before);
    assert_eq!(fly_secret(&story, "molecule-cp", NAME).as_ref(), Some(&made));
    let [(1, _)] = &parked(&story)[..] else { panic!() };
    story.settled();
}

#[test]
fn a_destroy_whose_last_answer_was_lost_is_repeated() {
    let story = begun(&[HEX, FLY_AND_GITHUB]);
    story.sandbox.fault("DeleteParameter", 1, "drop_after");
    let failed = story.run(&["destroy", "-auto-approve"]);
    assert_eq!(failed.status, 1, "{}", failed.output);
    says(
        &failed.output,
        &["Destroy again to delete the values that are parked there."],
    );
    assert_eq!(below(&story, "/rotation/escrow/"), []);
    // Nothing in the configuration asks for the value, which is gone, so no plan fails.
    says(&story.settled(), &["Target control_plane does not hold generation 1"]);
    story.destroy();
    assert!(story.has_no_state());
}

#[test]
fn an_interrupted_rotation_goes_on_with_the_same_value() {
    let story = begun(&[FLY_TOKEN, FLY_AND_GITHUB]);
    configure(&story, &[FLY_TOKEN, FLY_AND_GITHUB, ONCE]);
    story.sandbox.fault("PUT /repos", 1, "forbidden");
    story.fails();
    assert_eq!(story.attributes()["phase"], "partial");
    let half = fly_secret(&story, "molecule-cp", NAME).unwrap();
    says(&story.plan(), &["read the value of generation 2 from escrow"]);
    story.apply();
    assert_eq!(ours(&story).len(), 2, "nothing was minted again");
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), Some(half.clone()));
    let held = story.sandbox.state();
    assert!(held.to_string().contains(&half));
    // GitHub's jobs may use the old one for a day; both are parked until then.
    assert_eq!(
        parked(&story)
            .iter()
            .map(|(generation, _)| *generation)
            .collect::<Vec<_>>(),
        [1, 2]
    );
    let generated = begun(&[HEX, FLY_AND_GITHUB]);
    configure(&generated, &[HEX, FLY_AND_GITHUB, ONCE]);
    generated.sandbox.fault("PUT /repos", 1, "forbidden");
    generated.fails();
    let half = fly_secret(&generated, "molecule-cp", NAME).unwrap();
    generated.apply();
    assert_eq!(fly_secret(&generated, "molecule-cp", NAME), Some(half));
    assert_eq!(generated.attributes()["generation"], 2);
}

#[test]
fn a_release_that_cannot_read_the_new_key_gets_the_old_one_back() {
    let mut story = begun(&[HEX, FLY_AND_GITHUB]);
    let old = fly_secret(&story, "molecule-cp", NAME).unwrap();
    configure(&story, &[HEX, FLY_AND_GITHUB, ONCE]);
    says(
        &story.plan(),
        &["keep generation 1 in escrow for 24h; a later apply deletes it"],
    );
    story.apply();
    let new = fly_secret(&story, "molecule-cp", NAME).unwrap();
    assert_ne!(new, old);
    let attributes = story.attributes();
    assert_eq!(attributes["phase"], "overlapping");
    assert_eq!(attributes["credentials"]["1"]["issuer"], Value::Null);

    configure(&story, &[HEX, FLY_AND_GITHUB, ONCE, "restore = 1"]);
    let plan = story.plan();
    says(
        &plan,
        &[
            "restore generation 1: read its value from escrow",
            "wave 1: set FLY_API_TOKEN of generation 1 on Fly app molecule-cp",
            "keep generation 2 in escrow for 24h; a later apply deletes it",
        ],
    );
    assert!(!plan.contains("+ \"mint generation"), "{plan}");
    story.apply();
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), Some(old.clone()));
    let attributes = story.attributes();
    assert_eq!(attributes["generation"], 1);
    assert_eq!(attributes["last_rotation"]["cause"], "restored");
    assert_eq!(attributes["credentials"]["2"]["status"], "overlapping");

    // The newer one ends after its overlap.
    story.clock("25h");
    says(&story.plan(), &["delete generation 2 from escrow"]);
    story.apply();
    assert_eq!(story.attributes()["phase"], "settled");
    assert_eq!(parked(&story), [(1, json!({ "value": old }))]);
    // It asks once: left in place, it has no further effect. No number is given twice.
    configure(
        &story,
        &[HEX, FLY_AND_GITHUB, "rotation_reason = \"twice\"", "restore = 1"],
    );
    says(&story.plan(), &["mint generation 3"]);
    story.apply();
    assert_eq!(story.attributes()["generation"], 3);
    let third = fly_secret(&story, "molecule-cp", NAME).unwrap();
    assert!(third != old && third != new);
}

#[test]
fn a_credential_that_lives_is_restored_and_the_newer_one_revoked_after_its_overlap() {
    let mut story = begun(&[FLY_TOKEN, FLY_AND_GITHUB]);
    configure(&story, &[FLY_TOKEN, FLY_AND_GITHUB, ONCE]);
    story.apply();
    configure(&story, &[FLY_TOKEN, FLY_AND_GITHUB, ONCE, "restore = 1"]);
    story.apply();
    let [first, _] = &alive(&story)[..] else { panic!() };
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), Some(first.value.clone()));
    story.clock("25h");
    says(
        &story.plan(),
        &["revoke generation 2", "delete generation 2 from escrow"],
    );
    story.apply();
    assert_eq!(alive(&story), std::slice::from_ref(first));
    assert_eq!(parked(&story), [(1, json!({ "token": first.value }))]);
}

#[test]
fn what_cannot_be_restored_is_refused_in_the_plan() {
    let mut story = begun(&[FLY_TOKEN, FLY_AND_GITHUB]);
    let restore = |story: &Story, more: &[&str], generation: u64| {
        let wanted = format!("restore = {generation}");
        configure(story, &[&[FLY_TOKEN, FLY_AND_GITHUB], more, &[&*wanted]].concat());
        story.refused("plan")
    };
    assert!(restore(&story, &[], 1).contains("It is in place already."));
    assert!(restore(&story, &[], 7).contains("It has ended, or never existed."));
    configure(&story, &[FLY_TOKEN, FLY_AND_GITHUB, ONCE]);
    story.apply();
    let said = restore(&story, &["rotation_reason = \"twice\""], 1);
    assert!(
        said.contains("The same change asks for a new generation (twice)."),
        "{said}"
    );
    story.clock("25h");
    configure(&story, &[FLY_TOKEN, FLY_AND_GITHUB, ONCE]);
    story.apply();
    assert!(restore(&story, &[ONCE], 1).contains("It has ended, or never existed."));

    // A generation from before there was an escrow.
    let story = Story::begun(&[FLY_TOKEN, FLY_AND_GITHUB]);
    configure(&story, &[FLY_TOKEN, FLY_AND_GITHUB]);
    story.settled();
    configure(&story, &[FLY_TOKEN, FLY_AND_GITHUB, ONCE]);
    story.apply();
    assert!(restore(&story, &[ONCE], 1).contains("Its value is not in escrow."));
    assert_eq!(parked(&story).len(), 1);
}

#[test]
fn an_escrow_that_cannot_be_reached_stops_the_rotation_before_the_mint() {
    let story = begun(&[FLY_TOKEN, FLY_TARGET]);
    configure(&story, &[FLY_TOKEN, FLY_TARGET, ONCE]);
    story.sandbox.lasting_fault("GetParameter", "forbidden");
    story.sandbox.forget_calls();
    let said = unframed(&story.fails());
    assert!(said.contains("ssm:GetParameter on arn:aws:ssm"), "{said}");
    story.wrote_nothing();
    story.sandbox.heal();
    story.apply();
    assert_eq!(ours(&story).len(), 2);

    // Somebody else's entry is not overwritten, and nothing is made.
    let story = Story::new();
    configure(&story, &[HEX, FLY_TARGET]);
    story.apply();
    let id = story.attributes()["id"].as_str().unwrap().to_owned();
    story.destroy();
    let name = format!("/rotation/escrow/{id}");
    story
        .sandbox
        .seed(json!({ "aws": { "parameters": { name: "by hand" } } }));
    let said = unframed(&story.fails());
    assert!(said.contains("is not this secret's"), "{said}");
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), None);
}

#[test]
fn a_value_that_cannot_be_parked_is_delivered_and_the_apply_says_so() {
    let story = begun(&[FLY_TOKEN, FLY_TARGET, "overlap = \"1h\""]);
    configure(&story, &[FLY_TOKEN, FLY_TARGET, "overlap = \"1h\"", ONCE]);
    story.sandbox.lasting_fault("PutParameter", "forbidden");
    let said = unframed(&story.fails());
    assert!(said.contains("Generation 2 is not in escrow"), "{said}");
    let [_, new] = &alive(&story)[..] else { panic!() };
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), Some(new.value.clone()));
    story.sandbox.heal();
    story.settled();
    let credentials = story.attributes()["credentials"].clone();
    assert!(
        credentials["1"]["escrow"].is_string() && credentials["2"]["escrow"].is_null(),
        "{credentials}"
    );
}

#[test]
fn a_value_that_has_ended_and_could_not_be_deleted_is_deleted_by_the_next_apply() {
    let mut story = begun(&[FLY_TOKEN, FLY_TARGET, "overlap = \"1h\""]);
    configure(&story, &[FLY_TOKEN, FLY_TARGET, "overlap = \"1h\"", ONCE]);
    story.apply();
    story.clock("2h");
    story.sandbox.lasting_fault("PutParameter", "forbidden");
    let said = story.run(&["apply", "-auto-approve"]).success();
    says(&said, &["Old values are still in escrow"]);
    assert_eq!(alive(&story).len(), 1);
    assert_eq!(parked(&story).len(), 2);
    story.sandbox.heal();
    let plan = story.plan();
    says(&plan, &["delete generation 1 from escrow", "escrow_left"]);
    story.apply();
    assert_eq!(parked(&story).len(), 1);
}

#[test]
fn escrow_can_be_left_and_moved() {
    let story = begun(&[FLY_TOKEN, FLY_TARGET]);
    let held = parked(&story);
    let elsewhere = ESCROW.replace("/rotation/escrow/", "/vault");
    configure_in(&story, &elsewhere, &[FLY_TOKEN, FLY_TARGET]);
    says(
        &story.plan(),
        &[
            "move generation 1 in escrow from SSM parameter /rotation/escrow/",
            "to SSM parameter /vault/",
        ],
    );
    story.apply();
    assert_eq!(below(&story, "/rotation/escrow/"), []);
    assert_eq!(below(&story, "/vault/").len(), 1);
    configure(&story, &[FLY_TOKEN, FLY_TARGET]);
    story.apply();
    assert_eq!(parked(&story), held);

    configure(&story, &[FLY_TOKEN, FLY_TARGET, "escrow = false"]);
    says(
        &story.plan(),
        &["delete SSM parameter /rotation/escrow/", "where generation 1 is parked"],
    );
    story.apply();
    assert_eq!(below(&story, "/rotation/escrow/"), []);
    assert_eq!(ours(&story).len(), 1);
}

#[test]
fn a_wrong_escrow_is_refused_where_it_is_written() {
    let story = Story::new();
    for (block, said) in [
        (ESCROW.replace("/rotation/escrow/", "rotation"), "begins with a slash"),
        (ESCROW.replace("/rotation/escrow/", "/aws/escrow/"), "reserved by AWS"),
        ("escrow {\n  }".to_owned(), "escrow requires ssm_parameter"),
        (
            ESCROW.replace("path ", "kms_key_id = \"a b\"\n      path "),
            "a key is written as its id, ARN or alias",
        ),
        (ESCROW.replace("path ", "connection = \"vault\"\n      path "), "vault"),
    ] {
        configure_in(&story, &block, &[FLY_TOKEN, FLY_TARGET]);
        let refused = story.refused("validate");
        assert!(refused.contains(said), "{said}: {refused}");
    }
    story.configure(&[FLY_TOKEN, FLY_TARGET, "escrow = true"]);
    assert!(
        story
            .refused("validate")
            .contains("escrow = true requires an escrow block")
    );
    configure(
        &story,
        &[
            HEX,
            r#"targets = { it = { ssm_parameter = { name = "/rotation/escrow/it" } } }"#,
        ],
    );
    let said = story.refused("plan");
    assert!(said.contains("target it is inside the escrow path"), "{said}");
}

#[test]
fn a_keyring_holds_the_new_key_and_the_one_before() {
    const RING: &str =
        r#"targets = { ring = { template = "{{ value }},{{ previous }}", fly_secret = { app = "molecule-cp" } } }"#;
    let story = Story::new();
    story.configure(&[HEX, RING]);
    assert!(story.refused("validate").contains("{{ previous }} is read from escrow"));
    configure(&story, &[HEX, RING, "overlap = \"1h\""]);
    story.apply();
    let ring = |story: &Story| -> Vec<String> {
        let held = fly_secret(story, "molecule-cp", NAME).unwrap();
        held.split(',').map(str::to_owned).collect()
    };
    // The first generation has none before it.
    let [first, same] = &ring(&story)[..] else { panic!() };
    assert_eq!(first, same);
    configure(&story, &[HEX, RING, "overlap = \"1h\"", ONCE]);
    story.apply();
    let [second, before] = &ring(&story)[..] else { panic!() };
    assert!(before == first && second != first);

    // What cannot be had is refused before anything is made.
    let story = Story::begun(&[HEX, FLY_TARGET]);
    configure(&story, &[HEX, RING, ONCE]);
    let said = unframed(&story.fails());
    assert!(
        said.contains("needs the value of generation 1, which is not in escrow"),
        "{said}"
    );
    assert_eq!(story.attributes()["generation"], 1);
}

#[test]
fn a_lost_answer_of_an_issuer_that_cannot_name_what_it_makes_is_found_again() {
    const PLACE: &str = r#"project_id = "quiet-river-12345678", branch_id = "br-main-123456", role = "app""#;
    const TARGET: &str = r#"targets = { url = { part = "password", fly_secret = { app = "molecule-cp" } } }"#;
    for more in ["", ", alternate_role = \"app_b\""] {
        let source = format!("source = {{ neon_role_password = {{ {PLACE}{more} }} }}");
        let lines = [&*source, TARGET, "overlap = \"0s\""];
        let lines = if more.is_empty() { &lines[..2] } else { &lines[..] };
        let story = begun(lines);
        let again = [lines, &[ONCE]].concat();
        configure(&story, &again);
        // Neon's instants have whole seconds.
        story.a_second_later().sandbox.forget_calls();
        story.sandbox.fault("reset_password", 1, "drop_after");
        story.fails();
        let writes = story.writes();
        let at = |what: &str| writes.iter().position(|call| call.contains(what)).unwrap();
        assert!(at("PutParameter") < at("reset_password"), "{writes:?}");
        let role = if more.is_empty() { "app" } else { "app_b" };
        story.apply();
        // What the one reset made, whose answer was lost.
        let made = password(&story, role);
        assert_eq!(fly_secret(&story, "molecule-cp", NAME), Some(made.clone()), "{role}");
        let reset = story
            .writes()
            .iter()
            .filter(|call| call.contains(&format!("{role}/reset_password")))
            .count();
        assert_eq!(reset, 1, "{role}: {:?}", story.writes());
        assert_eq!(parked(&story).last().unwrap().1["password"], json!(made));
    }
}

#[test]
fn a_key_pair_is_parked_by_its_private_half_and_restored_whole() {
    const PAIR: &str = r#"source = { key_pair = { algorithm = "rsa_4096" } }"#;
    const HALVES: &str = r#"targets = {
    verifier = { wave = 1, part = "public_jwk", ssm_parameter = { name = "/key/public" } }
    signer   = { wave = 2, part = "private_jwk", fly_secret = { app = "molecule-cp" } }
  }"#;
    let story = begun(&[PAIR, HALVES, "overlap = \"1h\""]);
    let kids = |story: &Story| {
        let public = story.attributes()["public"]["kid"].clone();
        let of = |text: String| serde_json::from_str::<Value>(&text).unwrap()["kid"].clone();
        let held = [parameter(story, "/key/public"), fly_secret(story, "molecule-cp", NAME)];
        for held in held {
            assert_eq!(of(held.unwrap()), public);
        }
        public
    };
    let first = kids(&story);
    configure(&story, &[PAIR, HALVES, "overlap = \"1h\"", ONCE]);
    story.apply();
    assert_ne!(kids(&story), first);
    assert_eq!(parked(&story).len(), 2);
    configure(&story, &[PAIR, HALVES, "overlap = \"1h\"", ONCE, "restore = 1"]);
    story.apply();
    assert_eq!(kids(&story), first);
}

#[test]
fn a_destroy_that_cannot_delete_the_entry_says_what_is_left_and_the_next_one_deletes_it() {
    let story = begun(&[FLY_TOKEN, FLY_TARGET]);
    story.sandbox.lasting_fault("DeleteParameter", "forbidden");
    let outcome = story.run(&["apply", "-destroy", "-auto-approve"]);
    assert_eq!(outcome.status, 1, "{}", outcome.output);
    says(
        &outcome.output,
        &["(escrow)", "Everything else is deleted and revoked. Destroy again"],
    );
    assert_eq!(alive(&story), []);
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), None);
    story.sandbox.heal();
    // The state says where it is, also when the provider block does not any more.
    story.configure(&[FLY_TOKEN, FLY_TARGET]);
    story.destroy();
    assert_eq!(below(&story, "/rotation/escrow/"), []);
    assert!(story.has_no_state());
}

#[test]
fn what_mints_nothing_goes_on_without_escrow() {
    const TWO: &str = r#"targets = {
    copy          = { wave = 1, ssm_parameter = { name = "/molecule/copy" } }
    control_plane = { wave = 2, fly_secret = { app = "molecule-cp" } }
  }"#;
    let story = begun(&[HEX, TWO]);
    let before = parameter(&story, "/molecule/copy");
    let id = story.attributes()["id"].as_str().unwrap().to_owned();
    let by_hand = json!({ format!("/rotation/escrow/{id}"): "by hand" });
    story.sandbox.seed(json!({ "aws": { "parameters": by_hand } }));
    // A repair needs no escrow, and leaves alone what somebody else wrote there.
    story.sandbox.forget_calls();
    assert_eq!(
        crate::drift::as_fly(&story, "POST", &json!({ "value": "typed by hand" })),
        201
    );
    story.apply();
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), before);
    assert!(
        !story.writes().iter().any(|call| call.contains("PutParameter")),
        "{:?}",
        story.writes()
    );
    // A rotation is refused.
    configure(&story, &[HEX, TWO, ONCE]);
    assert!(unframed(&story.fails()).contains("is not this secret's"));
    story.destroy();
    assert_eq!(below(&story, "/rotation/escrow/").len(), 1);
}

#[test]
fn an_incident_does_not_wait_for_escrow() {
    let story = begun(&[FLY_TOKEN, FLY_TARGET]);
    let block = format!("{ESCROW}\n  incident {{\n    id = \"INC-1\"\n    reason = \"leaked\"\n    all = true\n  }}");
    configure_in(&story, &block, &[FLY_TOKEN, FLY_TARGET]);
    story.sandbox.lasting_fault("GetParameter", "forbidden");
    let said = unframed(&story.fails());
    assert!(said.contains("ssm:GetParameter on arn:aws:ssm"), "{said}");
    let [token] = &alive(&story)[..] else {
        panic!("{:?}", alive(&story))
    };
    assert_eq!(ours(&story).len(), 2);
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), Some(token.value.clone()));
    story.sandbox.heal();
    story.apply();
    assert_eq!(alive(&story).len(), 1);
}

#[test]
fn a_restore_of_a_guarded_secret_is_confirmed_and_one_of_an_exposed_generation_refused() {
    const GUARD: &str = "guard {\n    consequence = \"sessions end\"\n  }";
    let confirmed = |line: &str| GUARD.replace("\n  }", &format!("\n    confirm = {line:?}\n  }}"));
    let story = begun(&[HEX, FLY_TARGET, "overlap = \"1h\"", GUARD]);
    let first = fly_secret(&story, "molecule-cp", NAME);
    let rotated = [HEX, FLY_TARGET, "overlap = \"1h\"", ONCE, &confirmed("2: sessions end")];
    configure(&story, &rotated);
    story.apply();
    configure(&story, &[&rotated[..], &["restore = 1"]].concat());
    let said = story.refused("plan");
    assert!(
        said.contains("would put generation 1 in place") && said.contains("1: sessions end"),
        "{said}"
    );
    let guard = confirmed("1: sessions end");
    configure(
        &story,
        &[HEX, FLY_TARGET, "overlap = \"1h\"", ONCE, &guard, "restore = 1"],
    );
    story.apply();
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), first);

    // Where a person revokes, what an incident exposed lives on for a while.
    const BY_HAND: &str = "revoke {\n    mode = \"manual\"\n  }";
    let story = begun(&[FLY_TOKEN, FLY_TARGET, BY_HAND]);
    let incident =
        format!("{ESCROW}\n  incident {{\n    id = \"INC-1\"\n    reason = \"leaked\"\n    all = true\n  }}");
    configure_in(&story, &incident, &[FLY_TOKEN, FLY_TARGET, BY_HAND]);
    story.fails();
    assert_eq!(alive(&story).len(), 2);
    configure_in(&story, &incident, &[FLY_TOKEN, FLY_TARGET, BY_HAND, "restore = 1"]);
    let said = story.refused("plan");
    assert!(said.contains("An incident exposed it."), "{said}");
}

#[test]
fn what_is_not_parked_any_more_and_nobody_issued_is_not_kept() {
    let lines = [HEX, FLY_AND_GITHUB, "overlap = \"24h\""];
    let story = begun(&lines);
    configure(&story, &[&lines[..], &[ONCE]].concat());
    story.apply();
    assert_eq!(story.attributes()["phase"], "overlapping");
    configure(&story, &[&lines[..], &[ONCE, "escrow = false"]].concat());
    story.apply();
    let left = story.attributes();
    assert_eq!(left["phase"], "settled");
    let generations: Vec<&String> = left["credentials"].as_object().unwrap().keys().collect();
    assert_eq!(generations, ["2"]);
    assert_eq!(left["next_action_at"], Value::Null);
}

#[test]
fn a_part_of_a_value_that_a_target_gives_back_is_not_parked_as_the_whole() {
    const PAIR: &str = "source = { key_pair = { algorithm = \"ed25519\" } }";
    let vault = "targets = {\n    vault = { part = \"private_jwk\", ssm_parameter = { name = \"/jwt/vault\" } }\n  }";
    let story = Story::begun(&[PAIR, vault]);
    let more = vault.replace(
        "vault = {",
        "signer = { part = \"private_jwk\", fly_secret = { app = \"molecule-cp\" } }\n    vault = {",
    );
    configure(&story, &[PAIR, &more]);
    assert!(!story.plan().contains("park generation"));
    story.apply();
    assert_eq!(fly_secret(&story, "molecule-cp", NAME), parameter(&story, "/jwt/vault"));
    assert_eq!(below(&story, "/rotation/escrow/"), []);
    assert_eq!(story.attributes()["credentials"]["1"]["escrow"], Value::Null);
    configure(&story, &[PAIR, &more, ONCE]);
    story.apply();
    assert_eq!(parked(&story).len(), 1);
}

/// Nobody accepts an older value by itself, so that no consumer needs more time.
#[test]
fn the_end_of_a_parked_value_is_not_called_a_revocation() {
    const RUNTIME: &str = r#"targets = { runtime = { ssm_parameter = { name = "/molecule/production/KEY" } } }"#;
    let story = begun(&[HEX, RUNTIME]);
    configure(&story, &[HEX, RUNTIME, "rotation_reason = \"leaked\""]);
    let plan = unframed(&story.plan());
    assert!(plan.contains("delete generation 1 from escrow"), "{plan}");
    for wrong in ["this apply revokes", "Set `overlap`"] {
        assert!(!plan.contains(wrong), "{wrong} is in\n{plan}");
    }
}
