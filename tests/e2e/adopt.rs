//! Taking over what exists: nothing is written until it is due, and the first rotation revokes what was handed over.

use serde_json::{Value, json};

use crate::story::{A_DAY, FLY_TOKEN, NAME, PARAMETER, REPOSITORY, Story, THREE_TARGETS, says};
use crate::truth::{
    FlyToken, alive, fly_secret, fly_tokens, github_secret, parameter, password, three_targets_hold, write_fly_secret,
};

/// The name of the token that somebody made by hand.
const BY_HAND: &str = "molecule-cp-rotation-20260101";

/// A team that has rotated by hand so far: one token, put into three places.
pub(crate) struct Brownfield {
    pub(crate) story: Story,
    pub(crate) token: FlyToken,
}

impl Brownfield {
    pub(crate) fn new() -> Self {
        Self::of(Story::new())
    }

    pub(crate) fn of(story: Story) -> Self {
        story
            .sandbox
            .seed(json!({ "fly": { "tokens": [{ "app": "molecule-cp", "name": BY_HAND }, { "app": "molecule-cp", "name": "other" }] } }));
        let token = fly_tokens(&story)
            .into_iter()
            .find(|token| token.name == BY_HAND)
            .unwrap();
        write_fly_secret(&story, &token.value);
        story.sandbox.seed(json!({
            "github": { "repositories": { REPOSITORY: { "secrets": { NAME: token.value } } } },
            "aws": { "parameters": { PARAMETER: token.value } },
        }));
        story.sandbox.forget_calls();
        Self { story, token }
    }

    pub(crate) fn adopt(&self) -> String {
        format!("adopt {{\n    credential_id = {:?}\n  }}", self.token.id)
    }

    /// Everything holds what it held, and nothing was written.
    #[track_caller]
    pub(crate) fn untouched(&self) {
        let story = &self.story;
        story.wrote_nothing();
        let value = Some(self.token.value.clone());
        assert_eq!(fly_secret(story, "molecule-cp", NAME), value);
        assert_eq!(github_secret(story, REPOSITORY, NAME), value);
        assert_eq!(parameter(story, PARAMETER), value);
        assert!(self.is_alive());
    }

    pub(crate) fn is_alive(&self) -> bool {
        fly_tokens(&self.story)
            .iter()
            .any(|known| known.id == self.token.id && known.alive)
    }
}

fn codes(attributes: &Value) -> Vec<&str> {
    let notices = attributes["notices"].as_array().unwrap().iter();
    notices.map(|notice| notice["code"].as_str().unwrap()).collect()
}

#[test]
fn an_adoption_writes_nothing_and_the_first_rotation_revokes_what_was_handed_over() {
    let mut field = Brownfield::new();
    let adopt = field.adopt();
    let lines = [FLY_TOKEN, THREE_TARGETS, A_DAY, adopt.as_str()];
    field.story.configure(&lines);
    let plan = field.story.plan();
    says(
        &plan,
        &[
            &format!(
                "take over generation 0: credential {} of Fly app molecule-cp",
                field.token.id
            ),
            "wave 1: take over FLY_API_TOKEN of generation 0 on Fly app molecule-cp",
            "(control_plane), without writing it",
            "wave 2: take over FLY_API_TOKEN of generation 0 in GitHub repository molecule-ai/molecule-monorepo",
            "cause = \"adopted\"",
        ],
    );
    assert!(!plan.contains("mint"), "{plan}");
    field.story.apply();
    field.untouched();
    let attributes = field.story.attributes();
    assert_eq!(attributes["generation"], 0);
    assert_eq!(attributes["phase"], "settled");
    assert_eq!(attributes["credentials"]["0"]["credential_id"], field.token.id.as_str());
    assert_eq!(attributes["credentials"]["0"]["status"], "current");
    for target in ["control_plane", "image_publish", "runtime"] {
        let delivery = &attributes["deliveries"][target];
        assert_eq!(
            (&delivery["status"], &delivery["generation"]),
            (&json!("current"), &json!(0)),
            "{target}"
        );
        assert_eq!(delivery["existed_before"], true);
    }
    // Later the block has no effect, whatever it says.
    field.story.configure(&[
        FLY_TOKEN,
        THREE_TARGETS,
        A_DAY,
        "adopt {\n    credential_id = \"no-such-token\"\n  }",
    ]);
    field.story.apply();
    field.untouched();

    field
        .story
        .configure(&[&lines[..], &["rotation_reason = \"taken over\""]].concat());
    says(
        &field.story.plan(),
        &[
            "mint generation 1",
            &format!("keep generation 0 ({}) valid for 24h", field.token.id),
        ],
    );
    field.story.apply();
    let new = alive(&field.story);
    assert_eq!(new.len(), 1, "{new:?}");
    assert!(new[0].name.ends_with("-g1"), "{new:?}");
    three_targets_hold(&field.story, &new[0].value);
    assert!(field.is_alive());
    assert_eq!(field.story.attributes()["phase"], "overlapping");
    field.story.clock("25h");
    says(
        &field.story.plan(),
        &[&format!("revoke generation 0 ({})", field.token.id)],
    );
    field.story.apply();
    assert!(!field.is_alive());
    let others: Vec<_> = fly_tokens(&field.story)
        .into_iter()
        .filter(|known| known.name == "other")
        .collect();
    assert!(others[0].alive, "a token of somebody else");
    assert_eq!(field.story.attributes()["phase"], "settled");
}

