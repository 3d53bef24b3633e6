//! Accounts that a run lacks, or that refuse it: each error names the argument and the variable.

use crate::input::{FLY_PASSWORD, NEON_ROLE, RANDOM, SSM};
use crate::story::{A_DAY, FLY_TARGET, FLY_TOKEN, Story, THREE_TARGETS, resource, unframed};

#[test]
fn wrong_tokens_of_several_vendors_are_reported_at_once_and_nothing_is_minted() {
    let mut story = Story::new();
    story.workspace.set("FLY_API_TOKEN", "FlyV1 fm2_bm9ib2R5");
    story.workspace.set("GITHUB_TOKEN", "ghp_nobody");
    story.workspace.set("AWS_SECRET_ACCESS_KEY", "nobody");
    story.configure(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    let said = unframed(&story.fails());
    for (place, answer) in [
        ("source.fly_token", "Fly returned an error"),
        ("targets[\"image_publish\"]", "GitHub answered 401"),
        ("targets[\"runtime\"]", "AWS SSM answered 4"),
    ] {
        assert!(said.contains(&format!("Error: {place}")), "{place}: {said}");
        assert!(said.contains(answer), "{answer}: {said}");
    }
    // One token is one cause, whichever of Fly's two APIs refuses it.
    assert!(
        said.contains("This also stops targets[\"control_plane\"].fly_secret"),
        "{said}"
    );
    assert!(!said.contains("failed at"), "the operation is named once:\n{said}");
    assert!(story.has_no_state());
    story.wrote_nothing();
}

#[test]
fn a_service_that_cannot_be_reached_is_named_with_what_to_look_at() {
    let mut story = Story::new();
    story.workspace.set("GITHUB_BASE_URL", "http://127.0.0.1:1");
    story.configure(&[
        RANDOM,
        "targets = { a = { github_actions_secret = { repository = \"molecule-monorepo\" } } }",
    ]);
    let said = unframed(&story.fails());
    assert!(said.contains("GitHub could not be reached"), "{said}");
    assert!(
        said.contains("Check the network and the address that is configured"),
        "{said}"
    );
    assert!(said.contains("Nothing was minted or changed."), "{said}");
}

#[test]
fn a_connection_without_credentials_names_the_argument_and_the_variable() {
    for (variable, argument, source, targets) in [
        ("FLY_API_TOKEN", "fly.token", RANDOM, FLY_TARGET),
        (
            "GITHUB_TOKEN",
            "github.token",
            RANDOM,
            "targets = { a = { github_actions_secret = { repository = \"molecule-monorepo\" } } }",
        ),
        (
            "NEON_API_KEY",
            "neon.api_key",
            "source = { neon_api_key = {} }",
            FLY_TARGET,
        ),
        ("NEON_API_KEY", "neon.api_key", NEON_ROLE, FLY_PASSWORD),
    ] {
        let mut story = Story::new();
        story.workspace.set(variable, "");
        story.configure(&[source, targets]);
        let said = story.refused("plan");
        assert!(said.contains(argument) && said.contains(variable), "{said}");
        story.wrote_nothing();
    }
}

#[test]
fn without_a_region_a_plan_says_where_one_is_set_and_a_profile_has_one() {
    let mut story = Story::new();
    for unset in ["AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"] {
        story.workspace.set(unset, "");
    }
    let file = story.workspace.path().join("aws.ini");
    story.workspace.set("AWS_CONFIG_FILE", file.to_str().unwrap());
    story.configure(&[RANDOM, SSM]);
    for content in [
        None,
        Some("[default]\noutput = json\n[profile eu]\nregion = us-east-1\n"),
    ] {
        if let Some(content) = content {
            std::fs::write(&file, content).unwrap();
        }
        let said = story.refused("plan");
        for wanted in [
            "AWS is not configured",
            "aws.region",
            "AWS_REGION",
            "AWS_DEFAULT_REGION",
            "profile",
        ] {
            assert!(said.contains(wanted), "{wanted}: {said}");
        }
        story.wrote_nothing();
    }
    // Who has no target there needs none.
    story.configure(&[FLY_TOKEN, FLY_TARGET]);
    story.plan();
    let profile = "provider \"rotation\" {\n namespace = \"production\"\n aws {\n profile = \"nowhere\"\n }\n}\n";
    story.write_all(&(profile.to_owned() + &resource("it", "NAME", &[RANDOM, SSM])));
    let said = story.refused("plan");
    assert!(
        said.contains("the profile \"nowhere\" names none or does not exist"),
        "{said}"
    );
    story.workspace.set("AWS_PROFILE", "eu");
    story.configure(&[RANDOM, SSM]);
    story.apply();
    // An empty variable names no profile, so the default one counts.
    story.workspace.set("AWS_PROFILE", "");
    std::fs::write(&file, "[default]\nregion = us-east-1\n").unwrap();
    story.settled();
}

#[test]
fn empty_variables_hide_no_endpoint_of_the_shared_aws_files() {
    let mut story = Story::new();
    let sandbox = story.sandbox.export("AWS_ENDPOINT_URL").to_owned();
    let file = story.workspace.path().join("aws.ini");
    story.workspace.set("AWS_CONFIG_FILE", file.to_str().unwrap());
    for empty in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SSM", "AWS_ENDPOINT_URL_STS"] {
        story.workspace.set(empty, "");
    }
    story.configure(&[RANDOM, SSM]);
    for profile in [
        format!("[default]\nendpoint_url = {sandbox}\n"),
        format!(
            "[default]\nendpoint_url = https://nobody.example\nservices = here\n\
             [services here]\nssm =\n  endpoint_url = {sandbox}\nsts =\n  endpoint_url = {sandbox}\n"
        ),
    ] {
        std::fs::write(&file, profile).unwrap();
        story.apply();
    }
    assert_eq!(story.attributes()["deliveries"]["a"]["status"], "current");
}

#[test]
fn the_shared_aws_files_name_endpoints_for_each_service_and_a_kind_of_endpoint() {
    let mut story = Story::new();
    let sandbox = story.sandbox.export("AWS_ENDPOINT_URL").to_owned();
    let file = story.workspace.path().join("aws.ini");
    let files = |content: &str| std::fs::write(&file, content).unwrap();
    story.workspace.set("AWS_CONFIG_FILE", file.to_str().unwrap());
    story.configure(&[RANDOM, SSM]);

    files("[default]\nuse_fips_endpoint = true\n");
    let said = unframed(&story.fails());
    for wanted in [
        "AWS_ENDPOINT_URL names an endpoint",
        "AWS_USE_FIPS_ENDPOINT",
        "Nothing was sent",
    ] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    story.wrote_nothing();

    // The section of a service goes before the general endpoint of the profile.
    files(&format!(
        "[default]\nendpoint_url = https://nobody.example\nservices = here\n\
         [services here]\nssm =\n  endpoint_url = {sandbox}\nsts =\n  endpoint_url = {sandbox}\n"
    ));
    let mut apply = story.workspace.command(&["apply", "-no-color", "-auto-approve"]);
    let output = apply
        .env_remove("AWS_ENDPOINT_URL")
        .env_remove("AWS_ENDPOINT_URL_SSM")
        .output();
    let output = output.unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat())
    );
    assert_eq!(story.attributes()["deliveries"]["a"]["status"], "current");
}