#[test]
fn an_adopted_secret_is_due_since_its_last_rotation() {
    let mut field = Brownfield::new();
    let yesterday = jiff::Timestamp::now()
        .checked_sub(jiff::SignedDuration::from_hours(24))
        .unwrap();
    let adopt = format!("adopt {{\n    rotated_at = \"{yesterday}\"\n  }}");
    let schedule = "rotation {\n    every = \"10d\"\n  }";
    field
        .story
        .configure(&[FLY_TOKEN, THREE_TARGETS, A_DAY, &adopt, schedule]);
    let due = yesterday.checked_add(jiff::SignedDuration::from_hours(240)).unwrap();
    says(&field.story.plan(), &[&format!("rotate_after = \"{due}\"")]);
    field.story.apply();
    field.untouched();
    let attributes = field.story.attributes();
    assert_eq!(attributes["rotated_at"], yesterday.to_string());
    assert_eq!(attributes["rotate_after"], due.to_string());
    field.story.clock("8d");
    field.story.settled();
    field.story.clock("217h");
    says(&field.story.plan(), &["mint generation 1", "every 10d, due since"]);
    field.story.apply();
    // Nobody told the id of the token that was taken over: only a person can revoke it.
    field.story.clock("243h");
    let said = field.story.settled();
    says(&said, &["revoke_by_hand", "Generation 0", "revoke { confirmed = 0 }"]);
    assert_eq!(field.story.attributes()["phase"], "overlapping");
    assert!(field.is_alive());
    field.story.configure(&[
        FLY_TOKEN,
        THREE_TARGETS,
        A_DAY,
        schedule,
        "revoke {\n    confirmed = 0\n  }",
    ]);
    field.story.apply();
    assert_eq!(field.story.attributes()["phase"], "settled");
    assert!(field.is_alive());
}

#[test]
fn drift_of_an_adopted_entry_is_found_and_nothing_is_rotated_for_it() {
    let field = Brownfield::new();
    let adopt = field.adopt();
    let lines = [FLY_TOKEN, THREE_TARGETS, A_DAY, adopt.as_str()];
    field.story.configure(&lines);
    field.story.apply();
    field.story.a_second_later();
    write_fly_secret(&field.story, "typed by hand");
    field.story.sandbox.seed(json!({
        "github": { "repositories": { REPOSITORY: { "secrets": { NAME: "typed by hand" } } } },
        "aws": { "parameters": { PARAMETER: "typed by hand" } },
    }));
    field.story.sandbox.forget_calls();
    let said = field.story.settled();
    says(
        &said,
        &[
            "not_restorable",
            "Target control_plane was changed",
            "set a new `rotation_reason`",
        ],
    );
    field.story.run(&["apply", "-refresh-only", "-auto-approve"]).success();
    let attributes = field.story.attributes();
    for target in ["control_plane", "image_publish", "runtime"] {
        assert_eq!(attributes["deliveries"][target]["status"], "changed", "{target}");
    }
    assert_eq!(codes(&attributes), ["not_restorable"; 3]);
    field.story.wrote_nothing();
    // With `on_drift = "rotate"` it is.
    field
        .story
        .configure(&[&lines[..], &["on_drift = \"rotate\""]].concat());
    says(&field.story.plan(), &["mint generation 1", "changed outside Terraform"]);
}

#[test]
fn what_cannot_be_taken_over_is_refused_before_anything_is_done() {
    let field = Brownfield::new();
    let story = &field.story;
    let adopt = |id: &str| format!("adopt {{\n    credential_id = {id:?}\n  }}");
    // A typo never names a stranger's key.
    story.configure(&[FLY_TOKEN, THREE_TARGETS, A_DAY, &adopt("no-such-token")]);
    let said = story.fails();
    says(
        &said,
        &[
            "has no credential no-such-token",
            &field.token.id,
            "Nothing was minted or changed",
        ],
    );
    // A target's entry does not exist.
    let missing = r#"targets = {
    control_plane = { fly_secret = { app = "molecule-cp" } }
    worker        = { fly_secret = { app = "molecule-worker" } }
  }"#;
    story.configure(&[FLY_TOKEN, missing, &field.adopt()]);
    let said = story.fails();
    says(&said, &["FLY_API_TOKEN on app molecule-worker", "targets[\"worker\"]"]);
    // A time to come.
    story.configure(&[
        FLY_TOKEN,
        THREE_TARGETS,
        A_DAY,
        "adopt {\n    rotated_at = \"2100-01-01T00:00:00Z\"\n  }",
    ]);
    says(&story.fails(), &["adopt.rotated_at is in the future"]);
    assert!(story.has_no_state());
    field.untouched();
    for (adopt, words) in [
        ("rotated_at = \"yesterday\"", "adopt.rotated_at is not a time"),
        (
            "credential_id = \" tok \"",
            "adopt.credential_id is not the id of a credential",
        ),
    ] {
        story.configure(&[FLY_TOKEN, THREE_TARGETS, A_DAY, &format!("adopt {{\n    {adopt}\n  }}")]);
        says(&story.refused("validate"), &[words]);
    }
    let generated = "source = { random = { bytes = 32, encoding = \"hex\" } }";
    story.configure(&[generated, THREE_TARGETS, &field.adopt()]);
    says(&story.refused("validate"), &["adopt.credential_id has no effect"]);
    let supplied = "source = { provided = {} }\n  value_wo = \"first\"\n  value_wo_version = 1";
    story.configure(&[supplied, THREE_TARGETS, &field.adopt()]);
    says(
        &story.refused("plan"),
        &["a value is supplied for a secret that is taken over"],
    );
}

#[test]
fn what_other_secrets_of_this_provider_manage_is_not_taken_over() {
    let first = Brownfield::new();
    let targets = r#"targets = { runtime = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } } }"#;
    first
        .story
        .configure(&[FLY_TOKEN, targets, A_DAY, "on_existing = \"replace\""]);
    first.story.apply();
    let token = alive(&first.story)[0].clone();
    let other = first.story.beside();
    let adopt = format!("adopt {{\n    credential_id = {:?}\n  }}", token.id);
    let configure = |lines: &[&str]| {
        let lines = [&[FLY_TOKEN, targets, A_DAY, &adopt], lines].concat();
        let resource = crate::story::resource("it", NAME, &lines);
        other.write_all(&format!(
            "provider \"rotation\" {{\n  namespace = \"other\"\n}}\n{resource}"
        ));
    };
    configure(&[]);
    let said = other.fails();
    says(
        &said,
        &[
            "is a credential of another secret",
            "is managed by another secret",
            &token.name,
        ],
    );
    // The same namespace is the same secret: a lost state. Then its credentials may be taken over.
    other.configure(&[FLY_TOKEN, targets, A_DAY, "adopt {\n  }"]);
    says(
        &other.fails(),
        &[
            "Another state manages this secret",
            "set adopt.credential_id",
            &token.id,
        ],
    );
    other.configure(&[FLY_TOKEN, targets, A_DAY, &adopt]);
    other.apply();
    assert_eq!(
        other.attributes()["credentials"]["0"]["credential_id"],
        token.id.as_str()
    );
    other.configure(&[
        FLY_TOKEN,
        targets,
        A_DAY,
        &adopt,
        "rotation_reason = \"the state was lost\"",
    ]);
    other.apply();
    assert_eq!(alive(&other).len(), 2);
    assert_eq!(other.attributes()["generation"], 1);
}

#[test]
fn an_adopted_secret_that_was_never_rotated_is_destroyed_without_a_trace() {
    let field = Brownfield::new();
    field
        .story
        .configure(&[FLY_TOKEN, THREE_TARGETS, A_DAY, &field.adopt()]);
    field.story.apply();
    // Nor is a target that leaves the configuration its own to delete.
    let fewer = r#"targets = { control_plane = { fly_secret = { app = "molecule-cp" } } }"#;
    field.story.configure(&[FLY_TOKEN, fewer, A_DAY, &field.adopt()]);
    says(
        &field.story.plan(),
        &["leave FLY_API_TOKEN of generation 0", "in place, no longer managed"],
    );
    field.story.apply();
    let said = field.story.destroy();
    says(
        &said,
        &[
            "destroying it changes nothing outside Terraform",
            &format!("generation 0 ({}) is still valid", field.token.id),
        ],
    );
    assert!(field.story.has_no_state());
    field.untouched();
}

#[test]
fn a_value_that_was_supplied_by_hand_is_taken_over_and_renewed_with_the_next_one() {
    let field = Brownfield::new();
    let targets = r#"targets = { runtime = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } } }"#;
    let source = |id: &str| format!("source = {{ provided = {{ credential_id = {id:?} }} }}");
    field
        .story
        .configure(&[&source("rk_1"), "value_wo_version = 1", targets, "adopt {\n  }"]);
    field.story.apply();
    field.untouched();
    assert_eq!(field.story.attributes()["credentials"]["0"]["credential_id"], "rk_1");
    field.story.configure(&[
        &source("rk_2"),
        "value_wo_version = 2",
        "value_wo = \"second\"",
        targets,
        "adopt {\n  }",
    ]);
    field.story.apply();
    assert_eq!(parameter(&field.story, PARAMETER).as_deref(), Some("second"));
    let attributes = field.story.attributes();
    assert_eq!(attributes["generation"], 1);
    assert_eq!(attributes["credentials"]["0"]["status"], "overlapping");
    says(&field.story.settled(), &["rk_1", "revoke { confirmed = 0 }"]);
}

#[test]
fn a_new_target_of_an_adopted_secret_waits_for_the_first_rotation() {
    let field = Brownfield::new();
    let one = r#"targets = { control_plane = { fly_secret = { app = "molecule-cp" } } }"#;
    field.story.configure(&[FLY_TOKEN, one, A_DAY, &field.adopt()]);
    field.story.apply();
    field
        .story
        .configure(&[FLY_TOKEN, THREE_TARGETS, A_DAY, &field.adopt()]);
    says(
        &field.story.refused("plan"),
        &[
            "the value cannot be delivered",
            "An adopted value is not replaced unless you ask for it",
        ],
    );
    // Other words for an entry are for the first rotation, too.
    let described = r#"targets = { runtime = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN", description = "of the control plane" } } }"#;
    let story = &field.story;
    let runtime = r#"targets = { runtime = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } } }"#;
    story.state(&["rm", "rotation_secret.it"]);
    story.configure(&[FLY_TOKEN, runtime, A_DAY, &field.adopt()]);
    story.apply();
    story.configure(&[FLY_TOKEN, described, A_DAY, &field.adopt()]);
    story.apply();
    field.untouched();
}

#[test]
fn a_first_rotation_that_is_cut_off_is_finished_and_revokes_what_was_handed_over() {
    let mut field = Brownfield::new();
    let adopt = field.adopt();
    let lines = [FLY_TOKEN, THREE_TARGETS, A_DAY, adopt.as_str()];
    field.story.configure(&lines);
    field.story.apply();
    field
        .story
        .configure(&[&lines[..], &["rotation_reason = \"once\""]].concat());
    field.story.sandbox.lasting_fault("actions/secrets", "forbidden");
    let said = field.story.fails();
    says(&said, &["image_publish"]);
    let attributes = field.story.attributes();
    assert!(field.is_alive());
    field.story.sandbox.heal();
    field.story.apply();
    let new = alive(&field.story);
    assert_eq!(new.len(), 1, "{attributes}");
    three_targets_hold(&field.story, &new[0].value);
    field.story.clock("26h");
    field.story.apply();
    assert!(!field.is_alive());
    assert_eq!(field.story.attributes()["phase"], "settled");
}

#[test]
fn a_tainted_secret_is_not_adopted_again() {
    let field = Brownfield::new();
    field
        .story
        .configure(&[FLY_TOKEN, THREE_TARGETS, A_DAY, &field.adopt()]);
    field.story.apply();
    let before = field.story.attributes();
    field.story.run(&["taint", "rotation_secret.it"]).success();
    let said = field.story.fails();
    says(
        &said,
        &["a secret that is replaced cannot be adopted", "terraform untaint"],
    );
    field.untouched();
    field.story.run(&["untaint", "rotation_secret.it"]).success();
    field.story.settled();
    assert_eq!(field.story.attributes(), before);
    // Nor is one that is replaced by hand; without the block, a replacement rotates.
    let replace = ["apply", "-auto-approve", "-replace=rotation_secret.it"];
    let outcome = field.story.run(&replace);
    assert_eq!(outcome.status, 1, "{}", outcome.output);
    says(&outcome.output, &["a secret that is replaced cannot be adopted"]);
    field.untouched();
    field.story.configure(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    field.story.run(&replace).success();
    assert_eq!(field.story.attributes()["generation"], 1);
    assert!(field.is_alive());
}

#[test]
fn of_two_roles_the_one_in_use_must_be_named_and_is_not_reset() {
    let story = Story::new();
    let source = r#"source = { neon_role_password = { project_id = "quiet-river-12345678", branch_id = "br-main-123456", role = "app", alternate_role = "app_b" } }"#;
    let target = r#"targets = { runtime = { part = "uri", ssm_parameter = { name = "/molecule/DATABASE_URL" } } }"#;
    let app = password(&story, "app");
    story.sandbox.seed(
        json!({ "aws": { "parameters": { "/molecule/DATABASE_URL": format!("postgres://app:{app}@host/neondb") } } }),
    );
    story.sandbox.forget_calls();
    story.configure(&[source, target, A_DAY, "adopt {\n  }"]);
    says(&story.refused("plan"), &["adopt.credential_id is required"]);
    story.configure(&[source, target, A_DAY, "adopt {\n    credential_id = \"app\"\n  }"]);
    story.apply();
    story.wrote_nothing();
    story.configure(&[source, target, A_DAY, "rotation_reason = \"once\""]);
    story.apply();
    assert_eq!(password(&story, "app"), app, "the role in use");
    let uri = parameter(&story, "/molecule/DATABASE_URL").unwrap();
    assert!(uri.contains("app_b"), "the other role");
    assert_eq!(story.attributes()["credentials"]["0"]["credential_id"], "app");
}

#[test]
fn an_unknown_value_leaves_an_import_and_an_adoption_to_the_apply() {
    let field = Brownfield::new();
    let unknown = format!(
        "resource \"terraform_data\" \"id\" {{\n  input = {:?}\n}}\n",
        field.token.id
    );
    let adopt = "adopt {\n    credential_id = terraform_data.id.output\n  }";
    let resource = crate::story::resource("it", NAME, &[FLY_TOKEN, THREE_TARGETS, A_DAY, adopt]);
    field.story.write(&format!("{unknown}{resource}"));
    field.story.run(&["import", "rotation_secret.it", NAME]).success();
    field.story.apply();
    field.untouched();
    let attributes = field.story.attributes();
    assert_eq!(attributes["credentials"]["0"]["credential_id"], field.token.id.as_str());
    field.story.state(&["rm", "rotation_secret.it", "terraform_data.id"]);
    field.story.apply();
    field.untouched();
}
